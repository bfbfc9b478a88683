//! A. Characters and tokens.

use std::time::Duration;

use hotloop::{Arg, Engine, ErrorKind, Out, compile};

use super::{checked, eval, exact, expect, refused, same, seconds, within};

#[test]
fn a1_empty_text() {
    for text in ["", " ", "\n\n\t", "# only a comment", "\u{feff}", ";;\n;"] {
        expect(&refused(text), ErrorKind::Parse, "empty expression");
    }
}

#[test]
fn a2_long_text_is_refused_before_it_is_read() {
    let text = "a+".repeat(5 << 20);
    let error = within(Duration::from_millis(200), || compile(&text).err().unwrap());
    expect(&error, ErrorKind::Limit, "10485760 bytes; at most 1048576");
    let strict = Engine::builder().max_text(5).build();
    assert!(strict.compile("a + b").is_ok());
    expect(&strict.compile("a + bc").err().unwrap(), ErrorKind::Limit, "6 bytes; at most 5");
}

#[test]
fn a3_integer_literals_at_the_edge() {
    let digits = "9".repeat(1_000_000);
    let error = within(seconds(5), || refused(&digits));
    expect(&error, ErrorKind::Lex, "does not fit 127 bits");
    assert_eq!(error.span().unwrap().range(), 0..1_000_000);
    let one = [("a", Arg::from(&[1i64]))];
    let error = compile("a + 9223372036854775808").unwrap().eval(one.clone()).unwrap_err();
    expect(&error, ErrorKind::Type, "9223372036854775808 does not fit i64");
    exact::<bool>("a < 9223372036854775808", &one, &[true]);
    same(&eval::<f64>("a / 18446744073709551616", &one), &[0.5f64.powi(64)]);
    same(&eval::<f64>("f64(a) * 2**70", &one), &[2f64.powi(70)]);
    let all = [("u", Arg::from(&[1u64, u64::MAX]))];
    exact::<bool>("u < 9223372036854775808", &all, &[true, false]);
    exact::<bool>("u == 18446744073709551616", &all, &[false, false]);
    exact::<u64>("u ^ 0x9E3779B97F4A7C15", &all, &[0x9E37_79B9_7F4A_7C14, 0x61C8_8646_80B5_83EA]);
    exact::<u64>("u & 0xffffffffffffffff", &all, &[1, u64::MAX]);
    exact::<u64>("u64(-1) + 0*u", &all, &[u64::MAX, u64::MAX]);
    // Without arrays they are u64, and larger ones f64.
    let none: [(&str, Arg); 0] = [];
    exact::<u64>("2**64 - 1", &none, &[u64::MAX]);
    same(&eval::<f64>("2**64", &none), &[2f64.powi(64)]);
    exact::<i64>("-2**63", &none, &[i64::MIN]);
    expect(
        &compile("2**200").unwrap().eval(none.clone()).unwrap_err(),
        ErrorKind::Type,
        "127 bits",
    );
    let weak = compile("k + 2**63").unwrap().eval([("k", Arg::from(1))]).unwrap_err();
    expect(&weak, ErrorKind::Type, "9223372036854775808 does not fit i64");
    // Integers are compared and divided exactly, also with floats, as in Python.
    exact::<bool>("9007199254740993 == 9007199254740992.0", &none, &[false]);
    same(&eval::<f64>("True / 9007199254740993", &none), &[1.1102230246251564e-16]);
    assert_eq!(eval::<i64>("-9223372036854775808", &[]), [i64::MIN]);
    assert_eq!(eval::<i64>("9223372036854775807", &[]), [i64::MAX]);
    assert_eq!(eval::<i64>("0x7fff_ffff_ffff_ffff", &[]), [i64::MAX]);
}

#[test]
fn a4_float_literals_are_rounded_once() {
    let long = format!("0.1{}1", "0".repeat(800));
    let half = "1.00000000000000011102230246251565404236316680908203125";
    let cases = [
        ("1e999999999999", f64::INFINITY),
        ("1e-9999999999", 0.0),
        ("-1e999", f64::NEG_INFINITY),
        ("4.9e-324", 5e-324),
        ("2.4703282292062328e-324", 5e-324),
        ("2.4703282292062327e-324", 0.0),
        ("1.7976931348623158e308", f64::MAX),
        ("9007199254740993.0", 9007199254740992.0),
        ("1e23", 1e23),
        (long.as_str(), 0.1),
        (half, 1.0),
        (&format!("{half}1"), 1.0 + f64::EPSILON),
        ("2.2250738585072011e-308", 2.2250738585072011e-308),
    ];
    for (text, want) in cases {
        same(&eval::<f64>(text, &[]), &[want]);
    }
    let digits = format!("1.{}", "3".repeat(500_000));
    same(&within(seconds(20), || eval::<f64>(&digits, &[])), &[4.0 / 3.0]);
}

