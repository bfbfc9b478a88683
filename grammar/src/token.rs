//! The lexer: from text to tokens, in two steps.
//!
//! logos splits the text into [`Token`]s. Numbers are scanned by hand, so that a malformed one is a
//! single error and never two tokens.
//!
//! [`Tokens`] then resolves what depends on context, so that the grammar stays LR(1): which
//! newlines end a statement, which names of a call's arguments are followed by `=` or `->`, and
//! where `None` is more than a name. It also drops the `np.` of `np.sin`.

use std::str::Chars;

use logos::{Lexer, Logos, Skip};

use crate::{Span, SyntaxError};

/// A token. Literals carry their value; escapes of text literals are resolved in the tree.
#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(error = Fault)]
#[logos(skip r"[ \t\r]+")]
pub(crate) enum Token<'input> {
    #[token("\n")]
    Newline,
    #[token(";")]
    Semicolon,
    #[token(",")]
    Comma,
    #[token("(")]
    LeftParen,
    #[token(")")]
    RightParen,
    #[token("[")]
    LeftBracket,
    #[token("]")]
    RightBracket,
    #[token(":")]
    Colon,
    #[token("...")]
    Ellipsis,
    #[token("=")]
    Assign,
    #[token("->")]
    Arrow,
    #[token(".")]
    Dot,

    #[token("|")]
    Pipe,
    #[token("^")]
    Caret,
    #[token("&")]
    Ampersand,
    #[token("<<")]
    ShiftLeft,
    #[token(">>")]
    ShiftRight,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("~")]
    Tilde,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("//")]
    DoubleSlash,
    #[token("%")]
    Percent,
    #[token("**")]
    DoubleStar,
    #[token("<")]
    Less,
    #[token("<=")]
    LessEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEqual,
    #[token("==")]
    Equal,
    #[token("!=")]
    NotEqual,

    #[token("and")]
    And,
    #[token("or")]
    Or,
    #[token("not")]
    Not,
    #[token("if")]
    If,
    #[token("else")]
    Else,
    #[token("def")]
    Def,
    #[token("True")]
    True,
    #[token("False")]
    False,
    #[token("pi")]
    Pi,
    #[token("inf")]
    Inf,
    #[token("nan")]
    Nan,

    #[regex("[A-Za-z_][A-Za-z0-9_]*")]
    Name(&'input str),
    /// A name before the `=` of a keyword argument; [`Tokens`] makes it.
    KeywordName(&'input str),
    /// A name before the `->` of a step; [`Tokens`] makes it.
    StepName(&'input str),
    /// The name `None` inside an index; [`Tokens`] makes it.
    NewAxis,
    #[regex("[\"']", text)]
    Text(&'input str),
    Int(i128),
    Float(f64),
    Imaginary(f64),

    // Patterns that become another token, none, or an error.
    #[regex(r"\.?[0-9]", number)]
    Number,
    #[token("#", comment)]
    Comment,
    #[token("\u{feff}", byte_order_mark)]
    ByteOrderMark,
    #[token("!")]
    #[token("&&")]
    #[token("||")]
    #[token("=>")]
    #[token("=<")]
    #[token("===")]
    #[token("!==")]
    #[token("<>")]
    #[token(":=")]
    #[token("?")]
    #[token("?:")]
    Foreign,
}

impl Token<'_> {
    /// Whether the token can only be followed by more of the statement, so that a newline after it
    /// does not end the statement.
    fn continues(self) -> bool {
        self.is_operator()
            || matches!(
                self,
                Token::Comma
                    | Token::Assign
                    | Token::Arrow
                    | Token::Dot
                    | Token::If
                    | Token::Else
                    | Token::Def
            )
    }

    /// Whether the token is an operator before or between operands.
    pub(crate) fn is_operator(self) -> bool {
        matches!(self, Token::Plus | Token::Minus | Token::Tilde | Token::Not)
            || self.is_infix_only()
    }

    /// Whether the token is an operator that cannot begin an expression.
    pub(crate) fn is_infix_only(self) -> bool {
        matches!(
            self,
            Token::Pipe
                | Token::Caret
                | Token::Ampersand
                | Token::ShiftLeft
                | Token::ShiftRight
                | Token::Star
                | Token::Slash
                | Token::DoubleSlash
                | Token::Percent
                | Token::DoubleStar
                | Token::And
                | Token::Or
        ) || self.is_comparison()
    }

    /// Whether the token compares.
    pub(crate) fn is_comparison(self) -> bool {
        matches!(
            self,
            Token::Less
                | Token::LessEqual
                | Token::Greater
                | Token::GreaterEqual
                | Token::Equal
                | Token::NotEqual
        )
    }

    /// Whether the token is a reserved word.
    pub(crate) fn is_reserved(self) -> bool {
        matches!(
            self,
            Token::And
                | Token::Or
                | Token::Not
                | Token::If
                | Token::Else
                | Token::Def
                | Token::True
                | Token::False
                | Token::Pi
                | Token::Inf
                | Token::Nan
        )
    }

    /// Whether an operand ends with the token.
    pub(crate) fn ends_operand(self) -> bool {
        matches!(
            self,
            Token::Name(_)
                | Token::KeywordName(_)
                | Token::StepName(_)
                | Token::Text(_)
                | Token::Int(_)
                | Token::Float(_)
                | Token::Imaginary(_)
                | Token::True
                | Token::False
                | Token::Pi
                | Token::Inf
                | Token::Nan
                | Token::RightParen
                | Token::RightBracket
        )
    }
}

/// A lexical error, before it becomes a [`SyntaxError`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Fault {
    /// The character where the token would begin.
    #[default]
    First,
    /// A character at this offset.
    Character(usize),
    /// An invalid piece of the text.
    Malformed { span: Span, message: &'static str, hint: Option<&'static str> },
}

fn byte_order_mark<'input>(lexer: &mut Lexer<'input, Token<'input>>) -> Result<Skip, Fault> {
    if lexer.span().start == 0 { Ok(Skip) } else { Err(Fault::First) }
}

