//! Legalization: expands composites into primitives and applies the floating-point mode.
//!
//! Every backend and the interpreter start from the result, and later stages keep every bit. So
//! fused multiply-adds are formed here and nowhere else.

use std::fmt;
use std::str::FromStr;

use hotloop_runtime::dtype::{DType, UnknownName};

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{
    Builder, Derivation, Derived, Domain, Graph, Node, NodeId, Type, rewrite, rewrite_types,
};
use crate::ops::{Class, Lowering, Op};

/// The floating-point mode: which rewrites may change rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// IEEE 754 as written: no contraction, no reassociation.
    #[default]
    Strict,
    /// A product that is only added becomes a fused multiply-add.
    Contract,
    /// As `Contract`; long sums and products are balanced, and `sin`, `cos` and powers may have up
    /// to 4 ULP of error if that is faster. A quotient by a scalar, or by what a reduction has left,
    /// is a product with its reciprocal: that has up to 1.5 ULP of error, and more if the reciprocal
    /// is subnormal or overflows.
    Fast,
}

impl Mode {
    /// The mode's name.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Strict => "strict",
            Mode::Contract => "contract",
            Mode::Fast => "fast",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = UnknownName;

    fn from_str(name: &str) -> std::result::Result<Mode, UnknownName> {
        let modes = [Mode::Strict, Mode::Contract, Mode::Fast];
        let unknown = || UnknownName { what: "mode", name: name.to_string() };
        modes.into_iter().find(|mode| mode.name() == name).ok_or_else(unknown)
    }
}

/// Returns the graph of primitives that every backend computes.
///
/// # Errors
/// `Limit` if expansion gives more than `max_nodes` nodes.
pub fn legalize(graph: &Graph, mode: Mode, max_nodes: usize) -> Result<Graph> {
    let mut graph = rewrite(graph, |b, id, operands, _| match *graph.node(id) {
        Node::Apply(op, _) if matches!(op.row().lowering, Lowering::Expand) => {
            if b.graph().len() > max_nodes {
                let message = format!("the program has more than {max_nodes} operations");
                let error = Error::new(ErrorKind::Limit, message);
                return Err(error.hint("powers count as the products they are made of"));
            }
            expand(b, op, operands, graph.ty(id), mode).map(Some)
        }
        Node::Apply(Op::Div, _) if mode == Mode::Fast => {
            multiply_by_reciprocal(b, graph, id, operands)
        }
        Node::Apply(op, _) if mode == Mode::Fast => match op.fast() {
            Some(fast) => b.apply_own(fast, operands).map(Some),
            None => Ok(None),
        },
        _ => Ok(None),
    })?;
    if mode == Mode::Fast {
        graph = balance(&graph)?;
    }
    if mode != Mode::Strict {
        graph = contract(&graph)?;
    }
    if graph.ids().any(|id| matches!(graph.node(id), Node::View(_))) {
        graph = push_views(graph)?;
    }
    Ok(graph)
}

/// The quotient by a value of which there is one for many elements, as a product with its reciprocal.
fn multiply_by_reciprocal(
    b: &mut Builder,
    graph: &Graph,
    id: NodeId,
    operands: &[NodeId],
) -> Result<Option<NodeId>> {
    let &[x, y] = operands else { return Ok(None) };
    let divisor = graph.ty(graph.node(id).operands()[1]).domain;
    if is_left(graph, graph.ty(id).domain) || !is_left(graph, divisor) {
        return Ok(None);
    }
    let one = b.literal_like(y, 1.0);
    let reciprocal = b.apply_own(Op::Div, &[one, y])?;
    b.apply_own(Op::Mul, &[x, reciprocal]).map(Some)
}

/// Whether a domain is that of scalars, or of what reductions have left and views of it.
fn is_left(graph: &Graph, domain: Domain) -> bool {
    let mut left: Vec<bool> = Vec::with_capacity(graph.derived().len());
    let all = |domain: Domain, left: &[bool]| {
        let derived = |class: u8| class.checked_sub(Domain::SHAPES).map(usize::from);
        let known = |class| derived(class).and_then(|number| left.get(number)) == Some(&true);
        domain.shapes().all(known)
    };
    for Derived { of, how } in graph.derived() {
        let is_reduction = matches!(how, Derivation::Reduce { .. });
        left.push(is_reduction || all(*of, &left));
    }
    all(domain, &left)
}

