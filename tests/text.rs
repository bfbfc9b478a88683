//! Goldens of passes as CUDA C: what is written for a program after the prelude.

use hotloop::{ArgType, DType, Engine, ErrorKind, Mode};

/// The text of a program for types written as `a: f64, b: i32`.
fn whole(text: &str, types: &str) -> String {
    let types: Vec<(&str, ArgType)> = types
        .split(", ")
        .map(|item| {
            let (name, dtype) = item.split_once(": ").expect("a type");
            (name, ArgType::array(DType::from_name(dtype).expect("a dtype")))
        })
        .collect();
    let engine = Engine::builder().threads(1).mode(Mode::Strict).build();
    let program = engine.compile(text).unwrap_or_else(|e| panic!("{e}"));
    program.specialize(&types).unwrap().cuda_text().unwrap_or_else(|e| panic!("{e}"))
}

/// The same without the prelude.
fn written(text: &str, types: &str) -> String {
    let whole = whole(text, types);
    let (_, program) = whole.split_once("// Tables, functions and kernels.\n").expect("the line");
    format!("{text}\n\n{program}")
}

macro_rules! golden {
    ($($name:ident, $text:expr, $types:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(concat!("text_", stringify!($name)), written($text, $types));
        }
    )*};
}

golden! {
    arithmetic, "(a - b) / (a + b) * 2", "a: f64, b: f64";
    conversions, "where(a > 0 and b < 5, x, f32(y)) + u8(x)", "a: f32, b: u8, x: f64, y: i64";
    integer_division, "a // b + a % 3, a << b", "a: i32, b: i32";
    exponential, "exp(-a * a)", "a: f64";
    two_passes, "(a + 1).T * 2 + b", "a: f32, b: f32";
    reduction, "sum(a * b), max(b)", "a: f64, b: f64";
    // Reduced by a function of the prelude where arguments are huge.
    sine, "sin(a)", "a: f32";
}

/// Names of the program are not in the text, whatever they are.
#[test]
fn names_stay_outside() {
    let text = "__syncthreads = main * threadIdx; asm = __syncthreads + 1; asm, hl_add(asm)";
    let text = text.replace("hl_add(asm)", "-asm");
    let own = whole(&text, "main: f64, threadIdx: f64");
    let (_, program) = own.split_once("// Tables, functions and kernels.\n").expect("the line");
    for name in ["__syncthreads", "main", "threadIdx", "asm"] {
        assert!(!program.contains(name), "{name} in\n{program}");
    }
    assert_eq!(own, whole("x = a * b; y = x + 1; y, -y", "a: f64, b: f64"));
}

/// What has no text says so.
#[test]
fn what_has_no_text_is_refused() {
    let engine = Engine::builder().threads(1).build();
    let widths = "reductions of different widths in one pass";
    for (text, what) in [("sum(a), sum(f32(a))", widths), ("cumsum(a)", "scans")] {
        let types = [("a", ArgType::array(DType::F64))];
        let kernel = engine.compile(text).unwrap().specialize(&types).unwrap();
        let error = kernel.cuda_text().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type);
        assert_eq!(error.message(), format!("the backend has no {what}"));
    }
}
