//! Tables as text: columns of numbers under their names, with a comma, semicolon, tab or blanks
//! between them.
//!
//! The separator and the header are detected from the first lines, unless a [`Dialect`] specifies
//! them. A column of integers is `i64`, or `u64` where one of them needs it; one of other numbers
//! `f64`, one of `True` and `False` `bool`. A missing value is NaN and makes its column `f64`; so
//! does an integer of more than 64 bits. A column that begins with something else is text, which is
//! not read. Blank lines are no rows. Lines end as on any system.
//!
//! A file is read once, whatever the number of its columns, and only requested columns are stored.

mod column;
mod dialect;
mod left_out;
mod records;
mod row;
mod write;

use std::fmt::Write;
use std::io::Read;
use std::path::Path;

use hotloop::{Error, ErrorKind, Result};

use self::column::Column;
use self::dialect::apart;
use self::left_out::LeftOut;
use self::records::{BUFFER, Records};
use self::row::Row;
use super::array::Array;
use super::budget::{Budget, Charge};
use super::format::Format;
use super::names::Names;
use super::quantity::counted;
use super::stream::{Stream, cannot};
use super::{note, warn};

pub(crate) use self::column::Field;
pub(crate) use self::dialect::{Dialect, Separator, are_numbers, separator};
pub(crate) use self::records::{Record, fields};
pub(crate) use self::write::{field, rows, write};

/// Bytes of text between two checks of the memory budget.
const CHECKED: u64 = 4 << 20;
/// The maximum number of columns listed in a note.
const LISTED: usize = 10;

/// A table whose column names have been read.
pub(crate) struct Table {
    /// Formats the file's name in messages.
    file: String,
    names: Names,
    /// The memory of the names and the longest lines.
    _charge: Charge,
    /// Why the columns are named by number, if they are.
    nameless: Option<String>,
    separator: Separator,
    decimal_comma: bool,
    /// Rows read during detection.
    ahead: Vec<Owned>,
    records: Records<Box<dyn Read>>,
}

/// A record that outlives the next one.
struct Owned {
    bytes: Vec<u8>,
    quotes: bool,
    line: u64,
}

impl Owned {
    fn record(&self) -> Record<'_> {
        Record { bytes: &self.bytes, quotes: self.quotes, line: self.line }
    }

    /// A comment line, without its `#`.
    fn comment(&self) -> Option<Record<'_>> {
        let text = self.bytes.trim_ascii_start().strip_prefix(b"#")?;
        Some(Record { bytes: text.trim_ascii(), ..self.record() })
    }
}

impl Table {
    /// Opens a file and reads the names in its first line; an unnamed column is `column_1`, by its
    /// number.
    ///
    /// # Errors
    /// `Io`, `Cancelled`; `Format` for a file that is empty or not text; `Limit` or `OutOfMemory`
    /// for a line that is too long.
    pub(crate) fn open(path: &Path, dialect: &Dialect, budget: &Budget) -> Result<Table> {
        let name = format!("{path:?}");
        let stream = Stream::open(path).map_err(|error| cannot("read", &name, error))?;
        let mut dialect = *dialect;
        if Format::named(path) == Some(Format::Tsv) {
            dialect.separator = dialect.separator.or(Some(Separator::Byte(b'\t')));
        }
        Table::new(Box::new(stream), name, dialect, budget)
    }

