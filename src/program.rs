//! Programs, their kernels for given types, and kernels bound to arrays.

use std::fmt::{self, Write as _};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotloop_runtime::block::DIVIDE_BY_ZERO;
use hotloop_runtime::drive::{Driver, ForEach};
use hotloop_runtime::dtype::{DType, Element};
use hotloop_runtime::fpenv::FpEnv;
use hotloop_runtime::strided::broadcast_shape;
use hotloop_runtime::view::View;
use ndarray::ArrayD;

use crate::arg::{ArgValue, Args, Out, arrange, check_outs};
use crate::backend::Refusal;
use crate::backend::cpu::Tile;
use crate::bind::{Compiled, Schedule, known};
use crate::call::{Call, Operand, empty_extreme};
use crate::domain::{Shapes, axes_behind, element_count};
use crate::drawing::{self, Subject};
use crate::engine::{Engine, Kernels, Source};
use crate::error::{Error, ErrorKind, Result, quoted, shown_shape};
use crate::graph::{ArgType, Domain, Type};
use crate::interp::evaluate;
use crate::options::{Backend, RunOptions};
use crate::order::fresh_strides;
use crate::outputs::{Output, Outputs, Report};
use crate::plan::Plan;
use crate::stats::{Stats, peak_memory};
use crate::store;

/// A compiled program: cheap to clone, may be used from many threads at once.
///
/// ```
/// let program = hotloop::compile("(bid + ask) / 2")?;
/// assert_eq!(program.inputs(), ["bid".into(), "ask".into()]);
/// let mid = program.eval_as::<f64>([("bid", (&[1.0, 2.0]).into()), ("ask", (&[2.0, 4.0]).into())])?;
/// assert_eq!(mid.as_slice(), Some(&[1.5, 3.0][..]));
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    source: Arc<Source>,
    options: RunOptions,
}

/// The dtype and the shape of an output: what [`Program::eval_shape`] knows without computing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputShape {
    /// The elements' dtype.
    pub dtype: DType,
    /// The extents of the axes.
    pub shape: Box<[usize]>,
}

/// A program for given input types.
#[derive(Clone)]
pub struct Kernel {
    program: Program,
    types: Box<[ArgType]>,
    kernels: Arc<Kernels>,
}

/// A kernel bound to its arrays: checked once, runs many times.
///
/// The native engine allocates nothing in [`Bound::run`].
pub struct Bound<'a> {
    program: Program,
    kernels: Arc<Kernels>,
    work: Work,
    /// Flags that computing the weak arguments raised.
    flags: u32,
    borrow: PhantomData<&'a mut ()>,
}

enum Work {
    Planned(Box<Schedule>),
    Interpreted { operands: Vec<Operand>, shapes: Shapes, outputs: Vec<View> },
}

