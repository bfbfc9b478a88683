//! Shifts: the element of an earlier row.

use std::marker::PhantomData;

use super::ring::{BLOCK, Ring};
use super::{Attributes, Recurrence, ScanState};

/// The recurrence of a shift. Its memory is a ring of the latest elements.
pub(super) struct Shift<T>(PhantomData<T>);

impl<T: Copy> Shift<T> {
    fn lag(attributes: &Attributes) -> (u32, [u32; 2]) {
        match *attributes {
            Attributes::Lag { rows, fill } => (rows, fill),
            _ => (0, [0; 2]),
        }
    }

    fn ring(attributes: &Attributes, length: usize, lanes: usize) -> (Ring, usize) {
        let lag = (Self::lag(attributes).0 as usize).min(length);
        Ring::new(lag, lanes, size_of::<T>(), size_of::<Ring>())
    }

    /// The results of `n` elements that are in one row, or in as many rows as lie one after
    /// another, from `row` on.
    #[inline(always)]
    unsafe fn rows(state: &ScanState, out: *mut T, a: *const T, row: u64, n: usize, rows: usize) {
        let (lag, fill) = Self::lag(&state.attributes);
        // Arrays need not be aligned, so bytes are copied.
        let size = size_of::<T>();
        // SAFETY: the state's memory begins with its ring; the caller's promise.
        unsafe {
            let ring = state.memory.cast::<Ring>().read();
            let to = ring.at::<T>(state.memory, row).cast::<u8>();
            a.cast::<u8>().copy_to_nonoverlapping(to, n * size);
            ring.repeat::<T>(state.memory, row, n);
            let lag = u64::from(lag);
            let none = (lag.saturating_sub(row) as usize).min(rows);
            let filled = if none == 0 { 0 } else { none * (n / rows) };
            let fill = fill.as_ptr().cast::<T>().read_unaligned();
            (0..filled).for_each(|i| out.add(i).write_unaligned(fill));
            let from = ring.at::<T>(state.memory, (row + none as u64).wrapping_sub(lag));
            let (from, to) = (from.cast::<u8>(), out.add(filled).cast::<u8>());
            from.copy_to_nonoverlapping(to, (n - filled) * size);
        }
    }
}

impl<T: Copy> Recurrence for Shift<T> {
    type Element = T;
    const LAYOUT: usize = size_of::<Ring>();

    fn bytes(attributes: &Attributes, length: usize, lanes: usize) -> usize {
        Self::ring(attributes, length, lanes).1
    }

    unsafe fn prepare(state: *mut ScanState, length: usize) {
        // SAFETY: the caller's promise; the memory begins with room for the ring.
        unsafe {
            let (ring, _) = Self::ring(&(*state).attributes, length, (*state).lanes);
            (*state).memory.cast::<Ring>().write(ring);
        }
    }

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise.
        unsafe { (*state).rows = 0 };
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut T, a: *const T, _: *const T, n: usize) {
        let mut at = 0;
        while at < n {
            let rows = (BLOCK - state.rows as usize % BLOCK).min(n - at);
            // SAFETY: so many elements are left.
            unsafe { Self::rows(state, out.add(at), a.add(at), state.rows, rows, rows) };
            state.rows += rows as u64;
            at += rows;
        }
    }

    #[inline(always)]
    unsafe fn across(state: &mut ScanState, out: *mut T, a: *const T, _: *const T, n: usize) {
        // SAFETY: the caller's promise.
        unsafe { Self::rows(state, out, a, state.rows, n, 1) };
        state.rows += 1;
    }
}
