//! Nesting uses no stack: every test here runs on 512 KiB.

mod common;

use common::assert_wrong;
use hotloop_grammar::SyntaxErrorKind::{Lex, Parse};
use hotloop_grammar::{Ast, parse};

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
}

/// Parses, prints, compares, clones and drops; gives the number of expressions.
fn live(text: &str) -> usize {
    let ast: Ast = parse(text).unwrap_or_else(|error| panic!("{error}"));
    assert!(!ast.to_string().is_empty());
    assert!(ast.clone() == ast);
    ast.exprs().count()
}

/// The same, and what is printed is parsed again.
fn live_again(text: &str) -> usize {
    let ast: Ast = parse(text).unwrap_or_else(|error| panic!("{error}"));
    let again = parse(&ast.to_string()).unwrap_or_else(|error| panic!("{error}"));
    assert!(ast == again);
    ast.exprs().count()
}

const N: usize = 100_000;
/// Enough to overflow the stack, should anything recurse, where a debug build is slow.
const M: usize = 25_000;

#[test]
fn a_million_parentheses() {
    on_a_small_stack(|| {
        let n = 1_000_000;
        let ast = parse(&format!("{}a{}", "(".repeat(n), ")".repeat(n))).unwrap();
        assert_eq!((ast.exprs().count(), ast.to_string()), (1, "a".to_owned()));
    });
}

#[test]
fn a_million_square_brackets() {
    on_a_small_stack(|| {
        let n = 1_000_000;
        assert_wrong(&"[".repeat(n), Parse, 0, "[", "unexpected `[`; expected an expression");
        assert_wrong(&"x[".repeat(n), Parse, 1, "[", "`[` is never closed");
        let text = format!("{}0{}", "x[".repeat(n), "]".repeat(n));
        assert_wrong(&text, Parse, 2, "x", "unexpected name `x` in an index");
        let text = format!("{}0{}", "[".repeat(n), "]".repeat(n));
        assert_wrong(&text, Parse, 0, "[", "unexpected `[`; expected an expression");
    });
}

#[test]
fn unary_chains() {
    on_a_small_stack(|| {
        for op in ["-", "~", "+", "not "] {
            assert_eq!(live(&format!("{}a", op.repeat(N))), N + 1);
        }
    });
}

#[test]
fn binary_chains() {
    on_a_small_stack(|| {
        assert_eq!(live(&format!("{}a", "a+".repeat(N))), 2 * N + 1);
        assert_eq!(live(&format!("{}a{}", "a+(".repeat(N), ")".repeat(N))), 2 * N + 1);
        assert_eq!(live(&format!("{}a", "a**".repeat(N))), 2 * N + 1);
        assert_eq!(live(&format!("{}a", "a**-".repeat(N))), 3 * N + 1);
        assert_eq!(live(&format!("{}a", "a<".repeat(N))), N + 2);
        assert_eq!(live(&format!("{}a{}", "(".repeat(N), ")[0]".repeat(N))), N + 1);
    });
}

#[test]
fn other_nests() {
    on_a_small_stack(|| {
        assert_eq!(live_again(&format!("{}a", "a if b else ".repeat(M))), 3 * M + 1);
        assert_eq!(live_again(&format!("{}a{}", "f(".repeat(M), ")".repeat(M))), M + 1);
        assert_eq!(live_again(&format!("{}a{}", "f(s->".repeat(M), ")".repeat(M))), M + 1);
        assert_eq!(live_again(&format!("{}a{}", "a<(".repeat(M), ")".repeat(M))), 2 * M + 1);
        assert_eq!(live_again(&format!("a{}", ".real".repeat(M))), M + 1);
        assert_eq!(live_again(&format!("a{}", ".f(1)".repeat(M))), 2 * M + 1);
        assert_eq!(live_again(&format!("{}a{}", "f([".repeat(M), "])".repeat(M))), M + 1);
        assert_eq!(live_again(&format!("{}a{}", "f((0, ".repeat(M), "))".repeat(M))), 2 * M + 1);
        assert_eq!(live_again(&format!("a{}", "[0]".repeat(M))), M + 1);
        assert_eq!(
            live_again(&format!("{}a{}", "-(".repeat(M), ")[1:, None]".repeat(M))),
            2 * M + 1
        );
    });
}

#[test]
fn long_and_flat() {
    on_a_small_stack(|| {
        assert_eq!(live_again(&"a,".repeat(M)), M);
        assert_eq!(live_again(&format!("f({})", "a,".repeat(M))), M + 1);
        assert_eq!(live_again(&format!("a[0{}]", ",:".repeat(M))), 2);
        assert_eq!(live_again(&"a = b\n".repeat(M)), M);
        assert_eq!(live_again(&format!("{}b = c", "a, ".repeat(M))), 1);
        assert_eq!(live_again(&"np.a, ".repeat(M)), M);
        assert_eq!(live_again(&format!("{}a", "# comment\n".repeat(M))), 1);
        assert_eq!(live_again(&format!("{}a", "\n ;".repeat(M))), 1);
        assert_eq!(live_again(&format!("'{}'", "é\\n".repeat(M))), 1);
        assert_eq!(live_again(&"n".repeat(1_000_000)), 1);
    });
}

#[test]
fn first_errors() {
    on_a_small_stack(|| {
        assert_wrong(&"(".repeat(N), Parse, N - 1, "(", "`(` is never closed");
        assert_wrong(&"f(".repeat(N), Parse, 2 * N - 1, "(", "`(` is never closed");
        assert_wrong(&") ".repeat(N), Parse, 0, ")", "unexpected `)`; expected an expression");
        assert_wrong(&"1e ".repeat(N), Lex, 0, "1e", "the exponent has no digits");
        let large = "9".repeat(40);
        assert_wrong(
            &format!("{large}+").repeat(N),
            Lex,
            0,
            &large,
            "integer literal does not fit 127 bits",
        );
        let text = format!("{}\n$", "(".repeat(N));
        assert_wrong(&text, Lex, N + 1, "$", "unexpected character `$`");
    });
}
