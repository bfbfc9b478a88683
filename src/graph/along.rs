//! Functions along an axis: typing, constants, and what is made of others.

use hotloop_runtime::dtype::DType;
use hotloop_runtime::reduce::Reduction;
use hotloop_runtime::scan::Attributes;
use hotloop_runtime::strided::MAX_RANK;

use super::reduction::ReduceOptions;
use super::{Builder, Derivation, Index, Node, NodeId, Op, Type, check_arity, type_error};
use crate::error::{Error, ErrorKind};
use crate::ops::{Class, Rule};

type Result<T> = std::result::Result<T, Error>;

/// A slice with a step, of every row.
const fn rows(step: Option<i64>) -> Index {
    Index::Slice { start: None, stop: None, step }
}

impl Builder {
    /// Adds a function along an axis; a negative one counts from the last. The operands are those of
    /// the function's [row](crate::functions()): an array, whose shape the result has, and constants.
    ///
    /// ```
    /// use hotloop::graph::{ArgType, Builder, Op};
    /// use hotloop::DType;
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(ArgType::array(DType::I16));
    /// let sums = b.along(Op::Cumsum, &[x], 0)?;
    /// assert_eq!(b.graph().dtype(sums), DType::I64);
    ///
    /// let [window, least] = [20, 5].map(|n| b.weak_int(n));
    /// let average = b.along(Op::RollingMean, &[x, window, least], 0)?;
    /// assert_eq!(b.graph().dtype(average), DType::F64);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Type` for an operation that does not go along an axis, or a constant that is none or out of
    /// range; `Shape` for an axis that no array has; `Limit` for too many derived shapes; `Arity`
    /// for a wrong number of operands; `Name` for a node of another builder.
    pub fn along(&mut self, op: Op, operands: &[NodeId], axis: i64) -> Result<NodeId> {
        self.check(operands)?;
        super::check_public(op)?;
        if op.class() != Class::Along {
            return Err(type_error(format!("{} does not go along an axis", op.row().name)));
        }
        check_arity(op, operands)?;
        self.along_own(op, operands, axis)
    }

