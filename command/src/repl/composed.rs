//! A program that is put together of what was typed, now and before.

use std::ops::Range;
use std::rc::Rc;

use hotloop::{Engine, Error, Program, Result, Span};

/// The program's text, and where each part of it comes from.
#[derive(Default)]
pub(crate) struct Composed {
    text: String,
    sources: Vec<Source>,
}

/// Where a part of a program comes from.
struct Source {
    /// Where it stands in the program.
    range: Range<usize>,
    /// Where it begins in what was typed.
    from: usize,
    typed: Rc<str>,
}

impl Composed {
    /// Adds a part that stands somewhere in what was typed, on lines of its own.
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
    /// As [`Engine::compile`], at a place in what was typed.
    pub(crate) fn compile(&self, engine: &Engine) -> Result<Program> {
        engine.compile(&self.text).map_err(|error| self.placed(error))
    }

    /// An error of the program, at its place in what was typed.
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
