//! Operations on weak constants, which are computed at once.

use hotloop_runtime::dtype::DType;

use super::{Builder, NodeId, Op, type_error};
use crate::error::Error;
use crate::weak::{compute_weak, does_not_fit, exact};

impl Builder {
    /// Adds a typed operation; operations on weak constants are computed at once, exactly.
    pub(super) fn apply_folded(
        &mut self,
        op: Op,
        operands: &[NodeId],
        dtype: DType,
    ) -> Result<NodeId, Error> {
        // Once typed, some names mean what another operation does.
        let twice = [operands[0]; 2];
        let (op, operands) = match (op, operands) {
            (Op::And, _) => (Op::BitAnd, operands),
            (Op::Or, _) => (Op::BitOr, operands),
            (Op::Not, _) => (Op::BitNot, operands),
            (Op::Square, _) => (Op::Mul, &twice[..]),
            _ => (op, operands),
        };
        let weak = operands.iter().all(|x| self.graph.ty(*x).weak);
        if weak {
            let integers = operands.iter().map(|x| self.graph.weak_integer(*x));
            if let Some(integers) = integers.collect::<Option<Vec<i128>>>()
                && let Some(value) = self.fold_integers(op, operands, &integers, dtype)?
            {
                return Ok(value);
            }
            if let Some(value) = operands.iter().find_map(|x| self.wide(*x)) {
                return Err(does_not_fit(value, DType::I64).hint("write it as a float"));
            }
            let bits: Option<Vec<u64>> = operands.iter().map(|x| self.graph.constant(*x)).collect();
            if let Some(bits) = bits {
                let operand = self.graph.dtype(operands[operands.len() - 1]);
                if let Some((value, 0)) = compute_weak(op, operand, &bits)? {
                    return Ok(self.literal(value, dtype, true));
                }
            }
        }
        Ok(self.apply_typed(op, operands, dtype))
    }

    /// An operation on weak integers, exact. `None` leaves it to the kernel.
    fn fold_integers(
        &mut self,
        op: Op,
        operands: &[NodeId],
        integers: &[i128],
        dtype: DType,
    ) -> Result<Option<NodeId>, Error> {
        if let (Op::Select, [condition, ..]) = (op, integers) {
            return Ok(Some(operands[if *condition != 0 { 1 } else { 2 }]));
        }
        if operands.iter().any(|x| self.graph.dtype(*x) != DType::I64) {
            return Ok(None);
        }
        Ok(match exact(op, integers) {
            None => None,
            Some(Some(value)) if dtype == DType::Bool => Some(self.weak_bool(value != 0)),
            Some(Some(value)) => Some(self.weak_int(value)),
            Some(None) => {
                return Err(type_error("the value does not fit 127 bits")
                    .hint("write floats where numbers are so large"));
            }
        })
    }
}
