//! Scopes: the meaning of names, and the definitions of functions.

use hotloop_grammar::{ExprId, ExprKind, Ident, NameId, Span};
use hotloop_runtime::dtype::DType;
use rustc_hash::FxHashMap;

use super::{Frame, Located, Resolver, Term, TermId, absent, arguments, fail};
use crate::error::{Error, ErrorKind, quoted};
use crate::ops::{self, Row, TwoResults};

/// The meaning of a variable's name.
pub(super) enum Variable {
    Bound(TermId),
    /// An input, first read here; numbered at its first use in a computation.
    Input(Span, Option<TermId>),
}

pub(super) struct Def {
    pub(super) name: NameId,
    /// Whether it is being inlined.
    pub(super) is_open: bool,
    pub(super) parameters: Vec<NameId>,
    /// The range of the body in the Ast's arena.
    pub(super) first: usize,
    pub(super) body: ExprId,
}

#[derive(Clone, Copy)]
pub(super) enum Callee {
    Def(usize),
    Row(&'static Row),
    Cast(DType),
    Two(&'static TwoResults),
    IsIn,
    Sequence,
    Astype,
    ExpandDims,
    Transpose,
}

impl Resolver<'_> {
    pub(super) fn check_unbound(&self, name: Ident) -> Located<()> {
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

    pub(super) fn define(
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
                    format!("duplicate parameter {}", quoted(self.ast.name(parameter.name)));
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

    pub(super) fn variable(&mut self, name: NameId, span: Span, frame: &Frame) -> Located<TermId> {
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
                error.hint("use it in an index or as an argument, such as axis=None"),
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

    pub(super) fn callee(&mut self, function: Ident) -> Located<Callee> {
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
}
