//! The class of streams: programs whose rows arrive batch by batch.

use std::sync::{Mutex, MutexGuard, TryLockError};

use hotloop::{Arg, DType, KeyedStream, Keys, Out, Output, Outputs};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use smallvec::SmallVec;

use crate::call::{Object, Outs, Settings};
use crate::errors;
use crate::keys::{KeyList, part_of};
use crate::numpy::Array;
use crate::program::Program;
use crate::record::{Few, Value, exact_number};
use crate::rows::{Batch, Like, Part, Target};
use crate::watch::detached;

/// The most elements of a push that keeps the interpreter's lock.
const SHORT: usize = 1_000;
/// The most elements that are pushed without a look at signals.
const PART: usize = 1 << 19;
/// The same of keyed rows, which take longer.
const KEYED_PART: usize = 1 << 16;

/// A program whose rows arrive batch by batch; `Program.stream` makes one.
///
/// Windows, running sums and shifts go on where the batch before ended: the results have the bits of
/// one call with all rows at once. One push runs at a time.
#[pyclass(frozen, name = "Stream", module = "hotloop")]
pub struct Stream {
    program: Py<Program>,
    axis: i64,
    state: Mutex<State>,
}

/// What a stream knows, and the states of its rows.
#[derive(Default)]
struct State {
    /// The inputs; none before they are known.
    likes: Vec<Like>,
    running: Running,
    /// Whether it is past the first row.
    begun: bool,
    /// The shapes of the outputs of the last batch, by its number of rows and its strides.
    outputs: Option<(usize, Few<isize>, Vec<hotloop::OutputShape>)>,
    /// Empty lists, whose memory is used again.
    lists: (Vec<Arg<'static>>, Vec<Out<'static>>),
}

/// The states of rows.
#[derive(Default)]
enum Running {
    #[default]
    None,
    Plain(Box<hotloop::Stream>),
    Keyed(Box<KeyedStream>),
}

/// A state that can be taken back.
trait Saved {
    fn save(&mut self) -> Vec<u8>;
    fn go_back(&mut self, snapshot: &[u8]) -> hotloop::Result<()>;
}

impl Saved for hotloop::Stream {
    fn save(&mut self) -> Vec<u8> {
        self.snapshot()
    }

    fn go_back(&mut self, snapshot: &[u8]) -> hotloop::Result<()> {
        self.restore(snapshot)
    }
}

impl Saved for KeyedStream {
    fn save(&mut self) -> Vec<u8> {
        self.snapshot()
    }

    fn go_back(&mut self, snapshot: &[u8]) -> hotloop::Result<()> {
        self.restore(snapshot)
    }
}

impl Running {
    fn output_axes(&self) -> &[usize] {
        match self {
            Running::None => &[],
            Running::Plain(stream) => stream.output_axes(),
            Running::Keyed(stream) => stream.output_axes(),
        }
    }

    fn snapshot(&mut self) -> Vec<u8> {
        match self {
            Running::None => Vec::new(),
            Running::Plain(stream) => stream.snapshot(),
            Running::Keyed(stream) => stream.snapshot(),
        }
    }

    fn restore(&mut self, bytes: &[u8]) -> hotloop::Result<()> {
        match self {
            Running::None => Ok(()),
            Running::Plain(stream) => stream.restore(bytes),
            Running::Keyed(stream) => stream.restore(bytes),
        }
    }
}

#[pymethods]
impl Stream {
    #[new]
    fn new(program: Py<Program>, axis: i64) -> Stream {
        Stream { program, axis, state: Mutex::default() }
    }

    /// Takes the dtypes and extents of batches from arguments like those of each.
    #[pyo3(signature = (*args, **named))]
    fn _prepare(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let mut state = self.lock()?;
        let program = self.program.get();
        let given = Given::new(py, program, args, named, &[])?;
        let likes = Like::of(py, program, &given.values, self.axis)?;
        let plain = self.plain(py, &likes)?;
        *state = State { likes, running: Running::Plain(plain), ..State::default() };
        Ok(())
    }

