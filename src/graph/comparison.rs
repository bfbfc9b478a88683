//! Comparisons, which are exact between all dtypes.

use std::cmp::Ordering;

use hotloop_runtime::dtype::DType;

use super::{Builder, NodeId, Op, Type};
use crate::error::Error;
use crate::promote::promote;
use crate::weak::{adopt_integer, compare_exactly};

impl Builder {
    pub(super) fn compare(&mut self, op: Op, x: NodeId, y: NodeId) -> Result<NodeId, Error> {
        let (tx, ty) = (self.graph.ty(x), self.graph.ty(y));
        // A weak integer beside strong integers compares exactly, whether or not it fits.
        if tx.weak != ty.weak && tx.dtype.is_int() && ty.dtype.is_int() {
            let (strong, value) = if tx.weak { (ty.dtype, x) } else { (tx.dtype, y) };
            match self.graph.weak_integer(value) {
                Some(integer) => {
                    if adopt_integer(integer, strong).is_err() {
                        let weak_is_less = integer < 0;
                        let other = if tx.weak { y } else { x };
                        return self.decided_comparison(op, weak_is_less == tx.weak, other);
                    }
                }
                None => {
                    let value = self.adopt(value, DType::I64)?;
                    let operands = if tx.weak { [value, y] } else { [x, value] };
                    return self.compare(op, operands[0], operands[1]);
                }
            }
        }
        if let Some(truth) = self.compare_constants(op, x, y) {
            return Ok(self.weak_bool(truth));
        }
        // Signed integers beside u64 meet in f64 in arithmetic, but compare exactly.
        let (strong, ints) = (!tx.weak && !ty.weak, tx.dtype.is_int() && ty.dtype.is_int());
        if strong && ints && promote(tx.dtype, ty.dtype).is_float() {
            return self.compare_with_u64(op, x, y, ty.dtype == DType::U64);
        }
        let (dtype, weak) = self.meet(&[x, y]);
        let operands = self.unify([x, y], dtype, weak)?;
        if dtype != DType::Bool {
            return self.apply_folded(op, &operands, DType::Bool);
        }
        // False is below True.
        let [x, y] = operands;
        match op {
            Op::Eq | Op::Ne => {
                let differ = self.apply_own(Op::BitXor, &[x, y])?;
                if op == Op::Ne { Ok(differ) } else { self.apply_own(Op::BitNot, &[differ]) }
            }
            _ => {
                let not_x = self.apply_own(Op::BitNot, &[x])?;
                self.apply_own(if op == Op::Lt { Op::BitAnd } else { Op::BitOr }, &[not_x, y])
            }
        }
    }

    /// A comparison of a weak integer to a weak float, both constants: exact, as Python's.
    fn compare_constants(&self, op: Op, x: NodeId, y: NodeId) -> Option<bool> {
        let float = |id: NodeId| {
            let Type { dtype: DType::F64, weak: true, .. } = self.graph.ty(id) else { return None };
            self.graph.constant(id).map(f64::from_bits)
        };
        let ordering = match (self.graph.weak_integer(x), self.graph.weak_integer(y)) {
            (Some(x), None) => compare_exactly(x, float(y)?),
            (None, Some(y)) => compare_exactly(y, float(x)?).map(Ordering::reverse),
            _ => return None,
        };
        Some(match op {
            Op::Lt => ordering == Some(Ordering::Less),
            Op::Le => ordering.is_some_and(Ordering::is_le),
            Op::Eq => ordering == Some(Ordering::Equal),
            _ => ordering != Some(Ordering::Equal),
        })
    }

    /// A comparison whose answer does not depend on the elements, but has the shape of `of`.
    fn decided_comparison(
        &mut self,
        op: Op,
        left_is_less: bool,
        of: NodeId,
    ) -> Result<NodeId, Error> {
        let answer = match op {
            Op::Eq => false,
            Op::Ne => true,
            _ => left_is_less,
        };
        self.apply_folded(if answer { Op::Eq } else { Op::Ne }, &[of, of], DType::Bool)
    }

    /// A signed integer beside a u64: below it if negative, else compared as a u64.
    fn compare_with_u64(
        &mut self,
        op: Op,
        x: NodeId,
        y: NodeId,
        signed_is_left: bool,
    ) -> Result<NodeId, Error> {
        let signed = if signed_is_left { x } else { y };
        let zero = self.literal(0, self.graph.dtype(signed), false);
        let negative = self.apply_own(Op::Lt, &[signed, zero])?;
        let unsigned = self.cast_own(signed, DType::U64);
        let operands = if signed_is_left { [unsigned, y] } else { [x, unsigned] };
        let exact = self.apply_folded(op, &operands, DType::Bool)?;
        let decided = self.decided_comparison(op, signed_is_left, signed)?;
        self.select(negative, decided, exact)
    }
}
