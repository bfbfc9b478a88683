//! What the command reads: tables, archives, pipes; and what it says of files that it does not.

mod dispositions;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn command(dir: &Path, words: &[&str]) -> Command {
    dispositions::as_ever();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    command.current_dir(dir).args(words).stdin(Stdio::null());
    command
}

/// What a run says on standard error, and what it prints.
fn told(output: Output, code: i32) -> (String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "{err}");
    assert!(!err.contains("panicked"), "{err}");
    (err, out)
}

/// What a run prints that must succeed silently.
fn ok(dir: &Path, words: &[&str]) -> String {
    let (err, out) = told(command(dir, words).output().expect("it starts"), 0);
    assert_eq!(err, "", "{words:?}");
    out
}

/// What a run says that must fail with a code and print nothing.
fn fails(dir: &Path, code: i32, words: &[&str]) -> String {
    let (err, out) = told(command(dir, words).output().expect("it starts"), code);
    assert_eq!(out, "", "{words:?}");
    err
}

/// A run with bytes on standard input; what it says and prints.
fn feed(dir: &Path, code: i32, words: &[&str], input: &[u8]) -> (String, String) {
    let mut child = command(dir, words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // The command may stop reading before the end.
        scope.spawn(move || drop(stdin.write_all(input)));
        told(child.wait_with_output().expect("it ends"), code)
    })
}

fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(dir.join(name), bytes).expect("a file is written");
}

/// A file in NumPy's format.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).expect("a short header").to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn f64s(values: &[f64]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy("<f8", &format!("({},)", values.len()), &data)
}

/// An archive of members.
fn npz(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        archive.start_file(*name, options).expect("a member");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

/// Writes an array of so many bytes, all of them 0, as a file and as a deflated archive; piece by
/// piece, for what this process takes counts for its children.
#[cfg(target_os = "linux")]
fn zeros(dir: &Path, size: usize) {
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

/// Bytes with some of them replaced wherever they stand, by as many.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| bytes[*at..at + to.len()].copy_from_slice(to));
    bytes
}

const STORED: CompressionMethod = CompressionMethod::Stored;
const DEFLATED: CompressionMethod = CompressionMethod::Deflated;

/// The most memory that a run takes, which must succeed or fail with a code, in bytes.
#[cfg(target_os = "linux")]
#[expect(clippy::zombie_processes, reason = "`wait4` waits, and says what was used")]
fn peak(dir: &Path, code: i32, words: &[&str], input: Option<&Path>) -> u64 {
    let mut command = command(dir, words);
    if let Some(path) = input {
        let mut cat = Command::new("cat").arg(path).stdout(Stdio::piped()).spawn().expect("cat");
        command.stdin(cat.stdout.take().expect("a pipe"));
    }
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    // SAFETY: plain numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    let id = i32::try_from(child.id()).expect("a process");
    // SAFETY: the child is ours and not waited for elsewhere; the results go to live values.
    assert_eq!(unsafe { libc::wait4(id, &mut status, 0, &mut usage) }, id);
    assert_eq!(libc::WEXITSTATUS(status), code, "{words:?}");
    usage.ru_maxrss as u64 * 1024
}

#[test]
fn a_table_ends_where_its_file_does() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "s.csv", b"x\n1\n\x01\n5\n");
    let want = "line 3, column \"x\": a number is expected, but \"\\u{1}\"";
    assert_eq!(fails(dir, 1, &["x", "x=s.csv"]), format!("error: \"s.csv\": {want}\n"));
    write(dir, "t.csv", b"x,y\n1,2\n\x01\n4,5\n");
    for column in ["x", "y"] {
        let err = fails(dir, 1, &["v", &format!("v=t.csv:{column}")]);
        assert!(err.contains("line 3 has 1 field, and the table 2 columns"), "{err}");
    }
    write(dir, "u.csv", b"x,y\n1,\"2\n3,4\n");
    for column in ["x", "y"] {
        let err = fails(dir, 1, &["v", &format!("v=u.csv:{column}")]);
        assert_eq!(err, "error: \"u.csv\": a quote in line 2 is not closed\n");
    }
}

