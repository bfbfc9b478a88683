//! Scratch memory of threads.

use super::Tile;
use super::operand::{Access, Bound, Fold};
use super::panel::Shape;
use super::partition::Grid;
use super::scan::{ScanRoom, ScanStates};
use crate::cell::Cell;
use crate::chunk::{PICKED, Results};
use crate::memory::{OutOfMemory, reserve};
use crate::nest::{Along, Nest};
use crate::nontemporal::Stream;
use crate::reduce::{Columns, Partial, Sequence};
use crate::tile::{CarryState, TileCarry};

/// The scratch memory of one thread.
pub(super) struct Worker {
    /// The memory of slots, staging buffers, panels, buffers and states; only addressed through
    /// pointers.
    pub(super) _memory: Vec<CacheLine>,
    /// The table of the tile, as [`TileTable`](crate::tile::TileTable) lays it out.
    pub(super) table: Vec<*mut u8>,
    /// The staging buffer of each operand.
    pub(super) staging: Vec<*mut u8>,
    pub(super) panels: Vec<*mut u8>,
    /// The start of the current outer iteration of each operand.
    pub(super) outer: Vec<*mut u8>,
    /// The start of the current row of each operand.
    pub(super) row: Vec<*mut u8>,
    /// The buffer of each operand in a store or in a group's scratch, and its row stride in bytes.
    pub(super) buffers: Vec<(*mut u8, usize)>,
    /// The picking buffer, into which spans of stores are read.
    pub(super) picked: *mut u8,
    /// The first row and the first column that the buffers hold.
    pub(super) first: [usize; 2],
    /// The number of rows of the block before the panel, if states of scans pass from block to block
    /// of columns; 0 if not.
    pub(super) panel_in_block: usize,
    /// The buffered results of each fold.
    pub(super) results: Vec<Results>,
    /// For each fold, the sequences of a panel's rows.
    pub(super) sequences: Vec<Sequence>,
    /// For each fold, the sequences along the rows, one value for each tile of columns.
    pub(super) columns: Vec<Columns>,
    /// The results of the sequences of one tile of columns.
    pub(super) finished: Vec<Partial>,
    /// The states of each scan.
    pub(super) scans: Vec<ScanStates>,
    /// The stream of each operand, if an output is written by nontemporal stores.
    pub(super) streams: Vec<Stream>,
    /// Whether outputs are left in staging buffers, because only states of scans are wanted.
    pub(super) discards: bool,
    /// The state of each fold's carry; null if the code does not accumulate its elements.
    pub(super) states: Vec<*mut CarryState>,
}

/// The memory of a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct CacheLine([u8; 64]);

impl CacheLine {
    pub(super) const ZERO: CacheLine = CacheLine([0; 64]);
}

/// The parameters of the size of a worker's scratch.
pub(super) struct Room<'a> {
    pub(super) tile: &'a Tile<'a>,
    /// The length of a tile.
    pub(super) length: usize,
    /// The block of the tile's code.
    pub(super) block: usize,
    /// Whether tiles may be computed whose outputs are discarded.
    pub(super) leads: bool,
    pub(super) panel: Shape,
    /// The number of panels.
    pub(super) panels: usize,
}

/// The bytes that states of scans may take whatever the memory limit.
const LEAST_STATES: usize = 64 << 20;

