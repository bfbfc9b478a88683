//! Operands in stores, which are read and written in chunks.

use super::Loop;
use super::operand::Bound;
use super::run::Block;
use super::scratch::Worker;
use crate::chunk::Chunk;
use crate::control::{Control, Stop};
use crate::location::Location;
use crate::storage::Storage;

impl Loop {
    /// The chunk of operand `i` for a block, if the operand is in a store.
    pub(super) fn chunk<'a>(
        &'a self,
        control: &'a Control,
        i: usize,
        block: &Block,
    ) -> Option<Chunk<'a>> {
        let Bound { operand, direction, .. } = &self.operands[i];
        let Storage { location, format } = &operand.storage;
        let (store, offset) = match location {
            Location::Store { store, offset } => (store, offset),
            Location::Memory(_) | Location::Scratch(_) => return None,
        };
        Some(Chunk {
            store,
            control,
            direction: *direction,
            nest: &self.nest,
            path: &operand.path,
            format: *format,
            base: offset + operand.outer_turn(&self.nest, block.outer),
            rows: block.rows.clone(),
            columns: block.columns.clone(),
        })
    }

    /// Reads the chunks of inputs into their buffers, and sets the row strides of all buffers.
    ///
    /// # Safety
    /// The block is part of the nest.
    pub(super) unsafe fn fetch(
        &self,
        control: &Control,
        worker: &mut Worker,
        block: &Block,
    ) -> Result<(), Stop> {
        for i in 0..self.operands.len() {
            let Some(chunk) = self.chunk(control, i, block) else { continue };
            let (buffer, pitch) = &mut worker.buffers[i];
            if self.operands[i].output {
                *pitch = block.columns.len() * chunk.format.size();
                continue;
            }
            *pitch = chunk.pitch();
            if self.operands[i].shared {
                continue;
            }
            // SAFETY: buffers have room for any block of the grid.
            unsafe { chunk.fetch(*buffer, worker.picked) }?;
        }
        Ok(())
    }

    /// Writes the chunks of outputs and the buffered results to their stores.
    ///
    /// # Safety
    /// As [`Loop::fetch`], after all rows of the block.
    pub(super) unsafe fn flush(
        &self,
        control: &Control,
        worker: &mut Worker,
        block: &Block,
    ) -> Result<(), Stop> {
        for i in 0..self.operands.len() {
            let Some(chunk) = self.chunk(control, i, block) else { continue };
            if self.operands[i].output {
                // SAFETY: the rows have filled the buffer.
                unsafe { chunk.flush(worker.buffers[i].0, worker.picked) }?;
            }
        }
        self.folds
            .iter()
            .zip(&mut worker.results)
            .try_for_each(|(fold, results)| fold.finish(results))
    }
}
