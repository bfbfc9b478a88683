//! A slow implementation of the definition in the [module](super), by plain indexing.

use std::ops::Range;

use super::accumulator::Element;
use super::{Order, RUN, Reduction};
use crate::control::{Control, Stop};
use crate::convert::{Pattern, convert_scalar};
use crate::dtype::DType;
use crate::elementwise::family;
use crate::scalar::Number;

/// The approximate number of elements between two checks of the control.
const LOOK: usize = 4096;

/// The result of a reduction, as the interpreter computes it; the fast code is tested against it.
///
/// `data` holds elements of `dtype`; an incomplete last one is ignored. The result is `None` if the
/// reduction is not defined on `dtype`, or if there are no elements and it has no value for them.
///
/// # Errors
/// [`Stop`] from the control, which is checked every 4,096 elements.
pub fn reference(
    reduction: Reduction,
    dtype: DType,
    order: Order,
    data: &[u8],
    control: &Control,
) -> Result<Option<u64>, Stop> {
    if !reduction.takes(dtype) {
        return Ok(None);
    }
    let size = dtype.size();
    let n = data.len() / size;
    if n == 0 {
        return Ok(reduction.empty(dtype));
    }
    let element = |i: usize| {
        let mut word = [0; 8];
        for byte in 0..size {
            word[if cfg!(target_endian = "big") { 8 - size + byte } else { byte }] =
                data[i * size + byte];
        }
        u64::from_ne_bytes(word)
    };
    let value = match reduction {
        Reduction::Argmin | Reduction::Argmax => {
            let least = reduction == Reduction::Argmin;
            family!(numbers, dtype, T => index_of::<T>(least, n, element, control))
        }
        Reduction::SquaredDeviations => {
            family!(floats, dtype, T => squared_deviations::<T>(order, n, element, control))
        }
        Reduction::Sum if !dtype.is_float() => {
            let wide = reduction.result_dtype(dtype);
            let mut sum = 0u64;
            for i in 0..n {
                if i % LOOK == 0 {
                    control.check()?;
                }
                let truth = dtype == DType::Bool && element(i) != 0;
                let bits = if truth { 1 } else { element(i) };
                sum = sum.wrapping_add(convert_scalar(bits, dtype, wide));
            }
            Some(Ok(sum))
        }
        _ => {
            let element =
                |i| if dtype == DType::Bool { (element(i) != 0) as u64 } else { element(i) };
            let fold = |left, right| fold(reduction, dtype, left, right);
            let step = |left, i| fold(left, element(i));
            Some(tree(order, size, n, control, element, step, fold))
        }
    };
    value.transpose()
}

/// The combination of two accumulated values.
fn fold(reduction: Reduction, dtype: DType, left: u64, right: u64) -> u64 {
    fn number<T: Pattern + Number>(reduction: Reduction, left: u64, right: u64) -> u64 {
        let (left, right) = (T::from_pattern(left), T::from_pattern(right));
        match reduction {
            Reduction::Sum => left.add(right),
            Reduction::Prod => left.mul(right),
            Reduction::Min => left.minimum(right),
            _ => left.maximum(right),
        }
        .pattern()
    }
    match reduction {
        Reduction::Any => left | right,
        Reduction::All => left & right,
        _ => family!(numbers, dtype, T => number::<T>(reduction, left, right)).unwrap_or(0),
    }
}

fn index_of<T: Pattern + Number>(
    least: bool,
    n: usize,
    element: impl Fn(usize) -> u64,
    control: &Control,
) -> Result<u64, Stop> {
    let at = |i| T::from_pattern(element(i));
    let mut best = 0;
    for i in 1..n {
        if i % LOOK == 0 {
            control.check()?;
        }
        let (x, earlier) = (at(i), at(best));
        let beats = if least { x.lt(earlier) } else { earlier.lt(x) };
        if earlier.eq(earlier) && (beats || x.ne(x)) {
            best = i;
        }
    }
    Ok(best as u64)
}

