//! What may stop a run, and what watches it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Why a run ended early.
#[derive(Debug)]
pub enum Stop {
    /// The cancel token was set.
    Cancelled,
    /// The deadline passed.
    Deadline,
    /// A store could not be read or written.
    Failed(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Failed(error)
    }
}

/// What may stop a run: looked at once a tile.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// Stops the run when set.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Stops the run when passed; monotonic.
    pub deadline: Option<Instant>,
}

impl Control {
    /// Whether to go on.
    pub fn check(&self) -> Result<(), Stop> {
        if self.cancel.as_ref().is_some_and(|c| c.load(Ordering::Relaxed)) {
            return Err(Stop::Cancelled);
        }
        if self.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(Stop::Deadline);
        }
        Ok(())
    }
}

/// How far a run is, for progress bars: elements, counted anew in each pass over them.
///
/// ```
/// # use hotloop_runtime::control::Progress;
/// let progress = Progress::new();
/// assert_eq!((progress.done(), progress.total()), (0, 0));
/// ```
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Of a run that has not begun.
    pub fn new() -> Progress {
        Progress::default()
    }

    /// Elements that are done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Elements that the runs so far have or will have when they end; known when a run begins.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// More elements are to come.
    pub fn add_total(&self, elements: u64) {
        self.total.fetch_add(elements, Ordering::Relaxed);
    }

    /// More elements are done.
    pub fn add(&self, elements: u64) {
        self.done.fetch_add(elements, Ordering::Relaxed);
    }
}