#[test]
fn a5_numbers_are_never_split() {
    for (text, want) in [("1.", 1.0), (".5", 0.5), ("1_0.5", 10.5), ("1e5", 1e5), ("1.e2", 100.0)] {
        same(&eval::<f64>(text, &[]), &[want]);
    }
    for text in
        ["1e", "1e+", "0x", "0b2", "0o7", "1__0", "1_", "1.2.3", "1..2", "2x", "1e5x", "0x1g"]
    {
        let error = refused(text);
        assert_eq!(error.kind(), ErrorKind::Lex, "{text}: {error}");
        assert_eq!(error.span().unwrap().range(), 0..text.len(), "{text}");
    }
    assert!(refused("a + 1_x").span().unwrap().start == 4);
}

#[test]
fn a6_control_characters_are_shown_escaped() {
    for (text, at) in
        [("a\0+b", 1), ("a+b\0", 3), ("a + \u{1b}[2J", 4), ("a \u{8}b", 2), ("'\u{1b}'", 1)]
    {
        let error = refused(text);
        assert_eq!(error.kind(), ErrorKind::Lex);
        assert_eq!(error.span().unwrap().start, at, "{text:?}");
        assert!(error.to_string().contains("\\u{"), "{error}");
    }
    // Names from callers are escaped in messages, too.
    let error = compile("a").unwrap().eval(("\u{1b}[31m", 1.0)).unwrap_err();
    expect(&checked(error, "a"), ErrorKind::Name, "missing the input 'a'");
    let error = compile("a").unwrap();
    let error =
        error.eval_into([Arg::from(1.0)], &mut [Out::inout("\u{1b}[2J", &mut [0.0])]).unwrap_err();
    expect(&checked(error, "a"), ErrorKind::Name, "\\u{1b}[2J");
}

#[test]
fn a8_identifiers_are_ascii() {
    let cases = [
        ("größe", "U+00F6", 2),
        ("a + ñ", "U+00F1", 4),
        ("n\u{303}", "U+0303", 1),
        ("\u{202e}a", "U+202E", 0),
        ("а", "U+0430", 0),
        ("x🦀", "U+1F980", 1),
        ("a\u{200d}b", "U+200D", 1),
        ("変数 * 2", "U+5909", 0),
        ("ﬁ", "U+FB01", 0),
    ];
    for (text, point, at) in cases {
        let error = refused(text);
        expect(&error, ErrorKind::Lex, point);
        assert_eq!(error.span().unwrap().start, at, "{text}");
    }
    // Wide characters before the caret count as two columns.
    let shown = refused("'変数' $").to_string();
    assert!(shown.contains("\n1 | '変数' $\n  |        ^\n"), "{shown}");
}

#[test]
fn a9_blanks() {
    let a = [1i64, 2];
    for text in ["\u{feff}a+1", "a +\r\n 1", "a\t+\t1", "\r\n\r\na + 1\r\n", "a+1 # é 🦀\r\n"] {
        assert_eq!(eval::<i64>(text, &[("a", (&a).into())]), [2, 3], "{text:?}");
    }
    for (text, point) in [
        ("a\u{a0}+ 1", "U+00A0"),
        ("a + １", "U+FF11"),
        ("a\u{2003}+ 1", "U+2003"),
        ("a\u{c}+ 1", "U+000C"),
        ("a \u{feff}+ 1", "U+FEFF"),
    ] {
        expect(&refused(text), ErrorKind::Lex, point);
    }
}