    /// A function of nodes of this builder along an axis.
    pub(crate) fn along_own(&mut self, op: Op, operands: &[NodeId], axis: i64) -> Result<NodeId> {
        let x = operands[0];
        let given = self.graph.ty(x);
        if axis.unsigned_abs() > MAX_RANK as u64 {
            let message = format!("axis {axis}: arrays have at most {MAX_RANK} axes");
            return Err(Error::new(ErrorKind::Shape, message));
        }
        let running = matches!(
            op.row().rule,
            Rule::RunningTotal | Rule::RunningExtreme | Rule::RunningCount | Rule::RunningTruth
        );
        if given.domain.is_scalar() && !running {
            let message = format!("{} goes along an axis, and a single number has none", op.name());
            return Err(Error::new(ErrorKind::Shape, message));
        }
        let x = if given.weak { self.adopt(x, given.dtype)? } else { x };
        match op {
            Op::Cumcount => {
                let truth = self.truth(x)?;
                self.along_own(Op::Cumsum, &[truth], axis)
            }
            Op::Since | Op::CountWhile | Op::AnyWithin | Op::AllWithin => {
                self.event(op, x, &operands[1..], axis)
            }
            Op::Last => self.last(x, [operands[1], operands[2]], axis),
            Op::Shift => self.shift(op, x, [operands[1], operands[2]], axis),
            Op::Diff if matches!(given.dtype, DType::I64 | DType::U64) => {
                self.whole_difference(x, operands[1], axis)
            }
            Op::Diff => {
                let x = self.real(x);
                let before = self.before(op, x, operands[1], axis)?;
                self.apply_own(Op::Sub, &[x, before])
            }
            Op::PctChange => {
                let wide = self.convert(x, DType::F64);
                let before = self.before(op, wide, operands[1], axis)?;
                let ratio = self.apply_own(Op::Div, &[wide, before])?;
                let one = self.literal_like(ratio, 1.0);
                let change = self.apply_own(Op::Sub, &[ratio, one])?;
                Ok(self.narrow(change, given.dtype))
            }
            Op::ExpandingSum | Op::ExpandingMean | Op::ExpandingMin | Op::ExpandingMax => {
                self.expanding(op, x, operands[1], axis)
            }
            Op::Demean | Op::Zscore | Op::Scale => {
                let wide = self.convert(x, DType::F64);
                let result = self.across(op, wide, operands, axis)?;
                Ok(self.narrow(result, given.dtype))
            }
            Op::Rank => self.rank(op, x, operands[1], axis),
            Op::EwmMean | Op::EwmVar | Op::EwmStd | Op::EwmCov | Op::EwmCorr => {
                self.exponential(op, x, operands, axis)
            }
            Op::Ffill if !given.dtype.is_float() => Ok(x),
            Op::RollingRank if self.flag(op, "pct", operands[3])? => {
                let attributes = self.frame(op, &operands[1..3])?;
                let wide = self.convert(x, DType::F64);
                let result = self.scan(Op::RankShare, wide, attributes, axis)?;
                Ok(self.narrow(result, given.dtype))
            }
            Op::RollingResid => {
                let attributes = self.frame(op, &operands[1..])?;
                let wide = self.convert(x, DType::F64);
                let line = self.scan(Op::RollingFitted, wide, attributes, axis)?;
                let rest = self.apply_own(Op::Sub, &[wide, line])?;
                Ok(self.narrow(rest, given.dtype))
            }
            Op::RollingQuantile => {
                let attributes = self.quantile(&operands[1..])?;
                let wide = self.convert(x, DType::F64);
                let result = self.scan(op, wide, attributes, axis)?;
                Ok(self.narrow(result, given.dtype))
            }
            _ if op.row().rule == Rule::Rolling => {
                let attributes = self.frame(op, &operands[op.arrays()..])?;
                let wide = self.convert(x, DType::F64);
                if op.arrays() == 1 {
                    let result = self.scan(op, wide, attributes, axis)?;
                    return Ok(self.narrow(result, given.dtype));
                }
                let (pair, narrowest) = self.wide_pair([x, operands[1]])?;
                let result = self.pairs(op, pair, attributes, axis)?;
                Ok(self.narrow(result, narrowest))
            }
            _ => self.running(op, x, axis),
        }
    }

    /// A running sum, product or extreme.
    fn running(&mut self, op: Op, x: NodeId, axis: i64) -> Result<NodeId> {
        let given = self.graph.dtype(x);
        let dtype = match op.row().rule {
            Rule::RunningTotal => Reduction::Sum.result_dtype(given),
            // Bools compare as bytes.
            _ if given == DType::Bool => DType::U8,
            _ => given,
        };
        let x = self.convert(x, dtype);
        if self.graph.ty(x).domain.is_scalar() {
            // As NumPy: a single number has the axes of an array of one axis.
            if !matches!(axis, 0 | -1) {
                let message = format!("axis {axis} is out of range for a single number");
                return Err(Error::new(ErrorKind::Shape, message));
            }
            return Ok(x);
        }
        let result = self.scan(op, x, Attributes::None, axis)?;
        let truth = given == DType::Bool && op.row().rule == Rule::RunningExtreme;
        Ok(if truth { self.convert(result, DType::Bool) } else { result })
    }

    /// A scan of an array along an axis.
    pub(super) fn scan(
        &mut self,
        op: Op,
        x: NodeId,
        attributes: Attributes,
        axis: i64,
    ) -> Result<NodeId> {
        self.pairs(op, [x, x], attributes, axis)
    }

