//! Windows: what a unit of a loop needs of an array that is not in memory.
//!
//! A window holds the elements of a block of rows and columns, dense, row after row. Offsets into
//! the store follow the operand's path, as addresses would; whatever lies side by side in the
//! store is read or written at once.

use std::io;
use std::ops::Range;

use crate::fault::{Fault, injected};
use crate::nest::{Nest, Path};
use crate::store::Store;
use crate::strided::{gather, gather_block, is_contiguous, swap_bytes};

/// Elements that lie farther apart are read one by one.
const GAP: isize = 4096;

/// Bytes that are read before elements are picked out of them.
pub(crate) const PICKED: usize = 256 << 10;

/// Where an index along some axes leads to.
pub(crate) fn steps(extents: &[usize], strides: &[isize], index: usize) -> isize {
    match (extents, strides) {
        ([], _) | (_, []) => 0,
        ([_], [stride]) => index as isize * stride,
        _ => {
            let mut rest = index;
            let mut offset = 0;
            for (extent, stride) in extents.iter().zip(strides).rev() {
                offset += (rest % extent) as isize * stride;
                rest /= extent;
            }
            offset
        }
    }
}

/// A block of an operand's rows and columns, of one outer turn.
pub(crate) struct Piece<'a> {
    pub store: &'a Store,
    pub nest: &'a Nest,
    pub path: &'a Path,
    /// Bytes of an element.
    pub size: usize,
    /// Whether the bytes of each element are in the other order than this machine's.
    pub swapped: bool,
    /// The offset in the store from which rows are counted.
    pub base: isize,
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Piece<'_> {
    /// Bytes from one row of the window to the next: none if all rows are the same.
    pub fn pitch(&self) -> usize {
        match self.path.rows.iter().all(|step| *step == 0) {
            true => 0,
            false => self.columns.len() * self.size,
        }
    }

    fn row(&self, row: usize) -> isize {
        self.base + steps(&self.nest.rows, &self.path.rows, row)
    }

    /// Reads the elements.
    ///
    /// # Errors
    /// The store's.
    ///
    /// # Safety
    /// The window has room for the block, and `picked` for [`PICKED`] bytes.
    pub unsafe fn fetch(&self, window: *mut u8, picked: *mut u8) -> io::Result<()> {
        let pitch = self.pitch();
        let rows = if pitch == 0 { 0..1 } else { 0..self.rows.len() };
        // SAFETY: the caller's promise.
        unsafe {
            match self.is_turned() {
                true => self.fetch_turned(window, picked)?,
                false => {
                    let mut reads = Transfers::new(self.store);
                    for row in rows.clone() {
                        let to = window.add(row * pitch);
                        let row = if injected(Fault::WindowOfFirstRow) { 0 } else { row };
                        self.fetch_row(&mut reads, self.row(self.rows.start + row), to, picked)?;
                    }
                    reads.finish()?;
                }
            }
            if self.swapped && !injected(Fault::WindowAsItIs) {
                swap_bytes(window, self.size, rows.len() * self.columns.len());
            }
        }
        Ok(())
    }

    /// Whether elements of a column lie side by side, and those of a row do not.
    fn is_turned(&self) -> bool {
        let size = self.size as isize;
        let down = self.path.rows.last() == Some(&size);
        down && self.rows.len() > 1 && matches!(*self.path.columns, [step] if step.abs() > size)
    }

    /// # Safety
    /// As [`Piece::fetch`].
    unsafe fn fetch_turned(&self, window: *mut u8, picked: *mut u8) -> io::Result<()> {
        let (pitch, step) = (self.pitch(), self.path.columns[0]);
        let extent = self.nest.rows.last().copied().unwrap_or(1);
        let mut row = self.rows.start;
        while row < self.rows.end {
            let run = (extent - row % extent).min(self.rows.end - row);
            let to = window.wrapping_add((row - self.rows.start) * pitch);
            let from = self.row(row) + self.columns.start as isize * step;
            let block = Turned { from, rows: run, columns: self.columns.len(), step, pitch };
            // SAFETY: these are rows of the window.
            unsafe { self.fetch_block(&block, to, picked) }?;
            row += run;
        }
        Ok(())
    }

    /// # Safety
    /// `to` has room for the block, `picked` for [`PICKED`] bytes.
    unsafe fn fetch_block(&self, block: &Turned, to: *mut u8, picked: *mut u8) -> io::Result<()> {
        let (size, Turned { from, step, pitch, .. }) = (self.size, *block);
        let most_rows = PICKED / size;
        for row in (0..block.rows).step_by(most_rows) {
            let rows = most_rows.min(block.rows - row);
            let most_columns = PICKED / (rows * size);
            for column in (0..block.columns).step_by(most_columns) {
                let columns = most_columns.min(block.columns - column);
                let at = from + (row * size) as isize + column as isize * step;
                let to = to.wrapping_add(row * pitch + column * size);
                // SAFETY: `columns` times `rows` elements fit what is picked from, and are part
                // of the block.
                unsafe {
                    let mut reads = Transfers::new(self.store);
                    for c in 0..columns {
                        let to = picked.add(c * rows * size);
                        reads.add(at + c as isize * step, to, rows * size)?;
                    }
                    reads.finish()?;
                    let (down, across) = (size as isize, (rows * size) as isize);
                    gather_block(to, pitch, picked, rows, down, columns, across, size);
                }
            }
        }
        Ok(())
    }

    /// # Safety
    /// `to` has room for the row, `picked` for [`PICKED`] bytes.
    unsafe fn fetch_row<'s>(
        &'s self,
        reads: &mut Transfers<'s>,
        row: isize,
        to: *mut u8,
        picked: *mut u8,
    ) -> io::Result<()> {
        let (extents, strides, size) = (&*self.nest.columns, &*self.path.columns, self.size);
        let at = |column: usize| row + steps(extents, strides, column);
        let Range { start, end } = self.columns;
        let place = |column: usize| to.wrapping_add((column - start) * size);
        // SAFETY: all that is read lies between the columns' ends, in the row.
        unsafe {
            if is_contiguous(extents, strides, size) {
                return reads.add(at(start), to, (end - start) * size);
            }
            if let ([_, across], [down, step]) = (extents, strides)
                && *down == size as isize
                && step.abs() > GAP
            {
                // Whole rows of an array in the other order.
                let (first, last) = (start.next_multiple_of(*across), end - end % across);
                if first < last {
                    let rows = (last - first) / across;
                    let (from, pitch) = (at(first), across * size);
                    let block = Turned { from, rows, columns: *across, step: *step, pitch };
                    self.fetch_block(&block, place(first), picked)?;
                    self.fetch_picked(reads, row, start..first, place(start), picked)?;
                    return self.fetch_picked(reads, row, last..end, place(last), picked);
                }
            }
            self.fetch_picked(reads, row, start..end, to, picked)
        }
    }

    /// Reads spans of bytes, and picks the elements out of them.
    ///
    /// # Safety
    /// As [`Piece::fetch_row`].
    unsafe fn fetch_picked<'s>(
        &'s self,
        reads: &mut Transfers<'s>,
        row: isize,
        columns: Range<usize>,
        to: *mut u8,
        picked: *mut u8,
    ) -> io::Result<()> {
        let (extents, strides, size) = (&*self.nest.columns, &*self.path.columns, self.size);
        // The inner axes that are read as one block, and how many of it side by side.
        let mut inner = extents.len();
        let (mut count, mut below, mut above) = (1usize, 0isize, 0isize);
        while let Some(axis) = inner.checked_sub(1) {
            let far = (extents[axis] as isize - 1).saturating_mul(strides[axis]);
            let (low, high) = (below + far.min(0), above.saturating_add(far.max(0)));
            if strides[axis].abs() > GAP || high - low + size as isize > PICKED as isize {
                break;
            }
            (inner, count, below, above) = (axis, count * extents[axis], low, high);
        }
        let (axis, stride) = match inner.checked_sub(1) {
            Some(axis) => (extents[axis], strides[axis]),
            None => (1, 0),
        };
        let span = above - below + size as isize;
        let side_by_side = match stride.abs() {
            0 => usize::MAX,
            gap if gap > GAP => 1,
            gap => (PICKED as isize - span) as usize / gap as usize + 1,
        };
        let mut column = columns.start;
        while column < columns.end {
            let block = column / count;
            let blocks = side_by_side.min(axis - block % axis);
            let end = columns.end.min((block + blocks) * count);
            let blocks = (end - block * count).div_ceil(count);
            let first = row + steps(extents, strides, block * count);
            let last = first + (blocks as isize - 1) * stride;
            let (low, high) = (first.min(last) + below, first.max(last) + above + size as isize);
            let place = to.wrapping_add((column - columns.start) * size);
            // SAFETY: the span fits what is picked from, and holds the elements.
            unsafe {
                if end - column == 1 {
                    reads.add(row + steps(extents, strides, column), place, size)?;
                } else {
                    let short = if injected(Fault::SpanOneShort) { size } else { 0 };
                    let span = (high - low) as usize - short;
                    self.store.read(low as u64, bytes_mut(picked, span))?;
                    let base = picked.wrapping_offset(row - low);
                    gather(place, base, extents, strides, size, column, end - column);
                }
            }
            column = end;
        }
        Ok(())
    }

    /// Writes the elements; the window's bytes are swapped in place if need be.
    ///
    /// # Errors
    /// The store's.
    ///
    /// # Safety
    /// The window holds the block.
    pub unsafe fn flush(&self, window: *mut u8) -> io::Result<()> {
        let (extents, strides, size) = (&*self.nest.columns, &*self.path.columns, self.size);
        let pitch = self.columns.len() * size;
        let whole = is_contiguous(extents, strides, size);
        // SAFETY: all rows and columns are the window's.
        unsafe {
            if self.swapped && !injected(Fault::SinkWindowAsItIs) {
                swap_bytes(window, size, self.rows.len() * self.columns.len());
            }
            let mut writes = Transfers::new(self.store);
            for row in self.rows.clone() {
                let (at, from) = (self.row(row), window.add((row - self.rows.start) * pitch));
                if whole {
                    let first = at + steps(extents, strides, self.columns.start);
                    writes.add(first, from, pitch)?;
                    continue;
                }
                for (i, column) in self.columns.clone().enumerate() {
                    writes.add(at + steps(extents, strides, column), from.add(i * size), size)?;
                }
            }
            writes.finish()
        }
    }
}

