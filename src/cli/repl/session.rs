//! A session: variables and functions that stay, and the evaluation of what is typed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hotloop::{DType, Engine, Error, ErrorKind, Output, Outputs, Program, Result, Span};
use hotloop_grammar::{Ast, parse};

use super::definitions::{Definition, Definitions, names};
use super::generator::Generator;
use super::makers::{Call, Lifted, Scalar, lift, make, place};
use super::scan::{Piece, Scan};
use super::statements::{Alone, Part, definitions, only, parts};
use crate::cli::args::{Number, Tuning};
use crate::cli::array::Array;
use crate::cli::evaluate::{Value, evaluate};
use crate::cli::{interrupt, show};

/// The variable that is the last value printed.
pub(crate) const LAST: &str = "_";
/// A larger value is not kept under that name.
const LAST_LIMIT: usize = 64 << 20;

/// What stays from line to line.
pub(crate) struct Session {
    /// The engine's options.
    tuning: Tuning,
    /// Compiles and runs.
    pub engine: Engine,
    /// The variables.
    pub variables: BTreeMap<String, Value>,
    /// The functions.
    pub definitions: Definitions,
    /// Draws random numbers.
    pub generator: Generator,
}

/// A program, ready to run, over variables and what was made for it.
pub(crate) struct Ready {
    /// The program, with the functions that it calls before it.
    pub program: Program,
    /// Arrays that its text makes, by the names that stand for them.
    pub made: Vec<(String, Value)>,
    /// What stands where in the program's text: texts that errors can point into.
    texts: Vec<(usize, String)>,
}

impl Ready {
    /// An error of the program, at its place in the text that was typed.
    pub(crate) fn placed(&self, error: Error) -> Error {
        placed(error, &self.texts)
    }

    /// What was made under a name.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.made.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

/// Puts an error into the text that stands at its place of a program.
fn placed(error: Error, texts: &[(usize, String)]) -> Error {
    let Some(span) = error.span() else { return error };
    let range = span.range();
    let text = texts.iter().find(|(start, text)| {
        (*start..=start + text.len()).contains(&range.start) && range.end <= start + text.len()
    });
    match text {
        Some((start, text)) => {
            error.located(Span::new(range.start - start, range.end - start), text)
        }
        None => error,
    }
}

impl Session {
    /// A session without variables, its random numbers those of the seed 0.
    pub(crate) fn new(tuning: Tuning) -> Session {
        Session {
            tuning,
            engine: tuning.engine(),
            variables: BTreeMap::new(),
            definitions: Definitions::default(),
            generator: Generator::seeded(0),
        }
    }

    /// Uses at most so many threads from now on.
    pub(crate) fn set_threads(&mut self, threads: usize) {
        self.tuning.threads = Some(threads);
        self.engine = self.tuning.engine();
    }

    /// An engine with the same options that has compiled nothing yet.
    pub(crate) fn fresh_engine(&self) -> Engine {
        self.tuning.engine()
    }

    /// Evaluates statements, keeps what they bind and define, and gives what is to be printed.
    ///
    /// # Errors
    /// Of the first statement that fails, at its place in the text; what came before stays.
    pub(crate) fn statements(&mut self, typed: &str) -> Result<String> {
        if Scan::from(typed, 0).next().is_none() {
            return Ok(String::new());
        }
        let lifted = lift(typed, |name| self.definitions.has(name));
        let Ok(ast) = parse(&lifted.text) else {
            // The engine says what is wrong.
            let compiled = self.engine.compile(&lifted.text).map(|_| String::new());
            return compiled.map_err(|error| placed(error, &[(0, typed.to_string())]));
        };
        self.define(&ast, &lifted)?;
        let mut printed = String::new();
        for part in parts(&ast, &lifted, &self.definitions) {
            printed += &self.part(typed, &lifted, &part)?;
        }
        Ok(printed)
    }

    /// Takes in the functions that a text defines: all or, if one is wrong, none.
    fn define(&mut self, ast: &Ast, lifted: &Lifted) -> Result<()> {
        let new = definitions(ast, &lifted.text);
        if let Some(made) = lifted
            .makers
            .iter()
            .find(|made| new.iter().any(|d| d.reads.contains(&made.placeholder)))
        {
            let name = &lifted.text[made.range.clone()];
            return Err(Error::new(
                ErrorKind::Name,
                format!("a function cannot make arrays, as it would with {}", name.trim()),
            ));
        }
        let different: BTreeSet<&String> = new.iter().map(|d| &d.name).collect();
        if different.len() < new.len() {
            // The engine says which one is defined twice.
            self.engine.compile(&lifted.text)?;
        }
        let before = self.definitions.clone();
        new.iter().for_each(|definition| self.definitions.insert(definition.clone()));
        let checked = new.iter().try_for_each(|definition| self.check(definition));
        if checked.is_err() {
            self.definitions = before;
        }
        checked
    }

