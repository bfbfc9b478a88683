//! E. Functions at hard arguments; no reassociation.

use hotloop::threads::Isa;
use hotloop::{Arg, Backend, DType, Engine, ErrorKind, Mode, compile, ndarray};

use super::{HARD, bits, eval, everywhere, same};

#[test]
fn e12_float_powers() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let a = [0.0, -0.0, 1.0, -1.0, nan, inf, -inf, -8.0, 2.0];
    let args = [("a", Arg::from(&a))];
    for (expr, want) in [
        ("a**0", [1.0; 9]),
        ("a**0.0", [1.0; 9]),
        ("a**1", a),
        ("a**3", [0.0, -0.0, 1.0, -1.0, nan, inf, -inf, -512.0, 8.0]),
        ("a**-3", [inf, -inf, 1.0, -1.0, nan, 0.0, -0.0, -1.0 / 512.0, 0.125]),
        ("a**-2", [inf, inf, 1.0, 1.0, nan, 0.0, 0.0, 1.0 / 64.0, 0.25]),
        ("a**0.5", [0.0, 0.0, 1.0, nan, nan, inf, inf, nan, 2f64.sqrt()]),
        ("a**64", [0.0, 0.0, 1.0, 1.0, nan, inf, inf, 2f64.powi(192), 2f64.powi(64)]),
    ] {
        same(&eval::<f64>(expr, &args), &want);
    }
    // Very large and very small results, with intermediate products out of range.
    let b = [1e200, 1e-200, -1e155];
    same(&eval::<f64>("b**2", &[("b", Arg::from(&b))]), &[inf, 0.0, inf]);
    same(&eval::<f64>("b**-3", &[("b", Arg::from(&b))]), &[0.0, inf, -0.0]);
    let c = [2f64.powi(-300), 2f64.powi(-358), -2f64.powi(341)];
    same(
        &eval::<f64>("c**3", &[("c", Arg::from(&c))]),
        &[2f64.powi(-900), 5e-324, -2f64.powi(1023)],
    );
    same(&eval::<f64>("c**4", &[("c", Arg::from(&c))]), &[0.0, 0.0, inf]);
    same(&eval::<f64>("c**-3", &[("c", Arg::from(&c))]), &[2f64.powi(900), inf, -2f64.powi(-1023)]);
    // Exponents from an array, with the results of C99's Annex F.
    let x = [0.0, -0.0, -0.0, 1.0, nan, -8.0, -inf, -inf, -inf, 2.0, 0.5, -1.0, 4.0, -2.0, 2.0];
    let y =
        [0.0, -3.0, -2.0, nan, 0.0, 1.0 / 3.0, 3.0, -3.0, 4.0, 1e308, inf, -inf, 0.5, 3.0, -1074.0];
    let want = [1.0, -inf, inf, 1.0, 1.0, nan, -inf, -0.0, inf, inf, 0.0, 1.0, 2.0, -8.0, 5e-324];
    same(&eval::<f64>("x**y", &[("x", Arg::from(&x)), ("y", Arg::from(&y))]), &want);
    same(&eval::<f64>("power(x, y)", &[("x", Arg::from(&x)), ("y", Arg::from(&y))]), &want);
}

#[test]
fn e18_gamma_and_the_error_function() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let x = [0.0, -0.0, -1.0, -2.0, -1e300, 1.0, 171.0, 172.0, inf, -inf, nan];
    let args = [("x", Arg::from(&x))];
    let want = [inf, -inf, nan, nan, nan, 1.0, 7.257415615307997e306, inf, inf, nan, nan];
    for (got, want) in eval::<f64>("gamma(x)", &args).into_iter().zip(want) {
        let close = (got - want).abs() <= want.abs() * 2.0 * f64::EPSILON;
        assert!(got.to_bits() == want.to_bits() || close || got.is_nan() && want.is_nan(), "{got}");
    }
    let x = [0.0, -0.0, -1.0, -2.0, 1.0, 2.0, inf, -inf, nan];
    let want = [inf, inf, inf, inf, 0.0, 0.0, inf, inf, nan];
    same(&eval::<f64>("lgamma(x)", &[("x", Arg::from(&x))]), &want);
    // Near its zero at -2.457, lgamma has an absolute error of at most 1e-15.
    let root = [-2.457024738220801];
    let got = eval::<f64>("lgamma(x)", &[("x", Arg::from(&root))])[0];
    assert!((got + 6.16871e-16).abs() < 1e-15, "{got:e}");
    let tails = [27.0, -27.0, 30.0, 0.0, inf, -inf];
    let got = eval::<f64>("erfc(x)", &[("x", Arg::from(&tails))]);
    same(&got[1..], &[2.0, 0.0, 1.0, 0.0, 2.0]);
    assert!((got[0] / 5.237048923789256e-319 - 1.0).abs() < 1e-4, "{:e}", got[0]);
    let far = [-38.0, -10.0, 9.0];
    let got = eval::<f64>("normcdf(x)", &[("x", Arg::from(&far))]);
    assert!((got[0] / 2.8854e-316 - 1.0).abs() < 1e-4 && got[2] == 1.0, "{got:?}");
    assert!((got[1] / 7.61985302416052606e-24 - 1.0).abs() < 1e-15, "{:e}", got[1]);
}

