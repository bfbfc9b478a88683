//! Interfaces to the processor and the operating system.

pub mod cores;
pub mod disk;
pub mod exec_memory;
pub mod fpenv;
pub mod huge_pages;
pub mod isa;
pub mod memory;
pub mod nontemporal;
pub mod per_process;
pub mod perf;
pub mod stack;
