//! The binding of a tile to its operands: what a [`Loop`] decides once, before it runs.

use std::cell::UnsafeCell;

use super::carried::LANES;
use super::operand::{Access, Bound, Fold, Operand, access};
use super::panel::Shape;
use super::partition::{
    Cut, Grid, LARGE_UNIT, LONGEST_TILE, PIECE, count, most_lanes, power_of_two_within, tile_length,
};
use super::scratch::{Room, Worker};
use super::{Loop, OneTile, Tile};
use crate::cell::Cell;
use crate::chunk::Direction;
use crate::memory::{OutOfMemory, reserve};
use crate::nest::{Along, Nest, SHORT_ROW};
use crate::nontemporal;
use crate::pool::Pool;
use crate::reduce::{Partial, ROWS};
use crate::storage::Storage;
use crate::strided::byte_span;
use crate::tile::TileCarry;

/// The maximum number of bytes of the partial results of each worker.
const PARTIALS: usize = 1 << 20;
/// The maximum number of bytes of the buffers of a unit, so that they stay in L2 between the
/// transfer and the computation.
const CHUNKS: usize = 1 << 20;
/// The maximum number of bytes of the buffers of a unit that transfers rows together, which saves
/// more than L2 does.
const LARGE_CHUNKS: usize = 64 << 20;
/// The number of rows of a unit that transfers rows together.
const TURNED_ROWS: usize = 512;
/// The minimum time of the transfer of a byte from or to a store, in nanoseconds.
const TRANSFER: f32 = 0.03;
/// The maximum number of bytes of a loop whose operands stay in L1, and of one whose operands stay
/// in L2.
const IN_L1: f32 = 32e3;
const IN_L2: f32 = 4e6;
/// The time of an element that is reduced by a block kernel, and of one that is copied from or to
/// strided memory, in nanoseconds.
const REDUCED: f32 = 0.06;
const COPIED: f32 = 0.3;
/// The time of a byte from or to L2, and from or to memory, in nanoseconds.
const FROM_L2: f32 = 0.011;
const FROM_MEMORY: f32 = 0.025;
/// The maximum number of elements of a row that is reduced by one call.
const LONGEST_ROW: usize = 1 << 16;
/// The number of elements of the rows that are reduced by one call, in place: they stay in L1.
const BUNDLE: usize = 2 << 10;

impl Loop {
    /// Binds a tile to its operands, which have strides along the axes of `nest`. `inputs` and
    /// `outputs` have the order of the tile's table. `cells` is only read when the loop runs.
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
        let extents = [&nest.outer, &nest.rows, &nest.columns].map(|e| count(e));
        let n = extents.iter().product();
        let operands = Operands::new(tile, &nest, n, inputs, outputs)?;
        let in_store = |fold: &Fold| fold.storage.location.store().is_some();
        let stored = operands.transferred > 0 || folds.iter().any(in_store);
        let panel = Shape::new(&operands.list, &nest, folds.len());
        let work = time(n as f32, tile.cost, &operands.list, &folds)
            + n as f32 * TRANSFER * operands.transferred as f32;
        let workers = most_workers(tile, n, work, stored, pool);
        let leaf = folds.first().map_or(1, |fold| fold.reducer.leaf());
        let chunks = Chunks::new(tile, &nest, n, &operands, stored, workers, leaf);
        let down = if chunks.turned { chunks.rows(&nest) } else { panel.most_rows() };
        let widest_tile = match stored {
            true => chunks.widest(if nest.along == Along::Rows { leaf } else { down }),
            false => LONGEST_TILE,
        };
        let shape = TileShape::new(tile, &nest, n, &operands, &folds, &panel, widest_tile);
        let cut = Cut {
            nest: &nest,
            n,
            workers,
            length: shape.length,
            panel_rows: panel.most_rows(),
            down,
            chunk: chunks.elements,
            turned: chunks.turned,
            lanes: shape.lanes,
            scans: !tile.scans.is_empty(),
            lead: lead(tile, &operands.list, &nest, &folds, stored || workers == 1),
            partials: (workers * PARTIALS).max(if stored { tile.memory / 2 } else { 0 }),
        };
        let (mut grid, level) = cut.grid(extents, &folds);
        if tile.is_whole() {
            let rows = match stored {
                true => (chunks.most.max(LARGE_UNIT) / extents[2].max(1)).clamp(1, grid.row_step),
                false => grid.row_step,
            };
            grid = Grid::new(extents, rows, extents[2]);
        }
        let pieces = match nest.along {
            Along::Nothing => 1,
            Along::Columns => grid.column_blocks,
            Along::Rows => grid.row_blocks,
        };
        let lead = cut.lead.filter(|_| pieces > 1).unwrap_or(0);
        let partials = partials(&nest, &grid, folds.len())?;

