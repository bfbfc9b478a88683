//! Ctrl-C: stops what is being computed, not the process.

use std::sync::OnceLock;

use hotloop::CancelToken;

static TOKEN: OnceLock<CancelToken> = OnceLock::new();

/// The token that Ctrl-C sets. From the first call on, the signal does nothing else; whoever
/// starts a run that it shall stop resets the token before.
pub(crate) fn token() -> &'static CancelToken {
    TOKEN.get_or_init(|| {
        let token = CancelToken::new();
        let own = token.clone();
        // Where no handler can be had, the signal ends the process as ever.
        let _ = ctrlc::set_handler(move || own.cancel());
        token
    })
}
