//! Reductions that round: leaves, accumulators and the tree exactly as the
//! [module](crate::reduce) describes.

use std::marker::PhantomData;
use std::ops::Range;

use super::accumulator::{Accumulator, Element, Weights};
use super::method::Method;
use super::{Columns, Order, Partial, Sequence};
use crate::fault::{Fault, injected};

/// Of elements of type `T`, by accumulators of `W` words, `A` of them to a leaf. `G` of them stay
/// in registers: of those of a row a part, of a column those of as many leaves.
pub(super) struct Ordered<M, T, const W: usize, const A: usize, const G: usize>(
    PhantomData<(M, T)>,
);

/// The accumulators below `2^level` and what is folded onto them, as two parts: in each, which
/// ones, and how many elements each of them has and each of the others, if the leaf has `n`.
#[inline(always)]
fn halves(n: usize, level: u32) -> [(Range<usize>, u64, u64); 2] {
    // Element i is now in accumulator i % (2 * half).
    let half = 1 << level;
    let (each, more) = ((n >> (level + 1)) as u64, n & (2 * half - 1));
    let split = more & (half - 1);
    if more < half {
        [(0..split, each + 1, each), (split..half, each, each)]
    } else {
        [(0..split, each + 1, each + 1), (split..half, each + 1, each)]
    }
}

/// The words of accumulator `j`.
#[inline(always)]
fn get<T: Copy, const W: usize, const N: usize>(words: &[[T; N]; W], j: usize) -> [T; W] {
    std::array::from_fn(|w| words[w][j])
}

/// Sets the words of accumulator `j`.
#[inline(always)]
fn put<T: Copy, const W: usize, const N: usize>(words: &mut [[T; N]; W], j: usize, to: [T; W]) {
    (0..W).for_each(|w| words[w][j] = to[w]);
}

/// Changes the words of accumulator `j`.
#[inline(always)]
fn update<T: Copy, const W: usize, const N: usize>(
    words: &mut [[T; N]; W],
    j: usize,
    change: impl FnOnce([T; W]) -> [T; W],
) {
    put(words, j, change(get(words, j)));
}

