//! Whether standard output was closed when the process began.
//!
//! Before `main` the standard library opens `/dev/null` in the place of what is closed, so that no
//! file gets its number. From then on what is printed would be lost without a word; so a function
//! looks that runs still before that.

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

/// That standard output is open.
///
/// # Errors
/// It was closed.
pub(crate) fn check() -> io::Result<()> {
    match CLOSED.load(Ordering::Relaxed) {
        true => Err(io::Error::other("standard output is closed")),
        false => Ok(()),
    }
}
