//! Plan and actual arrays to [`Schedule`]: made once for a set of arguments, run many times.
//!
//! Here shapes, strides and overlaps are known: each stage becomes a loop of the executor over
//! the nest that suits its arrays, temporary arrays get their memory, inputs that an output
//! overlaps are staged or copied, uniform values are put in their cells.
//!
//! Arrays in stores stay there. Inputs that are small, or read over and over, are loaded for the
//! run; temporary arrays that are too large for memory go to files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotloop_runtime::cell::Cell;
use hotloop_runtime::control::{Control, Progress, Stop};
use hotloop_runtime::drive::Driver;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::executor::{self, Loop, Tile};
use hotloop_runtime::fault::{Fault, injected};
use hotloop_runtime::isa::Isa;
use hotloop_runtime::memory::OutOfMemory;
use hotloop_runtime::nest::{self, Nest};
use hotloop_runtime::pages::prefer_huge_pages;
use hotloop_runtime::pool::Pool;
use hotloop_runtime::reduce::{Order, Reducer};
use hotloop_runtime::store::{FileArray, Store};
use hotloop_runtime::strided::{broadcast_strides, gather};
use hotloop_runtime::view::View;

use crate::backend::cranelift::NativeTile;
use crate::domain::{Layout, Shapes, c_strides, element_count};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, NodeId};
use crate::interp::{Call, Operand, allocate, reduced_count, stopped, weak_values};
use crate::overlap::{Overlap, Places};
use crate::plan::{Array, Load, Place, Plan, Source, Stage, Target};
use crate::stats::{StageStats, Stats, Traffic, computes};
use crate::store;

/// A plan with its code.
pub struct Compiled {
    /// The optimized graph, whose weak part is computed when arguments are bound.
    pub graph: Graph,
    /// The plan.
    pub plan: Plan,
    /// The code of each stage.
    pub tiles: Vec<Arc<NativeTile>>,
    /// The instruction set of the code, and of the kernels beside it.
    pub isa: Isa,
}

/// Elements copied between two looks at the control.
const COPIED: usize = 1 << 20;

/// A compiled program bound to its arrays.
pub struct Schedule {
    compiled: Arc<Compiled>,
    /// Read by the loops through their tables, so never resized.
    cells: Vec<Cell>,
    loops: Vec<Loop>,
    /// Where stages over one element leave their outputs: one word a cell.
    landing: Vec<u64>,
    /// Scalar inputs that are read at each run, with their cells.
    scalars: Vec<(usize, View)>,
    /// Scalar outputs, with their cells.
    outputs: Vec<(usize, View)>,
    /// What is copied before each run.
    copies: Vec<Copied>,
    /// What is copied to sinks after stages, by number.
    drains: Vec<(usize, Drain)>,
    /// What the temporary arrays that are in memory are in.
    _memory: Vec<Vec<u8>>,
    /// Temporary arrays, and their bytes.
    temporaries: (usize, u64),
    /// What each loop moves.
    traffic: Vec<Traffic>,
}

fn out_of_memory(OutOfMemory(bytes): OutOfMemory) -> Error {
    Error::new(ErrorKind::OutOfMemory, format!("cannot allocate {bytes} bytes of scratch"))
}

fn cell(bits: u64, dtype: DType) -> Cell {
    if dtype == DType::Bool && !injected(Fault::TruthCellNotMask) {
        Cell::mask(bits & 0xff != 0)
    } else {
        Cell::splat(bits, dtype.size())
    }
}

