//! The lines of a table that may still grow.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use hotloop::{Error, ErrorKind, Result};

use crate::stream::Stream;

/// Bytes that are read at once.
const PART: usize = 1 << 18;
/// The most bytes of a line.
const LONGEST: usize = 1 << 24;

/// The byte order mark, which a file in UTF-8 may begin with.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A reader of lines. It knows where in the file each begins.
pub(super) struct Lines {
    input: Stream,
    name: String,
    buffer: Vec<u8>,
    /// The start of the next line in the buffer.
    start: usize,
    /// The offset of that in the file.
    offset: u64,
    /// Its number, from 1.
    number: u64,
}

/// Whether a quoted field is open at the end of a line. A quote opens a field where that begins, and
/// two in a row are one of it.
fn ends_quoted(line: &[u8], open: bool, separators: &[u8]) -> bool {
    if memchr::memchr(b'"', line).is_none() {
        return open;
    }
    let (mut open, mut begins) = (open, !open);
    let mut bytes = line.iter().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, open) {
            (b'"', true) if bytes.next_if_eq(&&b'"').is_none() => (open, begins) = (false, false),
            (b'"', false) if begins => open = true,
            (_, true) => {}
            (byte, false) => {
                begins = separators.contains(byte) || begins && matches!(byte, b' ' | b'\t');
            }
        }
    }
    open
}

/// A line in the buffer, without its end.
pub(super) struct Line {
    range: Range<usize>,
    /// Its number, from 1; of several, of the first.
    pub number: u64,
}

impl Lines {
    pub(super) fn new(input: Stream, name: String) -> Lines {
        Lines { input, name, buffer: Vec::new(), start: 0, offset: 0, number: 1 }
    }

    /// Names the file in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The offset and the number of the next line.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.offset, self.number)
    }

    /// Checks that a file has not become shorter than what was read; returns whether it is a file,
    /// which may grow, and no pipe.
    ///
    /// # Errors
    /// `Format` if it has; `Io`.
    pub(super) fn may_grow(&self) -> Result<bool> {
        self.reaches(self.offset + (self.buffer.len() - self.start) as u64)
    }

    /// As [`Lines::may_grow`], for what an earlier run has read.
    fn reaches(&self, read: u64) -> Result<bool> {
        let failed = |error| crate::stream::cannot("read", &self.name, error);
        match self.input.len().map_err(failed)? {
            Some(length) if length < read => {
                let message =
                    format!("{}: it has {length} bytes, but {read} were read before", self.name);
                let error = Error::new(ErrorKind::Format, message);
                Err(error.hint("to begin anew, remove the state file"))
            }
            length => Ok(length.is_some()),
        }
    }

    /// Goes to where an earlier run ended; a pipe goes on anyway.
    ///
    /// # Errors
    /// As [`Lines::may_grow`].
    pub(super) fn go_on(&mut self, offset: u64, number: u64) -> Result<()> {
        if !self.reaches(offset)? {
            return Ok(());
        }
        let failed = |error| crate::stream::cannot("read", &self.name, error);
        self.input.seek(SeekFrom::Start(offset)).map_err(failed)?;
        self.buffer.clear();
        (self.start, self.offset, self.number) = (0, offset, number);
        Ok(())
    }

    /// Reads what there is; `false` at the end.
    ///
    /// # Errors
    /// Those of the file; a signal.
    pub(super) fn read(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + PART, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(length + *read.as_ref().unwrap_or(&0));
        if self.offset == 0 && self.buffer.starts_with(MARK) {
            (self.start, self.offset) = (MARK.len(), MARK.len() as u64);
        }
        Ok(read? > 0)
    }

    /// The first byte that is read and no blank.
    pub(super) fn first(&self) -> Option<u8> {
        self.buffer[self.start..].iter().copied().find(|byte| !byte.is_ascii_whitespace())
    }

    /// The next line that is complete, or at the end the last one. If fields are separated by one of
    /// `separators`, a line ends where no quoted field is open.
    ///
    /// # Errors
    /// `Limit` for a line that is too long, `Format` for a quote that is not closed at the end.
    pub(super) fn next(&mut self, separators: Option<&[u8]>, at_end: bool) -> Result<Option<Line>> {
        let rest = &self.buffer[self.start..];
        let (mut open, mut lines, mut from) = (false, 0, 0);
        let end = loop {
            let Some(end) = memchr::memchr(b'\n', &rest[from..]) else { break None };
            lines += 1;
            if let Some(separators) = separators {
                open = ends_quoted(&rest[from..from + end], open, separators);
            }
            from += end + 1;
            if !open {
                break Some(from);
            }
        };
        if let (Some(separators), true) = (separators, at_end && end.is_none()) {
            open = ends_quoted(&rest[from..], open, separators);
        }
        let (length, taken) = match end {
            Some(end) => (end - 1, end),
            None if rest.len() > LONGEST => {
                let message =
                    format!("{}: line {} has more than {LONGEST} bytes", self.name, self.number);
                let error = Error::new(ErrorKind::Limit, message);
                return Err(if open { error.hint("a quote in it is not closed") } else { error });
            }
            None if at_end && open => {
                let message =
                    format!("{}: a quote in line {} is not closed", self.name, self.number);
                return Err(Error::new(ErrorKind::Format, message));
            }
            None if at_end && !rest.is_empty() => {
                lines += 1;
                (rest.len(), rest.len())
            }
            None => return Ok(None),
        };
        let length = length - usize::from(rest[..length].last() == Some(&b'\r'));
        let line = Line { range: self.start..self.start + length, number: self.number };
        self.start += taken;
        self.offset += taken as u64;
        self.number += lines;
        Ok(Some(line))
    }

    /// The text of a line; until more is read.
    pub(super) fn bytes(&self, line: &Line) -> &[u8] {
        &self.buffer[line.range.clone()]
    }

    /// Goes back to a place in the buffer.
    pub(super) fn settle(&mut self, (offset, number): (u64, u64)) {
        self.start -= (self.offset - offset) as usize;
        (self.offset, self.number) = (offset, number);
    }
}

#[cfg(test)]
mod tests {
    use super::ends_quoted;

    #[test]
    fn a_quote_opens_a_field_where_it_begins() {
        let open = |line: &str| ends_quoted(line.as_bytes(), false, b",");
        for line in
            ["", "a,b", "A,1,6\" pipe", "\"a,b\",c", "\"a\"\"b\",c", "x,size 6\"", "2,\"a\"b\""]
        {
            assert!(!open(line), "{line}");
        }
        for line in ["\"a", "1, \"a,b", "1,\"a\"\"", "\"\"\"a\"\""] {
            assert!(open(line), "{line}");
        }
        assert!(!ends_quoted(b"b\",c", true, b","));
        assert!(ends_quoted(b"b\"\"c", true, b","));
    }
}
