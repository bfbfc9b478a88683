//! Helpers that run the command as a shell does.

#![allow(dead_code, reason = "each file of tests has its own needs")]

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

pub fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// The command with a program, in a directory, without standard input.
pub fn program(dir: &Path, program: &str) -> Command {
    hotloop_testing::dispositions::as_ever();
    let mut command = Command::new(program);
    command.current_dir(dir).env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

/// The command in a directory.
pub fn command(dir: &Path) -> Command {
    program(dir, env!("CARGO_BIN_EXE_hotloop"))
}

/// The command under limits set by a shell.
pub fn limited(dir: &Path, limits: &str, words: &[&str]) -> Command {
    let mut shell = program(dir, "sh");
    let script = format!("{limits}; exec \"$@\"");
    shell.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_hotloop")]).args(words);
    shell
}

/// The result of a run.
#[derive(Debug, PartialEq)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

pub fn run(dir: &Path, words: &[&str]) -> Ran {
    command(dir).args(words).output().expect("the command starts").into()
}

/// The output of a run, which must succeed without messages.
pub fn ok(dir: &Path, words: &[&str]) -> String {
    let ran = run(dir, words);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{words:?}");
    ran.out
}

/// The error output of a run, which must fail with a code and print nothing else.
pub fn fails(dir: &Path, code: i32, words: &[&str]) -> String {
    let ran = run(dir, words);
    assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{words:?}: {}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran.err
}

/// Runs a command with bytes on standard input.
pub fn feed(dir: &Path, words: &[&str], input: &[u8]) -> Ran {
    let mut child = command(dir)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // The command may stop reading before the end.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("the command ends").into()
    })
}

/// The output and the error output of a session with these lines.
pub fn session(dir: &Path, lines: &str) -> (String, String) {
    let ran = feed(dir, &["repl"], format!("{lines}\n").as_bytes());
    (ran.out, ran.err)
}

/// The names in a directory, sorted.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

pub fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(dir.join(name), bytes).expect("a file is written");
}

/// A file in NumPy's format.
pub fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    described(&format!("'{descr}'"), shape, data)
}

/// A file in NumPy's format, with a dtype in Python's notation.
pub fn described(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    with_header(
        &format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"),
        data,
    )
}

/// A file in NumPy's format, with any text as its header.
pub fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).expect("a short header").to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// A file in NumPy's format, with one axis of `f64`.
pub fn f64s(values: &[f64]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy("<f8", &format!("({},)", values.len()), &data)
}

pub const STORED: CompressionMethod = CompressionMethod::Stored;
pub const DEFLATED: CompressionMethod = CompressionMethod::Deflated;

/// An archive with these members.
pub fn npz(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        archive.start_file(*name, options).expect("a member");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

/// Replaces all occurrences of `from` by `to`, which has the same length.
pub fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| bytes[*at..at + to.len()].copy_from_slice(to));
    bytes
}

/// Writes an array of zeros with `size` bytes as a file and as a deflated archive. It is written in
/// small pieces, because the peak memory of this process counts for its children.
pub fn zeros(dir: &Path, size: usize) {
    let header = npy("<f8", &format!("({},)", size / 8), &[]);
    write(dir, "x.npy", &header);
    let file = fs::File::options().write(true).open(dir.join("x.npy")).expect("a file");
    file.set_len((header.len() + size) as u64).expect("a longer file");
    let file = fs::File::create(dir.join("x.npz")).expect("a file");
    let mut archive = zip::ZipWriter::new(file);
    let options = SimpleFileOptions::default().compression_method(DEFLATED);
    archive.start_file("x.npy", options).expect("a member");
    archive.write_all(&header).expect("room");
    let part = vec![0; 1 << 20];
    (0..size / part.len()).for_each(|_| archive.write_all(&part).expect("room"));
    archive.finish().expect("room");
}

/// The exit code, output, time and peak memory in bytes of a run.
#[cfg(target_os = "linux")]
#[expect(clippy::zombie_processes, reason = "`wait4` waits, and says what was used")]
pub fn measured(command: &mut Command) -> (i32, String, Duration, u64) {
    let mut said = tempfile::tempfile().expect("a file");
    let err = said.try_clone().expect("a file");
    let start = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(err).spawn().expect("it starts");
    // SAFETY: the record consists of plain numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    let id = i32::try_from(child.id()).expect("a process");
    // SAFETY: the child is not waited for elsewhere; the call writes to live values.
    assert_eq!(unsafe { libc::wait4(id, &mut status, 0, &mut usage) }, id);
    let time = start.elapsed();
    assert!(libc::WIFEXITED(status), "it ends by itself, not by signal {status}");
    let mut text = String::new();
    std::io::Seek::rewind(&mut said).expect("a file");
    std::io::Read::read_to_string(&mut said, &mut text).expect("UTF-8");
    (libc::WEXITSTATUS(status), text, time, usage.ru_maxrss as u64 * 1024)
}

/// The peak memory in bytes of a run, which must end with a code.
#[cfg(target_os = "linux")]
pub fn peak(dir: &Path, code: i32, words: &[&str], input: Option<&Path>) -> u64 {
    let mut command = command(dir);
    let cat = input.map(|path| {
        let mut cat = Command::new("cat").arg(path).stdout(Stdio::piped()).spawn().expect("cat");
        command.stdin(cat.stdout.take().expect("a pipe"));
        cat
    });
    let (ended, err, _, peak) = measured(command.args(words));
    drop(command);
    cat.map(|mut cat| cat.wait().expect("it ends"));
    assert_eq!(ended, code, "{words:?}: {err}");
    peak
}