impl Schedule {
    /// Binds a compiled program to a call's arrays.
    ///
    /// # Errors
    /// `Shape`, `Type` (weak numbers), `OutOfMemory`.
    pub fn new(compiled: &Arc<Compiled>, call: &Call<'_>, pool: &Pool) -> Result<Schedule> {
        let Compiled { graph, plan, tiles, isa } = &**compiled;
        let weak = if plan.cells.iter().any(|c| matches!(c.source, Source::Weak(_))) {
            weak_values(graph, call)?.0
        } else {
            Vec::new()
        };
        let mut cells = vec![Cell::default(); plan.cells.len().max(1)];
        let mut scalars = Vec::new();
        for (i, planned) in plan.cells.iter().enumerate() {
            let bits = match planned.source {
                Source::Constant(bits) => bits,
                Source::Weak(id) => {
                    weak[id.index()].ok_or_else(|| Error::internal("a weak value without one"))?
                }
                Source::Size(domain) => element_count(&call.shapes.of(domain)?)? as u64,
                Source::Length(id) => reduced_count(graph, id, call.shapes)? as u64,
                Source::Input(number) => match &call.operands[number as usize] {
                    Operand::Scalar(bits) => *bits,
                    Operand::Array(view) => {
                        scalars.push((i, view.clone()));
                        0
                    }
                },
                Source::Stage => 0,
            };
            cells[i] = cell(bits, planned.dtype);
        }
        let landing = vec![0u64; plan.cells.len()];
        let mut arrays = Arrays::new(plan, call)?;
        arrays.separate(graph, plan, call)?;
        let traffic = Vec::with_capacity(plan.stages.len());
        let loops = plan.stages.len();
        let mut binder = Binder { graph, call, arrays, landing, traffic, loops };
        let mut loops = Vec::with_capacity(plan.stages.len());
        for (stage, code) in plan.stages.iter().zip(tiles) {
            loops.push(binder.bind(stage, code, *isa, cells.as_ptr(), pool)?);
        }
        let outputs = plan.outputs.iter().zip(call.outputs);
        let outputs =
            outputs.filter_map(|(o, view)| Some((o.cell? as usize, view.clone()))).collect();
        let Binder { arrays, landing, traffic, .. } = binder;
        let Arrays { copies, memory, kept, drains, .. } = arrays;
        Ok(Schedule {
            compiled: compiled.clone(),
            cells,
            loops,
            landing,
            scalars,
            outputs,
            copies,
            drains,
            _memory: memory,
            temporaries: kept,
            traffic,
        })
    }

    /// What a run took, but for what only its caller knows, from the times of its stages.
    pub fn stats(&self, times: &[Duration], names: &[Option<Box<str>>]) -> Stats {
        let stages = self.compiled.plan.stages.iter().zip(&self.traffic).zip(times);
        let stages = stages.map(|((stage, traffic), time)| StageStats {
            computes: computes(stage, names),
            elements: traffic.elements,
            bytes_read: traffic.read,
            bytes_written: traffic.written,
            time: *time,
        });
        Stats {
            stages: stages.collect(),
            copied_arrays: self.copies.len(),
            copied_bytes: self.copies.iter().map(|copy| copy.bytes.len() as u64).sum(),
            temporary_arrays: self.temporaries.0,
            temporary_bytes: self.temporaries.1,
            ..Stats::default()
        }
    }

