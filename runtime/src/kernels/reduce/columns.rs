//! Many sequences side by side.

use std::fmt;

use super::{Partial, Reducer};
use crate::convert::Pattern;
use crate::memory::{OutOfMemory, reserve};

/// Reduces many sequences side by side: the `j`-th element of each [push](Columns::push) belongs
/// to sequence `j`, its *lane*.
pub struct Columns {
    /// Rows of `stride` words; what they hold, the method knows.
    memory: Vec<Line>,
    /// Lines of a row.
    stride: usize,
    rows: usize,
    /// The most lanes.
    capacity: usize,
    pub(super) lanes: usize,
    /// Elements of each lane in the leaf under way.
    pub(super) filled: usize,
    /// Elements of each lane so far.
    pub(super) count: u64,
    /// The index of each lane's first element.
    pub(super) first: u64,
    /// The elements of the finished block of `2^i` leaves, where bit `i` of `taken` is set.
    pub(super) blocks: [u64; 64],
    pub(super) taken: u64,
    /// Where the accumulators of the block under way are, those of the levels of the leaf under
    /// way and, from `TREE` on, the finished blocks.
    pub(super) places: [usize; TREE + 64],
    /// Places that have been given away.
    used: usize,
}

/// The first of [`Columns::places`] that is of the tree.
pub(super) const TREE: usize = 4;
/// No place yet.
const NONE: usize = usize::MAX;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; 8]);

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Columns")
            .field("lanes", &self.lanes)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Columns {
    /// Room for at most `lanes` sequences of at most `length` elements each.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is none.
    pub fn new(reducer: &Reducer, lanes: usize, length: usize) -> Result<Columns, OutOfMemory> {
        let rows = (reducer.methods.rows)(length);
        // Odd, so that equal lanes of different rows are in different sets of the cache.
        let stride = lanes.div_ceil(8) | 1;
        let lines = rows.checked_mul(stride).ok_or(OutOfMemory(usize::MAX))?;
        let mut memory = reserve(lines)?;
        memory.resize(lines, Line([0; 8]));
        Ok(Columns {
            memory,
            stride,
            rows,
            capacity: lanes,
            lanes: 0,
            filled: 0,
            count: 0,
            first: 0,
            blocks: [0; 64],
            taken: 0,
            places: [NONE; TREE + 64],
            used: 0,
        })
    }

    /// Starts so many sequences, or blocks of leaves of them, whose first elements have the index
    /// `first` in the whole sequences: a multiple of the leaf.
    ///
    /// # Panics
    /// If there is no room for so many.
    pub fn start(&mut self, reducer: &Reducer, lanes: usize, first: u64) {
        assert!(lanes <= self.capacity, "more lanes than there is room for");
        debug_assert!(first.is_multiple_of(reducer.leaf() as u64), "a block out of order");
        (self.lanes, self.filled, self.count, self.first) = (lanes, 0, 0, first);
        (self.taken, self.used) = (0, 0);
        self.places.fill(NONE);
    }

    /// The place of something: if it had none, one that is as large as `size` others.
    #[inline(always)]
    pub(super) fn place(&mut self, of: usize, size: usize) -> usize {
        if self.places[of] == NONE {
            self.places[of] = self.used;
            self.used += size;
        }
        self.places[of]
    }

    /// Takes the next element of every lane.
    ///
    /// # Panics
    /// If the sequences become much longer than there is room for.
    ///
    /// # Safety
    /// These columns were made for and started with this reducer; `a` points at as many readable
    /// elements of its dtype as there are lanes, aligned or not; the machine has the reducer's
    /// instruction set.
    #[inline]
    pub unsafe fn push(&mut self, reducer: &Reducer, a: *const u8) {
        // SAFETY: the caller's promise.
        unsafe { (reducer.methods.push_lanes)(self, a) }
    }

    /// Takes the next `rows` elements of every lane: a row holds one of each lane.
    ///
    /// # Panics
    /// As [`Columns::push`].
    ///
    /// # Safety
    /// As [`Columns::push`], for each row: they begin `stride` bytes apart.
    #[inline]
    pub unsafe fn push_rows(
        &mut self,
        reducer: &Reducer,
        a: *const u8,
        stride: isize,
        rows: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe { (reducer.methods.push_rows)(self, a, stride, rows) }
    }

    /// Ends the sequences, which have at least one element; `out` gets one a lane.
    ///
    /// # Panics
    /// If `out` has another length.
    pub fn finish(&mut self, reducer: &Reducer, out: &mut [Partial]) {
        assert!(out.len() == self.lanes, "one partial a lane");
        (reducer.methods.finish_lanes)(self, out);
    }

    /// `N` groups of `W` rows, all different, of an element for each lane.
    #[inline(always)]
    pub(super) fn rows<T: Pattern, const W: usize, const N: usize>(
        &mut self,
        groups: [[usize; W]; N],
    ) -> [[&mut [T]; W]; N] {
        self.check(groups.as_flattened());
        // SAFETY: checked; this borrows them all.
        groups.map(|rows| rows.map(|row| unsafe { self.row(row) }))
    }

    /// The same of two groups, of different types.
    #[inline(always)]
    pub(super) fn rows_of_two<T: Pattern, U: Pattern, const W: usize>(
        &mut self,
        groups: [[usize; W]; 2],
    ) -> ([&mut [T]; W], [&mut [U]; W]) {
        self.check(groups.as_flattened());
        // SAFETY: checked; this borrows them all.
        unsafe { (groups[0].map(|row| self.row(row)), groups[1].map(|row| self.row(row))) }
    }

    /// That rows exist and are different.
    #[inline(always)]
    fn check(&self, rows: &[usize]) {
        for (i, row) in rows.iter().enumerate() {
            assert!(*row < self.rows && !rows[..i].contains(row), "a row of its own");
        }
    }

    /// # Safety
    /// The row exists, and is not borrowed while the result lives.
    #[inline(always)]
    unsafe fn row<'a, T: Pattern>(&mut self, row: usize) -> &'a mut [T] {
        const { assert!(size_of::<T>() <= size_of::<u64>()) };
        // SAFETY: the row lies in the memory and has a word for each lane, of which there are at
        // most `capacity`; all bytes are initialised, and every bit pattern is a value of the types
        // that have a `Pattern`.
        unsafe {
            let row = self.memory.as_mut_ptr().add(row * self.stride);
            std::slice::from_raw_parts_mut(row.cast::<T>(), self.lanes)
        }
    }
}
