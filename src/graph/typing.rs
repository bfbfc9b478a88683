//! Typing: the common dtype of an operation's operands, and the dtype of its result.

use hotloop_runtime::convert::convert_scalar;
use hotloop_runtime::dtype::{DType, Kind};

use super::{
    Builder, Node, NodeId, Op, ReduceOptions, Type, check_arity, check_public, type_error,
};
use crate::error::Error;
use crate::ops::{Class, Rule};
use crate::promote::{promote, promote_all, promote_weak, to_float, weak_default};
use crate::weak::{adopt_bits, adopt_integer, cast_integer, quotient};

impl Builder {
    /// Adds a cast (`f32(x)`); the result is strong. Casts never fail: integers wrap, floats
    /// saturate to integers.
    ///
    /// ```
    /// use hotloop::DType;
    /// use hotloop::graph::Builder;
    ///
    /// let mut b = Builder::new();
    /// let number = b.weak_float(2.5);
    /// let whole = b.cast(number, DType::I32)?;
    /// assert_eq!(b.graph().constant(whole), Some(2));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Name` for a node of another builder.
    pub fn cast(&mut self, x: NodeId, dtype: DType) -> Result<NodeId, Error> {
        self.check(&[x])?;
        Ok(self.cast_own(x, dtype))
    }

    /// Casts a node of this builder.
    pub(crate) fn cast_own(&mut self, x: NodeId, dtype: DType) -> NodeId {
        let ty = self.graph.ty(x);
        if let Some(value) = self.wide(x) {
            return self.literal(cast_integer(value, dtype), dtype, false);
        }
        match self.graph.constant(x) {
            Some(bits) => self.literal(convert_scalar(bits, ty.dtype, dtype), dtype, false),
            None if ty.weak => {
                let strong = self.add(Node::Adopt(x), Type { weak: false, ..ty });
                self.cast_own(strong, dtype)
            }
            None if ty.dtype == dtype => x,
            None => self.add(Node::Convert(x), Type { dtype, ..ty }),
        }
    }

    /// Converts a weak value to another weak dtype (`i64` to `f64`), or casts a strong one.
    pub(super) fn convert(&mut self, x: NodeId, dtype: DType) -> NodeId {
        let ty = self.graph.ty(x);
        if let Some(value) = self.wide(x).filter(|_| dtype != DType::I64) {
            return self.literal(cast_integer(value, dtype), dtype, true);
        }
        match self.graph.constant(x) {
            _ if ty.dtype == dtype => x,
            Some(bits) => self.literal(convert_scalar(bits, ty.dtype, dtype), dtype, ty.weak),
            None => self.add(Node::Convert(x), Type { dtype, ..ty }),
        }
    }

    /// Converts a value to a strong one, in a dtype that it may adopt without a cast.
    pub(super) fn adopt(&mut self, x: NodeId, dtype: DType) -> Result<NodeId, Error> {
        let ty = self.graph.ty(x);
        if !ty.weak {
            return Ok(self.convert(x, dtype));
        }
        if let Some(value) = self.wide(x) {
            return Ok(self.literal(adopt_integer(value, dtype)?, dtype, false));
        }
        match self.graph.constant(x) {
            Some(bits) => Ok(self.literal(adopt_bits(bits, ty.dtype, dtype)?, dtype, false)),
            None => Ok(self.add(Node::Adopt(x), Type { dtype, weak: false, ..ty })),
        }
    }

    /// For a constant that does not fit the common dtype: which operand to convert so that it does,
    /// and to which dtype.
    pub(crate) fn wider(&self, operands: &[NodeId]) -> Option<(usize, DType)> {
        let (dtype, weak) = self.meet(operands);
        let holds = |wide: DType| {
            operands.iter().all(|x| match (self.graph.weak_integer(*x), self.graph.constant(*x)) {
                _ if !self.graph.ty(*x).weak => promote(dtype, wide) == wide,
                (Some(value), _) => adopt_integer(value, wide).is_ok(),
                (None, Some(bits)) => adopt_bits(bits, self.graph.dtype(*x), wide).is_ok(),
                (None, None) => true,
            })
        };
        if weak || holds(dtype) {
            return None;
        }
        let strong = |x: &NodeId| {
            let ty = self.graph.ty(*x);
            !ty.weak && ty.dtype.kind() == dtype.kind()
        };
        let wider = [DType::I16, DType::I32, DType::I64, DType::U64, DType::F64];
        let kind = |wide: &DType| wide.kind() == dtype.kind() || *wide == DType::F64;
        let wide = wider.into_iter().filter(kind).find(|wide| holds(*wide))?;
        Some((operands.iter().position(strong)?, wide))
    }

    /// The value of a weak integer beyond `i64`.
    pub(super) fn wide(&self, x: NodeId) -> Option<i128> {
        match self.graph.node(x) {
            Node::Wide(_) => self.graph.weak_integer(x),
            _ => None,
        }
    }

