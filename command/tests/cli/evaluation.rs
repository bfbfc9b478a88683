//! Evaluation of programs on arrays.

use std::fs;
use std::path::Path;

use super::{header, read_f64s, split, write_f64};
use crate::runs::{fails, names, ok, temporary, with_header, write};

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
        write(dir, "x.npy", with_header(&header(descr, false, "(3,)"), &three));
        let text = match name {
            "bool" => "[ True  True  True]",
            "f32" | "f64" => "[1. 1. 1.]",
            _ => "[1 1 1]",
        };
        assert_eq!(ok(dir, &["x", "x=x.npy"]), format!("x: {name} (3,)\n{text}\n"), "{descr}");
        // Written and read again, it stays the same.
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
    write(dir.path(), "x.npy", with_header(&header("|b1", false, "(4,)"), &[0, 1, 2, 255]));
    assert_eq!(ok(dir.path(), &["x + 0", "x=x.npy"]), "i64 (4,)\n[0 1 1 1]\n");
}

#[test]
fn fortran_order_and_broadcasting() {
    let dir = temporary();
    let dir = dir.path();
    // [[1, 2, 3], [4, 5, 6]] column by column.
    let data: Vec<u8> = [1i32, 4, 2, 5, 3, 6].iter().flat_map(|x| x.to_le_bytes()).collect();
    write(dir, "x.npy", with_header(&header("<i4", true, "(2, 3)"), &data));
    let row: Vec<u8> = [10i32, 20, 30].iter().flat_map(|x| x.to_be_bytes()).collect();
    write(dir, "row.npy", with_header(&header(">i4", false, "(3,)"), &row));
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
    write(
        dir,
        "x.npy",
        with_header(&header("<f4", false, "(2,)"), &[0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]),
    );
    assert_eq!(ok(dir, &["x * k", "x=x.npy", "k=0.5"]), "f32 (2,)\n[0.5 1. ]\n");
    assert_eq!(ok(dir, &["x * n", "x=x.npy", "n=3"]), "f32 (2,)\n[3. 6.]\n");
    assert_eq!(ok(dir, &["x if flag else -x", "x=x.npy", "flag=False"]), "f32 (2,)\n[-1. -2.]\n");
    assert_eq!(ok(dir, &["n // 2", "n=-7"]), "-4\n");
    assert_eq!(ok(dir, &["-a", "a=3"]), "-3\n");
    assert_eq!(ok(dir, &["--", "-a", "a=3"]), "-3\n");
    // A file without axes is an element with a dtype of its own.
    write(dir, "k.npy", with_header(&header("<f8", false, "()"), &2.5f64.to_le_bytes()));
    assert_eq!(ok(dir, &["x * k", "x=x.npy", "k=k.npy"]), "f64 (2,)\n[2.5 5. ]\n");
    let err = fails(dir, 2, &["n", "n=9223372036854775808"]);
    assert!(err.contains("does not fit i64; write it in the program"), "{err}");
    assert_eq!(ok(dir, &["n = 9223372036854775808; n"]), "n: u64 9223372036854775808\n");
}

#[test]
fn empty_arrays() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "x.npy", with_header(&header("<f8", false, "(0, 3)"), &[]));
    assert_eq!(ok(dir, &["x + 1", "x=x.npy"]), "f64 (0, 3)\n[]\n");
    assert_eq!(ok(dir, &["sum(x)", "x=x.npy"]), "0.0\n");
    ok(dir, &["x", "x=x.npy", "-o", "y.npy"]);
    assert_eq!(read_f64s(dir, "y.npy", "(0, 3)"), [0.0; 0]);
    assert!(fails(dir, 1, &["max(x)", "x=x.npy"]).contains("empty"));
    // Extents that are only possible because another is zero are rejected, as in NumPy.
    let shape = "(1099511627776, 0, 1099511627776)";
    write(dir, "x.npy", with_header(&header("<f8", true, shape), &[]));
    let error = fails(dir, 1, &["x", "x=x.npy"]);
    assert_eq!(error, format!("error: an array of shape {shape} has too many elements\n"));
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
