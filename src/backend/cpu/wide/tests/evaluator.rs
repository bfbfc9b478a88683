//! Executes machine code without a machine that has its instructions: those that are emitted here, as
//! another author's decoder reads them.

use hotloop_runtime::dtype::DType;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

/// The registers.
pub struct Evaluator {
    vectors: [[u8; 64]; 32],
    masks: [u64; 8],
    general: [u64; 16],
    below: bool,
    equal: bool,
}

/// Bytes of a stack of its own.
const STACK: usize = 1 << 16;

/// The bits of a lane.
fn lane(vector: &[u8; 64], size: usize, at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes[..size].copy_from_slice(&vector[at * size..(at + 1) * size]);
    u64::from_le_bytes(bytes)
}

fn set_lane(vector: &mut [u8; 64], size: usize, at: usize, bits: u64) {
    vector[at * size..(at + 1) * size].copy_from_slice(&bits.to_le_bytes()[..size]);
}

/// An integer with the sign of its lane.
fn signed(bits: u64, size: usize) -> i64 {
    let unused = 64 - 8 * size as u32;
    (bits << unused) as i64 >> unused
}

fn float(bits: u64, size: usize) -> f64 {
    if size == 4 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
}

/// A float's bits; a NaN if it is one, rounded if it was computed in more digits than it has.
fn bits(value: f64, size: usize) -> u64 {
    if size == 4 { u64::from((value as f32).to_bits()) } else { value.to_bits() }
}

impl Evaluator {
    /// Runs a function of a table and a number of elements.
    ///
    /// # Safety
    /// As of the function itself.
    pub unsafe fn run(code: &[u8], table: *const *mut u8, n: usize) -> u32 {
        let mut stack = vec![0u8; STACK];
        let mut state = Evaluator {
            vectors: [[0xA5; 64]; 32],
            masks: [0x5A5A_A5A5_5A5A_A5A5; 8],
            general: [0xDEAD; 16],
            below: false,
            equal: false,
        };
        let top = stack.as_mut_ptr() as u64 + STACK as u64 - 64;
        let (saved, top) = (state.general, (top & !63) - 8);
        state.general[4] = top;
        state.general[7] = table as u64;
        state.general[6] = n as u64;
        // What is decoded once is executed many times.
        let base = code.as_ptr() as u64;
        let decoder = Decoder::with_ip(64, code, base, DecoderOptions::NONE);
        let mut list: Vec<Instruction> = Vec::new();
        for instruction in decoder {
            list.push(instruction);
            if instruction.mnemonic() == Mnemonic::Ret {
                break;
            }
        }
        let mut at = 0;
        loop {
            let instruction = list[at];
            at += 1;
            match instruction.mnemonic() {
                Mnemonic::Ret => break,
                Mnemonic::Jbe
                | Mnemonic::Jne
                | Mnemonic::Je
                | Mnemonic::Jb
                | Mnemonic::Jae
                | Mnemonic::Jmp => {
                    let taken = match instruction.mnemonic() {
                        Mnemonic::Jbe => state.below || state.equal,
                        Mnemonic::Jne => !state.equal,
                        Mnemonic::Je => state.equal,
                        Mnemonic::Jb => state.below,
                        Mnemonic::Jae => !state.below,
                        _ => true,
                    };
                    if taken {
                        let to = instruction.near_branch64();
                        at = list.iter().position(|i| i.ip() == to).expect("a place of the code");
                    }
                }
                // SAFETY: the caller's promise.
                _ => unsafe { state.step(&instruction) },
            }
        }
        assert_eq!(state.general[4], top, "the stack is as it was");
        for kept in [3, 5, 12, 13, 14, 15] {
            assert_eq!(state.general[kept], saved[kept], "register {kept} is as it was");
        }
        state.general[0] as u32
    }

    fn general(&self, register: Register) -> u64 {
        self.general[register.full_register() as usize - Register::RAX as usize]
    }

