//! Invalid texts: the stage that rejects them, the place, the message, the advice.

mod common;

use common::{Wrong, assert_wrong, shape, wrong};
use hotloop_grammar::SyntaxErrorKind::{Lex, Parse};
use hotloop_grammar::parse;

/// `text` fails in the lexer: `piece`, which starts at byte `at`, is underlined.
#[track_caller]
fn lex(text: &str, at: usize, piece: &str, message: &str) -> Vec<String> {
    assert_wrong(text, Lex, at, piece, message)
}

/// `text` fails in the parser.
#[track_caller]
fn bad(text: &str, at: usize, piece: &str, message: &str) -> Vec<String> {
    assert_wrong(text, Parse, at, piece, message)
}

const NOTHING: [&str; 0] = [];

#[test]
fn empty() {
    for text in ["", " ", "\n \t\r\n", "# only a comment", ";;", "\u{feff}", "\n;\n# x\n;"] {
        bad(text, 0, "", "empty expression");
    }
}

#[test]
fn integers_that_do_not_fit() {
    let message = "integer literal does not fit 127 bits";
    for text in [
        "170141183460469231731687303715884105728",
        "0x80000000000000000000000000000000",
        "1_000000000000000000000000000000000000000",
    ] {
        lex(text, 0, text, message);
    }
    let digits = "7".repeat(1_000_000);
    lex(&digits, 0, &digits, message);
    lex(
        "a + 0x8_0000_0000_0000_0000_0000_0000_0000_0000",
        4,
        "0x8_0000_0000_0000_0000_0000_0000_0000_0000",
        message,
    );
    assert_eq!(shape("-9223372036854775808"), "(- 9223372036854775808)");
    assert_eq!(shape("9223372036854775807"), "9223372036854775807");
}

#[test]
fn malformed_numbers_are_one_error() {
    let exponent = "the exponent has no digits";
    let underscore = "an underscore in a number must stand between two digits";
    let point = "a number has at most one `.`";
    let touches = "a number cannot touch a name";
    let radix = "integers are written in decimal or, after `0x`, in hexadecimal";
    let zero = "an integer cannot begin with 0";
    for (number, message) in [
        ("1e", exponent),
        ("1e+", exponent),
        ("1.5e-", exponent),
        ("1e+x", exponent),
        ("1e_5", exponent),
        ("0x", "a hexadecimal literal needs a digit after `0x`"),
        ("0b2", radix),
        ("0b1", radix),
        ("0o7", radix),
        ("1__0", underscore),
        ("1_", underscore),
        ("1_.5", underscore),
        ("1._5", underscore),
        ("0x1_", underscore),
        ("1_000_x", underscore),
        ("1.2.3", point),
        ("1..2", point),
        ("1..", point),
        (".5.", point),
        ("2x", touches),
        ("2exp", touches),
        ("0xfg", touches),
        ("0xg", touches),
        ("1e5x", touches),
        ("2j3", touches),
        ("2jj", touches),
        ("1.5.real", touches),
        ("1.real", touches),
        ("2j.imag", touches),
        ("2and", touches),
        ("007", zero),
        ("0_1", zero),
    ] {
        lex(number, 0, number, message);
        lex(&format!("a + ({number})"), 5, number, message);
        lex(&format!("{number} + b"), 0, number, message);
    }
    assert_eq!(lex("2x", 0, "2x", touches), ["a product is written with `*`, as in `2 * x`"]);
    assert_eq!(
        lex("1.5.real", 0, "1.5.real", touches),
        ["an attribute of a number is written `(1.5).real`"]
    );
    assert_eq!(
        lex("1.imag", 0, "1.imag", touches),
        ["an attribute of a number is written `(1.5).real`"]
    );
    let zeros = ["drop the leading zeros; thousands are separated by `_`, as in `1_000`"];
    assert_eq!(lex("007", 0, "007", zero), zeros);
    assert_eq!(lex("1,000 * a", 2, "000", zero), zeros);
    assert_eq!(lex("00", 0, "00", zero), zeros);
    // A sign after a hexadecimal e is an operator.
    assert_eq!(shape("0xe+1"), "(+ 14 1)");
    assert_eq!(shape("1e-3-1"), "(- 0.001 1)");
    assert_eq!(
        bad(
            "x.1",
            1,
            ".1",
            "unexpected number `.1`; expected an operator or the end of the statement"
        ),
        NOTHING
    );
}

