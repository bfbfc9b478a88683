//! The command line: words in, a [`Command`] out.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use hotloop::{DType, Mode, shortened};

use super::bench::{Bench, Spec};
use super::complaint;
use super::csv::{Dialect, Separator};
use super::element::Digits;
use super::evaluate::{Evaluation, Printed};
use super::explain::{Described, Explanation};
use super::flag::Flag;
use super::input::{Given, Inputs, is_file, is_name, is_word};
use super::place::is_standard;
use super::progress::{self, Bar};
use super::quantity::{bytes, count};
use super::show::Style;
use super::streaming::Streaming;
use super::tuning::Tuning;
use super::verb::Verb;
use super::{Failure, completions, functions, help, man, program_file};

/// Parsing of the command line.
#[derive(Debug)]
pub(crate) enum Command {
    /// Evaluate a program over files.
    Evaluate(Evaluation),
    /// Explain a program for these types.
    Explain(Explanation),
    /// Measure a program.
    Bench(Bench),
    /// Compute rows as they come.
    Stream(Streaming),
    /// Read lines.
    Repl {
        /// Variables to start with.
        inputs: Inputs,
        /// The engine's options.
        tuning: Tuning,
        /// How values are printed.
        style: Style,
    },
    /// Print a text.
    Print(String),
}

/// A command, with context for its errors.
#[derive(Debug)]
pub(crate) struct Asked {
    pub command: Command,
    /// The file of the program.
    pub file: Option<PathBuf>,
    /// A hint if the program is probably a mistake.
    pub advice: Option<String>,
}

/// Whether a word with a dash is a program: no option begins so.
fn is_negation(word: &OsStr) -> bool {
    let is_option = |c: u8| {
        let letter = char::from(c);
        c == b'-' || Flag::all().any(|row| row.short == Some(letter))
    };
    matches!(word.as_encoded_bytes(), [b'-', c, ..] if !is_option(*c))
}

/// Whether a word gives an array rather than a number: a colon, and before any `=`.
fn is_spec(word: &OsString) -> bool {
    word.as_encoded_bytes().iter().find(|c| b":=".contains(c)) == Some(&b':')
}

fn has_equals(word: &OsStr) -> bool {
    word.as_encoded_bytes().contains(&b'=')
}

/// Reads the words after the command's own name, and the program's file.
///
/// # Errors
/// The error in the words.
pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Asked, Failure> {
    let mut sorted = Words::default();
    sorted.read(lexopt::Parser::from_args(words)).map_err(Failure::Usage)?;
    sorted.command()
}

/// The words, sorted into a verb, a program, options and the rest.
#[derive(Default)]
struct Words {
    verb: Option<Verb>,
    program: Option<OsString>,
    rest: Vec<OsString>,
    /// The given options.
    used: Vec<Flag>,
    tuning: Tuning,
    style: Style,
    file: Option<PathBuf>,
    output: Option<PathBuf>,
    names: Vec<String>,
    printed: Option<Printed>,
    memory: Option<usize>,
    key: Option<String>,
    state: Option<PathBuf>,
    /// How tables are written.
    dialect: Dialect,
    n: Option<usize>,
    dtype: Option<DType>,
    flamegraph: Option<PathBuf>,
}

impl Words {
    fn has(&self, flag: Flag) -> bool {
        self.used.contains(&flag)
    }

    /// Whether a program may come next.
    fn lacks_program(&self) -> bool {
        let verb = self.verb.unwrap_or(Verb::Evaluate);
        self.program.is_none() && self.file.is_none() && verb.takes_program()
    }