#[test]
fn a_file_without_a_name_gives_what_the_program_names() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "ticks.csv", "time,bid,ask,bid size\nnoon,1,3,5\none,2,6,7\n");
    let mid = "f64 (2,)\n[2. 4.]\n";
    assert_eq!(ok(dir, &["(bid + ask) / 2", "ticks.csv"]), mid);
    assert_eq!(ok(dir, &["bid_size * 2", "ticks.csv"]), "i64 (2,)\n[10 14]\n");
    // A name before it goes before the file's own.
    assert_eq!(ok(dir, &["(bid + ask) / 2", "ticks.csv", "bid=1"]), "f64 (2,)\n[2.  3.5]\n");
    write(dir, "more.tsv", "k\task\n10\t0\n20\t0\n");
    assert_eq!(ok(dir, &["bid + k", "ticks.csv", "more.tsv"]), "i64 (2,)\n[11 22]\n");
    let err = fails(dir, 1, &["ask + k", "ticks.csv", "more.tsv"]);
    assert!(err.contains("both \"ticks.csv\" and \"more.tsv\" have an array 'ask'"), "{err}");
    assert!(err.contains("choose one: ask=ticks.csv:ask"), "{err}");
    let err = fails(dir, 1, &["bid + asks", "ticks.csv"]);
    assert!(err.contains("missing the input 'asks'"), "{err}");
    assert!(err.contains("did you mean 'ask'?"), "{err}");
    assert!(err.contains("\"ticks.csv\" has time, bid, ask, bid size"), "{err}");
    let err = fails(dir, 1, &["t", "t=ticks.csv"]);
    assert!(err.contains("holds 4 arrays, not one"), "{err}");
    assert!(err.contains("as t=ticks.csv:time; or give ticks.csv alone"), "{err}");
    // An archive, one column, and an array that is called as its file.
    write(dir, "q.npz", npz(&[("bid.npy", &f64s(&[8.0])), ("no.npy", b"")], DEFLATED));
    assert_eq!(ok(dir, &["bid", "q.npz"]), "bid: f64 (1,)\n[8.]\n");
    assert_eq!(ok(dir, &["bid", "ticks.csv:bid"]), "bid: i64 (2,)\n[1 2]\n");
    write(dir, "x.npy", f64s(&[1.5]));
    assert_eq!(ok(dir, &["x + 1", "x.npy"]), "f64 (1,)\n[2.5]\n");
    let (err, _) = told(command(dir, &["x", "x.npy", "q.npz"]).output().expect("it starts"), 0);
    assert_eq!(err, "warning: the program reads nothing of \"q.npz\"\n");
    let (err, out) = feed(dir, 0, &["repl", "q.npz:bid", "ticks.csv:ask"], b"bid + ask\n");
    assert_eq!((&*err, &*out), ("", "f64 (2,)\n[11. 14.]\n"));
}

/// Columns come of one reading: of a pipe there is no second.
#[cfg(unix)]
#[test]
fn a_table_is_read_once() {
    let dir = temporary();
    let dir = dir.path();
    let made = Command::new("mkfifo").arg(dir.join("p.csv")).status().expect("mkfifo");
    assert!(made.success());
    let path = dir.join("p.csv");
    std::thread::scope(|scope| {
        scope.spawn(|| fs::write(path, "a,b,c,d\n1,2,3,4\n"));
        let program = ["a + b + c + d + e", "p.csv", "e=p.csv:d"];
        assert_eq!(ok(dir, &program), "i64 (1,)\n[14]\n");
    });
}

