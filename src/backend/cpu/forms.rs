//! The operations that native loops have instructions for. Others call block kernels.

use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;

use crate::ops::Op;

/// Whether loops of 128 bits have instructions for an operation on operands of a dtype.
pub fn narrow(op: Op, dtype: DType, isa: Isa) -> bool {
    match op {
        Op::Add | Op::Sub | Op::Neg | Op::Abs | Op::Minimum | Op::Maximum => dtype != DType::Bool,
        Op::Lt | Op::Le | Op::Eq | Op::Ne => dtype != DType::Bool,
        Op::Mul => dtype != DType::Bool && dtype.size() > 1,
        Op::Div | Op::Sqrt | Op::Floor | Op::Ceil | Op::Trunc | Op::Rint => dtype.is_float(),
        // Without the instruction, fused operations are computed in software.
        Op::Fma => dtype.is_float() && isa >= Isa::Avx2,
        Op::BitAnd | Op::BitOr | Op::BitXor | Op::BitNot => !dtype.is_float(),
        Op::Select => true,
        _ => false,
    }
}

/// The same for loops of 256 and 512 bits.
pub fn wide(op: Op, dtype: DType, isa: Isa) -> bool {
    match op {
        Op::Mul => dtype != DType::Bool,
        // Counts for each element: of 32 and 64 bits, and of 16 bits with AVX-512.
        Op::Shl | Op::Shr => {
            let least = if isa >= Isa::Avx512 { 2 } else { 4 };
            dtype.is_int() && dtype.size() >= least
        }
        Op::Copysign | Op::Signbit => dtype.is_float(),
        _ => narrow(op, dtype, isa),
    }
}
