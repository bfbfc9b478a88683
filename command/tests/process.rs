//! Behaviour of the whole process: input that is not UTF-8, files that change during a run, full
//! disks, missing home directories. Named after the entries of the catalogue of bad inputs.

#![cfg(unix)]

mod runs;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use hotloop::io::Sink;
use hotloop::npy::Header;
use hotloop::{Arg, DType, ErrorKind};
use hotloop_testing::alone;
use runs::{command, names};

/// A session that is controlled by a pipe.
fn session(dir: &Path) -> Child {
    let mut command = command(dir);
    command.arg("repl").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Writes a file of `count` equal numbers.
fn write_f64(path: &Path, value: f64, n: usize) {
    let header = Header::new(DType::F64, &[n]).to_bytes();
    fs::write(path, [header, value.to_le_bytes().repeat(n)].concat()).unwrap();
}

/// The error message of a process that must end with an exit code, not by a panic or a signal.
#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let error = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(output.status.code(), Some(code), "{}: {error}", output.status);
    let first = error.lines().next().unwrap_or_default();
    let of_line = first.starts_with("line ") && first.contains(": error: ");
    assert!((first.starts_with("error: ") || of_line) && !error.contains("panicked"), "{error}");
    error
}

#[test]
fn a7_bytes_that_are_not_utf8() {
    let dir = tempfile::tempdir().unwrap();
    for bad in [&b"a + \xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"a\xf5", b"\xe2\x82", b"a # \x80"]
    {
        for verb in [None, Some("explain"), Some("bench"), Some("functions")] {
            let output =
                command(dir.path()).args(verb).arg(OsStr::from_bytes(bad)).output().unwrap();
            said(&output, 2);
        }
        // The name and the value of an input.
        for word in [[bad, b"=1"].concat(), [b"a=", bad].concat()] {
            let output =
                command(dir.path()).arg("a").arg(OsStr::from_bytes(&word)).output().unwrap();
            assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
            assert!(output.stderr.starts_with(b"error: "), "{output:?}");
        }
        // A line of a session: the error names the byte, and the session continues.
        let mut child = session(dir.path());
        let lines = [bad, b"\n1 + 1\n"].concat();
        child.stdin.take().unwrap().write_all(&lines).unwrap();
        let output = child.wait_with_output().unwrap();
        let at = std::str::from_utf8(bad).unwrap_err().valid_up_to();
        let error = said(&output, 1);
        assert!(error.contains(&format!("not UTF-8 at byte {at}")), "{error}");
        assert!(output.stdout.ends_with(b"2\n"), "{output:?}");
    }
}

/// Another process truncates an input during a run: the result is the value of the whole file, or
/// an error that names the file; never a signal, because files are not mapped.
#[test]
fn h3_inputs_that_shrink_while_they_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let (path, n) = (dir.path().join("x.npy"), 2_000_000);
    let (mut whole, mut cut) = (0, 0);
    for delay in [0, 1, 2, 3, 4, 6, 8, 12, 16, 24] {
        write_f64(&path, 1.0, n);
        let words = ["sum(x) + max(x[::-1])", "x=x.npy"];
        let child = command(dir.path())
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        File::options().write(true).open(&path).unwrap().set_len(4000).unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            assert_eq!(output.stdout, b"2000001.0\n");
            whole += 1;
        } else {
            let error = said(&output, 1);
            assert!(error.contains("x.npy") || error.contains("'x'"), "{error}");
            assert!(output.stdout.is_empty());
            cut += 1;
        }
    }
    eprintln!("{whole} whole, {cut} cut");
    assert_eq!(names(dir.path()), ["x.npy"]);
    // Truncation before the file is opened is always an error.
    write_f64(&path, 1.0, n);
    File::options().write(true).open(&path).unwrap().set_len(4000).unwrap();
    let output = command(dir.path()).args(["sum(x)", "x=x.npy"]).output().unwrap();
    assert!(said(&output, 1).contains("(at byte 4000)"));
}

