//! Exponentially weighted functions and order statistics of windows: values of exact rationals, and of
//! pandas 3.1.1, which agree.

use hotloop::{Arg, compile};

const NAN: f64 = f64::NAN;

fn eval(text: &str, args: &[(&str, &[f64])]) -> Vec<f64> {
    let program = compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let args: Vec<_> = program
        .inputs()
        .map(|name| (name, Arg::from(args.iter().find(|(own, _)| *own == name).unwrap().1)))
        .collect();
    program.eval_as::<f64>(args).unwrap().into_iter().collect()
}

fn near(text: &str, args: &[(&str, &[f64])], want: &[f64]) {
    let got = eval(text, args);
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let close = (got - want).abs() <= 4e-15 * want.abs().max(0.01);
        assert!(close || got.is_nan() && want.is_nan(), "{text} at {i}: {got} for {want}");
    }
}

/// Rationals, rounded. pandas' `min_periods=0`, and `adjust` is not its default.
#[test]
fn exponential_functions_have_the_values_of_rationals() {
    let x = [3.0, NAN, 1.5, -2.0, NAN, NAN, 4.25, 0.5, 7.0, NAN];
    let y = [1.0, 2.0, NAN, 0.5, NAN, 3.0, -1.0, 2.5, 6.0, 4.0];
    let args: [(&str, &[f64]); 2] = [("x", &x), ("y", &y)];
    near(
        "ewm_mean(x, alpha=0.25, adjust=False, ignore_na=False)",
        &args,
        &[
            3.0,
            3.0,
            2.5384615384615383,
            1.4038461538461537,
            1.4038461538461537,
            1.4038461538461537,
            2.4628801431127014,
            1.9721601073345258,
            3.2291200805008944,
            3.2291200805008944,
        ],
    );
    near(
        "ewm_var(x, alpha=0.25, adjust=False, ignore_na=False)",
        &args,
        &[
            NAN,
            NAN,
            1.125,
            6.868231046931408,
            6.868231046931408,
            6.868231046931408,
            6.4025585607525,
            5.334735183733878,
            9.670130315661552,
            9.670130315661552,
        ],
    );
    near(
        "ewm_var(x, alpha=0.25, adjust=False, ignore_na=False, bias=True)",
        &args,
        &[
            0.0,
            0.0,
            0.47928994082840237,
            4.221523668639053,
            4.221523668639053,
            4.221523668639053,
            4.54334483536599,
            4.129927087066894,
            7.837290437727364,
            7.837290437727364,
        ],
    );
    near(
        "ewm_std(x, alpha=0.25, adjust=False, ignore_na=False)",
        &args,
        &[
            NAN,
            NAN,
            1.0606601717798212,
            2.6207310138454516,
            2.6207310138454516,
            2.6207310138454516,
            2.5303277575745993,
            2.3097045663317806,
            3.109683314368451,
            3.109683314368451,
        ],
    );
    near(
        "ewm_cov(x, y, alpha=0.25, adjust=False, ignore_na=False)",
        &args,
        &[
            NAN,
            NAN,
            NAN,
            1.25,
            1.25,
            1.25,
            -1.460434445306439,
            -2.0352563296527504,
            4.999540856335266,
            4.999540856335266,
        ],
    );
    near(
        "ewm_cov(x, y, alpha=0.25, adjust=False, ignore_na=False, bias=True)",
        &args,
        &[
            0.0,
            0.0,
            0.0,
            0.5840995132504057,
            0.5840995132504057,
            0.5840995132504057,
            -0.9514914731802173,
            -1.509093415535154,
            3.960037147514856,
            3.960037147514856,
        ],
    );
    near(
        "ewm_corr(x, y, alpha=0.25, adjust=False, ignore_na=False)",
        &args,
        &[
            NAN,
            NAN,
            NAN,
            1.0,
            1.0,
            1.0,
            -0.4354405890803545,
            -0.5228296862094879,
            0.5268134737322415,
            0.5268134737322415,
        ],
    );
    near(
        "ewm_mean(x, alpha=0.25, adjust=False, ignore_na=True)",
        &args,
        &[
            3.0,
            3.0,
            2.625,
            1.46875,
            1.46875,
            1.46875,
            2.1640625,
            1.748046875,
            3.06103515625,
            3.06103515625,
        ],
    );
    near(
        "ewm_var(x, alpha=0.25, adjust=False, ignore_na=True)",
        &args,
        &[
            NAN,
            NAN,
            1.125,
            7.385,
            7.385,
            7.385,
            6.664501039501039,
            5.239005934718101,
            10.140729232249347,
            10.140729232249347,
        ],
    );
    near(
        "ewm_var(x, alpha=0.25, adjust=False, ignore_na=True, bias=True)",
        &args,
        &[
            0.0,
            0.0,
            0.421875,
            4.3271484375,
            4.3271484375,
            4.3271484375,
            4.69573974609375,
            4.041011810302734,
            8.202573537826538,
            8.202573537826538,
        ],
    );
    near(
        "ewm_std(x, alpha=0.25, adjust=False, ignore_na=True)",
        &args,
        &[
            NAN,
            NAN,
            1.0606601717798212,
            2.717535648340238,
            2.717535648340238,
            2.717535648340238,
            2.581569491511131,
            2.2888874884358343,
            3.184451166566909,
            3.184451166566909,
        ],
    );
    near(
        "ewm_cov(x, y, alpha=0.25, adjust=False, ignore_na=True)",
        &args,
        &[
            NAN,
            NAN,
            NAN,
            1.25,
            1.25,
            1.25,
            -0.9,
            -1.606029106029106,
            5.17786350148368,
            5.17786350148368,
        ],
    );
    near(
        "ewm_cov(x, y, alpha=0.25, adjust=False, ignore_na=True, bias=True)",
        &args,
        &[
            0.0,
            0.0,
            0.0,
            0.46875,
            0.46875,
            0.46875,
            -0.52734375,
            -1.131591796875,
            3.9938507080078125,
            3.9938507080078125,
        ],
    );
    near(
        "ewm_corr(x, y, alpha=0.25, adjust=False, ignore_na=True)",
        &args,
        &[
            NAN,
            NAN,
            NAN,
            1.0,
            1.0,
            1.0,
            -0.2923064111077339,
            -0.4779475162943206,
            0.5850876902571648,
            0.5850876902571648,
        ],
    );
    near(
        "ewm_mean(x, alpha=0.25, adjust=True, ignore_na=False)",
        &args,
        &[
            3.0,
            3.0,
            2.04,
            0.17985611510791366,
            0.17985611510791366,
            0.17985611510791366,
            2.303860364377628,
            1.5637224211765295,
            3.4860976965288755,
            3.4860976965288755,
        ],
    );
    near(
        "ewm_var(x, alpha=0.25, adjust=True, ignore_na=False)",
        &args,
        &[
            NAN,
            NAN,
            1.125,
            6.869094488188976,
            6.869094488188976,
            6.869094488188976,
            9.647192670750583,
            6.2845441288795545,
            12.791728373880286,
            12.791728373880286,
        ],
    );
    near(
        "ewm_var(x, alpha=0.25, adjust=True, ignore_na=False, bias=True)",
        &args,
        &[
            0.0,
            0.0,
            0.5184,
            4.334558252678433,
            4.334558252678433,
            4.334558252678433,
            6.206178243210518,
            4.447036345178341,
            9.629515244322835,
            9.629515244322835,
        ],
    );
    near(
        "ewm_std(x, alpha=0.25, adjust=True, ignore_na=False)",
        &args,
        &[
            NAN,
            NAN,
            1.0606601717798212,
            2.620895741571758,
            2.620895741571758,
            2.620895741571758,
            3.1059930249037238,
            2.5068993056921043,
            3.5765525822893034,
            3.5765525822893034,
        ],
    );
    near(
        "ewm_cov(x, y, alpha=0.25, adjust=True, ignore_na=False)",
        &args,
        &[
            NAN,
            NAN,
            NAN,
            1.25,
            1.25,
            1.25,
            -3.1205173203113077,
            -3.523712268963272,
            6.968510277699522,
            6.968510277699522,
        ],
    );
    near(
        "ewm_cov(x, y, alpha=0.25, adjust=True, ignore_na=False, bias=True)",
        &args,
        &[
            0.0,
            0.0,
            0.0,
            0.5216761260717304,
            0.5216761260717304,
            0.5216761260717304,
            -1.6457359772616937,
            -2.300169646420529,
            5.0381031022108305,
            5.0381031022108305,
        ],
    );
    near(
        "ewm_corr(x, y, alpha=0.25, adjust=True, ignore_na=False)",
        &args,
        &[
            NAN,
            NAN,
            NAN,
            0.9999999999999998,
            0.9999999999999998,
            0.9999999999999998,
            -0.7528650933299867,
            -0.6665594177187351,
            0.5800347861298981,
            0.5800347861298981,
        ],
    );
    near(
        "ewm_mean(x, alpha=0.25, adjust=True, ignore_na=True)",
        &args,
        &[
            3.0,
            3.0,
            2.142857142857143,
            0.35135135135135137,
            0.35135135135135137,
            0.35135135135135137,
            1.7771428571428571,
            1.3585147247119078,
            3.0742500742500742,
            3.0742500742500742,
        ],
    );
    near(
        "ewm_var(x, alpha=0.25, adjust=True, ignore_na=True)",
        &args,
        &[
            NAN,
            NAN,
            1.125,
            6.976351351351352,
            6.976351351351352,
            6.976351351351352,
            8.82337837837838,
            6.064359795134443,
            12.545938026571829,
            12.545938026571829,
        ],
    );
    near(
        "ewm_var(x, alpha=0.25, adjust=True, ignore_na=True, bias=True)",
        &args,
        &[
            0.0,
            0.0,
            0.5510204081632653,
            4.525200876552228,
            4.525200876552228,
            4.525200876552228,
            6.3960489795918365,
            4.658919176799828,
            9.977557909544842,
            9.977557909544842,
        ],
    );
    near(
        "ewm_std(x, alpha=0.25, adjust=True, ignore_na=True)",
        &args,
        &[
            NAN,
            NAN,
            1.0606601717798212,
            2.641278355522445,
            2.641278355522445,
            2.641278355522445,
            2.9704172061140466,
            2.4625920886607355,
            3.542024566059901,
            3.542024566059901,
        ],
    );
    near(
        "ewm_cov(x, y, alpha=0.25, adjust=True, ignore_na=True)",
        &args,
        &[
            NAN,
            NAN,
            NAN,
            1.25,
            1.25,
            1.25,
            -2.1283783783783785,
            -2.3554054054054054,
            6.701933418693982,
            6.701933418693982,
        ],
    );
    near(
        "ewm_cov(x, y, alpha=0.25, adjust=True, ignore_na=True, bias=True)",
        &args,
        &[
            0.0,
            0.0,
            0.0,
            0.6122448979591837,
            0.6122448979591837,
            0.6122448979591837,
            -1.3805697589481374,
            -1.7074285714285715,
            5.14873245994416,
            5.14873245994416,
        ],
    );
    near(
        "ewm_corr(x, y, alpha=0.25, adjust=True, ignore_na=True)",
        &args,
        &[
            NAN,
            NAN,
            NAN,
            1.0,
            1.0,
            1.0,
            -0.5753784572748858,
            -0.5297849642256554,
            0.5990232492378438,
            0.5990232492378438,
        ],
    );
}

