//! Large arrays in all pairs of layouts, and outputs in each layout: native code on one thread and
//! on two agrees with the interpreter in every bit, and writes nothing between the elements.

use hotloop::threads::Isa;
use hotloop::{Arg, Backend, DType, Engine, Out};
use hotloop_testing::generator::check::different_elements;
use hotloop_testing::generator::data::{Array, Flavour, Rng, element};

/// The layout of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    C,
    Fortran,
    /// Reversed along every axis.
    Reversed,
    /// Every other element of a longer last axis.
    EveryOther,
    /// The left columns of a wider array.
    Columns,
    /// One byte after an aligned address.
    Misaligned,
    /// With the opposite byte order to this machine's.
    Swapped,
}

use Order::*;

/// The number is prime: any two of `i`, `j` and `(i + j) % 7` run through all pairs.
const ORDERS: [Order; 7] = [C, Fortran, Reversed, EveryOther, Columns, Misaligned, Swapped];

/// The byte between elements.
const BETWEEN: u8 = 0xa5;

/// Elements, given in C order, in a layout.
fn placed(order: Order, dtype: DType, shape: &[usize], elements: &[u8]) -> Array {
    let rank = shape.len();
    let mut strides = vec![0isize; rank];
    let axes: Vec<usize> =
        if order == Fortran { (0..rank).collect() } else { (0..rank).rev().collect() };
    let mut step = dtype.size() * if order == EveryOther { 2 } else { 1 };
    for (depth, axis) in axes.into_iter().enumerate() {
        strides[axis] = step as isize;
        step *= shape[axis].max(1);
        if order == Columns && depth == 0 {
            step += 5 * dtype.size();
        }
    }
    let mut offset = 64 + usize::from(order == Misaligned);
    if order == Reversed {
        for (stride, extent) in strides.iter_mut().zip(shape) {
            offset += extent.saturating_sub(1) * stride.unsigned_abs();
            *stride = -*stride;
        }
    }
    let mut array = Array::contiguous(DType::U8, &[step + 128], 0);
    array.bytes_mut().fill(BETWEEN);
    (array.dtype, array.shape, array.strides, array.offset) =
        (dtype, shape.to_vec(), strides, offset);
    scatter(&mut array, order, elements);
    array
}

/// Converts elements to the byte order of a layout, or back.
fn in_order(order: Order, dtype: DType, elements: &[u8]) -> Vec<u8> {
    let mut bytes = elements.to_vec();
    if order == Swapped {
        bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    }
    bytes
}

fn scatter(array: &mut Array, order: Order, elements: &[u8]) {
    let size = array.dtype.size();
    let elements = in_order(order, array.dtype, elements);
    let rows = array.shape.split_last();
    let (inner, outer) = rows.map_or((1, &[][..]), |(inner, outer)| (*inner, outer));
    let along = array.strides.last().copied().unwrap_or(0);
    let mut starts = vec![array.offset as isize];
    for (extent, stride) in outer.iter().zip(&array.strides) {
        let below = |start: isize| (0..*extent as isize).map(move |i| start + i * stride);
        starts = starts.into_iter().flat_map(below).collect();
    }
    let memory = array.bytes_mut();
    let mut next = 0;
    for mut at in starts {
        for _ in 0..inner {
            memory[at as usize..][..size].copy_from_slice(&elements[next..next + size]);
            at += along;
            next += size;
        }
    }
}

fn arg(array: &Array, order: Order) -> Arg<'_> {
    if order == Swapped { array.arg().byte_swapped() } else { array.arg() }
}

fn out(array: &mut Array, order: Order) -> Out<'_> {
    if order == Swapped { array.out().byte_swapped() } else { array.out() }
}

/// An input in every layout.
struct Input {
    name: &'static str,
    arrays: Vec<Array>,
}

