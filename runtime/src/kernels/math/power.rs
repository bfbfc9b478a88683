//! `power`.
//!
//! Method (f64): |x|^y = 2^(y log2 |x|), where the logarithm and the product are sums of two numbers. As
//! in log.rs x = 2^k m, but with 32 intervals of m, so that r = m c - 1, which is exact, is at most 0.0198.
//! Then log2 m = -log2 c + (r - r^2/2) / ln 2 + r^3 Q(r), where all but r^3 Q are in two parts: -log2 c,
//! r, r^2 and 1 / ln 2. 2^z is the power of the nearest multiple of 1/16 (1/8 in f32), from the table of
//! exp.rs, times a polynomial of the difference.
//!
//! Error: r^3 Q is at most 2^-12 of the logarithm and has a relative error of 2^-52, so the error of
//! y log2 x, which is below 2^10, is at most 2^-54: 0.1 ULP of the result. 2^f adds 0.03 ULP, and the last
//! sum 0.5. A subnormal result is rounded a second time: with one bit less, 0.78 ULP measured.
//!
//! f32 has 16 intervals and different parts and polynomials. Measured: 0.76 ULP.
//!
//! The sums are ordered for speed: the high part of z = y log2 x is known long before the low part, so
//! the nearest multiple is computed from the high part.
//!
//! Zeros, negative numbers, subnormals, infinities and NaNs are rare. One test of x and one of y log2 x
//! find them, and only then are their results selected.

use super::lanes::{Element, Lanes, Rows, power_of_two, rarely};
use super::log::{self, INV_LN2, Split, split_all};
use super::{Core, exp};

/// The start of the first interval of m.
const FROM: f64 = 0.7265625;
/// For each of 32 intervals of m: c as in log.rs, but a multiple of 1/128, -log2 c to 42 bits after the
/// point, and its low part.
const TABLE: &Rows<f64, 32, 4> = &Rows::new([
    [
        1.359375, 1.328125, 1.3125, 1.28125, 1.25, 1.234375, 1.203125, 1.1875, 1.15625, 1.140625,
        1.125, 1.109375, 1.078125, 1.0625, 1.046875, 1.03125, 1.015625, 1.0, 0.96875, 0.9375,
        0.9140625, 0.890625, 0.859375, 0.84375, 0.8203125, 0.796875, 0.78125, 0.765625, 0.7421875,
        0.7265625, 0.7109375, 0.6953125,
    ],
    [
        -0.44294349584879456,
        -0.4093909361376973,
        -0.39231742277866033,
        -0.3575520046181282,
        -0.3219280948874257,
        -0.3037807481771324,
        -0.2667865406949659,
        -0.24792751344352837,
        -0.2094533656288604,
        -0.18982455887999095,
        -0.16992500144237965,
        -0.14974711950458186,
        -0.10852445677824107,
        -0.0874628412502716,
        -0.06608919045766015,
        -0.04439411935845783,
        -0.02236781302849522,
        0.0,
        0.045803689613194365,
        0.09310940439149817,
        0.1296352804165508,
        0.16710998583516812,
        0.21864028647542,
        0.2451124978365442,
        0.285754482333914,
        0.3275746580284249,
        0.356143810225376,
        0.3852901558848316,
        0.43014439166904594,
        0.46084118889189085,
        0.4922053598013463,
        0.5242665690336707,
    ],
    [
        6.625288519055792e-14,
        -4.475041293346832e-15,
        -9.995925486528699e-14,
        4.450095846656107e-14,
        6.33385952568616e-14,
        2.9484755090817656e-14,
        6.451544227870716e-14,
        -5.712484083531846e-14,
        -8.937120568078598e-14,
        -2.6284293846288795e-14,
        6.728996427240727e-14,
        -1.002010237055886e-13,
        7.202031406534323e-14,
        -6.781363655020842e-14,
        -1.1228105090517402e-13,
        4.390985973169353e-15,
        4.0712083900828984e-14,
        0.0,
        -6.957374407725013e-14,
        -1.6703260328550802e-14,
        4.466345291637466e-14,
        9.02069790225012e-14,
        -7.960223862778872e-14,
        -1.275189131300513e-14,
        -3.66206596084254e-14,
        7.951818330761124e-14,
        -1.0069648492950886e-13,
        -3.983479855974919e-14,
        6.213754421543131e-15,
        7.775807578056954e-14,
        -4.2543910635907204e-14,
        -6.850343183727799e-14,
    ],
    [0.0; 32],
]);
/// (log2(1 + r) - (r - r^2/2) / ln 2) / r^3, |r| <= 0.0198: error 2^-70 of the result.
const LOG2: [f64; 8] = [
    0.4808983469629876,
    -0.3606737602222405,
    0.2885390081828414,
    -0.24044917348819758,
    0.20609925147291028,
    -0.18033683526695354,
    0.16042333811390255,
    -0.14439297468631823,
];
/// (2^f - 1) / f, |f| <= 1/32: error 2^-59 of 2^f.
const EXP2: [f64; 6] = [
    0.6931471805599468,
    0.24022650695910105,
    0.05550410865216038,
    0.00961812910584956,
    0.0013333818377420656,
    0.00015403805490423955,
];

