//! `arcsinh`, `arccosh`, `arctanh`.
//!
//! Method, in f32 as in f64: each is the logarithm, or half the logarithm, of a sum of two numbers:
//! - arcsinh |x|: |x| + sqrt(x^2 + 1),
//! - arccosh x: x + sqrt(z^2 + 2 z), z = x - 1, which is exact,
//! - arctanh |x|: 1 + 2 |x| / (1 - |x|).
//!
//! A second fused sum gives the rounding errors of the arguments of the roots. A root s is corrected
//! by its remainder over 2 s. The correction is at most half an ulp, so a few bits of it are enough,
//! for which a difference of bits approximates 1 / (2 s). Near 1 the correction may be a large part of
//! arcsinh; there 1 / (2 s) is approximated by 1 - s/2. The quotient of arctanh is corrected as well.
//! From 2^26 on (2^12 in f32) the first two are ln(2 |x|) to the last bit.
//!
//! Error: that of log.rs, and 0.1 ULP of the arguments.

use super::cores;
use super::lanes::{Element, Lanes, rarely};
use super::log::{Natural, one_plus, split};

/// The bound from which sqrt(x^2 +- 1) rounds to x, and up to which 1 is at least an ulp of x^2.
const fn large<E: Element>() -> f64 {
    (1u64 << (E::MANTISSA / 2)) as f64
}

/// ln(u + lost) for u >= 1.
#[inline(always)]
fn ln<L: Lanes<E: Natural>>(l: L, u: L::F, lost: L::F) -> L::F {
    L::E::ln_sum(l, split(l, u, L::E::FROM), lost)
}

/// ln(2 x) where x is [`large`], otherwise y.
#[inline(always)]
fn or_large<L: Lanes<E: Natural>>(l: L, x: L::F, y: L::F) -> L::F {
    // By x / 2 with 2 added to the exponent, because 2 x may overflow.
    let most = l.float(l.u(L::E::INFINITY - 1));
    let half = l.mul(l.min(x, most), l.f(0.5));
    let small = l.lt(x, l.f(large::<L::E>()));
    let split = split(l, half, L::E::FROM).raised(l, l.not(small), 2.0);
    let ln = L::E::ln_sum(l, split, l.f(0.0));
    let ln = l.select(l.lt(x, l.f(f64::INFINITY)), ln, x);
    l.select(small, y, ln)
}

/// An approximation of 1 / (2 x) to one eighth, for positive x.
#[inline(always)]
fn half_inverse<L: Lanes>(l: L, x: L::F) -> L::F {
    let unit = 1 << L::E::MANTISSA;
    l.float(l.isub(l.u((2 * L::E::BIAS - 1) * unit - unit / 10), l.bits(x)))
}

/// x where it is so small that arcsinh and arctanh are x to a third of an ulp, otherwise y. For such
/// x, y would only consist of rounding errors.
#[inline(always)]
fn or_small<L: Lanes>(l: L, x: L::F, y: L::F) -> L::F {
    let bound = 0.5 / (1u64 << (L::E::MANTISSA / 2)) as f64;
    l.select(l.lt(x, l.f(bound)), x, y)
}

#[inline(always)]
fn arcsinh<L: Lanes<E: Natural>>(l: L, x: L::F) -> L::F {
    let (abs, one) = (l.abs(x), l.f(1.0));
    let t = l.fma(abs, abs, one);
    let t_lo = l.fma(abs, abs, l.sub(one, t));
    let root = l.sqrt(t);
    let rest = l.add(l.fnma(root, root, t), t_lo);
    let near = l.lt(root, l.f(1.25));
    let inverse = l.select(near, l.fnma(root, l.f(0.5), one), half_inverse(l, root));
    let (u, lost) = l.fast_two_sum(root, abs);
    let y = or_small(l, abs, ln(l, u, l.fma(rest, inverse, lost)));
    let large = l.not_lt(abs, l.f(large::<L::E>()));
    let [y] = rarely!(l, large, [or_large(l, abs, y)], [y]);
    l.with_sign(y, l.sign(x))
}

#[inline(always)]
fn arccosh<L: Lanes<E: Natural>>(l: L, x: L::F) -> L::F {
    let one = l.f(1.0);
    let z = l.sub(x, one);
    let twice = l.add(z, z);
    let t = l.fma(z, z, twice);
    // Exact up to z = 2. Beyond that it is small compared to x.
    let t_lo = l.fma(z, z, l.sub(twice, t));
    let root = l.sqrt(t);
    let rest = l.add(l.fnma(root, root, t), t_lo);
    let (u, lost) = l.fast_two_sum(x, root);
    let y = ln(l, u, l.fma(rest, half_inverse(l, root), lost));
    let usual = l.both(l.le(one, x), l.lt(x, l.f(large::<L::E>())));
    let [y] =
        rarely!(l, l.not(usual), [l.select(l.lt(x, one), l.f(f64::NAN), or_large(l, x, y))], [y]);
    y
}

#[inline(always)]
fn arctanh<L: Lanes<E: Natural>>(l: L, x: L::F) -> L::F {
    let (abs, one) = (l.abs(x), l.f(1.0));
    let d = l.sub(one, abs);
    let d_lo = l.sub(l.sub(one, d), abs);
    let inverse = l.div(one, d);
    let n = l.add(abs, abs);
    let q = l.mul(n, inverse);
    let q_lo = l.mul(l.fnma(q, d_lo, l.fnma(q, d, n)), inverse);
    let (u, lost) = one_plus(l, q);
    let y = l.mul(ln(l, u, l.add(lost, q_lo)), l.f(0.5));
    let y = or_small(l, abs, y);
    let below = l.lt(abs, one);
    let [y] = rarely!(
        l,
        l.not(below),
        {
            let end = l.select(l.eq(abs, one), l.f(f64::INFINITY), l.f(f64::NAN));
            [l.select(below, y, end)]
        },
        [y]
    );
    l.with_sign(y, l.sign(x))
}

cores! {
    /// The inverse hyperbolic sine.
    Arcsinh = arcsinh(x);
    /// The inverse hyperbolic cosine.
    Arccosh = arccosh(x);
    /// The inverse hyperbolic tangent.
    Arctanh = arctanh(x);
}
