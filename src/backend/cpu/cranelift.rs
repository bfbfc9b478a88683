//! Tile programs to native code, by Cranelift.
//!
//! One function a program: fused steps become loops over 128-bit vectors, unrolled so that
//! several independent chains are in flight; other steps are calls of block kernels.
//! Uniform values and constants stay in registers while there are some to spare, and are memory
//! operands beyond that: they would be spilled.
//!
//! Nothing emitted here can trap, and nothing relocates: the code is position independent, and
//! reaches everything through its pointer table.

use std::sync::{Mutex, OnceLock};

use cranelift_codegen::Context;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    AbiParam, BlockArg, Endianness, Function, InstBuilder, MemFlagsData, SigRef, Signature, Type,
    Value, types,
};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use hotloop_runtime::block::BlockFn;
use hotloop_runtime::convert::{Lane, convert};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::fault::{Fault, injected};
use hotloop_runtime::fork::PerProcess;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::tile::TileTable;

use super::native::Emitted;
use super::tile::{Instr, Place, Step, TileProgram};
use crate::backend::{Form, Refusal, Target};
use crate::ops::Op;

/// A stack frame beyond which there is no native code: it would run on the caller's stack.
const MOST_FRAME: u32 = 64 << 10;

/// Values alive at once beyond which such a frame is certain, and finding it out slow.
const MOST_LIVE: usize = MOST_FRAME as usize / 16;

/// What compilation reuses: allocations of Cranelift.
struct Workspace {
    context: Context,
    builder: FunctionBuilderContext,
}

/// Workspaces kept for the next compilations. Nobody waits for this lock: in the child of a fork
/// it may never be free again.
const MOST_WORKSPACES: usize = 8;
static WORKSPACES: Mutex<Vec<Workspace>> = Mutex::new(Vec::new());