/// A block whose columns are read one after the other.
#[derive(Clone, Copy)]
struct Turned {
    from: isize,
    rows: usize,
    columns: usize,
    /// From one column to the next.
    step: isize,
    /// From one row of the copy to the next.
    pitch: usize,
}

/// # Safety
/// The bytes are writable, initialised, and nobody else's for as long as the slice is used.
unsafe fn bytes_mut<'a>(pointer: *mut u8, n: usize) -> &'a mut [u8] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(pointer, n) }
}

/// Transfers from a source or to a sink, joined where they meet in the store and in memory.
struct Transfers<'a> {
    store: &'a Store,
    at: isize,
    place: *mut u8,
    n: usize,
}

impl<'a> Transfers<'a> {
    fn new(store: &'a Store) -> Transfers<'a> {
        Transfers { store, at: 0, place: std::ptr::null_mut(), n: 0 }
    }

    /// # Safety
    /// The place is readable, or from a source writable, until [`Transfers::finish`].
    unsafe fn add(&mut self, at: isize, place: *mut u8, n: usize) -> io::Result<()> {
        let meets = self.at + self.n as isize == at || injected(Fault::TransfersJoinedFar);
        let meets = meets && self.place.wrapping_add(self.n) == place;
        if meets && self.n > 0 {
            self.n += n;
            return Ok(());
        }
        // SAFETY: the caller's promise, also of before.
        unsafe { self.finish() }?;
        (self.at, self.place, self.n) = (at, place, n);
        Ok(())
    }

    /// # Safety
    /// As [`Transfers::add`].
    unsafe fn finish(&mut self) -> io::Result<()> {
        let n = std::mem::take(&mut self.n);
        if n == 0 {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        let bytes = unsafe { bytes_mut(self.place, n) };
        match self.store {
            Store::Source(source) => source.read_at(self.at as u64, bytes),
            Store::Sink(sink) => sink.write_at(self.at as u64, bytes),
        }
    }
}

/// Small results on their way to a store, joined where they meet there.
pub(crate) struct Results {
    at: isize,
    bytes: Vec<u8>,
}

impl Results {
    /// Bytes that are collected before they are written.
    pub const ROOM: usize = 64 << 10;

    /// Collects in a list that has [`Results::ROOM`].
    pub fn new(bytes: Vec<u8>) -> Results {
        Results { at: 0, bytes }
    }

    /// Forgets what a run that was stopped has left.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    pub fn put(&mut self, store: &Store, at: isize, bytes: &[u8]) -> io::Result<()> {
        let meets = self.at + self.bytes.len() as isize == at || injected(Fault::ResultsJoinedFar);
        if !meets || self.bytes.len() + bytes.len() > Results::ROOM {
            self.finish(store)?;
            self.at = at;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub fn finish(&mut self, store: &Store) -> io::Result<()> {
        if !self.bytes.is_empty() {
            store.write(self.at as u64, &self.bytes)?;
        }
        self.bytes.clear();
        Ok(())
    }
}