fn expand(
    b: &mut Builder,
    op: Op,
    operands: &[NodeId],
    result: Type,
    mode: Mode,
) -> Result<NodeId> {
    match op.class() {
        Class::Elementwise => {}
        Class::Reduce | Class::Shape => return expand_reduction(b, op, operands, result),
        Class::Along => return Err(Error::internal(format!("{op:?} has no expansion"))),
    }
    let x = operands[0];
    let ty = b.graph().ty(x);
    let float = ty.dtype.is_float();
    match op {
        Op::Clip => {
            let above = b.apply_own(Op::Maximum, &[x, operands[1]])?;
            b.apply_own(Op::Minimum, &[above, operands[2]])
        }
        Op::Fmin | Op::Fmax => {
            let extreme =
                b.apply_own(if op == Op::Fmin { Op::Minimum } else { Op::Maximum }, operands)?;
            if !float {
                return Ok(extreme);
            }
            let y = operands[1];
            let y_is_nan = b.apply_own(Op::Ne, &[y, y])?;
            let x_is_nan = b.apply_own(Op::Ne, &[x, x])?;
            let or_x = b.apply_own(Op::Select, &[y_is_nan, x, extreme])?;
            b.apply_own(Op::Select, &[x_is_nan, y, or_x])
        }
        Op::Sign => {
            let [zero, one] = [0.0, 1.0].map(|v| b.literal_like(x, v));
            let positive = b.apply_own(Op::Lt, &[zero, x])?;
            let is_zero = b.apply_own(Op::Eq, &[x, zero])?;
            // Otherwise x is negative, or NaN, which is kept.
            let rest = if float || ty.dtype.is_signed_int() {
                let minus_one = b.literal_like(x, -1.0);
                let negative = b.apply_own(Op::Lt, &[x, zero])?;
                b.apply_own(Op::Select, &[negative, minus_one, x])?
            } else {
                x
            };
            let rest = b.apply_own(Op::Select, &[is_zero, zero, rest])?;
            b.apply_own(Op::Select, &[positive, one, rest])
        }
        Op::Isnan => b.apply_own(Op::Ne, &[x, x]),
        Op::Isinf if !float => b.apply_own(Op::Ne, &[x, x]),
        Op::Isfinite if !float => b.apply_own(Op::Eq, &[x, x]),
        Op::Isinf | Op::Isfinite => {
            let magnitude = b.apply_own(Op::Abs, &[x])?;
            let infinity = b.literal_like(x, f64::INFINITY);
            b.apply_own(if op == Op::Isinf { Op::Eq } else { Op::Lt }, &[magnitude, infinity])
        }
        Op::Power => {
            let exponent = b.graph().constant_f64(operands[1]);
            let plain = mode == Mode::Fast;
            match exponent.map(|e| b.constant_power(x, e, plain)).transpose()?.flatten() {
                Some(power) => Ok(power),
                None => b.apply_own(Op::RealPower, operands),
            }
        }
        _ => Err(Error::internal(format!("{op:?} has no expansion"))),
    }
}

