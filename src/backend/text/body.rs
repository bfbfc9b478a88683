//! The body of a pass as statements: one for each value, and one for each store.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hotloop_runtime::block::DIVIDE_BY_ZERO;
use hotloop_runtime::isa::Isa;

use super::{Carried, MOST_SHARED, Text, math};
use crate::backend::Refusal;
use crate::ops::Op;
use crate::plan::{Pass, Value};

/// Writes the statements of a pass.
///
/// # Errors
/// [`Refusal::Unsupported`] for a scan, [`Refusal::Bug`] for an operation without a form.
pub fn write(pass: &Pass) -> Result<Text, Refusal> {
    let mut body = String::new();
    let (mut uniforms, mut functions) = (BTreeSet::new(), BTreeSet::new());
    let name = |value: u32| match pass.body.value(value) {
        Value::Uniform(number) => format!("u.c{number}"),
        _ => format!("v{value}"),
    };
    for (number, (value, dtype)) in pass.body.values().iter().enumerate() {
        let made = match value {
            Value::Uniform(uniform) => {
                uniforms.insert((*uniform, *dtype));
                continue;
            }
            Value::Load(load) => format!("hl_load<{dtype}>(a{load})"),
            Value::Convert(x) => format!("hl_to<{dtype}>({})", name(*x)),
            Value::Along(..) => return Err(Refusal::Unsupported("scans")),
            Value::Apply(op, _) => {
                let operands = value.operands();
                let taken = pass.body.operand_dtype(operands);
                if op.kernel(taken, Isa::Baseline).is_none() {
                    return Err(Refusal::Bug(format!("{op:?} of {taken} in a body")));
                }
                if let Some(function) = math::function(*op) {
                    functions.insert((function, taken));
                }
                if op.may_flag() && taken.is_int() {
                    let divisor = operands.last().copied().unwrap_or_default();
                    raise(&mut body, &name(divisor));
                }
                let words: Vec<String> = operands.iter().map(|x| name(*x)).collect();
                format!("{}({})", called(*op)?, words.join(", "))
            }
        };
        let _ = writeln!(body, "  const {dtype} v{number} = {made};");
    }
    for (number, store) in pass.stores.iter().enumerate() {
        let (to, dtype) = (pass.loads.len() + number, pass.body.dtype(store.value));
        let _ = writeln!(body, "  hl_store<{dtype}>(a{to}, {});", name(store.value));
    }
    let mut carries = Vec::with_capacity(pass.carries.len());
    for (number, carry) in pass.carries.iter().enumerate() {
        let _ = writeln!(body, "  r{number} = {};", name(carry.value));
        carries.push(Carried { reduction: carry.reduction, dtype: pass.body.dtype(carry.value) });
    }
    if carries.iter().map(Carried::bytes).sum::<usize>() > MOST_SHARED {
        return Err(Refusal::TooLarge);
    }
    let mut sizes: Vec<usize> = carries.iter().filter_map(Carried::rounds).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let accumulators = match sizes[..] {
        [] | [8] => 32,
        [_] => 64,
        _ => return Err(Refusal::Unsupported("reductions of different widths in one pass")),
    };
    let operands = [pass.loads.len(), pass.stores.len()];
    let uniforms = uniforms.into_iter().collect();
    Ok(Text { body, uniforms, operands, carries, accumulators, functions })
}

/// Raises the flag of a division by zero.
fn raise(body: &mut String, divisor: &str) {
    let _ = writeln!(body, "  if ({divisor} == 0) raised |= {DIVIDE_BY_ZERO};");
}

/// The name of the function of an operation, overloaded by dtype.
pub(super) fn called(op: Op) -> Result<String, Refusal> {
    if let Some(name) = math::function(op) {
        return Ok(format!("m_{name}"));
    }
    let name = match op {
        Op::Add => "add",
        Op::Sub => "sub",
        Op::Mul => "mul",
        Op::Div => "div",
        Op::FloorDiv => "floor_div",
        Op::Rem => "rem",
        Op::Fmod => "fmod",
        Op::IntegerPower => "pow",
        Op::Neg => "neg",
        Op::Abs => "abs",
        Op::Lt => "lt",
        Op::Le => "le",
        Op::Eq => "eq",
        Op::Ne => "ne",
        Op::BitAnd => "bit_and",
        Op::BitOr => "bit_or",
        Op::BitXor => "bit_xor",
        Op::BitNot => "bit_not",
        Op::Shl => "shl",
        Op::Shr => "shr",
        Op::Select => "select",
        Op::Sqrt => "sqrt",
        Op::Fma => "fma",
        Op::Floor => "floor",
        Op::Ceil => "ceil",
        Op::Trunc => "trunc",
        Op::Rint => "rint",
        Op::Fraction => "fraction",
        Op::Mantissa => "mantissa",
        Op::BinaryExponent => "exponent",
        Op::Ldexp => "ldexp",
        Op::Gcd => "gcd",
        Op::Lcm => "lcm",
        Op::SetBits => "set_bits",
        Op::Copysign => "copysign",
        Op::Nextafter => "nextafter",
        Op::Signbit => "signbit",
        Op::Minimum => "minimum",
        Op::Maximum => "maximum",
        _ => return Err(Refusal::Bug(format!("{op:?} has no text"))),
    };
    Ok(format!("hl_{name}"))
}