    /// Two arrays in `f64` and of one shape, and the dtype of results: `f32` if both have it.
    pub(super) fn wide_pair(&mut self, pair: [NodeId; 2]) -> Result<([NodeId; 2], DType)> {
        let narrow = pair.iter().all(|x| self.graph.dtype(*x) == DType::F32);
        let [mut x, mut y] = pair;
        for side in [&mut x, &mut y] {
            let ty = self.graph.ty(*side);
            *side = if ty.weak { self.adopt(*side, DType::F64)? } else { *side };
            *side = self.convert(*side, DType::F64);
        }
        let pair = [self.spread(y, x)?, self.spread(x, y)?];
        Ok((pair, if narrow { DType::F32 } else { DType::F64 }))
    }

    /// A scan of two arrays of one shape along an axis.
    pub(super) fn pairs(
        &mut self,
        op: Op,
        pair: [NodeId; 2],
        attributes: Attributes,
        axis: i64,
    ) -> Result<NodeId> {
        self.sequences(op, pair, attributes, Some(&[axis]))
    }

    /// A scan of two arrays of one shape, whose sequences go along axes, or along all of them.
    pub(super) fn sequences(
        &mut self,
        op: Op,
        pair: [NodeId; 2],
        attributes: Attributes,
        axes: Option<&[i64]>,
    ) -> Result<NodeId> {
        let Type { dtype, domain, .. } = self.graph.ty(pair[0]);
        let how = Derivation::Reduce { axes: axes.map(Into::into), keepdims: false };
        let sequences = self.derived_number(domain, how)?;
        let node = Node::Along(op, pair, attributes, sequences);
        Ok(self.add(node, Type { dtype, weak: false, domain }))
    }

    /// The elements some rows earlier, or later; NaN where there is none.
    pub(super) fn before(&mut self, op: Op, x: NodeId, n: NodeId, axis: i64) -> Result<NodeId> {
        let none = self.weak_float(crate::ops::NONE);
        self.shift(op, x, [n, none], axis)
    }

    /// The difference of integers of 64 bits and those some rows earlier, rounded once: halves of 32
    /// bits and their differences are exact in `f64`.
    fn whole_difference(&mut self, x: NodeId, n: NodeId, axis: i64) -> Result<NodeId> {
        let bits = self.weak_int(32);
        let mask = self.weak_int(0xffff_ffff_u32);
        let halves =
            [self.apply_own(Op::Shr, &[x, bits])?, self.apply_own(Op::BitAnd, &[x, mask])?];
        let mut differences = [x; 2];
        for (difference, half) in differences.iter_mut().zip(halves) {
            let half = self.convert(half, DType::F64);
            let before = self.before(Op::Diff, half, n, axis)?;
            *difference = self.apply_own(Op::Sub, &[half, before])?;
        }
        let [high, low] = differences;
        let unit = self.literal_like(high, 4_294_967_296.0);
        self.apply_own(Op::Fma, &[high, unit, low])
    }

    /// The elements some rows earlier, or later, of constants n and fill.
    fn shift(&mut self, op: Op, x: NodeId, [n, fill]: [NodeId; 2], axis: i64) -> Result<NodeId> {
        let limit = i64::from(u32::MAX);
        let rows = self.whole(op, "n", n, -limit..=limit)?;
        let (x, fill) = if self.is_none(fill) {
            let x = self.real(x);
            let nan = self.literal_like(x, f64::NAN);
            (x, nan)
        } else {
            let dtype = self.graph.dtype(x);
            let weak = self.graph.ty(fill).weak;
            (x, if weak { self.adopt(fill, dtype)? } else { self.cast_own(fill, dtype) })
        };
        let Some(bits) = self.graph.constant(fill) else {
            let error = type_error("shift takes a constant to fill with");
            return Err(error.hint("leave `fill` away and replace the NaNs with `where`"));
        };
        let attributes = Attributes::Lag {
            rows: rows.unsigned_abs() as u32,
            fill: [bits as u32, (bits >> 32) as u32],
        };
        if rows >= 0 {
            return self.scan(Op::Shift, x, attributes, axis);
        }
        // Later rows are earlier ones of the reversed array.
        let reversed = self.reversed(x, axis)?;
        let shifted = self.scan(Op::Shift, reversed, attributes, axis)?;
        self.reversed(shifted, axis)
    }

