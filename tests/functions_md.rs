//! FUNCTIONS.md is generated from the table; this test compares it.
//!
//! `HOTLOOP_WRITE=1 cargo test --test functions_md` writes it.

use std::fmt::Write as _;

use hotloop::DType;
use hotloop::graph::Op;
use hotloop::ops::{Class, RESOLVED, Row, Rule, TABLE, TWO_RESULTS, functions};
use hotloop::types::promote;

/// The measured maximum errors, written by the runtime's tests `accuracy` and `exhaustive` and by
/// `turns`: function, dtype, ULP, and `all` or `sampled`.
const MEASURED: &str = include_str!("../runtime/tests/math_errors.txt");

/// The measured error of a function for a dtype, and whether all arguments were tested.
fn measured_error(name: &str, dtype: DType) -> Option<(f64, bool)> {
    let key = format!("{name} {dtype} ");
    let (ulp, how) = MEASURED.lines().find_map(|l| l.strip_prefix(&key))?.split_once(' ')?;
    Some((ulp.parse().ok()?, how == "all"))
}

/// The functions with a measured error.
fn approximated() -> impl Iterator<Item = &'static Row> {
    // `float_power` has the error of `power`.
    functions().filter(|r| r.ulp == 1.0 && r.op != Op::FloatPower)
}

const HEAD: &str = "\
# Functions and operators

Made from the table in `src/ops.rs` by `HOTLOOP_WRITE=1 cargo test --test functions_md`.

The error bound is that of floats, in units in the last place (ULP) of the exact result: \"exact\"
has no rounding, 0.5 is correctly rounded. In `fast` mode `sin` and `cos` (never beyond 1), `tan`, `exp`,
`log`, `erf`, `erfc`, `normcdf` and `x**3` to `x**5` may have up to 4. Integers wrap; nothing traps.
Arguments may be given by name: `clip(x, min=0, max=1)`; parameters after a `*` are keyword-only.
`out=None` is always accepted, as in NumPy.
";

const REDUCTIONS: &str = "\
`axis` is an integer, counted from the last axis if negative, or a tuple of them, as in `axis=(0, -1)`;
by default all axes are reduced. Options may be positional, in NumPy's order: `sum(x, 1, f32)`. Reduced
axes are removed or, with `keepdims=True`, kept with extent 1, so that
`x - mean(x, axis=1, keepdims=True)` broadcasts. A reduction may be used anywhere in an expression, of any
expression. A single number has the axes 0 and -1.

Floats are added in one fixed order, whatever the memory layout, the number of threads and the
machine: the result has the same bits everywhere.

";

const SCANS: &str = "\
Results so far along one axis: `axis` is an integer, counted from the last axis if negative, and the last
axis by default (NumPy's functions flatten the array by default). They may be used anywhere in an
expression, of any expression: `cumsum(x * y, axis=0) / cumsum(y, axis=0)` is one pass over the data.

Floats are added in one fixed order, in blocks of 16, 256, 4,096 and so on elements, `f32` in `f64`; so the
error grows with the logarithm of the length, and a sum never falls where the elements are not negative.
The last element of `cumsum(x)` need not have the bits of `sum(x)`. A NaN stays.

";

const WINDOWS: &str = "\
Functions of the rows around a row, along one axis, as above: `x / rolling_mean(x, 20) - 1` is one pass.
Windows, `n`, `min_periods` (also called `min_samples`), `ddof` and `fill` are constants. The first rows see a shorter window; by
default, as in pandas, results are NaN until a window is full, and `min_periods=1` gives results from the
first row on. A NaN is missing; an infinity is a value, which makes a variance NaN while it is in the
window.

A result depends on the rows of its window alone, whatever was before: sums are folded in parts of powers
of two rows, and nothing is ever subtracted. So they do not drift, a large element leaves no trace behind
it, equal rows have a variance of exactly 0, and the error is at most (ceil(log2 window) + 1) half ULP of
the sum of magnitudes. The time of a row grows with the logarithm of the window, but that of ranks, medians
and quantiles with the window.

";

const INDICES: &str = "
## Indices

`x[1:]`, `x[::-1, None]`, `x[..., 0]`: views, of arrays and of every expression that is one, by
NumPy's rules. An index is made of integers, slices, `None` for a new axis and one `...`; all are
constants. Nothing is copied; only strides change.
";

/// A rule in words.
fn rule(row: &Row) -> &'static str {
    match row.rule {
        Rule::Arithmetic if row.parameters.len() == 1 => "any number; the result has its dtype",
        Rule::Arithmetic => "any numbers; they promote to one dtype, which is the result's",
        Rule::Real => "any numbers; computed in f32 or f64",
        Rule::Double => "any numbers; computed in f64",
        Rule::Scaled => "any number, which becomes f32 or f64, and an integer",
        Rule::Divide => "any numbers; computed in f32 or f64, integers in f64",
        Rule::Rounding => "any number; integers are unchanged",
        Rule::Comparison => "any numbers; the result is bool",
        Rule::Predicate => "any number; the result is bool",
        Rule::Truths => "any numbers; the result is bool",
        Rule::Logical => "bool",
        Rule::Bitwise => "bool and integers; they promote to one dtype, which is the result's",
        Rule::Integers => "integers; they promote to one dtype, which is the result's",
        Rule::Tally => "bool or an integer; the result is u8",
        Rule::Select => "a bool, and two values that promote to one dtype, which is the result's",
        Rule::Filled => "any number, and one number; the result has the dtype of the first",
        Rule::Total => "any number; bool and integers in 64 bits",
        Rule::Average => "any number; bool and integers in f64",
        Rule::Extreme => "any number; the result has its dtype",
        Rule::Truth => "any number, true if not 0; the result is bool",
        Rule::Count => "any number, counted if not 0; the result is i64",
        Rule::Position => "any number; the result is i64",
        Rule::Spread => "any number; bool and integers in f64; ddof is one number",
        Rule::RunningTotal => "any number; bool and integers in 64 bits",
        Rule::RunningExtreme => "any number; the result has its dtype",
        Rule::RunningCount => "any number, counted if not 0; the result is i64",
        Rule::RunningTruth => "any number, true if not 0; the result is bool",
        Rule::Lagged if row.op == Op::Shift => {
            "any number; f64, or f32 of f32; with `fill` the result has its dtype"
        }
        Rule::Lagged => "any number; f64, or f32 of f32",
        Rule::Rolling => "any number; computed in f64, the result of f32 is f32",
        Rule::Ranking => "any number; the result is f64",
        Rule::Agreement => "any numbers; the result is one bool",
        Rule::Products => "any numbers, which promote to one dtype; bool and integers in 64 bits",
    }
}