#[test]
fn tables_of_any_dialect() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "s.csv", "x|y\n1|2,5\n");
    let words = ["x + y", "s.csv", "--sep", "|", "--decimal-comma"];
    assert_eq!(ok(dir, &words), "f64 (1,)\n[3.5]\n");
    let err = fails(dir, 1, &["y", "y=s.csv:y", "--sep=|"]);
    assert!(err.contains("`--decimal-comma` reads 2,5 as two and a half"), "{err}");
    let err = fails(dir, 2, &["y", "y=s.csv:y", "--sep", "ab"]);
    assert!(err.contains("--sep takes one character such as ';', or tab, or blank"), "{err}");
    write(dir, "n.csv", "1,2\n3,4\n");
    assert_eq!(ok(dir, &["column_1 + column_2", "n.csv"]), "i64 (2,)\n[3 7]\n");
    let err = fails(dir, 1, &["x", "x=n.csv:1"]);
    assert!(err.contains("its first line is taken for values; `--header`"), "{err}");
    assert_eq!(ok(dir, &["x", "x=n.csv:1", "--header"]), "x: i64 (1,)\n[3]\n");
    write(dir, "w.csv", "a,b\n");
    let err = fails(dir, 1, &["column_1", "w.csv", "--no-header"]);
    assert!(err.contains("line 1, column \"column_1\": a number is expected"), "{err}");
    write(dir, "16.csv", b"\xff\xfea\0,\0b\0\n\0");
    let err = fails(dir, 1, &["x", "x=16.csv"]);
    assert!(err.contains("it is UTF-16, and only UTF-8 is read"), "{err}");
    assert!(err.contains("save it as UTF-8"), "{err}");
    let lines = b":load --sep | --decimal-comma s.csv\n:load --no-header z=n.csv:#2\nx + y, z\n";
    let (err, out) = feed(dir, 0, &["repl"], lines);
    assert_eq!(err, "");
    assert_eq!(
        out,
        "x: i64 (1,)\ny: f64 (1,)\nz: i64 (2,)\nf64 (1,)\n[3.5]\n\nz: i64 (2,)\n[2 4]\n"
    );
    let (err, _) = feed(dir, 1, &["repl"], b":load --seb ; s.csv\n");
    assert!(err.contains("has no option --seb"), "{err}");
    // With tabs, as it is called.
    ok(dir, &["x, y", "s.csv", "--sep", "|", "--decimal-comma", "-o", "o.tsv"]);
    assert_eq!(fs::read(dir.join("o.tsv")).unwrap(), b"x\ty\n1\t2.5\n");
}

#[test]
fn integers_of_64_bits_come_back() {
    let dir = temporary();
    let dir = dir.path();
    let data: Vec<u8> = [u64::MAX, 1 << 63, 7].iter().flat_map(|x| x.to_le_bytes()).collect();
    write(dir, "u.npy", npy("<u8", "(3,)", &data));
    ok(dir, &["u", "u.npy", "-o", "u.csv"]);
    ok(dir, &["u", "u.csv", "-o", "v.npy"]);
    let again = fs::read(dir.join("v.npy")).unwrap();
    assert!(again.ends_with(&data) && again.windows(3).any(|text| text == b"<u8"));
}

#[test]
fn names_that_are_the_same_or_no_text() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "d.csv", "x,y,x\n1,2,3\n");
    for words in [&["x", "x=d.csv:x"][..], &["x", "d.csv"]] {
        let err = fails(dir, 1, words);
        assert!(err.contains("\"d.csv\" has several arrays called \"x\""), "{err}");
        assert!(err.contains("take one by its number: d.csv:#1 or d.csv:#3"), "{err}");
    }
    assert_eq!(ok(dir, &["x", "x=d.csv:#3"]), "x: i64 (1,)\n[3]\n");
    assert_eq!(ok(dir, &["y", "d.csv"]), "y: i64 (1,)\n[2]\n");
    for number in ["#0", "#4", "#", "#-1"] {
        fails(dir, 1, &["x", &format!("x=d.csv:{number}")]);
    }
    let twice = npz(&[("x.npy", &f64s(&[1.0])), ("y.npy", &f64s(&[2.0]))], STORED);
    write(dir, "d.npz", replaced(twice, b"y.npy", b"x.npy"));
    for words in [["x", "x=d.npz:x"], ["x", "d.npz"]] {
        let err = fails(dir, 1, &words);
        assert!(err.contains("\"d.npz\" has several members of one name"), "{err}");
        assert!(err.contains("np.savez"), "{err}");
    }
    write(dir, "l.csv", b"pr\xe9ce,q\n1.5,2\n");
    let err = fails(dir, 1, &["p", "p=l.csv:price"]);
    assert!(err.contains("has pr\\xe9ce, q; take one by its number, l.csv:#1"), "{err}");
    assert!(!err.contains('\u{fffd}'), "{err}");
    assert_eq!(ok(dir, &["p", "p=l.csv:#1"]), "p: f64 (1,)\n[1.5]\n");
}