fn squared_deviations<T: Element>(
    order: Order,
    n: usize,
    element: impl Fn(usize) -> u64,
    control: &Control,
) -> Result<u64, Stop> {
    /// An accumulator of `k` elements.
    #[derive(Clone, Copy)]
    struct Moments<T> {
        k: u64,
        f: T,
        m: T,
        s: T,
    }
    let first = |i: usize| {
        let f = T::from_pattern(element(i));
        Moments { k: 1, f, m: f.sub(f), s: f.sub(f) }
    };
    let step = |Moments { k, f, m, s }, i: usize| {
        let k = k + 1;
        let y = T::from_pattern(element(i)).sub(f);
        let d = y.sub(m);
        let m = m.add(d.mul(T::round(1.0).div(T::round(k as f64))));
        Moments { k, f, m, s: s.add(d.mul(y.sub(m))) }
    };
    let fold = |left: Moments<T>, right: Moments<T>| {
        let k = left.k + right.k;
        let w = right.k as f64 / k as f64;
        let (w, v) = (T::round(w), T::round(left.k as f64 * w));
        let d = right.f.sub(left.f).add(right.m.sub(left.m));
        let s = left.s.add(right.s).add(d.mul(d.mul(v)));
        Moments { k, f: left.f, m: left.m.add(d.mul(w)), s }
    };
    Ok(tree(order, size_of::<T>(), n, control, first, step, fold)?.s.pattern())
}

/// The value of the tree over `n` elements, at least one: `first` makes an accumulator of one
/// element, `step` adds another element to it, `fold` combines two accumulators.
///
/// No accumulator begins as the identity: it begins with its first element, and without elements
/// it is left out. This gives the same bits, because the identity of a float sum is -0.0.
fn tree<S: Copy>(
    order: Order,
    size: usize,
    n: usize,
    control: &Control,
    first: impl Fn(usize) -> S,
    step: impl Fn(S, usize) -> S,
    fold: impl Fn(S, S) -> S,
) -> Result<S, Stop> {
    let (leaf, accumulators) = (order.leaf(), order.accumulators(size));
    let block = RUN * accumulators;
    // One accumulator of a block: every `accumulators`-th element from `from`.
    let of_block = |from: usize, end: usize| {
        (from + accumulators..end).step_by(accumulators).fold(first(from), &step)
    };
    // One accumulator of a leaf, if it has elements: those of the blocks that have elements for it.
    let of_leaf = |from: usize, end: usize| {
        let blocks = end.saturating_sub(from).div_ceil(block);
        let of_block = |i| Ok(of_block(from + i * block, end.min(from + (i + 1) * block)));
        if blocks > 0 { halving(0..blocks, &of_block, &fold).map(Some) } else { Ok(None) }
    };
    let leaf_value = |i: usize| {
        let (start, end) = (i * leaf, n.min((i + 1) * leaf));
        if start.is_multiple_of(LOOK) {
            control.check()?;
        }
        let value = halves(0, 1, accumulators, &|j| of_leaf(start + j, end), &fold)?;
        // Never `None`: a leaf has an element.
        Ok(value.unwrap_or_else(|| first(start)))
    };
    halving(0..n.div_ceil(leaf), &leaf_value, &fold)
}

/// Accumulator `j` of `width`, after the upper half of the accumulators has been folded onto the
/// lower one until `width` are left.
fn halves<S>(
    j: usize,
    width: usize,
    accumulators: usize,
    slot: &impl Fn(usize) -> Result<Option<S>, Stop>,
    fold: &impl Fn(S, S) -> S,
) -> Result<Option<S>, Stop> {
    if width == accumulators {
        return slot(j);
    }
    let left = halves(j, 2 * width, accumulators, slot, fold)?;
    let right = halves(j + width, 2 * width, accumulators, slot, fold)?;
    Ok(match (left, right) {
        (Some(left), Some(right)) => Some(fold(left, right)),
        (one, other) => one.or(other),
    })
}

/// The value of the tree over items, at least one, split at the largest power of two below their
/// number.
fn halving<S>(
    items: Range<usize>,
    item: &impl Fn(usize) -> Result<S, Stop>,
    fold: &impl Fn(S, S) -> S,
) -> Result<S, Stop> {
    if items.len() <= 1 {
        return item(items.start);
    }
    let cut = items.start + items.len().next_power_of_two() / 2;
    let left = halving(items.start..cut, item, fold)?;
    Ok(fold(left, halving(cut..items.end, item, fold)?))
}
