//! The backends for the CPU: passes are lowered to [steps of a tile](tile), which become native code
//! or, where native code is not available, calls of block kernels.

mod arrange;
mod cost;
mod cranelift;
mod deadline;
pub mod forms;
mod lower;
mod native;
mod steps;
mod tile;
mod wide;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use hotloop_runtime::convert::Lane;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::scan::Scanner;
use hotloop_runtime::tile::{TileCarry, TileCode, TileScan, TileTable};

use crate::backend::{Backend, Label, Refusal, Target};
use crate::cache::Cache;
use crate::plan::Pass;
use cost::cost;
use cranelift::Vectors;
use lower::lower;
pub use native::Emitter;
use native::NativeTile;
use steps::{Kernels, Steps};
use tile::{Carried, Place, TileProgram};
use wide::{Wide, width};

/// The code of a pass, with the properties that the executor uses.
pub struct Tile {
    program: TileProgram,
    /// Approximate nanoseconds per element, with operands in L1.
    pub cost: f32,
    /// The block: the number of elements of in-place operands must be a multiple of it.
    pub block: usize,
    /// Whether numbers of elements from `block` on need not be multiples of it.
    pub inward: bool,
    code: TileCode,
    /// Keeps the code alive.
    native: Option<Arc<NativeTile>>,
    carries: Box<[TileCarry]>,
}

impl Tile {
    fn new(
        program: TileProgram,
        cost: f32,
        block: usize,
        code: TileCode,
        native: Option<Arc<NativeTile>>,
    ) -> Result<Tile, Refusal> {
        let table = program.table();
        let carry = |carried: &Carried| {
            let values = match carried.place {
                // A uniform has no array of elements.
                Place::Uniform(_) => None,
                place => program.index(place),
            };
            let state = carried.state.map(|state| table.state(state as usize));
            values.map(|values| TileCarry { values, state })
        };
        let carries: Option<Box<[TileCarry]>> = program.carries.iter().map(carry).collect();
        let carries = carries.ok_or_else(|| Refusal::Bug("a carry of no array".to_string()))?;
        let inward = native.as_ref().is_some_and(|native| native.is_inward());
        Ok(Tile { program, cost, block, inward, code, native, carries })
    }

    /// The code of its elements; `None` if the pass only reduces its inputs.
    pub fn code(&self) -> Option<&TileCode> {
        (!self.program.steps.is_empty()).then_some(&self.code)
    }

    /// The layout of its table.
    pub fn table(&self) -> TileTable {
        self.program.table()
    }

    /// The addresses of the block kernels that it calls through the table.
    pub fn kernels(&self) -> &[usize] {
        self.native.as_ref().map_or(&[], |native| native.kernels())
    }

    /// The table's entries for the elements and states of the carries.
    pub fn carries(&self) -> &[TileCarry] {
        &self.carries
    }

    /// The lanes of the elements of the carries.
    pub fn carried(&self) -> impl Iterator<Item = Lane> {
        self.program.carries.iter().map(|carry| carry.lane)
    }

    /// The scans of its kernels, and the places of their states in the table; `None` of one that
    /// is not defined.
    pub fn scans(&self) -> impl Iterator<Item = Option<TileScan>> {
        self.program.scans.iter().zip(0..).map(|((scan, attributes, dtype), number)| {
            let scanner = Scanner::new(*scan, *attributes, *dtype)?;
            Some(TileScan { scanner, state: self.program.index(Place::State(number))? })
        })
    }

    /// The inputs that may be blocks of copies of one element.
    pub fn repeated(&self) -> &[u32] {
        &self.program.repeated
    }

    /// The number of slots that only hold the elements which loops do not accumulate.
    pub fn rest_slots(&self) -> usize {
        self.program.rest_slots()
    }

    /// The number of bytes of machine code.
    pub fn code_len(&self) -> usize {
        self.native.as_ref().map_or(0, |native| native.code_len())
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.program.fmt(f)
    }
}

/// The maximum number of bytes of code of a tile that the cache keeps.
const LARGE_CODE: usize = 256 << 10;

/// The backend of native code: at the machine's vector width, or with 128-bit vectors where the wide
/// emitter refuses.
pub struct Native {
    isa: Isa,
    emitter: Emitter,
    tiles: Cache<(TileProgram, Emitter), Result<Arc<NativeTile>, Refusal>>,
}

impl Native {
    /// The backend for an instruction set, with a cache of `capacity` tiles.
    pub fn new(isa: Isa, emitter: Emitter, capacity: usize) -> Native {
        Native { isa, emitter, tiles: Cache::new(capacity) }
    }

    fn emit(
        &self,
        pass: &Pass,
        target: &dyn Target,
        emitter: Emitter,
        label: Label,
        deadline: Instant,
    ) -> Result<Tile, Refusal> {
        let program = lower(pass, target);
        let key = (program.clone(), emitter);
        let make = || deadline::compile(&program, self.isa, emitter, deadline, label);
        let keep = |made: &Result<Arc<NativeTile>, Refusal>| {
            made.as_ref().is_ok_and(|tile| tile.code_len() <= LARGE_CODE)
        };
        let native = self.tiles.get(&key, make, keep)?;
        let code = TileCode::Native(native.function());
        let bits = match (emitter, width(self.isa)) {
            (Emitter::Wide, Some(width)) => 8 * width.bytes() as u32,
            _ => 128,
        };
        let cost = cost(&program, bits, self.isa);
        Tile::new(program, cost, native.block(), code, Some(native))
    }
}

impl Backend for Native {
    type Code = Tile;

    fn compile(&self, pass: &Pass, label: Label, deadline: Instant) -> Result<Tile, Refusal> {
        if self.emitter == Emitter::Wide && width(self.isa).is_some() {
            match self.emit(pass, &Wide(self.isa), Emitter::Wide, label.clone(), deadline) {
                Err(Refusal::TooLarge) => {}
                made => return made,
            }
        }
        self.emit(pass, &Vectors(self.isa), Emitter::Cranelift, label, deadline)
    }
}

/// The backend of calls of block kernels.
pub struct Portable(pub Isa);

impl Backend for Portable {
    type Code = Tile;

    fn compile(&self, pass: &Pass, _: Label, _: Instant) -> Result<Tile, Refusal> {
        let program = lower(pass, &Kernels);
        let code = Steps::new(&program, self.0)?;
        let cost = cost(&program, 128, self.0);
        Tile::new(program, cost, 1, TileCode::Portable(Arc::new(code)), None)
    }
}
