//! Precedence and associativity of operators.

mod common;

use common::shape;

/// The operators between two operands, loosest first, but for comparisons and `**`.
const LEFT_TO_RIGHT: [&[&str]; 8] = [
    &["or"],
    &["and"],
    // comparisons
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "//", "%"],
];

#[test]
fn every_pair_of_binary_operators() {
    let rows = LEFT_TO_RIGHT.iter().enumerate();
    let operators: Vec<(usize, &str)> =
        rows.flat_map(|(row, operators)| operators.iter().map(move |op| (row, *op))).collect();
    for (row, first) in &operators {
        for (other, second) in &operators {
            let expected = if row >= other {
                format!("({second} ({first} a b) c)")
            } else {
                format!("({first} a ({second} b c))")
            };
            assert_eq!(shape(&format!("a {first} b {second} c")), expected);
        }
    }
    for (row, op) in &operators {
        for compare in ["<", "<=", ">", ">=", "==", "!="] {
            let (left, right) = match row {
                0 | 1 => (
                    format!("({op} a (chain b {compare} c))"),
                    format!("({op} (chain a {compare} b) c)"),
                ),
                _ => (
                    format!("(chain ({op} a b) {compare} c)"),
                    format!("(chain a {compare} ({op} b c))"),
                ),
            };
            assert_eq!(shape(&format!("a {op} b {compare} c")), left);
            assert_eq!(shape(&format!("a {compare} b {op} c")), right);
        }
        assert_eq!(shape(&format!("a {op} b ** c")), format!("({op} a (** b c))"));
        assert_eq!(shape(&format!("a ** b {op} c")), format!("({op} (** a b) c)"));
        for unary in ["-", "+", "~"] {
            assert_eq!(shape(&format!("{unary} a {op} b")), format!("({op} ({unary} a) b)"));
            assert_eq!(shape(&format!("a {op} {unary} b")), format!("({op} a ({unary} b))"));
        }
        let conditional = format!("(if ({op} c d) ({op} a b) ({op} e f))");
        assert_eq!(shape(&format!("a {op} b if c {op} d else e {op} f")), conditional);
    }
}

#[test]
fn power() {
    for (text, expected) in [
        ("-2**2", "(- (** 2 2))"),
        ("2**-1", "(** 2 (- 1))"),
        ("~a**b", "(~ (** a b))"),
        ("a**b**c", "(** a (** b c))"),
        ("a**-b**c", "(** a (- (** b c)))"),
        ("-a**-b", "(- (** a (- b)))"),
        ("(-2)**2", "(** (- 2) 2)"),
        ("(a**b)**c", "(** (** a b) c)"),
        ("f(x)**2", "(** (call f x) 2)"),
        ("x.real**2", "(** (.real x) 2)"),
        ("- - +~a", "(- (- (+ (~ a))))"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn indices() {
    for (text, expected) in [
        ("-x[1:]**2", "(- (** (index x 1:_:_) 2))"),
        ("2**x[0]", "(** 2 (index x 0))"),
        ("2**-x[0]", "(** 2 (- (index x 0)))"),
        ("not x[0] < y[0]", "(not (chain (index x 0) < (index y 0)))"),
        ("~x[0] & y[0]", "(& (~ (index x 0)) (index y 0))"),
        ("f(x)[0]", "(index (call f x) 0)"),
        ("f(x[0], k=y[1])", "(call f (index x 0) k=(index y 1))"),
        ("x[1:][::2]", "(index (index x 1:_:_) _:_:2)"),
        ("(a+b)[1:]", "(index (+ a b) 1:_:_)"),
        ("a+b[1:]", "(+ a (index b 1:_:_))"),
        ("(-x)[0]", "(index (- x) 0)"),
        ("(x**2)[0]", "(index (** x 2) 0)"),
        ("x[1:].real", "(.real (index x 1:_:_))"),
        ("x.real[1:]", "(index (.real x) 1:_:_)"),
        ("a[0] if b[0] else c[0]", "(if (index b 0) (index a 0) (index c 0))"),
        ("scan(x[0], s -> s[0])", "(call scan (index x 0) s->(index s 0))"),
        ("f(k=(x[0], y[0]))", "(call f k=[(index x 0) (index y 0)])"),
        (
            "pi[0] + True[0] + 'a'[0] + 2[0]",
            "(+ (+ (+ (index pi 0) (index true 0)) (index \"a\" 0)) (index 2 0))",
        ),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn comparisons() {
    for (text, expected) in [
        ("a<b<c", "(chain a < b < c)"),
        ("0 < x <= 1 != y", "(chain 0 < x <= 1 != y)"),
        ("a==b==c", "(chain a == b == c)"),
        ("(a<b)<c", "(chain (chain a < b) < c)"),
        ("a<(b<c)", "(chain a < (chain b < c))"),
        ("a & b == c", "(chain (& a b) == c)"),
        ("a == b & c", "(chain a == (& b c))"),
        ("a < (b < c < d) < e", "(chain a < (chain b < c < d) < e)"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn words() {
    for (text, expected) in [
        ("not a < b", "(not (chain a < b))"),
        ("not a and b", "(and (not a) b)"),
        ("not not a", "(not (not a))"),
        ("a and not b or c", "(or (and a (not b)) c)"),
        ("a if b else c", "(if b a c)"),
        ("a if b else c if d else e", "(if b a (if d c e))"),
        ("(a if b else c) if d else e", "(if d (if b a c) e)"),
        ("a or b if not c else d", "(if (not c) (or a b) d)"),
        ("a if (b if c else d) else e", "(if (if c b d) a e)"),
        ("a.real.imag", "(.imag (.real a))"),
        ("-a.real", "(- (.real a))"),
        ("(a + b).real", "(.real (+ a b))"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}
