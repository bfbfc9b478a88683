//! Rebinding of bound kernels.

use hotloop::{
    Arg, ArgType, Backend, Bound, DType, Engine, ErrorKind, Kernel, Out, Outputs, compile, ndarray,
};
use hotloop_testing::generator::check::different_elements;
use hotloop_testing::generator::data::{Array, Flavour, Layout, Rng};

const TEXTS: [&str; 16] = [
    "a + 1",
    "y = sin(a) * b; y, sum(y), a > 0",
    "sum(a, axis=0), var(a, axis=-1), argmin(a), mean(a)",
    "x = exp(a - max(a, axis=1, keepdims=True)); x / sum(x, axis=1, keepdims=True)",
    "(a - mean(a, axis=1, keepdims=True)) / std(a, axis=1, keepdims=True)",
    "sin(row**2) + cos(column**2)",
    "transpose(a)[::-1] * 2",
    "(a - mean(a, axis=0))[:, ::3] // 2",
    "t = a * b; t[1:] - t[:-1], a[::2, 3]",
    "dot(a, b), max(f32(a), axis=1), a * point",
    "point + 1, point * 2 + sum(a)",
    "a + transpose(transpose(a) * 2), any(b > 3, axis=0)",
    "s = sum(a); a / s, b + s",
    "k * a + k / 2",
    "cumsum(a), cummax(b, axis=0) + 1",
    "rolling_mean(a, 3, 1), ewm_mean(b, span=5, axis=0), shift(a, 2)",
];

/// Arrays for the inputs and outputs of the texts.
struct Set {
    inputs: Vec<(&'static str, Array)>,
    outputs: Vec<Array>,
}

impl Set {
    fn new(seed: u64, strided: bool) -> Set {
        // Layouts do not depend on the values.
        let (mut layouts, mut values) = (Rng(7), Rng(seed));
        let mut make = |name, dtype, shape: &[usize]| {
            let mut array = match strided {
                true => Array::strided(dtype, shape, &mut layouts, Layout::ANY),
                false => Array::contiguous(dtype, shape, 0),
            };
            array.fill(&mut values, Flavour::Unit);
            (name, array)
        };
        let inputs = vec![
            make("a", DType::F64, &[130, 70]),
            make("b", DType::I16, &[130, 70]),
            make("row", DType::F64, &[1, 700]),
            make("column", DType::F32, &[130, 1]),
            make("point", DType::F64, &[]),
        ];
        Set { inputs, outputs: Vec::new() }
    }

    fn args(&self, k: f64) -> Vec<(&str, Arg<'_>)> {
        let arrays = self.inputs.iter().map(|(name, array)| (*name, array.arg()));
        arrays.chain([("k", k.into())]).collect()
    }

    /// Arrays for outputs, filled with a byte.
    fn with_outputs(mut self, want: &Outputs, strided: bool) -> Set {
        let mut layouts = Rng(11);
        let make = |o: &hotloop::Output| {
            let mut array = match strided {
                true => Array::strided(o.dtype(), o.shape(), &mut layouts, Layout::ANY),
                false => Array::contiguous(o.dtype(), o.shape(), 0),
            };
            array.bytes_mut().fill(0x5a);
            array
        };
        self.outputs = want.iter().map(make).collect();
        self
    }

    fn spoil(&mut self) {
        self.inputs.iter_mut().for_each(|(_, array)| array.bytes_mut().fill(0x77));
        self.outputs.iter_mut().for_each(|array| array.bytes_mut().fill(0x77));
    }