impl<M, T, const W: usize, const A: usize, const G: usize> Ordered<M, T, W, A, G>
where
    M: Accumulator<T, W>,
    T: Element,
{
    const LEAF: usize = if A == 1 { Order::Column.leaf() } else { Order::Row.leaf() };

    #[inline(always)]
    fn partial(words: [T; W], count: u64) -> Partial {
        let word = |w: usize| words.get(w).map_or(0, |word| word.pattern());
        Partial { words: [word(0), word(1), word(2)], count }
    }

    #[inline(always)]
    fn words(partial: &Partial) -> [T; W] {
        std::array::from_fn(|w| T::from_pattern(partial.words[w]))
    }

    /// The accumulators of the leaf under way.
    #[inline(always)]
    fn accumulators(sequence: &mut Sequence) -> &mut [[T; A]; W] {
        const { assert!(A * size_of::<T>() <= 256 && W <= 3) };
        // SAFETY: the words are initialised, exclusively borrowed, aligned, and enough, as the
        // assertion says; every bit pattern is a float.
        unsafe { &mut *(&raw mut sequence.words).cast() }
    }

    /// The value of a leaf of `n` elements.
    #[inline(always)]
    fn fold(accumulators: &[[T; A]; W], n: usize) -> [T; W] {
        let mut values = *accumulators;
        if let Some(identity) = M::IDENTITY {
            (n.min(A)..A).for_each(|j| put(&mut values, j, identity));
            return Self::fold_even(values, A);
        }
        if n.is_multiple_of(A) {
            return Self::fold_even(values, n);
        }
        for level in (0..n.min(A).next_power_of_two().ilog2()).rev() {
            for (which, left, right) in halves(n, level) {
                if right > 0 {
                    let weights = Weights::new(left, right);
                    which.for_each(|j| Self::fold_one(&mut values, j, j + (1 << level), weights));
                }
            }
        }
        get(&values, 0)
    }

    /// The same where all accumulators have as many elements, or how many does not matter.
    #[inline(always)]
    fn fold_even(mut values: [[T; A]; W], n: usize) -> [T; W] {
        for level in (0..A.ilog2()).rev() {
            let half = 1 << level;
            let each = (n / (2 * half)) as u64;
            let weights = Weights::new(each, each);
            let mirrored = injected(Fault::MirrorsFolded);
            let other = |j| if mirrored { 2 * half - 1 - j } else { j + half };
            (0..half).for_each(|j| Self::fold_one(&mut values, j, other(j), weights));
        }
        get(&values, 0)
    }

    /// Folds an accumulator onto another.
    #[inline(always)]
    fn fold_one(values: &mut [[T; A]; W], left: usize, right: usize, weights: Weights<T>) {
        let value = M::fold(get(values, left), get(values, right), weights);
        put(values, left, value);
    }

    /// The accumulators of a row with `n` elements more, after `filled`.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn accumulate(accumulators: &mut [[T; A]; W], filled: usize, a: *const T, n: usize) {
        let (before, rows) = (filled / A, n / A);
        if rows > 0 {
            for start in (0..A).step_by(G) {
                // SAFETY: `G` divides `A`, and the rows have `rows * A` elements.
                unsafe { Self::accumulate_rows(accumulators, start, before, a, rows) };
            }
        }
        let (k, done) = (before + rows + 1, rows * A);
        for j in 0..n - done {
            // SAFETY: `done + j` is less than `n`.
            let x = unsafe { a.add(done + j).read_unaligned() };
            update(accumulators, j, |words| Self::next(words, x, k));
        }
    }

    /// The accumulator of a column with `n` elements more, at least one, after `filled`.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn accumulate_one(accumulators: &mut [[T; A]; W], filled: usize, a: *const T, n: usize) {
        // SAFETY: `i` is less than `n`.
        let element = |i: usize| unsafe { a.add(i).read_unaligned() };
        let mut words = if filled == 0 { M::first(element(0)) } else { get(accumulators, 0) };
        let from = if filled == 0 { 1 } else { 0 };
        for (i, reciprocal) in (from..n).zip(&T::RECIPROCALS[filled + from + 1..]) {
            words = M::step(words, element(i), *reciprocal);
        }
        put(accumulators, 0, words);
    }

    /// An accumulator with its `k`-th element.
    #[inline(always)]
    fn next(words: [T; W], x: T, k: usize) -> [T; W] {
        let count = if injected(Fault::ReciprocalOfBefore) { k - 1 } else { k };
        if k == 1 { M::first(x) } else { M::step(words, x, T::RECIPROCALS[count]) }
    }

    /// `G` accumulators from `start` with an element more of each row, after `before` elements.
    ///
    /// # Safety
    /// `a` has `rows` rows of `A` readable elements, at least one.
    #[inline(always)]
    unsafe fn accumulate_rows(
        accumulators: &mut [[T; A]; W],
        start: usize,
        before: usize,
        a: *const T,
        rows: usize,
    ) {
        // SAFETY: `start + j` is less than `A`, and the row is one of the caller's.
        let element = |row: usize, j: usize| unsafe { a.add(row * A + start + j).read_unaligned() };
        // A local copy, indexed by constants only: the compiler keeps it in registers.
        let mut local = [[T::ZERO; G]; W];
        if before == 0 {
            (0..G).for_each(|j| put(&mut local, j, M::first(element(0, j))));
        } else {
            (0..G).for_each(|j| put(&mut local, j, get(accumulators, start + j)));
        }
        let reciprocals = T::RECIPROCALS[before + 1..].iter();
        let first = if before == 0 { 1 } else { 0 };
        for (row, reciprocal) in (0..rows).zip(reciprocals).skip(first) {
            for j in 0..G {
                update(&mut local, j, |words| M::step(words, element(row, j), *reciprocal));
            }
        }
        (0..G).for_each(|j| put(accumulators, start + j, get(&local, j)));
    }

    /// Takes `n` elements, at least one, which do not go beyond the leaf under way.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn push_leaf(sequence: &mut Sequence, a: *const T, n: usize) {
        let filled = sequence.filled;
        let accumulators = Self::accumulators(sequence);
        // SAFETY: the caller's promise.
        unsafe {
            if A == 1 {
                Self::accumulate_one(accumulators, filled, a, n);
            } else {
                Self::accumulate(accumulators, filled, a, n);
            }
        }
        sequence.filled += n;
        if sequence.filled == Self::LEAF {
            let value = Self::fold(Self::accumulators(sequence), Self::LEAF);
            Self::push_block(sequence, 0, value, Self::LEAF as u64);
        }
    }

    #[inline(always)]
    fn push_block(sequence: &mut Sequence, level: u32, value: [T; W], count: u64) {
        sequence.filled = 0;
        sequence.tree.push_with(level, Self::partial(value, count), Self::combine);
    }

    /// `G` accumulators, each with the elements `steps` of a leaf of its own.
    ///
    /// # Safety
    /// Those are readable elements of the leaves that begin at `a` plus `leaves`.
    #[inline(always)]
    unsafe fn accumulate_leaves(
        mut words: [[T; G]; W],
        a: *const T,
        leaves: &[usize; G],
        steps: Range<usize>,
    ) -> [[T; G]; W] {
        // SAFETY: the caller's promise.
        let element = |i: usize, j: usize| unsafe { a.add(leaves[j] + i).read_unaligned() };
        if steps.start == 0 {
            (0..G).for_each(|j| put(&mut words, j, M::first(element(0, j))));
        }
        let from = steps.start.max(1);
        for (i, reciprocal) in (from..steps.end).zip(&T::RECIPROCALS[from + 1..]) {
            for j in 0..G {
                update(&mut words, j, |words| M::step(words, element(i, j), *reciprocal));
            }
        }
        words
    }

    /// Takes at most `G` leaves of a column, the last one perhaps not whole, side by side: an
    /// accumulator waits for its last step, but not for the others.
    ///
    /// # Safety
    /// `a` has `n` readable elements; no leaf is under way; `0 < n <= G * LEAF`.
    #[inline(always)]
    unsafe fn push_leaves(sequence: &mut Sequence, a: *const T, n: usize) {
        let last = (n - 1) / Self::LEAF;
        let rest = n - last * Self::LEAF;
        // Where there are fewer leaves, the first one is taken again, for nothing.
        let mut leaves = std::array::from_fn(|j| if j <= last { j * Self::LEAF } else { 0 });
        // SAFETY: all leaves have `rest` elements, all but the last one `LEAF`.
        let values = unsafe {
            let part = Self::accumulate_leaves([[T::ZERO; G]; W], a, &leaves, 0..rest);
            let end = if last > 0 { Self::LEAF } else { rest };
            leaves[last] = 0;
            let mut values = Self::accumulate_leaves(part, a, &leaves, rest..end);
            put(&mut values, last, get(&part, last));
            values
        };
        let whole = n / Self::LEAF;
        if whole == G && sequence.tree.is_aligned(G.ilog2()) {
            let block = Self::fold_leaves(values);
            Self::push_block(sequence, G.ilog2(), block, (G * Self::LEAF) as u64);
            return;
        }
        for j in 0..whole {
            Self::push_block(sequence, 0, get(&values, j), Self::LEAF as u64);
        }
        if whole == last {
            put(Self::accumulators(sequence), 0, get(&values, last));
            sequence.filled = rest;
        }
    }

    /// The block of `G` whole leaves.
    #[inline(always)]
    fn fold_leaves(mut values: [[T; G]; W]) -> [T; W] {
        let mut count = Self::LEAF as u64;
        for level in 1..=G.ilog2() {
            let weights = Weights::new(count, count);
            for j in 0..G >> level {
                let value = M::fold(get(&values, 2 * j), get(&values, 2 * j + 1), weights);
                put(&mut values, j, value);
            }
            count *= 2;
        }
        get(&values, 0)
    }

    /// The rows of a place: of accumulator `place`, or `A` more than a level of the tree.
    #[inline(always)]
    fn rows_of(place: usize) -> [usize; W] {
        std::array::from_fn(|w| place * W + w)
    }

    /// Folds the accumulators of one place onto those of another, in all lanes; given how many
    /// elements each of them has.
    #[inline(always)]
    fn fold_lanes(columns: &mut Columns, left: (usize, u64), right: (usize, u64)) {
        let weights = Weights::new(left.1, right.1);
        let [mut onto, from] = columns.rows([Self::rows_of(left.0), Self::rows_of(right.0)]);
        for j in 0..onto[0].len() {
            let value = M::fold(
                std::array::from_fn(|w| onto[w][j]),
                std::array::from_fn(|w| from[w][j]),
                weights,
            );
            (0..W).for_each(|w| onto[w][j] = value[w]);
        }
    }

    /// Ends the leaf under way in all lanes.
    #[inline(always)]
    fn close_lanes(columns: &mut Columns) {
        for level in (0..A.ilog2()).rev() {
            for (which, left, right) in halves(columns.filled, level) {
                if right > 0 {
                    let half = 1 << level;
                    which.for_each(|j| Self::fold_lanes(columns, (j, left), (j + half, right)));
                }
            }
        }
        let (mut block, mut level) = ((0, columns.filled as u64), 0);
        while columns.taken >> level & 1 == 1 {
            let left = (A + level, columns.blocks[level]);
            Self::fold_lanes(columns, left, block);
            block = (left.0, left.1 + block.1);
            columns.taken &= !(1 << level);
            level += 1;
        }
        let [to, from] =
            columns.rows::<T, W, 2>([Self::rows_of(A + level), Self::rows_of(block.0)]);
        to.into_iter().zip(from).for_each(|(to, from)| to.copy_from_slice(from));
        columns.blocks[level] = block.1;
        columns.taken |= 1 << level;
        columns.filled = 0;
    }

    /// The place that holds all leaves of all lanes, put together.
    fn close_tree(columns: &mut Columns) -> usize {
        let mut all = None;
        let taken = columns.taken;
        for level in (0..64).filter(|level| taken >> level & 1 == 1) {
            let left = (A + level, columns.blocks[level]);
            if let Some(right) = all {
                Self::fold_lanes(columns, left, right);
            }
            all = Some((left.0, left.1 + all.map_or(0, |(_, count)| count)));
        }
        all.map_or(0, |(place, _)| place)
    }
}

