//! The executor: runs a compiled tile function over all elements of a loop, on one thread or
//! many, and reduces what it leaves.
//!
//! A [`Nest`] says how the elements are gone through: columns inside rows. A *tile* is a piece of
//! a row that fits in L1. A *unit* is a block of rows and columns, the work that a thread takes at
//! a time. Where sequences of a reduction are cut, they are cut at power-of-two blocks of leaves,
//! whose values are combined in the end: so every element meets the same code and every sum the
//! same tree, whatever the number of threads.
//!
//! An operand whose columns are contiguous is used in place. Others, and the last few elements
//! that do not fill a block of the compiled loop, are staged: copied to scratch before the tile,
//! copied back after it. Where an operand's columns lie far apart in memory but its rows do not,
//! a whole block, a *panel*, is copied at once, so that each line of memory is fetched once.
//! Outputs too large for the cache are staged too, and streamed past it.
//!
//! Operands in stores, files say, have no memory: each unit reads its part into a chunk of its
//! own thread, and writes chunks of outputs back. Units are then as small as a cache, so that
//! threads read, compute and write at once, and what is kept does not grow with the arrays.

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

pub use group::Group;
pub use operand::{Fold, Operand, Slot};

use crate::cell::Cell;
use crate::chunk::{Direction, Results};
use crate::control::{Control, Progress, Stop};
use crate::fault::{Fault, injected};
use crate::fpenv::FpEnv;
use crate::host_threads::Driver;
use crate::memory::{OutOfMemory, reserve};
use crate::nest::{Along, Nest, SHORT_ROW};
use crate::nontemporal;
use crate::pool::Pool;
use crate::reduce::{Partial, ROWS};
use crate::tile::{TileCarry, TileCode, TileScan, TileTable};
use operand::{Access, Bound, access};
use panel::Shape;
use partition::{
    Cut, Grid, LONGEST_TILE, PIECE, count, most_lanes, power_of_two_within, tile_length,
};
use run::{Run, State};
use scratch::{Room, Worker};

/// What a loop needs to know of its tile.
#[derive(Clone, Copy)]
pub struct Tile<'a> {
    /// What computes its elements; `None` if there is nothing to compute but reductions.
    pub code: Option<&'a TileCode>,
    /// Elements that the shortest turn of its loops takes; in-place operands are handed to it in
    /// multiples of this. At most 64, a power of two.
    pub block: usize,
    /// Whether that many elements, or more, need not be a multiple of it: its loops end with the
    /// last element.
    pub inward: bool,
    /// The layout of its table; a scratch slot has 8 bytes an element.
    pub table: TileTable,
    /// The addresses of the block kernels that it calls through the table.
    pub kernels: &'a [usize],
    /// Where it leaves the elements of each of the loop's folds.
    pub carries: &'a [TileCarry],
    /// The scans whose kernels it calls.
    pub scans: &'a [TileScan],
    /// The inputs that may repeat: only its loops read them.
    pub repeated: &'a [u32],
    /// The number of slots that only hold elements that it could not accumulate.
    pub rest_slots: usize,
    /// Approximate nanoseconds per element, with operands in L1.
    pub cost: f32,
    /// Bytes that a loop over stores may keep, roughly: chunks, and what is known of pieces of
    /// sequences.
    pub memory: usize,
    /// Loops that are bound at once, each with chunks of its own.
    pub loops: usize,
    /// Elements of the largest of the loops that it may run together with, in a [`Group`]: it then
    /// has scratch for as many threads as that one. 0 if it runs alone.
    pub together: usize,
}

