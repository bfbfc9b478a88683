//! What a compiler of strangers' expressions meets, and what each must get: one test an entry of
//! the catalogue of bad inputs, named after it.
//!
//! The rule behind all of them: every operation is defined on every bit pattern, every check is
//! made before native code runs, and what fails says so and loses nothing.

#![allow(clippy::excessive_precision, reason = "the digits decide how a number is rounded")]

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, OnceLock};
use std::time::{Duration, Instant};

use hotloop::explain::Progress;
use hotloop::threads::Isa;
use hotloop::{
    Arg, ArgType, Backend, CancelToken, DType, Element, Engine, Error, ErrorKind, Kernel, Mode,
    Out, Outputs, Program, RunOptions, compile, ndarray,
};
use hotloop_testing::alone;
use hotloop_testing::generator::data::Rng;

// Help for the tests.

/// Every engine there is: the interpreter, and native code for each instruction set, on one
/// thread and on two.
fn engines() -> &'static [(String, Engine)] {
    static ENGINES: OnceLock<Vec<(String, Engine)>> = OnceLock::new();
    ENGINES.get_or_init(|| {
        let interpreter = Engine::builder().backend(Backend::Interpreter).build();
        let mut list = vec![("interpreter".to_string(), interpreter)];
        for isa in Isa::available() {
            for threads in [1, 2] {
                let builder = Engine::builder().backend(Backend::Native).isa(isa);
                list.push((
                    format!("{} on {threads}", isa.name()),
                    builder.threads(threads).eager().build(),
                ));
            }
        }
        list
    })
}

/// The bits of an output's elements, with one NaN for all.
fn bits(outputs: &Outputs, number: usize) -> Vec<u64> {
    let output = &outputs[number];
    let size = output.dtype().size();
    let element = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..size].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(word);
        match output.dtype() {
            DType::F32 if f32::from_bits(bits as u32).is_nan() => u64::from(f32::NAN.to_bits()),
            DType::F64 if f64::from_bits(bits).is_nan() => f64::NAN.to_bits(),
            _ => bits,
        }
    };
    output.bytes().chunks_exact(size).map(element).collect()
}

/// The only output of an expression, on every engine, which must agree in every bit.
fn eval<T: Element>(expr: &str, args: &[(&str, Arg)]) -> Vec<T> {
    let mut first: Option<(Vec<u64>, Vec<T>)> = None;
    for (name, engine) in engines() {
        let program = engine.compile(expr).unwrap_or_else(|e| panic!("{expr}: {e}"));
        let mut outputs = program.eval(args).unwrap_or_else(|e| panic!("{expr} on {name}: {e}"));
        let bits = bits(&outputs, 0);
        let values = outputs.take::<T>(0).unwrap_or_else(|e| panic!("{expr} on {name}: {e}"));
        match &first {
            None => first = Some((bits, values.iter().copied().collect())),
            Some((want, _)) => assert_eq!(*want, bits, "{expr} on {name} differs"),
        }
    }
    first.unwrap().1
}

/// Evaluates to elements that are equal.
#[track_caller]
fn exact<T: Element + PartialEq + std::fmt::Debug>(text: &str, args: &[(&str, Arg)], want: &[T]) {
    assert_eq!(eval::<T>(text, args), want, "{text}");
}

/// Floats that are equal in every bit, but for the bits of NaN.
#[track_caller]
fn same(got: &[f64], want: &[f64]) {
    let bits = |list: &[f64]| -> Vec<u64> {
        list.iter().map(|v| if v.is_nan() { f64::NAN } else { *v }.to_bits()).collect()
    };
    assert_eq!(bits(got), bits(want), "{got:?}, not {want:?}");
}

/// The error of a text that must not compile.
#[track_caller]
fn refused(text: &str) -> Error {
    match compile(text) {
        Ok(program) => panic!("{text:.60?} compiles, with {} inputs", program.inputs().len()),
        Err(error) => {
            let placed = error.span().is_some() || error.kind() == ErrorKind::Limit;
            assert!(placed, "{text:.60?}: {error} has no place in the text");
            checked(error, text)
        }
    }
}

/// An error as all must be: a span inside the text, nothing that a terminal obeys, and short.
#[track_caller]
fn checked(error: Error, text: &str) -> Error {
    if let Some(span) = error.span() {
        assert!(text.get(span.range()).is_some(), "{span:?} is outside {text:.60?}");
    }
    let shown = error.to_string();
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    assert!(shown.len() < 2048, "{} bytes of error", shown.len());
    assert_ne!(error.kind(), ErrorKind::Internal, "{shown}");
    error
}

#[track_caller]
fn expect(error: &Error, kind: ErrorKind, text: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(text), "{text:?} is not in {error}");
}

/// Runs something that must not take long; the bound is generous, for slow machines and builds.
#[track_caller]
fn within<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    assert!(took <= limit, "it took {took:?}, not {limit:?}");
    result
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Runs on a thread with a small stack.
fn on_stack<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(bytes).spawn(work).unwrap().join().unwrap()
}

const SMALL_STACK: usize = 512 << 10;

/// An engine that takes texts of any length.
fn patient() -> Engine {
    let builder = Engine::builder().threads(1).max_text(1 << 30);
    builder.max_nodes(1 << 22).compile_budget(Duration::from_millis(500)).build()
}

/// One element, seen as an array of any length.
fn everywhere<T: Element>(value: &'static T, n: usize) -> Arg<'static> {
    // SAFETY: all elements are the one that is borrowed for ever.
    unsafe { Arg::raw(std::ptr::from_ref(value).cast(), &[n], &[0], T::DTYPE) }
}

// A. Lexical

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
    // Alone they are u64, and beyond that f64.
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
    // Integers and integers with floats are compared and divided exactly, as Python's.
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
    // Names in messages come from callers, and are escaped as well.
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
    // Wide characters take two columns before the caret.
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
    // Names and plain arithmetic have values; all else is an error.
    assert!(values > 20 && errors > 70, "{values} values, {errors} errors");
    same(&eval::<f64>("-2147483648/-1", &[]), &[2147483648.0]);
    same(&eval::<f64>("1/0", &[]), &[f64::INFINITY]);
}

// B. Syntactic

#[test]
fn b1_nested_parentheses() {
    for depth in [100_000, 1_000_000] {
        let text = format!("{}a{} + 1", "(".repeat(depth), ")".repeat(depth));
        let y = on_stack(SMALL_STACK, move || {
            let program = within(seconds(30), || patient().compile(&text)).unwrap();
            program.eval_as::<i64>([Arg::from(&[1i64, 2])]).unwrap()
        });
        assert_eq!(y.as_slice().unwrap(), [2, 3]);
    }
    let calls = format!("{}a{}", "abs(".repeat(50_000), ")".repeat(50_000));
    let y = on_stack(SMALL_STACK, move || {
        patient().compile(&calls).unwrap().eval_as::<i64>([Arg::from(&[-1i64, 2])]).unwrap()
    });
    assert_eq!(y.as_slice().unwrap(), [1, 2]);
}

#[test]
fn b2_many_unary_operators() {
    for (sign, count, want) in [
        ("-", 100_000, [1i64, -2]),
        ("-", 100_001, [-1, 2]),
        ("~", 100_001, [-2, 1]),
        ("+", 100_000, [1, -2]),
    ] {
        let text = format!("{}a", sign.repeat(count));
        let y = on_stack(SMALL_STACK, move || {
            let program = patient().compile(&text).unwrap();
            within(seconds(30), || program.eval_as::<i64>([Arg::from(&[1i64, -2])])).unwrap()
        });
        assert_eq!(y.as_slice().unwrap(), want, "{count} of {sign}");
    }
    let text = format!("{}a", "not ".repeat(100_001));
    let y = on_stack(SMALL_STACK, move || {
        patient().compile(&text).unwrap().eval_as::<bool>([Arg::from(&[true, false])]).unwrap()
    });
    assert_eq!(y.as_slice().unwrap(), [false, true]);
}

#[test]
fn b3_long_chains_left_and_right() {
    let n = 50_000;
    let sum = format!("a{}", "+b".repeat(n));
    let nested = format!("{}b{}", "a-(".repeat(n), ")".repeat(n));
    let y = on_stack(SMALL_STACK, move || {
        let (a, b) = ([1i64, 2], [1i64, -1]);
        let one = patient().compile(&sum).unwrap().eval_as::<i64>([Arg::from(&a), Arg::from(&b)]);
        let two =
            patient().compile(&nested).unwrap().eval_as::<i64>([Arg::from(&a), Arg::from(&b)]);
        [one.unwrap(), two.unwrap()]
    });
    assert_eq!(y[0].as_slice().unwrap(), [50_001, -49_998]);
    // a - (a - (... b)) with an even number of minuses is b.
    assert_eq!(y[1].as_slice().unwrap(), [1, -1]);
    let powers = format!("a{}", "**1".repeat(n));
    let y = on_stack(SMALL_STACK, move || {
        patient().compile(&powers).unwrap().eval_as::<i64>([Arg::from(&[7i64])]).unwrap()
    });
    assert_eq!(y.as_slice().unwrap(), [7]);
}

#[test]
fn b4_many_errors_in_one_text() {
    let open = "(".repeat(100_000);
    let error = on_stack(SMALL_STACK, move || {
        within(seconds(20), || patient().compile(&open).err().unwrap())
    });
    assert_eq!(error.kind(), ErrorKind::Parse);
    let wrong = "sine(a) +* ".repeat(20_000);
    let error = within(seconds(20), || compile(&wrong).err().unwrap());
    expect(&checked(error, &wrong), ErrorKind::Parse, "unexpected `*`");
    let unknown = format!("0{}", " + sine(a)".repeat(20_000));
    let error = within(seconds(20), || refused(&unknown));
    expect(&error, ErrorKind::Name, "unknown function 'sine'");
    assert_eq!(error.span().unwrap().range(), 4..8, "the first of them");
}

#[test]
fn b5_chains_and_conditionals_as_python() {
    let (a, b, c) = ([1.0, 5.0, 2.0], [2.0, 2.0, 2.0], [3.0, 3.0, 2.0]);
    let args = [("a", (&a).into()), ("b", (&b).into()), ("c", (&c).into())];
    assert_eq!(eval::<bool>("a<b<c", &args), [true, false, false]);
    assert_eq!(eval::<bool>("a==b==c", &args), [false, false, true]);
    assert_eq!(eval::<bool>("not a == b", &args), [true, true, false]);
    same(&eval::<f64>("a if a < b else c", &args), &[1.0, 3.0, 2.0]);
    // No truthiness: a number is no condition.
    let error = compile("a if b else c").unwrap().eval(&args[..]).unwrap_err();
    expect(&error, ErrorKind::Type, "must be bool, not f64");
    expect(&refused("not a in b"), ErrorKind::Parse, "isin(a, b)");
    expect(&refused("a = b + 1; a == b = c"), ErrorKind::Parse, "=");
    assert!(compile("a=b").unwrap().outputs().eq([Some("a")]));
}

#[test]
fn b6_precedence_traps() {
    let args =
        [("a", Arg::from(&[6i64, 5])), ("b", Arg::from(&[2i64, 3])), ("c", Arg::from(&[2i64, 0]))];
    same(&eval::<f64>("-2.0**2", &[]), &[-4.0]);
    assert_eq!(eval::<i64>("-2**2", &[]), [-4]);
    same(&eval::<f64>("2**-1", &[]), &[0.5]);
    assert_eq!(eval::<i64>("2**3**2", &[]), [512]);
    assert_eq!(eval::<bool>("a & b == c", &args), [true, false]);
    assert_eq!(eval::<i64>("~a**b", &args), [!36, !125]);
    assert_eq!(eval::<i64>("-a**b", &args), [-36, -125]);
    assert_eq!(eval::<i64>("a - b - c", &args), [2, 2]);
    assert_eq!(eval::<i64>("a // b * b + a % b", &args), [6, 5]);
    assert_eq!(eval::<i64>("a | b ^ c & 1 << 1", &args), [6, 7]);
    assert_eq!(eval::<bool>("not a < b or a < b", &args), [true, true]);
    assert_eq!(
        eval::<i64>("1 if a < b else 2 if c else 3".replace("if c", "if c > 0").as_str(), &args),
        [2, 3]
    );
    // Spelled out with parentheses they are the same, on all small numbers.
    let (a, b, c): (Vec<i64>, Vec<i64>, Vec<i64>) = {
        let all = (0..343).map(|i| (i % 7 - 3, i / 7 % 7 - 3, i / 49 - 3));
        (
            all.clone().map(|t| t.0).collect(),
            all.clone().map(|t| t.1).collect(),
            all.map(|t| t.2).collect(),
        )
    };
    let many = [("a", Arg::from(&a)), ("b", Arg::from(&b)), ("c", Arg::from(&c))];
    for (text, full) in [
        ("a + b * c - a / b", "(a + (b * c)) - (a / b)"),
        ("a < b + c < c * a", "(a < (b + c)) & ((b + c) < (c * a))"),
        ("not a < b and b < c or a == c", "((not (a < b)) and (b < c)) or (a == c)"),
        ("a ^ b | c & a << 2 >> 1", "(a ^ b) | (c & ((a << 2) >> 1))"),
        ("-a * ~b % c // a", "(((-a) * (~b)) % c) // a"),
    ] {
        let run = |text: &str| bits(&compile(text).unwrap().eval(&many[..]).unwrap(), 0);
        assert_eq!(run(text), run(full), "{text}");
    }
}

#[test]
fn b7_reserved_names() {
    for name in ["nan", "inf", "pi", "True", "False", "and", "or", "not", "if", "else", "def"] {
        let error = refused(&format!("{name} = 1"));
        assert_eq!(error.kind(), ErrorKind::Parse, "{name}: {error}");
        let error = refused(&format!("def {name}(x) = x; {name}(a)"));
        expect(&error, ErrorKind::Parse, &format!("`{name}` is reserved"));
    }
    // The names of functions are free: variables have a namespace of their own.
    assert_eq!(
        eval::<i64>("sin = 3; rank = sin + true; rank", &[("true", Arg::from(&[1i64]))]),
        [4]
    );
}

#[test]
fn b8_sharing_does_not_blow_up() {
    let doubling = |start: &str, op: &str, n: usize| -> String {
        let mut text = format!("x0 = {start}\n");
        for i in 1..=n {
            text += &format!("x{i} = x{} {op} x{}\n", i - 1, i - 1);
        }
        text + &format!("x{n}")
    };
    let y = within(seconds(20), || {
        eval::<i64>(&doubling("a", "+", 64), &[("a", Arg::from(&[3i64, -1]))])
    });
    assert_eq!(y, [0, 0]);
    let y = within(seconds(20), || {
        eval::<i64>(&doubling("a", "+", 40), &[("a", Arg::from(&[3i64, -1]))])
    });
    assert_eq!(y, [3 << 40, -(1 << 40)]);
    let y = within(seconds(20), || {
        eval::<i64>(&doubling("a", "*", 63), &[("a", Arg::from(&[3i64, -1]))])
    });
    let wrapped = (0..63).fold(3i64, |x, _| x.wrapping_mul(x));
    assert_eq!(y, [wrapped, 1]);
    // Functions that call each other twice.
    let mut text = "def f0(x) = x + 1\n".to_string();
    for i in 1..40 {
        text += &format!("def f{i}(x) = f{}(x) + f{}(x)\n", i - 1, i - 1);
    }
    let y = within(seconds(20), || eval::<i64>(&(text + "f39(a)"), &[("a", Arg::from(&[1i64]))]));
    assert_eq!(y, [2 << 39]);
    // Explaining is linear, too.
    let types = [("a", ArgType::array(DType::I64))];
    let shown =
        within(seconds(20), || compile(&doubling("a", "*", 60)).unwrap().explain(&types).unwrap());
    assert!(shown.len() < 20_000, "{} bytes", shown.len());
}

#[test]
fn b8_definitions_that_call_definitions() {
    // Each level calls the next with x and with y: 2^30 calls that all give the same 1.
    let n = 30;
    let parameters = |k: usize| (0..k).map(|i| format!("p{i}")).collect::<Vec<_>>();
    let mut text = format!("def f{n}({}) = 1\n", parameters(n).join(", "));
    for k in (0..n).rev() {
        let own = parameters(k);
        let call = |last: &str| {
            let mut arguments = own.clone();
            arguments.push(last.to_string());
            format!("f{}({})", k + 1, arguments.join(", "))
        };
        text += &format!("def f{k}({}) = {} + {}\n", own.join(", "), call("x"), call("y"));
    }
    text += "x + y + f0()";
    let error = within(seconds(60), move || {
        Engine::builder().max_nodes(10_000).build().compile(&text).unwrap_err()
    });
    expect(&error, ErrorKind::Limit, "inlining the definitions takes too long");
}

#[test]
fn b8_powers_of_powers() {
    let text = "def p(x) = x**4\ndef q(x) = p(p(p(p(p(p(p(p(p(p(x))))))))))\n\
                def r(x) = q(q(q(q(q(q(q(q(q(q(x))))))))))\n\
                r(x) + r(x*2) + r(x*3) + r(x*4) + r(x*5)";
    let engine = Engine::builder().max_nodes(2000).build();
    let error = engine.compile(text).unwrap().eval([Arg::from(&[1.0])]).unwrap_err();
    expect(&error, ErrorKind::Limit, "more than 4000 operations");
}

#[test]
fn b8_shared_weak_values_that_do_not_fit() {
    // The search for the argument to blame must not walk a shared graph along every path; here
    // there is none to find, for a weak division by zero is only known to be 0 at run time.
    let mut text = "x0 = 1 // 0\n".to_string();
    for i in 1..=40 {
        text += &format!("x{i} = x{} + x{}\n", i - 1, i - 1);
    }
    text += "a + (x40 - 1)";
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let error = compile(&text).unwrap().eval([Arg::from(&[1u8])]).err();
        sender.send(error)
    });
    let error = receiver.recv_timeout(seconds(20)).expect("an answer in time");
    expect(&error.expect("-1 is no u8"), ErrorKind::Type, "-1 does not fit u8");
}