/// For each of 16 intervals: c as in log.rs, -log2 c to 16 bits after the point, and its low part.
const TABLE_32: &Rows<f32, 16, 4> = &Rows::new([
    [
        1.375, 1.34375, 1.28125, 1.21875, 1.1875, 1.15625, 1.09375, 1.0625, 1.03125, 1.0, 0.9375,
        0.890625, 0.84375, 0.796875, 0.765625, 0.71875,
    ],
    [
        -0.45942688,
        -0.42626953,
        -0.3575592,
        -0.2854004,
        -0.2479248,
        -0.2094574,
        -0.12928772,
        -0.08746338,
        -0.044387817,
        0.0,
        0.09310913,
        0.16711426,
        0.24511719,
        0.32757568,
        0.38528442,
        0.47644043,
    ],
    [
        -4.7387543e-06,
        4.776548e-06,
        7.1994837e-06,
        -1.8282373e-06,
        -2.708756e-06,
        4.031832e-06,
        4.7027816e-06,
        5.376559e-07,
        -6.3019756e-06,
        0.0,
        2.735321e-07,
        -4.271977e-06,
        -4.6896635e-06,
        -1.0255652e-06,
        5.7320567e-06,
        -2.3857444e-06,
    ],
    [0.0; 16],
]);
/// 1 / ln 2 in two parts, the first of 24 bits.
const INV_LN2_32: [f64; 2] = [1.4426950216293335, 1.925963033500011e-08];
/// (log2(1 + r) - (r - r^2/2) / ln 2) / r^3, |r| <= 0.0342: error 2^-36.6 of the result.
const LOG2_32: [f64; 4] = [0.48089823, -0.36067364, 0.28886923, -0.24076039];
/// (2^f - 1) / f, |f| <= 0.12: error 2^-28.4 of 2^f.
const EXP2_32: [f64; 4] = [0.6931471, 0.24022649, 0.055525728, 0.00962132];

/// The constants and polynomials of a float type.
trait Constants: exp::Constants {
    /// The bits of the start of the intervals of m.
    const FROM: u64;
    /// The number of bits to shift the place of m by for the index of its interval.
    const PLACE: u32;
    /// The inverse of the factor of exponents in [`Split`].
    const UNIT: f64 = 1.0 / (1u64 << Self::MANTISSA) as f64;
    const INV_LN2: [f64; 2];
    /// The bound of |z| up to which 2^z is a normal number.
    const NORMAL: f64;
    /// The bound of |z| from which 2^z overflows or rounds to 0.
    const END: f64;
    /// The number that is subtracted from |z| between the two.
    const SHIFT: i32;

    /// c of an interval, -log2 c in two parts, and 0.
    fn interval<L: Lanes<E = Self>>(l: L, i: L::U) -> [L::F; 4];
    /// (log2(1 + r) - (r - r^2/2) / ln 2) / r^3
    fn log2<L: Lanes<E = Self>>(l: L, r: L::F, rr: L::F) -> L::F;
    /// An approximation of y log2 x, from z and r^3, for the choice of the nearest multiple.
    fn near<L: Lanes<E = Self>>(l: L, y: L::F, z: L::F, rrr: L::F) -> L::F;
    /// (2^f - 1) / f
    fn exp2<L: Lanes<E = Self>>(l: L, f: L::F) -> L::F;
}

