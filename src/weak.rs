//! Weak values: constants and plain numbers before they adopt a dtype. Weak integers are exact.

use std::cmp::Ordering;

use hotloop_runtime::convert::convert_scalar;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;

use crate::error::{Error, ErrorKind};
use crate::ops::Op;

fn type_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Type, message)
}

/// Formats the bits of an element as a number.
pub fn show(bits: u64, dtype: DType) -> String {
    match dtype {
        DType::Bool => (if bits & 0xff != 0 { "True" } else { "False" }).to_string(),
        DType::F32 => format!("{:?}", f32::from_bits(bits as u32)),
        DType::F64 => format!("{:?}", f64::from_bits(bits)),
        _ if dtype.is_signed_int() => (convert_scalar(bits, dtype, DType::I64) as i64).to_string(),
        _ => bits.to_string(),
    }
}

/// Converts a weak value to the bits of a strong dtype.
///
/// # Errors
/// `Type` for an integer out of the dtype's range and for a float that would overflow.
pub(crate) fn adopt_bits(bits: u64, from: DType, to: DType) -> Result<u64, Error> {
    match (from, to) {
        (DType::I64, _) => return adopt_integer(i128::from(bits as i64), to),
        (DType::F64, DType::F32) => {
            let wide = f64::from_bits(bits);
            if (wide as f32).is_infinite() && wide.is_finite() {
                return Err(does_not_fit(show(bits, from), to));
            }
        }
        _ => {}
    }
    Ok(convert_scalar(bits, from, to))
}

/// Converts a weak integer to the bits of a strong dtype.
///
/// # Errors
/// `Type` for an integer out of the dtype's range.
pub(crate) fn adopt_integer(value: i128, to: DType) -> Result<u64, Error> {
    let bits = cast_integer(value, to);
    let fits = match to {
        _ if !to.is_int() => true,
        DType::U64 => i128::from(bits) == value,
        _ => i128::from(convert_scalar(bits, to, DType::I64) as i64) == value,
    };
    if fits { Ok(bits) } else { Err(does_not_fit(value, to)) }
}

/// Casts a weak integer: integers wrap, floats round once.
pub(crate) fn cast_integer(value: i128, to: DType) -> u64 {
    match to {
        DType::F64 => (value as f64).to_bits(),
        DType::F32 => u64::from((value as f32).to_bits()),
        DType::Bool => u64::from(value != 0),
        _ => convert_scalar(value as u64, DType::U64, to),
    }
}

pub(crate) fn does_not_fit(value: impl std::fmt::Display, dtype: DType) -> Error {
    type_error(format!("{value} does not fit {dtype}"))
}

/// Computes an operation on constants with its run-time kernel. Returns the result and its flags.
pub(crate) fn compute(op: Op, dtype: DType, bits: &[u64]) -> Option<(u64, u32)> {
    let kernel = op.kernel(dtype, Isa::Baseline)?;
    let mut out = [0u8; 8];
    let at =
        |i: usize| bits.get(i).map_or(std::ptr::null(), |b: &u64| std::ptr::from_ref(b).cast());
    // SAFETY: one element of at most 8 bytes is read from each operand and written to `out`;
    // element bits are little-endian on all supported targets.
    let flags = unsafe { kernel(out.as_mut_ptr(), at(0), at(1), at(2), 1) };
    Some((u64::from_le_bytes(out), flags))
}

/// Computes an operation on constants; `None` if it raises a flag, which only a run can report.
pub(crate) fn fold(op: Op, dtype: DType, bits: &[u64]) -> Option<u64> {
    compute(op, dtype, bits).filter(|(_, flags)| *flags == 0).map(|(value, _)| value)
}

/// Computes an operation on weak values at run time, where integers are `i64`. Returns the result
/// and its flags.
///
/// # Errors
/// `Type` for an integer beyond `i64`.
pub(crate) fn compute_weak(
    op: Op,
    dtype: DType,
    bits: &[u64],
) -> Result<Option<(u64, u32)>, Error> {
    if dtype != DType::I64 || op == Op::Select {
        return Ok(compute(op, dtype, bits));
    }
    let integers: Vec<i128> = bits.iter().map(|bits| i128::from(*bits as i64)).collect();
    match exact(op, &integers) {
        None => Ok(compute(op, dtype, bits)),
        Some(value) => match value.and_then(|value| i64::try_from(value).ok()) {
            Some(value) => Ok(Some((value as u64, 0))),
            None => Err(type_error("the value does not fit i64")
                .hint("write floats where numbers are so large")),
        },
    }
}