    /// A view with the rows along an axis in the opposite order.
    fn reversed(&mut self, x: NodeId, axis: i64) -> Result<NodeId> {
        let mut items = Vec::new();
        if axis < 0 {
            items.extend([Index::Ellipsis, rows(Some(-1))]);
            items.extend((1..-axis).map(|_| rows(None)));
        } else {
            items.extend((0..axis).map(|_| rows(None)));
            items.push(rows(Some(-1)));
        }
        self.view(x, Derivation::Index(items.into()))
    }

    /// The constants of a window: its rows, the least number of elements, and what variances
    /// subtract from it.
    fn frame(&mut self, op: Op, constants: &[NodeId]) -> Result<Attributes> {
        let limit = i64::from(u32::MAX);
        let rows = self.whole(op, "window", constants[0], 1..=limit)?;
        let least = match self.is_none(constants[1]) {
            true => rows,
            false => self.whole(op, "min_periods", constants[1], 0..=limit)?,
        };
        if least > rows {
            let name = op.name();
            let message = format!("{name}: {least} min_periods are more than {rows} rows");
            return Err(type_error(message));
        }
        let ddof = match constants.get(2) {
            _ if op == Op::RollingRank => 0,
            Some(ddof) => self.whole(op, "ddof", *ddof, 0..=limit)?,
            None => 0,
        };
        let [rows, least, ddof] = [rows, least, ddof].map(|value| value as u32);
        Ok(Attributes::Frame { rows, least, ddof })
    }

    /// The constants of a quantile of a window: its rows, the quantile, and the least number of
    /// elements.
    fn quantile(&mut self, constants: &[NodeId]) -> Result<Attributes> {
        let op = Op::RollingQuantile;
        let frame = self.frame(op, &[constants[0], constants[2]])?;
        let share = self.graph.constant_f64(constants[1]);
        let share = share.filter(|q| (0.0..=1.0).contains(q) && self.graph.ty(constants[1]).weak);
        let (Some(share), Attributes::Frame { rows, least, .. }) = (share, frame) else {
            return Err(type_error(format!("{op}: `quantile` is a constant from 0 to 1")));
        };
        let bits = share.to_bits();
        Ok(Attributes::Quantile { rows, least, quantile: [bits as u32, (bits >> 32) as u32] })
    }

    /// The running functions that leave NaN out, and are NaN where too few elements are not.
    fn expanding(&mut self, op: Op, x: NodeId, least: NodeId, axis: i64) -> Result<NodeId> {
        let given = self.graph.dtype(x);
        let least = self.whole(op, "min_periods", least, 0..=i64::from(u32::MAX))?;
        let wide = self.convert(x, DType::F64);
        let (running, identity) = match op {
            Op::ExpandingMin => (Op::Cummin, f64::INFINITY),
            Op::ExpandingMax => (Op::Cummax, f64::NEG_INFINITY),
            _ => (Op::Cumsum, -0.0),
        };
        let identity = self.literal_like(wide, identity);
        let present = self.apply_own(Op::Eq, &[wide, wide])?;
        let elements = self.apply_own(Op::Select, &[present, wide, identity])?;
        let mut result = self.along_own(running, &[elements], axis)?;
        let count = self.along_own(Op::Cumsum, &[present], axis)?;
        if op == Op::ExpandingMean {
            result = self.apply_own(Op::Div, &[result, count])?;
        }
        let [nan, zero] = [f64::NAN, 0.0].map(|value| self.literal_like(result, value));
        let enough = self.weak_int(least.max(1));
        let enough = self.apply_own(Op::Le, &[enough, count])?;
        // A sum of no elements is 0, if none are enough.
        let other = if least == 0 && op == Op::ExpandingSum { zero } else { nan };
        let result = self.apply_own(Op::Select, &[enough, result, other])?;
        Ok(self.narrow(result, given))
    }

