//! The class of compiled programs.

use std::ffi::{CString, c_int, c_void};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hotloop::types::Kind;
use hotloop::{ArgType, CancelToken, DType, Engine, Mode, Order};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::call;
use crate::errors;
use crate::numpy::Numpy;
use crate::record::Records;

/// The options of a program, from which it can be compiled again.
pub struct Options {
    /// The floating-point mode.
    pub fp: Mode,
    /// The number of threads; the default of the process if `None`.
    pub threads: Option<usize>,
    /// The limit on memory of runs over arrays outside memory.
    pub memory: Option<usize>,
    /// The order of fresh outputs.
    pub order: Order,
}

/// How several results are returned.
pub enum Results {
    /// One result, as it is.
    One,
    /// An object of this class, which is called with a tuple, of so many results.
    Tuple(Py<PyAny>, usize),
    /// A dict with these keys.
    Dict(Vec<Py<PyAny>>),
}

impl Results {
    /// The number of results.
    #[inline]
    pub fn count(&self) -> usize {
        match self {
            Results::One => 1,
            Results::Tuple(_, count) => *count,
            Results::Dict(keys) => keys.len(),
        }
    }
}

/// The base of the class `Program`, which adds the vector call that PyO3 has not.
#[pyclass(subclass, frozen, name = "_Program", module = "hotloop._hotloop")]
pub struct Program {
    /// The compiled program.
    pub program: hotloop::Program,
    /// NumPy.
    pub numpy: &'static Numpy,
    /// The module `hotloop._arrays`.
    pub arrays: Py<PyAny>,
    /// The names of the inputs, interned.
    pub names: Vec<Py<PyString>>,
    /// The string `out`, interned.
    pub out: Py<PyString>,
    /// How results are returned.
    pub results: Results,
    /// The options.
    pub options: Options,
    /// Records of calls.
    pub records: Records,
}

/// Engines by mode and number of threads; programs with equal options share threads and caches.
static ENGINES: Mutex<Vec<(Mode, usize, Engine)>> = Mutex::new(Vec::new());

/// The most threads of an engine.
const MOST_THREADS: usize = 1024;

fn engine(fp: Mode, threads: usize) -> PyResult<Engine> {
    let failed = |_| PyRuntimeError::new_err("an engine could not be made");
    let mut engines = ENGINES.lock().map_err(failed)?;
    if let Some((.., engine)) =
        engines.iter().find(|(mode, count, _)| (*mode, *count) == (fp, threads))
    {
        return Ok(engine.clone());
    }
    let engine = Engine::builder().mode(fp).threads(threads).build();
    engines.push((fp, threads, engine.clone()));
    Ok(engine)
}

/// The number of threads that the environment asks for, or that the process may use.
fn default_threads() -> usize {
    let wanted = |name| std::env::var(name).ok()?.trim().parse().ok().filter(|n: &usize| *n > 0);
    let asked = wanted("HOTLOOP_NUM_THREADS").or_else(|| wanted("OMP_NUM_THREADS"));
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.unwrap_or_else(all).min(MOST_THREADS)
}

impl Program {
    /// The number of the input of this name.
    pub fn input(&self, name: &str) -> Option<usize> {
        self.program.inputs().position(|input| input == name)
    }

    /// An output as messages name it.
    pub fn output_name(&self, py: Python<'_>, number: usize) -> Py<PyAny> {
        let name = self.program.outputs().nth(number).flatten();
        let name = name.map_or_else(|| format!("output {number}"), str::to_string);
        PyString::new(py, &name).into_any().unbind()
    }

    /// The types of inputs given as pairs of a dtype and a kind: an array of the shape class of
    /// this number, -1 for a single element, -2 for a Python number.
    fn kernel(&self, types: Vec<(String, i64)>) -> PyResult<hotloop::Kernel> {
        let mut list = Vec::with_capacity(types.len());
        for ((dtype, class), name) in types.iter().zip(self.program.inputs()) {
            let unknown = |_| PyValueError::new_err(format!("unknown dtype {dtype:?}"));
            let dtype: DType = dtype.parse().map_err(unknown)?;
            let ty = match class {
                -2 => ArgType::weak(match dtype {
                    DType::Bool => Kind::Bool,
                    DType::F64 => Kind::Float,
                    _ => Kind::Int,
                }),
                -1 => ArgType::scalar(dtype),
                _ => ArgType::array_of_shape(dtype, (*class).clamp(0, 255) as u8)
                    .map_err(|e| errors::call(&e))?,
            };
            list.push((name, ty));
        }
        self.program.specialize(&list).map_err(|e| errors::call(&e))
    }
}

