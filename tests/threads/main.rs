//! Threads, host pools, forks, signals and limits of the process, named after the entries of the
//! catalogue of bad inputs.

#![cfg(target_os = "linux")]

mod hosts;
mod limits;
mod process;
mod stopping;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hotloop::threads::rayon::{ThreadPool, ThreadPoolBuilder};
use hotloop::{Arg, DType, Engine, Program};

fn rayon_pool(threads: usize) -> Arc<ThreadPool> {
    Arc::new(ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

/// Engines with every kind of threads, which they use even for small arrays.
fn engines() -> Vec<(&'static str, Engine)> {
    let builder = || Engine::builder().eager();
    vec![
        ("on 1", builder().threads(1).build()),
        ("on 2", builder().threads(2).build()),
        ("on 5", builder().threads(5).build()),
        ("pinned", builder().threads(2).pin(&[0, 1]).build()),
        ("of the host, 1", builder().pool(rayon_pool(1)).build()),
        ("of the host, 2", builder().pool(rayon_pool(2)).build()),
    ]
}

const TEXT: &str = "y = sin(a) * 3 + a / 7; s = sum(y); y, s, max(a)";

fn data(n: usize) -> Vec<f64> {
    (0..n).map(|i| (i % 1013) as f64 / 7.0).collect()
}

/// The bits of all outputs.
fn bits(program: &Program, a: &[f64]) -> Vec<u64> {
    let outputs = program.eval([Arg::from(a)]).unwrap();
    let values = outputs.iter().flat_map(|o| o.view::<f64>().unwrap().into_iter().copied());
    values.map(f64::to_bits).collect()
}

/// The number of threads of this process whose names start with a prefix.
fn threads_named(start: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|t| std::fs::read_to_string(t.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with(start)).count()
}

/// Waits until the pool has this number of threads: a thread takes a moment to set its name, and to
/// exit.
fn has_threads(count: usize) -> bool {
    let start = Instant::now();
    while threads_named("hotloop-") != count && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(1));
    }
    threads_named("hotloop-") == count
}

/// Tells another thread to end when this value is dropped, even after a failed assertion.
struct Running<'a>(&'a AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn cpu_time() -> Duration {
    // SAFETY: an all-zero record is valid, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &raw mut usage), 0);
        usage
    };
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Restricts this process to one core.
fn keep_one_core() {
    // SAFETY: all-zero sets are valid empty sets; the calls fill one and read the other.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(libc::sched_getaffinity(0, size_of_val(&set), &raw mut set), 0);
        let first = (0..1024).find(|&core| libc::CPU_ISSET(core, &set)).unwrap();
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(first, &mut one);
        // Each thread has its own affinity; new threads inherit it.
        for task in std::fs::read_dir("/proc/self/task").unwrap() {
            let id = task.unwrap().file_name().to_string_lossy().parse().unwrap();
            assert_eq!(libc::sched_setaffinity(id, size_of_val(&one), &raw const one), 0);
        }
    }
}

static ENDLESS: f64 = 0.5;

/// An array that takes years to compute.
fn endless() -> Arg<'static> {
    // SAFETY: the element is static; the view repeats it.
    unsafe { Arg::raw((&raw const ENDLESS).cast(), &[1 << 45], &[0], DType::F64) }
}