#[test]
fn archives_that_are_not_as_they_should_be() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "e.npz", npz(&[], STORED));
    assert_eq!(fails(dir, 1, &["x", "x=e.npz"]), "error: \"e.npz\" holds no arrays\n");
    // The compression method stands in both headers of a member.
    let mut bzip = npz(&[("x.npy", &f64s(&[1.0]))], DEFLATED);
    let at = (0..bzip.len()).find(|at| bzip[*at..].starts_with(b"PK\x01\x02")).unwrap();
    (bzip[8], bzip[at + 10]) = (12, 12);
    write(dir, "b.npz", bzip);
    let err = fails(dir, 1, &["x", "x=b.npz"]);
    let want = "error: \"b.npz\": member \"x.npy\": bzip2 is not supported\n  = help: save it with \
                np.savez or np.savez_compressed\n";
    assert_eq!(err, want);
    for end in [30, 100, 200] {
        let whole = npz(&[("x.npy", &f64s(&[1.0; 20]))], STORED);
        write(dir, "c.npz", &whole[..end]);
        let err = fails(dir, 1, &["x", "x=c.npz"]);
        assert!(
            err.contains("it is no .npz archive, or one that is cut short or damaged"),
            "{err}"
        );
        assert!(!err.contains("::"), "{err}");
    }
    // What is no array, or one of text, does not keep the others from being loaded.
    let members: [(&str, &[u8]); 3] = [
        ("readme.txt", b"by hand"),
        ("a.npy", &f64s(&[7.0])),
        ("s.npy", &npy("<U1", "(1,)", b"a\0\0\0")),
    ];
    write(dir, "mix.npz", npz(&members, DEFLATED));
    let (err, out) = feed(dir, 0, &["repl"], b":load mix.npz\n");
    assert_eq!(out, "a: f64 (1,)\n");
    let lines: Vec<&str> = err.lines().collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.ends_with("; it is left out")));
    assert!(lines[0].contains("readme.txt") && lines[1].contains("strings"), "{err}");
    assert_eq!(ok(dir, &["a", "mix.npz"]), "a: f64 (1,)\n[7.]\n");
    // An array that says so and is damaged is an error.
    write(dir, "bad.npz", npz(&[("a.npy", b"nothing"), ("b.npy", &f64s(&[1.0]))], DEFLATED));
    let (err, out) = feed(dir, 1, &["repl"], b":load bad.npz\n");
    assert!(out.is_empty() && err.contains("not an .npy file"), "{err}");
}