/// Computes an operation on integers exactly; a comparison is 1 or 0. The outer `None` leaves it to
/// the operation's kernel, the inner one means overflow of 127 bits.
pub(crate) fn exact(op: Op, integers: &[i128]) -> Option<Option<i128>> {
    let truth = |holds: bool| Some(i128::from(holds));
    Some(match (op, integers) {
        (Op::Neg, [x]) => x.checked_neg(),
        (Op::Abs, [x]) => x.checked_abs(),
        (Op::BitNot, [x]) => Some(!x),
        (Op::Add, [x, y]) => x.checked_add(*y),
        (Op::Sub, [x, y]) => x.checked_sub(*y),
        (Op::Mul, [x, y]) => x.checked_mul(*y),
        (Op::FloorDiv | Op::Rem, [_, 0]) => return None,
        (Op::FloorDiv, [x, y]) => {
            let inexact = x.checked_rem(*y).is_some_and(|rest| rest != 0);
            let down = i128::from(inexact && (*x < 0) != (*y < 0));
            x.checked_div(*y).map(|quotient| quotient - down)
        }
        (Op::Rem, [x, y]) => {
            x.checked_rem(*y).map(|rest| match rest != 0 && (rest < 0) != (*y < 0) {
                true => rest + y,
                false => rest,
            })
        }
        (Op::IntegerPower, [x, y]) if *y >= 0 => power(*x, *y),
        (Op::BitAnd, [x, y]) => Some(x & y),
        (Op::BitOr, [x, y]) => Some(x | y),
        (Op::BitXor, [x, y]) => Some(x ^ y),
        (Op::Shl, [x, y]) => shift_left(*x, *y),
        (Op::Shr, [x, y]) => Some(x >> u32::try_from(*y).map_or(127, |count| count.min(127))),
        (Op::Minimum | Op::Fmin, [x, y]) => Some(*x.min(y)),
        (Op::Maximum | Op::Fmax, [x, y]) => Some(*x.max(y)),
        (Op::Lt, [x, y]) => truth(x < y),
        (Op::Le, [x, y]) => truth(x <= y),
        (Op::Eq, [x, y]) => truth(x == y),
        (Op::Ne, [x, y]) => truth(x != y),
        _ => return None,
    })
}

