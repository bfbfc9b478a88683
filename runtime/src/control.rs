//! What may stop a run, and what watches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Why a run ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The cancel token was set.
    Cancelled,
    /// The deadline passed.
    Deadline,
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

/// Counts elements as they are done, for progress bars.
pub type Progress = Arc<AtomicU64>;