    /// Runs the program; returns advisory flags. Allocates nothing, unless it is to add the time
    /// of each stage to a list.
    ///
    /// # Errors
    /// `Cancelled`; `Io` of arrays in stores.
    ///
    /// # Safety
    /// The arrays that the schedule was made for are still valid, and outputs writable.
    pub unsafe fn run(
        &mut self,
        driver: Driver<'_>,
        control: &Control,
        progress: Option<&Progress>,
        mut times: Option<&mut Vec<Duration>>,
    ) -> Result<u32> {
        let plan = &self.compiled.plan;
        for (i, view) in &self.scalars {
            let dtype = plan.cells[*i].dtype;
            // SAFETY: the view has one element of its dtype, readable by the caller's promise.
            self.cells[*i] = cell(unsafe { store::read_element(view) }.map_err(stopped)?, dtype);
        }
        if let Some(progress) = progress {
            progress.add_total(self.loops.iter().map(|work| work.elements() as u64).sum());
        }
        for copy in &mut self.copies {
            // SAFETY: the caller's promise.
            unsafe { copy.make(control) }?;
        }
        let mut flags = 0;
        for (number, (stage, work)) in plan.stages.iter().zip(&mut self.loops).enumerate() {
            let started = times.is_some().then(Instant::now);
            // SAFETY: the streams are views of the call or the landing, both valid now; the tile
            // is the stage's own.
            flags |= unsafe { work.run(driver, control, progress) }.map_err(stopped)?;
            if let (Some(times), Some(started)) = (&mut times, started) {
                times.push(started.elapsed());
            }
            let folded = stage.folds.iter().map(|fold| fold.target);
            for target in stage.outputs.iter().map(|(target, _)| *target).chain(folded) {
                if let Target::Cell(to) = target
                    && !injected(Fault::CellKeepsOldValue)
                {
                    let to = to as usize;
                    self.cells[to] = cell(self.landing[to], plan.cells[to].dtype);
                }
            }
            for (_, drain) in self.drains.iter().filter(|(after, _)| *after == number) {
                // SAFETY: the stage has written what is drained.
                unsafe { drain.run(control) }.map_err(stopped)?;
            }
        }
        for (i, view) in &self.outputs {
            let size = view.dtype.size();
            let mut bytes = self.cells[*i].bits(size).to_le_bytes();
            if view.dtype == DType::Bool && !injected(Fault::TruthOutputNotMasked) {
                bytes[0] &= 1;
            }
            if view.swapped {
                bytes[..size].reverse();
            }
            if let Some(store) = &view.store {
                store.write(0, &bytes[..size]).map_err(Stop::Failed).map_err(stopped)?;
                continue;
            }
            // SAFETY: a scalar output's view has one element of this size.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), view.pointer, size) };
        }
        Ok(flags)
    }
}

/// An input that is read from a copy, made at each run.
struct Copied {
    from: View,
    bytes: Vec<u8>,
}

impl Copied {
    /// # Safety
    /// The input is readable.
    unsafe fn make(&mut self, control: &Control) -> Result<()> {
        let View { pointer, shape, strides, dtype, store, .. } = &self.from;
        if let Some(store) = store {
            return store::load(store, &mut self.bytes, control).map_err(stopped);
        }
        let size = dtype.size();
        let n = self.bytes.len() / size;
        for start in (0..n).step_by(COPIED) {
            control.check().map_err(stopped)?;
            let to = self.bytes.as_mut_ptr().wrapping_add(start * size);
            // SAFETY: the copy has room for the view's elements.
            unsafe { gather(to, *pointer, shape, strides, size, start, COPIED.min(n - start)) };
        }
        Ok(())
    }
}

/// What a sink is filled from: an array that later stages read, which no sink can be.
struct Drain {
    from: View,
    to: Store,
    bytes: usize,
}

impl Drain {
    /// # Safety
    /// The array has been written.
    unsafe fn run(&self, control: &Control) -> std::result::Result<(), Stop> {
        match &self.from.store {
            Some(from) => store::copy(from, &self.to, self.bytes, control),
            None => {
                // SAFETY: the array is dense, and has so many bytes.
                let bytes = unsafe { std::slice::from_raw_parts(self.from.pointer, self.bytes) };
                store::save(&self.to, bytes, control)
            }
        }
    }
}

/// An array that stages write, and others may read.
struct Kept {
    written: View,
    read: View,
}

/// Where the arrays of a call are.
struct Arrays {
    /// Each input that is an array: itself, or the copy that is read in its place.
    inputs: Vec<Option<View>>,
    outputs: Vec<Kept>,
    temporaries: Vec<Kept>,
    memory: Vec<Vec<u8>>,
    /// How many arrays are kept between stages, and their bytes.
    kept: (usize, u64),
    copies: Vec<Copied>,
    drains: Vec<(usize, Drain)>,
    /// Bytes that may still be kept of arrays in stores; no limit if there are none.
    room: usize,
}

