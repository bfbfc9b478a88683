//! Transposed blocks: blocks that a loop visits row by row, but whose columns are contiguous in the
//! store.
//!
//! Columns are transferred one by one, or together if the gaps between them are small, and
//! transposed into or out of the rows of a buffer.

use std::ops::Range;

use crate::chunk::{GAP, PICKED, Transfers, bytes_mut, steps};
use crate::control::{Control, Stop};
use crate::store::Store;
use crate::strided::gather_block;

/// The number of bytes between columns in the picking buffer, so that columns with a power-of-two
/// size do not share cache sets.
const PAD: usize = 64;

/// A transposed block: all rows have the same columns, but the first row may start late and the
/// last one end early.
#[derive(Clone)]
pub(crate) struct TransposedBlock<'a> {
    pub store: &'a Store,
    /// Checked before each transfer.
    pub control: &'a Control,
    /// The size of an element in bytes.
    pub size: usize,
    /// The offset in the store of column 0 of the first row.
    pub from: isize,
    /// The stride in bytes from row to row; at most [`GAP`].
    pub down: isize,
    pub rows: usize,
    /// The extents and strides of the axes of columns.
    pub extents: &'a [usize],
    pub strides: &'a [isize],
    pub columns: Range<usize>,
    /// The first column of the first row.
    pub first: usize,
    /// The end of the last row.
    pub last: usize,
}

/// Rows of a block that have the same columns: a rectangle.
struct Even {
    /// The first row.
    row: usize,
    rows: usize,
    columns: Range<usize>,
}

