//! [`Batches`]: a program bound to batches of rows, which go on where the batch before ended.

use std::sync::Arc;

use hotloop_runtime::dtype::DType;
use hotloop_runtime::executor::Carried;
use hotloop_runtime::fpenv::FpEnv;
use hotloop_runtime::memory::OutOfMemory;
use hotloop_runtime::nest::Along;
use hotloop_runtime::tile::TileScan;
use hotloop_runtime::view::View;

use super::causal::{Causal, reach};
use crate::arg::{ArgValue, Args, Out, arrange, check, check_outs, place};
use crate::bind::{Compiled, Schedule, known};
use crate::bound::{Bindable, Bound, Work};
use crate::call::Call;
use crate::domain::Shapes;
use crate::engine::Kernels;
use crate::error::{Error, ErrorKind, Result, quoted, shown_shape};
use crate::graph::{ArgType, Domain};
use crate::order::fresh_strides;
use crate::outputs::{Output, Report};
use crate::plan::Value;
use crate::prepared::Prepared;
use crate::program::Program;

/// The number of rows for which programs are checked: more than any index of a test reaches.
const MANY_ROWS: usize = 1 << 24;
/// The maximum number of batches that stay bound.
const MOST_BOUND: usize = 8;

/// A program bound to batches of rows, with the states that its scans carry from one to the next.
pub struct Batches {
    pub program: Program,
    kernels: Arc<Kernels>,
    types: Box<[ArgType]>,
    pub inputs: Box<[Input]>,
    /// The axis of rows of each output.
    pub output_axes: Box<[usize]>,
    /// The states of each pass.
    carried: Box<[Option<Carried>]>,
    /// The last one used comes first.
    bound: Vec<Batch>,
    /// The shapes and strides of new outputs of the last batch that none of these is for, by its
    /// number of rows and the strides of its inputs.
    layouts: Option<(usize, Vec<isize>, Vec<Layout>)>,
    values: Vec<Option<ArgValue>>,
}

/// An input of a stream.
pub struct Input {
    dtype: DType,
    weak: bool,
    /// The extents; `None` of a number.
    pub shape: Option<Box<[usize]>>,
    /// The axis along which its rows arrive; `None` of an array that is the same in each row.
    pub axis: Option<usize>,
}

/// The shape and the strides of an array.
type Layout = (Box<[usize]>, Box<[isize]>);

/// A program bound to batches of one number of rows.
struct Batch {
    rows: usize,
    /// Whether outputs are new arrays.
    fresh: bool,
    /// The shapes and strides of new outputs.
    layouts: Vec<Layout>,
    bound: Bound<'static>,
}

