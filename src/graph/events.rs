//! Events: where conditions held, as functions along an axis.
//!
//! Rows are numbered from 1 on. The latest row that is true is the running greatest of their numbers,
//! where 0 stands for none.

use hotloop_runtime::dtype::DType;
use hotloop_runtime::scan::Attributes;

use super::{Builder, NodeId, Op, type_error};
use crate::error::Error;

type Result<T> = std::result::Result<T, Error>;

/// The largest `nth`: each one before the latest takes a scan and a shift.
const MOST: i64 = 16;

impl Builder {
    /// The rows since a condition was true or false, or whether there are enough of them.
    pub(super) fn event(
        &mut self,
        op: Op,
        condition: NodeId,
        constants: &[NodeId],
        axis: i64,
    ) -> Result<NodeId> {
        let rows = match constants.first() {
            Some(rows) => self.whole(op, "rows", *rows, 1..=i64::from(u32::MAX))?,
            None => 0,
        };
        let truth = self.truth(condition)?;
        let number = self.convert(truth, DType::I64);
        let one = self.filled(number, 1.0)?;
        let number = self.along_own(Op::Cumsum, &[one], axis)?;
        let zero = self.literal_like(number, 0.0);
        let marked = match op {
            Op::Since | Op::AnyWithin => self.apply_own(Op::Select, &[truth, number, zero])?,
            _ => self.apply_own(Op::Select, &[truth, zero, number])?,
        };
        let latest = self.along_own(Op::Cummax, &[marked], axis)?;
        let rows_since = self.apply_own(Op::Sub, &[number, latest])?;
        let rows = self.weak_int(rows);
        let some = self.apply_own(Op::Lt, &[zero, latest])?;
        match op {
            Op::Since => {
                let none = self.literal_like(number, -1.0);
                self.apply_own(Op::Select, &[some, rows_since, none])
            }
            Op::AnyWithin => {
                let near = self.apply_own(Op::Lt, &[rows_since, rows])?;
                self.apply_own(Op::BitAnd, &[some, near])
            }
            Op::AllWithin => self.apply_own(Op::Le, &[rows, rows_since]),
            _ => Ok(rows_since),
        }
    }

    /// The element at the latest row that is true, or at an earlier one, of constants condition and
    /// nth.
    pub(super) fn last(
        &mut self,
        x: NodeId,
        [condition, nth]: [NodeId; 2],
        axis: i64,
    ) -> Result<NodeId> {
        let nth = self.whole(Op::Last, "nth", nth, 1..=MOST)?;
        if self.graph.ty(condition).weak {
            let error = type_error("last: `condition` is an array");
            return Err(error.hint("to repeat the latest element that is not NaN, use ffill"));
        }
        let x = self.real(x);
        let dtype = self.graph.dtype(x);
        let truth = self.truth(condition)?;
        let marks = self.convert(truth, dtype);
        let (x, marks) = (self.spread(marks, x)?, self.spread(x, marks)?);
        let mut latest = self.pairs(Op::Hold, [x, marks], Attributes::None, axis)?;
        let one = self.weak_int(1);
        for _ in 1..nth {
            let before = self.before(Op::Last, latest, one, axis)?;
            latest = self.pairs(Op::Hold, [before, marks], Attributes::None, axis)?;
        }
        Ok(latest)
    }
}
