//! Advice for a number that does not fit the dtype of the other operand.

use super::{TermId, Terms};
use crate::error::Error;
use crate::graph::{Builder, NodeId};
use crate::ops::Op;

/// The maximum length of program text quoted in advice.
const LONGEST_ADVICE: usize = 40;

/// Whether a piece of the program is short enough to quote.
pub(super) fn is_short(text: &str) -> bool {
    text.len() <= LONGEST_ADVICE && !text.contains(['\n', '#'])
}

/// The literal with the bits of a negative number in an unsigned dtype.
fn same_bits(builder: &Builder, op: Op, operands: &[NodeId]) -> Option<String> {
    let graph = builder.graph();
    let number =
        operands.iter().find_map(|x| graph.weak_integer(*x).filter(|number| *number < 0))?;
    let dtype = operands.iter().map(|x| graph.ty(*x)).find(|ty| !ty.weak)?.dtype;
    if !dtype.is_int() || dtype.is_signed_int() {
        return None;
    }
    let bits = number + (1 << (8 * dtype.size()));
    let is_bitwise = matches!(op, Op::BitAnd | Op::BitOr | Op::BitXor) && bits >= 0;
    is_bitwise.then(|| format!("in {dtype} the bits of {number} are `{bits:#x}`"))
}

impl Terms {
    /// Adds advice to the error of a number that does not fit: how to write it, or how to widen the
    /// other operand.
    pub(super) fn advised(
        &self,
        error: Error,
        builder: &Builder,
        (op, args): (Op, &[TermId]),
        operands: &[NodeId],
    ) -> Error {
        if let Some(bits) = same_bits(builder, op, operands) {
            return error.hint(bits);
        }
        // The decimals of `round` are not promoted.
        if op == Op::Round {
            return error;
        }
        let Some((operand, dtype)) = builder.wider(operands) else { return error };
        let span = self.spans[args[operand].0 as usize];
        match self.source.get(span.range()) {
            Some(text) if is_short(text) => {
                error.hint(format!("convert the other operand to a wider dtype: `{dtype}({text})`"))
            }
            _ => error.hint(format!("convert the other operand to a wider dtype, {dtype}")),
        }
    }
}
