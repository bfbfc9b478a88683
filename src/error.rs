//! The public error type: what went wrong, where in the text, and what to do about it.

use std::fmt;
use std::sync::Arc;

pub use hotloop_grammar::Span;
use unicode_width::UnicodeWidthChar;

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// The kind of an error. Match on it; messages may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text has a token that does not exist.
    Lex,
    /// The text is not a program.
    Parse,
    /// A name that is unknown, missing, or bound twice.
    Name,
    /// A call with the wrong number of arguments.
    Arity,
    /// A dtype that an operation does not take.
    Type,
    /// Shapes that do not fit each other.
    Shape,
    /// Memory that cannot be an array: a null pointer, a span that overflows.
    Layout,
    /// Outputs that overlap themselves or each other.
    Alias,
    /// A limit of the engine's options.
    Limit,
    /// A failed allocation.
    OutOfMemory,
    /// A file that cannot be read or written.
    Io,
    /// A file that is not what its name says.
    Format,
    /// The run was cancelled or passed its deadline.
    Cancelled,
    /// An output that was moved out before.
    Taken,
    /// A bug in hotloop.
    Internal,
}

impl ErrorKind {
    /// The kind's stable upper-case code, as `PARSE`.
    pub fn code(self) -> &'static str {
        match self {
            ErrorKind::Lex => "LEX",
            ErrorKind::Parse => "PARSE",
            ErrorKind::Name => "NAME",
            ErrorKind::Arity => "ARITY",
            ErrorKind::Type => "TYPE",
            ErrorKind::Shape => "SHAPE",
            ErrorKind::Layout => "LAYOUT",
            ErrorKind::Alias => "ALIAS",
            ErrorKind::Limit => "LIMIT",
            ErrorKind::OutOfMemory => "OOM",
            ErrorKind::Io => "IO",
            ErrorKind::Format => "FORMAT",
            ErrorKind::Cancelled => "CANCELLED",
            ErrorKind::Taken => "TAKEN",
            ErrorKind::Internal => "INTERNAL",
        }
    }
}

/// An error, with its place in the program text if it has one.
///
/// `Display` draws the source line with a caret under the span. The error owns the text.
///
/// ```
/// let error = hotloop::compile("sine(a) + 1").unwrap_err();
/// assert_eq!(error.kind(), hotloop::ErrorKind::Name);
/// assert!(error.to_string().contains("did you mean 'sin', 'sinc' or 'since'?"));
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    span: Option<Span>,
    source: Option<Arc<str>>,
    hints: Vec<String>,
    /// The underlying error, such as an `io::Error`.
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            message: readable(message.into()),
            span: None,
            source: None,
            hints: Vec::new(),
            cause: None,
        }))
    }

    /// An internal error, with a hint on how to report it.
    pub(crate) fn internal(message: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Internal, format!("internal error: {message}"))
            .hint("this is a bug in hotloop; please report it with the expression and the dtypes")
    }

    /// Adds advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hints.push(readable(hint.into()));
        self
    }

    /// Sets the underlying error: its [`source`](std::error::Error::source).
    ///
    /// ```
    /// use std::error::Error as _;
    ///
    /// let error = hotloop::npy::open("no/such/file.npy").unwrap_err();
    /// let cause = error.source().and_then(|e| e.downcast_ref::<std::io::Error>()).expect("one");
    /// assert_eq!(cause.kind(), std::io::ErrorKind::NotFound);
    /// ```
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// Prefixes the message with the part it concerns: a file, an argument.
    pub fn within(self, what: &str) -> Error {
        let mut error = self;
        error.0.message = readable(format!("{what}: {}", error.0.message));
        error
    }

    /// Sets the place of the error in a text, unless it has one.
    pub(crate) fn at(mut self, span: Span, source: &Arc<str>) -> Error {
        if self.0.span.is_none() {
            self.0.span = Some(span);
            self.0.source = Some(source.clone());
        }
        self
    }

    /// Replaces the place of the error: for hosts that compile more text than their user typed.
    ///
    /// ```
    /// use hotloop::Span;
    ///
    /// let (own, typed) = ("def half(x) = x / 2\n", "halv(3)");
    /// let error = hotloop::compile(&format!("{own}{typed}")).unwrap_err();
    /// let span = error.span().expect("a place");
    /// let (start, end) = (span.start as usize - own.len(), span.end as usize - own.len());
    /// let error = error.located(Span::new(start, end), typed);
    /// assert!(error.to_string().contains("1 | halv(3)\n  | ^^^^"), "{error}");
    /// ```
    pub fn located(mut self, span: Span, text: &str) -> Error {
        self.0.span = Some(span);
        self.0.source = Some(text.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message, without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The place in the text, in bytes.
    pub fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// The text that the span points into.
    pub fn source_text(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// Advice, one sentence each.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let cause = self.0.cause.as_deref()?;
        Some(cause)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.code())
    }
}

