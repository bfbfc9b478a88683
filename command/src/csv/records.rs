//! The records of a table: lines, and their fields.
//!
//! A record ends with its line, by line feed, carriage return or both; blank lines are none. A
//! field that begins with a quote ends with the next one that is not doubled, and may hold
//! separators and lines. The last record ends at the end of the file: no byte marks the end.

use std::borrow::Cow;
use std::io::{self, Read};

use hotloop::{Error, ErrorKind, Result};
use memchr::{memchr, memchr3};

use super::dialect::{LOOKED_FOR, Separator};
use crate::budget::Budget;
use crate::stream::cannot;

/// The initial size of the buffer, sufficient for most records.
pub(super) const BUFFER: usize = 256 << 10;

/// A record.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    /// The record without its line end.
    pub bytes: &'a [u8],
    /// Whether it may contain a quote.
    pub quotes: bool,
    /// The number of its first line.
    pub line: u64,
}

impl Record<'_> {
    /// Whether a byte occurs outside quoted fields.
    pub(super) fn has_outside_quotes(&self, byte: u8) -> bool {
        let (mut quoted, mut starts) = (false, true);
        self.bytes.iter().any(|own| {
            if *own == b'"' && (quoted || starts) {
                quoted = !quoted;
            }
            starts = is_blank(*own) && starts || !quoted && LOOKED_FOR.contains(own);
            !quoted && *own == byte
        })
    }
}

