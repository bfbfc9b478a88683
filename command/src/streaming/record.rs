//! The rows of a table, as a line of fields or as a JSON object.

use std::fmt::Write;
use std::path::Path;

use hotloop::{DType, Error, ErrorKind, Program, Result};
use serde_json::{Map, Value};

use super::LOOK;
use super::lines::Lines;
use crate::csv::{Dialect, Field, Record, Separator, are_numbers, field, fields, separator, shown};
use crate::element::Element;
use crate::format::Format;
use crate::input::Number;
use crate::interrupt;
use crate::json;
use crate::stream::cannot;

/// What the rows of a table are, and which of their values are wanted.
pub(super) struct Header {
    form: Form,
    /// The first line, if it has the names of columns.
    text: String,
    /// The names of columns; none of objects.
    columns: Vec<String>,
    /// The names of the inputs that come from the table, with their numbers and columns.
    wanted: Vec<(String, usize, usize)>,
    /// The column of keys.
    key: Option<(String, usize)>,
    /// The names of what is added to objects.
    added: Vec<String>,
}

/// How a row is written.
#[derive(Clone, Copy)]
enum Form {
    Fields { separator: Separator, decimal_comma: bool },
    Object,
}

/// A row of a table.
pub(super) struct Row<'a> {
    pub bytes: &'a [u8],
    /// The number of its line.
    pub line: u64,
    /// Names the file in messages.
    pub name: &'a str,
}

impl Row<'_> {
    fn wrong(&self, column: &str, what: &str) -> Error {
        let message = format!("{}: line {}, column \"{column}\": {what}", self.name, self.line);
        Error::new(ErrorKind::Format, message)
    }
}

/// The name of the column that numbers rows.
const NUMBER: &str = "row";

impl Header {
    /// Reads the first line, and decides what the rows are. Objects begin with a brace. If the table
    /// may grow, the line must be complete; with `follow` it is waited for.
    ///
    /// # Errors
    /// `Format` for a table without any line; `Io`, a signal.
    pub(super) fn read(
        lines: &mut Lines,
        dialect: &Dialect,
        path: &Path,
        (grows, follow): (bool, bool),
    ) -> Result<Header> {
        let mut at_end = false;
        let (place, text) = loop {
            let place = lines.place();
            // The separator is not known yet; objects have quotes of their own.
            let separators = (lines.first() != Some(b'{')).then_some(&b",;\t"[..]);
            if let Some(line) = lines.next(separators, at_end && !grows)? {
                let bytes = lines.bytes(&line);
                if bytes.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                break (place, bytes.to_vec());
            }
            if at_end && follow {
                interrupt::check()?;
                std::thread::sleep(LOOK);
            } else if at_end {
                let what =
                    if grows { "there is no complete line yet" } else { "the table is empty" };
                return Err(Error::new(ErrorKind::Format, format!("{}: {what}", lines.name())));
            }
            at_end = !lines.read().map_err(|error| cannot("read", lines.name(), error))?;
        };
        let none = Header {
            form: Form::Object,
            text: String::new(),
            columns: Vec::new(),
            wanted: Vec::new(),
            key: None,
            added: Vec::new(),
        };
        if text.trim_ascii_start().starts_with(b"{") {
            lines.settle(place);
            return Ok(none);
        }
        let text = String::from_utf8(text).map_err(|_| {
            let message = format!("{}: the line of names is not UTF-8", lines.name());
            Error::new(ErrorKind::Format, message)
        })?;
        let record = Record { bytes: text.as_bytes(), quotes: text.contains('"'), line: 1 };
        let separator = dialect.separator.unwrap_or_else(|| {
            if Format::named(path) == Some(Format::Tsv) {
                return Separator::Byte(b'\t');
            }
            // The next line may not be there yet.
            separator(&record, None)
        });
        let is_named =
            dialect.header.unwrap_or(!are_numbers(&record, separator, dialect.decimal_comma));
        let columns = fields(&record, separator).enumerate().map(|(number, name)| {
            let name = String::from_utf8_lossy(&name).into_owned();
            if is_named && !name.is_empty() { name } else { format!("column_{}", number + 1) }
        });
        let columns: Vec<String> = columns.collect();
        let form = Form::Fields { separator, decimal_comma: dialect.decimal_comma };
        if !is_named {
            lines.settle(place);
            return Ok(Header { form, columns, ..none });
        }
        Ok(Header { form, text, columns, ..none })
    }

