//! hotloop compiles array expressions to fused native loops at run time.
//!
//! ```
#![doc = include_str!("../examples/hello.rs")]
//! ```
//!
//! A program is text in a small language that reads as NumPy and numexpr users expect. It is
//! compiled once ([`compile`], [`Engine::compile`]), specialized on the dtypes of its arguments,
//! and run over arrays of any shape and strides, on one thread or many, with the same bits at
//! every position and on every machine. It can access only the arrays it is given.
//!
//! # From text to result
//!
//! ```text
//! text ─parse▶ Ast ─resolve▶ Terms ─graph▶ Graph ─legalize▶ Graph ─optimize▶ Graph ─plan▶ Plan ─compile▶ code
//!                                                    └─ interp: the reference
//! ```
//!
//! Each stage is a function from one data structure to the next. Programs with equal plans share
//! their code; [`Program::eval`] finds it in a cache by text and types.
//!
//! # Choosing an entry point
//!
//! - [`Program::eval`] allocates the outputs. [`Program::eval_as`], [`Program::eval_vec`] and
//!   [`Program::eval_scalar`] return one output of known type.
//! - [`Program::eval_into`] writes the caller's arrays, also in place ([`Out::inout`]).
//! - [`Kernel::bind`] checks everything once; [`Bound::run`] then costs nanoseconds.
//! - [`Program::stream`] takes rows batch by batch, and goes on where the batch before ended.
//! - [`graph::Builder`] makes graphs without text, and [`Engine::compile_graph`] programs of them.

#![warn(missing_docs)]

mod arg;
mod backend;
mod bind;
mod bound;
mod cache;
mod call;
mod domain;
mod drawing;
mod engine;
mod error;
mod functions;
pub mod graph;
mod interp;
mod legalize;
pub mod npy;
#[doc(hidden)]
pub mod ops;
mod optimize;
mod options;
mod order;
mod origin;
mod outputs;
mod overlap;
mod plan;
mod prepared;
mod program;
mod promote;
mod resolve;
mod spare;
mod stats;
mod store;
mod stream;
mod weak;

pub use arg::{Arg, Args, Out};
pub use bound::Bound;
pub use engine::{Engine, EngineBuilder};
pub use error::{Error, ErrorKind, Result, Span, shortened};
pub use functions::{FunctionInfo, functions};
pub use graph::ArgType;
pub use hotloop_runtime::dtype::{DType, Element};
pub use legalize::Mode;
pub use ndarray;
pub use options::{Backend, CancelToken, Order, RunOptions};
pub use outputs::{Key, Output, Outputs, Report};
pub use program::{Kernel, OutputShape, Program};
pub use stream::{KeyedStream, Keys, Stream};

/// Arrays outside memory.
pub mod io {
    pub use hotloop_runtime::store::{FileArray, Sink, Source};
}

/// Dtypes and promotion.
pub mod types {
    pub use hotloop_runtime::dtype::{DType, Element, Kind, UnknownName, Visitor};

    pub use crate::graph::ArgType;
    pub use crate::promote::{promote, promote_all};
}

/// Host threads, instruction sets and huge pages.
pub mod threads {
    pub use hotloop_runtime::host_threads::ForEach;
    pub use hotloop_runtime::huge_pages::prefer_huge_pages;
    pub use hotloop_runtime::isa::Isa;
    pub use rayon;

    #[doc(hidden)]
    pub use crate::backend::cpu::{Emitter, forms};
}

/// Statistics, progress and profiling of runs.
pub mod explain {
    pub use hotloop_runtime::control::Progress;
    pub use hotloop_runtime::math::kernel_addresses;
    pub use hotloop_runtime::perf::Perf;

    pub use crate::stats::{PassStats, Stats};
}

/// Compiles a program with the process-wide [`Engine`].
///
/// # Errors
/// As [`Engine::compile`].
pub fn compile(text: &str) -> Result<Program> {
    Engine::shared().compile(text)
}
