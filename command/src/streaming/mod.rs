//! Rows of a table as they come, with the outputs of a program behind them.
//!
//! With a state file, what has been read, computed and written is one record, which is replaced
//! atomically. A run that is started again cuts off what stands behind the recorded end of its
//! output, and goes on from the recorded place of its input.

mod latency;
mod lines;
mod record;
mod state;

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hotloop::{Arg, Error, ErrorKind, KeyedStream, Outputs, Program, RunOptions, Stream};

use super::csv::Dialect;
use super::input::{Number, STANDARD_INPUT};
use super::kind::Kind;
use super::place::STANDARD;
use super::save::own_names;
use super::stream::{Stream as Channel, cannot};
use super::tuning::Tuning;
use super::{Failure, interrupt, note};
use latency::Latencies;
use lines::Lines;
use record::{Header, Row};
use state::{Place, StateFile};

/// The most rows that are computed at once.
const MOST_ROWS: usize = 1 << 16;
/// The least time between two records of the state.
const INTERVAL: Duration = Duration::from_secs(1);
/// How much longer than saving it a state is left alone.
const PATIENCE: u32 = 20;
/// Between two looks at a file that may grow.
const LOOK: Duration = Duration::from_millis(50);

/// A program over rows that arrive one after another.
#[derive(Debug)]
pub(crate) struct Streaming {
    /// The program.
    pub expression: String,
    /// The file that it was read from, if it was.
    pub file: Option<PathBuf>,
    /// The inputs that are numbers.
    pub numbers: Vec<(String, Number)>,
    /// The table; by default standard input.
    pub table: Option<PathBuf>,
    /// How it is written.
    pub dialect: Dialect,
    /// A file for the rows; by default standard output.
    pub output: Option<PathBuf>,
    /// Names for the outputs; by default those of the program.
    pub names: Vec<String>,
    /// The column whose values have states of their own.
    pub key: Option<String>,
    /// The file of the state.
    pub state: Option<PathBuf>,
    /// Whether rows are numbered.
    pub number: bool,
    /// Whether to wait at the end of a file for more.
    pub follow: bool,
    /// Whether to print statistics.
    pub stats: bool,
    /// The memory limit in bytes.
    pub memory: usize,
    /// The engine's options.
    pub tuning: Tuning,
}

/// The state of the program.
enum Runner {
    Plain(Box<Stream>),
    Keyed(Box<KeyedStream>),
}

