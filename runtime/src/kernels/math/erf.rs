//! `erf`, `erfc`, `normcdf`.
//!
//! Method in f64: x = r + d, r the nearest multiple of 1/64, and f(x) = f(r) +- g(r) I with I the
//! integral of e^(-2 r u - u^2) for u from 0 to d, g(r) = 2 e^(-r^2) / sqrt(pi) being the slope's magnitude
//! (for normcdf, -r u - u^2 / 2 and its density). f(r) in two parts and g(r) are a row of a table
//! (`erf_points.rs` and so on); I / d is 1 and four short polynomials in r d, times powers of d^2, the same
//! for all rows. Tables of slopes are the idea of Arm's Optimized Routines; a row is 32 bytes, 6 KiB of rows
//! serve |x| < 3.
//!
//! Error: f(r) + g(r) d keeps what it loses, and what I / d adds to 1 is below 0.05, so that all else counts
//! little; but g(r) is rounded, which counts most for erf of |x| near 1/128, where g(r) d is half of the
//! result: 0.5 + 0.31 ULP. Elsewhere it is 0.5 + 0.1, and in 2 - erfc and 1 - normcdf two roundings.
//!
//! Far out, from 6 for erfc and from 8 for normcdf: erfc(x) = e^(-x^2) R(x), R(x) = e^(x^2) erfc(x), by
//! tables of 16 polynomials, an interval each (`erf_tables.rs`). R is h (1 + t p(t)) with h of half the bits,
//! in intervals that are geometric in x + d and so are the exponent of a power. x^2 is kept in two parts;
//! e^(-x^2) = 2^(k/16) e^r, where 2^(j/16) comes from a table, rounded to half the bits, and r takes what
//! that lost. So A = 2^(j/16) h is exact and the result is A + A m, one fused operation,
//! 1 + m = e^r (1 + t p), |m| <= 0.25, and m has one rounding that counts: 0.5 + 0.27 ULP. A subnormal result
//! is rounded once more, by which time the first error counts half or less. normcdf has a table of its
//! own, in x: nothing is lost in a quotient, and x^2 / 2 is exact in two parts.
//!
//! f32 takes that way for every x, in f32 lanes with 8 intervals, which AVX2 permutes in one instruction: 0.83
//! ULP on all arguments. For erf there are 8 intervals too: below 0.75 it is x + x p(x^2); elsewhere
//! h + t p(t), t = |x| - c, where c is such that erf(c) is nearly a number of the format, h (S. Gal's
//! accurate tables, 1986). Both are one fused multiply-add in the end, of a product that is below 0.13 of
//! the result: 0.5 + 0.25 ULP.

use super::Core;
use super::erf_points::ERF;
use super::erf_tables::{ERF_32, F32, F64};
use super::erfc_points::ERFC;
use super::exp::beyond;
use super::lanes::{Element, Grid, Lanes, Rows, rarely};
use super::normcdf_points::NORMCDF;

/// Polynomials for `N` intervals.
pub(super) struct Pieces<E: 'static, const N: usize, const R: usize> {
    /// Factor and summand that turn an argument into a number whose leading bits are the interval.
    pub(super) spread: [f64; 2],
    /// The power of that number to take, 2 to 4.
    pub(super) power: u32,
    /// For each interval its expansion point, the function there, and coefficients.
    pub(super) table: &'static Rows<E, N, R>,
}

/// Polynomials of erf for `N` intervals.
pub(super) struct ErfPieces<E: 'static, const N: usize, const R: usize> {
    /// What added to an argument gives a number whose leading bits are the interval.
    pub(super) shift: f64,
    /// From here on erf rounds to 1, a little below the end of the table.
    pub(super) one: f64,
    /// For each interval its expansion point, erf there, and coefficients.
    pub(super) table: &'static Rows<E, N, R>,
}

/// The constants of a float type, but those of erf.
pub(super) struct Constants<E: 'static, const N: usize, const R: usize, const X: usize> {
    /// From here on erfc, and from its negative down normcdf, round to 0.
    pub(super) zero: [f64; 2],
    /// Up to here, and from its negative up, they are normal numbers.
    pub(super) normal: [f64; 2],
    pub(super) erfc: Pieces<E, N, R>,
    pub(super) normcdf: Pieces<E, N, R>,
    /// N / ln 2
    pub(super) steps: f64,
    /// ln(2) / N in two parts.
    pub(super) step: [f64; 2],
    /// 2^(j/N), in half the bits of the type, j taken off its bits, and the logarithm of what that
    /// lost.
    pub(super) powers: &'static Rows<E, N, 2>,
    /// (e^r - 1 - r) / r^2 on |r| <= ln(2)/2N
    pub(super) exp: [f64; X],
}

