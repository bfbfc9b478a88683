//! The command `hotloop`, driven as a shell drives it: words, files and streams in, files, text
//! and exit codes out.

mod runs;

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use runs::{Ran, command, fails, feed, limited, names, ok, run, temporary, write};

/// A file in NumPy's format, version 1, with any header text and data.
fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).expect("a short header").to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn header(descr: &str, fortran: bool, shape: &str) -> String {
    let fortran = if fortran { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
}

/// Writes a one-dimensional array of `f64`.
fn write_f64(dir: &Path, name: &str, values: &[f64]) {
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    write(dir, name, npy(&header("<f8", false, &format!("({},)", values.len())), &data));
}

/// The header text and the data of a file that the command wrote.
fn split(bytes: &[u8]) -> (String, &[u8]) {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!(start % 64, 0, "the data is aligned");
    let text = String::from_utf8(bytes[10..start].to_vec()).expect("text");
    assert!(text.ends_with('\n'));
    (text.trim_end().to_string(), &bytes[start..])
}

fn f64s(bytes: &[u8], shape: &str) -> Vec<f64> {
    let (text, data) = split(bytes);
    assert_eq!(text, format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"));
    data.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().expect("eight bytes"))).collect()
}

fn read_f64s(dir: &Path, name: &str, shape: &str) -> Vec<f64> {
    f64s(&fs::read(dir.join(name)).expect("the file is there"), shape)
}

#[test]
fn the_main_job() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0, 2.0, 3.0]);
    write_f64(dir, "b.npy", &[0.5, -2.0, 1e300]);
    assert_eq!(ok(dir, &["a * b - 1", "a=a.npy", "b=b.npy", "-o", "y.npy"]), "");
    assert_eq!(read_f64s(dir, "y.npy", "(3,)"), [-0.5, -5.0, 3e300]);
    assert_eq!(names(dir), ["a.npy", "b.npy", "y.npy"]);
}

#[test]
fn the_example_of_the_documentation() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data");
    let out = ok(&data, &["sin(a)**2 + cos(b)**2", "a=a.npy", "b=b.npy"]);
    assert_eq!(out.lines().next(), Some("f64 (1024,)"));
    assert_eq!(out.lines().count(), 2, "{out}");
    let out = ok(&data, &["min(ask - bid) > 0, count_nonzero(bid)", "bid=bid.npy", "ask=ask.npy"]);
    assert_eq!(out, "True\n512\n");
}

#[test]
fn dtypes_of_every_file() {
    let dir = temporary();
    let dir = dir.path();
    for (descr, name, bytes) in [
        ("|b1", "bool", &[1][..]),
        ("|i1", "i8", &[1]),
        ("<i2", "i16", &[1, 0]),
        (">i2", "i16", &[0, 1]),
        ("<i4", "i32", &[1, 0, 0, 0]),
        (">i4", "i32", &[0, 0, 0, 1]),
        ("<i8", "i64", &[1, 0, 0, 0, 0, 0, 0, 0]),
        ("=i8", "i64", &[1, 0, 0, 0, 0, 0, 0, 0]),
        ("|u1", "u8", &[1]),
        ("<u2", "u16", &[1, 0]),
        ("<u4", "u32", &[1, 0, 0, 0]),
        (">u8", "u64", &[0, 0, 0, 0, 0, 0, 0, 1]),
        ("<f4", "f32", &[0, 0, 0x80, 0x3f]),
        (">f4", "f32", &[0x3f, 0x80, 0, 0]),
        ("<f8", "f64", &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]),
        (">f8", "f64", &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
    ] {
        let three = bytes.repeat(3);
        write(dir, "x.npy", npy(&header(descr, false, "(3,)"), &three));
        let text = match name {
            "bool" => "[ True  True  True]",
            "f32" | "f64" => "[1. 1. 1.]",
            _ => "[1 1 1]",
        };
        assert_eq!(ok(dir, &["x", "x=x.npy"]), format!("x: {name} (3,)\n{text}\n"), "{descr}");
        // Written, read and written again it stays the same.
        ok(dir, &["x", "x=x.npy", "-o", "y.npy"]);
        ok(dir, &["y", "y=y.npy", "-o", "z.npy"]);
        let (y, z) = (fs::read(dir.join("y.npy")).unwrap(), fs::read(dir.join("z.npy")).unwrap());
        assert_eq!(y, z);
        assert_eq!(ok(dir, &["z", "z=z.npy"]), format!("z: {name} (3,)\n{text}\n"));
    }
}

#[test]
fn bytes_of_a_bool_other_than_one_are_true() {
    let dir = temporary();
    write(dir.path(), "x.npy", npy(&header("|b1", false, "(4,)"), &[0, 1, 2, 255]));
    assert_eq!(ok(dir.path(), &["x + 0", "x=x.npy"]), "i64 (4,)\n[0 1 1 1]\n");
}

#[test]
fn fortran_order_and_broadcasting() {
    let dir = temporary();
    let dir = dir.path();
    // [[1, 2, 3], [4, 5, 6]] column after column.
    let data: Vec<u8> = [1i32, 4, 2, 5, 3, 6].iter().flat_map(|x| x.to_le_bytes()).collect();
    write(dir, "x.npy", npy(&header("<i4", true, "(2, 3)"), &data));
    let row: Vec<u8> = [10i32, 20, 30].iter().flat_map(|x| x.to_be_bytes()).collect();
    write(dir, "row.npy", npy(&header(">i4", false, "(3,)"), &row));
    assert_eq!(
        ok(dir, &["x + row", "x=x.npy", "row=row.npy"]),
        "i32 (2, 3)\n[[11 22 33]\n [14 25 36]]\n"
    );
    ok(dir, &["x", "x=x.npy", "-o", "y.npy"]);
    let bytes = fs::read(dir.join("y.npy")).unwrap();
    let (text, data) = split(&bytes);
    assert_eq!(text, "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }");
    assert_eq!(data, [1i32, 2, 3, 4, 5, 6].map(i32::to_le_bytes).concat());
    write_f64(dir, "four.npy", &[0.0; 4]);
    let err = fails(dir, 1, &["x + four", "x=x.npy", "four=four.npy"]);
    assert!(err.contains("(2, 3)") && err.contains("(4,)") && err.contains("broadcast"), "{err}");
}

#[test]
fn scalars_take_the_dtype_they_meet() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "x.npy", npy(&header("<f4", false, "(2,)"), &[0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]));
    assert_eq!(ok(dir, &["x * k", "x=x.npy", "k=0.5"]), "f32 (2,)\n[0.5 1. ]\n");
    assert_eq!(ok(dir, &["x * n", "x=x.npy", "n=3"]), "f32 (2,)\n[3. 6.]\n");
    assert_eq!(ok(dir, &["x if flag else -x", "x=x.npy", "flag=False"]), "f32 (2,)\n[-1. -2.]\n");
    assert_eq!(ok(dir, &["n // 2", "n=-7"]), "-4\n");
    assert_eq!(ok(dir, &["-a", "a=3"]), "-3\n");
    assert_eq!(ok(dir, &["--", "-a", "a=3"]), "-3\n");
    // A strong element: a file without axes.
    write(dir, "k.npy", npy(&header("<f8", false, "()"), &2.5f64.to_le_bytes()));
    assert_eq!(ok(dir, &["x * k", "x=x.npy", "k=k.npy"]), "f64 (2,)\n[2.5 5. ]\n");
    let err = fails(dir, 2, &["n", "n=9223372036854775808"]);
    assert!(err.contains("does not fit i64; write it in the program"), "{err}");
    assert_eq!(ok(dir, &["n = 9223372036854775808; n"]), "n: u64 9223372036854775808\n");
}

