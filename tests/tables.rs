//! Tables and archives as other programs write them, and what is said of those that cannot be read.

mod alone;
mod dispositions;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// The exit code, standard output and standard error of a run.
fn run(dir: &Path, words: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    dispositions::as_ever();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    command.current_dir(dir).args(words).stdin(Stdio::piped());
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // The command may not want all of it.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What a run prints that says nothing else.
fn ok(dir: &Path, words: &[&str]) -> String {
    let (code, out, err) = run(dir, words, b"");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{words:?}");
    out
}

/// The errors of a run that prints nothing.
fn fails(dir: &Path, code: i32, words: &[&str]) -> String {
    let (ended, out, err) = run(dir, words, b"");
    assert_eq!((ended, out.as_str()), (Some(code), ""), "{words:?}: {err}");
    err
}

/// What a session prints, and what it says on standard error.
fn session(dir: &Path, line: &str) -> (String, String) {
    let (_, out, err) = run(dir, &["repl"], format!("{line}\n").as_bytes());
    (out, err)
}

fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(dir.join(name), bytes).expect("a file is written");
}

/// The head of a file in NumPy's format, of `f64`.
fn head(shape: &str) -> Vec<u8> {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes()].concat()
}

fn npy(values: &[f64]) -> Vec<u8> {
    let mut bytes = head(&format!("({},)", values.len()));
    bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

/// An archive of members by name.
fn archive(method: CompressionMethod, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default().compression_method(method);
        archive.start_file(*name, options).expect("a member");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

fn stored(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    archive(CompressionMethod::Stored, members)
}

/// Nothing in a table can be taken for its end, and its errors are of what is in it.
#[test]
fn no_line_ends_a_table() {
    let dir = temporary();
    let dir = dir.path();
    let number = "line 3, column \"x\": a number is expected, but \"\\u{1}\"\n";
    let ragged = "line 3 has 1 field, and the table 2 columns\n  = help: its fields have ',' \
                  between them; `--sep` says otherwise\n";
    for (text, column, about) in [
        (&b"x\n1\n\x01\n5\n"[..], "x", number),
        (b"x\n1\n\"\x01\"\n", "x", number),
        (b"x,y\n1,2\n\x01\n4,5\n", "y", ragged),
        (b"x,y\n1,2\n \x01 \r\n4,5,6\nfoo\n", "y", ragged),
        (b"x,y\n1,\"2\n3,4\n", "x", "a quote in line 2 is not closed\n"),
        (b"x,y\n1,\"2\n3,4\n", "y", "a quote in line 2 is not closed\n"),
    ] {
        write(dir, "t.csv", text);
        let err = fails(dir, 1, &["v", &format!("v=t.csv:{column}")]);
        assert_eq!(err, format!("error: \"t.csv\": {about}"), "{text:?}");
    }
}

/// Writes an archive of `x`, which begins as an array of a shape does and goes on by pieces of a
/// MiB: what is measured later has the memory of this process for its own until it starts.
#[cfg(target_os = "linux")]
fn write_large(
    dir: &Path,
    method: CompressionMethod,
    shape: &str,
    pieces: impl Iterator<Item = Vec<u8>>,
) {
    let file = fs::File::create(dir.join("x.npz")).expect("a file");
    let mut archive = zip::ZipWriter::new(file);
    let options = SimpleFileOptions::default().compression_method(method);
    archive.start_file("x.npy", options).expect("a member");
    archive.write_all(&head(shape)).expect("room");
    pieces.for_each(|piece| archive.write_all(&piece).expect("room"));
    archive.finish().expect("room");
}

/// The exit code, standard error, seconds and peak memory of a run.
#[cfg(target_os = "linux")]
#[expect(clippy::zombie_processes, reason = "`wait4` waits, and says what was used")]
fn measured(dir: &Path, words: &[&str]) -> (i32, String, Duration, u64) {
    dispositions::as_ever();
    let start = Instant::now();
    let err = fs::File::create(dir.join("err")).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    command.current_dir(dir).args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(err);
    let child = command.spawn().expect("it starts");
    let mut status = 0;
    // SAFETY: all zeros are a value of the type.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointers are to live values, and the child was not waited for yet.
    let pid = unsafe { libc::wait4(child.id() as libc::pid_t, &mut status, 0, &mut usage) };
    assert_eq!(pid, child.id() as libc::pid_t);
    let err = fs::read_to_string(dir.join("err")).expect("UTF-8");
    (libc::WEXITSTATUS(status), err, start.elapsed(), usage.ru_maxrss as u64 * 1024)
}

#[test]
#[cfg(target_os = "linux")]
fn archives_that_grow_beyond_memory_are_refused_at_once() {
    if !alone::alone("archives_that_grow_beyond_memory_are_refused_at_once") {
        return;
    }
    let dir = temporary();
    let dir = dir.path();
    let zeros = (0..128).map(|_| vec![0; 1 << 20]);
    write_large(dir, CompressionMethod::Deflated, "(134217728,)", zeros);
    assert!(fs::metadata(dir.join("x.npz")).expect("a file").len() < 1 << 20);
    for words in [&["sum(x)", "x=x.npz"][..], &["x + 1", "x.npz", "-o", "y.npy"]] {
        let words = [words, &["--memory", "64MiB"]].concat();
        let (code, err, time, peak) = measured(dir, &words);
        assert_eq!(code, 1, "{err}");
        let about = "error: \"x.npz\": member \"x.npy\" would take 1.07 GB of memory, but \
                     --memory is 64MiB\n  = help: raise --memory to 1024MiB or more\n  = help: a \
                     .npy file, or an .npz archive that np.savez wrote, is read in pieces and \
                     need not fit\n";
        assert_eq!(err, about);
        assert!(time < Duration::from_secs(2), "{time:?}");
        assert!(peak < 64 << 20, "{peak} bytes");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn stored_members_are_read_in_pieces() {
    if !alone::alone("stored_members_are_read_in_pieces") {
        return;
    }
    let dir = temporary();
    let dir = dir.path();
    const PIECE: u32 = 1 << 17;
    let piece = |i| (i * PIECE..(i + 1) * PIECE).flat_map(|x| f64::from(x).to_le_bytes());
    let pieces = (0..64).map(|i| piece(i).collect());
    write_large(dir, CompressionMethod::Stored, "(8388608,)", pieces);
    let words = ["sum(x), x[-2:]", "x.npz", "--memory", "64KiB"];
    let out = ok(dir, &words);
    let values = "35184367894528.0\n\nf64 (2,)\n[8388606. 8388607.]\n";
    assert_eq!(out, values);
    let (code, err, _, peak) = measured(dir, &words);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(peak < 48 << 20, "{peak} bytes");
    // One of several.
    let members = [("a.npy", npy(&[7.0])), ("y.npy", npy(&[0.5, 2.5]))];
    write(dir, "s.npz", stored(&members));
    assert_eq!(ok(dir, &["sum(v)", "v=s.npz:y", "--memory", "64KiB"]), "3.0\n");
}

#[test]
fn what_is_read_whole_keeps_to_the_memory_of_a_run() {
    let dir = temporary();
    let dir = dir.path();
    let array = npy(&[1.5; 100_000]);
    let piped = |memory| run(dir, &["sum(x)", "x=-", "--memory", memory], &array);
    let (code, out, err) = piped("64KiB");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let about = "\"/dev/stdin\" would take 800 kB of memory, but --memory is 64KiB\n  = help: \
                 raise --memory to 782KiB or more\n";
    assert!(err.contains(about), "{err}");
    assert_eq!(piped("1MiB"), (Some(0), "150000.0\n".into(), String::new()));
    let rows: String = (0..300_000).map(|i| format!("{i},1.5\n")).collect();
    write(dir, "t.csv", format!("n,x\n{rows}"));
    let err = fails(dir, 1, &["sum(n)", "t.csv", "--memory", "1MiB"]);
    let about = "error: what is needed of \"t.csv\" would take more than ";
    assert!(err.starts_with(about) && err.contains("but --memory is 1MiB\n"), "{err}");
    assert!(err.contains("= help: raise --memory\n"), "{err}");
    // A column takes its own memory and not that of others.
    assert_eq!(ok(dir, &["sum(n)", "t.csv", "--memory", "3MiB"]), "44999850000\n");
    let err = fails(dir, 1, &["sum(n * x)", "t.csv", "--memory", "3MiB"]);
    assert!(err.contains("but --memory is 3MiB"), "{err}");
}

#[test]
fn archives_that_cannot_be_read() {
    let dir = temporary();
    let dir = dir.path();
    let x = [("x.npy", npy(&[1.0, 2.0]))];
    for (method, name) in [(12u8, "bzip2"), (14, "lzma"), (77, "unknown")] {
        let mut bytes = stored(&x);
        for (mark, at) in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)] {
            let start = bytes.windows(4).position(|four| four == mark).expect("a mark");
            bytes[start + at] = method;
        }
        write(dir, "x.npz", bytes);
        let err = fails(dir, 1, &["x", "x.npz"]);
        assert!(err.starts_with("error: \"x.npz\": member \"x.npy\": "), "{name}: {err}");
        assert!(err.contains("is not supported\n  = help: save it with np.savez"), "{name}: {err}");
        assert!(!err.contains("Unsupported") && !err.contains("::"), "{name}: {err}");
        assert!(name == "unknown" || err.contains(name), "{name}: {err}");
    }
    let whole = stored(&x);
    write(dir, "cut.npz", &whole[..whole.len() / 2]);
    let cut = "error: \"cut.npz\": it is no .npz archive, or one that is cut short or damaged\n";
    assert_eq!(fails(dir, 1, &["x", "cut.npz"]), cut);
    write(dir, "empty.npz", stored(&[]));
    let none = "error: \"empty.npz\" holds no arrays\n";
    assert_eq!(fails(dir, 1, &["x", "x=empty.npz"]), none);
    let (_, err) = session(dir, ":load empty.npz");
    assert!(err.starts_with(&format!("line 1: {none}")), "{err}");
    let err = fails(dir, 1, &["x", "empty.npz"]);
    assert!(err.contains("= help: \"empty.npz\" holds no arrays\n"), "{err}");
    // Two members of one name: `y.npy` is renamed, as no library writes such a thing.
    let mut twice = stored(&[("x.npy", npy(&[1.0])), ("y.npy", npy(&[2.0]))]);
    for at in 0..twice.len() - 5 {
        if &twice[at..at + 5] == b"y.npy" {
            twice[at] = b'x';
        }
    }
    write(dir, "twice.npz", twice);
    for words in [["x", "twice.npz"], ["x", "x=twice.npz:x"]] {
        let err = fails(dir, 1, &words);
        let remedy = "np.savez(\"x.npz\", **dict(np.load(\"twice.npz\").items()))\n";
        assert!(err.contains("\"twice.npz\" has several members of one name\n"), "{err}");
        assert!(err.contains(remedy), "{err}");
    }
}

#[test]
fn members_that_are_no_arrays_are_left_out() {
    let dir = temporary();
    let dir = dir.path();
    let text = ("readme.txt", b"hello".to_vec());
    write(dir, "mix.npz", stored(&[text.clone(), ("a.npy", npy(&[1.0, 2.0]))]));
    for words in [["sum(a)", "mix.npz"], ["sum(x)", "x=mix.npz"], ["sum(x)", "x=mix.npz:a"]] {
        assert_eq!(ok(dir, &words), "3.0\n", "{words:?}");
    }
    let err = fails(dir, 1, &["a + b", "mix.npz"]);
    assert!(err.contains("= help: \"mix.npz\" has a\n"), "{err}");
    let (out, err) = session(dir, ":load mix.npz");
    assert_eq!(out, "a: f64 (2,)\n");
    let left = "member \"readme.txt\": not an .npy file (at byte 0); it is left out\n";
    assert_eq!(err, format!("warning: \"mix.npz\": {left}"));
    write(dir, "text.npz", stored(&[text]));
    let (out, err) = session(dir, ":load text.npz");
    assert_eq!((out.as_str(), err.contains("left out")), ("", false), "{err}");
    assert!(err.contains("\"text.npz\": member \"readme.txt\": not an .npy file"), "{err}");
}

#[test]
fn columns_of_one_name_and_of_names_that_are_no_text() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "two.csv", "x,x\n1,2\n");
    for words in [["x", "two.csv"], ["x", "x=two.csv:x"]] {
        let err = "error: \"two.csv\" has several arrays called \"x\"\n  = help: take one by its \
                   number: two.csv:#1 or two.csv:#2\n";
        assert_eq!(fails(dir, 1, &words), err);
    }
    assert_eq!(ok(dir, &["x", "x=two.csv:#2"]), "x: i64 (1,)\n[2]\n");
    assert_eq!(
        session(dir, ":load two.csv\nx, x_2").0,
        "x: i64 (1,)\nx_2: i64 (1,)\nx: i64 (1,)\n[1]\n\nx_2: i64 (1,)\n[2]\n"
    );
    write(dir, "latin.csv", b"caf\xe9,b\n1,2\n");
    let err = fails(dir, 1, &["x", "x=latin.csv"]);
    let about = "take one of caf\\xe9, b, as x=latin.csv:#1; or give latin.csv alone";
    assert!(err.contains(about), "{err}");
    assert_eq!(ok(dir, &["x", "x=latin.csv:#1"]), "x: i64 (1,)\n[1]\n");
    assert_eq!(ok(dir, &["caf_ + b", "latin.csv"]), "i64 (1,)\n[3]\n");
    for number in ["#0", "#3"] {
        let err = fails(dir, 1, &["x", &format!("x=latin.csv:{number}")]);
        assert!(err.contains(&format!("has no array \"{number}\"")), "{err}");
    }
}

