//! Loops over blocks of elements, each written once for every instruction set.

pub mod block;
pub mod convert;
mod division;
pub mod elementwise;
pub mod math;
pub mod reduce;
pub mod scalar;
pub mod scan;
pub mod strided;
