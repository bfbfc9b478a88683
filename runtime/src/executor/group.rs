//! Groups of loops over one outer space that run together, block of rows by block of rows: what one
//! loop writes for a row is still in the cache when the next one reads it.
//!
//! Loops may be joined if no block of rows of one touches memory that another touches for other
//! rows. The rows of a group are the rows of a loop or, if it has only one, its columns: a loop
//! over the results of a reduction of each row is of that kind.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Loop;
use super::operand::{Access, Bound};
use super::partition::{Grid, count};
use super::run::{Block, Run, State};
use super::scratch::CacheLine;
use crate::control::{Control, Progress, Stop};
use crate::fpenv::FpEnv;
use crate::host_threads::Driver;
use crate::memory::{OutOfMemory, reserve};
use crate::nest::Along;
use crate::strided::byte_span;

/// The maximum number of bytes of the rows of a block, which stay in L2 while the loops run.
const BLOCK: usize = 256 << 10;
/// The minimum number of bytes of a block, whose overhead takes about as long as their processing.
const LEAST_BLOCK: usize = 16 << 10;
/// The number of blocks for each thread, so that threads of different speed end together.
const BLOCKS_A_THREAD: usize = 8;

/// The part of a loop that corresponds to the rows of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The loop's rows.
    Rows,
    /// The columns of the loop's only row.
    Columns,
}

/// The memory of an array that a loop of a group touches.
struct Touched<'a> {
    output: bool,
    /// The address of the first element.
    first: *mut u8,
    /// The size of an element in bytes.
    size: usize,
    /// Strides along the group's rows.
    rows: &'a [isize],
    /// Strides along the elements of a row; empty if a row has one element.
    columns: &'a [isize],
    /// Extents of the axes of a row.
    extents: &'a [usize],
}

impl Touched<'_> {
    /// The range of addresses that contains all elements; all addresses if it cannot be computed.
    fn span(&self, rows: &[usize]) -> (usize, usize) {
        let shape: Vec<usize> = rows.iter().chain(self.extents).copied().collect();
        let strides: Vec<isize> = self.rows.iter().chain(self.columns).copied().collect();
        let at = |offset: isize| self.first.addr().wrapping_add_signed(offset);
        byte_span(&shape, &strides, self.size)
            .map_or((0, usize::MAX), |(start, end)| (at(start), at(end)))
    }

    /// Whether no row overlaps any but the same row of `other`, or nothing is written.
    fn goes_with(&self, other: &Touched<'_>, rows: &[usize]) -> bool {
        if !self.output && !other.output {
            return true;
        }
        let (own, others) = (self.span(rows), other.span(rows));
        if own.1 <= others.0 || others.1 <= own.0 {
            return true;
        }
        let single = |touched: &Touched<'_>| touched.columns.iter().all(|stride| *stride == 0);
        let columns = self.columns == other.columns && self.extents == other.extents
            || single(self) && single(other);
        let whole = rows.iter().zip(self.rows).all(|(extent, stride)| *extent < 2 || *stride != 0);
        (self.first, self.size, self.rows) == (other.first, other.size, other.rows)
            && columns
            && whole
    }
}

impl Loop {
    /// The part of the loop that corresponds to the rows of a group with these extents; `None` if
    /// it cannot join.
    fn part(&self, rows: &[usize]) -> Option<Part> {
        let Loop { nest, grid, .. } = self;
        // A block has all columns. The buffers of stored arrays have room for those of one unit.
        let whole = grid.outers == 1
            && self.partials.is_empty()
            && (grid.column_blocks <= 1 || !self.stored);
        let panels = |o: &Bound| matches!(o.access, Access::Panel(_));
        if !whole || self.operands.iter().any(panels) || grid.columns == 0 {
            return None;
        }
        let local = |o: &&Bound| o.operand.storage.location.scratch().is_some();
        let apart = |o: &Bound| o.access != Access::InPlace;
        if self.operands.iter().filter(local).any(apart) {
            return None;
        }
        if *nest.rows == *rows && nest.along != Along::Rows {
            return Some(Part::Rows);
        }
        let columns = grid.rows == 1 && nest.along == Along::Nothing && *nest.columns == *rows;
        (columns && !self.operands.iter().any(|o| local(&o))).then_some(Part::Columns)
    }

