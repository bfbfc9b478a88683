//! The threads that loops run on.

pub mod host_threads;
pub mod pool;
mod wake_policy;
