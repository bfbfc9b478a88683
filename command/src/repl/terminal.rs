//! Terminal input with line editing, completion and history.

use std::path::PathBuf;

use hotloop::{Error, ErrorKind};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::complete::{Names, complete};
use super::makers::lift;
use super::open::texts;
use super::session::Session;
use super::{Next, TEXT_LIMIT, history, step};
use crate::{Failure, complain, interrupt, print, quantity, warn};

/// Lines that are kept.
const HISTORY_LINES: usize = 10_000;

/// Reads lines until Ctrl-D or `:quit`.
pub(crate) fn run(session: &mut Session) -> Result<(), Failure> {
    let config = Config::builder()
        .max_history_size(HISTORY_LINES)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(failure)?
        .completion_type(CompletionType::List)
        .build();
    let mut editor: Editor<Assistant, FileHistory> =
        Editor::with_config(config).map_err(failure)?;
    editor.set_helper(Some(Assistant::default()));
    // From here on Ctrl-C stops the computation.
    interrupt::token();
    #[cfg(unix)]
    leave_the_terminal_as_it_is();
    let mut history = History::load(&mut editor);
    print("hotloop: ':help' for help, ':quit' or Ctrl-D to end\n")?;
    loop {
        if let Some(assistant) = editor.helper_mut() {
            assistant.names = Names::of(session);
        }
        let text = match interrupt::waiting(|| editor.readline("> "))? {
            Ok(text) => text,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(ReadlineError::Signal(_)) => continue,
            Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                complain(&format_args!("error: the line is not UTF-8"));
                continue;
            }
            Err(error) => return Err(failure(error)),
        };
        if text.trim().is_empty() {
            continue;
        }
        history.add(&mut editor, &text);
        if text.len() > TEXT_LIMIT {
            let most = quantity::limit(TEXT_LIMIT as u64);
            complain(&format_args!("error: a text of more than {most}"));
            continue;
        }
        interrupt::begin();
        let (complete, open) = texts(&text, |text| session.lift(text));
        for part in complete.iter().chain([&open]) {
            match step(session, part.text.trim()) {
                Ok(Next::Quit) => return Ok(()),
                Ok(Next::Go(text)) => print(&text)?,
                Err(error) if interrupt::is_to_end() => return Err(error.into()),
                // Whatever noticed it first.
                Err(error) if error.kind() == ErrorKind::Cancelled => {
                    complain(&interrupt::stopped());
                    break;
                }
                // The rest of the text depends on what has failed.
                Err(error) => {
                    complain(&error);
                    break;
                }
            }
        }
    }
}

/// A signal that ends the process while a line is edited leaves the terminal as it is now.
#[cfg(unix)]
fn leave_the_terminal_as_it_is() {
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

    let Ok(modes) = tcgetattr(std::io::stdin()) else { return };
    interrupt::at_end(move || {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &modes);
        // Ends bracketed paste mode.
        let _ = rustix::io::write(std::io::stdout(), b"\x1b[?2004l\n");
    });
}

fn failure(error: ReadlineError) -> Failure {
    match error {
        ReadlineError::Io(error) => error.into(),
        error => Error::new(ErrorKind::Io, error.to_string()).into(),
    }
}

/// The history file; `None` once it has failed.
struct History(Option<PathBuf>);

impl History {
    fn load(editor: &mut Editor<Assistant, FileHistory>) -> History {
        let mut history = History(history::path());
        history.attempt(|path| {
            history::prepare(path)?;
            editor.load_history(path)
        });
        history
    }

    fn add(&mut self, editor: &mut Editor<Assistant, FileHistory>, text: &str) {
        // At once, so that it survives whatever becomes of the session.
        if matches!(editor.add_history_entry(text), Ok(true)) {
            self.attempt(|path| editor.append_history(path));
        }
    }

    /// Does something with the file; says once if that cannot be done.
    fn attempt(&mut self, work: impl FnOnce(&PathBuf) -> rustyline::Result<()>) {
        let Some(path) = &self.0 else { return };
        if let Err(error) = work(path) {
            warn(&format_args!("no history is kept: {path:?}: {error}"));
            self.0 = None;
        }
    }
}

/// The line editor's helper.
#[derive(Default)]
struct Assistant {
    names: Names,
}

impl Helper for Assistant {}
impl Hinter for Assistant {
    type Hint = String;
}
impl Highlighter for Assistant {}

impl Validator for Assistant {
    /// Incomplete text continues on the next line; a blank line ends it.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let is_function = |name: &str| self.names.is_function(name);
        let goes_on = || !texts(text, |text| lift(text, is_function, |_| false)).1.text.is_empty();
        let blank = text.rsplit_once('\n').is_some_and(|(_, line)| line.trim().is_empty());
        Ok(match !blank && text.len() <= TEXT_LIMIT && goes_on() {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Completer for Assistant {
    type Candidate = rustyline::completion::Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Self::Candidate>)> {
        Ok(complete(&self.names, line, at))
    }
}
