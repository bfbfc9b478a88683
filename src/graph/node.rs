//! Nodes and their types.

use std::fmt;

use hotloop_runtime::dtype::{DType, Kind};
use hotloop_runtime::scan::Attributes;

use super::Domain;
use crate::error::{Error, ErrorKind};
use crate::ops::Op;
use crate::promote::weak_default;

/// A node of a [`Graph`](super::Graph). It belongs to the builder that made it, and to that
/// builder's graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(
    /// The number of the graph, then the index of the node: one word, so that it hashes fast.
    u64,
);

impl NodeId {
    /// A node of no graph.
    pub(super) const NONE: NodeId = NodeId(0);

    pub(super) fn new(graph: u32, index: usize) -> NodeId {
        NodeId(u64::from(graph) << 32 | index as u64)
    }

    /// The node's index in the graph.
    pub fn index(self) -> usize {
        self.0 as u32 as usize
    }

    pub(super) fn graph(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.index())
    }
}

/// A node's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// The element type; `bool`, `i64` or `f64` for a weak value.
    pub dtype: DType,
    /// Whether it adopts the dtype of the other operands.
    pub weak: bool,
    /// Its symbolic shape.
    pub domain: Domain,
}

/// The type of an argument that a kernel is specialized on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArgType(pub(crate) Type);

impl ArgType {
    /// An array of this dtype; all such arrays have the same shape.
    pub fn array(dtype: DType) -> ArgType {
        ArgType(Type { dtype, weak: false, domain: Domain::of_shape(0) })
    }

    /// An array of a shape class: arrays of one class have the same shape, different classes
    /// broadcast.
    ///
    /// ```
    /// use hotloop::{ArgType, DType};
    ///
    /// let column = ArgType::array_of_shape(DType::F64, 1)?;
    /// assert_eq!(column.to_string(), "f64[s1]");
    /// assert!(ArgType::array_of_shape(DType::F64, 64).is_err());
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Limit` unless the class is below [`Domain::SHAPES`].
    pub fn array_of_shape(dtype: DType, class: u8) -> Result<ArgType, Error> {
        if class >= Domain::SHAPES {
            let message = format!(
                "shape class {class}: classes are numbered from 0 to {}",
                Domain::SHAPES - 1
            );
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(ArgType(Type { dtype, weak: false, domain: Domain::of_shape(class) }))
    }

    /// One strongly typed element.
    pub fn scalar(dtype: DType) -> ArgType {
        ArgType(Type { dtype, weak: false, domain: Domain::SCALAR })
    }

    /// A weak number, which adopts the dtype of the other operands.
    pub fn weak(kind: Kind) -> ArgType {
        ArgType(Type { dtype: weak_default(kind), weak: true, domain: Domain::SCALAR })
    }

    /// The element type; for weak numbers their default dtype.
    pub fn dtype(self) -> DType {
        self.0.dtype
    }

    /// The shape class of an array.
    pub(crate) fn class(self) -> Option<u8> {
        self.0.domain.shapes().next()
    }

    /// Whether it is a weak number.
    pub fn is_weak(self) -> bool {
        self.0.weak
    }

    /// Whether it is one element.
    pub fn is_scalar(self) -> bool {
        self.0.domain.is_scalar()
    }
}

impl fmt::Display for ArgType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.weak {
            f.write_str("weak ")?;
        }
        write!(f, "{}", self.dtype)?;
        if !self.domain.is_scalar() {
            write!(f, "[{}]", self.domain)?;
        }
        Ok(())
    }
}

/// The operands of an operation: at most three.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operands {
    ids: [NodeId; 3],
    len: u8,
}

impl Operands {
    pub(super) fn new(list: &[NodeId]) -> Operands {
        let mut ids = [NodeId::NONE; 3];
        ids[..list.len()].copy_from_slice(list);
        Operands { ids, len: list.len() as u8 }
    }
}

impl std::ops::Deref for Operands {
    type Target = [NodeId];
    fn deref(&self) -> &[NodeId] {
        &self.ids[..self.len as usize]
    }
}

/// The operation of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    /// The input of this number.
    Input(u32),
    /// A constant: the element's bits, little-endian, upper bits zero.
    Const(u64),
    /// A weak integer beyond `i64`: the bits of an `i128`, the low half first. It adopts a dtype
    /// before the graph is finished.
    Wide([u64; 2]),
    /// An operation; its operands have one dtype, except the condition of `where`.
    Apply(Op, Operands),
    /// A strong value in another dtype, or a weak one of another kind.
    Convert(NodeId),
    /// A weak run-time value that adopts a strong dtype; an error at run time if it does not fit.
    Adopt(NodeId),
    /// A view of an array, given by the derived shape of its type.
    View(NodeId),
    /// A scan of an array, or of the pairs of two, with its constants. The number is that of the derived shape that the
    /// array has without the axis along which the scan goes: it has one element for each sequence.
    Along(Op, [NodeId; 2], Attributes, u8),
}

impl Node {
    /// The nodes it reads.
    pub fn operands(&self) -> &[NodeId] {
        match self {
            Node::Input(_) | Node::Const(_) | Node::Wide(_) => &[],
            Node::Apply(_, operands) => operands,
            Node::Convert(x) | Node::Adopt(x) | Node::View(x) => std::slice::from_ref(x),
            Node::Along(op, pair, ..) => &pair[..op.arrays()],
        }
    }
}
