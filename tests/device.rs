//! Passes as text, run by the driver that stands in for a device: the system's C++ compiler makes
//! code of them, and their blocks run in random order. They must agree with the interpreter, bit for
//! bit.
//!
//! ```text
//! cargo test --test device                                            # 2,000 random programs
//! HOTLOOP_PROGRAMS=100000 cargo test --test device random -- --nocapture
//! HOTLOOP_SANITIZE=undefined cargo test --test device                 # checks the text, too
//! ```

#![cfg(unix)]

use std::process::Command;

use arbtest::arbtest;
use hotloop::{Arg, Backend, DType, Engine, Mode};
use hotloop_testing::corpus::{FILES, read, repeats};
use hotloop_testing::generator::Case;
use hotloop_testing::generator::check::{answers, describe, difference, prepare, run};
use hotloop_testing::generator::data::{Array, Flavour, Input, Rng, Value};

const MODES: [Mode; 3] = [Mode::Strict, Mode::Contract, Mode::Fast];

/// Programs that are compiled at a time.
const BATCH: u64 = 625;

fn engine(mode: Mode, backend: Backend) -> Engine {
    Engine::builder().mode(mode).backend(backend).threads(1).cache_capacity(1 << 14).build()
}

/// Whether there is a C++ compiler; without one the tests say that they are skipped.
fn is_possible() -> bool {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let found = Command::new(&compiler).arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no compiler {}", compiler.display());
    }
    found
}