#[test]
fn b9_token_soup() {
    let tokens = [
        "a", "b", "x1", "sin", "(", ")", "(", ")", ",", ";", "\n", "=", "==", "+", "-", "*", "**",
        "/", "//", "%", "<", "<=", ">", "!=", "&", "|", "^", "~", "<<", ">>", "and", "or", "not",
        "if", "else", "def", "True", "pi", "nan", "1", "2.5", "0xff", "3j", "'t'", ".", "->", "[",
        "]", ":", "#", "axis", "real", "!", "&&", "?", "é", "\u{1b}", "\"",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    let mut good = 0;
    for _ in 0..6000 {
        let count = 1 + random(9);
        let glue = ["", " "][random(2)];
        let text = (0..count).map(|_| tokens[random(tokens.len())]).collect::<Vec<_>>().join(glue);
        match compile(&text) {
            Ok(_) => good += 1,
            Err(error) => drop(checked(error, &text)),
        }
    }
    assert!((20..5000).contains(&good), "{good} of them compile");
}

#[test]
fn b10_injections() {
    let attacks = [
        "__import__('os').system('id')",
        "().__class__.__bases__[0].__subclasses__()",
        "x.real.__class__",
        "open(\"/etc/passwd\")",
        "f'{x}'",
        "lambda: x",
        "[i for i in x]",
        "{x}",
        "exec('1')",
        "eval('1')",
        "a.__init__",
        "x.__class__.__mro__",
        "a\\\n+b",
        "(lambda x: x)(1)",
        "globals()",
        "`id`",
        "$(id)",
        "a if b",
        "import os",
        "from os import path",
        "x[0].__class__",
        "x['__class__']",
        "x[y]",
        "x[exit():]",
        "a;b;;c(",
        "@x",
        "print(1)",
        "().__class__",
        "\"\".join(a)",
        "(1).__class__",
        "1 .__class__",
        "a.imag.fset",
        "sin.__call__(x)",
        "a.\u{ff52}eal",
        "__builtins__",
        "getattr(a, 'b')",
        "a := 1",
        "yield x",
        "await x",
        "%s",
        "__x__()",
    ];
    for text in attacks {
        match compile(text) {
            Err(error) => {
                let kinds = [ErrorKind::Lex, ErrorKind::Parse, ErrorKind::Name, ErrorKind::Type];
                assert!(kinds.contains(&checked(error.clone(), text).kind()), "{text}: {error}");
            }
            // A name is only a name, whatever it means elsewhere.
            Ok(program) => assert!(program.inputs().eq([text]), "{text}"),
        }
    }
    // Statements are ours alone: the parts of `a; b` are outputs and bindings, nothing else.
    expect(&refused("a; b"), ErrorKind::Parse, "outputs before the last statement");
}

// C. Names, arity, types

#[test]
fn c1_unknown_names_with_suggestions() {
    for (text, hint) in [
        ("sine(x)", "did you mean 'sin', 'sinc' or 'sinh'?"),
        ("exp1m(x)", "'expm1'"),
        ("arctn(x)", "'arctan'"),
        ("frobnicate(x)", "lists what there is"),
        ("copysing(x, x)", "'copysign'"),
        ("maximun(x, x)", "'maximum'"),
        ("isNaN(x)", "'isnan'"),
        ("Sin(x)", "'sin'"),
    ] {
        expect(&refused(text), ErrorKind::Name, hint);
    }
    let hint = refused("fmi(x)").hints()[0].clone();
    assert!(hint.matches('\'').count() <= 6, "at most three of them: {hint}");
    // With ten thousand names, bound and as functions.
    let mut text = String::new();
    for i in 0..10_000 {
        text += &format!("value{i} = {i}\n");
    }
    let bound = format!("{text}valu77 + a");
    let program = compile(&bound).unwrap();
    assert!(program.inputs().eq(["valu77", "a"]), "an input, for it is not bound");
    let args: Vec<(String, Arg)> = (0..10_000).map(|i| (format!("value{i}"), 1.0.into())).collect();
    let args: Vec<(&str, Arg)> = args.iter().map(|(n, a)| (n.as_str(), a.clone())).collect();
    let error = within(seconds(2), || program.eval(args.as_slice()).unwrap_err());
    expect(&error, ErrorKind::Name, "missing the input 'valu77'");
    assert!(error.to_string().contains("'value"), "{error}");
    let mut defs = String::new();
    for i in 0..10_000 {
        defs += &format!("def value{i}(x) = x\n");
    }
    let error = within(seconds(10), || refused(&(defs + "valu77(a)")));
    expect(&error, ErrorKind::Name, "'value77'");
}

#[test]
fn c2_wrong_arity() {
    for (text, signature) in [
        ("sin()", "sin(x)"),
        ("pow(x)", "pow(x, y)"),
        ("where(a,b)", "where(condition, x, y)"),
        ("clip()", "clip(x, min=None, max=None, *, a_min=None, a_max=None)"),
        (
            "sum(a, b)",
            "sum(x, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True)",
        ),
        ("log(a, 10)", "log10(x)"),
        ("arctan(a, b)", "arctan2(y, x)"),
        ("q, r = a", "one by one"),
        ("divmod(a, b) + 1", "q, r = divmod(x, y)"),
        ("q = divmod(a, b)", "q, r = divmod(x, y)"),
        ("a, b, c = divmod(x, y)", "q, r = divmod(x, y)"),
        ("max(a, b)", "maximum(x, y)"),
    ] {
        expect(&refused(text), ErrorKind::Arity, signature);
    }
}

#[test]
fn c3_unused_missing_and_double_arguments() {
    let x = [1.0, 2.0];
    let program = compile("a * 2").unwrap();
    let y = program.eval_as::<f64>([("a", &x), ("unused", &x)]).unwrap();
    assert_eq!(y.as_slice().unwrap(), [2.0, 4.0]);
    // An unused one is not even looked at.
    // SAFETY: it is never read.
    let wild = unsafe { Arg::raw(std::ptr::null(), &[usize::MAX], &[8], DType::F64) };
    assert!(program.eval([("a", (&x).into()), ("wild", wild)]).is_ok());
    let none: [(&str, Arg); 0] = [];
    expect(&program.eval(none).unwrap_err(), ErrorKind::Name, "missing the input 'a'");
    // What the program binds was meant to be read.
    let both = [("a", Arg::from(&x)), ("b", Arg::from(&x))];
    let error = compile("a = b").unwrap().eval(both).unwrap_err();
    expect(&error, ErrorKind::Name, "the array given as 'a' is never read");
    assert_eq!(error.hints(), ["`==` compares; `=` binds a name"]);
    let error = compile("a == true").unwrap().eval([("a", Arg::from(&x))]).unwrap_err();
    expect(&error, ErrorKind::Name, "did you mean `True`?");
    assert_eq!(error.span().unwrap().range(), 5..9);
    let twice = program.eval([("a", &x), ("a", &x)]).unwrap_err();
    expect(&twice, ErrorKind::Name, "'a' is given twice");
    let positional: [Arg; 2] = [(&x).into(), (&x).into()];
    expect(&program.eval(positional).unwrap_err(), ErrorKind::Arity, "2 arguments for 1 input");
}

#[test]
fn c4_what_is_not_supported_says_so() {
    expect(&refused("a + 2j"), ErrorKind::Type, "complex");
    expect(&refused("a == 'text'"), ErrorKind::Type, "strings");
    for text in ["c64(a)", "f16(a)", "float16(a)", "datetime64(a)", "str(a)"] {
        expect(&refused(text), ErrorKind::Name, "unknown function");
    }
}

#[test]
fn c5_promotion_never_wraps() {
    let u8s = [200u8, 255];
    let error = compile("a + 2**70").unwrap().eval([Arg::from(&u8s)]).unwrap_err();
    expect(&error, ErrorKind::Type, "1180591620717411303424 does not fit u8");
    let error = compile("a + 256").unwrap().eval([Arg::from(&u8s)]).unwrap_err();
    expect(&error, ErrorKind::Type, "256 does not fit u8");
    assert_eq!(error.hints(), ["convert what it meets to a wider dtype: `i16(a)`"]);
    exact::<i16>("i16(a) + 256", &[("a", Arg::from(&u8s))], &[456, 511]);
    assert_eq!(error.span().unwrap().range(), 0..7);
    let mixed = [("a", Arg::from(&[i64::MAX])), ("b", Arg::from(&[u64::MAX]))];
    same(&eval::<f64>("a + b", &mixed), &[i64::MAX as f64 + u64::MAX as f64]);
    let mixed = [("a", Arg::from(&[16777217i32])), ("b", Arg::from(&[1f32]))];
    same(&eval::<f64>("a + b", &mixed), &[16777218.0]);
    assert_eq!(
        eval::<bool>(
            "a + b",
            &[("a", Arg::from(&[true, false])), ("b", Arg::from(&[true, false]))]
        ),
        [true, false]
    );
}

#[test]
fn c5_weak_arithmetic_of_run_time_never_wraps() {
    // Literals would be an error here; an argument in their place may not be a wrong number.
    for (expr, k) in [
        ("a + (k + 1)", i64::MAX),
        ("a + k * 2", i64::MAX),
        ("a - -k", i64::MIN),
        ("a + k**2", 1 << 40),
        ("a + abs(k)", i64::MIN),
    ] {
        for (name, engine) in engines() {
            let result =
                engine.compile(expr).unwrap().eval([("a", Arg::from(&[0.0])), ("k", k.into())]);
            expect(
                &result.expect_err(&format!("{expr} on {name}")),
                ErrorKind::Type,
                "does not fit i64",
            );
        }
    }
}

#[test]
fn c6_operations_that_are_not_defined() {
    let bools = [("b", Arg::from(&[true])), ("x", Arg::from(&[1.5]))];
    for (text, message) in [
        ("-b", "bool is not defined"),
        ("b - b", "bool - bool is not defined"),
        ("x & 1", "not f64"),
        ("x | x", "not f64"),
        ("~x", "not f64"),
        ("x << 1", "not f64"),
        ("b and x", "not f64"),
        ("not x", "not f64"),
        ("1 if x else 2", "must be bool"),
        ("sign(b)", "bool is not defined"),
    ] {
        for (name, engine) in engines() {
            let error = engine.compile(text).unwrap().eval(&bools[..]).expect_err(name);
            expect(&error, ErrorKind::Type, message);
            assert!(error.span().is_some(), "{text}");
        }
    }
    assert_eq!(eval::<i8>("b // b", &bools[..1]), [1]);
}

/// The other byte order, in and out: the same values, of every dtype, wherever elements are met.
#[test]
fn c7_bytes_in_the_other_order() {
    fn check<T: Element>(value: impl Fn(usize) -> T) {
        let size = size_of::<T>();
        let (rows, columns) = (37, 130);
        let n = rows * columns;
        let own: Vec<T> = (0..n).map(value).collect();
        // SAFETY: elements have no padding.
        let bytes = unsafe { std::slice::from_raw_parts(own.as_ptr().cast::<u8>(), n * size) };
        let turn = |bytes: &[u8]| -> Vec<u8> {
            bytes.chunks_exact(size).flat_map(|e| e.iter().rev()).copied().collect()
        };
        let other = turn(bytes);
        let step = size as isize;
        let down = step * columns as isize;
        let last = (n - 1) * size;
        let grids: [(usize, [usize; 2], [isize; 2]); 4] = [
            (0, [rows, columns], [down, step]),
            (0, [columns, rows], [step, down]),
            (last, [rows, columns], [-down, -step]),
            (0, [rows, columns / 2], [down, 2 * step]),
        ];
        for (first, shape, strides) in grids {
            // SAFETY: every element is one of the list's.
            let seen = |from: &[u8]| unsafe {
                Arg::raw(from.as_ptr().add(first), &shape, &strides, T::DTYPE)
            };
            let scalar = || {
                // SAFETY: the last element.
                unsafe { Arg::raw(other.as_ptr().add(last), &[], &[], T::DTYPE) }.byte_swapped()
            };
            for text in [
                "a",
                "where(a == k, k, a)",
                "a[::-1] == transpose(transpose(a)[:, ::-1])",
                "a == a[..., :1]",
                "max(a, axis=0)",
                "max(a, axis=1)",
                "argmin(a), count_nonzero(a)",
                "sum(a == k, axis=0), sum(a == k)",
            ] {
                for (name, engine) in engines() {
                    let program = engine.compile(text).unwrap();
                    let k = Arg::typed(own[n - 1]);
                    let want = program.eval([("a", seen(bytes)), ("k", k)]).unwrap();
                    let args = [("a", seen(&other).byte_swapped()), ("k", scalar())];
                    let got = program.eval(&args[..]).unwrap();
                    for (got, want) in got.iter().zip(want.iter()) {
                        assert_eq!(got.shape(), want.shape(), "{text} of {} on {name}", T::DTYPE);
                        assert!(got.bytes() == want.bytes(), "{text} of {} on {name}", T::DTYPE);
                    }
                    // And back: what is written so, over what it is read from or elsewhere.
                    if want.len() > 1 {
                        continue;
                    }
                    let want = &want[0];
                    let out_size = want.dtype().size();
                    let mut room = vec![0xa5u8; want.bytes().len()];
                    let mut at = out_size as isize;
                    let mut dense = vec![0isize; want.shape().len()];
                    for (stride, extent) in dense.iter_mut().zip(want.shape()).rev() {
                        *stride = at;
                        at *= *extent as isize;
                    }
                    // SAFETY: the room is as large as the output.
                    let out =
                        unsafe { Out::raw(room.as_mut_ptr(), want.shape(), &dense, want.dtype()) };
                    program.eval_into(&args[..], &mut [out.byte_swapped()]).unwrap();
                    let back: Vec<u8> =
                        room.chunks_exact(out_size).flat_map(|e| e.iter().rev()).copied().collect();
                    assert!(back == *want.bytes(), "out of {text} of {} on {name}", T::DTYPE);
                }
            }
        }
        // In place.
        for (name, engine) in engines() {
            let mut room = other.clone();
            // SAFETY: all elements of the room.
            let out = unsafe { Out::raw(room.as_mut_ptr(), &[n], &[step], T::DTYPE) };
            let program = engine.compile("a[::-1]").unwrap();
            program.eval_into((), &mut [Out::inout("a", out.byte_swapped())]).unwrap();
            let reversed: Vec<u8> =
                turn(bytes).chunks_exact(size).rev().flatten().copied().collect();
            assert!(room == reversed, "{} in place on {name}", T::DTYPE);
        }
    }
    check(|i| i % 3 == 0);
    check(|i| (i * 37 % 251) as u8 as i8);
    check(|i| (i * 37 % 251) as u8);
    check(|i| (i * 7919) as i16);
    check(|i| (i * 7919) as u16);
    check(|i| (i * 0x9e37_79b9) as i32);
    check(|i| (i * 0x9e37_79b9) as u32);
    check(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as i64);
    check(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    check(|i| (i as f32 - 99.0) / 7.0);
    check(|i| (i as f64 - 99.0) / 7.0);
}

#[test]
fn c8_single_numbers_of_all_sorts() {
    let zero_d = ndarray::arr0(2.0);
    let one = [2.0];
    let row = [1.0, 10.0];
    let program = compile("a * b").unwrap();
    let shape_of = |a: Arg, b: Arg| {
        let outputs = program.eval([a, b]).unwrap();
        (
            outputs[0].shape().to_vec(),
            outputs[0].view::<f64>().unwrap().iter().copied().collect::<Vec<_>>(),
        )
    };
    assert_eq!(shape_of((&zero_d).into(), (&zero_d).into()), (vec![], vec![4.0]));
    assert_eq!(shape_of((&zero_d).into(), (&one).into()), (vec![1], vec![4.0]));
    assert_eq!(shape_of((&one).into(), (&row).into()), (vec![2], vec![2.0, 20.0]));
    assert_eq!(shape_of(2.0.into(), Arg::typed(3.0)), (vec![], vec![6.0]));
    assert_eq!(shape_of(2i64.into(), 0.5.into()), (vec![], vec![1.0]));
}

#[test]
fn c9_empty_arrays() {
    for shape in [vec![0], vec![0, 3], vec![3, 0, 2]] {
        let empty = ndarray::ArrayD::<f64>::zeros(shape.clone());
        for (name, engine) in engines() {
            let eval = |expr: &str| engine.compile(expr).unwrap().eval(("a", &empty));
            let y = eval("sin(a) * 2 + 1").unwrap();
            assert_eq!((y[0].shape(), y[0].dtype()), (&shape[..], DType::F64), "{name}");
            for (expr, want) in [("sum(a)", 0.0), ("prod(a)", 1.0), ("sum(a + 1) + 5", 5.0)] {
                assert_eq!(
                    eval(expr).unwrap().take::<f64>(0).unwrap()[[]],
                    want,
                    "{expr} on {name}"
                );
            }
            assert!(eval("mean(a)").unwrap().take::<f64>(0).unwrap()[[]].is_nan());
            for (expr, want) in [("any(a > 0)", false), ("all(a > 0)", true)] {
                assert_eq!(
                    eval(expr).unwrap().take::<bool>(0).unwrap()[[]],
                    want,
                    "{expr} on {name}"
                );
            }
            for expr in ["min(a)", "max(a)", "a + max(a)", "min(a > 0)", "max(i8(a))"] {
                let error = eval(expr).expect_err(&format!("{expr} on {name}"));
                expect(&error, ErrorKind::Shape, "empty array");
            }
        }
    }
}

#[test]
fn c10_bool_bytes_of_any_value() {
    let bytes: Vec<u8> =
        (0..1031).map(|i| if i % 3 == 0 { 0 } else { (i % 255 + 1) as u8 }).collect();
    let want: Vec<bool> = bytes.iter().map(|b| *b != 0).collect();
    // SAFETY: the bytes live to the end of the test; bools may hold anything here.
    let b = || unsafe { Arg::raw(bytes.as_ptr(), &[bytes.len()], &[1], DType::Bool) };
    // SAFETY: as above.
    let reversed = || unsafe {
        Arg::raw(bytes.as_ptr().add(bytes.len() - 1), &[bytes.len()], &[-1], DType::Bool)
    };
    let not: Vec<bool> = want.iter().map(|v| !v).collect();
    let args = [("b", b())];
    for expr in [
        "b",
        "b | False",
        "b & True",
        "not not b",
        "b != False",
        "b == True",
        "b and b",
        "where(b, True, False)",
        "b if b else b",
        "u8(b) == 1",
        "b ^ False",
        "bool(u8(b))",
    ] {
        // A bool that is written is 0 or 1, whatever was read.
        for (name, engine) in engines() {
            let outputs = engine.compile(expr).unwrap().eval(&args[..]).unwrap();
            assert!(
                outputs[0].bytes().iter().zip(&want).all(|(got, want)| *got == u8::from(*want)),
                "{expr} on {name}"
            );
        }
    }
    for expr in ["~b", "not b", "b ^ True", "b == False", "b < True"] {
        assert_eq!(eval::<bool>(expr, &args), not, "{expr}");
    }
    let count = want.iter().filter(|v| **v).count() as i64;
    for expr in ["sum(b)", "count_nonzero(b)", "sum(i64(b))", "sum(where(b, 1, 0))"] {
        assert_eq!(eval::<i64>(expr, &args), [count], "{expr}");
    }
    assert_eq!(
        eval::<f64>("f64(b)", &args),
        want.iter().map(|v| f64::from(u8::from(*v))).collect::<Vec<_>>()
    );
    let backwards: Vec<bool> = want.iter().rev().copied().collect();
    assert_eq!(eval::<bool>("b", &[("b", reversed())]), backwards);
    // SAFETY: as above.
    let one = unsafe { Arg::raw(&raw const bytes[1], &[], &[], DType::Bool) };
    assert_eq!(eval::<bool>("b == True", &[("b", one.clone())]), [true]);
    assert_eq!(eval::<i8>("i8(b)", &[("b", one)]), [1]);
}

// D. Shapes, strides, memory

#[test]
fn d1_shapes_that_do_not_fit() {
    let (three, four) = ([0.0; 3], [0.0; 4]);
    let error =
        compile("left + right").unwrap().eval([Arg::from(&three), Arg::from(&four)]).unwrap_err();
    expect(&error, ErrorKind::Shape, "'left' (3,) and 'right' (4,)");
    let (wide, tall) =
        (ndarray::Array2::<f64>::zeros((2, 3)), ndarray::Array2::<f64>::zeros((3, 2)));
    let error = compile("a + b").unwrap().eval([Arg::from(&wide), Arg::from(&tall)]).unwrap_err();
    expect(&error, ErrorKind::Shape, "'a' (2, 3) and 'b' (3, 2)");
}

#[test]
fn d1_shapes_that_do_not_fit_what_was_reduced_or_viewed() {
    let grid = ndarray::Array2::<f64>::zeros((3, 4));
    for (text, shown) in [
        ("a - sum(a, axis=1)", "(3, 4) and (3,)"),
        ("a + transpose(a)", "(3, 4) and (4, 3)"),
        ("a[1:] * a[:, 1:]", "(2, 4) and (3, 3)"),
        ("sum(a, axis=0) + sum(a, axis=1)", "(4,) and (3,)"),
    ] {
        for (name, engine) in engines() {
            let error = engine.compile(text).unwrap().eval([Arg::from(&grid)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Shape, "{text} on {name}: {error}");
            assert!(error.to_string().contains(shown), "{text} on {name}: {error}");
        }
    }
}

#[test]
fn d2_negative_strides() {
    let a: Vec<f64> = (0..5000).map(f64::from).collect();
    let view = ndarray::ArrayView1::from(&a);
    let reversed = view.slice(ndarray::s![..;-1]);
    let want: Vec<f64> = (0..5000).map(|i| f64::from(i) - 2.0 * f64::from(4999 - i)).collect();
    assert_eq!(eval::<f64>("a - 2 * b", &[("a", (&a).into()), ("b", reversed.into())]), want);
    let grid = ndarray::Array2::from_shape_fn((50, 70), |(i, j)| (100 * i + j) as i64);
    let mixed = grid.slice(ndarray::s![..;-1, ..;2]);
    let want: Vec<i64> = mixed.iter().map(|v| v * 3).collect();
    assert_eq!(eval::<i64>("a * 3", &[("a", mixed.into())]), want);
}

#[test]
fn d2_negative_strides_reduced_and_viewed() {
    let grid = ndarray::Array2::from_shape_fn((50, 70), |(i, j)| (100 * i + j) as i64);
    let turned = grid.slice(ndarray::s![..;-1, ..;-2]);
    let args = [("a", turned.into())];
    let down: Vec<i64> = turned.columns().into_iter().map(|c| c.sum()).collect();
    let across: Vec<i64> = turned.rows().into_iter().map(|r| r.sum()).collect();
    assert_eq!(eval::<i64>("sum(a, axis=0)", &args), down);
    assert_eq!(eval::<i64>("sum(a, axis=-1)", &args), across);
    assert_eq!(eval::<i64>("argmax(a, axis=0)", &args), vec![0; 35]);
    assert_eq!(eval::<i64>("argmin(a, axis=1)", &args), vec![34; 50]);
    // Backwards again is forwards.
    let forwards: Vec<i64> = grid.slice(ndarray::s![.., 1..;2]).iter().copied().collect();
    assert_eq!(eval::<i64>("a[::-1, ::-1]", &args), forwards);
    let want: Vec<i64> = turned.t().iter().map(|v| 2 * v).collect();
    assert_eq!(eval::<i64>("transpose(a + a)", &args), want);
}

#[test]
fn d3_zero_strides() {
    let y = eval::<f64>("a + b", &[("a", everywhere(&1.5, 5000)), ("b", 1.0.into())]);
    assert_eq!(y, vec![2.5; 5000]);
    let mut one = [7.0];
    // SAFETY: refused before anything is written.
    let out = unsafe { Out::raw(one.as_mut_ptr().cast(), &[4], &[0], DType::F64) };
    let error = compile("a + 1").unwrap().eval_into([everywhere(&1.5, 4)], &mut [out]).unwrap_err();
    expect(&error, ErrorKind::Alias, "output 0 overlaps itself");
    assert_eq!(one, [7.0]);
    // Strides that cross: elements 0 and 3 of the first axis meet those of the second.
    let mut memory = [0.0; 16];
    // SAFETY: as above.
    let out = unsafe { Out::raw(memory.as_mut_ptr().cast(), &[4, 4], &[8, 16], DType::F64) };
    let grid = ndarray::Array2::<f64>::zeros((4, 4));
    let error = compile("a + 1").unwrap().eval_into([Arg::from(&grid)], &mut [out]).unwrap_err();
    expect(&error, ErrorKind::Alias, "overlaps itself");
    assert_eq!(memory, [0.0; 16]);
}

#[test]
fn d3_zero_strides_reduced() {
    let row: Vec<i32> = (0..700).collect();
    let column: Vec<i32> = (0..300).collect();
    // SAFETY: all elements are in the lists, which outlive the arguments.
    let wide = unsafe { Arg::raw(row.as_ptr().cast(), &[300, 700], &[0, 4], DType::I32) };
    // SAFETY: as above.
    let tall = unsafe { Arg::raw(column.as_ptr().cast(), &[300, 700], &[4, 0], DType::I32) };
    let args = [("a", wide), ("b", tall)];
    let down: Vec<i64> = row.iter().map(|v| 300 * i64::from(*v) + 299 * 150).collect();
    assert_eq!(eval::<i64>("sum(a + b, axis=0)", &args), down);
    let across: Vec<i64> = column.iter().map(|v| 700 * i64::from(*v) + 699 * 350).collect();
    assert_eq!(eval::<i64>("sum(a + b, axis=1)", &args), across);
    assert_eq!(eval::<i32>("max(a, axis=1)", &args), vec![699; 300]);
    assert_eq!(eval::<i64>("argmax(b, axis=1)", &args), vec![0; 300]);
    assert_eq!(eval::<i32>("(a * b)[-1]", &args), row.iter().map(|v| v * 299).collect::<Vec<_>>());
    // Results that lie over each other are refused, like any output.
    let mut one = [7i64; 2];
    // SAFETY: refused before anything is written.
    let out = unsafe { Out::raw(one.as_mut_ptr().cast(), &[700], &[0], DType::I64) };
    let error = compile("sum(a, axis=0)").unwrap().eval_into(&args[..1], &mut [out]).unwrap_err();
    expect(&error, ErrorKind::Alias, "output 0 overlaps itself");
    assert_eq!(one, [7; 2]);
}

#[test]
fn d4_misaligned_and_packed() {
    // A packed struct of (u8, f64, i32): no field is aligned.
    const ROW: usize = 13;
    let n = 3000;
    let mut rows = vec![0xa5u8; n * ROW + 1];
    for i in 0..n {
        let at = 1 + i * ROW;
        rows[at] = i as u8;
        rows[at + 1..at + 9].copy_from_slice(&(i as f64 / 4.0).to_le_bytes());
        rows[at + 9..at + 13].copy_from_slice(&(-(i as i32)).to_le_bytes());
    }
    // SAFETY: every element is inside `rows`.
    let field = |offset: usize, dtype| unsafe {
        Arg::raw(rows.as_ptr().add(1 + offset), &[n], &[ROW as isize], dtype)
    };
    let args =
        [("k", field(0, DType::U8)), ("x", field(1, DType::F64)), ("i", field(9, DType::I32))];
    let y = eval::<f64>("x * 4 + i + k", &args);
    assert_eq!(y, (0..n).map(|i| f64::from(i as u8)).collect::<Vec<_>>());
    // Contiguous, but off by one to seven bytes, in and out.
    for offset in 1..8 {
        let mut input = vec![0u8; 8 * 500 + 8];
        for i in 0..500 {
            input[offset + 8 * i..][..8].copy_from_slice(&(i as f64).to_le_bytes());
        }
        for (name, engine) in engines() {
            let mut output = vec![0u8; 8 * 500 + 16];
            // SAFETY: 500 elements fit behind the offset in both.
            unsafe {
                let a = Arg::raw(input.as_ptr().add(offset), &[500], &[8], DType::F64);
                let out = Out::raw(output.as_mut_ptr().add(offset), &[500], &[8], DType::F64);
                engine.compile("a * 2 + 1").unwrap().eval_into([a], &mut [out]).unwrap();
            }
            for i in 0..500 {
                let bytes = <[u8; 8]>::try_from(&output[offset + 8 * i..][..8]).unwrap();
                assert_eq!(
                    f64::from_le_bytes(bytes),
                    i as f64 * 2.0 + 1.0,
                    "{name}, offset {offset}"
                );
            }
            assert!(
                output[..offset].iter().chain(&output[offset + 4000..]).all(|b| *b == 0),
                "{name}"
            );
        }
    }
}

#[test]
fn d4_misaligned_and_packed_reduced() {
    // A grid of packed structs of (u8, f64, i32), one byte off.
    const ROW: usize = 13;
    let (rows, columns) = (90, 130);
    let mut memory = vec![0xa5u8; rows * columns * ROW + 1];
    for i in 0..rows * columns {
        let at = 1 + i * ROW;
        memory[at + 1..at + 9].copy_from_slice(&((i % 1000) as f64 / 4.0).to_le_bytes());
        memory[at + 9..at + 13].copy_from_slice(&(-(i as i32)).to_le_bytes());
    }
    let strides = [(columns * ROW) as isize, ROW as isize];
    // SAFETY: every element is inside `memory`.
    let field = |offset: usize, dtype| unsafe {
        Arg::raw(memory.as_ptr().add(1 + offset), &[rows, columns], &strides, dtype)
    };
    let args = [("x", field(1, DType::F64)), ("i", field(9, DType::I32))];
    let x = ndarray::Array2::from_shape_fn((rows, columns), |(r, c)| {
        ((r * columns + c) % 1000) as f64 / 4.0
    });
    // Quarters: their sums are exact in any order.
    same(&eval("sum(x, axis=0)", &args), &x.sum_axis(ndarray::Axis(0)).to_vec());
    same(&eval("sum(x, axis=1)", &args), &x.sum_axis(ndarray::Axis(1)).to_vec());
    same(&eval("transpose(x)[1:, ::-1]", &args), &{
        let view = x.slice(ndarray::s![..;-1, 1..]);
        view.t().iter().copied().collect::<Vec<_>>()
    });
    let least: Vec<i32> = (0..rows).map(|r| -((r * columns + columns - 1) as i32)).collect();
    assert_eq!(eval::<i32>("min(i, axis=-1)", &args), least);
    // Results between other bytes, at an odd address.
    for (name, engine) in engines() {
        let mut output = vec![0x77u8; 11 * columns + 3];
        // SAFETY: the results are inside `output`.
        let out = unsafe { Out::raw(output.as_mut_ptr().add(3), &[columns], &[11], DType::F64) };
        engine.compile("max(x, axis=0)").unwrap().eval_into(&args[..], &mut [out]).unwrap();
        for (c, bytes) in output[3..].chunks_exact(11).enumerate() {
            let got = f64::from_le_bytes(bytes[..8].try_into().unwrap());
            assert_eq!(got, x.column(c).iter().copied().fold(0.0, f64::max), "{name}, column {c}");
            assert_eq!(bytes[8..], [0x77; 3], "{name}, column {c}");
        }
    }
}

#[test]
fn d5_d6_inputs_that_are_outputs() {
    // The exact same array, and every shift of it: as if the inputs had been copied first.
    let n = 600;
    for (name, engine) in engines() {
        for shift in [-300isize, -64, -7, -1, 0, 1, 2, 8, 63, 299] {
            for stride in [1isize, -1] {
                let mut memory: Vec<f64> = (0..3 * n).map(|i| i as f64).collect();
                let at = |i: isize| {
                    (n as isize + shift + if stride < 0 { n as isize - 1 - i } else { i }) as usize
                };
                let mut want = memory.clone();
                for i in 0..n {
                    want[n + i] = memory[at(i as isize)] * 2.0 + 0.5 + memory[n + i];
                }
                let base = memory.as_mut_ptr().cast::<u8>();
                // SAFETY: all elements are inside `memory`, and the program is told of both.
                unsafe {
                    let input = Arg::raw(base.add(8 * at(0)), &[n], &[8 * stride], DType::F64);
                    let out = Out::raw(base.add(8 * n), &[n], &[8], DType::F64);
                    engine
                        .compile("a * 2 + 0.5 + b")
                        .unwrap()
                        .eval_into([("a", input)], &mut [Out::inout("b", out)])
                        .unwrap();
                }
                assert_eq!(memory, want, "{name}, shift {shift}, stride {stride}");
            }
        }
    }
}

/// A view of random shape and strides inside a buffer.
#[derive(Clone, Debug)]
struct Window {
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
    offset: usize,
}

impl Window {
    /// A window of a shape on a buffer of so many bytes, if it fits; `apart` keeps its elements
    /// from meeting each other.
    fn random(
        rng: &mut Rng,
        buffer: usize,
        dtype: DType,
        shape: &[usize],
        apart: bool,
    ) -> Option<Window> {
        let size = dtype.size();
        let odd = rng.below(4) == 0;
        let mut axes: Vec<usize> = (0..shape.len()).rev().collect();
        let rank = shape.len() as u64;
        if rank > 0 && rng.below(2) == 0 {
            let swaps = rng.below(3);
            (0..swaps).for_each(|_| axes.swap(0, rng.below(rank) as usize));
        }
        let mut strides = vec![0isize; shape.len()];
        let (mut span, mut below) = (size, 0);
        for axis in axes {
            let step = match rng.below(6) {
                0 if !apart => 0,
                1 if !apart => size * rng.below(4) as usize,
                2 => span + size * rng.below(3) as usize + if odd { 1 } else { 0 },
                _ => span,
            };
            let reach = step * (shape[axis].max(1) - 1);
            span += reach;
            let back = rng.below(3) == 0;
            strides[axis] = if back { -(step as isize) } else { step as isize };
            below += if back { reach } else { 0 };
        }
        let room = buffer.checked_sub(span)? as u64;
        // Mostly near the start, so that windows meet.
        let near = if rng.below(2) == 0 { room.min(40) } else { room };
        let start = rng.below(near + 1) as usize;
        let start = if odd { start } else { start / size * size };
        Some(Window { dtype, shape: shape.to_vec(), strides, offset: start + below })
    }

    /// Where in the buffer the elements are, in C order.
    fn places(&self) -> Vec<usize> {
        let mut places = vec![self.offset as isize];
        for (extent, stride) in self.shape.iter().zip(&self.strides) {
            let along = |at: isize| (0..*extent as isize).map(move |i| at + i * stride);
            places = places.into_iter().flat_map(along).collect();
        }
        places.into_iter().map(|at| at as usize).collect()
    }

    fn elements(&self, buffer: &[u8]) -> Vec<u8> {
        let size = self.dtype.size();
        self.places().into_iter().flat_map(|at| &buffer[at..at + size]).copied().collect()
    }
}

/// The elements as an array of its own.
fn copied<'a>(window: &Window, elements: &'a [u8]) -> Arg<'a> {
    let mut strides = vec![0isize; window.shape.len()];
    let mut step = window.dtype.size();
    for (stride, extent) in strides.iter_mut().zip(&window.shape).rev() {
        *stride = step as isize;
        step *= extent;
    }
    // SAFETY: the elements are as many as the shape has, and outlive the argument.
    unsafe { Arg::raw(elements.as_ptr(), &window.shape, &strides, window.dtype) }
}

/// What is computed over one buffer, with the shape of the output for that of `a`; `b` has the
/// shape of `a`.
type Overlapping = (&'static str, fn(&[usize]) -> Vec<usize>);

const OVERLAPPING: [Overlapping; 16] = [
    ("a * 3 + 1", <[usize]>::to_vec),
    ("a * 3 + b", <[usize]>::to_vec),
    ("abs(a) // 3 + b", <[usize]>::to_vec),
    ("a - b[..., ::-1]", <[usize]>::to_vec),
    ("a[::-1] + b * 2", <[usize]>::to_vec),
    ("transpose(a) + 1", |shape| shape.iter().rev().copied().collect()),
    ("a - a[:1]", <[usize]>::to_vec),
    ("a + b[..., -1:] * 2", <[usize]>::to_vec),
    ("max(a, axis=0)", |shape| shape[1..].to_vec()),
    ("max(a + b, axis=-1)", |shape| shape[..shape.len() - 1].to_vec()),
    ("min(a, axis=0, keepdims=True)", |shape| [&[1], &shape[1..]].concat()),
    ("min(transpose(a), axis=0)", |shape| shape[..shape.len() - 1].iter().rev().copied().collect()),
    ("a - max(b, axis=0)", <[usize]>::to_vec),
    (
        "m = max(a, axis=-1, keepdims=True); b + min(a + m, axis=-1, keepdims=True) - m",
        <[usize]>::to_vec,
    ),
    ("a - max(b) + min(a)", <[usize]>::to_vec),
    ("t = max(a, axis=0); t - min(t)", |shape| shape[1..].to_vec()),
];

/// Random windows on one buffer as inputs and output: as if the inputs had been copied first.
#[test]
fn d6_random_overlaps() {
    let oracle = Engine::builder().backend(Backend::Interpreter).build();
    let (mut done, mut met, mut seed) = (0usize, 0usize, 0u64);
    while done < 3000 {
        seed += 1;
        let rng = &mut Rng(seed);
        let dtype = [DType::F64, DType::I16, DType::U8, DType::F32][rng.below(4) as usize];
        let shape: Vec<usize> = match rng.below(6) {
            0 => vec![1 + rng.below(300) as usize],
            1 => vec![1 + rng.below(5000) as usize],
            2 | 3 => vec![1 + rng.below(40) as usize, 1 + rng.below(80) as usize],
            4 => [5, 9, 17].map(|n| 1 + rng.below(n) as usize).into(),
            _ => vec![1 + rng.below(3) as usize, 500 + rng.below(900) as usize],
        };
        let (text, shape_of) = OVERLAPPING[rng.below(16) as usize];
        let size = dtype.size();
        let count: usize = shape.iter().product();
        let bytes = (count + rng.below(2 * count as u64 + 40) as usize) * size + 16;
        let mut window = |shape: &[usize], apart| Window::random(rng, bytes, dtype, shape, apart);
        let Some(out) = window(&shape_of(&shape), true) else { continue };
        let (Some(mut a), Some(mut b)) = (window(&shape, false), window(&shape, false)) else {
            continue;
        };
        // Now and then exactly the output.
        match rng.below(5) {
            0 if out.shape == a.shape => a = out.clone(),
            1 if out.shape == b.shape => b = out.clone(),
            _ => {}
        }
        // Small whole numbers, so that every dtype holds what comes out of them.
        let mut before = vec![0u64; bytes.div_ceil(8)];
        // SAFETY: words have no padding, and any bytes are words.
        let memory = unsafe {
            std::slice::from_raw_parts_mut(before.as_mut_ptr().cast::<u8>(), 8 * before.len())
        };
        for byte in memory.iter_mut() {
            *byte = rng.below(9) as u8;
        }
        if dtype.is_float() {
            for window in [&a, &b] {
                for at in window.places() {
                    let value = rng.below(60) as f64;
                    let bits =
                        if size == 8 { value.to_bits() } else { (value as f32).to_bits().into() };
                    memory[at..at + size].copy_from_slice(&bits.to_le_bytes()[..size]);
                }
            }
        }
        let (x, y) = (a.elements(memory), b.elements(memory));
        let args = [("a", copied(&a, &x)), ("b", copied(&b, &y))];
        let expected = oracle.compile(text).unwrap().eval(&args[..]).unwrap();
        let mut want = memory.to_vec();
        for (at, element) in out.places().into_iter().zip(expected[0].bytes().chunks_exact(size)) {
            want[at..at + size].copy_from_slice(element);
        }
        let all = engines();
        for (name, engine) in [&all[0], &all[1 + seed as usize % (all.len() - 1)]] {
            let mut buffer = before.clone();
            let base = buffer.as_mut_ptr().cast::<u8>();
            let whole = buffer.len() * 8;
            // SAFETY: all windows are inside the buffer, which nothing else refers to meanwhile.
            let got = unsafe {
                let arg = |w: &Window| Arg::raw(base.add(w.offset), &w.shape, &w.strides, w.dtype);
                let mut target =
                    Out::raw(base.add(out.offset), &out.shape, &out.strides, expected[0].dtype());
                let mut args = vec![("a", arg(&a)), ("b", arg(&b))];
                if a.strides == out.strides && a.offset == out.offset && a.shape == out.shape {
                    target = Out::inout("a", target);
                    args.remove(0);
                }
                let result = engine.compile(text).unwrap().eval_into(&args[..], &mut [target]);
                let shown = format!("seed {seed}: {text}\na {a:?}\nb {b:?}\nout {out:?}\n{name}");
                result.unwrap_or_else(|e| panic!("{shown}: {e}"));
                (std::slice::from_raw_parts(base, whole).to_vec(), shown)
            };
            let (got, shown) = got;
            if let Some(at) = got.iter().zip(&want).position(|(got, want)| got != want) {
                let inside = out.places().iter().position(|p| (*p..*p + size).contains(&at));
                panic!("{shown}: byte {at}, of element {inside:?}, is wrong");
            }
        }
        let written: std::collections::BTreeSet<usize> = out.places().into_iter().collect();
        met += usize::from(a.places().iter().any(|at| written.contains(at)));
        done += 1;
    }
    assert!(met > 1500, "only {met} of {done} inputs met the output");
}

/// Views of an input that is computed in place.
#[test]
fn d6_views_of_an_inout_input() {
    let start = ndarray::Array2::from_shape_fn((70, 70), |(i, j)| ((i * 31 + j * 7) % 101) as f64);
    for text in [
        "transpose(x)",
        "x + transpose(x)",
        "x[::-1]",
        "x[:, ::-1] - x",
        "x - x[0]",
        "x - x[:, -1:]",
        "x - max(x, axis=0)",
        "x / (1 + max(x, axis=1, keepdims=True))",
        "m = max(x, axis=0, keepdims=True); s = max(abs(x - m), axis=1, keepdims=True); (x - m) / (s + 1)",
        "where(x > 50, x[::-1, ::-1], transpose(x))",
    ] {
        let mut wanted = None;
        for (name, engine) in engines() {
            let program = engine.compile(text).unwrap();
            let apart = program.eval_as::<f64>([Arg::from(&start)]).unwrap();
            let mut x = start.clone();
            let none: [Arg; 0] = [];
            program.eval_into(none, &mut [Out::inout("x", &mut x)]).unwrap();
            assert_eq!(x.into_dyn(), apart, "{text} on {name}");
            assert_eq!(*wanted.get_or_insert_with(|| apart.clone()), apart, "{text} on {name}");
        }
    }
}

/// Two outputs, each over its part of what both are computed from.
#[test]
fn d6_two_outputs_over_one_input() {
    for (name, engine) in engines() {
        for text in ["x + 1, max(x, axis=0)", "max(x, axis=1), x[::-1] * 2", "x - min(x), x[0]"] {
            let mut buffer: Vec<f64> = (0..4000).map(|i| f64::from(i * 37 % 211)).collect();
            let base = buffer.as_mut_ptr();
            let program = engine.compile(text).unwrap();
            let grid =
                ndarray::Array2::from_shape_vec((40, 50), buffer[100..2100].to_vec()).unwrap();
            let apart = program.eval([Arg::from(&grid)]).unwrap();
            // The larger output over the second half of the input, the smaller over its beginning.
            let places = [0, 1].map(|i| if apart[i].shape().len() == 2 { 1100 } else { 130 });
            // SAFETY: all is inside `buffer`, which nothing else refers to meanwhile.
            let mut outs = [0, 1].map(|i| unsafe {
                let strides: &[isize] = if apart[i].shape().len() == 2 { &[400, 8] } else { &[8] };
                Out::raw(base.add(places[i]).cast(), apart[i].shape(), strides, DType::F64)
            });
            // SAFETY: as above.
            let x = unsafe { Arg::raw(base.add(100).cast(), &[40, 50], &[400, 8], DType::F64) };
            program.eval_into([x], &mut outs).unwrap();
            for i in [0, 1] {
                let want = apart[i].view::<f64>().unwrap();
                let got = &buffer[places[i]..places[i] + want.len()];
                assert_eq!(got, want.as_slice().unwrap(), "output {i} of {text} on {name}");
            }
        }
    }
}

#[test]
fn d7_outputs_that_overlap() {
    let x = [1.0; 4];
    let program = compile("p = a + 1; q = a + 2").unwrap();
    let mut memory = [0.0; 8];
    let base = memory.as_mut_ptr().cast::<u8>();
    // SAFETY: inside `memory`, and the overlapping ones are refused.
    let out = |first: usize, stride: isize| unsafe {
        Out::raw(base.add(8 * first), &[4], &[8 * stride], DType::F64)
    };
    for second in [0, 1, 3] {
        let error =
            program.eval_into([Arg::from(&x)], &mut [out(0, 1), out(second, 1)]).unwrap_err();
        expect(&error, ErrorKind::Alias, "'q' overlaps the output 'p'");
    }
    assert_eq!(memory, [0.0; 8]);
    // Interleaved ones do not overlap.
    program.eval_into([Arg::from(&x)], &mut [out(0, 2), out(1, 2)]).unwrap();
    assert_eq!(memory, [2.0, 3.0, 2.0, 3.0, 2.0, 3.0, 2.0, 3.0]);
    program.eval_into([Arg::from(&x)], &mut [out(4, 1), out(3, -1)]).unwrap();
    assert_eq!(memory, [3.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0]);
}

#[test]
fn d8_outputs_that_do_not_fit() {
    let x = [1.0, 2.0, 3.0];
    let program = compile("a * 2").unwrap();
    let mut floats = [9f32; 3];
    let error = program.eval_into([Arg::from(&x)], &mut [Out::from(&mut floats)]).unwrap_err();
    expect(&error, ErrorKind::Type, "output 0 is f64, but the array for it is f32");
    assert_eq!(floats, [9.0; 3]);
    let mut short = [9.0; 2];
    let error = program.eval_into([Arg::from(&x)], &mut [Out::from(&mut short)]).unwrap_err();
    expect(&error, ErrorKind::Shape, "(3,)");
    assert_eq!(short, [9.0; 2]);
    let mut spread = [9.0; 6];
    let view = ndarray::ArrayViewMut1::from(&mut spread[..]).slice_move(ndarray::s![..;2]);
    program.eval_into([Arg::from(&x)], &mut [view.into()]).unwrap();
    assert_eq!(spread, [2.0, 9.0, 4.0, 9.0, 6.0, 9.0]);
}

#[test]
fn d9_extents_that_overflow() {
    let byte = 1u8;
    let pointer = &raw const byte;
    // SAFETY: each is refused before it is read.
    let raw = |shape: &[usize], strides: &[isize]| unsafe {
        Arg::raw(pointer, shape, strides, DType::U8)
    };
    let cases = [
        (raw(&[1 << 40, 1 << 40], &[1 << 40, 1]), ErrorKind::Layout),
        (raw(&[usize::MAX], &[1]), ErrorKind::Layout),
        (raw(&[3], &[isize::MAX]), ErrorKind::Layout),
        (raw(&[3], &[isize::MIN]), ErrorKind::Layout),
        (raw(&[2, 2], &[isize::MAX, isize::MAX]), ErrorKind::Layout),
        (raw(&[1 << 40, 1 << 40], &[0, 0]), ErrorKind::Limit),
        (raw(&[usize::MAX], &[0]), ErrorKind::Layout),
        (raw(&[1 << 62], &[0]), ErrorKind::Limit),
        (raw(&[1; 65], &[0; 65]), ErrorKind::Limit),
        (raw(&[1; 136], &[0; 136]), ErrorKind::Limit),
        (raw(&[2, 2], &[1]), ErrorKind::Layout),
    ];
    for (name, engine) in engines() {
        for (number, (arg, kind)) in cases.iter().enumerate() {
            for expr in ["a + 1", "sum(a)"] {
                let error = engine
                    .compile(expr)
                    .unwrap()
                    .eval([arg.clone()])
                    .expect_err(&format!("case {number} of {expr} on {name}"));
                assert_eq!(error.kind(), *kind, "case {number} of {expr} on {name}: {error}");
            }
        }
    }
    // Two shapes whose broadcast overflows, though neither does.
    let (tall, wide) = (raw(&[1 << 40, 1], &[0, 0]), raw(&[1, 1 << 40], &[0, 0]));
    let error = compile("sum(a + b)").unwrap().eval([tall, wide]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    // 64 axes are fine.
    assert_eq!(eval::<u8>("a + 1", &[("a", raw(&[1; 64], &[0; 64]))]), [2]);
    // More than fits memory is refused before memory is touched.
    let error = compile("f64(a)").unwrap().eval([raw(&[1 << 57], &[0])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
}

#[test]
fn d9_derived_extents_and_indices_that_overflow() {
    let byte = 3u8;
    // SAFETY: all elements are one byte, which outlives the arguments.
    let raw = |shape: &[usize]| unsafe {
        Arg::raw(&raw const byte, shape, &vec![0; shape.len()], DType::U8)
    };
    let huge = 1usize << 40;
    for (name, engine) in engines() {
        let eval = |text: &str, shapes: &[&[usize]]| {
            let args: Vec<Arg> = shapes.iter().map(|s| raw(s)).collect();
            engine.compile(text).unwrap().eval(&args[..])
        };
        let kind = |text: &str, shapes: &[&[usize]]| {
            eval(text, shapes).expect_err(&format!("{text} on {name}")).kind()
        };
        // What is reduced may not be counted, though the result is small.
        assert_eq!(kind("sum(a + b, axis=0)", &[&[huge, 1], &[1, huge]]), ErrorKind::Limit);
        assert_eq!(kind("sum(a[:, None] + b)", &[&[huge], &[huge]]), ErrorKind::Limit);
        assert_eq!(kind("transpose(a) + a", &[&[huge, 1]]), ErrorKind::Limit);
        // Views of more axes than there may be.
        assert_eq!(kind("expand_dims(a, 0)", &[&[1; 64]]), ErrorKind::Limit);
        assert_eq!(kind("a[None, ..., None]", &[&[1; 63]]), ErrorKind::Limit);
        assert_eq!(eval("a[None]", &[&[1; 63]]).unwrap()[0].shape(), [1; 64]);
        // Bounds and steps at the edge of i64.
        let (most, least) = (i64::MAX, i64::MIN);
        for (text, want) in [
            (format!("a[{most}:]"), 0),
            (format!("a[{least}:{most}]"), 5),
            (format!("a[::{most}]"), 1),
            (format!("a[::{least}]"), 1),
            (format!("a[{most}:{least}:-1]"), 5),
            (format!("a[{least}:{most}:-1]"), 0),
        ] {
            assert_eq!(eval(&text, &[&[5]]).unwrap()[0].bytes(), vec![3; want], "{text}, {name}");
        }
        for at in [most, least, 5, -6] {
            assert_eq!(kind(&format!("a[{at}]"), &[&[5]]), ErrorKind::Shape);
            assert_eq!(kind(&format!("sum(a, axis={at})"), &[&[5]]), ErrorKind::Shape);
            assert_eq!(kind(&format!("expand_dims(a, {at})"), &[&[5]]), ErrorKind::Shape);
        }
        // A part of an array that could never be had; the interpreter wants all of it.
        if name != "interpreter" {
            assert_eq!(eval("a[:0] + 1", &[&[huge]]).unwrap()[0].shape(), [0]);
            assert_eq!(eval("a[7]", &[&[1 << 50]]).unwrap()[0].bytes()[..], [3]);
            assert_eq!(eval("a[::-1][-3:]", &[&[huge]]).unwrap()[0].bytes()[..], [3; 3]);
        }
    }
}

/// An address with a layout is somebody's word: what can be known to be a lie is found, with the
/// argument's name, and nothing is read or written.
#[test]
fn d10_layouts_that_cannot_be() {
    let data = [1.0f64, 2.0, 3.0];
    let pointer = data.as_ptr().cast::<u8>();
    let high = std::ptr::without_provenance::<u8>(usize::MAX - 15);
    // SAFETY: none of them is read.
    let raw = |pointer: *const u8, shape: &[usize], strides: &[isize]| unsafe {
        Arg::raw(pointer, shape, strides, DType::F64)
    };
    let cases = [
        (raw(pointer, &[3], &[]), ErrorKind::Layout, "'price' has 1 axes and 0 strides"),
        (raw(pointer, &[], &[8]), ErrorKind::Layout, "'price' has 0 axes and 1 strides"),
        (raw(pointer, &[1; 65], &[8; 65]), ErrorKind::Limit, "'price' has 65 axes"),
        (raw(std::ptr::null(), &[3], &[8]), ErrorKind::Layout, "'price' is a null pointer"),
        (raw(high, &[3], &[8]), ErrorKind::Layout, "'price' of shape (3,) reaches beyond"),
        (raw(high, &[2, 3], &[0, 8]), ErrorKind::Layout, "'price' of shape (2, 3) reaches"),
        (raw(pointer, &[1 << 61], &[8]), ErrorKind::Layout, "reaches beyond the address space"),
        (raw(pointer, &[3], &[isize::MIN / 2]), ErrorKind::Layout, "reaches beyond"),
    ];
    for (name, engine) in engines() {
        let program = engine.compile("price * 2").unwrap();
        for (arg, kind, message) in &cases {
            let error = program.eval([("price", arg.clone())]).expect_err(name);
            expect(&checked(error, "price * 2"), *kind, message);
            let mut y = [7.0; 3];
            let result = program.eval_into([("price", arg.clone())], &mut [Out::from(&mut y)]);
            assert_eq!(result.expect_err(name).kind(), *kind);
            assert_eq!(y, [7.0; 3]);
        }
        // Outputs, too.
        let mut y = [7.0f64; 3];
        let at = y.as_mut_ptr().cast::<u8>();
        let end = high.cast_mut();
        let lies: [(*mut u8, &[usize], &[isize]); 4] = [
            (at, &[3], &[]),
            (at, &[3], &[isize::MAX]),
            (end, &[3], &[8]),
            (std::ptr::null_mut(), &[3], &[8]),
        ];
        for (at, shape, strides) in lies {
            // SAFETY: refused before it is written.
            let out = unsafe { Out::raw(at, shape, strides, DType::F64) };
            let error = program.eval_into([("price", Arg::from(&data))], &mut [out]);
            expect(&error.expect_err(name), ErrorKind::Layout, "output 0");
        }
        assert_eq!(y, [7.0; 3]);
        let good = program.eval_as::<f64>([("price", Arg::from(&data))]).unwrap();
        assert_eq!(good.as_slice().unwrap(), [2.0, 4.0, 6.0], "it goes on");
    }
}

#[test]
fn d11_null_pointers() {
    // SAFETY: nothing is read through a null pointer.
    let null = |shape: &[usize], strides: &[isize]| unsafe {
        Arg::raw(std::ptr::null(), shape, strides, DType::F64)
    };
    for (name, engine) in engines() {
        let program = engine.compile("a + 1").unwrap();
        let y = program.eval([null(&[0], &[8])]).unwrap();
        assert_eq!(y[0].shape(), [0], "{name}");
        assert_eq!(
            engine.compile("sum(a)").unwrap().eval_as::<f64>([null(&[3, 0], &[0, 8])]).unwrap()[[]],
            0.0
        );
        expect(
            &program.eval([null(&[1], &[8])]).unwrap_err(),
            ErrorKind::Layout,
            "'a' is a null pointer",
        );
        expect(&program.eval([null(&[], &[])]).unwrap_err(), ErrorKind::Layout, "null pointer");
        // SAFETY: as above.
        let out = |n: usize| unsafe { Out::raw(std::ptr::null_mut(), &[n], &[8], DType::F64) };
        program.eval_into([null(&[0], &[8])], &mut [out(0)]).unwrap();
        let error = program.eval_into([Arg::from(&[1.0])], &mut [out(1)]).unwrap_err();
        expect(&error, ErrorKind::Layout, "output 0 is a null pointer");
    }
}

/// Tells another thread to end when this one leaves, be it by a failed assertion.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Somebody writes to the inputs while they are read: values may be torn, and nothing else. No
/// check is made on one reading and relied on for another: divisors, conditions, shifts, bools and
/// indices change under the code that looks at them.
#[test]
fn d12_inputs_that_change_meanwhile() {
    const N: usize = 5000;
    let shared: Vec<AtomicU64> = (0..N).map(|_| AtomicU64::new(1)).collect();
    let running = AtomicBool::new(true);
    // SAFETY: the bytes are readable; that they change is what is tested, and only whole words
    // do, by stores that are atomic.
    let seen = |dtype: DType| unsafe {
        let n = N * 8 / dtype.size();
        Arg::raw(shared.as_ptr().cast(), &[n], &[dtype.size() as isize], dtype)
    };
    std::thread::scope(|scope| {
        let _until_the_end = Ends(&running);
        scope.spawn(|| {
            let patterns = [0, u64::MAX, 1, 1 << 63, 0x00ff_0002_8000_0001, 0x7ff0_0000_0000_0001];
            let mut turn = 0;
            while running.load(Ordering::Relaxed) {
                turn += 1;
                for (i, word) in shared.iter().enumerate() {
                    word.store(patterns[(i + turn) % patterns.len()], Ordering::Relaxed);
                }
            }
        });
        let start = Instant::now();
        let mut rounds = 0;
        while rounds < 2 || start.elapsed() < Duration::from_millis(1500) {
            rounds += 1;
            for (name, engine) in engines() {
                let eval = |text: &str, arg: Arg| {
                    let program = engine.compile(text).unwrap();
                    program.eval([arg]).unwrap_or_else(|e| panic!("{text} on {name}: {e}"))
                };
                for dtype in [DType::I8, DType::I32, DType::I64, DType::U8, DType::U64] {
                    // Never a trap, though the divisor was looked at before it was zero.
                    eval("(a + 1) // a + (a - 1) % a", seen(dtype));
                    eval("7 // a[::-1]", seen(dtype));
                    eval("(a << a) ^ (a >> a)", seen(dtype));
                    let at = eval("argmin(a), argmax(a)", seen(dtype));
                    let n = (N * 8 / dtype.size()) as i64;
                    for i in [0, 1] {
                        let at = at[i].view::<i64>().unwrap()[[]];
                        assert!((0..n).contains(&at), "{at} of {n} on {name}");
                    }
                }
                // A bool that is written is 0 or 1, whatever was there when it was read.
                for text in ["a", "not a", "a & a[::-1]", "where(a, a, not a)"] {
                    let y = eval(text, seen(DType::Bool));
                    assert!(y[0].bytes().iter().all(|b| *b < 2), "{text} on {name}");
                }
                let counts = eval("count_nonzero(a), any(a), all(a)", seen(DType::Bool));
                let count = counts[0].view::<i64>().unwrap()[[]];
                assert!((0..=8 * N as i64).contains(&count), "{count} on {name}");
                eval("sin(a) + a**a", seen(DType::F64));
                eval("i16(a) + i16(f32(a))", seen(DType::F64));
            }
        }
    });
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes long in a debug build")]
fn d14_more_elements_than_32_bits_count() {
    let n = (1usize << 32) + 7;
    let engine = Engine::builder().backend(Backend::Native).threads(2).eager().build();
    let progress = Arc::new(Progress::new());
    let program = engine.compile("max(a)").unwrap().with(RunOptions::new().progress(&progress));
    assert_eq!(program.eval_as::<i8>([everywhere(&-1i8, n)]).unwrap()[[]], -1);
    assert_eq!((progress.done(), progress.total()), (n as u64, n as u64));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes long in a debug build")]
fn d14_sum_of_more_elements_than_32_bits_count() {
    let n = (1usize << 32) + 7;
    let y = compile("sum(a)").unwrap().eval_as::<i64>([everywhere(&-1i8, n)]).unwrap();
    assert_eq!(y[[]], -(n as i64));
}

/// Needs 9 GB of memory: `cargo test --release --test bad_inputs -- --ignored d14`.
#[test]
#[ignore = "needs 9 GB of memory"]
fn d14_output_of_more_elements_than_32_bits_count() {
    let n = (1usize << 32) + 7;
    let a: Vec<i8> = (0..n).map(|i| (i % 127) as i8).collect();
    let y = compile("a + 1").unwrap().eval_as::<i8>([Arg::from(&a)]).unwrap();
    for i in [0, 126, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, n - 1] {
        assert_eq!(y[[i]], (i % 127) as i8 + 1, "element {i}");
    }
    assert!(y.iter().enumerate().all(|(i, v)| *v == (i % 127) as i8 + 1));
}

/// Needs minutes, but hardly memory, for untouched pages are one and the same:
/// `cargo test --release --test bad_inputs -- --ignored d14_axes`.
#[test]
#[ignore = "takes minutes"]
fn d14_axes_of_more_elements_than_32_bits_count() {
    for n in [(1usize << 31) + 3, (1 << 32) + 7] {
        let mut a = vec![0i8; n];
        let mark = n - 2;
        a[mark] = -5;
        // SAFETY: the shapes have no more elements than the list, which outlives the arguments.
        let seen = |shape: &[usize], strides: &[isize]| unsafe {
            Arg::raw(a.as_ptr().cast(), shape, strides, DType::I8)
        };
        for threads in [1, 2] {
            let engine = Engine::builder().backend(Backend::Native).threads(threads).build();
            let run = |text: &str, arg: Arg| {
                let mut outputs = engine.compile(text).unwrap().eval([arg]).unwrap();
                outputs.take::<i64>(0).unwrap().into_raw_vec_and_offset().0
            };
            let line = || seen(&[n], &[1]);
            assert_eq!(run("argmin(a)", line()), [mark as i64]);
            assert_eq!(run("argmin(a[::-1])", line()), [(n - 1 - mark) as i64]);
            assert_eq!(run("i64(a[-2:])", line()), [-5, 0]);
            assert_eq!(run("sum(a[1:] + a[:-1])", line()), [-10]);
            // Long rows, long columns, and many short ones.
            let half = n / 2;
            let long = run("argmin(a, axis=1)", seen(&[2, half], &[half as isize, 1]));
            assert_eq!(long[0], 0);
            assert_eq!(long[1], if mark < 2 * half { (mark - half) as i64 } else { 0 });
            let tall = run("sum(a, axis=0)", seen(&[half, 2], &[2, 1]));
            assert_eq!(tall.iter().sum::<i64>(), if mark < 2 * half { -5 } else { 0 });
            let many = "sum(f64(sum(a, axis=1))), i64(0)";
            let outputs = engine.compile(many).unwrap().eval([seen(&[half, 2], &[2, 1])]).unwrap();
            let total = outputs[0].view::<f64>().unwrap()[[]];
            assert_eq!(total, if mark < 2 * half { -5.0 } else { 0.0 });
        }
    }
}

// E. Numeric

/// Floats that are hard for somebody.
const HARD: [f64; 16] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    f64::MAX,
    f64::MIN,
    1e16,
    9007199254740993.0,
];

/// All pairs of hard floats, three times over, so that each meets vectors and a tail.
fn pairs() -> (Vec<f64>, Vec<f64>) {
    let all = || (0..3).flat_map(|_| HARD.iter().flat_map(|x| HARD.iter().map(move |y| (*x, *y))));
    all().chain([(f64::NAN, 1.0), (-0.0, 0.0), (1.0, f64::NAN)]).unzip()
}

#[test]
fn e1_nan_through_every_operation() {
    let (a, b) = pairs();
    let args = [("a", (&a).into()), ("b", (&b).into())];
    let check = |expr: &str, of: fn(f64, f64) -> f64| {
        let want: Vec<f64> = a.iter().zip(&b).map(|(x, y)| of(*x, *y)).collect();
        same(&eval::<f64>(expr, &args), &want);
    };
    check("a + b", |x, y| x + y);
    check("a - b", |x, y| x - y);
    check("a * b", |x, y| x * y);
    check("a / b", |x, y| x / y);
    check("-a", |x, _| -x);
    check("abs(a)", |x, _| x.abs());
    check("sqrt(a)", |x, _| x.sqrt());
    check("floor(a) + 0 * b", |x, y| x.floor() + 0.0 * y);
    check("where(a > 0, a, b)", |x, y| if x > 0.0 { x } else { y });
    check("fmod(a, b)", |x, y| x % y);
    check("minimum(a, b)", minimum);
    check("maximum(a, b)", |x, y| -minimum(-x, -y));
    check("fmin(a, b)", |x, y| {
        if x.is_nan() {
            y
        } else if y.is_nan() {
            x
        } else {
            minimum(x, y)
        }
    });
    check("fmax(a, b)", |x, y| {
        if x.is_nan() {
            y
        } else if y.is_nan() {
            x
        } else {
            -minimum(-x, -y)
        }
    });
    let compare = |expr: &str, of: fn(f64, f64) -> bool| {
        let want: Vec<bool> = a.iter().zip(&b).map(|(x, y)| of(*x, *y)).collect();
        assert_eq!(eval::<bool>(expr, &args), want, "{expr}");
    };
    compare("a < b", |x, y| x < y);
    compare("a <= b", |x, y| x <= y);
    compare("a > b", |x, y| x > y);
    compare("a >= b", |x, y| x >= y);
    compare("a == b", |x, y| x == y);
    compare("a != b", |x, y| x != y);
    compare("not a < b", |x, y| x >= y || x.is_nan() || y.is_nan());
    compare("a < b < a", |x, y| x < y && y < x);
    compare("isnan(a) | isinf(b)", |x, y| x.is_nan() || y.is_infinite());
    compare("isfinite(a)", |x, _| x.is_finite());
    compare("signbit(a)", |x, _| !x.is_nan() && x.is_sign_negative());
}

/// The smaller; NaN if either is; -0.0 is below 0.0.
fn minimum(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        f64::NAN
    } else if x == y {
        if x.is_sign_negative() { x } else { y }
    } else if x < y {
        x
    } else {
        y
    }
}

#[test]
fn e2_signalling_nan_and_payloads() {
    let nans = [
        0x7ff0_0000_0000_0001u64,
        0xfff8_0000_0000_1234,
        0x7ff8_dead_beef_0000,
        0xfff0_0000_0000_0001,
    ];
    let a: Vec<f64> = (0..101).map(|i| f64::from_bits(nans[i % 4])).collect();
    for expr in [
        "a + 1",
        "a * a",
        "sqrt(a)",
        "minimum(a, 1)",
        "maximum(1, a)",
        "sin(a)",
        "a // 2",
        "a % 2",
        "a**3",
        "where(a == a, 1.0, a + 1)",
        "exp(a)",
        "fma(a, 1, 1)",
    ] {
        assert!(eval::<f64>(expr, &[("a", (&a).into())]).iter().all(|v| v.is_nan()), "{expr}");
    }
    assert_eq!(eval::<bool>("isnan(a) & ~signbit(a)", &[("a", (&a).into())]), [true; 101]);
    assert_eq!(eval::<i32>("i32(a)", &[("a", (&a).into())]), [0; 101]);
}

#[test]
fn e3_infinities() {
    let inf = f64::INFINITY;
    let i = [inf, -inf];
    let args = [("i", Arg::from(&i)), ("z", Arg::from(&[0.0, -0.0]))];
    for (expr, want) in [
        ("i - i", [f64::NAN; 2]),
        ("0 * i", [f64::NAN; 2]),
        ("i / i", [f64::NAN; 2]),
        ("i + i", [inf, -inf]),
        ("1 / i", [0.0, -0.0]),
        ("i // 2", [inf, -inf].map(|_| f64::NAN)),
        ("i * -2", [-inf, inf]),
        ("1 / z", [inf, -inf]),
        ("z / z", [f64::NAN; 2]),
    ] {
        same(&eval::<f64>(expr, &args), &want);
    }
}

#[test]
fn e4_negative_zero() {
    let z = [-0.0, 0.0];
    let args = [("z", Arg::from(&z))];
    for (expr, want) in [
        ("z + 0.0", [0.0, 0.0]),
        ("z + -0.0", [-0.0, 0.0]),
        ("z - 0.0", [-0.0, 0.0]),
        ("z - -0.0", [0.0, 0.0]),
        ("z * 1", [-0.0, 0.0]),
        ("z * -1", [0.0, -0.0]),
        ("z * 0", [-0.0, 0.0]),
        ("-z", [0.0, -0.0]),
        ("0 - z", [0.0, 0.0]),
        ("abs(z)", [0.0, 0.0]),
        ("sqrt(z)", [-0.0, 0.0]),
        ("round(z)", [-0.0, 0.0]),
        ("rint(z - 0.2)", [-0.0, -0.0]),
        ("floor(z)", [-0.0, 0.0]),
        ("ceil(z - 0.5)", [-0.0, -0.0]),
        ("trunc(-0.7 + z)", [-0.0, -0.0]),
        ("minimum(z, -z)", [-0.0, -0.0]),
        ("maximum(z, -z)", [0.0, 0.0]),
        ("z / 4", [-0.0, 0.0]),
        ("z * 0.25", [-0.0, 0.0]),
        ("z + z", [-0.0, 0.0]),
        ("z - z", [0.0, 0.0]),
        ("z**3", [-0.0, 0.0]),
        ("z**2", [0.0, 0.0]),
        ("z // 1", [-0.0, 0.0]),
        ("z % 3", [0.0, 0.0]),
        ("where(z == 0, z, 1)", [-0.0, 0.0]),
        ("-(-z)", [-0.0, 0.0]),
        ("sin(z)", [-0.0, 0.0]),
        ("expm1(z)", [-0.0, 0.0]),
        ("z**0.5", [0.0, 0.0]),
    ] {
        let got = eval::<f64>(expr, &args);
        same(&got, &want);
        // The same with the zero as a literal, folded.
        let folded = eval::<f64>(&expr.replace('z', "(-0.0)"), &[]);
        same(&folded, &want[..1]);
    }
}

#[test]
fn e5_subnormals_are_kept() {
    let tiny = [5e-324, -1.5e-323, 2.2250738585072009e-308, 1e-310];
    let args = [("a", Arg::from(&tiny))];
    let check = |expr: &str, of: fn(f64) -> f64| same(&eval::<f64>(expr, &args), &tiny.map(of));
    check("a * 3", |x| x * 3.0);
    check("a / 2", |x| x / 2.0);
    check("a * 0.5", |x| x * 0.5);
    check("a + a", |x| x + x);
    check("a - 1e-320", |x| x - 1e-320);
    check("sqrt(abs(a))", |x| x.abs().sqrt());
    check("a * 1e300", |x| x * 1e300);
    check("minimum(a, 0)", |x| x.min(0.0));
    check("f64(f32(a * 1e270))", |x| f64::from((x * 1e270) as f32));
    let narrow = [f32::from_bits(1), -f32::from_bits(3), 1e-40];
    let got = eval::<f32>("a * 0.75 + a", &[("a", Arg::from(&narrow))]);
    assert_eq!(got, narrow.map(|x| x * 0.75 + x));
    assert_eq!(eval::<f64>("f64(a)", &[("a", Arg::from(&narrow))]), narrow.map(f64::from));
}

#[cfg(target_arch = "x86_64")]
mod control_register {
    use std::arch::asm;

    pub fn read() -> u32 {
        let mut value = 0u32;
        // SAFETY: it stores four bytes to the local.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
        value
    }

    pub fn write(value: u32) {
        // SAFETY: only rounding and flushing are changed, and the caller puts them back.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack)) };
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn e6_hosts_rounding_and_flushing_do_not_matter() {
    const FLUSH: u32 = 0x8040;
    const FLAGS: u32 = 0x3f;
    let n = 40_000;
    let a: Vec<f64> = (0..n)
        .map(|i| if i % 2 == 0 { 5e-324 * f64::from(i) } else { f64::from(i) / 3.0 })
        .collect();
    let b: Vec<f64> = (0..n).map(|i| 0.1 + f64::from(i)).collect();
    let text = "a * 0.5 + b / 3, sin(a) * exp(-b), sum(a), sum(b / 7), i32(b), f64(f32(b)), a**5, 0.1 + 0.2, 1 / 3 * b, rint(b), 5e-324 * 3 + a";
    let run = |engine: &Engine| -> Vec<Vec<u64>> {
        let outputs = engine.compile(text).unwrap().eval([Arg::from(&a), Arg::from(&b)]).unwrap();
        (0..outputs.len()).map(|i| bits(&outputs, i)).collect()
    };
    let make =
        |backend, threads| Engine::builder().backend(backend).threads(threads).eager().build();
    let want = run(&make(Backend::Native, 2));
    for (backend, threads) in
        [(Backend::Native, 1), (Backend::Native, 2), (Backend::Interpreter, 1)]
    {
        for mode in [FLUSH, 0x2000, 0x4000, 0x6000, FLUSH | 0x6000] {
            // A fresh engine, so that parsing, folding and compiling happen in the mode, too.
            let engine = make(backend, threads);
            let host = control_register::read();
            control_register::write(0x1f80 | mode);
            let got = run(&engine);
            let left = control_register::read();
            control_register::write(host);
            assert_eq!(left & !FLAGS, 0x1f80 | mode, "the host's mode is put back");
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                let first = got.iter().zip(want).position(|(a, b)| a != b);
                let at = format!("output {i} of {backend:?} on {threads} with {mode:#x}");
                assert_eq!(first, None, "{at} differs: {:#x?}", first.map(|f| (got[f], want[f])));
            }
        }
    }
    // Also when the run ends in an error.
    let host = control_register::read();
    control_register::write(0x1f80 | FLUSH);
    let token = CancelToken::new();
    token.cancel();
    let cancelled = compile("a + b")
        .unwrap()
        .with(RunOptions::new().cancel(&token))
        .eval([Arg::from(&a), Arg::from(&b)]);
    let refused = compile("a +* b").is_err();
    let left = control_register::read();
    control_register::write(host);
    assert!(cancelled.is_err() && refused);
    assert_eq!(left & !FLAGS, 0x1f80 | FLUSH);
}

#[test]
fn e7_least_integers() {
    macro_rules! check {
        ($($t:ty),*) => {$({
            let a: Vec<$t> = vec![<$t>::MIN; 37];
            let m: Vec<$t> = vec![-1; 37];
            let args = [("a", Arg::from(&a)), ("m", Arg::from(&m))];
            for (expr, want) in [("a // m", <$t>::MIN), ("a % m", 0), ("fmod(a, m)", 0), ("abs(a)", <$t>::MIN), ("-a", <$t>::MIN), ("a * m", <$t>::MIN), ("a // -1", <$t>::MIN), ("a % -1", 0), ("a - 1", <$t>::MAX), ("a + m", <$t>::MAX), ("sign(a)", -1), ("a ** 2", 0)] {
                assert_eq!(eval::<$t>(expr, &args), vec![want; 37], "{expr} of {}", stringify!($t));
            }
            let want = <$t>::MIN as f64;
            assert_eq!(eval::<f64>("f64(a) / m", &args), vec![-want; 37]);
        })*};
    }
    check!(i8, i16, i32, i64);
}

#[test]
fn e8_integers_divided_by_zero() {
    let a = [7i32, -7, 0, i32::MIN, i32::MAX];
    let z = [0i32; 5];
    for (name, engine) in engines() {
        let outputs = |expr: &str| {
            let outputs = engine
                .compile(expr)
                .unwrap()
                .eval([("a", Arg::from(&a)), ("z", Arg::from(&z))])
                .unwrap();
            (
                outputs[0].view::<i32>().unwrap().iter().copied().collect::<Vec<_>>(),
                outputs.report().divided_by_zero,
            )
        };
        for expr in ["a // z", "a % z", "fmod(a, z)", "a // 0", "a % 0", "a * 0 // z"] {
            assert_eq!(outputs(expr), (vec![0; 5], true), "{expr} on {name}");
        }
        for expr in ["a * z // 1", "a // 1 * 0", "fmod(a, 1)"] {
            assert_eq!(outputs(expr), (vec![0; 5], false), "{expr} on {name}");
        }
        let flagged = |expr: &str| {
            engine
                .compile(expr)
                .unwrap()
                .eval([("a", Arg::from(&a))])
                .unwrap()
                .report()
                .divided_by_zero
        };
        assert!(!flagged("a / 0") && !flagged("f64(a) // 0"), "floats raise no flag, on {name}");
        assert!(flagged("a + 1 // 0"), "constants do, on {name}");
    }
    same(
        &eval::<f64>("a / z", &[("a", Arg::from(&a)), ("z", Arg::from(&z))]),
        &[f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::NEG_INFINITY, f64::INFINITY],
    );
    assert_eq!(eval::<i64>("1 // 0 + 5 % 0", &[]), [0]);
}

#[test]
fn e9_shifts_out_of_range() {
    let a = [5i64, -5, i64::MIN, i64::MAX];
    for (count, left, right) in [
        (63i64, [1 << 63, i64::MIN, 0, i64::MIN], [0, -1, -1, 0]),
        (64, [0; 4], [0, -1, -1, 0]),
        (65, [0; 4], [0, -1, -1, 0]),
        (-1, [0; 4], [0, -1, -1, 0]),
        (i64::MIN, [0; 4], [0, -1, -1, 0]),
        (i64::MAX, [0; 4], [0, -1, -1, 0]),
        (0, a, a),
    ] {
        let counts = [count; 4];
        let args = [("a", Arg::from(&a)), ("n", Arg::from(&counts)), ("k", count.into())];
        for (expr, want) in
            [("a << n", left), ("a >> n", right), ("a << k", left), ("a >> k", right)]
        {
            assert_eq!(eval::<i64>(expr, &args), want, "{expr} with {count}");
        }
        // As literals, in the array expression and folded.
        assert_eq!(eval::<i64>(&format!("a << {count}"), &args[..1]), left, "literal {count}");
        assert_eq!(eval::<i64>(&format!("a >> {count}"), &args[..1]), right, "literal {count}");
        assert_eq!(eval::<i64>(&format!("-5 >> {count}"), &[]), [right[1]]);
        assert_eq!(eval::<i64>(&format!("i64(5) << {count}"), &[]), [left[0]]);
    }
    assert_eq!(eval::<u8>("a << 8", &[("a", Arg::from(&[255u8, 1]))]), [0, 0]);
    assert_eq!(
        eval::<u8>("a >> n", &[("a", Arg::from(&[255u8, 255])), ("n", Arg::from(&[7u8, 8]))]),
        [1, 0]
    );
}

#[test]
fn e10_overflow_wraps() {
    let a = [i32::MAX, i32::MIN, 1 << 30];
    let args = [("a", Arg::from(&a))];
    assert_eq!(eval::<i32>("a + 1", &args), [i32::MIN, i32::MIN + 1, (1 << 30) + 1]);
    assert_eq!(eval::<i32>("a - 2", &args), [i32::MAX - 2, i32::MAX - 1, (1 << 30) - 2]);
    assert_eq!(eval::<i32>("a * 4", &args), [-4, 0, 0]);
    assert_eq!(eval::<i32>("a ** 3", &args), a.map(|v| v.wrapping_pow(3)));
    assert_eq!(eval::<i64>("sum(a)", &args), [a.iter().map(|v| i64::from(*v)).sum::<i64>()]);
    assert_eq!(eval::<u64>("sum(u)", &[("u", Arg::from(&[u64::MAX, 2]))]), [1]);
}

#[test]
fn e10_overflow_wraps_along_axes() {
    let a = ndarray::array![[i32::MAX, i32::MAX, 1], [i32::MAX, i32::MIN, 2], [5, i32::MIN, -3]];
    let args = [("a", Arg::from(&a))];
    let (most, least) = (i64::from(i32::MAX), i64::from(i32::MIN));
    assert_eq!(eval::<i64>("sum(a, axis=0)", &args), [2 * most + 5, most + 2 * least, 0]);
    let across = [2 * most + 1, most + least + 2, least + 2];
    assert_eq!(eval::<i64>("sum(a, axis=1)", &args), across);
    assert_eq!(
        eval::<i64>("prod(a, axis=0)", &args),
        [(most * most).wrapping_mul(5), (most * least).wrapping_mul(least), -6]
    );
    // The sum of what wrapped before: `a + a` is of i32.
    let twice: Vec<i64> = a
        .rows()
        .into_iter()
        .map(|row| row.iter().map(|v| i64::from(v.wrapping_add(*v))).sum())
        .collect();
    assert_eq!(eval::<i64>("sum(a + a, axis=1)", &args), twice);
    assert_eq!(eval::<i64>("dot(a, a)", &args).len(), 1);
    // Sums of 64 bits wrap, down and across, whatever their length.
    let wide = ndarray::Array2::from_elem((300, 70), i64::MAX);
    let args = [("w", Arg::from(&wide))];
    assert_eq!(eval::<i64>("sum(w, axis=0)", &args), vec![-300; 70]);
    assert_eq!(eval::<i64>("sum(w, axis=1)", &args), vec![-70; 300]);
    assert_eq!(eval::<i64>("sum(w)", &args), [-21_000]);
    let bytes = ndarray::Array2::from_elem((70_000, 3), 255u8);
    let args = [("b", Arg::from(&bytes))];
    assert_eq!(eval::<u64>("sum(b, axis=0)", &args), [255 * 70_000; 3]);
    assert_eq!(eval::<u64>("sum(b + b, axis=0)", &args), [254 * 70_000; 3]);
    assert_eq!(eval::<i64>("count_nonzero(b, axis=0)", &args), [70_000; 3]);
}

#[test]
fn e11_integer_powers() {
    same(&eval::<f64>("2 ** -1", &[]), &[0.5]);
    let error = compile("a ** -1").unwrap().eval([Arg::from(&[2i64])]).unwrap_err();
    expect(&error, ErrorKind::Type, "negative integer power");
    let (a, b) = ([2i64, 0, 0, 1, -1, -1, 3, i64::MIN], [-1i64, 0, -1, -7, -3, -4, 41, 1]);
    let want = [0, 1, 0, 1, -1, 1, 3i64.wrapping_pow(41), i64::MIN];
    assert_eq!(eval::<i64>("a ** b", &[("a", (&a).into()), ("b", (&b).into())]), want);
    assert_eq!(eval::<i64>("0 ** 0", &[]), [1]);
    assert_eq!(
        eval::<u8>("a ** b", &[("a", Arg::from(&[2u8, 2, 3])), ("b", Arg::from(&[7u8, 8, 255]))]),
        [128, 0, 3u8.wrapping_pow(255)]
    );
}

#[test]
fn e12_float_powers() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let a = [0.0, -0.0, 1.0, -1.0, nan, inf, -inf, -8.0, 2.0];
    let args = [("a", Arg::from(&a))];
    for (expr, want) in [
        ("a**0", [1.0; 9]),
        ("a**0.0", [1.0; 9]),
        ("a**1", a),
        ("a**3", [0.0, -0.0, 1.0, -1.0, nan, inf, -inf, -512.0, 8.0]),
        ("a**-3", [inf, -inf, 1.0, -1.0, nan, 0.0, -0.0, -1.0 / 512.0, 0.125]),
        ("a**-2", [inf, inf, 1.0, 1.0, nan, 0.0, 0.0, 1.0 / 64.0, 0.25]),
        ("a**0.5", [0.0, 0.0, 1.0, nan, nan, inf, inf, nan, 2f64.sqrt()]),
        ("a**64", [0.0, 0.0, 1.0, 1.0, nan, inf, inf, 2f64.powi(192), 2f64.powi(64)]),
    ] {
        same(&eval::<f64>(expr, &args), &want);
    }
    // Huge results and tiny ones, with the intermediate products beyond the range.
    let b = [1e200, 1e-200, -1e155];
    same(&eval::<f64>("b**2", &[("b", Arg::from(&b))]), &[inf, 0.0, inf]);
    same(&eval::<f64>("b**-3", &[("b", Arg::from(&b))]), &[0.0, inf, -0.0]);
    let c = [2f64.powi(-300), 2f64.powi(-358), -2f64.powi(341)];
    same(
        &eval::<f64>("c**3", &[("c", Arg::from(&c))]),
        &[2f64.powi(-900), 5e-324, -2f64.powi(1023)],
    );
    same(&eval::<f64>("c**4", &[("c", Arg::from(&c))]), &[0.0, 0.0, inf]);
    same(&eval::<f64>("c**-3", &[("c", Arg::from(&c))]), &[2f64.powi(900), inf, -2f64.powi(-1023)]);
    // Exponents of an array, as C99's Annex F has them.
    let x = [0.0, -0.0, -0.0, 1.0, nan, -8.0, -inf, -inf, -inf, 2.0, 0.5, -1.0, 4.0, -2.0, 2.0];
    let y =
        [0.0, -3.0, -2.0, nan, 0.0, 1.0 / 3.0, 3.0, -3.0, 4.0, 1e308, inf, -inf, 0.5, 3.0, -1074.0];
    let want = [1.0, -inf, inf, 1.0, 1.0, nan, -inf, -0.0, inf, inf, 0.0, 1.0, 2.0, -8.0, 5e-324];
    same(&eval::<f64>("x**y", &[("x", Arg::from(&x)), ("y", Arg::from(&y))]), &want);
    same(&eval::<f64>("power(x, y)", &[("x", Arg::from(&x)), ("y", Arg::from(&y))]), &want);
}

#[test]
fn e18_gamma_and_the_error_function() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let x = [0.0, -0.0, -1.0, -2.0, -1e300, 1.0, 171.0, 172.0, inf, -inf, nan];
    let args = [("x", Arg::from(&x))];
    let want = [inf, -inf, nan, nan, nan, 1.0, 7.257415615307997e306, inf, inf, nan, nan];
    for (got, want) in eval::<f64>("gamma(x)", &args).into_iter().zip(want) {
        let close = (got - want).abs() <= want.abs() * 2.0 * f64::EPSILON;
        assert!(got.to_bits() == want.to_bits() || close || got.is_nan() && want.is_nan(), "{got}");
    }
    let x = [0.0, -0.0, -1.0, -2.0, 1.0, 2.0, inf, -inf, nan];
    let want = [inf, inf, inf, inf, 0.0, 0.0, inf, inf, nan];
    same(&eval::<f64>("lgamma(x)", &[("x", Arg::from(&x))]), &want);
    // Near its zero at -2.457 lgamma is right to 1e-15.
    let root = [-2.457024738220801];
    let got = eval::<f64>("lgamma(x)", &[("x", Arg::from(&root))])[0];
    assert!((got + 6.16871e-16).abs() < 1e-15, "{got:e}");
    let tails = [27.0, -27.0, 30.0, 0.0, inf, -inf];
    let got = eval::<f64>("erfc(x)", &[("x", Arg::from(&tails))]);
    same(&got[1..], &[2.0, 0.0, 1.0, 0.0, 2.0]);
    assert!((got[0] / 5.237048923789256e-319 - 1.0).abs() < 1e-4, "{:e}", got[0]);
    let far = [-38.0, -10.0, 9.0];
    let got = eval::<f64>("normcdf(x)", &[("x", Arg::from(&far))]);
    assert!((got[0] / 2.8854e-316 - 1.0).abs() < 1e-4 && got[2] == 1.0, "{got:?}");
    assert!((got[1] / 7.61985302416052606e-24 - 1.0).abs() < 1e-15, "{:e}", got[1]);
}

#[test]
fn e13_floats_to_integers_saturate() {
    let values = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
        -1.0,
        9.223372036854776e18,
        -9.3e18,
        2.9,
        -2.9,
        255.5,
        4294967296.0,
        2147483647.5,
        -128.9,
    ];
    let floats: Vec<f64> = values.iter().cycle().take(200).copied().collect();
    let narrow: Vec<f32> = floats.iter().map(|v| *v as f32).collect();
    macro_rules! check {
        ($($t:ty),*) => {$(
            // Rust's `as` is the rule: toward zero, saturating, NaN is 0.
            let cast = concat!(stringify!($t), "(a)");
            assert_eq!(eval::<$t>(cast, &[("a", (&floats).into())]), floats.iter().map(|v| *v as $t).collect::<Vec<_>>(), "{cast}");
            assert_eq!(eval::<$t>(cast, &[("a", (&narrow).into())]), narrow.iter().map(|v| *v as $t).collect::<Vec<_>>(), "{cast} of f32");
            for v in values {
                assert_eq!(eval::<$t>(cast, &[("a", Arg::typed(v))]), [v as $t], "{cast} of a scalar");
            }
        )*};
    }
    check!(i8, i16, i32, i64, u8, u16, u32, u64);
    assert_eq!(eval::<u8>("u8(1e300) + u8(nan)", &[]), [255]);
}

#[test]
fn e14_integers_to_floats_round_once() {
    let signed = [
        (1i64 << 53) + 1,
        -(1 << 53) - 1,
        i64::MAX,
        i64::MIN,
        (1 << 62) + (1 << 38),
        (1 << 62) + (1 << 38) + 1,
        (1 << 54) + 2,
        16777217,
        (1 << 60) + (1 << 36) - 1,
    ];
    let a: Vec<i64> = signed.iter().cycle().take(77).copied().collect();
    assert_eq!(
        eval::<f64>("f64(a)", &[("a", (&a).into())]),
        a.iter().map(|v| *v as f64).collect::<Vec<_>>()
    );
    assert_eq!(
        eval::<f32>("f32(a)", &[("a", (&a).into())]),
        a.iter().map(|v| *v as f32).collect::<Vec<_>>()
    );
    let u: Vec<u64> = a
        .iter()
        .map(|v| (*v as u64).wrapping_mul(3))
        .chain([u64::MAX, u64::MAX - 1024, (1 << 63) + (1 << 39) + 1])
        .collect();
    assert_eq!(
        eval::<f64>("f64(a)", &[("a", (&u).into())]),
        u.iter().map(|v| *v as f64).collect::<Vec<_>>()
    );
    assert_eq!(
        eval::<f32>("f32(a)", &[("a", (&u).into())]),
        u.iter().map(|v| *v as f32).collect::<Vec<_>>()
    );
    let w: Vec<u32> = (0..77).map(|i| u32::MAX - 37 * i).collect();
    assert_eq!(
        eval::<f32>("f32(a)", &[("a", (&w).into())]),
        w.iter().map(|v| *v as f32).collect::<Vec<_>>()
    );
}

#[test]
fn e15_f64_to_f32_rounds_once() {
    let hard = [
        1e39,
        -1e39,
        3.4028235677973366e38,
        3.4028235677973362e38,
        1e-45,
        7e-46,
        7.006492321624085e-46,
        7.006492321624087e-46,
        1.0000000596046448,
        1.00000005960464479,
        1.0000000596046450,
        f64::NAN,
        -0.0,
        1.1754943508222875e-38,
        16777217.0,
        16777219.0,
    ];
    let a: Vec<f64> = hard.iter().cycle().take(99).copied().collect();
    let got = eval::<f32>("f32(a)", &[("a", (&a).into())]);
    for (got, x) in got.iter().zip(&a) {
        assert!(
            got.to_bits() == (*x as f32).to_bits() || x.is_nan() && got.is_nan(),
            "{x:e} gives {got:e}"
        );
    }
}

/// How many floats lie between two of one sign.
fn ulps(got: f64, want: f64) -> u64 {
    got.to_bits().abs_diff(want.to_bits())
}

#[test]
fn e16_trigonometry_of_huge_arguments() {
    // Correctly rounded values, from 300-bit arithmetic.
    let cases = [
        ("sin(a)", 1e22, -0.8522008497671888),
        ("cos(a)", 1e22, 0.523214785395139),
        ("sin(a)", 1e308, 0.4533964905016491),
        ("cos(a)", 1e308, -0.8913089376870335),
        ("sin(a)", 2f64.powi(1023), 0.563127779850884),
        ("cos(a)", 2f64.powi(1023), -0.826369834614148),
        ("tan(a)", std::f64::consts::FRAC_PI_2, 1.633123935319537e16),
        ("sin(a)", std::f64::consts::PI, 1.2246467991473532e-16),
        ("cos(a)", 6381956970095103.0 * 2f64.powi(797), -4.687165924254628e-19),
    ];
    for (expr, x, want) in cases {
        let got = eval::<f64>(expr, &[("a", Arg::from(&[x; 9]))]);
        assert!(
            got.iter().all(|v| ulps(*v, want) <= 1),
            "{expr} of {x:e} is {}, not {want}",
            got[0]
        );
    }
    for x in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert!(
            eval::<f64>("sin(a) + cos(a) + tan(a)", &[("a", Arg::from(&[x; 9]))])
                .iter()
                .all(|v| v.is_nan())
        );
    }
}

#[test]
fn e17_exponentials_and_logarithms_at_their_edges() {
    let inf = f64::INFINITY;
    let exact = [
        ("exp(a)", 710.0, inf),
        ("exp(a)", -746.0, 0.0),
        ("exp(a)", inf, inf),
        ("exp(a)", -inf, 0.0),
        ("exp(a)", 0.0, 1.0),
        ("log(a)", 0.0, -inf),
        ("log(a)", -0.0, -inf),
        ("log(a)", -1.0, f64::NAN),
        ("log(a)", 1.0, 0.0),
        ("log(a)", inf, inf),
        ("log1p(a)", -1.0, -inf),
        ("log1p(a)", -1.5, f64::NAN),
        ("log1p(a)", -0.0, -0.0),
        ("expm1(a)", -inf, -1.0),
        ("expm1(a)", 1e-300, 1e-300),
        ("log1p(a)", 1e-300, 1e-300),
        ("exp2(a)", 1024.0, inf),
        ("exp2(a)", -1075.0, 0.0),
        ("exp2(a)", -1074.0, 5e-324),
        ("log2(a)", 5e-324, -1074.0),
        ("log10(a)", 1e22, 22.0),
        ("tanh(a)", 30.0, 1.0),
        ("tanh(a)", -inf, -1.0),
    ];
    for (expr, x, want) in exact {
        same(&eval::<f64>(expr, &[("a", Arg::from(&[x; 9]))]), &[want; 9]);
    }
    let close = [
        ("exp(a)", 709.78, 1.7928227943945155e308),
        ("exp(a)", -745.13, 5e-324),
        ("exp(a)", -740.0, 4.2e-322),
        ("log(a)", 5e-324, -744.4400719213812),
        ("log(a)", 1e-310, -713.8013788281542),
        ("log(a)", f64::MAX, 709.782712893384),
        ("log10(a)", 5e-324, -323.3062153431158),
        ("expm1(a)", 709.78, 1.7928227943945155e308),
        ("log1p(a)", f64::MAX, 709.782712893384),
    ];
    for (expr, x, want) in close {
        let got = eval::<f64>(expr, &[("a", Arg::from(&[x; 9]))]);
        assert!(
            got.iter().all(|v| ulps(*v, want) <= 1),
            "{expr} of {x:e} is {:e}, not {want:e}",
            got[0]
        );
    }
}

#[test]
fn e19_products_are_not_contracted() {
    let x = 1.0 + 2f64.powi(-30);
    let (a, c) = ([x; 40], [-(1.0 + 2f64.powi(-29)); 40]);
    let args = [("a", Arg::from(&a)), ("c", Arg::from(&c))];
    same(&eval::<f64>("a * a + c", &args), &[0.0; 40]);
    same(&eval::<f64>("c + a * a", &args), &[0.0; 40]);
    same(&eval::<f64>("fma(a, a, c)", &args), &[2f64.powi(-60); 40]);
    for isa in Isa::available() {
        let engine = Engine::builder().mode(Mode::Contract).isa(isa).build();
        let y = engine.compile("a * a + c").unwrap().eval_as::<f64>(&args[..]).unwrap();
        assert!(y.iter().all(|v| *v == 2f64.powi(-60)), "on {}", isa.name());
    }
}

#[test]
fn e20_nothing_is_reassociated() {
    let b = [1.5, 2f64.powi(-53)];
    let args = [("a", Arg::from(&[1e16, 1.0])), ("b", Arg::from(&b))];
    same(&eval::<f64>("a + b - a", &args), &[2.0, 0.0]);
    same(&eval::<f64>("(a + b) - a - b", &args), &[0.5, -(2f64.powi(-53))]);
    same(
        &eval::<f64>("t = a + b; z = t - a; (a - (t - z)) + (b - z)", &args),
        &[-0.5, 2f64.powi(-53)],
    );
    same(&eval::<f64>("a * 3 / 3 - a + 0.1 + 0.2 + 0.3", &args), &[(0.1f64 + 0.2) + 0.3; 2]);
    same(&eval::<f64>("b / 3 * 3", &args), &[1.5 / 3.0 * 3.0, 2f64.powi(-53) / 3.0 * 3.0]);
    // A program for another mode is another program, whatever is cached.
    let fast = Engine::builder().mode(Mode::Fast).build();
    assert!(fast.compile("a + b - a").unwrap().eval(&args[..]).is_ok());
    same(&eval::<f64>("a + b - a", &args), &[2.0, 0.0]);
}

#[test]
fn e21_large_sums() {
    let engine = Engine::builder().backend(Backend::Native).threads(2).eager().build();
    let sum = |arg: Arg| engine.compile("sum(a)").unwrap().eval_as::<f32>([arg]).unwrap()[[]];
    assert_eq!(sum(everywhere(&1f32, 1 << 25)), 33554432.0);
    assert_eq!(sum(everywhere(&1f32, 100_000_000)), 100_000_000.0);
    let mean = engine
        .compile("mean(a)")
        .unwrap()
        .eval_as::<f64>([everywhere(&0.1f64, 10_000_000)])
        .unwrap()[[]];
    assert!((mean - 0.1).abs() < 1e-15, "{mean}");
    let mut a = vec![1.0; 10_000];
    (a[17], a[9_000]) = (f64::INFINITY, f64::NEG_INFINITY);
    assert!(eval::<f64>("sum(a)", &[("a", (&a).into())])[0].is_nan());
    a[9_000] = 1.0;
    same(&eval::<f64>("sum(a)", &[("a", (&a).into())]), &[f64::INFINITY]);
    // The tree is the same on every engine, also where the sum is not exact.
    let b: Vec<f64> = (0..100_003).map(|i| f64::from(i).sin()).collect();
    let exact: f64 = b.iter().sum();
    let got = eval::<f64>("sum(b)", &[("b", (&b).into())])[0];
    assert!((got - exact).abs() < 1e-9, "{got} is not near {exact}");
}

#[test]
fn e21_large_sums_along_axes() {
    let engine = Engine::builder().backend(Backend::Native).threads(2).build();
    let ones = |text: &str, shape: &[usize]| {
        let zero = vec![0; shape.len()];
        // SAFETY: all elements are one float, which lives for ever.
        let arg = unsafe { Arg::raw((&raw const ONE).cast(), shape, &zero, DType::F32) };
        engine.compile(text).unwrap().eval_as::<f32>([arg]).unwrap().into_raw_vec_and_offset().0
    };
    static ONE: f32 = 1.0;
    // One after the other they would stay at 2^24.
    assert_eq!(ones("sum(a, axis=1)", &[3, 1 << 25]), [33554432.0; 3]);
    assert_eq!(ones("sum(a, axis=0)", &[1 << 25, 3]), [33554432.0; 3]);
    assert_eq!(ones("mean(a, axis=0)", &[1 << 25, 2]), [1.0; 2]);
    assert_eq!(ones("var(a, axis=0)", &[20_000_003, 2]), [0.0; 2]);
    // Infinities meet in their own column or row only.
    let mut a = ndarray::Array2::from_elem((5000, 4), 1.0);
    (a[[17, 1]], a[[4000, 1]], a[[3000, 2]]) = (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY);
    let args = [("a", Arg::from(&a))];
    same(&eval("sum(a, axis=0)", &args), &[5000.0, f64::NAN, f64::INFINITY, 5000.0]);
    same(&eval("mean(a, axis=0)", &args), &[1.0, f64::NAN, f64::INFINITY, 1.0]);
    let rows = eval::<f64>("sum(a, axis=1)", &args);
    let odd: Vec<(usize, f64)> =
        rows.iter().copied().enumerate().filter(|(_, sum)| *sum != 4.0).collect();
    let want = [(17, f64::INFINITY), (3000, f64::INFINITY), (4000, f64::NEG_INFINITY)];
    assert_eq!(odd, want);
    // A variance far from zero does not cancel.
    let far = ndarray::Array2::from_shape_fn((10_000, 3), |(i, j)| 1e9 + (i % 2 + j) as f64);
    let args = [("a", Arg::from(&far))];
    for got in eval::<f64>("var(a, axis=0)", &args) {
        assert!((got - 0.25).abs() < 1e-12, "{got}");
    }
    for got in eval::<f64>("std(transpose(a), axis=1, ddof=1)", &args) {
        assert!((got - (0.25f64 * 10_000.0 / 9999.0).sqrt()).abs() < 1e-12, "{got}");
    }
}

#[test]
fn e21_a_million_tenths() {
    let engine = Engine::builder().backend(Backend::Native).threads(2).eager().build();
    let (narrow, wide) = (
        ndarray::Array2::from_elem((1000, 1000), 0.1_f32),
        ndarray::Array2::from_elem((1000, 1000), 0.1_f64),
    );
    for (text, n) in [("sum(a)", 1e6), ("sum(a, axis=0)", 1e3), ("sum(a, axis=1)", 1e3)] {
        let program = engine.compile(text).unwrap();
        // Nearer than NumPy's along axis 0, which adds a column one after another: 24 eps in f32.
        let exact = f64::from(0.1_f32) * n;
        for sum in program.eval_as::<f32>([Arg::from(&narrow)]).unwrap() {
            let error = (f64::from(sum) - exact).abs() / exact / f64::from(f32::EPSILON);
            assert!(error < 2.0, "{text}: {error} eps");
        }
        for sum in program.eval_as::<f64>([Arg::from(&wide)]).unwrap() {
            let error = (sum - 0.1 * n).abs() / (0.1 * n) / f64::EPSILON;
            assert!(error < 2.0, "{text}: {error} eps");
        }
    }
}

#[test]
fn e22_positions_of_ties_and_of_nan() {
    let nan = f64::NAN;
    let (inf, least) = (f64::INFINITY, f64::NEG_INFINITY);
    for (a, first_least, first_greatest) in [
        (vec![2.0, 1.0, 1.0, 2.0], 1, 0),
        (vec![0.0, -0.0, 0.0], 0, 0),
        (vec![-0.0, 0.0], 0, 0),
        (vec![3.0, nan, 1.0, nan], 1, 1),
        (vec![nan, nan, nan], 0, 0),
        (vec![inf, inf, least, least], 2, 0),
        (vec![inf, least, -nan, inf], 2, 2),
        (vec![7.0], 0, 0),
    ] {
        // Alone, behind and before many that do not matter, and as a column among others.
        for (before, after) in [(0, 0), (0, 300), (5000, 0), (4095, 5000), (64, 1), (8191, 1)] {
            let dull = if a.iter().any(|v| v.is_nan()) { 2.0 } else { a[0] };
            let own = |order: fn(f64, f64) -> bool| {
                // The filling may come first, or be better: what NumPy says, one by one.
                let all: Vec<f64> = [&vec![dull; before], &a[..], &vec![dull; after]].concat();
                let mut best = 0;
                for (i, v) in all.iter().enumerate() {
                    if !all[best].is_nan() && (v.is_nan() || order(*v, all[best])) {
                        best = i;
                    }
                }
                (all, best as i64)
            };
            let (all, low) = own(|x, y| x < y);
            let (_, high) = own(|x, y| x > y);
            if before + after == 0 {
                assert_eq!((low, high), (first_least, first_greatest), "{a:?}");
            }
            let args = [("a", Arg::from(&all))];
            assert_eq!(eval::<i64>("argmin(a)", &args), [low], "{a:?}, {before}, {after}");
            assert_eq!(eval::<i64>("argmax(a)", &args), [high], "{a:?}, {before}, {after}");
            let narrow = eval::<i64>("argmin(f32(a), axis=0)", &args);
            assert_eq!(narrow, [low], "{a:?}, {before}, {after}");
            let columns = eval::<i64>("argmax(a[:, None] * isin(1, 0, 1, 2), axis=0)", &args);
            assert_eq!(columns, [high], "{a:?}, {before}, {after}");
        }
    }
    // Down columns and along rows of a grid, of integers and bools.
    let grid = ndarray::array![[3u8, 200, 200], [3, 0, 200], [9, 0, 7]];
    let args = [("a", Arg::from(&grid))];
    assert_eq!(eval::<i64>("argmin(a, axis=0)", &args), [0, 1, 2]);
    assert_eq!(eval::<i64>("argmax(a, axis=0)", &args), [2, 0, 0]);
    assert_eq!(eval::<i64>("argmin(a, axis=1)", &args), [0, 1, 1]);
    assert_eq!(eval::<i64>("argmax(a, axis=1)", &args), [1, 2, 0]);
    assert_eq!(eval::<i64>("argmax(a)", &args), [1]);
    assert_eq!(eval::<i64>("argmax(a > 100, axis=1)", &args), [1, 2, 0]);
    assert_eq!(eval::<i64>("argmin(a > 2)", &args), [4]);
    // The position is in C order, whatever the layout.
    assert_eq!(eval::<i64>("argmax(transpose(a))", &args), [3]);
    // The least of integers is found where floats would not tell them apart.
    let near = [i64::MAX - 1, i64::MAX, i64::MAX - 2, i64::MAX];
    let args = [("a", Arg::from(&near))];
    assert_eq!(eval::<i64>("argmax(a)", &args), [1]);
    assert_eq!(eval::<i64>("argmin(a)", &args), [2]);
    for empty in ["argmin(a[:0])", "argmax(a[:0], axis=0)"] {
        let error = compile(empty).unwrap().eval(&args[..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape, "{empty}: {error}");
    }
}

#[test]
fn e24_folding_is_running() {
    for x in HARD.iter().chain(&[0.3, 3.0, -7.5, 100.0, 1e-8, 709.0]) {
        let literal = if x.is_nan() {
            "nan".to_string()
        } else if x.is_infinite() {
            format!("({}inf)", if *x < 0.0 { "-" } else { "" })
        } else {
            format!("({x:?})")
        };
        for function in [
            "sin", "cos", "tan", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "tanh",
            "sqrt", "floor", "ceil", "rint", "trunc", "abs", "sign", "square", "i32", "u8", "f32",
            "isnan", "signbit",
        ] {
            let run = compile(&format!("{function}(a)"))
                .unwrap()
                .eval([("a", Arg::from(&[*x]))])
                .unwrap();
            let folded =
                compile(&format!("{function}({literal})")).unwrap().eval(("unused", 0.0)).unwrap();
            assert_eq!(bits(&run, 0), bits(&folded, 0), "{function} of {x:?}");
        }
        for op in [
            "a + 0.1",
            "a * a",
            "a / 3",
            "a // 3",
            "a % 3",
            "a**0",
            "a**1",
            "a**2",
            "a**3",
            "a**4",
            "a**-1",
            "a**-2",
            "a**0.5",
            "a**2.5",
            "a**1e3",
            "fmod(a, 3)",
            "minimum(a, 1)",
            "copysign(3, a)",
            "nextafter(a, 1)",
            "fma(a, 3, 0.1)",
            "a < 1",
        ] {
            let run = compile(op).unwrap().eval([("a", Arg::from(&[*x]))]).unwrap();
            let folded = compile(
                &op.replace("(a", &format!("({literal}"))
                    .replace("a ", &format!("{literal} "))
                    .replace("a*", &format!("{literal}*"))
                    .replace(" a", &format!(" {literal}")),
            )
            .unwrap();
            assert!(folded.inputs().len() == 0, "{op}: {}", folded.text());
            let folded = folded.eval(("unused", 0.0)).unwrap();
            assert_eq!(bits(&run, 0), bits(&folded, 0), "{op} of {x:?}");
        }
    }
}

// F. Resources and limits

#[test]
fn f2_outputs_larger_than_memory() {
    let program = compile("a + 1.5").unwrap();
    let error = program.eval([everywhere(&1.0f64, 1 << 50)]).unwrap_err();
    expect(&error, ErrorKind::OutOfMemory, "9007199254740992 bytes");
    for (name, engine) in engines() {
        let result = engine.compile("a + 1.5").unwrap().eval([everywhere(&1.0f64, 1 << 55)]);
        assert_eq!(result.expect_err(name).kind(), ErrorKind::OutOfMemory);
    }
    assert_eq!(program.eval_as::<f64>([Arg::from(&[1.0])]).unwrap()[[0]], 2.5, "it goes on");
}

#[test]
fn f3_many_arrays() {
    for n in [65usize, 1_000, 70_000] {
        let columns: Vec<[i64; 3]> = (0..n as i64).map(|i| [i, -i, 1]).collect();
        let text = (0..n).map(|i| format!("c{i}")).collect::<Vec<_>>().join("+");
        let program = patient().compile(&text).unwrap();
        assert_eq!(program.inputs().len(), n);
        let args: Vec<Arg> = columns.iter().map(Arg::from).collect();
        let y = within(seconds(60), || program.eval_as::<i64>(args.as_slice())).unwrap();
        let total = (n * (n - 1) / 2) as i64;
        assert_eq!(y.as_slice().unwrap(), [total, -total, n as i64], "{n} arrays");
    }
    // Many outputs.
    let text = (0..2_000).map(|i| format!("a + {i}")).collect::<Vec<_>>().join(",");
    let outputs =
        within(seconds(60), || compile(&text).unwrap().eval([Arg::from(&[1i64, 2])])).unwrap();
    for i in 0..2_000 {
        assert_eq!(
            outputs[i].view::<i64>().unwrap().as_slice().unwrap(),
            [1 + i as i64, 2 + i as i64]
        );
    }
    // Many arrays in place, none of which meets another.
    let n = 10_000usize;
    let text = (0..n).map(|i| format!("x{i} * 2")).collect::<Vec<_>>().join(", ");
    let program = compile(&text).unwrap();
    let names: Vec<String> = (0..n).map(|i| format!("x{i}")).collect();
    let mut columns: Vec<[i64; 3]> = (0..n as i64).map(|i| [i, -i, 1]).collect();
    let outs =
        columns.iter_mut().zip(&names).map(|(x, name)| Out::inout(name, Out::from(&mut x[..])));
    let mut outs: Vec<Out> = outs.collect();
    within(seconds(10), || program.eval_into((), &mut outs)).unwrap();
    drop(outs);
    for (i, column) in columns.iter().enumerate() {
        assert_eq!(*column, [2 * i as i64, -2 * i as i64, 2]);
    }
    // One more than the limit.
    let small = Engine::builder().max_arrays(3).build();
    assert!(small.compile("a + b + c").is_ok());
    expect(&small.compile("a + b + c + d").err().unwrap(), ErrorKind::Limit, "4 arrays");
}

#[test]
fn f4_long_sums() {
    let n = 20_000i64;
    let terms: Vec<String> = (0..n).map(|i| format!("a*{i}")).collect();
    let program = within(seconds(60), || patient().compile(&terms.join("+"))).unwrap();
    let y = within(seconds(60), || program.eval_as::<i64>([Arg::from(&[1i64, -2, 0])])).unwrap();
    let total = n * (n - 1) / 2;
    assert_eq!(y.as_slice().unwrap(), [total, -2 * total, 0]);
    let small = Engine::builder().max_nodes(1000).build();
    let text = (0..1000).map(|i| format!("(a + {i})")).collect::<Vec<_>>().join("*");
    expect(&small.compile(&text).err().unwrap(), ErrorKind::Limit, "more than 1000 operations");
}

/// A chain of `n` sums and products that folding cannot shorten.
fn chain(n: usize) -> String {
    let mut text = "x0 = a\n".to_string();
    for i in 0..n / 2 {
        text += &format!("x{} = x{i} * b + {}\n", i + 1, i % 97);
    }
    text + &format!("x{}", n / 2)
}

fn deep_program(n: usize) {
    let text = chain(n);
    let program = within(seconds(60), || patient().compile(&text)).unwrap();
    let (a, b) = ([1i64, -2, 0], [3i64, 1, -1]);
    let y = within(seconds(60), || program.eval_as::<i64>([Arg::from(&a), Arg::from(&b)])).unwrap();
    let step = |b: i64| move |x: i64, i: usize| x.wrapping_mul(b).wrapping_add((i % 97) as i64);
    let want = [0, 1, 2].map(|j| (0..n / 2).fold(a[j], step(b[j])));
    assert_eq!(y.as_slice().unwrap(), want, "{n} operations");
}

#[test]
fn f4_100_000_nodes() {
    deep_program(100_000);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes long in a debug build")]
fn f4_1_000_000_nodes() {
    deep_program(1_000_000);
}

#[test]
fn f5_many_live_values() {
    let n = 10_000i64;
    let mut text = String::new();
    for i in 0..n {
        text += &format!("v{i} = a + {i}\n");
    }
    let products: Vec<String> = (0..n).map(|i| format!("v{i}*v{}", (i * 7919 + 13) % n)).collect();
    text += &products.join("+");
    let a: Vec<f64> = (0..777).map(|i| f64::from(i % 7)).collect();
    let engine = Engine::builder().threads(1).compile_budget(seconds(20)).build();
    let y = within(seconds(60), || engine.compile(&text).unwrap().eval_as::<f64>([Arg::from(&a)]))
        .unwrap();
    for (x, got) in a.iter().zip(&y) {
        let x = *x as i64;
        // All terms are integers whose sum is below 2^53, so that every order is exact.
        let want: i64 = (0..n).map(|i| (x + i) * (x + (i * 7919 + 13) % n)).sum();
        assert_eq!(*got, want as f64);
    }
}

#[test]
fn f6_a_budget_that_ends_leaves_it_to_block_kernels() {
    let text = (0..9000).map(|i| format!("(a + {i})")).collect::<Vec<_>>().join("^");
    let want = |a: i64| (0..9000).fold(0, |x, i| x ^ (a + i));
    let engine = Engine::builder().compile_budget(Duration::ZERO).build();
    let outputs = engine.compile(&text).unwrap().eval([Arg::from(&[5i64, -9])]).unwrap();
    assert_eq!(outputs[0].view::<i64>().unwrap().as_slice().unwrap(), [want(5), want(-9)]);
    assert!(!outputs.report().native);
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// A program that no other number makes, of another structure, not only of other constants.
fn unique(number: usize) -> String {
    let ops = ["+", "-", "*", "/"];
    let functions = ["sqrt", "abs", "floor", "sin", "exp"];
    let mut text = "a".to_string();
    let mut rest = number;
    for _ in 0..8 {
        let (op, function) = (ops[rest % 4], functions[rest / 4 % 5]);
        text = format!("{function}({text} {op} b)");
        rest /= 20;
        if rest == 0 {
            break;
        }
    }
    format!("{text} + {number}.5")
}

/// Compiles, runs and drops; returns how much memory that added after a warm-up.
fn compile_and_drop(count: usize) -> (isize, isize) {
    let engine = Engine::builder().threads(1).cache_capacity(64).build();
    let (a, b) = ([1.0, 2.0], [0.5, 3.0]);
    let round = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            let program = engine.compile(&unique(number)).unwrap();
            let y = program.eval([Arg::from(&a), Arg::from(&b)]).unwrap();
            assert!(y.report().native);
        }
    };
    round(0..count / 4);
    let (memory, maps) = (resident_bytes() as isize, mappings() as isize);
    round(count / 4..count);
    let (memory, maps) = (resident_bytes() as isize - memory, mappings() as isize - maps);
    eprintln!("{count} programs: {memory} bytes and {maps} mappings more");
    (memory, maps)
}

#[test]
fn f8_programs_come_and_go() {
    if alone("f8_programs_come_and_go") {
        let (memory, maps) = compile_and_drop(2_000);
        assert!(memory < 10 << 20, "{memory} bytes more");
        assert!(maps < 16, "{maps} mappings more");
    }
}

/// `cargo test --release --test bad_inputs -- --ignored f8`
#[test]
#[ignore = "takes minutes"]
fn f8_programs_come_and_go_200_000_times() {
    if alone("f8_programs_come_and_go_200_000_times") {
        let (memory, maps) = compile_and_drop(200_000);
        assert!(memory < 10 << 20, "{memory} bytes more");
        assert!(maps < 16, "{maps} mappings more");
    }
}

fn live_kernels(count: usize) {
    let engine = Engine::builder().threads(1).cache_capacity(16).build();
    let types = [("a", ArgType::array(DType::F64)), ("b", ArgType::array(DType::F64))];
    let (memory, maps) = (resident_bytes(), mappings());
    let kernel = |i| engine.compile(&unique(i)).unwrap().specialize(&types).unwrap();
    let kernels: Vec<Kernel> = (0..count).map(kernel).collect();
    assert!(kernels.iter().all(Kernel::is_native));
    let each = resident_bytes().saturating_sub(memory) / count;
    assert!(each < 64 << 10, "{each} bytes a kernel");
    // 50,000 must stay far below the system's limit of 65,530 mappings.
    let maps = mappings().saturating_sub(maps);
    eprintln!("{count} kernels: {each} bytes each, {maps} mappings in all");
    assert!(maps < 100 + count / 20, "{maps} mappings");
    // All of them still run.
    for (i, kernel) in kernels.iter().enumerate().step_by(count / 50) {
        let (a, b) = ([4.0], [0.0]);
        let args = || [Arg::from(&a), Arg::from(&b)];
        let mut y = [f64::NAN];
        kernel.bind(args(), [&mut y]).unwrap().run().unwrap();
        let want = engine.compile(&unique(i)).unwrap().eval_as::<f64>(args()).unwrap()[[0]];
        assert!(y[0].to_bits() == want.to_bits() || y[0].is_nan() && want.is_nan(), "kernel {i}");
    }
}

#[test]
fn f9_many_live_kernels() {
    if alone("f9_many_live_kernels") {
        live_kernels(2_000);
    }
}

/// `cargo test --release --test bad_inputs -- --ignored f9`
#[test]
#[ignore = "takes a minute"]
fn f9_50_000_live_kernels() {
    if alone("f9_50_000_live_kernels") {
        live_kernels(50_000);
    }
}

#[test]
fn f11_no_page_is_writable_and_executable() {
    let running = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let engine = Engine::builder().threads(1).build();
            for i in 0..60 {
                let program = engine.compile(&format!("{} * 7", unique(i))).unwrap();
                assert!(
                    program.eval([Arg::from(&[1.0]), Arg::from(&[2.0])]).unwrap().report().native
                );
            }
            running.store(false, Ordering::Release);
        });
        let mut executable = 0;
        loop {
            let last = !running.load(Ordering::Acquire);
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            for line in maps.lines() {
                let rights = line.split_whitespace().nth(1).unwrap();
                assert!(!(rights.contains('w') && rights.contains('x')), "{line}");
                executable += usize::from(rights.contains('x') && line.contains("hotloop-code"));
            }
            if last {
                break;
            }
        }
        assert!(executable > 0, "no code of ours was seen");
    });
}

