//! The generator of `tests/`, driven by coverage: engines agree on every program.

#![no_main]

#[path = "../../tests/generator/mod.rs"]
mod generator;

use std::sync::LazyLock;

use arbitrary::Unstructured;
use generator::Case;
use generator::check::{AllEngines, check};
use libfuzzer_sys::fuzz_target;

static ENGINES: LazyLock<AllEngines> = LazyLock::new(AllEngines::new);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(case) = Case::arbitrary(&mut Unstructured::new(bytes)) {
        check(&ENGINES, &case).unwrap_or_else(|report| panic!("{report}")).ok();
    }
});
