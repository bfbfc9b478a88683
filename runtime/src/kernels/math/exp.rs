//! `exp`, `exp2`, `expm1`, and the parts of the hyperbolic functions.
//!
//! Method: x = n ln(2)/N + r with |r| <= ln(2)/2N and an integer n = N k + j. Then e^x is
//! 2^k 2^(j/N) e^r, where the second factor is from a table (Tang, 1989) and e^r - 1 is a short
//! polynomial. N is 16, or 8 in f32, where AVX2 reads the table with one permute. j is subtracted from
//! the bits of the powers in the table, so that adding the low bits of n restores j and adds k to the
//! exponent. A second table has the relative errors d of the rounded powers P: 2^(j/N) = P (1 + d).
//! The same code serves f64 and f32, with different constants.
//!
//! Error: x - n STEP[0] is exact, as its bits span less than a significand. With S = 2^k P,
//! e^x = S + S (r + d + r^2 p(r)). The second term is below 0.023 of the first (0.045 in f32), and its
//! rounding errors are smaller by the same factor: 0.5 + 0.05 ULP (0.5 + 0.1). A subnormal result is
//! rounded a second time, but then the first error is at most half as large.
//! expm1 is (S - 1) + S r + S (d + r^2 p(r)). The rounding error of the first sum is added back, and so
//! is that of the second, which takes x - n STEP[0] for r and leaves the difference to the third:
//! 0.5 + 0.05 ULP. For large x it is S + (S (e^r - 1) - 1): 0.5 + 0.1 ULP.
//!
//! Arguments for which the result or S is not a normal number, and NaNs, are rare. A vector with one of
//! them is computed with a bounded x and S near 1, and scaling rounds the result once. The other lanes
//! have the same bits either way, because multiplication by powers of two is exact.

use super::cores;
use super::lanes::{Element, Lanes, Rows, rarely};

const LOG2_E: f64 = std::f64::consts::LOG2_E;
const F64_POWERS: &Rows<f64, 16, 2> = &Rows::new([
    [
        1.0,
        0.9908868912137069,
        0.9827538663326288,
        0.9756443173783458,
        0.9696035575013605,
        0.964678906036742,
        0.9609197773255048,
        0.9583777734684463,
        0.9571067811865476,
        0.9571630729697497,
        0.9586054127039704,
        0.9614951659746271,
        0.9658964152537145,
        0.9718760801866497,
        0.9795040432046712,
        0.9888532806985737,
    ],
    [
        0.0,
        8.189317638195515e-17,
        -2.7939114859515733e-17,
        7.826573258636076e-17,
        3.3484623336251524e-17,
        3.750854201303127e-17,
        1.9572585293112036e-17,
        5.68648095791174e-17,
        -6.835808657661922e-17,
        -2.3591094770850053e-17,
        5.1548301170786783e-17,
        1.5341410053603723e-17,
        4.875160526227062e-17,
        1.685487290628973e-17,
        1.790126907604513e-17,
        -5.545065618639427e-17,
    ],
]);
const F64_STEP: [f64; 2] = [0.04332169878499658, 1.4494042586539372e-18];
/// (exp(r) - 1 - r) / r^2 on |r| <= ln(2)/32, relative to exp(r): error 2^-56.3 after rounding.
pub(super) const F64_EXP: [f64; 5] = [
    0.49999999999999606,
    0.16666666664417146,
    0.041666666693293455,
    0.008333471947168113,
    0.001388859358532003,
];
/// (exp(r) - 1 - r) / r^2, relative to exp(r) - 1: error 2^-58.9 after rounding.
const F64_EXPM1: [f64; 6] = [
    0.5000000000000003,
    0.1666666666666668,
    0.041666666661863874,
    0.008333333331704149,
    0.0013889093072844139,
    0.00019841729066849602,
];
/// (2^f - 1) / f on |f| <= 1/32, relative to 2^f: error 2^-56.7 after rounding.
const F64_EXP2: [f64; 6] = [
    0.6931471805599468,
    0.2402265069591017,
    0.05550410865195376,
    0.009618129101996241,
    0.0013333820240904765,
    0.0001540421648669541,
];
/// (sinh(r) - r) / r^3 of z = r^2, relative to sinh(r): error 2^-67.7 after rounding.
const F64_SINH: [f64; 3] = [0.1666666666666667, 0.008333333332657572, 0.0001984151825398259];
/// (cosh(r) - 1) / r^2 of z = r^2, relative to cosh(r): error 2^-65.2 after rounding.
const F64_COSH: [f64; 3] = [0.5000000000000004, 0.0416666666605848, 0.0013889112460627293];
const F32_POWERS: &Rows<f32, 8, 2> = &Rows::new([
    [1.0, 0.9827539, 0.96960354, 0.9609198, 0.95710677, 0.9586054, 0.9658964, 0.97950405],
    [
        0.0,
        -1.19921575e-08,
        3.193418e-08,
        -3.099072e-08,
        1.7114271e-08,
        5.233334e-09,
        -1.4719605e-08,
        -6.1282597e-09,
    ],
]);
const F32_STEP: [f64; 2] = [0.08664339780807495, -2.380817765157417e-10];
/// (exp(r) - 1) / r on |r| <= ln(2)/16, relative to exp(r): error 2^-31.1 after rounding.
const F32_EXP: [f64; 4] = [1.0, 0.5, 0.1666865, 0.04167655];
/// (exp(r) - 1 - r) / r^2, relative to exp(r) - 1: error 2^-33.6 after rounding.
const F32_EXPM1: [f64; 4] = [0.5, 0.16666667, 0.041669946, 0.008334266];
/// (2^f - 1) / f on |f| <= 1/16, relative to 2^f: error 2^-30.8 after rounding.
const F32_EXP2: [f64; 4] = [0.6931472, 0.2402265, 0.055510715, 0.009620409];
/// (sinh(r) - r) / r^3 of z = r^2, relative to sinh(r): error 2^-27.6 after rounding.
const F32_SINH: [f64; 1] = [0.16667962];
/// (cosh(r) - 1) / r^2 of z = r^2, relative to cosh(r): error 2^-38.0 after rounding.
const F32_COSH: [f64; 2] = [0.5, 0.041670296];

