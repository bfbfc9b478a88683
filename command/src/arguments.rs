//! Arguments of a run: opens the inputs given on the command line.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use hotloop::{Arg, Error, ErrorKind, Program, Result};

use super::budget::Budget;
use super::file::{Address, File, Held, plain};
use super::input::{Given, Inputs, Number};
use super::neighbor::with_neighbor;
use super::outline::Outline;
use super::stream::cannot;
use super::{Failure, warn};

/// Checks whether a run is possible, given descriptions of its arguments and the remaining memory.
pub(crate) type Look<'a> = dyn Fn(&[(&str, Arg<'_>)], &Budget) -> Result<()> + 'a;

/// The arguments by name.
pub(crate) struct Arguments(Vec<(String, Argument)>);

enum Argument {
    Number(Number),
    /// The arrays of a file for the inputs that refer to it.
    Held(Rc<Held>),
}

impl Argument {
    fn arg(&self) -> Arg<'_> {
        match self {
            Argument::Number(number) => number.arg(),
            Argument::Held(held) => held.arg(),
        }
    }
}

impl Arguments {
    /// Opens the arguments of a program. Every file is opened, and every table read, once; if the
    /// headers describe the arrays, `look` is called before any is read into memory.
    ///
    /// # Errors
    /// `Usage` for an input that the program binds; those of files; `Name` for a missing or
    /// ambiguous input; `Limit` for an array that exceeds the memory limit.
    pub(crate) fn open(
        program: &Program,
        given: &Inputs,
        budget: &mut Budget,
        look: &Look<'_>,
    ) -> std::result::Result<Arguments, Failure> {
        let is_read = |name: &str| program.inputs().any(|input| input == name);
        for (name, given) in given.named.iter().filter(|(name, _)| !is_read(name)) {
            check_unread(program, name, given)?;
        }
        let missing: Vec<&str> = program.inputs().collect();
        let missing = missing.into_iter().filter(|name| given.named.iter().all(|(n, _)| n != name));
        let missing: Vec<&str> = missing.collect();
        if let Some(name) = missing.first().filter(|_| given.files.is_empty()) {
            let spare = given.named.iter().map(|(name, _)| name.as_str()).filter(|n| !is_read(n));
            return Err(lacking(program, name, spare).into());
        }
        let mut files = Files::open(program, given, &missing, budget)?;
        let mut arguments = Vec::new();
        for (name, given) in given.named.iter().filter(|(name, _)| is_read(name)) {
            match given {
                Given::Number(number) => {
                    arguments.push((name.clone(), Argument::Number(*number)));
                }
                Given::File(path) => files.want(name, path, budget)?,
            }
        }
        files.look(&arguments, budget, look)?;
        let held = files.read(budget, File::hold)?;
        arguments.extend(held.into_iter().map(|(name, held)| (name, Argument::Held(held))));
        Ok(Arguments(arguments))
    }

    /// The arguments, as a program takes them.
    pub(crate) fn args(&self) -> Vec<(&str, Arg<'_>)> {
        self.0.iter().map(|(name, argument)| (name.as_str(), argument.arg())).collect()
    }
}

/// The arrays of unnamed files for the inputs of a program. Each file is opened, and every table
/// read, once.
///
/// # Errors
/// Those of files; `Name` for an input without an array, or with several.
pub(crate) fn of_files<T>(
    program: &Program,
    given: &Inputs,
    names: &[&str],
    budget: &mut Budget,
    read: impl Fn(File, &[usize], &mut Budget) -> Result<Vec<T>>,
) -> Result<Vec<(String, Rc<T>)>> {
    Files::open(program, given, names, budget)?.read(budget, read)
}

/// Adds advice to an error if a column is written as an attribute of its table: `t.price`.
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

/// The error for an input that the program does not read.
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
            let error = cannot("read", format_args!("{file:?}"), error);
            let error = with_neighbor(error, &file);
            return Err(error.hint(format!("the program has no input '{name}' either")).into());
        }
    }
    warn(&format_args!("the program has no input '{name}'"));
    Ok(())
}

/// The error for a missing input, with similar names that are given.
fn lacking<'a>(program: &Program, name: &str, spare: impl Iterator<Item = &'a str>) -> Error {
    let error = program.missing_input(name);
    match hotloop::ops::suggestions(name, spare).first() {
        Some(near) => error.hint(format!("there is an argument '{near}'")),
        None => error.hint(format!("add {name}=FILE.npy or {name}=NUMBER")),
    }
}

