//! `sin`, `cos`, `tan`, `sinc`.
//!
//! Method: |x| = k pi/16 + r with an integer k and |r| <= pi/32, where r is a sum of two numbers. Tables
//! give the sine S and the cosine C of k pi/16, and sin |x| = S cos r + C sin r; cos |x| is similar. The
//! polynomials of sin r and cos r are short (minimax, errors below 2^-62 in f64). The tables cover half a
//! circle, and the next bit of k is the sign. In f32 the steps of sin and cos are pi/8, because with AVX2
//! a table of 8 entries takes one permute, and one of 16 two permutes and a blend.
//!
//! tan |x| = (A + B tan r) / (B - A tan r) with A / B = tan(k pi/16). A pair can be scaled, so a search
//! found pairs of which floats represent both A and B to 11 more bits.
//!
//! Reduction (Cody and Waite, with fused multiply-add): pi/16 = P1 + P2 + P3. x - k P1 is exact, as both
//! are multiples of half an ulp of P1 and the difference is below 1/8. The product k P2 is exact, either
//! because P2 is short or as a sum of two numbers, and the rounding error of the difference is added to
//! the low part. The error of P3 is at most 2^-60 of r in f64. Larger |x| are rare. In f64, `huge` multiplies
//! them by as many bits of 2/pi as matter (Payne and Hanek), in integers, lane by lane. In f32 they are
//! computed by the f64 core.
//!
//! Error: the rounding error of S + C r is added back. All other terms are below 0.005 S + 0.0002 C (in
//! f32, 0.02 S + 0.0013 C), so their roundings are small. The low part of C is not multiplied by r, which
//! has the largest effect at k = 1, where the result may be half of S; there the low part of S was
//! adjusted to compensate in the middle of the worse half. Over all arguments of f32: 0.80 ULP.
//! The numerator and the denominator of tan have no such error, and the quotient is corrected by its
//! remainder.
//!
//! sinc(x) = sin(pi x) / (pi x). Here x itself is reduced, which is exact: x = 2 m + k / 16 + g with
//! |g| <= 1/32, and the angle pi g is a sum of two numbers. The sine and pi x are sums of two numbers,
//! divided as in tan: 0.5 ULP, 0.08 of the sine, and 0.05 of the quotient. In f32 it is the f64 core.

use super::exp::beyond;
use super::lanes::{Element, Lanes, Patch, Rows, power_of_two, rarely};
use super::{Core, PairCore};

/// The steps by which arguments of a float type are reduced.
pub(super) struct Steps {
    /// 1/step
    pub(super) inverse: f64,
    /// A step in three parts.
    pub(super) step: [f64; 3],
    /// The bound up to which three parts are enough.
    near: f64,
}

/// The sine and the cosine of `N` steps, and the minimax polynomials around them.
struct Circle<E: 'static, const N: usize, const P: usize> {
    steps: Steps,
    /// (sin(r) / r - 1) / z, z = r^2
    sin: [f64; P],
    /// (cos(r) - 1) / z
    cos: [f64; P],
    /// The sine, the cosine, and the low part of each.
    points: &'static Rows<E, N, 4>,
}

/// The tangent of `N` steps, and the minimax polynomial around them.
pub(super) struct Tangents<E: 'static, const N: usize, const P: usize> {
    pub(super) steps: Steps,
    /// (tan(r) / r - 1) / z, z = r^2
    pub(super) tan: [f64; P],
    /// The numerator and the denominator of the tangent.
    pub(super) tangents: &'static Rows<E, N, 2>,
}