#[test]
fn empty_arrays() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "x.npy", npy(&header("<f8", false, "(0, 3)"), &[]));
    assert_eq!(ok(dir, &["x + 1", "x=x.npy"]), "f64 (0, 3)\n[]\n");
    assert_eq!(ok(dir, &["sum(x)", "x=x.npy"]), "0.0\n");
    ok(dir, &["x", "x=x.npy", "-o", "y.npy"]);
    assert_eq!(read_f64s(dir, "y.npy", "(0, 3)"), [0.0; 0]);
    assert!(fails(dir, 1, &["max(x)", "x=x.npy"]).contains("empty"));
    // Extents that only fit because another is zero: refused, as NumPy does.
    let shape = "(1099511627776, 0, 1099511627776)";
    write(dir, "x.npy", npy(&header("<f8", true, shape), &[]));
    let error = fails(dir, 1, &["x", "x=x.npy"]);
    assert_eq!(error, format!("error: an array of shape {shape} has too many elements\n"));
}

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
    // Now it is a directory, with or without a slash.
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
fn long_arrays_are_printed_in_short() {
    let dir = temporary();
    let dir = dir.path();
    let values: Vec<f64> = (0..2000).map(f64::from).collect();
    write_f64(dir, "a.npy", &values);
    assert_eq!(
        ok(dir, &["a / 2", "a=a.npy"]),
        "f64 (2000,)\n[0.000e+00 5.000e-01 1.000e+00 ... 9.985e+02 9.990e+02 9.995e+02]\n"
    );
    assert_eq!(
        ok(dir, &["i32(a) + 1", "a=a.npy"]),
        "i32 (2000,)\n[   1    2    3 ... 1998 1999 2000]\n"
    );
}

#[test]
fn errors_draw_a_caret_and_exit_with_one() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0]);
    let err = fails(dir, 1, &["1 + sine(a)", "a=a.npy"]);
    assert!(err.contains("1 | 1 + sine(a)\n  |     ^^^^"), "{err}");
    assert!(err.contains("did you mean 'sin', 'sinc' or 'sinh'?"), "{err}");
    for program in
        ["", "  ", "# nothing", "1 +", "(a", "a $ b", "__import__('os')", "a\u{1b}[2J", "2x"]
    {
        let err = fails(dir, 1, &[program, "a=a.npy"]);
        assert!(err.starts_with("error: "), "{program:?}: {err}");
        assert!(!err.contains('\u{1b}'), "{err:?}");
    }
    let err = fails(dir, 1, &["a + price", "a=a.npy", "prize=2"]);
    assert!(err.contains("missing the input 'price'") && err.contains("'prize'"), "{err}");
    let err = fails(dir, 1, &["a + b", "a=a.npy"]);
    assert!(err.contains("add b=FILE.npy or b=NUMBER"), "{err}");
    let ran = run(dir, &["a + 1", "a=a.npy", "b=a.npy"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "f64 (1,)\n[2.]\n"));
    assert_eq!(ran.err, "warning: the program has no input 'b'\n");
}

#[test]
fn wrong_command_lines_exit_with_two() {
    let dir = temporary();
    for words in [
        &["a", "--nonsense"][..],
        &["a", "a"],
        &["a", "a=1", "a=2"],
        &["a", "a=1", "--threads", "none"],
        &["a", "a=1", "--mode", "wild"],
        &["bench"],
        &["explain", "a", "a:f65"],
    ] {
        let err = fails(dir.path(), 2, words);
        assert!(err.starts_with("error: ") && err.contains("hotloop --help"), "{words:?}: {err}");
    }
}

#[test]
fn help_and_version() {
    let dir = temporary();
    let dir = dir.path();
    let version = format!("hotloop {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(ok(dir, &["--version"]), version);
    assert_eq!(ok(dir, &["-V"]), version);
    assert!(ok(dir, &["--help"]).contains("Usage:"));
    for verb in ["explain", "functions", "bench", "repl"] {
        assert!(ok(dir, &[verb, "--help"]).contains(&format!("Usage: hotloop {verb}")));
    }
    assert!(ok(dir, &["bench", "-h"]).contains("interpreter_ns_per_element"));
}

#[test]
fn threads_and_modes_give_the_same_bits_where_they_must() {
    let dir = temporary();
    let dir = dir.path();
    let values: Vec<f64> = (0..100_000).map(|i| f64::from(i) / 7.0).collect();
    write_f64(dir, "a.npy", &values);
    let program = "sqrt(a) + a * a, sum(a)";
    ok(dir, &[program, "a=a.npy", "-o", "one.npz", "--threads", "1"]);
    ok(dir, &[program, "a=a.npy", "-o", "two.npz", "--threads=2"]);
    let (one, two) =
        (fs::read(dir.join("one.npz")).unwrap(), fs::read(dir.join("two.npz")).unwrap());
    assert!(one == two);
    let sum = ok(dir, &["count_nonzero(a)", "a=a.npy", "--mode", "fast"]);
    assert_eq!(sum, "99999\n");
}

#[test]
fn unknown_words_in_the_environment_are_told_of_once() {
    let dir = temporary();
    for (name, value, known) in [
        ("HOTLOOP_PERF", "bogus", "off, map or jitdump"),
        ("HOTLOOP_ISA", "avx3", "baseline, avx2 or avx512"),
    ] {
        let with = |words: &[&str], value: &str| -> Ran {
            command(dir.path()).args(words).env(name, value).output().expect("it starts").into()
        };
        let warning = format!("warning: {name}=\"{value}\" is ignored: it may be {known}\n");
        assert_eq!(with(&["1 + 1"], value).err, warning);
        assert_eq!(with(&["repl", "--threads", "1"], value).err, warning);
        assert_eq!(with(&["functions", "sin"], value).err, "");
        assert_eq!(with(&["1 + 1"], "").err, "");
    }
}

#[test]
fn integers_divided_by_zero_are_reported() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "x.npy", npy(&header("|i1", false, "(3,)"), &[6, 7, 8]));
    write(dir, "y.npy", npy(&header("|i1", false, "(3,)"), &[2, 0, 4]));
    let ran = run(dir, &["x // y", "x=x.npy", "y=y.npy"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "i8 (3,)\n[3 0 2]\n"));
    assert_eq!(ran.err, "warning: integers were divided by zero; those elements are 0\n");
}

