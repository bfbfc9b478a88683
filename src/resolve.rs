//! Ast to [`Terms`] to [`Graph`]: names, keyword arguments, the inlining of `def`s; then, once
//! dtypes are known, the graph, with spans put on the builder's errors.
//!
//! No function here recurses: an expression is a run of the Ast's arena that ends at its root,
//! and calls of `def`s are frames on a stack of our own.

mod absent;
mod advice;
mod arguments;

use std::sync::Arc;

use hotloop_grammar::Span;
use hotloop_grammar::{
    Argument, ArgumentValue, Ast, BinaryOp, CompareOp, Constant, ExprId, ExprKind, Ident, NameId,
    Statement, UnaryOp,
};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::fault::{Fault, injected};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, ErrorKind, Result, quoted};
use crate::graph::{ArgType, Builder, Derivation, Graph, NodeId, ReduceOptions};
use crate::ops::{self, Op, Row, TwoResults};

/// A place in [`Terms`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct TermId(u32);

/// An untyped expression over earlier terms.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Term {
    Input(u32),
    Int(i128),
    Float(u64),
    Bool(bool),
    Apply(Op, Box<[TermId]>),
    Cast(DType, TermId),
    /// A reduction over axes, or over all of them.
    Reduce(Op, Box<[TermId]>, Reduced),
    View(Derivation, TermId),
    /// The results of a function that has several: what can be bound or put out, but not computed
    /// with.
    Results(&'static str, Box<[TermId]>),
}

/// What the keywords of a reduction say.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Reduced {
    axes: Option<Box<[i64]>>,
    keepdims: bool,
    mask: Option<TermId>,
    initial: Option<TermId>,
    dtype: Option<DType>,
}

/// A program whose names are resolved and whose `def`s are inlined, before dtypes are known.
pub struct Terms {
    source: Arc<str>,
    terms: Vec<Term>,
    spans: Vec<Span>,
    /// The names of operations that are called by another than the table's first.
    called: FxHashMap<TermId, &'static str>,
    inputs: Vec<Box<str>>,
    /// Where each input is first read.
    reads: Vec<Span>,
    /// The names that the program binds, in order.
    bound: Vec<Arc<str>>,
    is_bound: FxHashSet<Arc<str>>,
    outputs: Vec<(TermId, Option<Box<str>>)>,
}

impl Terms {
    /// The inputs' names, in order of first use.
    pub fn inputs(&self) -> &[Box<str>] {
        &self.inputs
    }

    /// The error for an input that is not given, with the place where it is first read.
    pub fn missing(&self, name: &str) -> Error {
        let error = Error::new(ErrorKind::Name, format!("missing the input {}", quoted(name)));
        let error = match absent::constant(name) {
            Some(advice) => error.hint(advice),
            None => error,
        };
        match self.inputs.iter().position(|input| **input == *name) {
            Some(number) => error.at(self.reads[number], &self.source),
            None => error,
        }
    }

    /// The error for an argument that the program would never read because it binds the name; what
    /// is given under any other name that is no input is not looked at.
    pub fn never_read(&self, name: &str) -> Option<Error> {
        self.is_bound.get(name)?;
        let text = quoted(name);
        let message =
            format!("{text} is bound in the program, so the array given as {text} is never read");
        Some(Error::new(ErrorKind::Name, message).hint("`==` compares; `=` binds a name"))
    }

    /// The names that the program binds, in order.
    pub fn bindings(&self) -> impl Iterator<Item = &str> {
        self.bound.iter().map(|name| &**name)
    }

    fn bind(&mut self, name: &str) {
        let name: Arc<str> = name.into();
        self.bound.push(name.clone());
        self.is_bound.insert(name);
    }

    /// The outputs' names, where they have one.
    pub fn output_names(&self) -> impl Iterator<Item = Option<&str>> {
        self.outputs.iter().map(|(_, name)| name.as_deref())
    }

