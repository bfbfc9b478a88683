//! What people see when something is wrong: whole errors, as they are printed.
//!
//! The kind comes first, which `Debug` adds. A message that changes here is a change to review.

use std::time::Duration;

use hotloop::{
    Arg, ArgType, Backend, CancelToken, DType, Engine, Error, Out, RunOptions, compile, ndarray,
};
use insta::assert_snapshot;

/// The error of compiling a text.
fn compiled(text: &str) -> String {
    match compile(text) {
        Ok(program) => {
            panic!("{text:?} compiles, with the inputs {:?}", program.inputs().collect::<Vec<_>>())
        }
        Err(error) => shown(&error),
    }
}

/// The error of evaluating a text that compiles.
fn ran(text: &str, args: &[(&str, Arg)]) -> String {
    let program = compile(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
    match program.eval(args) {
        Ok(outputs) => panic!("{text:?} evaluates to {outputs:?}"),
        Err(error) => shown(&error),
    }
}

/// The error, checked for what no error may do.
fn shown(error: &Error) -> String {
    let text = format!("{error:?}");
    let obeyed = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(obeyed), "a terminal would obey {text:?}");
    assert!(text.len() <= 2048, "{} bytes of error", text.len());
    if let (Some(span), Some(source)) = (error.span(), error.source_text()) {
        assert!(source.get(span.range()).is_some(), "{span:?} is outside the text");
    }
    text
}

/// Three floats.
fn floats() -> Arg<'static> {
    Arg::from(&[1.0, 2.0, 3.0])
}