/// The files to read.
struct Files<'a> {
    program: &'a Program,
    given: &'a Inputs,
    list: Vec<Opened>,
}

/// A file, and for each requested array the inputs it is for.
struct Opened {
    file: File,
    wanted: BTreeMap<usize, Vec<String>>,
}

impl<'a> Files<'a> {
    /// Opens the unnamed files, and requests their arrays for the inputs with these names.
    fn open(
        program: &'a Program,
        given: &'a Inputs,
        names: &[&str],
        budget: &Budget,
    ) -> Result<Files<'a>> {
        let mut files = Files { program, given, list: Vec::new() };
        // Unused files are opened too, so that a wrong path is an error.
        for path in &given.files {
            files.place(&Address::of(path).file, budget)?;
        }
        for name in names {
            files.want_of_any(name, budget)?;
        }
        files.warn_of_bound()?;
        Ok(files)
    }

    /// Reads all requested arrays.
    fn read<T>(
        self,
        budget: &mut Budget,
        read: impl Fn(File, &[usize], &mut Budget) -> Result<Vec<T>>,
    ) -> Result<Vec<(String, Rc<T>)>> {
        let mut all = Vec::new();
        for Opened { file, wanted } in self.list {
            if wanted.is_empty() {
                warn(&format_args!("the program reads nothing of {:?}", file.path()));
                continue;
            }
            let numbers: Vec<usize> = wanted.keys().copied().collect();
            for (array, names) in read(file, &numbers, budget)?.into_iter().zip(wanted.values()) {
                let array = Rc::new(array);
                all.extend(names.iter().map(|name| (name.clone(), array.clone())));
            }
        }
        Ok(all)
    }

    /// The index of a file in the list, opening it if needed.
    fn place(&mut self, path: &Path, budget: &Budget) -> Result<usize> {
        if let Some(place) = self.list.iter().position(|opened| opened.file.path() == path) {
            return Ok(place);
        }
        let file = File::open(path, &self.given.dialect, budget)?;
        self.list.push(Opened { file, wanted: BTreeMap::new() });
        Ok(self.list.len() - 1)
    }

    /// Requests the array at a path for an input.
    fn want(&mut self, name: &str, path: &Path, budget: &Budget) -> Result<()> {
        let Address { file, part } = Address::of(path);
        let place = self.place(&file, budget)?;
        if let Some(opened) = self.list.get_mut(place) {
            let number = opened.file.choose(part.as_deref(), Some(name))?;
            opened.want(number, name);
        }
        Ok(())
    }

    /// Calls `look`, if arrays of known size are read into memory.
    fn look(
        &mut self,
        numbers: &[(String, Argument)],
        budget: &Budget,
        look: &Look<'_>,
    ) -> Result<()> {
        let mut outlines: Vec<(&str, Arc<Outline>)> = Vec::new();
        for Opened { file, wanted } in &mut self.list {
            for (number, names) in wanted {
                let Some(outline) = file.outline(*number)? else { return Ok(()) };
                let outline = Arc::new(outline);
                outlines.extend(names.iter().map(|name| (name.as_str(), outline.clone())));
            }
        }
        let whole = outlines.iter().fold(0u64, |sum, (_, o)| sum.saturating_add(o.whole));
        // An array that is too large by itself is an error when it is read.
        if whole == 0 || whole > budget.left() {
            return Ok(());
        }
        let _charge = budget.charge(whole, &|| "what is read whole".to_string())?;
        let numbers = numbers.iter().filter_map(|(name, argument)| match argument {
            Argument::Number(number) => Some((name.as_str(), number.arg())),
            _ => None,
        });
        let arrays = outlines.iter().map(|(name, outline)| (*name, Arg::source(outline)));
        look(&numbers.chain(arrays).collect::<Vec<_>>(), budget)
    }

    /// Warns of arrays of unnamed files whose names the program binds.
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
                if let Some(number) = number
                    && file.is_called(number, name)?
                {
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

    /// Requests the array of an unnamed file with the name of an input.
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
                    file.is_called(number, name)?.then_some(number)
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
}
