//! `hotloop stream`: rows as they come, keys, the state file, and what ends a run early.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Duration;

use crate::runs::{command, fails, feed, names, ok, run, temporary, write};

/// A table of `rows` rows, and the output of one run over it.
fn table(rows: std::ops::Range<usize>, header: bool) -> String {
    let mut text = if header { "time,price,symbol\n".to_string() } else { String::new() };
    for i in rows {
        let price = (i * 7919 % 1000) as f64 / 8.0;
        text += &format!("{i},{price},{}\n", ["A", "B", "C"][i % 3]);
    }
    text
}

const FACTOR: &str = "change = diff(price); mean = rolling_mean(price, 3, 1); change, mean";

#[test]
fn rows_of_a_table_have_outputs_behind_them() {
    let dir = temporary();
    write(dir.path(), "t.csv", "price;symbol\n1;A\n3;\"B;\"\n\n 4.5 ;A\r\nNA;A\n5;A");
    let out =
        ok(dir.path(), &["stream", "m = rolling_mean(price, 2, 1); m > k, m", "t.csv", "k=2"]);
    let want = "price;symbol;out0;m\n1;A;False;1.0\n3;\"B;\";False;2.0\n 4.5 ;A;True;3.75\n\
                NA;A;True;4.5\n5;A;True;5.0\n";
    assert_eq!(out, want);
    let out = ok(dir.path(), &["stream", "price", "t.csv", "--number", "--name", "p"]);
    assert!(out.starts_with("row;price;symbol;p\n0;1;A;1.0\n1;3;\"B;\";3.0\n"), "{out}");
    // From standard input, with a program in a file.
    write(dir.path(), "p.hl", "cumsum(x)\n");
    let ran = feed(dir.path(), &["stream", "-f", "p.hl"], b"x\n1\n2\n");
    assert_eq!((ran.code, &*ran.out), (Some(0), "x,out0\n1,1.0\n2,3.0\n"), "{}", ran.err);
    let ran = feed(dir.path(), &["stream", "cumsum(column_2)", "--no-header"], b"5,1\n6,2\n");
    assert_eq!((ran.code, &*ran.out), (Some(0), "5,1,1.0\n6,2,3.0\n"), "{}", ran.err);
}

#[test]
fn objects_have_outputs_at_their_end() {
    let dir = temporary();
    let lines = "{\"x\": 1, \"s\": \"a}\"}\n\n{\"x\": null}\n{ \"s\": \"b\", \"x\": 4 }\n";
    let words =
        ["stream", "total = cumsum(where(isnan(x), 0, x)); d = diff(x); total, d", "--number"];
    let ran = feed(dir.path(), &words, lines.as_bytes());
    let want = "{\"row\": 0, \"x\": 1, \"s\": \"a}\", \"total\": 1.0, \"d\": null}\n\
                {\"row\": 1, \"x\": null, \"total\": 1.0, \"d\": null}\n\
                {\"row\": 2, \"s\": \"b\", \"x\": 4, \"total\": 5.0, \"d\": null}\n";
    assert_eq!((ran.code, &*ran.out), (Some(0), want), "{}", ran.err);
    for (line, what) in [
        ("{\"x\": 1", "line 2, character 7: a JSON object is expected"),
        ("{\"x\": \"1\"}", "line 2, column \"x\": a number is expected"),
        ("{\"y\": 1}", "line 2, column \"x\": a number is expected, but it is not there"),
        ("[1]", "line 2, character"),
        ("{\"x\": 1, \"out0\": 2}", "the output out0 has the name of a field of"),
    ] {
        let ran = feed(
            dir.path(),
            &["stream", "cumsum(x)"],
            format!("{{\"x\": 1}}\n{line}\n").as_bytes(),
        );
        assert_eq!((ran.code, &*ran.out), (Some(1), "{\"x\": 1, \"out0\": 1.0}\n"), "{}", ran.err);
        assert!(ran.err.contains(what), "{line}: {}", ran.err);
    }
}