/// Mounts a file system of 64 KiB, if the machine lets a test do so.
#[test]
fn h4_a_small_file_system_that_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_f64(&dir.join("x.npy"), 1.0, 20_000);
    fs::create_dir(dir.join("small")).unwrap();
    let script = "mount -t tmpfs -o size=64k none small || exit 77
        echo old > small/y.npy
        \"$1\" 'x * 2' x=x.npy -o small/y.npy; echo \"code $?\"
        \"$1\" 'x * 2' x=x.npy -o small/y.npz; echo \"code $?\"
        \"$1\" 'sum(x)' x=x.npy -o small/s.npy; echo \"code $?\"
        cat small/y.npy; ls small";
    let words = ["-m", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_hotloop")];
    let output = Command::new("unshare").args(words).current_dir(dir).output();
    let Ok(output) = output else {
        return eprintln!("skipped: there is no unshare here");
    };
    if output.status.code() == Some(77) || output.stdout.is_empty() {
        return eprintln!("skipped: no file system may be mounted here");
    }
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, "code 1\ncode 1\ncode 0\nold\ns.npy\ny.npy\n");
    let error = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = error.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(lines.len(), 2, "{error}");
    for line in lines {
        assert!(line.contains("No space left on device"), "{line}");
        assert!(line.contains("small/y.np"), "{line}");
    }
}

/// A reader that gives one byte at a time, and is interrupted before each.
struct Stuttering<'a>(&'a [u8], bool);

impl Read for Stuttering<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = buffer.len().min(1).min(self.0.len());
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

#[test]
fn h4_reads_that_are_short_and_interrupted() {
    let header = Header { fortran_order: true, ..Header::new(DType::I16, &[3, 4]) };
    let bytes = header.to_bytes();
    let read = Header::read(&mut Stuttering(&bytes, false)).unwrap();
    assert_eq!(read, (header, bytes.len() as u64));
    for length in 0..bytes.len() {
        let error = Header::read(&mut Stuttering(&bytes[..length], false)).unwrap_err();
        assert!(error.message().ends_with(&format!("(at byte {length})")), "{error}");
    }
    // Through pipes, in small pieces, as input and as output.
    let dir = tempfile::tempdir().unwrap();
    let words = ["x + 1", "x=/dev/stdin", "-o", "/dev/stdout"];
    let mut child = command(dir.path())
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let n = 40_000;
    let file =
        [Header::new(DType::U8, &[n]).to_bytes(), (0..n).map(|i| i as u8).collect()].concat();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for piece in file.chunks(997) {
            stdin.write_all(piece).unwrap();
            stdin.flush().unwrap();
        }
    });
    // A slow reader, so that the writes of the command are short.
    let (mut out, mut buffer, mut got) = (child.stdout.take().unwrap(), [0; 313], Vec::<u8>::new());
    loop {
        match out.read(&mut buffer).unwrap() {
            0 => break,
            count => got.extend(&buffer[..count]),
        }
    }
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    let start = Header::new(DType::U8, &[n]).to_bytes().len();
    assert!(got[start..].iter().enumerate().all(|(i, v)| *v == (i as u8).wrapping_add(1)));
    assert_eq!(got.len(), start + n);
}

fn pipe(dir: &Path, name: &str) {
    let made = Command::new("mkfifo").arg(name).current_dir(dir).status().unwrap();
    assert!(made.success());
}

/// The result of a call that must return.
fn soon<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(call()));
    receiver.recv_timeout(Duration::from_secs(20)).expect("it hangs")
}

#[test]
fn h5_standard_output_is_written_on_wherever_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_f64(&dir.join("x.npy"), 1.5, 10);
    let array = fs::read(dir.join("x.npy")).unwrap();
    for (redirect, before) in [("> f", &b""[..]), (">> f", b"old\n"), ("2> f 1>&2", b"")] {
        fs::write(dir.join("f"), "old\n").unwrap();
        let script = format!("{{ echo a; \"$1\" x x=x.npy -o /dev/stdout; echo b; }} {redirect}");
        let words = ["-c", &script, "sh", env!("CARGO_BIN_EXE_hotloop")];
        assert!(Command::new("sh").args(words).current_dir(dir).status().unwrap().success());
        let want = [before, b"a\n", &array, b"b\n"].concat();
        assert_eq!(fs::read(dir.join("f")).unwrap(), want, "{redirect}");
    }
}

