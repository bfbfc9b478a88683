//! Spellings from other languages: errors advise what to write instead, and the advice compiles and
//! is correct.

use hotloop::ndarray::{Array1, Array2};
use hotloop::{Arg, Error, compile};

fn refused(text: &str) -> Error {
    match compile(text) {
        Ok(_) => panic!("{text:?} compiles"),
        Err(error) => error,
    }
}

/// The error of a program over arrays of some shapes.
fn ran(text: &str, args: &[(&str, Arg)]) -> Error {
    match compile(text).and_then(|program| program.eval(args)) {
        Ok(_) => panic!("{text:?} runs"),
        Err(error) => error,
    }
}

/// The parts of a hint that users are to paste.
fn pasted(hint: &str) -> impl Iterator<Item = &str> {
    hint.split('`').skip(1).step_by(2)
}

#[test]
fn programs_of_other_languages() {
    for (text, hint) in [
        ("def f(x): return x+1\nf(a)", "without `return`: `def name(x) = x + 1`"),
        ("bid; ask", "outputs are separated by commas: `bid, ask`"),
        ("a, b, mid=(a+b)/2", "a statement of their own: `mid = (a+b)/2; a, b, mid`"),
        ("df.bid", "a column of a table is called by its name alone: `bid`"),
        ("df['bid'] + 1", "a column of a table is called by its name alone: `bid`"),
        ("df.values", "an input is its own values: write its name alone"),
        ("df.groupby('a').mean()", "`mean(x, where=key == 1)`"),
        ("groupby(x)", "`mean(x, where=key == 1)`"),
        ("mean(x[x>0])", "for a reduction by `mean(x, where=x > 0)`"),
    ] {
        let error = refused(text);
        let found = error.hints().iter().find(|own| own.contains(hint));
        let found = found.unwrap_or_else(|| panic!("{text:?}: {error}"));
        for program in pasted(found).filter(|program| *program != "return") {
            let program =
                format!("{program}{}", if program.starts_with("def") { "; 1" } else { "" });
            compile(&program).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        }
    }
}

#[test]
fn definitions_in_a_circle_are_named() {
    let error = refused("def f(x) = g(x)\ndef g(x) = h(x)\ndef h(x) = f(x)\nf(a)");
    let message = "'f' calls itself through 'g' and 'h'; definitions cannot recurse";
    assert_eq!((error.message(), error.hints().len()), (message, 0));
    assert!(error.to_string().contains("3 | def h(x) = f(x)\n  |            ^^^^"), "{error}");
    // A recursion that is called from outside it; calling a function more than once is allowed.
    let error = refused("def k(x) = f(x)\ndef f(x) = g(x)\ndef g(x) = f(x + 1)\nk(a)");
    assert_eq!(error.message(), "'f' calls itself through 'g'; definitions cannot recurse");
    let program = compile("def f(x) = x + 1\ndef g(x) = f(f(x)) + f(x)\ng(g(a)) + f(a)").unwrap();
    let a = Array1::from(vec![1.0]);
    let y = program.eval_as::<f64>(("a", &a)).unwrap();
    assert_eq!(y[[0]], 15.0);
}

#[test]
fn numbers_that_do_not_fit_are_told_the_range() {
    let a = Array1::from(vec![1.5]);
    let args = [("a", Arg::from(&a))];
    let error = ran("round(a, 2**100)", &args);
    assert_eq!(error.message(), "the decimals of round lie between -2**63 and 2**63 - 1");
    assert_eq!(error.hints(), ["round(x, 2)"]);
    for axis in ["2**63", "9223372036854775808", "-2**70"] {
        let error = refused(&format!("sum(a, axis={axis})"));
        assert!(error.hints()[0].ends_with("arrays have at most 64 axes"), "{axis}: {error}");
    }
}

