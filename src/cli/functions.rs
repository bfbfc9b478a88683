//! `hotloop functions`: the table of what can be called, as text.

use hotloop::ops::{self, RESOLVED, Row};
use hotloop::{Error, ErrorKind, Result};

/// All functions: name, other names, one line each.
pub(crate) fn table() -> String {
    let mut lines: Vec<(String, &str)> = ops::functions()
        .map(|row| {
            let mut call = row.signature();
            for alias in row.names().skip(1) {
                call += ", ";
                call += alias;
            }
            (call, row.doc)
        })
        .chain(RESOLVED.iter().map(|(_, signature, doc)| (signature.to_string(), *doc)))
        .collect();
    lines.sort();
    let width = lines.iter().map(|(call, _)| call.len()).max().unwrap_or(0);
    lines.iter().map(|(call, doc)| format!("{call:width$}  {doc}\n")).collect()
}

/// One function.
///
/// # Errors
/// `Name`, with names like it.
pub(crate) fn detail(name: &str) -> Result<String> {
    if let Some(row) = ops::lookup(name) {
        return Ok(describe(row));
    }
    if let Some((_, signature, doc)) = RESOLVED.iter().find(|(n, _, _)| *n == name) {
        return Ok(format!("{signature}\n  {doc}\n"));
    }
    let error = Error::new(ErrorKind::Name, format!("there is no function {name:?}"));
    let known = ops::functions().flat_map(|row| row.names());
    let near = ops::suggestions(name, known.chain(RESOLVED.iter().map(|(n, _, _)| *n)));
    Err(match near.is_empty() {
        true => error.hint("`hotloop functions` lists them all"),
        false => {
            let near: Vec<String> = near.iter().map(|n| format!("'{n}'")).collect();
            error.hint(format!("did you mean {}?", near.join(" or ")))
        }
    })
}

fn describe(row: &Row) -> String {
    let mut text = format!("{}\n  {}\n", row.signature(), row.doc);
    let others: Vec<&str> = row.names().skip(1).collect();
    if !others.is_empty() {
        text += &format!("  also called: {}\n", others.join(", "));
    }
    if row.op.is_reduction() {
        return text;
    }
    text += &match row.ulp {
        0.0 => "  error of floats: none\n".to_string(),
        0.5 => "  error of floats: at most 0.5 units in the last place (correctly rounded)\n"
            .to_string(),
        ulp => format!("  error of floats: at most {ulp} units in the last place\n"),
    };
    text
}
