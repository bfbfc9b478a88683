//! The executor: runs a compiled tile function over all elements of a loop, on one thread or
//! many.
//!
//! Elements are numbered in the C order of the loop's shape. A *tile* is a run of them that fits
//! in L1; a *leaf* is [`LEAF`] elements, the unit of the reduction tree, and a whole number of
//! tiles; a *chunk* is a power of two of leaves, the unit of work for a thread. So every element
//! meets the same code and every sum the same tree, whatever the number of threads.
//!
//! An operand that is contiguous in that order is used in place. Others, and the last few
//! elements that do not fill a block of the compiled loop, are staged: gathered into scratch
//! before the tile, scattered after it.

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::fpenv::FpEnv;
use crate::reduce::{Accumulators, LEAF, Reducer, Tree};
use crate::strided::{gather, is_contiguous, scatter};
use crate::view::View;

/// A compiled tile: `n` elements, through a table of pointers laid out as
/// `cells, inputs..., outputs..., slots..., accumulators...`. Returns advisory flags.
///
/// It may read and write up to the next multiple of the program's block beyond `n`.
pub type TileFn = unsafe extern "C" fn(table: *const *mut u8, n: usize) -> u32;

/// One uniform value, repeated over 16 bytes as vector code reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C, align(16))]
pub struct Cell([u8; 16]);

impl Cell {
    /// The bits of an element of `size` bytes, repeated.
    pub fn splat(bits: u64, size: usize) -> Cell {
        let mut cell = [0; 16];
        cell.chunks_exact_mut(size)
            .for_each(|lane| lane.copy_from_slice(&bits.to_le_bytes()[..size]));
        Cell(cell)
    }

    /// A truth value as a mask of any lane width.
    pub fn mask(value: bool) -> Cell {
        Cell([if value { 0xff } else { 0 }; 16])
    }

    /// The bits of the first element of `size` bytes.
    pub fn bits(&self, size: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&self.0[..size]);
        u64::from_le_bytes(bytes)
    }
}

/// Why a run ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The cancel token was set.
    Cancelled,
    /// The deadline passed.
    Deadline,
}

/// What may stop a run: looked at once a tile.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// Stops the run when set.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Stops the run when passed; monotonic.
    pub deadline: Option<Instant>,
}

impl Control {
    /// Whether to go on.
    pub fn check(&self) -> Result<(), Stop> {
        if self.cancel.as_ref().is_some_and(|c| c.load(Ordering::Relaxed)) {
            return Err(Stop::Cancelled);
        }
        if self.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(Stop::Deadline);
        }
        Ok(())
    }
}

/// Counts elements as they are done, for progress bars.
pub type Progress = Arc<std::sync::atomic::AtomicU64>;

/// The threads that loops run on, started when first needed.
pub struct Pool {
    threads: usize,
    started: OnceLock<Option<(u32, rayon::ThreadPool)>>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool of this many threads; with 1, loops run on the caller's.
    pub fn new(threads: usize) -> Pool {
        Pool { threads: threads.max(1), started: OnceLock::new() }
    }

    /// How many threads it is asked for.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The threads, or none where they cannot be had: the system refuses them, or this process
    /// is a fork of the one that started them.
    fn get(&self) -> Option<&rayon::ThreadPool> {
        if self.threads == 1 {
            return None;
        }
        let started = self.started.get_or_init(|| {
            let named = rayon::ThreadPoolBuilder::new().thread_name(|i| format!("hotloop-{i}"));
            Some((std::process::id(), named.num_threads(self.threads).build().ok()?))
        });
        started.as_ref().filter(|(process, _)| *process == std::process::id()).map(|(_, pool)| pool)
    }
}

/// What a loop needs to know of its tile function.
#[derive(Clone, Debug)]
pub struct Tile<'a> {
    /// The compiled function.
    pub function: TileFn,
    /// Elements that one turn of its loops takes; in-place operands are handed to it in
    /// multiples of this. At most 64, a power of two.
    pub block: usize,
    /// Scratch slots, of 8 bytes an element.
    pub slots: usize,
    /// Its reductions, in the order of its accumulators.
    pub reducers: &'a [Reducer],
    /// Rough nanoseconds an element.
    pub cost: f32,
}

/// One array operand of a loop, broadcast to the loop's shape.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The array; its shape is the loop's.
    pub view: View,
    /// Copy each tile before it is used, as an input must be that is also written.
    pub staged: bool,
}

struct Operand {
    pointer: *mut u8,
    size: usize,
    /// Shape and strides with neighbouring axes joined where this operand allows it.
    shape: Box<[usize]>,
    strides: Box<[isize]>,
    in_place: bool,
    output: bool,
}

