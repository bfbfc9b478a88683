//! Register allocation for a turn of a loop, and its code.
//!
//! A turn is straight-line code. One backward pass finds the next use of each value, and one forward
//! pass assigns registers; when none is free, the value whose next use is farthest is evicted (Belady's
//! algorithm). Values that can be reloaded from where they came from are dropped for free; others are
//! spilled to the frame, once.

use super::encode::{Address, Asm, Gpr, Operands, Rm, Width};
use super::micro::{Home, Micro, Value, What};
use super::pointers::Pointers;
use super::rows::*;
use super::select::{Selected, bug};
use crate::backend::Refusal;

/// Marks a value without a register, or without a further use.
const NONE: u8 = u8::MAX;
const NEVER: u32 = u32::MAX;

/// The slots of the frame, one vector each.
#[derive(Default)]
pub struct Stack {
    free: Vec<u32>,
    /// The maximum number in use at once.
    pub most: u32,
}

impl Stack {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.most += 1;
            self.most - 1
        })
    }
}

/// Registers of one kind.
struct File {
    /// A bit mask of the free ones.
    free: u32,
    /// Those that hold the same value throughout the loop.
    pinned: u32,
    /// Those that the current operation reads.
    locked: u32,
    holders: [Value; 32],
}

impl File {
    fn new(free: u32) -> File {
        File { free, pinned: 0, locked: 0, holders: [0; 32] }
    }
}

/// A micro-operation of one chain.
struct Step {
    micro: u32,
    chain: u32,
    /// The next use of each source.
    after: [u32; 4],
}

/// A turn of a loop: the same operations on several vectors, the *chains*, interleaved.
pub struct Turn<'a> {
    asm: &'a mut Asm,
    width: Width,
    selected: &'a Selected,
    pointers: &'a Pointers,
    stack: &'a mut Stack,
    chains: u32,
    steps: Vec<Step>,
    /// For each value of each chain: its register, its other location, its next use.
    registers: Vec<u8>,
    homes: Vec<Home>,
    next: Vec<u32>,
    files: [File; 2],
    /// Whether an invariant was violated, which is a bug.
    failed: bool,
    /// The vector registers that hold loop invariants and accumulators.
    kept: usize,
    /// The slots that become free after the current operation, which may still read them.
    ended: Vec<u32>,
}

/// The maximum numbers of vectors and of masks that are live at once in one chain, without those
/// shared by all chains.
fn most_live(selected: &Selected) -> [usize; 2] {
    let mut last = vec![NEVER; selected.values.len()];
    for (i, micro) in selected.micros.iter().enumerate() {
        micro.sources().iter().for_each(|x| last[*x as usize] = i as u32);
    }
    let values = &selected.values;
    let kind = |value: Value| usize::from(values[value as usize].mask);
    let mut alive = vec![false; values.len()];
    let (mut live, mut most) = ([0usize; 2], [0usize; 2]);
    for (i, micro) in selected.micros.iter().enumerate() {
        for x in micro.sources() {
            let home = values[*x as usize].home;
            // A load with one use becomes a memory operand, which needs no register.
            let once = last[*x as usize] == i as u32;
            if matches!(home, Home::Place(..)) && !once && !alive[*x as usize] {
                alive[*x as usize] = true;
                live[kind(*x)] += 1;
            }
        }
        (0..2).for_each(|kind| most[kind] = most[kind].max(live[kind]));
        for x in micro.sources() {
            if last[*x as usize] == i as u32 && std::mem::take(&mut alive[*x as usize]) {
                live[kind(*x)] -= 1;
            }
        }
        if let Some(result) = micro.result
            && last[result as usize] != NEVER
            && values[result as usize].home != Home::Kept
            && !std::mem::replace(&mut alive[result as usize], true)
        {
            live[kind(result)] += 1;
        }
        (0..2).for_each(|kind| most[kind] = most[kind].max(live[kind]));
    }
    most
}

/// The mask registers that may hold values: as an operand, the first one means "all lanes".
const MASKS: u32 = 0xFE;

/// The maximum number of micro-operations of turns with four and with two chains: long turns hide
/// latency without more chains.
const MOST_OF_FOUR: usize = 100;
const MOST_OF_TWO: usize = 500;

/// The maximum number of elements in one call by the executor.
const MOST_ELEMENTS: usize = 64;

