//! Fallible allocation.

use std::alloc::{Layout, alloc_zeroed};

use crate::dtype::Element;

/// A failed allocation of this many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory(pub usize);

/// An empty vector with capacity for `n` elements.
///
/// # Errors
/// [`OutOfMemory`] if the allocation fails.
pub fn reserve<T>(n: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut list = Vec::new();
    list.try_reserve_exact(n).map_err(|_| OutOfMemory(n.saturating_mul(size_of::<T>())))?;
    Ok(list)
}

/// A vector of `n` zeroed elements. The system provides large blocks zeroed, so their pages are
/// first touched by the threads that fill them.
///
/// # Errors
/// [`OutOfMemory`] if the allocation fails.
pub fn zeroed<T: Element>(n: usize) -> Result<Vec<T>, OutOfMemory> {
    let none = OutOfMemory(n.saturating_mul(size_of::<T>()));
    let layout = Layout::array::<T>(n).map_err(|_| none)?;
    if layout.size() == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the layout is not empty.
    let pointer = unsafe { alloc_zeroed(layout) }.cast::<T>();
    if pointer.is_null() {
        return Err(none);
    }
    // SAFETY: the block is of this layout, and zero bytes are a value of every element type.
    Ok(unsafe { Vec::from_raw_parts(pointer, n, n) })
}
