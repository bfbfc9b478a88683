//! Promotion: NumPy 2's `result_type` for all pairs of dtypes, and the rules of weak numbers.

use hotloop::types::{promote, promote_all};
use hotloop::{Arg, DType, ErrorKind, compile};

/// The results of `numpy.result_type` of NumPy 2 for each pair; columns are in the order of the
/// rows.
const NUMPY: [(&str, &str); 11] = [
    ("bool", "bool i8   i16  i32  i64  u8   u16  u32  u64  f32  f64"),
    ("i8", "i8   i8   i16  i32  i64  i16  i32  i64  f64  f32  f64"),
    ("i16", "i16  i16  i16  i32  i64  i16  i32  i64  f64  f32  f64"),
    ("i32", "i32  i32  i32  i32  i64  i32  i32  i64  f64  f64  f64"),
    ("i64", "i64  i64  i64  i64  i64  i64  i64  i64  f64  f64  f64"),
    ("u8", "u8   i16  i16  i32  i64  u8   u16  u32  u64  f32  f64"),
    ("u16", "u16  i32  i32  i32  i64  u16  u16  u32  u64  f32  f64"),
    ("u32", "u32  i64  i64  i64  i64  u32  u32  u32  u64  f64  f64"),
    ("u64", "u64  f64  f64  f64  f64  u64  u64  u64  u64  f64  f64"),
    ("f32", "f32  f32  f32  f64  f64  f32  f32  f64  f64  f32  f64"),
    ("f64", "f64  f64  f64  f64  f64  f64  f64  f64  f64  f64  f64"),
];

fn dtype(name: &str) -> DType {
    DType::from_name(name).unwrap()
}

/// Calls a function for each cell of the table.
fn for_each_pair(mut check: impl FnMut(DType, DType, DType)) {
    for (row, cells) in NUMPY {
        let cells: Vec<DType> = cells.split_whitespace().map(dtype).collect();
        assert_eq!(cells.len(), NUMPY.len());
        for ((column, _), want) in NUMPY.iter().zip(cells) {
            check(dtype(row), dtype(column), want);
        }
    }
}

/// Three elements of any dtype: 0, 1, 1.
fn sample(dtype: DType) -> Arg<'static> {
    match dtype {
        DType::Bool => (&[false, true, true]).into(),
        DType::I8 => (&[0i8, 1, 1]).into(),
        DType::I16 => (&[0i16, 1, 1]).into(),
        DType::I32 => (&[0i32, 1, 1]).into(),
        DType::I64 => (&[0i64, 1, 1]).into(),
        DType::U8 => (&[0u8, 1, 1]).into(),
        DType::U16 => (&[0u16, 1, 1]).into(),
        DType::U32 => (&[0u32, 1, 1]).into(),
        DType::U64 => (&[0u64, 1, 1]).into(),
        DType::F32 => (&[0f32, 1., 1.]).into(),
        _ => (&[0f64, 1., 1.]).into(),
    }
}

/// The dtype of an expression of `a`.
fn typed(expr: &str, a: DType) -> DType {
    compile(expr).unwrap().eval([("a", sample(a))]).unwrap_or_else(|e| panic!("{expr} of {a}: {e}"))
        [0]
    .dtype()
}

#[test]
fn table_is_numpys() {
    for_each_pair(|a, b, want| assert_eq!(promote(a, b), want, "{a} with {b}"));
}

/// The results of `numpy.result_type` for three dtypes at once, in NumPy's letters: a line for each
/// first dtype in the order of `NUMPY`, a word for each second one from the first on, a letter for
/// each third one from the second on.
const TRIPLES: [&str; 11] = [
    "?bhilBHILfd bhilhildfd hilhildfd iliilddd llllddd BHILfd HILfd ILdd Ldd fd d",
    "bhilhildfd hilhildfd iliilddd llllddd hildfd ildfd lddd ddd fd d",
    "hilhildfd iliilddd llllddd hildfd ildfd lddd ddd fd d",
    "iliilddd llllddd iilddd ilddd lddd ddd dd d",
    "llllddd lllddd llddd lddd ddd dd d",
    "BHILfd HILfd ILdd Ldd fd d",
    "HILfd ILdd Ldd fd d",
    "ILdd Ldd dd d",
    "Ldd dd d",
    "fd d",
    "d",
];

