//! Streams: batches of any size give the bits of one call, snapshots go on where they were taken,
//! and what fails leaves the state as it was.

mod batches;
mod causality;
mod failures;
mod keys;
mod snapshots;

use hotloop::{Arg, Error, Order, Outputs, Program, RunOptions, Stream, compile};
use hotloop_testing::generator::check::different_elements;
use hotloop_testing::generator::data::{Array, Input, Rng, Value};

/// A program in C order, so that the bytes of its outputs are.
fn program(text: &str) -> Program {
    compile(text).unwrap_or_else(|e| panic!("{text}: {e}")).with(RunOptions::new().order(Order::C))
}

/// The axis that an integer names in an array, if it has it.
fn axis_in(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

/// Some rows of an array.
fn rows(array: &Array, axis: i64, from: usize, count: usize) -> Arg<'_> {
    let Some(axis) = axis_in(axis, array.shape.len()) else { return array.arg() };
    let mut shape = array.shape.clone();
    shape[axis] = count;
    let offset = array.offset as isize + from as isize * array.strides[axis];
    // SAFETY: the rows are some of the array's, which is borrowed.
    let arg = unsafe {
        let first = array.bytes().as_ptr().wrapping_offset(offset);
        Arg::raw(first, &shape, &array.strides, array.dtype)
    };
    if array.swapped { arg.byte_swapped() } else { arg }
}

/// The arguments with some rows of the arrays.
fn batch(inputs: &[Input], axis: i64, from: usize, count: usize) -> Vec<(&str, Arg<'_>)> {
    let args = inputs.iter().map(|input| match input {
        Input { name, value: Value::Array(array) } => (*name, rows(array, axis, from, count)),
        Input { name, .. } => panic!("{name} is a number"),
    });
    args.collect()
}

/// Outputs of batches, as bytes in C order.
struct Collected(Vec<Vec<(Vec<usize>, Vec<u8>)>>);

impl Collected {
    fn add(&mut self, outputs: &Outputs) {
        self.0.resize(outputs.len(), Vec::new());
        for (to, output) in self.0.iter_mut().zip(outputs.iter()) {
            to.push((output.shape().to_vec(), output.bytes().into_owned()));
        }
    }

    /// The bytes of an output's batches, joined along an axis.
    fn joined(&self, output: usize, axis: usize, size: usize) -> Vec<u8> {
        let parts = &self.0[output];
        let outer: usize = parts.first().map_or(0, |(shape, _)| shape[..axis].iter().product());
        let mut bytes = Vec::new();
        for at in 0..outer {
            for (shape, part) in parts {
                let row: usize = shape[axis..].iter().product::<usize>() * size;
                bytes.extend_from_slice(&part[at * row..(at + 1) * row]);
            }
        }
        bytes
    }

    /// Compares with the outputs of one call.
    fn compare(&self, stream: &Stream, whole: &Outputs) -> Option<String> {
        for (i, output) in whole.iter().enumerate() {
            let axis = stream.output_axes()[i];
            let got = self.joined(i, axis, output.dtype().size());
            if let Some(difference) = different_elements(output.dtype(), &output.bytes(), &got) {
                return Some(format!("output {i} {difference}"));
            }
        }
        None
    }
}

/// The sizes of batches that make up some rows.
fn chunks(total: usize, rng: &mut Rng) -> Vec<usize> {
    let mut left = total;
    let mut sizes = Vec::new();
    let most = [1, 3, 40, 1000, 10_000][rng.below(5) as usize];
    while left > 0 {
        let size = (rng.below(most + 1) as usize).min(left);
        sizes.push(size);
        left -= size;
    }
    sizes
}

/// Runs a program in batches and at once; the error if it runs in no stream.
fn agree(
    program: &Program,
    inputs: &[Input],
    axis: i64,
    total: usize,
    seed: u64,
) -> Result<(), Error> {
    let mut rng = Rng(seed);
    let mut stream = program.stream(batch(inputs, axis, 0, 0), axis)?;
    let state = stream.state_bytes();
    let whole = program.eval(batch(inputs, axis, 0, total))?;
    let mut collected = Collected(Vec::new());
    let mut from = 0;
    let sizes = chunks(total, &mut rng);
    for size in &sizes {
        collected.add(&stream.push(batch(inputs, axis, from, *size))?);
        from += size;
    }
    assert_eq!((stream.rows(), stream.state_bytes()), (total as u64, state));
    if total > 0
        && let Some(difference) = collected.compare(&stream, &whole)
    {
        let shown: Vec<String> = inputs
            .iter()
            .map(|input| match &input.value {
                Value::Array(array) => format!("{}: {array}", input.name),
                _ => String::new(),
            })
            .collect();
        panic!(
            "{}\n{difference}\nalong {axis}, batches {sizes:?}, seed {seed:#x}\n{}",
            program.text(),
            shown.join("\n")
        );
    }
    Ok(())
}
