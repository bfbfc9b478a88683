//! Functions along an axis, running ones and windows: every backend against the interpreter in every
//! layout, the fusion of scans, and values from NumPy.

use std::collections::BTreeMap;

use hotloop::threads::{Emitter, Isa};
use hotloop::{Arg, ArgType, Backend, DType, Element, Engine, ErrorKind, Out, compile, ndarray};
use hotloop_testing::generator::check::different_elements;
use hotloop_testing::generator::data::{Array, Flavour, Layout, Rng};

/// Scans of inputs, of computed values and of scans; as operands; along different axes; and beside
/// reductions.
const TEXTS: [&str; 49] = [
    "cumsum(x)",
    "cumsum(x, axis=0), cummin(x, axis=-1)",
    "cumprod(x * 0.5 + 1), cummax(i, axis=0)",
    "cumsum(x) / cumsum(abs(x) + 1)",
    "cumsum(cumsum(x) + 1)",
    "cumsum(cumsum(x, axis=0), axis=1)",
    "cumsum(x, axis=0) - cumsum(x, axis=1)",
    "s = cumsum(x * y, axis=0); s, s * 2, x + s",
    "sum(cumsum(x)), x + 1",
    "max(abs(cumsum(x, axis=-1)), axis=-1), cumsum(x, axis=-1)",
    "c = cummax(x, axis=0); min(x / c - 1, axis=0)",
    "c = cummax(x); c[:, 1:] - c[:, :-1]",
    "cumsum(x[::-1], axis=0)[::-1]",
    "cumsum(row) * x, cumsum(row[None, :], axis=0) + x",
    "cumsum(row[None, :] + x * 0, axis=0)",
    "transpose(cumsum(transpose(x))), cumsum(transpose(x)) + 1",
    "cumsum(i), cumsum(u), cumsum(b), cumprod(i, axis=0)",
    "cummax(b, axis=0), cummin(b), cummin(u), cummax(f)",
    "cumsum(f, axis=0), f32(cumsum(f64(f))) == cumsum(f)",
    "where(cumsum(b) > 3, cumsum(x), cummin(i))",
    "x / rolling_mean(x, 20) - 1, rolling_mean(f, 3, axis=0)",
    "rolling_sum(x, 5, min_periods=1), rolling_sum(x * y, 300, axis=0, min_periods=0)",
    "rolling_std(x, 20, 2, axis=0) / rolling_mean(i, 10), rolling_var(u, 2, ddof=0)",
    "rolling_max(x, 64) - rolling_min(x, 7, min_periods=2, axis=0), rolling_max(b, 3)",
    "n = where(x > 0.9, nan, x); rolling_mean(n, 12, min_periods=3), rolling_count(n, 5, axis=0)",
    "n = where(y > 0, x, nan); rolling_std(n, 9, axis=0, min_periods=2), rolling_prod(n, 4, 0)",
    "shift(x), shift(i, 3, axis=0), shift(u, 2, fill=7), shift(x, -2), shift(b, 1, fill=True)",
    "diff(x, axis=0), diff(i), pct_change(f, 2), shift(f, -1, axis=0) - f",
    "n = where(b, x, nan); expanding_sum(n), expanding_mean(n, axis=0), expanding_max(n, 3)",
    "cumcount(x > 0), cumcount(i, axis=0), expanding_min(x, 5, axis=0), expanding_sum(i, 0)",
    "ewm_mean(x, span=20), ewm_mean(x * y, alpha=0.03, axis=0) - x, ewm_mean(f, com=2)",
    "n = where(y > 0.3, x, nan); ewm_mean(n, halflife=3, axis=0, min_periods=2), ffill(n), \
     ewm_mean(n, alpha=0.5, ignore_na=True), ewm_mean(n, alpha=1, axis=0)",
    "rolling_corr(x, y, 20), rolling_cov(x, row, 9, axis=0), rolling_cov(f, i, 3, 2)",
    "n = where(y > 0.3, x, nan); rolling_corr(n, y, 9, 3, axis=0), rolling_cov(x, n, 4, 0, ddof=0)",
    "n = where(y > 0, x, nan); decay_linear(n, 10, 2, axis=0), rolling_argmin(n, 6, 1), \
     rolling_argmax(x, 30, axis=0), decay_linear(f, 3)",
    "n = where(y > 0.3, x, nan); ewm_mean(n, span=20, adjust=True), ewm_var(n, com=4, axis=0), \
     ewm_std(f, alpha=0.1, bias=True), ewm_mean(x, alpha=0.01, adjust=True, axis=0)",
    "n = where(y > 0.3, x, nan); ewm_cov(n, y, span=9), ewm_corr(x, n, span=9, axis=0, adjust=True)",
    "n = where(y > 0.3, x, nan); rolling_rank(n, 7, 2, axis=0), rolling_median(n, 20, 3), \
     rolling_rank(x, 20, pct=True)",
    "n = where(y > 0.3, x, nan); rolling_quantile(n, 9, 0.3, 2), rolling_median(i, 5, axis=0)",
    "n = where(y > 0.3, x, nan); rolling_skew(n, 9, 3), rolling_kurt(x, 30, axis=0)",
    "last(x, y > 0.8), last(f, b, 2, axis=0), since(b), count_while(b, axis=0), any_within(b, 3), \
     all_within(y > 0.1, 2, axis=0)",
    "zscore(x, axis=0), demean(f), scale(y, axis=1), zscore(i, ddof=1)",
    "rank(x), rank(x * y, axis=0, pct=True), rank(i, axis=0), rank(u), rank(b, axis=0), rank(f) + f",
    "n = where(y > 0.3, x, nan); rank(n), rank(n, axis=0, pct=True), median(n, axis=0), cumsum(rank(i))",
    "median(x, axis=0), median(f, axis=1), quantile(x, 0.3), quantile(i, 0.9, axis=0, keepdims=True) - x",
    "rank(cumsum(x)), cumsum(rank(x, axis=0), axis=0), x - median(x + 1, axis=1, keepdims=True), x * 2",
    "average(x, y, axis=0), average(i, row), median(x[::-1, 1:], axis=0), median(row) + rank(row)",
    "rolling_slope(x, 5), rolling_rsquared(y, 9, 3, axis=0), rolling_resid(where(y > 0, x, nan), 20, 2)",
    "rolling_mean(rolling_mean(x, 3) + diff(x, 2), 5, axis=0), sum(rolling_sum(x, 2, 1), axis=1)",
];

