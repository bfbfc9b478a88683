//! Binding of a pass for the CPU: from its [`Bindings`] to a [`Loop`].

use hotloop_runtime::cell::Cell;
use hotloop_runtime::executor::{self, Carried, Fold, Loop};
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

/// The machine resources that all loops of a plan share.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// The instruction set for kernels and accumulators.
    pub isa: Isa,
    /// The cells of the plan's uniforms.
    pub cells: *const Cell,
    /// The threads.
    pub pool: &'a Pool,
    /// The memory limit of each loop over stores, and of a thread's states of scans, in bytes.
    pub memory: usize,
    /// The number of loops.
    pub loops: usize,
    /// Elements of the largest pass of the current group; 0 for a pass that runs alone.
    pub together: usize,
}

/// Makes the loop of a pass. Its nest follows the strides of the outputs or, for a reduction, of
/// the inputs. Scans go on from `carried` states, if there are any.
///
/// # Errors
/// `OutOfMemory`.
pub fn bind(
    pass: &Pass,
    tile: &Tile,
    bindings: &Bindings,
    machine: &Machine<'_>,
    carried: Option<&Carried>,
) -> Result<Loop> {
    let Bindings { shape, mask, inputs, outputs, results, .. } = bindings;
    let scans: Option<Vec<_>> = tile.scans().collect();
    let scans = scans.ok_or_else(|| Error::internal("a scan without a state"))?;
    let reduces = !results.is_empty() || !scans.is_empty();
    // In the order of priority for the nest.
    let mut views: Vec<&View> = Vec::with_capacity(inputs.len() + outputs.len() + results.len());
    match reduces {
        true => views.extend(inputs.iter().chain(outputs)),
        false => views.extend(outputs.iter().chain(inputs)),
    }
    views.extend(results);
    let operands: Vec<nest::Operand<'_>> = views
        .iter()
        .map(|view| nest::Operand { size: view.size(), strides: &view.strides })
        .collect();
    let (nest, mut paths) = match (carried, reduces) {
        (Some(carried), _) => {
            let axis = mask.iter().position(|along| *along).unwrap_or(0);
            Nest::of_sequences(shape, axis, carried.along(), &operands)
        }
        (None, true) if scans.iter().any(|scan| scan.scanner.is_whole()) => {
            Nest::of_whole(shape, mask, &operands)
        }
        (None, true) => Nest::reduction(shape, mask, &operands),
        (None, false) => Nest::elementwise(shape, &operands),
    };
    let of_results = paths.split_off(inputs.len() + outputs.len());
    let second = paths.split_off(if reduces { inputs.len() } else { outputs.len() });
    let (of_inputs, of_outputs) = if reduces { (paths, second) } else { (second, paths) };

    let mut ins = operands_of(inputs, of_inputs);
    ins.iter_mut().zip(&bindings.staged).for_each(|(operand, staged)| operand.staged = *staged);
    let outs = operands_of(outputs, of_outputs);
    let mut folds = Vec::with_capacity(results.len());
    let carries = pass.carries.iter().zip(tile.carried());
    for (((carry, lane), view), path) in carries.zip(results).zip(of_results) {
        let (reduction, order) = (carry.reduction, bindings.order);
        let reducer = Reducer::of_lane(reduction, lane, order, machine.isa)
            .ok_or_else(|| Error::internal("a reduction without accumulators"))?;
        debug_assert_eq!(view.size(), reducer.result_dtype().size(), "an array of results");
        folds.push(Fold {
            reducer,
            runs: Runs::new(reduction, lane, order, machine.isa),
            storage: view.storage.clone(),
            path,
        });
    }
    let tile = executor::Tile {
        code: tile.code(),
        block: tile.block,
        inward: tile.inward,
        table: tile.table(),
        kernels: tile.kernels(),
        carries: tile.carries(),
        scans: &scans,
        reach: pass.body.reach(),
        carried,
        repeated: tile.repeated(),
        rest_slots: tile.rest_slots(),
        cost: tile.cost,
        memory: machine.memory,
        loops: machine.loops,
        together: machine.together,
    };
    let made = Loop::new(&tile, nest, ins, outs, folds, machine.cells, machine.pool);
    made.map_err(|OutOfMemory(bytes)| {
        let message = match scans.is_empty() || bytes <= machine.memory {
            true => format!("cannot allocate {bytes} bytes of scratch"),
            false => format!(
                "the rows of windows or sequences need {bytes} bytes, more than half of the memory limit"
            ),
        };
        Error::new(ErrorKind::OutOfMemory, message)
    })
}

fn operands_of(views: &[View], paths: Vec<Path>) -> Vec<executor::Operand> {
    let operand = |(view, path): (&View, Path)| {
        let storage = view.storage.clone();
        executor::Operand { storage, path, staged: false }
    };
    views.iter().zip(paths).map(operand).collect()
}
