//! `cbrt`, `hypot`.
//!
//! cbrt: |x| = 2^(3k) m with m = 2^i f, 1 <= f < 2, and i one of -1, 0, 1. A polynomial in f and a table
//! give an approximation r of m^(-1/3) with a few digits. Then u = m r^2 is m^(1/3) (1 - h)^(2/3) with
//! h = 1 - u r, and the product of u and a few terms of (1 - h)^(-2/3) is the root. r is truncated to
//! half a significand, so that r^2 is exact. h compensates two thirds of the rounding error of u:
//! 0.5 + 0.2 ULP.
//!
//! hypot: both arguments are scaled by the power of two for which the larger is in [2, 4). With p the
//! rounded square of the larger and S the rounded sum, fused operations give the errors of p and S, which
//! are added. So the sum is rounded once, and the root reduces that error to at most 0.36 ULP: 0.86 in
//! total. A subnormal argument is scaled like the smallest normal number, so that the scale is a normal
//! number. If no lane needs the scaling it is omitted, which changes no bits: what underflows without it
//! is less than half an ulp of the error of p if that is not 0, and otherwise far below an ulp of S.

use super::cores;
use super::lanes::{Element, Lanes, power_of_two, rarely};

/// f^(-1/3) on 1 <= f < 2, relative: error 2^-17.4 after rounding.
const F64_INVERSE: [f64; 6] = [
    1.7810581226171283,
    -1.5660300349100185,
    1.243787069996356,
    -0.5978736062983614,
    0.15607174513196956,
    -0.017019045034643184,
];
const F64_ROOTS: [f64; 8] = [0.7937005259840998, 1.0, 1.0, 1.0, 1.0, 1.0, 1.2599210498948732, 1.0];
/// f^(-1/3) on 1 <= f < 2, relative: error 2^-11.9 after rounding.
const F32_INVERSE: [f64; 4] = [1.5418869, -0.8099602, 0.317757, -0.049936872];
const F32_ROOTS: [f32; 8] = [0.7937005, 1.0, 1.0, 1.0, 1.0, 1.0, 1.2599211, 1.0];

/// The constants and polynomials of the cube root for a float type.
trait Constants: Element {
    /// 2^(-i/3)
    const ROOTS: &'static [Self; 8];
    /// The exponent for which the product with 2^(3 UP) of a subnormal is a normal number.
    const UP: i32;

    /// f^(-1/3)
    fn inverse<L: Lanes<E = Self>>(l: L, f: L::F) -> L::F;
    /// ((1 - h)^(-2/3) - 1) / h
    fn series<L: Lanes<E = Self>>(l: L, h: L::F) -> L::F;
}

impl Constants for f64 {
    const ROOTS: &'static [f64; 8] = &F64_ROOTS;
    const UP: i32 = 18;

    #[inline(always)]
    fn inverse<L: Lanes<E = f64>>(l: L, f: L::F) -> L::F {
        l.paired(f, l.mul(f, f), &F64_INVERSE)
    }
    #[inline(always)]
    fn series<L: Lanes<E = f64>>(l: L, h: L::F) -> L::F {
        l.horner(h, &[2.0 / 3.0, 5.0 / 9.0, 40.0 / 81.0])
    }
}

impl Constants for f32 {
    const ROOTS: &'static [f32; 8] = &F32_ROOTS;
    const UP: i32 = 8;

    #[inline(always)]
    fn inverse<L: Lanes<E = f32>>(l: L, f: L::F) -> L::F {
        l.horner(f, &F32_INVERSE)
    }
    #[inline(always)]
    fn series<L: Lanes<E = f32>>(l: L, h: L::F) -> L::F {
        l.horner(h, &[2.0 / 3.0, 5.0 / 9.0])
    }
}

/// The least normal number.
const fn least<E: Element>() -> f64 {
    power_of_two(1 - E::BIAS as i32)
}

