//! The typed graph: append-only, hash-consed, made only by its [`Builder`].
//!
//! A node refers only to earlier nodes, so every pass is a forward loop. The builder does all
//! typing, promotion and adoption of weak values, so an ill-typed graph cannot exist.

mod along;
mod builder;
mod comparison;
mod events;
mod exponential;
mod folding;
mod formula;
mod node;
mod power;
mod reduction;
mod rewrite;
mod typing;

use std::fmt;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use hotloop_runtime::convert::convert_scalar;
use hotloop_runtime::dtype::DType;

pub use crate::domain::{Derivation, Derived, Domain, Index};
pub use builder::Builder;
pub use node::{ArgType, Node, NodeId, Operands, Type};
pub(crate) use power::power_by_squaring;
pub use reduction::ReduceOptions;
pub(crate) use rewrite::{rewrite, rewrite_types};

use crate::error::{Error, ErrorKind};
pub use crate::ops::Op;
use crate::ops::{Class, TWO_RESULTS};
pub use crate::weak::show;

/// The number of the next builder's graph. Numbers repeat after 2^32 builders; a node of a graph
/// with the same number is still range-checked.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A typed graph with its inputs and outputs.
///
/// ```
/// use hotloop::graph::Builder;
///
/// let mut b = Builder::new();
/// let two = b.weak_int(2);
/// let graph = b.finish(vec![two])?;
/// assert_eq!(graph.to_string(), "%0: weak i64 = 2\n%1: i64 = 2\noutputs %1\n");
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone)]
pub struct Graph {
    /// Distinguishes its nodes from those of other graphs.
    number: u32,
    nodes: Vec<Node>,
    types: Vec<Type>,
    inputs: Vec<ArgType>,
    outputs: Vec<NodeId>,
    derived: Vec<Derived>,
}

impl Graph {
    fn new() -> Graph {
        let number = NEXT.fetch_add(1, Relaxed).max(1);
        let (nodes, types, inputs) = (Vec::new(), Vec::new(), Vec::new());
        Graph { number, nodes, types, inputs, outputs: Vec::new(), derived: Vec::new() }
    }

    /// The index of a node; out of range for a node of another graph.
    fn at(&self, id: NodeId) -> usize {
        if id.graph() == self.number { id.index() } else { usize::MAX }
    }

    /// Whether a node belongs to this graph.
    pub fn contains(&self, id: NodeId) -> bool {
        self.at(id) < self.nodes.len()
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes, operands before users.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        let number = self.number;
        (0..self.nodes.len()).map(move |index| NodeId::new(number, index))
    }