    /// Computes the outputs of the next rows.
    ///
    /// Arguments are batches, or single rows: arrays without the axis of rows, and numbers of one-
    /// dimensional inputs; the results have that axis, or not, as the arguments. The first push decides
    /// the dtypes and extents, unless `Program.stream` was given arrays; if no array has the axis, it is
    /// a single row. `out=` takes an array, or a tuple or dict for several outputs, as calls do.
    ///
    /// After an error the state is as it was.
    #[pyo3(signature = (*args, **named))]
    fn push(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let mut state = self.lock()?;
        let program = self.program.get();
        let given = Given::new(py, program, args, named, &state.likes)?;
        self.ready(py, &mut state, &given.values)?;
        if let Running::Keyed(_) = state.running {
            if state.begun {
                return Err(PyTypeError::new_err("the stream has keys: use push_keyed(keys, ..)"));
            }
            state.running = Running::Plain(self.plain(py, &state.likes)?);
        }
        self.pushed(py, &mut state, &given, None)
    }

    /// As `push`, of rows that each have a key, with a state for each key.
    ///
    /// Keys are an array, a list or a column of integers, bytes or strings (a string is its UTF-8
    /// bytes), or one key of a single row. Results are in the order of the rows.
    #[pyo3(signature = (keys, /, *args, **named))]
    fn push_keyed(
        &self,
        py: Python<'_>,
        keys: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let mut state = self.lock()?;
        let program = self.program.get();
        let (keys, single) = KeyList::new(program, keys)?;
        let given = Given::new(py, program, args, named, &state.likes)?;
        self.ready(py, &mut state, &given.values)?;
        if let Running::Plain(_) = state.running {
            if state.begun {
                return Err(PyTypeError::new_err("the stream has no keys: use push(..)"));
            }
            state.running = Running::Keyed(self.keyed(py, &state.likes)?);
        }
        let texts = keys.texts()?;
        let list = keys.integers(program).map_or(Keys::Bytes(&texts), Keys::Integers);
        let batch = Batch::new(&state.likes, &given.values);
        if single != batch.single {
            let [keys, rows] =
                [single, batch.single].map(|one| if one { "one" } else { "several" });
            return Err(PyValueError::new_err(format!(
                "keys are of {keys} and arguments of {rows} rows"
            )));
        }
        self.pushed(py, &mut state, &given, Some(&list))
    }

