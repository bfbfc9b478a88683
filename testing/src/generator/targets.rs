//! The fuzz targets by name, shared by `fuzz/` and the tests.

use super::{calls, graphs, kernels, npy, text};

/// The result of a check: a description of what is wrong, if anything is.
pub type Verdict = Result<(), String>;

/// A fuzz target: a check of arbitrary bytes.
pub struct Target {
    /// The name, which is also that of the folders of its inputs.
    pub name: &'static str,
    /// The check.
    pub check: fn(&[u8]) -> Verdict,
}

/// All targets.
pub const TARGETS: [Target; 5] = [
    Target { name: "text", check: text::check },
    Target { name: "graphs", check: graphs::check },
    Target { name: "kernels", check: kernels::check },
    Target { name: "npy", check: npy::check },
    Target { name: "calls", check: calls::check },
];
