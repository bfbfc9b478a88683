//! Elements that compiled code accumulates in registers, block after block.
//!
//! Code takes a sequence in *rows* of as many lanes as a block has accumulators, and 16 rows to a
//! block, as the [module](crate::reduce) says. Of each block it leaves the accumulators in memory:
//! its *run*. A run has as many bytes as a row, for each word of an accumulator. Reductions that
//! round nothing may add up lanes of a row in any way, in wider elements: see [`Runs::lane`].

use super::{Order, RUN, Reducer, Reduction, Sequence};
use crate::convert::Lane;
use crate::dtype::DType;
use crate::isa::Isa;

/// How many rows a block has: the elements that an accumulator takes one after another.
pub const ROWS: usize = RUN;

/// The lanes of a row.
pub const fn row_lanes(lane_bytes: usize) -> usize {
    Order::Row.accumulators(lane_bytes)
}

/// A reduction whose elements code accumulates.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// Takes the elements of a run, or whole runs if the order of elements decides bits.
    reducer: Reducer,
    rounds: bool,
    /// Lanes of a row, and their bytes.
    row: usize,
    row_bytes: usize,
    words: usize,
}

impl Runs {
    /// The lane of a run's elements, if code can accumulate elements of a lane at all.
    ///
    /// Sums of integers are as wide as no run can overflow, those of masks count the true ones;
    /// everything else stays in its lane.
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

    /// The runs of a reduction of lanes, if code can accumulate them in this order.
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

    /// Lanes of a row.
    pub fn row(&self) -> usize {
        self.row
    }

    /// What an element of a run begins as, as a bit pattern in the low bytes: it leaves every other
    /// as it is. Of squared deviations: what their means and sums begin as.
    pub fn identity(reduction: Reduction, run: Lane) -> u64 {
        match (reduction, run) {
            (Reduction::Sum, Lane::Value(DType::F32)) => (-0.0_f32).to_bits().into(),
            (Reduction::Sum, Lane::Value(DType::F64)) => (-0.0_f64).to_bits(),
            (Reduction::All, Lane::Mask(_)) => u64::MAX,
            (_, Lane::Value(dtype)) => reduction.empty(dtype).unwrap_or(0),
            (_, Lane::Mask(_)) => 0,
        }
    }

    /// Writes the accumulators of a block in which other carries have taken rows, and this one
    /// none, unless [`resume`](Runs::resume) writes them.
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

    /// Bytes of the runs of `rows` rows, the first of which may stand within a block.
    pub fn bytes(&self, rows: usize) -> usize {
        (rows / ROWS + 2) * self.row_bytes * self.words
    }

    /// Writes the accumulators of the block under way, which code goes on with. The number of rows
    /// that they have taken; `None` if the sequence stands within a row.
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

    /// Takes `rows` rows that code has accumulated, after `before` rows of the block under way.
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
