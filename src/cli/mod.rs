//! The command `hotloop`: expressions over `.npy` files, from a shell.
//!
//! ```text
//! $ hotloop 'sin(a)**2 + cos(b)**2' a=a.npy b=b.npy -o y.npy
//! $ hotloop 'mid = (bid + ask) / 2; spread = ask - bid' bid=bid.npy ask=ask.npy -o quotes.npz
//! $ hotloop 'sum(x) * k' x=x.npy k=0.5
//! f64 ()
//! 42.5
//! ```
//!
//! The first word is the program, as [`hotloop::Engine::compile`] takes it; the others give its
//! inputs: arrays from files, or numbers, which are weak as literals are. Results go to a file
//! (`-o y.npy`), an archive (`-o y.npz`), a directory (`-o results/`), or in short to the
//! terminal.
//!
//! Beside that there are `hotloop explain` (what a program becomes), `hotloop functions` (what
//! can be called), `hotloop bench` (how fast it is here) and `hotloop repl` (line by line).
//!
//! What is wrong with the command line exits with 2, Ctrl-C with 130, another signal with 128 and its
//! number, any other error with 1; all say on standard error what it was, with a caret under the place
//! in the program. A reader that goes away ends the output quietly.

mod args;
mod arguments;
mod array;
mod bench;
mod budget;
mod csv;
mod environment;
mod evaluate;
mod explain;
mod file;
mod first_error;
mod format;
mod functions;
mod input;
mod interrupt;
mod memory;
mod npy;
mod npz;
mod place;
mod plot;
mod progress;
mod quantity;
mod repl;
mod replacement;
mod save;
mod show;
mod split_mix;
mod stats;
mod stream;

use std::io::{self, Write};
use std::process::ExitCode;

use args::Command;

/// Why the command ends early.
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// Something that the engine or a file says.
    Error(hotloop::Error),
    /// Nobody reads the output any more.
    Quiet,
}

impl From<hotloop::Error> for Failure {
    fn from(error: hotloop::Error) -> Failure {
        Failure::Error(error)
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

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let outcome = args::parse(std::env::args_os().skip(1)).map_err(Failure::Usage).and_then(run);
    match outcome {
        Ok(()) | Err(Failure::Quiet) => ExitCode::SUCCESS,
        Err(Failure::Error(error)) => {
            complain(&error);
            // As the shell has it for what a signal ends.
            match error.kind() {
                hotloop::ErrorKind::Cancelled => ExitCode::from(interrupt::exit_code()),
                _ => ExitCode::FAILURE,
            }
        }
        Err(Failure::Usage(message)) => {
            complain(&format_args!("error: {message}\n  = help: see `hotloop --help`"));
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    if !matches!(command, Command::Functions { .. } | Command::Print(_)) {
        environment::check();
    }
    match command {
        Command::Evaluate(evaluation) => evaluate::run(&evaluation),
        Command::Explain(explanation) => explanation.run(),
        Command::Functions { name: None } => print(&functions::table()),
        Command::Functions { name: Some(name) } => print(&functions::detail(&name)?),
        Command::Bench(bench) => print(&bench.run()?),
        Command::Repl { inputs, tuning } => repl::run(tuning, &inputs),
        Command::Print(text) => print(&text),
    }
}

/// Writes to standard output, at once.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = interrupt::waiting(|| out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    Ok(written??)
}

/// Writes a line to standard error; where that is closed there is nobody to tell.
pub(crate) fn complain(message: &dyn std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{message}");
}
