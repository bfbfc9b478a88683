//! `sin`, `cos`, `tan`.
//!
//! Method: |x| = q pi/2 + r, |r| <= pi/4, q an integer; r as a sum of two, hi + lo. Then the
//! polynomials of sin and cos (minimax, errors 2^-57 and 2^-59) are both evaluated, and q chooses.
//!
//! Reduction (Cody and Waite's, with fused multiply-add): pi/2 = P1 + P2 + P3 with 53, 33 and 53
//! bits. For |x| < 2^20: x - q P1 is exact, as both are multiples of 2^-53 and the difference is
//! below 1; q P2 is exact, so the next difference's rounding error is found by repeating it;
//! q P3 is wrong by 2^-120 at most, and |r| is at least 2^-62 there. A larger |x| is rare and goes
//! through `huge`: its product with as many bits of 2/pi as matter (Payne and Hanek), in integers,
//! lane by lane.
//!
//! Error: sin r = hi + (lo + r^3 S) with a second term below 0.09, in which four roundings count
//! 0.06 ULP or less each: 0.5 + 0.25 ULP. cos r = (1 - r^2/2) + ..., what the square and the
//! difference lose added back: 0.5 + 0.25 too. tan is the quotient of the two as sums of two,
//! whose errors add up: 0.9 ULP.

use super::Core;
use super::lanes::Lanes;
use super::tanh::quotient;

const TWO_OVER_PI: f64 = std::f64::consts::FRAC_2_PI;
/// pi/2 in three parts.
const PI_2: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.12323399538461e-17, 3.5215598651832e-27];
/// Up to here [`PI_2`] is enough.
const NEAR: f64 = (1 << 20) as f64;
/// (sin(r) / r - 1) / z, z = r^2, |r| <= pi/4: error 2^-57.1 of the result after rounding.
const SIN: [f64; 7] = [
    -0.16666666666666666,
    0.008333333333333323,
    -0.000198412698412548,
    2.755731921406482e-06,
    -2.5052104881842314e-08,
    1.605836316352384e-10,
    -7.578540214554967e-13,
];
/// (cos(r) - 1 + z/2) / z^2, z = r^2, |r| <= pi/4: error 2^-59.7 of the result after rounding.
const COS: [f64; 6] = [
    0.041666666666666595,
    -0.0013888888888873056,
    2.480158728885156e-05,
    -2.7557314179253393e-07,
    2.0875700835842158e-09,
    -1.1358536192963992e-11,
];
/// pi/2 * 2^127
const PI_2_BITS: u128 = 0xc90fdaa22168c234c4c6628b80dc1cd1;
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

/// x = q pi/2 + hi + lo, for x of at least [`NEAR`] and q modulo 4. NaN if x is not finite.
pub(super) fn huge(x: f64) -> (u64, f64, f64) {
    let bits = x.to_bits();
    let e = (bits >> 52) as i32 - 1075; // -32 ..= 971
    if e > 971 {
        return (0, f64::NAN, 0.0);
    }
    let m = bits & ((1 << 52) - 1) | 1 << 52;
    // x = m 2^e. The bits of 2/pi that stand above 2^(2 - e) contribute multiples of 4, so the
    // product of m and the 192 bits from there on is x 2/pi 2^190, modulo 2^192; what is cut
    // off is below 2^-137, and x is no closer than 2^-62 to a multiple of pi/2.
    let at = (64 + e - 2) as usize; // the first bit's index in the table
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
    // Quarter turns, and 190 bits of a fraction of one, moved up to 192.
    let q = top >> 62;
    let (hi, lo) = ((u128::from(top) << 64 | low >> 64) << 2 | low >> 62 & 3, (low as u64) << 2);
    // To the nearest quarter turn: above one half the fraction becomes negative. (Of lo = 0 the
    // carry is left out: 2^-128.)
    let negative = hi >> 127 == 1;
    let (q, hi, lo) = if negative { ((q + 1) & 3, !hi, lo.wrapping_neg()) } else { (q, hi, lo) };
    // 128 leading bits of it: fraction = f 2^-(128 + zeros). |fraction| > 2^-64.
    let zeros = hi.leading_zeros().min(127);
    let f = hi << zeros | u128::from(lo) << zeros >> 64;
    // Times pi/2: the upper half of the product.
    let (f1, f0) = (f >> 64, f & u128::from(u64::MAX));
    let (c1, c0) = (PI_2_BITS >> 64, PI_2_BITS & u128::from(u64::MAX));
    let mid = ((f1 * c0) >> 1) + ((f0 * c1) >> 1); // one bit is lost to room for the carry
    let r = f1 * c1 + (mid >> 63);
    // r 2^-(127 + zeros), as its leading 53 bits and the others.
    let drop = 75 - r.leading_zeros();
    let rest = r & ((1 << drop) - 1);
    let unit = f64::from_bits(u64::from(1023 - 127 - zeros) << 52);
    let unit = if negative { -unit } else { unit };
    (q, (r - rest) as f64 * unit, rest as f64 * unit)
}

/// An argument's place in its quarter turn.
struct Reduced<L: Lanes> {
    /// Which quarter turn, in the two lowest bits.
    q: L::U,
    hi: L::F,
    lo: L::F,
}