#[test]
fn h5_pipes_in_the_place_of_files() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    ["p.npy", "q.npy", "p.npz", "p.csv"].iter().for_each(|name| pipe(dir, name));
    write_f64(&dir.join("x.npy"), 1.5, 100_000);
    let whole = fs::read(dir.join("x.npy")).unwrap();
    // A pipe as the output, whose reader gets everything.
    let path = dir.join("p.npy");
    let reader = std::thread::spawn(move || fs::read(path).unwrap());
    let mut out = command(dir);
    out.args(["x", "x=x.npy", "-o", "p.npy"]);
    let output = soon(move || out.output().unwrap());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(soon(move || reader.join().unwrap()), whole);
    // A pipe as the input. It was not open in this process before, so that no child of another test
    // holds it open.
    for (name, content, word) in
        [("q.npy", &whole[..], "x=q.npy"), ("p.csv", b"t,x\n1,75000\n2,75000\n", "x=p.csv:x")]
    {
        let (path, content) = (dir.join(name), content.to_vec());
        let writer = std::thread::spawn(move || fs::write(path, content).unwrap());
        let mut out = command(dir);
        out.args(["sum(x) + 0.0", word]);
        let output = soon(move || out.output().unwrap());
        assert_eq!(output.stdout, b"150000.0\n", "{output:?}");
        writer.join().unwrap();
    }
    // Cases that require a regular file.
    let path = dir.join("p.npy");
    let error = soon(move || hotloop::npy::open(path)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().ends_with("p.npy\": it is not a file"), "{error}");
    for words in [&["x", "x=p.npz"][..], &["x", "x=x.npy", "-o", "p.npz"]] {
        let mut out = command(dir);
        out.args(words);
        let output = soon(move || out.output().unwrap());
        assert!(said(&output, 1).contains("\"p.npz\": an archive must be a file"));
    }
    assert_eq!(names(dir), ["p.csv", "p.npy", "p.npz", "q.npy", "x.npy"]);
}

fn send(child: &Child, signal: i32) {
    // SAFETY: the process is a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
}

/// Starts the command and captures its error output.
fn start(dir: &Path, words: &[&str]) -> Child {
    command(dir).args(words).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a command handles signals, if the system shows this, and then a moment longer.
fn settle(child: &Child) {
    let listens = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
        Some(caught & 1 << (libc::SIGTERM - 1) != 0)
    };
    let start = Instant::now();
    while listens() == Some(false) && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
}

/// Sends a signal to a waiting command; returns its message after it has ended with a code.
fn stopped(child: Child, signal: i32, code: i32) -> String {
    settle(&child);
    send(&child, signal);
    let output = soon(move || child.wait_with_output().unwrap());
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

const SIGNALS: [(i32, i32); 3] = [(libc::SIGINT, 130), (libc::SIGTERM, 143), (libc::SIGHUP, 129)];

#[test]
fn a_signal_ends_the_waiting_for_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    ["p", "p.csv", "idle"].iter().for_each(|name| pipe(dir, name));
    // A writer that sends nothing after the command has opened the pipe.
    let path = dir.join("idle");
    std::thread::spawn(move || {
        let _idle = File::options().write(true).open(path);
        std::thread::sleep(Duration::from_secs(60));
    });
    for (words, (signal, code)) in [
        (&["x", "x=p"][..], SIGNALS[0]),
        (&["x", "x=p"], SIGNALS[1]),
        (&["x", "x=idle"], SIGNALS[0]),
        (&["x", "x=p.csv:a"], SIGNALS[0]),
        (&["x", "x=1", "-o", "p"], SIGNALS[0]),
        (&["x", "x=1", "-o", "p.csv"], SIGNALS[2]),
    ] {
        let error = stopped(start(dir, words), signal, code);
        let by = if signal == libc::SIGINT { "Ctrl-C" } else { "a signal" };
        assert!(error.ends_with(&format!("stopped by {by}\n")), "{words:?}: {error}");
    }
}