/// pandas 3.1.1.
#[test]
fn order_statistics_of_windows() {
    let z = [3.0, 1.0, NAN, 2.0, 2.0, -0.5, 7.0, 2.0, NAN, NAN, NAN, 1.0];
    near(
        "rolling_rank(z, 4, 1)",
        &[("z", &z)],
        &[1.0, 1.0, NAN, 2.0, 2.5, 1.0, 4.0, 2.5, NAN, NAN, NAN, 1.0],
    );
    near(
        "rolling_rank(z, 3)",
        &[("z", &z)],
        &[NAN, NAN, NAN, NAN, NAN, 1.0, 3.0, 2.0, NAN, NAN, NAN, NAN],
    );
    near(
        "rolling_rank(z, 4, 2, pct=True)",
        &[("z", &z)],
        &[
            NAN,
            0.5,
            NAN,
            0.6666666666666666,
            0.8333333333333334,
            0.3333333333333333,
            1.0,
            0.625,
            NAN,
            NAN,
            NAN,
            NAN,
        ],
    );
    near(
        "rolling_median(z, 4, 1)",
        &[("z", &z)],
        &[3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 4.5, 2.0, 1.0],
    );
    near(
        "rolling_median(z, 3)",
        &[("z", &z)],
        &[NAN, NAN, NAN, NAN, NAN, 2.0, 2.0, 2.0, NAN, NAN, NAN, NAN],
    );
    near(
        "rolling_quantile(z, 4, 0.3, 1)",
        &[("z", &z)],
        &[3.0, 1.6, 1.6, 1.6, 1.6, 1.0, 1.75, 1.75, 1.0, 3.5, 2.0, 1.0],
    );
    near(
        "rolling_quantile(z, 3, 0.75, min_periods=2)",
        &[("z", &z)],
        &[NAN, 2.5, 2.5, 1.75, 2.0, 2.0, 4.5, 4.5, 5.75, NAN, NAN, NAN],
    );
    near(
        "rolling_quantile(z, 4, 1, 2)",
        &[("z", &z)],
        &[NAN, 3.0, 3.0, 3.0, 2.0, 2.0, 7.0, 7.0, 7.0, 7.0, NAN, NAN],
    );
}

