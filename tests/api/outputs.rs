//! Outputs: new arrays, and those of the caller.

use hotloop::ndarray::{self, Array1, Array2, ArrayViewMut2, array, s};
use hotloop::{Arg, ArgType, DType, ErrorKind, Order, Out, Program, RunOptions, compile};

use super::engines;

#[test]
fn fresh_outputs_lie_as_their_inputs_do() {
    let grid = Array2::from_shape_fn((30, 40), |(i, j)| (100 * i + j) as f64);
    let turned = grid.t();
    let want = turned.mapv(|v| v * 2.0 + 1.0).into_dyn();
    for (name, engine) in engines() {
        let program = engine.compile("a * 2 + 1").unwrap();
        let with = |order| program.with(RunOptions::new().order(order));
        let run = |program: &Program| program.eval_as::<f64>([Arg::from(turned)]).unwrap();
        let kept = run(&program);
        assert_eq!(kept, want, "{name}");
        assert!(kept.t().is_standard_layout(), "{name}");
        let c = run(&with(Order::C));
        assert_eq!(c, want, "{name}");
        assert!(c.is_standard_layout(), "{name}");
        // The bytes are in C order in any case.
        let outputs = program.eval([Arg::from(turned)]).unwrap();
        let bytes: Vec<u8> = c.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(outputs[0].bytes()[..], bytes[..], "{name}");
        assert_eq!(outputs[0].view::<f64>().unwrap(), want, "{name}");
    }
}

/// Strides in elements of the results of NumPy 2.4, for arrays of shape (3, 4).
#[test]
fn the_order_of_outputs_is_that_of_numpy() {
    let c = Array2::<f64>::ones((3, 4));
    let f = Array2::<f64>::ones((4, 3)).reversed_axes();
    let cube = ndarray::Array3::<f64>::ones((2, 3, 4));
    let turned = cube.view().permuted_axes([2, 0, 1]);
    let args = [("c", Arg::from(&c)), ("f", Arg::from(&f)), ("t", Arg::from(turned))];
    for (text, wanted) in [
        ("f * 2", &[1, 3][..]),
        ("c + f", &[4, 1]),
        ("f + c", &[4, 1]),
        ("f + c[:1]", &[1, 3]),
        ("f[:, ::-1] + 1", &[1, 3]),
        ("transpose(c) * 2", &[1, 4]),
        ("t + 1", &[1, 12, 4]),
        ("sum(t, axis=1)", &[1, 4]),
        ("sum(t, axis=1, keepdims=True)", &[1, 12, 4]),
        ("f[:, None] + 1", &[1, 3, 3]),
    ] {
        let got = compile(text).unwrap().eval_as::<f64>(&args[..]).unwrap();
        let steps = got.shape().iter().zip(got.strides()).zip(wanted);
        // The stride of an axis of one element does not matter.
        let same = { steps }.all(|((extent, got), want)| *extent == 1 || got == want);
        assert!(same, "{text}: {:?}", got.strides());
    }
    // Each output has its own order.
    let outputs = compile("f * 2, c * 2").unwrap().eval(&args[..]).unwrap();
    assert_eq!(outputs[0].view::<f64>().unwrap().strides(), [1, 3]);
    assert_eq!(outputs[1].view::<f64>().unwrap().strides(), [4, 1]);
}

#[test]
fn outputs_without_elements_have_their_shape() {
    for shape in [&[0, 3][..], &[3, 0], &[2, 0, 3], &[0]] {
        let x = ndarray::ArrayD::<f64>::zeros(shape);
        for order in [Order::K, Order::C, Order::F] {
            let program = compile("x + 1").unwrap().with(RunOptions::new().order(order));
            let got = program.eval_as::<f64>(("x", &x)).unwrap();
            assert_eq!(got.shape(), shape, "{order:?}");
        }
        let mut outputs = compile("x + 1").unwrap().eval(("x", &x)).unwrap();
        assert_eq!(outputs[0].view::<f64>().unwrap().shape(), shape);
        assert_eq!(outputs.take::<f64>(0).unwrap().shape(), shape);
    }
}