    /// How many operations, literals and inputs it has.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// The text it came from.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// The typed graph for these input types, one for each input, and the place of each of its
    /// derived shapes in the text.
    ///
    /// # Errors
    /// `Type`, with the span of the operation that does not take the dtypes.
    pub fn graph(&self, types: &[ArgType]) -> Result<(Graph, Vec<Span>)> {
        let mut builder = Builder::new();
        let inputs: Vec<NodeId> = types.iter().map(|ty| builder.input(*ty)).collect();
        let mut nodes: Vec<NodeId> = Vec::with_capacity(self.terms.len());
        let (mut operands, mut places) = (Vec::new(), Vec::new());
        for (number, (term, span)) in self.terms.iter().zip(&self.spans).enumerate() {
            let called = self.called.get(&TermId(number as u32));
            if let (Term::Apply(op, _) | Term::Reduce(op, ..), Some(name)) = (term, called) {
                builder.call_by_name(Some((*op, name)));
            } else {
                builder.call_by_name(None);
            }
            let located = |e: Error| e.at(*span, &self.source);
            let node = match term {
                Term::Input(number) => inputs[*number as usize],
                Term::Int(value) => builder.weak_int(*value),
                Term::Float(bits) => builder.weak_float(f64::from_bits(*bits)),
                Term::Bool(value) => builder.weak_bool(*value),
                Term::Cast(dtype, x) => builder.cast_own(nodes[x.0 as usize], *dtype),
                Term::Apply(op, args) => {
                    operands.clear();
                    operands.extend(args.iter().map(|x| nodes[x.0 as usize]));
                    let applied = builder.apply_own(*op, &operands);
                    applied
                        .map_err(|e| located(self.advised(e, &builder, (*op, args), &operands)))?
                }
                Term::Reduce(op, args, how) => {
                    operands.clear();
                    operands.extend(args.iter().map(|x| nodes[x.0 as usize]));
                    let options = ReduceOptions {
                        mask: how.mask.map(|x| nodes[x.0 as usize]),
                        initial: how.initial.map(|x| nodes[x.0 as usize]),
                        dtype: how.dtype,
                    };
                    let axes = how.axes.as_deref();
                    let reduced = builder.reduce_own(*op, &operands, axes, how.keepdims, &options);
                    reduced.map_err(located)?
                }
                Term::View(how, x) => {
                    builder.view(nodes[x.0 as usize], how.clone()).map_err(located)?
                }
                // Nothing reads it.
                Term::Results(_, results) => nodes[results[0].0 as usize],
            };
            nodes.push(node);
            places.resize(builder.graph().derived().len(), *span);
        }
        let outputs = self.outputs.iter().map(|(x, _)| nodes[x.0 as usize]).collect();
        Ok((builder.finished(outputs), places))
    }
}

/// Resolves the names of a parsed program.
///
/// # Errors
/// `Name`, `Arity`, `Type` (for what no dtype could make right) and `Limit` (more than
/// `max_terms` operations after inlining), with spans.
pub fn resolve(source: &Arc<str>, ast: &Ast, max_terms: usize) -> Result<Terms> {
    let terms = Terms {
        source: source.clone(),
        terms: Vec::new(),
        spans: Vec::new(),
        called: FxHashMap::default(),
        inputs: Vec::new(),
        reads: Vec::new(),
        bound: Vec::new(),
        is_bound: FxHashSet::default(),
        outputs: Vec::new(),
    };
    let resolver = Resolver {
        ast,
        terms,
        known: FxHashMap::default(),
        names: FxHashMap::default(),
        defs: Vec::new(),
        functions: FxHashMap::default(),
        callees: FxHashMap::default(),
        inlined: FxHashMap::default(),
        words: arguments::words(ast),
        max_terms,
        steps: 0,
    };
    resolver.program().map_err(|(error, span)| error.at(span, source))
}

type Located<T> = std::result::Result<T, (Error, Span)>;

fn fail<T>(kind: ErrorKind, span: Span, message: impl Into<String>) -> Located<T> {
    Err((Error::new(kind, message), span))
}

/// What a variable's name stands for.
enum Variable {
    Bound(TermId),
    /// Read as an input, here first; numbered when it is first computed with.
    Input(Span, Option<TermId>),
}

struct Def {
    name: NameId,
    /// Whether it is being inlined.
    is_open: bool,
    parameters: Vec<NameId>,
    /// The part of the Ast's arena that the body takes.
    first: usize,
    body: ExprId,
}