fn comment<'input>(lexer: &mut Lexer<'input, Token<'input>>) -> Result<Skip, Fault> {
    let end = lexer.remainder().find('\n').unwrap_or(lexer.remainder().len());
    let comment = &lexer.remainder()[..end];
    let fault = comment.find(is_control).map(|at| Fault::Character(lexer.span().end + at));
    lexer.bump(end);
    fault.map_or(Ok(Skip), Err)
}

/// Whether a character controls terminals, and so is not allowed in comments and text literals.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\r')
}

/// Scans a text literal after its opening quote; the token is the text between the quotes.
fn text<'input>(lexer: &mut Lexer<'input, Token<'input>>) -> Result<&'input str, Fault> {
    let start = lexer.span().start;
    let body = lexer.span().end;
    let quote = lexer.slice().chars().next();
    let mut chars = lexer.remainder().char_indices();
    while let Some((at, c)) = chars.next() {
        if Some(c) == quote {
            let text = &lexer.remainder()[..at];
            lexer.bump(at + 1);
            return Ok(text);
        }
        match c {
            '\\' => match chars.next() {
                Some((_, 'n' | 't' | '\\' | '"' | '\'')) => {}
                Some((_, '\n' | '\r')) | None => break,
                Some((next, c)) => {
                    if is_control(c) {
                        return Err(Fault::Character(body + next));
                    }
                    return Err(Fault::Malformed {
                        span: Span::new(body + at, body + next + c.len_utf8()),
                        message: "unknown escape in a text literal",
                        hint: Some(r#"the escapes are \\ \" \' \n and \t"#),
                    });
                }
            },
            '\n' => break,
            '\r' if chars.as_str().starts_with('\n') => break,
            c if c == '\r' || is_control(c) => return Err(Fault::Character(body + at)),
            _ => {}
        }
    }
    let line = lexer.remainder().find('\n').unwrap_or(lexer.remainder().len());
    let end = body + lexer.remainder()[..line].trim_end_matches('\r').len();
    Err(Fault::Malformed {
        span: Span::new(start, end),
        message: "this text literal is not closed on its line",
        hint: Some(r"a line break in a text literal is written \n"),
    })
}

/// The value of a text literal, given the text between its quotes.
pub(crate) fn unescape(text: &str) -> Box<str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(c) => c,
                None => c,
            },
            c => c,
        });
    }
    out.into()
}

