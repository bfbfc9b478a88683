//! `logaddexp`, `logaddexp2`.
//!
//! Method: with the larger argument M and its difference d >= 0 from the other, exact as a sum of two
//! numbers, log(e^x + e^y) = M + log(1 + e^-d). As in exp.rs, e^-d - 1 is a sum of two numbers, so
//! 1 + e^-d = 2 + (e^-d - 1), which is from 1 to 2, is exact. Its logarithm, as in log.rs, is also a sum of
//! two numbers, and only the sum with M is rounded. In base 2, d is multiplied by ln 2 in two parts, and
//! the tables are those of log2.
//!
//! Error: M may cancel the logarithm, so the absolute error of log(1 + e^-d) matters. The higher terms of
//! e^-d - 1 are below 2^-11, those of the logarithm below 2^-10 (times 1.44 in base 2), and all of them are
//! rounded to 53 bits. The polynomials have errors of 2^-64, the tables of 2^-90. In total that is below
//! 2^-61. The ulp of a result of at least 2^-8 is at least 2^-60, so its error is below 0.5 + 0.5 ULP:
//! 0.71 measured, in base 2. For smaller results only the absolute error of 2^-60 is guaranteed.
//!
//! Beyond d ln b = 40, b^-d is below 2^-57, and M + b^-d / ln b is accurate enough. It differs from M only
//! for |M| < 1, which is rare. In f32 both are the f64 cores.

use super::Core;
use super::exp;
use super::lanes::{Lanes, rarely};
use super::log::{self, Base};

/// The bound of d ln b up to which log(1 + b^-d) is computed.
const FAR: f64 = 40.0;
/// ln 2 in two parts.
const LN2: [f64; 2] = [std::f64::consts::LN_2, 2.3190468138462996e-17];

/// The logarithm of b^x + b^y to the base b; `ln` is ln b in two parts.
#[inline(always)]
fn log_add_exp<L: Lanes<E = f64>>(l: L, [x, y]: [L::F; 2], base: &Base, ln: [f64; 2]) -> L::F {
    let (zero, one, two, infinity) = (l.f(0.0), l.f(1.0), l.f(2.0), l.f(f64::INFINITY));
    let most = l.max(x, y);
    // -d and -d ln b
    let (minus_d, d_lost) = l.two_sum(l.min(y, x), l.neg(most));
    let far = l.f(-FAR / ln[0]);
    let near = l.le(far, minus_d);
    let d = l.select(near, minus_d, far);
    let d_lost = l.select(near, d_lost, zero);
    let (z, z_lo) = if ln[0] == 1.0 {
        (d, d_lost)
    } else {
        let (z, lost) = l.two_product(d, l.f(ln[0]));
        (z, l.fma(d, l.f(ln[1]), l.fma(d_lost, l.f(ln[0]), lost)))
    };
    let (hi, lo) = exp::expm1_parts(l, exp::reduce(l, z));
    let lo = l.fma(l.add(one, hi), z_lo, lo);
    let (u, lost) = l.fast_two_sum(two, hi);
    let (u, more) = l.fast_two_sum(u, lo);
    let (hi, lo) = log::log_sum_parts(l, u, l.add(lost, more), base);
    let (sum, lost) = l.two_sum(most, hi);
    let sum = l.add(sum, l.add(lost, lo));
    let tiny = l.both(l.not(near), l.lt(l.abs(most), one));
    let [sum] = rarely!(
        l,
        tiny,
        {
            let power = exp::exp_any(l, l.mul(minus_d, l.f(ln[0])), 0.0);
            [l.select(tiny, l.add(most, l.mul(power, l.f(1.0 / ln[0]))), sum)]
        },
        [sum]
    );
    let sum = l.select(l.lt(l.abs(most), infinity), sum, most);
    l.select(l.both(l.eq(x, x), l.eq(y, y)), sum, l.f(f64::NAN))
}

/// ln(e^x + e^y)
pub(super) struct LogAddExp;

impl Core<2> for LogAddExp {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, x: [L::F; 2]) -> L::F {
        log_add_exp(l, x, &log::E, [1.0, 0.0])
    }
}

/// log2(2^x + 2^y)
pub(super) struct LogAddExp2;

impl Core<2> for LogAddExp2 {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, x: [L::F; 2]) -> L::F {
        log_add_exp(l, x, &log::TWO, LN2)
    }
}
