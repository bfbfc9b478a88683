//! The bytes of a snapshot: what identifies a stream, its state, and a checksum.
//!
//! ```text
//! "hotloop\n", format, numerics, length of all         4 numbers of 8 bytes
//! for each field of the identity: length, bytes
//! the state
//! checksum of everything before                        8 bytes
//! ```
//!
//! Numbers are little-endian.

use super::MOST_ROWS;
use super::batches::Batches;
use crate::error::{Error, ErrorKind, Result, shortened};

const MAGIC: [u8; 8] = *b"hotloop\n";
/// The version of this layout and of the memory of scans.
const FORMAT: u64 = 2;
/// The version of the definitions that decide the bits of results.
const NUMERICS: u64 = 2;
/// Bytes before the fields.
const HEADER: usize = 32;
/// The names of the fields, in messages.
const FIELDS: [&str; 5] = ["program", "dtypes", "mode", "shapes", "functions"];

/// What identifies the streams that may restore a snapshot.
pub struct Identity([String; FIELDS.len()]);

/// A snapshot that is being written.
pub struct Writer(Vec<u8>);

/// A snapshot that is being read.
pub struct Reader<'a>(&'a [u8]);

pub fn format_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Format, message)
}

impl Identity {
    pub fn new(batches: &Batches, keyed: bool) -> Identity {
        let types: Vec<String> = batches.types().iter().map(ToString::to_string).collect();
        let shape = |input: &super::batches::Input| {
            let extents = input.shape.iter().flatten().enumerate().map(|(axis, extent)| {
                if Some(axis) == input.axis { "rows".to_string() } else { extent.to_string() }
            });
            format!("({})", extents.collect::<Vec<_>>().join(", "))
        };
        let shapes: Vec<String> = batches.inputs.iter().map(shape).collect();
        let keyed = if keyed { ", by key" } else { "" };
        Identity([
            batches.program_text(),
            types.join(", "),
            batches.program.engine.0.options.mode.name().to_string(),
            shapes.join(", ") + keyed,
            batches.description(),
        ])
    }

    /// Begins a snapshot.
    pub fn begin(&self) -> Writer {
        let mut writer = Writer(Vec::new());
        writer.bytes(&MAGIC);
        // The length follows at the end.
        [FORMAT, NUMERICS, 0].into_iter().for_each(|n| writer.number(n));
        for field in &self.0 {
            writer.text(field.as_bytes());
        }
        writer
    }

    /// Checks a snapshot up to its state.
    ///
    /// # Errors
    /// `Format` for damaged bytes, and for those of another stream.
    pub fn open<'a>(&self, snapshot: &'a [u8]) -> Result<Reader<'a>> {
        if !snapshot.starts_with(&MAGIC) {
            return Err(format_error("this is no snapshot of a stream"));
        }
        let number = |at: usize| {
            let bytes = snapshot.get(8 * at..8 * at + 8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let (Some(format), Some(numerics), Some(length)) = (number(1), number(2), number(3)) else {
            return Err(format_error("the snapshot is cut off"));
        };
        if format != FORMAT {
            let message =
                format!("the snapshot has format {format}, and this version reads {FORMAT}");
            return Err(format_error(message));
        }
        let given = snapshot.len();
        if length != given as u64 {
            let message = format!("the snapshot has {length} bytes, but there are {given}");
            return Err(format_error(message).hint("it is damaged or incomplete"));
        }
        let Some((content, sum)) = snapshot.split_last_chunk::<8>() else {
            return Err(format_error("the snapshot is cut off"));
        };
        if content.len() < HEADER || checksum(content) != u64::from_le_bytes(*sum) {
            let error = format_error("the snapshot is damaged: its checksum differs");
            return Err(error);
        }
        if numerics != NUMERICS {
            let message = format!(
                "the snapshot has version {numerics} of numerics, and results would go on with {NUMERICS}"
            );
            return Err(format_error(message));
        }
        let mut reader = Reader(&content[HEADER..]);
        for (own, name) in self.0.iter().zip(FIELDS) {
            let field = reader.text()?;
            if field != own.as_bytes() {
                let theirs = String::from_utf8_lossy(field);
                let message = format!("the snapshot is of a stream with other {name}");
                return Err(format_error(message).hint(format!(
                    "the {name} were {}, now {}",
                    shown(&theirs),
                    shown(own)
                )));
            }
        }
        Ok(reader)
    }
}

/// A text on one short line.
fn shown(text: &str) -> String {
    format!("`{}`", shortened(&text.split_whitespace().collect::<Vec<_>>().join(" ")))
}

impl Writer {
    pub fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Bytes after their number.
    pub fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.bytes(text);
    }

    /// The whole snapshot.
    pub fn finish(mut self) -> Vec<u8> {
        let length = self.0.len() as u64 + 8;
        self.0[HEADER - 8..HEADER].copy_from_slice(&length.to_le_bytes());
        let sum = checksum(&self.0);
        self.number(sum);
        self.0
    }
}

impl<'a> Reader<'a> {
    pub fn number(&mut self) -> Result<u64> {
        let bytes = self.exactly(8)?.try_into().unwrap_or([0; 8]);
        Ok(u64::from_le_bytes(bytes))
    }

    /// A number of rows.
    pub fn rows(&mut self) -> Result<u64> {
        let rows = self.number()?;
        match rows <= MOST_ROWS {
            true => Ok(rows),
            false => Err(format_error(format!("the snapshot has {rows} rows"))),
        }
    }

    pub fn exactly(&mut self, count: usize) -> Result<&'a [u8]> {
        let parts = self.0.split_at_checked(count);
        let (bytes, rest) = parts.ok_or_else(|| format_error("the snapshot is too short"))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub fn text(&mut self) -> Result<&'a [u8]> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        self.exactly(count)
    }

    /// Checks that nothing is left.
    pub fn end(self) -> Result<()> {
        match self.0 {
            [] => Ok(()),
            rest => Err(format_error(format!("the snapshot has {} bytes too many", rest.len()))),
        }
    }
}

/// The CRC-64 of ECMA-182, reflected: every change of up to 64 neighbouring bits changes it.
fn checksum(bytes: &[u8]) -> u64 {
    const TABLE: [u64; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u64;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xc96c_5795_d787_0f42 } else { crc >> 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    let step = |crc: u64, byte: &u8| TABLE[usize::from(crc as u8 ^ byte)] ^ crc >> 8;
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"123456789"), 0x995d_c9bb_df19_39fa);
    }
}
