//! The instance of one lane, for every target.

use std::marker::PhantomData;

use super::{Core, Lanes, Rows};
use crate::math::softfma;

/// One lane in plain Rust: the instance for machines without AVX2, whose results define those of the
/// others.
#[derive(Clone, Copy)]
pub(in crate::kernels::math) struct Scalar<E>(PhantomData<E>);

impl<E> Scalar<E> {
    pub(in crate::kernels::math) fn new() -> Scalar<E> {
        Scalar(PhantomData)
    }
}

macro_rules! scalar {
    ($float:ty, $bits:ty, $fma:path) => {
        impl Lanes for Scalar<$float> {
            type E = $float;
            type F = $float;
            type U = $bits;
            type M = bool;
            type Wide = Scalar<f64>;
            const WIDTH: usize = 1;

            #[inline(always)]
            fn f(self, x: f64) -> $float {
                x as $float
            }
            #[inline(always)]
            fn u(self, x: u64) -> $bits {
                x as $bits
            }
            #[inline(always)]
            fn add(self, a: $float, b: $float) -> $float {
                a + b
            }
            #[inline(always)]
            fn sub(self, a: $float, b: $float) -> $float {
                a - b
            }
            #[inline(always)]
            fn mul(self, a: $float, b: $float) -> $float {
                a * b
            }
            #[inline(always)]
            fn div(self, a: $float, b: $float) -> $float {
                a / b
            }
            #[inline(always)]
            fn sqrt(self, a: $float) -> $float {
                a.sqrt()
            }
            #[inline(always)]
            fn fma(self, a: $float, b: $float, c: $float) -> $float {
                $fma(a, b, c)
            }
            #[inline(always)]
            fn fms(self, a: $float, b: $float, c: $float) -> $float {
                $fma(a, b, -c)
            }
            #[inline(always)]
            fn fnma(self, a: $float, b: $float, c: $float) -> $float {
                $fma(-a, b, c)
            }
            #[inline(always)]
            fn min(self, a: $float, b: $float) -> $float {
                if a < b { a } else { b }
            }
            #[inline(always)]
            fn max(self, a: $float, b: $float) -> $float {
                if a > b { a } else { b }
            }
            #[inline(always)]
            fn bits(self, a: $float) -> $bits {
                a.to_bits()
            }
            #[inline(always)]
            fn float(self, a: $bits) -> $float {
                <$float>::from_bits(a)
            }
            #[inline(always)]
            fn and(self, a: $bits, b: $bits) -> $bits {
                a & b
            }
            #[inline(always)]
            fn or(self, a: $bits, b: $bits) -> $bits {
                a | b
            }
            #[inline(always)]
            fn xor(self, a: $bits, b: $bits) -> $bits {
                a ^ b
            }
            #[inline(always)]
            fn iadd(self, a: $bits, b: $bits) -> $bits {
                a.wrapping_add(b)
            }
            #[inline(always)]
            fn isub(self, a: $bits, b: $bits) -> $bits {
                a.wrapping_sub(b)
            }
            #[inline(always)]
            fn shl(self, a: $bits, n: u32) -> $bits {
                a << n
            }
            #[inline(always)]
            fn shr(self, a: $bits, n: u32) -> $bits {
                a >> n
            }
            #[inline(always)]
            fn integer(self, a: $bits) -> $float {
                a.cast_signed() as $float
            }
            #[inline(always)]
            fn lt(self, a: $float, b: $float) -> bool {
                a < b
            }
            #[inline(always)]
            fn le(self, a: $float, b: $float) -> bool {
                a <= b
            }
            #[inline(always)]
            fn eq(self, a: $float, b: $float) -> bool {
                a == b
            }
            #[inline(always)]
            #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "true for a NaN")]
            fn not_lt(self, a: $float, b: $float) -> bool {
                !(a < b)
            }
            #[inline(always)]
            #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "true for a NaN")]
            fn not_le(self, a: $float, b: $float) -> bool {
                !(a <= b)
            }
            #[inline(always)]
            fn unusual(self, a: $float) -> bool {
                !(<$float>::MIN_POSITIVE..<$float>::INFINITY).contains(&a)
            }
            #[inline(always)]
            fn odd(self, a: $bits) -> bool {
                a & 1 == 1
            }
            #[inline(always)]
            fn negative(self, a: $bits) -> bool {
                a >> (<$bits>::BITS - 1) == 1
            }
            #[inline(always)]
            fn both(self, a: bool, b: bool) -> bool {
                a & b
            }
            #[inline(always)]
            fn either(self, a: bool, b: bool) -> bool {
                a | b
            }
            #[inline(always)]
            fn not(self, a: bool) -> bool {
                !a
            }
            #[inline(always)]
            fn select(self, m: bool, a: $float, b: $float) -> $float {
                if m { a } else { b }
            }
            #[inline(always)]
            fn any(self, m: bool) -> bool {
                m
            }
            #[inline(always)]
            fn table<const N: usize>(self, table: &'static [$float; N], i: $bits) -> $float {
                table[i as usize & (N - 1)]
            }
            #[inline(always)]
            fn row<const N: usize, const R: usize>(
                self,
                table: &'static Rows<$float, N, R>,
                i: $bits,
            ) -> [$float; R] {
                table.rows[i as usize & (N - 1)]
            }
            #[inline(always)]
            fn widen(self, a: $float) -> [f64; 2] {
                [f64::from(a), 0.0]
            }
            #[inline(always)]
            fn narrow(self, a: [f64; 2]) -> $float {
                a[0] as $float
            }
            #[inline(always)]
            fn wide(self) -> Scalar<f64> {
                Scalar::new()
            }
            #[inline(always)]
            fn in_f64<C: Core<N>, const N: usize>(self, x: [$float; N]) -> $float {
                C::f64(self.wide(), x.map(f64::from)) as $float
            }
            #[inline(always)]
            unsafe fn load(self, p: *const $float) -> $float {
                // SAFETY: `p` is readable, by the caller's promise.
                unsafe { p.read_unaligned() }
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $float, a: $float) {
                // SAFETY: `p` is writable, by the caller's promise.
                unsafe { p.write_unaligned(a) }
            }
        }
    };
}

scalar!(f32, u32, softfma::fused32);
scalar!(f64, u64, softfma::fused64);
