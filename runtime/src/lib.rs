//! What hotloop's compiled code runs on.

pub mod block;
pub mod cell;
pub mod code;
pub mod control;
pub mod convert;
pub mod drive;
pub mod dtype;
pub mod elementwise;
pub mod executor;
pub mod fault;
pub mod fork;
pub mod fpenv;
mod habits;
pub mod isa;
pub mod math;
pub mod memory;
pub mod nest;
pub mod pages;
pub mod pool;
pub mod reduce;
pub mod scalar;
pub mod stack;
pub mod store;
pub mod stream;
pub mod strided;
pub mod view;
mod window;