    fn set_general(&mut self, register: Register, value: u64) {
        let value = if register.is_gpr32() { value & 0xFFFF_FFFF } else { value };
        self.general[register.full_register() as usize - Register::RAX as usize] = value;
    }

    fn address(&self, instruction: &Instruction) -> u64 {
        if instruction.is_ip_rel_memory_operand() {
            return instruction.ip_rel_memory_address();
        }
        let register =
            |register| if register == Register::None { 0 } else { self.general(register) };
        let base = register(instruction.memory_base());
        let index = register(instruction.memory_index());
        let index = index.wrapping_mul(u64::from(instruction.memory_index_scale()));
        base.wrapping_add(index).wrapping_add(instruction.memory_displacement64())
    }

    /// A vector operand, its first lane over and over if it is broadcast.
    unsafe fn vector(&self, instruction: &Instruction, operand: u32, size: usize) -> [u8; 64] {
        if instruction.op_kind(operand) == OpKind::Register {
            let register = instruction.op_register(operand);
            return self.vectors[vector_number(register)];
        }
        let mut vector = [0; 64];
        let from = self.address(instruction) as *const u8;
        let broadcast = instruction.is_broadcast();
        let bytes = if broadcast { size } else { instruction.memory_size().size() };
        // SAFETY: the caller's promise.
        unsafe { vector.as_mut_ptr().copy_from_nonoverlapping(from, bytes) };
        if broadcast {
            (1..64 / size).for_each(|at| vector.copy_within(0..size, at * size));
        }
        vector
    }

    /// Writes a vector: all of the register, or the lanes that a mask names.
    fn set_vector(&mut self, instruction: &Instruction, size: usize, value: [u8; 64]) {
        let to = instruction.op0_register();
        let number = vector_number(to);
        let mut new = value;
        new[register_bytes(to)..].fill(0);
        if instruction.op_mask() != Register::None && size > 0 {
            let mask = self.masks[instruction.op_mask() as usize - Register::K0 as usize];
            for at in 0..64 / size {
                if mask >> at & 1 == 0 {
                    set_lane(&mut new, size, at, lane(&self.vectors[number], size, at));
                }
            }
        }
        self.vectors[number] = new;
    }

    fn mask(&self, instruction: &Instruction, operand: u32) -> u64 {
        self.masks[instruction.op_register(operand) as usize - Register::K0 as usize]
    }

    unsafe fn step(&mut self, instruction: &Instruction) {
        let name = format!("{:?}", instruction.mnemonic()).to_lowercase();
        // SAFETY: the caller's promise.
        unsafe {
            match name.strip_prefix('v') {
                Some(_) if name == "vzeroupper" => {
                    self.vectors[..16].iter_mut().for_each(|vector| vector[16..].fill(0));
                }
                Some(vector) => self.vector_step(vector, instruction),
                None if name.starts_with('k') => self.mask_step(&name, instruction),
                None => self.general_step(&name, instruction),
            }
        }
    }

