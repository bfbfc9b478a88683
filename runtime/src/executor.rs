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
//! Operands in stores, files say, have no memory: each unit reads its part into a window of its
//! own thread, and writes windows of outputs back. Units are then as small as a cache, so that
//! threads read, compute and write at once, and what is kept does not grow with the arrays.

use std::cell::UnsafeCell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::cell::Cell;
use crate::control::{Control, Progress, Stop};
use crate::drive::Driver;
use crate::fault::{Fault, injected};
use crate::fpenv::FpEnv;
use crate::memory::{OutOfMemory, reserve};
use crate::nest::{Along, Nest, Path};
use crate::pool::Pool;
use crate::reduce::{Columns, Partial, Reducer, Sequence, Tree};
use crate::store::Store;
use crate::stream;
use crate::strided::{
    Panel, gather, gather_block, is_contiguous, scatter, scatter_block, swap_bytes,
};
use crate::tile::{TileCode, TileTable};
use crate::window::{PICKED, Piece, Results, Way, steps};

/// What a loop needs to know of its tile.
#[derive(Clone, Copy)]
pub struct Tile<'a> {
    /// What computes its elements; `None` if there is nothing to compute but reductions.
    pub code: Option<&'a TileCode>,
    /// Elements that one turn of its loops takes; in-place operands are handed to it in
    /// multiples of this. At most 64, a power of two.
    pub block: usize,
    /// The layout of its table; a scratch slot has 8 bytes an element.
    pub table: TileTable,
    /// The addresses of the block kernels that it calls through the table.
    pub kernels: &'a [usize],
    /// Where in the table it leaves what is reduced, for each of the loop's folds.
    pub reduced: &'a [usize],
    /// Rough nanoseconds an element.
    pub cost: f32,
    /// Bytes that a loop over stores may keep, roughly: windows, and what is known of pieces of
    /// sequences.
    pub memory: usize,
    /// Loops that are bound at once, each with windows of its own.
    pub loops: usize,
}

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
}

/// A reduction of a loop, and the array that takes its results: one for each sequence.
#[derive(Clone, Debug)]
pub struct Fold {
    /// What is computed.
    pub reducer: Reducer,
    /// The results' first element, or its offset in the store.
    pub pointer: *mut u8,
    /// Where the results are if they are not in memory.
    pub store: Option<Store>,
    /// The way of the results through the nest; steps along the sequences do not count.
    pub path: Path,
    /// Whether the bytes of each result are in the other order than this machine's.
    pub swapped: bool,
}

/// How the tile gets at an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Where it is.
    InPlace,
    /// Through a copy of each tile.
    Staged,
    /// Through a copy of each panel, at this place of the worker's panels.
    Panel(usize),
    /// An output that is written past the caches.
    Streamed,
}

struct Bound {
    operand: Operand,
    output: bool,
    access: Access,
    /// How it is best transferred, if it is in a store.
    way: Way,
}

/// The scratch of one thread.
struct Worker {
    /// Backs the slots, the staging buffers and the panels; only addressed through pointers.
    _memory: Vec<CacheLine>,
    table: Vec<*mut u8>,
    staging: Vec<*mut u8>,
    panels: Vec<*mut u8>,
    /// Where the operands' current outer turn and current row start.
    outer: Vec<*mut u8>,
    row: Vec<*mut u8>,
    /// For each operand in a store: its window, and bytes from row to row of it.
    windows: Vec<(*mut u8, usize)>,
    /// What is read from stores before elements are picked out of it.
    picked: *mut u8,
    /// The first row and column that the windows hold.
    first: [usize; 2],
    /// For each fold, results on their way to a store.
    results: Vec<Results>,
    /// For each fold the sequences of a panel's rows.
    sequences: Vec<Sequence>,
    /// For each fold those that run side by side, a tile's together.
    columns: Vec<Columns>,
    finished: Vec<Partial>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct CacheLine([u8; 64]);

/// How a loop is cut into units.
#[derive(Clone, Copy, Debug)]
struct Grid {
    outers: usize,
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
    row_blocks: usize,
    column_blocks: usize,
}

impl Grid {
    fn new([outers, rows, columns]: [usize; 3], row_step: usize, column_step: usize) -> Grid {
        let (row_step, column_step) = (row_step.max(1), column_step.max(1));
        let (row_blocks, column_blocks) = (rows.div_ceil(row_step), columns.div_ceil(column_step));
        Grid { outers, rows, columns, row_step, column_step, row_blocks, column_blocks }
    }

    fn units(&self) -> usize {
        self.outers * self.row_blocks * self.column_blocks
    }

    /// Tiles in a block of columns.
    fn tiles(&self, length: usize) -> usize {
        self.column_step.min(self.columns).div_ceil(length)
    }

