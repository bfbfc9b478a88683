//! Random programs survive printing and parsing, and random tokens never cause a panic.

mod common;

use common::{Random, shape_of};
use hotloop_grammar::{ExprKind, parse};

/// A random expression: its text with redundant parentheses, and its shape.
fn expression(random: &mut Random, depth: usize) -> (String, String) {
    let operand = |random: &mut Random| {
        let (text, shape) = expression(random, depth - 1);
        let spaced = ["(", "( ", "(\n", "((", "(\t# c\n"][random.below(5)];
        let close = if spaced == "((" { "))" } else { ")" };
        (format!("{spaced}{text}{close}"), shape)
    };
    match if depth == 0 { 0 } else { random.below(11) } {
        0 => {
            let leaves = [
                ("a", "a"),
                ("b1", "b1"),
                ("_c", "_c"),
                ("12", "12"),
                ("0xff", "255"),
                ("1_0", "10"),
                ("1.5", "1.5"),
                ("1e300", "1e300"),
                ("2j", "2.0j"),
                ("1e999", "inf"),
                (".5", "0.5"),
                ("True", "true"),
                ("False", "false"),
                ("pi", "pi"),
                ("inf", "inf"),
                ("nan", "nan"),
                ("'t\\n'", "\"t\\n\""),
                ("\"\\\\é\"", "\"\\\\é\""),
                ("-9223372036854775808", "(- 9223372036854775808)"),
                ("f()", "(call f)"),
            ];
            let (text, shape) = leaves[random.below(leaves.len())];
            (text.to_owned(), shape.to_owned())
        }
        1 | 2 => {
            let op = random.pick(&["-", "+", "~", "not"]);
            let (text, shape) = operand(random);
            (format!("{op} {text}"), format!("({op} {shape})"))
        }
        3..=5 => {
            let op = random.pick(&[
                "or", "and", "|", "^", "&", "<<", ">>", "+", "-", "*", "/", "//", "%", "**", "**",
            ]);
            let ((left, left_shape), (right, right_shape)) = (operand(random), operand(random));
            (format!("{left} {op} {right}"), format!("({op} {left_shape} {right_shape})"))
        }
        6 => {
            let (mut text, mut shape) = operand(random);
            for _ in 0..=random.below(3) {
                let op = random.pick(&["<", "<=", ">", ">=", "==", "!="]);
                let (right, right_shape) = operand(random);
                text += &format!("{op}{right}");
                shape += &format!(" {op} {right_shape}");
            }
            (text, format!("(chain {shape})"))
        }
        7 => {
            let ((then, then_shape), (condition, condition_shape), (other, other_shape)) =
                (operand(random), operand(random), operand(random));
            (
                format!("{then} if {condition} else {other}"),
                format!("(if {condition_shape} {then_shape} {other_shape})"),
            )
        }
        8 => {
            let (text, shape) = operand(random);
            let attribute = random.pick(&["real", "imag"]);
            (format!("{text}.{attribute}"), format!("(.{attribute} {shape})"))
        }
        9 => {
            let (text, shape) = operand(random);
            let (mut items, mut shapes) = (Vec::new(), String::new());
            for _ in 0..=random.below(3) {
                let (item, shape) = index_item(random);
                items.push(item);
                shapes += &format!(" {shape}");
            }
            let comma = random.pick(&["", ",", " ,\n"]);
            (format!("{text}[{}{comma}]", items.join(", ")), format!("(index {shape}{shapes})"))
        }
        _ => {
            let function = random.pick(&["f", "scan", "a"]);
            let (mut texts, mut shapes) = (Vec::new(), String::new());
            for _ in 0..random.below(4) {
                let (text, shape) = expression(random, depth - 1);
                let (text, shape) = match random.below(4) {
                    0 => (format!("k ={text}"), format!("k={shape}")),
                    1 => (format!("s->{text}"), format!("s->{shape}")),
                    2 => {
                        let count = random.below(3);
                        let items: Vec<_> =
                            (0..count).map(|_| expression(random, depth - 1)).collect();
                        let text: String =
                            items.iter().map(|(text, _)| format!("{text}, ")).collect();
                        let shape: Vec<&str> =
                            items.iter().map(|(_, shape)| shape.as_str()).collect();
                        (format!("axis=({text})"), format!("axis=[{}]", shape.join(" ")))
                    }
                    _ => (text, shape),
                };
                texts.push(text);
                shapes += &format!(" {shape}");
            }
            (format!("{function}({})", texts.join(",\n")), format!("(call {function}{shapes})"))
        }
    }
}