/// Reads one number and everything that touches it.
struct Scanner<'input> {
    rest: Chars<'input>,
}

impl Scanner<'_> {
    fn peek(&self) -> char {
        self.rest.clone().next().unwrap_or('\0')
    }

    fn eat(&mut self, accepted: &[char]) -> bool {
        let found = accepted.contains(&self.peek());
        if found {
            self.rest.next();
        }
        found
    }

    /// Digits with single underscores between them. Stops before an underscore that no digit
    /// follows.
    fn digits(&mut self, is_digit: fn(&char) -> bool) {
        loop {
            while is_digit(&self.peek()) {
                self.rest.next();
            }
            let mut ahead = self.rest.clone();
            if !(ahead.next() == Some('_') && ahead.next().is_some_and(|c| is_digit(&c))) {
                return;
            }
            self.rest = ahead;
        }
    }

    /// Everything that directly follows the number, which is invalid.
    fn tail(&mut self) {
        while self.peek() == '_' || self.peek() == '.' || self.peek().is_ascii_alphanumeric() {
            self.rest.next();
        }
    }
}

const TOUCHES: (&str, &str) =
    ("a number cannot touch a name", "a product is written with `*`, as in `2 * x`");
const TOUCHES_ATTRIBUTE: (&str, &str) =
    ("a number cannot touch a name", "an attribute of a number is written `(1.5).real`");
const TOO_LARGE: (&str, &str) =
    ("integer literal does not fit 127 bits", "a float may be larger, as in `1e40`");

fn number<'input>(lexer: &mut Lexer<'input, Token<'input>>) -> Result<Token<'input>, Fault> {
    let start = lexer.span().start;
    let text = &lexer.source()[start..];
    let mut scanner = Scanner { rest: text.chars() };
    let read = scan_number(text, &mut scanner);
    // The error includes what directly follows the number.
    scanner.tail();
    let length = text.len() - scanner.rest.as_str().len();
    lexer.bump(length - lexer.slice().len());
    read.map_err(|(message, hint)| Fault::Malformed {
        span: Span::new(start, start + length),
        message,
        hint: (!hint.is_empty()).then_some(hint),
    })
}

/// Reads the number at the start of `text`; an error is a message and a hint, which may be empty.
fn scan_number<'input>(
    text: &str,
    scanner: &mut Scanner<'_>,
) -> Result<Token<'input>, (&'static str, &'static str)> {
    let decimal = char::is_ascii_digit;
    let consumed = |scanner: &Scanner<'_>| &text[..text.len() - scanner.rest.as_str().len()];
    let bytes = text.as_bytes();

    if let [b'0', b'x' | b'X', ..] = bytes {
        scanner.eat(&['0']);
        scanner.eat(&['x', 'X']);
        scanner.digits(char::is_ascii_hexdigit);
        let digits = &consumed(scanner)[2..];
        check_tail(scanner)?;
        if digits.is_empty() {
            return Err(("a hexadecimal literal needs a digit after `0x`", ""));
        }
        return integer(digits, 16).map(Token::Int);
    }
    if let [b'0', b'b' | b'B' | b'o' | b'O', ..] = bytes {
        return Err(("integers are written in decimal or, after `0x`, in hexadecimal", ""));
    }

    scanner.digits(decimal);
    let mut is_float = scanner.eat(&['.']);
    if is_float && decimal(&scanner.peek()) {
        scanner.digits(decimal);
    }
    if matches!(scanner.peek(), 'e' | 'E') {
        let before = scanner.rest.clone();
        scanner.rest.next();
        let signed = scanner.eat(&['+', '-']);
        if decimal(&scanner.peek()) {
            scanner.digits(decimal);
            is_float = true;
        } else if !signed && scanner.peek().is_ascii_alphabetic() {
            scanner.rest = before; // `2exp`: no exponent, but a name
        } else {
            return Err(("the exponent has no digits", ""));
        }
    }
    let digits = consumed(scanner);
    let imaginary = scanner.eat(&['j', 'J']);
    check_tail(scanner)?;
    if !is_float && !imaginary {
        if digits.len() > 1 && digits.starts_with('0') {
            let hint = "drop the leading zeros; thousands are separated by `_`, as in `1_000`";
            return Err(("an integer cannot begin with 0", hint));
        }
        return integer(digits, 10).map(Token::Int);
    }
    // Every string that reaches this parses; a number too large for f64 is infinity.
    let value = match digits.contains('_') {
        true => digits.replace('_', "").parse(),
        false => digits.parse(),
    };
    let value = value.map_err(|_| ("malformed number", ""))?;
    Ok(if imaginary { Token::Imaginary(value) } else { Token::Float(value) })
}

