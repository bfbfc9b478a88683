//! The values of a column, of the narrowest dtype that holds them.

use bytemuck::allocation::cast_vec;
use hotloop::{DType, Result};

use crate::array::Array;

/// The words for a missing value, of pandas, R, SQL and spreadsheets.
const MISSING: [&[u8]; 12] = [
    b"", b"NA", b"N/A", b"n/a", b"#N/A", b"#NA", b"<NA>", b"None", b"null", b"NULL", b"Null", b"-",
];

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Field {
    /// A missing value.
    Missing,
    Bool(bool),
    Int(i64),
    /// From 2^63 on.
    Unsigned(u64),
    Float(f64),
}

impl Field {
    /// Parses a field; `None` if it is not a value.
    #[inline]
    pub(crate) fn read(field: &[u8], decimal_comma: bool) -> Option<Field> {
        // Most fields are short integers.
        let (negative, digits) = match field {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            digits => (false, digits),
        };
        if (1..19).contains(&digits.len()) {
            let value = digits.iter().try_fold(0i64, |value, byte| {
                byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
            });
            if let Some(value) = value {
                return Some(Field::Int(if negative { -value } else { value }));
            }
        }
        if digits.first().is_none_or(|byte| !byte.is_ascii_digit() && !b".,".contains(byte)) {
            return Field::word(field);
        }
        let mut point = [0; 64];
        let field = match decimal_comma {
            false => field,
            // No separators of thousands.
            true if field.contains(&b'.') || field.len() > point.len() => return None,
            true => {
                let point = &mut point[..field.len()];
                point.copy_from_slice(field);
                point.iter_mut().filter(|byte| **byte == b',').for_each(|byte| *byte = b'.');
                point
            }
        };
        let text = str::from_utf8(field).ok()?;
        if digits.iter().all(u8::is_ascii_digit) {
            if let Ok(value) = text.parse() {
                return Some(Field::Int(value));
            }
            if let Ok(value) = text.parse() {
                return Some(Field::Unsigned(value));
            }
        }
        text.parse().ok().map(Field::Float)
    }

    /// The value as a float: a missing one is NaN, and true is 1.
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Field::Missing => f64::NAN,
            Field::Bool(truth) => f64::from(truth),
            Field::Int(value) => value as f64,
            Field::Unsigned(value) => value as f64,
            Field::Float(value) => value,
        }
    }

    /// Parses a field that does not start with a digit.
    fn word(field: &[u8]) -> Option<Field> {
        if MISSING.contains(&field) {
            return Some(Field::Missing);
        }
        Some(match field {
            b"True" | b"true" | b"TRUE" => Field::Bool(true),
            b"False" | b"false" | b"FALSE" => Field::Bool(false),
            // Infinities and NaN, in all their forms.
            _ => Field::Float(str::from_utf8(field).ok()?.parse().ok()?),
        })
    }
}

/// The values so far.
#[derive(Clone)]
pub(super) enum Column {
    /// Only missing values, this many.
    Missing(usize),
    Bool(Vec<u8>),
    Int(Vec<i64>),
    /// No negative value, and at least one of 2^63 or more.
    Unsigned(Vec<u64>),
    Float(Vec<f64>),
}

/// Why a value cannot be added.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// The field is invalid: the message.
    Value(&'static str),
    /// Out of memory.
    Memory,
}

