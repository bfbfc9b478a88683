//! The results of reductions: written when a sequence ends or, if it is cut, combined from its
//! pieces.

use super::Loop;
use super::run::Place;
use super::scratch::Worker;
use crate::control::{Control, Stop};
use crate::fault::{Fault, injected};
use crate::nest::Along;
use crate::reduce::{Partial, Tree};
use crate::window::Results;

/// Sequences that are finished between two looks at the control.
pub(super) const BETWEEN_LOOKS: usize = 1024;

impl Loop {
    /// Sequences.
    pub(super) fn sequences(&self) -> usize {
        match self.nest.along {
            Along::Nothing => 0,
            Along::Columns => self.grid.rows,
            Along::Rows => self.grid.outers * self.grid.columns,
        }
    }

    /// Results of sequences that were cut, and of those without elements.
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
                        let turned = injected(Fault::PiecesReversed);
                        let piece = if turned { pieces - 1 - piece } else { piece };
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

    /// # Safety
    /// One thread at a time keeps a piece of a sequence; results are writable.
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

    /// # Safety
    /// As [`Loop::run_part`], after the tile function.
    #[inline]
    pub(super) unsafe fn reduce(&self, worker: &mut Worker, place: &Place, n: usize) {
        for (i, fold) in self.folds.iter().enumerate() {
            let values = worker.table[self.reduced[i]];
            // SAFETY: there are `n` values, and lanes are not cut.
            unsafe {
                match self.nest.along {
                    Along::Nothing => {}
                    Along::Columns => {
                        let sequence = &mut worker.sequences[i * self.panel.most_rows() + place.at];
                        sequence.push(&fold.reducer, values, n);
                    }
                    Along::Rows => {
                        let tiles = worker.columns.len() / self.folds.len();
                        worker.columns[i * tiles + place.in_block].push(&fold.reducer, values);
                    }
                }
            }
        }
    }
}
