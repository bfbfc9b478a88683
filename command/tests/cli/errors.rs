//! Errors, exit codes, the environment.

use std::fs;

use super::{header, write_f64};
use crate::runs::{Ran, command, fails, ok, run, temporary, with_header, write};

#[test]
fn errors_draw_a_caret_and_exit_with_one() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0]);
    let err = fails(dir, 1, &["1 + sine(a)", "a=a.npy"]);
    assert!(err.contains("1 | 1 + sine(a)\n  |     ^^^^"), "{err}");
    assert!(err.contains("did you mean 'sin', 'sinc' or 'since'?"), "{err}");
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
    write(dir, "x.npy", with_header(&header("|i1", false, "(3,)"), &[6, 7, 8]));
    write(dir, "y.npy", with_header(&header("|i1", false, "(3,)"), &[2, 0, 4]));
    let ran = run(dir, &["x // y", "x=x.npy", "y=y.npy"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "i8 (3,)\n[3 0 2]\n"));
    assert_eq!(ran.err, "warning: integers were divided by zero; those elements are 0\n");
}
