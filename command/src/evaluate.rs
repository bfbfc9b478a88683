//! One program over files: the command's main job.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;

use hotloop::{Arg, ArgType, Order, Out, OutputShape, Outputs, Program, Report, RunOptions};

use super::arguments::{Arguments, advised};
use super::array::{self, Array, byte_count};
use super::budget::Budget;
use super::csv::Dialect;
use super::input::{Given, Inputs, Number};
use super::place::STANDARD;
use super::printer::Printer;
use super::quantity::counted;
use super::replacement::WriteError;
use super::save::{Destination, own_names};
use super::show::{Shown, Style};
use super::tuning::Tuning;
use super::{Failure, complain, file, interrupt, json, memory, progress, stats, warn, wrote};

/// An evaluation: the program, its inputs, and the destination of results.
#[derive(Debug)]
pub(crate) struct Evaluation {
    /// The program.
    pub expression: String,
    /// Its inputs.
    pub inputs: Inputs,
    /// A file or directory for the outputs; without it they are printed.
    pub output: Option<PathBuf>,
    /// Names for the outputs; by default those of the program.
    pub names: Vec<String>,
    /// The format of printed outputs.
    pub printed: Printed,
    /// How much of arrays is printed.
    pub style: Style,
    /// The approximate memory limit in bytes.
    pub memory: usize,
    /// Whether to print statistics.
    pub stats: bool,
    /// Whether to report written files even without a terminal.
    pub verbose: bool,
    /// The engine's options.
    pub tuning: Tuning,
}

/// The format of printed outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Printed {
    /// Readable text.
    #[default]
    Text,
    /// A JSON object.
    Json,
    /// A table.
    Csv,
    /// One array as a file.
    Npy,
}

impl Printed {
    /// By name.
    pub(crate) fn named(name: &str) -> Option<Printed> {
        Some(match name {
            "text" => Printed::Text,
            "json" => Printed::Json,
            "csv" => Printed::Csv,
            "npy" => Printed::Npy,
            _ => return None,
        })
    }
}

/// An input's value.
pub(crate) enum Value {
    /// A weak number.
    Number(Number),
    /// An array, which may have several names.
    Array(Rc<Array>),
}

impl From<Array> for Value {
    fn from(array: Array) -> Value {
        Value::Array(array.into())
    }
}

impl Value {
    /// Reads an input into memory.
    ///
    /// # Errors
    /// As [`file::array`].
    pub(crate) fn load(name: &str, given: &Given, dialect: &Dialect) -> hotloop::Result<Value> {
        Ok(match given {
            Given::Number(number) => Value::Number(*number),
            Given::File(path) => {
                file::array(path, Some(name), dialect, &mut Budget::machine())?.into()
            }
        })
    }

    /// The value as an argument.
    pub(crate) fn arg(&self) -> Arg<'_> {
        match self {
            Value::Number(number) => number.arg(),
            Value::Array(array) => array.arg(),
        }
    }

    /// The type of the argument.
    pub(crate) fn ty(&self) -> ArgType {
        match self {
            Value::Number(number) => number.ty(),
            Value::Array(array) if array.shape().is_empty() => ArgType::scalar(array.dtype()),
            Value::Array(array) => ArgType::array(array.dtype()),
        }
    }
}

