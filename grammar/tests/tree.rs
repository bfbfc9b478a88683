//! The contents of the tree: values, spans, names, statements, and printing.

mod common;

use common::shape;
use hotloop_grammar::{
    ArgumentValue, Ast, BinaryOp, CompareOp, Constant, ExprId, ExprKind, IndexItem, Span,
    Statement, UnaryOp, parse,
};

fn output(text: &str) -> (Ast, ExprId) {
    let ast = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    let Some(Statement::Outputs { values, .. }) = ast.statements().last() else {
        panic!("{text:?} has no outputs")
    };
    let id = values[0];
    (ast, id)
}

fn literal(text: &str) -> ExprKind {
    let (ast, id) = output(text);
    ast.kind(id).clone()
}

#[test]
fn numbers() {
    for (text, value) in [
        ("0", 0),
        ("12", 12),
        ("1_000", 1000),
        ("0xff", 255),
        ("0XFF_ff", 0xffff),
        ("0x_f", 15),
        ("9223372036854775808", 1 << 63),
        ("0xffff_ffff_ffff_ffff", i128::from(u64::MAX)),
        ("170141183460469231731687303715884105727", i128::MAX),
    ] {
        assert_eq!(literal(text), ExprKind::Int(value), "{text}");
    }
    for (text, value) in [
        ("1.", 1.0),
        (".5", 0.5),
        ("1.5", 1.5),
        ("1e-3", 0.001),
        ("1E+2", 100.0),
        ("1.e2", 100.0),
        ("1_0.0_1e0_1", 100.1),
        ("007.5", 7.5),
        ("0e0", 0.0),
        ("0.1", 0.1),
        ("2.2250738585072011e-308", 2.225_073_858_507_201e-308),
        ("9007199254740993.0", 9_007_199_254_740_992.0),
        ("1e999999999999", f64::INFINITY),
        ("1e-9999999999", 0.0),
        ("5e-324", 5e-324),
    ] {
        let ExprKind::Float(read) = literal(text) else { panic!("{text} is a float") };
        assert_eq!(read.to_bits(), value.to_bits(), "{text}");
    }
    for (text, value) in [("2j", 2.0), ("1.5J", 1.5), ("1e2j", 100.0), (".5j", 0.5), ("07j", 7.0)] {
        assert_eq!(literal(text), ExprKind::Imaginary(value), "{text}");
    }
}

#[test]
fn long_decimals_round_correctly() {
    // 2^-1074 * 1.5 to all its digits lies between two doubles; one digit more decides.
    let halfway = format!("1.{}1", "0".repeat(799));
    assert_eq!(literal(&halfway), ExprKind::Float(1.0));
    // 1 + 2^-53 exactly is a tie and goes to even; with a 1 after 800 digits it is above.
    let tie = "1.00000000000000011102230246251565404236316680908203125";
    assert_eq!(literal(tie), ExprKind::Float(1.0));
    let above = format!("{tie}{}1", "0".repeat(800));
    assert_eq!(literal(&above), ExprKind::Float(1.0 + f64::EPSILON));
}

#[test]
fn the_least_integer() {
    let (ast, id) = output("-9223372036854775808");
    let ExprKind::Unary { op: UnaryOp::Negate, arg } = ast.kind(id) else { panic!("a negation") };
    assert_eq!(*ast.kind(*arg), ExprKind::Int(1i128 << 63));
    assert_eq!(shape("2**-9223372036854775808"), "(** 2 (- 9223372036854775808))");
    assert_eq!(shape("a - -9223372036854775808"), "(- a (- 9223372036854775808))");
    assert_eq!(shape("-(9223372036854775808)"), "(- 9223372036854775808)");
    assert_eq!(shape("-0x8000_0000_0000_0000"), "(- 9223372036854775808)");
}