    /// The outer turn, the block of rows and the block of columns of a unit.
    fn place(&self, unit: usize) -> [usize; 3] {
        if unit == 0 {
            // Small loops have no other, and no time for divisions.
            return [0; 3];
        }
        let (rows, columns) = (self.row_blocks, self.column_blocks);
        [unit / (rows * columns), unit / columns % rows, unit % columns]
    }
}

/// A tile function bound to its operands; runs any number of times.
pub struct Loop {
    code: Option<TileCode>,
    block: usize,
    reduced: Box<[usize]>,
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
    /// Elements of a loop that is a single tile in place: its table never changes.
    one_tile: Option<usize>,
    /// Whether an operand or a result is in a store.
    stored: bool,
}

// SAFETY: the raw pointers are operands whose validity the caller of `run` promises, and scratch
// owned by the loop; a worker or a partial is only touched by the one thread it belongs to.
unsafe impl Send for Loop {}
// SAFETY: as above.
unsafe impl Sync for Loop {}

/// Elements from which a loop may be cut, and the least that is cut off.
const PIECE: usize = 4096;
/// The most elements of a unit, so that progress and cancellation are seen.
const LARGE_UNIT: usize = 1 << 20;
/// The logarithm of the most units that are worth having.
const MOST_UNITS: u32 = 16;
/// Scratch that stays in half of a 32 KiB L1.
const SCRATCH: usize = 16 << 10;
/// The longest run of an array's bytes that one step reads before another array has its turn:
/// half a page. The hardware forgets how an array was being read if it is left alone for longer,
/// and then every tile starts with misses: `exp(a) + log1p(b)*c` takes 1.5 times as long.
const STRETCH: usize = 2 << 10;
/// The longest tile.
const LONGEST_TILE: usize = 4096;
/// Bytes of all panels and of the sequences of their rows.
const PANELS: usize = 512 << 10;
/// Bytes of the accumulators of sequences that run side by side: they stay in L2.
const LANES: usize = 256 << 10;
/// Sequences that are finished between two looks at the control.
const BETWEEN_LOOKS: usize = 1024;
/// Bytes of what is known of the pieces of sequences, for each worker.
const PARTIALS: usize = 1 << 20;
/// Bytes of all windows of a unit: what it reads is still in L2 when it is computed.
const WINDOWS: usize = 1 << 20;
/// Bytes of all windows of a unit that takes rows together: those are worth more than L2.
const LARGE_WINDOWS: usize = 64 << 20;
/// Nanoseconds that a byte takes from or to a store, at least.
const TRANSFER: f32 = 0.1;
/// Rows of a unit that are transferred together.
const TURNED_ROWS: usize = 512;
/// What the hardware reads ahead within.
const PAGE: usize = 4096;
/// Elements of a panel that is one row.
const FLAT_PANEL: usize = 16 << 10;

/// The extents of panels. Without any, a row is one.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// Rows of the first panels of an axis, and of the others.
    first: usize,
    rows: usize,
    columns: usize,
    /// Bytes from one row of a copy to the next.
    stride: usize,
}

impl Shape {
    /// The panels that suit the first operand that needs them.
    fn new(operands: &[Bound], nest: &Nest, folds: usize) -> Shape {
        let turned = |o: &&Bound| matches!(o.access, Access::Panel(_));
        let Some(Bound { operand, .. }) = operands.iter().find(turned) else {
            return Shape { first: 1, rows: 1, columns: usize::MAX, stride: 0 };
        };
        let [step] = *operand.path.columns else {
            return Shape { first: 1, rows: 1, columns: FLAT_PANEL, stride: 0 };
        };
        let array = operand.pointer.wrapping_offset(operand.path.offset);
        let Panel { first, rows, columns } = Panel::new(array, step, operand.size);
        let widest = operands.iter().map(|o| o.operand.size).max().unwrap_or(8);
        // So many at least that the rows of other operands are not cut too short.
        let columns = columns.max(PAGE / widest);
        let columns = columns.min(count(&nest.columns).next_power_of_two().max(64));
        // One line more than needed, so that rows do not meet in one set of a cache.
        let stride = columns * widest + 64;
        let panels = operands.iter().filter(turned).count();
        // Each row is a sequence of each fold.
        let row = panels * stride + folds * size_of::<Sequence>();
        let line = (64 / operand.size.max(1)).max(1);
        let most = (PANELS / row / line * line).max(1);
        let most = nest.rows.last().copied().unwrap_or(1).clamp(1, most);
        Shape { first: first.min(most), rows: rows.min(most), columns, stride }
    }

    /// The most rows of a panel.
    fn most_rows(&self) -> usize {
        self.rows.max(self.first)
    }

    /// Where the panel that holds a row of an axis ends.
    fn end(&self, row: usize) -> usize {
        match row.checked_sub(self.first) {
            None => self.first,
            Some(after) => self.first + (after / self.rows + 1) * self.rows,
        }
    }
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
        let width: usize = inputs.iter().chain(&outputs).map(|o| o.size).sum();
        let in_memory = |o: &&Operand| o.store.is_none();
        let apart: usize = inputs.iter().chain(&outputs).filter(in_memory).map(|o| o.size).sum();
        let stored = apart < width || folds.iter().any(|fold| fold.store.is_some());
        let streams = apart.saturating_mul(n) > stream::last_level_cache();
        let inputs_end = inputs.len();
        let mut operands: Vec<Bound> = reserve(inputs.len() + outputs.len())?;
        let mut panels = 0;
        for (i, operand) in inputs.into_iter().chain(outputs).enumerate() {
            let output = i >= inputs_end;
            let access = access(&operand, &nest, output && streams, &mut panels);
            let way = match operand.store {
                Some(_) => Way::of(&nest, &operand.path, operand.size),
                None => Way::Rows,
            };
            operands.push(Bound { operand, output, access, way });
        }
        let streams = operands.iter().any(|o| o.access == Access::Streamed);

        let reduces = tile.code.is_some() && nest.along == Along::Columns && !folds.is_empty();
        let block = if reduces { tile.block.max(64) } else { tile.block };
        let staged = |o: &&Bound| matches!(o.access, Access::Staged | Access::Streamed);
        let staged = operands.iter().filter(staged).count();
        let widest = operands.iter().map(|o| o.operand.size).max().unwrap_or(8);
        let panel = Shape::new(&operands, &nest, folds.len());
        let work = n as f32 * (tile.cost + TRANSFER * (width - apart) as f32);
        let workers = pool.most_workers(n.div_ceil(PIECE), work);
        let leaf = folds.first().map_or(1, |fold| fold.reducer.leaf());
        let ways = operands.iter().filter(|o| o.operand.store.is_some()).map(|o| o.way);
        let turned = ways.clone().any(|way| way == Way::Turned);
        // Elements of a thread's windows: as many as are good, and as there is memory for. More
        // than a cache holds are good where rows are transferred together, if there are units for
        // all threads then.
        let elements = |bytes: usize| bytes / (width - apart).max(1);
        let most = elements(tile.memory / (4 * workers));
        let least = match nest.along {
            Along::Nothing => 1,
            Along::Columns => leaf,
            Along::Rows => TURNED_ROWS,
        };
        let large = elements(LARGE_WINDOWS).min(most / tile.loops.max(1)).min(n / (4 * workers));
        let together = ways.map(|way| way.unit(&nest, TURNED_ROWS, least.min(columns), large));
        let together = together.max().unwrap_or(1);
        let window = stored.then(|| elements(WINDOWS).min(most).max(together));
        // Rows that stay together, so that a window may be so many columns wide.
        let near = nest.rows.last().copied().unwrap_or(1).max(1);
        let down = if turned { TURNED_ROWS.min(near) } else { panel.most_rows() };
        let highest = if nest.along == Along::Rows { leaf } else { down };
        let widest_window = if stored { power_of_two_within(most / highest) } else { LONGEST_TILE };