/// An array in a store that is no larger is read into memory.
const SMALL: usize = 64 << 10;
/// How often an array in a store is read before it is worth loading.
const OFTEN: usize = 4;

impl Arrays {
    fn new(plan: &Plan, call: &Call<'_>) -> Result<Arrays> {
        let inputs = call.operands.iter().map(|operand| match operand {
            Operand::Array(view) => Some(view.clone()),
            Operand::Scalar(_) => None,
        });
        let inputs: Vec<Option<View>> = inputs.collect();
        let stored = |view: &View| view.store.is_some();
        let stores = inputs.iter().flatten().any(stored) || call.outputs.iter().any(stored);
        let room = if stores { call.keep.memory / 2 } else { usize::MAX };
        let (outputs, temporaries, memory) = (Vec::new(), Vec::new(), Vec::new());
        let (copies, drains) = (Vec::new(), Vec::new());
        let kept = (0, 0);
        let mut arrays =
            Arrays { inputs, outputs, temporaries, memory, kept, copies, drains, room };
        for (number, view) in call.outputs.iter().enumerate() {
            let kept = arrays.output(plan, number, view, call)?;
            arrays.outputs.push(kept);
        }
        for (dtype, domain) in &plan.temporaries {
            let kept = arrays.keep(*dtype, call.shapes.of(*domain)?, call)?;
            arrays.temporaries.push(kept);
        }
        if stores {
            arrays.load(plan, call)?;
        }
        Ok(arrays)
    }

    /// A new array, in memory if there is room.
    fn keep(&mut self, dtype: DType, shape: Box<[usize]>, call: &Call<'_>) -> Result<Kept> {
        let bytes = element_count(&shape)?.saturating_mul(dtype.size());
        self.kept = (self.kept.0 + 1, self.kept.1.saturating_add(bytes as u64));
        if bytes <= self.room {
            self.room -= if self.room == usize::MAX { 0 } else { bytes };
            let (view, memory) = fresh(dtype, shape)?;
            self.memory.push(memory);
            return Ok(Kept { written: view.clone(), read: view });
        }
        let directory = call.keep.directory.clone();
        let directory = directory.unwrap_or_else(|| std::env::temp_dir().into());
        let file = FileArray::temporary(&directory, dtype, &shape).map_err(|error| {
            let message = format!("no temporary file in {directory:?}: {error}");
            Error::new(ErrorKind::Io, message)
        })?;
        let file = Arc::new(file);
        let name = || format!("a temporary file in {directory:?}");
        let written = store::named(store::sink(file.clone()), name);
        Ok(Kept { written, read: store::named(store::source(file), name) })
    }

    /// What stands for an output: if it is a sink that later stages would read, another array.
    fn output(&mut self, plan: &Plan, number: usize, view: &View, call: &Call<'_>) -> Result<Kept> {
        let itself = || Kept { written: view.clone(), read: view.clone() };
        let (array, target) = (Array::Output(number as u32), Target::Output(number as u32));
        let reads = |stage: &Stage| stage.loads.iter().any(|load| load.array == array);
        let Some(store) = view.store.as_ref().filter(|_| plan.stages.iter().any(reads)) else {
            return Ok(itself());
        };
        let Some(writer) = plan.stages.iter().position(|stage| stage.writes(target)) else {
            return Ok(itself());
        };
        let Kept { written, read } = self.keep(view.dtype, view.shape.clone(), call)?;
        // Its bytes are those of the sink, and are then copied as they are.
        let as_sink = |kept: View| match injected(Fault::SinkDrainedInCOrder) {
            true => kept,
            false => View { strides: view.strides.clone(), swapped: view.swapped, ..kept },
        };
        let kept = Kept { written: as_sink(written), read: as_sink(read) };
        let bytes = store::byte_count(view)?;
        let drain = Drain { from: kept.read.clone(), to: store.clone(), bytes };
        self.drains.push((writer, drain));
        Ok(kept)
    }