/// The values that get an array between passes.
#[test]
fn only_what_is_narrower_is_kept() {
    let types = [
        ("x", ArgType::array_of_shape(DType::F64, 0).unwrap()),
        ("r", ArgType::array_of_shape(DType::F64, 1).unwrap()),
    ];
    for (text, kept) in [
        ("sin(x) + r", true),
        ("x + sin(r)", true),
        ("x + f32(sin(r))", true),
        ("x + r * 2", false),
        ("log(x[1:]) - log(x[:-1])", false),
        ("exp(-(x[:, None] - x)**2)", false),
        ("exp(x)[:, None] * exp(x)", true),
        ("exp(x) - max(x, axis=0, keepdims=True)", true),
        ("exp(x) - mean(mean(x, axis=0, keepdims=True), axis=1, keepdims=True)", true),
    ] {
        let program = compile(text).unwrap();
        let types: Vec<_> =
            types.iter().copied().filter(|(n, _)| program.inputs().any(|i| i == *n)).collect();
        let plan = program.explain(&types).unwrap();
        let arrays = (0..).take_while(|i| plan.contains(&format!("\narray{i}: "))).count();
        assert_eq!(arrays > 0, kept, "{text}\n{plan}");
        // A value with all axes does not.
        if text.starts_with("exp(x) -") {
            assert!(!plan.contains("f64[s0]\nstage"), "{text}\n{plan}");
        }
    }
}