    fn read(&mut self, mut parser: lexopt::Parser) -> Result<(), String> {
        loop {
            // A program may start with a dash, and must after two of them.
            if self.lacks_program()
                && let Some(mut raw) = parser.try_raw_args()
            {
                let explicit = raw.next_if(|word| word == "--").is_some();
                if explicit || raw.peek().is_some_and(is_negation) {
                    self.take_program(raw.next().ok_or("a program is missing after '--'")?);
                    continue;
                }
            }
            match parser.next().map_err(|e| e.to_string())? {
                None => return Ok(()),
                Some(lexopt::Arg::Value(word)) => {
                    let verb = word.to_str().and_then(Verb::named);
                    if self.verb.is_none() && verb.is_some() {
                        self.verb = verb;
                    } else if self.lacks_program() {
                        self.take_program(word);
                    } else {
                        self.rest.push(word);
                    }
                }
                Some(lexopt::Arg::Short(letter)) => {
                    self.option(&format!("-{letter}"), &mut parser)?
                }
                Some(lexopt::Arg::Long(name)) => {
                    let name = format!("--{name}");
                    self.option(&name, &mut parser)?;
                }
            }
        }
    }

    fn take_program(&mut self, word: OsString) {
        self.verb.get_or_insert(Verb::Evaluate);
        let file = word.to_str().and_then(|word| word.strip_prefix('@')).map(PathBuf::from);
        match file.filter(|file| !file.as_os_str().is_empty()) {
            Some(file) => self.file = Some(file),
            None => self.program = Some(word),
        }
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<(), String> {
        let flag = Flag::named(name).ok_or_else(|| unknown(name))?;
        if self.has(flag) {
            return Err(format!("{} is given twice", flag.name()));
        }
        self.used.push(flag);
        let name = flag.name();
        let mut value = || match parser.value() {
            Ok(value) if value.is_empty() => Err(format!("{name} is empty")),
            Ok(value) => Ok(value),
            Err(_) => {
                let value = flag.row().value().unwrap_or_default();
                Err(format!("{name} lacks its {value}"))
            }
        };
        match flag {
            Flag::File => {
                if self.file.is_some() {
                    return Err("the program is given twice".to_string());
                }
                self.file = Some(value()?.into());
            }
            Flag::Output => self.output = Some(value()?.into()),
            Flag::Flamegraph => self.flamegraph = Some(value()?.into()),
            Flag::Key => self.key = Some(text(value()?)?),
            Flag::State => self.state = Some(value()?.into()),
            Flag::Name => self.names = names(&text(value()?)?)?,
            Flag::Format => self.printed = Some(one_of(flag, value()?, Printed::named)?),
            Flag::Digits => {
                let word = text(value()?)?;
                let digits = word.parse().ok().filter(|n| (1..=17).contains(n));
                let digits = digits.ok_or_else(|| format!("--digits takes 1 to 17, not {word}"))?;
                self.style.digits = Digits(Some(digits));
            }
            Flag::Full => self.style.full = true,
            Flag::Memory => {
                let word = text(value()?)?;
                let memory = bytes(&word);
                self.memory = Some(memory.ok_or_else(|| {
                    format!("--memory takes a size of at least 1 byte, as 64MiB or 2GB, not {word}")
                })?);
            }
            Flag::Threads => {
                let word = text(value()?)?;
                let threads = word.parse().ok().filter(|n| (1..=1024).contains(n));
                let threads =
                    threads.ok_or_else(|| format!("--threads takes 1 to 1024, not {word}"))?;
                self.tuning.threads = Some(threads);
            }
            Flag::Mode => {
                let modes = [Mode::Strict, Mode::Contract, Mode::Fast];
                let named = |word: &str| modes.into_iter().find(|m| m.name() == word);
                self.tuning.mode = one_of(flag, value()?, named)?;
            }
            Flag::Sep => self.dialect.separator = Some(Separator::parse(&text(value()?)?)?),
            Flag::Header => self.dialect.header = Some(true),
            Flag::NoHeader => self.dialect.header = Some(false),
            Flag::DecimalComma => self.dialect.decimal_comma = true,
            Flag::Color => {
                let set = one_of(flag, value()?, |word| match word {
                    "auto" => Some(None),
                    "always" => Some(Some(true)),
                    "never" => Some(Some(false)),
                    _ => None,
                })?;
                // Applied at once, so that errors in later words are coloured too.
                set.into_iter().for_each(complaint::color);
            }
            Flag::Count => {
                let word = text(value()?)?;
                let n = count(&word);
                self.n =
                    Some(n.ok_or_else(|| format!("-n takes a count such as 1e7, not {word}"))?);
            }
            Flag::Dtype => {
                let word = text(value()?)?;
                let dtype = DType::from_name(&word);
                self.dtype = Some(dtype.ok_or_else(|| {
                    let names = DType::ALL.map(|d| d.name()).join(" ");
                    format!("--dtype takes one of {names}, not {word}")
                })?);
            }
            Flag::Stats
            | Flag::Progress
            | Flag::NoProgress
            | Flag::Quiet
            | Flag::Verbose
            | Flag::Svg
            | Flag::Peers
            | Flag::Json
            | Flag::Number
            | Flag::Follow
            | Flag::Help
            | Flag::Version => {}
        }
        Ok(())
    }

    fn command(mut self) -> Result<Asked, Failure> {
        let print = |text| Ok(Asked { command: Command::Print(text), file: None, advice: None });
        let alone = self.verb.is_none() && self.file.is_none() && self.rest.is_empty();
        let verb = self.verb.unwrap_or(Verb::Evaluate);
        if self.has(Flag::Help) {
            return print(help::text(verb));
        }
        if self.has(Flag::Version) {
            return print(version());
        }
        // Without any word except options of a session, it starts a session.
        let of_session = |flag: &Flag| Verb::Repl.about().options.contains(flag);
        let verb = match alone && self.used.iter().all(of_session) {
            true => Verb::Repl,
            false => verb,
        };
        self.check(verb).map_err(Failure::Usage)?;
        if self.has(Flag::Quiet) {
            complaint::be_quiet();
        }
        if self.has(Flag::Progress) {
            progress::set(Bar::AtOnce);
        } else if self.has(Flag::NoProgress) || self.has(Flag::Quiet) {
            progress::set(Bar::Never);
        }
        if !verb.takes_program() && verb != Verb::Repl {
            return print(self.print(verb)?);
        }
        // A word before `-f FILE` was no program.
        if self.file.is_some() {
            let word = self.program.take();
            self.rest.splice(..0, word);
        }
        let mut blanks = None;
        let (expression, advice) = match (&self.file, self.program.take()) {
            (Some(file), _) => (program_file::read(file)?, None),
            (None, None) if verb == Verb::Repl => (String::new(), None),
            (None, None) => return Err(Failure::Usage(missing(verb))),
            (None, Some(word)) => {
                let program = text(word).map_err(Failure::Usage)?;
                blanks = unquoted(verb, &program, &self.rest);
                let advice = advice(verb, &program);
                (program, advice)
            }
        };
        let blanks = blanks.or_else(|| around_equals(&self.rest));
        let file = self.file.clone();
        let command = self.with_program(verb, expression).map_err(|message| {
            Failure::Usage(match advice.as_ref().or(blanks.as_ref()) {
                Some(advice) => format!("{message}\n  = help: {advice}"),
                None => message,
            })
        })?;
        Ok(Asked { command, file, advice })
    }

    /// Checks that the options belong to the command and may be combined.
    fn check(&self, verb: Verb) -> Result<(), String> {
        let about = verb.about();
        let name = if about.name.is_empty() { "a program's evaluation" } else { about.name };
        if let Some(flag) = self.used.iter().find(|flag| !about.options.contains(flag)) {
            return Err(format!("{} is no option of {name}", flag.name()));
        }
        for (one, other) in [
            (Flag::Progress, Flag::NoProgress),
            (Flag::Quiet, Flag::Verbose),
            (Flag::Header, Flag::NoHeader),
            (Flag::Digits, Flag::Output),
            (Flag::Full, Flag::Output),
        ] {
            if self.has(one) && self.has(other) {
                return Err(match other {
                    Flag::Output => format!("{} is for what is printed, not for -o", one.name()),
                    _ => format!("{} and {} exclude each other", one.name(), other.name()),
                });
            }
        }
        let styled = [Flag::Digits, Flag::Full].into_iter().find(|flag| self.has(*flag));
        if let (Some(flag), Some(printed)) = (styled, self.printed)
            && printed != Printed::Text
        {
            return Err(format!("{} is for text; other formats have all digits", flag.name()));
        }
        match &self.output {
            Some(path) if self.has(Flag::Format) && path != Path::new("-") => {
                Err("--format is for standard output; with -o the file's name says what it is"
                    .to_string())
            }
            _ => Ok(()),
        }
    }

    /// The text printed by a command that needs no program.
    fn print(self, verb: Verb) -> Result<String, Failure> {
        let mut rest = self.rest.into_iter().map(text);
        let word = rest.next().transpose().map_err(Failure::Usage)?;
        if let Some(next) = rest.next() {
            let next = next.map_err(Failure::Usage)?;
            let name = verb.about().name;
            return Err(Failure::Usage(format!("{name} takes one word, not {next:?} too")));
        }
        match (verb, word) {
            (Verb::Functions, None) => Ok(functions::table("`hotloop functions NAME`")),
            (Verb::Functions, Some(name)) => Ok(functions::detail(&name)?),
            (Verb::Help, None) => Ok(help::text(Verb::Evaluate)),
            (Verb::Help, Some(topic)) => Ok(help::topic(&topic)?),
            (Verb::Completions, shell) => {
                let script = shell.as_deref().and_then(completions::script);
                script.ok_or_else(|| Failure::Usage(completions::unknown(shell.as_deref())))
            }
            (_, Some(word)) => {
                let name = verb.about().name;
                let message = format!(
                    "{name} takes no word, but there is {word:?}; a program of this name is \
                     written '({name})'"
                );
                Err(Failure::Usage(message))
            }
            (Verb::Man, None) => Ok(man::page()),
            (_, None) => Ok(version()),
        }
    }

    fn with_program(self, verb: Verb, expression: String) -> Result<Command, String> {
        let (json, peers) = (self.has(Flag::Json), self.has(Flag::Peers));
        let (stats, svg) = (self.has(Flag::Stats), self.has(Flag::Svg));
        let verbose = self.has(Flag::Verbose);
        let (number, follow) = (self.has(Flag::Number), self.has(Flag::Follow));
        let Words { rest, tuning, style, output, names, printed, flamegraph, dialect, .. } = self;
        Ok(match verb {
            Verb::Explain => {
                let (specs, given): (Vec<OsString>, Vec<OsString>) = rest
                    .into_iter()
                    .partition(|word| !is_file(word) && (is_spec(word) || !has_equals(word)));
                let mut files = Inputs::parse(&given, dialect)?;
                let described = |(name, given)| (name, Described::Given(given));
                let mut known: Vec<_> = files.named.drain(..).map(described).collect();
                for word in specs {
                    let (name, described) = Described::parse(&text(word)?)?;
                    if known.iter().any(|(n, _)| *n == name) {
                        return Err(format!("the input {name} is given twice"));
                    }
                    known.push((name, described));
                }
                let inputs = known;
                Command::Explain(Explanation { expression, inputs, files, svg, output, tuning })
            }
            Verb::Bench => {
                let (specs, given): (Vec<OsString>, Vec<OsString>) =
                    rest.into_iter().partition(|word| !is_file(word) && is_spec(word));
                let mut files = Inputs::parse(&given, dialect)?;
                let mut numbers = Vec::new();
                files.named.retain(|(name, given)| match given {
                    Given::Number(number) => {
                        numbers.push((name.clone(), *number));
                        false
                    }
                    Given::File(_) => true,
                });
                let mut specs = specs.into_iter().map(|word| Spec::parse(&text(word)?));
                let specs: Vec<(String, Spec)> = specs.by_ref().collect::<Result<_, _>>()?;
                let in_files = || files.named.iter().map(|(n, _)| n);
                let given = || numbers.iter().map(|(n, _)| n).chain(in_files());
                let names = || specs.iter().map(|(n, _)| n).chain(given());
                if let Some(name) = names().find(|name| names().filter(|n| n == name).count() > 1) {
                    return Err(format!("the input {name} is given twice"));
                }
                Command::Bench(Bench {
                    expression,
                    numbers,
                    files,
                    specs,
                    n: self.n.unwrap_or(10_000_000),
                    dtype: self.dtype.unwrap_or(DType::F64),
                    json,
                    peers,
                    flamegraph,
                    tuning,
                })
            }
            Verb::Stream => {
                let (given, mut tables): (Vec<OsString>, Vec<OsString>) =
                    rest.into_iter().partition(|word| has_equals(word) && !is_file(word));
                if tables.len() > 1 {
                    return Err(format!("a stream reads one table, not {:?} too", tables[1]));
                }
                let mut numbers = Vec::new();
                for (name, given) in Inputs::parse(&given, dialect)?.named {
                    match given {
                        Given::Number(number) => numbers.push((name, number)),
                        Given::File(_) => {
                            let message = "or a column of the table; other files are not read";
                            return Err(format!("in a stream, {name} is a number {message}"));
                        }
                    }
                }
                Command::Stream(Streaming {
                    expression,
                    file: self.file,
                    numbers,
                    table: tables.pop().filter(|word| word != "-").map(PathBuf::from),
                    dialect,
                    output: output.filter(|path| !is_standard(path)),
                    names,
                    key: self.key,
                    state: self.state,
                    number,
                    follow,
                    stats,
                    memory: self.memory.unwrap_or(1 << 30),
                    tuning,
                })
            }
            Verb::Repl => Command::Repl { inputs: Inputs::parse(&rest, dialect)?, tuning, style },
            _ => {
                let inputs = Inputs::parse(&rest, dialect)?;
                // `-o - --format csv` is `--format csv`.
                let output = output.filter(|_| printed.is_none());
                Command::Evaluate(Evaluation {
                    expression,
                    inputs,
                    output,
                    names,
                    printed: printed.unwrap_or_default(),
                    style,
                    memory: self.memory.unwrap_or(1 << 30),
                    stats,
                    verbose,
                    tuning,
                })
            }
        })
    }
}

/// A word that must be text.
fn text(word: OsString) -> Result<String, String> {
    word.into_string().map_err(|word| format!("{word:?} is not UTF-8"))
}

fn version() -> String {
    format!("hotloop {}\n", env!("CARGO_PKG_VERSION"))
}

fn missing(verb: Verb) -> String {
    let call = call(verb);
    format!("a program is missing: write {call} 'sin(x)', or {call} -f FILE")
}

/// The error for an unknown option, with a similar one.
fn unknown(name: &str) -> String {
    let known: Vec<String> = Flag::all().flat_map(|row| row.spellings()).collect();
    let long = known.iter().map(String::as_str).filter(|known| known.starts_with("--"));
    match hotloop::ops::suggestions(name, long).first() {
        Some(near) if name.starts_with("--") => {
            format!("there is no option {name}; did you mean {near}?")
        }
        _ => format!("there is no option {name}; a program that starts with '-' comes after '--'"),
    }
}

/// Parses one of several words.
fn one_of<T>(flag: Flag, word: OsString, named: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    let word = text(word)?;
    named(&word).ok_or_else(|| {
        let words = match flag.row().takes {
            super::flag::Takes::Word(_, words) => words.join(", "),
            _ => String::new(),
        };
        format!("{} takes one of {words}, not {word}", flag.name())
    })
}

/// Names of outputs, between commas.
fn names(list: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_string()).collect();
    for (place, name) in names.iter().enumerate() {
        if !is_name(name) {
            return Err(format!("--name: {name:?} cannot be the name of an output"));
        }
        if names[..place].contains(name) {
            return Err(format!("--name: {name} is there twice"));
        }
    }
    Ok(names)
}

