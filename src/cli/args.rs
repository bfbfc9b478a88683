//! The command line: words in, a [`Command`] out.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use hotloop::{ArgType, DType, Engine, EngineBuilder, Kind, Mode};

use super::bench::{self, Bench, Spec};
use super::csv::{Dialect, Separator};
use super::evaluate::Evaluation;
use super::explain::Explanation;
use super::input::{Given, Inputs};

const HELP: &str = "\
hotloop computes array expressions over .npy files with native code

Usage:
  hotloop [OPTIONS] PROGRAM [NAME=FILE | NAME=NUMBER | FILE]...
  hotloop explain PROGRAM [NAME:TYPE]...    what the program becomes
  hotloop functions [NAME]                  what can be called
  hotloop bench PROGRAM [NAME:TYPE[SHAPE]]  how fast the program is here
  hotloop repl [NAME=FILE]...               line by line; also without any argument

  $ hotloop 'sin(a)**2 + cos(b)**2' a=a.npy b=b.npy -o y.npy
  $ hotloop 'mid = (bid + ask) / 2; ask - bid, mid' bid=bid.npy ask=ask.npy
  $ hotloop 'where(x > k, x, 0)' x=x.npy k=0.5
  $ hotloop '(bid + ask) / 2' ticks.csv -o mid.npy

PROGRAM is text as NumPy users write it: bindings, then the outputs, separated by
';' or new lines. Names that it does not bind are inputs. A NUMBER (0.5, 3, True)
takes the dtype of what it meets, as a literal does; write ./3 for a file of that
name. A FILE is a .npy file, or one array of others: FILE.npz:MEMBER, FILE.csv:COLUMN,
or by number, FILE.csv:#2. A FILE without a name before it (.csv, .tsv, .npz, .npy)
gives every input that is called as one of its arrays. A PROGRAM that starts with
'-' may need a '--' before it.

Options:
  -o, --output PATH   write to PATH: a .npy file; for several outputs a .npz archive,
                      a .csv table, or a directory (PATH/) with one file each
      --memory SIZE   about how much memory a run may take: 64MiB, 2GB; 1GiB by default.
                      .npy files and stored .npz arrays may be larger: they are read and
                      written in pieces. Columns of tables must fit
      --sep CHAR      what stands between the fields of a table: a character, tab, or
                      blank; by default what the first line has: a tab, ';', ',', blanks
      --no-header     the first line of a table holds values: its columns are column_1,
                      column_2, ... That is also the default if it is nothing but numbers;
                      --header says that it has names nevertheless
      --decimal-comma in tables 2,5 is two and a half
      --stats         say what the run took: memory, bytes, copies, the time of each pass
      --threads N     at most N threads; by default all that this process may use
      --mode MODE     what may be done to floats: strict (the default), contract, fast
  -h, --help          this text; also after a subcommand
  -V, --version       the version

Without -o each output is printed, long ones in short.
";

const EXPLAIN_HELP: &str = "\
Shows what a program becomes: its graph, the plan, the work of each element

Usage: hotloop explain [OPTIONS] PROGRAM [NAME:TYPE]...

  $ hotloop explain 'a * k + b' a:f32 k:float
  $ hotloop explain 'sin(x) + cos(y)' 'x:f64[1,n]' 'y:f64[m,1]'
  $ hotloop explain --svg '(x - mean(x)) / std(x)' -o standardize.svg

TYPE is a dtype for an array (f64, int32, ...), to which a shape may be added in
brackets: arrays whose shapes are written alike have the same one, others broadcast.
It may also be a dtype and '@' for one element (f64@), or a kind for a number that takes the dtype of what it meets: int, float,
weak (the same as float). An input without a TYPE is an f64 array.

Options:
      --svg           draw the passes over the data, what each computes, reads and writes
  -o, --output PATH   write to PATH
      --mode MODE     what may be done to floats: strict (the default), contract, fast
";

const FUNCTIONS_HELP: &str = "\
Lists the functions, or describes one

Usage: hotloop functions [NAME]
";

const REPL_HELP: &str = "\
Evaluates programs line by line, and keeps what they name

