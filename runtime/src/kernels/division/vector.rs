//! Vectors of integers, as multiplication by a reciprocal needs them.

use std::arch::x86_64::*;

/// A vector of 64-bit lanes, each of which is also two lanes of 32 bits or four of 16.
///
/// `BITS` is the width of lanes: 16, 32 or 64.
pub(super) trait Vector: Copy {
    /// # Safety
    /// The machine has the instructions, and the vector is readable at `at`.
    unsafe fn load(at: *const u8) -> Self;
    /// # Safety
    /// The machine has the instructions, and the vector is writable at `at`.
    unsafe fn store(self, at: *mut u8);
    /// # Safety
    /// The machine has the instructions.
    unsafe fn splat(bits: u64) -> Self;
    /// # Safety
    /// The machine has the instructions.
    unsafe fn and(self, other: Self) -> Self;
    /// The bits that `other` does not have.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn without(self, other: Self) -> Self;
    /// # Safety
    /// The machine has the instructions.
    unsafe fn or(self, other: Self) -> Self;
    /// # Safety
    /// The machine has the instructions.
    unsafe fn xor(self, other: Self) -> Self;
    /// # Safety
    /// The machine has the instructions.
    unsafe fn add<const BITS: u32>(self, other: Self) -> Self;
    /// # Safety
    /// The machine has the instructions.
    unsafe fn sub<const BITS: u32>(self, other: Self) -> Self;
    /// Shifts to the left by the low 64 bits of `count`.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn left<const BITS: u32>(self, count: __m128i) -> Self;
    /// Shifts to the right, filling with zeros.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn right<const BITS: u32>(self, count: __m128i) -> Self;
    /// Shifts lanes of 16 bits to the right, filling with the sign.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn right_signed16(self, count: __m128i) -> Self;
    /// All ones in lanes that are negative, else zeros.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn sign<const BITS: u32>(self) -> Self;
    /// The product of the low halves of lanes of 64 bits.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn product(self, other: Self) -> Self;
    /// The high halves of products of unsigned lanes of 16 bits.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn high16(self, other: Self) -> Self;
    /// The low halves of products of lanes of 16 bits.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn low16(self, other: Self) -> Self;

    /// Whether all bits are 0.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn is_zero(self) -> bool;

    // No closures below: they would be compiled without the instruction set of their caller.

    /// The upper half of each lane of 64 bits.
    ///
    /// # Safety
    /// The machine has the instructions.
    #[inline(always)]
    unsafe fn upper(self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { self.right::<64>(_mm_cvtsi32_si128(32)) }
    }

    /// The high halves of products of unsigned lanes. `other_upper` is `other`'s
    /// [`upper`](Vector::upper).
    ///
    /// # Safety
    /// The machine has the instructions.
    #[inline(always)]
    unsafe fn high<const BITS: u32>(self, other: Self, other_upper: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let low = Self::splat(u64::MAX >> 32);
            match BITS {
                16 => self.high16(other),
                32 => {
                    let odd = self.upper().product(other_upper);
                    self.product(other).upper().or(odd.without(low))
                }
                _ => {
                    let (x, y) = (self.upper(), other_upper);
                    let middle = x.product(other).add::<64>(self.product(other).upper());
                    let other_middle = self.product(y).add::<64>(middle.and(low));
                    let sum = x.product(y).add::<64>(middle.upper());
                    sum.add::<64>(other_middle.upper())
                }
            }
        }
    }

    /// The low halves of products of lanes.
    ///
    /// # Safety
    /// The machine has the instructions.
    #[inline(always)]
    unsafe fn low<const BITS: u32>(self, other: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let half = _mm_cvtsi32_si128(32);
            match BITS {
                16 => self.low16(other),
                32 => {
                    let even = self.product(other).and(Self::splat(u64::MAX >> 32));
                    even.or(self.upper().product(other.upper()).left::<64>(half))
                }
                _ => {
                    let one = self.upper().product(other);
                    let middle = one.add::<64>(self.product(other.upper()));
                    self.product(other).add::<64>(middle.left::<64>(half))
                }
            }
        }
    }
}

/// Methods that are one expression of intrinsics.
macro_rules! methods {
    ($($name:ident($($arg:ident: $t:ty),*) -> $r:ty = $e:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name($($arg: $t),*) -> $r {
            // SAFETY: the caller's promise.
            unsafe { $e }
        }
    )*};
}

/// The same, one for each width of lanes.
macro_rules! widths {
    ($($name:ident($x:ident $(, $arg:ident: $t:ty)?) = $e16:expr, $e32:expr, $e64:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name<const BITS: u32>($x $(, $arg: $t)?) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                match BITS {
                    16 => $e16,
                    32 => $e32,
                    _ => $e64,
                }
            }
        }
    )*};
}