#[test]
fn the_corpus_has_its_results() {
    if !is_possible() {
        return;
    }
    let engines = MODES.map(|mode| engine(mode, Backend::HostDevice));
    let cases: Vec<_> = FILES.iter().flat_map(|file| read(file)).collect();
    let of = |mode: Mode| &engines[mode as usize];
    cases.iter().for_each(|case| case.prepare(of(case.mode())));
    let mut failures = Vec::new();
    for case in &cases {
        let times = if repeats(case) { &[1, 1031][..] } else { &[1] };
        for times in times {
            if let Err(failure) = case.attempt(of(case.mode()), *times) {
                failures.push(format!("{} times {times}: {}: {failure}", case.name, case.expr));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    let launches: u64 = engines.iter().map(Engine::launches).sum();
    assert!(launches > cases.len() as u64 / 2, "only {launches} launches of {}", cases.len());
}

/// Numbers of every kind, and around where functions change their method.
fn numbers(dtype: DType, rng: &mut Rng) -> Array {
    let mut values: Vec<f64> = Vec::new();
    for magnitude in [
        0.0,
        5e-324,
        1e-310,
        1e-45,
        1e-38,
        1e-20,
        1e-3,
        0.25,
        0.5,
        1.0,
        1.5,
        2.0,
        3.0,
        20.0,
        27.0,
        88.5,
        104.0,
        171.0,
        709.0,
        745.0,
        1e5,
        131_072.0,
        524_288.0,
        3e7,
        4e12,
        1e13,
        1e22,
        1e300,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ] {
        let near = [magnitude, magnitude.next_up(), magnitude.next_down(), magnitude * 1.1];
        values.extend(near.iter().flat_map(|x| [*x, -x]));
    }
    for scale in [1.0, 10.0, 1e3, 1e7, 1e15] {
        values.extend((0..400).map(|_| scale * (rng.next() as i64 as f64 / 2f64.powi(63))));
    }
    // Any bits at all.
    values.extend((0..2000).map(|_| f64::from_bits(rng.next())));
    let bits = values.iter().map(|x| match dtype {
        DType::F32 => u64::from((*x as f32).to_bits()),
        _ => x.to_bits(),
    });
    let mut array = Array::contiguous(dtype, &[values.len()], 1);
    array.set(&bits.collect::<Vec<_>>());
    array
}

#[test]
fn math_functions_have_the_bits_of_the_kernels() {
    if !is_possible() {
        return;
    }
    let one = "sin cos tan sinc arcsin arccos arctan exp exp2 expm1 log log2 log10 log1p arcsinh \
               arccosh arctanh tanh sinh cosh sigmoid cbrt erf erfc normcdf gamma lgamma";
    let two = "arctan2 logaddexp logaddexp2 hypot float_power fmod nextafter copysign";
    let mut texts: Vec<String> = one.split_whitespace().map(|f| format!("{f}(x)")).collect();
    texts.extend(two.split_whitespace().map(|f| format!("{f}(x, y)")));
    texts.push("x ** y".to_string());
    let mut rng = Rng(1);
    let mut cases = Vec::new();
    for mode in [Mode::Strict, Mode::Fast] {
        for dtype in [DType::F32, DType::F64] {
            for text in &texts {
                let x = numbers(dtype, &mut rng);
                // Of the same numbers in another order.
                let mut y = numbers(dtype, &mut rng);
                y.fill(&mut rng, Flavour::Wild);
                let input = |name, array| Input { name, value: Value::Array(array) };
                let mut inputs = vec![input("x", x)];
                if text.contains('y') {
                    inputs.push(input("y", y));
                }
                cases.push(Case { text: text.clone(), mode, inputs, ops: Vec::new(), seed: 0 });
            }
        }
    }
    let oracles = MODES.map(|mode| engine(mode, Backend::Interpreter));
    let engines = MODES.map(|mode| engine(mode, Backend::HostDevice));
    cases.iter().for_each(|case| prepare(&engines[case.mode as usize], case));
    for case in &cases {
        let at = case.mode as usize;
        let expected = run(&oracles[at], &case.text, case);
        assert!(expected.is_ok(), "{expected:?}");
        let got = run(&engines[at], &case.text, case);
        assert_eq!(difference(&expected, &got), None, "{}", describe(case));
    }
    let launches: u64 = engines.iter().map(Engine::launches).sum();
    assert!(launches >= cases.len() as u64, "{launches} launches");
}

#[test]
fn random_programs_agree() {
    if !is_possible() {
        return;
    }
    let wanted = std::env::var("HOTLOOP_PROGRAMS").map_or(2000, |n| n.parse().expect("a number"));
    let oracles = MODES.map(|mode| engine(mode, Backend::Interpreter));
    let engines = MODES.map(|mode| engine(mode, Backend::HostDevice));
    let (mut valid, mut n) = (0, 0);
    while valid < wanted {
        let mut cases = Vec::new();
        for number in n..n + BATCH {
            let seed = (Rng(number).next() << 32) | [64, 128, 256, 512, 2048][number as usize % 5];
            arbtest(|u| {
                cases.push((Case::arbitrary(u)?, seed));
                Ok(())
            })
            .seed(seed)
            .run();
        }
        n += BATCH;
        cases.iter().for_each(|(case, _)| prepare(&engines[case.mode as usize], case));
        for (case, seed) in &cases {
            let expected = run(&oracles[case.mode as usize], &case.text, case);
            valid += u64::from(expected.is_ok());
            if let Err(wrong) = answers(&engines[case.mode as usize], case, &expected) {
                panic!("{wrong}\n{}seed {seed:#x}", describe(case));
            }
        }
        assert!(n < 3 * wanted + BATCH, "only {valid} of {n} programs were valid");
    }
    let launches: u64 = engines.iter().map(Engine::launches).sum();
    println!("{valid} valid programs of {n}, {launches} launches");
    assert!(launches > wanted, "{launches} launches of {valid} programs");
}

/// Reductions of every kind, at lengths around those of rows, leaves and parts, along every axis.
#[test]
fn reductions_have_the_bits_of_the_tree() {
    if !is_possible() {
        return;
    }
    let over_all = "sum(x), sum(x * x), prod(1 + x / 4096), min(x), max(x), var(x), mean(x), argmin(x), \
                    argmax(x), any(x > 0.9), all(x < 2), count_nonzero(x > 0), sum(i), max(i), prod(i)";
    let along = |axis: &str| {
        over_all
            .replace("(x)", &format!("(x, axis={axis})"))
            .replace("sum(i)", &format!("sum(i, axis={axis})"))
    };
    let shapes: [&[usize]; 14] = [
        &[1],
        &[15],
        &[17],
        &[511],
        &[513],
        &[4095],
        &[4096],
        &[4097],
        &[20_481],
        &[100_003],
        &[5, 4099],
        &[4099, 5],
        &[3, 70, 33],
        &[40, 2, 517],
    ];
    let mut rng = Rng(5);
    let mut cases = Vec::new();
    for shape in shapes {
        for dtype in [DType::F64, DType::F32] {
            let axes = (0..shape.len()).map(|axis| along(&axis.to_string()));
            let pairs = (shape.len() > 2).then(|| along("(0, 2)"));
            for text in axes.chain(pairs).chain([over_all.to_string()]) {
                let mut x = Array::contiguous(dtype, shape, 1);
                x.fill(&mut rng, if shape.len() == 1 { Flavour::Unit } else { Flavour::Spiced });
                let mut i = Array::contiguous(DType::I16, shape, 0);
                i.fill(&mut rng, Flavour::Wild);
                let input = |name, array| Input { name, value: Value::Array(array) };
                let (x, i) = (input("x", x), input("i", i));
                // Alone, so that each is a pass that the device takes.
                for text in parts(&text) {
                    let of_integers = text.contains("(i");
                    let case = Case {
                        text,
                        mode: Mode::Strict,
                        inputs: vec![if of_integers { i.clone() } else { x.clone() }],
                        ops: Vec::new(),
                        seed: 0,
                    };
                    cases.push(case);
                }
            }
        }
    }
    let oracle = engine(Mode::Strict, Backend::Interpreter);
    let engine = engine(Mode::Strict, Backend::HostDevice);
    cases.iter().for_each(|case| prepare(&engine, case));
    for case in &cases {
        let before = engine.launches();
        let expected = run(&oracle, &case.text, case);
        let got = run(&engine, &case.text, case);
        assert!(expected.is_ok(), "{expected:?}");
        assert_eq!(difference(&expected, &got), None, "{}", describe(case));
        assert!(engine.launches() >= before + 2, "no launch of {}", case.text);
    }
}

/// The expressions between commas that are in no parentheses.
fn parts(text: &str) -> Vec<String> {
    let (mut depth, mut list) = (0, vec![String::new()]);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                list.push(String::new());
                continue;
            }
            _ => {}
        }
        list.last_mut().expect("a part").push(c);
    }
    list.into_iter().map(|part| part.trim().to_string()).collect()
}