#[test]
fn f13_a_small_stack() {
    let program = compile("sin(a)**2 + cos(b)**2 + sum(a * b) * 0").unwrap();
    let (a, b) = (vec![0.5; 100_000], vec![0.25; 100_000]);
    let args = || [Arg::from(&a), Arg::from(&b)];
    let want = program.eval_as::<f64>(args()).unwrap();
    std::thread::scope(|scope| {
        let small = std::thread::Builder::new().stack_size(64 << 10);
        let got = small
            .spawn_scoped(scope, || program.eval_as::<f64>(args()).unwrap())
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(got, want);
    });
}

#[test]
fn f13_compiling_on_a_small_stack() {
    let y = on_stack(64 << 10, || {
        compile("log1p(abs(a * 3 - 7)) + 4 * a**3")
            .unwrap()
            .eval_as::<f64>([Arg::from(&[2.0])])
            .unwrap()
    });
    assert_eq!(y[[0]], 2f64.ln() + 32.0);
}

#[test]
fn f15_cancelling_and_deadlines() {
    let endless = || everywhere(&1.0f64, 1 << 45);
    for threads in [1, 2] {
        let engine = Engine::builder().threads(threads).eager().build();
        let token = CancelToken::new();
        let program = engine.compile("sum(sin(a))").unwrap().with(RunOptions::new().cancel(&token));
        std::thread::scope(|scope| {
            let run = scope.spawn(|| program.eval([endless()]));
            std::thread::sleep(Duration::from_millis(100));
            let start = Instant::now();
            token.cancel();
            let error = run.join().unwrap().unwrap_err();
            assert!(start.elapsed() < seconds(2), "it took {:?}", start.elapsed());
            expect(&error, ErrorKind::Cancelled, "cancelled");
        });
        // The token is still set; once it is not, the program runs again.
        assert_eq!(program.eval([Arg::from(&[0.0])]).unwrap_err().kind(), ErrorKind::Cancelled);
        token.reset();
        assert_eq!(program.eval_as::<f64>([Arg::from(&[0.0])]).unwrap()[[]], 0.0);
        let late = engine
            .compile("sum(sin(a))")
            .unwrap()
            .with(RunOptions::new().deadline(Duration::from_millis(80)));
        let error = within(seconds(3), || late.eval([endless()])).unwrap_err();
        expect(&error, ErrorKind::Cancelled, "deadline");
        assert!(late.eval([Arg::from(&[0.0])]).is_ok(), "each run has its own deadline");
    }
    let interpreter = Engine::builder().backend(Backend::Interpreter).build();
    let late =
        interpreter.compile("sin(a + 1)").unwrap().with(RunOptions::new().deadline(Duration::ZERO));
    assert_eq!(late.eval([Arg::from(&[1.0])]).unwrap_err().kind(), ErrorKind::Cancelled);
}

