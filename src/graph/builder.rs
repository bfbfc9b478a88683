//! The builder: adds inputs, constants and views.

use std::fmt;

use hotloop_runtime::convert::convert_scalar;
use hotloop_runtime::dtype::DType;
use rustc_hash::FxHashMap;

use super::{
    ArgType, Derivation, Derived, Domain, Graph, Index, Node, NodeId, Op, Operands, Type,
    type_error,
};
use crate::error::{Error, ErrorKind};
use crate::ops::Class;
use crate::promote::weak_default;
use crate::weak::adopt_integer;

/// Appends nodes to a graph; all typing happens here.
///
/// ```
/// use hotloop::graph::{ArgType, Builder};
/// use hotloop::graph::Op;
/// use hotloop::DType;
///
/// let mut b = Builder::new();
/// let x = b.input(ArgType::array(DType::F32));
/// let half = b.weak_float(0.5);
/// let y = b.apply(Op::Mul, &[x, half])?;
/// let graph = b.finish(vec![y])?;
/// let program = hotloop::Engine::shared().compile_graph(graph, &["x"], &["half"])?;
/// let y = program.eval_as::<f32>(("x", &[1.0f32, 3.0]))?;
/// assert_eq!(y.as_slice(), Some(&[0.5, 1.5][..]));
/// # Ok::<(), hotloop::Error>(())
/// ```
///
/// Every method rejects nodes of another builder with [`ErrorKind::Name`].
#[must_use = "`finish` makes the graph"]
pub struct Builder {
    pub(super) graph: Graph,
    known: FxHashMap<(Node, Type), NodeId>,
    /// The name of an operation in errors, if not the table's.
    called: Option<(Op, &'static str)>,
}

fn foreign(id: NodeId) -> Error {
    Error::new(ErrorKind::Name, format!("{id} is a node of another builder"))
}

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builder").field(&self.graph).finish()
    }
}

impl Builder {
    /// A builder of an empty graph.
    pub fn new() -> Builder {
        Builder { graph: Graph::new(), known: FxHashMap::default(), called: None }
    }

