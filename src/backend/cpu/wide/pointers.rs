//! How a loop gets at its arrays, slots and cells.

use super::encode::{Address, Asm, Gpr, Index};

/// The general registers of a loop.
pub struct Pointers {
    /// The table.
    pub table: Gpr,
    /// Elements from the start of each array to those of this turn.
    pub offset: Gpr,
    /// The cells of uniforms.
    pub cells: Gpr,
    /// The places of the loop.
    pub places: Vec<Pointer>,
    /// The offset into inputs that may repeat, and the index of its mask in the table.
    pub repeated: Gpr,
    pub repeats: usize,
    /// Where an element is that changes from turn to turn.
    pub walk: Gpr,
    /// The register for a pointer that has none of its own.
    pub other: Gpr,
}

/// A place of a loop.
pub struct Pointer {
    /// The index in the table.
    pub index: usize,
    /// The register that holds the pointer, if there is one.
    pub register: Option<Gpr>,
    /// Whether it is an input that may repeat.
    pub may_repeat: bool,
}

impl Pointers {
    /// Computes the offset into inputs that may repeat, if there are any: at the start of each turn.
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

    /// The address of the elements of a place that this turn begins with, of `2^shift` bytes each, and
    /// so many bytes on. It holds until the next address is asked for.
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