/// The scratch of one thread.
struct Worker {
    /// Backs the slots and the staging buffers; only addressed through `table` and `staging`.
    _memory: Vec<CacheLine>,
    table: Vec<*mut u8>,
    staging: Vec<*mut u8>,
    accumulators: Vec<Accumulators>,
    trees: Vec<Tree>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct CacheLine([u8; 64]);

/// A tile function bound to its operands; runs any number of times.
pub struct Loop {
    function: TileFn,
    block: usize,
    reducers: Vec<Reducer>,
    operands: Vec<Operand>,
    n: usize,
    tile: usize,
    /// Elements of a chunk, and the level of its block in the reduction tree.
    chunk: usize,
    level: u32,
    workers: Vec<UnsafeCell<Worker>>,
    partials: Vec<UnsafeCell<u64>>,
    results: Vec<u64>,
}

// SAFETY: the raw pointers are operands whose validity the caller of `run` promises, and scratch
// owned by the loop; a worker or a partial is only touched by the one thread it belongs to.
unsafe impl Send for Loop {}
// SAFETY: as above.
unsafe impl Sync for Loop {}

/// Memory that could not be had, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory(pub usize);

/// Below this many nanoseconds of estimated work a loop stays on the caller's thread.
const PARALLEL_FROM: f32 = 40_000.0;
/// Scratch that stays in half of a 32 KiB L1.
const SCRATCH: usize = 16 << 10;
/// The longest run of an array's bytes that one step reads before another array has its turn:
/// half a page. The hardware forgets how an array was being read if it is left alone for longer,
/// and then every tile starts with misses: `exp(a) + log1p(b)*c` takes 1.5 times as long.
const STRETCH: usize = 2 << 10;

fn reserve<T>(n: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut list = Vec::new();
    list.try_reserve_exact(n).map_err(|_| OutOfMemory(n.saturating_mul(size_of::<T>())))?;
    Ok(list)
}

impl Loop {
    /// Binds a tile to its operands. `inputs` and `outputs` come in the order of the tile's
    /// table; every view has the shape `shape`, whose element count fits an `isize`. `cells` is
    /// only read when the loop runs.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no memory for scratch.
    pub fn new(
        tile: &Tile<'_>,
        shape: &[usize],
        inputs: Vec<Stream>,
        outputs: Vec<Stream>,
        cells: *const Cell,
        pool: &Pool,
    ) -> Result<Loop, OutOfMemory> {
        let n = shape.iter().product::<usize>();
        let inputs_end = inputs.len();
        let mut operands = reserve(inputs.len() + outputs.len())?;
        for (i, stream) in inputs.into_iter().chain(outputs).enumerate() {
            operands.push(Operand::new(stream, i >= inputs_end));
        }
        let staged = operands.iter().filter(|o| !o.in_place).count();
        let widest = operands.iter().map(|o| o.size).max().unwrap_or(8);
        let length = tile_length(n, tile.slots + staged, widest);
        let parallel = pool.threads() > 1 && n > LEAF && n as f32 * tile.cost > PARALLEL_FROM;
        let threads = if parallel && pool.get().is_some() { pool.threads() } else { 1 };
        let leaves = n.div_ceil(LEAF).max(1);
        // About eight chunks a thread even out uneven threads; one thread needs one.
        let level = match threads {
            1 => leaves.next_power_of_two().ilog2(),
            _ => (leaves / (8 * threads)).max(1).ilog2(),
        };
        let chunk = LEAF << level;
        let chunks = n.div_ceil(chunk);
        let mut partials = reserve(chunks * tile.reducers.len())?;
        partials.resize_with(chunks * tile.reducers.len(), UnsafeCell::default);
        let mut workers = reserve(threads)?;
        for _ in 0..threads {
            workers.push(UnsafeCell::new(Worker::new(tile, &operands, length, cells)?));
        }
        Ok(Loop {
            function: tile.function,
            block: tile.block,
            reducers: tile.reducers.to_vec(),
            operands,
            n,
            tile: length,
            chunk,
            level,
            workers,
            partials,
            results: vec![0; tile.reducers.len()],
        })
    }

    /// Elements of the loop.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether the loop has no elements.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The results of the tile's reductions after a run, in order. A reduction over no elements
    /// that has no value is 0.
    pub fn results(&self) -> &[u64] {
        &self.results
    }

