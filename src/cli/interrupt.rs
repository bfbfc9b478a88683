//! Ctrl-C: stops what is being computed, not the process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use hotloop::{CancelToken, Error, ErrorKind, Result};

static TOKEN: OnceLock<CancelToken> = OnceLock::new();
static PRESSED: AtomicBool = AtomicBool::new(false);

/// The token that Ctrl-C sets. From the first call on, the signal does nothing else; whoever
/// starts a run that it shall stop resets the token before.
pub(crate) fn token() -> &'static CancelToken {
    TOKEN.get_or_init(|| {
        let token = CancelToken::new();
        let own = token.clone();
        // Where no handler can be had, the signal ends the process as ever.
        let _ = ctrlc::set_handler(move || {
            PRESSED.store(true, Ordering::Relaxed);
            own.cancel();
        });
        token
    })
}

/// Begins work that [`check`] or the token may stop.
pub(crate) fn begin() {
    token().reset();
    PRESSED.store(false, Ordering::Relaxed);
}

/// Whether the work may go on.
///
/// # Errors
/// `Cancelled` if Ctrl-C was pressed since [`begin`].
pub(crate) fn check() -> Result<()> {
    match PRESSED.load(Ordering::Relaxed) {
        false => Ok(()),
        true => Err(Error::new(ErrorKind::Cancelled, "stopped by Ctrl-C")),
    }
}