const F64_POINTS: &Rows<f64, 16, 4> = &Rows::new([
    [
        0.0,
        0.19509032201612828,
        0.3826834323650898,
        0.5555702330196022,
        0.7071067811865476,
        0.8314696123025452,
        0.9238795325112867,
        0.9807852804032304,
        1.0,
        0.9807852804032304,
        0.9238795325112867,
        0.8314696123025452,
        0.7071067811865476,
        0.5555702330196022,
        0.3826834323650898,
        0.19509032201612828,
    ],
    [
        1.0,
        0.9807852804032304,
        0.9238795325112867,
        0.8314696123025452,
        0.7071067811865476,
        0.5555702330196022,
        0.3826834323650898,
        0.19509032201612828,
        0.0,
        -0.19509032201612828,
        -0.3826834323650898,
        -0.5555702330196022,
        -0.7071067811865476,
        -0.8314696123025452,
        -0.9238795325112867,
        -0.9807852804032304,
    ],
    [
        0.0,
        -8.918426068352981e-18,
        -1.0050772696461588e-17,
        4.709410940561677e-17,
        -4.833646656726457e-17,
        1.4073856984728024e-18,
        1.7645047084336677e-17,
        1.8546939997825006e-17,
        0.0,
        1.8546939997825006e-17,
        1.7645047084336677e-17,
        1.4073856984728024e-18,
        -4.833646656726457e-17,
        4.709410940561677e-17,
        -1.0050772696461588e-17,
        -8.918426068352981e-18,
    ],
    [
        0.0,
        1.8546939997825006e-17,
        1.7645047084336677e-17,
        1.4073856984728024e-18,
        -4.833646656726457e-17,
        4.709410940561677e-17,
        -1.0050772696461588e-17,
        -8.918426068352981e-18,
        0.0,
        8.918426068352981e-18,
        1.0050772696461588e-17,
        -4.709410940561677e-17,
        4.833646656726457e-17,
        -1.4073856984728024e-18,
        -1.7645047084336677e-17,
        -1.8546939997825006e-17,
    ],
]);

const F64_TANGENTS: &Rows<f64, 16, 2> = &Rows::new([
    [
        0.0,
        0.19891236737976273,
        0.4142135623732412,
        0.6681786379194443,
        1.0,
        1.0000000000002176,
        1.0000000000003528,
        1.0000000000005265,
        1.0,
        1.0000000000005265,
        1.0000000000003528,
        1.0000000000002176,
        1.0,
        0.6681786379194443,
        0.4142135623732412,
        0.19891236737976273,
    ],
    [
        1.0,
        1.0000000000005265,
        1.0000000000003528,
        1.0000000000002176,
        1.0,
        0.6681786379194443,
        0.4142135623732412,
        0.19891236737976273,
        0.0,
        -0.19891236737976273,
        -0.4142135623732412,
        -0.6681786379194443,
        -1.0,
        -1.0000000000002176,
        -1.0000000000003528,
        -1.0000000000005265,
    ],
]);

const F64_STEPS: Steps = Steps {
    inverse: 5.092958178940651,
    step: [0.19634954084936207, 7.654042494670958e-18, -1.8717311310739623e-34],
    near: 4398046511104.0,
};

const F64: &Circle<f64, 16, 4> = &Circle {
    steps: F64_STEPS,
    sin: [
        -0.16666666666666666,
        0.008333333333321095,
        -0.0001984126941056276,
        2.755165511978192e-06,
    ],
    cos: [-0.49999999999999983, 0.04166666666649803, -0.001388888836090883, 2.479508712883888e-05],
    points: F64_POINTS,
};

pub(super) const F64_TAN: &Tangents<f64, 16, 5> = &Tangents {
    steps: F64_STEPS,
    tan: [
        0.33333333333334103,
        0.13333333332208355,
        0.05396825930378669,
        0.02186838491647051,
        0.00896672297012426,
    ],
    tangents: F64_TANGENTS,
};

const F32_POINTS: &Rows<f32, 8, 4> = &Rows::new([
    [0.0, 0.38268343, 0.70710677, 0.9238795, 1.0, 0.9238795, 0.70710677, 0.38268343],
    [1.0, 0.9238795, 0.70710677, 0.38268343, 0.0, -0.38268343, -0.70710677, -0.9238795],
    [
        0.0,
        3.3926018e-09,
        1.21016175e-08,
        2.830749e-08,
        0.0,
        2.830749e-08,
        1.21016175e-08,
        3.3926018e-09,
    ],
    [
        0.0,
        2.830749e-08,
        1.21016175e-08,
        3.3926018e-09,
        0.0,
        -3.3926018e-09,
        -1.21016175e-08,
        -2.830749e-08,
    ],
]);

