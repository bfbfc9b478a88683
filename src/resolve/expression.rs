//! Translation of expressions to terms.

use hotloop_grammar::{
    Argument, ArgumentValue, BinaryOp, CompareOp, Constant, ExprId, ExprKind, Ident, Span, UnaryOp,
};

use super::{Callee, Frame, Located, Resolver, Term, TermId, arguments, fail};
use crate::error::{Error, ErrorKind};
use crate::graph::Derivation;
use crate::ops::{self, Op};

impl Resolver<'_> {
    pub(super) fn term(&mut self, term: Term, span: Span) -> Located<TermId> {
        if let Some(id) = self.known.get(&term) {
            return Ok(*id);
        }
        if self.terms.terms.len() >= self.max_terms {
            let message = format!("the program has more than {} operations", self.max_terms);
            return Err((
                Error::new(ErrorKind::Limit, message).hint("raise the engine's limit of nodes"),
                span,
            ));
        }
        let operands = match &term {
            Term::Apply(_, operands)
            | Term::Reduce(_, operands, _)
            | Term::Along(_, operands, _) => &operands[..],
            Term::Cast(_, x) | Term::View(_, x) => std::slice::from_ref(x),
            _ => &[],
        };
        operands.iter().try_for_each(|x| self.one_value(*x))?;
        let id = TermId(self.terms.terms.len() as u32);
        self.terms.terms.push(term.clone());
        self.terms.spans.push(span);
        self.known.insert(term, id);
        Ok(id)
    }

    /// Checks that a term is a single value.
    pub(super) fn one_value(&self, id: TermId) -> Located<()> {
        match &self.terms.terms[id.0 as usize] {
            Term::Results(function, results) => {
                let message = format!("'{function}' has {} results", results.len());
                let example = format!("bind them first: `{}`", unpacking(function));
                let error = Error::new(ErrorKind::Arity, message).hint(example);
                Err((error, self.terms.spans[id.0 as usize]))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn apply(&mut self, op: Op, args: &[TermId], span: Span) -> Located<TermId> {
        self.term(Term::Apply(op, args.into()), span)
    }

    pub(super) fn expression(&mut self, id: ExprId, frame: &Frame) -> Located<Step> {
        let ast = self.ast;
        let span = ast.span(id);
        let term = match ast.kind(id) {
            ExprKind::Int(value) => self.term(Term::Int(*value), span)?,
            ExprKind::Float(value) => self.term(Term::Float(value.to_bits()), span)?,
            ExprKind::Bool(value) => self.term(Term::Bool(*value), span)?,
            ExprKind::Constant(constant) => {
                let value = match constant {
                    Constant::Pi => std::f64::consts::PI,
                    Constant::Inf => f64::INFINITY,
                    Constant::Nan => f64::NAN,
                };
                self.term(Term::Float(value.to_bits()), span)?
            }
            ExprKind::Imaginary(_) => {
                return fail(ErrorKind::Type, span, "complex numbers are not supported yet");
            }
            // A dtype name; the callee reads the argument itself.
            ExprKind::Text(_) if self.words.contains(&id) => self.term(Term::Int(0), span)?,
            ExprKind::Text(_) => {
                // An unknown function is reported first.
                if let Some(function) = self.reader(id) {
                    self.callee(function)?;
                }
                return fail(ErrorKind::Type, span, "strings are not supported yet");
            }
            ExprKind::Attribute { base, attribute } => {
                let x = frame.value(*base);
                match ops::lookup(ast.name(attribute.name)) {
                    // `.real` and `.imag`.
                    Some(row) => self.apply(row.op, &[x], span)?,
                    None => self.term(Term::View(Derivation::Transpose(None), x), span)?,
                }
            }
            ExprKind::Index { base, items } => {
                let how = Derivation::Index(arguments::index_items(ast.indices(*items))?);
                self.term(Term::View(how, frame.value(*base)), span)?
            }
            // The callee rejects arguments that are not numbers.
            ExprKind::Name(_) if self.words.contains(&id) => self.term(Term::Int(0), span)?,
            ExprKind::Name(name) => self.variable(*name, span, frame)?,
            ExprKind::Unary { op, arg } => {
                let x = frame.value(*arg);
                match op {
                    UnaryOp::Plus => x,
                    UnaryOp::Not => self.apply(Op::Not, &[x], span)?,
                    UnaryOp::BitNot => self.apply(Op::BitNot, &[x], span)?,
                    UnaryOp::Negate => match ast.kind(*arg) {
                        ExprKind::Int(value) => self.term(Term::Int(-value), span)?,
                        _ => self.apply(Op::Neg, &[x], span)?,
                    },
                }
            }
            ExprKind::Binary { op, left, right } => {
                let args = [frame.value(*left), frame.value(*right)];
                self.apply(binary_op(*op), &args, span)?
            }
            ExprKind::Compare { first, rest } => {
                let mut left = *first;
                let mut all: Option<TermId> = None;
                for link in ast.links(*rest) {
                    let (x, y) = (frame.value(left), frame.value(link.right));
                    let between = ast.span(left).to(ast.span(link.right));
                    let holds = match link.op {
                        CompareOp::Less => self.apply(Op::Lt, &[x, y], between)?,
                        CompareOp::LessEqual => self.apply(Op::Le, &[x, y], between)?,
                        CompareOp::Greater => self.apply(Op::Lt, &[y, x], between)?,
                        CompareOp::GreaterEqual => self.apply(Op::Le, &[y, x], between)?,
                        CompareOp::Equal => self.apply(Op::Eq, &[x, y], between)?,
                        CompareOp::NotEqual => self.apply(Op::Ne, &[x, y], between)?,
                    };
                    all = Some(match all {
                        Some(before) => self.apply(Op::BitAnd, &[before, holds], span)?,
                        None => holds,
                    });
                    left = link.right;
                }
                all.ok_or_else(|| (Error::internal("a comparison with one side"), span))?
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                let args = [frame.value(*condition), frame.value(*then), frame.value(*otherwise)];
                self.apply(Op::Select, &args, span)?
            }
            ExprKind::Call { function, arguments, .. } => {
                return self.call(*function, ast.arguments(*arguments), span, frame);
            }
        };
        Ok(Step::Value(term))
    }

    /// The call of which an expression is an argument.
    fn reader(&self, id: ExprId) -> Option<Ident> {
        self.ast.exprs().find_map(|call| match self.ast.kind(call) {
            ExprKind::Call { function, arguments, .. } => {
                let is_argument = |argument: &Argument| argument.value == ArgumentValue::Expr(id);
                self.ast.arguments(*arguments).iter().any(is_argument).then_some(*function)
            }
            _ => None,
        })
    }

    fn call(
        &mut self,
        function: Ident,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<Step> {
        let callee = self.callee(function)?;
        let name = self.ast.name(function.name);
        match callee {
            Callee::Row(row) => {
                let before = self.terms.terms.len();
                let term = self.operation(name, row, arguments, span, frame)?;
                // An existing term keeps its first name and place.
                let is_new = term.0 as usize >= before;
                if let Some(alias) = row.named(name).filter(|alias| is_new && *alias != row.name) {
                    self.terms.called.insert(term, alias);
                }
                return Ok(Step::Value(term));
            }
            Callee::IsIn => return self.isin(name, arguments, span, frame).map(Step::Value),
            Callee::Sequence => {
                return self.sequence(name, arguments, span, frame).map(Step::Value);
            }
            Callee::ExpandDims | Callee::Transpose => {
                return self.view(name, callee, arguments, span, frame).map(Step::Value);
            }
            Callee::Astype => {
                return self.astype(name, arguments, span, frame).map(Step::Value);
            }
            _ => {}
        }
        let values = self.values(name, callee, arguments, span, frame)?;
        let term = match callee {
            Callee::Cast(dtype) => self.term(Term::Cast(dtype, values[0]), span)?,
            Callee::Two(two) => {
                let mut results = Vec::with_capacity(two.ops.len());
                for op in two.ops {
                    results.push(self.apply(op, &values, span)?);
                }
                self.term(Term::Results(two.name, results.into()), span)?
            }
            Callee::Def(def) => {
                let call = (def, values.into_boxed_slice());
                match self.inlined.get(&call) {
                    Some(term) => *term,
                    None => return Ok(Step::Inline(call.0, call.1)),
                }
            }
            _ => return Err((Error::internal("a call of nothing"), span)),
        };
        Ok(Step::Value(term))
    }
}

/// A hint on how to bind the results of a function.
pub(super) fn unpacking(function: &str) -> String {
    let signature = ops::two_results(function).map_or("", |two| two.signature);
    match function {
        "divmod" => format!("q, r = {signature}"),
        "frexp" => format!("m, e = {signature}"),
        _ => format!("f, i = {signature}"),
    }
}

pub(super) enum Step {
    Value(TermId),
    Inline(usize, Box<[TermId]>),
}

fn binary_op(op: BinaryOp) -> Op {
    match op {
        BinaryOp::Or => Op::Or,
        BinaryOp::And => Op::And,
        BinaryOp::BitOr => Op::BitOr,
        BinaryOp::BitXor => Op::BitXor,
        BinaryOp::BitAnd => Op::BitAnd,
        BinaryOp::ShiftLeft => Op::Shl,
        BinaryOp::ShiftRight => Op::Shr,
        BinaryOp::Add => Op::Add,
        BinaryOp::Subtract => Op::Sub,
        BinaryOp::Multiply => Op::Mul,
        BinaryOp::Divide => Op::Div,
        BinaryOp::FloorDivide => Op::FloorDiv,
        BinaryOp::Remainder => Op::Rem,
        BinaryOp::Power => Op::Power,
    }
}
