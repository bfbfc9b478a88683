//! Compiled programs, and their specializations ([`Kernel`]).

use std::fmt::{self, Write as _};
use std::sync::Arc;

use hotloop_runtime::dtype::{DType, Element};
use hotloop_runtime::fpenv::FpEnv;
use hotloop_runtime::view::View;
use ndarray::ArrayD;

use crate::arg::{ArgValue, Args, Out, arrange, check_outs};
use crate::backend::Refusal;
use crate::backend::cpu::Tile;
use crate::bind::{Compiled, Schedule, known};
use crate::bound::{Bindable, Bound, Work};
use crate::call::{Call, Operand};
use crate::drawing::{self, Subject};
use crate::engine::{Engine, Kernels, Source};
use crate::error::{Error, ErrorKind, Result, quoted, shown_shape};
use crate::graph::ArgType;
use crate::options::{Backend, RunOptions};
use crate::order::fresh_strides;
use crate::outputs::{Output, Outputs, Report};
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::store;

/// A compiled program. Cheap to clone; usable from several threads at once.
///
/// ```
/// let program = hotloop::compile("(bid + ask) / 2")?;
/// assert!(program.inputs().eq(["bid", "ask"]));
/// let mid = program.eval_vec::<f64>([("bid", &[1.0, 2.0]), ("ask", &[2.0, 4.0])])?;
/// assert_eq!(mid, [1.5, 3.0]);
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone)]
pub struct Program {
    pub(crate) engine: Engine,
    pub(crate) source: Arc<Source>,
    pub(crate) options: RunOptions,
}

/// The dtype and shape of an output, as [`Program::eval_shape`] returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputShape {
    /// The elements' dtype.
    pub dtype: DType,
    /// The extents of the axes.
    pub shape: Box<[usize]>,
    /// The strides in bytes of a fresh array, which follow [`RunOptions::order`].
    pub strides: Box<[isize]>,
}

/// A program specialized on input types.
#[derive(Clone)]
pub struct Kernel {
    program: Program,
    types: Box<[ArgType]>,
    kernels: Arc<Kernels>,
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

impl Program {
    pub(crate) fn new(engine: Engine, source: Arc<Source>) -> Program {
        Program { engine, source, options: RunOptions::default() }
    }

    /// The inputs, in order of first use.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &str> {
        self.source.inputs.iter().map(|name| &**name)
    }

