//! `erf`, `erfc`, `normcdf`.
//!
//! Method: tables of 16 polynomials, an interval each (`erf_tables.rs`); a lane fetches the
//! coefficients of its own. For erf in f32, 8 are enough.
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
use super::erf_tables::{ERF_32, ERF_64, F32, F64};
use super::lanes::{Element, Lanes, Rows, rarely};

/// Polynomials for 16 intervals.
pub(super) struct Pieces<E: 'static, const R: usize> {
    /// Factor and summand that turn an argument into a number whose leading bits are the interval.
    pub(super) spread: [f64; 2],
    /// The power of that number to take, 3 or 4.
    pub(super) power: u32,
    /// For each interval its expansion point, the function there, and coefficients.
    pub(super) table: &'static Rows<E, 16, R>,
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
pub(super) struct Constants<E: 'static, const R: usize, const X: usize> {
    /// From here on erfc, and from its negative down normcdf, round to 0.
    pub(super) zero: [f64; 2],
    /// Up to here, and from its negative up, they are normal numbers.
    pub(super) normal: [f64; 2],
    pub(super) erfc: Pieces<E, R>,
    pub(super) normcdf: Pieces<E, R>,
    /// 16 / ln 2
    pub(super) steps: f64,
    /// ln(2) / 16 in two parts.
    pub(super) step: [f64; 2],
    /// 2^(j/16), in half the bits of the type, j taken off its bits, and the logarithm of what that
    /// lost.
    pub(super) powers: &'static Rows<E, 16, 2>,
    /// (e^r - 1 - r) / r^2 on |r| <= ln(2)/32
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

/// Which interval x belongs to, where they are geometric: the exponent of a power.
#[inline(always)]
pub(super) fn interval<L: Lanes, const R: usize>(l: L, pieces: &Pieces<L::E, R>, x: L::F) -> L::U {
    let y = l.fma(x, l.f(pieces.spread[0]), l.f(pieces.spread[1]));
    let yy = l.mul(y, y);
    let power = l.mul(yy, if pieces.power == 3 { y } else { yy });
    // The bias is odd.
    l.iadd(l.shr(l.bits(power), L::E::MANTISSA), l.u(1))
}

/// t p(t)
#[inline(always)]
pub(super) fn change<L: Lanes>(l: L, p: &[L::F], t: L::F) -> L::F {
    l.mul(t, poly(l, p, t, l.mul(t, t)))
}

/// 2^(k/16) (1 + q)
pub(super) struct Power<L: Lanes> {
    /// 2^(j/16), j taken off its bits.
    power: L::F,
    /// k in its lowest bits, and j in the lowest four.
    k: L::U,
    pub(super) q: L::F,
}

impl<L: Lanes> Power<L> {
    /// 2^(k/16), of half the bits, if it is a normal number.
    #[inline(always)]
    fn whole(&self, l: L) -> L::F {
        l.float(l.iadd(l.bits(self.power), l.shl(self.k, L::E::MANTISSA - 4)))
    }

    /// 2^(j/16), of half the bits, and the power of two that is missing.
    #[inline(always)]
    pub(super) fn apart(&self, l: L) -> (L::F, L::F) {
        let j = l.shl(l.and(self.k, l.u(15)), L::E::MANTISSA - 4);
        let rest = l.sub(l.float(l.and(self.k, l.u(!15))), l.magic());
        (l.float(l.iadd(l.bits(self.power), j)), l.mul(rest, l.f(1.0 / 16.0)))
    }
}

/// e^-(s + s_lo)
#[inline(always)]
pub(super) fn exp_minus<L: Lanes, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, R, X>,
    s: L::F,
    s_lo: L::F,
) -> Power<L> {
    // -s = k ln(2)/16 + r
    let k_magic = l.fnma(s, l.f(c.steps), l.magic());
    let k = l.sub(k_magic, l.magic());
    let r = l.fma(k, l.f(c.step[0]), s); // exact; negated
    let [power, lost] = l.row(c.powers, l.bits(k_magic));
    let lost = l.sub(lost, s_lo);
    let r = l.sub(l.fnma(k, l.f(c.step[1]), lost), r);
    let q = l.fma(l.mul(r, r), l.horner(r, &c.exp), r);
    Power { power, k: l.bits(k_magic), q }
}

/// e^-(s + s_lo) R(x); `rare` where it may not be a normal number.
#[inline(always)]
fn tail<L: Lanes, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, R, X>,
    pieces: &Pieces<L::E, R>,
    x: L::F,
    [s, s_lo]: [L::F; 2],
    rare: L::M,
) -> L::F {
    let row = l.row(pieces.table, interval(l, pieces, x));
    let v = change(l, &row[2..], l.sub(x, row[0]));
    let e = exp_minus(l, c, s, s_lo);
    let m = l.fma(l.add(e.q, l.f(1.0)), v, e.q);
    // Products with what has half the bits are exact.
    let [y] = rarely!(
        l,
        rare,
        {
            let (power, k) = e.apart(l);
            let a = l.mul(power, row[1]);
            [l.scale(l.fma(a, m, a), k)]
        },
        {
            let a = l.mul(e.whole(l), row[1]);
            [l.fma(a, m, a)]
        }
    );
    y
}

#[inline(always)]
fn erfc<L: Lanes, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, R, X>,
    x: L::F,
) -> L::F {
    let abs = l.abs(x);
    let rare = l.not_le(abs, l.f(c.normal[0]));
    let abs = l.min(l.f(c.zero[0]), abs);
    let y = tail(l, c, &c.erfc, abs, l.two_product(abs, abs).into(), rare);
    let y = l.select(l.negative(l.bits(x)), l.sub(l.f(2.0), y), y);
    let [y] = rarely!(l, rare, [l.canonical(y)], [y]);
    y
}

#[inline(always)]
fn normcdf<L: Lanes, const R: usize, const X: usize>(
    l: L,
    c: &Constants<L::E, R, X>,
    x: L::F,
) -> L::F {
    let abs = l.abs(x);
    let rare = l.not_le(abs, l.f(c.normal[1]));
    let abs = l.min(l.f(c.zero[1]), abs);
    let half = l.two_product(abs, l.mul(abs, l.f(0.5)));
    let y = tail(l, c, &c.normcdf, abs, half.into(), rare);
    let y = l.select(l.negative(l.bits(x)), y, l.sub(l.f(1.0), y));
    let [y] = rarely!(l, rare, [l.canonical(y)], [y]);
    y
}

cores! {
    /// The error function.
    Erf = erf(x) by &ERF_64, &ERF_32;
    /// 1 less the error function.
    Erfc = erfc(x) by &F64, &F32 => CANONICAL;
    /// The normal distribution.
    NormCdf = normcdf(x) by &F64, &F32 => CANONICAL;
}
