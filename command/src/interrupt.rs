//! Signals: Ctrl-C stops the computation; signals that terminate (`kill`, a closed terminal) also
//! end the process.
//!
//! Work stops at its next [`check`], so that it can clean up. While the process only waits, for a
//! line or for the reader of a pipe, it ends at once.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
#[cfg(unix)]
use std::time::{Duration, Instant};

use hotloop::{CancelToken, Error, ErrorKind, Result};

/// The signal of Ctrl-C.
const INTERRUPT: i32 = 2;

static TOKEN: OnceLock<CancelToken> = OnceLock::new();
/// The signal that has come, or 0.
static SIGNAL: AtomicI32 = AtomicI32::new(0);
/// Whether Ctrl-C, too, is to end everything.
static ENDS_ALL: AtomicBool = AtomicBool::new(false);
/// Whether the process is idle.
static WAITING: AtomicBool = AtomicBool::new(false);
/// Cleanup for a process that ends while it waits.
#[cfg(unix)]
static LAST: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();
/// The state of the command: open, or one of the two exclusive states below.
static OUTCOME: AtomicU8 = AtomicU8::new(OPEN);
const OPEN: u8 = 0;
/// It was said that a signal has stopped it.
const SAID: u8 = 1;
/// The output is being moved to its destination.
const KEPT: u8 = 2;
/// Stopped work normally reports itself much sooner. Otherwise it is releasing written data, and
/// the message should not wait for that.
#[cfg(unix)]
const GRACE: Duration = Duration::from_millis(150);
/// A second signal to end after so long finds work that does not look: the process ends.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(1);

/// The token that signals set. After the first call, signals only set the token while there is
/// work; call [`begin`] before starting work.
pub(crate) fn token() -> &'static CancelToken {
    TOKEN.get_or_init(|| {
        let token = CancelToken::new();
        // Without handlers, signals have their default effect.
        #[cfg(unix)]
        let _ = handle(token.clone());
        token
    })
}

#[cfg(unix)]
fn handle(token: CancelToken) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let signals = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal));
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut asked: Option<Instant> = None;
        for signal in signals.forever() {
            // Ctrl-C does not take back that the process is to end.
            let _ = match signal {
                SIGINT => SIGNAL.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst),
                _ => Ok(SIGNAL.swap(signal, Ordering::SeqCst)),
            };
            token.cancel();
            if is_to_end() {
                let again = asked.is_some_and(|first| first.elapsed() > PATIENCE);
                if asked.replace(asked.unwrap_or_else(Instant::now)).is_none() {
                    // Without a thread it is said in the end.
                    let _ = std::thread::Builder::new().spawn(say_late);
                }
                if again || WAITING.load(Ordering::SeqCst) {
                    if let Some(last) = LAST.get() {
                        last();
                    }
                    std::process::exit(exit_code().into());
                }
            }
        }
    })?;
    Ok(())
}

/// Turns `SIGXFSZ` into an error of the write instead of a signal that ends the process. Child
/// processes are not affected, because handlers are not inherited.
pub(crate) fn outlive_file_limits() {
    #[cfg(unix)]
    {
        use signal_hook::consts::SIGXFSZ;

        if !is_ignored(SIGXFSZ) {
            // Without a handler, the signal has its default effect.
            let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
        }
    }
}

/// Reports that the command was stopped, if not reported yet and no output is being moved.
#[cfg(unix)]
fn say_late() {
    std::thread::sleep(GRACE);
    if ENDS_ALL.load(Ordering::SeqCst) && say() {
        super::progress::clear();
        super::complain(&stopped());
    }
}

/// Whether to report now that the command was stopped: once, and not while the output is being
/// moved to its destination.
pub(crate) fn say() -> bool {
    OUTCOME.compare_exchange(OPEN, SAID, Ordering::SeqCst, Ordering::SeqCst).is_ok()
}

/// Whether it was said that the command was stopped.
pub(crate) fn is_said() -> bool {
    OUTCOME.load(Ordering::SeqCst) == SAID
}

