//! Ast to [`Terms`] to [`Graph`]: names, keyword arguments, the inlining of `def`s; then, once
//! dtypes are known, the graph, with spans put on the builder's errors.
//!
//! No function here recurses: an expression is a run of the Ast's arena that ends at its root,
//! and calls of `def`s are frames on a stack of our own.

use std::sync::Arc;

use hotloop_grammar::Span;
use hotloop_grammar::{
    Argument, ArgumentValue, Ast, BinaryOp, CompareOp, Constant, ExprId, ExprKind, Ident,
    IndexEntry, IndexItem, NameId, Statement, UnaryOp,
};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::fault::{Fault, injected};
use hotloop_runtime::strided::MAX_RANK;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, ErrorKind, Result, quoted};
use crate::graph::{ArgType, Builder, Derivation, Graph, Index, NodeId};
use crate::ops::{self, Op, Row};

/// A place in [`Terms`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct TermId(u32);

/// An untyped expression over earlier terms.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Term {
    Input(u32),
    Int(i64),
    Float(u64),
    Bool(bool),
    Apply(Op, Box<[TermId]>),
    Cast(DType, TermId),
    /// A reduction over axes, or over all of them.
    Reduce(Op, Box<[TermId]>, Reduced),
    View(Derivation, TermId),
}

/// What the keywords of a reduction say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Reduced {
    axes: Option<Box<[i64]>>,
    keepdims: bool,
}

/// A program whose names are resolved and whose `def`s are inlined, before dtypes are known.
pub struct Terms {
    source: Arc<str>,
    terms: Vec<Term>,
    spans: Vec<Span>,
    inputs: Vec<Box<str>>,
    outputs: Vec<(TermId, Option<Box<str>>)>,
}

impl Terms {
    /// The inputs' names, in order of first use.
    pub fn inputs(&self) -> &[Box<str>] {
        &self.inputs
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
        for (term, span) in self.terms.iter().zip(&self.spans) {
            let located = |e: Error| e.at(*span, &self.source);
            let node = match term {
                Term::Input(number) => inputs[*number as usize],
                Term::Int(value) => builder.weak_int(*value),
                Term::Float(bits) => builder.weak_float(f64::from_bits(*bits)),
                Term::Bool(value) => builder.weak_bool(*value),
                Term::Cast(dtype, x) => builder.cast(nodes[x.0 as usize], *dtype),
                Term::Apply(op, args) => {
                    operands.clear();
                    operands.extend(args.iter().map(|x| nodes[x.0 as usize]));
                    builder.apply(*op, &operands).map_err(located)?
                }
                Term::Reduce(op, args, Reduced { axes, keepdims }) => {
                    operands.clear();
                    operands.extend(args.iter().map(|x| nodes[x.0 as usize]));
                    let axes = axes.as_deref();
                    builder.reduce(*op, &operands, axes, *keepdims).map_err(located)?
                }
                Term::View(how, x) => {
                    builder.view(nodes[x.0 as usize], how.clone()).map_err(located)?
                }
            };
            nodes.push(node);
            places.resize(builder.graph().derived().len(), *span);
        }
        let outputs = self.outputs.iter().map(|(x, _)| nodes[x.0 as usize]).collect();
        Ok((builder.finish(outputs), places))
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
        inputs: Vec::new(),
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
        nones: nones(ast),
        max_terms,
        steps: 0,
    };
    resolver.program().map_err(|(error, span)| error.at(span, source))
}