/// Reduces x >= 0.
#[inline(always)]
fn reduce<L: Lanes<E = f64>>(l: L, x: L::F) -> Reduced<L> {
    let q_magic = l.fma(x, l.f(TWO_OVER_PI), l.magic());
    let q = l.sub(q_magic, l.magic());
    let t = l.fnma(q, l.f(PI_2[0]), x);
    let hi = l.fnma(q, l.f(PI_2[1]), t);
    let lost = l.fnma(q, l.f(PI_2[1]), l.sub(t, hi));
    let lo = l.fnma(q, l.f(PI_2[2]), lost);
    let (mut q, mut hi, mut lo) = (l.bits(q_magic), hi, lo);
    // False for a NaN, which is one by now.
    if l.any(l.lt(l.f(NEAR), x)) {
        (q, hi, lo) = patch(l, x, q, hi, lo);
    }
    Reduced { q, hi, lo }
}

/// Reduces those of x that are over [`NEAR`] anew.
#[inline(always)]
fn patch<L: Lanes<E = f64>>(l: L, x: L::F, q: L::U, hi: L::F, lo: L::F) -> (L::U, L::F, L::F) {
    const { assert!(L::WIDTH <= 8) };
    let mut lanes = [[0.0; 8]; 4];
    for (to, from) in lanes.iter_mut().zip([x, l.float(q), hi, lo]) {
        // SAFETY: the array is wide enough.
        unsafe { l.store(to.as_mut_ptr(), from) };
    }
    patch_lanes(&mut lanes, L::WIDTH);
    // SAFETY: as above.
    let [q, hi, lo] = [1, 2, 3].map(|i: usize| unsafe { l.load(lanes[i].as_ptr()) });
    (l.bits(q), hi, lo)
}

/// [`patch`] in memory: x, the bits of q, hi, lo.
#[cold]
#[inline(never)]
fn patch_lanes(lanes: &mut [[f64; 8]; 4], width: usize) {
    let [xs, qs, his, los] = lanes;
    for (((x, q), hi), lo) in xs.iter().zip(qs).zip(his).zip(los).take(width) {
        if *x > NEAR {
            let (quarter, h, l) = huge(*x);
            (*q, *hi, *lo) = (f64::from_bits(quarter), h, l);
        }
    }
}

/// sin(hi + lo) as hi plus the result.
#[inline(always)]
fn sin_tail<L: Lanes<E = f64>>(l: L, z: L::F, zz: L::F, hi: L::F, lo: L::F) -> L::F {
    let s = l.poly(z, zz, &SIN);
    // lo counts by the derivative, 1 - hi^2/2.
    let lo = l.fnma(l.mul(z, l.f(0.5)), lo, lo);
    l.fma(l.mul(z, hi), s, lo)
}

/// cos(hi + lo) as a sum of two.
#[inline(always)]
fn cos_parts<L: Lanes<E = f64>>(l: L, z: L::F, zz: L::F, hi: L::F, lo: L::F) -> (L::F, L::F) {
    let half = l.mul(z, l.f(0.5));
    let w = l.sub(l.f(1.0), half);
    let lost = l.sub(l.sub(l.f(1.0), w), half);
    // Half of what z lost in rounding counts here too.
    let lost = l.fma(l.fnma(hi, hi, z), l.f(0.5), lost);
    let tail = l.fma(zz, l.poly(z, zz, &COS), l.fnma(hi, lo, lost));
    (w, tail)
}

/// sin where `q` has an even number of quarter turns, else cos; then the sign of q's half turns.
#[inline(always)]
fn wave<L: Lanes<E = f64>>(l: L, x: L::F, turn: u64) -> L::F {
    let Reduced { q, hi, lo } = reduce(l, x);
    let q = if turn == 0 { q } else { l.iadd(q, l.u(turn)) };
    let z = l.mul(hi, hi);
    let zz = l.mul(z, z);
    let tail = sin_tail(l, z, zz, hi, lo);
    let (w, w_tail) = cos_parts(l, z, zz, hi, lo);
    let odd = l.odd(q);
    let y = l.add(l.select(odd, w, hi), l.select(odd, w_tail, tail));
    l.flip(y, l.shl(l.shr(q, 1), 63))
}

/// The sine.
pub(super) struct Sin;

impl Core<1> for Sin {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        l.flip(wave(l, l.abs(x), 0), l.sign(x))
    }
}

/// The cosine.
pub(super) struct Cos;

impl Core<1> for Cos {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        wave(l, l.abs(x), 1)
    }
}

/// The tangent.
pub(super) struct Tan;

impl Core<1> for Tan {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let Reduced { q, hi, lo } = reduce(l, l.abs(x));
        let z = l.mul(hi, hi);
        let zz = l.mul(z, z);
        let tail = sin_tail(l, z, zz, hi, lo);
        let sh = l.add(hi, tail);
        let sl = l.sub(tail, l.sub(sh, hi));
        let (w, w_tail) = cos_parts(l, z, zz, hi, lo);
        let ch = l.add(w, w_tail);
        let cl = l.sub(w_tail, l.sub(ch, w));
        let odd = l.odd(q);
        let y = quotient(
            l,
            l.select(odd, ch, sh),
            l.select(odd, cl, sl),
            l.select(odd, sh, ch),
            l.select(odd, sl, cl),
        );
        // tan(r + pi/2) = -cot r
        l.flip(y, l.xor(l.shl(q, 63), l.sign(x)))
    }
}
