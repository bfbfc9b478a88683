//! Groups of passes that run block by block give the bits of separate passes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hotloop::io::Source;
use hotloop::ndarray::{Array2, ArrayD, Axis, s};
use hotloop::{Arg, ArgType, Backend, DType, Engine, Out, RunOptions};

const SOFTMAX: &str =
    "e = exp(x - max(x, axis=-1, keepdims=True)); e / sum(e, axis=-1, keepdims=True)";
const NORM: &str = "m = mean(x, axis=-1, keepdims=True); v = var(x, axis=-1, keepdims=True); (x - m) / sqrt(v + 1e-5)";
const CENTRED: &str = "x - mean(x, axis=-1)[:, None], sum(x, axis=-1)";
/// Several short rows are computed together, with one row repeated for all of them.
const SHORT_ROWS: &str = "sum(x * 2 + 1, axis=0), max(-x, axis=0), x * x[0], sum(x**2)";
const COLUMNS: &str = "(x - mean(x, axis=0)) / std(x, axis=0)";

fn data(rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        ((i * 7919 + j * 104_729) % 1009) as f64 / 64.0 - 5.0
    })
}

fn bits(arrays: &[ArrayD<f64>]) -> Vec<u64> {
    arrays.iter().flatten().map(|x| x.to_bits()).collect()
}

fn eval(engine: &Engine, text: &str, x: Arg<'_>) -> Vec<ArrayD<f64>> {
    let mut outputs = engine.compile(text).unwrap().eval([x]).unwrap();
    (0..outputs.len()).map(|i| outputs.take::<f64>(i).unwrap()).collect()
}

#[test]
fn rows_have_the_bits_of_whole_passes() {
    let oracle = Engine::builder().backend(Backend::Interpreter).build();
    let engines: Vec<Engine> = [(Backend::Native, 1), (Backend::Native, 2), (Backend::Portable, 2)]
        .map(|(backend, threads)| {
            Engine::builder().backend(backend).threads(threads).eager().build()
        })
        .into();
    for text in [SOFTMAX, NORM, CENTRED, COLUMNS, SHORT_ROWS] {
        let small = [(1, 9), (2, 1), (3, 4), (37, 5), (300, 100), (65, 4100), (5000, 3)];
        for shape in small.into_iter().chain([(9000, 140), (20_011, 8), (1000, 17)]) {
            let x = data(shape.0, shape.1);
            let turned = x.t().as_standard_layout().into_owned();
            for view in [x.view(), turned.t(), x.slice(s![..;-1, ..]), x.slice(s![.., ..;2])] {
                let wanted = bits(&eval(&oracle, text, Arg::from(&view)));
                for engine in &engines {
                    let got = bits(&eval(engine, text, Arg::from(&view)));
                    assert!(got == wanted, "{text} of {shape:?}, strides {:?}", view.strides());
                }
            }
        }
    }
}

