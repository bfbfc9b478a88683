//! The encoder: rows and operands to bytes.

use super::rows::{Encodings, Form, Length, Row};

/// The vectors that code works on, and how their instructions are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 256 bits, by VEX.
    Ymm,
    /// 512 bits, by EVEX; truth values of a loop are in mask registers.
    Zmm,
}

impl Width {
    /// The size of a vector in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Width::Ymm => 32,
            Width::Zmm => 64,
        }
    }

    /// The number of vector registers.
    pub fn registers(self) -> usize {
        match self {
            Width::Ymm => 16,
            Width::Zmm => 32,
        }
    }
}

/// A general-purpose register, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gpr(pub u8);

impl Gpr {
    pub const RAX: Gpr = Gpr(0);
    pub const RCX: Gpr = Gpr(1);
    pub const RDX: Gpr = Gpr(2);
    pub const RBX: Gpr = Gpr(3);
    pub const RSP: Gpr = Gpr(4);
    pub const RBP: Gpr = Gpr(5);
    pub const RSI: Gpr = Gpr(6);
    pub const RDI: Gpr = Gpr(7);
    pub const R8: Gpr = Gpr(8);
    pub const R9: Gpr = Gpr(9);
    pub const R10: Gpr = Gpr(10);
    pub const R11: Gpr = Gpr(11);
    pub const R12: Gpr = Gpr(12);
    pub const R13: Gpr = Gpr(13);
    pub const R14: Gpr = Gpr(14);
    pub const R15: Gpr = Gpr(15);
}

/// A register that counts elements of `2^shift` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    pub register: Gpr,
    pub shift: u8,
}

/// A place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// `base + index + disp`; the index is not `rsp`.
    Based(Gpr, Option<Index>, i32),
    /// At this offset in the pool of constants after the code.
    Pool(u32),
}

/// An operand that may be in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// A vector or mask register.
    Register(u8),
    /// A vector in memory.
    Memory(Address),
    /// An element in memory, broadcast to all lanes; EVEX only.
    Broadcast(Address),
}

/// The operands of an instruction, as its [`Form`] places them.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    pub reg: u8,
    pub vvvv: u8,
    pub rm: Rm,
    /// The mask register of the lanes that are written or chosen; 0 for all lanes.
    pub mask: u8,
    pub imm: u8,
}

/// Conditions of jumps and moves, by their numbers in opcodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Below = 2,
    AboveOrEqual = 3,
    Equal = 4,
    NotEqual = 5,
    BelowOrEqual = 6,
    Above = 7,
}

/// A reference to the pool: the position of the displacement, the end of its instruction, and the
/// offset in the pool.
struct Reference {
    at: usize,
    end: usize,
    to: u32,
}

/// A forward jump: the end of its displacement, to be filled in.
#[must_use]
pub struct Jump(usize);

/// An assembler.
pub struct Asm {
    width: Width,
    bytes: Vec<u8>,
    references: Vec<Reference>,
}

impl Asm {
    pub fn new(width: Width) -> Asm {
        Asm { width, bytes: Vec::with_capacity(1024), references: Vec::new() }
    }

    /// The number of bytes so far.
    pub fn position(&self) -> usize {
        self.bytes.len()
    }

    /// The code with its pool, which starts at a multiple of 64 bytes.
    pub fn finish(mut self, pool: &[u8]) -> Vec<u8> {
        if !pool.is_empty() {
            // Padding that is never executed: `int3`.
            self.bytes.resize(self.bytes.len().next_multiple_of(64), 0xCC);
        }
        let start = self.bytes.len();
        for Reference { at, end, to } in &self.references {
            let distance = (start + *to as usize - end) as i32;
            self.bytes[*at..at + 4].copy_from_slice(&distance.to_le_bytes());
        }
        self.bytes.extend_from_slice(pool);
        self.bytes
    }

    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Emits a vector or mask instruction.
    pub fn emit(&mut self, row: &'static Row, operands: Operands) {
        let Operands { reg, vvvv, rm, mask, imm } = operands;
        let masks = matches!(row.form, Form::Masks | Form::Mask | Form::MaskStore);
        let evex = self.width == Width::Zmm && !masks;
        debug_assert_ne!(row.encodings, if evex { Encodings::Vex } else { Encodings::Evex });
        let reg = if let Form::Vm(extension) = row.form { extension } else { reg };
        let (x, b) = match rm {
            Rm::Register(register) => (register >> 4 & 1, register >> 3 & 1),
            Rm::Memory(address) | Rm::Broadcast(address) => match address {
                Address::Based(base, index, _) => {
                    (index.map_or(0, |index| index.register.0 >> 3), base.0 >> 3)
                }
                Address::Pool(_) => (0, 0),
            },
        };
        let r = reg >> 3 & 1;
        if evex {
            let broadcast = matches!(rm, Rm::Broadcast(_));
            let high = |register: u8| register >> 4 & 1;
            self.byte(0x62);
            self.byte(
                (!r & 1) << 7 | (!x & 1) << 6 | (!b & 1) << 5 | (!high(reg) & 1) << 4 | row.map,
            );
            self.byte(u8::from(row.w[1]) << 7 | (!vvvv & 15) << 3 | 1 << 2 | row.prefix);
            let length = match row.length {
                Length::Width => 2,
                Length::Half => 1,
                Length::Xmm => 0,
            };
            self.byte(length << 5 | u8::from(broadcast) << 4 | (!high(vvvv) & 1) << 3 | mask);
        } else {
            let long = if masks { row.form == Form::Masks } else { row.length == Length::Width };
            let w = row.w[0];
            let last = (!vvvv & 15) << 3 | u8::from(long) << 2 | row.prefix;
            // A mask's `rm` has three bits.
            if x == 0 && b == 0 && !w && row.map == 1 {
                self.byte(0xC5);
                self.byte((!r & 1) << 7 | last);
            } else {
                self.byte(0xC4);
                self.byte((!r & 1) << 7 | (!x & 1) << 6 | (!b & 1) << 5 | row.map);
                self.byte(u8::from(w) << 7 | last);
            }
        }
        self.byte(row.opcode);
        let after = usize::from(row.immediate || row.form == Form::Rvmr);
        let scale = match rm {
            _ if !evex => 1,
            Rm::Broadcast(_) => i32::from(row.element),
            _ => row.memory_bytes(self.width) as i32,
        };
        match rm {
            Rm::Register(register) => self.byte(0xC0 | (reg & 7) << 3 | register & 7),
            Rm::Memory(address) | Rm::Broadcast(address) => {
                self.address(reg, address, scale, after);
            }
        }
        if after > 0 {
            self.byte(imm);
        }
    }

