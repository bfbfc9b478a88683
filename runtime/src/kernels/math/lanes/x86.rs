//! The instances of 256-bit vectors with AVX2 and FMA, and of 512-bit vectors with AVX-512.

use std::arch::x86_64::*;
use std::marker::PhantomData;

use super::{Grid, Lanes, Rows};

/// 256-bit vectors. A value exists only if the machine has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(in crate::kernels::math) struct Avx2<E>(PhantomData<E>);

/// 512-bit vectors. A value exists only if the machine has AVX-512 F and DQ.
#[derive(Clone, Copy)]
pub(in crate::kernels::math) struct Avx512<E>(PhantomData<E>);

impl<E> Avx2<E> {
    /// The value of these lanes.
    ///
    /// # Safety
    /// The machine must have AVX2 and FMA.
    #[inline(always)]
    pub(in crate::kernels::math) unsafe fn new() -> Avx2<E> {
        Avx2(PhantomData)
    }
}

impl<E> Avx512<E> {
    /// The value of these lanes.
    ///
    /// # Safety
    /// The machine must have AVX-512 F and DQ.
    #[inline(always)]
    pub(in crate::kernels::math) unsafe fn new() -> Avx512<E> {
        Avx512(PhantomData)
    }
}

/// Defines methods that are one expression of intrinsics over their arguments.
macro_rules! ops {
    ($($name:ident($($arg:ident: $t:ty),*) -> $r:ty = $e:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $t),*) -> $r {
            // SAFETY: as `self` exists, the machine has the instructions. They access no memory.
            unsafe { $e }
        }
    )*};
}

/// Defines loads and stores.
macro_rules! memory {
    ($float:ty, $vector:ty, $load:ident, $store:ident) => {
        #[inline(always)]
        unsafe fn load(self, p: *const $float) -> $vector {
            // SAFETY: `p` is readable, by the caller's promise.
            unsafe { $load(p) }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut $float, a: $vector) {
            // SAFETY: `p` is writable, by the caller's promise.
            unsafe { $store(p, a) }
        }
    };
}

/// Defines table lookups by an expression for each number of entries.
macro_rules! table {
    (
        $float:ty, $bits:ty, $vector:ty, |$p:ident, $i:ident|
        8 => $e8:expr, 16 => $e16:expr, 32 => $e32:expr
    ) => {
        #[inline(always)]
        fn table<const N: usize>(self, table: &'static [$float; N], $i: $bits) -> $vector {
            const { assert!(N == 8 || N == 16 || N == 32) };
            let $p = table.as_ptr();
            // SAFETY: the table has N entries, and no index is beyond them. As `self` exists, the
            // machine has the instructions.
            unsafe {
                match N {
                    8 => $e8,
                    16 => $e16,
                    _ => $e32,
                }
            }
        }
    };
}

/// `p[i & 7]` in each lane, by permutations of the halves of f64, which are faster than a gather.
///
/// # Safety
/// `p` must be readable for 8 numbers, and the machine must have AVX2.
#[inline(always)]
unsafe fn four_of_eight(p: *const f64, i: __m256i) -> __m256d {
    // SAFETY: the caller's promise.
    unsafe {
        // The indices 2 i and 2 i + 1, of which the permutation uses three bits.
        let twice = _mm256_slli_epi32::<1>(_mm256_shuffle_epi32::<0b10_10_00_00>(i));
        let halves = _mm256_or_si256(twice, _mm256_set1_epi64x(1 << 32));
        let low = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(p.cast()), halves);
        let high = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(p.add(4).cast()), halves);
        let upper = _mm256_castsi256_pd(_mm256_slli_epi64::<61>(i));
        _mm256_blendv_pd(_mm256_castsi256_pd(low), _mm256_castsi256_pd(high), upper)
    }
}

