//! C. Names, arity, types.

use hotloop::{Arg, DType, Element, ErrorKind, Out, compile, ndarray};

use super::{engines, eval, exact, expect, refused, same, seconds, within};

#[test]
fn c1_unknown_names_with_suggestions() {
    for (text, hint) in [
        ("sine(x)", "did you mean 'sin', 'sinc' or 'since'?"),
        ("exp1m(x)", "'expm1'"),
        ("arctn(x)", "'arctan'"),
        ("frobnicate(x)", "lists what there is"),
        ("copysing(x, x)", "'copysign'"),
        ("maximun(x, x)", "'maximum'"),
        ("isNaN(x)", "'isnan'"),
        ("Sin(x)", "'sin'"),
    ] {
        expect(&refused(text), ErrorKind::Name, hint);
    }
    let hint = refused("fmi(x)").hints()[0].clone();
    assert!(hint.matches('\'').count() <= 6, "at most three of them: {hint}");
    // With ten thousand names, of bindings and of functions.
    let mut text = String::new();
    for i in 0..10_000 {
        text += &format!("value{i} = {i}\n");
    }
    let bound = format!("{text}valu77 + a");
    let program = compile(&bound).unwrap();
    assert!(program.inputs().eq(["valu77", "a"]), "an input, for it is not bound");
    let args: Vec<(String, Arg)> = (0..10_000).map(|i| (format!("value{i}"), 1.0.into())).collect();
    let args: Vec<(&str, Arg)> = args.iter().map(|(n, a)| (n.as_str(), a.clone())).collect();
    let error = within(seconds(2), || program.eval(args.as_slice()).unwrap_err());
    expect(&error, ErrorKind::Name, "missing the input 'valu77'");
    assert!(error.to_string().contains("'value"), "{error}");
    let mut defs = String::new();
    for i in 0..10_000 {
        defs += &format!("def value{i}(x) = x\n");
    }
    let error = within(seconds(10), || refused(&(defs + "valu77(a)")));
    expect(&error, ErrorKind::Name, "'value77'");
}

#[test]
fn c2_wrong_arity() {
    for (text, signature) in [
        ("sin()", "sin(x)"),
        ("pow(x)", "pow(x, y)"),
        ("where(a,b)", "where(condition, x, y)"),
        ("clip()", "clip(x, min=None, max=None, *, a_min=None, a_max=None)"),
        (
            "sum(a, b)",
            "sum(x, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True)",
        ),
        ("log(a, 10)", "log10(x)"),
        ("arctan(a, b)", "arctan2(y, x)"),
        ("q, r = a", "one by one"),
        ("divmod(a, b) + 1", "q, r = divmod(x, y)"),
        ("q = divmod(a, b)", "q, r = divmod(x, y)"),
        ("a, b, c = divmod(x, y)", "q, r = divmod(x, y)"),
        ("max(a, b)", "maximum(x, y)"),
    ] {
        expect(&refused(text), ErrorKind::Arity, signature);
    }
}

#[test]
fn c3_unused_missing_and_double_arguments() {
    let x = [1.0, 2.0];
    let program = compile("a * 2").unwrap();
    let y = program.eval_as::<f64>([("a", &x), ("unused", &x)]).unwrap();
    assert_eq!(y.as_slice().unwrap(), [2.0, 4.0]);
    // An unused argument is not checked.
    // SAFETY: the array is never read.
    let wild = unsafe { Arg::raw(std::ptr::null(), &[usize::MAX], &[8], DType::F64) };
    assert!(program.eval([("a", (&x).into()), ("wild", wild)]).is_ok());
    let none: [(&str, Arg); 0] = [];
    expect(&program.eval(none).unwrap_err(), ErrorKind::Name, "missing the input 'a'");
    // An argument with the name of a binding is probably a mistake.
    let both = [("a", Arg::from(&x)), ("b", Arg::from(&x))];
    let error = compile("a = b").unwrap().eval(both).unwrap_err();
    expect(&error, ErrorKind::Name, "the array given as 'a' is never read");
    assert_eq!(error.hints(), ["`==` compares; `=` binds a name"]);
    let error = compile("a == true").unwrap().eval([("a", Arg::from(&x))]).unwrap_err();
    expect(&error, ErrorKind::Name, "did you mean `True`?");
    assert_eq!(error.span().unwrap().range(), 5..9);
    let twice = program.eval([("a", &x), ("a", &x)]).unwrap_err();
    expect(&twice, ErrorKind::Name, "'a' is given twice");
    let positional: [Arg; 2] = [(&x).into(), (&x).into()];
    expect(&program.eval(positional).unwrap_err(), ErrorKind::Arity, "2 arguments for 1 input");
}

