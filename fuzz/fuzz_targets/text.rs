//! Any text is refused with a place in it, or compiles and runs alike everywhere.

#![no_main]

use hotloop_testing::generator;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| generator::text::check(bytes).unwrap_or_else(|wrong| panic!("{wrong}")));
