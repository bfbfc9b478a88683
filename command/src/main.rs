//! The command `hotloop`: expressions over `.npy` files, from a shell.
//!
//! ```text
//! $ hotloop 'sin(a)**2 + cos(b)**2' a=a.npy b=b.npy -o y.npy
//! $ hotloop 'mid = (bid + ask) / 2; spread = ask - bid' bid=bid.npy ask=ask.npy -o quotes.npz
//! $ hotloop 'sum(x) * k' x=x.npy k=0.5
//! 42.5
//! ```
//!
//! The first word is the program, as [`hotloop::Engine::compile`] takes it; the others give its
//! inputs: arrays from files, or numbers, which are weak as literals are. Results go to a file
//! (`-o y.npy`), an archive (`-o y.npz`), a directory (`-o results/`), or in short to the
//! terminal.
//!
//! There are also the commands of [`verb`]. `words` parses the command line; help, the man page and
//! shell completions come from the same tables.
//!
//! Exit codes: 2 for a wrong command line, 130 for Ctrl-C, 128 plus the number for another signal,
//! 1 for any other error. Errors are printed on standard error, with a caret under the place in the
//! program. If the reader of a pipe goes away, the exit code is 0 for text and 141 for data.

mod arguments;
mod array;
mod bench;
mod budget;
mod closed;
mod complaint;
mod completions;
mod csv;
mod element;
mod environment;
mod evaluate;
mod explain;
mod file;
mod first_error;
mod flag;
mod format;
mod functions;
mod help;
mod input;
mod interrupt;
mod json;
mod kind;
mod leftovers;
mod man;
mod memory;
mod names;
mod neighbor;
mod npy;
mod npz;
mod outline;
mod place;
mod plot;
mod printer;
mod program_file;
mod progress;
mod quantity;
mod repl;
mod replacement;
mod save;
mod show;
mod split_mix;
mod stats;
mod stream;
mod streaming;
mod tuning;
mod verb;
mod words;
mod wrote;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) use complaint::{complain, note, warn};
pub(crate) use printer::print;
use replacement::WriteError;
use words::{Asked, Command};

/// Why the command ends early.
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// Something that the engine or a file says.
    Error(hotloop::Error),
    /// As above, for a program that may be in a file.
    Program(hotloop::Error, Option<PathBuf>),
    /// The reader of text has gone away.
    Quiet,
    /// The reader of incomplete data has gone away.
    Unread,
}

impl From<hotloop::Error> for Failure {
    fn from(error: hotloop::Error) -> Failure {
        Failure::Error(error)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        match error {
            WriteError::Unread(_) => Failure::Unread,
            WriteError::Error(error) => Failure::Error(error),
        }
    }
}

impl From<io::Error> for Failure {
    /// An error of standard input or output.
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Quiet,
            _ => Failure::Error(hotloop::Error::new(hotloop::ErrorKind::Io, error.to_string())),
        }
    }
}

/// Bytes of stack, as many as a first thread has.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    interrupt::outlive_file_limits();
    // The system has signals of the process handled by its first thread. That one does nothing else:
    // while it wrote a file to the disk, say, they would have to wait for the end of that.
    let work = std::thread::Builder::new().name("hotloop".into()).stack_size(STACK).spawn(work);
    match work {
        // A panic, already printed, ends the process as on the main thread.
        Ok(work) => work.join().unwrap_or(ExitCode::from(101)),
        Err(_) => self::work(),
    }
}

fn work() -> ExitCode {
    let outcome = words::parse(std::env::args_os().skip(1)).and_then(run);
    match outcome {
        // A signal that came at the very end, when all was done.
        Ok(()) | Err(Failure::Quiet) if interrupt::is_said() => interrupt::exit_code().into(),
        Ok(()) | Err(Failure::Quiet) => ExitCode::SUCCESS,
        // The shell's exit code for `SIGPIPE`.
        Err(Failure::Unread) => ExitCode::from(128 + 13),
        Err(Failure::Error(error)) if error.kind() == hotloop::ErrorKind::Cancelled => {
            if interrupt::say() {
                complain(&interrupt::stopped());
            }
            interrupt::exit_code().into()
        }
        Err(Failure::Error(error)) => {
            complain(&error);
            ExitCode::FAILURE
        }
        Err(Failure::Program(error, file)) => {
            complain(&complaint::located(&error, file.as_deref()));
            ExitCode::FAILURE
        }
        Err(Failure::Usage(message)) => {
            let error = hotloop::Error::new(hotloop::ErrorKind::Arity, message);
            complain(&error.hint("see `hotloop --help`"));
            ExitCode::from(2)
        }
    }
}

fn run(asked: Asked) -> Result<(), Failure> {
    let Asked { command, file, advice } = asked;
    if !matches!(command, Command::Print(_)) {
        environment::check();
    }
    let done = match command {
        Command::Evaluate(evaluation) => evaluate::run(&evaluation),
        Command::Explain(explanation) => explanation.run(),
        Command::Bench(bench) => bench.run().map_err(Failure::from).and_then(|text| print(&text)),
        Command::Stream(streaming) => streaming.run(),
        Command::Repl { inputs, tuning, style } => repl::run(tuning, style, &inputs),
        Command::Print(text) => print(&text),
    };
    done.map_err(|failure| match failure {
        Failure::Error(error) if error.kind() != hotloop::ErrorKind::Cancelled => {
            use hotloop::ErrorKind::{Io, Name};
            let ours = error.span().is_some() || matches!(error.kind(), Io | Name);
            let error = advice.into_iter().filter(|_| ours).fold(error, hotloop::Error::hint);
            Failure::Program(error, file)
        }
        failure => failure,
    })
}