    /// What relates elements in `f64` to all others along an axis.
    fn across(&mut self, op: Op, x: NodeId, operands: &[NodeId], axis: i64) -> Result<NodeId> {
        if op == Op::Scale {
            let magnitude = self.apply_own(Op::Abs, &[x])?;
            let sum = self.kept(Op::Nansum, &[magnitude], axis)?;
            return self.apply_own(Op::Div, &[x, sum]);
        }
        let mean = self.kept(Op::Nanmean, &[x], axis)?;
        let distance = self.apply_own(Op::Sub, &[x, mean])?;
        if op == Op::Demean {
            return Ok(distance);
        }
        let spread = self.kept(Op::Nanstd, &[x, operands[1]], axis)?;
        // Equal elements have none, though their mean may differ from them by its rounding.
        let present = self.apply_own(Op::Eq, &[x, x])?;
        let mut ends = [x; 2];
        let of_none = [(Op::Least, f64::INFINITY), (Op::Greatest, f64::NEG_INFINITY)];
        for (end, (extreme, none)) in ends.iter_mut().zip(of_none) {
            let none = self.literal_like(x, none);
            let elements = self.apply_own(Op::Select, &[present, x, none])?;
            *end = self.kept(extreme, &[elements], axis)?;
        }
        let equal = self.apply_own(Op::Eq, &ends)?;
        let nan = self.literal_like(spread, f64::NAN);
        let spread = self.apply_own(Op::Select, &[equal, nan, spread])?;
        self.apply_own(Op::Div, &[distance, spread])
    }

    /// The places of elements; integers are compared exactly.
    fn rank(&mut self, op: Op, x: NodeId, share: NodeId, axis: i64) -> Result<NodeId> {
        let share = self.flag(op, "pct", share)?;
        let dtype = match self.graph.dtype(x) {
            DType::U64 => DType::U64,
            dtype if dtype.is_float() => DType::F64,
            _ => DType::I64,
        };
        let x = self.convert(x, dtype);
        let places = self.scan(Op::Places, x, Attributes::None, axis)?;
        let twice = self.convert(places, DType::F64);
        let half = self.literal_like(twice, 0.5);
        let rank = self.apply_own(Op::Mul, &[twice, half])?;
        if !share {
            return Ok(rank);
        }
        let present = self.apply_own(Op::Eq, &[twice, twice])?;
        let count = self.kept(Op::CountNonzero, &[present], axis)?;
        self.apply_own(Op::Div, &[rank, count])
    }

    /// A reduction along an axis, which is kept.
    fn kept(&mut self, op: Op, operands: &[NodeId], axis: i64) -> Result<NodeId> {
        self.reduce_own(op, operands, Some(&[axis]), true, &ReduceOptions::default())
    }

    /// A constant integer argument.
    pub(super) fn whole(
        &self,
        op: Op,
        parameter: &str,
        x: NodeId,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<i64> {
        let value = match (self.graph.weak_integer(x), self.graph.ty(x).dtype) {
            (Some(value), DType::I64) => i64::try_from(value).ok(),
            _ => None,
        };
        value.filter(|value| range.contains(value)).ok_or_else(|| {
            let (name, least, most) = (op.name(), range.start(), range.end());
            type_error(format!(
                "{name}: `{parameter}` is a constant integer from {least} to {most}"
            ))
        })
    }

    /// A number as a float in which functions along an axis have their results.
    pub(super) fn real(&mut self, x: NodeId) -> NodeId {
        match self.graph.dtype(x) {
            DType::F32 => x,
            _ => self.convert(x, DType::F64),
        }
    }

    /// A result in `f64` of an operand of some dtype.
    pub(super) fn narrow(&mut self, result: NodeId, operand: DType) -> NodeId {
        if operand == DType::F32 { self.convert(result, DType::F32) } else { result }
    }
}
