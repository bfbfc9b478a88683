//! Chunks: the blocks of a stored array that units of a loop read into memory or write from it.
//!
//! A buffer in memory holds the rows and columns of a chunk contiguously, row after row. Offsets
//! into the store follow the operand's strides, as addresses would; adjacent elements of the store
//! are transferred together.

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

/// The offset in bytes of the element with number `index`, in C order, of a block of axes.
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
pub(crate) enum Direction {
    /// The elements of a row.
    Rows,
    /// The elements of a column, because the innermost axis of rows has the smallest stride.
    Columns,
    /// The elements along this axis of the columns, which is not the innermost but has the smallest
    /// stride.
    Axis(usize),
}

impl Direction {
    /// The best direction for elements of `size` bytes with the strides of `path`.
    pub fn of(nest: &Nest, path: &Path, size: usize) -> Direction {
        let Some((inner, others)) = path.columns.split_last() else { return Direction::Rows };
        let nearer = |step: &isize| {
            let step = step.unsigned_abs();
            step != 0 && step < inner.unsigned_abs() && step <= GAP as usize
        };
        let near = (0..others.len()).filter(|axis| nearer(&others[*axis]));
        if let Some(axis) = near.min_by_key(|axis| others[*axis].unsigned_abs()) {
            // Axes that are read as one span need no transposition.
            let picked = Picked::of(&nest.columns, &path.columns, size).axes;
            return if axis < picked { Direction::Axis(axis) } else { Direction::Rows };
        }
        match path.rows.last() {
            Some(step) if nearer(step) => Direction::Columns,
            _ => Direction::Rows,
        }
    }

    /// The size in elements, at most `most`, of a unit that transfers `rows` rows of at least
    /// `columns` columns together; 1 if rows are not transferred together, or if `most` is too
    /// small.
    pub fn unit(self, nest: &Nest, rows: usize, columns: usize, most: usize) -> usize {
        let (extent, across) = match self {
            Direction::Rows => return 1,
            Direction::Columns => (nest.rows.last().copied().unwrap_or(1), columns),
            Direction::Axis(axis) => {
                (nest.columns[axis], nest.columns[axis + 1..].iter().product::<usize>())
            }
        };
        let unit = across.saturating_mul(rows.min(extent)).min(most);
        if unit / 2 < across { 1 } else { unit }
    }
}

/// The inner axes of columns that are read as one span, from which elements are copied.
struct Picked {
    /// The number of axes outside them.
    axes: usize,
    /// The number of elements of the span.
    count: usize,
    /// The offsets in bytes of its lowest and of its highest element from its first.
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

/// A chunk: a block of an operand's rows and columns, in one outer iteration.
pub(crate) struct Chunk<'a> {
    pub store: &'a Store,
    pub control: &'a Control,
    pub direction: Direction,
    pub nest: &'a Nest,
    pub path: &'a Path,
    /// The encoding of elements in the store.
    pub format: Format,
    /// The offset in the store of row 0, column 0.
    pub base: isize,
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Chunk<'_> {
    /// The row stride of the buffer in bytes; 0 if all rows are the same.
    pub fn pitch(&self) -> usize {
        match self.path.rows.iter().all(|step| *step == 0) {
            true => 0,
            false => self.columns.len() * self.format.size(),
        }
    }

    /// The offset in the store of column 0 of a row.
    fn row(&self, row: usize) -> isize {
        self.base + steps(&self.nest.rows, &self.path.rows, row)
    }