/// Files that are not what their name says: the message has the file and the byte.
#[test]
fn h1_damaged_files() {
    let dir = temporary();
    let dir = dir.path();
    let good = |shape: &str| header("<f8", false, shape);
    let version = |major, minor| {
        let mut bytes = npy(&good("(1,)"), &[0; 8]);
        bytes[6..8].copy_from_slice(&[major, minor]);
        bytes
    };
    let lying = |length: u16| {
        let mut bytes = npy(&good("(1,)"), &[0; 8]);
        bytes[8..10].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let gigabyte = [&b"\x93NUMPY\x02\x00"[..], &(1u32 << 30).to_le_bytes(), &[b' '; 100]].concat();
    let data = 10 + good("(1,)").len();
    let huge = "(1099511627776, 1099511627776)";
    let large = "(1099511627776,)";
    let nested = format!("{{'descr': {}", "(".repeat(60_000));
    for (what, bytes, at) in [
        ("nothing", Vec::new(), 0),
        ("text", b"1,2,3\n".to_vec(), 0),
        ("an archive", b"PK\x03\x04 and so on".to_vec(), 0),
        ("another magic", b"\x93NUMPZ\x01\x00".to_vec(), 5),
        ("no version", b"\x93NUMPY\x01".to_vec(), 7),
        ("version 9", version(9, 0), 6),
        ("version 0", version(0, 0), 6),
        ("version 1.1", version(1, 1), 6),
        ("no header length", b"\x93NUMPY\x01\x00\x10".to_vec(), 9),
        ("a header beyond the file", lying(60_000), data + 8),
        ("a header too short", lying(20), 27),
        ("no header", lying(0), 10),
        ("a header of 1 GB", gigabyte, 8),
        ("a header of nested brackets", npy(&nested, &[]), 20),
        ("no data", npy(&good("(1,)"), &[]), data),
        ("half an element", npy(&good("(1,)"), &[0; 4]), data + 4),
        ("trailing data", npy(&good("(1,)"), &[0; 9]), data + 8),
        ("a huge shape", npy(&good(huge), &[0; 8]), 10 + good(huge).len()),
        ("a large shape", npy(&good(large), &[0; 8]), 10 + good(large).len() + 8),
        ("an extent beyond 64 bits", npy(&good("(18446744073709551616,)"), &[0; 8]), 61),
        ("a negative extent", npy(&good("(-1,)"), &[0; 8]), 61),
        ("a float as extent", npy(&good("(1.5,)"), &[0; 8]), 62),
        ("an integer as shape", npy(&good("1"), &[0; 8]), 60),
        ("an unknown dtype", npy(&header("zz", false, "(1,)"), &[0; 8]), 20),
        ("code", npy("__import__('os')", &[0; 8]), 10),
        ("a missing key", npy("{'descr': '<f8', 'shape': (1,)}", &[0; 8]), 41),
        ("another key", npy("{'evil': 1}", &[0; 8]), 11),
    ] {
        write(dir, "bad.npy", &bytes);
        let err = fails(dir, 1, &["x", "x=bad.npy"]);
        assert!(err.contains("\"bad.npy\": "), "{what}: {err}");
        assert!(err.contains(&format!("(at byte {at})")), "{what}, not at {at}: {err}");
    }
}

#[test]
fn h1_dtypes_that_are_not_ours() {
    let dir = temporary();
    let dir = dir.path();
    for (descr, advice) in [
        ("|O", "never loaded"),
        ("<c16", "x.real"),
        ("<c8", "x.real"),
        ("<f2", "half floats"),
        ("float16", "half floats"),
        ("float128", "floats of this size"),
        ("<f16", "astype"),
        ("<U3", "strings"),
        ("|S5", "strings"),
        ("<M8[ns]", "astype"),
        ("|V16", "raw"),
    ] {
        write(dir, "bad.npy", npy(&header(descr, false, "(1,)"), &[0; 16]));
        let err = fails(dir, 1, &["x", "x=bad.npy"]);
        assert!(err.contains("\"bad.npy\"") && err.contains(descr), "{err}");
        assert!(err.contains(advice), "{descr}: {err}");
    }
    let text = "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1,), }\n";
    write(dir, "bad.npy", npy(text, &[0; 8]));
    assert!(fails(dir, 1, &["x", "x=bad.npy"]).contains("structured"));
}

#[test]
fn h1_a_file_cut_at_every_length() {
    let dir = temporary();
    let dir = dir.path();
    let whole = npy(&header("<i2", false, "(5,)"), &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    for length in 0..whole.len() {
        write(dir, "cut.npy", &whole[..length]);
        let err = fails(dir, 1, &["x", "x=cut.npy"]);
        let at = format!("(at byte {length})");
        assert!(err.contains(&at), "{length}: {err}");
        // The same through a pipe, which has no length to check first.
        if length % 8 == 0 {
            let ran = feed(dir, &["x", "x=/dev/stdin"], &whole[..length]);
            assert_eq!(ran.code, Some(1), "{}", ran.err);
            assert!(ran.err.contains(&at), "{length}: {}", ran.err);
        }
    }
    let ran = feed(dir, &["x", "x=/dev/stdin"], &whole);
    assert_eq!(
        ran,
        Ran { code: Some(0), out: "x: i16 (5,)\n[1 2 3 4 5]\n".into(), err: String::new() }
    );
}

#[test]
fn versions_two_and_three() {
    let dir = temporary();
    let dir = dir.path();
    for major in [2, 3] {
        let text = header("|u1", false, "(2,)");
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([major, 0]);
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.bytes());
        bytes.extend([7, 9]);
        write(dir, "x.npy", &bytes);
        assert_eq!(ok(dir, &["x", "x=x.npy"]), "x: u8 (2,)\n[7 9]\n");
    }
}

#[test]
fn h5_inputs_that_cannot_be_read() {
    let dir = temporary();
    let dir = dir.path();
    let err = fails(dir, 1, &["x", "x=missing.npy"]);
    assert!(err.contains("\"missing.npy\"") && err.contains("No such file"), "{err}");
    assert!(fails(dir, 1, &["x", "x=."]).contains("\".\""));
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
    // By the name that was given, not by one that was made up.
    for name in ["missing/y.npy", "missing/y.npz", "missing/y.csv"] {
        let err = fails(dir, 1, &["a", "a=1", "-o", name]);
        let gone = "No such file or directory (os error 2)";
        assert_eq!(err, format!("error: cannot write {name:?}: {gone}\n"));
    }
    fails(dir, 1, &["a", "a=1", "-o", "file/y.npy"]);
    fails(dir, 1, &["a", "a=1", "-o", "file/"]);
    assert_eq!(names(dir), ["file"]);
}

/// One rule for all that is written: what is there is replaced only if it is called as what is
/// written, or is known for it.
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
    // A link is no way around it.
    std::os::unix::fs::symlink("notes.txt", dir.join("link.npy")).unwrap();
    let err = fails(dir, 1, &["a", "a=1", "-o", "link.npy"]);
    assert!(err.contains("notes.txt\": it is not called .npy, .npz or .csv"), "{err}");
    fs::remove_file(dir.join("link.npy")).unwrap();
    assert_eq!(fs::read(dir.join("notes.txt")).unwrap(), b"mine");
    assert_eq!(fs::read(dir.join("Makefile")).unwrap(), b"all:");
    assert_eq!(fs::read(dir.join("a.npy")).unwrap(), whole);
    // What it wrote itself it may replace.
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

/// `-` is standard output, or input; a file of that name is `./-`.
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

/// Somebody's `notes.txt` is not replaced by the bytes of an array.
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

#[test]
fn tables_with_text() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "t.csv", b"date,price,qty\n2024-01-02,1.5,NA\n2024-01-03,2.5,4\n");
    assert_eq!(ok(dir, &["price", "price=t.csv:price"]), "price: f64 (2,)\n[1.5 2.5]\n");
    let err = fails(dir, 1, &["d", "d=t.csv:date"]);
    let dates = "error: \"t.csv\": column \"date\" holds dates: \"2024-01-02\" in line 2\n  = help: \
                 columns of numbers: price\n  = help: in pandas: df[\"date\"] = \
                 pd.to_datetime(df[\"date\"]).astype(\"int64\")\n";
    assert_eq!(err, dates);
    let err = fails(dir, 1, &["d", "d=t.csv"]);
    assert!(err.contains("holds 3 arrays") && err.contains("of date, price, qty"), "{err}");
    let ran = feed(dir, &["repl"], b":load t.csv\n:vars\n");
    let columns = "price: f64 (2,)\nqty: f64 (2,)\n";
    assert_eq!((ran.code, ran.out), (Some(0), columns.repeat(2)));
    assert_eq!(ran.err, "note: \"t.csv\": left out 1 column of text: date\n");
    // Names that would steer a terminal are shown and not obeyed.
    write(dir, "e.csv", "\u{202e}a,b\n1,2\n".as_bytes());
    let err = fails(dir, 1, &["d", "d=e.csv"]);
    assert!(err.contains("of \\u{202e}a, b"), "{err}");
    // The index that pandas writes has no name.
    write(dir, "p.csv", b",x\n0,2.5\n1,3.5\n");
    let ran = feed(dir, &["repl"], b":load p.csv\nsum(column_1), sum(x)\n");
    assert_eq!(ran.out, "column_1: i64 (2,)\nx: f64 (2,)\n1\n6.0\n");
}

