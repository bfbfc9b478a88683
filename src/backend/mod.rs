//! The interface of backends, which compile a [`Pass`].
//!
//! A [`Target`] says which forms operations have; a [`Backend`] compiles passes, or refuses them.
//! Of the modules above this one, only the engine knows which backends there are: it selects one.

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
    /// One or more instructions of the pass's own loop.
    Vector,
    /// A call of a block kernel.
    Kernel,
}

/// The capabilities of a backend's code: the forms of operations, and what its loops can do.
pub trait Target {
    /// The form of an operation on operands of this dtype.
    fn form(&self, op: Op, dtype: DType) -> Form;

    /// Whether loops accumulate the elements of a reduction in these lanes.
    fn accumulates(&self, reduction: Reduction, lane: Lane) -> bool;

    /// Whether loops of its code have an operation whose second operand is this constant, other than
    /// by [`Target::form`].
    fn by_constant(&self, _: Op, _: DType, _: u64) -> bool {
        false
    }

    /// Whether loops convert between these lanes. Lanes of several widths then share a loop.
    fn converts(&self, from: Lane, to: Lane) -> bool;
}

/// A compiler of passes.
pub trait Backend {
    /// The code of one pass.
    type Code;

    /// Compiles a pass before the deadline, under the name that profilers show.
    ///
    /// # Errors
    /// A [`Refusal`]; another backend may take the pass.
    fn compile(&self, pass: &Pass, label: Label, deadline: Instant) -> Result<Self::Code, Refusal>;
}

/// The reason why a backend has not compiled a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The options select another backend.
    Unwanted,
    /// The machine or the operating system does not allow native code, for this reason.
    Unavailable(String),
    /// The pass needs more stack than native code may use, or more time to compile.
    TooLarge,
    /// The backend has no form of this, whatever the operands.
    #[cfg(feature = "host-device")]
    Unsupported(&'static str),
    /// All threads that compile large programs are busy.
    Busy,
    /// The backend failed because of a bug.
    Bug(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unwanted => f.write_str("selected by the options"),
            Refusal::Unavailable(why) => write!(f, "native code is not available: {why}"),
            Refusal::TooLarge => f.write_str("the program is too large"),
            #[cfg(feature = "host-device")]
            Refusal::Unsupported(what) => write!(f, "the backend has no {what}"),
            Refusal::Busy => f.write_str("too many large programs are being compiled"),
            Refusal::Bug(what) => write!(f, "a bug in code generation: {what}"),
        }
    }
}

/// The name of compiled code for profilers.
#[derive(Clone, Debug, Default)]
pub struct Label {
    /// The interface by which profilers learn it.
    pub perf: Perf,
    /// The name.
    pub name: String,
}