/// A vector of two halves in memory.
///
/// # Safety
/// Both must be readable for 16 bytes, and the machine must have AVX.
#[inline(always)]
unsafe fn halves(low: *const f64, high: *const f64) -> __m256d {
    // SAFETY: the caller's promise.
    unsafe {
        let low = _mm256_castpd128_pd256(_mm_loadu_pd(low));
        _mm256_insertf128_pd::<1>(low, _mm_loadu_pd(high))
    }
}

/// The offsets in bytes of the rows of `N` lanes in a table.
#[repr(align(32))]
struct Places<U, const N: usize>([U; N]);

/// The row `i & (N - 1)` of each lane, by loads of two columns of a lane.
#[inline(always)]
fn unpacked<const N: usize, const R: usize>(
    _: Avx2<f64>,
    rows: &'static [[f64; R]; N],
    i: __m256i,
) -> [__m256d; R] {
    const { assert!(N.is_power_of_two() && R >= 2) };
    // SAFETY: as the first argument exists, the machine has the instructions. Indices are below N, pairs
    // begin before the last column, and `places` has the size and alignment of a vector.
    unsafe {
        let mut row = [_mm256_setzero_pd(); R];
        let i = _mm256_and_si256(i, _mm256_set1_epi64x(N as i64 - 1));
        let offsets = _mm256_mul_epu32(i, _mm256_set1_epi64x(size_of::<[f64; R]>() as i64));
        let mut places = Places([0; 4]);
        let memory = (&raw mut places).cast::<__m256i>();
        let table = rows.as_ptr().cast::<f64>();
        let [a, b, c, d];
        if R <= 4 {
            // Through memory: the compiler would extract the offsets from the vector, which
            // occupies the ports of shuffles longer than a few loads leave them idle.
            memory.write_volatile(offsets);
            a = (&raw const places.0[0]).read_volatile();
            b = (&raw const places.0[1]).read_volatile();
            c = (&raw const places.0[2]).read_volatile();
            d = (&raw const places.0[3]).read_volatile();
        } else {
            memory.write(offsets);
            [a, b, c, d] = places.0;
        }
        let (a, b) = (table.byte_add(a), table.byte_add(b));
        let (c, d) = (table.byte_add(c), table.byte_add(d));
        let mut k = 0;
        while k < R {
            k = k.min(R - 2);
            let (even, odd) = (halves(a.add(k), c.add(k)), halves(b.add(k), d.add(k)));
            row[k] = _mm256_unpacklo_pd(even, odd);
            row[k + 1] = _mm256_unpackhi_pd(even, odd);
            k += 2;
        }
        row
    }
}

impl Lanes for Avx2<f64> {
    type E = f64;
    type F = __m256d;
    type U = __m256i;
    type M = __m256d;
    type Wide = Avx2<f64>;
    const WIDTH: usize = 4;