/// How a command begins whose words these are.
fn call(verb: Verb) -> String {
    match verb.about().name {
        "" => "hotloop".to_string(),
        name => format!("hotloop {name}"),
    }
}

/// The program that several words are, if they are one.
fn unquoted(verb: Verb, program: &str, rest: &[OsString]) -> Option<String> {
    let is_input = |word: &OsString| is_file(word) || has_equals(word) && word != "=";
    let more: Option<Vec<&str>> =
        rest.iter().take_while(|word| !is_input(word)).map(|word| word.to_str()).collect();
    let more = more.filter(|more| !more.is_empty())?;
    let whole = format!("{program} {}", more.join(" "));
    hotloop_grammar::parse(&whole).ok()?;
    let whole = shortened(&whole);
    Some(format!("a program is one word; put it in quotes: `{} '{whole}' ...`", call(verb)))
}

/// The error for blanks around the `=` of an input.
fn around_equals(rest: &[OsString]) -> Option<String> {
    let words: Vec<&str> = rest.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let (name, value) = match (word.strip_suffix('='), words.get(at + 1..)?) {
            (None, ["=", value, ..]) => (*word, *value),
            (None, [next, ..]) => (*word, next.strip_prefix('=')?),
            (Some(name), [value, ..]) => (name, *value),
            _ => return None,
        };
        let input = shortened(&format!("{name}={value}"));
        is_name(name).then(|| format!("an input is one word, without blanks: `{input}`"))
    })
}

