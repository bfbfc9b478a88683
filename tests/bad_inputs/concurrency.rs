//! G. Concurrency.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hotloop::{Arg, ArgType, DType, Engine, ErrorKind, Out, Program, ndarray};

use super::{bits, everywhere, seconds, within};

#[test]
fn g1_one_kernel_on_64_threads() {
    let n = 20_011;
    let engine = Engine::builder().threads(2).eager().build();
    let program = engine.compile("y = sin(a) * k + a / 3; s = sum(y)").unwrap();
    let a: Vec<f64> = (0..n).map(f64::from).collect();
    let alone: Vec<Vec<Vec<u64>>> = (0..64).map(|k| run_one(&program, &a, k)).collect();
    let start = Barrier::new(64);
    std::thread::scope(|scope| {
        for k in 0..64 {
            let (program, a, start, alone) = (&program, &a, &start, &alone);
            scope.spawn(move || {
                start.wait();
                for _ in 0..3 {
                    assert!(run_one(program, a, k) == alone[k as usize], "thread {k} differs");
                }
            });
        }
    });
}

fn run_one(program: &Program, a: &[f64], k: i64) -> Vec<Vec<u64>> {
    let outputs = program.eval((("a", a), ("k", k))).unwrap();
    vec![bits(&outputs, 0), bits(&outputs, 1)]
}

#[test]
fn g2_64_threads_compile_the_same() {
    for (text, good) in [("sqrt(a) * 1.25 + 64", true), ("a +* 64", false)] {
        let engine = Engine::builder().threads(1).build();
        let start = Barrier::new(64);
        let right = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    start.wait();
                    match engine.compile(text) {
                        Ok(program) => {
                            let y = program.eval_as::<f64>([Arg::from(&[16.0])]).unwrap();
                            right.fetch_add(usize::from(good && y[[0]] == 69.0), Ordering::Relaxed);
                        }
                        Err(error) => {
                            right.fetch_add(
                                usize::from(!good && error.kind() == ErrorKind::Parse),
                                Ordering::Relaxed,
                            );
                        }
                    }
                });
            }
        });
        assert_eq!(right.into_inner(), 64, "{text}");
    }
    // Neither a failure nor a success is cached as the other.
    let engine = Engine::builder().build();
    let program = engine.compile("a - b").unwrap();
    for _ in 0..3 {
        assert!(program.eval([Arg::from(&[true]), Arg::from(&[true])]).is_err());
        assert_eq!(program.eval_as::<i8>([Arg::from(&[3i8]), Arg::from(&[1i8])]).unwrap()[[0]], 2);
    }
}

/// Two runs write one output at once, which hosts must not do: each element is one of the two
/// values.
#[test]
fn g3_two_runs_into_one_array() {
    const N: usize = 50_000;
    let room: Vec<AtomicU64> = (0..N + 2).map(|_| AtomicU64::new(77)).collect();
    let engine = Engine::builder().threads(2).eager().build();
    let a: Vec<i64> = (0..N as i64).collect();
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        for k in [1i64, 1 << 40] {
            let (engine, a, room, start) = (&engine, &a, &room, &start);
            scope.spawn(move || {
                let program = engine.compile("a * k + k").unwrap();
                start.wait();
                for _ in 0..20 {
                    let at = room[1].as_ptr().cast::<u8>();
                    // SAFETY: the elements are writable; that another thread also writes them is
                    // what this tests.
                    let out = unsafe { Out::raw(at, &[N], &[8], DType::I64) };
                    program.eval_into((("a", a), ("k", k)), &mut [out]).unwrap();
                }
            });
        }
    });
    let at = |i: usize| room[i].load(Ordering::Relaxed) as i64;
    assert_eq!((at(0), at(N + 1)), (77, 77), "beyond the ends");
    for i in 0..N {
        let next = i as i64 + 1;
        assert!([next, next << 40].contains(&at(i + 1)), "element {i} is {}", at(i + 1));
    }
}

