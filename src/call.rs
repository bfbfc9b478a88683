//! The arguments of a run, in the form that every backend reads.

use std::path::Path;

use hotloop_runtime::control::{Control, Stop};
use hotloop_runtime::memory::{OutOfMemory, zeroed};
use hotloop_runtime::view::View;

use crate::domain::Shapes;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::Op;

/// An argument of a run.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A strided array.
    Array(View),
    /// The bits of one element.
    Scalar(u64),
}

/// Everything a run needs; checked before.
pub struct Call<'a> {
    /// One for each input of the graph, of its type.
    pub operands: &'a [Operand],
    /// The inputs' names, for messages.
    pub names: &'a [Box<str>],
    /// The shape of each shape class.
    pub shapes: &'a Shapes,
    /// Where the outputs go, of the outputs' dtypes and shapes.
    pub outputs: &'a [View],
    /// Whether the outputs are new arrays, which overlap nothing.
    pub fresh: bool,
    /// Cancellation and deadline.
    pub control: &'a Control,
    /// The memory limits of a run over arrays outside memory.
    pub limits: &'a MemoryLimits,
}

/// The memory limits of a run over arrays outside memory.
#[derive(Clone, Debug)]
pub struct MemoryLimits {
    /// Bytes of memory, roughly.
    pub memory: usize,
    /// The directory for larger temporary arrays; by default the system's directory for temporary
    /// files.
    pub directory: Option<Box<Path>>,
}

impl Default for MemoryLimits {
    fn default() -> MemoryLimits {
        MemoryLimits { memory: 1 << 30, directory: None }
    }
}

/// Allocates a value.
pub fn allocate(bytes: usize) -> Result<Vec<u8>> {
    zeroed(bytes).map_err(|OutOfMemory(bytes)| {
        Error::new(ErrorKind::OutOfMemory, format!("cannot allocate {bytes} bytes for a value"))
    })
}

/// The error for `min` or `max` of an empty array.
pub fn empty_extreme(op: Op) -> Error {
    Error::new(ErrorKind::Shape, format!("{} of an empty array has no value", op.row().name))
}

/// The error for a run that was stopped.
pub fn stopped(stop: Stop) -> Error {
    match stop {
        Stop::Cancelled => Error::new(ErrorKind::Cancelled, "the run was cancelled"),
        Stop::Deadline => Error::new(ErrorKind::Cancelled, "the run passed its deadline"),
        Stop::Failed(error) => Error::new(ErrorKind::Io, error.to_string()).caused_by(error),
    }
}