/// What cannot be a table is said before anything is computed; so is where large results can go.
#[test]
fn tables_and_memory_are_checked_first() {
    let dir = temporary();
    let dir = dir.path();
    let bytes = npy(&header("<f8", false, "(200000, 1000)"), &[]);
    write(dir, "x.npy", &bytes);
    let file = fs::File::options().write(true).open(dir.join("x.npy")).unwrap();
    file.set_len(bytes.len() as u64 + 1_600_000_000).unwrap();
    let err = fails(dir, 1, &["y = x + 1", "x=x.npy", "-o", "y.csv"]);
    assert_eq!(err, "error: cannot write \"y.csv\": a table has columns, but y has 2 axes\n");
    let err = fails(dir, 1, &["x[:, 0], x[0]", "x=x.npy", "-o", "y.csv"]);
    assert!(err.contains("one length: out0 has 200000 rows, out1 1000"), "{err}");
    let err = fails(dir, 1, &["x[:, 0]", "x=x.npy", "-o", "y.csv", "--memory", "1MB"]);
    assert!(err.contains("a .npy or .npz file or a DIRECTORY/ takes them in pieces"), "{err}");
    let err = fails(dir, 1, &["x", "x=x.npy"]);
    assert!(err.contains("write them to a file with -o"), "{err}");
    assert_eq!(names(dir), ["x.npy"]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn h5_symbolic_links_stay() {
        let dir = temporary();
        let dir = dir.path();
        fs::create_dir(dir.join("far")).unwrap();
        write(dir, "far/y.npy", b"old");
        symlink("far/y.npy", dir.join("link.npy")).unwrap();
        symlink("link.npy", dir.join("second.npy")).unwrap();
        ok(dir, &["a", "a=1.5", "-o", "second.npy"]);
        assert_eq!(read_f64s(dir, "far/y.npy", "()"), [1.5]);
        assert!(fs::symlink_metadata(dir.join("link.npy")).unwrap().is_symlink());
        assert!(fs::symlink_metadata(dir.join("second.npy")).unwrap().is_symlink());
        assert_eq!(names(&dir.join("far")), ["y.npy"]);
        // One that leads nowhere yet, and one that leads to itself.
        symlink("far/new.npy", dir.join("dangling.npy")).unwrap();
        ok(dir, &["a", "a=2.5", "-o", "dangling.npy"]);
        assert_eq!(read_f64s(dir, "far/new.npy", "()"), [2.5]);
        symlink("circle.npy", dir.join("circle.npy")).unwrap();
        assert!(fails(dir, 1, &["a", "a=1", "-o", "circle.npy"]).contains("symbolic links"));
    }

    #[test]
    fn h5_permissions_stay_or_are_those_of_a_new_file() {
        let dir = temporary();
        let dir = dir.path();
        let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
        write(dir, "plain", b"");
        ok(dir, &["a", "a=1", "-o", "new.npy"]);
        assert_eq!(mode("new.npy"), mode("plain"));
        fs::set_permissions(dir.join("new.npy"), fs::Permissions::from_mode(0o640)).unwrap();
        ok(dir, &["a", "a=2", "-o", "new.npy"]);
        assert_eq!(mode("new.npy"), 0o640);
    }

    #[test]
    fn h5_without_permission_nothing_changes() {
        let dir = temporary();
        let dir = dir.path();
        write(dir, "y.npy", b"old");
        fs::set_permissions(dir.join("y.npy"), fs::Permissions::from_mode(0o444)).unwrap();
        if fs::OpenOptions::new().write(true).open(dir.join("y.npy")).is_ok() {
            return; // The superuser may write everywhere.
        }
        assert!(fails(dir, 1, &["a", "a=1", "-o", "y.npy"]).contains("ermission"));
        assert_eq!(fs::read(dir.join("y.npy")).unwrap(), b"old");
        fs::set_permissions(dir, fs::Permissions::from_mode(0o555)).unwrap();
        assert!(fails(dir, 1, &["a", "a=1", "-o", "z.npy"]).contains("ermission"));
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(names(dir), ["y.npy"]);
    }

    #[test]
    fn devices_are_written_as_they_are() {
        let dir = temporary();
        let dir = dir.path();
        ok(dir, &["a", "a=1", "-o", "/dev/null"]);
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        if Path::new("/dev/full").exists() {
            assert!(fails(dir, 1, &["a", "a=1", "-o", "/dev/full"]).contains("\"/dev/full\""));
        }
        let out = command(dir).args(["a", "a=1.5", "-o", "/dev/stdout"]).output().unwrap();
        assert_eq!(f64s(&out.stdout, "()"), [1.5]);
    }

    /// A limit on the size of files stands for a disk that fills up, at every size.
    #[test]
    fn h4_a_full_disk_leaves_the_old_file() {
        let dir = temporary();
        let dir = dir.path();
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        write_f64(dir, "a.npy", &values);
        for name in ["y.npy", "y.npz", "y.csv"] {
            let mut blocks = 0;
            loop {
                write(dir, name, b"old");
                let words = ["a + 1", "a=a.npy", "-o", name];
                let out = limited(dir, &format!("ulimit -f {blocks}"), &words).output().unwrap();
                assert_eq!(names(dir), ["a.npy", name], "after {blocks} blocks");
                let left = fs::read(dir.join(name)).unwrap();
                if out.status.success() {
                    assert!(left.len() > 4000);
                    break;
                }
                assert_eq!(out.status.code(), Some(1));
                assert_eq!(left, b"old");
                let err = String::from_utf8(out.stderr).unwrap();
                assert!(blocks == 0 || err.contains(&format!("cannot write \"{name}\"")), "{err}");
                blocks += 1;
                assert!(blocks < 100, "{err}");
            }
            assert!(blocks > 4, "the limit was never felt");
            fs::remove_file(dir.join(name)).unwrap();
        }
    }

    /// The limit holds for the memory of compiled code, too. What needs no file is computed, natively;
    /// what needs one says so.
    #[test]
    fn h4_a_limit_on_the_size_of_files() {
        let dir = temporary();
        let dir = dir.path();
        write_f64(dir, "x.npy", &[0.5; 200_000]);
        let out = limited(dir, "ulimit -f 0", &["sum(x) + max(x)", "x=x.npy"]).output().unwrap();
        assert_eq!(Ran::from(out).out, "100000.5\n");
        for (name, what) in [("y.npy", "y.npy"), ("y.npz", "y.npz"), ("y.csv", "y.csv")]
            .into_iter()
            .chain([("new/", "new/out0.npy"), ("> y", "standard output")])
        {
            // Twice 512 KiB, as some shells count.
            let limit = "ulimit -f 1000";
            let mut out = match name.strip_prefix("> ") {
                Some(file) => limited(
                    dir,
                    &format!("{limit}; exec > {file}"),
                    &["x + 1", "x=x.npy", "-o", "-"],
                ),
                None => limited(dir, limit, &["x + 1", "x=x.npy", "-o", name]),
            };
            let ran = Ran::from(out.output().unwrap());
            assert_eq!(ran.code, Some(1), "{name}: {}", ran.err);
            assert!(ran.err.contains("File too large"), "{name}: {}", ran.err);
            assert!(ran.err.contains(what) || name.starts_with('>'), "{name}: {}", ran.err);
        }
        assert_eq!(names(dir), ["x.npy", "y"]);
    }

    /// What the command starts has its signals as ever.
    #[test]
    fn children_get_the_signal_of_the_limit() {
        let dir = temporary();
        let dir = dir.path();
        let status = "#!/bin/sh\ngrep -E 'Sig(Ign|Blk)' /proc/self/status >> $SEEN\nexit 1\n";
        write(dir, "cc", status.as_bytes());
        fs::set_permissions(dir.join("cc"), fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
        let words = ["bench", "a + 1", "-n", "100", "--peers"];
        let out = command(dir)
            .args(words)
            .env("PATH", path)
            .env("SEEN", dir.join("seen"))
            .output()
            .unwrap();
        assert!(out.status.success(), "{out:?}");
        let seen = fs::read_to_string(dir.join("seen")).expect("the compiler was asked for");
        for line in seen.lines() {
            let mask = u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap();
            assert_eq!(mask & 1 << (libc::SIGXFSZ - 1), 0, "{seen}");
        }
    }

    /// Bits that have a file run as its owner are not kept: the owner of the new file may be another.
    #[test]
    fn h5_owner_and_group_are_kept_and_setuid_is_not() {
        use std::os::unix::fs::{MetadataExt, chown};

        let dir = temporary();
        let dir = dir.path();
        write_f64(dir, "a.npy", &[1.0]);
        let superuser = chown(dir.join("a.npy"), Some(65534), Some(65534)).is_ok();
        fs::set_permissions(dir.join("a.npy"), fs::Permissions::from_mode(0o7754)).unwrap();
        let old = fs::metadata(dir.join("a.npy")).unwrap();
        ok(dir, &["a + 1", "a=a.npy", "-o", "a.npy"]);
        assert_eq!(read_f64s(dir, "a.npy", "(1,)"), [2.0]);
        let new = fs::metadata(dir.join("a.npy")).unwrap();
        assert_ne!(new.ino(), old.ino(), "the file was replaced");
        assert_eq!((new.uid(), new.gid()), (old.uid(), old.gid()), "superuser: {superuser}");
        assert_eq!(new.mode() & 0o7777, 0o754);
    }

    #[test]
    fn an_output_takes_one_descriptor() {
        let dir = temporary();
        let dir = dir.path();
        let program: Vec<String> = (0..80).map(|i| format!("a + {i}.5")).collect();
        for place in ["many/", "many.npz"] {
            let words = [&program.join(", "), "a=1", "-o", place];
            let out = limited(dir, "ulimit -n 110", &words).output().unwrap();
            assert!(out.status.success(), "{out:?}");
        }
        assert_eq!(names(&dir.join("many")).len(), 80);
        assert_eq!(read_f64s(dir, "many/out79.npy", "()"), [80.5]);
    }

    #[test]
    fn a_directory_that_a_failed_run_made_is_gone() {
        let dir = temporary();
        let dir = dir.path();
        write_f64(dir, "x.npy", &[0.5; 1000]);
        fs::create_dir(dir.join("old")).unwrap();
        for place in ["old/new/er/", "old/"] {
            let out = limited(dir, "ulimit -f 1", &["x + 1, 2 * x", "x=x.npy", "-o", place])
                .output()
                .unwrap();
            assert_eq!(out.status.code(), Some(1), "{out:?}");
            assert_eq!(names(&dir.join("old")), [""; 0], "{place}");
            assert_eq!(names(dir), ["old", "x.npy"]);
        }
    }

    #[test]
    fn paths_need_not_be_text() {
        let dir = temporary();
        let dir = dir.path();
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.npy");
        if fs::write(dir.join(name), npy(&header("|u1", false, "(1,)"), &[5])).is_err() {
            return; // Some file systems insist on text.
        }
        let word = [b"x=", name.as_bytes()].concat();
        let out = command(dir).arg("x").arg(std::ffi::OsStr::from_bytes(&word)).output().unwrap();
        assert_eq!(out.stdout, b"x: u8 (1,)\n[5]\n");
        let out = command(dir).arg(std::ffi::OsStr::from_bytes(b"a + \xff")).output().unwrap();
        assert_eq!(out.status.code(), Some(2));
    }
}

/// Text for people ends well, data with the code of a shell for what a closed pipe ends.
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

/// What nobody could ever read is no success; `/dev/null` is one.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_standard_output_is_an_error() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[0.5, 1.5]);
    let ended = |script: &str| -> Ran {
        let mut shell = runs::program(dir, "sh");
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

#[test]
fn explain() {
    let dir = temporary();
    let dir = dir.path();
    let text = ok(dir, &["explain", "a * k + b", "a:f32", "k:weak", "b:float64"]);
    for line in [
        "input 0 is a: f32",
        "input 1 is k: weak f64",
        "input 2 is b: f64",
        "bytes moved an element",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(ok(dir, &["explain", "x + 1"]).contains("input 0 is x: f64"));
    assert!(ok(dir, &["explain", "x + y", "x:i16@"]).contains("input 0 is x: i16\n"));
    // What has fewer axes is computed once.
    let kept = ok(dir, &["explain", "sin(x) + cos(y)", "x:f64[1,n]", "y:f64[m,1]"]);
    assert!(kept.contains("array0: f64[s1]\narray1: f64[s2]"), "{kept}");
    assert!(kept.contains("pass 2 over s1,s2"), "{kept}");
    let same = ok(dir, &["explain", "sin(x) + cos(y)", "x:f64[n]", "y:f64[n]"]);
    assert!(!same.contains("array0"), "{same}");
    assert!(
        fails(dir, 1, &["explain", "sine(x)"]).contains("did you mean 'sin', 'sinc' or 'sinh'?")
    );
    assert!(fails(dir, 1, &["explain", "x", "y:f64"]).contains("no input 'y'"));
    assert!(fails(dir, 1, &["explain", "x & 1", "x:f64"]).starts_with("error: "));

    // What is of most use comes first, and nothing twice.
    let place =
        |text: &str, part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    let short = ok(dir, &["explain", "x + 1"]);
    let [plan, code, graph] = ["\nplan\n", "\ncode of pass 0\n", "\ngraph (strict)\n"];
    assert!(place(&short, plan) < place(&short, code), "{short}");
    assert!(place(&short, code) < place(&short, graph), "{short}");

    let words = ["explain", "--svg", "a * k + b", "a:f32", "k:weak"];
    let drawn = ok(dir, &words);
    assert!(drawn.starts_with("<svg") && drawn.ends_with("</svg>\n"), "{drawn}");
    assert!(drawn.contains(">f32[s0], 4 B<"), "{drawn}");
    assert_eq!(ok(dir, &[&words[..], &["-o", "p.svg"]].concat()), "");
    assert_eq!(fs::read_to_string(dir.join("p.svg")).expect("it is written"), drawn);
    let nowhere = fails(dir, 1, &[&words[..], &["-o", "none/p.svg"]].concat());
    assert!(nowhere.contains("cannot write \"none/p.svg\""), "{nowhere}");
}

/// Types and shapes are those of the files; what cannot run is not explained.
#[test]
fn explain_looks_at_files_and_shapes() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0, 2.0, 3.0]);
    write_f64(dir, "b.npy", &[1.0, 2.0, 3.0, 4.0]);
    fs::write(dir.join("t.csv"), "x,y\n1,2\n3,4\n5,6\n").expect("a file");
    let text = ok(dir, &["explain", "a * k + x + i", "a=a.npy", "x=t.csv:x", "k=0.5", "i:i16@"]);
    for line in ["is a: f64[s1]", "is k: weak f64", "is x: i64[s1]", "is i: i16\n"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    for words in [
        ["a + b", "a=a.npy", "b=b.npy"],
        ["a + b", "a=a.npy", "b:f64[4]"],
        ["a + b", "a:f64[3]", "b:f64[4]"],
        ["a + b", "a:f64[n,3]", "b:f64[n,4]"],
        ["a[5] + b", "a=a.npy", "b:f64[n]"],
    ] {
        let error = fails(dir, 1, &[&["explain"], &words[..]].concat());
        assert!(error.contains("broadcast") || error.contains("index"), "{words:?}: {error}");
    }
    for words in [["a + b", "a:f64[n]", "b:f64[m]"], ["a + b", "a=a.npy", "b:f64[n]"]] {
        assert!(ok(dir, &[&["explain"], &words[..]].concat()).contains("\nplan\n"), "{words:?}");
    }
    fs::write(dir.join("p.hl"), "x * 2 + i").expect("a file");
    let by_name = ok(dir, &["explain", "x * 2 + i", "x=t.csv:x", "i:f32@"]);
    assert!(by_name.contains("input 0 is x: ") && by_name.contains("input 1 is i: f32\n"));
    for words in [&["x * 2 + i", "t.csv"][..], &["@p.hl", "t.csv"], &["@p.hl", "t.csv:x"]] {
        let text = ok(dir, &[&["explain"], words, &["i:f32@"]].concat());
        assert_eq!(text, by_name, "{words:?}");
    }
    let missing = fails(dir, 1, &["explain", "x * 2 + i", "t.csv"]);
    assert!(missing.contains("missing the input 'i'"), "{missing}");
    assert!(fails(dir, 2, &["explain", "a", "a:f64", "a=a.npy"]).contains("given twice"));
    assert!(fails(dir, 1, &["explain", "a", "a=no.npy"]).contains("no.npy"));
}

#[test]
fn stats() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0, 2.0, 3.0, 6.0]);
    let silent = run(dir, &["a - mean(a)", "a=a.npy"]);
    let ran = run(dir, &["a - mean(a)", "a=a.npy", "--stats"]);
    assert_eq!((silent.code, ran.code), (Some(0), Some(0)));
    assert_eq!((ran.out, silent.err.as_str()), (silent.out, ""), "results are the same");
    let field = |name: &str| {
        let line = ran.err.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {}", ran.err)).trim().to_string()
    };
    // A small file is read into memory once.
    assert_eq!(field("copies"), "1 array, 32 B");
    assert_eq!(field("temporaries"), "none");
    assert!(field("compile").ends_with('s') && field("run ").ends_with('s'));
    if cfg!(target_os = "linux") {
        assert!(field("peak memory").ends_with("MB"), "{}", ran.err);
    }
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        // Two passes over four elements, and the sum between them.
        assert_eq!((field("read"), field("written")), ("64 B".to_string(), "40 B".to_string()));
        let last = ran.err.lines().last().unwrap_or_default();
        assert!(last.ends_with("-, to output 0") && last.contains(" 32 B  "), "{}", ran.err);
    }
    assert!(fails(dir, 2, &["bench", "a", "--stats"]).contains("--stats is no option of bench"));
}

