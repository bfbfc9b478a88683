//! `sin` and `cos` for the `fast` mode: at most 4 ULP instead of 1, in two thirds of the time.
//!
//! Method: |x| = k pi + r for the sine, (k + 1/2) pi + r for the cosine, |r| <= pi/2; then one odd
//! polynomial (minimax, error 2^-60 in f64, 2^-27 in f32), whose sign is that of (-1)^k. No table.
//!
//! Error: pi is P1 + P2 + P3, |x| - k P1 is exact (see trig.rs), and the other two parts cost a
//! rounding of r each: 1 ULP near pi/2, where r^3 p is half of r and its roundings count as much
//! again: 2.5 ULP in all. What that takes beyond 1 is cut off. A larger |x| is left to the exact
//! function.

use super::lanes::{Element, Lanes, rarely};
use super::trig::{Cos, Sin};
use super::{Core, cores};

/// The constants of a float type.
struct HalfTurns<const N: usize> {
    /// pi in three parts.
    pi: [f64; 3],
    /// Up to here `pi` is enough.
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

/// sin(|x| - offset pi) without its sign, which is that of bit 0 of the second result. `offset`
/// is 0 or 1/2.
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

/// `y` up to `near`; beyond it the exact function.
#[inline(always)]
fn far<C: Core<1>, L: Lanes>(l: L, near: f64, x: L::F, y: L::F) -> L::F {
    let far = l.lt(l.f(near), l.abs(x));
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

cores! {
    /// The sine.
    FastSin = sine(x) by F64, F32;
    /// The cosine.
    FastCos = cosine(x) by F64, F32;
}