/// Rationals, rounded; 18044 and 69037 are reports of wrong results of pandas.
#[test]
fn skewness_and_kurtosis_of_windows() {
    let z = [3.0, 1.0, NAN, 2.0, 2.0, -0.5, 7.0, 2.0, NAN, NAN, NAN, 1.0, 4.0, 0.25];
    near(
        "rolling_skew(z, 5, 3)",
        &[("z", &z)],
        &[
            NAN,
            NAN,
            NAN,
            0.0,
            0.0,
            -1.1938237737069408,
            1.1293381149712476,
            1.2932338163316421,
            1.1293381149712476,
            0.9352195295828244,
            NAN,
            NAN,
            NAN,
            1.4578629673213053,
        ],
    );
    near(
        "rolling_skew(z, 4)",
        &[("z", &z)],
        &[
            NAN,
            NAN,
            NAN,
            NAN,
            NAN,
            NAN,
            1.1293381149712476,
            1.1293381149712476,
            NAN,
            NAN,
            NAN,
            NAN,
            NAN,
            NAN,
        ],
    );
    near(
        "rolling_kurt(z, 7, 4)",
        &[("z", &z)],
        &[
            NAN,
            NAN,
            NAN,
            NAN,
            1.5,
            0.673469387755102,
            2.486088541309292,
            3.5455594002306805,
            2.9166666666666665,
            2.9166666666666665,
            2.227146814404432,
            2.3193865761002765,
            -0.2857142857142857,
            0.5043240782885753,
        ],
    );
    let reported = [5.0, NAN, NAN, 2.0, 4.0, 6.0];
    assert!(eval("rolling_skew(x, 3)", &[("x", &reported)])[5].abs() < 1e-15);
    let equal = [1.1; 15];
    for function in ["skew", "kurt"] {
        let text = format!("rolling_{function}(x, 10)");
        assert!(eval(&text, &[("x", &equal)]).iter().all(|y| y.is_nan()), "{text}");
    }
    // What was in an earlier window leaves nothing: the exact value of the last ten.
    let mut x = vec![5000.0];
    x.extend((0..10).map(|i| f64::from(i * i % 7)));
    let alone = eval("rolling_kurt(x, 10)", &[("x", &x[1..])])[9];
    assert_eq!(eval("rolling_kurt(x, 10)", &[("x", &x)])[10].to_bits(), alone.to_bits());
}