/// A call's arguments, sorted out: types, operands and the shapes of the shape classes.
struct Prepared {
    types: Box<[ArgType]>,
    operands: Vec<Operand>,
    shapes: Shapes,
    /// An input of each shape class, for messages.
    examples: Vec<usize>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.text()).finish()
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<String> = self.types.iter().map(ArgType::to_string).collect();
        f.debug_struct("Kernel")
            .field("program", &self.program)
            .field("types", &types)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Program {
    pub(crate) fn new(engine: Engine, source: Arc<Source>) -> Program {
        Program { engine, source, options: RunOptions::default() }
    }

    /// The inputs, in order of first use.
    pub fn inputs(&self) -> &[Box<str>] {
        &self.source.inputs
    }

    /// The names that the program binds to values of its own, in order.
    ///
    /// ```
    /// let program = hotloop::compile("b = x + 1; a = b * b; a")?;
    /// assert_eq!(program.bindings().collect::<Vec<_>>(), ["b", "a"]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn bindings(&self) -> impl Iterator<Item = &str> {
        self.source.terms.bindings()
    }

    /// The error for an input that is not given, with the place where the program first reads it.
    ///
    /// ```
    /// let program = hotloop::compile("a == true")?;
    /// let error = program.missing_input("true");
    /// assert!(error.to_string().contains("did you mean `True`?"));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn missing_input(&self, name: &str) -> Error {
        self.source.terms.missing(name)
    }

    /// The outputs; one that is a bare name or a binding carries it.
    pub fn outputs(&self) -> &[Option<Box<str>>] {
        &self.source.outputs
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.source.terms.source()
    }

    /// The same program with other options for its runs.
    pub fn with(&self, options: RunOptions) -> Program {
        Program { options, ..self.clone() }
    }

    /// Evaluates into fresh arrays, of the shape that the inputs broadcast to, and in their order
    /// in memory unless [`RunOptions::order`] says otherwise.
    ///
    /// # Errors
    /// `Name` and `Arity` for missing arguments, `Type` for dtypes that an operation does not
    /// take, `Shape`, `Layout` and `OutOfMemory`, `Cancelled`; `Io` of a source.
    pub fn eval<'a>(&self, args: impl Args<'a>) -> Result<Outputs> {
        let mut prepared = self.prepare(arrange(args, &self.source.terms, &[])?)?;
        let kernels = self.engine.kernels(&self.source, &prepared.types)?;
        self.check_shapes(&kernels, &mut prepared)?;
        let mut list = Vec::with_capacity(self.outputs().len());
        let Prepared { shapes, operands, .. } = &prepared;
        let strides = fresh_strides(self.options.order, &kernels.graph, shapes, operands)?;
        let outputs = kernels.graph.outputs().iter().zip(self.outputs());
        for ((id, name), strides) in outputs.zip(strides) {
            let ty = kernels.graph.ty(*id);
            let shape = prepared.shapes.of(ty.domain)?;
            list.push(Output::new(name.clone(), ty.dtype, shape, strides)?);
        }
        let targets = list.iter().map(Output::target).collect();
        let report = self.bound(kernels, prepared, targets, true)?.run()?;
        Ok(Outputs { list, report })
    }

    /// Evaluates the only output into a fresh array.
    ///
    /// # Errors
    /// As [`Program::eval`]; `Arity` if there are several outputs; `Type` if `T` is not the
    /// output's dtype.
    pub fn eval_as<'a, T: Element>(&self, args: impl Args<'a>) -> Result<ArrayD<T>> {
        if self.outputs().len() != 1 {
            let message = format!("the program has {} outputs, not one", self.outputs().len());
            return Err(Error::new(ErrorKind::Arity, message).hint("use `eval`"));
        }
        self.eval(args)?.take(0)
    }

    /// The dtypes and shapes that the outputs would have. Computes nothing, and reads no elements.
    ///
    /// ```
    /// let program = hotloop::compile("sum(x, axis=0)")?;
    /// let x = hotloop::ndarray::Array2::<f32>::zeros((3, 4));
    /// let shapes = program.eval_shape([("x", (&x).into())])?;
    /// assert_eq!((shapes[0].dtype, &*shapes[0].shape), (hotloop::DType::F32, &[4][..]));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Program::eval`]'s, but for memory and cancelling.
    pub fn eval_shape<'a>(&self, args: impl Args<'a>) -> Result<Vec<OutputShape>> {
        let mut prepared = self.prepare(arrange(args, &self.source.terms, &[])?)?;
        let kernels = self.engine.kernels(&self.source, &prepared.types)?;
        self.check_shapes(&kernels, &mut prepared)?;
        let outputs = kernels.graph.outputs().iter();
        outputs
            .map(|id| {
                let ty = kernels.graph.ty(*id);
                Ok(OutputShape { dtype: ty.dtype, shape: prepared.shapes.of(ty.domain)? })
            })
            .collect()
    }

    /// Evaluates into the caller's arrays, one for each output, in order.
    ///
    /// # Errors
    /// As [`Program::eval`]; `Type` and `Shape` for an output that does not fit, `Alias` for
    /// outputs that overlap each other or themselves. Outputs are untouched, unless the run is
    /// cancelled or a source or sink fails (`Io`).
    pub fn eval_into<'a>(&self, args: impl Args<'a>, outs: &mut [Out<'_>]) -> Result<Report> {
        let (kernels, prepared) = self.check_call(args, outs)?;
        self.bound(kernels, prepared, self.targets(outs), false)?.run()
    }

    /// The kernel for given input types, by name; compiled unless it is cached.
    ///
    /// # Errors
    /// `Name` for a missing or unknown input, `Type` for dtypes that an operation does not take.
    pub fn specialize(&self, types: &[(&str, ArgType)]) -> Result<Kernel> {
        let mut list = Vec::with_capacity(self.inputs().len());
        for name in self.inputs() {
            let found = types.iter().find(|(n, _)| **n == **name);
            let (_, ty) = found.ok_or_else(|| {
                Error::new(ErrorKind::Name, format!("missing the type of {}", quoted(name)))
            })?;
            list.push(*ty);
        }
        if let Some((name, _)) =
            types.iter().find(|(n, _)| !self.inputs().iter().any(|i| **i == **n))
        {
            return Err(Error::new(
                ErrorKind::Name,
                format!("the program has no input {}", quoted(name)),
            ));
        }
        let kernels = self.engine.kernels(&self.source, &list)?;
        Ok(Kernel { program: self.clone(), types: list.into(), kernels })
    }

    /// The plan, the work of each element and the graph, as text for people.
    ///
    /// # Errors
    /// As [`Program::specialize`].
    pub fn explain(&self, types: &[(&str, ArgType)]) -> Result<String> {
        Ok(self.specialize(types)?.explain())
    }

    fn prepare(&self, values: Vec<ArgValue>) -> Result<Prepared> {
        let mut types = Vec::with_capacity(values.len());
        let mut operands = Vec::with_capacity(values.len());
        let mut shapes: Vec<Box<[usize]>> = Vec::new();
        let mut examples = Vec::new();
        for (number, value) in values.into_iter().enumerate() {
            let (ty, operand) = match value {
                ArgValue::Scalar { dtype, weak, bits } => {
                    (Type { dtype, weak, domain: Domain::SCALAR }, Operand::Scalar(bits))
                }
                ArgValue::Array(view) if view.shape.is_empty() => {
                    let ty = Type { dtype: view.dtype, weak: false, domain: Domain::SCALAR };
                    (ty, Operand::Array(store::named(view, || self.input_name(number))))
                }
                ArgValue::Array(view) => {
                    let class = shapes.iter().position(|s| *s == view.shape).unwrap_or_else(|| {
                        shapes.push(view.shape.clone());
                        examples.push(number);
                        shapes.len() - 1
                    });
                    if class >= usize::from(Domain::SHAPES) {
                        let message = format!(
                            "the inputs have more than {} different shapes",
                            Domain::SHAPES
                        );
                        return Err(Error::new(ErrorKind::Limit, message));
                    }
                    let domain = Domain::of_shape(class as u8);
                    let ty = Type { dtype: view.dtype, weak: false, domain };
                    (ty, Operand::Array(store::named(view, || self.input_name(number))))
                }
            };
            types.push(ArgType(ty));
            operands.push(operand);
        }
        let shapes = Shapes::of_arguments(shapes);
        Ok(Prepared { types: types.into(), operands, shapes, examples })
    }

    fn input_name(&self, number: usize) -> String {
        format!("the input {}", quoted(&self.inputs()[number]))
    }

    fn output_name(&self, number: usize) -> String {
        match &self.outputs()[number] {
            Some(name) => format!("the output {}", quoted(name)),
            None => format!("output {number}"),
        }
    }

    /// Where outputs go.
    fn targets(&self, outs: &[Out<'_>]) -> Vec<View> {
        let named =
            |(i, out): (usize, &Out<'_>)| store::named(out.view.clone(), || self.output_name(i));
        outs.iter().enumerate().map(named).collect()
    }

    /// Checks that shapes that meet broadcast, naming the inputs that do not; derives the shapes
    /// of reductions and views.
    fn check_shapes(&self, kernels: &Kernels, prepared: &mut Prepared) -> Result<()> {
        let Prepared { shapes, examples, types, .. } = prepared;
        for domain in &kernels.domains {
            let mut joined: Vec<usize> = Vec::new();
            for class in domain.shapes().filter(|class| *class < Domain::SHAPES) {
                let shape = shapes.class(class);
                let Some(next) = broadcast_shape(&joined, shape) else {
                    let fits = |other: &u8| broadcast_shape(shapes.class(*other), shape).is_some();
                    let before = domain.shapes().take_while(|c| *c != class);
                    let other = { before }.find(|c| !fits(c)).unwrap_or(0);
                    let name = |class: u8| quoted(&self.inputs()[examples[usize::from(class)]]);
                    let message = format!(
                        "the shapes of {} {} and {} {} do not broadcast",
                        name(other),
                        shown_shape(shapes.class(other)),
                        name(class),
                        shown_shape(shape)
                    );
                    let error = Error::new(ErrorKind::Shape, message)
                        .hint("axes are matched from the last; each pair must be equal or 1");
                    // Where several arrays are of the shape, one of them is not enough.
                    let behind = |short: u8, long: u8| {
                        let index = axes_behind(shapes.class(short), shapes.class(long))?;
                        let example = examples[usize::from(short)];
                        let of_shape = types
                            .iter()
                            .filter(|ty| ty.0.domain == Domain::of_shape(short))
                            .count();
                        (of_shape == 1).then(|| format!("`{}{index}`", self.inputs()[example]))
                    };
                    let whole = domain.shapes().count() == 2;
                    let index = behind(other, class).or_else(|| behind(class, other));
                    return Err(match index.filter(|_| whole) {
                        Some(index) => error.hint(format!("axes are added behind by {index}")),
                        None => error,
                    });
                };
                element_count(&next)?;
                joined = next;
            }
        }
        let graph = &kernels.graph;
        if !graph.derived().is_empty() {
            let source = self.source.terms.source();
            for (derived, place) in graph.derived().iter().zip(&kernels.places) {
                shapes.derive(derived).map_err(|e| e.at(*place, source))?;
            }
            for domain in &kernels.domains {
                shapes.of(*domain)?;
            }
        }
        for (op, id) in &kernels.extremes {
            let empty = match graph.derivation(*id) {
                Some(derived) => shapes.length(derived)? == 0,
                None => {
                    let domain = graph.ty(graph.node(*id).operands()[0]).domain;
                    shapes.of(domain)?.contains(&0)
                }
            };
            if empty {
                return Err(empty_extreme(*op));
            }
        }
        Ok(())
    }

    /// That no output is written to what an input is read from, where both are not in memory.
    fn check_stores(&self, values: &[ArgValue], outs: &[Out<'_>]) -> Result<()> {
        for (i, out) in outs.iter().enumerate().filter(|(_, out)| out.view.store.is_some()) {
            let read = |value: &ArgValue| match value {
                ArgValue::Array(view) => store::same(view, &out.view),
                ArgValue::Scalar { .. } => false,
            };
            if let Some(number) = values.iter().position(read) {
                let (output, input) = (self.output_name(i), self.input_name(number));
                let message = format!("{output} is written to where {input} is read from");
                return Err(Error::new(ErrorKind::Alias, message)
                    .hint("write it to another place, and replace the first one afterwards"));
            }
        }
        Ok(())
    }

    fn check_call<'a>(
        &self,
        args: impl Args<'a>,
        outs: &[Out<'_>],
    ) -> Result<(Arc<Kernels>, Prepared)> {
        if outs.len() != self.outputs().len() {
            let message =
                format!("{} output arrays for {} outputs", outs.len(), self.outputs().len());
            return Err(Error::new(ErrorKind::Arity, message));
        }
        check_outs(outs, self.outputs())?;
        let values = arrange(args, &self.source.terms, outs)?;
        self.check_stores(&values, outs)?;
        let mut prepared = self.prepare(values)?;
        let kernels = self.engine.kernels(&self.source, &prepared.types)?;
        self.check_shapes(&kernels, &mut prepared)?;
        for (i, (id, out)) in kernels.graph.outputs().iter().zip(outs).enumerate() {
            let ty = kernels.graph.ty(*id);
            let name = self.output_name(i);
            if out.view.dtype != ty.dtype {
                let message =
                    format!("{name} is {}, but the array for it is {}", ty.dtype, out.view.dtype);
                return Err(Error::new(ErrorKind::Type, message)
                    .hint("nothing is cast silently: convert in the program"));
            }
            let shape = prepared.shapes.of(ty.domain)?;
            if out.view.shape != shape {
                let message = format!(
                    "{name} has the shape {}, but the array for it {}",
                    shown_shape(&shape),
                    shown_shape(&out.view.shape)
                );
                return Err(Error::new(ErrorKind::Shape, message));
            }
        }
        Ok((kernels, prepared))
    }

    fn bound<'a>(
        &self,
        kernels: Arc<Kernels>,
        prepared: Prepared,
        outputs: Vec<View>,
        fresh: bool,
    ) -> Result<Bound<'a>> {
        let _environment = FpEnv::enter();
        let Prepared { operands, shapes, .. } = prepared;
        let control = self.options.control();
        let call = Call {
            operands: &operands,
            names: self.inputs(),
            shapes: &shapes,
            outputs: &outputs,
            control: &control,
            fresh,
            limits: &self.options.limits,
        };
        // Every adoption is checked, also one that optimizing has made superfluous.
        let flags = known(&kernels.adoptions, &call)?.1;
        let work = match &kernels.compiled {
            Some(compiled) => {
                if let (Backend::Native, Some(refusal)) =
                    (self.engine.0.options.backend, &compiled.refusal)
                {
                    return Err(refused(refusal));
                }
                Work::Planned(Box::new(Schedule::new(compiled, &call, &self.engine.0.pool)?))
            }
            None => {
                let in_store = |operand: &Operand| match operand {
                    Operand::Array(view) => view.store.is_some(),
                    Operand::Scalar(_) => false,
                };
                if operands.iter().any(in_store) || outputs.iter().any(|o| o.store.is_some()) {
                    let message = "the reference interpreter takes only arrays in memory";
                    return Err(Error::new(ErrorKind::Limit, message).hint("use Backend::Auto"));
                }
                Work::Interpreted { operands, shapes, outputs }
            }
        };
        Ok(Bound { program: self.clone(), kernels, work, flags, borrow: PhantomData })
    }
}

