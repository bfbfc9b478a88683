//! The call of a program: arguments to addresses, a run, and results.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hotloop::explain::Progress;
use hotloop::{Arg, CancelToken, DType, Order, Out, RunOptions};
use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use smallvec::SmallVec;

use crate::errors;
use crate::numpy::Array;
use crate::program::{Program, Results};
use crate::record::{Few, Layout, Number, Record, Slot, Target, Value, exact_number};
use crate::watch::{self, Manner, detached};

/// A borrowed reference; null for what is not given.
pub type Object = *mut ffi::PyObject;

/// What a call gives besides the inputs.
#[derive(Default)]
pub struct Settings {
    /// The order of fresh outputs.
    pub order: Option<Order>,
    /// The function to which progress is reported.
    pub progress: Option<Py<PyAny>>,
}

/// The outputs of a call: the caller's arrays, or `None` for those that are to be allocated.
#[derive(Default)]
pub struct Outs<'a> {
    /// The objects.
    pub objects: Few<Option<Py<PyAny>>>,
    /// The arrays that they are.
    pub arrays: Few<Option<&'a Array>>,
}

/// Python's vector call of a program.
///
/// # Safety
/// As Python calls it.
pub unsafe extern "C" fn vectorcall(
    callable: Object,
    args: *const Object,
    flags: usize,
    names: Object,
) -> Object {
    guarded(|py| {
        let count = flags & !(1 << (usize::BITS - 1));
        // SAFETY: the object is a program, and the arguments are as many as Python says, those with
        // names last.
        unsafe {
            let named = if names.is_null() { 0 } else { ffi::PyTuple_Size(names) as usize };
            let all: &[Object] = match count + named {
                0 => &[],
                all => std::slice::from_raw_parts(args, all),
            };
            let (placed, named) = all.split_at(count);
            program(py, &callable).call(py, placed, names, named, None)
        }
    })
}

/// Python's call of a program with a tuple and a dict.
///
/// # Safety
/// As Python calls it.
pub unsafe extern "C" fn call(callable: Object, args: Object, named: Object) -> Object {
    guarded(|py| {
        // SAFETY: a program, a tuple, and a dict or null.
        unsafe {
            let args = Borrowed::from_ptr(py, args).cast_unchecked::<PyTuple>().to_owned();
            let named = Bound::from_borrowed_ptr_or_opt(py, named);
            let named = named.map(|named| named.cast_into_unchecked::<PyDict>());
            program(py, &callable).call_with(py, &args, named.as_ref(), None)
        }
    })
}

/// The program that an object is.
///
/// # Safety
/// The object is one, and is valid for as long as its reference.
unsafe fn program<'a>(py: Python<'_>, object: &'a Object) -> &'a Program {
    // SAFETY: the caller's promise; a frozen class needs no borrow.
    unsafe {
        let object = Borrowed::from_ptr(py, *object).cast_unchecked::<Program>();
        &*std::ptr::from_ref(object.get())
    }
}

/// Returns a result to Python, which calls; a panic is an error. PyO3 is told that the lock is held, or
/// it would put off releasing references.
fn guarded(work: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>>) -> Object {
    Python::attach(|py| {
        let result = catch_unwind(AssertUnwindSafe(|| work(py))).unwrap_or_else(|_| {
            let message = "hotloop panicked; please report it with the program";
            Err(PyRuntimeError::new_err(message))
        });
        match result {
            Ok(object) => object.into_ptr(),
            Err(error) => {
                error.restore(py);
                std::ptr::null_mut()
            }
        }
    })
}