/// A negative number with an unsigned dtype: the hint is a mask of its bits, not a conversion
/// without effect.
#[test]
fn masks_of_unsigned_integers() {
    let (x, y) = (Array1::from(vec![5u64, u64::MAX]), Array1::from(vec![5u8, 255]));
    let bits = |text: &str, arg: Arg<'_>, hint: &str| {
        let error = ran(text, &[("u", arg.clone())]);
        assert_eq!(error.hints(), [hint], "{text}");
        let (_, number) = text.rsplit_once(' ').unwrap();
        let literal = pasted(hint).next().unwrap().to_string();
        let program = compile(&text.replace(number, &literal)).unwrap();
        let outputs = program.eval(&[("u", arg)][..]).unwrap();
        outputs.iter().next().unwrap().bytes().to_vec()
    };
    let hint = "in u64 the bits of -1 are `0xffffffffffffffff`";
    let same: Vec<u8> = x.iter().flat_map(|x| x.to_ne_bytes()).collect();
    assert_eq!(bits("u & -1", (&x).into(), hint), same);
    let hint = "in u8 the bits of -2 are `0xfe`";
    assert_eq!(bits("u & -2", (&y).into(), hint), [4, 254]);
    assert_eq!(bits("u | -2", (&y).into(), hint), [255, 255]);
    // Beyond the dtype there is no such mask; for sums the hint is a wider dtype.
    for text in ["u & -257", "u + -1"] {
        let error = ran(text, &[("u", (&y).into())]);
        assert!(error.hints()[0].contains("wider dtype"), "{text}: {error}");
    }
}

/// The hint adds an axis if all shapes then broadcast.
#[test]
fn axes_that_are_missing_behind() {
    let table = Array2::<f64>::ones((3, 4));
    let (k, same, four) = (Array1::<f64>::ones(3), Array1::<f64>::ones(3), Array1::<f64>::ones(5));
    let args = [("x", Arg::from(&table)), ("k", (&k).into())];
    let error = ran("x * k", &args);
    assert_eq!(error.hints()[1], "axes are added behind by `k[:, None]`");
    let y = compile("x * k[:, None]").unwrap().eval(&args[..]).unwrap();
    assert_eq!(y.iter().next().unwrap().shape(), [3, 4]);
    for (text, name, other) in [("x * k * m", "m", &same), ("x * m + 0 * k[0]", "m", &four)] {
        let args = [args[0].clone(), args[1].clone(), (name, other.into())];
        let error = ran(text, &args);
        assert!(!error.to_string().contains("None]"), "{text}: {error}");
    }
    let error = ran("x - mean(x, axis=1)", &args[..1]);
    assert!(error.hints()[0].starts_with("`keepdims=True` keeps"), "{error}");
    for text in ["x - mean(x, axis=1, keepdims=True)", "x - mean(x, axis=1)[:, None]"] {
        let y = compile(text).unwrap().eval(&args[..1]).unwrap();
        assert_eq!(y.iter().next().unwrap().shape(), [3, 4]);
    }
    let error = ran("x - mean(x, axis=0)[:2]", &args[..1]);
    assert!(error.hints().is_empty(), "{error}");
}

/// A message does not repeat names that are longer than a line.
#[test]
fn long_names_are_shortened() {
    let name = "a".repeat(1 << 19);
    for text in [
        format!("def {name}(x) = x; {name}(1, 2)"),
        format!("{name}(2)"),
        format!("mean(x, {name}=1)"),
        format!("x.{name}"),
        format!("{name} = 1; {name} = 2; x"),
        format!("def f({name}) = 1; f()"),
        format!("x {name}"),
    ] {
        let error = refused(&text);
        let lengths = error.to_string().lines().map(|line| line.chars().count()).max();
        assert!(lengths < Some(200), "{}: {error}", &text[..20]);
        let said = error.hints().iter().map(String::as_str).chain([error.message()]);
        for said in said.filter(|said| said.contains("aaa")) {
            assert!(said.contains('…') || said.contains("...`"), "{said}");
        }
    }
    let names: Vec<String> = (0..10_000).map(|i| format!("p{i}")).collect();
    let error = refused(&format!("def f({}) = 1; f(1)", names.join(", ")));
    assert!(error.hints()[0].chars().count() <= 1001 && error.hints()[0].ends_with('…'), "{error}");
}
