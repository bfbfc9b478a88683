//! Semantic errors: names, arguments, dtypes.

use hotloop::{Arg, ArgType, DType, Out, compile};
use insta::assert_snapshot;

use super::{compiled, floats, ran, shown};

#[test]
fn names() {
    assert_snapshot!(compiled("sine(a) + 1"), @r"
    NAME: error: unknown function 'sine'
      |
    1 | sine(a) + 1
      | ^^^^
      = help: did you mean 'sin', 'sinc' or 'since'?
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
    NAME: error: duplicate parameter 'x'
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
      = help: general recurrences are not there yet; there are `cumsum(x)`, `cumprod(x)`, `cummin(x)`, `cummax(x)` and `ewm_mean(x, alpha=0.1)`
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
    TYPE: error: `&` takes bools and integers, but i64 and u64 promote to f64
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
      = help: convert the other operand to a wider dtype: `i16(a)`
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
      = help: convert the other operand to a wider dtype: `f64(a)`
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
      = help: convert the other operand to a wider dtype: `f64(a)`
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
    assert_snapshot!(compiled("ediff1d(x)"), @r"
    NAME: error: unknown function 'ediff1d'
      |
    1 | ediff1d(x)
      | ^^^^^^^
      = help: differences are `diff(x)`, or of views `x[1:] - x[:-1]`
    ");
    assert_snapshot!(compiled("len(x)"), @r"
    NAME: error: unknown function 'len'
      |
    1 | len(x)
      | ^^^
      = help: a program does not see shapes; `sum(ones_like(x))` counts elements, `count_nonzero(x)` those that are not 0
    ");
    assert_snapshot!(compiled("nanmedian(x)"), @r"
    NAME: error: unknown function 'nanmedian'
      |
    1 | nanmedian(x)
      | ^^^^^^^^^
      = help: there are `median(x)` and `quantile(x, 0.9)`, which are NaN if an element is, and `rolling_median(x, 20)`, which leaves NaN out
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
      = help: write the name without `@`
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
