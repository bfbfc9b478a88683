//! `gamma`, `lgamma`.
//!
//! Method: ln gamma(y) for y >= 1/2 is computed as a sum of two numbers. For y < 4 it is
//! (y - 1) (y - 2) Q(y), with a table of polynomials Q as in erf.rs, which is accurate relative to the
//! zeros at 1 and 2. From 4 on it is Stirling's formula,
//! (y - 1/2) (ln y - 1) + ln(2 pi)/2 - 1/2 + b(1/y^2) / y. The factor of the logarithm is up to 190, so
//! the logarithm is a sum of two numbers with an error of 2^-65: k ln 2 - ln c + ln(1 + r), where c is
//! from a table, and 1 + r = c y / 2^k and r - r^2/2 are in two parts.
//!
//! gamma(x) is e^(ln gamma(x)) for x >= 1/2. Otherwise y = 1 + |x|, in two parts, and gamma(x) is
//! gamma(y) / x if x > 0, or -pi / (sin(pi |x|) gamma(y)) if x < 0. The denominator is a sum of two
//! numbers, and the quotient is corrected by its remainder. The argument of the sine is reduced exactly
//! to |f| <= 1/2, where |x| - f is an integer; from 1/4 on a cosine takes its place. The result is scaled
//! by the power of two at the end.
//! Error: 0.5 + 0.1 ULP for x > 0, and 0.5 + 0.3 ULP for x < 0 with the error of the sine.
//!
//! lgamma is the rounded sum for x >= 1/2, otherwise ln gamma(y) - ln x or
//! ln pi - ln |sin(pi x)| - ln gamma(y): an absolute error of 2^-54, and 0.5 ULP of the rounding. For
//! x < 0 the terms cancel near the zeros, where only the bound of the absolute error holds.
//!
//! f32: the same method in f64 lanes, without the second parts and with shorter polynomials.

use super::erf::{Pieces, change, exp_minus, interval};
use super::gamma_tables::*;
use super::lanes::{Element, Lanes, Rows, branch};
use super::{Core, erf_tables};

/// A sum of two numbers.
type Two<F> = (F, F);

/// The bound of |x| below which gamma is 1/x, and lgamma is -ln |x|.
const TINY: f64 = 1.0 / (1u64 << 60) as f64;
const TWO_52: f64 = (1u64 << 52) as f64;

/// A bound of |x| beyond which gamma overflows or rounds to 0: for f64, or for f32 with intermediate f64
/// results that are normal numbers.
const fn end(full: bool) -> f64 {
    if full { 190.0 } else { 60.0 }
}

/// The first coefficients, or the first columns of coefficients.
const fn first<T: Copy, const N: usize, const M: usize>(all: &[T; M]) -> [T; N] {
    let mut first = [all[0]; N];
    let mut i = 0;
    while i < N {
        first[i] = all[i];
        i += 1;
    }
    first
}

/// The parts of the polynomials for f32, with errors of at most 2^-33.
const LN_LIGHT: [f64; 5] = first(&LN);
const BINET_LIGHT: [f64; 5] = first(&BINET);

const NEAR_TABLE: &Rows<f64, 16, 15> = &Rows::new(NEAR_COLUMNS);
const NEAR_LIGHT_TABLE: &Rows<f64, 16, 9> = &Rows::new(first(&NEAR_COLUMNS));

/// (ln gamma(y)) / ((y - 1) (y - 2)) for y < 4, in intervals in which y^4 doubles.
const NEAR: Pieces<f64, 16, 15> = Pieces { spread: [1.0, 0.0], power: 4, table: NEAR_TABLE };
const NEAR_LIGHT: Pieces<f64, 16, 9> =
    Pieces { spread: [1.0, 0.0], power: 4, table: NEAR_LIGHT_TABLE };