        let workers = match tile.together {
            0 => workers.min(grid.units()).max(1),
            _ => workers,
        };
        let Operands { list: operands, panels, streams, .. } = operands;
        let leads = lead > 0;
        let room = Room { tile, length: shape.length, block: tile.block, leads, panel, panels };
        let mut list = reserve(workers)?;
        for _ in 0..workers {
            let worker = Worker::new(&room, &operands, &folds, &nest, &grid, cells)?;
            list.push(UnsafeCell::new(worker));
        }
        let one_tile = OneTile::new(tile, &nest, &grid, &operands, &folds, shape.length);
        if let (Some(worker), OneTile::InPlace(_) | OneTile::Staged(_)) =
            (list.first_mut(), one_tile)
        {
            worker.get_mut().enter_first_states();
        }
        if let (Some(worker), OneTile::InPlace(_)) = (list.first_mut(), one_tile) {
            for (i, Bound { operand, .. }) in operands.iter().enumerate() {
                if let Some(first) = operand.first() {
                    worker.get_mut().table[1 + i] = first;
                }
            }
        }
        let whole_rows = tile.code.is_none() && whole_rows(tile, &nest, &grid, &operands, &folds);
        Ok(Loop {
            code: tile.code.cloned(),
            block: tile.block,
            inward: tile.inward,
            carries: tile.carries.into(),
            accumulates: accumulates(tile, &nest),
            scans: !tile.scans.is_empty(),
            lead,
            whole: tile.is_whole(),
            carried: tile.carried.is_some(),
            nest,
            grid,
            operands,
            folds,
            tile: shape.length,
            panel,
            level,
            workers: list,
            partials,
            work,
            streams,
            one_tile,
            stored,
            bundle: shape.bundle,
            whole_rows,
        })
    }
}

/// The operands of a loop, inputs first, and what their accesses have in common.
struct Operands {
    list: Vec<Bound>,
    /// The number of panels.
    panels: usize,
    /// Whether an output is written by nontemporal stores.
    streams: bool,
    /// The total size in bytes of an element of each operand in a store.
    transferred: usize,
}

impl Operands {
    /// Decides how tiles of a loop over `n` elements access each operand.
    fn new(
        tile: &Tile<'_>,
        nest: &Nest,
        n: usize,
        inputs: Vec<Operand>,
        outputs: Vec<Operand>,
    ) -> Result<Operands, OutOfMemory> {
        let size = |in_store: bool| {
            let all = inputs.iter().chain(&outputs);
            all.filter(|o| o.store().is_some() == in_store).map(Operand::size).sum::<usize>()
        };
        let (transferred, in_memory) = (size(true), size(false));
        let streams = in_memory.saturating_mul(n) > nontemporal::threshold();
        let inputs_end = inputs.len();
        let mut list: Vec<Bound> = reserve(inputs.len() + outputs.len())?;
        let mut panels = 0;
        for (i, operand) in inputs.into_iter().chain(outputs).enumerate() {
            let output = i >= inputs_end;
            let access = access(&operand, nest, output && streams, &mut panels);
            let size = operand.size();
            let direction = match operand.store() {
                Some(_) => Direction::of(nest, &operand.path, size),
                None => Direction::Rows,
            };
            list.push(Bound { operand, size, output, access, direction, shared: false });
        }
        // If every input that may repeat has one element a row, a block of copies of each is enough.
        let repeated = || tile.repeated.iter().map(|input| *input as usize);
        if repeated().all(|i| list[i].access == Access::Splat) {
            repeated().for_each(|i| list[i].access = Access::Repeated);
        }
        let streams = list.iter().any(|o| o.access == Access::Streamed);
        Ok(Operands { list, panels, streams, transferred })
    }

    /// The size in bytes of the largest element.
    fn widest(&self) -> usize {
        self.list.iter().map(|o| o.size).max().unwrap_or(8)
    }