impl Worker {
    pub(super) fn new(
        room: &Room<'_>,
        operands: &[Bound],
        folds: &[Fold],
        nest: &Nest,
        grid: &Grid,
        cells: *const Cell,
    ) -> Result<Worker, OutOfMemory> {
        let Room { tile, length, block, leads, panel, panels } = *room;
        let slots = tile.table.slots;
        // One line more than needed, so that equal offsets in two slots differ modulo 4 KiB.
        let lines = |elements: usize| elements * 8 / 64 + 1;
        let staged = |o: &Bound| match o.access {
            // Only the elements after the last whole block are staged; or, if sequences run along
            // the rows or are taken at once, a whole tile.
            Access::InPlace if leads && o.output => length.max(block),
            Access::InPlace if tile.is_whole() => length.max(block),
            Access::InPlace | Access::Panel(_) if nest.along != Along::Rows => block.max(8),
            Access::Repeated => block.max(64),
            Access::Cycled(cycle) => length.max(block) + cycle,
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
        let stored = |o: &&Bound| o.operand.store().is_some();
        let buffer = |o: &Bound| (rows * block_columns * o.size).div_ceil(64) + 1;
        let buffers = operands.iter().filter(stored).map(buffer).sum::<usize>();
        // The states of carries have a line each.
        let runs = |fold: &Fold| match &fold.runs {
            Some(runs) if nest.along == Along::Columns => {
                runs.bytes(length.max(block) / runs.row()).div_ceil(64)
            }
            _ => 0,
        };
        let accumulated = |carry: &&TileCarry| carry.state.is_some();
        let states = tile.carries.iter().filter(accumulated).count();
        let scan_room = ScanRoom::new(nest, grid, panel.most_rows(), length);
        let own = if tile.carried.is_some() { &[] } else { tile.scans };
        let scan_lines = own.iter().map(|scan| scan_room.total(&scan.scanner));
        let scan_lines = scan_lines.fold(0, usize::saturating_add);
        // Windows keep their rows, which may be many; what takes a sequence at once, all of it.
        let own_lines = match tile.is_whole() {
            true => (slots + operands.len())
                .saturating_mul(lines(length))
                .saturating_add(buffers)
                .saturating_add(scan_lines),
            false => scan_lines,
        };
        if own_lines.saturating_mul(64) > tile.memory.max(LEAST_STATES) {
            return Err(OutOfMemory(own_lines.saturating_mul(64)));
        }
        let total = slots * lines(length)
            + states
            + scan_lines
            + folds.iter().map(runs).sum::<usize>()
            + operands.iter().map(|o| lines(staged(o))).sum::<usize>()
            + panels * panel_lines
            + if buffers > 0 { buffers + PICKED / 64 } else { 0 };
        let mut memory = reserve(total)?;
        memory.resize(total, CacheLine::ZERO);
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
        let picked = take(if buffers > 0 { PICKED / 64 } else { 0 });
        let no_buffer = (std::ptr::null_mut(), 0);
        let buffers = operands.iter().map(|o| match o.operand.store() {
            Some(_) => (take(buffer(o)), 0),
            None => no_buffer,
        });
        let buffers = buffers.collect();
        let mut results = Vec::new();
        for fold in folds {
            let room = if fold.storage.location.store().is_some() { Results::ROOM } else { 0 };
            results.push(Results::new(reserve(room)?));
        }
        // In the order of `TileTable`.
        let others = 2 + slots.len() + tile.table.states + tile.kernels.len();
        let mut table = reserve(others + operands.len())?;
        table.push(cells.cast_mut().cast());
        table.extend(&staging);
        table.extend(slots);
        table.resize(table.len() + tile.table.states, std::ptr::null_mut());
        let mut states = reserve(folds.len())?;
        for (fold, carry) in folds.iter().zip(tile.carries) {
            let Some(place) = carry.state else {
                states.push(std::ptr::null_mut());
                continue;
            };
            let state = take(1).cast::<CarryState>();
            let runs = take(runs(fold));
            let reciprocals = fold.reducer.reciprocals();
            // SAFETY: the line is the worker's own, large enough and aligned.
            unsafe { state.write(CarryState { runs, rows: 0, before: 0, reciprocals }) };
            table[place] = state.cast();
            states.push(state);
        }
        let mut scans = reserve(tile.scans.len())?;
        if let Some(carried) = tile.carried {
            let states = tile.scans.iter().enumerate();
            scans.extend(states.filter_map(|(i, scan)| ScanStates::carried(scan, i, carried)));
        }
        for scan in own {
            let lines = take(scan_room.total(&scan.scanner));
            // SAFETY: the lines are the worker's own.
            scans.push(unsafe { scan_room.states(*scan, lines) });
        }
        if tile.table.repeats {
            let repeats = operands.iter().any(|o| o.access == Access::Repeated);
            let mask: usize = if repeats { 0 } else { usize::MAX };
            table.push(std::ptr::without_provenance_mut(mask));
        }
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
        let streamed = operands.iter().any(|o| o.access == Access::Streamed);
        let mut streams = reserve(operands.len())?;
        streams.resize(if streamed { operands.len() } else { 0 }, Stream::new());
        let bases = vec![std::ptr::null_mut(); operands.len()];
        Ok(Worker {
            _memory: memory,
            table,
            staging,
            panels,
            outer: bases.clone(),
            row: bases,
            buffers,
            picked,
            first: [0; 2],
            panel_in_block: 0,
            results,
            sequences,
            columns,
            finished,
            scans,
            streams,
            discards: false,
            states,
        })
    }
}