/// The constants and polynomials of a float type.
pub(super) trait Constants: Element {
    /// The number of powers in the table, N.
    const STEPS: u32;
    /// ln(2)/STEPS in two parts.
    const STEP: [f64; 2];
    /// The bound of |x| up to which e^x, its inverse and their halves are normal numbers.
    const NORMAL: f64;
    /// The bound of |x| up to which 2^x is a normal number.
    const NORMAL_2: f64;
    /// The bound of x up to which S - 1 is exact, unless S < 1.
    const EXACT: f64;
    /// The bounds of x below which e^x / 2 rounds to 0, and above which it overflows.
    const BOUNDS: [f64; 2];

    /// 2^(j/STEPS) with j subtracted from its bits, and its relative error, by j in the low bits.
    fn powers<L: Lanes<E = Self>>(l: L, j: L::U) -> [L::F; 2];
    /// e^r (1 + d) - 1 with r = t - n STEP[1].
    fn exp<L: Lanes<E = Self>>(l: L, n: L::F, t: L::F, d: L::F) -> L::F;
    /// (e^r - 1 - r) / r^2. `z` is r^2 here and below.
    fn expm1<L: Lanes<E = Self>>(l: L, r: L::F, z: L::F) -> L::F;
    /// (2^f - 1) / f
    fn exp2<L: Lanes<E = Self>>(l: L, f: L::F) -> L::F;
    /// (sinh r - r) / r^3
    fn sinh<L: Lanes<E = Self>>(l: L, z: L::F) -> L::F;
    /// (cosh r - 1) / r^2
    fn cosh<L: Lanes<E = Self>>(l: L, z: L::F) -> L::F;
}

impl Constants for f64 {
    const STEP: [f64; 2] = F64_STEP;
    const STEPS: u32 = 16;
    const NORMAL: f64 = 707.0;
    const NORMAL_2: f64 = 1021.0;
    const EXACT: f64 = 36.0;
    const BOUNDS: [f64; 2] = [-746.0, 712.0];

    #[inline(always)]
    fn powers<L: Lanes<E = f64>>(l: L, j: L::U) -> [L::F; 2] {
        l.row(F64_POWERS, j)
    }
    #[inline(always)]
    fn exp<L: Lanes<E = f64>>(l: L, n: L::F, t: L::F, d: L::F) -> L::F {
        let r = l.fnma(n, l.f(F64_STEP[1]), t);
        let z = l.mul(r, r);
        l.fma(z, l.paired(r, z, &F64_EXP), l.add(r, d))
    }
    #[inline(always)]
    fn expm1<L: Lanes<E = f64>>(l: L, r: L::F, z: L::F) -> L::F {
        l.paired(r, z, &F64_EXPM1)
    }
    #[inline(always)]
    fn exp2<L: Lanes<E = f64>>(l: L, f: L::F) -> L::F {
        l.paired(f, l.mul(f, f), &F64_EXP2)
    }
    #[inline(always)]
    fn sinh<L: Lanes<E = f64>>(l: L, z: L::F) -> L::F {
        l.horner(z, &F64_SINH)
    }
    #[inline(always)]
    fn cosh<L: Lanes<E = f64>>(l: L, z: L::F) -> L::F {
        l.horner(z, &F64_COSH)
    }
}

