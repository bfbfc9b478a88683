//! Sums of narrow integers and of booleans, in 64 bits. They wrap, so their order does not matter.

use std::marker::PhantomData;

use super::method::Method;
use super::{Columns, Partial, Sequence};
use crate::convert::Pattern;

/// The number of elements of at most 16 bits whose sum fits 32 bits. Adding them in 32 bits first
/// takes half the time.
const SHORT: usize = 1 << 15;

/// An element type whose sum has 64 bits.
pub(super) trait Narrow: Pattern {
    /// Whether the sum of [`SHORT`] elements fits 32 bits.
    const IS_SHORT: bool;
    /// The element in 32 bits, if it is short.
    fn short(self) -> i32;
    /// The element in 64 bits.
    fn wide(self) -> i64;
}

/// A boolean in a byte or in a mask of any width: any pattern but zero is true.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Truth<T>(T);

macro_rules! truths {
    ($($t:ty)*) => {$(
        impl Pattern for Truth<$t> {
            fn pattern(self) -> u64 {
                self.0.into()
            }
            fn from_pattern(bits: u64) -> Truth<$t> {
                Truth(bits as $t)
            }
        }

        impl Narrow for Truth<$t> {
            const IS_SHORT: bool = true;
            #[inline(always)]
            fn short(self) -> i32 {
                (self.0 != 0).into()
            }
            #[inline(always)]
            fn wide(self) -> i64 {
                (self.0 != 0).into()
            }
        }
    )*};
}
truths! { u8 u16 u32 u64 }

macro_rules! narrow {
    ($($t:ty, $short:literal;)*) => {$(
        impl Narrow for $t {
            const IS_SHORT: bool = $short;
            #[inline(always)]
            fn short(self) -> i32 {
                self as i32
            }
            #[inline(always)]
            fn wide(self) -> i64 {
                self as i64
            }
        }
    )*};
}
narrow! { u8, true; i8, true; u16, true; i16, true; u32, false; i32, false; }

/// The sum of elements of type `T`.
pub(super) struct Widening<T>(PhantomData<T>);

impl<T: Narrow> Widening<T> {
    /// The sum of `n` elements.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn sum(a: *const T, n: usize) -> i64 {
        // SAFETY: the caller's promise; `i` is less than `n`.
        let element = |i: usize| unsafe { a.add(i).read_unaligned() };
        if !T::IS_SHORT {
            return (0..n).fold(0, |sum, i| sum.wrapping_add(element(i).wide()));
        }
        let mut sum = 0i64;
        for start in (0..n).step_by(SHORT) {
            let end = n.min(start + SHORT);
            let part = (start..end).fold(0i32, |part, i| part.wrapping_add(element(i).short()));
            sum = sum.wrapping_add(part.into());
        }
        sum
    }

    fn partial(sum: u64, count: u64) -> Partial {
        Partial { words: [sum, 0, 0], count }
    }
}

impl<T: Narrow> Method for Widening<T> {
    #[inline(always)]
    unsafe fn push(sequence: &mut Sequence, a: *const u8, n: usize) {
        // SAFETY: the caller's promise.
        let sum = unsafe { Self::sum(a.cast(), n) } as u64;
        let before = match sequence.count {
            0 => 0,
            _ => sequence.words[0][0][0],
        };
        sequence.words[0][0][0] = before.wrapping_add(sum);
        sequence.count += n as u64;
    }

    fn finish(sequence: &mut Sequence) -> Partial {
        Self::partial(sequence.words[0][0][0], sequence.count)
    }

    fn rows(_: usize) -> usize {
        1
    }

    #[inline(always)]
    unsafe fn push_lanes(columns: &mut Columns, a: *const u8) {
        let (a, first) = (a.cast::<T>(), columns.count == 0);
        columns.count += 1;
        let [[sums]] = columns.rows::<i64, 1, 1>([[0]]);
        for (j, sum) in sums.iter_mut().enumerate() {
            // SAFETY: there is an element for each lane.
            let x = unsafe { a.add(j).read_unaligned() }.wide();
            *sum = if first { x } else { sum.wrapping_add(x) };
        }
    }

    fn finish_lanes(columns: &mut Columns, out: &mut [Partial]) {
        let count = columns.count;
        let [[sums]] = columns.rows::<i64, 1, 1>([[0]]);
        for (sum, out) in sums.iter().zip(out) {
            *out = Self::partial(*sum as u64, count);
        }
    }

    #[inline(always)]
    fn combine(left: &Partial, right: &Partial) -> Partial {
        let sum = left.words[0].wrapping_add(right.words[0]);
        Self::partial(sum, left.count + right.count)
    }
}
