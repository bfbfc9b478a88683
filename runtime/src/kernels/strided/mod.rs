//! Copies between strided arrays and contiguous blocks, and properties of layouts.
//!
//! Shapes count elements, strides count bytes and may be zero or negative. The elements of an
//! array are numbered in C order, the last axis fastest.

mod block;
mod layout;
mod run;
#[cfg(target_arch = "x86_64")]
mod shuffle;
mod swap;
mod transpose;

use block::{Axis, Block};
pub use layout::{broadcast_shape, broadcast_strides, byte_span, is_contiguous, overlaps_itself};
pub use swap::swap_bytes;

use crate::isa::Isa;

/// The maximum rank for [`gather`] and [`scatter`].
pub const MAX_RANK: usize = 64;

/// The division of an array with contiguous columns into panels for [`gather_block`] and
/// [`scatter_block`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Rows of the first panels.
    pub first: usize,
    /// Rows of the others.
    pub rows: usize,
    /// Columns of each.
    pub columns: usize,
}

impl Panel {
    /// The panel size with the best bandwidth for elements of `size` bytes, the first at `array`,
    /// with columns `column_stride` bytes apart. The copy of a panel stays in the cache until its
    /// rows are read.
    ///
    /// Two lines per column are fetched as a pair, and such a panel fits L1; but it must start at a
    /// cache line, because the rest of a line is evicted before its next use. If columns are not
    /// all aligned, or map to few cache sets, panels have more rows. Rows of a panel's copy should
    /// be padded by 64 bytes, so that they do not map to the same sets.
    pub fn new(array: *const u8, column_stride: isize, size: usize) -> Panel {
        const LINE: usize = 64;
        let step = column_stride.unsigned_abs();
        let into = array.addr() % LINE;
        let (lines, few_sets) = (step.is_multiple_of(LINE), step.is_multiple_of(4096));
        if matches!(size, 1 | 2 | 4 | 8) && lines && !few_sets && into.is_multiple_of(size) {
            let rows = 2 * LINE / size;
            let first = if into == 0 { rows } else { (2 * LINE - into) / size };
            Panel { first, rows, columns: 128 }
        } else {
            let rows = (512 / size.max(1)).max(128);
            Panel { first: rows, rows, columns: 256 }
        }
    }
}

/// Copies elements `start..start + n` of a strided array into contiguous memory.
///
/// # Safety
/// - `shape` and `strides` are of one length, at most [`MAX_RANK`].
/// - `start + n` is at most the number of elements of `shape`, which a `usize` holds, as an
///   `isize` holds every stride times an index within the shape and every sum of such products.
/// - `base` points at the element whose indices are all zero, and every element
///   `start..start + n`, `size` bytes at its place, is readable.
/// - `dst` has `n * size` writable bytes, which none of those elements overlaps.
///
/// No pointer needs to be aligned.
pub unsafe fn gather(
    dst: *mut u8,
    base: *const u8,
    shape: &[usize],
    strides: &[isize],
    size: usize,
    start: usize,
    n: usize,
) {
    let isa = Isa::detect();
    let mut dst = dst;
    each_piece(shape, strides, start, n, |piece| {
        let block = Block {
            dst,
            src: base.wrapping_offset(piece.offset),
            rows: Axis { count: piece.rows, dst: (piece.columns * size) as isize, src: piece.row },
            columns: Axis { count: piece.columns, dst: size as isize, src: piece.column },
        };
        // SAFETY: the pieces are exactly the elements `start..start + n`, which are readable, and
        // as many bytes at `dst`, which are writable and overlap none of them.
        unsafe { block.copy(isa, size) };
        dst = dst.wrapping_add(piece.rows * piece.columns * size);
    });
}

/// Copies contiguous memory to elements `start..start + n` of a strided array: the inverse of
/// [`gather`].
///
/// # Safety
/// As [`gather`]'s, with `base` and its elements writable, and `src` with `n * size` readable
/// bytes, which none of those elements overlaps, nor do two of those elements each other.
pub unsafe fn scatter(
    base: *mut u8,
    src: *const u8,
    shape: &[usize],
    strides: &[isize],
    size: usize,
    start: usize,
    n: usize,
) {
    let isa = Isa::detect();
    let mut src = src;
    each_piece(shape, strides, start, n, |piece| {
        let block = Block {
            dst: base.wrapping_offset(piece.offset),
            src,
            rows: Axis { count: piece.rows, dst: piece.row, src: (piece.columns * size) as isize },
            columns: Axis { count: piece.columns, dst: piece.column, src: size as isize },
        };
        // SAFETY: the pieces are exactly the elements `start..start + n`, which are writable, and
        // as many bytes at `src`, which are readable and overlap none of them.
        unsafe { block.copy(isa, size) };
        src = src.wrapping_add(piece.rows * piece.columns * size);
    });
}

