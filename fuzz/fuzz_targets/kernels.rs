//! A random program over random arrays: engines agree on every bit.

#![no_main]

use hotloop_testing::generator;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| generator::kernels::check(bytes).unwrap_or_else(|wrong| panic!("{wrong}")));