/// The expressions `None` that an `axis=` is given.
fn nones(ast: &Ast) -> FxHashSet<ExprId> {
    let calls = ast.exprs().filter_map(|id| match ast.kind(id) {
        ExprKind::Call { arguments, .. } => Some(ast.arguments(*arguments)),
        _ => None,
    });
    let is_axis = |(i, a): &(usize, &Argument)| match a.keyword {
        Some(keyword) => matches!(ast.name(keyword.name), "axis" | "axes"),
        None => *i > 0,
    };
    let arguments = calls.flat_map(|list| list.iter().enumerate());
    let values = arguments.filter(is_axis).filter_map(|(_, a)| match a.value {
        ArgumentValue::Expr(value) => Some(value),
        _ => None,
    });
    let is_none =
        |id: &ExprId| matches!(ast.kind(*id), ExprKind::Name(name) if ast.name(*name) == "None");
    values.filter(is_none).collect()
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
    IsIn,
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
    /// The `None`s of `axis=None`, which are no inputs.
    nones: FxHashSet<ExprId>,
    max_terms: usize,
    /// Expressions evaluated, those of inlined bodies each time.
    steps: usize,
}

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
                Statement::Binding { name, value } => {
                    self.check_unbound(*name)?;
                    let term = self.evaluate(&all, first, *value)?;
                    // The value may have read the name it is about to bind.
                    self.check_unbound(*name)?;
                    self.names.insert(name.name, Variable::Bound(term));
                    bindings.push((term, Some(ast.name(name.name).into())));
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
                        list.push((term, name));
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
                ExprKind::Name(_) if self.nones.contains(id) => {}
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
                self.inlined.insert(call, result);
            }
            match stack.last_mut() {
                Some(caller) => caller.values.push(result),
                None => return Ok(result),
            }
        }
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
        let id = TermId(self.terms.terms.len() as u32);
        self.terms.terms.push(term.clone());
        self.terms.spans.push(span);
        self.known.insert(term, id);
        Ok(id)
    }

    fn apply(&mut self, op: Op, args: &[TermId], span: Span) -> Located<TermId> {
        self.term(Term::Apply(op, args.into()), span)
    }

    fn expression(&mut self, id: ExprId, frame: &Frame) -> Located<Step> {
        let ast = self.ast;
        let span = ast.span(id);
        let term = match ast.kind(id) {
            // Only the operand of a minus can be 2^63: the pair is the least i64.
            ExprKind::Int(value) => self.term(Term::Int(*value as i64), span)?,
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
            ExprKind::Text(_) => {
                return fail(ErrorKind::Type, span, "strings are not supported yet");
            }
            ExprKind::Attribute { attribute, .. } => {
                let message = format!(
                    ".{} needs complex numbers, which are not supported yet",
                    ast.name(attribute.name)
                );
                return fail(ErrorKind::Type, span, message);
            }
            ExprKind::Index { base, items } => {
                let how = Derivation::Index(index_items(ast.indices(*items))?);
                self.term(Term::View(how, frame.value(*base)), span)?
            }
            // Whoever takes the argument sees that it is no number.
            ExprKind::Name(_) if self.nones.contains(&id) => self.term(Term::Int(0), span)?,
            ExprKind::Name(name) => self.variable(*name, span, frame)?,
            ExprKind::Unary { op, arg } => {
                let x = frame.value(*arg);
                match op {
                    UnaryOp::Plus => x,
                    UnaryOp::Not => self.apply(Op::Not, &[x], span)?,
                    UnaryOp::BitNot => self.apply(Op::BitNot, &[x], span)?,
                    UnaryOp::Negate => match ast.kind(*arg) {
                        ExprKind::Int(value) => {
                            self.term(Term::Int((*value as i64).wrapping_neg()), span)?
                        }
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
            ExprKind::Call { function, arguments } => {
                return self.call(*function, ast.arguments(*arguments), span, frame);
            }
        };
        Ok(Step::Value(term))
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
            return Err((error.hint("it stands in an index, or as axis=None"), span));
        }
        let number = self.terms.inputs.len() as u32;
        self.terms.inputs.push(self.ast.name(name).into());
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
        } else if let Some(callee) = resolved(name) {
            callee
        } else {
            return Err((self.unknown_function(name), function.span));
        };
        self.callees.insert(function.name, callee);
        Ok(callee)
    }

    fn unknown_function(&self, name: &str) -> Error {
        let known = ops::functions()
            .flat_map(|r| std::iter::once(r.name).chain(r.aliases.iter().copied()))
            .chain(ops::RESOLVED.iter().map(|r| r.0))
            .chain(DType::ALL.into_iter().flat_map(|d| [d.name(), d.numpy_name()]))
            .chain(self.functions.keys().map(|n| self.ast.name(*n)));
        let near: Vec<String> =
            ops::suggestions(name, known).iter().map(|n| format!("'{n}'")).collect();
        let error = Error::new(ErrorKind::Name, format!("unknown function {}", quoted(name)));
        match near.as_slice() {
            [] => error.hint("`hotloop functions` lists what there is"),
            [one] => error.hint(format!("did you mean {one}?")),
            [rest @ .., last] => error.hint(format!("did you mean {} or {last}?", rest.join(", "))),
        }
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
            Callee::Row(row) if row.op.is_reduction() => {
                return self.reduction(name, row, arguments, span, frame).map(Step::Value);
            }
            Callee::ExpandDims | Callee::Transpose => {
                return self.view(name, callee, arguments, span, frame).map(Step::Value);
            }
            _ => {}
        }
        let values = self.values(name, callee, arguments, span, frame)?;
        let term = match callee {
            Callee::Row(row) => self.apply(row.op, &values, span)?,
            Callee::Cast(dtype) => self.term(Term::Cast(dtype, values[0]), span)?,
            Callee::IsIn if values.len() < 2 => {
                let signature = self.signature(name, callee);
                return Err((arity_error(name, callee, &signature, values.len()), span));
            }
            Callee::Def(def) => {
                let call = (def, values.into_boxed_slice());
                match self.inlined.get(&call) {
                    Some(term) => *term,
                    None => return Ok(Step::Inline(call.0, call.1)),
                }
            }
            _ => {
                let mut any = self.apply(Op::Eq, &[values[0], values[1]], span)?;
                for value in &values[2..] {
                    let equal = self.apply(Op::Eq, &[values[0], *value], span)?;
                    let others = if injected(Fault::IsinAsksTheLast) { equal } else { any };
                    any = self.apply(Op::BitOr, &[others, equal], span)?;
                }
                any
            }
        };
        Ok(Step::Value(term))
    }

    /// `sum(x, axis=1, keepdims=True)`: what is not an operand says over which axes.
    fn reduction(
        &mut self,
        name: &str,
        row: &'static Row,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<TermId> {
        let (mut axes, mut keepdims) = (None, None);
        let mut operands = Vec::with_capacity(arguments.len());
        let required = row.parameters.iter().filter(|p| p.default.is_none()).count();
        for (i, argument) in arguments.iter().enumerate() {
            let span = argument.span;
            match argument.keyword.map(|k| self.ast.name(k.name)) {
                Some("axis") => once(&mut axes, self.axes(argument)?, "axis", span)?,
                Some("keepdims") => once(&mut keepdims, self.truth(argument)?, "keepdims", span)?,
                // As NumPy has it, the axis follows the operands.
                None if i == required => match self.axes(argument) {
                    Ok(axis) => once(&mut axes, axis, "axis", span)?,
                    Err(_) => operands.push(argument.clone()),
                },
                _ => operands.push(argument.clone()),
            }
        }
        if operands.get(required).is_some_and(|a| a.keyword.is_none()) {
            let (callee, given) = (Callee::Row(row), arguments.len());
            let error = arity_error(name, callee, &self.signature(name, callee), given);
            return Err((error, span));
        }
        let reduced = Reduced { axes: axes.flatten(), keepdims: keepdims.unwrap_or(false) };
        let values = self.values(name, Callee::Row(row), &operands, span, frame)?;
        self.term(Term::Reduce(row.op, values.into(), reduced), span)
    }

    /// `expand_dims(x, axis=0)` and `transpose(x, axes=(1, 0))`.
    fn view(
        &mut self,
        name: &str,
        callee: Callee,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<TermId> {
        let parameter = if matches!(callee, Callee::Transpose) { "axes" } else { "axis" };
        let mut axes = None;
        let mut operands = Vec::with_capacity(1);
        for (i, argument) in arguments.iter().enumerate() {
            let given = argument.keyword.map(|k| self.ast.name(k.name));
            if given == Some(parameter) || given.is_none() && i == 1 {
                once(&mut axes, self.axes(argument)?, parameter, argument.span)?;
            } else {
                operands.push(argument.clone());
            }
        }
        let axes = axes.flatten();
        let x = self.values(name, callee, &operands, span, frame)?[0];
        let how = match (callee, axes) {
            (Callee::Transpose, axes) => Derivation::Transpose(axes),
            (_, Some(axes)) => Derivation::ExpandDims(axes),
            (_, None) => {
                let signature = self.signature(name, callee);
                return Err((arity_error(name, callee, &signature, arguments.len()), span));
            }
        };
        self.term(Term::View(how, x), span)
    }

    /// `0`, `-1`, `(0, 1)` or `None`.
    fn axes(&self, argument: &Argument) -> Located<Option<Box<[i64]>>> {
        let list = match &argument.value {
            ArgumentValue::Expr(value) if self.nones.contains(value) => return Ok(None),
            ArgumentValue::Expr(value) => std::slice::from_ref(value),
            ArgumentValue::Tuple(values) => &values[..],
            ArgumentValue::Step { .. } => &[],
        };
        let int = |id: &ExprId| match *self.ast.kind(*id) {
            ExprKind::Int(value) => i64::try_from(value).ok(),
            ExprKind::Unary { op: UnaryOp::Negate, arg } => match *self.ast.kind(arg) {
                ExprKind::Int(value) => Some((value as i64).wrapping_neg()),
                _ => None,
            },
            _ => None,
        };
        if list.len() > MOST_ITEMS {
            let message = "more axes than an array can have";
            return fail(ErrorKind::Limit, argument.span, message);
        }
        let step = matches!(argument.value, ArgumentValue::Step { .. });
        match list.iter().map(int).collect::<Option<_>>().filter(|_| !step) {
            Some(axes) => Ok(Some(axes)),
            None => {
                let error = Error::new(ErrorKind::Type, "an axis is an integer, known beforehand");
                Err((error.hint("axis=0, axis=-1, axis=(0, 1) or axis=None"), argument.span))
            }
        }
    }

    /// `True` or `False`.
    fn truth(&self, argument: &Argument) -> Located<bool> {
        if let ArgumentValue::Expr(value) = argument.value
            && let ExprKind::Bool(truth) = self.ast.kind(value)
        {
            return Ok(*truth);
        }
        fail(ErrorKind::Type, argument.span, "keepdims is True or False")
    }

    /// The names of a callee's parameters.
    fn parameters(&self, callee: Callee) -> Vec<&'a str> {
        match callee {
            Callee::Def(def) => {
                let ast = self.ast;
                self.defs[def].parameters.iter().map(|p| ast.name(*p)).collect()
            }
            Callee::Row(row) => row.parameters.iter().map(|p| p.name).collect(),
            Callee::Cast(_) | Callee::ExpandDims | Callee::Transpose => vec!["x"],
            Callee::IsIn => Vec::new(),
        }
    }

    /// How a callee is called.
    fn signature(&self, name: &str, callee: Callee) -> String {
        match callee {
            Callee::Def(_) | Callee::Cast(_) => {
                format!("{name}({})", self.parameters(callee).join(", "))
            }
            Callee::Row(row) => row.signature(),
            _ => ops::RESOLVED.iter().find(|r| r.0 == name).map_or("", |r| r.1).to_string(),
        }
    }

    /// The values of a call's arguments, in the order of the parameters.
    fn values(
        &mut self,
        name: &str,
        callee: Callee,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<Vec<TermId>> {
        let names = self.parameters(callee);
        let mut args: Vec<Option<TermId>> = vec![None; names.len()];
        for (i, argument) in arguments.iter().enumerate() {
            let slot = match argument.keyword {
                Some(keyword) => match names.iter().position(|n| *n == self.ast.name(keyword.name))
                {
                    Some(slot) => slot,
                    None => {
                        let text = quoted(self.ast.name(keyword.name));
                        let error = Error::new(
                            ErrorKind::Name,
                            format!("unknown keyword {text} for '{name}'"),
                        );
                        return Err((
                            error.hint(format!("it is called as {}", self.signature(name, callee))),
                            keyword.span,
                        ));
                    }
                },
                None => i,
            };
            let ArgumentValue::Expr(value) = argument.value else {
                let error =
                    Error::new(ErrorKind::Type, format!("'{name}' does not take such an argument"));
                return Err((
                    error.hint(format!("it is called as {}", self.signature(name, callee))),
                    argument.span,
                ));
            };
            if self.nones.contains(&value) {
                return fail(ErrorKind::Type, argument.span, format!("'{name}' takes no None"));
            }
            let value = frame.value(value);
            match args.get_mut(slot) {
                Some(Some(_)) => {
                    let message = format!("the argument {} is given twice", quoted(names[slot]));
                    return fail(ErrorKind::Arity, argument.span, message);
                }
                Some(empty) => *empty = Some(value),
                None if matches!(callee, Callee::IsIn) => args.push(Some(value)),
                None => {
                    return Err((
                        arity_error(name, callee, &self.signature(name, callee), arguments.len()),
                        span,
                    ));
                }
            }
        }
        let mut values = Vec::with_capacity(args.len());
        for (i, arg) in args.iter().enumerate() {
            let default = match callee {
                Callee::Row(row) => row.parameters[i].default,
                _ => None,
            };
            match (arg, default) {
                (Some(value), _) => values.push(*value),
                // A default that is an integer must not turn integers into floats.
                (None, Some(value)) if value.fract() == 0.0 => {
                    values.push(self.term(Term::Int(value as i64), span)?)
                }
                (None, Some(value)) => values.push(self.term(Term::Float(value.to_bits()), span)?),
                (None, None) => {
                    return Err((
                        arity_error(name, callee, &self.signature(name, callee), arguments.len()),
                        span,
                    ));
                }
            }
        }
        Ok(values)
    }
}

