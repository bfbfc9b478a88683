//! The catalogue of bad inputs for a compiler of untrusted expressions: one test per entry, named
//! after it.
//!
//! In all cases, every operation is defined on every bit pattern, every check precedes native code,
//! and a failure is an error without loss of data.

#![allow(clippy::excessive_precision, reason = "the digits decide how a number is rounded")]

mod accuracy;
mod concurrency;
mod conversions;
mod integers;
mod lexical;
mod memory;
mod names;
mod overlaps;
mod resources;
mod shapes;
mod special_values;
mod syntactic;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use hotloop::threads::Isa;
use hotloop::{Arg, Backend, DType, Element, Engine, Error, ErrorKind, Outputs, compile};

/// All engines: the interpreter, and native ones for each instruction set, on one thread and on
/// two.
fn engines() -> &'static [(String, Engine)] {
    static ENGINES: OnceLock<Vec<(String, Engine)>> = OnceLock::new();
    ENGINES.get_or_init(|| {
        let interpreter = Engine::builder().backend(Backend::Interpreter).build();
        let mut list = vec![("interpreter".to_string(), interpreter)];
        for isa in Isa::available() {
            for threads in [1, 2] {
                let builder = Engine::builder().backend(Backend::Native).isa(isa);
                list.push((
                    format!("{} on {threads}", isa.name()),
                    builder.threads(threads).eager().build(),
                ));
            }
        }
        list
    })
}

/// The bits of an output's elements, the same for all NaNs.
fn bits(outputs: &Outputs, number: usize) -> Vec<u64> {
    let output = &outputs[number];
    let size = output.dtype().size();
    let element = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..size].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(word);
        match output.dtype() {
            DType::F32 if f32::from_bits(bits as u32).is_nan() => u64::from(f32::NAN.to_bits()),
            DType::F64 if f64::from_bits(bits).is_nan() => f64::NAN.to_bits(),
            _ => bits,
        }
    };
    output.bytes().chunks_exact(size).map(element).collect()
}

/// The only output of an expression, which must have the same bits on every engine.
fn eval<T: Element>(expr: &str, args: &[(&str, Arg)]) -> Vec<T> {
    let mut first: Option<(Vec<u64>, Vec<T>)> = None;
    for (name, engine) in engines() {
        let program = engine.compile(expr).unwrap_or_else(|e| panic!("{expr}: {e}"));
        let mut outputs = program.eval(args).unwrap_or_else(|e| panic!("{expr} on {name}: {e}"));
        let bits = bits(&outputs, 0);
        let values = outputs.take::<T>(0).unwrap_or_else(|e| panic!("{expr} on {name}: {e}"));
        match &first {
            None => first = Some((bits, values.iter().copied().collect())),
            Some((want, _)) => assert_eq!(*want, bits, "{expr} on {name} differs"),
        }
    }
    first.unwrap().1
}

/// Asserts that an expression evaluates to these elements.
#[track_caller]
fn exact<T: Element + PartialEq + std::fmt::Debug>(text: &str, args: &[(&str, Arg)], want: &[T]) {
    assert_eq!(eval::<T>(text, args), want, "{text}");
}

/// Asserts that floats have the same bits, except those of NaN.
#[track_caller]
fn same(got: &[f64], want: &[f64]) {
    let bits = |list: &[f64]| -> Vec<u64> {
        list.iter().map(|v| if v.is_nan() { f64::NAN } else { *v }.to_bits()).collect()
    };
    assert_eq!(bits(got), bits(want), "{got:?}, not {want:?}");
}

/// The error of a text, which must not compile.
#[track_caller]
fn refused(text: &str) -> Error {
    match compile(text) {
        Ok(program) => panic!("{text:.60?} compiles, with {} inputs", program.inputs().len()),
        Err(error) => {
            let placed = error.span().is_some() || error.kind() == ErrorKind::Limit;
            assert!(placed, "{text:.60?}: {error} has no place in the text");
            checked(error, text)
        }
    }
}

/// Checks the properties of every error: a span inside the text, no control characters, and a short
/// message.
#[track_caller]
fn checked(error: Error, text: &str) -> Error {
    if let Some(span) = error.span() {
        assert!(text.get(span.range()).is_some(), "{span:?} is outside {text:.60?}");
    }
    let shown = error.to_string();
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    assert!(shown.len() < 2048, "{} bytes of error", shown.len());
    assert_ne!(error.kind(), ErrorKind::Internal, "{shown}");
    error
}

#[track_caller]
fn expect(error: &Error, kind: ErrorKind, text: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(text), "{text:?} is not in {error}");
}

/// Runs a function, which must not take long; the bound is generous, for slow machines and builds.
#[track_caller]
fn within<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    assert!(took <= limit, "it took {took:?}, not {limit:?}");
    result
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Runs a function on a thread with a small stack.
fn on_stack<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(bytes).spawn(work).unwrap().join().unwrap()
}

const SMALL_STACK: usize = 512 << 10;

/// An engine that accepts texts of any length.
fn patient() -> Engine {
    let builder = Engine::builder().threads(1).max_text(1 << 30);
    builder.max_nodes(1 << 22).compile_budget(Duration::from_millis(500)).build()
}

/// One element as an array of any length.
fn everywhere<T: Element>(value: &'static T, n: usize) -> Arg<'static> {
    // SAFETY: all elements are the one, which is static.
    unsafe { Arg::raw(std::ptr::from_ref(value).cast(), &[n], &[0], T::DTYPE) }
}

/// Floats that are hard cases of some operation.
const HARD: [f64; 16] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    f64::MAX,
    f64::MIN,
    1e16,
    9007199254740993.0,
];
