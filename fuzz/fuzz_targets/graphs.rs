//! Calls of the graph builder, beside the same as text.

#![no_main]

use hotloop_testing::generator;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| generator::graphs::check(bytes).unwrap_or_else(|wrong| panic!("{wrong}")));