#[test]
fn c4_what_is_not_supported_says_so() {
    expect(&refused("a + 2j"), ErrorKind::Type, "complex");
    expect(&refused("a == 'text'"), ErrorKind::Type, "strings");
    for text in ["c64(a)", "f16(a)", "float16(a)", "datetime64(a)", "str(a)"] {
        expect(&refused(text), ErrorKind::Name, "unknown function");
    }
}

#[test]
fn c5_promotion_never_wraps() {
    let u8s = [200u8, 255];
    let error = compile("a + 2**70").unwrap().eval([Arg::from(&u8s)]).unwrap_err();
    expect(&error, ErrorKind::Type, "1180591620717411303424 does not fit u8");
    let error = compile("a + 256").unwrap().eval([Arg::from(&u8s)]).unwrap_err();
    expect(&error, ErrorKind::Type, "256 does not fit u8");
    assert_eq!(error.hints(), ["convert the other operand to a wider dtype: `i16(a)`"]);
    exact::<i16>("i16(a) + 256", &[("a", Arg::from(&u8s))], &[456, 511]);
    assert_eq!(error.span().unwrap().range(), 0..7);
    let mixed = [("a", Arg::from(&[i64::MAX])), ("b", Arg::from(&[u64::MAX]))];
    same(&eval::<f64>("a + b", &mixed), &[i64::MAX as f64 + u64::MAX as f64]);
    let mixed = [("a", Arg::from(&[16777217i32])), ("b", Arg::from(&[1f32]))];
    same(&eval::<f64>("a + b", &mixed), &[16777218.0]);
    assert_eq!(
        eval::<bool>(
            "a + b",
            &[("a", Arg::from(&[true, false])), ("b", Arg::from(&[true, false]))]
        ),
        [true, false]
    );
}

#[test]
fn c5_weak_arithmetic_of_run_time_never_wraps() {
    // Literals would be an error here; arguments must not give a wrong number instead.
    for (expr, k) in [
        ("a + (k + 1)", i64::MAX),
        ("a + k * 2", i64::MAX),
        ("a - -k", i64::MIN),
        ("a + k**2", 1 << 40),
        ("a + abs(k)", i64::MIN),
    ] {
        for (name, engine) in engines() {
            let result =
                engine.compile(expr).unwrap().eval([("a", Arg::from(&[0.0])), ("k", k.into())]);
            expect(
                &result.expect_err(&format!("{expr} on {name}")),
                ErrorKind::Type,
                "does not fit i64",
            );
        }
    }
}

#[test]
fn c6_operations_that_are_not_defined() {
    let bools = [("b", Arg::from(&[true])), ("x", Arg::from(&[1.5]))];
    for (text, message) in [
        ("-b", "bool is not defined"),
        ("b - b", "bool - bool is not defined"),
        ("x & 1", "not f64"),
        ("x | x", "not f64"),
        ("~x", "not f64"),
        ("x << 1", "not f64"),
        ("b and x", "not f64"),
        ("not x", "not f64"),
        ("1 if x else 2", "must be bool"),
        ("sign(b)", "bool is not defined"),
    ] {
        for (name, engine) in engines() {
            let error = engine.compile(text).unwrap().eval(&bools[..]).expect_err(name);
            expect(&error, ErrorKind::Type, message);
            assert!(error.span().is_some(), "{text}");
        }
    }
    assert_eq!(eval::<i8>("b // b", &bools[..1]), [1]);
}

