//! Minima, maxima and their indices.

use std::hint::select_unpredictable;
use std::marker::PhantomData;

use super::fold::{Step, fold_all};
use super::method::Method;
use super::{Columns, Partial, Sequence};
use crate::convert::Pattern;
use crate::scalar::Number;

/// The minimum if `LEAST`, else the maximum.
pub(super) struct Extreme<const LEAST: bool>;

impl<const LEAST: bool> Extreme<LEAST> {
    /// Whether `x` is more extreme than `than`.
    #[inline(always)]
    fn beats<T: Number>(x: T, than: T) -> bool {
        if LEAST { x.lt(than) } else { than.lt(x) }
    }

    /// The most extreme of `n` elements, at least one; a NaN if there is one. A zero may have
    /// either sign if zeros of both signs are among the elements.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn most<T: Number>(a: *const T, n: usize) -> T {
        // SAFETY: the caller's promise.
        unsafe {
            if !T::IS_INT {
                // The sum is NaN if an element is, and seldom otherwise.
                let sum = fold_all(a, n, T::add);
                if sum.ne(sum)
                    && let Some(i) = find(a, n, |x| x.ne(x))
                {
                    return a.add(i).read_unaligned();
                }
            }
            fold_all(a, n, |left, right| if Self::beats(right, left) { right } else { left })
        }
    }
}

/// The index of the first element that satisfies a test.
///
/// # Safety
/// `a` has `n` readable elements.
#[inline(always)]
unsafe fn find<T: Copy>(a: *const T, n: usize, test: impl Fn(T) -> bool) -> Option<usize> {
    /// The number of elements tested at a time: too many to be unrolled, so that the compiler
    /// vectorizes the loop.
    const MANY: usize = 128;
    // SAFETY: `i` is less than `n` in all calls below.
    let holds = |i: usize| test(unsafe { a.add(i).read_unaligned() });
    for start in (0..n).step_by(MANY) {
        let end = n.min(start + MANY);
        if (start..end).fold(false, |any, i| any | holds(i)) {
            return (start..end).find(|i| holds(*i));
        }
    }
    None
}

impl<T: Number + Pattern, const LEAST: bool> Step<T> for Extreme<LEAST> {
    #[inline(always)]
    fn fold(left: T, right: T) -> T {
        if LEAST { left.minimum(right) } else { left.maximum(right) }
    }

    #[inline(always)]
    unsafe fn fold_all(a: *const T, n: usize) -> T {
        // SAFETY: the caller's promise.
        unsafe {
            let most = Self::most(a, n);
            if T::IS_INT || most.ne(T::ZERO) {
                return most;
            }
            // A zero, but perhaps not of the more extreme sign.
            let wins = |x: T| x.eq(T::ZERO) & ((x.pattern() != 0) == LEAST);
            find(a, n, wins).map_or(most, |i| a.add(i).read_unaligned())
        }
    }
}

/// The index of the first minimum if `LEAST`, else of the first maximum, of elements of type `T`.
pub(super) struct IndexOf<const LEAST: bool, T>(PhantomData<T>);

impl<const LEAST: bool, T: Number + Pattern> IndexOf<LEAST, T> {
    /// The number of elements of a lane's run, whose indices in the run fit any element type.
    const RUN: usize = 128;
    /// The row of the most extreme elements of finished runs, and the row of their indices.
    const ALL: [usize; 2] = [4, 5];

    /// Whether an element replaces an earlier one.
    #[inline(always)]
    fn replaces(x: T, earlier: T) -> bool {
        // A NaN replaces every number, and nothing replaces it.
        let holds = if LEAST { earlier.le(x) } else { x.le(earlier) };
        !holds & earlier.eq(earlier)
    }

    /// The row of the most extreme of the first `filled` elements of a run, and the row of their
    /// indices.
    ///
    /// Each step reads two rows and writes two others: in place, the compiler would use masked
    /// stores, which take five times as long.
    fn under_way(filled: usize) -> [usize; 2] {
        [filled % 2, 2 + filled % 2]
    }

