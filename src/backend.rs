//! From a [`TileProgram`](crate::plan::TileProgram) to something that runs.

pub mod cranelift;
