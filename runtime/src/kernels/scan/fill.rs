//! Forward fills: the latest element that is not missing, or whose row is marked.

use std::marker::PhantomData;

use super::{Attributes, Recurrence, ScanState};
use crate::elementwise::scalar_loop;
use crate::scalar::Float;

/// Sequences side by side that are computed before the first result is stored.
const GROUP: usize = 16;

/// The recurrence of a forward fill; with `MARKED` the elements come with numbers that are not 0 where
/// they are taken, be they missing or not. Its memory has the latest element of each sequence, NaN
/// before the first.
pub(super) struct Fill<T, const MARKED: bool>(PhantomData<T>);

impl<T: Float, const MARKED: bool> Fill<T, MARKED> {
    /// Whether a row's element is taken.
    #[inline(always)]
    fn takes(x: T, mark: T) -> bool {
        if MARKED { mark.ne(T::ZERO) } else { !x.ne(x) }
    }

    /// The next element of `N` sequences from lane `at` on.
    ///
    /// # Safety
    /// The state has these lanes, `a` their elements, and `out` room for their results.
    #[inline(always)]
    unsafe fn lanes<const N: usize>(
        state: &ScanState,
        out: *mut T,
        a: *const T,
        b: *const T,
        at: usize,
    ) {
        let marks = if MARKED { b } else { a };
        let latest = state.memory.cast::<T>().wrapping_add(at).cast::<[T; N]>();
        // SAFETY: the caller's promise.
        unsafe {
            let mut y = a.add(at).cast::<[T; N]>().read_unaligned();
            let marks = marks.add(at).cast::<[T; N]>().read_unaligned();
            for ((y, mark), latest) in y.iter_mut().zip(marks).zip(latest.read_unaligned()) {
                *y = if Self::takes(*y, mark) { *y } else { latest };
            }
            latest.write_unaligned(y);
            out.add(at).cast::<[T; N]>().write_unaligned(y);
        }
    }
}

impl<T: Float, const MARKED: bool> Recurrence for Fill<T, MARKED> {
    type Element = T;

    fn bytes(_: &Attributes, _: usize, lanes: usize) -> usize {
        lanes.max(1) * size_of::<T>()
    }

    unsafe fn prepare(_: *mut ScanState, _: usize) {}

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise.
        unsafe {
            let latest = (*state).memory.cast::<T>();
            (0..(*state).lanes.max(1)).for_each(|i| latest.add(i).write(T::ZERO.div(T::ZERO)));
        }
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut T, a: *const T, b: *const T, n: usize) {
        let marks = if MARKED { b } else { a };
        // SAFETY: the caller's promise.
        unsafe {
            let mut latest = state.memory.cast::<T>().read();
            for i in 0..n {
                let x = a.add(i).read_unaligned();
                let mark = marks.add(i).read_unaligned();
                latest = if Self::takes(x, mark) { x } else { latest };
                out.add(i).write_unaligned(latest);
            }
            state.memory.cast::<T>().write(latest);
        }
    }

    #[inline(always)]
    unsafe fn across(state: &mut ScanState, out: *mut T, a: *const T, b: *const T, n: usize) {
        let mut at = 0;
        // SAFETY: the caller's promise.
        unsafe {
            while n - at >= GROUP {
                Self::lanes::<GROUP>(state, out, a, b, at);
                at += GROUP;
                scalar_loop();
            }
            (at..n).for_each(|at| Self::lanes::<1>(state, out, a, b, at));
        }
    }
}
