//! `cbrt`, `hypot`.
//!
//! cbrt: |x| = 2^(3k) m with m = 2^i f, 1 <= f < 2, i of -1, 0, 1. A polynomial in f and a table
//! give r = m^(-1/3) to a few digits; then u = m r^2 is m^(1/3) (1 - h)^(2/3) with h = 1 - u r, and
//! a few terms of (1 - h)^(-2/3) make the root of it. r is cut to half a significand, so that r^2
//! is exact, and of what u loses h has two thirds: 0.5 + 0.2 ULP.
//!
//! hypot: both are scaled by the power of two that takes the larger to [2, 4). With p the rounded
//! square of the larger and S of the sum, what p and S lack is found by fma and added, so the
//! sum is rounded once, and the root makes at most 0.36 ULP of that: 0.86. A subnormal
//! argument is scaled as the smallest normal ones are, which keeps the scale a normal number.
//! Where no lane needs it, the scaling is left out. It changes no bits: what underflows without it
//! is less than half a unit of what p lacks, if that is not 0, and else far below S's.

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

/// What the cube root needs to know of a float type.
trait Constants: Element {
    /// 2^(-i/3)
    const ROOTS: &'static [Self; 8];
    /// 2^(3 UP) makes subnormals normal.
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
    // (e - BIAS)/3, rounded. The constant is off by a rounding of less than 1/6, which does
    // not turn thirds into halves.
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
            // 0, infinity and NaN are their own roots.
            let root = l.flip(root, l.sign(x));
            let root = l.select(l.both(finite, l.lt(l.f(0.0), abs)), root, x);
            [l.canonical(root)]
        },
        [l.flip(cbrt_normal(l, abs), l.sign(x))]
    );
    root
}

/// sqrt(a^2 + b^2), a >= b >= 0, a^2 neither huge nor tiny.
#[inline(always)]
fn root_of_squares<L: Lanes>(l: L, a: L::F, b: L::F) -> L::F {
    let (p, p_lost) = l.two_product(a, a);
    let (s, s_lost) = l.fast_two_fma(b, b, p);
    l.sqrt(l.add(s, l.add(s_lost, p_lost)))
}

#[inline(always)]
fn hypot<L: Lanes>(l: L, x: L::F, y: L::F) -> L::F {
    let (x, y) = (l.abs(x), l.abs(y));
    // A NaN passes through one of them at least.
    let (a, b) = (l.max(x, y), l.min(y, x));
    let bias = L::E::BIAS as i32;
    let (low, high) = (power_of_two(-bias / 5), power_of_two(bias / 2 - 1));
    let inside = l.both(l.le(l.f(low), a), l.le(a, l.f(high)));
    let [root] = rarely!(l, l.not(inside), [hypot_scaled(l, a, b)], [root_of_squares(l, a, b)]);
    root
}

/// As [`hypot`], by the same roundings, because powers of two multiply exactly.
#[inline(always)]
fn hypot_scaled<L: Lanes>(l: L, a: L::F, b: L::F) -> L::F {
    let normal = l.max(l.f(2.0 * least::<L::E>()), a);
    let exponent = l.and(l.bits(normal), l.u(L::E::INFINITY));
    let down = l.float(l.isub(l.u(L::E::INFINITY), exponent));
    let up = l.float(l.isub(exponent, l.u(1 << L::E::MANTISSA)));
    let root = l.mul(root_of_squares(l, l.mul(a, down), l.mul(b, down)), up);
    // Infinity times its scale, 0, is not a number.
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
