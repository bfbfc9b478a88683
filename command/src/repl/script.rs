//! Lines of standard input where no person types them.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use hotloop::{Error, ErrorKind, Result as Outcome};

use super::open::Open;
use super::session::Session;
use super::{Next, TEXT_LIMIT, step};
use crate::stream::{Stream, cannot};
use crate::{Failure, complain, interrupt, print, quantity};

/// Files may run files so deep.
const DEEPEST: usize = 16;

/// Evaluates lines; returns whether all succeeded.
///
/// # Errors
/// `Cancelled`: Ctrl-C ends all of it.
pub(crate) fn run(session: &mut Session) -> Result<bool, Failure> {
    interrupt::end_all();
    let mut stdin = io::stdin().lock();
    let (mut well, mut number) = (true, 0);
    let mut open = Open::default();
    loop {
        let line = interrupt::waiting(|| next_line(&mut stdin))??;
        number += 1;
        let mut texts = Vec::new();
        match line {
            Line::Bad(error) => {
                complain(&format_args!("line {number}: {error}"));
                well = false;
                open = Open::default();
                continue;
            }
            Line::Text(line) => {
                open.take_in(&line, number, |text| session.lift(text), &mut texts);
            }
            Line::End if open.text.is_empty() => return Ok(well),
            Line::End => texts.push(std::mem::take(&mut open)),
        }
        for open in texts {
            let text = open.text.trim();
            match step(session, text) {
                Ok(Next::Quit) => return Ok(well),
                Ok(Next::Go(text)) => print(&text)?,
                Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error.into()),
                Err(error) => {
                    complain(&format_args!("line {}: {error}", open.line(text, &error)));
                    well = false;
                }
            }
        }
    }
}

/// Evaluates the lines of a file up to the first error; returns the output.
///
/// # Errors
/// `Io`; that of a line, with the file and the line's number.
pub(crate) fn file(session: &mut Session, path: &Path) -> Outcome<String> {
    // Also a file that runs itself ends here.
    if session.running == DEEPEST {
        let message = format!("{DEEPEST} files that run each other are enough");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let file =
        Stream::open(path).map_err(|error| cannot("read", format_args!("{path:?}"), error))?;
    session.running += 1;
    let ran = lines(session, path, &mut BufReader::new(file));
    session.running -= 1;
    ran
}

fn lines(session: &mut Session, path: &Path, input: &mut impl BufRead) -> Outcome<String> {
    let within = |error: Error, line: usize| match error.kind() {
        ErrorKind::Cancelled => error,
        _ => error.within(&format!("{}:{line}", path.display())),
    };
    let (mut printed, mut open, mut number) = (String::new(), Open::default(), 0);
    loop {
        number += 1;
        let line = next_line(input);
        let mut texts = Vec::new();
        let ended = match line.map_err(|error| cannot("read", format_args!("{path:?}"), error))? {
            Line::Bad(error) => return Err(within(error, number)),
            Line::Text(line) => {
                open.take_in(&line, number, |text| session.lift(text), &mut texts);
                false
            }
            Line::End => {
                texts.push(std::mem::take(&mut open));
                true
            }
        };
        for open in texts.into_iter().filter(|open| !open.text.trim().is_empty()) {
            let text = open.text.trim();
            match step(session, text) {
                Ok(Next::Quit) => return Ok(printed),
                Ok(Next::Go(text)) => printed += &text,
                Err(error) => {
                    let line = open.line(text, &error);
                    return Err(within(error, line));
                }
            }
        }
        if ended {
            return Ok(printed);
        }
    }
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
            format!("a line of more than {}", quantity::limit(TEXT_LIMIT as u64)),
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