impl Input {
    fn new(name: &'static str, dtype: DType, shape: &[usize], flavour: Flavour) -> Input {
        let mut rng = Rng(shape.iter().sum::<usize>() as u64 ^ u64::from(name.as_bytes()[0]));
        let count: usize = shape.iter().product();
        let size = dtype.size();
        let mut elements = vec![0; count * size];
        for bytes in elements.chunks_exact_mut(size) {
            bytes.copy_from_slice(&element(dtype, &mut rng, flavour).to_le_bytes()[..size]);
        }
        let arrays = ORDERS.map(|order| placed(order, dtype, shape, &elements)).into();
        Input { name, arrays }
    }

    fn arg(&self, order: usize) -> (&'static str, Arg<'_>) {
        (self.name, arg(&self.arrays[order % 7], ORDERS[order % 7]))
    }
}

/// The expected output in every layout, made at first use.
struct Wanted {
    dtype: DType,
    shape: Vec<usize>,
    elements: Vec<u8>,
    /// The expected elements, and other elements to be overwritten.
    arrays: Vec<Option<(Array, Array)>>,
}

impl Wanted {
    fn new(output: &hotloop::Output) -> Wanted {
        let arrays = ORDERS.iter().map(|_| None).collect();
        let elements = output.bytes().to_vec();
        Wanted { dtype: output.dtype(), shape: output.shape().to_vec(), elements, arrays }
    }

    /// An array for the output, whose elements differ from the expected ones.
    fn blank(&mut self, order: usize) -> Array {
        self.arrays(order).1.clone()
    }

    fn arrays(&mut self, order: usize) -> &(Array, Array) {
        let Wanted { dtype, shape, elements, arrays } = self;
        arrays[order].get_or_insert_with(|| {
            let wrong: Vec<u8> = elements.iter().map(|byte| !byte).collect();
            let of = |elements| placed(ORDERS[order], *dtype, shape, elements);
            (of(elements), of(&wrong))
        })
    }

    fn difference(&mut self, order: usize, got: &Array) -> Option<String> {
        let wanted = &self.arrays(order).0;
        if wanted.bytes() == got.bytes() {
            return None;
        }
        // Bits of NaN may differ.
        let elements = in_order(ORDERS[order], got.dtype, &got.elements());
        let mut same = wanted.clone();
        scatter(&mut same, ORDERS[order], &elements);
        different_elements(self.dtype, &self.elements, &elements).or_else(|| {
            (same.bytes() != got.bytes()).then(|| "bytes between the elements were written".into())
        })
    }
}

struct Natives(Vec<(String, Engine)>);

impl Natives {
    fn new() -> Natives {
        let mut list = Vec::new();
        for isa in Isa::available() {
            for threads in [1, 2] {
                let engine = Engine::builder().backend(Backend::Native).isa(isa).threads(threads);
                list.push((format!("{} on {threads}", isa.name()), engine.build()));
            }
        }
        Natives(list)
    }

    /// Runs a program with these layouts of its inputs and outputs; `turn` selects the engine.
    fn run(
        &self,
        text: &str,
        args: &[(&str, Arg)],
        wanted: &mut [Wanted],
        into: usize,
        turn: usize,
    ) {
        let (name, engine) = &self.0[turn % self.0.len()];
        let into = |number: usize| (into + number) % 7;
        let mut arrays: Vec<Array> =
            wanted.iter_mut().enumerate().map(|(i, w)| w.blank(into(i))).collect();
        let mut outs: Vec<Out> =
            arrays.iter_mut().enumerate().map(|(i, a)| out(a, ORDERS[into(i)])).collect();
        let context = |array: &Array, order| {
            let inputs: Vec<String> =
                args.iter().map(|(name, arg)| format!("  {name} = {arg:?}")).collect();
            format!("{text}\n{}\n  into {array}, {order:?}, {name}", inputs.join("\n"))
        };
        let report = engine.compile(text).and_then(|p| p.eval_into(args, &mut outs));
        drop(outs);
        match report {
            Ok(report) => assert!(report.native, "{}", context(&arrays[0], ORDERS[into(0)])),
            Err(error) => panic!("{}\n{error}", context(&arrays[0], ORDERS[into(0)])),
        }
        for (i, (wanted, array)) in wanted.iter_mut().zip(&arrays).enumerate() {
            if let Some(difference) = wanted.difference(into(i), array) {
                panic!("{}\noutput {i} {difference}", context(array, ORDERS[into(i)]));
            }
        }
    }
}

