//! The typed graph: append-only, hash-consed, made only by its [`Builder`].
//!
//! A node refers only to earlier nodes, so every pass is a forward loop. The builder does all
//! typing, promotion and adoption of weak values, so an ill-typed graph cannot exist.

mod formula;
mod power;
mod reduction;

use std::cmp::Ordering;
use std::fmt;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use hotloop_runtime::convert::convert_scalar;
use hotloop_runtime::dtype::{DType, Kind};
use rustc_hash::FxHashMap;

pub use crate::domain::{Derivation, Derived, Domain, Index};
pub(crate) use power::power_by_squaring;
pub use reduction::ReduceOptions;

use crate::error::{Error, ErrorKind};
pub use crate::ops::Op;
use crate::ops::{Rule, TWO_RESULTS};
use crate::promote::{promote, promote_all, promote_weak, to_float, weak_default};
pub use crate::weak::show;
use crate::weak::{
    adopt_bits, adopt_integer, cast_integer, compare_exactly, compute_weak, does_not_fit, exact,
    quotient,
};

/// A node of a [`Graph`]. It belongs to the builder that made it, and to that builder's graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(
    /// The number of the graph, then the node's place in it: one word, so that it hashes as one.
    u64,
);

impl NodeId {
    /// A node of no graph.
    const NONE: NodeId = NodeId(0);

    fn new(graph: u32, index: usize) -> NodeId {
        NodeId(u64::from(graph) << 32 | index as u64)
    }

    /// The node's place in the graph's order.
    pub fn index(self) -> usize {
        self.0 as u32 as usize
    }

    fn graph(self) -> u32 {
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

/// The number of the next builder's graph. Numbers come again after 2^32 builders; a node that is
/// then taken for another graph's is still a node of that graph.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A node's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// The element type; of a weak value `bool`, `i64` or `f64`.
    pub dtype: DType,
    /// Whether it takes the dtype of what it meets.
    pub weak: bool,
    /// Where it lives.
    pub domain: Domain,
}

/// The type of an argument, as a kernel is specialised on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArgType(pub(crate) Type);

impl ArgType {
    /// An array of this dtype; all arrays so described have one shape.
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

    /// A weak number, which takes the dtype of what it meets.
    pub fn weak(kind: Kind) -> ArgType {
        ArgType(Type { dtype: weak_default(kind), weak: true, domain: Domain::SCALAR })
    }

    /// The element type (for weak numbers the one they have alone).
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
    fn new(list: &[NodeId]) -> Operands {
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

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    /// The input of this number.
    Input(u32),
    /// A constant: the element's bits, little end first, upper bits zero.
    Const(u64),
    /// A weak integer beyond `i64`: the bits of an `i128`, the low half first. It takes the dtype
    /// of what it meets before the graph is finished.
    Wide([u64; 2]),
    /// An operation; its operands have one dtype, but for `where`'s condition.
    Apply(Op, Operands),
    /// A strong value in another dtype, or a weak one of another kind.
    Convert(NodeId),
    /// A weak run-time value that takes a strong dtype; fails at run time if it does not fit.
    Adopt(NodeId),
    /// A view of an array; the derived shape of its type says which.
    View(NodeId),
}

impl Node {
    /// The nodes it reads.
    pub fn operands(&self) -> &[NodeId] {
        match self {
            Node::Input(_) | Node::Const(_) | Node::Wide(_) => &[],
            Node::Apply(_, operands) => operands,
            Node::Convert(x) | Node::Adopt(x) | Node::View(x) => std::slice::from_ref(x),
        }
    }
}

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
    /// Tells its nodes from those of other graphs.
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

    /// Where a node stands; beyond all nodes if it is of another graph.
    fn at(&self, id: NodeId) -> usize {
        if id.graph() == self.number { id.index() } else { usize::MAX }
    }

    /// Whether a node is one of this graph's.
    pub fn contains(&self, id: NodeId) -> bool {
        self.at(id) < self.nodes.len()
    }

    /// How many nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
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
    /// If it is no node of this graph, as all methods that are asked about one.
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

    /// The value of a weak constant that is an integer or a truth value.
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

    /// How the shape of a reduction or a view comes from its operand's; `None` of a scalar.
    pub fn derivation(&self, id: NodeId) -> Option<&Derived> {
        self.ty(id).domain.derived().map(|number| &self.derived[usize::from(number)])
    }

