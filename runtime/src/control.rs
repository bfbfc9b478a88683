//! Cancellation, deadlines and progress of runs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// The reason why a run ended early.
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

/// The cancel token and the deadline of a run, checked once per tile.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// The cancel token, which stops the run when it is set.
    pub cancel: Option<Arc<AtomicBool>>,
    /// The time at which the run is stopped.
    pub deadline: Option<Instant>,
}

impl Control {
    /// Returns the reason to stop, if there is one.
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

/// The progress of runs, in elements; each pass over an element counts.
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
    /// A progress of 0 elements of 0.
    pub fn new() -> Progress {
        Progress::default()
    }

    /// The number of elements computed.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// The total number of elements of all runs that have begun.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Adds to the total.
    pub fn add_total(&self, elements: u64) {
        self.total.fetch_add(elements, Ordering::Relaxed);
    }

    /// Adds to the number of elements computed.
    pub fn add(&self, elements: u64) {
        self.done.fetch_add(elements, Ordering::Relaxed);
    }
}