impl Runner {
    fn push(&mut self, keys: &[&[u8]], args: &[(&str, Arg<'_>)]) -> hotloop::Result<Outputs> {
        match self {
            Runner::Plain(stream) => stream.push(args),
            Runner::Keyed(stream) => stream.push(keys, args),
        }
    }

    fn snapshot(&mut self) -> Vec<u8> {
        match self {
            Runner::Plain(stream) => stream.snapshot(),
            Runner::Keyed(stream) => stream.snapshot(),
        }
    }

    fn restore(&mut self, snapshot: &[u8]) -> hotloop::Result<()> {
        match self {
            Runner::Plain(stream) => stream.restore(snapshot),
            Runner::Keyed(stream) => stream.restore(snapshot),
        }
    }
}

/// What a run works with.
struct Run<'a> {
    asked: &'a Streaming,
    program: Program,
    runner: Runner,
    header: Header,
    names: Vec<String>,
    lines: Lines,
    output: Channel,
    /// The name of the output in messages.
    path: PathBuf,
    /// Rows so far, those of earlier runs included.
    rows: u64,
    /// Where the output ends, if it is a file.
    written: u64,
    /// Whether writing has failed: then the program has had more rows than the output.
    failed: bool,
    state: Option<StateFile>,
    /// What the state depends on besides the program.
    setting: String,
    /// Where the input has been read up to by the last record, and when that was made.
    recorded: (u64, u64),
    saved: Instant,
    /// The time that it took to save the state.
    took: Duration,
    latencies: Latencies,
}

impl Streaming {
    /// Runs until the table ends or a signal comes.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        interrupt::end_all();
        let program = self.tuning.engine().compile(&self.expression)?;
        let program = program.with(RunOptions::new().memory(self.memory));
        let names = self.output_names(&program)?;
        let mut state = self.state.as_deref().map(StateFile::open).transpose()?;
        let table = self.table.clone().unwrap_or_else(|| STANDARD_INPUT.into());
        let name = format!("{table:?}");
        let input = Channel::open(&table).map_err(|error| cannot("read", &name, error))?;
        let mut lines = Lines::new(input, name.clone());
        let grows = self.follow || self.state.is_some();
        let mut header = Header::read(&mut lines, &self.dialect, &table, (grows, self.follow))?;
        let added = (&*names, self.number);
        header.find(&program, &self.numbers, self.key.as_deref(), added, &name)?;
        let mut runner = self.runner(&program)?;
        let Streaming { key, number, numbers, .. } = self;
        let setting = format!("{:?}\n", (key, number, &names, numbers, header.text()));
        let mut rows = 0;
        let found = state.as_mut().and_then(StateFile::found);
        if let Some((place, snapshot)) = &found {
            let path = self.state.as_deref().unwrap_or(Path::new(""));
            let (own, snapshot) = halves(snapshot);
            runner.restore(snapshot).map_err(|error| error.within(&format!("{path:?}")))?;
            if own != setting.as_bytes() {
                let message = format!(
                    "{path:?}: it is the state of a run with another key, numbering, names of outputs, \
                     numbers or columns"
                );
                return Err(Error::new(ErrorKind::Format, message)
                    .hint("to begin anew, remove the state file")
                    .into());
            }
            if place.input > 0 {
                lines.go_on(place.input, place.line)?;
            }
            rows = place.rows;
        }
        let end = found.as_ref().map(|(place, _)| place.output);
        let (output, path, written) = self.open_output(&table, end)?;
        // The first record says that nothing is read, so the names are still to be written.
        let is_new = found.as_ref().is_none_or(|(place, _)| place.input == 0);
        let mut run = Run {
            asked: self,
            program,
            runner,
            header,
            names,
            lines,
            output,
            path,
            rows,
            written,
            state,
            setting,
            failed: false,
            recorded: (0, 1),
            saved: Instant::now(),
            took: Duration::ZERO,
            latencies: Latencies::default(),
        };
        // On a pipe the names come again with each run.
        if found.is_none() {
            run.save((0, 1))?;
        }
        if is_new || run.output.len().ok().flatten().is_none() {
            let line = run.header.line(run.asked.number, &run.names);
            run.write(line.as_bytes())?;
        }
        let done = run.rows();
        // What was written is recorded also if a line is wrong or a signal comes.
        if !run.failed {
            run.save(run.lines.place())?;
        }
        if self.stats {
            note(&run.latencies);
        }
        done
    }

    fn output_names(&self, program: &Program) -> Result<Vec<String>, Failure> {
        let count = program.outputs().len();
        if self.names.is_empty() {
            return Ok(own_names(program.outputs()));
        }
        match self.names.len() == count {
            true => Ok(self.names.clone()),
            false => Err(Failure::Usage(format!(
                "--name gives {} names for {count} outputs",
                self.names.len()
            ))),
        }
    }

