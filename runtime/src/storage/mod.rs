//! Arrays outside memory, and the blocks of them that a thread works on.

pub mod store;
mod transposed;
pub mod window;
