//! The Cranelift emitter: native code of tile programs for machines without AVX2, and of programs that
//! [`wide`](super::wide) refuses.
//!
//! A program becomes one function. Fused steps are loops over 128-bit vectors, unrolled so that
//! several independent dependency chains overlap; other steps are calls of block kernels. Uniform
//! values stay in registers while there are free ones, and are memory operands otherwise, so that
//! they are never spilled.
//!
//! The code cannot trap. It is position independent and has no relocations, because it addresses
//! everything through its pointer table.

mod accumulate;
mod fused;
mod operation;

use std::sync::{Mutex, OnceLock};

use cranelift_codegen::Context;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData, SigRef, Signature, Type, Value, types,
};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use hotloop_runtime::block::BlockFn;
use hotloop_runtime::convert::{Lane, convert};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::per_process::PerProcess;
use hotloop_runtime::reduce::{Reduction, Runs};
use hotloop_runtime::tile::TileTable;

use super::forms;
use super::native::Emitted;
use super::tile::{Place, Step, TileProgram};
use crate::backend::{Form, Refusal, Target};
use crate::ops::Op;

use fused::{elements_per_turn, most_live};

/// The maximum number of bytes of a stack frame, which lies on the caller's stack.
const MOST_FRAME: u32 = 64 << 10;

/// The maximum number of values that are live at once. More certainly exceed the frame, but would
/// take long to compile.
const MOST_LIVE: usize = MOST_FRAME as usize / 16;

/// Allocations of Cranelift, which are reused.
struct Workspace {
    context: Context,
    builder: FunctionBuilderContext,
}

/// The workspaces for the next compilations, and their maximum number. The lock is only tried: in
/// the child of a fork it may stay locked forever.
const MOST_WORKSPACES: usize = 8;
static WORKSPACES: Mutex<Vec<Workspace>> = Mutex::new(Vec::new());

/// Cranelift's target for an instruction set, made once.
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
        // The graph is optimized already. Cranelift's optimizations take more time than they save,
        // and would hoist constants into registers.
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

/// The target of 128-bit vectors on an instruction set.
pub struct Vectors(pub Isa);

impl Target for Vectors {
    fn form(&self, op: Op, dtype: DType) -> Form {
        if forms::narrow(op, dtype, self.0) { Form::Vector } else { Form::Kernel }
    }

    fn accumulates(&self, reduction: Reduction, lane: Lane) -> bool {
        // For these, block kernels have better instructions and more registers.
        let is_float = matches!(lane, Lane::Value(dtype) if dtype.is_float());
        let reduced_apart = match reduction {
            Reduction::SquaredDeviations => true,
            Reduction::Min | Reduction::Max => is_float || lane.bytes() == 8,
            _ => false,
        };
        !reduced_apart && Runs::lane(reduction, lane).is_some()
    }

    fn converts(&self, _: Lane, _: Lane) -> bool {
        false
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
    // After a panic or an error the workspace may hold part of a function, so it is dropped.
    let emitted = Compiler::compile(program, isa, target, &mut workspace)?;
    workspace.context.clear();
    if let Ok(mut kept) = WORKSPACES.try_lock()
        && kept.len() < MOST_WORKSPACES
    {
        kept.push(workspace);
    }
    Ok(emitted)
}

/// The state of compiling a program.
struct Compiler<'a, 'f> {
    b: FunctionBuilder<'f>,
    program: &'a TileProgram,
    layout: TileTable,
    isa: Isa,
    /// The addresses of the block kernels that are called so far.
    kernels: Vec<usize>,
    /// The signatures of block kernels with one result and with two.
    one_result: SigRef,
    two_results: SigRef,
    table: Value,
    n: Value,
    /// The flags that kernels have raised so far.
    flags: Option<Value>,
}

/// The refusal because of a bug.
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
            return Err(bug("code with relocations"));
        }
        if compiled.buffer.frame_layout().map_or(0, |f| f.frame_to_fp_offset) > MOST_FRAME {
            return Err(Refusal::TooLarge);
        }
        Ok(Emitted { code: compiled.code_buffer().to_vec(), block, inward: false, kernels })
    }

    /// The pointer to a place. It is an error if the program does not declare the place.
    fn pointer(&mut self, place: Place) -> Result<Value, Refusal> {
        let index = self.program.index(place);
        let index = index.ok_or_else(|| bug(format_args!("{place} does not exist")))?;
        Ok(self.entry(index))
    }

    /// The entry of the table with an index.
    fn entry(&mut self, index: usize) -> Value {
        let offset = index as i32 * 8;
        self.b.ins().load(types::I64, MemFlagsData::trusted(), self.table, offset)
    }

    /// The address of a block kernel, loaded from the table.
    fn kernel(&mut self, address: usize) -> Value {
        let known = self.kernels.iter().position(|kernel| *kernel == address);
        let number = known.unwrap_or_else(|| {
            self.kernels.push(address);
            self.kernels.len() - 1
        });
        self.entry(self.layout.kernel(number))
    }

    /// A call of a block kernel with one result.
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
}
