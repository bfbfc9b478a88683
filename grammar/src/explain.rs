//! Messages for unexpected tokens.
//!
//! Runs only on texts with an error, so the text is tokenized again, and advice is found from the
//! tokens around the unexpected one.

use crate::token::{Bracket, BracketKind, Token, Tokens};
use crate::{Span, SyntaxError};

/// Advice for an expression that continues on the next line.
pub(crate) const GO_ON: &str =
    "a statement ends with its line; to go on, end the line with the operator or use brackets";

/// Advice for an invalid item of an index.
const INDEX: &str =
    "an index is made of integers, slices such as `1:10:2`, `None` for a new axis and `...`";
const MASK: &str = "elements are chosen by `where(condition, x, nan)`, for a reduction by \
                    `mean(x, where=x > 0)`";
const DEFINE: &str = "a function is defined with `def name(x) = ...`";
const RETURN: &str = "a function is defined without `return`: `def name(x) = x + 1`";
const ATTRIBUTE: &str = "; expected an attribute (`T`, `real`, `imag`) or a method";
const PRODUCT: &str = "a product is written with `*`, as in `2 * x`";
const COMPARE: &str = "write `==` to compare";
const CONDITIONAL: &str = "a conditional is written `a if condition else b`";

/// The error for the token at `at`, where the parser expected one of `expected`.
pub(crate) fn unexpected_token(text: &str, at: u32, expected: &[String]) -> SyntaxError {
    let scene = Scene::new(text, at);
    let Some((token, span)) = scene.token else {
        return unexpected_end(text, at, expected);
    };
    let name = describe(text, token, span);
    let expected = Expected { terminals: expected, operator: scene.takes_operator() };

    if let (Some(Token::Dot), Some((Token::Name(attribute), span))) =
        (scene.earlier, scene.previous)
        && !is_attribute(attribute)
    {
        return unknown_attribute(text, span);
    }
    if let Some(bracket) = scene.unclosed
        && (text[bracket.span.end as usize..at as usize].contains('\n')
            || bracket.kind == BracketKind::Index)
    {
        return never_closed(bracket);
    }
    if let Some(Bracket { kind: BracketKind::Index, .. }) = scene.inside {
        return scene.unexpected_in_index(token, span, &name);
    }
    if let Some((Token::Dot, _)) = scene.previous {
        return match token.is_reserved() {
            true => unknown_attribute(text, span),
            false => SyntaxError::parse(span, format!("unexpected {name}{ATTRIBUTE}")),
        };
    }
    if let Some(reserved) = scene.reserved_name(token, span, &expected) {
        let message = format!("{} is reserved and cannot be a name", quote(text, reserved));
        return SyntaxError::parse(reserved, message);
    }
    if token == Token::Assign {
        return scene.unexpected_assign(text, span, &expected);
    }

    let mut error = SyntaxError::parse(span, format!("unexpected {name}{expected}"));
    error.hints.extend(scene.advice(token).map(String::from));
    error
}

/// The error for a text that ends at `at`, where the parser expected one of `expected`.
pub(crate) fn unexpected_end(text: &str, at: u32, expected: &[String]) -> SyntaxError {
    let scene = Scene::new(text, u32::MAX);
    if let Some(bracket) = scene.unclosed {
        return never_closed(bracket);
    }
    let span = Span { start: at, end: at };
    if let Some((Token::Dot, _)) = scene.previous {
        return SyntaxError::parse(span, format!("unexpected end of the text{ATTRIBUTE}"));
    }
    let expected = Expected { terminals: expected, operator: scene.takes_operator() };
    let error = SyntaxError::parse(span, format!("unexpected end of the text{expected}"));
    if scene.lacks_else { error.hint(CONDITIONAL) } else { error }
}

/// Whether a name after a dot is that of an attribute.
pub(crate) fn is_attribute(name: &str) -> bool {
    matches!(name, "T" | "real" | "imag")
}

/// The error for an unknown attribute after a dot.
pub(crate) fn unknown_attribute(text: &str, span: Span) -> SyntaxError {
    let error = SyntaxError::parse(span, format!("unknown attribute {}", quote(text, span)));
    match &text[span.range()] {
        "shape" | "size" | "ndim" | "dtype" | "strides" | "nbytes" => {
            error.hint("a program computes with elements; it does not see shapes or dtypes")
        }
        "values" | "array" | "data" => {
            error.hint("an input is its own values: write its name alone")
        }
        name => {
            let error = error.hint(
                "the attributes are `.T`, `.real` and `.imag`; a method is called: `x.mean()`",
            );
            match is_name(name) {
                true => error.hint(column(name)),
                false => error,
            }
        }
    }
}

