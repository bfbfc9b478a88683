//! Reductions: typing, and expansion of those with a mask (`where=`, `nansum`, ...) or an initial
//! value.

use hotloop_runtime::dtype::{DType, Kind};
use hotloop_runtime::reduce::Reduction;
use hotloop_runtime::scan::Attributes;

use super::{
    Builder, Derivation, Domain, Node, NodeId, Operands, Type, check_arity, check_public,
    type_error,
};
use crate::error::{Error, ErrorKind};
use crate::ops::{Op, Rule};

/// Options of a reduction besides its axes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReduceOptions {
    /// A mask of the elements to include.
    pub mask: Option<NodeId>,
    /// The initial value.
    pub initial: Option<NodeId>,
    /// The dtype that it computes in.
    pub dtype: Option<DType>,
}

/// The axes of a reduction, and whether they are kept.
#[derive(Clone, Copy)]
struct Over<'a> {
    axes: Option<&'a [i64]>,
    keepdims: bool,
}

impl Over<'_> {
    /// The same with axes kept, so that the result broadcasts to the operand.
    fn kept(self) -> Self {
        Over { keepdims: self.axes.is_some(), ..self }
    }
}

impl Builder {
    /// Adds a reduction along axes, or along all of them; negative axes count from the last.
    ///
    /// ```
    /// use hotloop::graph::{ArgType, Builder};
    /// use hotloop::graph::Op;
    /// use hotloop::DType;
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(ArgType::array(DType::F32));
    /// let rows = b.reduce(Op::Mean, &[x], Some(&[-1]), true)?;
    /// let centred = b.apply(Op::Sub, &[x, rows])?;
    /// assert_eq!(b.graph().ty(centred), b.graph().ty(x));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Builder::apply`]; `Shape` for an axis of a single number; `Type` for an operation that
    /// is not a reduction.
    pub fn reduce(
        &mut self,
        op: Op,
        operands: &[NodeId],
        axes: Option<&[i64]>,
        keepdims: bool,
    ) -> Result<NodeId, Error> {
        self.reduce_with(op, operands, axes, keepdims, &ReduceOptions::default())
    }

    /// Adds a reduction with a mask, an initial value or a dtype.
    ///
    /// ```
    /// use hotloop::graph::{ArgType, Builder, ReduceOptions};
    /// use hotloop::graph::Op;
    /// use hotloop::DType;
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(ArgType::array(DType::I32));
    /// let zero = b.weak_int(0);
    /// let positive = b.apply(Op::Lt, &[zero, x])?;
    /// let options =
    ///     ReduceOptions { mask: Some(positive), dtype: Some(DType::F32), ..Default::default() };
    /// let mean = b.reduce_with(Op::Mean, &[x], None, false, &options)?;
    /// assert_eq!(b.graph().dtype(mean), DType::F32);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`reduce`](Builder::reduce); `Type` for an option that the operation does not take, a
    /// mask that is not bool, and for `min` and `max` with a mask and without an initial value.
    pub fn reduce_with(
        &mut self,
        op: Op,
        operands: &[NodeId],
        axes: Option<&[i64]>,
        keepdims: bool,
        options: &ReduceOptions,
    ) -> Result<NodeId, Error> {
        self.check(operands)?;
        [options.mask, options.initial].iter().flatten().try_for_each(|x| self.check(&[*x]))?;
        check_public(op)?;
        if !op.is_reduction() {
            return Err(type_error(format!("{} is no reduction", op.row().name)));
        }
        self.reduce_own(op, operands, axes, keepdims, options)
    }

    /// Reduces nodes of this builder.
    pub(crate) fn reduce_own(
        &mut self,
        op: Op,
        operands: &[NodeId],
        axes: Option<&[i64]>,
        keepdims: bool,
        options: &ReduceOptions,
    ) -> Result<NodeId, Error> {
        check_arity(op, operands)?;
        self.check_options(op, options)?;
        let over = Over { axes, keepdims };
        match self.composed(op, operands, over, options)? {
            Some(result) => Ok(result),
            None => self.reduce_plain(op, operands, over),
        }
    }