/// ln(v + v_lo) for a positive v.
#[inline(always)]
fn ln<L: Lanes<E = f64>, const FULL: bool>(l: L, v: L::F, v_lo: L::F) -> Two<L::F> {
    let small = l.lt(v, l.f(f64::MIN_POSITIVE));
    let v = l.select(small, l.mul(v, l.f((1u64 << 54) as f64)), v);
    let exponent = l.shr(l.bits(v), 52);
    let k = l.sub(l.float(l.or(exponent, l.u(TWO_52.to_bits()))), l.f(TWO_52 + 1023.0));
    let j = l.shr(l.bits(v), 48);
    let m = l.float(l.or(l.and(l.bits(v), l.u((1 << 52) - 1)), l.u(1023 << 52)));
    let [c, ln_hi, ln_lo, _] = l.row(LN_TABLE, j);
    let (p, p_lo) = l.two_product(m, c);
    let r = l.sub(p, l.f(1.0)); // exact
    let rr = l.mul(r, r);
    let k = l.sub(k, l.select(small, l.f(54.0), l.f(0.0)));
    let h = l.fma(k, l.f(LN2[0]), ln_hi); // exact
    if !FULL {
        let low = l.fma(r, l.poly(r, rr, &LN_LIGHT), l.f(-0.5));
        return (l.add(h, l.fma(rr, low, r)), l.f(0.0));
    }
    let low = l.fma(k, l.f(LN2[1]), ln_lo);
    let low = l.fma(l.mul(r, rr), l.poly(r, rr, &LN), low);
    // v_lo / v = v_lo c / 2^k (1 - r). `down` is twice 2^-k, which may not be a normal number.
    let down = l.float(l.shl(l.isub(l.u(2047), exponent), 52));
    let r_lo = l.fma(l.mul(v_lo, l.f(0.5)), l.mul(down, c), p_lo);
    let low = l.add(low, l.fnma(r_lo, r, r_lo));
    let half = l.mul(rr, l.f(0.5));
    let half_lo = l.fms(l.mul(r, l.f(0.5)), r, half);
    let (h, e1) = l.fast_two_sum(h, r);
    let (h, e2) = l.fast_two_sum(h, l.neg(half));
    l.fast_two_sum(h, l.add(low, l.sub(l.add(e1, e2), half_lo)))
}

/// An argument x as the y >= 1/2 at which ln gamma is evaluated.
struct Point<L: Lanes> {
    /// Whether x < 1/2, where y = 1 + |x|; otherwise y = x.
    moved: L::M,
    y: Two<L::F>,
    /// y - 1, exact.
    y_1: L::F,
}

#[inline(always)]
fn point<L: Lanes<E = f64>>(l: L, x: L::F, abs: L::F) -> Point<L> {
    let one = l.f(1.0);
    let moved = l.lt(x, l.f(0.5));
    let (y, y_lo) = l.two_sum(abs, l.select(moved, one, l.f(0.0)));
    Point { moved, y: (y, y_lo), y_1: l.select(moved, abs, l.sub(abs, one)) }
}

/// ln gamma(y) for y < 4: (y - 1) (y - 2) Q(y).
#[inline(always)]
fn ln_gamma_near<L: Lanes<E = f64>, const FULL: bool>(l: L, point: &Point<L>) -> Two<L::F> {
    let (y, y_lo) = point.y;
    let one = l.f(1.0);
    let i = l.iadd(interval(l, &NEAR, y), l.u(1));
    if !FULL {
        let row = l.row(NEAR_LIGHT.table, i);
        let v = change(l, &row[2..], l.add(l.sub(y, row[0]), y_lo));
        let a = l.mul(l.mul(point.y_1, l.sub(point.y_1, one)), row[1]);
        return (l.fma(a, v, a), l.f(0.0));
    }
    let row = l.row(NEAR.table, i);
    let v = change(l, &row[2..], l.add(l.sub(y, row[0]), y_lo));
    let h = row[1];
    let (y_2, y_2_lo) = l.two_sum(point.y_1, l.neg(one));
    let (p, p_lo) = l.two_product(point.y_1, y_2);
    let p_lo = l.fma(point.y_1, y_2_lo, p_lo);
    let (a, a_lo) = l.two_product(p, h);
    l.fast_two_sum(a, l.fma(a, v, l.fma(p_lo, h, a_lo)))
}

