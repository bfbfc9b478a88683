//! Execution of a loop's units on a pool or on the host's threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::pool::Pool;

/// A host's parallel loop: calls the function once for every number below a count, on any threads,
/// and returns when all calls have returned.
pub type ForEach<'a> = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + 'a;

/// The threads that run the units of a loop.
#[derive(Clone, Copy)]
pub enum Driver<'a> {
    /// The threads of a pool.
    Pool(&'a Pool),
    /// A host.
    Host(&'a ForEach<'a>),
}

impl Driver<'_> {
    /// The number of workers for a run of `units` units and `nanoseconds` of work in all: at most
    /// `most`.
    pub fn workers(&self, most: usize, units: usize, nanoseconds: f32) -> usize {
        match self {
            _ if most < 2 => 1,
            Driver::Pool(pool) => pool.workers(units, nanoseconds).min(most),
            Driver::Host(_) => most.min(units),
        }
    }

    /// Calls `work(unit, worker)` once for each unit; a worker's number is below `workers`, and no
    /// two calls at once have the same.
    pub fn run(&self, workers: usize, units: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        match self {
            Driver::Pool(pool) => pool.run(workers, units, work),
            Driver::Host(for_each) => host(*for_each, workers, units, work),
        }
    }
}

/// The first call of each number is a worker. Units that the host leaves undone run on the calling
/// thread afterwards.
fn host(
    for_each: &ForEach<'_>,
    workers: usize,
    units: usize,
    work: &(dyn Fn(usize, usize) + Sync),
) {
    let next = AtomicUsize::new(0);
    let taken: Vec<AtomicBool> = (0..=workers).map(|_| AtomicBool::new(false)).collect();
    let all = |worker: usize| {
        loop {
            let unit = next.fetch_add(1, Ordering::Relaxed);
            if unit >= units {
                return;
            }
            work(unit, worker);
        }
    };
    for_each(workers, &|worker| {
        let free = |taken: &AtomicBool| !taken.swap(true, Ordering::Relaxed);
        if worker < workers && taken.get(worker).is_some_and(free) {
            all(worker);
        }
    });
    // No worker is active any more: no call outlives the host's loop.
    all(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_called_once_whatever_the_host_does() {
        let hosts: [&ForEach; 4] = [
            &|count, call| (0..count).for_each(call),
            &|_, _| {},
            &|count, call| (0..3 * count).for_each(|i| call(i % (count + 2))),
            &|count, call| {
                std::thread::scope(|scope| {
                    (0..count).for_each(|i| {
                        scope.spawn(move || call(i));
                    });
                });
            },
        ];
        for for_each in hosts {
            let counts: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
            let busy: Vec<AtomicBool> = (0..4).map(|_| AtomicBool::new(false)).collect();
            Driver::Host(for_each).run(4, 100, &|unit, worker| {
                assert!(!busy[worker].swap(true, Ordering::SeqCst), "two at once");
                counts[unit].fetch_add(1, Ordering::Relaxed);
                busy[worker].store(false, Ordering::SeqCst);
            });
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
        }
    }
}