impl Program {
    /// Calls the program with a tuple and a dict.
    pub fn call_with(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        named: Option<&Bound<'_, PyDict>>,
        token: Option<&CancelToken>,
    ) -> PyResult<Py<PyAny>> {
        let placed: Vec<Bound<'_, PyAny>> = args.iter().collect();
        let (names, values): (Vec<_>, Vec<_>) = named.into_iter().flatten().unzip();
        let names = PyTuple::new(py, names)?;
        let pointers =
            |list: &[Bound<'_, PyAny>]| list.iter().map(Bound::as_ptr).collect::<Vec<_>>();
        // SAFETY: the objects are held until the end of the call.
        unsafe { self.call(py, &pointers(&placed), names.as_ptr(), &pointers(&values), token) }
    }

    /// Calls the program.
    ///
    /// # Safety
    /// The objects are valid; `names` is a tuple of as many strings as `named` has values.
    unsafe fn call(
        &self,
        py: Python<'_>,
        placed: &[Object],
        names: Object,
        named: &[Object],
        token: Option<&CancelToken>,
    ) -> PyResult<Py<PyAny>> {
        // Lists are filled in place, since to move one copies its room.
        let (mut given, mut held) = (Few::new(), SmallVec::new());
        let (mut values, mut outs) = (Few::new(), Outs::default());
        let mut settings = Settings::default();
        // SAFETY: the caller's promise.
        let out = unsafe { self.arranged(py, placed, (names, named), &mut given, &mut settings) }?;
        // SAFETY: the objects are held by the caller, what is made of them below.
        unsafe {
            self.values(py, &given, &mut held, &mut values)?;
            self.outs(py, out, &mut outs)?;
        }
        if token.is_none() && settings.progress.is_none() {
            let taken = self.records.take(&values, &outs.arrays, settings.order);
            if let Some(record) = taken {
                return self.repeat(py, record, &values, &outs, settings.order);
            }
        }
        self.first(py, &values, &outs, settings, token)
    }

    /// Fills in the arguments in the order of the inputs, null for those that are missing, and
    /// returns `out`.
    ///
    /// # Safety
    /// The objects are valid; `names` is a tuple of as many strings as `named` has values.
    #[inline]
    pub unsafe fn arranged(
        &self,
        py: Python<'_>,
        placed: &[Object],
        (names, named): (Object, &[Object]),
        given: &mut Few<Object>,
        settings: &mut Settings,
    ) -> PyResult<Object> {
        let inputs = self.names.len();
        if placed.len() > inputs {
            let message =
                format!("the program has {inputs} inputs, but {} were given", placed.len());
            return Err(PyTypeError::new_err(message));
        }
        given.extend_from_slice(placed);
        given.resize(inputs, std::ptr::null_mut());
        let mut out = std::ptr::null_mut();
        for (i, value) in named.iter().enumerate() {
            // SAFETY: the caller's promise.
            let name = unsafe { ffi::PyTuple_GetItem(names, i as isize) };
            if let Some(at) = self.names.iter().position(|own| own.as_ptr() == name) {
                take(&mut given[at], *value, &self.names[at], py)?;
            } else if name == self.out.as_ptr() {
                out = *value;
            } else {
                // SAFETY: the caller's promise.
                let name = unsafe { Bound::from_borrowed_ptr(py, name) };
                let name = name.extract::<&str>()?;
                match self.input(name) {
                    Some(at) => take(&mut given[at], *value, &self.names[at], py)?,
                    None if name == "out" => out = *value,
                    None => {
                        // SAFETY: as above.
                        let value = unsafe { Bound::from_borrowed_ptr(py, *value) };
                        settings.take(self, name, value)?;
                    }
                }
            }
        }
        Ok(out)
    }

    /// Fills in the values of arguments in the order of the inputs. What is made of other objects is
    /// pushed to `held`.
    ///
    /// # Safety
    /// The objects are valid for `'a`, and `held` is kept as long.
    #[inline]
    pub unsafe fn values<'a>(
        &self,
        py: Python<'_>,
        given: &[Object],
        held: &mut SmallVec<[Py<PyAny>; 2]>,
        values: &mut Few<Value<'a>>,
    ) -> PyResult<()> {
        for (number, object) in given.iter().enumerate() {
            if object.is_null() {
                let name = self.names[number].bind(py).extract::<&str>()?;
                return Err(errors::call(&self.program.missing_input(name)));
            }
            // SAFETY: the caller's promise.
            values.push(unsafe { self.value(py, number, *object, held) }?);
        }
        Ok(())
    }