    /// The domain of values that need several. What a reduction leaves with its axes kept
    /// broadcasts to what it was made of, and adds nothing to it.
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

    /// Whether a class is that of a reduction whose axes stay, and broadcasts to what it was made
    /// of, which is in a domain or is such a class itself.
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

    /// How a class is derived, unless it is one of arguments.
    pub(crate) fn derived_shape(&self, class: u8) -> Option<&Derived> {
        self.derived.get(usize::from(class.checked_sub(Domain::SHAPES)?))
    }

    /// Which nodes some output needs.
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

    /// How many live nodes and outputs read each node.
    pub fn uses(&self) -> Vec<u32> {
        let live = self.live();
        let mut uses = vec![0; self.len()];
        for id in self.ids().filter(|id| live[id.index()]) {
            self.node(id).operands().iter().for_each(|x| uses[x.index()] += 1);
        }
        self.outputs.iter().for_each(|x| uses[x.index()] += 1);
        uses
    }

    /// Checks what every pass relies on; says what is broken.
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
                    let right = match op.is_reduction() {
                        true => ty.domain.is_scalar() || derived,
                        false => ty.domain == domain,
                    };
                    if !right {
                        return Err(format!("{id} ({op:?}) has the wrong domain"));
                    }
                }
                // The operand may still have to be broadcast.
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
            }
            for (i, x) in self.node(id).operands().iter().enumerate() {
                write!(f, "{}{x}", if i == 0 { " " } else { ", " })?;
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
/// Nodes of another builder are an error ([`ErrorKind::Name`]) wherever they are given.
#[must_use = "`finish` makes the graph"]
pub struct Builder {
    graph: Graph,
    known: FxHashMap<(Node, Type), NodeId>,
    /// The name that errors give an operation, if it is not the table's.
    called: Option<(Op, &'static str)>,
}

fn type_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Type, message)
}

fn foreign(id: NodeId) -> Error {
    Error::new(ErrorKind::Name, format!("{id} is a node of another builder"))
}

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builder").field(&self.graph).finish()
    }
}

impl Builder {
    /// An empty graph's builder.
    pub fn new() -> Builder {
        Builder { graph: Graph::new(), known: FxHashMap::default(), called: None }
    }

