//! Integer operations with a constant second operand, as micro-operations: shifts of lanes for which
//! the machine has no shift by a vector of counts, and division by multiplication.
//!
//! The quotient of x < 2^n by D is `(x * f) >> (N + s)`, where f is floor(2^(N + s) / D) + 1 and N the
//! bits of a lane, if f * D exceeds 2^(N + s) by at most 2^(N + s - n) (Granlund and Montgomery,
//! "Division by invariant integers using multiplication", 1994): the product exceeds x / D by less than
//! the 1 / D that would reach the next integer. The least s is taken with which that holds.
//!
//! The quotient of a negative x, rounded down, is the complement of that of the complement of x.
//!
//! Bytes are divided in lanes of 16 bits, by f = floor(2^16 / D) + 1:
//!
//! - The remainder of x < 2^9 and D <= 2^7, or x < 2^8, is the high half of D times the low half of
//!   x * f, the fraction of x / D (Lemire, Kaser and Kurz, "Faster remainder by direct computation",
//!   2019).
//! - The quotient of signed ones is the upper byte of the high half of X * f, where X = 256 * x + 128:
//!   X / D is more than 1 away from every multiple of 256, and the product off by at most 1/2.

use hotloop_runtime::dtype::DType;

use super::encode::Width;
use super::micro::{Value, What};
use super::reduction::repeated;
use super::rows::*;
use super::select::{Selector, number};
use crate::ops::Op;

/// Whether loops support an operation by this constant.
pub fn exists(op: Op, dtype: DType, bits: u64) -> bool {
    if !dtype.is_int() {
        return false;
    }
    let lane = dtype.bits();
    let constant = magnitude(dtype, bits);
    match op {
        // Lanes of other widths have shifts by a vector of counts.
        Op::Shl | Op::Shr => dtype.size() <= 2 && constant.is_some_and(|count| count < lane as u64),
        // Powers of two have already become shifts.
        Op::FloorDiv | Op::Rem => {
            dtype.size() <= 4 && constant.is_some_and(|d| d > 1 && !d.is_power_of_two())
        }
        _ => false,
    }
}

/// A constant of a dtype, unless it is negative.
fn magnitude(dtype: DType, bits: u64) -> Option<u64> {
    let bits = bits & (u64::MAX >> (64 - dtype.bits()));
    let is_negative = dtype.is_signed_int() && bits >> (dtype.bits() - 1) != 0;
    (!is_negative).then_some(bits)
}

/// A division by a constant as a multiplication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Multiplier {
    /// The number of bits by which dividends are first shifted right.
    before: u32,
    /// The factor, without the bit of 2^N.
    factor: u64,
    /// Whether it has that bit.
    is_long: bool,
    /// The number of bits by which the high half of the product is shifted right.
    after: u32,
}

/// The multiplier for dividends of `digits` bits in lanes of `lane` bits.
fn multiplier(lane: u32, digits: u32, divisor: u64) -> Multiplier {
    let least = |digits: u32, divisor: u64| {
        (0..=lane).find_map(|after| {
            let product = 1_u128 << (lane + after);
            let factor = product / u128::from(divisor) + 1;
            let excess = factor * u128::from(divisor) - product;
            let right = excess <= 1 << (lane + after - digits) && factor >> lane == 0;
            right.then_some((factor as u64, after))
        })
    };
    if let Some((factor, after)) = least(digits, divisor) {
        return Multiplier { before: 0, factor, is_long: false, after };
    }
    let before = divisor.trailing_zeros();
    if before > 0
        && let Some((factor, after)) = least(digits - before, divisor >> before)
    {
        return Multiplier { before, factor, is_long: false, after };
    }
    let after = u64::BITS - (divisor - 1).leading_zeros();
    let factor = (1_u128 << (lane + after)) / u128::from(divisor) + 1 - (1 << lane);
    Multiplier { before: 0, factor: factor as u64, is_long: true, after }
}