/// Inputs and outputs in the opposite byte order have the same values, for every dtype and in every
/// kind of pass.
#[test]
fn c7_bytes_in_the_other_order() {
    fn check<T: Element>(value: impl Fn(usize) -> T) {
        let size = size_of::<T>();
        let (rows, columns) = (37, 130);
        let n = rows * columns;
        let own: Vec<T> = (0..n).map(value).collect();
        // SAFETY: elements have no padding.
        let bytes = unsafe { std::slice::from_raw_parts(own.as_ptr().cast::<u8>(), n * size) };
        let turn = |bytes: &[u8]| -> Vec<u8> {
            bytes.chunks_exact(size).flat_map(|e| e.iter().rev()).copied().collect()
        };
        let other = turn(bytes);
        let step = size as isize;
        let down = step * columns as isize;
        let last = (n - 1) * size;
        let grids: [(usize, [usize; 2], [isize; 2]); 4] = [
            (0, [rows, columns], [down, step]),
            (0, [columns, rows], [step, down]),
            (last, [rows, columns], [-down, -step]),
            (0, [rows, columns / 2], [down, 2 * step]),
        ];
        for (first, shape, strides) in grids {
            // SAFETY: every element is in the list.
            let seen = |from: &[u8]| unsafe {
                Arg::raw(from.as_ptr().add(first), &shape, &strides, T::DTYPE)
            };
            let scalar = || {
                // SAFETY: the address is that of the last element.
                unsafe { Arg::raw(other.as_ptr().add(last), &[], &[], T::DTYPE) }.byte_swapped()
            };
            for text in [
                "a",
                "where(a == k, k, a)",
                "a[::-1] == transpose(transpose(a)[:, ::-1])",
                "a == a[..., :1]",
                "max(a, axis=0)",
                "max(a, axis=1)",
                "argmin(a), count_nonzero(a)",
                "sum(a == k, axis=0), sum(a == k)",
            ] {
                for (name, engine) in engines() {
                    let program = engine.compile(text).unwrap();
                    let k = Arg::typed(own[n - 1]);
                    let want = program.eval([("a", seen(bytes)), ("k", k)]).unwrap();
                    let args = [("a", seen(&other).byte_swapped()), ("k", scalar())];
                    let got = program.eval(&args[..]).unwrap();
                    for (got, want) in got.iter().zip(want.iter()) {
                        assert_eq!(got.shape(), want.shape(), "{text} of {} on {name}", T::DTYPE);
                        assert!(got.bytes() == want.bytes(), "{text} of {} on {name}", T::DTYPE);
                    }
                    // Outputs in the opposite byte order, over the input or elsewhere.
                    if want.len() > 1 {
                        continue;
                    }
                    let want = &want[0];
                    let out_size = want.dtype().size();
                    let mut room = vec![0xa5u8; want.bytes().len()];
                    let mut at = out_size as isize;
                    let mut dense = vec![0isize; want.shape().len()];
                    for (stride, extent) in dense.iter_mut().zip(want.shape()).rev() {
                        *stride = at;
                        at *= *extent as isize;
                    }
                    // SAFETY: the memory has the size of the output.
                    let out =
                        unsafe { Out::raw(room.as_mut_ptr(), want.shape(), &dense, want.dtype()) };
                    program.eval_into(&args[..], &mut [out.byte_swapped()]).unwrap();
                    let back: Vec<u8> =
                        room.chunks_exact(out_size).flat_map(|e| e.iter().rev()).copied().collect();
                    assert!(back == *want.bytes(), "out of {text} of {} on {name}", T::DTYPE);
                }
            }
        }
        // In place.
        for (name, engine) in engines() {
            let mut room = other.clone();
            // SAFETY: the array is the whole memory.
            let out = unsafe { Out::raw(room.as_mut_ptr(), &[n], &[step], T::DTYPE) };
            let program = engine.compile("a[::-1]").unwrap();
            program.eval_into((), &mut [Out::inout("a", out.byte_swapped())]).unwrap();
            let reversed: Vec<u8> =
                turn(bytes).chunks_exact(size).rev().flatten().copied().collect();
            assert!(room == reversed, "{} in place on {name}", T::DTYPE);
        }
    }
    check(|i| i % 3 == 0);
    check(|i| (i * 37 % 251) as u8 as i8);
    check(|i| (i * 37 % 251) as u8);
    check(|i| (i * 7919) as i16);
    check(|i| (i * 7919) as u16);
    check(|i| (i * 0x9e37_79b9) as i32);
    check(|i| (i * 0x9e37_79b9) as u32);
    check(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as i64);
    check(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    check(|i| (i as f32 - 99.0) / 7.0);
    check(|i| (i as f64 - 99.0) / 7.0);
}

#[test]
fn c8_single_numbers_of_all_sorts() {
    let zero_d = ndarray::arr0(2.0);
    let one = [2.0];
    let row = [1.0, 10.0];
    let program = compile("a * b").unwrap();
    let shape_of = |a: Arg, b: Arg| {
        let outputs = program.eval([a, b]).unwrap();
        (
            outputs[0].shape().to_vec(),
            outputs[0].view::<f64>().unwrap().iter().copied().collect::<Vec<_>>(),
        )
    };
    assert_eq!(shape_of((&zero_d).into(), (&zero_d).into()), (vec![], vec![4.0]));
    assert_eq!(shape_of((&zero_d).into(), (&one).into()), (vec![1], vec![4.0]));
    assert_eq!(shape_of((&one).into(), (&row).into()), (vec![2], vec![2.0, 20.0]));
    assert_eq!(shape_of(2.0.into(), Arg::typed(3.0)), (vec![], vec![6.0]));
    assert_eq!(shape_of(2i64.into(), 0.5.into()), (vec![], vec![1.0]));
}

#[test]
fn c9_empty_arrays() {
    for shape in [vec![0], vec![0, 3], vec![3, 0, 2]] {
        let empty = ndarray::ArrayD::<f64>::zeros(shape.clone());
        for (name, engine) in engines() {
            let eval = |expr: &str| engine.compile(expr).unwrap().eval(("a", &empty));
            let y = eval("sin(a) * 2 + 1").unwrap();
            assert_eq!((y[0].shape(), y[0].dtype()), (&shape[..], DType::F64), "{name}");
            for (expr, want) in [("sum(a)", 0.0), ("prod(a)", 1.0), ("sum(a + 1) + 5", 5.0)] {
                assert_eq!(
                    eval(expr).unwrap().take::<f64>(0).unwrap()[[]],
                    want,
                    "{expr} on {name}"
                );
            }
            assert!(eval("mean(a)").unwrap().take::<f64>(0).unwrap()[[]].is_nan());
            for (expr, want) in [("any(a > 0)", false), ("all(a > 0)", true)] {
                assert_eq!(
                    eval(expr).unwrap().take::<bool>(0).unwrap()[[]],
                    want,
                    "{expr} on {name}"
                );
            }
            for expr in ["min(a)", "max(a)", "a + max(a)", "min(a > 0)", "max(i8(a))"] {
                let error = eval(expr).expect_err(&format!("{expr} on {name}"));
                expect(&error, ErrorKind::Shape, "empty array");
            }
        }
    }
}

#[test]
fn c10_bool_bytes_of_any_value() {
    let bytes: Vec<u8> =
        (0..1031).map(|i| if i % 3 == 0 { 0 } else { (i % 255 + 1) as u8 }).collect();
    let want: Vec<bool> = bytes.iter().map(|b| *b != 0).collect();
    // SAFETY: the bytes live until the end of the test; bools may have any byte here.
    let b = || unsafe { Arg::raw(bytes.as_ptr(), &[bytes.len()], &[1], DType::Bool) };
    // SAFETY: as above.
    let reversed = || unsafe {
        Arg::raw(bytes.as_ptr().add(bytes.len() - 1), &[bytes.len()], &[-1], DType::Bool)
    };
    let not: Vec<bool> = want.iter().map(|v| !v).collect();
    let args = [("b", b())];
    for expr in [
        "b",
        "b | False",
        "b & True",
        "not not b",
        "b != False",
        "b == True",
        "b and b",
        "where(b, True, False)",
        "b if b else b",
        "u8(b) == 1",
        "b ^ False",
        "bool(u8(b))",
    ] {
        // A bool in an output is 0 or 1, whatever was read.
        for (name, engine) in engines() {
            let outputs = engine.compile(expr).unwrap().eval(&args[..]).unwrap();
            assert!(
                outputs[0].bytes().iter().zip(&want).all(|(got, want)| *got == u8::from(*want)),
                "{expr} on {name}"
            );
        }
    }
    for expr in ["~b", "not b", "b ^ True", "b == False", "b < True"] {
        assert_eq!(eval::<bool>(expr, &args), not, "{expr}");
    }
    let count = want.iter().filter(|v| **v).count() as i64;
    for expr in ["sum(b)", "count_nonzero(b)", "sum(i64(b))", "sum(where(b, 1, 0))"] {
        assert_eq!(eval::<i64>(expr, &args), [count], "{expr}");
    }
    assert_eq!(
        eval::<f64>("f64(b)", &args),
        want.iter().map(|v| f64::from(u8::from(*v))).collect::<Vec<_>>()
    );
    let backwards: Vec<bool> = want.iter().rev().copied().collect();
    assert_eq!(eval::<bool>("b", &[("b", reversed())]), backwards);
    // SAFETY: as above.
    let one = unsafe { Arg::raw(&raw const bytes[1], &[], &[], DType::Bool) };
    assert_eq!(eval::<bool>("b == True", &[("b", one.clone())]), [true]);
    assert_eq!(eval::<i8>("i8(b)", &[("b", one)]), [1]);
}
