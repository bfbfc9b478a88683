//! Sources and sinks as views, with names for error messages.

use std::sync::Arc;
use std::{fmt, io};

use hotloop_runtime::control::{Control, Stop};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::format::Format;
use hotloop_runtime::location::Location;
use hotloop_runtime::storage::Storage;
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
    let format = Format::new(source.dtype(), source.byte_swapped());
    let shape: Box<[usize]> = source.shape().into();
    let strides = dense_strides(&shape, format.size(), source.fortran_order());
    whole(Store::Source(source), format, shape, strides)
}

/// The view of a sink's array.
pub fn sink(sink: Arc<dyn Sink>) -> View {
    let format = Format::new(sink.dtype(), sink.byte_swapped());
    let shape: Box<[usize]> = sink.shape().into();
    let strides = dense_strides(&shape, format.size(), sink.fortran_order());
    whole(Store::Sink(sink), format, shape, strides)
}

fn whole(store: Store, format: Format, shape: Box<[usize]>, strides: Box<[isize]>) -> View {
    let storage = Storage { location: Location::Store { store, offset: 0 }, format };
    View { storage, shape: shape.into(), strides: strides.into() }
}

fn dense_strides(shape: &[usize], size: usize, fortran_order: bool) -> Box<[isize]> {
    if fortran_order { f_strides(shape, size) } else { c_strides(shape, size) }
}

/// The view with errors that name it, if it is in a store.
pub fn named(mut view: View, what: impl FnOnce() -> String) -> View {
    if let Location::Store { store, .. } = &mut view.storage.location {
        *store = match store.clone() {
            Store::Source(inner) => Store::Source(Arc::new(Named { what: what(), inner })),
            Store::Sink(inner) => Store::Sink(Arc::new(Named { what: what(), inner })),
        };
    }
    view
}

/// Whether two arrays are in one store.
pub fn same(a: &View, b: &View) -> bool {
    a.store().zip(b.store()).is_some_and(|(a, b)| a.same(b))
}

/// The bits of the only element of an array.
///
/// # Errors
/// Those of the store.
///
/// # Safety
/// There is an element, which is readable if it is in memory.
pub unsafe fn read_element(view: &View) -> std::result::Result<u64, Stop> {
    let Storage { location, format } = &view.storage;
    match location {
        // SAFETY: the caller's promise.
        Location::Memory(at) => Ok(unsafe { format.read(*at) }),
        Location::Store { store, offset } => {
            let mut bytes = [0u8; 8];
            store.read(*offset as u64, &mut bytes[..format.size()])?;
            // SAFETY: the element was just read.
            Ok(unsafe { format.read(bytes.as_ptr()) })
        }
        Location::Scratch(_) => Err(in_scratch()),
    }
}

/// Writes the only element of an array, of these bits.
///
/// # Errors
/// Of the store.
///
/// # Safety
/// There is an element, and if it is in memory it is writable.
pub unsafe fn write_element(view: &View, bits: u64) -> std::result::Result<(), Stop> {
    let Storage { location, format } = &view.storage;
    let (bytes, size) = (format.bytes(bits), format.size());
    match location {
        Location::Memory(at) => {
            // SAFETY: the caller's promise.
            unsafe { at.copy_from_nonoverlapping(bytes.as_ptr(), size) };
            Ok(())
        }
        Location::Store { store, offset } => {
            store.write(*offset as u64, &bytes[..size]).map_err(Stop::Failed)
        }
        Location::Scratch(_) => Err(in_scratch()),
    }
}

/// The error for an array in a group's scratch where it must be outside.
pub fn in_scratch() -> Stop {
    Stop::Failed(io::Error::other("an array is in the scratch of a group of passes"))
}

/// The bytes of a whole array in a store.
pub fn byte_count(view: &View) -> Result<usize> {
    Ok(element_count(&view.shape)? * view.size())
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