    /// Reads the elements into a buffer.
    ///
    /// # Errors
    /// Those of the store; [`Stop`] from the control.
    ///
    /// # Safety
    /// The buffer has room for the chunk, and `picked` for [`PICKED`] bytes.
    pub unsafe fn fetch(&self, buffer: *mut u8, picked: *mut u8) -> Result<(), Stop> {
        let pitch = self.pitch();
        let rows = if pitch == 0 { 0..1 } else { 0..self.rows.len() };
        // SAFETY: the caller's promise.
        unsafe {
            match self.direction() {
                Direction::Columns => self.transposed().try_for_each(|(block, place)| {
                    block.fetch(buffer.wrapping_add(place), picked)
                })?,
                direction => {
                    let mut reads = Transfers::new(self.store, self.control);
                    for row in rows.clone() {
                        let to = buffer.add(row * pitch);
                        let row = self.row(self.rows.start + row);
                        for (columns, block) in self.blocks(direction, row) {
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
            self.format.decode(buffer, rows.len() * self.columns.len());
        }
        Ok(())
    }

    /// The direction of transfers of this chunk.
    fn direction(&self) -> Direction {
        match self.direction {
            Direction::Columns if self.rows.len() == 1 => Direction::Rows,
            direction => direction,
        }
    }

    /// The offset of a column in a row of the buffer.
    fn place(&self, column: usize) -> usize {
        (column - self.columns.start) * self.format.size()
    }

    /// The transposed blocks of the chunk, with their offsets in the buffer.
    fn transposed(&self) -> impl Iterator<Item = (TransposedBlock<'_>, usize)> {
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

    /// Splits the columns of a row into transposed blocks, if `direction` is an axis of the
    /// columns, and plain ranges.
    fn blocks(
        &self,
        direction: Direction,
        row: isize,
    ) -> impl Iterator<Item = (Range<usize>, Option<TransposedBlock<'_>>)> {
        let near = match direction {
            Direction::Axis(axis) => Some(axis),
            Direction::Rows | Direction::Columns => None,
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
            // Reading whole columns does not pay for less than a row.
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
    /// `to` has room for the elements, `picked` for [`PICKED`] bytes.
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
            // SAFETY: the span fits the picking buffer, and holds the elements.
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

    /// Writes the elements from a buffer, which is byte-swapped in place if needed.
    ///
    /// # Errors
    /// Those of the store; [`Stop`] from the control.
    ///
    /// # Safety
    /// The buffer holds the chunk, `picked` has room for [`PICKED`] bytes.
    pub unsafe fn flush(&self, buffer: *mut u8, picked: *mut u8) -> Result<(), Stop> {
        let (extents, strides, size) =
            (&*self.nest.columns, &*self.path.columns, self.format.size());
        let pitch = self.columns.len() * size;
        let whole = is_contiguous(extents, strides, size);
        // Gaps between elements must not be written, so only adjacent elements go together.
        let beside = |step: Option<&isize>| step == Some(&(size as isize));
        let direction = match self.direction() {
            Direction::Columns if !beside(self.path.rows.last()) => Direction::Rows,
            Direction::Axis(axis) if !beside(strides.get(axis)) => Direction::Rows,
            direction => direction,
        };
        // SAFETY: all rows and columns are in the buffer.
        unsafe {
            self.format.encode(buffer, self.rows.len() * self.columns.len());
            if direction == Direction::Columns {
                return self.transposed().try_for_each(|(block, place)| {
                    block.flush(buffer.wrapping_add(place), picked)
                });
            }
            let mut writes = Transfers::new(self.store, self.control);
            for row in self.rows.clone() {
                let from = buffer.add((row - self.rows.start) * pitch);
                let row = self.row(row);
                for (columns, block) in self.blocks(direction, row) {
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

/// A slice of `n` bytes.
///
/// # Safety
/// The bytes are writable, initialised, and not accessed otherwise while the slice is used.
pub(crate) unsafe fn bytes_mut<'a>(pointer: *mut u8, n: usize) -> &'a mut [u8] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(pointer, n) }
}

/// A sequence of transfers from a source or to a sink. Transfers that are adjacent in the store and
/// in memory are merged.
pub(crate) struct Transfers<'a> {
    store: &'a Store,
    control: &'a Control,
    at: isize,
    place: *mut u8,
    n: usize,
}

impl<'a> Transfers<'a> {
    /// No transfers yet.
    pub fn new(store: &'a Store, control: &'a Control) -> Transfers<'a> {
        Transfers { store, control, at: 0, place: std::ptr::null_mut(), n: 0 }
    }

    /// Adds a transfer of `n` bytes between the store's offset `at` and `place`.
    ///
    /// # Safety
    /// `place` is readable (for a source, writable) until [`Transfers::finish`].
    pub unsafe fn add(&mut self, at: isize, place: *mut u8, n: usize) -> Result<(), Stop> {
        let meets = self.at + self.n as isize == at;
        let meets = meets && self.place.wrapping_add(self.n) == place;
        if meets && self.n > 0 {
            self.n += n;
            return Ok(());
        }
        // SAFETY: the caller's promise in this call and earlier ones.
        unsafe { self.finish() }?;
        (self.at, self.place, self.n) = (at, place, n);
        Ok(())
    }

    /// Completes the transfers added so far.
    ///
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

/// A buffer of results of reductions to be written to a store. Adjacent results are written
/// together.
pub(crate) struct Results {
    /// The offset in the store of the first byte.
    at: isize,
    bytes: Vec<u8>,
}

impl Results {
    /// The size of the buffer in bytes.
    pub const ROOM: usize = 64 << 10;

    /// An empty buffer in the memory of `bytes`, which has the capacity [`Results::ROOM`].
    pub fn new(bytes: Vec<u8>) -> Results {
        Results { at: 0, bytes }
    }

    /// Discards the buffered results, those of a stopped run.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Adds a result, to be written at the offset `at`.
    pub fn put(&mut self, store: &Store, at: isize, bytes: &[u8]) -> io::Result<()> {
        let meets = self.at + self.bytes.len() as isize == at;
        if !meets || self.bytes.len() + bytes.len() > Results::ROOM {
            self.finish(store)?;
            self.at = at;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes the buffered results.
    pub fn finish(&mut self, store: &Store) -> io::Result<()> {
        if !self.bytes.is_empty() {
            store.write(self.at as u64, &self.bytes)?;
        }
        self.bytes.clear();
        Ok(())
    }
}