/// Evaluates, and saves or prints the outputs.
pub(crate) fn run(evaluation: &Evaluation) -> Result<(), Failure> {
    interrupt::end_all();
    let program = evaluation.tuning.engine().compile(&evaluation.expression);
    let program = program.map_err(|error| advised(error, &evaluation.inputs))?;
    let destination = destination(evaluation)?;
    let count = program.outputs().len();
    if destination.as_ref().is_some_and(|d| !d.takes(count)) {
        let message = match evaluation.output {
            Some(_) => {
                format!("{count} outputs do not fit one array: take -o FILE.npz or -o DIRECTORY/")
            }
            None => format!("{count} outputs do not fit one array: take --format json or csv"),
        };
        return Err(Failure::Usage(message));
    }
    let names = output_names(&program, &evaluation.names).map_err(Failure::Usage)?;
    let mut budget = Budget::run(evaluation.memory);
    let is_whole = destination.as_ref().is_none_or(Destination::is_written_whole);
    let look = |args: &[(&str, Arg<'_>)], budget: &Budget| match is_whole {
        true => fits(&program.eval_shape(args)?, budget, evaluation.output.is_some()),
        false => Ok(()),
    };
    let arguments = Arguments::open(&program, &evaluation.inputs, &mut budget, &look)?;
    let args = arguments.args();
    let left = usize::try_from(budget.left()).unwrap_or(usize::MAX);
    let options = options(evaluation.stats).memory(left.max(1));
    if let Some(destination) = &destination {
        let fits = |shapes: &[OutputShape]| fits(shapes, &budget, evaluation.output.is_some());
        let shapes = write(&program, &args, options, (destination, &names), fits)?;
        wrote::tell(destination, &names, &shapes, evaluation.verbose);
        return Ok(());
    }
    fits(&program.eval_shape(&args[..])?, &budget, false)?;
    let outputs = watched(&program, options, |p| p.eval(&args[..]))?;
    tell(outputs.report());
    let mut printer = Printer::default();
    // The printer reports failed writes at the end.
    let _ = match evaluation.printed {
        Printed::Json => {
            let names = own_names(names.iter().map(Option::as_deref));
            let named = names.iter().zip(outputs.iter());
            json::write(&mut printer, named.map(|(name, o)| Shown::of(Some(name), o)))
        }
        _ => {
            let named = names.iter().zip(outputs.iter());
            let shown = named.map(|(name, o)| Shown::of(name.as_deref(), o));
            evaluation.style.show_all(&mut printer, shown)
        }
    };
    let is_data = evaluation.printed == Printed::Json || evaluation.style.full;
    printer.finish().map_err(|failure| match failure {
        Failure::Quiet if is_data => Failure::Unread,
        failure => failure,
    })
}

/// The destination of the outputs; `None` if they are printed as text or JSON.
fn destination(evaluation: &Evaluation) -> Result<Option<Destination>, Failure> {
    if let Some(path) = &evaluation.output {
        return Ok(Some(Destination::new(path.clone())?));
    }
    match evaluation.printed {
        Printed::Text | Printed::Json => Ok(None),
        Printed::Csv => Ok(Some(Destination::Csv(STANDARD.into()))),
        Printed::Npy if std::io::stdout().is_terminal() => Err(Failure::Usage(
            "--format npy is not for a terminal: write to a file with -o, or into a pipe".into(),
        )),
        Printed::Npy => Ok(Some(Destination::StandardOutput)),
    }
}

/// The names of the outputs: given ones, or the program's.
fn output_names(program: &Program, given: &[String]) -> Result<Vec<Option<Box<str>>>, String> {
    let own = program.outputs();
    if given.is_empty() {
        return Ok(own.map(|name| name.map(Into::into)).collect());
    }
    if given.len() != own.len() {
        let (names, outputs) = (counted(given.len(), "name"), counted(own.len(), "output"));
        return Err(format!("--name gives {names}, but the program has {outputs}"));
    }
    Ok(given.iter().map(|name| Some(name.as_str().into())).collect())
}

/// Runs a program into files: in chunks if possible, otherwise in memory, if the outputs fit.
fn write(
    program: &Program,
    args: &[(&str, Arg<'_>)],
    options: RunOptions,
    (destination, names): (&Destination, &[Option<Box<str>>]),
    fits: impl FnOnce(&[OutputShape]) -> hotloop::Result<()>,
) -> Result<Vec<OutputShape>, WriteError> {
    let shapes = program.eval_shape(args)?;
    let options = options.temp_directory(destination.directory());
    if let Some(files) = destination.create(names, &shapes)? {
        let mut outs: Vec<Out<'_>> = files.sinks().into_iter().map(Out::sink).collect();
        let report = watched(program, options, |p| p.eval_into(args, &mut outs))?;
        files.finish()?;
        tell(&report);
        return Ok(shapes);
    }
    fits(&shapes)?;
    let outputs = watched(program, options, |p| p.eval(args))?;
    tell(outputs.report());
    destination.write(names, outputs.iter())?;
    Ok(shapes)
}

/// Checks that outputs that are printed or written as a whole fit the memory limit.
fn fits(shapes: &[OutputShape], budget: &Budget, written: bool) -> hotloop::Result<()> {
    let size = |s: &OutputShape| byte_count(s.dtype, &s.shape);
    let bytes = shapes.iter().try_fold(0usize, |sum, s| sum.checked_add(size(s)?));
    let bytes = bytes.map_or(u64::MAX, |bytes| bytes as u64);
    let what = if shapes.len() == 1 { "the result" } else { "the results together" };
    match budget.excess(bytes, what) {
        None => Ok(()),
        Some(error) => Err(error.hint(match written {
            false => "write them to a file with -o",
            true => "a .npy or .npz file or a DIRECTORY/ takes them in pieces",
        })),
    }
}

/// Runs a program over values in memory, with a progress bar if it takes long.
///
/// # Errors
/// As [`Program::eval`]; `OutOfMemory` if the available memory does not suffice.
pub(crate) fn evaluate(program: &Program, values: &[(&str, &Value)]) -> hotloop::Result<Outputs> {
    let args = args(values);
    room(&program.eval_shape(&args[..])?)?;
    let outputs = watched(program, options(false), |p| p.eval(&args[..]))?;
    tell(outputs.report());
    Ok(outputs)
}

/// As [`evaluate`], into owned arrays.
///
/// # Errors
/// As [`evaluate`].
pub(crate) fn arrays(program: &Program, values: &[(&str, &Value)]) -> hotloop::Result<Vec<Array>> {
    let args = args(values);
    let shapes = program.eval_shape(&args[..])?;
    room(&shapes)?;
    let arrays = shapes.iter().map(|s| Array::zeroed(s.dtype, &s.shape, array::Order::C));
    let mut arrays = arrays.collect::<hotloop::Result<Vec<Array>>>()?;
    let mut outs: Vec<Out<'_>> = arrays.iter_mut().map(Array::out).collect();
    let report = watched(program, options(false), |p| p.eval_into(&args[..], &mut outs))?;
    drop(outs);
    tell(&report);
    Ok(arrays)
}

/// As [`evaluate`], into files.
///
/// # Errors
/// As [`evaluate`], [`Destination::create`] and [`Destination::write`].
pub(crate) fn save(
    program: &Program,
    values: &[(&str, &Value)],
    destination: &Destination,
) -> hotloop::Result<()> {
    let names: Vec<Option<Box<str>>> = program.outputs().map(|n| n.map(Into::into)).collect();
    write(program, &args(values), options(false), (destination, &names), room)?;
    Ok(())
}

fn args<'a>(values: &[(&'a str, &'a Value)]) -> Vec<(&'a str, Arg<'a>)> {
    values.iter().map(|(name, value)| (*name, value.arg())).collect()
}

/// Checks that there is memory for the outputs.
fn room(shapes: &[OutputShape]) -> hotloop::Result<()> {
    // The engine rejects sizes that overflow.
    let bytes = shapes.iter().filter_map(|s| byte_count(s.dtype, &s.shape));
    memory::check(bytes.fold(0, |sum, bytes| sum.saturating_add(bytes as u64)))
}

fn watched<T>(
    program: &Program,
    options: RunOptions,
    run: impl FnOnce(&Program) -> hotloop::Result<T>,
) -> hotloop::Result<T> {
    progress::watched(|progress| match progress {
        Some(progress) => run(&program.with(options.progress(progress))),
        None => run(&program.with(options)),
    })
}

/// Prints the report of a run: a division by zero, and statistics if requested.
fn tell(report: &Report) {
    if let Some(stats) = report.stats() {
        complain(&stats::Table(stats));
    }
    if report.divided_by_zero {
        warn(&"integers were divided by zero; those elements are 0");
    }
}

/// Run options: files are written in C order; Ctrl-C stops the run.
fn options(stats: bool) -> RunOptions {
    RunOptions::new().order(Order::C).cancel(interrupt::token()).stats(stats)
}
