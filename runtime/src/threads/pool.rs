//! [`Pool`]: the threads that loops run on, its own or those of the host's rayon pool.
//!
//! A run has numbered *units* of work and numbered *workers*, each with scratch. Each worker starts
//! with a contiguous range of units and then takes units of other ranges. The caller's thread is a
//! worker and starts at once; the pool's threads join when they have woken, and are not waited for
//! if all units are done by then. So a run loses little if other threads or cores are busy, and no
//! thread waits by spinning.
//!
//! No lock is held while a unit runs or work is handed to rayon, and a worker of a rayon pool never
//! waits for threads of another pool.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::wake_policy::{Awake, WakePolicy};
use crate::machine::cores::{has_quota, usable_cores};
use crate::per_process::PerProcess;

/// A pool of threads, started when first needed.
pub struct Pool {
    threads: usize,
    kind: Kind,
    eager: bool,
    /// How long its own threads poll for work before they sleep.
    spin: Duration,
    wake_policy: PerProcess<WakePolicy>,
}

enum Kind {
    /// The pool's own threads and the caller's.
    Own(PerProcess<Crew>),
    /// The pool's own threads only, on these cores.
    Pinned(PerProcess<Crew>, Box<[usize]>),
    /// The host's threads.
    Host(Arc<rayon::ThreadPool>),
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Own(_) => "own",
            Kind::Pinned(..) => "pinned",
            Kind::Host(_) => "host",
        };
        let mut debug = f.debug_struct("Pool");
        debug.field("threads", &self.threads).field("kind", &kind).finish_non_exhaustive()
    }
}

/// The maximum number of threads of a pool.
const MOST_THREADS: usize = 1024;

impl Pool {
    /// A pool of `threads` threads, at most 1,024, the caller's included. With 1, loops run on the
    /// caller's thread.
    pub fn new(threads: usize) -> Pool {
        Pool::of(threads.clamp(1, MOST_THREADS), Kind::Own(PerProcess::new()))
    }

    /// A pool of `threads` own threads, pinned to the cores round robin. If the system does not
    /// support pinning, they run anywhere. Small loops run on the caller's thread.
    pub fn pinned(threads: usize, cores: &[usize]) -> Pool {
        if cores.is_empty() {
            return Pool::new(threads);
        }
        let threads = threads.clamp(1, MOST_THREADS);
        Pool::of(threads, Kind::Pinned(PerProcess::new(), cores.into()))
    }

    /// A pool that uses the host's threads.
    pub fn host(pool: Arc<rayon::ThreadPool>) -> Pool {
        Pool::of(pool.current_num_threads(), Kind::Host(pool))
    }

    fn of(threads: usize, kind: Kind) -> Pool {
        Pool { threads, kind, eager: false, spin: SPIN, wake_policy: PerProcess::new() }
    }

    /// Uses all threads for any amount of work; for tests.
    pub fn eager(mut self) -> Pool {
        self.eager = true;
        self
    }

    /// Lets its own threads poll for work for this long before they sleep, at most a millisecond;
    /// 200 µs by default.
    pub fn spinning(mut self, time: Duration) -> Pool {
        self.spin = time.min(LONGEST_SPIN);
        self
    }

    /// How long a thread that has worked stays awake.
    pub(super) fn awake_for(&self) -> Duration {
        let own = matches!(self.kind, Kind::Own(_) | Kind::Pinned(..));
        if own && may_spin() { self.spin.max(LOOK) } else { LOOK }
    }

