//! One lane, on every target.

use super::Lanes;
use crate::math::softfma;

/// One lane of plain Rust: what runs where there is nothing better, and what the rest must equal.
#[derive(Clone, Copy)]
pub(in crate::math) struct Scalar;

impl Lanes for Scalar {
    type F = f64;
    type U = u64;
    type M = bool;
    const WIDTH: usize = 1;

    #[inline(always)]
    fn f(self, x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn u(self, x: u64) -> u64 {
        x
    }
    #[inline(always)]
    fn add(self, a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f64, b: f64) -> f64 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f64, b: f64) -> f64 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f64, b: f64) -> f64 {
        a / b
    }
    #[inline(always)]
    fn fma(self, a: f64, b: f64, c: f64) -> f64 {
        softfma::fma(a, b, c)
    }
    #[inline(always)]
    fn fnma(self, a: f64, b: f64, c: f64) -> f64 {
        softfma::fma(-a, b, c)
    }
    #[inline(always)]
    fn min(self, a: f64, b: f64) -> f64 {
        if a < b { a } else { b }
    }
    #[inline(always)]
    fn max(self, a: f64, b: f64) -> f64 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn bits(self, a: f64) -> u64 {
        a.to_bits()
    }
    #[inline(always)]
    fn float(self, a: u64) -> f64 {
        f64::from_bits(a)
    }
    #[inline(always)]
    fn and(self, a: u64, b: u64) -> u64 {
        a & b
    }
    #[inline(always)]
    fn or(self, a: u64, b: u64) -> u64 {
        a | b
    }
    #[inline(always)]
    fn xor(self, a: u64, b: u64) -> u64 {
        a ^ b
    }
    #[inline(always)]
    fn iadd(self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn isub(self, a: u64, b: u64) -> u64 {
        a.wrapping_sub(b)
    }
    #[inline(always)]
    fn shl(self, a: u64, n: u32) -> u64 {
        a << n
    }
    #[inline(always)]
    fn shr(self, a: u64, n: u32) -> u64 {
        a >> n
    }
    #[inline(always)]
    fn lt(self, a: f64, b: f64) -> bool {
        a < b
    }
    #[inline(always)]
    fn eq(self, a: f64, b: f64) -> bool {
        a == b
    }
    #[inline(always)]
    fn odd(self, a: u64) -> bool {
        a & 1 == 1
    }
    #[inline(always)]
    fn select(self, m: bool, a: f64, b: f64) -> f64 {
        if m { a } else { b }
    }
    #[inline(always)]
    fn any(self, m: bool) -> bool {
        m
    }
    #[inline(always)]
    unsafe fn load64(self, p: *const f64) -> f64 {
        // SAFETY: the caller says that `p` is readable.
        unsafe { p.read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load32(self, p: *const f32) -> f64 {
        // SAFETY: the caller says that `p` is readable.
        f64::from(unsafe { p.read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store64(self, p: *mut f64, a: f64) {
        // SAFETY: the caller says that `p` is writable.
        unsafe { p.write_unaligned(a) }
    }
    #[inline(always)]
    unsafe fn store32(self, p: *mut f32, a: f64) {
        // SAFETY: the caller says that `p` is writable.
        unsafe { p.write_unaligned(a as f32) }
    }
}
