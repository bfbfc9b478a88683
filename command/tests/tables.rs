//! Tables written by other programs, and errors for invalid ones.

mod runs;

use std::fs;
use std::process::Command;
#[cfg(target_os = "linux")]
use std::time::Duration;

use runs::*;

/// No line is taken for the end of a table, and errors refer to the table's contents.
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
    assert!(err.contains("column \"column_1\" holds text: \"a\" in line 1"), "{err}");
    let lines = b":load --sep | --decimal-comma s.csv\n:load --no-header z=n.csv:#2\nx + y, z\n";
    let ran = feed(dir, &["repl"], lines);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(
        ran.out,
        "x: i64 (1,)\ny: f64 (1,)\nz: i64 (2,)\nf64 (1,)\n[3.5]\n\nz: i64 (2,)\n[2 4]\n"
    );
    let (_, err) = session(dir, ":load --seb ; s.csv");
    assert!(err.contains("has no option --seb"), "{err}");
    // Files named `.tsv` are written with tabs.
    ok(dir, &["x, y", "s.csv", "--sep", "|", "--decimal-comma", "-o", "o.tsv"]);
    assert_eq!(fs::read(dir.join("o.tsv")).unwrap(), b"x\ty\n1\t2.5\n");
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
    // In a session, the other columns are loaded.
    write(dir, "t.csv", "x,y\nNA,2\nTRUE,3\n");
    let (out, err) = session(dir, ":load t.csv");
    assert_eq!(out, "y: i64 (2,)\n");
    assert!(err.contains("column \"x\"") && err.contains("the column is left out"), "{err}");
}

#[test]
fn a_file_without_a_name_gives_what_the_program_names() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "ticks.csv", "time,bid,ask,bid size\nnoon,1,3,5\none,2,6,7\n");
    let mid = "f64 (2,)\n[2. 4.]\n";
    assert_eq!(ok(dir, &["(bid + ask) / 2", "ticks.csv"]), mid);
    assert_eq!(ok(dir, &["bid_size * 2", "ticks.csv"]), "i64 (2,)\n[10 14]\n");
    // A name given on the command line takes precedence over the file's.
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
    let err = fails(dir, 1, &["v", "v=ticks.csv:times"]);
    assert!(err.contains("did you mean 'time'?"), "{err}");
    let err = fails(dir, 1, &["t", "t=ticks.csv"]);
    let about = "\"ticks.csv\" holds 4 arrays, not one\n  = help: take one of time, bid, ask, bid \
                 size, as t=ticks.csv:time; or give ticks.csv alone, without t=, for all\n";
    assert!(err.contains(about), "{err}");
    let err = fails(dir, 1, &["2 * t.bid", "t=ticks.csv"]);
    let about = "give ticks.csv without t=, and write its arrays' names alone\n";
    assert!(err.contains("unknown attribute `bid`") && err.contains(about), "{err}");
    // An archive, a single column, and an array named after its file.
    write(dir, "q.npz", npz(&[("bid.npy", &f64s(&[8.0])), ("no.npy", b"")], DEFLATED));
    assert_eq!(ok(dir, &["bid", "q.npz"]), "bid: f64 (1,)\n[8.]\n");
    assert_eq!(ok(dir, &["bid", "ticks.csv:bid"]), "bid: i64 (2,)\n[1 2]\n");
    write(dir, "x.npy", f64s(&[1.5]));
    assert_eq!(ok(dir, &["x + 1", "x.npy"]), "f64 (1,)\n[2.5]\n");
    let err = run(dir, &["x", "x.npy", "q.npz"]).err;
    assert_eq!(err, "warning: the program reads nothing of \"q.npz\"\n");
    let ran = feed(dir, &["repl", "q.npz:bid", "ticks.csv:ask"], b"bid + ask\n");
    assert_eq!((&*ran.err, &*ran.out), ("", "f64 (2,)\n[11. 14.]\n"));
}

/// All columns come from one reading, because a pipe cannot be read again.
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
fn large_integers_are_written_and_read_exactly() {
    let dir = temporary();
    let dir = dir.path();
    let data: Vec<u8> = [u64::MAX, 1, 1 << 63].into_iter().flat_map(u64::to_le_bytes).collect();
    let bytes = npy("<u8", "(3,)", &data);
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
    // A repeated name beside other names.
    write(dir, "d.csv", "x,y,x\n1,2,3\n");
    let err = fails(dir, 1, &["x", "d.csv"]);
    assert!(err.contains("take one by its number: d.csv:#1 or d.csv:#3"), "{err}");
    assert_eq!(ok(dir, &["y", "d.csv"]), "y: i64 (1,)\n[2]\n");
    write(dir, "latin.csv", b"caf\xe9,b\n1,2\n");
    let err = fails(dir, 1, &["x", "x=latin.csv"]);
    let about = "take one of caf\\xe9, b, as x=latin.csv:#1; or give latin.csv alone";
    assert!(err.contains(about) && !err.contains('\u{fffd}'), "{err}");
    let err = fails(dir, 1, &["x", "x=latin.csv:cafe"]);
    assert!(err.contains("has caf\\xe9, b; take one by its number, latin.csv:#1"), "{err}");
    assert_eq!(ok(dir, &["x", "x=latin.csv:#1"]), "x: i64 (1,)\n[1]\n");
    assert_eq!(ok(dir, &["caf_ + b", "latin.csv"]), "i64 (1,)\n[3]\n");
    for number in ["#0", "#3", "#", "#-1"] {
        let err = fails(dir, 1, &["x", &format!("x=latin.csv:{number}")]);
        assert!(err.contains(&format!("has no array \"{number}\"")), "{err}");
    }
}