impl Column {
    /// The size of the values in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Column::Missing(_) => 0,
            Column::Bool(values) => values.len(),
            Column::Int(values) => 8 * values.len(),
            Column::Unsigned(values) => 8 * values.len(),
            Column::Float(values) => 8 * values.len(),
        }
    }

    /// Adds a field.
    #[inline]
    pub(super) fn push(
        &mut self,
        field: &[u8],
        decimal_comma: bool,
    ) -> std::result::Result<(), Refusal> {
        let field = Field::read(field, decimal_comma);
        let field = field.ok_or(Refusal::Value("a number is expected"))?;
        match (&mut *self, field) {
            (Column::Float(values), Field::Float(value)) => put(values, value),
            (Column::Int(values), Field::Int(value)) => put(values, value),
            _ => self.push_other(field),
        }
    }

    /// The uncommon cases.
    fn push_other(&mut self, field: Field) -> std::result::Result<(), Refusal> {
        if let Column::Missing(0) = self {
            match field {
                Field::Bool(_) => *self = Column::Bool(Vec::new()),
                Field::Int(_) => *self = Column::Int(Vec::new()),
                Field::Unsigned(_) => *self = Column::Unsigned(Vec::new()),
                Field::Missing | Field::Float(_) => {}
            }
        }
        if let (Column::Int(values), Field::Unsigned(_)) = (&mut *self, field)
            && values.iter().all(|value| *value >= 0)
        {
            *self = Column::Unsigned(cast_vec(std::mem::take(values)));
        }
        match (&mut *self, field) {
            (Column::Missing(count), Field::Missing) => {
                *count += 1;
                Ok(())
            }
            (Column::Bool(values), Field::Bool(value)) => put(values, u8::from(value)),
            (Column::Bool(_), _) => Err(Refusal::Value("True or False is expected")),
            (_, Field::Bool(_)) => Err(Refusal::Value("a number is expected")),
            (Column::Int(values), Field::Int(value)) => put(values, value),
            (Column::Unsigned(values), Field::Unsigned(value)) => put(values, value),
            (Column::Unsigned(values), Field::Int(value)) if value >= 0 => {
                put(values, value.cast_unsigned())
            }
            (_, Field::Missing) => self.push_float(f64::NAN),
            (_, Field::Int(value)) => self.push_float(value as f64),
            (_, Field::Unsigned(value)) => self.push_float(value as f64),
            (_, Field::Float(value)) => self.push_float(value),
        }
    }

    fn push_float(&mut self, value: f64) -> std::result::Result<(), Refusal> {
        if !matches!(self, Column::Float(_)) {
            let old = std::mem::replace(self, Column::Missing(0));
            *self = Column::Float(old.into_floats()?);
        }
        match self {
            Column::Float(values) => put(values, value),
            _ => Ok(()),
        }
    }

    /// Converts the values to floats, in place.
    fn into_floats(self) -> std::result::Result<Vec<f64>, Refusal> {
        Ok(match self {
            Column::Float(values) => values,
            Column::Int(values) => values.into_iter().map(|value| value as f64).collect(),
            Column::Unsigned(values) => values.into_iter().map(|value| value as f64).collect(),
            Column::Missing(count) => {
                let mut values = Vec::new();
                values.try_reserve_exact(count).map_err(|_| Refusal::Memory)?;
                values.resize(count, f64::NAN);
                values
            }
            Column::Bool(values) => values.into_iter().map(f64::from).collect(),
        })
    }

    /// Converts the values to an array, without a copy.
    pub(super) fn array(self) -> Result<Array> {
        match self {
            Column::Bool(values) => Array::copied(DType::Bool, &[values.len()], &values),
            Column::Int(values) => Ok(Array::list(DType::I64, cast_vec(values))),
            Column::Unsigned(values) => Ok(Array::list(DType::U64, values)),
            Column::Missing(count) => {
                let mut array = Array::zeroed(DType::F64, &[count], crate::array::Order::C)?;
                let values: &mut [f64] = bytemuck::cast_slice_mut(array.bytes_mut());
                values.fill(f64::NAN);
                Ok(array)
            }
            Column::Float(values) => Ok(Array::list(DType::F64, cast_vec(values))),
        }
    }
}

/// Adds a value, if there is memory for it.
#[inline]
fn put<T>(values: &mut Vec<T>, value: T) -> std::result::Result<(), Refusal> {
    if values.len() == values.capacity() {
        values.try_reserve(1).map_err(|_| Refusal::Memory)?;
    }
    values.push(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_field_says() {
        for (text, field) in [
            ("0", Field::Int(0)),
            ("-12", Field::Int(-12)),
            ("+7", Field::Int(7)),
            ("007", Field::Int(7)),
            ("999999999999999999", Field::Int(999_999_999_999_999_999)),
            ("9223372036854775807", Field::Int(i64::MAX)),
            ("-9223372036854775808", Field::Int(i64::MIN)),
            ("9223372036854775808", Field::Unsigned(1 << 63)),
            ("18446744073709551615", Field::Unsigned(u64::MAX)),
            ("18446744073709551616", Field::Float(18446744073709551616.0)),
            ("-9223372036854775809", Field::Float(-9223372036854775808.0)),
            ("1.5", Field::Float(1.5)),
            (".5", Field::Float(0.5)),
            ("5.", Field::Float(5.0)),
            ("-1e-3", Field::Float(-1e-3)),
            ("1E400", Field::Float(f64::INFINITY)),
            ("0.1", Field::Float(0.1)),
            ("-0.0", Field::Float(-0.0)),
            ("inf", Field::Float(f64::INFINITY)),
            ("-Infinity", Field::Float(f64::NEG_INFINITY)),
            ("True", Field::Bool(true)),
            ("FALSE", Field::Bool(false)),
        ] {
            assert_eq!(Field::read(text.as_bytes(), false), Some(field), "{text}");
        }
        for text in ["nan", "-nan", "NaN", "NAN"] {
            let field = Field::read(text.as_bytes(), false);
            assert!(matches!(field, Some(Field::Float(x)) if x.is_nan()), "{text}");
        }
        for text in
            ["", "#N/A", "#NA", "N/A", "n/a", "NA", "None", "-", "<NA>", "null", "NULL", "Null"]
        {
            assert_eq!(Field::read(text.as_bytes(), false), Some(Field::Missing), "{text}");
        }
        for text in ["1_000", "1,000", "1,5", "0x10", "1d5", "--1", "+", "1 2", "t", "\u{663}"] {
            assert_eq!(Field::read(text.as_bytes(), false), None, "{text}");
        }
        assert_eq!(Field::read(b"\xff", false), None);
    }

    #[test]
    fn decimal_commas() {
        for (text, field) in [
            ("2,5", Some(Field::Float(2.5))),
            ("-,5e3", Some(Field::Float(-500.0))),
            ("7", Some(Field::Int(7))),
            ("1.000", None),
            ("1.000,5", None),
            ("1,000,000", None),
            ("NA", Some(Field::Missing)),
        ] {
            assert_eq!(Field::read(text.as_bytes(), true), field, "{text}");
        }
    }
}
