//! Division by a divisor of each element's own: quotients of floats, corrected.

use std::mem::MaybeUninit;

use super::{Kind, Part};
use crate::block::DIVIDE_BY_ZERO;
use crate::elementwise::{GROUP, scalar_loop};
use crate::scalar::Number;

/// Integers with a quotient that vectors of floats compute.
pub(super) trait Estimate: Number {
    /// The quotient rounded down, 0 by zero, for any operands; `WIDE` with AVX-512.
    fn quotient<const WIDE: bool>(self, divisor: Self) -> Self;
    /// The same for operands that are all [small](Estimate::is_small).
    #[inline(always)]
    fn small_quotient(self, divisor: Self) -> Self {
        self.quotient::<false>(divisor)
    }
    /// Whether [`Estimate::small_quotient`] takes them.
    #[inline(always)]
    fn is_small(self, _: Self) -> bool {
        false
    }
    /// Whether there is a faster way for small operands; `WIDE` with AVX-512.
    #[inline(always)]
    fn prefers_small<const WIDE: bool>() -> bool {
        false
    }
    /// Whether one is negative and the other is not.
    fn signs_differ(self, other: Self) -> bool;
}

/// A result of a division, from the quotient rounded down.
#[inline(always)]
fn part<T: Estimate, P: Part>(a: T, b: T, quotient: T) -> T {
    if P::PART == Kind::Quotient {
        return quotient;
    }
    let modulo = a.sub(quotient.mul(b));
    let modulo = if b.eq(T::ZERO) { T::ZERO } else { modulo };
    let turned = P::PART == Kind::Remainder && modulo.ne(T::ZERO) && a.signs_differ(b);
    if turned { modulo.sub(b) } else { modulo }
}

/// Divides `n` elements by as many.
///
/// # Safety
/// There are `n` readable elements of each operand and `n` writable ones, which are an operand's or
/// apart.
#[inline(always)]
pub(super) unsafe fn divide<T: Estimate, P: Part, const WIDE: bool>(
    out: *mut u8,
    a: *const u8,
    b: *const u8,
    n: usize,
) -> u32 {
    let (out, a, b) = (out.cast::<T>(), a.cast::<T>(), b.cast::<T>());
    // SAFETY: `i < n`.
    let at = |i: usize| unsafe { (a.add(i).read_unaligned(), b.add(i).read_unaligned()) };
    let mut zero = false;
    let mut start = 0;
    while n - start >= GROUP {
        let mut group = [const { MaybeUninit::<T>::uninit() }; GROUP];
        let small = T::prefers_small::<WIDE>()
            && (0..GROUP).fold(true, |all, i| {
                let (a, b) = at(start + i);
                all & a.is_small(b)
            });
        if small {
            for (i, slot) in group.iter_mut().enumerate() {
                let (a, b) = at(start + i);
                zero |= b.eq(T::ZERO);
                slot.write(part::<T, P>(a, b, a.small_quotient(b)));
            }
        } else {
            for (i, slot) in group.iter_mut().enumerate() {
                let (a, b) = at(start + i);
                zero |= b.eq(T::ZERO);
                slot.write(part::<T, P>(a, b, a.quotient::<WIDE>(b)));
            }
        }
        // SAFETY: the caller gives `n` writable elements, and `start + GROUP <= n`.
        unsafe { out.add(start).cast::<[_; GROUP]>().write_unaligned(group) };
        start += GROUP;
        scalar_loop();
    }
    for i in start..n {
        let (a, b) = at(i);
        zero |= b.eq(T::ZERO);
        // SAFETY: `i < n`.
        unsafe { out.add(i).write_unaligned(part::<T, P>(a, b, a.quotient::<WIDE>(b))) };
    }
    if zero { DIVIDE_BY_ZERO } else { 0 }
}

/// Division of integers of at most `w` bits, by floats of `p >= 2 * w + 1` bits.
///
/// The floor of the rounded quotient is that of the exact one: rounding is monotone and leaves
/// integers alone, so it can only go wrong by rounding a quotient `a / b` up to the next integer
/// `n`. But then `n - a / b >= 1 / |b|`, while the rounding moves it by at most `|n| * 2^-p`; and
/// `|n| * |b| <= |a| + |b| <= 2^(w + 1) < 2^p`.
macro_rules! by_wider_floats {
    ($t:ty, $float:ty, $magic:expr, $a:expr, $b:expr) => {{
        // Adding this rounds to an integer, whose low bits are then the lowest ones.
        const MAGIC: $float = $magic;
        let divisor = if $b == 0 { 1 } else { $b };
        let quotient = $a as $float / divisor as $float;
        let nearest = (quotient + MAGIC) - MAGIC;
        let floor = if nearest > quotient { nearest - 1.0 } else { nearest };
        let floor = (floor + MAGIC).to_bits() as $t;
        if $b == 0 { 0 } else { floor }
    }};
}

