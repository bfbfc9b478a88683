//! Threads, other people's pools, forks, signals and limits of the process: named after the
//! entries of the catalogue of bad inputs.

#![cfg(target_os = "linux")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use hotloop::io::{FileArray, Source};
use hotloop::threads::rayon::{ThreadPool, ThreadPoolBuilder, join, scope};
use hotloop::{
    Arg, ArgType, Backend, CancelToken, DType, Engine, ErrorKind, Out, Program, RunOptions, ndarray,
};
use hotloop_testing::alone;
use hotloop_testing::refuse_calls;

fn rayon_pool(threads: usize) -> Arc<ThreadPool> {
    Arc::new(ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

/// Engines with every sort of threads, which use them for small arrays, too.
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

/// The threads of this process whose names start so.
fn threads_named(start: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|t| std::fs::read_to_string(t.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with(start)).count()
}

/// Whether the pool's threads are soon so many: a thread takes a moment to name itself and to go.
fn has_threads(count: usize) -> bool {
    let start = Instant::now();
    while threads_named("hotloop-") != count && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(1));
    }
    threads_named("hotloop-") == count
}

/// Tells another thread to end when this one leaves, be it by a failed assertion.
struct Running<'a>(&'a AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn cpu_time() -> Duration {
    // SAFETY: an all-zero record is one, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &raw mut usage), 0);
        usage
    };
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Leaves this process one core.
fn keep_one_core() {
    // SAFETY: all-zero sets are empty ones; the calls fill the one and read the other.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(libc::sched_getaffinity(0, size_of_val(&set), &raw mut set), 0);
        let first = (0..1024).find(|&core| libc::CPU_ISSET(core, &set)).unwrap();
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(first, &mut one);
        // Threads have affinities of their own; new ones inherit their maker's.
        for task in std::fs::read_dir("/proc/self/task").unwrap() {
            let id = task.unwrap().file_name().to_string_lossy().parse().unwrap();
            assert_eq!(libc::sched_setaffinity(id, size_of_val(&one), &raw const one), 0);
        }
    }
}

// F. Resources and limits

/// Leaves this process so many files that may be open; gives back how many there might have been.
fn limit_files(most: u64) -> u64 {
    // SAFETY: a record that lives.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        let before = std::mem::replace(&mut limit.rlim_cur, most);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
        before
    }
}