#[test]
fn lexical() {
    assert_snapshot!(compiled("a + 2x"), @r"
    LEX: error: a number cannot touch a name
      |
    1 | a + 2x
      |     ^^
      = help: a product is written with `*`, as in `2 * x`
    ");
    assert_snapshot!(compiled("a $ b"), @r"
    LEX: error: unexpected character `$`
      |
    1 | a $ b
      |   ^
      = help: a name stands alone, without `$`
    ");
    assert_snapshot!(compiled("1e+"), @r"
    LEX: error: the exponent has no digits
      |
    1 | 1e+
      | ^^^
    ");
    assert_snapshot!(compiled("0x"), @r"
    LEX: error: a hexadecimal literal needs a digit after `0x`
      |
    1 | 0x
      | ^^
    ");
    assert_snapshot!(compiled("0b101"), @r"
    LEX: error: integers are written in decimal or, after `0x`, in hexadecimal
      |
    1 | 0b101
      | ^^^^^
    ");
    assert_snapshot!(compiled("1__0"), @r"
    LEX: error: an underscore in a number must stand between two digits
      |
    1 | 1__0
      | ^^^^
    ");
    assert_snapshot!(compiled("1.2.3"), @r"
    LEX: error: a number has at most one `.`
      |
    1 | 1.2.3
      | ^^^^^
    ");
    assert_snapshot!(compiled("007"), @r"
    LEX: error: an integer cannot begin with 0
      |
    1 | 007
      | ^^^
      = help: drop the leading zeros; thousands are separated by `_`, as in `1_000`
    ");
    assert_snapshot!(compiled("a + 0x80000000000000000000000000000000"), @r"
    LEX: error: integer literal does not fit 127 bits
      |
    1 | a + 0x80000000000000000000000000000000
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: a float may be larger, as in `1e40`
    ");
    assert_snapshot!(compiled("\"abc + 1"), @r#"
    LEX: error: this text literal is not closed on its line
      |
    1 | "abc + 1
      | ^^^^^^^^
      = help: a line break in a text literal is written \n
    "#);
    assert_snapshot!(compiled("'a\\x41'"), @r#"
    LEX: error: unknown escape in a text literal
      |
    1 | 'a\x41'
      |   ^^
      = help: the escapes are \\ \" \' \n and \t
    "#);
    assert_snapshot!(compiled("a \\\n + b"), @r"
    LEX: error: unexpected character `\`
      |
    1 | a \
      |   ^
      = help: a line that ends with an operator goes on without `\`
    ");
    assert_snapshot!(compiled("1.5.real"), @r"
    LEX: error: a number cannot touch a name
      |
    1 | 1.5.real
      | ^^^^^^^^
      = help: an attribute of a number is written `(1.5).real`
    ");
}

#[test]
fn characters_that_terminals_obey_are_escaped() {
    assert_snapshot!(compiled("a + \u{1b}[31mred\u{1b}[0m"), @r"
    LEX: error: unexpected character U+001B
      |
    1 | a + \u{1b}[31mred\u{1b}[0m
      |     ^^^^^^
    ");
    assert_snapshot!(compiled("a\0 + b"), @r"
    LEX: error: unexpected character U+0000
      |
    1 | a\u{0} + b
      |  ^^^^^
    ");
    assert_snapshot!(compiled("a + b # \u{7} bell"), @r"
    LEX: error: unexpected character U+0007
      |
    1 | a + b # \u{7} bell
      |         ^^^^^
    ");
    assert_snapshot!(compiled("'\u{1b}]0;title\u{7}'"), @r"
    LEX: error: unexpected character U+001B
      |
    1 | '\u{1b}]0;title\u{7}'
      |  ^^^^^^
    ");
    assert_snapshot!(compiled("a + \u{202e}b"), @r"
    LEX: error: unexpected character U+202E
      |
    1 | a + \u{202e}b
      |     ^^^^^^^^
    ");
    assert_snapshot!(compiled("a\u{200d}b + 1"), @r"
    LEX: error: unexpected character U+200D
      |
    1 | a\u{200d}b + 1
      |  ^^^^^^^^
    ");
    assert_snapshot!(compiled("a +\u{a0}b"), @r"
    LEX: error: unexpected character U+00A0
      |
    1 | a + b
      |    ^
      = help: only the ASCII space, tabs and line ends separate tokens
    ");
    assert_snapshot!(compiled("a + \u{feff}b"), @r"
    LEX: error: unexpected character U+FEFF
      |
    1 | a + \u{feff}b
      |     ^^^^^^^^
    ");
}

#[test]
fn characters_of_other_scripts_are_named() {
    assert_snapshot!(compiled("größe * 2"), @r"
    LEX: error: unexpected character U+00F6
      |
    1 | größe * 2
      |   ^
      = help: identifiers are ASCII
    ");
    assert_snapshot!(compiled("a − b"), @r"
    LEX: error: unexpected character U+2212
      |
    1 | a − b
      |   ^
      = help: minus is written `-`
    ");
    assert_snapshot!(compiled("a × b"), @r"
    LEX: error: unexpected character U+00D7
      |
    1 | a × b
      |   ^
      = help: a product is written `*`
    ");
    assert_snapshot!(compiled("a + １"), @r"
    LEX: error: unexpected character U+FF11
      |
    1 | a + １
      |     ^^
      = help: digits are ASCII
    ");
    let want = "LEX: error: unexpected character U+0301\n  |\n1 | cafe\u{301} + 1\n  |     ^";
    assert_eq!(compiled("cafe\u{301} + 1"), want);
    assert_snapshot!(compiled("🦀 + 1"), @r"
    LEX: error: unexpected character U+1F980
      |
    1 | 🦀 + 1
      | ^^
    ");
    assert_snapshot!(compiled("а + b"), @r"
    LEX: error: unexpected character U+0430
      |
    1 | а + b
      | ^
      = help: identifiers are ASCII
    ");
}

#[test]
fn operators_of_other_languages() {
    assert_snapshot!(compiled("a && b"), @r"
    LEX: error: `&&` is not an operator
      |
    1 | a && b
      |   ^^
      = help: write `and`
    ");
    assert_snapshot!(compiled("a || b"), @r"
    LEX: error: `||` is not an operator
      |
    1 | a || b
      |   ^^
      = help: write `or`
    ");
    assert_snapshot!(compiled("!a"), @r"
    LEX: error: `!` is not an operator
      |
    1 | !a
      | ^
      = help: write `not`, or `~` for the complement of an integer
    ");
    assert_snapshot!(compiled("a <> b"), @r"
    LEX: error: `<>` is not an operator
      |
    1 | a <> b
      |   ^^
      = help: write `!=`
    ");
    assert_snapshot!(compiled("a === b"), @r"
    LEX: error: `===` is not an operator
      |
    1 | a === b
      |   ^^^
      = help: write `==`
    ");
    assert_snapshot!(compiled("a => b"), @r"
    LEX: error: `=>` is not an operator
      |
    1 | a => b
      |   ^^
      = help: write `>=` to compare, `->` for a step
    ");
    assert_snapshot!(compiled("x := 1"), @r"
    LEX: error: `:=` is not an operator
      |
    1 | x := 1
      |   ^^
      = help: write `=`
    ");
    assert_snapshot!(compiled("a ? b : c"), @r"
    LEX: error: `?` is not an operator
      |
    1 | a ? b : c
      |   ^
      = help: a conditional is written `a if condition else b`
    ");
    assert_snapshot!(compiled("x += 1"), @r"
    PARSE: error: `+=` is not an operator
      |
    1 | x += 1
      |   ^^
      = help: a name is bound once; bind the result to a new one
    ");
}

#[test]
fn syntactic() {
    assert_eq!(compiled(""), "PARSE: error: empty expression\n  |\n1 | \n  | ^");
    assert_snapshot!(compiled("  # nothing but a comment\n"), @r"
    PARSE: error: empty expression
      |
    1 |   # nothing but a comment
      | ^
    ");
    assert_snapshot!(compiled("a +"), @r"
    PARSE: error: unexpected end of the text; expected an expression
      |
    1 | a +
      |    ^
    ");
    assert_snapshot!(compiled("a b"), @r"
    PARSE: error: unexpected name `b`; expected an operator or the end of the statement
      |
    1 | a b
      |   ^
      = help: an operator is missing between the two
    ");
    assert_snapshot!(compiled("(a + b"), @r"
    PARSE: error: `(` is never closed
      |
    1 | (a + b
      | ^
    ");
    assert_snapshot!(compiled("a + b)"), @r"
    PARSE: error: unexpected `)`; expected an operator or the end of the statement
      |
    1 | a + b)
      |      ^
      = help: there is no `(` that it closes
    ");
    assert_snapshot!(compiled("sin(a\nx = 1"), @r"
    PARSE: error: `(` is never closed
      |
    1 | sin(a
      |    ^
    ");
    assert_snapshot!(compiled("a if b"), @r"
    PARSE: error: unexpected end of the text; expected `else`
      |
    1 | a if b
      |       ^
      = help: a conditional is written `a if condition else b`
    ");
    assert_snapshot!(compiled("a, b = c"), @r"
    ARITY: error: 2 names for one value
      |
    1 | a, b = c
      | ^^^^
      = help: several names take the results of divmod, modf or frexp; bind other values one by one
      = help: outputs are a statement of their own: `b = c; a, b`
    ");
    assert_snapshot!(compiled("a = b = c"), @r"
    PARSE: error: a second `=` in one statement
      |
    1 | a = b = c
      |       ^
      = help: write `==` to compare
    ");
    assert_snapshot!(compiled("f(x) = x"), @r"
    PARSE: error: only a name can be bound
      |
    1 | f(x) = x
      |      ^
      = help: a function is defined with `def name(x) = ...`
      = help: write `==` to compare
    ");
    assert_snapshot!(compiled("sin(a = = 1)"), @r"
    PARSE: error: unexpected `=`; expected an expression
      |
    1 | sin(a = = 1)
      |         ^
    ");
    assert_snapshot!(compiled("(a = 1)"), @r"
    PARSE: error: unexpected `=` in an expression
      |
    1 | (a = 1)
      |    ^
      = help: write `==` to compare
    ");
    assert_snapshot!(compiled("a == not b"), @r"
    PARSE: error: unexpected `not`; expected an expression
      |
    1 | a == not b
      |      ^^^
      = help: `not` is looser than this operator: put it in parentheses
    ");
    assert_snapshot!(compiled("a in b"), @r"
    PARSE: error: unexpected name `in`; expected an operator or the end of the statement
      |
    1 | a in b
      |   ^^
      = help: membership is written `isin(a, b)`
    ");
    assert_snapshot!(compiled("a is b"), @r"
    PARSE: error: unexpected name `is`; expected an operator or the end of the statement
      |
    1 | a is b
      |   ^^
      = help: write `==` to compare
    ");
    assert_snapshot!(compiled("nan = 3"), @r"
    PARSE: error: `nan` is reserved and cannot be a name
      |
    1 | nan = 3
      | ^^^
    ");
    assert_snapshot!(compiled("def if(x) = x"), @r"
    PARSE: error: `if` is reserved and cannot be a name
      |
    1 | def if(x) = x
      |     ^^
    ");
    assert_snapshot!(compiled("x[1, i]"), @r"
    PARSE: error: unexpected name `i` in an index
      |
    1 | x[1, i]
      |      ^
      = help: an index is made of integers, slices such as `1:10:2`, `None` for a new axis and `...`
      = help: elements are chosen by `where(condition, x, nan)`, for a reduction by `mean(x, where=x > 0)`
    ");
    assert_snapshot!(compiled("x[1"), @r"
    PARSE: error: `[` is never closed
      |
    1 | x[1
      |  ^
    ");
    assert_snapshot!(compiled("[1, 2]"), @r"
    PARSE: error: unexpected `[`; expected an expression
      |
    1 | [1, 2]
      | ^
      = help: a list can only be an argument of a call, as in `isin(x, [1, 2])`
    ");
    assert_snapshot!(compiled("(1, 2)"), @r"
    PARSE: error: unexpected `,`; expected an operator or `)`
      |
    1 | (1, 2)
      |   ^
      = help: a tuple can only be an argument of a call, as in `axis=(0, 1)`
    ");
    assert_snapshot!(compiled("2(x)"), @r"
    PARSE: error: unexpected `(`; expected an operator or the end of the statement
      |
    1 | 2(x)
      |  ^
      = help: a product is written with `*`, as in `2 * x`
    ");
    assert_snapshot!(compiled("a.shape"), @r"
    PARSE: error: unknown attribute `shape`
      |
    1 | a.shape
      |   ^^^^^
      = help: a program computes with elements; it does not see shapes or dtypes
    ");
    assert_snapshot!(compiled("a.__class__()"), @r"
    NAME: error: unknown function '__class__'
      |
    1 | a.__class__()
      |   ^^^^^^^^^
      = help: `hotloop functions` lists what there is
    ");
    assert_snapshot!(compiled("lambda x: x"), @r"
    PARSE: error: unexpected name `x`; expected an operator or the end of the statement
      |
    1 | lambda x: x
      |        ^
      = help: a function is defined with `def name(x) = ...`
    ");
    assert_snapshot!(compiled("import os"), @r"
    PARSE: error: unexpected name `os`; expected an operator or the end of the statement
      |
    1 | import os
      |        ^^
      = help: a program imports nothing: every function is there
    ");
    assert_snapshot!(compiled("a\n+ b"), @r"
    PARSE: error: outputs before the last statement
      |
    1 | a
      | ^
      = help: only the last statement may be the outputs; bind it: name = ...
      = help: a statement ends with its line; to go on, end the line with the operator or use brackets
    ");
    assert_snapshot!(compiled("a + 1\nb + 1"), @r"
    PARSE: error: outputs before the last statement
      |
    1 | a + 1
      | ^^^^^
      = help: outputs are separated by commas: `a + 1, b + 1`
    ");
    assert_snapshot!(compiled("def f(x) = x"), @r"
    PARSE: error: the program has no outputs: only definitions
      |
    1 | def f(x) = x
      |             ^
    ");
    assert_snapshot!(compiled("x -> x + 1"), @r"
    PARSE: error: unexpected `->`; expected an operator or the end of the statement
      |
    1 | x -> x + 1
      |   ^^
      = help: a step `name -> expression` can only be an argument of a call
    ");
}

#[test]
fn names() {
    assert_snapshot!(compiled("sine(a) + 1"), @r"
    NAME: error: unknown function 'sine'
      |
    1 | sine(a) + 1
      | ^^^^
      = help: did you mean 'sin', 'sinc' or 'sinh'?
    ");
    assert_snapshot!(compiled("exp1m(a)"), @r"
    NAME: error: unknown function 'exp1m'
      |
    1 | exp1m(a)
      | ^^^^^
      = help: did you mean 'expm1'?
    ");
    assert_snapshot!(compiled("a + sqr(b)"), @r"
    NAME: error: unknown function 'sqr'
      |
    1 | a + sqr(b)
      |     ^^^
      = help: a square is `square(x)` or `x**2`
    ");
    assert_snapshot!(compiled("completely_unknown(a)"), @r"
    NAME: error: unknown function 'completely_unknown'
      |
    1 | completely_unknown(a)
      | ^^^^^^^^^^^^^^^^^^
      = help: `hotloop functions` lists what there is
    ");
    assert_snapshot!(compiled("def smooth(x) = x\nsmoth(a)"), @r"
    NAME: error: unknown function 'smoth'
      |
    2 | smoth(a)
      | ^^^^^
      = help: did you mean 'smooth'?
    ");
    assert_snapshot!(compiled("float23(a)"), @r"
    NAME: error: unknown function 'float23'
      |
    1 | float23(a)
      | ^^^^^^^
      = help: did you mean 'float32' or 'float64'?
    ");
    assert_snapshot!(compiled("x = a; y = x; x = 2"), @r"
    NAME: error: 'x' is bound twice
      |
    1 | x = a; y = x; x = 2
      |               ^
      = help: a name keeps one value; choose another name
    ");
    assert_snapshot!(compiled("y = x + 1; x = 2; y"), @r"
    NAME: error: 'x' was already read as an input
      |
    1 | y = x + 1; x = 2; y
      |            ^
      = help: bind it before its first use, or choose another name
    ");
    assert_snapshot!(compiled("x = x + 1"), @r"
    NAME: error: 'x' was already read as an input
      |
    1 | x = x + 1
      | ^
      = help: bind it before its first use, or choose another name
    ");
    assert_snapshot!(compiled("def f(x) = f(x - 1)\nf(a)"), @r"
    NAME: error: 'f' calls itself; definitions cannot recurse
      |
    1 | def f(x) = f(x - 1)
      |            ^
    ");
    assert_snapshot!(compiled("def f(x) = x; def f(y) = y; f(a)"), @r"
    NAME: error: the function 'f' is defined twice
      |
    1 | def f(x) = x; def f(y) = y; f(a)
      |                   ^
    ");
    assert_snapshot!(compiled("def f(x, x) = x; f(a, a)"), @r"
    NAME: error: the parameter 'x' stands twice
      |
    1 | def f(x, x) = x; f(a, a)
      |          ^
    ");
    assert_snapshot!(compiled("def f(x) = x + y\ny = 3\nf(y)"), @r"
    NAME: error: 'y' was already read as an input
      |
    2 | y = 3
      | ^
      = help: bind it before its first use, or choose another name
    ");
    assert_snapshot!(compiled("clip(a, minimum=1, max=2)"), @r"
    NAME: error: unknown keyword 'minimum' for 'clip'
      |
    1 | clip(a, minimum=1, max=2)
      |         ^^^^^^^
      = help: it is called as clip(x, min=None, max=None, *, a_min=None, a_max=None)
    ");
}

#[test]
fn arity() {
    assert_snapshot!(compiled("sin()"), @r"
    ARITY: error: 'sin' does not take 0 arguments
      |
    1 | sin()
      | ^^^^^
      = help: it is called as sin(x)
    ");
    assert_snapshot!(compiled("sin(a, b)"), @r"
    ARITY: error: 'sin' does not take 2 arguments
      |
    1 | sin(a, b)
      | ^^^^^^^^^
      = help: it is called as sin(x)
    ");
    assert_snapshot!(compiled("pow(a)"), @r"
    ARITY: error: 'pow' does not take 1 argument
      |
    1 | pow(a)
      | ^^^^^^
      = help: it is called as pow(x, y)
    ");
    assert_snapshot!(compiled("where(a, b)"), @r"
    ARITY: error: 'where' does not take 2 arguments
      |
    1 | where(a, b)
      | ^^^^^^^^^^^
      = help: it is called as where(condition, x, y)
      = help: both values are given: where(condition, x, 0)
    ");
    assert_snapshot!(compiled("max(a, b)"), @r"
    ARITY: error: 'max' does not take 2 arguments
      |
    1 | max(a, b)
      | ^^^^^^^^^
      = help: it is called as max(x, axis=None, out=None, keepdims=False, initial=None, where=True)
      = help: for the larger of two arrays use maximum(x, y)
    ");
    assert_snapshot!(compiled("min(a, b, c)"), @r"
    ARITY: error: 'min' does not take 3 arguments
      |
    1 | min(a, b, c)
      | ^^^^^^^^^^^^
      = help: it is called as min(x, axis=None, out=None, keepdims=False, initial=None, where=True)
      = help: for the smaller of two arrays use minimum(x, y)
    ");
    assert_snapshot!(compiled("def f(x, y) = x + y; f(a)"), @r"
    ARITY: error: 'f' does not take 1 argument
      |
    1 | def f(x, y) = x + y; f(a)
      |                      ^^^^
      = help: it is called as f(x, y)
    ");
    assert_snapshot!(compiled("clip(a, 1, x=2)"), @r"
    ARITY: error: the argument 'x' is given twice
      |
    1 | clip(a, 1, x=2)
      |            ^^^
    ");
    assert_snapshot!(compiled("f64(a, b)"), @r"
    ARITY: error: 'f64' does not take 2 arguments
      |
    1 | f64(a, b)
      | ^^^^^^^^^
      = help: it is called as f64(x)
    ");
    assert_snapshot!(compiled("isin(a)"), @r"
    ARITY: error: 'isin' does not take 1 argument
      |
    1 | isin(a)
      | ^^^^^^^
      = help: it is called as isin(x, [v1, v2, ...], *, assume_unique=False, invert=False)
    ");
    assert_snapshot!(compiled("scan(a, s -> s + 1)"), @r"
    NAME: error: unknown function 'scan'
      |
    1 | scan(a, s -> s + 1)
      | ^^^^
      = help: running results are not there yet; a program sees whole arrays and their views
    ");
    let two = compile("x = a; y = b").unwrap();
    let error = two.eval_as::<f64>([floats(), floats()]).unwrap_err();
    assert_snapshot!(shown(&error), @r"
    ARITY: error: the program has 2 outputs, not one
      = help: use `eval`
    ");
    let error = two.eval([floats()]).unwrap_err();
    assert_snapshot!(shown(&error), @r"
    ARITY: error: 1 argument for 2 inputs
      = help: the inputs are a, b
    ");
    let error = two.eval_into([floats(), floats()], &mut []).unwrap_err();
    assert_snapshot!(shown(&error), @"ARITY: error: 0 output arrays for 2 outputs");
}

#[test]
fn types() {
    let bools = || Arg::from(&[true, false]);
    let bytes = || Arg::from(&[1u8, 2]);
    let ints = || Arg::from(&[1i64, 2]);
    assert_snapshot!(ran("a - b", &[("a", bools()), ("b", bools())]), @r"
    TYPE: error: bool - bool is not defined
      |
    1 | a - b
      | ^^^^^
      = help: use `^` for the difference of bools
    ");
    assert_snapshot!(ran("1 + -a", &[("a", bools())]), @r"
    TYPE: error: negative of bool is not defined
      |
    1 | 1 + -a
      |     ^^
      = help: use `not x` or `~x`
    ");
    assert_snapshot!(ran("sign(a)", &[("a", bools())]), @r"
    TYPE: error: sign of bool is not defined
      |
    1 | sign(a)
      | ^^^^^^^
      = help: convert it: i8(x)
    ");
    assert_snapshot!(ran("a and b", &[("a", floats()), ("b", bools())]), @r"
    TYPE: error: `and` takes bools, not f64
      |
    1 | a and b
      | ^^^^^^^
      = help: compare first: x != 0
    ");
    assert_snapshot!(ran("not a", &[("a", ints())]), @r"
    TYPE: error: `not` takes bools, not i64
      |
    1 | not a
      | ^^^^^
      = help: compare first: x != 0
    ");
    assert_snapshot!(ran("a | 1", &[("a", floats())]), @r"
    TYPE: error: `|` takes bools and integers, not f64
      |
    1 | a | 1
      | ^^^^^
      = help: it binds tighter than comparisons: `(a < b) | (b < c)`, or write `or`
    ");
    assert_snapshot!(ran("~a", &[("a", floats())]), @r"
    TYPE: error: `~` takes bools and integers, not f64
      |
    1 | ~a
      | ^^
    ");
    assert_snapshot!(ran("a << b", &[("a", ints()), ("b", floats())]), @r"
    TYPE: error: `<<` takes bools and integers, not f64
      |
    1 | a << b
      | ^^^^^^
    ");
    assert_snapshot!(ran("a & b", &[("a", ints()), ("b", Arg::from(&[1u64, 2]))]), @r"
    TYPE: error: `&` takes bools and integers, but i64 and u64 meet in f64
      |
    1 | a & b
      | ^^^^^
      = help: convert one of them: i64(x)
    ");
    assert_snapshot!(ran("1 if a else 2", &[("a", ints())]), @r"
    TYPE: error: the condition must be bool, not i64
      |
    1 | 1 if a else 2
      | ^^^^^^^^^^^^^
      = help: compare it: x != 0
    ");
    assert_snapshot!(ran("where(a, 1, 2)", &[("a", floats())]), @r"
    TYPE: error: the condition must be bool, not f64
      |
    1 | where(a, 1, 2)
      | ^^^^^^^^^^^^^^
      = help: compare it: x != 0
    ");
    assert_snapshot!(ran("(a + 300) * 2", &[("a", bytes())]), @r"
    TYPE: error: 300 does not fit u8
      |
    1 | (a + 300) * 2
      |  ^^^^^^^
      = help: convert what it meets to a wider dtype: `i16(a)`
    ");
    assert_snapshot!(ran("a + k", &[("a", bytes()), ("k", 300i64.into())]), @r"
    TYPE: error: the argument 'k': 300 does not fit u8
      = help: pass a typed number, or convert it in the program: u8(...)
    ");
    assert_snapshot!(ran("a + k * 2", &[("a", bytes()), ("k", 200i64.into())]), @r"
    TYPE: error: the argument 'k': 400 does not fit u8
      = help: pass a typed number, or convert it in the program: u8(...)
    ");
    assert_snapshot!(ran("a * 1e39", &[("a", Arg::from(&[1f32, 2.0]))]), @r"
    TYPE: error: 1e39 does not fit f32
      |
    1 | a * 1e39
      | ^^^^^^^^
      = help: convert what it meets to a wider dtype: `f64(a)`
    ");
    assert_snapshot!(ran("a ** -2", &[("a", ints())]), @r"
    TYPE: error: integers to a negative integer power
      |
    1 | a ** -2
      | ^^^^^^^
      = help: use a float exponent for a float result: x**-2.0
    ");
    assert_snapshot!(ran("a + (9223372036854775807 + 1)", &[("a", ints())]), @r"
    TYPE: error: 9223372036854775808 does not fit i64
      |
    1 | a + (9223372036854775807 + 1)
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: convert what it meets to a wider dtype: `f64(a)`
    ");
    assert_snapshot!(compiled("a + 2j"), @r"
    TYPE: error: complex numbers are not supported yet
      |
    1 | a + 2j
      |     ^^
    ");
    assert_snapshot!(compiled("a == \"text\""), @r#"
    TYPE: error: strings are not supported yet
      |
    1 | a == "text"
      |      ^^^^^^
    "#);
    assert_snapshot!(ran("a<b & b<3", &[("a", floats()), ("b", floats())]), @r"
    TYPE: error: `&` takes bools and integers, not f64
      |
    1 | a<b & b<3
      |   ^^^^^
      = help: it binds tighter than comparisons: `(a < b) & (b < c)`, or write `and`
    ");
    assert_snapshot!(ran("a^2", &[("a", floats())]), @r"
    TYPE: error: `^` takes bools and integers, not f64
      |
    1 | a^2
      | ^^^
      = help: a power is written `**`, as in `x**2`
    ");
    assert_snapshot!(compiled("x.astype('i8')"), @r"
    TYPE: error: 'i8' is of 8 bytes in NumPy, but i8 of 8 bits here
      |
    1 | x.astype('i8')
      |          ^^^^
      = help: write int64, uint64, int8 or uint8
    ");
    assert_snapshot!(compiled("sum(x, dtype=quick)"), @r"
    TYPE: error: a dtype is written by its name
      |
    1 | sum(x, dtype=quick)
      |        ^^^^^^^^^^^
      = help: dtype=f32; there are bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64
    ");
    assert_snapshot!(compiled("diff(x)"), @r"
    NAME: error: unknown function 'diff'
      |
    1 | diff(x)
      | ^^^^
      = help: the differences of neighbours are `x[1:] - x[:-1]`
    ");
    assert_snapshot!(compiled("len(x)"), @r"
    NAME: error: unknown function 'len'
      |
    1 | len(x)
      | ^^^
      = help: a program does not see shapes; `sum(ones_like(x))` counts elements, `count_nonzero(x)` those that are not 0
    ");
    assert_snapshot!(compiled("median(x)"), @r"
    NAME: error: unknown function 'median'
      |
    1 | median(x)
      | ^^^^^^
      = help: order statistics are not there yet
    ");
    assert_snapshot!(compiled("a @ b"), @r"
    LEX: error: unexpected character `@`
      |
    1 | a @ b
      |   ^
      = help: there is no product of matrices; `dot(x, y)` is the sum of the products
    ");
    assert_snapshot!(compiled("m AND n"), @r"
    PARSE: error: unexpected name `AND`; expected an operator or the end of the statement
      |
    1 | m AND n
      |   ^^^
      = help: operators are in small letters: `and`, `or`, `^`
    ");
    assert_snapshot!(compiled("i mod 2"), @r"
    PARSE: error: unexpected name `mod`; expected an operator or the end of the statement
      |
    1 | i mod 2
      |   ^^^
      = help: the remainder is written `%`
    ");
    assert_snapshot!(compiled("2 a"), @r"
    PARSE: error: unexpected name `a`; expected an operator or the end of the statement
      |
    1 | 2 a
      |   ^
      = help: a product is written with `*`, as in `2 * x`
    ");
    assert_snapshot!(compiled("@a"), @r"
    LEX: error: unexpected character `@`
      |
    1 | @a
      | ^
      = help: a name stands alone, without `@`
    ");
    assert_snapshot!(compiled("log(a, 10)"), @r"
    ARITY: error: 'log' does not take 2 arguments
      |
    1 | log(a, 10)
      | ^^^^^^^^^^
      = help: it is called as log(x)
      = help: to a base it is log2(x), log10(x) or log(x) / log(base)
    ");
    let error = compile("a * 2").unwrap().eval_as::<f32>([floats()]).unwrap_err();
    assert_snapshot!(shown(&error), @r"
    TYPE: error: the output is f64, not f32
      = help: convert it in the program: f32(...)
    ");
    let error = compile("a * 2").unwrap().eval_into([floats()], &mut [Out::from(&mut [0i32; 3])]);
    assert_snapshot!(shown(&error.unwrap_err()), @r"
    TYPE: error: output 0 is f64, but the array for it is i32
      = help: nothing is cast silently: convert in the program
    ");
    let mut out = [0f64; 3];
    let types = [("a", ArgType::array(DType::F32))];
    let kernel = compile("f64(a)").unwrap().specialize(&types).unwrap();
    assert_snapshot!(shown(&kernel.bind([floats()], [&mut out]).err().unwrap()), @"TYPE: error: 'a' is f64[s0], but the kernel is made for f32[s0]");
}

#[test]
fn missing_and_unknown_arguments() {
    assert_snapshot!(ran("bid + ask", &[("bid", floats())]), @r"
    NAME: error: missing the input 'ask'
      |
    1 | bid + ask
      |       ^^^
    ");
    assert_snapshot!(ran("price * 2", &[("prices", floats()), ("volume", floats())]), @r"
    NAME: error: missing the input 'price'
      |
    1 | price * 2
      | ^^^^^
      = help: there is an argument 'prices'
    ");
    let program = compile("a + b").unwrap();
    let error = program.eval([("a", floats()), ("a", floats()), ("b", floats())]).unwrap_err();
    assert_snapshot!(shown(&error), @"NAME: error: the argument 'a' is given twice");
    let error = program.specialize(&[("a", ArgType::array(DType::F64))]).err().unwrap();
    assert_snapshot!(shown(&error), @"NAME: error: missing the type of 'b'");
    let error = program.eval_into([floats()], &mut [Out::inout("c", &mut [0.0; 3])]).unwrap_err();
    assert_snapshot!(shown(&error), @"NAME: error: the program has no input 'c' to compute in place");
    let mut outputs = program.eval([floats(), floats()]).unwrap();
    assert_snapshot!(shown(&outputs.take::<f64>("y").unwrap_err()), @"NAME: error: there is no output 'y'");
    assert_snapshot!(shown(&outputs.take::<f64>(7).unwrap_err()), @"NAME: error: there is no output 7");
    outputs.take::<f64>(0).unwrap();
    assert_snapshot!(shown(&outputs.take::<f64>(0).unwrap_err()), @"TAKEN: error: the output was taken already");
}

#[test]
fn shapes() {
    let (two, three) = (|| Arg::from(&[1.0, 2.0]), || Arg::from(&[1.0, 2.0, 3.0]));
    let grid = ndarray::Array2::<f64>::zeros((2, 3));
    let tall = ndarray::Array2::<f64>::zeros((3, 2));
    assert_snapshot!(ran("left + right", &[("left", three()), ("right", two())]), @r"
    SHAPE: error: the shapes of 'left' (3,) and 'right' (2,) do not broadcast
      = help: axes are matched from the last; each pair must be equal or 1
    ");
    assert_snapshot!(ran("a * b", &[("a", (&grid).into()), ("b", (&tall).into())]), @r"
    SHAPE: error: the shapes of 'a' (2, 3) and 'b' (3, 2) do not broadcast
      = help: axes are matched from the last; each pair must be equal or 1
    ");
    assert_snapshot!(ran("sqrt(a) * b + c", &[("a", two()), ("b", two()), ("c", three())]), @r"
    SHAPE: error: the shapes of 'a' (2,) and 'c' (3,) do not broadcast
      = help: axes are matched from the last; each pair must be equal or 1
    ");
    assert_snapshot!(ran("min(a) + 1", &[("a", Arg::from(&[0f64; 0]))]), @"SHAPE: error: min of an empty array has no value");
    let error = compile("a * 2").unwrap().eval_into([two()], &mut [Out::from(&mut [0.0; 3])]);
    assert_snapshot!(shown(&error.unwrap_err()), @"SHAPE: error: output 0 has the shape (2,), but the array for it (3,)");
    let error = compile("y = a * 2").unwrap().eval_into([two()], &mut [Out::from(&mut [0.0; 3])]);
    assert_snapshot!(shown(&error.unwrap_err()), @"SHAPE: error: the output 'y' has the shape (2,), but the array for it (3,)");
}

#[test]
fn layouts_and_aliases() {
    let null: *mut u8 = std::ptr::null_mut();
    let mut memory = [0f64; 8];
    let pointer = memory.as_mut_ptr().cast::<u8>();
    // SAFETY: none of these is ever read or written: each is refused.
    let raw = |pointer, shape: &[usize], strides: &[isize]| unsafe {
        Arg::raw(pointer, shape, strides, DType::F64)
    };
    assert_snapshot!(ran("a + 1", &[("a", raw(null, &[4], &[8]))]), @"LAYOUT: error: 'a' is a null pointer");
    assert_snapshot!(ran("a + 1", &[("a", raw(pointer, &[4, 2], &[8]))]), @"LAYOUT: error: 'a' has 2 axes and 1 strides");
    assert_snapshot!(ran("a + 1", &[("a", raw(pointer, &[1 << 40, 1 << 40], &[1 << 43, 8]))]), @"LAYOUT: error: 'a' of shape (1099511627776, 1099511627776) reaches beyond the address space");
    assert_snapshot!(ran("a + 1", &[("a", raw(pointer, &[1; 65], &[8; 65]))]), @"LIMIT: error: 'a' has 65 axes; at most 64 are supported");
    let program = compile("x = a; y = a * 2").unwrap();
    // SAFETY: as above.
    let out = |offset: usize, stride| unsafe {
        Out::raw(pointer.add(offset), &[3], &[stride], DType::F64)
    };
    let error = program.eval_into([floats()], &mut [out(0, 8), out(8, 8)]).unwrap_err();
    assert_snapshot!(shown(&error), @"ALIAS: error: the output 'y' overlaps the output 'x'");
    let error = program.eval_into([floats()], &mut [out(0, 8), out(32, 0)]).unwrap_err();
    assert_snapshot!(shown(&error), @r"
    ALIAS: error: the output 'y' overlaps itself
      = help: its strides put several elements at one address
    ");
}

#[test]
fn limits_memory_and_time() {
    let small = Engine::builder().max_text(10).max_nodes(3).max_arrays(2).build();
    let error = |text: &str| shown(&small.compile(text).err().unwrap());
    assert_snapshot!(error("a + b + c + d"), @"LIMIT: error: the text has 13 bytes; at most 10 are allowed");
    assert_snapshot!(error("a+b+a*b"), @r"
    LIMIT: error: the program has more than 3 operations
      |
    1 | a+b+a*b
      |     ^^^
      = help: raise the engine's limit of nodes
    ");
    assert_snapshot!(error("a, b, c"), @"LIMIT: error: the program has 3 arrays; at most 2 are allowed");
    // SAFETY: one byte, read as often as anyone likes.
    let huge = |shape: &[usize], byte: &'static u8| unsafe {
        Arg::raw(byte, shape, &vec![0; shape.len()], DType::U8)
    };
    assert_snapshot!(ran("f64(a)", &[("a", huge(&[1 << 50], &1))]), @"OOM: error: cannot allocate 9007199254740992 bytes for an output");
    assert_snapshot!(ran("a + 1", &[("a", huge(&[1 << 40, 1 << 40], &1))]), @"LIMIT: error: an array of shape (1099511627776, 1099511627776) has too many elements");
    let token = CancelToken::new();
    token.cancel();
    let cancelled = compile("a + 1").unwrap().with(RunOptions::new().cancel(&token));
    assert_snapshot!(shown(&cancelled.eval([floats()]).unwrap_err()), @"CANCELLED: error: the run was cancelled");
    let late = compile("a + 1").unwrap().with(RunOptions::new().deadline(Duration::ZERO));
    assert_snapshot!(shown(&late.eval([floats()]).unwrap_err()), @"CANCELLED: error: the run passed its deadline");
    let hurried = Engine::builder().backend(Backend::Native).compile_budget(Duration::ZERO).build();
    let long = (0..9000).map(|i| format!("(a + {i}.5)")).collect::<Vec<_>>().join("*");
    let error = hurried.compile(&long).unwrap().eval([floats()]).unwrap_err();
    assert_snapshot!(shown(&error), @r"
    LIMIT: error: there is no native code: the program is too large
      = help: raise the engine's compile budget, or use Backend::Auto
    ");
}

#[test]
fn places_in_the_text() {
    // The line of several, and its number.
    assert_snapshot!(compiled("mid = (bid + ask) / 2\nspread = ask - bid\n\nmid, sqrtt(spread)"), @r"
    NAME: error: unknown function 'sqrtt'
      |
    4 | mid, sqrtt(spread)
      |      ^^^^^
      = help: did you mean 'sqrt'?
    ");
    assert_snapshot!(compiled("a = 1\r\nb = a +* 2\r\nb"), @r"
    PARSE: error: unexpected `*`; expected an expression
      |
    2 | b = a +* 2
      |        ^
    ");
    // A tab is shown as one blank, so that the caret stands right.
    assert_snapshot!(compiled("\ta\t+\tsine(b)"), @r"
    NAME: error: unknown function 'sine'
      |
    1 |  a + sine(b)
      |      ^^^^
      = help: did you mean 'sin', 'sinc' or 'sinh'?
    ");
    // Characters two columns wide before the caret.
    assert_snapshot!(compiled("'日本語' == $"), @r"
    LEX: error: unexpected character `$`
      |
    1 | '日本語' == $
      |             ^
      = help: a name stands alone, without `$`
    ");
    let want = "LEX: error: unexpected character `$`\n  |\n1 | 'e\u{301}' == $\n  |        ^\n  = help: a name stands alone, without `$`";
    assert_eq!(compiled("'e\u{301}' == $"), want);
    // A long line is cut on both sides of the caret.
    let long = format!("{}sine(b){}", "a + ".repeat(40), " + a".repeat(40));
    assert_snapshot!(compiled(&long), @r"
    NAME: error: unknown function 'sine'
      |
    1 | …a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + sine(b) + a + a + a + a + a + a + a + a + a + a + a + a + a …
      |                                                              ^^^^
      = help: did you mean 'sin', 'sinc' or 'sinh'?
    ");
    let name = format!("{}(a)", "f".repeat(200));
    assert_snapshot!(compiled(&name), @r"
    NAME: error: unknown function 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff…'
      |
    1 | ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff…
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: `hotloop functions` lists what there is
    ");
    // A span over several lines is underlined on the first.
    assert_snapshot!(ran("1 + (a -\n b)", &[("a", Arg::from(&[true])), ("b", Arg::from(&[true]))]), @r"
    TYPE: error: bool - bool is not defined
      |
    1 | 1 + (a -
      |      ^^^
      = help: use `^` for the difference of bools
    ");
    // An operation inside a function is shown where the function is defined.
    assert_snapshot!(ran("def f(x) = x - x\nf(a) | a", &[("a", Arg::from(&[true]))]), @r"
    TYPE: error: bool - bool is not defined
      |
    1 | def f(x) = x - x
      |            ^^^^^
      = help: use `^` for the difference of bools
    ");
    // Line numbers of two digits move the margin.
    assert_snapshot!(compiled(&format!("{}sine(a)", "# line\n".repeat(11))), @r"
    NAME: error: unknown function 'sine'
       |
    12 | sine(a)
       | ^^^^
      = help: did you mean 'sin', 'sinc' or 'sinh'?
    ");
    // At the end of the text.
    assert_snapshot!(compiled("a +\n\n"), @r"
    PARSE: error: unexpected end of the text; expected an expression
      |
    1 | a +
      |    ^
    ");
}

#[test]
fn axes() {
    let table = ndarray::Array2::<f64>::zeros((3, 4));
    let args = &[("a", Arg::from(&table)), ("b", Arg::from(&table)), ("k", 1.5.into())];
    assert_snapshot!(compiled("sum(a, axis=1.5)"), @r"
    TYPE: error: an axis is an integer, known beforehand
      |
    1 | sum(a, axis=1.5)
      |        ^^^^^^^^
      = help: axis=0, axis=-1, axis=(0, 1) or axis=None; arrays have at most 64 axes
    ");
    assert_snapshot!(compiled("sum(a, axis=b)"), @r"
    TYPE: error: an axis is an integer, known beforehand
      |
    1 | sum(a, axis=b)
      |        ^^^^^^
      = help: axis=0, axis=-1, axis=(0, 1) or axis=None; arrays have at most 64 axes
    ");
    assert_snapshot!(compiled("sum(a, axis=(0, k))"), @r"
    TYPE: error: an axis is an integer, known beforehand
      |
    1 | sum(a, axis=(0, k))
      |        ^^^^^^^^^^^
      = help: axis=0, axis=-1, axis=(0, 1) or axis=None; arrays have at most 64 axes
    ");
    assert_snapshot!(compiled("sum(a, axes=0)"), @r"
    NAME: error: unknown keyword 'axes' for 'sum'
      |
    1 | sum(a, axes=0)
      |        ^^^^
      = help: it is called as sum(x, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True)
    ");
    assert_snapshot!(compiled("sum(a, keepdims=2)"), @r"
    TYPE: error: keepdims is True or False
      |
    1 | sum(a, keepdims=2)
      |        ^^^^^^^^^^
    ");
    assert_snapshot!(compiled("sum(a, keepdims=b > 0)"), @r"
    TYPE: error: keepdims is True or False
      |
    1 | sum(a, keepdims=b > 0)
      |        ^^^^^^^^^^^^^^
    ");
    assert_snapshot!(compiled("sum(a, keepdims=None)"), @r"
    TYPE: error: keepdims is True or False
      |
    1 | sum(a, keepdims=None)
      |        ^^^^^^^^^^^^^
    ");
    assert_snapshot!(compiled("sum(a, 0, True)"), @r"
    TYPE: error: a dtype is written by its name
      |
    1 | sum(a, 0, True)
      |           ^^^^
      = help: dtype=f32; there are bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64
      = help: it is called as sum(x, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True)
    ");
    assert_snapshot!(compiled("sum(a, ddof=1)"), @r"
    NAME: error: unknown keyword 'ddof' for 'sum'
      |
    1 | sum(a, ddof=1)
      |        ^^^^
      = help: it is called as sum(x, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True)
    ");
    assert_snapshot!(compiled("var(a, 1, 1)"), @r"
    TYPE: error: a dtype is written by its name
      |
    1 | var(a, 1, 1)
      |           ^
      = help: dtype=f32; there are bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64
      = help: it is called as var(x, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, correction=0)
    ");
    assert_snapshot!(compiled("sin(a, axis=0)"), @r"
    NAME: error: unknown keyword 'axis' for 'sin'
      |
    1 | sin(a, axis=0)
      |        ^^^^
      = help: it is called as sin(x)
    ");
    assert_snapshot!(compiled("sum(a, b)"), @r"
    ARITY: error: 'sum' does not take 2 arguments
      |
    1 | sum(a, b)
      | ^^^^^^^^^
      = help: it is called as sum(x, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True)
    ");
    assert_snapshot!(compiled("argmax(a, b)"), @r"
    ARITY: error: 'argmax' does not take 2 arguments
      |
    1 | argmax(a, b)
      | ^^^^^^^^^^^^
      = help: it is called as argmax(x, axis=None, out=None, *, keepdims=False)
    ");
    assert_snapshot!(compiled("dot(a)"), @r"
    ARITY: error: 'dot' does not take 1 argument
      |
    1 | dot(a)
      | ^^^^^^
      = help: it is called as dot(x, y, axis=None, *, keepdims=False, out=None)
    ");
    assert_snapshot!(ran("var(a, ddof=b)", args), @r"
    TYPE: error: the ddof of var is a number
      |
    1 | var(a, ddof=b)
      | ^^^^^^^^^^^^^^
    ");
    assert_snapshot!(ran("var(a, ddof=True)", args), @r"
    TYPE: error: the ddof of var is a number
      |
    1 | var(a, ddof=True)
      | ^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(ran("sum(k, axis=1)", args), @r"
    SHAPE: error: axis 1 is out of range for a single number
      |
    1 | sum(k, axis=1)
      | ^^^^^^^^^^^^^^
    ");
    assert_snapshot!(ran("sum(a, axis=2)", args), @r"
    SHAPE: error: axis 2 is out of range for an array of shape (3, 4)
      |
    1 | sum(a, axis=2)
      | ^^^^^^^^^^^^^^
    ");
    assert_snapshot!(ran("max(a, axis=(0, -2))", args), @r"
    SHAPE: error: axis -2 is named twice
      |
    1 | max(a, axis=(0, -2))
      | ^^^^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(ran("min(a[:, 4:], axis=1)", args), @"SHAPE: error: min of an empty array has no value");
}

#[test]
fn indices() {
    let table = ndarray::Array2::<f64>::zeros((3, 4));
    let args = &[("a", Arg::from(&table)), ("b", Arg::from(&table)), ("k", 1.5.into())];
    assert_snapshot!(compiled("a[::0]"), @r"
    SHAPE: error: the step of a slice is not 0
      |
    1 | a[::0]
      |   ^^^
    ");
    assert_snapshot!(compiled("a[..., 0, ...]"), @r"
    SHAPE: error: an index has at most one `...`
      |
    1 | a[..., 0, ...]
      |           ^^^
    ");
    assert_snapshot!(compiled("a[b]"), @r"
    PARSE: error: unexpected name `b` in an index
      |
    1 | a[b]
      |   ^
      = help: an index is made of integers, slices such as `1:10:2`, `None` for a new axis and `...`
      = help: elements are chosen by `where(condition, x, nan)`, for a reduction by `mean(x, where=x > 0)`
    ");
    assert_snapshot!(compiled("a[1.5]"), @r"
    PARSE: error: unexpected number `1.5` in an index
      |
    1 | a[1.5]
      |   ^^^
      = help: an index is made of integers, slices such as `1:10:2`, `None` for a new axis and `...`
      = help: elements are chosen by `where(condition, x, nan)`, for a reduction by `mean(x, where=x > 0)`
    ");
    assert_snapshot!(compiled("a[None:2]"), @r"
    PARSE: error: unexpected `:` in an index
      |
    1 | a[None:2]
      |       ^
      = help: an index is made of integers, slices such as `1:10:2`, `None` for a new axis and `...`
      = help: elements are chosen by `where(condition, x, nan)`, for a reduction by `mean(x, where=x > 0)`
    ");
    assert_snapshot!(compiled("a[1:2:3:4]"), @r"
    PARSE: error: a slice has at most a start, a stop and a step
      |
    1 | a[1:2:3:4]
      |        ^
      = help: an index is made of integers, slices such as `1:10:2`, `None` for a new axis and `...`
      = help: elements are chosen by `where(condition, x, nan)`, for a reduction by `mean(x, where=x > 0)`
    ");
    assert_snapshot!(compiled("a[]"), @r"
    PARSE: error: this index is empty
      |
    1 | a[]
      |   ^
      = help: an index is made of integers, slices such as `1:10:2`, `None` for a new axis and `...`
      = help: elements are chosen by `where(condition, x, nan)`, for a reduction by `mean(x, where=x > 0)`
    ");
    assert_snapshot!(compiled("a[9223372036854775808]"), @r"
    LEX: error: this index does not fit i64
      |
    1 | a[9223372036854775808]
      |   ^^^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(ran("k[0]", args), @r"
    SHAPE: error: a single number has no axes to index or move
      |
    1 | k[0]
      | ^^^^
    ");
    assert_snapshot!(ran("sum(a)[0]", args), @r"
    SHAPE: error: a single number has no axes to index or move
      |
    1 | sum(a)[0]
      | ^^^^^^^^^
    ");
    assert_snapshot!(ran("a[3]", args), @r"
    SHAPE: error: index 3 is out of range for axis 0 of 3 elements
      |
    1 | a[3]
      | ^^^^
    ");
    assert_snapshot!(ran("a[0, -5]", args), @r"
    SHAPE: error: index -5 is out of range for axis 1 of 4 elements
      |
    1 | a[0, -5]
      | ^^^^^^^^
    ");
    assert_snapshot!(ran("a[0, 0, 0]", args), @r"
    SHAPE: error: 3 indices for an array of shape (3, 4)
      |
    1 | a[0, 0, 0]
      | ^^^^^^^^^^
    ");
}

#[test]
fn views() {
    let table = ndarray::Array2::<f64>::zeros((3, 4));
    let args = &[("a", Arg::from(&table)), ("b", Arg::from(&table)), ("k", 1.5.into())];
    assert_snapshot!(compiled("transpose()"), @r"
    ARITY: error: 'transpose' does not take 0 arguments
      |
    1 | transpose()
      | ^^^^^^^^^^^
      = help: it is called as transpose(x, axes=None)
    ");
    assert_snapshot!(compiled("transpose(a, b)"), @r"
    TYPE: error: an axis is an integer, known beforehand
      |
    1 | transpose(a, b)
      |              ^
      = help: axis=0, axis=-1, axis=(0, 1) or axis=None; arrays have at most 64 axes
    ");
    assert_snapshot!(ran("transpose(k)", args), @r"
    SHAPE: error: a single number has no axes to index or move
      |
    1 | transpose(k)
      | ^^^^^^^^^^^^
    ");
    assert_snapshot!(ran("transpose(a, axes=(0,))", args), @r"
    SHAPE: error: 1 axes for an array of shape (3, 4)
      |
    1 | transpose(a, axes=(0,))
      | ^^^^^^^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(ran("transpose(a, axes=(0, 0))", args), @r"
    SHAPE: error: axis 0 is named twice
      |
    1 | transpose(a, axes=(0, 0))
      | ^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(compiled("expand_dims(a)"), @r"
    ARITY: error: 'expand_dims' does not take 1 argument
      |
    1 | expand_dims(a)
      | ^^^^^^^^^^^^^^
      = help: it is called as expand_dims(x, axis)
    ");
    assert_snapshot!(compiled("expand_dims(a, b)"), @r"
    TYPE: error: an axis is an integer, known beforehand
      |
    1 | expand_dims(a, b)
      |                ^
      = help: axis=0, axis=-1, axis=(0, 1) or axis=None; arrays have at most 64 axes
    ");
    assert_snapshot!(ran("expand_dims(a, 4)", args), @r"
    SHAPE: error: axis 4 is out of range for an array of shape (3, 4)
      |
    1 | expand_dims(a, 4)
      | ^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(ran("a - sum(a, axis=1)", args), @r"
    SHAPE: error: shapes (3, 4) and (3,) do not broadcast
      = help: `keepdims=True` keeps the axes of a reduction; `[:, None]` adds them behind
    ");
}

/// What would be silently the last of them.
#[test]
fn an_axis_given_twice() {
    for text in [
        "sum(a, axis=0, axis=1)",
        "sum(a, 0, axis=1)",
        "sum(a, keepdims=True, keepdims=False)",
        "expand_dims(a, 0, axis=1)",
        "transpose(a, axes=(0, 1), axes=(1, 0))",
    ] {
        assert!(compiled(text).starts_with("ARITY: error: the argument '"), "{text}");
    }
}

#[test]
fn indices_have_an_end() {
    let long = format!("x[{}]", vec!["None"; 129].join(", "));
    assert!(compiled(&long).starts_with("LIMIT: error: more items than an array"), "{long}");
    let axes = format!("sum(x, axis=({}))", vec!["0"; 129].join(", "));
    assert!(compiled(&axes).starts_with("LIMIT: error: more axes than an array"), "{axes}");
    let table = ndarray::Array2::<f64>::zeros((3, 4));
    let args = &[("x", Arg::from(&table))];
    // NumPy refuses these too: there is no second axis to slice.
    for text in ["sum(x, axis=1)[:, None, :]", "sum(x, axis=0)[None, :, :]"] {
        assert!(ran(text, args).starts_with("SHAPE: error: 2 indices for an array"), "{text}");
    }
}
