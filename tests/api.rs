//! The ways in: evaluating, evaluating into, binding, specialising; arguments, outputs, options.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use hotloop::explain::Progress;
use hotloop::ndarray::{self, Array1, Array2, ArrayView1, ArrayViewMut1, ArrayViewMut2, array, s};
use hotloop::types::Kind;
use hotloop::{
    Arg, ArgType, Backend, CancelToken, DType, Engine, ErrorKind, Kernel, Mode, Order, Out,
    Program, RunOptions, compile,
};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more, and nothing to count for.
    let _ = ALLOCATIONS.try_with(|c| c.set(c.get() + 1));
}

// SAFETY: all is the system allocator's work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations this thread makes meanwhile.
fn allocations<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATIONS.get();
    let result = work();
    (result, ALLOCATIONS.get() - before)
}

#[test]
fn allocations_are_counted() {
    let (list, count) = allocations(|| vec![1, 2, 3]);
    assert_eq!((list.len(), count), (3, 1));
    assert_eq!(allocations(|| 1 + 1), (2, 0));
}

fn engines() -> [(&'static str, Engine); 3] {
    let builder = Engine::builder;
    [
        ("native on 1", builder().backend(Backend::Native).threads(1).build()),
        ("native on 2", builder().backend(Backend::Native).threads(2).eager().build()),
        ("interpreter", builder().backend(Backend::Interpreter).build()),
    ]
}

#[test]
fn inputs_and_outputs_have_names_in_order() {
    let program = compile("mid = (bid + ask) / 2; w = mid * volume; mid, w + bid, volume").unwrap();
    assert!(program.inputs().eq(["bid", "ask", "volume"]));
    assert!(program.outputs().eq([Some("mid"), None, Some("volume")]));
    let bindings = compile("x = a + 1; def f(y) = y * 2; z = f(x)").unwrap();
    assert!(bindings.outputs().eq([Some("x"), Some("z")]));
    assert_eq!(bindings.text(), "x = a + 1; def f(y) = y * 2; z = f(x)");
    assert_eq!(compile("1 + 2").unwrap().inputs().len(), 0);
    assert!(compile("x = b; a").unwrap().inputs().eq(["b", "a"]));
}

#[test]
fn eval_by_name_and_by_position() {
    let (a, b) = ([5.0, 7.0], [2.0, 3.0]);
    let program = compile("a - b").unwrap();
    let named = program.eval_as::<f64>([("b", &b), ("a", &a)]).unwrap();
    let placed = program.eval_as::<f64>([Arg::from(&a), Arg::from(&b)]).unwrap();
    assert_eq!(named, placed);
    assert_eq!(named, array![3.0, 4.0].into_dyn());
    // As slices, too, whose length is not known at compile time.
    let list: Vec<(&str, Arg)> = vec![("a", (&a).into()), ("b", (&b).into()), ("c", 1.0.into())];
    assert_eq!(program.eval_as::<f64>(list.as_slice()).unwrap(), named);
    let list: Vec<Arg> = vec![(&b).into(), (&a).into()];
    assert_eq!(program.eval_as::<f64>(list.as_slice()).unwrap(), -&named);
}

#[test]
fn arguments_come_from_arrays_of_all_sorts() {
    let double = compile("a * 2").unwrap();
    let run = |arg: Arg| double.eval_as::<i32>([arg]).unwrap();
    let want = array![2, 4, 6].into_dyn();
    let (owned, list, slice) = (array![1, 2, 3], vec![1, 2, 3], [1, 2, 3]);
    assert_eq!(run((&owned).into()), want);
    assert_eq!(run(owned.view().into()), want);
    assert_eq!(run((&owned.clone().into_shared()).into()), want);
    assert_eq!(run((&owned.clone().into_dyn()).into()), want);
    assert_eq!(run((&list).into()), want);
    assert_eq!(run((&slice).into()), want);
    assert_eq!(run(slice[..].into()), want);
    assert_eq!(run(Arg::typed(21)), ndarray::arr0(42).into_dyn());
    let grid = array![[1, 2, 3], [4, 5, 6]];
    assert_eq!(run((&grid).into()), (&grid * 2).into_dyn());
    assert_eq!(run(grid.t().into()), (grid.t().to_owned() * 2).into_dyn());
    assert_eq!(run(grid.slice(s![.., ..;-2]).into()), array![[6, 2], [12, 8]].into_dyn());
    // SAFETY: the middle column of the grid.
    let column = unsafe { Arg::raw((&raw const grid[[0, 1]]).cast(), &[2], &[12], DType::I32) };
    assert_eq!(run(column), array![4, 10].into_dyn());
}

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
        // The bytes are in C order all the same.
        let outputs = program.eval([Arg::from(turned)]).unwrap();
        let bytes: Vec<u8> = c.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(outputs[0].bytes()[..], bytes[..], "{name}");
        assert_eq!(outputs[0].view::<f64>().unwrap(), want, "{name}");
    }
}

