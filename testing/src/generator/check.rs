//! Runs a program on every engine and compares: dtypes, shapes, bits, and errors by kind.

use std::fmt::Write as _;
use std::sync::Arc;

use hotloop::graph::Graph;
use hotloop::threads::Isa;
use hotloop::{Arg, Backend, DType, Engine, Error, ErrorKind, Mode, Out, Outputs, RunOptions};

use super::Case;
use super::data::{Array, Layout, Rng, Value};
use super::store::Stored;

/// The engines of one mode: the interpreter, and the others, which must agree with it.
pub struct Engines {
    oracle: Engine,
    native: Engine,
    /// Native engines of every kind, and the portable backend.
    others: Vec<(String, Engine)>,
}

impl Engines {
    /// The engines of a mode: each instruction set on one thread, the best one also on two threads,
    /// and the portable backend.
    pub fn new(mode: Mode) -> Engines {
        let make = |backend, isa, threads| {
            Engine::builder().mode(mode).backend(backend).isa(isa).threads(threads).eager().build()
        };
        let mut others: Vec<_> = Isa::available()
            .map(|isa| (format!("native {}", isa.name()), make(Backend::Native, isa, 1)))
            .collect();
        let best = Isa::detect();
        others.push(("native, two threads".to_string(), make(Backend::Native, best, 2)));
        others.push(("portable, two threads".to_string(), make(Backend::Portable, best, 2)));
        others.push(("portable".to_string(), make(Backend::Portable, Isa::Baseline, 1)));
        let native = make(Backend::Native, best, 1);
        Engines { oracle: make(Backend::Interpreter, Isa::Baseline, 1), native, others }
    }

    /// The reference.
    pub fn oracle(&self) -> &Engine {
        &self.oracle
    }

    /// The native engine that users get, on one thread.
    pub fn native(&self) -> &Engine {
        &self.native
    }
}

/// The engines of every mode.
pub struct AllEngines([Engines; 3]);

impl Default for AllEngines {
    fn default() -> AllEngines {
        AllEngines::new()
    }
}

impl AllEngines {
    /// Makes the engines.
    pub fn new() -> AllEngines {
        AllEngines([Mode::Strict, Mode::Contract, Mode::Fast].map(Engines::new))
    }

    /// The engines of a mode.
    pub fn of(&self, mode: Mode) -> &Engines {
        &self.0[mode as usize]
    }
}

/// Compiles a text and runs it on a case's arguments.
pub fn run(engine: &Engine, text: &str, case: &Case) -> Result<Outputs, Error> {
    let args: Vec<(&str, Arg)> = case.inputs.iter().map(|i| (i.name, i.value.arg())).collect();
    engine.compile(text)?.eval(&args[..])
}

/// Plans a case without running it, if it is valid: an engine that compiles many programs at a time
/// then knows it.
pub fn prepare(engine: &Engine, case: &Case) {
    let args: Vec<(&str, Arg)> = case.inputs.iter().map(|i| (i.name, i.value.arg())).collect();
    let program = engine.compile(&case.text).ok();
    program.and_then(|program| program.eval_shape(&args[..]).ok());
}

/// Checks that all engines agree on a case. `Ok(Err(kind))` says that they agree on an error.
///
/// # Errors
/// A report of the first difference.
pub fn check(engines: &AllEngines, case: &Case) -> Result<Result<(), ErrorKind>, String> {
    let engines = engines.of(case.mode);
    let expected = run(&engines.oracle, &case.text, case);
    for (name, engine) in &engines.others {
        let got = run(engine, &case.text, case);
        if let Ok(outputs) = &got
            && outputs.report().native != name.starts_with("native")
        {
            return Err(format!("{name} ran other code\n{}", describe(case)));
        }
        if let Some(difference) = difference(&expected, &got) {
            return Err(format!(
                "{name} differs from the interpreter: {difference}\n{}",
                describe(case)
            ));
        }
    }
    match &expected {
        Err(error) => Ok(Err(error.kind())),
        Ok(expected) => {
            into_strided(engines.native(), case, expected)
                .map_err(|e| format!("eval_into: {e}\n{}", describe(case)))?;
            for (engine, name) in [(engines.native(), "native"), (&engines.oracle, "interpreted")] {
                in_place(engine, case, expected)
                    .map_err(|e| format!("in place: {name}: {e}\n{}", describe(case)))?;
            }
            let rng = &mut Rng(case.seed);
            let (_, engine) = &engines.others[rng.below(engines.others.len() as u64) as usize];
            stored(engine, any_memory(rng), case, expected)
                .map_err(|e| format!("out of memory: {e}\n{}", describe(case)))?;
            Ok(Ok(()))
        }
    }
}