    fn new(input: Box<dyn Read>, file: String, dialect: Dialect, budget: &Budget) -> Result<Table> {
        let mut records = Records::new(input, &file);
        match records.first_bytes(budget)? {
            [0xef, 0xbb, 0xbf] => records.skip(3),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                return Err(wrong(&file, "it is UTF-16, and only UTF-8 is read")
                    .hint("save it as UTF-8; in a spreadsheet as \"CSV UTF-8\""));
            }
            _ => {}
        }
        records.separator = dialect.separator;
        // `np.savetxt` writes the names in a comment line.
        let mut comment: Option<Owned> = None;
        let first = loop {
            let Some(record) = next(&mut records, budget)? else { break None };
            check_text(&file, &record)?;
            match record.comment() {
                Some(_) => comment = Some(record),
                None if records.separator.is_none() && chosen(&record.bytes).is_some() => {
                    records.separator = chosen(&record.bytes);
                }
                None => break Some(record),
            }
        };
        let second = match (&first, records.separator) {
            (Some(_), None) => next(&mut records, budget)?,
            _ => None,
        };
        let commented = comment.as_ref().and_then(Owned::comment);
        let Some(seen) = first.as_ref().map(Owned::record).or(commented) else {
            return Err(wrong(&file, "the file is empty: there is no line of names"));
        };
        let follows = second.as_ref().map(Owned::record);
        let own = |record| separator(record, follows.as_ref());
        let separator = records.separator.unwrap_or_else(|| own(&seen));
        records.separator = Some(separator);
        let count = fields(&seen, separator).count();
        let decimal_comma = dialect.decimal_comma;
        let numbers =
            first.as_ref().map(|row| are_numbers(&row.record(), separator, decimal_comma));
        // The comment with the same number of fields as the next line, unless that line may be a
        // header too.
        let own = commented.map(|comment| fields(&comment, separator).count());
        let commented =
            commented.filter(|_| own == Some(count) && (count > 1 || numbers != Some(false)));
        let header = dialect.header.unwrap_or(commented.is_some() || numbers != Some(true));
        let (named, is_row) = match (header, commented) {
            (false, _) => (None, true),
            (true, Some(comment)) => (Some(comment), true),
            (true, None) => (Some(seen), false),
        };
        let held = [&first, &second, &comment].into_iter().flatten().map(|line| line.bytes.len());
        let held = records.memory() + held.sum::<usize>();
        let (names, needed) = names(&file, (named, separator), count, (held, budget))?;
        let nameless = named.is_none().then(|| match own {
            Some(own) if own != count && dialect.header.is_none() => format!(
                "with {} between them the line that begins with # has {}, and the table {}",
                separator.shown(),
                counted(own, "name"),
                counted(count, "column")
            ),
            _ => {
                "its first line is taken for values; `--header` says that it has names".to_string()
            }
        });
        let ahead: Vec<Owned> = first.into_iter().filter(|_| is_row).chain(second).collect();
        let held = records.memory() + ahead.iter().map(|line| line.bytes.len()).sum::<usize>();
        let what = || format!("the names of {file}");
        let _charge = budget.charge(needed.saturating_add(held as u64), &what)?;
        Ok(Table { file, names, _charge, nameless, separator, decimal_comma, ahead, records })
    }

    /// The names of the columns, in the file's encoding.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The separator to suggest if the only column's name looks like several.
    pub(crate) fn apart(&self) -> Option<String> {
        let one = self.names.get(0).filter(|_| self.names.len() == 1);
        one.and_then(|name| apart(name, self.separator))
    }

    /// Why the columns are named by number, if they are.
    pub(crate) fn nameless(&self) -> Option<&str> {
        self.nameless.as_deref()
    }

    /// Reads the columns with these numbers, ignoring the contents of others.
    ///
    /// # Errors
    /// `Io`, `Cancelled`; `Format` with the line, for a row with another number of fields than the
    /// first and for an invalid number; `Limit` or `OutOfMemory` if the memory does not suffice.
    pub(crate) fn read(self, numbers: &[usize], budget: &Budget) -> Result<Vec<Array>> {
        let mut wanted: Vec<(usize, usize)> = numbers.iter().copied().zip(0..).collect();
        wanted.sort_unstable();
        let columns = self.columns(&wanted, budget, false)?;
        columns.into_iter().flatten().map(Column::array).collect()
    }

    /// Reads all columns except those of text, which are listed in a note. Returns each with its
    /// number.
    ///
    /// # Errors
    /// As [`Table::read`]; `Format` if all are text.
    pub(crate) fn read_all(self, budget: &Budget) -> Result<Vec<(usize, Array)>> {
        let (file, count) = (self.file.clone(), self.names.len());
        let names: Vec<String> = self.names.iter().map(shown).collect();
        let wanted: Vec<(usize, usize)> = (0..count).zip(0..).collect();
        let mut columns = self.columns(&wanted, budget, true)?;
        if columns.iter().all(|column| column.is_err())
            && let Some(Err(first)) = columns.drain(..).next()
        {
            return Err(first.error);
        }
        let (mut arrays, mut texts) = (Vec::new(), Vec::new());
        for ((number, column), name) in columns.into_iter().enumerate().zip(names) {
            match column {
                Ok(column) => arrays.push((number, column.array()?)),
                Err(LeftOut { is_text: true, .. }) => texts.push(name),
                Err(LeftOut { error, .. }) => {
                    let advice = error.hints().first().map(|advice| format!(" ({advice})"));
                    let (what, advice) = (error.message(), advice.unwrap_or_default());
                    warn(&format_args!("{what}{advice}; the column is left out"));
                }
            }
        }
        if !texts.is_empty() {
            let (count, more) = (texts.len(), if texts.len() > LISTED { ", ..." } else { "" });
            texts.truncate(LISTED);
            note(&format_args!(
                "{file}: left out {} of text: {}{more}",
                counted(count, "column"),
                texts.join(", ")
            ));
        }
        Ok(arrays)
    }

    /// Reads all rows into columns, one for each requested field. A column of text is an error, or
    /// is replaced by its message.
    fn columns(
        mut self,
        wanted: &[(usize, usize)],
        budget: &Budget,
        allow_text: bool,
    ) -> Result<Vec<std::result::Result<Column, LeftOut>>> {
        let column = || Ok(Column::Missing(0));
        let mut columns: Vec<_> = std::iter::repeat_with(column).take(wanted.len()).collect();
        let row = Row {
            file: &self.file,
            names: &self.names,
            separator: self.separator,
            decimal_comma: self.decimal_comma,
            wanted,
            allow_text,
        };
        for record in &self.ahead {
            row.add(&record.record(), &mut columns)?;
        }
        let mut checked = 0;
        loop {
            let read = self.records.read;
            let record = self.records.next(budget)?;
            if record.is_none() || read - checked >= CHECKED {
                checked = read;
                let bytes = columns.iter().flatten().map(Column::bytes).sum::<usize>() as u64;
                budget.check_growth(bytes, 0, &|| format!("what is needed of {}", self.file))?;
            }
            let Some(record) = record else { return Ok(columns) };
            row.add(&record, &mut columns)?;
        }
    }
}

