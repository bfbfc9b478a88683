//! Errors of the compiler as Python's exceptions.

use hotloop::{Error, ErrorKind};
use pyo3::create_exception;
use pyo3::exceptions::{
    PyException, PyKeyError, PyMemoryError, PyOSError, PyRuntimeError, PySyntaxError, PyTypeError,
    PyValueError,
};
use pyo3::prelude::*;

create_exception!(
    hotloop,
    CompileError,
    PySyntaxError,
    "A program that cannot be compiled. It has the place in the text (lineno, offset, text), which \
     tracebacks draw."
);

create_exception!(hotloop, Cancelled, PyException, "A run that was cancelled.");

/// The exception for an error of `compile`.
pub fn compilation(error: &Error) -> PyErr {
    match error.kind() {
        ErrorKind::Limit => PyValueError::new_err(error.to_string()),
        ErrorKind::OutOfMemory => PyMemoryError::new_err(error.message().to_string()),
        ErrorKind::Internal => PyRuntimeError::new_err(error.to_string()),
        _ => CompileError::new_err(place(error)),
    }
}

/// The exception for an error of a call.
pub fn call(error: &Error) -> PyErr {
    let drawn = || {
        let text = error.to_string();
        text.strip_prefix("error: ").unwrap_or(&text).to_string()
    };
    match error.kind() {
        ErrorKind::Name => PyKeyError::new_err(with_hints(error)),
        ErrorKind::Arity | ErrorKind::Type => PyTypeError::new_err(drawn()),
        ErrorKind::OutOfMemory => PyMemoryError::new_err(error.message().to_string()),
        ErrorKind::Io | ErrorKind::Format => PyOSError::new_err(drawn()),
        ErrorKind::Cancelled => Cancelled::new_err(drawn()),
        ErrorKind::Internal => PyRuntimeError::new_err(error.to_string()),
        _ => PyValueError::new_err(drawn()),
    }
}

/// The message and advice, on one line.
fn with_hints(error: &Error) -> String {
    let hints = error.hints().iter().map(|hint| format!("; {hint}"));
    error.message().to_string() + &hints.collect::<String>()
}

type Place = (String, usize, usize, String, usize, usize);

/// The arguments of a `SyntaxError`: columns are counted in code points, from 1.
fn place(error: &Error) -> (String, Option<Place>) {
    let message = with_hints(error);
    let (Some(span), Some(text)) = (error.span(), error.source_text()) else {
        return (message, None);
    };
    let at = |byte: u32| {
        let mut byte = (byte as usize).min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &text[..byte];
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = before.matches('\n').count() + 1;
        (line, text[start..byte].chars().count() + 1, start)
    };
    let (line, column, start) = at(span.start);
    let (mut last_line, mut last_column, _) = at(span.end);
    if (last_line, last_column) <= (line, column) {
        (last_line, last_column) = (line, column + 1);
    }
    let own = text[start..].lines().next().unwrap_or_default().to_string();
    let place = ("<hotloop>".to_string(), line, column, own, last_line, last_column);
    (message, Some(place))
}
