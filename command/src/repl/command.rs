//! The commands of a session, which begin with a colon.

use std::path::{Path, PathBuf};

use hotloop::{ArgType, Error, ErrorKind, Output, Result};

use super::Next;
use super::drawing::Drawing;
use super::generator::Generator;
use super::home;
use super::makers::MAKERS;
use super::session::{LAST, Session};
use super::word::words;
use super::{script, timing};
use crate::budget::Budget;
use crate::csv::{Dialect, Separator};
use crate::element::Digits;
use crate::evaluate::Value;
use crate::file::{self, Address};
use crate::input::{Given, Number, input, is_name, is_word};
use crate::plot::{self, Kind};
use crate::save::Destination;
use crate::{explain, functions, show};

/// The commands: name, arguments, what they do.
pub(crate) const COMMANDS: [(&str, &str, &str); 14] = [
    ("digits", "[N]", "print floats with at most N digits; alone, as at first"),
    ("explain", "PROGRAM", "what a program becomes for the variables there are"),
    ("functions", "[NAME]", "what can be called; a NAME may be a pattern: arc*"),
    ("help", "[NAME]", "this text, or what there is about a command or a function"),
    ("hist", "X", "draw how often which numbers occur"),
    ("load", "[NAME=]FILE...", "read arrays: .npy, all of .npz or .csv, or FILE.npz:NAME"),
    ("plot", "[X,] Y, ...", "draw Y over its places or over X; `X, Y, Z`: both over X"),
    ("quit", "", "end; so does Ctrl-D"),
    ("run", "FILE", "evaluate the lines of a file"),
    ("save", "NAME... FILE", "write variables: .npy one, .npz or .csv several"),
    ("seed", "NUMBER", "begin the random numbers anew; a session begins with 0"),
    ("threads", "NUMBER", "use at most so many threads"),
    ("time", "PROGRAM", "how long a program takes to compile and to run"),
    ("vars", "", "the variables and functions of this session"),
];

const HELP_ABOVE: &str = "\
PROGRAM               evaluate and print; '_' is the last value, up to 64 MB
NAME = PROGRAM        keep a value; it may be made of the old one: x = x + 1
def NAME(X) = PROGRAM keep a function; it may use variables
";

const HELP_BELOW: &str = "\
X, Y are expressions: ':plot x, sin(x), cos(x)'. Options: --index (all are Y),
--hist, --title TEXT, --xlabel TEXT, --ylabel TEXT, -o FILE.svg or FILE.png.
A text goes on while a bracket is open or an operand is missing; an empty line
ends it. Ctrl-C stops what is being computed, and clears what is being typed.
";

/// Runs a command.
///
/// # Errors
/// `Name` for an unknown command, `Arity` for wrong arguments, and those of its work.
pub(crate) fn run(session: &mut Session, command: &str) -> Result<Next> {
    let (verb, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    let text = match verb {
        "q" | "quit" | "exit" if rest.is_empty() => return Ok(Next::Quit),
        "q" | "quit" | "exit" | "vars" if !rest.is_empty() => {
            return Err(usage(&format!("':{verb}' stands alone")));
        }
        "h" | "help" | "?" if rest.is_empty() => help(),
        "h" | "help" | "?" => about(rest.strip_prefix(':').unwrap_or(rest))?,
        "load" => load(session, rest)?,
        "save" => save(session, rest)?,
        "vars" => variables(session),
        "explain" if rest.is_empty() => return Err(usage("write ':explain PROGRAM'")),
        "explain" => explained(session, rest)?,
        "functions" if rest.is_empty() => functions::table("':functions NAME'"),
        "functions" => functions::detail(rest)?,
        "digits" => {
            let digits = match rest {
                "" => None,
                _ => Some(whole(rest, "':digits 12'")?),
            };
            let digits = digits.map(|n| usize::try_from(n).unwrap_or(0));
            if digits.is_some_and(|n| !(1..=17).contains(&n)) {
                return Err(usage(&format!("':digits N' takes 1 to 17, not {rest}")));
            }
            session.style.digits = Digits(digits);
            String::new()
        }
        "run" => script::file(session, &one_file(rest)?)?,
        "hist" => draw(session, Kind::Histogram, rest)?,
        "plot" => draw(session, Kind::Points, rest)?,
        "seed" => {
            let seed = u64::try_from(whole(rest, "':seed 42'")?).map_err(|_| {
                usage(&format!("':seed N' takes a number of at least 0, not {rest}"))
            })?;
            session.generator = Generator::seeded(seed);
            String::new()
        }
        "threads" => {
            let threads = usize::try_from(whole(rest, "':threads 4'")?).ok();
            let threads = threads.filter(|n| (1..=1024).contains(n));
            session.set_threads(
                threads
                    .ok_or_else(|| usage(&format!("':threads N' takes 1 to 1024, not {rest}")))?,
            );
            String::new()
        }
        "time" if rest.is_empty() => return Err(usage("write ':time PROGRAM'")),
        "time" => timing::time(session, rest)?,
        _ => return Err(unknown(verb)),
    };
    Ok(Next::Go(text))
}

fn unknown(verb: &str) -> Error {
    let error = Error::new(ErrorKind::Name, format!("there is no command {verb:?}"));
    let names = COMMANDS.iter().map(|(name, ..)| *name);
    match hotloop::ops::suggestions(verb, names).first() {
        Some(near) => error.hint(format!("did you mean ':{near}'?")),
        None => error.hint("':help' lists them, ':functions NAME' describes a function"),
    }
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Arity, message)
}

