//! `hotloop repl`: programs line by line, with variables and functions that stay.

mod command;
mod complete;
mod composed;
mod definitions;
mod drawing;
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

use super::budget::Budget;
use super::evaluate::Value;
use super::input::Inputs;
use super::show::Style;
use super::tuning::Tuning;
use super::{Failure, file};
pub(crate) use makers::MAKERS;
use session::Session;

/// A longer text is refused; the engine takes no longer programs either.
const TEXT_LIMIT: usize = 1 << 20;

/// What follows a text.
pub(crate) enum Next {
    /// The next one, once this is printed.
    Go(String),
    /// Nothing.
    Quit,
}

/// Reads lines from the terminal or standard input until the end. If it is not a terminal, an error
/// in any line makes the command fail.
pub(crate) fn run(
    tuning: Tuning,
    style: Style,
    inputs: &Inputs,
) -> std::result::Result<(), Failure> {
    let mut session = Session::new(tuning, style);
    for path in &inputs.files {
        let arrays = file::all(path, &inputs.dialect, &mut Budget::machine())?;
        let variable = |(name, array)| (name, Value::from(array));
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

/// Runs a text: a command, or statements.
fn step(session: &mut Session, text: &str) -> Result<Next> {
    // Hints about the command line do not apply in a session.
    let here = |hint: &str| Some(hint.replace("`hotloop functions`", "':functions'"));
    answer(session, text).map_err(|error| match error.hints() {
        [] => error,
        _ => reworded(error, here),
    })
}

fn answer(session: &mut Session, text: &str) -> Result<Next> {
    if let Some(command) = text.strip_prefix(':') {
        return command::run(session, command);
    }
    match bare_command(session, text) {
        Some(command) => command::run(session, &command),
        None => session.statements(text).map(Next::Go).map_err(|error| {
            match lacks_colon(session, text) {
                true => reworded(error, |_| None).hint(format!("a command has a colon: ':{text}'")),
                false => error,
            }
        }),
    }
}

/// Whether an invalid program looks like a command without its colon.
fn lacks_colon(session: &Session, text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    let own = session.variables.contains_key(word) || session.definitions.has(word);
    !own && command::COMMANDS.iter().any(|(name, ..)| *name == word) && !text.contains('\n')
}

/// Replaces the advice of an error.
fn reworded(error: Error, hint: impl Fn(&str) -> Option<String>) -> Error {
    let hints = error.hints().iter().filter_map(|text| hint(text));
    let new = hints.fold(Error::new(error.kind(), error.message()), Error::hint);
    match (error.span(), error.source_text()) {
        (Some(span), Some(text)) => new.located(span, text),
        _ => new,
    }
}

/// A command as those write it who come from elsewhere: `exit()`, `q`, `help sin`, `?`, `sin?`. The
/// session's own names go before.
fn bare_command(session: &Session, text: &str) -> Option<String> {
    let name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if let Some(topic) = text.strip_prefix('?').or_else(|| text.strip_suffix('?'))
        && name(topic.trim())
    {
        return Some(format!("help {}", topic.trim()));
    }
    let called = text.strip_suffix(')').and_then(|text| text.split_once('('));
    let (word, topic, own) = match (called, text.split_once(' ')) {
        (Some((word, topic)), _) => (word, topic, session.definitions.has(word)),
        (None, Some((word, topic))) => (word, topic, session.variables.contains_key(word)),
        (None, None) => (text, "", session.variables.contains_key(text)),
    };
    let topic = topic.trim();
    let known = match word {
        "exit" | "quit" | "q" => topic.is_empty(),
        "help" => name(topic),
        _ => false,
    };
    (known && !own).then(|| format!("{word} {topic}"))
}