#[test]
fn keys_have_states_of_their_own() {
    let dir = temporary();
    let text = "symbol,price\nA,1\nB,10\nA,2\n\"B\",30\nC,7\n";
    let ran = feed(dir.path(), &["stream", "diff(price)", "--key", "symbol"], text.as_bytes());
    let want = "symbol,price,out0\nA,1,nan\nB,10,nan\nA,2,1.0\n\"B\",30,20.0\nC,7,nan\n";
    assert_eq!((ran.code, &*ran.out), (Some(0), want), "{}", ran.err);
    let objects = "{\"k\": \"a\", \"x\": 1}\n{\"k\": 7, \"x\": 5}\n{\"k\": \"a\", \"x\": 2}\n";
    let ran = feed(dir.path(), &["stream", "s = cumsum(x); s", "--key=k"], objects.as_bytes());
    assert!(ran.out.ends_with("{\"k\": \"a\", \"x\": 2, \"s\": 3.0}\n"), "{}{}", ran.out, ran.err);
    // Only what means no number is no key.
    let ran = feed(dir.path(), &["stream", "x + 0", "--key=k"], b"k,x\nNAN,1\n");
    assert_eq!((ran.code, &*ran.out), (Some(0), "k,x,out0\nNAN,1,1.0\n"), "{}", ran.err);
    for missing in ["", "nan"] {
        let text = format!("symbol,price\nA,1\n{missing},2\n");
        let ran = feed(dir.path(), &["stream", "diff(price)", "--key", "symbol"], text.as_bytes());
        assert_eq!((ran.code, &*ran.out), (Some(1), "symbol,price,out0\nA,1,nan\n"));
        assert!(ran.err.contains("line 3, column \"symbol\": a key is expected"), "{}", ran.err);
    }
    let many: String = (0..20_000).map(|i| format!("{i},1\n")).collect();
    let words = ["stream", "rolling_mean(x, 100)", "--key", "k", "--memory", "2MB"];
    let ran = feed(dir.path(), &words, format!("k,x\n{many}").as_bytes());
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("the states of"), "{}", ran.err);
}

#[test]
fn wrong_lines_are_named_and_rows_before_them_are_written() {
    let dir = temporary();
    for (line, what) in [
        ("x,1", "line 4, column \"a\": a number is expected, but \"x\""),
        ("1", "line 4 has 1 fields, but there are 2 columns"),
        ("1,2,3", "line 4 has 3 fields"),
        ("1,\"2", "a quote in line 4 is not closed"),
        ("1,\"2\"\"", "a quote in line 4 is not closed"),
    ] {
        let text = format!("a,b\n1,2\n3,4\n{line}\n5,6\n");
        let ran = feed(dir.path(), &["stream", "cumsum(a)"], text.as_bytes());
        assert_eq!((ran.code, &*ran.out), (Some(1), "a,b,out0\n1,2,1.0\n3,4,4.0\n"), "{line}");
        assert!(ran.err.contains(what), "{line}: {}", ran.err);
    }
    write(dir.path(), "t.csv", "a,b\n1,2\n");
    write(dir.path(), "r.csv", "row,a\n1,2\n");
    for (words, code, what) in [
        (&["stream", "cumsum(c)", "t.csv"][..], 1, "has the columns a, b"),
        (&["stream", "a - mean(a)", "t.csv"], 1, "`expanding_mean` is the mean so far"),
        (&["stream", "cumsum(a)", "t.csv", "--key", "c"], 1, "has no column \"c\" of keys"),
        (&["stream", "a", "t.csv"], 1, "has the name of a column"),
        (&["stream", "a + 0", "r.csv", "--number"], 1, "`row` is the name of a column"),
        (&["stream", "cumsum(a)", "none.csv"], 1, "none.csv"),
        (&["stream", "cumsum(a)", "t.csv", "u.csv"], 2, "one table"),
        (&["stream", "cumsum(a)", "t.csv", "a=a.npy"], 2, "a is a number"),
        (&["stream", "cumsum(a)", "t.csv", "-o", "t.csv"], 1, "is read from"),
        (&["stream"], 2, "a program is missing"),
    ] {
        let error = fails(dir.path(), code, words);
        assert!(error.contains(what), "{words:?}: {error}");
    }
    let ran = feed(dir.path(), &["stream", "cumsum(a)"], b"a,b\n1,2\n3,\"4");
    assert_eq!((ran.code, &*ran.out), (Some(1), "a,b,out0\n1,2,1.0\n"));
    assert!(ran.err.contains("a quote in line 3 is not closed"), "{}", ran.err);
    let ran = feed(dir.path(), &["stream", "cumsum(a)"], b"");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("the table is empty"), "{}", ran.err);
}

