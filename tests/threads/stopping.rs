//! F. Stopped runs; clocks.

use std::time::{Duration, Instant};

use hotloop::{Arg, Backend, CancelToken, DType, Engine, ErrorKind, Out, RunOptions};
use hotloop_testing::alone;

use super::{endless, engines};

#[test]
fn f15_stopped_within_50_ms() {
    if !alone("stopping::f15_stopped_within_50_ms") {
        return;
    }
    for (name, engine) in engines() {
        let token = CancelToken::new();
        let program = engine.compile("sum(sin(a))").unwrap().with(RunOptions::new().cancel(&token));
        // The machine may be busy, so one of several attempts must be quick.
        let attempt = || {
            token.reset();
            std::thread::scope(|scope| {
                let run = scope.spawn(|| program.eval([endless()]).map(|_| ()));
                std::thread::sleep(Duration::from_millis(30));
                let start = Instant::now();
                token.cancel();
                let error = run.join().unwrap().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Cancelled);
                start.elapsed()
            })
        };
        let best = (0..5).map(|_| attempt()).min().unwrap();
        assert!(best < Duration::from_millis(50), "{name}: {best:?} after the token was set");
        let after = Duration::from_millis(30);
        let late = engine.compile("sum(sin(a))").unwrap().with(RunOptions::new().deadline(after));
        let attempt = || {
            let start = Instant::now();
            assert_eq!(late.eval([endless()]).unwrap_err().kind(), ErrorKind::Cancelled);
            start.elapsed() - after
        };
        let best = (0..5).map(|_| attempt()).min().unwrap();
        assert!(best < Duration::from_millis(50), "{name}: {best:?} after the deadline");
        // When the token is reset, the program runs again.
        token.reset();
        assert_eq!(program.eval_as::<f64>([Arg::from(&[0.0])]).unwrap()[[]], 0.0, "{name}");
    }
}

/// A program that takes years, on a few mebibytes of memory; each has a different kind of loop.
struct Endless {
    text: &'static str,
    dtype: DType,
    /// The shape and the strides in elements of each input.
    inputs: Vec<(Vec<usize>, Vec<isize>)>,
}

/// The size in bytes of the zeros that all endless arrays share.
const BEHIND: usize = 4 << 20;

fn endless_loops() -> Vec<Endless> {
    let of = |text, dtype, inputs: &[(&[usize], &[isize])]| Endless {
        text,
        dtype,
        inputs: inputs.iter().map(|(shape, strides)| (shape.to_vec(), strides.to_vec())).collect(),
    };
    let long = 1 << 40;
    vec![
        of("sum(a)", DType::U8, &[(&[long], &[0])]),
        of("var(sin(a)), argmin(a), prod(a)", DType::F64, &[(&[long], &[0])]),
        of("sum(a // a + a % 7)", DType::I64, &[(&[long], &[0])]),
        // Sequences along rows, few and many.
        of("sum(a, axis=1)", DType::F64, &[(&[4, long], &[0, 0])]),
        of("max(sum(a, axis=1))", DType::F64, &[(&[1 << 22, 1 << 19], &[0, 1])]),
        of("max(min(a, axis=1))", DType::U8, &[(&[1 << 22, 1 << 22], &[0, 1])]),
        // Sequences side by side, few and many.
        of("sum(a, axis=0)", DType::F64, &[(&[long, 64], &[0, 1])]),
        of("max(sum(a, axis=0))", DType::U8, &[(&[1 << 30, 1 << 22], &[0, 1])]),
        of("max(var(a, axis=0))", DType::F64, &[(&[1 << 30, 1 << 18], &[0, 1])]),
        // Panels: adjacent rows, and columns far apart.
        of("sum(a * 2)", DType::U8, &[(&[1 << 25, 1000, 2000], &[0, 1, 1000])]),
        of(
            "sum(a + b)",
            DType::F64,
            &[(&[1 << 30, 500, 500], &[0, 1, 500]), (&[1 << 30, 500, 500], &[0, 500, 1])],
        ),
        of("sum(a, axis=0)", DType::F64, &[(&[1 << 30, 500, 500], &[0, 1, 500])]),
        // Nests of rows and columns, kept values of both, views, strides.
        of("sum(a + b)", DType::U8, &[(&[1 << 22, 1], &[1, 0]), (&[1, 1 << 22], &[0, 1])]),
        of(
            "sum(sin(a) * exp(b))",
            DType::F64,
            &[(&[1 << 19, 1], &[1, 0]), (&[1, 1 << 19], &[0, 1])],
        ),
        of("sum(a[::-1, 1:] - a[:, :-1])", DType::I32, &[(&[1 << 25, 1 << 19], &[0, 2])]),
    ]
}

