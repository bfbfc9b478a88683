//! A program that is ready to run.

use std::collections::BTreeMap;
use std::rc::Rc;

use hotloop::{Engine, Error, Program, Result};

use super::composed::Composed;
use crate::evaluate::Value;

/// A compiled program with its variables and made arrays.
pub(crate) struct Ready {
    /// The program, with the functions that it calls before it.
    pub program: Program,
    composed: Composed,
    made: BTreeMap<String, Made>,
}

/// An array made by a text, with its placeholder name.
pub(crate) struct Made {
    /// The call that makes it.
    pub text: String,
    /// The array.
    pub value: Value,
}

impl Ready {
    /// Compiles a composed program.
    ///
    /// # Errors
    /// As [`Composed::compile`].
    pub(crate) fn new(
        composed: Composed,
        made: BTreeMap<String, Made>,
        engine: &Engine,
    ) -> Result<Ready> {
        let program = composed.compile(engine).map_err(|error| reworded(error, &made))?;
        Ok(Ready { program, composed, made })
    }

    /// Whether something of a text that was typed is in it.
    pub(crate) fn has(&self, typed: &Rc<str>) -> bool {
        self.composed.has(typed)
    }

    /// An error of the program, at its place in the text that was typed and in its words.
    pub(crate) fn placed(&self, error: Error) -> Error {
        reworded(self.composed.placed(error), &self.made)
    }

    /// The array made under a name.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.made.get(name).map(|made| &made.value)
    }
}

/// Replaces placeholders in an error by the calls in the text.
fn reworded(error: Error, made: &BTreeMap<String, Made>) -> Error {
    if !error.message().contains("'_") {
        return error;
    }
    let named = |message: String, (name, made): (&String, &Made)| {
        message.replace(&format!("'{name}'"), &made.text)
    };
    let message = made.iter().fold(error.message().to_string(), named);
    let new = Error::new(error.kind(), message);
    let new = error.hints().iter().fold(new, |new, hint| new.hint(hint));
    match (error.span(), error.source_text()) {
        (Some(span), Some(text)) => new.located(span, text),
        _ => new,
    }
}
