//! Inputs other than tables: arrays, archives and pipes, within the memory limit; errors for
//! unsupported files.

mod runs;

use std::fs;

use runs::*;

#[test]
fn archives_that_cannot_be_read() {
    let dir = temporary();
    let dir = dir.path();
    let x: [(&str, &[u8]); 1] = [("x.npy", &f64s(&[1.0, 2.0]))];
    for (method, name) in [(12u8, "bzip2"), (14, "lzma"), (77, "unknown")] {
        let mut bytes = npz(&x, STORED);
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
    let whole = npz(&x, STORED);
    for end in [30, 100, whole.len() / 2, whole.len() - 1] {
        write(dir, "cut.npz", &whole[..end]);
        let cut =
            "error: \"cut.npz\": it is no .npz archive, or one that is cut short or damaged\n";
        assert_eq!(fails(dir, 1, &["x", "cut.npz"]), cut);
    }
    write(dir, "empty.npz", npz(&[], STORED));
    let none = "error: \"empty.npz\" holds no arrays\n";
    assert_eq!(fails(dir, 1, &["x", "x=empty.npz"]), none);
    let (_, err) = session(dir, ":load empty.npz");
    assert!(err.starts_with(&format!("line 1: {none}")), "{err}");
    let err = fails(dir, 1, &["x", "empty.npz"]);
    assert!(err.contains("= help: \"empty.npz\" holds no arrays\n"), "{err}");
    // Two members of one name: no library writes such an archive, so `y.npy` is renamed.
    let twice = npz(&[("x.npy", &f64s(&[1.0])), ("y.npy", &f64s(&[2.0]))], STORED);
    let twice = replaced(twice, b"y.npy", b"x.npy");
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
    let text: (&str, &[u8]) = ("readme.txt", b"hello");
    write(dir, "mix.npz", npz(&[text, ("a.npy", &f64s(&[1.0, 2.0]))], STORED));
    for words in [["sum(a)", "mix.npz"], ["sum(x)", "x=mix.npz"], ["sum(x)", "x=mix.npz:a"]] {
        assert_eq!(ok(dir, &words), "3.0\n", "{words:?}");
    }
    let err = fails(dir, 1, &["a + b", "mix.npz"]);
    assert!(err.contains("= help: \"mix.npz\" has a\n"), "{err}");
    let (out, err) = session(dir, ":load mix.npz");
    assert_eq!(out, "a: f64 (2,)\n");
    let left = "member \"readme.txt\": not an .npy file (at byte 0); it is left out\n";
    assert_eq!(err, format!("warning: \"mix.npz\": {left}"));
    let strings: (&str, &[u8]) = ("s.npy", &npy("<U1", "(1,)", b"a\0\0\0"));
    write(dir, "strings.npz", npz(&[strings, ("a.npy", &f64s(&[7.0]))], DEFLATED));
    let (out, err) = session(dir, ":load strings.npz");
    assert_eq!(out, "a: f64 (1,)\n");
    assert!(err.contains("strings") && err.ends_with("; it is left out\n"), "{err}");
    // A damaged array file is an error.
    write(dir, "bad.npz", npz(&[("a.npy", b"nothing"), ("b.npy", &f64s(&[1.0]))], DEFLATED));
    let (out, err) = session(dir, ":load bad.npz");
    assert!(out.is_empty() && err.contains("not an .npy file"), "{err}");
    write(dir, "text.npz", npz(&[text], STORED));
    let (out, err) = session(dir, ":load text.npz");
    assert_eq!((out.as_str(), err.contains("left out")), ("", false), "{err}");
    assert!(err.contains("\"text.npz\": member \"readme.txt\": not an .npy file"), "{err}");
}

/// A stored member is read in chunks from its place in the archive, like a file, in any layout.
#[test]
fn stored_members_need_not_fit_memory() {
    let dir = temporary();
    let dir = dir.path();
    let values: Vec<f64> = (0..100_000).map(f64::from).collect();
    let swapped: Vec<u8> = [1i16, -2].iter().flat_map(|x| x.to_be_bytes()).collect();
    let fortran = npy("<f8", "(2, 2)", &f64s(&[1.0, 2.0, 3.0, 4.0])[f64s(&[0.0; 4]).len() - 32..]);
    let fortran = replaced(fortran, b"'fortran_order': False", b"'fortran_order': True ");
    let members: [(&str, &[u8]); 3] = [
        ("x.npy", &f64s(&values)),
        ("big.npy", &npy(">i2", "(2,)", &swapped)),
        ("f.npy", &fortran),
    ];
    write(dir, "s.npz", npz(&members, STORED));
    let few = ["--memory", "64KiB"];
    assert_eq!(ok(dir, &[&["sum(x)", "s.npz"][..], &few].concat()), "4999950000.0\n");
    assert_eq!(ok(dir, &["big", "s.npz"]), "big: i16 (2,)\n[ 1 -2]\n");
    assert_eq!(ok(dir, &["f[0]", "s.npz"]), "f64 (2,)\n[1. 3.]\n");
    // The result may replace its own input.
    ok(dir, &[&["y = x + 1", "s.npz", "-o", "s.npz"][..], &few].concat());
    assert_eq!(ok(dir, &["sum(y)", "s.npz"]), "5000050000.0\n");
    write(dir, "d.npz", npz(&members, DEFLATED));
    let err = fails(dir, 1, &[&["sum(x)", "d.npz"][..], &few].concat());
    let want =
        "error: \"d.npz\": member \"x.npy\" would take 800 kB of memory, but --memory is 64KiB\n";
    assert!(err.starts_with(want), "{err}");
    assert!(err.contains("help: raise --memory to 782KiB or more"), "{err}");
}

/// A member that claims gigabytes is rejected before memory is allocated.
#[cfg(target_os = "linux")]
#[test]
fn h1_a_bomb_is_refused_by_its_header() {
    let dir = temporary();
    let dir = dir.path();
    zeros(dir, 64 << 20);
    let header = npy("<f8", "(402653184,)", &[]);
    write(dir, "bomb.npz", npz(&[("x.npy", &header)], DEFLATED));
    for words in [&["sum(x)", "x=bomb.npz"][..], &["x + 1", "bomb.npz", "-o", "y.npy"]] {
        let about = "error: \"bomb.npz\": member \"x.npy\" would take 3.22 GB of memory, but \
                     --memory is 1GiB\n  = help: raise --memory to 3072MiB or more\n  = help: a .npy \
                     file, or an .npz archive that np.savez wrote, is read in pieces and need not fit\n";
        assert_eq!(fails(dir, 1, words), about);
    }
    // No elements are read: a rejected input takes no more memory than a run without inputs.
    let (base, few) = (peak(dir, 0, &["1 + 1"], None), ["sum(x)", "x=x.npz", "--memory", "32MiB"]);
    let most = peak(dir, 1, &few, None).saturating_sub(base);
    assert!(most < 4 << 20, "{most} bytes");
}

/// Arrays read into memory take their size once, and count against the memory limit.
#[cfg(target_os = "linux")]
#[test]
fn what_is_read_whole_takes_its_size_once() {
    let dir = temporary();
    let dir = dir.path();
    const SIZE: usize = 160 << 20;
    zeros(dir, SIZE);
    let base = peak(dir, 0, &["1 + 1"], None);
    let pipe = dir.join("x.npy");
    for (words, input) in
        [(["sum(x)", "x=x.npz"], None), (["sum(x)", "x=/dev/stdin"], Some(pipe.as_path()))]
    {
        let most = peak(dir, 0, &words, input) - base;
        assert!((SIZE as u64 / 2..SIZE as u64 * 5 / 4).contains(&most), "{words:?}: {most} bytes");
        let few = [&words[..], &["--memory", "64MiB"]].concat();
        let most = peak(dir, 1, &few, input).saturating_sub(base);
        assert!(most < 16 << 20, "{words:?}: {most} bytes");
    }
    // The size of the result follows from the header, before anything is unpacked.
    for words in [&["x + 1", "x.npz"][..], &["x[:, None] * k", "x.npz", "k=2", "-o", "-"]] {
        let words = [words, &["--memory", "200MiB"]].concat();
        let err = fails(dir, 1, &words);
        let want = "error: the result would take 168 MB of memory beside the 168 MB of inputs, but \
                    --memory is 200MiB\n  = help: raise --memory to 320MiB or more\n";
        assert!(err.starts_with(want), "{err}");
        let most = peak(dir, 1, &words, None).saturating_sub(base);
        assert!(most < 16 << 20, "{words:?}: {most} bytes");
    }
    assert_eq!(ok(dir, &["x[:3]", "x.npz", "--memory", "200MiB"]), "f64 (3,)\n[0. 0. 0.]\n");
    let header = npy("<f8", &format!("({},)", SIZE / 8), &[]);
    let ran = feed(dir, &["sum(x)", "x=/dev/stdin", "--memory", "64MiB"], &header);
    let err = ran.err;
    assert_eq!(ran.code, Some(1));
    let want = "error: \"/dev/stdin\" would take 168 MB of memory, but --memory is 64MiB\n";
    assert!(err.starts_with(want), "{err}");
    assert!(err.contains("raise --memory to 160MiB or more"), "{err}");
    // Only the needed columns of a table count, and only they are kept.
    let text = format!("a,b,c\n{}", "1,2.5,3\n".repeat(1 << 20));
    write(dir, "t.csv", text);
    let few = ["--memory", "12MiB"];
    assert_eq!(ok(dir, &[&["sum(b)", "t.csv"][..], &few].concat()), "2621440.0\n");
    let err = fails(dir, 1, &[&["sum(a + b)", "t.csv"][..], &few].concat());
    assert!(err.contains("what is needed of \"t.csv\" would take more than "), "{err}");
    assert!(err.contains("but --memory is 12MiB\n  = help: raise --memory\n"), "{err}");
    let most = peak(dir, 0, &["sum(a + b)", "t.csv"], None) - base;
    assert!(most < 26 << 20, "{most} bytes");
    // Inputs and results count together.
    let err = fails(dir, 1, &[&["b + 1", "t.csv"][..], &few].concat());
    let want = "the result would take 8.39 MB of memory beside the 8.39 MB of inputs";
    assert!(err.contains(want) && err.contains("raise --memory to 16MiB"), "{err}");
}

#[test]
fn little_memory_is_said_in_words() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "x.npy", f64s(&[0.0; 5]));
    let err = fails(dir, 1, &["x", "x.npy", "--memory", "1"]);
    let want = "error: the result would take 40 B of memory, but --memory is 1 B\n";
    assert!(err.starts_with(want), "{err}");
    assert!(err.contains("raise --memory to 40B or more"), "{err}");
    assert!(ok(dir, &["x", "x.npy", "--memory", "40"]).contains("[0. 0. 0. 0. 0.]"));
}