    /// The arrays that the loop touches.
    fn touched(&self, part: Part) -> Vec<Touched<'_>> {
        let mut list = Vec::with_capacity(self.operands.len() + self.folds.len());
        for Bound { operand, size, output, .. } in &self.operands {
            let Some(first) = operand.first() else { continue };
            let path = &operand.path;
            let (rows, columns, extents): (_, &[isize], &[usize]) = match part {
                Part::Rows => (&path.rows, &path.columns, &self.nest.columns),
                Part::Columns => (&path.columns, &[], &[]),
            };
            let (output, size) = (*output, *size);
            list.push(Touched { output, first, size, rows, columns, extents });
        }
        for fold in &self.folds {
            let Some(first) = fold.first() else { continue };
            let (size, rows) = (fold.storage.format.size(), &fold.path.rows);
            list.push(Touched { output: true, first, size, rows, columns: &[], extents: &[] });
        }
        list
    }

    /// Whether the loop writes to a store.
    fn writes_to_store(&self) -> bool {
        let outputs = self.operands.iter().filter(|o| o.output).map(|o| &o.operand.storage);
        let mut written = outputs.chain(self.folds.iter().map(|fold| &fold.storage));
        written.any(|storage| storage.location.store().is_some())
    }

    /// The block of the loop for some rows of its group.
    fn block_of(&self, part: Part, rows: Range<usize>) -> Block {
        match part {
            Part::Rows => Block { outer: 0, rows, columns: 0..self.grid.columns },
            Part::Columns => Block { outer: 0, rows: 0..1, columns: rows },
        }
    }
}

/// A group: loops that run together.
#[allow(clippy::vec_box, reason = "a loop is large, and large allocations must be able to fail")]
pub struct Group {
    loops: Vec<Box<Loop>>,
    parts: Vec<Part>,
    rows: usize,
    /// The number of rows of a block.
    step: usize,
    /// The estimated nanoseconds of all loops on one thread.
    work: f32,
    workers: usize,
    /// Whether an operand or a result is in a store.
    stored: bool,
    /// The memory of the rows of local arrays; only addressed through pointers.
    _scratch: Vec<Vec<CacheLine>>,
}

/// Lets loops read the buffers of earlier loops that hold the same rows of the same store.
fn share_chunks(loops: &mut [Box<Loop>], workers: usize) {
    for reader in 1..loops.len() {
        for i in 0..loops[reader].operands.len() {
            let (before, after) = loops.split_at_mut(reader);
            let own = &mut after[0];
            let (operand, direction) = (&own.operands[i].operand, own.operands[i].direction);
            if operand.store().is_none() {
                continue;
            }
            let same = |other: &Bound| {
                let Bound { operand: other, output, direction: others, .. } = other;
                !output
                    && other.storage.same(&operand.storage)
                    && (&other.path, *others) == (&operand.path, direction)
            };
            let found = before.iter_mut().find_map(|work| {
                let at = work.operands.iter().position(same)?;
                Some((work, at))
            });
            if let Some((work, at)) = found.filter(|_| !own.operands[i].output) {
                for worker in 0..workers {
                    let buffer = work.workers[worker].get_mut().buffers[at];
                    own.workers[worker].get_mut().buffers[i] = buffer;
                }
                own.operands[i].shared = true;
            }
        }
    }
}

/// Allocates the rows of local arrays, separately for each worker.
fn scratch(
    loops: &mut [Box<Loop>],
    workers: usize,
    step: usize,
) -> Result<Vec<Vec<CacheLine>>, OutOfMemory> {
    // One line more than needed, so that rows do not share cache sets.
    let lines = |size: usize, columns: usize| (size * columns).div_ceil(64) + 1;
    let mut locals: Vec<(u32, usize)> = Vec::new();
    for work in loops.iter() {
        for Bound { operand, size, .. } in &work.operands {
            let Some(number) = operand.storage.location.scratch() else { continue };
            if locals.iter().all(|(other, _)| *other != number) {
                locals.push((number, lines(*size, work.grid.columns)));
            }
        }
    }
    let total = locals.iter().map(|(_, lines)| lines * step).sum();
    let mut all = reserve(workers)?;
    for worker in 0..workers {
        let mut memory: Vec<CacheLine> = reserve(total)?;
        memory.resize(total, CacheLine::ZERO);
        let mut next: *mut CacheLine = memory.as_mut_ptr();
        for (number, lines) in &locals {
            for work in loops.iter_mut() {
                let buffers = &mut work.workers[worker].get_mut().buffers;
                for (bound, buffer) in work.operands.iter().zip(buffers) {
                    if bound.operand.storage.location.scratch() == Some(*number) {
                        *buffer = (next.cast(), lines * 64);
                    }
                }
            }
            next = next.wrapping_add(lines * step);
        }
        all.push(memory);
    }
    Ok(all)
}

