//! Resolution: from the Ast to [`Terms`] (names, keyword arguments, inlining of `def`s) and, once
//! dtypes are known, to the [`Graph`], adding spans to the builder's errors.
//!
//! No function here recurses: an expression is a range of the Ast's arena that ends at its root,
//! and calls of `def`s are frames on an explicit stack.

mod absent;
mod advice;
mod arguments;
mod expression;
mod names;
mod sequence;
mod terms;

use std::sync::Arc;

use hotloop_grammar::{Ast, ExprId, ExprKind, Ident, NameId, Span, Statement};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, ErrorKind, Result, quoted};
use expression::{Step, unpacking};
use names::{Callee, Def, Variable};
use terms::{Reduced, Term, TermId};

pub use terms::Terms;

/// Resolves the names of a parsed program.
///
/// # Errors
/// `Name`, `Arity`, `Type` (for errors that no dtype could avoid) and `Limit` (more than
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

struct Resolver<'a> {
    ast: &'a Ast,
    terms: Terms,
    known: FxHashMap<Term, TermId>,
    names: FxHashMap<NameId, Variable>,
    defs: Vec<Def>,
    functions: FxHashMap<NameId, usize>,
    callees: FxHashMap<NameId, Callee>,
    inlined: FxHashMap<(usize, Box<[TermId]>), TermId>,
    /// Names that are not variables: `None` as an argument, and the dtypes of `dtype=`.
    words: FxHashSet<ExprId>,
    max_terms: usize,
    /// The number of evaluated expressions; inlined bodies count at each call.
    steps: usize,
}

/// The maximum number of definitions named in the error for a cycle.
const MOST_CALLERS: usize = 5;

/// The maximum number of evaluated expressions per allowed term.
const STEPS_A_TERM: usize = 4;

/// A stack frame: the expression of a statement, or the body of a `def` being inlined.
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
                        // The value may have read the name that it binds.
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

    /// The values of a binding's names.
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

    /// The error for definitions that call each other in a cycle.
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

    /// Counts work: nested definitions can expand exponentially.
    fn step(&mut self, id: ExprId) -> Located<()> {
        self.steps += 1;
        if self.steps / STEPS_A_TERM <= self.max_terms {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Limit, "inlining the definitions takes too long");
        Err((error.hint("raise the engine's limit of nodes"), self.ast.span(id)))
    }
}
