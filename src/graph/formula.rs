//! Operations that the builder expands at once, because the expansion depends on the operands: on
//! `None`, on a special dtype for bools, or on more operands than a node can have.

use hotloop_runtime::dtype::{DType, Kind};

use super::{Builder, NodeId, type_error};
use crate::error::Error;
use crate::ops::{Op, is_none};
use crate::promote::to_float;

type Result<T> = std::result::Result<T, Error>;

/// 180/pi as f64 and as f32: rounded toward 0, and the remainder. Both parts have the same sign, so
/// that `x * hi + x * lo` keeps infinities and the signs of zeros.
const DEGREES: [[f64; 2]; 2] = [
    [57.295_779_513_082_316, 5.117_577_790_543_373e-15],
    [57.295_776_367_187_5, 3.145_894_879_708_066_6e-6],
];
/// pi/180, likewise.
const RADIANS: [[f64; 2]; 2] = [
    [0.017_453_292_519_943_295, 2.948_652_270_870_168_7e-19],
    [0.017_453_292_384_743_69, 1.351_996_015_142_020_7e-10],
];

impl Builder {
    /// The expansion of an operation on these operands, if it has one.
    pub(super) fn formula(&mut self, op: Op, operands: &[NodeId]) -> Result<Option<NodeId>> {
        let x = operands[0];
        let ty = self.graph.ty(x);
        let made = match (op, operands) {
            (Op::Gt, [x, y]) => self.apply_own(Op::Lt, &[*y, *x]),
            (Op::Ge, [x, y]) => self.apply_own(Op::Le, &[*y, *x]),
            (Op::Positive, _) if ty.dtype == DType::Bool => {
                Err(type_error("positive of bool is not defined").hint("convert it: i8(x)"))
            }
            (Op::Positive | Op::Copy | Op::Real, _) => Ok(x),
            (Op::Conj | Op::Square | Op::Reciprocal, _) if ty.dtype == DType::Bool => {
                let x = self.convert(x, if ty.weak { DType::I64 } else { DType::I8 });
                self.apply_own(op, &[x])
            }
            (Op::Conj, _) => Ok(x),
            (Op::Reciprocal, _) => self.reciprocal(x),
            (Op::OnesLike, _) => self.filled(x, 1.0),
            (Op::ZerosLike | Op::Imag, _) => self.filled(x, 0.0),
            (Op::FullLike, [x, value]) => self.full(*x, *value),
            (Op::Isposinf, _) => self.is_infinity(x, f64::INFINITY),
            (Op::Isneginf, _) => self.is_infinity(x, f64::NEG_INFINITY),
            (Op::Fabs, _) => {
                let x = self.as_float(x);
                self.apply_own(Op::Abs, &[x])
            }
            (Op::Whole, _) => {
                let x = self.as_float(x);
                self.apply_own(Op::Trunc, &[x])
            }
            (Op::Degrees, _) => self.turn(x, &DEGREES),
            (Op::Radians, _) => self.turn(x, &RADIANS),
            (Op::Exponent, _) => {
                let exponent = self.apply_own(Op::BinaryExponent, &[x])?;
                Ok(self.cast_own(exponent, DType::I32))
            }
            (Op::BitwiseCount, _) => {
                let wide = ty.dtype == DType::Bool;
                let x = if wide { self.convert(x, DType::I8) } else { x };
                let count = self.apply_own(Op::SetBits, &[x])?;
                Ok(self.cast_own(count, DType::U8))
            }
            (Op::LogicalAnd | Op::LogicalOr | Op::LogicalXor | Op::LogicalNot, _) => {
                let truths = operands.iter().map(|x| self.truth(*x)).collect::<Result<Vec<_>>>()?;
                let op = match op {
                    Op::LogicalAnd => Op::BitAnd,
                    Op::LogicalOr => Op::BitOr,
                    Op::LogicalXor => Op::BitXor,
                    _ => Op::BitNot,
                };
                self.apply_own(op, &truths)
            }
            (Op::FloatPower, [x, y]) => {
                let wide = [*x, *y].map(|x| match self.graph.ty(x).weak {
                    true => self.convert(x, DType::F64),
                    false => self.cast_own(x, DType::F64),
                });
                self.apply_own(Op::Power, &wide)
            }
            (Op::Heaviside, [x, y]) => self.heaviside(*x, *y),
            (Op::Spacing, _) => self.spacing(x),
            (Op::Round, [x, decimals]) => self.round(*x, *decimals),
            (Op::Clip, [x, low, high]) => self.clip(*x, *low, *high),
            (Op::NanToNum, [x, nan, high, low]) => self.nan_to_num(*x, *nan, *high, *low),
            (Op::Isclose, [x, y, relative, absolute, equal_nan]) => {
                self.isclose([*x, *y], [*relative, *absolute], *equal_nan)
            }
            _ => return Ok(None),
        };
        made.map(Some)
    }

