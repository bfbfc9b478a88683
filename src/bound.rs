//! Kernels bound to arrays.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotloop_runtime::block::DIVIDE_BY_ZERO;
use hotloop_runtime::fpenv::FpEnv;
use hotloop_runtime::host_threads::{Driver, ForEach};
use hotloop_runtime::view::View;

use crate::arg::{ArgValue, Args, Out};
use crate::bind::{Schedule, Seat, known};
use crate::call::{Call, Operand};
use crate::domain::Shapes;
use crate::engine::Kernels;
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::interp::evaluate;
use crate::outputs::Report;
use crate::plan::Array;
use crate::program::Program;
use crate::stats::{Stats, peak_memory};

/// A kernel bound to arrays. The arguments are checked once; it runs any number of times.
///
/// [`Bound::run`] does not allocate, except in the interpreter.
pub struct Bound<'a> {
    /// Boxed, so that rebinding moves it cheaply.
    state: Box<State>,
    borrow: PhantomData<&'a mut ()>,
}

/// The state of a bound kernel.
struct State {
    program: Program,
    kernels: Arc<Kernels>,
    work: Work,
    operands: Vec<Operand>,
    shapes: Shapes,
    outputs: Vec<View>,
    /// The seats of the inputs that are arrays, and of the outputs.
    input_seats: Vec<Option<Seat>>,
    output_seats: Vec<Seat>,
    /// Whether each input was given; used while rebinding.
    given: Vec<bool>,
    /// Whether it was released from its arrays.
    released: bool,
    /// Whether a run is that of one tile, which nothing watches or stops.
    one_tile: bool,
    native: bool,
    /// Flags raised by computing with weak arguments.
    flags: u32,
}

/// What runs it.
pub enum Work {
    /// A schedule of loops.
    Planned(Box<Schedule>),
    /// The interpreter.
    Interpreted,
}

/// The checked arguments and outputs of a call.
pub struct Bindable {
    /// The arguments.
    pub operands: Vec<Operand>,
    /// The shapes of the classes.
    pub shapes: Shapes,
    /// The outputs.
    pub outputs: Vec<View>,
    /// Whether the outputs are fresh arrays, which are never rebound.
    pub fresh: bool,
}

impl fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("program", &self.state.program).finish_non_exhaustive()
    }
}

