//! Windows: in-memory copies of the block of a stored array that a unit of a loop needs.
//!
//! A window holds a block of rows and columns contiguously, row after row. Offsets into the store
//! follow the operand's strides, as addresses would; adjacent elements of the store are transferred
//! together.

use std::io;
use std::ops::Range;

use super::transposed::TransposedBlock;
use crate::control::{Control, Stop};
use crate::format::Format;
use crate::nest::{Nest, Path};
use crate::store::Store;
use crate::strided::{gather, is_contiguous};

/// The maximum stride in bytes at which elements are read with the gaps between them.
pub(crate) const GAP: isize = 4096;

/// The size in bytes of the picking buffer: spans are read into it, and elements copied from it.
pub(crate) const PICKED: usize = 256 << 10;

/// The maximum number of bytes of one transfer, so that a run can be stopped between two.
const LONGEST: usize = 1 << 20;

/// The offset of an index along some axes.
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

/// The direction of transfers: which elements are transferred together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The elements of a row.
    Rows,
    /// The elements of a column: the innermost axis of rows has the smallest stride.
    Turned,
    /// The elements along this axis of the columns, which is not the innermost but has the smallest
    /// stride.
    TurnedAxis(usize),
}

impl Way {
    /// The direction for elements of `size` bytes with the strides of `path`.
    pub fn of(nest: &Nest, path: &Path, size: usize) -> Way {
        let Some((inner, others)) = path.columns.split_last() else { return Way::Rows };
        let nearer = |step: &isize| {
            let step = step.unsigned_abs();
            step != 0 && step < inner.unsigned_abs() && step <= GAP as usize
        };
        let near = (0..others.len()).filter(|axis| nearer(&others[*axis]));
        if let Some(axis) = near.min_by_key(|axis| others[*axis].unsigned_abs()) {
            // Axes that are read as one span need no transposition.
            let picked = Picked::of(&nest.columns, &path.columns, size).axes;
            return if axis < picked { Way::TurnedAxis(axis) } else { Way::Rows };
        }
        match path.rows.last() {
            Some(step) if nearer(step) => Way::Turned,
            _ => Way::Rows,
        }
    }

    /// The size of a unit, in elements and at most `most`, that transfers `rows` rows of at least
    /// `columns` columns together; 1 if there is none.
    pub fn unit(self, nest: &Nest, rows: usize, columns: usize, most: usize) -> usize {
        let (extent, across) = match self {
            Way::Rows => return 1,
            Way::Turned => (nest.rows.last().copied().unwrap_or(1), columns),
            Way::TurnedAxis(axis) => {
                (nest.columns[axis], nest.columns[axis + 1..].iter().product::<usize>())
            }
        };
        let unit = across.saturating_mul(rows.min(extent)).min(most);
        if unit / 2 < across { 1 } else { unit }
    }
}

/// The inner axes of columns that are read as one span.
struct Picked {
    axes: usize,
    /// The number of elements of the span.
    count: usize,
    /// The distances in bytes from its first element to its lowest and its highest.
    below: isize,
    above: isize,
}

impl Picked {
    fn of(extents: &[usize], strides: &[isize], size: usize) -> Picked {
        let mut picked = Picked { axes: extents.len(), count: 1, below: 0, above: 0 };
        while let Some(axis) = picked.axes.checked_sub(1) {
            let far = (extents[axis] as isize - 1).saturating_mul(strides[axis]);
            let below = picked.below + far.min(0);
            let above = picked.above.saturating_add(far.max(0));
            if strides[axis].abs() > GAP || above - below + size as isize > PICKED as isize {
                break;
            }
            picked = Picked { axes: axis, count: picked.count * extents[axis], below, above };
        }
        picked
    }
}

