//! The wake policy: chooses the number of workers from the measured fork-join cost of this machine
//! and from recent runs.
//!
//! Threads that are awake join within a microsecond or two; waking one takes tens of microseconds,
//! some of it from the caller. So small runs use only threads that are awake, until runs in quick
//! succession have lost more time than waking costs.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::per_process::PerProcess;
use crate::pool::Pool;

/// Whether a pool's threads are awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awake {
    Yes,
    No,
    /// The caller's thread is one of another pool, whose threads it would use.
    Other,
}

/// The wake policy of a pool.
#[derive(Debug, Default)]
pub(crate) struct WakePolicy {
    cost: OnceLock<ForkJoinCost>,
    /// Whether a thread measures the cost, or has done so.
    measuring: AtomicBool,
    /// Nanoseconds of work before the cost was measured.
    worked: AtomicU64,
    /// The time by `clock` until which a small run counts as following the last one.
    next: AtomicU64,
    /// Nanoseconds lost by consecutive small runs.
    missed: AtomicU64,
    clock: OnceLock<Instant>,
}

/// Work in nanoseconds below which a run is not shared.
const LEAST: f32 = 4_000.0;
/// The relative time below which sharing pays.
const GAIN: f32 = 0.9;
/// Work in nanoseconds after which starting and measuring threads pays, which takes a millisecond
/// or two.
const WORK: u64 = 1_000_000;
impl WakePolicy {
    /// An upper bound on the number of workers.
    pub(crate) fn most(most: usize, nanoseconds: f32) -> usize {
        if nanoseconds * slowness() < LEAST { 1 } else { most }
    }

    /// The number of workers for a run.
    pub(crate) fn workers(
        &self,
        pool: &Pool,
        most: usize,
        nanoseconds: f32,
        awake: Awake,
    ) -> usize {
        let alone = nanoseconds * slowness();
        if alone < LEAST {
            return 1;
        }
        if awake == Awake::Other {
            return ForkJoinCost::USUAL.workers(most, alone, true).0;
        }
        if self.cost.get().is_none()
            && self.worked.fetch_add(alone as u64, Ordering::Relaxed) + (alone as u64) < WORK
        {
            return 1;
        }
        // A measurement hands work to the pool, so no thread waits for another's.
        let cost = match self.cost.get() {
            Some(cost) => *cost,
            None if self.measuring.swap(true, Ordering::Relaxed) => ForkJoinCost::USUAL,
            None => {
                let cost = ForkJoinCost::measure(pool);
                *self.cost.get_or_init(|| cost)
            }
        };
        let (workers, time) = cost.workers(most, alone, true);
        if workers == 1 || awake == Awake::Yes {
            return workers;
        }
        match cost.workers(most, alone, false).0 {
            1 if self.is_worth_waking(alone, alone - time, (&cost, pool.awake_for())) => workers,
            other => other,
        }
    }

    /// Records the gain that a small run missed because threads were asleep; returns whether
    /// consecutive runs have missed enough to wake them.
    fn is_worth_waking(
        &self,
        alone: f32,
        gain: f32,
        (cost, awake_for): (&ForkJoinCost, Duration),
    ) -> bool {
        let now = self.clock.get_or_init(Instant::now).elapsed().as_nanos() as u64;
        // A later run would not find the threads awake.
        let latest = now + 2 * alone as u64 + awake_for.as_nanos() as u64;
        let in_a_row = now <= self.next.swap(latest, Ordering::Relaxed);
        let before = if !in_a_row { 0 } else { self.missed.load(Ordering::Relaxed) };
        let missed = before + gain as u64;
        let enough = missed as f32 > cost.wake;
        self.missed.store(if enough { 0 } else { missed }, Ordering::Relaxed);
        enough
    }
}

/// The cost of fork and join, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct ForkJoinCost {
    /// Fork and join of two workers that are awake, and of all.
    two: f32,
    all: f32,
    /// The number of doublings from two workers to all.
    doublings: u32,
    /// The caller's cost of waking a worker, and the delay of that worker.
    wake: f32,
    late: f32,
}

/// Rounds of a measurement. The first quartile counts, because the machine may be busy.
const ROUNDS: usize = 8;
/// The time limit for the workers of a round to meet.
const MEETING: Duration = Duration::from_micros(200);
/// A pause after which threads are asleep.
const ASLEEP: Duration = Duration::from_micros(100);
/// Factor for longer pauses, after which waking takes longer because the core is in a deeper sleep
/// state.
const DEEPER: f32 = 2.0;

impl ForkJoinCost {
    /// The cost assumed for a pool that is not measured.
    const USUAL: ForkJoinCost =
        ForkJoinCost { two: 4_000.0, all: 16_000.0, doublings: 5, wake: 10_000.0, late: 30_000.0 };

