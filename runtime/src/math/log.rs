//! `log`, `log2`, `log10`, `log1p`.
//!
//! Method: x = 2^k m with m in [sqrt(1/2), sqrt(2)), f = m - 1, s = f / (2 + f), and
//! ln(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + z R(z)), z = s^2: the form of FreeBSD's
//! msun (Sun, 1993), its polynomial refitted (error 2^-59 of the result). The first two terms
//! are exact as a sum of two, so ln m = h + l with l at most 0.02, and the errors of s do not
//! matter much. No table; the division runs beside the rest.
//!
//! Error: l is known to 2^-58, k times a constant of 42 bits is exact, and the sums keep what
//! they lose: 0.5 + 0.1 ULP.
//! Another base multiplies h + l by a constant of two parts, as exactly: 0.5 + 0.2 ULP.
//! Powers of two have f = 0, so log2 gives k itself.

use super::Core;
use super::lanes::Lanes;

/// The bits of sqrt(1/2).
const SQRT_HALF: u64 = 0x3fe6a09e667f3bcd;
/// ln 2 to 42 bits, and the rest.
const LN2: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];
/// log10(2) to 42 bits, and the rest.
const LOG10_2: [f64; 2] = [0.30102999566395283, 2.8363394551044964e-14];
/// 1 / ln 2 to 53 bits, and the rest.
const INV_LN2: [f64; 2] = [std::f64::consts::LOG2_E, 2.0355273740931033e-17];
/// 1 / ln 10 to 53 bits, and the rest.
const INV_LN10: [f64; 2] = [std::f64::consts::LOG10_E, 1.098319650216765e-17];
/// (2 atanh(s) / s - 2) / z, |s| <= 0.1717: error 2^-59.5 of the result after rounding.
const LOG: [f64; 7] = [
    0.6666666666666735,
    0.3999999999940946,
    0.2857142874366093,
    0.22222198431782106,
    0.18183572199634704,
    0.1531383637912873,
    0.14798214271288498,
];

/// k and m - 1 of a positive normal x = 2^k m, and the bits of k + 1023.
#[inline(always)]
fn split<L: Lanes<E = f64>>(l: L, x: L::F) -> (L::F, L::F, L::U) {
    // Moved so that the exponent steps at sqrt(1/2) and not at 1.
    let moved = l.iadd(l.bits(x), l.u((1023 << 52) - SQRT_HALF));
    let exponent = l.shr(moved, 52);
    // An integer below 2^52 in the low bits of 2^52.
    const TWO_52: u64 = (1023 + 52) << 52;
    let k = l.sub(l.float(l.or(exponent, l.u(TWO_52))), l.f((1u64 << 52) as f64 + 1023.0));
    let m = l.float(l.iadd(l.and(moved, l.u((1 << 52) - 1)), l.u(SQRT_HALF)));
    (k, l.sub(m, l.f(1.0)), exponent)
}

/// As [`split`], of a subnormal x too.
#[inline(always)]
fn split_all<L: Lanes<E = f64>>(l: L, x: L::F) -> (L::F, L::F) {
    let small = l.lt(x, l.f(f64::MIN_POSITIVE));
    let scaled = l.select(small, l.mul(x, l.f((1u64 << 54) as f64)), x);
    let (k, f, _) = split(l, scaled);
    (l.sub(k, l.select(small, l.f(54.0), l.f(0.0))), f)
}

/// ln(1 + f + f_lo) as a sum of two. f_lo is below an ulp of f.
#[inline(always)]
fn log_parts<L: Lanes<E = f64>>(l: L, f: L::F, f_lo: Option<L::F>) -> (L::F, L::F) {
    let s = l.div(f, l.add(l.f(2.0), f));
    let z = l.mul(s, s);
    let zz = l.mul(z, z);
    let half_f = l.mul(f, l.f(0.5));
    let half_ff = l.mul(half_f, f);
    let half_ff_lo = l.fnma(half_f, f, half_ff); // negated
    let h = l.sub(f, half_ff);
    let lost = l.sub(l.sub(f, h), half_ff);
    let mut lost = l.add(lost, half_ff_lo);
    if let Some(f_lo) = f_lo {
        // f_lo / (1 + f) = f_lo (1 - s) / (1 + s)
        let two_s = l.add(s, s);
        let inv = l.fma(two_s, s, l.sub(l.f(1.0), two_s));
        lost = l.fma(f_lo, inv, lost);
    }
    let tail = l.fma(z, l.poly(z, zz, &LOG), half_ff);
    (h, l.fma(s, tail, lost))
}

