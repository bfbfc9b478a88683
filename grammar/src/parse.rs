//! The parser: from tokens to the tree.

use std::collections::HashMap;

use lalrpop_util::{ParseError, lalrpop_mod};

use crate::ast::{
    ArgRange, Argument, ArgumentValue, Ast, CompareOp, ExprId, ExprKind, Ident, IndexEntry,
    IndexItem, IndexRange, Link, LinkRange, NameId, Statement, UnaryOp,
};
use crate::explain;
use crate::token::{self, Tokens};
use crate::{Span, SyntaxError};

lalrpop_mod!(
    #[allow(
        clippy::all,
        missing_docs,
        unused_qualifications,
        reason = "LALRPOP writes this module"
    )]
    grammar
);

/// Parses a program.
///
/// Time and memory are linear in the length of the text, and stack use is constant, however deep
/// the nesting. Limit the length of untrusted text: a tree takes about forty bytes per expression
/// and sixty per item of an index.
///
/// # Errors
///
/// The first error in the text. A text without a statement is an error.
pub fn parse(text: &str) -> Result<Ast, SyntaxError> {
    if u32::try_from(text.len()).is_err() {
        return Err(SyntaxError::lex(Span::default(), "the text is longer than 4 GiB"));
    }
    let mut tree = Tree::new(text);
    match grammar::ProgramParser::new().parse(&mut tree, Tokens::new(text)) {
        Ok(()) => tree.finish(),
        Err(ParseError::User { error }) => Err(error),
        Err(ParseError::UnrecognizedToken { token: (start, _, _), expected }) => {
            Err(explain::unexpected_token(text, start, &expected))
        }
        Err(ParseError::UnrecognizedEof { location, expected }) => {
            Err(explain::unexpected_end(text, location, &expected))
        }
        Err(ParseError::ExtraToken { token: (start, _, _) }) => {
            Err(explain::unexpected_token(text, start, &[]))
        }
        Err(ParseError::InvalidToken { location }) => {
            Err(explain::unexpected_token(text, location, &[]))
        }
    }
}

/// The tree under construction by the grammar's actions.
pub(crate) struct Tree<'input> {
    text: &'input str,
    ast: Ast,
    interned: HashMap<&'input str, NameId>,
    /// The arguments of the calls that are still open.
    arguments: Vec<Argument>,
    /// The links of the comparison chains that are still open.
    links: Vec<Link>,
    /// Where each statement begins.
    starts: Vec<u32>,
}

