//! Functions of whole sequences: places among the sorted elements, medians and quantiles.
//!
//! A result depends on all elements, so a kernel takes a sequence in one call, and has memory for all
//! of it. They are defined by their values, as the [order statistics](super::order) of windows are: any
//! algorithm gives the same bits.

use std::marker::PhantomData;

use super::order::{Median, Quantile, Statistic, key};
use super::{Attributes, Recurrence, ScanState, Whole};
use crate::dtype::DType;
use crate::elementwise::family;

/// An element that has a place in an order.
pub(super) trait Ranked: Copy {
    /// A number in the order of elements; `None` of NaN, which has no place.
    fn key(self) -> Option<i64>;
    /// Twice the place, from 1 on, of an element that `below` elements are less than, and `up_to` are
    /// not greater than.
    fn places(below: usize, up_to: usize) -> Self;
    /// What stands for no place.
    fn none() -> Self;
}

macro_rules! integers {
    ($($t:ty, |$x:ident| $key:expr;)*) => {$(
        impl Ranked for $t {
            #[inline(always)]
            fn key(self) -> Option<i64> {
                let $x = self;
                Some($key)
            }
            #[inline(always)]
            fn places(below: usize, up_to: usize) -> Self {
                (below + up_to + 1) as $t
            }
            fn none() -> Self {
                0
            }
        }
    )*};
}

integers! {
    i64, |x| x;
    u64, |x| (x ^ (1 << 63)) as i64;
}

impl Ranked for f64 {
    #[inline(always)]
    fn key(self) -> Option<i64> {
        // Zeros are equal.
        (!self.is_nan()).then(|| key(self + 0.0))
    }
    #[inline(always)]
    fn places(below: usize, up_to: usize) -> f64 {
        (below + up_to + 1) as f64
    }
    fn none() -> f64 {
        f64::NAN
    }
}

/// The recurrence of places. Its memory has a key and an index for each element.
pub(super) struct Places<T>(PhantomData<T>);

/// Replaces the elements by twice their places.
///
/// # Safety
/// `a` has `n` elements, and `out` room for as many; they may be the same.
#[inline(never)]
unsafe fn places<T: Ranked>(memory: &mut [(i64, usize)], out: *mut T, a: *const T, n: usize) {
    let mut count = 0;
    for i in 0..n {
        // SAFETY: the caller's promise.
        let x = unsafe { a.add(i).read_unaligned() };
        match (x.key(), memory.get_mut(count)) {
            (Some(key), Some(place)) => {
                *place = (key, i);
                count += 1;
            }
            // SAFETY: as above.
            _ => unsafe { out.add(i).write_unaligned(T::none()) },
        }
    }
    let sorted = &mut memory[..count];
    sorted.sort_unstable_by_key(|(key, _)| *key);
    let mut below = 0;
    for equal in sorted.chunk_by(|(one, _), (other, _)| one == other) {
        let up_to = below + equal.len();
        for (_, i) in equal {
            // SAFETY: the indices are below n.
            unsafe { out.add(*i).write_unaligned(T::places(below, up_to)) };
        }
        below = up_to;
    }
}

impl<T: Ranked> Recurrence for Places<T> {
    type Element = T;

    fn bytes(_: &Attributes, length: usize, _: usize) -> usize {
        length.saturating_mul(size_of::<(i64, usize)>())
    }

    unsafe fn prepare(state: *mut ScanState, length: usize) {
        // SAFETY: the caller's promise.
        unsafe { (*state).levels = length };
    }

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise.
        unsafe { (*state).rows = 0 };
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut T, a: *const T, _: *const T, n: usize) {
        // SAFETY: the memory has a pair of numbers for each of the elements of the sequence, all
        // initialised and aligned.
        unsafe {
            let memory = std::slice::from_raw_parts_mut(state.memory.cast(), state.levels);
            places(memory, out, a, n);
        }
        state.rows += n as u64;
    }

    /// Each sequence has had its only element.
    unsafe fn across(_: &mut ScanState, out: *mut T, a: *const T, _: *const T, n: usize) {
        for i in 0..n {
            // SAFETY: the caller's promise.
            unsafe { places(&mut [(0, 0)], out.add(i), a.add(i), 1) };
        }
    }
}

/// A statistic that needs two neighbours in the order of elements at most.
pub(super) trait Selected: Statistic {
    /// The number of elements below the lower one, of `count` elements.
    fn below(count: usize, attributes: &Attributes) -> usize;
    /// The statistic of the lower one and the next.
    fn of_two(neighbours: [i64; 2], count: usize, attributes: &Attributes) -> f64;
}

