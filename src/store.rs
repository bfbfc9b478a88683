//! Sources and sinks as views, with names for error messages.

use std::sync::Arc;
use std::{fmt, io};

use hotloop_runtime::control::{Control, Stop};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::store::{Sink, Source, Store};
use hotloop_runtime::view::View;

use crate::domain::{c_strides, element_count, f_strides};
use crate::error::Result;

/// Bytes copied between two checks of the control.
const PART: usize = 1 << 20;

/// A source or sink whose errors have its name.
struct Named<T: ?Sized> {
    what: String,
    inner: Arc<T>,
}

impl<T: ?Sized> Named<T> {
    fn blame(&self, verb: &str, error: io::Error) -> io::Error {
        let message = format!("{} cannot be {verb}: {error}", self.what);
        io::Error::new(error.kind(), Blamed { message, error })
    }
}

/// An error of a store, with its name.
#[derive(Debug)]
struct Blamed {
    message: String,
    error: io::Error,
}

impl fmt::Display for Blamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Blamed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Source for Named<dyn Source> {
    fn dtype(&self) -> DType {
        self.inner.dtype()
    }

    fn shape(&self) -> &[usize] {
        self.inner.shape()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_at(offset, bytes).map_err(|error| self.blame("read", error))
    }
}

impl Sink for Named<dyn Sink> {
    fn dtype(&self) -> DType {
        self.inner.dtype()
    }

    fn shape(&self) -> &[usize] {
        self.inner.shape()
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset, bytes).map_err(|error| self.blame("written", error))
    }
}

/// The view of a source's array.
pub fn source(source: Arc<dyn Source>) -> View {
    let (dtype, swapped) = (source.dtype(), source.byte_swapped());
    let shape: Box<[usize]> = source.shape().into();
    let strides = dense_strides(&shape, dtype.size(), source.fortran_order());
    let (pointer, shape, strides) = (std::ptr::null_mut(), shape.into(), strides.into());
    View { pointer, dtype, shape, strides, swapped, store: Some(Store::Source(source)) }
}

/// The view of a sink's array.
pub fn sink(sink: Arc<dyn Sink>) -> View {
    let (dtype, swapped) = (sink.dtype(), sink.byte_swapped());
    let shape: Box<[usize]> = sink.shape().into();
    let strides = dense_strides(&shape, dtype.size(), sink.fortran_order());
    let (pointer, shape, strides) = (std::ptr::null_mut(), shape.into(), strides.into());
    View { pointer, dtype, shape, strides, swapped, store: Some(Store::Sink(sink)) }
}

fn dense_strides(shape: &[usize], size: usize, fortran_order: bool) -> Box<[isize]> {
    if fortran_order { f_strides(shape, size) } else { c_strides(shape, size) }
}

/// The view, whose store's errors get the name that `what` returns.
pub fn named(view: View, what: impl FnOnce() -> String) -> View {
    let store = view.store.map(|store| match store {
        Store::Source(inner) => Store::Source(Arc::new(Named { what: what(), inner })),
        Store::Sink(inner) => Store::Sink(Arc::new(Named { what: what(), inner })),
    });
    View { store, ..view }
}

/// Whether two arrays are in one store.
pub fn same(a: &View, b: &View) -> bool {
    a.store.as_ref().zip(b.store.as_ref()).is_some_and(|(a, b)| a.same(b))
}

/// The bits of the only element of an array.
///
/// # Errors
/// Those of the store.
///
/// # Safety
/// There is an element, which is readable if it is in memory.
pub unsafe fn read_element(view: &View) -> std::result::Result<u64, Stop> {
    let Some(store) = &view.store else {
        // SAFETY: the caller's promise.
        return Ok(unsafe { view.read() });
    };
    let mut bytes = [0u8; 8];
    store.read(0, &mut bytes[..view.dtype.size()])?;
    let own = View { pointer: bytes.as_mut_ptr(), store: None, ..view.clone() };
    // SAFETY: the element was just read.
    Ok(unsafe { own.read() })
}

/// The bytes of a whole array in a store.
pub fn byte_count(view: &View) -> Result<usize> {
    Ok(element_count(&view.shape)? * view.dtype.size())
}

/// Reads a whole array, in the store's order.
///
/// # Errors
/// Those of the store and of the control.
pub fn load(store: &Store, bytes: &mut [u8], control: &Control) -> std::result::Result<(), Stop> {
    bytes.chunks_mut(PART).enumerate().try_for_each(|(i, part)| {
        control.check()?;
        store.read((i * PART) as u64, part).map_err(Stop::Failed)
    })
}

/// Writes a whole array, in C order.
///
/// # Errors
/// Those of the store and of the control.
pub fn save(store: &Store, bytes: &[u8], control: &Control) -> std::result::Result<(), Stop> {
    bytes.chunks(PART).enumerate().try_for_each(|(i, part)| {
        control.check()?;
        store.write((i * PART) as u64, part).map_err(Stop::Failed)
    })
}

/// Copies a whole array of `bytes` bytes from one store to another.
///
/// # Errors
/// Those of the stores and of the control.
pub fn copy(
    from: &Store,
    to: &Store,
    bytes: usize,
    control: &Control,
) -> std::result::Result<(), Stop> {
    let mut part = vec![0; PART.min(bytes)];
    for at in (0..bytes).step_by(PART) {
        control.check()?;
        let part = &mut part[..PART.min(bytes - at)];
        from.read(at as u64, part)?;
        to.write(at as u64, part)?;
    }
    Ok(())
}