    ops! {
        f(x: f64) -> __m256d = _mm256_set1_pd(x);
        u(x: u64) -> __m256i = _mm256_set1_epi64x(x as i64);
        add(a: __m256d, b: __m256d) -> __m256d = _mm256_add_pd(a, b);
        sub(a: __m256d, b: __m256d) -> __m256d = _mm256_sub_pd(a, b);
        mul(a: __m256d, b: __m256d) -> __m256d = _mm256_mul_pd(a, b);
        div(a: __m256d, b: __m256d) -> __m256d = _mm256_div_pd(a, b);
        sqrt(a: __m256d) -> __m256d = _mm256_sqrt_pd(a);
        fma(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fmadd_pd(a, b, c);
        fms(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fmsub_pd(a, b, c);
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
        // A vector of equal counts, which the compiler turns into the immediate form.
        shl(a: __m256i, n: u32) -> __m256i = _mm256_sllv_epi64(a, _mm256_set1_epi64x(n as i64));
        shr(a: __m256i, n: u32) -> __m256i = _mm256_srlv_epi64(a, _mm256_set1_epi64x(n as i64));
        // AVX2 has no conversion from 64-bit integers. The upper 12 bits plus 2048 become the low bits
        // of 2^52, and 2^52 + 2048 is subtracted from that.
        integer(a: __m256i) -> __m256d = {
            let one = _mm256_set1_pd(4503599627370496.0);
            let field = _mm256_srli_epi64::<52>(_mm256_xor_si256(a, _mm256_set1_epi64x(i64::MIN)));
            let biased = _mm256_or_pd(_mm256_castsi256_pd(field), one);
            _mm256_mul_pd(_mm256_sub_pd(biased, _mm256_set1_pd(4503599627370496.0 + 2048.0)), one)
        };
        lt(a: __m256d, b: __m256d) -> __m256d = _mm256_cmp_pd::<_CMP_LT_OQ>(a, b);
        le(a: __m256d, b: __m256d) -> __m256d = _mm256_cmp_pd::<_CMP_LE_OQ>(a, b);
        eq(a: __m256d, b: __m256d) -> __m256d = _mm256_cmp_pd::<_CMP_EQ_OQ>(a, b);
        not_lt(a: __m256d, b: __m256d) -> __m256d = _mm256_cmp_pd::<_CMP_NLT_UQ>(a, b);
        not_le(a: __m256d, b: __m256d) -> __m256d = _mm256_cmp_pd::<_CMP_NLE_UQ>(a, b);
        // A comparison of integers, offset so that positive normal numbers are the least.
        unusual(a: __m256d) -> __m256d = {
            let least = f64::MIN_POSITIVE.to_bits() as i64;
            let all = f64::INFINITY.to_bits() as i64 - least;
            let from = _mm256_set1_epi64x(i64::MIN.wrapping_sub(least));
            let last = _mm256_set1_epi64x(i64::MIN + all - 1);
            let moved = _mm256_add_epi64(_mm256_castpd_si256(a), from);
            _mm256_castsi256_pd(_mm256_cmpgt_epi64(moved, last))
        };
        // Only the sign bit of a mask matters.
        odd(a: __m256i) -> __m256d = _mm256_castsi256_pd(_mm256_slli_epi64::<63>(a));
        negative(a: __m256i) -> __m256d = _mm256_castsi256_pd(a);
        both(a: __m256d, b: __m256d) -> __m256d = _mm256_and_pd(a, b);
        either(a: __m256d, b: __m256d) -> __m256d = _mm256_or_pd(a, b);
        not(a: __m256d) -> __m256d = _mm256_xor_pd(a, _mm256_set1_pd(-0.0));
        select(m: __m256d, a: __m256d, b: __m256d) -> __m256d = _mm256_blendv_pd(b, a, m);
        any(m: __m256d) -> bool = _mm256_movemask_pd(m) != 0;
    }
    table! { f64, __m256i, __m256d, |p, i|
        8 => four_of_eight(p, i),
        16 => _mm256_blendv_pd(
            four_of_eight(p, i),
            four_of_eight(p.add(8), i),
            _mm256_castsi256_pd(_mm256_slli_epi64::<60>(i)),
        ),
        32 => _mm256_i64gather_pd::<8>(p, _mm256_and_si256(i, _mm256_set1_epi64x(31)))
    }
    memory! { f64, __m256d, _mm256_loadu_pd, _mm256_storeu_pd }

    /// The row of each lane, by loads of pairs that are then unpacked.
    #[inline(always)]
    fn row<const N: usize, const R: usize>(
        self,
        table: &'static Rows<f64, N, R>,
        i: __m256i,
    ) -> [__m256d; R] {
        unpacked(self, &table.rows, i)
    }

    #[inline(always)]
    fn grid<const N: usize, const R: usize>(
        self,
        table: &'static Grid<f64, N, R>,
        i: __m256i,
    ) -> [__m256d; R] {
        unpacked(self, &table.rows, i)
    }

    #[inline(always)]
    fn widen(self, a: __m256d) -> [__m256d; 2] {
        [a, a]
    }
    #[inline(always)]
    fn narrow(self, a: [__m256d; 2]) -> __m256d {
        a[0]
    }
    #[inline(always)]
    fn wide(self) -> Avx2<f64> {
        self
    }
}

impl Lanes for Avx2<f32> {
    type E = f32;
    type F = __m256;
    type U = __m256i;
    type M = __m256;
    type Wide = Avx2<f64>;
    const WIDTH: usize = 8;

    ops! {
        f(x: f64) -> __m256 = _mm256_set1_ps(x as f32);
        u(x: u64) -> __m256i = _mm256_set1_epi32(x as i32);
        add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
        div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
        sqrt(a: __m256) -> __m256 = _mm256_sqrt_ps(a);
        fma(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        fms(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmsub_ps(a, b, c);
        fnma(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fnmadd_ps(a, b, c);
        min(a: __m256, b: __m256) -> __m256 = _mm256_min_ps(a, b);
        max(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
        bits(a: __m256) -> __m256i = _mm256_castps_si256(a);
        float(a: __m256i) -> __m256 = _mm256_castsi256_ps(a);
        and(a: __m256i, b: __m256i) -> __m256i = _mm256_and_si256(a, b);
        or(a: __m256i, b: __m256i) -> __m256i = _mm256_or_si256(a, b);
        xor(a: __m256i, b: __m256i) -> __m256i = _mm256_xor_si256(a, b);
        iadd(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi32(a, b);
        isub(a: __m256i, b: __m256i) -> __m256i = _mm256_sub_epi32(a, b);
        shl(a: __m256i, n: u32) -> __m256i = _mm256_sllv_epi32(a, _mm256_set1_epi32(n as i32));
        shr(a: __m256i, n: u32) -> __m256i = _mm256_srlv_epi32(a, _mm256_set1_epi32(n as i32));
        integer(a: __m256i) -> __m256 = _mm256_cvtepi32_ps(a);
        lt(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_LT_OQ>(a, b);
        le(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_LE_OQ>(a, b);
        eq(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b);
        not_lt(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_NLT_UQ>(a, b);
        not_le(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_NLE_UQ>(a, b);
        // As in f64.
        unusual(a: __m256) -> __m256 = {
            let least = f32::MIN_POSITIVE.to_bits() as i32;
            let all = f32::INFINITY.to_bits() as i32 - least;
            let from = _mm256_set1_epi32(i32::MIN.wrapping_sub(least));
            let last = _mm256_set1_epi32(i32::MIN + all - 1);
            let moved = _mm256_add_epi32(_mm256_castps_si256(a), from);
            _mm256_castsi256_ps(_mm256_cmpgt_epi32(moved, last))
        };
        odd(a: __m256i) -> __m256 = _mm256_castsi256_ps(_mm256_slli_epi32::<31>(a));
        negative(a: __m256i) -> __m256 = _mm256_castsi256_ps(a);
        both(a: __m256, b: __m256) -> __m256 = _mm256_and_ps(a, b);
        either(a: __m256, b: __m256) -> __m256 = _mm256_or_ps(a, b);
        not(a: __m256) -> __m256 = _mm256_xor_ps(a, _mm256_set1_ps(-0.0));
        select(m: __m256, a: __m256, b: __m256) -> __m256 = _mm256_blendv_ps(b, a, m);
        any(m: __m256) -> bool = _mm256_movemask_ps(m) != 0;
        widen(a: __m256) -> [__m256d; 2] = [
            _mm256_cvtps_pd(_mm256_castps256_ps128(a)),
            _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(a)),
        ];
        narrow(a: [__m256d; 2]) -> __m256 =
            _mm256_set_m128(_mm256_cvtpd_ps(a[1]), _mm256_cvtpd_ps(a[0]));
        wide() -> Avx2<f64> = Avx2::new();
    }
    table! { f32, __m256i, __m256, |p, i|
        8 => _mm256_permutevar8x32_ps(_mm256_loadu_ps(p), i),
        16 => _mm256_blendv_ps(
            _mm256_permutevar8x32_ps(_mm256_loadu_ps(p), i),
            _mm256_permutevar8x32_ps(_mm256_loadu_ps(p.add(8)), i),
            _mm256_castsi256_ps(_mm256_slli_epi32::<28>(i)),
        ),
        32 => _mm256_i32gather_ps::<4>(p, _mm256_and_si256(i, _mm256_set1_epi32(31)))
    }
    memory! { f32, __m256, _mm256_loadu_ps, _mm256_storeu_ps }

    /// The row of each lane. Many columns are loaded four at a time and then unpacked.
    #[inline(always)]
    fn row<const N: usize, const R: usize>(
        self,
        table: &'static Rows<f32, N, R>,
        i: __m256i,
    ) -> [__m256; R] {
        const { assert!(N.is_power_of_two()) };
        let mut row = [self.f(0.0); R];
        let mut k = 0;
        // A permute of 8 entries is faster.
        if N > 8 && R >= 8 {
            // SAFETY: as `self` exists, the machine has the instructions. Indices are below N, four
            // columns from k on are in the row, and `places` has the size and alignment of a vector.
            unsafe {
                let i = _mm256_and_si256(i, _mm256_set1_epi32(N as i32 - 1));
                let offsets =
                    _mm256_mullo_epi32(i, _mm256_set1_epi32(size_of::<[f32; R]>() as i32));
                // As in f64.
                let mut places = Places([0u32; 8]);
                (&raw mut places).cast::<__m256i>().write_volatile(offsets);
                let table = table.rows.as_ptr().cast::<f32>();
                let mut rows = [table; 8];
                let mut lane = 0;
                while lane < 8 {
                    let place = (&raw const places.0[lane]).read_volatile();
                    rows[lane] = table.byte_add(place as usize);
                    lane += 1;
                }
                while k + 4 <= R {
                    let mut parts = [_mm256_setzero_ps(); 4];
                    let mut lane = 0;
                    while lane < 4 {
                        let (low, high) = (rows[lane].add(k), rows[lane + 4].add(k));
                        parts[lane] = _mm256_castpd_ps(halves(low.cast(), high.cast()));
                        lane += 1;
                    }
                    let [a, b, c, d] = parts;
                    let ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
                    let cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
                    row[k] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd));
                    row[k + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd));
                    let ab = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
                    let cd = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
                    row[k + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd));
                    row[k + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd));
                    k += 4;
                }
            }
        }
        while k < R {
            row[k] = self.table(&table.columns[k], i);
            k += 1;
        }
        row
    }
}

impl Lanes for Avx512<f64> {
    type E = f64;
    type F = __m512d;
    type U = __m512i;
    type M = __mmask8;
    type Wide = Avx512<f64>;
    const WIDTH: usize = 8;

    ops! {
        f(x: f64) -> __m512d = _mm512_set1_pd(x);
        u(x: u64) -> __m512i = _mm512_set1_epi64(x as i64);
        add(a: __m512d, b: __m512d) -> __m512d = _mm512_add_pd(a, b);
        sub(a: __m512d, b: __m512d) -> __m512d = _mm512_sub_pd(a, b);
        mul(a: __m512d, b: __m512d) -> __m512d = _mm512_mul_pd(a, b);
        div(a: __m512d, b: __m512d) -> __m512d = _mm512_div_pd(a, b);
        sqrt(a: __m512d) -> __m512d = _mm512_sqrt_pd(a);
        fma(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fmadd_pd(a, b, c);
        fms(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fmsub_pd(a, b, c);
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
        integer(a: __m512i) -> __m512d = _mm512_cvtepi64_pd(a);
        lt(a: __m512d, b: __m512d) -> __mmask8 = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b);
        le(a: __m512d, b: __m512d) -> __mmask8 = _mm512_cmp_pd_mask::<_CMP_LE_OQ>(a, b);
        eq(a: __m512d, b: __m512d) -> __mmask8 = _mm512_cmp_pd_mask::<_CMP_EQ_OQ>(a, b);
        not_lt(a: __m512d, b: __m512d) -> __mmask8 = _mm512_cmp_pd_mask::<_CMP_NLT_UQ>(a, b);
        not_le(a: __m512d, b: __m512d) -> __mmask8 = _mm512_cmp_pd_mask::<_CMP_NLE_UQ>(a, b);
        // All classes of the instruction, which are everything but positive normal numbers.
        unusual(a: __m512d) -> __mmask8 = _mm512_fpclass_pd_mask::<0xff>(a);
        odd(a: __m512i) -> __mmask8 = _mm512_test_epi64_mask(a, _mm512_set1_epi64(1));
        negative(a: __m512i) -> __mmask8 = _mm512_movepi64_mask(a);
        both(a: __mmask8, b: __mmask8) -> __mmask8 = _kand_mask8(a, b);
        either(a: __mmask8, b: __mmask8) -> __mmask8 = _kor_mask8(a, b);
        not(a: __mmask8) -> __mmask8 = _knot_mask8(a);
        select(m: __mmask8, a: __m512d, b: __m512d) -> __m512d = _mm512_mask_blend_pd(m, b, a);
        // One instruction, which rounds once, as the two products of `Lanes::scale` do.
        scale(y: __m512d, k: __m512d) -> __m512d = _mm512_scalef_pd(y, k);
        // Both kinds of NaN become the first argument, the six other classes the second.
        canonical(a: __m512d) -> __m512d =
            _mm512_fixupimm_pd::<0>(_mm512_set1_pd(f64::NAN), a, _mm512_set1_epi64(0x1111_1100));
    }
    table! { f64, __m512i, __m512d, |p, i|
        8 => _mm512_permutexvar_pd(i, _mm512_loadu_pd(p)),
        16 => _mm512_permutex2var_pd(_mm512_loadu_pd(p), i, _mm512_loadu_pd(p.add(8))),
        32 => _mm512_mask_blend_pd(
            _mm512_test_epi64_mask(i, _mm512_set1_epi64(16)),
            _mm512_permutex2var_pd(_mm512_loadu_pd(p), i, _mm512_loadu_pd(p.add(8))),
            _mm512_permutex2var_pd(_mm512_loadu_pd(p.add(16)), i, _mm512_loadu_pd(p.add(24))),
        )
    }
    memory! { f64, __m512d, _mm512_loadu_pd, _mm512_storeu_pd }

    /// The row of each lane by gathers, which are a little faster than loads of rows here.
    #[inline(always)]
    fn grid<const N: usize, const R: usize>(
        self,
        table: &'static Grid<f64, N, R>,
        i: __m512i,
    ) -> [__m512d; R] {
        const { assert!(N.is_power_of_two() && (R == 2 || R == 4)) };
        let table = table.rows.as_ptr().cast::<f64>();
        let mut row = [self.f(0.0); R];
        let i = self.shl(self.and(i, self.u(N as u64 - 1)), R.ilog2());
        let mut k = 0;
        while k < R {
            // SAFETY: as `self` exists, the machine has the instructions. Indices are below N.
            row[k] = unsafe { _mm512_i64gather_pd::<8>(i, table.add(k)) };
            k += 1;
        }
        row
    }

    #[inline(always)]
    fn any(self, m: __mmask8) -> bool {
        m != 0
    }
    #[inline(always)]
    fn widen(self, a: __m512d) -> [__m512d; 2] {
        [a, a]
    }
    #[inline(always)]
    fn narrow(self, a: [__m512d; 2]) -> __m512d {
        a[0]
    }
    #[inline(always)]
    fn wide(self) -> Avx512<f64> {
        self
    }
}

impl Lanes for Avx512<f32> {
    type E = f32;
    type F = __m512;
    type U = __m512i;
    type M = __mmask16;
    type Wide = Avx512<f64>;
    const WIDTH: usize = 16;

    ops! {
        f(x: f64) -> __m512 = _mm512_set1_ps(x as f32);
        u(x: u64) -> __m512i = _mm512_set1_epi32(x as i32);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
        sqrt(a: __m512) -> __m512 = _mm512_sqrt_ps(a);
        fma(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        fms(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmsub_ps(a, b, c);
        fnma(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fnmadd_ps(a, b, c);
        min(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(a, b);
        max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        bits(a: __m512) -> __m512i = _mm512_castps_si512(a);
        float(a: __m512i) -> __m512 = _mm512_castsi512_ps(a);
        and(a: __m512i, b: __m512i) -> __m512i = _mm512_and_si512(a, b);
        or(a: __m512i, b: __m512i) -> __m512i = _mm512_or_si512(a, b);
        xor(a: __m512i, b: __m512i) -> __m512i = _mm512_xor_si512(a, b);
        iadd(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi32(a, b);
        isub(a: __m512i, b: __m512i) -> __m512i = _mm512_sub_epi32(a, b);
        shl(a: __m512i, n: u32) -> __m512i = _mm512_sllv_epi32(a, _mm512_set1_epi32(n as i32));
        shr(a: __m512i, n: u32) -> __m512i = _mm512_srlv_epi32(a, _mm512_set1_epi32(n as i32));
        integer(a: __m512i) -> __m512 = _mm512_cvtepi32_ps(a);
        lt(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
        le(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b);
        eq(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b);
        not_lt(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(a, b);
        not_le(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(a, b);
        // All classes of the instruction, which are everything but positive normal numbers.
        unusual(a: __m512) -> __mmask16 = _mm512_fpclass_ps_mask::<0xff>(a);
        odd(a: __m512i) -> __mmask16 = _mm512_test_epi32_mask(a, _mm512_set1_epi32(1));
        negative(a: __m512i) -> __mmask16 = _mm512_movepi32_mask(a);
        both(a: __mmask16, b: __mmask16) -> __mmask16 = _kand_mask16(a, b);
        either(a: __mmask16, b: __mmask16) -> __mmask16 = _kor_mask16(a, b);
        not(a: __mmask16) -> __mmask16 = _knot_mask16(a);
        select(m: __mmask16, a: __m512, b: __m512) -> __m512 = _mm512_mask_blend_ps(m, b, a);
        scale(y: __m512, k: __m512) -> __m512 = _mm512_scalef_ps(y, k);
        canonical(a: __m512) -> __m512 =
            _mm512_fixupimm_ps::<0>(_mm512_set1_ps(f32::NAN), a, _mm512_set1_epi32(0x1111_1100));
        widen(a: __m512) -> [__m512d; 2] = [
            _mm512_cvtps_pd(_mm512_castps512_ps256(a)),
            _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(a)),
        ];
        narrow(a: [__m512d; 2]) -> __m512 = _mm512_insertf32x8::<1>(
            _mm512_castps256_ps512(_mm512_cvtpd_ps(a[0])),
            _mm512_cvtpd_ps(a[1]),
        );
        wide() -> Avx512<f64> = Avx512::new();
    }
    table! { f32, __m512i, __m512, |p, i|
        // The table twice, so that the fourth bit of an index does not matter.
        8 => _mm512_permutexvar_ps(i, _mm512_broadcast_f32x8(_mm256_loadu_ps(p))),
        16 => _mm512_permutexvar_ps(i, _mm512_loadu_ps(p)),
        32 => _mm512_permutex2var_ps(_mm512_loadu_ps(p), i, _mm512_loadu_ps(p.add(16)))
    }
    memory! { f32, __m512, _mm512_loadu_ps, _mm512_storeu_ps }

    #[inline(always)]
    fn any(self, m: __mmask16) -> bool {
        m != 0
    }
}
