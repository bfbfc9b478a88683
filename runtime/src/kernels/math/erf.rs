//! `erf`, `erfc`, `normcdf`.
//!
//! Method in f64: x = r + d, where r is the nearest multiple of 1/64, and f(x) = f(r) +- g(r) I, where
//! g(r) = 2 e^(-r^2) / sqrt(pi) is the magnitude of the slope and I the integral of e^(-2 r u - u^2) for
//! u from 0 to d. For normcdf g is the density, and the exponent -r u - u^2 / 2. A row of a table
//! (`erf_points.rs` and others) has f(r) in two parts and g(r). I / d is 1 plus four short polynomials in
//! r d times powers of d^2, the same for all rows. Tables of slopes are an idea of Arm's Optimized
//! Routines. A row has 32 bytes, and 6 KiB of rows serve |x| < 3.
//!
//! Error: the rounding error of f(r) + g(r) d is added back, and I / d - 1 is below 0.05, so the errors of
//! its terms are small. The largest error is that of the rounded g(r) for erf of |x| near 1/128, where
//! g(r) d is half of the result: 0.5 + 0.31 ULP. Elsewhere it is 0.5 + 0.1 ULP; 2 - erfc and 1 - normcdf
//! have two roundings.
//!
//! From 6 on for erfc and 8 for normcdf, erfc(x) = e^(-x^2) R(x), R(x) = e^(x^2) erfc(x), by tables of
//! polynomials for 16 intervals (`erf_tables.rs`). R is h (1 + t p(t)), where h has half the bits.
//! Intervals are geometric in x plus a constant, so the exponent of a power of that sum is the number of
//! the interval. x^2 is in two parts. e^(-x^2) = 2^(k/16) e^r, where a table gives 2^(j/16) rounded to
//! half the bits, and r includes the logarithm of its rounding error. So A = 2^(j/16) h is exact, and the
//! result is A + A m in one fused operation, where 1 + m = e^r (1 + t p), |m| <= 0.25. One rounding of m
//! matters: 0.5 + 0.27 ULP. A subnormal result is rounded once more, but then the first error is at most
//! half as large. normcdf has its own table in x, so there is no quotient to round, and x^2 / 2 is exact
//! in two parts.
//!
//! f32 uses that method for every x, in f32 lanes with 8 intervals, which AVX2 permutes in one
//! instruction: 0.83 ULP over all arguments. erf of f32 has 8 intervals too: below 0.75 it is
//! x + x p(x^2), elsewhere h + t p(t), t = |x| - c, where c is chosen so that erf(c) is very close to a
//! float h (accurate tables, S. Gal, 1986). Both end with a fused multiply-add of a product that is below
//! 0.13 of the result: 0.5 + 0.25 ULP.

use super::Core;
use super::erf_points::ERF;
use super::erf_tables::{ERF_32, F32, F64};
use super::erfc_points::ERFC;
use super::exp::beyond;
use super::lanes::{Element, Grid, Lanes, Rows, rarely};
use super::normcdf_points::NORMCDF;

/// Polynomials for `N` intervals.
pub(super) struct Pieces<E: 'static, const N: usize, const R: usize> {
    /// The factor and the summand of the linear map from arguments to numbers whose power has the
    /// number of the interval as its exponent.
    pub(super) spread: [f64; 2],
    /// The power, 2 to 4.
    pub(super) power: u32,
    /// For each interval the expansion point, the function there, and the coefficients.
    pub(super) table: &'static Rows<E, N, R>,
}

/// Polynomials of erf for `N` intervals.
pub(super) struct ErfPieces<E: 'static, const N: usize, const R: usize> {
    /// The summand that turns arguments into numbers whose leading bits are the number of the interval.
    pub(super) shift: f64,
    /// The bound from which erf rounds to 1. The table ends a little above it.
    pub(super) one: f64,
    /// For each interval the expansion point, erf there, and the coefficients.
    pub(super) table: &'static Rows<E, N, R>,
}

