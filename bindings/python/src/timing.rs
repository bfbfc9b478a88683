//! What benches ask for: runs that are timed in Rust, for comparisons with calls from Python.

use std::time::Instant;

use hotloop::threads::Isa;
use hotloop::{Arg, Out};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::errors;
use crate::numpy::Array;
use crate::program::Program;
use crate::watch::detached;

/// The name of the instruction set that programs are compiled for.
#[pyfunction(name = "_isa")]
pub fn isa() -> &'static str {
    Isa::available().last().unwrap_or(Isa::detect()).name()
}

/// The seconds of some runs of a program in Rust, after one that is not counted. Inputs and outputs are
/// plain arrays.
#[pyfunction(name = "_seconds")]
pub fn seconds(
    py: Python<'_>,
    program: &Bound<'_, Program>,
    inputs: Vec<Bound<'_, PyAny>>,
    outputs: Vec<Bound<'_, PyAny>>,
    runs: usize,
) -> PyResult<f64> {
    let program = program.get();
    let array = |object: &Bound<'_, PyAny>| {
        // SAFETY: the objects are held until the end.
        let array: Option<&Array> = unsafe { program.numpy.exact(object.as_ptr()) };
        let known = array.and_then(|array| Some((array, array.dtype()?)));
        match known {
            Some((array, (dtype, false))) => Ok((array, dtype)),
            _ => Err(PyTypeError::new_err("only plain arrays of numbers are timed")),
        }
    };
    let (mut args, mut outs) = (Vec::new(), Vec::new());
    for object in &inputs {
        let (array, dtype) = array(object)?;
        // SAFETY: the array is held until the end.
        args.push(unsafe { Arg::raw(array.data, array.extents(), array.strides(), dtype) });
    }
    for object in &outputs {
        let (array, dtype) = array(object)?;
        if !array.is_writeable() {
            return Err(PyTypeError::new_err("an output is read-only"));
        }
        // SAFETY: as above.
        outs.push(unsafe { Out::raw(array.data, array.extents(), array.strides(), dtype) });
    }
    let run = || {
        let mut bound = program.program.bind(&args[..], outs)?;
        bound.run()?;
        let started = Instant::now();
        for _ in 0..runs {
            bound.run()?;
        }
        Ok(started.elapsed().as_secs_f64())
    };
    detached(py, run).map_err(|e: hotloop::Error| errors::call(&e))
}
