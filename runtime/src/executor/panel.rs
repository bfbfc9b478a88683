//! Panels: copies of blocks of rows and columns of an operand whose columns are far apart in
//! memory.

use std::ops::Range;

use super::Loop;
use super::operand::{Access, Bound, Operand};
use super::partition::count;
use super::scratch::Worker;
use crate::chunk::steps;
use crate::nest::Nest;
use crate::nontemporal;
use crate::reduce::Sequence;
use crate::strided::{Panel, gather, gather_block, scatter, scatter_block};

/// The maximum number of bytes of all panels and of the sequences of their rows.
pub(super) const PANELS: usize = 512 << 10;
/// The size in bytes of a page, beyond which the hardware does not prefetch.
pub(super) const PAGE: usize = 4096;
/// The number of elements of a panel of one row.
pub(super) const FLAT_PANEL: usize = 16 << 10;

/// The extents of panels. If no operand needs panels, a panel is a whole row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// The number of rows of the first panel of an axis.
    pub(super) first: usize,
    /// The number of rows of the other panels.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The stride in bytes from row to row of a copy; 0 if panels have one row.
    pub(super) stride: usize,
}

impl Shape {
    /// The shape that suits the first operand that needs panels.
    pub(super) fn new(operands: &[Bound], nest: &Nest, folds: usize) -> Shape {
        let paneled = |o: &&Bound| matches!(o.access, Access::Panel(_));
        let Some(Bound { operand, size, .. }) = operands.iter().find(paneled) else {
            return Shape { first: 1, rows: 1, columns: usize::MAX, stride: 0 };
        };
        let [step] = *operand.path.columns else {
            return Shape { first: 1, rows: 1, columns: FLAT_PANEL, stride: 0 };
        };
        let array = operand.first().unwrap_or(std::ptr::null_mut());
        let Panel { first, rows, columns } = Panel::new(array, step, *size);
        let widest = operands.iter().map(|o| o.size).max().unwrap_or(8);
        // At least a page, so that pieces of rows of the other operands are not too short.
        let columns = columns.max(PAGE / widest);
        let columns = columns.min(count(&nest.columns).next_power_of_two().max(64));
        // One line more than needed, so that rows do not share cache sets.
        let stride = columns * widest + 64;
        let panels = operands.iter().filter(paneled).count();
        // Each row has a sequence for each fold.
        let row = panels * stride + folds * Sequence::BUSY;
        let line = (64 / (*size).max(1)).max(1);
        let most = (PANELS / row / line * line).max(1);
        let most = nest.rows.last().copied().unwrap_or(1).clamp(1, most);
        Shape { first: first.min(most), rows: rows.min(most), columns, stride }
    }

    /// The maximum number of rows of a panel.
    pub(super) fn most_rows(&self) -> usize {
        self.rows.max(self.first)
    }

    /// The end of the panel that contains a row of an axis.
    pub(super) fn end(&self, row: usize) -> usize {
        match row.checked_sub(self.first) {
            None => self.first,
            Some(after) => self.first + (after / self.rows + 1) * self.rows,
        }
    }
}

impl Loop {
    /// The end of the panel that starts at `row`; no panel reaches beyond the innermost axis of
    /// rows.
    pub(super) fn panel_end(&self, row: usize, end: usize) -> usize {
        if self.panel.stride == 0 {
            return row + 1;
        }
        let extent = self.nest.rows.last().copied().unwrap_or(1);
        let at = row % extent;
        end.min(row - at + self.panel.end(at).min(extent))
    }

    /// Prefetches the next panel's elements of inputs that are used in place: their rows are far
    /// apart, so the hardware does not prefetch them.
    pub(super) fn foresee(&self, worker: &Worker, rows: &Range<usize>, columns: Range<usize>) {
        for (i, Bound { operand, size, output, access, .. }) in self.operands.iter().enumerate() {
            if *output || *access != Access::InPlace || operand.is_buffered() {
                continue;
            }
            let repeats = operand.path.rows.last() == Some(&0);
            for row in rows.clone().take(if repeats { 1 } else { rows.len() }) {
                let offset = steps(&self.nest.rows, &operand.path.rows, row);
                let row = worker.outer[i].wrapping_offset(offset);
                let first = row.wrapping_add(columns.start * size);
                nontemporal::prefetch(first, columns.len() * size);
            }
        }
    }

    /// Copies the elements of inputs into panels.
    ///
    /// # Safety
    /// The rows and columns are the nest's, with operands as [`Loop::run`] requires.
    pub(super) unsafe fn fill_panels(
        &self,
        worker: &mut Worker,
        rows: &Range<usize>,
        columns: Range<usize>,
    ) {
        for (i, Bound { operand, size, output, access, .. }) in self.operands.iter().enumerate() {
            let Access::Panel(number) = *access else { continue };
            if *output {
                continue;
            }
            let (panel, size) = (worker.panels[number], *size);
            let offset = steps(&self.nest.rows, &operand.path.rows, rows.start);
            let base = worker.outer[i].wrapping_offset(offset);
            // SAFETY: the elements are the operand's; the panel has room for them.
            unsafe {
                match (&*operand.path.columns, operand.path.rows.last()) {
                    ([step], Some(row_step)) => gather_block(
                        panel,
                        self.panel.stride,
                        base.wrapping_offset(columns.start as isize * step),
                        rows.len(),
                        *row_step,
                        columns.len(),
                        *step,
                        size,
                    ),
                    (strides, _) => gather(
                        panel,
                        base,
                        &self.nest.columns,
                        strides,
                        size,
                        columns.start,
                        columns.len(),
                    ),
                }
                for row in self.coded_rows(operand, rows.len()) {
                    let row = panel.add(row * self.panel.stride);
                    operand.storage.format.decode(row, columns.len());
                }
            }
        }
    }

    /// The rows of a panel that must be decoded, or encoded.
    fn coded_rows(&self, operand: &Operand, rows: usize) -> Range<usize> {
        let native = operand.storage.format.is_native();
        0..if native { 0 } else { rows }
    }

    /// Copies panels to the elements of outputs.
    ///
    /// # Safety
    /// As [`Loop::fill_panels`]; outputs are writable.
    pub(super) unsafe fn drain_panels(
        &self,
        worker: &mut Worker,
        rows: &Range<usize>,
        columns: Range<usize>,
    ) {
        for (i, Bound { operand, size, output, access, .. }) in self.operands.iter().enumerate() {
            let Access::Panel(number) = *access else { continue };
            if !*output {
                continue;
            }
            let (panel, size) = (worker.panels[number], *size);
            let offset = steps(&self.nest.rows, &operand.path.rows, rows.start);
            let base = worker.outer[i].wrapping_offset(offset);
            // SAFETY: the elements are the operand's, and the tiles have written the panel.
            unsafe {
                for row in self.coded_rows(operand, rows.len()) {
                    let row = panel.add(row * self.panel.stride);
                    operand.storage.format.encode(row, columns.len());
                }
                match (&*operand.path.columns, operand.path.rows.last()) {
                    ([step], Some(row_step)) => scatter_block(
                        base.wrapping_offset(columns.start as isize * step),
                        rows.len(),
                        *row_step,
                        columns.len(),
                        *step,
                        panel,
                        self.panel.stride,
                        size,
                    ),
                    (strides, _) => scatter(
                        base,
                        panel,
                        &self.nest.columns,
                        strides,
                        size,
                        columns.start,
                        columns.len(),
                    ),
                }
            }
        }
    }
}
