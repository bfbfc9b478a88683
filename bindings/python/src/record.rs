//! Records of calls: kernels bound to arrays, by the dtypes, shapes and strides of these. A call of
//! the same kind replaces addresses only.

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// The kernel, whose arrays may be gone; `None` during a call.
    pub bound: Option<hotloop::Bound<'static>>,
    /// The addresses of the inputs and then the outputs that it is bound to. There are none if an
    /// input is a number, whose value may be another.
    pub addresses: Few<*const u8>,
    /// Whether it is bound to them.
    pub bound_there: bool,
    /// How it runs.
    pub manner: Manner,
    /// The inputs.
    pub inputs: Vec<Slot>,
    /// The outputs.
    pub targets: Vec<Target>,
    /// The order of fresh outputs, if the call gave one.
    pub order: Option<Order>,
}

// SAFETY: addresses are only compared.
unsafe impl Send for Record {}

impl Record {
    /// Whether the kernel is bound to these addresses.
    #[inline]
    pub fn is_at(&self, inputs: &[*const u8], targets: &[*mut u8]) -> bool {
        if !self.bound_there {
            return false;
        }
        let (own, others) = self.addresses.split_at(inputs.len());
        own.iter().zip(inputs).all(|(own, input)| own == input)
            && others.iter().zip(targets).all(|(own, target)| *own == target.cast_const())
    }

    /// Notes the addresses that the kernel was bound to.
    #[inline]
    pub fn note(&mut self, inputs: &[*const u8], targets: &[*mut u8]) {
        if self.addresses.is_empty() {
            return;
        }
        let (own, others) = self.addresses.split_at_mut(inputs.len());
        own.copy_from_slice(inputs);
        for (own, target) in others.iter_mut().zip(targets) {
            *own = target.cast_const();
        }
        self.bound_there = true;
    }

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

/// The records of a program that no call uses now.
#[expect(clippy::vec_box, reason = "they go to and fro between the two without being moved")]
#[derive(Default)]
pub struct Records {
    /// The last used one: to exchange it is less than to lock the others.
    last: AtomicPtr<Record>,
    /// The others, the last used one at the end.
    others: Mutex<Vec<Box<Record>>>,
}

impl Records {
    /// The most records that are kept besides the last.
    const MOST: usize = 16;

    /// Takes the record of a call's kind.
    #[inline]
    pub fn take(
        &self,
        values: &[Value<'_>],
        outs: &[Option<&Array>],
        order: Option<Order>,
    ) -> Option<Box<Record>> {
        let last = self.swap(None);
        match last {
            Some(record) if record.fits(values, outs, order) => return Some(record),
            Some(record) => self.put_aside(record),
            None => {}
        }
        let mut others = self.others();
        let at = others.iter().rposition(|record| record.fits(values, outs, order))?;
        Some(others.remove(at))
    }

    /// Keeps a record.
    #[inline]
    pub fn keep(&self, record: Box<Record>) {
        if let Some(before) = self.swap(Some(record)) {
            self.put_aside(before);
        }
    }

    /// Replaces the last used record. The caller is attached to the interpreter.
    #[inline]
    fn swap(&self, record: Option<Box<Record>>) -> Option<Box<Record>> {
        let record = record.map_or(std::ptr::null_mut(), Box::into_raw);
        #[cfg(Py_GIL_DISABLED)]
        let before = self.last.swap(record, Ordering::AcqRel);
        // The interpreter's lock is held: no other thread comes between the two.
        #[cfg(not(Py_GIL_DISABLED))]
        let before = {
            let before = self.last.load(Ordering::Relaxed);
            self.last.store(record, Ordering::Relaxed);
            before
        };
        // SAFETY: what is not null came from a box, and is owned by whoever takes it out.
        (!before.is_null()).then(|| unsafe { Box::from_raw(before) })
    }

    #[cold]
    fn put_aside(&self, record: Box<Record>) {
        let mut others = self.others();
        let oldest = (others.len() >= Records::MOST).then(|| others.remove(0));
        others.push(record);
        drop(others);
        // To drop it may run Python code, which may call the program.
        drop(oldest);
    }

    #[expect(clippy::vec_box, reason = "as above")]
    fn others(&self) -> MutexGuard<'_, Vec<Box<Record>>> {
        // A panic leaves the list whole.
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        drop(self.swap(None));
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
