//! `hotloop repl`, with a script on standard input and on a terminal.

#[path = "../runs/mod.rs"]
mod runs;

mod figures;
mod signals;
#[cfg(unix)]
mod terminal;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use runs::{Ran, names, temporary};

/// Starts a session in a directory, without standard input.
fn command(dir: &Path) -> Command {
    let mut command = runs::command(dir);
    command.arg("repl");
    command
}

/// Runs a session with bytes on standard input.
fn feed(dir: &Path, words: &[&str], input: &[u8]) -> Ran {
    runs::feed(dir, &[&["repl"], words].concat(), input)
}

/// The output of a session, which must succeed without messages.
fn ok(dir: &Path, lines: &str) -> String {
    let ran = feed(dir, &[], lines.as_bytes());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{lines}");
    ran.out
}

/// The error output of a session, which must fail and print nothing else.
fn fails(dir: &Path, lines: &str) -> String {
    let ran = feed(dir, &[], lines.as_bytes());
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{lines}: {}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran.err
}

/// The number of errors in lines.
fn errors(err: &str) -> usize {
    err.lines().filter(|line| line.starts_with("line ") && line.contains(": error: ")).count()
}

#[test]
fn a_session() {
    let dir = temporary();
    let dir = dir.path();
    let lines = "\
        a = full(2, 1.5)\n\
        # a comment\n\
        \n\
        x = a * 2   # kept\n\
        x = x + 1\n\
        k = 0.5\n\
        x * k, sum(x)\n\
        low = min(x); high = max(x)\n\
        high - low\n\
        :save x y.npy\n\
        :load again=y.npy\n\
        :vars\n";
    let expected = "\
        f64 (2,)\n[2. 2.]\n\n\
        8.0\n\
        0.0\n\
        again: f64 (2,)\n\
        a: f64 (2,)\nagain: f64 (2,)\nhigh: f64 ()\nk = 0.5\nlow: f64 ()\nx: f64 (2,)\n";
    assert_eq!(ok(dir, lines), expected);
    assert_eq!(names(dir), ["y.npy"]);

    let out = feed(dir, &["a=y.npy"], b":explain a + 1\n:functions sin\n:help\n:quit\nsine(a)\n");
    assert_eq!((out.code, out.err.as_str()), (Some(0), ""));
    assert!(out.out.contains("input 0 is a: f64") && out.out.contains("sin(x)\n"), "{}", out.out);
}

#[test]
fn arrays_are_made_where_they_are_needed() {
    let dir = temporary();
    let lines = "\
        linspace(0, 1, 5)\n\
        n = 3\n\
        x = arange(n); x**2\n\
        zeros((2, n), dtype=i8) + 1\n\
        :seed 42\n\
        a = random(4)\n\
        :seed 42\n\
        all(a == random(4)), any(a == random(4)), all(a == random(4, seed=42))\n\
        sum(normal(1000, mean=5, std=0.1)) / 1000\n";
    let out = ok(dir.path(), lines);
    let (exact, mean) = out.trim_end().rsplit_once('\n').expect("lines");
    let expected = "\
        f64 (5,)\n[0.   0.25 0.5  0.75 1.  ]\n\
        i64 (3,)\n[0 1 4]\n\
        i8 (2, 3)\n[[1 1 1]\n [1 1 1]]\n\
        True\nFalse\nTrue";
    assert_eq!(exact, expected);
    let mean: f64 = mean.parse().expect("a number");
    assert!((mean - 5.0).abs() < 0.02, "{mean}");

    let error = fails(dir.path(), "1 + zeros(10**12)\n");
    assert!(error.contains("memory") && error.contains("1 | 1 + zeros(10**12)\n"), "{error}");
    let error = fails(dir.path(), "full(ones(2), 1)\n");
    assert!(error.contains("an array cannot be made inside an argument"), "{error}");
    assert!(error.contains("1 | full(ones(2), 1)\n  |      ^^^^^^^"), "{error}");
    let error = fails(dir.path(), "ones(3) + ones(2)\n");
    assert!(error.contains("the shapes of ones(3) (3,) and ones(2) (2,)"), "{error}");
    let many = "1,".repeat(200);
    let error = fails(dir.path(), &format!("zeros(({many}))\n"));
    assert!(error.contains("zeros(...)") && error.len() < 400, "{error}");
    let error = fails(dir.path(), &format!("zeros(3{}, 4)\n", " ".repeat(100_000)));
    assert!(error.contains("too many arguments"), "{error}");
    let error = fails(dir.path(), "ones(2 + sine(3))\n");
    assert!(error.contains("1 | ones(2 + sine(3))\n  |          ^^^^"), "{error}");
}

