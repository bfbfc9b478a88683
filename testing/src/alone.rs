//! Tests that need their own process.

use std::process::Command;

/// Runs the test of this name again in a process of its own, so that nothing else affects what it
/// measures or changes. Returns whether this is that process. The name includes the test's modules.
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
    // Measurements, printed with `--nocapture`.
    eprint!("{said}");
    false
}