/// k c + h + low, c in two parts; |k c| > |h| or k = 0.
#[inline(always)]
fn sum<L: Lanes<E = f64>>(l: L, k: L::F, c: [f64; 2], h: L::F, low: L::F) -> L::F {
    let a = l.mul(k, l.f(c[0]));
    let hi = l.add(a, h);
    let lost = l.add(l.sub(a, hi), h);
    l.add(hi, l.add(lost, l.fma(k, l.f(c[1]), low)))
}

/// (h + low) c, c in two parts, as a sum of two.
#[inline(always)]
fn times<L: Lanes<E = f64>>(l: L, c: [f64; 2], h: L::F, low: L::F) -> (L::F, L::F) {
    let p = l.mul(h, l.f(c[0]));
    let p_lo = l.fnma(h, l.f(c[0]), p); // negated
    let low = l.fma(h, l.f(c[1]), l.mul(low, l.f(c[0])));
    (p, l.sub(low, p_lo))
}

/// `y` where x is positive and finite; else what the logarithm of `x` is.
#[inline(always)]
fn special<L: Lanes<E = f64>>(l: L, x: L::F, y: L::F) -> L::F {
    let zero = l.f(0.0);
    let y = l.select(l.lt(x, l.f(f64::INFINITY)), y, x); // inf and NaN are their own
    let y = l.select(l.eq(x, zero), l.f(f64::NEG_INFINITY), y);
    l.select(l.lt(x, zero), l.f(f64::NAN), y)
}

/// The natural logarithm.
pub(super) struct Log;

impl Core<1> for Log {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let (k, f) = split_all(l, x);
        let (h, low) = log_parts(l, f, None);
        special(l, x, sum(l, k, LN2, h, low))
    }
}

/// The logarithm to base 2.
pub(super) struct Log2;

impl Core<1> for Log2 {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let (k, f) = split_all(l, x);
        let (h, low) = log_parts(l, f, None);
        let (h, low) = times(l, INV_LN2, h, low);
        let hi = l.add(k, h);
        let lost = l.add(l.sub(k, hi), h);
        special(l, x, l.add(hi, l.add(lost, low)))
    }
}

/// The logarithm to base 10.
pub(super) struct Log10;

impl Core<1> for Log10 {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let (k, f) = split_all(l, x);
        let (h, low) = log_parts(l, f, None);
        let (h, low) = times(l, INV_LN10, h, low);
        special(l, x, sum(l, k, LOG10_2, h, low))
    }
}

/// ln(1 + x)
pub(super) struct Log1p;

impl Core<1> for Log1p {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        // 1 + x = u + lost, exactly.
        let one = l.f(1.0);
        let u = l.add(one, x);
        let x_part = l.sub(u, one);
        let lost = l.add(l.sub(one, l.sub(u, x_part)), l.sub(x, x_part));
        // u = 2^k m; the lost part joins m - 1, scaled by 2^-k. For k = 0 that gives x again.
        // The factor is made twice as large, for 2^-1024 has no exponent of its own (it comes
        // out as 0 then, and nothing was lost).
        let (k, m1, exponent) = split(l, u);
        let down = l.float(l.shl(l.isub(l.u(2047), exponent), 52));
        let lost = l.mul(l.mul(lost, down), l.f(0.5));
        let f = l.add(m1, lost);
        let f_lo = l.sub(lost, l.sub(f, m1));
        let (h, low) = log_parts(l, f, Some(f_lo));
        let y = special(l, u, sum(l, k, LN2, h, low));
        // -0 stays.
        l.select(l.eq(x, l.f(0.0)), x, y)
    }
}