/// Whether `perf` exists and may record.
fn perf_records(dir: &Path) -> bool {
    let mut perf = Command::new("perf");
    perf.args(["record", "-q", "-o", "probe.data", "--", "true"]).current_dir(dir);
    let records = perf.output().is_ok_and(|output| output.status.success());
    if !records {
        eprintln!("skipped: perf is missing, or may not record");
    }
    records
}

#[test]
fn a_flame_graph_shows_the_expression() {
    let dir = temporary();
    let dir = dir.path();
    let words = ["bench", "exp(-a*a) * 2", "-n", "1e5", "--threads", "1", "--flamegraph"];
    let to = |file: &'static str| [&words[..], &[file]].concat();
    let started = Instant::now();
    let nowhere = fails(dir, 1, &to("none/f.svg"));
    assert!(nowhere.contains("cannot write \"none/f.svg\""), "{nowhere}");
    assert!(!nowhere.contains(".tmp"), "{nowhere}");
    assert!(started.elapsed() < Duration::from_secs(2), "it is known before runs are watched");
    if !perf_records(dir) {
        let err = fails(dir, 1, &to("f.svg"));
        return assert!(err.contains("perf"), "{err}");
    }
    assert_eq!(ok(dir, &to("f.svg")), "");
    let drawn = fs::read_to_string(dir.join("f.svg")).expect("it is written");
    assert!(drawn.contains("hotloop: exp(-a*a) * 2 [pass 0]"), "{}", drawn.len());
    let lacking = command(dir).args(to("g.svg")).env("PATH", dir).output().expect("it starts");
    let lacking = Ran::from(lacking);
    assert_eq!(lacking.code, Some(1));
    assert!(lacking.err.contains("--flamegraph needs Linux's `perf`"), "{}", lacking.err);
    assert!(!dir.join("g.svg").exists());
}