impl Constants for f32 {
    const STEP: [f64; 2] = F32_STEP;
    const STEPS: u32 = 8;
    const NORMAL: f64 = 86.0;
    const NORMAL_2: f64 = 125.0;
    const EXACT: f64 = 16.0;
    const BOUNDS: [f64; 2] = [-105.0, 90.0];

    #[inline(always)]
    fn powers<L: Lanes<E = f32>>(l: L, j: L::U) -> [L::F; 2] {
        l.row(F32_POWERS, j)
    }
    #[inline(always)]
    fn exp<L: Lanes<E = f32>>(l: L, n: L::F, t: L::F, d: L::F) -> L::F {
        // The polynomial takes t for r, an error of 2^-28 of e^r.
        l.fma(t, l.horner(t, &F32_EXP), l.fnma(n, l.f(F32_STEP[1]), d))
    }
    #[inline(always)]
    fn expm1<L: Lanes<E = f32>>(l: L, r: L::F, z: L::F) -> L::F {
        l.paired(r, z, &F32_EXPM1)
    }
    #[inline(always)]
    fn exp2<L: Lanes<E = f32>>(l: L, f: L::F) -> L::F {
        l.horner(f, &F32_EXP2)
    }
    #[inline(always)]
    fn sinh<L: Lanes<E = f32>>(l: L, z: L::F) -> L::F {
        l.horner(z, &F32_SINH)
    }
    #[inline(always)]
    fn cosh<L: Lanes<E = f32>>(l: L, z: L::F) -> L::F {
        l.horner(z, &F32_COSH)
    }
}

/// Whether |x| is above the bound, or x is a NaN.
#[inline(always)]
pub(super) fn beyond<L: Lanes>(l: L, x: L::F, bound: f64) -> L::M {
    l.not_le(l.abs(x), l.f(bound))
}

/// 2^(n/STEPS) rounded, and its relative error. Only the low bits of `n` are used, as many as the
/// exponent and j have.
#[inline(always)]
pub(super) fn power<L: Lanes<E: Constants>>(l: L, n: L::U) -> (L::F, L::F) {
    let [power, lack] = L::E::powers(l, n);
    (l.float(l.iadd(l.bits(power), l.shl(n, L::E::MANTISSA - L::E::STEPS.ilog2()))), lack)
}

/// A reduced argument: x = n ln(2)/STEPS + r, r = t - n STEP[1].
pub(super) struct Reduced<L: Lanes> {
    /// n as a float, and n in the low bits.
    pub(super) n: L::F,
    pub(super) n_bits: L::U,
    /// x - n STEP[0], exact.
    pub(super) t: L::F,
}

/// Reduces an x within [`Constants::BOUNDS`].
#[inline(always)]
pub(super) fn reduce<L: Lanes<E: Constants>>(l: L, x: L::F) -> Reduced<L> {
    reduce_multiple(l, x, 1.0, x, 0.0)
}

/// Reduces `y`, which is `x` times the power of two `times`; `n_bits` has n - `shift`.
#[inline(always)]
pub(super) fn reduce_multiple<L: Lanes<E: Constants>>(
    l: L,
    x: L::F,
    times: f64,
    y: L::F,
    shift: f64,
) -> Reduced<L> {
    let magic = l.f(L::E::MAGIC - shift);
    let n_magic = l.fma(x, l.f(times * f64::from(L::E::STEPS) * LOG2_E), magic);
    let n = l.sub(n_magic, magic);
    Reduced { n, n_bits: l.bits(n_magic), t: l.fnma(n, l.f(L::E::STEP[0]), y) }
}

/// 2^(n/STEPS) rounded, and e^r (1 + d) - 1 with its relative error d.
#[inline(always)]
fn exp_reduced<L: Lanes<E: Constants>>(
    l: L,
    Reduced { n, n_bits, t }: &Reduced<L>,
) -> (L::F, L::F) {
    let (s, lack) = power(l, *n_bits);
    (s, L::E::exp(l, *n, *t, lack))
}

/// 2^(n/STEPS) (1 + q) 2^up for any n of an x within the bounds.
#[inline(always)]
fn finish<L: Lanes<E: Constants>>(l: L, n: L::F, n_bits: L::U, q: L::F, up: f64) -> L::F {
    let steps = f64::from(L::E::STEPS);
    let j = l.and(n_bits, l.u(u64::from(L::E::STEPS) - 1));
    let j_magic = l.float(l.or(j, l.bits(l.magic())));
    let whole = l.sub(n, l.sub(j_magic, l.magic()));
    let (p, _) = power(l, j);
    l.scale(l.fma(p, q, p), l.fma(whole, l.f(1.0 / steps), l.f(up)))
}