/// The output overlaps the input, element for element or shifted by a row.
#[test]
fn rows_are_read_before_they_are_overwritten() {
    for threads in [1, 2] {
        let engine = Engine::builder().backend(Backend::Native).threads(threads).eager().build();
        let program = engine.compile(SOFTMAX).unwrap();
        let x = data(301, 90);
        let wanted = eval(&engine, SOFTMAX, Arg::from(&x.slice(s![..300, ..])));
        let mut same = x.slice(s![..300, ..]).to_owned();
        let mut outs = [Out::inout("x", &mut same)];
        program.eval_into([] as [(&str, Arg<'_>); 0], &mut outs).unwrap();
        assert!(same.into_dyn() == wanted[0], "in place on {threads}");

        let mut moved = x.clone();
        let (rows, row) = (moved.len_of(Axis(0)) - 1, moved.len_of(Axis(1)));
        let pointer = moved.as_mut_ptr();
        let shape = [rows, row];
        let strides = [row as isize * 8, 8];
        // SAFETY: the rows are inside `moved`, which outlives the call; their overlap is what this
        // tests.
        let (from, to) = unsafe {
            (
                Arg::raw(pointer.cast(), &shape, &strides, DType::F64),
                Out::raw(pointer.wrapping_add(row).cast(), &shape, &strides, DType::F64),
            )
        };
        program.eval_into([("x", from)], &mut [to]).unwrap();
        assert!(moved.slice(s![1.., ..]).into_dyn() == wanted[0], "moved on {threads}");
    }
}

/// If passes run row by row, a value of each element needs memory for a few rows only.
#[test]
fn rows_run_together_on_any_number_of_threads() {
    for threads in [1, 2] {
        let engine = Engine::builder().backend(Backend::Native).threads(threads).eager().build();
        for shape in [(300, 300), (9000, 140)] {
            let program = engine.compile(SOFTMAX).unwrap().with(RunOptions::new().stats(true));
            let outputs = program.eval([Arg::from(&data(shape.0, shape.1))]).unwrap();
            let stats = outputs.report().stats().unwrap();
            let (arrays, bytes) = (stats.temporary_arrays, stats.temporary_bytes);
            assert_eq!((arrays, bytes), (2, 16 * shape.0 as u64), "{shape:?} on {threads}");
            // Elements in the cache are not read again.
            assert_eq!(stats.bytes_read(), 8 * (shape.0 * shape.1) as u64);
        }
    }
}

#[test]
fn plans_say_which_passes_run_together() {
    let shape = ArgType::array(DType::F64);
    let explain = |text: &str| hotloop::compile(text).unwrap().explain(&[("x", shape)]).unwrap();
    assert_eq!(explain(SOFTMAX).matches("row by row with pass 0").count(), 2);
    assert_eq!(explain(NORM).matches("row by row with pass 0").count(), 2);
    assert!(!explain("x / sum(x)").contains("row by row"));
    // A value computed for a sum along one axis is reused by the passes along another.
    let both = explain("y = x / sum(x, axis=0); y - mean(y, axis=1, keepdims=True)");
    assert!(!both.contains("with pass 0") && both.contains("row by row with pass 1"), "{both}");
    assert_eq!(both.matches(" / array0\n").count(), 0, "{both}");
    assert_eq!(both.matches("v0 / v1\n").count(), 1, "{both}");
    // A costly value is computed once, a cheap one is recomputed.
    assert_eq!(explain(SOFTMAX).matches(" = exp(").count(), 1);
    assert_eq!(explain(NORM).matches("few rows").count(), 0);
}

/// An array outside memory that counts the bytes read from it.
struct Counted {
    data: Array2<f64>,
    read: AtomicU64,
}

impl Source for Counted {
    fn dtype(&self) -> DType {
        DType::F64
    }

    fn shape(&self) -> &[usize] {
        self.data.shape()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let data = self.data.as_slice().ok_or_else(|| io::Error::other("C order"))?;
        let elements = data.iter().skip(offset as usize / 8);
        assert!(offset.is_multiple_of(8) && bytes.len().is_multiple_of(8), "whole elements");
        bytes.chunks_exact_mut(8).zip(elements).for_each(|(to, x)| {
            to.copy_from_slice(&x.to_le_bytes());
        });
        Ok(())
    }
}

#[test]
fn a_source_is_read_once_row_by_row() {
    let data = data(700, 600);
    let bytes = data.len() as u64 * 8;
    for threads in [1, 2] {
        let engine = Engine::builder().threads(threads).eager().build();
        for text in [SOFTMAX, NORM] {
            let wanted = eval(&engine, text, Arg::from(&data));
            let source = Arc::new(Counted { data: data.clone(), read: AtomicU64::new(0) });
            let options = RunOptions::new().memory(1 << 20);
            let program = engine.compile(text).unwrap().with(options);
            let got = program.eval_as::<f64>([Arg::source(&source)]).unwrap();
            assert!(got == wanted[0], "{text} on {threads}");
            assert_eq!(source.read.load(Ordering::Relaxed), bytes, "{text} on {threads}");
        }
    }
}