    /// The common dtype of the operands, and whether the result is weak.
    pub(super) fn meet(&self, operands: &[NodeId]) -> (DType, bool) {
        let types = || operands.iter().map(|x| self.graph.ty(*x));
        let weak = types().filter(|ty| ty.weak).map(|ty| ty.dtype.kind());
        let weak = weak.max().unwrap_or(Kind::Bool);
        match promote_all(types().filter(|ty| !ty.weak).map(|ty| ty.dtype)) {
            Some(strong) => (promote_weak(strong, weak), false),
            None => (weak_default(weak), true),
        }
    }

    /// The common float of operands that are converted to floats separately: `i8` and `u16` give
    /// `f32`, although as integers they promote to `i32`.
    pub(super) fn meet_as_floats(&self, operands: &[NodeId]) -> (DType, bool) {
        let types = || operands.iter().map(|x| self.graph.ty(*x));
        let strong = || types().filter(|ty| !ty.weak).map(|ty| ty.dtype);
        let weak = |kind: Kind| types().any(|ty| ty.weak && ty.dtype.kind() == kind);
        // If all strong operands are of lower kinds, a weak number has its default dtype.
        let alone = weak(Kind::Float) && !strong().any(DType::is_float)
            || weak(Kind::Int) && strong().all(|dtype| dtype == DType::Bool);
        match strong().map(to_float).reduce(promote) {
            None => (DType::F64, true),
            Some(_) if alone => (DType::F64, false),
            Some(dtype) => (dtype, false),
        }
    }

    /// Converts the operands to one dtype, weak if all are weak.
    pub(super) fn unify<const N: usize>(
        &mut self,
        operands: [NodeId; N],
        dtype: DType,
        weak: bool,
    ) -> Result<[NodeId; N], Error> {
        let mut out = operands;
        for x in &mut out {
            *x = if weak { self.convert(*x, dtype) } else { self.adopt(*x, dtype)? };
        }
        Ok(out)
    }

