//! Buffered standard output for long texts.

use std::fmt;
use std::io::{self, Write};

use super::{Failure, closed, interrupt};

/// The size of the buffer.
const PART: usize = 1 << 16;

/// Buffers text and writes it in parts.
#[derive(Default)]
pub(crate) struct Printer {
    text: String,
    failure: Option<Failure>,
}

impl Printer {
    /// Writes the rest.
    ///
    /// # Errors
    /// The first error of a write.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush();
        self.failure.map_or(Ok(()), Err)
    }

    fn flush(&mut self) {
        if self.failure.is_none() {
            self.failure = print(&self.text).err();
        }
        self.text.clear();
    }
}

impl fmt::Write for Printer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text += text;
        if self.text.len() >= PART {
            self.flush();
        }
        match self.failure {
            None => Ok(()),
            Some(_) => Err(fmt::Error),
        }
    }
}

/// Writes to standard output, unbuffered.
///
/// # Errors
/// `Quiet` if the reader has gone away; `Io`, also if it is closed; `Cancelled`.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    if !text.is_empty() {
        closed::check()?;
    }
    let mut out = io::stdout().lock();
    let written = interrupt::waiting(|| out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    Ok(written??)
}
