//! A run of a loop: its units, their rows and tiles.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Loop;
use super::operand::{Access, Bound, Operand};
use super::scratch::Worker;
use crate::chunk::steps;
use crate::control::{Control, Progress, Stop};
use crate::format::Format;
use crate::location::Location;
use crate::nest::Along;
use crate::nontemporal::{self, Stream};
use crate::strided::{gather, scatter};

/// The state that the threads of a run share.
#[derive(Default)]
pub(super) struct State {
    flags: AtomicU32,
    stopped: AtomicBool,
    /// The first reason to stop.
    stop: Mutex<Option<Stop>>,
}

impl State {
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The flags of a finished run.
    ///
    /// # Errors
    /// The reason why the run was stopped.
    pub(super) fn end(self) -> Result<u32, Stop> {
        match self.stop.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(stop) => Err(stop),
            None => Ok(self.flags.into_inner()),
        }
    }
}

/// A run of a loop.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) work: &'a Loop,
    pub(super) control: &'a Control,
    pub(super) progress: Option<&'a Progress>,
    pub(super) state: &'a State,
}

/// A guard that stops the other threads of a run if a thread panics, for example in a source.
struct Unwound<'a>(&'a AtomicBool);

impl Drop for Unwound<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A block of rows and columns of an outer iteration.
pub(super) struct Block {
    pub(super) outer: usize,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

impl Run<'_> {
    /// Runs the next units until there are no more or the run is stopped.
    pub(super) fn units(&self, next: &AtomicUsize, units: usize, worker: usize) {
        while !self.state.is_stopped() {
            let unit = next.fetch_add(1, Ordering::Relaxed);
            if unit >= units {
                return;
            }
            self.unit(unit, worker);
        }
    }

    /// Runs a unit of the loop's grid.
    pub(super) fn unit(&self, unit: usize, worker: usize) {
        self.block(&self.work.grid.block(unit), worker);
    }

    /// Runs a block of the loop, unless the run is stopped.
    pub(super) fn block(&self, block: &Block, worker: usize) {
        let state = self.state;
        if state.is_stopped() {
            return;
        }
        // SAFETY: the driver gives a worker's number to one thread at a time, so this is the only
        // reference to the worker.
        let worker = unsafe { &mut *self.work.workers[worker].get() };
        let unwound = Unwound(&state.stopped);
        let done = self.compute(block, worker);
        std::mem::forget(unwound);
        match done {
            Ok(0) => {}
            Ok(flags) => {
                state.flags.fetch_or(flags, Ordering::Relaxed);
            }
            Err(stop) => {
                state.stopped.store(true, Ordering::Relaxed);
                state.stop.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(stop);
            }
        }
    }

    /// Computes a block. Returns advisory flags.
    fn compute(&self, block: &Block, worker: &mut Worker) -> Result<u32, Stop> {
        let work = self.work;
        let grid = &work.grid;
        for (Bound { operand, .. }, base) in work.operands.iter().zip(&mut worker.outer) {
            if let Location::Memory(first) = operand.storage.location {
                *base = first.wrapping_offset(operand.outer_turn(&work.nest, block.outer));
            }
        }
        worker.first = [block.rows.start, block.columns.start];
        worker.streams.iter_mut().for_each(Stream::clear);
        if work.whole_rows {
            // SAFETY: the rows are the nest's, for which operands are valid and results writable.
            unsafe { work.reduce_rows(worker, &block.rows, self.control) }?;
            if let Some(progress) = self.progress {
                progress.add((block.rows.len() * grid.columns) as u64);
            }
            return Ok(0);
        }
        if work.stored {
            self.control.check()?;
            // SAFETY: the block is part of the nest.
            unsafe { work.fetch(self.control, worker, block) }?;
        }
        if work.nest.along == Along::Rows {
            let tiles = grid.tiles(work.tile);
            for (fold, columns) in work.folds.iter().zip(worker.columns.chunks_exact_mut(tiles)) {
                for (tile, columns) in block.columns.clone().step_by(work.tile).zip(columns) {
                    let lanes = (block.columns.end - tile).min(work.tile);
                    columns.start(&fold.reducer, lanes, block.rows.start as u64);
                }
            }
        }
        if work.scans && work.nest.along == Along::Rows {
            work.begin_scans(worker, block);
            let led = block.rows.start.saturating_sub(work.lead)..block.rows.start;
            self.lead(worker, led, block.columns.clone())?;
        }
        let mut flags = 0;
        let mut row = block.rows.start;
        while row < block.rows.end {
            if work.bundle > 1 {
                let rows = row..block.rows.end.min(row + work.bundle);
                row = rows.end;
                flags |= self.bundle(worker, rows, &block.columns)?;
                continue;
            }
            let rows = row..work.panel_end(row, block.rows.end);
            row = rows.end;
            flags |= self.rows(worker, rows.clone(), &block.columns)?;
            if work.nest.along == Along::Columns {
                for (i, fold) in work.folds.iter().enumerate() {
                    for (at, row) in rows.clone().enumerate() {
                        let sequence = &mut worker.sequences[i * work.panel.most_rows() + at];
                        let partial = sequence.finish(&fold.reducer);
                        let results = &mut worker.results[i];
                        // SAFETY: only this unit finishes this piece of the sequence.
                        unsafe {
                            work.keep(
                                i,
                                row,
                                block.columns.start / grid.column_step,
                                partial,
                                results,
                            )
                        }?;
                    }
                }
            }
        }
        if work.nest.along == Along::Rows {
            let tiles = grid.tiles(work.tile);
            for (i, fold) in work.folds.iter().enumerate() {
                for (at, tile) in block.columns.clone().step_by(work.tile).enumerate() {
                    let lanes = (block.columns.end - tile).min(work.tile);
                    let finished = &mut worker.finished[..lanes];
                    worker.columns[i * tiles + at].finish(&fold.reducer, finished);
                    let first = block.outer * grid.columns + tile;
                    for (at, partial) in finished.iter().enumerate() {
                        let results = &mut worker.results[i];
                        // SAFETY: as above.
                        unsafe {
                            work.keep(
                                i,
                                first + at,
                                block.rows.start / grid.row_step,
                                Some(*partial),
                                results,
                            )
                        }?;
                    }
                }
            }
        }
        if work.stored {
            // SAFETY: as above; the tiles have written the buffers of outputs.
            unsafe { work.flush(self.control, worker, block) }?;
        }
        if work.streams {
            // SAFETY: outputs are writable.
            worker.streams.iter_mut().for_each(|stream| unsafe { stream.finish() });
            nontemporal::fence();
        }
        Ok(flags)
    }

