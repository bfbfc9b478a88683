//! `hotloop bench`: how fast a program is on this machine, on random arrays.
//!
//! Arrays are read from files, or drawn from a seeded generator: floats uniform in (0, 1), integers in 1 to 100, in C
//! order whatever the layout. The kernel is bound once and run at least five times and for about a
//! second, but no longer than about ten. It takes turns with loops that only move as many bytes as
//! the program must, which give the floor, and with `--peers` with a plain loop in C and with
//! `ndarray`. The reference interpreter evaluates the same program over the same arrays, or over
//! the first elements along the longest axes where there are many.
//!
//! With `--flamegraph` nothing is measured: `perf` watches the kernel run for three seconds, and
//! what it saw is drawn.
//!
//! With `--json` the result is one object. Its keys are stable:
//!
//! | key | value |
//! |---|---|
//! | `expression` | the program |
//! | `n` | elements of the loop: of the shape to which all arrays broadcast, or of the largest array if they do not |
//! | `threads` | the most threads that a run may use |
//! | `dtype` | of the arrays that are not given another |
//! | `mode` | `strict`, `contract` or `fast` |
//! | `native` | whether native code ran; otherwise the interpreter answered |
//! | `compile_s` | seconds from the text to code for these types, the first time in the process |
//! | `recompile_s` | the same of an engine that is made later |
//! | `min_s`, `median_s` | seconds of one run |
//! | `bytes` | bytes that a run must move: of the elements that it reads of the inputs and writes of the outputs, each once, however many passes or views read it |
//! | `gb_per_s` | `bytes / min_s / 1e9` |
//! | `ns_per_element` | `min_s / n * 1e9` |
//! | `interpreter_ns_per_element` | the same of the interpreter |
//! | `speedup` | the interpreter's time divided by ours |
//! | `runs` | how many runs were timed |
//! | `floor_s` | median seconds of the fastest loop that only moves as many bytes, on as many threads |
//! | `floor_ratio` | `median_s / floor_s` |
//! | `peers` | with `--peers`, an object: the median seconds of a plain loop in `c` and of `ndarray`; `null` for one that could not be had |

mod c_peer;
mod c_text;
mod drawn;
mod flamegraph;
mod floor;
mod kernel_names;
mod ndarray_peer;
mod peers;
mod race;
mod report;
mod shapes;
mod spec;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hotloop::explain::{Perf, Stats};
use hotloop::{
    Arg, ArgType, Backend, DType, Engine, Error, ErrorKind, Out, Output, Program, Result,
    RunOptions,
};

use super::arguments::of_files;
use super::array::{Array, Order};
use super::budget::Budget;
use super::evaluate::Value;
use super::file::File;
use super::input::{Inputs, Number};
use super::kind::Kind;
use super::replacement::replace;
use super::tuning::Tuning;
use super::{interrupt, memory, quantity};
use c_text::{Job, Target};
use drawn::{Drawn, Generator};
use floor::{Crew, Traffic};
use peers::{Peer, sum};
use race::{Contender, race};
use shapes::{broadcast, part_of};
pub(crate) use spec::Spec;

const ENOUGH: Duration = Duration::from_secs(1);
/// Time that each further contender adds to a race.
const ENOUGH_FOR_OTHERS: Duration = Duration::from_millis(200);

/// The number of warm compilations, of which the best counts.
const COMPILATIONS: usize = 5;

/// A plain loop over fewer bytes is not worth waking threads for.
const SHARED: usize = 1 << 20;

/// Options of a benchmark.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The program.
    pub expression: String,
    /// Inputs that are numbers.
    pub numbers: Vec<(String, Number)>,
    /// Inputs that are in files.
    pub files: Inputs,
    /// Arrays with their own dtype, shape or layout.
    pub specs: Vec<(String, Spec)>,
    /// Elements of each other array.
    pub n: usize,
    /// The other arrays' dtype.
    pub dtype: DType,
    /// Whether to print an object.
    pub json: bool,
    /// Whether to measure other contenders.
    pub peers: bool,
    /// The path of a flame graph to draw instead of measuring.
    pub flamegraph: Option<PathBuf>,
    /// The engine's options.
    pub tuning: Tuning,
}