    /// The state as bytes, from which `restore` goes on, also in another process.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let mut state = self.lock()?;
        if let Running::None = state.running {
            return Err(PyValueError::new_err(NOT_KNOWN));
        }
        let bytes = detached(py, || state.running.snapshot());
        Ok(PyBytes::new(py, &bytes))
    }

    /// Replaces the state by that of a snapshot of a stream of the same program, dtypes and extents.
    fn restore(&self, py: Python<'_>, snapshot: &[u8]) -> PyResult<()> {
        let mut state = self.lock()?;
        let restored = match &mut state.running {
            Running::None => return Err(PyValueError::new_err(NOT_KNOWN)),
            running => running.restore(snapshot),
        };
        if let Err(error) = restored {
            // Before the first row it may be of either kind.
            let mut other = match state.running {
                _ if state.begun => return Err(errors::call(&error)),
                Running::Keyed(_) => Running::Plain(self.plain(py, &state.likes)?),
                _ => Running::Keyed(self.keyed(py, &state.likes)?),
            };
            if other.restore(snapshot).is_err() {
                return Err(errors::call(&error));
            }
            state.running = other;
        }
        state.begun = true;
        Ok(())
    }

    /// The program.
    #[getter]
    fn program(&self, py: Python<'_>) -> Py<Program> {
        self.program.clone_ref(py)
    }

    /// The axis along which rows arrive.
    #[getter]
    fn axis(&self) -> i64 {
        self.axis
    }

    /// The number of rows so far, those before a restored snapshot included.
    #[getter]
    fn rows(&self) -> PyResult<u64> {
        Ok(match &self.lock()?.running {
            Running::None => 0,
            Running::Plain(stream) => stream.rows(),
            Running::Keyed(stream) => stream.rows(),
        })
    }

    /// The number of keys so far; None of a stream without keys.
    #[getter]
    fn keys(&self) -> PyResult<Option<usize>> {
        Ok(match &self.lock()?.running {
            Running::Keyed(stream) => Some(stream.keys()),
            _ => None,
        })
    }

    /// The number of earlier rows that a row of the outputs depends on; None if it depends on all.
    #[getter]
    fn reach(&self, py: Python<'_>) -> PyResult<Option<usize>> {
        let state = self.lock()?;
        match &state.running {
            Running::None => Err(PyValueError::new_err(NOT_KNOWN)),
            Running::Plain(stream) => Ok(stream.reach()),
            Running::Keyed(_) => Ok(self.plain(py, &state.likes)?.reach()),
        }
    }

    /// The bytes of memory of the state.
    #[getter]
    fn state_bytes(&self) -> PyResult<usize> {
        Ok(match &self.lock()?.running {
            Running::None => 0,
            Running::Plain(stream) => stream.state_bytes(),
            Running::Keyed(stream) => stream.state_bytes(),
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let program = self.program.bind(py).repr()?;
        let rows = match (self.rows(), self.keys()) {
            (Ok(rows), Ok(Some(keys))) => format!(" of {rows} rows, {keys} keys"),
            (Ok(rows), Ok(None)) => format!(" of {rows} rows"),
            _ => ", in a push".to_string(),
        };
        Ok(format!("<{program}.stream(axis={}){rows}>", self.axis))
    }

    /// A pickle is the program, what batches look like, and a snapshot.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let restore = py.import("hotloop._program")?.getattr("_restore_stream")?;
        let mut state = self.lock()?;
        let like = |like: &Like| {
            let shape = like.shape.as_ref().map(|shape| PyTuple::new(py, shape)).transpose()?;
            (like.dtype.to_string(), shape).into_pyobject(py)
        };
        let likes = state.likes.iter().map(like).collect::<PyResult<Vec<_>>>()?;
        let snapshot = match state.running {
            Running::None => None,
            _ => Some(PyBytes::new(py, &detached(py, || state.running.snapshot()))),
        };
        let parts = (self.program.clone_ref(py), self.axis, PyList::new(py, likes)?, snapshot);
        Ok((restore, parts.into_pyobject(py)?))
    }
}

const NOT_KNOWN: &str = "the stream has seen no rows, so that its dtypes are not known: give arrays \
                         like those of batches to program.stream(..)";

/// The arguments of a push.
struct Given<'a> {
    values: Few<Value<'a>>,
    outs: Outs<'a>,
    /// What was made of arguments.
    _held: SmallVec<[Py<PyAny>; 2]>,
    _named: Vec<Bound<'a, PyAny>>,
}