#[test]
fn large_integers_are_written_and_read_exactly() {
    let dir = temporary();
    let dir = dir.path();
    let header = "{'descr': '<u8', 'fortran_order': False, 'shape': (3,), }\n";
    let mut bytes = [b"\x93NUMPY\x01\x00", &[header.len() as u8, 0][..]].concat();
    bytes.extend(header.bytes());
    bytes.extend([u64::MAX, 1, 1 << 63].into_iter().flat_map(u64::to_le_bytes));
    write(dir, "u.npy", &bytes);
    ok(dir, &["u", "u=u.npy", "-o", "u.csv"]);
    let text = fs::read_to_string(dir.join("u.csv")).expect("a table");
    assert_eq!(text, "u\n18446744073709551615\n1\n9223372036854775808\n");
    ok(dir, &["u", "u.csv", "-o", "again.npy"]);
    let again = fs::read(dir.join("again.npy")).expect("an array");
    assert!(String::from_utf8_lossy(&again).contains("'descr': '<u8'"));
    assert!(again.ends_with(&bytes[bytes.len() - 24..]));
}

#[test]
fn tables_of_other_programs() {
    let dir = temporary();
    let dir = dir.path();
    let xy = "x: f64 (3,)\n[1.5 nan 3. ]\n\ny: i64 (3,)\n[4 5 6]\n";
    for (program, name, text) in [
        ("pandas", "t.csv", ",t,x,y,s\n0,2024-01-01,1.5,4,a\n1,2024-01-02,,5,b\n2,,3.0,6,c\n"),
        ("pandas, na_rep", "t.csv", "x,y\n1.5,4\n<NA>,5\n3.0,6\n"),
        ("pandas, None", "t.csv", "x,y\n1.5,4\nNone,5\n3.0,6\n"),
        ("R", "t.csv", "\"\",\"x\",\"y\"\n\"1\",1.5,4\n\"2\",NA,5\n\"3\",3,6\n"),
        ("Excel", "t.csv", "\u{feff}x,y\r\n1.5,4\r\n#N/A,5\r\n3,6\r\n"),
        ("Excel, semicolons", "t.csv", "sep=;\r\nx;y\r\n1.5;4\r\n;5\r\n3;6\r\n"),
        ("SQL", "t.csv", "x,y\n1.5,4\nNULL,5\n3,6\n"),
        ("LibreOffice", "t.csv", "\"x\";\"y\"\n1.5;4\n-;5\n3;6\n"),
        ("tabs", "t.tsv", "x\ty\n1.5\t4\n\t5\n3\t6\n"),
        ("tabs in .csv", "t.csv", "x\ty\n1.5\t4\n\t5\n3\t6\n"),
        ("savetxt", "t.csv", "# x,y\n1.5e+00,4\nnan,5\n3e+00,6\n"),
        ("savetxt, blanks", "t.csv", "# x y\n1.5e+00 4\nnan 5\n3e+00 6\n"),
        ("old Mac", "t.csv", "x,y\r1.5,4\r,5\r3,6\r"),
    ] {
        write(dir, name, text);
        assert_eq!(ok(dir, &["x, y", name]), xy, "{program}");
    }
    write(dir, "c.csv", "x;y\r\n1,5;4\r\n;5\r\n3,0;6\r\n");
    assert_eq!(ok(dir, &["x, y", "c.csv", "--decimal-comma"]), xy);
    let err = fails(dir, 1, &["x", "c.csv"]);
    assert!(err.contains("`--decimal-comma` reads 2,5 as two and a half"), "{err}");
    write(dir, "bare.csv", "1.5,4\n,5\n3.0,6\n");
    let bare = ok(dir, &["x = column_1; y = column_2; x, y", "bare.csv"]);
    assert_eq!(bare, xy);
    let err = fails(dir, 1, &["x", "bare.csv"]);
    assert!(err.contains("its first line is taken for values; `--header` says"), "{err}");
}