struct Engines(BTreeMap<String, Engine>);

impl Engines {
    fn new() -> Engines {
        let mut list = BTreeMap::new();
        for isa in Isa::available() {
            for (emitter, name) in [(Emitter::Wide, "wide"), (Emitter::Cranelift, "cranelift")] {
                for threads in [1, 2] {
                    let engine = Engine::builder().isa(isa).emitter(emitter).threads(threads);
                    let engine = engine.backend(Backend::Native).eager().build();
                    list.insert(format!("{} {name} on {threads}", isa.name()), engine);
                }
            }
        }
        let portable = Engine::builder().backend(Backend::Portable).threads(2).build();
        list.insert("portable".to_string(), portable);
        Engines(list)
    }

    fn agree(&self, text: &str, args: &[(&str, Arg)]) {
        let oracle = Engine::builder().backend(Backend::Interpreter).build();
        let want = oracle.compile(text).unwrap().eval(args);
        let want = want.unwrap_or_else(|error| panic!("{text}: {error}"));
        for (name, engine) in &self.0 {
            let got = engine.compile(text).unwrap().eval(args).unwrap();
            for (i, (got, want)) in got.iter().zip(want.iter()).enumerate() {
                assert_eq!((got.dtype(), got.shape()), (want.dtype(), want.shape()), "{text}");
                let differ = different_elements(want.dtype(), &want.bytes(), &got.bytes());
                assert_eq!(differ, None, "{text}, output {i}, {name}, {args:?}");
            }
        }
    }
}

fn inputs(shape: &[usize], seed: u64, strided: bool) -> Vec<(&'static str, Array)> {
    let (mut layouts, mut values) = (Rng(seed), Rng(seed + 1));
    let mut make = |name, dtype, shape: &[usize]| {
        let mut array = match strided {
            true => Array::strided(dtype, shape, &mut layouts, Layout::ANY),
            false => Array::contiguous(dtype, shape, 0),
        };
        array.fill(&mut values, Flavour::Unit);
        (name, array)
    };
    vec![
        make("x", DType::F64, shape),
        make("y", DType::F64, shape),
        make("f", DType::F32, shape),
        make("i", DType::I16, shape),
        make("u", DType::U8, shape),
        make("b", DType::Bool, shape),
        make("row", DType::F64, &shape[1..]),
    ]
}