#[test]
fn rows_are_written_as_they_come() {
    let dir = temporary();
    let mut child = command(dir.path())
        .args(["stream", "cumsum(x)", "--stats"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    input.write_all(b"x\n1\n").unwrap();
    assert_eq!(output.next().unwrap().unwrap(), "x,out0");
    assert_eq!(output.next().unwrap().unwrap(), "1,1.0");
    // Half a line is no row.
    input.write_all(b"2\n3").unwrap();
    assert_eq!(output.next().unwrap().unwrap(), "2,3.0");
    input.write_all(b"0\n").unwrap();
    assert_eq!(output.next().unwrap().unwrap(), "30,33.0");
    drop(input);
    assert!(output.next().is_none());
    let ended = child.wait_with_output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{error}");
    assert!(error.contains("3 rows") && error.contains("latency of a row: 50%"), "{error}");
}

#[test]
fn a_state_goes_on_where_a_run_ended() {
    let dir = temporary();
    let words = |output: &'static str, state: &'static str| {
        vec!["stream", FACTOR, "t.csv", "-o", output, "--state", state, "--key", "symbol"]
    };
    write(dir.path(), "t.csv", table(0..5000, true));
    let once = words("once.csv", "once.state");
    assert_eq!(ok(dir.path(), &once), "");
    // In parts, the last line of which may be incomplete.
    let whole = table(0..5000, true);
    write(dir.path(), "t.csv", &whole[..10]);
    let error = fails(dir.path(), 1, &words("parts.csv", "parts.state"));
    assert!(error.contains("no complete line yet"), "{error}");
    for end in [18, 19, 5000, 5011, 60_000, 60_001, whole.len()] {
        write(dir.path(), "t.csv", &whole[..end.min(whole.len())]);
        assert_eq!(ok(dir.path(), &words("parts.csv", "parts.state")), "");
    }
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("parts.csv"), read("once.csv"));
    assert_eq!(read("parts.csv").lines().count(), 5001);
    // What another run has written behind the recorded end is cut off.
    let mut longer = read("parts.csv");
    longer += "half a li";
    write(dir.path(), "parts.csv", longer);
    assert_eq!(ok(dir.path(), &words("parts.csv", "parts.state")), "");
    assert_eq!(read("parts.csv"), read("once.csv"));
    write(dir.path(), "parts.csv", "time");
    let error = fails(dir.path(), 1, &words("parts.csv", "parts.state"));
    assert!(error.contains("were written to it"), "{error}");
    // Another program, and no state at all.
    let other = ["stream", "cumsum(price)", "t.csv", "-o", "o.csv", "--state", "once.state"];
    let error = fails(dir.path(), 1, &other);
    assert!(error.contains("once.state") && error.contains("other program"), "{error}");
    write(dir.path(), "no.state", "something");
    let error = fails(dir.path(), 1, &words("o.csv", "no.state"));
    assert!(error.contains("is no state of a stream"), "{error}");
    assert_eq!(read("no.state"), "something");
    // A file that lost its content, as on a full disk, is no run that has not begun.
    write(dir.path(), "parts.state", "");
    let error = fails(dir.path(), 1, &words("parts.csv", "parts.state"));
    assert!(error.contains("parts.state") && error.contains("is empty"), "{error}");
    assert_eq!(read("parts.csv"), "time");
    let list = names(dir.path());
    assert_eq!(list, ["no.state", "once.csv", "once.state", "parts.csv", "parts.state", "t.csv"]);
}

/// However far a run that is killed has come, the next one continues as if there had been one.
#[cfg(unix)]
#[test]
fn a_killed_run_leaves_what_the_next_one_needs() {
    let dir = temporary();
    let words = ["stream", FACTOR, "t.csv", "-o", "out.csv", "--state", "s.state", "--number"];
    let whole = table(0..400_000, true);
    write(dir.path(), "t.csv", &whole);
    let once = ["stream", FACTOR, "t.csv", "-o", "once.csv", "--number"];
    assert_eq!(ok(dir.path(), &once), "");
    let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
    for (end, wait) in
        [(0, 3), (0, 30), (100, 5), (2_000_000, 10), (2_000_000, 60), (whole.len(), 25)]
    {
        if end > 0 {
            // A run that ends by itself leaves a record.
            write(dir.path(), "t.csv", &whole[..end]);
            assert_eq!(ok(dir.path(), &words), "");
            write(dir.path(), "t.csv", &whole);
        }
        let mut child = command(dir.path()).args(words).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(ok(dir.path(), &words), "");
    assert!(read("out.csv") == read("once.csv"), "the outputs differ");
    // Temporary files of killed runs do not count.
    assert!(names(dir.path()).iter().any(|name| name == "s.state"));
}

#[cfg(unix)]
#[test]
fn a_signal_records_what_was_written() {
    let dir = temporary();
    let words = ["stream", "cumsum(x)", "-o", "out.csv", "--state", "s.state"];
    let mut child = command(dir.path())
        .args(words)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"x\n1\n2\n").unwrap();
    // Until the rows are written.
    let out = dir.path().join("out.csv");
    while fs::read_to_string(&out).unwrap_or_default().lines().count() < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Another process cannot have the state meanwhile.
    let error = feed(dir.path(), &words, b"x\n1\n");
    assert_eq!(error.code, Some(1));
    assert!(error.err.contains("is the state of another process"), "{}", error.err);
    // SAFETY: the process is a child that has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(143), "{ended:?}");
    drop(input);
    // On a pipe the names come again, and rows go on.
    let ran = feed(dir.path(), &words, b"x\n4\n");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(fs::read_to_string(&out).unwrap(), "x,out0\n1,1.0\n2,3.0\n4,7.0\n");
}

#[cfg(target_os = "linux")]
#[test]
fn full_disks_and_readers_that_go_away() {
    let dir = temporary();
    write(dir.path(), "t.csv", table(0..100_000, true));
    let mut child = command(dir.path())
        .args(["stream", FACTOR, "t.csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    drop(output);
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), &*ended.stderr), (Some(141), &b""[..]));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = command(dir.path()).args(["stream", FACTOR, "t.csv"]).stdout(full).output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("cannot write"), "{ran:?}");
    // No state can be kept where no file can be made.
    let ran = run(dir.path(), &["stream", FACTOR, "t.csv", "--state", "none/s.state"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("s.state"), "{}", ran.err);
}