    /// Finds the columns of the inputs and of keys.
    ///
    /// # Errors
    /// `Name` for one that is not there, and for an output, or a number of rows, with the name of a
    /// column.
    pub(super) fn find(
        &mut self,
        program: &Program,
        numbers: &[(String, Number)],
        key: Option<&str>,
        (outputs, number): (&[String], bool),
        file: &str,
    ) -> Result<()> {
        let is_object = matches!(self.form, Form::Object);
        let columns = |name: &str| {
            let name = name.to_string();
            let all = self.columns.iter().enumerate().filter(move |(_, column)| **column == name);
            all.map(|(number, _)| number)
        };
        let column = |name: &str| columns(name).next();
        let mut wanted = Vec::new();
        let taken = |name: &&str| !numbers.iter().any(|(other, _)| other == name);
        let needed = program.inputs().filter(taken).chain(key);
        if let Some(name) = needed.into_iter().find(|name| columns(name).count() > 1) {
            let message = format!("{file} has more than one column \"{}\"", shown(name.as_bytes()));
            return Err(Error::new(ErrorKind::Name, message));
        }
        for (number, name) in program.inputs().enumerate().filter(|(_, name)| taken(name)) {
            match column(name) {
                Some(column) => wanted.push((name.to_string(), number, column)),
                None if is_object => wanted.push((name.to_string(), number, 0)),
                None => {
                    let names: Vec<String> =
                        self.columns.iter().map(|name| shown(name.as_bytes())).collect();
                    return Err(program
                        .missing_input(name)
                        .hint(format!("{file} has the columns {}", names.join(", "))));
                }
            }
        }
        let key = match key {
            None => None,
            Some(name) => match column(name) {
                Some(column) => Some((name.to_string(), column)),
                None if is_object => Some((name.to_string(), 0)),
                None => {
                    let message = format!("{file} has no column {name:?} of keys");
                    return Err(Error::new(ErrorKind::Name, message));
                }
            },
        };
        let own = number.then(|| NUMBER.to_string());
        let added: Vec<String> = own.into_iter().chain(outputs.iter().cloned()).collect();
        if let Some(name) = added.iter().find(|name| column(name).is_some()) {
            return Err(taken_name(name, &format!("a column of {file}")));
        }
        (self.wanted, self.key, self.added) = (wanted, key, added);
        Ok(())
    }

    /// The bytes that separate fields, if a line may go on in a quoted one.
    pub(super) fn separators(&self) -> Option<Vec<u8>> {
        let Form::Fields { separator, .. } = self.form else { return None };
        Some(match separator {
            Separator::Byte(byte) => vec![byte],
            Separator::Blanks => b" \t".to_vec(),
        })
    }

    /// The first line, if it has the names of columns.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The line of names of what is written.
    pub(super) fn line(&self, number: bool, outputs: &[String]) -> String {
        let Form::Fields { separator, .. } = self.form else { return String::new() };
        if self.text.is_empty() {
            return String::new();
        }
        let separator = char::from(byte(separator)).to_string();
        let first = number.then_some(NUMBER);
        let all = first.into_iter().chain([&*self.text]).chain(outputs.iter().map(|name| &**name));
        all.collect::<Vec<_>>().join(&separator) + "\n"
    }

    /// Adds the values of a row, and its key.
    ///
    /// # Errors
    /// `Format` with the line and the column; nothing is added then.
    pub(super) fn take(
        &self,
        row: &Row<'_>,
        values: &mut [Vec<f64>],
        keys: &mut Vec<Vec<u8>>,
    ) -> Result<()> {
        let mut own = vec![0.0; self.wanted.len()];
        let key = match self.form {
            Form::Fields { separator, decimal_comma } => {
                self.fields(row, separator, decimal_comma, &mut own)?
            }
            Form::Object => self.object(row, &mut own)?,
        };
        if let Some((name, _)) = &self.key {
            let key = key.unwrap_or_default();
            // A symbol may be called NAN.
            if key.is_empty() || [&b"nan"[..], b"NaN"].contains(&&*key) {
                return Err(row.wrong(name, "a key is expected, but it is missing"));
            }
            keys.push(key);
        }
        for ((_, number, _), value) in self.wanted.iter().zip(own) {
            values[*number].push(value);
        }
        Ok(())
    }

