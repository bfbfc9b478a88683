//! Standard output for long texts, which need not be in memory whole.

use std::fmt;
use std::io::{self, Write};

use super::{Failure, closed, interrupt};

/// Bytes that are written at once.
const PART: usize = 1 << 16;

/// Collects text and writes it, a part at a time.
#[derive(Default)]
pub(crate) struct Printer {
    text: String,
    failure: Option<Failure>,
}

impl Printer {
    /// Writes what is left.
    ///
    /// # Errors
    /// The first that writing gave.
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

/// Writes to standard output, at once.
///
/// # Errors
/// `Quiet` where nobody reads any more, `Io`, also where it is closed, `Cancelled`.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    if !text.is_empty() {
        closed::check()?;
    }
    let mut out = io::stdout().lock();
    let written = interrupt::waiting(|| out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    Ok(written??)
}