    /// Has those inputs in stores loaded for the run that are small or read over and over.
    fn load(&mut self, plan: &Plan, call: &Call<'_>) -> Result<()> {
        let mut reads = vec![0usize; self.inputs.len()];
        for stage in &plan.stages {
            let elements = element_count(&call.shapes.of(stage.domain)?)?;
            for load in &stage.loads {
                if let Array::Input(number) = load.array {
                    let reads = &mut reads[number as usize];
                    *reads = reads.saturating_add(elements);
                }
            }
        }
        for (number, reads) in reads.into_iter().enumerate() {
            let stored = |view: &&View| view.store.is_some() && reads > 0;
            let Some(view) = self.inputs[number].as_ref().filter(stored) else { continue };
            let bytes = store::byte_count(view)?;
            let often = reads > OFTEN * (bytes / view.dtype.size());
            if (bytes <= SMALL || often) && bytes <= self.room {
                self.room -= bytes;
                self.copy(number)?;
            }
        }
        Ok(())
    }

    /// Sees to it that no output is written over an input that is still to be read.
    fn separate(&mut self, graph: &Graph, plan: &Plan, call: &Call<'_>) -> Result<()> {
        if call.fresh {
            return Ok(());
        }
        // The stage that writes each output, and whether element by element.
        let mut writers = vec![None; call.outputs.len()];
        for (at, stage) in plan.stages.iter().enumerate() {
            let folded = stage.folds.iter().map(|fold| (fold.target, false));
            for (target, by_element) in stage.outputs.iter().map(|(t, _)| (*t, true)).chain(folded)
            {
                if let Target::Output(number) = target {
                    writers[number as usize].get_or_insert((at, by_element));
                }
            }
        }
        let places = Places::new(call.outputs.iter());
        for (at, stage) in plan.stages.iter().enumerate() {
            for load in &stage.loads {
                let Array::Input(input) = load.array else { continue };
                let view = self.view(graph, call.shapes, load)?;
                let may_not_stay = |number: usize| match writers[number] {
                    Some((writer, by_element)) if writer <= at => {
                        match Overlap::of(&view, &call.outputs[number]) {
                            Overlap::Apart => false,
                            Overlap::Same => at > writer || !by_element,
                            Overlap::Partial => true,
                        }
                    }
                    _ => false,
                };
                if places.meeting(&view).any(may_not_stay) && !injected(Fault::OverlapNotCopied) {
                    self.copy(input as usize)?;
                }
            }
        }
        Ok(())
    }

    fn copy(&mut self, input: usize) -> Result<()> {
        let Some(view) = &self.inputs[input] else { return Ok(()) };
        let (own, bytes) = fresh(view.dtype, view.shape.clone())?;
        // What is loaded stays in its order.
        let strides = if view.store.is_some() { view.strides.clone() } else { own.strides };
        let copy = View { swapped: view.swapped, strides, ..own };
        self.copies.push(Copied { from: view.clone(), bytes });
        self.inputs[input] = Some(copy);
        Ok(())
    }

    fn array(&self, array: Array) -> Result<&View> {
        match array {
            Array::Input(number) => self.inputs[number as usize].as_ref(),
            Array::Output(number) => self.outputs.get(number as usize).map(|kept| &kept.read),
            Array::Temporary(number) => {
                self.temporaries.get(number as usize).map(|kept| &kept.read)
            }
        }
        .ok_or_else(|| Error::internal("a stage reads what is no array"))
    }

    /// The array that a load reads, as its views show it.
    fn view(&self, graph: &Graph, shapes: &Shapes, load: &Load) -> Result<View> {
        let mut view = self.array(load.array)?.clone();
        for id in &load.views {
            view = viewed(graph, shapes, *id, &view)?;
        }
        Ok(view)
    }
}