#[test]
fn tables_that_are_not_guessed_at() {
    let dir = temporary();
    let dir = dir.path();
    for (text, about) in [
        (
            &b"y,x\n1,\"1,000\"\n"[..],
            "line 2, column \"x\": a number is expected, but \"1,000\"\n  = help: separators of thousands are not read",
        ),
        (
            b"\xff\xfex\0,\0y\0\n\0",
            "it is UTF-16, and only UTF-8 is read\n  = help: save it as UTF-8",
        ),
        (
            b"x,y\n1,2\n# end\n",
            "line 3 has 1 field, and the table 2 columns\n  = help: comments may stand before the first row only",
        ),
        (
            b"x,y\nTrue,2\nNA,3\n",
            "True or False is expected, but \"NA\"\n  = help: True and False cannot be missing",
        ),
        (
            b"x,y\nNA,2\nTRUE,3\n",
            "a number is expected, but \"TRUE\"\n  = help: True and False cannot be missing",
        ),
        (b"", "the file is empty"),
    ] {
        write(dir, "t.csv", text);
        let err = fails(dir, 1, &["x", "t.csv"]);
        assert!(err.starts_with("error: \"t.csv\": ") && err.contains(about), "{err}");
    }
    // In a session the other columns are there.
    write(dir, "t.csv", "x,y\nNA,2\nTRUE,3\n");
    let (out, err) = session(dir, ":load t.csv");
    assert_eq!(out, "y: i64 (2,)\n");
    assert!(err.contains("column \"x\"") && err.contains("the column is left out"), "{err}");
}