    /// A float times an integer power of two.
    pub(super) fn scaled(&mut self, op: Op, x: NodeId, exponent: NodeId) -> Result<NodeId> {
        let of = self.graph.dtype(exponent);
        if of.is_float() {
            let message = format!("the exponent of ldexp is an integer, not {of}");
            return Err(type_error(message).hint("for other exponents write x * 2**y"));
        }
        let x = self.as_float(x);
        let (dtype, weak) = (self.graph.dtype(x), self.graph.ty(x).weak);
        // Rounding changes only exponents far beyond the range of floats.
        let exponent = match (weak, self.graph.ty(exponent).weak) {
            (true, false) => return self.scaled_strong(op, x, exponent),
            (true, true) => self.convert(exponent, dtype),
            (false, true) => self.adopt(exponent, dtype)?,
            (false, false) => self.cast_own(exponent, dtype),
        };
        self.apply_folded(op, &[x, exponent], dtype)
    }

    fn scaled_strong(&mut self, op: Op, x: NodeId, exponent: NodeId) -> Result<NodeId> {
        let x = self.adopt(x, DType::F64)?;
        let exponent = self.cast_own(exponent, DType::F64);
        self.apply_folded(op, &[x, exponent], DType::F64)
    }

    /// Converts a number to the float in which functions of real numbers compute.
    fn as_float(&mut self, x: NodeId) -> NodeId {
        let ty = self.graph.ty(x);
        self.convert(x, if ty.weak { DType::F64 } else { to_float(ty.dtype) })
    }

    /// Whether a number is not 0.
    pub(super) fn truth(&mut self, x: NodeId) -> Result<NodeId> {
        if self.graph.dtype(x) == DType::Bool {
            return Ok(x);
        }
        let zero = self.literal_like(x, 0.0);
        self.apply_own(Op::Ne, &[x, zero])
    }

    /// `value` in the shape and dtype of `x`.
    pub(super) fn filled(&mut self, x: NodeId, value: f64) -> Result<NodeId> {
        let value = self.literal_like(x, value);
        self.spread(x, value)
    }

    /// `value`, of x's dtype, in the shape of `x` joined with its own.
    pub(super) fn spread(&mut self, x: NodeId, value: NodeId) -> Result<NodeId> {
        let domains = [x, value].map(|x| self.graph.ty(x).domain);
        if self.graph.join(domains.into_iter()) == domains[1] {
            return Ok(value);
        }
        let any = self.apply_own(Op::Eq, &[x, x])?;
        self.apply_own(Op::Select, &[any, value, value])
    }

    fn full(&mut self, x: NodeId, value: NodeId) -> Result<NodeId> {
        let ty = self.graph.ty(x);
        if !self.graph.ty(value).domain.is_scalar() {
            let message = "full_like fills with one number, not with an array";
            return Err(type_error(message).hint("an array is broadcast by `where(x == x, y, y)`"));
        }
        let value = self.replacement(value, ty.dtype, ty.weak)?;
        self.spread(x, value)
    }

    fn is_infinity(&mut self, x: NodeId, infinity: f64) -> Result<NodeId> {
        if !self.graph.dtype(x).is_float() {
            return self.apply_own(Op::Ne, &[x, x]);
        }
        let infinity = self.literal_like(x, infinity);
        self.apply_own(Op::Eq, &[x, infinity])
    }

    /// Whether an operand is the default that stands for `None`.
    pub(super) fn is_none(&self, x: NodeId) -> bool {
        let ty = self.graph.ty(x);
        let bits = self.graph.constant(x);
        ty.dtype == DType::F64 && bits.is_some_and(|bits| is_none(f64::from_bits(bits)))
    }

    /// 1/x; for integers, without the fraction.
    fn reciprocal(&mut self, x: NodeId) -> Result<NodeId> {
        let [zero, one] = [0.0, 1.0].map(|v| self.literal_like(x, v));
        let dtype = self.graph.dtype(x);
        if dtype.is_float() {
            return self.apply_own(Op::Div, &[one, x]);
        }
        let magnitude = if dtype.is_signed_int() { self.apply_own(Op::Abs, &[x])? } else { x };
        let own_inverse = self.apply_own(Op::Eq, &[magnitude, one])?;
        // Divides by 0: the result is 0 and sets the flag.
        let other = self.apply_own(Op::FloorDiv, &[zero, x])?;
        self.apply_own(Op::Select, &[own_inverse, x, other])
    }

