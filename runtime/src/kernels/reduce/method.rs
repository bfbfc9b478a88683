//! The algorithms of reductions, and their instances for each instruction set.

use super::{Columns, Partial, RowResults, Sequence, WholeRows};
use crate::isa::Isa;

/// An algorithm that reduces elements of one dtype.
///
/// Implementations of the unsafe functions are `#[inline(always)]`, so that they are compiled with
/// the instruction set of the shell that calls them.
pub(super) trait Method {
    /// Takes the next `n` elements of a sequence.
    ///
    /// # Safety
    /// The contract of [`Sequence::push`].
    unsafe fn push(sequence: &mut Sequence, a: *const u8, n: usize);
    /// Writes the accumulators of the unfinished block; returns the number of rows that they have
    /// taken, or `None` if the sequence ends within a row.
    ///
    /// # Safety
    /// The contract of [`Runs::resume`](super::Runs::resume).
    unsafe fn resume(_: &mut Sequence, _: *mut u8) -> Option<usize> {
        None
    }
    /// Takes rows that compiled code has accumulated.
    ///
    /// # Safety
    /// The contract of [`Runs::push`](super::Runs::push).
    unsafe fn push_runs(_: &mut Sequence, _: *const u8, _: usize, _: usize) {}
    /// Ends a sequence of at least one element.
    fn finish(sequence: &mut Sequence) -> Partial;
    /// The maximum length of rows that [`whole_rows`](Method::whole_rows) takes; 0 if it takes none.
    const LONGEST_ROW: usize = 0;
    /// Reduces rows that are whole sequences; a result has `size` bytes of the word of this number.
    ///
    /// # Safety
    /// The contract of [`Reducer::reduce_rows`](super::Reducer::reduce_rows).
    #[inline(always)]
    unsafe fn whole_rows(_: &WholeRows, _: &RowResults, _word: usize, _size: usize) {}
    /// The number of rows of [`Columns`] memory for sequences of at most `length` elements.
    fn rows(length: usize) -> usize;
    /// Takes the next element of every lane.
    ///
    /// # Safety
    /// The contract of [`Columns::push`].
    unsafe fn push_lanes(columns: &mut Columns, a: *const u8);
    /// Takes the next elements of every lane, in rows.
    ///
    /// # Safety
    /// The contract of [`Columns::push_rows`].
    #[inline(always)]
    unsafe fn push_rows(columns: &mut Columns, a: *const u8, stride: isize, rows: usize) {
        for row in 0..rows as isize {
            // SAFETY: the caller's promise.
            unsafe { Self::push_lanes(columns, a.wrapping_offset(row * stride)) };
        }
    }
    /// Ends sequences of at least one element; `out` gets a result for each lane.
    fn finish_lanes(columns: &mut Columns, out: &mut [Partial]);
    /// The partial result of two neighbours together.
    fn combine(left: &Partial, right: &Partial) -> Partial;
}

type Push = unsafe fn(&mut Sequence, *const u8, usize);
type Finish = unsafe fn(&mut Sequence) -> Partial;
type PushRuns = unsafe fn(&mut Sequence, *const u8, usize, usize);
type Rows = unsafe fn(&WholeRows, &RowResults, usize, usize);
type PushLanes = unsafe fn(&mut Columns, *const u8);
type PushRows = unsafe fn(&mut Columns, *const u8, isize, usize);

/// The functions of a [`Method`], compiled for an instruction set.
#[derive(Clone, Copy)]
pub(super) struct Methods {
    pub push: Push,
    pub resume: unsafe fn(&mut Sequence, *mut u8) -> Option<usize>,
    pub push_runs: PushRuns,
    pub finish: Finish,
    pub longest_row: usize,
    pub whole_rows: Rows,
    pub rows: fn(usize) -> usize,
    pub push_lanes: PushLanes,
    pub push_rows: PushRows,
    pub finish_lanes: fn(&mut Columns, &mut [Partial]),
    pub combine: fn(&Partial, &Partial) -> Partial,
}

