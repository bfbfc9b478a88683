//! The functions that a session has defined.

use std::collections::BTreeSet;

use hotloop::{Error, ErrorKind, Result};
use hotloop_grammar::{Ast, ExprId, ExprKind};

/// One `def`, as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    /// The function's name.
    pub name: String,
    /// Its parameters.
    pub parameters: Vec<String>,
    /// The whole statement.
    pub text: String,
    /// The functions that its body calls.
    pub calls: BTreeSet<String>,
    /// The variables that its body reads.
    pub reads: BTreeSet<String>,
}

/// The functions of a session. A new one replaces that of the same name.
#[derive(Clone, Default)]
pub(crate) struct Definitions(Vec<Definition>);

impl Definitions {
    /// The names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|d| d.name.as_str())
    }

    /// The functions as they were typed.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|d| d.text.as_str())
    }

    /// Whether there is a function of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|d| d.name == name)
    }

    /// Takes a function in.
    pub(crate) fn insert(&mut self, definition: Definition) {
        match self.0.iter_mut().find(|d| d.name == definition.name) {
            Some(old) => *old = definition,
            None => self.0.push(definition),
        }
    }

    /// The functions that are called by these names, and those that they call in turn.
    pub(crate) fn reached<'a>(&'a self, names: &BTreeSet<String>) -> Vec<&'a Definition> {
        let mut open: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut reached = vec![false; self.0.len()];
        while let Some(name) = open.pop() {
            if let Some(at) = self.0.iter().position(|d| d.name == name)
                && !std::mem::replace(&mut reached[at], true)
            {
                open.extend(self.0[at].calls.iter().map(String::as_str));
            }
        }
        self.0.iter().zip(reached).filter_map(|(d, is)| is.then_some(d)).collect()
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
                Err(Error::new(ErrorKind::Name, message))
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