#[test]
fn a10_naughty_strings() {
    let naughty = [
        "undefined",
        "undef",
        "null",
        "NULL",
        "(null)",
        "nil",
        "NIL",
        "true",
        "false",
        "None",
        "hasOwnProperty",
        "\\",
        "\\\\",
        "0",
        "1",
        "1.00",
        "$1.00",
        "1/2",
        "1E2",
        "1E02",
        "1E+02",
        "-1",
        "-1.00",
        "-$1.00",
        "-1/2",
        "1/0",
        "0/0",
        "-2147483648/-1",
        "-9223372036854775808/-1",
        "-0",
        "-0.0",
        "+0",
        "0.00",
        "0..0",
        ".",
        "0.0.0",
        "0,00",
        "0,,0",
        ",",
        "--1",
        "-",
        "-.",
        "-,",
        "999999999999999999999999999999999999",
        "NaN",
        "Infinity",
        "-Infinity",
        "INF",
        "1#INF",
        "-1#IND",
        "1#QNAN",
        "0x0",
        "0xffffffff",
        "0xffffffffffffffff",
        "0xabad1dea",
        "123456789012345678901234567890",
        "1,000.00",
        "1 000.00",
        "1'000.00",
        "01000",
        "08",
        "09",
        "2.2250738585072011e-308",
        ",./;'[]\\-=",
        "<>?:\"{}|_+",
        "!@#$%^&*()`~",
        "\u{1}\u{2}\u{7f}",
        "\u{85}\u{1680}\u{2028}\u{2029}",
        "\u{ad}\u{600}\u{70f}\u{200b}",
        "Ω≈ç√∫˜µ≤≥÷",
        "¡™£¢∞§¶•ªº–≠",
        "⁰⁴⁵₀₁₂",
        "'",
        "\"",
        "''",
        "\"\"",
        "'\"'",
        "\"''''\"'\"",
        "<foo val=“bar” />",
        "田中さんにあげて下さい",
        "和製漢語",
        "ÅÍÎÏ˝ÓÔÒÚÆ☃",
        "(｡◕ ∀ ◕｡)",
        "❤️ 💔 💌",
        "👾 🙇 💁",
        "🇺🇸🇷🇺🇸",
        "١٢٣",
        "ثم نفس سقطت",
        "בְּרֵאשִׁית",
        "\u{200b}",
        "᚛ᚄᚓᚐᚋᚒᚄ ᚑᚄᚂᚑᚏᚅ᚜",
        "\u{202a}\u{202a}test\u{202a}",
        "Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤",
        "˙ɐnbᴉlɐ ɐuƃɐɯ",
        "𝕋𝕙𝕖 𝕢𝕦𝕚𝕔𝕜",
        "<script>alert(0)</script>",
        "1;DROP TABLE users",
        "1'; DROP TABLE users-- 1",
        "' OR 1=1 -- 1",
        "--version",
        "--help",
        "$USER",
        "/dev/null; touch /tmp/x ; echo",
        "`touch /tmp/x`",
        "$(touch /tmp/x)",
        "@{[system \"touch /tmp/x\"]}",
        "eval(\"puts 'hello'\")",
        "System(\"ls -al /\")",
        "Kernel.exit(1)",
        "<?xml version=\"1.0\"?>",
        "%d",
        "%s%s%s%s%s",
        "{0}",
        "%*.*s",
        "../../../etc/passwd%00",
        "() { 0; }; touch /tmp/x;",
        "%n",
        "CON",
        "\u{feff}",
        "�",
        "Powerلُلُصّبُلُلصّبُررً ॣ ॣh ॣ ॣ冗",
        "If you're reading this, you've been in a coma",
        "\u{0}",
        "a\u{0}b",
        "0x1p3",
        "1e1e1",
        "1if a else 2",
    ];
    let (mut values, mut errors) = (0, 0);
    for text in naughty {
        match compile(text) {
            Ok(program) => {
                let args: Vec<(&str, Arg)> = program.inputs().map(|n| (n, 1.0.into())).collect();
                match program.eval(args.as_slice()) {
                    Ok(outputs) => assert!(!outputs.is_empty(), "{text:?}"),
                    Err(error) => {
                        assert_eq!(checked(error, text).kind(), ErrorKind::Type, "{text:?}")
                    }
                }
                values += 1;
            }
            Err(error) => {
                let error = checked(error, text);
                let syntax = [ErrorKind::Lex, ErrorKind::Parse, ErrorKind::Name, ErrorKind::Type];
                assert!(syntax.contains(&error.kind()), "{text:?}: {error:?}");
                errors += 1;
            }
        }
    }
    // Names and plain arithmetic have values; everything else is an error.
    assert!(values > 20 && errors > 70, "{values} values, {errors} errors");
    same(&eval::<f64>("-2147483648/-1", &[]), &[2147483648.0]);
    same(&eval::<f64>("1/0", &[]), &[f64::INFINITY]);
}
