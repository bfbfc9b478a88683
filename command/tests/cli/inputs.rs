//! Input files.

use std::fs;

use super::header;
use crate::runs::{Ran, fails, feed, names, ok, temporary, with_header, write};

/// Files whose contents do not match their names: the message names the file and the byte.
#[test]
fn h1_damaged_files() {
    let dir = temporary();
    let dir = dir.path();
    let good = |shape: &str| header("<f8", false, shape);
    let version = |major, minor| {
        let mut bytes = with_header(&good("(1,)"), &[0; 8]);
        bytes[6..8].copy_from_slice(&[major, minor]);
        bytes
    };
    let lying = |length: u16| {
        let mut bytes = with_header(&good("(1,)"), &[0; 8]);
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
        ("a header of nested brackets", with_header(&nested, &[]), 20),
        ("no data", with_header(&good("(1,)"), &[]), data),
        ("half an element", with_header(&good("(1,)"), &[0; 4]), data + 4),
        ("trailing data", with_header(&good("(1,)"), &[0; 9]), data + 8),
        ("a huge shape", with_header(&good(huge), &[0; 8]), 10 + good(huge).len()),
        ("a large shape", with_header(&good(large), &[0; 8]), 10 + good(large).len() + 8),
        ("an extent beyond 64 bits", with_header(&good("(18446744073709551616,)"), &[0; 8]), 61),
        ("a negative extent", with_header(&good("(-1,)"), &[0; 8]), 61),
        ("a float as extent", with_header(&good("(1.5,)"), &[0; 8]), 62),
        ("an integer as shape", with_header(&good("1"), &[0; 8]), 60),
        ("an unknown dtype", with_header(&header("zz", false, "(1,)"), &[0; 8]), 20),
        ("code", with_header("__import__('os')", &[0; 8]), 10),
        ("a missing key", with_header("{'descr': '<f8', 'shape': (1,)}", &[0; 8]), 41),
        ("another key", with_header("{'evil': 1}", &[0; 8]), 11),
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
        write(dir, "bad.npy", with_header(&header(descr, false, "(1,)"), &[0; 16]));
        let err = fails(dir, 1, &["x", "x=bad.npy"]);
        assert!(err.contains("\"bad.npy\"") && err.contains(descr), "{err}");
        assert!(err.contains(advice), "{descr}: {err}");
    }
    let text = "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1,), }\n";
    write(dir, "bad.npy", with_header(text, &[0; 8]));
    assert!(fails(dir, 1, &["x", "x=bad.npy"]).contains("structured"));
}

#[test]
fn h1_a_file_cut_at_every_length() {
    let dir = temporary();
    let dir = dir.path();
    let whole = with_header(&header("<i2", false, "(5,)"), &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    for length in 0..whole.len() {
        write(dir, "cut.npy", &whole[..length]);
        let err = fails(dir, 1, &["x", "x=cut.npy"]);
        let at = format!("(at byte {length})");
        assert!(err.contains(&at), "{length}: {err}");
        // The same through a pipe, whose length cannot be checked first.
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
    // Control characters in names are escaped.
    write(dir, "e.csv", "\u{202e}a,b\n1,2\n".as_bytes());
    let err = fails(dir, 1, &["d", "d=e.csv"]);
    assert!(err.contains("of \\u{202e}a, b"), "{err}");
    // The index column that pandas writes has no name.
    write(dir, "p.csv", b",x\n0,2.5\n1,3.5\n");
    let ran = feed(dir, &["repl"], b":load p.csv\nsum(column_1), sum(x)\n");
    assert_eq!(ran.out, "column_1: i64 (2,)\nx: f64 (2,)\n1\n6.0\n");
}

/// Impossible tables and results that are too large are errors before anything is computed; the
/// messages say where large results can be written.
#[test]
fn tables_and_memory_are_checked_first() {
    let dir = temporary();
    let dir = dir.path();
    let bytes = with_header(&header("<f8", false, "(200000, 1000)"), &[]);
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
