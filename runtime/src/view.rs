//! [`View`]: a strided array by address, without a lifetime.

use crate::dtype::DType;
use crate::format::Format;
use crate::location::Location;
use crate::per_axis::PerAxis;
use crate::storage::Storage;
use crate::store::Store;

/// A strided array: the address of its first element, its shape, and its strides in bytes.
///
/// For an array in a store, the address is an offset into the store.
///
/// A view does not borrow; its creator must ensure that the memory outlives it.
#[derive(Clone, Debug)]
pub struct View {
    /// Where the element of index (0, 0, ...) is, and the form of all.
    pub storage: Storage,
    /// The extent of each axis.
    pub shape: PerAxis<usize>,
    /// Bytes from one element to the next along each axis.
    pub strides: PerAxis<isize>,
}

impl View {
    /// The element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.storage.format.dtype()
    }

    /// Bytes of one element.
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

    /// The same array, but its first element is at another location.
    #[must_use]
    pub fn at(self, location: Location) -> View {
        View { storage: Storage { location, ..self.storage }, ..self }
    }

    /// The same array, but its elements are encoded in another format.
    #[must_use]
    pub fn in_format(self, format: Format) -> View {
        View { storage: Storage { format, ..self.storage }, ..self }
    }
}
