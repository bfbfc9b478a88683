//! Arrays of a loop: operands, which its tile reads or writes, and folds, which take the results of
//! reductions.

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
    /// Where the array's elements are, and in which form.
    pub storage: Storage,
    /// The way through the loop's nest.
    pub path: Path,
    /// Copy each tile before it is used, as an input must be that is also written.
    pub staged: bool,
}

impl Operand {
    /// Bytes of an element.
    pub(super) fn size(&self) -> usize {
        self.storage.format.size()
    }

    /// The store that it is in, if it is in one.
    pub(super) fn store(&self) -> Option<&Store> {
        self.storage.location.store()
    }

    /// Whether its rows are in a window of the thread that computes them.
    #[inline]
    pub(super) fn is_buffered(&self) -> bool {
        match self.storage.location {
            Location::Memory(_) => false,
            Location::Store { .. } | Location::Scratch(_) => true,
        }
    }

    /// Where the nest's first element is, if the array is in memory.
    pub(super) fn first(&self) -> Option<*mut u8> {
        Some(self.storage.location.address()?.wrapping_offset(self.path.offset))
    }

    /// From the array's first element to the first one of an outer turn.
    pub(super) fn outer_turn(&self, nest: &Nest, turn: usize) -> isize {
        self.path.offset + steps(&nest.outer, &self.path.outer, turn)
    }
}

/// A reduction of a loop, and the array that takes its results: one for each sequence.
#[derive(Clone, Debug)]
pub struct Fold {
    /// What is computed.
    pub reducer: Reducer,
    /// How code accumulates elements, if it does.
    pub runs: Option<Runs>,
    /// Where the results are, and in which form. They cannot be in a group's scratch.
    pub storage: Storage,
    /// The way of the results through the nest; steps along the sequences do not count.
    pub path: Path,
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
    /// Through a tile of copies of the row's only element.
    Splat,
    /// Through a block of copies of the row's only element, which loops read again in each turn.
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
    /// Bytes of an element: at hand, as each tile needs them.
    pub(super) size: usize,
    pub(super) output: bool,
    pub(super) access: Access,
    /// How it is best transferred, if it is in a store.
    pub(super) direction: Direction,
    /// Whether its window is that of an earlier loop of its group, which has filled it.
    pub(super) shared: bool,
}

pub(super) fn access(operand: &Operand, nest: &Nest, streams: bool, panels: &mut usize) -> Access {
    let Operand { storage: Storage { location, format }, path, staged } = operand;
    let in_memory = match location {
        Location::Memory(_) => true,
        Location::Scratch(_) => false,
        // A window is contiguous, and decoded.
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
    /// Where the nest's first result is, if they are in memory.
    pub(super) fn first(&self) -> Option<*mut u8> {
        Some(self.storage.location.address()?.wrapping_offset(self.path.offset))
    }

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
                Err(Stop::Failed(io::Error::other("a reduction's results are in scratch")))
            }
        }
    }

    /// Sees to it that results are where they belong.
    pub(super) fn finish(&self, results: &mut Results) -> Result<(), Stop> {
        match self.storage.location.store() {
            Some(store) => results.finish(store).map_err(Stop::Failed),
            None => Ok(()),
        }
    }
}