/// A member that is stored is read where it lies, in pieces, as a file is; of other layouts too.
#[test]
fn stored_members_need_not_fit_memory() {
    let dir = temporary();
    let dir = dir.path();
    let values: Vec<f64> = (0..100_000).map(f64::from).collect();
    let swapped: Vec<u8> = [1i16, -2].iter().flat_map(|x| x.to_be_bytes()).collect();
    let fortran = npy("<f8", "(2, 2)", &f64s(&[1.0, 2.0, 3.0, 4.0])[f64s(&[0.0; 4]).len() - 32..]);
    let fortran = replaced(fortran, b"'fortran_order': False", b"'fortran_order': True ");
    let members: [(&str, &[u8]); 3] = [
        ("x.npy", &f64s(&values)),
        ("big.npy", &npy(">i2", "(2,)", &swapped)),
        ("f.npy", &fortran),
    ];
    write(dir, "s.npz", npz(&members, STORED));
    let few = ["--memory", "64KiB"];
    assert_eq!(ok(dir, &[&["sum(x)", "s.npz"][..], &few].concat()), "4999950000.0\n");
    assert_eq!(ok(dir, &["big", "s.npz"]), "big: i16 (2,)\n[ 1 -2]\n");
    assert_eq!(ok(dir, &["f[0]", "s.npz"]), "f64 (2,)\n[1. 3.]\n");
    // The result may replace what it is made of.
    ok(dir, &[&["y = x + 1", "s.npz", "-o", "s.npz"][..], &few].concat());
    assert_eq!(ok(dir, &["sum(y)", "s.npz"]), "5000050000.0\n");
    write(dir, "d.npz", npz(&members, DEFLATED));
    let err = fails(dir, 1, &[&["sum(x)", "d.npz"][..], &few].concat());
    let want =
        "error: \"d.npz\": member \"x.npy\" would take 800 kB of memory, but --memory is 64KiB\n";
    assert!(err.starts_with(want), "{err}");
    assert!(err.contains("help: raise --memory to 782KiB or more"), "{err}");
}

/// A member that promises gigabytes is refused before anything is made of them.
#[cfg(target_os = "linux")]
#[test]
fn h1_a_bomb_is_refused_by_its_header() {
    let dir = temporary();
    let dir = dir.path();
    zeros(dir, 64 << 20);
    let header = npy("<f8", "(402653184,)", &[]);
    write(dir, "bomb.npz", npz(&[("x.npy", &header)], DEFLATED));
    let err = fails(dir, 1, &["sum(x)", "x=bomb.npz"]);
    assert!(err.contains("would take 3.22 GB of memory, but --memory is 1GiB"), "{err}");
    assert!(err.contains("raise --memory to 3072MiB or more"), "{err}");
    // Nothing of the data is made: what is refused takes as little as nothing at all.
    let (base, few) = (peak(dir, 0, &["1 + 1"], None), ["sum(x)", "x=x.npz", "--memory", "32MiB"]);
    let most = peak(dir, 1, &few, None).saturating_sub(base);
    assert!(most < 4 << 20, "{most} bytes");
}

/// What is read whole takes its size once, and counts against the memory of a run.
#[cfg(target_os = "linux")]
#[test]
fn what_is_read_whole_takes_its_size_once() {
    let dir = temporary();
    let dir = dir.path();
    const SIZE: usize = 160 << 20;
    zeros(dir, SIZE);
    let base = peak(dir, 0, &["1 + 1"], None);
    let pipe = dir.join("x.npy");
    for (words, input) in
        [(["sum(x)", "x=x.npz"], None), (["sum(x)", "x=/dev/stdin"], Some(pipe.as_path()))]
    {
        let most = peak(dir, 0, &words, input) - base;
        assert!((SIZE as u64 / 2..SIZE as u64 * 5 / 4).contains(&most), "{words:?}: {most} bytes");
        let few = [&words[..], &["--memory", "64MiB"]].concat();
        let most = peak(dir, 1, &few, input).saturating_sub(base);
        assert!(most < 16 << 20, "{words:?}: {most} bytes");
    }
    let header = npy("<f8", &format!("({},)", SIZE / 8), &[]);
    let (err, _) = feed(dir, 1, &["sum(x)", "x=/dev/stdin", "--memory", "64MiB"], &header);
    let want = "error: \"/dev/stdin\" would take 168 MB of memory, but --memory is 64MiB\n";
    assert!(err.starts_with(want), "{err}");
    assert!(err.contains("raise --memory to 160MiB or more"), "{err}");
    // Of a table what is needed counts, and nothing else is kept.
    let text = format!("a,b,c\n{}", "1,2.5,3\n".repeat(1 << 20));
    write(dir, "t.csv", text);
    let few = ["--memory", "12MiB"];
    assert_eq!(ok(dir, &[&["sum(b)", "t.csv"][..], &few].concat()), "2621440.0\n");
    let err = fails(dir, 1, &[&["sum(a + b)", "t.csv"][..], &few].concat());
    assert!(err.contains("what is needed of \"t.csv\" would take more than "), "{err}");
    let most = peak(dir, 0, &["sum(a + b)", "t.csv"], None) - base;
    assert!(most < 26 << 20, "{most} bytes");
    // Inputs and results together.
    let err = fails(dir, 1, &[&["b + 1", "t.csv"][..], &few].concat());
    let want = "the result would take 8.39 MB of memory beside the 8.39 MB of inputs";
    assert!(err.contains(want) && err.contains("raise --memory to 16MiB"), "{err}");
}