fn bound(row: &Row) -> String {
    // The error of a sum or a mean depends on the number of elements.
    use Rule::{Average, Products, Rolling, RunningTotal, Spread, Total};
    let tree = matches!(row.rule, Total | Average | Spread | Products | RunningTotal)
        || matches!(row.rule, Rolling | Rule::Lagged) && row.ulp > 0.5;
    if tree {
        return "a tree of roundings".to_string();
    }
    if row.ulp == 0.0 { "exact".to_string() } else { format!("{:.1}", row.ulp) }
}

/// Text for a table cell, with bars escaped.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Code for a table cell.
fn code(text: &str) -> String {
    if text.contains('|') {
        format!("<code>{}</code>", text.replace('|', "&#124;"))
    } else {
        format!("`{text}`")
    }
}

fn line(out: &mut String, first: &str, row: &Row) {
    let cells = [first.to_string(), cell(row.doc), rule(row).to_string(), bound(row)];
    writeln!(out, "| {} |", cells.join(" | ")).expect("a string");
}

fn operators(out: &mut String) {
    out.push_str("\n## Operators\n\n| | | operands | error |\n|---|---|---|---|\n");
    for row in TABLE.iter().filter(|r| r.op.is_public()) {
        let spelled = match (row.op, row.parameters) {
            (Op::Power, _) => "x ** y".to_string(),
            (Op::Neg, _) => "-x".to_string(),
            (Op::Select, _) => "x if condition else y".to_string(),
            _ if row.is_function() => continue,
            (Op::BitNot, _) => "~x".to_string(),
            (_, [_]) => format!("{} x", row.name),
            _ => format!("x {} y", row.name),
        };
        let mut first = code(&spelled);
        if !row.is_function() && row.names().next().is_some() {
            let names: Vec<String> = row.names().map(code).collect();
            write!(first, ", also {}", names.join(", ")).expect("a string");
        }
        line(out, &first, row);
    }
    out.push_str("\nComparisons chain: `0 < x <= 1` is `(0 < x) and (x <= 1)`.\n");
}

fn calls(out: &mut String, title: &str, text: &str, wanted: impl Fn(&Row) -> bool) {
    write!(out, "\n## {title}\n\n{text}| | | operands | error |\n|---|---|---|---|\n")
        .expect("a string");
    for row in functions().filter(|r| r.is_function() && wanted(r)) {
        let mut first = code(&row.signature());
        if !row.aliases.is_empty() {
            let aliases: Vec<String> = row.aliases.iter().map(|a| code(a)).collect();
            write!(first, ", also {}", aliases.join(", ")).expect("a string");
        }
        line(out, &first, row);
    }
}

