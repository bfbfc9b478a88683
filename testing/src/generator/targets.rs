//! The fuzz targets by name, shared by `fuzz/` and the tests.

use super::{calls, graphs, kernels, npy, text};

/// What a check says: what is wrong, if something is.
pub type Verdict = Result<(), String>;

/// A check of any bytes.
pub struct Target {
    /// The name, that of the folders of its inputs too.
    pub name: &'static str,
    /// The check.
    pub check: fn(&[u8]) -> Verdict,
}

/// All of them.
pub const TARGETS: [Target; 5] = [
    Target { name: "text", check: text::check },
    Target { name: "graphs", check: graphs::check },
    Target { name: "kernels", check: kernels::check },
    Target { name: "npy", check: npy::check },
    Target { name: "calls", check: calls::check },
];