    unsafe fn general_step(&mut self, name: &str, instruction: &Instruction) {
        let to = instruction.op0_register();
        // SAFETY: the caller's promise.
        let memory = |address: u64| unsafe { (address as *mut u64).read_unaligned() };
        let source = match instruction.op_count() {
            2 => match instruction.op1_kind() {
                OpKind::Register => self.general(instruction.op1_register()),
                OpKind::Memory if name != "lea" => memory(self.address(instruction)),
                OpKind::Memory => self.address(instruction),
                _ => instruction.immediate(1),
            },
            _ => 0,
        };
        let old = if to == Register::None { 0 } else { self.general(to) };
        match name {
            "nop" => {}
            "push" => {
                self.general[4] -= 8;
                // SAFETY: the stack is that of `run`.
                unsafe { (self.general[4] as *mut u64).write_unaligned(old) };
            }
            "pop" => {
                let value = memory(self.general[4]);
                self.general[4] += 8;
                self.set_general(to, value);
            }
            "mov" if instruction.op0_kind() == OpKind::Memory => {
                let to = self.address(instruction) as *mut u64;
                // SAFETY: the caller's promise.
                unsafe { to.write_unaligned(source) };
            }
            "test" => (self.below, self.equal) = (false, old & source == 0),
            "cmova" => {
                if !self.below && !self.equal {
                    self.set_general(to, source);
                }
            }
            "mov" | "lea" => self.set_general(to, source),
            "xor" => self.set_general(to, old ^ source),
            "or" => self.set_general(to, old | source),
            "and" => self.set_general(to, old & source),
            "add" => self.set_general(to, old.wrapping_add(source)),
            "shl" => self.set_general(to, old << source),
            "sub" | "cmp" => {
                (self.below, self.equal) = (old < source, old == source);
                if name == "sub" {
                    self.set_general(to, old.wrapping_sub(source));
                }
            }
            "cmovb" => {
                if self.below {
                    self.set_general(to, source);
                }
            }
            _ => panic!("{name} is not executed here"),
        }
    }

    unsafe fn mask_step(&mut self, name: &str, instruction: &Instruction) {
        let address = self.address(instruction) as *mut u64;
        let of = |operand: u32| match instruction.op_kind(operand) {
            OpKind::Register => self.mask(instruction, operand),
            // SAFETY: the caller's promise.
            _ => unsafe { address.read_unaligned() },
        };
        let result = match name {
            "kmovq" if instruction.op0_kind() == OpKind::Memory => {
                // SAFETY: as above.
                return unsafe { address.write_unaligned(of(1)) };
            }
            "kmovq" => of(1),
            "knotq" => !of(1),
            "kandq" => of(1) & of(2),
            "kandnq" => !of(1) & of(2),
            "korq" => of(1) | of(2),
            "kxorq" => of(1) ^ of(2),
            _ => panic!("{name} is not executed here"),
        };
        self.masks[instruction.op0_register() as usize - Register::K0 as usize] = result;
    }