impl Bound<'_> {
    pub(crate) fn new<'a>(
        program: Program,
        kernels: Arc<Kernels>,
        work: Work,
        call: Bindable,
        flags: u32,
    ) -> Bound<'a> {
        let Bindable { operands, shapes, outputs, fresh } = call;
        let seat = |operand: &Operand| match operand {
            Operand::Array(view) => Some(Seat::new(view.clone())),
            Operand::Scalar(_) => None,
        };
        let input_seats = operands.iter().filter(|_| !fresh).map(seat).collect();
        let output_seats = outputs.iter().filter(|_| !fresh).cloned().map(Seat::new).collect();
        let given = vec![false; if fresh { 0 } else { operands.len() }];
        let one_tile = match &work {
            Work::Planned(schedule) => schedule.is_one_tile() && program.options.are_plain(),
            Work::Interpreted => false,
        };
        let native = kernels.is_native() && matches!(work, Work::Planned(_));
        let state = State {
            program,
            kernels,
            work,
            operands,
            shapes,
            outputs,
            input_seats,
            output_seats,
            given,
            released: false,
            one_tile,
            native,
            flags,
        };
        Bound { state: Box::new(state), borrow: PhantomData }
    }

    /// Runs the kernel on its arrays.
    ///
    /// # Errors
    /// `Cancelled`, or `Io` of sources and sinks; the outputs are then undefined. From the
    /// interpreter also `OutOfMemory`.
    pub fn run(&mut self) -> Result<Report> {
        let State { work, one_tile, released, native, flags, .. } = &mut *self.state;
        match work {
            // What remains of a run where there is nothing to choose: most of the time of a small
            // one would otherwise pass before and after its tile.
            Work::Planned(schedule) if *one_tile && !*released => {
                // SAFETY: as in `drive`.
                let raised = unsafe { schedule.run_one_tile() };
                let divided_by_zero = (raised | *flags) & DIVIDE_BY_ZERO != 0;
                Ok(Report { divided_by_zero, native: *native, stats: None })
            }
            _ => self.state.drive(None),
        }
    }

    /// Runs the kernel on the host's threads: `for_each(count, call)` is the host's parallel loop,
    /// which calls `call(0)` to `call(count - 1)` on any threads and returns when all calls have.
    /// It is called once for each pass that is worth sharing; `count` is at most the engine's
    /// number of threads.
    ///
    /// ```
    /// use hotloop::{ArgType, DType, Engine};
    ///
    /// let engine = Engine::builder().threads(4).build();
    /// let kernel = engine.compile("sum(x * x)")?.specialize(&[("x", ArgType::array(DType::F64))])?;
    /// let (x, mut sum) = (vec![2.0; 1_000_000], [0.0]);
    /// let out = hotloop::ndarray::ArrayViewMut0::from_shape((), &mut sum).expect("one element");
    /// let mut bound = kernel.bind(("x", &x), [out])?;
    /// bound.run_on(&|count, call| {
    ///     std::thread::scope(|scope| {
    ///         (0..count).for_each(|i| {
    ///             scope.spawn(move || call(i));
    ///         });
    ///     });
    /// })?;
    /// drop(bound);
    /// assert_eq!(sum, [4e6]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Bound::run`].
    pub fn run_on(&mut self, for_each: &ForEach<'_>) -> Result<Report> {
        self.state.drive(Some(for_each))
    }

    /// Rebinds to other arrays of the same dtypes, shapes and strides, and to other numbers of the
    /// same types. Does not allocate unless a number has changed.
    ///
    /// Decisions made for the first arrays must hold for the others: an output may overlap an array
    /// only at the same distance as the first ones did.
    ///
    /// ```
    /// use hotloop::{ArgType, DType};
    ///
    /// let array = ArgType::array(DType::F64);
    /// let kernel = hotloop::compile("x * 2")?.specialize(&[("x", array)])?;
    /// let (columns, mut y) = ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [0.0; 2]);
    /// let mut idle = kernel.bind(("x", &columns[0]), [&mut y])?.release();
    /// let mut sums = Vec::new();
    /// for x in &columns {
    ///     let mut bound = idle.rebind(("x", x), [&mut y])?;
    ///     bound.run()?;
    ///     idle = bound.release();
    ///     sums.push(y[0] + y[1]);
    /// }
    /// assert_eq!(sums, [6.0, 14.0, 22.0]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Name` and `Arity` for missing arguments; `Type`, `Shape` and `Layout` for an array that
    /// differs from the first or is outside memory; `Alias` for arrays that overlap differently. In
    /// these cases bind the kernel again.
    pub fn rebind<'b>(
        self,
        args: impl Args<'b>,
        outs: impl IntoIterator<Item = impl Into<Out<'b>>>,
    ) -> Result<Bound<'b>> {
        let mut state = self.state;
        let changed = state.offer(args, &mut outs.into_iter().map(Into::into))?;
        state.check_seats()?;
        state.settle();
        if changed {
            state.renew()?;
        }
        state.released = false;
        Ok(Bound { state, borrow: PhantomData })
    }

    /// Rebinds to arrays that are given by address and have the dtypes, shapes, strides and byte
    /// orders of the first ones, which is not checked. Inputs are in the order of
    /// [`Program::inputs`](Program::inputs); for a number, the address is that of its value. Does
    /// not allocate unless a number has changed. After an error the kernel is
    /// [released](Bound::release).
    ///
    /// ```
    /// use hotloop::{ArgType, DType};
    ///
    /// let array = ArgType::array(DType::F64);
    /// let kernel = hotloop::compile("x * k")?.specialize(&[("x", array), ("k", ArgType::scalar(DType::F64))])?;
    /// let (a, b, mut y) = ([1.0, 2.0], [3.0, 4.0], [0.0; 2]);
    /// let k = hotloop::Arg::typed(2.0f64);
    /// let mut bound = kernel.bind((("x", &a), ("k", k)), [&mut y])?.release();
    /// let k = 10.0f64;
    /// // SAFETY: two elements each, and a number, which outlive the run.
    /// unsafe { bound.rebind_raw(&[b.as_ptr().cast(), (&raw const k).cast()], &[y.as_mut_ptr().cast()]) }?;
    /// bound.run()?;
    /// drop(bound);
    /// assert_eq!(y, [30.0, 40.0]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Arity` for another number of arrays, `Layout` for an address where no array can be, `Alias`
    /// for arrays that overlap differently. In these cases bind the kernel again.
    ///
    /// # Safety
    /// As of [`Arg::raw`](crate::Arg::raw) and [`Out::raw`], until the kernel is released, rebound
    /// or dropped, with the dtypes and layouts of the arrays that it was bound to first.
    pub unsafe fn rebind_raw(&mut self, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let state = &mut *self.state;
        state.released = true;
        // SAFETY: the caller's promise.
        let changed = unsafe { state.offer_raw(inputs, outputs) }?;
        // Callers in a loop often come with the same arrays again.
        if state.moves() {
            if let Err(error) = state.check_seats() {
                state.withdraw();
                return Err(error);
            }
            state.settle();
        }
        if changed {
            state.renew()?;
        }
        state.released = false;
        Ok(())
    }

    /// The approximate time of a run on one thread, within a factor of a few; the longest time for
    /// the interpreter. Hosts decide by it whether a run is worth a thread of its own.
    ///
    /// ```
    /// use hotloop::{ArgType, DType};
    ///
    /// let kernel = hotloop::compile("sum(x)")?.specialize(&[("x", ArgType::array(DType::F64))])?;
    /// let mut sum = hotloop::ndarray::arr0(0.0);
    /// let short = kernel.bind(("x", &vec![0.0; 1 << 12]), [&mut sum])?.estimate();
    /// let long = kernel.bind(("x", &vec![0.0; 1 << 20]), [&mut sum])?.estimate();
    /// assert!(long > 10 * short);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn estimate(&self) -> Duration {
        match &self.state.work {
            Work::Planned(schedule) => Duration::from_nanos(schedule.work() as u64),
            Work::Interpreted => Duration::MAX,
        }
    }

    /// Rebinds in place, as [`rebind`](Bound::rebind) does, to arguments in the order of the inputs.
    /// The arrays outlive the next run. After an error the old arrays stay.
    pub(crate) fn reseat<'v>(
        &mut self,
        values: &[Option<ArgValue>],
        outs: impl Iterator<Item = &'v View>,
    ) -> Result<()> {
        let state = &mut *self.state;
        let mut changed = false;
        let inputs = state.input_seats.iter_mut().zip(&mut state.operands).zip(values).enumerate();
        for (number, ((seat, operand), value)) in inputs {
            let name = || quoted(&state.program.source.inputs[number]);
            match (seat, operand, value) {
                (Some(seat), _, Some(ArgValue::Array(view))) => seat.offer(view, name)?,
                (None, Operand::Scalar(own), Some(ArgValue::Scalar { dtype, weak, bits }))
                    if state.kernels.graph.inputs()[number].dtype() == *dtype
                        && state.kernels.graph.inputs()[number].is_weak() == *weak =>
                {
                    changed |= own != bits;
                    *own = *bits;
                }
                _ => {
                    let message = format!("{} is of another type than when bound", name());
                    return Err(Error::new(ErrorKind::Type, message));
                }
            }
        }
        for (number, (seat, view)) in state.output_seats.iter_mut().zip(outs).enumerate() {
            seat.offer(view, || state.program.output_name(number))?;
        }
        state.check_seats()?;
        state.settle();
        if changed { state.renew() } else { Ok(()) }
    }

    /// Releases the arrays, so that they can be used again. The kernel can run only after
    /// [`rebind`](Bound::rebind).
    pub fn release(mut self) -> Bound<'static> {
        self.state.released = true;
        Bound { state: self.state, borrow: PhantomData }
    }
}

