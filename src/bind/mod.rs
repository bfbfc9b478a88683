//! Binding: from a plan and the arrays of a call to a [`Schedule`], which runs any number of times.
//!
//! Here shapes, strides and overlaps are known: each pass gets device-independent [bindings] and
//! then a loop of the CPU's executor. Temporary arrays are allocated, inputs that an output
//! overlaps are copied, and uniforms that are known are computed.
//!
//! Arrays outside memory stay there, except that small or repeatedly read inputs are loaded for the
//! run. Temporary arrays that exceed the memory limit are files.

mod arrays;
mod bindings;
mod cpu;
#[cfg(feature = "host-device")]
mod launch;
mod rebinding;
mod uniforms;

pub use rebinding::Seat;
pub use uniforms::known;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotloop_runtime::control::{Control, Progress};
use hotloop_runtime::executor::{Carried, Group, Loop, Slot};
use hotloop_runtime::host_threads::Driver;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::pool::Pool;
use hotloop_runtime::view::View;

use crate::backend::Refusal;
use crate::backend::cpu::Tile;
use crate::call::{Call, stopped};
use crate::domain::element_count;
use crate::error::Result;
use crate::plan::{Array, Destination, Pass, Plan};
use crate::stats::{PassStats, Stats, Traffic, computes};
use crate::store;
use arrays::{Arrays, Copied, Drain};
use bindings::Bindings;
use cpu::Machine;
use rebinding::Move;
use uniforms::Uniforms;

/// A plan with its code.
pub struct Compiled {
    /// The plan.
    pub plan: Plan,
    /// The code of each pass.
    pub tiles: Vec<Tile>,
    /// The instruction set of the code and the kernels.
    pub isa: Isa,
    /// The kernels of the passes that run on a device; none if no pass does.
    #[cfg(feature = "host-device")]
    pub kernels: Vec<Option<crate::backend::text::Kernel>>,
    /// Why a pass has no native code, if any.
    pub refusal: Option<Refusal>,
}

#[cfg(feature = "host-device")]
impl Compiled {
    /// The kernel of a pass that runs on a device.
    fn kernel(&self, pass: usize) -> Option<&crate::backend::text::Kernel> {
        self.kernels.get(pass)?.as_ref()
    }
}

/// A compiled program bound to its arrays.
pub struct Schedule {
    compiled: Arc<Compiled>,
    uniforms: Uniforms,
    turns: Vec<Turn>,
    /// Scalar outputs, with their numbers and their uniforms.
    outputs: Vec<(usize, u32, View)>,
    /// The places of the caller's arrays in the loops.
    moves: Vec<Move>,
    /// What is copied before each run.
    copies: Vec<Copied>,
    /// What is copied to sinks after a pass, with the pass's number.
    drains: Vec<(usize, Drain)>,
    /// The memory of temporary arrays.
    _memory: Vec<Vec<u8>>,
    /// The number of temporary arrays, and their bytes.
    temporaries: (usize, u64),
    /// The bytes that each loop moves.
    traffic: Vec<Traffic>,
    /// Whether no output has an element, so that nothing is computed.
    vacuous: bool,
}

/// A step of the schedule: a pass, or passes that run together.
struct Turn {
    passes: Range<usize>,
    /// The number of uniforms that must be computed before.
    uniforms: u32,
    work: Work,
}

/// The loop of a pass, or a group of loops.
enum Work {
    Alone(Box<Loop>),
    Together(Group),
    /// A launch on a device.
    #[cfg(feature = "host-device")]
    Device(Box<launch::Launch>),
}

impl Work {
    fn loops(&self) -> &[Box<Loop>] {
        match self {
            Work::Alone(work) => std::slice::from_ref(work),
            Work::Together(group) => group.loops(),
            #[cfg(feature = "host-device")]
            Work::Device(_) => &[],
        }
    }