#[test]
fn a_table_gives_the_columns_that_a_program_names() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "ticks.csv", "time,bid,ask,volume\n1,10.5,11.5,100\n2,11,12,200\n");
    assert_eq!(ok(dir, &["(bid + ask) / 2", "ticks.csv"]), "f64 (2,)\n[11.  11.5]\n");
    assert_eq!(ok(dir, &["k * bid", "ticks.csv", "k=2"]), "f64 (2,)\n[21. 22.]\n");
    write(dir, "other.csv", "bid\n1\n");
    let both = "error: both \"ticks.csv\" and \"other.csv\" have an array 'bid'\n  = help: choose \
                one: bid=ticks.csv:bid\n";
    assert_eq!(fails(dir, 1, &["bid", "ticks.csv", "other.csv"]), both);
    let err = fails(dir, 1, &["bid * volum", "ticks.csv"]);
    assert!(err.contains("missing the input 'volum'\n"), "{err}");
    assert!(err.contains("= help: did you mean 'volume'?\n"), "{err}");
    assert!(err.contains("= help: \"ticks.csv\" has time, bid, ask, volume\n"), "{err}");
    let err = fails(dir, 1, &["v", "v=ticks.csv:volum"]);
    assert!(err.contains("did you mean 'volume'?"), "{err}");
    let err = fails(dir, 1, &["t", "t=ticks.csv"]);
    let about = "\"ticks.csv\" holds 4 arrays, not one\n  = help: take one of time, bid, ask, \
                 volume, as t=ticks.csv:time; or give ticks.csv alone, without t=, for all\n";
    assert!(err.contains(about), "{err}");
    let err = fails(dir, 1, &["2 * t.bid", "t=ticks.csv"]);
    let about = "give ticks.csv without t=, and write its arrays' names alone\n";
    assert!(err.contains("unknown attribute `bid`") && err.contains(about), "{err}");
}