/// Shapes larger than a tile and a leaf, with long and short axes.
const SHAPES: [&[usize]; 5] = [&[200, 517], &[1000, 3], &[3, 1000], &[3000, 40], &[40, 50, 70]];

/// Each axis, and each pair of three axes.
fn axes(rank: usize) -> &'static [&'static str] {
    if rank == 2 { &["0", "1"] } else { &["0", "1", "-1", "(0, 1)", "(0, 2)", "(1, 2)"] }
}

fn programs_of(dtype: DType, rank: usize) -> (Vec<String>, Vec<String>) {
    let elementwise: &[&str] = match dtype {
        DType::Bool => &["a & ~b", "a < b, c"],
        _ if dtype.is_float() => &["a * b + a", "c, maximum(a, c) <= b", "sqrt(a) - b"],
        _ => &["a * 3 - b", "c, a < b", "a // 3 + b % 5"],
    };
    let mut reductions: Vec<String> = match dtype {
        DType::Bool => vec!["sum(a ^ b), any(a & b & c)".into(), "argmax(a)".into()],
        _ => vec!["sum(a * b), max(c)".into(), "var(a), argmin(c)".into()],
    };
    reductions.push("sum(transpose(a)[::-1, 1:], axis=0), max(c[..., ::-2], axis=-1)".into());
    for axes in axes(rank) {
        let all = match dtype {
            DType::Bool => "sum(a ^ b, axis=X), any(a & b & c, axis=X), mean(c, axis=X)",
            _ => "sum(a * b, axis=X), max(c, axis=X), var(a, axis=X)",
        };
        reductions.push(all.replace('X', axes));
        // One axis, beside an output of the size of the inputs.
        if !axes.starts_with('(') {
            let position = "argmax(c, axis=X), min(a, axis=X, keepdims=True) <= b";
            reductions.push(position.replace('X', axes));
        }
    }
    if dtype.is_float() {
        for axis in ["0", "-1"] {
            let scaled = "d = a - min(a, axis=X, keepdims=True)\nd / sum(d, axis=X, keepdims=True)";
            reductions.push(scaled.replace('X', axis));
        }
    }
    (elementwise.iter().map(|t| t.to_string()).collect(), reductions)
}

fn every_layout(dtype: DType) {
    let natives = Natives::new();
    let oracle = Engine::builder().backend(Backend::Interpreter).build();
    for shape in SHAPES {
        let inputs = [("a", Flavour::Unit), ("b", Flavour::Unit), ("c", Flavour::Spiced)]
            .map(|(name, flavour)| Input::new(name, dtype, shape, flavour));
        let args =
            |i: usize, j: usize, k: usize| [inputs[0].arg(i), inputs[1].arg(j), inputs[2].arg(k)];
        let wanted = |text: &str| -> Vec<Wanted> {
            let outputs = oracle.compile(text).and_then(|p| p.eval(args(0, 0, 0)));
            outputs.unwrap_or_else(|e| panic!("{text}: {e}")).iter().map(Wanted::new).collect()
        };
        let (elementwise, reductions) = programs_of(dtype, shape.len());
        for (number, text) in elementwise.iter().enumerate() {
            let mut wanted = wanted(text);
            for i in 0..7 {
                for j in 0..7 {
                    // For the largest arrays, half of the pairs for each program.
                    if shape.len() == 3 && (i + j + number) % 2 == 0 {
                        continue;
                    }
                    let turn = i + 7 * j + number;
                    natives.run(text, &args(i, j, i + 2 * j), &mut wanted, (i + j) % 7, turn);
                }
            }
        }
        for (number, text) in reductions.iter().enumerate() {
            let mut wanted = wanted(text);
            for i in 0..7 {
                let j = 3 * i + number;
                // Two engines for each program, different ones for the next.
                for turn in [i + number, i + number + 3] {
                    natives.run(text, &args(i, j, i + 1), &mut wanted, (i + j) % 7, turn);
                }
            }
        }
    }
}