/// A command's line of the help.
fn line((name, arguments, about): &(&str, &str, &str)) -> String {
    let call = format!(":{name} {arguments}");
    match call.len() <= 21 {
        true => format!("{call:21} {about}\n"),
        false => format!("{call}\n{:21} {about}\n", ""),
    }
}

/// The help of one command or function.
fn about(verb: &str) -> Result<String> {
    let command = COMMANDS.iter().find(|(name, ..)| *name == verb);
    match command {
        Some(command) => Ok(line(command)),
        None => functions::detail(verb).map_err(|_| {
            let error = Error::new(ErrorKind::Name, format!("there is no help on {verb:?}"));
            let names = COMMANDS.iter().map(|(name, ..)| *name).chain(functions::names());
            match hotloop::ops::suggestions(verb, names).first() {
                Some(near) => error.hint(format!("did you mean ':help {near}'?")),
                None => error.hint("':help' lists the commands, ':functions' the functions"),
            }
        }),
    }
}

fn help() -> String {
    let commands: String = COMMANDS.iter().map(line).collect();
    let names: Vec<&str> = MAKERS.iter().map(|(name, ..)| *name).collect();
    format!("{HELP_ABOVE}{commands}\nArrays: {} (':help eye').\n{HELP_BELOW}", names.join(", "))
}

/// The one file that a command is about.
fn one_file(rest: &str) -> Result<PathBuf> {
    match &words(rest)[..] {
        [path] => regular(Path::new(path)),
        _ => Err(usage("write ':run FILE'").hint("a file's name with blanks is put in quotes")),
    }
}

/// A whole number.
fn whole(text: &str, example: &str) -> Result<i64> {
    match Number::parse(text) {
        Ok(Some(Number::Int(number))) => Ok(number),
        _ => Err(usage(&format!("a whole number is missing: write {example}"))),
    }
}

/// Loads the named arrays: all or, if one fails, none.
fn load(session: &mut Session, rest: &str) -> Result<String> {
    let mut loaded: Vec<(String, Value)> = Vec::new();
    let (words, dialect) = table_options(words(rest))?;
    for word in words {
        let named = word.split_once('=').is_some_and(|(name, _)| is_word(name));
        if named {
            let (name, given) =
                input(word.as_ref()).map_err(|message| Error::new(ErrorKind::Name, message))?;
            let given = match given {
                Given::File(path) => Given::File(regular(&path)?),
                number => number,
            };
            let value = Value::load(&name, &given, &dialect)?;
            loaded.push((name, value));
        } else {
            let path = regular(Path::new(&word))?;
            let arrays = file::all(&path, &dialect, &mut Budget::machine())?;
            loaded.extend(arrays.into_iter().map(|(name, array)| (name, array.into())));
        }
    }
    if loaded.is_empty() && rest.is_empty() {
        return Err(usage("write ':load NAME=FILE.npy', ':load FILE.npz' or ':load FILE.csv'"));
    }
    let text = loaded.iter().map(|(name, value)| described(name, value)).collect();
    session.variables.extend(loaded);
    Ok(text)
}

