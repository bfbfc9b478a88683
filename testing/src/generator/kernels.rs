//! A random program over random arrays: every engine gives the same bits, or the same error.

use std::sync::LazyLock;

use arbitrary::Unstructured;

use super::Case;
use super::check::{AllEngines, check as engines_agree};
use super::targets::Verdict;

static ENGINES: LazyLock<AllEngines> = LazyLock::new(AllEngines::new);

/// Checks one program.
///
/// # Errors
/// A report of the first difference.
pub fn check(bytes: &[u8]) -> Verdict {
    match Case::arbitrary(&mut Unstructured::new(bytes)) {
        Ok(case) => engines_agree(&ENGINES, &case).map(drop),
        // Too few bytes for a program.
        Err(_) => Ok(()),
    }
}
