//! Tests that need a process to themselves.

use std::process::Command;

/// Runs the test of this name once more, in a process where nothing else runs, so that what it
/// measures or changes is its own. Tells whether this is that process. The modules that the test
/// is in are a part of its name.
pub fn alone(name: &str) -> bool {
    const MARK: &str = "HOTLOOP_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(MARK, "1").args(["--exact", name, "--include-ignored", "--nocapture"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} alone: {}\n{said}", output.status);
    let ran = String::from_utf8_lossy(&output.stdout).contains("running 1 test\n");
    assert!(ran, "there is no test {name}");
    // Figures, for whoever asks for them with `--nocapture`.
    eprint!("{said}");
    false
}