const F32_TANGENTS: &Rows<f32, 16, 2> = &Rows::new([
    [
        0.0, 0.19892003, 0.4143183, 0.6682752, 1.0, 1.0001445, 1.0002528, 1.0000385, 1.0,
        1.0000385, 1.0002528, 1.0001445, 1.0, 0.6682752, 0.4143183, 0.19892003,
    ],
    [
        1.0,
        1.0000385,
        1.0002528,
        1.0001445,
        1.0,
        0.6682752,
        0.4143183,
        0.19892003,
        0.0,
        -0.19892003,
        -0.4143183,
        -0.6682752,
        -1.0,
        -1.0001445,
        -1.0002528,
        -1.0000385,
    ],
]);

const F32_STEPS: Steps =
    Steps { inverse: 2.546479, step: [0.3926991, -1.0927847e-08, -4.2878113e-16], near: 131072.0 };

const F32: &Circle<f32, 8, 2> = &Circle {
    steps: F32_STEPS,
    sin: [-0.16666652, 0.008321995],
    cos: [-0.49999902, 0.04158821],
    points: F32_POINTS,
};

const F32_TAN: &Tangents<f32, 16, 2> = &Tangents {
    steps: Steps {
        inverse: 5.092958,
        step: [0.19634955, -5.4639235e-09, -2.1439056e-16],
        near: 131072.0,
    },
    tan: [0.33333063, 0.13414468],
    tangents: F32_TANGENTS,
};

/// The tangent of f32 in steps of pi/8, for the `fast` mode.
pub(super) const F32_FAST_TAN: &Tangents<f32, 8, 3> = &Tangents {
    steps: F32_STEPS,
    tan: [0.3333336, 0.13329187, 0.05571557],
    tangents: &Rows::new([
        [0.0, 0.4143183, 1.0, 1.0002528, 1.0, 1.0002528, 1.0, 0.4143183],
        [1.0, 1.0002528, 1.0, 0.4143183, 0.0, -0.4143183, -1.0, -1.0002528],
    ]),
};

/// The bound up to which a shorter P2 is enough, whose product is exact: one operation less.
const NEAR: f64 = (1 << 19) as f64;
/// The shorter P2, of 31 bits, and its P3.
const NEAR_STEP: [f64; 2] = [7.654042492615175e-18, 2.0557821170405322e-27];
/// pi/16 * 2^130
const STEP_BITS: u128 = 0xc90fdaa22168c234c4c6628b80dc1cd1;
/// 2/pi * 2^1216, after 64 zeros.
const TWO_OVER_PI_BITS: [u64; 20] = [
    0,
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
];

/// x = k pi/16 + hi + lo, for x > 2^21 and k modulo 32. NaN if x is not finite.
fn huge(x: f64) -> (u64, f64, f64) {
    let bits = x.to_bits();
    let e = (bits >> 52) as i32 - 1075; // -32 ..= 971
    if e > 971 {
        return (0, f64::NAN, 0.0);
    }
    let m = bits & ((1 << 52) - 1) | 1 << 52;
    // x = m 2^e. The bits of 2/pi above 2^(2 - e) contribute multiples of 4, so the product of m and the
    // next 192 bits is x 2/pi 2^190 modulo 2^192. The truncation error is below 2^-137, and no x is
    // closer than 2^-62 to a multiple of pi/16 other than 0.
    let at = (64 + e - 2) as usize; // the index of the first bit in the table
    let (word, shift) = (at / 64, at % 64);
    let bits_at = |i: usize| {
        let pair = u128::from(TWO_OVER_PI_BITS[i]) << 64 | u128::from(TWO_OVER_PI_BITS[i + 1]);
        (pair << shift >> 64) as u64
    };
    let w = [bits_at(word), bits_at(word + 1), bits_at(word + 2)];
    let m = u128::from(m);
    let p0 = m * u128::from(w[2]);
    let p1 = m * u128::from(w[1]) + (p0 >> 64);
    let top = (w[0] as u128 * m + (p1 >> 64)) as u64;
    let low = p1 << 64 | p0 & u128::from(u64::MAX);
    // The number of steps of pi/16, and 187 bits of the fraction of a step, shifted to 192 bits.
    let k = top >> 59;
    let (hi, lo) = ((u128::from(top) << 64 | low >> 64) << 5 | low >> 59 & 31, (low as u64) << 5);
    // To the nearest step: a fraction above one half becomes negative. The carry for lo = 0, which is
    // 2^-128, is omitted.
    let negative = hi >> 127 == 1;
    let (k, hi, lo) = if negative { (k + 1, !hi, lo.wrapping_neg()) } else { (k, hi, lo) };
    // The 128 leading bits: fraction = f 2^-(128 + zeros). |fraction| > 2^-64.
    let zeros = hi.leading_zeros().min(127);
    let f = hi << zeros | u128::from(lo) << zeros >> 64;
    // The upper half of the product with pi/16.
    let (f1, f0) = (f >> 64, f & u128::from(u64::MAX));
    let (c1, c0) = (STEP_BITS >> 64, STEP_BITS & u128::from(u64::MAX));
    let mid = ((f1 * c0) >> 1) + ((f0 * c1) >> 1); // without the lowest bits, so that there is room for the carry
    let r = f1 * c1 + (mid >> 63);
    // r 2^-(130 + zeros), as the leading 53 bits and the other bits.
    let drop = 75 - r.leading_zeros();
    let rest = r & ((1 << drop) - 1);
    let unit = f64::from_bits(u64::from(1023 - 130 - zeros) << 52);
    let unit = if negative { -unit } else { unit };
    (k, (r - rest) as f64 * unit, rest as f64 * unit)
}

