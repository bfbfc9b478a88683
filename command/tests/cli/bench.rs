//! Benchmarks.

use std::fs;
use std::process::Command;

use super::write_f64;
use crate::runs::{fails, ok, temporary};

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
    // Times and sizes are formatted as by --stats.
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

/// Files and numbers are used as given, beside random arrays.
#[test]
fn bench_of_files() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0, 2.0, 4.0]);
    fs::write(dir.join("t.csv"), "x,y\n1,2\n3,4\n5,6\n").expect("a file");
    let words = ["bench", "a * x + k + b", "a=a.npy", "x=t.csv:x", "k=0.5", "b:f64[2,1]", "--json"];
    let object: serde_json::Value = serde_json::from_str(&ok(dir, &words)).expect("JSON");
    assert_eq!((&object["n"], &object["bytes"]), (&6.into(), &(8 * (3 + 3 + 2 + 6)).into()));
    // The sums of the C program are compared with ours, so it must read the same elements.
    let object: serde_json::Value =
        serde_json::from_str(&ok(dir, &["bench", "a * 2", "a=a.npy", "--peers", "--json"]))
            .expect("JSON");
    let compiler = Command::new("cc").arg("--version").output().is_ok_and(|o| o.status.success());
    assert_eq!(object["peers"]["c"].is_number(), compiler);
    // The columns that the program reads, as in evaluation.
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

/// The JSON object that a bench prints.
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
