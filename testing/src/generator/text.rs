//! Arbitrary bytes as a program's text: it is rejected with a span inside it, or printed, typed and
//! run.

use std::sync::LazyLock;
use std::time::Duration;

use hotloop::ndarray::Array1;
use hotloop::{Arg, ArgType, Backend, DType, Engine, Error, ErrorKind, Program};
use hotloop_grammar::parse;

use super::check::difference;
use super::targets::Verdict;

/// The maximum length in bytes of a text that is compiled here.
const LONGEST: usize = 4096;

/// An engine with the limits for untrusted texts.
fn limited(backend: Backend) -> Engine {
    let engine = Engine::builder().backend(backend).threads(1).cache_capacity(4);
    let engine = engine.max_text(LONGEST).max_nodes(1000).max_arrays(32);
    engine.compile_budget(Duration::from_millis(500)).build()
}

static ORACLE: LazyLock<Engine> = LazyLock::new(|| limited(Backend::Interpreter));
static ENGINE: LazyLock<Engine> = LazyLock::new(|| limited(Backend::Auto));

/// Checks one text.
///
/// # Errors
/// A description of what is wrong.
pub fn check(bytes: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(bytes);
    let printed = match parse(&text) {
        Ok(ast) => Some(ast.to_string()),
        Err(error) if error.span.range().end > text.len() => {
            return Err(format!("{text:?}: the place of {error} is {:?}", error.span));
        }
        Err(_) => None,
    };
    if let Some(printed) = &printed {
        let again = parse(printed).map_err(|e| format!("{printed:?}, as printed: {e}"))?;
        if again.to_string() != *printed {
            return Err(format!("{printed:?} is printed {:?}", again.to_string()));
        }
    }
    match ORACLE.compile(&text) {
        Ok(_) if printed.is_none() => Err(format!("{text:?} does not parse but compiles")),
        Ok(program) => run(&program).map_err(|e| format!("{text:?}: {e}")),
        Err(error) => refused(&error, &text, printed.is_some()),
    }
}

/// Checks the error of a text that does not compile.
fn refused(error: &Error, text: &str, parses: bool) -> Verdict {
    use ErrorKind::{Arity, Lex, Limit, Name, Parse, Shape, Type};
    let right = match error.kind() {
        Lex => !parses,
        // These errors also occur for a program without outputs.
        Parse | Limit => true,
        kind => parses && [Name, Arity, Type, Shape].contains(&kind),
    };
    if !right {
        return Err(format!("{text:?} fails as {error:?}"));
    }
    placed(error, text)
}

/// Checks that the span of an error lies inside the text and that the error can be displayed.
fn placed(error: &Error, text: &str) -> Verdict {
    let shown = error.to_string();
    if !shown.starts_with("error: ") {
        return Err(format!("{text:?}: an error that is shown as {shown:?}"));
    }
    match error.span().map(|span| span.range()) {
        Some(range) if text.get(range.clone()).is_none() => {
            Err(format!("{text:?}: {error:?} at {range:?}"))
        }
        Some(_) if error.source_text() != Some(text) => {
            Err(format!("{text:?}: {error:?} is of {:?}", error.source_text()))
        }
        None if text.len() <= LONGEST && error.kind() != ErrorKind::Limit => {
            Err(format!("{text:?}: {error:?} has no place"))
        }
        _ => Ok(()),
    }
}

/// Types a program on `f64` arrays and runs it. Only some programs run natively, because compiling
/// takes far longer than everything else.
fn run(oracle: &Program) -> Verdict {
    let text = oracle.text();
    let types: Vec<(&str, ArgType)> =
        oracle.inputs().map(|name| (name, ArgType::array(DType::F64))).collect();
    let kernel = match oracle.specialize(&types) {
        Err(error) => {
            let kinds = [ErrorKind::Type, ErrorKind::Shape, ErrorKind::Limit, ErrorKind::Arity];
            if !kinds.contains(&error.kind()) {
                return Err(format!("{error:?}"));
            }
            return placed(&error, text);
        }
        Ok(kernel) => kernel,
    };
    let x = Array1::from_iter((0..7).map(|i| f64::from(i) * 0.75 - 1.5));
    let args: Vec<Arg> = oracle.inputs().map(|_| (&x).into()).collect();
    let want = oracle.eval(&args[..]);
    if let Err(error) = &want
        && error.kind() == ErrorKind::Internal
    {
        return Err(format!("{error:?}"));
    }
    let sum: usize = text.bytes().map(usize::from).sum();
    if !sum.is_multiple_of(16) {
        return Ok(());
    }
    if kernel.explain().is_empty() {
        return Err("nothing is explained".to_string());
    }
    let program =
        ENGINE.compile(text).map_err(|e| format!("only the interpreter takes it: {e}"))?;
    difference(&want, &program.eval(&args[..])).map_or(Ok(()), Err)
}
