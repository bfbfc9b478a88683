//! The printer: from the tree to text.

use std::fmt::{self, Write};

use crate::ast::{
    Argument, ArgumentValue, Ast, BinaryOp, ExprId, ExprKind, Ident, IndexItem, IndexRange,
    Statement, UnaryOp,
};

/// A precedence level: one per row of the table of operators.
///
/// An operand of lower precedence than its position requires is parenthesized.
type Level = u8;

const CONDITIONAL: Level = 0;
const OR: Level = 1;
const AND: Level = 2;
const NOT: Level = 3;
const COMPARISON: Level = 4;
const BIT_OR: Level = 5;
const BIT_XOR: Level = 6;
const BIT_AND: Level = 7;
const SHIFT: Level = 8;
const ADDITIVE: Level = 9;
const MULTIPLICATIVE: Level = 10;
const UNARY: Level = 11;
const POWER: Level = 12;
/// A number: a dot after it would be part of it.
const NUMBER: Level = 13;
const POSTFIX: Level = 14;

fn level(kind: &ExprKind) -> Level {
    match kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Imaginary(_) => NUMBER,
        ExprKind::Bool(_)
        | ExprKind::Text(_)
        | ExprKind::Constant(_)
        | ExprKind::Name(_)
        | ExprKind::Call { .. }
        | ExprKind::Attribute { .. }
        | ExprKind::Index { .. } => POSTFIX,
        ExprKind::Unary { op: UnaryOp::Not, .. } => NOT,
        ExprKind::Unary { op: UnaryOp::Negate | UnaryOp::Plus | UnaryOp::BitNot, .. } => UNARY,
        ExprKind::Binary { op, .. } => operator_level(*op),
        ExprKind::Compare { .. } => COMPARISON,
        ExprKind::Conditional { .. } => CONDITIONAL,
    }
}

fn operator_level(op: BinaryOp) -> Level {
    match op {
        BinaryOp::Or => OR,
        BinaryOp::And => AND,
        BinaryOp::BitOr => BIT_OR,
        BinaryOp::BitXor => BIT_XOR,
        BinaryOp::BitAnd => BIT_AND,
        BinaryOp::ShiftLeft | BinaryOp::ShiftRight => SHIFT,
        BinaryOp::Add | BinaryOp::Subtract => ADDITIVE,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::FloorDivide | BinaryOp::Remainder => {
            MULTIPLICATIVE
        }
        BinaryOp::Power => POWER,
    }
}

/// A piece of pending output.
enum Work<'ast> {
    /// An expression in a position that requires a level.
    Expr(ExprId, Level),
    Ident(Ident),
    Items(IndexRange),
    Text(&'ast str),
}

/// Writes the program, one statement a line, with parentheses only where they are needed.
///
/// [`parse`](crate::parse) reads it back as an equal tree. Comments, line breaks and the spelling
/// of literals are not kept.
impl fmt::Display for Ast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer { ast: self, work: Vec::new() };
        for (at, statement) in self.statements().iter().enumerate() {
            if at > 0 {
                f.write_char('\n')?;
            }
            match statement {
                Statement::Binding { names, value } => {
                    printer.write_names(f, names)?;
                    f.write_str(" = ")?;
                    printer.write(f, &[*value])?;
                }
                Statement::Def { name, parameters, body } => {
                    write!(f, "def {}(", self.name(name.name))?;
                    printer.write_names(f, parameters)?;
                    f.write_str(") = ")?;
                    printer.write(f, &[*body])?;
                }
                Statement::Outputs { values, .. } => printer.write(f, values)?,
            }
        }
        Ok(())
    }
}

/// Writes expressions with an explicit stack instead of recursion: the last item pushed is written
/// first.
struct Printer<'ast> {
    ast: &'ast Ast,
    work: Vec<Work<'ast>>,
}

impl<'ast> Printer<'ast> {
    /// Writes expressions with commas between them.
    fn write(&mut self, f: &mut fmt::Formatter<'_>, values: &[ExprId]) -> fmt::Result {
        self.push_list(values);
        while let Some(work) = self.work.pop() {
            match work {
                Work::Text(text) => f.write_str(text)?,
                Work::Ident(ident) => f.write_str(self.ast.name(ident.name))?,
                Work::Items(items) => self.write_items(f, items)?,
                Work::Expr(id, demanded) => {
                    let kind = self.ast.kind(id);
                    if level(kind) < demanded {
                        f.write_char('(')?;
                        self.text(")");
                    }
                    self.expand(f, kind)?;
                }
            }
        }
        Ok(())
    }

    /// Writes names with commas between them.
    fn write_names(&self, f: &mut fmt::Formatter<'_>, names: &[Ident]) -> fmt::Result {
        names.iter().enumerate().try_for_each(|(at, name)| {
            f.write_str(if at > 0 { ", " } else { "" })?;
            f.write_str(self.ast.name(name.name))
        })
    }

