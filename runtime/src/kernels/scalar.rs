//! The semantics of every primitive operation, one element at a time.
//!
//! This is the reference: simple code. The block kernels of [`elementwise`](crate::elementwise) and
//! [`convert`](crate::convert) are these functions in a loop; faster kernels must give the same
//! bits.

use crate::math::softfma;

/// A bool in an array: a byte, of which any non-zero value is true.
///
/// An array of `bool` may hold any byte, so it is never read as Rust's `bool`. Only 0 and 1 are
/// written.
#[derive(Clone, Copy, Debug, Default)]
#[repr(transparent)]
pub struct Bit(pub u8);

impl Bit {
    /// Whether it is true.
    #[inline(always)]
    pub const fn get(self) -> bool {
        self.0 != 0
    }
}

impl From<bool> for Bit {
    #[inline(always)]
    fn from(value: bool) -> Bit {
        Bit(value as u8)
    }
}

/// The operations of integers and floats.
pub trait Number: Copy {
    /// Whether a division by zero sets the flag.
    const IS_INT: bool;
    /// Zero; of a float, the positive one.
    const ZERO: Self;

    /// `self + rhs`; integers wrap.
    fn add(self, rhs: Self) -> Self;
    /// `self - rhs`; integers wrap.
    fn sub(self, rhs: Self) -> Self;
    /// `self * rhs`; integers wrap.
    fn mul(self, rhs: Self) -> Self;
    /// `-self`; integers wrap. Flips the sign of a float, whatever it is.
    fn neg(self) -> Self;
    /// The magnitude; that of an integer's `MIN` wraps to `MIN`.
    fn abs(self) -> Self;
    /// The lesser; NaN if either is, and -0.0 is less than +0.0.
    fn minimum(self, rhs: Self) -> Self;
    /// The greater; NaN if either is, and -0.0 is less than +0.0.
    fn maximum(self, rhs: Self) -> Self;
    /// The quotient rounded down. Integers: by zero it is 0, `MIN // -1` wraps. Floats: from the
    /// exact remainder, as Python and NumPy.
    fn floor_div(self, rhs: Self) -> Self;
    /// The remainder of [`floor_div`](Number::floor_div), with the sign of `rhs`. Integers: by zero
    /// it is 0. Floats: NaN.
    fn rem(self, rhs: Self) -> Self;
    /// The remainder of the quotient rounded toward zero, exact, with the sign of `self`.
    /// Integers: by zero it is 0. Floats: NaN.
    fn fmod(self, rhs: Self) -> Self;
    /// `self < rhs`
    fn lt(self, rhs: Self) -> bool;
    /// `self <= rhs`
    fn le(self, rhs: Self) -> bool;
    /// `self == rhs`
    fn eq(self, rhs: Self) -> bool;
    /// `self != rhs`, true where either is NaN.
    fn ne(self, rhs: Self) -> bool;
}

/// The operations of integers.
pub trait Int: Number {
    /// `self` to the power `exponent`, wrapping. A negative exponent gives 0, but of 1 and -1 the
    /// exact value; anything to the power 0 is 1.
    fn pow(self, exponent: Self) -> Self;
    /// The greatest common divisor of the magnitudes; of 0 and `x`, that of `x`.
    fn gcd(self, rhs: Self) -> Self;
    /// The least common multiple of the magnitudes, wrapping; 0 if either is 0.
    fn lcm(self, rhs: Self) -> Self;
    /// The number of set bits of the magnitude.
    fn set_bits(self) -> Self;
    /// `self << count`; 0 where the count is negative or not less than the width.
    fn shl(self, count: Self) -> Self;
    /// `self >> count`; all copies of the sign (0 for unsigned types) where the count is negative
    /// or not less than the width.
    fn shr(self, count: Self) -> Self;
}