/// A description and seconds, or why there are none.
type Theirs = std::result::Result<(String, f64), String>;

/// The result of a benchmark.
struct Measurement {
    n: usize,
    native: bool,
    compile: f64,
    recompile: f64,
    bytes: usize,
    runs: usize,
    min: f64,
    median: f64,
    floor: f64,
    peers: Vec<(&'static str, Theirs)>,
    interpreter_ns: f64,
}

/// The bytes that a run must read: those of all inputs, or fewer if its passes read only part of
/// them. Bytes read several times count once.
fn read(arrays: &[Drawn], stats: Option<&Stats>) -> usize {
    let spans: usize = arrays.iter().map(|array| array.span).sum();
    let elements: usize = arrays.iter().map(|array| array.len() * array.dtype.size()).sum();
    // The interpreter has no passes.
    let Some(stats) = stats.filter(|stats| !stats.passes.is_empty()) else { return spans };
    let read = stats.bytes_read();
    match read < elements as u64 {
        true => (spans as u128 * u128::from(read) / elements as u128) as usize,
        false => spans,
    }
}

impl Bench {
    /// Runs a benchmark and returns the text to print.
    ///
    /// # Errors
    /// As compiling and running the program; `OutOfMemory` for arrays that are too large.
    pub(crate) fn run(&self) -> Result<String> {
        if let Some(path) = &self.flamegraph {
            // The destination is checked before the measurement.
            replace(path, Kind::Svg, |file| {
                file.write_all(&self.flames().map_err(io::Error::other)?)
            })?;
            return Ok(String::new());
        }
        let measurement = self.measure()?;
        Ok(if self.json { self.object(&measurement) } else { self.table(&measurement) })
    }

    fn number(&self, name: &str) -> Option<Number> {
        self.numbers.iter().find(|(n, _)| n == name).map(|(_, number)| *number)
    }

    /// The form of an input.
    fn spec(&self, name: &str) -> (DType, Vec<usize>, spec::Layout) {
        let spec = self.specs.iter().find(|(n, _)| n == name).map(|(_, spec)| spec);
        let dtype = spec.and_then(|s| s.dtype).unwrap_or(self.dtype);
        let extents = spec.and_then(|s| s.extents.clone()).unwrap_or(vec![self.n]);
        (dtype, extents, spec.map(|s| s.layout).unwrap_or_default())
    }

    /// The types of the inputs; arrays of the same shape share a class.
    ///
    /// # Errors
    /// `Limit` for too many shapes.
    fn types<'a>(
        &'a self,
        program: &'a Program,
        arrays: &'a [Drawn],
    ) -> Result<Vec<(&'a str, ArgType)>> {
        let mut shapes: Vec<&[usize]> = Vec::new();
        let mut types: Vec<(&str, ArgType)> =
            self.numbers.iter().map(|(n, x)| (n.as_str(), x.ty())).collect();
        for Drawn { name, dtype, shape, .. } in arrays {
            let ty = if shape.is_empty() {
                ArgType::scalar(*dtype)
            } else {
                let class = shapes.iter().position(|s| s == shape).unwrap_or_else(|| {
                    shapes.push(shape);
                    shapes.len() - 1
                });
                ArgType::array_of_shape(*dtype, u8::try_from(class).unwrap_or(u8::MAX))?
            };
            types.push((name, ty));
        }
        let named =
            self.specs.iter().map(|(n, _)| n).chain(self.files.named.iter().map(|(n, _)| n));
        let unknown = named.filter(|n| !program.inputs().any(|i| i == *n));
        types.extend(unknown.map(|n| (n.as_str(), ArgType::array(self.dtype))));
        Ok(types)
    }

