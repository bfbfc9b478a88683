//! The C interface of `peers.py`: binds programs to arrays given by address, and runs them. The
//! functions are exported by name only.

use std::cell::RefCell;
use std::error::Error;
use std::ffi::{CStr, CString, c_char};
use std::{ptr, slice};

use hotloop::{Arg, ArgType, Bound, Engine, Mode, Out, threads::Isa};

/// An array, with strides in bytes: an input if it has a name, or else an output.
#[repr(C)]
struct Array {
    name: *const c_char,
    dtype: *const c_char,
    data: *mut u8,
    axes: usize,
    shape: *const usize,
    strides: *const isize,
}

thread_local! {
    static ERROR: RefCell<CString> = RefCell::default();
}

/// Compiles a program and binds it to arrays.
///
/// # Safety
/// Strings and arrays are valid; the arrays stay so for as long as the bound kernel runs.
unsafe fn bind(
    [program, mode]: [*const c_char; 2],
    threads: usize,
    arrays: &[Array],
) -> Result<Bound<'static>, Box<dyn Error>> {
    // SAFETY: the caller's promise.
    let text = |string| unsafe { CStr::from_ptr(string) }.to_str();
    let (mut types, mut args, mut outs) = (Vec::new(), Vec::new(), Vec::new());
    for &Array { name, dtype, data, axes, shape, strides } in arrays {
        let dtype = text(dtype)?.parse()?;
        // SAFETY: the caller's promise.
        let (shape, strides) =
            unsafe { (slice::from_raw_parts(shape, axes), slice::from_raw_parts(strides, axes)) };
        if name.is_null() {
            // SAFETY: the caller's promise.
            outs.push(unsafe { Out::raw(data, shape, strides, dtype) });
        } else {
            types.push((text(name)?, ArgType::array(dtype)));
            // SAFETY: the caller's promise.
            args.push((text(name)?, unsafe { Arg::raw(data, shape, strides, dtype) }));
        }
    }
    let engine = Engine::builder().threads(threads).mode(text(mode)?.parse::<Mode>()?).build();
    Ok(engine.compile(text(program)?)?.specialize(&types)?.bind(&args[..], outs)?)
}

/// As [`bind`]; null, with a [message](hotloop_error), if it fails.
#[unsafe(no_mangle)]
unsafe extern "C" fn hotloop_bind(
    program: *const c_char,
    mode: *const c_char,
    threads: usize,
    arrays: *const Array,
    count: usize,
) -> *mut Bound<'static> {
    // SAFETY: the caller's promise.
    match unsafe { bind([program, mode], threads, slice::from_raw_parts(arrays, count)) } {
        Ok(bound) => Box::into_raw(Box::new(bound)),
        Err(error) => {
            ERROR.set(CString::new(error.to_string().replace('\0', " ")).unwrap_or_default());
            ptr::null_mut()
        }
    }
}

/// Runs a kernel of [`hotloop_bind`]; returns whether it succeeded.
#[unsafe(no_mangle)]
unsafe extern "C" fn hotloop_run(bound: *mut Bound<'static>) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (*bound).run() }.is_ok()
}

/// Drops a kernel of [`hotloop_bind`].
#[unsafe(no_mangle)]
unsafe extern "C" fn hotloop_free(bound: *mut Bound<'static>) {
    // SAFETY: the caller's promise, once.
    drop(unsafe { Box::from_raw(bound) });
}

/// Why the last failing call of [`hotloop_bind`] on this thread failed.
#[unsafe(no_mangle)]
extern "C" fn hotloop_error() -> *const c_char {
    ERROR.with_borrow(|message| message.as_ptr())
}

/// The best instruction set of this machine, by its number: 0 baseline, 1 AVX2, 2 AVX-512.
#[unsafe(no_mangle)]
extern "C" fn hotloop_isa() -> usize {
    Isa::available().count() - 1
}