/// Expands a reduction into others, with a result of the given type.
fn expand_reduction(b: &mut Builder, op: Op, operands: &[NodeId], result: Type) -> Result<NodeId> {
    let x = operands[0];
    let ty = b.graph().ty(x);
    let Type { dtype, domain, .. } = result;
    let float = ty.dtype.is_float();
    match op {
        Op::Mean => {
            if ty.domain.is_scalar() {
                return Ok(x);
            }
            let sum = b.reduce_to(Op::Sum, &[x], dtype, domain);
            let count = count(b, x, sum, dtype)?;
            b.apply_own(Op::Div, &[sum, count])
        }
        Op::Var | Op::Std => {
            let squares = if ty.domain.is_scalar() {
                let distance = b.apply_own(Op::Sub, &[x, x])?;
                b.apply_own(Op::Mul, &[distance, distance])?
            } else {
                b.reduce_to(Op::SquaredDeviations, &[x], dtype, domain)
            };
            let count = count(b, x, squares, dtype)?;
            let freedom = b.apply_own(Op::Sub, &[count, operands[1]])?;
            let zero = b.literal_like(freedom, 0.0);
            let freedom = b.apply_own(Op::Maximum, &[freedom, zero])?;
            let var = b.apply_own(Op::Div, &[squares, freedom])?;
            if op == Op::Std { b.apply_own(Op::Sqrt, &[var]) } else { Ok(var) }
        }
        Op::CountNonzero => {
            let zero = b.literal_like(x, 0.0);
            let set = if ty.dtype == DType::Bool { x } else { b.apply_own(Op::Ne, &[x, zero])? };
            let ones = b.cast_own(set, DType::I64);
            Ok(b.reduce_to(Op::Sum, &[ones], dtype, domain))
        }
        Op::Nansum | Op::Nanmin | Op::Nanmax if !float => {
            let plain = match op {
                Op::Nansum => Op::Sum,
                Op::Nanmin => Op::Min,
                _ => Op::Max,
            };
            Ok(b.reduce_to(plain, &[x], dtype, domain))
        }
        Op::Nansum | Op::Nanmean => {
            let zero = b.literal_like(x, 0.0);
            let is_number = b.apply_own(Op::Eq, &[x, x])?;
            let numbers = b.apply_own(Op::Select, &[is_number, x, zero])?;
            let sum = b.reduce_to(Op::Sum, &[numbers], dtype, domain);
            if op == Op::Nansum {
                return Ok(sum);
            }
            let ones = b.cast_own(is_number, DType::I64);
            let count = b.reduce_to(Op::Sum, &[ones], DType::I64, domain);
            let count = b.cast_own(count, dtype);
            b.apply_own(Op::Div, &[sum, count])
        }
        Op::Nanmin | Op::Nanmax => {
            let (extreme, last) = match op {
                Op::Nanmin => (Op::Min, f64::INFINITY),
                _ => (Op::Max, f64::NEG_INFINITY),
            };
            let [last, nan] = [last, f64::NAN].map(|v| b.literal_like(x, v));
            let is_number = b.apply_own(Op::Eq, &[x, x])?;
            let numbers = b.apply_own(Op::Select, &[is_number, x, last])?;
            let extreme = b.reduce_to(extreme, &[numbers], dtype, domain);
            let any = b.reduce_to(Op::Any, &[is_number], DType::Bool, domain);
            b.apply_own(Op::Select, &[any, extreme, nan])
        }
        Op::Dot => {
            let products = b.apply_own(Op::Mul, operands)?;
            Ok(b.reduce_to(Op::Sum, &[products], dtype, domain))
        }
        _ => Err(Error::internal(format!("{op:?} has no expansion"))),
    }
}

/// The number of elements of x per element of its reduction.
fn count(b: &mut Builder, x: NodeId, reduction: NodeId, dtype: DType) -> Result<NodeId> {
    let whole = b.graph().ty(reduction).domain.is_scalar();
    let (op, of) = if whole { (Op::Size, x) } else { (Op::Length, reduction) };
    let count = b.reduce_to(op, &[of], DType::I64, Domain::SCALAR);
    Ok(b.cast_own(count, dtype))
}

/// The maximum number of nested views that are pushed.
const MOST_VIEWS: usize = 8;