/// The number of vectors in a turn that accumulates rows of `row` vectors: a whole row, or as many
/// as the registers allow. `None` if they do not suffice for one.
pub fn row_chains(width: Width, selected: &Selected, row: usize) -> Option<u32> {
    let [vectors, masks] = most_live(selected);
    let fits = |chains: usize| {
        let kept = selected.accumulators.len() * chains + usize::from(selected.walk.is_some());
        kept + vectors * chains + 3 <= width.registers()
            && masks * chains + usize::from(selected.walk.is_some()) <= 7
            && (chains == 1 || selected.micros.len() * chains <= 2 * MOST_OF_TWO)
    };
    [8, 4, 2, 1]
        .into_iter()
        .filter(|chains| *chains <= row)
        .find(|chains| fits(*chains))
        .map(|c| c as u32)
}

/// The number of chains of a turn: as many as the registers allow.
pub fn chains(width: Width, selected: &Selected) -> u32 {
    let [vectors, masks] = most_live(selected);
    let fits = |chains: usize| {
        chains * width.bytes() / selected.widest <= MOST_ELEMENTS
            && vectors * chains + 2 <= width.registers()
            && masks * chains <= 7
    };
    match selected.micros.len() {
        0..=MOST_OF_FOUR if fits(4) => 4,
        0..=MOST_OF_TWO if fits(2) => 2,
        _ => 1,
    }
}

