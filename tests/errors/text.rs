//! Lexical and syntactic errors.

use hotloop::Arg;
use insta::assert_snapshot;

use super::{compiled, ran};

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
      = help: write the name without `$`
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
fn places_in_the_text() {
    // The line and its number, in a text of several lines.
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
    // A tab is shown as one space, so that the caret is in the right column.
    assert_snapshot!(compiled("\ta\t+\tsine(b)"), @r"
    NAME: error: unknown function 'sine'
      |
    1 |  a + sine(b)
      |      ^^^^
      = help: did you mean 'sin', 'sinc' or 'since'?
    ");
    // Characters two columns wide before the caret.
    assert_snapshot!(compiled("'日本語' == $"), @r"
    LEX: error: unexpected character `$`
      |
    1 | '日本語' == $
      |             ^
      = help: write the name without `$`
    ");
    let want = "LEX: error: unexpected character `$`\n  |\n1 | 'e\u{301}' == $\n  |        ^\n  = help: write the name without `$`";
    assert_eq!(compiled("'e\u{301}' == $"), want);
    // A long line is cut on both sides of the caret.
    let long = format!("{}sine(b){}", "a + ".repeat(40), " + a".repeat(40));
    assert_snapshot!(compiled(&long), @r"
    NAME: error: unknown function 'sine'
      |
    1 | …a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + sine(b) + a + a + a + a + a + a + a + a + a + a + a + a + a …
      |                                                              ^^^^
      = help: did you mean 'sin', 'sinc' or 'since'?
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
    // An error inside a function is shown where the function is defined.
    assert_snapshot!(ran("def f(x) = x - x\nf(a) | a", &[("a", Arg::from(&[true]))]), @r"
    TYPE: error: bool - bool is not defined
      |
    1 | def f(x) = x - x
      |            ^^^^^
      = help: use `^` for the difference of bools
    ");
    // Line numbers of two digits widen the margin.
    assert_snapshot!(compiled(&format!("{}sine(a)", "# line\n".repeat(11))), @r"
    NAME: error: unknown function 'sine'
       |
    12 | sine(a)
       | ^^^^
      = help: did you mean 'sin', 'sinc' or 'since'?
    ");
    // At the end of the text.
    assert_snapshot!(compiled("a +\n\n"), @r"
    PARSE: error: unexpected end of the text; expected an expression
      |
    1 | a +
      |    ^
    ");
}