#[test]
fn characters_of_no_token() {
    for (text, at, piece, message) in [
        ("a\0b", 1, "\0", "unexpected character U+0000"),
        ("a\0", 1, "\0", "unexpected character U+0000"),
        ("\u{1b}[31m", 0, "\u{1b}", "unexpected character U+001B"),
        ("a # \u{1b}[31m", 4, "\u{1b}", "unexpected character U+001B"),
        ("'a\u{1b}[31m'", 2, "\u{1b}", "unexpected character U+001B"),
        ("'\\\u{1b}'", 2, "\u{1b}", "unexpected character U+001B"),
        ("'a\rb'", 2, "\r", "unexpected character U+000D"),
        ("a\u{7f}", 1, "\u{7f}", "unexpected character U+007F"),
        ("a\u{85}b", 1, "\u{85}", "unexpected character U+0085"),
        ("a\x0bb", 1, "\x0b", "unexpected character U+000B"),
        ("a\u{feff}", 1, "\u{feff}", "unexpected character U+FEFF"),
        ("\u{feff}\u{feff}a", 3, "\u{feff}", "unexpected character U+FEFF"),
        ("a\u{a0}b", 1, "\u{a0}", "unexpected character U+00A0"),
        ("a\u{2028}b", 1, "\u{2028}", "unexpected character U+2028"),
        ("a + １２", 4, "１", "unexpected character U+FF11"),
        ("1２", 1, "２", "unexpected character U+FF12"),
        ("naïve", 2, "ï", "unexpected character U+00EF"),
        ("e\u{301}", 1, "\u{301}", "unexpected character U+0301"),
        ("\u{430}", 0, "\u{430}", "unexpected character U+0430"),
        ("a\u{202e}b", 1, "\u{202e}", "unexpected character U+202E"),
        ("a\u{200d}b", 1, "\u{200d}", "unexpected character U+200D"),
        ("🦀", 0, "🦀", "unexpected character U+1F980"),
        ("a × b", 2, "×", "unexpected character U+00D7"),
        ("a $ b", 2, "$", "unexpected character `$`"),
        ("a @ b", 2, "@", "unexpected character `@`"),
        ("`a`", 0, "`", "unexpected character ``` "),
        ("{a}", 0, "{", "unexpected character `{`"),
        ("a \\\n+ b", 2, "\\", "unexpected character `\\`"),
    ] {
        lex(text, at, piece, message.trim_end());
    }
    let hint = |text| wrong(text).hints;
    assert_eq!(hint("naïve"), ["identifiers are ASCII"]);
    assert_eq!(hint("１"), ["digits are ASCII"]);
    assert_eq!(hint("a\u{a0}"), ["only the ASCII space, tabs and line ends separate tokens"]);
    assert_eq!(hint("a − b"), ["minus is written `-`"]);
    assert_eq!(hint("a ≤ b"), ["write `<=`"]);
    assert_eq!(hint("“x”"), ["text is quoted with `\"` or `'`"]);
    assert_eq!(hint("a \\\n+ b"), ["a line that ends with an operator goes on without `\\`"]);
}

