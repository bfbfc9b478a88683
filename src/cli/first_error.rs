//! A file for writers that cannot bear a file that fails.
//!
//! After an error `ZipWriter` goes on writing when it is dropped, and panics if the file is not as
//! far as it should be. So it gets a file that seems never to fail.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// A file that keeps its first error, and from then on takes everything and writes nothing.
pub(crate) struct FirstError<'a> {
    file: &'a mut File,
    error: Option<io::Error>,
    position: u64,
    end: u64,
}

impl<'a> FirstError<'a> {
    /// A file to be written from its start, and empty.
    pub(crate) fn new(file: &'a mut File) -> FirstError<'a> {
        FirstError { file, error: None, position: 0, end: 0 }
    }

    /// The error that was kept.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.error.map_or(Ok(()), Err)
    }

    /// What a call gave, or what stands for it once there was an error.
    fn keep<T>(&mut self, instead: T, call: impl FnOnce(&mut File) -> io::Result<T>) -> T {
        if self.error.is_some() {
            return instead;
        }
        match call(self.file) {
            Ok(value) => value,
            Err(error) => {
                self.error = Some(error);
                instead
            }
        }
    }
}

impl Write for FirstError<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.keep((), |file| file.write_all(bytes));
        self.position += bytes.len() as u64;
        self.end = self.end.max(self.position);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.keep((), File::flush);
        Ok(())
    }
}

impl Seek for FirstError<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(step) => self.position.checked_add_signed(step),
            SeekFrom::End(step) => self.end.checked_add_signed(step),
        };
        let place = place.ok_or(io::ErrorKind::InvalidInput)?;
        self.position = self.keep(place, |file| file.seek(SeekFrom::Start(place)));
        Ok(self.position)
    }
}
