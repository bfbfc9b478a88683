//! A session: variables and functions that stay, and the evaluation of what is typed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::rc::Rc;

use hotloop::{DType, Engine, Error, ErrorKind, Outputs, Result, Span};
use hotloop_grammar::{Ast, parse};

use super::composed::Composed;
use super::definitions::{Definition, Definitions, names};
use super::generator::Generator;
use super::makers::{Lifted, Scalar, lift, make, place};
use super::ready::{Made, Ready};
use super::scan::{Piece, Scan};
use super::statements::{Alone, Part, Uses, definitions, only, parts};
use crate::array::Array;
use crate::evaluate::{self, Value};
use crate::input::{Number, is_name};
use crate::interrupt;
use crate::save::Destination;
use crate::show::{Shown, Style};
use crate::tuning::Tuning;

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
    /// How values are printed.
    pub style: Style,
    /// How many files are being run, one out of the other.
    pub running: usize,
}

/// What Python has a `=` behind.
const OPERATORS: [&str; 12] = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"];

/// The error of `x += 1`, with what may be written here: a session binds names again.
fn renewed(error: Error) -> Error {
    let text = error.source_text().unwrap_or_default();
    let range = error.span().map(|span| span.range()).unwrap_or_default();
    let operator = text.get(range.clone()).and_then(|symbol| symbol.strip_suffix('='));
    let operator = operator.filter(|operator| OPERATORS.contains(operator));
    let name = text.get(..range.start).unwrap_or_default().trim_end();
    let name = name.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    match (operator, name.filter(|name| is_name(name)), error.span()) {
        (Some(operator), Some(name), Some(span)) => Error::new(error.kind(), error.message())
            .hint(format!("write {name} = {name} {operator} ..."))
            .located(span, text),
        _ => error,
    }
}

/// Bytes of dropped results whose memory later ones take.
const KEPT: usize = 256 << 20;

/// The engine of a session.
fn engine(tuning: Tuning) -> Engine {
    tuning.builder().keep_memory(KEPT).build()
}

impl Session {
    /// A session without variables, its random numbers those of the seed 0.
    pub(crate) fn new(tuning: Tuning, style: Style) -> Session {
        Session {
            tuning,
            engine: engine(tuning),
            variables: BTreeMap::new(),
            definitions: Definitions::default(),
            generator: Generator::seeded(0),
            style,
            running: 0,
        }
    }

    /// Uses at most so many threads from now on.
    pub(crate) fn set_threads(&mut self, threads: usize) {
        self.tuning.threads = Some(threads);
        self.engine = engine(self.tuning);
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
        let typed: Rc<str> = typed.into();
        let lifted = self.lift(&typed);
        let Ok(ast) = parse(&lifted.text) else {
            // The engine says what is wrong.
            let mut composed = Composed::default();
            composed.add(&lifted.text, 0, &typed);
            return composed.compile(&self.engine).map(|_| String::new()).map_err(renewed);
        };
        self.define(&ast, &lifted, &typed)?;
        let parts = parts(&ast, &lifted, &self.definitions);
        let bound: HashSet<&String> = parts.iter().flat_map(|part| &part.binds).collect();
        if let Some(call) = lifted.makers.iter().find(|call| bound.contains(&call.placeholder)) {
            let error = Error::new(ErrorKind::Parse, "a made array is no name");
            return Err(call.blamed(error, &typed));
        }
        let mut printed = String::new();
        for part in parts {
            interrupt::check()?;
            printed += &self.part(&typed, &lifted, &part)?;
        }
        Ok(printed)
    }

    /// A text without calls of makers.
    pub(crate) fn lift(&self, typed: &str) -> Lifted {
        let taken = |name: &str| self.variables.contains_key(name) || self.definitions.read(name);
        lift(typed, |name| self.definitions.has(name), taken)
    }

