//! A hostile host: extreme layouts and options, misbehaving callbacks, threads that end during a
//! run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hotloop::threads::{ForEach, Isa};
use hotloop::{Arg, ArgType, Backend, DType, Engine, ErrorKind, Out, Outputs, RunOptions, ndarray};
use hotloop_testing::alone;
use hotloop_testing::generator::data::Rng;

/// The interpreter, and native engines for each instruction set, on one thread and on two.
fn engines() -> Vec<(String, Engine)> {
    let interpreter = Engine::builder().backend(Backend::Interpreter).build();
    let mut list = vec![("interpreter".to_string(), interpreter)];
    for isa in Isa::available() {
        for threads in [1, 2] {
            let builder = Engine::builder().backend(Backend::Native).isa(isa).threads(threads);
            list.push((format!("{} on {threads}", isa.name()), builder.eager().build()));
        }
    }
    list
}

/// The result of a run, for comparison.
fn shown(outputs: &Outputs) -> Vec<(Vec<usize>, DType, Vec<u8>)> {
    outputs.iter().map(|o| (o.shape().to_vec(), o.dtype(), o.bytes().into_owned())).collect()
}

/// Strides that are never used may have any value: those of axes of one element, and of empty
/// arrays.
#[test]
fn d9_strides_that_nobody_takes_may_be_any() {
    let texts = [
        "a + 1",
        "a[..., ::-1] * 2",
        "sum(a)",
        "max(a + a[..., ::-1], axis=-1) if False else sum(a, axis=-1)",
        "sum(a, axis=0)",
        "transpose(a) - 1",
        "a - sum(a, axis=0, keepdims=True)",
        "a[None, ..., None] + a[..., None]",
        "a[..., :1] + a[..., -1:]",
        "argmin(a + 1, axis=0) if False else i64(sum(a, axis=0))",
        "where(a > 1, a, -a)",
    ];
    let edges = [isize::MIN, isize::MIN + 1, isize::MAX, isize::MAX - 7, -1, 0, 1, 3, 1 << 62];
    let engines = engines();
    let data: Vec<i64> = (0..64).collect();
    for seed in 0..600u64 {
        let rng = &mut Rng(seed);
        let rank = 1 + rng.below(if seed % 10 == 0 { 60 } else { 5 }) as usize;
        let empty = rng.below(4) == 0;
        let mut shape: Vec<usize> = (0..rank).map(|_| 1 + rng.below(8) as usize / 7).collect();
        if shape.iter().filter(|n| **n == 2).count() > 5 {
            shape.iter_mut().skip(5).for_each(|n| *n = 1);
        }
        if empty {
            shape[rng.below(rank as u64) as usize] = 0;
        }
        let mut step = 8;
        let strides: Vec<isize> = shape
            .iter()
            .map(|n| match n {
                2 if !empty => {
                    step *= 2;
                    step / 2
                }
                _ => edges[rng.below(edges.len() as u64) as usize],
            })
            .collect();
        // SAFETY: the strides of axes of two elements are those of a small array, and the others
        // are never used.
        let arg = || unsafe { Arg::raw(data.as_ptr().cast(), &shape, &strides, DType::I64) };
        for text in texts {
            let mut first = None;
            for (name, engine) in &engines {
                let got = engine.compile(text).unwrap().eval([arg()]);
                let got = got.map(|outputs| shown(&outputs)).map_err(|e| (e.kind(), e.to_string()));
                if let Err((kind, message)) = &got {
                    assert_ne!(*kind, ErrorKind::Internal, "{message}");
                }
                let want = first.get_or_insert_with(|| got.clone());
                assert!(*want == got, "{text} of {shape:?} {strides:?} on {name}: {got:?}");
            }
        }
        // The same layout as an output.
        let program = hotloop::compile("a * 0 + 7").unwrap();
        let mut room = vec![0i64; 64];
        let count: usize = shape.iter().product();
        // SAFETY: as above.
        let out = unsafe { Out::raw(room.as_mut_ptr().cast(), &shape, &strides, DType::I64) };
        program.eval_into([arg()], &mut [out]).unwrap();
        assert_eq!(room.iter().filter(|v| **v == 7).count(), count, "{shape:?} {strides:?}");
    }
}