/// A new array in C order.
fn fresh(dtype: DType, shape: Box<[usize]>) -> Result<(View, Vec<u8>)> {
    let mut memory = allocate(element_count(&shape)? * dtype.size())?;
    prefer_huge_pages(&mut memory);
    let strides = c_strides(&shape, dtype.size());
    let pointer = memory.as_mut_ptr();
    Ok((View { pointer, dtype, shape, strides, swapped: false, store: None }, memory))
}

/// The view of an array that a node of the graph takes.
fn viewed(graph: &Graph, shapes: &Shapes, id: NodeId, array: &View) -> Result<View> {
    let derived = graph.derivation(id).ok_or_else(|| Error::internal("a view of no shape"))?;
    let whole = broadcast(array, &shapes.of(derived.of)?)?;
    let layout = Layout { shape: whole.shape.into(), strides: whole.strides.into(), offset: 0 };
    let Layout { shape, strides, offset } = derived.how.view(&layout)?;
    let pointer = array.pointer.wrapping_offset(offset);
    Ok(View { pointer, shape: shape.into(), strides: strides.into(), ..array.clone() })
}

fn broadcast(view: &View, shape: &[usize]) -> Result<View> {
    let strides = broadcast_strides(&view.shape, &view.strides, shape)
        .ok_or_else(|| Error::internal("an array does not broadcast to its stage"))?;
    Ok(View { shape: shape.into(), strides: strides.into(), ..view.clone() })
}

/// Makes the loops of a plan's stages.
struct Binder<'a> {
    graph: &'a Graph,
    call: &'a Call<'a>,
    arrays: Arrays,
    /// Where stages leave scalars.
    landing: Vec<u64>,
    traffic: Vec<Traffic>,
    /// How many there will be.
    loops: usize,
}

