//! Seeded miscompiles for `tests/miscompile.rs` that change the results of compiler passes, as a
//! wrong rule would. Those that cannot be made from outside are in the passes themselves.
//! `hotloop_runtime::fault` lists them all.

use hotloop_runtime::dtype::{DType, Kind};
use hotloop_runtime::fault::Fault::{self, *};
use hotloop_runtime::fault::injected;

use crate::error::Result;
use crate::graph::{Builder, Graph, Node, NodeId, Type, rewrite};
use crate::ops::Op;
use crate::plan::{Array, Pass, Plan, Store};

/// An optimized graph after one more rule, a wrong one, if its fault is enabled.
///
/// # Errors
/// Only `Internal`.
pub fn optimized(graph: Graph) -> Result<Graph> {
    let mut changed = false;
    let wrong = rewrite(&graph, |b, id, operands, _| {
        let ty = graph.ty(id);
        if ty.weak {
            return Ok(None);
        }
        for fault in Fault::ALL {
            let new = match *graph.node(id) {
                Node::Apply(op, _) => operation(*fault, b, op, operands, ty)?,
                Node::Convert(_) => conversion(*fault, b, operands[0], ty)?,
                Node::Const(bits) => constant(*fault, b, bits, ty.dtype),
                _ => None,
            };
            if let Some(new) = new.filter(|new| b.graph().ty(*new) == ty && injected(*fault)) {
                changed = true;
                return Ok(Some(new));
            }
        }
        Ok(None)
    })?;
    // Remove dead nodes.
    if changed { rewrite(&wrong, |_, _, _, _| Ok(None)) } else { Ok(graph) }
}

/// The operation of a node and its operands, if it is an operation.
fn made_by(b: &Builder, id: NodeId) -> Option<(Op, Vec<NodeId>)> {
    match b.graph().node(id) {
        Node::Apply(op, operands) => Some((*op, operands.to_vec())),
        _ => None,
    }
}

/// A constant with the shape of `x`.
fn shaped(b: &mut Builder, x: NodeId, value: f64) -> Result<NodeId> {
    let value = b.literal_like(x, value);
    let any = b.apply_own(Op::Eq, &[x, x])?;
    b.apply_own(Op::Select, &[any, value, value])
}