/// A reduced argument: k steps and hi + lo.
#[derive(Clone, Copy)]
struct Reduced<L: Lanes> {
    /// k in the low bits.
    k: L::U,
    hi: L::F,
    lo: L::F,
}

impl<L: Lanes> Reduced<L> {
    #[inline(always)]
    fn floats(self, l: L) -> [L::F; 3] {
        [l.float(self.k), self.hi, self.lo]
    }

    #[inline(always)]
    fn of_floats(l: L, [k, hi, lo]: [L::F; 3]) -> Self {
        Reduced { k: l.bits(k), hi, lo }
    }
}

/// The nearest k plus the magic number, k, and x - k P1.
#[inline(always)]
fn nearest<L: Lanes>(l: L, c: &Steps, x: L::F) -> (L::F, L::F, L::F) {
    let k_magic = l.fma(x, l.f(c.inverse), l.magic());
    let k = l.sub(k_magic, l.magic());
    (k_magic, k, l.fnma(k, l.f(c.step[0]), x))
}

/// Reduces an x from 0 to `near`.
#[inline(always)]
fn reduce<L: Lanes>(l: L, c: &Steps, x: L::F) -> Reduced<L> {
    let (k_magic, k, t) = nearest(l, c, x);
    let (u, u_low) = l.two_product(k, l.f(c.step[1]));
    let hi = l.sub(t, u);
    let lost = l.sub(l.sub(t, hi), u);
    let lo = l.fnma(k, l.f(c.step[2]), l.sub(lost, u_low));
    Reduced { k: l.bits(k_magic), hi, lo }
}

/// Reduces any x >= 0.
#[inline(always)]
fn reduce_all<L: Lanes<E = f64>>(l: L, x: L::F) -> Reduced<L> {
    let (k_magic, k, t) = nearest(l, &F64_STEPS, x);
    let (hi, lost) = l.fast_two_fnma(k, l.f(NEAR_STEP[0]), t);
    let lo = l.fnma(k, l.f(NEAR_STEP[1]), lost);
    let reduced = Reduced { k: l.bits(k_magic), hi, lo };
    let far = beyond(l, x, NEAR);
    let all = rarely!(l, far, reduce_far(l, x, far, reduced).floats(l), reduced.floats(l));
    Reduced::of_floats(l, all)
}

/// Replaces the reduced arguments of those x that are `far`.
#[inline(always)]
fn reduce_far<L: Lanes<E = f64>>(l: L, x: L::F, far: L::M, near: Reduced<L>) -> Reduced<L> {
    let Reduced { k, hi, lo } = reduce(l, &F64_STEPS, x);
    let reduced = Reduced {
        k: l.bits(l.select(far, l.float(k), l.float(near.k))),
        hi: l.select(far, hi, near.hi),
        lo: l.select(far, lo, near.lo),
    };
    let huge = l.lt(l.f(F64_STEPS.near), x);
    let all = rarely!(l, huge, patch(l, x, reduced).floats(l), reduced.floats(l));
    Reduced::of_floats(l, all)
}