macro_rules! every_layout {
    ($($name:ident, $dtype:ident;)*) => {$(
        #[test]
        fn $name() {
            every_layout(DType::$dtype);
        }
    )*};
}

every_layout! {
    every_layout_of_f64, F64;
    every_layout_of_f32, F32;
    every_layout_of_i16, I16;
    every_layout_of_u8, U8;
    every_layout_of_bool, Bool;
}

/// Inputs with fewer axes than the result, in every layout, are broadcast.
#[test]
fn every_layout_of_what_is_broadcast() {
    let natives = Natives::new();
    let oracle = Engine::builder().backend(Backend::Interpreter).build();
    let programs = [
        "floor(a * 9) * b + c",
        "a / (1 + sum(b * b, axis=0)) - max(c, axis=-1, keepdims=True)",
        "sum(a * b, axis=(0, 2)), max(b + c)",
        "transpose(c * c) + a[0, 0, 0], b * a[..., 0, None]",
    ];
    let shapes: [[&[usize]; 3]; 3] = [
        [&[40, 50, 60], &[60], &[50, 1]],
        [&[7, 300, 33], &[7, 1, 33], &[1, 300, 1]],
        [&[64, 1, 100], &[30, 1], &[100]],
    ];
    for [a, b, c] in shapes {
        for dtypes in [[DType::F64; 3], [DType::F32, DType::F64, DType::I16]] {
            let inputs = [("a", a, dtypes[0]), ("b", b, dtypes[1]), ("c", c, dtypes[2])]
                .map(|(name, shape, dtype)| Input::new(name, dtype, shape, Flavour::Unit));
            let args =
                |i: usize, j: usize| [inputs[0].arg(i), inputs[1].arg(j), inputs[2].arg(i + 3 * j)];
            for (number, text) in programs.iter().enumerate() {
                let outputs = oracle.compile(text).and_then(|p| p.eval(args(0, 0)));
                let Ok(outputs) = outputs else {
                    let error = outputs.unwrap_err();
                    assert_eq!(error.kind(), hotloop::ErrorKind::Shape, "{text}: {error}");
                    continue;
                };
                let mut wanted: Vec<Wanted> = outputs.iter().map(Wanted::new).collect();
                for i in 0..7 {
                    for j in [i + 1, 2 * i, 5] {
                        let turn = i + j + number;
                        natives.run(text, &args(i, j), &mut wanted, (i + j) % 7, turn);
                    }
                }
            }
        }
    }
}

/// An output in the opposite byte order is reduced before its bytes are swapped.
#[test]
fn a_byte_swapped_output_is_reduced_as_it_was_computed() {
    let x: Vec<f64> = (0..43).map(f64::from).collect();
    let engine = Engine::builder().backend(Backend::Native).threads(1).build();
    let program = engine.compile("abs(x), sum(abs(x))").expect("a program");
    let mut abs = Array::contiguous(DType::F64, &[43], 0);
    abs.swapped = true;
    let mut sum = Array::contiguous(DType::F64, &[], 0);
    program
        .eval_into([("x", Arg::from(&x[..]))], &mut [abs.out(), sum.out()])
        .expect("values that fit");
    let bytes: Vec<u8> = x.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(abs.elements(), bytes);
    assert_eq!(sum.elements(), 903f64.to_le_bytes());
}
