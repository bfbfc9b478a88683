//! [`View`]: a strided array by address, without a lifetime.

use crate::dtype::DType;
use crate::per_axis::PerAxis;
use crate::store::Store;

/// A strided array: the address of its first element, its shape, and its strides in bytes.
///
/// For an array in a store, the address is an offset into the store.
///
/// A view does not borrow; its creator must ensure that the memory outlives it.
#[derive(Clone, Debug)]
pub struct View {
    /// The element of index (0, 0, ...). Need not be aligned.
    pub pointer: *mut u8,
    /// The element type.
    pub dtype: DType,
    /// The extent of each axis.
    pub shape: PerAxis<usize>,
    /// Bytes from one element to the next along each axis.
    pub strides: PerAxis<isize>,
    /// Whether elements have the opposite byte order to this machine's.
    pub swapped: bool,
    /// The store of an array outside memory.
    pub store: Option<Store>,
}

impl View {
    /// The bits of the first element.
    ///
    /// # Safety
    /// The first element exists, is in memory, and is readable.
    pub unsafe fn read(&self) -> u64 {
        let size = self.dtype.size();
        let mut bytes = [0; 8];
        // SAFETY: the caller's promise; an element has at most 8 bytes.
        unsafe { std::ptr::copy_nonoverlapping(self.pointer, bytes.as_mut_ptr(), size) };
        if self.swapped {
            bytes[..size].reverse();
        }
        u64::from_le_bytes(bytes)
    }
}

// SAFETY: a view is an address with its layout; reading or writing through it is unsafe and
// argued where it happens.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}
