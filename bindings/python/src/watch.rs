//! Runs beside the interpreter: without its lock, and watched for Ctrl-C.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use hotloop::explain::Progress;
use hotloop::{Bound, CancelToken, Report, Result};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// How often a run is watched.
const STEP: Duration = Duration::from_millis(10);

/// How a run goes on while other Python threads want to run.
pub enum Manner {
    /// It is so short that the interpreter's lock is kept: to get it back may take long.
    Short,
    /// The lock is released.
    Long,
    /// The lock is released, and the main thread looks for signals.
    Watched(CancelToken),
}

impl Manner {
    /// The longest time of a run that keeps the lock, and of one that is not watched.
    const SHORT: Duration = Duration::from_micros(20);
    const LONG: Duration = Duration::from_millis(1);

    /// The manner of runs of this kernel.
    pub fn of(bound: &Bound<'_>) -> Manner {
        match bound.estimate() {
            time if time <= Manner::SHORT => Manner::Short,
            time if time <= Manner::LONG => Manner::Long,
            _ => Manner::Watched(CancelToken::new()),
        }
    }
}

/// What may be sent to another thread: the sender waits for it to be done.
struct Lent<T>(T);

// SAFETY: only one thread at a time uses it.
unsafe impl<T> Send for Lent<T> {}

/// Runs `work` without the interpreter's lock.
pub fn detached<T>(py: Python<'_>, work: impl FnOnce() -> T) -> T {
    let work = Lent(work);
    py.detach(move || {
        let Lent(work) = { work };
        Lent(work())
    })
    .0
}

type Job = Box<dyn FnOnce() + Send>;

/// An idle thread that runs what the main thread watches, and the process that started it.
static IDLE: Mutex<Option<(u32, mpsc::Sender<Job>)>> = Mutex::new(None);

/// A thread that is idle, or a new one. Several exist only while a signal handler starts a run.
fn thread() -> std::io::Result<mpsc::Sender<Job>> {
    let idle = IDLE.lock().map(|mut idle| idle.take()).unwrap_or_default();
    if let Some((process, sender)) = idle
        && process == std::process::id()
    {
        return Ok(sender);
    }
    let (sender, jobs) = mpsc::channel::<Job>();
    let work = move || jobs.into_iter().for_each(|job| job());
    std::thread::Builder::new().name("hotloop-run".into()).spawn(work)?;
    Ok(sender)
}

/// Runs a kernel; `progress` is called with the numbers of elements done and in total.
pub fn run(
    py: Python<'_>,
    bound: Bound<'static>,
    manner: &Manner,
    progress: Option<(&Arc<Progress>, &Py<PyAny>)>,
) -> PyResult<(Bound<'static>, Result<Report>)> {
    let mut bound = bound;
    match manner {
        Manner::Short => {
            let report = bound.run();
            Ok((bound, report))
        }
        Manner::Watched(token) if progress.is_some() || is_main(py)? => {
            watched(py, bound, token, progress)
        }
        _ => Ok(detached(py, move || {
            let report = bound.run();
            (bound, report)
        })),
    }
}

/// Whether this is the thread that receives Python's signals.
fn is_main(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    main.eq(threading.call_method0("get_ident")?)
}

/// Runs a kernel on another thread, and looks for signals meanwhile.
fn watched(
    py: Python<'_>,
    bound: Bound<'static>,
    token: &CancelToken,
    progress: Option<(&Arc<Progress>, &Py<PyAny>)>,
) -> PyResult<(Bound<'static>, Result<Report>)> {
    let (done, end) = mpsc::channel();
    let job = Lent(bound);
    let job = move || {
        let Lent(mut bound) = { job };
        let report = bound.run();
        // The receiver waits until then.
        let _ = done.send(Lent((bound, report)));
    };
    let failed = |_| PyRuntimeError::new_err("the thread of a run has ended");
    let sender = thread()?;
    sender
        .send(Box::new(job))
        .map_err(|_| PyRuntimeError::new_err("the thread of a run has ended"))?;
    let mut interrupt = None;
    let ended = loop {
        let step = if interrupt.is_some() { Duration::from_secs(3600) } else { STEP };
        match detached(py, || end.recv_timeout(step)) {
            Err(mpsc::RecvTimeoutError::Timeout) if interrupt.is_none() => {
                let seen = py.check_signals().and_then(|()| match progress {
                    Some((progress, callback)) => {
                        callback.call1(py, (progress.done(), progress.total())).map(drop)
                    }
                    None => Ok(()),
                });
                if let Err(error) = seen {
                    token.cancel();
                    interrupt = Some(error);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break Err(failed(())),
            Ok(Lent(ended)) => break Ok(ended),
        }
    };
    if let Ok(mut idle) = IDLE.lock() {
        *idle = Some((std::process::id(), sender));
    }
    match (interrupt, ended) {
        (Some(interrupt), _) => Err(interrupt),
        (None, ended) => {
            if let (Some((progress, callback)), Ok((_, Ok(_)))) = (progress, &ended) {
                callback.call1(py, (progress.total(), progress.total()))?;
            }
            ended
        }
    }
}
