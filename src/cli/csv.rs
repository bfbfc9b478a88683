//! Tables as text: columns of numbers under their names, with commas between them.
//!
//! A column of integers is `i64`, one of other numbers `f64`, one of `True` and `False` `bool`. An
//! empty field, or `NA`, `N/A` or `null`, is NaN and makes its column `f64`; so does an integer of
//! more than 64 bits. A column that begins with something else is text, which is not read. Blank
//! lines are no rows. Lines end as on any system.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use csv::{ByteRecord, ErrorKind as CsvErrorKind, Reader, ReaderBuilder, Trim, WriterBuilder};
use hotloop::{DType, Error, ErrorKind, Output, Result};

use super::array::Array;
use super::stream::{Stream, cannot};
use super::{complain, memory, quantity};

/// Bytes between two looks at the memory that is left.
const CHECKED: u64 = 16 << 20;
/// What stands in a last line of its own, behind a quote: a quote of the table that is not closed
/// swallows it. It also ends the line before, so that lines can be counted.
const END: &[u8] = b"\x01";
/// Memory that is left to others.
const MARGIN: u64 = 64 << 20;

/// A table of which the names of the columns have been read.
pub(crate) struct Table {
    /// Names the file in messages.
    file: String,
    names: Vec<String>,
    reader: Reader<Box<dyn Read>>,
}

impl Table {
    /// Opens a file, and reads the names in its first line; a column without one is `column_1`, or
    /// of whatever number.
    ///
    /// # Errors
    /// `Io`; `Format` for a file that is empty, or begins with numbers.
    pub(crate) fn open(path: &Path) -> Result<Table> {
        let name = format!("{path:?}");
        let stream = Stream::open(path).map_err(|error| cannot("read", &name, error))?;
        let input = WhileMemory::new(stream, memory::available, &name);
        Table::new(BufReader::new(input), name)
    }