/// The last point at which the command can be stopped; then the output is moved to its destination.
///
/// # Errors
/// `Cancelled`.
pub(crate) fn keep() -> Result<()> {
    if !ENDS_ALL.load(Ordering::SeqCst) {
        return check();
    }
    if OUTCOME.load(Ordering::SeqCst) == KEPT {
        return Ok(());
    }
    check()?;
    match OUTCOME.compare_exchange(OPEN, KEPT, Ordering::SeqCst, Ordering::SeqCst) {
        Err(SAID) => Err(stopped()),
        _ => Ok(()),
    }
}

/// Whether the parent process wants a signal ignored, as `nohup` does.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    // SAFETY: plain numbers.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: without a new action nothing changes; the old one goes to a live value.
    let known = unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) } == 0;
    known && action.sa_sigaction == libc::SIG_IGN
}

/// Whether the signal that has come, if one has, is to end the process.
pub(crate) fn is_to_end() -> bool {
    match SIGNAL.load(Ordering::SeqCst) {
        0 => false,
        INTERRUPT => ENDS_ALL.load(Ordering::SeqCst),
        _ => true,
    }
}

/// The exit code after a signal, by the shell's convention.
pub(crate) fn exit_code() -> u8 {
    match SIGNAL.load(Ordering::SeqCst) {
        0 => 128 + INTERRUPT as u8,
        signal => 128 + signal as u8,
    }
}

/// Begins work that [`check`] or the token may stop.
pub(crate) fn begin() {
    let token = token();
    if is_to_end() {
        return;
    }
    token.reset();
    let _ = SIGNAL.compare_exchange(INTERRUPT, 0, Ordering::SeqCst, Ordering::SeqCst);
    // One that came meanwhile.
    if SIGNAL.load(Ordering::SeqCst) != 0 {
        token.cancel();
    }
}

/// From now on Ctrl-C ends everything: no work begins after it.
pub(crate) fn end_all() {
    begin();
    ENDS_ALL.store(true, Ordering::SeqCst);
}

/// Waits for something that cannot be stopped; signals that terminate end the process meanwhile.
///
/// # Errors
/// `Cancelled` if that came before.
pub(crate) fn waiting<T>(wait: impl FnOnce() -> T) -> Result<T> {
    WAITING.store(true, Ordering::SeqCst);
    let come = if is_to_end() { Err(stopped()) } else { Ok(wait()) };
    WAITING.store(false, Ordering::SeqCst);
    come
}

/// Has this done when a signal ends the process while it waits.
#[cfg(unix)]
pub(crate) fn at_end(work: impl Fn() + Send + Sync + 'static) {
    let _ = LAST.set(Box::new(work));
}

/// Whether the work may go on.
///
/// # Errors
/// `Cancelled` if a signal has come since [`begin`].
pub(crate) fn check() -> Result<()> {
    match SIGNAL.load(Ordering::SeqCst) {
        0 => Ok(()),
        _ => Err(stopped()),
    }
}

/// Returns an error if a signal has stopped the work.
pub(crate) fn stopped() -> Error {
    let by = match SIGNAL.load(Ordering::SeqCst) {
        INTERRUPT => "Ctrl-C",
        _ => "a signal",
    };
    Error::new(ErrorKind::Cancelled, format!("stopped by {by}"))
}

/// Elements between two looks at whether the user wants to stop.
pub(crate) const STRIDE: usize = 1 << 16;

/// Calls `work` for parts of `elements` elements until Ctrl-C is pressed.
///
/// # Errors
/// `Cancelled`.
pub(crate) fn by_parts(count: usize, mut work: impl FnMut(Range<usize>)) -> Result<()> {
    (0..count).step_by(STRIDE).try_for_each(|start| {
        check()?;
        work(start..count.min(start.saturating_add(STRIDE)));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything() {
        for count in [0, 1, STRIDE - 1, STRIDE, STRIDE + 1, 3 * STRIDE] {
            let mut end = 0;
            let seen = by_parts(count, |part| {
                assert_eq!(part.start, end);
                assert!((1..=STRIDE).contains(&part.len()));
                end = part.end;
            });
            assert_eq!((seen.is_ok(), end), (true, count));
        }
    }
}
