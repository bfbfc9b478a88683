//! Records of calls: kernels bound to arrays, by the dtypes, shapes and strides of these. A call of
//! the same kind replaces addresses only.

use hotloop::{DType, Order};
use pyo3::ffi;
use pyo3::prelude::*;
use smallvec::SmallVec;

use crate::numpy::Array;
use crate::watch::Manner;

/// A list of a call's arguments; few have more.
pub type Few<T> = SmallVec<[T; 8]>;

/// The value of an input in a call.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// An array.
    Array(&'a Array),
    /// A Python number, which is weak: its kind, and the bits of the value.
    Number(Number, u64),
}

/// The kind of a Python number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// A `bool`.
    Bool,
    /// An `int`.
    Int,
    /// A `float`.
    Float,
}

/// The dtype, shape and strides of an array.
pub struct Layout {
    /// The dtype object, which is compared by identity.
    descr: Py<PyAny>,
    /// The extents, then the strides in bytes.
    axes: SmallVec<[isize; 4]>,
}

impl Layout {
    /// The layout of an array.
    pub fn of(py: Python<'_>, array: &Array) -> Layout {
        // SAFETY: an array has a dtype.
        let descr = unsafe { Bound::from_borrowed_ptr(py, array.descr.cast()) }.unbind();
        let axes = array.shape().iter().chain(array.strides()).copied().collect();
        Layout { descr, axes }
    }

    /// Whether it is the array's.
    #[inline]
    pub fn is_of(&self, array: &Array) -> bool {
        let (shape, strides) = self.axes.split_at(self.axes.len() / 2);
        self.descr.as_ptr() == array.descr.cast()
            && same(shape, array.shape())
            && same(strides, array.strides())
    }

    /// The extents and the strides.
    pub fn axes(&self) -> (&[isize], &[isize]) {
        self.axes.split_at(self.axes.len() / 2)
    }
}

/// Compares a few numbers without a call.
#[inline]
fn same(a: &[isize], b: &[isize]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b)
}

/// The kind of an input in a record.
pub enum Slot {
    /// An array of this layout.
    Array(Layout),
    /// A Python number.
    Number(Number),
}

/// An output in a record.
pub struct Target {
    /// Its layout.
    pub layout: Layout,
    /// The dtype of a fresh array; `None` if the caller gave one.
    pub fresh: Option<DType>,
}

/// A kernel bound to arrays of one kind.
pub struct Record {
    /// The kernel, released from its arrays.
    pub bound: hotloop::Bound<'static>,
    /// How it runs.
    pub manner: Manner,
    /// The inputs.
    pub inputs: Vec<Slot>,
    /// The outputs.
    pub targets: Vec<Target>,
    /// The order of fresh outputs, if the call gave one.
    pub order: Option<Order>,
}

impl Record {
    /// Whether a call is of the record's kind; outputs that the call does not give are null.
    #[inline]
    pub fn fits(
        &self,
        values: &[Value<'_>],
        outs: &[Option<&Array>],
        order: Option<Order>,
    ) -> bool {
        let input = |(slot, value): (&Slot, &Value<'_>)| match (slot, value) {
            (Slot::Array(layout), Value::Array(array)) => layout.is_of(array),
            (Slot::Number(kind), Value::Number(number, _)) => kind == number,
            _ => false,
        };
        let output = |(target, out): (&Target, &Option<&Array>)| match out {
            Some(array) => target.fresh.is_none() && target.layout.is_of(array),
            None => target.fresh.is_some(),
        };
        self.order == order
            && self.inputs.iter().zip(values).all(input)
            && self.targets.iter().zip(outs).all(output)
    }
}

/// The records of a program that no call uses now, the last used one at the end.
#[derive(Default)]
pub struct Records(Vec<Record>);

impl Records {
    /// The most records that are kept.
    const MOST: usize = 16;

    /// Takes the record of a call's kind.
    #[inline]
    pub fn take(
        &mut self,
        values: &[Value<'_>],
        outs: &[Option<&Array>],
        order: Option<Order>,
    ) -> Option<Record> {
        let at = self.0.iter().rposition(|record| record.fits(values, outs, order))?;
        Some(self.0.remove(at))
    }

    /// Keeps a record.
    pub fn keep(&mut self, record: Record) -> Option<Record> {
        let oldest = (self.0.len() >= Records::MOST).then(|| self.0.remove(0));
        self.0.push(record);
        oldest
    }
}

/// The number that an object is, if its type is exactly Python's.
///
/// # Safety
/// The object is valid.
#[inline]
pub unsafe fn exact_number(object: *mut ffi::PyObject) -> Option<(Number, u64)> {
    // SAFETY: the caller's promise, and each type is checked.
    unsafe {
        if ffi::PyFloat_CheckExact(object) != 0 {
            return Some((Number::Float, ffi::PyFloat_AsDouble(object).to_bits()));
        }
        if ffi::PyBool_Check(object) != 0 {
            return Some((Number::Bool, u64::from(object == ffi::Py_True())));
        }
        if ffi::PyLong_CheckExact(object) != 0 {
            let mut overflow = 0;
            let value = ffi::PyLong_AsLongLongAndOverflow(object, &mut overflow);
            return (overflow == 0).then_some((Number::Int, value as u64));
        }
    }
    None
}