/// A tile function bound to its operands; runs any number of times.
pub struct Loop {
    code: Option<TileCode>,
    block: usize,
    inward: bool,
    carries: Box<[TileCarry]>,
    nest: Nest,
    grid: Grid,
    operands: Vec<Bound>,
    folds: Vec<Fold>,
    tile: usize,
    panel: Shape,
    /// The level of a sequence's pieces in the reduction tree, if it is cut.
    level: u32,
    workers: Vec<UnsafeCell<Worker>>,
    /// If sequences are cut: by piece, fold and sequence.
    partials: Vec<UnsafeCell<Option<Partial>>>,
    /// Rough nanoseconds of it all on one thread.
    work: f32,
    streams: bool,
    one_tile: OneTile,
    /// Whether an operand or a result is in a store.
    stored: bool,
    /// Whether code accumulates elements of folds.
    accumulates: bool,
    /// Whether its kernels scan.
    scans: bool,
    /// Rows of a tile.
    bundle: usize,
}

/// Whether a loop is a single tile of contiguous operands, and of how many elements. Its table never
/// changes.
#[derive(Clone, Copy)]
enum OneTile {
    No,
    /// Its table holds the operands.
    InPlace(usize),
    /// Fewer than a block: its table holds staging buffers.
    Staged(usize),
}

// SAFETY: the raw pointers are operands whose validity the caller of `run` promises, and scratch
// owned by the loop; a worker or a partial is only touched by the one thread it belongs to.
unsafe impl Send for Loop {}
// SAFETY: as above.
unsafe impl Sync for Loop {}

/// Bytes of what is known of the pieces of sequences, for each worker.
const PARTIALS: usize = 1 << 20;
/// Bytes of all chunks of a unit: what it reads is still in L2 when it is computed.
const CHUNKS: usize = 1 << 20;
/// Bytes of all chunks of a unit that takes rows together: those are worth more than L2.
const LARGE_CHUNKS: usize = 64 << 20;
/// Nanoseconds that a byte takes from or to a store, at least.
const TRANSFER: f32 = 0.03;
/// Bytes of a loop that are read and written at the speed of L1, and of L2.
const IN_L1: f32 = 32e3;
const IN_L2: f32 = 4e6;
/// Nanoseconds of an element that is reduced outside the tile's code, and of one that is copied
/// from or to strided memory.
const REDUCED: f32 = 0.06;
const COPIED: f32 = 0.3;
/// Nanoseconds that a byte takes from or to L2, and beyond it.
const FROM_L2: f32 = 0.011;
const FROM_MEMORY: f32 = 0.025;
/// Rows of a unit that are transferred together.
const TURNED_ROWS: usize = 512;

/// Elements of the rows that are reduced in one call, in place: they fit in L1.
const BUNDLE: usize = 2 << 10;

/// Whether a loop whose sequences run along its rows takes several rows at a time: code of short
/// rows, whose call would cost more than the elements, and reductions of arrays as they lie.
fn bundles(tile: &Tile<'_>, nest: &Nest, operands: &[Bound]) -> bool {
    let [_] = *nest.rows else { return false };
    let columns = count(&nest.columns);
    let short = tile.code.is_none() || columns <= SHORT_ROW;
    let suits = |o: &Bound| {
        let dense = o.operand.path.rows[0] == (columns * o.size) as isize;
        o.access == Access::InPlace && !o.operand.is_buffered() && (tile.code.is_none() || dense)
    };
    short && columns > 0 && operands.iter().all(suits)
}

/// Approximate nanoseconds of a loop on one thread. Loads and stores overlap the rest.
fn time(elements: f32, cost: f32, operands: &[Bound], folds: &[Fold]) -> f32 {
    let (mut cost, mut bytes) = (cost + REDUCED * folds.len() as f32, 0);
    for Bound { access, size, .. } in operands {
        match access {
            Access::Splat | Access::Repeated | Access::Cycled(_) => {}
            Access::InPlace | Access::Streamed => bytes += size,
            Access::Staged | Access::Panel(_) => {
                bytes += size;
                cost += COPIED;
            }
        }
    }
    let moved = elements * bytes as f32;
    let each = match moved {
        _ if moved <= IN_L1 => 0.0,
        _ if moved <= IN_L2 => FROM_L2,
        _ => FROM_MEMORY,
    };
    (elements * cost).max(moved * each)
}