#[test]
fn g4_called_from_other_pools() {
    // Callers on threads of a pool, each with work for several threads, with one engine and with
    // two that are used alternately.
    let (one, two) =
        (Engine::builder().threads(2).eager().build(), Engine::builder().threads(1).build());
    let a: Vec<f64> = (0..50_000).map(|i| f64::from(i % 1000)).collect();
    let want: f64 = a.iter().map(|v| v * 2.0).sum();
    within(seconds(60), || {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let (one, two, a) = (&one, &two, &a);
                scope.spawn(move || {
                    for _ in 0..5 {
                        let doubled = one
                            .compile("sqrt(a)**2 * 0 + a * 2")
                            .unwrap()
                            .eval_as::<f64>([Arg::from(a)])
                            .unwrap();
                        std::thread::scope(|inner| {
                            let sum = |engine: &Engine| {
                                engine
                                    .compile("sum(a)")
                                    .unwrap()
                                    .eval_as::<f64>([Arg::from(&doubled)])
                                    .unwrap()[[]]
                            };
                            let other = inner.spawn(move || sum(two));
                            assert_eq!(sum(one), want);
                            assert_eq!(other.join().unwrap(), want);
                        });
                    }
                });
            }
        });
    });
}

#[test]
fn g5_dropped_while_running() {
    for round in 0..20 {
        let engine = Engine::builder().threads(2).eager().cache_capacity(1).build();
        let program = engine.compile(&format!("sum(sin(a) * {round}.5)")).unwrap();
        let types = [("a", ArgType::array(DType::F64))];
        let kernel = program.specialize(&types).unwrap();
        let running = std::thread::spawn(move || {
            let mut y = ndarray::arr0(0.0);
            let mut bound = kernel.bind([everywhere(&0.5, 3_000_000)], [&mut y]).unwrap();
            drop(kernel);
            bound.run().unwrap();
            drop(bound);
            y[[]]
        });
        // This thread drops everything, including the cached kernel, while the other runs.
        drop(engine.compile(&format!("a + {round}")).unwrap().eval([Arg::from(&[1.0])]));
        drop(program);
        drop(engine);
        let want = 0.5f64.sin() * (f64::from(round) + 0.5) * 3_000_000.0;
        let got = running.join().unwrap();
        assert!((got - want).abs() <= want.abs() * 1e-12, "{got} is not {want}");
    }
}

#[test]
fn g6_evicted_while_in_use() {
    let engine = Engine::builder().threads(1).cache_capacity(2).build();
    std::thread::scope(|scope| {
        for thread in 0..4usize {
            let engine = &engine;
            scope.spawn(move || {
                for i in 0..60 {
                    let number = (i * 7 + thread) % 11;
                    let program =
                        engine.compile(&format!("a * {number} + {}", number * 2)).unwrap();
                    let y = program.eval_as::<i64>([Arg::from(&[5i64, -1])]).unwrap();
                    let number = number as i64;
                    assert_eq!(y.as_slice().unwrap(), [7 * number, number]);
                }
            });
        }
    });
}

#[test]
fn g7_fork_after_the_pool_started() {
    let engine = Engine::builder().threads(2).eager().build();
    let program = engine.compile("a * 2 + sum(a) * 0").unwrap();
    let a: Vec<f64> = (0..1_000_000).map(|i| f64::from(i % 1000)).collect();
    let want = program.eval_as::<f64>([Arg::from(&a)]).unwrap();
    for _ in 0..3 {
        // SAFETY: the child computes, compiles and exits without unwinding into the test.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "no fork");
        if child == 0 {
            let run = || -> Option<bool> {
                let again = program.eval_as::<f64>([Arg::from(&a)]).ok()?;
                // A program that was not compiled before, and a new engine.
                let fresh =
                    engine.compile("a - 1 + 2**3").ok()?.eval_as::<f64>([Arg::from(&a)]).ok()?;
                let other = Engine::builder().threads(2).eager().build();
                let total = other.compile("sum(a)").ok()?.eval_as::<f64>([Arg::from(&a)]).ok()?;
                Some(again == want && fresh[[0]] == 7.0 && total[[]] == 499_500_000.0)
            };
            let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
            let code = if matches!(good, Ok(Some(true))) { 0 } else { 1 };
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(code) };
        }
        let start = Instant::now();
        let mut status = 0;
        loop {
            // SAFETY: waits for the child above, and writes its status to the local.
            let waited = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
            if waited == child {
                break;
            }
            if start.elapsed() > seconds(30) {
                // SAFETY: the process is a child that has not been waited for.
                unsafe { libc::kill(child, libc::SIGKILL) };
                panic!("the child hangs");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(libc::WIFEXITED(status), "the child died: {status:#x}");
        assert_eq!(libc::WEXITSTATUS(status), 0, "the child's values are wrong");
    }
    // The parent continues.
    assert_eq!(program.eval_as::<f64>([Arg::from(&a)]).unwrap(), want);
}