/// The internal name of an array that a text makes hides no variable, neither in the text nor in a
/// function.
#[test]
fn arrays_that_are_made_hide_no_variable() {
    let dir = temporary();
    let lines = "_0 = 100\ndef f(x) = x + _0\nf(ones(3))\n_1 = 7\nf(ones(1)) + _1 * ones(1)\n";
    assert_eq!(ok(dir.path(), lines), "f64 (3,)\n[101. 101. 101.]\nf64 (1,)\n[108.]\n");
    let error = fails(dir.path(), "def f(x) = x + _0\nf(ones(3))\n");
    assert!(error.contains("there is no variable '_0'"), "{error}");
}

#[test]
fn functions_stay_and_errors_point_into_the_line() {
    let dir = temporary();
    let lines = "\
        def bps(x, y) = 1e4 * x / y\n\
        def rel(x) = bps(x, half(4)); def half(x) = x * k\n\
        k = 0.5\n\
        rel(1)\n\
        k = 1\n\
        rel(1)\n\
        def half(x) = x / 4\n\
        rel(1)\n\
        def zeros(x) = x + 1\n\
        zeros(1)\n\
        :vars\n";
    let expected = "\
        5000.0\n2500.0\n10000.0\n2\n\
        k = 1\n\
        def bps(x, y) = 1e4 * x / y\ndef rel(x) = bps(x, half(4))\ndef half(x) = x / 4\n\
        def zeros(x) = x + 1\n";
    assert_eq!(ok(dir.path(), lines), expected);

    let error = fails(dir.path(), "y = 1; def f(x) = x + ones(2)\n");
    assert!(error.contains("1 | y = 1; def f(x) = x + ones(2)\n"), "{error}");
    assert!(
        error.contains("a function cannot make arrays") && error.contains("^^^^^^^"),
        "{error}"
    );
    let error = fails(dir.path(), "def f(x) = x + 1\n1 + f(sine(2))\n");
    assert!(error.contains("1 | 1 + f(sine(2))\n  |       ^^^^"), "{error}");
    let error = fails(dir.path(), "def f(x) = sine(x)\n");
    assert!(error.contains("1 | def f(x) = sine(x)\n  |            ^^^^"), "{error}");
    let error = fails(dir.path(), "def f(x) = x & 1\nk = 2\nf(k / 4)\n");
    assert!(error.contains("1 | def f(x) = x & 1\n  |            ^^^^^"), "{error}");
    let error = fails(dir.path(), "def f(x) = x\ndef g(x) = f(x)\ndef f(x) = g(x)\n");
    assert!(error.contains("'f' calls itself"), "{error}");
    let error = fails(dir.path(), "def f(x) = x * k\ndef g(x) = f(x)\n1 + g(2)\n");
    assert!(error.contains("there is no variable 'k', which 'f' reads"), "{error}");
    assert!(error.contains("1 | def f(x) = x * k\n  |                ^\n"), "{error}");
    let error = fails(dir.path(), "spread = 3\nk = 1; spred * 2\n");
    assert!(error.contains("1 | k = 1; spred * 2\n  |        ^^^^^"), "{error}");
    assert!(error.contains("did you mean 'spread'?"), "{error}");
}