/// A table of `columns` columns and one row of numbers.
#[cfg(target_os = "linux")]
fn write_wide(dir: &std::path::Path, columns: usize) {
    use std::io::Write;

    let file = fs::File::create(dir.join("wide.csv")).expect("a file");
    let mut file = std::io::BufWriter::new(file);
    let mut line = |field: fn(usize) -> String| {
        (0..columns)
            .for_each(|i| write!(file, "{}{}", if i > 0 { "," } else { "" }, field(i)).unwrap());
        file.write_all(b"\n").unwrap();
    };
    line(|i| format!("c{i:06}"));
    line(|i| i.to_string());
}

/// The names count against the memory limit of a run, and take little more than their bytes.
#[cfg(target_os = "linux")]
#[test]
fn a_wide_table_takes_little_more_than_its_names() {
    let dir = temporary();
    let dir = dir.path();
    const COLUMNS: usize = 400_000;
    write_wide(dir, COLUMNS);
    let last = "c399998: i64 (1,)\n[399998]\n";
    assert_eq!(ok(dir, &["c399998", "wide.csv", "--memory", "24MiB"]), last);
    assert_eq!(ok(dir, &["c399998", "c399998=wide.csv:#399999"]), last);
    // For a name that is no column, similar names are searched.
    let err = fails(dir, 1, &["c39999x", "wide.csv"]);
    assert!(err.contains("did you mean 'c399990'?"), "{err}");
    let base = peak(dir, 0, &["1 + 1"], None);
    let most = peak(dir, 0, &["c000001", "wide.csv"], None) - base;
    assert!(most < 30 << 20, "{most} bytes");
    let few = ["c000001", "wide.csv", "--memory", "12MiB"];
    let err = fails(dir, 1, &few);
    let names = "error: the names of the 400000 columns of \"wide.csv\" would take ";
    assert!(err.starts_with(names) && err.contains(", but --memory is 12MiB\n"), "{err}");
    assert!(err.contains("= help: raise --memory to 20MiB or more\n"), "{err}");
    let most = peak(dir, 1, &few, None) - base;
    assert!(most < 14 << 20, "{most} bytes");
    // A row of text only is examined once.
    let names: Vec<String> = (0..100_000).map(|i| format!("c{i}")).collect();
    write(dir, "text.csv", format!("{}\n1,{}a\n", names.join(","), "a,".repeat(99_998)));
    let start = std::time::Instant::now();
    let (out, err) = session(dir, ":load text.csv");
    assert_eq!(out, "c0: i64 (1,)\n");
    assert!(err.starts_with("note: \"text.csv\": left out 99999 columns of text: c1, "), "{err}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // Too many columns for a session.
    let start = std::time::Instant::now();
    let (out, err) = session(dir, ":load wide.csv\n:load x=wide.csv:c000007\nx");
    assert_eq!(out, "x: i64 (1,)\nx: i64 (1,)\n[7]\n");
    let refused = "\"wide.csv\" has 400000 columns, of which at most 100000 are read at once\n  = \
                   help: take one by its name or number: x=wide.csv:c000000\n";
    assert!(err.contains(refused), "{err}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

/// Whatever the memory, a run ends with its result or an error.
#[cfg(target_os = "linux")]
#[test]
fn little_address_space_is_an_error() {
    let dir = temporary();
    let dir = dir.path();
    write_wide(dir, 300_000);
    write(
        dir,
        "long.csv",
        [&vec![b'n'; 2 << 20][..], b",\"", &b"\"\"".repeat(1 << 19), b"\"\n1,2\n"].concat(),
    );
    let mut ends = [0; 2];
    for table in ["x=wide.csv:#2", "x=long.csv:#2"] {
        for space in (48_000..128_000).step_by(8_000) {
            let limit = format!("ulimit -v {space}");
            let mut run = limited(dir, &limit, &["x", table, "--threads", "1"]);
            let (code, err, ..) = measured(&mut run);
            if err.contains("cannot allocate memory") || err.contains("failed to map") {
                // The program itself could not be loaded.
                continue;
            }
            assert!(code == 0 || err.starts_with("error: "), "{space}: {code}: {err}");
            ends[usize::from(code == 0)] += 1;
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
}

/// Writing does not query the memory for each field, which took fifty times as long under a limit.
#[cfg(target_os = "linux")]
#[test]
fn a_table_is_written_as_fast_with_little_memory() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "x.npy", f64s(&(0..100_000).map(|i| f64::from(i) / 7.0).collect::<Vec<f64>>()));
    let timed = |limit: &str| {
        let file = format!("{limit}.csv");
        let words = ["x, -x", "x.npy", "--name", "x,y", "-o", &file];
        let (code, err, time, _) =
            measured(&mut limited(dir, &format!("ulimit -v {limit}"), &words));
        (code == 0).then_some(time).ok_or(err)
    };
    let free = timed("unlimited").unwrap();
    let text = fs::read_to_string(dir.join("unlimited.csv")).unwrap();
    assert!(text.starts_with("x,y\n0.0,-0.0\n0.14285714285714285,-0.14285714285714285\n"));
    let mut written = 0;
    for limit in ["120000", "140000", "160000", "180000", "200000"] {
        let Ok(time) = timed(limit) else { continue };
        assert!(time < 10 * free + Duration::from_millis(500), "{limit}: {time:?}, {free:?}");
        assert!(fs::read_to_string(dir.join(format!("{limit}.csv"))).unwrap() == text);
        written += 1;
    }
    assert!(written > 0);
}

#[test]
fn columns_of_text_say_what_they_hold() {
    let dir = temporary();
    let dir = dir.path();
    write(
        dir,
        "t.csv",
        "date,name,price,at,up\n2024-01-02,Anna,1.5,8:30,True\n,Bob,2,9:00,False\n",
    );
    for (column, holds, remedy) in [
        (
            "date",
            "dates: \"2024-01-02\"",
            "df[\"date\"] = pd.to_datetime(df[\"date\"]).astype(\"int64\")",
        ),
        ("at", "dates: \"8:30\"", "df[\"at\"] = pd.to_datetime(df[\"at\"]).astype(\"int64\")"),
        ("name", "text: \"Anna\"", "df[\"name\"] = df[\"name\"].astype(\"category\").cat.codes"),
    ] {
        for words in [[&format!("2 * {column}"), "t.csv"], ["x", &format!("x=t.csv:{column}")]] {
            let err = fails(dir, 1, &words);
            let first = format!("error: \"t.csv\": column \"{column}\" holds {holds} in line 2\n");
            assert!(err.starts_with(&first), "{err}");
            assert!(err.contains("  = help: columns of numbers: price, up\n"), "{err}");
            assert!(err.contains(&format!("in pandas: {remedy}\n")), "{err}");
        }
    }
    // In a session, one line reports all of them.
    let (out, err) = session(dir, ":load t.csv");
    assert_eq!(out, "price: f64 (2,)\nup: bool (2,)\n");
    assert_eq!(err, "note: \"t.csv\": left out 3 columns of text: date, name, at\n");
    let names: Vec<String> = (0..30).map(|i| format!("t{i}")).collect();
    write(dir, "many.csv", format!("x,{}\n1{}\n", names.join(","), ",a".repeat(30)));
    let (_, err) = session(dir, ":load many.csv");
    assert!(
        err.ends_with("left out 30 columns of text: t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, ...\n"),
        "{err}"
    );
    write(dir, "only.csv", "a,b\nx,y\n");
    let (_, err) = session(dir, ":load only.csv");
    assert!(
        err.starts_with("line 1: error: \"only.csv\": column \"a\" holds text: \"x\""),
        "{err}"
    );
    assert!(!err.contains("columns of numbers"), "{err}");
}

#[test]
fn a_table_of_one_column_may_be_taken_apart() {
    let dir = temporary();
    let dir = dir.path();
    for (name, text, words, remedy) in [
        ("t.csv", "a;b\n1;2\n", &["a", "--sep", ","][..], "`--sep ';'`"),
        ("t.csv", "a;b\n1;2\n", &["x", "x=t.csv", "--sep=,"], "`--sep ';'`"),
        ("t.csv", "a;b\n1,5;2\n", &["x", "x=t.csv", "--sep=,"], "`--sep ';'`"),
        ("t.csv", "a\tb\n1\t2\n", &["a", "--sep=,"], "`--sep tab`"),
        ("t.csv", "a|b\n1|2\n", &["a"], "`--sep '|'`"),
        ("t.tsv", "a,b\n1,2\n", &["a"], "`--sep ','`"),
    ] {
        write(dir, name, text);
        let mut words = words.to_vec();
        words.extend((words[0] == "a").then_some(name));
        let err = fails(dir, 1, &words);
        let about = format!(
            "the table has one column, \"{}\"; {remedy} takes it apart\n",
            text.lines().next().unwrap().escape_debug()
        );
        assert!(err.contains(&about), "{text:?}: {err}");
    }
    write(dir, "one.csv", "a\n1\n");
    assert!(!fails(dir, 1, &["b", "one.csv"]).contains("takes it apart"));
}

#[test]
fn a_line_of_names_that_does_not_fit_is_told_of() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "t.csv", "# a b\n1,2\n");
    let err = fails(dir, 1, &["a", "t.csv"]);
    let about =
        "with ',' between them the line that begins with # has 1 name, and the table 2 columns\n";
    assert!(err.contains(about), "{err}");
    assert_eq!(ok(dir, &["column_2", "t.csv"]), "column_2: i64 (1,)\n[2]\n");
}
