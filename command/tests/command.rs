//! The command line: programs in files, names and formats of outputs, commands, options, and
//! messages on a terminal.

mod runs;

use std::fs;
use std::path::Path;

use runs::{fails, feed, ok, program, run, temporary};
use tempfile::TempDir;

/// A directory with the arrays and the program that the help texts use.
fn data() -> TempDir {
    let dir = temporary();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data");
    for entry in fs::read_dir(from).expect("examples") {
        let path = entry.expect("a file").path();
        fs::copy(&path, dir.path().join(path.file_name().expect("a name"))).expect("a copy");
    }
    dir
}

/// Runs a bash script with the command in its path.
fn bash(dir: &Path, script: &str) -> (bool, String, String) {
    let own = Path::new(env!("CARGO_BIN_EXE_hotloop")).parent().expect("a directory");
    let paths = std::env::var("PATH").unwrap_or_default();
    let mut command = program(dir, "bash");
    command.env("PATH", format!("{}:{paths}", own.display()));
    let output = command.args(["-c", script]).output().expect("bash");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn programs_stand_in_files() {
    let dir = data();
    let dir = dir.path();
    fs::write(dir.join("p.hl"), "# a program\nk = 2\nx * k + 1\n").unwrap();
    for words in [&["-f", "p.hl", "x=3"][..], &["@p.hl", "x=3"], &["x=3", "--file=p.hl"]] {
        assert_eq!(ok(dir, words), "7\n", "{words:?}");
    }
    let windows = "\u{feff}k = 2\r\nx * k + 1\r\n";
    let ran = feed(dir, &["-f", "-", "x=3"], windows.as_bytes());
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "7\n", ""));
    assert!(ok(dir, &["explain", "-f", "p.hl"]).contains("x"));
    // The program as a script: the language also has `#` comments.
    let path = env!("CARGO_BIN_EXE_hotloop");
    fs::write(dir.join("p"), format!("#!/usr/bin/env -S {path} -f\nx * 2\n")).unwrap();
    let (well, out, err) = bash(dir, "chmod +x p && ./p x=4");
    assert_eq!((well, out.as_str(), err.as_str()), (true, "8\n", ""));
}

#[test]
fn errors_name_the_file_and_its_line() {
    let dir = data();
    let dir = dir.path();
    fs::write(dir.join("bad.hl"), "k = 2\n  k + flor(x)\n").unwrap();
    let want = "error: unknown function 'flor'\n --> bad.hl:2:7\n  |\n2 |   k + flor(x)\n  |       \
                ^^^^\n  = help: did you mean 'floor'?\n";
    assert_eq!(fails(dir, 1, &["-f", "bad.hl", "x=1"]), want);
    assert_eq!(fails(dir, 1, &["explain", "-f", "bad.hl"]), want);
    let ran = feed(dir, &["-f", "-"], b"x +");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("\n --> standard input:1:4\n"), "{}", ran.err);
    for (words, message) in [
        (&["-f", "none.hl"][..], "cannot read the program \"none.hl\""),
        (&["-f", "."], "Is a directory"),
        (&["-f", "/dev/zero"], "is longer than 1MiB"),
        (&["-f", "a.npy"], "= help: -f takes a program; an array is an input: x=a.npy"),
        (&["quotes.hl"], "is `hotloop -f quotes.hl` or `hotloop @quotes.hl`\n"),
        (
            &["explain", "quotes.hl"],
            "`hotloop explain -f quotes.hl` or `hotloop explain @quotes.hl`\n",
        ),
        (&["a.npy"], "= help: an array is an input: `hotloop x x=a.npy`\n"),
        (&["bench", "a.npy"], "= help: an array is an input: `hotloop bench x x=a.npy`\n"),
        (&["verson"], "= help: did you mean `hotloop version`?"),
        (&["help", "explian"], "did you mean `hotloop help explain`?"),
    ] {
        let err = fails(dir, 1, words);
        assert!(err.contains(message), "{words:?}: {err}");
    }
    let err = fails(dir, 2, &["explian", "a+b"]);
    assert!(err.contains("= help: did you mean `hotloop explain`?"), "{err}");
}

