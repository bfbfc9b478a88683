//! The corpus: expressions with their inputs and the exact outputs, on every engine.
//!
//! The cases are in `corpus/*.toml`, written by `corpus/generate.py`. NumPy gives the expected
//! results, except for deliberate differences.

use std::collections::BTreeMap;
use std::path::Path;

use hotloop::threads::Isa;
use hotloop::{Backend, DType, Engine, Mode};
use hotloop_testing::corpus::{FILES, distance, hex_float, read, repeats};

#[test]
fn hex_floats_are_read_exactly() {
    assert_eq!(hex_float("0x1.8p-3"), 0.1875);
    assert_eq!(hex_float("-0x1.999999999999ap-4"), -0.1);
    assert_eq!(hex_float("0x0.0000000000001p-1022"), 5e-324);
    assert_eq!(hex_float("0x1.fffffffffffffp+1023"), f64::MAX);
}

#[test]
fn distances_are_counted_in_floats() {
    let f64s = |a: f64, b: f64| distance(DType::F64, a.to_bits(), b.to_bits());
    assert_eq!(f64s(1.0, 1.0 + f64::EPSILON), 1);
    assert_eq!(f64s(-5e-324, 5e-324), 2);
    assert_eq!(f64s(0.0, -0.0), 1);
    assert_eq!(f64s(f64::NAN, -f64::NAN), 0);
    assert_eq!(f64s(f64::NAN, 1.0), u64::MAX);
    let f32s =
        |a: f32, b: f32| distance(DType::F32, u64::from(a.to_bits()), u64::from(b.to_bits()));
    assert_eq!(f32s(-1.0, -1.0 - f32::EPSILON), 1);
    assert_eq!(distance(DType::I8, 5, 6), u64::MAX);
}

fn engines(mode: Mode) -> Vec<(String, Engine)> {
    let builder = || Engine::builder().mode(mode);
    let mut list =
        vec![("interpreter".to_string(), builder().backend(Backend::Interpreter).build())];
    list.push(("portable".to_string(), builder().backend(Backend::Portable).eager().build()));
    for isa in Isa::available() {
        for threads in [1, 2] {
            let engine =
                builder().backend(Backend::Native).isa(isa).threads(threads).eager().build();
            list.push((format!("native {} on {threads}", isa.name()), engine));
        }
    }
    list
}

fn run_file(name: &str) {
    let modes = [Mode::Strict, Mode::Contract, Mode::Fast].map(|mode| (mode, engines(mode)));
    // The failures, each with the engines that have it.
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in read(name) {
        let (_, engines) = modes.iter().find(|(m, _)| *m == case.mode()).expect("a mode");
        for (engine_name, engine) in engines {
            let mut attempt = |times: usize| {
                if let Err(failure) = case.attempt(engine, times) {
                    let times = if times > 1 { format!(" times {times}") } else { String::new() };
                    let failure =
                        format!("{name}.toml: {}{times}: {}: {failure}", case.name, case.expr);
                    failures.entry(failure).or_default().push(engine_name.clone());
                }
            };
            attempt(1);
            // Longer than a tile and a leaf, with a tail, so that every element is computed in
            // vectors.
            if repeats(&case) && !engine_name.ends_with("on 1") {
                attempt(1031);
            }
        }
    }
    let list: Vec<String> =
        failures.iter().map(|(f, engines)| format!("{f}\n  on {}", engines.join(", "))).collect();
    assert!(list.is_empty(), "{} failures:\n{}", list.len(), list.join("\n"));
}

macro_rules! files {
    ($($name:ident),*) => {
        $(#[test] fn $name() { run_file(stringify!($name)); })*

        /// Checks that every file has a test.
        #[test]
        fn every_file_has_a_test() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
            let mut found: Vec<String> = std::fs::read_dir(folder).unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter_map(|file| file.strip_suffix(".toml").map(str::to_string))
                .collect();
            found.sort();
            let mut known = vec![$(stringify!($name).to_string()),*];
            assert_eq!(known, FILES);
            known.sort();
            assert_eq!(found, known);
        }
    };
}
files!(
    operators,
    promotion,
    functions,
    conditionals,
    programs,
    broadcasting,
    strides,
    reductions,
    axes,
    views,
    layouts,
    integers,
    powers,
    special_values,
    scalars
);