Usage: hotloop repl [OPTIONS] [NAME=FILE | NAME=NUMBER | FILE]...

  $ hotloop repl x=x.npy price=ticks.csv:price k=0.5
  > x = linspace(0, 1, 11)
  > sum(x**2)
  > :plot x sin(2*pi*x)

A FILE is a .npy file, or one array of an .npz archive or a .csv or .tsv table:
FILE.npz:MEMBER, FILE.csv:COLUMN. Without a NAME it gives all its arrays, as
`:load FILE` does there; `:help` lists the other commands.

On a terminal lines can be edited, completed with the tabulator and found again: they
are kept in ~/.local/state/hotloop/history ($XDG_STATE_HOME is obeyed), or in the file
that HOTLOOP_HISTORY names; if that is empty, nowhere. Otherwise the lines of standard
input are evaluated; if one of them fails, so does the command in the end, with 1.
Ctrl-C stops what is being computed, and there ends the command too.
Random numbers begin with the seed 0 every time; `:seed` sets another.

Options:
      --threads N     at most N threads; by default all that this process may use
      --mode MODE     what may be done to floats: strict (the default), contract, fast
      --sep CHAR, --no-header, --header, --decimal-comma
                      how tables are written, as for `hotloop`
";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Evaluate a program over files.
    Evaluate(Evaluation),
    /// Show what a program becomes for these types.
    Explain(Explanation),
    /// List the functions, or describe one.
    Functions {
        /// The one.
        name: Option<String>,
    },
    /// Measure a program.
    Bench(Bench),
    /// Read lines.
    Repl {
        /// Variables to start with.
        inputs: Inputs,
        /// The engine's options.
        tuning: Tuning,
    },
    /// Print a text: help or version.
    Print(String),
}

/// The engine's options.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tuning {
    /// At most so many threads.
    pub threads: Option<usize>,
    /// What may be done to floats.
    pub mode: Mode,
}

impl Tuning {
    /// An engine with these options.
    pub(crate) fn engine(self) -> Engine {
        self.builder().build()
    }

    /// The same, that more can be said to.
    pub(crate) fn builder(self) -> EngineBuilder {
        let builder = Engine::builder().mode(self.mode);
        match self.threads {
            Some(threads) => builder.threads(threads),
            None => builder,
        }
    }
}

/// An input's type, of the form `name:type` or `name:type[shape]`. Arrays whose shapes are written
/// alike have the same one.
fn input_type(word: OsString, shapes: &mut Vec<String>) -> Result<(String, ArgType), String> {
    let word = text(word)?;
    let (name, ty) =
        word.split_once(':').ok_or_else(|| format!("{word:?} is not of the form name:type"))?;
    let parsed = match ty {
        "weak" | "float" => Some(ArgType::weak(Kind::Float)),
        "int" => Some(ArgType::weak(Kind::Int)),
        _ => match ty.strip_suffix('@') {
            Some(dtype) => DType::from_name(dtype).map(ArgType::scalar),
            None => match ty.strip_suffix(']').and_then(|ty| ty.split_once('[')) {
                None => DType::from_name(ty).map(ArgType::array),
                Some((dtype, shape)) => {
                    let known = shapes.iter().position(|s| s == shape).unwrap_or(shapes.len());
                    if known == shapes.len() {
                        shapes.push(shape.to_string());
                    }
                    // Arrays without a shape have the first class.
                    let class = u8::try_from(known + 1).unwrap_or(u8::MAX);
                    DType::from_name(dtype).map(|dtype| ArgType::array_of_shape(dtype, class))
                }
            },
        },
    };
    let parsed = parsed.ok_or_else(|| {
        let names: Vec<&str> = DType::ALL.iter().map(|d| d.name()).collect();
        format!(
            "unknown type {ty:?}: take weak, int, float, one of {}, or that and '@'",
            names.join(" ")
        )
    })?;
    Ok((name.to_string(), parsed))
}

fn text(word: OsString) -> Result<String, String> {
    word.into_string().map_err(|word| format!("{word:?} is not UTF-8"))
}