#[test]
fn methods_and_attributes() {
    assert_eq!(shape("a.mean(axis=0)"), "(call mean a axis=0)");
    assert_eq!(shape("(a + b).sum(0, keepdims=True).T"), "(.T (call sum (+ a b) 0 keepdims=true))");
    assert_eq!(shape("f(x.max(), y.min())"), "(call f (call max x) (call min y))");
    assert_eq!(shape("a.clip(0,\n 1).real ** 2"), "(** (.real (call clip a 0 1)) 2)");
    assert_eq!(shape("a[0].T[1]"), "(index (.T (index a 0)) 1)");
}

#[test]
fn prefixes_of_modules_are_dropped() {
    assert_eq!(shape("np.sin(numpy.pi * a) + math.exp(b)"), "(+ (call sin (* pi a)) (call exp b))");
    assert_eq!(shape("f(np.sin(x), dtype=np.float32)"), "(call f (call sin x) dtype=float32)");
    assert_eq!(shape("a[np.newaxis, :]"), "(index a new _:_:_)");
    // Where nothing of the module follows, it is a name like any other.
    assert_eq!(shape("np + math * numpy"), "(+ np (* math numpy))");
    assert_eq!(shape("mean(np)"), "(call mean np)");
    assert_eq!(shape("x.np()"), "(call np x)");
    assert_eq!(shape("np[0].T"), "(.T (index np 0))");
}

#[test]
fn several_names_are_bound_at_once() {
    assert_eq!(shape("q, r = divmod(a, b); q"), "q r = (call divmod a b); q");
    assert_eq!(shape("a, b, c = f()\na"), "a b c = (call f); a");
    assert_eq!(shape("a, b"), "a, b");
    // The names before the `=` leave no expressions behind.
    let ast = parse("q, r = f(1)").unwrap();
    assert_eq!(ast.exprs().count(), 2);
}

#[test]
fn arguments_may_be_tuples_and_lists() {
    assert_eq!(shape("sum(x, (0, 1))"), "(call sum x [0 1])");
    assert_eq!(shape("sum(x, (0,), axis=())"), "(call sum x [0] axis=[])");
    assert_eq!(shape("isin(x, [1, -2,\n 3,])"), "(call isin x [list 1 (- 2) 3])");
    assert_eq!(shape("isin(x, [])"), "(call isin x [list ])");
    assert_eq!(shape("f(v=[(a + b), c])"), "(call f v=[list (+ a b) c])");
}

