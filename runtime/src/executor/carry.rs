//! Results of reductions: written when a sequence ends or, if it was split, combined from the
//! partial results of its pieces.

use std::ops::Range;

use super::Loop;
use super::operand::Bound;
use super::run::Place;
use super::scratch::Worker;
use crate::chunk::Results;
use crate::control::{Control, Stop};
use crate::nest::Along;
use crate::reduce::{Partial, RowResults, Runs, Tree, WholeRows};

/// The number of elements of the rows that are reduced by one call.
const FEW: usize = 2 << 10;

/// The number of sequences that are finished between two checks of the control.
pub(super) const BETWEEN_LOOKS: usize = 1024;

impl Loop {
    /// The number of sequences.
    pub(super) fn sequences(&self) -> usize {
        match self.nest.along {
            Along::Nothing => 0,
            Along::Columns => self.grid.rows,
            Along::Rows => self.grid.outers * self.grid.columns,
        }
    }

    /// Writes the results of sequences that were split, or that have no elements.
    ///
    /// # Safety
    /// Results are writable.
    pub(super) unsafe fn combine(&mut self, control: &Control) -> Result<(), Stop> {
        let (sequences, folds) = (self.sequences(), self.folds.len());
        let empty = match self.nest.along {
            Along::Nothing => false,
            Along::Columns => self.grid.columns == 0,
            Along::Rows => self.grid.rows == 0,
        };
        if self.partials.is_empty() && !empty {
            return Ok(());
        }
        let mut tree = Tree::new();
        let results = &mut self.workers[0].get_mut().results;
        for ((i, fold), results) in self.folds.iter().enumerate().zip(results) {
            let nothing = fold.reducer.result(None);
            for sequence in 0..sequences {
                if sequence % BETWEEN_LOOKS == 0 {
                    control.check()?;
                }
                let mut result = nothing;
                if !empty {
                    tree.clear();
                    let pieces = self.partials.len() / (folds * sequences);
                    for piece in 0..pieces {
                        let at = (piece * folds + i) * sequences + sequence;
                        if let Some(partial) = *self.partials[at].get_mut() {
                            tree.push_block(&fold.reducer, self.level, partial);
                        }
                    }
                    result = fold.reducer.result(tree.finish(&fold.reducer).as_ref());
                }
                // SAFETY: the sequence is one of the nest's.
                unsafe { fold.write(&self.nest, &self.grid, sequence, result, results) }?;
            }
            fold.finish(results)?;
        }
        Ok(())
    }

    /// Writes the result of a sequence or, if sequences are split, stores the partial result of one
    /// piece.
    ///
    /// # Safety
    /// No other thread stores the same piece; results are writable.
    pub(super) unsafe fn keep(
        &self,
        fold: usize,
        sequence: usize,
        piece: usize,
        partial: Option<Partial>,
        results: &mut Results,
    ) -> Result<(), Stop> {
        if self.partials.is_empty() {
            let fold = &self.folds[fold];
            let result = fold.reducer.result(partial.as_ref());
            // SAFETY: the sequence is one of the nest's.
            return unsafe { fold.write(&self.nest, &self.grid, sequence, result, results) };
        }
        let at = (piece * self.folds.len() + fold) * self.sequences() + sequence;
        // SAFETY: the caller's promise.
        unsafe { *self.partials[at].get() = partial };
        Ok(())
    }

    /// Reduces rows that are whole sequences.
    ///
    /// # Errors
    /// [`Stop`] if the control stops the run.
    ///
    /// # Safety
    /// The rows are the loop's, of operands as [`Loop::run`] requires.
    pub(super) unsafe fn reduce_rows(
        &self,
        worker: &mut Worker,
        rows: &Range<usize>,
        control: &Control,
    ) -> Result<(), Stop> {
        // So many that they stay in L1 until the last fold has taken them.
        let length = self.grid.columns;
        let step = (FEW / length).max(1);
        for start in rows.clone().step_by(step) {
            control.check()?;
            let count = rows.end.min(start + step) - start;
            let each = self.folds.iter().zip(&self.carries).enumerate();
            for (i, (fold, carry)) in each {
                let sequence = &mut worker.sequences[i * self.panel.most_rows()];
                let number = carry.values - 1;
                let stride = self.operands[number].operand.path.rows[0];
                let first = worker.outer[number].wrapping_offset(stride * start as isize);
                let taken = WholeRows { first, stride, count, length };
                let stride = fold.path.rows[0];
                let Some(first) = fold.first() else { continue };
                let first = first.wrapping_offset(stride * start as isize);
                let results = RowResults { first, stride };
                // SAFETY: the caller's promise.
                unsafe { fold.reducer.reduce_rows(&taken, &results, sequence) };
            }
        }
        Ok(())
    }

