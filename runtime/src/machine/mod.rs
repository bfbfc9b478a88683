//! What the processor and the operating system offer.

pub mod code;
pub mod disk;
pub mod fork;
pub mod fpenv;
pub mod isa;
pub mod memory;
pub mod pages;
pub mod perf;
pub mod stack;
pub mod stream;