#[test]
fn three_values_meet_in_one_dtype_whatever_their_order() {
    let letter = |letter: char| NUMPY["?bhilBHILfd".find(letter).unwrap()].0;
    let clip = compile("clip(a, b, c)").unwrap();
    for (first, line) in TRIPLES.iter().enumerate() {
        for (second, word) in line.split(' ').enumerate() {
            for (third, want) in word.chars().enumerate() {
                let [a, b, c] = [first, first + second, first + second + third];
                for [a, b, c] in [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]]
                {
                    let [a, b, c] = [a, b, c].map(|i| dtype(NUMPY[i].0));
                    let args = [("a", sample(a)), ("b", sample(b)), ("c", sample(c))];
                    let outputs = clip.eval(args).unwrap();
                    let want = dtype(letter(want));
                    assert_eq!(outputs[0].dtype(), want, "clip of {a}, {b} and {c}");
                    assert_eq!(promote_all([a, b, c]), Some(want), "{a}, {b} and {c}");
                }
            }
        }
    }
    // 200 is not converted to i16 first, to which the first two promote.
    let (a, b, c) = ([-5i8, 7, 100], [200u8, 0, 3], [300.5f32, 5., 1e9]);
    let args = [("a", Arg::from(&a)), ("b", (&b).into()), ("c", (&c).into())];
    let outputs = compile("clip(a, b, c), clip(c, a, b)").unwrap().eval(args).unwrap();
    assert_eq!(outputs[0].view::<f32>().unwrap().as_slice().unwrap(), [200., 5., 100.]);
    assert_eq!(outputs[1].view::<f32>().unwrap().as_slice().unwrap(), [200., 0., 3.]);
}

/// NumPy's `clip` of a u8 array ignores a bound that no u8 exceeds, and raises an error if no u8
/// lies within the bound.
#[test]
fn bounds_of_clip_beyond_the_dtype_bound_nothing() {
    let u = [1u8, 200];
    let i = [-5i8, 100];
    let large = [1u64, u64::MAX];
    let run = |text: &str, k: Option<i64>| {
        let mut args: Vec<(&str, Arg)> =
            vec![("u", (&u).into()), ("i", (&i).into()), ("w", (&large).into())];
        args.extend(k.map(|k| ("k", k.into())));
        compile(text).unwrap().eval(&args[..])
    };
    let bytes =
        |text: &str, k| run(text, k).unwrap_or_else(|e| panic!("{text}: {e}"))[0].bytes().to_vec();
    for (text, want) in [
        ("clip(u, 0, 300)", [1, 200]),
        ("clip(u, -5, 300)", [1, 200]),
        ("clip(u, -5, 7)", [1, 7]),
        ("clip(u, None, 2**70)", [1, 200]),
        ("clip(u, -2**70, 100)", [1, 100]),
        ("clip(i, 0, 200)", [0, 100]),
        ("clip(i, -200, 5)", [251, 5]),
    ] {
        assert_eq!(bytes(text, None), want, "{text}");
    }
    assert_eq!(bytes("clip(u, 2, k)", Some(300)), [2, 200]);
    assert_eq!(bytes("clip(u, k, 150)", Some(-1)), [1, 150]);
    let wide = run("clip(w, -1, 2**64), clip(w, k, 5)", Some(-3)).unwrap();
    assert_eq!(wide[0].view::<u64>().unwrap().as_slice().unwrap(), large);
    assert_eq!(wide[1].view::<u64>().unwrap().as_slice().unwrap(), [1, 5]);
    for (text, k, want) in [
        ("clip(u, 300, None)", None, "300 does not fit u8"),
        ("clip(u, None, -1)", None, "-1 does not fit u8"),
        ("clip(u, 256, 300)", None, "256 does not fit u8"),
        ("clip(u, -3, -1)", None, "-1 does not fit u8"),
        ("clip(u, k, 255)", Some(300), "300 does not fit u8"),
        ("clip(u, 0, k)", Some(-1), "-1 does not fit u8"),
        // NumPy uses the low byte here.
        ("where(u > 3, u, 300)", None, "300 does not fit u8"),
        ("where(u > 3, -1, u)", None, "-1 does not fit u8"),
    ] {
        let error = run(text, k).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type, "{text}");
        assert!(error.message().contains(want), "{text}: {error}");
    }
}

#[test]
fn sums_promote_as_the_table_says() {
    let sum = compile("a + b").unwrap();
    for_each_pair(|a, b, want| {
        let outputs = sum.eval([("a", sample(a)), ("b", sample(b))]).unwrap();
        assert_eq!(outputs[0].dtype(), want, "{a} + {b}");
    });
}