        let longest = if streams { stream::PIECE / widest } else { LONGEST_TILE };
        let length = tile_length(columns.min(panel.columns), tile.table.slots + staged, widest);
        let lanes = if nest.along == Along::Rows { most_lanes(&folds) } else { LONGEST_TILE };
        let length = length.min(longest.max(64)).min(lanes).min(widest_window);

        let cut = Cut {
            nest: &nest,
            n,
            workers,
            length,
            panel_rows: panel.most_rows(),
            down,
            window,
            turned,
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

        let workers = workers.min(grid.units()).max(1);
        let mut list = reserve(workers)?;
        for _ in 0..workers {
            let room = Room { tile, length, block, panel, panels };
            let worker = Worker::new(&room, &operands, &folds, &nest, &grid, cells)?;
            list.push(UnsafeCell::new(worker));
        }
        let in_place = |o: &Bound| o.access == Access::InPlace && o.operand.store.is_none();
        let simple = n > 0 && n == columns && n <= length && n.is_multiple_of(block);
        let simple = simple && folds.is_empty() && operands.iter().all(in_place);
        if let Some(worker) = list.first_mut().filter(|_| simple) {
            for (i, Bound { operand, .. }) in operands.iter().enumerate() {
                let first = operand.pointer.wrapping_offset(operand.path.offset);
                worker.get_mut().table[1 + i] = first;
            }
        }
        Ok(Loop {
            code: tile.code.cloned(),
            block,
            reduced: tile.reduced.into(),
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
            one_tile: simple.then_some(n),
            stored,
        })
    }

    /// Elements that the loop goes through.
    pub fn elements(&self) -> usize {
        self.grid.outers * self.grid.rows * self.grid.columns
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
        if let (Some(n), Some(code)) = (self.one_tile, &self.code) {
            let _environment = FpEnv::enter();
            control.check()?;
            // SAFETY: the table holds the operands, which have `n` elements: whole blocks.
            let flags = unsafe { code.run(self.workers[0].get_mut().table.as_ptr(), n) };
            if let Some(progress) = progress {
                progress.add(n as u64);
            }
            return Ok(flags);
        }
        if self.stored {
            let workers = self.workers.iter_mut().map(UnsafeCell::get_mut);
            workers.flat_map(|w| &mut w.results).for_each(Results::clear);
        }
        let run = Run {
            work: self,
            control,
            progress,
            flags: AtomicU32::new(0),
            stopped: AtomicBool::new(false),
            stop: Mutex::new(None),
        };
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
        let (flags, stop) = (run.flags.into_inner(), run.stop.into_inner());
        if let Some(stop) = stop.unwrap_or_else(PoisonError::into_inner) {
            return Err(stop);
        }
        // SAFETY: results are writable, by the caller's promise.
        unsafe { self.combine(control) }?;
        Ok(flags)
    }

    /// Sequences.
    fn sequences(&self) -> usize {
        match self.nest.along {
            Along::Nothing => 0,
            Along::Columns => self.grid.rows,
            Along::Rows => self.grid.outers * self.grid.columns,
        }
    }

    /// Results of sequences that were cut, and of those without elements.
    ///
    /// # Safety
    /// Results are writable.
    unsafe fn combine(&mut self, control: &Control) -> Result<(), Stop> {
        let (sequences, folds) = (self.sequences(), self.folds.len());
        let empty = match self.nest.along {
            Along::Nothing => false,
            Along::Columns => self.grid.columns == 0,
            Along::Rows => self.grid.rows == 0,
        };
        if self.partials.is_empty() && !empty {
            return Ok(());
        }
        let mut tree = Tree::new();
        let results = &mut self.workers[0].get_mut().results;
        for ((i, fold), results) in self.folds.iter().enumerate().zip(results) {
            let nothing = fold.reducer.result(None);
            for sequence in 0..sequences {
                if sequence % BETWEEN_LOOKS == 0 {
                    control.check()?;
                }
                let mut result = nothing;
                if !empty {
                    tree.clear();
                    let pieces = self.partials.len() / (folds * sequences);
                    for piece in 0..pieces {
                        let turned = injected(Fault::PiecesReversed);
                        let piece = if turned { pieces - 1 - piece } else { piece };
                        let at = (piece * folds + i) * sequences + sequence;
                        if let Some(partial) = *self.partials[at].get_mut() {
                            tree.push_block(&fold.reducer, self.level, partial);
                        }
                    }
                    result = fold.reducer.result(tree.finish(&fold.reducer).as_ref());
                }
                // SAFETY: the sequence is one of the nest's.
                unsafe { fold.write(&self.nest, &self.grid, sequence, result, results) }?;
            }
            fold.finish(results)?;
        }
        Ok(())
    }
}

