//! Tile programs to native code at the machine's vector width: AVX2, or AVX-512.
//!
//! A program becomes one function, and each fused step of it a loop: [`select`] translates the step's
//! instructions to machine operations, [`allocate`] assigns registers, [`encode`] writes the bytes.
//! Other steps are calls of block kernels.
//!
//! A *turn* is an iteration of a loop. The last turn is moved back so that it ends with the last
//! element. It computes some elements twice, which is allowed because no input of a tile is also an
//! output. So the loop accesses nothing beyond the elements, unless there are fewer than in one turn.
//!
//! Like Cranelift's code, this code cannot trap and needs no relocation.

mod accumulate;
mod allocate;
mod by_constant;
mod convert;
mod encode;
mod micro;
mod pointers;
mod reduction;
mod rows;
mod select;

use hotloop_runtime::convert::{self as kernels, Lane};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::{Reduction, Runs};

use super::forms;
use super::native::Emitted;
use super::tile::{Instr, Place, Step, TileProgram};
use crate::backend::{Form, Refusal, Target};
use crate::ops::Op;
use accumulate::{accumulated, locals};
use allocate::{Stack, Turn, chains};
pub use encode::Width;
use encode::{Asm, Condition, Gpr};
use micro::{Home, Pool};
use pointers::{Pointer, Pointers};
use select::{Accumulated, Selected, select};

/// The forms that loops have at the machine's vector width.
pub struct Wide(pub Isa);

impl Target for Wide {
    fn form(&self, op: Op, dtype: DType) -> Form {
        if forms::wide(op, dtype, self.0) { Form::Vector } else { Form::Kernel }
    }

    fn accumulates(&self, reduction: Reduction, lane: Lane) -> bool {
        Runs::lane(reduction, lane).is_some()
    }

    fn by_constant(&self, op: Op, dtype: DType, bits: u64) -> bool {
        by_constant::exists(op, dtype, bits)
    }

    fn converts(&self, from: Lane, to: Lane) -> bool {
        convert::converts(from, to, self.0)
    }
}

/// The vector width of an instruction set; `None` if Cranelift's vectors are as wide.
pub fn width(isa: Isa) -> Option<Width> {
    match isa {
        _ if !cfg!(all(target_arch = "x86_64", target_os = "linux")) => None,
        Isa::Avx2 => Some(Width::Ymm),
        Isa::Avx512 => Some(Width::Zmm),
        _ => None,
    }
}

/// The maximum size in bytes of a frame. The stack is not probed, so a program that needs more is
/// refused.
const MOST_FRAME: u32 = 4096 - 8 * MOST_LOCALS;
/// The maximum number of words in a frame besides its slots.
const MOST_LOCALS: u32 = 64;

/// Emits a tile program for vectors of a width, with block kernels of an instruction set.
///
/// # Errors
/// [`Refusal::TooLarge`] for a program that needs a large frame, [`Refusal::Bug`].
pub fn emit(program: &TileProgram, width: Width, kernels: Isa) -> Result<Emitted, Refusal> {
    let first = Emitter::new(program, width, kernels, 0);
    if first.locals > MOST_LOCALS {
        return Err(Refusal::TooLarge);
    }
    // The number of slots in the frame is known only at the end.
    match first.emit()? {
        (emitted, 0) => Ok(emitted),
        (_, slots) if slots > MOST_FRAME / width.bytes() as u32 => Err(Refusal::TooLarge),
        (_, slots) => Ok(Emitter::new(program, width, kernels, slots).emit()?.0),
    }
}

fn bug(message: impl std::fmt::Display) -> Refusal {
    Refusal::Bug(message.to_string())
}

/// The callee-saved registers, in the order in which loops use them.
const SAVED: [Gpr; 5] = [Gpr::RBX, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];

/// The general registers of a function.
struct General {
    table: Gpr,
    n: Gpr,
    flags: Gpr,
    /// The offsets in elements of the current and of the last turn.
    offset: Gpr,
    last: Gpr,
    /// Registers for pointers.
    free: &'static [Gpr],
}

/// The registers of functions with calls: callee-saved, so that they survive the calls.
static WITH_CALLS: General = General {
    table: Gpr::RBX,
    n: Gpr::R12,
    flags: Gpr::R13,
    offset: Gpr::RAX,
    last: Gpr::RCX,
    free: &[Gpr::RDX, Gpr::RSI, Gpr::RDI, Gpr::R8, Gpr::R9, Gpr::R10, Gpr::R11, Gpr::R14, Gpr::R15],
};