impl<'input> Tree<'input> {
    fn new(text: &'input str) -> Tree<'input> {
        Tree {
            text,
            ast: Ast {
                statements: Vec::new(),
                kinds: Vec::new(),
                spans: Vec::new(),
                names: Vec::new(),
                arguments: Vec::new(),
                links: Vec::new(),
                indices: Vec::new(),
            },
            interned: HashMap::new(),
            arguments: Vec::new(),
            links: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// Checks what the grammar cannot express.
    fn finish(self) -> Result<Ast, SyntaxError> {
        let Some((_, before_last)) = self.ast.statements.split_last() else {
            return Err(SyntaxError::parse(Span::default(), "empty expression"));
        };
        for (statement, next) in before_last.iter().zip(&self.starts[1..]) {
            if let Statement::Outputs { values, span } = statement {
                let error = SyntaxError::parse(*span, "outputs before the last statement");
                let goes_on =
                    matches!(self.text.as_bytes().get(*next as usize), Some(b'+' | b'-' | b'~'));
                if let Some(outputs) = self.outputs_alone().filter(|_| !goes_on) {
                    return Err(error.hint(format!("outputs are separated by commas: `{outputs}`")));
                }
                let bind = match values.len() {
                    1 => "bind it: name = ...",
                    _ => "bind each of them: name = ...",
                };
                let error =
                    error.hint(format!("only the last statement may be the outputs; {bind}"));
                return Err(if goes_on { error.hint(explain::GO_ON) } else { error });
            }
        }
        Ok(self.ast)
    }

    /// The statements written as one list of outputs, if all are outputs; shortened if long.
    fn outputs_alone(&self) -> Option<String> {
        let output = |statement: &Statement| match statement {
            Statement::Outputs { span, .. } => {
                self.text.get(span.range()).map(|text| text.trim_end_matches(','))
            }
            _ => None,
        };
        let outputs: Vec<&str> = self.ast.statements.iter().map(output).collect::<Option<_>>()?;
        let joined = outputs.join(", ");
        let is_short =
            joined.len() <= 40 && joined.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        Some(if is_short { joined } else { "a, b".to_string() })
    }

    pub(crate) fn statement(&mut self, start: u32, statement: Statement) {
        self.starts.push(start);
        self.ast.statements.push(statement);
    }

    pub(crate) fn push(&mut self, start: u32, kind: ExprKind, end: u32) -> ExprId {
        // An expression has at least one byte of text, so the number fits.
        let id = ExprId(self.ast.kinds.len() as u32);
        self.ast.kinds.push(kind);
        self.ast.spans.push(Span { start, end });
        id
    }

    pub(crate) fn unary(&mut self, start: u32, op: UnaryOp, arg: ExprId, end: u32) -> ExprId {
        self.push(start, ExprKind::Unary { op, arg }, end)
    }

    /// The names that a `=` binds. They were parsed as expressions, which are removed here.
    pub(crate) fn target(
        &mut self,
        values: &[ExprId],
        assign: Span,
    ) -> Result<Vec<Ident>, SyntaxError> {
        let name = |id: &ExprId| match *self.ast.kind(*id) {
            ExprKind::Name(name) => Some(Ident { name, span: self.ast.span(*id) }),
            _ => None,
        };
        let Some(names) = values.iter().map(name).collect::<Option<Vec<Ident>>>() else {
            return Err(explain::unexpected_token(self.text, assign.start, &[]));
        };
        // A name is one expression, so they are the last ones.
        let before = self.ast.kinds.len() - names.len();
        self.ast.kinds.truncate(before);
        self.ast.spans.truncate(before);
        Ok(names)
    }

    pub(crate) fn compare(&mut self, start: u32, first: ExprId, links: u32, end: u32) -> ExprId {
        let waiting = self.links.len() - links as usize;
        let from = self.ast.links.len() as u32;
        self.ast.links.extend(self.links.drain(waiting..));
        let rest = LinkRange { start: from, end: from + links };
        self.push(start, ExprKind::Compare { first, rest }, end)
    }

    pub(crate) fn link(&mut self, start: u32, op: CompareOp, end: u32, right: ExprId) {
        self.links.push(Link { op, op_span: Span { start, end }, right });
    }

    pub(crate) fn call(&mut self, start: u32, function: Ident, count: u32, end: u32) -> ExprId {
        let arguments = self.close_arguments(count);
        self.push(start, ExprKind::Call { function, arguments, method: false }, end)
    }

    /// Takes the last `count` arguments for a call that ends.
    fn close_arguments(&mut self, count: u32) -> ArgRange {
        let waiting = self.arguments.len() - count as usize;
        let start = self.ast.arguments.len() as u32;
        self.ast.arguments.extend(self.arguments.drain(waiting..));
        ArgRange { start, end: start + count }
    }

    /// The call `base.function(arguments)`, whose first argument is the base.
    pub(crate) fn method(
        &mut self,
        start: u32,
        base: ExprId,
        function: Ident,
        count: u32,
        end: u32,
    ) -> ExprId {
        let at = self.arguments.len() - count as usize;
        let value = ArgumentValue::Expr(base);
        let base = Argument { keyword: None, value, span: self.ast.span(base) };
        self.arguments.insert(at, base);
        let arguments = self.close_arguments(count + 1);
        self.push(start, ExprKind::Call { function, arguments, method: true }, end)
    }

    pub(crate) fn argument(
        &mut self,
        start: u32,
        keyword: Option<Ident>,
        value: ArgumentValue,
        end: u32,
    ) {
        self.arguments.push(Argument { keyword, value, span: Span { start, end } });
    }

    pub(crate) fn attribute(
        &mut self,
        start: u32,
        base: ExprId,
        attribute: Ident,
        end: u32,
    ) -> Result<ExprId, SyntaxError> {
        match explain::is_attribute(self.ast.name(attribute.name)) {
            true => Ok(self.push(start, ExprKind::Attribute { base, attribute }, end)),
            false => Err(explain::unknown_attribute(self.text, attribute.span)),
        }
    }

    /// Ends the index that took the last `count` items. Indices do not nest, so the items are
    /// already in place.
    pub(crate) fn index(&mut self, start: u32, base: ExprId, count: u32, end: u32) -> ExprId {
        let items_end = self.ast.indices.len() as u32;
        let items = IndexRange { start: items_end - count, end: items_end };
        self.push(start, ExprKind::Index { base, items }, end)
    }

    pub(crate) fn index_item(&mut self, start: u32, item: IndexItem, end: u32) {
        self.ast.indices.push(IndexEntry { item, span: Span { start, end } });
    }

    /// A number of an index.
    pub(crate) fn offset(&self, start: u32, value: i128, end: u32) -> Result<i64, SyntaxError> {
        i64::try_from(value).map_err(|_| token::too_large(Span { start, end }))
    }

    pub(crate) fn ident(&mut self, start: u32, name: &'input str, end: u32) -> Ident {
        Ident { name: self.intern(name), span: Span { start, end } }
    }

    pub(crate) fn intern(&mut self, name: &'input str) -> NameId {
        *self.interned.entry(name).or_insert_with(|| {
            self.ast.names.push(name.into());
            NameId(self.ast.names.len() as u32 - 1)
        })
    }
}
