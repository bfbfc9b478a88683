//! The ways to reduce, and their instances for each instruction set.

use super::{Columns, Partial, Sequence};
use crate::isa::Isa;

/// A way to reduce elements of one dtype.
///
/// Implementations of the unsafe functions are `#[inline(always)]`, so that they are compiled with
/// the instruction set of the shell they stand in.
pub(super) trait Method {
    /// Takes the next `n` elements of a sequence.
    ///
    /// # Safety
    /// The contract of [`Sequence::push`].
    unsafe fn push(sequence: &mut Sequence, a: *const u8, n: usize);
    /// Writes the accumulators of the block under way; the rows they have taken, or `None` within
    /// one.
    ///
    /// # Safety
    /// The contract of [`Runs::resume`](super::Runs::resume).
    unsafe fn resume(_: &mut Sequence, _: *mut u8) -> Option<usize> {
        None
    }
    /// Takes rows that code has accumulated.
    ///
    /// # Safety
    /// The contract of [`Runs::push`](super::Runs::push).
    unsafe fn push_runs(_: &mut Sequence, _: *const u8, _: usize, _: usize) {}
    /// Ends a sequence that has elements.
    fn finish(sequence: &mut Sequence) -> Partial;
    /// Rows of [`Columns`] that sequences of at most `length` elements need.
    fn rows(length: usize) -> usize;
    /// Takes the next element of every lane.
    ///
    /// # Safety
    /// The contract of [`Columns::push`].
    unsafe fn push_lanes(columns: &mut Columns, a: *const u8);
    /// Ends sequences that have elements.
    fn finish_lanes(columns: &mut Columns, out: &mut [Partial]);
    /// Two neighbours.
    fn combine(left: &Partial, right: &Partial) -> Partial;
}

type Push = unsafe fn(&mut Sequence, *const u8, usize);
type PushRuns = unsafe fn(&mut Sequence, *const u8, usize, usize);
type PushLanes = unsafe fn(&mut Columns, *const u8);

/// The functions of a [`Method`], compiled for an instruction set.
#[derive(Clone, Copy)]
pub(super) struct Methods {
    pub push: Push,
    pub resume: unsafe fn(&mut Sequence, *mut u8) -> Option<usize>,
    pub push_runs: PushRuns,
    pub finish: fn(&mut Sequence) -> Partial,
    pub rows: fn(usize) -> usize,
    pub push_lanes: PushLanes,
    pub finish_lanes: fn(&mut Columns, &mut [Partial]),
    pub combine: fn(&Partial, &Partial) -> Partial,
}

macro_rules! shells {
    ($push:ident, $push_runs:ident, $push_lanes:ident $(, $features:literal)?) => {
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
        unsafe fn $push_lanes<M: Method>(columns: &mut Columns, a: *const u8) {
            // SAFETY: the caller keeps the contract of `Columns::push`.
            unsafe { M::push_lanes(columns, a) }
        }
    };
}

shells!(baseline, baseline_runs, baseline_lanes);
#[cfg(target_arch = "x86_64")]
shells!(avx2, avx2_runs, avx2_lanes, "avx2,fma,bmi2");
#[cfg(target_arch = "x86_64")]
shells!(avx512, avx512_runs, avx512_lanes, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2");

impl Methods {
    pub(super) fn of<M: Method>(isa: Isa) -> Methods {
        let (push, push_runs, push_lanes): (Push, PushRuns, PushLanes) = match isa {
            // Code for AVX2 does: what is folded in any order already runs at the speed of the L1
            // cache.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::Avx512 => (avx2::<M>, avx2_runs::<M>, avx2_lanes::<M>),
            _ => (baseline::<M>, baseline_runs::<M>, baseline_lanes::<M>),
        };
        Methods {
            push,
            resume: M::resume,
            push_runs,
            finish: M::finish,
            rows: M::rows,
            push_lanes,
            finish_lanes: M::finish_lanes,
            combine: M::combine,
        }
    }

    /// The same of a method that gains from vectors of 512 bits.
    pub(super) fn of_wide<M: Method>(isa: Isa) -> Methods {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Methods {
                push: avx512::<M>,
                push_runs: avx512_runs::<M>,
                push_lanes: avx512_lanes::<M>,
                ..Methods::of::<M>(isa)
            },
            _ => Methods::of::<M>(isa),
        }
    }
}