/// The column names in a record, and their memory; `held` bytes of lines are in use meanwhile.
fn names(
    file: &str,
    (named, separator): (Option<Record<'_>>, Separator),
    count: usize,
    (held, budget): (usize, &Budget),
) -> Result<(Names, u64)> {
    const NUMBERED: &str = "column_";
    let given = || named.iter().flat_map(|record| fields(record, separator));
    // Unnamed columns are named by number.
    let digits = count.checked_ilog10().unwrap_or(0) as usize + 1;
    let lacking = count - given().filter(|name| !name.is_empty()).count().min(count);
    let bytes = given().map(|name| name.len()).sum::<usize>() + lacking * (NUMBERED.len() + digits);
    let needed = Names::needed(count, bytes);
    let what = || format!("the names of the {} of {file}", counted(count, "column"));
    drop(budget.charge(needed.saturating_add(held as u64), &what)?);
    let refused = |_| {
        let what = format!("no memory for {}", what());
        Error::new(ErrorKind::OutOfMemory, what)
    };
    let mut names = Names::with_room(count, bytes).map_err(refused)?;
    let (mut given, mut numbered) = (given(), NUMBERED.to_string());
    for number in 1..=count {
        match given.next() {
            Some(name) if !name.is_empty() => names.push(&name).map_err(refused)?,
            _ => {
                numbered.truncate(NUMBERED.len());
                let _ = write!(numbered, "{number}");
                names.push(numbered.as_bytes()).map_err(refused)?;
            }
        }
    }
    Ok((names, needed))
}

/// The next record, kept.
fn next(records: &mut Records<Box<dyn Read>>, budget: &Budget) -> Result<Option<Owned>> {
    let held = records.memory() as u64;
    let file = records.file().to_string();
    let Some(Record { bytes: line, quotes, line: number }) = records.next(budget)? else {
        return Ok(None);
    };
    if line.len() > BUFFER {
        budget.check_growth(held, line.len() as u64, &|| format!("a line of {file}"))?;
    }
    let mut bytes = Vec::new();
    let refused = |_| cannot("read", &file, std::io::ErrorKind::OutOfMemory.into());
    bytes.try_reserve_exact(line.len()).map_err(refused)?;
    bytes.extend_from_slice(line);
    Ok(Some(Owned { bytes, quotes, line: number }))
}

/// The separator given in a line of a spreadsheet: `sep=;`.
fn chosen(line: &[u8]) -> Option<Separator> {
    let separator = str::from_utf8(line.strip_prefix(b"sep=")?).ok()?;
    Separator::parse(separator).ok()
}

/// Checks that one of the first lines may belong to a table.
fn check_text(file: &str, record: &Owned) -> Result<()> {
    match record.bytes.iter().any(|byte| byte.is_ascii_control() && !b"\t\r\n".contains(byte)) {
        true => Err(wrong(file, format!("line {} is no text: this is no table", record.line))),
        false => Ok(()),
    }
}

fn wrong(file: &str, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Format, format!("{file}: {what}"))
}

