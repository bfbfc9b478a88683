//! The partition of a loop into units, and the length of its tiles.

use super::Fold;
use super::run::Block;
use crate::nest::{Along, Nest};
use crate::reduce::Partial;

/// The minimum number of elements of a unit of a loop that is split.
pub(super) const PIECE: usize = 4096;
/// The usual maximum number of elements of a unit, so that cancellation and progress are prompt.
pub(super) const LARGE_UNIT: usize = 1 << 20;
/// The logarithm of the maximum number of units.
pub(super) const MOST_UNITS: u32 = 16;
/// The number of bytes of scratch, half of a 32 KiB L1 cache.
pub(super) const SCRATCH: usize = 16 << 10;
/// The maximum number of bytes that one step reads from an array before the next step reads from
/// another: half a page. After longer, the hardware prefetcher loses track of the other arrays, and
/// every tile starts with cache misses: `exp(a) + log1p(b)*c` takes 1.5 times as long.
pub(super) const STRETCH: usize = 2 << 10;
/// The maximum length of a tile.
pub(super) const LONGEST_TILE: usize = 4096;
/// The minimum length of the pieces of a sequence with scans, in elements that are computed before
/// each piece.
const LEADS: usize = 16;
/// The maximum number of bytes of the accumulators of sequences that run side by side, so that they
/// stay in L2.
pub(super) const LANES: usize = 256 << 10;

/// The partition of a loop into units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) outers: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_step: usize,
    pub(super) column_step: usize,
    pub(super) row_blocks: usize,
    pub(super) column_blocks: usize,
}

impl Grid {
    pub(super) fn new(
        [outers, rows, columns]: [usize; 3],
        row_step: usize,
        column_step: usize,
    ) -> Grid {
        let (row_step, column_step) = (row_step.max(1), column_step.max(1));
        let (row_blocks, column_blocks) = (rows.div_ceil(row_step), columns.div_ceil(column_step));
        Grid { outers, rows, columns, row_step, column_step, row_blocks, column_blocks }
    }

    pub(super) fn units(&self) -> usize {
        self.outers * self.row_blocks * self.column_blocks
    }

    /// The number of tiles of `length` elements in a row of a block.
    pub(super) fn tiles(&self, length: usize) -> usize {
        self.column_step.min(self.columns).div_ceil(length)
    }

    /// The block of a unit.
    pub(super) fn block(&self, unit: usize) -> Block {
        let (rows, columns) = (self.row_blocks, self.column_blocks);
        let [outer, row_block, column_block] = match unit {
            // Small loops have only this unit; it takes no divisions.
            0 => [0; 3],
            _ => [unit / (rows * columns), unit / columns % rows, unit % columns],
        };
        let from = [row_block * self.row_step, column_block * self.column_step];
        Block {
            outer,
            rows: from[0]..self.rows.min(from[0].saturating_add(self.row_step)),
            columns: from[1]..self.columns.min(from[1].saturating_add(self.column_step)),
        }
    }
}

/// The number of elements of a shape.
pub(super) fn count(extents: &[usize]) -> usize {
    extents.iter().product()
}

/// The length of tiles: a power of two that divides a leaf, and for which scratch stays in L1. A
/// tile without slots is one step, and may be as long as a leaf.
pub(super) fn tile_length(columns: usize, slots: usize, widest: usize) -> usize {
    let fits =
        if slots == 0 { LONGEST_TILE } else { (SCRATCH / (8 * slots)).min(STRETCH / widest) };
    power_of_two_within(fits).min(LONGEST_TILE).min(columns.next_power_of_two()).max(64)
}

/// The largest power of two that is at most `limit`, but not less than 64, the shortest tile.
pub(super) fn power_of_two_within(limit: usize) -> usize {
    1 << limit.max(64).ilog2()
}

/// The maximum number of sequences that run side by side, each with `scan_bytes` of state of scans.
pub(super) fn most_lanes(folds: &[Fold], scan_bytes: usize) -> usize {
    let bytes: usize = folds.iter().map(|fold| fold.reducer.block_bytes()).sum();
    power_of_two_within(LANES / (bytes + scan_bytes).max(1))
}

/// The parameters of a partition.
pub(super) struct Cut<'a> {
    pub(super) nest: &'a Nest,
    /// The number of elements of the loop.
    pub(super) n: usize,
    pub(super) workers: usize,
    /// The length of a tile.
    pub(super) length: usize,
    pub(super) panel_rows: usize,
    /// The number of rows that are transferred or copied together.
    pub(super) down: usize,
    /// The approximate maximum number of elements of a unit, if arrays are in stores.
    pub(super) chunk: Option<usize>,
    /// Whether chunks are transferred column by column.
    pub(super) turned: bool,
    /// The maximum number of sequences that run side by side.
    pub(super) lanes: usize,
    /// Whether there are scans.
    pub(super) scans: bool,
    /// The number of elements before a piece of a sequence that are computed first, for the states
    /// of scans; `None` if these pass from piece to piece, so that sequences are only split to bound
    /// the size of chunks.
    pub(super) lead: Option<usize>,
    /// The maximum number of bytes of the partial results of pieces of sequences.
    pub(super) partials: usize,
}