/// A host that does nothing about the limit on the size of files lives, and its signals are as it
/// left them: code is had from memory without a file, and what needs a file is an error.
#[test]
fn f10_a_limit_on_the_size_of_files() {
    if !alone("f10_a_limit_on_the_size_of_files") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let a = data(10_000);
    let oracle = Engine::builder().threads(1).backend(Backend::Interpreter).build();
    let want = bits(&oracle.compile(TEXT).unwrap(), &a);
    // SAFETY: no handler is given; the records live.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
        let limit = libc::rlimit { rlim_cur: 10_000, rlim_max: 10_000 };
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
    for threads in [1, 2] {
        let engine = Engine::builder().eager().threads(threads).build();
        let program = engine.compile(TEXT).unwrap();
        assert!(program.eval([Arg::from(&a)]).unwrap().report().native);
        assert!(bits(&program, &a) == want, "on {threads} threads");
        let file = |name: &str| std::fs::File::create_new(dir.path().join(name)).unwrap();
        // A file that is to become too long, one that becomes it unasked, and one that just fits.
        let error = hotloop::npy::create(file("long"), DType::F64, &[10_000]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EFBIG));
        let unasked = Arc::new(FileArray::new(file("unasked"), 0, DType::F64, &[10_000]));
        let fits = Arc::new(hotloop::npy::create(file("fits"), DType::F64, &[1000]).unwrap());
        let sum = engine.compile("a + 1").unwrap();
        let error = sum.eval_into([Arg::from(&a)], &mut [Out::sink(&unasked)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("File too large"), "{error}");
        sum.eval_into([Arg::from(&a[..1000])], &mut [Out::sink(&fits)]).unwrap();
        let mut last = [0; 8];
        Source::read_at(&*fits, 999 * 8, &mut last).unwrap();
        assert_eq!(f64::from_le_bytes(last), a[999] + 1.0);
        // Temporary arrays beyond the memory of a run.
        let options = RunOptions::new().memory(1).temp_directory(dir.path());
        let text = "y = sin(a) - mean(a); y - max(y)";
        let out = Arc::new(FileArray::new(file("none"), 0, DType::F64, &[10_000]));
        let kept = engine.compile(text).unwrap().with(options);
        let error = kept.eval_into([Arg::from(&a)], &mut [Out::sink(&out)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        for name in ["long", "unasked", "fits", "none"] {
            std::fs::remove_file(dir.path().join(name)).unwrap();
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    // SAFETY: the records live; the signal is looked for, and then asked for.
    unsafe {
        let (mut pending, mut held) = (std::mem::zeroed(), std::mem::zeroed());
        assert_eq!(libc::sigpending(&raw mut pending), 0);
        assert_eq!(libc::sigismember(&raw const pending, libc::SIGXFSZ), 0);
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut held);
        assert_eq!(libc::sigismember(&raw const held, libc::SIGXFSZ), 0);
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGXFSZ, std::ptr::null(), &raw mut action);
        assert_eq!(action.sa_sigaction, libc::SIG_DFL);
    }
    // One that the host holds back and has waiting stays there.
    // SAFETY: the records live; the signal is blocked in this thread, which it is sent to.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGXFSZ);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        libc::raise(libc::SIGXFSZ);
        let file = std::fs::File::create_new(dir.path().join("again")).unwrap();
        hotloop::npy::create(file, DType::F64, &[10_000]).unwrap_err();
        let mut pending = std::mem::zeroed();
        libc::sigpending(&raw mut pending);
        assert_eq!(libc::sigismember(&raw const pending, libc::SIGXFSZ), 1);
    }
}

/// Checks that the interpreter answers where executable memory is refused, and that those who ask
/// for native code and nothing else are told.
fn interpreted_when_refused(refuse: impl FnOnce() -> bool) {
    let a = data(10_000);
    let oracle = Engine::builder().threads(1).backend(Backend::Interpreter).build();
    let want = bits(&oracle.compile(TEXT).unwrap(), &a);
    if !refuse() {
        println!("the system does not let this process give up calls");
        return;
    }
    for threads in [1, 2] {
        let engine = Engine::builder().eager().threads(threads).build();
        let program = engine.compile(TEXT).unwrap();
        assert!(!program.eval([Arg::from(&a)]).unwrap().report().native);
        assert!(bits(&program, &a) == want, "on {threads} threads");
        let explained = program.explain(&[("a", ArgType::array(DType::F64))]).unwrap();
        assert!(explained.contains("executable memory refused: "), "{explained}");
    }
    let native = Engine::builder().backend(Backend::Native).build();
    let error = native.compile(TEXT).unwrap().eval([Arg::from(&a)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("executable memory refused: "), "{error}");
    assert_eq!(error.hints(), ["use Backend::Auto"]);
}

#[test]
fn f10_no_executable_mapping() {
    if alone("f10_no_executable_mapping") {
        interpreted_when_refused(|| refuse_calls(libc::SYS_mmap, Some(libc::PROT_EXEC as u32)));
    }
}

#[test]
fn f10_no_file_in_memory() {
    if alone("f10_no_file_in_memory") {
        interpreted_when_refused(|| refuse_calls(libc::SYS_memfd_create, None));
    }
}

#[test]
fn f10_no_file_may_be_open() {
    if alone("f10_no_file_may_be_open") {
        let mut before = 0;
        interpreted_when_refused(|| {
            before = limit_files(0);
            true
        });
        // What was refused once is had when there is room again.
        limit_files(before);
        let outputs = Engine::builder().build().compile("a + 1").unwrap().eval([Arg::from(&[1.0])]);
        assert!(outputs.unwrap().report().native);
    }
}

/// What has been compiled goes on, and what fits beside it is compiled; then the interpreter
/// answers.
#[test]
fn f10_refused_later() {
    if !alone("f10_refused_later") {
        return;
    }
    let a = data(1000);
    let engine = Engine::builder().threads(1).build();
    let oracle = Engine::builder().threads(1).backend(Backend::Interpreter).build();
    let text = |n: usize| {
        let terms: Vec<String> =
            (0..200).map(|i| format!("{i} * a * a + a / {}", n + i + 1)).collect();
        format!("y = {}; y, y, max(y)", terms.join(" + sqrt(a) * "))
    };
    let first = engine.compile(&text(0)).unwrap();
    let want = bits(&first, &a);
    let before = limit_files(0);
    let mut count = 1;
    loop {
        let program = engine.compile(&text(count)).unwrap();
        assert!(bits(&program, &a) == bits(&oracle.compile(&text(count)).unwrap(), &a), "{count}");
        if !program.eval([Arg::from(&a)]).unwrap().report().native {
            break;
        }
        count += 1;
        assert!(count < 1000, "memory was never refused");
    }
    assert!(count > 1, "nothing fits beside what is there");
    assert!(first.eval([Arg::from(&a)]).unwrap().report().native);
    assert!(bits(&first, &a) == want);
    limit_files(before);
}

#[test]
fn f12_no_thread_can_be_started() {
    if !alone("f12_no_thread_can_be_started") {
        return;
    }
    let started = Engine::builder().eager().threads(2).build();
    let a = data(100_000);
    let want = bits(&Engine::builder().threads(1).build().compile(TEXT).unwrap(), &a);
    assert!(bits(&started.compile(TEXT).unwrap(), &a) == want);
    // SAFETY: plain numbers and a record that lives; root is above the limit, so it leaves.
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        assert_eq!(libc::setrlimit(libc::RLIMIT_NPROC, &raw const none), 0);
        if libc::geteuid() == 0 {
            assert_eq!(libc::setresuid(65534, 65534, 65534), 0);
        }
    }
    let refused = std::thread::Builder::new().spawn(|| ()).is_err();
    assert!(refused, "threads can still be started: this tests nothing");
    let builder = || Engine::builder().eager().threads(4);
    for engine in [builder().build(), builder().pin(&[0]).build(), started] {
        let program = engine.compile(&format!("{TEXT}, a")).unwrap();
        assert!(bits(&program, &a)[..want.len()] == want);
    }
    assert!(bits(&Engine::builder().build().compile(TEXT).unwrap(), &data(2_000_000)).len() > 1);
}

#[test]
fn f13_little_address_space() {
    if !alone("f13_little_address_space") {
        return;
    }
    let engine = Engine::builder().eager().threads(2).build();
    let program = engine.compile("a * 2 + 1").unwrap();
    let a = data(8 << 20);
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let used = statm.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 4096;
    let limit = libc::rlimit { rlim_cur: used + (40 << 20), rlim_max: used + (40 << 20) };
    // SAFETY: the record lives.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    let error = program.eval([Arg::from(&a)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    let y = program.eval_as::<f64>([Arg::from(&a[..100_000])]).unwrap();
    assert_eq!((y[[1]], y[[99_999]]), (2.0 / 7.0 + 1.0, a[99_999] * 2.0 + 1.0));
}

#[test]
fn f14_one_core() {
    if !alone("f14_one_core") {
        return;
    }
    // Threads that were there before share the core; right, if no faster.
    let before = Engine::builder().eager().threads(2).build();
    let a = data(300_000);
    let want = bits(&before.compile(TEXT).unwrap(), &a);
    assert!(has_threads(1));
    keep_one_core();
    for _ in 0..20 {
        assert!(bits(&before.compile(TEXT).unwrap(), &a) == want);
    }
    drop(before);
    assert!(has_threads(0));
    // An engine made now starts none.
    let engine = Engine::builder().build();
    for _ in 0..20 {
        assert!(bits(&engine.compile(TEXT).unwrap(), &a) == want);
    }
    assert!(has_threads(0));
}

#[test]
fn f14_nobody_waits_by_spinning() {
    if !alone("f14_nobody_waits_by_spinning") {
        return;
    }
    for (name, engine) in engines() {
        let program = engine.compile(TEXT).unwrap();
        bits(&program, &data(100_000));
        std::thread::sleep(Duration::from_millis(5));
        let before = cpu_time();
        std::thread::sleep(Duration::from_millis(300));
        let spent = cpu_time() - before;
        assert!(spent < Duration::from_millis(15), "{name}: {spent:?} while nothing was to do");
        // While the threads compute, only as many are busy as there are cores.
        let late = RunOptions::new().deadline(Duration::from_millis(200));
        let program = engine.compile("sum(sin(a))").unwrap().with(late);
        let (start, before) = (Instant::now(), cpu_time());
        assert_eq!(program.eval([endless()]).unwrap_err().kind(), ErrorKind::Cancelled);
        let threads = match name {
            "on 1" | "of the host, 1" => 1.0,
            "on 5" => 5.0,
            _ => 2.0,
        };
        let (spent, most) = (cpu_time() - before, start.elapsed().mul_f64(threads + 0.2));
        assert!(spent < most, "{name}: {spent:?} in {:?}", start.elapsed());
    }
}

static ENDLESS: f64 = 0.5;

/// An array that takes years.
fn endless() -> Arg<'static> {
    // SAFETY: the element lives for ever; the view repeats it.
    unsafe { Arg::raw((&raw const ENDLESS).cast(), &[1 << 45], &[0], DType::F64) }
}

