//! A row of a table, and its errors.

use hotloop::{Error, Result};

use super::column::{Column, Field, Refusal};
use super::dialect::{Separator, apart};
use super::left_out::LeftOut;
use super::records::{Record, fields};
use super::{shown, wrong};
use crate::names::Names;
use crate::quantity::counted;
use crate::stream::cannot;

/// The maximum number of columns listed in an error.
const LISTED: usize = 10;

/// How to store rows in columns.
pub(super) struct Row<'a> {
    /// Names the file in messages.
    pub file: &'a str,
    pub names: &'a Names,
    pub separator: Separator,
    pub decimal_comma: bool,
    /// The numbers of the requested fields, ascending, and the column of each.
    pub wanted: &'a [(usize, usize)],
    /// Whether a column of text is allowed.
    pub allow_text: bool,
}

impl Row<'_> {
    /// Adds the requested fields to their columns.
    #[inline]
    pub(super) fn add(
        &self,
        record: &Record<'_>,
        columns: &mut [std::result::Result<Column, LeftOut>],
    ) -> Result<()> {
        let mut wanted = self.wanted.iter();
        let mut next = wanted.next();
        let mut count = 0;
        for field in fields(record, self.separator) {
            if let Some((number, slot)) = next
                && *number == count
            {
                next = wanted.next();
                if let Some(column) = columns.get_mut(*slot)
                    && let Ok(values) = column
                    && let Err(refusal) = values.push(&field, self.decimal_comma)
                {
                    self.refused(record, count, &field, refusal, column)?;
                }
            }
            count += 1;
        }
        if count == self.names.len() { Ok(()) } else { Err(self.ragged(record, count)) }
    }

    /// Handles an invalid field: its column is text, or it is an error.
    #[cold]
    fn refused(
        &self,
        record: &Record<'_>,
        number: usize,
        field: &[u8],
        refusal: Refusal,
        column: &mut std::result::Result<Column, LeftOut>,
    ) -> Result<()> {
        let what = match refusal {
            Refusal::Value(what) => what,
            Refusal::Memory => {
                let error = std::io::ErrorKind::OutOfMemory.into();
                return Err(cannot("read", self.file, error));
            }
        };
        let name = self.names.get(number).map(shown).unwrap_or_default();
        let line = record.line;
        let plain = || {
            let field = shown(field);
            wrong(self.file, format!("line {line}, column \"{name}\": {what}, but \"{field}\""))
        };
        let read = Field::read(field, self.decimal_comma);
        let advice = advice(field, self.separator, self.decimal_comma);
        // Text, or bools with missing values as pandas and R write them.
        let left_out = match (&column, read, advice, self.apart()) {
            (_, _, _, Some(apart)) => Err(plain().hint(apart)),
            (Ok(Column::Missing(_)), Some(Field::Bool(_)), ..)
            | (Ok(Column::Bool(_)), Some(Field::Missing), ..) => {
                Ok(LeftOut { error: plain().hint(MISSING_BOOL), is_text: false })
            }
            (Ok(Column::Missing(_)), None, Some(advice), _) => {
                Ok(LeftOut { error: plain().hint(advice), is_text: false })
            }
            (Ok(Column::Missing(_)), None, None, _) => {
                // If all columns are read, many may be text, so the others are not listed.
                let numbers = if self.allow_text { String::new() } else { self.numbers(record) };
                Ok(LeftOut::text(self, &name, field, line, &numbers))
            }
            _ => Err(advice.into_iter().fold(plain(), Error::hint)),
        };
        let error = match left_out {
            Ok(left_out) if self.allow_text => {
                *column = Err(left_out);
                return Ok(());
            }
            Ok(left_out) => left_out.error,
            Err(error) => error,
        };
        let count = fields(record, self.separator).count();
        Err(if count == self.names.len() { error } else { self.ragged(record, count) })
    }

    /// The names of the columns with numbers in a record.
    fn numbers(&self, record: &Record<'_>) -> String {
        let fields = fields(record, self.separator).zip(self.names.iter());
        let is_number = |field: &[u8]| {
            matches!(
                Field::read(field, self.decimal_comma),
                Some(Field::Int(_) | Field::Unsigned(_) | Field::Float(_) | Field::Bool(_))
            )
        };
        let names = fields.filter(|(field, _)| is_number(field)).map(|(_, name)| shown(name));
        let mut names: Vec<String> = names.take(LISTED + 1).collect();
        if names.len() > LISTED {
            names[LISTED] = "...".to_string();
        }
        names.join(", ")
    }

    /// The separator to suggest if the only column's name looks like several.
    fn apart(&self) -> Option<String> {
        self.names
            .get(0)
            .filter(|_| self.names.len() == 1)
            .and_then(|name| apart(name, self.separator))
    }

    #[cold]
    fn ragged(&self, record: &Record<'_>, count: usize) -> Error {
        let (line, columns) = (record.line, counted(self.names.len(), "column"));
        let count = counted(count, "field");
        let separator = self.separator.shown();
        let error = wrong(self.file, format!("line {line} has {count}, and the table {columns}"));
        if record.bytes.trim_ascii_start().starts_with(b"#") {
            return error.hint("comments may stand before the first row only");
        }
        if let Some(apart) = self.apart() {
            return error.hint(apart);
        }
        error.hint(format!("its fields have {separator} between them; `--sep` says otherwise"))
    }
}

/// The message for bools with missing values.
const MISSING_BOOL: &str =
    "True and False cannot be missing; as 1 and 0 they can, and a missing one is nan";

/// A hint for an invalid number.
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