/// A reader of records.
pub(super) struct Records<R> {
    input: R,
    /// Names the file in messages.
    file: String,
    buffer: Vec<u8>,
    /// The start of the next record in the buffer, and the end of the data.
    start: usize,
    end: usize,
    /// The scanned part of the record, and whether it ends inside quotes.
    seen: usize,
    quoted: bool,
    /// Whether a quote was seen in it.
    quotes: bool,
    /// Whether the file has ended.
    ended: bool,
    /// The line that it begins in, and the one that `seen` is in.
    line: u64,
    seen_line: u64,
    /// The separators that may precede a quote; all candidates until it is known.
    pub separator: Option<Separator>,
    /// The bytes read so far.
    pub read: u64,
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R, file: &str) -> Records<R> {
        Records {
            input,
            file: file.to_string(),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            seen: 0,
            quoted: false,
            quotes: false,
            ended: false,
            line: 1,
            seen_line: 1,
            separator: None,
            read: 0,
        }
    }

    /// Names the file in messages.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The memory of a long record in the buffer.
    pub(super) fn memory(&self) -> usize {
        self.buffer.len().saturating_sub(BUFFER)
    }

    /// The first bytes of the file, up to three; before the first record.
    pub(super) fn first_bytes(&mut self, budget: &Budget) -> Result<&[u8]> {
        while self.end < 3 && !self.ended {
            self.fill(budget)?;
        }
        Ok(&self.buffer[..self.end.min(3)])
    }

    /// Skips `count` of them.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.start = bytes.min(self.end);
        self.seen = self.start;
    }

    /// The next record.
    ///
    /// # Errors
    /// `Io`, `Cancelled`; `Format` for a quote that is not closed; `Limit` or `OutOfMemory` if the
    /// memory does not suffice.
    pub(super) fn next(&mut self, budget: &Budget) -> Result<Option<Record<'_>>> {
        loop {
            let Some(end) = self.find_end(budget)? else { return Ok(None) };
            let (start, line, quotes) = (self.start, self.line, self.quotes);
            (self.start, self.line, self.quotes) = (self.seen, self.seen_line, false);
            if !self.is_blank(&self.buffer[start..end]) {
                return Ok(Some(Record { bytes: &self.buffer[start..end], quotes, line }));
            }
        }
    }

    /// Whether a line is blank.
    fn is_blank(&self, line: &[u8]) -> bool {
        let separates = |byte| match self.separator {
            Some(Separator::Byte(own)) => byte == own,
            Some(Separator::Blanks) => false,
            None => byte == b'\t',
        };
        line.iter().all(|byte| is_blank(*byte) && !separates(*byte))
    }

    /// The end of the next record; the following one starts at `seen`. `None` at the end of the
    /// file.
    fn find_end(&mut self, budget: &Budget) -> Result<Option<usize>> {
        loop {
            let rest = &self.buffer[self.seen..self.end];
            if self.quoted {
                let Some(at) = memchr(b'"', rest) else {
                    self.see(rest.len());
                    if self.ended {
                        let what = format!("a quote in line {} is not closed", self.line);
                        return Err(Error::new(
                            ErrorKind::Format,
                            format!("{}: {what}", self.file),
                        ));
                    }
                    self.fill(budget)?;
                    continue;
                };
                match rest.get(at + 1) {
                    Some(b'"') => self.see(at + 2),
                    None if !self.ended => {
                        // The next byte decides whether the quote is doubled.
                        self.see(at);
                        self.fill(budget)?;
                    }
                    _ => {
                        self.see(at + 1);
                        self.quoted = false;
                    }
                }
                continue;
            }
            match memchr3(b'\n', b'\r', b'"', rest) {
                None => {
                    self.seen = self.end;
                    if self.ended {
                        return Ok((self.start < self.end).then_some(self.end));
                    }
                    self.fill(budget)?;
                }
                Some(at) if rest[at] == b'"' => {
                    self.quoted = self.begins_field(self.seen + at);
                    self.quotes = true;
                    self.seen += at + 1;
                }
                Some(at) => {
                    let (end, next) = (self.seen + at, rest.get(at + 1));
                    if rest[at] == b'\r' && next.is_none() && !self.ended {
                        self.seen = end;
                        self.fill(budget)?;
                        continue;
                    }
                    let both = rest[at] == b'\r' && next == Some(&b'\n');
                    let length = end - self.start;
                    self.seen = end + 1 + usize::from(both);
                    self.seen_line += 1;
                    return Ok(Some(self.start + length));
                }
            }
        }
    }

    /// Advances by bytes inside quotes, counting line ends.
    fn see(&mut self, bytes: usize) {
        let part = &self.buffer[self.seen..self.seen + bytes];
        self.seen_line += memchr::memchr_iter(b'\n', part).count() as u64;
        self.seen += bytes;
    }

    /// Whether only blanks precede a position in its field.
    fn begins_field(&self, at: usize) -> bool {
        let separates = |byte: u8| match self.separator {
            Some(separator) => separator.is(byte),
            None => LOOKED_FOR.contains(&byte),
        };
        let mut before = self.buffer[self.start..at].iter().rev().copied();
        let first = before.find(|byte| separates(*byte) || !is_blank(*byte));
        first.is_none_or(separates)
    }

    /// Reads more data after the rest of the buffer.
    fn fill(&mut self, budget: &Budget) -> Result<()> {
        let full = self.end == self.buffer.len();
        if full {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.seen, self.end) = (self.seen - self.start, self.end - self.start);
            self.start = 0;
        }
        // The buffer grows only for a record that fills more than half of it.
        if full && self.end >= self.buffer.len() / 2 {
            let more = self.buffer.len().max(BUFFER);
            if !self.buffer.is_empty() {
                let what = || format!("a line of {}", self.file);
                budget.check_growth(self.buffer.len() as u64, more as u64, &what)?;
            }
            let refused = |_| cannot("read", &self.file, io::ErrorKind::OutOfMemory.into());
            self.buffer.try_reserve_exact(more).map_err(refused)?;
            self.buffer.resize(self.buffer.len() + more, 0);
        }
        let read = loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| cannot("read", &self.file, error))?,
            }
        };
        self.end += read;
        self.read += read as u64;
        self.ended = read == 0;
        Ok(())
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The fields of a record, trimmed.
pub(crate) fn fields<'a>(record: &Record<'a>, separator: Separator) -> Fields<'a> {
    let bytes = match separator {
        Separator::Blanks => trimmed(record.bytes),
        Separator::Byte(_) => record.bytes,
    };
    Fields { rest: Some(bytes), quotes: record.quotes, separator }
}

/// An iterator of fields.
pub(crate) struct Fields<'a> {
    /// The rest of the record; `None` after the last field.
    rest: Option<&'a [u8]>,
    quotes: bool,
    separator: Separator,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Cow<'a, [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Cow<'a, [u8]>> {
        let rest = self.rest?;
        if self.quotes && trimmed(rest).first() == Some(&b'"') {
            return Some(self.quoted(rest));
        }
        let end = rest.iter().position(|byte| self.separator.is(*byte));
        self.go_on(rest, end);
        Some(Cow::Borrowed(trimmed(&rest[..end.unwrap_or(rest.len())])))
    }
}