    fn is_spoiled(&self) -> bool {
        let inputs = self.inputs.iter().map(|(_, array)| array);
        inputs.chain(&self.outputs).all(|array| array.bytes().iter().all(|b| *b == 0x77))
    }
}

fn engines() -> Vec<(&'static str, Engine)> {
    let builder = || Engine::builder().eager();
    vec![
        ("native", builder().threads(1).backend(Backend::Native).build()),
        ("two threads", builder().threads(2).backend(Backend::Native).build()),
        ("portable", builder().threads(1).backend(Backend::Portable).build()),
        ("interpreter", builder().threads(1).backend(Backend::Interpreter).build()),
    ]
}

fn kernel_for(engine: &Engine, text: &str) -> Kernel {
    let program = engine.compile(text).unwrap();
    let class = |dtype, class| ArgType::array_of_shape(dtype, class).unwrap();
    let all = [
        ("a", class(DType::F64, 0)),
        ("b", class(DType::I16, 0)),
        ("row", class(DType::F64, 1)),
        ("column", class(DType::F32, 2)),
        ("point", ArgType::scalar(DType::F64)),
        ("k", ArgType::weak(hotloop::types::Kind::Float)),
    ];
    let read = |(name, _): &(&str, ArgType)| program.inputs().any(|input| input == *name);
    program.specialize(&all.into_iter().filter(read).collect::<Vec<_>>()).unwrap()
}

/// A rebound kernel gives the results of an evaluation, and does not access the first arrays.
#[test]
fn other_arrays_take_the_place_of_the_first() {
    for (name, engine) in engines() {
        for text in TEXTS {
            for strided in [false, true] {
                let what = format!("{text} on {name}, strided: {strided}");
                let program = engine.compile(text).unwrap();
                let kernel = kernel_for(&engine, text);
                let first = Set::new(1, strided);
                let want = program.eval(&first.args(0.5)[..]).unwrap();
                let mut first = first.with_outputs(&want, strided);
                let mut idle: Bound<'static> = {
                    let Set { inputs, outputs } = &mut first;
                    let args: Vec<(&str, Arg)> = inputs
                        .iter()
                        .map(|(n, a)| (*n, a.arg()))
                        .chain([("k", 0.5.into())])
                        .collect();
                    let mut bound =
                        kernel.bind(&args[..], outputs.iter_mut().map(Array::out)).unwrap();
                    bound.run().unwrap();
                    bound.release()
                };
                assert_eq!(idle.run().unwrap_err().kind(), ErrorKind::Layout, "{what}");
                first.spoil();
                for (seed, k) in [(2, 0.5), (3, 0.25), (4, 3.0)] {
                    let other = Set::new(seed, strided);
                    let want = program.eval(&other.args(k)[..]).unwrap();
                    let mut other = other.with_outputs(&want, strided);
                    let Set { inputs, outputs } = &mut other;
                    let args: Vec<(&str, Arg)> = inputs
                        .iter()
                        .map(|(n, a)| (*n, a.arg()))
                        .chain([("k", k.into())])
                        .collect();
                    let mut bound =
                        idle.rebind(&args[..], outputs.iter_mut().map(Array::out)).unwrap();
                    bound.run().unwrap();
                    bound.run().unwrap();
                    idle = bound.release();
                    for (output, array) in want.iter().zip(&*outputs) {
                        let difference =
                            different_elements(output.dtype(), &output.bytes(), &array.elements());
                        assert_eq!(difference, None, "{what}");
                    }
                }
                assert!(first.is_spoiled(), "{what}: the first arrays were written");
            }
        }
    }
}

#[test]
fn arrays_in_place_move_too() {
    for (name, engine) in engines() {
        let kernel = kernel_for(&engine, "a * 2 + k");
        let mut lists = [vec![1.0; 1000], vec![2.0; 1000], vec![3.0; 1000]];
        let [first, others @ ..] = &mut lists;
        let mut bound = kernel.bind(("k", 1.0), [Out::inout("a", first)]).unwrap();
        bound.run().unwrap();
        for other in others {
            bound = bound.rebind(("k", 1.0), [Out::inout("a", other)]).unwrap();
            bound.run().unwrap();
        }
        drop(bound);
        assert_eq!(lists, [vec![3.0; 1000], vec![5.0; 1000], vec![7.0; 1000]], "{name}");
    }
}

