//! The definition of the [module](super) once more, slow and by plain indexing.

use super::accumulator::Element;
use super::{Order, Reduction};
use crate::control::{Control, Stop};
use crate::convert::Pattern;
use crate::dtype::DType;
use crate::elementwise::family;
use crate::scalar::Number;

/// What the fast code is tested against, and the interpreter's.
///
/// `data` holds elements of the dtype; a last incomplete one is ignored. `None` if the reduction
/// is not defined on the dtype, or has no value for no elements.
///
/// # Errors
/// The control's, which is looked at once a leaf.
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
            family!(numbers, dtype, T => index_of::<T>(least, order, n, element, control))
        }
        Reduction::SquaredDeviations => {
            family!(floats, dtype, T => squared_deviations::<T>(order, n, element, control))
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

/// A value of two.
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
    order: Order,
    n: usize,
    element: impl Fn(usize) -> u64,
    control: &Control,
) -> Result<u64, Stop> {
    let at = |i| T::from_pattern(element(i));
    let mut best = 0;
    for i in 1..n {
        if i % order.leaf() == 0 {
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

/// The tree over `n` elements, at least one: `first` makes an accumulator of an element, `step`
/// takes another into it, `fold` puts two accumulators together.
///
/// The first element that an accumulator meets takes the place of its identity; one that meets
/// none is left out of the folding, where it would change nothing. Only a lone -0.0 could tell,
/// and the identity of a float sum is -0.0 so that it cannot.
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
    let mut level = Vec::new();
    for start in (0..n).step_by(leaf) {
        control.check()?;
        let mut slots: Vec<Option<S>> = vec![None; accumulators];
        for i in start..n.min(start + leaf) {
            let slot = &mut slots[(i - start) % accumulators];
            *slot = Some(slot.map_or_else(|| first(i), |sums| step(sums, i)));
        }
        while slots.len() > 1 {
            let half = slots.len() / 2;
            slots = (0..half)
                .map(|j| match (slots[j], slots[j + half]) {
                    (Some(left), Some(right)) => Some(fold(left, right)),
                    (one, other) => one.or(other),
                })
                .collect();
        }
        level.extend(slots[0]);
    }
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| if pair.len() == 2 { fold(pair[0], pair[1]) } else { pair[0] })
            .collect();
    }
    Ok(level[0])
}