/// Rejects text that directly follows a number.
fn check_tail(scanner: &Scanner<'_>) -> Result<(), (&'static str, &'static str)> {
    let mut rest = scanner.rest.clone();
    match rest.next() {
        Some('_') => Err(("an underscore in a number must stand between two digits", "")),
        Some('.') if rest.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic()) => {
            Err(TOUCHES_ATTRIBUTE)
        }
        Some('.') => Err(("a number has at most one `.`", "")),
        Some(c) if c.is_ascii_alphanumeric() => {
            // The number has consumed the dot of `1.real`.
            let attribute =
                ["real", "imag"].iter().any(|name| scanner.rest.as_str().starts_with(name));
            Err(if attribute { TOUCHES_ATTRIBUTE } else { TOUCHES })
        }
        _ => Ok(()),
    }
}

/// The value of digits.
fn integer(digits: &str, radix: u32) -> Result<i128, (&'static str, &'static str)> {
    digits
        .chars()
        .filter_map(|c| c.to_digit(radix))
        .try_fold(0i128, |value, digit| {
            value.checked_mul(i128::from(radix))?.checked_add(i128::from(digit))
        })
        .ok_or(TOO_LARGE)
}

/// The error for an integer of an index outside `i64`.
pub(crate) fn too_large(span: Span) -> SyntaxError {
    SyntaxError::lex(span, "this index does not fit i64")
}

/// A bracket that is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bracket {
    /// Where it was opened.
    pub(crate) span: Span,
    /// The kind of its contents.
    pub(crate) kind: BracketKind,
}

/// The contents of a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BracketKind {
    /// The arguments of a call.
    Arguments,
    /// The parameters of a `def`.
    Parameters,
    /// An expression or a tuple.
    Group,
    /// The items of an index.
    Index,
    /// The elements of a list.
    List,
}

impl BracketKind {
    /// The opening symbol.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            BracketKind::Arguments | BracketKind::Parameters | BracketKind::Group => "(",
            BracketKind::Index | BracketKind::List => "[",
        }
    }
}

/// A token between its start and end offsets, as the parser expects it.
pub(crate) type Spanned<'input> = (u32, Token<'input>, u32);

/// The tokens of a text as the grammar sees them.
pub(crate) struct Tokens<'input> {
    lexer: Lexer<'input, Token<'input>>,
    /// A token that was peeked at but not yet returned.
    peeked: Option<Option<Result<Spanned<'input>, SyntaxError>>>,
    /// The last token returned.
    previous: Option<Token<'input>>,
    /// The one before it.
    earlier: Option<Token<'input>>,
    /// The brackets that are open, outermost first.
    pub(crate) brackets: Vec<Bracket>,
}

