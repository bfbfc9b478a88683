//! Output files.

use std::fs;
use std::io::{Cursor, Read};
use std::process::Stdio;

use super::{f64s, read_f64s, write_f64};
use crate::runs::{Ran, command, fails, feed, names, ok, program, temporary, write};

#[test]
fn several_outputs() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0, 2.0]);
    let program = "double = 2 * a; double, a + 1, sum(a)";
    let printed = ok(dir, &[program, "a=a.npy"]);
    assert_eq!(printed, "double: f64 (2,)\n[2. 4.]\n\nf64 (2,)\n[2. 3.]\n\n3.0\n");

    ok(dir, &[program, "a=a.npy", "-o", "results/"]);
    assert_eq!(names(&dir.join("results")), ["double.npy", "out1.npy", "out2.npy"]);
    assert_eq!(read_f64s(dir, "results/double.npy", "(2,)"), [2.0, 4.0]);
    assert_eq!(read_f64s(dir, "results/out1.npy", "(2,)"), [2.0, 3.0]);
    assert_eq!(read_f64s(dir, "results/out2.npy", "()"), [3.0]);
    // The directory exists now, so the slash is optional.
    ok(dir, &["a", "a=a.npy", "-o", "results"]);
    assert_eq!(read_f64s(dir, "results/a.npy", "(2,)"), [1.0, 2.0]);

    ok(dir, &[program, "a=a.npy", "-o", "y.npz"]);
    let archive = fs::read(dir.join("y.npz")).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).expect("an archive");
    let mut member = |name: &str| {
        let mut member = archive.by_name(name).expect("a member");
        assert_eq!(member.compression(), zip::CompressionMethod::Stored);
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).expect("a sound checksum");
        bytes
    };
    assert_eq!(f64s(&member("double.npy"), "(2,)"), [2.0, 4.0]);
    assert_eq!(f64s(&member("out1.npy"), "(2,)"), [2.0, 3.0]);
    assert_eq!(f64s(&member("out2.npy"), "()"), [3.0]);
    assert_eq!(archive.len(), 3);

    let err = fails(dir, 2, &[program, "a=a.npy", "-o", "y.npy"]);
    assert!(err.contains("3 outputs") && err.contains(".npz"), "{err}");
    assert_eq!(names(dir), ["a.npy", "results", "y.npz"]);
}

#[test]
fn outputs_of_one_name_get_files_of_their_own() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0]);
    ok(dir, &["out1 = a + 1; out1, a + 2, out1", "a=a.npy", "-o", "results/"]);
    assert_eq!(names(&dir.join("results")), ["out1.npy", "out1_.npy", "out2.npy"]);
    assert_eq!(read_f64s(dir, "results/out1.npy", "(1,)"), [2.0]);
    assert_eq!(read_f64s(dir, "results/out1_.npy", "(1,)"), [3.0]);
    assert_eq!(read_f64s(dir, "results/out2.npy", "(1,)"), [2.0]);
}

#[test]
fn h5_an_output_may_replace_an_input() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0, 2.0]);
    for _ in 0..3 {
        ok(dir, &["a * 2", "a=a.npy", "-o", "a.npy"]);
    }
    assert_eq!(read_f64s(dir, "a.npy", "(2,)"), [8.0, 16.0]);
    assert_eq!(names(dir), ["a.npy"]);
}

#[test]
fn h4_a_failing_run_leaves_the_old_file() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "y.npy", b"old");
    write_f64(dir, "a.npy", &[1.0, 2.0]);
    write_f64(dir, "b.npy", &[1.0, 2.0, 3.0]);
    fails(dir, 1, &["a + b", "a=a.npy", "b=b.npy", "-o", "y.npy"]);
    fails(dir, 1, &["a +", "a=a.npy", "-o", "y.npy"]);
    assert_eq!(fs::read(dir.join("y.npy")).unwrap(), b"old");
    assert_eq!(names(dir), ["a.npy", "b.npy", "y.npy"]);
}

