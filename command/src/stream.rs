//! A file, pipe or device, read and written in pieces between which signals are heeded.
//!
//! No call blocks on the other end of a pipe: readiness is polled, so that Ctrl-C interrupts the
//! wait.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use hotloop::{Error, ErrorKind};

use super::place::descriptor;
use super::{closed, interrupt};

/// The most bytes of one piece.
const PIECE: usize = 1 << 20;
/// The number of bytes that a ready pipe accepts without blocking.
const LEAST: usize = 4096;
/// Between two looks at whether a signal has come.
const STEP: Duration = Duration::from_millis(50);

/// A file, pipe or device. Its errors may be [`Error`]s: that a signal came.
pub(crate) struct Stream {
    file: File,
    /// The most bytes of one piece.
    most: usize,
    /// For a file that will be synced: the written bytes not yet in writeback.
    behind: Option<u64>,
}

impl Stream {
    /// A stream of an open file, pipe or device.
    fn new(file: File) -> Stream {
        Stream { file, most: PIECE, behind: None }
    }

    /// A stream of a file that will be synced. Writeback starts at once, so that the
    /// uninterruptible sync is short.
    pub(crate) fn to_disk(file: File) -> Stream {
        Stream { behind: Some(0), ..Stream::new(file) }
    }

    /// Opens a path for reading.
    pub(crate) fn open(path: &Path) -> io::Result<Stream> {
        open(OpenOptions::new().read(true), path).map(Stream::new)
    }

    /// Opens a path for writing directly. For a pipe, waits for a reader.
    pub(crate) fn to(path: &Path) -> io::Result<Stream> {
        let number = descriptor(path);
        if number == Some(1) {
            closed::check()?;
        }
        if let Some(own) = number.and_then(own) {
            return Stream::of_own(own);
        }
        loop {
            match open(OpenOptions::new().write(true), path) {
                #[cfg(unix)]
                Err(error) if error.raw_os_error() == Some(libc::ENXIO) && is_pipe(path) => {
                    check()?;
                    std::thread::sleep(STEP);
                }
                opened => return opened.map(Stream::new),
            }
        }
    }

    /// A stream of standard output or error. A file is continued at its position. Anything else is
    /// reopened to be non-blocking; if that fails, as for a socket or a pipe without a reader, it
    /// is written in small pieces.
    fn of_own(own: File) -> io::Result<Stream> {
        if !own.metadata()?.is_file() {
            #[cfg(unix)]
            let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&own));
            #[cfg(not(unix))]
            let path = String::new();
            return Ok(match open(OpenOptions::new().write(true), Path::new(&path)) {
                Ok(file) => Stream::new(file),
                Err(_) => Stream { most: LEAST, ..Stream::new(own) },
            });
        }
        Ok(Stream::new(own))
    }

    /// How long it is, if it is a file.
    pub(crate) fn len(&self) -> io::Result<Option<u64>> {
        let metadata = self.file.metadata()?;
        Ok(metadata.is_file().then_some(metadata.len()))
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Calls `work` once the stream is ready.
    fn when_ready<T>(
        &mut self,
        to_write: bool,
        mut act: impl FnMut(&mut File) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            check()?;
            if is_ready(&self.file, to_write)? {
                match act(&mut self.file) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    done => return done,
                }
            }
        }
    }
}

/// The error for a failed read or write, with the file's name; an [`Error`] inside is kept.
pub(crate) fn cannot(verb: &str, name: impl Display, error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => own,
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
            Error::new(ErrorKind::OutOfMemory, format!("{name}: no memory for the array"))
        }
        Err(error) => Error::new(ErrorKind::Io, format!("cannot {verb} {name}: {error}")),
    }
}

fn check() -> io::Result<()> {
    interrupt::check().map_err(io::Error::other)
}

/// Opens without waiting for the other end of a pipe.
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK);
    options.open(path)
}

/// Standard output or error, by its number.
fn own(number: u32) -> Option<File> {
    #[cfg(unix)]
    use std::os::fd::AsFd;

    let own = match number {
        #[cfg(unix)]
        1 => io::stdout().as_fd().try_clone_to_owned(),
        #[cfg(unix)]
        2 => io::stderr().as_fd().try_clone_to_owned(),
        _ => return None,
    };
    own.ok().map(File::from)
}

/// Starts writeback of a part of a file, and waits for an earlier part.
#[cfg(target_os = "linux")]
fn write_behind(file: &File, from: u64, len: u64) {
    use std::os::fd::AsRawFd;

    const BEHIND: u64 = 8 * PIECE as u64;
    for (from, what) in [
        (Some(from), libc::SYNC_FILE_RANGE_WRITE),
        (from.checked_sub(BEHIND), libc::SYNC_FILE_RANGE_WAIT_BEFORE),
    ] {
        let Some(from) = from else { continue };
        let (from, len) = (from as libc::off64_t, len as libc::off64_t);
        // Errors occur at the sync. SAFETY: the file is open as long as it is borrowed; no memory
        // is handed over.
        unsafe { libc::sync_file_range(file.as_raw_fd(), from, len, what) };
    }
}

#[cfg(not(target_os = "linux"))]
fn write_behind(_: &File, _: u64, _: u64) {}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    let metadata = path.metadata();
    metadata.is_ok_and(|m| std::os::unix::fs::FileTypeExt::is_fifo(&m.file_type()))
}

/// Whether a file can be read or written within a step of time.
#[cfg(unix)]
fn is_ready(file: &File, to_write: bool) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let what = if to_write { PollFlags::OUT } else { PollFlags::IN };
    let step = Timespec::try_from(STEP).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(file, what)], Some(&step)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere the system waits.
#[cfg(not(unix))]
fn is_ready(_: &File, _: bool) -> io::Result<bool> {
    Ok(true)
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let most = bytes.len().min(self.most);
        self.when_ready(false, |file| file.read(&mut bytes[..most]))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = bytes.len().min(self.most);
        let count = self.when_ready(true, |file| file.write(&bytes[..most]))?;
        if let Some(behind) = &mut self.behind {
            *behind += count as u64;
            if *behind >= PIECE as u64 {
                let end = self.file.stream_position()?;
                write_behind(&self.file, end.saturating_sub(*behind), std::mem::take(behind));
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Stream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