impl<'input> Tokens<'input> {
    /// The text must be shorter than 4 GiB.
    pub(crate) fn new(text: &'input str) -> Tokens<'input> {
        Tokens {
            lexer: Token::lexer(text),
            peeked: None,
            previous: None,
            earlier: None,
            brackets: Vec::new(),
        }
    }

    /// The next token of the text, without context.
    fn cut(&mut self) -> Option<Result<Spanned<'input>, SyntaxError>> {
        if let Some(peeked) = self.peeked.take() {
            return peeked;
        }
        let mut token = self.lexer.next()?;
        if matches!(token, Ok(Token::Name("np" | "numpy" | "math"))) && self.skip_prefix() {
            token = self.lexer.next()?;
            match token {
                Ok(Token::Name("newaxis")) => token = Ok(Token::Name("None")),
                Ok(Token::Name("e")) => return Some(Err(self.no_constant("exp(1)"))),
                Ok(Token::Name("tau")) => return Some(Err(self.no_constant("2 * pi"))),
                _ => {}
            }
        }
        let token = match token {
            Ok(Token::Foreign) => return Some(Err(self.foreign())),
            Ok(token) => token,
            Err(fault) => return Some(Err(self.error(fault))),
        };
        let span = Span::from_range(self.lexer.span());
        Some(Ok((span.start, token, span.end)))
    }

    /// After the name of a module, skips the dot before a member. A name after a dot is an
    /// attribute or a method, not a module.
    fn skip_prefix(&mut self) -> bool {
        let mut ahead = self.lexer.clone();
        if self.previous == Some(Token::Dot) || ahead.next() != Some(Ok(Token::Dot)) {
            return false;
        }
        let after_dot = ahead.clone();
        let has_name = match ahead.next() {
            Some(Ok(token)) => matches!(token, Token::Name(_)) || token.is_reserved(),
            _ => false,
        };
        if has_name {
            self.lexer = after_dot;
        }
        has_name
    }

    /// What the innermost open bracket holds.
    fn inside(&self) -> Option<BracketKind> {
        self.brackets.last().map(|bracket| bracket.kind)
    }

    /// Closes the innermost open bracket if its opening symbol is `symbol`.
    fn close(&mut self, symbol: &str) {
        self.brackets.pop_if(|bracket| bracket.kind.symbol() == symbol);
    }

    /// Whether the next token begins an argument of a call.
    fn begins_argument(&self) -> bool {
        matches!(self.previous, Some(Token::LeftParen | Token::Comma))
            && self.inside() == Some(BracketKind::Arguments)
    }

    /// The name as a `KeywordName` or `StepName` if the next token, ignoring newlines, is `=` or
    /// `->`.
    fn argument_name(&mut self, name: &'input str) -> Token<'input> {
        let next = loop {
            match self.cut() {
                Some(Ok((_, Token::Newline, _))) => {}
                next => break next,
            }
        };
        let token = match next {
            Some(Ok((_, Token::Assign, _))) => Token::KeywordName(name),
            Some(Ok((_, Token::Arrow, _))) => Token::StepName(name),
            _ => Token::Name(name),
        };
        self.peeked = Some(next);
        token
    }

    fn error(&self, fault: Fault) -> SyntaxError {
        match fault {
            Fault::First => self.unexpected_character(self.lexer.span().start),
            Fault::Character(at) => self.unexpected_character(at),
            Fault::Malformed { span, message, hint } => {
                let error = SyntaxError::lex(span, message);
                match hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                }
            }
        }
    }

