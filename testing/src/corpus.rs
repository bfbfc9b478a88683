//! The cases of `tests/corpus/*.toml`: expressions with their inputs and the exact outputs.

use std::collections::BTreeMap;
use std::path::Path;

use hotloop::{Arg, DType, Engine, Error, ErrorKind, Mode, Outputs, Program};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    case: Vec<Case>,
}

/// An expression with its inputs and expected outputs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name, unique among all files.
    pub name: String,
    /// The expression.
    pub expr: String,
    #[serde(default)]
    inputs: BTreeMap<String, Input>,
    #[serde(default)]
    outputs: Vec<Values>,
    error: Option<Refused>,
    /// The allowed distance in floats from the expected value, which is correctly rounded.
    #[serde(default)]
    ulp: u64,
    divided_by_zero: Option<bool>,
    mode: Option<String>,
    /// Whether one-dimensional inputs are also repeated many times, as one long array.
    repeat: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Weak { weak: Number, kind: String },
    Array(Values),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Values {
    dtype: String,
    shape: Vec<usize>,
    values: Vec<Number>,
    order: Option<String>,
    /// The order of the axes in memory, outermost first.
    axes: Option<Vec<usize>>,
    /// Whether elements have the opposite byte order to this machine's.
    #[serde(default)]
    swapped: bool,
    /// The step in elements along each axis; negative is backwards.
    step: Option<Vec<isize>>,
    /// The offset in bytes of the first element from an aligned address.
    misalign: Option<usize>,
    /// The number of bytes between elements.
    pad: Option<usize>,
    broadcast_to: Option<Vec<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    kind: String,
    text: String,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Number {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Number {
    fn float(&self) -> f64 {
        match self {
            Number::Bool(v) => f64::from(u8::from(*v)),
            Number::Int(v) => *v as f64,
            Number::Float(v) => *v,
            Number::Text(text) if text.contains("0x") => hex_float(text),
            Number::Text(text) => text.parse().unwrap_or_else(|_| panic!("{text} is no number")),
        }
    }

    fn int(&self) -> i128 {
        match self {
            Number::Bool(v) => i128::from(*v),
            Number::Int(v) => i128::from(*v),
            Number::Float(v) => panic!("{v} is no integer"),
            Number::Text(text) => text.parse().unwrap_or_else(|_| panic!("{text} is no integer")),
        }
    }

    fn bits(&self, dtype: DType) -> u64 {
        match dtype {
            DType::Bool => u64::from(matches!(self, Number::Bool(true))),
            DType::F32 => {
                let value = self.float();
                let narrow = value as f32;
                assert!(f64::from(narrow) == value || value.is_nan(), "{value} is no f32");
                u64::from(narrow.to_bits())
            }
            DType::F64 => self.float().to_bits(),
            _ => {
                let bits = self.int() as u64;
                let unused = 64 - dtype.bits();
                bits << unused >> unused
            }
        }
    }
}

/// Parses a number in C's and Python's hexadecimal notation: `-0x1.8p-3`.
pub fn hex_float(text: &str) -> f64 {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let (digits, exponent) = rest.strip_prefix("0x").unwrap().split_once('p').unwrap();
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa = u64::from_str_radix(&format!("{whole}{fraction}"), 16).unwrap();
    let exponent = exponent.parse::<i32>().unwrap() - 4 * fraction.len() as i32;
    // In two steps, each exact: the mantissa has at most 53 bits.
    let half = exponent / 2;
    sign * mantissa as f64 * 2f64.powi(half) * 2f64.powi(exponent - half)
}

/// An array in memory with the layout of a case.
struct Array {
    memory: Vec<u64>,
    first: isize,
    shape: Vec<usize>,
    strides: Vec<isize>,
    dtype: DType,
    swapped: bool,
}

impl Array {
    fn new(given: &Values, times: usize) -> Array {
        let dtype =
            DType::from_name(&given.dtype).unwrap_or_else(|| panic!("no dtype {}", given.dtype));
        let mut shape = given.shape.clone();
        let mut numbers = given.values.clone();
        if times > 1 {
            assert_eq!(shape.len(), 1);
            shape[0] *= times;
            numbers = numbers.iter().cloned().cycle().take(shape[0]).collect();
        }
        assert_eq!(numbers.len(), shape.iter().product::<usize>(), "values do not fill the shape");
        let rank = shape.len();
        let steps = given.step.clone().unwrap_or_else(|| vec![1; rank]);
        assert_eq!(steps.len(), rank, "a step for each axis");
        let size = (dtype.size() + given.pad.unwrap_or(0)) as isize;
        let mut strides = vec![0isize; rank];
        let mut next = size;
        let inward: Vec<usize> = match (given.order.as_deref(), &given.axes) {
            (None, Some(axes)) => axes.iter().rev().copied().collect(),
            (None | Some("C"), None) => (0..rank).rev().collect(),
            (Some("F"), None) => (0..rank).collect(),
            (Some(other), _) => panic!("no order {other}"),
        };
        let mut first = given.misalign.unwrap_or(0) as isize;
        for axis in inward {
            strides[axis] = next * steps[axis];
            let span = (shape[axis].max(1) as isize - 1) * steps[axis].abs() + 1;
            if steps[axis] < 0 {
                first -= (shape[axis].max(1) as isize - 1) * strides[axis];
            }
            next *= span;
        }
        // Bytes between elements are all ones, which give NaN or wrong values if they are read.
        let mut memory = vec![u64::MAX; (next as usize + given.misalign.unwrap_or(0) + 16) / 8 + 1];
        let mut index = vec![0usize; rank];
        for number in &numbers {
            let offset: isize = index.iter().zip(&strides).map(|(i, s)| *i as isize * s).sum();
            let mut bytes = number.bits(dtype).to_le_bytes();
            if given.swapped {
                bytes[..dtype.size()].reverse();
            }
            // SAFETY: `next` is the size of the block in bytes, and every offset is inside it.
            unsafe {
                let at = memory.as_mut_ptr().cast::<u8>().offset(first + offset);
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), at, dtype.size());
            }
            for axis in (0..rank).rev() {
                index[axis] += 1;
                if index[axis] < shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        if let Some(wide) = &given.broadcast_to {
            let mut spread = vec![0isize; wide.len()];
            let missing = wide.len() - shape.len();
            for (axis, extent) in shape.iter().enumerate() {
                spread[missing + axis] = if *extent == 1 { 0 } else { strides[axis] };
            }
            (shape, strides) = (wide.clone(), spread);
        }
        Array { memory, first, shape, strides, dtype, swapped: given.swapped }
    }

    fn arg(&self) -> Arg<'_> {
        // SAFETY: the strides stay inside the memory, which lives as long as the argument.
        let arg = unsafe {
            let pointer = self.memory.as_ptr().cast::<u8>().offset(self.first);
            Arg::raw(pointer, &self.shape, &self.strides, self.dtype)
        };
        if self.swapped { arg.byte_swapped() } else { arg }
    }
}

fn error_kind(code: &str) -> ErrorKind {
    use ErrorKind::*;
    let kinds = [Lex, Parse, Name, Arity, Type, Shape, Layout, Alias, Limit, Cancelled];
    kinds.into_iter().find(|k| k.code() == code).unwrap_or_else(|| panic!("no error kind {code}"))
}

/// What `then` gives for the case's arguments.
fn with_arguments<T>(case: &Case, times: usize, then: impl FnOnce(&[(&str, Arg<'_>)]) -> T) -> T {
    let arrays: Vec<(&str, Array)> = case
        .inputs
        .iter()
        .filter_map(|(name, input)| match input {
            Input::Array(values) => {
                let times = if values.shape.is_empty() { 1 } else { times };
                Some((name.as_str(), Array::new(values, times)))
            }
            Input::Weak { .. } => None,
        })
        .collect();
    let mut args: Vec<(&str, Arg)> =
        arrays.iter().map(|(name, array)| (*name, array.arg())).collect();
    for (name, input) in &case.inputs {
        if let Input::Weak { weak, kind } = input {
            let arg = match kind.as_str() {
                "bool" => Arg::from(matches!(weak, Number::Bool(true))),
                "int" => Arg::from(i64::try_from(weak.int()).unwrap()),
                "float" => Arg::from(weak.float()),
                other => panic!("no kind {other}"),
            };
            args.push((name, arg));
        }
    }
    then(&args)
}

fn run(program: &Program, case: &Case, times: usize) -> Result<Outputs, Error> {
    with_arguments(case, times, |args| program.eval(args))
}

/// The number of floats from one value to the other; 0 for equal bits and for two NaNs.
pub fn distance(dtype: DType, got: u64, want: u64) -> u64 {
    let ordered = |bits: i64| if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits };
    let (nan, steps) = match dtype {
        DType::F32 => {
            let (a, b) = (f32::from_bits(got as u32), f32::from_bits(want as u32));
            let widen = |v: f32| i64::from(v.to_bits() as i32) << 32;
            ((a.is_nan(), b.is_nan()), ordered(widen(a)).abs_diff(ordered(widen(b))) >> 32)
        }
        DType::F64 => {
            let (a, b) = (f64::from_bits(got), f64::from_bits(want));
            ((a.is_nan(), b.is_nan()), ordered(got as i64).abs_diff(ordered(want as i64)))
        }
        _ => return if got == want { 0 } else { u64::MAX },
    };
    match nan {
        (true, true) => 0,
        (false, false) if got == want => 0,
        // Zeros of different signs are equal as numbers, but have different bits.
        (false, false) => steps.max(1),
        _ => u64::MAX,
    }
}

fn shown(dtype: DType, bits: u64) -> String {
    match dtype {
        DType::F32 => format!("{:?} ({:#010x})", f32::from_bits(bits as u32), bits),
        DType::F64 => format!("{:?} ({bits:#018x})", f64::from_bits(bits)),
        _ => format!("{bits:#x}"),
    }
}

fn check(case: &Case, result: Result<Outputs, Error>, times: usize) -> Result<(), String> {
    let outputs = match (result, &case.error) {
        (Ok(outputs), None) => outputs,
        (Ok(_), Some(refused)) => {
            return Err(format!("no error, but {} was expected", refused.kind));
        }
        (Err(error), None) => return Err(format!("{error:?}")),
        (Err(error), Some(refused)) => {
            let rendered = error.to_string();
            return match error.kind() == error_kind(&refused.kind)
                && rendered.contains(&refused.text)
            {
                true => Ok(()),
                false => {
                    Err(format!("expected {} with {:?}, got {error:?}", refused.kind, refused.text))
                }
            };
        }
    };
    if outputs.len() != case.outputs.len() {
        return Err(format!("{} outputs, not {}", outputs.len(), case.outputs.len()));
    }
    if let Some(flag) = case.divided_by_zero
        && outputs.report().divided_by_zero != flag
    {
        return Err(format!("divided_by_zero is {}", !flag));
    }
    for (number, (got, want)) in outputs.iter().zip(&case.outputs).enumerate() {
        if got.dtype().name() != want.dtype {
            return Err(format!("output {number} is {}, not {}", got.dtype(), want.dtype));
        }
        let mut shape = want.shape.clone();
        if times > 1 && !shape.is_empty() {
            shape[0] *= times;
        }
        if got.shape() != shape {
            return Err(format!("output {number} has the shape {:?}, not {shape:?}", got.shape()));
        }
        let size = got.dtype().size();
        let want: Vec<u64> = want.values.iter().map(|v| v.bits(got.dtype())).collect();
        for (i, bytes) in got.bytes().chunks_exact(size).enumerate() {
            let mut word = [0; 8];
            word[..size].copy_from_slice(bytes);
            let (bits, want) = (u64::from_le_bytes(word), want[i % want.len()]);
            if distance(got.dtype(), bits, want) > case.ulp {
                let (bits, want) = (shown(got.dtype(), bits), shown(got.dtype(), want));
                return Err(format!("output {number}, element {i}: {bits}, not {want}"));
            }
        }
    }
    Ok(())
}

/// Whether the case may run on repeated inputs: it is elementwise, on one-dimensional arrays of one
/// length.
pub fn repeats(case: &Case) -> bool {
    let arrays = || {
        case.inputs.values().filter_map(|input| match input {
            Input::Array(values) if !values.shape.is_empty() => Some(values),
            _ => None,
        })
    };
    let Some(first) = arrays().next() else { return false };
    let alike = |shape: &Vec<usize>| shape.len() == 1 && shape[0] > 0 && *shape == first.shape;
    case.repeat.unwrap_or(true)
        && case.error.is_none()
        && arrays().all(|a| alike(&a.shape) && a.broadcast_to.is_none())
        && case.outputs.iter().all(|o| alike(&o.shape))
        && ![
            "sum", "mean", "max(", "min(", "prod", "any", "all(", "var", "std", "dot", "[", "trans",
        ]
        .iter()
        .any(|r| case.expr.contains(r))
}

/// The files and their names.
pub const FILES: [&str; 15] = [
    "operators",
    "promotion",
    "functions",
    "conditionals",
    "programs",
    "broadcasting",
    "strides",
    "reductions",
    "axes",
    "views",
    "layouts",
    "integers",
    "powers",
    "special_values",
    "scalars",
];

/// The cases of a file.
pub fn read(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/corpus/{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap();
    let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    file.case
}

impl Case {
    /// The floating-point mode of the case.
    pub fn mode(&self) -> Mode {
        let name = self.mode.as_deref().unwrap_or("strict");
        let mut modes = [Mode::Strict, Mode::Contract, Mode::Fast].into_iter();
        modes.find(|mode| mode.name() == name).expect("a mode")
    }

    /// Plans the case for its inputs without running it, if it is valid: an engine that compiles
    /// many programs at a time then knows it.
    pub fn prepare(&self, engine: &Engine) {
        let program = engine.compile(&self.expr).ok();
        with_arguments(self, 1, |args| program.and_then(|program| program.eval_shape(args).ok()));
    }

    /// Runs the case on its inputs, repeated `times` times.
    ///
    /// # Errors
    /// The difference from the expected result.
    pub fn attempt(&self, engine: &Engine, times: usize) -> Result<(), String> {
        let result = engine.compile(&self.expr).and_then(|program| run(&program, self, times));
        check(self, result, times)
    }
}
