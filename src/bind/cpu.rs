//! From the bindings of a pass to a loop of the CPU's executor.

use hotloop_runtime::cell::Cell;
use hotloop_runtime::executor::{self, Fold, Loop};
use hotloop_runtime::isa::Isa;
use hotloop_runtime::memory::OutOfMemory;
use hotloop_runtime::nest::{self, Nest, Path};
use hotloop_runtime::pool::Pool;
use hotloop_runtime::reduce::{Reducer, Runs};
use hotloop_runtime::view::View;

use super::bindings::Bindings;
use crate::backend::cpu::Tile;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Pass;

/// What all loops of a plan share.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// The instruction set of kernels and accumulators.
    pub isa: Isa,
    /// The cells of the plan's uniforms.
    pub cells: *const Cell,
    /// The threads.
    pub pool: &'a Pool,
    /// Bytes that each loop over stores may keep.
    pub memory: usize,
    /// The number of loops.
    pub loops: usize,
    /// Elements of the largest pass of the group under way; 0 for a pass that runs alone.
    pub together: usize,
}

/// The loop of a pass: its nest follows the memory of what is written or, if it reduces, read.
///
/// # Errors
/// `OutOfMemory`.
pub fn bind(pass: &Pass, tile: &Tile, bindings: &Bindings, machine: &Machine<'_>) -> Result<Loop> {
    let Bindings { shape, mask, inputs, outputs, results, .. } = bindings;
    let reduces = !results.is_empty();
    // In the order of their weight for the nest.
    let mut views: Vec<&View> = Vec::with_capacity(inputs.len() + outputs.len() + results.len());
    match reduces {
        true => views.extend(inputs.iter().chain(outputs)),
        false => views.extend(outputs.iter().chain(inputs)),
    }
    views.extend(results);
    let operands: Vec<nest::Operand<'_>> = views
        .iter()
        .map(|view| nest::Operand { size: view.dtype.size(), strides: &view.strides })
        .collect();
    let (nest, mut paths) = match reduces {
        true => Nest::reduction(shape, mask, &operands),
        false => Nest::elementwise(shape, &operands),
    };
    let of_results = paths.split_off(inputs.len() + outputs.len());
    let second = paths.split_off(if reduces { inputs.len() } else { outputs.len() });
    let (of_inputs, of_outputs) = if reduces { (paths, second) } else { (second, paths) };

    let [local_ins, local_outs] = &bindings.local;
    let mut ins = operands_of(inputs, of_inputs, local_ins);
    ins.iter_mut().zip(&bindings.staged).for_each(|(operand, staged)| operand.staged = *staged);
    let outs = operands_of(outputs, of_outputs, local_outs);
    let mut folds = Vec::with_capacity(results.len());
    let carries = pass.carries.iter().zip(tile.carried());
    for (((carry, lane), view), path) in carries.zip(results).zip(of_results) {
        let (reduction, order) = (carry.reduction, bindings.order);
        let reducer = Reducer::of_lane(reduction, lane, order, machine.isa)
            .ok_or_else(|| Error::internal("a reduction without accumulators"))?;
        folds.push(Fold {
            reducer,
            runs: Runs::new(reduction, lane, order, machine.isa),
            pointer: view.pointer,
            store: view.store.clone(),
            path,
            swapped: view.swapped,
        });
    }
    let tile = executor::Tile {
        code: tile.code(),
        block: tile.block,
        inward: tile.inward,
        table: tile.table(),
        kernels: tile.kernels(),
        carries: tile.carries(),
        repeated: tile.repeated(),
        rest_slots: tile.rest_slots(),
        cost: tile.cost,
        memory: machine.memory,
        loops: machine.loops,
        together: machine.together,
    };
    Loop::new(&tile, nest, ins, outs, folds, machine.cells, machine.pool).map_err(out_of_memory)
}

fn operands_of(views: &[View], paths: Vec<Path>, local: &[Option<u32>]) -> Vec<executor::Operand> {
    let views = views.iter().zip(paths).zip(local);
    let operands = views.map(|((view, path), local)| executor::Operand {
        pointer: view.pointer,
        store: view.store.clone(),
        size: view.dtype.size(),
        path,
        swapped: view.swapped,
        staged: false,
        local: *local,
    });
    operands.collect()
}

fn out_of_memory(OutOfMemory(bytes): OutOfMemory) -> Error {
    Error::new(ErrorKind::OutOfMemory, format!("cannot allocate {bytes} bytes of scratch"))
}