    fn unexpected_character(&self, at: usize) -> SyntaxError {
        let c = self.lexer.source()[at..].chars().next().unwrap_or('\0');
        let span = Span::new(at, (at + c.len_utf8()).min(self.lexer.source().len()));
        if c.is_ascii_graphic() {
            let error = SyntaxError::lex(span, format!("unexpected character `{c}`"));
            return match c {
                '\\' => error.hint("a line that ends with an operator goes on without `\\`"),
                '@' if self.previous.is_some_and(Token::ends_operand) => error.hint(
                    "there is no product of matrices; `dot(x, y)` is the sum of the products",
                ),
                '@' | '$' => error.hint(format!("write the name without `{c}`")),
                '{' => error.hint("outputs are named by binding them: `mid = (bid + ask) / 2`"),
                _ => error,
            };
        }
        let error = SyntaxError::lex(span, format!("unexpected character U+{:04X}", u32::from(c)));
        match c {
            '\u{2212}' | '\u{2013}' | '\u{2014}' => error.hint("minus is written `-`"),
            '\u{d7}' | '\u{b7}' | '\u{22c5}' => error.hint("a product is written `*`"),
            '\u{f7}' => error.hint("a quotient is written `/`"),
            '\u{2264}' => error.hint("write `<=`"),
            '\u{2265}' => error.hint("write `>=`"),
            '\u{2260}' => error.hint("write `!=`"),
            '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => {
                error.hint("text is quoted with `\"` or `'`")
            }
            c if c.is_whitespace() && !c.is_control() => {
                error.hint("only the ASCII space, tabs and line ends separate tokens")
            }
            c if c.is_numeric() => error.hint("digits are ASCII"),
            c if c.is_alphabetic() => error.hint("identifiers are ASCII"),
            _ => error,
        }
    }

    /// The error for a constant of a module that does not exist here.
    fn no_constant(&self, instead: &str) -> SyntaxError {
        let span = Span::from_range(self.lexer.span());
        let message = format!("there is no constant `{}`", self.lexer.slice());
        SyntaxError::lex(span, message).hint(format!("write `{instead}`"))
    }

    /// The error for an operator of another language.
    fn foreign(&self) -> SyntaxError {
        let symbol = self.lexer.slice();
        let advice = match symbol {
            "!" => "write `not`, or `~` for the complement of an integer",
            "&&" => "write `and`",
            "||" => "write `or`",
            "=>" => "write `>=` to compare, `->` for a step",
            "=<" => "write `<=`",
            "===" => "write `==`",
            "!==" | "<>" => "write `!=`",
            ":=" => "write `=`",
            _ => "a conditional is written `a if condition else b`",
        };
        let span = Span::from_range(self.lexer.span());
        SyntaxError::lex(span, format!("`{symbol}` is not an operator")).hint(advice)
    }
}

impl<'input> Iterator for Tokens<'input> {
    type Item = Result<Spanned<'input>, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (start, mut token, end) = loop {
            match self.cut()? {
                Ok((_, Token::Newline, _))
                    if !self.brackets.is_empty()
                        || self.previous.is_none_or(|previous| {
                            previous == Token::Newline || previous.continues()
                        }) => {}
                Ok(spanned) => break spanned,
                Err(error) => return Some(Err(error)),
            }
        };
        match token {
            Token::LeftParen => {
                let kind = match (self.earlier, self.previous) {
                    (Some(Token::Def), Some(Token::Name(_))) => BracketKind::Parameters,
                    (_, Some(Token::Name(_))) => BracketKind::Arguments,
                    _ => BracketKind::Group,
                };
                self.brackets.push(Bracket { span: Span { start, end }, kind });
            }
            Token::LeftBracket => {
                let kind = match self.previous.is_some_and(Token::ends_operand) {
                    true => BracketKind::Index,
                    false => BracketKind::List,
                };
                self.brackets.push(Bracket { span: Span { start, end }, kind });
            }
            Token::RightParen => self.close("("),
            Token::RightBracket => self.close("["),
            Token::Name("None") if self.inside() == Some(BracketKind::Index) => {
                token = Token::NewAxis;
            }
            Token::Name(name) if self.begins_argument() => {
                token = self.argument_name(name);
            }
            // NumPy has a keyword of this name: `nan_to_num(x, nan=0)`.
            Token::Nan if self.begins_argument() => {
                if let Token::KeywordName(name) = self.argument_name("nan") {
                    token = Token::KeywordName(name);
                }
            }
            _ => {}
        }
        self.earlier = self.previous.replace(token);
        Some(Ok((start, token, end)))
    }
}