impl Selector<'_> {
    /// An operation by a constant that [`exists`].
    pub(super) fn by_constant(
        &mut self,
        op: Op,
        dtype: DType,
        x: Value,
        bits: u64,
    ) -> Option<Value> {
        let constant = magnitude(dtype, bits)?;
        let (bytes, signed) = (dtype.size() == 1, dtype.is_signed_int());
        Some(match op {
            Op::Shl if bytes => {
                let shifted = self.make_with(What::Shift(&PSLLW), &[x], constant as u8);
                self.and(1, shifted, 0xFF << constant)
            }
            Op::Shl => self.make_with(What::Shift(&PSLLW), &[x], constant as u8),
            Op::Shr if bytes => {
                let x = self.right(1, x, constant as u32);
                let x = self.and(1, x, 0xFF >> constant);
                match signed {
                    true => self.with_sign(x, 0x80 >> constant),
                    false => x,
                }
            }
            Op::Shr if signed => self.make_with(What::Shift(&PSRAW), &[x], constant as u8),
            Op::Shr => self.right(2, x, constant as u32),
            Op::FloorDiv if bytes => self.quotients_of_bytes(signed, x, constant),
            Op::Rem if bytes => self.remainders_of_bytes(signed, x, constant),
            Op::FloorDiv | Op::Rem => {
                let quotient = self.quotient(dtype, x, constant);
                if op == Op::FloorDiv {
                    return Some(quotient);
                }
                let divisor = self.constant(repeated(constant, dtype.size()));
                let product = self.integers(Op::Mul, dtype, &[quotient, divisor])?;
                self.integers(Op::Sub, dtype, &[x, product])?
            }
            _ => return None,
        })
    }

    /// The bitwise and of lanes and a constant.
    fn and(&mut self, bytes: usize, x: Value, bits: u64) -> Value {
        let bits = self.constant(repeated(bits, bytes));
        self.logic(Op::BitAnd, number(bytes), x, bits)
    }

    fn or(&mut self, x: Value, y: Value) -> Value {
        self.logic(Op::BitOr, 0, x, y)
    }

    /// Lanes of `bytes` bytes (2 for lanes of one byte), shifted right.
    fn right(&mut self, bytes: usize, x: Value, count: u32) -> Value {
        if count == 0 {
            return x;
        }
        let row = if bytes == 4 { &PSRLD } else { &PSRLW };
        self.make_with(What::Shift(row), &[x], count as u8)
    }

    /// Sign-extends bytes from this bit.
    fn with_sign(&mut self, x: Value, sign: u64) -> Value {
        let sign = self.constant(repeated(sign, 1));
        let x = self.logic(Op::BitXor, 0, x, sign);
        self.make(What::Two(&PSUBB), &[x, sign])
    }

    /// The quotient rounded down, of lanes of 16 and 32 bits.
    fn quotient(&mut self, dtype: DType, x: Value, divisor: u64) -> Value {
        let (bytes, lane) = (dtype.size(), dtype.bits());
        if !dtype.is_signed_int() {
            return self.quotient_of_magnitudes(bytes, x, multiplier(lane, lane, divisor));
        }
        let row = if bytes == 4 { &PSRAD } else { &PSRAW };
        let sign = self.make_with(What::Shift(row), &[x], lane as u8 - 1);
        let x = self.logic(Op::BitXor, number(bytes), x, sign);
        let quotient = self.quotient_of_magnitudes(bytes, x, multiplier(lane, lane - 1, divisor));
        self.logic(Op::BitXor, number(bytes), quotient, sign)
    }

    fn quotient_of_magnitudes(&mut self, bytes: usize, x: Value, by: Multiplier) -> Value {
        let x = self.right(bytes, x, by.before);
        let factor = self.constant(repeated(by.factor, bytes));
        let high = match bytes {
            2 => self.make(What::Either(&PMULHUW), &[x, factor]),
            _ => self.high_product32(x, factor),
        };
        if !by.is_long {
            return self.right(bytes, high, by.after);
        }
        // The sum with x may overflow, so half of the difference from the high product is added.
        let (add, sub) = if bytes == 2 { (&PADDW, &PSUBW) } else { (&PADDD, &PSUBD) };
        let rest = self.make(What::Two(sub), &[x, high]);
        let half = self.right(bytes, rest, 1);
        let sum = self.make(What::Either(add), &[high, half]);
        self.right(bytes, sum, by.after - 1)
    }

    /// The high halves of products of unsigned lanes of 32 bits.
    fn high_product32(&mut self, x: Value, factor: Value) -> Value {
        let even = self.make(What::Either(&PMULUDQ), &[x, factor]);
        let odd = self.make_with(What::Shift(&PSRLQ), &[x], 32);
        let odd = self.make(What::Either(&PMULUDQ), &[odd, factor]);
        let even = self.make_with(What::Shift(&PSRLQ), &[even], 32);
        if self.width == Width::Ymm {
            return self.make_with(What::Two(&PBLENDD), &[even, odd], 0b1010_1010);
        }
        let odd = self.and(8, odd, 0xFFFF_FFFF << 32);
        self.or(even, odd)
    }

    /// The lower and the upper bytes of words, with zeros above.
    fn words(&mut self, x: Value) -> [Value; 2] {
        [self.and(2, x, 0xFF), self.right(2, x, 8)]
    }

    /// Words with zeros in their upper bytes, as bytes.
    fn bytes(&mut self, even: Value, odd: Value) -> Value {
        let odd = self.make_with(What::Shift(&PSLLW), &[odd], 8);
        self.or(even, odd)
    }

    fn quotients_of_bytes(&mut self, signed: bool, x: Value, divisor: u64) -> Value {
        let factor = self.constant(repeated((1 << 16) / divisor + 1, 2));
        if !signed {
            let [even, odd] =
                self.words(x).map(|x| self.make(What::Either(&PMULHUW), &[x, factor]));
            return self.bytes(even, odd);
        }
        let half = self.constant(repeated(0x80, 2));
        let even = self.make_with(What::Shift(&PSLLW), &[x], 8);
        let odd = self.and(2, x, 0xFF00);
        let [even, odd] = [even, odd].map(|x| {
            let x = self.or(x, half);
            self.make(What::Either(&PMULHW), &[x, factor])
        });
        let even = self.right(2, even, 8);
        let odd = self.and(2, odd, 0xFF00);
        self.or(even, odd)
    }

    fn remainders_of_bytes(&mut self, signed: bool, mut x: Value, divisor: u64) -> Value {
        // Adding a multiple of the divisor makes all values positive: half the range, then the rest.
        let moved = 128_u64.next_multiple_of(divisor) - 128;
        if signed {
            let sign = self.constant(repeated(0x80, 1));
            x = self.logic(Op::BitXor, 0, x, sign);
        }
        let factor = self.constant(repeated((1 << 16) / divisor + 1, 2));
        let moved = (signed && moved > 0).then(|| self.constant(repeated(moved, 2)));
        let divisor = self.constant(repeated(divisor, 2));
        let [even, odd] = self.words(x).map(|mut x| {
            if let Some(moved) = moved {
                x = self.make(What::Either(&PADDW), &[x, moved]);
            }
            let fraction = self.make(What::Either(&PMULLW), &[x, factor]);
            self.make(What::Either(&PMULHUW), &[fraction, divisor])
        });
        self.bytes(even, odd)
    }
}

/// The steps that a division of lanes of 16 or 32 bits needs: a first shift, the bit of 2^N.
#[cfg(test)]
pub fn form(dtype: DType, divisor: u64) -> (bool, bool) {
    let lane = dtype.bits();
    let by = multiplier(lane, lane - u32::from(dtype.is_signed_int()), divisor);
    (by.before > 0, by.is_long)
}
