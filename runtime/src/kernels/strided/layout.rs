//! Properties of layouts: spans, contiguity, overlap, broadcasting.

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
    // The length must not overflow either.
    highest.checked_sub(lowest)?;
    Some((lowest, highest))
}

/// Whether the elements are in C order without gaps. Strides of axes of extent 1 are ignored, as
/// are all strides of an empty array.
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

/// Whether two different indices of an array may share a byte, which is not allowed in an output.
///
/// Exact for arrays whose axes nest, which includes all results of slicing, transposing, reversing
/// and reshaping; for others it may return `true` although no elements overlap.
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
    // The span in bytes of the axes so far; the next axis must have at least this stride.
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

/// The strides of an operand broadcast to the shape `target`: missing axes and axes of extent 1
/// have stride 0. `None` if the shapes do not broadcast.
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

/// The shape that two shapes broadcast to, by NumPy's rules; `None` if they do not broadcast.
pub fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    // Axes are matched from the last one; missing ones have extent 1.
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