// G. Concurrency

#[test]
fn g1_one_kernel_on_64_threads() {
    let n = 20_011;
    let engine = Engine::builder().threads(2).eager().build();
    let program = engine.compile("y = sin(a) * k + a / 3; s = sum(y)").unwrap();
    let a: Vec<f64> = (0..n).map(f64::from).collect();
    let alone: Vec<Vec<Vec<u64>>> = (0..64).map(|k| run_one(&program, &a, k)).collect();
    let start = Barrier::new(64);
    std::thread::scope(|scope| {
        for k in 0..64 {
            let (program, a, start, alone) = (&program, &a, &start, &alone);
            scope.spawn(move || {
                start.wait();
                for _ in 0..3 {
                    assert!(run_one(program, a, k) == alone[k as usize], "thread {k} differs");
                }
            });
        }
    });
}

fn run_one(program: &Program, a: &[f64], k: i64) -> Vec<Vec<u64>> {
    let outputs = program.eval((("a", a), ("k", k))).unwrap();
    vec![bits(&outputs, 0), bits(&outputs, 1)]
}

#[test]
fn g2_64_threads_compile_the_same() {
    for (text, good) in [("sqrt(a) * 1.25 + 64", true), ("a +* 64", false)] {
        let engine = Engine::builder().threads(1).build();
        let start = Barrier::new(64);
        let right = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    start.wait();
                    match engine.compile(text) {
                        Ok(program) => {
                            let y = program.eval_as::<f64>([Arg::from(&[16.0])]).unwrap();
                            right.fetch_add(usize::from(good && y[[0]] == 69.0), Ordering::Relaxed);
                        }
                        Err(error) => {
                            right.fetch_add(
                                usize::from(!good && error.kind() == ErrorKind::Parse),
                                Ordering::Relaxed,
                            );
                        }
                    }
                });
            }
        });
        assert_eq!(right.into_inner(), 64, "{text}");
    }
    // A failure is not kept as a success, nor the other way round.
    let engine = Engine::builder().build();
    let program = engine.compile("a - b").unwrap();
    for _ in 0..3 {
        assert!(program.eval([Arg::from(&[true]), Arg::from(&[true])]).is_err());
        assert_eq!(program.eval_as::<i8>([Arg::from(&[3i8]), Arg::from(&[1i8])]).unwrap()[[0]], 2);
    }
}