impl<'a> Fields<'a> {
    /// Skips the separator at a position, if there is one.
    #[inline]
    fn go_on(&mut self, rest: &'a [u8], separator: Option<usize>) {
        self.rest = separator.map(|at| &rest[at + 1..]);
        if self.separator == Separator::Blanks {
            self.rest = self.rest.map(trimmed);
        }
    }

    /// A field that begins with a quote.
    fn quoted(&mut self, rest: &'a [u8]) -> Cow<'a, [u8]> {
        let from = rest.iter().position(|byte| *byte == b'"').unwrap_or(0) + 1;
        let (mut at, mut doubled) = (from, false);
        // Where the closing quote is; the record has one.
        let close = loop {
            let Some(quote) = memchr(b'"', &rest[at..]) else { break rest.len() };
            if rest.get(at + quote + 1) != Some(&b'"') {
                break at + quote;
            }
            doubled = true;
            at += quote + 2;
        };
        let after = (close + 1).min(rest.len());
        let end = rest[after..].iter().position(|byte| self.separator.is(*byte));
        let end = end.map(|end| after + end);
        self.go_on(rest, end);
        // Text after the closing quote is kept, so that `"1"2` is not a number.
        let behind = trimmed(&rest[after..end.unwrap_or(rest.len())]);
        let inside = &rest[from..close];
        if !doubled && behind.is_empty() {
            return Cow::Borrowed(trimmed(inside));
        }
        let mut text = Vec::new();
        // Without memory the field keeps its quotes; it is not a value in either form.
        if text.try_reserve_exact(inside.len() + behind.len() + 1).is_err() {
            return Cow::Borrowed(inside);
        }
        let mut bytes = inside.iter();
        while let Some(byte) = bytes.next() {
            text.push(*byte);
            if *byte == b'"' {
                bytes.next();
            }
        }
        if !behind.is_empty() {
            text.push(b'"');
            text.extend(behind);
        }
        Cow::Owned(text)
    }
}

/// Without the blanks around it.
#[inline]
fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_blank(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_blank(*last)
    {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader of few bytes at a time.
    struct Slow(Vec<u8>, usize);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Ok(count)
        }
    }

    fn all(text: &str, step: usize) -> std::result::Result<Vec<(u64, Vec<String>)>, String> {
        let mut records = Records::new(Slow(text.into(), step), "t");
        records.separator = Some(Separator::Byte(b','));
        let mut all = Vec::new();
        while let Some(record) =
            records.next(&Budget::machine()).map_err(|error| error.to_string())?
        {
            let fields = fields(&record, Separator::Byte(b','));
            let fields = fields.map(|field| String::from_utf8_lossy(&field).into_owned());
            all.push((record.line, fields.collect()));
        }
        Ok(all)
    }

    #[test]
    fn records_and_their_fields() {
        for step in [1, 2, 3, 1000] {
            let record = |text: &str| all(text, step).unwrap();
            let row = |line, fields: &[&str]| {
                (line, fields.iter().map(|field| field.to_string()).collect::<Vec<String>>())
            };
            assert_eq!(
                record("a,b\r\n1, 2 \r3,\n\n \r\n,"),
                [row(1, &["a", "b"]), row(2, &["1", "2"]), row(3, &["3", ""]), row(6, &["", ""]),]
            );
            assert_eq!(
                record("\"a\nb\", \"c\"\"d\",\"\"\n5\" x,\"1\"2,\" 3 \"\n\"\""),
                [row(1, &["a\nb", "c\"d", ""]), row(3, &["5\" x", "1\"2", "3"]), row(4, &[""]),]
            );
            // Nothing in a table is its end.
            assert_eq!(
                record("\x01\n\"\x01\"\n\0"),
                [row(1, &["\x01"]), row(2, &["\x01"]), row(3, &["\0"]),]
            );
            for (text, line) in [("\"", 1), ("a\n1,\"2\n3,4\n", 2), ("\"a\"\"", 1)] {
                let want = format!("error: t: a quote in line {line} is not closed");
                assert_eq!(all(text, step), Err(want), "{text:?}");
            }
            assert_eq!(record(""), []);
        }
    }
}