impl Binder<'_> {
    fn bind(
        &mut self,
        stage: &Stage,
        code: &NativeTile,
        isa: Isa,
        cells: *const Cell,
        pool: &Pool,
    ) -> Result<Loop> {
        let shape = self.call.shapes.of(stage.domain)?;
        let mask = match &stage.axes {
            Some(how) => how.reduced(&shape)?,
            None => vec![true; shape.len()],
        };
        let mut outputs = Vec::with_capacity(stage.outputs.len());
        for (target, dtype) in &stage.outputs {
            outputs.push(self.target(*target, *dtype)?);
        }
        let mut inputs = Vec::with_capacity(stage.loads.len());
        for load in &stage.loads {
            let view = self.arrays.view(self.graph, self.call.shapes, load)?;
            inputs.push(broadcast(&view, &shape)?);
        }
        let keeps_last = mask.last() == Some(&false) && !injected(Fault::LeavesOfOtherAxes);
        let order = if keeps_last { Order::Column } else { Order::Row };
        let mut reducers = Vec::with_capacity(stage.folds.len());
        let mut results = Vec::with_capacity(stage.folds.len());
        for fold in &stage.folds {
            let reducer = Reducer::new(fold.reduction, fold.dtype, order, isa)
                .ok_or_else(|| Error::internal("a reduction without accumulators"))?;
            let result = self.target(fold.target, reducer.result_dtype())?;
            results.push(View { strides: along_kept(&result, &mask).into(), ..result });
            reducers.push(reducer);
        }

        let written = outputs.iter().chain(&results);
        self.traffic.push(Traffic {
            elements: shape.iter().map(|extent| *extent as u64).product(),
            read: inputs.iter().map(|view| bytes_of(view, &view.strides)).sum(),
            written: written.map(|view| bytes_of(view, &[])).sum(),
        });

        // What is written first says how to go through the elements; a reduction reads more.
        let reduces = !stage.folds.is_empty();
        let (first, second) = if reduces { (&inputs, &outputs) } else { (&outputs, &inputs) };
        let all = first.iter().chain(second).chain(&results);
        let operands: Vec<nest::Operand<'_>> = all
            .map(|view| nest::Operand { size: view.dtype.size(), strides: &view.strides })
            .collect();
        let (nest, paths) = match reduces {
            true => Nest::reduction(&shape, &mask, &operands),
            false => Nest::elementwise(&shape, &operands),
        };
        let mut paths = paths.into_iter();
        let mut operand = |view: &View, staged: bool| executor::Operand {
            pointer: view.pointer,
            store: view.store.clone(),
            size: view.dtype.size(),
            path: paths.next().unwrap_or_default(),
            swapped: view.swapped,
            staged,
        };
        let bound = |views: &[View], operand: &mut dyn FnMut(&View, bool) -> executor::Operand| {
            views.iter().map(|view| operand(view, false)).collect::<Vec<_>>()
        };
        let (first, second) = (bound(first, &mut operand), bound(second, &mut operand));
        let folds = results.iter().zip(reducers).map(|(view, reducer)| executor::Fold {
            reducer,
            pointer: view.pointer,
            store: view.store.clone(),
            path: operand(view, false).path,
            swapped: view.swapped,
        });
        let folds = folds.collect();
        let (mut ins, outs) = if reduces { (first, second) } else { (second, first) };
        let places = Places::new(outputs.iter().filter(|_| !self.call.fresh));
        for (operand, view) in ins.iter_mut().zip(&inputs) {
            let meets = |out: usize| Overlap::of(view, &outputs[out]) != Overlap::Apart;
            let written = places.meeting(view).any(meets);
            operand.staged = written && !injected(Fault::InPlaceNotStaged);
        }

        let program = &stage.program;
        if program.reduced.iter().any(|place| matches!(place, Place::Cell(_))) {
            return Err(Error::internal("a reduction of a single number"));
        }
        let before = |place: &Place| match *place {
            Place::Cell(_) => 0,
            Place::Input(i) => 1 + i,
            Place::Output(i) => 1 + program.inputs + i,
            Place::Slot(i) => 1 + program.inputs + program.outputs + i,
        };
        let reduced: Vec<usize> = program.reduced.iter().map(|p| before(p) as usize).collect();
        let tile = Tile {
            function: (!program.steps.is_empty()).then(|| code.function()),
            block: code.block(),
            slots: program.slots as usize,
            reduced: &reduced,
            cost: stage.cost,
            memory: self.call.keep.memory / 2,
            loops: self.loops,
        };
        Loop::new(&tile, nest, ins, outs, folds, cells, pool).map_err(out_of_memory)
    }

    /// The array that takes what a stage writes.
    fn target(&mut self, target: Target, dtype: DType) -> Result<View> {
        match target {
            Target::Output(number) => self.arrays.outputs.get(number as usize),
            Target::Temporary(number) => self.arrays.temporaries.get(number as usize),
            Target::Cell(cell) => {
                let pointer = self.landing.as_mut_ptr().wrapping_add(cell as usize).cast();
                let (shape, strides) = (Box::new([]), Box::new([]));
                return Ok(View { pointer, dtype, shape, strides, swapped: false, store: None });
            }
        }
        .map(|kept| kept.written.clone())
        .ok_or_else(|| Error::internal("a stage writes what is no array"))
    }
}

/// Bytes of the elements of a view; axes of stride 0 have one.
fn bytes_of(view: &View, strides: &[isize]) -> u64 {
    let elements = view.shape.iter().enumerate().map(|(axis, extent)| match strides.get(axis) {
        Some(0) => 1.min(*extent),
        _ => *extent,
    });
    elements.fold(view.dtype.size() as u64, |bytes, extent| bytes.saturating_mul(extent as u64))
}

/// The strides of a reduction's results along the axes of its operand: 0 along those it takes.
fn along_kept(result: &View, mask: &[bool]) -> Vec<isize> {
    let keepdims = result.shape.len() == mask.len();
    let mut strides = result.strides.iter();
    let mut along = |reduced: &bool| match (reduced, keepdims) {
        (true, false) => 0,
        (true, true) => {
            strides.next();
            0
        }
        (false, _) => strides.next().copied().unwrap_or(0),
    };
    mask.iter().map(&mut along).collect()
}
