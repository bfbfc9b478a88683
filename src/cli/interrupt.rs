//! Ctrl-C: stops what is being computed, not the process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use hotloop::{CancelToken, Error, ErrorKind, Result};

static TOKEN: OnceLock<CancelToken> = OnceLock::new();
static PRESSED: AtomicBool = AtomicBool::new(false);
/// Whether Ctrl-C is to end everything.
static ENDS_ALL: AtomicBool = AtomicBool::new(false);
/// Whether there is nothing to stop but the process.
static WAITING: AtomicBool = AtomicBool::new(false);

/// The token that Ctrl-C sets. From the first call on, the signal does nothing else while there is
/// work; whoever starts it calls [`begin`] before.
pub(crate) fn token() -> &'static CancelToken {
    TOKEN.get_or_init(|| {
        let token = CancelToken::new();
        let own = token.clone();
        // Where no handler can be had, the signal ends the process as ever.
        let _ = ctrlc::set_handler(move || {
            PRESSED.store(true, Ordering::SeqCst);
            own.cancel();
            if WAITING.load(Ordering::SeqCst) && is_to_end() {
                std::process::exit(exit_code().into());
            }
        });
        token
    })
}

/// Whether the process is to end.
fn is_to_end() -> bool {
    PRESSED.load(Ordering::SeqCst) && ENDS_ALL.load(Ordering::SeqCst)
}

/// What the process exits with once Ctrl-C has stopped it, as the shell has it.
pub(crate) fn exit_code() -> u8 {
    130
}

/// Begins work that [`check`] or the token may stop.
pub(crate) fn begin() {
    let token = token();
    if !is_to_end() {
        token.reset();
        PRESSED.store(false, Ordering::SeqCst);
    }
}

/// From now on Ctrl-C ends everything: no work begins after it.
pub(crate) fn end_all() {
    begin();
    ENDS_ALL.store(true, Ordering::SeqCst);
}

/// Waits for something that cannot be stopped: what is to end the process ends it meanwhile.
///
/// # Errors
/// `Cancelled` if that came before.
pub(crate) fn waiting<T>(wait: impl FnOnce() -> T) -> Result<T> {
    WAITING.store(true, Ordering::SeqCst);
    let come = if is_to_end() { Err(stopped()) } else { Ok(wait()) };
    WAITING.store(false, Ordering::SeqCst);
    come
}

/// Whether the work may go on.
///
/// # Errors
/// `Cancelled` if Ctrl-C was pressed since [`begin`].
pub(crate) fn check() -> Result<()> {
    match PRESSED.load(Ordering::SeqCst) {
        false => Ok(()),
        true => Err(stopped()),
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "stopped by Ctrl-C")
}
