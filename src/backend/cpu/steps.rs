//! The code of the portable backend: the steps of a tile as calls of block kernels. It runs where
//! native code is not available, in tiles and on all threads like native code.

use hotloop_runtime::block::{BlockFn, PairFn};
use hotloop_runtime::cell::Cell;
use hotloop_runtime::convert::{Lane, convert};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::Reduction;
use hotloop_runtime::tile::{PortableTile, TileTable};

use super::tile::{Instr, Place, Step, TileProgram};
use crate::backend::{Form, Refusal, Target};
use crate::ops::Op;

/// The target of the portable backend: every operation is a call of a block kernel.
pub struct Kernels;

impl Target for Kernels {
    fn form(&self, _: Op, _: DType) -> Form {
        Form::Kernel
    }

    fn accumulates(&self, _: Reduction, _: Lane) -> bool {
        false
    }

    fn converts(&self, _: Lane, _: Lane) -> bool {
        false
    }
}

/// A call. Operands and results are indices of the tile's table.
enum Call {
    Kernel {
        kernel: BlockFn,
        operands: [Option<usize>; 3],
        result: usize,
    },
    Pair {
        kernel: PairFn,
        operand: usize,
        results: [usize; 2],
    },
    /// A copy of an array's elements of `size` bytes.
    Copy {
        from: usize,
        to: usize,
        size: usize,
    },
    /// Copies of a uniform in elements of `size` bytes.
    Fill {
        uniform: usize,
        to: usize,
        size: usize,
    },
}

/// The calls of a tile.
pub struct Steps(Vec<Call>);

impl Steps {
    /// The calls of a program that is lowered for [`Kernels`].
    ///
    /// # Errors
    /// [`Refusal::Bug`] for a step that has no kernel.
    pub fn new(program: &TileProgram, isa: Isa) -> Result<Steps, Refusal> {
        let bug = |what: String| Refusal::Bug(what);
        let index = |place: &Place| match place {
            Place::Uniform(_) => Err(bug(format!("{place} as an array"))),
            _ => program.index(*place).ok_or_else(|| bug(format!("{place} does not exist"))),
        };
        let call = |step: &Step| match step {
            Step::Block(op, dtype, args, out) => {
                let kernel = op.kernel(*dtype, isa);
                let kernel = kernel.ok_or_else(|| bug(format!("{op:?} has no {dtype} kernel")))?;
                let mut operands = [None; 3];
                for (to, place) in operands.iter_mut().zip(args) {
                    *to = Some(index(place)?);
                }
                Ok(Call::Kernel { kernel, operands, result: index(out)? })
            }
            Step::Pair(pair, dtype, arg, [first, second]) => {
                let kernel = Op::pair_kernel(*pair, *dtype, isa)
                    .ok_or_else(|| bug(format!("{pair:?} have no common {dtype} kernel")))?;
                let results = [index(first)?, index(second)?];
                Ok(Call::Pair { kernel, operand: index(arg)?, results })
            }
            Step::Convert(from, to, arg, out) => {
                let kernel = convert(*from, *to, isa)
                    .ok_or_else(|| bug(format!("no conversion {from:?} to {to:?}")))?;
                let operands = [Some(index(arg)?), None, None];
                Ok(Call::Kernel { kernel, operands, result: index(out)? })
            }
            Step::Fused(_, code) => match code[..] {
                [Instr::Load(Place::Uniform(uniform), lane), Instr::Store(to, 0)] => {
                    let to = index(&to)?;
                    Ok(Call::Fill { uniform: uniform as usize, to, size: lane.bytes() })
                }
                [Instr::Load(from, Lane::Value(dtype)), Instr::Store(to, 0)] => {
                    Ok(Call::Copy { from: index(&from)?, to: index(&to)?, size: dtype.size() })
                }
                _ => Err(bug("a native loop in a portable tile".to_string())),
            },
        };
        program.steps.iter().map(call).collect::<Result<_, _>>().map(Steps)
    }
}

impl PortableTile for Steps {
    unsafe fn run(&self, table: *const *mut u8, n: usize) -> u32 {
        // SAFETY: `new` took every index from the layout of the table that the caller provides.
        let at = |index: usize| unsafe { *table.add(index) };
        let mut flags = 0;
        for call in &self.0 {
            match *call {
                Call::Kernel { kernel, operands, result } => {
                    let [a, b, c] =
                        operands.map(|x| x.map_or(std::ptr::null(), |x| at(x).cast_const()));
                    // SAFETY: arrays and slots have `n` elements, by the caller's promise.
                    flags |= unsafe { kernel(at(result), a, b, c, n) };
                }
                Call::Pair { kernel, operand, results: [first, second] } => {
                    // SAFETY: as above.
                    unsafe { kernel(at(first), at(second), at(operand), n) };
                }
                Call::Copy { from, to, size } => {
                    // SAFETY: as above; an output that equals an input exactly may overlap it.
                    unsafe { std::ptr::copy(at(from), at(to), n * size) };
                }
                Call::Fill { uniform, to, size } => {
                    // SAFETY: as above; the first entry points to the cells of all uniforms.
                    unsafe {
                        let cell = *at(TileTable::UNIFORMS).cast::<Cell>().add(uniform);
                        fill(at(to), cell, size, n);
                    }
                }
            }
        }
        flags
    }
}

/// Writes `n` copies of the first `size` bytes of a cell.
///
/// # Safety
/// There is room for them.
unsafe fn fill(to: *mut u8, cell: Cell, size: usize, n: usize) {
    let bits = cell.bits(size);
    // SAFETY: the caller's promise; no pointer need be aligned.
    unsafe {
        match size {
            1 => to.write_bytes(bits as u8, n),
            2 => (0..n).for_each(|i| to.cast::<u16>().add(i).write_unaligned(bits as u16)),
            4 => (0..n).for_each(|i| to.cast::<u32>().add(i).write_unaligned(bits as u32)),
            _ => (0..n).for_each(|i| to.cast::<u64>().add(i).write_unaligned(bits)),
        }
    }
}
