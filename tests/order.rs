//! Order statistics along an axis: exact values, values of NumPy 2.5 and pandas 3.1, and errors.

use hotloop::ndarray::{Array2, Axis, arr1, arr2};
use hotloop::{Arg, ErrorKind, RunOptions, compile};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

fn eval(text: &str, x: &[f64]) -> Vec<f64> {
    let program = compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    program.eval_vec::<f64>([("x", Arg::from(x))]).unwrap()
}

#[track_caller]
fn is(text: &str, x: &[f64], want: &[f64]) {
    assert_eq!(format!("{:?}", eval(text, x)), format!("{want:?}"), "{text}");
}

/// pandas' `rank` with its defaults, and with pct=True.
#[test]
fn equal_elements_share_the_mean_of_their_places() {
    let x = [3.0, 1.0, NAN, 3.0, -INF, INF, 0.0, -0.0];
    is("rank(x)", &x, &[5.5, 4.0, NAN, 5.5, 1.0, 7.0, 2.5, 2.5]);
    let x = [3.0, 1.0, NAN, 3.0];
    is("rank(x, pct=True)", &x, &[2.5 / 3.0, 1.0 / 3.0, NAN, 2.5 / 3.0]);
    is("rank(x, axis=0)", &[7.0], &[1.0]);
    is("rank(x)", &[NAN, NAN], &[NAN, NAN]);
    is("rank(x, pct=True)", &[NAN], &[NAN]);
    is("rank(x)", &[], &[]);
    is("rank(x[::-1]) - rank(x)", &[1.0, 2.0, 5.0], &[2.0, 0.0, -2.0]);
}

#[test]
fn ranks_go_along_any_axis() {
    let x = arr2(&[[3.0, 1.0, NAN, 3.0], [2.0, 2.0, 2.0, -0.0], [9.0, 0.0, 1.0, 1.0]]);
    let rank = |text: &str, x: &Array2<f64>| {
        let program = compile(text).unwrap();
        program.eval_as::<f64>([("x", Arg::from(x.view()))]).unwrap()
    };
    let want = [[2.5, 1.0, NAN, 2.5], [3.0, 3.0, 3.0, 1.0], [4.0, 1.0, 2.5, 2.5]];
    assert_eq!(
        format!("{:?}", rank("rank(x, axis=1)", &x)),
        format!("{:?}", arr2(&want).into_dyn())
    );
    let want = [[2.0, 2.0, NAN, 3.0], [1.0, 3.0, 2.0, 1.0], [3.0, 1.0, 1.0, 2.0]];
    assert_eq!(
        format!("{:?}", rank("rank(x, axis=0)", &x)),
        format!("{:?}", arr2(&want).into_dyn())
    );
    let turned = x.t().to_owned();
    let back = rank("transpose(rank(x, axis=1))", &turned);
    assert_eq!(format!("{back:?}"), format!("{:?}", arr2(&want).into_dyn()));
}

/// As integers, not as floats that are equal.
#[test]
fn integers_are_ranked_exactly() {
    let program = compile("rank(x)").unwrap();
    let x = [i64::MAX, i64::MAX - 1, i64::MIN, 0, i64::MAX];
    let got = program.eval_vec::<f64>([("x", Arg::from(&x))]).unwrap();
    assert_eq!(got, [4.5, 3.0, 1.0, 2.0, 4.5]);
    let x = [u64::MAX, 0, u64::MAX - 1, 1 << 63];
    let got = program.eval_vec::<f64>([("x", Arg::from(&x))]).unwrap();
    assert_eq!(got, [4.0, 1.0, 3.0, 2.0]);
    let got = program.eval_vec::<f64>([("x", Arg::from(&[true, false, true]))]).unwrap();
    assert_eq!(got, [2.5, 1.0, 2.5]);
    let got = program.eval_vec::<f64>([("x", Arg::from(&[2.5f32, f32::NAN, -1.0]))]).unwrap();
    assert_eq!(format!("{got:?}"), "[2.0, NaN, 1.0]");
}

