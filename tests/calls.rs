//! Calls of functions: aliases, and options after the operands.

use hotloop::{Arg, Error, ErrorKind, compile};

/// The error of a program with an array of bools `m`, one of integers `n` and one of floats `x`.
fn refused(text: &str) -> Error {
    let args =
        [("m", Arg::from(&[true, false])), ("n", (&[1i32, 2]).into()), ("x", (&[0.5, 1.5]).into())];
    match compile(text).and_then(|program| program.eval(args)) {
        Ok(outputs) => panic!("{text:?} evaluates to {outputs:?}"),
        Err(error) => error,
    }
}

#[test]
fn errors_name_what_was_typed() {
    for (text, want) in [
        ("absolute(x, n)", "'absolute' does not take 2 arguments"),
        ("absolute(x, n)", "it is called as absolute(x)"),
        ("np.absolute(x, n)", "it is called as absolute(x)"),
        ("amax(x, n)", "it is called as amax(x, axis=None, out=None, "),
        ("true_divide(x)", "it is called as true_divide(x, y)"),
        ("asin(x, 1, y=2)", "it is called as asin(x)"),
        ("bitwise_and(x, 1)", "`bitwise_and` takes bools and integers, not f64"),
        ("bitwise_invert(x)", "`bitwise_invert` takes bools and integers, not f64"),
        ("bitwise_left_shift(1, x)", "`bitwise_left_shift` takes bools and integers, not f64"),
        ("amin(x, where=m)", "amin of some elements only needs the value it has"),
        ("amax(x, initial=x)", "the initial value of amax is one number"),
        // Errors use the spelling of the program: the operator, or the first of several that are
        // equal.
        ("x & 1", "`&` takes bools and integers, not f64"),
        ("n & n, x & n, bitwise_and(x, n)", "`&` takes bools and integers, not f64"),
        ("bitwise_and(n, n), bitwise_and(x, n), x & n", "`bitwise_and` takes bools and integers"),
        ("abs(x, n)", "it is called as abs(x)"),
    ] {
        let error = refused(text).to_string();
        assert!(error.contains(want), "{text}: {error}");
    }
}

#[test]
fn what_follows_the_operands_is_what_numpy_has_there() {
    for (text, kind, want) in [
        ("sum(x, 0, 3)", ErrorKind::Type, "a dtype is written by its name"),
        ("sum(x, 0, 'f4', x)", ErrorKind::Type, "a program does not write to its inputs"),
        ("sum(x, 0, 'f4', None, 2)", ErrorKind::Type, "keepdims is True or False"),
        ("sum(x, 0, None, None, 1, 0, m, 1)", ErrorKind::Arity, "'sum' does not take 8 arguments"),
        ("mean(x, 0, f32, None, 1, m)", ErrorKind::Arity, "keepdims=False, *, where=True)"),
        (
            "argmax(x, 0, None, True)",
            ErrorKind::Arity,
            "argmax(x, axis=None, out=None, *, keepdims",
        ),
        ("sum(x, 0, f32, dtype=f32)", ErrorKind::Arity, "the argument 'dtype' is given twice"),
        ("var(x, 0, None, None, 1, ddof=1)", ErrorKind::Arity, "'ddof' is given twice"),
        ("var(x, ddof=1, correction=1)", ErrorKind::Arity, "'ddof' is given twice"),
        ("sin(x, out=x)", ErrorKind::Type, "a program does not write to its inputs"),
        ("max(x, 0, x)", ErrorKind::Type, "a program does not write to its inputs"),
        ("isin(x, [1], invert=x)", ErrorKind::Type, "invert is True or False"),
        ("isin(x, [1], kind=None)", ErrorKind::Name, "unknown keyword 'kind' for 'isin'"),
        ("zeros_like(x, 1)", ErrorKind::Type, "a dtype is written by its name"),
        ("zeros_like(x, f32, 1)", ErrorKind::Arity, "it is called as zeros_like(x, dtype=None)"),
        (
            "allclose(x)",
            ErrorKind::Arity,
            "allclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False, *",
        ),
    ] {
        let error = refused(text);
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(want), "{text}: {error}");
    }
}

/// A variable may be named like a dtype, except where a dtype is expected.
#[test]
fn names_of_dtypes_are_variables_elsewhere() {
    let program = compile("power(int, 2), sum(f4 * 2, 0, f4)").unwrap();
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["int", "f4"]);
    let outputs =
        program.eval([("int", Arg::from(&[3i64])), ("f4", (&[1.5, 2.0]).into())]).unwrap();
    assert_eq!(outputs[0].view::<i64>().unwrap().as_slice().unwrap(), [9]);
    assert_eq!(outputs[1].view::<f32>().unwrap().as_slice().unwrap_or_default(), [7.0]);
}

/// As in NumPy: infinite if the squares overflow, NaN without degrees of freedom.
#[test]
fn variances_of_some_elements_overflow_to_infinity() {
    let of = |text: &str, x: &[f64]| {
        compile(text).and_then(|program| program.eval_as::<f64>([Arg::from(x)])).unwrap()[[]]
    };
    let far = [1.0, 2.0, 1e200];
    for text in ["nanvar(x)", "nanstd(x)", "var(x, where=x > 0)", "var(x)"] {
        assert_eq!(of(text, &far), f64::INFINITY, "{text}");
    }
    assert_eq!(of("nanvar(x)", &[1.0, f64::NAN, 3.0]), 1.0);
    assert!(of("nanvar(x, ddof=1)", &[1.0]).is_nan());
    assert!(of("nanvar(x)", &[f64::INFINITY, 1.0]).is_nan());
}
