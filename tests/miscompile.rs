//! The oracle has teeth: a wrong compiler would be noticed.
//!
//! A miscompile is played by running a changed program natively while the interpreter runs the
//! program as it was written. The change is either another operator in the text, or a `def` that
//! takes the place of a function. The generator's own programs and arrays must show each one.

mod generator;

use arbtest::arbtest;
use generator::Case;
use generator::check::{AllEngines, difference, run};
use generator::data::Rng;

/// A wrong edit.
enum Edit {
    /// Each of these in the text becomes the other.
    Text(&'static str, &'static str),
    /// Calls that look like this mean something else.
    Call(&'static str, &'static str),
}

use Edit::{Call, Text};

const EDITS: [(&str, Edit); 62] = [
    ("+ becomes -", Text(" + ", " - ")),
    ("- becomes +", Text(" - ", " + ")),
    ("* becomes +", Text(" * ", " + ")),
    ("// becomes %", Text(" // ", " % ")),
    ("% becomes //", Text(" % ", " // ")),
    ("< becomes <=", Text(" < ", " <= ")),
    ("<= becomes <", Text(" <= ", " < ")),
    ("> becomes <", Text(" > ", " < ")),
    (">= becomes >", Text(" >= ", " > ")),
    ("== becomes !=", Text(" == ", " != ")),
    ("!= becomes ==", Text(" != ", " == ")),
    ("& becomes |", Text(" & ", " | ")),
    ("| becomes ^", Text(" | ", " ^ ")),
    ("^ becomes |", Text(" ^ ", " | ")),
    ("and becomes or", Text(" and ", " or ")),
    ("or becomes and", Text(" or ", " and ")),
    ("<< becomes >>", Text(" << ", " >> ")),
    (">> becomes <<", Text(" >> ", " << ")),
    ("~ is dropped", Text("(~", "(")),
    ("not is dropped", Text("(not ", "(")),
    ("the branches of a conditional are swapped", Text(" if ", " if not ")),
    ("the constant 7 becomes 8", Text(" 7)", " 8)")),
    ("the constant 0.5 becomes the next float", Text("0.5", "0.5000000000000001")),
    ("-0.0 becomes 0.0", Text("(-0.0)", "(0.0)")),
    ("a square is a cube", Text(" ** 2)", " ** 3)")),
    ("a cast to f32 is dropped", Call("f32(x)", "x")),
    ("a cast to i8 saturates", Call("i8(x)", "int8(clip(float64(x), -128.0, 127.0))")),
    ("a cast to u8 wraps floats", Call("u8(x)", "uint8(int64(x))")),
    ("a cast to i32 rounds to nearest", Call("i32(x)", "int32(rint(x))")),
    ("where swaps its branches", Call("where(condition, x, y)", "y if condition else x")),
    ("minimum skips NaN", Call("minimum(x, y)", "fmin(x, y)")),
    (
        "maximum is where, which loses NaN and the sign of 0",
        Call("maximum(x, y)", "x if x > y else y"),
    ),
    ("fmin propagates NaN", Call("fmin(x, y)", "minimum(x, y)")),
    ("clip forgets the upper bound", Call("clip(x, min, max)", "maximum(x, min)")),
    ("fma rounds twice", Call("fma(x, y, z)", "x * y + z")),
    ("fmod takes the divisor's sign", Call("fmod(x, y)", "x % y")),
    ("nextafter stays", Call("nextafter(x, y)", "x + 0 * y")),
    ("round goes away from zero at halves", Call("round(x)", "floor(x + 0.5)")),
    ("rint is floor", Call("rint(x)", "floor(x)")),
    ("trunc is floor", Call("trunc(x)", "floor(x)")),
    ("copysign forgets the sign", Call("copysign(x, y)", "abs(x) + 0 * y")),
    ("signbit misses -0.0", Call("signbit(x)", "x < 0")),
    ("sqrt is one unit off", Call("sqrt(x)", "nextafter(x ** 0.5, inf)")),
    ("log is one unit off", Call("ln(x)", "nextafter(log(x), inf)")),
    ("sin is cos", Call("sin(x)", "cos(x)")),
    ("any is all", Call("any(x)", "all(x)")),
    ("max is min", Call("max(x)", "min(x)")),
    ("sum misses what is negative", Call("sum(x)", "count_nonzero(x) + 0 * max(x)")),
    ("argmin is argmax", Text("argmin(", "argmax(")),
    ("argmax goes by negated values, which wrap", Text("argmax(", "argmin(-")),
    ("nanmin propagates NaN", Text("nanmin(", "min(")),
    ("nanmean counts NaN", Text("nanmean(", "mean(")),
    ("var is std", Text("var(", "std(")),
    ("ddof is forgotten", Text(", ddof=1", "")),
    ("count_nonzero counts zeros", Text("count_nonzero(", "count_nonzero(0 == ")),
    ("the first axis is the last", Text("axis=0", "axis=-1")),
    ("kept axes are those of all", Text("axis=-1, keepdims=True", "axis=None, keepdims=True")),
    ("rows are not turned", Text("[::-1]", "[:]")),
    ("columns are not turned", Text("[..., ::-1]", "[..., :]")),
    ("the last column is the first", Text("[..., -1:]", "[..., :1]")),
    ("the first row is the last", Text("[:1]", "[-1:]")),
    ("a slice starts one too early", Text("[1:]", "[:-1]")),
];

