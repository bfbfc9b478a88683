//! Terms: untyped expressions over earlier terms, and their translation to a graph.

use std::sync::Arc;

use hotloop_grammar::Span;
use hotloop_runtime::dtype::DType;
use rustc_hash::{FxHashMap, FxHashSet};

use super::absent;
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::graph::{ArgType, Builder, Derivation, Graph, NodeId, ReduceOptions};
use crate::ops::Op;

/// An index into [`Terms`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TermId(pub(super) u32);

/// An untyped expression over earlier terms.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Term {
    Input(u32),
    Int(i128),
    Float(u64),
    Bool(bool),
    Apply(Op, Box<[TermId]>),
    Cast(DType, TermId),
    /// A reduction over axes, or over all of them.
    Reduce(Op, Box<[TermId]>, Reduced),
    /// A function along an axis.
    Along(Op, Box<[TermId]>, i64),
    View(Derivation, TermId),
    /// The results of a function with several: they can be bound or returned, but not used as an
    /// operand.
    Results(&'static str, Box<[TermId]>),
}

/// The options of a reduction.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Reduced {
    pub(super) axes: Option<Box<[i64]>>,
    pub(super) keepdims: bool,
    pub(super) mask: Option<TermId>,
    pub(super) initial: Option<TermId>,
    pub(super) dtype: Option<DType>,
}

/// A program whose names are resolved and whose `def`s are inlined, before dtypes are known.
pub struct Terms {
    pub(super) source: Arc<str>,
    pub(super) terms: Vec<Term>,
    pub(super) spans: Vec<Span>,
    /// The names of operations that the program calls by an alias.
    pub(super) called: FxHashMap<TermId, &'static str>,
    pub(super) inputs: Vec<Box<str>>,
    /// The place where each input is first read.
    pub(super) reads: Vec<Span>,
    /// The names that the program binds, in order.
    pub(super) bound: Vec<Arc<str>>,
    pub(super) is_bound: FxHashSet<Arc<str>>,
    pub(super) outputs: Vec<(TermId, Option<Box<str>>)>,
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

    /// The error for an argument whose name the program binds. Arguments under other unknown names
    /// are ignored.
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

    pub(super) fn bind(&mut self, name: &str) {
        let name: Arc<str> = name.into();
        self.bound.push(name.clone());
        self.is_bound.insert(name);
    }

    /// The names of the outputs, if they have one.
    pub fn output_names(&self) -> impl Iterator<Item = Option<&str>> {
        self.outputs.iter().map(|(_, name)| name.as_deref())
    }

    /// The number of operations, literals and inputs.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// The program text.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Builds the typed graph for these types of the inputs. Also returns the span of each derived
    /// shape.
    ///
    /// # Errors
    /// `Type`, with the span of the operation that does not accept the dtypes.
    pub fn graph(&self, types: &[ArgType]) -> Result<(Graph, Vec<Span>)> {
        self.build(types, |graph| graph.derived().len())
    }

    /// Builds the typed graph, and returns the span of each node too.
    ///
    /// # Errors
    /// As [`graph`](Terms::graph).
    pub fn located(&self, types: &[ArgType]) -> Result<(Graph, Vec<Span>)> {
        self.build(types, Graph::len)
    }

    /// Builds the typed graph, and the span of each of its things that `count` counts.
    fn build(
        &self,
        types: &[ArgType],
        count: impl Fn(&Graph) -> usize,
    ) -> Result<(Graph, Vec<Span>)> {
        let mut builder = Builder::new();
        let inputs: Vec<NodeId> = types.iter().map(|ty| builder.input(*ty)).collect();
        let mut nodes: Vec<NodeId> = Vec::with_capacity(self.terms.len());
        let (mut operands, mut places) = (Vec::new(), Vec::new());
        for (number, (term, span)) in self.terms.iter().zip(&self.spans).enumerate() {
            let called = self.called.get(&TermId(number as u32));
            if let (Term::Apply(op, _) | Term::Reduce(op, ..) | Term::Along(op, ..), Some(name)) =
                (term, called)
            {
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
                Term::Along(op, args, axis) => {
                    operands.clear();
                    operands.extend(args.iter().map(|x| nodes[x.0 as usize]));
                    builder.along_own(*op, &operands, *axis).map_err(located)?
                }
                Term::View(how, x) => {
                    builder.view(nodes[x.0 as usize], how.clone()).map_err(located)?
                }
                // Nothing reads it.
                Term::Results(_, results) => nodes[results[0].0 as usize],
            };
            nodes.push(node);
            places.resize(count(builder.graph()), *span);
        }
        let outputs = self.outputs.iter().map(|(x, _)| nodes[x.0 as usize]).collect();
        Ok((builder.finished(outputs), places))
    }
}