    /// A reduction without options.
    fn reduce_plain(
        &mut self,
        op: Op,
        operands: &[NodeId],
        Over { axes, keepdims }: Over<'_>,
    ) -> Result<NodeId, Error> {
        let truth = operands.iter().all(|x| self.graph.dtype(*x) == DType::Bool);
        let (operands, dtype) = self.reduction_operands(op, operands)?;
        let of = self.graph.join(operands.iter().map(|x| self.graph.ty(*x).domain));
        let domain = if of.is_scalar() {
            // As NumPy: a single number takes the axes that an array of one axis has.
            if let Some(axis) = axes.unwrap_or(&[]).iter().find(|a| !matches!(a, 0 | -1)) {
                let message = format!("axis {axis} is out of range for a single number");
                return Err(Error::new(ErrorKind::Shape, message));
            }
            Domain::SCALAR
        } else if axes.is_none() && !keepdims {
            Domain::SCALAR
        } else {
            self.derive(of, Derivation::Reduce { axes: axes.map(Into::into), keepdims })?
        };
        let result = self.reduce_to(op, &operands, dtype, domain);
        let truth = truth && op.row().rule == Rule::Extreme;
        Ok(if truth { self.convert(result, DType::Bool) } else { result })
    }

    /// The operands of a reduction in the dtype it computes in, and the dtype of its result.
    fn reduction_operands(
        &mut self,
        op: Op,
        operands: &[NodeId],
    ) -> Result<(Vec<NodeId>, DType), Error> {
        check_arity(op, operands)?;
        let (mut dtype, _) = self.meet(operands);
        if op.row().rule == Rule::Spread {
            dtype = self.graph.dtype(operands[0]);
            let number = self.graph.ty(operands[1]);
            if !number.domain.is_scalar() || number.dtype == DType::Bool {
                return Err(type_error(format!("the ddof of {} is a number", self.name(op))));
            }
        }
        let wide = Reduction::Sum.result_dtype(dtype);
        let float = if dtype.is_float() { dtype } else { DType::F64 };
        let (operand, result) = match op.row().rule {
            Rule::Total | Rule::Products => (wide, wide),
            Rule::Average | Rule::Spread => (float, float),
            Rule::Truth | Rule::Agreement => (DType::Bool, DType::Bool),
            Rule::Count => (dtype, DType::I64),
            // Bools compare as bytes.
            Rule::Position if dtype == DType::Bool => (DType::U8, DType::I64),
            Rule::Position => (dtype, DType::I64),
            _ if dtype == DType::Bool => (DType::U8, DType::U8),
            _ => (dtype, dtype),
        };
        let mut converted = Vec::with_capacity(operands.len());
        for x in operands {
            let ty = self.graph.ty(*x);
            let strong = if ty.weak { self.adopt(*x, ty.dtype)? } else { *x };
            converted.push(self.convert(strong, operand));
        }
        Ok((converted, result))
    }

    /// Adds a reduction of converted operands to a domain derived from theirs.
    pub(crate) fn reduce_to(
        &mut self,
        op: Op,
        operands: &[NodeId],
        dtype: DType,
        domain: Domain,
    ) -> NodeId {
        let x = operands[0];
        let scalar = operands.iter().all(|x| self.graph.ty(*x).domain.is_scalar());
        match op.row().rule {
            // A scalar reduces to itself; `legalize` expands other reductions.
            Rule::Total | Rule::Extreme | Rule::Truth if scalar => x,
            Rule::Position if scalar => self.literal(0, DType::I64, false),
            _ => {
                let node = Node::Apply(op, Operands::new(operands));
                self.add(node, Type { dtype, weak: false, domain })
            }
        }
    }