#[test]
fn inputs_that_are_not_read() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "ok.npy", f64s(&[1.0]));
    write(dir, "t.csv", "a,b\n1,2\n");
    let warned = |words: &[&str], out: &str, warning: &str| {
        let err = format!("warning: {warning}\n");
        let want = Ran { code: Some(0), out: out.to_string(), err };
        assert_eq!(run(dir, words), want, "{words:?}");
    };
    warned(&["x", "x=1", "y=ok.npy"], "x: 1\n", "the program has no input 'y'");
    warned(&["b", "t.csv", "b=3"], "b: 3\n", "the program reads nothing of \"t.csv\"");
    for words in
        [&["x", "x=1", "y=nope.npy"][..], &["x", "x=1", "y=nope.csv:c"], &["1", "nope.csv"]]
    {
        let err = fails(dir, 1, words);
        assert!(err.contains("cannot read \"nope.") && err.contains("No such file"), "{err}");
        let either = err.contains("the program has no input 'y' either");
        assert_eq!(either, words.len() == 3, "{err}");
    }
    // `=` binds a name; a comparison may have been intended.
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
    for name in ["a.npy.gz", "t.csv.gz", "t.parquet", "t.feather", "t.xlsx", "a.h5", "t.txt"] {
        write(dir, name, b"?");
    }
    for (word, remedy) in [
        ("x=a.npy.gz", "unpack it first: gunzip -k \"a.npy.gz\""),
        ("t.csv.gz", "unpack it first: gunzip -k \"t.csv.gz\""),
        ("x=t.csv.gz:x", "unpack it first: gunzip -k \"t.csv.gz\""),
        ("x=t.parquet", "pd.read_parquet(\"t.parquet\").to_csv(\"x.csv\")"),
        ("t.feather", "pd.read_feather(\"t.feather\")"),
        ("x=t.xlsx", "pd.read_excel(\"t.xlsx\")"),
        ("a.h5", "save its arrays as .npy files"),
        ("x=*.npy", "the shell leaves patterns behind a `=` as they are"),
        ("x=*.csv", "the shell leaves patterns behind a `=` as they are"),
    ] {
        let err = fails(dir, 1, &["x", word]);
        assert!(err.contains("cannot read") && err.contains(remedy), "{word}: {err}");
    }
    let err = fails(dir, 1, &["x", "x=t.txt"]);
    assert!(err.contains("not called .csv, .tsv or .npz is read as an .npy file"), "{err}");
    let ran = feed(dir, &["x", "x=-"], b"x\n1\n");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("standard input is read as an .npy file"), "{}", ran.err);
    for (descr, about, remedy) in [
        ("'<f2'", "", "x.astype('float32')"),
        ("'|V8'", "", "save numbers"),
        ("'<M8[ns]'", "dates or durations", "save it as x.astype('int64')"),
        ("[('a', '<f8'), ('b', '<i4')]", "a structured array", "np.save(\"x.npy\", a[\"x\"])"),
    ] {
        write(dir, "d.npy", described(descr, "(1,)", &[0; 16]));
        let err = fails(dir, 1, &["x", "x=d.npy"]);
        assert!(err.contains(about) && err.contains(remedy), "{err}");
    }
    // NumPy writes only short dtype names in files, but other programs write the long ones.
    let data: Vec<u8> = [1.5f64, 2.5].into_iter().flat_map(f64::to_le_bytes).collect();
    write(dir, "long.npy", npy("float64", "(2,)", &data));
    assert_eq!(ok(dir, &["x", "x=long.npy"]), "x: f64 (2,)\n[1.5 2.5]\n");
}

