//! Copies of two-dimensional blocks.

use std::ops::Range;

use super::run::{Run, Unit};
use super::transpose::transpose;
use crate::isa::Isa;

/// An axis of a block: the number of elements, and the strides in bytes on both sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) count: usize,
    pub(super) dst: isize,
    pub(super) src: isize,
}

impl Axis {
    fn is_contiguous(self, size: isize) -> bool {
        self.dst == size && self.src == size
    }

    /// The larger stride of both sides.
    fn reach(self) -> usize {
        self.dst.unsigned_abs().saturating_add(self.src.unsigned_abs())
    }
}

/// A two-dimensional block of elements to copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) dst: *mut u8,
    pub(super) src: *const u8,
    pub(super) rows: Axis,
    pub(super) columns: Axis,
}

/// Rows and columns of at most this length have unrolled code.
const SHORT: usize = 8;
/// The side of a square, in elements, whose cache lines fit L1 on both sides.
const SIDE: usize = 16;

impl Block {
    /// # Safety
    /// The block's elements, `size` bytes at their places, are readable in the source and
    /// writable in the destination, which overlap nowhere, nor do two elements of the
    /// destination. The machine has the instruction set.
    pub(super) unsafe fn copy(mut self, isa: Isa, size: usize) {
        if self.rows.count == 0 || self.columns.count == 0 {
            return;
        }
        self.orient(size as isize);
        // SAFETY: the caller's promise: the same elements in another order.
        unsafe {
            match size {
                1 => self.copy_oriented::<u8>(isa),
                2 => self.copy_oriented::<u16>(isa),
                4 => self.copy_oriented::<u32>(isa),
                8 => self.copy_oriented::<u64>(isa),
                _ => self.copy_bytes(size),
            }
        }
    }

    /// The sub-block of these rows and columns.
    pub(super) fn part(&self, rows: Range<usize>, columns: Range<usize>) -> Block {
        let at =
            |row: isize, column: isize| rows.start as isize * row + columns.start as isize * column;
        Block {
            dst: self.dst.wrapping_offset(at(self.rows.dst, self.columns.dst)),
            src: self.src.wrapping_offset(at(self.rows.src, self.columns.src)),
            rows: Axis { count: rows.len(), ..self.rows },
            columns: Axis { count: columns.len(), ..self.columns },
        }
    }

    /// Chooses columns as the inner axis, with an ascending destination.
    fn orient(&mut self, size: isize) {
        let (rows, columns) = (self.rows, self.columns);
        let turn = if rows.count == 1 || columns.count == 1 {
            columns.count == 1
        } else if rows.dst.abs() == size || columns.dst.abs() == size {
            columns.dst.abs() != size
        } else {
            rows.reach() < columns.reach()
        };
        if turn {
            (self.rows, self.columns) = (columns, rows);
        }
        for axis in [&mut self.rows, &mut self.columns] {
            if axis.dst < 0 {
                let last = axis.count as isize - 1;
                self.dst = self.dst.wrapping_offset(last * axis.dst);
                self.src = self.src.wrapping_offset(last * axis.src);
                (axis.dst, axis.src) = (-axis.dst, -axis.src);
            }
        }
    }

    /// # Safety
    /// As [`Block::copy`]'s; `T` has `size` bytes.
    unsafe fn copy_oriented<T: Unit>(self, isa: Isa) {
        let size = size_of::<T>() as isize;
        let Block { rows, columns, .. } = self;
        // SAFETY: the caller's promise.
        unsafe {
            if rows.count == 1 {
                self.row(0).copy::<T>(isa);
            } else if columns.is_contiguous(size) && self.rows_adjoin() {
                self.joined().copy::<T>(isa);
            } else if columns.count <= SHORT {
                self.copy_short::<T>();
            } else if rows.src == 0 {
                self.repeat_row::<T>(isa);
            } else if columns.dst == size && columns.src != 0 && rows.src.abs() == size {
                self.copy_turned::<T>(isa);
            } else if rows.reach() < columns.reach() && rows.count > 2 {
                self.copy_tiled(size as usize);
            } else {
                for row in 0..rows.count {
                    self.row(row).copy::<T>(isa);
                }
            }
        }
    }

