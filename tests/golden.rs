//! Golden outputs of `explain`: graph, optimized graph and plan.
//!
//! The plan depends on the instruction set, so the baseline is used, which every machine has. The
//! line about machine code is left out.

use hotloop::threads::Isa;
use hotloop::types::Kind;
use hotloop::{ArgType, DType, Engine, Mode};

/// The explanation of a program for types written as `a: f64, k: weak float, b: f32@1`, where
/// `@1` is another shape class and a leading `scalar` makes one element.
fn explain(mode: Mode, text: &str, types: &str) -> String {
    let types: Vec<(&str, ArgType)> = types
        .split(',')
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .map(|item| {
            let (name, ty) = item.split_once(": ").unwrap();
            (name, arg_type(ty))
        })
        .collect();
    let engine = Engine::builder().isa(Isa::Baseline).threads(1).mode(mode).build();
    let program = engine.compile(text).unwrap_or_else(|e| panic!("{e}"));
    let explained = program.explain(&types).unwrap_or_else(|e| panic!("{e}"));
    let steady: Vec<&str> = explained.lines().filter(|l| !l.contains("machine code")).collect();
    assert_eq!(steady.len() + 1, explained.lines().count(), "one line about machine code");
    // Explaining again gives the same text, whatever was compiled meanwhile.
    assert_eq!(engine.compile(text).unwrap().explain(&types).unwrap(), explained);
    format!("{text}\n\n{}", steady.join("\n"))
}

fn arg_type(ty: &str) -> ArgType {
    let dtype = |name| DType::from_name(name).unwrap_or_else(|| panic!("no dtype {name}"));
    match ty {
        "weak bool" => ArgType::weak(Kind::Bool),
        "weak int" => ArgType::weak(Kind::Int),
        "weak float" => ArgType::weak(Kind::Float),
        _ => match (ty.strip_prefix("scalar "), ty.split_once('@')) {
            (Some(name), _) => ArgType::scalar(dtype(name)),
            (None, Some((name, class))) => {
                ArgType::array_of_shape(dtype(name), class.parse().unwrap()).unwrap()
            }
            (None, None) => ArgType::array(dtype(ty)),
        },
    }
}

macro_rules! golden {
    ($($name:ident, $mode:ident, $text:expr, $types:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), explain(Mode::$mode, $text, $types));
        }
    )*};
}

