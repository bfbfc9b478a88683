//! Plan and actual arrays to [`Schedule`]: made once for a set of arguments, run many times.
//!
//! Here shapes, strides and overlaps are known: each stage becomes a loop of the executor,
//! inputs that an output overlaps are staged or copied, uniform values are put in their cells.

use std::sync::Arc;

use hotloop_runtime::dtype::DType;
use hotloop_runtime::executor::{Cell, Control, Loop, OutOfMemory, Pool, Progress, Stream, Tile};
use hotloop_runtime::strided::{broadcast_strides, byte_span, gather};
use hotloop_runtime::view::View;

use crate::backend::cranelift::NativeTile;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::interp::{
    Call, Operand, allocate, c_strides, domain_shape, element_count, stopped, weak_values,
};
use crate::plan::{Plan, Source, Target};

/// A plan with its code.
pub struct Compiled {
    /// The optimized graph, whose weak part is computed when arguments are bound.
    pub graph: Graph,
    /// The plan.
    pub plan: Plan,
    /// The code of each stage.
    pub tiles: Vec<Arc<NativeTile>>,
}

/// A compiled program bound to its arrays.
pub struct Schedule {
    compiled: Arc<Compiled>,
    /// Read by the loops through their tables, so never moved.
    cells: Box<[Cell]>,
    loops: Vec<Loop>,
    /// Where stages over one element leave their outputs: one word a cell.
    landing: Box<[u64]>,
    /// Scalar inputs that are read at each run, with their cells.
    scalars: Vec<(usize, View)>,
    /// Scalar outputs, with their cells.
    outputs: Vec<(usize, View)>,
    /// Inputs that an output overlaps, and their copies, made at each run.
    copies: Copies,
}

fn out_of_memory(OutOfMemory(bytes): OutOfMemory) -> Error {
    Error::new(ErrorKind::OutOfMemory, format!("cannot allocate {bytes} bytes of scratch"))
}

fn cell(bits: u64, dtype: DType) -> Cell {
    if dtype == DType::Bool {
        Cell::mask(bits & 0xff != 0)
    } else {
        Cell::splat(bits, dtype.size())
    }
}

/// How an input and an output lie to each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Overlap {
    /// No byte in common.
    Apart,
    /// The same elements at the same places.
    Same,
    /// Anything else.
    Partial,
}