/// The axis that an integer names, of an array of some rank; a negative one counts from the last.
fn axis_of(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

impl Batches {
    /// Binds a program to rows of arrays like these, which arrive along an axis. With `keyed`, many
    /// states take turns.
    ///
    /// # Errors
    /// As [`Program::stream`].
    pub fn new<'a>(
        program: &Program,
        like: impl Args<'a>,
        axis: i64,
        keyed: bool,
    ) -> Result<Batches> {
        let source = &program.source;
        let values = arrange(like, &source.inputs, &source.origin, &[])?;
        let mut inputs = Vec::with_capacity(values.len());
        for (number, value) in values.iter().enumerate() {
            check_in_memory(value, || program.input_name(number))?;
            inputs.push(match value {
                ArgValue::Scalar { dtype, weak, .. } => {
                    Input { dtype: *dtype, weak: *weak, shape: None, axis: None }
                }
                ArgValue::Array(view) => Input {
                    dtype: view.dtype(),
                    weak: false,
                    axis: axis_of(axis, view.shape.len()),
                    shape: Some((*view.shape).into()),
                },
            });
        }
        let mut prepared = Prepared::new(values, source)?;
        let types = prepared.types.clone();
        // The axis of rows of each class, counted from the last, and its shape with many rows.
        let mut given: Vec<Option<usize>> = Vec::new();
        let mut shapes: Vec<Box<[usize]>> = Vec::new();
        for (ty, input) in types.iter().zip(&inputs) {
            let (Some(class), Some(shape)) = (ty.class(), &input.shape) else { continue };
            let class = usize::from(class);
            if given.len() <= class {
                given.resize(class + 1, None);
                shapes.resize(class + 1, Box::default());
            }
            let mut shape = shape.clone();
            if let Some(axis) = input.axis {
                given[class] = Some(shape.len() - axis);
                shape[axis] = MANY_ROWS;
            }
            shapes[class] = shape;
        }
        if given.iter().all(Option::is_none) {
            let message = format!("no input has the axis {axis}, along which rows arrive");
            return Err(Error::new(ErrorKind::Shape, message));
        }
        let shapes = Shapes::of_arguments(shapes);
        // First the program as it was written, so that errors name what is in it.
        let (graph, spans) = source.origin.located(&types)?;
        Causal::new((&graph, &spans), &source.origin, &given, shapes.clone())?;
        let kernels = program.engine.kernels(source, &types)?;
        let causal = Causal::new((&kernels.graph, &[]), &source.origin, &given, shapes)?;
        prepared.check(&kernels, source)?;
        let Some(compiled) = &kernels.compiled else {
            let message = "the reference interpreter runs no streams";
            return Err(Error::new(ErrorKind::Type, message).hint("use Backend::Auto"));
        };
        let mut output_axes = Vec::new();
        for id in kernels.graph.outputs() {
            let domain = kernels.graph.ty(*id).domain;
            let rank = prepared.shapes.of(domain)?.len();
            let axis = causal.axis(domain).and_then(|behind| rank.checked_sub(behind));
            output_axes.push(axis.ok_or_else(|| Error::internal("an output without rows"))?);
        }
        let most = program.options.limits.memory;
        let carried = carried(compiled, &causal, &prepared.shapes, keyed, most)?;
        Ok(Batches {
            program: program.clone(),
            types,
            inputs: inputs.into(),
            output_axes: output_axes.into(),
            carried,
            bound: Vec::new(),
            layouts: None,
            values: vec![None; source.inputs.len()],
            kernels,
        })
    }

    /// The number of earlier rows that a row of the outputs depends on; `None` if on all.
    pub fn reach(&self) -> Option<usize> {
        reach(&self.kernels.graph)
    }

    /// The bytes of memory of all states.
    pub fn state_bytes(&self) -> usize {
        self.carried.iter().flatten().map(Carried::bytes).sum()
    }

    /// The bytes that [`save`](Batches::save) writes.
    pub fn saved_bytes(&self) -> usize {
        self.carried.iter().flatten().map(Carried::saved_bytes).sum()
    }

    /// Copies the states, into exactly as many bytes as they take.
    pub fn save(&mut self, to: &mut [u8]) {
        let mut rest = to;
        for carried in self.carried.iter_mut().flatten() {
            let (here, behind) = rest.split_at_mut(carried.saved_bytes());
            carried.save(here);
            rest = behind;
        }
    }

    /// Replaces the states by saved ones of sequences of which some rows have passed.
    pub fn resume(&mut self, rows: u64, from: &[u8]) {
        let mut rest = from;
        for carried in self.carried.iter_mut().flatten() {
            let (here, behind) = rest.split_at(carried.saved_bytes());
            carried.resume(rows, here);
            rest = behind;
        }
    }

    /// What identifies the states: the scans of each pass, with their constants.
    pub fn description(&self) -> String {
        let mut text = String::new();
        for pass in self.kernels.plan().into_iter().flat_map(|plan| &plan.passes) {
            for (value, dtype) in pass.body.values() {
                if let Value::Along(op, attributes, _) = value {
                    text.push_str(&format!("{} {dtype}{attributes:?}; ", op.row().name));
                }
            }
        }
        text
    }

    /// The types of the inputs.
    pub fn types(&self) -> &[ArgType] {
        &self.types
    }

    /// The text of the program, or its graph.
    pub fn program_text(&self) -> String {
        match self.program.text() {
            "" => self.kernels.graph.to_string(),
            text => text.to_string(),
        }
    }

    /// Takes the arguments of a batch; returns its number of rows.
    ///
    /// # Errors
    /// `Name` and `Arity` for missing arguments, `Type` and `Shape` for other ones than the stream
    /// was made for, `Layout` for arrays that are not in memory.
    pub fn take<'a>(&mut self, args: impl Args<'a>, outs: &[Out<'_>]) -> Result<usize> {
        let source = &self.program.source;
        place(args, &source.inputs, &source.origin, outs, &mut self.values)?;
        let mut rows: Option<(usize, usize)> = None;
        for (number, (input, value)) in self.inputs.iter().zip(&self.values).enumerate() {
            let (Some(axis), Some(ArgValue::Array(view))) = (input.axis, value) else { continue };
            let Some(own) = view.shape.get(axis).copied() else { continue };
            match rows {
                None => rows = Some((number, own)),
                Some((first, other)) if other != own => {
                    let name = |number| self.program.input_name(number);
                    let message =
                        format!("{} has {other} rows, and {} has {own}", name(first), name(number));
                    return Err(Error::new(ErrorKind::Shape, message));
                }
                Some(_) => {}
            }
        }
        Ok(rows.map_or(0, |(_, rows)| rows))
    }

    /// The arguments that were taken, to be changed.
    pub fn values(&mut self) -> &mut [Option<ArgValue>] {
        &mut self.values
    }

    /// Checks arguments against those that the stream was made for.
    pub fn check_values(&self) -> Result<()> {
        for (number, (input, value)) in self.inputs.iter().zip(&self.values).enumerate() {
            let Some(value) = value else { continue };
            let name = || self.program.input_name(number);
            check_in_memory(value, name)?;
            let (dtype, weak, shape) = match value {
                ArgValue::Scalar { dtype, weak, .. } => (*dtype, *weak, None),
                ArgValue::Array(view) => (view.dtype(), false, Some(&*view.shape)),
            };
            if (dtype, weak) != (input.dtype, input.weak) {
                let message =
                    format!("{} is {dtype}, but the stream takes {}", name(), input.dtype);
                return Err(Error::new(ErrorKind::Type, message)
                    .hint("nothing is cast silently: convert the array"));
            }
            let other =
                |(axis, (a, b)): (usize, (&usize, &usize))| Some(axis) != input.axis && a != b;
            let fits = match (shape, &input.shape) {
                (None, None) => true,
                (Some(own), Some(wanted)) => {
                    own.len() == wanted.len() && !own.iter().zip(wanted).enumerate().any(other)
                }
                _ => false,
            };
            if !fits {
                let shown = |shape: Option<&[usize]>| {
                    shape.map_or("of a number".into(), |shape| {
                        let extents = shape.iter().enumerate().map(|(axis, extent)| {
                            if Some(axis) == input.axis {
                                "rows".into()
                            } else {
                                extent.to_string()
                            }
                        });
                        let comma = if shape.len() == 1 { "," } else { "" };
                        format!("({}{comma})", extents.collect::<Vec<_>>().join(", "))
                    })
                };
                let given = shape.map_or("of a number".into(), shown_shape);
                let message = format!(
                    "{} has the shape {given}, but the stream takes {}",
                    name(),
                    shown(input.shape.as_deref())
                );
                return Err(Error::new(ErrorKind::Shape, message));
            }
            if let ArgValue::Array(view) = value {
                check(view, &quoted(&self.program.source.inputs[number]))?;
            }
        }
        Ok(())
    }

    /// New arrays for the outputs of the batch that was taken.
    ///
    /// # Errors
    /// As [`take`](Batches::take), and `OutOfMemory`.
    pub fn outputs(&mut self, rows: usize) -> Result<Vec<Output>> {
        let layouts = match self.bound.iter().find(|batch| batch.fresh && batch.rows == rows) {
            Some(batch) => &batch.layouts,
            None => {
                let arrays = self.values.iter().flatten().filter_map(|value| match value {
                    ArgValue::Array(view) => Some(&*view.strides),
                    ArgValue::Scalar { .. } => None,
                });
                let strides: Vec<isize> = arrays.flatten().copied().collect();
                let known = self.layouts.take();
                let known = known.filter(|(of, own, _)| *of == rows && *own == strides);
                let layouts = match known {
                    Some((.., layouts)) => layouts,
                    None => self.layouts(&self.prepare()?)?,
                };
                &self.layouts.insert((rows, strides, layouts)).2
            }
        };
        let outputs = self.kernels.graph.outputs().iter().zip(&self.program.source.outputs);
        let outputs = outputs.zip(layouts).map(|((id, name), (shape, strides))| {
            let dtype = self.kernels.graph.dtype(*id);
            let spare = self.program.engine.0.spare.clone();
            Output::new(name.clone(), dtype, shape.clone(), strides.clone(), spare)
        });
        outputs.collect()
    }

    fn layouts(&self, prepared: &Prepared) -> Result<Vec<Layout>> {
        let graph = &self.kernels.graph;
        let Prepared { shapes, operands, .. } = prepared;
        let strides = fresh_strides(self.program.options.order, graph, shapes, operands)?;
        let outputs = graph.outputs().iter().zip(strides);
        outputs.map(|(id, strides)| Ok((shapes.of(graph.ty(*id).domain)?, strides))).collect()
    }

    fn prepare(&self) -> Result<Prepared> {
        self.check_values()?;
        let values: Option<Vec<ArgValue>> = self.values.iter().cloned().collect();
        let values = values.ok_or_else(|| Error::internal("a missing argument"))?;
        let mut prepared = Prepared::new(values, &self.program.source)?;
        if prepared.types != self.types {
            return Err(Error::internal("a batch of other shape classes than the stream"));
        }
        prepared.check(&self.kernels, &self.program.source)?;
        Ok(prepared)
    }

    /// Runs the batch that was taken. An error of the arguments leaves the states as they were.
    ///
    /// # Errors
    /// As [`take`](Batches::take); `Cancelled` and `OutOfMemory`.
    pub fn run_fresh(&mut self, rows: usize, outputs: &[Output]) -> Result<Report> {
        if rows == 0 {
            self.check_values()?;
            return Ok(Report::default());
        }
        if let Some(first) = self.bound.iter().position(|b| b.fresh && b.rows == rows) {
            self.bound[..=first].rotate_right(1);
            let views: Vec<View> = outputs.iter().map(Output::target).collect();
            if self.bound[0].bound.reseat(&self.values, views.iter()).is_ok() {
                return self.run_first(rows);
            }
            self.bound.remove(0);
        }
        let prepared = self.prepare()?;
        let layouts = self.layouts(&prepared)?;
        let views = outputs.iter().map(Output::target).collect();
        self.bind(rows, prepared, views, layouts, true)?;
        self.run_first(rows)
    }

    /// As [`run_fresh`](Batches::run_fresh), into the caller's arrays.
    ///
    /// # Errors
    /// Also `Type`, `Shape` and `Alias` for outputs that do not fit.
    pub fn run_into(&mut self, rows: usize, outs: &[Out<'_>]) -> Result<Report> {
        let wanted = self.program.source.outputs.len();
        if outs.len() != wanted {
            let message = format!("{} output arrays for {wanted} outputs", outs.len());
            return Err(Error::new(ErrorKind::Arity, message));
        }
        if let Some(first) = self.bound.iter().position(|b| !b.fresh && b.rows == rows) {
            self.bound[..=first].rotate_right(1);
            let views = outs.iter().map(|out| &out.view);
            if self.bound[0].bound.reseat(&self.values, views).is_ok() {
                return self.run_first(rows);
            }
            self.bound.remove(0);
        }
        check_outs(outs, &self.program.source.outputs)?;
        for (number, out) in outs.iter().enumerate() {
            let array = ArgValue::Array(out.view.clone());
            check_in_memory(&array, || self.program.output_name(number))?;
        }
        let prepared = self.prepare()?;
        self.program.check_outputs(&self.kernels, &prepared, outs)?;
        if rows == 0 {
            return Ok(Report::default());
        }
        let views = outs.iter().map(|out| out.view.clone()).collect();
        self.bind(rows, prepared, views, Vec::new(), false)?;
        self.run_first(rows)
    }

    /// Binds the program to the arrays of a batch.
    fn bind(
        &mut self,
        rows: usize,
        prepared: Prepared,
        outputs: Vec<View>,
        layouts: Vec<Layout>,
        fresh: bool,
    ) -> Result<()> {
        let _environment = FpEnv::enter();
        let Prepared { operands, shapes, .. } = prepared;
        let control = self.program.options.control();
        let call = Call {
            operands: &operands,
            names: &self.program.source.inputs,
            shapes: &shapes,
            outputs: &outputs,
            control: &control,
            fresh,
            limits: &self.program.options.limits,
        };
        let flags = known(&self.kernels.adoptions, &call)?.1;
        let compiled = self.kernels.compiled.as_ref();
        let compiled = compiled.ok_or_else(|| Error::internal("a stream without code"))?;
        let pool = &self.program.engine.0.pool;
        let schedule = Schedule::resuming(compiled, &call, pool, &self.carried)?;
        let work = Work::Planned(Box::new(schedule));
        let call = Bindable { operands, shapes, outputs, fresh: false };
        let bound = Bound::new(self.program.clone(), self.kernels.clone(), work, call, flags);
        self.bound.truncate(MOST_BOUND - 1);
        self.bound.insert(0, Batch { rows, fresh, layouts, bound });
        Ok(())
    }

    /// Runs the batch that was used last.
    fn run_first(&mut self, rows: usize) -> Result<Report> {
        let Some(batch) = self.bound.first_mut().filter(|batch| batch.rows == rows) else {
            return Err(Error::internal("a batch that is not bound"));
        };
        batch.bound.run()
    }
}

/// Checks that an array is in memory.
fn check_in_memory(value: &ArgValue, name: impl Fn() -> String) -> Result<()> {
    match value {
        ArgValue::Array(view) if view.store().is_some() => {
            let message = format!("{} is outside memory", name());
            let hint = "a stream takes arrays in memory: read a part of it for each batch";
            Err(Error::new(ErrorKind::Layout, message).hint(hint))
        }
        _ => Ok(()),
    }
}

/// The states of each pass of a program, before the first row.
fn carried(
    compiled: &Compiled,
    causal: &Causal,
    shapes: &Shapes,
    keyed: bool,
    most: usize,
) -> Result<Box<[Option<Carried>]>> {
    let mut wanted: Vec<Option<(Vec<TileScan>, usize, Along)>> = Vec::new();
    let mut bytes = 0usize;
    for (pass, tile) in compiled.plan.passes.iter().zip(&compiled.tiles) {
        let scans: Option<Vec<TileScan>> = tile.scans().collect();
        let scans = scans.ok_or_else(|| Error::internal("a scan without a state"))?;
        // What takes sequences at once goes along other axes than that of the rows.
        if scans.iter().all(|scan| scan.scanner.is_whole()) {
            wanted.push(None);
            continue;
        }
        let shape = shapes.of(pass.space)?;
        let axis = axis_behind(causal, pass.space, shape.len());
        let mask = match &pass.axes {
            Some(how) => how.reduced(&shape)?,
            None => vec![true; shape.len()],
        };
        let (Some(axis), true) = (axis, pass.carries.is_empty()) else {
            return Err(Error::internal("a scan of a stream that goes along no rows"));
        };
        if mask.iter().enumerate().any(|(at, along)| *along != (at == axis)) {
            return Err(Error::internal("a scan of a stream along another axis"));
        }
        let others = shape.iter().enumerate().filter(|(at, _)| *at != axis);
        let sequences = others.map(|(_, extent)| *extent).product();
        let along = if keyed || sequences != 1 { Along::Rows } else { Along::Columns };
        bytes = bytes.saturating_add(Carried::bytes_of(&scans, sequences, along));
        wanted.push(Some((scans, sequences, along)));
    }
    if bytes > most {
        let message = format!("the state of the stream takes {bytes} bytes of {most}");
        return Err(Error::new(ErrorKind::Limit, message)
            .hint("raise the memory limit, or shorten the windows"));
    }
    let made = wanted.into_iter().map(|wanted| {
        let Some((scans, sequences, along)) = wanted else { return Ok(None) };
        let made = Carried::new(&scans, sequences, along);
        made.map(Some).map_err(|OutOfMemory(bytes)| {
            let message = format!("cannot allocate {bytes} bytes for the state of a stream");
            Error::new(ErrorKind::OutOfMemory, message)
        })
    });
    made.collect()
}

fn axis_behind(causal: &Causal, domain: Domain, rank: usize) -> Option<usize> {
    rank.checked_sub(causal.axis(domain)?)
}
