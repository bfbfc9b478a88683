//! One sequence at a time.

use std::fmt;

use super::{Partial, Reducer, Tree};

/// The words of accumulators: at most three for each of at most 256 bytes of them.
pub(super) type Words = [[u64; 32]; 3];

/// Reduces one sequence, whose elements come in contiguous pieces of any length, in order. Never
/// allocates.
#[repr(C, align(64))]
pub struct Sequence {
    /// The accumulators of the block under way, and then those of `2^i` blocks of the leaf under
    /// way put together, where bit `i` of the number of its whole blocks is set.
    pub(super) words: [Words; 4],
    /// Elements of the leaf under way.
    pub(super) filled: usize,
    /// Elements so far.
    pub(super) count: u64,
    /// The index of the first element.
    pub(super) first: u64,
    pub(super) tree: Tree,
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequence").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Default for Sequence {
    fn default() -> Sequence {
        Sequence::new()
    }
}

impl Sequence {
    /// Bytes of a sequence that it goes through all the time, about.
    pub(crate) const BUSY: usize = 2 * size_of::<Words>() + 1024;

    /// A sequence of no use before it is [started](Sequence::start).
    pub const fn new() -> Sequence {
        Sequence { words: [[[0; 32]; 3]; 4], filled: 0, count: 0, first: 0, tree: Tree::new() }
    }

    /// Starts a sequence, or a block of leaves of one, whose first element has the index `first`
    /// in the whole sequence: a multiple of the leaf.
    #[inline]
    pub fn start(&mut self, reducer: &Reducer, first: u64) {
        debug_assert!(first.is_multiple_of(reducer.leaf() as u64), "a block out of order");
        (self.filled, self.count, self.first) = (0, 0, first);
        self.tree.clear();
    }

    /// Takes the next `n` elements.
    ///
    /// # Safety
    /// The sequence was started with this reducer; `a` points at `n` readable elements of its
    /// dtype, aligned or not; the machine has the reducer's instruction set.
    #[inline]
    pub unsafe fn push(&mut self, reducer: &Reducer, a: *const u8, n: usize) {
        // SAFETY: the caller's promise.
        unsafe { (reducer.methods.push)(self, a, n) }
    }

    /// Ends the sequence, `None` if it had no elements.
    #[inline]
    pub fn finish(&mut self, reducer: &Reducer) -> Option<Partial> {
        // SAFETY: it has elements, so the machine has the reducer's instruction set, as the caller of
        // `push` has promised.
        (self.count > 0).then(|| unsafe { (reducer.methods.finish)(self) })
    }
}
