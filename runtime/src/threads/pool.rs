//! The threads that loops run on: a pool's own, or those of a rayon pool of the host.
//!
//! A run has *units* of work, numbered, and *workers*, numbered too, who have scratch. Each worker
//! begins with a contiguous run of units of its own and, when that is done, helps with the
//! others'. The caller's thread is a worker, and begins at once; the pool's threads join when they
//! have woken up, and if all is done by then they are not waited for. So a run loses little where
//! the other threads or cores have something else to do, and nobody waits by spinning.
//!
//! No lock is held while a unit runs or anything is handed to rayon, and a worker of a rayon pool
//! never waits for threads of another.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::wake_policy::{Awake, WakePolicy};
use crate::per_process::PerProcess;

/// The threads that loops run on, started when first needed.
pub struct Pool {
    threads: usize,
    kind: Kind,
    eager: bool,
    wake_policy: PerProcess<WakePolicy>,
}

enum Kind {
    /// The pool's own threads beside the caller's.
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

/// More would take more than they give, on any machine.
const MOST_THREADS: usize = 1024;

impl Pool {
    /// A pool of this many threads, at most 1,024, of which the caller's is one. With 1, loops run
    /// on the caller's.
    pub fn new(threads: usize) -> Pool {
        Pool::of(threads.clamp(1, MOST_THREADS), Kind::Own(PerProcess::new()))
    }

    /// A pool of this many threads of its own, each on one of the cores, in turn. Where the system
    /// does not pin them they run anywhere. Small loops run on the caller's thread.
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
        Pool { threads, kind, eager: false, wake_policy: PerProcess::new() }
    }

    /// Uses all threads however little there is to do; for tests.
    pub fn eager(mut self) -> Pool {
        self.eager = true;
        self
    }

    /// How many threads it is to have.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The most workers that a run may ever gain from, if it has so many units and takes one
    /// thread about so many nanoseconds in all: how many to have scratch for.
    pub fn most_workers(&self, units: usize, nanoseconds: f32) -> usize {
        let most = self.threads.min(units);
        if most < 2 || self.eager { most.max(1) } else { WakePolicy::most(most, nanoseconds) }
    }

    /// How many workers such a run should have now: 1 is the caller's thread alone.
    ///
    /// That depends on what this machine's threads take to begin, which is measured when the pool
    /// has had enough work for that to pay, and on whether they are awake, as they are for some
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

    /// The threads that a caller on this thread may use.
    fn at_hand(&self) -> usize {
        match rayon::current_thread_index() {
            Some(_) => self.threads.min(rayon::current_num_threads()),
            None => self.threads,
        }
    }

    /// Calls `work(unit, worker)` once for each unit, on at most `workers` threads; a worker's
    /// number is below `workers`, and no two calls at once have the same.
    ///
    /// # Panics
    /// Only if `work` does, when all workers have stopped; then not every unit was run.
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
                crew.start(self.threads - 1, 1, &[]);
                crew.share(&job, true);
            }
            Kind::Pinned(crew, cores) => {
                let crew = crew.get_or_make(Crew::default);
                crew.start(self.threads, 0, cores);
                crew.share(&job, crew.is_empty());
            }
        }
        job.finish();
    }
}