#[test]
fn values_promote_with_the_dtype() {
    // 0, 1, 1 times 3 and 0: in every pair of dtypes, converted to f64, so that a wrong conversion
    // gives a wrong number.
    let program = compile("f64(a * 3 + b), f64(where(a == b, a, b))").unwrap();
    for a in DType::ALL.into_iter().filter(|d| *d != DType::Bool) {
        for b in DType::ALL {
            let outputs = program.eval([("a", sample(a)), ("b", sample(b))]).unwrap();
            let got = [0, 1]
                .map(|i| outputs[i].view::<f64>().unwrap().to_owned().into_raw_vec_and_offset().0);
            assert_eq!(got[0], [0.0, 4.0, 4.0], "{a} * 3 + {b}");
            assert_eq!(got[1], [0.0, 1.0, 1.0], "where of {a} and {b}");
        }
    }
}

#[test]
fn promotion_is_commutative_and_widens() {
    for a in DType::ALL {
        assert_eq!(promote(a, a), a);
        for b in DType::ALL {
            let both = promote(a, b);
            assert_eq!(both, promote(b, a), "{a} and {b}");
            assert!(both.kind() >= a.kind() && both.kind() >= b.kind(), "{a} and {b}");
            assert_eq!(promote(both, a), both, "{a} and {b}");
        }
    }
}

#[test]
fn literals_keep_the_dtype_if_their_kind_allows() {
    use DType::*;
    for dtype in DType::ALL {
        assert_eq!(typed("a * True", dtype), dtype, "{dtype} * True");
        let with_int = if dtype == Bool { I64 } else { dtype };
        assert_eq!(typed("a + 1", dtype), with_int, "{dtype} + 1");
        assert_eq!(typed("1 + a", dtype), with_int, "1 + {dtype}");
        let with_float = if dtype.is_float() { dtype } else { F64 };
        assert_eq!(typed("a + 1.5", dtype), with_float, "{dtype} + 1.5");
        assert_eq!(typed("a * pi", dtype), with_float, "{dtype} * pi");
        assert_eq!(typed("a + (1 + 0.5)", dtype), with_float, "{dtype} + (1 + 0.5)");
        assert_eq!(typed("a < 1.5", dtype), Bool, "{dtype} < 1.5");
        let divided = if dtype.is_float() { dtype } else { F64 };
        assert_eq!(typed("a / 2", dtype), divided, "{dtype} / 2");
    }
}

#[test]
fn weak_arguments_promote_as_literals_do() {
    let sum = compile("a + k").unwrap();
    for dtype in DType::ALL {
        for (literal, weak) in
            [("a + True", Arg::from(true)), ("a + 1", Arg::from(1i64)), ("a + 1.5", Arg::from(1.5))]
        {
            let outputs = sum.eval([("a", sample(dtype)), ("k", weak)]).unwrap();
            assert_eq!(outputs[0].dtype(), typed(literal, dtype), "{literal} of {dtype}");
        }
    }
    let numbers: [(Arg, DType); 8] = [
        (true.into(), DType::I8),
        (1i8.into(), DType::I8),
        (1i16.into(), DType::I8),
        (1i32.into(), DType::I8),
        (1u8.into(), DType::I8),
        (1u16.into(), DType::I8),
        (1u32.into(), DType::I8),
        (1f32.into(), DType::F64),
    ];
    for (number, want) in numbers {
        let shown = format!("{number:?}");
        let outputs = sum.eval((("a", sample(DType::I8)), ("k", number))).unwrap();
        assert_eq!(outputs[0].dtype(), want, "{shown}");
    }
    // The sum is computed without rounding.
    let large = (1i64 << 53) + 1;
    assert_eq!(sum.eval_vec::<i64>((("a", &[0i64]), ("k", large))).unwrap(), [large]);
}

#[test]
fn typed_numbers_promote_as_arrays_do() {
    let sum = compile("a + k").unwrap();
    for_each_pair(|a, b, want| {
        let one = match b {
            DType::Bool => Arg::typed(true),
            DType::I8 => Arg::typed(1i8),
            DType::I16 => Arg::typed(1i16),
            DType::I32 => Arg::typed(1i32),
            DType::I64 => Arg::typed(1i64),
            DType::U8 => Arg::typed(1u8),
            DType::U16 => Arg::typed(1u16),
            DType::U32 => Arg::typed(1u32),
            DType::U64 => Arg::typed(1u64),
            DType::F32 => Arg::typed(1f32),
            _ => Arg::typed(1f64),
        };
        let outputs = sum.eval([("a", sample(a)), ("k", one)]).unwrap();
        assert_eq!(outputs[0].dtype(), want, "{a} array + {b} number");
    });
}