/// Copies `rows` times `columns` elements of `size` bytes, `row_stride` and `column_stride` bytes
/// apart, into rows of contiguous elements that are `dst_stride` bytes apart.
///
/// # Safety
/// - Every element is readable, and every row of `dst` has `columns * size` writable bytes, which
///   overlap neither an element nor another row.
/// - An `isize` holds the distance of any two elements, in `src` and in `dst`.
///
/// No pointer needs to be aligned.
#[allow(clippy::too_many_arguments, reason = "two arrays of two axes")]
pub unsafe fn gather_block(
    dst: *mut u8,
    dst_stride: usize,
    src: *const u8,
    rows: usize,
    row_stride: isize,
    columns: usize,
    column_stride: isize,
    size: usize,
) {
    let rows = Axis { count: rows, dst: dst_stride as isize, src: row_stride };
    let columns = Axis { count: columns, dst: size as isize, src: column_stride };
    // SAFETY: the caller's promise; the machine has what it detects.
    unsafe { Block { dst, src, rows, columns }.copy(Isa::detect(), size) }
}

/// Copies rows of contiguous elements, `src_stride` bytes apart, to elements `row_stride` and
/// `column_stride` bytes apart: the inverse of [`gather_block`].
///
/// # Safety
/// As [`gather_block`]'s with the sides changed; no two elements of `dst` overlap.
#[allow(clippy::too_many_arguments, reason = "two arrays of two axes")]
pub unsafe fn scatter_block(
    dst: *mut u8,
    rows: usize,
    row_stride: isize,
    columns: usize,
    column_stride: isize,
    src: *const u8,
    src_stride: usize,
    size: usize,
) {
    let rows = Axis { count: rows, dst: row_stride, src: src_stride as isize };
    let columns = Axis { count: columns, dst: column_stride, src: size as isize };
    // SAFETY: the caller's promise; the machine has what it detects.
    unsafe { Block { dst, src, rows, columns }.copy(Isa::detect(), size) }
}

/// A piece of an array: whole rows, or part of one.
struct Piece {
    /// The offset of its first element in bytes.
    offset: isize,
    rows: usize,
    /// The row stride in bytes.
    row: isize,
    columns: usize,
    /// The column stride in bytes.
    column: isize,
}

/// Calls `f` for the pieces that make up the elements `start..start + n`, in order.
///
/// Contiguous inner axes are merged into columns and the axes around them into rows, so pieces are
/// as large as possible.
#[inline(always)]
fn each_piece(
    shape: &[usize],
    strides: &[isize],
    start: usize,
    n: usize,
    mut f: impl FnMut(Piece),
) {
    if n == 0 {
        return;
    }
    // No extent is 0, because there is an element.
    let (columns, column, outer) = join(shape, strides, shape.len());
    let (rows, row, outer) = join(shape, strides, outer);
    let mut index = [0_usize; MAX_RANK];
    let mut offset = 0_isize;
    let mut rest = start / columns / rows;
    for axis in (0..outer).rev() {
        index[axis] = rest % shape[axis];
        rest /= shape[axis];
        offset += index[axis] as isize * strides[axis];
    }
    let (mut r, mut c) = (start / columns % rows, start % columns);
    let mut left = n;
    loop {
        // The rest of a started row, whole rows, or the start of the last one.
        let (height, width) = if c > 0 || left < columns {
            (1, left.min(columns - c))
        } else {
            ((left / columns).min(rows - r), columns)
        };
        let at = offset + r as isize * row + c as isize * column;
        f(Piece { offset: at, rows: height, row, columns: width, column });
        left -= height * width;
        if left == 0 {
            return;
        }
        c = 0;
        r += height;
        if r < rows {
            continue;
        }
        r = 0;
        for axis in (0..outer).rev() {
            index[axis] += 1;
            offset += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            offset -= strides[axis] * shape[axis] as isize;
            index[axis] = 0;
        }
    }
}

/// Merges the last of the first `axes` axes with those contiguous with it: returns the extent, the
/// stride, and the number of remaining axes.
#[inline(always)]
fn join(shape: &[usize], strides: &[isize], mut axes: usize) -> (usize, isize, usize) {
    let (mut joined, mut stride) = (1_usize, 0_isize);
    while axes > 0 {
        let (extent, step) = (shape[axes - 1], strides[axes - 1]);
        if joined == 1 {
            (joined, stride) = (extent, step);
        } else if extent == 1 || step == stride.wrapping_mul(joined as isize) {
            joined *= extent;
        } else {
            break;
        }
        axes -= 1;
    }
    (joined, stride, axes)
}