#[test]
fn a_quote_within_a_field_is_no_quote() {
    let dir = temporary();
    let ran = feed(dir.path(), &["stream", "cumsum(x)"], b"k,x,note\nA,1,6\" pipe\nA,2,ok\n");
    assert_eq!((ran.code, &*ran.err), (Some(0), ""));
    assert_eq!(ran.out, "k,x,note,out0\nA,1,6\" pipe,1.0\nA,2,ok,3.0\n");
    let ran =
        feed(dir.path(), &["stream", "cumsum(x)"], b"{\"x\":1,\"n\":\"6\\\" p\"}\n{\"x\":2}\n");
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 2), "{}", ran.err);
}

#[test]
fn files_of_a_run_are_not_written_to_as_another_one() {
    let dir = temporary();
    write(dir.path(), "t.csv", b"x\n1\n");
    fs::hard_link(dir.path().join("t.csv"), dir.path().join("other.csv")).unwrap();
    let ran = feed(dir.path(), &["stream", "cumsum(x)", "t.csv", "-o", "other.csv"], b"");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("\"other.csv\" is read from"), "{}", ran.err);
    assert_eq!(fs::read(dir.path().join("t.csv")).unwrap(), b"x\n1\n");
    let words = ["stream", "cumsum(x)", "t.csv", "-o", "s.csv", "--state", "s.csv"];
    let ran = feed(dir.path(), &words, b"");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("is the file of the state"), "{}", ran.err);
    write(dir.path(), "p.txt", b"cumsum(x)\n");
    let ran = feed(dir.path(), &["stream", "-f", "p.txt", "t.csv", "-o", "p.txt"], b"");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("is the file of the program"), "{}", ran.err);
    assert_eq!(fs::read(dir.path().join("p.txt")).unwrap(), b"cumsum(x)\n");
    // What is no file, such as a device, would be replaced by one.
    #[cfg(unix)]
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    let ran = feed(dir.path(), &["stream", "cumsum(x)", "--state", "socket"], b"x\n1\n");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("is no file"), "{}", ran.err);
}