impl Kernel {
    /// The types of the inputs, in order.
    pub fn types(&self) -> &[ArgType] {
        &self.types
    }

    /// Whether there is native code.
    pub fn is_native(&self) -> bool {
        self.kernels.is_native()
    }

    /// Binds the kernel to arrays: everything is checked here, and may then run many times.
    ///
    /// Dtypes must be the kernel's; if the arrays share shapes in another way than the kernel's
    /// types say, a kernel for that is fetched.
    ///
    /// # Errors
    /// As [`Program::eval_into`]; `Type` for an argument of another dtype than the kernel's.
    pub fn bind<'a>(&self, args: impl Args<'a>, outs: &'a mut [Out<'a>]) -> Result<Bound<'a>> {
        let (kernels, prepared) = self.program.check_call(args, outs)?;
        let pairs = self.types.iter().zip(&prepared.types).zip(self.program.inputs());
        for ((want, got), name) in pairs {
            if (want.dtype(), want.is_weak()) != (got.dtype(), got.is_weak()) {
                let message =
                    format!("{} is {}, but the kernel is made for {}", quoted(name), got.0, want.0);
                return Err(Error::new(ErrorKind::Type, message));
            }
        }
        let targets = self.program.targets(outs);
        self.program.bound(kernels, prepared, targets, false)
    }

    /// The plan, the work of each element and the graph, as text for people.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_explanation(&mut text);
        text
    }

    /// The passes over the data as a picture, an SVG file: what each reads, computes and writes.
    ///
    /// ```
    /// use hotloop::{ArgType, DType};
    ///
    /// let program = hotloop::compile("x / sum(x)")?;
    /// let kernel = program.specialize(&[("x", ArgType::array(DType::F64))])?;
    /// assert!(kernel.explain_svg().starts_with("<svg"));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn explain_svg(&self) -> String {
        drawing::svg(&Subject {
            text: self.program.text(),
            inputs: self.program.inputs(),
            types: &self.types,
            outputs: self.program.outputs(),
            plan: self.kernels.plan(),
        })
    }

    fn write_explanation(&self, text: &mut String) -> fmt::Result {
        let inputs: Vec<String> = self
            .program
            .inputs()
            .iter()
            .zip(&self.types)
            .enumerate()
            .map(|(i, (n, ty))| format!("input {i} is {n}: {ty}"))
            .collect();
        writeln!(text, "{}", inputs.join("\n"))?;
        let mode = self.program.engine.0.options.mode.name();
        let graph = &self.kernels.graph;
        let Some(compiled) = &self.kernels.compiled else {
            return writeln!(text, "\ninterpreted\n\ngraph ({mode})\n{graph}");
        };
        let Compiled { plan, tiles, isa, refusal } = &**compiled;
        writeln!(text, "\nplan\n{plan}")?;
        writeln!(text, "{} bytes moved an element", plan.bytes_per_element())?;
        let operations = plan.operations();
        let plural = if operations == 1 { "" } else { "s" };
        writeln!(text, "{operations} operation{plural} an element")?;
        match refusal {
            Some(refusal) => writeln!(text, "block kernels for {}: {refusal}", isa.name())?,
            None => {
                let code: usize = tiles.iter().map(Tile::code_len).sum();
                writeln!(text, "{code} bytes of machine code for {}", isa.name())?;
            }
        }
        for (number, tile) in tiles.iter().enumerate() {
            write!(text, "\ncode of pass {number}\n{tile}")?;
        }
        write!(text, "\ngraph ({mode})\n{graph}")
    }

    /// Bytes that an element moves between memory and the caches, over all passes.
    pub fn bytes_per_element(&self) -> usize {
        self.kernels.plan().map_or(0, Plan::bytes_per_element)
    }
}