    /// The number of operands with a staging buffer that each tile uses.
    fn staged(&self) -> usize {
        let unstaged =
            |access| matches!(access, Access::InPlace | Access::Panel(_) | Access::Repeated);
        self.list.iter().filter(|o| !unstaged(o.access)).count()
    }
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

/// The maximum number of threads of a loop over `n` elements that takes `work` nanoseconds, or of
/// the group of loops that it belongs to.
fn most_workers(tile: &Tile<'_>, n: usize, work: f32, stored: bool, pool: &Pool) -> usize {
    // Chunks split the sequences of scans, whose pieces must run in order.
    if stored && !tile.scans.is_empty() {
        return 1;
    }
    let largest = n.max(tile.together);
    pool.most_workers(largest.div_ceil(PIECE), work.max(largest as f32 * tile.cost))
}

/// The buffers of a unit of a loop whose arrays are in stores.
struct Chunks {
    /// The number of elements of a unit; `None` if no array is in a store.
    elements: Option<usize>,
    /// The maximum number of elements of a unit, for which there is memory.
    most: usize,
    /// Whether an operand is transferred column by column.
    turned: bool,
}

impl Chunks {
    /// The chunks of a loop over `n` elements, on this number of workers, with leaves of `leaf`
    /// elements.
    fn new(
        tile: &Tile<'_>,
        nest: &Nest,
        n: usize,
        operands: &Operands,
        stored: bool,
        workers: usize,
        leaf: usize,
    ) -> Chunks {
        let elements = |bytes: usize| bytes / operands.transferred.max(1);
        let most = elements(tile.memory / (4 * workers));
        let in_stores = || operands.list.iter().filter(|o| o.operand.store().is_some());
        let turned = in_stores().any(|o| o.direction == Direction::Columns);
        let least = match nest.along {
            Along::Nothing => 1,
            Along::Columns => leaf,
            Along::Rows => TURNED_ROWS,
        };
        let columns = count(&nest.columns);
        // Large units are good where rows are transferred together, if there are enough for all
        // threads.
        let large = elements(LARGE_CHUNKS).min(most / tile.loops.max(1)).min(n / (4 * workers));
        let unit = |o: &Bound| o.direction.unit(nest, TURNED_ROWS, least.min(columns), large);
        let together = in_stores().map(unit).max().unwrap_or(1);
        let elements = stored.then(|| elements(CHUNKS).min(most).max(together));
        Chunks { elements, most, turned }
    }

    /// The number of rows that are transferred column by column.
    fn rows(&self, nest: &Nest) -> usize {
        TURNED_ROWS.min(nest.rows.last().copied().unwrap_or(1).max(1))
    }