/// Defines the functions of [`Methods`] with target features.
macro_rules! shells {
    (
        $push:ident, $push_runs:ident, $finish:ident, $whole_rows:ident, $push_lanes:ident,
        $push_rows:ident
        $(, $features:literal)?
    ) => {
        $(#[target_feature(enable = $features)])?
        unsafe fn $push<M: Method>(sequence: &mut Sequence, a: *const u8, n: usize) {
            // SAFETY: the caller keeps the contract of `Sequence::push`.
            unsafe { M::push(sequence, a, n) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn $push_runs<M: Method>(
            sequence: &mut Sequence,
            runs: *const u8,
            before: usize,
            rows: usize,
        ) {
            // SAFETY: the caller keeps the contract of `Runs::push`.
            unsafe { M::push_runs(sequence, runs, before, rows) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn $finish<M: Method>(sequence: &mut Sequence) -> Partial {
            M::finish(sequence)
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn $whole_rows<M: Method>(
            rows: &WholeRows,
            results: &RowResults,
            word: usize,
            size: usize,
        ) {
            // SAFETY: the caller keeps the contract of `Reducer::reduce_rows`.
            unsafe { M::whole_rows(rows, results, word, size) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn $push_lanes<M: Method>(columns: &mut Columns, a: *const u8) {
            // SAFETY: the caller keeps the contract of `Columns::push`.
            unsafe { M::push_lanes(columns, a) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn $push_rows<M: Method>(
            columns: &mut Columns,
            a: *const u8,
            stride: isize,
            rows: usize,
        ) {
            // SAFETY: the caller keeps the contract of `Columns::push_rows`.
            unsafe { M::push_rows(columns, a, stride, rows) }
        }
    };
}

shells!(baseline, baseline_runs, baseline_finish, baseline_whole, baseline_lanes, baseline_rows);
#[cfg(target_arch = "x86_64")]
shells!(avx2, avx2_runs, avx2_finish, avx2_whole, avx2_lanes, avx2_rows, "avx2,fma,bmi2");
#[cfg(target_arch = "x86_64")]
shells!(
    avx512,
    avx512_runs,
    avx512_finish,
    avx512_whole,
    avx512_lanes,
    avx512_rows,
    "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2"
);

impl Methods {
    /// The instances of a method.
    pub(super) fn of<M: Method>(isa: Isa) -> Methods {
        type Shells = (Push, PushRuns, Finish, Rows, PushLanes, PushRows);
        let (push, push_runs, finish, whole_rows, push_lanes, push_rows): Shells = match isa {
            // AVX2 is enough for AVX-512 machines: folds in any order already run at the speed of
            // the L1 cache.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::Avx512 => (
                avx2::<M>,
                avx2_runs::<M>,
                avx2_finish::<M>,
                avx2_whole::<M>,
                avx2_lanes::<M>,
                avx2_rows::<M>,
            ),
            _ => (
                baseline::<M>,
                baseline_runs::<M>,
                baseline_finish::<M>,
                baseline_whole::<M>,
                baseline_lanes::<M>,
                baseline_rows::<M>,
            ),
        };
        Methods {
            push,
            resume: M::resume,
            push_runs,
            finish,
            longest_row: M::LONGEST_ROW,
            whole_rows,
            rows: M::rows,
            push_lanes,
            push_rows,
            finish_lanes: M::finish_lanes,
            combine: M::combine,
        }
    }

    /// The instances of a method that gains from 512-bit vectors.
    pub(super) fn of_wide<M: Method>(isa: Isa) -> Methods {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Methods {
                push: avx512::<M>,
                push_runs: avx512_runs::<M>,
                finish: avx512_finish::<M>,
                whole_rows: avx512_whole::<M>,
                push_lanes: avx512_lanes::<M>,
                push_rows: avx512_rows::<M>,
                ..Methods::of::<M>(isa)
            },
            _ => Methods::of::<M>(isa),
        }
    }
}