impl TransposedBlock<'_> {
    /// Reads the block into a buffer, row after row, starting with its first element.
    ///
    /// # Errors
    /// Those of the store; [`Stop`] from the control.
    ///
    /// # Safety
    /// The buffer has room for the block, and `picked` for [`PICKED`] bytes.
    pub unsafe fn fetch(&self, buffer: *mut u8, picked: *mut u8) -> Result<(), Stop> {
        self.parts().try_for_each(|(part, place)| {
            // SAFETY: `place` is the part's offset in the buffer.
            unsafe { part.fetch_part(buffer.wrapping_add(place), picked) }
        })
    }

    /// Writes the block from a buffer with the layout of [`TransposedBlock::fetch`]. Rows are
    /// adjacent in the store.
    ///
    /// # Errors
    /// Those of the store; [`Stop`] from the control.
    ///
    /// # Safety
    /// The buffer holds the block, `picked` has room for [`PICKED`] bytes.
    pub unsafe fn flush(&self, buffer: *const u8, picked: *mut u8) -> Result<(), Stop> {
        self.parts().try_for_each(|(part, place)| {
            // SAFETY: `place` is the part's offset in the buffer.
            unsafe { part.flush_part(buffer.wrapping_add(place), picked) }
        })
    }

    /// Splits the block so that a column of each part fits the picking buffer; returns the parts
    /// with their offsets in the buffer.
    fn parts(&self) -> impl Iterator<Item = (TransposedBlock<'_>, usize)> {
        let most = (PICKED - PAD) / self.down.unsigned_abs().max(self.size);
        (0..self.rows).step_by(most).map(move |row| {
            let mut part = self.clone();
            part.rows = most.min(self.rows - row);
            part.from += row as isize * self.down;
            if row > 0 {
                part.first = self.columns.start;
            }
            if row + part.rows < self.rows {
                part.last = self.columns.end;
            }
            if part.rows == 1 {
                part.columns = part.first..part.last;
            }
            let place = self.place(row, part.first);
            (part, place)
        })
    }

    /// The offset of an element in the buffer.
    fn place(&self, row: usize, column: usize) -> usize {
        (row * self.columns.len() + column - self.first) * self.size
    }

    /// The span in bytes of a column of `rows` rows.
    fn height(&self, rows: usize) -> usize {
        (rows - 1) * self.down.unsigned_abs() + self.size
    }

    /// The offset in the store of a column's element in the first row.
    fn at(&self, column: usize) -> isize {
        self.from + steps(self.extents, self.strides, column)
    }

    /// The range of rows that have a column.
    fn rows_of(&self, column: usize) -> Range<usize> {
        usize::from(column < self.first)..self.rows - usize::from(column >= self.last)
    }

    /// Splits the block into rows with the same columns, limited to the columns `among`.
    fn even<'s>(&'s self, among: &'s Range<usize>) -> impl Iterator<Item = Even> + 's {
        let TransposedBlock { rows, first, last, ref columns, .. } = *self;
        let early = usize::from(first > columns.start || rows == 1);
        let late = usize::from(rows > 1 && last < columns.end);
        let begin = (0, early, first..if rows == 1 { last } else { columns.end });
        let middle = (early, rows - early - late, columns.clone());
        let end = (rows - late, late, columns.start..last);
        [begin, middle, end].into_iter().filter_map(|(row, rows, columns)| {
            let columns = columns.start.max(among.start)..columns.end.min(among.end);
            (rows > 0 && columns.start < columns.end).then_some(Even { row, rows, columns })
        })
    }

    /// Reads a part of a block.
    ///
    /// # Safety
    /// As [`TransposedBlock::fetch`], for a part.
    unsafe fn fetch_part(&self, buffer: *mut u8, picked: *mut u8) -> Result<(), Stop> {
        let (size, pitch) = (self.size, self.columns.len() * self.size);
        let mut start = self.columns.start;
        while start < self.columns.end {
            // SAFETY: the caller's promise; `pick` has read the elements of these columns.
            unsafe {
                let (end, first, across) = self.pick(start, picked)?;
                for Even { row, rows, columns } in self.even(&(start..end)) {
                    let down = self.down;
                    let from = first
                        .wrapping_offset(row as isize * down)
                        .wrapping_offset((columns.start - start) as isize * across);
                    let to = buffer.wrapping_add(self.place(row, columns.start));
                    gather_block(to, pitch, from, rows, down, columns.len(), across, size);
                }
                start = end;
            }
        }
        Ok(())
    }

    /// Reads columns from `start` on into the picking buffer. Returns the end of these columns, the
    /// address of the element of the first row and column, and the stride of columns.
    ///
    /// # Safety
    /// As [`TransposedBlock::fetch`], for a part.
    unsafe fn pick(
        &self,
        start: usize,
        picked: *mut u8,
    ) -> Result<(usize, *const u8, isize), Stop> {
        let height = self.height(self.rows);
        let extent = self.extents.last().copied().unwrap_or(1);
        let step = self.strides.last().copied().unwrap_or(0);
        // The offset of a column's element in the first row from its lowest element.
        let below = if self.down < 0 { height - self.size } else { 0 };
        if step.unsigned_abs() <= height + GAP as usize {
            let room = (PICKED - height).checked_div(step.unsigned_abs());
            let left = (extent - start % extent).min(self.columns.end - start);
            let end = start + room.map_or(left, |room| left.min(room + 1));
            let (one, other) = (self.at(start), self.at(end - 1));
            let low = one.min(other) - below as isize;
            let span = one.abs_diff(other) + height;
            self.control.check()?;
            // SAFETY: the span fits the picking buffer.
            self.store.read(low as u64, unsafe { bytes_mut(picked, span) })?;
            return Ok((end, picked.wrapping_offset(one - low), step));
        }
        let pitch = height + PAD;
        let end = self.columns.end.min(start + (PICKED / pitch).max(1));
        for column in start..end {
            self.control.check()?;
            let rows = self.rows_of(column);
            if rows.is_empty() {
                continue;
            }
            let lowest = if self.down < 0 { rows.end - 1 } else { rows.start };
            let offset = lowest as isize * self.down;
            let low = self.at(column) + offset;
            let to = picked.wrapping_add((column - start) * pitch + below);
            // SAFETY: each column has `pitch` bytes of the picking buffer.
            let bytes = unsafe { bytes_mut(to.wrapping_offset(offset), self.height(rows.len())) };
            self.store.read(low as u64, bytes)?;
        }
        Ok((end, picked.wrapping_add(below), pitch as isize))
    }

    /// Writes a part of a block.
    ///
    /// # Safety
    /// As [`TransposedBlock::flush`], for a part.
    unsafe fn flush_part(&self, buffer: *const u8, picked: *mut u8) -> Result<(), Stop> {
        let (size, height) = (self.size, self.rows * self.size);
        let (below, row_step) = (self.columns.len() * size, size as isize);
        let mut start = self.columns.start;
        while start < self.columns.end {
            let end = self.columns.end.min(start + PICKED / height);
            // SAFETY: each column has `height` bytes of the picking buffer, which are copied from
            // the buffer before they are written to the store.
            unsafe {
                for Even { row, rows, columns } in self.even(&(start..end)) {
                    let from = buffer.wrapping_add(self.place(row, columns.start));
                    let to = picked.wrapping_add((columns.start - start) * height + row * size);
                    let n = columns.len();
                    gather_block(to, height, from, n, row_step, rows, below as isize, size);
                }
                let mut writes = Transfers::new(self.store, self.control);
                for column in start..end {
                    let rows = self.rows_of(column);
                    let from = picked.wrapping_add((column - start) * height + rows.start * size);
                    let at = self.at(column) + (rows.start * size) as isize;
                    writes.add(at, from, rows.len() * size)?;
                }
                writes.finish()?;
            }
            start = end;
        }
        Ok(())
    }
}
