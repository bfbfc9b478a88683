//! The operations that native loops have instructions for. All others are calls of block kernels.

use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;

use crate::ops::Op;

/// Whether loops over 128-bit vectors have instructions for an operation on operands of a dtype.
pub fn narrow(op: Op, dtype: DType, isa: Isa) -> bool {
    match op {
        Op::Add | Op::Sub | Op::Neg | Op::Abs | Op::Minimum | Op::Maximum => dtype != DType::Bool,
        Op::Lt | Op::Le | Op::Eq | Op::Ne => dtype != DType::Bool,
        Op::Mul => dtype != DType::Bool && dtype.size() > 1,
        Op::Div | Op::Sqrt | Op::Floor | Op::Ceil | Op::Trunc | Op::Rint => dtype.is_float(),
        // Machines without the instruction compute it in software, in a block kernel.
        Op::Fma => dtype.is_float() && isa >= Isa::Avx2,
        Op::BitAnd | Op::BitOr | Op::BitXor | Op::BitNot => !dtype.is_float(),
        Op::Select => true,
        _ => false,
    }
}

/// Whether loops over 256-bit and 512-bit vectors have instructions for an operation on operands of
/// a dtype.
pub fn wide(op: Op, dtype: DType, isa: Isa) -> bool {
    match op {
        Op::Mul => dtype != DType::Bool,
        // Shifts by a count for each lane exist for 32 and 64 bits, with AVX-512 for 16 bits too.
        Op::Shl | Op::Shr => {
            let least = if isa >= Isa::Avx512 { 2 } else { 4 };
            dtype.is_int() && dtype.size() >= least
        }
        Op::Copysign | Op::Signbit => dtype.is_float(),
        _ => narrow(op, dtype, isa),
    }
}
