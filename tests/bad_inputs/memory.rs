//! D. Sizes, addresses, memory that changes during a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hotloop::explain::Progress;
use hotloop::{Arg, Backend, DType, Engine, ErrorKind, Out, RunOptions, compile, ndarray};

use super::{checked, engines, eval, everywhere, expect};

#[test]
fn d8_outputs_that_do_not_fit() {
    let x = [1.0, 2.0, 3.0];
    let program = compile("a * 2").unwrap();
    let mut floats = [9f32; 3];
    let error = program.eval_into([Arg::from(&x)], &mut [Out::from(&mut floats)]).unwrap_err();
    expect(&error, ErrorKind::Type, "output 0 is f64, but the array for it is f32");
    assert_eq!(floats, [9.0; 3]);
    let mut short = [9.0; 2];
    let error = program.eval_into([Arg::from(&x)], &mut [Out::from(&mut short)]).unwrap_err();
    expect(&error, ErrorKind::Shape, "(3,)");
    assert_eq!(short, [9.0; 2]);
    let mut spread = [9.0; 6];
    let view = ndarray::ArrayViewMut1::from(&mut spread[..]).slice_move(ndarray::s![..;2]);
    program.eval_into([Arg::from(&x)], &mut [view.into()]).unwrap();
    assert_eq!(spread, [2.0, 9.0, 4.0, 9.0, 6.0, 9.0]);
}