impl State {
    /// Offers new arrays to the seats; returns whether a number changed.
    fn offer<'b>(
        &mut self,
        args: impl Args<'b>,
        outs: &mut dyn Iterator<Item = Out<'b>>,
    ) -> Result<bool> {
        let State { program, operands, input_seats, output_seats, given, kernels, .. } = self;
        let names = &program.source.inputs;
        given.fill(false);
        let mut changed = false;
        let mut take = |number: usize, value: &ArgValue| -> Result<()> {
            let name = || quoted(&names[number]);
            if std::mem::replace(&mut given[number], true) {
                return Err(Error::new(ErrorKind::Name, format!("{} is given twice", name())));
            }
            let ty = kernels.graph.inputs()[number];
            match (&mut input_seats[number], value) {
                (Some(seat), ArgValue::Array(view)) => seat.offer(view, name),
                (None, ArgValue::Scalar { dtype, weak, bits })
                    if (*dtype, *weak) == (ty.dtype(), ty.is_weak()) =>
                {
                    if let Operand::Scalar(own) = &mut operands[number] {
                        changed |= own != bits;
                        *own = *bits;
                    }
                    Ok(())
                }
                _ => {
                    let message = format!("{} is of another type than when bound", name());
                    Err(Error::new(ErrorKind::Type, message))
                }
            }
        };
        let mut count = 0;
        let find = |name: &str, from: usize| {
            let (before, behind) = names.split_at(from.min(names.len()));
            let at = behind.iter().position(|n| **n == *name).map(|at| at + before.len());
            at.or_else(|| before.iter().position(|n| **n == *name))
        };
        for out in outs {
            let name = || program.output_name(count);
            let Some(seat) = output_seats.get_mut(count) else {
                count += 1;
                continue;
            };
            seat.offer(&out.view, name)?;
            if let Some(input) = &out.input {
                let number = find(input, 0).ok_or_else(|| {
                    let message = format!("the program has no input {}", quoted(input));
                    Error::new(ErrorKind::Name, message)
                })?;
                take(number, &ArgValue::Array(out.view))?;
            }
            count += 1;
        }
        if count != output_seats.len() {
            let message = format!("{count} output arrays for {} outputs", output_seats.len());
            return Err(Error::new(ErrorKind::Arity, message));
        }
        let (mut at, mut failed, mut placed) = (0, None, 0);
        args.give(&mut |name, arg| {
            let number = match name {
                Some(name) => find(name, at),
                None => Some(placed),
            };
            placed += usize::from(name.is_none());
            let Some(number) = number.filter(|_| failed.is_none()) else { return };
            at = number + 1;
            if number >= names.len() {
                let message = format!("more arguments than the {} inputs", names.len());
                failed = Some(Error::new(ErrorKind::Arity, message));
            } else if let Err(error) = take(number, &arg.value) {
                failed = Some(error);
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        match given.iter().position(|given| !given) {
            Some(number) => Err(program.source.origin.missing(&names[number])),
            None => Ok(changed),
        }
    }

    /// Offers arrays and numbers by address; returns whether a number changed.
    ///
    /// # Safety
    /// The addresses of numbers are those of elements of their dtypes.
    unsafe fn offer_raw(&mut self, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<bool> {
        let State { operands, input_seats, output_seats, kernels, .. } = self;
        if inputs.len() != input_seats.len() || outputs.len() != output_seats.len() {
            let (given, wanted) =
                (inputs.len() + outputs.len(), input_seats.len() + output_seats.len());
            let message = format!("{given} addresses for {wanted} arrays and numbers");
            return Err(Error::new(ErrorKind::Arity, message));
        }
        let (mut changed, mut valid) = (false, true);
        for (number, (seat, pointer)) in input_seats.iter_mut().zip(inputs).enumerate() {
            match (seat, &mut operands[number]) {
                (Some(seat), _) => valid &= seat.offer_at(pointer.cast_mut()),
                (None, Operand::Scalar(own)) => {
                    let mut bytes = [0u8; 8];
                    let size = kernels.graph.inputs()[number].dtype().size();
                    // SAFETY: the caller's promise; an element has at most 8 bytes.
                    unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(*pointer, size) };
                    let bits = u64::from_le_bytes(bytes);
                    changed |= *own != bits;
                    *own = bits;
                }
                (None, Operand::Array(_)) => valid = false,
            }
        }
        for (seat, pointer) in output_seats.iter_mut().zip(outputs) {
            valid &= seat.offer_at(*pointer);
        }
        if !valid {
            self.withdraw();
            let message = "an array is at an address where no array can be";
            return Err(Error::new(ErrorKind::Layout, message));
        }
        Ok(changed)
    }

    /// Withdraws what was offered.
    fn withdraw(&mut self) {
        self.input_seats
            .iter_mut()
            .flatten()
            .chain(&mut self.output_seats)
            .for_each(Seat::withdraw);
    }

    /// Whether an offered array is at another address than the current one.
    fn moves(&self) -> bool {
        let mut seats = self.input_seats.iter().flatten().chain(&self.output_seats);
        seats.any(|seat| seat.distance() != 0)
    }

    /// Checks that the offered arrays overlap as the first ones did.
    fn check_seats(&self) -> Result<()> {
        let State { program, input_seats, output_seats, .. } = self;
        for (number, seat) in output_seats.iter().enumerate() {
            let inputs = input_seats.iter().enumerate();
            let near = inputs
                .filter_map(|(i, other)| Some((i, other.as_ref()?)))
                .find(|(_, other)| !seat.keeps_away_from(other))
                .map(|(i, _)| program.input_name(i));
            let mut outputs = output_seats[..number].iter();
            let near = near.or_else(|| {
                let other = outputs.position(|other| !seat.keeps_away_from(other));
                other.map(|i| program.output_name(i))
            });
            if let Some(near) = near {
                let message = format!(
                    "{} overlaps {near} differently than when bound",
                    program.output_name(number)
                );
                return Err(Error::new(ErrorKind::Alias, message).hint("bind the kernel anew"));
            }
        }
        Ok(())
    }

    /// Replaces the arrays by the offered ones.
    fn settle(&mut self) {
        let State { work, operands, outputs, input_seats, output_seats, .. } = self;
        match work {
            Work::Planned(schedule) => schedule.shift(|array| match array {
                Array::Input(number) => {
                    input_seats[number as usize].as_ref().map_or(0, Seat::distance)
                }
                Array::Output(number) => output_seats[number as usize].distance(),
                Array::Temporary(_) => 0,
            }),
            Work::Interpreted => {}
        }
        for (operand, seat) in operands.iter_mut().zip(&mut *input_seats) {
            if let (Operand::Array(view), Some(seat)) = (operand, seat) {
                view.storage.location.shift(seat.distance());
                seat.settle();
            }
        }
        for (view, seat) in outputs.iter_mut().zip(output_seats) {
            view.storage.location.shift(seat.distance());
            seat.settle();
        }
    }

    /// Recomputes the values that depend on scalar arguments.
    fn renew(&mut self) -> Result<()> {
        let _environment = FpEnv::enter();
        let options = &self.program.options;
        let control = options.control();
        let call = Call {
            operands: &self.operands,
            names: &self.program.source.inputs,
            shapes: &self.shapes,
            outputs: &self.outputs,
            fresh: false,
            control: &control,
            limits: &options.limits,
        };
        self.flags = known(&self.kernels.adoptions, &call)?.1;
        match &mut self.work {
            Work::Planned(schedule) => schedule.renew(&call),
            Work::Interpreted => Ok(()),
        }
    }

    fn drive(&mut self, host: Option<&ForEach<'_>>) -> Result<Report> {
        let Program { engine, options, .. } = &self.program;
        let driver = host.map_or(Driver::Pool(&engine.0.pool), Driver::Host);
        let control = options.control();
        let progress = options.progress.as_deref();
        let mut watch = options.stats.then(|| (Instant::now(), Vec::new()));
        let times = watch.as_mut().map(|(_, times)| times);
        if self.released {
            let message = "the kernel was released from its arrays";
            return Err(Error::new(ErrorKind::Layout, message).hint("`rebind` gives it others"));
        }
        let flags = match &mut self.work {
            Work::Planned(schedule) => {
                // SAFETY: the arrays are borrowed for as long as this value, or their owner
                // promised so when it made them raw.
                unsafe { schedule.run(driver, &control, progress, times) }?
            }
            Work::Interpreted => {
                let call = Call {
                    operands: &self.operands,
                    names: &self.program.source.inputs,
                    shapes: &self.shapes,
                    outputs: &self.outputs,
                    fresh: false,
                    control: &control,
                    limits: &options.limits,
                };
                // SAFETY: as above, and nothing is in a store; inputs are read before outputs are
                // written.
                unsafe { evaluate(&self.kernels.graph, &call) }?
            }
        };
        let divided_by_zero = (flags | self.flags) & DIVIDE_BY_ZERO != 0;
        let stats = watch.map(|(started, times)| {
            let run = started.elapsed();
            Box::new(Stats { run, ..self.stats(&times) })
        });
        Ok(Report { divided_by_zero, native: self.native, stats })
    }

    /// The statistics of a run with these times of its passes.
    fn stats(&self, times: &[Duration]) -> Stats {
        let Program { source, .. } = &self.program;
        let own = match &self.work {
            Work::Planned(schedule) => schedule.stats(times, &source.outputs),
            Work::Interpreted => Stats::default(),
        };
        Stats { compile: source.took + self.kernels.took, peak_memory: peak_memory(), ..own }
    }
}