#[test]
fn statements_of_a_line_follow_each_other() {
    let dir = temporary();
    let lines = "\
        x = arange(3)\n\
        x = x + 1; y = x * 2; x = x + y; x, y\n\
        def f(a) = a * k; k = 2; f(3)\n\
        m = 1; m = m + 1; m\n\
        2 * 21\n\
        _ + 1\n";
    let expected = "\
        x: i64 (3,)\n[3 6 9]\n\ny: i64 (3,)\n[2 4 6]\n\
        6\nm: 2\n42\n43\n";
    assert_eq!(ok(dir.path(), lines), expected);
    // Values computed from numbers are numbers, also through functions, and adopt the other
    // operand's dtype.
    let lines = "third = 1 / 3\nf32(third)\nx = ones(1, dtype=f32)\nx * third\n";
    assert!(ok(dir.path(), lines).ends_with("f32 (1,)\n[0.33333334]\n"));
    let half = "def half(x) = x / 2\nk = half(3)\nones(1, dtype=f32) * k\n";
    assert_eq!(ok(dir.path(), half), "f32 (1,)\n[1.5]\n");
    let beside = "x = ones(2); k = 3 / 2; y = x * k; k2 = k * 2\nones(1, dtype=f32) * k * k2\n";
    assert_eq!(ok(dir.path(), beside), "f32 (1,)\n[4.5]\n");
    let strong = "x = ones(2); k = sum(x); k2 = k * 2\nones(1, dtype=f32) * k2\n";
    assert_eq!(ok(dir.path(), strong), "f64 (1,)\n[4.]\n");
    let wide = "def wide(x) = f64(x)\ndef w(x) = wide(x)\nk = w(3)\nones(1, dtype=f32) * k\n";
    assert_eq!(ok(dir.path(), wide), "f64 (1,)\n[3.]\n");
}

#[test]
fn lines_go_on_until_they_make_sense() {
    let dir = temporary();
    let lines = "\
        (1 +\n\
        2)\n\
        def f(x) =\n\
        x * 2\n\
        f(\n\
        3\n\
        )\n\
        zeros((2,\n\
        1))\n\
        1 +\n\
        # nothing yet\n\
        2\n";
    let expected = "3\n6\nf64 (2, 1)\n[[0.]\n [0.]]\n3\n";
    assert_eq!(ok(dir.path(), lines), expected);
    // A blank line, or the end of the input, ends an incomplete text.
    let ran = feed(dir.path(), &[], b"(1 +\n\n2\n(3");
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "2\n"));
    assert_eq!(ran.err.matches("`(` is never closed").count(), 2, "{}", ran.err);
}

