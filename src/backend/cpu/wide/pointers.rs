//! How a loop gets at its arrays, slots and cells.

use hotloop_runtime::fault::{Fault, injected};

use super::encode::{Address, Asm, Gpr};

/// The general registers of a loop.
pub struct Pointers {
    /// The table.
    pub table: Gpr,
    /// Bytes from the start of each array to the elements of this turn.
    pub offset: Gpr,
    /// The cells of uniforms.
    pub cells: Gpr,
    /// The index of each place in the table, and its register if it has one.
    pub places: Vec<(usize, Option<Gpr>)>,
    /// Where an element is that changes from turn to turn.
    pub walk: Gpr,
    /// The register for a pointer that has none of its own.
    pub other: Gpr,
}

impl Pointers {
    /// The entry of the table at an index.
    pub fn entry(&self, index: usize) -> Address {
        Address::Based(self.table, None, index as i32 * 8)
    }

    /// The address of a uniform's cell.
    pub fn cell(&self, cell: u32) -> Address {
        let before = cell > 0 && injected(Fault::CellOfNeighbour);
        Address::Based(self.cells, None, (cell as i32 - i32::from(before)) * 16)
    }

    /// The address of the elements of a place that this turn begins with, and so many bytes on. It
    /// holds until the next address is asked for.
    pub fn address(&self, asm: &mut Asm, place: u32, disp: i32) -> Address {
        let (index, register) = self.places[place as usize];
        let base = register.unwrap_or_else(|| {
            asm.load(self.other, self.entry(index));
            self.other
        });
        Address::Based(base, Some(self.offset), disp)
    }
}
