//! G. Forks, signals, process exit.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use hotloop::{Arg, Engine, Out, Program, ndarray};
use hotloop_testing::alone;

use super::{Running, TEXT, bits, data, endless, engines, has_threads};

/// Runs a function in a child process, which must succeed within half a minute.
fn in_a_fork(work: impl FnOnce() -> bool) {
    // SAFETY: the child computes and exits without unwinding into the test.
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
            // SAFETY: the process is a child that has not been waited for.
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
    if !alone("process::g7_a_fork_has_threads_of_its_own") {
        return;
    }
    let a = data(100_000);
    let engine = Engine::builder().eager().threads(3).build();
    let program = engine.compile(TEXT).unwrap();
    let want = bits(&program, &a);
    let running = AtomicBool::new(true);
    std::thread::scope(|scope| {
        // Work is queued and threads are computing when the forks happen.
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
    if !alone("process::g8_fork_while_another_thread_compiles") {
        return;
    }
    // Long enough that most forks happen while it is compiled.
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
                // A program that is being compiled, and a new one.
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
    if !alone("process::g11_a_storm_of_signals") {
        return;
    }
    let a = data(200_000);
    for (timer, signal) in [(libc::ITIMER_REAL, libc::SIGALRM), (libc::ITIMER_PROF, libc::SIGPROF)]
    {
        // Without SA_RESTART, so that blocking calls are interrupted.
        // SAFETY: the handler only adds to an atomic; all-zero records are valid.
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
            // Starting threads and compiling also work while signals arrive.
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
    const NAME: &str = "process::g12_exit_while_running";
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
    // Runs the process's destructors while all threads compute.
    std::process::exit(0);
}

/// A thread local that computes in its destructor, when the thread ends.
struct AtTheEnd {
    program: Program,
    a: Vec<f64>,
    right: Arc<AtomicUsize>,
}

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        // A compiled program, a new one, and an engine that lives only here.
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
    if !alone("process::g12_in_destructors_of_thread_locals") {
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
            // One value is made before this thread has any thread locals of the library, and so is
            // destroyed after them; the other one is destroyed before them.
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