/// The number of floats between two of the same sign.
fn ulps(got: f64, want: f64) -> u64 {
    got.to_bits().abs_diff(want.to_bits())
}

#[test]
fn e16_trigonometry_of_huge_arguments() {
    // Correctly rounded values, computed with 300 bits.
    let cases = [
        ("sin(a)", 1e22, -0.8522008497671888),
        ("cos(a)", 1e22, 0.523214785395139),
        ("sin(a)", 1e308, 0.4533964905016491),
        ("cos(a)", 1e308, -0.8913089376870335),
        ("sin(a)", 2f64.powi(1023), 0.563127779850884),
        ("cos(a)", 2f64.powi(1023), -0.826369834614148),
        ("tan(a)", std::f64::consts::FRAC_PI_2, 1.633123935319537e16),
        ("sin(a)", std::f64::consts::PI, 1.2246467991473532e-16),
        ("cos(a)", 6381956970095103.0 * 2f64.powi(797), -4.687165924254628e-19),
    ];
    for (expr, x, want) in cases {
        let got = eval::<f64>(expr, &[("a", Arg::from(&[x; 9]))]);
        assert!(
            got.iter().all(|v| ulps(*v, want) <= 1),
            "{expr} of {x:e} is {}, not {want}",
            got[0]
        );
    }
    for x in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert!(
            eval::<f64>("sin(a) + cos(a) + tan(a)", &[("a", Arg::from(&[x; 9]))])
                .iter()
                .all(|v| v.is_nan())
        );
    }
}

#[test]
fn e17_exponentials_and_logarithms_at_their_edges() {
    let inf = f64::INFINITY;
    let exact = [
        ("exp(a)", 710.0, inf),
        ("exp(a)", -746.0, 0.0),
        ("exp(a)", inf, inf),
        ("exp(a)", -inf, 0.0),
        ("exp(a)", 0.0, 1.0),
        ("log(a)", 0.0, -inf),
        ("log(a)", -0.0, -inf),
        ("log(a)", -1.0, f64::NAN),
        ("log(a)", 1.0, 0.0),
        ("log(a)", inf, inf),
        ("log1p(a)", -1.0, -inf),
        ("log1p(a)", -1.5, f64::NAN),
        ("log1p(a)", -0.0, -0.0),
        ("expm1(a)", -inf, -1.0),
        ("expm1(a)", 1e-300, 1e-300),
        ("log1p(a)", 1e-300, 1e-300),
        ("exp2(a)", 1024.0, inf),
        ("exp2(a)", -1075.0, 0.0),
        ("exp2(a)", -1074.0, 5e-324),
        ("log2(a)", 5e-324, -1074.0),
        ("log10(a)", 1e22, 22.0),
        ("tanh(a)", 30.0, 1.0),
        ("tanh(a)", -inf, -1.0),
    ];
    for (expr, x, want) in exact {
        same(&eval::<f64>(expr, &[("a", Arg::from(&[x; 9]))]), &[want; 9]);
    }
    let close = [
        ("exp(a)", 709.78, 1.7928227943945155e308),
        ("exp(a)", -745.13, 5e-324),
        ("exp(a)", -740.0, 4.2e-322),
        ("log(a)", 5e-324, -744.4400719213812),
        ("log(a)", 1e-310, -713.8013788281542),
        ("log(a)", f64::MAX, 709.782712893384),
        ("log10(a)", 5e-324, -323.3062153431158),
        ("expm1(a)", 709.78, 1.7928227943945155e308),
        ("log1p(a)", f64::MAX, 709.782712893384),
    ];
    for (expr, x, want) in close {
        let got = eval::<f64>(expr, &[("a", Arg::from(&[x; 9]))]);
        assert!(
            got.iter().all(|v| ulps(*v, want) <= 1),
            "{expr} of {x:e} is {:e}, not {want:e}",
            got[0]
        );
    }
}