fn power(base: i128, exponent: i128) -> Option<i128> {
    match base {
        0 | 1 => Some(if exponent == 0 { 1 } else { base }),
        -1 => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}

/// A shift by a negative count shifts all bits out, as one beyond the width does.
fn shift_left(value: i128, count: i128) -> Option<i128> {
    match u32::try_from(count).ok().filter(|count| *count < 127) {
        _ if value == 0 || count < 0 => Some(0),
        Some(count) => value.checked_mul(1 << count),
        None => None,
    }
}

/// `x / y` rounded once, as Python divides integers; `None` for a division by zero.
pub(crate) fn quotient(x: i128, y: i128) -> Option<f64> {
    let negative = (x < 0) != (y < 0);
    let (x, y) = (x.unsigned_abs(), y.unsigned_abs());
    if y == 0 {
        return None;
    }
    // Compute binary digits of the quotient: the 53 of a double, a rounding bit and a sticky bit.
    let (mut digits, mut rest, mut scale) = (x / y, x % y, 0i64);
    while rest != 0 && digits < 1 << 55 {
        // y is at most 2^127, so twice a remainder below it fits.
        rest <<= 1;
        digits <<= 1;
        if rest >= y {
            rest -= y;
            digits |= 1;
        }
        scale -= 1;
    }
    // The conversion rounds to nearest; the sticky bit breaks ties.
    let rounded = match rest {
        0 => digits as f64,
        _ => (digits << 1 | 1) as f64 / 2.0,
    };
    // 2^scale is far from the exponent limits, so the product is exact.
    let power = f64::from_bits(((1023 + scale) as u64) << 52);
    let value = rounded * power;
    Some(if negative { -value } else { value })
}

/// Compares an integer with a float exactly; `None` for NaN.
pub(crate) fn compare_exactly(integer: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    let beyond = 170141183460469231731687303715884105728.0; // 2^127
    Some(match float {
        _ if float >= beyond => Ordering::Less,
        _ if float < -beyond => Ordering::Greater,
        _ => {
            let fraction = float.fract() + 0.0;
            integer.cmp(&(float.trunc() as i128)).then(0.0f64.total_cmp(&fraction))
        }
    })
}

#[cfg(test)]
mod tests {
    use Ordering::{Equal, Greater, Less};

    use super::*;

    #[test]
    fn quotients_are_rounded_once() {
        assert_eq!(quotient(1, 9007199254740993), Some(1.1102230246251564e-16));
        assert_eq!(quotient(9007199254740993, 1), Some(9007199254740992.0));
        assert_eq!(quotient(-(1 << 70) - 1, 1 << 70), Some(-1.0));
        assert_eq!(quotient(i128::MAX, 3), Some(5.671372782015641e37));
        assert_eq!(quotient(1, i128::MAX), Some(5.877471754111438e-39));
        assert_eq!(quotient(0, 7), Some(0.0));
        assert_eq!(quotient(i128::MIN, i128::MIN), Some(1.0));
        assert_eq!(quotient(5, 0), None);
        // 2^54 + 2 lies halfway between two doubles; a little more does not.
        let tie = (1i128 << 54) + 2;
        assert_eq!(quotient(tie, 1), Some(18014398509481984.0));
        assert_eq!(quotient(tie * 1000 + 1, 1000), Some(18014398509481988.0));
    }

    #[test]
    fn integers_compare_exactly_to_floats() {
        assert_eq!(compare_exactly(9007199254740993, 9007199254740992.0), Some(Greater));
        assert_eq!(compare_exactly(2, 2.0), Some(Equal));
        assert_eq!(compare_exactly(2, 2.5), Some(Less));
        assert_eq!(compare_exactly(-2, -2.5), Some(Greater));
        assert_eq!(compare_exactly(-3, -2.5), Some(Less));
        assert_eq!(compare_exactly(0, -0.0), Some(Equal));
        assert_eq!(compare_exactly(i128::MAX, f64::INFINITY), Some(Less));
        assert_eq!(compare_exactly(i128::MAX, (1u128 << 127) as f64), Some(Less));
        assert_eq!(compare_exactly(i128::MIN, f64::NEG_INFINITY), Some(Greater));
        assert_eq!(compare_exactly(i128::MIN, -((1u128 << 127) as f64)), Some(Equal));
        assert_eq!(compare_exactly(0, f64::NAN), None);
    }

    #[test]
    fn integer_arithmetic_is_exact() {
        assert_eq!(exact(Op::FloorDiv, &[-7, 2]), Some(Some(-4)));
        assert_eq!(exact(Op::Rem, &[-7, 2]), Some(Some(1)));
        assert_eq!(exact(Op::Rem, &[7, -2]), Some(Some(-1)));
        assert_eq!(exact(Op::FloorDiv, &[i128::MIN, -1]), Some(None));
        assert_eq!(exact(Op::FloorDiv, &[1, 0]), None);
        assert_eq!(exact(Op::IntegerPower, &[2, 70]), Some(Some(1 << 70)));
        assert_eq!(exact(Op::IntegerPower, &[2, 127]), Some(None));
        assert_eq!(exact(Op::Shl, &[1, 126]), Some(Some(1 << 126)));
        assert_eq!(exact(Op::Shl, &[1, 127]), Some(None));
        assert_eq!(exact(Op::Shl, &[1, -1]), Some(Some(0)));
        assert_eq!(exact(Op::Shr, &[-1, 1 << 40]), Some(Some(-1)));
        assert_eq!(exact(Op::Shr, &[5, -1]), Some(Some(0)));
    }
}