/// The wrong replacement of an operation by a fault, if it has one.
fn operation(
    fault: Fault,
    b: &mut Builder,
    op: Op,
    operands: &[NodeId],
    ty: Type,
) -> Result<Option<NodeId>> {
    let dtype = b.graph().dtype(operands[operands.len() - 1]);
    let (float, signed) = (dtype.is_float(), dtype.is_signed_int());
    let made = operands.first().and_then(|x| made_by(b, *x));
    let value = operands.last().and_then(|y| b.graph().constant_f64(*y));
    let new = match (fault, op, operands) {
        (NeutralPositiveZero, Op::Add, [x, _]) if float && value.map(f64::to_bits) == Some(0) => *x,
        (ZeroTimesAnything, Op::Mul, [x, _]) if float && value == Some(0.0) => shaped(b, *x, 0.0)?,
        (DifferenceWithItself, Op::Sub, [x, y]) if float && x == y => shaped(b, *x, 0.0)?,
        (QuotientByItself, Op::Div, [x, y]) if x == y => shaped(b, *x, 1.0)?,
        (EqualToItself, Op::Eq, [x, y]) if float && x == y => {
            let equal = b.apply_own(Op::Eq, operands)?;
            let unequal = b.apply_own(Op::BitNot, &[equal])?;
            b.apply_own(Op::BitOr, &[equal, unequal])?
        }
        (NotLess, Op::BitNot, _) => match made {
            Some((Op::Lt, of)) if b.graph().dtype(of[0]).is_float() => {
                b.apply_own(Op::Le, &[of[1], of[0]])?
            }
            _ => return Ok(None),
        },
        (UnequalIsLessOrGreater, Op::Ne, [x, y]) if float => {
            let less = b.apply_own(Op::Lt, &[*x, *y])?;
            let greater = b.apply_own(Op::Lt, &[*y, *x])?;
            b.apply_own(Op::BitOr, &[less, greater])?
        }
        (SumRegrouped, Op::Add, [_, z]) if float => match made {
            Some((Op::Add, of)) => {
                let last = b.apply_own(Op::Add, &[of[1], *z])?;
                b.apply_own(Op::Add, &[of[0], last])?
            }
            _ => return Ok(None),
        },
        (SumFused, Op::Add, [_, z]) if float => match made {
            Some((Op::Mul, of)) => b.apply_own(Op::Fma, &[of[0], of[1], *z])?,
            _ => return Ok(None),
        },
        (SortedDifference, Op::Sub, [x, y]) if x > y => b.apply_own(Op::Sub, &[*y, *x])?,
        (QuotientByReciprocal, Op::Div, [x, y]) => match value {
            Some(value) => {
                let reciprocal = b.literal_like(*y, 1.0 / value);
                b.apply_own(Op::Mul, &[*x, reciprocal])?
            }
            None => return Ok(None),
        },
        (NegatedFromZero, Op::Neg, [x]) if float => {
            let zero = b.literal_like(*x, 0.0);
            b.apply_own(Op::Sub, &[zero, *x])?
        }
        (AbsByComparison, Op::Abs, [x]) if float => {
            let zero = b.literal_like(*x, 0.0);
            let below = b.apply_own(Op::Lt, &[*x, zero])?;
            let negative = b.apply_own(Op::Neg, &[*x])?;
            b.apply_own(Op::Select, &[below, negative, *x])?
        }
        (MinimumByComparison, Op::Minimum, [x, y]) if float => {
            let less = b.apply_own(Op::Lt, &[*x, *y])?;
            b.apply_own(Op::Select, &[less, *x, *y])?
        }
        (RintByFloor, Op::Rint, [x]) => {
            let half = b.literal_like(*x, 0.5);
            let moved = b.apply_own(Op::Add, &[*x, half])?;
            b.apply_own(Op::Floor, &[moved])?
        }
        (DisjunctionOfParts, Op::BitOr, [x, y]) if dtype.is_int() => {
            b.apply_own(Op::Add, &[*x, *y])?
        }
        (DeMorganHalf, Op::BitNot, _) => match made {
            Some((Op::BitAnd, of)) => {
                let [x, y] = [of[0], of[1]].map(|x| b.apply_own(Op::BitNot, &[x]));
                b.apply_own(Op::BitAnd, &[x?, y?])?
            }
            _ => return Ok(None),
        },
        (DifferenceBelowZero, Op::Lt, [x, y]) if signed => {
            let difference = b.apply_own(Op::Sub, &[*x, *y])?;
            let zero = b.literal_like(difference, 0.0);
            b.apply_own(Op::Lt, &[difference, zero])?
        }
        (NarrowComparison, Op::Lt | Op::Le | Op::Eq, [x, y]) if dtype == DType::F64 => {
            let (x, y) = (b.cast_own(*x, DType::F32), b.cast_own(*y, DType::F32));
            b.apply_own(op, &[x, y])?
        }
        (SumOfParts, Op::Sum, _) if float => match made {
            Some((Op::Add, of)) if of.iter().all(|x| same_type(b, *x, operands[0])) => {
                let [x, y] = [of[0], of[1]].map(|x| b.reduce_to(Op::Sum, &[x], dtype, ty.domain));
                b.apply_own(Op::Add, &[x, y])?
            }
            _ => return Ok(None),
        },
        (ArgmaxOfNegated, Op::Argmax, [x]) => {
            let negative = b.apply_own(Op::Neg, &[*x])?;
            b.reduce_to(Op::Argmin, &[negative], DType::I64, ty.domain)
        }
        (TruthConstantTurned, Op::Select, [condition, x, y]) => {
            let other = b.apply_own(Op::BitNot, &[*condition])?;
            b.apply_own(Op::Select, &[other, *x, *y])?
        }
        (DivisionTruncated, Op::FloorDiv, [x, y]) if signed => {
            let rest = b.apply_own(Op::Fmod, &[*x, *y])?;
            let whole = b.apply_own(Op::Sub, &[*x, rest])?;
            b.apply_own(Op::FloorDiv, &[whole, *y])?
        }
        (RemainderOfC, Op::Rem, [x, y]) => b.apply_own(Op::Fmod, &[*x, *y])?,
        (ShiftMasked, Op::Shl | Op::Shr, [x, y]) => {
            let mask = b.literal_like(*y, dtype.bits() as f64 - 1.0);
            let count = b.apply_own(Op::BitAnd, &[*y, mask])?;
            b.apply_own(op, &[*x, count])?
        }
        (ShiftUnsigned, Op::Shr, [x, y]) if signed => {
            let (x, y) = (b.cast_own(*x, unsigned(dtype)), b.cast_own(*y, unsigned(dtype)));
            let shifted = b.apply_own(Op::Shr, &[x, y])?;
            b.cast_own(shifted, dtype)
        }
        (PowerByLogarithm, Op::RealPower, [x, y]) => {
            let log = b.apply_own(Op::Log, &[*x])?;
            let product = b.apply_own(Op::Mul, &[*y, log])?;
            b.apply_own(Op::Exp, &[product])?
        }
        (HypotByRoot, Op::Hypot, [x, y]) => {
            let [x, y] = [*x, *y].map(|x| b.apply_own(Op::Mul, &[x, x]));
            let sum = b.apply_own(Op::Add, &[x?, y?])?;
            b.apply_own(Op::Sqrt, &[sum])?
        }
        (FmaRoundsTwice, Op::Fma, [x, y, z]) => {
            let product = b.apply_own(Op::Mul, &[*x, *y])?;
            b.apply_own(Op::Add, &[product, *z])?
        }
        (Expm1ByExp, Op::Expm1, [x]) => {
            let one = b.literal_like(*x, 1.0);
            let power = b.apply_own(Op::Exp, &[*x])?;
            b.apply_own(Op::Sub, &[power, one])?
        }
        (Log1pByLog, Op::Log1p, [x]) => {
            let one = b.literal_like(*x, 1.0);
            let sum = b.apply_own(Op::Add, &[one, *x])?;
            b.apply_own(Op::Log, &[sum])?
        }
        (LogaddexpOverflows, Op::Logaddexp, [x, y]) => {
            by_exponentials(b, [*x, *y], Op::Exp, Op::Log)?
        }
        (Logaddexp2Overflows, Op::Logaddexp2, [x, y]) => {
            by_exponentials(b, [*x, *y], Op::Exp2, Op::Log2)?
        }
        (GcdWithSign, Op::Gcd, [x, _]) if signed => {
            let divisor = b.apply_own(Op::Gcd, operands)?;
            let minus = b.apply_own(Op::Neg, &[divisor])?;
            let zero = b.literal_like(*x, 0.0);
            let negative = b.apply_own(Op::Lt, &[*x, zero])?;
            b.apply_own(Op::Select, &[negative, minus, divisor])?
        }
        (LcmOfProduct, Op::Lcm, [x, y]) => {
            let product = b.apply_own(Op::Mul, &[*x, *y])?;
            let divisor = b.apply_own(Op::Gcd, &[*x, *y])?;
            b.apply_own(Op::FloorDiv, &[product, divisor])?
        }
        (LdexpByPower, Op::Ldexp, [x, n]) => {
            let power = b.apply_own(Op::Exp2, &[*n])?;
            b.apply_own(Op::Mul, &[*x, power])?
        }
        (BitsOfComplement, Op::SetBits, [x]) if signed => {
            let bits = b.cast_own(*x, unsigned(dtype));
            let count = b.apply_own(Op::SetBits, &[bits])?;
            b.cast_own(count, dtype)
        }
        (SincByQuotient, Op::Sinc, [x]) => {
            let pi = b.literal_like(*x, std::f64::consts::PI);
            let angle = b.apply_own(Op::Mul, &[*x, pi])?;
            let sine = b.apply_own(Op::Sin, &[angle])?;
            b.apply_own(Op::Div, &[sine, angle])?
        }
        (CopysignByComparison, Op::Copysign, [x, y]) => {
            let zero = b.literal_like(*y, 0.0);
            let below = b.apply_own(Op::Lt, &[*y, zero])?;
            let positive = b.apply_own(Op::Abs, &[*x])?;
            let negative = b.apply_own(Op::Neg, &[positive])?;
            b.apply_own(Op::Select, &[below, negative, positive])?
        }
        _ => return Ok(None),
    };
    Ok(Some(new))
}