    /// Computes rows of sequences that run along the rows, in tiles of several rows.
    fn bundle(
        &self,
        worker: &mut Worker,
        rows: Range<usize>,
        columns: &Range<usize>,
    ) -> Result<u32, Stop> {
        let work = self.work;
        work.enter_row(worker, rows.start);
        let mut flags = 0;
        for (in_block, tile) in columns.clone().step_by(work.tile).enumerate() {
            self.control.check()?;
            let lanes = columns.end.min(tile + work.tile) - tile;
            let in_panel = tile - columns.start;
            let place = Place { column: tile, at: 0, in_panel, in_block, rows: rows.len() };
            // SAFETY: the tile is part of the loop, whose operands are valid by the promise of
            // `Loop::run`'s caller. If there is code, all columns are one tile with dense rows.
            flags |= unsafe {
                match work.code {
                    Some(_) => work.run_tile(worker, &place, lanes * rows.len()),
                    None => work.run_part(worker, &place, lanes, false),
                }
            };
            if let Some(progress) = self.progress {
                progress.add((lanes * rows.len()) as u64);
            }
        }
        Ok(flags)
    }

    /// Computes elements before a block of split sequences for the states of their scans.
    fn lead(
        &self,
        worker: &mut Worker,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<(), Stop> {
        let mut row = rows.start;
        worker.discards = true;
        let mut led = Ok(0);
        while row < rows.end && led.is_ok() {
            let panel = row..self.work.panel_end(row, rows.end);
            row = panel.end;
            led = self.tiles(worker, &panel, &columns);
        }
        worker.discards = false;
        led.map(|_| ())
    }

    /// Computes the rows of a panel, or one row.
    pub(super) fn rows(
        &self,
        worker: &mut Worker,
        rows: Range<usize>,
        columns: &Range<usize>,
    ) -> Result<u32, Stop> {
        let work = self.work;
        if work.nest.along == Along::Columns {
            for (i, fold) in work.folds.iter().enumerate() {
                for at in 0..rows.len() {
                    let sequence = &mut worker.sequences[i * work.panel.most_rows() + at];
                    sequence.start(&fold.reducer, columns.start as u64);
                }
            }
        }
        if work.scans && work.nest.along == Along::Columns {
            let passes = work.lead == 0 && columns.len() < work.grid.columns;
            worker.panel_in_block = if passes { rows.start - worker.first[0] } else { 0 };
            let block = Block { outer: 0, rows: rows.clone(), columns: columns.clone() };
            work.begin_scans(worker, &block);
            // From the beginning of a tile.
            let led = columns.start.saturating_sub(work.lead) / work.tile * work.tile;
            if work.lead > 0 && led < columns.start {
                self.lead(worker, rows.clone(), led..columns.start)?;
            }
        }
        self.tiles(worker, &rows, columns)
    }

    /// Computes the tiles of a panel's rows, or of one row.
    fn tiles(
        &self,
        worker: &mut Worker,
        rows: &Range<usize>,
        columns: &Range<usize>,
    ) -> Result<u32, Stop> {
        let work = self.work;
        let mut flags = 0;
        let mut start = columns.start;
        while start < columns.end {
            let end = columns.end.min(start.saturating_add(work.panel.columns));
            // SAFETY: the block is part of the nest, for which the operands are valid.
            unsafe { work.fill_panels(worker, rows, start..end) };
            if work.panel.stride > 0 {
                work.foresee(worker, rows, end..columns.end.min(end + work.panel.columns));
            }
            for (at, row) in rows.clone().enumerate() {
                work.enter_row(worker, row);
                for tile in (start..end).step_by(work.tile) {
                    self.control.check()?;
                    let n = end.min(tile + work.tile) - tile;
                    let in_block = (tile - columns.start) >> work.tile.trailing_zeros();
                    let in_panel = tile - start;
                    let place = Place { column: tile, at, in_panel, in_block, rows: 1 };
                    // SAFETY: the tile is part of the loop, whose operands are valid by the promise
                    // of `Loop::run`'s caller.
                    flags |= unsafe { work.run_tile(worker, &place, n) };
                    if let Some(progress) = self.progress.filter(|_| !worker.discards) {
                        progress.add(n as u64);
                    }
                }
            }
            if !worker.discards {
                // SAFETY: as above; outputs are writable.
                unsafe { work.drain_panels(worker, rows, start..end) };
            }
            start = end;
        }
        Ok(flags)
    }
}

/// The position of a tile.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The first column.
    pub(super) column: usize,
    /// The row within the panel.
    pub(super) at: usize,
    /// The first column within the panel.
    pub(super) in_panel: usize,
    /// The number of the tile in its block of columns.
    pub(super) in_block: usize,
    /// The number of rows.
    pub(super) rows: usize,
}

