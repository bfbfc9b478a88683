//! The arguments of a run: what a command line gives, opened for the inputs of a program.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use hotloop::{Arg, Error, ErrorKind, FileArray, Program, Result};

use super::array::Array;
use super::budget::Budget;
use super::file::{Address, File, Held, plain};
use super::input::{Given, Inputs, Number};
use super::{Failure, warn};

/// The arguments by name.
pub(crate) struct Arguments(Vec<(String, Argument)>);

enum Argument {
    Number(Number),
    /// It was read into memory.
    Array(Rc<Array>),
    /// It is read where it is.
    File(Arc<FileArray>),
}

impl Arguments {
    /// Opens what a program needs. Every file is opened, and every table read, once.
    ///
    /// # Errors
    /// `Usage` for an input that the program binds; those of files; `Name` for an input that is
    /// missing, or may be one of several arrays; `Limit` for what is not to be read into memory.
    pub(crate) fn open(
        program: &Program,
        given: &Inputs,
        budget: &mut Budget,
    ) -> std::result::Result<Arguments, Failure> {
        let is_read = |name: &str| program.inputs().iter().any(|input| **input == *name);
        for (name, given) in given.named.iter().filter(|(name, _)| !is_read(name)) {
            check_unread(program, name, given)?;
        }
        let missing: Vec<&str> = program.inputs().iter().map(|input| &**input).collect();
        let missing = missing.into_iter().filter(|name| given.named.iter().all(|(n, _)| n != name));
        let missing: Vec<&str> = missing.collect();
        if let Some(name) = missing.first().filter(|_| given.files.is_empty()) {
            let spare = given.named.iter().map(|(name, _)| name.as_str()).filter(|n| !is_read(n));
            return Err(lacking(program, name, spare).into());
        }
        let mut files = Files { program, given, list: Vec::new() };
        // Also those of which nothing will be read: a path that is wrong should not pass.
        for path in &given.files {
            files.place(&Address::of(path).file, budget)?;
        }
        for name in &missing {
            files.want_of_any(name, budget)?;
        }
        files.warn_of_bound()?;
        let mut arguments = Vec::new();
        for (name, given) in given.named.iter().filter(|(name, _)| is_read(name)) {
            match given {
                Given::Number(number) => {
                    arguments.push((name.clone(), Argument::Number(*number)));
                }
                Given::File(path) => files.want(name, path, budget)?,
            }
        }
        for opened in files.list {
            if opened.wanted.is_empty() {
                let path = opened.file.path();
                warn(&format_args!("the program reads nothing of {path:?}"));
                continue;
            }
            arguments.extend(opened.read(budget)?);
        }
        Ok(Arguments(arguments))
    }

    /// The arguments, as a program takes them.
    pub(crate) fn args(&self) -> Vec<(&str, Arg<'_>)> {
        let arg = |argument| match argument {
            &Argument::Number(number) => number.arg(),
            Argument::Array(array) => array.arg(),
            Argument::File(file) => Arg::source(file),
        };
        self.0.iter().map(|(name, argument)| (name.as_str(), arg(argument))).collect()
    }
}

/// An error of a program's text, with what is meant where a column is written as an attribute of
/// its table: `t.price`.
pub(crate) fn advised(error: Error, given: &Inputs) -> Error {
    let place = error.source_text().zip(error.span());
    let Some(text) = place.and_then(|(text, span)| text.get(..span.start as usize)) else {
        return error;
    };
    let table = given.named.iter().find_map(|(name, given)| {
        let Given::File(path) = given else { return None };
        let address = Address::of(path);
        let before = text.strip_suffix('.').and_then(|text| text.strip_suffix(&**name));
        let is_base = before.is_some_and(|text| {
            !text.ends_with(|c: char| c == '_' || c == '.' || c.is_alphanumeric())
        });
        (is_base && address.part.is_none() && address.has_parts()).then_some((name, path))
    });
    match table {
        Some((name, path)) => error.hint(format!(
            "give {} without {name}=, and write its arrays' names alone",
            path.display()
        )),
        None => error,
    }
}

/// What it means that an input is given that the program does not read.
fn check_unread(program: &Program, name: &str, given: &Given) -> std::result::Result<(), Failure> {
    if program.bindings().any(|own| own == name) {
        let what = match given {
            Given::Number(_) => "number",
            Given::File(_) => "array",
        };
        return Err(Failure::Usage(format!(
            "'{name}' is bound in the program, so the {what} given as '{name}' is never read; \
             `==` compares"
        )));
    }
    if let Given::File(path) = given {
        let file = Address::of(path).file;
        if let Err(error) = file.symlink_metadata() {
            let message = format!("cannot read {file:?}: {error}");
            let error = Error::new(ErrorKind::Io, message);
            return Err(error.hint(format!("the program has no input '{name}' either")).into());
        }
    }
    warn(&format_args!("the program has no input '{name}'"));
    Ok(())
}

