//! Ctrl-C without a terminal, and system resources of a session.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::{command, temporary};

/// A timeout, far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a session that has executed its first line and waits for, or works on, the rest.
fn started(dir: &Path, lines: &str) -> Child {
    let mut command = command(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let stdin = child.stdin.as_mut().expect("a pipe");
    stdin.write_all(format!("6 * 7\n{lines}").as_bytes()).expect("it reads");
    let mut printed = [0; 3];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut printed).expect("it prints");
    assert_eq!(&printed, b"42\n");
    child
}

/// An array variable is printed without being copied or computed again.
#[cfg(target_os = "linux")]
#[test]
fn a_large_array_is_printed_without_a_copy() {
    let most = |child: &Child| -> usize {
        let path = format!("/proc/{}/status", child.id());
        let status = std::fs::read_to_string(path).expect("a status");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
    };
    let dir = temporary();
    let mut child = started(dir.path(), "x = full(2 * 10**7, 1.5)\n6 * 7\n");
    let next = |child: &mut Child, lines: &str, end: &str| {
        child.stdin.as_mut().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
        let mut printed = vec![0; end.len()];
        child.stdout.as_mut().expect("a pipe").read_exact(&mut printed).expect("it prints");
        assert_eq!(str::from_utf8(&printed), Ok(end));
    };
    next(&mut child, "", "42\n");
    let before = most(&child);
    let shown = "x: f64 (20000000,)\n[1.5 1.5 1.5 ... 1.5 1.5 1.5]\n";
    next(&mut child, "x\n6 * 7\n", &format!("{shown}42\n"));
    let after = most(&child);
    assert!(before > 150_000 && after < before + 50_000, "{before} {after} KiB");
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
}

fn interrupt(child: &Child) {
    // SAFETY: the child has not been waited for, so the process number is still its own.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) }, 0);
}

/// The exit code, and the remaining output.
fn ended(mut child: Child) -> (Option<i32>, String, String) {
    let end = Instant::now() + PATIENCE;
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > end {
            child.kill().expect("a child");
            panic!("Ctrl-C does not end the script");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("it has ended");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn ctrl_c_ends_a_script_that_waits() {
    let dir = temporary();
    // After an evaluation, and in the middle of a text.
    for lines in ["", "1 +\n"] {
        let child = started(dir.path(), lines);
        std::thread::sleep(Duration::from_millis(200));
        interrupt(&child);
        let (code, out, err) = ended(child);
        assert_eq!((code, out.as_str()), (Some(130), ""), "{lines}: {err}");
    }
}

#[test]
fn ctrl_c_ends_a_script_that_computes() {
    let dir = temporary();
    let work =
        "x = ones((4000, 1)); y = ones(200000)\nsum(arctan2(gamma(x + y), gamma(x - y)))\n1\n";
    let child = started(dir.path(), work);
    std::thread::sleep(Duration::from_millis(700));
    interrupt(&child);
    let (code, out, err) = ended(child);
    assert_eq!((code, out.as_str()), (Some(130), ""), "{err}");
    assert!(err.starts_with("error: ") && err.lines().count() == 1, "{err}");
}

/// Short lines, most of whose time is spent compiling.
#[test]
fn ctrl_c_ends_a_script_of_many_lines() {
    let dir = temporary();
    let lines: String = (0..5000).map(|i| format!("x{i} = {i} * 2 + 1\n")).collect();
    let mut child = started(dir.path(), "");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || {
        // Until the script has ended.
        while stdin.write_all(lines.as_bytes()).is_ok() {}
    });
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    assert_eq!(ended(child).0, Some(130));
    writer.join().expect("it ends");
}

/// A pipe without a writer is an error at once.
#[test]
fn pipes_are_not_loaded_in_a_session() {
    let dir = temporary();
    for name in ["pipe.npy", "pipe.npz", "pipe.csv", "pipe"] {
        let path = dir.path().join(name).into_os_string().into_encoded_bytes();
        let path = std::ffi::CString::new(path).expect("a path");
        // SAFETY: the path ends with a zero byte.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    }
    let lines = ":load x=pipe\n:load pipe.npy\n:load pipe.npz\n:load pipe.csv\n:load x=pipe.csv:a\n\
                 :load x=pipe.npz:a\n:load /dev/zero\n";
    let error = super::fails(dir.path(), lines);
    assert_eq!(super::errors(&error), 7, "{error}");
    assert!(error.matches("it is not a file").count() == 7, "{error}");
}

/// A variable takes the memory of its elements and no more, even while it is computed.
#[test]
#[cfg(target_os = "linux")]
#[expect(clippy::zombie_processes, reason = "`wait4` waits, and says what was used")]
fn variables_are_not_copied() {
    let dir = temporary();
    // Two arrays of 160 MB.
    let mut child = started(dir.path(), "x = ones(2 * 10**7)\ny = x + 1\ny[0] + 40\n");
    drop(child.stdin.take());
    let mut out = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("UTF-8");
    assert_eq!(out, "42.0\n");
    let mut status = 0;
    // SAFETY: all zeros are a valid value of the type.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointers point at live values, and the child has not been waited for.
    let pid = unsafe { libc::wait4(child.id() as libc::pid_t, &mut status, 0, &mut usage) };
    assert_eq!((pid, status), (child.id() as libc::pid_t, 0));
    let peak = usage.ru_maxrss * 1024;
    assert!((320_000_000..400_000_000).contains(&peak), "{peak} bytes");
}

#[test]
fn what_does_not_fit_memory_is_refused() {
    let dir = temporary();
    let lines = "x = ones((10**7, 1)); y = ones(10**7)\nz = x + y\nx * y\nsum(x)\n";
    let ran = super::feed(dir.path(), &[], lines.as_bytes());
    assert_eq!(ran.out, "10000000.0\n");
    assert_eq!(ran.err.matches("800 TB are needed, but only").count(), 2, "{}", ran.err);
}