/// Whether a run has created a file in a directory: an unnamed one, or one with a hidden name.
fn has_begun(child: &Child, dir: &Path) -> bool {
    let Ok(dir) = dir.canonicalize() else { return false };
    let open = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
    let mut open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    let nameless = |path: &Path| path.starts_with(&dir) && path.to_string_lossy().contains('#');
    open.any(|path| nameless(&path)) || names(&dir).iter().any(|name| name.ends_with(".tmp"))
}

/// Waits until a run has created a file.
#[track_caller]
fn until_begun(child: &mut Child, dir: &Path) {
    while !has_begun(child, dir) {
        assert_eq!(child.try_wait().unwrap(), None, "it was too fast");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A slow program, with this many calls of `gamma` for each element.
fn gammas(count: usize) -> String {
    format!("{}x{}", "gamma(".repeat(count), ")".repeat(count))
}

#[test]
fn a_signal_leaves_no_half_file() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_f64(&dir.join("x.npy"), 0.5, 3_000_000);
    // Work for seconds.
    let gamma = gammas(20);
    let two = format!("{gamma}, x");
    let dies = [libc::SIGQUIT, libc::SIGALRM, libc::SIGUSR1, libc::SIGKILL];
    let dies = dies.map(|signal| (signal, None));
    let [int, term, hup] = SIGNALS.map(|(signal, code)| (signal, Some(code)));
    for (name, program, (signal, code)) in [
        ("y.npy", &*gamma, int),
        ("y.npy", &gamma, term),
        ("y.npy", &gamma, dies[0]),
        ("y.npy", &gamma, dies[1]),
        ("y.npy", &gamma, dies[2]),
        ("y.npy", &gamma, dies[3]),
        ("new/dir/", &two, term),
        ("y.npz", &gamma, hup),
        ("y.npz", &gamma, dies[0]),
        ("y.npz", &gamma, dies[3]),
        // After the computation, while the output is written.
        ("y.csv", "x", int),
        ("y.csv", "x", term),
        ("y.csv", "x", dies[3]),
    ] {
        if !name.ends_with('/') {
            fs::write(dir.join(name), "old").unwrap();
        }
        let before = names(dir);
        let words = [program, "x=x.npy", "-o", name, "--threads", "1"];
        let mut child = start(dir, &words);
        let place = if name.ends_with('/') { dir.join(name) } else { dir.to_path_buf() };
        until_begun(&mut child, &place);
        send(&child, signal);
        let output = soon(move || child.wait_with_output().unwrap());
        assert_eq!(output.status.code(), code, "{name}: {output:?}");
        let by = std::os::unix::process::ExitStatusExt::signal(&output.status);
        assert_eq!(by, code.is_none().then_some(signal), "{name}: {output:?}");
        assert_eq!(names(dir), before, "{name} {signal}");
        assert!(name.ends_with('/') || fs::read(dir.join(name)).unwrap() == b"old");
    }
}

/// A directory that is renamed before the output is complete: its path no longer exists.
#[test]
fn an_output_directory_that_is_renamed_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_f64(&dir.join("x.npy"), 0.5, 100_000);
    for name in ["y.npy", "y.npz"] {
        fs::create_dir(dir.join("ren")).unwrap();
        let place = format!("ren/{name}");
        let mut child = start(dir, &[&gammas(20), "x=x.npy", "-o", &place]);
        until_begun(&mut child, &dir.join("ren"));
        fs::rename(dir.join("ren"), dir.join("ren2")).unwrap();
        let error = said(&soon(move || child.wait_with_output().unwrap()), 1);
        let gone = "No such file or directory (os error 2)";
        assert_eq!(error, format!("error: cannot write {place:?}: {gone}\n"));
        assert_eq!(names(dir), ["ren2", "x.npy"]);
        assert_eq!(names(&dir.join("ren2")), [""; 0], "{name}");
        fs::remove_dir(dir.join("ren2")).unwrap();
    }
}

