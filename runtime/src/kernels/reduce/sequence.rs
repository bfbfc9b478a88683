//! The reduction of one sequence at a time.

use std::fmt;

use super::{Partial, Reducer, Tree};

/// Memory for the accumulators of a block: at most three words each, and 256 bytes for each word of
/// all accumulators.
pub(super) type Words = [[u64; 32]; 3];

/// The state of one sequence, whose elements arrive in order in contiguous pieces of any length. It
/// never allocates.
#[repr(C, align(64))]
pub struct Sequence {
    /// At index 0 the accumulators of the unfinished block. At index `1 + i` those of `2^i` whole
    /// blocks of the unfinished leaf, combined, if bit `i` of the number of its whole blocks is
    /// set.
    pub(super) words: [Words; 4],
    /// The number of elements of the unfinished leaf.
    pub(super) filled: usize,
    /// The number of elements so far.
    pub(super) count: u64,
    /// The index of the first element in the whole sequence.
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
    /// The approximate number of bytes of a sequence that are used all the time.
    pub(crate) const BUSY: usize = 2 * size_of::<Words>() + 1024;

    /// A sequence that must be [started](Sequence::start) before use.
    pub const fn new() -> Sequence {
        Sequence { words: [[[0; 32]; 3]; 4], filled: 0, count: 0, first: 0, tree: Tree::new() }
    }

    /// Starts a sequence, or a block of leaves of one, whose first element has the index `first`
    /// in the whole sequence: a multiple of the leaf.
    #[inline]
    pub fn start(&mut self, reducer: &Reducer, first: u64) {
        debug_assert!(first.is_multiple_of(reducer.leaf() as u64), "the block is out of order");
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

    /// Ends the sequence; returns `None` if it had no elements.
    #[inline]
    pub fn finish(&mut self, reducer: &Reducer) -> Option<Partial> {
        // SAFETY: it has elements, so the caller of `push` has promised that the machine has the
        // reducer's instruction set.
        (self.count > 0).then(|| unsafe { (reducer.methods.finish)(self) })
    }
}
