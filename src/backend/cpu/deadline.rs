//! Compilation with a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use hotloop_runtime::isa::Isa;
use hotloop_runtime::per_process::PerProcess;

use super::native::{self, Emitter, NativeTile};
use super::tile::TileProgram;
use crate::backend::{Label, Refusal};

/// The maximum number of instructions of a program that the caller's thread compiles.
const QUICK: usize = 4000;

/// Compiles a tile program. A large one compiles on a helper thread, which is abandoned at the
/// deadline.
///
/// # Errors
/// The emitter's, [`Refusal::TooLarge`] at the deadline, [`Refusal::Busy`] if no helper is free.
pub fn compile(
    program: &TileProgram,
    isa: Isa,
    emitter: Emitter,
    deadline: Instant,
    label: Label,
) -> Result<Arc<NativeTile>, Refusal> {
    if program.size() <= QUICK {
        return native::compile(program, isa, emitter, &label).map(Arc::new);
    }
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Refusal::TooLarge);
    }
    let helper = Helper::start().ok_or(Refusal::Busy)?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let own = program.clone();
    let thread = std::thread::Builder::new().name("hotloop-compile".to_string());
    let work = move || {
        let _helper = helper;
        // The receiver is gone after the deadline.
        let _ = sender.send(native::compile(&own, isa, emitter, &label).map(Arc::new));
    };
    thread.stack_size(8 << 20).spawn(work).map_err(|_| Refusal::Busy)?;
    receiver.recv_timeout(left).unwrap_or(Err(Refusal::TooLarge))
}

/// A permit for a helper thread. Abandoned threads hold theirs until they end.
struct Helper;

static HELPERS: PerProcess<AtomicUsize> = PerProcess::new();
const MOST_HELPERS: usize = 4;

impl Helper {
    fn start() -> Option<Helper> {
        let one_more = |count| (count < MOST_HELPERS).then_some(count + 1);
        let helpers = HELPERS.get_or_make(AtomicUsize::default);
        helpers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok().map(|_| Helper)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        HELPERS.get_or_make(AtomicUsize::default).fetch_sub(1, Ordering::Relaxed);
    }
}