    fn fields(
        &self,
        row: &Row<'_>,
        separator: Separator,
        decimal_comma: bool,
        own: &mut [f64],
    ) -> Result<Option<Vec<u8>>> {
        let Row { bytes, line, .. } = *row;
        let record = Record { bytes, quotes: bytes.contains(&b'"'), line };
        let (mut count, mut key) = (0, None);
        for text in fields(&record, separator) {
            for ((name, _, column), value) in self.wanted.iter().zip(&mut *own) {
                if *column == count {
                    *value = match Field::read(&text, decimal_comma) {
                        Some(field) => field.as_f64(),
                        None => {
                            let what = format!("a number is expected, but \"{}\"", shown(&text));
                            return Err(row.wrong(name, &what));
                        }
                    };
                }
            }
            if self.key.as_ref().is_some_and(|(_, column)| *column == count) {
                key = Some(text.into_owned());
            }
            count += 1;
        }
        if count != self.columns.len() {
            let wanted = self.columns.len();
            let message = format!(
                "{}: line {line} has {count} fields, but there are {wanted} columns",
                row.name
            );
            return Err(Error::new(ErrorKind::Format, message));
        }
        Ok(key)
    }

    fn object(&self, row: &Row<'_>, own: &mut [f64]) -> Result<Option<Vec<u8>>> {
        let object: Map<String, Value> = serde_json::from_slice(row.bytes).map_err(|error| {
            let column = error.column();
            let message = format!(
                "{}: line {}, character {column}: a JSON object is expected",
                row.name, row.line
            );
            Error::new(ErrorKind::Format, message).caused_by(error)
        })?;
        if let Some(name) = self.added.iter().find(|name| object.contains_key(*name)) {
            return Err(taken_name(name, &format!("a field of {}: line {}", row.name, row.line)));
        }
        for ((name, ..), value) in self.wanted.iter().zip(own) {
            *value = match object.get(name) {
                Some(Value::Null) => f64::NAN,
                Some(Value::Bool(truth)) => f64::from(*truth),
                Some(Value::Number(number)) => number.as_f64().unwrap_or(f64::NAN),
                Some(_) => return Err(row.wrong(name, "a number is expected")),
                None => return Err(row.wrong(name, "a number is expected, but it is not there")),
            };
        }
        let Some((name, _)) = &self.key else { return Ok(None) };
        match object.get(name) {
            Some(Value::String(text)) => Ok(Some(text.clone().into_bytes())),
            Some(Value::Number(number)) => Ok(Some(number.to_string().into_bytes())),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err(row.wrong(name, "a key is expected: a text or a number")),
        }
    }

    /// Begins a row of the output: its number, and the row of the table.
    pub(super) fn begin(&self, text: &mut Vec<u8>, row: &[u8], number: Option<u64>) {
        match self.form {
            Form::Fields { separator, .. } => {
                if let Some(number) = number {
                    text.extend_from_slice(number.to_string().as_bytes());
                    text.push(byte(separator));
                }
                text.extend_from_slice(row);
            }
            Form::Object => {
                let row = row.trim_ascii();
                let inside = row.strip_prefix(b"{").unwrap_or(row);
                let inside = inside.strip_suffix(b"}").unwrap_or(inside).trim_ascii();
                text.push(b'{');
                if let Some(number) = number {
                    text.extend_from_slice(format!("\"{NUMBER}\": {number}").as_bytes());
                    if !inside.is_empty() {
                        text.extend_from_slice(b", ");
                    }
                }
                text.extend_from_slice(inside);
            }
        }
    }

    /// Adds an output to a row.
    pub(super) fn add(
        &self,
        text: &mut Vec<u8>,
        name: &str,
        (dtype, bytes): (DType, &[u8]),
        at: usize,
    ) -> std::io::Result<()> {
        match self.form {
            Form::Fields { separator, .. } => {
                text.push(byte(separator));
                let size = dtype.size();
                field(text, dtype, &bytes[at * size..][..size])
            }
            Form::Object => {
                let mut own = String::new();
                if text.last() != Some(&b'{') {
                    own.push_str(", ");
                }
                // Writing to a string cannot fail.
                let _ = write!(own, "\"{name}\": ");
                let _ = json::number(&mut own, Element::read(dtype, bytes, at));
                text.extend_from_slice(own.as_bytes());
                Ok(())
            }
        }
    }

    /// Ends a row.
    pub(super) fn end(&self, text: &mut Vec<u8>) {
        if let Form::Object = self.form {
            text.push(b'}');
        }
        text.push(b'\n');
    }
}

/// The error for what is added under a name that is there.
fn taken_name(name: &str, what: &str) -> Error {
    let (message, hint) = match name {
        NUMBER => {
            (format!("`{NUMBER}` is the name of {what}"), "--number, or an output, adds it too")
        }
        _ => (
            format!("the output {name} has the name of {what}"),
            "bind it to another name, or take --name",
        ),
    };
    Error::new(ErrorKind::Name, message).hint(hint)
}

fn byte(separator: Separator) -> u8 {
    match separator {
        Separator::Byte(byte) => byte,
        Separator::Blanks => b' ',
    }
}