#[test]
fn h5_places_that_cannot_be_written() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "file", b"");
    let err = fails(dir, 1, &["a", "a=1", "-o", "missing/y.npy"]);
    assert!(err.contains("\"missing/y.npy\""), "{err}");
    // The message has the given name, not that of a temporary file.
    for name in ["missing/y.npy", "missing/y.npz", "missing/y.csv"] {
        let err = fails(dir, 1, &["a", "a=1", "-o", name]);
        let gone = "No such file or directory (os error 2)";
        assert_eq!(err, format!("error: cannot write {name:?}: {gone}\n"));
    }
    fails(dir, 1, &["a", "a=1", "-o", "file/y.npy"]);
    fails(dir, 1, &["a", "a=1", "-o", "file/"]);
    assert_eq!(names(dir), ["file"]);
}

/// One rule for all outputs: an existing file is replaced only if its name fits what is written, or
/// if its contents show that the command wrote it.
#[test]
fn h5_one_rule_for_what_is_replaced() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "notes.txt", b"mine");
    write(dir, "Makefile", b"all:");
    write_f64(dir, "a.npy", &[1.0]);
    let whole = fs::read(dir.join("a.npy")).unwrap();
    let something = "something else is there\n  = help: remove it first";
    for (words, name, why) in [
        (&["explain", "a", "-o"][..], "a.npy", "it is not called .txt or .md\n"),
        (&["explain", "a", "-o"], "notes.txt", something),
        (&["explain", "a", "-o"], "Makefile", something),
        (&["explain", "--svg", "a", "-o"], "notes.txt", "it is not called .svg\n"),
        (&["explain", "--svg", "a", "-o"], "a.npy", "it is not called .svg\n"),
        (&["bench", "a", "-n", "10", "--flamegraph"], "notes.txt", "it is not called .svg\n"),
        (&["bench", "a", "-n", "10", "--flamegraph"], "a.npy", "it is not called .svg\n"),
        (&["a", "a=1", "-o"], "Makefile", something),
        (&["a", "a=1", "-o"], "notes.txt", "it is not called .npy, .npz or .csv\n"),
    ] {
        let err = fails(dir, 1, &[words, &[name]].concat());
        assert!(err.starts_with(&format!("error: cannot write {name:?}: {why}")), "{err}");
    }
    // The rule applies to the target of a link.
    std::os::unix::fs::symlink("notes.txt", dir.join("link.npy")).unwrap();
    let err = fails(dir, 1, &["a", "a=1", "-o", "link.npy"]);
    assert!(err.contains("notes.txt\": it is not called .npy, .npz or .csv"), "{err}");
    fs::remove_file(dir.join("link.npy")).unwrap();
    assert_eq!(fs::read(dir.join("notes.txt")).unwrap(), b"mine");
    assert_eq!(fs::read(dir.join("Makefile")).unwrap(), b"all:");
    assert_eq!(fs::read(dir.join("a.npy")).unwrap(), whole);
    // A file that the command wrote itself may be replaced.
    for program in ["a", "a + b"] {
        assert_eq!(ok(dir, &["explain", program, "-o", "plan.txt"]), "");
        let text = fs::read_to_string(dir.join("plan.txt")).unwrap();
        assert_eq!(text, format!("# hotloop explain\n{}", ok(dir, &["explain", program])));
    }
    ok(dir, &["a", "a=1", "-o", "plain"]);
    ok(dir, &["a", "a=2.5", "-o", "plain"]);
    assert_eq!(read_f64s(dir, "plain", "()"), [2.5]);
    assert_eq!(names(dir), ["Makefile", "a.npy", "notes.txt", "plain", "plan.txt"]);
}