/// A polynomial of coefficients for each lane, by two interleaved chains; `xx` is `x * x`.
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
    // The leading bits are 0 to N - 2 from 2 on. Below it they are to be N - 1.
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

/// Which interval x belongs to, where they are geometric: the exponent of a power. The first one is -1.
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

/// 2^(k/N) (1 + q)
pub(super) struct Power<L: Lanes, const N: usize> {
    /// 2^(j/N), j taken off its bits.
    power: L::F,
    /// k in its lowest bits, and j in those below N.
    k: L::U,
    pub(super) q: L::F,
}

impl<L: Lanes, const N: usize> Power<L, N> {
    /// 2^(k/N), of half the bits, if it is a normal number.
    #[inline(always)]
    fn whole(&self, l: L) -> L::F {
        l.float(l.iadd(l.bits(self.power), l.shl(self.k, L::E::MANTISSA - N.ilog2())))
    }

    /// 2^(j/N), of half the bits, and the power of two that is missing.
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
    let r = l.fma(k, l.f(c.step[0]), s); // exact; negated
    let [power, lost] = l.row(c.powers, l.bits(k_magic));
    let lost = l.sub(lost, s_lo);
    let r = l.sub(l.fnma(k, l.f(c.step[1]), lost), r);
    let q = l.fma(l.mul(r, r), l.horner(r, &c.exp), r);
    Power { power, k: l.bits(k_magic), q }
}

/// e^-(s + s_lo) R(x), which is a normal number unless `ANY`.
#[inline(always)]
fn tail<L: Lanes, const ANY: bool, const N: usize, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, N, R, X>,
    pieces: &Pieces<L::E, N, R>,
    x: L::F,
    [s, s_lo]: [L::F; 2],
) -> L::F {
    let row = l.row(pieces.table, interval(l, pieces, x));
    // 1 + m = (1 + q) (1 + t p(t)), t times the first coefficient being added last.
    let t = l.sub(x, row[0]);
    let tt = l.mul(t, t);
    let w = l.mul(tt, poly(l, &row[3..], t, tt));
    let e = exp_minus(l, c, s, s_lo);
    let m = l.fma(row[2], t, l.fma(e.q, l.fma(row[2], t, w), l.add(e.q, w)));
    // Products with what has half the bits are exact.
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

/// A function at the multiples of a step, its slope, and polynomials for what is between.
///
/// With y = r d and q = d^2 the integral of the slope from r to r + d, over d and the slope at r, is
/// 1 + y a(y) + q (b(y) + q (c(y) + q d(y))).
pub(super) struct Points {
    /// 1 over the step.
    pub(super) steps: f64,
    pub(super) a: &'static [f64],
    pub(super) b: &'static [f64],
    pub(super) c: &'static [f64],
    pub(super) d: &'static [f64],
    /// For each point the function, the slope's magnitude, and what the function lacks.
    pub(super) rows: &'static Grid<f64, 512, 4>,
}

/// What is known of a function near the point next to an x.
pub(super) struct Near<L: Lanes> {
    /// x less the point.
    pub(super) d: L::F,
    pub(super) row: [L::F; 4],
    /// The integral of the slope between the two, over d and the slope, less 1.
    pub(super) more: L::F,
}

/// A polynomial.
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

/// The point next to an x that is not negative, nor half a step beyond the last point.
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

/// A function that falls, at x of [`near`].
#[inline(always)]
fn falling<L: Lanes<E = f64>>(l: L, points: &Points, x: L::F) -> L::F {
    let Near { d, row: [f, slope, lack, _], more } = near(l, points, x);
    let (hi, lost) = l.fast_two_fnma(slope, d, f);
    l.add(hi, l.fnma(l.mul(slope, d), more, l.add(lost, lack)))
}

/// 2 - y where x is negative, else y.
#[inline(always)]
pub(super) fn from_two<L: Lanes>(l: L, x: L::F, y: L::F) -> L::F {
    // The sign, one bit lower, is 2.
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

/// 1 less the error function.
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
