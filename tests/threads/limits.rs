//! F. Limits of the process, and system calls that fail.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotloop::io::{FileArray, Source};
use hotloop::{Arg, ArgType, Backend, DType, Engine, ErrorKind, Out, RunOptions};
use hotloop_testing::{alone, refuse_calls};

use super::{TEXT, bits, cpu_time, data, endless, engines, has_threads, keep_one_core};

/// Sets the limit on the open files of this process; returns the previous limit.
fn limit_files(most: u64) -> u64 {
    // SAFETY: the call accesses a live record.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        let before = std::mem::replace(&mut limit.rlim_cur, most);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
        before
    }
}

/// With a limit on the size of files, the host's process survives and its signal handling does not
/// change: code goes to memory without a file, and a file that is too large is an error.
#[test]
fn f10_a_limit_on_the_size_of_files() {
    if !alone("limits::f10_a_limit_on_the_size_of_files") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let a = data(10_000);
    let oracle = Engine::builder().threads(1).backend(Backend::Interpreter).build();
    let want = bits(&oracle.compile(TEXT).unwrap(), &a);
    // SAFETY: no handler is installed; the calls access live records.
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
        // A file that is too long when it is created, one that becomes too long, and one that just
        // fits.
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
        // Temporary arrays larger than the memory limit of a run.
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
    // SAFETY: the calls access live records.
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
    // A signal that the host has blocked and that is pending stays pending.
    // SAFETY: the calls access live records; the signal is blocked in this thread, to which it is
    // sent.
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

/// Checks that the interpreter is used if executable memory is refused, and that requiring native
/// code is then an error.
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
    if alone("limits::f10_no_executable_mapping") {
        interpreted_when_refused(|| refuse_calls(libc::SYS_mmap, Some(libc::PROT_EXEC as u32)));
    }
}

#[test]
fn f10_no_file_in_memory() {
    if alone("limits::f10_no_file_in_memory") {
        interpreted_when_refused(|| refuse_calls(libc::SYS_memfd_create, None));
    }
}

#[test]
fn f10_no_file_may_be_open() {
    if alone("limits::f10_no_file_may_be_open") {
        let mut before = 0;
        interpreted_when_refused(|| {
            before = limit_files(0);
            true
        });
        // Native code is compiled when there is memory again.
        limit_files(before);
        let outputs = Engine::builder().build().compile("a + 1").unwrap().eval([Arg::from(&[1.0])]);
        assert!(outputs.unwrap().report().native);
    }
}

/// Compiled code continues to run, and more is compiled while it fits; then the interpreter is
/// used.
#[test]
fn f10_refused_later() {
    if !alone("limits::f10_refused_later") {
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
    if !alone("limits::f12_no_thread_can_be_started") {
        return;
    }
    let started = Engine::builder().eager().threads(2).build();
    let a = data(100_000);
    let want = bits(&Engine::builder().threads(1).build().compile(TEXT).unwrap(), &a);
    assert!(bits(&started.compile(TEXT).unwrap(), &a) == want);
    // SAFETY: the calls access a live record. Root is not subject to the limit, so the test drops
    // root.
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
    if !alone("limits::f13_little_address_space") {
        return;
    }
    let engine = Engine::builder().eager().threads(2).build();
    let program = engine.compile("a * 2 + 1").unwrap();
    let a = data(8 << 20);
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let used = statm.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 4096;
    let limit = libc::rlimit { rlim_cur: used + (40 << 20), rlim_max: used + (40 << 20) };
    // SAFETY: the call accesses a live record.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    let error = program.eval([Arg::from(&a)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    let y = program.eval_as::<f64>([Arg::from(&a[..100_000])]).unwrap();
    assert_eq!((y[[1]], y[[99_999]]), (2.0 / 7.0 + 1.0, a[99_999] * 2.0 + 1.0));
}

#[test]
fn f14_one_core() {
    if !alone("limits::f14_one_core") {
        return;
    }
    // Threads started before share the core: the results are right, if no faster.
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
    // An engine made now starts no threads.
    let engine = Engine::builder().build();
    for _ in 0..20 {
        assert!(bits(&engine.compile(TEXT).unwrap(), &a) == want);
    }
    assert!(has_threads(0));
}

#[test]
fn f14_nobody_waits_by_spinning() {
    if !alone("limits::f14_nobody_waits_by_spinning") {
        return;
    }
    let spins = Engine::builder().eager().threads(2).spin(Duration::from_secs(1)).build();
    for (name, engine) in engines().into_iter().chain([("spinning", spins)]) {
        let program = engine.compile(TEXT).unwrap();
        bits(&program, &data(100_000));
        // Longer than threads poll.
        std::thread::sleep(Duration::from_millis(5));
        let before = cpu_time();
        std::thread::sleep(Duration::from_millis(300));
        let spent = cpu_time() - before;
        assert!(spent < Duration::from_millis(15), "{name}: {spent:?} while nothing was to do");
        // While the threads compute, no more of them are busy than there are cores.
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