/// `np.median` and `np.quantile`.
#[test]
fn medians_and_quantiles_are_those_of_numpy() {
    let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
    is("median(x)", &x, &[3.5]);
    is("median(x[1:])", &x, &[4.0]);
    let shares = [0.0, 0.1, 0.25, 1.0 / 3.0, 0.5, 0.9, 1.0];
    let want = [1.0, 1.0, 1.75, 2.333333333333333, 3.5, 6.8999999999999995, 9.0];
    for (q, want) in shares.into_iter().zip(want) {
        is(&format!("quantile(x, {q})"), &x, &[want]);
    }
    is("median(x)", &[1.0, NAN, 2.0], &[NAN]);
    is("quantile(x, 0)", &[1.0, NAN, 2.0], &[NAN]);
    is("median(x)", &[], &[NAN]);
    is("quantile(x, 0.5, keepdims=True)", &[], &[NAN]);
    is("median(x)", &[-7.0], &[-7.0]);
    is("median(x)", &[f64::MAX, f64::MAX], &[f64::MAX]);
    is("quantile(x, 0.75)", &[f64::MAX, -f64::MAX], &[8.988465674311578e307]);
    is("quantile(x, 0.25)", &[1.0, INF], &[INF]);
    is("median(x)", &[-INF, INF], &[NAN]);
    is("x - median(x)", &[1.0, 2.0, 6.0], &[-1.0, 0.0, 4.0]);
    let program = compile("median(x)").unwrap();
    assert_eq!(program.eval_scalar::<f64>([("x", Arg::from(&[1i8, 2, 4, 127]))]).unwrap(), 3.0);
    assert_eq!(program.eval_scalar::<f32>([("x", Arg::from(&[1.0f32, 2.5]))]).unwrap(), 1.75);
    assert_eq!(program.eval_scalar::<f64>([("x", 2.5)]).unwrap(), 2.5);
}

#[test]
fn medians_go_along_one_axis_or_all() {
    let x = Array2::from_shape_fn((37, 50), |(i, j)| ((i * 50 + j) * 7919 % 1009) as f64);
    let run = |text: &str, x: &Array2<f64>| {
        let program = compile(text).unwrap();
        program.eval_as::<f64>([("x", Arg::from(x.view()))]).unwrap()
    };
    let of = |values: Vec<f64>, q: f64| {
        let mut sorted = values;
        sorted.sort_by(f64::total_cmp);
        let place = q * (sorted.len() - 1) as f64;
        let (low, t) = (place as usize, place - place.floor());
        let (low, high) = (sorted[low], sorted[(low + 1).min(sorted.len() - 1)]);
        if t < 0.5 { low + (high - low) * t } else { high - (high - low) * (1.0 - t) }
    };
    for turned in [false, true] {
        // The same elements in the other order of memory.
        let x =
            if turned { x.t().as_standard_layout().reversed_axes().to_owned() } else { x.clone() };
        let columns: Vec<f64> = x.axis_iter(Axis(1)).map(|c| of(c.to_vec(), 0.5)).collect();
        assert_eq!(run("median(x, axis=0)", &x), arr1(&columns).into_dyn());
        let rows: Vec<f64> = x.axis_iter(Axis(0)).map(|c| of(c.to_vec(), 0.3)).collect();
        assert_eq!(run("quantile(x, 0.3, axis=1)", &x), arr1(&rows).into_dyn());
        let all = of(x.iter().copied().collect(), 0.77);
        assert_eq!(run("quantile(x, 0.77)", &x).first(), Some(&all));
        assert_eq!(run("quantile(x, 0.77, axis=(0, 1))", &x).first(), Some(&all));
        assert_eq!(run("median(x, axis=1, keepdims=True)", &x).shape(), [37, 1]);
    }
    let empty = Array2::<f64>::zeros((0, 3));
    assert_eq!(
        format!("{:?}", run("median(x, axis=0)", &empty).into_raw_vec_and_offset().0),
        "[NaN, NaN, NaN]"
    );
    assert_eq!(run("median(x, axis=1)", &empty).shape(), [0]);
}

