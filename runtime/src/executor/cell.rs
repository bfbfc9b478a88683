//! Cells: uniform values in the form that compiled code reads.

/// A uniform value, repeated over 16 bytes as vector code reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C, align(16))]
pub struct Cell([u8; 16]);

impl Cell {
    /// The cell of an element of `size` bytes.
    pub fn splat(bits: u64, size: usize) -> Cell {
        let mut cell = [0; 16];
        cell.chunks_exact_mut(size)
            .for_each(|lane| lane.copy_from_slice(&bits.to_le_bytes()[..size]));
        Cell(cell)
    }

    /// The cell of a boolean, as a mask of any lane width.
    pub fn mask(value: bool) -> Cell {
        Cell([if value { 0xff } else { 0 }; 16])
    }

    /// The bits of the first element of `size` bytes.
    pub fn bits(&self, size: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&self.0[..size]);
        u64::from_le_bytes(bytes)
    }
}