    /// x times a constant given as a sum of two parts, rounded once. The error of the second part
    /// is 2^-52 ULP, or half a ULP if it is subnormal: at most 0.5 + 0.5 in all.
    fn turn(&mut self, x: NodeId, constant: &[[f64; 2]; 2]) -> Result<NodeId> {
        let x = self.as_float(x);
        let [high, low] = constant[usize::from(self.graph.dtype(x) == DType::F32)];
        let [high, low] = [high, low].map(|v| self.literal_like(x, v));
        let rest = self.apply_own(Op::Mul, &[x, low])?;
        self.apply_own(Op::Fma, &[x, high, rest])
    }

    fn heaviside(&mut self, x: NodeId, y: NodeId) -> Result<NodeId> {
        let (dtype, weak) = self.meet_as_floats(&[x, y]);
        let [x, y] = self.unify([x, y], dtype, weak)?;
        let [zero, one] = [0.0, 1.0].map(|v| self.literal_like(x, v));
        let above = self.apply_own(Op::Lt, &[zero, x])?;
        let below = self.apply_own(Op::Lt, &[x, zero])?;
        let equal = self.apply_own(Op::Eq, &[x, zero])?;
        // What is neither is NaN.
        let rest = self.apply_own(Op::Select, &[equal, y, x])?;
        let rest = self.apply_own(Op::Select, &[below, zero, rest])?;
        self.apply_own(Op::Select, &[above, one, rest])
    }

    fn spacing(&mut self, x: NodeId) -> Result<NodeId> {
        let x = self.as_float(x);
        let [zero, up] = [0.0, f64::INFINITY].map(|v| self.literal_like(x, v));
        let down = self.literal_like(x, f64::NEG_INFINITY);
        let negative = self.apply_own(Op::Lt, &[x, zero])?;
        let away = self.apply_own(Op::Select, &[negative, down, up])?;
        let next = self.apply_own(Op::Nextafter, &[x, away])?;
        self.apply_own(Op::Sub, &[next, x])
    }

    /// As NumPy: for floats `rint(x * 10**n) / 10**n`, or if n < 0 `rint(x / 10**-n) * 10**-n`; for
    /// integers the latter in f64.
    fn round(&mut self, x: NodeId, decimals: NodeId) -> Result<NodeId> {
        let by = self.graph.ty(decimals);
        let decimals = match self.graph.constant(decimals) {
            Some(bits) if by.dtype.kind() == Kind::Int => bits as i64,
            _ => {
                let message = match self.wide(decimals) {
                    Some(_) => "the decimals of round lie between -2**63 and 2**63 - 1",
                    None => "the decimals of round must be a constant integer",
                };
                return Err(type_error(message).hint("round(x, 2)"));
            }
        };
        let ty = self.graph.ty(x);
        let float = ty.dtype.is_float();
        if ty.dtype == DType::Bool || !float && decimals >= 0 {
            return Ok(x);
        }
        if decimals == 0 {
            return self.apply_own(Op::Rint, &[x]);
        }
        // Beyond f64 it is infinity in NumPy too.
        let scale = format!("1e{}", decimals.unsigned_abs()).parse().unwrap_or(f64::INFINITY);
        let (before, after) = if decimals > 0 { (Op::Mul, Op::Div) } else { (Op::Div, Op::Mul) };
        let wide = if float { x } else { self.convert(x, DType::F64) };
        let scale = self.literal_like(wide, scale);
        let scaled = self.apply_own(before, &[wide, scale])?;
        let whole = self.apply_own(Op::Rint, &[scaled])?;
        let rounded = self.apply_own(after, &[whole, scale])?;
        Ok(if ty.weak || float { rounded } else { self.cast_own(rounded, ty.dtype) })
    }