    /// Checks the names in a function by a call of it.
    fn check(&self, definition: &Definition) -> Result<()> {
        self.definitions.check_ends(definition)?;
        let parameters = definition.parameters.join(", ");
        let call = format!("{}({parameters})", definition.name);
        let calls = [definition.name.clone()].into();
        let (mut program, texts) = self.preamble(&calls);
        program += &call;
        self.engine.compile(&program).map(|_| ()).map_err(|error| placed(error, &texts))
    }

    /// The functions that a text needs, as the beginning of a program.
    fn preamble(&self, calls: &BTreeSet<String>) -> (String, Vec<(usize, String)>) {
        let (mut program, mut texts) = (String::new(), Vec::new());
        for definition in self.definitions.reached(calls) {
            texts.push((program.len(), definition.text.clone()));
            program += &definition.text;
            program.push('\n');
        }
        (program, texts)
    }

    /// Evaluates a part of a text.
    fn part(&mut self, typed: &str, lifted: &Lifted, part: &Part) -> Result<String> {
        let mut made = self.make(typed, lifted, &part.ranges)?;
        let name = part.binds.first().map(String::as_str).unwrap_or_default();
        match &part.alone {
            Some(Alone::Number(number)) => {
                self.variables.insert(name.to_string(), Value::Number(*number));
                return Ok(String::new());
            }
            Some(Alone::Made(_)) => {
                let value = made.pop().map(|(_, value)| (name.to_string(), value));
                self.variables.extend(value);
                return Ok(String::new());
            }
            _ => {}
        }
        let mut text = only(&lifted.text, &part.ranges);
        if let Some(Alone::Renewed(value)) = part.alone {
            let start = part.ranges.first().map_or(0, |range| range.start);
            text.replace_range(start..value, &" ".repeat(value - start));
        }
        if let Some(end) = part.prints {
            // The bindings become outputs too.
            text.truncate(end);
            let comma = if text.ends_with(',') { " " } else { ", " };
            text.extend(
                part.binds
                    .iter()
                    .enumerate()
                    .flat_map(|(i, bound)| [if i == 0 { comma } else { ", " }, bound.as_str()]),
            );
        }
        let (program, mut texts) = self.preamble(&part.calls);
        texts.push((program.len(), typed.to_string()));
        let program = self.engine.compile(&(program + &text)).map_err(|e| placed(e, &texts))?;
        let ready = Ready { program, made, texts };
        let outputs = self.evaluate(&ready, typed)?;
        let printed = match part.prints {
            Some(_) => outputs.len() - part.binds.len(),
            None => 0,
        };
        let weak = self.is_weak(&ready, part);
        for (output, name) in outputs.iter().skip(printed).zip(&part.binds) {
            self.variables.insert(name.clone(), kept(output, weak)?);
        }
        let shown: Vec<String> = outputs.iter().take(printed).map(|o| shown(o, &ready)).collect();
        if let Some(last) = printed.checked_sub(1).and_then(|last| outputs.iter().nth(last)) {
            self.keep_last(last, weak);
        }
        Ok(shown.join("\n"))
    }

    /// Whether a part computes on nothing but numbers that take the dtype of what they meet, so
    /// that its results do too.
    fn is_weak(&self, ready: &Ready, part: &Part) -> bool {
        let number = |name: &str| matches!(self.variables.get(name), Some(Value::Number(_)));
        let casts = |name: &String| DType::from_name(name).is_some() || self.definitions.has(name);
        ready.program.inputs().iter().all(|name| number(name)) && !part.calls.iter().any(casts)
    }

    fn keep_last(&mut self, output: &Output, weak: bool) {
        // What is too large, or does not fit beside the rest, is no reason to fail.
        let small = output.bytes().len() <= LAST_LIMIT;
        match small.then(|| kept(output, weak)) {
            Some(Ok(value)) => self.variables.insert(LAST.to_string(), value),
            _ => self.variables.remove(LAST),
        };
    }

    /// Makes the arrays that some ranges of a text ask for.
    fn make(
        &mut self,
        typed: &str,
        lifted: &Lifted,
        ranges: &[Range<usize>],
    ) -> Result<Vec<(String, Value)>> {
        let inside = |call: &&Call| ranges.iter().any(|range| range.contains(&call.range.start));
        let mut made = Vec::new();
        for call in lifted.makers.iter().filter(inside) {
            let mut generator = self.generator.clone();
            let scalar = |text: &str| {
                self.scalar(text).map_err(|error| {
                    let start = place(call, text).unwrap_or(call.range.start);
                    moved(error, start, typed)
                })
            };
            interrupt::begin();
            let array = make(call, &self.engine, &mut generator, &scalar).map_err(|error| {
                match error.span() {
                    Some(_) => error,
                    None => error.located(Span::new(call.range.start, call.range.end), typed),
                }
            });
            self.generator = generator;
            made.push((call.placeholder.clone(), Value::Array(array?)));
        }
        Ok(made)
    }

    /// The value of an expression that is one number.
    fn scalar(&self, text: &str) -> Result<Scalar> {
        let ready = self.ready(text, Vec::new())?;
        let outputs = self.evaluate(&ready, text)?;
        let number = outputs.iter().next().filter(|o| o.shape().is_empty() && outputs.len() == 1);
        number.and_then(scalar).ok_or_else(|| {
            Error::new(ErrorKind::Type, "this is not one number")
                .located(Span::new(0, text.trim_end().len()), text)
        })
    }

