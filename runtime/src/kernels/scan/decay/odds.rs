//! The odds of each row of an exponentially weighted mean: the weight of its element over that which
//! the mean before keeps. With odds o, that is `1 / (1 + o)`; neither weight loses digits beside the
//! other.
//!
//! The first element has infinite odds. If weights are not adjusted, later ones have alpha / p(v + 1)
//! after v missing rows, p being the powers of k = 1 - alpha. If they are, elements have the weights
//! 1, k, k^2 and so on, from the newest to the oldest: with W the sum of the weights of the rows
//! before, which is kept in two numbers, the odds are `1 / (p(v + 1) W)`. Those of a missing row are 0.

use std::marker::PhantomData;

use super::super::{Attributes, Fused, Recurrence, ScanState, Soft, number};
use super::powers::power;
use crate::control::{Control, Stop};

/// The recurrence of the odds. Its memory has for each sequence the sum of weights and what
/// rounding took from it, and the number of missing rows since the last element, as bits.
pub(in super::super) struct Odds<M>(PhantomData<M>);

/// The numbers that are kept of each sequence.
const KEPT: usize = 3;
/// The number of rows that are searched for missing ones at a time.
const ROWS: usize = 32;

/// The constants of odds.
#[derive(Clone, Copy)]
struct Constants {
    alpha: f64,
    /// 1 - alpha, and what rounding took from it.
    k: [f64; 2],
    ignore_missing: bool,
    adjust: bool,
}

impl Constants {
    #[inline(always)]
    fn of(attributes: &Attributes) -> Constants {
        let (alpha, ignore_missing, adjust) = match *attributes {
            Attributes::Decay { alpha, ignore_missing, adjust } => {
                (number(alpha), ignore_missing, adjust)
            }
            _ => (1.0, false, false),
        };
        let k = 1.0 - alpha;
        Constants { alpha, k: [k, (1.0 - k) - alpha], ignore_missing, adjust }
    }

    /// The odds of a row.
    #[inline(always)]
    fn next<M: Fused>(&self, kept: &mut [f64; KEPT], x: f64) -> f64 {
        let gap = kept[2].to_bits();
        if x.is_nan() {
            kept[2] = f64::from_bits(gap.wrapping_add(1));
            return 0.0;
        }
        kept[2] = 0.0;
        let first = kept[0] == 0.0;
        if !self.adjust {
            kept[0] = 1.0;
            return match gap {
                _ if first => f64::INFINITY,
                _ if gap == 0 || self.ignore_missing => self.alpha / self.k[0],
                _ => self.alpha / power(self.alpha, gap.saturating_add(1)),
            };
        }
        let [high, low] = match gap {
            _ if gap == 0 || self.ignore_missing => self.k,
            _ => [power(self.alpha, gap.saturating_add(1)), 0.0],
        };
        // The weights of the rows before.
        let product = high * kept[0];
        let rest = M::fma(high, kept[0], -product) + (high * kept[1] + low * kept[0]);
        let old = product + rest;
        let rest = rest - (old - product);
        let sum = old + 1.0;
        let one = sum - old;
        let lost = (old - (sum - one)) + (1.0 - one) + rest;
        kept[0] = sum + lost;
        kept[1] = lost - (kept[0] - sum);
        if first { f64::INFINITY } else { 1.0 / old }
    }
}

impl<M: Fused> Odds<M> {
    /// The odds of the next row of a sequence.
    ///
    /// # Safety
    /// The state has this lane.
    #[inline(always)]
    unsafe fn lane(state: &ScanState, constants: &Constants, lane: usize, x: f64) -> f64 {
        let place = state.memory.cast::<[f64; KEPT]>().wrapping_add(lane);
        // SAFETY: the caller's promise.
        unsafe { constants.next::<M>(&mut *place, x) }
    }
}

impl<M: Fused> Recurrence for Odds<M> {
    type Element = f64;

    fn bytes(_: &Attributes, _: usize, lanes: usize) -> usize {
        lanes.max(1).saturating_mul(size_of::<[f64; KEPT]>())
    }

    unsafe fn prepare(_: *mut ScanState, _: usize) {}

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise.
        unsafe {
            let kept = (*state).memory.cast::<[f64; KEPT]>();
            (0..(*state).lanes.max(1)).for_each(|i| kept.add(i).write([0.0; KEPT]));
        }
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        let constants = Constants::of(&state.attributes);
        let kept = state.memory.cast::<[f64; KEPT]>();
        let mut i = 0;
        while i < n {
            // SAFETY: the caller's promise.
            unsafe {
                let before = (*kept).map(f64::to_bits);
                let odds = Self::lane(state, &constants, 0, a.add(i).read_unaligned());
                out.add(i).write_unaligned(odds);
                i += 1;
                if (*kept).map(f64::to_bits) != before {
                    continue;
                }
                // The sum of weights has reached its limit: until a row is missing, all are the same.
                let present = |i: usize| !a.add(i).read_unaligned().is_nan();
                while i + ROWS <= n && (i..i + ROWS).fold(true, |all, i| all & present(i)) {
                    (i..i + ROWS).for_each(|i| out.add(i).write_unaligned(odds));
                    i += ROWS;
                }
                while i < n && present(i) {
                    out.add(i).write_unaligned(odds);
                    i += 1;
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn across(state: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        let constants = Constants::of(&state.attributes);
        for i in 0..n {
            // SAFETY: the caller's promise.
            unsafe {
                let odds = Self::lane(state, &constants, i, a.add(i).read_unaligned());
                out.add(i).write_unaligned(odds);
            }
        }
    }
}

/// Replaces the elements of a sequence by their odds.
pub(in super::super) fn odds(
    attributes: &Attributes,
    data: &mut [u8],
    control: &Control,
) -> Result<(), Stop> {
    let constants = Constants::of(attributes);
    let mut kept = [0.0; KEPT];
    for (i, bytes) in data.chunks_exact_mut(8).enumerate() {
        if i % 4096 == 0 {
            control.check()?;
        }
        let x = f64::from_le_bytes(std::array::from_fn(|i| bytes[i]));
        bytes.copy_from_slice(&constants.next::<Soft>(&mut kept, x).to_le_bytes());
    }
    Ok(())
}