/// Options of any size cause neither an overflow nor an impossible allocation.
#[test]
fn f12_options_of_any_size() {
    if !alone("f12_options_of_any_size") {
        return;
    }
    let a: Vec<f64> = (0..3_000_000).map(f64::from).collect();
    let want = hotloop::compile("a * 2 + 1").unwrap().eval_as::<f64>([Arg::from(&a)]).unwrap();
    let none = [usize::MAX, 1 << 40, 70_000];
    for (what, builder) in [
        ("threads", Engine::builder().threads(0).eager()),
        ("threads", Engine::builder().threads(1024).eager()),
        ("threads", Engine::builder().threads(usize::MAX).eager()),
        ("threads", Engine::builder().threads(usize::MAX)),
        ("cores", Engine::builder().threads(2).eager().pin(&none)),
        ("cores", Engine::builder().threads(usize::MAX).eager().pin(&[0])),
        ("budget", Engine::builder().compile_budget(Duration::MAX)),
        ("text", Engine::builder().max_text(usize::MAX)),
        ("nodes", Engine::builder().max_nodes(usize::MAX)),
        ("arrays", Engine::builder().max_arrays(usize::MAX)),
        ("cache", Engine::builder().cache_capacity(usize::MAX)),
        ("cache", Engine::builder().cache_capacity(0)),
    ] {
        let engine = builder.build();
        for options in [
            RunOptions::new(),
            RunOptions::new().deadline(Duration::MAX),
            RunOptions::new().deadline(Duration::from_secs(u64::MAX / 2)),
        ] {
            let program = engine.compile("a * 2 + 1").unwrap().with(options);
            assert!(program.eval_as::<f64>([Arg::from(&a)]).unwrap() == want, "{what}");
        }
        let late =
            engine.compile("a * 2").unwrap().with(RunOptions::new().deadline(Duration::ZERO));
        let error = late.eval([Arg::from(&a)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{what}");
    }
    // Limits of 0 are errors if anything is needed.
    for builder in [
        Engine::builder().max_text(0),
        Engine::builder().max_nodes(0),
        Engine::builder().max_arrays(0),
    ] {
        let error = builder.build().compile("a + 1").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    }
}

/// Names and texts of a million characters, wherever a message may quote them.
#[test]
fn a6_messages_stay_short() {
    let long = "x".repeat(1_000_000);
    let engine = Engine::builder().max_text(1 << 24).build();
    let x = [1.0, 2.0];
    let mut messages = Vec::new();
    for text in [
        format!("{long}(a)"),
        format!("a.{long}"),
        format!("sin(a, {long}=1)"),
        format!("{long} = 1; {long} = "),
        format!("def {long}({long}, {long}) = 1; a"),
        format!("def f(x) = {long}(x); f(a)"),
        format!("a + '{long}'"),
        format!("1{long}"),
        format!("a + 1{}", "0".repeat(1_000_000)),
        format!("{long} {long}"),
        format!("a[{long}]"),
        format!("sum(a, axis={long})"),
        format!("é{long}"),
        format!("{}(a)", "né".repeat(400_000)),
    ] {
        let error = engine.compile(&text).map(|_| ()).unwrap_err();
        messages.push(error.to_string());
    }
    let program = engine.compile(&format!("{long} + b")).unwrap();
    let none: [(&str, Arg); 0] = [];
    messages.push(program.eval(none).unwrap_err().to_string());
    let twice = [(&*long, Arg::from(&x)), (&*long, Arg::from(&x))];
    messages.push(program.eval(twice).unwrap_err().to_string());
    let null = || {
        // SAFETY: the argument is rejected before it is read.
        unsafe { Arg::raw(std::ptr::null(), &[2; 64], &[8; 64], DType::F64) }
    };
    messages.push(program.eval([null(), Arg::from(&x)]).unwrap_err().to_string());
    messages.push(program.specialize(&[]).unwrap_err().to_string());
    let longer = format!("{long}y");
    let types = ["b", &long, &longer].map(|n| (n, ArgType::array(DType::F64)));
    messages.push(program.specialize(&types).unwrap_err().to_string());
    let shapes = [("b", Arg::from(&x)), (&*long, Arg::from(&[1.0; 3]))];
    messages.push(program.eval(shapes).unwrap_err().to_string());
    let mut y = [0.0; 2];
    let bools = [("b", Arg::from(&[true, false])), (&*long, Arg::from(&x))];
    let error = engine.compile(&format!("y = {long} - b; y")).unwrap();
    let error = error.eval_into(bools, &mut [Out::inout(&long, &mut y)]).unwrap_err();
    messages.push(error.to_string());
    let named = engine.compile(&format!("{long} = a; {long}")).unwrap();
    let mut outputs = named.eval([Arg::from(&x)]).unwrap();
    messages.push(outputs.take::<f32>(&*long).unwrap_err().to_string());
    messages.push(outputs.take::<f64>(&*format!("{long}z")).unwrap_err().to_string());
    for message in messages {
        assert!(message.len() < 2048, "{} bytes: {:.200}", message.len(), message);
        assert!(!message.contains("internal error"), "{message}");
    }
}

/// One element in every kind of array, read and written.
#[test]
fn c8_single_elements_in_every_form() {
    let value = -2.5f64;
    let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
    for (name, engine) in engines() {
        for rank in [0, 1, 7, 64] {
            for swapped in [false, true] {
                let bytes = if swapped { &big } else { &little };
                let (shape, strides) = (vec![1; rank], vec![isize::MIN; rank]);
                // SAFETY: there is one element, so no stride is used.
                let mut arg = unsafe { Arg::raw(bytes.as_ptr(), &shape, &strides, DType::F64) };
                if swapped {
                    arg = arg.byte_swapped();
                }
                for (text, want) in [("a * 2", -5.0), ("sum(a) - a", 0.0), ("max(a) + a", -5.0)] {
                    let mut room = [0u8; 8];
                    // SAFETY: as above.
                    let mut out =
                        unsafe { Out::raw(room.as_mut_ptr(), &shape, &strides, DType::F64) };
                    if swapped {
                        out = out.byte_swapped();
                    }
                    let program = engine.compile(text).unwrap();
                    program.eval_into([arg.clone()], &mut [out]).unwrap();
                    let got =
                        if swapped { f64::from_be_bytes(room) } else { f64::from_le_bytes(room) };
                    assert_eq!(got, want, "{text} of rank {rank}, swapped {swapped}, on {name}");
                    let fresh = program.eval([arg.clone()]).unwrap();
                    assert_eq!(fresh[0].view::<f64>().unwrap().sum(), want, "{text} on {name}");
                    assert_eq!(fresh[0].shape(), shape, "{text} on {name}");
                }
            }
        }
    }
}

/// A thousand outputs, and as many in-place inputs, all in one block of memory.
#[test]
fn f3_a_thousand_outputs_in_one_block() {
    const N: usize = 1000;
    let list = |each: &dyn Fn(usize) -> String| (0..N).map(each).collect::<Vec<_>>().join(", ");
    let text = list(&|i| format!("x{i} * 2 + x{}", (i + 1) % N));
    for (name, engine) in engines() {
        let program = engine.compile(&text).unwrap();
        // Columns of a table: their ranges of addresses overlap, but not their elements.
        let mut table: Vec<f64> = (0..7 * N).map(|i| i as f64).collect();
        let before = table.clone();
        let base = table.as_mut_ptr().cast::<u8>();
        let names: Vec<String> = (0..N).map(|i| format!("x{i}")).collect();
        let mut outs: Vec<Out> = names
            .iter()
            .enumerate()
            .map(|(i, column)| {
                // SAFETY: the column is inside the table, which outlives the argument.
                let out = unsafe { Out::raw(base.add(8 * i), &[7], &[8 * N as isize], DType::F64) };
                Out::inout(column, out)
            })
            .collect();
        program.eval_into((), &mut outs).unwrap();
        drop(outs);
        for row in 0..7 {
            for i in 0..N {
                let at = |i: usize| before[row * N + i % N];
                assert_eq!(table[row * N + i], at(i) * 2.0 + at(i + 1), "{name}: {row}, {i}");
            }
        }
        // One more output, over the first, is an error.
        let base = table.as_mut_ptr().cast::<u8>();
        let mut outs: Vec<Out> = (0..N)
            .map(|i| {
                // SAFETY: as above; the call is rejected.
                unsafe {
                    Out::raw(base.add(8 * (i % (N - 1))), &[7], &[8 * N as isize], DType::F64)
                }
            })
            .collect();
        let one = [1.0; 7];
        let args: Vec<Arg> = (0..N).map(|_| Arg::from(&one)).collect();
        let error = program.eval_into(&args[..], &mut outs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Alias, "{name}");
        assert!(error.to_string().contains("output 999 overlaps output 0"), "{name}: {error}");
    }
}

/// Host loops that are wrong: calls are missing, repeated, reversed, nested, or made from several
/// threads at once. Every element is still computed exactly once.
#[test]
fn f16_a_host_whose_loop_is_wrong() {
    let a: Vec<f64> = (0..400_000).map(|i| f64::from(i % 1013) / 7.0).collect();
    let text = "y = sin(a) * 3; y, sum(y), max(a)";
    let hosts: [(&str, &ForEach); 8] = [
        ("never", &|_, _| {}),
        ("the first only", &|_, call| call(0)),
        ("each twice", &|n, call| (0..2 * n).for_each(|i| call(i / 2))),
        ("backwards", &|n, call| (0..n).rev().for_each(call)),
        ("beyond the end", &|n, call| (n..3 * n).chain([usize::MAX]).for_each(call)),
        ("on many threads at once", &|n, call| {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(move || (0..n).for_each(call));
                }
            });
        }),
        ("the same on many threads", &|_, call| {
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(move || call(0));
                }
            });
        }),
        ("in between another run", &|n, call| {
            let b = [1.0, 2.0];
            let inner = hotloop::compile("sum(b)").unwrap();
            for i in 0..n {
                assert_eq!(inner.eval_as::<f64>([Arg::from(&b)]).unwrap()[[]], 3.0);
                call(i);
            }
        }),
    ];
    let engine = Engine::builder().backend(Backend::Native).threads(4).eager().build();
    let program = engine.compile(text).unwrap();
    let want = shown(&program.eval([Arg::from(&a)]).unwrap());
    let kernel = program.specialize(&[("a", ArgType::array(DType::F64))]).unwrap();
    let (mut y, mut sum, mut max) = (vec![0.0; a.len()], ndarray::arr0(0.0), ndarray::arr0(0.0));
    let outs = [Out::from(&mut y), Out::from(&mut sum), Out::from(&mut max)];
    let mut bound = kernel.bind([&a], outs).unwrap();
    for (_, host) in hosts {
        bound.run_on(host).unwrap();
    }
    // A host loop that panics before, between or after its calls: the caller gets the panic, and
    // the bound kernel runs again.
    for after in [0, 1, 2, 3] {
        let calls = AtomicUsize::new(0);
        let run = || {
            bound.run_on(&|n, call| {
                for i in 0..n {
                    assert!(calls.fetch_add(1, Ordering::Relaxed) != after, "the host gives up");
                    call(i);
                }
            })
        };
        let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("its panic is passed on");
        assert_eq!(*panic.downcast_ref::<&str>().unwrap(), "the host gives up");
        bound.run().unwrap();
    }
    drop(bound);
    let bytes = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    assert!(bytes(&y) == want[0].2, "an element is missing or was computed twice");
    assert_eq!([bytes(&[sum[[]]]), bytes(&[max[[]]])], [want[1].2.clone(), want[2].2.clone()]);
}