/// Compiles a graph and runs it on a case's arguments.
fn run_graph(engine: &Engine, graph: &Graph, case: &Case) -> Result<Outputs, Error> {
    let inputs: Vec<&str> = case.inputs.iter().map(|i| i.name).collect();
    let outputs: Vec<String> = (0..graph.outputs().len()).map(|k| format!("o{k}")).collect();
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let args: Vec<(&str, Arg)> = case.inputs.iter().map(|i| (i.name, i.value.arg())).collect();
    engine.compile_graph(graph.clone(), &inputs, &outputs)?.eval(&args[..])
}

/// Checks that all engines agree on a graph, whose first outputs are those of the case's text.
///
/// # Errors
/// A report of the first difference.
pub fn check_graph(engines: &AllEngines, graph: &Graph, case: &Case) -> Result<(), String> {
    let engines = engines.of(case.mode);
    let expected = run_graph(&engines.oracle, graph, case);
    if let Err(error) = &expected
        && error.kind() == ErrorKind::Internal
    {
        return Err(format!("{error:?}\n{graph}{}", describe(case)));
    }
    for (name, engine) in &engines.others {
        let got = run_graph(engine, graph, case);
        if let Some(difference) = difference(&expected, &got) {
            return Err(format!(
                "{name} differs from the interpreter: {difference}\n{graph}{}",
                describe(case)
            ));
        }
    }
    let written = run(&engines.oracle, &case.text, case);
    let differs = match (&expected, &written) {
        (Ok(built), Ok(written)) => written.iter().zip(built.iter()).find_map(|(w, b)| {
            let types = |o: &hotloop::Output| (o.dtype(), o.shape().to_vec());
            match types(w) == types(b) {
                true => different_elements(w.dtype(), &w.bytes(), &b.bytes()),
                false => Some(format!("is {:?}, expected {:?}", types(b), types(w))),
            }
        }),
        // Outputs that are not in the text may fail alone.
        (Err(_), Ok(written)) if written.len() < graph.outputs().len() => None,
        (Err(error), Ok(_)) => Some(format!("{error:?}")),
        (_, Err(error)) if expected.is_ok() => Some(format!("as text {error:?}")),
        (_, Err(_)) => None,
    };
    match differs {
        Some(differs) => Err(format!("built, it {differs}\n{graph}{}", describe(case))),
        None => Ok(()),
    }
}

/// Checks one engine against the expected outputs, as [`check`] does for each engine of a mode.
///
/// # Errors
/// The difference.
pub fn answers(
    engine: &Engine,
    case: &Case,
    expected: &Result<Outputs, Error>,
) -> Result<(), String> {
    if let Some(difference) = difference(expected, &run(engine, &case.text, case)) {
        return Err(difference);
    }
    let Ok(expected) = expected else { return Ok(()) };
    into_strided(engine, case, expected).map_err(|e| format!("into strided arrays: {e}"))?;
    in_place(engine, case, expected).map_err(|e| format!("in place: {e}"))?;
    let memory = any_memory(&mut Rng(case.seed));
    stored(engine, memory, case, expected).map_err(|e| format!("out of memory: {e}"))
}

/// A random memory limit for a run over sources and sinks.
fn any_memory(rng: &mut Rng) -> usize {
    [0, 1 << 12, 1 << 20, 1 << 30][rng.below(4) as usize]
}

/// The case as readable text.
pub fn describe(case: &Case) -> String {
    let mut text = format!("in {} mode\n{}\n", case.mode.name(), case.text);
    case.inputs.iter().for_each(|input| writeln!(text, "  {input}").unwrap_or_default());
    text
}

/// The difference between two runs, if there is one.
pub fn difference(
    expected: &Result<Outputs, Error>,
    got: &Result<Outputs, Error>,
) -> Option<String> {
    let (expected, got) = match (expected, got) {
        (Ok(expected), Ok(got)) => (expected, got),
        (Err(expected), Err(got)) if expected.kind() == got.kind() => return None,
        (Err(expected), Err(got)) => return Some(format!("got {got:?}\nexpected {expected:?}")),
        (Ok(_), Err(got)) => return Some(format!("got {got:?}\nexpected values")),
        (Err(expected), Ok(_)) => return Some(format!("got values\nexpected {expected:?}")),
    };
    if expected.len() != got.len() {
        return Some(format!("got {} outputs, expected {}", got.len(), expected.len()));
    }
    expected.iter().zip(got.iter()).enumerate().find_map(|(i, (expected, got))| {
        let types =
            |o: &hotloop::Output| (o.dtype(), o.shape().to_vec(), o.name().map(str::to_string));
        if types(expected) != types(got) {
            return Some(format!("output {i} is {:?}, expected {:?}", types(got), types(expected)));
        }
        different_elements(expected.dtype(), &expected.bytes(), &got.bytes())
            .map(|d| format!("output {i} {d}"))
    })
}