    fn new(mut input: impl Read + 'static, file: String) -> Result<Table> {
        const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
        let mut start = Vec::new();
        let read = input.by_ref().take(3).read_to_end(&mut start);
        read.map_err(|error| cannot("read", &file, error))?;
        if start == MARK {
            start.clear();
        }
        let text =
            LineFeeds::new(io::Cursor::new(start).chain(input).chain(&b"\n\""[..]).chain(END));
        let text: Box<dyn Read> = Box::new(text);
        let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(text);
        let record = reader.byte_headers().map_err(Fault::from);
        let names = record.and_then(names).map_err(|fault| fault.error(&file))?;
        Ok(Table { file, names, reader })
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads one column, whatever is in the others.
    ///
    /// # Errors
    /// `Io`; `Format` with the line, for one with more or fewer fields than the first and for a field
    /// that is no number; `OutOfMemory`, `Cancelled`.
    pub(crate) fn column(mut self, number: usize) -> Result<Array> {
        let mut column = Column::Empty(0);
        let read = self.rows(|line, name, record| {
            column
                .push(&record[number])
                .map_err(|what| wrong(line, &name[number], what, &record[number]))
        });
        read.and_then(|()| Ok(column.array()?)).map_err(|fault| fault.error(&self.file))
    }

    /// Reads the columns, but for those of text, of which it warns.
    ///
    /// # Errors
    /// As [`Table::column`]; `Format` if all are text.
    pub(crate) fn columns(mut self) -> Result<Vec<(String, Array)>> {
        // What is wrong with a column of text.
        let mut columns = vec![Ok(Column::Empty(0)); self.names.len()];
        let read = self.rows(|line, names, record| {
            for ((column, field), name) in columns.iter_mut().zip(record).zip(names) {
                let Ok(values) = column else { continue };
                let pushed = values.push(field).map_err(|what| wrong(line, name, what, field));
                match (pushed, &*values) {
                    (Err(Fault::Text(what)), Column::Empty(_)) if Field::read(field).is_none() => {
                        *column = Err(what);
                    }
                    (pushed, _) => pushed?,
                }
            }
            Ok(())
        });
        read.map_err(|fault| fault.error(&self.file))?;
        if let Some(Err(what)) = columns.first()
            && columns.iter().all(|column| column.is_err())
        {
            return Err(Fault::Text(what.clone()).error(&self.file));
        }
        let mut arrays = Vec::new();
        for (name, column) in self.names.into_iter().zip(columns) {
            match column {
                Ok(column) => arrays.push((name, column.array()?)),
                Err(what) => complain(&format_args!(
                    "warning: {}: {what}; the column is left out",
                    self.file
                )),
            }
        }
        Ok(arrays)
    }

    /// Does something with each row: its line, the names and its fields.
    fn rows(
        &mut self,
        mut row: impl FnMut(u64, &[String], &ByteRecord) -> std::result::Result<(), Fault>,
    ) -> std::result::Result<(), Fault> {
        let mut record = ByteRecord::new();
        let mut start = 1;
        while self.reader.read_byte_record(&mut record)? {
            if record.len() == 1 && record[0] == *END {
                return Ok(());
            }
            let line = self.reader.position().line() - 1;
            start = record.position().map_or(line, |position| position.line());
            if record.len() != self.names.len() {
                let (fields, named) = (record.len(), self.names.len());
                let what = format!("line {line} has {fields} fields, the first line {named}");
                return Err(Fault::Text(what));
            }
            row(line, &self.names, &record)?;
        }
        Err(Fault::Text(format!("a quote in line {start} is not closed")))
    }
}

/// Why a table cannot be read.
enum Fault {
    Io(io::Error),
    Text(String),
    Error(Error),
}

impl Fault {
    fn error(self, file: &str) -> Error {
        match self {
            Fault::Io(error) => cannot("read", file, error),
            Fault::Text(what) => Error::new(ErrorKind::Format, format!("{file}: {what}")),
            Fault::Error(error) => error,
        }
    }
}

impl From<csv::Error> for Fault {
    fn from(error: csv::Error) -> Fault {
        match error.into_kind() {
            CsvErrorKind::Io(error) => Fault::Io(error),
            other => Fault::Text(format!("{other:?}")),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Error(error)
    }
}

/// What is wrong with a field, with its place and its text.
fn wrong(line: u64, column: &str, what: &str, field: &[u8]) -> Fault {
    let text = String::from_utf8_lossy(field);
    let short: String = text.chars().take(40).collect();
    Fault::Text(format!("line {line}, column {column:?}: {what}, but {short:?}"))
}

/// A reader that ends before what is made of its bytes takes all memory, be it one endless line.
struct WhileMemory<R> {
    inner: R,
    free: fn() -> Option<u64>,
    file: String,
    read: u64,
    checked: u64,
    /// Where the line began that is being read, and whether a quote is open in it.
    line: u64,
    quoted: bool,
}

impl<R> WhileMemory<R> {
    fn new(inner: R, free: fn() -> Option<u64>, file: &str) -> WhileMemory<R> {
        let file = file.to_string();
        WhileMemory { inner, free, file, read: 0, checked: 0, line: 0, quoted: false }
    }
}

impl<R: Read> Read for WhileMemory<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read - self.checked >= CHECKED {
            self.checked = self.read;
            // What holds a line doubles as it grows.
            let needed = MARGIN + 2 * (self.read - self.line);
            if (self.free)().is_some_and(|free| free < needed) {
                let first = quantity::size(self.read);
                let message = format!("no memory for more than the first {first} of {}", self.file);
                return Err(io::Error::other(Error::new(ErrorKind::OutOfMemory, message)));
            }
        }
        let count = self.inner.read(buffer)?;
        for byte in &buffer[..count] {
            self.read += 1;
            self.quoted ^= *byte == b'"';
            if !self.quoted && (*byte == b'\n' || *byte == b'\r') {
                self.line = self.read;
            }
        }
        Ok(count)
    }
}

/// A reader of lines that end with a line feed, whether by carriage return, line feed or both.
struct LineFeeds<R> {
    inner: R,
    /// Whether the last byte was a carriage return, which has ended its line.
    returned: bool,
}

impl<R> LineFeeds<R> {
    fn new(inner: R) -> LineFeeds<R> {
        LineFeeds { inner, returned: false }
    }
}