/// A hint for a program that is a single word.
fn advice(verb: Verb, program: &str) -> Option<String> {
    let path = Path::new(program);
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if is_word(program) {
        if verb != Verb::Evaluate {
            return None;
        }
        let near = Verb::near(program)?;
        return Some(format!("did you mean `hotloop {near}`?"));
    }
    if program.contains(char::is_whitespace) || !(path.is_file() || extension == "hl") {
        return None;
    }
    Some(match extension.to_ascii_lowercase().as_str() {
        "npy" => format!("an array is an input: `{} x x={program}`", call(verb)),
        "npz" | "csv" | "tsv" if verb != Verb::Evaluate => {
            format!("a file of arrays is an input: `{} PROGRAM {program}`", call(verb))
        }
        "npz" | "csv" | "tsv" => format!(
            "a file of arrays is an input: `hotloop NAME {program}` prints the array NAME, `hotloop \
             repl {program}` reads all"
        ),
        _ => format!("a program in a file is `{0} -f {program}` or `{0} @{program}`", call(verb)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Command, String> {
        match parse(words.iter().map(OsString::from)) {
            Ok(asked) => Ok(asked.command),
            Err(Failure::Usage(message)) => Err(message),
            Err(Failure::Error(error) | Failure::Program(error, _)) => Err(error.to_string()),
            Err(Failure::Quiet | Failure::Unread) => Err(String::new()),
        }
    }

    fn evaluation(words: &[&str]) -> Evaluation {
        match parsed(words) {
            Ok(Command::Evaluate(evaluation)) => evaluation,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn programs_with_dashes() {
        for words in
            [&["-a", "a=x.npy"][..], &["--", "-a", "a=x.npy"], &["-a", "--threads=2", "a=x.npy"]]
        {
            let evaluation = evaluation(words);
            assert_eq!(evaluation.expression, "-a");
            assert_eq!(evaluation.inputs.named, [("a".to_string(), Given::File("x.npy".into()))]);
        }
        assert_eq!(evaluation(&["--", "bench"]).expression, "bench");
        assert_eq!(evaluation(&["(bench)", "bench=1"]).expression, "(bench)");
        assert_eq!(evaluation(&["-o", "y.npy", "-2*a", "a=3"]).output, Some("y.npy".into()));
        assert_eq!(evaluation(&["--", "-h", "-o", "y.npy", "h=1"]).expression, "-h");
    }

    #[test]
    fn options_of_printing() {
        let asked = evaluation(&["a, b", "--name", "x, y", "--format=json", "a=1", "b=2"]);
        assert_eq!((asked.names, asked.printed), (vec!["x".into(), "y".into()], Printed::Json));
        let asked = evaluation(&["a", "--digits", "3", "--full", "-v", "a=1"]);
        assert_eq!(asked.style, Style { digits: Digits(Some(3)), full: true });
        assert!(asked.verbose);
        let asked = evaluation(&["a", "-o", "-", "--format", "csv", "a=1"]);
        assert_eq!((asked.output, asked.printed), (None, Printed::Csv));
    }

    #[test]
    fn sessions() {
        for words in [&[][..], &["--threads", "2"], &["repl"]] {
            assert!(matches!(parsed(words), Ok(Command::Repl { .. })), "{words:?}");
        }
    }

    #[test]
    fn wrong_words() {
        for (words, message) in [
            (&["--nonsense", "a"][..], "there is no option --nonsense"),
            (&["a", "--outptu", "y.npy"], "did you mean --output?"),
            (&["a", "a"], "not of the form"),
            (&["a", "a="], "lacks a file"),
            (&["a", "2a=1"], "cannot be the name"),
            (&["a", "if=1"], "cannot be the name"),
            (&["a", "pi=x.npy"], "cannot be the name"),
            (&["a", "a=1", "a=2"], "the input a is given twice"),
            (&["a", "-n", "3"], "-n is no option of a program's evaluation"),
            (&["a", "-o"], "--output lacks its PATH"),
            (&["a", "-o", ""], "--output is empty"),
            (&["a", "-o", "x.npy", "--output=y.npy"], "--output is given twice"),
            (&["a", "--threads", "2", "--threads", "2"], "--threads is given twice"),
            (&["a", "--stats", "--stats"], "--stats is given twice"),
            (&["a", "--threads", "0"], "--threads takes 1 to 1024, not 0"),
            (&["a", "--memory", "0.1"], "--memory takes a size of at least 1 byte"),
            (&["a", "--mode", "quick"], "--mode takes one of strict, contract, fast, not quick"),
            (&["a", "--digits", "18"], "--digits takes 1 to 17, not 18"),
            (&["a", "--format", "xml"], "--format takes one of text, json, csv, npy, not xml"),
            (&["a", "--format", "json", "-o", "y.npy"], "--format is for standard output"),
            (&["a", "--format", "json", "--full"], "--full is for text"),
            (&["a", "--digits", "3", "-o", "y.npy"], "--digits is for what is printed"),
            (&["a", "-q", "-v"], "--quiet and --verbose exclude each other"),
            (&["a", "--name", "x,"], "cannot be the name of an output"),
            (&["a", "--name", "x,x"], "x is there twice"),
            (&["explian", "x"], "did you mean `hotloop explain`?"),
            (&["@a.hl", "-f", "b.hl"], "the program is given twice"),
            (&["--"], "a program is missing"),
            (&["-o", "y.npy"], "a program is missing"),
            (&["bench"], "a program is missing: write hotloop bench"),
            (&["bench", "a", "-n", "0.5"], "-n takes a count such as 1e7, not 0.5"),
            (&["bench", "a", "--dtype", "c64"], "--dtype takes one of bool"),
            (&["bench", "a", "a:f64[2", "-n", "3"], ""),
            (&["bench", "a", "a:f64[2]:G"], ""),
            (&["bench", "a", "a:f64[2]", "a:f64[3]"], "the input a is given twice"),
            (&["bench", "a", "a:f64[2]", "a=3"], "the input a is given twice"),
            (&["bench", "a", "a:f64[2]", "a=a.npy"], "the input a is given twice"),
            (&["explain", "a", "--peers"], "--peers is no option of explain"),
            (&["explain", "a", "a:f65"], "unknown type"),
            (&["explain", "a", "a"], "not of the form"),
            (&["a", "+", "b", "a=1", "b=2"], "put it in quotes: `hotloop 'a + b' ...`"),
            (&["y", "=", "a", "a=1"], "put it in quotes: `hotloop 'y = a' ...`"),
            (&["bench", "a", "+", "b"], "put it in quotes: `hotloop bench 'a + b' ...`"),
            (&["sum(x)", "x", "=", "b.npy"], "one word, without blanks: `x=b.npy`"),
            (&["sum(x)", "x=", "b.npy"], "one word, without blanks: `x=b.npy`"),
            (&["-f", "/dev/null", "x", "=b.npy"], "one word, without blanks: `x=b.npy`"),
            (&["functions", "sin", "cos"], "functions takes one word, not \"cos\" too"),
            (&["functions", "-x"], "there is no option -x"),
            (&["version", "x"], "a program of this name is written '(version)'"),
            (&["completions"], "write `hotloop completions bash | zsh | fish`"),
            (&["completions", "csh"], "not for \"csh\""),
        ] {
            match parsed(words) {
                Err(error) => assert!(error.contains(message), "{words:?}: {error}"),
                Ok(command) => panic!("{words:?}: {command:?}"),
            }
        }
    }
}
