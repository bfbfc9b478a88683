//! The functions that a session has defined.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use hotloop::{Error, ErrorKind, Result, Span};
use hotloop_grammar::{Ast, ExprId, ExprKind};

use super::scan::{Piece, Scan};

/// One `def`, as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    /// The function's name.
    pub name: String,
    /// Its parameters.
    pub parameters: Vec<String>,
    /// The whole statement.
    pub text: Rc<str>,
    /// The functions that its body calls.
    pub calls: BTreeSet<String>,
    /// The variables that its body reads.
    pub reads: BTreeSet<String>,
}

impl Definition {
    /// The place where its body first reads a variable.
    pub(crate) fn place(&self, name: &str) -> Option<Range<usize>> {
        let body = self.text.find('=').unwrap_or_default();
        let mut pieces = Scan::from(&self.text, body);
        pieces.find(|(_, piece)| *piece == Piece::Word(name)).map(|(range, _)| range)
    }
}

/// The functions of a session. A new one replaces that of the same name.
#[derive(Clone, Default)]
pub(crate) struct Definitions {
    /// In the order in which they were defined first.
    list: Vec<Definition>,
    /// The index of each name in the list.
    places: BTreeMap<String, usize>,
}

impl Definitions {
    /// The functions, in the order in which they were defined first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.list.iter()
    }

    /// Whether there is a function of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// Whether a function reads a variable of this name.
    pub(crate) fn read(&self, name: &str) -> bool {
        self.list.iter().any(|d| d.reads.contains(name))
    }

    /// Takes a function in.
    pub(crate) fn insert(&mut self, definition: Definition) {
        match self.places.get(&definition.name) {
            Some(place) => self.list[*place] = definition,
            None => {
                self.places.insert(definition.name.clone(), self.list.len());
                self.list.push(definition);
            }
        }
    }

    /// The functions that are called by these names, and those that they call in turn.
    pub(crate) fn reached<'a>(&'a self, names: &BTreeSet<String>) -> Vec<&'a Definition> {
        let place = |name: &String| self.places.get(name).copied();
        let mut open: Vec<usize> = names.iter().filter_map(place).collect();
        let mut reached = BTreeSet::new();
        while let Some(at) = open.pop() {
            if reached.insert(at) {
                open.extend(self.list[at].calls.iter().filter_map(place));
            }
        }
        reached.into_iter().map(|at| &self.list[at]).collect()
    }

    /// Checks that a function does not come back to itself.
    ///
    /// # Errors
    /// `Name`.
    pub(crate) fn check_ends(&self, definition: &Definition) -> Result<()> {
        match self.reached(&definition.calls).iter().any(|d| d.name == definition.name) {
            false => Ok(()),
            true => {
                let message =
                    format!("'{}' calls itself; definitions cannot recurse", definition.name);
                let end = definition.text.find('(').unwrap_or(definition.text.len());
                let error = Error::new(ErrorKind::Name, message);
                Err(error.located(Span::new(0, end), &definition.text))
            }
        }
    }
}

/// The names that some expressions read, and the functions that they call.
pub(crate) fn names(
    ast: &Ast,
    exprs: impl Iterator<Item = ExprId>,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut reads, mut calls) = (BTreeSet::new(), BTreeSet::new());
    for id in exprs {
        match ast.kind(id) {
            ExprKind::Name(name) => {
                reads.insert(ast.name(*name).to_string());
            }
            ExprKind::Call { function, .. } => {
                calls.insert(ast.name(function.name).to_string());
            }
            _ => {}
        }
    }
    (reads, calls)
}
