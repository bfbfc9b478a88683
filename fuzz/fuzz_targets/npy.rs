//! Any bytes as an `.npy` file.

#![no_main]

use hotloop_testing::generator;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| generator::npy::check(bytes).unwrap_or_else(|wrong| panic!("{wrong}")));