impl Edit {
    /// The program after the edit, if it has what is edited.
    fn apply(&self, text: &str) -> Option<String> {
        match self {
            Text(from, to) => text.contains(from).then(|| text.replace(from, to)),
            Call(call, body) => {
                let name = &call[..=call.find('(')?];
                let starts = text.match_indices(name).any(|(i, _)| {
                    !text[..i].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                });
                starts.then(|| format!("def {call} = {body}\n{text}"))
            }
        }
    }
}

/// Programs with the edited part that may pass before one shows the edit.
const PATIENCE: usize = 400;

#[test]
fn every_wrong_edit_is_noticed() {
    let engines = AllEngines::new();
    let mut missed: Vec<&str> = Vec::new();
    let mut open: Vec<(&str, &Edit, usize)> =
        EDITS.iter().map(|(name, edit)| (*name, edit, 0)).collect();
    let mut n = 0;
    while !open.is_empty() {
        n += 1;
        assert!(
            n < 60_000,
            "too few programs have what these edit: {:?}",
            open.iter().map(|o| o.0).collect::<Vec<_>>()
        );
        let seed = Rng(n).next() << 32 | 256;
        arbtest(|u| {
            let case = Case::arbitrary(u)?;
            let engines = engines.of(case.mode);
            let mut expected = None;
            open.retain_mut(|(name, edit, tries)| {
                let Some(text) = edit.apply(&case.text) else { return true };
                let expected =
                    expected.get_or_insert_with(|| run(engines.oracle(), &case.text, &case));
                let Ok(right) = expected else { return true };
                let got = run(engines.native(), &text, &case);
                // A program that no longer types, or types otherwise, is no miscompile.
                let Ok(wrong) = &got else { return true };
                if right
                    .iter()
                    .zip(wrong.iter())
                    .any(|(r, w)| (r.dtype(), r.shape()) != (w.dtype(), w.shape()))
                {
                    return true;
                }
                *tries += 1;
                let noticed = difference(expected, &got).is_some();
                if noticed {
                    println!("{name}: noticed by program {tries} of those that have it");
                } else if *tries >= PATIENCE {
                    missed.push(name);
                    return false;
                }
                !noticed
            });
            Ok(())
        })
        .seed(seed)
        .run();
    }
    assert!(missed.is_empty(), "not noticed in {PATIENCE} programs: {missed:?}");
}

/// Without an edit nothing is noticed: the differences above come from the edits.
#[test]
fn a_right_compiler_is_left_alone() {
    let engines = AllEngines::new();
    for n in 0..100u64 {
        arbtest(|u| {
            let case = Case::arbitrary(u)?;
            let engines = engines.of(case.mode);
            let text = format!("def unused(x) = x + 1\n{}", case.text);
            let found = difference(
                &run(engines.oracle(), &case.text, &case),
                &run(engines.native(), &text, &case),
            );
            assert_eq!(found, None, "{}", case.text);
            Ok(())
        })
        .seed(Rng(n).next() << 32 | 256)
        .run();
    }
}
