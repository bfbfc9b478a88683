//! What the code of a tile and the executor agree on: a function and its table of pointers.

use std::sync::Arc;

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

/// The layout of a tile's table: `uniforms, inputs.., outputs.., slots.., kernels..`, a pointer
/// each. Code reaches everything through it, so it has no absolute address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TileTable {
    /// The number of arrays that the tile reads.
    pub inputs: usize,
    /// The number of arrays that it writes.
    pub outputs: usize,
    /// The number of scratch slots.
    pub slots: usize,
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

    /// The place of a block kernel.
    pub fn kernel(&self, number: usize) -> usize {
        1 + self.inputs + self.outputs + self.slots + number
    }
}
