//! B. Syntax.

use hotloop::{Arg, ArgType, DType, Engine, ErrorKind, compile};

use super::{
    SMALL_STACK, bits, checked, eval, expect, on_stack, patient, refused, same, seconds, within,
};

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
    // a - (a - (... b)) with an even number of subtractions is b.
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
    // A condition must be bool: numbers are not converted.
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
    // The fully parenthesized forms have the same values, for all small numbers.
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
    // Variables may have the names of functions, because they have a separate namespace.
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
    // Functions, each of which calls the previous one twice.
    let mut text = "def f0(x) = x + 1\n".to_string();
    for i in 1..40 {
        text += &format!("def f{i}(x) = f{}(x) + f{}(x)\n", i - 1, i - 1);
    }
    let y = within(seconds(20), || eval::<i64>(&(text + "f39(a)"), &[("a", Arg::from(&[1i64]))]));
    assert_eq!(y, [2 << 39]);
    // Explaining takes linear time, too.
    let types = [("a", ArgType::array(DType::I64))];
    let shown =
        within(seconds(20), || compile(&doubling("a", "*", 60)).unwrap().explain(&types).unwrap());
    assert!(shown.len() < 20_000, "{} bytes", shown.len());
}

#[test]
fn b8_definitions_that_call_definitions() {
    // Each function calls the previous one with x and with y: 2^30 calls, all with the result 1.
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
    // The search for the argument that causes an error must not walk a shared graph along every
    // path. Here there is none, because a weak division by zero is known to be 0 only at run time.
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
            // A word that is no keyword is the name of an input.
            Ok(program) => assert!(program.inputs().eq([text]), "{text}"),
        }
    }
    // Of the statements of `a; b`, only the last may be outputs; the others are bindings.
    expect(&refused("a; b"), ErrorKind::Parse, "outputs before the last statement");
}