/// That an input is not given, where others are that may be meant.
fn lacking<'a>(program: &Program, name: &str, spare: impl Iterator<Item = &'a str>) -> Error {
    let error = program.missing_input(name);
    match hotloop::ops::suggestions(name, spare).first() {
        Some(near) => error.hint(format!("there is an argument '{near}'")),
        None => error.hint(format!("add {name}=FILE.npy or {name}=NUMBER")),
    }
}

/// The files that something is read of.
struct Files<'a> {
    program: &'a Program,
    given: &'a Inputs,
    list: Vec<Opened>,
}

/// A file, and what is wanted of it: the inputs that each array is for.
struct Opened {
    file: File,
    wanted: BTreeMap<usize, Vec<String>>,
}

impl Files<'_> {
    /// The place in the list of a file, which is opened if it is not there.
    fn place(&mut self, path: &Path, budget: &Budget) -> Result<usize> {
        if let Some(place) = self.list.iter().position(|opened| opened.file.path() == path) {
            return Ok(place);
        }
        let file = File::open(path, &self.given.dialect, budget)?;
        self.list.push(Opened { file, wanted: BTreeMap::new() });
        Ok(self.list.len() - 1)
    }

    /// Wants the array at a path for an input.
    fn want(&mut self, name: &str, path: &Path, budget: &Budget) -> Result<()> {
        let Address { file, part } = Address::of(path);
        let place = self.place(&file, budget)?;
        if let Some(opened) = self.list.get_mut(place) {
            let number = opened.file.choose(part.as_deref(), Some(name))?;
            opened.want(number, name);
        }
        Ok(())
    }

    /// Warns of the arrays of files without names whose names the program gives to its own values.
    fn warn_of_bound(&self) -> Result<()> {
        if self.given.files.is_empty() {
            return Ok(());
        }
        for name in self.program.bindings() {
            for path in &self.given.files {
                let Address { file, part } = Address::of(path);
                let opened = self.list.iter().find(|opened| opened.file.path() == file);
                let Some(Opened { file, .. }) = opened else { continue };
                let number = match part {
                    None => file.find(name.as_bytes()).unwrap_or_default(),
                    Some(part) => Some(file.choose(Some(&part), None)?),
                };
                if number.is_some_and(|n| file.variables().get(n).is_some_and(|n| n == name)) {
                    warn(&format_args!(
                        "'{name}' is bound in the program, so the array '{name}' of {:?} is not \
                         read; `==` compares",
                        file.path()
                    ));
                }
            }
        }
        Ok(())
    }

    /// Wants the array of an input's name that one of the files without names has.
    fn want_of_any(&mut self, name: &str, budget: &Budget) -> Result<()> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        let mut error = self.program.missing_input(name);
        for path in &self.given.files {
            let Address { file, part } = Address::of(path);
            let place = self.place(&file, budget)?;
            let Some(Opened { file, .. }) = self.list.get(place) else { continue };
            let number = match part {
                None => file.find(name.as_bytes())?,
                Some(part) => {
                    let number = file.choose(Some(&part), None)?;
                    Some(number)
                        .filter(|number| file.variables().get(*number).is_some_and(|n| n == name))
                }
            };
            match number {
                Some(number) if found.contains(&(place, number)) => {}
                Some(number) => found.push((place, number)),
                None => error = file.with_names(error, name.as_bytes()),
            }
        }
        match found[..] {
            [] => Err(error.hint(format!("else add {name}=FILE or {name}=NUMBER"))),
            [(place, number)] => {
                if let Some(opened) = self.list.get_mut(place) {
                    opened.want(number, name);
                }
                Ok(())
            }
            [first, second, ..] => {
                let path = |(place, _): (usize, usize)| self.list.get(place).map(|o| o.file.path());
                let [first, second] = [first, second].map(|at| path(at).unwrap_or(Path::new("")));
                let message = format!("both {first:?} and {second:?} have an array '{name}'");
                let choice = match Address::of(first).has_parts() {
                    true => format!("choose one: {name}={}:{name}", plain(first)),
                    false => format!("choose one: {name}={}", plain(first)),
                };
                Err(Error::new(ErrorKind::Name, message).hint(choice))
            }
        }
    }
}

impl Opened {
    fn want(&mut self, number: usize, name: &str) {
        self.wanted.entry(number).or_default().push(name.to_string());
    }

    /// Reads what is wanted.
    fn read(self, budget: &mut Budget) -> Result<Vec<(String, Argument)>> {
        let numbers: Vec<usize> = self.wanted.keys().copied().collect();
        let mut arguments = Vec::new();
        for (held, names) in self.file.hold(&numbers, budget)?.into_iter().zip(self.wanted.values())
        {
            match held {
                Held::Memory(array) => {
                    let array = Rc::new(array);
                    let list = names.iter().map(|n| (n.clone(), Argument::Array(array.clone())));
                    arguments.extend(list);
                }
                Held::File(file) => {
                    let file = Arc::new(file);
                    let list = names.iter().map(|n| (n.clone(), Argument::File(file.clone())));
                    arguments.extend(list);
                }
            }
        }
        Ok(arguments)
    }
}
