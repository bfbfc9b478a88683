//! The origin of a program: an untyped text or a typed graph.

use hotloop_grammar::Span;

use crate::error::{Error, ErrorKind, Result, quoted};
use crate::graph::{ArgType, Graph};
use crate::resolve::Terms;

/// The origin of a program.
pub enum Origin {
    /// A text, after names are resolved.
    Text(Terms),
    /// A typed graph.
    Graph(Graph),
}

impl Origin {
    /// The text; empty if there is none.
    pub fn text(&self) -> &str {
        match self {
            Origin::Text(terms) => terms.source(),
            Origin::Graph(_) => "",
        }
    }

    /// The operations, literals and inputs.
    pub fn len(&self) -> usize {
        match self {
            Origin::Text(terms) => terms.len(),
            Origin::Graph(graph) => graph.len(),
        }
    }

    /// The types that a graph requires of the inputs; `None` for a text.
    pub fn types(&self) -> Option<&[ArgType]> {
        match self {
            Origin::Text(_) => None,
            Origin::Graph(graph) => Some(graph.inputs()),
        }
    }

    /// The typed graph for these input types, and the place of each of its derived shapes in the
    /// text.
    ///
    /// # Errors
    /// `Type`, with the place of the operation that does not take the dtypes.
    pub fn graph(&self, types: &[ArgType]) -> Result<(Graph, Vec<Span>)> {
        match self {
            Origin::Text(terms) => terms.graph(types),
            Origin::Graph(graph) => Ok((graph.clone(), Vec::new())),
        }
    }

    /// The typed graph for these input types, and the span of each of its nodes in the text.
    ///
    /// # Errors
    /// As [`graph`](Origin::graph).
    pub fn located(&self, types: &[ArgType]) -> Result<(Graph, Vec<Span>)> {
        match self {
            Origin::Text(terms) => terms.located(types),
            Origin::Graph(graph) => Ok((graph.clone(), Vec::new())),
        }
    }

    /// The names that a text binds, in order.
    pub fn bindings(&self) -> impl Iterator<Item = &str> {
        let terms = match self {
            Origin::Text(terms) => Some(terms),
            Origin::Graph(_) => None,
        };
        terms.into_iter().flat_map(Terms::bindings)
    }

    /// The error for an input that is not given, with the place where it is first read.
    pub fn missing(&self, name: &str) -> Error {
        match self {
            Origin::Text(terms) => terms.missing(name),
            Origin::Graph(_) => {
                Error::new(ErrorKind::Name, format!("missing the input {}", quoted(name)))
            }
        }
    }

    /// The error for an argument whose name the program binds.
    pub fn never_read(&self, name: &str) -> Option<Error> {
        match self {
            Origin::Text(terms) => terms.never_read(name),
            Origin::Graph(_) => None,
        }
    }

    /// Sets the place of an error, if there is a text.
    pub fn locate(&self, error: Error, place: Option<&Span>) -> Error {
        match (self, place) {
            (Origin::Text(terms), Some(place)) => error.at(*place, terms.source()),
            _ => error,
        }
    }
}
