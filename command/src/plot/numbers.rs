//! The elements of an array as floats, in parts.

use std::borrow::Cow;
use std::ops::Range;

use hotloop::{DType, Output};

/// Elements in C order, as they are in memory.
pub(crate) struct Numbers<'a> {
    dtype: DType,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Numbers<'a> {
    /// The elements of an output.
    pub(crate) fn of(output: &'a Output) -> Numbers<'a> {
        Numbers { dtype: output.dtype(), bytes: output.bytes() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether all are integers.
    pub(crate) fn are_whole(&self) -> bool {
        !self.dtype.is_float()
    }

    /// A part as floats; other dtypes are converted into the buffer.
    pub(crate) fn part<'b>(&'b self, part: Range<usize>, buffer: &'b mut Vec<f64>) -> &'b [f64] {
        fn put<const N: usize>(
            buffer: &mut Vec<f64>,
            bytes: &[u8],
            number: impl Fn([u8; N]) -> f64,
        ) {
            buffer.clear();
            buffer.extend(bytes.as_chunks().0.iter().map(|x| number(*x)));
        }
        let size = self.dtype.size();
        let bytes = &self.bytes[part.start * size..part.end * size];
        match self.dtype {
            DType::F64 => match bytemuck::try_cast_slice(bytes) {
                Ok(numbers) => return numbers,
                Err(_) => put(buffer, bytes, f64::from_le_bytes),
            },
            DType::F32 => put(buffer, bytes, |x| f32::from_le_bytes(x).into()),
            DType::Bool => put(buffer, bytes, |[x]| if x != 0 { 1.0 } else { 0.0 }),
            DType::I8 => put(buffer, bytes, |x| i8::from_le_bytes(x).into()),
            DType::I16 => put(buffer, bytes, |x| i16::from_le_bytes(x).into()),
            DType::I32 => put(buffer, bytes, |x| i32::from_le_bytes(x).into()),
            DType::I64 => put(buffer, bytes, |x| i64::from_le_bytes(x) as f64),
            DType::U8 => put(buffer, bytes, |[x]| x.into()),
            DType::U16 => put(buffer, bytes, |x| u16::from_le_bytes(x).into()),
            DType::U32 => put(buffer, bytes, |x| u32::from_le_bytes(x).into()),
            DType::U64 => put(buffer, bytes, |x| u64::from_le_bytes(x) as f64),
            _ => {}
        }
        buffer
    }
}

#[cfg(test)]
impl<'a, T: hotloop::Element + bytemuck::Pod> From<&'a [T]> for Numbers<'a> {
    fn from(elements: &'a [T]) -> Numbers<'a> {
        Numbers { dtype: T::DTYPE, bytes: Cow::Borrowed(bytemuck::cast_slice(elements)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_floats() {
        let mut buffer = Vec::new();
        let numbers = Numbers::from(&[1.5, -2.0, f64::NEG_INFINITY][..]);
        assert_eq!(numbers.part(1..3, &mut buffer), [-2.0, f64::NEG_INFINITY]);
        assert!(!numbers.are_whole() && buffer.is_empty());
        let numbers = Numbers::from(&[u64::MAX, 1 << 53, 7][..]);
        assert_eq!(
            numbers.part(0..2, &mut buffer),
            [18_446_744_073_709_551_616.0, 9_007_199_254_740_992.0]
        );
        assert_eq!((numbers.len(), numbers.are_whole()), (3, true));
        let bytes = Numbers { dtype: DType::Bool, bytes: Cow::Borrowed(&[0, 1, 2]) };
        assert_eq!(bytes.part(0..3, &mut buffer), [0.0, 1.0, 1.0]);
        // A misaligned array.
        let odd: Vec<u8> = [&[0u8][..], &2.5f64.to_le_bytes()].concat();
        let numbers = Numbers { dtype: DType::F64, bytes: Cow::Borrowed(&odd[1..]) };
        assert_eq!(numbers.part(0..1, &mut buffer), [2.5]);
    }
}
