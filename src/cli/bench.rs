//! `hotloop bench`: how fast a program is on this machine, on random arrays.
//!
//! Arrays are drawn from a seeded generator: floats uniform in (0, 1), integers in 1 to 100. The
//! kernel is bound once and run at least five times and for about a second, but no longer than
//! about ten. The reference interpreter evaluates the same program over the same arrays, or over
//! their first elements where they are long.
//!
//! With `--json` the result is one object. Its keys are stable:
//!
//! | key | value |
//! |---|---|
//! | `expression` | the program |
//! | `n` | elements of each array |
//! | `threads` | the most threads that a run may use |
//! | `dtype` | of the arrays |
//! | `mode` | `strict`, `contract` or `fast` |
//! | `native` | whether native code ran; otherwise the interpreter answered |
//! | `compile_s` | seconds from the text to code for these types |
//! | `min_s`, `median_s` | seconds of one run |
//! | `bytes` | bytes that one run moves between memory and the caches, over all passes |
//! | `gb_per_s` | `bytes / min_s / 1e9` |
//! | `ns_per_element` | `min_s / n * 1e9` |
//! | `interpreter_ns_per_element` | the same of the interpreter |
//! | `speedup` | the interpreter's time divided by ours |
//! | `runs` | how many runs were timed |

use std::time::{Duration, Instant};

use hotloop::{Arg, ArgType, Backend, DType, Engine, Out, Program, Result};

use super::args::{Number, Tuning};
use super::array::{Array, Order};

/// What `hotloop bench --help` prints.
pub(crate) const HELP: &str = "\
Measures a program on random arrays

Usage: hotloop bench [OPTIONS] PROGRAM [NAME=NUMBER]...

  $ hotloop bench 'sin(a)**2 + cos(b)**2' -n 1e7 --threads 2

Every input that is not given as a number is an array of COUNT elements: floats
uniform in (0, 1), integers 1 to 100, the same in every run of the command.

Options:
  -n COUNT        elements of each array; 1e7 by default
      --dtype T   their dtype; f64 by default
      --threads N at most N threads
      --mode MODE strict (the default), contract, fast
      --json      print one JSON object, with these keys:

  expression                  the program
  n                           elements of each array
  threads                     the most threads that a run may use
  dtype                       of the arrays
  mode                        strict, contract or fast
  native                      whether native code ran; otherwise the interpreter answered
  compile_s                   seconds from the text to code for these types
  min_s, median_s             seconds of one run
  bytes                       bytes that one run moves between memory and the caches
  gb_per_s                    bytes / min_s / 1e9
  ns_per_element              min_s / n * 1e9
  interpreter_ns_per_element  the same of the reference interpreter
  speedup                     the interpreter's time divided by ours
  runs                        how many runs were timed
";

const FEWEST_RUNS: usize = 5;
const MOST_RUNS: usize = 1_000_000;
const ENOUGH: Duration = Duration::from_secs(1);
const TOO_LONG: Duration = Duration::from_secs(10);
/// The interpreter gets no more elements; its time for each does not depend on it.
const INTERPRETED: usize = 1 << 18;

/// What to measure.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The program.
    pub expression: String,
    /// Inputs that are numbers.
    pub numbers: Vec<(String, Number)>,
    /// Elements of each array.
    pub n: usize,
    /// The arrays' dtype.
    pub dtype: DType,
    /// Whether to print an object.
    pub json: bool,
    /// The engine's options.
    pub tuning: Tuning,
}

/// Seconds of several runs, sorted.
struct Times(Vec<f64>);

impl Times {
    /// Runs until there are `FEWEST_RUNS` and `enough` time has passed, or it is `TOO_LONG`.
    fn measure(enough: Duration, mut run: impl FnMut() -> Result<()>) -> Result<Times> {
        let mut times = Vec::new();
        let started = Instant::now();
        loop {
            let before = Instant::now();
            run()?;
            // A clock may be coarse; no run takes no time.
            times.push(before.elapsed().as_secs_f64().max(1e-9));
            let elapsed = started.elapsed();
            let done = times.len() >= FEWEST_RUNS && elapsed >= enough;
            if done || times.len() == MOST_RUNS || elapsed >= TOO_LONG {
                break;
            }
        }
        times.sort_by(f64::total_cmp);
        Ok(Times(times))
    }

    fn min(&self) -> f64 {
        self.0[0]
    }

    fn median(&self) -> f64 {
        let n = self.0.len();
        (self.0[(n - 1) / 2] + self.0[n / 2]) / 2.0
    }
}

/// What was measured.
struct Measurement {
    native: bool,
    compile: f64,
    bytes: usize,
    times: Times,
    interpreter_ns: f64,
}

impl Bench {
    /// Measures, and gives the text to print.
    ///
    /// # Errors
    /// As compiling and running the program.
    pub(crate) fn run(&self) -> Result<String> {
        let measurement = self.measure()?;
        Ok(if self.json { self.object(&measurement) } else { self.table(&measurement) })
    }

    fn number(&self, name: &str) -> Option<Number> {
        self.numbers.iter().find(|(n, _)| n == name).map(|(_, number)| *number)
    }