/// The operations of floats.
pub trait Float: Number {
    /// `self / rhs`
    fn div(self, rhs: Self) -> Self;
    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// Rounded down.
    fn floor(self) -> Self;
    /// Rounded up.
    fn ceil(self) -> Self;
    /// Rounded toward zero.
    fn trunc(self) -> Self;
    /// Rounded to the nearest integer, halves to the even one.
    fn rint(self) -> Self;
    /// The magnitude of `self` with the sign of `sign`; a NaN counts as positive.
    fn copysign(self, sign: Self) -> Self;
    /// Whether the sign is negative; a NaN counts as positive.
    fn signbit(self) -> bool;
    /// The next value after `self` toward `toward`, as C's `nextafter`.
    fn nextafter(self, toward: Self) -> Self;
    /// `self * 2^exponent`, rounded once, for an integer `exponent`.
    fn ldexp(self, exponent: Self) -> Self;
    /// The fractional part, with the sign of `self`; 0 for an infinity.
    fn fraction(self) -> Self;
    /// `self / 2^e` with [its exponent](Float::exponent) e; 0.5 <= |m| < 1 but for 0, infinities
    /// and NaN, which are their own.
    fn mantissa(self) -> Self;
    /// The exponent of the power of two that `self` is less than and not less than half of; 0 of
    /// 0, infinities and NaN.
    fn exponent(self) -> Self;
    /// [`floor_div`](Number::floor_div) by a number other than zero, from the exact remainder
    /// that [`fmod`](Number::fmod) gives.
    fn floor_div_of(self, rhs: Self, remainder: Self) -> Self;
    /// [`rem`](Number::rem) by `self`, which is not zero, from the exact remainder that
    /// [`fmod`](Number::fmod) gives.
    fn rem_of(self, remainder: Self) -> Self;
    /// `self * b + c` rounded once, by the machine's instruction. Only where there is one: see
    /// [`fma_soft`](Float::fma_soft).
    fn fma_hard(self, b: Self, c: Self) -> Self;
    /// `self * b + c` rounded once, computed without the instruction; the same bits.
    fn fma_soft(self, b: Self, c: Self) -> Self;
}

/// Logic: bitwise on integers, Boolean on [`Bit`].
pub trait Logic: Copy {
    /// `self & rhs`
    fn and(self, rhs: Self) -> Self;
    /// `self | rhs`
    fn or(self, rhs: Self) -> Self;
    /// `self ^ rhs`
    fn xor(self, rhs: Self) -> Self;
    /// `!self`
    fn not(self) -> Self;
}

/// Selection of elements.
pub trait Choose: Copy {
    /// `yes` where `condition` is true, else `no`.
    fn select(condition: Bit, yes: Self, no: Self) -> Self;
}

/// Conversion between two element types.
///
/// To [`Bit`]: whether it is not zero (NaN is not). From it: 0 or 1. Between integers: wraps. To
/// a float: rounded once, to nearest, halves to even. Float to integer: toward zero, saturating,
/// NaN gives 0.
pub trait Cast<To>: Copy {
    /// The value as a `To`.
    fn cast(self) -> To;
}

impl Logic for Bit {
    #[inline(always)]
    fn and(self, rhs: Bit) -> Bit {
        Bit::from(self.get() & rhs.get())
    }
    #[inline(always)]
    fn or(self, rhs: Bit) -> Bit {
        Bit::from(self.get() | rhs.get())
    }
    #[inline(always)]
    fn xor(self, rhs: Bit) -> Bit {
        Bit::from(self.get() ^ rhs.get())
    }
    #[inline(always)]
    fn not(self) -> Bit {
        Bit::from(!self.get())
    }
}

impl Choose for Bit {
    #[inline(always)]
    fn select(condition: Bit, yes: Bit, no: Bit) -> Bit {
        Bit::from(if condition.get() { yes.get() } else { no.get() })
    }
}