impl Constants for f64 {
    const FROM: u64 = FROM.to_bits();
    const PLACE: u32 = 47;
    const INV_LN2: [f64; 2] = INV_LN2;
    const NORMAL: f64 = 1000.0;
    const END: f64 = 1100.0;
    const SHIFT: i32 = 200;

    #[inline(always)]
    fn interval<L: Lanes<E = f64>>(l: L, i: L::U) -> [L::F; 4] {
        l.row(TABLE, i)
    }
    #[inline(always)]
    fn log2<L: Lanes<E = f64>>(l: L, r: L::F, rr: L::F) -> L::F {
        l.poly(r, rr, &LOG2)
    }
    #[inline(always)]
    fn near<L: Lanes<E = f64>>(l: L, y: L::F, z: L::F, rrr: L::F) -> L::F {
        // The error of z is mostly r^3 / (3 ln 2), which is known sooner than the low part.
        l.fma(l.mul(y, rrr), l.f(INV_LN2[0] / 3.0), z)
    }
    #[inline(always)]
    fn exp2<L: Lanes<E = f64>>(l: L, f: L::F) -> L::F {
        l.poly(f, l.mul(f, f), &EXP2)
    }
}

impl Constants for f32 {
    const FROM: u64 = (log::FROM as f32).to_bits() as u64;
    const PLACE: u32 = 19;
    const INV_LN2: [f64; 2] = INV_LN2_32;
    const NORMAL: f64 = 124.0;
    const END: f64 = 160.0;
    const SHIFT: i32 = 50;

    #[inline(always)]
    fn interval<L: Lanes<E = f32>>(l: L, i: L::U) -> [L::F; 4] {
        l.row(TABLE_32, i)
    }
    #[inline(always)]
    fn log2<L: Lanes<E = f32>>(l: L, r: L::F, _: L::F) -> L::F {
        l.horner(r, &LOG2_32)
    }
    #[inline(always)]
    fn near<L: Lanes<E = f32>>(_: L, _: L::F, z: L::F, _: L::F) -> L::F {
        z
    }
    #[inline(always)]
    fn exp2<L: Lanes<E = f32>>(l: L, f: L::F) -> L::F {
        l.horner(f, &EXP2_32)
    }
}

/// log2 of 2^k m as a sum of two numbers, the second below 2^-10 of the first, and r^3.
#[inline(always)]
fn log2<L: Lanes<E: Constants>>(l: L, Split { k, m, place, .. }: Split<L>) -> (L::F, L::F, L::F) {
    let [c, c_hi, c_lo, _] = L::E::interval(l, l.shr(place, L::E::PLACE));
    let r = l.fms(m, c, l.f(1.0));
    let rr = l.mul(r, r);
    let rr_lo = l.fms(r, r, rr);
    let rrr = l.mul(rr, r);
    let half = l.f(-0.5);
    let s = l.fma(rr, half, r);
    let s_lo = l.fma(rr, half, l.sub(r, s));
    let inv_ln2 = l.f(L::E::INV_LN2[0]);
    let h = l.mul(s, inv_ln2);
    let h_lo = l.fma(s, l.f(L::E::INV_LN2[1]), l.fms(s, inv_ln2, h));
    let (hi, lost) = l.fast_two_sum(l.fma(k, l.f(L::E::UNIT), c_hi), h);
    // In the order in which the terms become known.
    let low = l.fma(rrr, L::E::log2(l, r, rr), l.fma(rr_lo, l.f(-0.5 * L::E::INV_LN2[0]), c_lo));
    let low = l.add(low, l.add(h_lo, lost));
    (hi, l.fma(s_lo, inv_ln2, low), rrr)
}

/// 2^(z + z_lo), which must be a normal number; `near` is [`Constants::near`] of z.
#[inline(always)]
fn exp2<L: Lanes<E: Constants>>(l: L, z: L::F, z_lo: L::F, near: L::F) -> L::F {
    // n/STEPS, with n in the low bits of the sum.
    let magic = l.f(L::E::MAGIC / f64::from(<L::E as exp::Constants>::STEPS));
    let n_magic = l.add(near, magic);
    let n = l.bits(n_magic);
    let f = l.add(l.sub(z, l.sub(n_magic, magic)), z_lo);
    let (t, lack) = exp::power(l, n);
    let q = l.fma(f, L::E::exp2(l, f), lack);
    l.fma(t, q, t)
}