    unsafe fn vector_step(&mut self, name: &str, instruction: &Instruction) {
        let floats = !name.starts_with('p') && (name.ends_with("ps") || name.ends_with("pd"));
        let size = match (floats, name.as_bytes()[name.len() - 1]) {
            (true, b's') | (false, b'd') => 4,
            (true, _) | (false, b'q') => 8,
            (false, b'w') => 2,
            _ => 1,
        };
        let bytes = register_bytes(instruction.op0_register());
        let imm = if instruction.op_count() > 1
            && instruction.op_kind(instruction.op_count() - 1) == OpKind::Immediate8
        {
            instruction.immediate8()
        } else {
            0
        };
        // SAFETY: the caller's promise, here and below.
        let of = |operand: u32, size: usize| unsafe { self.vector(instruction, operand, size) };
        if let Some(Conversion { from, to, of: convert }) = conversion(name) {
            let x = of(1, from.size());
            let lanes = bytes.max(register_bytes(instruction.op1_register()));
            let lanes = lanes / from.size().max(to.size());
            let mut vector = [0; 64];
            for at in 0..lanes {
                set_lane(&mut vector, to.size(), at, convert(lane(&x, from.size(), at)));
            }
            return self.set_vector(instruction, 0, vector);
        }
        match name {
            "movups" | "movq" | "movd" if instruction.op0_kind() == OpKind::Memory => {
                let from = instruction.op1_register();
                let bytes = instruction.memory_size().size();
                let to = self.address(instruction) as *mut u8;
                let vector = &self.vectors[vector_number(from)];
                // SAFETY: as above.
                return unsafe { to.copy_from_nonoverlapping(vector.as_ptr(), bytes) };
            }
            "movups" | "movaps" | "movq" | "movd" => {
                return self.set_vector(instruction, 0, of(1, 0));
            }
            "broadcastss" | "broadcastsd" => {
                let size = if name == "broadcastss" { 4 } else { 8 };
                let mut vector = of(1, size);
                (1..64 / size).for_each(|at| vector.copy_within(0..size, at * size));
                return self.set_vector(instruction, 0, vector);
            }
            "broadcasti128" | "broadcasti32x4" => {
                let mut vector = of(1, 16);
                (1..4).for_each(|at| vector.copy_within(0..16, at * 16));
                return self.set_vector(instruction, 0, vector);
            }
            "pmovb2m" | "pmovw2m" | "pmovd2m" | "pmovq2m" => {
                let size = [1, 2, 4, 8]["bwdq".find(&name[4..5]).expect("a lane")];
                let vector = of(1, size);
                let top = 8 * size as u32 - 1;
                let mask =
                    (0..64 / size).map(|at| (lane(&vector, size, at) >> top & 1) << at).sum();
                self.masks[instruction.op0_register() as usize - Register::K0 as usize] = mask;
                return;
            }
            "pmovm2b" | "pmovm2w" | "pmovm2d" | "pmovm2q" => {
                let mask = self.mask(instruction, 1);
                let mut vector = [0; 64];
                for at in 0..64 / size {
                    set_lane(&mut vector, size, at, if mask >> at & 1 == 1 { !0 } else { 0 });
                }
                return self.set_vector(instruction, 0, vector);
            }
            "ptestmb" => {
                let (x, y) = (of(1, 1), of(2, 1));
                let mask = (0..64).map(|at| u64::from(x[at] & y[at] != 0) << at).sum();
                self.masks[instruction.op0_register() as usize - Register::K0 as usize] = mask;
                return;
            }
            "pshufb" => {
                let (x, order) = (of(1, 1), of(2, 1));
                let mut vector = [0; 64];
                for at in 0..32 {
                    if order[at] < 128 {
                        vector[at] = x[at / 16 * 16 + usize::from(order[at] % 16)];
                    }
                }
                return self.set_vector(instruction, 0, vector);
            }
            "permd" | "permq" => {
                let mut vector = [0; 64];
                let (order, x) = match name {
                    "permd" => (of(1, 4), of(2, 4)),
                    _ => ([0; 64], of(1, 8)),
                };
                for at in 0..32 / size {
                    let from = match name {
                        "permd" => lane(&order, 4, at) as usize % 8,
                        _ => usize::from(imm >> (2 * at) & 3),
                    };
                    set_lane(&mut vector, size, at, lane(&x, size, from));
                }
                return self.set_vector(instruction, 0, vector);
            }
            "pblendd" => {
                let (x, y) = (of(1, 4), of(2, 4));
                let mut vector = [0; 64];
                for at in 0..8 {
                    let chosen = if imm >> at & 1 == 1 { &y } else { &x };
                    set_lane(&mut vector, 4, at, lane(chosen, 4, at));
                }
                return self.set_vector(instruction, 0, vector);
            }
            "blendvps" | "blendvpd" | "pblendvb" => {
                let [x, y, chooser] = [of(1, size), of(2, size), of(3, size)];
                let mut vector = [0; 64];
                for at in 0..32 / size {
                    let second = lane(&chooser, size, at) >> (8 * size - 1) & 1 == 1;
                    set_lane(&mut vector, size, at, lane(if second { &y } else { &x }, size, at));
                }
                return self.set_vector(instruction, 0, vector);
            }
            "pblendmb" | "pblendmw" | "pblendmd" | "pblendmq" => {
                let (x, y) = (of(1, size), of(2, size));
                let mask = self.masks[instruction.op_mask() as usize - Register::K0 as usize];
                let mut vector = [0; 64];
                for at in 0..64 / size {
                    let chosen = if mask >> at & 1 == 1 { &y } else { &x };
                    set_lane(&mut vector, size, at, lane(chosen, size, at));
                }
                return self.set_vector(instruction, 0, vector);
            }
            _ => {}
        }
        let unary = ["sqrt", "round", "rndscale", "pabs"].iter().any(|op| name.starts_with(op));
        let shift =
            matches!(name, "psrlw" | "psraw" | "psllw" | "psrld" | "psrad" | "psrlq" | "psllq");
        let old = self.vectors.get(vector_number(instruction.op0_register()).min(31)).copied();
        let old = old.expect("a register");
        let x = of(1, size);
        let y = if unary || shift { x } else { of(2, size) };
        let lanes = if instruction.op0_register().is_k() { 64 } else { bytes } / size;
        let mut vector = [0; 64];
        let mut mask = 0;
        let compares = name.starts_with("cmp") || name.starts_with("pcmp");
        for at in 0..lanes {
            let [x, y, old] = [&x, &y, &old].map(|vector| lane(vector, size, at));
            if compares {
                let holds = compare(name, size, x, y, imm);
                mask |= u64::from(holds) << at;
                set_lane(&mut vector, size, at, if holds { !0 } else { 0 });
            } else {
                set_lane(&mut vector, size, at, one(name, size, [old, x, y], imm));
            }
        }
        if instruction.op0_register().is_k() {
            self.masks[instruction.op0_register() as usize - Register::K0 as usize] = mask;
        } else {
            self.set_vector(instruction, size, vector);
        }
    }
}

