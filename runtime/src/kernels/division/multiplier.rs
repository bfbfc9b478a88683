//! Division of vectors by one divisor: multiplication by its reciprocal.
//!
//! The method is Granlund's and Montgomery's ("Division by invariant integers using
//! multiplication", 1994). For a divisor d of magnitude D > 1 let l = ceil(log2 D), and N the bits of
//! a lane.
//!
//! - Magnitudes x of at most 2^(N - 1) have the quotient `high(x * f) >> (l - 1)`, where f is
//!   floor(2^(N - 1 + l) / D) + 1 < 2^N. The product exceeds x / D by x * e / (D * 2^(N - 1 + l)), where
//!   e <= D <= 2^l, and e < 2^l unless D is a power of two; so by less than the 1 / D that would reach
//!   the next integer, or at x = 2^(N - 1) by at most that where D divides x.
//! - Other unsigned x need a factor of N + 1 bits, 2^N + f, where f is floor(2^N * (2^l - D) / D) + 1.
//!   With h = `high(x * f)`, the quotient is (h + x) >> l, and as the sum may overflow,
//!   `(h + ((x - h) >> 1)) >> (l - 1)`.
//!
//! A quotient of signed integers that is rounded down is that of magnitudes where it is not negative.
//! Where it is, it is the complement of that of the complement: floor(-y / D) is -1 - floor((y - 1) / D).
//!
//! Bytes are computed in lanes of 16 bits, which have room for all of this without a shift.

use std::arch::x86_64::{__m128i, _mm_cvtsi32_si128, _mm_cvtsi64_si128};
use std::hint::black_box;

use super::vector::Vector;
use super::{Kind, Part};

/// A divisor as multiplication needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Multiplier {
    /// The divisor and its magnitude, in every lane of 64 bits.
    divisor: u64,
    magnitude: u64,
    /// The factor, in every lane.
    factor: u64,
    shift: u32,
}

/// An integer type to divide by.
pub(super) trait Divisor: Copy {
    /// Bits of an element.
    const BITS: u32;
    const SIGNED: bool;

    /// The multiplier of a divisor; `None` for 0, 1 and -1.
    fn multiplier(self) -> Option<Multiplier>;
    /// Whether it is negative.
    fn is_negative(self) -> bool;
}

/// Copies of the low `bits` bits in all lanes of this width.
fn repeated(bits: u32, value: u64) -> u64 {
    match bits {
        16 => (value & 0xFFFF) * 0x0001_0001_0001_0001,
        32 => (value & 0xFFFF_FFFF) * 0x0000_0001_0000_0001,
        _ => value,
    }
}

macro_rules! divisors {
    ($($t:ty, $signed:literal, $magnitude:expr;)*) => {$(
        impl Divisor for $t {
            const BITS: u32 = <$t>::BITS;
            const SIGNED: bool = $signed;

            #[inline]
            fn multiplier(self) -> Option<Multiplier> {
                let magnitude = u64::from(($magnitude)(self));
                if magnitude <= 1 {
                    return None;
                }
                let lane = <$t>::BITS.max(16);
                let log = u64::BITS - (magnitude - 1).leading_zeros();
                let (divisor, one) = (u128::from(magnitude), 1_u128);
                let (dividend, shift) = if <$t>::BITS == 8 {
                    (one << 16, 0)
                } else if $signed {
                    (one << (lane - 1 + log), log - 1)
                } else {
                    (((one << log) - divisor) << lane, log - 1)
                };
                // Of 128 bits only where it must be: that division is slow.
                let factor = match u64::try_from(dividend) {
                    Ok(dividend) => dividend / magnitude,
                    Err(_) => (dividend / divisor) as u64,
                } + 1;
                let in_lanes = |value: u64| repeated(lane, value);
                Some(Multiplier {
                    divisor: in_lanes(self as u64),
                    magnitude: in_lanes(magnitude),
                    factor: in_lanes(factor),
                    shift,
                })
            }
            #[inline]
            fn is_negative(self) -> bool {
                $signed && self >> (<$t>::BITS - 1) != 0
            }
        }
    )*};
}

divisors! {
    i8, true, i8::unsigned_abs;
    i16, true, i16::unsigned_abs;
    i32, true, i32::unsigned_abs;
    i64, true, i64::unsigned_abs;
    u8, false, |x: u8| x;
    u16, false, |x: u16| x;
    u32, false, |x: u32| x;
    u64, false, |x: u64| x;
}

/// A multiplier in vectors.
#[derive(Clone, Copy)]
struct Lanes<V> {
    divisor: V,
    magnitude: V,
    factor: V,
    /// The upper halves of lanes of 64 bits of the factor.
    factor_upper: V,
    shift: __m128i,
}