/// The registers of functions without calls: arguments stay in the registers they are passed in.
static WITHOUT_CALLS: General = General {
    table: Gpr::RDI,
    n: Gpr::RSI,
    flags: Gpr::RAX,
    offset: Gpr::RAX,
    last: Gpr::RCX,
    free: &[
        Gpr::RDX,
        Gpr::R8,
        Gpr::R9,
        Gpr::R10,
        Gpr::R11,
        Gpr::RBX,
        Gpr::R12,
        Gpr::R13,
        Gpr::R14,
        Gpr::R15,
    ],
};

struct Emitter<'a> {
    program: &'a TileProgram,
    width: Width,
    isa: Isa,
    asm: Asm,
    pool: Pool,
    stack: Stack,
    general: &'static General,
    /// The registers saved on entry.
    saved: Vec<Gpr>,
    kernels: Vec<usize>,
    block: usize,
    /// The number of slots in the frame.
    slots: u32,
    /// The number of words in the frame, after the slots.
    locals: u32,
    /// Whether the upper parts of vector registers may be in use.
    upper: bool,
    /// Whether the flags that kernels return are collected.
    flags: bool,
}

/// The arrays and slots of a fused step.
fn places(code: &[Instr]) -> usize {
    let mut places: Vec<Place> = code.iter().filter_map(Instr::place).collect();
    places.sort_unstable();
    places.dedup();
    places.iter().filter(|place| !matches!(place, Place::Uniform(_))).count()
}

impl<'a> Emitter<'a> {
    fn new(program: &'a TileProgram, width: Width, isa: Isa, slots: u32) -> Emitter<'a> {
        let fused = |step: &'a Step| match step {
            Step::Fused(_, code) => Some(code),
            _ => None,
        };
        let calls = program.steps.iter().any(|step| fused(step).is_none());
        let general = if calls { &WITH_CALLS } else { &WITHOUT_CALLS };
        let most = program.steps.iter().filter_map(fused).map(|code| places(code)).max();
        let locals = program.steps.iter().filter_map(fused).map(|code| locals(code)).max();
        // A pointer for each place, and one for the cells.
        let used = (most.unwrap_or(0) + 1).min(general.free.len());
        let mut used: Vec<Gpr> = general.free[..used].to_vec();
        if locals > Some(0) {
            used.extend(general.free.last());
        }
        if !program.repeated.is_empty() {
            used.push(general.free[general.free.len() - 2]);
        }
        if calls {
            used.extend([general.table, general.n, general.flags]);
        }
        let saved = SAVED.into_iter().filter(|register| used.contains(register)).collect();
        Emitter {
            program,
            width,
            isa,
            asm: Asm::new(width),
            pool: Pool::default(),
            stack: Stack::default(),
            general,
            saved,
            kernels: Vec::new(),
            block: 1,
            slots,
            locals: locals.unwrap_or(0),
            upper: false,
            flags: program.steps.iter().any(may_flag),
        }
    }

    /// The code, and the slots of the frame that it needs.
    fn emit(mut self) -> Result<(Emitted, u32), Refusal> {
        self.prologue();
        let program = self.program;
        for step in &program.steps {
            self.step(step)?;
        }
        self.epilogue();
        let Emitter { asm, pool, block, kernels, stack, .. } = self;
        let code = asm.finish(pool.bytes());
        Ok((Emitted { code, block, inward: true, kernels }, stack.most))
    }

    fn prologue(&mut self) {
        let calls = self.calls();
        let asm = &mut self.asm;
        // Profilers unwind by frame pointers.
        asm.push(Gpr::RBP);
        asm.copy(Gpr::RBP, Gpr::RSP);
        self.saved.iter().for_each(|register| asm.push(*register));
        let frame = self.slots * self.width.bytes() as u32 + self.locals * 8;
        if frame > 0 {
            asm.sub(Gpr::RSP, frame as i32);
            asm.and(Gpr::RSP, -64);
        } else if calls && self.saved.len() % 2 == 1 {
            // The ABI requires the stack to be aligned to 16 bytes at calls.
            asm.sub(Gpr::RSP, 8);
        }
        if calls {
            asm.copy(self.general.table, Gpr::RDI);
            asm.copy(self.general.n, Gpr::RSI);
        }
        if self.flags {
            asm.zero(self.general.flags);
        }
    }