/// The cube root of a normal number > 0.
#[inline(always)]
fn cbrt_normal<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let bits = l.bits(x);
    let mantissa = L::E::MANTISSA;
    let e = l.float(l.or(l.shr(bits, mantissa), l.bits(l.magic())));
    // (e - BIAS)/3, rounded. The rounding error of the constant is below 1/6, so thirds are still
    // rounded correctly.
    let third = l.f(L::E::MAGIC / 1.5 - L::E::BIAS as f64 / 3.0);
    let k = l.shl(l.bits(l.fma(e, l.f(1.0 / 3.0), third)), mantissa);
    let m = l.isub(bits, l.iadd(l.iadd(k, k), k));
    let root = l.table(L::E::ROOTS, l.shr(m, mantissa));
    let m = l.float(m);
    let fraction = l.and(bits, l.u((1 << mantissa) - 1));
    let f = l.float(l.or(fraction, l.u(L::E::BIAS << mantissa)));
    let r = l.mul(L::E::inverse(l, f), root);
    let r = l.float(l.and(l.bits(r), l.u(!0 << (mantissa / 2 + 1))));
    let u = l.mul(m, l.mul(r, r));
    let h = l.fnma(u, r, l.f(1.0));
    let y = l.fma(l.mul(u, h), L::E::series(l, h), u);
    l.float(l.iadd(l.bits(y), k))
}

#[inline(always)]
fn cbrt<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let abs = l.abs(x);
    let finite = l.lt(abs, l.f(f64::INFINITY));
    let normal = l.both(finite, l.le(l.f(least::<L::E>()), abs));
    let [root] = rarely!(
        l,
        l.not(normal),
        {
            let up = l.mul(abs, l.f(power_of_two(3 * L::E::UP)));
            let root = cbrt_normal(l, l.select(normal, abs, up));
            let root = l.select(normal, root, l.mul(root, l.f(power_of_two(-L::E::UP))));
            // The root of 0, infinity or NaN is the argument.
            let root = l.flip(root, l.sign(x));
            let root = l.select(l.both(finite, l.lt(l.f(0.0), abs)), root, x);
            [l.canonical(root)]
        },
        [l.flip(cbrt_normal(l, abs), l.sign(x))]
    );
    root
}

/// sqrt(a^2 + b^2) for a >= b >= 0 and an a^2 that does not overflow or underflow.
#[inline(always)]
fn root_of_squares<L: Lanes>(l: L, a: L::F, b: L::F) -> L::F {
    let (p, p_lost) = l.two_product(a, a);
    let (s, s_lost) = l.fast_two_fma(b, b, p);
    l.sqrt(l.add(s, l.add(s_lost, p_lost)))
}

#[inline(always)]
fn hypot<L: Lanes>(l: L, x: L::F, y: L::F) -> L::F {
    let (x, y) = (l.abs(x), l.abs(y));
    // With a NaN, at least one of them is NaN.
    let (a, b) = (l.max(x, y), l.min(y, x));
    let bias = L::E::BIAS as i32;
    let (low, high) = (power_of_two(-bias / 5), power_of_two(bias / 2 - 1));
    let inside = l.both(l.le(l.f(low), a), l.le(a, l.f(high)));
    let [root] = rarely!(l, l.not(inside), [hypot_scaled(l, a, b)], [root_of_squares(l, a, b)]);
    root
}

/// [`hypot`] of scaled arguments. Roundings are the same, because scaling is exact.
#[inline(always)]
fn hypot_scaled<L: Lanes>(l: L, a: L::F, b: L::F) -> L::F {
    let normal = l.max(l.f(2.0 * least::<L::E>()), a);
    let exponent = l.and(l.bits(normal), l.u(L::E::INFINITY));
    let down = l.float(l.isub(l.u(L::E::INFINITY), exponent));
    let up = l.float(l.isub(exponent, l.u(1 << L::E::MANTISSA)));
    let root = l.mul(root_of_squares(l, l.mul(a, down), l.mul(b, down)), up);
    // The product of infinity and its scale, 0, is NaN.
    let infinity = l.f(f64::INFINITY);
    let infinite = l.either(l.eq(a, infinity), l.eq(b, infinity));
    l.select(infinite, infinity, root)
}

cores! {
    /// The cube root.
    Cbrt = cbrt(x) => CANONICAL;
    /// sqrt(x^2 + y^2)
    Hypot = hypot(x, y);
}
