//! Reductions without rounding: one accumulator, and any order of elements.

use std::marker::PhantomData;

use super::method::Method;
use super::{Columns, Partial, Sequence};
use crate::convert::Pattern;
use crate::scalar::Number;

/// The number of elements that are folded side by side if there are few.
const NARROW: usize = 8;

/// An associative and commutative operation.
pub(super) trait Step<T: Copy> {
    /// The operation on two values.
    fn fold(left: T, right: T) -> T;
    /// The operation on all of `n` elements, at least one.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn fold_all(a: *const T, n: usize) -> T {
        // SAFETY: the caller's promise.
        unsafe { fold_all(a, n, Self::fold) }
    }
    /// The result for an accumulated value.
    #[inline(always)]
    fn value(x: T) -> T {
        x
    }
}

pub(super) struct Sum;
pub(super) struct Prod;
/// Disjunction of bytes or masks, of which any pattern but zero is true.
pub(super) struct Any;
/// Conjunction of bytes or masks, of which any pattern but zero is true.
pub(super) struct All;

impl<T: Number> Step<T> for Sum {
    #[inline(always)]
    fn fold(left: T, right: T) -> T {
        left.add(right)
    }
}

impl<T: Number> Step<T> for Prod {
    #[inline(always)]
    fn fold(left: T, right: T) -> T {
        left.mul(right)
    }
}

macro_rules! truths {
    ($($t:ty)*) => {$(
        impl Step<$t> for Any {
            #[inline(always)]
            fn fold(left: $t, right: $t) -> $t {
                left | right
            }
            #[inline(always)]
            fn value(x: $t) -> $t {
                (x != 0) as $t
            }
        }

        impl Step<$t> for All {
            #[inline(always)]
            fn fold(left: $t, right: $t) -> $t {
                left.min(right)
            }
            #[inline(always)]
            fn value(x: $t) -> $t {
                (x != 0) as $t
            }
        }
    )*};
}
truths! { u8 u16 u32 u64 }

/// Folds `n` elements, a positive multiple of `N`, with `N` accumulators.
///
/// # Safety
/// `a` has `n` readable elements.
#[inline(always)]
unsafe fn fold_by<T: Copy, const N: usize>(
    a: *const T,
    n: usize,
    fold: impl Fn(T, T) -> T + Copy,
) -> T {
    // SAFETY: the caller's promise; `i + j` is less than `n`.
    let element = |i: usize, j: usize| unsafe { a.add(i + j).read_unaligned() };
    // A local copy, indexed by constants only: the compiler keeps it in registers.
    let mut values: [T; N] = std::array::from_fn(|j| element(0, j));
    for i in (N..n).step_by(N) {
        for (j, value) in values.iter_mut().enumerate() {
            *value = fold(*value, element(i, j));
        }
    }
    let mut half = N / 2;
    while half > 0 {
        for j in 0..half {
            values[j] = fold(values[j], values[j + half]);
        }
        half /= 2;
    }
    values[0]
}

/// Folds `n` elements, at least one, in any order.
///
/// # Safety
/// `a` has `n` readable elements.
#[inline(always)]
pub(super) unsafe fn fold_all<T: Copy>(
    a: *const T,
    n: usize,
    fold: impl Fn(T, T) -> T + Copy,
) -> T {
    let wide = if size_of::<T>() == 8 { 32 } else { 64 };
    // SAFETY: the parts are the caller's elements, of which there is at least one.
    unsafe {
        let (mut value, mut done) = if n >= wide {
            let done = n - n % wide;
            let value = match size_of::<T>() {
                8 => fold_by::<T, 32>(a, done, fold),
                _ => fold_by::<T, 64>(a, done, fold),
            };
            (value, done)
        } else {
            (a.read_unaligned(), 1)
        };
        if n - done >= NARROW {
            let part = (n - done) - (n - done) % NARROW;
            value = fold(value, fold_by::<T, NARROW>(a.add(done), part, fold));
            done += part;
        }
        for i in done..n {
            value = fold(value, a.add(i).read_unaligned());
        }
        value
    }
}

/// The reduction of elements of type `T` by the operation `S`.
pub(super) struct Fold<S, T>(PhantomData<(S, T)>);

impl<S: Step<T>, T: Pattern> Fold<S, T> {
    #[inline(always)]
    fn partial(value: T, count: u64) -> Partial {
        Partial { words: [S::value(value).pattern(), 0, 0], count }
    }
}

impl<S: Step<T>, T: Pattern> Method for Fold<S, T> {
    #[inline(always)]
    unsafe fn push(sequence: &mut Sequence, a: *const u8, n: usize) {
        if n == 0 {
            return;
        }
        // SAFETY: the caller's promise, and there is an element.
        let value = unsafe { S::fold_all(a.cast::<T>(), n) };
        let value = match sequence.count {
            0 => value,
            _ => S::fold(T::from_pattern(sequence.words[0][0][0]), value),
        };
        sequence.words[0][0][0] = value.pattern();
        sequence.count += n as u64;
    }

    fn finish(sequence: &mut Sequence) -> Partial {
        Self::partial(T::from_pattern(sequence.words[0][0][0]), sequence.count)
    }

    fn rows(_: usize) -> usize {
        1
    }

    #[inline(always)]
    unsafe fn push_lanes(columns: &mut Columns, a: *const u8) {
        let (a, first) = (a.cast::<T>(), columns.count == 0);
        columns.count += 1;
        let [[values]] = columns.rows([[0]]);
        for (j, value) in values.iter_mut().enumerate() {
            // SAFETY: there is an element for each lane.
            let x = unsafe { a.add(j).read_unaligned() };
            *value = if first { x } else { S::fold(*value, x) };
        }
    }

    fn finish_lanes(columns: &mut Columns, out: &mut [Partial]) {
        let count = columns.count;
        let [[values]] = columns.rows([[0]]);
        for (value, out) in values.iter().zip(out) {
            *out = Self::partial(*value, count);
        }
    }

    #[inline(always)]
    fn combine(left: &Partial, right: &Partial) -> Partial {
        let value = S::fold(T::from_pattern(left.words[0]), T::from_pattern(right.words[0]));
        Self::partial(value, left.count + right.count)
    }
}