/// The beginning of an untrusted text of any encoding, escaped for terminals.
pub(crate) fn shown(text: &[u8]) -> String {
    let mut shown = String::new();
    let mut left = 40;
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars().take(left) {
            shown.extend(c.escape_debug());
            left -= 1;
        }
        for byte in chunk.invalid().iter().take(left) {
            shown += &format!("\\x{byte:02x}");
            left -= 1;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::io;

    use hotloop::DType;

    use super::*;

    fn told(text: &[u8], dialect: Dialect) -> Result<Table> {
        let text = Box::new(io::Cursor::new(text.to_vec()));
        Table::new(text, "t".to_string(), dialect, &Budget::machine())
    }

    fn table(text: &[u8]) -> Result<Table> {
        told(text, Dialect::default())
    }

    fn all(table: Table) -> Result<Vec<(String, Array)>> {
        let names: Vec<String> = table.names().iter().map(shown).collect();
        let columns = table.read_all(&Budget::machine())?;
        Ok(columns.into_iter().map(|(i, array)| (names[i].clone(), array)).collect())
    }

    fn read(text: &[u8]) -> std::result::Result<Vec<(String, Array)>, String> {
        table(text).and_then(all).map_err(|error| error.to_string())
    }

    /// Reads a single column; returns it or the message.
    fn one(text: &[u8], number: usize) -> std::result::Result<Array, String> {
        let read = table(text).and_then(|table| table.read(&[number], &Budget::machine()));
        read.map(|mut arrays| arrays.remove(0)).map_err(|error| error.to_string())
    }

    fn column<T: bytemuck::AnyBitPattern>(table: &mut [(String, Array)], i: usize) -> Vec<T> {
        bytemuck::pod_collect_to_vec::<u8, u8>(table[i].1.bytes_mut())
            .chunks_exact(size_of::<T>())
            .map(bytemuck::pod_read_unaligned)
            .collect()
    }

    #[test]
    fn columns_have_the_narrowest_type() {
        let text = b"\xef\xbb\xbfn, price ,up,\"a \"\"b\"\"\"\r\n1,1.5,True,\r\n\r\n-2,,False,1e3\n3,2,true,4\n";
        let mut table = read(text).unwrap();
        let names: Vec<&str> = table.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["n", "price", "up", "a \\\"b\\\""]);
        let dtypes: Vec<DType> = table.iter().map(|(_, array)| array.dtype()).collect();
        assert_eq!(dtypes, [DType::I64, DType::F64, DType::Bool, DType::F64]);
        assert_eq!(column::<i64>(&mut table, 0), [1, -2, 3]);
        let price = column::<f64>(&mut table, 1);
        assert!(price[0] == 1.5 && price[1].is_nan() && price[2] == 2.0);
        assert_eq!(column::<u8>(&mut table, 2), [1, 0, 1]);
        let last = column::<f64>(&mut table, 3);
        assert!(last[0].is_nan() && last[1..] == [1000.0, 4.0]);
        // Integers that turn out to be floats later, and one that is too large.
        let mut table = read(b"x,y,z\n1,18446744073709551616,\n2.5,1,\n").unwrap();
        assert_eq!(column::<f64>(&mut table, 0), [1.0, 2.5]);
        assert_eq!(column::<f64>(&mut table, 1), [18_446_744_073_709_551_616.0, 1.0]);
        assert!(column::<f64>(&mut table, 2).iter().all(|x| x.is_nan()));
        assert_eq!(read(b"a,b\n").unwrap()[1].1.shape(), [0]);
    }

    #[test]
    fn an_endless_line_does_not_take_all_memory() {
        for line in [&b"a"[..], b"a\n\"1"] {
            for budget in [Budget::of(|| Some(65 << 20)), Budget::run(10 << 20)] {
                let input = Box::new(io::Cursor::new(line).chain(io::repeat(b' ')));
                let read = Table::new(input, "t.csv".to_string(), Dialect::default(), &budget)
                    .and_then(|table| table.read(&[0], &budget));
                let error = read.err().unwrap();
                let kind = error.kind();
                assert!([ErrorKind::OutOfMemory, ErrorKind::Limit].contains(&kind), "{error}");
                assert!(error.message().contains("a line of t.csv"), "{error}");
            }
        }
        // Lines need little more memory than their values.
        let text = "1,2\n".repeat(1 << 20);
        let budget = Budget::run(9 << 20);
        let read = |columns: &[usize]| {
            let input = Box::new(io::Cursor::new(text.clone().into_bytes()));
            let dialect = Dialect::default();
            Table::new(input, "t.csv".to_string(), dialect, &budget)?.read(columns, &budget)
        };
        assert_eq!(read(&[1]).unwrap()[0].shape(), [1 << 20]);
        let error = read(&[0, 1]).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert!(error.message().contains("but --memory is 9MiB"), "{error}");
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        for (text, about) in [
            (&b""[..], "empty"),
            (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', }\n", "line 1 is no text"),
            (b"\xff\xfea\0,\0b\0\n\0", "UTF-16"),
            (b"a\0,\0b\0\n\0", "line 1 is no text"),
            (b"a;b\n1;2\n1;2,5\n", "`--decimal-comma` reads 2,5 as two and a half"),
            (b"a,b\n1,1\n1,\"1,000\"\n", "separators of thousands are not read"),
            (b"a;b\n1,2\n", "`--sep` says otherwise"),
            (b"a,b\n1,2\n3\n", "line 3 has 1 field, and the table 2 columns"),
            (b"a,b\n1,2\n\n3,4,5\n", "line 4 has 3 fields"),
            (b"a,b\r\n1,2\r\n\r\n3", "line 4 has 1 field,"),
            (b"a,b\n1,2\n3,four\n", "line 3, column \"b\": a number is expected, but \"four\""),
            (b"a\n1\n1_000\n", "line 3"),
            (b"a\nTrue\n1\n", "True or False is expected, but \"1\""),
            (b"a\n1\nTrue\n", "a number is expected, but \"True\""),
            (b"a\n\"\"\nTrue\n", "line 3, column \"a\": a number is expected, but \"True\""),
            (b"a\n\xff\n", "column \"a\" holds text: \"\\xff\" in line 2"),
            (b"a,b\n,x\ny,2\n", "column \"a\" holds text: \"y\" in line 3"),
            (b"a,b\r1,2\r3\r", "line 3 has 1 field,"),
            (b"a,b\n1,x\n2,\"y\n3,z\n4,w\n", "a quote in line 3 is not closed"),
            (b"a,\"b\n1,2\n", "a quote in line 1 is not closed"),
            (b"a\n\"1\n", "a quote in line 2 is not closed"),
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text:?} is a table"));
            assert!(error.contains(about), "{text:?}: {error}");
        }
    }

    #[test]
    fn columns_of_text_are_left_out() {
        let text = b",date,price,qty\n0,2024-01-02,1.5,NA\n1,,N/A,2\n2,2024-01-04,null,3\n";
        let mut left = read(text).unwrap();
        let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["column_1", "price", "qty"]);
        assert_eq!(column::<i64>(&mut left, 0), [0, 1, 2]);
        let price = column::<f64>(&mut left, 1);
        assert!(price[0] == 1.5 && price[1].is_nan() && price[2].is_nan());
        assert_eq!(column::<f64>(&mut left, 2)[1..], [2.0, 3.0]);
        // One column is read whatever is in the others, and is an error if it is text.
        let mut price = [("price".to_string(), one(text, 2).unwrap())];
        assert_eq!(column::<f64>(&mut price, 0)[0], 1.5);
        let about = "error: t: column \"date\" holds dates: \"2024-01-02\" in line 2\n";
        assert!(one(text, 1).err().unwrap().starts_with(about));
        // So are truth values of which some are missing.
        for text in [&b"a,b\n,\nTrue,1\n"[..], b"a,b\nTrue,\n,1\n"] {
            let mut left = read(text).unwrap();
            assert_eq!((left.len(), left[0].0.as_str()), (1, "b"));
            assert_eq!(column::<f64>(&mut left, 0)[1], 1.0);
            assert!(one(text, 0).err().unwrap().contains("column \"a\""));
        }
        // Numbers and then text are no column of text, but a mistake.
        assert!(read(b"a,b\n,1\n3,2\nfour,3\n").err().unwrap().contains("line 4"));
    }

    #[test]
    fn lines_end_as_on_any_system() {
        for text in ["a,b\r1,2\r3,4", "a,b\r\n1,2\r\n3,4\r\n", "\na,b\n\n1,2\r\r3,4\n"] {
            let mut table = read(text.as_bytes()).unwrap();
            assert_eq!(column::<i64>(&mut table, 0), [1, 3], "{text:?}");
            assert_eq!(column::<i64>(&mut table, 1), [2, 4], "{text:?}");
        }
        // A blank line is no row; a field that is empty is one, if it is quoted.
        let mut one = read(b"a\n1\n\n\"\"\n2\n").unwrap();
        let one = column::<f64>(&mut one, 0);
        assert!(one.len() == 3 && one[1].is_nan() && one[2] == 2.0, "{one:?}");
    }

    /// Files that end anywhere, and files with a byte changed, are tables or errors.
    #[test]
    fn h1_damaged_tables_are_tables_or_errors() {
        let whole = b"a,\"b c\",d\r\n1,2.5,True\r\n-3,\"\",False\n40,1e5,True\n";
        for end in 0..whole.len() {
            let _ = read(&whole[..end]);
        }
        let (mut tables, mut errors) = (0, 0);
        for at in 0..whole.len() {
            for byte in [0, b'"', b',', b'\n', b'\r', 0xff, whole[at] ^ 1, whole[at] ^ 0x80] {
                let mut text = whole.to_vec();
                text[at] = byte;
                match read(&text) {
                    Ok(table) => {
                        tables += 1;
                        let n = table[0].1.shape()[0];
                        assert!(table.iter().all(|(_, column)| column.shape() == [n]));
                    }
                    Err(_) => errors += 1,
                }
            }
        }
        assert!(tables > 50 && errors > 50, "{tables} tables, {errors} errors");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let program = hotloop::compile("x = 0.1 * n; y = f32(x); n, x, y, up = 1").err();
        assert!(program.is_some());
        let program = hotloop::compile("x = 0.1 * n; x, f32(x), n > 1, nan * x").unwrap();
        let outputs = program.eval(("n", &[1i64, 2, 1 << 60])).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let names: Vec<String> = (0..outputs.len()).map(|i| format!("c{i}")).collect();
        write(&mut file, &names, &outputs.iter().collect::<Vec<_>>(), 3, b',').unwrap();
        io::Seek::rewind(&mut file).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().nth(1), Some("0.1,0.1,False,nan"));
        let mut again = read(text.as_bytes()).unwrap();
        let x = outputs[0].view::<f64>().unwrap();
        assert_eq!(column::<f64>(&mut again, 0), x.as_slice().unwrap());
        assert_eq!(again[2].1.dtype(), DType::Bool);
    }

    /// The end of a table is where the file ends, whatever stands in it: not a line of one byte
    /// 0x01, which ended it once.
    #[test]
    fn no_line_is_the_end() {
        for (text, about) in [
            (&b"x\n1\n\x01\n5\n"[..], "line 3, column \"x\": a number is expected, but \"\\u{1}\""),
            (b"x\n1\n\"\x01\"\n", "line 3, column \"x\""),
            (b"x,y\n1,2\n\x01\n4,5\n", "line 3 has 1 field,"),
            (b"x,y\n1,2\n \x01 \r\n4,5,6\nfoo\n", "line 3 has 1 field,"),
            (b"x\n1\n\x01", "line 3, column \"x\""),
        ] {
            for number in [0, text.iter().position(|c| *c == b',').map_or(0, |_| 1)] {
                let error = one(text, number).err().unwrap_or_else(|| panic!("{text:?}"));
                assert!(error.contains(about), "{text:?}: {error}");
            }
        }
        assert_eq!(
            read(b"\x01\n1\n").err().unwrap(),
            "error: t: line 1 is no text: this is no table"
        );
        // The same error, whatever column is asked for.
        for number in [0, 1] {
            let error = one(b"x,y\n1,\"2\n3,4\n", number).err();
            assert_eq!(error.as_deref(), Some("error: t: a quote in line 2 is not closed"));
        }
    }

    #[test]
    fn what_others_write_is_read() {
        const COMMA: Dialect = Dialect { separator: None, header: None, decimal_comma: true };
        for (about, dialect, text, names, x, y) in [
            (
                "savetxt",
                Dialect::default(),
                "# x,y\n1.0e+00,2\n3,4\n",
                "x y",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "savetxt, blanks",
                Dialect::default(),
                "# x y\n1.0e+00 2\n3 4\n",
                "x y",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "savetxt, two lines",
                Dialect::default(),
                "# of today, at 8\n# x,y\n1,2\n3,4\n",
                "x y",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "a comment",
                Dialect::default(),
                "# by hand\nx,y\n1,2\n3,4\n",
                "x y",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "a comment, no names",
                Dialect::default(),
                "# by hand\n1,2\n3,4\n",
                "column_1 column_2",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "no names",
                Dialect::default(),
                "1,2\n3,4\n",
                "column_1 column_2",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "no names, blanks",
                Dialect::default(),
                "  1.0   2.0\n3.0 4.0 \n",
                "column_1 column_2",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "semicolons",
                Dialect::default(),
                "x;y\r\n1;2\r\n3;4\r\n",
                "x y",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            ("tabs", Dialect::default(), "x\ty\n1\t2\n3\t4\n", "x y", [1.0, 3.0], [2.0, 4.0]),
            ("decimal commas", COMMA, "x;y\n1,5;2\n3;-4,25\n", "x y", [1.5, 3.0], [2.0, -4.25]),
            (
                "quoted decimal commas",
                COMMA,
                "x,y\n\"1,5\",2\n3,4\n",
                "x y",
                [1.5, 3.0],
                [2.0, 4.0],
            ),
            (
                "a spreadsheet's own line",
                Dialect::default(),
                "sep=;\nx;y\n1;2\n3;4\n",
                "x y",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "a mark",
                Dialect::default(),
                "\u{feff}x,y\n1,2\n3,4\n",
                "x y",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "quotes",
                Dialect::default(),
                "\"x\",\"y\"\n\"1\",2\n3, \"4\"\n",
                "x y",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "quotes and tabs",
                Dialect::default(),
                "\"x\"\t\"y\"\n1\t2\n3\t4\n",
                "x y",
                [1.0, 3.0],
                [2.0, 4.0],
            ),
            (
                "R's infinities",
                Dialect::default(),
                "x,y\nInf,2\n3,-Inf\n",
                "x y",
                [f64::INFINITY, 3.0],
                [2.0, f64::NEG_INFINITY],
            ),
        ] {
            let mut table = told(text.as_bytes(), dialect)
                .and_then(all)
                .unwrap_or_else(|error| panic!("{about}: {error}"));
            let own: Vec<&str> = table.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(own.join(" "), names, "{about}");
            for (i, want) in [x, y].into_iter().enumerate() {
                let column: Vec<f64> = match table[i].1.dtype() {
                    DType::I64 => column::<i64>(&mut table, i).iter().map(|x| *x as f64).collect(),
                    _ => column(&mut table, i),
                };
                assert_eq!(column, want, "{about}");
            }
        }
    }

    #[test]
    fn missing_values_of_others() {
        let words = "#N/A #NA N/A NA None - <NA> null NULL nan -nan NaN n/a";
        let rows: String = words.split(' ').map(|word| format!("{word},1\n")).collect();
        let mut table = read(format!("x,y\n{rows},1\n2,1\n").as_bytes()).unwrap();
        let x = column::<f64>(&mut table, 0);
        let (last, missing) = x.split_last().unwrap();
        assert!(missing.iter().all(|x| x.is_nan()) && *last == 2.0, "{x:?}");
        assert_eq!(missing.len(), 14);
        let mut table = read(b"up\nTrue\ntrue\nTRUE\nFALSE\nfalse\n").unwrap();
        assert_eq!(column::<u8>(&mut table, 0), [1, 1, 1, 0, 0]);
    }

    #[test]
    fn the_first_line_may_be_told() {
        let names = Dialect { header: Some(true), ..Dialect::default() };
        let table = told(b"2023,2024\n1,2\n", names).unwrap();
        assert!(table.names().iter().eq([b"2023", b"2024"]));
        let mut table = all(table).unwrap();
        assert_eq!(column::<i64>(&mut table, 0), [1]);
        let values = Dialect { header: Some(false), ..Dialect::default() };
        let mut table = told(b"nan,1\n2,3\n", values).and_then(all).unwrap();
        assert_eq!(column::<i64>(&mut table, 1), [1, 3]);
        assert_eq!(table[1].0, "column_2");
        let bar = Dialect { separator: Some(Separator::Byte(b'|')), ..Dialect::default() };
        let mut table = told(b"a,b|c\n1|2\n", bar).and_then(all).unwrap();
        assert_eq!(column::<i64>(&mut table, 1), [2]);
        assert_eq!(table[0].0, "a,b");
    }

    #[test]
    fn large_integers_stay_what_they_are() {
        let text = b"u,s,f\n1,-1,1\n18446744073709551615,9223372036854775808,1\n0,1,18446744073709551616\n";
        let mut table = read(text).unwrap();
        let dtypes: Vec<DType> = table.iter().map(|(_, array)| array.dtype()).collect();
        assert_eq!(dtypes, [DType::U64, DType::F64, DType::F64]);
        assert_eq!(column::<u64>(&mut table, 0), [1, u64::MAX, 0]);
        assert_eq!(column::<f64>(&mut table, 1), [-1.0, 9223372036854775808.0, 1.0]);
        let mut later = read(b"u\n18446744073709551615\n-1\n").unwrap();
        assert_eq!(column::<f64>(&mut later, 0), [18446744073709551616.0, -1.0]);
    }
}