/// x^y from `power`, which must be |x|^y if x and y are finite, x is not 0, and |x| is not 1 or y is not
/// NaN.
#[inline(always)]
fn special<L: Lanes>(l: L, x: L::F, y: L::F, power: L::F) -> L::F {
    let (zero, one, inf, nan) = (l.f(0.0), l.f(1.0), l.f(f64::INFINITY), l.f(f64::NAN));
    let (abs, abs_y) = (l.abs(x), l.abs(y));
    let down = l.lt(y, zero);
    let power = l.select(l.eq(abs, zero), l.select(down, inf, zero), power);
    let power = l.select(l.eq(abs, inf), l.select(down, zero, inf), power);
    let power = l.select(l.eq(abs, one), one, power); // for infinite y
    // Whether y is an integer, and odd. From 2^MANTISSA on all floats are integers, and from twice that
    // on none is odd.
    let unit = l.f((1u64 << L::E::MANTISSA) as f64);
    let shifted = l.add(abs_y, unit);
    let large = l.le(unit, abs_y);
    let integer = l.either(large, l.eq(l.sub(shifted, unit), abs_y));
    let ones = l.bits(l.select(large, abs_y, shifted));
    let odd = l.both(l.both(l.odd(ones), integer), l.lt(abs_y, l.add(unit, unit)));
    let power = l.select(l.both(odd, l.negative(l.bits(x))), l.neg(power), power);
    let real = l.either(l.either(integer, l.eq(abs, inf)), l.le(zero, x));
    let power = l.select(real, power, nan);
    let power = l.select(l.both(l.eq(x, x), l.eq(y, y)), power, nan);
    l.select(l.either(l.eq(x, one), l.eq(y, zero)), one, power)
}

/// z, limited to the bounds, minus the shift.
#[inline(always)]
fn bounded<L: Lanes<E: Constants>>(l: L, z: L::F, shift: L::F) -> L::F {
    let end = L::E::END;
    l.sub(l.max(l.f(-end), l.min(l.f(end), z)), shift)
}

/// x^y
#[inline(always)]
fn power<L: Lanes<E: Constants>>(l: L, [x, y]: [L::F; 2]) -> L::F {
    let unusual = l.unusual(x);
    let (h, low, rrr) = log2(l, split_all(l, l.abs(x), unusual, L::E::FROM));
    let (z, lost) = l.two_product(y, h);
    let z_lo = l.fma(y, low, lost);
    let near = L::E::near(l, y, z, rrr);
    let far = l.not_lt(l.abs(z), l.f(L::E::NORMAL));
    let odd = l.either(unusual, far);
    let [power] = rarely!(
        l,
        odd,
        [l.canonical(power_any(l, [x, y], z, z_lo, near))],
        [exp2(l, z, z_lo, near)]
    );
    power
}

/// x^y = 2^(z + z_lo) for any x and y.
#[inline(always)]
fn power_any<L: Lanes<E: Constants>>(
    l: L,
    [x, y]: [L::F; 2],
    z: L::F,
    z_lo: L::F,
    near: L::F,
) -> L::F {
    // Where 2^z may not be a normal number, a shift is subtracted from z.
    let far = l.not_lt(l.abs(z), l.f(L::E::NORMAL));
    let (zero, shift, end) = (l.f(0.0), f64::from(L::E::SHIFT), l.f(L::E::END));
    let up = l.lt(zero, z);
    let shift = l.select(far, l.select(up, l.f(shift), l.f(-shift)), zero);
    let near_lo = l.select(l.lt(l.abs(z), end), z_lo, zero);
    let near = l.select(l.lt(l.abs(z), end), near, z);
    let power = exp2(l, bounded(l, z, shift), near_lo, bounded(l, near, shift));
    let [more, less] = [L::E::SHIFT, -L::E::SHIFT].map(|k| l.f(power_of_two(k)));
    let factor = l.select(far, l.select(up, more, less), l.f(1.0));
    special(l, x, y, l.mul(power, factor))
}

/// x^y
pub(super) struct Power;

impl Core<2> for Power {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, x: [L::F; 2]) -> L::F {
        power(l, x)
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; 2]) -> L::F {
        power(l, x)
    }
}
