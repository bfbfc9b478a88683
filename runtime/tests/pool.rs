//! The thread pool: every unit runs once, and no worker runs on two threads at a time.

use std::cell::Cell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hotloop_runtime::pool::Pool;

fn rayon_pool(threads: usize) -> Arc<rayon::ThreadPool> {
    Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

fn pools() -> Vec<(&'static str, Pool)> {
    vec![
        ("one", Pool::new(1)),
        ("two", Pool::new(2)),
        ("five", Pool::new(5)),
        ("forty", Pool::new(40)),
        ("pinned to one core", Pool::pinned(3, &[0])),
        ("pinned where there is none", Pool::pinned(3, &[0, 100_000])),
        ("of the host, one", Pool::host(rayon_pool(1))),
        ("of the host, three", Pool::host(rayon_pool(3))),
    ]
}

/// Runs units, and checks that each ran once and that no worker ran on two threads at a time.
fn check(name: &str, pool: &Pool, workers: usize, units: usize) {
    let done: Vec<AtomicUsize> = (0..units).map(|_| AtomicUsize::new(0)).collect();
    let busy: Vec<AtomicBool> = (0..workers.max(1)).map(|_| AtomicBool::new(false)).collect();
    pool.run(workers, units, &|unit, worker| {
        assert!(!busy[worker].swap(true, Ordering::Acquire), "{name}: {worker} is two");
        done[unit].fetch_add(1, Ordering::Relaxed);
        if unit % 7 == 0 {
            thread::yield_now();
        }
        busy[worker].store(false, Ordering::Release);
    });
    let wrong = done.iter().position(|count| count.load(Ordering::Relaxed) != 1);
    assert_eq!(wrong, None, "{name}, {workers} workers, {units} units");
}

fn check_all(name: &str, pool: &Pool) {
    for workers in [0, 1, 2, 3, 33, 64] {
        for units in [0, 1, 2, 3, 17, 64, 1000] {
            check(name, pool, workers, units);
        }
    }
}

#[test]
fn every_unit_once() {
    for (name, pool) in pools() {
        check_all(name, &pool);
    }
}

#[test]
fn g1_runs_at_once() {
    for (name, pool) in pools() {
        let start = Barrier::new(16);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    start.wait();
                    (0..20).for_each(|_| check(name, &pool, 4, 50));
                });
            }
        });
    }
}

/// Units that wait for each other need the promised number of threads.
#[test]
fn as_many_threads_as_asked_for() {
    for (name, pool) in pools() {
        let (workers, there) = (pool.threads(), AtomicUsize::new(0));
        let threads = Mutex::new(HashSet::new());
        pool.run(workers, workers, &|_, _| {
            there.fetch_add(1, Ordering::SeqCst);
            let start = Instant::now();
            while there.load(Ordering::SeqCst) < workers {
                assert!(start.elapsed() < Duration::from_secs(30), "{name}: somebody is missing");
                thread::yield_now();
            }
            threads.lock().unwrap().insert(thread::current().id());
        });
        assert_eq!(threads.into_inner().unwrap().len(), workers, "{name}");
    }
}

#[test]
fn one_worker_is_the_caller() {
    for (name, pool) in pools() {
        let caller = thread::current().id();
        pool.run(1, 50, &|_, worker| {
            assert_eq!((thread::current().id(), worker), (caller, 0), "{name}");
        });
        assert_eq!(pool.workers(1, 1e12), 1, "{name}: one unit");
        assert_eq!(pool.workers(1000, 10.0), 1, "{name}: next to nothing");
    }
}

#[test]
fn how_many_workers() {
    for (name, pool) in pools() {
        let long = pool.workers(1000, 1e10);
        assert_eq!(long, pool.threads(), "{name}: ten seconds of work");
        assert_eq!(pool.workers(2, 1e10), 2.min(pool.threads()), "{name}: two units");
        for nanoseconds in [1e2, 1e4, 3e4, 1e5, 1e6, 1e8] {
            let (most, now) = (pool.most_workers(64, nanoseconds), pool.workers(64, nanoseconds));
            assert!((1..=most).contains(&now), "{name}: {now} of {most} for {nanoseconds} ns");
        }
    }
    let eager = Pool::new(3).eager();
    assert_eq!(
        (eager.most_workers(9, 1.0), eager.workers(9, 1.0), eager.workers(2, 1.0)),
        (3, 3, 2)
    );
}

#[test]
fn g4_workers_of_another_pool_use_their_own() {
    for threads in [1, 2] {
        let foreign = rayon_pool(threads);
        for (name, pool) in pools() {
            let inside = |_: usize| {
                let ours = foreign.current_thread_index().is_some();
                pool.run(8, 100, &|_, _| {
                    assert!(foreign.current_thread_index().is_some(), "{name}: a stranger");
                });
                check_all(name, &pool);
                assert!(pool.workers(100, 1e12) <= threads);
                ours
            };
            assert!(foreign.install(|| inside(0)));
            // Called from many tasks at once, and from tasks within tasks.
            foreign.scope(|scope| {
                for _ in 0..6 {
                    scope.spawn(|_| check(name, &pool, 3, 40));
                }
            });
            foreign.install(|| {
                rayon::join(
                    || pool.run(2, 4, &|_, _| pool.run(2, 3, &|_, _| ())),
                    || check(name, &pool, 3, 40),
                )
            });
        }
    }
}

