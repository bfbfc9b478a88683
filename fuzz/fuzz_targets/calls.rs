//! Sequences of calls of the API.

#![no_main]

#[path = "../../tests/generator/mod.rs"]
mod generator;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| generator::calls::check(bytes).unwrap_or_else(|wrong| panic!("{wrong}")));