    /// ModRM, SIB and displacement; `after` bytes of the instruction follow.
    fn address(&mut self, reg: u8, address: Address, scale: i32, after: usize) {
        let reg = (reg & 7) << 3;
        let (base, index, disp) = match address {
            Address::Based(base, index, disp) => (base, index, disp),
            Address::Pool(to) => {
                self.byte(reg | 5);
                let at = self.bytes.len();
                self.bytes.extend_from_slice(&[0; 4]);
                self.references.push(Reference { at, end: at + 4 + after, to });
                return;
            }
        };
        let short = (disp % scale == 0).then_some(disp / scale);
        let short = short.and_then(|disp| i8::try_from(disp).ok());
        // Without a displacement these bases encode other addresses.
        let needed = base.0 & 7 == 5;
        let mode = match short {
            Some(0) if !needed => 0,
            Some(_) => 0x40,
            None => 0x80,
        };
        if index.is_some() || base.0 & 7 == 4 {
            self.byte(mode | reg | 4);
            let (index, shift) = index.map_or((4, 0), |index| (index.register.0 & 7, index.shift));
            self.byte(shift << 6 | index << 3 | base.0 & 7);
        } else {
            self.byte(mode | reg | base.0 & 7);
        }
        match (mode, short) {
            (0, _) => {}
            (0x40, Some(disp)) => self.byte(disp as u8),
            _ => self.bytes.extend_from_slice(&disp.to_le_bytes()),
        }
    }

    /// An instruction on 64-bit general registers, `rm` in memory.
    fn memory64(&mut self, opcode: u8, reg: u8, address: Address) {
        if let Address::Based(base, index, _) = address {
            let index = index.map_or(0, |index| index.register.0 >> 3);
            self.byte(0x48 | (reg >> 3) << 2 | index << 1 | base.0 >> 3);
        }
        self.byte(opcode);
        self.address(reg, address, 1, 0);
    }

    fn registers(&mut self, wide: bool, opcode: &[u8], reg: u8, rm: Gpr) {
        let rex = 0x40 | u8::from(wide) << 3 | (reg >> 3) << 2 | rm.0 >> 3;
        if rex != 0x40 {
            self.byte(rex);
        }
        self.bytes.extend_from_slice(opcode);
        self.byte(0xC0 | (reg & 7) << 3 | rm.0 & 7);
    }

