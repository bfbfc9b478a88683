//! Where the elements of arrays lie and how they are encoded; arrays outside memory, and the blocks
//! of them that a thread works on.

pub mod format;
pub mod location;
pub mod store;
mod transposed;
pub(crate) mod window;

use crate::dtype::DType;
use format::Format;
use location::Location;

/// Where the elements of an array lie, and in which form.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Where the first element is.
    pub location: Location,
    /// How each element is encoded in bytes.
    pub format: Format,
}

impl Storage {
    /// An array in memory whose elements are as this machine computes with them.
    pub fn native(first: *mut u8, dtype: DType) -> Storage {
        Storage { location: Location::Memory(first), format: Format::Native(dtype) }
    }

    /// Whether both have the same first element in the same form.
    pub fn same(&self, other: &Storage) -> bool {
        self.format == other.format && self.location.same(&other.location)
    }
}