/// The maximum number of characters of a user's text in a message.
const SHOWN: usize = 60;
/// Longer words of a message are shortened.
const LONGEST_WORD: usize = 100;
/// The maximum number of characters of a message; lists of names could be longer.
const LONGEST_MESSAGE: usize = 1000;

/// The same text as [`shortened`] gives, in quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", shortened(text))
}

/// User text for a message: control characters escaped, at most 60 characters.
pub fn shortened(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == SHOWN {
            out.push('…');
            break;
        }
        push_visible(&mut out, c);
    }
    out
}

/// Shortens the words of a message, which may contain names of any length.
fn readable(message: String) -> String {
    if message.len() <= LONGEST_WORD {
        return message;
    }
    let mut out = String::new();
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    for word in message.split_inclusive(|c| !is_inside(c)) {
        let name = word.trim_end_matches(|c| !is_inside(c));
        match name.char_indices().nth(LONGEST_WORD) {
            Some(_) => {
                out.extend(name.chars().take(SHOWN));
                out.push('…');
                out.push_str(&word[name.len()..]);
            }
            None => out.push_str(word),
        }
        if out.len() > 4 * LONGEST_MESSAGE {
            break;
        }
    }
    match out.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &out[..end]),
        None => out,
    }
}

/// A program on one line, without comments, cut after `most` characters.
pub(crate) fn shown_program(text: &str, most: usize) -> String {
    let mut line = String::new();
    for code in text.lines().map(|line| line.split('#').next().unwrap_or_default()) {
        for part in code.split(';') {
            for (i, word) in part.split_whitespace().enumerate() {
                line += match (i, line.is_empty()) {
                    (_, true) => "",
                    (0, _) => "; ",
                    _ => " ",
                };
                word.chars().for_each(|c| push_visible(&mut line, c));
            }
        }
        if line.len() > 4 * most {
            break;
        }
    }
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line,
    }
}

/// A shape as Python writes it.
pub(crate) fn shown_shape(shape: &[usize]) -> String {
    match shape {
        [n] => format!("({n},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Appends a character, escaped if it controls terminals or text direction.
fn push_visible(out: &mut String, c: char) {
    let directs = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if c == '\t' {
        out.push(' ');
    } else if c.is_control() || directs {
        out.extend(c.escape_unicode());
    } else {
        out.push(c);
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.0.message)?;
        if let (Some(span), Some(source)) = (self.0.span, &self.0.source) {
            Excerpt::new(source, span).fmt(f)?;
        }
        for hint in &self.0.hints {
            write!(f, "\n  = help: {hint}")?;
        }
        Ok(())
    }
}

/// The part of one source line around a span, cut to fit a terminal.
struct Excerpt {
    line_number: usize,
    line: String,
    caret: usize,
    width: usize,
}

impl Excerpt {
    /// The maximum number of characters shown on each side of the span's start.
    const REACH: usize = 60;

    fn new(source: &str, span: Span) -> Excerpt {
        let floor = |mut i: usize| {
            i = i.min(source.len());
            while !source.is_char_boundary(i) {
                i -= 1;
            }
            i
        };
        let (start, end) = (floor(span.start as usize), floor(span.end as usize));
        let line_start = source[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |i| start + i);
        let before: Vec<char> =
            source[line_start..start].chars().rev().take(Self::REACH + 1).collect();
        let mut line = String::new();
        if before.len() > Self::REACH {
            line.push('…');
        }
        before.iter().take(Self::REACH).rev().for_each(|c| push_visible(&mut line, *c));
        let columns = |s: &str| s.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>();
        let caret = columns(&line);
        let mut width = 0;
        let rest = source[start..line_end].trim_end_matches('\r');
        for (count, (i, c)) in rest.char_indices().enumerate() {
            if count == Self::REACH {
                line.push('…');
                break;
            }
            let from = line.len();
            push_visible(&mut line, c);
            if start + i < end {
                width += columns(&line[from..]);
            }
        }
        Excerpt {
            line_number: source[..start].matches('\n').count() + 1,
            line,
            caret,
            width: width.max(1),
        }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line_number.to_string();
        let gutter = " ".repeat(number.len());
        let (pad, carets) = (" ".repeat(self.caret), "^".repeat(self.width));
        write!(f, "\n{gutter} |\n{number} | {}\n{gutter} | {pad}{carets}", self.line)
    }
}

const _: () = assert!(size_of::<Error>() == 8, "errors travel in Results of hot paths");
