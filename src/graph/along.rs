//! Scans: typing.

use hotloop_runtime::dtype::DType;
use hotloop_runtime::reduce::Reduction;

use super::{Builder, Derivation, Node, NodeId, Op, Type, check_public, type_error};
use crate::error::{Error, ErrorKind};
use crate::ops::{Class, Rule};

impl Builder {
    /// Adds a scan along an axis; a negative one counts from the last. The result has the shape of
    /// the operand.
    ///
    /// ```
    /// use hotloop::graph::{ArgType, Builder, Op};
    /// use hotloop::DType;
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(ArgType::array(DType::I16));
    /// let sums = b.along(Op::Cumsum, x, 0)?;
    /// assert_eq!(b.graph().dtype(sums), DType::I64);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Type` for an operation that is no scan; `Shape` for an axis of a single number other than 0
    /// and -1; `Limit` for too many derived shapes; `Name` for a node of another builder.
    pub fn along(&mut self, op: Op, x: NodeId, axis: i64) -> Result<NodeId, Error> {
        self.check(&[x])?;
        check_public(op)?;
        if op.class() != Class::Along {
            return Err(type_error(format!("{} does not go along an axis", op.row().name)));
        }
        self.along_own(op, x, axis)
    }

    /// A scan of a node of this builder.
    pub(crate) fn along_own(&mut self, op: Op, x: NodeId, axis: i64) -> Result<NodeId, Error> {
        let given = self.graph.ty(x);
        let x = if given.weak { self.adopt(x, given.dtype)? } else { x };
        let dtype = match op.row().rule {
            Rule::RunningTotal => Reduction::Sum.result_dtype(given.dtype),
            // Bools compare as bytes.
            _ if given.dtype == DType::Bool => DType::U8,
            _ => given.dtype,
        };
        let x = self.convert(x, dtype);
        let domain = self.graph.ty(x).domain;
        if domain.is_scalar() {
            // As NumPy: a single number has the axes of an array of one axis.
            if !matches!(axis, 0 | -1) {
                let message = format!("axis {axis} is out of range for a single number");
                return Err(Error::new(ErrorKind::Shape, message));
            }
            return Ok(x);
        }
        let how = Derivation::Reduce { axes: Some([axis].into()), keepdims: false };
        let sequences = self.derived_number(domain, how)?;
        let result = self.add(Node::Along(op, x, sequences), Type { dtype, weak: false, domain });
        let truth = given.dtype == DType::Bool && op.row().rule == Rule::RunningExtreme;
        Ok(if truth { self.convert(result, DType::Bool) } else { result })
    }
}