impl<M, T, const W: usize, const A: usize, const G: usize> Method for Ordered<M, T, W, A, G>
where
    M: Accumulator<T, W>,
    T: Element,
{
    #[inline(always)]
    unsafe fn push(sequence: &mut Sequence, a: *const u8, n: usize) {
        let (mut a, mut left) = (a.cast::<T>(), n);
        while left > 0 {
            let side_by_side = A == 1 && sequence.filled == 0 && left > Self::LEAF;
            let room = if side_by_side { G * Self::LEAF } else { Self::LEAF - sequence.filled };
            let part = left.min(room);
            // SAFETY: the part lies in the `n` elements of the caller.
            unsafe {
                if side_by_side {
                    Self::push_leaves(sequence, a, part);
                } else {
                    Self::push_leaf(sequence, a, part);
                }
                a = a.add(part);
            }
            left -= part;
        }
        sequence.count += n as u64;
    }

    fn finish(sequence: &mut Sequence) -> Partial {
        let filled = sequence.filled;
        if filled > 0 {
            let value = Self::fold(Self::accumulators(sequence), filled);
            if sequence.count == filled as u64 {
                return Self::partial(value, sequence.count);
            }
            Self::push_block(sequence, 0, value, filled as u64);
        }
        sequence.tree.finish_with(Self::combine).unwrap_or_default()
    }

    fn rows(length: usize) -> usize {
        let levels = usize::BITS - length.div_ceil(Self::LEAF).leading_zeros();
        (A + levels as usize) * W
    }

    #[inline(always)]
    unsafe fn push_lanes(columns: &mut Columns, a: *const u8) {
        let a = a.cast::<T>();
        let (k, place) = (columns.filled / A + 1, columns.filled % A);
        let [mut words] = columns.rows([Self::rows_of(place)]);
        let (begins, reciprocal) = (k == 1, T::RECIPROCALS[k]);
        // SAFETY: there is an element for each lane.
        let element = |j: usize| unsafe { a.add(j).read_unaligned() };
        if begins {
            for j in 0..words[0].len() {
                let value = M::first(element(j));
                (0..W).for_each(|w| words[w][j] = value[w]);
            }
        } else {
            for j in 0..words[0].len() {
                let value = M::step(std::array::from_fn(|w| words[w][j]), element(j), reciprocal);
                (0..W).for_each(|w| words[w][j] = value[w]);
            }
        }
        columns.filled += 1;
        columns.count += 1;
        if columns.filled == Self::LEAF {
            Self::close_lanes(columns);
        }
    }

    fn finish_lanes(columns: &mut Columns, out: &mut [Partial]) {
        if columns.filled > 0 {
            Self::close_lanes(columns);
        }
        let place = Self::close_tree(columns);
        let count = columns.count;
        let [words] = columns.rows::<T, W, 1>([Self::rows_of(place)]);
        for (j, out) in out.iter_mut().enumerate() {
            *out = Self::partial(std::array::from_fn(|w| words[w][j]), count);
        }
    }

    #[inline(always)]
    fn combine(left: &Partial, right: &Partial) -> Partial {
        let weights = Weights::new(left.count, right.count);
        let value = M::fold(Self::words(left), Self::words(right), weights);
        Self::partial(value, left.count + right.count)
    }
}