#[derive(Clone, Copy)]
enum Callee {
    Def(usize),
    Row(&'static Row),
    Cast(DType),
    Two(&'static TwoResults),
    IsIn,
    Astype,
    ExpandDims,
    Transpose,
}

struct Resolver<'a> {
    ast: &'a Ast,
    terms: Terms,
    known: FxHashMap<Term, TermId>,
    names: FxHashMap<NameId, Variable>,
    defs: Vec<Def>,
    functions: FxHashMap<NameId, usize>,
    callees: FxHashMap<NameId, Callee>,
    inlined: FxHashMap<(usize, Box<[TermId]>), TermId>,
    /// Names that are no variables: `None` as an argument, and the dtypes of `dtype=`.
    words: FxHashSet<ExprId>,
    max_terms: usize,
    /// Expressions evaluated, those of inlined bodies each time.
    steps: usize,
}

/// The definitions that are named of a circle of them.
const MOST_CALLERS: usize = 5;

/// Expressions that may be evaluated for each term that is allowed.
const STEPS_A_TERM: usize = 4;

/// One expression in progress: a statement's or the body of a `def` being inlined.
struct Frame {
    exprs: Vec<ExprId>,
    next: usize,
    /// The arena index of the first expression, which `values` starts at.
    first: usize,
    values: Vec<TermId>,
    call: Option<(usize, Box<[TermId]>)>,
}

impl Frame {
    fn new(
        first: usize,
        root: ExprId,
        all: &[ExprId],
        call: Option<(usize, Box<[TermId]>)>,
    ) -> Frame {
        Frame {
            exprs: all[first..=root.index()].to_vec(),
            next: 0,
            first,
            values: Vec::new(),
            call,
        }
    }

    fn value(&self, id: ExprId) -> TermId {
        self.values[id.index() - self.first]
    }
}

impl<'a> Resolver<'a> {
    fn program(mut self) -> Located<Terms> {
        let ast = self.ast;
        let all: Vec<ExprId> = ast.exprs().collect();
        let mut first = 0;
        let mut bindings = Vec::new();
        let mut outputs = None;
        for statement in ast.statements() {
            match statement {
                Statement::Binding { names, value } => {
                    names.iter().try_for_each(|name| self.check_unbound(*name))?;
                    let term = self.evaluate(&all, first, *value)?;
                    let terms = self.unpacked(names, term, ast.span(*value))?;
                    for (name, term) in names.iter().zip(terms) {
                        // The value may have read the name it is about to bind.
                        self.check_unbound(*name)?;
                        self.names.insert(name.name, Variable::Bound(term));
                        self.terms.bind(ast.name(name.name));
                        bindings.push((term, Some(ast.name(name.name).into())));
                    }
                    first = value.index() + 1;
                }
                Statement::Def { name, parameters, body } => {
                    self.define(*name, parameters, first, *body, &all)?;
                    first = body.index() + 1;
                }
                Statement::Outputs { values, .. } => {
                    let mut list = Vec::new();
                    for value in values {
                        let term = self.evaluate(&all, first, *value)?;
                        let name = match ast.kind(*value) {
                            ExprKind::Name(name) => Some(ast.name(*name).into()),
                            _ => None,
                        };
                        match &self.terms.terms[term.0 as usize] {
                            Term::Results(_, all) => list.extend(all.iter().map(|x| (*x, None))),
                            _ => list.push((term, name)),
                        }
                        first = value.index() + 1;
                    }
                    outputs = Some(list);
                }
            }
        }
        self.terms.outputs = outputs.unwrap_or(bindings);
        if self.terms.outputs.is_empty() {
            let end = Span::new(self.terms.source.len(), self.terms.source.len());
            return fail(ErrorKind::Parse, end, "the program has no outputs: only definitions");
        }
        Ok(self.terms)
    }

    /// The values that a binding gives to its names.
    fn unpacked(&self, names: &[Ident], term: TermId, span: Span) -> Located<Vec<TermId>> {
        match &self.terms.terms[term.0 as usize] {
            Term::Results(_, results) if results.len() == names.len() => Ok(results.to_vec()),
            Term::Results(function, results) => {
                let (count, wanted) = (results.len(), names.len());
                let name = if wanted == 1 { "one name" } else { "another number of names" };
                let message = format!("'{function}' has {count} results, for {name}");
                let example = format!("bind each of them: `{}`", unpacking(function));
                Err((Error::new(ErrorKind::Arity, message).hint(example), span))
            }
            _ if names.len() == 1 => Ok(vec![term]),
            _ => {
                let message = format!("{} names for one value", names.len());
                let error = Error::new(ErrorKind::Arity, message);
                let hint = "several names take the results of divmod, modf or frexp; bind other \
                            values one by one";
                let error = error.hint(hint);
                let last = names[names.len() - 1];
                let error = match self.terms.source.get(span.range()) {
                    Some(text) if advice::is_short(text) => {
                        let name = |name: &Ident| self.ast.name(name.name);
                        let outputs: Vec<&str> = names.iter().map(name).collect();
                        let (own, outputs) = (name(&last), outputs.join(", "));
                        error.hint(format!(
                            "outputs are a statement of their own: `{own} = {text}; {outputs}`"
                        ))
                    }
                    _ => error,
                };
                Err((error, names[0].span.to(last.span)))
            }
        }
    }