    fn measure(&self) -> Result<Measurement> {
        let engine = self.tuning.engine();
        let started = Instant::now();
        let program = engine.compile(&self.expression)?;
        let mut types: Vec<(&str, ArgType)> =
            self.numbers.iter().map(|(n, x)| (n.as_str(), x.ty())).collect();
        let drawn: Vec<&str> =
            program.inputs().iter().map(|n| &**n).filter(|n| self.number(n).is_none()).collect();
        types.extend(drawn.iter().map(|name| (*name, ArgType::array(self.dtype))));
        let kernel = program.specialize(&types)?;
        let compile = started.elapsed().as_secs_f64();

        let mut generator = Generator(0x5eed);
        let arrays: Vec<Array> =
            drawn.iter().map(|_| generator.array(self.dtype, self.n)).collect::<Result<_>>()?;
        let mut args: Vec<(&str, Arg<'_>)> =
            self.numbers.iter().map(|(n, x)| (n.as_str(), x.arg())).collect();
        args.extend(drawn.iter().zip(&arrays).map(|(name, array)| (*name, array.arg())));

        let first = program.eval(&args[..])?;
        let native = first.report().native;
        let mut results: Vec<Array> = first
            .iter()
            .map(|o| Array::zeroed(o.dtype(), o.shape(), Order::C))
            .collect::<Result<_>>()?;
        let moved = drawn.len() * self.dtype.size() * self.n
            + first.iter().map(|o| o.bytes().len()).sum::<usize>();
        drop(first);
        let mut outs: Vec<Out<'_>> = results.iter_mut().map(Array::out).collect();
        let mut bound = kernel.bind(&args[..], &mut outs)?;
        let times = Times::measure(ENOUGH, || bound.run().map(|_| ()))?;

        let interpreter_ns = self.interpret(&drawn, &arrays)?;
        // Without code there is no plan to ask; each array is read or written at least once.
        let bytes = if native { kernel.bytes_per_element() * self.n } else { moved };
        Ok(Measurement { native, compile, bytes, times, interpreter_ns })
    }

    /// Nanoseconds of the interpreter for each element.
    fn interpret(&self, drawn: &[&str], arrays: &[Array]) -> Result<f64> {
        let builder = Engine::builder().mode(self.tuning.mode).backend(Backend::Interpreter);
        let program: Program = builder.build().compile(&self.expression)?;
        let n = self.n.min(INTERPRETED);
        let mut args: Vec<(&str, Arg<'_>)> =
            self.numbers.iter().map(|(n, x)| (n.as_str(), x.arg())).collect();
        args.extend(drawn.iter().zip(arrays).map(|(name, array)| (*name, array.prefix(n))));
        let times = Times::measure(ENOUGH / 4, || program.eval(&args[..]).map(|_| ()))?;
        Ok(times.min() / n as f64 * 1e9)
    }

    fn threads(&self) -> usize {
        self.tuning
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    fn table(&self, m: &Measurement) -> String {
        let ns = m.times.min() / self.n as f64 * 1e9;
        let who = if m.native {
            "native code"
        } else {
            "the interpreter: there is no native code for this"
        };
        format!(
            "{} elements of {}, {} threads, {} mode, {who}\n\
             compile      {:.3e} s\n\
             run          {:.3e} s at least, {:.3e} s median of {}\n\
             memory       {} bytes moved, {:.2} GB/s\n\
             element      {ns:.4} ns\n\
             interpreter  {:.4} ns an element: {:.1} times as long\n",
            self.n,
            self.dtype,
            self.threads(),
            self.tuning.mode.name(),
            m.compile,
            m.times.min(),
            m.times.median(),
            m.times.0.len(),
            m.bytes,
            m.bytes as f64 / m.times.min() / 1e9,
            m.interpreter_ns,
            m.interpreter_ns / ns,
        )
    }

    fn object(&self, m: &Measurement) -> String {
        let ns = m.times.min() / self.n as f64 * 1e9;
        let fields = [
            ("expression", json_string(&self.expression)),
            ("n", self.n.to_string()),
            ("threads", self.threads().to_string()),
            ("dtype", json_string(self.dtype.name())),
            ("mode", json_string(self.tuning.mode.name())),
            ("native", m.native.to_string()),
            ("compile_s", m.compile.to_string()),
            ("min_s", m.times.min().to_string()),
            ("median_s", m.times.median().to_string()),
            ("bytes", m.bytes.to_string()),
            ("gb_per_s", (m.bytes as f64 / m.times.min() / 1e9).to_string()),
            ("ns_per_element", ns.to_string()),
            ("interpreter_ns_per_element", m.interpreter_ns.to_string()),
            ("speedup", (m.interpreter_ns / ns).to_string()),
            ("runs", m.times.0.len().to_string()),
        ];
        let fields: Vec<String> =
            fields.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
        format!("{{{}}}\n", fields.join(", "))
    }
}

/// A text as JSON has it.
fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Random numbers: `SplitMix64`, small and good enough to keep branches and caches honest.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn array(&mut self, dtype: DType, n: usize) -> Result<Array> {
        let mut array = Array::zeroed(dtype, &[n], Order::C)?;
        let size = dtype.size();
        for element in array.bytes_mut().chunks_exact_mut(size) {
            let x = self.next();
            let bits = match dtype {
                DType::Bool => x & 1,
                DType::F32 => u64::from((((x >> 41) as f32 + 0.5) / (1u32 << 23) as f32).to_bits()),
                DType::F64 => (((x >> 12) as f64 + 0.5) / (1u64 << 52) as f64).to_bits(),
                _ => x % 100 + 1,
            };
            element.copy_from_slice(&bits.to_le_bytes()[..size]);
        }
        Ok(array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_inside_their_ranges() {
        let mut generator = Generator(1);
        let mut array = generator.array(DType::F32, 10_000).unwrap();
        for bytes in array.bytes_mut().chunks_exact(4) {
            let x = f32::from_le_bytes(bytes.try_into().unwrap());
            assert!(0.0 < x && x < 1.0);
        }
        let mut array = generator.array(DType::I8, 10_000).unwrap();
        assert!(array.bytes_mut().iter().all(|x| (1..=100).contains(x)));
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(json_string("a\n\"b\\"), r#""a\u000a\"b\\""#);
    }
}