#[test]
fn little_memory_is_said_in_words() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "x.npy", f64s(&[0.0; 5]));
    let err = fails(dir, 1, &["x", "x.npy", "--memory", "1"]);
    let want = "error: the result would take 40 B of memory, but --memory is 1 byte\n";
    assert!(err.starts_with(want), "{err}");
    assert!(err.contains("raise --memory to 40 or more"), "{err}");
    assert!(ok(dir, &["x", "x.npy", "--memory", "40"]).contains("[0. 0. 0. 0. 0.]"));
}

#[test]
fn an_input_that_the_program_binds_or_nobody_has() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "a.npy", f64s(&[1.0]));
    let err = fails(dir, 2, &["a = b", "a=a.npy", "b=a.npy"]);
    let want = "error: 'a' is bound in the program, so the array given as 'a' is never read; `==` \
                compares\n";
    assert!(err.starts_with(want), "{err}");
    let err = fails(dir, 2, &["a = b; a", "a=1", "b=a.npy"]);
    assert!(err.contains("the number given as 'a' is never read"), "{err}");
    let err = fails(dir, 1, &["a + 1", "a=a.npy", "y=nonexistent.npy"]);
    assert!(err.starts_with("error: cannot read \"nonexistent.npy\": No such file"), "{err}");
    assert!(err.contains("the program has no input 'y' either"), "{err}");
    fails(dir, 1, &["a + 1", "a=a.npy", "y=nonexistent.csv:x"]);
}

#[test]
fn files_that_are_not_read_say_what_to_do() {
    let dir = temporary();
    let dir = dir.path();
    for (name, advice) in [
        ("x.npy.gz", "gunzip -k \"x.npy.gz\""),
        ("t.csv.gz:price", "gunzip -k \"t.csv.gz\""),
        ("t.parquet", "pd.read_parquet(\"t.parquet\").to_csv(\"x.csv\")"),
        ("t.feather", "pd.read_feather(\"t.feather\")"),
        ("t.xlsx", "pd.read_excel(\"t.xlsx\")"),
        ("a.h5", "save its arrays as .npy files"),
    ] {
        write(dir, name.split(':').next().unwrap(), "anything");
        for word in [format!("x={name}"), name.to_string()] {
            let err = fails(dir, 1, &["x", &word]);
            assert!(err.starts_with("error: cannot read ") && err.contains(advice), "{err}");
        }
    }
    let err = fails(dir, 1, &["x", "x=*.npy"]);
    assert!(err.contains("the shell leaves patterns behind a `=` as they are"), "{err}");
    write(dir, "t.txt", "1 2\n");
    let err = fails(dir, 1, &["x", "x=t.txt"]);
    assert!(err.contains("not called .csv, .tsv or .npz is read as an .npy file"), "{err}");
    for (descr, advice) in
        [("<f2", "x.astype('float32')"), ("<M8[ns]", "x.astype('int64')"), ("|V8", "save numbers")]
    {
        write(dir, "d.npy", npy(descr, "(1,)", &[0; 8]));
        let err = fails(dir, 1, &["x", "x=d.npy"]);
        assert!(err.contains(advice), "{err}");
    }
    write(dir, "d.npy", npy("float64", "(1,)", &2.5f64.to_le_bytes()));
    assert_eq!(ok(dir, &["x", "x=d.npy"]), "x: f64 (1,)\n[2.5]\n");
}