/// Two runs over one output, which no host should make: each element is one of the two values.
#[test]
fn g3_two_runs_into_one_array() {
    const N: usize = 50_000;
    let room: Vec<AtomicU64> = (0..N + 2).map(|_| AtomicU64::new(77)).collect();
    let engine = Engine::builder().threads(2).eager().build();
    let a: Vec<i64> = (0..N as i64).collect();
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        for k in [1i64, 1 << 40] {
            let (engine, a, room, start) = (&engine, &a, &room, &start);
            scope.spawn(move || {
                let program = engine.compile("a * k + k").unwrap();
                start.wait();
                for _ in 0..20 {
                    let at = room[1].as_ptr().cast::<u8>();
                    // SAFETY: the elements are writable; that somebody else writes them is what
                    // is tested.
                    let out = unsafe { Out::raw(at, &[N], &[8], DType::I64) };
                    program.eval_into((("a", a), ("k", k)), &mut [out]).unwrap();
                }
            });
        }
    });
    let at = |i: usize| room[i].load(Ordering::Relaxed) as i64;
    assert_eq!((at(0), at(N + 1)), (77, 77), "beyond the ends");
    for i in 0..N {
        let next = i as i64 + 1;
        assert!([next, next << 40].contains(&at(i + 1)), "element {i} is {}", at(i + 1));
    }
}