    fn check_options(&self, op: Op, options: &ReduceOptions) -> Result<(), Error> {
        let name = self.name(op);
        let given = [
            ("where", options.mask.is_some()),
            ("initial", options.initial.is_some()),
            ("dtype", options.dtype.is_some()),
        ];
        if let Some((keyword, _)) = given.iter().find(|(k, given)| *given && !op.takes(k)) {
            return Err(type_error(format!("{name} takes no {keyword}")));
        }
        match options.dtype {
            Some(DType::Bool) => {
                return Err(type_error(format!("{name} does not compute in bool"))
                    .hint("any(x) or all(x) is what you may mean"));
            }
            Some(dtype) if !dtype.is_float() && op.row().rule != Rule::Total => {
                return Err(type_error(format!("{name} does not compute in {dtype}"))
                    .hint("its dtype is f32 or f64"));
            }
            _ => {}
        }
        if let Some(mask) = options.mask {
            let dtype = self.graph.dtype(mask);
            if dtype != DType::Bool {
                return Err(type_error(format!("`where` takes bools, not {dtype}"))
                    .hint("compare first: where=x != 0"));
            }
            let extreme = op.row().rule == Rule::Extreme;
            if extreme && options.initial.is_none() {
                return Err(type_error(format!(
                    "{name} of some elements only needs the value it has if there are none"
                ))
                .hint("give it one: initial=inf, or the least or greatest number of the dtype"));
            }
        }
        match options.initial {
            Some(initial) if !self.graph.ty(initial).domain.is_scalar() => {
                Err(type_error(format!("the initial value of {name} is one number")))
            }
            _ => Ok(()),
        }
    }

    /// The expansion of a reduction into others; `None` if it has none here.
    fn composed(
        &mut self,
        op: Op,
        operands: &[NodeId],
        over: Over<'_>,
        options: &ReduceOptions,
    ) -> Result<Option<NodeId>, Error> {
        let mut x = operands[0];
        let mut options = *options;
        let result_dtype = options.dtype;
        if let Some(dtype) = options.dtype.take() {
            x = self.cast_own(x, dtype);
        }
        let ty = self.graph.ty(x);
        let plain = match op {
            Op::Nansum => Op::Sum,
            Op::Nanprod => Op::Prod,
            Op::Nanmean => Op::Mean,
            Op::Nanvar => Op::Var,
            Op::Nanstd => Op::Std,
            Op::Nanmin => Op::Min,
            Op::Nanmax => Op::Max,
            _ => op,
        };
        let given = options.mask.is_some() || options.initial.is_some() || result_dtype.is_some();
        match op {
            Op::Ptp => return self.ptp(x, over).map(Some),
            Op::Median => return self.of_sorted(Op::MedianOf, x, Attributes::None, over).map(Some),
            Op::Quantile => {
                let attributes = self.share(operands[1])?;
                return self.of_sorted(Op::QuantileOf, x, attributes, over).map(Some);
            }
            Op::WeightedMean => return self.weighted_mean([x, operands[1]], over).map(Some),
            Op::Allclose | Op::ArrayEqual => return self.agreement(op, operands, over).map(Some),
            Op::Nanargmin | Op::Nanargmax => return self.nan_position(op, x, over).map(Some),
            Op::Nanprod | Op::Nanvar | Op::Nanstd => {}
            _ if !given => return Ok(None),
            _ => {}
        }
        let mut mask = options.mask;
        if plain != op && ty.dtype.is_float() {
            let number = self.apply_own(Op::Eq, &[x, x])?;
            mask = Some(match mask {
                Some(mask) => self.apply_own(Op::BitAnd, &[mask, number])?,
                None => number,
            });
        }
        let operands: Vec<NodeId> = [x].into_iter().chain(operands[1..].iter().copied()).collect();
        let result = match (plain, mask) {
            (Op::Min | Op::Max, _) => self.extreme(plain, x, mask, options.initial, over)?,
            (_, None) => self.reduce_plain(plain, &operands, over)?,
            (Op::Sum, Some(mask)) => self.masked_fold(plain, x, mask, 0, over)?,
            (Op::Prod, Some(mask)) => self.masked_fold(plain, x, mask, 1, over)?,
            (Op::Mean, Some(mask)) => self.masked_mean(x, mask, over)?,
            (Op::Var | Op::Std, Some(mask)) => {
                let (var, freedom) = self.masked_var(x, mask, operands[1], over)?;
                // As in NumPy, undefined without degrees of freedom, whatever the deviations are.
                let var = if plain != op { self.defined(var, freedom)? } else { var };
                if plain == Op::Std { self.apply_own(Op::Sqrt, &[var])? } else { var }
            }
            (_, Some(mask)) => {
                let truth = self.cast_own(x, DType::Bool);
                let chosen = if plain == Op::All {
                    let out = self.apply_own(Op::BitNot, &[mask])?;
                    self.apply_own(Op::BitOr, &[truth, out])?
                } else {
                    self.apply_own(Op::BitAnd, &[truth, mask])?
                };
                self.reduce_plain(plain, &[chosen], over)?
            }
        };
        let result = match (plain, options.initial) {
            (Op::Sum, Some(initial)) => self.begun(Op::Add, result, initial)?,
            (Op::Prod, Some(initial)) => self.begun(Op::Mul, result, initial)?,
            _ => result,
        };
        // Small integers are summed in 64 bits, which wraps to the same result.
        Ok(Some(match result_dtype {
            Some(dtype) => self.cast_own(result, dtype),
            None => result,
        }))
    }