#[test]
fn functions_of_weak_numbers_stay_weak() {
    for expr in [
        "sqrt(2) * a",
        "exp(1) + a",
        "a * (2 ** 0.5)",
        "abs(-3) * a",
        "where(True, 1, 2.5) + a",
        "a * 2**-1",
    ] {
        assert_eq!(typed(expr, DType::F32), DType::F32, "{expr}");
    }
    // An operand with its own dtype does not adopt the other's.
    for expr in ["f64(2) * a", "sum(f64(a)) * a", "a + mean(i32(a))"] {
        assert_eq!(typed(expr, DType::F32), DType::F64, "{expr}");
    }
}

#[test]
fn functions_of_integers_choose_a_float_by_width() {
    use DType::*;
    for dtype in [Bool, I8, I16, U8, U16, F32] {
        for expr in ["sqrt(a)", "sin(a)", "rint(a)", "copysign(a, a)", "fma(a, a, a)"] {
            assert_eq!(typed(expr, dtype), F32, "{expr} of {dtype}");
        }
    }
    for dtype in [I32, I64, U32, U64, F64] {
        for expr in ["sqrt(a)", "sin(a)", "rint(a)", "copysign(a, a)", "fma(a, a, a)"] {
            assert_eq!(typed(expr, dtype), F64, "{expr} of {dtype}");
        }
    }
}

#[test]
fn reductions_widen_as_numpys() {
    use DType::*;
    for dtype in DType::ALL {
        let total = match dtype {
            Bool | I8 | I16 | I32 | I64 => I64,
            U8 | U16 | U32 | U64 => U64,
            _ => dtype,
        };
        assert_eq!(typed("sum(a)", dtype), total, "sum of {dtype}");
        assert_eq!(typed("prod(a)", dtype), total, "prod of {dtype}");
        assert_eq!(typed("min(a)", dtype), dtype, "min of {dtype}");
        assert_eq!(typed("max(a)", dtype), dtype, "max of {dtype}");
        assert_eq!(
            typed("mean(a)", dtype),
            if dtype.is_float() { dtype } else { F64 },
            "mean of {dtype}"
        );
        assert_eq!(typed("any(a)", dtype), Bool, "any of {dtype}");
        assert_eq!(typed("count_nonzero(a)", dtype), I64, "count of {dtype}");
    }
}