    /// Runs the loop; returns advisory flags.
    ///
    /// # Errors
    /// [`Stop`] if the control says so; outputs are then undefined.
    ///
    /// # Safety
    /// The operands' memory and the cells given to [`Loop::new`] are valid, outputs writable and
    /// read by nobody else but as an exactly equal, staged input; the tile function matches its
    /// [`Tile`].
    pub unsafe fn run(
        &mut self,
        pool: &Pool,
        control: &Control,
        progress: Option<&Progress>,
    ) -> Result<u32, Stop> {
        let _environment = FpEnv::enter();
        let run =
            Run { work: self, control, progress, flags: AtomicU32::new(0), stop: AtomicU8::new(0) };
        let chunks = self.n.div_ceil(self.chunk);
        if chunks > 0 {
            match (self.workers.len() > 1).then(|| pool.get()).flatten() {
                Some(threads) => threads.install(|| run.split(0..chunks)),
                None => (0..chunks).for_each(|chunk| run.chunk(chunk, 0)),
            }
        }
        let (flags, stop) = (run.flags.into_inner(), run.stop.into_inner());
        match stop {
            0 => {}
            1 => return Err(Stop::Cancelled),
            _ => return Err(Stop::Deadline),
        }
        for (i, reducer) in self.reducers.iter().enumerate() {
            let mut tree = Tree::new();
            for chunk in self.partials.chunks_exact_mut(self.reducers.len()) {
                tree.push_block(reducer, self.level, *chunk[i].get_mut());
            }
            self.results[i] = tree.finish(reducer).or(reducer.empty()).unwrap_or(0);
        }
        Ok(flags)
    }
}

/// A tile's length: a power of two that divides a leaf and whose scratch stays in L1. Without
/// slots it is one step, and as long as a leaf.
fn tile_length(n: usize, slots: usize, widest: usize) -> usize {
    let fits = if slots == 0 { LEAF } else { (SCRATCH / (8 * slots)).min(STRETCH / widest) };
    let length = (fits + 1).next_power_of_two() / 2;
    length.clamp(64, LEAF).min(n.next_power_of_two()).max(64)
}

impl Operand {
    fn new(stream: Stream, output: bool) -> Operand {
        let Stream { view, staged } = stream;
        let size = view.dtype.size();
        let (shape, strides) = joined(&view.shape, &view.strides);
        let in_place = !staged && is_contiguous(&shape, &strides, size);
        Operand { pointer: view.pointer, size, shape, strides, in_place, output }
    }
}

/// The same elements in the same order with fewer axes.
fn joined(shape: &[usize], strides: &[isize]) -> (Box<[usize]>, Box<[isize]>) {
    let mut axes: Vec<(usize, isize)> = Vec::new();
    for (&extent, &stride) in shape.iter().zip(strides) {
        match axes.last_mut() {
            _ if extent == 1 => {}
            Some((outer, step)) if stride.checked_mul(extent as isize) == Some(*step) => {
                *outer *= extent;
                *step = stride;
            }
            _ => axes.push((extent, stride)),
        }
    }
    let (shape, strides): (Vec<usize>, Vec<isize>) = axes.into_iter().unzip();
    (shape.into(), strides.into())
}

impl Worker {
    fn new(
        tile: &Tile<'_>,
        operands: &[Operand],
        length: usize,
        cells: *const Cell,
    ) -> Result<Worker, OutOfMemory> {
        // One line more than needed, so that equal offsets of two slots differ modulo 4 KiB.
        let lines = |elements: usize| elements * 8 / 64 + 1;
        let staged = |o: &Operand| if o.in_place { tile.block } else { length };
        let total = tile.slots * lines(length)
            + operands.iter().map(|o| lines(staged(o).max(8))).sum::<usize>();
        let mut memory = reserve(total)?;
        memory.resize(total, CacheLine([0; 64]));
        let mut accumulators = reserve(tile.reducers.len())?;
        accumulators.resize_with(tile.reducers.len(), Accumulators::new);
        let base: *mut CacheLine = memory.as_mut_ptr();
        let mut line = 0;
        let mut take = |elements: usize| {
            let pointer = base.wrapping_add(line).cast::<u8>();
            line += lines(elements);
            pointer
        };
        let slots: Vec<*mut u8> = (0..tile.slots).map(|_| take(length)).collect();
        let staging: Vec<*mut u8> = operands.iter().map(|o| take(staged(o).max(8))).collect();
        let mut table = reserve(1 + operands.len() + slots.len() + accumulators.len())?;
        table.push(cells.cast_mut().cast());
        table.extend(&staging);
        table.extend(slots);
        table.extend(
            accumulators.iter_mut().map(|a: &mut Accumulators| std::ptr::from_mut(a).cast::<u8>()),
        );
        let trees = vec![Tree::new(); tile.reducers.len()];
        Ok(Worker { _memory: memory, table, staging, accumulators, trees })
    }
}

/// One run of a loop, shared by its threads.
struct Run<'a> {
    work: &'a Loop,
    control: &'a Control,
    progress: Option<&'a Progress>,
    flags: AtomicU32,
    stop: AtomicU8,
}