impl<'a> Turn<'a> {
    /// Prepares a turn with this number of chains.
    pub fn new(
        asm: &'a mut Asm,
        width: Width,
        selected: &'a Selected,
        pointers: &'a Pointers,
        stack: &'a mut Stack,
        chains: u32,
    ) -> Turn<'a> {
        let count = selected.values.len() * chains as usize;
        let homes = selected.values.iter().flat_map(|value| (0..chains).map(move |_| value.home));
        let all = if width == Width::Zmm { u32::MAX } else { 0xFFFF };
        stack.free = (0..stack.most).rev().collect();
        let mut turn = Turn {
            asm,
            width,
            selected,
            pointers,
            chains,
            steps: Vec::with_capacity(selected.micros.len() * chains as usize),
            registers: vec![NONE; count],
            homes: homes.collect(),
            next: vec![NEVER; count],
            files: [File::new(all), File::new(MASKS)],
            failed: false,
            kept: 0,
            ended: Vec::new(),
            stack,
        };
        turn.order();
        turn.look_ahead();
        turn
    }

    /// The operations in order: each instruction of the program is repeated for all chains.
    fn order(&mut self) {
        let micros = &self.selected.micros;
        let mut from = 0;
        while from < micros.len() {
            let others = micros[from + 1..].iter().take_while(|micro| !micro.first).count();
            let end = from + 1 + others;
            for chain in 0..self.chains {
                for micro in from..end {
                    self.steps.push(Step { micro: micro as u32, chain, after: [NEVER; 4] });
                }
            }
            from = end;
        }
    }

    /// The index of a value of a chain; all chains have the same index for a shared value.
    fn of(&self, chain: u32, value: Value) -> Value {
        let shared = self.selected.values[value as usize].home.is_shared();
        value * self.chains + if shared { 0 } else { chain }
    }

    fn is_mask(&self, value: Value) -> bool {
        self.selected.values[(value / self.chains) as usize].mask
    }

    /// Finds the next use of each value, from the start and from each of its uses. Removes operations
    /// whose results are never used.
    fn look_ahead(&mut self) {
        let mut steps = std::mem::take(&mut self.steps);
        for (i, step) in steps.iter_mut().enumerate().rev() {
            let micro = self.selected.micros[step.micro as usize];
            if let Some(result) = micro.result
                && self.selected.values[result as usize].home != Home::Kept
                && self.next[self.of(step.chain, result) as usize] == NEVER
            {
                step.micro = NEVER;
                continue;
            }
            for (after, x) in step.after.iter_mut().zip(micro.sources()) {
                *after = self.next[self.of(step.chain, *x) as usize];
            }
            for x in micro.sources() {
                let x = self.of(step.chain, *x) as usize;
                self.next[x] = i as u32;
            }
        }
        self.steps = steps;
    }

    /// Keeps the most frequently used shared values in registers for the whole loop, as far as
    /// registers can be spared.
    pub fn pin(&mut self) {
        let mut uses = vec![0u32; self.selected.values.len()];
        for micro in &self.selected.micros {
            micro.sources().iter().for_each(|x| uses[*x as usize] += 1);
        }
        let shared = |value: &Value| {
            self.selected.values[*value as usize].home.is_constant() && uses[*value as usize] > 0
        };
        let mut list: Vec<Value> =
            (0..self.selected.values.len() as Value).filter(shared).collect();
        list.sort_by_key(|value| std::cmp::Reverse(uses[*value as usize]));
        let [vectors, _] = most_live(self.selected);
        let used = vectors * self.chains as usize + self.kept + 1;
        let spare = self.width.registers().saturating_sub(used);
        // The other shared values need a register or two to pass through.
        let room = if list.len() <= spare { spare } else { spare.saturating_sub(2) };
        list.truncate(room);
        for value in list {
            let value = self.of(0, value);
            let register = self.load(value);
            self.files[0].pinned |= 1 << register;
            self.files[0].locked = 0;
        }
    }

    /// Assigns a register to a value for the whole loop.
    fn keep(&mut self, value: Value) -> u8 {
        let register = self.take(self.is_mask(value));
        self.give(register, value);
        let file = &mut self.files[usize::from(self.is_mask(value))];
        file.pinned |= 1 << register;
        file.locked = 0;
        if !self.is_mask(value) {
            self.kept += 1;
        }
        register
    }

    /// Assigns registers to values carried from turn to turn: to the accumulators of each chain, and
    /// to the mask of the first turn.
    pub fn keep_accumulators(&mut self) -> (Vec<u8>, Option<u8>) {
        let mut registers = Vec::new();
        for accumulator in &self.selected.accumulators {
            for chain in 0..self.chains {
                registers.push(self.keep(self.of(chain, accumulator.value)));
            }
        }
        let first = self.selected.walk.map(|walk| self.keep(self.of(0, walk.is_first)));
        (registers, first)
    }

    /// The assembler, for code around the turn.
    pub fn asm(&mut self) -> &mut Asm {
        self.asm
    }

    /// The position at which the code of the turn begins.
    pub fn begin(&mut self) -> usize {
        self.asm.align(32);
        self.asm.position()
    }

    /// Emits the code of the turn.
    ///
    /// # Errors
    /// [`Refusal::Bug`] if a value is needed that has no location.
    pub fn emit(&mut self) -> Result<(), Refusal> {
        self.pointers.begin_turn(self.asm);
        for i in 0..self.steps.len() {
            let Step { micro, chain, after } = self.steps[i];
            if micro == NEVER {
                continue;
            }
            let micro = self.selected.micros[micro as usize];
            let mut sources = [0; 4];
            for (at, x) in micro.sources().iter().enumerate() {
                sources[at] = self.of(chain, *x);
                self.next[sources[at] as usize] = after[at];
            }
            let result = self.of(chain, micro.result.unwrap_or_default());
            self.step(&micro, chain, sources, result);
            self.files.iter_mut().for_each(|file| file.locked = 0);
            self.stack.free.append(&mut self.ended);
        }
        if self.failed { Err(bug("a value without a register")) } else { Ok(()) }
    }

    fn register(&self, value: Value) -> Option<u8> {
        let register = self.registers[value as usize];
        (register != NONE).then_some(register)
    }

    fn is_last_use(&self, value: Value) -> bool {
        self.next[value as usize] == NEVER
    }

    /// Whether the value may be a memory operand.
    fn in_memory(&self, value: Value, row: &Row) -> bool {
        match self.homes[value as usize] {
            Home::Cell(_, bytes) => self.width == Width::Zmm && row.element >= bytes,
            Home::Walked(bytes) => self.width == Width::Zmm && row.element == bytes,
            // A full vector could reach beyond the elements.
            Home::Place(_, part) => row.memory_bytes(self.width) == part.bytes(self.width),
            Home::Pool(_) | Home::Stack(_) => true,
            Home::Nowhere | Home::Zero | Home::First | Home::Kept => false,
        }
    }

    /// Whether the value should be a memory operand of an operation.
    fn better_in_memory(&self, value: Value, row: &Row) -> bool {
        self.register(value).is_none()
            && self.in_memory(value, row)
            && (self.is_last_use(value) || self.files[0].free == 0)
    }

    /// The memory operand of a value.
    fn memory(&mut self, value: Value) -> Rm {
        let width = self.width.bytes() as i32;
        match self.homes[value as usize] {
            Home::Cell(cell, _) => Rm::Broadcast(self.pointers.cell(cell)),
            Home::Pool(offset) => Rm::Memory(Address::Pool(offset)),
            Home::Stack(slot) => Rm::Memory(Address::Based(Gpr::RSP, None, slot as i32 * width)),
            Home::Place(place, part) => Rm::Memory(self.elements(place, part, value % self.chains)),
            Home::Walked(_) => Rm::Broadcast(Address::Based(self.pointers.walk, None, 0)),
            Home::Nowhere | Home::Zero | Home::First | Home::Kept => {
                self.failed = true;
                Rm::Register(0)
            }
        }
    }

    /// The address of the elements of a chain.
    fn elements(&mut self, place: u32, part: Part, chain: u32) -> Address {
        let bytes = part.bytes(self.width);
        let shift = self.selected.widest.trailing_zeros() as u8 - part as u8;
        self.pointers.address(self.asm, place, shift, chain as i32 * bytes as i32)
    }

    /// The instruction that loads or stores a part of a vector.
    pub fn move_part(width: Width, part: Part, store: bool) -> &'static Row {
        match (part.bytes(width), store) {
            (4, false) => &LOAD4,
            (4, true) => &STORE4,
            (8, false) => &LOAD8,
            (8, true) => &STORE8,
            _ => match (part, store) {
                (Part::Whole, false) => &LOAD,
                (Part::Whole, true) => &STORE,
                (Part::Half, false) => &LOAD_HALF,
                (Part::Half, true) => &STORE_HALF,
                (_, false) => &LOAD_QUARTER,
                (_, true) => &STORE_QUARTER,
            },
        }
    }

    /// A free register of a kind; if there is none, the value whose next use is farthest is evicted.
    fn take(&mut self, mask: bool) -> u8 {
        let kind = usize::from(mask);
        if self.files[kind].free == 0 {
            self.evict(kind);
        }
        let file = &mut self.files[kind];
        let register = file.free.trailing_zeros() as u8;
        file.free &= file.free - 1;
        file.locked |= 1 << register;
        register
    }

    fn evict(&mut self, kind: usize) {
        let file = &self.files[kind];
        let all = if kind == 1 { MASKS } else { u32::MAX >> (32 - self.width.registers()) };
        let mut open = all & !(file.locked | file.pinned | file.free);
        let mut victim = None;
        while open != 0 {
            let register = open.trailing_zeros();
            open &= open - 1;
            let value = file.holders[register as usize];
            let costs = self.homes[value as usize] == Home::Nowhere;
            let key = (!costs, self.next[value as usize]);
            if victim.is_none_or(|(best, _)| key > best) {
                victim = Some((key, register as u8));
            }
        }
        // An operation reads fewer registers than there are.
        let Some((_, register)) = victim else {
            self.failed = true;
            self.files[kind].free |= 2;
            return;
        };
        let value = self.files[kind].holders[usize::from(register)];
        if self.homes[value as usize] == Home::Nowhere {
            let slot = self.stack.take();
            self.homes[value as usize] = Home::Stack(slot);
            let row = if kind == 1 { &KSTORE } else { &STORE };
            let rm = self.memory(value);
            self.put(row, register, 0, rm, 0, 0);
        }
        self.release(value);
    }

    /// Removes a value from its register.
    fn release(&mut self, value: Value) {
        let register = std::mem::replace(&mut self.registers[value as usize], NONE);
        self.files[usize::from(self.is_mask(value))].free |= 1 << register;
    }

    /// Assigns a register to a value.
    fn give(&mut self, register: u8, value: Value) {
        self.registers[value as usize] = register;
        self.files[usize::from(self.is_mask(value))].holders[usize::from(register)] = value;
    }

    /// Loads a value that is in no register.
    fn load(&mut self, value: Value) -> u8 {
        let register = self.take(self.is_mask(value));
        self.load_to(register, value);
        self.give(register, value);
        register
    }

    fn load_to(&mut self, register: u8, value: Value) {
        match self.homes[value as usize] {
            Home::Zero => self.put(&XORPS, register, register, Rm::Register(register), 0, 0),
            Home::Cell(cell, _) => {
                let row = if self.width == Width::Zmm { &CELL_ZMM } else { &CELL_YMM };
                self.put(row, register, 0, Rm::Memory(self.pointers.cell(cell)), 0, 0);
            }
            Home::Walked(bytes) => {
                let row = if bytes == 4 { &SPREADPS } else { &SPREADPD };
                let rm = Rm::Memory(Address::Based(self.pointers.walk, None, 0));
                self.put(row, register, 0, rm, 0, 0);
            }
            _ => {
                let rm = self.memory(value);
                let row = match self.homes[value as usize] {
                    _ if self.is_mask(value) => &KMOV,
                    Home::Place(_, part) => Turn::move_part(self.width, part, false),
                    _ => &LOAD,
                };
                self.put(row, register, 0, rm, 0, 0);
            }
        }
    }

    /// The register of a value that the current operation reads; loads the value if needed.
    fn hold(&mut self, value: Value) -> u8 {
        let register = match self.register(value) {
            Some(register) => register,
            None => self.load(value),
        };
        self.files[usize::from(self.is_mask(value))].locked |= 1 << register;
        register
    }

    /// Frees the registers and slots of sources without a further use.
    fn end(&mut self, sources: &[Value]) {
        for value in sources {
            if !self.is_last_use(*value) {
                continue;
            }
            if let Some(register) = self.register(*value) {
                let file = &mut self.files[usize::from(self.is_mask(*value))];
                if file.pinned >> register & 1 == 0 {
                    file.locked &= !(1 << register);
                    self.release(*value);
                }
            }
            if let Home::Stack(slot) = self.homes[*value as usize] {
                self.ended.push(slot);
                self.homes[*value as usize] = Home::Nowhere;
            }
        }
    }

    fn put(&mut self, row: &'static Row, reg: u8, vvvv: u8, rm: Rm, mask: u8, imm: u8) {
        self.asm.emit(row, Operands { reg, vvvv, rm, mask, imm });
    }

    /// A register for the result, which may be that of a source without a further use.
    fn result(&mut self, result: Value, sources: &[Value]) -> u8 {
        self.end(sources);
        if let Some(register) = self.kept_register(result) {
            return register;
        }
        let register = self.take(self.is_mask(result));
        self.give(register, result);
        register
    }

    fn step(&mut self, micro: &Micro, chain: u32, sources: [Value; 4], result: Value) {
        let [x, y, third, old] = sources;
        let used = &sources[..usize::from(micro.count)];
        let imm = micro.imm;
        match micro.what {
            What::One(row) => {
                let rm = self.operand(x, row);
                let to = self.result(result, used);
                self.put(row, to, 0, rm, 0, imm);
            }
            What::Cross(row) => {
                let rm = Rm::Register(self.hold(x));
                let to = self.result(result, used);
                self.put(row, to, 0, rm, 0, imm);
            }
            What::Mask(row) => {
                let rm = Rm::Register(self.hold(x));
                let to = self.result(result, used);
                self.put(row, to, 0, rm, 0, imm);
            }
            What::Two(row) | What::Either(row) => {
                let either = matches!(micro.what, What::Either(_));
                // The first operand may be the better memory operand.
                let swapped = either
                    && self.better_in_memory(x, row)
                    && (!self.better_in_memory(y, row) || !self.is_last_use(y));
                let (x, y) = if swapped { (y, x) } else { (x, y) };
                let (vvvv, rm) = self.pair(x, y, row);
                let to = self.result(result, used);
                self.put(row, to, vvvv, rm, 0, imm);
            }
            What::Shift(row) => {
                let rm = Rm::Register(self.hold(x));
                let to = self.result(result, used);
                self.put(row, 0, to, rm, 0, imm);
            }
            What::Choose(row) => {
                let chooser = self.hold(third);
                let (vvvv, rm) = self.pair(x, y, row);
                let to = self.result(result, used);
                self.put(row, to, vvvv, rm, 0, chooser << 4);
            }
            What::Blend(row) => {
                let mask = self.hold(third);
                let (vvvv, rm) = self.pair(x, y, row);
                let to = self.result(result, used);
                self.put(row, to, vvvv, rm, mask, imm);
            }
            What::Merge(row) => {
                let (mask, to) = (self.hold(third), self.hold(old));
                let (vvvv, rm) = self.pair(x, y, row);
                self.put(row, to, vvvv, rm, mask, imm);
                self.end(used);
                self.become_result(result, to);
            }
            What::Masks(row) => {
                let (vvvv, rm) = (self.hold(x), Rm::Register(self.hold(y)));
                let to = self.result(result, used);
                self.put(row, to, vvvv, rm, 0, imm);
            }
            What::Fused(rows) => self.fused(rows, [x, y, third], result),
            What::Narrow(row) => {
                let from = self.hold(x);
                let to = self.result(result, used);
                self.put(row, from, 0, Rm::Register(to), 0, imm);
            }
            What::Store(place, part) => {
                let from = self.hold(x);
                let address = self.elements(place, part, chain);
                let row = Turn::move_part(self.width, part, true);
                self.put(row, from, 0, Rm::Memory(address), 0, 0);
                self.end(used);
            }
        }
    }

    /// The register of a value that is carried from turn to turn.
    fn kept_register(&self, value: Value) -> Option<u8> {
        let known = self.selected.values[(value / self.chains) as usize];
        self.register(value).filter(|_| known.home == Home::Kept)
    }

    /// Assigns to the result the register of a source that has just been freed.
    fn become_result(&mut self, result: Value, register: u8) {
        if let Some(kept) = self.kept_register(result) {
            if kept != register {
                self.put(&COPY, kept, 0, Rm::Register(register), 0, 0);
            }
            return;
        }
        let file = &mut self.files[usize::from(self.is_mask(result))];
        debug_assert!(file.free >> register & 1 == 1);
        file.free &= !(1 << register);
        self.give(register, result);
    }

    /// A source as a register or a memory operand.
    fn operand(&mut self, value: Value, row: &'static Row) -> Rm {
        if self.better_in_memory(value, row) {
            return self.memory(value);
        }
        Rm::Register(self.hold(value))
    }

    /// Two sources, the first in a register.
    fn pair(&mut self, x: Value, y: Value, row: &'static Row) -> (u8, Rm) {
        // The order matters: loading a pointer for the first must not overwrite that of the second.
        let x = self.hold(x);
        (x, self.operand(y, row))
    }

    /// A fused multiply-add, which overwrites one of its sources; preferably one without a further use.
    fn fused(&mut self, rows: &'static Fused, sources: [Value; 3], result: Value) {
        let mut in_memory: Option<usize> = None;
        for (at, value) in sources.iter().enumerate() {
            let twice = sources.iter().filter(|other| *other == value).count() > 1;
            let better = |best: usize| self.is_last_use(*value) && !self.is_last_use(sources[best]);
            if !twice && self.better_in_memory(*value, rows.f213) && in_memory.is_none_or(better) {
                in_memory = Some(at);
            }
        }
        let mut registers = [NONE; 3];
        for (at, value) in sources.iter().enumerate() {
            if in_memory != Some(at) {
                registers[at] = self.hold(*value);
            }
        }
        let pinned = self.files[0].pinned;
        let ends = |at: &usize| {
            in_memory != Some(*at)
                && self.is_last_use(sources[*at])
                && pinned >> registers[*at] & 1 == 0
        };
        let (over, to) = match ([2, 0, 1].into_iter().find(ends), in_memory) {
            (Some(at), _) => (at, registers[at]),
            (None, Some(at)) => {
                let to = self.take(false);
                self.load_to(to, sources[at]);
                registers[at] = to;
                in_memory = None;
                (at, to)
            }
            (None, None) => {
                let to = self.take(false);
                self.put(&COPY, to, 0, Rm::Register(registers[0]), 0, 0);
                (0, to)
            }
        };
        let new = self.registers.get(sources[over] as usize) != Some(&to);
        let (row, vvvv, last) = match over {
            2 if in_memory == Some(0) => (rows.f231, 1, 0),
            2 => (rows.f231, 0, 1),
            at if in_memory == Some(1 - at) => (rows.f132, 2, 1 - at),
            at => (rows.f213, 1 - at, 2),
        };
        let rm = match in_memory == Some(last) {
            true => self.memory(sources[last]),
            false => Rm::Register(registers[last]),
        };
        self.put(row, to, registers[vvvv], rm, 0, 0);
        self.end(&sources);
        if new {
            self.files[0].free |= 1 << to;
        }
        self.become_result(result, to);
    }
}
