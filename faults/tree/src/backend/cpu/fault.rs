//! Seeded miscompiles of lowered passes for `tests/miscompile.rs`; see `crate::fault`.

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::fault::Fault::*;
use hotloop_runtime::fault::injected;

use super::tile::{Instr, Place, Step, TileProgram};

/// A lowered pass with the error of the enabled fault.
pub fn lowered(mut program: TileProgram, uniforms: u32) -> TileProgram {
    let steps = &mut program.steps[..];
    for step in steps.iter_mut() {
        match step {
            Step::Fused(_, code) => break_loop(code, uniforms),
            Step::Pair(_, _, _, outs) if injected(PairSwapped) => outs.swap(0, 1),
            Step::Convert(Lane::Value(DType::Bool), Lane::Value(DType::Bool), from, to)
                if injected(TruthsCopied) =>
            {
                let lane = Lane::Value(DType::Bool);
                *step = Step::Fused(8, vec![Instr::Load(*from, lane), Instr::Store(*to, 0)]);
            }
            Step::Convert(Lane::Mask(width), ..) if *width > 8 && injected(MaskHalfRead) => {
                *width /= 2;
            }
            _ => {}
        }
    }
    if let [.., first, second] = steps
        && injected(StepsSwapped)
    {
        std::mem::swap(first, second);
    }
    program
}

/// Introduces the error of the enabled fault into a loop.
fn break_loop(code: &mut Vec<Instr>, uniforms: u32) {
    for instr in &mut *code {
        if let Instr::Load(Place::Uniform(uniform), _) = instr
            && uniforms > 1
            && injected(UniformOfNeighbour)
        {
            *uniform = (*uniform + 1) % uniforms;
        }
    }
    let twice = code.windows(2).position(|pair| match pair {
        [Instr::Store(_, x), Instr::Store(_, y)] => x == y,
        _ => false,
    });
    // It is replaced by a copy of the first store, so that the numbers of values do not change.
    if let Some(first) = twice
        && injected(SecondStoreForgotten)
    {
        code[first + 1] = code[first].clone();
    }
}