/// The first difference between elements; all NaNs are equal.
pub fn different_elements(dtype: DType, expected: &[u8], got: &[u8]) -> Option<String> {
    let size = dtype.size();
    if expected.len() != got.len() {
        return Some(format!("has {} bytes, expected {}", got.len(), expected.len()));
    }
    if let Some(byte) = got.iter().find(|b| dtype == DType::Bool && **b > 1) {
        return Some(format!("holds the bool {byte:#x}"));
    }
    if expected == got {
        return None;
    }
    let n = expected.len() / size;
    let pairs = expected.chunks_exact(size).zip(got.chunks_exact(size));
    let (i, (expected, got)) = pairs
        .map(|(e, g)| (word(e), word(g)))
        .enumerate()
        .find(|(_, (e, g))| e != g && !(is_nan(dtype, *e) && is_nan(dtype, *g)))?;
    let shown = |bits| hotloop::graph::show(bits, dtype);
    Some(format!(
        "({dtype}) differs at element {i} of {n}: got {got:#x} ({}), expected {expected:#x} ({})",
        shown(got),
        shown(expected)
    ))
}

fn is_nan(dtype: DType, bits: u64) -> bool {
    match dtype {
        DType::F32 => f32::from_bits(bits as u32).is_nan(),
        DType::F64 => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// Runs into arrays of random layouts, and checks that bytes between elements do not change.
fn into_strided(engine: &Engine, case: &Case, expected: &Outputs) -> Result<(), String> {
    let mut rng = Rng(case.seed);
    let mut arrays: Vec<Array> = expected
        .iter()
        .map(|o| {
            let layout = Layout { odd: rng.below(2) == 0, ..Layout::ANY };
            let mut array = Array::strided(o.dtype(), o.shape(), &mut rng, layout);
            array.swapped = rng.below(4) == 0;
            array.bytes_mut().iter_mut().for_each(|b| *b = rng.next() as u8);
            array
        })
        .collect();
    let before: Vec<Vec<u8>> = arrays.iter().map(|a| a.bytes().to_vec()).collect();
    let args: Vec<(&str, Arg)> = case.inputs.iter().map(|i| (i.name, i.value.arg())).collect();
    let program = engine.compile(&case.text).map_err(|e| e.to_string())?;
    let mut outs: Vec<Out> = arrays.iter_mut().map(Array::out).collect();
    program.eval_into(&args[..], &mut outs).map_err(|e| e.to_string())?;
    drop(outs);
    for (i, ((array, output), before)) in arrays.iter().zip(expected.iter()).zip(before).enumerate()
    {
        if let Some(difference) =
            different_elements(output.dtype(), &output.bytes(), &array.elements())
        {
            return Err(format!("output {i} into {array} {difference}"));
        }
        let mut outside = vec![true; before.len()];
        array.places().iter().for_each(|p| outside[*p..*p + array.dtype.size()].fill(false));
        let touched = (0..before.len()).find(|i| outside[*i] && array.bytes()[*i] != before[*i]);
        if let Some(byte) = touched {
            return Err(format!(
                "output {i} into {array}: byte {byte}, outside its elements, was written"
            ));
        }
    }
    Ok(())
}

/// Runs from sources into sinks, with little, much or almost no memory.
fn stored(engine: &Engine, memory: usize, case: &Case, expected: &Outputs) -> Result<(), String> {
    let mut rng = Rng(case.seed);
    let mut sources = Vec::with_capacity(case.inputs.len());
    for input in &case.inputs {
        sources.push(match &input.value {
            Value::Array(array) if rng.below(8) > 0 => {
                Some(Arc::new(Stored::source(array, &mut rng)))
            }
            _ => None,
        });
    }
    let args = case.inputs.iter().zip(&sources).map(|(input, source)| match source {
        Some(source) => (input.name, Arg::source(source)),
        None => (input.name, input.value.arg()),
    });
    let args: Vec<(&str, Arg)> = args.collect();
    let options = RunOptions::new().memory(memory);
    let program = engine.compile(&case.text).map_err(|e| e.to_string())?.with(options);
    let shapes = program.eval_shape(&args[..]).map_err(|e| e.to_string())?;
    let sinks = shapes.iter().map(|s| Arc::new(Stored::any_sink(s.dtype, &s.shape, &mut rng)));
    let sinks: Vec<Arc<Stored>> = sinks.collect();
    let mut outs: Vec<Out> = sinks.iter().map(Out::sink).collect();
    program.eval_into(&args[..], &mut outs).map_err(|e| e.to_string())?;
    for (i, (sink, output)) in sinks.iter().zip(expected.iter()).enumerate() {
        let content = sink.content().map_err(|e| format!("output {i}: {e}"))?;
        if let Some(difference) = different_elements(output.dtype(), &output.bytes(), &content) {
            return Err(format!("output {i} with {memory} bytes of memory {difference}"));
        }
    }
    Ok(())
}

/// Runs over an input of the output's type: in place, and then shifted by one element.
fn in_place(engine: &Engine, case: &Case, expected: &Outputs) -> Result<(), String> {
    let fits = |array: &Array, output: &hotloop::Output| {
        array.dtype == output.dtype() && array.shape == output.shape() && array.len() > 0
    };
    let pair = expected.iter().enumerate().find_map(|(o, output)| {
        let input =
            case.inputs.iter().position(|i| matches!(&i.value, Value::Array(a) if fits(a, output)));
        Some((o, input?))
    });
    let Some((chosen, input)) = pair else { return Ok(()) };
    let Value::Array(own) = &case.inputs[input].value else { return Ok(()) };
    let program = engine.compile(&case.text).map_err(|e| e.to_string())?;
    let text = |e: Error| e.to_string();
    let mut others: Vec<Array> =
        expected.iter().map(|o| Array::contiguous(o.dtype(), o.shape(), 0)).collect();

    // In place, for any layout in which no elements share an address.
    let mut same = own.clone();
    let mut places = same.places();
    places.sort_unstable();
    if places.windows(2).all(|w| w[0] + same.dtype.size() <= w[1]) {
        let mut outs: Vec<Out> = others.iter_mut().map(Array::out).collect();
        outs[chosen] = Out::inout(case.inputs[input].name, same.out());
        let rest = case.inputs.iter().enumerate().filter(|(i, _)| *i != input);
        let args: Vec<(&str, Arg)> = rest.map(|(_, i)| (i.name, i.value.arg())).collect();
        // An input that the text does not read cannot be used in place.
        if program.inputs().any(|n| n == case.inputs[input].name) {
            program.eval_into(&args[..], &mut outs).map_err(text)?;
            drop(outs);
            compare(&others, chosen, &same.elements(), expected)?;
        }
    }

    // In one buffer, with the output one element after the input.
    let size = own.dtype.size();
    let shape = &own.shape;
    let strides = Array::contiguous(own.dtype, &own.shape, 0).strides;
    let mut buffer = vec![0u8; (own.len() + 1) * size];
    buffer[..own.len() * size].copy_from_slice(&own.elements());
    let mut outs: Vec<Out> = others.iter_mut().map(Array::out).collect();
    let start = buffer.as_mut_ptr();
    // SAFETY: both arrays are inside the buffer, which outlives them and is not accessed meanwhile.
    let arg = unsafe { Arg::raw(start, shape, &strides, own.dtype) };
    // SAFETY: as above.
    outs[chosen] = unsafe { Out::raw(start.add(size), shape, &strides, own.dtype) };
    let args: Vec<(&str, Arg)> = case
        .inputs
        .iter()
        .enumerate()
        .map(|(i, other)| (other.name, if i == input { arg.clone() } else { other.value.arg() }))
        .collect();
    program.eval_into(&args[..], &mut outs).map_err(text)?;
    drop(outs);
    compare(&others, chosen, &buffer[size..], expected).map_err(|e| format!("shifted: {e}"))
}

fn compare(
    others: &[Array],
    chosen: usize,
    elements: &[u8],
    expected: &Outputs,
) -> Result<(), String> {
    for (i, output) in expected.iter().enumerate() {
        let got = if i == chosen { elements.to_vec() } else { others[i].elements() };
        if let Some(difference) = different_elements(output.dtype(), &output.bytes(), &got) {
            return Err(format!("output {i} {difference}"));
        }
    }
    Ok(())
}