impl Loop {
    /// Sets the addresses of a row of the operands, and copies elements that the row repeats.
    pub(super) fn enter_row(&self, worker: &mut Worker, row: usize) {
        for (i, Bound { operand, size, access, .. }) in self.operands.iter().enumerate() {
            worker.row[i] = if operand.is_buffered() {
                let ((buffer, pitch), [first_row, first]) = (worker.buffers[i], worker.first);
                let offset = (row - first_row) * pitch;
                buffer.wrapping_add(offset).wrapping_sub(first * size)
            } else {
                let offset = steps(&self.nest.rows, &operand.path.rows, row);
                worker.outer[i].wrapping_offset(offset)
            };
            if let Access::Cycled(length) = *access {
                let n = self.grid.columns.min(self.tile + length);
                // SAFETY: the columns are the nest's; staging has room for a tile and a cycle.
                unsafe { self.stage(operand, worker.row[i], worker.staging[i], 0, n) };
                continue;
            }
            let copies = match *access {
                Access::Splat => self.tile.min(self.grid.columns),
                // As many as an iteration of the code reads, at most 64.
                Access::Repeated => self.block.max(self.grid.columns.min(64)),
                _ => continue,
            };
            // SAFETY: the row's element is the operand's; staging has room for the copies.
            unsafe { splat(operand.storage.format, worker.row[i], worker.staging[i], copies) };
        }
    }

    /// Runs a tile of `n` elements. Returns advisory flags.
    ///
    /// # Safety
    /// The tile is part of the nest, with operands as [`Loop::run`] requires.
    #[inline]
    pub(super) unsafe fn run_tile(&self, worker: &mut Worker, place: &Place, n: usize) -> u32 {
        let rest = n % self.block;
        let in_place = rest == 0 || self.inward && n >= self.block;
        // SAFETY: a multiple of the block never reaches beyond the operands; staging has room for a
        // block, and for a tile if sequences run along the rows.
        unsafe {
            if in_place {
                return self.run_part(worker, place, n, false);
            }
            if self.nest.along == Along::Rows || self.whole || n == rest {
                return self.run_part(worker, place, n, true);
            }
            // Whole blocks in place, then the other elements staged.
            let whole = n - rest;
            let flags = self.run_part(worker, place, whole, false);
            let place =
                Place { column: place.column + whole, in_panel: place.in_panel + whole, ..*place };
            flags | self.run_part(worker, &place, rest, true)
        }
    }