    /// The value of an input. What is made of other objects is pushed to `held`.
    ///
    /// # Safety
    /// The object is valid for `'a`, and `held` is kept as long.
    #[inline]
    unsafe fn value<'a>(
        &self,
        py: Python<'_>,
        number: usize,
        object: Object,
        held: &mut SmallVec<[Py<PyAny>; 2]>,
    ) -> PyResult<Value<'a>> {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(array) = self.numpy.exact(object) {
                return Ok(Value::Array(array));
            }
            if let Some((kind, bits)) = exact_number(object) {
                return Ok(Value::Number(kind, bits));
            }
            let object = Bound::from_borrowed_ptr(py, object);
            let imported =
                self.arrays.bind(py).call_method1("imported", (&self.names[number], object))?;
            let pointer = imported.as_ptr();
            held.push(imported.unbind());
            if let Some(array) = self.numpy.array(pointer) {
                return Ok(Value::Array(array));
            }
            let number = exact_number(pointer).map(|(kind, bits)| Value::Number(kind, bits));
            number
                .ok_or_else(|| PyTypeError::new_err("an argument is neither an array nor a number"))
        }
    }

    /// Fills in the outputs that `out=` gives.
    ///
    /// # Safety
    /// `out` is a valid object or null.
    #[inline]
    pub unsafe fn outs<'a>(
        &self,
        py: Python<'_>,
        out: Object,
        outs: &mut Outs<'a>,
    ) -> PyResult<()> {
        let count = self.results.count();
        // SAFETY: the caller's promise; arrays are valid while their objects are held.
        unsafe {
            if out.is_null() || out == ffi::Py_None() {
                outs.objects.resize_with(count, || None);
                outs.arrays.resize(count, None);
                return Ok(());
            }
            if count == 1 && self.numpy.exact(out).is_some() {
                outs.push(py, self, 0, Bound::from_borrowed_ptr(py, out))?;
                return Ok(());
            }
            let list = self.listed(Bound::from_borrowed_ptr(py, out))?;
            for (number, object) in list.into_iter().enumerate() {
                outs.push(py, self, number, object)?;
            }
        }
        Ok(())
    }

    /// The elements of `out=`: an array, a sequence with an array for each output, or a dict by
    /// their names.
    fn listed<'py>(&self, out: Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let (py, count) = (out.py(), self.results.count());
        if let Ok(dict) = out.cast::<PyDict>() {
            let names: Vec<Option<&str>> = self.program.outputs().collect();
            for key in dict.keys() {
                let known = key.extract::<&str>().is_ok_and(|key| names.contains(&Some(key)));
                if !known {
                    let message = format!("the program has no output {}", key.repr()?);
                    return Err(PyKeyError::new_err(message));
                }
            }
            let find = |name: &Option<&str>| {
                let found = name.map(|name| dict.get_item(name)).transpose()?.flatten();
                Ok(found.unwrap_or_else(|| py.None().into_bound(py)))
            };
            return names.iter().map(find).collect();
        }
        let is_list = out.is_instance_of::<PyTuple>() || out.is_instance_of::<PyList>();
        if !is_list {
            if count == 1 {
                return Ok(vec![out]);
            }
            let message =
                format!("out= must be a tuple of {count} arrays, or a dict of them by name");
            return Err(PyTypeError::new_err(message));
        }
        let list = out.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        if list.len() != count {
            let message = format!("out= has {} arrays for {count} outputs", list.len());
            return Err(PyValueError::new_err(message));
        }
        Ok(list)
    }

    /// Runs the kernel of a record.
    #[inline]
    fn repeat(
        &self,
        py: Python<'_>,
        mut record: Box<Record>,
        values: &[Value<'_>],
        outs: &Outs<'_>,
        order: Option<Order>,
    ) -> PyResult<Py<PyAny>> {
        let mut objects: Few<Py<PyAny>> = SmallVec::new();
        let mut targets: Few<*mut u8> = SmallVec::new();
        for ((target, object), array) in record.targets.iter().zip(&outs.objects).zip(&outs.arrays)
        {
            match (object, array, target.fresh) {
                (Some(object), Some(array), _) => {
                    targets.push(array.data);
                    objects.push(object.clone_ref(py));
                }
                (_, _, fresh) => {
                    let (shape, strides) = target.layout.axes();
                    let dtype = fresh.unwrap_or(DType::F64);
                    let object = self.numpy.fresh(py, dtype, shape, strides)?;
                    // SAFETY: an array that was just made.
                    targets.push(unsafe { &*object.as_ptr().cast::<Array>() }.data);
                    objects.push(object);
                }
            }
        }
        let mut inputs: Few<*const u8> = SmallVec::new();
        inputs.extend(values.iter().map(|value| match value {
            Value::Array(array) => array.data.cast_const(),
            Value::Number(_, bits) => std::ptr::from_ref(bits).cast(),
        }));
        let Some(mut bound) = record.bound.take() else {
            return self.first(py, values, outs, Settings { order, progress: None }, None);
        };
        if !record.is_at(&inputs, &targets) {
            record.bound_there = false;
            // SAFETY: the arrays have the layouts of the record, and are held during the run.
            if unsafe { bound.rebind_raw(&inputs, &targets) }.is_err() {
                // They overlap differently, or a number does not fit; keep the record for other
                // calls.
                record.bound = Some(bound);
                self.records.keep(record);
                return self.first(py, values, outs, Settings { order, progress: None }, None);
            }
            record.note(&inputs, &targets);
        }
        let report = match &record.manner {
            Manner::Short => bound.run(),
            manner => {
                let (again, report) = watch::run(py, bound, manner, None)?;
                bound = again;
                report
            }
        };
        record.bound = Some(bound);
        self.records.keep(record);
        report.map_err(|error| errors::call(&error))?;
        self.returned(py, objects, outs)
    }

    /// Binds a kernel to arrays, runs it, and keeps a record of it.
    #[cold]
    fn first(
        &self,
        py: Python<'_>,
        values: &[Value<'_>],
        outs: &Outs<'_>,
        settings: Settings,
        token: Option<&CancelToken>,
    ) -> PyResult<Py<PyAny>> {
        let mut args: Vec<Arg<'static>> = Vec::with_capacity(values.len());
        for (number, value) in values.iter().enumerate() {
            args.push(match value {
                Value::Array(array) => {
                    let (dtype, swapped) =
                        self.dtype(py, array, || self.names[number].clone_ref(py).into_any())?;
                    // SAFETY: the array is held by the caller until the kernel is released.
                    let arg =
                        unsafe { Arg::raw(array.data, array.extents(), array.strides(), dtype) };
                    if swapped { arg.byte_swapped() } else { arg }
                }
                Value::Number(Number::Bool, bits) => (*bits != 0).into(),
                Value::Number(Number::Int, bits) => (*bits as i64).into(),
                Value::Number(Number::Float, bits) => f64::from_bits(*bits).into(),
            });
        }
        let mut options = self.run_options();
        if let Some(order) = settings.order {
            options = options.order(order);
        }
        let progress = settings.progress.map(|callback| (Arc::new(Progress::new()), callback));
        if let Some((progress, _)) = &progress {
            options = options.progress(progress);
        }
        let program = self.program.with(options.clone());
        let shapes = detached(py, || program.eval_shape(&args)).map_err(|e| errors::call(&e))?;
        let (mut objects, mut arrays) = (Few::new(), Few::new());
        for (number, shape) in shapes.iter().enumerate() {
            let given = outs.objects[number].as_ref().zip(outs.arrays[number]);
            let (object, array) = match given {
                Some((object, array)) => (object.clone_ref(py), array),
                None => {
                    let extents = shape.shape.iter().map(|n| *n as isize).collect::<Few<_>>();
                    let object = self.numpy.fresh(py, shape.dtype, &extents, &shape.strides)?;
                    // SAFETY: an array that was just made, and is held by `objects`.
                    let array = unsafe { &*object.as_ptr().cast::<Array>() };
                    (object, array)
                }
            };
            let (dtype, swapped) = self.dtype(py, array, || self.output_name(py, number))?;
            objects.push(object);
            arrays.push(Output { array, dtype, swapped, fresh: given.is_none() });
        }
        let targets = || arrays.iter().map(Output::out);
        let mut bound = program.bind(&args, targets()).map_err(|e| errors::call(&e))?;
        let mut manner = Manner::of(&bound);
        if token.is_some() && progress.is_none() {
            manner = Manner::Long;
        } else if progress.is_some() && !matches!(manner, Manner::Watched(_)) {
            manner = Manner::Watched(CancelToken::new());
        }
        let own = match &manner {
            Manner::Watched(own) => Some(own),
            _ => token,
        };
        if let Some(own) = own {
            // Runs that nothing stops are faster if they are short, so that they are bound without.
            drop(bound);
            let program = self.program.with(options.cancel(own));
            bound = program.bind(&args, targets()).map_err(|e| errors::call(&e))?;
        }
        let watched = progress.as_ref().map(|(progress, callback)| (progress, callback));
        let (bound, report) = watch::run(py, bound, &manner, watched)?;
        let bound = bound.release();
        // To bind takes microseconds, and a record keeps temporary arrays: longer runs have none.
        if own.is_none() {
            let slot = |value: &Value<'_>| match value {
                Value::Array(array) => Slot::Array(Layout::of(py, array)),
                Value::Number(kind, _) => Slot::Number(*kind),
            };
            let target = |output: &Output<'_>| Target {
                layout: Layout::of(py, output.array),
                fresh: output.fresh.then_some(output.dtype),
            };
            let record = Record {
                bound: Some(bound),
                addresses: match values.iter().all(|value| matches!(value, Value::Array(_))) {
                    true => SmallVec::from_elem(std::ptr::null(), values.len() + arrays.len()),
                    false => Few::new(),
                },
                bound_there: false,
                manner,
                inputs: values.iter().map(slot).collect(),
                targets: arrays.iter().map(target).collect(),
                order: settings.order,
            };
            self.records.keep(Box::new(record));
        }
        report.map_err(|error| errors::call(&error))?;
        self.returned(py, objects, outs)
    }

    /// The element type of an array, or the error for what is none.
    pub fn dtype(
        &self,
        py: Python<'_>,
        array: &Array,
        name: impl Fn() -> Py<PyAny>,
    ) -> PyResult<(DType, bool)> {
        array.dtype().map_or_else(
            || {
                // SAFETY: an array has a dtype.
                let dtype = unsafe { Bound::from_borrowed_ptr(py, array.descr.cast()) };
                let error = self.arrays.bind(py).call_method1("unsupported", (name(), dtype))?;
                Err(PyErr::from_value(error))
            },
            Ok,
        )
    }

    /// The options of runs.
    pub fn run_options(&self) -> RunOptions {
        let options = RunOptions::new().order(self.options.order);
        match self.options.memory {
            Some(bytes) => options.memory(bytes),
            None => options,
        }
    }

    /// The results as the caller gets them.
    #[inline]
    pub fn returned(
        &self,
        py: Python<'_>,
        objects: Few<Py<PyAny>>,
        outs: &Outs<'_>,
    ) -> PyResult<Py<PyAny>> {
        let finish = |(object, given): (Py<PyAny>, &Option<Py<PyAny>>)| match given {
            Some(_) => Ok(object),
            None => self.numpy.returned(py, object),
        };
        let mut finished = objects.into_iter().zip(&outs.objects).map(finish);
        match &self.results {
            Results::One => match finished.next() {
                Some(result) => result,
                None => Ok(py.None()),
            },
            Results::Tuple(class, _) => {
                let list = finished.collect::<PyResult<Vec<_>>>()?;
                class.call1(py, (PyTuple::new(py, list)?,))
            }
            Results::Dict(keys) => {
                let dict = PyDict::new(py);
                for (key, result) in keys.iter().zip(finished) {
                    dict.set_item(key, result?)?;
                }
                Ok(dict.into_any().unbind())
            }
        }
    }
}

