//! A file for writers that cannot bear a file that fails.
//!
//! After an error, `ZipWriter` still writes when dropped, and panics if the file position is
//! unexpected. So it gets a writer that never fails and records the first error.

use std::cell::RefCell;
use std::io::{self, Seek, SeekFrom, Write};

use super::stream::Stream;

/// A file that keeps its first error, and from then on takes everything and writes nothing. It is
/// written through a reference, so that its owner can ask for the error meanwhile.
pub(crate) struct FirstError<'a>(RefCell<State<'a>>);

struct State<'a> {
    file: &'a mut Stream,
    failed: bool,
    error: Option<io::Error>,
    position: u64,
    end: u64,
}

impl<'a> FirstError<'a> {
    /// A file to be written from its start, and empty.
    pub(crate) fn new(file: &'a mut Stream) -> FirstError<'a> {
        let state = State { file, failed: false, error: None, position: 0, end: 0 };
        FirstError(RefCell::new(state))
    }

    /// The error, if it has come and was not yet given.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.0.borrow_mut().error.take().map_or(Ok(()), Err)
    }
}

impl State<'_> {
    /// The result of a call, or a substitute after an error.
    fn keep<T>(&mut self, instead: T, call: impl FnOnce(&mut Stream) -> io::Result<T>) -> T {
        if self.failed {
            return instead;
        }
        call(self.file).unwrap_or_else(|error| {
            self.failed = true;
            self.error = Some(error);
            instead
        })
    }
}

impl Write for &FirstError<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let state = &mut *self.0.borrow_mut();
        state.keep((), |file| file.write_all(bytes));
        state.position += bytes.len() as u64;
        state.end = state.end.max(state.position);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().keep((), Stream::flush);
        Ok(())
    }
}

impl Seek for &FirstError<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let state = &mut *self.0.borrow_mut();
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(step) => state.position.checked_add_signed(step),
            SeekFrom::End(step) => state.end.checked_add_signed(step),
        };
        let place = place.ok_or(io::ErrorKind::InvalidInput)?;
        state.position = state.keep(place, |file| file.seek(SeekFrom::Start(place)));
        Ok(state.position)
    }
}