    /// The program before its first row.
    fn runner(&self, program: &Program) -> Result<Runner, Failure> {
        let none: [f64; 0] = [];
        let args: Vec<(&str, Arg<'_>)> = program
            .inputs()
            .map(|name| {
                let number = self.numbers.iter().find(|(other, _)| other == name);
                (name, number.map_or_else(|| Arg::from(&none), |(_, number)| number.arg()))
            })
            .collect();
        let (mut runner, axes) = match self.key {
            None => {
                let stream = program.stream(&args[..], 0)?;
                let axes = stream.output_axes().to_vec();
                (Runner::Plain(Box::new(stream)), axes)
            }
            Some(_) => {
                let stream = program.keyed_stream(&args[..], 0)?;
                let axes = stream.output_axes().to_vec();
                (Runner::Keyed(Box::new(stream)), axes)
            }
        };
        let outputs = runner.push(&[], &args)?;
        if axes.iter().any(|axis| *axis != 0) || outputs.iter().any(|o| o.shape().len() != 1) {
            let message = "each output has one value for each row of the table";
            return Err(Error::new(ErrorKind::Shape, message).into());
        }
        Ok(runner)
    }

    /// Opens the output; returns where it begins too. If `end` is given, a file ends there.
    fn open_output(
        &self,
        table: &Path,
        end: Option<u64>,
    ) -> Result<(Channel, PathBuf, u64), Failure> {
        let path = self.output.clone().unwrap_or_else(|| STANDARD.into());
        let failed = |error: io::Error| cannot("write", format_args!("{path:?}"), error);
        if self.output.is_some() {
            let lines = ["jsonl", "ndjson", "json", "txt"];
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if !lines.contains(&extension) {
                Kind::Csv.check(&path)?;
            }
            let others = [
                (Some(table).filter(|_| path.is_file()), "read from"),
                (self.state.as_deref(), "the file of the state"),
                (self.file.as_deref(), "the file of the program"),
            ];
            let same = |other: &Option<&Path>| other.is_some_and(|other| is_same(&path, other));
            if let Some((_, what)) = others.iter().find(|(other, _)| same(other)) {
                let message = format!("{path:?} is {what}: it cannot be written to as well");
                return Err(Error::new(ErrorKind::Alias, message).into());
            }
            if !path.exists() {
                std::fs::File::create(&path).map_err(failed)?;
            }
        }
        let mut output = Channel::to(&path).map_err(failed)?;
        let length = output.len().map_err(failed)?;
        // Standard output may be a file that others have written before.
        let end = match (end, length) {
            (None, Some(_)) if self.output.is_some() => Some(0),
            (end, Some(_)) => end,
            (_, None) => None,
        };
        if let (Some(end), Some(length)) = (end, length) {
            if length < end {
                let message = format!("{path:?} has {length} bytes, but {end} were written to it");
                return Err(Error::new(ErrorKind::Format, message)
                    .hint("to a file that the shell opens, append with >>")
                    .hint("to begin anew, remove the state file")
                    .into());
            }
            output.file().set_len(end).map_err(failed)?;
            output.seek(SeekFrom::Start(end)).map_err(failed)?;
        }
        Ok((output, path, end.or(length).unwrap_or(0)))
    }
}

/// The setting that a state was saved with, and the snapshot behind it.
fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let found = bytes.split_first_chunk().and_then(|(length, rest)| {
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
    });
    // A damaged one is no snapshot.
    found.unwrap_or((&[], &[]))
}

/// Whether two paths are those of one file, under any of its names.
fn is_same(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    let number = |path: &Path| {
        use std::os::unix::fs::MetadataExt;
        path.metadata().ok().map(|file| (file.dev(), file.ino()))
    };
    #[cfg(not(unix))]
    let number = |path: &Path| path.canonicalize().ok();
    number(a).zip(number(b)).is_some_and(|(a, b)| a == b)
}