#[test]
fn eval_as_checks_the_dtype_and_the_count() {
    let program = compile("a / 2").unwrap();
    let error = program.eval_as::<f32>([Arg::from(&[1.0])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert_eq!(error.message(), "the output is f64, not f32");
    let error = compile("a, a").unwrap().eval_as::<f64>([Arg::from(&[1.0])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Arity);
}

#[test]
fn outputs_by_number_and_by_name() {
    let program = compile("low = a - 1; high = a + 1; low, high, sum(a)").unwrap();
    let mut outputs = program.eval([Arg::from(&[1i64, 2, 3])]).unwrap();
    assert_eq!((outputs.len(), outputs.is_empty()), (3, false));
    let names: Vec<Option<&str>> = outputs.iter().map(|o| o.name()).collect();
    assert_eq!(names, [Some("low"), Some("high"), None]);
    assert_eq!(outputs["high"].view::<i64>().unwrap(), array![2, 3, 4].into_dyn());
    assert_eq!(outputs[0].view::<i64>().unwrap(), outputs["low"].view::<i64>().unwrap());
    assert_eq!((outputs[2].shape(), outputs[2].dtype()), (&[][..], DType::I64));
    assert_eq!(outputs[1].bytes(), [2i64, 3, 4].map(i64::to_le_bytes).concat());
    assert_eq!(outputs["low"].view::<f64>().unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(outputs.take::<f64>("low").unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(outputs.take::<i64>("low").unwrap(), array![0, 1, 2].into_dyn());
    // Only this output is gone.
    assert_eq!(outputs.take::<i64>("low").unwrap_err().kind(), ErrorKind::Taken);
    assert_eq!(outputs[0].view::<i64>().unwrap_err().kind(), ErrorKind::Taken);
    assert_eq!(outputs[0].bytes()[..], [0u8; 0]);
    assert_eq!(outputs.take::<i64>(2).unwrap()[[]], 6);
    assert_eq!(
        outputs.take::<i64>(2).unwrap_err().kind(),
        ErrorKind::Taken,
        "a number is taken once, too"
    );
    assert_eq!(outputs.take::<i64>(3).unwrap_err().kind(), ErrorKind::Name);
    assert_eq!(outputs.take::<i64>("middle").unwrap_err().kind(), ErrorKind::Name);
    assert_eq!(outputs.take::<i64>(1).unwrap(), array![2, 3, 4].into_dyn());
    // An empty output can be taken once, too.
    let mut empty = program.eval([Arg::from(&[0i64; 0])]).unwrap();
    assert_eq!(empty.take::<i64>("high").unwrap().shape(), [0]);
}

#[test]
#[should_panic(expected = "there is no output 'middle'")]
fn indexing_what_is_not_there_panics() {
    let outputs = compile("low = a").unwrap().eval([Arg::from(&[1.0])]).unwrap();
    let _ = &outputs["middle"];
}

#[test]
fn eval_into_arrays_of_any_strides() {
    let a = Array2::from_shape_fn((60, 70), |(i, j)| (100 * i + j) as f64);
    let want = &a * 2.0 + 1.0;
    for (name, engine) in engines() {
        let program = engine.compile("a * 2 + 1").unwrap();
        // C order, Fortran order, reversed, every other element, columns of a wider array.
        let mut plain = Array2::<f64>::zeros((60, 70));
        let report = program.eval_into([Arg::from(&a)], &mut [Out::from(&mut plain)]).unwrap();
        assert_eq!(report.native, name != "interpreter");
        assert_eq!(plain, want, "{name}");
        let mut fortran = Array2::<f64>::zeros((70, 60));
        let view: ArrayViewMut2<f64> = fortran.view_mut().reversed_axes();
        program.eval_into([Arg::from(&a)], &mut [view.into()]).unwrap();
        assert_eq!(fortran.t(), want, "{name}");
        let mut backwards = Array2::<f64>::zeros((60, 70));
        let view = backwards.slice_mut(s![..;-1, ..;-1]);
        program.eval_into([Arg::from(&a)], &mut [view.into()]).unwrap();
        assert_eq!(backwards.slice(s![..;-1, ..;-1]), want, "{name}");
        let mut wide = Array2::<f64>::from_elem((121, 213), -7.0);
        program
            .eval_into([Arg::from(&a)], &mut [wide.slice_mut(s![..120;2, 2..212;3]).into()])
            .unwrap();
        assert_eq!(wide.slice(s![..120;2, 2..212;3]), want, "{name}");
        // Bytes between elements do not change.
        let untouched = wide.iter().filter(|v| **v == -7.0).count();
        assert_eq!(untouched, wide.len() - want.len(), "{name}");
    }
}

#[test]
fn eval_into_several_outputs_of_different_sorts() {
    let a = [1.5f32, -2.0, 0.0];
    for (name, engine) in engines() {
        let program = engine.compile("a > 0, i16(a * 10), sum(f64(a)), f64(a)").unwrap();
        let (mut positive, mut tens, mut copy) = ([false; 3], vec![0i16; 3], Array1::zeros(3));
        let mut total = ndarray::arr0(0.0);
        let mut outs = [
            Out::from(&mut positive),
            Out::from(&mut tens),
            Out::from(&mut total),
            Out::from(&mut copy),
        ];
        program.eval_into([Arg::from(&a)], &mut outs).unwrap();
        assert_eq!((positive, tens), ([true, false, false], vec![15, -20, 0]), "{name}");
        assert_eq!((total[[]], copy), (-0.5, array![1.5, -2.0, 0.0]), "{name}");
    }
}

#[test]
fn errors_leave_outputs_alone() {
    let program = compile("a + b").unwrap();
    let mut y = [9.0; 3];
    let (three, two) = ([1.0; 3], [1.0; 2]);
    assert!(
        program.eval_into([Arg::from(&three), Arg::from(&two)], &mut [Out::from(&mut y)]).is_err()
    );
    assert!(program.eval_into([Arg::from(&three)], &mut [Out::from(&mut y)]).is_err());
    assert!(program.eval_into([Arg::from(&three), Arg::from(&[true; 3])], &mut []).is_err());
    let minus = compile("a - a").unwrap();
    assert!(minus.eval_into([Arg::from(&[true; 3])], &mut [Out::from(&mut y)]).is_err());
    assert_eq!(y, [9.0; 3]);
}

#[test]
fn reductions_into_arrays_of_any_strides() {
    let a = Array2::from_shape_fn((60, 70), |(i, j)| ((31 * i + 7 * j) % 97) as f64);
    let columns = a.fold_axis(ndarray::Axis(0), 0.0f64, |x, y| x.max(*y));
    let rows = a.sum_axis(ndarray::Axis(1));
    for (name, engine) in engines() {
        let program = engine.compile("max(a, axis=0), sum(a, axis=1), sum(a)").unwrap();
        let mut every_third = Array1::from_elem(210, -7.0);
        let mut backwards = Array1::<f64>::zeros(60);
        let mut total = ndarray::arr0(0.0);
        let mut outs = [
            every_third.slice_mut(s![1..;3]).into(),
            backwards.slice_mut(s![..;-1]).into(),
            Out::from(&mut total),
        ];
        let report = program.eval_into([Arg::from(&a)], &mut outs).unwrap();
        assert_eq!(report.native, name != "interpreter");
        assert_eq!(every_third.slice(s![1..;3]), columns, "{name}");
        assert_eq!(every_third.iter().filter(|v| **v == -7.0).count(), 140, "{name}");
        assert_eq!(backwards.slice(s![..;-1]), rows, "{name}");
        assert_eq!(total[[]], a.sum(), "{name}");
        // The shape is that of the result, not of the input.
        let mut wrong = Array1::from_elem(60, -7.0);
        let max = engine.compile("max(a, axis=0)").unwrap();
        let error = max.eval_into([Arg::from(&a)], &mut [Out::from(&mut wrong)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape, "{name}: {error}");
        assert_eq!(wrong, Array1::from_elem(60, -7.0), "{name}");
    }
}