    fn check_unbound(&self, name: Ident) -> Located<()> {
        let text = quoted(self.ast.name(name.name));
        match self.names.get(&name.name) {
            None => Ok(()),
            Some(Variable::Bound(_)) => {
                let error = Error::new(ErrorKind::Name, format!("{text} is bound twice"));
                Err((error.hint("a name keeps one value; choose another name"), name.span))
            }
            Some(Variable::Input(..)) => {
                let error =
                    Error::new(ErrorKind::Name, format!("{text} was already read as an input"));
                Err((error.hint("bind it before its first use, or choose another name"), name.span))
            }
        }
    }

    fn define(
        &mut self,
        name: Ident,
        parameters: &[Ident],
        first: usize,
        body: ExprId,
        all: &[ExprId],
    ) -> Located<()> {
        let text = quoted(self.ast.name(name.name));
        if self.functions.contains_key(&name.name) {
            return fail(
                ErrorKind::Name,
                name.span,
                format!("the function {text} is defined twice"),
            );
        }
        let mut seen = FxHashMap::default();
        for parameter in parameters {
            if seen.insert(parameter.name, ()).is_some() {
                let message =
                    format!("the parameter {} stands twice", quoted(self.ast.name(parameter.name)));
                return fail(ErrorKind::Name, parameter.span, message);
            }
        }
        for id in &all[first..=body.index()] {
            match self.ast.kind(*id) {
                ExprKind::Name(_) if self.words.contains(id) => {}
                ExprKind::Name(read) if !seen.contains_key(read) => {
                    let span = self.ast.span(*id);
                    self.names.entry(*read).or_insert(Variable::Input(span, None));
                }
                ExprKind::Call { function, .. } if function.name == name.name => {
                    return fail(
                        ErrorKind::Name,
                        function.span,
                        format!("{text} calls itself; definitions cannot recurse"),
                    );
                }
                _ => {}
            }
        }
        self.functions.insert(name.name, self.defs.len());
        self.callees.remove(&name.name);
        self.defs.push(Def {
            name: name.name,
            is_open: false,
            parameters: parameters.iter().map(|p| p.name).collect(),
            first,
            body,
        });
        Ok(())
    }

    fn evaluate(&mut self, all: &[ExprId], first: usize, root: ExprId) -> Located<TermId> {
        let mut stack = vec![Frame::new(first, root, all, None)];
        loop {
            let depth = stack.len() - 1;
            let frame = &mut stack[depth];
            if let Some(id) = frame.exprs.get(frame.next).copied() {
                frame.next += 1;
                self.step(id)?;
                match self.expression(id, frame)? {
                    Step::Value(term) => frame.values.push(term),
                    Step::Inline(def, args) => {
                        if std::mem::replace(&mut self.defs[def].is_open, true) {
                            return Err(self.cycle(def, &stack, id));
                        }
                        let Def { first, body, .. } = self.defs[def];
                        stack.push(Frame::new(first, body, all, Some((def, args))));
                    }
                }
                continue;
            }
            let Some(result) = frame.values.last().copied() else {
                return Err((
                    Error::internal("an expression without a value"),
                    self.ast.span(root),
                ));
            };
            if let Some(call) = stack.pop().and_then(|f| f.call) {
                self.defs[call.0].is_open = false;
                self.inlined.insert(call, result);
            }
            match stack.last_mut() {
                Some(caller) => caller.values.push(result),
                None => return Ok(result),
            }
        }
    }

    /// The error of definitions that call each other in a circle: where one that is open calls one
    /// that is, too.
    fn cycle(&self, def: usize, stack: &[Frame], at: ExprId) -> (Error, Span) {
        let open = stack.iter().filter_map(|frame| frame.call.as_ref()).map(|(def, _)| *def);
        let others: Vec<String> = open
            .skip_while(|open| *open != def)
            .skip(1)
            .take(MOST_CALLERS)
            .map(|other| quoted(self.ast.name(self.defs[other].name)))
            .collect();
        let name = quoted(self.ast.name(self.defs[def].name));
        let through = match others.is_empty() {
            true => String::new(),
            false => format!(" through {}", others.join(" and ")),
        };
        let message = format!("{name} calls itself{through}; definitions cannot recurse");
        (Error::new(ErrorKind::Name, message), self.ast.span(at))
    }

