//! What a program is made from: text, whose types are free, or a graph, which has types.

use hotloop_grammar::Span;

use crate::error::{Error, ErrorKind, Result, quoted};
use crate::graph::{ArgType, Graph};
use crate::resolve::Terms;

/// What a program is made from.
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

    /// The types that the inputs must have, unless they are free.
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

    /// The error for an argument that is never read because the program binds its name.
    pub fn never_read(&self, name: &str) -> Option<Error> {
        match self {
            Origin::Text(terms) => terms.never_read(name),
            Origin::Graph(_) => None,
        }
    }

    /// Puts an error at a place of the text, if there is one.
    pub fn locate(&self, error: Error, place: Option<&Span>) -> Error {
        match (self, place) {
            (Origin::Text(terms), Some(place)) => error.at(*place, terms.source()),
            _ => error,
        }
    }
}