impl Loop {
    /// Binds a tile to its operands, each with its way through the nest. `inputs` and `outputs`
    /// come in the order of the tile's table. `cells` is only read when the loop runs.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no memory for scratch.
    pub fn new(
        tile: &Tile<'_>,
        nest: Nest,
        inputs: Vec<Operand>,
        outputs: Vec<Operand>,
        folds: Vec<Fold>,
        cells: *const Cell,
        pool: &Pool,
    ) -> Result<Loop, OutOfMemory> {
        let [outers, rows, columns] = [&nest.outer, &nest.rows, &nest.columns].map(|e| count(e));
        let n = outers * rows * columns;
        let width: usize = inputs.iter().chain(&outputs).map(Operand::size).sum();
        let in_memory = |o: &&Operand| o.store().is_none();
        let apart: usize = inputs.iter().chain(&outputs).filter(in_memory).map(Operand::size).sum();
        let stored =
            apart < width || folds.iter().any(|fold| fold.storage.location.store().is_some());
        let streams = apart.saturating_mul(n) > nontemporal::last_level_cache();
        let inputs_end = inputs.len();
        let mut operands: Vec<Bound> = reserve(inputs.len() + outputs.len())?;
        let mut panels = 0;
        for (i, operand) in inputs.into_iter().chain(outputs).enumerate() {
            let output = i >= inputs_end;
            let access = access(&operand, &nest, output && streams, &mut panels);
            let size = operand.size();
            let direction = match operand.store() {
                Some(_) => Direction::of(&nest, &operand.path, size),
                None => Direction::Rows,
            };
            operands.push(Bound { operand, size, output, access, direction, shared: false });
        }
        let streams = operands.iter().any(|o| o.access == Access::Streamed);

        let block = tile.block;
        // If every input that may repeat has one element a row, a block of copies of each is enough.
        let repeated = || tile.repeated.iter().map(|input| *input as usize);
        let repeats =
            !tile.repeated.is_empty() && repeated().all(|i| operands[i].access == Access::Splat);
        if repeats {
            repeated().for_each(|i| operands[i].access = Access::Repeated);
        }
        let staged =
            |o: &&Bound| !matches!(o.access, Access::InPlace | Access::Panel(_) | Access::Repeated);
        let staged = operands.iter().filter(staged).count();
        let widest = operands.iter().map(|o| o.size).max().unwrap_or(8);
        let panel = Shape::new(&operands, &nest, folds.len());
        let work = time(n as f32, tile.cost, &operands, &folds)
            + n as f32 * TRANSFER * (width - apart) as f32;
        let largest = n.max(tile.together);
        let workers =
            pool.most_workers(largest.div_ceil(PIECE), work.max(largest as f32 * tile.cost));
        // Chunks cut the sequences of scans, whose pieces follow each other.
        let workers = if stored && !tile.scans.is_empty() { 1 } else { workers };
        let leaf = folds.first().map_or(1, |fold| fold.reducer.leaf());
        let directions =
            operands.iter().filter(|o| o.operand.store().is_some()).map(|o| o.direction);
        let turned = directions.clone().any(|direction| direction == Direction::Columns);
        // Elements of a thread's chunks: as many as are good, and as there is memory for. More
        // than a cache holds are good where rows are transferred together, if there are units for
        // all threads then.
        let elements = |bytes: usize| bytes / (width - apart).max(1);
        let most = elements(tile.memory / (4 * workers));
        let least = match nest.along {
            Along::Nothing => 1,
            Along::Columns => leaf,
            Along::Rows => TURNED_ROWS,
        };
        let large = elements(LARGE_CHUNKS).min(most / tile.loops.max(1)).min(n / (4 * workers));
        let together = directions.map(|d| d.unit(&nest, TURNED_ROWS, least.min(columns), large));
        let together = together.max().unwrap_or(1);
        let chunk = stored.then(|| elements(CHUNKS).min(most).max(together));
        // Rows that stay together, so that a chunk may be so many columns wide.
        let near = nest.rows.last().copied().unwrap_or(1).max(1);
        let down = if turned { TURNED_ROWS.min(near) } else { panel.most_rows() };
        let highest = if nest.along == Along::Rows { leaf } else { down };
        let widest_chunk = if stored { power_of_two_within(most / highest) } else { LONGEST_TILE };

        let longest = if streams { nontemporal::PIECE / widest } else { LONGEST_TILE };
        let accumulates =
            nest.along == Along::Columns && tile.carries.iter().any(|carry| carry.state.is_some());
        let cold = if accumulates { tile.rest_slots } else { 0 };
        let slots = tile.table.slots.saturating_sub(cold) + staged;
        // Several rows share a tile if sequences run along the rows.
        let scans = !tile.scans.is_empty();
        let bundled = nest.along == Along::Rows && !scans && bundles(tile, &nest, &operands);
        let dense = if bundled && tile.code.is_some() { n } else { columns };
        let length = tile_length(dense.min(panel.columns), slots, widest);
        let state_bytes: usize = tile.scans.iter().map(|scan| scan.scanner.bytes(rows, 1)).sum();
        let lanes = most_lanes(&folds, state_bytes);
        let widest_tile = if nest.along == Along::Rows { lanes } else { LONGEST_TILE };
        let length = length.min(longest.max(64)).min(widest_tile).min(widest_chunk);
        let bundle = match (bundled, tile.code) {
            (false, _) => 1,
            // A multiple of the rows that an accumulator takes one after another.
            (true, None) => (BUNDLE / columns).max(1).next_multiple_of(ROWS),
            (true, Some(_)) if length / columns > ROWS => length / columns / ROWS * ROWS,
            (true, Some(_)) => (length / columns).max(1),
        };

        let cut = Cut {
            nest: &nest,
            n,
            workers,
            length,
            panel_rows: panel.most_rows(),
            down,
            chunk,
            turned,
            lanes,
            scans,
            partials: (workers * PARTIALS).max(if stored { tile.memory / 2 } else { 0 }),
        };
        let (grid, level) = cut.grid([outers, rows, columns], &folds);
        let pieces = match nest.along {
            Along::Nothing => 0,
            Along::Columns => grid.column_blocks,
            Along::Rows => grid.row_blocks,
        };
        let sequences = match nest.along {
            Along::Nothing => 0,
            Along::Columns => rows,
            Along::Rows => outers * columns,
        };
        let partials_count = if pieces > 1 { pieces * folds.len() * sequences } else { 0 };
        let mut partials = reserve(partials_count)?;
        partials.resize_with(partials_count, UnsafeCell::default);

        let workers = match tile.together {
            0 => workers.min(grid.units()).max(1),
            _ => workers,
        };
        let mut list = reserve(workers)?;
        for _ in 0..workers {
            let room = Room { tile, length, block, panel, panels };
            let worker = Worker::new(&room, &operands, &folds, &nest, &grid, cells)?;
            list.push(UnsafeCell::new(worker));
        }
        let in_place = |o: &Bound| o.access == Access::InPlace && !o.operand.is_buffered();
        let simple = n > 0 && n == columns && n <= length;
        let simple = simple && folds.is_empty() && !scans && operands.iter().all(in_place);
        let simple = simple && tile.code.is_some();
        let whole = n.is_multiple_of(block) || tile.inward && n >= block;
        let one_tile = match (simple, whole) {
            (true, true) => OneTile::InPlace(n),
            // Staging holds a block.
            (true, false) if n < block => OneTile::Staged(n),
            _ => OneTile::No,
        };
        if let (Some(worker), OneTile::InPlace(_)) = (list.first_mut(), one_tile) {
            for (i, Bound { operand, .. }) in operands.iter().enumerate() {
                if let Some(first) = operand.first() {
                    worker.get_mut().table[1 + i] = first;
                }
            }
        }
        Ok(Loop {
            code: tile.code.cloned(),
            block,
            inward: tile.inward,
            carries: tile.carries.into(),
            nest,
            grid,
            operands,
            folds,
            tile: length,
            panel,
            level,
            workers: list,
            partials,
            work,
            streams,
            one_tile,
            stored,
            accumulates,
            scans,
            bundle,
        })
    }