#[test]
fn every_backend_gives_the_bits_of_the_interpreter() {
    let engines = Engines::new();
    let shapes: [&[usize]; 7] =
        [&[200, 517], &[5000, 3], &[3, 5000], &[1, 1], &[40, 16], &[0, 5], &[17, 0]];
    for (number, shape) in shapes.into_iter().enumerate() {
        for strided in [false, true] {
            let inputs = inputs(shape, number as u64, strided);
            let args: Vec<_> = inputs.iter().map(|(name, array)| (*name, array.arg())).collect();
            for text in TEXTS {
                let empty = shape.contains(&0) && (text.contains("max(") || text.contains("min("));
                if !empty {
                    engines.agree(text, &args);
                }
            }
        }
    }
}

/// Nothing is reduced where no result has an element.
#[test]
fn an_empty_result_costs_nothing() {
    let many = 1_000_000_000_000usize;
    let x = ndarray::Array1::<f64>::zeros(1);
    for (shape, text) in
        [((0, many), "demean(x), zscore(x)"), ((many, 0), "cumsum(x, axis=0), demean(x, axis=0)")]
    {
        let x = x.slice(ndarray::s![..0]);
        let x = x.into_shape_with_order(shape).unwrap();
        for backend in [Backend::Auto, Backend::Native, Backend::Portable, Backend::Interpreter] {
            let engine = Engine::builder().backend(backend).build();
            let outputs = engine.compile(text).unwrap().eval([("x", Arg::from(&x))]).unwrap();
            assert!(outputs.iter().all(|y| y.shape() == [shape.0, shape.1]), "{text}");
        }
    }
}

#[test]
fn axes_of_more_dimensions() {
    let engines = Engines::new();
    for shape in [&[7, 5, 3, 101][..], &[20, 31, 40]] {
        let mut x = Array::strided(DType::F64, shape, &mut Rng(5), Layout::ANY);
        x.fill(&mut Rng(6), Flavour::Unit);
        for axis in [0, 1, 2, -1, -2] {
            let text = format!("cumsum(x, axis={axis}), cummax(x * 2, {axis}) + 1");
            engines.agree(&text, &[("x", x.arg())]);
        }
    }
}

#[test]
fn long_sequences() {
    let engines = Engines::new();
    let inputs = inputs(&[3, 90_001], 9, false);
    let args: Vec<_> = inputs.iter().map(|(name, array)| (*name, array.arg())).collect();
    for text in [
        "cumsum(x + 1), cumsum(row)",
        "cumsum(transpose(x), axis=0) * 2, cummin(f)",
        "x / rolling_mean(x, 20) - 1, rolling_std(row, 30) + diff(row)",
        "rolling_max(transpose(x), 7, axis=0), shift(transpose(f), 200, axis=0)",
        "rolling_sum(rolling_mean(where(x > 0.9, nan, x), 12, 3) + shift(y, 5), 9, 0)",
        "rolling_corr(x[:, ::-1], y[:, ::-1], 15), ffill(shift(x, 1))",
    ] {
        engines.agree(text, &args);
    }
}

/// Windows of a sequence that the results replace, on several threads.
#[test]
fn a_sequence_that_its_windows_replace() {
    let engine = Engine::builder().threads(3).eager().build();
    let program = engine.compile("rolling_mean(x, 20, 1) + shift(x, 4, fill=0)").unwrap();
    let x: Vec<f64> = (0..200_000).map(|i| f64::from(i % 977) * 0.37).collect();
    let want = program.eval_vec::<f64>([("x", Arg::from(&x[..]))]).unwrap();
    let mut replaced = ndarray::Array1::from(x);
    program.eval_into((), &mut [Out::inout("x", &mut replaced)]).unwrap();
    assert!(replaced.iter().zip(&want).all(|(got, want)| got.to_bits() == want.to_bits()));
}

