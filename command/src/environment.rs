//! The environment variables that configure engines.

use hotloop::explain::Perf;
use hotloop::threads::Isa;

use super::warn;

/// A variable, its allowed values, and a check of them.
type Variable = (&'static str, &'static str, fn(&str) -> bool);

const VARIABLES: [Variable; 2] = [
    ("HOTLOOP_ISA", "baseline, avx2 or avx512", |value| Isa::from_name(value).is_some()),
    ("HOTLOOP_PERF", "off, map or jitdump", |value| Perf::from_name(value).is_some()),
];

/// Warns of unknown values, which engines ignore.
pub(crate) fn check() {
    for (name, known, is_known) in VARIABLES {
        let value = std::env::var_os(name).unwrap_or_default();
        if !value.is_empty() && !value.to_str().is_some_and(is_known) {
            warn(&format_args!("{name}={value:?} is ignored: it may be {known}"));
        }
    }
}