/// Ctrl-C while runs are watched leaves nothing behind.
#[cfg(target_os = "linux")]
#[test]
fn a_flame_graph_that_is_stopped() {
    let dir = temporary();
    let dir = dir.path();
    if !perf_records(dir) {
        return;
    }
    fs::remove_file(dir.join("probe.data")).expect("it was recorded");
    let temporaries = dir.join("tmp");
    fs::create_dir(&temporaries).expect("a directory");
    // On a busy machine the three seconds may be over before the signal comes.
    let mut ran = (0..5).map(|_| flame_graph_that_is_stopped(dir, &temporaries));
    let ran = ran.find(|ran| ran.code != Some(0)).expect("it is stopped");
    assert_eq!((ran.code, ran.out.as_str()), (Some(130), ""), "{}", ran.err);
}

#[cfg(target_os = "linux")]
fn flame_graph_that_is_stopped(dir: &Path, temporaries: &Path) -> Ran {
    let mut command = command(dir);
    command.env("TMPDIR", temporaries).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.args(["bench", "exp(-a*a)", "-n", "1e5", "--flamegraph", "f.svg"]);
    let child = command.spawn().expect("it starts");
    let map = PathBuf::from(format!("/tmp/perf-{}.map", child.id()));
    let end = Instant::now() + Duration::from_secs(60);
    while !(map.exists() && names(temporaries).len() == 1) {
        assert!(Instant::now() < end, "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    // SAFETY: the child is ours, and not waited for yet.
    assert_eq!(unsafe { libc::kill(child.id() as i32, libc::SIGINT) }, 0);
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert!(!map.exists(), "{map:?}");
    assert_eq!(names(temporaries).len(), 0);
    if ran.code == Some(0) {
        fs::remove_file(dir.join("f.svg")).expect("it was written");
    }
    assert_eq!(names(dir), ["tmp"]);
    ran
}

#[test]
fn functions() {
    let dir = temporary();
    let dir = dir.path();
    let table = ok(dir, &["functions"]);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for row in hotloop::ops::functions() {
        // A line, which may go on in others.
        let call = row.signature();
        let at = table.find(&format!("\n  {}", call.split_whitespace().next().unwrap()));
        let line = &table[at.unwrap_or_else(|| panic!("{} is missing", row.name))..];
        assert!(words(line).starts_with(&call), "{call}: {line}");
        assert!(words(line).contains(&words(row.doc)), "{line}");
        assert!(row.aliases.iter().all(|alias| line.contains(alias)), "{line}");
    }
    assert!(table.lines().any(|line| line.starts_with("  isin(")));
    assert!(table.starts_with("Arithmetic\n"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let log = ok(dir, &["functions", "ln"]);
    assert!(log.starts_with("log(x)\n") && log.contains("also called: ln"), "{log}");
    assert!(ok(dir, &["functions", "isin"]).starts_with("isin("));
    let random = ok(dir, &["functions", "random"]);
    assert!(random.contains("only in a session: `hotloop repl`"), "{random}");
    let arcs = ok(dir, &["functions", "arc*"]);
    assert_eq!(arcs.matches("\n  arc").count() + 1, 7, "{arcs}");
    let err = fails(dir, 1, &["functions", "expl"]);
    assert!(err.contains("did you mean 'exp'"), "{err}");
}

#[test]
fn bench() {
    let dir = temporary();
    let words = ["bench", "a * \"k\"[0]", "-n", "10_000", "--json"];
    assert!(fails(dir.path(), 1, &words).starts_with("error: "));
    let program = "a * k + \\\n b";
    assert!(fails(dir.path(), 1, &["bench", program, "-n", "1e4"]).starts_with("error: "));

    let program = "a * k +\n b";
    let words =
        ["bench", program, "k=0.5", "-n", "1e4", "--threads", "1", "--dtype", "f32", "--json"];
    let text = ok(dir.path(), &words);
    let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let object = object.as_object().expect("an object");
    assert_eq!(object["expression"], program);
    assert_eq!(object["n"], 10_000);
    assert_eq!(object["threads"], 1);
    assert_eq!(object["dtype"], "f32");
    assert_eq!(object["mode"], "strict");
    assert_eq!(object["bytes"], 120_000, "two inputs and an output of four bytes");
    assert!(object["runs"].as_u64().expect("a count") >= 5);
    let number = |key: &str| object[key].as_f64().unwrap_or_else(|| panic!("{key} is no number"));
    for key in
        ["compile_s", "min_s", "median_s", "gb_per_s", "interpreter_ns_per_element", "speedup"]
    {
        assert!(number(key) > 0.0, "{key}");
    }
    assert!(number("min_s") <= number("median_s"));
    let close = |x: f64, y: f64| (x / y - 1.0).abs() < 1e-9;
    assert!(close(number("ns_per_element"), number("min_s") / 1e4 * 1e9));
    assert!(close(number("gb_per_s"), 120_000.0 / number("min_s") / 1e9));
    assert!(close(
        number("speedup"),
        number("interpreter_ns_per_element") / number("ns_per_element")
    ));
    let keys: Vec<&str> = object.keys().map(String::as_str).collect();
    let help = ok(dir.path(), &["bench", "--help"]);
    assert!(keys.iter().all(|key| help.contains(key)), "{keys:?}");
    assert_eq!(keys.len(), 18);
    assert!(close(number("floor_ratio"), number("median_s") / number("floor_s")));

    assert!(number("recompile_s") > 0.0);

    let words = ["bench", "sum(x) + 1", "-n", "1000", "--dtype", "i16", "--threads", "1"];
    let text = ok(dir.path(), &words);
    assert!(text.starts_with("1000 elements of i16, 1 thread, strict"), "{text}");
    // Times and sizes are as those of --stats.
    let line = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {text}")).trim().to_string()
    };
    assert!(line("compile").ends_with("s then") && line("compile").contains("s the first time, "));
    assert!(line("run ").contains("s at best, ") && line("run ").contains("s in the median of "));
    assert!(line("memory").starts_with("2.01 kB read and written, "), "{text}");
    assert!(line("floor").contains("s to only move as many bytes, "), "{text}");
    assert!(!text.contains("e-"), "{text}");
}

/// The program and the floor count the same bytes, however often an array is read.
#[test]
fn bench_counts_bytes_once() {
    let native = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    for (program, shape, bytes) in [
        ("a[1:] - a[:-1]", "[1000]", 8 * (1000 + 999)),
        ("a - mean(a)", "[1000]", 8 * 2000),
        ("a[:10] * 2", "[1000]", if native { 8 * 20 } else { 8 * 1010 }),
    ] {
        let object = benched(&[program, &format!("a:f64{shape}")]);
        assert_eq!(object["bytes"], bytes, "{program}");
        let rate = bytes as f64 / object["min_s"].as_f64().expect("seconds") / 1e9;
        assert!((object["gb_per_s"].as_f64().expect("a rate") / rate - 1.0).abs() < 1e-9);
    }
}

/// Files and numbers are taken as they are, beside arrays that are drawn.
#[test]
fn bench_of_files() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0, 2.0, 4.0]);
    fs::write(dir.join("t.csv"), "x,y\n1,2\n3,4\n5,6\n").expect("a file");
    let words = ["bench", "a * x + k + b", "a=a.npy", "x=t.csv:x", "k=0.5", "b:f64[2,1]", "--json"];
    let object: serde_json::Value = serde_json::from_str(&ok(dir, &words)).expect("JSON");
    assert_eq!((&object["n"], &object["bytes"]), (&6.into(), &(8 * (3 + 3 + 2 + 6)).into()));
    // The sums of the peer in C are checked against ours, so it has the file's elements.
    let object: serde_json::Value =
        serde_json::from_str(&ok(dir, &["bench", "a * 2", "a=a.npy", "--peers", "--json"]))
            .expect("JSON");
    let compiler = Command::new("cc").arg("--version").output().is_ok_and(|o| o.status.success());
    assert_eq!(object["peers"]["c"].is_number(), compiler);
    // The columns that the program names, as in the main job.
    let words = ["bench", "x * y + k + c", "t.csv", "k=2", "c:f64[3]", "--json"];
    let object: serde_json::Value = serde_json::from_str(&ok(dir, &words)).expect("JSON");
    assert_eq!((&object["n"], &object["bytes"]), (&3.into(), &(8 * 4 * 3).into()));
    fs::write(dir.join("s.csv"), "x:y\n1:2\n").expect("a file");
    let object: serde_json::Value =
        serde_json::from_str(&ok(dir, &["bench", "x * y", "s.csv", "--sep", ":", "--json"]))
            .expect("JSON");
    assert_eq!(object["n"], 1);
    let missing = fails(dir, 1, &["bench", "x + z", "t.csv"]);
    assert!(missing.contains("= help: \"t.csv\" has x, y\n"), "{missing}");
    assert!(fails(dir, 1, &["bench", "a", "b=a.npy"]).contains("'b'"));
    assert!(fails(dir, 1, &["bench", "a", "a=no.npy"]).contains("no.npy"));
    assert!(fails(dir, 2, &["bench", "a", "a=a.npy", "a:f32"]).contains("given twice"));
}