/// The time for reading many lines is linear, whether brackets or operators continue them.
#[test]
fn a_text_of_many_lines_takes_no_longer_than_a_long_one() {
    let dir = temporary();
    let many = "1 +\n".repeat(20_000);
    let start = std::time::Instant::now();
    let text = format!("{many}1\nx = 2\nsum(x +\n{many}1)\n:vars\n1 +\n:quit\n");
    let ran = feed(dir.path(), &[], text.as_bytes());
    assert_eq!(ran.out, "20001\n20003\nx = 2\n");
    assert!(ran.err.starts_with("line 40006: error: unexpected end"), "{}", ran.err);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

/// A line may hold as many statements as fit its maximum length.
#[test]
fn many_statements_of_a_line_are_taken_one_by_one() {
    let dir = temporary();
    let lines =
        format!("b = 1\n{}b\n{}x\n", "b = b + 1; ".repeat(2000), "x = ones(1); ".repeat(20_000));
    let start = std::time::Instant::now();
    assert_eq!(ok(dir.path(), &lines), "b: 2001\nx: f64 (1,)\n[1.]\n");
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn errors_of_a_script_name_its_line() {
    let dir = temporary();
    let lines = "x = 3\n1 +\nsine(\n2)\n# nothing\n:nope\nnope\n";
    let ran = feed(dir.path(), &[], lines.as_bytes());
    let lines: Vec<&str> = ran.err.lines().filter(|line| line.contains("error: ")).collect();
    let want = [
        "line 3: error: unknown function 'sine'",
        "line 6: error: there is no command \"nope\"",
        "line 7: error: there is no variable 'nope'",
        "error: not every line could be evaluated",
    ];
    assert_eq!(lines, want);
}

/// Spellings from other languages get a hint how to write them in a session.
#[test]
fn hints_are_those_of_a_session() {
    let dir = temporary();
    for (lines, about) in [
        ("x = 1\nx += 1\n", "help: write x = x + ...\n"),
        ("total = 1\nx = 1; total //= 2\n", "help: write total = total // ...\n"),
        ("x = 1\nx := 2\n", "help: write `=`\n"),
        ("x = ones(2)\n:plot x > 3\n", "put in parentheses: (x > 3)\n"),
        (":hist arange(9) * 2 -o a.svg\n", "put in parentheses: (arange(9) * 2)\n"),
        (":explain nope + 1\n", "there is no variable 'nope'"),
        (":explain\n", "write ':explain PROGRAM'"),
        (":load if=3\n", "\"if\" cannot be the name"),
        (":load True=4\n", "\"True\" cannot be the name"),
        (":vars x\n", "':vars' stands alone"),
        (":quit now\n", "':quit' stands alone"),
        (":help nope\n", "there is no help on \"nope\""),
        ("zeros(3) = 4\n", "1 | zeros(3) = 4\n  | ^^^^^^^^"),
        ("def g(zeros(3)) = 1\n", "  |       ^^^^^^^^"),
        ("zeros(3)(2)\n", "zeros(3)"),
        ("def ones(n) = ones(3) + n\n", "  | ^^^^^^^^\n"),
    ] {
        let error = fails(dir.path(), lines);
        assert!(error.contains(about), "{lines}: {error}");
    }
    // Commands without a colon, and hints that differ from those of a shell.
    for (lines, about) in [
        ("functions\n", "= help: a command has a colon: ':functions'\n"),
        ("plot x, sin(x)\n", "= help: a command has a colon: ':plot x, sin(x)'\n"),
        ("qqqqq(1)\n", "= help: ':functions' lists what there is\n"),
        (":functions qqqqq\n", "= help: ':functions' lists what there is\n"),
    ] {
        let error = fails(dir.path(), lines);
        assert!(error.contains(about) && error.matches("= help").count() == 1, "{lines}: {error}");
    }
    assert_eq!(ok(dir.path(), "vars = 2\nvars\n"), "vars: 2\n");
    assert!(ok(dir.path(), ":functions\n").ends_with("\n':functions NAME' says more of one.\n"));
    let failed = feed(dir.path(), &[], b"zeros(3) = 4\nzeros(3)(2)\n:vars\n");
    assert!(failed.out.is_empty() && !failed.err.contains('_'), "{} {}", failed.out, failed.err);
    // The last value is kept, unless it is large.
    let ran = feed(dir.path(), &[], b"1\n_ + 1\nones(10**7)\n_\n");
    assert!(ran.out.starts_with("1\n2\nf64 (10000000,)\n"), "{}", ran.out);
    assert!(ran.err.contains("unless that has more than 64 MB"), "{}", ran.err);
    assert_eq!(ok(dir.path(), "zeros(2, f32)\n"), "f32 (2,)\n[0. 0.]\n");
    let vars = ":vars                 the variables and functions of this session\n";
    assert_eq!(ok(dir.path(), ":help vars\n:help :vars\n"), vars.repeat(2));
}

#[test]
fn h4_one_of_several_files_cannot_be_written() {
    let dir = temporary();
    fs::create_dir_all(dir.path().join("d/y.npy")).expect("a directory");
    fs::write(dir.path().join("d/x.npy"), "old").expect("a file");
    let error = fails(dir.path(), "x = 1\ny = 2\n:save x y d/\n");
    assert!(error.contains("d/y.npy"), "{error}");
    assert_eq!(fs::read(dir.path().join("d/x.npy")).expect("a file"), b"old");
    assert_eq!(names(&dir.path().join("d")), ["x.npy", "y.npy"]);
}

/// `~` is the home directory in every file name.
#[test]
fn the_home_is_a_tilde() {
    let dir = temporary();
    let lines = "x = arange(3)\n:save x ~/x.npy\n:load y=~/x.npy\n:load '~/x.npy'\n\
                 :plot x -o ~/x.svg\n";
    let mut child = command(dir.path());
    child.env("HOME", dir.path()).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().expect("the command starts");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
    let ran = Ran::from(child.wait_with_output().expect("the command ends"));
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "y: i64 (3,)\nx: i64 (3,)\n"));
    assert_eq!(names(dir.path()), ["x.npy", "x.svg"]);
}

