//! `hotloop explain`: what a program becomes for given types.

use hotloop::{ArgType, DType, Engine, Result};

/// The explanation; an input whose type is not given is an `f64` array.
///
/// # Errors
/// As [`hotloop::Program::specialize`].
pub(crate) fn explain(
    engine: &Engine,
    expression: &str,
    types: &[(String, ArgType)],
) -> Result<String> {
    let program = engine.compile(expression)?;
    let mut all: Vec<(&str, ArgType)> =
        types.iter().map(|(name, ty)| (name.as_str(), *ty)).collect();
    for name in program.inputs() {
        if !types.iter().any(|(n, _)| **n == **name) {
            all.push((name, ArgType::array(DType::F64)));
        }
    }
    let mut text = program.explain(&all)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
