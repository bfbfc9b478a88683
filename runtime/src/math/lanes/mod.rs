//! The few operations the math functions are written in, and their instances.
//!
//! A [`Lanes`] value stands for an instruction set: a core takes one as `l` and says
//! `l.fma(a, b, c)`. It has no size, and whoever holds one has shown that the machine has the
//! instructions, so the cores need no `unsafe`. The operations give the same bits in every
//! instance, lane by lane, except for the sign and payload of a NaN; a core is nothing but a
//! fixed sequence of them, so its results do not depend on the instance either.

mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(super) use scalar::Scalar;
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

/// The sign bit.
pub(super) const SIGN: u64 = 1 << 63;
/// 1.5 * 2^52: `(x + MAGIC) - MAGIC` is x rounded to an integer, ties to even, for |x| < 2^51;
/// the integer itself stands in the low bits of `x + MAGIC`.
pub(super) const MAGIC: f64 = 6755399441055744.0;

/// Some lanes of f64, their bits, and masks of them.
pub(super) trait Lanes: Copy {
    /// Lanes of f64.
    type F: Copy;
    /// Lanes of u64.
    type U: Copy;
    /// A truth value for each lane.
    type M: Copy;
    /// How many lanes.
    const WIDTH: usize;

    /// `x` in every lane.
    fn f(self, x: f64) -> Self::F;
    /// `x` in every lane.
    fn u(self, x: u64) -> Self::U;

    /// `a + b`
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a * b`, rounded once.
    fn fnma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `if a < b { a } else { b }`: a NaN in `b` stays, in `a` goes.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// `if a > b { a } else { b }`: a NaN in `b` stays, in `a` goes.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;

    /// The bits of floats.
    fn bits(self, a: Self::F) -> Self::U;
    /// The floats of bits.
    fn float(self, a: Self::U) -> Self::F;
    /// `a & b`
    fn and(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a | b`
    fn or(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a ^ b`
    fn xor(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a + b`, wrapping.
    fn iadd(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a - b`, wrapping.
    fn isub(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a << n`
    fn shl(self, a: Self::U, n: u32) -> Self::U;
    /// `a >> n`, zeros coming in.
    fn shr(self, a: Self::U, n: u32) -> Self::U;

    /// `a < b`, false for a NaN.
    fn lt(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a == b`, false for a NaN.
    fn eq(self, a: Self::F, b: Self::F) -> Self::M;
    /// The lowest bit of each lane.
    fn odd(self, a: Self::U) -> Self::M;
    /// `a` where `m`, else `b`.
    fn select(self, m: Self::M, a: Self::F, b: Self::F) -> Self::F;
    /// Whether `m` holds in any lane.
    fn any(self, m: Self::M) -> bool;

    /// Reads `WIDTH` f64.
    ///
    /// # Safety
    /// `p` must be readable for as many; it need not be aligned.
    unsafe fn load64(self, p: *const f64) -> Self::F;
    /// Reads `WIDTH` f32 and widens them.
    ///
    /// # Safety
    /// As [`Lanes::load64`].
    unsafe fn load32(self, p: *const f32) -> Self::F;
    /// Writes `WIDTH` f64.
    ///
    /// # Safety
    /// `p` must be writable for as many; it need not be aligned.
    unsafe fn store64(self, p: *mut f64, a: Self::F);
    /// Rounds to f32 and writes `WIDTH` of them.
    ///
    /// # Safety
    /// As [`Lanes::store64`].
    unsafe fn store32(self, p: *mut f32, a: Self::F);

    /// 2^(k + up) from `k + MAGIC`; it must be a normal number.
    #[inline(always)]
    fn pow2(self, k_magic: Self::F, up: i64) -> Self::F {
        let biased = self.iadd(self.bits(k_magic), self.u((1023 + up) as u64));
        self.float(self.shl(biased, 52))
    }

    /// `y * 2^k`, rounded once, for an integer k in -2000 ..= 2000.
    #[inline(always)]
    fn scale(self, y: Self::F, k: Self::F) -> Self::F {
        // Two factors. The first product is exact: y is near 1 and the factor a normal number.
        let half = self.fma(k, self.f(0.5), self.f(MAGIC));
        let rest = self.sub(k, self.sub(half, self.f(MAGIC)));
        let first = self.mul(y, self.pow2(half, 0));
        self.mul(first, self.pow2(self.add(rest, self.f(MAGIC)), 0))
    }

    /// `|a|`
    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        self.float(self.and(self.bits(a), self.u(!SIGN)))
    }

    /// The sign bits of `a` and nothing else.
    #[inline(always)]
    fn sign(self, a: Self::F) -> Self::U {
        self.and(self.bits(a), self.u(SIGN))
    }

    /// `a` with its sign flipped where the sign bit of `s` is set; `s` has no other bit.
    #[inline(always)]
    fn flip(self, a: Self::F, s: Self::U) -> Self::F {
        self.float(self.xor(self.bits(a), s))
    }

    /// `c[0] + c[1] x + c[2] x^2 + ...` by two interleaved chains in `x^2`, which halves the
    /// latency of Horner's one for one more multiplication. `xx` is `x * x`.
    #[inline(always)]
    fn poly<const N: usize>(self, x: Self::F, xx: Self::F, c: &[f64; N]) -> Self::F {
        const { assert!(N >= 4) };
        let (mut p, mut q) = (self.f(c[N - 1]), self.f(c[N - 2]));
        let mut i = N - 2;
        while i >= 2 {
            p = self.fma(p, xx, self.f(c[i - 1]));
            q = self.fma(q, xx, self.f(c[i - 2]));
            i -= 2;
        }
        // Down to c[1] and c[0], or to c[2] and c[1].
        if i == 0 { self.fma(p, x, q) } else { self.fma(q, x, self.fma(p, xx, self.f(c[0]))) }
    }
}