golden! {
    fused_chain, Strict, "(a - b) / (a + b) * 2", "a: f64, b: f64";
    shared_subexpression, Strict, "d = a - b; d * d, d + d * d", "a: f64, b: f64";
    copy, Strict, "a", "a: i32";
    mask_between_widths, Strict, "where(a > 0 and b < 5, x, y)", "a: f32, b: u8, x: f64, y: f64";
    mask_of_one_width, Strict, "where((a > b) & ~(a == 1), a, -b)", "a: f64, b: f64";
    mask_stored, Strict, "(a < b) | c", "a: f64, b: f64, c: bool";
    conversions, Strict, "a + b * c", "a: i8, b: f32, c: f64";
    casts, Strict, "u8(a), f32(b), i64(c)", "a: f64, b: i64, c: bool";
    block_kernels, Strict, "sin(a)**2 + cos(b)**2", "a: f64, b: f64";
    floor_division, Strict, "a // 4 + a % b", "a: i32, b: i32";
    sum, Strict, "sum(a * b)", "a: f64, b: f64";
    integer_sum_widens, Strict, "sum(a), max(a)", "a: u8";
    reductions_in_stages, Strict, "m = mean(a); s = sqrt(mean((a - m)**2)); (a - m) / s", "a: f64";
    reduction_beside_elements, Strict, "sum(a), a + 1", "a: f64";
    small_powers, Strict, "a**2, a**3, a**-1, a**0.5", "a: f32";
    double_powers, Strict, "a**4, a**5, a**b", "a: f64, b: f64";
    fast_powers, Fast, "a**3, a**5", "a: f64";
    pair_of_kernels, Strict, "r * cos(t + 1), r * sin(t + 1), cos(r)", "r: f64, t: f64";
    integer_powers, Strict, "a**3, a**b", "a: i64, b: i64";
    strict_keeps_products, Strict, "a * b + c", "a: f64, b: f64, c: f64";
    contract_fuses, Contract, "a * b + c, a - b * c", "a: f64, b: f64, c: f64";
    fast_balances, Fast, "a + b + c + d", "a: f64, b: f64, c: f64, d: f64";
    fast_quotients, Fast, "a / sqrt(sum(a, axis=1, keepdims=True)), a / 3, a / b", "a: f64@0, b: f64@1";
    constants_of_another_dtype, Strict, "u8(where(a > 127, 255, 0))", "a: u8";
    conditional, Strict, "a if a > 0 else 0", "a: f32";
    weak_arguments, Strict, "x * k + (j + 1)", "x: f32, k: weak float, j: weak int";
    strong_scalar, Strict, "x * k + k / 2", "x: f32, k: scalar f64";
    constants_fold, Strict, "a * (2 * pi) + sqrt(2) / 4", "a: f64";
    algebra, Strict, "a / 8 - -b, -(-a), ~~c, c + 0, c * 1", "a: f64, b: f64, c: i32";
    floats_keep_zeros, Strict, "a + 0.0, a * 0, a - a, a / a", "a: f64";
    two_shapes, Strict, "sin(a) + cos(b)", "a: f64@0, b: f64@1";
    two_shapes_reduced, Strict, "a / sum(b) + max(a + b)", "a: f64@0, b: f64@1";
    inlined_functions, Strict, "def f(x) = x * x + 1; f(f(a)) + f(a)", "a: f64";
    exact_comparison, Strict, "a < 300, b > k", "a: u8, b: u64, k: weak int";
    nothing_but_constants, Strict, "1 + 2, 2**-1", "";
    axis_sum, Strict, "sum(a * b, axis=0)", "a: f64, b: f64";
    axis_two_in_one_pass, Strict, "sum(a, axis=1), max(a * a, axis=1)", "a: f64";
    axis_and_all, Strict, "sum(a, axis=1), sum(a), a + 1", "a: f64";
    axis_mean_and_var, Strict, "mean(a, axis=-1, keepdims=True), var(a, axis=-1)", "a: f32";
    axis_position, Strict, "argmax(a, axis=0), any(a, axis=0)", "a: u8";
    kept_broadcast, Strict, "sin(x**2) + cos(y**2)", "x: f64@0, y: f64@1";
    cheap_broadcast, Strict, "x * 2 + y", "x: f64@0, y: f64@1";
    softmax_along_an_axis, Strict, "e = exp(a - max(a, axis=-1, keepdims=True)); e / sum(e, axis=-1, keepdims=True)", "a: f64";
    scans_along_one_axis, Strict, "cumsum(a * b, axis=0) / cummax(b, axis=0)", "a: f64, b: f64";
    windows_share_a_pass, Strict, "a / rolling_mean(a, 20) - 1, ewm_mean(abs(diff(a)), span=12) > 3", "a: f64";
    pairs_of_one_window, Strict, "rolling_corr(a, b, 5, axis=0) * shift(a, -1, axis=0)", "a: f64, b: f32";
    scans_along_two_axes, Strict, "cumsum(cumsum(a, axis=0), axis=1), a + 1", "a: f64";
    slices, Strict, "(a[1:] - a[:-1]) / 2", "a: f64";
    index_and_new_axis, Strict, "a[..., 0, None] * a", "a: i32";
    transpose_of_a_sum, Strict, "transpose(sum(a, axis=0, keepdims=True)) + b", "a: f64, b: f64";
    transpose_of_an_expression, Strict, "transpose(sqrt(a) + 1) * a", "a: f64";
}
