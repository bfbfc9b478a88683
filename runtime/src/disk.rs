//! Parts of files: read and written where they are, and what systems offer besides.

use std::fs::File;
use std::io;
#[cfg(unix)]
use std::os::unix::fs::FileExt;

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
    file.write_all_at(bytes, at)
}

#[cfg(not(unix))]
pub fn read_exact_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub fn write_all_at(_: &File, _: &[u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Takes room on the disk for a file that becomes so long. Where the file system has no such call,
/// or a signal is in its way, there is room, or there is none, when it is written.
#[cfg(target_os = "linux")]
pub fn reserve(file: &File, end: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    let len = libc::off64_t::try_from(end).map_err(|_| io::ErrorKind::FileTooLarge)?;
    // No room at all is not to be asked for.
    // SAFETY: the file is open as long as it is borrowed; no memory is handed over.
    if len == 0 || unsafe { libc::fallocate64(file.as_raw_fd(), 0, 0, len) } == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // After a signal it would begin anew.
        Some(libc::EINTR | libc::EOPNOTSUPP | libc::ENOSYS) => Ok(()),
        _ => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
pub fn reserve(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// Has the whole pages of a part that was written go to the disk from now on. Those at its ends
/// may be written again. What goes wrong is for whoever syncs the file.
#[cfg(target_os = "linux")]
pub fn begin_writeback(file: &File, at: u64, len: usize) {
    use std::os::fd::AsRawFd;

    const PAGE: u64 = 4096;
    let (from, to) = (at.next_multiple_of(PAGE), (at + len as u64) / PAGE * PAGE);
    let Some(len) = to.checked_sub(from).filter(|len| *len > 0) else { return };
    // SAFETY: the file is open as long as it is borrowed; no memory is handed over.
    unsafe {
        libc::sync_file_range(
            file.as_raw_fd(),
            from as libc::off64_t,
            len as libc::off64_t,
            libc::SYNC_FILE_RANGE_WRITE,
        );
    }
}

#[cfg(not(target_os = "linux"))]
pub fn begin_writeback(_: &File, _: u64, _: usize) {}