    fn loops_mut(&mut self) -> &mut [Box<Loop>] {
        match self {
            Work::Alone(work) => std::slice::from_mut(work),
            Work::Together(group) => group.loops_mut(),
            #[cfg(feature = "host-device")]
            Work::Device(_) => &mut [],
        }
    }
}

impl Schedule {
    /// Binds a compiled program to a call's arrays.
    ///
    /// # Errors
    /// `Shape`, `Type` (weak numbers), `OutOfMemory`.
    pub fn new(compiled: &Arc<Compiled>, call: &Call<'_>, pool: &Pool) -> Result<Schedule> {
        Schedule::resuming(compiled, call, pool, &[])
    }

    /// Binds a compiled program whose scans go on where the last run ended: the states of each pass,
    /// or none of a program whose runs have nothing to do with each other. They outlive the schedule.
    ///
    /// # Errors
    /// As [`Schedule::new`].
    pub fn resuming(
        compiled: &Arc<Compiled>,
        call: &Call<'_>,
        pool: &Pool,
        carried: &[Option<Carried>],
    ) -> Result<Schedule> {
        let Compiled { plan, tiles, isa, .. } = &**compiled;
        let mut uniforms = Uniforms::new(&plan.uniforms, call, *isa)?;
        let mut arrays = Arrays::new(plan, call)?;
        arrays.separate(plan, call)?;
        let machine = Machine {
            isa: *isa,
            cells: uniforms.cells(),
            pool,
            memory: call.limits.memory / 2,
            loops: plan.passes.len(),
            together: 0,
        };
        let mut traffic = Vec::with_capacity(plan.passes.len());
        let mut turns = Vec::with_capacity(plan.passes.len());
        let states = |number: usize| carried.get(number).and_then(Option::as_ref);
        let mut next = 0;
        for group in plan.passes.chunk_by(|one, next| one.group == next.group) {
            let numbers = next..next + group.len();
            next = numbers.end;
            let turn = |passes: Range<usize>, work| {
                let uniforms = plan.passes[passes.clone()].iter().map(|pass| pass.uniforms);
                Turn { uniforms: uniforms.max().unwrap_or(0), passes, work }
            };
            #[cfg(feature = "host-device")]
            if numbers.clone().any(|number| compiled.kernel(number).is_some()) {
                arrays.place(plan, group[0].group, call)?;
                for number in numbers {
                    let (pass, tile) = (&plan.passes[number], &tiles[number]);
                    let bindings = Bindings::new(plan, pass, call, &arrays, &mut uniforms)?;
                    let kernel = compiled.kernel(number);
                    let launch = kernel
                        .map(|kernel| launch::Launch::new(kernel, &bindings, uniforms.cells()));
                    let work = match launch.transpose()?.flatten() {
                        Some(launch) => Work::Device(Box::new(launch)),
                        None => Work::Alone(Box::new(cpu::bind(
                            pass,
                            tile,
                            &bindings,
                            &machine,
                            states(number),
                        )?)),
                    };
                    let moved = (vec![true; pass.loads.len()], vec![true; pass.stores.len()]);
                    traffic.push(bindings.traffic(&moved));
                    turns.push(turn(number..number + 1, work));
                }
                continue;
            }
            let mut together = 0;
            for pass in group.iter().filter(|_| group.len() > 1 && carried.is_empty()) {
                together = together.max(element_count(&call.shapes.of(pass.space)?)?);
            }
            let machine = Machine { together, ..machine };
            let mut bind = |arrays: &Arrays| {
                let bind = |number| {
                    let (pass, tile) = (&plan.passes[number], &tiles[number]);
                    let bindings = Bindings::new(plan, pass, call, arrays, &mut uniforms)?;
                    Ok((
                        Box::new(cpu::bind(pass, tile, &bindings, &machine, states(number))?),
                        bindings,
                    ))
                };
                numbers.clone().map(bind).collect::<Result<Vec<_>>>()
            };
            let (loops, mut bindings): (Vec<Box<Loop>>, Vec<Bindings>) =
                bind(&arrays)?.into_iter().unzip();
            // Rows that come one after another are no blocks of rows.
            let joined = if carried.is_empty() { Group::join(loops) } else { Err(loops) };
            match joined {
                Ok(group) => {
                    let moved = bindings.iter().zip(numbers.clone());
                    traffic.extend(moved.map(|(b, number)| b.traffic(&plan.moved(number))));
                    turns.push(turn(numbers, Work::Together(group)));
                }
                Err(mut alone) => {
                    if arrays.place(plan, group[0].group, call)? {
                        (alone, bindings) = bind(&arrays)?.into_iter().unzip();
                    }
                    let all =
                        |pass: &Pass| (vec![true; pass.loads.len()], vec![true; pass.stores.len()]);
                    let moved = bindings.iter().zip(group);
                    traffic.extend(moved.map(|(b, pass)| b.traffic(&all(pass))));
                    let alone = numbers.zip(alone);
                    turns.extend(alone.map(|(n, work)| turn(n..n + 1, Work::Alone(work))));
                }
            }
        }
        let outputs = plan.outputs.iter().zip(call.outputs).enumerate();
        let outputs = outputs.filter_map(|(i, (o, view))| Some((i, o.uniform?, view.clone())));
        let outputs = outputs.collect();
        let mut moves = Vec::new();
        for (turn, Turn { passes, .. }) in turns.iter().enumerate() {
            for (number, pass) in plan.passes[passes.clone()].iter().enumerate() {
                let own = slots(pass).filter(|(_, array)| arrays.is_callers(*array));
                moves.extend(own.map(|(slot, array)| Move { turn, number, slot, array }));
            }
        }
        let Arrays { copies, memory, kept, drains, .. } = arrays;
        Ok(Schedule {
            compiled: compiled.clone(),
            uniforms,
            turns,
            outputs,
            moves,
            copies,
            drains,
            _memory: memory,
            temporaries: kept,
            traffic,
            vacuous: call.outputs.iter().all(|view| view.shape.contains(&0)),
        })
    }

