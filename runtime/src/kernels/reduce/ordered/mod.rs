//! Reductions with rounding: the leaves, accumulators and tree that the [module](crate::reduce)
//! describes.

mod lanes;
mod whole;

use std::marker::PhantomData;
use std::ops::Range;

use super::accumulator::{Accumulator, Element, Weights};
use super::method::Method;
use super::sequence::Words;
use super::{Columns, Order, Partial, RUN, RowResults, Sequence, WholeRows};

/// The number of leaves of a column that are combined before they are added to the tree.
const GROUP: usize = 64;

/// The reduction of elements of type `T` by `A` accumulators a block, of `W` words each. `G` of
/// them stay in registers: in row order a part of a block's, in column order those of `G` leaves.
pub(super) struct Ordered<M, T, const W: usize, const A: usize, const G: usize>(
    PhantomData<(M, T)>,
);

/// The folding of the accumulators from `2^level` on onto those below, in a leaf of `n` elements,
/// as two parts. Each part is a range of the lower accumulators, the number of elements that each
/// of them has, and the number that each of the upper ones has.
#[inline(always)]
fn halves(n: usize, level: u32) -> [(Range<usize>, u64, u64); 2] {
    // Element `i` is now in accumulator `i % (2 * half)`.
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

/// Updates the words of accumulator `j`.
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

    /// The weights of two accumulators of `left` and `right` elements, if the accumulator uses
    /// them.
    #[inline(always)]
    fn weights(left: u64, right: u64) -> Weights<T> {
        // Sums and products do not; the compiler does not always see this, and would divide.
        if M::IDENTITY.is_some() { Weights::new(1, 1) } else { Weights::new(left, right) }
    }

    /// The number of elements of a block.
    const BLOCK: usize = A * RUN;

    /// The number of elements of an accumulator of `2^level` combined blocks.
    #[inline(always)]
    fn each(level: u32) -> u64 {
        (RUN << level) as u64
    }

    /// The level of the combined blocks that the next block completes, after `blocks` others.
    #[inline(always)]
    fn next_level(blocks: usize) -> u32 {
        blocks.trailing_ones()
    }

    /// The accumulators at an index of [`Sequence::words`].
    #[inline(always)]
    fn accumulators(sequence: &mut Sequence, index: usize) -> &mut [[T; A]; W] {
        const { assert!(A * size_of::<T>() * W <= size_of::<Words>()) };
        // SAFETY: the words are initialised, exclusively borrowed, aligned, and large enough, as
        // asserted; every bit pattern is a float.
        unsafe { &mut *(&raw mut sequence.words[index]).cast() }
    }

    /// The value of a leaf of `n` elements, whose accumulators are not used again.
    #[inline(always)]
    fn fold(values: &mut [[T; A]; W], n: usize) -> [T; W] {
        if let Some(identity) = M::IDENTITY {
            (n.min(A)..A).for_each(|j| put(values, j, identity));
            return Self::fold_even(values, A);
        }
        if n.is_multiple_of(A) {
            return Self::fold_even(values, n);
        }
        for level in (0..n.min(A).next_power_of_two().ilog2()).rev() {
            for (which, left, right) in halves(n, level) {
                if right > 0 {
                    let weights = Self::weights(left, right);
                    which.for_each(|j| Self::fold_one(values, j, j + (1 << level), weights));
                }
            }
        }
        get(values, 0)
    }

    /// The value of a leaf of `n` elements, whose accumulators all have the same number of elements
    /// or an operation that does not depend on it.
    #[inline(always)]
    fn fold_even(values: &mut [[T; A]; W], n: usize) -> [T; W] {
        (0..A.ilog2()).rev().for_each(|level| Self::fold_upper(values, 1 << level, n));
        get(values, 0)
    }

    /// Folds the accumulators from `half` to twice that onto those below, each of which has as many
    /// elements of a row of `n`, or an operation that does not depend on it.
    #[inline(always)]
    fn fold_upper(values: &mut [[T; A]; W], half: usize, n: usize) {
        let each = (n / (2 * half)) as u64;
        let weights = Self::weights(each, each);
        (0..half).for_each(|j| Self::fold_one(values, j, j + half, weights));
    }

    /// Folds accumulator `right` onto accumulator `left`.
    #[inline(always)]
    fn fold_one(values: &mut [[T; A]; W], left: usize, right: usize, weights: Weights<T>) {
        let value = M::fold(get(values, left), get(values, right), weights);
        put(values, left, value);
    }

    /// Adds `n` elements, at least one, to the accumulator of a column that has `filled`.
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

    /// The accumulator after its `k`-th element.
    #[inline(always)]
    fn next(words: [T; W], x: T, k: usize) -> [T; W] {
        if k == 1 { M::first(x) } else { M::step(words, x, T::RECIPROCALS[k]) }
    }

    /// `G` accumulators after one more element from each of `rows` rows; they have `before`
    /// already.
    ///
    /// # Safety
    /// `a` has `G` readable elements in each of `rows` rows, at least one, which begin `A` elements
    /// apart.
    #[inline(always)]
    unsafe fn take_rows(
        mut local: [[T; G]; W],
        before: usize,
        a: *const T,
        rows: usize,
    ) -> [[T; G]; W] {
        // SAFETY: the caller's promise.
        let element = |row: usize, j: usize| unsafe { a.add(row * A + j).read_unaligned() };
        let first = usize::from(before == 0);
        if before == 0 {
            (0..G).for_each(|j| put(&mut local, j, M::first(element(0, j))));
        }
        let reciprocals = T::RECIPROCALS[before + 1..].iter();
        for (row, reciprocal) in (0..rows).zip(reciprocals).skip(first) {
            for j in 0..G {
                update(&mut local, j, |words| M::step(words, element(row, j), *reciprocal));
            }
        }
        local
    }

    /// The `G` accumulators from `start` on of the unfinished block, which has `before` rows, after
    /// `rows` more.
    ///
    /// # Safety
    /// `a` has the elements of `rows` rows, at least one.
    #[inline(always)]
    unsafe fn strip(
        sequence: &mut Sequence,
        start: usize,
        before: usize,
        a: *const T,
        rows: usize,
    ) -> [[T; G]; W] {
        // A local copy, indexed by constants only: the compiler keeps it in registers.
        let mut local = [[T::ZERO; G]; W];
        if before > 0 {
            let accumulators = Self::accumulators(sequence, 0);
            (0..G).for_each(|j| put(&mut local, j, get(accumulators, start + j)));
        }
        // SAFETY: the caller's promise; `G` divides `A`.
        unsafe { Self::take_rows(local, before, a.add(start), rows) }
    }

    /// Takes `rows` rows of a block, after `before` others. If `ENDS`, they complete the block.
    ///
    /// # Safety
    /// `a` has the elements of `rows` rows, at least one.
    #[inline(always)]
    unsafe fn push_rows<const ENDS: bool>(
        sequence: &mut Sequence,
        a: *const T,
        before: usize,
        rows: usize,
    ) {
        for start in (0..A).step_by(G) {
            // SAFETY: the caller's promise.
            let local = unsafe { Self::strip(sequence, start, before, a, rows) };
            if ENDS {
                Self::merge_block(sequence, start, local, before * A);
            } else {
                let accumulators = Self::accumulators(sequence, 0);
                (0..G).for_each(|j| put(accumulators, start + j, get(&local, j)));
            }
        }
        sequence.filled += rows * A;
        if ENDS {
            Self::end_block(sequence);
        }
    }

    /// Takes `n` elements, at least one and fewer than a row, which do not reach beyond the
    /// unfinished row.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn push_few(sequence: &mut Sequence, a: *const T, n: usize) {
        let filled = sequence.filled % Self::BLOCK;
        let (before, place) = (filled / A, filled % A);
        let accumulators = Self::accumulators(sequence, 0);
        for i in 0..n {
            // SAFETY: `i` is less than `n`.
            let x = unsafe { a.add(i).read_unaligned() };
            update(accumulators, place + i, |words| Self::next(words, x, before + 1));
        }
        sequence.filled += n;
        if filled + n == Self::BLOCK {
            for start in (0..A).step_by(G) {
                let accumulators = Self::accumulators(sequence, 0);
                let mut local = [[T::ZERO; G]; W];
                (0..G).for_each(|j| put(&mut local, j, get(accumulators, start + j)));
                Self::merge_block(sequence, start, local, filled + n);
            }
            Self::end_block(sequence);
        }
    }

    /// Combines `G` accumulators from `start` on of a whole block with those of the earlier blocks
    /// of the leaf. [`Sequence::filled`] counts `counted` elements of the block already.
    #[inline(always)]
    fn merge_block(sequence: &mut Sequence, start: usize, mut local: [[T; G]; W], counted: usize) {
        let before = sequence.filled - counted;
        let blocks = before / Self::BLOCK;
        let level = Self::next_level(blocks);
        for below in 0..blocks.trailing_ones() {
            let left = Self::accumulators(sequence, 1 + below as usize);
            let each = Self::each(below);
            let weights = Self::weights(each, Self::each(below));
            for j in 0..G {
                update(&mut local, j, |right| M::fold(get(left, start + j), right, weights));
            }
        }
        // The accumulators of a whole leaf are folded next.
        let to = if before + Self::BLOCK == Self::LEAF { 0 } else { 1 + level as usize };
        let to = Self::accumulators(sequence, to);
        (0..G).for_each(|j| put(to, start + j, get(&local, j)));
    }

    /// Ends the leaf if the block that has been merged was its last.
    #[inline(always)]
    fn end_block(sequence: &mut Sequence) {
        if sequence.filled == Self::LEAF {
            let value = Self::fold(Self::accumulators(sequence, 0), Self::LEAF);
            Self::push_leaves(sequence, 0, value, Self::LEAF as u64);
        }
    }

    /// The value of the unfinished leaf, the last of the sequence.
    #[inline(always)]
    fn end_leaf(sequence: &mut Sequence) -> [T; W] {
        let (filled, block) = (sequence.filled, Self::BLOCK);
        let (blocks, mut count) = (filled / block, filled % block);
        let mut right = *Self::accumulators(sequence, 0);
        let mut levels = blocks;
        while levels > 0 {
            let level = levels.trailing_zeros();
            levels &= levels - 1;
            let left = *Self::accumulators(sequence, 1 + level as usize);
            let each = Self::each(level);
            if count == 0 {
                right = left;
            } else {
                // The first accumulators on the right have one element more than the others.
                let (less, more) = (count / A, count % A);
                for (which, k) in [(0..more, less + 1), (more..A, less)] {
                    let weights = Self::weights(each, k as u64);
                    which.for_each(|j| {
                        let value = get(&left, j);
                        let other = get(&right, j);
                        let both = if k > 0 { M::fold(value, other, weights) } else { value };
                        put(&mut right, j, both);
                    });
                }
            }
            count += each as usize * A;
        }
        Self::fold(&mut right, filled)
    }

    /// Adds `2^level` combined leaves of `count` elements to the tree, and begins a leaf.
    #[inline(always)]
    fn push_leaves(sequence: &mut Sequence, level: u32, value: [T; W], count: u64) {
        sequence.filled = 0;
        sequence.tree.push_with(level, Self::partial(value, count), Self::combine);
    }

    /// Takes `n` elements, at least one, of a column, which do not reach beyond the unfinished
    /// leaf.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn push_leaf(sequence: &mut Sequence, a: *const T, n: usize) {
        let filled = sequence.filled;
        // SAFETY: the caller's promise.
        unsafe { Self::accumulate_one(Self::accumulators(sequence, 0), filled, a, n) };
        sequence.filled += n;
        if sequence.filled == Self::LEAF {
            let value = get(Self::accumulators(sequence, 0), 0);
            Self::push_leaves(sequence, 0, value, Self::LEAF as u64);
        }
    }

    /// Writes the values of `G` leaves of a column to `values`, from index `at` on. The leaves are
    /// accumulated side by side, because the steps of different accumulators are independent.
    ///
    /// # Safety
    /// `a` has the elements of `G` leaves.
    #[inline(always)]
    unsafe fn group(values: &mut [[T; GROUP]; W], at: usize, a: *const T) {
        // SAFETY: the caller's promise.
        let element = |i: usize, j: usize| unsafe { a.add(j * Self::LEAF + i).read_unaligned() };
        let mut words = [[T::ZERO; G]; W];
        (0..G).for_each(|j| put(&mut words, j, M::first(element(0, j))));
        for (i, reciprocal) in (1..Self::LEAF).zip(&T::RECIPROCALS[2..]) {
            for j in 0..G {
                update(&mut words, j, |words| M::step(words, element(i, j), *reciprocal));
            }
        }
        (0..W).for_each(|w| values[w][at..][..G].copy_from_slice(&words[w]));
    }

    /// The combined value of the first `leaves` leaves of a column, a power of two.
    #[inline(always)]
    fn neighbours(values: &mut [[T; GROUP]; W], leaves: usize) -> [T; W] {
        let mut count = Self::LEAF as u64;
        let mut left = leaves / 2;
        while left > 0 {
            let weights = Self::weights(count, count);
            for j in 0..left {
                let value = M::fold(get(values, 2 * j), get(values, 2 * j + 1), weights);
                put(values, j, value);
            }
            count *= 2;
            left /= 2;
        }
        get(values, 0)
    }

    /// Takes some of the next `n` elements of a column; returns their number.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn push_column(sequence: &mut Sequence, a: *const T, n: usize) -> usize {
        let begins = |leaves: usize| {
            n >= leaves * Self::LEAF
                && sequence.filled == 0
                && sequence.tree.is_aligned(leaves.ilog2())
        };
        let leaves = if begins(GROUP) {
            GROUP
        } else if begins(G) {
            G
        } else {
            1
        };
        // SAFETY: the elements are among the `n`.
        unsafe {
            if leaves > 1 {
                let mut values = [[T::ZERO; GROUP]; W];
                for at in (0..leaves).step_by(G) {
                    Self::group(&mut values, at, a.add(at * Self::LEAF));
                }
                let value = match leaves {
                    // A constant, so that the loop is compiled for this number.
                    GROUP => Self::neighbours(&mut values, GROUP),
                    _ => Self::neighbours(&mut values, G),
                };
                let n = leaves * Self::LEAF;
                Self::push_leaves(sequence, leaves.ilog2(), value, n as u64);
                n
            } else {
                let n = n.min(Self::LEAF - sequence.filled);
                Self::push_leaf(sequence, a, n);
                n
            }
        }
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
        let block = Self::BLOCK;
        while left > 0 {
            // SAFETY: the parts lie in the `n` elements of the caller.
            unsafe {
                let part = if A == 1 {
                    Self::push_column(sequence, a, left)
                } else {
                    let filled = sequence.filled % block;
                    let place = filled % A;
                    if place == 0 && left >= A {
                        let before = filled / A;
                        let rows = (left / A).min(RUN - before);
                        // Most elements are in whole blocks, for which constants make faster code.
                        if rows == RUN {
                            Self::push_rows::<true>(sequence, a, 0, RUN);
                        } else if before + rows == RUN {
                            Self::push_rows::<true>(sequence, a, before, rows);
                        } else {
                            Self::push_rows::<false>(sequence, a, before, rows);
                        }
                        rows * A
                    } else {
                        let few = left.min(A - place);
                        Self::push_few(sequence, a, few);
                        few
                    }
                };
                a = a.add(part);
                left -= part;
            }
        }
        sequence.count += n as u64;
    }

    unsafe fn resume(sequence: &mut Sequence, runs: *mut u8) -> Option<usize> {
        let filled = sequence.filled % Self::BLOCK;
        if !filled.is_multiple_of(A) {
            return None;
        }
        if filled > 0 {
            let accumulators = Self::accumulators(sequence, 0);
            // SAFETY: the caller's promise.
            unsafe { runs.cast::<[[T; A]; W]>().write_unaligned(*accumulators) };
        }
        Some(filled / A)
    }

    #[inline(always)]
    unsafe fn push_runs(sequence: &mut Sequence, runs: *const u8, before: usize, rows: usize) {
        let (mut runs, mut before, mut left) = (runs.cast::<[[T; A]; W]>(), before, rows);
        while left > 0 {
            let taken = left.min(RUN - before);
            // SAFETY: there is a run for every block with rows among these.
            let run = unsafe { runs.read_unaligned() };
            if before + taken == RUN {
                for start in (0..A).step_by(G) {
                    let mut local = [[T::ZERO; G]; W];
                    (0..G).for_each(|j| put(&mut local, j, get(&run, start + j)));
                    Self::merge_block(sequence, start, local, before * A);
                }
                sequence.filled += taken * A;
                Self::end_block(sequence);
            } else {
                *Self::accumulators(sequence, 0) = run;
                sequence.filled += taken * A;
            }
            (runs, before, left) = (runs.wrapping_add(1), 0, left - taken);
        }
        sequence.count += (rows * A) as u64;
    }

    // Where this takes less time than a sequence for each row, as measured: sums of f32, and those of
    // f64 with hardly more than one element for each accumulator.
    const LONGEST_ROW: usize = match (W, A) {
        (1, 64) => A * RUN,
        (1, 32) => 2 * A - 1,
        _ => 0,
    };

    #[inline(always)]
    unsafe fn whole_rows(rows: &WholeRows, results: &RowResults, word: usize, size: usize) {
        // A constant: nothing is compiled for the others.
        if Self::LONGEST_ROW > 0 {
            // SAFETY: the caller's promise.
            unsafe { Self::reduce_whole(rows, results, word, size) }
        }
    }

    #[inline(always)]
    fn finish(sequence: &mut Sequence) -> Partial {
        let filled = sequence.filled;
        if filled > 0 {
            let value = if A == 1 {
                get(Self::accumulators(sequence, 0), 0)
            } else if filled < A * RUN {
                // Of one block: nothing is copied.
                Self::fold(Self::accumulators(sequence, 0), filled)
            } else {
                Self::end_leaf(sequence)
            };
            if sequence.count == filled as u64 {
                return Self::partial(value, sequence.count);
            }
            Self::push_leaves(sequence, 0, value, filled as u64);
        }
        sequence.tree.finish_with(Self::combine).unwrap_or_default()
    }

    fn rows(length: usize) -> usize {
        let bits = |n: usize| (usize::BITS - n.leading_zeros()) as usize;
        // The number of blocks that are combined before the leaf ends.
        let blocks = length.min(Self::LEAF - 1) / Self::BLOCK;
        (A * (1 + bits(blocks)) + bits(length.div_ceil(Self::LEAF))) * W
    }

    #[inline(always)]
    unsafe fn push_lanes(columns: &mut Columns, a: *const u8) {
        let (a, block) = (a.cast::<T>(), Self::BLOCK);
        let filled = columns.filled % block;
        let (k, place) = (filled / A + 1, columns.place(0, A) + filled % A);
        if A == 1 && k == RUN && columns.taken & 1 == 1 {
            // SAFETY: the caller's promise.
            unsafe { Self::end_run_lanes(columns, a) };
            return;
        }
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
        } else if filled + 1 == block {
            Self::end_block_lanes(columns);
        }
    }

    #[inline(always)]
    unsafe fn push_rows(columns: &mut Columns, a: *const u8, stride: isize, rows: usize) {
        let mut row = 0;
        while row < rows {
            let at = a.wrapping_offset(row as isize * stride);
            // SAFETY: the caller's promise.
            unsafe {
                if A == 1 && columns.filled == 0 && rows - row >= RUN {
                    Self::push_leaf_rows(columns, at, stride);
                    row += RUN;
                } else {
                    Self::push_lanes(columns, at);
                    row += 1;
                }
            }
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
        let weights = Self::weights(left.count, right.count);
        let value = M::fold(Self::words(left), Self::words(right), weights);
        Self::partial(value, left.count + right.count)
    }
}
