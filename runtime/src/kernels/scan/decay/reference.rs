//! The definition of the [module](super) once more: every block is folded anew from its rows.

use super::powers::{Powers, power};
use super::{LEAF, RADIX, join, or_zero, product};
use crate::control::{Control, Stop};
use crate::scan::{Fused, Soft};

/// A row with an element: the weights of the mean before, and of the element.
type Weights = Option<(f64, f64)>;

/// The rows of a sequence.
struct Rows<'a> {
    x: &'a [f64],
    weights: Vec<Weights>,
    powers: Powers,
}

impl Rows<'_> {
    /// The decay of a block whose children have `child` rows each.
    fn decay(&self, start: usize, end: usize, child: usize) -> f64 {
        let before = start == 0 || self.weights[start - 1].is_some();
        if before && self.weights[start..end].iter().all(Option::is_some) {
            return power(self.powers.alpha, (end - start) as u64);
        }
        let children = (start..end).step_by(child);
        let decay = |start: usize| match child {
            1 => self.weights[start].map_or(1.0, |(k, _)| k),
            _ => self.decay(start, start + child, child / RADIX as usize),
        };
        children.fold(1.0, |decays, start| product(decays, decay(start)))
    }

    /// The distance from an origin of a block, whose children have `child` rows each, entered at
    /// the origin.
    fn fold(&self, origin: f64, start: usize, end: usize, child: usize) -> f64 {
        let mut fold = 0.0f64;
        for start in (start..end).step_by(child) {
            fold = match (child, self.weights[start]) {
                (1, None) => fold,
                (1, Some((k, alpha))) => Soft::fma(k, fold, alpha * (self.x[start] - origin)),
                _ => {
                    let end = start + child;
                    let below = child / RADIX as usize;
                    let decay = self.decay(start, end, below);
                    Soft::fma(decay, fold, self.fold(origin, start, end, below))
                }
            };
        }
        fold
    }

    /// The first element of rows, 0 if it is not finite.
    fn origin(&self, start: usize, end: usize) -> Option<f64> {
        let mut rows = start..end.min(self.x.len());
        rows.find(|i| self.weights[*i].is_some()).map(|i| or_zero(self.x[i]))
    }

    /// The origin of a block of leaves, and the distance with which it is left.
    fn part(&self, start: usize, rows: usize) -> Option<(f64, f64)> {
        if rows == LEAF as usize {
            let end = start + rows;
            let origin = self.origin(start, end)?;
            return Some((origin, self.fold(origin, start, end, rows / RADIX as usize)));
        }
        let child = rows / RADIX as usize;
        (start..start + rows)
            .step_by(child)
            .fold(None, |before, start| self.joined(before, start, child))
    }

    /// What is before a block of leaves, joined to it.
    fn joined(&self, before: Option<(f64, f64)>, start: usize, rows: usize) -> Option<(f64, f64)> {
        match (before, self.part(start, rows)) {
            (Some(before), Some(part)) => {
                let decay = self.decay(start, start + rows, rows / RADIX as usize);
                Some((before.0, join::<Soft>(before, part, decay)))
            }
            (before, part) => before.or(part),
        }
    }

    /// The mean before a leaf, as a distance from the first origin.
    fn entry(&self, first: f64, leaf: usize) -> f64 {
        let mut entry = (first, 0.0);
        let mut rows = LEAF as usize;
        while rows < leaf {
            rows *= RADIX as usize;
        }
        let mut start = 0;
        while rows >= LEAF as usize {
            while start + rows <= leaf {
                entry = self.joined(Some(entry), start, rows).unwrap_or(entry);
                start += rows;
            }
            rows /= RADIX as usize;
        }
        entry.1
    }
}

/// Replaces the elements of a sequence by their means.
pub(in super::super) fn reference(
    alpha: f64,
    ignore_missing: bool,
    data: &mut [u8],
    control: &Control,
) -> Result<(), Stop> {
    let number = |bytes: &[u8]| f64::from_le_bytes(std::array::from_fn(|i| bytes[i]));
    let x: Vec<f64> = data.chunks_exact(8).map(number).collect();
    let powers = Powers::new(alpha, ignore_missing);
    let (mut gap, mut started) = (0, false);
    let mut weights = Vec::with_capacity(x.len());
    for x in &x {
        weights.push(if x.is_nan() {
            gap += 1;
            None
        } else {
            let counts = started && gap > 0 && !ignore_missing;
            let weights = if counts { powers.after(gap) } else { (powers.k, powers.alpha) };
            (gap, started) = (0, true);
            Some(weights)
        });
    }
    let rows = Rows { x: &x, weights, powers };
    let first = rows.origin(0, x.len()).unwrap_or_default();
    let [run, group, leaf] = [16, 256, LEAF as usize];
    let (mut origin, mut leaf_carry) = (None, 0.0);
    let mut last = f64::NAN;
    for i in 0..x.len() {
        let [in_run, in_group, in_leaf] = [run, group, leaf].map(|size| i / size * size);
        if i == in_leaf {
            control.check()?;
            origin = rows.origin(i, i + leaf);
            leaf_carry = rows.entry(first, i) - (origin.unwrap_or_default() - first);
        }
        if let (Some(origin), Some(_)) = (origin, rows.weights[i]) {
            let carried = |carry: f64, start: usize, end: usize, child: usize| match end - start {
                0 => Soft::fma(1.0f64, carry, 0.0),
                _ => {
                    let decay = rows.decay(start, end, child);
                    Soft::fma(decay, carry, rows.fold(origin, start, end, child))
                }
            };
            let carry = carried(leaf_carry, in_leaf, in_group, group);
            let carry = carried(carry, in_group, in_run, run);
            last = origin + carried(carry, in_run, i + 1, 1);
        }
        data[8 * i..8 * i + 8].copy_from_slice(&last.to_le_bytes());
    }
    Ok(())
}