    /// The arrays: those of files, and the others drawn.
    fn arrays(&self, program: &Program) -> Result<Vec<Drawn>> {
        let file = |name: &str| self.files.named.iter().find(|(n, _)| n == name);
        let is_drawn = |name: &str| self.specs.iter().any(|(n, _)| n == name);
        let names = program.inputs().filter(|n| self.number(n).is_none());
        let names: Vec<&str> = names.collect();
        let in_files = names.iter().copied().filter(|name| file(name).is_none() && !is_drawn(name));
        let in_files: Vec<&str> = match self.files.files.is_empty() {
            true => Vec::new(),
            false => in_files.collect(),
        };
        let budget = &mut Budget::machine();
        let read = of_files(program, &self.files, &in_files, budget, File::read)?;
        let drawn = names.iter().filter(|n| file(n).is_none() && !in_files.contains(n));
        let bytes = drawn.clone().try_fold(0usize, |sum, name| {
            let (dtype, shape, layout) = self.spec(name);
            let step = if layout == spec::Layout::Second { 2 } else { 1 };
            sum.checked_add(super::array::byte_count(dtype, &shape)?.checked_mul(step)?)
        });
        if let (Some(bytes), Some(free)) = (bytes.map(|bytes| bytes as u64), memory::available())
            && bytes > free
        {
            let message = format!(
                "the arrays take {}, but only {} of memory are free",
                quantity::size(bytes),
                quantity::size(free)
            );
            return Err(Error::new(ErrorKind::OutOfMemory, message));
        }
        let mut generator = Generator::new();
        let array = |name: &&str| match file(name) {
            None => match read.iter().find(|(n, _)| n == name) {
                Some((_, array)) => Drawn::copied(name, array),
                None => {
                    let (dtype, shape, layout) = self.spec(name);
                    Drawn::draw(&mut generator, name, dtype, &shape, layout)
                }
            },
            Some((_, given)) => match Value::load(name, given, &self.files.dialect)? {
                Value::Array(array) => Drawn::copied(name, &array),
                Value::Number(_) => Err(Error::new(ErrorKind::Type, "a file is no number")),
            },
        };
        names.iter().map(array).collect()
    }

    /// Seconds from text to code in engines created after the first one.
    fn recompile(&self, types: &[(&str, ArgType)]) -> Result<f64> {
        let mut best = f64::INFINITY;
        for _ in 0..COMPILATIONS {
            let engine = self.tuning.engine();
            let started = Instant::now();
            engine.compile(&self.expression)?.specialize(types)?;
            best = best.min(started.elapsed().as_secs_f64());
        }
        Ok(best)
    }

