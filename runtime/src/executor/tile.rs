//! The interface between the code of a tile and the executor: a function and its table of pointers.

use std::sync::Arc;

use crate::scan::Scanner;

/// The code of a tile: computes `n` elements, whose arrays it finds through a [table](TileTable),
/// and returns advisory flags.
///
/// It may read and write beyond `n`, up to the next multiple of the tile's block.
pub type TileFn = unsafe extern "C" fn(table: *const *mut u8, n: usize) -> u32;

/// A tile without code of its own, which runs by calls of block kernels.
pub trait PortableTile: Send + Sync {
    /// Computes `n` elements; returns advisory flags.
    ///
    /// # Safety
    /// The table has the tile's layout, and each of its arrays and slots has `n` elements.
    unsafe fn run(&self, table: *const *mut u8, n: usize) -> u32;
}

/// The implementation of a tile.
#[derive(Clone)]
pub enum TileCode {
    /// A compiled function, which the loop's owner keeps alive.
    Native(TileFn),
    /// Calls of block kernels.
    Portable(Arc<dyn PortableTile>),
}

impl TileCode {
    /// Computes `n` elements; returns advisory flags.
    ///
    /// # Safety
    /// The table has the tile's layout. Each of its arrays and slots has `n` elements, rounded up
    /// to a multiple of the tile's block; or exactly `n` if that is at least a block and the tile's
    /// loops end with the last element.
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

/// The state of a carry whose elements the code accumulates, shared by the code and the executor.
/// The code accumulates whole rows, as [`Runs`](crate::reduce::Runs) describes, from the beginning
/// of the tile; it leaves the remaining elements in memory.
///
/// Carries that share a loop of the code have the same rows in their states.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CarryState {
    /// The runs that the code writes, one for each block with rows in the tile. If `before` is not
    /// 0, it reads the first run too.
    pub runs: *mut u8,
    /// The number of rows that the code accumulates.
    pub rows: usize,
    /// The number of rows that the accumulators of the first run have taken already.
    pub before: usize,
    /// A table with `1/k` at index `k`, for `k` from 1 to 16, of the elements' dtype, for squared
    /// deviations.
    pub reciprocals: *const u8,
}

/// The entries of a tile's table for a carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileCarry {
    /// The index of the elements, except those that the code accumulates.
    pub values: usize,
    /// The index of the [`CarryState`], if the code accumulates elements.
    pub state: Option<usize>,
}

/// A scan whose kernel a tile calls.
#[derive(Clone, Copy, Debug)]
pub struct TileScan {
    /// The scanner that initializes the state.
    pub scanner: Scanner,
    /// The index of the [`ScanState`](crate::scan::ScanState) in the table.
    pub state: usize,
}

/// The layout of a tile's table: `uniforms, inputs.., outputs.., slots.., states.., repeats,
/// kernels..`. Each entry is a pointer, except [`repeats`](TileTable::repeats()). The code reaches
/// all memory through the table, so it contains no absolute addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TileTable {
    /// The number of arrays that the tile reads.
    pub inputs: usize,
    /// The number of arrays that it writes.
    pub outputs: usize,
    /// The number of scratch slots.
    pub slots: usize,
    /// The number of carries whose elements the code accumulates, plus the number of scans, whose
    /// states come after.
    pub states: usize,
    /// Whether some inputs may have one element in a whole row.
    pub repeats: bool,
}

impl TileTable {
    /// The index of the cells of uniforms.
    pub const UNIFORMS: usize = 0;

    /// The index of an input.
    pub fn input(&self, number: usize) -> usize {
        1 + number
    }

    /// The index of an output.
    pub fn output(&self, number: usize) -> usize {
        1 + self.inputs + number
    }

    /// The index of a scratch slot.
    pub fn slot(&self, number: usize) -> usize {
        1 + self.inputs + self.outputs + number
    }

    /// The index of a [`CarryState`], or of the state of a scan.
    pub fn state(&self, number: usize) -> usize {
        1 + self.inputs + self.outputs + self.slots + number
    }

    /// The index of the mask for offsets into the inputs that may have one element in a whole row,
    /// if there are any. The mask is zero if all of them do, and each is then a block of copies of
    /// its element; otherwise it is all ones.
    pub fn repeats(&self) -> usize {
        self.state(self.states)
    }

    /// The index of a block kernel.
    pub fn kernel(&self, number: usize) -> usize {
        self.repeats() + usize::from(self.repeats) + number
    }
}