#[test]
fn values_that_numpy_gives() {
    let x = [3i16, -1, 4, -1, 5];
    fn eval<T: Element>(text: &str, x: &[i16]) -> Vec<T> {
        let outputs = compile(text).unwrap().eval([("x", Arg::from(x))]).unwrap();
        outputs.into_iter().next().unwrap().into_vec().unwrap()
    }
    assert_eq!(eval::<i64>("cumsum(x)", &x), [3, 2, 6, 5, 10]);
    assert_eq!(eval::<i64>("cumprod(x)", &x), [3, -3, -12, 12, 60]);
    assert_eq!(eval::<i16>("cummin(x)", &x), [3, -1, -1, -1, -1]);
    assert_eq!(eval::<i16>("cummax(x)", &x), [3, 3, 4, 4, 5]);
    assert_eq!(eval::<i64>("cumsum(x > 0)", &x), [1, 1, 2, 2, 3]);
    assert_eq!(eval::<f32>("cumsum(x, dtype=f32)", &x), [3.0, 2.0, 6.0, 5.0, 10.0]);
    assert_eq!(eval::<u64>("cumsum(u8(x))", &x)[1], 3 + 255);
    let two = compile("cumsum(x, axis=0), x.cumsum()").unwrap();
    let x = ndarray::arr2(&[[1.0, 2.0], [10.0, 20.0]]);
    let y = two.eval([("x", Arg::from(&x))]).unwrap();
    assert_eq!(y[0].view::<f64>().unwrap(), ndarray::arr2(&[[1.0, 2.0], [11.0, 22.0]]).into_dyn());
    assert_eq!(y[1].view::<f64>().unwrap(), ndarray::arr2(&[[1.0, 3.0], [10.0, 30.0]]).into_dyn());
    // An array without axes, and a number, are sequences of one element.
    let point = ndarray::arr0(2.5);
    for backend in [Backend::Auto, Backend::Interpreter] {
        let engine = Engine::builder().backend(backend).build();
        let program = engine.compile("cummax(x) + cumsum(x, axis=0)").unwrap();
        assert_eq!(program.eval_as::<f64>([("x", Arg::from(&point))]).unwrap()[[]], 5.0);
    }
    assert_eq!(
        compile("cummax(2.5) + cumsum(3, axis=0)").unwrap().eval_scalar::<f64>(()).unwrap(),
        5.5
    );
}

#[test]
fn errors_name_the_axis() {
    let x = ndarray::arr2(&[[1.0, 2.0], [10.0, 20.0]]);
    let error = |text: &str| {
        let program = compile(text);
        let run = program.and_then(|program| program.eval([("x", Arg::from(&x))]));
        run.map(|_| ()).unwrap_err()
    };
    for (text, kind, part) in [
        ("1 + cumsum(x, axis=2)", ErrorKind::Shape, "axis 2"),
        ("cumsum(x, axis=-3)", ErrorKind::Shape, "axis -3"),
        ("cumsum(x, axis=(0, 1))", ErrorKind::Type, "cumsum goes along one axis"),
        ("cumsum(x, axis=None)", ErrorKind::Type, "cumsum goes along one axis"),
        ("cummax(x, keepdims=True)", ErrorKind::Name, "keepdims"),
        ("cummax(x, 0, 1)", ErrorKind::Arity, "cummax"),
        ("cumsum(3, axis=1)", ErrorKind::Shape, "axis 1"),
    ] {
        let error = error(text);
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert!(error.span().is_some(), "{text}: {error}");
    }
}

/// The passes of a program with one matrix.
fn plan(text: &str) -> String {
    let types = [("x", ArgType::array(DType::F64)), ("y", ArgType::array(DType::F64))];
    let program = compile(text).unwrap();
    let read: Vec<_> =
        types.into_iter().filter(|(n, _)| program.inputs().any(|i| i == *n)).collect();
    program.specialize(&read).unwrap().explain()
}

#[test]
fn what_surrounds_a_scan_is_in_its_pass() {
    let passes = |text: &str| plan(text).matches("\npass ").count();
    for (text, count) in [
        ("cumsum(sin(x) * y, axis=0) / 2 + cummax(x, axis=0)", 1),
        ("cumsum(cumsum(x)), cumprod(y)", 1),
        ("cumsum(x, axis=1), max(cumsum(x, axis=1), axis=1)", 1),
        ("cumsum(cumsum(x, axis=0), axis=1)", 2),
        ("cumsum(x, axis=0), cumsum(x, axis=1)", 2),
        ("sum(cumsum(x, axis=0), axis=1)", 2),
        ("cumsum(x)[1:] * 2", 2),
    ] {
        assert_eq!(passes(text), count, "{text}\n{}", plan(text));
    }
}

#[test]
fn a_bound_kernel_begins_anew_with_each_run() {
    let x: Vec<f64> = (0..50).map(f64::from).collect();
    let program = compile("cumsum(x)").unwrap();
    let mut y = vec![0.0; x.len()];
    let want: Vec<f64> = (0..50).map(|i| f64::from(i * (i + 1) / 2)).collect();
    let kernel = program.specialize(&[("x", ArgType::array(DType::F64))]).unwrap();
    let mut bound = kernel.bind([("x", Arg::from(&x))], [Out::from(&mut y)]).unwrap();
    for _ in 0..3 {
        bound.run().unwrap();
    }
    drop(bound);
    assert_eq!(y, want);
}