    /// What a node is.
    ///
    /// # Panics
    /// If it is not a node of this graph; this holds for all methods that take a node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[self.at(id)]
    }

    /// A node's type.
    pub fn ty(&self, id: NodeId) -> Type {
        self.types[self.at(id)]
    }

    /// A node's dtype.
    pub fn dtype(&self, id: NodeId) -> DType {
        self.types[self.at(id)].dtype
    }

    /// The bits of a constant node.
    pub fn constant(&self, id: NodeId) -> Option<u64> {
        match self.nodes[self.at(id)] {
            Node::Const(bits) => Some(bits),
            _ => None,
        }
    }

    /// The value of a weak constant that is an integer or a bool.
    pub(crate) fn weak_integer(&self, id: NodeId) -> Option<i128> {
        let Type { dtype, weak: true, .. } = self.ty(id) else { return None };
        match *self.node(id) {
            Node::Wide([low, high]) => Some(i128::from(high as i64) << 64 | i128::from(low)),
            Node::Const(bits) if !dtype.is_float() => Some(i128::from(bits as i64)),
            _ => None,
        }
    }

    /// The value of a constant node as a float, for rules that read small literals.
    pub fn constant_f64(&self, id: NodeId) -> Option<f64> {
        self.constant(id)
            .map(|bits| f64::from_bits(convert_scalar(bits, self.dtype(id), DType::F64)))
    }

    /// The types of the inputs, by number.
    pub fn inputs(&self) -> &[ArgType] {
        &self.inputs
    }

    /// The outputs, in order.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    /// The derived shapes, by number; each is derived from earlier ones and from inputs'.
    pub fn derived(&self) -> &[Derived] {
        &self.derived
    }

    /// The derivation of the shape of a reduction or a view; `None` for a scalar.
    pub fn derivation(&self, id: NodeId) -> Option<&Derived> {
        self.ty(id).domain.derived().map(|number| &self.derived[usize::from(number)])
    }

    /// The derivation of the sequences of a scan.
    pub fn sequences(&self, id: NodeId) -> Option<&Derived> {
        match self.node(id) {
            Node::Along(.., sequences) => self.derived.get(usize::from(*sequences)),
            _ => None,
        }
    }

    /// The broadcast of several domains. The result of a reduction that keeps its axes broadcasts
    /// to its operand, so it adds nothing to it.
    fn join(&self, domains: impl Iterator<Item = Domain>) -> Domain {
        let mut all = domains.fold(Domain::SCALAR, Domain::join);
        let derived = all.shapes().filter(|class| *class >= Domain::SHAPES);
        for class in derived.collect::<Vec<_>>().into_iter().rev() {
            let rest = all.without(Domain::of_class(class));
            if self.spreads_over(class, rest) {
                all = rest;
            }
        }
        all
    }

    /// Whether a class is that of a reduction that keeps its axes, whose operand's class is in
    /// `domain` or, recursively, is such a class.
    fn spreads_over(&self, class: u8, domain: Domain) -> bool {
        let mut open = vec![class];
        while let Some(class) = open.pop() {
            match self.derived_shape(class) {
                Some(Derived { of, how: Derivation::Reduce { keepdims: true, .. } }) => {
                    open.extend(of.shapes().filter(|c| !domain.contains(Domain::of_class(*c))));
                }
                _ => return false,
            }
        }
        true
    }

    /// The derivation of a class; `None` for a class of arguments.
    pub(crate) fn derived_shape(&self, class: u8) -> Option<&Derived> {
        self.derived.get(usize::from(class.checked_sub(Domain::SHAPES)?))
    }

    /// A mask of the nodes that outputs depend on.
    pub fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.len()];
        for output in &self.outputs {
            live[output.index()] = true;
        }
        for id in self.ids().rev() {
            if live[id.index()] {
                self.node(id).operands().iter().for_each(|x| live[x.index()] = true);
            }
        }
        live
    }

    /// The number of live nodes and outputs that read each node.
    pub fn uses(&self) -> Vec<u32> {
        let live = self.live();
        let mut uses = vec![0; self.len()];
        for id in self.ids().filter(|id| live[id.index()]) {
            self.node(id).operands().iter().for_each(|x| uses[x.index()] += 1);
        }
        self.outputs.iter().for_each(|x| uses[x.index()] += 1);
        uses
    }

    /// Checks the invariants that passes rely on; the error says which is violated.
    pub fn verify(&self) -> Result<(), String> {
        for id in self.ids() {
            let ty = self.ty(id);
            let operands = self.node(id).operands();
            if operands.iter().any(|x| *x >= id || x.graph() != self.number) {
                return Err(format!("{id} reads a node that is not before it"));
            }
            let domain = self.join(operands.iter().map(|x| self.ty(*x).domain));
            let of = self.derivation(id).map(|d| d.of);
            let derived = of == Some(domain);
            match *self.node(id) {
                Node::Input(i) if self.inputs.get(i as usize).map(|t| t.0) != Some(ty) => {
                    return Err(format!("{id} is not of its input's type"));
                }
                Node::Const(_) if !ty.domain.is_scalar() => {
                    return Err(format!("{id} is a constant array"));
                }
                Node::Adopt(x) if !self.ty(x).weak || ty.weak => {
                    return Err(format!("{id} adopts a strong value"));
                }
                Node::Convert(x) if self.ty(x).weak != ty.weak || ty.domain != domain => {
                    return Err(format!("{id} converts between weak and strong"));
                }
                Node::Apply(op, _) => {
                    let values = if op == Op::Select { &operands[1..] } else { operands };
                    if values.iter().any(|x| self.dtype(*x) != self.dtype(values[0])) {
                        return Err(format!("{id} ({op:?}) has operands of different dtypes"));
                    }
                    if operands.iter().any(|x| self.ty(*x).weak != ty.weak) {
                        return Err(format!("{id} ({op:?}) mixes weak and strong"));
                    }
                    let right = match op.class() {
                        Class::Elementwise => ty.domain == domain,
                        Class::Reduce | Class::Shape => ty.domain.is_scalar() || derived,
                        Class::Along => false,
                    };
                    if !right {
                        return Err(format!("{id} ({op:?}) has the wrong domain"));
                    }
                }
                Node::Along(op, pair, attributes, sequences) => {
                    let of = self.derived.get(usize::from(sequences)).map(|d| d.of);
                    let scan = op.scan().map(|scan| scan.accepts(attributes, ty.dtype));
                    if scan != Some(true)
                        || pair.iter().any(|x| self.ty(*x) != ty)
                        || of != Some(ty.domain)
                        || ty.weak
                    {
                        return Err(format!("{id} ({op:?}) is no scan of its operand"));
                    }
                }
                // The operand may still need broadcasting.
                Node::View(x)
                    if self.ty(x).dtype != ty.dtype
                        || of.is_none_or(|of| self.join([of, domain].into_iter()) != of) =>
                {
                    return Err(format!("{id} is no view of its operand"));
                }
                _ => {}
            }
        }
        match self.outputs.iter().find(|x| self.ty(**x).weak) {
            Some(x) => Err(format!("output {x} is weak")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in self.ids() {
            let ty = self.ty(id);
            write!(f, "{id}: {ty} = ")?;
            match self.node(id) {
                Node::Input(i) => write!(f, "input {i}")?,
                Node::Const(bits) => write!(f, "{}", show(*bits, ty.dtype))?,
                Node::Wide(_) => write!(f, "{}", self.weak_integer(id).unwrap_or_default())?,
                Node::Apply(op, _) => write!(f, "{}", op.row().name)?,
                Node::Convert(_) => write!(f, "convert")?,
                Node::Adopt(_) => write!(f, "adopt")?,
                Node::View(_) => write!(f, "view")?,
                Node::Along(op, ..) => write!(f, "{}", op.row().name)?,
            }
            for (i, x) in self.node(id).operands().iter().enumerate() {
                write!(f, "{}{x}", if i == 0 { " " } else { ", " })?;
            }
            if let Node::Along(.., attributes, sequences) = self.node(id) {
                write!(f, "{attributes} by d{sequences}")?;
            }
            writeln!(f)?;
        }
        for (i, Derived { of, how }) in self.derived.iter().enumerate() {
            writeln!(f, "d{i} = [{of}] {how}")?;
        }
        let outputs: Vec<String> = self.outputs.iter().map(NodeId::to_string).collect();
        writeln!(f, "outputs {}", outputs.join(", "))
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn type_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Type, message)
}

/// Checks that an operation is not internal to the compiler.
fn check_public(op: Op) -> Result<(), Error> {
    if op.is_public() || TWO_RESULTS.iter().any(|function| function.ops.contains(&op)) {
        return Ok(());
    }
    Err(type_error(format!("{} is an operation of the compiler's own", op.row().name)))
}

fn check_arity(op: Op, operands: &[NodeId]) -> Result<(), Error> {
    let (name, wanted, given) = (op.row().name, op.row().parameters.len(), operands.len());
    if wanted == given {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Arity, format!("{name} takes {wanted} operands, not {given}")))
}