/// A block of an operand's rows and columns, in one outer iteration.
pub(crate) struct Piece<'a> {
    pub store: &'a Store,
    pub control: &'a Control,
    pub way: Way,
    pub nest: &'a Nest,
    pub path: &'a Path,
    /// How elements are encoded in the store.
    pub format: Format,
    /// The offset in the store from which rows are counted.
    pub base: isize,
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Piece<'_> {
    /// The row stride of the window in bytes; 0 if all rows are the same.
    pub fn pitch(&self) -> usize {
        match self.path.rows.iter().all(|step| *step == 0) {
            true => 0,
            false => self.columns.len() * self.format.size(),
        }
    }

    fn row(&self, row: usize) -> isize {
        self.base + steps(&self.nest.rows, &self.path.rows, row)
    }

    /// Reads the elements.
    ///
    /// # Errors
    /// The store's; [`Stop`] if the control says so.
    ///
    /// # Safety
    /// The window has room for the block, and `picked` for [`PICKED`] bytes.
    pub unsafe fn fetch(&self, window: *mut u8, picked: *mut u8) -> Result<(), Stop> {
        let pitch = self.pitch();
        let rows = if pitch == 0 { 0..1 } else { 0..self.rows.len() };
        // SAFETY: the caller's promise.
        unsafe {
            match self.way() {
                Way::Turned => self.turned().try_for_each(|(block, place)| {
                    block.fetch(window.wrapping_add(place), picked)
                })?,
                way => {
                    let mut reads = Transfers::new(self.store, self.control);
                    for row in rows.clone() {
                        let to = window.add(row * pitch);
                        let row = self.row(self.rows.start + row);
                        for (columns, block) in self.blocks(way, row) {
                            let to = to.wrapping_add(self.place(columns.start));
                            match block {
                                Some(block) => block.fetch(to, picked)?,
                                None => self.fetch_row(&mut reads, row, columns, to, picked)?,
                            }
                        }
                    }
                    reads.finish()?;
                }
            }
            self.format.decode(window, rows.len() * self.columns.len());
        }
        Ok(())
    }

    fn way(&self) -> Way {
        match self.way {
            Way::Turned if self.rows.len() == 1 => Way::Rows,
            way => way,
        }
    }

    /// The offset of a column in a row of the window.
    fn place(&self, column: usize) -> usize {
        (column - self.columns.start) * self.format.size()
    }

    /// The transposed blocks of the piece, with their offsets in the window.
    fn turned(&self) -> impl Iterator<Item = (TransposedBlock<'_>, usize)> {
        let extent = self.nest.rows.last().copied().unwrap_or(1);
        let down = self.path.rows.last().copied().unwrap_or(0);
        let Range { start: first, end: last } = self.columns;
        let mut row = self.rows.start;
        std::iter::from_fn(move || {
            let start = row;
            if start >= self.rows.end {
                return None;
            }
            row = self.rows.end.min((start / extent + 1) * extent);
            let block = TransposedBlock {
                store: self.store,
                control: self.control,
                size: self.format.size(),
                from: self.row(start),
                down,
                rows: row - start,
                extents: &self.nest.columns,
                strides: &self.path.columns,
                columns: first..last,
                first,
                last,
            };
            Some((block, (start - self.rows.start) * self.pitch()))
        })
    }

    /// Splits the columns of a row into transposed blocks, if `way` is an axis of the columns, and
    /// plain ranges.
    fn blocks(
        &self,
        way: Way,
        row: isize,
    ) -> impl Iterator<Item = (Range<usize>, Option<TransposedBlock<'_>>)> {
        let near = match way {
            Way::TurnedAxis(axis) => Some(axis),
            Way::Rows | Way::Turned => None,
        };
        let split = near.map_or(0, |axis| axis + 1);
        let (outer, inner) = self.nest.columns.split_at(split);
        let (outer_steps, inner_steps) = self.path.columns.split_at(split);
        let across: usize = inner.iter().product();
        let turn = near.map_or(usize::MAX, |axis| across * outer[axis]);
        let mut column = self.columns.start;
        std::iter::from_fn(move || {
            let start = column;
            if start >= self.columns.end {
                return None;
            }
            column = self.columns.end.min((start / turn + 1) * turn);
            let columns = start..column;
            let (first_row, last_row) = (start / across, (column - 1) / across);
            // For less than a row, reading whole columns does not pay.
            let near = near.filter(|_| first_row < last_row && columns.len() >= across);
            let block = near.map(|axis| TransposedBlock {
                store: self.store,
                control: self.control,
                size: self.format.size(),
                from: row + steps(outer, outer_steps, first_row),
                down: outer_steps[axis],
                rows: last_row - first_row + 1,
                extents: inner,
                strides: inner_steps,
                columns: 0..across,
                first: start % across,
                last: (column - 1) % across + 1,
            });
            Some((columns, block))
        })
    }

    /// Reads columns of a row as spans, and copies the elements out of them.
    ///
    /// # Safety
    /// `to` has room for them, `picked` for [`PICKED`] bytes.
    unsafe fn fetch_row<'s>(
        &'s self,
        reads: &mut Transfers<'s>,
        row: isize,
        columns: Range<usize>,
        to: *mut u8,
        picked: *mut u8,
    ) -> Result<(), Stop> {
        let (extents, strides, size) =
            (&*self.nest.columns, &*self.path.columns, self.format.size());
        if is_contiguous(extents, strides, size) {
            let at = row + steps(extents, strides, columns.start);
            // SAFETY: the caller's promise.
            return unsafe { reads.add(at, to, columns.len() * size) };
        }
        let Picked { axes, count, below, above } = Picked::of(extents, strides, size);
        // The number of spans to read together.
        let (axis, stride) = match axes.checked_sub(1) {
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
            self.control.check()?;
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
                    let span = (high - low) as usize;
                    self.store.read(low as u64, bytes_mut(picked, span))?;
                    let base = picked.wrapping_offset(row - low);
                    gather(place, base, extents, strides, size, column, end - column);
                }
            }
            column = end;
        }
        Ok(())
    }

    /// Writes the elements; the window is byte-swapped in place if needed.
    ///
    /// # Errors
    /// The store's; [`Stop`] if the control says so.
    ///
    /// # Safety
    /// The window holds the block, `picked` has room for [`PICKED`] bytes.
    pub unsafe fn flush(&self, window: *mut u8, picked: *mut u8) -> Result<(), Stop> {
        let (extents, strides, size) =
            (&*self.nest.columns, &*self.path.columns, self.format.size());
        let pitch = self.columns.len() * size;
        let whole = is_contiguous(extents, strides, size);
        // The gaps between elements must not be written.
        let beside = |step: Option<&isize>| step == Some(&(size as isize));
        let way = match self.way() {
            Way::Turned if !beside(self.path.rows.last()) => Way::Rows,
            Way::TurnedAxis(axis) if !beside(strides.get(axis)) => Way::Rows,
            way => way,
        };
        // SAFETY: all rows and columns are the window's.
        unsafe {
            self.format.encode(window, self.rows.len() * self.columns.len());
            if way == Way::Turned {
                return self.turned().try_for_each(|(block, place)| {
                    block.flush(window.wrapping_add(place), picked)
                });
            }
            let mut writes = Transfers::new(self.store, self.control);
            for row in self.rows.clone() {
                let from = window.add((row - self.rows.start) * pitch);
                let row = self.row(row);
                for (columns, block) in self.blocks(way, row) {
                    let from = from.wrapping_add(self.place(columns.start));
                    match block {
                        Some(block) => block.flush(from, picked)?,
                        None if whole => {
                            let at = row + steps(extents, strides, columns.start);
                            writes.add(at, from, columns.len() * size)?;
                        }
                        None => {
                            for (i, column) in columns.enumerate() {
                                let at = row + steps(extents, strides, column);
                                writes.add(at, from.add(i * size), size)?;
                            }
                        }
                    }
                }
            }
            writes.finish()
        }
    }
}