impl Fold {
    /// # Safety
    /// The sequence is one of the nest's, whose results are writable.
    unsafe fn write(
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
    fn finish(&self, results: &mut Results) -> Result<(), Stop> {
        match &self.store {
            Some(store) => results.finish(store).map_err(Stop::Failed),
            None => Ok(()),
        }
    }
}

fn count(extents: &[usize]) -> usize {
    extents.iter().product()
}

fn access(operand: &Operand, nest: &Nest, streams: bool, panels: &mut usize) -> Access {
    let Operand { size, path, staged, swapped, .. } = operand;
    if operand.store.is_some() {
        // A window is contiguous.
        return Access::InPlace;
    }
    let contiguous = is_contiguous(&nest.columns, &path.columns, *size);
    match contiguous {
        true if *staged || *swapped => Access::Staged,
        true if streams => Access::Streamed,
        true => Access::InPlace,
        false if path.turned && (nest.columns.len() == 1 || nest.along != Along::Rows) => {
            *panels += 1;
            Access::Panel(*panels - 1)
        }
        false => Access::Staged,
    }
}

/// A tile's length: a power of two that divides a leaf and whose scratch stays in L1. Without
/// slots it is one step, and as long as a leaf.
fn tile_length(columns: usize, slots: usize, widest: usize) -> usize {
    let fits =
        if slots == 0 { LONGEST_TILE } else { (SCRATCH / (8 * slots)).min(STRETCH / widest) };
    power_of_two_within(fits).min(LONGEST_TILE).min(columns.next_power_of_two()).max(64)
}

/// The largest length of a tile that is not beyond a limit; at least the shortest.
fn power_of_two_within(limit: usize) -> usize {
    1 << limit.max(64).ilog2()
}

/// The most sequences that run side by side.
fn most_lanes(folds: &[Fold]) -> usize {
    // A sequence of 32-element leaves has so many accumulators; one of 128 rows has one.
    let accumulators = |fold: &Fold| fold.reducer.leaf() / 128;
    let bytes: usize = folds.iter().map(|fold| 8 * accumulators(fold)).sum();
    power_of_two_within(LANES / bytes.max(1))
}

/// What decides about the grid.
struct Cut<'a> {
    nest: &'a Nest,
    n: usize,
    workers: usize,
    length: usize,
    panel_rows: usize,
    /// Rows that stay together.
    down: usize,
    /// The most elements of a unit with windows, if there are any, roughly.
    window: Option<usize>,
    /// Whether windows are of arrays that lie along the rows.
    turned: bool,
    /// Bytes for what is known of the pieces of sequences.
    partials: usize,
}

impl Cut<'_> {
    /// The grid, and the level of a sequence's pieces in its tree.
    fn grid(&self, [outers, rows, columns]: [usize; 3], folds: &[Fold]) -> (Grid, u32) {
        // About eight units a thread even out uneven threads; there are never so many that going
        // through them takes long when a run has been stopped.
        let most = LARGE_UNIT.max(self.n >> MOST_UNITS);
        let wanted = match (self.window, self.workers) {
            (Some(window), _) => window.max(PIECE),
            (None, 1) => most,
            (None, workers) => (self.n / (8 * workers)).clamp(PIECE, most),
        };
        let too_long = |elements: usize| self.window.is_some() && elements > wanted;
        let leaf = folds.first().map_or(PIECE, |fold| fold.reducer.leaf());
        // A power of two of leaves: of at least so many elements, or of as many as a window has.
        let level_of = |elements: usize| match self.window {
            Some(_) => (elements / leaf).max(1).ilog2(),
            None => elements.div_ceil(leaf).next_power_of_two().ilog2(),
        };
        // Rows that are read together limit the columns of a window.
        let down = self.down;
        let (row_step, column_step, level) = match self.nest.along {
            Along::Nothing => {
                let across = match self.window {
                    Some(_) if down > 1 => (wanted / down).next_multiple_of(self.length),
                    _ => wanted.next_multiple_of(PIECE),
                };
                let column_step = across.min(columns.max(1));
                let row_step = (wanted / columns.max(1)).max(down);
                (row_step, column_step, 0)
            }
            Along::Columns => {
                let few = self.workers > 1 && rows < 2 * self.workers * down;
                let level = match few || too_long(columns.saturating_mul(down)) {
                    true if self.window.is_some() => level_of(wanted / down),
                    true => level_of(wanted),
                    false => 63 - leaf.ilog2(),
                };
                let level = self.fewer_pieces(level, leaf, columns, rows * folds.len());
                let across = if self.turned { columns.min(leaf << level) } else { columns };
                let row_step = (wanted / across.max(1)).clamp(1, rows.max(1));
                (row_step.max(self.panel_rows), leaf << level, level)
            }
            Along::Rows => {
                let lanes = match self.window {
                    Some(_) if self.turned => most_lanes(folds).min(wanted / leaf.max(down)),
                    Some(_) => most_lanes(folds).min(wanted / leaf),
                    None => most_lanes(folds),
                };
                let lanes = (lanes / self.length).max(1) * self.length;
                let few = self.workers > 1 && outers * columns.div_ceil(lanes) < 2 * self.workers;
                let cut = few || too_long(rows.saturating_mul(lanes.min(columns)));
                let level = match cut {
                    true => level_of(wanted / lanes.min(columns.max(1))),
                    false => 63 - leaf.ilog2(),
                };
                let sequences = outers * columns * folds.len();
                let level = self.fewer_pieces(level, leaf, rows, sequences);
                (leaf << level, lanes, level)
            }
        };
        let grid = Grid::new([outers, rows, columns], row_step, column_step);
        (grid, level)
    }

    /// The level of larger pieces, if what is known of them would take too much memory.
    fn fewer_pieces(&self, level: u32, leaf: usize, length: usize, sequences: usize) -> u32 {
        let bytes = |level: &u32| match length.div_ceil(leaf << level) {
            0 | 1 => 0,
            pieces => pieces.saturating_mul(sequences * size_of::<Option<Partial>>()),
        };
        let fits = |level: &u32| bytes(level) <= self.partials;
        (level..63 - leaf.ilog2()).find(fits).unwrap_or(63 - leaf.ilog2())
    }
}

/// What a worker's scratch is made for.
struct Room<'a> {
    tile: &'a Tile<'a>,
    length: usize,
    block: usize,
    panel: Shape,
    panels: usize,
}