/// Whether a text looks like the name of a column.
fn is_name(text: &str) -> bool {
    let token = Tokens::new(text).next();
    let whole = matches!(token, Some(Ok((_, Token::Name(name), _))) if name == text);
    whole && !text.starts_with('_') && text.len() <= 40
}

/// The name to use for a column of a table.
fn column(name: &str) -> String {
    format!("a column of a table is called by its name alone: `{name}`")
}

fn never_closed(bracket: Bracket) -> SyntaxError {
    SyntaxError::parse(bracket.span, format!("`{}` is never closed", bracket.kind.symbol()))
}

/// The context of the unexpected token.
struct Scene<'input> {
    /// The token itself; none at the end of the text.
    token: Option<(Token<'input>, Span)>,
    /// The token before it.
    previous: Option<(Token<'input>, Span)>,
    /// The token before that.
    earlier: Option<Token<'input>>,
    /// The token after it.
    next: Option<Token<'input>>,
    /// The first two tokens of the statement.
    opening: [Option<Token<'input>>; 2],
    /// Whether the statement has a `=` outside brackets.
    has_assign: bool,
    /// Whether the statement has an `if` without an `else`.
    lacks_else: bool,
    /// The innermost bracket around the token.
    inside: Option<Bracket>,
    /// The innermost unclosed bracket before the token.
    unclosed: Option<Bracket>,
}

impl<'input> Scene<'input> {
    fn new(text: &'input str, at: u32) -> Scene<'input> {
        let mut scene = Scene {
            token: None,
            previous: None,
            earlier: None,
            next: None,
            opening: [None, None],
            has_assign: false,
            lacks_else: false,
            inside: None,
            unclosed: None,
        };
        let mut tokens = Tokens::new(text);
        let mut ifs = 0usize;
        loop {
            // Read before the rest of the text changes the open brackets.
            let inside = tokens.brackets.last().copied();
            let Some(Ok((start, token, end))) = tokens.next() else { break };
            if start >= at {
                scene.inside = inside;
                scene.token = Some((token, Span { start, end }));
                break;
            }
            scene.earlier = scene.previous.map(|(token, _)| token);
            scene.previous = Some((token, Span { start, end }));
            if inside.is_none() {
                match token {
                    Token::Newline | Token::Semicolon => {
                        scene.opening = [None, None];
                        scene.has_assign = false;
                        ifs = 0;
                        continue;
                    }
                    Token::Assign => scene.has_assign = true,
                    Token::If => ifs += 1,
                    Token::Else => ifs = ifs.saturating_sub(1),
                    _ => {}
                }
            }
            if let Some(free) = scene.opening.iter_mut().find(|slot| slot.is_none()) {
                *free = Some(token);
            }
        }
        scene.lacks_else = ifs > 0;
        if scene.token.is_some()
            && let Some(Ok((_, next, _))) = tokens.next()
        {
            scene.next = Some(next);
        }
        // Unclosed brackets are unknown if the rest of the text has an invalid token.
        if tokens.by_ref().all(|token| token.is_ok()) {
            scene.unclosed =
                tokens.brackets.iter().rev().find(|bracket| bracket.span.start < at).copied();
        }
        scene
    }

    fn follows_number(&self) -> bool {
        let number = |token| matches!(token, Token::Int(_) | Token::Float(_) | Token::Imaginary(_));
        self.previous.is_some_and(|(token, _)| number(token))
    }

    /// Whether an expression could continue at the token.
    fn takes_operator(&self) -> bool {
        let parameters = self.inside.is_some_and(|b| b.kind == BracketKind::Parameters);
        self.follows_operand() && !parameters
    }

    fn follows_operand(&self) -> bool {
        self.previous.is_some_and(|(token, _)| token.ends_operand())
    }

    /// The place of a reserved word where only a name is allowed, if that is the error.
    fn reserved_name(&self, token: Token, span: Span, expected: &Expected) -> Option<Span> {
        if token.is_reserved() {
            let only_a_name = expected.has("name") && !expected.has("int");
            let is_bound = matches!(self.next, Some(Token::Assign | Token::Arrow));
            return (only_a_name || is_bound).then_some(span);
        }
        let (previous, previous_span) = self.previous?;
        let begins = match self.earlier {
            None | Some(Token::Newline | Token::Semicolon) => true,
            Some(Token::LeftParen | Token::Comma) => {
                self.inside.is_some_and(|bracket| bracket.kind == BracketKind::Arguments)
            }
            _ => false,
        };
        let binds = matches!(token, Token::Assign | Token::Arrow);
        (binds && begins && previous.is_reserved()).then_some(previous_span)
    }

    fn unexpected_assign(&self, text: &str, span: Span, expected: &Expected) -> SyntaxError {
        let error = |message: &str| SyntaxError::parse(span, message);
        if let Some((operator, before)) = self.previous
            && operator.is_operator()
            && before.end == span.start
        {
            let symbol = before.to(span);
            let error =
                SyntaxError::parse(symbol, format!("{} is not an operator", quote(text, symbol)));
            return match operator.is_comparison() {
                true => error,
                false => error.hint("a name is bound once; bind the result to a new one"),
            };
        }
        if expected.has("int") || expected.has("name") {
            return SyntaxError::parse(span, format!("unexpected `=`{expected}"));
        }
        match self.inside.map(|bracket| bracket.kind) {
            Some(BracketKind::Parameters) => error("a parameter has no default value"),
            Some(_) => error("unexpected `=` in an expression").hint(COMPARE),
            None if self.has_assign => error("a second `=` in one statement").hint(COMPARE),
            None => match self.opening {
                [Some(Token::Name(_)), Some(Token::LeftParen)] => {
                    error("only a name can be bound").hint(DEFINE).hint(COMPARE)
                }
                _ => error("only a name can be bound").hint(COMPARE),
            },
        }
    }

    fn unexpected_in_index(&self, token: Token, span: Span, name: &str) -> SyntaxError {
        let previous = self.previous.map(|(token, _)| token);
        let message = match (previous, token) {
            (Some(Token::LeftBracket), Token::RightBracket) => "this index is empty".to_owned(),
            (Some(Token::Int(_) | Token::Colon), Token::Colon) => {
                "a slice has at most a start, a stop and a step".to_owned()
            }
            _ => format!("unexpected {name} in an index"),
        };
        let error = SyntaxError::parse(span, message);
        match token {
            Token::Text(name) if is_name(name) => error.hint(column(name)),
            _ => error.hint(INDEX).hint(MASK),
        }
    }

    /// A hint, if the neighbouring tokens show what was meant.
    fn advice(&self, token: Token) -> Option<&'static str> {
        let (previous, previous_span) = self.previous.unzip();
        if let Some(Token::Name("lambda")) = previous {
            return Some(DEFINE);
        }
        let defines = matches!(self.opening, [Some(Token::Def), _]);
        if defines && matches!(previous, Some(Token::Name("return"))) {
            return Some(RETURN);
        }
        let starts_line = matches!(previous, Some(Token::Newline));
        match token {
            _ if starts_line && token.is_infix_only() => Some(GO_ON),
            Token::Name("in") => Some("membership is written `isin(a, b)`"),
            Token::Not if self.next == Some(Token::Name("in")) => {
                Some("membership is written `not isin(a, b)`")
            }
            Token::Name("is") => Some(COMPARE),
            Token::Name("for") => Some("there are no loops: every operation is elementwise"),
            Token::Name("lambda") => Some(DEFINE),
            // As in Python, and without the colon.
            Token::Colon | Token::Name(_)
                if defines && !self.has_assign && self.inside.is_none() =>
            {
                Some(RETURN)
            }
            Token::Name(_) if matches!(previous, Some(Token::Name("import" | "from"))) => {
                Some("a program imports nothing: every function is there")
            }
            Token::Not if previous.is_some_and(Token::is_operator) => {
                Some("`not` is looser than this operator: put it in parentheses")
            }
            Token::Text(_)
                if matches!(previous, Some(Token::Name(_)))
                    && previous_span.map(|span| span.end) == self.token.map(|(_, s)| s.start) =>
            {
                Some("a text literal has no prefix")
            }
            Token::Name(word) if self.follows_operand() => match word {
                "AND" | "OR" | "XOR" => Some("operators are in small letters: `and`, `or`, `^`"),
                "mod" | "MOD" => Some("the remainder is written `%`"),
                "div" | "DIV" => Some("division is written `/`, rounded down `//`"),
                "xor" => Some("exclusive or is written `^`"),
                _ if self.follows_number() => Some(PRODUCT),
                _ => Some("an operator is missing between the two"),
            },
            Token::LeftParen if self.follows_operand() => Some(match self.follows_number() {
                true => PRODUCT,
                false => "only a name can be called; a product is written with `*`",
            }),
            Token::RightParen if self.inside.is_none() => Some("there is no `(` that it closes"),
            // Inside an index there are other errors.
            Token::RightBracket => Some("there is no `[` that it closes"),
            Token::Ellipsis => Some("`...` can only stand in an index, as in `x[..., 0]`"),
            Token::Comma => match self.inside.map(|bracket| bracket.kind) {
                Some(BracketKind::Group) => {
                    Some("a tuple can only be an argument of a call, as in `axis=(0, 1)`")
                }
                None if self.has_assign => {
                    Some("a binding has one value; `;` separates statements: `s = 1; c = 2; s, c`")
                }
                _ => None,
            },
            Token::Arrow => Some("a step `name -> expression` can only be an argument of a call"),
            Token::LeftBracket if !self.follows_operand() => {
                Some("a list can only be an argument of a call, as in `isin(x, [1, 2])`")
            }
            Token::If | Token::Else => Some(CONDITIONAL),
            Token::Newline | Token::Semicolon if self.lacks_else => Some(CONDITIONAL),
            Token::Def => Some("a `def` is a statement of its own"),
            _ => None,
        }
    }
}

/// The terminals that the parser expected, as LALRPOP names them.
struct Expected<'names> {
    terminals: &'names [String],
    /// Whether an operator is allowed wherever the expression could end: the parser may have
    /// reduced the operand already.
    operator: bool,
}

impl Expected<'_> {
    /// Whether a terminal is among them; `terminal` is given without quotes.
    fn has(&self, terminal: &str) -> bool {
        self.terminals.iter().any(|name| name.trim_matches('"') == terminal)
    }

    /// The expected terminals in words.
    fn words(&self) -> Vec<&'static str> {
        let mut words = Vec::new();
        let ends = ["newline", ",", ")"].iter().any(|end| self.has(end));
        if self.has("int") {
            words.push("an expression");
        } else if self.has("+") || self.operator && ends {
            words.push("an operator");
        } else if self.has("name") {
            words.push("a name");
        }
        if self.has("else") {
            words.push("`else`");
        }
        if self.has("int") {
            // If an expression is expected, other terminals are less likely.
        } else if self.has("newline") {
            words.push("the end of the statement");
        } else if self.has(",") {
            words.push("`,`");
        }
        if self.has(")") && !self.has("keyword_name") {
            words.push("`)`");
        }
        if words.is_empty() {
            words.extend(
                ["=", "(", "->"]
                    .into_iter()
                    .zip(["`=`", "`(`", "`->`"])
                    .filter_map(|(terminal, word)| self.has(terminal).then_some(word)),
            );
        }
        words
    }
}

impl std::fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.words().as_slice() {
            [] => Ok(()),
            [word] => write!(f, "; expected {word}"),
            [words @ .., last] => write!(f, "; expected {} or {last}", words.join(", ")),
        }
    }
}

fn describe(text: &str, token: Token, span: Span) -> String {
    match token {
        Token::Newline => "end of the line".to_owned(),
        Token::Text(_) => "text literal".to_owned(),
        Token::Name(_) | Token::KeywordName(_) | Token::StepName(_) => {
            format!("name {}", quote(text, span))
        }
        Token::Int(_) | Token::Float(_) | Token::Imaginary(_) => {
            format!("number {}", quote(text, span))
        }
        _ => quote(text, span),
    }
}

/// Quotes a piece of the text in a message, shortening it if it is long.
fn quote(text: &str, span: Span) -> String {
    let piece = &text[span.range()];
    let c_is_safe = |c: char| c.is_ascii_graphic() || c == ' ';
    if !piece.chars().take(40).all(c_is_safe) {
        return "this".to_owned();
    }
    match piece.get(..40) {
        Some(start) if piece.len() > 40 => format!("`{start}...`"),
        _ => format!("`{piece}`"),
    }
}