/// Whether two arrays may have a byte in common: their spans meet, and no common divisor of all
/// strides keeps them apart.
pub fn may_overlap(a: &View, b: &View) -> bool {
    let span = |v: &View| byte_span(&v.shape, &v.strides, v.dtype.size());
    let (Some((a_low, a_high)), Some((b_low, b_high))) = (span(a), span(b)) else { return true };
    if a_low == a_high || b_low == b_high {
        return false;
    }
    let (a_at, b_at) = (a.pointer as isize, b.pointer as isize);
    if a_at + a_high <= b_at + b_low || b_at + b_high <= a_at + a_low {
        return false;
    }
    let steps = |v: &View| -> Vec<usize> {
        let axes = v.shape.iter().zip(&v.strides).filter(|(extent, _)| **extent > 1);
        axes.map(|(_, stride)| stride.unsigned_abs()).collect()
    };
    let divisor = steps(a).into_iter().chain(steps(b)).fold(0, gcd);
    if divisor == 0 {
        return true;
    }
    let offset = (b_at - a_at).rem_euclid(divisor as isize) as usize;
    offset < a.dtype.size() || offset + b.dtype.size() > divisor
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn overlap(input: &View, output: &View) -> Overlap {
    if !may_overlap(input, output) {
        return Overlap::Apart;
    }
    let same = input.pointer == output.pointer
        && input.shape == output.shape
        && input.strides == output.strides
        && input.dtype.size() == output.dtype.size();
    if same { Overlap::Same } else { Overlap::Partial }
}

impl Schedule {
    /// Binds a compiled program to a call's arrays.
    ///
    /// # Errors
    /// `Shape`, `Type` (weak numbers), `OutOfMemory`.
    pub fn new(compiled: &Arc<Compiled>, call: &Call<'_>, pool: &Pool) -> Result<Schedule> {
        let Compiled { graph, plan, tiles } = &**compiled;
        let weak = if plan.cells.iter().any(|c| matches!(c.source, Source::Weak(_))) {
            weak_values(graph, call)?.0
        } else {
            Vec::new()
        };
        let mut cells = vec![Cell::default(); plan.cells.len().max(1)].into_boxed_slice();
        let mut scalars = Vec::new();
        for (i, planned) in plan.cells.iter().enumerate() {
            let bits = match planned.source {
                Source::Constant(bits) => bits,
                Source::Weak(id) => {
                    weak[id.index()].ok_or_else(|| Error::internal("a weak value without one"))?
                }
                Source::Size(domain) => element_count(&domain_shape(domain, call.shapes)?)? as u64,
                Source::Input(number) => match &call.operands[number as usize] {
                    Operand::Scalar(bits) => *bits,
                    Operand::Array(view) => {
                        scalars.push((i, view.clone()));
                        0
                    }
                },
                Source::Stage => 0,
            };
            cells[i] = cell(bits, planned.dtype);
        }
        let mut landing = vec![0u64; plan.cells.len()].into_boxed_slice();
        let (inputs, copies) = separated_inputs(plan, call)?;

        let mut loops = Vec::with_capacity(plan.stages.len());
        for (stage, code) in plan.stages.iter().zip(tiles) {
            let shape = domain_shape(stage.domain, call.shapes)?;
            let mut streams = Vec::with_capacity(stage.inputs.len());
            for number in &stage.inputs {
                let Some((view, staged)) = &inputs[*number as usize] else {
                    return Err(Error::internal("a stage reads a scalar as an array"));
                };
                let strides = broadcast_strides(&view.shape, &view.strides, &shape)
                    .ok_or_else(|| Error::internal("an input does not broadcast to its stage"))?;
                let view = View { shape: shape.clone(), strides: strides.into(), ..view.clone() };
                streams.push(Stream { view, staged: *staged });
            }
            let outputs = stage.outputs.iter().map(|(target, dtype)| {
                let view = match target {
                    Target::Output(number) => call.outputs[*number as usize].clone(),
                    Target::Cell(cell) => {
                        let pointer = std::ptr::from_mut(&mut landing[*cell as usize]).cast();
                        View { pointer, dtype: *dtype, shape: Box::new([]), strides: Box::new([]) }
                    }
                };
                Stream { view, staged: false }
            });
            let tile = Tile {
                function: code.function(),
                block: code.block(),
                slots: stage.program.slots as usize,
                reducers: code.reducers(),
                cost: stage.cost,
            };
            loops.push(
                Loop::new(&tile, &shape, streams, outputs.collect(), cells.as_ptr(), pool)
                    .map_err(out_of_memory)?,
            );
        }
        let outputs = plan.outputs.iter().zip(call.outputs);
        let outputs =
            outputs.filter_map(|(o, view)| Some((o.cell? as usize, view.clone()))).collect();
        Ok(Schedule { compiled: compiled.clone(), cells, loops, landing, scalars, outputs, copies })
    }

    /// Runs the program; returns advisory flags. Allocates nothing.
    ///
    /// # Errors
    /// `Cancelled`.
    ///
    /// # Safety
    /// The arrays that the schedule was made for are still valid, and outputs writable.
    pub unsafe fn run(
        &mut self,
        pool: &Pool,
        control: &Control,
        progress: Option<&Progress>,
    ) -> Result<u32> {
        let plan = &self.compiled.plan;
        for (i, view) in &self.scalars {
            let dtype = plan.cells[*i].dtype;
            // SAFETY: the view has one element of its dtype.
            self.cells[*i] = cell(unsafe { read(view.pointer, dtype.size()) }, dtype);
        }
        for (view, copy) in &mut self.copies {
            let n = copy.len() / view.dtype.size();
            // SAFETY: the copy has room for the view's elements.
            unsafe {
                gather(
                    copy.as_mut_ptr(),
                    view.pointer,
                    &view.shape,
                    &view.strides,
                    view.dtype.size(),
                    0,
                    n,
                )
            };
        }
        let mut flags = 0;
        for (stage, work) in plan.stages.iter().zip(&mut self.loops) {
            // SAFETY: the streams are views of the call or the landing, both valid now; the tile
            // is the stage's own.
            flags |= unsafe { work.run(pool, control, progress) }.map_err(stopped)?;
            for (to, bits) in stage.results.iter().zip(work.results()) {
                self.cells[*to as usize] = cell(*bits, plan.cells[*to as usize].dtype);
            }
            for (target, dtype) in &stage.outputs {
                if let Target::Cell(to) = *target {
                    self.cells[to as usize] = cell(self.landing[to as usize], *dtype);
                }
            }
        }
        for (i, view) in &self.outputs {
            let size = view.dtype.size();
            let mut bytes = self.cells[*i].bits(size).to_le_bytes();
            if view.dtype == DType::Bool {
                bytes[0] &= 1;
            }
            // SAFETY: a scalar output's view has one element of this size.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), view.pointer, size) };
        }
        Ok(flags)
    }
}

/// # Safety
/// `size` bytes, at most 8, are readable at the pointer.
unsafe fn read(pointer: *const u8, size: usize) -> u64 {
    let mut bytes = [0; 8];
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy_nonoverlapping(pointer, bytes.as_mut_ptr(), size) };
    u64::from_le_bytes(bytes)
}

/// The inputs as the stages may read them: an array view and whether it must be staged.
type Inputs = Vec<Option<(View, bool)>>;

/// Inputs with their copies.
type Copies = Vec<(View, Vec<u8>)>;

/// Sees to it that no output is written over an input that is still to be read.
fn separated_inputs(plan: &Plan, call: &Call<'_>) -> Result<(Inputs, Copies)> {
    let mut inputs = Vec::with_capacity(call.operands.len());
    let mut copies: Copies = Vec::new();
    for (number, operand) in call.operands.iter().enumerate() {
        let Operand::Array(view) = operand else {
            inputs.push(None);
            continue;
        };
        let mut worst = Overlap::Apart;
        let others = if call.fresh { &[] } else { call.outputs };
        for (output, target) in others.iter().enumerate() {
            let mut found = overlap(view, target);
            if found == Overlap::Same && read_after(plan, number as u32, output as u32) {
                found = Overlap::Partial;
            }
            worst = worst.max(found);
        }
        if worst == Overlap::Partial {
            let n = element_count(&view.shape)?;
            let mut copy = allocate(n * view.dtype.size())?;
            let strides = c_strides(&view.shape, view.dtype.size());
            let own = View { pointer: copy.as_mut_ptr(), strides, ..view.clone() };
            copies.push((view.clone(), copy));
            inputs.push(Some((own, false)));
        } else {
            inputs.push(Some((view.clone(), worst == Overlap::Same)));
        }
    }
    Ok((inputs, copies))
}

/// Whether a stage after the one that writes the output, or one of another shape, reads the input.
fn read_after(plan: &Plan, input: u32, output: u32) -> bool {
    let writer = plan
        .stages
        .iter()
        .position(|s| s.outputs.iter().any(|(t, _)| *t == Target::Output(output)));
    let Some(writer) = writer else { return false };
    plan.stages[writer + 1..].iter().any(|s| s.inputs.contains(&input))
}
