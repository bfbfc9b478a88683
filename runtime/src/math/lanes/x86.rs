//! Four lanes of AVX2 with FMA, and eight of AVX-512.

use std::arch::x86_64::*;

use super::Lanes;

/// Four lanes. To have one is to know that the machine has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(in crate::math) struct Avx2(());

/// Eight lanes. To have one is to know that the machine has AVX-512 F and DQ.
#[derive(Clone, Copy)]
pub(in crate::math) struct Avx512(());

impl Avx2 {
    /// # Safety
    /// The machine must have AVX2 and FMA.
    #[inline(always)]
    pub(in crate::math) unsafe fn new() -> Avx2 {
        Avx2(())
    }
}

impl Avx512 {
    /// # Safety
    /// The machine must have AVX-512 F and DQ.
    #[inline(always)]
    pub(in crate::math) unsafe fn new() -> Avx512 {
        Avx512(())
    }
}

/// Methods that are one expression of intrinsics over their arguments.
macro_rules! ops {
    ($($name:ident($($arg:ident: $t:ty),*) -> $r:ty = $e:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $t),*) -> $r {
            // SAFETY: `self` shows that the machine has the instructions, and none of these
            // touches memory.
            unsafe { $e }
        }
    )*};
}

impl Lanes for Avx2 {
    type F = __m256d;
    type U = __m256i;
    type M = __m256d;
    const WIDTH: usize = 4;

