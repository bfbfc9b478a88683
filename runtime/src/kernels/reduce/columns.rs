//! The reduction of many sequences side by side.

use std::fmt;

use super::{Partial, Reducer};
use crate::convert::Pattern;
use crate::memory::{OutOfMemory, reserve};

/// The state of many sequences side by side: the `j`-th element of each [push](Columns::push)
/// belongs to sequence `j`, called *lane* `j`.
pub struct Columns {
    /// Rows with a word for each lane; the method decides what they hold.
    memory: Vec<Line>,
    /// The number of lines of a row.
    stride: usize,
    rows: usize,
    /// The maximum number of lanes.
    capacity: usize,
    pub(super) lanes: usize,
    /// The number of elements of each lane in the unfinished leaf.
    pub(super) filled: usize,
    /// The number of elements of each lane so far.
    pub(super) count: u64,
    /// The index of each lane's first element in the whole sequence.
    pub(super) first: u64,
    /// The number of elements of the finished block of `2^i` leaves, if bit `i` of `taken` is set.
    pub(super) blocks: [u64; 64],
    pub(super) taken: u64,
    /// The places in memory of the accumulators of the unfinished block, of the levels of the
    /// unfinished leaf and, from `TREE` on, of the finished blocks. A place is a row for each word
    /// of an accumulator.
    pub(super) places: [usize; TREE + 64],
    /// The number of places allocated.
    used: usize,
}

/// The first index in [`Columns::places`] of a block of the tree.
pub(super) const TREE: usize = 4;
/// Marks an index of [`Columns::places`] without a place.
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
    /// Allocates memory for at most `lanes` sequences of at most `length` elements each.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the allocation fails.
    pub fn new(reducer: &Reducer, lanes: usize, length: usize) -> Result<Columns, OutOfMemory> {
        let rows = (reducer.methods.rows)(length);
        // Odd, so that a lane's words in different rows are in different cache sets.
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

    /// Starts `lanes` sequences, or blocks of leaves of them, whose first elements have the index
    /// `first` in the whole sequences: a multiple of the leaf.
    ///
    /// # Panics
    /// If there are more lanes than memory was allocated for.
    pub fn start(&mut self, reducer: &Reducer, lanes: usize, first: u64) {
        assert!(lanes <= self.capacity, "more lanes than there is room for");
        debug_assert!(first.is_multiple_of(reducer.leaf() as u64), "the block is out of order");
        (self.lanes, self.filled, self.count, self.first) = (lanes, 0, 0, first);
        (self.taken, self.used) = (0, 0);
        self.places.fill(NONE);
    }

    /// The place at an index of [`Columns::places`]; if there is none, `size` places are allocated
    /// and the first is returned.
    #[inline(always)]
    pub(super) fn place(&mut self, index: usize, size: usize) -> usize {
        if self.places[index] == NONE {
            self.places[index] = self.used;
            self.used += size;
        }
        self.places[index]
    }

    /// Takes the next element of every lane.
    ///
    /// # Panics
    /// If the sequences become much longer than the length that memory was allocated for.
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

    /// Ends the sequences, which have at least one element; `out` gets a result for each lane.
    ///
    /// # Panics
    /// If `out` has another length.
    pub fn finish(&mut self, reducer: &Reducer, out: &mut [Partial]) {
        assert!(out.len() == self.lanes, "`out` needs an element for each lane");
        (reducer.methods.finish_lanes)(self, out);
    }

    /// Borrows `N` groups of `W` rows, all different; each row has an element for each lane.
    #[inline(always)]
    pub(super) fn rows<T: Pattern, const W: usize, const N: usize>(
        &mut self,
        groups: [[usize; W]; N],
    ) -> [[&mut [T]; W]; N] {
        self.check(groups.as_flattened());
        // SAFETY: checked; this borrows them all.
        groups.map(|rows| rows.map(|row| unsafe { self.row(row) }))
    }

    /// Borrows two groups of `W` rows, all different, with elements of different types.
    #[inline(always)]
    pub(super) fn rows_of_two<T: Pattern, U: Pattern, const W: usize>(
        &mut self,
        groups: [[usize; W]; 2],
    ) -> ([&mut [T]; W], [&mut [U]; W]) {
        self.check(groups.as_flattened());
        // SAFETY: checked; this borrows them all.
        unsafe { (groups[0].map(|row| self.row(row)), groups[1].map(|row| self.row(row))) }
    }

    /// Asserts that rows exist and are different.
    #[inline(always)]
    fn check(&self, rows: &[usize]) {
        for (i, row) in rows.iter().enumerate() {
            assert!(*row < self.rows && !rows[..i].contains(row), "rows must exist and differ");
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