    /// The maximum number of columns of a chunk of this number of rows.
    fn widest(&self, rows: usize) -> usize {
        power_of_two_within(self.most / rows)
    }
}

/// The extents of tiles.
struct TileShape {
    /// The maximum number of elements of a row.
    length: usize,
    /// The number of rows.
    bundle: usize,
    /// The maximum number of sequences that run side by side along the rows.
    lanes: usize,
}

impl TileShape {
    /// The shape of the tiles of a loop over `n` elements, of at most `widest` elements a row.
    fn new(
        tile: &Tile<'_>,
        nest: &Nest,
        n: usize,
        operands: &Operands,
        folds: &[Fold],
        panel: &Shape,
        widest: usize,
    ) -> TileShape {
        let (rows, columns) = (count(&nest.rows), count(&nest.columns));
        let scans = !tile.scans.is_empty();
        // Slots that only hold what loops could not accumulate are rarely touched.
        let unused = if accumulates(tile, nest) { tile.rest_slots } else { 0 };
        let slots = tile.table.slots.saturating_sub(unused) + operands.staged();
        let bundled = nest.along == Along::Rows && !scans && bundles(tile, nest, &operands.list);
        let dense = if bundled && tile.code.is_some() { n } else { columns };
        let length = tile_length(dense.min(panel.columns), slots, operands.widest());
        let state_bytes: usize = tile.scans.iter().map(|scan| scan.scanner.bytes(rows, 1)).sum();
        let lanes = most_lanes(folds, state_bytes);
        let most = match operands.streams {
            true => (nontemporal::PIECE / operands.widest()).max(64),
            false => LONGEST_TILE,
        };
        let most = if nest.along == Along::Rows { most.min(lanes) } else { most };
        let length = length.min(most).min(widest);
        let side_by_side = tile.carried.is_some() && nest.along == Along::Rows;
        let length = match tile.is_whole() {
            // One tile a sequence.
            true => columns.max(1).next_multiple_of(64),
            false if side_by_side => LANES,
            false => length,
        };
        let bundle = match (bundled, tile.code) {
            (false, _) => 1,
            // A multiple of the rows that an accumulator takes one after another.
            (true, None) => (BUNDLE / columns).max(1).next_multiple_of(ROWS),
            (true, Some(_)) if length / columns > ROWS => length / columns / ROWS * ROWS,
            (true, Some(_)) => (length / columns).max(1),
        };
        TileShape { length, bundle, lanes }
    }
}

/// Whether a loop whose sequences run along its rows takes several rows at a time: code of short
/// rows, whose call would cost more than the elements, and reductions of unchanged arrays.
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

/// The number of elements before a piece of a sequence that are computed first, for the states of
/// scans; `None` if sequences are not split so: in stores, on one thread, if folds would take these
/// elements too, if a state depends on all elements before or is carried from run to run, and if an
/// output has replaced elements that are computed again.
fn lead(
    tile: &Tile<'_>,
    operands: &[Bound],
    nest: &Nest,
    folds: &[Fold],
    whole: bool,
) -> Option<usize> {
    if tile.scans.is_empty() || tile.carried.is_some() || whole || !folds.is_empty() {
        return None;
    }
    let span = |o: &Bound| -> Option<(usize, usize)> {
        let path = &o.operand.path;
        let extents = [&nest.outer[..], &nest.rows, &nest.columns].concat();
        let strides = [&path.outer[..], &path.rows, &path.columns].concat();
        let (start, end) = byte_span(&extents, &strides, o.size)?;
        let first = o.operand.first()?.addr();
        Some((first.checked_add_signed(start)?, first.checked_add_signed(end)?))
    };
    let inputs: Option<Vec<_>> = operands.iter().filter(|o| !o.output).map(span).collect();
    let outputs: Option<Vec<_>> = operands.iter().filter(|o| o.output).map(span).collect();
    let (inputs, outputs) = (inputs?, outputs?);
    let apart = |a: &(usize, usize), b: &(usize, usize)| a.1 <= b.0 || b.1 <= a.0;
    let replaced = outputs.iter().any(|out| inputs.iter().any(|input| !apart(out, input)));
    // A lead of nothing is one, too.
    tile.reach.filter(|_| !replaced).map(|reach| reach.max(1))
}

/// Whether each row of a loop without code is a whole sequence of each fold, in memory.
fn whole_rows(
    tile: &Tile<'_>,
    nest: &Nest,
    grid: &Grid,
    operands: &[Bound],
    folds: &[Fold],
) -> bool {
    let one_axis = nest.along == Along::Columns && nest.outer.is_empty() && nest.rows.len() == 1;
    let in_place = |o: &Bound| o.access == Access::InPlace && !o.operand.is_buffered();
    let suits = |(fold, carry): (&Fold, &TileCarry)| {
        let Storage { location, format } = &fold.storage;
        let taken = carry.values.checked_sub(1).and_then(|number| operands.get(number));
        taken.is_some_and(in_place) && location.address().is_some() && format.is_native()
    };
    // Long rows are computed tile by tile, between which a run can be stopped.
    one_axis
        && (1..=LONGEST_ROW).contains(&grid.columns)
        && grid.column_blocks == 1
        && folds.iter().zip(tile.carries).all(suits)
}

/// Whether compiled code accumulates elements of folds: it does so along the columns only.
fn accumulates(tile: &Tile<'_>, nest: &Nest) -> bool {
    nest.along == Along::Columns && tile.carries.iter().any(|carry| carry.state.is_some())
}

/// Room for the partial results of pieces of sequences, by piece, fold and sequence.
fn partials(
    nest: &Nest,
    grid: &Grid,
    folds: usize,
) -> Result<Vec<UnsafeCell<Option<Partial>>>, OutOfMemory> {
    let (pieces, sequences) = match nest.along {
        Along::Nothing => (0, 0),
        Along::Columns => (grid.column_blocks, grid.rows),
        Along::Rows => (grid.row_blocks, grid.outers * grid.columns),
    };
    let count = if pieces > 1 { pieces * folds * sequences } else { 0 };
    let mut partials = reserve(count)?;
    partials.resize_with(count, UnsafeCell::default);
    Ok(partials)
}

impl OneTile {
    /// Whether a loop with tiles of `length` elements is one tile of contiguous operands.
    fn new(
        tile: &Tile<'_>,
        nest: &Nest,
        grid: &Grid,
        operands: &[Bound],
        folds: &[Fold],
        length: usize,
    ) -> OneTile {
        let n = grid.columns;
        let in_place = |o: &Bound| o.access == Access::InPlace && !o.operand.is_buffered();
        let one_row = (grid.outers, grid.rows) == (1, 1) && (1..=length).contains(&n);
        let begins = !tile.scans.is_empty() && tile.carried.is_none();
        if !one_row || begins || !operands.iter().all(in_place) {
            return OneTile::No;
        }
        if !folds.is_empty() {
            let in_memory = folds.iter().all(|fold| fold.storage.location.store().is_none());
            let one_sequence = nest.along == Along::Columns && grid.units() == 1;
            return if in_memory && one_sequence { OneTile::Folded(n) } else { OneTile::No };
        }
        match n.is_multiple_of(tile.block) || tile.inward && n >= tile.block {
            _ if tile.code.is_none() => OneTile::No,
            true => OneTile::InPlace(n),
            // A staging buffer holds one block.
            false if n < tile.block => OneTile::Staged(n),
            false => OneTile::No,
        }
    }
}
