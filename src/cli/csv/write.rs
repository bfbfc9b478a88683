//! Writing tables.

use std::io::{self, BufWriter, Write};

use csv::{ErrorKind as CsvErrorKind, WriterBuilder};
use hotloop::{DType, Output};

/// Writes outputs of so many rows as the columns of a table, with a separator between them.
///
/// # Errors
/// Of the file.
pub(crate) fn write(
    file: &mut impl Write,
    names: &[String],
    outputs: &[&Output],
    rows: usize,
    separator: u8,
) -> io::Result<()> {
    let mut writer = WriterBuilder::new().delimiter(separator).from_writer(BufWriter::new(file));
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
pub(crate) fn rows(names: &[String], shapes: &[&[usize]]) -> Result<usize, String> {
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
