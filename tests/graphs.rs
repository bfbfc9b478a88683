//! Graphs built by calls: errors of the builder, and programs made from graphs.

use hotloop::graph::{Builder, Derivation, Graph, Op, ReduceOptions};
use hotloop::ndarray::{Array2, array};
use hotloop::types::Kind;
use hotloop::{Arg, ArgType, Backend, DType, Engine, ErrorKind};

#[test]
fn graphs_are_built_without_text() {
    let mut b = Builder::new();
    let x = b.input(ArgType::array(DType::U8));
    let big = b.weak_int(300);
    let error = b.apply(Op::Add, &[x, big]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert!(error.message().contains("300 does not fit u8"), "{error}");
    let small = b.weak_int(3);
    let sum = b.apply(Op::Add, &[x, small]).unwrap();
    let again = b.apply(Op::Add, &[x, small]).unwrap();
    assert_eq!(sum, again, "equal nodes are one");
    assert_eq!(b.apply(Op::Add, &[x]).unwrap_err().kind(), ErrorKind::Arity);
    let graph = b.finish(vec![sum]).unwrap();
    assert_eq!(graph.verify(), Ok(()));
    assert_eq!(graph.dtype(graph.outputs()[0]), DType::U8);
}

/// Arguments of the builder are checked: nothing panics, is clamped, or makes an ill-typed graph.
#[test]
fn builders_refuse_what_is_not_theirs_or_ill_typed() {
    let array = ArgType::array(DType::F32);
    let (mut own, mut other) = (Builder::new(), Builder::new());
    let x = own.input(array);
    let foreign = other.input(array);
    let late = (0..9).map(|k| other.weak_int(k)).last().unwrap();
    for node in [foreign, late] {
        let mask = ReduceOptions { mask: Some(node), ..Default::default() };
        let initial = ReduceOptions { initial: Some(node), ..Default::default() };
        for error in [
            own.apply(Op::Add, &[x, node]).unwrap_err(),
            own.apply(Op::Sum, &[node]).unwrap_err(),
            own.reduce(Op::Sum, &[node], Some(&[0]), true).unwrap_err(),
            own.reduce_with(Op::Sum, &[x], None, false, &mask).unwrap_err(),
            own.reduce_with(Op::Sum, &[x], None, false, &initial).unwrap_err(),
            own.view(node, Derivation::Transpose(None)).unwrap_err(),
            own.cast(node, DType::I8).unwrap_err(),
            own.constant_like(node, 1.0).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Name, "{error}");
            assert!(error.message().contains("is a node of another builder"), "{error}");
        }
        assert!(!own.graph().contains(node));
    }
    for (bits, dtype, weak, right) in [
        (255, DType::U8, false, true),
        (256, DType::U8, false, false),
        (1, DType::Bool, true, true),
        (2, DType::Bool, false, false),
        (1 << 32, DType::F32, false, false),
        (u64::MAX, DType::I64, true, true),
        (0, DType::F32, true, false),
        (0, DType::U64, true, false),
    ] {
        let made = own.constant(bits, dtype, weak);
        assert_eq!(made.is_ok(), right, "{bits:#x} {dtype} {weak}");
        assert!(right || made.unwrap_err().kind() == ErrorKind::Type);
    }
    let whole = Derivation::Reduce { axes: None, keepdims: false };
    assert_eq!(own.view(x, whole).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(own.reduce(Op::Add, &[x, x], None, false).unwrap_err().kind(), ErrorKind::Type);
    for op in [Op::IntegerPower, Op::Least, Op::SetBits] {
        let operands = vec![x; op.row().parameters.len()];
        let error = own.apply(op, &operands).unwrap_err();
        assert!(error.message().ends_with("is an operation of the compiler's own"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Type);
    }
    assert!(own.apply(Op::Mantissa, &[x]).is_ok());
    for class in [64, 127, 200] {
        let error = ArgType::array_of_shape(DType::F32, class).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    }
    assert_eq!(own.graph().verify(), Ok(()));
    assert_eq!(own.finish(vec![foreign]).unwrap_err().kind(), ErrorKind::Name);
}

/// A program made from a graph runs on every backend, with arguments of the types of its inputs.
#[test]
fn graphs_are_programs() {
    let graph = || -> Graph {
        let mut b = Builder::new();
        let x = b.input(ArgType::array(DType::F64));
        let y = b.input(ArgType::array(DType::F64));
        let row = b.input(ArgType::array_of_shape(DType::F32, 3).unwrap());
        let k = b.input(ArgType::weak(Kind::Float));
        let n = b.input(ArgType::scalar(DType::I32));
        let sum = b.apply(Op::Add, &[x, y]).unwrap();
        let scaled = b.apply(Op::Mul, &[sum, row]).unwrap();
        let scaled = b.apply(Op::Mul, &[scaled, k]).unwrap();
        let total = b.reduce(Op::Sum, &[scaled], Some(&[-1]), false).unwrap();
        let count = b.apply(Op::Add, &[n, n]).unwrap();
        b.finish(vec![scaled, total, count]).unwrap()
    };
    let names = ["x", "y", "row", "k", "n"];
    let x = array![[1.0, 2.0], [3.0, 4.0]];
    let y = array![[10.0, 20.0], [30.0, 40.0]];
    let row = [1.0f32, 2.0];
    let args = |x: &Array2<f64>, y: &Array2<f64>| -> Vec<(&str, Arg<'static>)> {
        // SAFETY: the arrays are dense and live as long as the test.
        let raw = |a: &Array2<f64>| unsafe {
            Arg::raw(a.as_ptr().cast(), a.shape(), &[a.strides()[0] * 8, 8], DType::F64)
        };
        vec![("x", raw(x)), ("y", raw(y)), ("k", 0.5.into()), ("n", Arg::typed(4i32))]
    };
    for backend in [Backend::Native, Backend::Portable, Backend::Interpreter] {
        let engine = Engine::builder().backend(backend).build();
        let program = engine.compile_graph(graph(), &names, &["scaled", "total", "n2"]).unwrap();
        let mut list = args(&x, &y);
        list.push(("row", (&row).into()));
        list.push(("unread", 1.0.into()));
        let outputs = program.eval(&list[..]).unwrap();
        assert_eq!(
            outputs["scaled"].view::<f64>().unwrap(),
            array![[5.5, 22.0], [16.5, 44.0]].into_dyn()
        );
        assert_eq!(outputs["total"].view::<f64>().unwrap(), array![27.5, 60.5].into_dyn());
        assert_eq!(outputs["n2"].view::<i32>().unwrap()[[]], 8);
        assert_eq!((program.text(), program.inputs().len()), ("", 5));
        let kernel = program.specialize(&[]).unwrap();
        assert_eq!(kernel.types()[3], ArgType::weak(Kind::Float));
        assert!(kernel.explain_svg().starts_with("<svg"));

        // The error names each wrong argument.
        let wrong = |name: &str, arg: Arg<'_>| {
            let mut list = args(&x, &y);
            list.push(("row", (&row).into()));
            list.retain(|(n, _)| *n != name);
            let mut list: Vec<(&str, Arg<'_>)> = list;
            list.push((name, arg));
            let error = program.eval(&list[..]).unwrap_err();
            (error.kind(), error.message().to_string())
        };
        let shape = ErrorKind::Shape;
        for (name, arg, kind, part) in [
            (
                "row",
                (&[1.0f64, 2.0]).into(),
                ErrorKind::Type,
                "'row' is f64, but the graph takes f32",
            ),
            (
                "k",
                Arg::typed(0.5f64),
                ErrorKind::Type,
                "'k' is f64, but the graph takes a weak f64",
            ),
            ("n", 4.into(), ErrorKind::Type, "'n' is a weak i64, but the graph takes i32"),
            (
                "n",
                (&[1i32, 2]).into(),
                shape,
                "'n' has the shape (2,), but the graph takes one element",
            ),
            ("row", Arg::typed(1.0f32), shape, "'row' is a number, but the graph takes an array"),
            ("y", (&[1.0, 2.0]).into(), shape, "the shapes of 'x' (2, 2) and 'y' (2,) differ"),
            (
                "row",
                (&[1.0f32; 3]).into(),
                shape,
                "the shapes of 'x' (2, 2) and 'row' (3,) do not broadcast",
            ),
        ] {
            let (got, message) = wrong(name, arg);
            assert!(got == kind && message.contains(part), "{name}: {message}");
        }
        let error = program.eval(&args(&x, &y)[..]).unwrap_err();
        assert_eq!(error.message(), "missing the input 'row'");
        let error = program.specialize(&[("k", ArgType::array(DType::F64))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type);
    }
    let engine = Engine::shared();
    for (inputs, outputs, kind) in [
        (&names[..4], &["a", "b", "c"][..], ErrorKind::Arity),
        (&names[..], &["a", "b"][..], ErrorKind::Arity),
        (&["x", "y", "row", "k", "x"][..], &["a", "b", "c"][..], ErrorKind::Name),
        (&names[..], &["a", "b", "a"][..], ErrorKind::Name),
    ] {
        assert_eq!(engine.compile_graph(graph(), inputs, outputs).unwrap_err().kind(), kind);
    }
    let none = Builder::new().finish(Vec::new()).unwrap();
    assert_eq!(engine.compile_graph(none, &[], &[]).unwrap_err().kind(), ErrorKind::Arity);
    let small = Engine::builder().max_nodes(4).build();
    let error = small.compile_graph(graph(), &names, &["a", "b", "c"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}
