//! Random programs: native code must agree with the interpreter, bit for bit.
//!
//! ```text
//! cargo test --test differential                                              # 2,000 programs
//! HOTLOOP_PROGRAMS=100000 cargo test --release --test differential            # as many as wished
//! HOTLOOP_SEED=0x1234567800000200 cargo test --test differential              # one, again
//! HOTLOOP_SEED=0x1234567800000200 HOTLOOP_MINIMIZE=1 cargo test --test differential
//! ```
//!
//! `HOTLOOP_FIRST` starts the series elsewhere; `HOTLOOP_TRACE` prints each seed before its program
//! runs, in case native code crashes the test.

use std::collections::{BTreeMap, BTreeSet};

use arbtest::arbtest;
use hotloop::ops::TABLE;
use hotloop::{DType, Mode};
use hotloop_testing::generator::Case;
use hotloop_testing::generator::check::{AllEngines, check, difference, run};
use hotloop_testing::generator::data::{Array, Flavour, Input, Rng, Value, element};

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    Some(parsed.unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// The seed of the n-th program: random upper bits, and in the lower bits the number of bytes that
/// it may use.
fn seed(n: u64) -> u64 {
    let bits = Rng(n).next();
    (bits << 32) | [64, 128, 256, 512, 2048][(n % 5) as usize]
}

#[test]
fn engines_agree() {
    let engines = AllEngines::new();
    if let Some(seed) = number("HOTLOOP_SEED") {
        let one = arbtest(|u| {
            let case = Case::arbitrary(u)?;
            check(&engines, &case).unwrap_or_else(|e| panic!("{e}")).ok();
            Ok(())
        });
        let one = one.seed(seed);
        return if number("HOTLOOP_MINIMIZE").is_some() {
            one.budget_ms(60_000).minimize().run()
        } else {
            one.run()
        };
    }

    let wanted = number("HOTLOOP_PROGRAMS").unwrap_or(2000);
    let first = number("HOTLOOP_FIRST").unwrap_or(0);
    let (mut valid, mut errors, mut used) = (0, BTreeMap::new(), BTreeSet::new());
    let mut n = first;
    while valid < wanted {
        let seed = seed(n);
        n += 1;
        if std::env::var_os("HOTLOOP_TRACE").is_some() {
            eprintln!("{seed:#x}");
        }
        arbtest(|u| {
            let case = Case::arbitrary(u)?;
            match check(&engines, &case) {
                Ok(Ok(())) => {
                    valid += 1;
                    used.extend(case.ops);
                }
                Ok(Err(kind)) => *errors.entry(kind.code()).or_insert(0) += 1,
                Err(report) => panic!("{report}again with HOTLOOP_SEED={seed:#x}"),
            }
            Ok(())
        })
        .seed(seed)
        .run();
        assert!(
            n - first < 3 * wanted + 100,
            "only {valid} of {} programs were valid: {errors:?}",
            n - first
        );
    }
    println!("{valid} valid programs of {}; errors agreed on: {errors:?}", n - first);
    if wanted >= 2000 {
        for row in TABLE.iter().filter(|r| r.op.is_public()) {
            assert!(used.contains(&row.op), "no valid program used {}", row.name);
        }
        // The generator's text must parse; only types and shapes may be wrong.
        let kinds: Vec<&str> = errors.keys().copied().collect();
        assert_eq!(kinds, ["SHAPE", "TYPE"]);
    }
}

/// Sums at lengths around multiples of leaves and units, on one thread and on two.
#[test]
fn threads_agree_on_large_arrays() {
    let engines = AllEngines::new();
    let text =
        "s = sum(sin(a) * b)\nm = max(exp(-a * a) // 0.125)\nc = tanh(a) // b + s\nc, s, m, c > m";
    for n in [4095, 4096, 4097, 40_960, 100_003] {
        let mut rng = Rng(n as u64);
        let inputs = [("a", DType::F64), ("b", DType::F32)].map(|(name, dtype)| {
            let mut array = Array::contiguous(dtype, &[n], 1);
            array.fill(&mut rng, Flavour::Unit);
            Input { name, value: Value::Array(array) }
        });
        let case = Case {
            text: text.to_string(),
            mode: Mode::Strict,
            inputs: inputs.to_vec(),
            ops: Vec::new(),
            seed: n as u64,
        };
        assert_eq!(check(&engines, &case), Ok(Ok(())));
    }
}

/// The comparison works: one different bit is a difference, a different NaN is none.
#[test]
fn one_wrong_bit_is_a_difference() {
    let engines = AllEngines::new();
    let engine = engines.of(Mode::Strict).native();
    let case = |value: f64| {
        let mut array = Array::contiguous(DType::F64, &[100], 0);
        let mut rng = Rng(7);
        array.set(
            &(0..100).map(|_| element(DType::F64, &mut rng, Flavour::Tame)).collect::<Vec<_>>(),
        );
        array.bytes_mut()[77 * 8..78 * 8].copy_from_slice(&value.to_le_bytes());
        let inputs = vec![Input { name: "a", value: Value::Array(array) }];
        Case { text: "-a".to_string(), mode: Mode::Strict, inputs, ops: Vec::new(), seed: 0 }
    };
    let outputs = |value| run(engine, "-a", &case(value));
    assert_eq!(difference(&outputs(1.0), &outputs(1.0)), None);
    let quiet = f64::from_bits(0x7ff8_0000_0000_0001);
    assert_eq!(difference(&outputs(f64::NAN), &outputs(quiet)), None);
    for (x, y) in [(1.0, 1.0 + f64::EPSILON), (0.0, -0.0), (f64::NAN, f64::INFINITY), (5e-324, 0.0)]
    {
        let found = difference(&outputs(x), &outputs(y)).expect("a difference");
        assert!(
            found.starts_with("output 0 (f64) differs at element 77 of 100: got 0x"),
            "{found}"
        );
    }
}