thread_local! {
    /// Whether this thread is a pool's own: what its work runs in turn stays on it.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Takes part in a job in as many tasks of this thread's rayon pool as there are seats.
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
    /// The workers that have joined: the next one's number.
    joined: AtomicUsize,
    ranges: Ranges,
    /// Set when somebody has panicked, and what that was.
    stopped: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// The units in as many contiguous parts as there are workers, up to a limit.
struct Ranges {
    count: usize,
    /// The next unit of each.
    next: [Line; MOST_RANGES],
}

/// Alone on its cache lines, which are fetched in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicUsize);

/// So many that few workers share one, and so few that they fit a small stack.
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

    /// The number of one more worker, if there may be one.
    fn join(&self) -> Option<usize> {
        let one_more = |joined| (joined < self.workers).then_some(joined + 1);
        self.joined.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()
    }

    /// How many more workers may join.
    fn seats(&self) -> usize {
        if self.is_done() { 0 } else { self.workers - self.joined.load(Ordering::Relaxed) }
    }

    /// Whether every unit is done or in somebody's hands.
    fn is_done(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
            || (0..self.ranges.count).all(|part| !self.ranges.has_more(part, self.units))
    }

    /// Runs units until there are no more, those near `home` first.
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

    /// Goes on with a worker's panic, if there was one.
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

    /// A unit of this part, or else of the next that has one.
    fn take(&self, part: &mut usize, units: usize) -> Option<usize> {
        for _ in 0..self.count {
            // Looking first keeps the counter from running away.
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
    /// How many jobs there have been: what a thread looks at before it sleeps.
    jobs: AtomicUsize,
    /// How many threads sleep; written with the queue locked.
    idle: AtomicUsize,
    wake: Condvar,
}

/// How long a thread looks for the next job or the end of the last unit before it sleeps: less
/// than sleeping and being woken take.
const LOOK: Duration = Duration::from_micros(10);

/// Looks for a moment whether something has come true.
fn look(ready: impl Fn() -> bool) {
    let start = Instant::now();
    while !ready() && start.elapsed() < LOOK {
        (0..8).for_each(|_| std::hint::spin_loop());
    }
}

/// The jobs that threads may join.
struct Queue {
    first: *const Post,
    closing: bool,
}

/// A job in the queue, on its caller's stack until the caller has taken it out. All but the job
/// is only written with the queue locked.
struct Post {
    job: *const Job<'static>,
    next: Cell<*const Post>,
    /// The threads that work on it.
    inside: AtomicUsize,
    /// Whether the caller waits for them, and how it is told.
    awaited: Cell<bool>,
    gone: Condvar,
}

// SAFETY: posts in the queue are alive, as their callers take them out before they return, and
// their cells are touched by whoever holds the queue's lock.
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

    /// A post whose job may be joined, and the number of the worker that now has.
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
    /// Starts the threads, as many as the system allows; the first has this number.
    fn start(&self, count: usize, first: usize, cores: &[usize]) {
        self.threads.get_or_init(|| {
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

    /// Whether a thread does not sleep.
    fn is_awake(&self) -> bool {
        let threads = self.threads.get().map_or(0, Vec::len);
        self.shared.idle.load(Ordering::Relaxed) < threads
    }

    /// Whether there is no thread.
    fn is_empty(&self) -> bool {
        self.threads.get().is_none_or(Vec::is_empty)
    }

    /// Has the threads take part in a job, and the caller's if it is asked to; returns when
    /// nobody is at it any more.
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
        look(over);
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
        self.shared.wake.notify_all();
        for thread in self.threads.take().into_iter().flatten() {
            // It ended by itself: a job's panic goes to the job's caller.
            let _ = thread.join();
        }
    }
}

/// Each wakes so many others: waking takes time, so that one thread should not do it for all.
const CALLS: usize = 2;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes some of the threads for a job that more may join.
    fn call(&self, job: &Job<'_>) {
        let idle = self.idle.load(Ordering::Relaxed);
        for _ in 0..job.seats().min(idle).min(CALLS) {
            self.wake.notify_one();
        }
    }

    /// What a thread does until the pool is dropped.
    fn serve(&self, number: usize) {
        let mut queue = self.lock();
        let mut looked = false;
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
                    // With the lock held: once it is free the post may be gone.
                    post.gone.notify_one();
                }
                looked = false;
            } else if queue.closing {
                return;
            } else if !looked {
                let jobs = self.jobs.load(Ordering::Relaxed);
                drop(queue);
                look(|| self.jobs.load(Ordering::Relaxed) != jobs);
                queue = self.lock();
                looked = true;
            } else {
                self.idle.fetch_add(1, Ordering::Relaxed);
                queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
                self.idle.fetch_sub(1, Ordering::Relaxed);
                looked = false;
            }
        }
    }
}

/// Pins this thread to a core, if the system has it.
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
