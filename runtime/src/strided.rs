//! Strided arrays: copies to and from contiguous blocks, and what can be said of their layout.
//!
//! Shapes count elements, strides count bytes and may be zero or negative. The elements of an
//! array are numbered in C order, the last axis fastest.

/// The most axes that [`gather`] and [`scatter`] take.
pub const MAX_RANK: usize = 64;

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
    let mut dst = dst;
    // SAFETY: `each_run` visits exactly the elements `start..start + n`, which are readable, and
    // as many bytes at `dst`, which are writable and overlap none of them.
    unsafe {
        each_run(shape, strides, start, n, |offset, stride, count| {
            let src = base.wrapping_offset(offset);
            match size {
                1 => gather_run::<u8>(dst, src, stride, count),
                2 => gather_run::<u16>(dst, src, stride, count),
                4 => gather_run::<u32>(dst, src, stride, count),
                8 => gather_run::<u64>(dst, src, stride, count),
                _ => copy_run(dst, size as isize, src, stride, size, count),
            }
            dst = dst.add(count * size);
        });
    }
}

/// Copies contiguous memory to elements `start..start + n` of a strided array: the inverse of
/// [`gather`].
///
/// # Safety
/// As [`gather`]'s, with `base` and its elements writable, and `src` with `n * size` readable
/// bytes, which none of those elements overlaps.
pub unsafe fn scatter(
    base: *mut u8,
    src: *const u8,
    shape: &[usize],
    strides: &[isize],
    size: usize,
    start: usize,
    n: usize,
) {
    let mut src = src;
    // SAFETY: `each_run` visits exactly the elements `start..start + n`, which are writable, and
    // as many bytes at `src`, which are readable and overlap none of them.
    unsafe {
        each_run(shape, strides, start, n, |offset, stride, count| {
            let dst = base.wrapping_offset(offset);
            match size {
                1 => scatter_run::<u8>(dst, src, stride, count),
                2 => scatter_run::<u16>(dst, src, stride, count),
                4 => scatter_run::<u32>(dst, src, stride, count),
                8 => scatter_run::<u64>(dst, src, stride, count),
                _ => copy_run(dst, stride, src, size as isize, size, count),
            }
            src = src.add(count * size);
        });
    }
}