/// `-` is standard output or input; `./-` is the file with that name.
#[test]
fn a_dash_is_standard_output_or_input() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "x.npy", &[1.5, 2.5]);
    write_f64(dir, "-", &[9.0]);
    let x = fs::read(dir.join("x.npy")).unwrap();
    let out = command(dir).args(["x * 2", "x=x.npy", "-o", "-"]).output().unwrap();
    assert_eq!((out.status.code(), f64s(&out.stdout, "(2,)")), (Some(0), vec![3.0, 5.0]));
    assert_eq!(feed(dir, &["x + 1", "x=-"], &x).out, "f64 (2,)\n[2.5 3.5]\n");
    assert_eq!(ok(dir, &["x + 1", "x=./-"]), "f64 (1,)\n[10.]\n");
    ok(dir, &["x + 1", "x=x.npy", "-o", "./-"]);
    assert_eq!(read_f64s(dir, "-", "(2,)"), [2.5, 3.5]);
    assert_eq!(ok(dir, &["explain", "x", "-o", "-"]), ok(dir, &["explain", "x"]));
    let err = fails(dir, 2, &["x + y", "x=-", "y=-"]);
    assert!(err.starts_with("error: x and y cannot both be read from standard input\n"), "{err}");
    let err = fails(dir, 2, &["x, x", "x=x.npy", "-o", "-"]);
    assert!(err.contains("2 outputs do not fit one array"), "{err}");
    assert_eq!(names(dir), ["-", "x.npy"]);
}

/// A file such as `notes.txt` is not replaced by an array.
#[test]
fn h5_files_of_another_kind_are_not_written() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "notes.txt", b"mine");
    for name in ["notes.txt", "y.parquet", "./y.2"] {
        let err = fails(dir, 1, &["a", "a=1", "-o", name]);
        let want = "error: cannot write {name:?}: it is not called .npy, .npz or .csv\n";
        assert_eq!(err, want.replace("{name:?}", &format!("{name:?}")));
        let script = format!("a = 1\n:save a {name}\n");
        let ran = feed(dir, &[], script.as_bytes());
        assert!(ran.err.contains("it is not called .npy"), "{}", ran.err);
    }
    assert_eq!(fs::read(dir.join("notes.txt")).unwrap(), b"mine");
    ok(dir, &["a", "a=1", "-o", "y"]);
    ok(dir, &["a", "a=1", "-o", "Y.NPY"]);
    fs::create_dir(dir.join("y.d")).unwrap();
    ok(dir, &["a", "a=1", "-o", "y.d"]);
    assert_eq!(names(dir), ["Y.NPY", "notes.txt", "y", "y.d"]);
}

/// If the reader closes the pipe, printed text ends with success, and data with the exit code that
/// a shell gives for `SIGPIPE`.
#[test]
fn a_reader_that_goes_away_ends_the_output_quietly() {
    let dir = temporary();
    write_f64(dir.path(), "a.npy", &[0.5; 100_000]);
    for (words, code) in [
        (&["functions"][..], 0),
        (&["x", "x=1"], 0),
        (&["a", "a.npy"], 0),
        (&["a", "a.npy", "--full"], 141),
        (&["a", "a.npy", "--format", "json"], 141),
        (&["a", "a.npy", "--format", "csv"], 141),
        (&["a", "a.npy", "--format", "npy"], 141),
    ] {
        let mut child = command(dir.path())
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        drop(child.stdout.take());
        let out = child.wait_with_output().expect("the command ends");
        assert_eq!((out.status.code(), out.stderr), (Some(code), Vec::new()), "{words:?}");
    }
}

/// A closed standard output is an error; `/dev/null` is accepted.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_standard_output_is_an_error() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[0.5, 1.5]);
    let ended = |script: &str| -> Ran {
        let mut shell = program(dir, "sh");
        shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_hotloop")]);
        shell.output().expect("a shell").into()
    };
    for words in ["help", "a a.npy", "a a.npy --format json", "explain a", "repl"] {
        let ran = ended(&format!("echo 1 | \"$1\" {words} >&-"));
        assert_eq!((ran.code, ran.err.as_str()), (Some(1), "error: standard output is closed\n"));
    }
    for words in ["a a.npy -o -", "a a.npy --format csv", "a a.npy -o /dev/stdout"] {
        let ran = ended(&format!("\"$1\" {words} >&-"));
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(ran.err.ends_with("standard output is closed\n"), "{}", ran.err);
    }
    for script in ["\"$1\" a a.npy >/dev/null", "\"$1\" a a.npy -o y.npy >&-"] {
        assert_eq!(ended(script), Ran { code: Some(0), out: String::new(), err: String::new() });
    }
    assert_eq!(read_f64s(dir, "y.npy", "(2,)"), [0.5, 1.5]);
}