/// The command on a system without unnamed files.
#[cfg(target_os = "linux")]
fn without_nameless_files(dir: &Path, words: &[&str]) -> Command {
    use std::os::unix::process::CommandExt;

    let mut command = command(dir);
    command.args(words).stderr(Stdio::piped());
    // The bits of `O_TMPFILE` that are not `O_DIRECTORY`.
    let bit = (libc::O_TMPFILE & !libc::O_DIRECTORY) as u32;
    let refuse = move || match hotloop_testing::refuse_calls(libc::SYS_openat, Some(bit)) {
        true => Ok(()),
        false => Err(io::ErrorKind::Unsupported.into()),
    };
    // SAFETY: the closure makes a few system calls with records on the stack, which is allowed
    // here.
    unsafe { command.pre_exec(refuse) };
    command
}

/// If files have names from the beginning, a run that is killed leaves its file. The next run in
/// the directory removes it, but neither the file of a live run nor anything else.
#[test]
#[cfg(target_os = "linux")]
fn what_a_killed_run_leaves_is_removed_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // Enough work that the signals below come before the end, on a busy machine too.
    write_f64(&dir.join("x.npy"), 0.5, 1_000_000);
    let run = |words: &[&str]| without_nameless_files(dir, words);
    match run(&["x + 1", "x=x.npy", "-o", "y.npy"]).output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => return eprintln!("skipped: no call can be refused here: {error}"),
    }
    let whole = fs::read(dir.join("y.npy")).unwrap();
    assert!(whole.ends_with(&1.5f64.to_le_bytes().repeat(1_000_000)));
    let hidden = || {
        let mut names = names(dir);
        names.retain(|name| name.ends_with(".tmp"));
        names
    };
    let work = gammas(20);
    let slow = |name: &str| {
        let mut child = run(&[&work, "x=x.npy", "-o", name, "--threads", "1"]).spawn().unwrap();
        let before = hidden().len();
        while hidden().len() == before {
            assert_eq!(child.try_wait().unwrap(), None, "it was too fast");
            std::thread::sleep(Duration::from_millis(1));
        }
        child
    };
    // Handled signals leave no file here, either.
    let child = slow("y.npy");
    send(&child, libc::SIGTERM);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(143));
    assert_eq!(names(dir), ["x.npy", "y.npy"]);
    // One run continues, and one is killed.
    let living = slow("living.npy");
    send(&living, libc::SIGSTOP);
    let its = hidden();
    assert_eq!(its.len(), 1);
    let killed = slow("y.npy");
    send(&killed, libc::SIGKILL);
    killed.wait_with_output().unwrap();
    assert_eq!(hidden().len(), 2);
    // Entries whose names only resemble those of such files.
    fs::write(dir.join("kept"), "kept").unwrap();
    std::os::unix::fs::symlink("kept", dir.join(".hotloop-abcdef.tmp")).unwrap();
    fs::write(dir.join(".hotloop-notes1.txt"), "kept").unwrap();
    fs::create_dir(dir.join(".hotloop-folder.tmp")).unwrap();
    pipe(dir, ".hotloop-pipeXX.tmp");
    let output = command(dir).args(["x * 2", "x=x.npy", "-o", "z.npy"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let others = [".hotloop-abcdef.tmp", ".hotloop-folder.tmp", ".hotloop-pipeXX.tmp"];
    let mut want: Vec<String> = others.map(String::from).into_iter().chain(its).collect();
    want.sort();
    assert_eq!(hidden(), want);
    assert_eq!(fs::read(dir.join("kept")).unwrap(), b"kept");
    assert_eq!(fs::read(dir.join("y.npy")).unwrap(), whole);
    send(&living, libc::SIGCONT);
    let output = soon(move || living.wait_with_output().unwrap());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::metadata(dir.join("living.npy")).unwrap().len(), whole.len() as u64);
    assert_eq!(hidden(), others);
}

#[test]
fn a_signal_that_is_to_be_ignored_is() {
    let dir = tempfile::tempdir().unwrap();
    pipe(dir.path(), "p");
    let script = "trap '' HUP; exec \"$1\" x x=p";
    let words = ["-c", script, "sh", env!("CARGO_BIN_EXE_hotloop")];
    let child = Command::new("sh").args(words).current_dir(dir.path()).spawn().unwrap();
    settle(&child);
    send(&child, libc::SIGHUP);
    stopped(child, libc::SIGTERM, 143);
}

