//! Batches of a stream: what its inputs look like, and single rows as batches of one.

use hotloop::{Arg, DType, Out};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use smallvec::SmallVec;

use crate::numpy::Array;
use crate::program::Program;
use crate::record::{Few, Number, Value};

/// An input of a stream.
pub struct Like {
    pub dtype: DType,
    /// The extents, 0 along the axis of rows; `None` of a Python number.
    pub shape: Option<Few<usize>>,
    /// The axis along which rows arrive; `None` of what is the same in each row.
    pub axis: Option<usize>,
}

/// The axis that an integer names, of an array of some rank.
fn axis_of(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

/// What arguments that are not read point to.
static ELEMENT: [u64; 1] = [0];

impl Like {
    /// The inputs of a stream whose first batch, or first row if no array has the axis, is this.
    pub fn of(
        py: Python<'_>,
        program: &Program,
        values: &[Value<'_>],
        axis: i64,
    ) -> PyResult<Vec<Like>> {
        let has_rows = |value: &Value<'_>| match value {
            Value::Array(array) => axis_of(axis, array.shape().len()).is_some(),
            Value::Number(..) => false,
        };
        let batch = values.iter().any(has_rows);
        let one = |(number, value): (usize, &Value<'_>)| {
            let (dtype, mut shape) = match value {
                Value::Array(array) => {
                    let name = || program.names[number].clone_ref(py).into_any();
                    (program.dtype(py, array, name)?.0, Few::from(array.extents()))
                }
                Value::Number(kind, _) => (kind.dtype(), Few::new()),
            };
            let rank = shape.len() + usize::from(!batch);
            let at = axis_of(axis, rank);
            match (value, at) {
                (Value::Number(..), _) if batch => {
                    return Ok(Like { dtype, shape: None, axis: None });
                }
                (Value::Number(..), None) => return Ok(Like { dtype, shape: None, axis: None }),
                (_, Some(at)) if batch => shape[at] = 0,
                (_, Some(at)) => shape.insert(at, 0),
                (_, None) => {}
            }
            Ok(Like { dtype, shape: Some(shape), axis: at })
        };
        values.iter().enumerate().map(one).collect()
    }

    /// An argument like those of batches, without rows.
    pub fn arg(&self) -> Arg<'static> {
        match &self.shape {
            Some(shape) => {
                let strides: Few<isize> = shape.iter().map(|_| 0).collect();
                // SAFETY: all elements are one, which is never freed.
                unsafe { Arg::raw(ELEMENT.as_ptr().cast(), shape, &strides, self.dtype) }
            }
            None => match self.dtype {
                DType::Bool => false.into(),
                DType::F64 => 0.0.into(),
                _ => 0i64.into(),
            },
        }
    }

    /// Whether a value has the axes of one row.
    fn is_row(&self, value: &Value<'_>) -> bool {
        let rank = match value {
            Value::Array(array) => array.shape().len(),
            Value::Number(..) => 0,
        };
        self.shape.as_ref().is_some_and(|shape| rank + 1 == shape.len())
    }
}

impl Number {
    /// The dtype of an array of such numbers.
    fn dtype(self) -> DType {
        match self {
            Number::Bool => DType::Bool,
            Number::Int => DType::I64,
            Number::Float => DType::F64,
        }
    }
}

/// Rows of a batch.
#[derive(Clone, Copy)]
pub struct Part {
    pub from: usize,
    pub count: usize,
}

/// A batch that is given to a stream.
pub struct Batch<'b> {
    pub likes: &'b [Like],
    pub values: &'b [Value<'b>],
    /// Whether it is a row without the axis of rows.
    pub single: bool,
    pub rows: usize,
    /// The most elements of an input, and of a row.
    pub elements: usize,
    /// Whether all inputs have as many rows.
    pub even: bool,
}