impl Worker {
    fn new(
        room: &Room<'_>,
        operands: &[Bound],
        folds: &[Fold],
        nest: &Nest,
        grid: &Grid,
        cells: *const Cell,
    ) -> Result<Worker, OutOfMemory> {
        let Room { tile, length, block, panel, panels } = *room;
        let slots = tile.table.slots;
        // One line more than needed, so that equal offsets of two slots differ modulo 4 KiB.
        let lines = |elements: usize| elements * 8 / 64 + 1;
        let staged = |o: &Bound| match o.access {
            // Only the last few elements, or a whole tile where lanes are not cut.
            Access::InPlace | Access::Panel(_) if nest.along != Along::Rows => block.max(8),
            _ => length.max(block),
        };
        // A tile may write up to a block beyond its end.
        let beyond = lines(block.max(64));
        let panel_lines = match panels {
            0 => 0,
            _ if panel.stride > 0 => panel.most_rows() * panel.stride.div_ceil(64) + beyond,
            _ => lines(panel.columns.min(grid.columns)) + beyond,
        };
        let rows = grid.rows.min(grid.row_step).max(1);
        let block_columns = grid.columns.min(grid.column_step);
        let stored = |o: &&Bound| o.operand.store.is_some();
        let window = |o: &Bound| (rows * block_columns * o.operand.size).div_ceil(64) + 1;
        let windows = operands.iter().filter(stored).map(window).sum::<usize>();
        let total = slots * lines(length)
            + operands.iter().map(|o| lines(staged(o))).sum::<usize>()
            + panels * panel_lines
            + if windows > 0 { windows + PICKED / 64 } else { 0 };
        let mut memory = reserve(total)?;
        memory.resize(total, CacheLine([0; 64]));
        let base: *mut CacheLine = memory.as_mut_ptr();
        let mut line = 0;
        let mut take = |lines: usize| {
            let pointer = base.wrapping_add(line).cast::<u8>();
            line += lines;
            pointer
        };
        let slots: Vec<*mut u8> = (0..slots).map(|_| take(lines(length))).collect();
        let staging: Vec<*mut u8> = operands.iter().map(|o| take(lines(staged(o)))).collect();
        let panels = (0..panels).map(|_| take(panel_lines)).collect();
        let picked = take(if windows > 0 { PICKED / 64 } else { 0 });
        let no_window = (std::ptr::null_mut(), 0);
        let windows = operands.iter().map(|o| match o.operand.store {
            Some(_) => (take(window(o)), 0),
            None => no_window,
        });
        let windows = windows.collect();
        let mut results = Vec::new();
        for fold in folds {
            let room = if fold.store.is_some() { Results::ROOM } else { 0 };
            results.push(Results::new(reserve(room)?));
        }
        // In the order of `TileTable`.
        let mut table = reserve(1 + operands.len() + slots.len() + tile.kernels.len())?;
        table.push(cells.cast_mut().cast());
        table.extend(&staging);
        table.extend(slots);
        table.extend(tile.kernels.iter().map(|address| *address as *mut u8));
        let (mut sequences, mut columns, mut finished) = (Vec::new(), Vec::new(), Vec::new());
        match nest.along {
            Along::Nothing => {}
            Along::Columns => {
                sequences = reserve(folds.len() * panel.most_rows())?;
                sequences.resize_with(folds.len() * panel.most_rows(), Sequence::new);
            }
            Along::Rows => {
                let lanes = length.min(grid.columns);
                let rows = grid.rows.min(grid.row_step);
                columns = reserve(folds.len() * grid.tiles(length))?;
                for fold in folds {
                    for _ in 0..grid.tiles(length) {
                        columns.push(Columns::new(&fold.reducer, lanes, rows)?);
                    }
                }
                finished = reserve(lanes)?;
                finished.resize(lanes, Partial::default());
            }
        }
        let bases = vec![std::ptr::null_mut(); operands.len()];
        Ok(Worker {
            _memory: memory,
            table,
            staging,
            panels,
            outer: bases.clone(),
            row: bases,
            windows,
            picked,
            first: [0; 2],
            results,
            sequences,
            columns,
            finished,
        })
    }
}

/// One run of a loop, shared by its threads.
struct Run<'a> {
    work: &'a Loop,
    control: &'a Control,
    progress: Option<&'a Progress>,
    flags: AtomicU32,
    stopped: AtomicBool,
    /// Why, the first time.
    stop: Mutex<Option<Stop>>,
}

/// Stops a run's other threads if one of them leaves by a panic, of a source say.
struct Unwound<'a>(&'a AtomicBool);

impl Drop for Unwound<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A block of rows and columns of one outer turn.
struct Block {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Run<'_> {
    /// The next units, until there are no more or the run is stopped.
    fn units(&self, next: &AtomicUsize, units: usize, worker: usize) {
        while !self.stopped.load(Ordering::Relaxed) {
            let unit = next.fetch_add(1, Ordering::Relaxed);
            if unit >= units {
                return;
            }
            self.unit(unit, worker);
        }
    }

    fn unit(&self, unit: usize, worker: usize) {
        if self.stopped.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: the pool gives a worker's number to one thread at a time, so this is the only
        // reference to it.
        let worker = unsafe { &mut *self.work.workers[worker].get() };
        let unwound = Unwound(&self.stopped);
        let done = self.block(unit, worker);
        std::mem::forget(unwound);
        match done {
            Ok(0) => {}
            Ok(flags) => {
                self.flags.fetch_or(flags, Ordering::Relaxed);
            }
            Err(stop) => {
                self.stopped.store(true, Ordering::Relaxed);
                self.stop.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(stop);
            }
        }
    }