    /// Lets threads poll no longer than [`LOOK`] while a function runs.
    pub(super) fn without_spinning<T>(&self, work: impl FnOnce() -> T) -> T {
        let (Kind::Own(crew) | Kind::Pinned(crew, _)) = &self.kind else { return work() };
        let spin = &crew.get_or_make(Crew::default).shared.spin;
        spin.store(0, Ordering::Relaxed);
        let result = work();
        spin.store(self.spin.as_nanos() as u64, Ordering::Relaxed);
        result
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The maximum number of workers, each of which needs scratch, for a run of `units` units that
    /// takes one thread about `nanoseconds` in all.
    pub fn most_workers(&self, units: usize, nanoseconds: f32) -> usize {
        let most = self.threads.min(units);
        if most < 2 || self.eager { most.max(1) } else { WakePolicy::most(most, nanoseconds) }
    }

    /// The number of workers that such a run should have now: 1 is the caller's thread alone.
    ///
    /// It depends on the fork-join cost of this machine, which is measured when the pool has had
    /// enough work for that to pay, and on whether threads are awake, as they are for some
    /// microseconds after each run.
    pub fn workers(&self, units: usize, nanoseconds: f32) -> usize {
        let most = self.at_hand().min(units);
        if most < 2 || self.eager {
            return most.max(1);
        }
        let awake = match &self.kind {
            _ if rayon::current_thread_index().is_some() => Awake::Other,
            Kind::Own(crew) | Kind::Pinned(crew, _)
                if crew.get_or_make(Crew::default).is_awake() =>
            {
                Awake::Yes
            }
            _ => Awake::No,
        };
        self.wake_policy.get_or_make(WakePolicy::default).workers(self, most, nanoseconds, awake)
    }

    /// The number of threads available to a caller on this thread.
    fn at_hand(&self) -> usize {
        match rayon::current_thread_index() {
            Some(_) => self.threads.min(rayon::current_num_threads()),
            None => self.threads,
        }
    }

    /// Calls `work(unit, worker)` once for each unit, on at most `workers` threads. `worker` is
    /// below `workers`, and differs between concurrent calls.
    ///
    /// # Panics
    /// Only if `work` does, after all workers have stopped; then not every unit was run.
    pub fn run(&self, workers: usize, units: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        let workers = workers.min(self.at_hand()).min(units);
        if workers < 2 || IS_OURS.get() {
            (0..units).for_each(|unit| work(unit, 0));
            return;
        }
        let job = Job::new(workers, units, work);
        match &self.kind {
            _ if rayon::current_thread_index().is_some() => split(&job, workers),
            Kind::Host(pool) => pool.install(|| split(&job, workers)),
            Kind::Own(crew) => {
                let crew = crew.get_or_make(Crew::default);
                crew.start(self.threads - 1, 1, (&[], self.spin));
                crew.share(&job, true);
            }
            Kind::Pinned(crew, cores) => {
                let crew = crew.get_or_make(Crew::default);
                crew.start(self.threads, 0, (cores, self.spin));
                crew.share(&job, crew.is_empty());
            }
        }
        job.finish();
    }
}

thread_local! {
    /// Whether this thread is a pool's own: nested runs stay on it.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Runs a job on this thread's rayon pool, with a task for each seat.
fn split(job: &Job<'_>, seats: usize) {
    if seats < 2 {
        let home = rayon::current_thread_index().unwrap_or(0);
        if let Some(worker) = job.join() {
            job.take_part(worker, home);
        }
        return;
    }
    rayon::join(|| split(job, seats / 2), || split(job, seats - seats / 2));
}

/// One run of a pool, on the caller's stack.
struct Job<'a> {
    work: &'a (dyn Fn(usize, usize) + Sync),
    units: usize,
    workers: usize,
    /// The number of workers that have joined, which is the next worker's number.
    joined: AtomicUsize,
    ranges: Ranges,
    /// Whether a worker has panicked, and the panic.
    stopped: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// The units in contiguous ranges, one per worker up to a limit.
struct Ranges {
    count: usize,
    /// The next unit of each range.
    next: [Line; MOST_RANGES],
}

/// A counter alone on a pair of cache lines, because they are fetched in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicUsize);

/// The maximum number of ranges: many enough that few workers share one, few enough for a small
/// stack.
const MOST_RANGES: usize = 32;

impl<'a> Job<'a> {
    fn new(workers: usize, units: usize, work: &'a (dyn Fn(usize, usize) + Sync)) -> Job<'a> {
        let mut ranges = Ranges {
            count: workers.min(MOST_RANGES),
            next: std::array::from_fn(|_| Line::default()),
        };
        for part in 0..ranges.count {
            *ranges.next[part].0.get_mut() = ranges.start(part, units);
        }
        Job {
            work,
            units,
            workers,
            joined: AtomicUsize::new(0),
            ranges,
            stopped: AtomicBool::new(false),
            panic: Mutex::new(None),
        }
    }

    /// Joins as one more worker, if allowed; returns its number.
    fn join(&self) -> Option<usize> {
        let one_more = |joined| (joined < self.workers).then_some(joined + 1);
        self.joined.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()
    }

    /// The number of workers that may still join.
    fn seats(&self) -> usize {
        if self.is_done() { 0 } else { self.workers - self.joined.load(Ordering::Relaxed) }
    }

    /// Whether every unit is done or taken.
    fn is_done(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
            || (0..self.ranges.count).all(|part| !self.ranges.has_more(part, self.units))
    }

    /// Runs units until there are no more, starting with the range `home`.
    fn take_part(&self, worker: usize, home: usize) {
        let run = || {
            let mut part = home % self.ranges.count;
            while let Some(unit) = self.ranges.take(&mut part, self.units) {
                if self.stopped.load(Ordering::Relaxed) {
                    break;
                }
                (self.work)(unit, worker);
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            self.stopped.store(true, Ordering::Relaxed);
            *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
        }
    }

    /// Resumes a worker's panic, if there was one.
    fn finish(self) {
        if let Some(panic) = self.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(panic);
        }
    }
}

impl Ranges {
    fn start(&self, part: usize, units: usize) -> usize {
        part * (units / self.count) + part.min(units % self.count)
    }

    fn has_more(&self, part: usize, units: usize) -> bool {
        self.next[part].0.load(Ordering::Relaxed) < self.start(part + 1, units)
    }

    /// Takes a unit of the range `part`, or else of the next range with units.
    fn take(&self, part: &mut usize, units: usize) -> Option<usize> {
        for _ in 0..self.count {
            // The check keeps the counter from overflowing.
            if self.has_more(*part, units) {
                let unit = self.next[*part].0.fetch_add(1, Ordering::Relaxed);
                if unit < self.start(*part + 1, units) {
                    return Some(unit);
                }
            }
            *part = (*part + 1) % self.count;
        }
        None
    }
}

/// A pool's own threads.
#[derive(Default)]
struct Crew {
    shared: Arc<Shared>,
    threads: OnceLock<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// The number of jobs so far, which threads poll before they sleep.
    jobs: AtomicUsize,
    /// The number of sleeping threads; written with the queue locked.
    idle: AtomicUsize,
    /// Nanoseconds for which threads poll.
    spin: AtomicU64,
    wake: Condvar,
}

/// How long a thread polls in any case for the next job, or for the end of the last unit, before it
/// sleeps: less than a sleep and a wake-up take.
const LOOK: Duration = Duration::from_micros(10);
/// How long a thread that has worked polls for the next job by default.
const SPIN: Duration = Duration::from_micros(200);
const LONGEST_SPIN: Duration = Duration::from_millis(1);

/// Polls a condition for some time.
fn look(time: Duration, ready: impl Fn() -> bool) {
    let start = Instant::now();
    while !ready() && start.elapsed() < time {
        // A pause takes up to 140 cycles.
        (0..2).for_each(|_| std::hint::spin_loop());
    }
}

/// The threads of this process that poll for longer than [`LOOK`].
static SPINNING: PerProcess<AtomicUsize> = PerProcess::new();

/// Whether polling takes nothing from others: this process has several processors, and no limit on
/// their time.
fn may_spin() -> bool {
    static LIMITED: PerProcess<OnceLock<bool>> = PerProcess::new();
    !*LIMITED.get_or_make(OnceLock::new).get_or_init(has_quota) && usable_cores() > 1
}

/// Polls for longer, if there is a processor for this thread besides those of the callers and of
/// other threads that poll.
fn spin(time: Duration, ready: impl Fn() -> bool) {
    if time <= LOOK || ready() || !may_spin() {
        return;
    }
    let spinning = SPINNING.get_or_make(AtomicUsize::default);
    if spinning.fetch_add(1, Ordering::Relaxed) + 1 < usable_cores() {
        look(time - LOOK, ready);
    }
    spinning.fetch_sub(1, Ordering::Relaxed);
}

/// The jobs that threads may join.
struct Queue {
    first: *const Post,
    closing: bool,
}

/// A job in the queue, on its caller's stack until the caller removes it. All fields except the job
/// are written only with the queue locked.
struct Post {
    job: *const Job<'static>,
    next: Cell<*const Post>,
    /// The number of threads working on it.
    inside: AtomicUsize,
    /// Whether the caller waits for them, and how it is notified.
    awaited: Cell<bool>,
    gone: Condvar,
}

// SAFETY: posts in the queue are alive, as their callers take them out before they return, and
// their cells are accessed only with the queue locked.
unsafe impl Send for Queue {}

impl Default for Queue {
    fn default() -> Queue {
        Queue { first: ptr::null(), closing: false }
    }
}

impl Queue {
    fn add(&mut self, post: &Post) {
        post.next.set(self.first);
        self.first = post;
    }

    fn remove(&mut self, post: &Post) {
        if ptr::eq(self.first, post) {
            self.first = post.next.get();
            return;
        }
        let mut before = self.first;
        // SAFETY: what is linked is alive.
        while let Some(other) = unsafe { before.as_ref() } {
            if ptr::eq(other.next.get(), post) {
                other.next.set(post.next.get());
                return;
            }
            before = other.next.get();
        }
    }

    /// Joins a job that accepts workers; returns its post and the worker's number.
    fn join(&mut self) -> Option<(*const Post, usize)> {
        let mut at = self.first;
        // SAFETY: what is linked is alive, and so is its job.
        while let Some(post) = unsafe { at.as_ref() } {
            // SAFETY: as above.
            let job = unsafe { &*post.job };
            if job.seats() > 0
                && let Some(worker) = job.join()
            {
                post.inside.fetch_add(1, Ordering::Relaxed);
                return Some((at, worker));
            }
            at = post.next.get();
        }
        None
    }
}

impl Crew {
    /// Starts `count` threads, numbered from `first`, or as many as the system allows.
    fn start(&self, count: usize, first: usize, (cores, spin): (&[usize], Duration)) {
        self.threads.get_or_init(|| {
            self.shared.spin.store(spin.as_nanos() as u64, Ordering::Relaxed);
            let mut threads = Vec::with_capacity(count);
            for number in first..first + count {
                let shared = self.shared.clone();
                let core = number.checked_rem(cores.len()).map(|at| cores[at]);
                let work = move || {
                    IS_OURS.set(true);
                    if let Some(core) = core {
                        pin(core);
                    }
                    shared.serve(number);
                };
                match thread::Builder::new().name(format!("hotloop-{number}")).spawn(work) {
                    Ok(thread) => threads.push(thread),
                    Err(_) => break,
                }
            }
            threads
        });
    }

    /// Whether a thread is awake.
    fn is_awake(&self) -> bool {
        let threads = self.threads.get().map_or(0, Vec::len);
        self.shared.idle.load(Ordering::Relaxed) < threads
    }

    /// Whether there is no thread.
    fn is_empty(&self) -> bool {
        self.threads.get().is_none_or(Vec::is_empty)
    }

    /// Runs a job on the threads and, if `take_part` is set, on the caller's; returns when no
    /// thread works on it any more.
    fn share(&self, job: &Job<'_>, take_part: bool) {
        let own = if take_part { job.join() } else { None };
        let post = Post {
            job: ptr::from_ref(job).cast(),
            next: Cell::new(ptr::null()),
            inside: AtomicUsize::new(0),
            awaited: Cell::new(false),
            gone: Condvar::new(),
        };
        self.shared.lock().add(&post);
        self.shared.jobs.fetch_add(1, Ordering::Relaxed);
        self.shared.call(job);
        if let Some(worker) = own {
            job.take_part(worker, 0);
        }
        let over = || post.inside.load(Ordering::Relaxed) == 0 && job.is_done();
        look(LOOK, over);
        let mut queue = self.shared.lock();
        post.awaited.set(true);
        while !over() {
            queue = post.gone.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.remove(&post);
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        // For those that poll.
        self.shared.jobs.fetch_add(1, Ordering::Relaxed);
        self.shared.wake.notify_all();
        for thread in self.threads.take().into_iter().flatten() {
            // The thread cannot have panicked: a job's panic goes to the job's caller.
            let _ = thread.join();
        }
    }
}

/// The wake-up fan-out: each thread wakes at most this many others, because waking takes time.
const CALLS: usize = 2;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes some threads for a job with free seats.
    fn call(&self, job: &Job<'_>) {
        let idle = self.idle.load(Ordering::Relaxed);
        for _ in 0..job.seats().min(idle).min(CALLS) {
            self.wake.notify_one();
        }
    }

    /// The loop of a thread until the pool is dropped.
    fn serve(&self, number: usize) {
        let mut queue = self.lock();
        // Whether it has polled since it last worked, and worked since it last slept.
        let (mut looked, mut worked) = (false, false);
        loop {
            if let Some((post, worker)) = queue.join() {
                drop(queue);
                // SAFETY: the caller does not return, nor its job end, while we are inside.
                let post = unsafe { &*post };
                // SAFETY: as above.
                let job = unsafe { &*post.job };
                self.call(job);
                job.take_part(worker, number);
                queue = self.lock();
                if post.inside.fetch_sub(1, Ordering::Relaxed) == 1 && post.awaited.get() {
                    // Notify with the lock held: once it is released the post may be gone.
                    post.gone.notify_one();
                }
                (looked, worked) = (false, true);
            } else if queue.closing {
                return;
            } else if !looked {
                let jobs = self.jobs.load(Ordering::Relaxed);
                drop(queue);
                let ready = || self.jobs.load(Ordering::Relaxed) != jobs;
                look(LOOK, ready);
                if worked {
                    spin(Duration::from_nanos(self.spin.load(Ordering::Relaxed)), ready);
                }
                queue = self.lock();
                looked = true;
            } else {
                self.idle.fetch_add(1, Ordering::Relaxed);
                queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
                self.idle.fetch_sub(1, Ordering::Relaxed);
                (looked, worked) = (false, false);
            }
        }
    }
}

/// Pins this thread to a core, if it exists.
#[cfg(target_os = "linux")]
fn pin(core: usize) {
    if core >= libc::CPU_SETSIZE as usize {
        return;
    }
    // SAFETY: an all-zero set is an empty one, the core is below its size, and the call reads it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}

#[cfg(not(target_os = "linux"))]
fn pin(_core: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_threads_poll_than_there_are_processors_for() {
        let long = Duration::from_secs(5);
        let spinning = SPINNING.get_or_make(AtomicUsize::default);
        // As if every processor had a thread that polls.
        spinning.fetch_add(usable_cores(), Ordering::Relaxed);
        let start = Instant::now();
        spin(long, || false);
        spinning.fetch_sub(usable_cores(), Ordering::Relaxed);
        spin(LOOK, || false);
        spin(long, || true);
        assert!(start.elapsed() < long);
    }

    #[test]
    fn how_long_threads_stay_awake() {
        let own = |time| Pool::new(2).spinning(time).awake_for();
        assert_eq!(own(Duration::ZERO), LOOK);
        let longest = own(Duration::from_secs(9));
        assert_eq!(longest, if may_spin() { LONGEST_SPIN } else { LOOK });
        let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(Pool::host(Arc::new(threads)).spinning(SPIN).awake_for(), LOOK);
    }
}
