//! The cost of a tile's code, which depends on the width of its vectors.
//!
//! Only the choice of the number of threads depends on it, for which a factor of two is close enough.
//! Times are nanoseconds on the machine for which the table's costs were measured;
//! `runtime/src/threads/wake_policy.rs` scales them to the machine that runs.

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;

use super::tile::{Instr, Place, Step, TileProgram};
use crate::ops::Op;

/// The time of a simple instruction on a vector of any width, in nanoseconds: two start in a cycle.
const INSTRUCTION: f32 = 0.15;
/// The cost in the table of an operation that is one instruction.
const SIMPLE: f32 = 0.15;
/// The ratio of costs within a tile to the table's, which include the loads and stores of an
/// operation on its own.
const WITHIN: f32 = 0.31;
/// The time of a byte that a conversion reads or writes, in nanoseconds.
const CONVERTED: f32 = 0.004;

/// The time of an element of a tile with its operands in L1, in nanoseconds. Loops have vectors of
/// `bits` bits; block kernels are those of `isa`.
pub fn cost(program: &TileProgram, bits: u32, isa: Isa) -> f32 {
    let step = |step: &Step| match step {
        Step::Fused(lane, code) => {
            let lanes = bits as f32 / f32::from(*lane);
            code.iter().map(|instr| instruction(instr, lanes)).sum()
        }
        Step::Block(op, dtype, ..) => kernel(*op, *dtype, isa),
        // The second result takes little longer than the first.
        Step::Pair([op, _], dtype, ..) => 1.3 * kernel(*op, *dtype, isa),
        Step::Convert(from, to, ..) => CONVERTED * bytes(*from, *to),
    };
    program.steps.iter().map(step).sum()
}

/// The number of bytes that a conversion reads and writes for an element.
fn bytes(from: Lane, to: Lane) -> f32 {
    (from.bytes() + to.bytes()) as f32
}

/// The time of an instruction of a loop for an element, with `lanes` elements in a vector.
fn instruction(instr: &Instr, lanes: f32) -> f32 {
    let one = INSTRUCTION / lanes;
    match instr {
        Instr::Load(Place::Uniform(_), _) => 0.0,
        Instr::Load(..) => one,
        // Only one store starts in a cycle.
        Instr::Store(..) => 2.0 * one,
        Instr::Accumulate(_) | Instr::Convert(..) => 2.0 * one,
        // A high product, shifts and what corrects it; of 8 bits twice.
        Instr::ByConstant(Op::FloorDiv | Op::Rem, ..) => 10.0 * one,
        Instr::ByConstant(..) => 2.0 * one,
        // The divider processes elements one after another, whatever the width.
        Instr::Apply(Op::Div | Op::Sqrt, dtype, _) => match dtype.size() {
            8 => 0.6,
            _ => 0.2,
        },
        Instr::Apply(op, ..) => one * (op.row().cost / SIMPLE).max(1.0),
    }
}

/// The time of a block kernel for an element.
fn kernel(op: Op, dtype: DType, isa: Isa) -> f32 {
    let row = op.row();
    // Only math functions have larger errors; the table has their costs in f64 with AVX-512.
    if row.ulp <= 0.5 {
        return row.cost * WITHIN;
    }
    let of_isa = match isa {
        Isa::Avx512 => 1.0,
        Isa::Avx2 => 2.0,
        // Fused multiply-adds are computed in software.
        _ => 100.0,
    };
    let of_dtype = if dtype.size() < 8 { 0.4 } else { 1.0 };
    row.cost * WITHIN * of_isa * of_dtype
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fused(lane: u8, code: Vec<Instr>) -> TileProgram {
        TileProgram {
            steps: vec![Step::Fused(lane, code)],
            inputs: 1,
            outputs: 1,
            slots: 0,
            carries: Vec::new(),
            scans: Vec::new(),
            repeated: Vec::new(),
        }
    }

    #[test]
    fn wider_vectors_cost_less_but_for_divisions() {
        let add = |dtype: DType, op| {
            let lane = Lane::Value(dtype);
            let code = vec![
                Instr::Load(Place::Input(0), lane),
                Instr::Apply(op, dtype, [0, 0, 0]),
                Instr::Store(Place::Output(0), 1),
            ];
            fused(dtype.bits() as u8, code)
        };
        let sum = add(DType::F64, Op::Add);
        let [narrow, wide] = [128, 512].map(|bits| cost(&sum, bits, Isa::Avx512));
        assert_eq!(narrow, 4.0 * wide);
        assert_eq!(cost(&add(DType::F32, Op::Add), 256, Isa::Avx2), wide);
        let quotient = add(DType::F64, Op::Div);
        let [narrow, wide] = [128, 512].map(|bits| cost(&quotient, bits, Isa::Avx512));
        assert!(wide > 0.6 && narrow < 1.4 * wide, "{narrow} and {wide}");
    }

    #[test]
    fn math_functions_depend_on_the_instruction_set() {
        let sine = |isa| kernel(Op::Sin, DType::F64, isa);
        assert!(sine(Isa::Avx512) > 0.3 && sine(Isa::Avx512) < 1.5);
        assert_eq!(sine(Isa::Avx2), 2.0 * sine(Isa::Avx512));
        let shift = |isa| kernel(Op::Gcd, DType::I64, isa);
        assert_eq!(shift(Isa::Avx2), shift(Isa::Avx512));
    }
}