/// The object that a bench prints.
fn benched(words: &[&str]) -> serde_json::Value {
    let words = [&["bench"], words, &["--json"]].concat();
    serde_json::from_str(&ok(temporary().path(), &words)).expect("JSON")
}

#[test]
fn bench_of_shapes_and_layouts() {
    let same = benched(&["a + b", "a:f64[30,40]:F", "b:[30,40]", "-n", "7"]);
    assert_eq!(same["n"], 1200);
    assert_eq!(same["bytes"], 3 * 8 * 1200);

    let broadcast = benched(&["a + b", "a:f32[30,1]:rev", "b:f64[1, 4_0]:step2"]);
    assert_eq!(broadcast["n"], 1200);
    let bytes = 4 * 30 + 8 * (2 * 40 - 1) + 8 * 1200;
    assert_eq!(broadcast["bytes"], bytes, "each array once, and what is between the elements");

    let apart = benched(&["sum(a) * sum(b)", "a:i16[1e3]:odd", "b:f64[999]"]);
    assert_eq!(apart["n"], 1000, "the largest array");
    let one = benched(&["a * b", "a:f64[]", "b:f32", "-n", "100", "--dtype", "i32"]);
    assert_eq!((&one["n"], &one["dtype"]), (&100.into(), &"i32".into()));
}

