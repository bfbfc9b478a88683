//! [`Driver`]: what a device does for its caller.

use std::fmt;

/// A device: it compiles text, and runs kernels over blocks.
///
/// What a kernel computes may depend neither on the order of its blocks nor on how many run at
/// once.
pub trait Driver: Send + Sync {
    /// Compiles and loads the text of a translation unit; returns its kernels of these names.
    ///
    /// # Errors
    /// [`DriverError`] if there is no compiler or it rejects the text.
    fn load(&self, text: &str, names: &[String]) -> Result<Vec<Function>, DriverError>;

    /// Runs a kernel over this number of blocks, after all earlier launches.
    ///
    /// # Errors
    /// [`DriverError`] if the kernel cannot run.
    ///
    /// # Safety
    /// The parameters are those of the kernel, and the memory that they name may be accessed as it
    /// does.
    unsafe fn launch(
        &self,
        function: Function,
        blocks: u64,
        parameters: &[u64],
    ) -> Result<(), DriverError>;
}

/// A kernel that a [`Driver`] has loaded. It stays loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function(pub(super) usize);

/// What a driver could not do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverError {
    /// What was tried.
    pub what: String,
    /// The cause, such as the messages of the compiler.
    pub why: String,
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why.trim_end())
    }
}

impl std::error::Error for DriverError {}