/// Replaces the reduced arguments of those x that are too large for [`reduce`].
#[inline(always)]
fn patch<L: Lanes<E = f64>>(l: L, x: L::F, reduced: Reduced<L>) -> Reduced<L> {
    Reduced::of_floats(l, l.patch::<Huge>(x, reduced.floats(l)))
}

/// [`huge`]: k as the bits of a float, hi and lo.
struct Huge;

impl Patch<f64> for Huge {
    #[cfg(feature = "host-device")]
    const NAME: &'static str = "huge";

    #[cold]
    #[inline(never)]
    fn patch(lanes: &mut [[f64; 8]; 4], width: usize) {
        let [xs, ks, his, los] = lanes;
        for (((x, k), hi), lo) in xs.iter().zip(ks).zip(his).zip(los).take(width) {
            if *x > F64_STEPS.near {
                let (step, h, l) = huge(*x);
                (*k, *hi, *lo) = (f64::from_bits(step), h, l);
            }
        }
    }
}

/// A sine and a cosine as sums of two numbers, without the sign of the half of the circle, and that
/// sign.
struct Terms<L: Lanes> {
    sine: (L::F, L::F),
    cosine: (L::F, L::F),
    half: L::U,
}

/// The sine and the cosine of a reduced argument as [`Terms`].
#[inline(always)]
fn terms<L: Lanes, const N: usize, const P: usize>(
    l: L,
    c: &'static Circle<L::E, N, P>,
    Reduced { k, hi, lo }: Reduced<L>,
) -> Terms<L> {
    let z = l.mul(hi, hi);
    let sin = l.fma(l.mul(z, hi), l.horner(z, &c.sin), lo); // minus hi
    let cos = l.mul(z, l.horner(z, &c.cos)); // minus 1
    let [s, c, s_low, c_low] = l.row(c.points, k);
    let half = l.and(l.shl(k, L::E::SIGN.trailing_zeros() - N.ilog2()), l.u(L::E::SIGN));
    let (y, lost) = l.fast_two_fma(c, hi, s);
    let lost = l.add(lost, s_low);
    let sine = (y, l.fma(s, cos, l.fma(c, sin, lost)));
    let (y, lost) = l.fast_two_fnma(s, hi, c);
    let lost = l.add(lost, c_low);
    let cosine = (y, l.fma(c, cos, l.fnma(s, sin, lost)));
    Terms { sine, cosine, half }
}

/// The sine and the cosine of a reduced argument.
#[inline(always)]
fn turned<L: Lanes, const N: usize, const P: usize>(
    l: L,
    c: &'static Circle<L::E, N, P>,
    reduced: Reduced<L>,
) -> (L::F, L::F) {
    let Terms { sine, cosine, half } = terms(l, c, reduced);
    (l.flip(l.add(sine.0, sine.1), half), l.flip(l.add(cosine.0, cosine.1), half))
}

/// `y` with canonical NaNs. There are only NaNs where x is [`beyond`] `NEAR`.
#[inline(always)]
fn canonical<L: Lanes<E = f64>>(l: L, x: L::F, y: L::F) -> L::F {
    let [y] = rarely!(l, beyond(l, x, NEAR), [l.canonical(y)], [y]);
    y
}

/// The sine and the cosine of x, with the bits of [`Sin`] and [`Cos`].
#[inline(always)]
fn sin_cos<L: Lanes<E = f64>>(l: L, x: L::F) -> (L::F, L::F) {
    let (sine, cosine) = turned(l, F64, reduce_all(l, l.abs(x)));
    (l.flip(sine, l.sign(x)), cosine)
}

