//! Rings: the latest rows of a sequence, or of several side by side.

/// The maximum number of rows of one sequence that are written, or read, at once.
pub(super) const BLOCK: usize = 256;

/// Where the latest rows of something are in the memory of a state.
///
/// Those of one sequence are followed by a copy of their first [`BLOCK`], so that as many rows as
/// that lie one after another, whichever is the first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ring {
    /// Bytes from the beginning of the memory.
    start: usize,
    /// The number of rows, a power of two, minus 1.
    mask: usize,
    /// The number of sequences side by side; 0 for one sequence.
    lanes: usize,
}

impl Ring {
    /// A ring from which rows up to `lag` before the latest can be read. Returns the byte behind it
    /// too.
    pub(super) fn new(lag: usize, lanes: usize, size: usize, start: usize) -> (Ring, usize) {
        let together = if lanes == 0 { BLOCK } else { 1 };
        let rows = lag.saturating_add(together).next_power_of_two();
        let ring = Ring { start, mask: rows - 1, lanes };
        let copied = if lanes == 0 { BLOCK } else { 0 };
        let elements = rows.saturating_add(copied).saturating_mul(lanes.max(1));
        let bytes = elements.saturating_mul(size).next_multiple_of(8);
        (ring, start.saturating_add(bytes))
    }

    /// The elements of a row, or those of the rows from it on.
    #[inline(always)]
    pub(super) fn at<T>(&self, memory: *mut u8, row: u64) -> *mut T {
        let elements = memory.wrapping_add(self.start).cast::<T>();
        elements.wrapping_add((row as usize & self.mask) * self.lanes.max(1))
    }

    /// Repeats rows that have been written behind the ring, if they are among the first. They do
    /// not cross a multiple of [`BLOCK`].
    ///
    /// # Safety
    /// The memory is that for which the ring was made; `n` rows of `T` have been written from `row`
    /// on.
    #[inline(always)]
    pub(super) unsafe fn repeat<T>(&self, memory: *mut u8, row: u64, n: usize) {
        if self.lanes == 0 && row as usize & self.mask < BLOCK {
            let from = self.at::<T>(memory, row);
            // SAFETY: behind the ring there is room for `BLOCK` rows.
            unsafe { from.copy_to_nonoverlapping(from.add(self.mask + 1), n) };
        }
    }
}