macro_rules! integers {
    ($($t:ty, $unsigned:ty, $abs:expr, $negative:expr;)*) => {$(
        impl Number for $t {
            const IS_INT: bool = true;
            const ZERO: $t = 0;

            #[inline(always)]
            fn add(self, rhs: $t) -> $t {
                self.wrapping_add(rhs)
            }
            #[inline(always)]
            fn sub(self, rhs: $t) -> $t {
                self.wrapping_sub(rhs)
            }
            #[inline(always)]
            fn mul(self, rhs: $t) -> $t {
                self.wrapping_mul(rhs)
            }
            #[inline(always)]
            fn neg(self) -> $t {
                self.wrapping_neg()
            }
            #[inline(always)]
            fn abs(self) -> $t {
                ($abs)(self)
            }
            #[inline(always)]
            fn minimum(self, rhs: $t) -> $t {
                self.min(rhs)
            }
            #[inline(always)]
            fn maximum(self, rhs: $t) -> $t {
                self.max(rhs)
            }
            #[inline(always)]
            fn floor_div(self, rhs: $t) -> $t {
                if rhs == 0 {
                    return 0;
                }
                let quotient = self.wrapping_div(rhs);
                let remainder = self.wrapping_rem(rhs);
                let round_down = remainder != 0 && ($negative)(remainder) != ($negative)(rhs);
                quotient.wrapping_sub(round_down as $t)
            }
            #[inline(always)]
            fn rem(self, rhs: $t) -> $t {
                if rhs == 0 {
                    return 0;
                }
                let remainder = self.wrapping_rem(rhs);
                let round_down = remainder != 0 && ($negative)(remainder) != ($negative)(rhs);
                if round_down { remainder.wrapping_add(rhs) } else { remainder }
            }
            #[inline(always)]
            fn fmod(self, rhs: $t) -> $t {
                if rhs == 0 { 0 } else { self.wrapping_rem(rhs) }
            }
            #[inline(always)]
            fn lt(self, rhs: $t) -> bool {
                self < rhs
            }
            #[inline(always)]
            fn le(self, rhs: $t) -> bool {
                self <= rhs
            }
            #[inline(always)]
            fn eq(self, rhs: $t) -> bool {
                self == rhs
            }
            #[inline(always)]
            fn ne(self, rhs: $t) -> bool {
                self != rhs
            }
        }

        impl Int for $t {
            #[inline(always)]
            fn pow(self, exponent: $t) -> $t {
                if ($negative)(exponent) {
                    // 1 and -1 are their own inverses; every other power is less than 1.
                    let own_inverse = self == 1 || self.wrapping_add(1) == 0;
                    return match (own_inverse, exponent & 1 == 0) {
                        (true, true) => 1,
                        (true, false) => self,
                        (false, _) => 0,
                    };
                }
                let (mut base, mut left, mut power) = (self, exponent, 1);
                while left != 0 {
                    if left & 1 != 0 {
                        power = base.wrapping_mul(power);
                    }
                    base = base.wrapping_mul(base);
                    left >>= 1;
                }
                power
            }
            #[inline(always)]
            fn gcd(self, rhs: $t) -> $t {
                let (mut a, mut b) = (($abs)(self) as $unsigned, ($abs)(rhs) as $unsigned);
                if a == 0 || b == 0 {
                    return (a | b) as $t;
                }
                // Stein's algorithm: the difference of odd numbers is even, and is halved.
                let twos = (a | b).trailing_zeros();
                a >>= a.trailing_zeros();
                loop {
                    b >>= b.trailing_zeros();
                    let less = a.min(b);
                    b = a.abs_diff(b);
                    a = less;
                    if b == 0 {
                        return (a << twos) as $t;
                    }
                }
            }
            #[inline(always)]
            fn lcm(self, rhs: $t) -> $t {
                let divisor = self.gcd(rhs) as $unsigned;
                if divisor == 0 {
                    return 0;
                }
                let (a, b) = (($abs)(self) as $unsigned, ($abs)(rhs) as $unsigned);
                (a / divisor).wrapping_mul(b) as $t
            }
            #[inline(always)]
            fn set_bits(self) -> $t {
                (($abs)(self) as $unsigned).count_ones() as $t
            }
            #[inline(always)]
            fn shl(self, count: $t) -> $t {
                // As an unsigned number, a negative count exceeds any width.
                let count = count as $unsigned;
                let inside = count < <$t>::BITS as $unsigned;
                if inside { self.wrapping_shl(count as u32) } else { 0 }
            }
            #[inline(always)]
            fn shr(self, count: $t) -> $t {
                let count = count as $unsigned;
                let last = <$t>::BITS as $unsigned - 1;
                let shifted = self.wrapping_shr(count.min(last) as u32);
                let filled = ($negative)(self) || count <= last;
                if filled { shifted } else { 0 }
            }
        }

        impl Logic for $t {
            #[inline(always)]
            fn and(self, rhs: $t) -> $t {
                self & rhs
            }
            #[inline(always)]
            fn or(self, rhs: $t) -> $t {
                self | rhs
            }
            #[inline(always)]
            fn xor(self, rhs: $t) -> $t {
                self ^ rhs
            }
            #[inline(always)]
            fn not(self) -> $t {
                !self
            }
        }
    )*};
}

integers! {
    i8, u8, i8::wrapping_abs, |x: i8| x < 0;
    i16, u16, i16::wrapping_abs, |x: i16| x < 0;
    i32, u32, i32::wrapping_abs, |x: i32| x < 0;
    i64, u64, i64::wrapping_abs, |x: i64| x < 0;
    u8, u8, |x: u8| x, |_: u8| false;
    u16, u16, |x: u16| x, |_: u16| false;
    u32, u32, |x: u32| x, |_: u32| false;
    u64, u64, |x: u64| x, |_: u64| false;
}