/// Every kind of loop checks its token often enough.
#[test]
fn f15_every_loop_is_stopped_within_50_ms() {
    if !alone("stopping::f15_every_loop_is_stopped_within_50_ms") {
        return;
    }
    let memory = vec![0u64; BEHIND / 8];
    let mut worst = Duration::ZERO;
    for threads in [1, 2] {
        let engine = Engine::builder().eager().threads(threads).build();
        for Endless { text, dtype, inputs } in endless_loops() {
            let args: Vec<Arg> = inputs
                .iter()
                .map(|(shape, strides)| {
                    let size = dtype.size() as isize;
                    let strides: Vec<isize> = strides.iter().map(|s| s * size).collect();
                    let ends = shape.iter().zip(&strides).map(|(n, s)| (n - 1) * *s as usize);
                    assert!(ends.sum::<usize>() + size as usize <= BEHIND, "{text}");
                    // SAFETY: all elements are inside the memory, as asserted above.
                    unsafe { Arg::raw(memory.as_ptr().cast(), shape, &strides, dtype) }
                })
                .collect();
            let token = CancelToken::new();
            let program = engine.compile(text).unwrap().with(RunOptions::new().cancel(&token));
            let attempt = || {
                token.reset();
                std::thread::scope(|scope| {
                    let run = scope.spawn(|| program.eval(&args[..]).map(|_| ()));
                    std::thread::sleep(Duration::from_millis(60));
                    let start = Instant::now();
                    token.cancel();
                    let result = run.join().unwrap();
                    (start.elapsed(), result.map_err(|e| e.kind()))
                })
            };
            // The machine may be busy, so one of several attempts must be quick.
            let attempts: Vec<_> = (0..3).map(|_| attempt()).collect();
            let best = attempts.iter().map(|(took, _)| *took).min().unwrap();
            let stopped = attempts.iter().all(|(_, got)| *got == Err(ErrorKind::Cancelled));
            assert!(stopped, "{text} on {threads}: {attempts:?}");
            assert!(best < Duration::from_millis(50), "{text} on {threads}: {best:?}");
            worst = worst.max(best);
        }
    }
    eprintln!("after {worst:?} at most");
}

/// Allocations outside a run's loops cannot delay stopping: outputs, copies of inputs that are
/// overwritten, arrays kept between passes.
#[test]
fn f15_memory_is_made_within_50_ms() {
    if !alone("stopping::f15_memory_is_made_within_50_ms") {
        return;
    }
    const BYTES: usize = 256 << 20;
    let mut room = vec![1u8; BYTES];
    let token = CancelToken::new();
    token.cancel();
    for backend in [Backend::Native, Backend::Interpreter] {
        let engine = Engine::builder().backend(backend).threads(2).build();
        for text in ["x[::-1]", "f64(x) + 1", "max(sum(x[:, None], axis=1))", "x[1:] * x[:-1]"] {
            let program = engine.compile(text).unwrap();
            // Compiles the program and starts the threads.
            program.eval([Arg::from(&room[..1000])]).unwrap();
            let program = program.with(RunOptions::new().cancel(&token));
            let mut attempt = || {
                let start = Instant::now();
                let error = match text {
                    "x[::-1]" => program.eval_into((), &mut [Out::inout("x", &mut room)]).err(),
                    _ => program.eval([Arg::from(&room)]).err(),
                };
                assert_eq!(error.unwrap().kind(), ErrorKind::Cancelled);
                start.elapsed()
            };
            let best = (0..5).map(|_| attempt()).min().unwrap();
            assert!(best < Duration::from_millis(50), "{text} on {backend:?}: {best:?}");
            eprintln!("{best:?}: {text} on {backend:?}");
        }
    }
    assert!(room.iter().all(|byte| *byte == 1), "nothing was written");
}

/// The interpreter, which runs if there is no native code, can be stopped while it collects
/// elements, computes and writes. A single long sequence is reduced to its end.
#[test]
fn f15_the_interpreter_is_stopped_within_50_ms() {
    if !alone("stopping::f15_the_interpreter_is_stopped_within_50_ms") {
        return;
    }
    let room = vec![1u8; 64 << 20];
    let engine = Engine::builder().backend(Backend::Interpreter).build();
    let after = Duration::from_millis(20);
    for text in ["x[::-1]", "x + 1", "transpose(x) + 1", "sum(x, axis=1)", "x * x[:, :1]"] {
        let late = engine.compile(text).unwrap().with(RunOptions::new().deadline(after));
        // SAFETY: all elements are inside the memory.
        let grid =
            unsafe { Arg::raw(room.as_ptr(), &[1 << 13, 1 << 13], &[1 << 13, 1], DType::U8) };
        let attempt = || {
            let start = Instant::now();
            let error = late.eval([grid.clone()]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{text}");
            start.elapsed().saturating_sub(after)
        };
        let best = (0..5).map(|_| attempt()).min().unwrap();
        assert!(best < Duration::from_millis(50), "{text}: {best:?}");
        eprintln!("{best:?}: {text}");
    }
}

/// Deadlines are `Instant`s, which are monotonic; the sources do not use the time of day.
#[test]
fn f17_no_clock_that_jumps() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders =
        ["src", "runtime/src", "command/src"].map(|folder| root.join(folder)).to_vec();
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files += 1;
                let source = std::fs::read_to_string(&path).unwrap();
                // Stale profiler files are recognized by their times of day, which are not
                // deadlines.
                let profiles = path.ends_with("runtime/src/machine/perf.rs");
                assert!(profiles || !source.contains("SystemTime"), "{}", path.display());
            }
        }
    }
    assert!(files > 20);
}
