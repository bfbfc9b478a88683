//! `erf`, `erfc`, `normcdf`.
//!
//! Method: tables of 16 polynomials, an interval each (`erf_tables.rs`); a lane fetches the
//! coefficients of its own.
//!
//! erf: below 0.75 it is x + x p(x^2); elsewhere h + t p(t), t = |x| - c, where c is such that
//! erf(c) is nearly a number of the format, h (S. Gal's accurate tables, 1986). Both are one fused
//! multiply-add in the end, of a product that is below 0.13 of the result: 0.5 + 0.25 ULP.
//!
//! erfc(x) = e^(-x^2) R(x) for x >= 0, R(x) = e^(x^2) erfc(x), and erfc(-x) = 2 - erfc(x). R is
//! h (1 + t p(t)) with h of half the bits, in intervals that are geometric in x + d and so are the
//! exponent of a power. x^2 is kept in two parts; e^(-x^2) = 2^(k/16) e^r, where 2^(j/16)
//! comes from a table, rounded to half the bits, and r takes what that lost. So A = 2^(j/16) h is
//! exact and the result is A + A m, one fused operation, 1 + m = e^r (1 + t p), |m| <= 0.15: the
//! three roundings in m count up to 0.1 ULP each. 0.5 + 0.35 ULP. A subnormal result is rounded
//! once more, by which time the first error counts half or less.
//!
//! normcdf(x) = erfc(-x / sqrt(2)) / 2 with a table of its own, in x: nothing is lost in a
//! quotient, and x^2 / 2 is exact in two parts. For x > 0 it is 1 less that.
//!
//! f32 is the same in f32 lanes, with shorter polynomials.

use super::cores;
use super::lanes::{Element, Lanes};

/// Polynomials for 16 intervals; a column is an interval.
pub(super) struct Pieces<E: 'static> {
    /// Factor and summand that turn an argument into a number whose leading bits are the interval.
    pub(super) spread: [f64; 2],
    /// The power of that number to take, 3 or 4; 1 for erf.
    pub(super) power: u32,
    /// Expansion points.
    pub(super) at: &'static [E; 16],
    /// The function there.
    pub(super) value: &'static [E; 16],
    /// Coefficients, a row each.
    pub(super) p: &'static [[E; 16]],
}

/// 2^(j/16), in half the bits of the type, and the logarithm of what that lost.
pub(super) struct Powers<E: 'static> {
    pub(super) value: &'static [E; 16],
    pub(super) lost: &'static [E; 16],
}

/// The constants for a float type.
pub(super) trait Tables: Element + 'static {
    /// From here on erf rounds to 1, a little below the end of its table.
    const ONE: f64;
    /// From here on erfc, and from its negative down normcdf, round to 0.
    const ZERO: [f64; 2];
    const ERF: Pieces<Self>;
    const ERFC: Pieces<Self>;
    const NORMCDF: Pieces<Self>;
    /// 16 / ln 2
    const STEPS: f64;
    /// ln(2) / 16 in two parts.
    const STEP: [f64; 2];
    const POW: Powers<Self>;
    /// (e^r - 1 - r) / r^2 on |r| <= ln(2)/32
    const EXP: &'static [f64];
}

/// A polynomial for each lane, by two interleaved chains; `xx` is `x * x`.
#[inline(always)]
fn poly<L: Lanes<E: 'static>>(l: L, c: &'static [[L::E; 16]], i: L::U, x: L::F, xx: L::F) -> L::F {
    let mut n = c.len() - 2;
    let (mut p, mut q) = (l.table(&c[n + 1], i), l.table(&c[n], i));
    while n >= 2 {
        p = l.fma(p, xx, l.table(&c[n - 1], i));
        q = l.fma(q, xx, l.table(&c[n - 2], i));
        n -= 2;
    }
    if n == 0 { l.fma(p, x, q) } else { l.fma(q, x, l.fma(p, xx, l.table(&c[0], i))) }
}

