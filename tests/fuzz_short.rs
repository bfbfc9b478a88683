//! A short run of every target of `fuzz/`: its corpus, regressions, and random bytes.
//!
//! ```text
//! cargo test --test fuzz_short                                       # seconds
//! ARBTEST_SEED=0x... cargo test --test fuzz_short text               # one input, again
//! HOTLOOP_FUZZ=text HOTLOOP_RUNS=10000000 \
//!     cargo test --release --test fuzz_short -- --ignored --nocapture long_run
//! HOTLOOP_WRITE=1 cargo test --test fuzz_short corpus                # writes fuzz/corpus/
//! ```

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use arbtest::arbtest;
use hotloop::DType;
use hotloop::npy::Header;
use hotloop_testing::generator::data::Rng;
use hotloop_testing::generator::mutate::mutated;
use hotloop_testing::generator::targets::{TARGETS, Target};

/// The maximum length of a random input: longer ones only make longer programs.
const LONGEST: u32 = 2048;

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|t| t.name == name).expect("a target")
}

/// The folder of a target's inputs.
fn folder(kind: &str, target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(target.name)
}

/// The inputs in a folder; none if it does not exist.
fn inputs(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(list) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Runs a check; a panic is an error, too.
fn run(target: &Target, bytes: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| (target.check)(bytes))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("a panic: {}", said.unwrap_or("of something else")))
    })
}

/// Runs the corpus, the regressions, and random bytes and mutated inputs for a short time.
fn short_run(name: &str) {
    let target = target(name);
    let known = ["corpus", "regressions"].map(|kind| inputs(&folder(kind, target))).concat();
    for (path, bytes) in &known {
        run(target, bytes).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
    }
    let corpus: Vec<Vec<u8>> = known.into_iter().map(|(_, bytes)| bytes).collect();
    let mut count = 0;
    arbtest(|u| {
        let bytes = match u.arbitrary()? {
            true => u.bytes(u.len())?.to_vec(),
            false => mutated(&corpus, &mut Rng(u.arbitrary()?), LONGEST as usize),
        };
        run(target, &bytes).unwrap_or_else(|wrong| panic!("{}: {wrong}", kept(name, 0, &bytes)));
        count += 1;
        Ok(())
    })
    .size_max(LONGEST)
    .budget_ms(2000)
    .run();
    println!("{name}: {} inputs, and {count} random ones", corpus.len());
}

/// Saves an input that failed, for debugging or as a regression.
fn kept(name: &str, number: u64, bytes: &[u8]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    let path = folder.join(format!("{name}-{number}"));
    match fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes)) {
        Ok(()) => path.display().to_string(),
        Err(_) => format!("b\"{}\"", bytes.escape_ascii()),
    }
}

#[test]
fn text() {
    short_run("text");
}

#[test]
fn graphs() {
    short_run("graphs");
}

#[test]
fn kernels() {
    short_run("kernels");
}

#[test]
fn npy() {
    short_run("npy");
}

