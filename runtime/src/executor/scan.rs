//! States of scans: reset at the beginning of each sequence, and passed to the kernels of each
//! tile.

use super::Loop;
use super::carried::Carried;
use super::partition::Grid;
use super::run::{Block, Place};
use super::scratch::Worker;
use crate::nest::{Along, Nest};
use crate::scan::{ScanState, Scanner};
use crate::tile::TileScan;

/// The states of one scan of a worker.
pub(super) struct ScanStates {
    scanner: Scanner,
    /// The index of the table's entry for the state of the current tile.
    entry: usize,
    /// The address of the first state.
    first: *mut u8,
    /// The stride in bytes from state to state.
    stride: usize,
}

/// The number of states of a scan, and the size of each.
#[derive(Clone, Copy)]
pub(super) struct ScanRoom {
    states: usize,
    /// The number of sequences side by side of a state; 0 for one sequence along the columns.
    lanes: usize,
    /// The length of a sequence.
    length: usize,
}

impl ScanRoom {
    /// The room for a state for each row of a panel or, if sequences run along the rows, for each
    /// tile of a block of columns. If sequences are split, there is a state for every row of a
    /// block, or for every tile, because a thread visits the others between two pieces of a sequence.
    pub(super) fn new(nest: &Nest, grid: &Grid, rows_of_panel: usize, tile: usize) -> ScanRoom {
        match nest.along {
            Along::Rows => {
                let columns = if grid.row_blocks > 1 { grid.columns } else { grid.column_step };
                let states = columns.min(grid.columns).div_ceil(tile).max(1);
                ScanRoom { states, lanes: tile.min(grid.columns).max(1), length: grid.rows }
            }
            Along::Columns | Along::Nothing => {
                let split = grid.column_blocks > 1;
                let states = if split { grid.row_step.max(rows_of_panel) } else { rows_of_panel };
                ScanRoom { states, lanes: 0, length: grid.columns }
            }
        }
    }

    /// The number of cache lines of a state and its memory.
    fn lines(&self, scanner: &Scanner) -> usize {
        1 + scanner.bytes(self.length, self.lanes).div_ceil(64)
    }

    /// The number of cache lines of all states of a scan.
    pub(super) fn total(&self, scanner: &Scanner) -> usize {
        self.states.saturating_mul(self.lines(scanner))
    }

    /// Initializes the states of a scan in memory that begins at `first`.
    ///
    /// # Safety
    /// The memory has [`total`](ScanRoom::total) cache lines, all initialised, and is aligned to them.
    pub(super) unsafe fn states(&self, scan: TileScan, first: *mut u8) -> ScanStates {
        let stride = self.lines(&scan.scanner) * 64;
        for number in 0..self.states {
            let state = first.wrapping_add(number * stride);
            // SAFETY: the caller's promise; the memory comes after the line of the state.
            unsafe {
                let made = scan.scanner.state(self.length, self.lanes, state.wrapping_add(64));
                state.cast::<ScanState>().write(made);
            }
        }
        ScanStates { scanner: scan.scanner, entry: scan.state, first, stride }
    }
}

impl ScanStates {
    /// The carried states of a scan of this number.
    pub(super) fn carried(scan: &TileScan, number: usize, carried: &Carried) -> Option<ScanStates> {
        let (first, stride) = carried.states(number)?;
        Some(ScanStates { scanner: scan.scanner, entry: scan.state, first, stride })
    }

    fn state(&self, number: usize) -> *mut ScanState {
        self.first.wrapping_add(number * self.stride).cast()
    }
}

impl Worker {
    /// Puts the first state of each scan into the table, for a loop that is one tile.
    pub(super) fn enter_first_states(&mut self) {
        for scan in &self.scans {
            self.table[scan.entry] = scan.state(0).cast();
        }
    }
}

impl Loop {
    /// The number of the state of the tile at `column`, which is tile `in_block` of its block of
    /// columns, in row `at` of its panel, or of its block if sequences are split.
    #[inline]
    fn scan_state(&self, column: usize, in_block: usize, at: usize) -> usize {
        match self.nest.along {
            Along::Rows if self.carried || self.grid.row_blocks > 1 => column / self.tile,
            Along::Rows => in_block,
            Along::Columns | Along::Nothing => at,
        }
    }

    /// Resets the states of a block's sequences, unless they go on from the block before. If
    /// sequences run along the columns, `block` is a panel.
    pub(super) fn begin_scans(&self, worker: &mut Worker, block: &Block) {
        let Block { rows, columns, .. } = block;
        if self.carried {
            return;
        }
        let along_rows = self.nest.along == Along::Rows;
        let first = if along_rows { rows.start } else { columns.start };
        if first > 0 && self.lead == 0 {
            return;
        }
        for scan in &worker.scans {
            // SAFETY: the states are the worker's, made by this scanner.
            let begin = |number| unsafe { scan.scanner.begin(scan.state(number)) };
            if along_rows {
                for (in_block, column) in columns.clone().step_by(self.tile).enumerate() {
                    begin(self.scan_state(column, in_block, 0));
                }
            } else {
                let first = worker.panel_in_block;
                (0..rows.len()).for_each(|at| begin(self.scan_state(columns.start, 0, first + at)));
            }
        }
    }

    /// Puts the states of a tile into the table, for the kernels.
    #[inline]
    pub(super) fn enter_scans(&self, worker: &mut Worker, place: &Place) {
        let at = worker.panel_in_block + place.at;
        let number = self.scan_state(place.column, place.in_block, at);
        for scan in &worker.scans {
            worker.table[scan.entry] = scan.state(number).cast();
        }
    }
}
