//! When other threads are worth waking: what they take to begin on this machine, and what a pool
//! has been asked for.
//!
//! Threads that are awake meet within a microsecond or two; one that sleeps takes tens of them,
//! and some of the caller's time to be woken. So small runs use threads that are awake and wake
//! none, unless so many of them come in a row that they have missed more than it costs.

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

/// What is known of a pool's threads, and what they were last asked for.
#[derive(Debug, Default)]
pub(crate) struct WakePolicy {
    cost: OnceLock<ForkJoinCost>,
    /// Whether somebody measures it, or has.
    measuring: AtomicBool,
    /// Nanoseconds of work before there was a cost.
    worked: AtomicU64,
    /// When the next small run must begin to be in a row with the last, by `clock`.
    next: AtomicU64,
    /// What small runs in a row have missed, in nanoseconds.
    missed: AtomicU64,
    clock: OnceLock<Instant>,
}

/// Less work than this is not shared.
const LEAST: f32 = 4_000.0;
/// The least gain that counts.
const GAIN: f32 = 0.9;
/// After so much work it pays to start threads and to measure them, which takes a millisecond or
/// two.
const WORK: u64 = 1_000_000;
/// Two small runs with a longer pause between them, and longer than either takes, are not in a row.
const PAUSE: u64 = 10_000;

impl WakePolicy {
    /// The most workers that could ever be right.
    pub(crate) fn most(most: usize, nanoseconds: f32) -> usize {
        if nanoseconds * slowness() < LEAST { 1 } else { most }
    }

    /// How many workers are best now.
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
        // Nobody waits for another's measurement, which hands work to the pool.
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
            1 if self.is_worth_waking(alone, alone - time, &cost) => workers,
            other => other,
        }
    }

    /// Notes a small run that threads would have gained if they were awake, and tells whether
    /// there have been enough of them in a row.
    fn is_worth_waking(&self, alone: f32, gain: f32, cost: &ForkJoinCost) -> bool {
        let now = self.clock.get_or_init(Instant::now).elapsed().as_nanos() as u64;
        let latest = now + 2 * alone as u64 + PAUSE;
        let in_a_row = now <= self.next.swap(latest, Ordering::Relaxed);
        let before = if !in_a_row { 0 } else { self.missed.load(Ordering::Relaxed) };
        let missed = before + gain as u64;
        let enough = missed as f32 > cost.wake;
        self.missed.store(if enough { 0 } else { missed }, Ordering::Relaxed);
        enough
    }
}

/// What a fork and join costs, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct ForkJoinCost {
    /// Until two workers who are awake have met and parted, and until all have.
    two: f32,
    all: f32,
    /// How often two must double to be all.
    doublings: u32,
    /// What waking another worker costs the caller, and how late that one comes.
    wake: f32,
    late: f32,
}

/// Rounds of a measurement. The fastest quarter counts: the machine may be busy, and a worker who
/// does not come is not waited for.
const ROUNDS: usize = 8;
/// How long the workers of a round wait for each other.
const MEETING: Duration = Duration::from_micros(200);
/// After such a pause threads are asleep.
const ASLEEP: Duration = Duration::from_micros(100);
/// After longer ones waking takes longer, as the core sleeps deeper.
const DEEPER: f32 = 2.0;

impl ForkJoinCost {
    /// Of a pool that is not measured.
    const USUAL: ForkJoinCost =
        ForkJoinCost { two: 4_000.0, all: 16_000.0, doublings: 5, wake: 10_000.0, late: 30_000.0 };

    fn measure(pool: &Pool) -> ForkJoinCost {
        // The first round starts the threads.
        meet(pool, 2);
        let two = fastest(|| meet(pool, 2));
        let all = if pool.threads() > 2 { fastest(|| meet(pool, pool.threads())) } else { two };
        let wake = fastest(|| {
            thread::sleep(ASLEEP);
            part(pool)
        });
        let met = fastest(|| {
            thread::sleep(ASLEEP);
            meet(pool, 2)
        });
        ForkJoinCost {
            two,
            all: all.max(two),
            doublings: doublings(pool.threads()),
            wake: wake * DEEPER,
            late: (met - two).max(wake) * DEEPER,
        }
    }

    /// The best number of workers, and the time that they take.
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

/// How often two workers must double to be so many.
fn doublings(workers: usize) -> u32 {
    workers.div_ceil(2).next_power_of_two().ilog2()
}

/// The time that a quarter of the rounds keep, in nanoseconds.
fn fastest(mut round: impl FnMut() -> Duration) -> f32 {
    let mut times: [Duration; ROUNDS] = std::array::from_fn(|_| round());
    times.sort_unstable();
    times[ROUNDS / 4].as_nanos() as f32
}

/// How long a run takes in which each worker waits until all are there.
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

/// How long a run takes in which there is nothing to do.
fn part(pool: &Pool) -> Duration {
    let start = Instant::now();
    pool.run(2, 2, &|_, _| {});
    start.elapsed()
}

/// What an estimated nanosecond of an operation's cost takes on this machine: the operations'
/// costs are about three times what they take, within programs, where `STEP` was measured.
fn slowness() -> f32 {
    static SLOWNESS: PerProcess<OnceLock<f32>> = PerProcess::new();
    /// Nanoseconds of a multiplication that waits for the one before, on a Zen 4 at 3.7 GHz.
    const STEP: f32 = 1.08;
    const OVERESTIMATE: f32 = 3.2;
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
        (step / STEP).clamp(0.5, 8.0) / OVERESTIMATE
    })
}
