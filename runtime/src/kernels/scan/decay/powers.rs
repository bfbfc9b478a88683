//! Powers of 1 - alpha.

use crate::scan::{Fused, Soft};

/// The least power: an infinite carry stays infinite when it is multiplied, and nothing becomes
/// subnormal.
pub(super) const LEAST: f64 = f64::from_bits((1023 - 512) << 52);

/// The number of levels from leaves on: more than blocks of 2^63 rows.
const LEVELS: usize = 14;

/// The constants of an exponentially weighted mean, and powers of k = 1 - alpha, none of them below
/// [`LEAST`].
#[derive(Clone, Copy)]
pub(super) struct Powers {
    /// The weight of a new element.
    alpha: f64,
    /// That of the mean before.
    pub(super) k: f64,
    /// Whether missing rows do not count.
    pub(super) ignore_missing: bool,
    /// p(j)
    pub(super) row: [f64; 17],
    /// p(16 r)
    pub(super) run: [f64; 17],
    /// p(256 g)
    pub(super) group: [f64; 17],
    /// p(4096 * 16^level)
    pub(super) level: [f64; LEVELS],
}

impl Powers {
    pub(super) fn new(alpha: f64, ignore_missing: bool) -> Powers {
        Powers {
            alpha,
            k: (1.0 - alpha).max(LEAST),
            ignore_missing,
            row: std::array::from_fn(|j| power(alpha, j as u64)),
            run: std::array::from_fn(|r| power(alpha, 16 * r as u64)),
            group: std::array::from_fn(|g| power(alpha, 256 * g as u64)),
            level: std::array::from_fn(|level| power(alpha, 4096u64 << (4 * level))),
        }
    }

    /// The weight of the mean before, after a number of missing rows.
    pub(super) fn after(&self, gap: u64) -> f64 {
        let old = power(self.alpha, gap.saturating_add(1));
        old / (old + self.alpha)
    }
}

/// (1 - alpha)^m, of the exact 1 - alpha, rounded once: by squares in pairs of numbers, whose
/// product follows Dekker, "A floating-point technique for extending the available precision"
/// (1971).
pub(super) fn power(alpha: f64, m: u64) -> f64 {
    let product = |a: (f64, f64), b: (f64, f64)| {
        let p = a.0 * b.0;
        let e = Soft::fma(a.0, b.0, -p) + (a.0 * b.1 + a.1 * b.0);
        let high = p + e;
        (high, e - (high - p))
    };
    let k = 1.0 - alpha;
    let mut base = (k, (1.0 - k) - alpha);
    let mut result = (1.0, 0.0);
    let mut m = m;
    while m > 0 {
        if base.0 == 0.0 {
            return LEAST;
        }
        if m % 2 == 1 {
            result = product(result, base);
        }
        m /= 2;
        if m > 0 {
            base = product(base, base);
        }
    }
    (result.0 + result.1).max(LEAST)
}