impl Cut<'_> {
    /// The grid, and the level in the reduction tree of the pieces of a sequence.
    pub(super) fn grid(&self, [outers, rows, columns]: [usize; 3], folds: &[Fold]) -> (Grid, u32) {
        // About eight units a thread let threads of different speed end together. The number of
        // units is bounded, so that skipping them takes little time when a run has been stopped.
        let most = LARGE_UNIT.max(self.n >> MOST_UNITS);
        let wanted = match (self.chunk, self.workers) {
            (Some(chunk), _) => chunk.max(PIECE),
            (None, 1) => most,
            (None, workers) => (self.n / (8 * workers)).clamp(PIECE, most),
        };
        let too_long = |elements: usize| self.chunk.is_some() && elements > wanted;
        let leaf = folds.first().map_or(PIECE, |fold| fold.reducer.leaf());
        // A power of two of leaves: with at least that many elements or, for chunks, at most.
        let level_of = |elements: usize| match self.chunk {
            Some(_) => (elements / leaf).max(1).ilog2(),
            None => elements.div_ceil(leaf).next_power_of_two().ilog2(),
        };
        let splits = !self.scans || self.lead.is_some();
        let lead = self.lead.unwrap_or(0);
        // Pieces of a sequence are long compared to what is computed before each.
        let wanted_piece = |elements: usize| elements.max(lead.saturating_mul(LEADS));
        // The more rows are read together, the fewer columns a chunk has.
        let down = self.down;
        let (row_step, column_step, level) = match self.nest.along {
            Along::Nothing => {
                let across = match self.chunk {
                    Some(_) if down > 1 => (wanted / down).next_multiple_of(self.length),
                    _ => wanted.next_multiple_of(PIECE),
                };
                let column_step = across.min(columns.max(1));
                let row_step = (wanted / columns.max(1)).max(down);
                (row_step, column_step, 0)
            }
            Along::Columns => {
                // Each row that is transferred with others has states of its own.
                let down = if splits { down } else { down.min(self.lanes) };
                let few = self.workers > 1 && rows < 2 * self.workers * down && splits;
                let level = match few || too_long(columns.saturating_mul(down)) {
                    true if self.chunk.is_some() => level_of(wanted / down),
                    true => level_of(wanted_piece(wanted)),
                    false => 63 - leaf.ilog2(),
                };
                let level = self.fewer_pieces(level, leaf, columns, rows * folds.len());
                let across = if self.turned { columns.min(leaf << level) } else { columns };
                // A scan's state passes from piece to piece of a row, so a unit has no more rows
                // than are transferred together.
                let pieces = !splits && leaf << level < columns;
                let row_step = if pieces { down } else { wanted / across.max(1) };
                let row_step = row_step.clamp(1, rows.max(1));
                (row_step.max(self.panel_rows), leaf << level, level)
            }
            Along::Rows => {
                let lanes = match self.chunk {
                    Some(_) if self.turned => self.lanes.min(wanted / leaf.max(down)),
                    Some(_) => self.lanes.min(wanted / leaf),
                    None if self.scans => self.lanes.min(outers * columns / (4 * self.workers)),
                    None => self.lanes,
                };
                let lanes = (lanes / self.length).max(1) * self.length;
                let few = self.workers > 1 && outers * columns.div_ceil(lanes) < 2 * self.workers;
                let few = few && splits;
                let cut = few || too_long(rows.saturating_mul(lanes.min(columns)));
                let level = match cut {
                    true => level_of(wanted_piece(wanted / lanes.min(columns.max(1)))),
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

    /// The lowest level, from `level` on, whose pieces have few enough partial results.
    pub(super) fn fewer_pieces(
        &self,
        level: u32,
        leaf: usize,
        length: usize,
        sequences: usize,
    ) -> u32 {
        let bytes = |level: &u32| match length.div_ceil(leaf << level) {
            0 | 1 => 0,
            pieces => pieces.saturating_mul(sequences * size_of::<Option<Partial>>()),
        };
        let fits = |level: &u32| bytes(level) <= self.partials;
        (level..63 - leaf.ilog2()).find(fits).unwrap_or(63 - leaf.ilog2())
    }
}