    fn block(&self, unit: usize, worker: &mut Worker) -> Result<u32, Stop> {
        let work = self.work;
        assert!(!injected(Fault::WorkerPanics), "a fault is on");
        let grid = &work.grid;
        let [outer, row_block, column_block] = grid.place(unit);
        let from = [row_block * grid.row_step, column_block * grid.column_step];
        let block = Block {
            rows: from[0]..grid.rows.min(from[0].saturating_add(grid.row_step)),
            columns: from[1]..grid.columns.min(from[1].saturating_add(grid.column_step)),
        };
        for (Bound { operand, .. }, base) in work.operands.iter().zip(&mut worker.outer) {
            let Operand { pointer, path, .. } = operand;
            let offset = path.offset + steps(&work.nest.outer, &path.outer, outer);
            *base = pointer.wrapping_offset(offset);
        }
        if work.stored {
            self.control.check()?;
            // SAFETY: the block is part of the nest.
            unsafe { work.fetch(self.control, worker, &block) }?;
        }
        if work.nest.along == Along::Rows {
            let tiles = grid.tiles(work.tile);
            for (fold, columns) in work.folds.iter().zip(worker.columns.chunks_exact_mut(tiles)) {
                for (tile, columns) in block.columns.clone().step_by(work.tile).zip(columns) {
                    let lanes = (block.columns.end - tile).min(work.tile);
                    columns.start(&fold.reducer, lanes, block.rows.start as u64);
                }
            }
        }
        let mut flags = 0;
        let mut row = block.rows.start;
        while row < block.rows.end {
            let rows = row..work.panel_end(row, block.rows.end);
            row = rows.end;
            flags |= self.rows(worker, rows.clone(), &block.columns)?;
            if work.nest.along == Along::Columns {
                for (i, fold) in work.folds.iter().enumerate() {
                    for (at, row) in rows.clone().enumerate() {
                        let sequence = &mut worker.sequences[i * work.panel.most_rows() + at];
                        let partial = sequence.finish(&fold.reducer);
                        let results = &mut worker.results[i];
                        // SAFETY: a sequence's piece is finished by one unit.
                        unsafe { work.keep(i, row, column_block, partial, results) }?;
                    }
                }
            }
        }
        if work.nest.along == Along::Rows {
            let tiles = grid.tiles(work.tile);
            for (i, fold) in work.folds.iter().enumerate() {
                for (at, tile) in block.columns.clone().step_by(work.tile).enumerate() {
                    let lanes = (block.columns.end - tile).min(work.tile);
                    let finished = &mut worker.finished[..lanes];
                    worker.columns[i * tiles + at].finish(&fold.reducer, finished);
                    let first = outer * grid.columns + tile;
                    for (at, partial) in finished.iter().enumerate() {
                        let results = &mut worker.results[i];
                        // SAFETY: as above.
                        unsafe { work.keep(i, first + at, row_block, Some(*partial), results) }?;
                    }
                }
            }
        }
        if work.stored {
            // SAFETY: as above; the windows of outputs have been written.
            unsafe { work.flush(self.control, worker, &block) }?;
        }
        if work.streams {
            stream::fence();
        }
        Ok(flags)
    }

    /// The rows of one panel, or one row.
    fn rows(
        &self,
        worker: &mut Worker,
        rows: Range<usize>,
        columns: &Range<usize>,
    ) -> Result<u32, Stop> {
        let work = self.work;
        if work.nest.along == Along::Columns {
            for (i, fold) in work.folds.iter().enumerate() {
                for at in 0..rows.len() {
                    let sequence = &mut worker.sequences[i * work.panel.most_rows() + at];
                    let first = if injected(Fault::PieceStartsAtZero) { 0 } else { columns.start };
                    sequence.start(&fold.reducer, first as u64);
                }
            }
        }
        let mut flags = 0;
        let mut start = columns.start;
        while start < columns.end {
            let end = columns.end.min(start.saturating_add(work.panel.columns));
            // SAFETY: the block is part of the nest, for which the operands are valid.
            unsafe { work.fill_panels(worker, &rows, start..end) };
            if work.panel.stride > 0 {
                work.foresee(worker, &rows, end..columns.end.min(end + work.panel.columns));
            }
            for (at, row) in rows.clone().enumerate() {
                work.enter_row(worker, row);
                for tile in (start..end).step_by(work.tile) {
                    self.control.check()?;
                    let n = end.min(tile + work.tile) - tile;
                    let in_block = (tile - columns.start) >> work.tile.trailing_zeros();
                    let place = Place { column: tile, at, in_panel: tile - start, in_block };
                    // SAFETY: the tile lies inside the loop, whose operands `Loop::run`'s caller
                    // vouches for.
                    flags |= unsafe { work.run_tile(worker, &place, n) };
                    if let Some(progress) = self.progress {
                        progress.add(n as u64);
                    }
                }
            }
            // SAFETY: as above; outputs are writable.
            unsafe { work.drain_panels(worker, &rows, start..end) };
            start = end;
        }
        Ok(flags)
    }
}

/// Where a tile is: its first column, its row and its first column within the panel, and which
/// tile of its block of columns it is.
#[derive(Clone, Copy)]
struct Place {
    column: usize,
    at: usize,
    in_panel: usize,
    in_block: usize,
}

impl Loop {
    /// Where the panel that starts at a row ends: panels stay inside the innermost axis of rows.
    fn panel_end(&self, row: usize, end: usize) -> usize {
        if self.panel.stride == 0 {
            return row + 1;
        }
        let extent = self.nest.rows.last().copied().unwrap_or(1);
        let at = row % extent;
        end.min(row - at + self.panel.end(at).min(extent))
    }

    fn enter_row(&self, worker: &mut Worker, row: usize) {
        for (i, Bound { operand, .. }) in self.operands.iter().enumerate() {
            worker.row[i] = if operand.store.is_some() {
                let ((window, pitch), [first_row, first]) = (worker.windows[i], worker.first);
                let offset = (row - first_row) * pitch;
                window.wrapping_add(offset).wrapping_sub(first * operand.size)
            } else {
                let offset = steps(&self.nest.rows, &operand.path.rows, row);
                worker.outer[i].wrapping_offset(offset)
            };
        }
    }