impl<V: Vector> Lanes<V> {
    /// The quotient of magnitudes; all unsigned ones of a lane if they are `FULL`.
    ///
    /// # Safety
    /// The machine has the vector's instructions.
    #[inline(always)]
    unsafe fn quotient<const BITS: u32, const FULL: bool>(&self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            let high = x.high::<BITS>(self.factor, self.factor_upper);
            if !FULL {
                return high.right::<BITS>(self.shift);
            }
            let half = x.sub::<BITS>(high).right::<BITS>(_mm_cvtsi32_si128(1));
            high.add::<BITS>(half).right::<BITS>(self.shift)
        }
    }

    /// A result of the division of signed lanes; `NEGATIVE` if the divisor is.
    ///
    /// # Safety
    /// The machine has the vector's instructions.
    #[inline(always)]
    unsafe fn signed<P: Part, const BITS: u32, const NEGATIVE: bool>(&self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            if P::PART == Kind::Remainder {
                let sign = x.sign::<BITS>();
                let magnitude = x.xor(sign).sub::<BITS>(sign);
                let multiple = self.quotient::<BITS, false>(magnitude).low::<BITS>(self.magnitude);
                return magnitude.sub::<BITS>(multiple).xor(sign).sub::<BITS>(sign);
            }
            let (x_or_negative, below) = if NEGATIVE {
                let negative = V::splat(0).sub::<BITS>(x);
                // What was positive, without the least integer, whose negation wraps to itself.
                (negative, negative.without(x).sign::<BITS>())
            } else {
                (x, x.sign::<BITS>())
            };
            let quotient = self.quotient::<BITS, false>(x_or_negative.xor(below)).xor(below);
            match P::PART {
                Kind::Quotient => quotient,
                _ => x.sub::<BITS>(quotient.low::<BITS>(self.divisor)),
            }
        }
    }

    /// A result of the division of unsigned lanes.
    ///
    /// # Safety
    /// The machine has the vector's instructions.
    #[inline(always)]
    unsafe fn unsigned<P: Part, const BITS: u32, const FULL: bool>(&self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            let quotient = self.quotient::<BITS, FULL>(x);
            match P::PART {
                Kind::Quotient => quotient,
                _ => x.sub::<BITS>(quotient.low::<BITS>(self.divisor)),
            }
        }
    }

    /// A result of the division of a vector of elements.
    ///
    /// # Safety
    /// The machine has the vector's instructions.
    #[inline(always)]
    unsafe fn divide<T: Divisor, P: Part, const NEGATIVE: bool>(&self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            match (T::BITS, T::SIGNED) {
                (8, signed) => {
                    let (byte, low) = (_mm_cvtsi32_si128(8), V::splat(0x00FF_00FF_00FF_00FF));
                    let (even, odd) = if signed {
                        let even = x.left::<16>(byte).right_signed16(byte);
                        let odd = x.right_signed16(byte);
                        let even = self.signed::<P, 16, NEGATIVE>(even);
                        (even, self.signed::<P, 16, NEGATIVE>(odd))
                    } else {
                        let even = self.unsigned::<P, 16, false>(x.and(low));
                        (even, self.unsigned::<P, 16, false>(x.right::<16>(byte)))
                    };
                    even.and(low).or(odd.left::<16>(byte))
                }
                (16, true) => self.signed::<P, 16, NEGATIVE>(x),
                (16, false) => self.unsigned::<P, 16, true>(x),
                (32, true) => self.signed::<P, 32, NEGATIVE>(x),
                (32, false) => self.unsigned::<P, 32, true>(x),
                (_, true) => self.signed::<P, 64, NEGATIVE>(x),
                (_, false) => self.unsigned::<P, 64, true>(x),
            }
        }
    }

    /// Divides `n` elements.
    ///
    /// # Safety
    /// The machine has the vector's instructions, and there are `n` readable and `n` writable
    /// elements, the same or apart.
    #[inline(always)]
    unsafe fn block<T: Divisor, P: Part, const NEGATIVE: bool>(
        &self,
        out: *mut u8,
        a: *const u8,
        n: usize,
    ) {
        let (bytes, step) = (n * size_of::<T>(), size_of::<V>());
        let whole = bytes - bytes % step;
        // SAFETY: the caller's promise: `at + step <= bytes`, and the rest is as long as it is
        // copied.
        unsafe {
            for at in (0..whole).step_by(step) {
                self.divide::<T, P, NEGATIVE>(V::load(a.add(at))).store(out.add(at));
            }
            if whole < bytes {
                let mut rest = [0_u8; 64];
                let rest = rest.as_mut_ptr();
                rest.copy_from_nonoverlapping(a.add(whole), bytes - whole);
                self.divide::<T, P, NEGATIVE>(V::load(rest)).store(rest);
                out.add(whole).copy_from_nonoverlapping(rest, bytes - whole);
            }
        }
    }
}

/// Divides `n` elements by one divisor.
///
/// # Safety
/// The machine has the instructions of `V`; there are `n` readable and `n` writable elements of type
/// `T`, the same or apart.
#[inline(always)]
pub(super) unsafe fn divide<T: Divisor, P: Part, V: Vector>(
    divisor: T,
    multiplier: Multiplier,
    out: *mut u8,
    a: *const u8,
    n: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let lanes = Lanes {
            divisor: V::splat(multiplier.divisor),
            magnitude: V::splat(multiplier.magnitude),
            factor: V::splat(multiplier.factor),
            // Unknown to the compiler, which would make scalar products of the vectors'.
            factor_upper: V::splat(black_box(multiplier.factor >> 32)),
            shift: _mm_cvtsi64_si128(i64::from(multiplier.shift)),
        };
        if T::SIGNED && P::PART != Kind::Remainder && divisor.is_negative() {
            lanes.block::<T, P, true>(out, a, n);
        } else {
            lanes.block::<T, P, false>(out, a, n);
        }
    }
}
