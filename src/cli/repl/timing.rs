//! `:time`: how long a program takes to compile and to run.

use std::time::{Duration, Instant};

use hotloop::{Arg, ArgType, Out, Result, RunOptions};

use super::session::Session;
use crate::cli::array::{Array, Order, byte_count};
use crate::cli::evaluate::Value;
use crate::cli::interrupt;

/// Runs go on for so long, but for at least a few.
const PATIENCE: Duration = Duration::from_millis(500);
const FEWEST: usize = 5;
const MOST: usize = 10_000;
/// Compilations, of which the best counts.
const COMPILATIONS: usize = 3;

/// Times a program over the variables there are.
///
/// # Errors
/// As [`Session::compile`] and [`Session::evaluate`].
pub(crate) fn time(session: &mut Session, typed: &str) -> Result<String> {
    let ready = session.compile(typed)?;
    let outputs = session.evaluate(&ready, typed)?;
    let values = session.values(&ready, typed)?;
    let types: Vec<(&str, ArgType)> = values.iter().map(|(name, v)| (*name, v.ty())).collect();
    let args: Vec<(&str, Arg<'_>)> = values.iter().map(|(name, v)| (*name, v.arg())).collect();

    let mut compiling = Duration::MAX;
    for _ in 0..COMPILATIONS {
        let engine = session.fresh_engine();
        let start = Instant::now();
        engine.compile(ready.program.text())?.specialize(&types)?;
        compiling = compiling.min(start.elapsed());
    }

    let shapes: Vec<_> = outputs.iter().map(|o| (o.dtype(), o.shape().to_vec())).collect();
    drop(outputs);
    let arrays = shapes.iter().map(|(dtype, shape)| Array::zeroed(*dtype, shape, Order::C));
    let mut arrays = arrays.collect::<Result<Vec<Array>>>()?;
    let program = ready.program.with(RunOptions::new().cancel(interrupt::token()));
    let kernel = program.specialize(&types)?;
    let mut outs: Vec<Out<'_>> = arrays.iter_mut().map(Array::out).collect();
    let mut bound = kernel.bind(&args[..], &mut outs)?;
    let (mut times, begin) = (Vec::new(), Instant::now());
    while times.len() < FEWEST || times.len() < MOST && begin.elapsed() < PATIENCE {
        let start = Instant::now();
        bound.run()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();

    let given = values.iter().filter_map(|(_, value)| match value {
        Value::Array(array) => Some((array.dtype(), array.shape().to_vec())),
        Value::Number(_) => None,
    });
    let all: Vec<_> = given.chain(shapes).collect();
    let elements = all.iter().map(|(_, shape)| shape.iter().product::<usize>()).max().unwrap_or(1);
    let bytes: usize = all.iter().filter_map(|(dtype, shape)| byte_count(*dtype, shape)).sum();
    Ok(report(compiling, &times, elements, bytes))
}

fn report(compiling: Duration, times: &[Duration], elements: usize, bytes: usize) -> String {
    let (best, median) = (times[0], times[times.len() / 2]);
    let rate = |amount: usize| amount as f64 / best.as_secs_f64().max(1e-9);
    format!(
        "compile  {}\nrun      {} at best, {} in the median of {} runs\n         \
         {} elements a second, {:.3} GB/s of {} elements\n",
        shown(compiling),
        shown(best),
        shown(median),
        times.len(),
        count(rate(elements)),
        rate(bytes) / 1e9,
        elements,
    )
}

/// Three digits and a unit.
fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns")];
    let (size, unit) = { units }.into_iter().find(|(size, _)| seconds >= *size).unwrap_or(units[3]);
    let value = seconds / if size > 0.0 { size } else { 1e-9 };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

/// A rate such as `1.23e9`.
fn count(rate: f64) -> String {
    format!("{rate:.2e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        for (nanoseconds, text) in
            [(25, "25.0 ns"), (1_234, "1.23 µs"), (999_000, "999 µs"), (2_500_000_000, "2.50 s")]
        {
            assert_eq!(shown(Duration::from_nanos(nanoseconds)), text);
        }
    }

    #[test]
    fn a_report() {
        let times = [1, 2, 3].map(Duration::from_millis);
        let text = report(Duration::from_micros(210), &times, 1_000_000, 16_000_000);
        let want = "compile  210 µs\nrun      1.00 ms at best, 2.00 ms in the median of 3 runs\n         \
                    1.00e9 elements a second, 16.000 GB/s of 1000000 elements\n";
        assert_eq!(text, want);
    }
}