    /// Shifts the addresses of the caller's arrays.
    pub fn shift(&mut self, bytes: impl Fn(Array) -> isize) {
        for Move { turn, number, slot, array } in &self.moves {
            let work = &mut self.turns[*turn].work;
            #[cfg(feature = "host-device")]
            if let Work::Device(launch) = work {
                launch.shift(*slot, bytes(*array));
                continue;
            }
            work.loops_mut()[*number].shift(*slot, bytes(*array));
        }
        for copy in &mut self.copies {
            let by = bytes(Array::Input(copy.input as u32));
            copy.from.storage.location.shift(by);
        }
        for (number, _, view) in &mut self.outputs {
            view.storage.location.shift(bytes(Array::Output(*number as u32)));
        }
        self.uniforms.shift(bytes);
    }

    /// Recomputes the uniforms after scalar arguments changed.
    ///
    /// # Errors
    /// As [`Schedule::new`].
    pub fn renew(&mut self, call: &Call<'_>) -> Result<()> {
        let Compiled { plan, isa, .. } = &*self.compiled;
        self.uniforms.renew(Uniforms::new(&plan.uniforms, call, *isa)?);
        Ok(())
    }

    /// The statistics of a run whose passes took these times; the caller adds the totals.
    pub fn stats(&self, times: &[Duration], names: &[Option<Box<str>>]) -> Stats {
        let passes = self.compiled.plan.passes.iter().zip(&self.traffic).zip(times);
        let passes = passes.map(|((pass, traffic), time)| PassStats {
            computes: computes(pass, names),
            elements: traffic.elements,
            bytes_read: traffic.read,
            bytes_written: traffic.written,
            time: *time,
        });
        Stats {
            passes: passes.collect(),
            copied_arrays: self.copies.len(),
            copied_bytes: self.copies.iter().map(|copy| copy.bytes.len() as u64).sum(),
            temporary_arrays: self.temporaries.0,
            temporary_bytes: self.temporaries.1,
            ..Stats::default()
        }
    }