#[test]
fn what_people_type_to_leave() {
    let dir = temporary();
    for word in ["exit", "quit()", ":quit", ":q"] {
        assert_eq!(ok(dir.path(), &format!("{word}\n1\n")), "", "{word}");
    }
    assert!(ok(dir.path(), "help\n").contains(":explain"), "help");
    assert_eq!(ok(dir.path(), "exit = 7\nexit\n"), "exit: 7\n");
}

#[test]
fn archives_and_tables_come_and_go() {
    let dir = temporary();
    let dir = dir.path();
    fs::write(dir.join("my ticks.csv"), "time,bid size,up\n1,2.5,True\n2,,False\n")
        .expect("a file");
    let lines = "\
        :load 'my ticks.csv'\n\
        :save time bid_size up all.npz\n\
        :save time up t.csv\n\
        :load all.npz\n\
        :load one=all.npz:bid_size two=t.csv:time\n\
        two + one\n";
    let columns = "time: i64 (2,)\nbid_size: f64 (2,)\nup: bool (2,)\n";
    let expected = format!("{columns}{columns}one: f64 (2,)\ntwo: i64 (2,)\nf64 (2,)\n[3.5 nan]\n");
    assert_eq!(ok(dir, lines), expected);
    let table = fs::read_to_string(dir.join("t.csv")).expect("a table");
    assert_eq!(table, "time,up\n1,True\n2,False\n");
    let ran = feed(dir, &["b=all.npz:bid_size"], b"b\n");
    assert_eq!(ran.out, "b: f64 (2,)\n[2.5 nan]\n");
    let error =
        fails(dir, ":load x=all.npz\n:load all.npz:none\n:load x=t.csv:none\n:load no.npz\n");
    assert_eq!(errors(&error), 4, "{error}");
    assert!(error.contains("time, bid_size, up"), "{error}");
    // Nothing is loaded from a file with an error.
    fs::write(dir.join("bad.csv"), "a,b\n1,2\n3\n").expect("a file");
    let ran = feed(dir, &[], b":load bad.csv\n:vars\n");
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("bad.csv") && ran.err.contains("line 3 has 1 field,"), "{}", ran.err);
    let error =
        fails(dir, "x = zeros((2, 2)); y = ones(3)\n:save x z.csv\n:save x y z.npy\n:save x\n");
    assert!(error.contains("2 axes") && error.contains("several variables"), "{error}");
    assert!(!names(dir).iter().any(|name| name.starts_with('z')));
}