    /// Sets the states of the carries: the rows of a tile that the code accumulates, and where.
    ///
    /// # Safety
    /// As [`Loop::run_part`], before the tile function.
    #[inline]
    pub(super) unsafe fn resume(&self, worker: &mut Worker, place: &Place, n: usize) {
        // Rows have 32 or 64 lanes. Folds with the same number of lanes have taken the same
        // elements, so they have the same number of rows before this tile.
        let class = |runs: &Runs| runs.row().ilog2() as usize & 1;
        let mut before = [0; 2];
        let mut whole = true;
        let first = place.at;
        let sequences = worker.sequences.iter_mut().skip(first).step_by(self.panel.most_rows());
        for ((fold, state), sequence) in self.folds.iter().zip(&worker.states).zip(sequences) {
            let Some(runs) = fold.runs.as_ref().filter(|_| !state.is_null()) else {
                whole &= state.is_null();
                continue;
            };
            // SAFETY: the state is the worker's, with room for runs.
            match unsafe { runs.resume(sequence, (**state).runs) } {
                Some(rows) => before[class(runs)] = before[class(runs)].max(rows),
                None => whole = false,
            }
        }
        for (fold, state) in self.folds.iter().zip(&worker.states) {
            // SAFETY: as above.
            let Some(state) = (unsafe { state.as_mut() }) else { continue };
            let Some(runs) = fold.runs.as_ref().filter(|_| whole) else {
                state.rows = 0;
                continue;
            };
            (state.rows, state.before) = (n / runs.row(), before[class(runs)]);
            if state.before > 0 {
                // SAFETY: as above.
                unsafe { runs.begin(state.runs) };
            }
        }
    }

    /// The stride in bytes from row to row of the elements that a fold takes from a tile.
    fn bundled_stride(&self, fold: usize) -> isize {
        let values = self.carries[fold].values;
        match self.operands.get(values - 1) {
            Some(Bound { operand, .. }) => operand.path.rows[0],
            // In a slot, rows are adjacent.
            None => (self.grid.columns * self.folds[fold].reducer.lane_bytes()) as isize,
        }
    }

    /// Adds the elements that a tile has left in memory, and its runs, to the sequences.
    ///
    /// # Safety
    /// As [`Loop::run_part`], after the tile function.
    #[inline]
    pub(super) unsafe fn reduce(&self, worker: &mut Worker, place: &Place, n: usize) {
        for (i, fold) in self.folds.iter().enumerate() {
            let values = worker.table[self.carries[i].values];
            // SAFETY: there are `n` values, and lanes are not split; those that were accumulated
            // are in the runs of the worker's state.
            unsafe {
                match self.nest.along {
                    Along::Nothing => {}
                    Along::Columns => {
                        let sequence = &mut worker.sequences[i * self.panel.most_rows() + place.at];
                        let (mut values, mut n) = (values, n);
                        if let (Some(state), Some(runs)) = (worker.states[i].as_ref(), &fold.runs)
                            && state.rows > 0
                        {
                            runs.push(sequence, state.runs, state.before, state.rows);
                            let taken = state.rows * runs.row();
                            n -= taken;
                            values = values.wrapping_add(taken * fold.reducer.lane_bytes());
                        }
                        if n > 0 {
                            sequence.push(&fold.reducer, values, n);
                        }
                    }
                    Along::Rows => {
                        let tiles = worker.columns.len() / self.folds.len();
                        let columns = &mut worker.columns[i * tiles + place.in_block];
                        if place.rows == 1 {
                            columns.push(&fold.reducer, values);
                        } else {
                            let stride = self.bundled_stride(i);
                            columns.push_rows(&fold.reducer, values, stride, place.rows);
                        }
                    }
                }
            }
        }
    }
}