    /// The names of the program's bindings, in order.
    ///
    /// ```
    /// let program = hotloop::compile("b = x + 1; a = b * b; a")?;
    /// assert_eq!(program.bindings().collect::<Vec<_>>(), ["b", "a"]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn bindings(&self) -> impl Iterator<Item = &str> {
        self.source.origin.bindings()
    }

    /// The error for a missing input, with the place where the program first reads it.
    ///
    /// ```
    /// let program = hotloop::compile("a == true")?;
    /// let error = program.missing_input("true");
    /// assert!(error.to_string().contains("did you mean `True`?"));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn missing_input(&self, name: &str) -> Error {
        self.source.origin.missing(name)
    }

    /// The names of the outputs; an output has a name if it is a bare name or a binding.
    ///
    /// ```
    /// let program = hotloop::compile("y = x * 2; y, y + 1")?;
    /// assert!(program.outputs().eq([Some("y"), None]));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        self.source.outputs.iter().map(|name| name.as_deref())
    }

    /// The program text; empty if the program was compiled from a graph.
    pub fn text(&self) -> &str {
        self.source.origin.text()
    }

    /// The same program with other run options.
    pub fn with(&self, options: RunOptions) -> Program {
        Program { options, ..self.clone() }
    }

    /// Evaluates the program into fresh arrays. They have the memory order of the inputs unless
    /// [`RunOptions::order`] is set.
    ///
    /// # Errors
    /// `Name` and `Arity` for missing arguments, `Type` for dtypes that an operation does not
    /// accept, `Shape`, `Layout`, `OutOfMemory`, `Cancelled`; `Io` from a source.
    pub fn eval<'a>(&self, args: impl Args<'a>) -> Result<Outputs> {
        let mut prepared = Prepared::new(
            arrange(args, &self.source.inputs, &self.source.origin, &[])?,
            &self.source,
        )?;
        let kernels = self.engine.kernels(&self.source, &prepared.types)?;
        prepared.check(&kernels, &self.source)?;
        let mut list = Vec::with_capacity(self.source.outputs.len());
        let Prepared { shapes, operands, .. } = &prepared;
        let strides = fresh_strides(self.options.order, &kernels.graph, shapes, operands)?;
        let outputs = kernels.graph.outputs().iter().zip(&self.source.outputs);
        for ((id, name), strides) in outputs.zip(strides) {
            let ty = kernels.graph.ty(*id);
            let shape = prepared.shapes.of(ty.domain)?;
            let spare = self.engine.0.spare.clone();
            list.push(Output::new(name.clone(), ty.dtype, shape, strides, spare)?);
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
        self.only(args)?.try_into()
    }

    /// Evaluates the only output and returns its only element.
    ///
    /// ```
    /// let rms = hotloop::compile("sqrt(mean(x**2))")?;
    /// assert_eq!(rms.eval_scalar::<f64>(("x", &[3.0, -3.0]))?, 3.0);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Program::eval_as`]; `Shape` unless there is exactly one element.
    pub fn eval_scalar<'a, T: Element>(&self, args: impl Args<'a>) -> Result<T> {
        self.only(args)?.scalar()
    }

    /// Evaluates the only output into a list of its elements in C order.
    ///
    /// ```
    /// let double = hotloop::compile("x * 2")?;
    /// assert_eq!(double.eval_vec::<f32>(("x", &[1.0f32, 2.5]))?, [2.0, 5.0]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Program::eval_as`].
    pub fn eval_vec<'a, T: Element>(&self, args: impl Args<'a>) -> Result<Vec<T>> {
        self.only(args)?.into_vec()
    }

    fn only<'a>(&self, args: impl Args<'a>) -> Result<Output> {
        let message = format!("the program has {} outputs, not one", self.source.outputs.len());
        let several = Error::new(ErrorKind::Arity, message).hint("use `eval`");
        if self.source.outputs.len() != 1 {
            return Err(several);
        }
        self.eval(args)?.into_iter().next().ok_or(several)
    }

    /// Returns the dtypes and shapes of the outputs without reading or computing any element.
    ///
    /// ```
    /// let program = hotloop::compile("sum(x, axis=0)")?;
    /// let x = hotloop::ndarray::Array2::<f32>::zeros((3, 4));
    /// let shapes = program.eval_shape(("x", &x))?;
    /// assert_eq!((shapes[0].dtype, &*shapes[0].shape), (hotloop::DType::F32, &[4][..]));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Program::eval`], except `OutOfMemory` and `Cancelled`.
    pub fn eval_shape<'a>(&self, args: impl Args<'a>) -> Result<Vec<OutputShape>> {
        let mut prepared = Prepared::new(
            arrange(args, &self.source.inputs, &self.source.origin, &[])?,
            &self.source,
        )?;
        let kernels = self.engine.kernels(&self.source, &prepared.types)?;
        prepared.check(&kernels, &self.source)?;
        let Prepared { shapes, operands, .. } = &prepared;
        let strides = fresh_strides(self.options.order, &kernels.graph, shapes, operands)?;
        let outputs = kernels.graph.outputs().iter().zip(strides);
        outputs
            .map(|(id, strides)| {
                let ty = kernels.graph.ty(*id);
                Ok(OutputShape { dtype: ty.dtype, shape: shapes.of(ty.domain)?, strides })
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

    /// Binds the program to arrays: as [`Kernel::bind`], with the kernel for the arguments' types.
    ///
    /// ```
    /// let (x, mut y) = ([1.0f32, 2.0], [0.0f32; 2]);
    /// hotloop::compile("x * 2")?.bind(("x", &x), [&mut y])?.run()?;
    /// assert_eq!(y, [2.0, 4.0]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Program::eval_into`].
    pub fn bind<'a>(
        &self,
        args: impl Args<'a>,
        outs: impl IntoIterator<Item = impl Into<Out<'a>>>,
    ) -> Result<Bound<'a>> {
        let outs: Vec<Out<'a>> = outs.into_iter().map(Into::into).collect();
        let (kernels, prepared) = self.check_call(args, &outs)?;
        self.bound(kernels, prepared, self.targets(&outs), false)
    }

    /// Returns the kernel for input types given by name, compiling it unless it is cached.
    ///
    /// For a program compiled from a graph, the graph gives the types; none need be named.
    ///
    /// ```
    /// use hotloop::{ArgType, DType};
    ///
    /// let program = hotloop::compile("x + y")?;
    /// let array = ArgType::array(DType::F32);
    /// let kernel = program.specialize(&[("x", array), ("y", array)])?;
    /// assert_eq!(kernel.types(), [array; 2]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Name` for a missing or unknown input, `Type` for dtypes that an operation does not take, or
    /// for a type other than that of the graph's input.
    pub fn specialize(&self, types: &[(&str, ArgType)]) -> Result<Kernel> {
        let mut list = Vec::with_capacity(self.source.inputs.len());
        let of_graph = self.source.origin.types();
        for (number, name) in self.source.inputs.iter().enumerate() {
            let given = types.iter().find(|(n, _)| **n == **name).map(|(_, ty)| *ty);
            let wanted = of_graph.map(|types| types[number]);
            if let (Some(given), Some(wanted)) = (given, wanted)
                && given != wanted
            {
                let message =
                    format!("{} is {}, but the graph takes {}", quoted(name), given.0, wanted.0);
                return Err(Error::new(ErrorKind::Type, message));
            }
            let ty = given.or(wanted).ok_or_else(|| {
                Error::new(ErrorKind::Name, format!("missing the type of {}", quoted(name)))
            })?;
            list.push(ty);
        }
        let known = |name: &str| self.source.inputs.iter().any(|input| **input == *name);
        if let Some((name, _)) = types.iter().find(|(name, _)| !known(name)) {
            let message = format!("the program has no input {}", quoted(name));
            return Err(Error::new(ErrorKind::Name, message));
        }
        let kernels = self.engine.kernels(&self.source, &list)?;
        Ok(Kernel { program: self.clone(), types: list.into(), kernels })
    }

    /// The plan, the operations and the graph, as readable text.
    ///
    /// # Errors
    /// As [`Program::specialize`].
    pub fn explain(&self, types: &[(&str, ArgType)]) -> Result<String> {
        Ok(self.specialize(types)?.explain())
    }

    pub(crate) fn input_name(&self, number: usize) -> String {
        format!("the input {}", quoted(&self.source.inputs[number]))
    }

    pub(crate) fn output_name(&self, number: usize) -> String {
        match &self.source.outputs[number] {
            Some(name) => format!("the output {}", quoted(name)),
            None => format!("output {number}"),
        }
    }

    /// The views of the output arrays.
    fn targets(&self, outs: &[Out<'_>]) -> Vec<View> {
        let named =
            |(i, out): (usize, &Out<'_>)| store::named(out.view.clone(), || self.output_name(i));
        outs.iter().enumerate().map(named).collect()
    }

    /// Checks that no sink is also the source of an input.
    fn check_stores(&self, values: &[ArgValue], outs: &[Out<'_>]) -> Result<()> {
        for (i, out) in outs.iter().enumerate().filter(|(_, out)| out.view.store().is_some()) {
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
        if outs.len() != self.source.outputs.len() {
            let message =
                format!("{} output arrays for {} outputs", outs.len(), self.source.outputs.len());
            return Err(Error::new(ErrorKind::Arity, message));
        }
        check_outs(outs, &self.source.outputs)?;
        let values = arrange(args, &self.source.inputs, &self.source.origin, outs)?;
        self.check_stores(&values, outs)?;
        let mut prepared = Prepared::new(values, &self.source)?;
        let kernels = self.engine.kernels(&self.source, &prepared.types)?;
        prepared.check(&kernels, &self.source)?;
        self.check_outputs(&kernels, &prepared, outs)?;
        Ok((kernels, prepared))
    }

    /// Checks the dtypes and shapes of the caller's outputs.
    pub(crate) fn check_outputs(
        &self,
        kernels: &Kernels,
        prepared: &Prepared,
        outs: &[Out<'_>],
    ) -> Result<()> {
        for (i, (id, out)) in kernels.graph.outputs().iter().zip(outs).enumerate() {
            let ty = kernels.graph.ty(*id);
            let name = self.output_name(i);
            let dtype = out.view.dtype();
            if dtype != ty.dtype {
                let message = format!("{name} is {}, but the array for it is {dtype}", ty.dtype);
                return Err(Error::new(ErrorKind::Type, message)
                    .hint("nothing is cast silently: convert in the program"));
            }
            let shape = prepared.shapes.of(ty.domain)?;
            if *out.view.shape != *shape {
                let message = format!(
                    "{name} has the shape {}, but the array for it {}",
                    shown_shape(&shape),
                    shown_shape(&out.view.shape)
                );
                return Err(Error::new(ErrorKind::Shape, message));
            }
        }
        Ok(())
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
            names: &self.source.inputs,
            shapes: &shapes,
            outputs: &outputs,
            control: &control,
            fresh,
            limits: &self.options.limits,
        };
        // Every adoption is checked, also those that optimization removed.
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
                    Operand::Array(view) => view.store().is_some(),
                    Operand::Scalar(_) => false,
                };
                if operands.iter().any(in_store) || outputs.iter().any(|o| o.store().is_some()) {
                    let message = "the reference interpreter takes only arrays in memory";
                    return Err(Error::new(ErrorKind::Limit, message).hint("use Backend::Auto"));
                }
                Work::Interpreted
            }
        };
        let call = Bindable { operands, shapes, outputs, fresh };
        Ok(Bound::new(self.clone(), kernels, work, call, flags))
    }
}

impl Kernel {
    /// The types of the inputs, in order.
    pub fn types(&self) -> &[ArgType] {
        &self.types
    }

    /// Whether every pass has native code.
    pub fn is_native(&self) -> bool {
        self.kernels.is_native()
    }

    /// Binds the kernel to arrays. Everything is checked here; the result runs any number of times.
    ///
    /// The arguments must have the kernel's dtypes. If they share shapes differently from the
    /// kernel's types, the kernel for these shape classes is used, and compiled if needed.
    ///
    /// ```
    /// use hotloop::{ArgType, DType};
    ///
    /// let array = ArgType::array(DType::F64);
    /// let kernel = hotloop::compile("x * 2")?.specialize(&[("x", array)])?;
    /// let (x, mut y) = ([1.0, 2.0], [0.0; 2]);
    /// kernel.bind(("x", &x), [&mut y])?.run()?;
    /// assert_eq!(y, [2.0, 4.0]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Program::eval_into`]; `Type` if an argument's dtype is not the kernel's.
    pub fn bind<'a>(
        &self,
        args: impl Args<'a>,
        outs: impl IntoIterator<Item = impl Into<Out<'a>>>,
    ) -> Result<Bound<'a>> {
        let outs: Vec<Out<'a>> = outs.into_iter().map(Into::into).collect();
        let (kernels, prepared) = self.program.check_call(args, &outs)?;
        let pairs = self.types.iter().zip(&prepared.types).zip(&self.program.source.inputs);
        for ((want, got), name) in pairs {
            if (want.dtype(), want.is_weak()) != (got.dtype(), got.is_weak()) {
                let message =
                    format!("{} is {}, but the kernel is made for {}", quoted(name), got.0, want.0);
                return Err(Error::new(ErrorKind::Type, message));
            }
        }
        let targets = self.program.targets(&outs);
        self.program.bound(kernels, prepared, targets, false)
    }

    /// The plan, the operations and the graph, as readable text.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_explanation(&mut text);
        text
    }

    /// The passes over the data as an SVG image: what each reads, computes and writes.
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
            inputs: &self.program.source.inputs,
            types: &self.types,
            outputs: &self.program.source.outputs,
            plan: self.kernels.plan(),
        })
    }

    fn write_explanation(&self, text: &mut String) -> fmt::Result {
        let inputs: Vec<String> = self
            .program
            .inputs()
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
        let Compiled { plan, tiles, isa, refusal, .. } = &**compiled;
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

    /// The passes as CUDA C, each of which must be elementwise; for tests.
    ///
    /// # Errors
    /// `Type` for a pass that has no text.
    #[cfg(feature = "host-device")]
    #[doc(hidden)]
    pub fn cuda_text(&self) -> Result<String> {
        use crate::backend::text::{Dialect, Text, unit};

        let refused = |why: Refusal| Error::new(ErrorKind::Type, why.to_string());
        let passes = self.kernels.plan().map_or(&[][..], |plan| &plan.passes);
        let texts = passes.iter().map(Text::new).collect::<std::result::Result<Vec<_>, _>>();
        let texts = texts.map_err(refused)?;
        unit(Dialect::Cuda, &texts.iter().collect::<Vec<_>>()).map_err(refused)
    }

    /// Bytes per element moved between memory and the caches, over all passes.
    pub fn bytes_per_element(&self) -> usize {
        self.kernels.plan().map_or(0, Plan::bytes_per_element)
    }
}

/// The error of [`Backend::Native`] if a pass was refused.
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