#[test]
fn calls() {
    short_run("calls");
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Runs as many inputs as requested: half of them random bytes, except for texts. Inputs that fail
/// are written to `target/fuzz/`.
#[test]
#[ignore = "hours"]
fn long_run() {
    let name = std::env::var("HOTLOOP_FUZZ").expect("HOTLOOP_FUZZ=a target");
    let (target, start) = (target(&name), Instant::now());
    let runs = number("HOTLOOP_RUNS").unwrap_or(1_000_000);
    let first = number("HOTLOOP_FIRST").unwrap_or(0);
    let known = ["corpus", "regressions"].map(|kind| inputs(&folder(kind, target))).concat();
    let corpus: Vec<Vec<u8>> = known.into_iter().map(|(_, bytes)| bytes).collect();
    let mut wrong = 0;
    for n in first..first + runs {
        let mut rng = Rng(n);
        let bytes = if name != "text" && rng.below(2) == 0 {
            let len = 32 + rng.below(u64::from(LONGEST) - 32);
            (0..len).map(|_| rng.next() as u8).collect()
        } else {
            mutated(&corpus, &mut rng, LONGEST as usize)
        };
        if let Err(report) = run(target, &bytes) {
            wrong += 1;
            println!("{}: {report}", kept(&name, n, &bytes));
        }
        if (n - first + 1).is_multiple_of((runs / 20).max(1)) {
            println!("{name}: {} of {runs} after {:.0?}", n - first + 1, start.elapsed());
        }
    }
    println!("{name}: {runs} inputs from {first}, {wrong} wrong, {:.0?}", start.elapsed());
    assert_eq!(wrong, 0);
}

/// The corpus consists of the inputs generated here and of some added by hand.
#[test]
fn corpus_is_up_to_date() {
    for (name, file, bytes) in seeds() {
        let path = folder("corpus", target(name)).join(file);
        if std::env::var_os("HOTLOOP_WRITE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        let there = fs::read(&path).unwrap_or_default();
        assert!(there == bytes, "{}: run with HOTLOOP_WRITE=1", path.display());
    }
}

/// The generated inputs of the corpus: target, file and bytes.
fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut list = Vec::new();
    for (i, text) in corpus_texts().into_iter().enumerate() {
        list.push(("text", format!("{i:03}"), text.into_bytes()));
    }
    for (i, header) in headers().into_iter().enumerate() {
        let mut bytes = header.to_bytes();
        bytes.extend((0..header.data_len().unwrap_or(0).min(64)).map(|i| i as u8));
        list.push(("npy", format!("{i:02}"), bytes));
    }
    for (i, bytes) in old_headers().into_iter().enumerate() {
        list.push(("npy", format!("old{i}"), bytes));
    }
    for name in ["graphs", "kernels", "calls"] {
        for i in 0..32u64 {
            let mut rng = Rng(i);
            let len = [64, 128, 192, 256, 384, 512][i as usize % 6];
            list.push((name, format!("{i:02}"), (0..len).map(|_| rng.next() as u8).collect()));
        }
    }
    list
}

/// Some texts of `tests/corpus/`, at regular intervals, and some invalid ones.
fn corpus_texts() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut texts: Vec<String> = inputs(&folder)
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|e| e == "toml"))
        .flat_map(|(_, bytes)| {
            let table: toml::Table = toml::from_str(&String::from_utf8(bytes).unwrap()).unwrap();
            let text = |case: &toml::Value| Some(case.get("expr")?.as_str()?.to_string());
            let cases = table.get("case").and_then(toml::Value::as_array).cloned();
            cases.unwrap_or_default().iter().filter_map(text).collect::<Vec<_>>()
        })
        .filter(|text| text.len() <= 400)
        .collect();
    texts.sort();
    texts.dedup();
    let step = (texts.len() / 96).max(1);
    let wrong = [
        "",
        "a +",
        "1 < ",
        "(((((((((((((((",
        "))",
        "a b",
        "def f(f) = f(f)",
        "x = x",
        "a && b",
        "sine(a)",
        "0123",
        "1_",
        "9223372036854775808",
        "'text",
        "\u{202e}a",
        "a[1, 2, 3]",
        "a[::0]",
        "u8(300) + 300",
        "sum(a, axis=9)",
        "def f(x) = x * x\nf(f(f(f(f(f(a))))))",
        "a.real",
        "2j",
        "None",
        "# nothing",
        "a\r\nb",
        "\u{feff}a",
    ];
    texts.into_iter().step_by(step).chain(wrong.map(str::to_string)).collect()
}

fn headers() -> Vec<Header> {
    let mut list = Vec::new();
    for (i, dtype) in DType::ALL.into_iter().enumerate() {
        let shapes: [&[usize]; 5] = [&[], &[3], &[2, 3], &[0, 4], &[2, 1, 3]];
        for k in 0..2 {
            let header = Header::new(dtype, shapes[(i * 2 + k) % shapes.len()]);
            list.push(Header { swapped: k == 1, fortran_order: (i + k) % 2 == 1, ..header });
        }
    }
    list
}

/// Files as other programs write them, and invalid files.
fn old_headers() -> Vec<Vec<u8>> {
    let texts = [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n",
        "{\"shape\": (2L,), 'fortran_order':True,'descr':'>i2'}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<c16', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
    ];
    let version = |(i, text): (usize, &str)| {
        let mut bytes = b"\x93NUMPY".to_vec();
        match i % 3 {
            0 => bytes.extend([1, 0, text.len() as u8, 0]),
            major => bytes.extend([major as u8 + 1, 0, text.len() as u8, 0, 0, 0]),
        }
        bytes.extend(text.bytes());
        bytes.extend([0x3f; 16]);
        bytes
    };
    texts.into_iter().enumerate().map(version).collect()
}