/// Calls `run(byte offset, stride, count)` for the pieces of rows that make up the elements
/// `start..start + n`, in order.
///
/// Inner axes that lie in memory as one longer axis count as one, so a run is as long as it can
/// be.
#[inline(always)]
fn each_run(
    shape: &[usize],
    strides: &[isize],
    start: usize,
    n: usize,
    mut run: impl FnMut(isize, isize, usize),
) {
    if n == 0 {
        return;
    }
    // The last axis and those that continue it.
    let mut outer = shape.len();
    let (mut row, mut stride) = (1_usize, 0_isize);
    while outer > 0 {
        let (extent, step) = (shape[outer - 1], strides[outer - 1]);
        if row == 1 {
            (row, stride) = (extent, step);
        } else if extent == 1 || step == stride.wrapping_mul(row as isize) {
            row *= extent;
        } else {
            break;
        }
        outer -= 1;
    }
    // Where `start` is. No extent is 0, as there is an element.
    let mut index = [0_usize; MAX_RANK];
    let mut rest = start / row;
    let mut column = start % row;
    let mut offset = 0_isize;
    for axis in (0..outer).rev() {
        index[axis] = rest % shape[axis];
        rest /= shape[axis];
        offset += index[axis] as isize * strides[axis];
    }
    let mut left = n;
    loop {
        let count = left.min(row - column);
        run(offset + column as isize * stride, stride, count);
        left -= count;
        if left == 0 {
            return;
        }
        column = 0;
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

/// # Safety
/// `count` elements are readable at `src`, `stride` bytes apart, and `count` contiguous ones
/// writable at `dst`; they do not overlap.
#[inline(always)]
unsafe fn gather_run<T: Copy>(dst: *mut u8, src: *const u8, stride: isize, count: usize) {
    let dst = dst.cast::<T>();
    // SAFETY: the caller's promise; `i < count`.
    unsafe {
        if stride == size_of::<T>() as isize {
            dst.cast::<u8>().copy_from_nonoverlapping(src, count * size_of::<T>());
        } else if stride == 0 {
            let value = src.cast::<T>().read_unaligned();
            for i in 0..count {
                dst.add(i).write_unaligned(value);
            }
        } else {
            for i in 0..count {
                let value = src.wrapping_offset(i as isize * stride).cast::<T>().read_unaligned();
                dst.add(i).write_unaligned(value);
            }
        }
    }
}

/// # Safety
/// `count` contiguous elements are readable at `src`, and `count` writable at `dst`, `stride`
/// bytes apart; they do not overlap.
#[inline(always)]
unsafe fn scatter_run<T: Copy>(dst: *mut u8, src: *const u8, stride: isize, count: usize) {
    let src = src.cast::<T>();
    // SAFETY: the caller's promise; `i < count`.
    unsafe {
        if stride == size_of::<T>() as isize {
            dst.copy_from_nonoverlapping(src.cast(), count * size_of::<T>());
        } else {
            for i in 0..count {
                let value = src.add(i).read_unaligned();
                dst.wrapping_offset(i as isize * stride).cast::<T>().write_unaligned(value);
            }
        }
    }
}

/// # Safety
/// `count` elements of `size` bytes are readable at `src`, `src_stride` bytes apart, and as many
/// writable at `dst`, `dst_stride` bytes apart; they do not overlap.
unsafe fn copy_run(
    dst: *mut u8,
    dst_stride: isize,
    src: *const u8,
    src_stride: isize,
    size: usize,
    count: usize,
) {
    for i in 0..count as isize {
        let (dst, src) = (dst.wrapping_offset(i * dst_stride), src.wrapping_offset(i * src_stride));
        // SAFETY: the caller's promise; `i < count`.
        unsafe { dst.copy_from_nonoverlapping(src, size) };
    }
}

/// The bytes that an array spans, from the lowest to one past the highest, relative to its
/// element whose indices are all zero; `(0, 0)` if it has no element. `None` if a number
/// overflows, or `shape` and `strides` differ in length.
pub fn byte_span(shape: &[usize], strides: &[isize], size: usize) -> Option<(isize, isize)> {
    if shape.len() != strides.len() {
        return None;
    }
    if shape.contains(&0) {
        return Some((0, 0));
    }
    let (mut lowest, mut highest) = (0_isize, isize::try_from(size).ok()?);
    for (&extent, &stride) in shape.iter().zip(strides) {
        let reach = isize::try_from(extent - 1).ok()?.checked_mul(stride)?;
        if reach < 0 {
            lowest = lowest.checked_add(reach)?;
        } else {
            highest = highest.checked_add(reach)?;
        }
    }
    // The length must be a number too.
    highest.checked_sub(lowest)?;
    Some((lowest, highest))
}

/// Whether the elements lie in C order without gaps. Strides of axes of one element do not
/// matter, nor any stride of an array without elements.
pub fn is_contiguous(shape: &[usize], strides: &[isize], size: usize) -> bool {
    if shape.len() != strides.len() {
        return false;
    }
    if shape.contains(&0) {
        return true;
    }
    let mut expected = Some(size);
    for (&extent, &stride) in shape.iter().zip(strides).rev() {
        if extent != 1 {
            if expected.and_then(|bytes| isize::try_from(bytes).ok()) != Some(stride) {
                return false;
            }
            expected = expected.and_then(|bytes| bytes.checked_mul(extent));
        }
    }
    true
}

/// Whether two different indices of an array may name a common byte, as they must not in an
/// output.
///
/// It is exact for arrays whose axes nest, which are all that slicing, transposing, reversing and
/// reshaping make; of others it may say `true` where no two elements meet.
pub fn overlaps_itself(shape: &[usize], strides: &[isize], size: usize) -> bool {
    if shape.len() != strides.len() {
        return true;
    }
    if shape.contains(&0) {
        return false;
    }
    let mut axes: Vec<(usize, usize)> = shape
        .iter()
        .zip(strides)
        .filter(|(extent, _)| **extent > 1)
        .map(|(&extent, &stride)| (stride.unsigned_abs(), extent))
        .collect();
    axes.sort_unstable();
    // The bytes from the first to one past the last of the axes so far: a step along the next
    // one must clear them.
    let mut span = size;
    for (stride, extent) in axes {
        if stride < span {
            return true;
        }
        let next = stride.checked_mul(extent - 1).and_then(|reach| reach.checked_add(span));
        let Some(next) = next else { return true };
        span = next;
    }
    false
}

/// The strides with which an operand is read as an array of shape `target`: its axes are the last
/// ones, and those of one element are repeated, with stride 0. `None` if the shapes do not fit.
pub fn broadcast_strides(
    shape: &[usize],
    strides: &[isize],
    target: &[usize],
) -> Option<Vec<isize>> {
    let missing = target.len().checked_sub(shape.len())?;
    if shape.len() != strides.len() {
        return None;
    }
    let mut broadcast = vec![0; target.len()];
    for (axis, (&extent, &stride)) in shape.iter().zip(strides).enumerate() {
        if extent == target[missing + axis] {
            broadcast[missing + axis] = if extent == 1 { 0 } else { stride };
        } else if extent != 1 {
            return None;
        }
    }
    Some(broadcast)
}

/// The shape that two shapes broadcast to, by NumPy's rules; `None` if they do not fit.
pub fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    // Axes are matched from the last one; those that are missing have one element.
    let extent = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    (0..rank)
        .map(|axis| match (extent(a, axis), extent(b, axis)) {
            (a, b) if a == b => Some(a),
            (1, b) => Some(b),
            (a, 1) => Some(a),
            _ => None,
        })
        .collect()
}
