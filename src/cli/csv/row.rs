//! A row of a table, and what is wrong with it.

use hotloop::{Error, Result};

use super::column::{Column, Field, Refusal};
use super::dialect::Separator;
use super::records::{Record, fields};
use super::{shown, wrong};
use crate::cli::stream::cannot;

/// What becomes of a row.
pub(super) struct Row<'a> {
    /// Names the file in messages.
    pub file: &'a str,
    pub names: &'a [Vec<u8>],
    pub separator: Separator,
    pub decimal_comma: bool,
    /// Of each field the number of its column, if it is wanted.
    pub wanted: &'a [Option<usize>],
    /// Whether a column of text is no error.
    pub allow_text: bool,
}

impl Row<'_> {
    /// Adds the fields that are wanted to their columns.
    #[inline]
    pub(super) fn add(
        &self,
        record: &Record<'_>,
        columns: &mut [std::result::Result<Column, String>],
    ) -> Result<()> {
        let mut count = 0;
        for field in fields(record, self.separator) {
            let wanted = self.wanted.get(count).copied().flatten();
            let column = wanted.and_then(|slot| columns.get_mut(slot));
            if let Some(column) = column
                && let Ok(values) = column
                && let Err(refusal) = values.push(&field, self.decimal_comma)
            {
                self.refused(record, count, &field, refusal, column)?;
            }
            count += 1;
        }
        if count == self.wanted.len() { Ok(()) } else { Err(self.ragged(record, count)) }
    }

    /// What a field that is no value means: that its column is text, or an error.
    #[cold]
    fn refused(
        &self,
        record: &Record<'_>,
        number: usize,
        field: &[u8],
        refusal: Refusal,
        column: &mut std::result::Result<Column, String>,
    ) -> Result<()> {
        let what = match refusal {
            Refusal::Value(what) => what,
            Refusal::Memory => {
                let error = std::io::ErrorKind::OutOfMemory.into();
                return Err(cannot("read", self.file, error));
            }
        };
        let name = self.names.get(number).map(|name| shown(name)).unwrap_or_default();
        let what =
            format!("line {}, column \"{name}\": {what}, but \"{}\"", record.line, shown(field));
        let count = fields(record, self.separator).count();
        if count != self.names.len() {
            return Err(self.ragged(record, count));
        }
        let read = Field::read(field, self.decimal_comma);
        // Text, or what pandas and R write of truth values of which some are missing.
        let (is_none, advice) = match (&column, read) {
            (Ok(Column::Missing(_)), Some(Field::Bool(_)))
            | (Ok(Column::Bool(_)), Some(Field::Missing)) => (true, Some(MISSING_BOOL)),
            (Ok(Column::Missing(_)), None) => {
                (true, advice(field, self.separator, self.decimal_comma))
            }
            _ => (false, advice(field, self.separator, self.decimal_comma)),
        };
        if self.allow_text && is_none {
            *column = Err(advice.map_or(what.clone(), |advice| format!("{what} ({advice})")));
            return Ok(());
        }
        let error = wrong(self.file, what);
        Err(advice.into_iter().fold(error, Error::hint))
    }

    #[cold]
    fn ragged(&self, record: &Record<'_>, count: usize) -> Error {
        let (line, columns) = (record.line, self.names.len());
        let plural = if count == 1 { "" } else { "s" };
        let separator = self.separator.shown();
        let error = wrong(
            self.file,
            format!("line {line} has {count} field{plural}, and the table {columns} columns"),
        );
        if record.bytes.trim_ascii_start().starts_with(b"#") {
            return error.hint("comments may stand before the first row only");
        }
        error.hint(format!("its fields have {separator} between them; `--sep` says otherwise"))
    }
}

/// What becomes of truth values of which some are missing.
const MISSING_BOOL: &str =
    "True and False cannot be missing; as 1 and 0 they can, and a missing one is nan";

/// How a number may be meant that is none.
fn advice(field: &[u8], separator: Separator, decimal_comma: bool) -> Option<&'static str> {
    let plain: Vec<u8> = field.iter().copied().filter(|byte| !b",.".contains(byte)).collect();
    let number = matches!(Field::read(&plain, false), Some(Field::Int(_)));
    let marked = field.contains(&if decimal_comma { b'.' } else { b',' });
    (number && marked).then_some(match (decimal_comma, separator) {
        (true, _) => "with `--decimal-comma` a number has no points and no separators of thousands",
        (false, Separator::Byte(b',')) => {
            "separators of thousands are not read; with `--decimal-comma` 2,5 is two and a half"
        }
        (false, _) => "`--decimal-comma` reads 2,5 as two and a half",
    })
}