/// Bytes of a register; of what is none, those of a vector.
fn register_bytes(register: Register) -> usize {
    match register {
        _ if register.is_xmm() => 16,
        _ if register.is_ymm() => 32,
        _ => 64,
    }
}

/// A conversion of lanes of one kind to another.
struct Conversion {
    from: DType,
    to: DType,
    of: fn(u64) -> u64,
}

/// What an instruction does that converts; `None` for others.
fn conversion(name: &str) -> Option<Conversion> {
    use DType::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    let integer = |letter: &str, signed: bool| match (letter, signed) {
        ("b", false) => U8,
        ("w", false) => U16,
        ("d", false) => U32,
        ("q", false) => U64,
        ("b", true) => I8,
        ("w", true) => I16,
        ("d", true) => I32,
        _ => I64,
    };
    // What machines give for what is no such integer: the least one, or the greatest if it has no sign.
    macro_rules! truncated {
        ($float:ident $word:ty => $int:ident $none:expr) => {
            |bits| {
                let x = $float::from_bits(bits as $word);
                let range = $int::MIN as i128..=$int::MAX as i128;
                let inside = !x.is_nan() && range.contains(&(x as i128));
                (if inside { x as $int } else { $none }) as u64
            }
        };
    }
    let of = |from: DType, to: DType, of: fn(u64) -> u64| Some(Conversion { from, to, of });
    match name {
        "cvtdq2ps" => of(I32, F32, |x| u64::from((x as i32 as f32).to_bits())),
        "cvtdq2pd" => of(I32, F64, |x| f64::from(x as i32).to_bits()),
        "cvtudq2ps" => of(U32, F32, |x| u64::from((x as u32 as f32).to_bits())),
        "cvtudq2pd" => of(U32, F64, |x| f64::from(x as u32).to_bits()),
        "cvtqq2ps" => of(I64, F32, |x| u64::from((x as i64 as f32).to_bits())),
        "cvtqq2pd" => of(I64, F64, |x| (x as i64 as f64).to_bits()),
        "cvtuqq2ps" => of(U64, F32, |x| u64::from((x as f32).to_bits())),
        "cvtuqq2pd" => of(U64, F64, |x| (x as f64).to_bits()),
        "cvtps2pd" => of(F32, F64, |x| f64::from(f32::from_bits(x as u32)).to_bits()),
        "cvtpd2ps" => of(F64, F32, |x| u64::from((f64::from_bits(x) as f32).to_bits())),
        "cvttps2dq" => of(F32, I32, truncated!(f32 u32 => i32 i32::MIN)),
        "cvttpd2dq" => of(F64, I32, truncated!(f64 u64 => i32 i32::MIN)),
        "cvttps2udq" => of(F32, U32, truncated!(f32 u32 => u32 u32::MAX)),
        "cvttpd2udq" => of(F64, U32, truncated!(f64 u64 => u32 u32::MAX)),
        "cvttps2qq" => of(F32, I64, truncated!(f32 u32 => i64 i64::MIN)),
        "cvttpd2qq" => of(F64, I64, truncated!(f64 u64 => i64 i64::MIN)),
        "cvttps2uqq" => of(F32, U64, truncated!(f32 u32 => u64 u64::MAX)),
        "cvttpd2uqq" => of(F64, U64, truncated!(f64 u64 => u64 u64::MAX)),
        "pmovusdb" => of(U32, U8, |x| x.min(0xFF)),
        "pmovusdw" => of(U32, U16, |x| x.min(0xFFFF)),
        _ => {
            let rest = name.strip_prefix("pmov")?;
            let (signed, lanes) = match (rest.strip_prefix("sx"), rest.strip_prefix("zx")) {
                (Some(lanes), _) => (true, lanes),
                (_, Some(lanes)) => (false, lanes),
                _ if rest.len() == 2 => (false, rest),
                _ => return None,
            };
            let (from, to) = (integer(&lanes[..1], signed), integer(&lanes[1..], false));
            of(
                from,
                to,
                match from {
                    I8 => |x| x as i8 as u64,
                    I16 => |x| x as i16 as u64,
                    I32 => |x| x as i32 as u64,
                    _ => |x| x,
                },
            )
        }
    }
}