#[test]
fn g4_called_from_other_pools() {
    // Callers that are workers themselves, each with work for several threads, of one engine
    // and of two that call in turn.
    let (one, two) =
        (Engine::builder().threads(2).eager().build(), Engine::builder().threads(1).build());
    let a: Vec<f64> = (0..50_000).map(|i| f64::from(i % 1000)).collect();
    let want: f64 = a.iter().map(|v| v * 2.0).sum();
    within(seconds(60), || {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let (one, two, a) = (&one, &two, &a);
                scope.spawn(move || {
                    for _ in 0..5 {
                        let doubled = one
                            .compile("sqrt(a)**2 * 0 + a * 2")
                            .unwrap()
                            .eval_as::<f64>([Arg::from(a)])
                            .unwrap();
                        std::thread::scope(|inner| {
                            let sum = |engine: &Engine| {
                                engine
                                    .compile("sum(a)")
                                    .unwrap()
                                    .eval_as::<f64>([Arg::from(&doubled)])
                                    .unwrap()[[]]
                            };
                            let other = inner.spawn(move || sum(two));
                            assert_eq!(sum(one), want);
                            assert_eq!(other.join().unwrap(), want);
                        });
                    }
                });
            }
        });
    });
}

#[test]
fn g5_dropped_while_running() {
    for round in 0..20 {
        let engine = Engine::builder().threads(2).eager().cache_capacity(1).build();
        let program = engine.compile(&format!("sum(sin(a) * {round}.5)")).unwrap();
        let types = [("a", ArgType::array(DType::F64))];
        let kernel = program.specialize(&types).unwrap();
        let running = std::thread::spawn(move || {
            let mut y = ndarray::arr0(0.0);
            let mut bound = kernel.bind([everywhere(&0.5, 3_000_000)], [&mut y]).unwrap();
            drop(kernel);
            bound.run().unwrap();
            drop(bound);
            y[[]]
        });
        // Everything that this thread holds goes while the other runs, and so does the cache.
        drop(engine.compile(&format!("a + {round}")).unwrap().eval([Arg::from(&[1.0])]));
        drop(program);
        drop(engine);
        let want = 0.5f64.sin() * (f64::from(round) + 0.5) * 3_000_000.0;
        let got = running.join().unwrap();
        assert!((got - want).abs() <= want.abs() * 1e-12, "{got} is not {want}");
    }
}

