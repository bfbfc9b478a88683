//! Any text compiles or is refused, and its error can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = hotloop::compile(text) {
        assert!(error.to_string().starts_with("error: "));
    }
});
