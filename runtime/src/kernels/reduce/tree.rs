//! The binary tree over the leaves of one sequence.

use super::{Partial, Reducer};

/// The tree over the leaves of a sequence that the [module](crate::reduce) describes. Leaves, or
/// blocks of them, are added in order. It never allocates.
///
/// It works as a binary counter: level `i` holds a block if bit `i` of the number of leaves is set.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    /// The finished block of `2^i` leaves at index `i`, if bit `i` of `taken` is set.
    blocks: [Partial; 64],
    taken: u64,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree::new()
    }
}

impl Tree {
    /// A tree without leaves.
    pub const fn new() -> Tree {
        Tree { blocks: [Partial { words: [0; 3], count: 0 }; 64], taken: 0 }
    }

    /// Removes all leaves.
    pub fn clear(&mut self) {
        self.taken = 0;
    }

    /// Adds the next leaf.
    pub fn push(&mut self, reducer: &Reducer, leaf: Partial) {
        self.push_block(reducer, 0, leaf);
    }

    /// Adds the next `2^level` leaves, already combined by another tree, so that different tasks
    /// can reduce different blocks of leaves.
    ///
    /// The number of leaves so far must be a multiple of `2^level`. The last block may have fewer
    /// leaves.
    ///
    /// # Panics
    /// If `level` is 64 or more, or if there are `2^64` leaves or more.
    pub fn push_block(&mut self, reducer: &Reducer, level: u32, block: Partial) {
        assert!(level < 64, "a tree has at most 64 levels");
        self.push_with(level, block, |left, right| reducer.combine(left, right));
    }

    /// The partial result of all leaves, `None` if there are none.
    pub fn finish(&self, reducer: &Reducer) -> Option<Partial> {
        self.finish_with(|left, right| reducer.combine(left, right))
    }

    #[inline(always)]
    pub(super) fn push_with(
        &mut self,
        level: u32,
        block: Partial,
        combine: impl Fn(&Partial, &Partial) -> Partial,
    ) {
        debug_assert!(self.is_aligned(level), "the block is out of order");
        let mut level = level as usize;
        let mut block = block;
        while self.taken >> level & 1 == 1 {
            block = combine(&self.blocks[level], &block);
            self.taken &= !(1 << level);
            level += 1;
        }
        self.blocks[level] = block;
        self.taken |= 1 << level;
    }

    #[inline(always)]
    pub(super) fn finish_with(
        &self,
        combine: impl Fn(&Partial, &Partial) -> Partial,
    ) -> Option<Partial> {
        let mut rest = self.taken;
        let mut all = None;
        while rest != 0 {
            let left = &self.blocks[rest.trailing_zeros() as usize];
            all = Some(all.map_or(*left, |right| combine(left, &right)));
            rest &= rest - 1;
        }
        all
    }

    /// Whether a block of `2^level` leaves can come next.
    pub(super) fn is_aligned(&self, level: u32) -> bool {
        self.taken & ((1 << level) - 1) == 0
    }
}