/// A count as people write it: `10000000`, `10_000_000` or `1e7`.
pub(crate) fn count(word: &str) -> Option<usize> {
    let plain = word.replace('_', "");
    let value = plain.parse::<f64>().ok().filter(|x| x.fract() == 0.0 && (1.0..=1e15).contains(x));
    value.map(|x| x as usize)
}

/// A number of bytes as people write it: `64MiB`, `2GB`, `1.5G`, `1000000`.
fn size(word: &str) -> Option<usize> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: f64 = match &*word[digits.len()..].to_ascii_lowercase() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "m" | "mib" => 1048576.0,
        "g" | "gib" => 1073741824.0,
        "t" | "tib" => 1099511627776.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        _ => return None,
    };
    let bytes = digits.parse::<f64>().ok()? * factor;
    (1.0..=1e15).contains(&bytes).then_some(bytes as usize)
}

#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Evaluate,
    Explain,
    Functions,
    Bench,
    Repl,
}

impl Verb {
    fn named(word: &str) -> Option<Verb> {
        Some(match word {
            "explain" => Verb::Explain,
            "functions" => Verb::Functions,
            "bench" => Verb::Bench,
            "repl" => Verb::Repl,
            _ => return None,
        })
    }

    /// Its own name, options and help.
    fn about(self) -> (&'static str, &'static [&'static str], &'static str) {
        match self {
            Verb::Evaluate => {
                let options: &[_] = &[
                    "--output",
                    "--memory",
                    "--threads",
                    "--mode",
                    "--stats",
                    "--sep",
                    "--header",
                    "--decimal-comma",
                ];
                ("a program's evaluation", options, HELP)
            }
            Verb::Explain => ("explain", &["--output", "--mode", "--svg"], EXPLAIN_HELP),
            Verb::Functions => ("functions", &[], FUNCTIONS_HELP),
            Verb::Bench => {
                let options: &[_] =
                    &["--threads", "--mode", "-n", "--dtype", "--json", "--peers", "--flamegraph"];
                ("bench", options, bench::HELP)
            }
            Verb::Repl => (
                "repl",
                &["--threads", "--mode", "--sep", "--header", "--decimal-comma"],
                REPL_HELP,
            ),
        }
    }

    fn takes_program(self) -> bool {
        !matches!(self, Verb::Functions | Verb::Repl)
    }
}

/// Whether a word with a dash is a program: no option begins so.
fn is_negation(word: &OsStr) -> bool {
    matches!(word.as_encoded_bytes(), [b'-', c, ..] if !b"-hVon".contains(c))
}

/// Whether a word gives an array rather than a number: a colon, and before any `=`.
fn is_spec(word: &OsString) -> bool {
    word.as_encoded_bytes().iter().find(|c| b":=".contains(c)) == Some(&b':')
}

/// Reads the words after the command's own name.
///
/// # Errors
/// What is wrong with them, in one sentence.
pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let words: Vec<OsString> = words.collect();
    if words.is_empty() {
        return Ok(Command::Repl { inputs: Inputs::default(), tuning: Tuning::default() });
    }
    let mut sorted = Words::default();
    sorted.read(lexopt::Parser::from_args(words))?;
    sorted.command()
}

/// The words, sorted into a verb, a program, options and the rest.
#[derive(Default)]
struct Words {
    verb: Option<Verb>,
    program: Option<String>,
    rest: Vec<OsString>,
    /// The options that were there, by their names in [`Verb::about`].
    used: Vec<&'static str>,
    tuning: Tuning,
    output: Option<PathBuf>,
    memory: Option<usize>,
    n: Option<usize>,
    dtype: Option<DType>,
    json: bool,
    peers: bool,
    stats: bool,
    svg: bool,
    flamegraph: Option<PathBuf>,
    /// How tables are written.
    dialect: Dialect,
    help: bool,
    version: bool,
}

impl Words {
    /// Whether a program may come next.
    fn lacks_program(&self) -> bool {
        self.program.is_none() && self.verb.is_none_or(Verb::takes_program)
    }

