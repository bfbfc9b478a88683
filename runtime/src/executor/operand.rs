//! Arrays of a loop: operands, which its tile reads or writes, and folds, which take the results of
//! reductions.

use super::partition::Grid;
use crate::control::Stop;
use crate::fault::{Fault, injected};
use crate::nest::{Along, Nest, Path};
use crate::reduce::{Reducer, Runs};
use crate::store::Store;
use crate::strided::is_contiguous;
use crate::window::{Results, Way, steps};

/// One array operand of a loop.
#[derive(Clone, Debug)]
pub struct Operand {
    /// The array's first element, or its offset in the store.
    pub pointer: *mut u8,
    /// Where the array is if it is not in memory.
    pub store: Option<Store>,
    /// Bytes of an element.
    pub size: usize,
    /// The way through the loop's nest.
    pub path: Path,
    /// Whether the bytes of each element are in the other order than this machine's.
    pub swapped: bool,
    /// Copy each tile before it is used, as an input must be that is also written.
    pub staged: bool,
    /// The number of the array among those of its [`Group`](super::Group), if it has no memory but a
    /// few rows of the group's scratch.
    pub local: Option<u32>,
}

impl Operand {
    /// Whether its rows are in a window of the thread that computes them.
    pub(super) fn is_windowed(&self) -> bool {
        self.store.is_some() || self.local.is_some()
    }
}

/// A reduction of a loop, and the array that takes its results: one for each sequence.
#[derive(Clone, Debug)]
pub struct Fold {
    /// What is computed.
    pub reducer: Reducer,
    /// How code accumulates elements, if it does.
    pub runs: Option<Runs>,
    /// The results' first element, or its offset in the store.
    pub pointer: *mut u8,
    /// Where the results are if they are not in memory.
    pub store: Option<Store>,
    /// The way of the results through the nest; steps along the sequences do not count.
    pub path: Path,
    /// Whether the bytes of each result are in the other order than this machine's.
    pub swapped: bool,
}

/// An array of a loop, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// An operand; outputs are numbered after inputs.
    Operand(usize),
    /// The results of a fold.
    Fold(usize),
}

/// How the tile gets at an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Where it is.
    InPlace,
    /// Through a copy of each tile.
    Staged,
    /// Through copies of the one element that each row has: a tile of them.
    Splat,
    /// The same, but a block of them, which the loops read again in each turn.
    Repeated,
    /// Through copies of the elements that its columns repeat, of which there are this many: a tile
    /// of them and one repetition more.
    Cycled(usize),
    /// Through a copy of each panel, at this place of the worker's panels.
    Panel(usize),
    /// An output that is written past the caches.
    Streamed,
}

pub(super) struct Bound {
    pub(super) operand: Operand,
    pub(super) output: bool,
    pub(super) access: Access,
    /// How it is best transferred, if it is in a store.
    pub(super) way: Way,
    /// Whether its window is that of an earlier loop of its group, which has filled it.
    pub(super) shared: bool,
}

pub(super) fn access(operand: &Operand, nest: &Nest, streams: bool, panels: &mut usize) -> Access {
    let Operand { size, path, staged, swapped, .. } = operand;
    if operand.store.is_some() {
        // A window is contiguous.
        return Access::InPlace;
    }
    let contiguous = is_contiguous(&nest.columns, &path.columns, *size);
    if let Some(length) = cycle(&nest.columns, &path.columns, *size).filter(|_| !*staged) {
        return Access::Cycled(length);
    }
    match contiguous {
        true if *staged || *swapped => Access::Staged,
        true if streams && operand.local.is_none() => Access::Streamed,
        true => Access::InPlace,
        false if path.columns.iter().all(|step| *step == 0) && !*staged => Access::Splat,
        false if path.turned && (nest.columns.len() == 1 || nest.along != Along::Rows) => {
            *panels += 1;
            Access::Panel(*panels - 1)
        }
        false => Access::Staged,
    }
}

/// The most elements of a cycle.
const LONGEST_CYCLE: usize = 1024;

/// The number of contiguous elements that columns repeat again and again, if they do.
fn cycle(extents: &[usize], steps: &[isize], size: usize) -> Option<usize> {
    let first = steps.iter().position(|step| *step != 0)?;
    let (extents, steps) = (&extents[first..], &steps[first..]);
    let length: usize = extents.iter().product();
    let repeats = first > 0 && length <= LONGEST_CYCLE;
    (repeats && is_contiguous(extents, steps, size)).then_some(length)
}

impl Fold {
    /// # Safety
    /// The sequence is one of the nest's, whose results are writable.
    pub(super) unsafe fn write(
        &self,
        nest: &Nest,
        grid: &Grid,
        sequence: usize,
        result: Option<u64>,
        results: &mut Results,
    ) -> Result<(), Stop> {
        let Path { offset, outer, rows, columns, .. } = &self.path;
        let place = match nest.along {
            Along::Nothing => 0,
            Along::Columns => steps(&nest.rows, rows, sequence),
            Along::Rows => {
                steps(&nest.outer, outer, sequence / grid.columns)
                    + steps(&nest.columns, columns, sequence % grid.columns)
            }
        };
        let size = self.reducer.result_dtype().size();
        let mut bytes = result.unwrap_or(0).to_le_bytes();
        if self.swapped && !injected(Fault::SwappedResultAsItIs) {
            bytes[..size].reverse();
        }
        let target = self.pointer.wrapping_offset(offset + place);
        if let Some(store) = &self.store {
            let at = target.addr() as isize;
            return results.put(store, at, &bytes[..size]).map_err(Stop::Failed);
        }
        // SAFETY: the caller's promise; a result has at most 8 bytes.
        unsafe { target.copy_from_nonoverlapping(bytes.as_ptr(), size) };
        Ok(())
    }

    /// Sees to it that results are where they belong.
    pub(super) fn finish(&self, results: &mut Results) -> Result<(), Stop> {
        match &self.store {
            Some(store) => results.finish(store).map_err(Stop::Failed),
            None => Ok(()),
        }
    }
}
