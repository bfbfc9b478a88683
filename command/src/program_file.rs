//! Programs in files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use hotloop::{Error, ErrorKind, Result};

use super::neighbor::with_neighbor;
use super::quantity;

/// The engine's limit on the text.
const MOST: usize = 1 << 20;

/// The program's text. The path `-` is standard input.
///
/// # Errors
/// `Io`, `Limit` for a long text, `Lex` for invalid UTF-8.
pub(crate) fn read(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let most = MOST as u64 + 1;
    let read = match path == Path::new("-") {
        true => io::stdin().lock().take(most).read_to_end(&mut bytes),
        false => File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)),
    };
    read.map_err(|error| {
        let message = format!("cannot read the program {path:?}: {error}");
        with_neighbor(Error::new(ErrorKind::Io, message), path)
    })?;
    if bytes.len() > MOST {
        let most = quantity::limit(MOST as u64);
        let message = format!("the program {path:?} is longer than {most}");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let error = format!("the program {path:?} is not UTF-8 at byte {at}");
        let error = Error::new(ErrorKind::Lex, error);
        let name = path.display();
        match path.extension().and_then(|e| e.to_str()) {
            Some("npy" | "npz") => {
                error.hint(format!("-f takes a program; an array is an input: x={name}"))
            }
            _ => error,
        }
    })?;
    // The byte order mark of Windows editors.
    Ok(text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text))
}