#[test]
fn texts() {
    let open = "this text literal is not closed on its line";
    lex("x == \"abc", 5, "\"abc", open);
    lex("'", 0, "'", open);
    lex("'abc\\", 0, "'abc\\", open);
    lex("'abc\\'", 0, "'abc\\'", open);
    lex("'abc\nd'", 0, "'abc", open);
    lex("'abc\r\nd'", 0, "'abc", open);
    lex("'a\\\nb'", 0, "'a\\", open);
    lex("'a\\\r\nb'", 0, "'a\\", open);
    lex("'é", 0, "'é", open);
    let hints = lex("'a\\qb'", 2, "\\q", "unknown escape in a text literal");
    assert_eq!(hints, [r#"the escapes are \\ \" \' \n and \t"#]);
    lex("'\\é'", 1, "\\é", "unknown escape in a text literal");
    lex("'\\x41'", 1, "\\x", "unknown escape in a text literal");
    for text in ["f\"{x}\"", "f'{x}'", "rb'x'"] {
        assert_eq!(wrong(text).kind, Parse);
        assert_eq!(wrong(text).hints, ["a text literal has no prefix"]);
    }
}

#[test]
fn operators_of_other_languages() {
    for (text, at, symbol, advice) in [
        ("!a", 0, "!", "write `not`, or `~` for the complement of an integer"),
        ("a && b", 2, "&&", "write `and`"),
        ("a || b", 2, "||", "write `or`"),
        ("a => b", 2, "=>", "write `>=` to compare, `->` for a step"),
        ("a =< b", 2, "=<", "write `<=`"),
        ("a === b", 2, "===", "write `==`"),
        ("a !== b", 2, "!==", "write `!=`"),
        ("a <> b", 2, "<>", "write `!=`"),
        ("a := b", 2, ":=", "write `=`"),
        ("a ? b : c", 2, "?", "a conditional is written `a if condition else b`"),
        ("a ?: b", 2, "?:", "a conditional is written `a if condition else b`"),
    ] {
        let hints = lex(text, at, symbol, &format!("`{symbol}` is not an operator"));
        assert_eq!(hints, [advice], "{text}");
    }
    for (text, at, symbol) in [("a += 1", 2, "+="), ("a //= b", 2, "//="), ("a**=2", 1, "**=")] {
        let hints = bad(text, at, symbol, &format!("`{symbol}` is not an operator"));
        assert_eq!(hints, ["a name is bound once; bind the result to a new one"]);
    }
}

#[test]
fn words_of_other_languages() {
    let name = |name| {
        format!("unexpected name `{name}`; expected an operator or the end of the statement")
    };
    assert_eq!(bad("a is b", 2, "is", &name("is")), ["write `==` to compare"]);
    assert_eq!(bad("a in b", 2, "in", &name("in")), ["membership is written `isin(a, b)`"]);
    assert_eq!(bad("not a in b", 6, "in", &name("in")), ["membership is written `isin(a, b)`"]);
    let hints = bad(
        "a not in b",
        2,
        "not",
        "unexpected `not`; expected an operator or the end of the statement",
    );
    assert_eq!(hints, ["membership is written `not isin(a, b)`"]);
    assert_eq!(
        bad("lambda x: x", 7, "x", &name("x")),
        ["a function is defined with `def name(x) = ...`"]
    );
    assert_eq!(
        bad("import os", 7, "os", &name("os")),
        ["a program imports nothing: every function is there"]
    );
    let hints = bad("[i for i in x]", 0, "[", "unexpected `[`; expected an expression");
    assert_eq!(hints, ["a list can only be an argument of a call, as in `isin(x, [1, 2])`"]);
    // They are no keywords, though.
    assert_eq!(shape("lambda + in*is"), "(+ lambda (* in is))");
}

#[test]
fn brackets() {
    bad("(", 0, "(", "`(` is never closed");
    bad("f(a, (b + c", 5, "(", "`(` is never closed");
    bad("f((a)", 1, "(", "`(` is never closed");
    bad("x = (a + b\ny = 3", 4, "(", "`(` is never closed");
    bad("a + (", 4, "(", "`(` is never closed");
    let none = ["there is no `(` that it closes"];
    assert_eq!(
        bad("a)", 1, ")", "unexpected `)`; expected an operator or the end of the statement"),
        none
    );
    assert_eq!(bad("a + )", 4, ")", "unexpected `)`; expected an expression"), none);
    bad("()", 1, ")", "unexpected `)`; expected an expression");
    bad("(a b)", 3, "b", "unexpected name `b`; expected an operator or `)`");
    bad("f(x y)", 4, "y", "unexpected name `y`; expected an operator, `,` or `)`");
    bad("f(x,,y)", 4, ",", "unexpected `,`; expected an expression");
    bad("f(,)", 2, ",", "unexpected `,`; expected an expression");
    bad("(a; b)", 2, ";", "unexpected `;`; expected an operator or `)`");
    bad("a ]", 2, "]", "unexpected `]`; expected an operator or the end of the statement");
    let hints = bad("(a, b)", 2, ",", "unexpected `,`; expected an operator or `)`");
    assert_eq!(hints, ["a tuple can only be an argument of a call, as in `axis=(0, 1)`"]);
}

#[test]
fn indices() {
    let made_of = [
        "an index is made of integers, slices such as `1:10:2`, `None` for a new axis and `...`",
        "elements are chosen by `where(condition, x, nan)`, for a reduction by `mean(x, where=x > 0)`",
    ];
    let refused = |text: &str, at: usize, piece: &str, what: &str| {
        let message = format!("unexpected {what} in an index");
        assert_eq!(bad(text, at, piece, &message), made_of, "{text}");
    };
    refused("x[i]", 2, "i", "name `i`");
    refused("x[a:b]", 2, "a", "name `a`");
    refused("x[1:b]", 4, "b", "name `b`");
    refused("x[::b]", 4, "b", "name `b`");
    refused("x[0, i]", 5, "i", "name `i`");
    refused("x[-i]", 3, "i", "name `i`");
    refused("x[x > 0]", 2, "x", "name `x`");
    refused("x[f(x)]", 2, "f", "name `f`");
    refused("x[1.5]", 2, "1.5", "number `1.5`");
    refused("x[1:2.]", 4, "2.", "number `2.`");
    refused("x[2j]", 2, "2j", "number `2j`");
    refused("x[True]", 2, "True", "`True`");
    refused("x[nan]", 2, "nan", "`nan`");
    refused("x[nan=0]", 2, "nan", "`nan`");
    refused("x[not 1]", 2, "not", "`not`");
    refused("x[(0)]", 2, "(", "`(`");
    refused("x[[0, 1]]", 2, "[", "`[`");
    refused("x[0[0]]", 3, "[", "`[`");
    refused("x[1 + 1]", 4, "+", "`+`");
    refused("x[+1]", 2, "+", "`+`");
    refused("x[--1]", 3, "-", "`-`");
    refused("x[~1]", 2, "~", "`~`");
    refused("x[1 == 1]", 4, "==", "`==`");
    refused("x[k=1]", 2, "k", "name `k`");
    refused("x[1=1]", 3, "=", "`=`");
    refused("x[0 if y else 1]", 4, "if", "`if`");
    refused("x[i -> 1]", 2, "i", "name `i`");
    refused("x[1; 2]", 3, ";", "`;`");
    refused("x[1 2]", 4, "2", "number `2`");
    refused("x[1 None]", 4, "None", "`None`");
    refused("x[None 1]", 7, "1", "number `1`");
    refused("x[None:1]", 6, ":", "`:`");
    refused("x[1:None]", 4, "None", "`None`");
    refused("x[...:]", 5, ":", "`:`");
    refused("x[1:...]", 4, "...", "`...`");
    refused("x[....real]", 5, ".", "`.`");
    refused("x[0 .real]", 4, ".", "`.`");
    refused("x[-]", 3, "]", "`]`");
    refused("x[-:]", 3, ":", "`:`");
    refused("x[,]", 2, ",", "`,`");
    refused("x[0,,]", 4, ",", "`,`");
    refused("x[\n0,\ni]", 6, "i", "name `i`");
    assert_eq!(bad("x[]", 2, "]", "this index is empty"), made_of);
    assert_eq!(bad("f(x)[ ]", 6, "]", "this index is empty"), made_of);
    let parts = "a slice has at most a start, a stop and a step";
    assert_eq!(bad("x[1:2:3:4]", 7, ":", parts), made_of);
    assert_eq!(bad("x[:::]", 4, ":", parts), made_of);
    assert_eq!(bad("x[0, ::-1:]", 9, ":", parts), made_of);

    bad("x[", 1, "[", "`[` is never closed");
    bad("x[0", 1, "[", "`[` is never closed");
    bad("f(x[1:, y)", 3, "[", "`[` is never closed");
    bad("x[1: + y", 1, "[", "`[` is never closed");
    bad("x[i", 1, "[", "`[` is never closed");
    bad("f(x[1:)", 3, "[", "`[` is never closed");
    bad("x[1:)", 1, "[", "`[` is never closed");
    bad("a = x[0,\nb = 1\na + b", 5, "[", "`[` is never closed");
    bad("f(x[0]", 1, "(", "`(` is never closed");
    let none = ["there is no `[` that it closes"];
    let message = "unexpected `]`; expected an operator or the end of the statement";
    assert_eq!(bad("x ]", 2, "]", message), none);
    assert_eq!(bad("x[0]]", 4, "]", message), none);
    assert_eq!(bad("]", 0, "]", "unexpected `]`; expected an expression"), none);
    assert_eq!(bad("(x]", 2, "]", "unexpected `]`; expected an operator or `)`"), none);

    let too_large = "this index does not fit i64";
    lex("x[9223372036854775808]", 2, "9223372036854775808", too_large);
    lex("x[::9223372036854775808]", 4, "9223372036854775808", too_large);
    lex("x[-9223372036854775809]", 2, "-9223372036854775809", too_large);
    lex("x[1...]", 2, "1...", "a number has at most one `.`");
    lex("x[2i]", 2, "2i", "a number cannot touch a name");
}

#[test]
fn square_brackets_that_index_nothing() {
    let lists = ["a list can only be an argument of a call, as in `isin(x, [1, 2])`"];
    let expression = "unexpected `[`; expected an expression";
    assert_eq!(bad("[1, 2]", 0, "[", expression), lists);
    assert_eq!(bad("[", 0, "[", expression), lists);
    assert_eq!(bad("[]", 0, "[", expression), lists);
    assert_eq!(bad("[None]", 0, "[", expression), lists);
    assert_eq!(bad("a + [1]", 4, "[", expression), lists);
    assert_eq!(bad("x\n[0]", 2, "[", expression), lists);
    assert_eq!(bad("[i for i in x]", 0, "[", expression), lists);
    assert_eq!(bad("x[i for i in x]", 2, "i", "unexpected name `i` in an index").len(), 2);
    bad("x.[0]", 2, "[", "unexpected `[`; expected an attribute (`T`, `real`, `imag`) or a method");
    assert_eq!(bad("def f[x] = x", 5, "[", "unexpected `[`; expected `(`"), NOTHING);
    assert_eq!(bad("x[0] = 1", 5, "=", "only a name can be bound"), ["write `==` to compare"]);
    assert_eq!(bad("x[0, 1] = 1", 8, "=", "only a name can be bound"), ["write `==` to compare"]);
    bad("x[0](y)", 4, "(", "unexpected `(`; expected an operator or the end of the statement");
    let index = ["`...` can only stand in an index, as in `x[..., 0]`"];
    assert_eq!(bad("...", 0, "...", "unexpected `...`; expected an expression"), index);
    assert_eq!(bad("f(...)", 2, "...", "unexpected `...`; expected an expression"), index);
    bad("a..b", 2, ".", "unexpected `.`; expected an attribute (`T`, `real`, `imag`) or a method");
    bad("a....b", 1, "...", "unexpected `...`; expected an operator or the end of the statement");
    bad("1:2", 1, ":", "unexpected `:`; expected an operator or the end of the statement");
    lex("1..2", 0, "1..2", "a number has at most one `.`");
}

#[test]
fn something_is_missing() {
    bad("a +", 3, "", "unexpected end of the text; expected an expression");
    bad("a +\n # more\n", 3, "", "unexpected end of the text; expected an expression");
    bad("x =", 3, "", "unexpected end of the text; expected an expression");
    bad("x = ;", 4, ";", "unexpected `;`; expected an expression");
    bad("def", 3, "", "unexpected end of the text; expected a name");
    bad("def f x = 1", 6, "x", "unexpected name `x`; expected `(`");
    bad("def f(x)\n= 1", 8, "\n", "unexpected end of the line; expected `=`");
    bad("def f(x) x", 9, "x", "unexpected name `x`; expected `=`");
    bad("a b", 2, "b", "unexpected name `b`; expected an operator or the end of the statement");
    bad("2 x", 2, "x", "unexpected name `x`; expected an operator or the end of the statement");
    bad(
        "'a' 'b'",
        4,
        "'b'",
        "unexpected text literal; expected an operator or the end of the statement",
    );
    bad("a * / b", 4, "/", "unexpected `/`; expected an expression");
    let conditional = ["a conditional is written `a if condition else b`"];
    assert_eq!(bad("a if b", 6, "", "unexpected end of the text; expected `else`"), conditional);
    assert_eq!(
        bad("a if b\nelse c", 6, "\n", "unexpected end of the line; expected `else`"),
        conditional
    );
    assert_eq!(bad("if a else b", 0, "if", "unexpected `if`; expected an expression"), conditional);
    assert_eq!(
        bad(
            "a else b",
            2,
            "else",
            "unexpected `else`; expected an operator or the end of the statement"
        ),
        conditional
    );
    let hints = bad("a == not b", 5, "not", "unexpected `not`; expected an expression");
    assert_eq!(hints, ["`not` is looser than this operator: put it in parentheses"]);
    let long = format!("a {}", "b".repeat(1000));
    let message = format!(
        "unexpected name `{}...`; expected an operator or the end of the statement",
        "b".repeat(40)
    );
    bad(&long, 2, &long[2..], &message);
}

#[test]
fn outputs_come_last() {
    let message = "outputs before the last statement";
    let only = "only the last statement may be the outputs; bind it: name = ...";
    assert_eq!(bad("a\nb", 0, "a", message), ["outputs are separated by commas: `a, b`"]);
    assert_eq!(bad("x = 1; a*b; y = 2", 7, "a*b", message), [only]);
    let go_on =
        "a statement ends with its line; to go on, end the line with the operator or use brackets";
    assert_eq!(bad("a\n+ b", 0, "a", message), [only, go_on]);
    let long = format!("{}; b", "a".repeat(50));
    let hints = bad(&long, 0, &long[..50], message);
    assert_eq!(hints, ["outputs are separated by commas: `a, b`"]);
    assert_eq!(bad("a\n* b", 2, "*", "unexpected `*`; expected an expression"), [go_on]);
    assert_eq!(
        bad("a, b\nc\nx = 1", 0, "a, b", message),
        ["only the last statement may be the outputs; bind each of them: name = ..."]
    );
}

#[test]
fn what_can_be_bound() {
    let one = ["a binding has one value; `;` separates statements: `s = 1; c = 2; s, c`"];
    let comma = "unexpected `,`; expected an operator or the end of the statement";
    assert_eq!(bad("a, b = 1, 2", 8, ",", comma), one);
    let compare = "write `==` to compare";
    let function = "a function is defined with `def name(x) = ...`";
    let no_return = ["a function is defined without `return`: `def name(x) = x + 1`"];
    assert_eq!(bad("def f(x): return x+1", 8, ":", "unexpected `:`; expected `=`"), no_return);
    let message = "unexpected name `return`; expected `=`";
    assert_eq!(bad("def f(x) return x", 9, "return", message), no_return);
    let message = "unexpected name `x`; expected an operator or the end of the statement";
    assert_eq!(bad("def f(x) = return x", 18, "x", message), no_return);
    assert_eq!(bad("a = b = c", 6, "=", "a second `=` in one statement"), [compare]);
    assert_eq!(bad("a + b = c", 6, "=", "only a name can be bound"), [compare]);
    assert_eq!(bad("2 = c", 2, "=", "only a name can be bound"), [compare]);
    assert_eq!(bad("f(x) = c", 5, "=", "only a name can be bound"), [function, compare]);
    assert_eq!(bad("(a = b)", 3, "=", "unexpected `=` in an expression"), [compare]);
    assert_eq!(bad("f((a = b))", 5, "=", "unexpected `=` in an expression"), [compare]);
    assert_eq!(bad("f(2 = b)", 4, "=", "unexpected `=` in an expression"), [compare]);
    assert_eq!(bad("c = (a = b)", 7, "=", "unexpected `=` in an expression"), [compare]);
    assert_eq!(bad("x if a = b else y", 7, "=", "only a name can be bound"), [compare]);
    assert_eq!(bad("a = b, c", 5, ",", comma), one);
    assert_eq!(bad("s = sin(a), c = cos(a)", 10, ",", comma), one);
    assert_eq!(bad("a, 2 = f(x)", 5, "=", "only a name can be bound"), [compare]);
    bad("def f(x = 1) = x", 8, "=", "a parameter has no default value");
    bad("= 1", 0, "=", "unexpected `=`; expected an expression");
    bad("def f(2) = 1", 6, "2", "unexpected number `2`; expected a name or `)`");
    assert_eq!(
        bad("(def f(x) = 1)", 1, "def", "unexpected `def`; expected an expression"),
        ["a `def` is a statement of its own"]
    );
}

#[test]
fn reserved_names() {
    for word in ["and", "or", "not", "if", "else", "def", "True", "False", "pi", "inf", "nan"] {
        let message = format!("`{word}` is reserved and cannot be a name");
        bad(&format!("{word} = 1"), 0, word, &message);
        bad(&format!("x = 1\n{word} = 1"), 6, word, &message);
        bad(&format!("def {word}(x) = x"), 4, word, &message);
        bad(&format!("def f({word}) = 1"), 6, word, &message);
        bad(&format!("def f(x, {word}) = 1"), 9, word, &message);
        if word == "nan" {
            // The one that is a keyword argument's name in NumPy.
            assert!(parse("f(x, nan=1)").is_ok_and(|ast| ast == parse("f(x,nan = 1)").unwrap()));
        } else {
            bad(&format!("f({word}=1)"), 2, word, &message);
            bad(&format!("f(x, {word}=1)"), 5, word, &message);
        }
        bad(&format!("scan(x, {word} -> 1)"), 8, word, &message);
    }
}

#[test]
fn steps_and_attributes() {
    let argument = ["a step `name -> expression` can only be an argument of a call"];
    assert_eq!(
        bad("s -> 1", 2, "->", "unexpected `->`; expected an operator or the end of the statement"),
        argument
    );
    assert_eq!(
        bad("f((s -> 1))", 5, "->", "unexpected `->`; expected an operator, `,` or `)`"),
        argument
    );
    assert_eq!(
        bad("f(k=s -> 1)", 6, "->", "unexpected `->`; expected an operator, `,` or `)`"),
        argument
    );

    let there_are = "the attributes are `.T`, `.real` and `.imag`; a method is called: `x.mean()`";
    let elements = "a program computes with elements; it does not see shapes or dtypes";
    let column = |name: &str| format!("a column of a table is called by its name alone: `{name}`");
    assert_eq!(bad("x.foo", 2, "foo", "unknown attribute `foo`"), [there_are, &column("foo")]);
    let values = ["an input is its own values: write its name alone"];
    assert_eq!(bad("x.values + 1", 2, "values", "unknown attribute `values`"), values);
    assert_eq!(bad("x['foo']", 2, "'foo'", "unexpected text literal in an index"), [column("foo")]);
    assert_eq!(bad("x.if", 2, "if", "unknown attribute `if`"), [there_are]);
    assert_eq!(bad("a.shape", 2, "shape", "unknown attribute `shape`"), [elements]);
    assert_eq!(bad("a.mean", 2, "mean", "unknown attribute `mean`"), [there_are, &column("mean")]);
    assert_eq!(lex("math.e * x", 5, "e", "there is no constant `e`"), ["write `exp(1)`"]);
    assert_eq!(
        bad("x.real.__class__", 7, "__class__", "unknown attribute `__class__`"),
        [there_are]
    );
    bad(
        "x.",
        2,
        "",
        "unexpected end of the text; expected an attribute (`T`, `real`, `imag`) or a method",
    );
    bad("x.+", 2, "+", "unexpected `+`; expected an attribute (`T`, `real`, `imag`) or a method");
    let called = "only a name can be called; a product is written with `*`";
    assert_eq!(
        bad("(f)(x)", 3, "(", "unexpected `(`; expected an operator or the end of the statement"),
        [called]
    );
    let product = "a product is written with `*`, as in `2 * x`";
    assert_eq!(
        bad("2(x)", 1, "(", "unexpected `(`; expected an operator or the end of the statement"),
        [product]
    );
}

#[test]
fn injections() {
    for text in [
        "().__class__",
        "().__class__.__bases__[0].__subclasses__()",
        "x.real.__class__",
        "[i for i in ().__class__]",
        "(lambda: 1)()",
        "lambda: exit()",
        "f\"{open('x')}\"",
        "print(\"x\") if x else exec('y', {})",
        "a\\\nb",
        "import os; os.system('ls')",
        "x.__globals__",
        "x[1].__class__",
        "{'a': 1}",
        "`ls`",
        "$(ls)",
        "a = yield b",
        "async f(x)",
        "x if y",
        "**x",
        "f(*x)",
        "f(**x)",
        "@f",
        "a;b",
        "a..b",
        "...",
        "x[y]",
        "x['__class__']",
        "x[__import__('os')]",
        "x[(lambda: 1)()]",
        "x[0:exit()]",
        "x[0 for x in x]",
        "x[0].__getitem__",
        "b'x'",
        "u'x'",
        "0if a else 1",
        "1or 2",
    ] {
        let Wrong { at, message, .. } = wrong(text);
        assert!(at.end <= text.len() && !message.is_empty(), "{text}");
    }
    // These are shaped like programs; that there is no such function is for the consumer to say.
    for text in ["__import__('os').system('ls')", "open('/etc/passwd')", "eval('1')"] {
        assert!(parse(text).is_ok(), "{text}");
    }
}
