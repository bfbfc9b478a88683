//! What hotloop's compiled code runs on.

pub mod block;
pub mod code;
pub mod convert;
pub mod dtype;
pub mod elementwise;
pub mod executor;
pub mod fpenv;
pub mod isa;
pub mod math;
pub mod pages;
pub mod reduce;
pub mod scalar;
pub mod stack;
pub mod strided;
pub mod view;
