//! Whole sequences that lie row by row, whose results are written at once.

use super::{Reducer, Sequence};

/// Rows of contiguous elements, each of which is a sequence.
#[derive(Clone, Copy, Debug)]
pub struct WholeRows {
    /// The first element of the first row.
    pub first: *const u8,
    /// The stride in bytes from row to row.
    pub stride: isize,
    /// The number of rows.
    pub count: usize,
    /// The number of elements of a row, at least one.
    pub length: usize,
}

/// Where the results of rows are written.
#[derive(Clone, Copy, Debug)]
pub struct RowResults {
    /// The first result.
    pub first: *mut u8,
    /// The stride in bytes from result to result.
    pub stride: isize,
}

impl WholeRows {
    pub(super) fn row(&self, number: usize) -> *const u8 {
        self.first.wrapping_offset(self.stride * number as isize)
    }
}

impl RowResults {
    /// Writes the low bytes of a result.
    ///
    /// # Safety
    /// The result is writable, and has 1, 2, 4 or 8 bytes.
    #[inline(always)]
    pub(super) unsafe fn write(&self, number: usize, size: usize, bits: u64) {
        let to = self.first.wrapping_offset(self.stride * number as isize);
        // SAFETY: the caller's promise; no pointer need be aligned.
        unsafe {
            match size {
                8 => to.cast::<u64>().write_unaligned(bits),
                4 => to.cast::<u32>().write_unaligned(bits as u32),
                2 => to.cast::<u16>().write_unaligned(bits as u16),
                _ => to.write(bits as u8),
            }
        }
    }
}

impl Reducer {
    /// Reduces rows; the results have the dtype of [`Reducer::result_dtype`]. `sequence` is scratch.
    ///
    /// # Safety
    /// The rows are readable, aligned or not, and not empty. The results are writable. The machine
    /// has the reducer's instruction set.
    pub unsafe fn reduce_rows(
        &self,
        rows: &WholeRows,
        results: &RowResults,
        sequence: &mut Sequence,
    ) {
        let size = self.result_dtype().size();
        // SAFETY: the caller's promise.
        unsafe {
            if rows.length <= self.methods.longest_row {
                (self.methods.whole_rows)(rows, results, self.word(), size);
                return;
            }
            for number in 0..rows.count {
                sequence.start(self, 0);
                sequence.push(self, rows.row(number), rows.length);
                if let Some(bits) = self.result(sequence.finish(self).as_ref()) {
                    results.write(number, size, bits);
                }
            }
        }
    }
}
