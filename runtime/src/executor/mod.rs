//! The executor: runs the code of a tile over all elements of a loop, on one or more threads, and
//! reduces elements that the code does not accumulate.
//!
//! A [`Nest`] is the order of the elements: columns within rows. A *tile* is a piece of a row that
//! fits in L1. A *unit* is a block of rows and columns, which one thread computes. Sequences of a
//! reduction are only split between blocks of leaves whose number is a power of two, and the results
//! of the pieces are combined at the end. So the code of an element and the tree of a sum do not
//! depend on the number of threads.
//!
//! An operand with contiguous columns is used in place. Other operands, and the last elements that do
//! not fill a block of the code, are staged: inputs are copied to scratch before the tile, outputs
//! from scratch after it. If the columns of an operand are far apart in memory but its rows are not,
//! a block of rows and columns, a *panel*, is copied at once, so that each cache line is fetched
//! once. Outputs larger than the cache are staged too, and written by nontemporal stores.
//!
//! Operands in stores, such as files, are transferred in chunks: each unit reads the elements of its
//! inputs into buffers of its thread, and writes the buffers of its outputs to their stores. Such
//! units fit in the cache. Some threads transfer while others compute, and the size of the buffers
//! does not depend on that of the arrays.

mod binding;
mod carried;
mod carry;
pub mod cell;
mod group;
mod operand;
mod panel;
mod partition;
mod run;
mod scan;
mod scratch;
mod stored;
pub mod tile;

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicUsize;

pub use carried::Carried;
pub use group::Group;
pub use operand::{Fold, Operand, Slot};

use crate::chunk::Results;
use crate::control::{Control, Progress, Stop};
use crate::fpenv::FpEnv;
use crate::host_threads::Driver;
use crate::nest::{Along, Nest};
use crate::reduce::Partial;
use crate::tile::{TileCarry, TileCode, TileScan, TileTable};
use operand::Bound;
use panel::Shape;
use partition::Grid;
use run::{Place, Run, State};
use scratch::Worker;

/// The properties of a tile that a loop is bound to.
#[derive(Clone, Copy)]
pub struct Tile<'a> {
    /// The code of its elements; `None` if the loop only reduces its inputs.
    pub code: Option<&'a TileCode>,
    /// The number of elements of the shortest iteration of its loops. In-place operands must have a
    /// multiple of this number of elements. A power of two, at most 64.
    pub block: usize,
    /// Whether numbers of elements from `block` on need not be multiples of it, because the last
    /// iteration of its loops ends with the last element.
    pub inward: bool,
    /// The layout of its table. A scratch slot has 8 bytes for each element.
    pub table: TileTable,
    /// The addresses of the block kernels that it calls through the table.
    pub kernels: &'a [usize],
    /// The table's entries for the elements and states of the folds.
    pub carries: &'a [TileCarry],
    /// The scans whose kernels it calls.
    pub scans: &'a [TileScan],
    /// The number of earlier elements of a sequence that its scans depend on; `None` if one depends
    /// on all.
    pub reach: Option<usize>,
    /// The states of these scans, if they are carried from run to run. They outlive the loop.
    pub carried: Option<&'a Carried>,
    /// The inputs that may be blocks of copies of one element, because only its loops read them.
    pub repeated: &'a [u32],
    /// The number of slots that only hold the elements which its loops do not accumulate.
    pub rest_slots: usize,
    /// The approximate time of an element with operands in L1, in nanoseconds.
    pub cost: f32,
    /// The approximate maximum number of bytes of the chunks of a loop over stores, of the
    /// partial results of pieces of sequences, and of a thread's states of scans.
    pub memory: usize,
    /// The number of loops that are bound at the same time, each with its own chunks.
    pub loops: usize,
    /// The number of elements of the largest loop of its [`Group`], which determines the number of
    /// threads; 0 if it is in no group.
    pub together: usize,
}

