//! The definition of the [module](super) once more: every block is folded anew from its rows.

use super::powers::{Powers, power};
use super::{LEAF, RADIX, follow, is_usual, or_zero, product, with_unusual};
use crate::control::{Control, Stop};
use crate::scan::{Fused, Soft};

/// What stands for consecutive rows with an element, or for the mean before a row, whose `first` is
/// not used.
#[derive(Clone, Copy)]
struct Part {
    first: f64,
    newest: f64,
    distance: f64,
}

impl Part {
    /// What stands for this and a part after it.
    fn then(self, part: Part, decay: f64) -> Part {
        let jump = self.newest - part.first;
        let distance = follow::<Soft>(self.distance, jump, decay, part.distance);
        Part { first: self.first, newest: part.newest, distance }
    }
}

/// The rows of a sequence.
struct Rows<'a> {
    x: &'a [f64],
    /// The weight of the mean before, of rows with an element.
    weights: Vec<Option<f64>>,
    /// `None` if the weights are given.
    alpha: Option<f64>,
}

impl Rows<'_> {
    /// The decay of a block whose children have `child` rows each.
    fn decay(&self, start: usize, end: usize, child: usize) -> f64 {
        let before = start == 0 || self.weights[start - 1].is_some();
        let clean = before && self.weights[start..end].iter().all(Option::is_some);
        if let (true, Some(alpha)) = (clean, self.alpha) {
            return power(alpha, (end - start) as u64);
        }
        let children = (start..end).step_by(child);
        let decay = |start: usize| match child {
            1 => self.weights[start].unwrap_or(1.0),
            _ => self.decay(start, start + child, child / RADIX as usize),
        };
        children.fold(1.0, |decays, start| product(decays, decay(start)))
    }

    /// The part of a block whose children have `child` rows each.
    fn part(&self, start: usize, end: usize, child: usize) -> Option<Part> {
        (start..end).step_by(child).fold(None, |before, start| match child {
            1 => self.extended(before, start),
            _ => self.joined(before, start, child),
        })
    }

    /// The part of a run up to a row.
    fn extended(&self, before: Option<Part>, row: usize) -> Option<Part> {
        let Some(k) = self.weights[row] else { return before };
        let (x, newest) = (self.x[row], or_zero(self.x[row]));
        let (first, mut distance) = match before {
            None => (newest, 0.0),
            Some(run) => (run.first, Soft::fma(k, run.distance, k * (run.newest - newest))),
        };
        if !is_usual(x) {
            let started = before.is_some() || self.weights[..row].iter().any(Option::is_some);
            distance = with_unusual::<Soft>(distance, x, if started { 1.0 - k } else { 1.0 });
        }
        Some(Part { first, newest, distance })
    }

    /// What is before a complete block, and the block.
    fn joined(&self, before: Option<Part>, start: usize, rows: usize) -> Option<Part> {
        let child = rows / RADIX as usize;
        match (before, self.part(start, start + rows, child)) {
            (Some(before), Some(part)) => {
                Some(before.then(part, self.decay(start, start + rows, child)))
            }
            (before, part) => before.or(part),
        }
    }

    /// A mean, and the complete blocks of a larger one after it.
    fn after(&self, mean: Part, start: usize, end: usize, child: usize) -> Part {
        match self.part(start, end, child) {
            Some(part) => mean.then(part, self.decay(start, end, child)),
            None => mean,
        }
    }

    /// The mean before a leaf.
    fn before_leaf(&self, first: f64, leaf: usize) -> Part {
        let mut mean = Part { first, newest: first, distance: 0.0 };
        let mut rows = LEAF as usize;
        while rows < leaf {
            rows *= RADIX as usize;
        }
        let mut start = 0;
        while rows >= LEAF as usize {
            while start + rows <= leaf {
                mean = self.joined(Some(mean), start, rows).unwrap_or(mean);
                start += rows;
            }
            rows /= RADIX as usize;
        }
        mean
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
            let k = if counts { powers.after(gap) } else { powers.k };
            (gap, started) = (0, true);
            Some(k)
        });
    }
    means(&Rows { x: &x, weights, alpha: Some(alpha) }, data, control)
}

/// Replaces the elements of a sequence by their means, given the weights of the means before.
pub(in super::super) fn blended(
    data: &mut [u8],
    weights: &[u8],
    control: &Control,
) -> Result<(), Stop> {
    let number = |bytes: &[u8]| f64::from_le_bytes(std::array::from_fn(|i| bytes[i]));
    let numbers = |bytes: &[u8]| bytes.chunks_exact(8).map(number).collect::<Vec<f64>>();
    let (x, weights) = (numbers(data), numbers(weights));
    let weights = x.iter().zip(weights).map(|(x, k)| (!x.is_nan()).then_some(k)).collect();
    means(&Rows { x: &x, weights, alpha: None }, data, control)
}

fn means(rows: &Rows<'_>, data: &mut [u8], control: &Control) -> Result<(), Stop> {
    let x = rows.x;
    let first = x.iter().find(|x| !x.is_nan()).map_or(0.0, |x| or_zero(*x));
    let [run, group, leaf] = [16, 256, LEAF as usize];
    let mut before_leaf = Part { first, newest: first, distance: 0.0 };
    let mut before_run = before_leaf;
    let mut last = f64::NAN;
    for i in 0..x.len() {
        let [in_run, in_group, in_leaf] = [run, group, leaf].map(|size| i / size * size);
        if i == in_leaf {
            control.check()?;
            before_leaf = rows.before_leaf(first, i);
        }
        if i == in_run {
            let before_group = rows.after(before_leaf, in_leaf, in_group, group);
            before_run = rows.after(before_group, in_group, in_run, run);
        }
        if rows.weights[i].is_some()
            && let Some(part) = rows.part(in_run, i + 1, 1)
        {
            let mean = before_run.then(part, rows.decay(in_run, i + 1, 1));
            last = mean.newest + mean.distance;
        }
        data[8 * i..8 * i + 8].copy_from_slice(&last.to_le_bytes());
    }
    Ok(())
}