/// As NumPy 2.4 orders them, for arrays of shape (3, 4): strides in elements.
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
        // The step of an axis of one element says nothing.
        let same = { steps }.all(|((extent, got), want)| *extent == 1 || got == want);
        assert!(same, "{text}: {:?}", got.strides());
    }
    // Each output for itself.
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

/// Which values get an array of their own between passes.
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
        // What has all axes is not.
        if text.starts_with("exp(x) -") {
            assert!(!plan.contains("f64[s0]\nstage"), "{text}\n{plan}");
        }
    }
}

#[test]
fn every_dtype_goes_in_and_comes_out() {
    let same = compile("a").unwrap();
    macro_rules! check {
        ($($t:ty: $values:expr),*) => {$({
            let values: Vec<$t> = $values.into();
            for (name, engine) in engines() {
                let program = engine.compile(same.text()).unwrap();
                let mut outputs = program.eval([Arg::from(&values)]).unwrap();
                assert_eq!(outputs[0].dtype().name(), stringify!($t));
                assert_eq!(outputs[0].view::<$t>().unwrap().as_slice().unwrap(), values, "{name}");
                assert_eq!(outputs.take::<$t>(0).unwrap().into_raw_vec_and_offset().0, values);
            }
        })*};
    }
    check!(bool: [true, false, true], i8: [-128, 127], i16: [-32768, 7], i32: [i32::MIN, 0], i64: [i64::MIN, 1],
        u8: [255, 0], u16: [65535], u32: [u32::MAX, 2], u64: [u64::MAX], f32: [0.1, f32::MAX], f64: [0.1, -0.0]);
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
    // It is gone, and only it.
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
    // An empty one can be taken once, like the others.
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
        // C order, Fortran order, backwards, every other, columns of a wider array.
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
        // What lies between is untouched.
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
fn in_place() {
    for (name, engine) in engines() {
        for n in [1usize, 7, 64, 1000, 50_003] {
            let start: Vec<f64> = (0..n).map(|i| i as f64).collect();
            let mut x = start.clone();
            let program = engine.compile("x * 3 + k").unwrap();
            program.eval_into(("k", 0.5), &mut [Out::inout("x", &mut x)]).unwrap();
            let want: Vec<f64> = start.iter().map(|v| v * 3.0 + 0.5).collect();
            assert_eq!(x, want, "{name}, {n} elements");
            // By position, the in-place input is left out of the list.
            program.eval_into([Arg::from(1.0)], &mut [Out::inout("x", &mut x)]).unwrap();
            assert_eq!(x[n - 1], want[n - 1] * 3.0 + 1.0, "{name}");
            // A reduction reads all of it before any of it is written.
            let mut x = start.clone();
            let centred = engine.compile("x - mean(x)").unwrap();
            let none: [Arg; 0] = [];
            centred.eval_into(none, &mut [Out::inout("x", &mut x)]).unwrap();
            let mean = (n - 1) as f64 / 2.0;
            assert_eq!(
                x,
                start.iter().map(|v| v - mean).collect::<Vec<_>>(),
                "{name}, {n} elements"
            );
            // An output before one that still reads the input.
            let mut x = start.clone();
            let mut y = vec![0.0; n];
            let two = engine.compile("x + 1, x * 2 + sum(x) * 0").unwrap();
            let none: [Arg; 0] = [];
            two.eval_into(none, &mut [Out::inout("x", &mut x), Out::from(&mut y)]).unwrap();
            assert_eq!(x, start.iter().map(|v| v + 1.0).collect::<Vec<_>>(), "{name}");
            assert_eq!(y, start.iter().map(|v| v * 2.0).collect::<Vec<_>>(), "{name}");
        }
        // Two in-place outputs swap their arrays.
        let (mut a, mut b) = (vec![1i32; 5000], vec![2i32; 5000]);
        let swap = engine.compile("b = q; a = p; b, a").unwrap();
        let none: [Arg; 0] = [];
        swap.eval_into(none, &mut [Out::inout("p", &mut a), Out::inout("q", &mut b)]).unwrap();
        assert!(a.iter().all(|v| *v == 2) && b.iter().all(|v| *v == 1), "{name}");
        // In another width it cannot be; the array is as it was.
        let mut narrow = [1f32; 4];
        let none: [Arg; 0] = [];
        let error = engine.compile("f64(x)").unwrap();
        let error = error.eval_into(none, &mut [Out::inout("x", &mut narrow)]).unwrap_err();
        assert_eq!((error.kind(), narrow), (ErrorKind::Type, [1.0; 4]), "{name}");
    }
}

/// An operand inside `memory`: first element, elements along each axis, and their distances.
struct Place {
    first: isize,
    shape: Vec<usize>,
    steps: Vec<isize>,
}

impl Place {
    fn elements(&self) -> Vec<usize> {
        let mut all = vec![self.first];
        for (extent, step) in self.shape.iter().zip(&self.steps) {
            all = all
                .iter()
                .flat_map(|at| (0..*extent as isize).map(move |i| at + i * step))
                .collect();
        }
        all.iter().map(|at| *at as usize).collect()
    }

    fn bytes(&self) -> Vec<isize> {
        self.steps.iter().map(|s| s * 8).collect()
    }
}

/// However an input lies over the output, the result is as if it had been copied first.
#[test]
fn overlapping_inputs_and_outputs() {
    let line = |first, step, n| Place { first, shape: vec![n], steps: vec![step] };
    let grid =
        |first, rows, columns| Place { first, shape: vec![20, 20], steps: vec![rows, columns] };
    let n = 400;
    let cases = [
        ("the same", line(100, 1, n), line(100, 1, n)),
        ("one ahead", line(101, 1, n), line(100, 1, n)),
        ("one behind", line(99, 1, n), line(100, 1, n)),
        ("seven ahead", line(107, 1, n), line(100, 1, n)),
        ("half behind", line(0, 1, n), line(200, 1, n)),
        ("backwards", line(499, -1, n), line(100, 1, n)),
        ("backwards and shifted", line(450, -1, n), line(100, 1, n)),
        ("into backwards", line(100, 1, n), line(499, -1, n)),
        ("both backwards", line(498, -1, n), line(499, -1, n)),
        ("spread over dense", line(0, 2, n), line(100, 1, n)),
        ("dense over spread", line(100, 1, n), line(0, 2, n)),
        ("interleaved", line(1, 2, n), line(0, 2, n)),
        ("every third on every other", line(0, 3, 300), line(0, 2, 300)),
        ("all one element", line(300, 0, n), line(100, 1, n)),
        ("transposed", grid(0, 1, 20), grid(0, 20, 1)),
        ("rows backwards", grid(380, -20, 1), grid(0, 20, 1)),
        ("shifted by a row", grid(20, 20, 1), grid(0, 20, 1)),
        ("a row over all", grid(40, 0, 1), grid(0, 20, 1)),
        ("a column over all", grid(7, 20, 0), grid(0, 20, 1)),
        ("windows", grid(0, 1, 1), grid(0, 20, 1)),
    ];
    type Reference = fn(f64, f64) -> f64;
    let expressions: [(&str, Reference); 4] = [
        ("a * 2 + 1", |a, _| a * 2.0 + 1.0),
        ("sqrt(a) + floor(a / 3)", |a, _| a.sqrt() + (a / 3.0).floor()),
        ("a + sum(a) * 0", |a, _| a),
        ("(a + max(a)) / max(a)", |a, max| (a + max) / max),
    ];
    for (name, engine) in engines() {
        for (how, input, output) in &cases {
            for (text, of) in expressions {
                let mut memory: Vec<f64> = (0..1000).map(|i| f64::from(i % 611)).collect();
                let mut want = memory.clone();
                let values: Vec<f64> = input.elements().iter().map(|i| memory[*i]).collect();
                let max = values.iter().copied().fold(0.0, f64::max);
                for (at, value) in output.elements().iter().zip(&values) {
                    want[*at] = of(*value, max);
                }
                let base = memory.as_mut_ptr();
                // SAFETY: all elements lie in `memory`, and nothing else refers to them now.
                unsafe {
                    let a = Arg::raw(
                        base.offset(input.first).cast(),
                        &input.shape,
                        &input.bytes(),
                        DType::F64,
                    );
                    let out = Out::raw(
                        base.offset(output.first).cast(),
                        &output.shape,
                        &output.bytes(),
                        DType::F64,
                    );
                    engine.compile(text).unwrap().eval_into([a], &mut [out]).unwrap();
                }
                assert_eq!(memory, want, "{text}, {how}, {name}");
            }
        }
    }
}

#[test]
fn overlap_of_another_dtype() {
    // The bytes of the output are those of the input, at half the width and at twice.
    for (name, engine) in engines() {
        let mut memory = [0u64; 600];
        let base = memory.as_mut_ptr().cast::<u8>();
        for i in 0..500usize {
            // SAFETY: inside `memory`.
            unsafe { base.add(4 * i).cast::<i32>().write(i as i32 - 250) };
        }
        // SAFETY: as above.
        unsafe {
            let a = Arg::raw(base, &[500], &[4], DType::I32);
            let out = Out::raw(base, &[500], &[8], DType::F64);
            engine.compile("f64(a) / 2").unwrap().eval_into([a], &mut [out]).unwrap();
        }
        for (i, bits) in memory[..500].iter().enumerate() {
            assert_eq!(f64::from_bits(*bits), (i as f64 - 250.0) / 2.0, "{name}, element {i}");
        }
        let base = memory.as_mut_ptr().cast::<u8>();
        // SAFETY: as above.
        unsafe {
            let a = Arg::raw(base, &[500], &[8], DType::F64);
            let out = Out::raw(base.add(400), &[500], &[1], DType::I8);
            engine.compile("i8(a)").unwrap().eval_into([a], &mut [out]).unwrap();
            for i in 0..500usize {
                let want = ((i as f64 - 250.0) / 2.0) as i8;
                assert_eq!(base.add(400 + i).cast::<i8>().read(), want, "{name}, element {i}");
            }
        }
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

fn types(list: &[(&'static str, DType)]) -> Vec<(&'static str, ArgType)> {
    list.iter().map(|(name, dtype)| (*name, ArgType::array(*dtype))).collect()
}

#[test]
fn bound_once_and_run_with_changing_data() {
    for (name, engine) in engines() {
        let program = engine.compile("y = a * k + sum(a); y, k * 2").unwrap();
        let kernel = program
            .specialize(&[("a", ArgType::array(DType::F64)), ("k", ArgType::scalar(DType::F64))])
            .unwrap();
        assert_eq!(kernel.is_native(), name != "interpreter");
        assert_eq!(kernel.types(), [ArgType::array(DType::F64), ArgType::scalar(DType::F64)]);
        let n = 5000;
        let (mut a, mut k) = (vec![0.0f64; n], 0.0f64);
        let (mut y, mut twice) = (vec![0.0f64; n], 0.0f64);
        let (a_pointer, k_pointer) = (a.as_mut_ptr(), &raw mut k);
        let (y_pointer, twice_pointer) = (y.as_mut_ptr(), &raw mut twice);
        // SAFETY: the arrays outlive the kernel's binding, and change only between the runs.
        let (args, outs) = unsafe {
            (
                [
                    ("a", Arg::raw(a_pointer.cast(), &[n], &[8], DType::F64)),
                    ("k", Arg::raw(k_pointer.cast(), &[], &[], DType::F64)),
                ],
                [
                    Out::raw(y_pointer.cast(), &[n], &[8], DType::F64),
                    Out::raw(twice_pointer.cast(), &[], &[], DType::F64),
                ],
            )
        };
        let mut bound = kernel.bind(args, outs).unwrap();
        for round in 0..5 {
            // SAFETY: no run is under way.
            unsafe {
                for i in 0..n {
                    a_pointer.add(i).write((i % 7 + round) as f64);
                }
                k_pointer.write(round as f64);
            }
            bound.run().unwrap();
            let sum: f64 = (0..n).map(|i| (i % 7 + round) as f64).sum();
            for i in 0..n {
                let want = (i % 7 + round) as f64 * round as f64 + sum;
                // SAFETY: as above.
                let got = unsafe { y_pointer.add(i).read() };
                assert_eq!(got, want, "{name}, round {round}, element {i}");
            }
            // SAFETY: as above.
            assert_eq!(unsafe { twice_pointer.read() }, 2.0 * round as f64, "{name}");
        }
    }
}

#[test]
fn running_a_bound_kernel_allocates_nothing() {
    let engine = Engine::builder().backend(Backend::Native).threads(1).build();
    let programs = [
        "a * 2 + sin(b)",
        "where(a > b and a < 5, a, sqrt(b))",
        "m = mean(a); (a - m) / sqrt(mean((a - m)**2)) + b",
        "sum(a), max(b), any(a > 3), a // 2 + b % 3",
        "f64(i32(a)) + a**5 + b**0.5",
    ];
    for text in programs {
        let program = engine.compile(text).unwrap();
        let kernel = program.specialize(&types(&[("a", DType::F64), ("b", DType::F64)])).unwrap();
        for n in [1usize, 100, 30_011] {
            let a: Vec<f64> = (0..n).map(|i| i as f64 / 7.0).collect();
            let b: Vec<f64> = (0..n).map(|i| 1.0 + i as f64).collect();
            // The reversed one has to be gathered, and the strided output scattered.
            let reversed = ArrayView1::from(&b).slice_move(s![..;-1]);
            let args = || (("a", &a), ("b", reversed));
            let want = program.eval(args()).unwrap();
            let mut arrays: Vec<Vec<f64>> =
                want.iter().map(|o| vec![0.0; 2 * o.shape().iter().product::<usize>()]).collect();
            let mut flags: Vec<bool> = vec![false; want.len()];
            {
                let mut outs: Vec<Out<'_>> = Vec::new();
                for ((output, array), flag) in want.iter().zip(&mut arrays).zip(&mut flags) {
                    outs.push(match (output.dtype(), output.shape().len()) {
                        (DType::Bool, _) => {
                            ndarray::ArrayViewMut0::from_shape((), std::slice::from_mut(flag))
                                .unwrap()
                                .into()
                        }
                        (_, 0) => {
                            ndarray::ArrayViewMut0::from_shape((), &mut array[..1]).unwrap().into()
                        }
                        _ => ArrayViewMut1::from(&mut array[..]).slice_move(s![..;2]).into(),
                    });
                }
                let mut bound = kernel.bind(args(), outs).unwrap();
                bound.run().unwrap();
                for _ in 0..3 {
                    let (result, count) = allocations(|| bound.run());
                    assert!(result.unwrap().native);
                    assert_eq!(count, 0, "{text} with {n} elements");
                }
            }
            for (output, array) in want.iter().zip(&arrays).filter(|(o, _)| o.dtype() == DType::F64)
            {
                // The first of two, as in the strided views above.
                let got: Vec<f64> = array.iter().step_by(2).copied().collect();
                let want: Vec<f64> = output.view::<f64>().unwrap().iter().copied().collect();
                assert_eq!(got.len(), want.len());
                assert!(
                    got.iter().zip(&want).all(|(g, w)| g.to_bits() == w.to_bits()),
                    "{text} with {n} elements"
                );
            }
        }
    }
}

/// Rebinding and running, too: by name and by position, of up to four axes.
#[test]
fn rebinding_allocates_nothing() {
    let engine = Engine::builder().backend(Backend::Native).threads(1).build();
    let program = engine.compile("a * 2 + b * k, sum(a)").unwrap();
    let mut list = types(&[("a", DType::F64), ("b", DType::F64)]);
    list.push(("k", ArgType::weak(Kind::Float)));
    let kernel = program.specialize(&list).unwrap();
    let [a, b] = [1.0, 2.0].map(|value| ndarray::Array4::from_elem((2, 3, 4, 5), value));
    let (mut y, mut z) = (a.clone(), a.clone());
    let (mut s, mut t) = (ndarray::arr0(0.0), ndarray::arr0(0.0));
    let args = || (("a", &a), ("b", &b), ("k", 0.5));
    let outs = [Out::from(&mut y), Out::from(&mut s)];
    let idle = kernel.bind(args(), outs).unwrap().release();
    let (idle, count) = allocations(|| {
        let mut idle = idle;
        for _ in 0..3 {
            let outs = [Out::from(&mut z), Out::from(&mut t)];
            let mut bound = idle.rebind((("a", &b), ("b", &a), ("k", 0.5)), outs).unwrap();
            bound.run().unwrap();
            idle = bound.release();
            let outs = [Out::from(&mut y), Out::from(&mut s)];
            let mut bound = idle.rebind([(&a).into(), (&b).into(), Arg::from(0.5)], outs).unwrap();
            bound.run().unwrap();
            idle = bound.release();
        }
        idle
    });
    drop(idle);
    assert_eq!(count, 0);
    assert!(y.iter().all(|v| *v == 3.0) && z.iter().all(|v| *v == 4.5));
    assert_eq!((s[[]], t[[]]), (120.0, 240.0));
}

#[test]
fn running_in_place_allocates_nothing() {
    let engine = Engine::builder().backend(Backend::Native).threads(1).build();
    let kernel =
        engine.compile("x * 0.5 + 1").unwrap().specialize(&types(&[("x", DType::F64)])).unwrap();
    let mut x = vec![100.0; 20_000];
    let mut bound = kernel.bind((), [Out::inout("x", &mut x)]).unwrap();
    let (good, count) = allocations(|| (0..4).all(|_| bound.run().is_ok()));
    assert_eq!((good, count), (true, 0));
    drop(bound);
    // ((((100/2+1)/2+1)/2+1)/2+1)
    assert_eq!(x, vec![8.125; 20_000]);
}

#[test]
fn kernels_serve_other_shapes() {
    for (name, engine) in engines() {
        let program = engine.compile("a + b").unwrap();
        let kernel: Kernel =
            program.specialize(&types(&[("a", DType::I64), ("b", DType::I64)])).unwrap();
        let run = |a: &ndarray::ArrayD<i64>, b: &ndarray::ArrayD<i64>, shape: &[usize]| {
            let mut y = ndarray::ArrayD::<i64>::zeros(shape);
            kernel.bind([Arg::from(a), Arg::from(b)], [&mut y]).unwrap().run().unwrap();
            assert_eq!(y, a + b, "{name}, {shape:?}");
        };
        let of = |shape: &[usize]| {
            let n: usize = shape.iter().product();
            ndarray::ArrayD::from_shape_vec(shape, (0..n as i64).collect()).unwrap()
        };
        run(&of(&[5]), &of(&[5]), &[5]);
        run(&of(&[300]), &of(&[300]), &[300]);
        run(&of(&[2, 3, 4]), &of(&[2, 3, 4]), &[2, 3, 4]);
        run(&of(&[0, 3]), &of(&[0, 3]), &[0, 3]);
        // Shapes that broadcast, though the types said that both are of one shape.
        run(&of(&[3]), &of(&[2, 1]), &[2, 3]);
        run(&of(&[4, 1, 2]), &of(&[3, 1]), &[4, 3, 2]);
        run(&of(&[1]), &of(&[7]), &[7]);
    }
}

#[test]
fn kernels_refuse_other_dtypes() {
    let program = compile("a + b").unwrap();
    let kernel = program.specialize(&types(&[("a", DType::F64), ("b", DType::F64)])).unwrap();
    let (x, narrow) = ([1.0, 2.0], [1f32, 2.0]);
    let mut y = [0.0; 2];
    let error = kernel.bind([Arg::from(&x), Arg::from(&narrow)], [&mut y]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert!(error.message().contains("'b' is f32"), "{error}");
    let error = kernel.bind([Arg::from(&x), 1.0.into()], [&mut y]).err().unwrap();
    assert!(error.message().contains("'b' is weak f64"), "{error}");
}

#[test]
fn specialize_wants_each_input_once() {
    let program = compile("a + b").unwrap();
    let f64s = ArgType::array(DType::F64);
    let missing = program.specialize(&[("a", f64s)]).err().unwrap();
    assert_eq!((missing.kind(), missing.message()), (ErrorKind::Name, "missing the type of 'b'"));
    let unknown = program.specialize(&[("a", f64s), ("b", f64s), ("c", f64s)]).err().unwrap();
    assert_eq!(
        (unknown.kind(), unknown.message()),
        (ErrorKind::Name, "the program has no input 'c'")
    );
    let minus = compile("a - b").unwrap();
    let bools = ArgType::array(DType::Bool);
    let error = minus.specialize(&[("a", bools), ("b", bools)]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert_eq!(error.span().map(|s| s.range()), Some(0..5));
    // In any order.
    assert!(program.specialize(&[("b", f64s), ("a", ArgType::weak(Kind::Int))]).is_ok());
}

#[test]
fn explain_says_what_is_done() {
    let program =
        Engine::builder().backend(Backend::Native).build().compile("s = a * a; sum(s)").unwrap();
    let text = program.explain(&types(&[("a", DType::F32)])).unwrap();
    for part in [
        "input 0 is a: f32",
        "plan",
        "graph (strict)",
        "  v1: f32 = v0 * v0\n  sum of v1 to u0\n",
        "code of pass 0",
        "4 bytes moved an element",
        "bytes of machine code",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let kernel = program.specialize(&types(&[("a", DType::F32)])).unwrap();
    assert_eq!((kernel.explain(), kernel.bytes_per_element()), (text, 4));
    let engine = Engine::builder().backend(Backend::Interpreter).build();
    let text = engine.compile("a + 1").unwrap().explain(&types(&[("a", DType::F32)])).unwrap();
    assert!(text.contains("interpreted"), "{text}");
}

#[test]
fn reports_say_who_ran_and_what_was_divided_by_zero() {
    for (name, engine) in engines() {
        let program = engine.compile("a // b").unwrap();
        let run =
            |b: i32| program.eval([Arg::from(&[7, 8]), Arg::typed(b)]).unwrap().report().clone();
        assert!(run(0).divided_by_zero && !run(2).divided_by_zero, "{name}");
        assert_eq!(run(1).native, name != "interpreter");
        // The flag is not raised by what fills a tile up, and not kept for the next run.
        let ones = vec![1i32; 1001];
        let mut y = vec![0i32; 1001];
        let report =
            program.eval_into([Arg::from(&ones), Arg::from(&ones)], &mut [Out::from(&mut y)]);
        assert!(!report.unwrap().divided_by_zero, "{name}");
        assert_eq!(y, ones);
    }
}

#[test]
fn options_of_a_run() {
    let a = [1.0, 2.0];
    for (name, engine) in engines() {
        let program = engine.compile("a + 1").unwrap();
        let token = CancelToken::new();
        let stoppable = program.with(RunOptions::new().cancel(&token));
        assert!(stoppable.eval([Arg::from(&a)]).is_ok());
        token.cancel();
        let error = stoppable.eval([Arg::from(&a)]).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Cancelled, "the run was cancelled"),
            "{name}"
        );
        // The program it came from has no token.
        assert!(program.eval([Arg::from(&a)]).is_ok());
        token.reset();
        assert!(stoppable.eval([Arg::from(&a)]).is_ok());
        let late = program.with(RunOptions::new().deadline(Duration::ZERO));
        let error = late.eval([Arg::from(&a)]).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Cancelled, "the run passed its deadline"),
            "{name}"
        );
        let calm = program.with(RunOptions::new().deadline(Duration::MAX));
        assert!(calm.eval([Arg::from(&a)]).is_ok(), "a deadline beyond all time is none");
    }
    // A bound kernel looks at the token, too.
    let token = CancelToken::new();
    let program = compile("a * 2").unwrap().with(RunOptions::new().cancel(&token));
    let kernel = program.specialize(&types(&[("a", DType::F64)])).unwrap();
    let mut y = [0.0; 2];
    let mut bound = kernel.bind([&a], [&mut y]).unwrap();
    token.cancel();
    assert_eq!(bound.run().unwrap_err().kind(), ErrorKind::Cancelled);
    token.reset();
    assert!(bound.run().is_ok());
    drop(bound);
    assert_eq!(y, [2.0, 4.0]);
}

#[test]
fn progress_counts_elements() {
    for threads in [1, 2] {
        let engine = Engine::builder().backend(Backend::Native).threads(threads).eager().build();
        let progress = Arc::new(Progress::new());
        let a = vec![1.0; 300_007];
        let one = engine.compile("a + 1").unwrap().with(RunOptions::new().progress(&progress));
        one.eval([Arg::from(&a)]).unwrap();
        assert_eq!((progress.done(), progress.total()), (300_007, 300_007));
        // Two passes: the sum, then what needs it.
        let two = engine.compile("a / sum(a)").unwrap().with(RunOptions::new().progress(&progress));
        two.eval([Arg::from(&a)]).unwrap();
        assert_eq!((progress.done(), progress.total()), (900_021, 900_021));
    }
}

#[test]
fn modes_are_apart() {
    let x = 1.0 + 2f64.powi(-30);
    let run = |mode| {
        let engine = Engine::builder().mode(mode).build();
        let y = engine
            .compile("a * a - b")
            .unwrap()
            .eval_as::<f64>([Arg::from(x), Arg::from(1.0 + 2f64.powi(-29))]);
        y.unwrap()[[]]
    };
    assert_eq!(run(Mode::Strict), 0.0);
    assert_eq!(run(Mode::Contract), 2f64.powi(-60));
    assert_eq!(run(Mode::Fast), 2f64.powi(-60));
}

#[test]
fn programs_and_errors_may_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Program>();
    crosses::<Engine>();
    crosses::<Kernel>();
    crosses::<hotloop::Error>();
    crosses::<hotloop::Outputs>();
    crosses::<CancelToken>();
    fn clones<T: Clone>(_: &T) {}
    let program = compile("a").unwrap();
    clones(&program);
    let other = program.clone();
    let y = std::thread::spawn(move || other.eval_as::<f64>([Arg::from(&[1.0])]).unwrap())
        .join()
        .unwrap();
    assert_eq!(y, array![1.0].into_dyn());
}

#[test]
fn errors_own_what_they_show() {
    let error = {
        let text = String::from("a + sine(b)");
        compile(&text).err().unwrap()
    };
    assert_eq!(error.source_text(), Some("a + sine(b)"));
    assert_eq!(error.span().map(|s| s.range()), Some(4..8));
    assert_eq!(error.hints(), ["did you mean 'sin', 'sinc' or 'sinh'?"]);
    assert_eq!((error.kind(), error.kind().code()), (ErrorKind::Name, "NAME"));
    let boxed: Box<dyn std::error::Error + Send + Sync> = error.clone().into();
    assert_eq!(boxed.to_string(), error.to_string());
    assert_eq!(format!("{error:?}"), format!("NAME: {error}"));
}

/// The bytes of floats in the other order than this machine's.
fn foreign(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_bits().swap_bytes().to_ne_bytes()).collect()
}

#[test]
fn byte_swapped_arrays_in_and_out() {
    let values: Vec<f64> = (0..6000).map(|i| f64::from(i) * 0.25).collect();
    let file = foreign(&values);
    // SAFETY: the bytes of as many elements, which outlive the argument.
    let x = || unsafe { Arg::raw(file.as_ptr(), &[60, 100], &[800, 8], DType::F64) }.byte_swapped();
    let grid = Array2::from_shape_vec((60, 100), values.clone()).unwrap();
    for text in [
        "x * 2 + 1",
        "transpose(x)[::-1]",
        "sum(x, axis=0)",
        "max(x, axis=1, keepdims=True)",
        "mean(x)",
        "x - mean(x, axis=0)",
        "x[1:, ::2]",
    ] {
        for (name, engine) in engines() {
            let program = engine.compile(text).unwrap();
            let want = program.eval_as::<f64>([Arg::from(&grid)]).unwrap();
            assert_eq!(program.eval_as::<f64>([x()]).unwrap(), want, "{text} on {name}");
            // Out in the other order: the same bytes as if they were swapped afterwards.
            let mut bytes = vec![0u8; want.len() * 8];
            let strides: Vec<isize> = want.strides().iter().map(|s| s * 8).collect();
            // SAFETY: as many bytes as the elements of the result have, in C order.
            let out = unsafe { Out::raw(bytes.as_mut_ptr(), want.shape(), &strides, DType::F64) };
            program.eval_into([x()], &mut [out.byte_swapped()]).unwrap();
            let swapped = foreign(want.as_slice_memory_order().unwrap());
            assert!(bytes == swapped, "{text} on {name}, out in the other order");
        }
    }
    // Twice is not at all, and a number stays one.
    let (twice, k) =
        (Arg::from(&grid).byte_swapped().byte_swapped(), Arg::from(1.0).byte_swapped());
    let y = compile("x[0] + k").unwrap().eval_as::<f64>([("x", twice), ("k", k)]).unwrap();
    assert_eq!(y, (&grid.row(0) + 1.0).into_dyn());
}

#[test]
fn byte_swapped_in_place() {
    for (name, engine) in engines() {
        for (text, of) in
            [("x * 2", (|v, _| v * 2.0) as fn(f64, f64) -> f64), ("x - max(x)", |v, max| v - max)]
        {
            let values: Vec<f64> = (0..5000).map(f64::from).collect();
            let mut file = foreign(&values);
            // SAFETY: the bytes of as many elements.
            let out = unsafe { Out::raw(file.as_mut_ptr(), &[5000], &[8], DType::F64) };
            let none: [Arg; 0] = [];
            let mut outs = [Out::inout("x", out.byte_swapped())];
            engine.compile(text).unwrap().eval_into(none, &mut outs).unwrap();
            let want: Vec<f64> = values.iter().map(|v| of(*v, 4999.0)).collect();
            assert!(file == foreign(&want), "{text} on {name}");
        }
    }
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

#[test]
fn one_kernel_for_arrays_of_any_rank() {
    for (name, engine) in engines() {
        let program = engine.compile("sum(a, axis=-1) / 2, a[..., ::-1]").unwrap();
        let kernel = program.specialize(&types(&[("a", DType::F64)])).unwrap();
        for shape in [vec![4], vec![3, 4], vec![2, 3, 4], vec![1, 2, 1, 5]] {
            let a = ndarray::ArrayD::from_shape_fn(shape.clone(), |i| i[shape.len() - 1] as f64);
            let last = shape[shape.len() - 1];
            let sum = (last * (last - 1) / 2) as f64;
            let mut halves = ndarray::ArrayD::<f64>::zeros(&shape[..shape.len() - 1]);
            let mut turned = ndarray::ArrayD::<f64>::zeros(shape.clone());
            kernel.bind([&a], [&mut halves, &mut turned]).unwrap().run().unwrap();
            assert!(halves.iter().all(|v| *v == sum / 2.0), "{name}, {shape:?}");
            let want = a.mapv(|v| (last - 1) as f64 - v);
            assert_eq!(turned, want, "{name}, {shape:?}");
        }
    }
}

/// What is of fewer axes than the result is computed once, into an array that `explain` shows.
#[test]
fn explain_shows_what_is_kept() {
    let engine = Engine::builder().backend(Backend::Native).build();
    let program = engine.compile("sin(x**2) + cos(y**2)").unwrap();
    let shape = |class| ArgType::array_of_shape(DType::F64, class).unwrap();
    let text = program.explain(&[("x", shape(0)), ("y", shape(1))]).unwrap();
    for line in [
        "array0: f64[s0]",
        "array1: f64[s1]",
        "pass 2 over s0,s1\n  v0: f64 = array0\n  v1: f64 = array1",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    // Of one shape nothing is kept.
    let text = program.explain(&types(&[("x", DType::F64), ("y", DType::F64)])).unwrap();
    assert!(!text.contains("array0"), "{text}");
    let text = engine.compile("a - mean(a, axis=0)").unwrap();
    let text = text.explain(&types(&[("a", DType::F64)])).unwrap();
    assert!(text.contains("sum of v0 to array0"), "{text}");
}