/// A random item of an index: its text and its shape.
fn index_item(random: &mut Random) -> (String, String) {
    let integers = [
        ("0", "0"),
        ("7", "7"),
        ("0x1f", "31"),
        ("1_000", "1000"),
        ("-1", "-1"),
        ("- 12", "-12"),
        ("-\n2", "-2"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
    ];
    let part = |random: &mut Random| match random.below(2) {
        0 => ("", "_"),
        _ => integers[random.below(integers.len())],
    };
    match random.below(6) {
        0 => ("None".to_owned(), "new".to_owned()),
        1 => ("...".to_owned(), "rest".to_owned()),
        2 => {
            let (text, shape) = integers[random.below(integers.len())];
            (text.to_owned(), shape.to_owned())
        }
        _ => {
            let ((start, start_shape), (stop, stop_shape)) = (part(random), part(random));
            let (colon, (step, step_shape)) = match random.below(2) {
                0 => ("", ("", "_")),
                _ => (":", part(random)),
            };
            let space = random.pick(&["", " ", "\n"]);
            (
                format!("{start}{space}:{stop}{colon}{space}{step}"),
                format!("{start_shape}:{stop_shape}:{step_shape}"),
            )
        }
    }
}

fn program(random: &mut Random) -> (String, String) {
    let (mut text, mut shapes) = (String::new(), Vec::new());
    for _ in 0..random.below(3) {
        let depth = random.below(4);
        let (value, shape) = expression(random, depth);
        let head = random.pick(&["x", "y", "def f(x)", "def g()", "def h(a, b)"]);
        text += &format!("{head} = {value}{}", random.pick(&["\n", ";", "\r\n", " # c\n\n"]));
        shapes.push(format!("{} = {shape}", head.replace(", ", " ")));
    }
    let outputs: Vec<_> = (0..=random.below(2)).map(|_| expression(random, 5)).collect();
    text += &outputs.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(" , ");
    shapes.push(outputs.iter().map(|(_, shape)| shape.as_str()).collect::<Vec<_>>().join(", "));
    (text, shapes.join("; "))
}

#[test]
fn a_printed_program_parses_as_itself() {
    for seed in 0..2000 {
        let (text, shape) = program(&mut Random::new(seed));
        let ast = parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {text:?}: {error}"));
        assert_eq!(shape_of(&ast), shape, "seed {seed}: {text:?}");
        let printed = ast.to_string();
        let again =
            parse(&printed).unwrap_or_else(|error| panic!("seed {seed}: {printed:?}: {error}"));
        assert_eq!(again, ast, "seed {seed}: {printed:?}");
        assert_eq!(again.to_string(), printed, "seed {seed}");
    }
}

const SOUP: &[&str] = &[
    "\n",
    ";",
    ",",
    "(",
    ")",
    "(",
    ")",
    "=",
    "->",
    ".",
    "|",
    "^",
    "&",
    "<<",
    ">>",
    "+",
    "-",
    "~",
    "*",
    "/",
    "//",
    "%",
    "**",
    "<",
    "<=",
    ">",
    ">=",
    "==",
    "!=",
    "and",
    "or",
    "not",
    "if",
    "else",
    "def",
    "True",
    "pi",
    "nan",
    "a",
    "f",
    "f(",
    "x.real",
    "k=",
    "s ->",
    "[",
    "]",
    ":",
    "...",
    "None",
    "x[",
    "[0]",
    "[1:",
    "1",
    "2.5",
    "3j",
    "0x",
    "1e",
    "9223372036854775808",
    "'t'",
    "\"",
    "'",
    "#",
    "!",
    "&&",
    "?",
    "=>",
    "\\",
    "$",
    "\u{a0}",
    "é",
    "🦀",
    "\0",
    "\u{1b}",
    "\u{feff}",
    "\r",
    "\t",
    "def f(x) =",
    "lambda",
    "in",
    "is",
];

fn check_anything(text: &str, what: &str) {
    match parse(text) {
        Ok(ast) => {
            for id in ast.exprs() {
                let span = ast.span(id).range();
                assert!(
                    text.get(span.clone()).is_some_and(|piece| !piece.is_empty()),
                    "{what}: {text:?}"
                );
                if let ExprKind::Index { items, .. } = *ast.kind(id) {
                    for entry in ast.indices(items) {
                        let (start, end) = (entry.span.range().start, entry.span.range().end);
                        assert!(
                            span.start < start && start < end && end < span.end,
                            "{what}: {text:?}"
                        );
                    }
                }
            }
            assert_eq!(parse(&ast.to_string()).as_ref(), Ok(&ast), "{what}: {text:?}");
        }
        Err(error) => {
            assert!(text.get(error.span.range()).is_some(), "{what}: {text:?}: {error:?}");
            let said = format!("{error} {}", error.hints.join(" "));
            assert!(
                said.chars().all(|c| c == ' ' || c.is_ascii_graphic()),
                "{what}: {text:?}: {said:?}"
            );
            assert!(said.len() < 400 && !error.message.is_empty(), "{what}: {said:?}");
        }
    }
}

#[test]
fn token_soup() {
    for seed in 0..30_000 {
        let mut random = Random::new(seed);
        let mut text = String::new();
        for _ in 0..1 + random.below(14) {
            // Mostly what makes sense, so that some of the soup gets far.
            let few = if random.below(3) == 0 { SOUP.len() } else { 56 };
            text += SOUP[random.below(few)];
            if random.below(2) == 0 {
                text.push(' ');
            }
        }
        check_anything(&text, &format!("seed {seed}"));
    }
}

#[test]
fn damaged_programs() {
    for seed in 0..3000 {
        let mut random = Random::new(seed);
        let mut text: Vec<char> = program(&mut random).0.chars().collect();
        for _ in 0..=random.below(2) {
            let at = random.below(text.len());
            match random.below(3) {
                0 => drop(text.remove(at)),
                1 => text.truncate(at),
                _ => text.insert(at, random.pick(SOUP).chars().next().unwrap_or(' ')),
            }
            if text.is_empty() {
                break;
            }
        }
        check_anything(&text.iter().collect::<String>(), &format!("seed {seed}"));
    }
}