    /// Runs `n` elements of a tile, with all operands staged or only those that must be. Returns
    /// advisory flags.
    ///
    /// # Safety
    /// As [`Loop::run_tile`]; unless all operands are staged, `n` is a multiple of the block, or at
    /// least one block where the code ends with the last element.
    #[inline]
    pub(super) unsafe fn run_part(
        &self,
        worker: &mut Worker,
        place: &Place,
        n: usize,
        stage: bool,
    ) -> u32 {
        let Place { column, at, in_panel, .. } = *place;
        for (i, Bound { operand, size, output, access, .. }) in self.operands.iter().enumerate() {
            let (staging, size) = (worker.staging[i], *size);
            let there = worker.row[i].wrapping_add(column * size);
            worker.table[1 + i] = match *access {
                Access::InPlace if !(stage || *output && worker.discards) => there,
                Access::InPlace => {
                    if !*output {
                        // SAFETY: the elements are contiguous and the operand's.
                        unsafe { staging.copy_from_nonoverlapping(there, n * size) };
                    }
                    staging
                }
                Access::Panel(number) => {
                    worker.panels[number].wrapping_add(at * self.panel.stride + in_panel * size)
                }
                Access::Cycled(length) => staging.wrapping_add(column % length * size),
                Access::Streamed | Access::Splat | Access::Repeated => staging,
                Access::Staged => {
                    if !*output {
                        // SAFETY: the operand is valid for the nest; staging has room for `n`.
                        unsafe { self.stage(operand, worker.row[i], staging, column, n) };
                    }
                    staging
                }
            };
        }
        if self.scans {
            self.enter_scans(worker, place);
        }
        if self.accumulates {
            // SAFETY: the caller's promise.
            unsafe { self.resume(worker, place, n) };
        }
        let flags = match &self.code {
            // SAFETY: the table has the layout that the code was compiled for, and operands have
            // `n` elements, rounded up to a whole block.
            Some(code) => unsafe { code.run(worker.table.as_ptr(), n) },
            None => 0,
        };
        // Before the bytes of outputs that are also reduced are swapped.
        // SAFETY: the code has written the elements that are reduced.
        unsafe { self.reduce(worker, place, n) };
        for (i, Bound { operand, size, output, access, .. }) in self.operands.iter().enumerate() {
            let (staging, size) = (worker.staging[i], *size);
            let there = worker.row[i].wrapping_add(column * size);
            // SAFETY: outputs are writable, and valid for the nest.
            unsafe {
                match *access {
                    _ if !*output || worker.discards => {}
                    Access::InPlace if stage => {
                        there.copy_from_nonoverlapping(staging, n * size);
                    }
                    Access::InPlace | Access::Panel(_) => {}
                    // Only inputs have these accesses.
                    Access::Splat | Access::Repeated | Access::Cycled(_) => {}
                    Access::Streamed => worker.streams[i].write(there, staging, n * size),
                    Access::Staged => self.unstage(operand, worker.row[i], staging, column, n),
                }
            }
        }
        flags
    }

    /// Copies `n` elements of an input from `column` on to a staging buffer, and decodes them.
    ///
    /// # Safety
    /// The columns are the nest's; staging has room for `n` elements.
    pub(super) unsafe fn stage(
        &self,
        operand: &Operand,
        row: *mut u8,
        staging: *mut u8,
        column: usize,
        n: usize,
    ) {
        let (format, path) = (operand.storage.format, &operand.path);
        // SAFETY: the caller's promise.
        unsafe {
            gather(staging, row, &self.nest.columns, &path.columns, format.size(), column, n);
            format.decode(staging, n);
        }
    }

    /// Encodes the elements of a staging buffer, and copies them to an output from `column` on.
    ///
    /// # Safety
    /// As [`Loop::stage`], with a writable operand.
    pub(super) unsafe fn unstage(
        &self,
        operand: &Operand,
        row: *mut u8,
        staging: *mut u8,
        column: usize,
        n: usize,
    ) {
        let (format, path) = (operand.storage.format, &operand.path);
        // SAFETY: the caller's promise.
        unsafe {
            format.encode(staging, n);
            scatter(row, staging, &self.nest.columns, &path.columns, format.size(), column, n);
        }
    }
}

/// Writes `n` copies of an element.
///
/// # Safety
/// The element is readable, and there is room for the copies.
unsafe fn splat(format: Format, from: *const u8, to: *mut u8, n: usize) {
    /// # Safety
    /// There is room for the copies.
    unsafe fn fill<T: Copy>(element: T, to: *mut u8, n: usize) {
        // SAFETY: the caller's promise; no pointer need be aligned.
        (0..n).for_each(|i| unsafe { to.cast::<T>().add(i).write_unaligned(element) });
    }
    // SAFETY: the caller's promise.
    unsafe {
        let bits = format.read(from);
        match format.size() {
            1 => fill(bits as u8, to, n),
            2 => fill(bits as u16, to, n),
            4 => fill(bits as u32, to, n),
            _ => fill(bits, to, n),
        }
    }
}