impl<R: Read> Read for LineFeeds<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.inner.read(buffer)?;
            let mut kept = 0;
            for i in 0..count {
                let byte = buffer[i];
                let second = std::mem::replace(&mut self.returned, byte == b'\r') && byte == b'\n';
                buffer[kept] = if byte == b'\r' { b'\n' } else { byte };
                kept += usize::from(!second);
            }
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}

/// The names in the first line.
fn names(record: &ByteRecord) -> std::result::Result<Vec<String>, Fault> {
    if record.len() == 1 && record[0] == *END {
        return Err(Fault::Text("the file is empty: there is no line of names".to_string()));
    }
    let numbers = record.iter().all(|field| {
        let text = str::from_utf8(field).unwrap_or_default();
        text.parse::<f64>().is_ok()
    });
    if numbers {
        let what = "line 1 holds numbers; it must name the columns";
        return Err(Fault::Text(what.to_string()));
    }
    if record.iter().next_back().is_some_and(|field| field.ends_with(END)) {
        return Err(Fault::Text("a quote in line 1 is not closed".to_string()));
    }
    if record.iter().flatten().any(|byte| byte.is_ascii_control() && !b"\t\n".contains(byte)) {
        return Err(Fault::Text("line 1 is no text: this is no table".to_string()));
    }
    if record.len() == 1 && record[0].iter().any(|byte| b";\t".contains(byte)) {
        let what = "line 1 has no commas, which the columns of a table have between them";
        return Err(Fault::Text(what.to_string()));
    }
    let name = |(i, field): (usize, &[u8])| match field {
        [] => format!("column_{}", i + 1),
        field => String::from_utf8_lossy(field).into_owned(),
    };
    Ok(record.iter().enumerate().map(name).collect())
}

/// The values of a column so far, of the narrowest type that holds them.
#[derive(Clone)]
enum Column {
    /// Nothing but so many empty fields.
    Empty(usize),
    Bool(Vec<u8>),
    Int(Vec<i64>),
    Float(Vec<f64>),
}

/// What a field says.
enum Field {
    Empty,
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl Field {
    fn read(field: &[u8]) -> Option<Field> {
        let text = str::from_utf8(field).ok()?;
        Some(match text {
            "" | "NA" | "N/A" | "null" | "NULL" => Field::Empty,
            "True" | "true" => Field::Bool(true),
            "False" | "false" => Field::Bool(false),
            _ => match text.parse() {
                Ok(int) => Field::Int(int),
                Err(_) => Field::Float(text.parse().ok()?),
            },
        })
    }
}

impl Column {
    /// Adds a field; what is wrong with it is a sentence without its text.
    fn push(&mut self, field: &[u8]) -> std::result::Result<(), &'static str> {
        let field = Field::read(field).ok_or("a number is expected")?;
        if let (Column::Empty(0), Field::Bool(_)) = (&*self, &field) {
            *self = Column::Bool(Vec::new());
        }
        if let (Column::Empty(0), Field::Int(_)) = (&*self, &field) {
            *self = Column::Int(Vec::new());
        }
        match (&mut *self, field) {
            (Column::Bool(values), Field::Bool(value)) => values.push(u8::from(value)),
            (Column::Int(values), Field::Int(value)) => values.push(value),
            (Column::Empty(count), Field::Empty) => *count += 1,
            (Column::Bool(_), _) => return Err("True or False is expected"),
            (_, Field::Bool(_)) => return Err("a number is expected"),
            (_, Field::Empty) => self.push_float(f64::NAN),
            (_, Field::Int(value)) => self.push_float(value as f64),
            (_, Field::Float(value)) => self.push_float(value),
        }
        Ok(())
    }

    fn push_float(&mut self, value: f64) {
        let mut floats = std::mem::replace(self, Column::Empty(0)).into_floats();
        floats.push(value);
        *self = Column::Float(floats);
    }

    fn into_floats(self) -> Vec<f64> {
        match self {
            Column::Float(values) => values,
            Column::Int(values) => values.into_iter().map(|x| x as f64).collect(),
            Column::Empty(count) => vec![f64::NAN; count],
            Column::Bool(values) => values.into_iter().map(f64::from).collect(),
        }
    }