impl<'a> Given<'a> {
    #[inline(always)]
    fn new(
        py: Python<'a>,
        program: &Program,
        args: &'a Bound<'a, PyTuple>,
        named: Option<&Bound<'a, PyDict>>,
        likes: &[Like],
    ) -> PyResult<Given<'a>> {
        let placed: Few<Object> = args.iter_borrowed().map(|item| item.as_ptr()).collect();
        let (mut names, mut holds) = (Vec::new(), Vec::new());
        for (name, value) in named.into_iter().flatten() {
            names.push(name);
            holds.push(value);
        }
        let pointers: Few<Object> = holds.iter().map(Bound::as_ptr).collect();
        let names = (!names.is_empty()).then(|| PyTuple::new(py, names)).transpose()?;
        let names = names.as_ref().map_or(std::ptr::null_mut(), Bound::as_ptr);
        let mut held = SmallVec::new();
        // SAFETY: the arguments are held by the caller and by the result, as what is made of them.
        unsafe {
            let (mut given, mut settings) = (Few::new(), Settings::default());
            let (mut values, mut outs) = (Few::new(), Outs::default());
            let named = (names, &pointers[..]);
            let out = program.arranged(py, &placed, named, &mut given, &mut settings)?;
            if settings.order.is_some() || settings.progress.is_some() {
                return Err(PyTypeError::new_err("a push takes neither order= nor progress="));
            }
            for (object, like) in given.iter_mut().zip(likes) {
                // A number of float64, such as an element of an array, is a row as a float is.
                let is_row = like.dtype == DType::F64
                    && like.axis.is_some()
                    && like.shape.as_ref().is_some_and(|shape| shape.len() == 1);
                if is_row
                    && !object.is_null()
                    && exact_number(*object).is_none()
                    && ffi::PyFloat_Check(*object) != 0
                {
                    let float = ffi::PyFloat_FromDouble(ffi::PyFloat_AsDouble(*object));
                    held.push(Bound::from_owned_ptr_or_err(py, float)?.unbind());
                    *object = float;
                }
            }
            program.values(py, &given, &mut held, &mut values)?;
            program.outs(py, out, &mut outs)?;
            Ok(Given { values, outs, _held: held, _named: holds })
        }
    }
}

impl Stream {
    /// The state. A push that another thread has begun, or the caller of a signal handler, is not
    /// waited for.
    fn lock(&self) -> PyResult<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Ok(state),
            // An error leaves the state whole.
            Err(TryLockError::Poisoned(state)) => Ok(state.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(PyRuntimeError::new_err("the stream is in use: one push runs at a time"))
            }
        }
    }

    fn plain(&self, py: Python<'_>, likes: &[Like]) -> PyResult<Box<hotloop::Stream>> {
        let program = self.program.get();
        let args: Vec<Arg<'static>> = likes.iter().map(Like::arg).collect();
        let program = program.program.with(program.run_options());
        let made = detached(py, || program.stream(&args, self.axis));
        made.map(Box::new).map_err(|e| errors::call(&e))
    }

    fn keyed(&self, py: Python<'_>, likes: &[Like]) -> PyResult<Box<KeyedStream>> {
        let program = self.program.get();
        let args: Vec<Arg<'static>> = likes.iter().map(Like::arg).collect();
        let program = program.program.with(program.run_options());
        let made = detached(py, || program.keyed_stream(&args, self.axis));
        made.map(Box::new).map_err(|e| errors::call(&e))
    }

    /// Makes the stream for the first batch.
    fn ready(&self, py: Python<'_>, state: &mut State, values: &[Value<'_>]) -> PyResult<()> {
        if let Running::None = state.running {
            let likes = Like::of(py, self.program.get(), values, self.axis)?;
            state.running = Running::Plain(self.plain(py, &likes)?);
            state.likes = likes;
        }
        Ok(())
    }

    /// Runs a push, and returns its results.
    fn pushed(
        &self,
        py: Python<'_>,
        state: &mut State,
        given: &Given<'_>,
        keys: Option<&Keys<'_>>,
    ) -> PyResult<Py<PyAny>> {
        let program = self.program.get();
        let State { likes, running, begun, outputs, lists } = state;
        let (args, outs) = lists;
        let batch = Batch::new(likes, &given.values);
        let mut cells: Few<u64> = SmallVec::from_elem(0, likes.len());
        batch.args(py, program, None, &mut cells, args)?;
        // The arrays of outputs.
        let mut objects: Few<Option<Py<PyAny>>> = Few::new();
        let mut targets: Few<Target<'_>> = Few::new();
        let mut numbers: Few<u64> = SmallVec::from_elem(0, program.results.count());
        let numbers = numbers.as_mut_ptr();
        if given.outs.arrays.iter().any(Option::is_none) || keys.is_some() {
            fresh_layouts(py, program, &batch, args, outputs)?;
        }
        let layouts = outputs.as_ref().map_or(&[][..], |(.., layouts)| layouts);
        let axes = Few::from(running.output_axes());
        for (number, axis) in axes.iter().enumerate() {
            match (&given.outs.objects[number], given.outs.arrays[number]) {
                (Some(object), Some(array)) => {
                    let name = || program.output_name(py, number);
                    let (dtype, swapped) = program.dtype(py, array, name)?;
                    let (data, array) = (array.data, Some(array));
                    targets.push(Target { array, data, dtype, swapped });
                    objects.push(Some(object.clone_ref(py)));
                }
                _ if batch.single && layouts[number].shape.len() == 1 => {
                    let data = numbers.wrapping_add(number).cast();
                    let dtype = layouts[number].dtype;
                    targets.push(Target { array: None, data, dtype, swapped: false });
                    objects.push(None);
                }
                _ => {
                    let layout = &layouts[number];
                    let mut shape: Few<isize> = layout.shape.iter().map(|n| *n as isize).collect();
                    let mut strides = Few::from(&*layout.strides);
                    if batch.single {
                        shape.remove(*axis);
                        strides.remove(*axis);
                    }
                    let object = program.numpy.fresh(py, layout.dtype, &shape, &strides)?;
                    // SAFETY: an array that was just made, and is held by `objects`.
                    let array = unsafe { &*object.as_ptr().cast::<Array>() };
                    let (data, dtype) = (array.data, layout.dtype);
                    targets.push(Target { array: Some(array), data, dtype, swapped: false });
                    objects.push(Some(object));
                }
            }
        }
        match (running, keys) {
            (Running::Plain(stream), _) => {
                let run = Run { py, program, batch: &batch, targets: &targets, axes: &axes };
                run.plain(stream, args, outs, &mut cells)?;
            }
            (Running::Keyed(stream), Some(keys)) => {
                check_keyed(program, py, &batch, &targets, layouts, &axes)?;
                let run = Run { py, program, batch: &batch, targets: &targets, axes: &axes };
                run.keyed(stream, keys, args, &mut cells, &objects)?;
            }
            _ => return Err(PyRuntimeError::new_err("a stream without a state")),
        }
        *begun |= batch.rows > 0;
        let mut results: Few<Py<PyAny>> = Few::new();
        for (object, Target { data, dtype, .. }) in objects.into_iter().zip(&targets) {
            results.push(match object {
                Some(object) => object,
                // SAFETY: the push wrote an element of the dtype to the cell.
                None => unsafe { program.numpy.scalar(py, *dtype, *data) }?,
            });
        }
        program.returned(py, results, &given.outs)
    }
}