/// The contents of `np.savez_compressed("x.npz", a=np.zeros(1000), b=np.arange(3, dtype="i4"))`.
fn deflated() -> Vec<u8> {
    use zip::write::SimpleFileOptions;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let mut member = |name: &str, descr: &str, n: usize, data: &[u8]| {
        archive.start_file(name, options).expect("a member");
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({n},), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        archive.write_all(&bytes).expect("memory");
    };
    member("a.npy", "<f8", 1000, &[0; 8000]);
    member("b.npy", "<i4", 3, &[0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
    archive.finish().expect("memory").into_inner()
}

#[test]
fn deflated_archives_are_read() {
    let dir = temporary();
    let bytes = deflated();
    assert!(bytes.len() < 1000, "{}", bytes.len());
    fs::write(dir.path().join("x.npz"), bytes).expect("a file");
    let out = ok(dir.path(), ":load x.npz\nsum(a), b\n");
    assert_eq!(out, "a: f64 (1000,)\nb: i32 (3,)\n0.0\n\nb: i32 (3,)\n[0 1 2]\n");
}

/// A truncated archive is an error. One with a changed byte is an error or, if the byte holds no
/// data, gives the original arrays.
#[test]
fn h1_damaged_archives_are_arrays_or_errors() {
    let dir = temporary();
    let whole = deflated();
    let mut archives: Vec<(String, Vec<u8>)> =
        (0..whole.len()).map(|end| (format!("cut at {end}"), whole[..end].to_vec())).collect();
    for at in 0..whole.len() {
        for byte in [0xff, whole[at] ^ 1, whole[at] ^ 0x80] {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            archives.push((format!("byte {at} is {byte}"), bytes));
        }
    }
    let mut lines = String::new();
    for (i, (_, bytes)) in archives.iter().enumerate() {
        fs::write(dir.path().join(format!("{i}.npz")), bytes).expect("a file");
        // If loading fails, these values remain.
        lines += "a = full(1, 7.0); b = full(1, 7)\n";
        lines += &format!(":load {i}.npz\nsum(a * a + a), b\n");
    }
    let ran = feed(dir.path(), &[], lines.as_bytes());
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    let printed: Vec<&str> = ran.out.lines().collect();
    // The output for each archive ends with the values of `a` and `b`.
    let each = printed.split_inclusive(|line| ["[7]", "[0 1 2]"].contains(line));
    let each: Vec<&[&str]> = each.collect();
    assert_eq!(each.len(), archives.len(), "the session goes on: {}", ran.err);
    let (mut sound, mut errors) = (0, 0);
    for ((i, (about, _)), printed) in archives.iter().enumerate().zip(each) {
        let (loaded, values) = printed.split_at(printed.len() - 4);
        let name = format!("\"{i}.npz\"");
        let failed = ran.err.lines().any(|line| line.contains(&name) && line.contains("error: "));
        match loaded {
            [] => assert!(failed, "{about}: neither an array nor an error"),
            _ => assert!(!failed, "{about}: {loaded:?}, and an error"),
        }
        assert!(!about.starts_with("cut") || failed, "{about}: {loaded:?}");
        let is = |line| loaded.contains(&line);
        let a = if is("a: f64 (1000,)") { "0.0" } else { "56.0" };
        let b = if is("b: i32 (3,)") { ["b: i32 (3,)", "[0 1 2]"] } else { ["b: i64 (1,)", "[7]"] };
        assert_eq!(values, [a, "", b[0], b[1]], "{about}");
        sound += usize::from(a == "0.0" && b[1] == "[0 1 2]");
        errors += usize::from(failed);
    }
    assert!(sound > 100 && errors > 2 * whole.len(), "{sound} are sound, {errors} errors");
}

/// Archives with false sizes and counts.
#[test]
fn h1_declared_sizes_are_not_believed() {
    let dir = temporary();
    let mut bytes = deflated();
    // The header of the first member claims 10^15 elements, for which there is no data.
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    archive.start_file("a.npy", options).expect("a member");
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,), }\n";
    let length = (header.len() as u16).to_le_bytes();
    archive
        .write_all(&[b"\x93NUMPY\x01\x00", &length[..], header.as_bytes()].concat())
        .expect("memory");
    fs::write(dir.path().join("a.npz"), archive.finish().expect("memory").into_inner())
        .expect("a file");
    // The central directory claims a size of 4 GiB less one byte for every member.
    let entries: Vec<usize> =
        (0..bytes.len() - 4).filter(|i| &bytes[*i..i + 4] == b"PK\x01\x02").collect();
    entries.iter().for_each(|at| bytes[at + 24..at + 28].fill(0xfe));
    fs::write(dir.path().join("b.npz"), bytes).expect("a file");
    // The end record claims more entries than there are bytes.
    let mut bytes = b"PK\x06\x06".to_vec();
    bytes.extend(44u64.to_le_bytes());
    bytes.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([0xffu8, 0xff, 0xff, 0xff, 0xff, 0, 0, 0].repeat(3));
    bytes.extend(0u64.to_le_bytes());
    bytes.extend(b"PK\x06\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0");
    bytes.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    fs::write(dir.path().join("c.npz"), bytes).expect("a file");
    let ran = feed(dir.path(), &[], b":load a.npz\n:load b.npz\n:load c.npz\n6 * 7\n");
    assert!(ran.out.ends_with("42\n"), "{}", ran.err);
    assert!(ran.err.contains("a.npz") && ran.err.contains("c.npz"), "{}", ran.err);
}

