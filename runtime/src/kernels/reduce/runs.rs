//! Runs: the accumulators that compiled code computes in registers, block by block.
//!
//! The code reads a sequence in *rows*, of as many lanes as a block has accumulators, and 16 rows a
//! block, as the [module](crate::reduce) says. After each block it writes the accumulators to
//! memory, as a *run*: a row for each word of an accumulator. Reductions without rounding may add
//! lanes of a row in any order, in wider elements: see [`Runs::lane`].

use super::{Order, RUN, Reducer, Reduction, Sequence};
use crate::convert::Lane;
use crate::dtype::DType;
use crate::isa::Isa;

/// The number of rows of a block: the elements that an accumulator takes one after another.
pub const ROWS: usize = RUN;

/// The number of lanes of a row.
pub const fn row_lanes(lane_bytes: usize) -> usize {
    Order::Row.accumulators(lane_bytes)
}

/// A reduction whose elements compiled code accumulates.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// Takes runs: as accumulators if the reduction rounds, otherwise as elements.
    reducer: Reducer,
    rounds: bool,
    /// The number of lanes of a row.
    row: usize,
    row_bytes: usize,
    /// The number of words of an accumulator.
    words: usize,
}

impl Runs {
    /// The lane of a run's elements, if compiled code can accumulate elements of `lane`.
    ///
    /// Sums of integers are wide enough that no run overflows; sums of masks count the true lanes;
    /// other elements keep their lane.
    pub const fn lane(reduction: Reduction, lane: Lane) -> Option<Lane> {
        use DType::{Bool, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
        let wide = match (reduction, lane) {
            (Reduction::Sum, Lane::Value(dtype)) => match dtype {
                F32 | F64 | I64 | U64 => dtype,
                I32 => I64,
                U32 => U64,
                I16 => I32,
                U16 => U32,
                I8 => I16,
                U8 => U16,
                _ => return None,
            },
            (Reduction::Sum, Lane::Mask(8)) => U8,
            (Reduction::Sum, Lane::Mask(16)) => U16,
            (Reduction::Sum, Lane::Mask(32)) => U32,
            (Reduction::Sum, Lane::Mask(64)) => U64,
            (Reduction::Any | Reduction::All, Lane::Mask(_)) => return Some(lane),
            (Reduction::Argmin | Reduction::Argmax, _) => return None,
            (_, Lane::Value(Bool) | Lane::Mask(_)) => return None,
            (_, Lane::Value(dtype)) if reduction.takes(dtype) => dtype,
            _ => return None,
        };
        Some(Lane::Value(wide))
    }

    /// The runs of a reduction, if compiled code can accumulate such lanes in this order.
    pub fn new(reduction: Reduction, lane: Lane, order: Order, isa: Isa) -> Option<Runs> {
        let run = Runs::lane(reduction, lane)?;
        let rounds = match (reduction, lane) {
            (Reduction::Sum | Reduction::Prod | Reduction::SquaredDeviations, Lane::Value(x)) => {
                x.is_float()
            }
            _ => false,
        };
        if rounds && order == Order::Column {
            return None;
        }
        let reducer = Reducer::of_lane(reduction, run, order, isa)?;
        let words = if reduction == Reduction::SquaredDeviations { 3 } else { 1 };
        let row = row_lanes(lane.bytes());
        Some(Runs { reducer, rounds, row, row_bytes: row * lane.bytes(), words })
    }

    /// The number of lanes of a row.
    pub fn row(&self) -> usize {
        self.row
    }

    /// The initial value of an element of a run, as a bit pattern in the low bytes: the identity of
    /// the reduction. For squared deviations, the initial mean and sum.
    pub fn identity(reduction: Reduction, run: Lane) -> u64 {
        match (reduction, run) {
            (Reduction::Sum, Lane::Value(DType::F32)) => (-0.0_f32).to_bits().into(),
            (Reduction::Sum, Lane::Value(DType::F64)) => (-0.0_f64).to_bits(),
            (Reduction::All, Lane::Mask(_)) => u64::MAX,
            (_, Lane::Value(dtype)) => reduction.empty(dtype).unwrap_or(0),
            (_, Lane::Mask(_)) => 0,
        }
    }

    /// Writes the initial accumulators of a block in which other carries have taken rows, but this
    /// one has not. Does nothing if [`resume`](Runs::resume) writes them.
    ///
    /// # Safety
    /// `runs` has room for a run.
    pub unsafe fn begin(&self, runs: *mut u8) {
        if self.rounds {
            return;
        }
        let size = self.reducer.lane_bytes();
        let identity = Runs::identity(self.reducer.reduction, self.reducer.lane).to_le_bytes();
        for at in (0..self.row_bytes).step_by(size) {
            // SAFETY: the caller's promise.
            unsafe { runs.add(at).copy_from_nonoverlapping(identity.as_ptr(), size) };
        }
    }

    /// The size in bytes of the runs of `rows` rows, the first of which may lie within a block.
    pub fn bytes(&self, rows: usize) -> usize {
        (rows / ROWS + 2) * self.row_bytes * self.words
    }

    /// Writes the accumulators of the unfinished block, with which compiled code continues. Returns
    /// the number of rows that they have taken, or `None` if the sequence ends within a row.
    ///
    /// # Safety
    /// `runs` has room for a run; the sequence was started with a reducer of this reduction.
    pub unsafe fn resume(&self, sequence: &mut Sequence, runs: *mut u8) -> Option<usize> {
        if !self.rounds {
            return Some(0);
        }
        // SAFETY: the caller's promise.
        unsafe { (self.reducer.methods.resume)(sequence, runs) }
    }

    /// Takes `rows` rows that compiled code has accumulated, after `before` rows of the unfinished
    /// block.
    ///
    /// # Safety
    /// `runs` holds their runs; [`resume`](Runs::resume) has returned `before`.
    pub unsafe fn push(
        &self,
        sequence: &mut Sequence,
        runs: *const u8,
        before: usize,
        rows: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.rounds {
                (self.reducer.methods.push_runs)(sequence, runs, before, rows);
            } else {
                let bytes = (before + rows).div_ceil(ROWS) * self.row_bytes;
                sequence.push(&self.reducer, runs, bytes / self.reducer.lane_bytes());
            }
        }
    }
}