/// An output of a call.
struct Output<'a> {
    array: &'a Array,
    dtype: DType,
    swapped: bool,
    /// Whether it was allocated for the call.
    fresh: bool,
}

impl Output<'_> {
    fn out(&self) -> Out<'static> {
        let Output { array, dtype, swapped, .. } = self;
        // SAFETY: the array is held until the kernel is released from it.
        let out = unsafe { Out::raw(array.data, array.extents(), array.strides(), *dtype) };
        if *swapped { out.byte_swapped() } else { out }
    }
}

/// Takes an argument, unless there is one.
fn take(place: &mut Object, value: Object, name: &Py<PyString>, py: Python<'_>) -> PyResult<()> {
    if !place.is_null() {
        let message = format!("the argument {} is given twice", name.bind(py).repr()?);
        return Err(PyTypeError::new_err(message));
    }
    *place = value;
    Ok(())
}

impl Settings {
    /// Takes a named argument that is no input. Arrays that the program does not read are ignored,
    /// so that one set of columns serves many programs.
    fn take(&mut self, program: &Program, name: &str, value: Bound<'_, PyAny>) -> PyResult<()> {
        match name {
            "order" if value.is_none() => self.order = None,
            "order" => self.order = Some(order(value.extract()?)?),
            "progress" => {
                let callback =
                    program.arrays.bind(value.py()).call_method1("progress", (value,))?;
                self.progress = (!callback.is_none()).then(|| callback.unbind());
            }
            _ if program.program.bindings().any(|binding| binding == name) => {
                let message = format!("{name:?} is bound by the program, and is not an input");
                return Err(PyTypeError::new_err(message));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The order of this name.
pub fn order(name: &str) -> PyResult<Order> {
    match name {
        "K" => Ok(Order::K),
        "C" => Ok(Order::C),
        "F" => Ok(Order::F),
        _ => Err(PyValueError::new_err(format!("order must be 'K', 'C' or 'F', not {name:?}"))),
    }
}

impl<'a> Outs<'a> {
    /// Adds an output array, or `None`.
    ///
    /// # Safety
    /// The array is used only while its object is held.
    #[inline]
    unsafe fn push(
        &mut self,
        py: Python<'_>,
        program: &Program,
        number: usize,
        object: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        if object.is_none() {
            self.objects.push(None);
            self.arrays.push(None);
            return Ok(());
        }
        // SAFETY: the caller's promise.
        let array = match unsafe { program.numpy.exact(object.as_ptr()) } {
            Some(array) => array,
            None => {
                let name = program.output_name(py, number);
                program.arrays.bind(py).call_method1("check_out", (name, &object))?;
                // SAFETY: as above.
                unsafe { program.numpy.array(object.as_ptr()) }
                    .ok_or_else(|| PyTypeError::new_err("out= must be an array"))?
            }
        };
        if !array.is_writeable() {
            let message = "the array for an output is read-only";
            return Err(PyValueError::new_err(message));
        }
        self.objects.push(Some(object.unbind()));
        self.arrays.push(Some(array));
        Ok(())
    }
}

/// The flag of types that are called by [`vectorcall`].
pub const HAVE_VECTORCALL: c_int = 1 << 11;
