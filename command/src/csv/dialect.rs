//! The dialect of a table: its separator, header and decimal mark.

use super::column::Field;
use super::records::{Record, fields};
use super::shown;

/// The specified dialect; unspecified parts are detected from the first lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// The separator of fields.
    pub separator: Option<Separator>,
    /// Whether the first line names the columns.
    pub header: Option<bool>,
    /// Whether `2,5` is two and a half.
    pub decimal_comma: bool,
}

/// The separator of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// This character.
    Byte(u8),
    /// Any number of blanks.
    Blanks,
}

impl Separator {
    /// Parses the argument of `--sep`.
    ///
    /// # Errors
    /// The accepted values.
    pub(crate) fn parse(word: &str) -> Result<Separator, String> {
        match word.as_bytes() {
            b"tab" | b"\\t" => Ok(Separator::Byte(b'\t')),
            b"blank" | b"space" | b" " => Ok(Separator::Blanks),
            [byte] if is_separator(*byte) => Ok(Separator::Byte(*byte)),
            _ => Err(format!(
                "--sep takes one character such as ';', or tab, or blank for any number of \
                 blanks, not {word:?}"
            )),
        }
    }

    /// Whether a byte is a separator.
    pub(super) fn is(self, byte: u8) -> bool {
        match self {
            Separator::Byte(own) => byte == own,
            Separator::Blanks => byte == b' ' || byte == b'\t',
        }
    }

    /// The separator's name in messages.
    pub(super) fn shown(self) -> String {
        match self {
            Separator::Byte(b'\t') => "a tab".to_string(),
            Separator::Byte(byte) => format!("'{}'", char::from(byte)),
            Separator::Blanks => "blanks".to_string(),
        }
    }
}

/// Whether numbers, names and quoted fields cannot contain the separator.
fn is_separator(byte: u8) -> bool {
    byte.is_ascii_punctuation() && !b"\"'+-._#".contains(&byte) || byte == b'\t'
}

/// The separators to detect, in this order: in a table with semicolons, commas are decimal marks.
pub(super) const LOOKED_FOR: [u8; 3] = [b'\t', b';', b','];

/// Detects the separator from a record and the next one; a comma if in doubt.
pub(crate) fn separator(record: &Record<'_>, next: Option<&Record<'_>>) -> Separator {
    let outside = |byte: &u8| record.has_outside_quotes(*byte);
    if let Some(byte) = LOOKED_FOR.into_iter().find(outside) {
        return Separator::Byte(byte);
    }
    // Names may contain blanks, numbers may not.
    let count = |record: &Record<'_>| fields(record, Separator::Blanks).count();
    let numbers = |record: &Record<'_>| are_numbers(record, Separator::Blanks, false);
    let words = count(record);
    let blanks = words > 1
        && (numbers(record) || next.is_some_and(|next| numbers(next) && count(next) == words));
    if blanks { Separator::Blanks } else { Separator::Byte(b',') }
}

/// The separator to suggest if the name of the only column contains one.
pub(super) fn apart(name: &[u8], separator: Separator) -> Option<String> {
    let other = LOOKED_FOR.into_iter().chain([b'|']).find(|byte| name.contains(byte))?;
    let word = if other == b'\t' { "tab".to_string() } else { format!("'{}'", char::from(other)) };
    Some(format!(
        "with {} between its fields the table has one column, \"{}\"; `--sep {word}` takes it apart",
        separator.shown(),
        shown(name)
    ))
}

/// Whether all fields are values, and at least one is not missing.
pub(crate) fn are_numbers(record: &Record<'_>, separator: Separator, decimal_comma: bool) -> bool {
    let mut digits = false;
    let all = fields(record, separator).all(|field| {
        digits |= field.iter().any(u8::is_ascii_digit);
        Field::read(&field, decimal_comma).is_some()
    });
    all && digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators() {
        for (word, separator) in [
            (";", Separator::Byte(b';')),
            ("|", Separator::Byte(b'|')),
            ("tab", Separator::Byte(b'\t')),
            ("\\t", Separator::Byte(b'\t')),
            ("\t", Separator::Byte(b'\t')),
            (" ", Separator::Blanks),
            ("blank", Separator::Blanks),
        ] {
            assert_eq!(Separator::parse(word), Ok(separator), "{word:?}");
        }
        for word in ["", ";;", "a", "1", "\"", "-", ".", "é", "\n", "\0"] {
            assert!(Separator::parse(word).is_err(), "{word:?}");
        }
    }

    #[test]
    fn separators_are_seen() {
        let record = |text: &'static str| Record { bytes: text.as_bytes(), quotes: true, line: 1 };
        for (first, next, separator) in [
            ("a,b", "1,2", Separator::Byte(b',')),
            ("a;b", "1,5;2", Separator::Byte(b';')),
            ("1,5;2,5", "", Separator::Byte(b';')),
            ("a\tb,c", "", Separator::Byte(b'\t')),
            ("\"a;b\",c", "", Separator::Byte(b',')),
            ("bid size", "1", Separator::Byte(b',')),
            ("bid size", "1 2", Separator::Blanks),
            ("1.0 2.0", "", Separator::Blanks),
            ("a", "1", Separator::Byte(b',')),
        ] {
            assert_eq!(separator_of(&record(first), &record(next)), separator, "{first:?}");
        }
    }

    fn separator_of(record: &Record<'_>, next: &Record<'_>) -> Separator {
        separator(record, Some(next))
    }
}