#[test]
fn bench_beside_peers() {
    let compiler = Command::new("cc").arg("--version").output().is_ok_and(|o| o.status.success());
    let seconds = |object: &serde_json::Value, who: &str| object["peers"][who].as_f64();
    let object = benched(&["2*a + sum(b)*k", "k=3", "a:f32[20,30]:F", "b:f32[30]", "--peers"]);
    assert_eq!(seconds(&object, "c"), None, "a sum within a program");
    assert!(seconds(&object, "ndarray").is_some_and(|s| s > 0.0));
    let object = benched(&["i*f + a", "i:i32[50]", "f:f32[9,50]:F", "a:[9,1]:rev", "--peers"]);
    assert_eq!(seconds(&object, "c").is_some_and(|s| s > 0.0), compiler);
    assert_eq!(object["peers"]["ndarray"], serde_json::Value::Null);
    let sums = ["sum(c*2 + f, axis=1)", "c:f64[40,30]", "f:f64[40,30]:F", "--peers"];
    let object = benched(&sums);
    assert_eq!(seconds(&object, "c").is_some_and(|s| s > 0.0), compiler, "README's example");
    assert!(seconds(&object, "ndarray").is_some_and(|s| s > 0.0));
    let words = ["bench", "i // j", "-n", "100", "--dtype", "i32", "--peers"];
    let text = ok(temporary().path(), &words);
    assert!(text.contains("c            no peer: no loop in C for the operator // "), "{text}");
    assert!(text.contains("floor  "), "{text}");
    assert!(!benched(&["a", "-n", "10"]).to_string().contains("peers"));
}

#[test]
fn bench_of_wrong_arrays() {
    let dir = temporary();
    for (word, about) in [
        ("a:f64[2", "']'"),
        ("a:f65[2]", "f65"),
        ("a:f64[2,x]", "\"x\""),
        ("a:f64[0]", "\"0\""),
        ("a:f64[2]:G", "rev"),
        ("a:", "missing"),
    ] {
        let err = fails(dir.path(), 2, &["bench", "a", word]);
        assert!(err.contains(&format!("{word:?}")) && err.contains(about), "{err}");
    }
    assert!(fails(dir.path(), 2, &["bench", "a", "a:f64[2]", "a=1"]).contains("a is given twice"));
    assert!(fails(dir.path(), 1, &["bench", "a", "b:f64[2]"]).contains("'b'"));
    let err = fails(dir.path(), 1, &["bench", "a + b", "a:[3]", "b:[4]"]);
    assert!(err.contains("do not broadcast"), "{err}");
    for shape in ["[1e15,1e15]", "[1e14]", "[1e5,1e5,1e5]:step2"] {
        let err = fails(dir.path(), 1, &["bench", "sum(a)", &format!("a:f64{shape}")]);
        assert!(err.contains("memory"), "{err}");
    }
}