/// A tile bound to its operands. It can run any number of times.
pub struct Loop {
    code: Option<TileCode>,
    block: usize,
    inward: bool,
    carries: Box<[TileCarry]>,
    nest: Nest,
    grid: Grid,
    operands: Vec<Bound>,
    folds: Vec<Fold>,
    /// The maximum number of elements of a row of a tile.
    tile: usize,
    panel: Shape,
    /// The level in the reduction tree of the pieces of a sequence, if sequences are split.
    level: u32,
    workers: Vec<UnsafeCell<Worker>>,
    /// The partial results by piece, fold and sequence, if sequences are split.
    partials: Vec<UnsafeCell<Option<Partial>>>,
    /// The approximate time of a run on one thread, in nanoseconds.
    work: f32,
    /// Whether an output is written by nontemporal stores.
    streams: bool,
    one_tile: OneTile,
    /// Whether an operand or a result is in a store.
    stored: bool,
    /// Whether the code accumulates elements of folds.
    accumulates: bool,
    /// Whether its code calls kernels of scans.
    scans: bool,
    /// The number of elements before a piece of a sequence that are computed first, for the states
    /// of scans; 0 if these pass from piece to piece.
    lead: usize,
    /// Whether they take a sequence in one call, so that a tile is one.
    whole: bool,
    /// Whether their states are carried from run to run.
    carried: bool,
    /// The maximum number of rows of a tile.
    bundle: usize,
    /// Whether each row is a whole sequence of each fold, and all are in memory.
    whole_rows: bool,
}

/// Whether a loop is a single tile of contiguous operands, and the number of its elements. The table
/// of such a loop does not change between runs.
#[derive(Clone, Copy)]
enum OneTile {
    /// It is not.
    No,
    /// The table has the addresses of the operands.
    InPlace(usize),
    /// There are fewer elements than a block: the table has the addresses of staging buffers.
    Staged(usize),
    /// One sequence of each fold, whose results are in memory.
    Folded(usize),
}

// SAFETY: the raw pointers are operands, which the caller of `run` promises are valid, and scratch
// that the loop owns. Only one thread at a time accesses a worker or a partial result.
unsafe impl Send for Loop {}
// SAFETY: as above.
unsafe impl Sync for Loop {}

impl Tile<'_> {
    /// Whether one of its scans takes a sequence in one call.
    fn is_whole(&self) -> bool {
        self.scans.iter().any(|scan| scan.scanner.is_whole())
    }
}

impl Loop {
    /// Replaces an array by another one of the same shape and strides, whose address is `bytes`
    /// greater. The arrays of the loop must overlap each other as before, because accesses depend
    /// on that.
    pub fn shift(&mut self, slot: Slot, bytes: isize) {
        match slot {
            Slot::Operand(number) => {
                let Bound { operand, .. } = &mut self.operands[number];
                operand.storage.location.shift(bytes);
                if let (OneTile::InPlace(_), Some(first)) = (self.one_tile, operand.first()) {
                    self.workers[0].get_mut().table[1 + number] = first;
                }
            }
            Slot::Fold(number) => self.folds[number].storage.location.shift(bytes),
        }
    }

    /// The number of elements of the loop.
    pub fn elements(&self) -> usize {
        self.grid.outers * self.grid.rows * self.grid.columns
    }

    /// The approximate time of a run on one thread, in nanoseconds.
    pub fn work(&self) -> f32 {
        self.work
    }

    /// Whether it computes nothing: it has no element, and no sequence to reduce.
    fn is_vacuous(&self) -> bool {
        let Grid { outers, rows, columns, .. } = self.grid;
        let sequences = match self.nest.along {
            Along::Columns => outers * rows,
            Along::Rows => outers * columns,
            Along::Nothing => 0,
        };
        self.elements() == 0 && sequences == 0
    }

    /// Discards buffered results that an earlier run has not written to stores.
    fn clear_results(&mut self) {
        let workers = self.workers.iter_mut().map(UnsafeCell::get_mut);
        workers.flat_map(|w| &mut w.results).for_each(Results::clear);
    }

    /// Whether the loop is a single tile of contiguous operands.
    pub fn is_one_tile(&self) -> bool {
        matches!(self.one_tile, OneTile::InPlace(_) | OneTile::Staged(_))
    }

    /// Runs a loop that [is one tile](Loop::is_one_tile). Returns advisory flags.
    ///
    /// # Safety
    /// As [`Loop::run`].
    #[inline]
    pub unsafe fn run_one_tile(&mut self) -> u32 {
        let _environment = FpEnv::enter();
        let (Some(code), Some(worker)) = (&self.code, self.workers.first_mut()) else { return 0 };
        let worker = worker.get_mut();
        match self.one_tile {
            // SAFETY: the table has the addresses of the operands, which have `n` elements: whole
            // blocks, or at least one if the code ends with the last element.
            OneTile::InPlace(n) => unsafe { code.run(worker.table.as_ptr(), n) },
            // As in `run_part`, whose decisions for each operand would take 6 ns more.
            OneTile::Staged(n) => {
                let copies = || self.operands.iter().zip(&worker.staging);
                for (Bound { operand, size, .. }, staging) in copies().filter(|(o, _)| !o.output) {
                    if let Some(first) = operand.first() {
                        // SAFETY: the operand has `n` elements; staging has room for a block.
                        unsafe { staging.copy_from_nonoverlapping(first, n * size) };
                    }
                }
                // SAFETY: the table has the addresses of staging buffers with room for a block.
                let flags = unsafe { code.run(worker.table.as_ptr(), n) };
                for (Bound { operand, size, .. }, staging) in copies().filter(|(o, _)| o.output) {
                    if let Some(first) = operand.first() {
                        // SAFETY: as above.
                        unsafe { first.copy_from_nonoverlapping(*staging, n * size) };
                    }
                }
                flags
            }
            OneTile::No | OneTile::Folded(_) => 0,
        }
    }

