//! The loop that accumulates whole rows in registers.
//!
//! The accumulators of a block of rows stay in registers while the loop runs over the rows: those of a
//! whole row or, if there are too few registers, of a strip of a few vectors at a time. Each
//! accumulator takes its elements in the order of the rows either way, so the bits are the same.

use std::mem::offset_of;

use hotloop_runtime::reduce::{ROWS, row_lanes};
use hotloop_runtime::tile::CarryState;

use super::allocate::{Turn, row_chains};
use super::encode::{Address, Asm, Condition, Gpr, Operands, Rm, Width};
use super::reduction::words;
use super::rows::*;
use super::select::{Accumulated, select};
use super::{Emitter, General};
use crate::backend::Refusal;
use crate::backend::cpu::tile::{Accumulate, Instr};

/// The words of the frame that the loop uses; the runs of each carry follow.
const LEFT: u32 = 0;
const TAKEN: u32 = 1;
const OFFSET: u32 = 2;
const BEFORE: u32 = 3;
const STRIP: u32 = 4;
const RECIPROCALS: u32 = 5;
const RUNS: u32 = 6;

/// The accumulations of a step.
pub fn accumulated(code: &[Instr]) -> impl Iterator<Item = &Accumulate> {
    code.iter().filter_map(|instr| match instr {
        Instr::Accumulate(accumulate) => Some(accumulate),
        _ => None,
    })
}

/// The number of words of the frame that a step needs.
pub fn locals(code: &[Instr]) -> u32 {
    match accumulated(code).count() as u32 {
        0 => 0,
        carries => RUNS + carries,
    }
}

/// The address of a word of a carry's state.
fn of_state(state: Gpr, offset: usize) -> Address {
    Address::Based(state, None, offset as i32)
}