/// The logarithm of the sum of two exponentials.
fn by_exponentials(b: &mut Builder, operands: [NodeId; 2], exp: Op, log: Op) -> Result<NodeId> {
    let [x, y] = operands.map(|x| b.apply_own(exp, &[x]));
    let sum = b.apply_own(Op::Add, &[x?, y?])?;
    b.apply_own(log, &[sum])
}

fn same_type(b: &Builder, x: NodeId, y: NodeId) -> bool {
    b.graph().ty(x) == b.graph().ty(y)
}

/// The unsigned integer dtype with the width of a signed one.
fn unsigned(dtype: DType) -> DType {
    match dtype.size() {
        1 => DType::U8,
        2 => DType::U16,
        4 => DType::U32,
        _ => DType::U64,
    }
}

/// The wrong replacement of a conversion by a fault, if it has one.
fn conversion(fault: Fault, b: &mut Builder, x: NodeId, ty: Type) -> Result<Option<NodeId>> {
    let (from, to) = (b.graph().dtype(x), ty.dtype);
    let new = match fault {
        RoundTripDropped => match *b.graph().node(x) {
            Node::Convert(wide) if from != DType::Bool => wide,
            _ => return Ok(None),
        },
        RoundedToInteger if from.is_float() && to.is_int() => {
            let nearest = b.apply_own(Op::Rint, &[x])?;
            b.cast_own(nearest, to)
        }
        LowestBitIsTruth if from.is_int() && to == DType::Bool => {
            let one = b.literal_like(x, 1.0);
            let bit = b.apply_own(Op::BitAnd, &[x, one])?;
            b.cast_own(bit, to)
        }
        TruthOfWholePart if from.is_float() && to == DType::Bool => {
            let whole = b.cast_own(x, DType::I64);
            b.cast_own(whole, to)
        }
        ZeroExtended if from.is_signed_int() && from.size() < to.size() => {
            let extended = b.cast_own(x, unsigned(from));
            b.cast_own(extended, to)
        }
        WrappedNotSaturated if from.is_float() && to.is_int() && to.size() < 8 => {
            let wide = b.cast_own(x, DType::I64);
            b.cast_own(wide, to)
        }
        SignedU64 if from == DType::U64 && to.kind() == Kind::Float => {
            let signed = b.cast_own(x, DType::I64);
            b.cast_own(signed, to)
        }
        RoundedTwice if from == DType::I64 && to == DType::F32 => {
            let wide = b.cast_own(x, DType::F64);
            b.cast_own(wide, to)
        }
        _ => return Ok(None),
    };
    Ok(Some(new))
}