impl Vector for __m128i {
    methods! {
        load(at: *const u8) -> Self = _mm_loadu_si128(at.cast());
        splat(bits: u64) -> Self = _mm_set1_epi64x(bits.cast_signed());
        store(self: Self, at: *mut u8) -> () = _mm_storeu_si128(at.cast(), self);
        and(self: Self, other: Self) -> Self = _mm_and_si128(self, other);
        without(self: Self, other: Self) -> Self = _mm_andnot_si128(other, self);
        or(self: Self, other: Self) -> Self = _mm_or_si128(self, other);
        xor(self: Self, other: Self) -> Self = _mm_xor_si128(self, other);
        right_signed16(self: Self, count: __m128i) -> Self = _mm_sra_epi16(self, count);
        product(self: Self, other: Self) -> Self = _mm_mul_epu32(self, other);
        high16(self: Self, other: Self) -> Self = _mm_mulhi_epu16(self, other);
        low16(self: Self, other: Self) -> Self = _mm_mullo_epi16(self, other);
        is_zero(self: Self) -> bool =
            _mm_movemask_epi8(_mm_cmpeq_epi8(self, _mm_setzero_si128())) == 0xFFFF;
    }
    widths! {
        add(self, other: Self) = _mm_add_epi16(self, other), _mm_add_epi32(self, other),
            _mm_add_epi64(self, other);
        sub(self, other: Self) = _mm_sub_epi16(self, other), _mm_sub_epi32(self, other),
            _mm_sub_epi64(self, other);
        left(self, count: __m128i) = _mm_sll_epi16(self, count), _mm_sll_epi32(self, count),
            _mm_sll_epi64(self, count);
        right(self, count: __m128i) = _mm_srl_epi16(self, count), _mm_srl_epi32(self, count),
            _mm_srl_epi64(self, count);
        sign(self) = _mm_srai_epi16::<15>(self), _mm_srai_epi32::<31>(self),
            _mm_shuffle_epi32::<0b11_11_01_01>(_mm_srai_epi32::<31>(self));
    }
}

impl Vector for __m256i {
    methods! {
        load(at: *const u8) -> Self = _mm256_loadu_si256(at.cast());
        splat(bits: u64) -> Self = _mm256_set1_epi64x(bits.cast_signed());
        store(self: Self, at: *mut u8) -> () = _mm256_storeu_si256(at.cast(), self);
        and(self: Self, other: Self) -> Self = _mm256_and_si256(self, other);
        without(self: Self, other: Self) -> Self = _mm256_andnot_si256(other, self);
        or(self: Self, other: Self) -> Self = _mm256_or_si256(self, other);
        xor(self: Self, other: Self) -> Self = _mm256_xor_si256(self, other);
        right_signed16(self: Self, count: __m128i) -> Self = _mm256_sra_epi16(self, count);
        product(self: Self, other: Self) -> Self = _mm256_mul_epu32(self, other);
        high16(self: Self, other: Self) -> Self = _mm256_mulhi_epu16(self, other);
        low16(self: Self, other: Self) -> Self = _mm256_mullo_epi16(self, other);
        is_zero(self: Self) -> bool = _mm256_testz_si256(self, self) == 1;
    }
    widths! {
        add(self, other: Self) = _mm256_add_epi16(self, other), _mm256_add_epi32(self, other),
            _mm256_add_epi64(self, other);
        sub(self, other: Self) = _mm256_sub_epi16(self, other), _mm256_sub_epi32(self, other),
            _mm256_sub_epi64(self, other);
        left(self, count: __m128i) = _mm256_sll_epi16(self, count), _mm256_sll_epi32(self, count),
            _mm256_sll_epi64(self, count);
        right(self, count: __m128i) = _mm256_srl_epi16(self, count),
            _mm256_srl_epi32(self, count), _mm256_srl_epi64(self, count);
        sign(self) = _mm256_srai_epi16::<15>(self), _mm256_srai_epi32::<31>(self),
            _mm256_cmpgt_epi64(_mm256_setzero_si256(), self);
    }
}

impl Vector for __m512i {
    methods! {
        load(at: *const u8) -> Self = _mm512_loadu_si512(at.cast());
        splat(bits: u64) -> Self = _mm512_set1_epi64(bits.cast_signed());
        store(self: Self, at: *mut u8) -> () = _mm512_storeu_si512(at.cast(), self);
        and(self: Self, other: Self) -> Self = _mm512_and_si512(self, other);
        without(self: Self, other: Self) -> Self = _mm512_andnot_si512(other, self);
        or(self: Self, other: Self) -> Self = _mm512_or_si512(self, other);
        xor(self: Self, other: Self) -> Self = _mm512_xor_si512(self, other);
        right_signed16(self: Self, count: __m128i) -> Self = _mm512_sra_epi16(self, count);
        product(self: Self, other: Self) -> Self = _mm512_mul_epu32(self, other);
        high16(self: Self, other: Self) -> Self = _mm512_mulhi_epu16(self, other);
        low16(self: Self, other: Self) -> Self = _mm512_mullo_epi16(self, other);
        is_zero(self: Self) -> bool = _mm512_test_epi64_mask(self, self) == 0;
    }
    widths! {
        add(self, other: Self) = _mm512_add_epi16(self, other), _mm512_add_epi32(self, other),
            _mm512_add_epi64(self, other);
        sub(self, other: Self) = _mm512_sub_epi16(self, other), _mm512_sub_epi32(self, other),
            _mm512_sub_epi64(self, other);
        left(self, count: __m128i) = _mm512_sll_epi16(self, count), _mm512_sll_epi32(self, count),
            _mm512_sll_epi64(self, count);
        right(self, count: __m128i) = _mm512_srl_epi16(self, count),
            _mm512_srl_epi32(self, count), _mm512_srl_epi64(self, count);
        sign(self) = _mm512_srai_epi16::<15>(self), _mm512_srai_epi32::<31>(self),
            _mm512_srai_epi64::<63>(self);
    }
}