#[test]
fn programs_are_timed() {
    let dir = temporary();
    let out = ok(
        dir.path(),
        "x = ones(1000); k = 2\ndef f(x) = x * k\n:time f(x) + 1\n:threads 1\n:time sum(x)\n",
    );
    assert_eq!(out.matches("compile  ").count(), 2, "{out}");
    assert_eq!(out.matches(" 1000 elements at ").count(), 2, "{out}");
    assert!(out.contains(" GB/s read and written\n"), "{out}");
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        // More elements are computed than any array has.
        let lines =
            "x = ones((400, 1)); y = ones(500)\n:time sum(x + y)\n:time sum(y[:, None] - y)\n";
        let out = ok(dir.path(), lines);
        assert!(out.contains(" 200000 elements at ") && out.contains(" 250000 elements"), "{out}");
    }
    let error =
        fails(dir.path(), ":time\n:time nope + 1\n:threads 0\n:seed x\n:tiem 1\n:seed -1\n");
    assert!(error.contains("did you mean ':time'?"), "{error}");
    assert!(error.contains("':seed N' takes a number of at least 0, not -1"), "{error}");
    assert_eq!(errors(&error), 6, "{error}");
}

#[test]
fn a_session_survives_any_line() {
    let dir = temporary();
    let dir = dir.path();
    let long = [&b"1"[..], &b"+1".repeat(5_000_000), b"\n2 + 2\n"].concat();
    let ran = feed(dir, &[], &long);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "4\n"));
    assert!(ran.err.contains("a line of more than 1MiB"), "{}", ran.err);

    let lines = b"\xff\xfe\n1 + *\n= 3\nx\n:load x\n:load x=no.npy\n:save\n:save x y\n:nope\n:explain\n\0\nx = 1, 2\n:save q a\0b\ndef\n\n_\n'\nzeros(zeros(1))\ndef f(x) = zeros(x)\n:\n3 * 2";
    let ran = feed(dir, &[], lines);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "6\n"));
    assert!(ran.err.contains("not UTF-8 at byte 0"), "{}", ran.err);
    assert!(!ran.err.contains("panicked") && !ran.err.contains("internal"), "{}", ran.err);
    assert_eq!(errors(&ran.err), 19, "{}", ran.err);
    assert_eq!(names(dir), [""; 0]);

    let ran = feed(dir, &[], b"q = 1\n:save q a\0b.npy\n");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("cannot write"), "{}", ran.err);
    let nothing = Ran { code: Some(0), out: String::new(), err: String::new() };
    assert_eq!(feed(dir, &[], b""), nothing);
}

/// Random sequences of words of the session.
#[test]
fn a_session_survives_random_lines() {
    let seed = 0x5eed_u64;
    let mut state = seed;
    let mut next = |n: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let words = [
        "x",
        "y",
        "_",
        "k",
        "f",
        "zeros",
        "arange",
        "linspace",
        "normal",
        "full",
        "(",
        ")",
        "[",
        "]",
        ",",
        ";",
        "=",
        "def ",
        "+",
        "*",
        "**",
        "-",
        "3",
        "0.5",
        "(2, 3)",
        "'",
        "#",
        ":",
        ":plot ",
        ":hist ",
        ":vars",
        ":seed ",
        ":explain ",
        "sum",
        "sin",
        "\u{e9}",
        " ",
        "if",
        "else",
        "True",
        "_0",
        "axis=0",
        "dtype=f32",
        "seed=1",
        "x = ",
        "y = x",
        "def f(x) = ",
    ];
    let mut lines = String::new();
    for _ in 0..2000 {
        for _ in 0..1 + next(9) {
            lines += words[next(words.len())];
        }
        lines.push('\n');
    }
    lines += "\n6 * 7\n";
    let dir = temporary();
    let ran = feed(dir.path(), &[], lines.as_bytes());
    assert!(ran.out.ends_with("42\n"), "seed {seed:#x}: {}", ran.err);
    assert!(!ran.err.contains("panicked") && !ran.err.contains("internal error"), "{}", ran.err);
}