    fn array(self) -> Result<Array> {
        match self {
            Column::Bool(x) => Array::copied(DType::Bool, &[x.len()], &x),
            Column::Int(x) => Array::copied(DType::I64, &[x.len()], bytemuck::cast_slice(&x)),
            other => {
                let x = other.into_floats();
                Array::copied(DType::F64, &[x.len()], bytemuck::cast_slice(&x))
            }
        }
    }
}

/// Writes outputs of so many rows as the columns of a table.
///
/// # Errors
/// Of the file.
pub(crate) fn write(
    file: &mut impl Write,
    names: &[String],
    outputs: &[&Output],
    rows: usize,
) -> io::Result<()> {
    let mut writer = WriterBuilder::new().from_writer(BufWriter::new(file));
    let columns: Vec<_> = outputs.iter().map(|output| (output.dtype(), output.bytes())).collect();
    let mut lines = || {
        writer.write_record(names)?;
        (0..rows).try_for_each(|row| {
            writer.write_record(columns.iter().map(|(dtype, bytes)| {
                let size = dtype.size();
                field(*dtype, &bytes[row * size..][..size])
            }))
        })
    };
    lines().map_err(|error| match error.into_kind() {
        CsvErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    })?;
    writer.into_inner().map_err(|error| error.into_error())?.flush()
}

/// The length that all columns of a table have.
///
/// # Errors
/// What is no column, or not as long as the others.
pub(crate) fn rows(names: &[String], shapes: &[&[usize]]) -> std::result::Result<usize, String> {
    let length = |shape: &[usize]| match shape {
        [] => Some(1),
        [n] => Some(*n),
        _ => None,
    };
    let first = shapes.first().and_then(|shape| length(shape)).unwrap_or(0);
    for (name, shape) in names.iter().zip(shapes) {
        match length(shape) {
            Some(n) if n == first => {}
            Some(n) => {
                return Err(format!(
                    "the columns of a table are of one length: {} has {first} rows, {name} {n}",
                    names[0]
                ));
            }
            None => {
                return Err(format!("a table has columns, but {name} has {} axes", shape.len()));
            }
        }
    }
    Ok(first)
}