    /// Writes a leaf, or pushes the parts of any other expression.
    fn expand(&mut self, f: &mut fmt::Formatter<'_>, kind: &'ast ExprKind) -> fmt::Result {
        match kind {
            ExprKind::Int(value) => write!(f, "{value}")?,
            ExprKind::Float(value) => write_float(f, *value)?,
            ExprKind::Imaginary(value) => {
                write_float(f, *value)?;
                f.write_char('j')?;
            }
            ExprKind::Bool(true) => f.write_str("True")?,
            ExprKind::Bool(false) => f.write_str("False")?,
            ExprKind::Text(text) => write_text(f, text)?,
            ExprKind::Constant(constant) => f.write_str(constant.symbol())?,
            ExprKind::Name(name) => f.write_str(self.ast.name(*name))?,
            ExprKind::Unary { op: UnaryOp::Not, arg } => {
                f.write_str("not ")?;
                self.expr(*arg, NOT);
            }
            ExprKind::Unary { op, arg } => {
                f.write_str(op.symbol())?;
                self.expr(*arg, UNARY);
            }
            ExprKind::Binary { op: BinaryOp::Power, left, right } => {
                self.expr(*right, UNARY);
                self.text("**");
                self.expr(*left, NUMBER);
            }
            ExprKind::Binary { op, left, right } => {
                let level = operator_level(*op);
                self.expr(*right, level + 1);
                self.operator(op.symbol());
                self.expr(*left, level);
            }
            ExprKind::Compare { first, rest } => {
                for link in self.ast.links(*rest).iter().rev() {
                    self.expr(link.right, BIT_OR);
                    self.operator(link.op.symbol());
                }
                self.expr(*first, BIT_OR);
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                self.expr(*otherwise, CONDITIONAL);
                self.operator("else");
                self.expr(*condition, OR);
                self.operator("if");
                self.expr(*then, OR);
            }
            ExprKind::Call { function, arguments, method } => {
                let mut arguments = self.ast.arguments(*arguments);
                let base = match arguments {
                    [Argument { value: ArgumentValue::Expr(base), .. }, rest @ ..] if *method => {
                        arguments = rest;
                        Some(*base)
                    }
                    _ => None,
                };
                self.text(")");
                for (at, argument) in arguments.iter().enumerate().rev() {
                    match &argument.value {
                        ArgumentValue::Expr(value) => self.expr(*value, CONDITIONAL),
                        ArgumentValue::Step { parameter, body } => {
                            self.expr(*body, CONDITIONAL);
                            self.operator("->");
                            self.work.push(Work::Ident(*parameter));
                        }
                        ArgumentValue::Tuple(values) => {
                            self.text(if values.len() == 1 { ",)" } else { ")" });
                            self.push_list(values);
                            self.text("(");
                        }
                        ArgumentValue::List(values) => {
                            self.text("]");
                            self.push_list(values);
                            self.text("[");
                        }
                    }
                    if let Some(keyword) = argument.keyword {
                        self.text("=");
                        self.work.push(Work::Ident(keyword));
                    }
                    if at > 0 {
                        self.text(", ");
                    }
                }
                self.text("(");
                self.work.push(Work::Ident(*function));
                if let Some(base) = base {
                    self.text(".");
                    self.expr(base, POSTFIX);
                }
            }
            ExprKind::Attribute { base, attribute } => {
                self.work.push(Work::Ident(*attribute));
                self.text(".");
                self.expr(*base, POSTFIX);
            }
            ExprKind::Index { base, items } => {
                self.work.push(Work::Items(*items));
                self.expr(*base, POSTFIX);
            }
        }
        Ok(())
    }

    fn write_items(&self, f: &mut fmt::Formatter<'_>, items: IndexRange) -> fmt::Result {
        f.write_char('[')?;
        for (at, entry) in self.ast.indices(items).iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{}", entry.item)?;
        }
        f.write_char(']')
    }

    fn push_list(&mut self, values: &[ExprId]) {
        for (at, value) in values.iter().enumerate().rev() {
            self.expr(*value, CONDITIONAL);
            if at > 0 {
                self.text(", ");
            }
        }
    }

    fn expr(&mut self, id: ExprId, demanded: Level) {
        self.work.push(Work::Expr(id, demanded));
    }

    fn text(&mut self, text: &'ast str) {
        self.work.push(Work::Text(text));
    }

    fn operator(&mut self, symbol: &'static str) {
        self.text(" ");
        self.text(symbol);
        self.text(" ");
    }
}

/// Writes the item as a program has it.
impl fmt::Display for IndexItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |f: &mut fmt::Formatter<'_>, part: Option<i64>| match part {
            Some(value) => write!(f, "{value}"),
            None => Ok(()),
        };
        match *self {
            IndexItem::At(at) => write!(f, "{at}"),
            IndexItem::Slice { start, stop, step } => {
                part(f, start)?;
                f.write_char(':')?;
                part(f, stop)?;
                if step.is_some() {
                    f.write_char(':')?;
                }
                part(f, step)
            }
            IndexItem::NewAxis => f.write_str("None"),
            IndexItem::Ellipsis => f.write_str("..."),
        }
    }
}

/// Writes the shortest digits that read back as `value`, never those of an integer.
fn write_float(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    if value.is_infinite() {
        return f.write_str("1e999");
    }
    write!(f, "{value:?}")
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '\\' | '"' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