/// A window of the whole sequence and more, ties, zeros of both signs, and infinities.
#[test]
fn ranks_and_quantiles_follow_the_order_of_floats() {
    let x: [f64; 6] = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1.0, 1.0];
    let is = |text: &str, want: &str| {
        assert_eq!(format!("{:?}", eval(text, &[("x", &x)])), want, "{text}");
    };
    is("rolling_rank(x, 100, 1)", "[1.0, 1.5, 3.0, 1.0, 4.0, 4.5]");
    is("rolling_median(x, 100, 1)", "[0.0, 0.0, 0.0, 0.0, 0.0, 0.5]");
    is("rolling_quantile(x, 2, 0)", "[NaN, -0.0, -0.0, -inf, -inf, 1.0]");
    is("rolling_median(x, 1)", "[0.0, -0.0, inf, -inf, 1.0, 1.0]");
}

/// A variance is never negative, and small beside a level whose square would hide it.
#[test]
fn exponential_variances_do_not_cancel() {
    let x: Vec<f64> = (0..5000).map(|i| 1e8 + f64::from(i % 2)).collect();
    for adjust in ["True", "False"] {
        let text = format!("ewm_var(x, span=200, adjust={adjust}, bias=True)");
        let last = *eval(&text, &[("x", &x)]).last().unwrap();
        assert!((last - 0.25).abs() < 1e-4, "{text}: {last}");
        let text = format!("ewm_var(x * 0 + 0.1, span=200, adjust={adjust})");
        assert!(eval(&text, &[("x", &x)])[1..].iter().all(|y| *y == 0.0), "{text}");
    }
}