    /// A program of one text, which may make arrays.
    ///
    /// # Errors
    /// As [`hotloop::Engine::compile`], at a place in the text.
    pub(crate) fn compile(&mut self, typed: &str) -> Result<Ready> {
        let lifted = lift(typed, |name| self.definitions.has(name));
        let made = self.make(typed, &lifted, std::slice::from_ref(&(0..typed.len())))?;
        self.ready(&lifted.text, made).map_err(|error| match error.span() {
            // The text with placeholders is as long as what was typed.
            Some(span) if error.source_text() == Some(&lifted.text) => error.located(span, typed),
            _ => error,
        })
    }

    fn ready(&self, text: &str, made: Vec<(String, Value)>) -> Result<Ready> {
        let ast = parse(text).ok();
        let calls = ast.map(|ast| names(&ast, ast.exprs()).1);
        let (program, mut texts) = self.preamble(&calls.unwrap_or_default());
        texts.push((program.len(), text.to_string()));
        let program = self.engine.compile(&(program + text)).map_err(|e| placed(e, &texts))?;
        Ok(Ready { program, made, texts })
    }

    /// The values that a program reads.
    ///
    /// # Errors
    /// `Name` for a variable that does not exist, at its first place in the text.
    pub(crate) fn values<'a>(
        &'a self,
        ready: &'a Ready,
        typed: &str,
    ) -> Result<Vec<(&'a str, &'a Value)>> {
        let value = |name: &'a str| {
            let value = ready.value(name).or_else(|| self.variables.get(name));
            value.map(|value| (name, value)).ok_or_else(|| self.missing(name, typed))
        };
        ready.program.inputs().iter().map(|name| value(name)).collect()
    }

    fn missing(&self, name: &str, typed: &str) -> Error {
        let error = Error::new(ErrorKind::Name, format!("there is no variable '{name}'"));
        let near = hotloop::ops::suggestions(name, self.variables.keys().map(String::as_str));
        let error = match near.first() {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error.hint(format!("':load {name}=FILE' reads one, '{name} = ...' makes one")),
        };
        let read = Scan::from(typed, 0).find(|(_, piece)| *piece == Piece::Word(name));
        match read {
            Some((range, _)) => error.located(Span::new(range.start, range.end), typed),
            None => error,
        }
    }

    /// Runs a program over the variables.
    ///
    /// # Errors
    /// As [`Session::values`] and [`hotloop::Program::eval`], at a place in the text.
    pub(crate) fn evaluate(&self, ready: &Ready, typed: &str) -> Result<Outputs> {
        let values = self.values(ready, typed)?;
        evaluate(&ready.program, &values).map_err(|error| ready.placed(error))
    }
}

/// An error of a part of a text, in the whole of it.
fn moved(error: Error, start: usize, whole: &str) -> Error {
    match error.span() {
        Some(span) => {
            let range = span.range();
            error.located(Span::new(start + range.start, start + range.end), whole)
        }
        None => error,
    }
}

/// An output as it is printed; what was made for the text has no name there.
fn shown(output: &Output, ready: &Ready) -> String {
    let name = output.name().filter(|name| ready.value(name).is_none());
    show::show(name, output)
}

/// An output as a variable.
fn kept(output: &Output, weak: bool) -> Result<Value> {
    if weak && let Some(number) = weak_number(output) {
        return Ok(Value::Number(number));
    }
    Array::copied(output.dtype(), output.shape(), &output.bytes()).map(Value::Array)
}

fn weak_number(output: &Output) -> Option<Number> {
    match (output.dtype(), scalar(output)?) {
        (DType::Bool, Scalar::Bool(x)) => Some(Number::Bool(x)),
        (DType::I64, Scalar::Int(x)) => Some(Number::Int(x)),
        (DType::F64, Scalar::Float(x)) => Some(Number::Float(x)),
        _ => None,
    }
}

/// The only element of an output.
fn scalar(output: &Output) -> Option<Scalar> {
    macro_rules! first {
        ($t:ty) => {
            output.view::<$t>().ok()?.iter().next().copied()
        };
    }
    if !output.shape().is_empty() {
        return None;
    }
    Some(match output.dtype() {
        DType::Bool => Scalar::Bool(first!(bool)?),
        DType::I8 => Scalar::Int(first!(i8)?.into()),
        DType::I16 => Scalar::Int(first!(i16)?.into()),
        DType::I32 => Scalar::Int(first!(i32)?.into()),
        DType::I64 => Scalar::Int(first!(i64)?),
        DType::U8 => Scalar::Int(first!(u8)?.into()),
        DType::U16 => Scalar::Int(first!(u16)?.into()),
        DType::U32 => Scalar::Int(first!(u32)?.into()),
        DType::U64 => Scalar::Int(i64::try_from(first!(u64)?).ok()?),
        DType::F32 => Scalar::Float(first!(f32)?.into()),
        DType::F64 => Scalar::Float(first!(f64)?),
    })
}