    /// Takes in the functions that a text defines: all or, if one is wrong, none.
    fn define(&mut self, ast: &Ast, lifted: &Lifted, typed: &str) -> Result<()> {
        let new = definitions(ast, &lifted.text);
        let named = new.iter().flat_map(|d| d.reads.iter().chain(&d.parameters));
        let named: HashSet<&String> = named.collect();
        if let Some(call) = lifted.makers.iter().find(|call| named.contains(&call.placeholder)) {
            let error = Error::new(ErrorKind::Name, "a function cannot make arrays")
                .hint("make the array before, under a name that the function reads");
            return Err(call.blamed(error, typed));
        }
        let different: BTreeSet<&String> = new.iter().map(|d| &d.name).collect();
        if different.len() < new.len() {
            // The engine says which one is defined twice.
            self.engine.compile(&lifted.text)?;
        }
        let before = self.definitions.clone();
        new.iter().for_each(|definition| self.definitions.insert(definition.clone()));
        let checked = new.iter().try_for_each(|definition| {
            interrupt::check()?;
            self.check(definition)
        });
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
        let mut composed = self.preamble(&calls);
        composed.add(&call, 0, &call.as_str().into());
        composed.compile(&self.engine).map(|_| ())
    }

    /// The functions that a text needs, as the beginning of a program.
    fn preamble(&self, calls: &BTreeSet<String>) -> Composed {
        let mut composed = Composed::default();
        for definition in self.definitions.reached(calls) {
            composed.add(&definition.text, 0, &definition.text);
        }
        composed
    }

    /// Evaluates a part of a text.
    fn part(&mut self, typed: &Rc<str>, lifted: &Lifted, part: &Part) -> Result<String> {
        let mut made = self.make(typed, lifted, &part.ranges)?;
        let name = part.binds.first().map(String::as_str).unwrap_or_default();
        match &part.alone {
            Some(Alone::Number(number)) => {
                self.variables.insert(name.to_string(), Value::Number(*number));
                return Ok(String::new());
            }
            Some(Alone::Made(_)) => {
                let value = made.pop_first().map(|(_, made)| (name.to_string(), made.value));
                self.variables.extend(value);
                return Ok(String::new());
            }
            Some(Alone::Shown(names)) => {
                if let Some(shown) = self.shown(names) {
                    return Ok(shown);
                }
            }
            _ => {}
        }
        let from = part.ranges.first().map_or(0, |range| range.start);
        let mut text = only(&lifted.text, &part.ranges);
        if let Some(Alone::Renewed(value)) = part.alone {
            text.replace_range(..value - from, &" ".repeat(value - from));
        }
        if let Some(end) = part.prints {
            // The bindings become outputs too.
            text.truncate(end - from);
            let comma = if text.ends_with(',') { " " } else { ", " };
            text.extend(
                part.binds
                    .iter()
                    .enumerate()
                    .flat_map(|(i, bound)| [if i == 0 { comma } else { ", " }, bound.as_str()]),
            );
        }
        let mut composed = self.preamble(&part.calls);
        composed.add(&text, from, typed);
        let ready = Ready::new(composed, made, &self.engine)?;
        let mut printed = self.arrays(&ready, typed)?;
        let bound = match part.prints {
            Some(_) => printed.split_off(printed.len() - part.binds.len()),
            None => std::mem::take(&mut printed),
        };
        let weak = self.weak(part);
        for ((array, name), weak) in bound.into_iter().zip(&part.binds).zip(&weak) {
            self.variables.insert(name.clone(), kept(array, *weak));
        }
        let names = ready.program.outputs().map(|name| {
            // What was made for the text has no name there.
            name.filter(|name| ready.value(name).is_none())
        });
        let shown = printed.iter().zip(names).map(|(array, name)| Shown {
            name,
            dtype: array.dtype(),
            shape: array.shape(),
            bytes: array.bytes().into(),
        });
        let text = self.printed(shown);
        if let Some(last) = printed.pop() {
            self.keep_last(kept(last, weak.last() == Some(&true)));
        }
        Ok(text)
    }

    /// What variables look like that are arrays in C order, as results are; the last one is the
    /// last value printed. They are not computed, which would copy them.
    fn shown(&mut self, names: &[String]) -> Option<String> {
        let array = |name: &String| match self.variables.get(name) {
            Some(Value::Array(array)) if array.is_in_c_order() => Some(array),
            _ => None,
        };
        let arrays: Vec<&Rc<Array>> = names.iter().map(array).collect::<Option<_>>()?;
        let shown = names.iter().zip(&arrays).map(|(name, array)| Shown {
            name: Some(name),
            dtype: array.dtype(),
            shape: array.shape(),
            bytes: array.bytes().into(),
        });
        let text = self.printed(shown);
        let last = arrays.last().map(|array| Rc::clone(array));
        if let Some(last) = last {
            self.keep_last(Value::Array(last));
        }
        Some(text)
    }