/// The most items of an index, and axes of a reduction or a view: each axis that an array may
/// have, and as many new ones.
const MOST_ITEMS: usize = 2 * MAX_RANK;

/// Sets what an argument says, unless another one has.
fn once<T>(slot: &mut Option<T>, value: T, parameter: &str, span: Span) -> Located<()> {
    if slot.replace(value).is_some() {
        let message = format!("the argument {} is given twice", quoted(parameter));
        return fail(ErrorKind::Arity, span, message);
    }
    Ok(())
}

/// The items of an index, checked as far as they can be without a shape.
fn index_items(entries: &[IndexEntry]) -> Located<Box<[Index]>> {
    let mut items = Vec::with_capacity(entries.len());
    if let Some(beyond) = entries.get(MOST_ITEMS) {
        return fail(ErrorKind::Limit, beyond.span, "more items than an array can have axes");
    }
    for IndexEntry { item, span } in entries {
        items.push(match *item {
            IndexItem::At(at) => Index::At(at),
            IndexItem::NewAxis => Index::NewAxis,
            IndexItem::Ellipsis if items.contains(&Index::Ellipsis) => {
                return fail(ErrorKind::Shape, *span, "an index has at most one `...`");
            }
            IndexItem::Ellipsis => Index::Ellipsis,
            IndexItem::Slice { step: Some(0), .. } => {
                return fail(ErrorKind::Shape, *span, "the step of a slice is not 0");
            }
            IndexItem::Slice { start, stop, step } => Index::Slice { start, stop, step },
        });
    }
    Ok(items.into())
}

/// The functions that are not in the table.
fn resolved(name: &str) -> Option<Callee> {
    match name {
        "isin" => Some(Callee::IsIn),
        "expand_dims" => Some(Callee::ExpandDims),
        "transpose" => Some(Callee::Transpose),
        _ => None,
    }
}

enum Step {
    Value(TermId),
    Inline(usize, Box<[TermId]>),
}

fn arity_error(name: &str, callee: Callee, signature: &str, given: usize) -> Error {
    let plural = if given == 1 { "" } else { "s" };
    let error =
        Error::new(ErrorKind::Arity, format!("'{name}' does not take {given} argument{plural}"));
    let error = error.hint(format!("it is called as {signature}"));
    match callee {
        Callee::Row(row) if given > 1 && row.op == Op::Max => {
            error.hint("for the larger of two arrays use maximum(x, y)")
        }
        Callee::Row(row) if given > 1 && row.op == Op::Min => {
            error.hint("for the smaller of two arrays use minimum(x, y)")
        }
        _ => error,
    }
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