/// # Safety
/// The bytes are writable, initialised, and not accessed otherwise while the slice is used.
pub(crate) unsafe fn bytes_mut<'a>(pointer: *mut u8, n: usize) -> &'a mut [u8] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(pointer, n) }
}

/// Transfers from a source or to a sink; transfers adjacent in the store and in memory are merged.
pub(crate) struct Transfers<'a> {
    store: &'a Store,
    control: &'a Control,
    at: isize,
    place: *mut u8,
    n: usize,
}

impl<'a> Transfers<'a> {
    pub fn new(store: &'a Store, control: &'a Control) -> Transfers<'a> {
        Transfers { store, control, at: 0, place: std::ptr::null_mut(), n: 0 }
    }

    /// # Safety
    /// `place` is readable (for a source, writable) until [`Transfers::finish`].
    pub unsafe fn add(&mut self, at: isize, place: *mut u8, n: usize) -> Result<(), Stop> {
        let meets = self.at + self.n as isize == at;
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
    pub unsafe fn finish(&mut self) -> Result<(), Stop> {
        let n = std::mem::take(&mut self.n);
        if n == 0 {
            return Ok(());
        }
        for start in (0..n).step_by(LONGEST) {
            self.control.check()?;
            let at = self.at as u64 + start as u64;
            // SAFETY: the caller's promise.
            let bytes = unsafe { bytes_mut(self.place.add(start), LONGEST.min(n - start)) };
            match self.store {
                Store::Source(source) => source.read_at(at, bytes)?,
                Store::Sink(sink) => sink.write_at(at, bytes)?,
            }
        }
        Ok(())
    }
}

/// A buffer of small results for a store; adjacent ones are merged.
pub(crate) struct Results {
    at: isize,
    bytes: Vec<u8>,
}

impl Results {
    /// The size of the buffer in bytes.
    pub const ROOM: usize = 64 << 10;

    /// Uses a vector with the capacity [`Results::ROOM`].
    pub fn new(bytes: Vec<u8>) -> Results {
        Results { at: 0, bytes }
    }

    /// Discards the results of a stopped run.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    pub fn put(&mut self, store: &Store, at: isize, bytes: &[u8]) -> io::Result<()> {
        let meets = self.at + self.bytes.len() as isize == at;
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
