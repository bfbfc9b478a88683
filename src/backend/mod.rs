//! From a [`Pass`] to something that runs.
//!
//! A [`Target`] says which forms operations have; a [`Backend`] makes code of passes, or refuses.
//! Nothing above this module knows which backends there are, but for the engine, which picks one.

pub mod cpu;
#[cfg(feature = "host-device")]
pub mod text;

use std::fmt;
use std::time::Instant;

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::perf::Perf;
use hotloop_runtime::reduce::Reduction;

use crate::ops::Op;
use crate::plan::Pass;

/// The form of an operation in the code of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An instruction, or a few, of the pass's own loop.
    Vector,
    /// A call of a block kernel.
    Kernel,
}

/// Which forms operations have.
pub trait Target {
    /// The form of an operation on operands of this dtype.
    fn form(&self, op: Op, dtype: DType) -> Form;

    /// Whether loops of its code accumulate what a reduction takes in these lanes.
    fn accumulates(&self, reduction: Reduction, lane: Lane) -> bool;

    /// Whether loops of its code convert between these lanes. Lanes of several widths then share a
    /// loop.
    fn converts(&self, from: Lane, to: Lane) -> bool;
}

/// Makes code of passes.
pub trait Backend {
    /// The code of one pass.
    type Code;

    /// Compiles a pass until the deadline, under the name that profilers see.
    ///
    /// # Errors
    /// A [`Refusal`]; another backend may take the pass.
    fn compile(&self, pass: &Pass, label: Label, deadline: Instant) -> Result<Self::Code, Refusal>;
}

/// Why a backend has no code for a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another backend was asked for.
    Unwanted,
    /// This machine or system does not allow native code.
    Unavailable(String),
    /// The pass needs more stack than native code may use, or more time to compile.
    TooLarge,
    /// The backend has no form of this, whatever the operands.
    #[cfg(feature = "host-device")]
    Unsupported(&'static str),
    /// No thread is free to compile it.
    Busy,
    /// The backend failed: a bug, to be reported.
    Bug(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unwanted => f.write_str("as asked for"),
            Refusal::Unavailable(why) => write!(f, "native code is not available: {why}"),
            Refusal::TooLarge => f.write_str("the program is too large"),
            #[cfg(feature = "host-device")]
            Refusal::Unsupported(what) => write!(f, "the backend has no {what}"),
            Refusal::Busy => f.write_str("too many large programs are being compiled"),
            Refusal::Bug(what) => write!(f, "a bug in code generation: {what}"),
        }
    }
}

/// The name of code, and how a profiler learns it.
#[derive(Clone, Debug, Default)]
pub struct Label {
    /// How the profiler learns it.
    pub perf: Perf,
    /// The name.
    pub name: String,
}