    /// The approximate time of a run on one thread, in nanoseconds.
    pub fn work(&self) -> f32 {
        self.turns.iter().flat_map(|turn| turn.work.loops()).map(|work| work.work()).sum()
    }

    /// Whether a run is that of a single loop of one tile, with nothing before or after it.
    pub fn is_one_tile(&self) -> bool {
        let [Turn { work: Work::Alone(work), .. }] = &self.turns[..] else { return false };
        let alone = self.copies.is_empty() && self.drains.is_empty() && self.outputs.is_empty();
        alone && work.is_one_tile() && self.uniforms.are_known()
    }

    /// Runs a program that [is one tile](Schedule::is_one_tile); returns advisory flags.
    ///
    /// # Safety
    /// As [`Schedule::run`].
    #[inline]
    pub unsafe fn run_one_tile(&mut self) -> u32 {
        let flags = self.uniforms.flags();
        match &mut self.turns[..] {
            // SAFETY: the caller's promise.
            [Turn { work: Work::Alone(work), .. }] => flags | unsafe { work.run_one_tile() },
            _ => flags,
        }
    }

    /// Runs the program; returns advisory flags. Does not allocate, except for the times of passes
    /// if they are requested.
    ///
    /// # Errors
    /// `Cancelled`; `Io` of arrays in stores.
    ///
    /// # Safety
    /// The arrays that the schedule was bound to are still valid, and outputs are writable; its
    /// carried states are too, and nothing else uses them.
    pub unsafe fn run(
        &mut self,
        driver: Driver<'_>,
        control: &Control,
        progress: Option<&Progress>,
        mut times: Option<&mut Vec<Duration>>,
    ) -> Result<u32> {
        if let Some(progress) = progress {
            let loops = self.turns.iter().flat_map(|turn| turn.work.loops());
            progress.add_total(loops.map(|work| work.elements() as u64).sum());
        }
        for copy in &mut self.copies {
            // SAFETY: the caller's promise.
            unsafe { copy.make(control) }?;
        }
        // SAFETY: scalar arrays are the call's.
        let mut flags = unsafe { self.uniforms.begin() }?;
        if self.vacuous {
            return Ok(flags);
        }
        for Turn { passes, uniforms, work } in &mut self.turns {
            flags |= self.uniforms.advance(*uniforms);
            let started = times.is_some().then(Instant::now);
            // SAFETY: the operands are views of the call, temporary arrays or uniforms, all valid
            // now; the tile is the pass's own.
            flags |= unsafe {
                match work {
                    Work::Alone(work) => work.run(driver, control, progress),
                    Work::Together(group) => group.run(driver, control, progress),
                    #[cfg(feature = "host-device")]
                    Work::Device(launch) => Ok(launch.run(control)?),
                }
            }
            .map_err(stopped)?;
            if let (Some(times), Some(started)) = (&mut times, started) {
                // Passes that run together share their time equally.
                let count = passes.len();
                times.extend(vec![started.elapsed() / count as u32; count]);
            }
            for (_, drain) in self.drains.iter().filter(|(after, _)| passes.contains(after)) {
                // SAFETY: the passes have written what is drained.
                unsafe { drain.run(control) }.map_err(stopped)?;
            }
        }
        flags |= self.uniforms.advance(u32::MAX);
        for (_, number, view) in &self.outputs {
            // SAFETY: a scalar output's view has one element, writable by the caller's promise.
            unsafe { store::write_element(view, self.uniforms.bits(*number)) }.map_err(stopped)?;
        }
        Ok(flags)
    }
}

