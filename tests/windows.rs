//! Windows, shifts and expanding functions: exact values, wrong results that others have reported,
//! and errors.

use hotloop::{Arg, ErrorKind, compile};
use hotloop_testing::generator::data::Rng;

fn eval(text: &str, x: &[f64]) -> Vec<f64> {
    let program = compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    program.eval_as::<f64>([("x", Arg::from(x))]).unwrap().into_iter().collect()
}

fn last(text: &str, x: &[f64]) -> f64 {
    eval(text, x).last().copied().unwrap()
}

const NAN: f64 = f64::NAN;

/// Results that other libraries gave, by the number of the report, and the exact ones.
#[test]
fn reported_wrong_results_are_right_here() {
    let near = |got: f64, want: f64, what: &str| {
        let close = (got - want).abs() <= 4.0 * f64::EPSILON * want.abs();
        assert!(close || got.is_nan() && want.is_nan(), "{what}: {got} for {want}");
    };
    // pandas 54518.
    near(
        last("rolling_std(x, 2)", &[1.2e3, 1.3e17, 1.5e17, 1995.0, 1990.0]),
        3.5355339059327378,
        "54518",
    );
    // A property test of pandas, 2025-09.
    let x = [5897791891.464727, -2692142700.7497644, 0.0, 1.0];
    near(last("rolling_var(x, 2)", &x), 0.5, "property");
    // pandas 48950.
    near(last("rolling_std(x, 3)", &[1e5, 0.1, 0.2, 0.3, 0.4]), 0.1, "48950");
    // pandas 42064.
    let mut x = vec![0.0; 1000];
    x[0] = 1000.0;
    assert!(eval("rolling_std(x, 10)", &x)[10..].iter().all(|y| *y == 0.0));
    // pandas 28244.
    let x = [9.54e8, 0.6225, NAN, 0.0, 1.14, 0.0];
    near(last("rolling_std(x, 5, min_periods=3)", &x), 0.550_909_758_944_239_4, "28244");
    // pandas 11645.
    let x = [0.0, 1.0, -9e33, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    near(last("rolling_mean(x, 5)", &x), 7.0, "11645");
    // pandas 36031.
    assert_eq!(last("rolling_mean(x, 3)", &[3002399751580331.0, -0.0, -0.0, -0.0]), 0.0);
    // Polars 24738.
    assert_eq!(last("rolling_sum(x, 2)", &[2.06, 0.888889, 0.0, 0.0, 0.0, 0.0]), 0.0);
    // Polars 21677.
    let x = [1.0, 1e-7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!([last("rolling_var(x, 5)", &x), last("rolling_std(x, 5)", &x)], [0.0, 0.0]);
    // Doris 68113.
    assert_eq!(last("rolling_mean(x, 2)", &[2f64.powi(54), 1.0, 1.0]), 1.0);
    // MonetDB 7989.
    let x: Vec<f64> = (0..=17).map(f64::from).collect();
    assert_eq!(eval("rolling_mean(x, 17)", &x)[16], 8.0);
    // openalgo 6: what a NaN spoils ends with its window.
    let mut x = vec![1.0, 2.0, 4.0, NAN];
    x.extend([3.0, 5.0, 4.0, 6.0, 2.0, 7.0, 1.0, 3.0, 2.0, 8.0]);
    let y = eval("rolling_std(x, 9)", &x);
    assert!(y[11].is_nan() && y[12] > 0.0);
}

fn pairs(text: &str, x: &[f64], y: &[f64]) -> Vec<f64> {
    let program = compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let args = [("x", Arg::from(x)), ("y", Arg::from(y))];
    program.eval_as::<f64>(args).unwrap().into_iter().collect()
}

#[test]
fn reported_wrong_correlations_are_right_here() {
    // pandas 66678.
    let x = [1.0, 2.0, 1e12, 1e7, 6.0, 5.0, 8.0, 7.0];
    let y = [2.0, 1.0, 3.0, -1e12, 4.0, 7.0, 6.0, 9.0];
    let got = [pairs("rolling_cov(x, y, 3)", &x, &y)[7], pairs("rolling_corr(x, y, 3)", &x, &y)[7]];
    assert!((got[0] + 1.0 / 3.0).abs() < 1e-15 && (got[1] + 1.0 / 7.0).abs() < 1e-15, "{got:?}");
    // pandas 24019 and 29264.
    let constant = [3.25; 8];
    assert!(pairs("rolling_corr(x, y, 5)", &x, &constant).iter().all(|y| y.is_nan()));
    // pandas 66243.
    let (x, y) = ([1.0, 10.0, 20.0, 30.0], [1.0, NAN, 20.0, 30.0]);
    assert_eq!(pairs("rolling_cov(x, y, 2)", &x, &y)[3], 50.0);
    assert_eq!(pairs("rolling_corr(x, y, 2)", &x, &y)[3], 1.0);
    // Polars 22099.
    let x = [3.5, 5.0, 3.5, 5.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 4.0];
    let y = [2.0, 1.0, 3.0, 5.0, 4.0, 3.0, 2.0, 5.0, 5.0, 4.0, 4.0, 2.0];
    let got = pairs("rolling_corr(x, y, 5)", &x, &y);
    assert!((got[4] - 0.104257).abs() < 1e-6 && got[10].is_nan(), "{got:?}");
    // Polars 27013.
    let error = compile("rolling_corr(x, y, 3, ddof=2)").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Name);
    // A correlation with itself is 1, however large or small.
    for factor in [1.0, 1e150, 1e-150] {
        let x: Vec<f64> = x.iter().map(|x| x * factor).collect();
        assert_eq!(pairs("rolling_corr(x, y, 4)", &x, &x)[3], 1.0, "{factor}");
        let minus: Vec<f64> = x.iter().map(|x| -x).collect();
        assert_eq!(pairs("rolling_corr(x, y, 4)", &x, &minus)[3], -1.0, "{factor}");
    }
}

/// pandas 3.1.1, `ewm(alpha=0.25, adjust=False)` and so on, of these elements.
#[test]
fn exponential_averages_are_those_of_pandas() {
    let x = [1.0, NAN, 3.0, 5.0, NAN, NAN, NAN, 2.0];
    let near = |text: &str, want: &[f64]| {
        for (i, (got, want)) in eval(text, &x).iter().zip(want).enumerate() {
            assert!((got - want).abs() <= 1e-14 * want.abs(), "{text} at {i}: {got}, {want}");
        }
    };
    near(
        "ewm_mean(x, alpha=0.25)",
        &[
            1.0,
            1.0,
            1.6153846153846154,
            2.4615384615384617,
            2.4615384615384617,
            2.4615384615384617,
            2.4615384615384617,
            2.2578249336870027,
        ],
    );
    near(
        "ewm_mean(x, span=9)",
        &[
            1.0,
            1.0,
            1.4761904761904763,
            2.180952380952381,
            2.180952380952381,
            2.180952380952381,
            2.180952380952381,
            2.1215848018997625,
        ],
    );
    near(
        "ewm_mean(x, halflife=2)",
        &[
            1.0,
            1.0,
            1.7387961250362585,
            2.6939806251812928,
            2.6939806251812928,
            2.6939806251812928,
            2.6939806251812928,
            2.3195751029539733,
        ],
    );
    near(
        "ewm_mean(x, com=3, ignore_na=True)",
        &[1.0, 1.0, 1.5, 2.375, 2.375, 2.375, 2.375, 2.28125],
    );
    near("ewm_mean(x, alpha=1)", &[1.0, 1.0, 3.0, 5.0, 5.0, 5.0, 5.0, 2.0]);
}

/// Polars 22936: small `f32` after a large one.
#[test]
fn f32_leaves_no_residue() {
    let mut x = vec![5e-5f32; 40];
    x[7] = 9.2e4;
    let program = compile("rolling_mean(x, 5)").unwrap();
    let y = program.eval_as::<f32>([("x", Arg::from(&x))]).unwrap();
    assert!(y.iter().skip(12).all(|y| *y == 5e-5f32));
}

/// Trino 30630: integers are exact in 64 bits before they are taken to floats.
#[test]
fn large_integers_leave_no_residue() {
    let x = [i64::MAX, 1, 1, 1, 1];
    let program = compile("rolling_mean(x, 4)").unwrap();
    let y = program.eval_as::<f64>([("x", Arg::from(&x[..]))]).unwrap();
    assert_eq!(y[4], 1.0);
}

#[test]
fn first_rows_and_missing_elements() {
    let x = [1.0, NAN, 3.0, 5.0, NAN, NAN, NAN, 2.0];
    let is = |text: &str, want: &str| assert_eq!(format!("{:?}", eval(text, &x)), want, "{text}");
    is("rolling_sum(x, 2)", "[NaN, NaN, NaN, 8.0, NaN, NaN, NaN, NaN]");
    is("rolling_sum(x, 3, min_periods=1)", "[1.0, 1.0, 4.0, 8.0, 8.0, 5.0, NaN, 2.0]");
    is("rolling_sum(x, 3, min_periods=0)", "[1.0, 1.0, 4.0, 8.0, 8.0, 5.0, 0.0, 2.0]");
    is("rolling_prod(x, 3, 0)", "[1.0, 1.0, 3.0, 15.0, 15.0, 5.0, 1.0, 2.0]");
    is("rolling_mean(x, 3, 2)", "[NaN, NaN, 2.0, 4.0, 4.0, NaN, NaN, NaN]");
    is("rolling_min(x, 3, 1)", "[1.0, 1.0, 1.0, 3.0, 3.0, 5.0, NaN, 2.0]");
    is("rolling_max(x, 2, 1)", "[1.0, 1.0, 3.0, 5.0, 5.0, NaN, NaN, 2.0]");
    is("rolling_count(x, 3)", "[NaN, NaN, 2.0, 2.0, 2.0, 1.0, 0.0, 1.0]");
    is("rolling_count(x, 3, 0)", "[1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 0.0, 1.0]");
    is("rolling_var(x, 3, 1)", "[NaN, NaN, 2.0, 2.0, 2.0, NaN, NaN, NaN]");
    is("rolling_var(x, 3, 1, ddof=0)", "[0.0, 0.0, 1.0, 1.0, 1.0, 0.0, NaN, 0.0]");
    is("rolling_sum(x, 1000, 1)", "[1.0, 1.0, 4.0, 9.0, 9.0, 9.0, 9.0, 11.0]");
    is("decay_linear(x, 3, 1)", "[1.0, 1.0, 2.5, 4.2, 4.333333333333333, 5.0, NaN, 2.0]");
    is("rolling_argmin(x, 3, 1)", "[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, NaN, 2.0]");
    is("rolling_argmax(x, 3, 1)", "[0.0, 0.0, 2.0, 2.0, 1.0, 0.0, NaN, 2.0]");
    is("ffill(x)", "[1.0, 1.0, 3.0, 5.0, 5.0, 5.0, 5.0, 2.0]");
    is("shift(x)", "[NaN, 1.0, NaN, 3.0, 5.0, NaN, NaN, NaN]");
    is("shift(x, -2)", "[3.0, 5.0, NaN, NaN, NaN, 2.0, NaN, NaN]");
    is("shift(x, 3, fill=-1)", "[-1.0, -1.0, -1.0, 1.0, NaN, 3.0, 5.0, NaN]");
    is("diff(x, 2)", "[NaN, NaN, 2.0, NaN, NaN, NaN, NaN, NaN]");
    is("pct_change(x)", "[NaN, NaN, NaN, 0.6666666666666667, NaN, NaN, NaN, NaN]");
    is("expanding_sum(x)", "[1.0, 1.0, 4.0, 9.0, 9.0, 9.0, 9.0, 11.0]");
    is("expanding_mean(x, 2)", "[NaN, NaN, 2.0, 3.0, 3.0, 3.0, 3.0, 2.75]");
    is(
        "expanding_min(x), expanding_max(-x)".split(", ").next().unwrap(),
        "[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]",
    );
    is("expanding_max(x)", "[1.0, 1.0, 3.0, 5.0, 5.0, 5.0, 5.0, 5.0]");
    is("expanding_sum(x - x + nan, 0)", "[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]");
    is("f64(cumcount(x > 2))", "[0.0, 0.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]");
    is("demean(where(isnan(x), nan, x))", "[-1.75, NaN, 0.25, 2.25, NaN, NaN, NaN, -0.75]");
    is(
        "scale(x * 2)",
        "[0.09090909090909091, NaN, 0.2727272727272727, 0.45454545454545453, NaN, NaN, NaN, 0.18181818181818182]",
    );
}

/// An infinity is a value while it is in the window, and leaves with its row.
#[test]
fn an_infinity_leaves_with_its_row() {
    let x = [1.0, f64::INFINITY, 2.0, 3.0, 4.0];
    assert_eq!(eval("rolling_sum(x, 2)", &x)[1..], [f64::INFINITY, f64::INFINITY, 5.0, 7.0]);
    assert_eq!(format!("{:?}", eval("rolling_var(x, 2)", &x)), "[NaN, NaN, NaN, 0.5, 0.5]");
    assert_eq!(format!("{:?}", eval("rolling_max(x, 2)", &x)), "[NaN, inf, inf, 3.0, 4.0]");
}

/// The bits of a row are those of its window alone, wherever it stands.
#[test]
fn a_result_depends_on_its_window_alone() {
    let x: Vec<f64> = (0..3000).map(|i| f64::from(i * 7919 % 1009).sqrt() * 1e3).collect();
    for window in [1, 2, 3, 20, 63, 64, 1000] {
        for function in ["sum", "mean", "std", "var", "prod", "max"] {
            let text = format!("rolling_{function}(x, {window})");
            let all = eval(&text, &x);
            for i in [window - 1, window, 1500, 2999] {
                let alone = last(&text, &x[i + 1 - window..=i]);
                assert_eq!(all[i].to_bits(), alone.to_bits(), "{text} at {i}");
            }
        }
    }
}

/// The order of additions, written explicitly for a window of 13 = 1 + 4 + 8 rows.
#[test]
fn a_sum_is_a_ladder_of_powers_of_two() {
    let x: Vec<f64> = (0..200).map(|i| 0.1 + f64::from(i * i % 97)).collect();
    let pair = |i: usize| x[i - 1] + x[i];
    let four = |i: usize| pair(i - 2) + pair(i);
    let eight = |i: usize| four(i - 4) + four(i);
    let sums = eval("rolling_sum(x, 13)", &x);
    for i in [12, 13, 100, 199] {
        assert_eq!(sums[i].to_bits(), (eight(i - 5) + (four(i - 1) + x[i])).to_bits(), "{i}");
    }
    // The seventh row sees 7 = 1 + 2 + 4 rows.
    let seventh = eval("rolling_sum(x, 13, min_periods=1)", &x)[6];
    assert_eq!(seventh.to_bits(), (four(3) + (pair(5) + x[6])).to_bits());
}

/// An outlier has no effect when its weight has gone.
#[test]
fn an_outlier_fades_from_an_exponential_average() {
    let mut x = vec![5.0; 10_000];
    x[0] = 1e18;
    let y = eval("ewm_mean(x, alpha=0.5)", &x);
    assert_eq!([y[599], y[4095], y[4096], y[9999]], [5.0; 4]);
    assert_eq!(y[16], 1e18 / 65536.0 + (5.0 - 5.0 / 65536.0));
}

/// Integers are subtracted before they are rounded.
#[test]
fn differences_of_large_integers_are_rounded_once() {
    let text = "diff(x), diff(x, -1), diff(x, 2)";
    let x = [1i64 << 53, (1 << 53) + 1, i64::MIN, i64::MAX, -1, i64::MIN];
    let outputs = compile(text).unwrap().eval([("x", Arg::from(&x[..]))]).unwrap();
    for (output, n) in outputs.iter().zip([1i64, -1, 2]) {
        for (i, y) in output.view::<f64>().unwrap().iter().enumerate() {
            let other = usize::try_from(i as i64 - n).ok().and_then(|i| x.get(i));
            match other {
                None => assert!(y.is_nan()),
                Some(other) => assert_eq!(*y, (i128::from(x[i]) - i128::from(*other)) as f64),
            }
        }
    }
    let x = [u64::MAX, u64::MAX - 1, 0, u64::MAX, 1 << 63, (1 << 63) + 1];
    let outputs = compile("diff(x)").unwrap().eval([("x", Arg::from(&x[..]))]).unwrap();
    for (i, y) in outputs[0].view::<f64>().unwrap().iter().enumerate().skip(1) {
        assert_eq!(*y, (i128::from(x[i]) - i128::from(x[i - 1])) as f64);
    }
}

/// As in pandas and SciPy, whatever the rounding of the mean.
#[test]
fn a_constant_column_has_no_zscore() {
    for n in 1..40 {
        for value in [0.1, 1e300, 5e-324, -7.3] {
            let y = eval("zscore(x)", &vec![value; n]);
            assert!(y.iter().all(|y| y.is_nan()), "{n} of {value}: {y:?}");
        }
    }
}

#[test]
fn rows_of_windows_keep_to_the_memory_limit() {
    let x = vec![1.0; 2_000_000];
    let program = compile("rolling_corr(x, x, 10**9, 1)").unwrap();
    let run = |rows| {
        let program = program.clone().with(hotloop::RunOptions::new().memory(1 << 20));
        program.eval([("x", Arg::from(&x[..rows]))]).map(|_| ())
    };
    let error = run(x.len()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.to_string().contains("the rows of windows or sequences need"), "{error}");
    run(1000).unwrap();
}

#[test]
fn dtypes_of_results() {
    for (text, want) in [
        ("shift(x)", "f64"),
        ("shift(x, 1, fill=0)", "i16"),
        ("diff(x)", "f64"),
        ("rolling_mean(x, 3)", "f64"),
        ("rolling_mean(f32(x), 3)", "f32"),
        ("rolling_count(f32(x), 3)", "f32"),
        ("shift(f32(x), 2)", "f32"),
        ("zscore(f32(x))", "f32"),
        ("cumcount(x)", "i64"),
        ("expanding_max(x)", "f64"),
    ] {
        let outputs = compile(text).unwrap().eval([("x", Arg::from(&[1i16, 2, 3][..]))]).unwrap();
        assert_eq!(outputs[0].dtype().to_string(), want, "{text}");
    }
}

#[test]
fn errors_say_what_a_constant_must_be() {
    let x = [1.0, 2.0];
    for (text, kind, part) in [
        (
            "rolling_mean(x, 0)",
            ErrorKind::Type,
            "`window` is a constant integer from 1 to 4294967295",
        ),
        (
            "rolling_mean(x, -3)",
            ErrorKind::Type,
            "`window` is a constant integer from 1 to 4294967295",
        ),
        ("rolling_mean(x, 2.5)", ErrorKind::Type, "`window` is a constant integer"),
        ("rolling_mean(x, x)", ErrorKind::Type, "`window` is a constant integer"),
        ("rolling_mean(x, 10**12)", ErrorKind::Type, "`window` is a constant integer"),
        ("rolling_mean(x, True)", ErrorKind::Type, "`window` is a constant integer"),
        ("rolling_mean(x, 3, 4)", ErrorKind::Type, "4 min_periods are more than 3 rows"),
        ("rolling_mean(x, 3, -1)", ErrorKind::Type, "`min_periods` is a constant integer"),
        ("rolling_var(x, 3, ddof=-1)", ErrorKind::Type, "`ddof` is a constant integer"),
        ("ewm_mean(x)", ErrorKind::Type, "ewm_mean takes one decay"),
        ("ewm_mean(x, alpha=0.1, span=3)", ErrorKind::Type, "ewm_mean takes one decay"),
        ("diff(x, 0.5)", ErrorKind::Type, "diff: `n` is a constant integer from -4294967295"),
        ("pct_change(x, 10**10)", ErrorKind::Type, "pct_change: `n` is a constant integer"),
        ("rolling_mean(x, 2**32)", ErrorKind::Type, "from 1 to 4294967295"),
        ("cumcount(x, True)", ErrorKind::Type, "axis"),
        ("ewm_mean(x, alpha=0)", ErrorKind::Type, "0 < alpha <= 1"),
        ("ewm_mean(x, alpha=nan)", ErrorKind::Type, "0 < alpha <= 1"),
        ("ewm_mean(x, alpha=1.5)", ErrorKind::Type, "0 < alpha <= 1"),
        ("ewm_mean(x, span=0.5)", ErrorKind::Type, "span >= 1"),
        ("ewm_mean(x, com=-0.5)", ErrorKind::Type, "com >= 0"),
        ("ewm_mean(x, halflife=0)", ErrorKind::Type, "halflife > 0"),
        ("ewm_mean(x, halflife=-1)", ErrorKind::Type, "halflife > 0"),
        ("ewm_mean(x, alpha=x)", ErrorKind::Type, "`alpha` is a constant"),
        ("ewm_mean(x, span=9, adjust=2)", ErrorKind::Type, "True or False"),
        ("ewm_var(x, span=9, bias=x)", ErrorKind::Type, "`bias` is True or False"),
        ("ewm_corr(x, span=9)", ErrorKind::Arity, "ewm_corr"),
        ("rolling_rank(x, 3, pct=0.5)", ErrorKind::Type, "True or False"),
        ("rolling_quantile(x, 3, 1.5)", ErrorKind::Type, "a constant from 0 to 1"),
        ("rolling_quantile(x, 3, x)", ErrorKind::Type, "a constant from 0 to 1"),
        ("rolling_quantile(x, 3)", ErrorKind::Arity, "rolling_quantile"),
        ("ewm_mean(x, span=9, ignore_na=2)", ErrorKind::Type, "True or False"),
        ("rolling_corr(x, 3)", ErrorKind::Arity, "rolling_corr"),
        ("rolling_mean(x)", ErrorKind::Arity, "rolling_mean"),
        ("rolling_mean(x, 3, axis=1)", ErrorKind::Shape, "axis 1"),
        ("rolling_mean(x, 3, axis=187)", ErrorKind::Shape, "axis 187"),
        ("rolling_mean(x, 3, axis=(0, 1))", ErrorKind::Type, "goes along one axis"),
        ("rolling_mean(2.0, 3)", ErrorKind::Shape, "a single number has none"),
        ("shift(x, 1.5)", ErrorKind::Type, "`n` is a constant integer"),
        ("shift(x, 1, fill=x)", ErrorKind::Type, "a constant to fill with"),
        ("shift(x, -1, axis=-2)", ErrorKind::Shape, "axis"),
        ("shift(i8(x), 1, fill=300)", ErrorKind::Type, "300"),
    ] {
        let run = compile(text).and_then(|program| program.eval([("x", Arg::from(&x[..]))]));
        let error = run.map(|_| ()).expect_err(text);
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert!(error.span().is_some(), "{text}: {error}");
    }
}

/// Powers of two change no bit of what does not depend on the scale.
#[test]
fn skewness_kurtosis_and_correlation_have_no_scale() {
    let x: Vec<f64> = (0..60).map(|i| f64::from(i * i * 7 % 61 - 30)).collect();
    let y: Vec<f64> = (0..60).map(|i| f64::from(i * 13 % 17)).collect();
    let scaled = |x: &[f64], power: i32| -> Vec<f64> {
        let half = 2f64.powi(power / 2);
        x.iter().map(|x| x * half * half).collect()
    };
    let bits = |y: Vec<f64>| y.iter().map(|y| y.to_bits()).collect::<Vec<u64>>();
    for power in [-960, -600, -300, 300, 600, 1000] {
        let large = scaled(&x, power);
        for text in ["rolling_skew(x, 9)", "rolling_kurt(x, 11)", "rolling_skew(x, 20, 5)"] {
            assert_eq!(bits(eval(text, &large)), bits(eval(text, &x)), "{text} by 2**{power}");
        }
        let corr = "rolling_corr(x, y, 7)";
        let want = bits(pairs(corr, &x, &y));
        assert_eq!(bits(pairs(corr, &large, &y)), want, "2**{power}");
        assert_eq!(bits(pairs(corr, &y, &large)), bits(pairs(corr, &y, &x)), "2**{power}");
        assert_eq!(bits(pairs(corr, &large, &scaled(&y, -power))), want, "2**{power} and back");
    }
    // A row far away leaves nothing behind, and beside it the others are equal.
    let mut mixed = scaled(&x, -900);
    mixed[20] = 1e200;
    let (got, want) = (eval("rolling_kurt(x, 8)", &mixed), eval("rolling_kurt(x, 8)", &x));
    assert_eq!(bits(got[28..].to_vec()), bits(want[28..].to_vec()));
    // One of eight elements differs: n (n + 1) / ((n - 1) (n - 2) (n - 3)) .. = 8.
    assert!(got[20..28].iter().all(|y| (y - 8.0).abs() < 1e-14), "{:?}", &got[20..28]);
}

/// Sums of `f32` are those of `f64`, and rounded once.
#[test]
fn functions_across_an_axis_compute_in_f64() {
    let x = [16_777_216f32, 1.0, 1.0, 1.0];
    let of = |text: &str| compile(text).unwrap().eval_vec::<f32>([("x", Arg::from(&x))]).unwrap();
    let bits = |text: &str| of(text)[1].to_bits();
    assert_eq!(of("demean(x)"), [12_582_911.0, -4_194_303.8, -4_194_303.8, -4_194_303.8]);
    assert_eq!(bits("scale(x)"), ((1.0 / 16_777_219.0) as f32).to_bits());
    assert_eq!(bits("zscore(x)"), ((-1.0 / 3f64.sqrt()) as f32).to_bits());
    assert_eq!(bits("pct_change(x)"), ((1.0 / 16_777_216.0 - 1.0) as f32).to_bits());
    let text = "f = f32(sin(x * 7) * 100 + x * 1e4); w = f64(f); \
                all(demean(f) == f32(demean(w))) and all(scale(f) == f32(scale(w))) \
                and all(zscore(f, ddof=1) == f32(zscore(w, ddof=1))) \
                and all((pct_change(f) == f32(pct_change(w)))[1:])";
    let x: Vec<f64> = (0..5000).map(|i| f64::from(i).sqrt()).collect();
    assert!(compile(text).unwrap().eval_scalar::<bool>([("x", Arg::from(&x))]).unwrap());
}

/// Of integers, by sums that are exact: against `n Σkx - Σk Σx` over `n Σk² - (Σk)²`.
#[test]
fn lines_are_those_of_least_squares() {
    const ROWS: usize = 300;
    let mut random = Rng(99);
    let x: Vec<f64> = (0..ROWS)
        .map(|_| match random.next() % 5 {
            0 => f64::NAN,
            _ => (random.next() % 2001) as f64 - 1000.0,
        })
        .collect();
    for window in [2, 3, 7, 20, 64] {
        let text = format!(
            "rolling_slope(x, {window}, 1), rolling_rsquared(x, {window}, 1), \
             rolling_resid(x, {window}, 1)"
        );
        let outputs = compile(&text).unwrap().eval([("x", Arg::from(&x))]).unwrap();
        let outputs: Vec<Vec<f64>> = outputs.into_iter().map(|y| y.into_vec().unwrap()).collect();
        for row in 0..ROWS {
            let rows = (row + 1).saturating_sub(window)..row + 1;
            let pairs = rows.filter(|i| !x[*i].is_nan()).map(|i| (i as i128, x[i] as i128));
            let pairs: Vec<(i128, i128)> = pairs.collect();
            let sum =
                |f: &dyn Fn(i128, i128) -> i128| pairs.iter().map(|(k, x)| f(*k, *x)).sum::<i128>();
            let n = pairs.len() as i128;
            let (k, of_x) = (sum(&|k, _| k), sum(&|_, x| x));
            let across = n * sum(&|k, x| k * x) - k * of_x;
            let (down, up) = (n * sum(&|k, _| k * k) - k * k, n * sum(&|_, x| x * x) - of_x * of_x);
            let want = if n < 2 {
                [f64::NAN; 3]
            } else {
                let slope = across as f64 / down as f64;
                let explained = (across * across) as f64 / (down as f64 * up as f64);
                // n * down times the distance from the line.
                let line = of_x * down + across * (n * row as i128 - k);
                let rest = |x: f64| (n * down * x as i128 - line) as f64 / (n * down) as f64;
                [slope, explained, if x[row].is_nan() { f64::NAN } else { rest(x[row]) }]
            };
            for ((name, got), want) in ["slope", "rsquared", "resid"].iter().zip(&outputs).zip(want)
            {
                let got = got[row];
                let near = (got - want).abs() <= 1e-12 * (1.0 + want.abs());
                let same = got.is_nan() && want.is_nan();
                assert!(
                    near || same,
                    "rolling_{name} of {window}, row {row}: {got}, {want}, seed 99"
                );
            }
        }
    }
}