    /// Converts an initial value to the dtype of a result.
    fn initial(&mut self, initial: NodeId, dtype: DType) -> Result<NodeId, Error> {
        let of = self.graph.ty(initial);
        if of.dtype.kind() > dtype.kind() {
            let message = format!("an initial value of {} for a result of {dtype}", of.dtype);
            return Err(type_error(message).hint(format!("convert it: {dtype}(...)")));
        }
        if of.weak { self.adopt(initial, dtype) } else { Ok(self.cast_own(initial, dtype)) }
    }

    /// Combines a result with the initial value.
    fn begun(&mut self, op: Op, result: NodeId, initial: NodeId) -> Result<NodeId, Error> {
        let initial = self.initial(initial, self.graph.dtype(result))?;
        self.apply_own(op, &[initial, result])
    }

    /// `min` or `max` with an initial value.
    fn extreme(
        &mut self,
        op: Op,
        x: NodeId,
        mask: Option<NodeId>,
        initial: Option<NodeId>,
        over: Over<'_>,
    ) -> Result<NodeId, Error> {
        let Some(initial) = initial else { return self.reduce_plain(op, &[x], over) };
        let ty = self.graph.ty(x);
        let x = if ty.weak { self.adopt(x, ty.dtype)? } else { x };
        let initial = self.initial(initial, ty.dtype)?;
        let chosen = match mask {
            Some(mask) => self.apply_own(Op::Select, &[mask, x, initial])?,
            None => x,
        };
        let (fold, both) = match op {
            Op::Min => (Op::Least, Op::Minimum),
            _ => (Op::Greatest, Op::Maximum),
        };
        let extreme = self.reduce_plain(fold, &[chosen], over)?;
        self.apply_own(both, &[extreme, initial])
    }

    /// A sum or product under a mask: excluded elements become the neutral element.
    fn masked_fold(
        &mut self,
        op: Op,
        x: NodeId,
        mask: NodeId,
        neutral: i64,
        over: Over<'_>,
    ) -> Result<NodeId, Error> {
        let neutral = self.weak_int(neutral);
        let chosen = self.apply_own(Op::Select, &[mask, x, neutral])?;
        self.reduce_plain(op, &[chosen], over)
    }

    /// `x` in the float dtype of its mean, and the mask in the shape of `x`.
    fn masked_floats(&mut self, x: NodeId, mask: NodeId) -> Result<(NodeId, NodeId), Error> {
        let ty = self.graph.ty(x);
        let dtype = if ty.dtype.is_float() { ty.dtype } else { DType::F64 };
        let strong = if ty.weak { self.adopt(x, dtype)? } else { self.cast_own(x, dtype) };
        let own = self.graph.ty(mask).domain;
        if self.graph.join([own, ty.domain].into_iter()) == own {
            return Ok((strong, mask));
        }
        // A mask of fewer axes is broadcast to the shape of x.
        let ones = self.filled(strong, 1.0)?;
        let all = self.cast_own(ones, DType::Bool);
        Ok((strong, self.apply_own(Op::BitAnd, &[all, mask])?))
    }

    /// The number of elements under a mask, as a float.
    fn count(&mut self, mask: NodeId, dtype: DType, over: Over<'_>) -> Result<NodeId, Error> {
        let count = self.reduce_plain(Op::Sum, &[mask], over)?;
        Ok(self.cast_own(count, dtype))
    }

    fn masked_mean(&mut self, x: NodeId, mask: NodeId, over: Over<'_>) -> Result<NodeId, Error> {
        let (x, mask) = self.masked_floats(x, mask)?;
        let count = self.count(mask, self.graph.dtype(x), over)?;
        let sum = self.masked_fold(Op::Sum, x, mask, 0, over)?;
        self.apply_own(Op::Div, &[sum, count])
    }