/// The constants of erfc and normcdf for a float type.
pub(super) struct Constants<E: 'static, const N: usize, const R: usize, const X: usize> {
    /// The bounds from which erfc(x) and normcdf(-x) round to 0.
    pub(super) zero: [f64; 2],
    /// The bounds up to which erfc(x) and normcdf(-x) are normal numbers.
    pub(super) normal: [f64; 2],
    pub(super) erfc: Pieces<E, N, R>,
    pub(super) normcdf: Pieces<E, N, R>,
    /// N / ln 2
    pub(super) steps: f64,
    /// ln(2) / N in two parts.
    pub(super) step: [f64; 2],
    /// 2^(j/N) rounded to half the bits of the type, with j subtracted from its bits, and the logarithm
    /// of its relative rounding error.
    pub(super) powers: &'static Rows<E, N, 2>,
    /// (e^r - 1 - r) / r^2 on |r| <= ln(2)/2N
    pub(super) exp: [f64; X],
}

/// A polynomial with coefficients for each lane, by two interleaved chains; `xx` is `x * x`.
#[inline(always)]
fn poly<L: Lanes>(l: L, c: &[L::F], x: L::F, xx: L::F) -> L::F {
    let mut n = c.len() - 2;
    let (mut p, mut q) = (c[n + 1], c[n]);
    while n >= 2 {
        p = l.fma(p, xx, c[n - 1]);
        q = l.fma(q, xx, c[n - 2]);
        n -= 2;
    }
    if n == 0 { l.fma(p, x, q) } else { l.fma(q, x, l.fma(p, xx, c[0])) }
}

#[inline(always)]
fn erf<L: Lanes, const N: usize, const R: usize>(l: L, c: &ErfPieces<L::E, N, R>, x: L::F) -> L::F {
    let abs = l.min(l.f(c.one), l.abs(x));
    // From 2 on the leading bits are 0 to N - 2. The index of numbers below 2 is to be N - 1.
    let y = l.add(abs, l.f(c.shift));
    let ulp = 1.0 / (1u64 << L::E::MANTISSA) as f64;
    let i = l.shr(l.bits(l.max(l.f(2.0 - ulp), y)), L::E::MANTISSA + 1 - N.ilog2());
    let first = l.lt(y, l.f(2.0));
    let row = l.row(c.table, i);
    let t = l.sub(abs, row[0]);
    let v = l.select(first, l.mul(t, t), t);
    let p = poly(l, &row[2..], v, l.mul(v, v));
    let h = l.select(first, t, row[1]);
    l.with_sign(l.fma(t, p, h), l.sign(x))
}

/// The number of the interval of x, for geometric intervals: the exponent of a power. The first is -1.
#[inline(always)]
pub(super) fn interval<L: Lanes, const N: usize, const R: usize>(
    l: L,
    pieces: &Pieces<L::E, N, R>,
    x: L::F,
) -> L::U {
    let y = l.fma(x, l.f(pieces.spread[0]), l.f(pieces.spread[1]));
    let yy = l.mul(y, y);
    let power = match pieces.power {
        2 => yy,
        3 => l.mul(yy, y),
        _ => l.mul(yy, yy),
    };
    l.shr(l.bits(power), L::E::MANTISSA)
}

/// t p(t)
#[inline(always)]
pub(super) fn change<L: Lanes>(l: L, p: &[L::F], t: L::F) -> L::F {
    l.mul(t, poly(l, p, t, l.mul(t, t)))
}

/// 2^(k/N) (1 + q), as its factors.
pub(super) struct Power<L: Lanes, const N: usize> {
    /// 2^(j/N), with j subtracted from its bits.
    power: L::F,
    /// k in the low bits; j is k modulo N.
    k: L::U,
    pub(super) q: L::F,
}

impl<L: Lanes, const N: usize> Power<L, N> {
    /// 2^(k/N) with half the bits. It must be a normal number.
    #[inline(always)]
    fn whole(&self, l: L) -> L::F {
        l.float(l.iadd(l.bits(self.power), l.shl(self.k, L::E::MANTISSA - N.ilog2())))
    }

    /// 2^(j/N) with half the bits, and the exponent of the remaining power of two.
    #[inline(always)]
    pub(super) fn apart(&self, l: L) -> (L::F, L::F) {
        let last = N as u64 - 1;
        let j = l.shl(l.and(self.k, l.u(last)), L::E::MANTISSA - N.ilog2());
        let rest = l.sub(l.float(l.and(self.k, l.u(!last))), l.magic());
        (l.float(l.iadd(l.bits(self.power), j)), l.mul(rest, l.f(1.0 / N as f64)))
    }
}