impl Group {
    /// Joins loops that would otherwise run one after the other. Loops with local arrays can only
    /// run in a group.
    ///
    /// # Errors
    /// The loops, if they cannot run block by block, or if nothing would be gained.
    pub fn join(mut loops: Vec<Box<Loop>>) -> Result<Group, Vec<Box<Loop>>> {
        if loops.len() < 2 {
            return Err(loops);
        }
        let extents = loops[0].nest.rows.clone();
        let rows = count(&extents);
        let parts: Option<Vec<Part>> = loops.iter().map(|work| work.part(&extents)).collect();
        let Some(parts) = parts.filter(|_| rows > 1) else { return Err(loops) };
        let touched: Vec<Vec<Touched<'_>>> =
            loops.iter().zip(&parts).map(|(work, part)| work.touched(*part)).collect();
        for (i, own) in touched.iter().enumerate() {
            let others = touched[i + 1..].iter().flatten();
            if !others
                .flat_map(|other| own.iter().map(move |x| (x, other)))
                .all(|(x, other)| x.goes_with(other, &extents))
            {
                return Err(loops);
            }
        }
        // Two stores may be the same storage, so a later loop could read what this one writes.
        if loops[..loops.len() - 1].iter().any(|work| work.writes_to_store()) {
            return Err(loops);
        }
        let row_bytes = |work: &Loop| {
            let sizes = work.operands.iter().map(|o| o.size).sum::<usize>();
            sizes * work.grid.columns
        };
        let wide = loops.iter().zip(&parts).filter(|(_, part)| **part == Part::Rows);
        let bytes = wide.map(|(work, _)| row_bytes(work)).max().unwrap_or(0).max(1);
        drop(touched);
        // Nothing is gained by rows that do not fit the cache, unless they are read from a store.
        let stored = loops.iter().any(|work| work.stored);
        if bytes > 2 * BLOCK && !stored {
            return Err(loops);
        }
        let workers = loops.iter().map(|work| work.workers.len()).max().unwrap_or(1);
        let even = rows / (BLOCKS_A_THREAD * workers);
        let step = (BLOCK / bytes).min(even).max(LEAST_BLOCK / bytes);
        // Buffers have room for as many rows as the units of the loops alone.
        let row_steps = loops.iter().filter(|work| work.stored).map(|work| work.grid.row_step);
        let step = row_steps.fold(step, usize::min).clamp(1, rows);
        for (work, part) in loops.iter_mut().zip(&parts) {
            let extents = [1, work.grid.rows, work.grid.columns];
            let (rows, columns) = match part {
                Part::Rows => (step, work.grid.column_step),
                Part::Columns => (1, step),
            };
            work.grid = Grid::new(extents, rows, columns);
        }
        let work = loops.iter().map(|work| work.work).sum();
        // Each loop has scratch for the number of threads that its own work is worth.
        let workers = loops.iter().map(|work| work.workers.len()).min().unwrap_or(1);
        share_chunks(&mut loops, workers);
        let Ok(scratch) = scratch(&mut loops, workers, step) else { return Err(loops) };
        Ok(Group { loops, parts, rows, step, work, workers, stored, _scratch: scratch })
    }

    /// The loops.
    pub fn loops(&self) -> &[Box<Loop>] {
        &self.loops
    }

    /// The loops, to [shift](Loop::shift) their arrays.
    pub fn loops_mut(&mut self) -> &mut [Box<Loop>] {
        &mut self.loops
    }

    /// Runs the loops; returns advisory flags.
    ///
    /// # Errors
    /// As [`Loop::run`].
    ///
    /// # Safety
    /// As [`Loop::run`].
    pub unsafe fn run(
        &mut self,
        driver: Driver<'_>,
        control: &Control,
        progress: Option<&Progress>,
    ) -> Result<u32, Stop> {
        for work in self.loops.iter_mut().filter(|work| work.stored) {
            work.clear_results();
        }
        if self.loops.iter().all(|work| work.is_vacuous()) {
            return Ok(0);
        }
        let state = State::default();
        let blocks = self.rows.div_ceil(self.step);
        let workers = driver.workers(self.workers, blocks, self.work);
        let block = |number: usize, worker: usize| {
            let from = number * self.step;
            let rows = from..self.rows.min(from + self.step);
            for (work, part) in self.loops.iter().zip(&self.parts) {
                let run = Run { work, control, progress, state: &state };
                run.block(&work.block_of(*part, rows.clone()), worker);
            }
        };
        if workers > 1 && self.stored {
            // Threads take blocks in order, so that stores are read from beginning to end.
            let next = AtomicUsize::new(0);
            driver.run(workers, workers, &|_, worker| {
                let _environment = FpEnv::enter();
                let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                let numbers = numbers.take_while(|number| *number < blocks && !state.is_stopped());
                numbers.for_each(|number| block(number, worker));
            });
            return state.end();
        }
        if workers > 1 {
            driver.run(workers, blocks, &|number, worker| {
                let _environment = FpEnv::enter();
                block(number, worker);
            });
            return state.end();
        }
        let _environment = FpEnv::enter();
        (0..blocks).take_while(|_| !state.is_stopped()).for_each(|number| block(number, 0));
        state.end()
    }
}