    fn immediate32(&mut self, extension: u8, to: Gpr, value: i32) {
        match i8::try_from(value) {
            Ok(value) => {
                self.registers(true, &[0x83], extension, to);
                self.byte(value as u8);
            }
            Err(_) => {
                self.registers(true, &[0x81], extension, to);
                self.bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
    }

    pub fn push(&mut self, register: Gpr) {
        if register.0 > 7 {
            self.byte(0x41);
        }
        self.byte(0x50 | register.0 & 7);
    }

    pub fn pop(&mut self, register: Gpr) {
        if register.0 > 7 {
            self.byte(0x41);
        }
        self.byte(0x58 | register.0 & 7);
    }

    /// `to = from`
    pub fn copy(&mut self, to: Gpr, from: Gpr) {
        self.registers(true, &[0x89], from.0, to);
    }

    /// `to = the 8 bytes there`
    pub fn load(&mut self, to: Gpr, from: Address) {
        self.memory64(0x8B, to.0, from);
    }

    /// `the 8 bytes there = from`
    pub fn store(&mut self, to: Address, from: Gpr) {
        self.memory64(0x89, from.0, to);
    }

    /// `to += the 8 bytes there`
    pub fn add_from(&mut self, to: Gpr, from: Address) {
        self.memory64(0x03, to.0, from);
    }

    /// `to -= the 8 bytes there`
    pub fn sub_from(&mut self, to: Gpr, from: Address) {
        self.memory64(0x2B, to.0, from);
    }

    /// `to &= memory`
    pub fn and_from(&mut self, to: Gpr, from: Address) {
        self.memory64(0x23, to.0, from);
    }

    /// `to = the address`
    pub fn address_of(&mut self, to: Gpr, address: Address) {
        self.memory64(0x8D, to.0, address);
    }

    /// `to = 0`
    pub fn zero(&mut self, to: Gpr) {
        self.registers(false, &[0x31], to.0, to);
    }

    /// `to += value`
    pub fn add(&mut self, to: Gpr, value: i32) {
        self.immediate32(0, to, value);
    }

    /// `to -= value`, setting flags.
    pub fn sub(&mut self, to: Gpr, value: i32) {
        self.immediate32(5, to, value);
    }

    /// `to &= value`
    pub fn and(&mut self, to: Gpr, value: i32) {
        self.immediate32(4, to, value);
    }

    /// `to += from`
    pub fn add_register(&mut self, to: Gpr, from: Gpr) {
        self.registers(true, &[0x01], from.0, to);
    }

    /// `to = value`
    pub fn set(&mut self, to: Gpr, value: i32) {
        self.registers(true, &[0xC7], 0, to);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Sets the flags of `x & x`.
    pub fn test(&mut self, x: Gpr) {
        self.registers(true, &[0x85], x.0, x);
    }

    /// `to <<= count`
    pub fn shift_left(&mut self, to: Gpr, count: u8) {
        self.registers(true, &[0xC1], 4, to);
        self.byte(count);
    }

    /// Sets the flags of `x - y`.
    pub fn compare(&mut self, x: Gpr, y: Gpr) {
        self.registers(true, &[0x39], y.0, x);
    }

    /// `to = from` where the condition holds.
    pub fn copy_if(&mut self, condition: Condition, to: Gpr, from: Gpr) {
        self.registers(true, &[0x0F, 0x40 | condition as u8], to.0, from);
    }

    /// `to |= from`, the low 32 bits.
    pub fn or32(&mut self, to: Gpr, from: Gpr) {
        self.registers(false, &[0x09], from.0, to);
    }

    /// Jumps back to a position where the condition holds.
    pub fn jump_back(&mut self, condition: Condition, to: usize) {
        let distance = |end: usize| to as i64 - end as i64;
        match i8::try_from(distance(self.bytes.len() + 2)) {
            Ok(short) => self.bytes.extend_from_slice(&[0x70 | condition as u8, short as u8]),
            Err(_) => {
                let far = distance(self.bytes.len() + 6) as i32;
                self.bytes.extend_from_slice(&[0x0F, 0x80 | condition as u8]);
                self.bytes.extend_from_slice(&far.to_le_bytes());
            }
        }
    }

    /// Jumps ahead where the condition holds.
    pub fn jump(&mut self, condition: Condition) -> Jump {
        self.bytes.extend_from_slice(&[0x0F, 0x80 | condition as u8, 0, 0, 0, 0]);
        Jump(self.bytes.len())
    }

    /// Jumps ahead.
    pub fn jump_always(&mut self) -> Jump {
        self.bytes.extend_from_slice(&[0xE9, 0, 0, 0, 0]);
        Jump(self.bytes.len())
    }

    /// Binds a forward jump to the current position.
    pub fn land(&mut self, jump: Jump) {
        let distance = (self.bytes.len() - jump.0) as i32;
        self.bytes[jump.0 - 4..jump.0].copy_from_slice(&distance.to_le_bytes());
    }

    /// Calls the function whose address is in memory.
    pub fn call(&mut self, address: Address) {
        if let Address::Based(base, _, _) = address
            && base.0 > 7
        {
            self.byte(0x41);
        }
        self.byte(0xFF);
        self.address(2, address, 1, 0);
    }

    pub fn ret(&mut self) {
        self.byte(0xC3);
    }

    /// `vzeroupper`: clears the upper parts of vector registers, because legacy SSE instructions are
    /// slow while these are in use.
    pub fn zero_upper(&mut self) {
        self.bytes.extend_from_slice(&[0xC5, 0xF8, 0x77]);
    }

    /// Pads with no-operations to a multiple of `to` bytes.
    pub fn align(&mut self, to: usize) {
        const NOPS: [&[u8]; 8] = [
            &[0x90],
            &[0x66, 0x90],
            &[0x0F, 0x1F, 0x00],
            &[0x0F, 0x1F, 0x40, 0x00],
            &[0x0F, 0x1F, 0x44, 0x00, 0x00],
            &[0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00],
            &[0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00],
            &[0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
        ];
        let mut left = self.bytes.len().next_multiple_of(to) - self.bytes.len();
        while left > 0 {
            let nop = NOPS[left.min(NOPS.len()) - 1];
            self.bytes.extend_from_slice(nop);
            left -= nop.len();
        }
    }
}

#[cfg(test)]
mod tests;