    /// The variance under a mask, corrected for the rounding error of the mean: with `d` the
    /// deviations from the mean, `(sum(d * d) - sum(d)**2 / n) / (n - ddof)`.
    fn masked_var(
        &mut self,
        x: NodeId,
        mask: NodeId,
        ddof: NodeId,
        over: Over<'_>,
    ) -> Result<(NodeId, NodeId), Error> {
        let number = self.graph.ty(ddof);
        if !number.domain.is_scalar() || number.dtype == DType::Bool {
            return Err(type_error("the ddof of a variance is a number"));
        }
        let mean = self.masked_mean(x, mask, over.kept())?;
        let (x, mask) = self.masked_floats(x, mask)?;
        let dtype = self.graph.dtype(x);
        let distance = self.apply_own(Op::Sub, &[x, mean])?;
        let zero = self.literal(0, dtype, false);
        let distance = self.apply_own(Op::Select, &[mask, distance, zero])?;
        let square = self.apply_own(Op::Mul, &[distance, distance])?;
        let squares = self.reduce_plain(Op::Sum, &[square], over)?;
        let rest = self.reduce_plain(Op::Sum, &[distance], over)?;
        let rest = self.apply_own(Op::Mul, &[rest, rest])?;
        let count = self.count(mask, dtype, over)?;
        let rest = self.apply_own(Op::Div, &[rest, count])?;
        // Overflow stays infinite.
        let infinity = self.literal_like(squares, f64::INFINITY);
        let bounded = self.apply_own(Op::Lt, &[squares, infinity])?;
        let rest = self.apply_own(Op::Select, &[bounded, rest, zero])?;
        let squares = self.apply_own(Op::Sub, &[squares, rest])?;
        let squares = self.apply_own(Op::Maximum, &[squares, zero])?;
        let ddof = if number.weak { self.adopt(ddof, dtype)? } else { self.cast_own(ddof, dtype) };
        let freedom = self.apply_own(Op::Sub, &[count, ddof])?;
        let freedom = self.apply_own(Op::Maximum, &[freedom, zero])?;
        Ok((self.apply_own(Op::Div, &[squares, freedom])?, freedom))
    }

    /// `var`, or NaN without degrees of freedom.
    fn defined(&mut self, var: NodeId, freedom: NodeId) -> Result<NodeId, Error> {
        let [zero, nan] = [0.0, f64::NAN].map(|v| self.literal_like(var, v));
        let defined = self.apply_own(Op::Lt, &[zero, freedom])?;
        self.apply_own(Op::Select, &[defined, var, nan])
    }

    fn agreement(&mut self, op: Op, operands: &[NodeId], over: Over<'_>) -> Result<NodeId, Error> {
        let (x, y) = match *operands {
            [x, y, relative, absolute, equal_nan] => {
                let close = self.isclose([x, y], [relative, absolute], equal_nan)?;
                return self.reduce_plain(Op::All, &[close], over);
            }
            [x, y, _] => (x, y),
            _ => return Err(Error::internal(format!("{op:?} of other operands"))),
        };
        let Some(equal_nan) = self.graph.constant(operands[2]) else {
            return Err(type_error("equal_nan is True or False"));
        };
        let mut equal = self.apply_own(Op::Eq, &[x, y])?;
        if equal_nan != 0 {
            equal = self.or_both_nan(equal, [x, y])?;
        }
        let mut all = self.reduce_plain(Op::All, &[equal], over)?;
        // An array broadcast to more elements is not equal.
        let of = self.graph.ty(equal).domain;
        for one in [x, y] {
            if self.graph.ty(one).domain == of {
                continue;
            }
            let [own, joined] = [one, equal].map(|x| match self.graph.ty(x).domain.is_scalar() {
                true => self.literal(1, DType::I64, false),
                false => self.reduce_to(Op::Size, &[x], DType::I64, Domain::SCALAR),
            });
            let same = self.apply_own(Op::Eq, &[own, joined])?;
            all = self.apply_own(Op::BitAnd, &[all, same])?;
        }
        Ok(all)
    }