    /// Merges the unfinished run into the result of each lane.
    #[inline(always)]
    fn close_run(columns: &mut Columns) {
        let before = columns.count - columns.filled as u64;
        let start = columns.first + before;
        let last = Self::under_way(columns.filled);
        columns.filled = 0;
        let ([best, index], [all_best, all_index]) =
            columns.rows_of_two::<T, u64, 2>([last, Self::ALL]);
        for j in 0..best.len() {
            if before == 0 || Self::replaces(best[j], T::from_pattern(all_best[j])) {
                all_best[j] = best[j].pattern();
                all_index[j] = start + index[j].pattern();
            }
        }
    }
}

impl<const LEAST: bool, T: Number + Pattern> Method for IndexOf<LEAST, T> {
    #[inline(always)]
    unsafe fn push(sequence: &mut Sequence, a: *const u8, n: usize) {
        let (a, before) = (a.cast::<T>(), sequence.count);
        sequence.count += n as u64;
        let best = T::from_pattern(sequence.words[0][0][0]);
        if n == 0 || before > 0 && best.ne(best) {
            return;
        }
        // SAFETY: the caller's promise, and there is an element.
        unsafe {
            let most = Extreme::<LEAST>::most(a, n);
            if before == 0 || Self::replaces(most, best) {
                let i = match most.eq(most) {
                    true => find(a, n, |x| x.eq(most)),
                    false => find(a, n, |x| x.ne(x)),
                };
                let i = i.unwrap_or(0);
                sequence.words[0][0][0] = most.pattern();
                sequence.words[0][1][0] = sequence.first + before + i as u64;
            }
        }
    }

    fn finish(sequence: &mut Sequence) -> Partial {
        Partial { words: sequence.words[0].map(|word| word[0]), count: sequence.count }
    }

    fn rows(_: usize) -> usize {
        6
    }

    #[inline(always)]
    unsafe fn push_lanes(columns: &mut Columns, a: *const u8) {
        // Indices are as wide as the elements, so that the same masks select both.
        let filled = columns.filled;
        let here = T::from_pattern(filled as u64);
        // SAFETY: there is an element for each lane.
        let element = |j: usize| unsafe { a.cast::<T>().add(j).read_unaligned() };
        let [[best, index], [new_best, new_index]] =
            columns.rows([Self::under_way(filled), Self::under_way(filled + 1)]);
        if filled == 0 {
            new_best.iter_mut().enumerate().for_each(|(j, best)| *best = element(j));
            new_index.fill(here);
        } else {
            let old = best.iter().zip(index.iter());
            let new = new_best.iter_mut().zip(new_index);
            for (j, ((best, index), (new_best, new_index))) in old.zip(new).enumerate() {
                let x = element(j);
                let replaces = Self::replaces(x, *best);
                *new_best = select_unpredictable(replaces, x, *best);
                *new_index = select_unpredictable(replaces, here, *index);
            }
        }
        columns.filled += 1;
        columns.count += 1;
        if columns.filled == Self::RUN {
            Self::close_run(columns);
        }
    }

    fn finish_lanes(columns: &mut Columns, out: &mut [Partial]) {
        if columns.filled > 0 {
            Self::close_run(columns);
        }
        let count = columns.count;
        let [[best, index]] = columns.rows::<u64, 2, 1>([Self::ALL]);
        for (j, out) in out.iter_mut().enumerate() {
            *out = Partial { words: [best[j], index[j], 0], count };
        }
    }

    #[inline(always)]
    fn combine(left: &Partial, right: &Partial) -> Partial {
        let replaces =
            Self::replaces(T::from_pattern(right.words[0]), T::from_pattern(left.words[0]));
        let chosen = if replaces { right } else { left };
        Partial { count: left.count + right.count, ..*chosen }
    }
}