#[test]
fn a_signal_ends_a_script_that_waits_for_its_next_line() {
    let dir = tempfile::tempdir().unwrap();
    for (signal, code) in SIGNALS {
        let mut child = session(dir.path());
        child.stdin.as_ref().unwrap().write_all(b"x = arange(10)\nsum(x)\n").unwrap();
        let (mut out, mut printed) = (child.stdout.take().unwrap(), [0; 3]);
        out.read_exact(&mut printed).unwrap();
        assert_eq!(&printed, b"45\n");
        // The input stays open, so that the session does not end by itself.
        let _open = child.stdin.take();
        assert_eq!(stopped(child, signal, code), "");
    }
}

#[test]
fn a_reader_of_an_output_that_goes_away_ends_it_quietly() {
    let dir = tempfile::tempdir().unwrap();
    write_f64(&dir.path().join("x.npy"), 0.5, 100_000);
    for name in ["/dev/stdout", "-", "p.csv"] {
        let words = ["x", "x=x.npy", "-o", name];
        let mut child;
        let mut start = [0; 3];
        if name == "p.csv" {
            pipe(dir.path(), name);
            child = self::start(dir.path(), &words);
            File::open(dir.path().join(name)).unwrap().read_exact(&mut start).unwrap();
        } else {
            let mut command = command(dir.path());
            command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
            child = command.spawn().unwrap();
            child.stdout.take().unwrap().read_exact(&mut start).unwrap();
        }
        assert_eq!(&start, if name == "p.csv" { b"x\n0" } else { b"\x93NU" });
        let output = soon(move || child.wait_with_output().unwrap());
        // The shell's exit code for `SIGPIPE`: the output is incomplete.
        assert_eq!((output.status.code(), output.stderr), (Some(141), Vec::new()), "{name}");
    }
    // A pipe that never had a reader.
    let words = ["-c", "\"$1\" x x=x.npy -o /dev/stdout", "sh", env!("CARGO_BIN_EXE_hotloop")];
    let mut shell = Command::new("sh");
    shell.args(words).current_dir(dir.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    drop(child.stdout.take());
    let output = soon(move || child.wait_with_output().unwrap());
    assert_eq!((output.status.code(), output.stderr), (Some(141), Vec::new()));
}

/// The header is written at offset 0, whatever the position of the file.
#[test]
fn a_created_file_starts_at_its_first_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("y.npy");
    let mut file = File::create_new(&path).unwrap();
    file.write_all(b"what was there before").unwrap();
    let y = hotloop::npy::create(file, DType::U8, &[3]).unwrap();
    y.write_at(0, &[1, 2, 3]).unwrap();
    let expected = [Header::new(DType::U8, &[3]).to_bytes(), vec![1, 2, 3]].concat();
    assert_eq!(fs::read(&path).unwrap(), expected);
}

#[test]
fn h5_directories_in_the_place_of_files() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("y.npy")).unwrap();
    fs::create_dir(dir.join("y.npz")).unwrap();
    fs::write(dir.join("y.npz/inside"), "kept").unwrap();
    write_f64(&dir.join("x.npy"), 1.5, 3);
    // Directories are invalid as inputs; as outputs they are where arrays are written.
    let output = command(dir).args(["x", "x=y.npy"]).output().unwrap();
    assert!(said(&output, 1).contains("y.npy"));
    for name in ["y.npy", "y.npz"] {
        let output = command(dir).args(["x", "x=x.npy", "-o", name]).output().unwrap();
        assert!(output.status.success() || output.stderr.starts_with(b"error: "), "{output:?}");
    }
    assert_eq!(fs::read(dir.join("y.npz/inside")).unwrap(), b"kept");
    let whole = fs::read(dir.join("x.npy")).unwrap();
    for name in ["y.npy", "y.npz"] {
        for entry in names(&dir.join(name)) {
            let kept = fs::read(dir.join(name).join(&entry)).unwrap();
            assert!(entry == "inside" || kept == whole, "{name}/{entry} is half a file");
        }
    }
}