/// Pushes views through elementwise operations with no other use, down to the loads: there they are
/// strides, and need no array.
fn push_views(graph: Graph) -> Result<Graph> {
    let mut graph = graph;
    for _ in 0..MOST_VIEWS {
        // The view that is pushed through each operation.
        let uses = graph.uses();
        let mut seen: Vec<Option<NodeId>> = vec![None; graph.len()];
        let mut moved = false;
        for id in graph.ids().rev() {
            let view = match graph.node(id) {
                Node::View(_) => Some(id),
                _ => seen[id.index()],
            };
            let Some(view) = view else { continue };
            let of = graph.derivation(view).map(|d| d.of);
            for x in graph.node(id).operands() {
                let elementwise = match graph.node(*x) {
                    Node::Apply(op, _) => match op.class() {
                        Class::Elementwise => true,
                        Class::Reduce | Class::Along | Class::Shape => false,
                    },
                    Node::Convert(_) => true,
                    _ => false,
                };
                if elementwise && uses[x.index()] == 1 && Some(graph.ty(*x).domain) == of {
                    seen[x.index()] = Some(view);
                    moved = true;
                }
            }
        }
        if !moved {
            break;
        }
        graph = rewrite_types(&graph, |b, id, operands, _| match *graph.node(id) {
            // The operand has become the view.
            Node::View(x) if seen[x.index()].is_some() => Ok(Some(operands[0])),
            node => {
                let Some(view) = seen[id.index()] else { return Ok(None) };
                let domain = graph.ty(view).domain;
                let mut viewed = Vec::with_capacity(operands.len());
                for (old, new) in node.operands().iter().zip(operands) {
                    let computed = seen[old.index()].is_some();
                    let as_is = computed || graph.ty(*old).domain.is_scalar();
                    viewed.push(if as_is { *new } else { b.view_to(*new, domain) });
                }
                Ok(Some(b.copy(node, Type { domain, ..graph.ty(id) }, &viewed)))
            }
        })?;
    }
    Ok(graph)
}

/// Floats: `a*b + c` with the product used nowhere else becomes `fma(a, b, c)`; so do `a*b - c`
/// and `c - a*b`, with the sign where it is exact.
fn contract(graph: &Graph) -> Result<Graph> {
    let uses = graph.uses();
    let factors = |id: NodeId| match graph.node(id) {
        Node::Apply(Op::Mul, factors) if uses[id.index()] == 1 => Some((factors[0], factors[1])),
        _ => None,
    };
    rewrite(graph, |b, id, operands, carried| {
        let Node::Apply(op @ (Op::Add | Op::Sub), old) = *graph.node(id) else { return Ok(None) };
        if !graph.dtype(id).is_float() {
            return Ok(None);
        }
        let negates = op == Op::Sub;
        let negated_if_sub =
            |b: &mut Builder, x| if negates { b.apply_own(Op::Neg, &[x]) } else { Ok(x) };
        if let Some((x, y)) = factors(old[0]) {
            let rest = negated_if_sub(b, operands[1])?;
            b.apply_own(Op::Fma, &[carried.to(x), carried.to(y), rest]).map(Some)
        } else if let Some((x, y)) = factors(old[1]) {
            let x = negated_if_sub(b, carried.to(x))?;
            b.apply_own(Op::Fma, &[x, carried.to(y), operands[0]]).map(Some)
        } else {
            Ok(None)
        }
    })
}

/// Floats: chains of `+` or of `*` whose links are used nowhere else become balanced trees.
fn balance(graph: &Graph) -> Result<Graph> {
    let uses = graph.uses();
    let chain_op = |id: NodeId| match *graph.node(id) {
        Node::Apply(op @ (Op::Add | Op::Mul), _) if graph.dtype(id).is_float() => Some(op),
        _ => None,
    };
    // Whether a node is part of its only user's chain.
    let mut is_link = vec![false; graph.len()];
    for id in graph.ids() {
        if let Some(op) = chain_op(id) {
            for x in graph.node(id).operands() {
                is_link[x.index()] |= chain_op(*x) == Some(op)
                    && uses[x.index()] == 1
                    && graph.ty(*x) == graph.ty(id);
            }
        }
    }
    rewrite(graph, |b, id, _, carried| {
        let Some(op) = chain_op(id).filter(|_| !is_link[id.index()]) else { return Ok(None) };
        let mut leaves = Vec::new();
        let mut open = vec![id];
        while let Some(x) = open.pop() {
            if x == id || is_link[x.index()] && chain_op(x) == Some(op) {
                open.extend(graph.node(x).operands().iter().rev());
            } else {
                leaves.push(carried.to(x));
            }
        }
        while leaves.len() > 1 {
            leaves = leaves
                .chunks(2)
                .map(|pair| if pair.len() == 2 { b.apply_own(op, pair) } else { Ok(pair[0]) })
                .collect::<Result<_>>()?;
        }
        Ok(Some(leaves[0]))
    })
}
