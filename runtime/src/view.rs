//! A strided array by address: what safe array types become before they reach compiled code.

use crate::dtype::DType;

/// An array: where its first element is, its shape, and its strides in bytes.
///
/// A view does not borrow; whoever makes one sees to it that the memory outlives its use.
#[derive(Clone, Debug)]
pub struct View {
    /// The element of index (0, 0, ...). Need not be aligned.
    pub pointer: *mut u8,
    /// The element type.
    pub dtype: DType,
    /// The extent of each axis.
    pub shape: Box<[usize]>,
    /// Bytes from one element to the next along each axis.
    pub strides: Box<[isize]>,
}

// SAFETY: a view is an address with its layout; reading or writing through it is unsafe and
// argued where it happens.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}