#[inline(always)]
fn erf<L: Lanes<E: Tables>>(l: L, x: L::F) -> L::F {
    let pieces = L::E::ERF;
    let abs = l.min(l.f(L::E::ONE), l.abs(x));
    // The leading bits are 0 to 14 from 2 on. Below it they are to be 15.
    let y = l.add(abs, l.f(pieces.spread[1]));
    let ulp = 1.0 / (1u64 << L::E::MANTISSA) as f64;
    let i = l.shr(l.bits(l.max(l.f(2.0 - ulp), y)), L::E::MANTISSA - 3);
    let first = l.lt(y, l.f(2.0));
    let t = l.sub(abs, l.table(pieces.at, i));
    let v = l.select(first, l.mul(t, t), t);
    let p = poly(l, pieces.p, i, v, l.mul(v, v));
    let h = l.select(first, t, l.table(pieces.value, i));
    l.with_sign(l.fma(t, p, h), l.sign(x))
}

/// Which interval x belongs to, where they are geometric: the exponent of a power.
#[inline(always)]
pub(super) fn interval<L: Lanes<E: 'static>>(l: L, pieces: &Pieces<L::E>, x: L::F) -> L::U {
    let y = l.fma(x, l.f(pieces.spread[0]), l.f(pieces.spread[1]));
    let yy = l.mul(y, y);
    let power = l.mul(yy, if pieces.power == 3 { y } else { yy });
    // The bias is odd.
    l.iadd(l.shr(l.bits(power), L::E::MANTISSA), l.u(1))
}

/// t p(t)
#[inline(always)]
pub(super) fn change<L: Lanes<E: 'static>>(
    l: L,
    p: &'static [[L::E; 16]],
    i: L::U,
    t: L::F,
) -> L::F {
    l.mul(t, poly(l, p, i, t, l.mul(t, t)))
}

/// e^-(s + s_lo) as a (1 + q) 2^k: a, of half the bits, q and k.
#[inline(always)]
pub(super) fn exp_minus<L: Lanes<E: Tables>>(l: L, s: L::F, s_lo: L::F) -> (L::F, L::F, L::F) {
    // -s = k ln(2)/16 + r
    let k_magic = l.fnma(s, l.f(L::E::STEPS), l.magic());
    let k = l.sub(k_magic, l.magic());
    let j = l.bits(k_magic);
    let r = l.fma(k, l.f(L::E::STEP[0]), s); // exact; negated
    let lost = l.sub(l.table(L::E::POW.lost, j), s_lo);
    let r = l.sub(l.fnma(k, l.f(L::E::STEP[1]), lost), r);
    let c = L::E::EXP;
    let mut e = l.f(c[c.len() - 1]);
    let mut n = c.len() - 1;
    while n > 0 {
        n -= 1;
        e = l.fma(e, r, l.f(c[n]));
    }
    let whole = l.sub(l.float(l.and(j, l.u(!15))), l.magic());
    let q = l.fma(l.mul(r, r), e, r);
    (l.table(L::E::POW.value, j), q, l.mul(whole, l.f(1.0 / 16.0)))
}

/// e^-(s + s_lo) R(x)
#[inline(always)]
fn tail<L: Lanes<E: Tables>>(l: L, pieces: Pieces<L::E>, x: L::F, s: L::F, s_lo: L::F) -> L::F {
    let i = interval(l, &pieces, x);
    let v = change(l, pieces.p, i, l.sub(x, l.table(pieces.at, i)));
    let (a, q, k) = exp_minus(l, s, s_lo);
    let m = l.fma(l.add(q, l.f(1.0)), v, q);
    let a = l.mul(a, l.table(pieces.value, i)); // exact
    l.scale(l.fma(a, m, a), k)
}

#[inline(always)]
fn erfc<L: Lanes<E: Tables>>(l: L, x: L::F) -> L::F {
    let abs = l.min(l.f(L::E::ZERO[0]), l.abs(x));
    let (s, s_lo) = l.two_product(abs, abs);
    let y = tail(l, L::E::ERFC, abs, s, s_lo);
    l.select(l.negative(l.bits(x)), l.sub(l.f(2.0), y), y)
}

#[inline(always)]
fn normcdf<L: Lanes<E: Tables>>(l: L, x: L::F) -> L::F {
    let abs = l.min(l.f(L::E::ZERO[1]), l.abs(x));
    let (s, s_lo) = l.two_product(abs, l.mul(abs, l.f(0.5)));
    let y = tail(l, L::E::NORMCDF, abs, s, s_lo);
    l.select(l.negative(l.bits(x)), y, l.sub(l.f(1.0), y))
}

cores! {
    /// The error function.
    Erf = erf(x);
    /// 1 less the error function.
    Erfc = erfc(x);
    /// The normal distribution.
    NormCdf = normcdf(x);
}