    /// # Safety
    /// As [`Block::copy`]'s; the columns are contiguous in the destination, the rows in the
    /// source, forward or backward.
    unsafe fn copy_turned<T: Unit>(self, isa: Isa) {
        // SAFETY: the caller's promise: the same elements in another order.
        unsafe {
            if self.rows.count >= (16 / size_of::<T>()).max(4) {
                transpose(isa, &self.rows_ascending(), size_of::<T>());
            } else if self.rows.count <= SHORT {
                Block { rows: self.columns, columns: self.rows, ..self }.copy_short::<T>();
            } else {
                self.copy_tiled(size_of::<T>());
            }
        }
    }

    fn row(&self, row: usize) -> Run {
        let row = row as isize;
        Run {
            dst: self.dst.wrapping_offset(row * self.rows.dst),
            src: self.src.wrapping_offset(row * self.rows.src),
            axis: self.columns,
        }
    }

    /// Whether each row begins where the one before it ends, on both sides.
    fn rows_adjoin(&self) -> bool {
        let end = |step: isize| step.wrapping_mul(self.columns.count as isize);
        self.rows.dst == end(self.columns.dst) && self.rows.src == end(self.columns.src)
    }

    fn joined(&self) -> Run {
        let count = self.rows.count * self.columns.count;
        Run { dst: self.dst, src: self.src, axis: Axis { count, ..self.columns } }
    }

    /// The same block with the rows in the order of the source.
    fn rows_ascending(mut self) -> Block {
        if self.rows.src < 0 {
            let last = self.rows.count as isize - 1;
            self.dst = self.dst.wrapping_offset(last * self.rows.dst);
            self.src = self.src.wrapping_offset(last * self.rows.src);
            (self.rows.dst, self.rows.src) = (-self.rows.dst, -self.rows.src);
        }
        self
    }

    /// # Safety
    /// As [`Block::copy`]; all rows are copies of one.
    unsafe fn repeat_row<T: Unit>(&self, isa: Isa) {
        let size = size_of::<T>() as isize;
        // SAFETY: the caller's promise.
        unsafe {
            self.row(0).copy::<T>(isa);
            if self.columns.src == 0 || self.columns.dst != size {
                for row in 1..self.rows.count {
                    self.row(row).copy::<T>(isa);
                }
                return;
            }
            let bytes = self.columns.count * size_of::<T>();
            for row in 1..self.rows.count as isize {
                let dst = self.dst.wrapping_offset(row * self.rows.dst);
                dst.copy_from_nonoverlapping(self.dst, bytes);
            }
        }
    }

