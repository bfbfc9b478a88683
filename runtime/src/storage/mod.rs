//! Storage of arrays: the location and the encoding of elements, arrays outside memory, and the
//! chunks of them that threads work on.

pub(crate) mod chunk;
pub mod format;
pub mod location;
pub mod store;
mod transposed;

use crate::dtype::DType;
use format::Format;
use location::Location;

/// The storage of an array: where its elements lie, and how they are encoded.
#[derive(Clone, Debug)]
pub struct Storage {
    /// The location of the first element.
    pub location: Location,
    /// The encoding of the elements.
    pub format: Format,
}

impl Storage {
    /// The storage of an array in memory, in this machine's byte order.
    pub fn native(first: *mut u8, dtype: DType) -> Storage {
        Storage { location: Location::Memory(first), format: Format::Native(dtype) }
    }

    /// Whether both have the same first element in the same encoding.
    pub fn same(&self, other: &Storage) -> bool {
        self.format == other.format && self.location.same(&other.location)
    }
}
