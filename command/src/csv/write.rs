//! Writing tables.

use std::io::{self, Write};

use hotloop::{DType, Output};

/// Bytes that are written at once.
const PART: usize = 1 << 16;

/// Writes outputs of `rows` rows as the columns of a table with this separator.
///
/// # Errors
/// Those of the file.
pub(crate) fn write(
    file: &mut impl Write,
    names: &[String],
    outputs: &[&Output],
    rows: usize,
    separator: u8,
) -> io::Result<()> {
    let columns: Vec<_> = outputs.iter().map(|output| (output.dtype(), output.bytes())).collect();
    // Names are identifiers and numbers contain no separators, so nothing is quoted.
    let mut text = Vec::with_capacity(2 * PART);
    text.extend_from_slice(names.join(&*char::from(separator).to_string()).as_bytes());
    text.push(b'\n');
    for row in 0..rows {
        for (number, (dtype, bytes)) in columns.iter().enumerate() {
            if number > 0 {
                text.push(separator);
            }
            let size = dtype.size();
            field(&mut text, *dtype, &bytes[row * size..][..size])?;
        }
        text.push(b'\n');
        if text.len() >= PART {
            file.write_all(&text)?;
            text.clear();
        }
    }
    file.write_all(&text)?;
    file.flush()
}

/// The length that all columns of a table have.
///
/// # Errors
/// `Shape` for an output that is not a column, or has another length.
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

/// Appends an element so that it is read back with its type: a float has a point or an exponent.
pub(crate) fn field(text: &mut Vec<u8>, dtype: DType, bytes: &[u8]) -> io::Result<()> {
    let mut raw = [0; 8];
    raw[..bytes.len()].copy_from_slice(bytes);
    let bits = u64::from_le_bytes(raw);
    match dtype {
        DType::Bool => text.write_all(if bits != 0 { b"True" } else { b"False" }),
        DType::I8 => write!(text, "{}", bits as i8),
        DType::I16 => write!(text, "{}", bits as i16),
        DType::I32 => write!(text, "{}", bits as i32),
        DType::I64 => write!(text, "{}", bits as i64),
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => write!(text, "{bits}"),
        DType::F32 if f32::from_bits(bits as u32).is_nan() => text.write_all(b"nan"),
        DType::F64 if f64::from_bits(bits).is_nan() => text.write_all(b"nan"),
        DType::F32 => write!(text, "{:?}", f32::from_bits(bits as u32)),
        _ => write!(text, "{:?}", f64::from_bits(bits)),
    }
}