#[test]
fn g6_evicted_while_in_use() {
    let engine = Engine::builder().threads(1).cache_capacity(2).build();
    std::thread::scope(|scope| {
        for thread in 0..4usize {
            let engine = &engine;
            scope.spawn(move || {
                for i in 0..60 {
                    let number = (i * 7 + thread) % 11;
                    let program =
                        engine.compile(&format!("a * {number} + {}", number * 2)).unwrap();
                    let y = program.eval_as::<i64>([Arg::from(&[5i64, -1])]).unwrap();
                    let number = number as i64;
                    assert_eq!(y.as_slice().unwrap(), [7 * number, number]);
                }
            });
        }
    });
}

#[test]
fn g7_fork_after_the_pool_started() {
    let engine = Engine::builder().threads(2).eager().build();
    let program = engine.compile("a * 2 + sum(a) * 0").unwrap();
    let a: Vec<f64> = (0..1_000_000).map(|i| f64::from(i % 1000)).collect();
    let want = program.eval_as::<f64>([Arg::from(&a)]).unwrap();
    for _ in 0..3 {
        // SAFETY: the child computes, compiles and leaves without unwinding into the test.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "no fork");
        if child == 0 {
            let run = || -> Option<bool> {
                let again = program.eval_as::<f64>([Arg::from(&a)]).ok()?;
                // What was never compiled before, and an engine of its own.
                let fresh =
                    engine.compile("a - 1 + 2**3").ok()?.eval_as::<f64>([Arg::from(&a)]).ok()?;
                let other = Engine::builder().threads(2).eager().build();
                let total = other.compile("sum(a)").ok()?.eval_as::<f64>([Arg::from(&a)]).ok()?;
                Some(again == want && fresh[[0]] == 7.0 && total[[]] == 499_500_000.0)
            };
            let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
            let code = if matches!(good, Ok(Some(true))) { 0 } else { 1 };
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(code) };
        }
        let start = Instant::now();
        let mut status = 0;
        loop {
            // SAFETY: waits for the child above, and writes its status to the local.
            let waited = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
            if waited == child {
                break;
            }
            if start.elapsed() > seconds(30) {
                // SAFETY: the child is ours and still there.
                unsafe { libc::kill(child, libc::SIGKILL) };
                panic!("the child hangs");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(libc::WIFEXITED(status), "the child died: {status:#x}");
        assert_eq!(libc::WEXITSTATUS(status), 0, "the child's values are wrong");
    }
    // The parent goes on.
    assert_eq!(program.eval_as::<f64>([Arg::from(&a)]).unwrap(), want);
}