/// The quotient of unsigned integers of `w` bits by floats of `p` bits, `w < 2 * p - 16`.
///
/// The reciprocal of the divisor is too small by 1 to 5 units of 2^(2 - p), so that products with it
/// are too small as well, whichever way they are rounded. What the first product leaves is exact, not
/// negative, and at most `b + a * 2^(5 - p)`, less than `2^(p - 8) * b`. What the second leaves is
/// then less than `2 * b`.
macro_rules! in_two_steps {
    ($t:ty, $float:ty, $a:expr, $b:expr) => {{
        const BELOW_ONE: $float = 1.0 - 4.0 * <$float>::EPSILON;
        let reciprocal = BELOW_ONE / $b as $float;
        // SAFETY: a product is not negative and less than `a`, which is at least 1 less than the
        // type's limit or, rounded, that limit times a number below 1.
        let steps = |x: $t| unsafe { (x as $float * reciprocal).to_int_unchecked::<$t>() };
        let first = steps($a);
        let rest = $a.wrapping_sub(first.wrapping_mul($b));
        let second = steps(rest);
        let rest = rest.wrapping_sub(second.wrapping_mul($b));
        let one_more = rest >= $b;
        let quotient = first.wrapping_add(second).wrapping_add(one_more as $t);
        let rest = if one_more { rest.wrapping_sub($b) } else { rest };
        (quotient, rest)
    }};
}

macro_rules! narrow {
    ($($t:ty)*) => {$(
        impl Estimate for $t {
            #[inline(always)]
            fn quotient<const WIDE: bool>(self, divisor: $t) -> $t {
                by_wider_floats!($t, f32, 12582912.0, self, divisor) // 1.5 * 2^23
            }
            #[inline(always)]
            fn signs_differ(self, other: $t) -> bool {
                <$t>::MIN != 0 && (self ^ other) >> (<$t>::BITS - 1) != 0
            }
        }
    )*};
}
narrow!(i8 u8 i16 u16);

/// The quotient in two steps, or `$narrow` without AVX-512, which converts unsigned integers.
macro_rules! wide {
    ($($t:ty, $unsigned:ty, $float:ty, |$a:ident, $b:ident| $narrow:expr, { $($small:tt)* };)*) => {$(
        impl Estimate for $t {
            #[inline(always)]
            fn quotient<const WIDE: bool>(self, divisor: $t) -> $t {
                let ($a, $b) = (self, divisor);
                if !WIDE {
                    return $narrow;
                }
                let nonzero = if divisor == 0 { 1 } else { divisor };
                let signed = <$t>::MIN != 0;
                let magnitude = |x: $t| -> $unsigned {
                    #[allow(unused_comparisons, reason = "of unsigned ones none is negative")]
                    let negative = signed && x < 0;
                    (if negative { x.wrapping_neg() } else { x }) as $unsigned
                };
                let (a, b) = (magnitude(self), magnitude(nonzero));
                let (quotient, rest) = in_two_steps!($unsigned, $float, a, b);
                let (quotient, up) = (quotient as $t, (rest != 0) as $t);
                let quotient = match self.signs_differ(nonzero) {
                    true => quotient.wrapping_add(up).wrapping_neg(),
                    false => quotient,
                };
                if divisor == 0 { 0 } else { quotient }
            }
            #[inline(always)]
            fn signs_differ(self, other: $t) -> bool {
                <$t>::MIN != 0 && (self ^ other) >> (<$t>::BITS - 1) != 0
            }
            $($small)*
        }
    )*};
}

/// The quotient of integers of magnitudes below 2^50, by floats of 53 bits.
///
/// Rounded to the nearest integer, it is the right one or the next; then the remainder has the wrong
/// sign.
macro_rules! small {
    ($t:ty, |$a:ident, $b:ident| $is_small:expr) => {
        #[inline(always)]
        fn small_quotient(self, divisor: $t) -> $t {
            // 1.5 * 2^52, whose last place is 1: added to an integer's bits it makes a float of it.
            const MAGIC: f64 = 6755399441055744.0;
            let float = |x: $t| f64::from_bits((x as u64).wrapping_add(MAGIC.to_bits())) - MAGIC;
            let nonzero = if divisor == 0 { 1 } else { divisor };
            let quotient =
                (float(self) / float(nonzero) + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits());
            let rest = (self as u64).wrapping_sub(quotient.wrapping_mul(nonzero as u64));
            let over = rest != 0 && (rest ^ nonzero as u64).cast_signed() < 0;
            let quotient = quotient.wrapping_sub(over as u64) as $t;
            if divisor == 0 { 0 } else { quotient }
        }
        #[inline(always)]
        fn is_small(self, divisor: $t) -> bool {
            let ($a, $b) = (self as u64, divisor as u64);
            $is_small
        }
        #[inline(always)]
        fn prefers_small<const WIDE: bool>() -> bool {
            !WIDE
        }
    };
}

wide! {
    i32, u32, f32, |a, b| by_wider_floats!(i32, f64, 6755399441055744.0, a, b), {}; // 1.5 * 2^52
    u32, u32, f32, |a, b| by_wider_floats!(u32, f64, 6755399441055744.0, a, b), {};
    i64, u64, f64, |a, b| {
        if b == 0 {
            return 0;
        }
        // One division, where the compiler makes two of the plain definition.
        let quotient = a.wrapping_div(b);
        let rest = a.wrapping_sub(quotient.wrapping_mul(b));
        quotient.wrapping_sub((rest != 0 && (rest ^ b) < 0) as i64)
    }, { small!(i64, |a, b| (a.wrapping_add(1 << 50) | b.wrapping_add(1 << 50)) >> 51 == 0); };
    u64, u64, f64, |a, b| a.floor_div(b), { small!(u64, |a, b| (a | b) >> 50 == 0); };
}