/// e^-(s + s_lo)
#[inline(always)]
pub(super) fn exp_minus<L: Lanes, const N: usize, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, N, R, X>,
    s: L::F,
    s_lo: L::F,
) -> Power<L, N> {
    // -s = k ln(2)/N + r
    let k_magic = l.fnma(s, l.f(c.steps), l.magic());
    let k = l.sub(k_magic, l.magic());
    let r = l.fma(k, l.f(c.step[0]), s); // -r, exact
    let [power, lost] = l.row(c.powers, l.bits(k_magic));
    let lost = l.sub(lost, s_lo);
    let r = l.sub(l.fnma(k, l.f(c.step[1]), lost), r);
    let q = l.fma(l.mul(r, r), l.horner(r, &c.exp), r);
    Power { power, k: l.bits(k_magic), q }
}

/// e^-(s + s_lo) R(x). Unless `ANY`, it must be a normal number.
#[inline(always)]
fn tail<L: Lanes, const ANY: bool, const N: usize, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, N, R, X>,
    pieces: &Pieces<L::E, N, R>,
    x: L::F,
    [s, s_lo]: [L::F; 2],
) -> L::F {
    let row = l.row(pieces.table, interval(l, pieces, x));
    // 1 + m = (1 + q) (1 + t p(t)), where the product of t and the first coefficient is added last.
    let t = l.sub(x, row[0]);
    let tt = l.mul(t, t);
    let w = l.mul(tt, poly(l, &row[3..], t, tt));
    let e = exp_minus(l, c, s, s_lo);
    let m = l.fma(row[2], t, l.fma(e.q, l.fma(row[2], t, w), l.add(e.q, w)));
    // Products of two numbers with half the bits are exact.
    if ANY {
        let (power, k) = e.apart(l);
        let a = l.mul(power, row[1]);
        return l.scale(l.fma(a, m, a), k);
    }
    let a = l.mul(e.whole(l), row[1]);
    l.fma(a, m, a)
}

#[inline(always)]
fn erfc_by_tail<L: Lanes, const ANY: bool, const N: usize, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, N, R, X>,
    x: L::F,
    abs: L::F,
) -> L::F {
    let y = tail::<L, ANY, N, R, X>(l, c, &c.erfc, abs, l.two_product(abs, abs).into());
    l.select(l.negative(l.bits(x)), l.sub(l.f(2.0), y), y)
}

#[inline(always)]
fn erfc<L: Lanes, const N: usize, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, N, R, X>,
    x: L::F,
) -> L::F {
    let abs = l.abs(x);
    let [y] = rarely!(
        l,
        l.not_le(abs, l.f(c.normal[0])),
        {
            let abs = l.min(l.f(c.zero[0]), abs);
            [l.canonical(erfc_by_tail::<L, true, N, R, X>(l, c, x, abs))]
        },
        [erfc_by_tail::<L, false, N, R, X>(l, c, x, abs)]
    );
    y
}

#[inline(always)]
fn normcdf_by_tail<L: Lanes, const ANY: bool, const N: usize, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, N, R, X>,
    x: L::F,
    abs: L::F,
) -> L::F {
    let half = l.two_product(abs, l.mul(abs, l.f(0.5)));
    let y = tail::<L, ANY, N, R, X>(l, c, &c.normcdf, abs, half.into());
    l.select(l.negative(l.bits(x)), y, l.sub(l.f(1.0), y))
}

#[inline(always)]
fn normcdf<L: Lanes, const N: usize, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, N, R, X>,
    x: L::F,
) -> L::F {
    let abs = l.abs(x);
    let [y] = rarely!(
        l,
        l.not_le(abs, l.f(c.normal[1])),
        {
            let abs = l.min(l.f(c.zero[1]), abs);
            [l.canonical(normcdf_by_tail::<L, true, N, R, X>(l, c, x, abs))]
        },
        [normcdf_by_tail::<L, false, N, R, X>(l, c, x, abs)]
    );
    y
}

