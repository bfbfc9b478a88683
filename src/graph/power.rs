//! Expansion of powers: of integers, and of floats to constant exponents.

use hotloop_runtime::convert::convert_scalar;
use hotloop_runtime::dtype::DType;

use super::{Builder, NodeId, type_error};
use crate::error::Error;
use crate::ops::Op;

type Result<T> = std::result::Result<T, Error>;

impl Builder {
    pub(super) fn power(
        &mut self,
        x: NodeId,
        y: NodeId,
        dtype: DType,
        weak: bool,
    ) -> Result<NodeId> {
        if dtype.is_int() {
            let exponent = self.graph.weak_integer(y).or_else(|| {
                let (bits, dtype) = (self.graph.constant(y)?, self.graph.dtype(y));
                let strong = convert_scalar(bits, dtype, DType::I64) as i64;
                (dtype != DType::U64).then_some(i128::from(strong))
            });
            if let Some(exponent) = exponent.filter(|exponent| *exponent < 0) {
                if !weak || self.graph.weak_integer(x).is_none() {
                    let advice =
                        format!("use a float exponent for a float result: x**{exponent}.0");
                    return Err(type_error("integers to a negative integer power").hint(advice));
                }
                return self.power(x, y, DType::F64, weak);
            }
            let operands = self.unify([x, y], dtype, weak)?;
            return self.apply_folded(Op::IntegerPower, &operands, dtype);
        }
        let operands = self.unify([x, y], dtype, weak)?;
        let exponent = self.graph.constant_f64(operands[1]);
        if let (true, Some(_), Some(exponent)) = (weak, self.graph.constant(operands[0]), exponent)
        {
            // The same operations as at run time, folded.
            return match self.constant_power(operands[0], exponent, false)? {
                Some(power) => Ok(power),
                None => self.apply_own(Op::RealPower, &operands),
            };
        }
        Ok(self.apply_typed(Op::Power, &operands, dtype))
    }

    /// Powers of floats to constants that have a faster form than the power function within 1 ULP;
    /// with `plain`, products of up to 4 factors.
    pub(crate) fn constant_power(
        &mut self,
        x: NodeId,
        exponent: f64,
        plain: bool,
    ) -> Result<Option<NodeId>> {
        let power = match exponent {
            // In the shape of x, also for NaN: C's pow(nan, 0) is 1.
            0.0 => {
                let one = self.literal_like(x, 1.0);
                let any = self.apply_own(Op::Eq, &[x, x])?;
                self.apply_own(Op::Select, &[any, one, one])
            }
            0.5 => {
                // pow(-0, 0.5) is +0 and pow(-inf, 0.5) is +inf, unlike the square root.
                let [zero, infinity] = [0.0, f64::INFINITY].map(|v| self.literal_like(x, v));
                let minus_infinity = self.literal_like(x, f64::NEG_INFINITY);
                let x = self.apply_own(Op::Add, &[x, zero])?;
                let root = self.apply_own(Op::Sqrt, &[x])?;
                let low = self.apply_own(Op::Eq, &[x, minus_infinity])?;
                self.apply_own(Op::Select, &[low, infinity, root])
            }
            1.0 => Ok(x),
            2.0 => self.apply_own(Op::Mul, &[x, x]),
            -1.0 => {
                let one = self.literal_like(x, 1.0);
                self.apply_own(Op::Div, &[one, x])
            }
            // A product of n factors has n - 1 roundings, each below 1 ULP of the result.
            3.0 | 4.0 | 5.0 if plain => {
                power_by_squaring(exponent as u32, x, |x, y| self.apply_own(Op::Mul, &[x, y]))
            }
            3.0 | 4.0 => self.exact_cube_or_fourth(x, exponent == 4.0),
            _ => return Ok(None),
        };
        power.map(Some)
    }

    /// x**3 or x**4 with one significant rounding: with x**2 = s + e exactly, it is s x + e x or s
    /// s + 2 s e, e e being below 2^-100 of it. If s overflows, e is NaN and the plain product is
    /// correct; if e is too small to be exact, the result is 0.
    fn exact_cube_or_fourth(&mut self, x: NodeId, fourth: bool) -> Result<NodeId> {
        let square = self.apply_own(Op::Mul, &[x, x])?;
        let minus = self.apply_own(Op::Neg, &[square])?;
        let lost = self.apply_own(Op::Fma, &[x, x, minus])?;
        let (factor, lost) =
            if fourth { (square, self.apply_own(Op::Add, &[lost, lost])?) } else { (x, lost) };
        let correction = self.apply_own(Op::Mul, &[lost, factor])?;
        let exact = self.apply_own(Op::Fma, &[square, factor, correction])?;
        let plain = self.apply_own(Op::Mul, &[square, factor])?;
        let usual = self.apply_own(Op::Eq, &[exact, exact])?;
        self.apply_own(Op::Select, &[usual, exact, plain])
    }
}

/// x**n for n >= 1 with the fewest squarings.
pub(crate) fn power_by_squaring<T: Copy>(
    mut n: u32,
    x: T,
    mut multiply: impl FnMut(T, T) -> Result<T>,
) -> Result<T> {
    let mut square = x;
    let mut product = None;
    loop {
        if n & 1 == 1 {
            product = Some(match product {
                Some(p) => multiply(p, square)?,
                None => square,
            });
        }
        n >>= 1;
        match product {
            Some(p) if n == 0 => return Ok(p),
            _ => square = multiply(square, square)?,
        }
    }
}
