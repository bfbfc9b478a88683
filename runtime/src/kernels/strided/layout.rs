//! What can be said of an array's layout from its shape and strides.

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