/// Finds the dtypes, shapes and strides of the outputs of a batch.
fn fresh_layouts(
    py: Python<'_>,
    program: &Program,
    batch: &Batch<'_>,
    args: &[Arg<'static>],
    known: &mut Option<(usize, Few<isize>, Vec<hotloop::OutputShape>)>,
) -> PyResult<()> {
    let mut strides = Few::new();
    if !batch.single {
        for value in batch.values {
            if let Value::Array(array) = value {
                strides.extend_from_slice(array.strides());
                strides.extend_from_slice(array.shape());
            }
        }
    }
    let rows = if batch.single { usize::MAX } else { batch.rows };
    if known.as_ref().is_some_and(|(of, own, _)| *of == rows && *own == strides) {
        return Ok(());
    }
    let options = program.run_options();
    let layouts = detached(py, || program.program.with(options).eval_shape(args));
    *known = Some((rows, strides, layouts.map_err(|e| errors::call(&e))?));
    Ok(())
}

/// Checks the outputs of a push with keys, which are copied after it.
fn check_keyed(
    program: &Program,
    py: Python<'_>,
    batch: &Batch<'_>,
    targets: &[Target<'_>],
    layouts: &[hotloop::OutputShape],
    axes: &[usize],
) -> PyResult<()> {
    for (number, (Target { array, dtype, .. }, layout)) in targets.iter().zip(layouts).enumerate() {
        let Some(array) = array else { continue };
        let mut shape: Few<usize> = Few::from(&*layout.shape);
        if batch.single {
            shape.remove(axes[number]);
        }
        let name = program.output_name(py, number);
        if *dtype != layout.dtype {
            let message = format!("out= for {name} is {dtype}, but the output is {}", layout.dtype);
            return Err(PyTypeError::new_err(message));
        }
        if array.extents() != &*shape {
            let (own, wanted) = (array.extents(), &*shape);
            let message =
                format!("out= for {name} has the shape {own:?}, but the output has {wanted:?}");
            return Err(PyValueError::new_err(message));
        }
    }
    Ok(())
}

/// A push.
struct Run<'r, 'py> {
    py: Python<'py>,
    program: &'r Program,
    batch: &'r Batch<'r>,
    targets: &'r [Target<'r>],
    /// The axis of rows of each output.
    axes: &'r [usize],
}

impl Run<'_, '_> {
    /// The rows of each part; `None` for a push that is run whole.
    fn step(&self, most: usize) -> Option<usize> {
        let Batch { rows, elements, single, even, .. } = *self.batch;
        let long = !single && even && rows > 1 && elements > 2 * most;
        let fits = |(target, axis): (&Target<'_>, &usize)| {
            target.array.is_some_and(|array| array.extents().get(*axis) == Some(&rows))
        };
        let fit = self.targets.iter().zip(self.axes).all(fits);
        (long && fit && !self.overlap()).then(|| (most / (elements / rows).max(1)).max(1))
    }

    /// Whether an output may lie where an input does.
    fn overlap(&self) -> bool {
        let inputs = self.batch.values.iter().filter_map(|value| match value {
            Value::Array(array) => Some(array.bounds()),
            Value::Number(..) => None,
        });
        let meets = |(low, high): (usize, usize)| {
            let mut outs = self.targets.iter().filter_map(|target| Some(target.array?.bounds()));
            outs.any(|(own_low, own_high)| own_low < high && low < own_high)
        };
        { inputs }.any(meets)
    }

    fn outs(&self, part: Option<Part>, outs: &mut Vec<Out<'static>>) {
        let targets = self.targets.iter().zip(self.axes);
        let single = self.batch.single;
        outs.clear();
        outs.extend(targets.map(|(target, axis)| target.out(*axis, single, part)));
    }

    /// Pushes the rows in parts, between which signals are handled. An error takes all parts back.
    fn parts<S: Saved>(
        &self,
        stream: &mut S,
        step: usize,
        mut push: impl FnMut(&mut S, Part) -> PyResult<()>,
    ) -> PyResult<()> {
        let before = detached(self.py, || stream.save());
        let mut from = 0;
        while from < self.batch.rows {
            let part = Part { from, count: step.min(self.batch.rows - from) };
            let pushed = push(stream, part).and_then(|()| self.py.check_signals());
            if let Err(error) = pushed {
                stream.go_back(&before).map_err(|e| errors::call(&e))?;
                return Err(error);
            }
            from += part.count;
        }
        Ok(())
    }

    fn plain(
        &self,
        stream: &mut hotloop::Stream,
        args: &mut Vec<Arg<'static>>,
        outs: &mut Vec<Out<'static>>,
        cells: &mut [u64],
    ) -> PyResult<()> {
        if let Some(step) = self.step(PART) {
            return self.parts(stream, step, |stream, part| {
                self.batch.args(self.py, self.program, Some(part), cells, args)?;
                self.outs(Some(part), outs);
                let pushed = detached(self.py, || stream.push_into(&args[..], outs));
                pushed.map(drop).map_err(|e| errors::call(&e))
            });
        }
        self.outs(None, outs);
        let pushed = match self.batch.elements {
            ..=SHORT => stream.push_into(&args[..], outs),
            _ => detached(self.py, || stream.push_into(&args[..], outs)),
        };
        pushed.map(drop).map_err(|e| errors::call(&e))
    }

    fn keyed(
        &self,
        stream: &mut KeyedStream,
        keys: &Keys<'_>,
        args: &mut Vec<Arg<'static>>,
        cells: &mut [u64],
        objects: &[Option<Py<PyAny>>],
    ) -> PyResult<()> {
        if let Some(step) = self.step(KEYED_PART).filter(|_| keys.len() == self.batch.rows) {
            return self.parts(stream, step, |stream, part| {
                self.batch.args(self.py, self.program, Some(part), cells, args)?;
                let keys = part_of(keys, part);
                let pushed = detached(self.py, || stream.push(keys, &args[..]));
                self.copy(&pushed.map_err(|e| errors::call(&e))?, objects, Some(part))
            });
        }
        let pushed = match self.batch.elements {
            ..=SHORT => stream.push(*keys, &args[..]),
            _ => detached(self.py, || stream.push(*keys, &args[..])),
        };
        self.copy(&pushed.map_err(|e| errors::call(&e))?, objects, None)
    }

    /// Copies outputs to their arrays, or to some rows of them.
    fn copy(
        &self,
        outputs: &Outputs,
        objects: &[Option<Py<PyAny>>],
        part: Option<Part>,
    ) -> PyResult<()> {
        for (number, output) in outputs.iter().enumerate() {
            let (Target { array, data, swapped, .. }, axis) =
                (self.targets[number], self.axes[number]);
            let size = output.dtype().size();
            let dense = |array: &Array| match (array.shape(), array.strides()) {
                ([_], [stride]) => *stride == size as isize,
                (_, strides) => part.is_none() && !self.batch.single && strides == output.strides(),
            };
            let length = output.shape().iter().product::<usize>() * size;
            let from = bytes(output).map_err(|e| errors::call(&e))?;
            if length == 0 {
                continue;
            }
            if !swapped && (length == size && part.is_none() || array.is_some_and(dense)) {
                let first = part.map_or(0, |part| part.from * size);
                // SAFETY: both have as many elements side by side, and do not overlap: the output is
                // new memory.
                unsafe { from.copy_to_nonoverlapping(data.add(first), length) };
                continue;
            }
            let mut strides = Few::from(output.strides());
            let mut shape: Few<isize> = output.shape().iter().map(|n| *n as isize).collect();
            if self.batch.single {
                shape.remove(axis);
                strides.remove(axis);
            }
            let copy = self.program.numpy.fresh(self.py, output.dtype(), &shape, &strides)?;
            // SAFETY: an array that was just made, dense like the output.
            unsafe {
                let array = &*copy.as_ptr().cast::<Array>();
                from.copy_to_nonoverlapping(array.data, length);
            }
            let part = part.map(|part| (part.from, part.from + part.count));
            let into = self.program.arrays.bind(self.py).getattr("copy_rows")?;
            into.call1((&objects[number], copy, axis, part))?;
        }
        Ok(())
    }
}

/// The address of an output's elements.
fn bytes(output: &Output) -> hotloop::Result<*const u8> {
    Ok(match output.dtype() {
        DType::Bool => output.view::<bool>()?.as_ptr().cast(),
        DType::I8 => output.view::<i8>()?.as_ptr().cast(),
        DType::I16 => output.view::<i16>()?.as_ptr().cast(),
        DType::I32 => output.view::<i32>()?.as_ptr().cast(),
        DType::I64 => output.view::<i64>()?.as_ptr().cast(),
        DType::U8 => output.view::<u8>()?.as_ptr().cast(),
        DType::U16 => output.view::<u16>()?.as_ptr().cast(),
        DType::U32 => output.view::<u32>()?.as_ptr().cast(),
        DType::U64 => output.view::<u64>()?.as_ptr().cast(),
        DType::F32 => output.view::<f32>()?.as_ptr().cast(),
        _ => output.view::<f64>()?.as_ptr().cast(),
    })
}
