//! `hotloop repl`: programs line by line, with variables and functions that stay.

mod command;
mod complete;
mod composed;
mod definitions;
mod generator;
mod history;
mod home;
mod makers;
mod open;
mod ready;
mod scan;
mod script;
mod session;
mod statements;
mod terminal;
mod timing;
mod word;

use std::io::IsTerminal;

use hotloop::{Error, ErrorKind, Result};

use super::args::Tuning;
use super::budget::Budget;
use super::evaluate::Value;
use super::input::Inputs;
use super::{Failure, file};
use session::Session;

/// A longer text is refused; the engine takes no longer programs either.
const TEXT_LIMIT: usize = 1 << 20;

/// What comes after a text.
pub(crate) enum Next {
    /// The next one, once this is printed.
    Go(String),
    /// Nothing.
    Quit,
}

/// Reads what is typed, or standard input, until it ends. Where no person types, an error in any
/// line makes the command fail.
pub(crate) fn run(tuning: Tuning, inputs: &Inputs) -> std::result::Result<(), Failure> {
    let mut session = Session::new(tuning);
    for path in &inputs.files {
        let arrays = file::all(path, &inputs.dialect, &mut Budget::machine())?;
        let variable = |(name, array)| (name, Value::Array(array));
        session.variables.extend(arrays.into_iter().map(variable));
    }
    for (name, given) in &inputs.named {
        session.variables.insert(name.clone(), Value::load(name, given, &inputs.dialect)?);
    }
    if std::io::stdin().is_terminal() {
        return terminal::run(&mut session);
    }
    match script::run(&mut session)? {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Io, "not every line could be evaluated").into()),
    }
}

/// Does what a text says: a command, or statements.
fn step(session: &mut Session, text: &str) -> Result<Next> {
    match text.strip_prefix(':').or_else(|| bare_command(session, text)) {
        Some(command) => command::run(session, command),
        None => session.statements(text).map(Next::Go),
    }
}

/// A command as those write it who come from Python; the session's own names go before.
fn bare_command<'a>(session: &Session, text: &'a str) -> Option<&'a str> {
    let (word, own) = match text.strip_suffix("()") {
        Some(word) => (word, session.definitions.has(word)),
        None => (text, session.variables.contains_key(text)),
    };
    (["exit", "quit", "help"].contains(&word) && !own).then_some(word)
}
