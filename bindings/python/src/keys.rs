//! Keys of the rows of a stream.

use hotloop::Keys;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::program::Program;
use crate::rows::Part;

/// Keys of rows, as `hotloop._arrays` gives them.
pub enum KeyList<'py> {
    /// A dense array of int64.
    Integers(Bound<'py, PyAny>),
    /// The list is no one else's, so that its elements live as long.
    Texts(Bound<'py, PyList>),
}

impl<'py> KeyList<'py> {
    /// The keys, and whether they are one that is not in an array.
    pub fn new(program: &Program, keys: &Bound<'py, PyAny>) -> PyResult<(KeyList<'py>, bool)> {
        let py = keys.py();
        let (list, single): (Bound<'py, PyAny>, bool) =
            program.arrays.bind(py).call_method1("keys", (keys,))?.extract()?;
        Ok(match list.cast_into::<PyList>() {
            Ok(list) => (KeyList::Texts(list), single),
            Err(other) => (KeyList::Integers(other.into_inner()), single),
        })
    }

    /// The keys, if they are integers.
    pub fn integers(&self, program: &Program) -> Option<&[i64]> {
        let KeyList::Integers(object) = self else { return None };
        // SAFETY: a dense array of 64-bit integers, which is held.
        unsafe {
            let array = program.numpy.exact(object.as_ptr())?;
            let count = *array.extents().first()?;
            Some(std::slice::from_raw_parts(array.data.cast(), count))
        }
    }

    /// The keys as bytes; none if they are integers.
    pub fn texts(&self) -> PyResult<Vec<&[u8]>> {
        let KeyList::Texts(list) = self else { return Ok(Vec::new()) };
        let mut texts = Vec::with_capacity(list.len());
        for item in list.iter() {
            // SAFETY: the list holds the object as long as the result is used.
            unsafe {
                let mut size = 0;
                let data = if ffi::PyUnicode_Check(item.as_ptr()) != 0 {
                    ffi::PyUnicode_AsUTF8AndSize(item.as_ptr(), &mut size).cast_mut()
                } else {
                    let mut data = std::ptr::null_mut();
                    match ffi::PyBytes_AsStringAndSize(item.as_ptr(), &mut data, &mut size) {
                        0 => data,
                        _ => std::ptr::null_mut(),
                    }
                };
                if data.is_null() {
                    return Err(PyErr::fetch(list.py()));
                }
                texts.push(std::slice::from_raw_parts(data.cast::<u8>(), size as usize));
            }
        }
        Ok(texts)
    }
}

/// Keys of some rows.
pub fn part_of<'k>(keys: &Keys<'k>, Part { from, count }: Part) -> Keys<'k> {
    match *keys {
        Keys::Integers(list) => Keys::Integers(&list[from..from + count]),
        Keys::Bytes(list) => Keys::Bytes(&list[from..from + count]),
        other => other,
    }
}