/// e^x 2^up for any x; -2 < up < 2.
#[inline(always)]
pub(super) fn exp_any<L: Lanes<E: Constants>>(l: L, x: L::F, up: f64) -> L::F {
    let [low, high] = L::E::BOUNDS;
    let parts = reduce(l, l.max(l.f(low), l.min(l.f(high), x)));
    let (_, q) = exp_reduced(l, &parts);
    finish(l, parts.n, parts.n_bits, q, up)
}

#[inline(always)]
fn exp<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let [y] = rarely!(l, beyond(l, x, L::E::NORMAL), [l.canonical(exp_any(l, x, 0.0))], {
        let (s, q) = exp_reduced(l, &reduce(l, x));
        [l.fma(s, q, s)]
    });
    y
}

/// e^x as a sum of two numbers for |x| up to [`Constants::NORMAL`]. The second is below 0.03 of the
/// first.
#[inline(always)]
pub(super) fn exp_parts<L: Lanes<E: Constants>>(l: L, x: L::F) -> (L::F, L::F) {
    let (s, q) = exp_reduced(l, &reduce(l, x));
    (s, l.mul(s, q))
}

#[inline(always)]
fn exp2<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let beyond = beyond(l, x, L::E::NORMAL_2);
    let bounds = L::E::BOUNDS.map(|bound| l.f(2.0 * bound));
    let [x] = rarely!(l, beyond, [l.max(bounds[0], l.min(bounds[1], x))], [x]);
    // n/STEPS, with n in the low bits of the sum.
    let steps = f64::from(L::E::STEPS);
    let n_magic = l.add(x, l.f(L::E::MAGIC / steps));
    let n = l.sub(n_magic, l.f(L::E::MAGIC / steps));
    let n_bits = l.bits(n_magic);
    let f = l.sub(x, n); // exact
    let (s, lack) = power(l, n_bits);
    let q = l.fma(f, L::E::exp2(l, f), lack);
    let [y] = rarely!(
        l,
        beyond,
        [l.canonical(finish(l, l.mul(n, l.f(steps)), n_bits, q, 0.0))],
        [l.fma(s, q, s)]
    );
    y
}

/// e^x - 1 of a reduced x as a sum of two numbers, for x from -50 to [`Constants::EXACT`]. The second
/// is below 0.03 of the first.
#[inline(always)]
pub(super) fn expm1_parts<L: Lanes<E: Constants>>(l: L, parts: Reduced<L>) -> (L::F, L::F) {
    let Reduced { n, n_bits, t } = parts;
    let (s, lack) = power(l, n_bits);
    // The errors of S and t relative to S, times e^t, which is nearly 1 + t.
    let lack = l.fnma(n, l.f(L::E::STEP[1]), lack);
    let lack = l.fma(lack, t, lack);
    let z = l.mul(t, t);
    let q = l.fma(z, L::E::expm1(l, t, z), lack);
    let one = l.f(1.0);
    let a = l.sub(s, one);
    let a_lost = l.sub(s, l.add(a, one)); // 0 for S >= 1
    let (hi, lost) = l.fast_two_fma(s, t, a);
    (hi, l.fma(s, q, l.add(lost, a_lost)))
}

/// e^x - 1 for x up to [`Constants::EXACT`].
#[inline(always)]
fn expm1_near<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let (hi, lo) = expm1_parts(l, reduce(l, l.max(l.f(-50.0), x)));
    // The sign of the sum is that of x, unless the sum is 0.
    l.with_sign(l.add(hi, lo), l.sign(x))
}

#[inline(always)]
fn expm1<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let near = l.le(x, l.f(L::E::EXACT));
    let [y] = rarely!(
        l,
        l.not(near),
        {
            let (s, rest) = exp_parts(l, l.min(l.f(L::E::NORMAL), x));
            let far = l.add(s, l.sub(rest, l.f(1.0)));
            let far = l.select(l.le(x, l.f(L::E::NORMAL)), far, exp_any(l, x, 0.0));
            [l.canonical(l.select(near, expm1_near(l, l.min(l.f(L::E::EXACT), x)), far))]
        },
        [expm1_near(l, x)]
    );
    y
}

cores! {
    /// e^x
    Exp = exp(x) => CANONICAL;
    /// 2^x
    Exp2 = exp2(x) => CANONICAL;
    /// e^x - 1
    Expm1 = expm1(x) => CANONICAL;
}