/// A decay that keeps nothing repeats the last element, and has no variance.
#[test]
fn alpha_of_one() {
    let x = [1.0, NAN, 3.0, 5.0];
    let is = |text: &str, want: &str| {
        assert_eq!(format!("{:?}", eval(text, &[("x", &x)])), want, "{text}");
    };
    for adjust in ["True", "False"] {
        is(&format!("ewm_mean(x, alpha=1, adjust={adjust})"), "[1.0, 1.0, 3.0, 5.0]");
        is(&format!("ewm_var(x, alpha=1, adjust={adjust}, bias=True)"), "[0.0, 0.0, 0.0, 0.0]");
        is(&format!("ewm_var(x, alpha=1, adjust={adjust})"), "[NaN, NaN, NaN, NaN]");
    }
    let x = [1.0, 2.0, f64::INFINITY, 3.0];
    let text = format!("{:?}", eval("ewm_var(x, alpha=0.5, bias=True)", &[("x", &x)]));
    assert_eq!(text, "[0.0, 0.25, NaN, NaN]");
}

/// With alpha = 1e-9 the weights of 20,000 rows are nearly equal: those of `expanding_mean`.
#[test]
fn adjusted_means_of_slow_decays_are_exact() {
    let x: Vec<f64> = (0..20_000).map(|i| f64::from(i * 7919 % 1009)).collect();
    let means = eval("ewm_mean(x, alpha=1e-9, adjust=True)", &[("x", &x)]);
    let (mut weighted, mut weights) = (0.0, 0.0);
    for (i, (x, mean)) in x.iter().zip(means).enumerate() {
        // Weights of 1 + j 1e-9, from which (1 - 1e-9)^-j differs by less than 3e-10 there.
        let weight = (i as f64 * 1e-9f64).exp();
        weighted += weight * x;
        weights += weight;
        let want = weighted / weights;
        assert!((mean - want).abs() <= 1e-11 * want.abs().max(1.0), "{i}: {mean} for {want}");
    }
}

