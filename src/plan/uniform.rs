//! [`Uniform`]: a value without a shape.

use hotloop_runtime::dtype::DType;
use rustc_hash::FxHashMap;

use crate::domain::{Derived, Domain};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, NodeId};
use crate::ops::{Lowering, Op};

/// A value without a shape: the same for every element of a pass. It is computed by scalar
/// operations when arrays are bound or between passes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uniform {
    /// Its dtype.
    pub dtype: DType,
    /// Whether it is weak.
    pub weak: bool,
    /// Where its value comes from.
    pub source: Source,
}

/// Where the value of a [`Uniform`] comes from. Operands are numbers of earlier uniforms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The bits of a constant.
    Constant(u64),
    /// A scalar input, read at each run.
    Input(u32),
    /// The number of elements of a domain.
    Size(Domain),
    /// The number of elements that a reduction of this derivation combines into one.
    Length(Derived),
    /// A uniform in another dtype, or a weak one of another kind.
    Convert(u32),
    /// A weak uniform in a strong dtype; an error if it does not fit.
    Adopt(u32),
    /// An operation.
    Apply(Op, [u32; 3]),
    /// The result of a carry of the pass that comes next.
    Carry,
}

impl Source {
    /// The operands.
    pub fn operands(&self) -> &[u32] {
        match self {
            Source::Convert(x) | Source::Adopt(x) => std::slice::from_ref(x),
            Source::Apply(op, operands) => &operands[..op.row().parameters.len()],
            _ => &[],
        }
    }
}

/// The uniforms of a graph, added on demand.
#[derive(Default)]
pub(super) struct Uniforms {
    pub list: Vec<Uniform>,
    numbers: FxHashMap<NodeId, u32>,
    /// Equal uniforms share a number.
    known: FxHashMap<Uniform, u32>,
}

impl Uniforms {
    /// The number of a node's uniform, adding it and its operands if needed.
    pub fn number(&mut self, graph: &Graph, id: NodeId) -> Result<u32> {
        let mut open = vec![id];
        while let Some(id) = open.last().copied() {
            if self.numbers.contains_key(&id) {
                open.pop();
                continue;
            }
            let node = graph.node(id);
            let before = open.len();
            if !is_extent(node) {
                let operands = node.operands().iter();
                open.extend(operands.filter(|x| !self.numbers.contains_key(*x)));
            }
            if open.len() == before {
                open.pop();
                self.add(graph, id)?;
            }
        }
        self.numbers.get(&id).copied().ok_or_else(|| Error::internal("a uniform without a number"))
    }

    fn add(&mut self, graph: &Graph, id: NodeId) -> Result<()> {
        let ty = graph.ty(id);
        if !ty.domain.is_scalar() {
            return Err(Error::internal("an array as a uniform"));
        }
        let number = |x: &NodeId| self.numbers[x];
        let source = match *graph.node(id) {
            Node::Const(bits) => Source::Constant(bits),
            Node::Input(input) => Source::Input(input),
            Node::Convert(x) => Source::Convert(number(&x)),
            Node::Adopt(x) => Source::Adopt(number(&x)),
            Node::Apply(Op::Size, operands) => Source::Size(graph.ty(operands[0]).domain),
            Node::Apply(Op::Length, operands) => {
                let derived = graph.derivation(operands[0]);
                let derived = derived.ok_or_else(|| Error::internal("a length of no reduction"))?;
                Source::Length(derived.clone())
            }
            Node::Apply(op, ref operands) if matches!(op.row().lowering, Lowering::Kernel(_)) => {
                let mut numbers = [0; 3];
                numbers.iter_mut().zip(operands.iter()).for_each(|(to, x)| *to = number(x));
                Source::Apply(op, numbers)
            }
            _ => return Err(Error::internal(format!("%{} is no uniform", id.index()))),
        };
        let uniform = Uniform { dtype: ty.dtype, weak: ty.weak, source };
        let next = self.list.len() as u32;
        let number = *self.known.entry(uniform.clone()).or_insert(next);
        if number == next {
            self.list.push(uniform);
        }
        self.numbers.insert(id, number);
        Ok(())
    }

    /// Adds the result of a reduction.
    pub fn carried(&mut self, id: NodeId, dtype: DType) -> u32 {
        let number = self.list.len() as u32;
        self.list.push(Uniform { dtype, weak: false, source: Source::Carry });
        self.numbers.insert(id, number);
        number
    }
}

/// Whether a node needs only the shape of its operand.
fn is_extent(node: &Node) -> bool {
    matches!(node, Node::Apply(Op::Size | Op::Length, _))
}

/// The uniforms that check every adoption of a graph, including those that optimization removes.
///
/// # Errors
/// Only `Internal`.
pub fn adoptions(graph: &Graph) -> Result<Vec<Uniform>> {
    let mut uniforms = Uniforms::default();
    let live = graph.live();
    for id in graph.ids().filter(|id| live[id.index()]) {
        if let Node::Adopt(_) = graph.node(id) {
            uniforms.number(graph, id)?;
        }
    }
    Ok(uniforms.list)
}