impl Run<'_> {
    fn split(&self, chunks: Range<usize>) {
        if chunks.len() == 1 {
            let _environment = FpEnv::enter();
            let thread = rayon::current_thread_index().unwrap_or(0);
            return self.chunk(chunks.start, thread);
        }
        let middle = chunks.start + chunks.len() / 2;
        rayon::join(|| self.split(chunks.start..middle), || self.split(middle..chunks.end));
    }

    fn chunk(&self, chunk: usize, thread: usize) {
        let work = self.work;
        if self.stop.load(Ordering::Relaxed) != 0 {
            return;
        }
        // SAFETY: a thread of the pool runs one chunk at a time and nothing in it hands work
        // back to the pool, so this is the only reference to this thread's worker.
        let worker = unsafe { &mut *work.workers[thread].get() };
        let start = chunk * work.chunk;
        let end = work.n.min(start + work.chunk);
        let mut flags = 0;
        worker.trees.fill(Tree::new());
        for leaf in (start..end).step_by(LEAF) {
            let leaf_end = end.min(leaf + LEAF);
            work.reducers.iter().zip(&mut worker.accumulators).for_each(|(r, a)| r.reset(a));
            for tile in (leaf..leaf_end).step_by(work.tile) {
                if let Err(stop) = self.control.check() {
                    self.stop.store(if stop == Stop::Cancelled { 1 } else { 2 }, Ordering::Relaxed);
                    return;
                }
                // SAFETY: the tile lies inside the loop, whose operands `Loop::run`'s caller vouches for.
                flags |=
                    unsafe { work.run_tile(worker, tile, leaf_end.min(tile + work.tile) - tile) };
            }
            for (i, reducer) in work.reducers.iter().enumerate() {
                let leaf = reducer.finish(&worker.accumulators[i]);
                worker.trees[i].push(reducer, leaf);
            }
            if let Some(progress) = self.progress {
                progress.fetch_add((leaf_end - leaf) as u64, Ordering::Relaxed);
            }
        }
        for (i, reducer) in work.reducers.iter().enumerate() {
            let partial = worker.trees[i].finish(reducer).unwrap_or(0);
            // SAFETY: each chunk has its own partials, and runs once.
            unsafe { *work.partials[chunk * work.reducers.len() + i].get() = partial };
        }
        if flags != 0 {
            self.flags.fetch_or(flags, Ordering::Relaxed);
        }
    }
}

impl Loop {
    /// # Safety
    /// Elements `start..start + n` are the loop's, with operands as [`Loop::run`] asks.
    #[inline]
    unsafe fn run_tile(&self, worker: &mut Worker, start: usize, n: usize) -> u32 {
        let rest = n % self.block;
        // Whole blocks first, in place; then what is left, staged.
        let mut flags = 0;
        if n > rest {
            // SAFETY: a multiple of the block never reaches beyond the operands.
            flags |= unsafe { self.run_part(worker, start, n - rest, false) };
        }
        if rest > 0 {
            // SAFETY: staging has room for a whole block.
            flags |= unsafe { self.run_part(worker, start + n - rest, rest, true) };
        }
        flags
    }

    /// # Safety
    /// As [`Loop::run_tile`]; unless all operands are staged, `n` is a multiple of the block.
    #[inline]
    unsafe fn run_part(&self, worker: &mut Worker, start: usize, n: usize, stage_all: bool) -> u32 {
        for (i, operand) in self.operands.iter().enumerate() {
            worker.table[1 + i] = if operand.in_place && !stage_all {
                operand.pointer.wrapping_add(start * operand.size)
            } else {
                let staging = worker.staging[i];
                if !operand.output {
                    // SAFETY: the operand is valid for the loop's elements, staging holds n.
                    unsafe {
                        gather(
                            staging,
                            operand.pointer,
                            &operand.shape,
                            &operand.strides,
                            operand.size,
                            start,
                            n,
                        )
                    };
                }
                staging
            };
        }
        // SAFETY: the table holds what the function was compiled to find, each operand with `n`
        // elements up to the next whole block.
        let flags = unsafe { (self.function)(worker.table.as_ptr(), n) };
        for (i, operand) in self.operands.iter().enumerate().filter(|(_, o)| o.output) {
            if stage_all || !operand.in_place {
                // SAFETY: as for the gather; outputs are writable.
                unsafe {
                    scatter(
                        operand.pointer,
                        worker.staging[i],
                        &operand.shape,
                        &operand.strides,
                        operand.size,
                        start,
                        n,
                    )
                };
            }
        }
        flags
    }
}