fn resolved_and_casts(out: &mut String) {
    out.push_str("\n## Other calls\n\n| | |\n|---|---|\n");
    for function in TWO_RESULTS {
        let [first, second] = match function.name {
            "divmod" => ["q", "r"],
            "modf" => ["fraction", "whole"],
            _ => ["m", "e"],
        };
        let call = format!("{first}, {second} = {}", function.signature);
        writeln!(out, "| {} | {} |", code(&call), cell(function.doc)).expect("a string");
    }
    for (_, signature, doc) in RESOLVED {
        writeln!(out, "| {} | {} |", code(signature), cell(doc)).expect("a string");
    }
    for dtype in DType::ALL {
        let mut names = vec![code(&format!("{}(x)", dtype.name()))];
        if dtype.numpy_name() != dtype.name() {
            names.push(code(&format!("{}(x)", dtype.numpy_name())));
        }
        writeln!(out, "| {} | x as {dtype} |", names.join(", ")).expect("a string");
    }
    out.push_str(
        "\nA conversion never fails: integers wrap, floats are rounded, floats become integers by dropping the\n\
         fraction and staying in the range, NaN becomes 0, and what is not 0 becomes true.\n",
    );
}

fn measured(out: &mut String) {
    out.push_str(
        "\n## Measured errors\n\n\
         The largest error seen, in ULP: in a comparison with MPFR on a million random inputs of each dtype\n\
         (`degrees` and `radians` with exact products, on ten million or more), or (marked \"all\") of all 2^32\n\
         inputs. What is promised is the bound in the tables above.\n\n\
         | | f64 | f32 |\n|---|---|---|\n",
    );
    for row in approximated() {
        let [f64, f32] =
            [DType::F64, DType::F32].map(|dtype| match measured_error(row.name, dtype) {
                Some((ulp, true)) => format!("{ulp:.3} (all)"),
                Some((ulp, false)) => format!("{ulp:.3}"),
                None => "not measured".to_string(),
            });
        writeln!(out, "| {} | {f64} | {f32} |", code(row.name)).expect("a string");
    }
}

fn promotion(out: &mut String) {
    out.push_str(
        "\n## Promotion\n\n\
         The dtype that two arrays meet in, as in NumPy 2. Literals and numbers passed as arguments are weak:\n\
         they take the dtype of what they meet if their kind (bool, integer, float) allows.\n\n|  |",
    );
    DType::ALL.iter().for_each(|d| write!(out, " {d} |").expect("a string"));
    out.push_str("\n|---|");
    DType::ALL.iter().for_each(|_| out.push_str("---|"));
    for x in DType::ALL {
        write!(out, "\n| **{x}** |").expect("a string");
        DType::ALL.iter().for_each(|y| write!(out, " {} |", promote(x, *y)).expect("a string"));
    }
    out.push('\n');
}

fn text() -> String {
    let mut out = HEAD.to_string();
    operators(&mut out);
    calls(&mut out, "Elementwise functions", "", |r| r.op.class() == Class::Elementwise);
    calls(&mut out, "Reductions", REDUCTIONS, |r| r.op.is_reduction());
    let running = |r: &Row| {
        use Rule::{RunningCount, RunningExtreme, RunningTotal, RunningTruth};
        matches!(r.rule, RunningTotal | RunningExtreme | RunningCount | RunningTruth)
    };
    calls(&mut out, "Running results", SCANS, running);
    calls(&mut out, "Rows along an axis", WINDOWS, |r| r.op.class() == Class::Along && !running(r));
    out.push_str(INDICES);
    resolved_and_casts(&mut out);
    measured(&mut out);
    promotion(&mut out);
    out
}

#[test]
fn functions_md_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/FUNCTIONS.md");
    let made = text();
    if std::env::var_os("HOTLOOP_WRITE").is_some() {
        std::fs::write(path, &made).expect("FUNCTIONS.md is writable");
    }
    let kept = std::fs::read_to_string(path).expect("FUNCTIONS.md");
    let differs = kept.lines().zip(made.lines()).position(|(k, m)| k != m);
    assert!(
        kept == made,
        "line {:?} of FUNCTIONS.md is old; write it with HOTLOOP_WRITE=1 cargo test --test functions_md",
        differs.map(|i| i + 1)
    );
}

/// FUNCTIONS.md is complete: it has every name, and each measured error is within its bound.
#[test]
fn functions_md_says_everything() {
    let text = text();
    for row in TABLE.iter().filter(|r| r.op.is_public()) {
        assert!(text.contains(&cell(row.doc)), "{} is missing", row.name);
        row.aliases
            .iter()
            .for_each(|a| assert!(text.contains(&format!("`{a}`")), "{a} is missing"));
    }
    for row in approximated() {
        for dtype in [DType::F64, DType::F32] {
            let (ulp, _) = measured_error(row.name, dtype)
                .unwrap_or_else(|| panic!("{} has no measured error", row.name));
            assert!((0.4..=1.0).contains(&ulp), "{} errs by {ulp} ULP", row.name);
        }
    }
    assert!(text.contains(
        "\n| **u64** | u64 | f64 | f64 | f64 | f64 | u64 | u64 | u64 | u64 | f64 | f64 |\n"
    ));
}