/// The recurrence of a statistic of all elements, which is the result of each; NaN if one is. Its
/// memory has a key for each element.
pub(super) struct OfAll<S>(PhantomData<S>);

/// The statistic of `n` elements, given room for their keys.
///
/// # Safety
/// `a` has `n` elements.
#[inline(never)]
unsafe fn selected<S: Selected>(
    attributes: &Attributes,
    memory: &mut [i64],
    a: *const f64,
    n: usize,
) -> f64 {
    let Some(keys) = memory.get_mut(..n).filter(|keys| !keys.is_empty()) else { return f64::NAN };
    let mut any = false;
    for (i, place) in keys.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        let x = unsafe { a.add(i).read_unaligned() };
        any |= x.is_nan();
        *place = key(x);
    }
    if any {
        return f64::NAN;
    }
    let below = S::below(n, attributes).min(n - 1);
    let (_, lower, rest) = keys.select_nth_unstable(below);
    let lower = *lower;
    let next = rest.iter().copied().min().unwrap_or(lower);
    S::of_two([lower, next], n, attributes)
}

impl<S: Selected> Recurrence for OfAll<S> {
    type Element = f64;

    fn bytes(_: &Attributes, length: usize, _: usize) -> usize {
        length.saturating_mul(size_of::<i64>())
    }

    unsafe fn prepare(state: *mut ScanState, length: usize) {
        // SAFETY: the caller's promise.
        unsafe { (*state).levels = length };
    }

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise.
        unsafe { (*state).rows = 0 };
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        // SAFETY: the memory has a number for each of the elements of the sequence, all initialised
        // and aligned; `out` has room for the results.
        unsafe {
            let memory = std::slice::from_raw_parts_mut(state.memory.cast(), state.levels);
            let result = selected::<S>(&state.attributes, memory, a, n);
            (0..n).for_each(|i| out.add(i).write_unaligned(result));
        }
        state.rows += n as u64;
    }

    /// Each sequence has had its only element, which is the result.
    unsafe fn across(_: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        // SAFETY: the caller's promise.
        (0..n).for_each(|i| unsafe { out.add(i).write_unaligned(a.add(i).read_unaligned()) });
    }
}

/// Replaces a sequence by its results, from all elements in order; `false` if the function is not
/// defined on the dtype.
pub(super) fn reference(
    whole: Whole,
    attributes: &Attributes,
    dtype: DType,
    data: &mut [u8],
) -> bool {
    fn in_order<T: Ranked>(data: &mut [u8]) {
        let size = size_of::<T>();
        let read = |bytes: &[u8]| {
            // SAFETY: the bytes are those of one element, which need not be aligned.
            unsafe { bytes.as_ptr().cast::<T>().read_unaligned() }.key()
        };
        let keys: Vec<Option<i64>> = data.chunks_exact(size).map(read).collect();
        let mut sorted: Vec<i64> = keys.iter().flatten().copied().collect();
        sorted.sort_unstable();
        for (bytes, key) in data.chunks_exact_mut(size).zip(keys) {
            let result = key.map_or_else(T::none, |key| {
                let below = sorted.partition_point(|other| *other < key);
                T::places(below, sorted.partition_point(|other| *other <= key))
            });
            // SAFETY: as above.
            unsafe { bytes.as_mut_ptr().cast::<T>().write_unaligned(result) };
        }
    }
    let of_all = |data: &mut [u8], statistic: fn(&[i64], &Attributes) -> f64| {
        let number = |bytes: &[u8]| f64::from_le_bytes(std::array::from_fn(|i| bytes[i]));
        let numbers: Vec<f64> = data.chunks_exact(8).map(number).collect();
        let mut sorted: Vec<i64> = numbers.iter().map(|x| key(*x)).collect();
        sorted.sort_unstable();
        let none = sorted.is_empty() || numbers.iter().any(|x| x.is_nan());
        let result = if none { f64::NAN } else { statistic(&sorted, attributes) };
        data.chunks_exact_mut(8).for_each(|bytes| bytes.copy_from_slice(&result.to_le_bytes()));
    };
    match (whole, dtype) {
        (Whole::Places, _) => {
            let done = family!(@match dtype, T => in_order::<T>(data), I64 i64, U64 u64, F64 f64);
            return done.is_some();
        }
        (Whole::Median, DType::F64) => of_all(data, Median::of),
        (Whole::Quantile, DType::F64) => of_all(data, Quantile::of),
        _ => return false,
    }
    true
}