macro_rules! floats {
    ($($t:ident, $bits:ty, $soft_fma:path;)*) => {$(
        impl Number for $t {
            const IS_INT: bool = false;
            const ZERO: $t = 0.0;

            #[inline(always)]
            fn add(self, rhs: $t) -> $t {
                self + rhs
            }
            #[inline(always)]
            fn sub(self, rhs: $t) -> $t {
                self - rhs
            }
            #[inline(always)]
            fn mul(self, rhs: $t) -> $t {
                self * rhs
            }
            #[inline(always)]
            fn neg(self) -> $t {
                -self
            }
            #[inline(always)]
            fn abs(self) -> $t {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn minimum(self, rhs: $t) -> $t {
                if self == rhs {
                    // The same bits, or two zeros: then the negative one wins.
                    <$t>::from_bits(self.to_bits() | rhs.to_bits())
                } else if self < rhs || self.is_nan() {
                    self
                } else {
                    rhs
                }
            }
            #[inline(always)]
            fn maximum(self, rhs: $t) -> $t {
                if self == rhs {
                    // The same bits, or two zeros: then the positive one wins.
                    <$t>::from_bits(self.to_bits() & rhs.to_bits())
                } else if self > rhs || self.is_nan() {
                    self
                } else {
                    rhs
                }
            }
            #[inline(always)]
            fn floor_div(self, rhs: $t) -> $t {
                if rhs == 0.0 {
                    return self / rhs;
                }
                self.floor_div_of(rhs, self % rhs)
            }
            #[inline(always)]
            fn rem(self, rhs: $t) -> $t {
                if rhs == 0.0 { self % rhs } else { rhs.rem_of(self % rhs) }
            }
            #[inline(always)]
            fn fmod(self, rhs: $t) -> $t {
                self % rhs
            }
            #[inline(always)]
            fn lt(self, rhs: $t) -> bool {
                self < rhs
            }
            #[inline(always)]
            fn le(self, rhs: $t) -> bool {
                self <= rhs
            }
            #[inline(always)]
            fn eq(self, rhs: $t) -> bool {
                self == rhs
            }
            #[inline(always)]
            fn ne(self, rhs: $t) -> bool {
                self != rhs
            }
        }

        impl Float for $t {
            #[inline(always)]
            fn div(self, rhs: $t) -> $t {
                self / rhs
            }
            #[inline(always)]
            fn sqrt(self) -> $t {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn floor(self) -> $t {
                <$t>::floor(self)
            }
            #[inline(always)]
            fn ceil(self) -> $t {
                <$t>::ceil(self)
            }
            #[inline(always)]
            fn trunc(self) -> $t {
                <$t>::trunc(self)
            }
            #[inline(always)]
            fn rint(self) -> $t {
                self.round_ties_even()
            }
            #[inline(always)]
            fn copysign(self, sign: $t) -> $t {
                if sign.is_nan() { <$t>::abs(self) } else { <$t>::copysign(self, sign) }
            }
            #[inline(always)]
            fn signbit(self) -> bool {
                self.is_sign_negative() & !self.is_nan()
            }
            #[inline(always)]
            fn nextafter(self, toward: $t) -> $t {
                if self.is_nan() || toward.is_nan() {
                    return self + toward;
                }
                if self == toward {
                    return toward;
                }
                let bits = self.to_bits();
                let away_from_zero = (self < toward) == (self > 0.0);
                if self == 0.0 {
                    <$t>::copysign(<$t>::from_bits(1), toward)
                } else if away_from_zero {
                    <$t>::from_bits(bits + 1)
                } else {
                    <$t>::from_bits(bits - 1)
                }
            }
            #[inline(always)]
            fn ldexp(self, exponent: $t) -> $t {
                let power = |k: i32| {
                    <$t>::from_bits(((<$t>::MAX_EXP - 1 + k) as $bits) << (<$t>::MANTISSA_DIGITS - 1))
                };
                let (most, least) = (<$t>::MAX_EXP - 1, <$t>::MIN_EXP - 1);
                // When scaling down, the first steps stay above the subnormal range, so that only
                // the last one rounds.
                let short = least + <$t>::MANTISSA_DIGITS as i32;
                let step = |left: i32| if left < least { short } else { left.min(most) };
                let left = exponent as i32;
                let left = left.clamp(3 * least, 3 * most);
                let first = step(left);
                let second = step(left - first);
                let third = (left - first - second).clamp(least, most);
                self * power(first) * power(second) * power(third)
            }
            #[inline(always)]
            fn fraction(self) -> $t {
                let rest = self - <$t>::trunc(self);
                let rest = if <$t>::abs(self) == <$t>::INFINITY { 0.0 } else { rest };
                <$t>::copysign(rest, self)
            }
            #[inline(always)]
            fn mantissa(self) -> $t {
                let (scaled, _) = self.normal();
                let field = <$t>::INFINITY.to_bits();
                let half = (0.5 as $t).to_bits();
                let mantissa = <$t>::from_bits(scaled.to_bits() & !field | half);
                if self == 0.0 || !self.is_finite() { self } else { mantissa }
            }
            #[inline(always)]
            fn exponent(self) -> $t {
                let (scaled, by) = self.normal();
                let field = (scaled.to_bits() & <$t>::INFINITY.to_bits())
                    >> (<$t>::MANTISSA_DIGITS - 1);
                let exponent = field as i32 - (<$t>::MAX_EXP - 2) - by;
                if self == 0.0 || !self.is_finite() { 0.0 } else { exponent as $t }
            }
            #[inline(always)]
            fn floor_div_of(self, rhs: $t, remainder: $t) -> $t {
                let quotient = (self - remainder) / rhs;
                let round_down = remainder != 0.0 && (rhs < 0.0) != (remainder < 0.0);
                let quotient = if round_down { quotient - 1.0 } else { quotient };
                // An integer except for the rounding of the division.
                let floor = <$t>::floor(quotient);
                let nearest = if quotient - floor > 0.5 { floor + 1.0 } else { floor };
                let zero = <$t>::copysign(0.0, self / rhs);
                if quotient == 0.0 { zero } else { nearest }
            }
            #[inline(always)]
            fn rem_of(self, remainder: $t) -> $t {
                let round_down = (self < 0.0) != (remainder < 0.0);
                let moved = if round_down { remainder + self } else { remainder };
                if remainder == 0.0 { <$t>::copysign(0.0, self) } else { moved }
            }
            #[inline(always)]
            fn fma_hard(self, b: $t, c: $t) -> $t {
                self.mul_add(b, c)
            }
            #[inline(always)]
            fn fma_soft(self, b: $t, c: $t) -> $t {
                $soft_fma(self, b, c)
            }
        }
    )*};
}

floats! {
    f32, u32, softfma::fma32;
    f64, u64, softfma::fma64;
}

/// Scaling of a float by a power of two to a normal number.
trait Normal: Copy {
    fn normal(self) -> (Self, i32);
}

macro_rules! normal {
    ($($t:ident)*) => {$(
        impl Normal for $t {
            #[inline(always)]
            fn normal(self) -> ($t, i32) {
                let by = <$t>::MANTISSA_DIGITS as i32;
                let up = (1u64 << by) as $t;
                if <$t>::abs(self) < <$t>::MIN_POSITIVE { (self * up, by) } else { (self, 0) }
            }
        }
    )*};
}
normal!(f32 f64);

macro_rules! choose {
    ($($t:ty)*) => {$(
        impl Choose for $t {
            #[inline(always)]
            fn select(condition: Bit, yes: $t, no: $t) -> $t {
                if condition.get() { yes } else { no }
            }
        }
    )*};
}
choose!(i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);

macro_rules! casts {
    ($($from:ty: $zero:literal),*) => {$(
        casts!(@to $from: i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);
        impl Cast<Bit> for $from {
            #[inline(always)]
            fn cast(self) -> Bit {
                Bit::from(self != $zero)
            }
        }
        impl Cast<$from> for Bit {
            #[inline(always)]
            fn cast(self) -> $from {
                self.get() as u8 as $from
            }
        }
    )*};
    (@to $from:ty: $($to:ty)*) => {$(
        impl Cast<$to> for $from {
            #[inline(always)]
            fn cast(self) -> $to {
                self as $to
            }
        }
    )*};
}
casts!(i8: 0, i16: 0, i32: 0, i64: 0, u8: 0, u16: 0, u32: 0, u64: 0, f32: 0.0, f64: 0.0);

impl Cast<Bit> for Bit {
    #[inline(always)]
    fn cast(self) -> Bit {
        Bit::from(self.get())
    }
}