/// ln gamma(y) for y >= 4, by Stirling's formula.
#[inline(always)]
fn ln_gamma_far<L: Lanes<E = f64>, const FULL: bool>(l: L, (y, y_lo): Two<L::F>) -> Two<L::F> {
    let one = l.f(1.0);
    let (ln_y, ln_y_lo) = ln::<L, FULL>(l, y, y_lo);
    let u = l.div(one, y);
    let z = l.mul(u, u);
    // From 2^52 on y - 1/2 is not a float.
    let (w, w_lo) = l.fast_two_sum(y, l.f(-0.5));
    if !FULL {
        let s = l.fma(w, l.sub(ln_y, one), l.f(HALF_LN_2PI[0]));
        return (l.fma(u, l.poly(z, l.mul(z, z), &BINET_LIGHT), s), l.f(0.0));
    }
    let (m, m_lo) = l.two_sum(ln_y, l.neg(one));
    let (p, p_lo) = l.two_product(w, m);
    let p_lo = l.fma(w, l.add(m_lo, ln_y_lo), p_lo);
    let p_lo = l.fma(l.add(y_lo, w_lo), m, p_lo);
    let (s, s_lo) = l.two_sum(p, l.f(HALF_LN_2PI[0]));
    let low = l.add(s_lo, l.add(p_lo, l.f(HALF_LN_2PI[1])));
    let rest = l.mul(u, l.poly(z, l.mul(z, z), &BINET));
    l.fast_two_sum(s, l.add(low, rest))
}

/// ln gamma(y)
#[inline(always)]
fn ln_gamma<L: Lanes<E = f64>, const FULL: bool>(l: L, point: &Point<L>) -> Two<L::F> {
    let near = l.lt(point.y.0, l.f(4.0));
    let y: [L::F; 2] = point.y.into();
    let below = branch!(l, near, ln_gamma_near::<L, FULL>(l, point).into(), y);
    branch!(
        l,
        l.not(near),
        {
            let far = ln_gamma_far::<L, FULL>(l, point.y);
            [l.select(near, below[0], far.0), l.select(near, below[1], far.1)]
        },
        below
    )
    .into()
}

/// |sin(pi z)|, and the sign of sin(pi z), for z >= 0. It is 0 for integers, which are all floats from
/// 2^52 on.
#[inline(always)]
fn sin_pi<L: Lanes<E = f64>>(l: L, z: L::F) -> (Two<L::F>, L::U) {
    let n_magic = l.add(z, l.f(TWO_52));
    let f = l.sub(z, l.sub(n_magic, l.f(TWO_52)));
    let f = l.select(l.lt(z, l.f(TWO_52)), f, l.sub(z, z));
    let sign = l.xor(l.shl(l.bits(n_magic), 63), l.sign(f));
    let f = l.abs(f);
    let upper = l.lt(l.f(0.25), f);
    let g = l.select(upper, l.sub(l.f(0.5), f), f);
    let zz = l.mul(g, g);
    let zzzz = l.mul(zz, zz);
    // The sine is g pi + s_lo, the cosine 1 - g^2 pi^2/2 + c_lo.
    let (s, s_lo) = l.two_product(g, l.f(PI[0]));
    let s_lo = l.fma(g, l.fma(zz, l.poly(zz, zzzz, &SIN), l.f(PI[1])), s_lo);
    let half = l.mul(zz, l.f(HALF_PI_PI[0]));
    let half_lo = l.fms(zz, l.f(HALF_PI_PI[0]), half);
    let half_lo = l.fma(l.fms(g, g, zz), l.f(HALF_PI_PI[0]), half_lo);
    let (c, c_lo) = l.fast_two_sum(l.f(1.0), l.neg(half));
    let c_lo = l.sub(c_lo, l.fma(zz, l.f(HALF_PI_PI[1]), half_lo));
    let c_lo = l.fma(zzzz, l.poly(zz, zzzz, &COS), c_lo);
    (l.fast_two_sum(l.select(upper, c, s), l.select(upper, c_lo, s_lo)), sign)
}

/// The numerator and the denominator of gamma(x) for x < 0: -pi / (sin(pi |x|) p), where p is
/// gamma(1 + |x|) without its power of two.
#[inline(always)]
fn reflected<L: Lanes<E = f64>>(l: L, abs: L::F, p: Two<L::F>) -> (Two<L::F>, Two<L::F>) {
    let ((s, s_lo), sign) = sin_pi(l, abs);
    let (d, d_lo) = l.two_product(s, p.0);
    let d_lo = l.add(d_lo, l.fma(s, p.1, l.mul(s_lo, p.0)));
    let sign = l.xor(sign, l.u(f64::SIGN));
    // The result for an integer is 0 / 0.
    let n = l.select(l.eq(s, l.f(0.0)), s, l.f(PI[0]));
    ((n, l.f(PI[1])), (l.flip(d, sign), l.flip(d_lo, sign)))
}

