//! Lines of standard input where no person types them.

use std::io::{self, BufRead, Read};

use hotloop::{Error, ErrorKind};

use super::open::Open;
use super::session::Session;
use super::{Next, TEXT_LIMIT, step};
use crate::cli::{Failure, complain, interrupt, print};

/// Evaluates what the lines say; whether all went well.
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
