//! `:time`: how long a program takes to compile and to run.

use std::time::{Duration, Instant};

use hotloop::explain::Stats;
use hotloop::{Arg, ArgType, DType, Out, Result, RunOptions};

use super::session::Session;
use crate::array::{Array, byte_count};
use crate::evaluate::Value;
use crate::{interrupt, quantity};

/// The duration of the runs, of which there are at least a few.
const PATIENCE: Duration = Duration::from_millis(500);
const FEWEST: usize = 5;
const MOST: usize = 10_000;
/// Compilations, of which the best counts.
const COMPILATIONS: usize = 3;

/// Times a program over the session's variables.
///
/// # Errors
/// As [`Session::compile`] and [`Session::arrays`].
pub(crate) fn time(session: &mut Session, typed: &str) -> Result<String> {
    let ready = session.compile(typed)?;
    let mut arrays = session.arrays(&ready, typed)?;
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

    let shapes: Vec<_> = arrays.iter().map(|a| (a.dtype(), a.shape().to_vec())).collect();
    let options = RunOptions::new().cancel(interrupt::token());
    let mut outs: Vec<Out<'_>> = arrays.iter_mut().map(Array::out).collect();
    let counting = ready.program.with(options.clone().stats(true));
    let work = match counting.eval_into(&args[..], &mut outs)?.stats() {
        Some(stats) if !stats.passes.is_empty() => Work::of_passes(stats),
        _ => {
            let given = values.iter().filter_map(|(_, value)| match value {
                Value::Array(array) => Some((array.dtype(), array.shape())),
                Value::Number(_) => None,
            });
            Work::of_arrays(given.chain(shapes.iter().map(|(dtype, shape)| (*dtype, &shape[..]))))
        }
    };
    let kernel = ready.program.with(options).specialize(&types)?;
    let mut bound = kernel.bind(&args[..], outs)?;
    let (mut times, begin) = (Vec::new(), Instant::now());
    while times.len() < FEWEST || times.len() < MOST && begin.elapsed() < PATIENCE {
        let start = Instant::now();
        bound.run()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();

    Ok(report(compiling, &times, &work))
}

/// The work of a run.
struct Work {
    elements: u64,
    bytes: u64,
}

impl Work {
    /// The elements of the longest pass, which may exceed those of any array, and the bytes of all
    /// passes.
    fn of_passes(stats: &Stats) -> Work {
        let elements = stats.passes.iter().map(|pass| pass.elements).max().unwrap_or(1);
        Work { elements, bytes: stats.bytes_read() + stats.bytes_written() }
    }

    /// Each array once: the interpreter has no passes.
    fn of_arrays<'a>(arrays: impl Iterator<Item = (DType, &'a [usize])>) -> Work {
        arrays.fold(Work { elements: 1, bytes: 0 }, |work, (dtype, shape)| {
            let bytes = byte_count(dtype, shape).unwrap_or(0) as u64;
            let elements = work.elements.max(bytes / dtype.size() as u64);
            Work { elements, bytes: work.bytes + bytes }
        })
    }
}

fn report(compiling: Duration, times: &[Duration], work: &Work) -> String {
    let (best, median) = (times[0], times[times.len() / 2]);
    let rate = |amount: u64| amount as f64 / best.as_secs_f64().max(1e-9);
    format!(
        "compile  {}\nrun      {} at best, {} in the median of {} runs\n         \
         {} element{} at {:.2e} a second, {:.3} GB/s read and written\n",
        quantity::time(compiling),
        quantity::time(best),
        quantity::time(median),
        times.len(),
        work.elements,
        if work.elements == 1 { "" } else { "s" },
        rate(work.elements),
        rate(work.bytes) / 1e9,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_count_once() {
        let arrays = [(DType::F64, &[4000, 1][..]), (DType::U8, &[3]), (DType::F32, &[])];
        let work = Work::of_arrays(arrays.into_iter());
        assert_eq!((work.elements, work.bytes), (4000, 32_007));
        assert_eq!(Work::of_arrays([].into_iter()).elements, 1);
    }

    #[test]
    fn a_report() {
        let times = [1, 2, 3].map(Duration::from_millis);
        let work = Work { elements: 1_000_000, bytes: 16_000_000 };
        let text = report(Duration::from_micros(210), &times, &work);
        let want = "compile  210 µs\nrun      1.00 ms at best, 2.00 ms in the median of 3 runs\n         \
                    1000000 elements at 1.00e9 a second, 16.000 GB/s read and written\n";
        assert_eq!(text, want);
        let one = report(Duration::ZERO, &times, &Work { elements: 1, bytes: 8 });
        assert!(one.contains(" 1 element at "), "{one}");
    }
}