/// More axes than a launch has, and more elements than a block.
#[test]
fn many_axes_are_several_launches() {
    if !is_possible() {
        return;
    }
    let engine = engine(Mode::Strict, Backend::HostDevice);
    let shape = [2usize; 12];
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for i in 0..1u32 << 12 {
        x.push(f64::from(i));
        y.push(i as f32 / 3.0);
    }
    // Axes in an order that nothing merges.
    let strides = |size: isize, odd: bool| -> Vec<isize> {
        let axis = |i: usize| if odd { i ^ 1 } else { i };
        (0..12).map(|i| size << (11 - axis(i))).collect()
    };
    let program = engine.compile("x * 2 + y").expect("a program");
    let (at_x, at_y) = (strides(8, false), strides(4, true));
    // SAFETY: the strides stay inside the arrays, which live longer.
    let args = unsafe {
        [
            ("x", Arg::raw(x.as_ptr().cast(), &shape, &at_x, DType::F64)),
            ("y", Arg::raw(y.as_ptr().cast(), &shape, &at_y, DType::F32)),
        ]
    };
    let got = program.eval(&args[..]).expect("a result");
    assert_eq!(engine.launches(), 16);
    let got = got[0].view::<f64>().expect("floats");
    for (index, value) in got.indexed_iter() {
        let at = |strides: &[isize], size: isize| {
            let offset: isize = (0..12).map(|axis| strides[axis] * index[axis] as isize).sum();
            (offset / size) as usize
        };
        let expected = x[at(&at_x, 8)] * 2.0 + f64::from(y[at(&at_y, 4)]);
        assert_eq!(*value, expected, "{index:?}");
    }
}