/// The arrays of a pass in the order of its loop, temporary ones included.
fn slots(pass: &Pass) -> impl Iterator<Item = (Slot, Array)> {
    let array = |to: Destination| match to {
        Destination::Output(number) => Some(Array::Output(number)),
        Destination::Temporary(_) | Destination::Uniform(_) => None,
    };
    let loads = pass.loads.iter().map(|load| Some(load.array));
    let stores = pass.stores.iter().map(move |store| array(store.to));
    let operands = loads.chain(stores).enumerate();
    let operands = operands.filter_map(|(i, array)| Some((Slot::Operand(i), array?)));
    let folds = pass.carries.iter().enumerate();
    operands.chain(folds.filter_map(move |(i, carry)| Some((Slot::Fold(i), array(carry.to)?))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hotloop_grammar::parse;
    use hotloop_runtime::control::Control;
    use hotloop_runtime::dtype::DType;
    use hotloop_runtime::host_threads::Driver;
    use hotloop_runtime::isa::Isa;
    use hotloop_runtime::pool::Pool;
    use hotloop_runtime::storage::Storage;
    use hotloop_runtime::view::View;

    use super::{Compiled, Schedule};
    use crate::backend::cpu::Portable;
    use crate::backend::{Backend, Label};
    use crate::call::{Call, MemoryLimits, Operand};
    use crate::domain::Shapes;
    use crate::graph::ArgType;
    use crate::legalize::{Mode, legalize};
    use crate::optimize::optimize;
    use crate::plan::{Plan, plan};
    use crate::resolve::resolve;

    /// The plan of a text whose inputs are arrays of one shape.
    fn planned(text: &str) -> Plan {
        let ast = parse(text).unwrap();
        let terms = resolve(&Arc::from(text), &ast, 1 << 10).unwrap();
        let types = vec![ArgType::array(DType::F64); terms.inputs().len()];
        let graph = terms.graph(&types).unwrap().0;
        let graph = optimize(legalize(&graph, Mode::Strict, 1 << 10).unwrap()).unwrap();
        plan(&graph).unwrap()
    }

    fn view(data: &mut [f64]) -> View {
        View {
            storage: Storage::native(data.as_mut_ptr().cast(), DType::F64),
            shape: [data.len()].into(),
            strides: [8].into(),
        }
    }

    #[test]
    fn a_plan_runs_without_its_graph() {
        let plan = planned("x / (sum(x) + 1)");
        let tile = |pass| {
            Portable(Isa::Baseline).compile(pass, Label::default(), std::time::Instant::now())
        };
        let tiles = plan.passes.iter().map(|pass| tile(pass).unwrap()).collect();
        let compiled = Arc::new(Compiled {
            plan,
            tiles,
            isa: Isa::Baseline,
            #[cfg(feature = "host-device")]
            kernels: Vec::new(),
            refusal: None,
        });
        let (mut x, mut y) = (vec![1.0, 2.0, 4.0], vec![0.0; 3]);
        let shapes = Shapes::of_arguments(vec![Box::new([3])]);
        let (operands, outputs) = ([Operand::Array(view(&mut x))], [view(&mut y)]);
        let call = Call {
            operands: &operands,
            names: &["x".into()],
            shapes: &shapes,
            outputs: &outputs,
            fresh: true,
            control: &Control::default(),
            limits: &MemoryLimits::default(),
        };
        let pool = Pool::new(1);
        let mut schedule = Schedule::new(&compiled, &call, &pool).unwrap();
        let driver = Driver::Pool(&pool);
        // SAFETY: the arrays live as long as the schedule.
        let flags = unsafe { schedule.run(driver, &Control::default(), None, None) }.unwrap();
        assert_eq!((flags, y), (0, vec![0.125, 0.25, 0.5]));
    }

    #[test]
    fn texts_of_one_plan_have_equal_plans() {
        let texts = ["sum((a - b)**2) / 2", "d = a - b\ns = d * d\nsum(s) / 2"];
        let [one, other] = texts.map(planned);
        assert_eq!(one, other);
        assert_ne!(one, planned("sum((a - b)**2) / 3"));
    }
}
