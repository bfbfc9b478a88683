//! Programs composed of current and earlier input.

use std::ops::Range;
use std::rc::Rc;

use hotloop::{Engine, Error, Program, Result, Span};

/// The program's text, and where each part of it comes from.
#[derive(Default)]
pub(crate) struct Composed {
    text: String,
    sources: Vec<Source>,
}

/// The origin of a part of a program.
struct Source {
    /// Its position in the program.
    range: Range<usize>,
    /// Its position in the input.
    from: usize,
    typed: Rc<str>,
}

impl Composed {
    /// Adds a part of the input, on separate lines.
    pub(crate) fn add(&mut self, part: &str, from: usize, typed: &Rc<str>) {
        let start = self.text.len();
        self.text.push_str(part);
        self.sources.push(Source { range: start..self.text.len(), from, typed: typed.clone() });
        self.text.push('\n');
    }

    /// Whether something of this text is in it.
    pub(crate) fn has(&self, typed: &Rc<str>) -> bool {
        self.sources.iter().any(|source| Rc::ptr_eq(&source.typed, typed))
    }

    /// Compiles the program.
    ///
    /// # Errors
    /// As [`Engine::compile`], with places in the input.
    pub(crate) fn compile(&self, engine: &Engine) -> Result<Program> {
        engine.compile(&self.text).map_err(|error| self.placed(error))
    }

    /// Maps an error in the program to its place in the input.
    pub(crate) fn placed(&self, error: Error) -> Error {
        let Some(span) = error.span() else { return error };
        let Range { start, end } = span.range();
        let inside = |source: &&Source| {
            let Range { start: first, end: last } = source.range;
            (first..=last).contains(&start) && end <= last
        };
        match self.sources.iter().find(inside) {
            Some(Source { range, from, typed }) => {
                let place = |at: usize| at - range.start + from;
                error.located(Span::new(place(start), place(end)), typed)
            }
            None => error,
        }
    }
}
