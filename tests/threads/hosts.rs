//! G. The host's threads and the engine's own.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use hotloop::threads::rayon::{join, scope};
use hotloop::{Arg, ArgType, DType, Engine};
use hotloop_testing::alone;

use super::{TEXT, bits, data, engines, has_threads, rayon_pool};

#[test]
fn g1_one_kernel_bound_by_64_threads() {
    let a = data(30_011);
    for (name, engine) in engines() {
        let program = engine.compile("sin(a) * 3 + sum(a) / 7 + k").unwrap();
        let types = [("a", ArgType::array(DType::F64)), ("k", ArgType::scalar(DType::F64))];
        let kernel = program.specialize(&types).unwrap();
        let alone = |k: f64| -> Vec<u64> {
            let y = program.eval_as::<f64>((("a", &a), ("k", Arg::typed(k)))).unwrap();
            y.iter().map(|v| v.to_bits()).collect()
        };
        let want: Vec<Vec<u64>> = (0..64).map(|k| alone(f64::from(k))).collect();
        let start = Barrier::new(64);
        std::thread::scope(|scope| {
            for (k, want) in want.iter().enumerate() {
                let (a, kernel, start) = (&a, &kernel, &start);
                scope.spawn(move || {
                    let mut y = vec![0f64; a.len()];
                    let args = (("a", a), ("k", Arg::typed(k as f64)));
                    let mut bound = kernel.bind(args, [&mut y]).unwrap();
                    start.wait();
                    (0..3).for_each(|_| assert!(bound.run().unwrap().native));
                    drop(bound);
                    let same = y.iter().zip(want).all(|(got, want)| got.to_bits() == *want);
                    assert!(same, "{name}: thread {k} differs");
                });
            }
        });
    }
}

#[test]
fn g4_from_the_hosts_pools() {
    let a = data(40_000);
    let want = bits(&Engine::builder().threads(1).build().compile(TEXT).unwrap(), &a);
    for threads in [1, 2] {
        let host = rayon_pool(threads);
        let other = rayon_pool(threads);
        let mut list = engines();
        list.push(("of this host", Engine::builder().eager().pool(host.clone()).build()));
        for (name, engine) in &list {
            let fine = || {
                let text = format!("{TEXT}, a + {threads}");
                let got = bits(&engine.compile(&text).unwrap(), &a);
                assert!(got[..want.len()] == want, "{name} in a pool of {threads}");
            };
            host.install(fine);
            // A thread of one pool waits for another pool.
            host.install(|| other.install(|| host.install(fine)));
            // Tasks are stolen while others compile the same program and run.
            host.install(|| join(|| join(fine, fine), || join(fine, || other.install(fine))));
            let count = AtomicUsize::new(0);
            host.install(|| {
                scope(|scope| {
                    for _ in 0..20 {
                        scope.spawn(|_| {
                            fine();
                            count.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                })
            });
            assert_eq!(count.into_inner(), 20);
        }
    }
}

#[test]
fn g4_no_more_threads_than_the_host_has() {
    if !alone("hosts::g4_no_more_threads_than_the_host_has") {
        return;
    }
    let a = data(3_000_000);
    let host = rayon_pool(2);
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    for builder in [
        Engine::builder().threads(8),
        Engine::builder().threads(8).eager(),
        Engine::builder().threads(8).eager().pin(&[0, 1]),
        Engine::builder().threads(8).pool(host.clone()),
    ] {
        let engine = builder.build();
        host.install(|| {
            (0..5).for_each(|_| drop(bits(&engine.compile(TEXT).unwrap(), &a)));
        });
        assert_eq!(threads(), before);
    }
    // An engine on the host's pool starts no threads when it is called from outside, either.
    let engine = Engine::builder().eager().pool(host.clone()).build();
    bits(&engine.compile(TEXT).unwrap(), &a);
    assert_eq!(threads(), before);
}

#[test]
fn g5_threads_end_with_their_engine() {
    if !alone("hosts::g5_threads_end_with_their_engine") {
        return;
    }
    let a = data(50_000);
    for _ in 0..50 {
        let engine = Engine::builder().eager().threads(4).build();
        let program = engine.compile(TEXT).unwrap();
        drop(engine);
        bits(&program, &a);
        assert!(has_threads(3));
        drop(program);
        assert!(has_threads(0));
    }
}

/// Engines, programs, kernels and bound kernels may be dropped in any order, on any thread.
#[test]
fn g5_dropped_in_any_order() {
    if !alone("hosts::g5_dropped_in_any_order") {
        return;
    }
    let a = data(50_000);
    let want = bits(&Engine::builder().threads(1).build().compile(TEXT).unwrap(), &a);
    for order in 0..24 {
        let engine = Engine::builder().eager().threads(3).build();
        let program = engine.compile(TEXT).unwrap();
        let kernel = program.specialize(&[("a", ArgType::array(DType::F64))]).unwrap();
        let outputs = program.eval([Arg::from(&a)]).unwrap();
        let mut things: Vec<Box<dyn FnOnce() + Send>> = vec![
            Box::new(move || drop(engine)),
            Box::new({
                let program = program.clone();
                let (a, want) = (a.clone(), want.clone());
                move || assert!(bits(&program, &a) == want)
            }),
            Box::new(move || drop(program)),
            Box::new(move || drop(kernel)),
        ];
        let mut rest = order;
        while let Some(left) = std::num::NonZeroUsize::new(things.len()) {
            let next = things.swap_remove(rest % left);
            rest /= left;
            if rest % 2 == 0 { next() } else { std::thread::spawn(next).join().unwrap() }
        }
        let y = outputs[2].view::<f64>().unwrap()[[]];
        assert_eq!(y.to_bits(), *want.last().unwrap(), "outputs need nobody");
        drop(outputs);
        assert!(has_threads(0), "order {order}");
    }
}