impl Emitter<'_> {
    /// A word of the frame.
    fn local(&self, number: u32) -> Address {
        let slots = (self.slots * self.width.bytes() as u32) as i32;
        Address::Based(Gpr::RSP, None, slots + 8 * number as i32)
    }

    fn set_local(&mut self, number: u32, from: Gpr) {
        let local = self.local(number);
        self.asm.store(local, from);
    }

    fn local_to(&mut self, to: Gpr, number: u32) {
        let local = self.local(number);
        self.asm.load(to, local);
    }

    /// Accumulates as many rows as the states of the carries say, and leaves the offset after them.
    pub(super) fn accumulate_rows(&mut self, bits: u8, code: &[Instr]) -> Result<(), Refusal> {
        let General { offset, last, .. } = *self.general;
        let carries: Vec<Accumulate> = accumulated(code).copied().collect();
        // The carries of a loop have rows of the same lanes.
        let row = carries.first().map_or(1, |carry| row_lanes(carry.lane.bytes()));
        let selected = select(self.width, bits, code, Accumulated::Here, &mut self.pool)?;
        let lanes = self.width.bytes() / selected.widest;
        let chains = row_chains(self.width, &selected, row / lanes).ok_or(Refusal::TooLarge)?;
        let strip = chains as usize * lanes;
        // A turn also reads this many elements of inputs of which only a block of copies exists.
        self.block = self.block.max(strip);
        let strips = strip < row;
        let shift = row.trailing_zeros() as u8;
        let pointers = self.pointers(&selected)?;
        let walk = pointers.walk;
        let table = self.program.table();
        let state = |number: usize| pointers.entry(table.state(carries[number].state as usize));

        // Reads the states.
        self.asm.load(walk, state(0));
        self.asm.load(offset, of_state(walk, offset_of!(CarryState, rows)));
        self.set_local(LEFT, offset);
        self.asm.load(last, of_state(walk, offset_of!(CarryState, before)));
        self.set_local(BEFORE, last);
        if let Some(walked) = selected.walk {
            // The next row uses the reciprocal of the count that includes it.
            self.asm.shift_left(last, walked.bytes.trailing_zeros() as u8);
            self.asm.add(last, i32::from(walked.bytes));
            self.asm.load(walk, state(walked.carry));
            self.asm.add_from(last, of_state(walk, offset_of!(CarryState, reciprocals)));
            self.set_local(RECIPROCALS, last);
        }
        for number in 0..carries.len() {
            self.asm.load(walk, state(number));
            self.asm.load(last, of_state(walk, offset_of!(CarryState, runs)));
            self.set_local(RUNS + number as u32, last);
        }
        self.asm.zero(last);
        self.set_local(OFFSET, last);
        self.asm.test(offset);
        let nothing = self.asm.jump(Condition::Equal);

        let mut stack = std::mem::take(&mut self.stack);
        let mut code = std::mem::replace(&mut self.asm, Asm::new(self.width));
        let mut turn = Turn::new(&mut code, self.width, &selected, &pointers, &mut stack, chains);
        let (registers, first) = turn.keep_accumulators();
        turn.pin();
        let frame = (self.slots * self.width.bytes() as u32) as i32;
        let local = |number: u32| Address::Based(Gpr::RSP, None, frame + 8 * number as i32);
        let put = |turn: &mut Turn<'_>, row: &'static Row, reg: u8, rm: Rm| {
            turn.asm().emit(row, Operands { reg, vvvv: 0, rm, mask: 0, imm: 0 });
        };
        let width = self.width;
        let zmm = width == Width::Zmm;
        let ones = self.pool.constant(!0, self.width.bytes());
        // The mask of the first row: all ones in it, zero in the others.
        let not_first = |turn: &mut Turn<'_>| {
            let Some(first) = first else { return };
            let row = if zmm { &KXOR } else { &XORPS };
            let rm = Rm::Register(first);
            turn.asm().emit(row, Operands { reg: first, vvvv: first, rm, mask: 0, imm: 0 });
        };
        // The accumulators' vectors in the runs, from the position of `walk` for each carry.
        let transfer = |turn: &mut Turn<'_>, store: bool| {
            for (number, carry) in carries.iter().enumerate() {
                turn.asm().load(walk, local(RUNS + number as u32));
                let row_bytes = row * carry.lane.bytes();
                for (at, accumulator) in selected.accumulators.iter().enumerate() {
                    for chain in 0..chains as usize {
                        if accumulator.carry == number {
                            let part = accumulator.part;
                            let vector = chain * part.bytes(width);
                            let disp = accumulator.word * row_bytes + vector;
                            let there = Rm::Memory(Address::Based(walk, None, disp as i32));
                            let register = registers[at * chains as usize + chain];
                            put(turn, Turn::move_part(width, part, store), register, there);
                        }
                    }
                }
            }
        };

        // The blocks.
        let block = turn.asm().position();
        let asm = turn.asm();
        asm.set(last, ROWS as i32);
        asm.sub_from(last, local(BEFORE));
        asm.load(offset, local(LEFT));
        asm.compare(offset, last);
        asm.copy_if(Condition::Below, last, offset);
        asm.store(local(TAKEN), last);
        if strips {
            asm.zero(last);
            asm.store(local(STRIP), last);
        }
        // The strips of a block.
        let next_strip = asm.position();
        asm.load(offset, local(OFFSET));
        if strips {
            asm.add_from(offset, local(STRIP));
        }
        asm.load(last, local(TAKEN));
        asm.shift_left(last, shift);
        asm.add_register(last, offset);
        asm.load(walk, local(BEFORE));
        asm.test(walk);
        let resumed = asm.jump(Condition::NotEqual);
        for (at, accumulator) in selected.accumulators.iter().enumerate() {
            let identity = self.pool.constant(accumulator.identity, self.width.bytes());
            for chain in 0..chains as usize {
                let register = registers[at * chains as usize + chain];
                put(&mut turn, &LOAD, register, Rm::Memory(Address::Pool(identity)));
            }
        }
        if let Some(first) = first {
            let row = if zmm { &KMOV } else { &LOAD };
            put(&mut turn, row, first, Rm::Memory(Address::Pool(ones)));
        }
        let begun = turn.asm().jump_always();
        turn.asm().land(resumed);
        transfer(&mut turn, false);
        not_first(&mut turn);
        turn.asm().land(begun);
        if selected.walk.is_some() {
            turn.asm().load(walk, local(RECIPROCALS));
        }

        // The rows of a strip.
        let start = turn.begin();
        turn.emit()?;
        not_first(&mut turn);
        let asm = turn.asm();
        if let Some(walked) = selected.walk {
            asm.add(walk, i32::from(walked.bytes));
        }
        asm.add(offset, row as i32);
        asm.compare(offset, last);
        asm.jump_back(Condition::Below, start);
        transfer(&mut turn, true);
        let asm = turn.asm();
        let advance = |asm: &mut Asm, number: usize, bytes: usize| {
            asm.load(offset, local(RUNS + number as u32));
            asm.add(offset, bytes as i32);
            asm.store(local(RUNS + number as u32), offset);
        };
        if strips {
            for (number, carry) in carries.iter().enumerate() {
                advance(asm, number, strip * carry.lane.bytes());
            }
            asm.load(offset, local(STRIP));
            asm.add(offset, strip as i32);
            asm.store(local(STRIP), offset);
            asm.set(last, row as i32);
            asm.compare(offset, last);
            asm.jump_back(Condition::Below, next_strip);
        }

        // The next block; the strips have advanced by one word for each row.
        for (number, carry) in carries.iter().enumerate() {
            let gone = usize::from(strips);
            let rest = (words(carry.reduction) - gone) * row * carry.lane.bytes();
            if rest > 0 {
                advance(asm, number, rest);
            }
        }
        if let Some(walked) = selected.walk {
            asm.load(walk, state(walked.carry));
            asm.load(walk, of_state(walk, offset_of!(CarryState, reciprocals)));
            asm.add(walk, i32::from(walked.bytes));
            asm.store(local(RECIPROCALS), walk);
        }
        asm.zero(offset);
        asm.store(local(BEFORE), offset);
        asm.load(last, local(TAKEN));
        asm.load(offset, local(LEFT));
        asm.sub_from(offset, local(TAKEN));
        asm.store(local(LEFT), offset);
        asm.shift_left(last, shift);
        asm.add_from(last, local(OFFSET));
        asm.store(local(OFFSET), last);
        asm.test(offset);
        asm.jump_back(Condition::NotEqual, block);
        self.asm = code;
        self.stack = stack;
        self.asm.land(nothing);
        self.local_to(offset, OFFSET);
        self.upper = true;
        Ok(())
    }
}