    fn measure(pool: &Pool) -> ForkJoinCost {
        // The first round starts the threads.
        meet(pool, 2);
        let two = fastest(|| meet(pool, 2));
        let all = if pool.threads() > 2 { fastest(|| meet(pool, pool.threads())) } else { two };
        let (wake, met) = pool.without_spinning(|| {
            part(pool);
            let wake = fastest(|| {
                thread::sleep(ASLEEP);
                part(pool)
            });
            let met = fastest(|| {
                thread::sleep(ASLEEP);
                meet(pool, 2)
            });
            (wake, met)
        });
        ForkJoinCost {
            two,
            all: all.max(two),
            doublings: doublings(pool.threads()),
            wake: wake * DEEPER,
            late: (met - two).max(wake) * DEEPER,
        }
        .credible()
    }

    /// No more than a few times the usual cost: a measurement while other processes use the cores
    /// would keep runs on one thread for as long as this process lives.
    fn credible(self) -> ForkJoinCost {
        const TIMES: f32 = 3.0;
        let usual = ForkJoinCost::USUAL;
        ForkJoinCost {
            two: self.two.min(TIMES * usual.two),
            all: self.all.min(TIMES * usual.all),
            doublings: self.doublings,
            wake: self.wake.min(TIMES * usual.wake),
            late: self.late.min(TIMES * usual.late),
        }
    }

    /// The best number of workers, and their time.
    fn workers(&self, most: usize, alone: f32, awake: bool) -> (usize, f32) {
        let mut best = (1, alone * GAIN);
        let mut workers = 2;
        loop {
            let time = self.time(workers, alone, awake);
            if time < best.1 {
                best = (workers, time);
            }
            if workers == most {
                return best;
            }
            workers = (2 * workers).min(most);
        }
    }

    fn time(&self, workers: usize, alone: f32, awake: bool) -> f32 {
        let steps = doublings(workers) as f32;
        let together = self.two + (self.all - self.two) * steps / self.doublings.max(1) as f32;
        let (wake, late) = if awake { (0.0, 0.0) } else { (self.wake, self.late * (steps + 1.0)) };
        let count = workers as f32;
        (alone + late * (count - 1.0)) / count + wake + together
    }
}

/// `ceil(log2(workers / 2))`.
fn doublings(workers: usize) -> u32 {
    workers.div_ceil(2).next_power_of_two().ilog2()
}

/// The first quartile of the rounds, in nanoseconds.
fn fastest(mut round: impl FnMut() -> Duration) -> f32 {
    let mut times: [Duration; ROUNDS] = std::array::from_fn(|_| round());
    times.sort_unstable();
    times[ROUNDS / 4].as_nanos() as f32
}

/// The time of a run in which each worker waits for all others.
fn meet(pool: &Pool, workers: usize) -> Duration {
    let start = Instant::now();
    let there = AtomicUsize::new(0);
    pool.run(workers, workers, &|_, _| {
        there.fetch_add(1, Ordering::Relaxed);
        while there.load(Ordering::Relaxed) < workers && start.elapsed() < MEETING {
            std::hint::spin_loop();
        }
    });
    start.elapsed()
}

/// The time of an empty run.
fn part(pool: &Pool) -> Duration {
    let start = Instant::now();
    pool.run(2, 2, &|_, _| {});
    start.elapsed()
}

/// The ratio of this machine's times to those of the machine where costs and `STEP` were measured.
fn slowness() -> f32 {
    static SLOWNESS: PerProcess<OnceLock<f32>> = PerProcess::new();
    /// Nanoseconds of a dependent multiplication on a Zen 4 at 3.7 GHz.
    const STEP: f32 = 1.08;
    const STEPS: u32 = 2048;
    *SLOWNESS.get_or_make(OnceLock::new).get_or_init(|| {
        let chain = || {
            let start = Instant::now();
            let mut x = std::hint::black_box(1u64);
            for _ in 0..STEPS {
                x = x.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 1;
            }
            std::hint::black_box(x);
            start.elapsed()
        };
        let best = (0..3).map(|_| chain()).min().unwrap_or_default();
        let step = best.as_nanos() as f32 / STEPS as f32;
        (step / STEP).clamp(0.5, 8.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_machine_does_not_keep_long_runs_on_one_thread() {
        let busy = ForkJoinCost { two: 1e7, all: 1e7, doublings: 0, wake: 1e7, late: 1e7 };
        let workers = |cost: ForkJoinCost, alone| cost.workers(2, alone, false).0;
        assert_eq!(workers(busy, 5e5), 1);
        assert_eq!(workers(busy.credible(), 5e5), 2);
        assert_eq!(workers(busy.credible(), 2e4), 1);
        let quiet = ForkJoinCost { two: 1e3, all: 2e3, doublings: 0, wake: 5e3, late: 1e4 };
        assert_eq!(quiet.credible().late, 1e4);
    }
}