    /// Checks that nodes are the builder's own.
    fn check(&self, ids: &[NodeId]) -> Result<(), Error> {
        match ids.iter().find(|id| !self.graph.contains(**id)) {
            Some(id) => Err(foreign(*id)),
            None => Ok(()),
        }
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Has errors name an operation as the program does, until another is told.
    pub(crate) fn call_by_name(&mut self, called: Option<(Op, &'static str)>) {
        self.called = called;
    }

    /// What errors call an operation.
    fn name(&self, op: Op) -> &'static str {
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

    /// A weak truth literal.
    pub fn weak_bool(&mut self, value: bool) -> NodeId {
        self.literal(value.into(), DType::Bool, true)
    }

    /// A constant of these bits.
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
    /// `Type` for bits beyond the dtype's, and for a weak value that is no `bool`, `i64` or `f64`.
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

    /// A constant of bits that are the dtype's.
    pub(crate) fn literal(&mut self, bits: u64, dtype: DType, weak: bool) -> NodeId {
        self.add(Node::Const(bits), Type { dtype, weak, domain: Domain::SCALAR })
    }

    /// A constant of the dtype and weakness of another node.
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

    /// A constant of the dtype and weakness of a node of this builder.
    pub(crate) fn literal_like(&mut self, like: NodeId, value: f64) -> NodeId {
        let Type { dtype, weak, .. } = self.graph.ty(like);
        self.literal(convert_scalar(value.to_bits(), DType::F64, dtype), dtype, weak)
    }

    /// The finished graph. Weak outputs become strong in the dtype they have alone; an integer
    /// beyond `i64` is `u64`, beyond that `f64`.
    ///
    /// # Errors
    /// `Name` for a node of another builder.
    pub fn finish(self, outputs: Vec<NodeId>) -> Result<Graph, Error> {
        self.check(&outputs)?;
        Ok(self.finished(outputs))
    }

    /// The finished graph, of outputs that are nodes of this builder.
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

    fn add(&mut self, node: Node, ty: Type) -> NodeId {
        let Builder { graph, known, .. } = self;
        *known.entry((node, ty)).or_insert_with(|| {
            graph.nodes.push(node);
            graph.types.push(ty);
            NodeId::new(graph.number, graph.nodes.len() - 1)
        })
    }

    fn apply_typed(&mut self, op: Op, operands: &[NodeId], dtype: DType) -> NodeId {
        let weak = operands.iter().all(|x| self.graph.ty(*x).weak);
        let domain = self.graph.join(operands.iter().map(|x| self.graph.ty(*x).domain));
        let domain = if op.is_reduction() { Domain::SCALAR } else { domain };
        self.add(Node::Apply(op, Operands::new(operands)), Type { dtype, weak, domain })
    }

    /// The domain of a shape derived from another's.
    fn derive(&mut self, of: Domain, how: Derivation) -> Result<Domain, Error> {
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
        Ok(Domain::of_derived(number as u8))
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
    /// `Shape` for a view of a single number, and for an index that no shape could make right;
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

    /// A view of what is broadcast first, of a shape that is derived already.
    pub(crate) fn view_to(&mut self, x: NodeId, domain: Domain) -> NodeId {
        self.add(Node::View(x), Type { domain, ..self.graph.ty(x) })
    }

    /// New axes in the places of those that a reduction took: the same as leaving them there, but
    /// then it is known that the result broadcasts to the operand.
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

    /// A value in another dtype (`f32(x)`); the result is strong. Casts never fail: integers
    /// wrap, floats saturate to integers.
    ///
    /// ```
    /// use hotloop::DType;
    /// use hotloop::graph::Builder;
    ///
    /// let mut b = Builder::new();
    /// let number = b.weak_float(2.5);
    /// let whole = b.cast(number, DType::I32)?;
    /// assert_eq!(b.graph().constant(whole), Some(2));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Name` for a node of another builder.
    pub fn cast(&mut self, x: NodeId, dtype: DType) -> Result<NodeId, Error> {
        self.check(&[x])?;
        Ok(self.cast_own(x, dtype))
    }

    /// A node of this builder in another dtype.
    pub(crate) fn cast_own(&mut self, x: NodeId, dtype: DType) -> NodeId {
        let ty = self.graph.ty(x);
        if let Some(value) = self.wide(x) {
            return self.literal(cast_integer(value, dtype), dtype, false);
        }
        match self.graph.constant(x) {
            Some(bits) => self.literal(convert_scalar(bits, ty.dtype, dtype), dtype, false),
            None if ty.weak => {
                let strong = self.add(Node::Adopt(x), Type { weak: false, ..ty });
                self.cast_own(strong, dtype)
            }
            None if ty.dtype == dtype => x,
            None => self.add(Node::Convert(x), Type { dtype, ..ty }),
        }
    }

    /// A weak value in another weak dtype (`i64` to `f64`), or a strong one cast.
    fn convert(&mut self, x: NodeId, dtype: DType) -> NodeId {
        let ty = self.graph.ty(x);
        if let Some(value) = self.wide(x).filter(|_| dtype != DType::I64) {
            return self.literal(cast_integer(value, dtype), dtype, true);
        }
        match self.graph.constant(x) {
            _ if ty.dtype == dtype => x,
            Some(bits) => self.literal(convert_scalar(bits, ty.dtype, dtype), dtype, ty.weak),
            None => self.add(Node::Convert(x), Type { dtype, ..ty }),
        }
    }

    /// A value, weak or strong, as a strong one of a dtype that it may take without a cast.
    fn adopt(&mut self, x: NodeId, dtype: DType) -> Result<NodeId, Error> {
        let ty = self.graph.ty(x);
        if !ty.weak {
            return Ok(self.convert(x, dtype));
        }
        if let Some(value) = self.wide(x) {
            return Ok(self.literal(adopt_integer(value, dtype)?, dtype, false));
        }
        match self.graph.constant(x) {
            Some(bits) => Ok(self.literal(adopt_bits(bits, ty.dtype, dtype)?, dtype, false)),
            None => Ok(self.add(Node::Adopt(x), Type { dtype, weak: false, ..ty })),
        }
    }

    /// Where a constant does not fit the dtype that operands meet in: the operand, by number, to
    /// convert so that it does, and to which dtype.
    pub(crate) fn wider(&self, operands: &[NodeId]) -> Option<(usize, DType)> {
        let (dtype, weak) = self.meet(operands);
        let holds = |wide: DType| {
            operands.iter().all(|x| match (self.graph.weak_integer(*x), self.graph.constant(*x)) {
                _ if !self.graph.ty(*x).weak => promote(dtype, wide) == wide,
                (Some(value), _) => adopt_integer(value, wide).is_ok(),
                (None, Some(bits)) => adopt_bits(bits, self.graph.dtype(*x), wide).is_ok(),
                (None, None) => true,
            })
        };
        if weak || holds(dtype) {
            return None;
        }
        let strong = |x: &NodeId| {
            let ty = self.graph.ty(*x);
            !ty.weak && ty.dtype.kind() == dtype.kind()
        };
        let wider = [DType::I16, DType::I32, DType::I64, DType::U64, DType::F64];
        let kind = |wide: &DType| wide.kind() == dtype.kind() || *wide == DType::F64;
        let wide = wider.into_iter().filter(kind).find(|wide| holds(*wide))?;
        Some((operands.iter().position(strong)?, wide))
    }

    /// The value of a weak integer beyond `i64`.
    fn wide(&self, x: NodeId) -> Option<i128> {
        match self.graph.node(x) {
            Node::Wide(_) => self.graph.weak_integer(x),
            _ => None,
        }
    }

    /// The dtype that the operands meet in, and whether the result is weak.
    fn meet(&self, operands: &[NodeId]) -> (DType, bool) {
        let types = || operands.iter().map(|x| self.graph.ty(*x));
        let weak = types().filter(|ty| ty.weak).map(|ty| ty.dtype.kind());
        let weak = weak.max().unwrap_or(Kind::Bool);
        match promote_all(types().filter(|ty| !ty.weak).map(|ty| ty.dtype)) {
            Some(strong) => (promote_weak(strong, weak), false),
            None => (weak_default(weak), true),
        }
    }

    /// The float that operands of any dtypes meet in, each as the float that is enough for it:
    /// `i8` and `u16` in `f32`, though as integers they meet in `i32`.
    fn meet_as_floats(&self, operands: &[NodeId]) -> (DType, bool) {
        let types = || operands.iter().map(|x| self.graph.ty(*x));
        let strong = || types().filter(|ty| !ty.weak).map(|ty| ty.dtype);
        let weak = |kind: Kind| types().any(|ty| ty.weak && ty.dtype.kind() == kind);
        // Beside lower kinds only, a number has the dtype that it has alone.
        let alone = weak(Kind::Float) && !strong().any(DType::is_float)
            || weak(Kind::Int) && strong().all(|dtype| dtype == DType::Bool);
        match strong().map(to_float).reduce(promote) {
            None => (DType::F64, true),
            Some(_) if alone => (DType::F64, false),
            Some(dtype) => (dtype, false),
        }
    }

    /// The operands in one dtype, weak if all are.
    fn unify<const N: usize>(
        &mut self,
        operands: [NodeId; N],
        dtype: DType,
        weak: bool,
    ) -> Result<[NodeId; N], Error> {
        let mut out = operands;
        for x in &mut out {
            *x = if weak { self.convert(*x, dtype) } else { self.adopt(*x, dtype)? };
        }
        Ok(out)
    }

    /// Applies an operation to operands of any dtypes.
    ///
    /// # Errors
    /// `Type` where the operation does not take these dtypes, a constant does not fit the dtype it
    /// meets, or the operation is one that the compiler keeps to itself; `Arity` for a wrong number
    /// of operands; `Name` for a node of another builder.
    pub fn apply(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId, Error> {
        self.check(operands)?;
        check_public(op)?;
        self.apply_own(op, operands)
    }

    /// Applies any operation to nodes of this builder.
    pub(crate) fn apply_own(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId, Error> {
        check_arity(op, operands)?;
        if op.is_reduction() {
            return self.reduce_own(op, operands, None, false, &ReduceOptions::default());
        }
        if let Some(result) = self.formula(op, operands)? {
            return Ok(result);
        }
        match *operands {
            [x] => self.apply_unary(op, x),
            [x, y] => self.apply_binary(op, x, y),
            [x, y, z] if op == Op::Select => self.select(x, y, z),
            [_, _, _] => {
                let (dtype, weak) = match op.row().rule {
                    Rule::Real => self.meet_as_floats(operands),
                    _ => self.meet(operands),
                };
                let operands = self.unify([operands[0], operands[1], operands[2]], dtype, weak)?;
                Ok(self.apply_folded(op, &operands, dtype)?)
            }
            _ => Err(Error::internal("an operation of no or many operands")),
        }
    }

    fn apply_unary(&mut self, op: Op, x: NodeId) -> Result<NodeId, Error> {
        let Type { dtype, weak, .. } = self.graph.ty(x);
        let kind = dtype.kind();
        let name = self.name(op);
        match op.row().rule {
            Rule::Real | Rule::Divide => {
                let dtype = match op.row().rule {
                    _ if weak => DType::F64,
                    Rule::Divide if kind != Kind::Float => DType::F64,
                    _ => to_float(dtype),
                };
                let x = self.convert(x, dtype);
                self.apply_folded(op, &[x], dtype)
            }
            Rule::Rounding if kind != Kind::Float => Ok(x),
            Rule::Rounding => self.apply_folded(op, &[x], dtype),
            Rule::Arithmetic if kind == Kind::Bool && op != Op::Abs => {
                let message = format!("{name} of bool is not defined");
                let hint = if op == Op::Neg { "use `not x` or `~x`" } else { "convert it: i8(x)" };
                Err(type_error(message).hint(hint))
            }
            Rule::Arithmetic if kind == Kind::Bool => Ok(x),
            Rule::Arithmetic => self.apply_folded(op, &[x], dtype),
            Rule::Predicate if kind != Kind::Float && op == Op::Signbit => {
                let float = if weak { DType::F64 } else { to_float(dtype) };
                let x = self.convert(x, float);
                self.apply_folded(op, &[x], DType::Bool)
            }
            Rule::Predicate => self.apply_folded(op, &[x], DType::Bool),
            Rule::Bitwise if kind == Kind::Float => Err(bitwise_error(name, dtype)),
            Rule::Bitwise => self.apply_folded(op, &[x], dtype),
            Rule::Logical if kind != Kind::Bool => Err(logical_error(name, dtype)),
            Rule::Logical => self.apply_folded(op, &[x], dtype),
            rule => Err(Error::internal(format!("{rule:?} has no unary form"))),
        }
    }

    fn apply_binary(&mut self, op: Op, x: NodeId, y: NodeId) -> Result<NodeId, Error> {
        let (dtype, weak) = self.meet(&[x, y]);
        let kind = dtype.kind();
        let name = self.name(op);
        match op.row().rule {
            Rule::Comparison => self.compare(op, x, y),
            Rule::Scaled => self.scaled(op, x, y),
            Rule::Divide | Rule::Real => {
                let (dtype, weak) = match op.row().rule {
                    Rule::Divide if kind == Kind::Float => (dtype, weak),
                    Rule::Divide => (DType::F64, weak),
                    _ => self.meet_as_floats(&[x, y]),
                };
                let integers = (self.graph.weak_integer(x), self.graph.weak_integer(y));
                if let (Op::Div, (Some(x), Some(y))) = (op, integers)
                    && let Some(value) = quotient(x, y)
                {
                    return Ok(self.weak_float(value));
                }
                let operands = self.unify([x, y], dtype, weak)?;
                self.apply_folded(op, &operands, dtype)
            }
            Rule::Logical => {
                for operand in [x, y] {
                    let dtype = self.graph.dtype(operand);
                    if dtype != DType::Bool {
                        return Err(logical_error(name, dtype));
                    }
                }
                let operands = self.unify([x, y], DType::Bool, weak)?;
                self.apply_folded(op, &operands, DType::Bool)
            }
            Rule::Bitwise | Rule::Integers => {
                if kind == Kind::Float {
                    let (left, right) = (self.graph.dtype(x), self.graph.dtype(y));
                    if !left.is_float() && !right.is_float() {
                        let message = format!(
                            "`{name}` takes bools and integers, but {left} and {right} meet in {dtype}"
                        );
                        return Err(
                            type_error(message).hint(format!("convert one of them: {left}(x)"))
                        );
                    }
                    let shown = if left.is_float() { left } else { right };
                    return Err(bitwise_error(name, shown));
                }
                let dtype = match op.row().rule {
                    Rule::Integers if kind == Kind::Bool && weak => DType::I64,
                    Rule::Integers if kind == Kind::Bool => DType::I8,
                    _ => dtype,
                };
                let operands = self.unify([x, y], dtype, weak)?;
                self.apply_folded(op, &operands, dtype)
            }
            Rule::Arithmetic => self.arithmetic(op, x, y, dtype, weak),
            rule => Err(Error::internal(format!("{rule:?} has no binary form"))),
        }
    }

    fn arithmetic(
        &mut self,
        op: Op,
        x: NodeId,
        y: NodeId,
        dtype: DType,
        weak: bool,
    ) -> Result<NodeId, Error> {
        let (mut op, mut dtype) = (op, dtype);
        if dtype == DType::Bool {
            match op {
                Op::Add | Op::Maximum | Op::Fmax => op = Op::BitOr,
                Op::Mul | Op::Minimum | Op::Fmin => op = Op::BitAnd,
                Op::Sub => {
                    return Err(type_error("bool - bool is not defined")
                        .hint("use `^` for the difference of bools"));
                }
                _ => dtype = if weak { DType::I64 } else { DType::I8 },
            }
        }
        if op == Op::Power {
            return self.power(x, y, dtype, weak);
        }
        let operands = self.unify([x, y], dtype, weak)?;
        self.apply_folded(op, &operands, dtype)
    }

    fn compare(&mut self, op: Op, x: NodeId, y: NodeId) -> Result<NodeId, Error> {
        let (tx, ty) = (self.graph.ty(x), self.graph.ty(y));
        // A weak integer beside strong integers compares exactly, whether or not it fits.
        if tx.weak != ty.weak && tx.dtype.is_int() && ty.dtype.is_int() {
            let (strong, value) = if tx.weak { (ty.dtype, x) } else { (tx.dtype, y) };
            match self.graph.weak_integer(value) {
                Some(integer) => {
                    if adopt_integer(integer, strong).is_err() {
                        let weak_is_less = integer < 0;
                        let other = if tx.weak { y } else { x };
                        return self.decided_comparison(op, weak_is_less == tx.weak, other);
                    }
                }
                None => {
                    let value = self.adopt(value, DType::I64)?;
                    let operands = if tx.weak { [value, y] } else { [x, value] };
                    return self.compare(op, operands[0], operands[1]);
                }
            }
        }
        if let Some(truth) = self.compare_constants(op, x, y) {
            return Ok(self.weak_bool(truth));
        }
        // Signed integers beside u64 meet in f64 in arithmetic, but compare exactly.
        let (strong, ints) = (!tx.weak && !ty.weak, tx.dtype.is_int() && ty.dtype.is_int());
        if strong && ints && promote(tx.dtype, ty.dtype).is_float() {
            return self.compare_with_u64(op, x, y, ty.dtype == DType::U64);
        }
        let (dtype, weak) = self.meet(&[x, y]);
        let operands = self.unify([x, y], dtype, weak)?;
        if dtype != DType::Bool {
            return self.apply_folded(op, &operands, DType::Bool);
        }
        // False is below True.
        let [x, y] = operands;
        match op {
            Op::Eq | Op::Ne => {
                let differ = self.apply_own(Op::BitXor, &[x, y])?;
                if op == Op::Ne { Ok(differ) } else { self.apply_own(Op::BitNot, &[differ]) }
            }
            _ => {
                let not_x = self.apply_own(Op::BitNot, &[x])?;
                self.apply_own(if op == Op::Lt { Op::BitAnd } else { Op::BitOr }, &[not_x, y])
            }
        }
    }

    /// A comparison of a weak integer to a weak float, both constants: exact, as Python's.
    fn compare_constants(&self, op: Op, x: NodeId, y: NodeId) -> Option<bool> {
        let float = |id: NodeId| {
            let Type { dtype: DType::F64, weak: true, .. } = self.graph.ty(id) else { return None };
            self.graph.constant(id).map(f64::from_bits)
        };
        let ordering = match (self.graph.weak_integer(x), self.graph.weak_integer(y)) {
            (Some(x), None) => compare_exactly(x, float(y)?),
            (None, Some(y)) => compare_exactly(y, float(x)?).map(Ordering::reverse),
            _ => return None,
        };
        Some(match op {
            Op::Lt => ordering == Some(Ordering::Less),
            Op::Le => ordering.is_some_and(Ordering::is_le),
            Op::Eq => ordering == Some(Ordering::Equal),
            _ => ordering != Some(Ordering::Equal),
        })
    }

    /// A comparison whose answer does not depend on the elements, but has the shape of `of`.
    fn decided_comparison(
        &mut self,
        op: Op,
        left_is_less: bool,
        of: NodeId,
    ) -> Result<NodeId, Error> {
        let answer = match op {
            Op::Eq => false,
            Op::Ne => true,
            _ => left_is_less,
        };
        self.apply_folded(if answer { Op::Eq } else { Op::Ne }, &[of, of], DType::Bool)
    }

    /// A signed integer beside a u64: below it if negative, else compared as a u64.
    fn compare_with_u64(
        &mut self,
        op: Op,
        x: NodeId,
        y: NodeId,
        signed_is_left: bool,
    ) -> Result<NodeId, Error> {
        let signed = if signed_is_left { x } else { y };
        let zero = self.literal(0, self.graph.dtype(signed), false);
        let negative = self.apply_own(Op::Lt, &[signed, zero])?;
        let unsigned = self.cast_own(signed, DType::U64);
        let operands = if signed_is_left { [unsigned, y] } else { [x, unsigned] };
        let exact = self.apply_folded(op, &operands, DType::Bool)?;
        let decided = self.decided_comparison(op, signed_is_left, signed)?;
        self.select(negative, decided, exact)
    }

    fn select(&mut self, condition: NodeId, x: NodeId, y: NodeId) -> Result<NodeId, Error> {
        let ty = self.graph.ty(condition);
        if ty.dtype != DType::Bool {
            return Err(type_error(format!("the condition must be bool, not {}", ty.dtype))
                .hint("compare it: x != 0"));
        }
        let (dtype, weak) = self.meet(&[x, y]);
        let weak = weak && ty.weak;
        let [x, y] = self.unify([x, y], dtype, weak)?;
        let [condition] = self.unify([condition], DType::Bool, weak)?;
        self.apply_folded(Op::Select, &[condition, x, y], dtype)
    }

    /// Adds a typed operation; operations on weak constants are computed at once, exactly.
    fn apply_folded(&mut self, op: Op, operands: &[NodeId], dtype: DType) -> Result<NodeId, Error> {
        // Once typed, some names mean what another operation does.
        let twice = [operands[0]; 2];
        let (op, operands) = match (op, operands) {
            (Op::And, _) => (Op::BitAnd, operands),
            (Op::Or, _) => (Op::BitOr, operands),
            (Op::Not, _) => (Op::BitNot, operands),
            (Op::Square, _) => (Op::Mul, &twice[..]),
            _ => (op, operands),
        };
        let weak = operands.iter().all(|x| self.graph.ty(*x).weak);
        if weak {
            let integers = operands.iter().map(|x| self.graph.weak_integer(*x));
            if let Some(integers) = integers.collect::<Option<Vec<i128>>>()
                && let Some(value) = self.fold_integers(op, operands, &integers, dtype)?
            {
                return Ok(value);
            }
            if let Some(value) = operands.iter().find_map(|x| self.wide(*x)) {
                return Err(does_not_fit(value, DType::I64).hint("write it as a float"));
            }
            let bits: Option<Vec<u64>> = operands.iter().map(|x| self.graph.constant(*x)).collect();
            if let Some(bits) = bits {
                let operand = self.graph.dtype(operands[operands.len() - 1]);
                if let Some((value, 0)) = compute_weak(op, operand, &bits)? {
                    return Ok(self.literal(value, dtype, true));
                }
            }
        }
        Ok(self.apply_typed(op, operands, dtype))
    }

    /// An operation on weak integers, exact. `None` leaves it to the kernel.
    fn fold_integers(
        &mut self,
        op: Op,
        operands: &[NodeId],
        integers: &[i128],
        dtype: DType,
    ) -> Result<Option<NodeId>, Error> {
        if let (Op::Select, [condition, ..]) = (op, integers) {
            return Ok(Some(operands[if *condition != 0 { 1 } else { 2 }]));
        }
        if operands.iter().any(|x| self.graph.dtype(*x) != DType::I64) {
            return Ok(None);
        }
        Ok(match exact(op, integers) {
            None => None,
            Some(Some(value)) if dtype == DType::Bool => Some(self.weak_bool(value != 0)),
            Some(Some(value)) => Some(self.weak_int(value)),
            Some(None) => {
                return Err(type_error("the value does not fit 127 bits")
                    .hint("write floats where numbers are so large"));
            }
        })
    }

    /// A node equal to one of another graph, with operands already carried over. Passes use it.
    pub(crate) fn copy(&mut self, node: Node, ty: Type, operands: &[NodeId]) -> NodeId {
        let node = match node {
            Node::Input(_) | Node::Const(_) | Node::Wide(_) => node,
            Node::Apply(op, _) => Node::Apply(op, Operands::new(operands)),
            Node::Convert(_) => Node::Convert(operands[0]),
            Node::Adopt(_) => Node::Adopt(operands[0]),
            Node::View(_) => Node::View(operands[0]),
        };
        self.add(node, ty)
    }

    /// Starts a graph that takes the inputs of another.
    pub(crate) fn like(graph: &Graph) -> Builder {
        let mut builder = Builder::new();
        builder.graph.inputs = graph.inputs.clone();
        builder.graph.derived = graph.derived.clone();
        builder
    }
}

/// Checks that an operation is one that callers may name.
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

/// The axes that an index adds, if it does nothing else: counted from the first, or from the last
/// behind an ellipsis.
fn new_axes(items: &[Index]) -> Option<Box<[i64]>> {
    let whole = Index::Slice { start: None, stop: None, step: None };
    let mut axes = Vec::new();
    let from_last = items.first() == Some(&Index::Ellipsis);
    // Elsewhere a slice asks for an axis that need not be there.
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

fn logical_error(name: &str, dtype: DType) -> Error {
    type_error(format!("`{name}` takes bools, not {dtype}")).hint("compare first: x != 0")
}

fn bitwise_error(name: &str, dtype: DType) -> Error {
    let error = type_error(format!("`{name}` takes bools and integers, not {dtype}"));
    match name {
        "&" => error.hint("it binds tighter than comparisons: `(a < b) & (b < c)`, or write `and`"),
        "|" => error.hint("it binds tighter than comparisons: `(a < b) | (b < c)`, or write `or`"),
        "^" => error.hint("a power is written `**`, as in `x**2`"),
        _ => error,
    }
}

/// Where [`rewrite`] carried the nodes of the old graph to.
pub(crate) struct Carried(Vec<NodeId>);

impl Carried {
    /// The new node of an earlier, live, old one.
    pub(crate) fn to(&self, old: NodeId) -> NodeId {
        self.0[old.index()]
    }
}

/// Carries the live part of a graph into a new one. The rule sees each node with its operands
/// already carried over, and where every earlier node was carried to; it answers with the node's
/// replacement of the same type, or with `None` to keep it.
pub(crate) fn rewrite(
    graph: &Graph,
    mut rule: impl FnMut(&mut Builder, NodeId, &[NodeId], &Carried) -> Result<Option<NodeId>, Error>,
) -> Result<Graph, Error> {
    rewrite_types(graph, |b, id, operands, carried| {
        let new = rule(b, id, operands, carried)?;
        debug_assert!(new.is_none_or(|new| b.graph.ty(new) == graph.ty(id)), "a rule keeps types");
        Ok(new)
    })
}

/// As [`rewrite`], for rules that give nodes other types and see to their users.
pub(crate) fn rewrite_types(
    graph: &Graph,
    mut rule: impl FnMut(&mut Builder, NodeId, &[NodeId], &Carried) -> Result<Option<NodeId>, Error>,
) -> Result<Graph, Error> {
    let live = graph.live();
    let mut builder = Builder::like(graph);
    let mut carried = Carried(Vec::with_capacity(graph.len()));
    let mut operands = Vec::new();
    for id in graph.ids() {
        if !live[id.index()] {
            carried.0.push(NodeId::NONE);
            continue;
        }
        operands.clear();
        operands.extend(graph.node(id).operands().iter().map(|x| carried.to(*x)));
        let new = match rule(&mut builder, id, &operands, &carried)? {
            Some(new) => new,
            None => builder.copy(*graph.node(id), graph.ty(id), &operands),
        };
        carried.0.push(new);
    }
    let outputs = graph.outputs.iter().map(|x| carried.to(*x)).collect();
    let graph = builder.finished(outputs);
    debug_assert_eq!(graph.verify(), Ok(()));
    Ok(graph)
}
