//! Syntax errors.

use std::fmt;

use crate::Span;

/// A syntax error: a message, a place, and advice if there is some.
///
/// `Display` writes the message alone. The message and the hints quote the text only where it is
/// printable ASCII; any other character is named by its code point, so they are safe to print on a
/// terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The stage that rejected the text.
    pub kind: SyntaxErrorKind,
    /// The place to underline: inside the text, both ends on character boundaries. It is empty
    /// where something is missing at the end of the text.
    pub span: Span,
    /// The message, without a final full stop.
    pub message: String,
    /// What to write instead, each a sentence of its own.
    pub hints: Vec<String>,
}

/// The two stages that read a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyntaxErrorKind {
    /// The characters do not form tokens.
    Lex,
    /// The tokens do not form a program.
    Parse,
}

impl SyntaxError {
    pub(crate) fn lex(span: Span, message: impl Into<String>) -> SyntaxError {
        SyntaxError { kind: SyntaxErrorKind::Lex, span, message: message.into(), hints: Vec::new() }
    }

    pub(crate) fn parse(span: Span, message: impl Into<String>) -> SyntaxError {
        SyntaxError { kind: SyntaxErrorKind::Parse, ..SyntaxError::lex(span, message) }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> SyntaxError {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}