#[test]
fn d9_extents_that_overflow() {
    let byte = 1u8;
    let pointer = &raw const byte;
    // SAFETY: each argument is rejected before it is read.
    let raw = |shape: &[usize], strides: &[isize]| unsafe {
        Arg::raw(pointer, shape, strides, DType::U8)
    };
    let cases = [
        (raw(&[1 << 40, 1 << 40], &[1 << 40, 1]), ErrorKind::Layout),
        (raw(&[usize::MAX], &[1]), ErrorKind::Layout),
        (raw(&[3], &[isize::MAX]), ErrorKind::Layout),
        (raw(&[3], &[isize::MIN]), ErrorKind::Layout),
        (raw(&[2, 2], &[isize::MAX, isize::MAX]), ErrorKind::Layout),
        (raw(&[1 << 40, 1 << 40], &[0, 0]), ErrorKind::Limit),
        (raw(&[usize::MAX], &[0]), ErrorKind::Layout),
        (raw(&[1 << 62], &[0]), ErrorKind::Limit),
        (raw(&[1; 65], &[0; 65]), ErrorKind::Limit),
        (raw(&[1; 136], &[0; 136]), ErrorKind::Limit),
        (raw(&[2, 2], &[1]), ErrorKind::Layout),
    ];
    for (name, engine) in engines() {
        for (number, (arg, kind)) in cases.iter().enumerate() {
            for expr in ["a + 1", "sum(a)"] {
                let error = engine
                    .compile(expr)
                    .unwrap()
                    .eval([arg.clone()])
                    .expect_err(&format!("case {number} of {expr} on {name}"));
                assert_eq!(error.kind(), *kind, "case {number} of {expr} on {name}: {error}");
            }
        }
    }
    // Two shapes whose broadcast shape overflows, although neither does.
    let (tall, wide) = (raw(&[1 << 40, 1], &[0, 0]), raw(&[1, 1 << 40], &[0, 0]));
    let error = compile("sum(a + b)").unwrap().eval([tall, wide]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    // 64 axes are allowed.
    assert_eq!(eval::<u8>("a + 1", &[("a", raw(&[1; 64], &[0; 64]))]), [2]);
    // An output that is too large is an error before memory is touched.
    let error = compile("f64(a)").unwrap().eval([raw(&[1 << 57], &[0])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
}

#[test]
fn d9_derived_extents_and_indices_that_overflow() {
    let byte = 3u8;
    // SAFETY: all elements are one byte, which outlives the arguments.
    let raw = |shape: &[usize]| unsafe {
        Arg::raw(&raw const byte, shape, &vec![0; shape.len()], DType::U8)
    };
    let huge = 1usize << 40;
    for (name, engine) in engines() {
        let eval = |text: &str, shapes: &[&[usize]]| {
            let args: Vec<Arg> = shapes.iter().map(|s| raw(s)).collect();
            engine.compile(text).unwrap().eval(&args[..])
        };
        let kind = |text: &str, shapes: &[&[usize]]| {
            eval(text, shapes).expect_err(&format!("{text} on {name}")).kind()
        };
        // The number of reduced elements may overflow, although the result is small.
        assert_eq!(kind("sum(a + b, axis=0)", &[&[huge, 1], &[1, huge]]), ErrorKind::Limit);
        assert_eq!(kind("sum(a[:, None] + b)", &[&[huge], &[huge]]), ErrorKind::Limit);
        assert_eq!(kind("transpose(a) + a", &[&[huge, 1]]), ErrorKind::Limit);
        // Views with more axes than allowed.
        assert_eq!(kind("expand_dims(a, 0)", &[&[1; 64]]), ErrorKind::Limit);
        assert_eq!(kind("a[None, ..., None]", &[&[1; 63]]), ErrorKind::Limit);
        assert_eq!(eval("a[None]", &[&[1; 63]]).unwrap()[0].shape(), [1; 64]);
        // Bounds and steps near the limits of i64.
        let (most, least) = (i64::MAX, i64::MIN);
        for (text, want) in [
            (format!("a[{most}:]"), 0),
            (format!("a[{least}:{most}]"), 5),
            (format!("a[::{most}]"), 1),
            (format!("a[::{least}]"), 1),
            (format!("a[{most}:{least}:-1]"), 5),
            (format!("a[{least}:{most}:-1]"), 0),
        ] {
            assert_eq!(eval(&text, &[&[5]]).unwrap()[0].bytes(), vec![3; want], "{text}, {name}");
        }
        for at in [most, least, 5, -6] {
            assert_eq!(kind(&format!("a[{at}]"), &[&[5]]), ErrorKind::Shape);
            assert_eq!(kind(&format!("sum(a, axis={at})"), &[&[5]]), ErrorKind::Shape);
            assert_eq!(kind(&format!("expand_dims(a, {at})"), &[&[5]]), ErrorKind::Shape);
        }
        // A part of an array that does not fit memory; the interpreter needs the whole array.
        if name != "interpreter" {
            assert_eq!(eval("a[:0] + 1", &[&[huge]]).unwrap()[0].shape(), [0]);
            assert_eq!(eval("a[7]", &[&[1 << 50]]).unwrap()[0].bytes()[..], [3]);
            assert_eq!(eval("a[::-1][-3:]", &[&[huge]]).unwrap()[0].bytes()[..], [3; 3]);
        }
    }
}

/// Addresses with impossible layouts: everything that can be detected is an error with the
/// argument's name, before any access.
#[test]
fn d10_layouts_that_cannot_be() {
    let data = [1.0f64, 2.0, 3.0];
    let pointer = data.as_ptr().cast::<u8>();
    let high = std::ptr::without_provenance::<u8>(usize::MAX - 15);
    // SAFETY: none of the arguments is read.
    let raw = |pointer: *const u8, shape: &[usize], strides: &[isize]| unsafe {
        Arg::raw(pointer, shape, strides, DType::F64)
    };
    let cases = [
        (raw(pointer, &[3], &[]), ErrorKind::Layout, "'price' has 1 axes and 0 strides"),
        (raw(pointer, &[], &[8]), ErrorKind::Layout, "'price' has 0 axes and 1 strides"),
        (raw(pointer, &[1; 65], &[8; 65]), ErrorKind::Limit, "'price' has 65 axes"),
        (raw(std::ptr::null(), &[3], &[8]), ErrorKind::Layout, "'price' is a null pointer"),
        (raw(high, &[3], &[8]), ErrorKind::Layout, "'price' of shape (3,) reaches beyond"),
        (raw(high, &[2, 3], &[0, 8]), ErrorKind::Layout, "'price' of shape (2, 3) reaches"),
        (raw(pointer, &[1 << 61], &[8]), ErrorKind::Layout, "reaches beyond the address space"),
        (raw(pointer, &[3], &[isize::MIN / 2]), ErrorKind::Layout, "reaches beyond"),
    ];
    for (name, engine) in engines() {
        let program = engine.compile("price * 2").unwrap();
        for (arg, kind, message) in &cases {
            let error = program.eval([("price", arg.clone())]).expect_err(name);
            expect(&checked(error, "price * 2"), *kind, message);
            let mut y = [7.0; 3];
            let result = program.eval_into([("price", arg.clone())], &mut [Out::from(&mut y)]);
            assert_eq!(result.expect_err(name).kind(), *kind);
            assert_eq!(y, [7.0; 3]);
        }
        // The same for outputs.
        let mut y = [7.0f64; 3];
        let at = y.as_mut_ptr().cast::<u8>();
        let end = high.cast_mut();
        let lies: [(*mut u8, &[usize], &[isize]); 4] = [
            (at, &[3], &[]),
            (at, &[3], &[isize::MAX]),
            (end, &[3], &[8]),
            (std::ptr::null_mut(), &[3], &[8]),
        ];
        for (at, shape, strides) in lies {
            // SAFETY: the output is rejected before it is written.
            let out = unsafe { Out::raw(at, shape, strides, DType::F64) };
            let error = program.eval_into([("price", Arg::from(&data))], &mut [out]);
            expect(&error.expect_err(name), ErrorKind::Layout, "output 0");
        }
        assert_eq!(y, [7.0; 3]);
        let good = program.eval_as::<f64>([("price", Arg::from(&data))]).unwrap();
        assert_eq!(good.as_slice().unwrap(), [2.0, 4.0, 6.0], "it goes on");
    }
}

#[test]
fn d11_null_pointers() {
    // SAFETY: nothing is read through a null pointer.
    let null = |shape: &[usize], strides: &[isize]| unsafe {
        Arg::raw(std::ptr::null(), shape, strides, DType::F64)
    };
    for (name, engine) in engines() {
        let program = engine.compile("a + 1").unwrap();
        let y = program.eval([null(&[0], &[8])]).unwrap();
        assert_eq!(y[0].shape(), [0], "{name}");
        assert_eq!(
            engine.compile("sum(a)").unwrap().eval_as::<f64>([null(&[3, 0], &[0, 8])]).unwrap()[[]],
            0.0
        );
        expect(
            &program.eval([null(&[1], &[8])]).unwrap_err(),
            ErrorKind::Layout,
            "'a' is a null pointer",
        );
        expect(&program.eval([null(&[], &[])]).unwrap_err(), ErrorKind::Layout, "null pointer");
        // SAFETY: as above.
        let out = |n: usize| unsafe { Out::raw(std::ptr::null_mut(), &[n], &[8], DType::F64) };
        program.eval_into([null(&[0], &[8])], &mut [out(0)]).unwrap();
        let error = program.eval_into([Arg::from(&[1.0])], &mut [out(1)]).unwrap_err();
        expect(&error, ErrorKind::Layout, "output 0 is a null pointer");
    }
}

/// Tells another thread to end when this value is dropped, even after a failed assertion.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Another thread writes to the inputs during the run: values may be torn, but nothing else goes
/// wrong. No check of one reading is relied on for another: divisors, conditions, shifts, bools and
/// indices change meanwhile.
#[test]
fn d12_inputs_that_change_meanwhile() {
    const N: usize = 5000;
    let shared: Vec<AtomicU64> = (0..N).map(|_| AtomicU64::new(1)).collect();
    let running = AtomicBool::new(true);
    // SAFETY: the bytes are readable. That they change is what this tests; they change only in
    // whole words, by atomic stores.
    let seen = |dtype: DType| unsafe {
        let n = N * 8 / dtype.size();
        Arg::raw(shared.as_ptr().cast(), &[n], &[dtype.size() as isize], dtype)
    };
    std::thread::scope(|scope| {
        let _until_the_end = Ends(&running);
        scope.spawn(|| {
            let patterns = [0, u64::MAX, 1, 1 << 63, 0x00ff_0002_8000_0001, 0x7ff0_0000_0000_0001];
            let mut turn = 0;
            while running.load(Ordering::Relaxed) {
                turn += 1;
                for (i, word) in shared.iter().enumerate() {
                    word.store(patterns[(i + turn) % patterns.len()], Ordering::Relaxed);
                }
            }
        });
        let start = Instant::now();
        let mut rounds = 0;
        while rounds < 2 || start.elapsed() < Duration::from_millis(1500) {
            rounds += 1;
            for (name, engine) in engines() {
                let eval = |text: &str, arg: Arg| {
                    let program = engine.compile(text).unwrap();
                    program.eval([arg]).unwrap_or_else(|e| panic!("{text} on {name}: {e}"))
                };
                for dtype in [DType::I8, DType::I32, DType::I64, DType::U8, DType::U64] {
                    // There is no trap, although the divisor may become zero after a check.
                    eval("(a + 1) // a + (a - 1) % a", seen(dtype));
                    eval("7 // a[::-1]", seen(dtype));
                    eval("(a << a) ^ (a >> a)", seen(dtype));
                    let at = eval("argmin(a), argmax(a)", seen(dtype));
                    let n = (N * 8 / dtype.size()) as i64;
                    for i in [0, 1] {
                        let at = at[i].view::<i64>().unwrap()[[]];
                        assert!((0..n).contains(&at), "{at} of {n} on {name}");
                    }
                }
                // A bool in an output is 0 or 1, whatever was read.
                for text in ["a", "not a", "a & a[::-1]", "where(a, a, not a)"] {
                    let y = eval(text, seen(DType::Bool));
                    assert!(y[0].bytes().iter().all(|b| *b < 2), "{text} on {name}");
                }
                let counts = eval("count_nonzero(a), any(a), all(a)", seen(DType::Bool));
                let count = counts[0].view::<i64>().unwrap()[[]];
                assert!((0..=8 * N as i64).contains(&count), "{count} on {name}");
                eval("sin(a) + a**a", seen(DType::F64));
                eval("i16(a) + i16(f32(a))", seen(DType::F64));
            }
        }
    });
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes long in a debug build")]
fn d14_more_elements_than_32_bits_count() {
    let n = (1usize << 32) + 7;
    let engine = Engine::builder().backend(Backend::Native).threads(2).eager().build();
    let progress = Arc::new(Progress::new());
    let program = engine.compile("max(a)").unwrap().with(RunOptions::new().progress(&progress));
    assert_eq!(program.eval_as::<i8>([everywhere(&-1i8, n)]).unwrap()[[]], -1);
    assert_eq!((progress.done(), progress.total()), (n as u64, n as u64));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes long in a debug build")]
fn d14_sum_of_more_elements_than_32_bits_count() {
    let n = (1usize << 32) + 7;
    let y = compile("sum(a)").unwrap().eval_as::<i64>([everywhere(&-1i8, n)]).unwrap();
    assert_eq!(y[[]], -(n as i64));
}

/// Needs 9 GB of memory: `cargo test --release --test bad_inputs -- --ignored d14`.
#[test]
#[ignore = "needs 9 GB of memory"]
fn d14_output_of_more_elements_than_32_bits_count() {
    let n = (1usize << 32) + 7;
    let a: Vec<i8> = (0..n).map(|i| (i % 127) as i8).collect();
    let y = compile("a + 1").unwrap().eval_as::<i8>([Arg::from(&a)]).unwrap();
    for i in [0, 126, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, n - 1] {
        assert_eq!(y[[i]], (i % 127) as i8 + 1, "element {i}");
    }
    assert!(y.iter().enumerate().all(|(i, v)| *v == (i % 127) as i8 + 1));
}

/// Takes minutes, but little memory, because untouched pages are all the same page: `cargo test
/// --release --test bad_inputs -- --ignored d14_axes`.
#[test]
#[ignore = "takes minutes"]
fn d14_axes_of_more_elements_than_32_bits_count() {
    for n in [(1usize << 31) + 3, (1 << 32) + 7] {
        let mut a = vec![0i8; n];
        let mark = n - 2;
        a[mark] = -5;
        // SAFETY: the shapes have at most as many elements as the list, which outlives the
        // arguments.
        let seen = |shape: &[usize], strides: &[isize]| unsafe {
            Arg::raw(a.as_ptr().cast(), shape, strides, DType::I8)
        };
        for threads in [1, 2] {
            let engine = Engine::builder().backend(Backend::Native).threads(threads).build();
            let run = |text: &str, arg: Arg| {
                let mut outputs = engine.compile(text).unwrap().eval([arg]).unwrap();
                outputs.take::<i64>(0).unwrap().into_raw_vec_and_offset().0
            };
            let line = || seen(&[n], &[1]);
            assert_eq!(run("argmin(a)", line()), [mark as i64]);
            assert_eq!(run("argmin(a[::-1])", line()), [(n - 1 - mark) as i64]);
            assert_eq!(run("i64(a[-2:])", line()), [-5, 0]);
            assert_eq!(run("sum(a[1:] + a[:-1])", line()), [-10]);
            // Long rows, long columns, and many short rows.
            let half = n / 2;
            let long = run("argmin(a, axis=1)", seen(&[2, half], &[half as isize, 1]));
            assert_eq!(long[0], 0);
            assert_eq!(long[1], if mark < 2 * half { (mark - half) as i64 } else { 0 });
            let tall = run("sum(a, axis=0)", seen(&[half, 2], &[2, 1]));
            assert_eq!(tall.iter().sum::<i64>(), if mark < 2 * half { -5 } else { 0 });
            let many = "sum(f64(sum(a, axis=1))), i64(0)";
            let outputs = engine.compile(many).unwrap().eval([seen(&[half, 2], &[2, 1])]).unwrap();
            let total = outputs[0].view::<f64>().unwrap()[[]];
            assert_eq!(total, if mark < 2 * half { -5.0 } else { 0.0 });
        }
    }
}