    /// Moves an array by some bytes: another one lies there, of the same shape and strides. What was
    /// decided for the first holds if the arrays of the loop lie to each other as before.
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

    /// Elements that the loop goes through.
    pub fn elements(&self) -> usize {
        self.grid.outers * self.grid.rows * self.grid.columns
    }

    /// Forgets results on their way to stores that an earlier run has left.
    fn clear_results(&mut self) {
        let workers = self.workers.iter_mut().map(UnsafeCell::get_mut);
        workers.flat_map(|w| &mut w.results).for_each(Results::clear);
    }

    /// Whether it is a single tile of contiguous operands.
    pub fn is_one_tile(&self) -> bool {
        !matches!(self.one_tile, OneTile::No)
    }

    /// Runs a loop that [is one tile](Loop::is_one_tile); returns advisory flags.
    ///
    /// # Safety
    /// As [`Loop::run`].
    #[inline]
    pub unsafe fn run_one_tile(&mut self) -> u32 {
        let _environment = FpEnv::enter();
        let (Some(code), Some(worker)) = (&self.code, self.workers.first_mut()) else { return 0 };
        let worker = worker.get_mut();
        match self.one_tile {
            // SAFETY: the table holds the operands, which have `n` elements: whole blocks, or at
            // least one if the code ends with the last element.
            OneTile::InPlace(n) => unsafe { code.run(worker.table.as_ptr(), n) },
            OneTile::Staged(n) => {
                let copies = || self.operands.iter().zip(&worker.staging);
                for (Bound { operand, size, .. }, staging) in copies().filter(|(o, _)| !o.output) {
                    if let Some(first) = operand.first() {
                        let short = usize::from(injected(Fault::TailReadOneShort));
                        // SAFETY: the operand has `n` elements, and staging room for a block.
                        unsafe { staging.copy_from_nonoverlapping(first, (n - short) * size) };
                    }
                }
                // SAFETY: the table holds staging buffers, with room for a block.
                let flags = unsafe { code.run(worker.table.as_ptr(), n) };
                for (Bound { operand, size, .. }, staging) in copies().filter(|(o, _)| o.output) {
                    if let Some(first) = operand.first() {
                        let short = usize::from(injected(Fault::TailOneShort));
                        // SAFETY: as above.
                        unsafe { first.copy_from_nonoverlapping(*staging, (n - short) * size) };
                    }
                }
                flags
            }
            OneTile::No => 0,
        }
    }

    /// Runs the loop; returns advisory flags.
    ///
    /// # Errors
    /// [`Stop`] if the control says so; outputs are then undefined.
    ///
    /// # Safety
    /// The operands' memory and the cells given to [`Loop::new`] are valid, outputs and results
    /// writable and read by nobody else but as an exactly equal, staged input; the tile function
    /// matches its [`Tile`].
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
        if self.stored {
            self.clear_results();
        }
        let state = State::default();
        let run = Run { work: self, control, progress, state: &state };
        let units = self.grid.units();
        let workers = driver.workers(self.workers.len(), units, self.work);
        let next = AtomicUsize::new(0);
        if workers > 1 && self.stored {
            // All at work on one place of what is read, from its beginning to its end.
            driver.run(workers, workers, &|_, worker| {
                let _environment = FpEnv::enter();
                run.units(&next, units, worker);
            });
        } else if workers > 1 {
            let missing = usize::from(injected(Fault::LastUnitMissing));
            driver.run(workers, units - missing, &|unit, worker| {
                let _environment = FpEnv::enter();
                run.unit(unit, worker);
            });
        }
        // Not around a host's loop, which may run something else here too.
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