    ops! {
        f(x: f64) -> __m256d = _mm256_set1_pd(x);
        u(x: u64) -> __m256i = _mm256_set1_epi64x(x as i64);
        add(a: __m256d, b: __m256d) -> __m256d = _mm256_add_pd(a, b);
        sub(a: __m256d, b: __m256d) -> __m256d = _mm256_sub_pd(a, b);
        mul(a: __m256d, b: __m256d) -> __m256d = _mm256_mul_pd(a, b);
        div(a: __m256d, b: __m256d) -> __m256d = _mm256_div_pd(a, b);
        fma(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fmadd_pd(a, b, c);
        fnma(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fnmadd_pd(a, b, c);
        min(a: __m256d, b: __m256d) -> __m256d = _mm256_min_pd(a, b);
        max(a: __m256d, b: __m256d) -> __m256d = _mm256_max_pd(a, b);
        bits(a: __m256d) -> __m256i = _mm256_castpd_si256(a);
        float(a: __m256i) -> __m256d = _mm256_castsi256_pd(a);
        and(a: __m256i, b: __m256i) -> __m256i = _mm256_and_si256(a, b);
        or(a: __m256i, b: __m256i) -> __m256i = _mm256_or_si256(a, b);
        xor(a: __m256i, b: __m256i) -> __m256i = _mm256_xor_si256(a, b);
        iadd(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi64(a, b);
        isub(a: __m256i, b: __m256i) -> __m256i = _mm256_sub_epi64(a, b);
        // By a vector of equal counts: the compiler makes it the immediate form.
        shl(a: __m256i, n: u32) -> __m256i = _mm256_sllv_epi64(a, _mm256_set1_epi64x(n as i64));
        shr(a: __m256i, n: u32) -> __m256i = _mm256_srlv_epi64(a, _mm256_set1_epi64x(n as i64));
        lt(a: __m256d, b: __m256d) -> __m256d = _mm256_cmp_pd::<_CMP_LT_OQ>(a, b);
        eq(a: __m256d, b: __m256d) -> __m256d = _mm256_cmp_pd::<_CMP_EQ_OQ>(a, b);
        // A mask is its sign bit.
        odd(a: __m256i) -> __m256d = _mm256_castsi256_pd(_mm256_slli_epi64::<63>(a));
        select(m: __m256d, a: __m256d, b: __m256d) -> __m256d = _mm256_blendv_pd(b, a, m);
        any(m: __m256d) -> bool = _mm256_movemask_pd(m) != 0;
    }

    #[inline(always)]
    unsafe fn load64(self, p: *const f64) -> __m256d {
        // SAFETY: the caller says that `p` is readable.
        unsafe { _mm256_loadu_pd(p) }
    }
    #[inline(always)]
    unsafe fn load32(self, p: *const f32) -> __m256d {
        // SAFETY: the caller says that `p` is readable.
        unsafe { _mm256_cvtps_pd(_mm_loadu_ps(p)) }
    }
    #[inline(always)]
    unsafe fn store64(self, p: *mut f64, a: __m256d) {
        // SAFETY: the caller says that `p` is writable.
        unsafe { _mm256_storeu_pd(p, a) }
    }
    #[inline(always)]
    unsafe fn store32(self, p: *mut f32, a: __m256d) {
        // SAFETY: the caller says that `p` is writable.
        unsafe { _mm_storeu_ps(p, _mm256_cvtpd_ps(a)) }
    }
}

impl Lanes for Avx512 {
    type F = __m512d;
    type U = __m512i;
    type M = __mmask8;
    const WIDTH: usize = 8;

    ops! {
        f(x: f64) -> __m512d = _mm512_set1_pd(x);
        u(x: u64) -> __m512i = _mm512_set1_epi64(x as i64);
        add(a: __m512d, b: __m512d) -> __m512d = _mm512_add_pd(a, b);
        sub(a: __m512d, b: __m512d) -> __m512d = _mm512_sub_pd(a, b);
        mul(a: __m512d, b: __m512d) -> __m512d = _mm512_mul_pd(a, b);
        div(a: __m512d, b: __m512d) -> __m512d = _mm512_div_pd(a, b);
        fma(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fmadd_pd(a, b, c);
        fnma(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fnmadd_pd(a, b, c);
        min(a: __m512d, b: __m512d) -> __m512d = _mm512_min_pd(a, b);
        max(a: __m512d, b: __m512d) -> __m512d = _mm512_max_pd(a, b);
        bits(a: __m512d) -> __m512i = _mm512_castpd_si512(a);
        float(a: __m512i) -> __m512d = _mm512_castsi512_pd(a);
        and(a: __m512i, b: __m512i) -> __m512i = _mm512_and_si512(a, b);
        or(a: __m512i, b: __m512i) -> __m512i = _mm512_or_si512(a, b);
        xor(a: __m512i, b: __m512i) -> __m512i = _mm512_xor_si512(a, b);
        iadd(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi64(a, b);
        isub(a: __m512i, b: __m512i) -> __m512i = _mm512_sub_epi64(a, b);
        shl(a: __m512i, n: u32) -> __m512i = _mm512_sllv_epi64(a, _mm512_set1_epi64(n as i64));
        shr(a: __m512i, n: u32) -> __m512i = _mm512_srlv_epi64(a, _mm512_set1_epi64(n as i64));
        lt(a: __m512d, b: __m512d) -> __mmask8 = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b);
        eq(a: __m512d, b: __m512d) -> __mmask8 = _mm512_cmp_pd_mask::<_CMP_EQ_OQ>(a, b);
        odd(a: __m512i) -> __mmask8 = _mm512_test_epi64_mask(a, _mm512_set1_epi64(1));
        select(m: __mmask8, a: __m512d, b: __m512d) -> __m512d = _mm512_mask_blend_pd(m, b, a);
        // One instruction, and rounded once as the two products are.
        scale(y: __m512d, k: __m512d) -> __m512d = _mm512_scalef_pd(y, k);
    }

    #[inline(always)]
    fn any(self, m: __mmask8) -> bool {
        m != 0
    }
    #[inline(always)]
    unsafe fn load64(self, p: *const f64) -> __m512d {
        // SAFETY: the caller says that `p` is readable.
        unsafe { _mm512_loadu_pd(p) }
    }
    #[inline(always)]
    unsafe fn load32(self, p: *const f32) -> __m512d {
        // SAFETY: the caller says that `p` is readable.
        unsafe { _mm512_cvtps_pd(_mm256_loadu_ps(p)) }
    }
    #[inline(always)]
    unsafe fn store64(self, p: *mut f64, a: __m512d) {
        // SAFETY: the caller says that `p` is writable.
        unsafe { _mm512_storeu_pd(p, a) }
    }
    #[inline(always)]
    unsafe fn store32(self, p: *mut f32, a: __m512d) {
        // SAFETY: the caller says that `p` is writable.
        unsafe { _mm256_storeu_ps(p, _mm512_cvtpd_ps(a)) }
    }
}
