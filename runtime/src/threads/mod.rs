//! The threads that loops run on.

pub mod drive;
mod habits;
pub mod pool;
