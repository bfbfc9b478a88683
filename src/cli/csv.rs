//! Tables as text: columns of numbers under their names, with commas between them.
//!
//! A column of integers is `i64`, one of other numbers `f64`, one of `True` and `False` `bool`. An
//! empty field is NaN and makes its column `f64`; so does an integer of more than 64 bits.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use csv::{ByteRecord, ErrorKind as CsvErrorKind, ReaderBuilder, Trim, WriterBuilder};
use hotloop::{DType, Error, ErrorKind, Output, Result};

use super::array::Array;
use super::{interrupt, memory};

/// Rows between two looks at Ctrl-C and at the memory that is left.
const CHECKED_ROWS: u64 = 1 << 14;
/// Memory that is left to others.
const MARGIN: u64 = 64 << 20;

/// Reads the columns of a file, with the names in its first line.
///
/// # Errors
/// `Io`; `Format` with the line, for one with more or fewer fields than the first and for a field
/// that is no number; `OutOfMemory`, `Cancelled`.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, Array)>> {
    let name = format!("{path:?}");
    let cannot =
        |error: io::Error| Error::new(ErrorKind::Io, format!("cannot read {name}: {error}"));
    let file = File::open(path).map_err(cannot)?;
    table(BufReader::new(file)).map_err(|fault| match fault {
        Fault::Io(error) => cannot(error),
        Fault::Text(what) => Error::new(ErrorKind::Format, format!("{name}: {what}")),
        Fault::Error(error) => error,
    })
}

/// Why a table cannot be read.
enum Fault {
    Io(io::Error),
    Text(String),
    Error(Error),
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

/// A reader without carriage returns.
struct WithoutReturns<R>(R);

impl<R: Read> Read for WithoutReturns<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.0.read(buffer)?;
            let mut kept = 0;
            for i in 0..count {
                buffer[kept] = buffer[i];
                kept += usize::from(buffer[i] != b'\r');
            }
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}

fn table(mut input: impl Read) -> std::result::Result<Vec<(String, Array)>, Fault> {
    const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
    let mut start = Vec::new();
    input.by_ref().take(3).read_to_end(&mut start).map_err(Fault::Io)?;
    if start == MARK {
        start.clear();
    }
    // Every line ends with a line feed and nothing else, so that lines can be counted.
    let input = WithoutReturns(start.chain(input).chain(&b"\n"[..]));
    let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(input);
    let names = names(reader.byte_headers()?)?;
    let mut columns = vec![Column::Empty(0); names.len()];
    let mut record = ByteRecord::new();
    let mut rows = 0u64;
    while reader.read_byte_record(&mut record)? {
        let line = reader.position().line() - 1;
        if record.len() != names.len() {
            let (fields, named) = (record.len(), names.len());
            let what = format!("line {line} has {fields} fields, the first line {named}");
            return Err(Fault::Text(what));
        }
        for ((column, field), name) in columns.iter_mut().zip(&record).zip(&names) {
            column.push(field).map_err(|what| {
                let text = String::from_utf8_lossy(field);
                let short: String = text.chars().take(40).collect();
                Fault::Text(format!("line {line}, column {name:?}: {what}, but {short:?}"))
            })?;
        }
        rows += 1;
        if rows.is_multiple_of(CHECKED_ROWS) {
            interrupt::check()?;
            if memory::available().is_some_and(|free| free < MARGIN) {
                let message = format!("no memory for more than the first {rows} rows");
                return Err(Error::new(ErrorKind::OutOfMemory, message).into());
            }
        }
    }
    let arrays = columns.into_iter().map(Column::array).collect::<Result<Vec<_>>>()?;
    Ok(names.into_iter().zip(arrays).collect())
}

/// The names in the first line.
fn names(record: &ByteRecord) -> std::result::Result<Vec<String>, Fault> {
    if record.is_empty() {
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
    Ok(record.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect())
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
            "" => Field::Empty,
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

/// Writes outputs as the columns of a table.
///
/// # Errors
/// Of the system; `InvalidInput` for what is no column, or not as long as the others.
pub(crate) fn write<'a>(
    file: &mut File,
    outputs: impl Iterator<Item = (String, &'a Output)>,
) -> io::Result<()> {
    let (names, outputs): (Vec<String>, Vec<&Output>) = outputs.unzip();
    let rows =
        rows(&names, &outputs).map_err(|what| io::Error::new(io::ErrorKind::InvalidInput, what))?;
    let mut writer = WriterBuilder::new().from_writer(BufWriter::new(file));
    writer.write_record(&names)?;
    let columns: Vec<_> = outputs.iter().map(|output| (output.dtype(), output.bytes())).collect();
    for row in 0..rows {
        writer.write_record(columns.iter().map(|(dtype, bytes)| {
            let size = dtype.size();
            field(*dtype, &bytes[row * size..][..size])
        }))?;
    }
    writer.into_inner().map_err(|error| error.into_error())?.flush()
}

/// The length that all outputs have.
fn rows(names: &[String], outputs: &[&Output]) -> std::result::Result<usize, String> {
    let length = |output: &Output| match output.shape() {
        [] => Some(1),
        [n] => Some(*n),
        _ => None,
    };
    let first = outputs.first().and_then(|output| length(output)).unwrap_or(0);
    for (name, output) in names.iter().zip(outputs) {
        match length(output) {
            Some(n) if n == first => {}
            Some(n) => {
                return Err(format!(
                    "the columns of a table are of one length: {} has {first} rows, {name} {n}",
                    names[0]
                ));
            }
            None => {
                return Err(format!(
                    "a table has columns, but {name} has {} axes",
                    output.shape().len()
                ));
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

    fn read(text: &[u8]) -> std::result::Result<Vec<(String, Array)>, String> {
        table(text).map_err(|fault| match fault {
            Fault::Text(what) => what,
            Fault::Io(error) => error.to_string(),
            Fault::Error(error) => error.to_string(),
        })
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
    fn what_is_wrong_has_its_line() {
        for (text, about) in [
            (&b""[..], "empty"),
            (b"1,2\n3,4\n", "line 1 holds numbers"),
            (b"a,b\n1,2\n3\n", "line 3 has 1 fields, the first line 2"),
            (b"a,b\n1,2\n\n3,4,5\n", "line 4 has 3 fields"),
            (b"a,b\r\n1,2\r\n\r\n3", "line 4 has 1 fields"),
            (b"a,b\n1,2\n3,four\n", "line 3, column \"b\": a number is expected, but \"four\""),
            (b"a\n1\n1_000\n", "line 3"),
            (b"a\nTrue\n1\n", "True or False is expected, but \"1\""),
            (b"a\n1\nTrue\n", "a number is expected, but \"True\""),
            (b"a,b\n,\nTrue,1\n", "line 3, column \"a\""),
            (b"a\n\xff\n", "line 2, column \"a\""),
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text:?} is a table"));
            assert!(error.contains(about), "{text:?}: {error}");
        }
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
        let named = outputs.iter().enumerate().map(|(i, output)| (format!("c{i}"), output));
        write(&mut file, named).unwrap();
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
