//! Micro-operations: machine operations on values without registers, from selection to allocation.

use super::rows::{Fused, Part, Row};

/// A value of one chain of a loop, by number.
pub type Value = u32;

/// The location of a value besides a register. Values in all but the stack are never spilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Home {
    /// Nowhere.
    Nowhere,
    /// The cell of a uniform: an element of this many bytes, repeated.
    Cell(u32, u8),
    /// A vector of the pool, at this offset.
    Pool(u32),
    /// It is zero.
    Zero,
    /// An element of this many bytes that changes from turn to turn.
    Walked(u8),
    /// All ones in the first turn, and zero in all others; in a register.
    First,
    /// In a register, from turn to turn: an accumulator.
    Kept,
    /// The elements of a place of the loop, given by its number, and the part of a vector that they
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

/// The properties of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its location.
    pub home: Home,
    /// Whether it needs a mask register instead of a vector register.
    pub mask: bool,
}

/// The operation of a micro-operation on its sources.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// `op x`
    One(&'static Row),
    /// `op x`, from a mask register to a vector register or back.
    Cross(&'static Row),
    /// `op x`, where x is in the register that stores take.
    Narrow(&'static Row),
    /// `op x, y`
    Two(&'static Row),
    /// `op x, y`, commutative.
    Either(&'static Row),
    /// `op x` with an immediate, x in a register.
    Shift(&'static Row),
    /// Lanes of y where the sign bits of c are set, else of x: `x, y, c`.
    Choose(&'static Row),
    /// Lanes of y where the mask k has ones, else of x: `x, y, k`.
    Blend(&'static Row),
    /// A fused multiply-add: `x * y + z`, with signs.
    Fused(&'static Fused),
    /// `op x, y` where the mask k has ones, else `old`: `x, y, k, old`.
    Merge(&'static Row),
    /// An operation on two masks.
    Masks(&'static Row),
    /// An operation on one mask.
    Mask(&'static Row),
    /// Stores x, which fills this part of a vector, to the place of this number.
    Store(u32, Part),
}

/// A micro-operation.
#[derive(Clone, Copy, Debug)]
pub struct Micro {
    /// The operation.
    pub what: What,
    /// The result.
    pub result: Option<Value>,
    /// The sources, `count` of them.
    pub sources: [Value; 4],
    /// The number of sources.
    pub count: u8,
    /// The immediate byte.
    pub imm: u8,
    /// Whether it is the first micro-operation of an instruction of the program.
    pub first: bool,
}

impl Micro {
    /// The sources.
    pub fn sources(&self) -> &[Value] {
        &self.sources[..usize::from(self.count)]
    }
}

/// The pool of constants after the code, one vector each.
#[derive(Default)]
pub struct Pool {
    bytes: Vec<u8>,
}

impl Pool {
    /// The offset of a vector that repeats these eight bytes.
    pub fn constant(&mut self, bits: u64, width: usize) -> u32 {
        self.vector(&bits.to_le_bytes().repeat(width / 8))
    }

    /// The offset of a vector; all vectors have the same length.
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