#[pymethods]
impl Program {
    #[new]
    #[pyo3(signature = (text, *, fp = "strict", threads = None, memory = None, order = "K"))]
    fn new(
        py: Python<'_>,
        text: &str,
        fp: &str,
        threads: Option<i64>,
        memory: Option<i64>,
        order: &str,
    ) -> PyResult<Program> {
        let modes = "fp must be 'strict', 'contract' or 'fast'";
        let fp: Mode =
            fp.parse().map_err(|_| PyValueError::new_err(format!("{modes}, not {fp:?}")))?;
        let positive = |what: &str, n: Option<i64>| match n {
            Some(n) if n < 1 => {
                Err(PyValueError::new_err(format!("{what} must be at least 1, not {n}")))
            }
            n => Ok(n.map(|n| n as usize)),
        };
        let threads = positive("threads", threads)?.map(|n| n.min(MOST_THREADS));
        let memory = positive("memory", memory)?;
        let order = call::order(order)?;
        let engine = engine(fp, threads.unwrap_or_else(default_threads))?;
        let program = crate::watch::detached(py, || engine.compile(text));
        let program = program.map_err(|error| errors::compilation(&error))?;
        let arrays = py.import("hotloop._arrays")?;
        let outputs: Vec<Option<&str>> = program.outputs().collect();
        let results = match outputs.len() {
            1 => Results::One,
            count => {
                let class = py
                    .import("hotloop._results")?
                    .call_method1("results_type", (outputs.clone(),))?;
                if class.is_none() {
                    let key = |(i, name): (usize, &Option<&str>)| match name {
                        Some(name) => Ok(PyString::new(py, name).into_any().unbind()),
                        None => Ok(i.into_pyobject(py)?.into_any().unbind()),
                    };
                    Results::Dict(outputs.iter().enumerate().map(key).collect::<PyResult<_>>()?)
                } else {
                    Results::Tuple(class.unbind(), count)
                }
            }
        };
        let names = program.inputs().map(|name| PyString::intern(py, name).unbind()).collect();
        Ok(Program {
            numpy: Numpy::get(py)?,
            arrays: arrays.into_any().unbind(),
            names,
            out: PyString::intern(py, "out").unbind(),
            results,
            options: Options { fp, threads, memory, order },
            records: Records::default(),
            program,
        })
    }

    /// The program's text.
    #[getter]
    fn text(&self) -> &str {
        self.program.text()
    }

    /// The names of the inputs, in order of first use.
    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.names)
    }

    /// The names of the outputs; None for one without a name.
    #[getter]
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.program.outputs())
    }

    /// The options that differ from the defaults.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let Options { fp, threads, memory, order } = &self.options;
        let dict = PyDict::new(py);
        if *fp != Mode::default() {
            dict.set_item("fp", fp.name())?;
        }
        if let Some(threads) = threads {
            dict.set_item("threads", threads)?;
        }
        if let Some(memory) = memory {
            dict.set_item("memory", memory)?;
        }
        match order {
            Order::C => dict.set_item("order", "C")?,
            Order::F => dict.set_item("order", "F")?,
            _ => {}
        }
        Ok(dict)
    }

    /// The plan as text, or as an SVG picture, for inputs of these types.
    fn _explained(&self, types: Vec<(String, i64)>, svg: bool) -> PyResult<String> {
        let kernel = self.kernel(types)?;
        Ok(if svg { kernel.explain_svg() } else { kernel.explain() })
    }

    /// Calls the program; the token stops it.
    fn _run(
        &self,
        py: Python<'_>,
        token: &Token,
        args: &Bound<'_, PyTuple>,
        named: &Bound<'_, PyDict>,
    ) -> PyResult<Py<PyAny>> {
        self.call_with(py, args, Some(named), Some(&token.0))
    }
}

