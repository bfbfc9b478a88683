//! A scanner for words and brackets, used before parsing.
//!
//! Comments are skipped; a number or a quoted text is one symbol, so that nothing inside counts.

use std::ops::Range;

/// An item of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A name or a reserved word.
    Word(&'a str),
    /// Any other byte that is not blank; `0` for a number, a quotation mark for a text.
    Symbol(u8),
}

/// The pieces of a text with their places.
pub(crate) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    /// From a place of the text, which is where a piece starts.
    pub(crate) fn from(text: &'a str, at: usize) -> Scan<'a> {
        Scan { text, at }
    }

    fn skip(&mut self, inside: impl Fn(u8) -> bool) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|c| !inside(*c)).unwrap_or(rest.len());
    }

    /// Skips a quoted text to its end, or to that of its line.
    fn skip_quoted(&mut self, quote: u8) {
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(c) = bytes.get(self.at).filter(|c| **c != b'\n') {
            self.at += 1;
            match c {
                b'\\' if bytes.get(self.at).is_some_and(|c| *c != b'\n') => self.at += 1,
                c if *c == quote => return,
                _ => {}
            }
        }
    }
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

impl<'a> Iterator for Scan<'a> {
    type Item = (Range<usize>, Piece<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        loop {
            self.skip(|c| c.is_ascii_whitespace());
            match bytes.get(self.at)? {
                b'#' => self.skip(|c| c != b'\n'),
                _ => break,
            }
        }
        let start = self.at;
        let piece = match *bytes.get(start)? {
            c if c.is_ascii_digit() => {
                self.skip(|c| is_word(c) || c == b'.');
                Piece::Symbol(b'0')
            }
            c if is_word(c) => {
                self.skip(is_word);
                Piece::Word(&self.text[start..self.at])
            }
            c @ (b'"' | b'\'') => {
                self.skip_quoted(c);
                Piece::Symbol(c)
            }
            c => {
                self.at += 1;
                Piece::Symbol(c)
            }
        };
        // An escape may have been the first byte of a longer character.
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        Some((start..self.at, piece))
    }
}

/// How many brackets a piece opens less how many it closes.
fn depth(piece: Piece<'_>) -> isize {
    match piece {
        Piece::Symbol(b'(' | b'[') => 1,
        Piece::Symbol(b')' | b']') => -1,
        _ => 0,
    }
}

/// How many brackets a text opens less how many it closes.
pub(crate) fn balance(text: &str) -> isize {
    Scan::from(text, 0).map(|(_, piece)| depth(piece)).sum()
}

/// Whether a text that ends with a piece wants more, whatever is before it.
pub(crate) fn continues(last: Piece<'_>) -> bool {
    match last {
        Piece::Word(word) => ["and", "or", "not", "if", "else", "def"].contains(&word),
        Piece::Symbol(c) => b"+-*/%&|^~<>=.".contains(&c),
    }
}

/// Whether a line is a command, where no bracket is open before it.
pub(crate) fn is_command(line: &str) -> bool {
    line.trim_start().starts_with(':')
}

/// Just after the bracket that closes the one at a place; `None` if nothing does.
pub(crate) fn closing(text: &str, open: usize) -> Option<usize> {
    let mut inside = 0;
    Scan::from(text, open).find_map(|(range, piece)| {
        inside += depth(piece);
        (inside <= 0).then_some(range.end)
    })
}

/// The parts of a text between commas that stand in no bracket; blank parts too.
pub(crate) fn split_commas(text: &str) -> Vec<&str> {
    let (mut inside, mut start, mut parts) = (0, 0, Vec::new());
    for (range, piece) in Scan::from(text, 0) {
        inside += depth(piece);
        if inside == 0 && piece == Piece::Symbol(b',') {
            parts.push(&text[start..range.start]);
            start = range.end;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The end of the first part of a text without blanks outside brackets and quotes.
pub(crate) fn first_end(text: &str) -> usize {
    let (mut inside, mut end) = (0, 0);
    for (range, piece) in Scan::from(text, 0) {
        if inside == 0 && range.start > end && end > 0 {
            break;
        }
        inside = (inside + depth(piece)).max(0);
        end = range.end;
    }
    end
}

/// Whether a program is incomplete: the parser fails only at its end.
pub(crate) fn is_unfinished(text: &str) -> bool {
    if text.trim().is_empty() {
        return false;
    }
    let Err(error) = hotloop_grammar::parse(text) else { return false };
    let place = error.span.range();
    match text.get(place.clone()) {
        Some("") => place.start > 0,
        Some("(" | "[") => closing(text, place.start).is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_brackets_outside_comments_and_quotes() {
        let text = "f(x, 2zeros) # g(\n'a)' é ]";
        let pieces: Vec<Piece<'_>> = Scan::from(text, 0).map(|(_, piece)| piece).collect();
        use Piece::{Symbol, Word};
        let want = [Word("f"), Symbol(b'('), Word("x"), Symbol(b','), Symbol(b'0'), Symbol(b')')];
        assert_eq!(pieces[..6], want);
        assert_eq!(pieces[6..], [Symbol(b'\''), Symbol(0xc3), Symbol(b']')]);
        assert_eq!(closing("f((1), [2])", 1), Some(11));
        assert_eq!(closing("f((1)", 1), None);
        assert_eq!(split_commas("1, (2, 3), f(4, 5)"), ["1", " (2, 3)", " f(4, 5)"]);
        assert_eq!(split_commas(""), [""]);
        for (text, first) in
            [("x y", "x"), ("(a + b) c", "(a + b)"), ("f('a b')[1, 2]", "f('a b')[1, 2]")]
        {
            assert_eq!(&text[..first_end(text)], first);
        }
        assert_eq!((first_end(""), first_end(" # x")), (0, 0));
    }

    #[test]
    fn what_goes_on() {
        for text in
            ["(1 +", "1 +", "x =", "def f(x) =", "def f(x", "f(1,\n", "x[1,", "a if b", "a;b,(\n"]
        {
            assert!(is_unfinished(text), "{text:?}");
        }
        for text in ["", " ", "1", "# (", "1 + $ (", "(1 $", ")", "f(x) = 3", "x = 1\n", "'(", "1,"]
        {
            assert!(!is_unfinished(text), "{text:?}");
        }
    }
}