#[test]
fn literals_that_do_not_fit_are_errors_with_a_span() {
    let cases = [
        ("a + 300", DType::U8, "300 does not fit u8", "a + 300"),
        ("1 + a * -1", DType::U16, "-1 does not fit u16", "a * -1"),
        ("a + 128", DType::I8, "128 does not fit i8", "a + 128"),
        ("a - -129", DType::I8, "-129 does not fit i8", "a - -129"),
        ("4294967296 * a", DType::U32, "4294967296 does not fit u32", "4294967296 * a"),
        ("a & -1", DType::U64, "-1 does not fit u64", "a & -1"),
        ("a * 1e39", DType::F32, "does not fit f32", "a * 1e39"),
        ("where(a > 0, 1000, a)", DType::I8, "1000 does not fit i8", "where(a > 0, 1000, a)"),
        ("maximum(a, 256)", DType::U8, "256 does not fit u8", "maximum(a, 256)"),
        ("clip(a, 256, 300)", DType::U8, "256 does not fit u8", "clip(a, 256, 300)"),
    ];
    for (text, dtype, message, place) in cases {
        let error = compile(text).unwrap().eval([("a", sample(dtype))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type, "{text}");
        assert!(error.message().contains(message), "{text}: {}", error.message());
        let span = error.span().unwrap_or_else(|| panic!("{text} has no span"));
        assert_eq!(&text[span.range()], place);
    }
    // Numbers at the bounds fit.
    for (text, dtype) in [
        ("a + 255", DType::U8),
        ("a + -128", DType::I8),
        ("a + 3.4028234663852886e38", DType::F32),
        ("a + inf", DType::F32),
    ] {
        assert_eq!(typed(text, dtype), dtype, "{text}");
    }
}

#[test]
fn weak_arguments_that_do_not_fit_are_errors_that_name_the_value() {
    let program = compile("a + k").unwrap();
    let cases: [(DType, Arg, &str); 6] = [
        (DType::U8, 300i64.into(), "300 does not fit u8"),
        (DType::U8, (-1i64).into(), "-1 does not fit u8"),
        (DType::I8, 128i64.into(), "128 does not fit i8"),
        (DType::U64, i64::MIN.into(), "-9223372036854775808 does not fit u64"),
        (DType::I32, (1i64 << 31).into(), "2147483648 does not fit i32"),
        (DType::F32, 1e39.into(), "1e39 does not fit f32"),
    ];
    for (dtype, weak, message) in cases {
        let error = program.eval([("a", sample(dtype)), ("k", weak)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type, "{message}");
        assert!(error.message().contains(message), "{message}: {}", error.message());
    }
    // The same kernel works with a value that fits.
    let y = program.eval_as::<u8>([("a", sample(DType::U8)), ("k", 254i64.into())]).unwrap();
    assert_eq!(y.as_slice().unwrap(), [254, 255, 255]);
}

fn truths(expr: &str, args: &[(&str, Arg)]) -> Vec<bool> {
    compile(expr)
        .unwrap()
        .eval_as::<bool>(args)
        .unwrap_or_else(|e| panic!("{expr}: {e}"))
        .into_raw_vec_and_offset()
        .0
}

#[test]
fn integers_out_of_range_compare_exactly() {
    let u8s = [0u8, 44, 255];
    let i8s = [-128i8, 0, 127];
    let u64s = [0u64, 1 << 63, u64::MAX];
    let all = [true; 3];
    let none = [false; 3];
    let cases: [(&str, Arg, [bool; 3]); 14] = [
        ("x < k", (&u8s).into(), all),
        ("x <= k", (&u8s).into(), all),
        ("x > k", (&u8s).into(), none),
        ("x >= k", (&u8s).into(), none),
        ("x == k", (&u8s).into(), none),
        ("x != k", (&u8s).into(), all),
        ("k > x", (&u8s).into(), all),
        ("k <= x", (&u8s).into(), none),
        ("x < k", (&i8s).into(), all),
        ("x == k", (&i8s).into(), none),
        ("x > -k", (&i8s).into(), all),
        ("x > -k", (&u8s).into(), all),
        ("x > -k", (&u64s).into(), all),
        ("x == -k", (&u64s).into(), none),
    ];
    // 300 is 44 modulo 256: a wrapped comparison would be true. The value is a literal and an
    // argument.
    for (expr, x, want) in cases {
        assert_eq!(
            truths(&expr.replace('k', "300"), &[("x", x.clone())]),
            want,
            "{expr} with a literal"
        );
        assert_eq!(
            truths(expr, &[("x", x.clone()), ("k", 300i64.into())]),
            want,
            "{expr} with an argument"
        );
    }
    // Values in range are compared as usual.
    assert_eq!(truths("x < 44", &[("x", (&u8s).into())]), [true, false, false]);
    assert_eq!(truths("x >= k", &[("x", (&u8s).into()), ("k", 44i64.into())]), [false, true, true]);
    assert_eq!(
        truths("x > k", &[("x", (&u64s).into()), ("k", i64::MAX.into())]),
        [false, true, true]
    );
    assert_eq!(
        truths("x == k", &[("x", (&u64s).into()), ("k", 0i64.into())]),
        [true, false, false]
    );
}

#[test]
fn i64_and_u64_compare_exactly() {
    // Arithmetic promotes them to f64, but NumPy 2 compares them exactly.
    let i = [(1i64 << 53) + 1, -1, i64::MAX, 5];
    let u = [1u64 << 53, u64::MAX, 1 << 63, 5];
    let args = [("i", Arg::from(&i)), ("u", Arg::from(&u))];
    assert_eq!(truths("i == u", &args), [false, false, false, true]);
    assert_eq!(truths("i > u", &args), [true, false, false, false]);
    assert_eq!(truths("i < u", &args), [false, true, true, false]);
    assert_eq!(truths("u >= i", &args), [false, true, true, true]);
    assert_eq!(truths("u != i", &args), [true, true, true, false]);
}

#[test]
fn weak_floats_round_to_the_dtype_they_meet() {
    let x = [0.1f32, 0.2];
    assert_eq!(truths("x == 0.1", &[("x", (&x).into())]), [true, false]);
    assert_eq!(truths("x == k", &[("x", (&x).into()), ("k", 0.1.into())]), [true, false]);
    assert_eq!(truths("x == k", &[("x", (&x).into()), ("k", Arg::typed(0.1f64))]), [false, false]);
    let y = compile("x * 1.1").unwrap().eval_as::<f32>(("x", &x)).unwrap();
    assert_eq!(y.as_slice().unwrap(), [0.1f32 * 1.1, 0.2 * 1.1]);
}

/// The dtypes of NumPy's functions of two real numbers for each pair: the wider of both operands'
/// float dtypes, with f32 for NumPy's float16. `sinc` and `/` convert integers to f64,
/// `float_power` everything.
#[test]
fn v5_functions_of_two_reals_take_each_operand_as_its_own_float() {
    let float = |dtype: DType| match dtype {
        DType::Bool | DType::I8 | DType::I16 | DType::U8 | DType::U16 | DType::F32 => DType::F32,
        _ => DType::F64,
    };
    for name in
        ["hypot", "arctan2", "copysign", "nextafter", "heaviside", "logaddexp", "logaddexp2"]
    {
        let program = compile(&format!("{name}(a, b)")).unwrap();
        for_each_pair(|a, b, _| {
            let want = promote(float(a), float(b));
            let outputs = program.eval([("a", sample(a)), ("b", sample(b))]).unwrap();
            assert_eq!(outputs[0].dtype(), want, "{name} of {a} and {b}");
        });
    }
    let fma = compile("fma(a, b, a)").unwrap();
    let outputs = fma.eval([("a", sample(DType::I16)), ("b", sample(DType::U16))]).unwrap();
    assert_eq!(outputs[0].dtype(), DType::F32);
    for_each_pair(|a, b, _| {
        let program = compile("float_power(a, b)").unwrap();
        let outputs = program.eval([("a", sample(a)), ("b", sample(b))]).unwrap();
        assert_eq!(outputs[0].dtype(), DType::F64, "float_power of {a} and {b}");
    });
    // A weak float with operands of lower kinds only is f64, as it is alone; with a float it adopts
    // its dtype.
    for dtype in [DType::Bool, DType::I8, DType::U16] {
        assert_eq!(typed("hypot(a, 2.5)", dtype), DType::F64, "{dtype}");
        let integer = if dtype == DType::Bool { DType::F64 } else { DType::F32 };
        assert_eq!(typed("hypot(2, a)", dtype), integer, "{dtype}");
    }
    assert_eq!(typed("hypot(a, 2.5)", DType::F32), DType::F32);
    assert_eq!(typed("ldexp(a, 3)", DType::I16), DType::F32);
    assert_eq!(typed("ldexp(2.0, a)", DType::I16), DType::F64);
    assert_eq!(typed("sinc(a)", DType::I8), DType::F64);
    assert_eq!(typed("sinc(a)", DType::F32), DType::F32);
}

/// The dtypes of functions of bools, if NumPy has them, and of functions with a fixed dtype.
#[test]
fn v4_functions_of_bools_are_numpys() {
    for (expr, want) in [
        ("square(a)", DType::I8),
        ("reciprocal(a)", DType::I8),
        ("conj(a)", DType::I8),
        ("abs(a)", DType::Bool),
        ("copy(a)", DType::Bool),
        ("real(a)", DType::Bool),
        ("imag(a)", DType::Bool),
        ("ones_like(a)", DType::Bool),
        // NumPy's result is float16, which hotloop does not have.
        ("round(a)", DType::Bool),
        ("fabs(a)", DType::F32),
        ("bitwise_count(a)", DType::U8),
        ("logical_not(a)", DType::Bool),
    ] {
        assert_eq!(typed(expr, DType::Bool), want, "{expr}");
    }
    for (expr, value) in [("square(a)", [0i8, 1, 1]), ("reciprocal(a)", [0, 1, 1])] {
        let outputs = compile(expr).unwrap().eval([("a", sample(DType::Bool))]).unwrap();
        assert_eq!(outputs[0].view::<i8>().unwrap().as_slice(), Some(&value[..]), "{expr}");
    }
    for expr in ["positive(a)", "sign(a)", "negative(a)", "ptp(a)"] {
        let error = compile(expr).unwrap().eval([("a", sample(DType::Bool))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type, "{expr}");
    }
    for dtype in DType::ALL.into_iter().filter(|d| !d.is_float()) {
        assert_eq!(typed("bitwise_count(a)", dtype), DType::U8, "{dtype}");
    }
}