#[test]
fn outputs_have_the_names_they_are_given() {
    let dir = data();
    let dir = dir.path();
    let program = ["bid[:2], ask[:2]", "bid=bid.npy", "ask=ask.npy", "--name", "low,high"];
    let with = |more: &[&'static str]| [&program[..], more].concat();
    let out = ok(dir, &with(&[]));
    assert!(out.starts_with("low: f64 (2,)\n[") && out.contains("\n\nhigh: f64 (2,)\n["), "{out}");
    ok(dir, &with(&["-o", "q.csv"]));
    let table = fs::read_to_string(dir.join("q.csv")).unwrap();
    assert!(table.starts_with("low,high\n"), "{table}");
    ok(dir, &with(&["-o", "q/"]));
    assert!(dir.join("q/low.npy").exists() && dir.join("q/high.npy").exists());
    ok(dir, &with(&["-o", "q.npz"]));
    assert_eq!(ok(dir, &["all(x == y)", "x=q.npz:high", "y=q/high.npy"]), "True\n");
    let err = fails(dir, 2, &["a, b", "a=1", "b=2", "--name", "x"]);
    assert!(err.contains("--name gives 1 name, but the program has 2 outputs"), "{err}");
}

#[test]
fn people_are_told_what_was_written() {
    let dir = data();
    let dir = dir.path();
    fs::create_dir(dir.join("d")).unwrap();
    let told = |words: &[&str]| {
        let ran = run(dir, words);
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{words:?}: {}", ran.err);
        ran.err
    };
    let a = "a=a.npy";
    assert_eq!(told(&["a", a, "-o", "y.npy", "-v"]), "wrote y.npy: f64 (1024,), 8.32 kB\n");
    let err = told(&["s = sum(a); a, s", a, "-o", "d", "-v"]);
    assert_eq!(err, "wrote d/a.npy: f64 (1024,), 8.32 kB\nwrote d/s.npy: f64 (), 136 B\n");
    let err = told(&["y = 2 * a; a, y", a, "-o", "y.npz", "--verbose"]);
    assert_eq!(err.split(", 1").next(), Some("wrote y.npz: a f64 (1024,), y f64 (1024,)"));
    let many = vec!["a[0]"; 30].join(", ");
    assert_eq!(told(&[&many, a, "-o", "many/", "-v"]), "wrote 30 files to many/\n");
    // Without a terminal.
    assert_eq!(told(&["a", a, "-o", "y.npy"]), "");
    let unused = ["a", a, "z=1", "-o", "y.npy"];
    assert_eq!(told(&unused), "warning: the program has no input 'z'\n");
    assert_eq!(told(&[&unused[..], &["-q"]].concat()), "");
}

#[test]
fn values_are_printed_as_they_are_asked_for() {
    let dir = data();
    let dir = dir.path();
    assert_eq!(ok(dir, &["x / 3", "x=1.0"]), "0.3333333333333333\n");
    assert_eq!(ok(dir, &["x / 3", "x=1.0", "--digits", "3"]), "0.333\n");
    assert_eq!(ok(dir, &["f32(x)", "x=0.1"]), "f32 0.1\n");
    let short = ok(dir, &["a", "a=a.npy"]);
    assert!(short.contains("...") && short.lines().count() == 2, "{short}");
    let full = ok(dir, &["a", "a=a.npy", "--full"]);
    let numbers = full.lines().skip(1).flat_map(str::split_whitespace);
    let numbers = numbers.map(|x| x.trim_matches(['[', ']'])).filter(|x| !x.is_empty());
    let numbers: Vec<f64> = numbers.map(|x| x.parse().expect(x)).collect();
    assert_eq!(numbers.len(), 1024);
}

#[test]
fn outputs_are_printed_in_formats_of_others() {
    let dir = data();
    let dir = dir.path();
    let words = ["bid[:2], log(0 - ask[:2])", "bid=bid.npy", "ask=ask.npy", "--name", "m,n"];
    let with = |format: &'static str| [&words[..], &["--format", format]].concat();
    let json: serde_json::Value = serde_json::from_str(&ok(dir, &with("json"))).expect("JSON");
    let first = ok(dir, &["bid[0]", "bid=bid.npy"]);
    assert_eq!(json["m"][0].as_f64(), first.trim().parse().ok());
    assert_eq!(json["n"], serde_json::json!([null, null]));
    let one: serde_json::Value =
        serde_json::from_str(&ok(dir, &["x > 1", "x=2", "--format", "json"])).expect("JSON");
    assert_eq!(one, serde_json::json!({"out0": true}));
    let table = ok(dir, &with("csv"));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "m,n"));
    assert!(lines[1].starts_with(first.trim()), "{table}");
    let (well, _, err) = bash(
        dir,
        "hotloop 'a * 2' a=a.npy -o y.npy && hotloop 'a * 2' a=a.npy --format npy | cmp - y.npy",
    );
    assert!(well, "{err}");
    let err = fails(dir, 2, &["a, b", "a=1", "b=2", "--format", "npy"]);
    assert!(err.contains("2 outputs do not fit one array: take --format json or csv"), "{err}");
    let err = fails(dir, 1, &["a, a[1:]", "a=a.npy", "--format", "csv"]);
    assert!(err.contains("columns"), "{err}");
}