    /// The constants of a quantile.
    fn share(&self, share: NodeId) -> Result<Attributes, Error> {
        let value = self.graph.constant_f64(share).filter(|_| self.graph.ty(share).weak);
        let Some(value) = value.filter(|q| (0.0..=1.0).contains(q)) else {
            return Err(type_error("quantile: `q` is a constant from 0 to 1"));
        };
        let bits = value.to_bits();
        Ok(Attributes::Share { quantile: [bits as u32, (bits >> 32) as u32] })
    }

    /// A statistic of sorted elements: a scan has it at each element, and what all of them are is left.
    fn of_sorted(
        &mut self,
        op: Op,
        x: NodeId,
        attributes: Attributes,
        over: Over<'_>,
    ) -> Result<NodeId, Error> {
        let given = self.graph.ty(x);
        let x = if given.weak { self.adopt(x, given.dtype)? } else { x };
        let wide = self.convert(x, DType::F64);
        let all = match given.domain.is_scalar() {
            true => wide,
            false => self.sequences(op, [wide, wide], attributes, over.axes)?,
        };
        let least = self.reduce_plain(Op::Least, &[all], over)?;
        let greatest = self.reduce_plain(Op::Greatest, &[all], over)?;
        // They differ if there are no elements.
        let some = self.apply_own(Op::Eq, &[least, greatest])?;
        let nan = self.literal_like(greatest, f64::NAN);
        let result = self.apply_own(Op::Select, &[some, greatest, nan])?;
        Ok(self.narrow(result, given.dtype))
    }

    /// The mean of an array with the weights of another.
    fn weighted_mean(
        &mut self,
        [x, weights]: [NodeId; 2],
        over: Over<'_>,
    ) -> Result<NodeId, Error> {
        if self.graph.ty(weights).domain.is_scalar() {
            let error = type_error("the weights of average are an array");
            return Err(error.hint("an axis is given by name: average(x, w, axis=0)"));
        }
        let (dtype, _) = self.meet(&[x, weights]);
        let dtype = if dtype.is_float() { dtype } else { DType::F64 };
        let [mut x, mut weights] = [x, weights];
        for side in [&mut x, &mut weights] {
            let weak = self.graph.ty(*side).weak;
            *side = if weak { self.adopt(*side, dtype)? } else { self.convert(*side, dtype) };
        }
        let weights = self.spread(x, weights)?;
        let product = self.apply_own(Op::Mul, &[x, weights])?;
        let sum = self.reduce_plain(Op::Sum, &[product], over)?;
        let of_weights = self.reduce_plain(Op::Sum, &[weights], over)?;
        self.apply_own(Op::Div, &[sum, of_weights])
    }

    fn ptp(&mut self, x: NodeId, over: Over<'_>) -> Result<NodeId, Error> {
        if self.graph.dtype(x) == DType::Bool {
            return Err(type_error("ptp of bool is not defined").hint("convert it: i8(x)"));
        }
        let greatest = self.reduce_plain(Op::Max, &[x], over)?;
        let least = self.reduce_plain(Op::Min, &[x], over)?;
        self.apply_own(Op::Sub, &[greatest, least])
    }

    /// The position of the first element equal to the extreme number, which may be infinite; -1 if
    /// all are NaN.
    fn nan_position(&mut self, op: Op, x: NodeId, over: Over<'_>) -> Result<NodeId, Error> {
        let ty = self.graph.ty(x);
        let (position, extreme, end) = match op {
            Op::Nanargmin => (Op::Argmin, Op::Min, f64::INFINITY),
            _ => (Op::Argmax, Op::Max, f64::NEG_INFINITY),
        };
        if ty.dtype.kind() != Kind::Float {
            return self.reduce_plain(position, &[x], over);
        }
        let x = if ty.weak { self.adopt(x, ty.dtype)? } else { x };
        let end = self.literal_like(x, end);
        let number = self.apply_own(Op::Eq, &[x, x])?;
        let numbers = self.apply_own(Op::Select, &[number, x, end])?;
        let extreme = self.reduce_plain(extreme, &[numbers], over.kept())?;
        let found = self.apply_own(Op::Eq, &[x, extreme])?;
        let place = self.reduce_plain(Op::Argmax, &[found], over)?;
        let any = self.reduce_plain(Op::Any, &[number], over)?;
        let none = self.weak_int(-1);
        self.apply_own(Op::Select, &[any, place, none])
    }
}