#[test]
fn f15_stopped_within_50_ms() {
    if !alone("f15_stopped_within_50_ms") {
        return;
    }
    for (name, engine) in engines() {
        let token = CancelToken::new();
        let program = engine.compile("sum(sin(a))").unwrap().with(RunOptions::new().cancel(&token));
        // The machine may be busy with something else: one of some attempts must be quick.
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
        // Nothing is left behind.
        token.reset();
        assert_eq!(program.eval_as::<f64>([Arg::from(&[0.0])]).unwrap()[[]], 0.0, "{name}");
    }
}

/// A program that takes years, over memory of a few megabytes: another loop each.
struct Endless {
    text: &'static str,
    dtype: DType,
    /// For each input the shape and the strides, in elements.
    inputs: Vec<(Vec<usize>, Vec<isize>)>,
}

/// Bytes of zeros behind every endless array.
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
        // Along rows, few and many.
        of("sum(a, axis=1)", DType::F64, &[(&[4, long], &[0, 0])]),
        of("max(sum(a, axis=1))", DType::F64, &[(&[1 << 22, 1 << 19], &[0, 1])]),
        of("max(min(a, axis=1))", DType::U8, &[(&[1 << 22, 1 << 22], &[0, 1])]),
        // Side by side, few and many.
        of("sum(a, axis=0)", DType::F64, &[(&[long, 64], &[0, 1])]),
        of("max(sum(a, axis=0))", DType::U8, &[(&[1 << 30, 1 << 22], &[0, 1])]),
        of("max(var(a, axis=0))", DType::F64, &[(&[1 << 30, 1 << 18], &[0, 1])]),
        // Panels: rows side by side in memory, columns far apart.
        of("sum(a * 2)", DType::U8, &[(&[1 << 25, 1000, 2000], &[0, 1, 1000])]),
        of(
            "sum(a + b)",
            DType::F64,
            &[(&[1 << 30, 500, 500], &[0, 1, 500]), (&[1 << 30, 500, 500], &[0, 500, 1])],
        ),
        of("sum(a, axis=0)", DType::F64, &[(&[1 << 30, 500, 500], &[0, 1, 500])]),
        // Nests of rows and columns, what is kept of both, views, strides.
        of("sum(a + b)", DType::U8, &[(&[1 << 22, 1], &[1, 0]), (&[1, 1 << 22], &[0, 1])]),
        of(
            "sum(sin(a) * exp(b))",
            DType::F64,
            &[(&[1 << 19, 1], &[1, 0]), (&[1, 1 << 19], &[0, 1])],
        ),
        of("sum(a[::-1, 1:] - a[:, :-1])", DType::I32, &[(&[1 << 25, 1 << 19], &[0, 2])]),
    ]
}

