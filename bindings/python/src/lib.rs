//! The Python package hotloop: the extension module `hotloop._hotloop`.
//!
//! A call goes through `call`, which turns arguments into addresses, finds the `record` of an earlier
//! call with the same dtypes, shapes and strides, and runs its kernel under `watch`. `numpy` is the C
//! interface of NumPy, `errors` maps errors to exceptions, `program` is the class. `stream` is
//! that of streams, whose batches `rows` and `keys` describe; `timing` is for benches. What is not part of a
//! call is written in Python.

mod call;
mod errors;
mod keys;
mod numpy;
mod program;
mod record;
mod rows;
mod stream;
mod timing;
mod watch;

use pyo3::prelude::*;

/// A function: its names, signature, documentation, error bound in ulp, and whether it is a reduction.
type Row = (Vec<&'static str>, String, &'static str, Option<f32>, bool);

/// The functions of the language.
#[pyfunction]
fn functions() -> Vec<Row> {
    let row = |f: hotloop::FunctionInfo| {
        (f.names().collect(), f.signature.clone(), f.about, f.ulp, f.is_reduction)
    };
    hotloop::functions().map(row).collect()
}

#[pymodule]
fn _hotloop(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    numpy::Numpy::get(py)?;
    module.add("CompileError", py.get_type::<errors::CompileError>())?;
    module.add("Cancelled", py.get_type::<errors::Cancelled>())?;
    module.add("Program", program::class(py)?)?;
    module.add_class::<program::Token>()?;
    module.add_class::<stream::Stream>()?;
    module.add_function(wrap_pyfunction!(functions, module)?)?;
    module.add_function(wrap_pyfunction!(timing::seconds, module)?)?;
    module.add_function(wrap_pyfunction!(timing::isa, module)?)?;
    Ok(())
}