fn vector_number(register: Register) -> usize {
    match register {
        _ if register.is_xmm() => register as usize - Register::XMM0 as usize,
        _ if register.is_ymm() => register as usize - Register::YMM0 as usize,
        _ if register.is_zmm() => register as usize - Register::ZMM0 as usize,
        _ => 0,
    }
}

fn compare(name: &str, size: usize, x: u64, y: u64, imm: u8) -> bool {
    if let Some(predicate) = name.strip_prefix("cmpp").map(|_| imm) {
        let (x, y) = (float(x, size), float(y, size));
        return match predicate {
            0 => x == y,
            3 => x.is_nan() || y.is_nan(),
            4 => x != y,
            29 => x >= y,
            7 => !x.is_nan() && !y.is_nan(),
            17 => x < y,
            18 => x <= y,
            _ => panic!("predicate {predicate}"),
        };
    }
    let (sx, sy) = (signed(x, size), signed(y, size));
    if name.starts_with("pcmpeq") {
        return x == y;
    }
    if name.starts_with("pcmpgt") {
        return sx > sy;
    }
    let order = if name.starts_with("pcmpu") { x.cmp(&y) } else { sx.cmp(&sy) };
    match imm {
        0 => order.is_eq(),
        1 => order.is_lt(),
        2 => order.is_le(),
        4 => order.is_ne(),
        _ => panic!("predicate {imm}"),
    }
}

