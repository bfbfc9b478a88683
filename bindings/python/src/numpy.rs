//! NumPy's C interface: the part of it that the package uses.
//!
//! The table of functions, the indices into it and the beginnings of the two structures are those of
//! NumPy 1 and 2.

use std::ffi::{c_char, c_int, c_void};

use hotloop::DType;
use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyCapsule;

/// The beginning of an ndarray.
#[repr(C)]
pub struct Array {
    head: ffi::PyObject,
    /// The first element.
    pub data: *mut u8,
    axes: c_int,
    shape: *const isize,
    strides: *const isize,
    base: *mut ffi::PyObject,
    /// The dtype.
    pub descr: *mut Descr,
    flags: c_int,
}

/// The beginning of a dtype.
#[repr(C)]
pub struct Descr {
    head: ffi::PyObject,
    scalar: *mut ffi::PyObject,
    kind: c_char,
    code: c_char,
    byte_order: c_char,
    flags: c_char,
    number: c_int,
}

const WRITEABLE: c_int = 0x400;

impl Array {
    /// The extents of the axes.
    pub fn shape(&self) -> &[isize] {
        self.numbers(self.shape)
    }

    /// The strides in bytes.
    pub fn strides(&self) -> &[isize] {
        self.numbers(self.strides)
    }

    /// The extents of the axes.
    pub fn extents(&self) -> &[usize] {
        let shape = self.shape();
        // SAFETY: the integers have one size, and NumPy's extents are never negative.
        unsafe { std::slice::from_raw_parts(shape.as_ptr().cast(), shape.len()) }
    }

    #[inline]
    fn numbers(&self, first: *const isize) -> &[isize] {
        if self.axes <= 0 {
            return &[];
        }
        // SAFETY: an array has as many extents and strides as axes.
        unsafe { std::slice::from_raw_parts(first, self.axes as usize) }
    }

    /// The addresses between which its elements are.
    pub fn bounds(&self) -> (usize, usize) {
        let (mut low, mut high) = (self.data.addr(), self.data.addr());
        if self.shape().contains(&0) {
            return (low, low);
        }
        for (extent, stride) in self.shape().iter().zip(self.strides()) {
            let end = (extent - 1).wrapping_mul(*stride);
            if end < 0 {
                low = low.wrapping_add_signed(end);
            } else {
                high = high.wrapping_add_signed(end);
            }
        }
        // No element has more bytes.
        (low, high.wrapping_add(8))
    }

    /// Whether its elements may be written.
    pub fn is_writeable(&self) -> bool {
        self.flags & WRITEABLE != 0
    }

    /// The element type, and whether its bytes are in the opposite order; `None` if hotloop has no
    /// such type.
    pub fn dtype(&self) -> Option<(DType, bool)> {
        // SAFETY: an array has a dtype.
        let Descr { number, byte_order, .. } = unsafe { &*self.descr };
        let native = if cfg!(target_endian = "little") { b'>' } else { b'<' };
        let long = size_of::<std::ffi::c_long>() == 8;
        let dtype = match number {
            0 => DType::Bool,
            1 => DType::I8,
            2 => DType::U8,
            3 => DType::I16,
            4 => DType::U16,
            5 => DType::I32,
            6 => DType::U32,
            7 if long => DType::I64,
            7 => DType::I32,
            8 if long => DType::U64,
            8 => DType::U32,
            9 => DType::I64,
            10 => DType::U64,
            11 => DType::F32,
            12 => DType::F64,
            _ => return None,
        };
        Some((dtype, *byte_order as u8 == native))
    }
}

/// NumPy's number of a dtype.
fn number(dtype: DType) -> c_int {
    match dtype {
        DType::Bool => 0,
        DType::I8 => 1,
        DType::U8 => 2,
        DType::I16 => 3,
        DType::U16 => 4,
        DType::I32 => 5,
        DType::U32 => 6,
        DType::I64 if size_of::<std::ffi::c_long>() == 8 => 7,
        DType::U64 if size_of::<std::ffi::c_long>() == 8 => 8,
        DType::I64 => 9,
        DType::U64 => 10,
        DType::F32 => 11,
        _ => 12,
    }
}

type DescrFromType = unsafe extern "C" fn(c_int) -> *mut Descr;
type Returned = unsafe extern "C" fn(*mut ffi::PyObject) -> *mut ffi::PyObject;
type Scalar =
    unsafe extern "C" fn(*mut c_void, *mut Descr, *mut ffi::PyObject) -> *mut ffi::PyObject;