#[test]
fn no_option_is_taken_twice() {
    let dir = data();
    for (words, message) in [
        (&["a", "a=1", "-o", "x.npy", "-o", "y.npy"][..], "--output is given twice"),
        (&["a", "a=1", "--threads", "1", "--threads", "2"], "--threads is given twice"),
        (&["a", "a=1", "--threads", "0"], "--threads takes 1 to 1024, not 0"),
        (&["a", "a=1", "--memory", "0.1"], "--memory takes a size of at least 1 byte"),
    ] {
        let err = fails(dir.path(), 2, words);
        assert!(err.contains(message), "{err}");
    }
    let err = fails(dir.path(), 1, &["a", "a=a.npy", "--memory", "1"]);
    assert!(err.contains("--memory is 1 B"), "{err}");
}

#[test]
fn first_words_are_commands() {
    let dir = data();
    let dir = dir.path();
    let version = format!("hotloop {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(ok(dir, &["version"]), version);
    assert_eq!(ok(dir, &["help"]), ok(dir, &["--help"]));
    assert_eq!(ok(dir, &["help", "explain"]), ok(dir, &["explain", "--help"]));
    assert_eq!(ok(dir, &["help", "clip"]), ok(dir, &["functions", "clip"]));
    assert!(ok(dir, &["help", "language"]).contains("def bps(x, y)"));
    assert_eq!(ok(dir, &["(bench)", "bench=2"]), "bench: 2\n");
    let page = ok(dir, &["man"]);
    assert!(page.starts_with(".TH HOTLOOP 1"), "{page}");
    for option in ["\\-\\-digits", "\\-\\-format", "\\-\\-flamegraph"] {
        assert!(page.contains(option), "{option}");
    }
}

/// Every example in the help texts works, except those that measure or write to the home directory.
#[test]
fn examples_of_help_work() {
    let dir = data();
    let mut count = 0;
    for topic in ["", "explain", "functions", "repl", "help"] {
        let words = if topic.is_empty() { vec!["help"] } else { vec!["help", topic] };
        let help = ok(dir.path(), &words);
        for line in help.lines().filter_map(|line| line.strip_prefix("  $ ")) {
            let (well, _, err) = bash(dir.path(), line);
            assert_eq!((well, err.as_str()), (true, ""), "{line}");
            count += 1;
        }
    }
    assert!(count > 12, "{count}");
    assert!(dir.path().join("quotes.npz").exists() && dir.path().join("standardize.svg").exists());
}

#[test]
fn bash_completes() {
    let dir = data();
    let complete = |words: &str| {
        let script = format!(
            "source <(hotloop completions bash); COMP_WORDS=({words}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             last=${{COMP_WORDS[COMP_CWORD]}}; [[ ${{COMP_WORDS[COMP_CWORD-1]}} == @ ]] && last=@$last; \
             _hotloop hotloop \"$last\"; echo \"${{COMPREPLY[*]}}\""
        );
        let (well, out, err) = bash(dir.path(), &script);
        assert_eq!((well, err.as_str()), (true, ""), "{words}");
        out.trim_end().to_string()
    };
    for (words, want) in [
        ("hotloop expl", "explain"),
        ("hotloop help nanm", "nanmean nanmin nanmax"),
        ("hotloop functions nanme", "nanmean"),
        // Bash splits `@qu` into these words.
        ("hotloop @ qu", "@quotes.hl"),
        ("hotloop x --thr", "--threads"),
        ("hotloop explain --sv", "--svg"),
        ("hotloop bench x --fla", "--flamegraph"),
        ("hotloop x --mode ''", "strict contract fast"),
        ("hotloop x --mode = co", "contract"),
        ("hotloop x a = as", "ask.npy"),
        ("hotloop -f qu", "quotes.hl"),
        ("hotloop @qu", "@quotes.hl"),
        ("hotloop functions arctan2", "arctan2"),
        ("hotloop completions ''", "bash zsh fish"),
        ("hotloop explain --peer", ""),
    ] {
        assert_eq!(complete(words), want, "{words}");
    }
    for (shell, begins) in [("zsh", "#compdef hotloop\n"), ("fish", "# fish completion")] {
        let script = ok(dir.path(), &["completions", shell]);
        assert!(script.starts_with(begins));
        // For `help` and for `functions`.
        assert_eq!(script.matches(" nanmean ").count(), 2, "{shell}");
    }
}

#[test]
fn colours_are_as_asked() {
    let dir = data();
    let err = fails(dir.path(), 1, &["--color", "always", "flor(x)"]);
    assert!(err.starts_with("\u{1b}[31m\u{1b}[1merror:\u{1b}[0m"), "{err:?}");
    assert!(err.contains("\u{1b}[31m\u{1b}[1m^^^^\u{1b}[0m"), "{err:?}");
    for words in [&["flor(x)"][..], &["--color", "never", "flor(x)"]] {
        assert!(!fails(dir.path(), 1, words).contains('\u{1b}'));
    }
    assert!(ok(dir.path(), &["--color=always", "--help"]).contains("\u{1b}[1mOptions:\u{1b}[0m"));
}