#[test]
fn e19_products_are_not_contracted() {
    let x = 1.0 + 2f64.powi(-30);
    let (a, c) = ([x; 40], [-(1.0 + 2f64.powi(-29)); 40]);
    let args = [("a", Arg::from(&a)), ("c", Arg::from(&c))];
    same(&eval::<f64>("a * a + c", &args), &[0.0; 40]);
    same(&eval::<f64>("c + a * a", &args), &[0.0; 40]);
    same(&eval::<f64>("fma(a, a, c)", &args), &[2f64.powi(-60); 40]);
    for isa in Isa::available() {
        let engine = Engine::builder().mode(Mode::Contract).isa(isa).build();
        let y = engine.compile("a * a + c").unwrap().eval_as::<f64>(&args[..]).unwrap();
        assert!(y.iter().all(|v| *v == 2f64.powi(-60)), "on {}", isa.name());
    }
}

#[test]
fn e20_nothing_is_reassociated() {
    let b = [1.5, 2f64.powi(-53)];
    let args = [("a", Arg::from(&[1e16, 1.0])), ("b", Arg::from(&b))];
    same(&eval::<f64>("a + b - a", &args), &[2.0, 0.0]);
    same(&eval::<f64>("(a + b) - a - b", &args), &[0.5, -(2f64.powi(-53))]);
    same(
        &eval::<f64>("t = a + b; z = t - a; (a - (t - z)) + (b - z)", &args),
        &[-0.5, 2f64.powi(-53)],
    );
    same(&eval::<f64>("a * 3 / 3 - a + 0.1 + 0.2 + 0.3", &args), &[(0.1f64 + 0.2) + 0.3; 2]);
    same(&eval::<f64>("b / 3 * 3", &args), &[1.5 / 3.0 * 3.0, 2f64.powi(-53) / 3.0 * 3.0]);
    // A program for another mode is a different one, whatever is cached.
    let fast = Engine::builder().mode(Mode::Fast).build();
    assert!(fast.compile("a + b - a").unwrap().eval(&args[..]).is_ok());
    same(&eval::<f64>("a + b - a", &args), &[2.0, 0.0]);
}

#[test]
fn e21_large_sums() {
    let engine = Engine::builder().backend(Backend::Native).threads(2).eager().build();
    let sum = |arg: Arg| engine.compile("sum(a)").unwrap().eval_as::<f32>([arg]).unwrap()[[]];
    assert_eq!(sum(everywhere(&1f32, 1 << 25)), 33554432.0);
    assert_eq!(sum(everywhere(&1f32, 100_000_000)), 100_000_000.0);
    let mean = engine
        .compile("mean(a)")
        .unwrap()
        .eval_as::<f64>([everywhere(&0.1f64, 10_000_000)])
        .unwrap()[[]];
    assert!((mean - 0.1).abs() < 1e-15, "{mean}");
    let mut a = vec![1.0; 10_000];
    (a[17], a[9_000]) = (f64::INFINITY, f64::NEG_INFINITY);
    assert!(eval::<f64>("sum(a)", &[("a", (&a).into())])[0].is_nan());
    a[9_000] = 1.0;
    same(&eval::<f64>("sum(a)", &[("a", (&a).into())]), &[f64::INFINITY]);
    // The tree is the same on every engine, also for inexact sums.
    let b: Vec<f64> = (0..100_003).map(|i| f64::from(i).sin()).collect();
    let exact: f64 = b.iter().sum();
    let got = eval::<f64>("sum(b)", &[("b", (&b).into())])[0];
    assert!((got - exact).abs() < 1e-9, "{got} is not near {exact}");
}