/// Stops a run from another thread.
#[pyclass(frozen, name = "_Token", module = "hotloop._hotloop")]
pub struct Token(CancelToken);

#[pymethods]
impl Token {
    #[new]
    fn new() -> Token {
        Token(CancelToken::new())
    }

    /// Stops every run that has the token.
    fn cancel(&self) {
        self.0.cancel();
    }
}

/// The class `Program`: the base class with a vector call.
pub fn class<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyType>> {
    let base = py.get_type::<Program>();
    let size: usize = base.getattr("__basicsize__")?.extract()?;
    SIZE.store(size, Ordering::Relaxed);
    let members = Box::leak(Box::new([
        ffi::PyMemberDef {
            name: c"__vectorcalloffset__".as_ptr(),
            type_code: ffi::Py_T_PYSSIZET,
            offset: size as isize,
            flags: ffi::Py_READONLY,
            doc: std::ptr::null(),
        },
        ffi::PyMemberDef {
            name: std::ptr::null(),
            type_code: 0,
            offset: 0,
            flags: 0,
            doc: std::ptr::null(),
        },
    ]));
    let slot = |slot, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
    let doc = CString::new(DOC)?;
    let mut slots = [
        slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
        slot(ffi::Py_tp_call, call::call as *mut c_void),
        slot(ffi::Py_tp_new, new as *mut c_void),
        slot(ffi::Py_tp_doc, doc.as_ptr().cast_mut().cast()),
        slot(0, std::ptr::null_mut()),
    ];
    let mut spec = ffi::PyType_Spec {
        name: c"hotloop.Program".as_ptr(),
        basicsize: (size + size_of::<usize>()) as c_int,
        itemsize: 0,
        flags: ffi::Py_TPFLAGS_DEFAULT as u32 | call::HAVE_VECTORCALL as u32,
        slots: slots.as_mut_ptr(),
    };
    let bases = PyTuple::new(py, [base])?;
    // SAFETY: the specification is whole; members and the class's name are never freed, and the
    // documentation is copied.
    unsafe {
        let class = ffi::PyType_FromSpecWithBases(&mut spec, bases.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(py, class)?.cast_into_unchecked())
    }
}

/// The size of an object of the base class, behind which the vector call is.
static SIZE: AtomicUsize = AtomicUsize::new(0);

/// Makes an object of the class `Program`.
///
/// # Safety
/// As Python calls it.
unsafe extern "C" fn new(
    class: *mut ffi::PyTypeObject,
    args: *mut ffi::PyObject,
    named: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    Python::attach(|py| {
        let base = py.get_type::<Program>();
        // SAFETY: the class is derived from the base, whose `new` makes the object, with room for an
        // address behind it.
        unsafe {
            let make = ffi::PyType_GetSlot(base.as_type_ptr(), ffi::Py_tp_new);
            if make.is_null() {
                PyRuntimeError::new_err("a program cannot be made").restore(py);
                return std::ptr::null_mut();
            }
            let make: ffi::newfunc = std::mem::transmute(make);
            let object = make(class, args, named);
            if !object.is_null() {
                let size = SIZE.load(Ordering::Relaxed);
                object.byte_add(size).cast::<VectorCall>().write(call::vectorcall);
            }
            object
        }
    })
}

type VectorCall = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

const DOC: &str = "A compiled program, which is called with arrays.

`program(a, b)` takes the inputs in the order of `program.inputs`, `program(a=a, b=b)` by name; arrays
that the program does not read are ignored by name. `out=` takes an array, or a tuple or dict of arrays
for several outputs; `order=` is the memory order of fresh outputs, 'K', 'C' or 'F'; `progress=` is True
or a function of the numbers of elements done and in total.

One output is returned as it is, several as a named tuple. Python numbers are weak, as NumPy's rules
for them say; NumPy scalars keep their dtype. Calls from several threads run side by side.";