impl<'b> Batch<'b> {
    #[inline]
    pub fn new(likes: &'b [Like], values: &'b [Value<'b>]) -> Batch<'b> {
        let inputs = || likes.iter().zip(values).filter(|(like, _)| like.axis.is_some());
        let single = inputs().all(|(like, value)| like.is_row(value));
        let (mut rows, mut elements, mut even) = (None, 1, true);
        for (like, value) in inputs() {
            let (Value::Array(array), Some(axis)) = (value, like.axis) else { continue };
            elements = elements.max(array.extents().iter().product());
            let own = if single { 1 } else { array.extents().get(axis).copied().unwrap_or(0) };
            even &= rows.is_none_or(|rows| rows == own);
            rows = rows.or(Some(own));
        }
        Batch { likes, values, single, rows: rows.unwrap_or(1), elements, even }
    }

    /// Replaces `args` by the arguments of some rows. Numbers are put into `cells`, one for each input.
    #[inline]
    pub fn args(
        &self,
        py: Python<'_>,
        program: &Program,
        part: Option<Part>,
        cells: &mut [u64],
        args: &mut Vec<Arg<'static>>,
    ) -> PyResult<()> {
        args.clear();
        for (number, ((like, value), cell)) in
            self.likes.iter().zip(self.values).zip(cells).enumerate()
        {
            args.push(match (value, like.axis) {
                (Value::Array(array), axis) => {
                    let name = || program.names[number].clone_ref(py).into_any();
                    let (dtype, swapped) = program.dtype(py, array, name)?;
                    let axis = axis.filter(|axis| self.single || *axis < array.shape().len());
                    let place = Place::of(array, axis, self.single, part);
                    // SAFETY: the array is held by the caller of the push.
                    let arg = unsafe {
                        Arg::raw(place.data.cast_const(), &place.shape, &place.strides, dtype)
                    };
                    if swapped { arg.byte_swapped() } else { arg }
                }
                (Value::Number(kind, bits), Some(_)) if self.single => {
                    *cell = kind.bits_in(*bits, like.dtype).ok_or_else(|| {
                        let name = program.names[number].bind(py);
                        refused(*kind, *bits, &name.to_string(), like.dtype)
                    })?;
                    // SAFETY: the cell outlives the push.
                    unsafe { Arg::raw(std::ptr::from_ref(cell).cast(), &[1], &[0], like.dtype) }
                }
                (Value::Number(..), Some(_)) => {
                    let name = program.names[number].bind(py);
                    let message =
                        format!("{name} is one number, and not all arguments are one row");
                    return Err(PyValueError::new_err(message));
                }
                // As in the first push.
                (Value::Number(Number::Int, bits), None) if like.dtype == DType::F64 => {
                    (*bits as i64 as f64).into()
                }
                (Value::Number(Number::Bool, bits), _) => (*bits != 0).into(),
                (Value::Number(Number::Int, bits), _) => (*bits as i64).into(),
                (Value::Number(Number::Float, bits), _) => f64::from_bits(*bits).into(),
            });
        }
        Ok(())
    }
}

/// The address, extents and strides of some rows of an array.
struct Place {
    data: *mut u8,
    shape: SmallVec<[usize; 4]>,
    strides: SmallVec<[isize; 4]>,
}

impl Place {
    #[inline]
    fn of(array: &Array, axis: Option<usize>, single: bool, part: Option<Part>) -> Place {
        let mut place = Place {
            data: array.data,
            shape: array.extents().into(),
            strides: array.strides().into(),
        };
        match (axis, part) {
            (Some(axis), _) if single && axis <= place.shape.len() => {
                place.shape.insert(axis, 1);
                place.strides.insert(axis, 0);
            }
            (Some(axis), Some(part)) if axis < place.shape.len() => {
                let offset = place.strides[axis].wrapping_mul(part.from as isize);
                place.data = place.data.wrapping_offset(offset);
                place.shape[axis] = part.count;
            }
            _ => {}
        }
        place
    }
}

/// Where an output goes.
#[derive(Clone, Copy)]
pub struct Target<'t> {
    /// An array; `None` for the cell of a single number.
    pub array: Option<&'t Array>,
    /// The first element.
    pub data: *mut u8,
    pub dtype: DType,
    pub swapped: bool,
}

impl Target<'_> {
    /// Some rows of the output, which arrive along an axis.
    #[inline]
    pub fn out(&self, axis: usize, single: bool, part: Option<Part>) -> Out<'static> {
        let Some(array) = self.array else {
            // SAFETY: the cell outlives the push.
            return unsafe { Out::raw(self.data, &[1], &[0], self.dtype) };
        };
        let place = Place::of(array, Some(axis), single, part);
        // SAFETY: the array is held during the push.
        let out = unsafe { Out::raw(place.data, &place.shape, &place.strides, self.dtype) };
        if self.swapped { out.byte_swapped() } else { out }
    }
}

impl Number {
    /// The bits of a weak number as an element of a dtype; `None` if it is none of such a dtype.
    fn bits_in(self, bits: u64, dtype: DType) -> Option<u64> {
        let integer = match self {
            Number::Float => None,
            Number::Bool | Number::Int => Some(bits as i64),
        };
        let narrow = |range: std::ops::RangeInclusive<i64>| integer.filter(|n| range.contains(n));
        Some(match (dtype, self) {
            (DType::F64, Number::Float) => bits,
            (DType::F32, Number::Float) => u64::from((f64::from_bits(bits) as f32).to_bits()),
            (DType::F64, _) => (integer? as f64).to_bits(),
            (DType::F32, _) => u64::from((integer? as f32).to_bits()),
            (DType::Bool, Number::Bool) => bits,
            (DType::Bool, _) => return None,
            (DType::I8, _) => narrow(-0x80..=0x7f)? as u64,
            (DType::I16, _) => narrow(-0x8000..=0x7fff)? as u64,
            (DType::I32, _) => narrow(-0x8000_0000..=0x7fff_ffff)? as u64,
            (DType::I64, _) => integer? as u64,
            (DType::U8, _) => narrow(0..=0xff)? as u64,
            (DType::U16, _) => narrow(0..=0xffff)? as u64,
            (DType::U32, _) => narrow(0..=0xffff_ffff)? as u64,
            (DType::U64, _) => narrow(0..=i64::MAX)? as u64,
            _ => return None,
        })
    }
}

/// The error for a number that is no element of a dtype.
#[cold]
fn refused(kind: Number, bits: u64, name: &str, dtype: DType) -> PyErr {
    match (kind, dtype) {
        (Number::Int, DType::Bool) | (Number::Float, _) => {
            let kind = if kind == Number::Int { "an int" } else { "a float" };
            PyTypeError::new_err(format!("{name} is {kind}, but the stream takes {dtype}"))
        }
        _ => {
            let message = format!("{name} is {}, which {dtype} does not have", bits as i64);
            PyOverflowError::new_err(message)
        }
    }
}
