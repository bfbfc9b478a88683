//! `hotloop repl`: programs line by line, with variables and functions that stay.

mod command;
mod complete;
mod definitions;
mod generator;
mod history;
mod makers;
mod scan;
mod script;
mod session;
mod statements;
mod terminal;
mod timing;

use std::io::IsTerminal;

use hotloop::{Error, ErrorKind};

use super::args::{Given, Tuning};
use super::evaluate::Value;
use super::{Failure, complain, print};
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
pub(crate) fn run(tuning: Tuning, inputs: &[(String, Given)]) -> Result<(), Failure> {
    let mut session = Session::new(tuning);
    for (name, given) in inputs {
        session.variables.insert(name.clone(), Value::load(given)?);
    }
    if std::io::stdin().is_terminal() {
        return terminal::run(&mut session);
    }
    match script::run(&mut session)? {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Io, "not every line could be evaluated").into()),
    }
}

/// Does what a text says and prints what there is to print; whether there may be more, and whether
/// all went well.
fn step(session: &mut Session, text: &str) -> Result<(bool, bool), Failure> {
    let text = text.trim();
    let next = match text.strip_prefix(':') {
        Some(command) => command::run(session, command),
        None => session.statements(text).map(Next::Go),
    };
    match next {
        Ok(Next::Quit) => Ok((false, true)),
        Ok(Next::Go(text)) => print(&text).map(|()| (true, true)),
        Err(error) => {
            complain(&error);
            Ok((true, false))
        }
    }
}
