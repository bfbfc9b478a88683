//! Lines of standard input where no person types them.

use std::io::{self, BufRead, Read};

use hotloop::{Error, ErrorKind};

use super::scan::{Scan, balance, continues, is_command, is_unfinished};
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
                if open.inside <= 0 && is_command(&line) {
                    texts.push(std::mem::take(&mut open));
                }
                open.add(&line, number);
                if open.goes_on(session) {
                    continue;
                }
                texts.push(std::mem::take(&mut open));
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

/// A text of which there may be more lines.
#[derive(Default)]
struct Open {
    text: String,
    /// The number of its first line.
    first: usize,
    /// How many brackets are open.
    inside: isize,
    /// Whether what it ends with asks for more.
    continues: bool,
    /// Whether its last line is blank.
    blank: bool,
    /// How much of it the parser has seen.
    parsed: usize,
}

impl Open {
    fn add(&mut self, line: &str, number: usize) {
        if self.text.is_empty() {
            self.first = number;
        }
        self.text.push_str(line);
        self.inside += balance(line);
        self.blank = line.trim().is_empty();
        if let Some((_, last)) = Scan::from(line, 0).last() {
            self.continues = continues(last);
        }
    }

    /// Whether the text wants another line. A blank line ends any text.
    fn goes_on(&mut self, session: &Session) -> bool {
        if self.blank || self.text.len() >= TEXT_LIMIT || is_command(&self.text) {
            return false;
        }
        // The parser sees a text again once it is twice as long, so that many lines take no longer
        // than a long one.
        if (self.inside > 0 || self.continues) && self.text.len() < 2 * self.parsed {
            return true;
        }
        self.parsed = self.text.len();
        let lifted = session.lift(&self.text);
        lifted.open || is_unfinished(&lifted.text)
    }

    /// The line of the script that an error of the text is in.
    fn line(&self, text: &str, error: &Error) -> usize {
        let own = error.span().filter(|_| error.source_text() == Some(text));
        let before = own.and_then(|span| text.get(..span.range().start));
        self.first + before.map_or(0, |before| before.matches('\n').count())
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
