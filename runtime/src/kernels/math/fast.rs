//! The functions of the `fast` mode, with errors of at most 4 ULP instead of 1. They take two thirds to
//! nine tenths of the time of the functions of 1 ULP, which are called accurate here.
//!
//! sin and cos: |x| = k pi + r for the sine, (k + 1/2) pi + r for the cosine, |r| <= pi/2. The result is one
//! odd polynomial (minimax, error 2^-60 in f64, 2^-27 in f32) with the sign of (-1)^k; there is no table.
//! pi is P1 + P2 + P3. |x| - k P1 is exact (see trig.rs), and each of the other two parts adds a rounding
//! of r, together 1 ULP near pi/2. There r^3 p is half of r, and its roundings are as large again: 2.5 ULP in
//! total. Results beyond 1 are replaced by 1.
//!
//! tan: as in trig.rs, but r is one number, and the quotient is that of rounded numbers. In f32 the steps
//! are pi/8, whose table AVX2 reads with one permute.
//!
//! exp: as in exp.rs, without the errors of the powers in the table. In f32 the accurate function is as
//! fast.
//!
//! log: in f64 as in log.rs, but every sum is rounded: (k ln 2 - ln c) + (r + r^2 P(r)), and P has one
//! coefficient less. As there, nothing cancels. In f32 x = 2^k m with 0.7 < m < 1.4 and r = m - 1, without a
//! table.
//!
//! erf, erfc, normcdf: in f64 as in erf.rs, but f(r) and all sums are single numbers. In f32 the accurate
//! functions are as fast.
//!
//! The accurate functions compute larger arguments, special values and results that are not normal numbers.

use super::erf::{Erf, Erfc, Near, NormCdf, Points, from_two, near};
use super::erf_points::ERF_FAST;
use super::erfc_points::ERFC_FAST;
use super::exp::{self, Constants, Exp};
use super::lanes::{Element, Lanes, Rows, rarely};
use super::log::{self, Log, Split};
use super::normcdf_points::NORMCDF_FAST;
use super::trig::{Cos, F32_FAST_TAN, F64_TAN, Sin, Tan, Tangents};
use super::{Core, cores};

/// The constants of a float type.
struct HalfTurns<const N: usize> {
    /// pi in three parts.
    pi: [f64; 3],
    /// The bound up to which `pi` has enough bits.
    near: f64,
    /// (sin(r) / r - 1) / z, z = r^2, |r| <= pi/2
    sin: [f64; N],
}

const F64: &HalfTurns<8> = &HalfTurns {
    pi: [std::f64::consts::PI, 1.2246467991473532e-16, -2.9947698097183397e-33],
    near: (1 << 20) as f64,
    sin: [
        -0.16666666666666666,
        0.008333333333333207,
        -0.00019841269841212473,
        2.755731921156646e-06,
        -2.5052106903916165e-08,
        1.605894096278843e-10,
        -7.643017917669864e-13,
        2.721399163336634e-15,
    ],
};

const F32: &HalfTurns<4> = &HalfTurns {
    pi: [3.1415927410125732, -8.742277657347586e-08, -3.4302490200117637e-15],
    near: (1 << 17) as f64,
    sin: [-0.1666666, 0.008333069, -0.00019809772, 2.606075e-06],
};

/// sin(|x| - offset pi) apart from its sign, which is bit 0 of the second result. `offset` is 0 or
/// 1/2.
#[inline(always)]
fn half_turns<L: Lanes, const N: usize>(
    l: L,
    c: &HalfTurns<N>,
    x: L::F,
    offset: f64,
) -> (L::F, L::U) {
    let x = l.abs(x);
    let turns = match offset {
        0.0 => l.fma(x, l.f(std::f64::consts::FRAC_1_PI), l.magic()),
        _ => l.add(l.fma(x, l.f(std::f64::consts::FRAC_1_PI), l.f(-offset)), l.magic()),
    };
    let k = l.add(l.sub(turns, l.magic()), l.f(offset));
    let r = l.fnma(k, l.f(c.pi[0]), x);
    let r = l.fnma(k, l.f(c.pi[1]), r);
    let r = l.fnma(k, l.f(c.pi[2]), r);
    let z = l.mul(r, r);
    let y = l.fma(l.mul(r, z), l.horner(z, &c.sin), r);
    (l.max(l.f(-1.0), l.min(l.f(1.0), y)), l.bits(turns))
}