#[test]
fn e21_large_sums_along_axes() {
    let engine = Engine::builder().backend(Backend::Native).threads(2).build();
    let ones = |text: &str, shape: &[usize]| {
        let zero = vec![0; shape.len()];
        // SAFETY: all elements are one float, which is static.
        let arg = unsafe { Arg::raw((&raw const ONE).cast(), shape, &zero, DType::F32) };
        engine.compile(text).unwrap().eval_as::<f32>([arg]).unwrap().into_raw_vec_and_offset().0
    };
    static ONE: f32 = 1.0;
    // Adding the ones one by one would stop at 2^24.
    assert_eq!(ones("sum(a, axis=1)", &[3, 1 << 25]), [33554432.0; 3]);
    assert_eq!(ones("sum(a, axis=0)", &[1 << 25, 3]), [33554432.0; 3]);
    assert_eq!(ones("mean(a, axis=0)", &[1 << 25, 2]), [1.0; 2]);
    assert_eq!(ones("var(a, axis=0)", &[20_000_003, 2]), [0.0; 2]);
    // Infinities affect only their own column or row.
    let mut a = ndarray::Array2::from_elem((5000, 4), 1.0);
    (a[[17, 1]], a[[4000, 1]], a[[3000, 2]]) = (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY);
    let args = [("a", Arg::from(&a))];
    same(&eval("sum(a, axis=0)", &args), &[5000.0, f64::NAN, f64::INFINITY, 5000.0]);
    same(&eval("mean(a, axis=0)", &args), &[1.0, f64::NAN, f64::INFINITY, 1.0]);
    let rows = eval::<f64>("sum(a, axis=1)", &args);
    let odd: Vec<(usize, f64)> =
        rows.iter().copied().enumerate().filter(|(_, sum)| *sum != 4.0).collect();
    let want = [(17, f64::INFINITY), (3000, f64::INFINITY), (4000, f64::NEG_INFINITY)];
    assert_eq!(odd, want);
    // A variance of values with a large mean does not cancel.
    let far = ndarray::Array2::from_shape_fn((10_000, 3), |(i, j)| 1e9 + (i % 2 + j) as f64);
    let args = [("a", Arg::from(&far))];
    for got in eval::<f64>("var(a, axis=0)", &args) {
        assert!((got - 0.25).abs() < 1e-12, "{got}");
    }
    for got in eval::<f64>("std(transpose(a), axis=1, ddof=1)", &args) {
        assert!((got - (0.25f64 * 10_000.0 / 9999.0).sqrt()).abs() < 1e-12, "{got}");
    }
}

#[test]
fn e21_a_million_tenths() {
    let engine = Engine::builder().backend(Backend::Native).threads(2).eager().build();
    let (narrow, wide) = (
        ndarray::Array2::from_elem((1000, 1000), 0.1_f32),
        ndarray::Array2::from_elem((1000, 1000), 0.1_f64),
    );
    for (text, n) in [("sum(a)", 1e6), ("sum(a, axis=0)", 1e3), ("sum(a, axis=1)", 1e3)] {
        let program = engine.compile(text).unwrap();
        // More accurate than NumPy along axis 0, where columns are added one by one: 24 eps in f32.
        let exact = f64::from(0.1_f32) * n;
        for sum in program.eval_as::<f32>([Arg::from(&narrow)]).unwrap() {
            let error = (f64::from(sum) - exact).abs() / exact / f64::from(f32::EPSILON);
            assert!(error < 2.0, "{text}: {error} eps");
        }
        for sum in program.eval_as::<f64>([Arg::from(&wide)]).unwrap() {
            let error = (sum - 0.1 * n).abs() / (0.1 * n) / f64::EPSILON;
            assert!(error < 2.0, "{text}: {error} eps");
        }
    }
}