#[test]
fn g4_within_its_own_workers() {
    for (name, pool) in pools() {
        let count = AtomicUsize::new(0);
        pool.run(3, 10, &|_, _| {
            pool.run(3, 10, &|_, _| {
                count.fetch_add(1, Ordering::Relaxed);
            })
        });
        assert_eq!(count.into_inner(), 100, "{name}");
    }
    // Called on a thread of the host's pool.
    let threads = rayon_pool(2);
    let pool = Pool::host(threads.clone());
    threads.install(|| check_all("host", &pool));
}

#[test]
fn f16_a_panic_is_the_callers() {
    for (name, pool) in pools() {
        for unit in [0, 1, 57, 99] {
            let running = AtomicUsize::new(0);
            let run = || {
                pool.run(4, 100, &|i, _| {
                    running.fetch_add(1, Ordering::SeqCst);
                    let fails = i == unit;
                    thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    assert!(!fails, "unit {i}");
                })
            };
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            let said = panic.downcast_ref::<String>().unwrap();
            assert_eq!(*said, format!("unit {unit}"), "{name}");
            assert_eq!(running.into_inner(), 0, "{name}: somebody was still at work");
            check(name, &pool, 4, 100);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn pinned_threads_stay_on_their_cores() {
    let cores = |mask: &libc::cpu_set_t| -> Vec<usize> {
        // SAFETY: the call only reads the set.
        (0..1024).filter(|&core| unsafe { libc::CPU_ISSET(core, mask) }).collect()
    };
    let affinity = || {
        // SAFETY: an all-zero set is a valid empty set, which the call fills.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            assert_eq!(libc::sched_getaffinity(0, size_of_val(&set), &raw mut set), 0);
            cores(&set)
        }
    };
    let mine = affinity();
    let two = [mine[0], mine[mine.len() - 1]];
    let pool = Pool::pinned(3, &two);
    let (seen, there) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    pool.run(3, 3, &|_, _| {
        there.fetch_add(1, Ordering::SeqCst);
        while there.load(Ordering::SeqCst) < 3 {
            thread::yield_now();
        }
        let name = thread::current().name().unwrap_or_default().to_string();
        seen.lock().unwrap().push((name, affinity()));
    });
    let mut seen = seen.into_inner().unwrap();
    seen.sort();
    let on = |name: &str, core: usize| (name.to_string(), vec![core]);
    assert_eq!(seen, [on("hotloop-0", two[0]), on("hotloop-1", two[1]), on("hotloop-2", two[0])]);
    assert_eq!(affinity(), mine, "the caller is not pinned");
}

/// Each thread first takes the units of one range, which is the same in every run unless a thread
/// is late.
#[test]
fn workers_take_neighbours() {
    let pool = Pool::new(2);
    let there = AtomicUsize::new(0);
    let took = Mutex::new(Vec::new());
    pool.run(2, 100, &|unit, worker| {
        if unit == 0 || unit == 50 {
            there.fetch_add(1, Ordering::SeqCst);
            while there.load(Ordering::SeqCst) < 2 {
                thread::yield_now();
            }
        }
        took.lock().unwrap().push((worker, unit));
    });
    let took = took.into_inner().unwrap();
    for worker in 0..2 {
        let units: Vec<usize> = took.iter().filter(|t| t.0 == worker).map(|t| t.1).collect();
        assert_eq!(units[0], worker * 50);
        assert!(units.windows(2).filter(|w| w[1] != w[0] + 1).count() <= 50, "{units:?}");
    }
}

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all methods forward to the system allocator.
unsafe impl std::alloc::GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { std::alloc::System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: std::alloc::Layout) {
        // SAFETY: the caller's promise.
        unsafe { std::alloc::System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn running_allocates_nothing() {
    for (name, pool) in [("two", Pool::new(2)), ("pinned", Pool::pinned(2, &[0, 1]))] {
        pool.workers(100, 1e9);
        pool.run(2, 100, &|_, _| ());
        let others = AtomicUsize::new(0);
        let before = ALLOCATIONS.get();
        for _ in 0..100 {
            pool.run(pool.workers(100, 1e9), 100, &|_, _| {
                let start = ALLOCATIONS.get();
                thread::yield_now();
                others.fetch_add(ALLOCATIONS.get() - start, Ordering::Relaxed);
            });
        }
        assert_eq!((ALLOCATIONS.get() - before, others.into_inner()), (0, 0), "{name}");
    }
}
