//! Whether standard output was closed when the process began.
//!
//! Before `main`, the standard library opens `/dev/null` in place of closed standard streams, and
//! output would be lost silently. So a constructor that runs earlier checks them.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(target_os = "linux")]
extern "C" fn look() {
    // SAFETY: it reads the flags of a number that need not be open.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    CLOSED.store(flags == -1, Ordering::Relaxed);
}

// SAFETY: the section holds addresses of functions, which are called once each before `main`. This
// one needs nothing that is not there yet.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// Checks that standard output is open.
///
/// # Errors
/// Whether it was closed.
pub(crate) fn check() -> io::Result<()> {
    match CLOSED.load(Ordering::Relaxed) {
        true => Err(io::Error::other("standard output is closed")),
        false => Ok(()),
    }
}
