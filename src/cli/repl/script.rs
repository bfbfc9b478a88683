//! Lines of standard input where no person types them.

use std::io::{self, BufRead, Read};

use hotloop::{Error, ErrorKind};

use super::makers::lift;
use super::scan::is_unfinished;
use super::session::Session;
use super::{TEXT_LIMIT, step};
use crate::cli::{Failure, complain};

/// Evaluates what the lines say; whether all went well.
pub(crate) fn run(session: &mut Session) -> Result<bool, Failure> {
    let mut stdin = io::stdin().lock();
    let mut well = true;
    let mut open = String::new();
    loop {
        let line = next_line(&mut stdin)?;
        match line {
            Line::Bad(error) => {
                complain(&error);
                well = false;
                open.clear();
                continue;
            }
            Line::Text(line) if goes_on(session, &mut open, &line) => continue,
            Line::Text(_) => {}
            Line::End if open.is_empty() => return Ok(well),
            Line::End => {}
        }
        let (more, fine) = step(session, &std::mem::take(&mut open))?;
        well &= fine;
        if !more {
            return Ok(well);
        }
    }
}

/// Adds a line; whether the text wants another one. A blank line ends any text.
fn goes_on(session: &Session, open: &mut String, line: &str) -> bool {
    open.push_str(line);
    let blank = line.trim().is_empty();
    let command = open.trim_start().starts_with(':');
    let lifted = lift(open, |name| session.definitions.has(name));
    !blank && !command && open.len() < TEXT_LIMIT && (lifted.open || is_unfinished(&lifted.text))
}

enum Line {
    Text(String),
    Bad(Error),
    End,
}

/// The next line; one that is too long is read to its end but not kept.
fn next_line(input: &mut impl BufRead) -> io::Result<Line> {
    let mut bytes = Vec::new();
    input.take(TEXT_LIMIT as u64 + 1).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(Line::End);
    }
    if bytes.len() > TEXT_LIMIT && bytes.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
        return Ok(Line::Bad(Error::new(
            ErrorKind::Limit,
            format!("a line of more than {TEXT_LIMIT} bytes"),
        )));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Line::Text(text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Line::Bad(Error::new(ErrorKind::Lex, format!("the line is not UTF-8 at byte {at}")))
        }
    })
}