/// The words that are no options, and how tables are written by those that are.
fn table_options(words: Vec<String>) -> Result<(Vec<String>, Dialect)> {
    let (mut rest, mut dialect) = (Vec::new(), Dialect::default());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match &*word {
            "--header" => dialect.header = Some(true),
            "--no-header" => dialect.header = Some(false),
            "--decimal-comma" => dialect.decimal_comma = true,
            "--sep" => {
                let separator = Separator::parse(&words.next().unwrap_or_default());
                dialect.separator = Some(separator.map_err(|message| usage(&message))?);
            }
            _ if word.starts_with("--") => {
                return Err(usage(&format!("':load' has no option {word}"))
                    .hint("there are --sep CHAR, --no-header, --header and --decimal-comma"));
            }
            _ => rest.push(word),
        }
    }
    Ok((rest, dialect))
}

/// The file that a path names; a session waits for no pipe.
fn regular(path: &Path) -> Result<PathBuf> {
    let path = home::expanded(path);
    Address::of(&path).check_regular()?;
    Ok(path)
}

/// Saves through a program that only names the variables, and so gives them in C order.
fn save(session: &mut Session, rest: &str) -> Result<String> {
    let mut words = words(rest);
    let path = words.pop().unwrap_or_default();
    if words.is_empty() || path.is_empty() {
        return Err(usage("write ':save NAME FILE.npy' or ':save NAME NAME FILE.npz'"));
    }
    if let Some(word) = words.iter().find(|word| !is_name(word)) {
        return Err(Error::new(ErrorKind::Name, format!("{word:?} is no variable"))
            .hint("a file's name with blanks is put in quotes"));
    }
    let destination = Destination::new(home::expanded(Path::new(&path)))?;
    if !destination.takes(words.len()) {
        return Err(usage("several variables go to an .npz or .csv file, or to a DIRECTORY/"));
    }
    let program = words.join(", ");
    let ready = session.compile(&program)?;
    session.save(&ready, &program, &destination)?;
    Ok(String::new())
}

fn variables(session: &Session) -> String {
    let variables = session.variables.iter().filter(|(name, _)| *name != LAST);
    let variables = variables.map(|(name, value)| described(name, value));
    let functions = session.definitions.iter().map(|d| format!("{}\n", d.text));
    variables.chain(functions).collect()
}

/// A variable's name, type and shape, or its name and value.
fn described(name: &str, value: &Value) -> String {
    match value {
        Value::Number(number) => format!("{name} = {number}\n"),
        Value::Array(array) => {
            format!("{name}: {} {}\n", array.dtype(), show::shape(array.shape()))
        }
    }
}

fn explained(session: &mut Session, program: &str) -> Result<String> {
    let ready = session.compile(program)?;
    let values = session.values(&ready, program)?;
    let types: Vec<(String, ArgType)> =
        values.into_iter().map(|(name, value)| (name.to_string(), value.ty())).collect();
    explain::explain(&session.engine, ready.program.text(), &types)
        .map_err(|error| ready.placed(error))
}

/// Draws a figure as the words describe.
fn draw(session: &mut Session, kind: Kind, rest: &str) -> Result<String> {
    let drawing = Drawing::read(kind, rest)?;
    let mut printed = Vec::new();
    for program in &drawing.programs {
        let ready = session.compile(program)?;
        let outputs = session.evaluate(&ready, program)?;
        if outputs.len() != 1 {
            let message = format!("{program:?} has {} outputs, not one", outputs.len());
            return Err(Error::new(ErrorKind::Arity, message));
        }
        printed.push(outputs);
    }
    let arrays: Vec<&Output> = printed.iter().flat_map(|outputs| outputs.iter()).collect();
    let file = drawing.file.as_ref().map(|(path, form)| (path.as_path(), *form));
    plot::draw((drawing.kind, drawing.index), &arrays, &drawing.labels, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_a_terminal() {
        let help = help();
        assert!(help.lines().all(|line| line.len() <= 80), "{help}");
        assert!(COMMANDS.iter().all(|(name, ..)| help.contains(&format!(":{name}"))));
    }
}