/// Rationals, rounded. With such an alpha the weights of variances are 1 but for 1e-9 or 1e-14.
#[test]
fn variances_of_slow_decays_keep_their_digits() {
    let x = [0.0, 1.0, NAN, 3.0, -2.0, NAN, NAN, 7.0];
    let check = |text: &str, want: [f64; 8]| {
        for (i, (got, want)) in eval(text, &[("x", &x)]).iter().zip(want).enumerate() {
            let close = (got - want).abs() <= 2e-15 * want.abs();
            assert!(close || got.is_nan() && want.is_nan(), "{text} at {i}: {got:e} for {want:e}");
        }
    };
    check(
        "ewm_var(x, alpha=1e-9)",
        [
            NAN,
            0.5,
            0.5,
            2.50000000175,
            2.3333333385555557,
            2.3333333385555557,
            2.3333333385555557,
            7.87500002571875,
        ],
    );
    check(
        "ewm_var(x, alpha=1e-9, ignore_na=True)",
        [
            NAN,
            0.5,
            0.5,
            2.50000000075,
            2.3333333378333334,
            2.3333333378333334,
            2.3333333378333334,
            7.87500001825,
        ],
    );
    check(
        "ewm_cov(x, x, alpha=1e-9, bias=True)",
        [
            0.0,
            9.999999990000001e-10,
            9.999999990000001e-10,
            9.999999992e-09,
            1.3999999994e-08,
            1.3999999994e-08,
            1.3999999994e-08,
            6.300000000100001e-08,
        ],
    );
    check(
        "ewm_std(x, alpha=1e-14) ** 2",
        [
            NAN,
            0.5,
            0.5,
            2.5000000000000173,
            2.3333333333333854,
            2.3333333333333854,
            2.3333333333333854,
            7.875000000000258,
        ],
    );
    check("ewm_corr(x, 3 - 2 * x, alpha=1e-12)", [NAN, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]);
}

/// What lies between two elements is between them, however large they are.
#[test]
fn functions_of_the_largest_floats_do_not_overflow() {
    let is = |text: &str, x: &[f64], want: &[f64]| {
        assert_eq!(format!("{:?}", eval(text, &[("x", x)])), format!("{want:?}"), "{text}");
    };
    // Its quarters are exact.
    let (most, inf) = (1.5 * 2f64.powi(1023), f64::INFINITY);
    is("rolling_median(x, 2)", &[most, most, most / 2.0], &[NAN, most, most * 0.75]);
    is("rolling_quantile(x, 2, 0.25)", &[most, -most, 1.0], &[NAN, -most / 2.0, -most * 0.75]);
    is("rolling_quantile(x, 2, 0.75)", &[most, -most], &[NAN, most / 2.0]);
    is("rolling_quantile(x, 2, 0.75)", &[1.0, inf, -inf], &[NAN, inf, NAN]);
    is("rolling_quantile(x, 2, 0.25)", &[1.0, inf, 2.0, -inf], &[NAN, inf, inf, -inf]);
    is("rolling_quantile(x, 2, 0.75)", &[2.0, -inf, -inf], &[NAN, -inf, -inf]);
    is("ewm_mean(x, alpha=0.5)", &[most, -most, most, 2.0], &[most, 0.0, most / 2.0, most / 4.0]);
    let adjusted = eval("ewm_mean(x, alpha=0.5, adjust=True)", &[("x", &[most, most, most])]);
    assert!(adjusted.iter().all(|y| (y / most - 1.0).abs() < 1e-15), "{adjusted:?}");
    let x: Vec<f64> = (0..5000).map(|i| if i % 2 == 0 { most } else { -most }).collect();
    let mean = eval("ewm_mean(x, alpha=0.1)", &[("x", &x)]);
    let mut want = 1.0;
    for (i, (x, mean)) in x.iter().zip(mean).enumerate() {
        want += if i == 0 { 0.0 } else { 0.1 * (x / most - want) };
        assert!((mean / most - want).abs() < 1e-14, "{i}: {mean} for {want}");
    }
    let constant = eval("ewm_mean(x * 0 + 1e308, alpha=0.3)", &[("x", &x)]);
    assert!(constant.iter().all(|y| (y / 1e308 - 1.0).abs() < 1e-14));
}