#[test]
fn inputs_that_are_not_read() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "ok.npy", npy(&[1.0]));
    write(dir, "t.csv", "a,b\n1,2\n");
    let warned = |words: &[&str], out: &str, warning: &str| {
        let want = (Some(0), out.to_string(), format!("warning: {warning}\n"));
        assert_eq!(run(dir, words, b""), want, "{words:?}");
    };
    warned(&["x", "x=1", "y=ok.npy"], "x: 1\n", "the program has no input 'y'");
    warned(&["b", "t.csv", "b=3"], "b: 3\n", "the program reads nothing of \"t.csv\"");
    for words in
        [&["x", "x=1", "y=nope.npy"][..], &["x", "x=1", "y=nope.csv:c"], &["1", "nope.csv"]]
    {
        let err = fails(dir, 1, words);
        assert!(err.contains("cannot read \"nope.") && err.contains("No such file"), "{err}");
    }
    // `=` binds, and somebody may have meant to compare.
    for (word, what) in [("a=ok.npy", "array"), ("a=1", "number"), ("a=t.csv:a", "array")] {
        let err = fails(dir, 2, &["a = b", word, "b=ok.npy"]);
        let about = format!(
            "error: 'a' is bound in the program, so the {what} given as 'a' is never read; `==` \
             compares\n"
        );
        assert!(err.starts_with(&about), "{err}");
    }
    let about =
        "'a' is bound in the program, so the array 'a' of \"t.csv\" is not read; `==` compares";
    warned(&["a = b", "t.csv"], "a: i64 (1,)\n[2]\n", about);
}

