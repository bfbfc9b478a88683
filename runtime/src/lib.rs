//! The runtime of hotloop's compiled code.
//!
//! The layers, lowest first, are `machine`, `threads`, `kernels`, `storage` and `executor`. Their
//! modules are re-exported from the root. `device` is beside the executor.

pub mod control;
pub mod device;
pub mod dtype;
pub mod executor;
mod kernels;
mod machine;
pub mod nest;
pub mod per_axis;
pub mod storage;
mod threads;
pub mod view;

pub use executor::{cell, tile};
pub use kernels::{block, convert, elementwise, math, reduce, scalar, scan, strided};
pub use machine::{
    exec_memory, fpenv, huge_pages, isa, memory, nontemporal, per_process, perf, stack,
};
pub use storage::{format, location, store};
pub use threads::{host_threads, pool};

use machine::disk;
use storage::chunk;
