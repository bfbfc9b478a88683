//! Errors of axes, indices and views.

use hotloop::{Arg, ndarray};
use insta::assert_snapshot;

use super::{compiled, ran};

#[test]
fn axes() {
    let table = ndarray::Array2::<f64>::zeros((3, 4));
    let args = &[("a", Arg::from(&table)), ("b", Arg::from(&table)), ("k", 1.5.into())];
    assert_snapshot!(compiled("sum(a, axis=1.5)"), @r"
    TYPE: error: an axis must be a constant integer
      |
    1 | sum(a, axis=1.5)
      |        ^^^^^^^^
      = help: axis=0, axis=-1, axis=(0, 1) or axis=None; arrays have at most 64 axes
    ");
    assert_snapshot!(compiled("sum(a, axis=b)"), @r"
    TYPE: error: an axis must be a constant integer
      |
    1 | sum(a, axis=b)
      |        ^^^^^^
      = help: axis=0, axis=-1, axis=(0, 1) or axis=None; arrays have at most 64 axes
    ");
    assert_snapshot!(compiled("sum(a, axis=(0, k))"), @r"
    TYPE: error: an axis must be a constant integer
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
    TYPE: error: an axis must be a constant integer
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
    TYPE: error: an axis must be a constant integer
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

/// Options that are given twice, of which the last would otherwise be used silently.
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
    // NumPy rejects these, too: there is no second axis to slice.
    for text in ["sum(x, axis=1)[:, None, :]", "sum(x, axis=0)[None, :, :]"] {
        assert!(ran(text, args).starts_with("SHAPE: error: 2 indices for an array"), "{text}");
    }
}