impl Run<'_> {
    /// Computes rows until there are no more.
    fn rows(&mut self) -> Result<(), Failure> {
        // A pipe that was closed does not go on.
        let follows = self.asked.follow && self.lines.may_grow()?;
        let waits = follows || self.state.is_some();
        // Some lines came with the line of names.
        let (mut more, mut arrived) = (true, Instant::now());
        loop {
            while self.batch(!more && !waits, arrived)? {}
            let is_new = self.lines.place() != self.recorded;
            if is_new && self.saved.elapsed() > INTERVAL.max(self.took * PATIENCE) {
                self.save(self.lines.place())?;
            }
            interrupt::check()?;
            if !more {
                if !follows {
                    return Ok(());
                }
                self.lines.may_grow()?;
                std::thread::sleep(LOOK);
            }
            let read = self.lines.read();
            more = read.map_err(|error| cannot("read", self.lines.name(), error))?;
            arrived = Instant::now();
        }
    }

    /// Computes and writes the next rows that are complete; `false` if there are none. At the end,
    /// the last line need not be complete.
    fn batch(&mut self, at_end: bool, arrived: Instant) -> Result<bool, Failure> {
        let columns = self.program.inputs().len();
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); columns];
        let mut texts = Vec::new();
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut wrong = None;
        let begin = self.lines.place();
        let mut place = begin;
        let separators = self.header.separators();
        while texts.len() < MOST_ROWS {
            let line = match self.lines.next(separators.as_deref(), at_end) {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => {
                    wrong = Some(error);
                    break;
                }
            };
            let bytes = self.lines.bytes(&line);
            if bytes.iter().all(u8::is_ascii_whitespace) {
                place = self.lines.place();
                continue;
            }
            let row = Row { bytes, line: line.number, name: self.lines.name() };
            match self.header.take(&row, &mut values, &mut keys) {
                Ok(()) => texts.push(bytes.to_vec()),
                Err(error) => {
                    wrong = Some(error);
                    break;
                }
            }
            place = self.lines.place();
        }
        let any = !texts.is_empty();
        if any && let Err(failure) = self.compute(&values, &keys, &texts) {
            self.lines.settle(begin);
            return Err(failure);
        }
        if any {
            self.latencies.add(arrived.elapsed(), texts.len() as u64);
        }
        self.lines.settle(place);
        match wrong {
            Some(error) => Err(error.into()),
            None => Ok(any),
        }
    }

    /// Computes rows and writes them.
    fn compute(
        &mut self,
        values: &[Vec<f64>],
        keys: &[Vec<u8>],
        texts: &[Vec<u8>],
    ) -> Result<(), Failure> {
        let numbers = &self.asked.numbers;
        let args = self.program.inputs().zip(values).map(|(name, values)| {
            let number = numbers.iter().find(|(other, _)| other == name);
            (name, number.map_or_else(|| Arg::from(values), |(_, number)| number.arg()))
        });
        let args: Vec<(&str, Arg<'_>)> = args.collect();
        let keys: Vec<&[u8]> = keys.iter().map(|key| &**key).collect();
        let outputs = self.runner.push(&keys, &args)?;
        let text = self.text(texts, &outputs).inspect_err(|_| self.failed = true)?;
        self.write(&text)?;
        self.rows += texts.len() as u64;
        Ok(())
    }

    /// The rows with their outputs.
    fn text(&self, rows: &[Vec<u8>], outputs: &Outputs) -> Result<Vec<u8>, Failure> {
        let mut text = Vec::new();
        let columns: Vec<_> = outputs.iter().map(|o| (o.dtype(), o.bytes())).collect();
        for (at, row) in rows.iter().enumerate() {
            let number = self.asked.number.then_some(self.rows + at as u64);
            self.header.begin(&mut text, row, number);
            for ((dtype, bytes), name) in columns.iter().zip(&self.names) {
                self.header.add(&mut text, name, (*dtype, bytes), at)?;
            }
            self.header.end(&mut text);
        }
        Ok(text)
    }

    fn write(&mut self, text: &[u8]) -> Result<(), Failure> {
        let written = self.output.write_all(text);
        self.failed |= written.is_err();
        match written {
            Ok(()) => {
                self.written += text.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Unread),
            Err(error) => Err(cannot("write", format_args!("{:?}", self.path), error).into()),
        }
    }

    /// Replaces the record of the state, where the input has been read up to a place.
    fn save(&mut self, (input, line): (u64, u64)) -> Result<(), Failure> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let began = Instant::now();
        let output = match self.output.len().ok().flatten() {
            Some(_) => {
                // The rows last before the record says so.
                let synced = self.output.file().sync_data();
                synced.map_err(|e| cannot("write", format_args!("{:?}", self.path), e))?;
                self.written
            }
            None => 0,
        };
        let place = Place { input, line, output, rows: self.rows };
        let snapshot = self.runner.snapshot();
        let length = (self.setting.len() as u64).to_le_bytes();
        state.save(&place, &[&length, self.setting.as_bytes(), &snapshot].concat())?;
        (self.recorded, self.saved) = ((input, line), Instant::now());
        self.took = began.elapsed();
        Ok(())
    }
}