type NewFromDescr = unsafe extern "C" fn(
    *mut ffi::PyTypeObject,
    *mut Descr,
    c_int,
    *const isize,
    *const isize,
    *mut c_void,
    c_int,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// The functions of NumPy that are called.
pub struct Numpy {
    array: *mut ffi::PyTypeObject,
    descr_from_type: DescrFromType,
    new_from_descr: NewFromDescr,
    returned: Returned,
    scalar: Scalar,
}

// SAFETY: addresses of functions and of a type, which are never freed.
unsafe impl Send for Numpy {}
// SAFETY: as above.
unsafe impl Sync for Numpy {}

static NUMPY: PyOnceLock<Numpy> = PyOnceLock::new();

impl Numpy {
    /// NumPy, which is imported if it has not been.
    pub fn get(py: Python<'_>) -> PyResult<&'static Numpy> {
        NUMPY.get_or_try_init(py, || Numpy::import(py))
    }

    fn import(py: Python<'_>) -> PyResult<Numpy> {
        let missing = |error: PyErr| {
            let message =
                format!("hotloop needs NumPy 1.23 or newer, which cannot be imported: {error}");
            let import = PyImportError::new_err(message);
            import.set_cause(py, Some(error));
            import
        };
        let core = py
            .import("numpy._core._multiarray_umath")
            .or_else(|_| py.import("numpy.core._multiarray_umath"))
            .map_err(missing)?;
        let capsule = core.getattr("_ARRAY_API")?.cast_into::<PyCapsule>()?;
        // SAFETY: a capsule without a name; an error is set if it is none.
        let table = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), std::ptr::null()) };
        if table.is_null() {
            return Err(PyErr::fetch(py));
        }
        let table = table.cast::<*mut c_void>();
        // SAFETY: the table has at least 300 entries, of which 0 is this function.
        let version: unsafe extern "C" fn() -> u32 = unsafe { std::mem::transmute(*table) };
        // SAFETY: it takes nothing.
        let version = unsafe { version() } >> 24;
        if !(1..=2).contains(&version) {
            let message = format!("hotloop knows the C interfaces 1 and 2 of NumPy, not {version}");
            return Err(PyImportError::new_err(message));
        }
        // SAFETY: the entries of these numbers are this type and these functions.
        unsafe {
            Ok(Numpy {
                array: (*table.add(2)).cast(),
                descr_from_type: std::mem::transmute::<*mut c_void, DescrFromType>(*table.add(45)),
                scalar: std::mem::transmute::<*mut c_void, Scalar>(*table.add(60)),
                returned: std::mem::transmute::<*mut c_void, Returned>(*table.add(76)),
                new_from_descr: std::mem::transmute::<*mut c_void, NewFromDescr>(*table.add(94)),
            })
        }
    }

    /// The array that an object is, if its type is exactly `numpy.ndarray`.
    ///
    /// # Safety
    /// The object is valid for as long as the array is used.
    #[inline]
    pub unsafe fn exact<'a>(&self, object: *mut ffi::PyObject) -> Option<&'a Array> {
        // SAFETY: the caller's promise.
        (unsafe { ffi::Py_TYPE(object) } == self.array).then(|| unsafe { &*object.cast::<Array>() })
    }

    /// The array that an object is, if it is an `ndarray` or of a subclass.
    ///
    /// # Safety
    /// As of [`Numpy::exact`].
    pub unsafe fn array<'a>(&self, object: *mut ffi::PyObject) -> Option<&'a Array> {
        // SAFETY: the caller's promise.
        let is = unsafe { ffi::PyObject_TypeCheck(object, self.array) } != 0;
        // SAFETY: as above; subclasses begin like the class.
        is.then(|| unsafe { &*object.cast::<Array>() })
    }

    /// A fresh array that owns its memory, whose elements are undefined.
    pub fn fresh(
        &self,
        py: Python<'_>,
        dtype: DType,
        shape: &[isize],
        strides: &[isize],
    ) -> PyResult<Py<PyAny>> {
        // SAFETY: NumPy takes the reference to the dtype; it copies shape and strides, which are
        // those of a dense array.
        unsafe {
            let descr = (self.descr_from_type)(number(dtype));
            let (axes, none) = (shape.len() as c_int, std::ptr::null_mut());
            let shape = shape.as_ptr();
            let array = (self.new_from_descr)(
                self.array,
                descr,
                axes,
                shape,
                strides.as_ptr(),
                none,
                0,
                std::ptr::null_mut(),
            );
            Ok(Bound::from_owned_ptr_or_err(py, array)?.unbind())
        }
    }

    /// A NumPy scalar.
    ///
    /// # Safety
    /// `element` is one of the dtype.
    pub unsafe fn scalar(
        &self,
        py: Python<'_>,
        dtype: DType,
        element: *const u8,
    ) -> PyResult<Py<PyAny>> {
        // SAFETY: the caller's promise; NumPy copies the element, and takes no reference.
        unsafe {
            let descr = (self.descr_from_type)(number(dtype));
            let none = std::ptr::null_mut();
            let scalar = (self.scalar)(element.cast_mut().cast(), descr, none);
            ffi::Py_DecRef(descr.cast());
            Ok(Bound::from_owned_ptr_or_err(py, scalar)?.unbind())
        }
    }

    /// An array as ufuncs return it: one without axes is a NumPy scalar.
    pub fn returned(&self, py: Python<'_>, array: Py<PyAny>) -> PyResult<Py<PyAny>> {
        // SAFETY: NumPy takes the reference to an array, and returns one.
        unsafe {
            let object = (self.returned)(array.into_ptr());
            Ok(Bound::from_owned_ptr_or_err(py, object)?.unbind())
        }
    }
}