/// As programs over whole files read them.
#[test]
fn first_lines_are_read_as_in_files() {
    let dir = temporary();
    let x = "x = column_1; cumsum(x)";
    for (text, program, want) in [
        ("1,2\n3,4\n", x, "1,2,1.0\n3,4,4.0\n"),
        ("\"a;b\",x\n1,2\n", "cumsum(x)", "\"a;b\",x,out0\n1,2,2.0\n"),
        ("\u{feff}x\n1\n", "cumsum(x)", "x,out0\n1,1.0\n"),
        ("\u{feff}{\"x\": 1}\n", "cumsum(x)", "{\"x\": 1, \"out0\": 1.0}\n"),
        ("x,x,y\n1,2,3\n", "cumsum(y)", "x,x,y,out0\n1,2,3,3.0\n"),
    ] {
        let ran = feed(dir.path(), &["stream", program, "-o", "-"], text.as_bytes());
        assert_eq!((ran.code, &*ran.out), (Some(0), want), "{text}: {}", ran.err);
    }
    assert_eq!(names(dir.path()), [""; 0]);
    for words in [&["stream", "cumsum(x)"][..], &["stream", "cumsum(y)", "--key", "x"]] {
        let ran = feed(dir.path(), words, b"x,x,y\n1,2,3\n");
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains("has more than one column \"x\""), "{}", ran.err);
    }
}

#[test]
fn a_file_that_is_followed() {
    let dir = temporary();
    // A pipe that is closed does not grow.
    let ran = feed(dir.path(), &["stream", "cumsum(x)", "--follow"], b"x\n1\n2\n");
    assert_eq!((ran.code, &*ran.out), (Some(0), "x,out0\n1,1.0\n2,3.0\n"), "{}", ran.err);
    write(dir.path(), "t.csv", "x\n1\n2\n");
    let child = command(dir.path())
        .args(["stream", "cumsum(x)", "t.csv", "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in ["x,out0", "1,1.0", "2,3.0"] {
        assert_eq!(output.next().unwrap().unwrap(), line);
    }
    let mut file = fs::File::options().append(true).open(dir.path().join("t.csv")).unwrap();
    file.write_all(b"3\n").unwrap();
    assert_eq!(output.next().unwrap().unwrap(), "3,6.0");
    file.set_len(4).unwrap();
    let ended = child.wait_with_output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{error}");
    assert!(error.contains("it has 4 bytes, but 8 were read before"), "{error}");
}

#[test]
fn a_state_belongs_to_its_options_and_columns() {
    let dir = temporary();
    let run = |words: &[&str], text: &[u8]| {
        let all = [&["stream", "cumsum(x * m)", "--state", "s"][..], words].concat();
        feed(dir.path(), &all, text)
    };
    assert_eq!(run(&["m=2"], b"k,x\na,1\n").code, Some(0));
    for (words, text) in [
        (&["m=3"][..], &b"k,x\na,1\n"[..]),
        (&["m=2", "--number"], b"k,x\na,1\n"),
        (&["m=2"], b"x,k\n1,a\n"),
        (&["m=2"], b"{\"x\":1}\n"),
    ] {
        let ran = run(words, text);
        assert_eq!(ran.code, Some(1), "{words:?}");
        assert!(ran.err.contains("it is the state of a run with another key"), "{}", ran.err);
    }
    assert_eq!(run(&["m=2"], b"k,x\na,1\n").out, "k,x,out0\na,1,4.0\n");
}
