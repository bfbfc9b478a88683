//! Parts of files: read and written where they are, and what systems offer besides.

use std::fs::{File, OpenOptions};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(unix)]
pub fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    file.read_exact_at(bytes, at).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "the file is shorter than it was")
        }
        _ => error,
    })
}

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

/// Runs something that makes a file longer. Where the process may not have files of that length
/// (`RLIMIT_FSIZE`), the call fails with `EFBIG`, and nothing else happens.
///
/// The system also sends `SIGXFSZ`, whose default is to end the process: this is a library, and the
/// process is its host. The signal goes to the thread that made the call, so it is held back in this
/// thread meanwhile and then taken away. The host's handlers are not touched.
#[cfg(target_os = "linux")]
pub fn within_limit<T>(grow: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    use std::{mem, ptr};

    // SAFETY: a set of signals is plain numbers, which `sigemptyset` then sets.
    let (mut signal, mut before, mut pending): (libc::sigset_t, libc::sigset_t, libc::sigset_t) =
        unsafe { (mem::zeroed(), mem::zeroed(), mem::zeroed()) };
    // SAFETY: all three sets live, and the calls write nothing else.
    let (held, own) = unsafe {
        libc::sigemptyset(&mut signal);
        libc::sigaddset(&mut signal, libc::SIGXFSZ);
        let held = libc::pthread_sigmask(libc::SIG_BLOCK, &signal, &mut before) == 0;
        // A host that holds it back itself may have one that waits; that one stays.
        let waits = libc::sigismember(&before, libc::SIGXFSZ) == 1
            && libc::sigpending(&mut pending) == 0
            && libc::sigismember(&pending, libc::SIGXFSZ) == 1;
        (held, !waits)
    };
    let grown = grow();
    if held {
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the sets and the time live; no information on the signal is asked for.
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

/// A new file that has no name in its directory, and is gone once it is closed.
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
    // The file system has no such files, or the directory takes none, which then shows again.
    named_for_a_moment(directory, options.create_new(true))
}

/// The same of a file whose name is removed at once.
fn named_for_a_moment(directory: &Path, options: &mut OpenOptions) -> io::Result<File> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    // Whoever else uses the directory, before the name is gone.
    #[cfg(unix)]
    options.mode(0o600);
    let mut tries = 0;
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!(".hotloop-{}-{number}.tmp", std::process::id()));
        match options.open(&path) {
            Ok(file) => {
                return match std::fs::remove_file(&path) {
                    // Another process tidied it up meanwhile.
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => Ok(file),
                };
            }
            // Somebody's who had our number before us.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 1000 => {
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Makes a file so long.
pub fn set_len(file: &File, len: u64) -> io::Result<()> {
    within_limit(|| file.set_len(len))
}

/// Takes room on the disk for a file that becomes so long. Where the file system has no such call,
/// or a signal is in its way, there is room, or there is none, when it is written.
#[cfg(target_os = "linux")]
pub fn reserve(file: &File, end: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    let len = libc::off64_t::try_from(end).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let allocated = within_limit(|| {
        // No room at all is not to be asked for.
        // SAFETY: the file is open as long as it is borrowed; no memory is handed over.
        if len == 0 || unsafe { libc::fallocate64(file.as_raw_fd(), 0, 0, len) } == 0 {
            return Ok(());
        }
        Err(io::Error::last_os_error())
    });
    allocated.or_else(|error| match error.raw_os_error() {
        // After a signal it would begin anew.
        Some(libc::EINTR | libc::EOPNOTSUPP | libc::ENOSYS) => Ok(()),
        _ => Err(error),
    })
}

#[cfg(not(target_os = "linux"))]
pub fn reserve(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// Bytes that are on their way to the disk at once.
#[cfg(target_os = "linux")]
const BEHIND: u64 = 8 << 20;

/// Has the whole pages of a part that was written go to the disk from now on, and waits for those of
/// the part so far before it. Those at its ends may be written again. What goes wrong is for whoever
/// syncs the file.
///
/// Whoever closes a file that has no name waits for all that is on its way: it must not be much, or a
/// run that is stopped would not end for seconds. The disk is as busy with little as with much.
#[cfg(target_os = "linux")]
pub fn write_behind(file: &File, at: u64, len: usize) {
    use std::os::fd::AsRawFd;

    const PAGE: u64 = 4096;
    let (from, to) = (at.next_multiple_of(PAGE), (at + len as u64) / PAGE * PAGE);
    let Some(len) = to.checked_sub(from).filter(|len| *len > 0) else { return };
    let of = |from: u64, len: u64, what| {
        // SAFETY: the file is open as long as it is borrowed; no memory is handed over.
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
