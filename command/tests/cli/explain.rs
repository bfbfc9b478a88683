//! Explanations, figures of runs, flame graphs, the list of functions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::write_f64;
use crate::runs::{Ran, command, fails, names, ok, run, temporary};

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
    // A value with fewer axes is computed once.
    let kept = ok(dir, &["explain", "sin(x) + cos(y)", "x:f64[1,n]", "y:f64[m,1]"]);
    assert!(kept.contains("array0: f64[s1]\narray1: f64[s2]"), "{kept}");
    assert!(kept.contains("pass 2 over s1,s2"), "{kept}");
    let same = ok(dir, &["explain", "sin(x) + cos(y)", "x:f64[n]", "y:f64[n]"]);
    assert!(!same.contains("array0"), "{same}");
    assert!(
        fails(dir, 1, &["explain", "sine(x)"]).contains("did you mean 'sin', 'sinc' or 'since'?")
    );
    assert!(fails(dir, 1, &["explain", "x", "y:f64"]).contains("no input 'y'"));
    assert!(fails(dir, 1, &["explain", "x & 1", "x:f64"]).starts_with("error: "));

    // The most useful part comes first, and nothing is repeated.
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

/// Types and shapes are those of the files; a program that cannot run is not explained.
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
    // A small file is read once, into memory.
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

/// Whether `perf` exists and is allowed to record.
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

/// Ctrl-C during recorded runs leaves no files.
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
    // On a busy machine, the three seconds may end before the signal arrives.
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
    // SAFETY: the process is a child that has not been waited for.
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
        // An entry, which may continue on further lines.
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