impl Bound<'_> {
    /// Runs the kernel on its arrays.
    ///
    /// # Errors
    /// `Cancelled`, or `Io` of sources and sinks; the outputs are then undefined. From the
    /// interpreter also `OutOfMemory`.
    pub fn run(&mut self) -> Result<Report> {
        self.drive(None)
    }

    /// Runs the kernel on the host's threads: `for_each(count, call)` is the host's parallel loop,
    /// which is to run `call(0)` to `call(count - 1)` on as many threads as it likes and to return
    /// when they all have. It is called once for each pass over the data that is worth it; the
    /// engine's number of threads limits `count`.
    ///
    /// ```
    /// use hotloop::{ArgType, DType, Engine, Out};
    ///
    /// let engine = Engine::builder().threads(4).build();
    /// let kernel = engine.compile("sum(x * x)")?.specialize(&[("x", ArgType::array(DType::F64))])?;
    /// let (x, mut sum) = (vec![2.0; 1_000_000], [0.0]);
    /// let mut outs = [Out::from(hotloop::ndarray::ArrayViewMut0::from_shape((), &mut sum).unwrap())];
    /// let mut bound = kernel.bind([("x", (&x).into())], &mut outs)?;
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
        self.drive(Some(for_each))
    }

    fn drive(&mut self, host: Option<&ForEach<'_>>) -> Result<Report> {
        let Program { engine, options, .. } = &self.program;
        let driver = host.map_or(Driver::Pool(&engine.0.pool), Driver::Host);
        let control = options.control();
        let progress = options.progress.as_deref();
        let mut watch = options.stats.then(|| (Instant::now(), Vec::new()));
        let times = watch.as_mut().map(|(_, times)| times);
        let (flags, native) = match &mut self.work {
            Work::Planned(schedule) => {
                // SAFETY: the arrays are borrowed for as long as this value, or their owner
                // promised so when it made them raw.
                let flags = unsafe { schedule.run(driver, &control, progress, times) }?;
                (flags, self.kernels.is_native())
            }
            Work::Interpreted { operands, shapes, outputs } => {
                let names = &self.program.source.inputs;
                let fresh = false;
                let call = Call {
                    operands,
                    names,
                    shapes,
                    outputs,
                    fresh,
                    control: &control,
                    limits: &options.limits,
                };
                // SAFETY: as above, and nothing is in a store; inputs are read before outputs are
                // written.
                let flags = unsafe { evaluate(&self.kernels.graph, &call) }?;
                (flags, false)
            }
        };
        let divided_by_zero = (flags | self.flags) & DIVIDE_BY_ZERO != 0;
        let stats = watch.map(|(started, times)| {
            let run = started.elapsed();
            Box::new(Stats { run, ..self.stats(&times) })
        });
        Ok(Report { divided_by_zero, native, stats })
    }

    /// What a run took, from the times of its passes.
    fn stats(&self, times: &[Duration]) -> Stats {
        let Program { source, .. } = &self.program;
        let own = match &self.work {
            Work::Planned(schedule) => schedule.stats(times, &source.outputs),
            Work::Interpreted { .. } => Stats::default(),
        };
        Stats { compile: source.took + self.kernels.took, peak_memory: peak_memory(), ..own }
    }
}

/// The error where native code was asked for and nothing else.
fn refused(refusal: &Refusal) -> Error {
    let kind = match refusal {
        Refusal::TooLarge | Refusal::Busy => ErrorKind::Limit,
        _ => ErrorKind::Internal,
    };
    let error = Error::new(kind, format!("there is no native code: {refusal}"));
    match refusal {
        Refusal::TooLarge => error.hint("raise the engine's compile budget, or use Backend::Auto"),
        _ => error.hint("use Backend::Auto"),
    }
}