#[test]
fn texts_and_constants() {
    assert_eq!(literal(r#""a\\b\"c\'d\n\te""#), ExprKind::Text("a\\b\"c'd\n\te".into()));
    assert_eq!(literal(r#"'it\'s "x"'"#), ExprKind::Text("it's \"x\"".into()));
    assert_eq!(literal("'grüße, 世界'"), ExprKind::Text("grüße, 世界".into()));
    assert_eq!(literal("''"), ExprKind::Text("".into()));
    assert_eq!(literal("\"# no comment\""), ExprKind::Text("# no comment".into()));
    assert_eq!(literal("True"), ExprKind::Bool(true));
    assert_eq!(literal("False"), ExprKind::Bool(false));
    assert_eq!(literal("pi"), ExprKind::Constant(Constant::Pi));
    assert_eq!(literal("inf"), ExprKind::Constant(Constant::Inf));
    assert_eq!(literal("nan"), ExprKind::Constant(Constant::Nan));
}

#[test]
fn words_that_only_begin_like_keywords_are_names() {
    for name in [
        "android", "order", "note", "iffy", "defer", "pie", "info", "nano", "true", "_", "lambda",
        "in",
    ] {
        assert_eq!(shape(name), name);
    }
}

#[test]
fn spans() {
    let text = "  ( (a) + f( x , k = 2 ) ) * -3.real_".trim_end_matches(".real_");
    let (ast, product) = output(text);
    let piece = |span: Span| &text[span.range()];
    assert_eq!(piece(ast.span(product)), "( (a) + f( x , k = 2 ) ) * -3");
    let ExprKind::Binary { op: BinaryOp::Multiply, left, right } = *ast.kind(product) else {
        panic!("a product")
    };
    assert_eq!(piece(ast.span(left)), "(a) + f( x , k = 2 )");
    assert_eq!(piece(ast.span(right)), "-3");
    let ExprKind::Binary { op: BinaryOp::Add, left, right } = *ast.kind(left) else {
        panic!("a sum")
    };
    assert_eq!(ast.span(left), Span { start: 5, end: 6 });
    assert_eq!(piece(ast.span(right)), "f( x , k = 2 )");
    let ExprKind::Call { function, arguments, .. } = *ast.kind(right) else { panic!("a call") };
    assert_eq!(piece(function.span), "f");
    assert_eq!((arguments.len(), arguments.is_empty()), (2, false));
    let pieces: Vec<&str> = ast.arguments(arguments).iter().map(|a| piece(a.span)).collect();
    assert_eq!(pieces, ["x", "k = 2"]);
    assert_eq!(ast.arguments(arguments)[1].keyword.map(|k| piece(k.span)), Some("k"));

    let text = "x.real <= y";
    let (ast, chain) = output(text);
    let ExprKind::Compare { first, rest } = *ast.kind(chain) else { panic!("a comparison") };
    let ExprKind::Attribute { attribute, .. } = *ast.kind(first) else { panic!("an attribute") };
    assert_eq!((ast.span(first).range(), attribute.span.range()), (0..6, 2..6));
    let [link] = ast.links(rest) else { panic!("one link") };
    assert_eq!((link.op, link.op_span.range()), (CompareOp::LessEqual, 7..9));
}

#[test]
fn span_arithmetic() {
    let (a, b) = (Span::new(2, 5), Span::new(7, 9));
    assert_eq!((a.to(b), b.to(a), a.to(a)), (Span::new(2, 9), Span::new(2, 9), a));
    assert_eq!(a.range(), 2..5);
    assert_eq!(Span::default(), Span { start: 0, end: 0 });
    assert_eq!(Span::new(usize::MAX, usize::MAX), Span { start: u32::MAX, end: u32::MAX });
}

#[test]
fn operands_come_first_and_names_are_interned() {
    let ast = parse("a = x + y*x\ndef f(x) = x\nf(a, s -> s)").unwrap();
    let names: Vec<&str> = ast.names().collect();
    assert_eq!(names, ["a", "x", "y", "f", "s"]);
    for id in ast.exprs() {
        if let ExprKind::Binary { left, right, .. } = *ast.kind(id) {
            assert!(left < id && right < id);
        }
    }
    let indices: Vec<usize> = ast.exprs().map(ExprId::index).collect();
    assert_eq!(indices, (0..9).collect::<Vec<_>>());
}

#[test]
fn statements() {
    let text = "mid = (bid + ask) / 2  # mean\ndef bps(x, y) = 1e4 * x / y\nmid, bps(mid, ask),";
    let ast = parse(text).unwrap();
    let [Statement::Binding { names, .. }, def, Statement::Outputs { values, span }] =
        ast.statements()
    else {
        panic!("three statements")
    };
    let [mid] = names[..] else { panic!("one name") };
    assert_eq!((ast.name(mid.name), mid.span.range()), ("mid", 0..3));
    let Statement::Def { name, parameters, body } = def else { panic!("a def") };
    assert_eq!((ast.name(name.name), &text[name.span.range()]), ("bps", "bps"));
    assert_eq!(parameters.iter().map(|p| &text[p.span.range()]).collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(&text[ast.span(*body).range()], "1e4 * x / y");
    assert_eq!((values.len(), &text[span.range()]), (2, "mid, bps(mid, ask),"));
    assert_eq!(
        shape(text),
        "mid = (/ (+ bid ask) 2); def bps(x y) = (/ (* 10000.0 x) y); mid, (call bps mid ask)"
    );
}

#[test]
fn where_statements_end() {
    for (text, expected) in [
        ("a = 1; b = 2\nc = 3", "a = 1; b = 2; c = 3"),
        (";;\n\n a = 1 ;\r\n; b\n;", "a = 1; b"),
        ("\u{feff}a\r\n", "a"),
        ("# first\na = 1 # second\n# third\na # last", "a = 1; a"),
        ("a = (1\n+ 2\n\n)", "a = (+ 1 2)"),
        ("f(x,\n  y # why\n  ,\n)", "(call f x y)"),
        ("a +\n\n  b # x\n", "(+ a b)"),
        ("a # c +\n", "a"),
        ("a +# c\nb", "(+ a b)"),
        ("x =\n1", "x = 1"),
        ("not\na", "(not a)"),
        ("-\na", "(- a)"),
        ("a if\nb else\nc", "(if b a c)"),
        ("a,\nb,\n", "a, b"),
        ("scan(x, s\n->\ns)", "(call scan x s->s)"),
        ("f(axis\n=\n0)", "(call f axis=0)"),
        ("def\nf(\nx\n)=\nx", "def f(x) = x"),
        ("x[\n-\n1 # last\n:\n,\n...\n,\n]", "(index x -1:_:_ rest)"),
        ("f(x\n[0])", "(call f (index x 0))"),
        ("a = x[0]\na[0]", "a = (index x 0); (index a 0)"),
        ("a\t+\tb", "(+ a b)"),
        ("a\rb = 1".trim_start_matches("a\r"), "b = 1"),
    ] {
        assert_eq!(shape(text), expected, "{text:?}");
    }
}

#[test]
fn arguments() {
    for (text, expected) in [
        ("f()", "(call f)"),
        ("f(x,)", "(call f x)"),
        ("f((x))", "(call f x)"),
        ("sum(x, axis=0, keepdims=True)", "(call sum x axis=0 keepdims=true)"),
        ("sum(x, axis=(0, 1))", "(call sum x axis=[0 1])"),
        ("sum(x, axis=(0, -1,))", "(call sum x axis=[0 (- 1)])"),
        ("sum(x, axis=(0,))", "(call sum x axis=[0])"),
        ("sum(x, axis=())", "(call sum x axis=[])"),
        ("sum(x, axis=(0))", "(call sum x axis=0)"),
        ("sum(x, axis=(0) + 1)", "(call sum x axis=(+ 0 1))"),
        ("scan(x, s -> a*x + (1 - a)*s)", "(call scan x s->(+ (* a x) (* (- 1 a) s)))"),
        ("scan(x, s -> s if a else b, axis=0)", "(call scan x s->(if a s b) axis=0)"),
        ("f(g(k=1), a == b, a)", "(call f (call g k=1) (chain a == b) a)"),
        (
            "scan(scan(x, s -> s), t -> f(t, u=t))",
            "(call scan (call scan x s->s) t->(call f t u=t))",
        ),
        ("gamma(gamma)", "(call gamma gamma)"),
        ("f (x)", "(call f x)"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
    let (ast, call) = output("scan(x, s -> s)");
    let ExprKind::Call { arguments, .. } = *ast.kind(call) else { panic!("a call") };
    let ArgumentValue::Step { parameter, body } = &ast.arguments(arguments)[1].value else {
        panic!("a step")
    };
    assert_eq!((parameter.span.range(), ast.span(*body).range()), (8..9, 13..14));
}

#[test]
fn index_items() {
    for (text, expected) in [
        ("x[0]", "0"),
        ("x[-1]", "-1"),
        ("x[- 0x1_0,]", "-16"),
        ("x [ 1 ]", "1"),
        ("x[:]", "_:_:_"),
        ("x[::]", "_:_:_"),
        ("x[1:]", "1:_:_"),
        ("x[:1]", "_:1:_"),
        ("x[::-1]", "_:_:-1"),
        ("x[1::]", "1:_:_"),
        ("x[:2:]", "_:2:_"),
        ("x[:2:3]", "_:2:3"),
        ("x[1::3]", "1:_:3"),
        ("x[-3:-1]", "-3:-1:_"),
        ("x[1:10:2]", "1:10:2"),
        ("x[::0]", "_:_:0"),
        ("x[:, ::2]", "_:_:_ _:_:2"),
        ("x[:, None]", "_:_:_ new"),
        ("x[..., None]", "rest new"),
        ("x[...,...,]", "rest rest"),
        ("x[None, 0, ..., 1:, -1]", "new 0 rest 1:_:_ -1"),
        ("x[9223372036854775807]", "9223372036854775807"),
        ("x[-9223372036854775808:]", "-9223372036854775808:_:_"),
        ("x[::-9223372036854775808]", "_:_:-9223372036854775808"),
    ] {
        assert_eq!(shape(text), format!("(index x {expected})"), "{text}");
    }
    for (text, expected) in [
        ("None", "None"),
        ("None[None]", "(index None new)"),
        ("f(None, None=None)", "(call f None None=None)"),
        ("None(x[0])", "(call None (index x 0))"),
        ("None = x[None]; None", "None = (index x new); None"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn places_of_index_items() {
    let text = "(x) [ 0 ,- 1: : 2,None, ... , ]";
    let (ast, index) = output(text);
    let ExprKind::Index { base, items } = *ast.kind(index) else { panic!("an index") };
    assert_eq!((ast.span(index).range(), ast.span(base).range()), (0..text.len(), 1..2));
    let items: Vec<_> =
        ast.indices(items).iter().map(|e| (e.item, &text[e.span.range()])).collect();
    assert_eq!(
        items,
        [
            (IndexItem::At(0), "0"),
            (IndexItem::Slice { start: Some(-1), stop: None, step: Some(2) }, "- 1: : 2"),
            (IndexItem::NewAxis, "None"),
            (IndexItem::Ellipsis, "..."),
        ]
    );

    let text = "x[:][ : , 1][2:]";
    let (ast, last) = output(text);
    let pieces = |id: ExprId| {
        let ExprKind::Index { base, items } = *ast.kind(id) else { panic!("an index") };
        let items: Vec<&str> =
            ast.indices(items).iter().map(|entry| &text[entry.span.range()]).collect();
        (base, &text[ast.span(id).range()], items)
    };
    let (base, whole, items) = pieces(last);
    assert_eq!((whole, items), (text, vec!["2:"]));
    let (_, whole, items) = pieces(base);
    assert_eq!((whole, items), ("x[:][ : , 1]", vec![":", "1"]));
}

#[test]
fn index_items_are_written_as_in_a_program() {
    let slice = |start, stop, step| IndexItem::Slice { start, stop, step };
    for (item, expected) in [
        (IndexItem::At(-3), "-3"),
        (slice(None, None, None), ":"),
        (slice(Some(1), None, None), "1:"),
        (slice(None, Some(-1), None), ":-1"),
        (slice(None, None, Some(0)), "::0"),
        (
            slice(Some(i64::MIN), Some(i64::MAX), Some(-2)),
            "-9223372036854775808:9223372036854775807:-2",
        ),
        (IndexItem::NewAxis, "None"),
        (IndexItem::Ellipsis, "..."),
    ] {
        assert_eq!(item.to_string(), expected);
    }
}

#[test]
fn prints_parentheses_only_where_needed() {
    for (text, expected) in [
        ("((a))", "a"),
        ("(-2)**2", "(-2)**2"),
        ("-(2**2)", "-2**2"),
        ("2**(-1)", "2**-1"),
        ("a**(b**c)", "a**b**c"),
        ("(a**b)**c", "(a**b)**c"),
        ("a-(b-c)-(d*e)", "a - (b - c) - d * e"),
        ("(a&b)==c", "a & b == c"),
        ("a&(b==c)", "a & (b == c)"),
        ("(a<b)<c", "(a < b) < c"),
        ("not(a<b)", "not a < b"),
        ("(not a)<b", "(not a) < b"),
        ("(not a) and not(b or c)", "not a and not (b or c)"),
        ("a if b else(c if d else e)", "a if b else c if d else e"),
        ("(a if b else c)if(d if e else f)else g", "(a if b else c) if (d if e else f) else g"),
        ("(2).real+(2j).imag+(f(x)).real", "(2).real + (2j).imag + f(x).real"),
        ("f(k=(1,),j=(),i=(a,b), )", "f(k=(1,), j=(), i=(a, b))"),
        ("(x)[1 : ,-0x2::3,None,...,]", "x[1:, -2::3, None, ...]"),
        ("(f(x))[ : : ][0].real[1]", "f(x)[:][0].real[1]"),
        ("(-x)[0]+(a**b)[0]-(x[0])**(y[0])", "(-x)[0] + (a**b)[0] - x[0]**y[0]"),
        ("2[0]+(1.5)[0]", "(2)[0] + (1.5)[0]"),
        ("f(s->(s),(a if b else c))", "f(s -> s, a if b else c)"),
        ("'\"\\\\\\n\\t'", "\"\\\"\\\\\\n\\t\""),
        ("1_0 + 0xf + 1e3 + 1e300 + 1e-7", "10 + 15 + 1000.0 + 1e300 + 1e-7"),
        ("1e999 - 1e999j", "1e999 - 1e999j"),
        ("x=1;def f ( a ,b, )=a*b;x,f( x,2 ),", "x = 1\ndef f(a, b) = a * b\nx, f(x, 2)"),
    ] {
        let expected = expected.replace("2j)", "2.0j)");
        assert_eq!(parse(text).unwrap().to_string(), expected, "{text}");
    }
}

#[test]
fn equality_ignores_spans_and_nothing_else() {
    let ast = |text| parse(text).unwrap();
    assert_eq!(ast("x = 1\nf(a , b<c, k=2)"), ast("x=(1);f((a),b < c,k = 2,)"));
    assert_eq!(ast("1000"), ast("1_000"));
    assert_eq!(ast("x[1:,::]"), ast("( x )[ 1: , :, ]"));
    for (one, other) in [
        ("a", "b"),
        ("x[0]", "x"),
        ("x[0]", "y[0]"),
        ("x[0]", "x[1]"),
        ("x[0]", "x[0:]"),
        ("x[0, 1]", "x[0][1]"),
        ("x[0, 1][2]", "x[0][1, 2]"),
        ("x[1:]", "x[:1]"),
        ("x[:1]", "x[::1]"),
        ("x[None]", "x[...]"),
        ("a + b", "b + a"),
        ("a + a", "a + b"),
        ("a < b", "a <= b"),
        ("a < b < c", "a < (b < c)"),
        ("1", "1.0"),
        ("1.0", "1.0j"),
        ("0.1", "0.2"),
        ("f(a)", "g(a)"),
        ("f(k=a)", "f(a)"),
        ("f(k=a)", "f(j=a)"),
        ("f(k=(a))", "f(k=(a,))"),
        ("f(s -> a)", "f(t -> a)"),
        ("x = a", "y = a"),
        ("x = a", "a"),
        ("a, b", "a"),
        ("def f(x) = x", "def f(x, y) = x"),
        ("a.real", "a.imag"),
        ("pi", "inf"),
        ("'a'", "'b'"),
    ] {
        assert_ne!(ast(one), ast(other), "{one} and {other}");
    }
}

#[test]
fn an_expression_is_small() {
    assert_eq!(size_of::<ExprKind>(), 32);
    assert!(size_of::<hotloop_grammar::SyntaxError>() <= 64);
}