    fn epilogue(&mut self) {
        let asm = &mut self.asm;
        if self.upper {
            asm.zero_upper();
        }
        if self.flags {
            asm.copy(Gpr::RAX, self.general.flags);
        } else {
            asm.zero(Gpr::RAX);
        }
        let saved = self.saved.len() as i32;
        if saved > 0 {
            asm.address_of(Gpr::RSP, encode::Address::Based(Gpr::RBP, None, -8 * saved));
        } else if self.slots + self.locals > 0 {
            asm.copy(Gpr::RSP, Gpr::RBP);
        }
        self.saved.iter().rev().for_each(|register| asm.pop(*register));
        asm.pop(Gpr::RBP);
        asm.ret();
    }

    fn calls(&self) -> bool {
        std::ptr::eq(self.general, &WITH_CALLS)
    }

    fn step(&mut self, step: &Step) -> Result<(), Refusal> {
        match step {
            Step::Fused(bits, code) => self.fused(*bits, code),
            Step::Block(op, dtype, args, out) => {
                let kernel = op
                    .kernel(*dtype, self.isa)
                    .ok_or_else(|| bug(format_args!("{op:?} has no {dtype} kernel")))?;
                let mut places = vec![Some(*out), None, None, None];
                for (to, place) in places[1..].iter_mut().zip(args) {
                    *to = Some(*place);
                }
                self.call(kernel as usize, &places, may_flag(step))
            }
            Step::Pair(pair, dtype, arg, [first, second]) => {
                let kernel = Op::pair_kernel(*pair, *dtype, self.isa)
                    .ok_or_else(|| bug(format_args!("{pair:?} have no common {dtype} kernel")))?;
                let places = [Some(*first), Some(*second), Some(*arg)];
                self.call(kernel as usize, &places, false)
            }
            Step::Convert(from, to, arg, out) => {
                let kernel = kernels::convert(*from, *to, self.isa)
                    .ok_or_else(|| bug(format_args!("no conversion {from:?} to {to:?}")))?;
                self.call(kernel as usize, &[Some(*out), Some(*arg), None, None], false)
            }
        }
    }

    /// The index of a place in the table.
    fn index(&self, place: Place) -> Result<usize, Refusal> {
        self.program.index(place).ok_or_else(|| bug(format_args!("{place} does not exist")))
    }

    fn entry(&self, index: usize) -> encode::Address {
        encode::Address::Based(self.general.table, None, index as i32 * 8)
    }

    /// Calls a kernel; its arguments are pointers and, last, the number of elements.
    fn call(
        &mut self,
        kernel: usize,
        pointers: &[Option<Place>],
        may_flag: bool,
    ) -> Result<(), Refusal> {
        const ARGUMENTS: [Gpr; 6] = [Gpr::RDI, Gpr::RSI, Gpr::RDX, Gpr::RCX, Gpr::R8, Gpr::R9];
        if std::mem::take(&mut self.upper) {
            self.asm.zero_upper();
        }
        for (register, place) in ARGUMENTS.into_iter().zip(pointers) {
            match place {
                Some(place) => {
                    let index = self.index(*place)?;
                    let entry = self.entry(index);
                    self.asm.load(register, entry);
                }
                None => self.asm.zero(register),
            }
        }
        self.asm.copy(ARGUMENTS[pointers.len()], self.general.n);
        let known = self.kernels.iter().position(|known| *known == kernel);
        let number = known.unwrap_or_else(|| {
            self.kernels.push(kernel);
            self.kernels.len() - 1
        });
        let entry = self.entry(self.program.table().kernel(number));
        self.asm.call(entry);
        if may_flag {
            self.asm.or32(self.general.flags, Gpr::RAX);
        }
        Ok(())
    }

    /// Loads the pointers of a step.
    fn pointers(&mut self, selected: &Selected) -> Result<Pointers, Refusal> {
        let General { table, offset, .. } = *self.general;
        let (cells, walk, repeated, free) = self.pointer_registers();
        // If there are too many places, the last register is reserved for pointers that are reloaded
        // at each use.
        let held = match selected.places.len() {
            count if count <= free.len() => count,
            _ => free.len() - 1,
        };
        let mut places = Vec::with_capacity(selected.places.len());
        for (number, place) in selected.places.iter().enumerate() {
            let register = (number < held).then(|| free[number]);
            let may_repeat = self.program.may_repeat(*place);
            places.push(Pointer { index: self.index(*place)?, register, may_repeat });
        }
        let (repeats, other) = (self.program.table().repeats(), free[free.len() - 1]);
        let pointers = Pointers { table, offset, cells, places, repeated, repeats, walk, other };
        for Pointer { index, register, .. } in &pointers.places {
            if let Some(register) = register {
                self.asm.load(*register, pointers.entry(*index));
            }
        }
        if selected.values.iter().any(|value| matches!(value.home, Home::Cell(..))) {
            self.asm.load(cells, pointers.entry(self.index(Place::Uniform(0))?));
        }
        Ok(pointers)
    }

