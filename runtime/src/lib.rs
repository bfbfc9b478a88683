//! What hotloop's compiled code runs on.
//!
//! The sources lie in rooms, lowest first: `machine`, `threads`, `kernels`, `storage`, `executor`.
//! A module has one path, which does not name its room.

pub mod control;
pub mod dtype;
pub mod executor;
pub mod fault;
mod kernels;
mod machine;
pub mod nest;
pub mod per_axis;
pub mod storage;
mod threads;
pub mod view;

pub use executor::{cell, tile};
pub use kernels::{block, convert, elementwise, math, reduce, scalar, strided};
pub use machine::{code, fork, fpenv, isa, memory, pages, perf, stack, stream};
pub use storage::{format, location, store};
pub use threads::{drive, pool};

use machine::disk;
use storage::window;