    /// Counts work: definitions that call definitions can ask for more than they say.
    fn step(&mut self, id: ExprId) -> Located<()> {
        self.steps += 1;
        if self.steps / STEPS_A_TERM <= self.max_terms {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Limit, "inlining the definitions takes too long");
        Err((error.hint("raise the engine's limit of nodes"), self.ast.span(id)))
    }

    fn term(&mut self, term: Term, span: Span) -> Located<TermId> {
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
            Term::Apply(_, operands) | Term::Reduce(_, operands, _) => &operands[..],
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

    /// That a term is one value.
    fn one_value(&self, id: TermId) -> Located<()> {
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

    fn apply(&mut self, op: Op, args: &[TermId], span: Span) -> Located<TermId> {
        self.term(Term::Apply(op, args.into()), span)
    }

    fn expression(&mut self, id: ExprId, frame: &Frame) -> Located<Step> {
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
            // A dtype's, which whoever takes the argument reads.
            ExprKind::Text(_) if self.words.contains(&id) => self.term(Term::Int(0), span)?,
            ExprKind::Text(_) => {
                // Of a function that is not there that is to be said first.
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
            // Whoever takes the argument sees that it is no number.
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
                        Some(_) if injected(Fault::ChainLosesItsMiddle) => holds,
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

    /// The function that an expression is an argument of.
    fn reader(&self, id: ExprId) -> Option<Ident> {
        self.ast.exprs().find_map(|call| match self.ast.kind(call) {
            ExprKind::Call { function, arguments, .. } => {
                let is_argument = |argument: &Argument| argument.value == ArgumentValue::Expr(id);
                self.ast.arguments(*arguments).iter().any(is_argument).then_some(*function)
            }
            _ => None,
        })
    }

    fn variable(&mut self, name: NameId, span: Span, frame: &Frame) -> Located<TermId> {
        if let Some((def, args)) = &frame.call
            && let Some(i) = self.defs[*def].parameters.iter().position(|p| *p == name)
        {
            return Ok(args[i]);
        }
        let first_read = match self.names.get(&name) {
            Some(Variable::Bound(term)) | Some(Variable::Input(_, Some(term))) => return Ok(*term),
            Some(Variable::Input(first, None)) => *first,
            None => span,
        };
        if self.ast.name(name) == "None" {
            let error = Error::new(ErrorKind::Name, "None is no value");
            return Err((
                error.hint("it stands in an index or as an argument, as axis=None"),
                span,
            ));
        }
        let number = self.terms.inputs.len() as u32;
        self.terms.inputs.push(self.ast.name(name).into());
        self.terms.reads.push(first_read);
        let term = self.term(Term::Input(number), first_read)?;
        self.names.insert(name, Variable::Input(first_read, Some(term)));
        Ok(term)
    }

    fn callee(&mut self, function: Ident) -> Located<Callee> {
        if let Some(callee) = self.callees.get(&function.name) {
            return Ok(*callee);
        }
        let name = self.ast.name(function.name);
        let callee = if let Some(def) = self.functions.get(&function.name) {
            Callee::Def(*def)
        } else if let Some(row) = ops::lookup(name) {
            Callee::Row(row)
        } else if let Some(dtype) = DType::from_name(name) {
            Callee::Cast(dtype)
        } else if let Some(callee) = arguments::special(name) {
            callee
        } else {
            let known: Vec<&str> = ops::functions()
                .flat_map(|row| row.names())
                .chain(ops::TWO_RESULTS.iter().map(|f| f.name))
                .chain(ops::RESOLVED.iter().map(|r| r.0))
                .chain(DType::ALL.into_iter().flat_map(|d| [d.name(), d.numpy_name()]))
                .collect();
            let own = self.functions.keys().map(|n| self.ast.name(*n));
            let known = known.into_iter().chain(own);
            return Err((absent::unknown_function(name, known), function.span));
        };
        self.callees.insert(function.name, callee);
        Ok(callee)
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
                // Of a term that was there before, the first name stays, as its place does.
                let is_new = term.0 as usize >= before;
                if let Some(alias) = row.named(name).filter(|alias| is_new && *alias != row.name) {
                    self.terms.called.insert(term, alias);
                }
                return Ok(Step::Value(term));
            }
            Callee::IsIn => return self.isin(name, arguments, span, frame).map(Step::Value),
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

/// How the results of a function are bound.
fn unpacking(function: &str) -> String {
    let signature = ops::two_results(function).map_or("", |two| two.signature);
    match function {
        "divmod" => format!("q, r = {signature}"),
        "frexp" => format!("m, e = {signature}"),
        _ => format!("f, i = {signature}"),
    }
}

enum Step {
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