/// An argument of the command line cannot contain NUL, but a line of a session can.
#[test]
fn h5_names_with_nul() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = session(dir.path());
    let lines = b"q = 1\n:save q a\0b.npy\n:load x=a\0b.npy\nq + 1\n";
    child.stdin.take().unwrap().write_all(lines).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = said(&output, 1);
    assert_eq!(error.matches("a\\0b.npy").count(), 2, "{error}");
    assert!(!error.contains('\0'), "{error:?}");
    assert!(output.stdout.ends_with(b"2\n"), "{output:?}");
    assert_eq!(names(dir.path()), [""; 0]);
}

/// A run writes nothing but its outputs: no caches or logs, in none of the usual directories.
#[test]
fn h6_a_run_writes_nothing_but_its_outputs() {
    let dir = tempfile::tempdir().unwrap();
    let (home, work) = (dir.path().join("home"), dir.path().join("work"));
    fs::create_dir(&home).unwrap();
    fs::create_dir(&work).unwrap();
    write_f64(&work.join("x.npy"), 0.5, 10_000);
    let variables = [
        "HOME",
        "TMPDIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "XDG_RUNTIME_DIR",
    ];
    for words in [
        &["sum(sin(x) * exp(x))", "x=x.npy"][..],
        &["sin(x) + 1", "x=x.npy", "-o", "y.npy"],
        &["a = x + 1; b = x * 2; a, b", "x=x.npy", "-o", "both.npz"],
        &["explain", "sin(x) + cos(y)"],
        &["functions"],
        &["bench", "x + 1", "-n", "1000"],
        &["sine(x)", "x=x.npy"],
    ] {
        let mut run = command(&work);
        for name in variables {
            run.env(name, &home);
        }
        run.args(words).output().unwrap();
        assert_eq!(names(&home), [""; 0], "{words:?}");
    }
    assert_eq!(names(&work), ["both.npz", "x.npy", "y.npy"]);
}

/// The names of executable mappings of this process.
fn executable() -> std::collections::BTreeSet<String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let fields = maps.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let executable = fields.filter(|fields| fields[1].contains('x'));
    executable.map(|fields| fields[5..].join(" ")).collect()
}

/// Code is compiled in memory, in each process again: a run maps no executable file that was not
/// mapped before, except memory without a path.
#[test]
#[cfg(target_os = "linux")]
fn h6_code_comes_from_no_file() {
    if !alone("h6_code_comes_from_no_file") {
        return;
    }
    let before = executable();
    let kernels: Vec<_> = (0..50)
        .map(|i| {
            let program = hotloop::compile(&format!("sin(a) * {i} + a**{i}")).unwrap();
            assert!(program.eval([Arg::from(&[1.0, 2.0])]).unwrap().report().native);
            program
        })
        .collect();
    let new: Vec<String> = executable().difference(&before).cloned().collect();
    assert_eq!(new, ["/memfd:hotloop-code (deleted)"], "with {} programs", kernels.len());
}

/// A run needs neither a home directory nor one for temporary files.
#[test]
fn h7_no_home_and_no_room_for_temporary_files() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_f64(&dir.join("x.npy"), 0.5, 3);
    let run = |set: &dyn Fn(&mut Command)| {
        let mut command = command(dir);
        command.env_clear();
        set(&mut command);
        let output = command.args(["x * 2", "x=x.npy", "-o", "y.npy"]).output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{output:?}");
        let bytes = fs::read(dir.join("y.npy")).unwrap();
        assert!(bytes.ends_with(&1f64.to_le_bytes().repeat(3)));
        fs::remove_file(dir.join("y.npy")).unwrap();
    };
    run(&|_| {});
    for place in ["/nowhere/at/all", "/dev/null", "/proc", ""] {
        run(&|command| {
            for name in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
                command.env(name, place);
            }
        });
    }
    // The same for a session without a terminal.
    let output = command(dir).env_clear().arg("repl").output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}
