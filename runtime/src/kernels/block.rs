//! The calling convention of block kernels.

/// A block kernel: `n` elements of up to three contiguous inputs into one contiguous output.
///
/// Unused inputs are null. Pointers need not be aligned. `out` may equal an input, otherwise it
/// overlaps none. The kernel reads and writes exactly `n` elements, never panics, and returns
/// advisory [flags](DIVIDE_BY_ZERO), 0 for none.
pub type BlockFn =
    unsafe extern "C" fn(out: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) -> u32;

/// A block kernel of two results: `n` elements of one contiguous input into two contiguous
/// outputs, which do not overlap. Otherwise as [`BlockFn`].
pub type PairFn =
    unsafe extern "C" fn(first: *mut u8, second: *mut u8, a: *const u8, n: usize) -> u32;

/// Flag: an integer was divided by zero (the element's result is 0).
pub const DIVIDE_BY_ZERO: u32 = 1;