/// One lane of an operation.
fn one(name: &str, size: usize, [old, x, y]: [u64; 3], imm: u8) -> u64 {
    let (sx, sy) = (signed(x, size), signed(y, size));
    let (fx, fy) = (float(x, size), float(y, size));
    let of = |value: f64| bits(value, size);
    if let Some(rest) = name.strip_prefix('f') {
        return fused(rest, size, [old, x, y]);
    }
    match name {
        "pmuldq" => return (i64::from(x as i32)).wrapping_mul(i64::from(y as i32)) as u64,
        "pmaddwd" => {
            let part =
                |at: u32| i64::from((x >> (16 * at)) as i16) * i64::from((y >> (16 * at)) as i16);
            return (part(0) + part(1)) as u64;
        }
        "pmaddubsw" => {
            let part =
                |at: u32| i64::from((x >> (8 * at)) as u8) * i64::from((y >> (8 * at)) as i8);
            return (part(0) + part(1)).clamp(-32768, 32767) as u64;
        }
        "pmuludq" => return (x & 0xFFFF_FFFF) * (y & 0xFFFF_FFFF),
        "psrlq" | "psrlw" | "psrld" => return x >> imm,
        "psrad" | "psraw" => return (sx >> imm) as u64,
        "psllvd" | "psllvq" | "psllvw" => return if y < 8 * size as u64 { x << y } else { 0 },
        "psrlvd" | "psrlvq" | "psrlvw" => return if y < 8 * size as u64 { x >> y } else { 0 },
        "psravd" | "psravq" | "psravw" => return (sx >> y.min(8 * size as u64 - 1)) as u64,
        "psllq" | "psllw" => return x << imm,
        "pand" | "pandd" | "pandq" => return x & y,
        "por" | "pord" | "porq" => return x | y,
        "pxor" | "pxord" | "pxorq" => return x ^ y,
        _ => {}
    }
    match &name[..name.len() - 1] {
        "padd" => return x.wrapping_add(y),
        "psub" => return x.wrapping_sub(y),
        "pmull" => return x.wrapping_mul(y),
        "pmulh" => return ((sx * sy) >> 16) as u64,
        "pmulhu" => return (x * y) >> 16,
        "pabs" => return sx.wrapping_abs() as u64,
        "pmins" => return if sx < sy { x } else { y },
        "pmaxs" => return if sx > sy { x } else { y },
        "pminu" => return x.min(y),
        "pmaxu" => return x.max(y),
        _ => {}
    }
    // Sums, products, quotients and roots of f32 are rounded right by way of f64.
    match &name[..name.len() - 2] {
        "add" => of(fx + fy),
        "sub" => of(fx - fy),
        "mul" => of(fx * fy),
        "div" => of(fx / fy),
        "sqrt" => of(fx.sqrt()),
        "min" => {
            if fx < fy {
                x
            } else {
                y
            }
        }
        "max" => {
            if fx > fy {
                x
            } else {
                y
            }
        }
        "and" => x & y,
        "or" => x | y,
        "xor" => x ^ y,
        "round" | "rndscale" => match imm {
            8 => of(fx.round_ties_even()),
            9 => of(fx.floor()),
            10 => of(fx.ceil()),
            11 => of(fx.trunc()),
            _ => panic!("rounding {imm}"),
        },
        // The greater, or the one that is a number; of two zeros the positive one.
        "range" if imm == 5 => match (fx.is_nan(), fy.is_nan()) {
            (true, _) => y,
            (_, true) => x,
            _ if fx == fy => x & y,
            _ => {
                if fx > fy {
                    x
                } else {
                    y
                }
            }
        },
        _ => panic!("{name} is not executed here"),
    }
}

/// `[n]m{add,sub}{132,213,231}p{s,d}`
fn fused(name: &str, size: usize, [a, b, c]: [u64; 3]) -> u64 {
    let negated = name.starts_with('n');
    let minus = name.contains("sub");
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let (x, y, z) = match digits.as_str() {
        "132" => (a, c, b),
        "213" => (b, a, c),
        "231" => (b, c, a),
        _ => panic!("{name} is not executed here"),
    };
    if size == 4 {
        let [x, y, z] = [x, y, z].map(|bits| f32::from_bits(bits as u32));
        let x = if negated { -x } else { x };
        let z = if minus { -z } else { z };
        return u64::from(x.mul_add(y, z).to_bits());
    }
    let [x, y, z] = [x, y, z].map(f64::from_bits);
    let x = if negated { -x } else { x };
    let z = if minus { -z } else { z };
    x.mul_add(y, z).to_bits()
}
