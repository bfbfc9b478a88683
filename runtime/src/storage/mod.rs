//! Arrays outside memory, and the parts of them that are in memory meanwhile.

pub mod store;
mod turned;
pub mod window;
