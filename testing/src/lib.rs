//! Code shared by hotloop's tests and fuzz targets.

mod alone;
pub mod corpus;
pub mod dispositions;
pub mod generator;
#[cfg(target_os = "linux")]
mod refused;

pub use alone::alone;
#[cfg(target_os = "linux")]
pub use refused::refuse_calls;