    /// As in NumPy, a bound outside the range of the common dtype has no effect.
    fn clip(&mut self, x: NodeId, low: NodeId, high: NodeId) -> Result<NodeId> {
        let given = [low, high].into_iter().filter(|bound| !self.is_none(*bound));
        let operands: Vec<NodeId> = [x].into_iter().chain(given).collect();
        let (dtype, weak) = self.meet(&operands);
        let ends = integer_ends(dtype).filter(|_| !weak);
        let mut bounds = Vec::with_capacity(2);
        for (bound, op, end) in [
            (low, Op::Maximum, ends.map(|ends| ends.0)),
            (high, Op::Minimum, ends.map(|ends| ends.1)),
        ] {
            if self.is_none(bound) {
                continue;
            }
            let of = self.graph.ty(bound);
            // A run-time weak number is an i64, which is in range for some dtypes.
            let within = self.graph.weak_integer(bound).is_none()
                && end.is_some_and(|end| i64::try_from(end).is_err());
            let bound = match end.filter(|_| of.weak && of.dtype == DType::I64 && !within) {
                Some(end) => {
                    let end = self.weak_int(end);
                    self.apply_own(op, &[bound, end])?
                }
                None => bound,
            };
            bounds.push((op, bound));
        }
        match bounds[..] {
            [] => Ok(x),
            [(op, bound)] => self.apply_own(op, &[x, bound]),
            [(_, low), (_, high), ..] => {
                let operands = self.unify([x, low, high], dtype, weak)?;
                self.apply_folded(Op::Clip, &operands, dtype)
            }
        }
    }

    fn nan_to_num(&mut self, x: NodeId, nan: NodeId, high: NodeId, low: NodeId) -> Result<NodeId> {
        let ty = self.graph.ty(x);
        if !ty.dtype.is_float() {
            return Ok(x);
        }
        let largest = if ty.dtype == DType::F32 { f64::from(f32::MAX) } else { f64::MAX };
        let mut finite = x;
        for (replacement, end) in [(high, 1.0), (low, -1.0)] {
            let infinity = self.literal_like(x, end * f64::INFINITY);
            let value = match self.is_none(replacement) {
                true => self.literal_like(x, end * largest),
                false => self.replacement(replacement, ty.dtype, ty.weak)?,
            };
            let is = self.apply_own(Op::Eq, &[x, infinity])?;
            finite = self.apply_own(Op::Select, &[is, value, finite])?;
        }
        let value = self.replacement(nan, ty.dtype, ty.weak)?;
        let is_nan = self.apply_own(Op::Ne, &[x, x])?;
        self.apply_own(Op::Select, &[is_nan, value, finite])
    }

    /// Converts a replacement value to the dtype of what it replaces.
    fn replacement(&mut self, x: NodeId, dtype: DType, weak: bool) -> Result<NodeId> {
        match (weak, self.graph.ty(x).weak) {
            (true, true) => Ok(self.convert(x, dtype)),
            (_, false) => Ok(self.cast_own(x, dtype)),
            (false, true) => self.adopt(x, dtype),
        }
    }

    /// `abs(x - y) <= atol + rtol * abs(y)` with finite y, or `x == y`.
    pub(super) fn isclose(
        &mut self,
        [x, y]: [NodeId; 2],
        [relative, absolute]: [NodeId; 2],
        equal_nan: NodeId,
    ) -> Result<NodeId> {
        let Some(equal_nan) = self.graph.constant(equal_nan) else {
            return Err(type_error("equal_nan is True or False"));
        };
        // As in NumPy, y becomes a float, integers f64.
        let ty = self.graph.ty(y);
        let y = if ty.dtype.is_float() { y } else { self.convert(y, DType::F64) };
        let distance = self.apply_own(Op::Sub, &[x, y])?;
        let distance = self.apply_own(Op::Abs, &[distance])?;
        let magnitude = self.apply_own(Op::Abs, &[y])?;
        let product = self.apply_own(Op::Mul, &[relative, magnitude])?;
        let tolerance = self.apply_own(Op::Add, &[absolute, product])?;
        let near = self.apply_own(Op::Le, &[distance, tolerance])?;
        let finite = self.apply_own(Op::Isfinite, &[y])?;
        let near = self.apply_own(Op::BitAnd, &[near, finite])?;
        let equal = self.apply_own(Op::Eq, &[x, y])?;
        let close = self.apply_own(Op::BitOr, &[near, equal])?;
        if equal_nan == 0 { Ok(close) } else { self.or_both_nan(close, [x, y]) }
    }

    /// `alike`, or both values are NaN.
    pub(super) fn or_both_nan(&mut self, alike: NodeId, values: [NodeId; 2]) -> Result<NodeId> {
        let [x, y] = values.map(|x| self.apply_own(Op::Isnan, &[x]));
        let both = self.apply_own(Op::BitAnd, &[x?, y?])?;
        self.apply_own(Op::BitOr, &[alike, both])
    }
}

/// The minimum and maximum of an integer dtype.
fn integer_ends(dtype: DType) -> Option<(i128, i128)> {
    let bits = dtype.bits();
    match dtype.is_int() {
        true if dtype.is_signed_int() => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
        true => Some((0, (1 << bits) - 1)),
        false => None,
    }
}
