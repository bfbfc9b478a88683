//! Arrays of a loop: operands, which its tile reads or writes, and folds, which reduce elements to
//! results.

use std::io;

use super::partition::Grid;
use crate::chunk::{Direction, Results, steps};
use crate::control::Stop;
use crate::location::Location;
use crate::nest::{Along, Nest, Path};
use crate::reduce::{Reducer, Runs};
use crate::storage::Storage;
use crate::store::Store;
use crate::strided::is_contiguous;

/// One array operand of a loop.
#[derive(Clone, Debug)]
pub struct Operand {
    /// The location and encoding of the array's elements.
    pub storage: Storage,
    /// The strides along the axes of the loop's nest.
    pub path: Path,
    /// Whether each tile is copied before it is used, as is necessary for an input that is also
    /// written.
    pub staged: bool,
}

impl Operand {
    /// The size of an element in bytes.
    pub(super) fn size(&self) -> usize {
        self.storage.format.size()
    }

    /// The store of the array, if it is in one.
    pub(super) fn store(&self) -> Option<&Store> {
        self.storage.location.store()
    }

    /// Whether rows are in a buffer of the thread that computes them.
    #[inline]
    pub(super) fn is_buffered(&self) -> bool {
        match self.storage.location {
            Location::Memory(_) => false,
            Location::Store { .. } | Location::Scratch(_) => true,
        }
    }

    /// The address of the nest's first element, if the array is in memory.
    pub(super) fn first(&self) -> Option<*mut u8> {
        Some(self.storage.location.address()?.wrapping_offset(self.path.offset))
    }

    /// The offset of the first element of an outer iteration from the array's first element.
    pub(super) fn outer_turn(&self, nest: &Nest, turn: usize) -> isize {
        self.path.offset + steps(&nest.outer, &self.path.outer, turn)
    }
}

/// A reduction of a loop, and the array of its results: one for each sequence.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The reduction.
    pub reducer: Reducer,
    /// The runs, if compiled code accumulates elements.
    pub runs: Option<Runs>,
    /// The location and encoding of the results. They cannot be in a group's scratch.
    pub storage: Storage,
    /// The strides of the results; those along the sequences are ignored.
    pub path: Path,
}

/// An array of a loop, identified by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// An operand; outputs are numbered after inputs.
    Operand(usize),
    /// The results of a fold.
    Fold(usize),
}

/// How a tile accesses an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// In place.
    InPlace,
    /// Through a copy of each tile.
    Staged,
    /// Through a tile of copies of the row's only element.
    Splat,
    /// Through a block of copies of the row's only element, which the code reads in each iteration.
    Repeated,
    /// Through copies of the elements that the columns repeat, of which there are this many. The
    /// copies are one repetition longer than a tile.
    Cycled(usize),
    /// Through a copy of each panel, in the worker's panel of this number.
    Panel(usize),
    /// Through a copy of each tile of an output, which is then written by nontemporal stores.
    Streamed,
}

/// An operand, and how a loop accesses it.
pub(super) struct Bound {
    pub(super) operand: Operand,
    /// The size of an element in bytes, stored because each tile needs it.
    pub(super) size: usize,
    pub(super) output: bool,
    pub(super) access: Access,
    /// The direction of transfers, if the operand is in a store.
    pub(super) direction: Direction,
    /// Whether the buffer is that of an earlier loop of the group, which has filled it.
    pub(super) shared: bool,
}

/// How tiles access an operand. `streams` says whether outputs are written by nontemporal stores,
/// `panels` is the number of panels so far.
pub(super) fn access(operand: &Operand, nest: &Nest, streams: bool, panels: &mut usize) -> Access {
    let Operand { storage: Storage { location, format }, path, staged } = operand;
    let in_memory = match location {
        Location::Memory(_) => true,
        Location::Scratch(_) => false,
        // Elements in a buffer are contiguous and decoded.
        Location::Store { .. } => return Access::InPlace,
    };
    let contiguous = is_contiguous(&nest.columns, &path.columns, format.size());
    let cycle = cycle(&nest.columns, &path.columns, format.size());
    if let Some(length) = cycle.filter(|_| !*staged) {
        return Access::Cycled(length);
    }
    match contiguous {
        true if *staged || !format.is_native() => Access::Staged,
        true if streams && in_memory => Access::Streamed,
        true => Access::InPlace,
        false if path.columns.iter().all(|step| *step == 0) && !*staged => Access::Splat,
        false if path.transposed && (nest.columns.len() == 1 || nest.along != Along::Rows) => {
            *panels += 1;
            Access::Panel(*panels - 1)
        }
        false => Access::Staged,
    }
}

/// The maximum number of elements of a cycle.
const LONGEST_CYCLE: usize = 1024;

/// The number of contiguous elements that the columns repeat, if they do.
fn cycle(extents: &[usize], steps: &[isize], size: usize) -> Option<usize> {
    let first = steps.iter().position(|step| *step != 0)?;
    let (extents, steps) = (&extents[first..], &steps[first..]);
    let length: usize = extents.iter().product();
    let repeats = first > 0 && length <= LONGEST_CYCLE;
    (repeats && is_contiguous(extents, steps, size)).then_some(length)
}

impl Fold {
    /// The address of the nest's first result, if results are in memory.
    pub(super) fn first(&self) -> Option<*mut u8> {
        Some(self.storage.location.address()?.wrapping_offset(self.path.offset))
    }

    /// Writes the result of a sequence.
    ///
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
        let Storage { location, format } = &self.storage;
        let (bytes, size) = (format.bytes(result.unwrap_or(0)), format.size());
        match location {
            Location::Memory(first) => {
                let target = first.wrapping_offset(offset + place);
                // SAFETY: the caller's promise; a result has at most 8 bytes.
                unsafe { target.copy_from_nonoverlapping(bytes.as_ptr(), size) };
                Ok(())
            }
            Location::Store { store, offset: first } => {
                let at = first + offset + place;
                results.put(store, at, &bytes[..size]).map_err(Stop::Failed)
            }
            Location::Scratch(_) => {
                Err(Stop::Failed(io::Error::other("results of reductions cannot be in scratch")))
            }
        }
    }

    /// Writes the results that are still buffered.
    pub(super) fn finish(&self, results: &mut Results) -> Result<(), Stop> {
        match self.storage.location.store() {
            Some(store) => results.finish(store).map_err(Stop::Failed),
            None => Ok(()),
        }
    }
}