    fn args<'a>(
        &'a self,
        arrays: &'a [Drawn],
        limits: Option<&[usize]>,
    ) -> Vec<(&'a str, Arg<'a>)> {
        let numbers = self.numbers.iter().map(|(n, x)| (n.as_str(), x.arg()));
        let array = |array: &'a Drawn| {
            let arg = limits.map_or_else(|| array.arg(), |limits| array.arg_within(limits));
            (array.name.as_str(), arg)
        };
        numbers.chain(arrays.iter().map(array)).collect()
    }

    /// Draws a flame graph of the runs.
    fn flames(&self) -> Result<Vec<u8>> {
        let _map = flamegraph::Map;
        interrupt::begin();
        let engine = self.tuning.builder().perf(Perf::Map).build();
        let options = RunOptions::new().cancel(interrupt::token());
        let program = engine.compile(&self.expression)?.with(options);
        let arrays = self.arrays(&program)?;
        let kernel = program.specialize(&self.types(&program, &arrays)?)?;
        let args = self.args(&arrays, None);
        let first = program.eval(&args[..])?;
        let mut results: Vec<Array> = first
            .iter()
            .map(|output| Array::zeroed(output.dtype(), output.shape(), Order::C))
            .collect::<Result<_>>()?;
        drop(first);
        let outs: Vec<Out<'_>> = results.iter_mut().map(Array::out).collect();
        let mut bound = kernel.bind(&args[..], outs)?;
        flamegraph::draw(&self.expression, || bound.run().map(|_| ()))
    }

    fn measure(&self) -> Result<Measurement> {
        let engine = self.tuning.engine();
        let started = Instant::now();
        let program = engine.compile(&self.expression)?;
        let parsing = started.elapsed();
        let arrays = self.arrays(&program)?;
        let types = self.types(&program, &arrays)?;
        let started = Instant::now();
        let kernel = program.specialize(&types)?;
        let compile = (parsing + started.elapsed()).as_secs_f64();
        let recompile = self.recompile(&types)?;

        let args = self.args(&arrays, None);
        let first = program.with(RunOptions::new().stats(true)).eval(&args[..])?;
        let native = first.report().native;
        let target = |output: &Output| Target {
            name: output.name().map(str::to_string),
            dtype: output.dtype(),
            shape: output.shape().to_vec(),
        };
        let targets: Vec<Target> = first.iter().map(target).collect();
        let sums: Vec<f64> = first.iter().map(sum).collect();
        let stats = first.report().stats().cloned();
        drop(first);

        let mut results: Vec<Array> = targets
            .iter()
            .map(|target| Array::zeroed(target.dtype, &target.shape, Order::C))
            .collect::<Result<_>>()?;
        let written = results.iter_mut().map(|array| array.bytes_mut().len()).sum();
        let traffic = Traffic { read: read(&arrays, stats.as_ref()), written };
        let extents = broadcast(arrays.iter().map(|a| &a.shape[..]));
        let largest = arrays.iter().map(Drawn::len).max().unwrap_or(1);
        let product =
            |e: &Vec<usize>| e.iter().try_fold(1usize, |n, extent| n.checked_mul(*extent));
        let n = extents.as_ref().and_then(product).unwrap_or(largest);

        let outs: Vec<Out<'_>> = results.iter_mut().map(Array::out).collect();
        let mut bound = kernel.bind(&args[..], outs)?;
        let job = Job {
            expression: &self.expression,
            arrays: &arrays,
            numbers: &self.numbers,
            targets: &targets,
            extents: extents.as_deref().unwrap_or(&[]),
            threads: if traffic.bytes() < SHARED { 1 } else { self.threads() },
        };
        let crews = self.crews(traffic)?;
        let peers =
            if self.peers { vec![self.c(&job, &sums), self.ndarray(&arrays)] } else { vec![] };

        let mut contenders = vec![Contender::new(|| bound.run().map(|_| ()))];
        contenders.extend(crews.iter().flat_map(Crew::contenders));
        let floors = 1..contenders.len();
        let mut theirs = Vec::new();
        for Peer { name, run } in peers {
            let seat = run.map(|(what, contender)| {
                contenders.push(contender);
                (what, contenders.len() - 1)
            });
            theirs.push((name, seat));
        }
        let enough = ENOUGH + ENOUGH_FOR_OTHERS * contenders.len() as u32;
        race(&mut contenders, enough)?;

        let median = |seat: usize| contenders[seat].median();
        let peers = theirs
            .into_iter()
            .map(|(name, seat)| (name, seat.map(|(what, seat)| (what, median(seat)))));
        Ok(Measurement {
            n,
            native,
            compile,
            recompile,
            bytes: traffic.bytes(),
            runs: contenders[0].calls,
            min: contenders[0].min(),
            median: median(0),
            floor: floors.map(median).fold(f64::INFINITY, f64::min),
            peers: peers.collect(),
            interpreter_ns: self.interpret(&arrays, extents.as_deref())?,
        })
    }

    /// The movers of bytes: on one thread, and on as many as the engine has.
    fn crews(&self, traffic: Traffic) -> Result<Vec<Crew>> {
        let mut counts = vec![1, self.threads()];
        counts.dedup();
        counts.into_iter().map(|threads| Crew::new(traffic, threads)).collect()
    }

    /// Nanoseconds of the interpreter for each element.
    fn interpret(&self, arrays: &[Drawn], extents: Option<&[usize]>) -> Result<f64> {
        let builder = Engine::builder().mode(self.tuning.mode).backend(Backend::Interpreter);
        let program: Program = builder.build().compile(&self.expression)?;
        let part = extents.map(part_of);
        let args = self.args(arrays, part.as_deref());
        let count = |part: &[usize]| part.iter().product();
        let largest = arrays.iter().map(Drawn::len).max().unwrap_or(1);
        let n = part.as_deref().map_or(largest, count);
        let mut contenders = [Contender::new(|| program.eval(&args[..]).map(|_| ()))];
        race(&mut contenders, ENOUGH / 4)?;
        Ok(contenders[0].min() / n as f64 * 1e9)
    }

    fn threads(&self) -> usize {
        self.tuning
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}
