//! What selection hands to allocation: operations of the machine on values that have no register yet.

use super::rows::{Fused, Part, Row};

/// A value of one chain of a loop, by number.
pub type Value = u32;

/// Where a value can be had besides a register. All but the stack are never written to make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Home {
    /// Nowhere.
    Nowhere,
    /// The cell of a uniform, which repeats an element of so many bytes.
    Cell(u32, u8),
    /// A vector of the pool, at this offset.
    Pool(u32),
    /// It is zero.
    Zero,
    /// An element of so many bytes that changes from turn to turn.
    Walked(u8),
    /// All ones in the first turn, and zero in all others; in a register.
    First,
    /// In a register, from turn to turn: an accumulator.
    Kept,
    /// The elements of a place, by its number among those of the loop, and what part of a vector they
    /// fill.
    Place(u32, Part),
    /// A slot of the frame.
    Stack(u32),
}

impl Home {
    /// Whether it is the same in every turn and every chain.
    pub fn is_constant(self) -> bool {
        matches!(self, Home::Cell(..) | Home::Pool(_) | Home::Zero)
    }

    /// Whether it is the same in every chain.
    pub fn is_shared(self) -> bool {
        self.is_constant() || matches!(self, Home::Walked(_) | Home::First)
    }
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it is.
    pub home: Home,
    /// Whether it is in a mask register, not in a vector register.
    pub mask: bool,
}

/// What a micro-operation does with its sources.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// `op x`
    One(&'static Row),
    /// `op x`, from a mask register to a vector register or back.
    Cross(&'static Row),
    /// `op x`, which is in the register that is otherwise stored.
    Narrow(&'static Row),
    /// `op x, y`
    Two(&'static Row),
    /// `op x, y`, where `op y, x` is the same.
    Either(&'static Row),
    /// `op x`, by the immediate, of a register.
    Shift(&'static Row),
    /// Lanes of y where the sign bits of c are set, else of x: `x, y, c`.
    Choose(&'static Row),
    /// Lanes of y where the mask k has ones, else of x: `x, y, k`.
    Blend(&'static Row),
    /// `x * y + z`, with signs.
    Fused(&'static Fused),
    /// `op x, y` where the mask k has ones, else what there was: `x, y, k, old`.
    Merge(&'static Row),
    /// Of masks.
    Masks(&'static Row),
    /// Of one mask.
    Mask(&'static Row),
    /// x, which fills this part of a vector, to the place of this number.
    Store(u32, Part),
}

/// A micro-operation.
#[derive(Clone, Copy, Debug)]
pub struct Micro {
    /// What it does.
    pub what: What,
    /// The value that it makes.
    pub result: Option<Value>,
    /// The values that it takes, `count` of them.
    pub sources: [Value; 4],
    /// How many it takes.
    pub count: u8,
    /// The immediate byte.
    pub imm: u8,
    /// Whether it is the first of an instruction of the program.
    pub first: bool,
}

impl Micro {
    /// The values that it takes.
    pub fn sources(&self) -> &[Value] {
        &self.sources[..usize::from(self.count)]
    }
}

/// Constants behind the code, a vector each.
#[derive(Default)]
pub struct Pool {
    bytes: Vec<u8>,
}

impl Pool {
    /// The offset of a vector with these eight bytes over and over.
    pub fn constant(&mut self, bits: u64, width: usize) -> u32 {
        self.vector(&bits.to_le_bytes().repeat(width / 8))
    }

    /// The offset of a vector; all have the same length.
    pub fn vector(&mut self, vector: &[u8]) -> u32 {
        let known = self.bytes.chunks_exact(vector.len()).position(|known| known == vector);
        known.map_or_else(
            || {
                self.bytes.extend_from_slice(vector);
                self.bytes.len() - vector.len()
            },
            |number| number * vector.len(),
        ) as u32
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