#[test]
fn weighted_means() {
    let x = arr2(&[[1.0, 2.0, 6.0], [4.0, 0.0, 2.0]]);
    let w = arr1(&[1.0, 2.0, 1.0]);
    let run = |text: &str| {
        let program = compile(text).unwrap();
        program.eval_vec::<f64>([("x", Arg::from(x.view())), ("w", Arg::from(w.view()))]).unwrap()
    };
    assert_eq!(run("average(x, w, axis=1)"), [2.75, 1.5]);
    assert_eq!(run("average(x, weights=w)"), [2.125]);
    assert_eq!(run("average(x, x * 0 + 1, axis=0)"), [2.5, 1.0, 4.0]);
    let error = compile("average(x, 0)").unwrap().eval([("x", Arg::from(x.view()))]).unwrap_err();
    assert!(error.to_string().contains("axis=0"), "{error}");
}

/// A long sequence, and more of them than threads.
#[test]
fn threads_share_sequences() {
    let x = Array2::from_shape_fn((4097, 9), |(i, j)| ((i * 31 + j * 17) % 997) as f64);
    let program = compile("rank(x, axis=0)").unwrap();
    let got = program.eval_as::<f64>([("x", Arg::from(x.view()))]).unwrap();
    for (column, got) in x.axis_iter(Axis(1)).zip(got.axis_iter(Axis(1))) {
        for (x, got) in column.iter().zip(got).step_by(61) {
            let below = column.iter().filter(|other| *other < x).count() as f64;
            let equal = column.iter().filter(|other| *other == x).count() as f64;
            assert_eq!(*got, below + (equal + 1.0) / 2.0);
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    let x = [1.0, 2.0];
    let kind = |text: &str| {
        let made = compile(text).and_then(|p| p.eval([("x", Arg::from(&x))]).map(|_| ()));
        made.unwrap_err().kind()
    };
    for text in ["quantile(x, 1.5)", "quantile(x, -0.1)", "quantile(x, x)", "quantile(x, nan)"] {
        assert_eq!(kind(text), ErrorKind::Type, "{text}");
    }
    assert_eq!(kind("rank(x, axis=1)"), ErrorKind::Shape);
    assert_eq!(kind("median(x, axis=2)"), ErrorKind::Shape);
    assert_eq!(kind("rank(x, pct=2)"), ErrorKind::Type);
    assert_eq!(kind("rank(1.5)"), ErrorKind::Shape);
    let m = Array2::<f64>::zeros((4, 3));
    for (text, instead) in [
        ("rank(x, axis=0)", "rolling_rank"),
        ("median(x, axis=0)", "rolling_median"),
        ("x > quantile(x, 0.9, axis=0)", "rolling_quantile"),
    ] {
        let error = compile(text).unwrap().stream(("x", &m), 0).err().unwrap();
        assert!(error.to_string().contains(instead), "{text}: {error}");
    }
    // Across the other axis rows do not depend on each other.
    let x = arr2(&[[3.0, 1.0, 2.0], [5.0, 5.0, 7.0], [0.0, 2.0, 1.0]]);
    let program = compile("rank(x, axis=1), cumsum(x - median(x, axis=1, keepdims=True), axis=0)");
    let program = program.unwrap();
    let mut stream = program.stream(("x", &x), 0).unwrap();
    let whole = program.eval([("x", Arg::from(x.view()))]).unwrap();
    let whole: Vec<Vec<f64>> = whole.into_iter().map(|y| y.into_vec().unwrap()).collect();
    let mut got = vec![Vec::new(); 2];
    for row in 0..3 {
        let pushed =
            stream.push(("x", &x.slice(hotloop::ndarray::s![row..row + 1, ..]).to_owned()));
        for (to, part) in got.iter_mut().zip(pushed.unwrap()) {
            to.extend(part.into_vec::<f64>().unwrap());
        }
    }
    assert_eq!(got, whole);
}

/// A sequence that does not fit in the memory of a run is an error.
#[test]
fn sequences_count_as_memory() {
    let x: Vec<f64> = (0..6_000_000).map(|i| f64::from(i % 1000)).collect();
    let program = compile("rank(x)").unwrap();
    let small = program.clone().with(RunOptions::new().memory(1 << 20));
    let error = small.eval([("x", Arg::from(&x))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
    let got = program.eval_vec::<f64>([("x", Arg::from(&x))]).unwrap();
    assert_eq!(got[1], 6000.0 + 3000.5);
}
