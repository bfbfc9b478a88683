//! Optimization that keeps every bit: constant folding and algebraic rules.
//!
//! A rule gets one operation with its operands and may return a replacement, which is used if it
//! has the same type, shape included. Common subexpressions need no rule: the builder hash-conses.
//! Rules on floats must be exact for every input: no `x + 0`, `x * 0`, `x - x` or `x / x`.

use hotloop_runtime::convert::convert_scalar;
use hotloop_runtime::dtype::DType;

use crate::error::Result;
use crate::graph::{Builder, Graph, Node, NodeId, Type, power_by_squaring, rewrite};
use crate::ops::Op;
use crate::weak::fold;

/// An operation and its operands, as rules see it.
struct Site<'a> {
    op: Op,
    operands: &'a [NodeId],
    ty: Type,
}

type RuleFn = fn(&mut Builder, &Site) -> Result<Option<NodeId>>;

/// The rules, in the order they are tried.
const RULES: &[RuleFn] = &[
    fold_constants,
    order_operands,
    drop_neutral_operand,
    same_operand_twice,
    undo_inverse,
    divide_by_power_of_two,
    divide_integer_by_power_of_two,
    subtract_negated,
    decide_select,
    power_of_integer,
];

/// The maximum number of rounds of rewriting.
const ROUNDS: usize = 4;

/// The optimized graph.
///
/// # Errors
/// Only `Internal`: a rule whose result is ill-typed is a bug.
pub fn optimize(graph: Graph) -> Result<Graph> {
    let mut graph = graph;
    for _ in 0..ROUNDS {
        let mut changed = false;
        graph = rewrite(&graph, |b, id, operands, _| {
            let ty = graph.ty(id);
            let op = match *graph.node(id) {
                // Weak values are exact and already folded by the builder.
                Node::Apply(op, _) if !ty.weak => op,
                Node::Convert(_) if !ty.weak => {
                    let new = fold_conversion(b, operands[0], ty)?;
                    changed |= new.is_some();
                    return Ok(new);
                }
                _ => return Ok(None),
            };
            for rule in RULES {
                if let Some(new) = rule(b, &Site { op, operands, ty })?
                    && b.graph().ty(new) == ty
                {
                    changed = true;
                    return Ok(Some(new));
                }
            }
            Ok(None)
        })?;
        if !changed {
            break;
        }
    }
    // Removes dead nodes of the last round; the others are in order of first use.
    rewrite(&graph, |_, _, _, _| Ok(None))
}

impl Site<'_> {
    fn constant(&self, b: &Builder, i: usize) -> Option<f64> {
        b.graph().constant_f64(*self.operands.get(i)?)
    }

    fn is_int(&self) -> bool {
        self.ty.dtype.is_int()
    }
}

/// The operation that made a node, with its operands.
fn made_by(b: &Builder, id: NodeId) -> Option<(Op, NodeId)> {
    match *b.graph().node(id) {
        Node::Apply(op, operands) if operands.len() == 1 => Some((op, operands[0])),
        _ => None,
    }
}

/// Constants are converted now, those of `where(c, 255, 0)` too.
fn fold_conversion(b: &mut Builder, x: NodeId, ty: Type) -> Result<Option<NodeId>> {
    let converted = |b: &mut Builder, x: NodeId| {
        let bits = b.graph().constant(x)?;
        let bits = convert_scalar(bits, b.graph().dtype(x), ty.dtype);
        Some(b.literal(bits, ty.dtype, false))
    };
    if let Node::Apply(Op::Select, operands) = *b.graph().node(x)
        && let (Some(one), Some(other)) = (converted(b, operands[1]), converted(b, operands[2]))
    {
        let new = b.apply_own(Op::Select, &[operands[0], one, other])?;
        return Ok((b.graph().ty(new) == ty).then_some(new));
    }
    Ok(converted(b, x))
}

/// Operations on constants are computed now, by the kernel that would compute them at run time.
fn fold_constants(b: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let bits: Option<Vec<u64>> = site.operands.iter().map(|x| b.graph().constant(*x)).collect();
    let Some((bits, last)) = bits.zip(site.operands.last()) else { return Ok(None) };
    let dtype = b.graph().dtype(*last);
    Ok(fold(site.op, dtype, &bits).map(|value| b.literal(value, site.ty.dtype, false)))
}

/// `b + a` is `a + b`: operands in the order of the graph, constants last.
fn order_operands(b: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let &[x, y] = site.operands else { return Ok(None) };
    let rank = |x: NodeId| (b.graph().constant(x).is_some(), x);
    if !site.op.is_commutative() || rank(x) <= rank(y) {
        return Ok(None);
    }
    b.apply_own(site.op, &[y, x]).map(Some)
}