    /// # Safety
    /// As [`Block::copy`]'s; there are at most [`SHORT`] columns.
    unsafe fn copy_short<T: Unit>(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.columns.count {
                1 => self.copy_columns::<T, 1>(),
                2 => self.copy_columns::<T, 2>(),
                3 => self.copy_columns::<T, 3>(),
                4 => self.copy_columns::<T, 4>(),
                5 => self.copy_columns::<T, 5>(),
                6 => self.copy_columns::<T, 6>(),
                7 => self.copy_columns::<T, 7>(),
                _ => self.copy_columns::<T, SHORT>(),
            }
        }
    }

    /// # Safety
    /// As [`Block::copy`]'s; there are `N` columns.
    unsafe fn copy_columns<T: Unit, const N: usize>(&self) {
        let Block { mut dst, mut src, rows, columns } = *self;
        for _ in 0..rows.count {
            // SAFETY: the caller's promise.
            unsafe {
                let row: [T; N] = std::array::from_fn(|c| {
                    src.wrapping_offset(c as isize * columns.src).cast::<T>().read_unaligned()
                });
                if columns.dst == size_of::<T>() as isize {
                    dst.cast::<[T; N]>().write_unaligned(row);
                } else {
                    for (c, value) in row.into_iter().enumerate() {
                        let dst = dst.wrapping_offset(c as isize * columns.dst);
                        dst.cast::<T>().write_unaligned(value);
                    }
                }
            }
            dst = dst.wrapping_offset(rows.dst);
            src = src.wrapping_offset(rows.src);
        }
    }

    /// Copies square by square, so that cache lines shared by rows or columns are reused.
    ///
    /// # Safety
    /// As [`Block::copy`]'s.
    pub(super) unsafe fn copy_tiled(&self, size: usize) {
        for row in (0..self.rows.count).step_by(SIDE) {
            let rows = row..self.rows.count.min(row + SIDE);
            for column in (0..self.columns.count).step_by(SIDE) {
                let columns = column..self.columns.count.min(column + SIDE);
                // SAFETY: a part of the block.
                unsafe { self.part(rows.clone(), columns).copy_bytes(size) };
            }
        }
    }

    /// # Safety
    /// As [`Block::copy`]'s.
    unsafe fn copy_bytes(&self, size: usize) {
        for row in 0..self.rows.count {
            // SAFETY: a row of the block.
            unsafe {
                let run = self.row(row);
                match size {
                    1 => run.step::<u8>(),
                    2 => run.step::<u16>(),
                    4 => run.step::<u32>(),
                    8 => run.step::<u64>(),
                    _ => run.copy_bytes(size),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Block};
    use crate::isa::Isa;

    /// Copies a block both ways with steps of rows and columns that leave gaps or not, forward or
    /// backward, and looks at every byte.
    fn check(isa: Isa, size: usize, [rows, columns]: [usize; 2], kind: usize) {
        let gap = [0, 0, 1, 5 * size][kind % 4];
        let (mut row, mut column) = if kind & 4 == 0 {
            let row = size + gap;
            (row as isize, (row * rows + gap) as isize)
        } else {
            let column = size + gap;
            ((column * columns + gap) as isize, column as isize)
        };
        if kind & 8 != 0 {
            row = -row;
        }
        if kind & 16 != 0 {
            column = -column;
        }
        let shared = kind / 32; // 1: all rows are one, 2: all columns
        let (src_row, src_column) = (row * (shared != 1) as isize, column * (shared != 2) as isize);
        let place = |r: usize, c: usize, row: isize, column: isize| {
            let low = (row.min(0) * (rows - 1) as isize) + (column.min(0) * (columns - 1) as isize);
            (r as isize * row + c as isize * column - low) as usize
        };
        let far = place(rows - 1, columns - 1, row.abs(), column.abs()) + size;
        let source: Vec<u8> = (0..far).map(|i| (i * 7 + i / 251) as u8).collect();
        let stride = columns * size + gap;
        let mut flat = vec![0xEE; rows * stride + 3];
        let mut want = flat.clone();
        for r in 0..rows {
            for c in 0..columns {
                let at = place(r, c, src_row, src_column);
                want[3 + r * stride + c * size..][..size].copy_from_slice(&source[at..][..size]);
            }
        }
        let block = Block {
            dst: flat.as_mut_ptr().wrapping_add(3),
            src: source.as_ptr().wrapping_add(place(0, 0, src_row, src_column)),
            rows: Axis { count: rows, dst: stride as isize, src: src_row },
            columns: Axis { count: columns, dst: size as isize, src: src_column },
        };
        // SAFETY: both sides have room for the block.
        unsafe { block.copy(isa, size) };
        assert_eq!(flat, want, "{isa:?} {size} {rows} {columns} {kind}");
        if shared != 0 {
            return;
        }
        let mut back = vec![0xDD; far];
        let mut want = back.clone();
        for r in 0..rows {
            for c in 0..columns {
                let at = place(r, c, row, column);
                want[at..at + size].copy_from_slice(&source[at..][..size]);
            }
        }
        let block = Block {
            dst: back.as_mut_ptr().wrapping_add(place(0, 0, row, column)),
            src: flat.as_ptr().wrapping_add(3),
            rows: Axis { count: rows, dst: row, src: stride as isize },
            columns: Axis { count: columns, dst: column, src: size as isize },
        };
        // SAFETY: as above.
        unsafe { block.copy(isa, size) };
        assert_eq!(back, want, "{isa:?} {size} {rows} {columns} {kind}");
    }

    #[test]
    fn every_instruction_set() {
        let counts = [1, 2, 3, 5, 8, 9, 16, 17, 33, 70, 131];
        for isa in Isa::available() {
            for size in [1, 2, 3, 4, 8] {
                for rows in counts {
                    for columns in counts {
                        for kind in 0..96 {
                            check(isa, size, [rows, columns], kind);
                        }
                    }
                }
            }
        }
    }
}