    /// Runs a loop that is one sequence of each fold, in one tile of `n` elements.
    ///
    /// # Safety
    /// As [`Loop::run`].
    unsafe fn run_one_sequence(&mut self, n: usize) -> Result<u32, Stop> {
        let _environment = FpEnv::enter();
        let Some(worker) = self.workers.first() else { return Ok(0) };
        // SAFETY: the loop is borrowed exclusively, and no other thread works on it.
        let worker = unsafe { &mut *worker.get() };
        let step = self.panel.most_rows();
        for (fold, sequence) in self.folds.iter().zip(worker.sequences.iter_mut().step_by(step)) {
            sequence.start(&fold.reducer, 0);
        }
        for (row, Bound { operand, .. }) in worker.row.iter_mut().zip(&self.operands) {
            *row = operand.first().unwrap_or(*row);
        }
        let place = Place { column: 0, at: 0, in_panel: 0, in_block: 0, rows: 1 };
        // SAFETY: the tile is the whole loop, whose operands the caller vouches for.
        let flags = unsafe { self.run_tile(worker, &place, n) };
        for (i, fold) in self.folds.iter().enumerate() {
            let partial = worker.sequences[i * step].finish(&fold.reducer);
            // SAFETY: results are writable, by the caller's promise.
            unsafe { self.keep(i, 0, 0, partial, &mut worker.results[i]) }?;
        }
        Ok(flags)
    }

    /// Runs the loop. Returns advisory flags.
    ///
    /// # Errors
    /// [`Stop`] if the control stops the run, or if a transfer fails. Outputs are then undefined.
    ///
    /// # Safety
    /// The operands' memory, and the cells and carried states given to [`Loop::new`], are valid, and
    /// nothing else uses these states meanwhile. Outputs and results are
    /// writable, and overlap other arrays only if these are equal, staged inputs. The code matches
    /// its [`Tile`].
    pub unsafe fn run(
        &mut self,
        driver: Driver<'_>,
        control: &Control,
        progress: Option<&Progress>,
    ) -> Result<u32, Stop> {
        if self.is_one_tile() {
            control.check()?;
            // SAFETY: the caller's promise.
            let flags = unsafe { self.run_one_tile() };
            if let Some(progress) = progress {
                progress.add(self.elements() as u64);
            }
            return Ok(flags);
        }
        if let OneTile::Folded(n) = self.one_tile {
            control.check()?;
            // SAFETY: the caller's promise.
            let flags = unsafe { self.run_one_sequence(n) }?;
            if let Some(progress) = progress {
                progress.add(n as u64);
            }
            return Ok(flags);
        }
        if self.is_vacuous() {
            return Ok(0);
        }
        if self.stored {
            self.clear_results();
        }
        let state = State::default();
        let run = Run { work: self, control, progress, state: &state };
        let units = self.grid.units();
        let workers = driver.workers(self.workers.len(), units, self.work);
        let next = AtomicUsize::new(0);
        if workers > 1 && self.stored {
            // Units in order, so that all threads read stores near the same position.
            driver.run(workers, workers, &|_, worker| {
                let _environment = FpEnv::enter();
                run.units(&next, units, worker);
            });
        } else if workers > 1 {
            driver.run(workers, units, &|unit, worker| {
                let _environment = FpEnv::enter();
                run.unit(unit, worker);
            });
        }
        // Not around `driver.run`: a host's loop may run other work on this thread.
        let _environment = FpEnv::enter();
        if workers <= 1 {
            run.units(&next, units, 0);
        }
        let flags = state.end()?;
        // SAFETY: results are writable, by the caller's promise.
        unsafe { self.combine(control) }?;
        Ok(flags)
    }
}