/// `x * 1`, `x / 1`, `x - 0` and integers' `x + 0`, `x | 0`, `x ^ 0`, `x << 0`, `x // 1`.
fn drop_neutral_operand(b: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let Some(y) = site.constant(b, 1) else { return Ok(None) };
    let float_zero = |negative: bool| y == 0.0 && y.is_sign_negative() == negative;
    let neutral = match site.op {
        Op::Mul | Op::Div => y == 1.0,
        Op::FloorDiv | Op::IntegerPower => site.is_int() && y == 1.0,
        Op::Sub => float_zero(false),
        Op::Add => {
            if site.is_int() {
                y == 0.0
            } else {
                float_zero(true)
            }
        }
        Op::BitOr | Op::BitXor | Op::Shl | Op::Shr => y == 0.0,
        _ => false,
    };
    Ok(neutral.then(|| site.operands[0]))
}

/// `x & x`, `x | x`, `minimum(x, x)`, `where(c, x, x)`.
fn same_operand_twice(_: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let same = match (site.op, site.operands) {
        (Op::BitAnd | Op::BitOr | Op::Minimum | Op::Maximum, [x, y]) => x == y,
        (Op::Select, [_, x, y]) => x == y,
        _ => false,
    };
    Ok(same.then(|| site.operands[1]))
}

/// `-(-x)`, `~~x`, `abs(-x)`, `abs(abs(x))`. Unsigned integers wrap, so `abs(-x)` differs from
/// `abs(x)` for them.
fn undo_inverse(b: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let &[x] = site.operands else { return Ok(None) };
    match (site.op, made_by(b, x)) {
        (Op::Neg, Some((Op::Neg, y))) | (Op::BitNot, Some((Op::BitNot, y))) => Ok(Some(y)),
        (Op::Abs, Some((Op::Neg, y))) if !is_unsigned(site.ty.dtype) => {
            b.apply_own(Op::Abs, &[y]).map(Some)
        }
        (Op::Abs, Some((Op::Abs, _))) => Ok(Some(x)),
        _ => Ok(None),
    }
}

fn is_unsigned(dtype: DType) -> bool {
    dtype.is_int() && !dtype.is_signed_int()
}

/// `x / 2**k` is `x * 2**-k` exactly, where the reciprocal is a normal number.
fn divide_by_power_of_two(b: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let Some(y) = site.constant(b, 1).filter(|_| site.op == Op::Div) else { return Ok(None) };
    let reciprocal = 1.0 / y;
    let single = site.ty.dtype == DType::F32;
    let normal = |v: f64| if single { (v as f32).is_normal() } else { v.is_normal() };
    let power_of_two = y.to_bits() << 12 == 0;
    if !power_of_two || !normal(y) || !normal(reciprocal) {
        return Ok(None);
    }
    let reciprocal = b.literal_like(site.operands[1], reciprocal);
    b.apply_own(Op::Mul, &[site.operands[0], reciprocal]).map(Some)
}

/// `x // 2**k` of integers is `x >> k`, and `x % 2**k` is `x & (2**k - 1)`, for negative x too.
fn divide_integer_by_power_of_two(b: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let &[x, y] = site.operands else { return Ok(None) };
    let dtype = site.ty.dtype;
    let divisor = b.graph().constant(y).filter(|_| dtype.is_int());
    let Some(divisor) = divisor.map(|bits| bits & (u64::MAX >> (64 - dtype.bits()))) else {
        return Ok(None);
    };
    let is_negative = dtype.is_signed_int() && divisor >> (dtype.bits() - 1) != 0;
    if !divisor.is_power_of_two() || is_negative {
        return Ok(None);
    }
    let (op, bits) = match site.op {
        Op::FloorDiv => (Op::Shr, u64::from(divisor.trailing_zeros())),
        Op::Rem => (Op::BitAnd, divisor - 1),
        _ => return Ok(None),
    };
    let operand = b.literal(bits, dtype, false);
    b.apply_own(op, &[x, operand]).map(Some)
}

/// `x - (-y)` is `x + y`, and `x + (-y)` is `x - y`.
fn subtract_negated(b: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let &[x, y] = site.operands else { return Ok(None) };
    let Some((Op::Neg, y)) = made_by(b, y) else { return Ok(None) };
    match site.op {
        Op::Sub => b.apply_own(Op::Add, &[x, y]).map(Some),
        Op::Add => b.apply_own(Op::Sub, &[x, y]).map(Some),
        _ => Ok(None),
    }
}

/// `where` of a constant condition.
fn decide_select(b: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let &[condition, x, y] = site.operands else { return Ok(None) };
    let decided = b.graph().constant(condition).filter(|_| site.op == Op::Select);
    Ok(decided.map(|bits| if bits & 0xff != 0 { x } else { y }))
}

/// Integers to a small constant power: products that wrap alike.
fn power_of_integer(b: &mut Builder, site: &Site) -> Result<Option<NodeId>> {
    let exponent =
        site.constant(b, 1).filter(|e| site.op == Op::IntegerPower && (1.0..=64.0).contains(e));
    let Some(exponent) = exponent else { return Ok(None) };
    power_by_squaring(exponent as u32, site.operands[0], |x, y| b.apply_own(Op::Mul, &[x, y]))
        .map(Some)
}
