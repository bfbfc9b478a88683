//! `hotloop explain`: shows the plan of a program for given types.

mod described;

use std::io::Write;
use std::path::PathBuf;

use hotloop::{ArgType, Backend, Engine, Kernel, Result};

use super::kind::{EXPLANATION, Kind};
use super::place::is_standard;
use super::replacement::replace;
use super::tuning::Tuning;
use super::{Failure, print};
pub(crate) use described::Described;
use described::Inputs;

/// Options of an explanation.
#[derive(Debug)]
pub(crate) struct Explanation {
    /// The program.
    pub expression: String,
    /// The descriptions of some inputs.
    pub inputs: Vec<(String, Described)>,
    /// Files that have others of them.
    pub files: super::input::Inputs,
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
    /// As compiling the program, and running it with arrays of these shapes; `Io` for files.
    pub(crate) fn run(&self) -> std::result::Result<(), Failure> {
        let engine = self.tuning.engine();
        let program = engine.compile(&self.expression)?;
        let inputs = Inputs::new(&program, &self.inputs, &self.files)?;
        let kernel = program.specialize(&inputs.types()?)?;
        // Types are all that matters here, so no code is made.
        let plain = self.tuning.builder().backend(Backend::Interpreter).build();
        inputs.check(&plain.compile(&self.expression)?)?;
        let text = if self.svg { kernel.explain_svg() } else { in_lines(&kernel) };
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

/// The explanation for a session's types.
///
/// # Errors
/// As [`hotloop::Program::specialize`].
pub(crate) fn explain(
    engine: &Engine,
    expression: &str,
    types: &[(String, ArgType)],
) -> Result<String> {
    let types: Vec<(&str, ArgType)> = types.iter().map(|(name, ty)| (&**name, *ty)).collect();
    Ok(in_lines(&engine.compile(expression)?.specialize(&types)?))
}

fn in_lines(kernel: &Kernel) -> String {
    let mut text = kernel.explain();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
