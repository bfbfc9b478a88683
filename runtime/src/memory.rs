//! Memory that may not be had.

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
