//! Whole error messages, as printed.
//!
//! `Debug` puts the kind first. A change of a message must be reviewed.

mod axes;
mod meaning;
mod runs;
mod text;

use hotloop::{Arg, Error, compile};

/// The error of compiling a text.
fn compiled(text: &str) -> String {
    match compile(text) {
        Ok(program) => {
            panic!("{text:?} compiles, with the inputs {:?}", program.inputs().collect::<Vec<_>>())
        }
        Err(error) => shown(&error),
    }
}

/// The error of evaluating a text, which must compile.
fn ran(text: &str, args: &[(&str, Arg)]) -> String {
    let program = compile(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
    match program.eval(args) {
        Ok(outputs) => panic!("{text:?} evaluates to {outputs:?}"),
        Err(error) => shown(&error),
    }
}

/// The error as text, which must have no control characters.
fn shown(error: &Error) -> String {
    let text = format!("{error:?}");
    let obeyed = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(obeyed), "a terminal would obey {text:?}");
    assert!(text.len() <= 2048, "{} bytes of error", text.len());
    if let (Some(span), Some(source)) = (error.span(), error.source_text()) {
        assert!(source.get(span.range()).is_some(), "{span:?} is outside the text");
    }
    text
}

/// An array of three floats.
fn floats() -> Arg<'static> {
    Arg::from(&[1.0, 2.0, 3.0])
}
