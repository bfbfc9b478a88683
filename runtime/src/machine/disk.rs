//! Positioned reads and writes of files, unnamed files, preallocation and writeback.

use std::fs::{File, OpenOptions};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Reads exactly `bytes.len()` bytes of a file from offset `at` on.
#[cfg(unix)]
pub fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    file.read_exact_at(bytes, at).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "the file is shorter than it was")
        }
        _ => error,
    })
}

/// Writes all of `bytes` to a file from offset `at` on.
#[cfg(unix)]
pub fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    within_limit(|| file.write_all_at(bytes, at))
}

#[cfg(not(unix))]
pub fn read_exact_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub fn write_all_at(_: &File, _: &[u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Runs a call that extends a file. If the length exceeds `RLIMIT_FSIZE`, the call fails with
/// `EFBIG` and no signal is delivered.
///
/// The system also sends `SIGXFSZ`, which by default ends the host's process. The signal goes to
/// the calling thread, so it is blocked in this thread during the call and then consumed. The
/// host's handlers are not changed.
#[cfg(target_os = "linux")]
pub fn within_limit<T>(grow: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    use std::{mem, ptr};

    // SAFETY: a set of signals is plain numbers, which `sigemptyset` then sets.
    let (mut signal, mut before, mut pending): (libc::sigset_t, libc::sigset_t, libc::sigset_t) =
        unsafe { (mem::zeroed(), mem::zeroed(), mem::zeroed()) };
    // SAFETY: the calls read and write only the three sets.
    let (held, own) = unsafe {
        libc::sigemptyset(&mut signal);
        libc::sigaddset(&mut signal, libc::SIGXFSZ);
        let held = libc::pthread_sigmask(libc::SIG_BLOCK, &signal, &mut before) == 0;
        // A signal that was pending before must stay pending.
        let waits = libc::sigismember(&before, libc::SIGXFSZ) == 1
            && libc::sigpending(&mut pending) == 0
            && libc::sigismember(&pending, libc::SIGXFSZ) == 1;
        (held, !waits)
    };
    let grown = grow();
    if held {
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the calls read only the sets and the time, and write nothing.
        unsafe {
            if grown.is_err() && own {
                libc::sigtimedwait(&signal, ptr::null_mut(), &at_once);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        }
    }
    grown
}

#[cfg(not(target_os = "linux"))]
pub fn within_limit<T>(grow: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    grow()
}

/// Creates an unnamed file in a directory; it is deleted when closed.
pub fn nameless(directory: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(target_os = "linux")]
    {
        let mut options = options.clone();
        options.mode(0o600).custom_flags(libc::O_TMPFILE | libc::O_EXCL);
        if let Ok(file) = options.open(directory) {
            return Ok(file);
        }
    }
    // The file system has no unnamed files, or the directory is not writable, which is an error
    // below.
    named_for_a_moment(directory, options.create_new(true))
}

/// Creates a file and removes its name at once.
fn named_for_a_moment(directory: &Path, options: &mut OpenOptions) -> io::Result<File> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    // No other user may open it before the name is removed.
    #[cfg(unix)]
    options.mode(0o600);
    let mut tries = 0;
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!(".hotloop-{}-{number}.tmp", std::process::id()));
        match options.open(&path) {
            Ok(file) => {
                return match std::fs::remove_file(&path) {
                    // Another process removed it meanwhile.
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => Ok(file),
                };
            }
            // Left by an earlier process with the same id.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 1000 => {
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Sets the length of a file.
pub fn set_len(file: &File, len: u64) -> io::Result<()> {
    within_limit(|| file.set_len(len))
}

/// Allocates disk space for a file of `end` bytes. If the file system does not support this, or a
/// signal interrupts the call, a full disk is noticed when the file is written.
#[cfg(target_os = "linux")]
pub fn reserve(file: &File, end: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    let len = libc::off64_t::try_from(end).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let allocated = within_limit(|| {
        // The call rejects a length of 0. SAFETY: the descriptor is open while the file is
        // borrowed, and the call accesses no memory.
        if len == 0 || unsafe { libc::fallocate64(file.as_raw_fd(), 0, 0, len) } == 0 {
            return Ok(());
        }
        Err(io::Error::last_os_error())
    });
    allocated.or_else(|error| match error.raw_os_error() {
        // After a signal, a repeated call would start from the beginning.
        Some(libc::EINTR | libc::EOPNOTSUPP | libc::ENOSYS) => Ok(()),
        _ => Err(error),
    })
}

#[cfg(not(target_os = "linux"))]
pub fn reserve(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// The maximum number of bytes of a file in writeback.
#[cfg(target_os = "linux")]
const BEHIND: u64 = 8 << 20;

/// Starts writeback of the whole pages of a range that has been written, and waits for that of an
/// earlier range. Errors are reported when the file is synced.
///
/// Closing an unnamed file waits for its writeback. Without a bound on it, a stopped run would take
/// seconds to end.
#[cfg(target_os = "linux")]
pub fn write_behind(file: &File, at: u64, len: usize) {
    use std::os::fd::AsRawFd;

    const PAGE: u64 = 4096;
    let (from, to) = (at.next_multiple_of(PAGE), (at + len as u64) / PAGE * PAGE);
    let Some(len) = to.checked_sub(from).filter(|len| *len > 0) else { return };
    let of = |from: u64, len: u64, what| {
        // SAFETY: the descriptor is open while the file is borrowed, and the call accesses no
        // memory.
        unsafe {
            let (from, len) = (from as libc::off64_t, len as libc::off64_t);
            libc::sync_file_range(file.as_raw_fd(), from, len, what);
        }
    };
    of(from, len, libc::SYNC_FILE_RANGE_WRITE);
    if let Some(before) = from.checked_sub(BEHIND) {
        of(before, len, libc::SYNC_FILE_RANGE_WAIT_BEFORE);
    }
}

#[cfg(not(target_os = "linux"))]
pub fn write_behind(_: &File, _: u64, _: usize) {}