#[test]
fn a_path_that_leads_nowhere_may_mean_another() {
    let dir = temporary();
    let dir = dir.path();
    fs::create_dir(dir.join("d")).unwrap();
    write(dir, "d/bid.npy", f64s(&[1.0]));
    write(dir, "ticks.csv", "a\n1\n");
    write(dir, "mid.hl", "1");
    for (words, near) in [
        (&["x", "x=d/bidd.npy"][..], "d/bid.npy"),
        (&["x", "x=d/bid"], "d/bid.npy"),
        (&["a", "tick.csv"], "ticks.csv"),
        (&["x", "x=Ticks.csv:a"], "ticks.csv"),
        (&["1", "y=tick.csv"], "ticks.csv"),
        (&["-f", "mid.h"], "mid.hl"),
    ] {
        let err = fails(dir, 1, words);
        assert!(err.starts_with("error: cannot read ") && err.contains("No such file"), "{err}");
        assert!(err.contains(&format!("  = help: did you mean {near:?}?\n")), "{err}");
    }
    let err = fails(dir, 1, &["x", "x=d/prices.npy"]);
    assert_eq!(
        err,
        "error: cannot read \"d/prices.npy\": No such file or directory (os error 2)\n"
    );
}

/// A damaged directory of an archive never gives the array of another member.
#[test]
fn members_are_what_the_directory_says() {
    let dir = temporary();
    let dir = dir.path();
    let members: [(&str, &[u8]); 2] = [("a.npy", &f64s(&[1.0])), ("b.npy", &f64s(&[2.0]))];
    for method in [STORED, DEFLATED] {
        let whole = npz(&members, method);
        write(dir, "x.npz", &whole);
        assert_eq!(ok(dir, &["a", "x.npz"]), "a: f64 (1,)\n[1.]\n");
        let entry = |n: usize| {
            let mut starts = (0..whole.len()).filter(|at| whole[*at..].starts_with(b"PK\x01\x02"));
            starts.nth(n).expect("a directory of two")
        };
        // The directory gives the offset of the second member for the first.
        let mut moved = whole.clone();
        moved.copy_within(entry(1) + 42..entry(1) + 46, entry(0) + 42);
        // A checksum, a size and a name that differ from those of the member itself.
        let changed = [16, 24, 46].map(|at| {
            let mut bytes = whole.clone();
            bytes[entry(0) + at] ^= 1;
            bytes
        });
        for (number, bytes) in [moved].into_iter().chain(changed).enumerate() {
            write(dir, "x.npz", bytes);
            let name = if number == 3 { "`" } else { "a" };
            let err = fails(dir, 1, &["x", "x=x.npz:#1"]);
            let want = format!(
                "error: \"x.npz\": member \"{name}.npy\": it is no .npz archive, or one that is cut \
                 short or damaged\n"
            );
            assert_eq!(err, want, "{number}");
            assert_eq!(ok(dir, &["b", "x.npz"]), "b: f64 (1,)\n[2.]\n");
        }
    }
}
