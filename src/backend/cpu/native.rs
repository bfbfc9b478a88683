//! The native code of a tile, and its emitters.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hotloop_runtime::exec_memory::{Code, publish_named};
use hotloop_runtime::isa::Isa;
use hotloop_runtime::tile::TileFn;

use super::cranelift;
use super::tile::TileProgram;
use super::wide;
use crate::backend::{Label, Refusal};

/// An emitter of native loops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Emitter {
    /// hotloop's own, for the machine's vector width.
    #[default]
    Wide,
    /// Cranelift, which has vectors of 128 bits.
    Cranelift,
}

impl Emitter {
    /// The emitter with a name, as in `HOTLOOP_EMITTER`.
    pub fn from_name(name: &str) -> Option<Emitter> {
        match name {
            "wide" => Some(Emitter::Wide),
            "cranelift" => Some(Emitter::Cranelift),
            _ => None,
        }
    }
}

/// A compiled tile program.
pub struct NativeTile {
    code: Code,
    block: usize,
    inward: bool,
    kernels: Box<[usize]>,
}

/// The code of a tile, before it can be executed.
pub struct Emitted {
    /// The position-independent code.
    pub code: Vec<u8>,
    /// The maximum number of elements of an iteration of its loops.
    pub block: usize,
    /// Whether it accesses nothing beyond its elements if there are at least `block` of them.
    pub inward: bool,
    /// The addresses of the block kernels that its table holds.
    pub kernels: Vec<usize>,
}

impl NativeTile {
    /// The function, valid while `self` lives.
    pub fn function(&self) -> TileFn {
        // SAFETY: the code was compiled from a function of exactly this signature.
        unsafe { std::mem::transmute::<*const u8, TileFn>(self.code.as_ptr()) }
    }

    /// The block: the number of elements of in-place operands must be a multiple of it.
    pub fn block(&self) -> usize {
        self.block
    }

    /// Whether numbers of elements from the block on need not be multiples of it.
    pub fn is_inward(&self) -> bool {
        self.inward
    }

    /// The addresses of the block kernels that its table holds.
    pub fn kernels(&self) -> &[usize] {
        &self.kernels
    }

    /// The number of bytes of machine code.
    pub fn code_len(&self) -> usize {
        self.code.len()
    }
}

/// Compiles a tile program. Thread-safe; a panic of the emitter becomes a [`Refusal::Bug`].
///
/// # Errors
/// The emitter's [`Refusal`].
pub fn compile(
    program: &TileProgram,
    isa: Isa,
    emitter: Emitter,
    label: &Label,
) -> Result<NativeTile, Refusal> {
    let made = catch_unwind(AssertUnwindSafe(|| match (emitter, wide::width(isa)) {
        (Emitter::Wide, Some(width)) => wide::emit(program, width, isa),
        _ => cranelift::emit(program, isa),
    }));
    let made = made.map_err(|_| Refusal::Bug("a panic in code generation".to_string()))??;
    let Emitted { code, block, inward, kernels } = made;
    let code = publish_named(&code, label.perf, &label.name)
        .map_err(|e| Refusal::Unavailable(e.to_string()))?;
    Ok(NativeTile { code, block, inward, kernels: kernels.into() })
}