#[test]
fn e22_positions_of_ties_and_of_nan() {
    let nan = f64::NAN;
    let (inf, least) = (f64::INFINITY, f64::NEG_INFINITY);
    for (a, first_least, first_greatest) in [
        (vec![2.0, 1.0, 1.0, 2.0], 1, 0),
        (vec![0.0, -0.0, 0.0], 0, 0),
        (vec![-0.0, 0.0], 0, 0),
        (vec![3.0, nan, 1.0, nan], 1, 1),
        (vec![nan, nan, nan], 0, 0),
        (vec![inf, inf, least, least], 2, 0),
        (vec![inf, least, -nan, inf], 2, 2),
        (vec![7.0], 0, 0),
    ] {
        // Alone, among many equal values, and as a column among others.
        for (before, after) in [(0, 0), (0, 300), (5000, 0), (4095, 5000), (64, 1), (8191, 1)] {
            let dull = if a.iter().any(|v| v.is_nan()) { 2.0 } else { a[0] };
            let own = |order: fn(f64, f64) -> bool| {
                // The padding may come first, or be more extreme: NumPy's definition, element by
                // element.
                let all: Vec<f64> = [&vec![dull; before], &a[..], &vec![dull; after]].concat();
                let mut best = 0;
                for (i, v) in all.iter().enumerate() {
                    if !all[best].is_nan() && (v.is_nan() || order(*v, all[best])) {
                        best = i;
                    }
                }
                (all, best as i64)
            };
            let (all, low) = own(|x, y| x < y);
            let (_, high) = own(|x, y| x > y);
            if before + after == 0 {
                assert_eq!((low, high), (first_least, first_greatest), "{a:?}");
            }
            let args = [("a", Arg::from(&all))];
            assert_eq!(eval::<i64>("argmin(a)", &args), [low], "{a:?}, {before}, {after}");
            assert_eq!(eval::<i64>("argmax(a)", &args), [high], "{a:?}, {before}, {after}");
            let narrow = eval::<i64>("argmin(f32(a), axis=0)", &args);
            assert_eq!(narrow, [low], "{a:?}, {before}, {after}");
            let columns = eval::<i64>("argmax(a[:, None] * isin(1, 0, 1, 2), axis=0)", &args);
            assert_eq!(columns, [high], "{a:?}, {before}, {after}");
        }
    }
    // Along columns and rows of a grid, for integers and bools.
    let grid = ndarray::array![[3u8, 200, 200], [3, 0, 200], [9, 0, 7]];
    let args = [("a", Arg::from(&grid))];
    assert_eq!(eval::<i64>("argmin(a, axis=0)", &args), [0, 1, 2]);
    assert_eq!(eval::<i64>("argmax(a, axis=0)", &args), [2, 0, 0]);
    assert_eq!(eval::<i64>("argmin(a, axis=1)", &args), [0, 1, 1]);
    assert_eq!(eval::<i64>("argmax(a, axis=1)", &args), [1, 2, 0]);
    assert_eq!(eval::<i64>("argmax(a)", &args), [1]);
    assert_eq!(eval::<i64>("argmax(a > 100, axis=1)", &args), [1, 2, 0]);
    assert_eq!(eval::<i64>("argmin(a > 2)", &args), [4]);
    // The index is in C order, whatever the layout.
    assert_eq!(eval::<i64>("argmax(transpose(a))", &args), [3]);
    // Integers that are equal as floats are distinguished.
    let near = [i64::MAX - 1, i64::MAX, i64::MAX - 2, i64::MAX];
    let args = [("a", Arg::from(&near))];
    assert_eq!(eval::<i64>("argmax(a)", &args), [1]);
    assert_eq!(eval::<i64>("argmin(a)", &args), [2]);
    for empty in ["argmin(a[:0])", "argmax(a[:0], axis=0)"] {
        let error = compile(empty).unwrap().eval(&args[..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape, "{empty}: {error}");
    }
}

#[test]
fn e24_folding_is_running() {
    for x in HARD.iter().chain(&[0.3, 3.0, -7.5, 100.0, 1e-8, 709.0]) {
        let literal = if x.is_nan() {
            "nan".to_string()
        } else if x.is_infinite() {
            format!("({}inf)", if *x < 0.0 { "-" } else { "" })
        } else {
            format!("({x:?})")
        };
        for function in [
            "sin", "cos", "tan", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "tanh",
            "sqrt", "floor", "ceil", "rint", "trunc", "abs", "sign", "square", "i32", "u8", "f32",
            "isnan", "signbit",
        ] {
            let run = compile(&format!("{function}(a)"))
                .unwrap()
                .eval([("a", Arg::from(&[*x]))])
                .unwrap();
            let folded =
                compile(&format!("{function}({literal})")).unwrap().eval(("unused", 0.0)).unwrap();
            assert_eq!(bits(&run, 0), bits(&folded, 0), "{function} of {x:?}");
        }
        for op in [
            "a + 0.1",
            "a * a",
            "a / 3",
            "a // 3",
            "a % 3",
            "a**0",
            "a**1",
            "a**2",
            "a**3",
            "a**4",
            "a**-1",
            "a**-2",
            "a**0.5",
            "a**2.5",
            "a**1e3",
            "fmod(a, 3)",
            "minimum(a, 1)",
            "copysign(3, a)",
            "nextafter(a, 1)",
            "fma(a, 3, 0.1)",
            "a < 1",
        ] {
            let run = compile(op).unwrap().eval([("a", Arg::from(&[*x]))]).unwrap();
            let folded = compile(
                &op.replace("(a", &format!("({literal}"))
                    .replace("a ", &format!("{literal} "))
                    .replace("a*", &format!("{literal}*"))
                    .replace(" a", &format!(" {literal}")),
            )
            .unwrap();
            assert!(folded.inputs().len() == 0, "{op}: {}", folded.text());
            let folded = folded.eval(("unused", 0.0)).unwrap();
            assert_eq!(bits(&run, 0), bits(&folded, 0), "{op} of {x:?}");
        }
    }
}