    /// Applies an operation to operands of any dtypes.
    ///
    /// # Errors
    /// `Type` if the operation does not accept these dtypes, a constant does not fit the common
    /// dtype, or the operation is internal to the compiler; `Arity` for a wrong number of operands;
    /// `Name` for a node of another builder.
    pub fn apply(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId, Error> {
        self.check(operands)?;
        check_public(op)?;
        self.apply_own(op, operands)
    }

    /// Applies any operation to nodes of this builder.
    pub(crate) fn apply_own(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId, Error> {
        check_arity(op, operands)?;
        match op.class() {
            Class::Elementwise => {}
            Class::Reduce | Class::Shape => {
                return self.reduce_own(op, operands, None, false, &ReduceOptions::default());
            }
            Class::Along => return self.along_own(op, operands, -1),
        }
        if let Some(result) = self.formula(op, operands)? {
            return Ok(result);
        }
        match *operands {
            [x] => self.apply_unary(op, x),
            [x, y] => self.apply_binary(op, x, y),
            [x, y, z] if op == Op::Select => self.select(x, y, z),
            [_, _, _] => {
                let (dtype, weak) = match op.row().rule {
                    Rule::Real => self.meet_as_floats(operands),
                    _ => self.meet(operands),
                };
                let operands = self.unify([operands[0], operands[1], operands[2]], dtype, weak)?;
                Ok(self.apply_folded(op, &operands, dtype)?)
            }
            _ => Err(Error::internal("an operation of no or many operands")),
        }
    }

    fn apply_unary(&mut self, op: Op, x: NodeId) -> Result<NodeId, Error> {
        let Type { dtype, weak, .. } = self.graph.ty(x);
        let kind = dtype.kind();
        let name = self.name(op);
        match op.row().rule {
            Rule::Real | Rule::Divide => {
                let dtype = match op.row().rule {
                    _ if weak => DType::F64,
                    Rule::Divide if kind != Kind::Float => DType::F64,
                    _ => to_float(dtype),
                };
                let x = self.convert(x, dtype);
                self.apply_folded(op, &[x], dtype)
            }
            Rule::Rounding if kind != Kind::Float => Ok(x),
            Rule::Rounding => self.apply_folded(op, &[x], dtype),
            Rule::Arithmetic if kind == Kind::Bool && op != Op::Abs => {
                let message = format!("{name} of bool is not defined");
                let hint = if op == Op::Neg { "use `not x` or `~x`" } else { "convert it: i8(x)" };
                Err(type_error(message).hint(hint))
            }
            Rule::Arithmetic if kind == Kind::Bool => Ok(x),
            Rule::Arithmetic => self.apply_folded(op, &[x], dtype),
            Rule::Predicate if kind != Kind::Float && op == Op::Signbit => {
                let float = if weak { DType::F64 } else { to_float(dtype) };
                let x = self.convert(x, float);
                self.apply_folded(op, &[x], DType::Bool)
            }
            Rule::Predicate => self.apply_folded(op, &[x], DType::Bool),
            Rule::Bitwise if kind == Kind::Float => Err(bitwise_error(name, dtype)),
            Rule::Bitwise => self.apply_folded(op, &[x], dtype),
            Rule::Logical if kind != Kind::Bool => Err(logical_error(name, dtype)),
            Rule::Logical => self.apply_folded(op, &[x], dtype),
            rule => Err(Error::internal(format!("{rule:?} has no unary form"))),
        }
    }

    fn apply_binary(&mut self, op: Op, x: NodeId, y: NodeId) -> Result<NodeId, Error> {
        let (dtype, weak) = self.meet(&[x, y]);
        let kind = dtype.kind();
        let name = self.name(op);
        match op.row().rule {
            Rule::Comparison => self.compare(op, x, y),
            Rule::Scaled => self.scaled(op, x, y),
            Rule::Divide | Rule::Real => {
                let (dtype, weak) = match op.row().rule {
                    Rule::Divide if kind == Kind::Float => (dtype, weak),
                    Rule::Divide => (DType::F64, weak),
                    _ => self.meet_as_floats(&[x, y]),
                };
                let integers = (self.graph.weak_integer(x), self.graph.weak_integer(y));
                if let (Op::Div, (Some(x), Some(y))) = (op, integers)
                    && let Some(value) = quotient(x, y)
                {
                    return Ok(self.weak_float(value));
                }
                let operands = self.unify([x, y], dtype, weak)?;
                self.apply_folded(op, &operands, dtype)
            }
            Rule::Logical => {
                for operand in [x, y] {
                    let dtype = self.graph.dtype(operand);
                    if dtype != DType::Bool {
                        return Err(logical_error(name, dtype));
                    }
                }
                let operands = self.unify([x, y], DType::Bool, weak)?;
                self.apply_folded(op, &operands, DType::Bool)
            }
            Rule::Bitwise | Rule::Integers => {
                if kind == Kind::Float {
                    let (left, right) = (self.graph.dtype(x), self.graph.dtype(y));
                    if !left.is_float() && !right.is_float() {
                        let message = format!(
                            "`{name}` takes bools and integers, but {left} and {right} promote to {dtype}"
                        );
                        return Err(
                            type_error(message).hint(format!("convert one of them: {left}(x)"))
                        );
                    }
                    let shown = if left.is_float() { left } else { right };
                    return Err(bitwise_error(name, shown));
                }
                let dtype = match op.row().rule {
                    Rule::Integers if kind == Kind::Bool && weak => DType::I64,
                    Rule::Integers if kind == Kind::Bool => DType::I8,
                    _ => dtype,
                };
                let operands = self.unify([x, y], dtype, weak)?;
                self.apply_folded(op, &operands, dtype)
            }
            Rule::Arithmetic => self.arithmetic(op, x, y, dtype, weak),
            rule => Err(Error::internal(format!("{rule:?} has no binary form"))),
        }
    }

    fn arithmetic(
        &mut self,
        op: Op,
        x: NodeId,
        y: NodeId,
        dtype: DType,
        weak: bool,
    ) -> Result<NodeId, Error> {
        let (mut op, mut dtype) = (op, dtype);
        if dtype == DType::Bool {
            match op {
                Op::Add | Op::Maximum | Op::Fmax => op = Op::BitOr,
                Op::Mul | Op::Minimum | Op::Fmin => op = Op::BitAnd,
                Op::Sub => {
                    return Err(type_error("bool - bool is not defined")
                        .hint("use `^` for the difference of bools"));
                }
                _ => dtype = if weak { DType::I64 } else { DType::I8 },
            }
        }
        if op == Op::Power {
            return self.power(x, y, dtype, weak);
        }
        let operands = self.unify([x, y], dtype, weak)?;
        self.apply_folded(op, &operands, dtype)
    }

    pub(super) fn select(
        &mut self,
        condition: NodeId,
        x: NodeId,
        y: NodeId,
    ) -> Result<NodeId, Error> {
        let ty = self.graph.ty(condition);
        if ty.dtype != DType::Bool {
            return Err(type_error(format!("the condition must be bool, not {}", ty.dtype))
                .hint("compare it: x != 0"));
        }
        let (dtype, weak) = self.meet(&[x, y]);
        let weak = weak && ty.weak;
        let [x, y] = self.unify([x, y], dtype, weak)?;
        let [condition] = self.unify([condition], DType::Bool, weak)?;
        self.apply_folded(Op::Select, &[condition, x, y], dtype)
    }
}

fn logical_error(name: &str, dtype: DType) -> Error {
    type_error(format!("`{name}` takes bools, not {dtype}")).hint("compare first: x != 0")
}

fn bitwise_error(name: &str, dtype: DType) -> Error {
    let error = type_error(format!("`{name}` takes bools and integers, not {dtype}"));
    match name {
        "&" => error.hint("it binds tighter than comparisons: `(a < b) & (b < c)`, or write `and`"),
        "|" => error.hint("it binds tighter than comparisons: `(a < b) | (b < c)`, or write `or`"),
        "^" => error.hint("a power is written `**`, as in `x**2`"),
        _ => error,
    }
}