/// The wrong replacement of a constant by a fault, if it has one.
fn constant(fault: Fault, b: &mut Builder, bits: u64, dtype: DType) -> Option<NodeId> {
    let value = f64::from_bits(bits);
    let bits = match (fault, dtype) {
        (ShortConstant, DType::F64) => f64::from(value as f32).to_bits(),
        (NextConstant, DType::F64) if value.is_normal() => bits + 1,
        (NextConstant, DType::F32) if f32::from_bits(bits as u32).is_normal() => bits + 1,
        (PositiveConstant, DType::F64) if bits == (-0.0f64).to_bits() => 0,
        (PositiveConstant, DType::F32) if bits == u64::from((-0.0f32).to_bits()) => 0,
        _ => return None,
    };
    Some(b.literal(bits, dtype, false))
}

/// A plan with the error of the enabled fault.
pub fn planned(mut plan: Plan) -> Plan {
    plan.passes.iter_mut().for_each(break_pass);
    let last = plan.passes.len().saturating_sub(1);
    if last > 0 && injected(PassesSwapped) {
        plan.passes.swap(last - 1, last);
        (last - 1..=last).for_each(|number| plan.passes[number].group = number as u32);
    }
    plan
}

/// Introduces the error of the enabled fault into a pass.
fn break_pass(pass: &mut Pass) {
    let alike = |i: usize, j: usize| {
        let (x, y) = (&pass.loads[i], &pass.loads[j]);
        let inputs = matches!((x.array, y.array), (Array::Input(_), Array::Input(_)));
        let plain = x.views.is_empty() && y.views.is_empty();
        inputs && plain && (x.dtype, x.domain) == (y.dtype, y.domain)
    };
    let pairs = (1..pass.loads.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
    if let Some((i, j)) = { pairs }.find(|(i, j)| alike(*i, *j))
        && injected(LoadsSwapped)
    {
        pass.loads.swap(i, j);
    }
    if let Some(load) = pass.loads.iter_mut().find(|load| !load.views.is_empty())
        && injected(ViewForgotten)
    {
        load.views.pop();
    }
    let dtype = |store: &Store| pass.body.dtype(store.value);
    let same = pass.stores.windows(2).position(|pair| dtype(&pair[0]) == dtype(&pair[1]));
    if let Some(first) = same
        && injected(OutputsSwapped)
    {
        let (one, other) = (pass.stores[first].to, pass.stores[first + 1].to);
        pass.stores[first].to = other;
        pass.stores[first + 1].to = one;
    }
}
