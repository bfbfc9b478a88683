//! One program over files: the command's main job.

use std::path::PathBuf;

use hotloop::{Arg, ArgType, Error, ErrorKind, Order, Outputs, Program, RunOptions};

use super::args::{Given, Number, Tuning};
use super::array::Array;
use super::save::Destination;
use super::{Failure, complain, interrupt, npy, print, progress, show};

/// What to evaluate, over what, and where the results go.
#[derive(Debug)]
pub(crate) struct Evaluation {
    /// The program.
    pub expression: String,
    /// Its inputs by name.
    pub inputs: Vec<(String, Given)>,
    /// A file or directory for the outputs; without it they are printed.
    pub output: Option<PathBuf>,
    /// The engine's options.
    pub tuning: Tuning,
}

/// An input's value.
pub(crate) enum Value {
    /// A number that takes the dtype of what it meets.
    Number(Number),
    /// An array.
    Array(Array),
}

impl Value {
    /// Reads what an input is given as.
    ///
    /// # Errors
    /// As [`npy::read`].
    pub(crate) fn load(given: &Given) -> hotloop::Result<Value> {
        Ok(match given {
            Given::Number(number) => Value::Number(*number),
            Given::File(path) => Value::Array(npy::read(path)?),
        })
    }

    /// The value as an argument.
    pub(crate) fn arg(&self) -> Arg<'_> {
        match self {
            Value::Number(number) => number.arg(),
            Value::Array(array) => array.arg(),
        }
    }

    /// The type that a program for it is made for.
    pub(crate) fn ty(&self) -> ArgType {
        match self {
            Value::Number(number) => number.ty(),
            Value::Array(array) if array.shape().is_empty() => ArgType::scalar(array.dtype()),
            Value::Array(array) => ArgType::array(array.dtype()),
        }
    }

    /// The extents of the axes.
    fn shape(&self) -> &[usize] {
        match self {
            Value::Number(_) => &[],
            Value::Array(array) => array.shape(),
        }
    }
}

/// Evaluates, and saves or prints the outputs.
pub(crate) fn run(evaluation: &Evaluation) -> Result<(), Failure> {
    let program = evaluation.tuning.engine().compile(&evaluation.expression)?;
    let destination = evaluation.output.clone().map(Destination::new);
    let outputs = program.outputs().len();
    if destination.as_ref().is_some_and(|d| !d.takes(outputs)) {
        let message =
            format!("{outputs} outputs do not fit one array: take -o FILE.npz or -o DIRECTORY/");
        return Err(Failure::Usage(message));
    }
    let mut values: Vec<(&str, Value)> = Vec::new();
    let names: Vec<&str> = evaluation.inputs.iter().map(|(name, _)| name.as_str()).collect();
    check_inputs(&program, &names)?;
    for (name, given) in &evaluation.inputs {
        if program.inputs().iter().any(|i| **i == **name) {
            values.push((name, Value::load(given)?));
        } else {
            complain(&format_args!("warning: the program has no input '{name}'"));
        }
    }
    let values: Vec<(&str, &Value)> = values.iter().map(|(name, value)| (*name, value)).collect();
    let outputs = evaluate(&program, &values)?;
    match destination {
        Some(destination) => Ok(destination.write(outputs.iter())?),
        None => print(&show::show_all(outputs.iter())),
    }
}

/// That every input is given, before files are read.
fn check_inputs(program: &Program, given: &[&str]) -> hotloop::Result<()> {
    let Some(name) = program.inputs().iter().find(|name| !given.contains(&&***name)) else {
        return Ok(());
    };
    let spare = given.iter().copied().filter(|g| !program.inputs().iter().any(|i| **i == **g));
    let error = Error::new(ErrorKind::Name, format!("missing the input '{name}'"));
    Err(match hotloop::ops::suggestions(name, spare).first() {
        Some(near) => error.hint(format!("there is an argument '{near}'")),
        None => error.hint(format!("add {name}=FILE.npy or {name}=NUMBER")),
    })
}

/// Runs a program, with a bar on the terminal where it takes long, and warns of divisions by zero.
pub(crate) fn evaluate(program: &Program, values: &[(&str, &Value)]) -> hotloop::Result<Outputs> {
    let args: Vec<(&str, Arg<'_>)> =
        values.iter().map(|(name, value)| (*name, value.arg())).collect();
    let elements = broadcast(values.iter().map(|(_, value)| value.shape()));
    let outputs = progress::watched(elements, |counter| match counter {
        Some(counter) => program.with(options().progress(counter)).eval(&args[..]),
        None => program.with(options()).eval(&args[..]),
    })?;
    if outputs.report().divided_by_zero {
        complain(&"warning: integers were divided by zero; those elements are 0");
    }
    Ok(outputs)
}

/// Files are written in C order; Ctrl-C stops the run.
fn options() -> RunOptions {
    let token = interrupt::token();
    token.reset();
    RunOptions::new().order(Order::C).cancel(token)
}

/// The elements of the shape that these shapes would broadcast to.
fn broadcast<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> u64 {
    let mut joined: Vec<usize> = Vec::new();
    for shape in shapes {
        joined.resize(joined.len().max(shape.len()), 1);
        joined.iter_mut().zip(shape.iter().rev()).for_each(|(a, b)| *a = (*a).max(*b));
    }
    joined.iter().fold(1u64, |n, extent| n.saturating_mul(*extent as u64))
}