#[inline(always)]
fn gamma<L: Lanes<E = f64>, const FULL: bool>(l: L, x: L::F) -> L::F {
    let (zero, one) = (l.f(0.0), l.f(1.0));
    let abs = l.min(l.f(end(FULL)), l.abs(x));
    let point = point(l, x, abs);
    let (hi, lo) = ln_gamma::<L, FULL>(l, &point);
    let (n, n_lo, k);
    if FULL {
        let e = exp_minus(l, &erf_tables::F64, l.neg(hi), l.neg(lo));
        let (a, exponent) = e.apart(l);
        (n, n_lo) = l.fast_two_sum(a, l.mul(a, e.q));
        k = exponent;
    } else {
        k = l.sub(l.fma(hi, l.f(std::f64::consts::LOG2_E), l.magic()), l.magic());
        let r = l.fnma(k, l.f(std::f64::consts::LN_2), hi);
        (n, n_lo) = (l.poly(r, l.mul(r, r), &EXP), zero);
    }
    let d = l.select(point.moved, x, one);
    let negative = l.lt(x, zero);
    let [n, n_lo, d, d_lo, k] = branch!(
        l,
        negative,
        {
            let (num, den) = reflected(l, l.abs(x), (n, n_lo));
            [
                l.select(negative, num.0, n),
                l.select(negative, num.1, n_lo),
                l.select(negative, den.0, d),
                l.select(negative, den.1, zero),
                l.select(negative, l.neg(k), k),
            ]
        },
        [n, n_lo, d, zero, k]
    );
    let tiny = l.lt(abs, l.f(TINY));
    if !FULL {
        // 2^k is a normal number.
        let (n, d) = (l.select(tiny, one, n), l.select(tiny, x, d));
        return l.mul(l.div(n, d), l.select(tiny, one, l.pow2(l.add(k, l.magic()))));
    }
    let inverse = l.div(one, l.select(tiny, x, d));
    let y = l.quotient((n, n_lo), (d, d_lo), inverse);
    l.select(tiny, inverse, l.scale(y, k))
}

#[inline(always)]
fn lgamma<L: Lanes<E = f64>, const FULL: bool>(l: L, x: L::F) -> L::F {
    let (zero, infinity) = (l.f(0.0), l.f(f64::INFINITY));
    let abs = l.abs(x);
    let point = point(l, x, abs);
    let (hi, lo) = ln_gamma::<L, FULL>(l, &point);
    let y = l.add(hi, lo);
    let [y] = branch!(
        l,
        point.moved,
        {
            let negative = l.lt(x, l.f(-TINY));
            let ((s, s_lo), _) = sin_pi(l, abs);
            let v = l.select(negative, s, abs);
            let (ln_v, ln_v_lo) = ln::<L, FULL>(l, v, l.select(negative, s_lo, zero));
            let sign = l.sign(l.select(negative, x, zero));
            let (hi, lo) = (l.flip(hi, sign), l.flip(lo, sign));
            let ln_pi = LN_PI.map(|c| l.select(negative, l.f(c), zero));
            let (h, e1) = l.two_sum(hi, ln_pi[0]);
            let (h, e2) = l.two_sum(h, l.neg(ln_v));
            let low = l.add(l.add(e1, e2), l.add(l.sub(lo, ln_v_lo), ln_pi[1]));
            let moved = l.select(l.eq(v, zero), infinity, l.add(h, low));
            [l.select(point.moved, moved, y)]
        },
        [y]
    );
    // After an overflow the sums are NaN.
    l.select(l.lt(l.f(LARGE), abs), infinity, y)
}

/// The gamma function.
pub(super) struct Gamma;

impl Core<1> for Gamma {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        gamma::<L, true>(l, x)
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; 1]) -> L::F {
        l.in_f64::<GammaLight, 1>(x)
    }
}

/// [`Gamma`] for an f32.
struct GammaLight;

impl Core<1> for GammaLight {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        gamma::<L, false>(l, x)
    }
}

/// The logarithm of the absolute value of the gamma function.
pub(super) struct LGamma;

impl Core<1> for LGamma {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        lgamma::<L, true>(l, x)
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; 1]) -> L::F {
        l.in_f64::<LGammaLight, 1>(x)
    }
}

/// [`LGamma`] for an f32.
struct LGammaLight;

impl Core<1> for LGammaLight {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        lgamma::<L, false>(l, x)
    }
}
