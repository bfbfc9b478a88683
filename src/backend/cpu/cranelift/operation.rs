//! Instructions of operations on vectors.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use hotloop_runtime::dtype::DType;

use super::{Compiler, bug};
use crate::backend::Refusal;
use crate::ops::Op;

impl Compiler<'_, '_> {
    /// The mask of x < y of integers.
    fn int_less(&mut self, dtype: DType, x: Value, y: Value) -> Value {
        if dtype != DType::U64 {
            let signed = dtype.is_signed_int();
            let cc = if signed { IntCC::SignedLessThan } else { IntCC::UnsignedLessThan };
            return self.b.ins().icmp(cc, x, y);
        }
        // x86 only compares 64-bit lanes as signed numbers: subtract half of the range from both.
        let half = self.b.ins().iconst(types::I64, i64::MIN);
        let half = self.b.ins().splat(types::I64X2, half);
        let (x, y) = (self.b.ins().bxor(x, half), self.b.ins().bxor(y, half));
        self.b.ins().icmp(IntCC::SignedLessThan, x, y)
    }

    /// The result of an operation on operands of a dtype.
    pub(super) fn operation(
        &mut self,
        op: Op,
        dtype: DType,
        args: &[Value],
    ) -> Result<Value, Refusal> {
        let float = dtype.is_float();
        Ok(match (op, args) {
            (Op::Add, &[x, y]) if float => self.b.ins().fadd(x, y),
            (Op::Add, &[x, y]) => self.b.ins().iadd(x, y),
            (Op::Sub, &[x, y]) if float => self.b.ins().fsub(x, y),
            (Op::Sub, &[x, y]) => self.b.ins().isub(x, y),
            (Op::Mul, &[x, y]) if float => self.b.ins().fmul(x, y),
            (Op::Mul, &[x, y]) => self.b.ins().imul(x, y),
            (Op::Div, &[x, y]) => self.b.ins().fdiv(x, y),
            (Op::Fma, &[x, y, z]) => self.b.ins().fma(x, y, z),
            (Op::Sqrt, &[x]) => self.b.ins().sqrt(x),
            (Op::Floor, &[x]) => self.b.ins().floor(x),
            (Op::Ceil, &[x]) => self.b.ins().ceil(x),
            (Op::Trunc, &[x]) => self.b.ins().trunc(x),
            (Op::Rint, &[x]) => self.b.ins().nearest(x),
            (Op::Neg, &[x]) if float => self.b.ins().fneg(x),
            (Op::Neg, &[x]) => self.b.ins().ineg(x),
            (Op::Abs, &[x]) if float => self.b.ins().fabs(x),
            (Op::Abs, &[x]) if dtype.is_signed_int() => self.b.ins().iabs(x),
            (Op::Abs, &[x]) => x,
            (Op::BitAnd, &[x, y]) => self.b.ins().band(x, y),
            (Op::BitOr, &[x, y]) => self.b.ins().bor(x, y),
            (Op::BitXor, &[x, y]) => self.b.ins().bxor(x, y),
            (Op::BitNot, &[x]) => self.b.ins().bnot(x),
            (Op::Minimum, &[x, y]) if float => self.b.ins().fmin(x, y),
            (Op::Maximum, &[x, y]) if float => self.b.ins().fmax(x, y),
            (Op::Minimum, &[x, y]) => {
                let less = self.int_less(dtype, x, y);
                self.b.ins().bitselect(less, x, y)
            }
            (Op::Maximum, &[x, y]) => {
                let less = self.int_less(dtype, x, y);
                self.b.ins().bitselect(less, y, x)
            }
            (Op::Lt | Op::Le | Op::Eq | Op::Ne, &[x, y]) if float => {
                let cc = match op {
                    Op::Lt => FloatCC::LessThan,
                    Op::Le => FloatCC::LessThanOrEqual,
                    Op::Eq => FloatCC::Equal,
                    _ => FloatCC::NotEqual,
                };
                self.b.ins().fcmp(cc, x, y)
            }
            (Op::Lt, &[x, y]) => self.int_less(dtype, x, y),
            (Op::Le, &[x, y]) => {
                let greater = self.int_less(dtype, y, x);
                self.b.ins().bnot(greater)
            }
            (Op::Eq, &[x, y]) => self.b.ins().icmp(IntCC::Equal, x, y),
            (Op::Ne, &[x, y]) => self.b.ins().icmp(IntCC::NotEqual, x, y),
            (Op::Select, &[condition, x, y]) => {
                let ty = self.b.func.dfg.value_type(x);
                let condition = self.cast(condition, ty);
                self.b.ins().bitselect(condition, x, y)
            }
            _ => return Err(bug(format_args!("{op:?} of {dtype} has no vector form"))),
        })
    }
}