/// [`sin_cos`] for f32.
#[inline(always)]
fn sin_cos_f32<L: Lanes<E = f32>>(l: L, x: L::F) -> (L::F, L::F) {
    let (sine, cosine) = turned(l, F32, reduce(l, &F32.steps, l.abs(x)));
    let sine = l.flip(sine, l.sign(x));
    let far = beyond(l, x, F32.steps.near);
    rarely!(
        l,
        far,
        {
            let [low, high] = l.widen(x);
            let (low, high) = (sin_cos(l.wide(), low), sin_cos(l.wide(), high));
            [
                l.canonical(l.select(far, l.narrow([low.0, high.0]), sine)),
                l.canonical(l.select(far, l.narrow([low.1, high.1]), cosine)),
            ]
        },
        [sine, cosine]
    )
    .into()
}

/// The sine.
pub(super) struct Sin;

impl Core<1> for Sin {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        canonical(l, x, sin_cos(l, x).0)
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        sin_cos_f32(l, x).0
    }
}

/// The cosine.
pub(super) struct Cos;

impl Core<1> for Cos {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        canonical(l, x, sin_cos(l, x).1)
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        sin_cos_f32(l, x).1
    }
}

/// The sine and the cosine.
pub(super) struct SinCos;

impl PairCore for SinCos {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, x: L::F) -> [L::F; 2] {
        sin_cos(l, x).into()
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: L::F) -> [L::F; 2] {
        sin_cos_f32(l, x).into()
    }
}

/// The tangent of a reduced argument.
#[inline(always)]
fn tangent<L: Lanes, const N: usize, const P: usize>(
    l: L,
    c: &'static Tangents<L::E, N, P>,
    Reduced { k, hi, lo }: Reduced<L>,
) -> L::F {
    let z = l.mul(hi, hi);
    let t = l.fma(l.mul(z, hi), l.horner(z, &c.tan), lo); // minus hi
    let [a, b] = l.row(c.tangents, k);
    let (over, lost) = l.fast_two_fma(b, hi, a);
    let over_low = l.fma(b, t, lost);
    let (under, lost) = l.fast_two_fnma(a, hi, b);
    let (under, under_low) = l.fast_two_sum(under, l.fnma(a, t, lost));
    l.quotient((over, over_low), (under, under_low), l.div(l.f(1.0), under))
}

/// The tangent.
pub(super) struct Tan;

impl Core<1> for Tan {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let y = tangent(l, F64_TAN, reduce_all(l, l.abs(x)));
        canonical(l, x, l.flip(y, l.sign(x)))
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        let y = tangent(l, F32_TAN, reduce(l, &F32_TAN.steps, l.abs(x)));
        let y = l.flip(y, l.sign(x));
        let far = beyond(l, x, F32_TAN.steps.near);
        let [y] = rarely!(l, far, [l.canonical(l.select(far, l.in_f64::<Tan, 1>([x]), y))], [y]);
        y
    }
}

/// pi in two parts.
const PI: [f64; 2] = [std::f64::consts::PI, 1.2246467991473532e-16];

/// sin(pi x) / (pi x)
pub(super) struct Sinc;

impl Core<1> for Sinc {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let a = l.abs(x);
        // A multiple of 2 is subtracted, then one of 1/16. Both differences are exact.
        let m = l.sub(l.fma(a, l.f(0.5), l.magic()), l.magic());
        let f = l.fnma(m, l.f(2.0), a);
        let k_magic = l.fma(f, l.f(16.0), l.magic());
        let g = l.fnma(l.sub(k_magic, l.magic()), l.f(1.0 / 16.0), f);
        let (hi, lost) = l.two_product(g, l.f(PI[0]));
        let lo = l.fma(g, l.f(PI[1]), lost);
        let Terms { sine, half, .. } = terms(l, F64, Reduced { k: l.bits(k_magic), hi, lo });
        let (under, lost) = l.two_product(a, l.f(PI[0]));
        let under_low = l.fma(a, l.f(PI[1]), lost);
        let y = l.quotient(sine, (under, under_low), l.div(l.f(1.0), under));
        // 0 instead of -0 for integers.
        let y = l.add(l.flip(y, half), l.f(0.0));
        // From 2^52 on all floats are integers. Below 2^-30 the result is at least 1 - 2^-58.
        let y = l.select(l.lt(a, l.f(power_of_two(52))), y, l.f(0.0));
        let y = l.select(l.le(a, l.f(power_of_two(-30))), l.f(1.0), y);
        l.select(l.lt(a, l.f(f64::INFINITY)), y, l.f(f64::NAN))
    }
}