/// If an output overlaps an input, another pair must have the same distance, or not overlap.
#[test]
fn overlaps_stay_as_they_were() {
    const N: usize = 5000;
    for (name, engine) in engines() {
        let kernel = kernel_for(&engine, "a * 2 + a[::-1]");
        let values: Vec<f64> = (0..N + 8).map(|i| i as f64).collect();
        let pair = |buffer: &mut [f64], from: usize, to: usize| {
            let start = buffer.as_mut_ptr();
            // SAFETY: both arrays are inside the buffer, which is not accessed meanwhile.
            unsafe {
                let arg = Arg::raw(start.add(from).cast(), &[N], &[8], DType::F64);
                (arg, Out::raw(start.add(to).cast(), &[N], &[8], DType::F64))
            }
        };
        let want = |from: usize| -> Vec<f64> {
            (0..N).map(|i| values[from + i] * 2.0 + values[from + N - 1 - i]).collect()
        };
        let [mut one, mut two, mut far] = [values.clone(), values.clone(), vec![0.0; N]];
        let (arg, out) = pair(&mut one, 0, 1);
        let mut bound = kernel.bind([arg], [out]).unwrap();
        bound.run().unwrap();
        assert_eq!(one[1..=N], want(0), "{name}");
        // At the same distance as before.
        let (arg, out) = pair(&mut two, 4, 5);
        let mut bound = bound.rebind([arg], [out]).unwrap();
        bound.run().unwrap();
        assert_eq!(two[5..N + 5], want(4), "{name}");
        // Without overlap.
        let mut bound = bound.rebind([&values[..N]], [&mut far]).unwrap();
        bound.run().unwrap();
        let idle = bound.release();
        assert_eq!(far, want(0), "{name}");
        let (arg, out) = pair(&mut two, 0, 2);
        let error = idle.rebind([arg], [out]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Alias, "{name}");
        let message = "output 0 overlaps the input 'a' differently than when bound";
        assert_eq!(
            (error.message(), error.hints()),
            (message, &["bind the kernel anew".into()][..])
        );
    }
}

#[test]
fn what_is_not_as_before_is_refused() {
    let kernel = kernel_for(&Engine::default(), "a + row[0, 0] * k");
    let (a, row) = ([1.0, 2.0, 3.0], ndarray::arr2(&[[2.0, 3.0]]));
    let mut y = [0.0; 3];
    let (narrow, short, reversed) = ([1f32; 3], [1.0; 2], ndarray::arr1(&a));
    let reversed = reversed.slice(ndarray::s![..;-1]);
    let mut try_with = |args: Vec<(&'static str, Arg<'_>)>| {
        let bound = kernel.bind((("a", &a), ("row", &row), ("k", 2.0)), [&mut y]).unwrap();
        let mut z = [0.0; 3];
        let result = bound.rebind(args, [&mut z]).map(|_| ());
        result.map_err(|error| (error.kind(), error.message().to_string()))
    };
    let (row, k) = (("row", Arg::from(&row)), ("k", Arg::from(3.0)));
    let mut try_a = |arg: Arg<'_>| try_with(vec![("a", arg), row.clone(), k.clone()]);
    assert_eq!(try_a((&[5.0; 3]).into()), Ok(()));
    for (arg, kind, part) in [
        ((&narrow).into(), ErrorKind::Type, "'a' is f32, but was bound as f64"),
        ((&short).into(), ErrorKind::Shape, "'a' has the shape (2,), but was bound with (3,)"),
        (reversed.into(), ErrorKind::Layout, "'a' has another memory layout"),
        (Arg::from(&a).byte_swapped(), ErrorKind::Layout, "'a' has another memory layout"),
        (1.0.into(), ErrorKind::Type, "'a' is of another type than when bound"),
    ] {
        let (got, message) = try_a(arg).unwrap_err();
        assert!(got == kind && message.starts_with(part), "{message}");
    }
    // SAFETY: an array with a null address is rejected.
    let null = unsafe { Arg::raw(std::ptr::null(), &[3], &[8], DType::F64) };
    assert_eq!(try_a(null).unwrap_err().0, ErrorKind::Layout);
    let missing = try_with(vec![("a", (&a).into()), k.clone()]).unwrap_err();
    assert_eq!(missing, (ErrorKind::Name, "missing the input 'row'".to_string()));
    let missing = try_with(vec![("a", (&a).into()), row.clone()]).unwrap_err();
    assert_eq!(missing, (ErrorKind::Name, "missing the input 'k'".to_string()));
    let twice = try_with(vec![("a", (&a).into()), ("a", (&a).into())]).unwrap_err();
    assert_eq!(twice, (ErrorKind::Name, "'a' is given twice".to_string()));
    let twice = try_with(vec![k.clone(), k.clone(), row.clone()]).unwrap_err();
    assert_eq!(twice, (ErrorKind::Name, "'k' is given twice".to_string()));

    let bound = || kernel_for(&Engine::default(), "a + 1");
    let (a, mut y, mut z) = ([1.0; 3], [0.0; 3], [0.0; 3]);
    let error = bound().bind([&a], [&mut y]).unwrap().rebind([&a], Vec::<Out>::new()).unwrap_err();
    assert_eq!(error.message(), "0 output arrays for 1 outputs");
    let error = bound().bind([&a], [&mut y]).unwrap().rebind([&a, &a], [&mut z]).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Arity, "more arguments than the 1 inputs")
    );
    // A number that does not fit is an error, as in binding.
    let program = compile("a + k").unwrap();
    let types = [("a", ArgType::array(DType::U8)), ("k", ArgType::weak(hotloop::types::Kind::Int))];
    let kernel = program.specialize(&types).unwrap();
    let (a, mut y, mut z) = ([1u8, 2], [0u8; 2], [0u8; 2]);
    let bound = kernel.bind((("a", &a), ("k", 200)), [&mut y]).unwrap();
    let mut bound = bound.rebind((("a", &a), ("k", 3)), [&mut z]).unwrap();
    bound.run().unwrap();
    let idle = bound.release();
    assert_eq!(z, [4, 5]);
    let error = idle.rebind((("a", &a), ("k", 300)), [&mut z]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type, "{error}");
}