/// A table of a function and its slope at the multiples of a step, and the polynomials between them.
///
/// With y = r d and q = d^2, the integral of the slope from r to r + d, divided by d and the slope at r,
/// is 1 + y a(y) + q (b(y) + q (c(y) + q d(y))).
pub(super) struct Points {
    /// 1 over the step.
    pub(super) steps: f64,
    pub(super) a: &'static [f64],
    pub(super) b: &'static [f64],
    pub(super) c: &'static [f64],
    pub(super) d: &'static [f64],
    /// For each point the function, the magnitude of the slope, and the low part of the function.
    pub(super) rows: &'static Grid<f64, 512, 4>,
}

/// The parts of a function at x, from the point of the table next to x.
pub(super) struct Near<L: Lanes> {
    /// The difference of x and the point.
    pub(super) d: L::F,
    pub(super) row: [L::F; 4],
    /// The integral of the slope from the point to x, divided by d and the slope, minus 1.
    pub(super) more: L::F,
}

/// A polynomial by Horner's rule.
#[inline(always)]
fn series<L: Lanes<E = f64>>(l: L, y: L::F, c: &[f64]) -> L::F {
    let mut n = c.len() - 1;
    let mut p = l.f(c[n]);
    while n > 0 {
        n -= 1;
        p = l.fma(p, y, l.f(c[n]));
    }
    p
}

/// The parts of a function at x, which must not be negative or beyond the last point by half a step.
#[inline(always)]
pub(super) fn near<L: Lanes<E = f64>>(l: L, points: &Points, x: L::F) -> Near<L> {
    let magic = l.f(f64::MAGIC / points.steps);
    let i = l.add(x, magic);
    let r = l.sub(i, magic);
    let d = l.sub(x, r); // exact
    let row = l.grid(points.rows, l.bits(i));
    let (y, q) = (l.mul(r, d), l.mul(d, d));
    let inner = l.fma(q, series(l, y, points.d), series(l, y, points.c));
    let inner = l.fma(q, inner, series(l, y, points.b));
    let more = l.fma(y, series(l, y, points.a), l.mul(q, inner));
    Near { d, row, more }
}

/// A decreasing function at an x for [`near`].
#[inline(always)]
fn falling<L: Lanes<E = f64>>(l: L, points: &Points, x: L::F) -> L::F {
    let Near { d, row: [f, slope, lack, _], more } = near(l, points, x);
    let (hi, lost) = l.fast_two_fnma(slope, d, f);
    l.add(hi, l.fnma(l.mul(slope, d), more, l.add(lost, lack)))
}

/// 2 - y where x is negative, otherwise y.
#[inline(always)]
pub(super) fn from_two<L: Lanes>(l: L, x: L::F, y: L::F) -> L::F {
    // The sign bit shifted right by one is the number 2.
    let sign = l.sign(x);
    l.add(l.float(l.shr(sign, 1)), l.flip(y, sign))
}

/// The error function.
pub(super) struct Erf;

impl Core<1> for Erf {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let abs = l.min(l.f(6.0), l.abs(x));
        let Near { d, row: [f, slope, lack, _], more } = near(l, &ERF, abs);
        let (hi, lost) = l.fast_two_fma(slope, d, f);
        let y = l.add(hi, l.fma(l.mul(slope, d), more, l.add(lost, lack)));
        l.with_sign(y, l.sign(x))
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        erf(l, &ERF_32, x)
    }
}

/// The complementary error function.
pub(super) struct Erfc;

impl Core<1> for Erfc {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let y = from_two(l, x, falling(l, &ERFC, l.min(l.f(6.0), l.abs(x))));
        let far = l.not_le(x, l.f(6.0));
        let [y] = rarely!(l, far, [l.select(far, erfc(l, &F64, x), y)], [y]);
        y
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        erfc(l, &F32, x)
    }
}

/// The normal distribution.
pub(super) struct NormCdf;

impl Core<1> for NormCdf {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let y = falling(l, &NORMCDF, l.min(l.f(7.98), l.abs(x)));
        let y = l.select(l.negative(l.bits(x)), y, l.sub(l.f(1.0), y));
        let far = beyond(l, x, 7.98);
        let [y] = rarely!(l, far, [l.select(far, normcdf(l, &F64, x), y)], [y]);
        y
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        normcdf(l, &F32, x)
    }
}
