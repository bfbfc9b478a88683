//! Memory that may not be had.

use std::alloc::{Layout, alloc_zeroed};

use crate::dtype::Element;

/// Memory that could not be had, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory(pub usize);

/// An empty list with room for `n` elements.
///
/// # Errors
/// [`OutOfMemory`] if there is none.
pub fn reserve<T>(n: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut list = Vec::new();
    list.try_reserve_exact(n).map_err(|_| OutOfMemory(n.saturating_mul(size_of::<T>())))?;
    Ok(list)
}

/// `n` zeroed elements. The system gives large blocks zeroed already, so that this takes no time,
/// and the threads that fill them are the first to touch them.
///
/// # Errors
/// [`OutOfMemory`] if there is no memory for them.
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