#[test]
fn arrays_and_numbers_are_given_by_address() {
    for (name, engine) in engines() {
        let kernel = kernel_for(&engine, "a * k + a[::-1] + point");
        let pair =
            |a: &[f64], y: &mut [f64]| (a.as_ptr().cast::<u8>(), y.as_mut_ptr().cast::<u8>());
        let want = |a: &[f64], k: f64, point: f64| -> Vec<f64> {
            a.iter().zip(a.iter().rev()).map(|(x, back)| x * k + back + point).collect()
        };
        let (a, b) = ([1.0, 2.0, 4.0], [8.0, 16.0, 32.0]);
        let (mut y, mut z, mut point, mut k) = ([0.0; 3], [0.0; 3], 0.25, 2.0);
        let args = (("a", &a), ("k", k), ("point", Arg::typed(point)));
        let mut bound = kernel.bind(args, [&mut y]).unwrap();
        bound.run().unwrap();
        let mut bound = bound.release();
        assert_eq!(y[..], want(&a, k, point), "{name}");
        (k, point) = (10.0, 0.5);
        let number = |value: &f64| std::ptr::from_ref(value).cast::<u8>();
        let (from, to) = pair(&b, &mut z);
        // SAFETY: three elements each, and numbers, which outlive the run.
        unsafe { bound.rebind_raw(&[from, number(&k), number(&point)], &[to]) }.unwrap();
        bound.run().unwrap();
        assert_eq!(z[..], want(&b, k, point), "{name}");
        // Overlap that there was not before; the kernel can be used again afterwards.
        let mut both = [1.0, 2.0, 4.0, 0.0];
        let start = both.as_mut_ptr();
        // SAFETY: as above; nothing runs.
        let error = unsafe {
            let inputs = [start.cast_const().cast(), number(&k), number(&point)];
            bound.rebind_raw(&inputs, &[start.add(1).cast()])
        };
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Alias, "{name}");
        assert_eq!(bound.run().unwrap_err().kind(), ErrorKind::Layout, "{name}");
        // SAFETY: as above.
        unsafe {
            let null = [std::ptr::null(), number(&k), number(&point)];
            assert_eq!(bound.rebind_raw(&null, &[to]).unwrap_err().kind(), ErrorKind::Layout);
            assert_eq!(bound.rebind_raw(&[from], &[to]).unwrap_err().kind(), ErrorKind::Arity);
            bound.rebind_raw(&[a.as_ptr().cast(), number(&k), number(&point)], &[to]).unwrap();
        }
        bound.run().unwrap();
        drop(bound);
        assert_eq!((z[..].to_vec(), both), (want(&a, k, point), [1.0, 2.0, 4.0, 0.0]), "{name}");
    }
}