    /// A block of an operand that is in a store.
    fn piece<'a>(
        &'a self,
        control: &'a Control,
        worker: &Worker,
        i: usize,
        block: &Block,
    ) -> Option<Piece<'a>> {
        let Bound { operand, way, .. } = &self.operands[i];
        Some(Piece {
            store: operand.store.as_ref()?,
            control,
            way: *way,
            nest: &self.nest,
            path: &operand.path,
            size: operand.size,
            swapped: operand.swapped,
            base: worker.outer[i].addr() as isize,
            rows: block.rows.clone(),
            columns: block.columns.clone(),
        })
    }

    /// Fills the windows of inputs, and gets those of outputs ready.
    ///
    /// # Safety
    /// The block is part of the nest.
    unsafe fn fetch(
        &self,
        control: &Control,
        worker: &mut Worker,
        block: &Block,
    ) -> Result<(), Stop> {
        worker.first = [block.rows.start, block.columns.start];
        for i in 0..self.operands.len() {
            let Some(piece) = self.piece(control, worker, i, block) else { continue };
            let (window, pitch) = &mut worker.windows[i];
            if self.operands[i].output {
                *pitch = block.columns.len() * piece.size;
                continue;
            }
            *pitch = piece.pitch();
            // SAFETY: windows have room for any block of the grid.
            unsafe { piece.fetch(*window, worker.picked) }?;
        }
        Ok(())
    }

    /// Writes the windows of outputs and the results to where they belong.
    ///
    /// # Safety
    /// As [`Loop::fetch`], after all rows of the block.
    unsafe fn flush(
        &self,
        control: &Control,
        worker: &mut Worker,
        block: &Block,
    ) -> Result<(), Stop> {
        for i in 0..self.operands.len() {
            let Some(piece) = self.piece(control, worker, i, block) else { continue };
            if self.operands[i].output {
                // SAFETY: the rows have filled the window.
                unsafe { piece.flush(worker.windows[i].0, worker.picked) }?;
            }
        }
        self.folds
            .iter()
            .zip(&mut worker.results)
            .try_for_each(|(fold, results)| fold.finish(results))
    }

    /// Asks for the memory of the next panel in arrays that are used in place: their rows are far
    /// apart, and the hardware does not foresee that.
    fn foresee(&self, worker: &Worker, rows: &Range<usize>, columns: Range<usize>) {
        for (i, Bound { operand, output, access, .. }) in self.operands.iter().enumerate() {
            if *output || *access != Access::InPlace || operand.store.is_some() {
                continue;
            }
            let repeats = operand.path.rows.last() == Some(&0);
            for row in rows.clone().take(if repeats { 1 } else { rows.len() }) {
                let offset = steps(&self.nest.rows, &operand.path.rows, row);
                let row = worker.outer[i].wrapping_offset(offset);
                let first = row.wrapping_add(columns.start * operand.size);
                stream::prefetch(first, columns.len() * operand.size);
            }
        }
    }

    /// # Safety
    /// One thread at a time keeps a piece of a sequence; results are writable.
    unsafe fn keep(
        &self,
        fold: usize,
        sequence: usize,
        piece: usize,
        partial: Option<Partial>,
        results: &mut Results,
    ) -> Result<(), Stop> {
        if self.partials.is_empty() {
            let fold = &self.folds[fold];
            let result = fold.reducer.result(partial.as_ref());
            // SAFETY: the sequence is one of the nest's.
            return unsafe { fold.write(&self.nest, &self.grid, sequence, result, results) };
        }
        let at = (piece * self.folds.len() + fold) * self.sequences() + sequence;
        // SAFETY: the caller's promise.
        unsafe { *self.partials[at].get() = partial };
        Ok(())
    }

    /// # Safety
    /// The rows and columns are the nest's, with operands as [`Loop::run`] asks.
    unsafe fn fill_panels(&self, worker: &mut Worker, rows: &Range<usize>, columns: Range<usize>) {
        for (i, Bound { operand, output, access, .. }) in self.operands.iter().enumerate() {
            let Access::Panel(number) = *access else { continue };
            if *output {
                continue;
            }
            let (panel, size) = (worker.panels[number], operand.size);
            let offset = steps(&self.nest.rows, &operand.path.rows, rows.start);
            let base = worker.outer[i].wrapping_offset(offset);
            // SAFETY: the elements are the operand's; the panel has room for them.
            unsafe {
                match (&*operand.path.columns, operand.path.rows.last()) {
                    ([step], Some(row_step)) => gather_block(
                        panel,
                        self.panel.stride,
                        base.wrapping_offset(columns.start as isize * step),
                        rows.len() - usize::from(injected(Fault::PanelRowMissing)),
                        *row_step,
                        columns.len(),
                        *step,
                        size,
                    ),
                    (strides, _) => gather(
                        panel,
                        base,
                        &self.nest.columns,
                        strides,
                        size,
                        columns.start,
                        columns.len(),
                    ),
                }
                self.swap_panel(operand, panel, rows.len(), columns.len());
            }
        }
    }

    /// Turns round the bytes of a panel's elements, if the operand has them so.
    ///
    /// # Safety
    /// The panel is writable and has so many rows and columns.
    unsafe fn swap_panel(&self, operand: &Operand, panel: *mut u8, rows: usize, columns: usize) {
        let swapped = operand.swapped && !injected(Fault::SwappedPanelAsItIs);
        for row in 0..if swapped { rows } else { 0 } {
            // SAFETY: the caller's promise.
            unsafe { swap_bytes(panel.add(row * self.panel.stride), operand.size, columns) };
        }
    }

    /// # Safety
    /// As [`Loop::fill_panels`]; outputs are writable.
    unsafe fn drain_panels(&self, worker: &mut Worker, rows: &Range<usize>, columns: Range<usize>) {
        for (i, Bound { operand, output, access, .. }) in self.operands.iter().enumerate() {
            let Access::Panel(number) = *access else { continue };
            if !*output {
                continue;
            }
            let (panel, size) = (worker.panels[number], operand.size);
            let offset = steps(&self.nest.rows, &operand.path.rows, rows.start);
            let base = worker.outer[i].wrapping_offset(offset);
            // SAFETY: the elements are the operand's, and the tiles have written the panel.
            unsafe {
                self.swap_panel(operand, panel, rows.len(), columns.len());
                match (&*operand.path.columns, operand.path.rows.last()) {
                    ([step], Some(row_step)) => scatter_block(
                        base.wrapping_offset(columns.start as isize * step),
                        rows.len(),
                        *row_step,
                        columns.len(),
                        *step,
                        panel,
                        self.panel.stride,
                        size,
                    ),
                    (strides, _) => scatter(
                        base,
                        panel,
                        &self.nest.columns,
                        strides,
                        size,
                        columns.start,
                        columns.len(),
                    ),
                }
            }
        }
    }

    /// # Safety
    /// The tile is part of the nest, with operands as [`Loop::run`] asks.
    #[inline]
    unsafe fn run_tile(&self, worker: &mut Worker, place: &Place, n: usize) -> u32 {
        let rest = n % self.block;
        // SAFETY: a multiple of the block never reaches beyond the operands; staging has room for
        // a whole block, and for a whole tile where lanes are not cut.
        unsafe {
            if rest == 0 {
                return self.run_part(worker, place, n, false);
            }
            if self.nest.along == Along::Rows || n == rest {
                return self.run_part(worker, place, n, true);
            }
            // Whole blocks first, in place; then what is left, staged.
            let whole = n - rest;
            let flags = self.run_part(worker, place, whole, false);
            let moved = if injected(Fault::TailFromTileStart) { 0 } else { whole };
            let place =
                Place { column: place.column + whole, in_panel: place.in_panel + moved, ..*place };
            flags | self.run_part(worker, &place, rest, true)
        }
    }

    /// # Safety
    /// As [`Loop::run_tile`]; unless all operands are staged, `n` is a multiple of the block.
    #[inline]
    unsafe fn run_part(&self, worker: &mut Worker, place: &Place, n: usize, stage: bool) -> u32 {
        let Place { column, at, in_panel, .. } = *place;
        for (i, Bound { operand, output, access, .. }) in self.operands.iter().enumerate() {
            let (staging, size) = (worker.staging[i], operand.size);
            let there = worker.row[i].wrapping_add(column * size);
            worker.table[1 + i] = match *access {
                Access::InPlace if !stage => there,
                Access::InPlace => {
                    if !*output {
                        // SAFETY: the elements are contiguous and the operand's.
                        let short = usize::from(injected(Fault::TailReadOneShort));
                        // SAFETY: the elements are contiguous and the operand's.
                        unsafe { staging.copy_from_nonoverlapping(there, (n - short) * size) };
                    }
                    staging
                }
                Access::Panel(number) => {
                    worker.panels[number].wrapping_add(at * self.panel.stride + in_panel * size)
                }
                Access::Streamed => staging,
                Access::Staged => {
                    if !*output {
                        // SAFETY: the operand is valid for the nest, staging holds n.
                        unsafe { self.stage(operand, worker.row[i], staging, column, n) };
                    }
                    staging
                }
            };
        }
        let flags = match &self.code {
            // SAFETY: the table holds what the function was compiled to find, each operand with
            // `n` elements up to the next whole block.
            Some(code) => unsafe { code.run(worker.table.as_ptr(), n) },
            None => 0,
        };
        // Before an output that is reduced too has the order of its bytes turned.
        // SAFETY: the tile function has left what is reduced at its places.
        unsafe { self.reduce(worker, place, n) };
        for (i, Bound { operand, output, access, .. }) in self.operands.iter().enumerate() {
            let (staging, size) = (worker.staging[i], operand.size);
            let there = worker.row[i].wrapping_add(column * size);
            // SAFETY: outputs are writable, and valid for the nest.
            unsafe {
                match *access {
                    _ if !*output => {}
                    Access::InPlace if stage => {
                        let short = usize::from(injected(Fault::TailOneShort));
                        there.copy_from_nonoverlapping(staging, (n - short) * size);
                    }
                    Access::InPlace | Access::Panel(_) => {}
                    Access::Streamed => stream::stream(there, staging, n * size),
                    Access::Staged => self.unstage(operand, worker.row[i], staging, column, n),
                }
            }
        }
        flags
    }

    /// # Safety
    /// As [`Loop::run_part`], after the tile function.
    #[inline]
    unsafe fn reduce(&self, worker: &mut Worker, place: &Place, n: usize) {
        for (i, fold) in self.folds.iter().enumerate() {
            let values = worker.table[self.reduced[i]];
            // SAFETY: there are `n` values, and lanes are not cut.
            unsafe {
                match self.nest.along {
                    Along::Nothing => {}
                    Along::Columns => {
                        let sequence = &mut worker.sequences[i * self.panel.most_rows() + place.at];
                        sequence.push(&fold.reducer, values, n);
                    }
                    Along::Rows => {
                        let tiles = worker.columns.len() / self.folds.len();
                        worker.columns[i * tiles + place.in_block].push(&fold.reducer, values);
                    }
                }
            }
        }
    }

    /// # Safety
    /// The columns are the nest's; staging holds `n` elements.
    unsafe fn stage(
        &self,
        operand: &Operand,
        row: *mut u8,
        staging: *mut u8,
        column: usize,
        n: usize,
    ) {
        let Operand { size, path, swapped, .. } = operand;
        // SAFETY: the caller's promise.
        unsafe {
            gather(staging, row, &self.nest.columns, &path.columns, *size, column, n);
            if *swapped {
                swap_bytes(staging, *size, n);
            }
        }
    }

    /// # Safety
    /// As [`Loop::stage`], of a writable operand.
    unsafe fn unstage(
        &self,
        operand: &Operand,
        row: *mut u8,
        staging: *mut u8,
        column: usize,
        n: usize,
    ) {
        let Operand { size, path, swapped, .. } = operand;
        // SAFETY: the caller's promise.
        unsafe {
            if *swapped {
                swap_bytes(staging, *size, n);
            }
            scatter(row, staging, &self.nest.columns, &path.columns, *size, column, n);
        }
    }
}