#[test]
fn words_of_other_shells_do_what_people_mean() {
    let dir = temporary();
    let sin = ok(dir.path(), ":functions sin\n");
    assert!(sin.starts_with("sin(x)\n"), "{sin}");
    for line in ["sin?", "?sin", "help sin", "help(sin)", ":help sin", ":functions sin"] {
        assert_eq!(ok(dir.path(), &format!("{line}\n")), sin, "{line}");
    }
    let help = ok(dir.path(), ":help\n");
    for line in ["?", "help", "help()", ":?"] {
        assert_eq!(ok(dir.path(), &format!("{line}\n")), help, "{line}");
    }
    assert!(help.lines().count() < 24, "{help}");
    for line in ["q", "q()", "exit", "quit"] {
        assert_eq!(ok(dir.path(), &format!("1\n{line}\n2\n")), "1\n", "{line}");
    }
    assert_eq!(ok(dir.path(), "q = 5\nq\n"), "q: 5\n");
    assert!(ok(dir.path(), ":functions random\n").contains("random(shape"));
    assert!(ok(dir.path(), ":functions arc*\n").contains("arctan2(y, x)"));
    assert!(fails(dir.path(), ":functions sine\n").contains("did you mean 'sin'"));
}

#[test]
fn extents_may_be_whole_floats() {
    let dir = temporary();
    let out = ok(dir.path(), "count_nonzero(ones(1e3)), count_nonzero(random((1e1, 2.0)) >= 0)\n");
    assert_eq!(out, "1000\n20\n");
    assert!(fails(dir.path(), "zeros(1.5)\n").contains("an extent of zeros is not an integer"));
    assert!(fails(dir.path(), "zeros(1e300)\n").contains("an extent of zeros"));
}

#[test]
fn digits_are_those_of_the_command() {
    let dir = temporary();
    let lines = "x = linspace(0, 1, 4)\nx + 0\n:digits 3\nx + 0\n:digits\nx + 0\n";
    let long = "f64 (4,)\n[0.         0.33333333 0.66666667 1.        ]\n";
    let short = "f64 (4,)\n[0.    0.333 0.667 1.   ]\n";
    assert_eq!(ok(dir.path(), lines), [long, short, long].concat());
    let ran = feed(dir.path(), &["--digits", "3"], b"1 / 3\n");
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "0.333\n"));
    assert!(fails(dir.path(), ":digits 18\n").contains("':digits N' takes 1 to 17, not 18"));
}

#[test]
fn lines_of_a_file_are_run() {
    let dir = temporary();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("a file");
    write("a.hl", "x = 2 # a comment\ndef twice(v) =\n  2 * v\ntwice(x)\n:vars\n");
    let out = ok(dir.path(), ":run a.hl\nx + 1\n");
    assert_eq!(out, "4\nx = 2\ndef twice(v) =\n  2 * v\n3\n");
    write("b.hl", "y = 1\n\nsine(y)\ny = 2\n");
    let ran = feed(dir.path(), &[], b":run b.hl\ny\n");
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "y: 1\n"));
    assert!(ran.err.contains("error: b.hl:3: unknown function 'sine'\n"), "{}", ran.err);
    write("self.hl", ":run self.hl\n");
    assert!(fails(dir.path(), ":run self.hl\n").contains("16 files that run each other"));
    assert!(fails(dir.path(), ":run nope.hl\n").contains("cannot read \"nope.hl\""));
    assert!(fails(dir.path(), ":run\n").contains("write ':run FILE'"));
}