    fn read(&mut self, mut parser: lexopt::Parser) -> Result<(), String> {
        loop {
            // A program may start with a dash, and must after two of them.
            if self.lacks_program()
                && let Some(mut raw) = parser.try_raw_args()
            {
                let explicit = raw.next_if(|word| word == "--").is_some();
                if explicit || raw.peek().is_some_and(is_negation) {
                    self.take_program(raw.next().ok_or("a program is missing")?)?;
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
                        self.take_program(word)?;
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

    fn take_program(&mut self, word: OsString) -> Result<(), String> {
        self.verb.get_or_insert(Verb::Evaluate);
        self.program = Some(text(word)?);
        Ok(())
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<(), String> {
        let mut value = || parser.value().map_err(|e| e.to_string());
        match name {
            "-h" | "--help" => self.help = true,
            "-V" | "--version" => self.version = true,
            "-o" | "--output" => {
                self.used.push("--output");
                let path = value()?;
                if path.is_empty() {
                    return Err("--output is empty".to_string());
                }
                self.output = Some(path.into());
            }
            "--memory" => {
                self.used.push("--memory");
                let word = text(value()?)?;
                let memory = size(&word);
                self.memory =
                    Some(memory.ok_or_else(|| format!("--memory {word:?} is not a size as 1GiB"))?);
            }
            "--sep" => {
                self.used.push("--sep");
                self.dialect.separator = Some(Separator::parse(&text(value()?)?)?);
            }
            "--header" | "--no-header" => {
                self.used.push("--header");
                self.dialect.header = Some(name == "--header");
            }
            "--decimal-comma" => {
                self.used.push("--decimal-comma");
                self.dialect.decimal_comma = true;
            }
            "--threads" => {
                self.used.push("--threads");
                let word = text(value()?)?;
                let threads = word.parse().ok().filter(|n| (1..=1024).contains(n));
                let threads =
                    threads.ok_or_else(|| format!("--threads {word:?} is not 1 to 1024"))?;
                self.tuning.threads = Some(threads);
            }
            "--mode" => {
                self.used.push("--mode");
                let word = text(value()?)?;
                let modes = [Mode::Strict, Mode::Contract, Mode::Fast];
                let mode = modes.into_iter().find(|m| m.name() == word);
                self.tuning.mode =
                    mode.ok_or_else(|| format!("--mode {word:?} is not strict, contract or fast"))?;
            }
            "-n" => {
                self.used.push("-n");
                let word = text(value()?)?;
                let n = count(&word);
                self.n = Some(n.ok_or_else(|| format!("-n {word:?} is not a count such as 1e7"))?);
            }
            "--dtype" => {
                self.used.push("--dtype");
                let word = text(value()?)?;
                let dtype = DType::from_name(&word);
                self.dtype = Some(dtype.ok_or_else(|| format!("--dtype {word:?} is not a dtype"))?);
            }
            "--json" => {
                self.used.push("--json");
                self.json = true;
            }
            "--peers" => {
                self.used.push("--peers");
                self.peers = true;
            }
            "--stats" => {
                self.used.push("--stats");
                self.stats = true;
            }
            "--svg" => {
                self.used.push("--svg");
                self.svg = true;
            }
            "--flamegraph" => {
                self.used.push("--flamegraph");
                let path = value()?;
                if path.is_empty() {
                    return Err("--flamegraph is empty".to_string());
                }
                self.flamegraph = Some(path.into());
            }
            _ => return Err(format!("there is no option {name}")),
        }
        Ok(())
    }

    fn command(self) -> Result<Command, String> {
        let verb = self.verb.unwrap_or(Verb::Evaluate);
        let (name, options, help) = verb.about();
        if self.help {
            return Ok(Command::Print(help.to_string()));
        }
        if self.version {
            return Ok(Command::Print(format!("hotloop {}\n", env!("CARGO_PKG_VERSION"))));
        }
        if let Some(option) = self.used.iter().find(|o| !options.contains(o)) {
            return Err(format!("{option} is no option of {name}"));
        }
        if self.lacks_program() {
            return Err("a program is missing".to_string());
        }
        let Words { rest, tuning, output, json, memory, stats, svg, flamegraph, dialect, .. } =
            self;
        let expression = self.program.unwrap_or_default();
        Ok(match verb {
            Verb::Evaluate => {
                let inputs = Inputs::parse(&rest, dialect)?;
                let memory = memory.unwrap_or(1 << 30);
                Command::Evaluate(Evaluation { expression, inputs, output, memory, stats, tuning })
            }
            Verb::Explain => {
                let mut shapes = Vec::new();
                let types = rest.into_iter().map(|word| input_type(word, &mut shapes));
                let types = types.collect::<Result<_, _>>()?;
                Command::Explain(Explanation { expression, types, svg, output, tuning })
            }
            Verb::Functions => {
                let mut rest = rest.into_iter();
                let name = rest.next().map(text).transpose()?;
                match rest.next() {
                    Some(word) => return Err(format!("one function at a time, not {word:?} too")),
                    None => Command::Functions { name },
                }
            }
            Verb::Bench => {
                let (specs, given): (Vec<OsString>, Vec<OsString>) =
                    rest.into_iter().partition(is_spec);
                let mut numbers = Vec::new();
                let inputs = Inputs::parse(&given, dialect)?;
                if let Some(path) = inputs.files.first() {
                    return Err(format!("bench draws its arrays, and reads no {path:?}"));
                }
                for (name, given) in inputs.named {
                    match given {
                        Given::Number(number) => numbers.push((name, number)),
                        Given::File(_) => {
                            return Err(format!(
                                "bench draws its arrays; {name} can be a number, or an array \
                                 {name}:dtype[extents]:layout"
                            ));
                        }
                    }
                }
                let mut specs = specs.into_iter().map(|word| Spec::parse(&text(word)?));
                let specs: Vec<(String, Spec)> = specs.by_ref().collect::<Result<_, _>>()?;
                let names = || specs.iter().map(|(n, _)| n).chain(numbers.iter().map(|(n, _)| n));
                if let Some(name) = names().find(|name| names().filter(|n| n == name).count() > 1) {
                    return Err(format!("the input {name} is given twice"));
                }
                Command::Bench(Bench {
                    expression,
                    numbers,
                    specs,
                    n: self.n.unwrap_or(10_000_000),
                    dtype: self.dtype.unwrap_or(DType::F64),
                    json,
                    peers: self.peers,
                    flamegraph,
                    tuning,
                })
            }
            Verb::Repl => Command::Repl { inputs: Inputs::parse(&rest, dialect)?, tuning },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Command, String> {
        parse(words.iter().map(OsString::from))
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
        assert_eq!(evaluation(&["-o", "y.npy", "-2*a", "a=3"]).output, Some("y.npy".into()));
        assert_eq!(evaluation(&["--", "-h", "-o", "y.npy", "h=1"]).expression, "-h");
    }

    #[test]
    fn wrong_words() {
        for words in [
            &["--nonsense", "a"][..],
            &["a", "a"],
            &["a", "a="],
            &["a", "2a=1"],
            &["a", "if=1"],
            &["a", "pi=x.npy"],
            &["a", "a=1", "a=2"],
            &["a", "-n", "3"],
            &["a", "-o"],
            &["a", "-o", ""],
            &["a", "--threads", "0"],
            &["a", "--mode", "quick"],
            &["--"],
            &["--threads", "2"],
            &["bench"],
            &["bench", "a", "-n", "0.5"],
            &["bench", "a", "a=x.npy"],
            &["bench", "a", "--dtype", "c64"],
            &["bench", "a", "a:f64[2", "-n", "3"],
            &["bench", "a", "a:f64[2]:G"],
            &["bench", "a", "a:f64[2]", "a:f64[3]"],
            &["bench", "a", "a:f64[2]", "a=3"],
            &["explain", "a", "--peers"],
            &["explain", "a", "a:f65"],
            &["explain", "a", "a"],
            &["functions", "sin", "cos"],
            &["functions", "-x"],
        ] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
    }
}
