//! What the code of a tile and the executor agree on: a function and its table of pointers.

use std::sync::Arc;

use crate::scan::Scanner;

/// A compiled tile: `n` elements, through a [table](TileTable). Returns advisory flags.
///
/// It may read and write up to the next multiple of the program's block beyond `n`.
pub type TileFn = unsafe extern "C" fn(table: *const *mut u8, n: usize) -> u32;

/// A tile that is run by calls of block kernels instead of code of its own.
pub trait PortableTile: Send + Sync {
    /// Computes `n` elements; returns advisory flags.
    ///
    /// # Safety
    /// The table has the tile's layout, and each of its arrays and slots `n` elements.
    unsafe fn run(&self, table: *const *mut u8, n: usize) -> u32;
}

/// What computes the elements of a tile.
#[derive(Clone)]
pub enum TileCode {
    /// A function, which the loop's owner keeps alive.
    Native(TileFn),
    /// Calls of block kernels.
    Portable(Arc<dyn PortableTile>),
}

impl TileCode {
    /// Computes `n` elements; returns advisory flags.
    ///
    /// # Safety
    /// The table has the tile's layout; each of its arrays and slots has `n` elements up to the
    /// next multiple of the tile's block, or just `n` if the tile ends with its last element and
    /// there are as many as a block has.
    #[inline]
    pub unsafe fn run(&self, table: *const *mut u8, n: usize) -> u32 {
        match self {
            // SAFETY: the caller's promise.
            TileCode::Native(function) => unsafe { function(table, n) },
            // SAFETY: as above.
            TileCode::Portable(tile) => unsafe { tile.run(table, n) },
        }
    }
}

/// What code and the executor exchange of a carry whose elements the code accumulates: the first
/// elements of a tile, in whole rows. The rest it leaves in memory, as [`Runs`](crate::reduce::Runs)
/// describe.
///
/// The carries of one loop of the code have states with the same rows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CarryState {
    /// The accumulators of each block that rows are of. If there are rows `before`, the first
    /// block's are there already.
    pub runs: *mut u8,
    /// How many rows are accumulated.
    pub rows: usize,
    /// The rows that the first block's accumulators have taken.
    pub before: usize,
    /// `1/k` at place `k`, from 1 to 16, of the elements' dtype, for squared deviations.
    pub reciprocals: *const u8,
}

/// Where a tile leaves the elements that a carry takes, as places of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileCarry {
    /// The elements, but for those that the code accumulates.
    pub values: usize,
    /// The [`CarryState`], if the code accumulates.
    pub state: Option<usize>,
}

/// A scan whose kernel a tile calls.
#[derive(Clone, Copy, Debug)]
pub struct TileScan {
    /// How its state begins.
    pub scanner: Scanner,
    /// The place of its [`ScanState`](crate::scan::ScanState) in the table.
    pub state: usize,
}

/// The layout of a tile's table: `uniforms, inputs.., outputs.., slots.., states.., repeats,
/// kernels..`, a pointer each, but for `repeats`: see [`TileTable::repeats`]. Code reaches everything through it, so it has no absolute address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TileTable {
    /// The number of arrays that the tile reads.
    pub inputs: usize,
    /// The number of arrays that it writes.
    pub outputs: usize,
    /// The number of scratch slots.
    pub slots: usize,
    /// The number of carries whose elements the code accumulates, and of scans after them.
    pub states: usize,
    /// Whether there are inputs that may repeat.
    pub repeats: bool,
}

impl TileTable {
    /// The place of the uniforms' cells.
    pub const UNIFORMS: usize = 0;

    /// The place of an input.
    pub fn input(&self, number: usize) -> usize {
        1 + number
    }

    /// The place of an output.
    pub fn output(&self, number: usize) -> usize {
        1 + self.inputs + number
    }

    /// The place of a scratch slot.
    pub fn slot(&self, number: usize) -> usize {
        1 + self.inputs + self.outputs + number
    }

    /// The place of a [`CarryState`] or of the state of a scan.
    pub fn state(&self, number: usize) -> usize {
        1 + self.inputs + self.outputs + self.slots + number
    }

    /// The place of a mask for offsets into inputs that may repeat, if there are any: all ones, or
    /// zero if each of them has one element in the whole row, of which a block of copies is there.
    pub fn repeats(&self) -> usize {
        self.state(self.states)
    }

    /// The place of a block kernel.
    pub fn kernel(&self, number: usize) -> usize {
        self.repeats() + usize::from(self.repeats) + number
    }
}