#[test]
fn files_of_other_kinds_have_a_remedy() {
    let dir = temporary();
    let dir = dir.path();
    for name in ["a.npy.gz", "t.csv.gz", "t.parquet"] {
        write(dir, name, b"?");
    }
    for (word, remedy) in [
        ("x=a.npy.gz", "unpack it first: gunzip -k \"a.npy.gz\""),
        ("t.csv.gz", "unpack it first: gunzip -k \"t.csv.gz\""),
        ("x=t.csv.gz:x", "unpack it first: gunzip -k \"t.csv.gz\""),
        ("x=t.parquet", "pd.read_parquet(\"t.parquet\").to_csv(\"x.csv\")"),
        ("x=*.npy", "the shell leaves patterns behind a `=` as they are"),
        ("x=*.csv", "the shell leaves patterns behind a `=` as they are"),
    ] {
        let err = fails(dir, 1, &["x", word]);
        assert!(err.contains("cannot read") && err.contains(remedy), "{word}: {err}");
    }
    let (code, _, err) = run(dir, &["x", "x=-"], b"x\n1\n");
    assert_eq!(code, Some(1));
    assert!(err.contains("standard input is read as an .npy file"), "{err}");
    for (descr, about, remedy) in [
        ("'<M8[ns]'", "dates or durations", "save it as x.astype('int64')"),
        ("[('a', '<f8'), ('b', '<i4')]", "a structured array", "np.save(\"x.npy\", a[\"x\"])"),
    ] {
        let text = String::from_utf8_lossy(&head("(1,)")[10..]).replace("'<f8'", descr);
        let mut bytes = [b"\x93NUMPY\x01\x00", &[text.len() as u8, 0][..]].concat();
        bytes.extend(text.bytes().chain([0; 16]));
        write(dir, "d.npy", bytes);
        let err = fails(dir, 1, &["x", "x=d.npy"]);
        assert!(err.contains(about) && err.contains(remedy), "{err}");
    }
    // Only NumPy's short names are in its own files, but others write the long ones.
    let text = String::from_utf8_lossy(&head("(2,)")[10..]).replace("<f8", "float64");
    let mut bytes = [b"\x93NUMPY\x01\x00", &[text.len() as u8, 0][..]].concat();
    bytes.extend(text.bytes());
    bytes.extend([1.5f64, 2.5].into_iter().flat_map(f64::to_le_bytes));
    write(dir, "long.npy", bytes);
    assert_eq!(ok(dir, &["x", "x=long.npy"]), "x: f64 (2,)\n[1.5 2.5]\n");
}
