//! Texts of several lines, and where each ends.

use hotloop::Error;

use super::TEXT_LIMIT;
use super::makers::Lifted;
use super::scan::{Scan, balance, continues, is_command, is_unfinished};

/// Input that may continue on further lines.
#[derive(Default)]
pub(crate) struct Open {
    pub text: String,
    /// The number of its first line.
    first: usize,
    /// How many brackets are open.
    inside: isize,
    /// Whether the text is incomplete.
    continues: bool,
    /// Whether its last line is blank.
    blank: bool,
    /// How much of it the parser has seen.
    parsed: usize,
}

impl Open {
    /// Adds a line with its number; complete texts are appended to `texts`. A command is a single
    /// line, and ends the text before it.
    pub(crate) fn take_in(
        &mut self,
        line: &str,
        number: usize,
        lift: impl Fn(&str) -> Lifted,
        texts: &mut Vec<Open>,
    ) {
        if self.inside <= 0 && is_command(line) {
            texts.push(std::mem::take(self));
        }
        self.add(line, number);
        if !self.goes_on(lift) {
            texts.push(std::mem::take(self));
        }
    }

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
    fn goes_on(&mut self, lift: impl Fn(&str) -> Lifted) -> bool {
        if self.blank || self.text.len() >= TEXT_LIMIT || is_command(&self.text) {
            return false;
        }
        // The parser sees a text again once it is twice as long, so that many lines take no longer
        // than a long one.
        if (self.inside > 0 || self.continues) && self.text.len() < 2 * self.parsed {
            return true;
        }
        self.parsed = self.text.len();
        let lifted = lift(&self.text);
        lifted.open || is_unfinished(&lifted.text)
    }

    /// The number of the line that an error of the text is in.
    pub(crate) fn line(&self, text: &str, error: &Error) -> usize {
        let own = error.span().filter(|_| error.source_text() == Some(text));
        let before = own.and_then(|span| text.get(..span.range().start));
        self.first + before.map_or(0, |before| before.matches('\n').count())
    }
}

/// Splits lines into complete texts and an incomplete rest.
pub(crate) fn texts(lines: &str, lift: impl Fn(&str) -> Lifted) -> (Vec<Open>, Open) {
    let (mut texts, mut open) = (Vec::new(), Open::default());
    for (number, line) in (1..).zip(lines.split_inclusive('\n')) {
        open.take_in(line, number, &lift, &mut texts);
    }
    texts.retain(|open| !open.text.trim().is_empty());
    (texts, open)
}

#[cfg(test)]
mod tests {
    use super::super::makers::lift;
    use super::*;

    #[test]
    fn a_text_ends_where_it_makes_sense() {
        let lines = ":load a(.npy\nx[1\n:3]\nx\n  :plot x\n\n1 +\n2\n1 +\n\nzeros(2,\n";
        let (complete, open) = texts(lines, |text| lift(text, |_| false, |_| false));
        let seen: Vec<&str> = complete.iter().map(|open| open.text.as_str()).collect();
        let want = [":load a(.npy\n", "x[1\n:3]\n", "x\n", "  :plot x\n", "1 +\n2\n", "1 +\n\n"];
        assert_eq!(seen, want);
        let firsts: Vec<usize> = complete.iter().map(|open| open.first).collect();
        assert_eq!((firsts, open.text.as_str()), (vec![1, 2, 4, 5, 7, 9], "zeros(2,\n"));
    }
}