/// `y` for |x| up to `near`, otherwise the accurate function, whose NaNs are canonical.
#[inline(always)]
fn far<C: Core<1>, L: Lanes>(l: L, near: f64, x: L::F, y: L::F) -> L::F {
    const { assert!(C::CANONICAL) };
    let far = exp::beyond(l, x, near);
    let [y] = rarely!(l, far, [l.select(far, L::E::eval::<C, L, 1>(l, [x]), y)], [y]);
    y
}

#[inline(always)]
fn sine<L: Lanes, const N: usize>(l: L, c: &HalfTurns<N>, x: L::F) -> L::F {
    let (y, k) = half_turns(l, c, x, 0.0);
    let sign = l.xor(l.shl(k, L::E::SIGN.trailing_zeros()), l.sign(x));
    far::<Sin, L>(l, c.near, x, l.flip(y, sign))
}

#[inline(always)]
fn cosine<L: Lanes, const N: usize>(l: L, c: &HalfTurns<N>, x: L::F) -> L::F {
    let (y, k) = half_turns(l, c, x, 0.5);
    // cos(x) = -sin(x - pi/2)
    let sign = l.shl(l.xor(k, l.u(1)), L::E::SIGN.trailing_zeros());
    far::<Cos, L>(l, c.near, x, l.flip(y, sign))
}

/// The tangent. Up to 2^17 it is computed with an r that has an error of an ulp.
#[inline(always)]
fn tangent<L: Lanes, const N: usize, const P: usize>(
    l: L,
    c: &'static Tangents<L::E, N, P>,
    x: L::F,
) -> L::F {
    let abs = l.abs(x);
    let k_magic = l.fma(abs, l.f(c.steps.inverse), l.magic());
    let k = l.sub(k_magic, l.magic());
    let r = l.fnma(k, l.f(c.steps.step[0]), abs); // exact
    let r = l.fnma(k, l.f(c.steps.step[1]), r);
    let r = l.fnma(k, l.f(c.steps.step[2]), r);
    let z = l.mul(r, r);
    let t = l.fma(l.mul(r, z), l.horner(z, &c.tan), r);
    let [a, b] = l.row(c.tangents, l.bits(k_magic));
    let y = l.div(l.fma(b, t, a), l.fnma(a, t, b));
    far::<Tan, L>(l, 131072.0, x, l.flip(y, l.sign(x)))
}

/// e^x
pub(super) struct FastExp;

impl Core<1> for FastExp {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let parts = exp::reduce(l, x);
        let (s, _) = exp::power(l, parts.n_bits);
        let r = l.fnma(parts.n, l.f(f64::STEP[1]), parts.t);
        let z = l.mul(r, r);
        let q = l.fma(z, l.paired(r, z, &exp::F64_EXP), r);
        far::<Exp, L>(l, f64::NORMAL, x, l.fma(s, q, s))
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; 1]) -> L::F {
        Exp::f32(l, x)
    }
}

/// For each interval of log.rs c and -ln c.
const LN_TABLE: &Rows<f64, 16, 2> = &Rows::new([
    log::C,
    [
        -0.3184537311185346,
        -0.2954642128938359,
        -0.24783616390458127,
        -0.19782574332991987,
        -0.17185025692665923,
        -0.1451820098444979,
        -0.08961215868968714,
        -0.06062462181643484,
        -0.030771658666753687,
        0.0,
        0.06453852113757118,
        0.1158318155251217,
        0.16989903679539747,
        0.22705745063534608,
        0.26706278524904525,
        0.33024168687057687,
    ],
]);
/// (ln(1 + r) - r) / r^2, |r| <= 0.0342: error 2^-55.1 of the result.
const LN: [f64; 8] = [
    -0.4999999999999934,
    0.3333333333333219,
    -0.2500000000752276,
    0.20000000009638547,
    -0.16666643526914193,
    0.1428568914219808,
    -0.12526359642173132,
    0.1113689659869543,
];
/// The bits of the least m in f32, about 0.7.
const FROM_32: u64 = 0x3f330000;
/// (ln(1 + r) - r) / r^2, -0.301 <= r <= 0.399: error 2^-25.0 of the result.
const LN_32: [f64; 8] = [
    -0.4999998,
    0.33333895,
    -0.25003394,
    0.19966608,
    -0.1652567,
    0.14807628,
    -0.14637403,
    0.09545667,
];

