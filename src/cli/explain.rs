//! `hotloop explain`: what a program becomes for given types.

use std::io::Write;
use std::path::PathBuf;

use hotloop::{ArgType, DType, Engine, Kernel, Result};

use super::args::Tuning;
use super::kind::{EXPLANATION, Kind};
use super::place::is_standard;
use super::replacement::replace;
use super::{Failure, print};

/// What to explain, and how.
#[derive(Debug)]
pub(crate) struct Explanation {
    /// The program.
    pub expression: String,
    /// The types of some of its inputs; an input without one is an `f64` array.
    pub types: Vec<(String, ArgType)>,
    /// Whether to draw it.
    pub svg: bool,
    /// A file for it; without one it is printed.
    pub output: Option<PathBuf>,
    /// The engine's options.
    pub tuning: Tuning,
}

impl Explanation {
    /// Explains.
    ///
    /// # Errors
    /// As [`kernel`]; `Io` for a file that cannot be written.
    pub(crate) fn run(&self) -> std::result::Result<(), Failure> {
        let engine = self.tuning.engine();
        let text = match self.svg {
            true => kernel(&engine, &self.expression, &self.types)?.explain_svg(),
            false => explain(&engine, &self.expression, &self.types)?,
        };
        let (kind, first) = match self.svg {
            true => (Kind::Svg, ""),
            false => (Kind::Explanation, EXPLANATION),
        };
        match &self.output {
            Some(path) if !is_standard(path) => Ok(replace(path, kind, |file| {
                file.write_all(first.as_bytes()).and_then(|()| file.write_all(text.as_bytes()))
            })?),
            _ => print(&text),
        }
    }
}

/// The explanation; an input whose type is not given is an `f64` array.
///
/// # Errors
/// As [`kernel`].
pub(crate) fn explain(
    engine: &Engine,
    expression: &str,
    types: &[(String, ArgType)],
) -> Result<String> {
    let mut text = kernel(engine, expression, types)?.explain();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// The kernel for these types.
///
/// # Errors
/// As [`hotloop::Program::specialize`].
fn kernel(engine: &Engine, expression: &str, types: &[(String, ArgType)]) -> Result<Kernel> {
    let program = engine.compile(expression)?;
    let mut all: Vec<(&str, ArgType)> =
        types.iter().map(|(name, ty)| (name.as_str(), *ty)).collect();
    for name in program.inputs() {
        if !types.iter().any(|(n, _)| **n == **name) {
            all.push((name, ArgType::array(DType::F64)));
        }
    }
    program.specialize(&all)
}
