//! What needs rows that have not arrived is an error at its place, which names what to use.

use hotloop::ndarray::Array2;
use hotloop::{ErrorKind, compile};

/// The error of a stream of this text over a vector `x` and a matrix `m`, and the text it points at.
fn refused(text: &str, axis: i64) -> (String, String) {
    let (x, m) = ([0.0f64; 0], Array2::<f64>::zeros((4, 3)));
    let program = compile(text).unwrap();
    let stream = match text.contains('m') && program.inputs().any(|name| name == "m") {
        true => program.stream((("x", &m), ("m", &m), ("y", &m)), axis),
        false => program.stream((("x", &x), ("y", &x)), axis),
    };
    let error = stream.err().unwrap_or_else(|| panic!("{text} runs"));
    assert_eq!(error.kind(), ErrorKind::Type, "{text}: {error}");
    let span = error.span().unwrap_or_else(|| panic!("{text} has no span: {error}"));
    (error.to_string(), text[span.start as usize..span.end as usize].to_string())
}

#[test]
fn errors_name_the_causal_function() {
    let cases = [
        ("x - mean(x)", 0, "mean(x)", "`expanding_mean` is the mean so far"),
        ("x / sum(x)", 0, "sum(x)", "`cumsum` is the sum so far"),
        ("x - min(x), x", 0, "min(x)", "`cummin`"),
        ("x / max(x)", 0, "max(x)", "`cummax`"),
        ("x * prod(x)", 0, "prod(x)", "`cumprod`"),
        ("x + std(x)", 0, "std(x)", "`rolling_std`"),
        ("x + var(x)", 0, "var(x)", "`rolling_var`"),
        ("where(any(x > 1), x, 0)", 0, "any(x > 1)", "`cummax(condition)`"),
        ("where(all(x > 1), x, 0)", 0, "all(x > 1)", "`cummin(condition)`"),
        ("x + argmin(x)", 0, "argmin(x)", "`rolling_argmin`"),
        ("y * zscore(x)", 0, "zscore(x)", "`expanding_mean`"),
        ("x[1:]", 0, "x[1:]", "no slice of its rows"),
        ("x[0] + y", 0, "x[0]", "no slice of its rows"),
        ("x[::2]", 0, "x[::2]", "no slice of its rows"),
        ("x[::-1]", 0, "x[::-1]", "later rows"),
        ("shift(x, -1)", 0, "shift(x, -1)", "later rows"),
        ("diff(x, -2) + 1", 0, "diff(x, -2)", "later rows"),
        ("m.T", 0, "m.T", "moves the axis"),
        ("transpose(m) + 1", 1, "transpose(m)", "moves the axis"),
        ("sum(m, axis=0) + m", 0, "sum(m, axis=0)", "`cumsum`"),
        ("mean(m, axis=-2)", 0, "mean(m, axis=-2)", "`rolling_mean`"),
        ("sum(m) + m", 1, "sum(m)", "`cumsum`"),
        ("cumsum(m, axis=1)", 0, "cumsum(m, axis=1)", "say `axis=0`"),
        ("m + rolling_mean(m, 3)", 0, "rolling_mean(m, 3)", "say `axis=0`"),
        ("cumsum(m, axis=0)", 1, "cumsum(m, axis=0)", "say `axis=1`"),
        ("m[:, 0] + m", 0, "m[:, 0] + m", "different axes"),
    ];
    for (text, axis, place, advice) in cases {
        let (error, at) = refused(text, axis);
        assert_eq!(at, place, "{error}");
        assert!(error.contains(advice), "{text}: {error}");
    }
}

#[test]
fn what_is_computed_in_each_row_is_possible() {
    let m = Array2::<f64>::zeros((4, 3));
    for text in [
        "m - mean(m, axis=1, keepdims=True)",
        "sum(m, axis=1), m[:, 0], m[:, ::-1], m[:, 1:]",
        "cumsum(m, axis=0)[:, -1]",
        "m[None], m[:, None, :]",
        "m[0:], m[:]",
    ] {
        compile(text).unwrap().stream(("m", &m), 0).unwrap_or_else(|e| panic!("{text}: {e}"));
    }
}

#[test]
fn a_stream_needs_rows() {
    let x = [0.0f64; 0];
    let error = compile("x + 1").unwrap().stream(("x", &x), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    assert!(error.to_string().contains("no input has the axis 1"), "{error}");
    let error = compile("x + 1").unwrap().stream(("x", 1.0), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let error = compile("x + k, k * 2").unwrap().stream((("x", &x), ("k", 1.0)), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert!(error.to_string().contains("depends on none"), "{error}");
    let error = compile("x + 1").unwrap().stream(("y", &x), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Name);
}