/// Every sort of loop looks at its token often enough.
#[test]
fn f15_every_loop_is_stopped_within_50_ms() {
    if !alone("f15_every_loop_is_stopped_within_50_ms") {
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
                    // SAFETY: all elements are in the memory, as was just seen.
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
            // The machine may be busy with something else: one of some attempts must be quick.
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

/// What is made beside a run's loops takes no time that cannot be stopped: outputs, copies of
/// inputs that are overwritten, arrays kept between passes.
#[test]
fn f15_memory_is_made_within_50_ms() {
    if !alone("f15_memory_is_made_within_50_ms") {
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
            // Compiled, and its threads started.
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

/// The interpreter, which answers where there is no code, can be stopped, too: while it collects
/// elements, computes and writes. A single long sequence is reduced to its end.
#[test]
fn f15_the_interpreter_is_stopped_within_50_ms() {
    if !alone("f15_the_interpreter_is_stopped_within_50_ms") {
        return;
    }
    let room = vec![1u8; 64 << 20];
    let engine = Engine::builder().backend(Backend::Interpreter).build();
    let after = Duration::from_millis(20);
    for text in ["x[::-1]", "x + 1", "transpose(x) + 1", "sum(x, axis=1)", "x * x[:, :1]"] {
        let late = engine.compile(text).unwrap().with(RunOptions::new().deadline(after));
        // SAFETY: all elements are the room's.
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

/// Deadlines are moments of `Instant`, which does not jump; nothing here knows the time of day.
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
                // Files that a profiler's map is found among have a time of day, and no deadline.
                let profiles = path.ends_with("runtime/src/machine/perf.rs");
                assert!(profiles || !source.contains("SystemTime"), "{}", path.display());
            }
        }
    }
    assert!(files > 20);
}

// G. Concurrency

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
            // A worker of one pool that waits for another.
            host.install(|| other.install(|| host.install(fine)));
            // Tasks that are stolen while others compile the same and run.
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
    if !alone("g4_no_more_threads_than_the_host_has") {
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
    // An engine on the host's pool needs no others when called from outside, either.
    let engine = Engine::builder().eager().pool(host.clone()).build();
    bits(&engine.compile(TEXT).unwrap(), &a);
    assert_eq!(threads(), before);
}

#[test]
fn g5_threads_end_with_their_engine() {
    if !alone("g5_threads_end_with_their_engine") {
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

/// Runs in a child process, which must end well in half a minute.
fn in_a_fork(work: impl FnOnce() -> bool) {
    // SAFETY: the child computes and leaves without unwinding into the test.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "no fork");
    if child == 0 {
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(if matches!(good, Ok(true)) { 0 } else { 1 }) };
    }
    let (start, mut status) = (Instant::now(), 0);
    // SAFETY: waits for the child above, and writes its status to the local.
    while unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } != child {
        if start.elapsed() > Duration::from_secs(30) {
            // SAFETY: the child is ours and still there.
            unsafe { libc::kill(child, libc::SIGKILL) };
            panic!("the child hangs");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(libc::WIFEXITED(status), "the child died: {status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the child's values are wrong");
}

#[test]
fn g7_a_fork_has_threads_of_its_own() {
    if !alone("g7_a_fork_has_threads_of_its_own") {
        return;
    }
    let a = data(100_000);
    let engine = Engine::builder().eager().threads(3).build();
    let program = engine.compile(TEXT).unwrap();
    let want = bits(&program, &a);
    let running = AtomicBool::new(true);
    std::thread::scope(|scope| {
        // Jobs are in the queue, threads in the middle of them, when the forks happen.
        scope.spawn(|| {
            while running.load(Ordering::Relaxed) {
                assert!(bits(&program, &a) == want);
            }
        });
        let _running = Running(&running);
        for _ in 0..20 {
            in_a_fork(|| {
                let right = bits(&program, &a) == want && has_threads(2);
                in_a_fork(|| bits(&program, &a) == want && has_threads(2));
                right
            });
        }
    });
}

#[test]
fn g8_fork_while_another_thread_compiles() {
    if !alone("g8_fork_while_another_thread_compiles") {
        return;
    }
    // Long enough that most forks find it being compiled.
    let text = |i: usize| {
        let terms: Vec<String> = (0..400).map(|k| format!("sin(a * {i}.5 + {k})")).collect();
        terms.join(" + ")
    };
    let engine = Engine::builder().threads(2).build();
    let (running, current) = (AtomicBool::new(true), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut i = 0;
            while running.load(Ordering::Relaxed) {
                current.store(i, Ordering::Relaxed);
                let y = engine.compile(&text(i)).unwrap().eval_as::<f64>([Arg::from(&[0.0])]);
                assert!(y.unwrap()[[0]].is_finite());
                i += 1;
            }
        });
        let _running = Running(&running);
        for round in 0..40 {
            std::thread::sleep(Duration::from_micros(700 * round));
            let same = current.load(Ordering::Relaxed);
            in_a_fork(|| {
                // What is being compiled, and what never was.
                let run = |engine: &Engine, text: &str| {
                    engine.compile(text).unwrap().eval_as::<f64>([Arg::from(&[0.0])]).unwrap()[[0]]
                };
                let other = Engine::builder().threads(2).build();
                run(&engine, &text(same)) == run(&other, &text(same))
                    && run(&engine, &format!("a + {round}")) == round as f64
            });
        }
    });
}

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn on_signal(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn g11_a_storm_of_signals() {
    if !alone("g11_a_storm_of_signals") {
        return;
    }
    let a = data(200_000);
    for (timer, signal) in [(libc::ITIMER_REAL, libc::SIGALRM), (libc::ITIMER_PROF, libc::SIGPROF)]
    {
        // Without SA_RESTART: what waits is interrupted.
        // SAFETY: the handler only adds to an atomic; all-zero records are valid ones.
        let set = |microseconds| unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
            assert_eq!(libc::sigaction(signal, &raw const action, std::ptr::null_mut()), 0);
            let every = libc::timeval { tv_sec: 0, tv_usec: microseconds };
            let timer_value = libc::itimerval { it_interval: every, it_value: every };
            assert_eq!(libc::setitimer(timer, &raw const timer_value, std::ptr::null_mut()), 0);
        };
        let list = engines();
        let want = bits(&list[0].1.compile(TEXT).unwrap(), &a);
        SIGNALS.store(0, Ordering::Relaxed);
        set(100);
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(800) {
            for (name, engine) in &list {
                assert!(bits(&engine.compile(TEXT).unwrap(), &a) == want, "{name}");
            }
            // Threads start, and compiling goes on, under them, too.
            let fresh = Engine::builder().eager().threads(3).build();
            assert!(bits(&fresh.compile(TEXT).unwrap(), &a) == want);
        }
        set(0);
        let count = SIGNALS.load(Ordering::Relaxed);
        assert!(count > 20, "only {count} signals");
    }
}

#[test]
fn g12_exit_while_running() {
    const NAME: &str = "g12_exit_while_running";
    if !alone(NAME) {
        return;
    }
    let list = engines();
    let running = Arc::new(Barrier::new(list.len() + 1));
    for (_, engine) in list {
        let running = running.clone();
        std::thread::spawn(move || {
            let program = engine.compile("sum(sin(a))").unwrap();
            running.wait();
            let mut y = ndarray::arr0(0.0);
            let _ = program.eval_into([endless()], &mut [Out::from(&mut y)]);
        });
    }
    running.wait();
    std::thread::sleep(Duration::from_millis(50));
    // With destructors of the process, while all of them compute.
    std::process::exit(0);
}

/// Computes when the thread that owns it ends, in a destructor of its locals.
struct AtTheEnd {
    program: Program,
    a: Vec<f64>,
    right: Arc<AtomicUsize>,
}

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        // What is compiled, what never was, and an engine that begins and ends here.
        let sum = |program: &Program| program.eval_as::<f64>([Arg::from(&self.a)]).unwrap()[[]];
        let want = sum(&self.program);
        let number = self.right.load(Ordering::Relaxed);
        let text = format!("sum(sin(a)) + {number} - {number}");
        let fresh = Engine::builder().eager().threads(2).build();
        for engine in [Engine::shared(), &fresh] {
            let got = sum(&engine.compile(&text).unwrap());
            assert!((got - want).abs() < 1e-6, "{got} is not {want}");
        }
        self.right.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn g12_in_destructors_of_thread_locals() {
    if !alone("g12_in_destructors_of_thread_locals") {
        return;
    }
    thread_local! {
        static FIRST: std::cell::RefCell<Option<AtTheEnd>> = const { std::cell::RefCell::new(None) };
        static LAST: std::cell::RefCell<Option<AtTheEnd>> = const { std::cell::RefCell::new(None) };
    }
    let right = Arc::new(AtomicUsize::new(0));
    for (_, engine) in engines() {
        let program = engine.compile("sum(sin(a))").unwrap();
        let (a, right) = (data(100_000), right.clone());
        let work = move || {
            // One is made before anything of ours is on this thread, and so goes after it; the
            // other the other way round.
            let at_the_end =
                || AtTheEnd { program: program.clone(), a: a.clone(), right: right.clone() };
            FIRST.set(Some(at_the_end()));
            program.eval([Arg::from(&a)]).unwrap();
            LAST.set(Some(at_the_end()));
        };
        std::thread::spawn(work).join().unwrap();
    }
    assert_eq!(right.load(Ordering::Relaxed), 2 * engines().len());
}

/// Engines, programs, kernels and bound kernels may be dropped in any order, on any thread.
#[test]
fn g5_dropped_in_any_order() {
    if !alone("g5_dropped_in_any_order") {
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
