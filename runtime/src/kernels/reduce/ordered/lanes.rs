//! Reductions with rounding of many sequences side by side. Accumulators are in [`Columns`], with a
//! row of lanes for each word.

use super::super::accumulator::{Accumulator, Element, Weights};
use super::super::columns::TREE;
use super::super::{Columns, RUN};
use super::{Ordered, get, halves, put, update};

impl<M, T, const W: usize, const A: usize, const G: usize> Ordered<M, T, W, A, G>
where
    M: Accumulator<T, W>,
    T: Element,
{
    /// The rows of a place.
    #[inline(always)]
    pub(super) fn rows_of(place: usize) -> [usize; W] {
        std::array::from_fn(|w| place * W + w)
    }

    /// Folds the accumulators at place `right` onto those at place `left`, in all lanes. Each
    /// argument is a place and the number of elements of an accumulator there.
    #[inline(always)]
    pub(super) fn fold_lanes(columns: &mut Columns, left: (usize, u64), right: (usize, u64)) {
        // SAFETY: no elements are read.
        unsafe { Self::fold_onto(columns, [right, left], None) };
    }

    /// Folds the accumulators at the first place onto those at the second, the result onto those at
    /// the third and so on, in all lanes. With each place comes the number of elements of an
    /// accumulator there. If `a` is given, the accumulators at the first place first take an
    /// element from it, which their number of elements includes.
    ///
    /// # Safety
    /// `a` has a readable element for each lane.
    #[inline(always)]
    pub(super) unsafe fn fold_onto<const N: usize>(
        columns: &mut Columns,
        places: [(usize, u64); N],
        a: Option<*const T>,
    ) {
        let mut count = places[0].1;
        let reciprocal = a.map_or(T::ZERO, |_| T::RECIPROCALS[count as usize]);
        let mut weights = [Self::weights(1, 1); N];
        for (weights, (_, left)) in weights.iter_mut().zip(places).skip(1) {
            *weights = Self::weights(left, count);
            count += left;
        }
        let rows = columns.rows(places.map(|(place, _)| Self::rows_of(place)));
        let lanes = rows[0][0].len();
        let rows = rows.map(|rows| rows.map(|row| row.as_mut_ptr()));
        // The number of lanes that fit in registers.
        let step = if W == 1 { 16 } else { 4 };
        let whole = lanes - lanes % step;
        // SAFETY: the rows have that many lanes, and `a` that many elements.
        unsafe {
            for at in (0..whole).step_by(step) {
                if W == 1 {
                    Self::fold_some::<N, 16>(&rows, at, &weights, a, reciprocal);
                } else {
                    Self::fold_some::<N, 4>(&rows, at, &weights, a, reciprocal);
                }
            }
            for at in whole..lanes {
                Self::fold_some::<N, 1>(&rows, at, &weights, a, reciprocal);
            }
        }
    }

    /// The folds of [`Self::fold_onto`] in `L` lanes from `at` on. All rows are read before any is
    /// written, so that the compiler need not check whether they overlap.
    ///
    /// # Safety
    /// The rows have these lanes, and `a` their elements.
    #[inline(always)]
    pub(super) unsafe fn fold_some<const N: usize, const L: usize>(
        rows: &[[*mut T; W]; N],
        at: usize,
        weights: &[Weights<T>; N],
        a: Option<*const T>,
        reciprocal: T,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let read = |rows: &[*mut T; W]| rows.map(|row| row.add(at).cast::<[T; L]>().read());
            let mut values = read(&rows[0]);
            if let Some(a) = a {
                let x = a.add(at).cast::<[T; L]>().read_unaligned();
                for (j, x) in x.into_iter().enumerate() {
                    update(&mut values, j, |words| M::step(words, x, reciprocal));
                }
            }
            for (rows, weights) in rows.iter().zip(weights).skip(1) {
                let left = read(rows);
                for j in 0..L {
                    update(&mut values, j, |right| M::fold(get(&left, j), right, *weights));
                }
            }
            let to = rows[N - 1];
            (0..W).for_each(|w| to[w].add(at).cast::<[T; L]>().write(values[w]));
        }
    }

    /// Folds the `A` accumulators from place `right` on, which have `count` elements together, onto
    /// those from place `left` on, which have `each` elements each.
    #[inline(always)]
    pub(super) fn fold_all_lanes(
        columns: &mut Columns,
        left: usize,
        each: u64,
        right: usize,
        count: usize,
    ) {
        for j in 0..A {
            let k = count / A + usize::from(j < count % A);
            if k > 0 {
                Self::fold_lanes(columns, (left + j, each), (right + j, k as u64));
            }
        }
    }

    /// Combines the block that has just been completed with the blocks before it, in all lanes.
    /// Places are swapped, so that nothing is copied.
    #[inline(always)]
    pub(super) fn end_block_lanes(columns: &mut Columns) {
        let blocks = columns.filled / Self::BLOCK - 1;
        let level = Self::next_level(blocks) as usize;
        let below = blocks.trailing_ones() as usize;
        for at in 0..below {
            let [right, left] = [columns.places[at], columns.places[at + 1]];
            let count = A * Self::each(at as u32) as usize;
            Self::fold_all_lanes(columns, left, Self::each(at as u32), right, count);
        }
        columns.places.swap(below, 1 + level);
    }

    /// Ends the unfinished leaf in all lanes.
    #[inline(always)]
    pub(super) fn close_lanes(columns: &mut Columns) {
        let (filled, block) = (columns.filled, Self::BLOCK);
        let last = if filled == Self::LEAF { block } else { filled % block };
        let blocks = (filled - last) / block;
        let (mut all, mut count) = (columns.places[0], last);
        let mut levels = blocks;
        while levels > 0 {
            let level = levels.trailing_zeros();
            levels &= levels - 1;
            let (left, each) = (columns.places[1 + level as usize], Self::each(level));
            if count > 0 {
                Self::fold_all_lanes(columns, left, each, all, count);
            }
            all = left;
            count += each as usize * A;
        }
        for level in (0..A.ilog2()).rev() {
            for (which, left, right) in halves(filled, level) {
                if right > 0 {
                    let half = 1 << level;
                    which.for_each(|j| {
                        Self::fold_lanes(columns, (all + j, left), (all + j + half, right));
                    });
                }
            }
        }
        Self::push_leaf_lanes(columns, all, 0);
    }

    /// Adds a leaf to the tree, in all lanes. Its value is at place `leaf` or, if `folded` is not
    /// 0, has already been folded onto the lowest `folded` blocks of the tree.
    #[inline(always)]
    pub(super) fn push_leaf_lanes(columns: &mut Columns, leaf: usize, folded: usize) {
        let (mut place, mut count, mut level) = (leaf, columns.filled as u64, folded);
        columns.filled = 0;
        if folded > 0 {
            place = columns.places[TREE + folded - 1];
            count += columns.blocks[..folded].iter().sum::<u64>();
            columns.taken &= !((1 << folded) - 1);
        }
        while columns.taken >> level & 1 == 1 {
            let left = (columns.places[TREE + level], columns.blocks[level]);
            Self::fold_lanes(columns, left, (place, count));
            (place, count) = (left.0, left.1 + count);
            columns.taken &= !(1 << level);
            level += 1;
        }
        if level > 0 {
            columns.places.swap(TREE + level - 1, TREE + level);
        } else if A == 1 {
            columns.places.swap(0, TREE);
        } else {
            let to = columns.place(TREE, 1);
            let [to, from] = columns.rows::<T, W, 2>([Self::rows_of(to), Self::rows_of(place)]);
            to.into_iter().zip(from).for_each(|(to, from)| to.copy_from_slice(from));
        }
        columns.blocks[level] = count;
        columns.taken |= 1 << level;
    }

    /// Takes the last element of a leaf in all lanes, in column order, and folds the leaf onto the
    /// lowest blocks of the tree without storing it first.
    ///
    /// # Safety
    /// There is an element for each lane.
    #[inline(always)]
    pub(super) unsafe fn end_run_lanes(columns: &mut Columns, a: *const T) {
        let run = (columns.places[0], RUN as u64);
        let [one, two] = [0, 1].map(|level| (columns.places[TREE + level], columns.blocks[level]));
        // SAFETY: the caller's promise.
        let folded = unsafe {
            if columns.taken & 2 == 2 {
                Self::fold_onto(columns, [run, one, two], Some(a));
                2
            } else {
                Self::fold_onto(columns, [run, one], Some(a));
                1
            }
        };
        columns.filled += 1;
        columns.count += 1;
        Self::push_leaf_lanes(columns, run.0, folded);
    }

    /// Takes a whole leaf in all lanes, in column order; accumulators stay in registers over its
    /// rows.
    ///
    /// # Safety
    /// `a` has an element for each lane in each row of the leaf; rows begin `stride` bytes apart.
    #[inline(always)]
    pub(super) unsafe fn push_leaf_rows(columns: &mut Columns, a: *const u8, stride: isize) {
        let place = columns.place(0, 1);
        let [words] = columns.rows::<T, W, 1>([Self::rows_of(place)]);
        let lanes = words[0].len();
        let to = words.map(|row| row.as_mut_ptr());
        let mut at = 0;
        // SAFETY: the rows have that many lanes, and each row of `a` that many elements.
        unsafe {
            while at + 16 <= lanes {
                Self::leaf_of::<16>(&to, at, a, stride);
                at += 16;
            }
            if at + 8 <= lanes {
                Self::leaf_of::<8>(&to, at, a, stride);
                at += 8;
            }
            if at + 4 <= lanes {
                Self::leaf_of::<4>(&to, at, a, stride);
                at += 4;
            }
            while at < lanes {
                Self::leaf_of::<1>(&to, at, a, stride);
                at += 1;
            }
        }
        columns.filled = RUN;
        columns.count += RUN as u64;
        Self::push_leaf_lanes(columns, place, 0);
    }

    /// Accumulates a leaf in `L` lanes from `at` on.
    ///
    /// # Safety
    /// As [`Self::push_leaf_rows`], for these lanes.
    #[inline(always)]
    pub(super) unsafe fn leaf_of<const L: usize>(
        to: &[*mut T; W],
        at: usize,
        a: *const u8,
        stride: isize,
    ) {
        let row = |i: usize| {
            let row = a.wrapping_offset(i as isize * stride).cast::<T>();
            // SAFETY: the caller's promise.
            unsafe { row.add(at).cast::<[T; L]>().read_unaligned() }
        };
        let mut local = [[T::ZERO; L]; W];
        let first = row(0);
        (0..L).for_each(|j| put(&mut local, j, M::first(first[j])));
        for (i, reciprocal) in (1..RUN).zip(&T::RECIPROCALS[2..]) {
            for (j, x) in row(i).into_iter().enumerate() {
                update(&mut local, j, |words| M::step(words, x, *reciprocal));
            }
        }
        // SAFETY: the caller's promise.
        (0..W).for_each(|w| unsafe { to[w].add(at).cast::<[T; L]>().write(local[w]) });
    }

    /// Combines all blocks of the tree, in all lanes; returns the place of the result.
    pub(super) fn close_tree(columns: &mut Columns) -> usize {
        let mut all = None;
        let taken = columns.taken;
        for level in (0..64).filter(|level| taken >> level & 1 == 1) {
            let left = (columns.places[TREE + level], columns.blocks[level]);
            if let Some(right) = all {
                Self::fold_lanes(columns, left, right);
            }
            all = Some((left.0, left.1 + all.map_or(0, |(_, count)| count)));
        }
        all.map_or(0, |(place, _)| place)
    }
}