    fn printed<'a>(&self, arrays: impl Iterator<Item = Shown<'a>>) -> String {
        let mut text = String::new();
        // To memory: there is no error.
        let _ = self.style.show_all(&mut text, arrays);
        text
    }

    /// Which statements of a part compute on nothing but numbers that take the dtype of what they
    /// meet, so that their results do too.
    fn weak(&self, part: &Part) -> Vec<bool> {
        let casts = |name: &String| DType::from_name(name).is_some() && !self.definitions.has(name);
        let mut bound: BTreeMap<&String, bool> = BTreeMap::new();
        let mut weak = Vec::new();
        for (number, Uses { reads, calls }) in part.uses.iter().enumerate() {
            let is_number = |name: &String| match bound.get(name) {
                Some(weak) => *weak,
                None => matches!(self.variables.get(name), Some(Value::Number(_))),
            };
            let reached = self.definitions.reached(calls);
            let mut reads = reads.iter().chain(reached.iter().flat_map(|d| &d.reads));
            let mut calls = calls.iter().chain(reached.iter().flat_map(|d| &d.calls));
            let is_weak = reads.all(is_number) && !calls.any(casts);
            bound.extend(part.binds.get(number).map(|name| (name, is_weak)));
            weak.push(is_weak);
        }
        weak
    }

    fn keep_last(&mut self, value: Value) {
        let is_large = matches!(&value, Value::Array(array) if array.bytes().len() > LAST_LIMIT);
        match is_large {
            true => self.variables.remove(LAST),
            false => self.variables.insert(LAST.to_string(), value),
        };
    }

    /// Makes the arrays that some ranges of a text ask for.
    fn make(
        &mut self,
        typed: &str,
        lifted: &Lifted,
        ranges: &[Range<usize>],
    ) -> Result<BTreeMap<String, Made>> {
        let mut made = BTreeMap::new();
        for call in ranges.iter().flat_map(|range| lifted.within(range)) {
            interrupt::check()?;
            let mut generator = self.generator.clone();
            let scalar = |text: &str| {
                self.scalar(text).map_err(|error| {
                    let start = place(call, text).unwrap_or(call.range.start);
                    moved(error, start, typed)
                })
            };
            let array = make(call, &self.engine, &mut generator, &scalar).map_err(|error| {
                match error.span() {
                    Some(_) => error,
                    None => call.blamed(error, typed),
                }
            });
            self.generator = generator;
            let array = Made { text: call.shown(), value: array?.into() };
            made.insert(call.placeholder.clone(), array);
        }
        Ok(made)
    }

    /// The value of an expression that is one number.
    fn scalar(&self, text: &str) -> Result<Scalar> {
        if let Some(call) = self.lift(text).makers.first() {
            let error = Error::new(ErrorKind::Type, "an array cannot be made inside an argument");
            let error =
                error.hint("an argument is one number: give what it is made of a name before");
            return Err(call.blamed(error, text));
        }
        let ready = self.ready(text, text, BTreeMap::new())?;
        let arrays = self.arrays(&ready, text)?;
        let number = arrays.first().filter(|_| arrays.len() == 1);
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
        let lifted = self.lift(typed);
        let made = self.make(typed, &lifted, std::slice::from_ref(&(0..typed.len())))?;
        self.ready(&lifted.text, typed, made)
    }

    /// A program of a text, as long as what was typed, without calls of makers.
    fn ready(&self, text: &str, typed: &str, made: BTreeMap<String, Made>) -> Result<Ready> {
        let ast = parse(text).ok();
        let calls = ast.map(|ast| names(&ast, ast.exprs()).1);
        let mut composed = self.preamble(&calls.unwrap_or_default());
        composed.add(text, 0, &typed.into());
        Ready::new(composed, made, &self.engine)
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
            value.map(|value| (name, value)).ok_or_else(|| self.missing(name, ready, typed))
        };
        ready.program.inputs().map(value).collect()
    }

    fn missing(&self, name: &str, ready: &Ready, typed: &str) -> Error {
        let here = Scan::from(typed, 0).find(|(_, piece)| *piece == Piece::Word(name));
        // Where it is not what was typed that reads the variable, a function does.
        let within = self
            .definitions
            .iter()
            .find(|d| here.is_none() && d.reads.contains(name) && ready.has(&d.text));
        let reader = within.map(|d| format!(", which '{}' reads", d.name)).unwrap_or_default();
        let error = Error::new(ErrorKind::Name, format!("there is no variable '{name}'{reader}"));
        let near = hotloop::ops::suggestions(name, self.variables.keys().map(String::as_str));
        let error = match near.first() {
            _ if name == LAST => error.hint(format!(
                "it is the last value printed, unless that has more than {} MB",
                LAST_LIMIT >> 20
            )),
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error.hint(format!("':load {name}=FILE' reads one, '{name} = ...' makes one")),
        };
        match (here, within) {
            (Some((range, _)), _) => error.located(Span::new(range.start, range.end), typed),
            (None, Some(d)) => match d.place(name) {
                Some(range) => error.located(Span::new(range.start, range.end), &d.text),
                None => error,
            },
            (None, None) => error,
        }
    }

    /// Runs a program over the variables.
    ///
    /// # Errors
    /// As [`Session::values`] and [`evaluate::evaluate`], at a place in the text.
    pub(crate) fn evaluate(&self, ready: &Ready, typed: &str) -> Result<Outputs> {
        let values = self.values(ready, typed)?;
        evaluate::evaluate(&ready.program, &values).map_err(|error| ready.placed(error))
    }

    /// The same into arrays that can be kept.
    ///
    /// # Errors
    /// As [`Session::evaluate`].
    pub(crate) fn arrays(&self, ready: &Ready, typed: &str) -> Result<Vec<Array>> {
        let values = self.values(ready, typed)?;
        evaluate::arrays(&ready.program, &values).map_err(|error| ready.placed(error))
    }

    /// The same into files.
    ///
    /// # Errors
    /// As [`Session::evaluate`], and of the files.
    pub(crate) fn save(&self, ready: &Ready, typed: &str, to: &Destination) -> Result<()> {
        let values = self.values(ready, typed)?;
        evaluate::save(&ready.program, &values, to).map_err(|error| ready.placed(error))
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

/// An array as a variable.
fn kept(array: Array, weak: bool) -> Value {
    match weak.then(|| weak_number(&array)).flatten() {
        Some(number) => Value::Number(number),
        None => array.into(),
    }
}

fn weak_number(array: &Array) -> Option<Number> {
    match (array.dtype(), scalar(array)?) {
        (DType::Bool, Scalar::Bool(x)) => Some(Number::Bool(x)),
        (DType::I64, Scalar::Int(x)) => Some(Number::Int(x)),
        (DType::F64, Scalar::Float(x)) => Some(Number::Float(x)),
        _ => None,
    }
}

/// The number that an array without axes is.
fn scalar(array: &Array) -> Option<Scalar> {
    macro_rules! only {
        ($t:ty) => {
            <$t>::from_le_bytes(array.bytes().try_into().ok()?)
        };
    }
    if !array.shape().is_empty() {
        return None;
    }
    Some(match array.dtype() {
        DType::Bool => Scalar::Bool(only!(u8) != 0),
        DType::I8 => Scalar::Int(only!(i8).into()),
        DType::I16 => Scalar::Int(only!(i16).into()),
        DType::I32 => Scalar::Int(only!(i32).into()),
        DType::I64 => Scalar::Int(only!(i64)),
        DType::U8 => Scalar::Int(only!(u8).into()),
        DType::U16 => Scalar::Int(only!(u16).into()),
        DType::U32 => Scalar::Int(only!(u32).into()),
        DType::U64 => Scalar::Int(i64::try_from(only!(u64)).ok()?),
        DType::F32 => Scalar::Float(only!(f32).into()),
        DType::F64 => Scalar::Float(only!(f64)),
        _ => return None,
    })
}