    /// The registers of the cells, of values carried from row to row, of the offset into inputs that
    /// may repeat, and of pointers.
    fn pointer_registers(&self) -> (Gpr, Gpr, Gpr, &'static [Gpr]) {
        let free = self.general.free;
        let most = match (self.locals > 0, self.program.repeated.is_empty()) {
            (_, false) => free.len() - 2,
            (true, true) => free.len() - 1,
            (false, true) => free.len(),
        };
        (free[0], free[free.len() - 1], free[free.len() - 2], &free[1..most])
    }

    /// The loops of a fused step: turns of several chains, then turns of one vector for the rest.
    /// After an accumulating loop there is only one of these loops.
    fn fused(&mut self, bits: u8, code: &[Instr]) -> Result<(), Refusal> {
        let General { n, offset, last, .. } = *self.general;
        let accumulates = accumulated(code).next().is_some();
        if accumulates {
            self.accumulate_rows(bits, code)?;
        }
        let selected = select(self.width, bits, code, Accumulated::Later, &mut self.pool)?;
        let chains = chains(self.width, &selected);
        // The number of elements of one chain.
        let lanes = self.width.bytes() / selected.widest;

        let mut nothing = None;
        if accumulates {
            // Whole rows may leave no rest.
            self.asm.compare(offset, n);
            nothing = Some(self.asm.jump(Condition::AboveOrEqual));
        }
        let pointers = self.pointers(&selected)?;
        if accumulates {
            self.asm.zero(pointers.walk);
            self.last_turn(&selected, &pointers, (lanes * chains as usize, chains), pointers.walk)?;
        } else if chains == 1 {
            self.asm.zero(offset);
            self.last_turn(&selected, &pointers, (lanes, 1), offset)?;
        } else {
            let elements = lanes * chains as usize;
            self.asm.zero(offset);
            self.asm.copy(last, n);
            self.asm.sub(last, elements as i32);
            let few = self.asm.jump(Condition::Below);
            self.turns(&selected, &pointers, (elements, chains))?;
            self.asm.copy(last, n);
            self.asm.compare(offset, last);
            nothing = Some(self.asm.jump(Condition::AboveOrEqual));
            self.asm.land(few);
            self.last_turn(&selected, &pointers, (lanes, 1), offset)?;
        }
        if let Some(nothing) = nothing {
            self.asm.land(nothing);
        }
        self.upper = true;
        Ok(())
    }

    /// Emits turns from the current offset up to that of the last turn, at least one. Returns the
    /// position of their code.
    fn turns(
        &mut self,
        selected: &Selected,
        pointers: &Pointers,
        (elements, chains): (usize, u32),
    ) -> Result<usize, Refusal> {
        let General { offset, last, .. } = *self.general;
        let mut turn =
            Turn::new(&mut self.asm, self.width, selected, pointers, &mut self.stack, chains);
        turn.pin();
        let start = turn.begin();
        turn.emit()?;
        self.asm.add(offset, elements as i32);
        self.asm.compare(offset, last);
        self.asm.jump_back(Condition::BelowOrEqual, start);
        Ok(start)
    }

    /// Emits turns for all elements from the current offset on, at least one. The last one is moved
    /// back to end with the last element, but not before the offset in `least`.
    fn last_turn(
        &mut self,
        selected: &Selected,
        pointers: &Pointers,
        (elements, chains): (usize, u32),
        least: Gpr,
    ) -> Result<(), Refusal> {
        let General { n, offset, last, .. } = *self.general;
        self.block = self.block.max(elements);
        self.asm.copy(last, n);
        self.asm.sub(last, elements as i32);
        self.asm.copy_if(Condition::Below, last, least);
        self.asm.compare(offset, last);
        self.asm.copy_if(Condition::Above, offset, last);
        let start = self.turns(selected, pointers, (elements, chains))?;
        let asm = &mut self.asm;
        // Goes on until the last turn is done; a partial turn is moved back.
        asm.sub(offset, elements as i32);
        asm.compare(offset, last);
        asm.copy(offset, last);
        asm.jump_back(Condition::NotEqual, start);
        Ok(())
    }
}

/// Whether a step is a kernel that may raise flags.
fn may_flag(step: &Step) -> bool {
    matches!(step, Step::Block(op, dtype, ..) if op.may_flag() && dtype.is_int())
}

#[cfg(test)]
mod tests;