    /// Checks that nodes belong to this builder.
    pub(super) fn check(&self, ids: &[NodeId]) -> Result<(), Error> {
        match ids.iter().find(|id| !self.graph.contains(**id)) {
            Some(id) => Err(foreign(*id)),
            None => Ok(()),
        }
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Sets the name of an operation in errors, as the program calls it.
    pub(crate) fn call_by_name(&mut self, called: Option<(Op, &'static str)>) {
        self.called = called;
    }

    /// The name of an operation in errors.
    pub(super) fn name(&self, op: Op) -> &'static str {
        self.called.filter(|(of, _)| *of == op).map_or(op.row().name, |(_, name)| name)
    }

    /// Adds the next input.
    pub fn input(&mut self, ty: ArgType) -> NodeId {
        let number = self.graph.inputs.len() as u32;
        self.graph.inputs.push(ty);
        self.add(Node::Input(number), ty.0)
    }

    /// A weak integer literal, exact to 127 bits.
    pub fn weak_int(&mut self, value: impl Into<i128>) -> NodeId {
        let value = value.into();
        match i64::try_from(value) {
            Ok(value) => self.literal(value as u64, DType::I64, true),
            Err(_) => {
                let node = Node::Wide([value as u64, (value >> 64) as u64]);
                self.add(node, Type { dtype: DType::I64, weak: true, domain: Domain::SCALAR })
            }
        }
    }

    /// A weak float literal.
    pub fn weak_float(&mut self, value: f64) -> NodeId {
        self.literal(value.to_bits(), DType::F64, true)
    }

    /// A weak bool literal.
    pub fn weak_bool(&mut self, value: bool) -> NodeId {
        self.literal(value.into(), DType::Bool, true)
    }

    /// A constant with these bits.
    ///
    /// ```
    /// use hotloop::DType;
    /// use hotloop::graph::Builder;
    ///
    /// let mut b = Builder::new();
    /// let one = b.constant(1.0f32.to_bits().into(), DType::F32, false)?;
    /// assert_eq!(b.graph().constant_f64(one), Some(1.0));
    /// assert!(b.constant(256, DType::U8, false).is_err());
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Type` for bits beyond the dtype's width, and for a weak value that is not `bool`, `i64` or
    /// `f64`.
    pub fn constant(&mut self, bits: u64, dtype: DType, weak: bool) -> Result<NodeId, Error> {
        let most = if dtype == DType::Bool { 1 } else { u64::MAX >> (64 - dtype.bits()) };
        if bits > most {
            return Err(type_error(format!("the bits {bits:#x} are no {dtype}")));
        }
        if weak && weak_default(dtype.kind()) != dtype {
            return Err(type_error(format!("a weak value is bool, i64 or f64, not {dtype}")));
        }
        Ok(self.literal(bits, dtype, weak))
    }

    /// A constant with bits that are valid for the dtype.
    pub(crate) fn literal(&mut self, bits: u64, dtype: DType, weak: bool) -> NodeId {
        self.add(Node::Const(bits), Type { dtype, weak, domain: Domain::SCALAR })
    }

    /// A constant with the dtype and weakness of another node.
    ///
    /// ```
    /// use hotloop::DType;
    /// use hotloop::graph::{ArgType, Builder};
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(ArgType::array(DType::I16));
    /// let three = b.constant_like(x, 3.0)?;
    /// assert_eq!(b.graph().dtype(three), DType::I16);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Name` for a node of another builder.
    pub fn constant_like(&mut self, like: NodeId, value: f64) -> Result<NodeId, Error> {
        self.check(&[like])?;
        Ok(self.literal_like(like, value))
    }

    /// A constant with the dtype and weakness of a node of this builder.
    pub(crate) fn literal_like(&mut self, like: NodeId, value: f64) -> NodeId {
        let Type { dtype, weak, .. } = self.graph.ty(like);
        self.literal(convert_scalar(value.to_bits(), DType::F64, dtype), dtype, weak)
    }

    /// The finished graph. Weak outputs become strong in their default dtype; an integer beyond
    /// `i64` becomes `u64`, beyond that `f64`.
    ///
    /// # Errors
    /// `Name` for a node of another builder.
    pub fn finish(self, outputs: Vec<NodeId>) -> Result<Graph, Error> {
        self.check(&outputs)?;
        Ok(self.finished(outputs))
    }

    /// The finished graph; `outputs` are nodes of this builder.
    pub(crate) fn finished(mut self, outputs: Vec<NodeId>) -> Graph {
        let outputs = outputs
            .into_iter()
            .map(|x| {
                let ty = self.graph.ty(x);
                if let Node::Wide(_) = self.graph.node(x) {
                    let value = self.graph.weak_integer(x).unwrap_or_default();
                    let whole = adopt_integer(value, DType::U64).map(|bits| (bits, DType::U64));
                    let (bits, dtype) = whole.unwrap_or(((value as f64).to_bits(), DType::F64));
                    return self.literal(bits, dtype, false);
                }
                match self.graph.constant(x) {
                    _ if !ty.weak => x,
                    Some(bits) => self.literal(bits, ty.dtype, false),
                    None => self.add(Node::Adopt(x), Type { weak: false, ..ty }),
                }
            })
            .collect();
        self.graph.outputs = outputs;
        self.graph
    }

    pub(super) fn add(&mut self, node: Node, ty: Type) -> NodeId {
        let Builder { graph, known, .. } = self;
        *known.entry((node, ty)).or_insert_with(|| {
            graph.nodes.push(node);
            graph.types.push(ty);
            NodeId::new(graph.number, graph.nodes.len() - 1)
        })
    }

    pub(super) fn apply_typed(&mut self, op: Op, operands: &[NodeId], dtype: DType) -> NodeId {
        let weak = operands.iter().all(|x| self.graph.ty(*x).weak);
        let domain = self.graph.join(operands.iter().map(|x| self.graph.ty(*x).domain));
        let domain = match op.class() {
            Class::Elementwise | Class::Along => domain,
            Class::Reduce | Class::Shape => Domain::SCALAR,
        };
        self.add(Node::Apply(op, Operands::new(operands)), Type { dtype, weak, domain })
    }

    /// The domain of a shape derived from another's.
    pub(super) fn derive(&mut self, of: Domain, how: Derivation) -> Result<Domain, Error> {
        Ok(Domain::of_derived(self.derived_number(of, how)?))
    }

    /// The number of a shape derived from another's.
    pub(super) fn derived_number(&mut self, of: Domain, how: Derivation) -> Result<u8, Error> {
        let derived = Derived { of, how };
        let list = &mut self.graph.derived;
        let number = list.iter().position(|d| *d == derived).unwrap_or(list.len());
        if number == usize::from(Domain::DERIVED) {
            let message = format!("the program has more than {number} shapes of its own");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        if number == list.len() {
            list.push(derived);
        }
        Ok(number as u8)
    }

    /// A view of an array: other strides over the same elements.
    ///
    /// ```
    /// use hotloop::graph::{ArgType, Builder, Derivation};
    /// use hotloop::graph::Op;
    /// use hotloop::DType;
    ///
    /// let mut b = Builder::new();
    /// let x = b.input(ArgType::array(DType::F32));
    /// let turned = b.view(x, Derivation::Transpose(None))?;
    /// let sum = b.apply(Op::Add, &[x, turned])?;
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Shape` for a view of a single number, and for an index that is invalid for every shape;
    /// `Type` for a reduction; `Name` for a node of another builder.
    pub fn view(&mut self, x: NodeId, how: Derivation) -> Result<NodeId, Error> {
        self.check(&[x])?;
        let ty = self.graph.ty(x);
        if ty.domain.is_scalar() {
            let message = "a single number has no axes to index or move";
            return Err(Error::new(ErrorKind::Shape, message));
        }
        if let Derivation::Reduce { .. } = how {
            return Err(type_error("a reduction is no view").hint("use `Builder::reduce`"));
        }
        how.check()?;
        if let Some(kept) = self.kept_axes(x, &how)? {
            return Ok(kept);
        }
        let domain = self.derive(ty.domain, how)?;
        Ok(self.add(Node::View(x), Type { domain, ..ty }))
    }

    /// A view of `x` after broadcasting, with an already derived shape.
    pub(crate) fn view_to(&mut self, x: NodeId, domain: Domain) -> NodeId {
        self.add(Node::View(x), Type { domain, ..self.graph.ty(x) })
    }

    /// Turns new axes in place of reduced ones into a reduction that keeps its axes, because its
    /// result is known to broadcast to the operand.
    fn kept_axes(&mut self, x: NodeId, how: &Derivation) -> Result<Option<NodeId>, Error> {
        let Node::Apply(op, operands) = *self.graph.node(x) else { return Ok(None) };
        let new = match how {
            Derivation::ExpandDims(axes) => axes.clone(),
            Derivation::Index(items) => match new_axes(items) {
                Some(axes) => axes,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let Some(Derived { of, how }) = self.graph.derivation(x).cloned() else { return Ok(None) };
        match how {
            Derivation::Reduce { axes: Some(axes), keepdims: false }
                if op.is_reduction() && axes.len() == 1 && axes == new =>
            {
                let dtype = self.graph.dtype(x);
                let kept = Derivation::Reduce { axes: Some(axes), keepdims: true };
                let domain = self.derive(of, kept)?;
                Ok(Some(self.reduce_to(op, &operands, dtype, domain)))
            }
            _ => Ok(None),
        }
    }

    /// Adds a copy of a node of another graph, with operands already mapped to this graph.
    pub(crate) fn copy(&mut self, node: Node, ty: Type, operands: &[NodeId]) -> NodeId {
        let node = match node {
            Node::Input(_) | Node::Const(_) | Node::Wide(_) => node,
            Node::Apply(op, _) => Node::Apply(op, Operands::new(operands)),
            Node::Convert(_) => Node::Convert(operands[0]),
            Node::Adopt(_) => Node::Adopt(operands[0]),
            Node::View(_) => Node::View(operands[0]),
            Node::Along(op, _, attributes, sequences) => {
                let pair = [operands[0], operands[operands.len() - 1]];
                Node::Along(op, pair, attributes, sequences)
            }
        };
        self.add(node, ty)
    }

    /// A builder of a graph with the inputs of another.
    pub(crate) fn like(graph: &Graph) -> Builder {
        let mut builder = Builder::new();
        builder.graph.inputs = graph.inputs.clone();
        builder.graph.derived = graph.derived.clone();
        builder
    }
}

/// The axes that an index adds if it does nothing else: counted from the first, or after an
/// ellipsis from the last.
fn new_axes(items: &[Index]) -> Option<Box<[i64]>> {
    let whole = Index::Slice { start: None, stop: None, step: None };
    let mut axes = Vec::new();
    let from_last = items.first() == Some(&Index::Ellipsis);
    // Anywhere else a slice requires an axis that may not exist.
    let end = if from_last { items.get(1) } else { items.last() };
    if end != Some(&Index::NewAxis) {
        return None;
    }
    for (place, item) in items.iter().enumerate().skip(usize::from(from_last)) {
        match item {
            Index::NewAxis if from_last => axes.push(place as i64 - items.len() as i64),
            Index::NewAxis => axes.push(place as i64),
            item if *item == whole => {}
            _ => return None,
        }
    }
    Some(axes.into())
}
