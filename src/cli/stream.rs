//! A file, pipe or device, read and written in pieces between which signals are heeded.
//!
//! No call waits for the other end of a pipe: it is asked again and again whether there is
//! something to do, so that Ctrl-C ends the waiting.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use hotloop::{Error, ErrorKind};

use super::interrupt;
use super::place::descriptor;

/// The most bytes of one piece.
const PIECE: usize = 1 << 20;
/// Between two looks at whether a signal has come.
const STEP: Duration = Duration::from_millis(50);

/// A file, pipe or device. Its errors may be [`Error`]s: that a signal came.
pub(crate) struct Stream(File);

impl Stream {
    /// Of an open file.
    pub(crate) fn new(file: File) -> Stream {
        Stream(file)
    }

    /// Opens what is to be read.
    pub(crate) fn open(path: &Path) -> io::Result<Stream> {
        open(OpenOptions::new().read(true), path).map(Stream)
    }

    /// Opens what is to be written as it is. A pipe needs a reader, who is waited for.
    pub(crate) fn to(path: &Path) -> io::Result<Stream> {
        if let Some(file) = standard(path) {
            return Ok(Stream(file));
        }
        loop {
            match open(OpenOptions::new().write(true), path) {
                #[cfg(unix)]
                Err(error) if error.raw_os_error() == Some(libc::ENXIO) && is_pipe(path) => {
                    check()?;
                    std::thread::sleep(STEP);
                }
                opened => return opened.map(Stream),
            }
        }
    }

    /// How long it is, if it is a file.
    pub(crate) fn len(&self) -> io::Result<Option<u64>> {
        let metadata = self.0.metadata()?;
        Ok(metadata.is_file().then_some(metadata.len()))
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.0
    }

    /// Does what can be done once the stream is ready for it.
    fn when_ready<T>(
        &mut self,
        to_write: bool,
        mut act: impl FnMut(&mut File) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            check()?;
            if is_ready(&self.0, to_write)? {
                match act(&mut self.0) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    done => return done,
                }
            }
        }
    }
}

/// That something cannot be read or written, with its name; an error of ours stays what it is.
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

/// Standard output or error where it is a file, to be written on from where others stopped: opened
/// anew, it would be written from its beginning.
fn standard(path: &Path) -> Option<File> {
    #[cfg(unix)]
    use std::os::fd::AsFd;

    let own = match descriptor(path)? {
        #[cfg(unix)]
        1 => io::stdout().as_fd().try_clone_to_owned(),
        #[cfg(unix)]
        2 => io::stderr().as_fd().try_clone_to_owned(),
        _ => return None,
    };
    let file = File::from(own.ok()?);
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}

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
        let most = bytes.len().min(PIECE);
        self.when_ready(false, |file| file.read(&mut bytes[..most]))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = bytes.len().min(PIECE);
        self.when_ready(true, |file| file.write(&bytes[..most]))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for Stream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}
