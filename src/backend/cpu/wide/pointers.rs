//! The addresses of a loop's arrays, slots and cells.

use super::encode::{Address, Asm, Gpr, Index};

/// The general registers of a loop.
pub struct Pointers {
    /// The table.
    pub table: Gpr,
    /// The offset of the current turn, in elements.
    pub offset: Gpr,
    /// The cells of uniforms.
    pub cells: Gpr,
    /// The places of the loop.
    pub places: Vec<Pointer>,
    /// The offset into inputs that may repeat, and the index of its mask in the table.
    pub repeated: Gpr,
    pub repeats: usize,
    /// The address of an element that changes from turn to turn.
    pub walk: Gpr,
    /// The register for pointers without a register of their own.
    pub other: Gpr,
}

/// A place of a loop.
pub struct Pointer {
    /// The index in the table.
    pub index: usize,
    /// The register of the pointer, if it has one.
    pub register: Option<Gpr>,
    /// Whether it is an input that may repeat.
    pub may_repeat: bool,
}

impl Pointers {
    /// Computes the offset into inputs that may repeat, if there are any; called at the start of a turn.
    pub fn begin_turn(&self, asm: &mut Asm) {
        if self.places.iter().any(|place| place.may_repeat) {
            asm.copy(self.repeated, self.offset);
            asm.and_from(self.repeated, self.entry(self.repeats));
        }
    }

    /// The entry of the table at an index.
    pub fn entry(&self, index: usize) -> Address {
        Address::Based(self.table, None, index as i32 * 8)
    }

    /// The address of a uniform's cell.
    pub fn cell(&self, cell: u32) -> Address {
        Address::Based(self.cells, None, cell as i32 * 16)
    }

    /// The address of the first elements of this turn in a place, with elements of `2^shift` bytes,
    /// plus `disp` bytes. It is valid until the next call.
    pub fn address(&self, asm: &mut Asm, place: u32, shift: u8, disp: i32) -> Address {
        let place = &self.places[place as usize];
        let base = place.register.unwrap_or_else(|| {
            asm.load(self.other, self.entry(place.index));
            self.other
        });
        let register = if place.may_repeat { self.repeated } else { self.offset };
        Address::Based(base, Some(Index { register, shift }), disp)
    }
}
