//! Devices that run kernels compiled from text: the seam to them, and a stand-in for tests.

mod driver;
#[cfg(all(feature = "host-device", unix))]
mod host;
#[cfg(all(feature = "host-device", unix))]
mod nvrtc;

pub use driver::{Driver, DriverError, Function};
#[cfg(all(feature = "host-device", unix))]
pub use host::Host;
#[cfg(all(feature = "host-device", unix))]
pub use nvrtc::{Nvrtc, Target};