/// The target for an instruction set, made once.
fn target(isa: Isa) -> Result<&'static OwnedTargetIsa, Refusal> {
    type Targets = [OnceLock<Result<OwnedTargetIsa, String>>; 3];
    static TARGETS: PerProcess<Targets> = PerProcess::new();
    let made = TARGETS.get_or_make(Targets::default)[isa as usize].get_or_init(|| make_target(isa));
    made.as_ref().map_err(|e| Refusal::Unavailable(e.clone()))
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn make_target(_: Isa) -> Result<OwnedTargetIsa, String> {
    Err("native code is only made on x86-64 Linux".to_string())
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn make_target(isa: Isa) -> Result<OwnedTargetIsa, String> {
    if !is_x86_feature_detected!("sse4.2") {
        return Err("native code needs SSE4.2".to_string());
    }
    let mut flags = settings::builder();
    let text = |e: &dyn std::fmt::Display| e.to_string();
    for (name, value) in [
        // The graph is optimized before; what Cranelift could add costs more than it gives,
        // and it would hoist constants into registers.
        ("opt_level", "none"),
        ("regalloc_algorithm", "backtracking"),
        ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
        ("unwind_info", "false"),
    ] {
        flags.set(name, value).map_err(|e| text(&e))?;
    }
    let mut builder =
        cranelift_codegen::isa::lookup_by_name("x86_64-unknown-linux-gnu").map_err(|e| text(&e))?;
    let v2 = ["has_sse3", "has_ssse3", "has_sse41", "has_sse42"];
    let v3 = ["has_avx", "has_avx2", "has_fma", "has_bmi2"];
    let v4 = ["has_avx512f", "has_avx512dq", "has_avx512vl"];
    let levels = [(Isa::Baseline, &v2[..]), (Isa::Avx2, &v3), (Isa::Avx512, &v4)];
    let levels = levels.iter().filter(|(level, _)| *level <= isa);
    for name in levels.flat_map(|(_, names)| *names) {
        builder.enable(name).map_err(|e| text(&e))?;
    }
    builder.finish(settings::Flags::new(flags)).map_err(|e| text(&e))
}

/// The forms that Cranelift's 128-bit vectors have on an instruction set.
pub struct Vectors(pub Isa);

impl Target for Vectors {
    fn form(&self, op: Op, dtype: DType) -> Form {
        if op.row().vector.has(dtype, self.0) { Form::Vector } else { Form::Kernel }
    }
}

/// Emits a tile program. Thread-safe; it may panic.
///
/// # Errors
/// [`Refusal::TooLarge`], [`Refusal::Unavailable`] and [`Refusal::Bug`].
pub fn emit(program: &TileProgram, isa: Isa) -> Result<Emitted, Refusal> {
    let target = target(isa)?;
    let too_wide =
        |step: &Step| matches!(step, Step::Fused(_, code) if most_live(code) > MOST_LIVE);
    if program.steps.iter().any(too_wide) {
        return Err(Refusal::TooLarge);
    }
    let workspace = WORKSPACES.try_lock().ok().and_then(|mut kept| kept.pop());
    let mut workspace = workspace.unwrap_or_else(|| Workspace {
        context: Context::new(),
        builder: FunctionBuilderContext::new(),
    });
    // After a panic or an error the workspace may hold half a function: it is dropped.
    let emitted = Compiler::compile(program, isa, target, &mut workspace)?;
    workspace.context.clear();
    if let Ok(mut kept) = WORKSPACES.try_lock()
        && kept.len() < MOST_WORKSPACES
    {
        kept.push(workspace);
    }
    Ok(emitted)
}

/// Places whose pointers a loop keeps in registers; with more it reads them from the table.
const MOST_POINTERS: usize = 9;

struct Compiler<'a, 'f> {
    b: FunctionBuilder<'f>,
    program: &'a TileProgram,
    layout: TileTable,
    isa: Isa,
    /// The addresses of the block kernels that have been called so far.
    kernels: Vec<usize>,
    /// The signatures of block kernels, of one result and of two.
    one_result: SigRef,
    two_results: SigRef,
    table: Value,
    n: Value,
    flags: Option<Value>,
}

fn bug(message: impl std::fmt::Display) -> Refusal {
    Refusal::Bug(message.to_string())
}

/// The vector type of a lane.
fn vector(lane: Lane) -> Type {
    match lane {
        Lane::Value(DType::F32) => types::F32X4,
        Lane::Value(DType::F64) => types::F64X2,
        _ => match lane.bytes() {
            1 => types::I8X16,
            2 => types::I16X8,
            4 => types::I32X4,
            _ => types::I64X2,
        },
    }
}

/// Vector registers that values may stay in; the rest is for what an instruction needs on the way.
const REGISTERS: usize = 14;

/// How many vectors a turn of a loop takes: as many chains in flight as registers allow, which
/// hides latency, unless the code becomes long, which costs compile time and hides nothing more.
fn unroll(code: &[Instr]) -> usize {
    let live = most_live(code).max(1);
    match code.len() {
        0..=80 if live * 4 <= REGISTERS => 4,
        0..=400 if live * 2 <= REGISTERS => 2,
        _ => 1,
    }
}

/// The most values that are alive at once; cells are memory operands and do not count.
fn most_live(code: &[Instr]) -> usize {
    let mut last_use = vec![0; code.len()];
    for (i, instr) in code.iter().enumerate() {
        match instr {
            Instr::Load(..) => {}
            Instr::Apply(op, _, args) => {
                args[..op.row().parameters.len()].iter().for_each(|x| last_use[*x as usize] = i)
            }
            Instr::Store(_, x) => last_use[*x as usize] = i,
        }
    }
    let mut ends = vec![0; code.len()];
    let (mut live, mut most) = (0usize, 0);
    for (i, instr) in code.iter().enumerate() {
        if !matches!(instr, Instr::Load(Place::Uniform(_), _) | Instr::Store(..)) {
            live += 1;
            ends[last_use[i].max(i)] += 1;
        }
        most = most.max(live);
        live -= ends[i];
    }
    most
}

/// Elements that a turn of a loop takes.
fn elements_per_turn(width: u8, code: &[Instr]) -> usize {
    128 / usize::from(width) * unroll(code)
}

fn unaligned() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

impl<'a> Compiler<'a, '_> {
    fn compile(
        program: &'a TileProgram,
        isa: Isa,
        target: &OwnedTargetIsa,
        workspace: &mut Workspace,
    ) -> Result<Emitted, Refusal> {
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.extend([AbiParam::new(types::I64); 2]);
        signature.returns.push(AbiParam::new(types::I32));
        workspace.context.func = Function::with_name_signature(Default::default(), signature);
        let mut b = FunctionBuilder::new(&mut workspace.context.func, &mut workspace.builder);
        let [one_result, two_results] = [5, 4].map(|pointers| {
            let mut signature = Signature::new(CallConv::SystemV);
            signature.params.extend(vec![AbiParam::new(types::I64); pointers]);
            signature.returns.push(AbiParam::new(types::I32));
            b.import_signature(signature)
        });
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let (table, n) = (b.block_params(entry)[0], b.block_params(entry)[1]);
        let layout = program.table();
        let (kernels, flags) = (Vec::new(), None);
        let mut compiler =
            Compiler { b, program, layout, isa, kernels, one_result, two_results, table, n, flags };
        let mut block = 1;
        for step in &program.steps {
            compiler.step(step)?;
            if let Step::Fused(width, code) = step {
                block = block.max(elements_per_turn(*width, code));
            }
        }
        let Compiler { mut b, flags, kernels, .. } = compiler;
        let flags = flags.unwrap_or_else(|| b.ins().iconst(types::I32, 0));
        b.ins().return_(&[flags]);
        b.finalize(target.frontend_config());

        let compiled = workspace
            .context
            .compile(&**target, &mut Default::default())
            .map_err(|e| bug(format_args!("{:?}", e.inner)))?;
        if !compiled.buffer.relocs().is_empty() {
            return Err(bug("code that relocates"));
        }
        if compiled.buffer.frame_layout().map_or(0, |f| f.frame_to_fp_offset) > MOST_FRAME {
            return Err(Refusal::TooLarge);
        }
        Ok(Emitted { code: compiled.code_buffer().to_vec(), block, inward: false, kernels })
    }

    /// The pointer of a place; what the plan does not declare is an error, not an address.
    fn pointer(&mut self, place: Place) -> Result<Value, Refusal> {
        let index = self.program.index(place);
        let index = index.ok_or_else(|| bug(format_args!("{place} does not exist")))?;
        Ok(self.entry(index))
    }

    /// An entry of the table.
    fn entry(&mut self, index: usize) -> Value {
        let offset = index as i32 * 8;
        self.b.ins().load(types::I64, MemFlagsData::trusted(), self.table, offset)
    }

    /// The address of a block kernel, which the table holds.
    fn kernel(&mut self, address: usize) -> Value {
        let known = self.kernels.iter().position(|kernel| *kernel == address);
        let number = known.unwrap_or_else(|| {
            self.kernels.push(address);
            self.kernels.len() - 1
        });
        self.entry(self.layout.kernel(number))
    }

    fn call(
        &mut self,
        kernel: BlockFn,
        out: Value,
        args: &[Place],
        may_flag: bool,
    ) -> Result<(), Refusal> {
        let null = self.b.ins().iconst(types::I64, 0);
        let mut values = [out, null, null, null, self.n];
        for (i, place) in args.iter().enumerate() {
            values[1 + i] = self.pointer(*place)?;
        }
        let address = self.kernel(kernel as usize);
        let call = self.b.ins().call_indirect(self.one_result, address, &values);
        if may_flag {
            let raised = self.b.inst_results(call)[0];
            self.flags = Some(match self.flags {
                Some(flags) => self.b.ins().bor(flags, raised),
                None => raised,
            });
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), Refusal> {
        match step {
            Step::Fused(width, code) => self.fused(*width, code),
            Step::Block(op, dtype, args, out) => {
                let kernel = op
                    .kernel(*dtype, self.isa)
                    .ok_or_else(|| bug(format_args!("{op:?} has no {dtype} kernel")))?;
                let out = self.pointer(*out)?;
                self.call(kernel, out, args, op.may_flag() && dtype.is_int())
            }
            Step::Pair(pair, dtype, arg, outs) => {
                let kernel = Op::pair_kernel(*pair, *dtype, self.isa)
                    .ok_or_else(|| bug(format_args!("{pair:?} have no common {dtype} kernel")))?;
                let [first, second] = outs.map(|out| self.pointer(out));
                let values = [first?, second?, self.pointer(*arg)?, self.n];
                let address = self.kernel(kernel as usize);
                self.b.ins().call_indirect(self.two_results, address, &values);
                Ok(())
            }
            Step::Convert(from, to, arg, out) => {
                let kernel = convert(*from, *to, self.isa)
                    .ok_or_else(|| bug(format_args!("no conversion {from:?} to {to:?}")))?;
                let out = self.pointer(*out)?;
                self.call(kernel, out, &[*arg], false)
            }
        }
    }

    /// The loop of a fused step, over the bytes of its lanes.
    fn fused(&mut self, width: u8, code: &[Instr]) -> Result<(), Refusal> {
        let unrolled = unroll(code);
        let turn = elements_per_turn(width, code) as i64;
        let shift = i64::from(width / 8).trailing_zeros();
        let mut places: Vec<Place> = code
            .iter()
            .filter_map(Instr::place)
            .filter(|p| !matches!(p, Place::Uniform(_)))
            .collect();
        places.sort_unstable();
        places.dedup();
        let held = places.len() <= MOST_POINTERS;
        let pointers: Vec<Value> = if held {
            places.iter().map(|p| self.pointer(*p)).collect::<Result<_, _>>()?
        } else {
            Vec::new()
        };
        let cells = self.pointer(Place::Uniform(0))?;
        let up = if injected(Fault::LoopEndsEarly) { 0 } else { turn - 1 };
        let whole = self.b.ins().iadd_imm_s(self.n, up);
        let whole = self.b.ins().band_imm_s(whole, -turn);
        let end = self.b.ins().ishl_imm_s(whole, i64::from(shift));
        let start = self.b.ins().iconst(types::I64, 0);

        // Uniform values stay in registers as far as there are any; the others are memory operands.
        let room = REGISTERS.saturating_sub(most_live(code) * unrolled);
        let uniform = |(i, instr): (usize, &Instr)| match instr {
            Instr::Load(Place::Uniform(cell), lane) => Some((i, *cell, *lane)),
            _ => None,
        };
        let mut uniforms: Vec<(usize, Value)> = Vec::new();
        for (i, cell, lane) in code.iter().enumerate().filter_map(uniform).take(room) {
            uniforms.push((i, self.uniform(cells, cell, lane)));
        }

        let body = self.b.create_block();
        let exit = self.b.create_block();
        let offset = self.b.append_block_param(body, types::I64);
        self.b.ins().jump(body, &[BlockArg::Value(start)]);
        self.b.switch_to_block(body);
        let mut values: Vec<[Option<Value>; 4]> = Vec::with_capacity(code.len());
        for (i, instr) in code.iter().enumerate() {
            let mut made = [None; 4];
            if let Ok(at) = uniforms.binary_search_by_key(&i, |(i, _)| *i) {
                values.push([Some(uniforms[at].1); 4]);
                continue;
            }
            let address = match instr.place() {
                None | Some(Place::Uniform(_)) => None,
                Some(place) => {
                    let pointer = match places.binary_search(&place) {
                        Ok(i) if held => pointers[i],
                        _ => self.pointer(place)?,
                    };
                    Some(self.b.ins().iadd(pointer, offset))
                }
            };
            for (u, made) in made.iter_mut().enumerate().take(unrolled) {
                let disp = u as i32 * 16;
                let of = |x: &u32| {
                    values[*x as usize][u].ok_or_else(|| bug("a value before it is made"))
                };
                match (instr, address) {
                    (Instr::Load(Place::Uniform(cell), lane), _) => {
                        *made = Some(self.uniform(cells, *cell, *lane));
                    }
                    (Instr::Load(_, lane), Some(address)) => {
                        let again = u > 0 && injected(Fault::FirstVectorReloaded);
                        let disp = if again { 0 } else { disp };
                        *made = Some(self.load(vector(*lane), address, disp));
                    }
                    (Instr::Store(..), _) if u == 3 && injected(Fault::LastVectorNotStored) => {}
                    (Instr::Store(_, x), Some(address)) => {
                        let value = of(x)?;
                        self.b.ins().store(unaligned(), value, address, disp);
                    }
                    (Instr::Apply(op, dtype, args), _) => {
                        let count = op.row().parameters.len();
                        let args = args[..count].iter().map(of).collect::<Result<Vec<_>, _>>()?;
                        *made = Some(self.operation(*op, *dtype, &args)?);
                    }
                    _ => return Err(bug("an instruction without an address")),
                }
            }
            values.push(made);
        }
        let bytes = i64::from(width / 8) * turn;
        let next = self.b.ins().iadd_imm_s(offset, bytes);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, next, end);
        self.b.ins().brif(more, body, &[BlockArg::Value(next)], exit, &[]);
        self.b.seal_block(body);
        self.b.switch_to_block(exit);
        self.b.seal_block(exit);
        Ok(())
    }

    /// A load of a uniform value.
    fn uniform(&mut self, cells: Value, cell: u32, lane: Lane) -> Value {
        let offset = cell as i32 * 16;
        self.b.ins().load(vector(lane), MemFlagsData::trusted(), cells, offset)
    }

    /// A load of array elements, of any alignment.
    ///
    /// Without AVX a memory operand must be aligned, which Cranelift 0.135 forgets for float
    /// comparisons. A cast between the load and its user keeps the two apart.
    fn load(&mut self, ty: Type, address: Value, disp: i32) -> Value {
        if self.isa >= Isa::Avx2 {
            return self.b.ins().load(ty, unaligned(), address, disp);
        }
        let other = if ty == types::F64X2 { types::I64X2 } else { types::F64X2 };
        let loaded = self.b.ins().load(other, unaligned(), address, disp);
        self.cast(loaded, ty)
    }

    fn cast(&mut self, value: Value, ty: Type) -> Value {
        if self.b.func.dfg.value_type(value) == ty {
            return value;
        }
        self.b.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), value)
    }

    /// Whether x < y, of integers.
    fn int_less(&mut self, dtype: DType, x: Value, y: Value) -> Value {
        if dtype != DType::U64 {
            let signed = dtype.is_signed_int() || injected(Fault::UnsignedAsSigned);
            let cc = if signed { IntCC::SignedLessThan } else { IntCC::UnsignedLessThan };
            return self.b.ins().icmp(cc, x, y);
        }
        // x86 compares 64-bit lanes as signed numbers only: move both by half the range.
        let half = if injected(Fault::U64NotMoved) { 0 } else { i64::MIN };
        let half = self.b.ins().iconst(types::I64, half);
        let half = self.b.ins().splat(types::I64X2, half);
        let (x, y) = (self.b.ins().bxor(x, half), self.b.ins().bxor(y, half));
        self.b.ins().icmp(IntCC::SignedLessThan, x, y)
    }

    fn operation(&mut self, op: Op, dtype: DType, args: &[Value]) -> Result<Value, Refusal> {
        let float = dtype.is_float();
        Ok(match (op, args) {
            (Op::Add, &[x, y]) if float => self.b.ins().fadd(x, y),
            (Op::Add, &[x, y]) if dtype.size() == 4 && injected(Fault::NarrowAddition) => {
                let (x, y) = (self.cast(x, types::I16X8), self.cast(y, types::I16X8));
                let sum = self.b.ins().iadd(x, y);
                self.cast(sum, types::I32X4)
            }
            (Op::Add, &[x, y]) => self.b.ins().iadd(x, y),
            (Op::Sub, &[x, y]) if float && injected(Fault::DifferenceSwapped) => {
                self.b.ins().fsub(y, x)
            }
            (Op::Sub, &[x, y]) if float => self.b.ins().fsub(x, y),
            (Op::Sub, &[x, y]) => self.b.ins().isub(x, y),
            (Op::Mul, &[x, y]) if float => self.b.ins().fmul(x, y),
            (Op::Mul, &[x, y]) => self.b.ins().imul(x, y),
            (Op::Div, &[x, y]) if injected(Fault::QuotientSwapped) => self.b.ins().fdiv(y, x),
            (Op::Div, &[x, y]) => self.b.ins().fdiv(x, y),
            (Op::Fma, &[x, y, z]) => self.b.ins().fma(x, y, z),
            (Op::Sqrt, &[x]) => self.b.ins().sqrt(x),
            (Op::Floor, &[x]) => self.b.ins().floor(x),
            (Op::Ceil, &[x]) => self.b.ins().ceil(x),
            (Op::Trunc, &[x]) => self.b.ins().trunc(x),
            (Op::Rint, &[x]) if injected(Fault::NearestIsTruncated) => self.b.ins().trunc(x),
            (Op::Rint, &[x]) => self.b.ins().nearest(x),
            (Op::Neg, &[x]) if float => self.b.ins().fneg(x),
            (Op::Neg, &[x]) => self.b.ins().ineg(x),
            (Op::Abs, &[x]) if float => self.b.ins().fabs(x),
            (Op::Abs, &[x]) if dtype.is_signed_int() || injected(Fault::SignedAbs) => {
                self.b.ins().iabs(x)
            }
            (Op::Abs, &[x]) => x,
            (Op::BitAnd, &[x, y]) => self.b.ins().band(x, y),
            (Op::BitOr, &[x, y]) => self.b.ins().bor(x, y),
            (Op::BitXor, &[x, y]) => self.b.ins().bxor(x, y),
            (Op::BitNot, &[x]) => self.b.ins().bnot(x),
            (Op::Minimum, &[x, y]) if float && injected(Fault::MinimumOfTheMachine) => {
                let less = self.b.ins().fcmp(FloatCC::LessThan, x, y);
                let less = self.cast(less, vector(Lane::Value(dtype)));
                self.b.ins().bitselect(less, x, y)
            }
            (Op::Minimum, &[x, y]) if float => self.b.ins().fmin(x, y),
            (Op::Maximum, &[x, y]) if float => self.b.ins().fmax(x, y),
            (Op::Minimum, &[x, y]) => {
                let less = self.int_less(dtype, x, y);
                self.b.ins().bitselect(less, x, y)
            }
            (Op::Maximum, &[x, y]) => {
                let less = self.int_less(dtype, x, y);
                self.b.ins().bitselect(less, y, x)
            }
            (Op::Eq, &[x, y]) if float && injected(Fault::EqualByBits) => {
                let lane = vector(Lane::Mask(dtype.bits() as u8));
                let (x, y) = (self.cast(x, lane), self.cast(y, lane));
                self.b.ins().icmp(IntCC::Equal, x, y)
            }
            (Op::Lt | Op::Le | Op::Eq | Op::Ne, &[x, y]) if float => {
                let cc = match op {
                    Op::Lt if injected(Fault::LessIsLessOrEqual) => FloatCC::LessThanOrEqual,
                    Op::Le if injected(Fault::LessIfUnordered) => {
                        FloatCC::UnorderedOrLessThanOrEqual
                    }
                    Op::Lt => FloatCC::LessThan,
                    Op::Le => FloatCC::LessThanOrEqual,
                    Op::Eq => FloatCC::Equal,
                    _ => FloatCC::NotEqual,
                };
                self.b.ins().fcmp(cc, x, y)
            }
            (Op::Lt, &[x, y]) => self.int_less(dtype, x, y),
            (Op::Le, &[x, y]) => {
                let greater = self.int_less(dtype, y, x);
                let as_is = injected(Fault::ComplementForgotten);
                if as_is { greater } else { self.b.ins().bnot(greater) }
            }
            (Op::Eq, &[x, y]) => self.b.ins().icmp(IntCC::Equal, x, y),
            (Op::Ne, &[x, y]) => self.b.ins().icmp(IntCC::NotEqual, x, y),
            (Op::Select, &[condition, x, y]) => {
                let ty = self.b.func.dfg.value_type(x);
                let condition = self.cast(condition, ty);
                let (x, y) = if injected(Fault::SelectTurned) { (y, x) } else { (x, y) };
                self.b.ins().bitselect(condition, x, y)
            }
            _ => return Err(bug(format_args!("{op:?} of {dtype} has no vector form"))),
        })
    }
}
