//! [`View`]: a strided array by address, without a lifetime.

use crate::dtype::DType;
use crate::format::Format;
use crate::location::Location;
use crate::per_axis::PerAxis;
use crate::storage::Storage;
use crate::store::Store;

/// A strided array: the location of its first element, its shape, and its strides in bytes.
///
/// A view does not borrow memory; its creator must ensure that the memory outlives it.
#[derive(Clone, Debug)]
pub struct View {
    /// The location of the element with index (0, 0, ...), and the encoding of all elements.
    pub storage: Storage,
    /// The extent of each axis.
    pub shape: PerAxis<usize>,
    /// The stride in bytes along each axis.
    pub strides: PerAxis<isize>,
}

impl View {
    /// The element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.storage.format.dtype()
    }

    /// The size of an element in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        self.storage.format.size()
    }

    /// The address of the first element, if the array is in memory.
    #[inline]
    pub fn address(&self) -> Option<*mut u8> {
        self.storage.location.address()
    }

    /// The store that the array is in, if it is in one.
    #[inline]
    pub fn store(&self) -> Option<&Store> {
        self.storage.location.store()
    }

    /// The view with its first element at another location.
    #[must_use]
    pub fn at(self, location: Location) -> View {
        View { storage: Storage { location, ..self.storage }, ..self }
    }

    /// The view with its elements in another format.
    #[must_use]
    pub fn in_format(self, format: Format) -> View {
        View { storage: Storage { format, ..self.storage }, ..self }
    }
}
