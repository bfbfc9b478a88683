//! Makes the copy of the workspace with the wrong edits, and runs their test in it.
//!
//! ```text
//! cargo run -p hotloop-faults -- test           # each fault must be noticed
//! cargo run -p hotloop-faults -- test ARGS      # with arguments of the test
//! cargo run -p hotloop-faults -- make           # only the copy, in target/faults
//! cargo run -p hotloop-faults -- save           # what was edited there becomes the edits
//! ```

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

use hotloop_faults::{copy, make, root, save};

/// The table that the test compares, or writes with `HOTLOOP_WRITE`.
const TABLE: &str = "tests/MISCOMPILES.md";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let done = match words.next().as_deref() {
        Some("make") => make().map(|()| true),
        Some("save") => save().map(|()| true),
        Some("test") => make().and_then(|()| test(&words.collect::<Vec<_>>())),
        _ => Err(io::Error::other("one of: make, save, test")),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the test in the copy, whose dependencies are those of the workspace's own build.
///
/// The copy's own crates have another version: Cargo names what it builds after the package and its
/// place in the workspace, and would take the workspace's crates for the copy's.
fn test(words: &[String]) -> io::Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "--offline", "--test", "miscompile", "--target-dir"]);
    command.arg(root().join("target")).arg("--").args(words);
    let done = command.current_dir(copy()).status()?;
    if std::env::var_os("HOTLOOP_WRITE").is_some() {
        std::fs::copy(copy().join(TABLE), Path::new(&root()).join(TABLE))?;
    }
    Ok(done.success())
}