/// The natural logarithm.
pub(super) struct FastLog;

impl Core<1> for FastLog {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let Split { k, m, place, .. } = log::split(l, x, log::FROM.to_bits());
        let [c, minus_ln] = l.row(LN_TABLE, l.shr(place, 48));
        let r = l.fms(m, c, l.f(1.0));
        let rr = l.mul(r, r);
        let whole = l.fma(k, l.f(log::scaled(std::f64::consts::LN_2, f64::MANTISSA)), minus_ln);
        unusual::<Log, L>(l, x, l.add(whole, l.fma(rr, l.poly(r, rr, &LN), r)))
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        let Split { k, m, .. } = log::split(l, x, FROM_32);
        let r = l.sub(m, l.f(1.0));
        let rr = l.mul(r, r);
        let y = l.fma(rr, l.poly(r, rr, &LN_32), r);
        let ln_2 = log::scaled(std::f64::consts::LN_2, f32::MANTISSA);
        unusual::<Log, L>(l, x, l.fma(k, l.f(ln_2), y))
    }
}

/// `y` for positive normal numbers, otherwise the accurate function, whose NaNs are canonical.
#[inline(always)]
fn unusual<C: Core<1>, L: Lanes>(l: L, x: L::F, y: L::F) -> L::F {
    const { assert!(C::CANONICAL) };
    let unusual = l.unusual(x);
    let [y] = rarely!(l, unusual, [l.select(unusual, L::E::eval::<C, L, 1>(l, [x]), y)], [y]);
    y
}

/// A decreasing function at an x for [`near`].
#[inline(always)]
fn falling<L: Lanes<E = f64>>(l: L, points: &Points, x: L::F) -> L::F {
    let Near { d, row: [f, slope, ..], more } = near(l, points, x);
    let step = l.mul(slope, d);
    l.fnma(step, more, l.sub(f, step))
}

/// The error function.
pub(super) struct FastErf;

impl Core<1> for FastErf {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let Near { d, row: [f, slope, ..], more } = near(l, &ERF_FAST, l.min(l.f(6.0), l.abs(x)));
        let step = l.mul(slope, d);
        l.with_sign(l.fma(step, more, l.add(f, step)), l.sign(x))
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; 1]) -> L::F {
        Erf::f32(l, x)
    }
}

/// The complementary error function.
pub(super) struct FastErfc;

impl Core<1> for FastErfc {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let y = from_two(l, x, falling(l, &ERFC_FAST, l.min(l.f(6.0), l.abs(x))));
        let far = l.not_le(x, l.f(6.0));
        let [y] = rarely!(l, far, [l.select(far, Erfc::f64(l, [x]), y)], [y]);
        y
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; 1]) -> L::F {
        Erfc::f32(l, x)
    }
}

/// The normal distribution.
pub(super) struct FastNormCdf;

impl Core<1> for FastNormCdf {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let y = falling(l, &NORMCDF_FAST, l.min(l.f(7.98), l.abs(x)));
        let y = l.select(l.negative(l.bits(x)), y, l.sub(l.f(1.0), y));
        let far = exp::beyond(l, x, 7.98);
        let [y] = rarely!(l, far, [l.select(far, NormCdf::f64(l, [x]), y)], [y]);
        y
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; 1]) -> L::F {
        NormCdf::f32(l, x)
    }
}

cores! {
    /// The sine.
    FastSin = sine(x) by F64, F32 => CANONICAL;
    /// The cosine.
    FastCos = cosine(x) by F64, F32 => CANONICAL;
    /// The tangent.
    FastTan = tangent(x) by F64_TAN, F32_FAST_TAN => CANONICAL;
}