/// An element as it is read again: a float with a point or an exponent.
fn field(dtype: DType, bytes: &[u8]) -> String {
    let mut raw = [0; 8];
    raw[..bytes.len()].copy_from_slice(bytes);
    let bits = u64::from_le_bytes(raw);
    match dtype {
        DType::Bool => if bits != 0 { "True" } else { "False" }.to_string(),
        DType::I8 => (bits as i8).to_string(),
        DType::I16 => (bits as i16).to_string(),
        DType::I32 => (bits as i32).to_string(),
        DType::I64 => (bits as i64).to_string(),
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => bits.to_string(),
        DType::F32 if f32::from_bits(bits as u32).is_nan() => "nan".to_string(),
        DType::F64 if f64::from_bits(bits).is_nan() => "nan".to_string(),
        DType::F32 => format!("{:?}", f32::from_bits(bits as u32)),
        DType::F64 => format!("{:?}", f64::from_bits(bits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &[u8]) -> Result<Table> {
        Table::new(io::Cursor::new(text.to_vec()), "t".to_string())
    }

    fn read(text: &[u8]) -> std::result::Result<Vec<(String, Array)>, String> {
        table(text).and_then(Table::columns).map_err(|error| error.to_string())
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
        assert_eq!(names, ["n", "price", "up", "a \"b\""]);
        let dtypes: Vec<DType> = table.iter().map(|(_, array)| array.dtype()).collect();
        assert_eq!(dtypes, [DType::I64, DType::F64, DType::Bool, DType::F64]);
        assert_eq!(column::<i64>(&mut table, 0), [1, -2, 3]);
        let price = column::<f64>(&mut table, 1);
        assert!(price[0] == 1.5 && price[1].is_nan() && price[2] == 2.0);
        assert_eq!(column::<u8>(&mut table, 2), [1, 0, 1]);
        let last = column::<f64>(&mut table, 3);
        assert!(last[0].is_nan() && last[1..] == [1000.0, 4.0]);
        // Integers that turn out to be floats later, and one that is too large.
        let mut table = read(b"x,y,z\n1,9223372036854775808,\n2.5,1,\n").unwrap();
        assert_eq!(column::<f64>(&mut table, 0), [1.0, 2.5]);
        assert_eq!(column::<f64>(&mut table, 1), [9_223_372_036_854_775_808.0, 1.0]);
        assert!(column::<f64>(&mut table, 2).iter().all(|x| x.is_nan()));
        assert_eq!(read(b"a,b\n").unwrap()[1].1.shape(), [0]);
    }

    #[test]
    fn an_endless_line_does_not_take_all_memory() {
        for line in [&b"a"[..], b"a\n\"1"] {
            let input = io::Cursor::new(line).chain(io::repeat(b' '));
            let input = WhileMemory::new(input, || Some(MARGIN - 1), "t.csv");
            let error =
                Table::new(input, "t.csv".to_string()).and_then(Table::columns).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::OutOfMemory);
            let message = error.message();
            assert!(message.starts_with("no memory for more than the first 16.8 MB of t.csv"));
        }
        // Lines need little more than what is made of them, but for one within quotes.
        for (start, want) in [("", Some(3 * CHECKED)), ("\"", None)] {
            let text = start.to_string() + &"1,2\n".repeat(3 * CHECKED as usize / 4);
            let input = WhileMemory::new(io::Cursor::new(text), || Some(MARGIN + 64), "t.csv");
            assert_eq!(io::copy(&mut { input }, &mut io::sink()).ok(), want, "{start:?}");
        }
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        for (text, about) in [
            (&b""[..], "empty"),
            (b"1,2\n3,4\n", "line 1 holds numbers"),
            (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', }\n", "line 1 is no text"),
            (b"\xff\xfea\0,\0b\0\n\0", "line 1 is no text"),
            (b"a;b\n1;2,5\n", "line 1 has no commas"),
            (b"a\tb\n1\t2\n", "line 1 has no commas"),
            (b"a,b\n1,2\n3\n", "line 3 has 1 fields, the first line 2"),
            (b"a,b\n1,2\n\n3,4,5\n", "line 4 has 3 fields"),
            (b"a,b\r\n1,2\r\n\r\n3", "line 4 has 1 fields"),
            (b"a,b\n1,2\n3,four\n", "line 3, column \"b\": a number is expected, but \"four\""),
            (b"a\n1\n1_000\n", "line 3"),
            (b"a\nTrue\n1\n", "True or False is expected, but \"1\""),
            (b"a\n1\nTrue\n", "a number is expected, but \"True\""),
            (b"a,b\n,\nTrue,1\n", "line 3, column \"a\""),
            (b"a\n\xff\n", "line 2, column \"a\""),
            (b"a,b\n,x\ny,2\n", "line 3, column \"a\""),
            (b"a,b\r1,2\r3\r", "line 3 has 1 fields"),
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
        let mut price = [("price".to_string(), table(text).unwrap().column(2).unwrap())];
        assert_eq!(column::<f64>(&mut price, 0)[0], 1.5);
        let error = table(text).unwrap().column(1).err().unwrap();
        let about = "t: line 2, column \"date\": a number is expected, but \"2024-01-02\"";
        assert_eq!((error.kind(), error.message()), (ErrorKind::Format, about));
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
        let outputs = program.eval([("n", (&[1i64, 2, 1 << 60]).into())]).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let names: Vec<String> = (0..outputs.len()).map(|i| format!("c{i}")).collect();
        write(&mut file, &names, &outputs.iter().collect::<Vec<_>>(), 3).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().nth(1), Some("0.1,0.1,False,nan"));
        let mut again = read(text.as_bytes()).unwrap();
        let x = outputs[0].view::<f64>().unwrap();
        assert_eq!(column::<f64>(&mut again, 0), x.as_slice().unwrap());
        assert_eq!(again[2].1.dtype(), DType::Bool);
    }
}
