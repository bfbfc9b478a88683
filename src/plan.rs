//! Graph to [`Plan`]: what a backend is handed. Everything about *what* is computed is decided
//! here: passes over the data, fusion, steps, scratch slots; nothing about registers.
//!
//! A value of a scalar domain lives in a *cell*. Values of arrays are computed in *stages*: one
//! pass over the elements of a domain, tile by tile. What a stage reads of reductions was
//! computed by earlier stages; elementwise values that two stages need are computed in both, for
//! that is cheaper than a trip through memory.
//!
//! Some arrays are *kept*: written by one stage, into an output or a temporary array, and read by
//! later ones. They are the results of reductions over axes, what a view is taken of, and what
//! costs much and has fewer axes than what it is used in: `sin(x)` in `sin(x) + y`, where x is a
//! row and y a matrix, is computed once for each column.
//!
//! Inside a stage all lanes of a fused step have one width; whatever changes the width is a
//! conversion step through a scratch slot. So a backend never mixes vector lengths.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::fault::{Fault, injected};
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::Reduction;
use rustc_hash::FxHashMap;

use crate::domain::{Derivation, Derived, Domain};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, NodeId, show};
use crate::ops::{Lowering, Op};

/// Where a step finds or leaves one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// An array operand of the stage.
    Input(u32),
    /// An array that the stage writes.
    Output(u32),
    /// A scratch slot.
    Slot(u32),
    /// A uniform value.
    Cell(u32),
}

/// An instruction of a fused step; values are numbered by the instruction that makes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Instr {
    /// Elements of a place; of a cell, its value in every lane.
    Load(Place, Lane),
    /// An operation with a vector form, on operands of this dtype. Truth values are masks.
    Apply(Op, DType, [u32; 3]),
    /// A value into a place.
    Store(Place, u32),
}

/// A step of a tile's program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A straight line of operations on lanes of one width, in bits: the native loop.
    Fused(u8, Vec<Instr>),
    /// A block kernel: operation, operand dtype, operands, result.
    Block(Op, DType, Vec<Place>, Place),
    /// A block kernel of two results: the operations, operand dtype, operand, results.
    Pair([Op; 2], DType, Place, [Place; 2]),
    /// A conversion.
    Convert(Lane, Lane, Place, Place),
}

/// What a tile does: the part of a stage that becomes code. Equal programs share a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TileProgram {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// How many arrays it reads.
    pub inputs: u32,
    /// How many arrays it writes.
    pub outputs: u32,
    /// How many scratch slots it uses.
    pub slots: u32,
    /// Where it leaves the values that the stage reduces.
    pub reduced: Vec<Place>,
}

impl TileProgram {
    /// How many instructions and calls it has.
    pub fn size(&self) -> usize {
        let step = |s: &Step| match s {
            Step::Fused(_, code) => code.len(),
            _ => 1,
        };
        self.steps.iter().map(step).sum()
    }
}

/// Where a stage's output or reduction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An output of the program.
    Output(u32),
    /// A cell.
    Cell(u32),
    /// A temporary array.
    Temporary(u32),
}

/// An array that stages read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Array {
    /// An input of the program.
    Input(u32),
    /// An output of the program that an earlier stage has written.
    Output(u32),
    /// A temporary array that an earlier stage has written.
    Temporary(u32),
}

/// An array operand of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The array.
    pub array: Array,
    /// The node that it is the value of.
    pub node: NodeId,
    /// The views of it, one of the other: nodes of the graph.
    pub views: Vec<NodeId>,
    /// Its dtype.
    pub dtype: DType,
}

/// A reduction of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// What is computed.
    pub reduction: Reduction,
    /// The elements' dtype.
    pub dtype: DType,
    /// Where the result goes.
    pub target: Target,
    /// The domain of the result.
    pub domain: Domain,
}

/// One pass over the elements of a domain.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The iteration space.
    pub domain: Domain,
    /// The axes that its reductions go over; all if there are none.
    pub axes: Option<Derivation>,
    /// What is done with each tile.
    pub program: TileProgram,
    /// The arrays that the tile reads.
    pub loads: Vec<Load>,
    /// Where the tile's outputs go, with their dtypes.
    pub outputs: Vec<(Target, DType)>,
    /// Its reductions, in the order of the program's places.
    pub folds: Vec<Fold>,
    /// Rough nanoseconds an element.
    pub cost: f32,
    /// Operations an element.
    pub operations: u32,
    /// The nodes that it computes, reductions aside.
    pub nodes: Vec<NodeId>,
    /// The nodes that are its outputs, in their order.
    pub stored: Vec<NodeId>,
    /// The nodes that are its reductions, in their order.
    pub folded: Vec<NodeId>,
}

impl Stage {
    /// Whether it writes a target: by an element at a time, or by a reduction.
    pub fn writes(&self, target: Target) -> bool {
        self.outputs.iter().any(|(to, _)| *to == target)
            || self.folds.iter().any(|fold| fold.target == target)
    }
}

/// Where the value of a cell comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It is constant.
    Constant(u64),
    /// A scalar input, read at each run.
    Input(u32),
    /// A weak value of the graph, computed when arguments are bound.
    Weak(NodeId),
    /// The number of elements of a domain.
    Size(Domain),
    /// How many elements a reduction takes for each result.
    Length(NodeId),
    /// A stage computes it.
    Stage,
}

/// A cell and its dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellPlan {
    /// Where its value comes from.
    pub source: Source,
    /// Its dtype.
    pub dtype: DType,
}

/// How a program's output comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputPlan {
    /// Its dtype.
    pub dtype: DType,
    /// Its shape.
    pub domain: Domain,
    /// The cell of a scalar output; arrays are written by a stage.
    pub cell: Option<u32>,
}

/// A program, planned.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The passes, in order.
    pub stages: Vec<Stage>,
    /// The uniform values.
    pub cells: Vec<CellPlan>,
    /// The temporary arrays.
    pub temporaries: Vec<(DType, Domain)>,
    /// The outputs.
    pub outputs: Vec<OutputPlan>,
}

/// Nodes times stages, and instructions, beyond which planning gives up: such a program is the
/// interpreter's.
const MOST_WORK: usize = 1 << 26;
const MOST_UNITS: usize = 1 << 19;

/// Plans a graph; `None` if it is too large for native code.
///
/// # Errors
/// Only `Internal`.
pub fn plan(graph: &Graph, isa: Isa) -> Result<Option<Plan>> {
    Planner::new(graph, isa).plan()
}

/// Rough nanoseconds an element from which a value of fewer axes is worth an array of its own.
const WORTH_KEEPING: f32 = 1.0;

/// Rough nanoseconds of a conversion.
const CONVERSION: f32 = 0.2;

struct Planner<'g> {
    graph: &'g Graph,
    isa: Isa,
    /// The nodes whose values are kept in arrays.
    kept: Vec<bool>,
    /// How many stages must be over before a node can be computed or, if it is kept, read.
    levels: Vec<u32>,
    cells: Vec<CellPlan>,
    cell_of: FxHashMap<NodeId, u32>,
    constants: FxHashMap<(u64, DType), u32>,
    temporaries: Vec<(DType, Domain)>,
    array_of: FxHashMap<NodeId, Array>,
    units: usize,
}

/// When a stage runs, and over what: stages of a level do not read each other's results. Scalar
/// stages come before the array stages of their level: the scalar domain sorts first.
type StageKey = (u32, Domain, Option<u8>);

impl<'g> Planner<'g> {
    fn new(graph: &'g Graph, isa: Isa) -> Planner<'g> {
        let kept = kept(graph);
        let mut levels = vec![0; graph.len()];
        for id in graph.ids() {
            let node = graph.node(id);
            let deepest = node.operands().iter().map(|x| levels[x.index()]).max().unwrap_or(0);
            let ends = kept[id.index()] || is_fold(node);
            levels[id.index()] = deepest + u32::from(ends);
        }
        Planner {
            graph,
            isa,
            kept,
            levels,
            cells: Vec::new(),
            cell_of: FxHashMap::default(),
            constants: FxHashMap::default(),
            temporaries: Vec::new(),
            array_of: FxHashMap::default(),
            units: 0,
        }
    }

    fn is_computed_scalar(&self, id: NodeId) -> bool {
        let ty = self.graph.ty(id);
        let computed = match self.graph.node(id) {
            Node::Convert(_) => true,
            Node::Apply(op, _) => matches!(op.row().lowering, Lowering::Kernel(_)),
            _ => false,
        };
        ty.domain.is_scalar() && !ty.weak && computed
    }

    /// The level of the stage that computes a node.
    fn made_at(&self, id: NodeId) -> u32 {
        let ends = self.kept[id.index()] || is_fold(self.graph.node(id));
        self.levels[id.index()] - u32::from(ends)
    }

    fn plan(mut self) -> Result<Option<Plan>> {
        let graph = self.graph;
        let live = graph.live();
        let live_ids = || graph.ids().filter(|id| live[id.index()]);
        self.place_kept(&live);
        let mut roots: BTreeMap<StageKey, Roots> = BTreeMap::new();
        for id in live_ids() {
            for x in graph.node(id).operands() {
                let crosses = self.levels[x.index()] != self.levels[id.index()]
                    || !graph.ty(id).domain.is_scalar();
                if self.is_computed_scalar(*x) && crosses {
                    self.scalar_root(*x, &mut roots);
                }
            }
            let level = self.made_at(id);
            if let Node::Apply(op, operands) = *graph.node(id)
                && let Lowering::Reduce(reduction) = op.row().lowering
            {
                let key = (level, graph.ty(operands[0]).domain, self.same_axes(id));
                roots.entry(key).or_default().folds.push((reduction, id, operands[0]));
            } else if let Some(array) = self.array_of.get(&id) {
                let key = (level, graph.ty(id).domain, None);
                roots.entry(key).or_default().stores.push((array.target(), id));
            }
        }
        for (number, id) in graph.outputs().iter().enumerate() {
            let domain = graph.ty(*id).domain;
            if domain.is_scalar() {
                if self.is_computed_scalar(*id) {
                    self.scalar_root(*id, &mut roots);
                }
                continue;
            }
            // What is kept in an output may be wanted in a second one too.
            if self.array_of.get(id) != Some(&Array::Output(number as u32)) {
                let key = (self.levels[id.index()], domain, None);
                roots.entry(key).or_default().stores.push((Target::Output(number as u32), *id));
            }
        }
        if roots.len().saturating_mul(graph.len()) > MOST_WORK {
            return Ok(None);
        }
        let mut stages = Vec::with_capacity(roots.len());
        for (key, roots) in &roots {
            match self.stage(*key, roots)? {
                Some(stage) => stages.push(stage),
                None => return Ok(None),
            }
        }
        let outputs = graph.outputs().iter().map(|id| {
            let ty = graph.ty(*id);
            let cell = if ty.domain.is_scalar() { Some(self.cell(*id)?) } else { None };
            Ok(OutputPlan { dtype: ty.dtype, domain: ty.domain, cell })
        });
        let outputs = outputs.collect::<Result<Vec<_>>>()?;
        let Planner { cells, temporaries, .. } = self;
        Ok(Some(Plan { stages, cells, temporaries, outputs }))
    }

    /// Gives every kept value an array: the output that it is, or a temporary one.
    fn place_kept(&mut self, live: &[bool]) {
        let graph = self.graph;
        for (number, id) in graph.outputs().iter().enumerate() {
            if self.kept[id.index()] {
                self.array_of.entry(*id).or_insert(Array::Output(number as u32));
            }
        }
        for id in graph.ids().filter(|id| self.kept[id.index()] && live[id.index()]) {
            let next = self.temporaries.len() as u32;
            if *self.array_of.entry(id).or_insert(Array::Temporary(next)) == Array::Temporary(next)
            {
                let ty = graph.ty(id);
                self.temporaries.push((ty.dtype, ty.domain));
            }
        }
    }

    /// The first derived shape that reduces along the same axes as a node does; `None` for all.
    fn same_axes(&self, id: NodeId) -> Option<u8> {
        let own = self.graph.derivation(id)?;
        let Derivation::Reduce { axes: own_axes, .. } = &own.how else { return None };
        let same = |other: &Derived| match &other.how {
            Derivation::Reduce { axes, .. } => other.of == own.of && axes == own_axes,
            _ => false,
        };
        self.graph.derived().iter().position(same).map(|number| number as u8)
    }

    fn scalar_root(&self, id: NodeId, roots: &mut BTreeMap<StageKey, Roots>) {
        let key = (self.levels[id.index()], Domain::SCALAR, None);
        roots.entry(key).or_default().scalars.insert(id);
    }

    /// The array that a node is, through views: an input or a kept value.
    fn load(&self, id: NodeId) -> Option<Load> {
        let (mut node, mut views) = (id, Vec::new());
        while let Node::View(x) = *self.graph.node(node) {
            views.push(node);
            node = x;
        }
        views.reverse();
        let array = match *self.graph.node(node) {
            Node::Input(number) => Array::Input(number),
            _ => *self.array_of.get(&node)?,
        };
        Some(Load { array, node, views, dtype: self.graph.dtype(id) })
    }

    /// The cell of a scalar node.
    fn cell(&mut self, id: NodeId) -> Result<u32> {
        if let Some(cell) = self.cell_of.get(&id) {
            return Ok(*cell);
        }
        let dtype = self.graph.dtype(id);
        let source = match *self.graph.node(id) {
            Node::Const(bits) => {
                let next = self.cells.len() as u32;
                let cell = *self.constants.entry((bits, dtype)).or_insert(next);
                if cell < next {
                    return Ok(cell);
                }
                Source::Constant(bits)
            }
            Node::Input(number) => Source::Input(number),
            Node::Adopt(_) => Source::Weak(id),
            Node::Apply(Op::Size, operands) => Source::Size(self.graph.ty(operands[0]).domain),
            Node::Apply(Op::Length, operands) => Source::Length(operands[0]),
            _ => Source::Stage,
        };
        if !self.graph.ty(id).domain.is_scalar() {
            return Err(Error::internal("an array in a cell"));
        }
        self.cells.push(CellPlan { source, dtype });
        let cell = self.cells.len() as u32 - 1;
        self.cell_of.insert(id, cell);
        Ok(cell)
    }

    fn stage(&mut self, key: StageKey, roots: &Roots) -> Result<Option<Stage>> {
        let graph = self.graph;
        let (level, domain, axes) = key;
        let mut stores = roots.stores.clone();
        for id in &roots.scalars {
            stores.push((Target::Cell(self.cell(*id)?), *id));
        }
        // What the roots need and this stage computes or loads, marked from the last node back.
        let mut needed = vec![false; graph.len()];
        stores.iter().for_each(|(_, id)| needed[id.index()] = true);
        roots.folds.iter().for_each(|(_, _, x)| needed[x.index()] = true);
        let is_load = |id: NodeId| match graph.node(id) {
            Node::Input(_) | Node::View(_) => true,
            _ => self.kept[id.index()] && self.levels[id.index()] <= level,
        };
        let here = |id: NodeId| {
            if domain.is_scalar() {
                self.is_computed_scalar(id) && self.levels[id.index()] == level
            } else {
                !graph.ty(id).domain.is_scalar()
            }
        };
        for id in graph.ids().rev() {
            if !needed[id.index()] {
                continue;
            }
            if !here(id) {
                needed[id.index()] = false;
            } else if !is_load(id) {
                graph.node(id).operands().iter().for_each(|x| needed[x.index()] = true);
            }
        }
        let loads: Vec<bool> = graph.ids().map(is_load).collect();
        let mut lowering = Lowerer::default();
        let mut nodes = Vec::new();
        for id in graph.ids().filter(|id| needed[id.index()]) {
            if loads[id.index()] {
                lowering.load(self, id)?;
            } else {
                lowering.lower(self, id)?;
                nodes.push(id);
            }
            if self.units + lowering.units.len() > MOST_UNITS {
                return Ok(None);
            }
        }
        self.units += lowering.units.len();
        let mut sinks = Vec::new();
        for (number, (_, id)) in stores.iter().enumerate() {
            let unit = lowering.value(self, *id, Lane::Value(graph.dtype(*id)))?;
            sinks.push(Sink { unit, place: Place::Output(number as u32) });
        }
        let mut reduced = Vec::new();
        let mut folds = Vec::new();
        for (reduction, id, x) in &roots.folds {
            let dtype = graph.dtype(*x);
            reduced.push(lowering.value(self, *x, Lane::Value(dtype))?);
            let target = match self.array_of.get(id) {
                Some(array) => array.target(),
                None => Target::Cell(self.cell(*id)?),
            };
            folds.push(Fold { reduction: *reduction, dtype, target, domain: graph.ty(*id).domain });
        }
        let cost = lowering.cost
            + 0.1 * (lowering.loads.len() + stores.len()) as f32
            + 0.2 * reduced.len() as f32;
        let operations = lowering.operations + reduced.len() as u32;
        let loads = std::mem::take(&mut lowering.loads);
        let (steps, slots, reduced) = Scheduler::new(lowering.units).steps(&sinks, &reduced);
        let program = TileProgram {
            steps,
            inputs: loads.len() as u32,
            outputs: stores.len() as u32,
            slots,
            reduced,
        };
        let axes = axes.map(|number| graph.derived()[usize::from(number)].how.clone());
        let outputs = stores.iter().map(|(target, id)| (*target, graph.dtype(*id))).collect();
        let stored = stores.iter().map(|(_, id)| *id).collect();
        let folded = roots.folds.iter().map(|(_, id, _)| *id).collect();
        Ok(Some(Stage {
            domain,
            axes,
            program,
            loads,
            outputs,
            folds,
            cost,
            operations,
            nodes,
            stored,
            folded,
        }))
    }
}

/// Whether a node is a reduction.
fn is_fold(node: &Node) -> bool {
    matches!(node, Node::Apply(op, _) if matches!(op.row().lowering, Lowering::Reduce(_)))
}

/// Which nodes are computed once, into arrays: see the module.
fn kept(graph: &Graph) -> Vec<bool> {
    let mut kept = vec![false; graph.len()];
    // Slices have about as many elements as what they are of.
    let source = |domain: Domain| {
        let (mut sources, mut left) = (Domain::SCALAR, domain);
        while let Some(class) = left.shapes().last() {
            let own = Domain::of_class(class);
            left = left.without(own);
            match graph.derived_shape(class) {
                Some(Derived { of, how }) if how.is_slice() => left = left.join(*of),
                _ => sources = sources.join(own),
            }
        }
        sources
    };
    // What computing an element of each node costs inside its domain.
    let mut costs = vec![0.0f32; graph.len()];
    for id in graph.ids() {
        let node = graph.node(id);
        let domain = graph.ty(id).domain;
        let array = !domain.is_scalar();
        let computed = |x: &NodeId| {
            !graph.ty(*x).domain.is_scalar()
                && matches!(graph.node(*x), Node::Apply(..) | Node::Convert(_))
        };
        for x in node.operands().iter().filter(|x| computed(x)) {
            let narrower = array && !is_fold(node) && source(graph.ty(*x).domain) != source(domain);
            let seen = matches!(node, Node::View(_));
            kept[x.index()] |= seen || narrower && costs[x.index()] >= WORTH_KEEPING;
        }
        kept[id.index()] |= array && is_fold(node);
        let own = match node {
            Node::Apply(op, _) if !is_fold(node) => op.row().cost,
            Node::Convert(_) => CONVERSION,
            _ => continue,
        };
        let same = node.operands().iter().filter(|x| graph.ty(**x).domain == domain);
        costs[id.index()] =
            own + same.filter(|x| !kept[x.index()]).map(|x| costs[x.index()]).sum::<f32>();
    }
    kept
}

impl Array {
    /// The array as what a stage writes.
    fn target(self) -> Target {
        match self {
            Array::Output(number) => Target::Output(number),
            // Nothing that is kept is an input.
            Array::Temporary(number) | Array::Input(number) => Target::Temporary(number),
        }
    }
}

/// What a stage is for.
#[derive(Default)]
struct Roots {
    stores: Vec<(Target, NodeId)>,
    scalars: BTreeSet<NodeId>,
    folds: Vec<(Reduction, NodeId, NodeId)>,
}

/// One value of a stage, in one form.
#[derive(Clone, Debug)]
enum Unit {
    Input(u32),
    Cell(u32),
    /// An operation in the native loop, on lanes of this width.
    Fused(u8, Op, DType, Vec<u32>),
    Block(Op, DType, Vec<u32>),
    /// Another unit in this unit's lane.
    Convert(u32),
}

/// Lowers the nodes of a stage to units.
#[derive(Default)]
struct Lowerer {
    units: Vec<(Unit, Lane)>,
    /// The unit of each node in the lane it is made in.
    natural: FxHashMap<NodeId, u32>,
    known: FxHashMap<(NodeId, Lane), u32>,
    loads: Vec<Load>,
    cost: f32,
    operations: u32,
}

/// The width of the lanes of a dtype, in bits.
fn width(dtype: DType) -> u8 {
    dtype.bits() as u8
}

impl Lowerer {
    fn add(&mut self, unit: Unit, lane: Lane) -> u32 {
        self.units.push((unit, lane));
        self.units.len() as u32 - 1
    }

    fn lane(&self, unit: u32) -> Lane {
        self.units[unit as usize].1
    }

    /// The value of a node in a lane, converted if it must be.
    fn value(&mut self, planner: &mut Planner, id: NodeId, lane: Lane) -> Result<u32> {
        if let Some(unit) = self.known.get(&(id, lane)) {
            return Ok(*unit);
        }
        let unit = match self.natural.get(&id).copied() {
            Some(unit) if self.lane(unit) == lane => unit,
            // A mask's other widths go through bytes, the form every kernel knows.
            Some(unit) if matches!((self.lane(unit), lane), (Lane::Mask(_), Lane::Mask(_))) => {
                let bytes = self.value(planner, id, Lane::Value(DType::Bool))?;
                self.convert(bytes, lane)
            }
            Some(unit) => self.convert(unit, lane),
            None => {
                let cell = planner.cell(id)?;
                self.add(Unit::Cell(cell), lane)
            }
        };
        self.known.insert((id, lane), unit);
        Ok(unit)
    }

    fn convert(&mut self, unit: u32, lane: Lane) -> u32 {
        self.cost += CONVERSION;
        self.add(Unit::Convert(unit), lane)
    }

    /// The width that a truth value's users should take it in, if it is made here.
    fn mask_width(&self, id: NodeId) -> Option<u8> {
        match self.lane(*self.natural.get(&id)?) {
            Lane::Mask(width) => Some(width),
            Lane::Value(_) => None,
        }
    }

    fn load(&mut self, planner: &Planner, id: NodeId) -> Result<()> {
        let load = planner.load(id).ok_or_else(|| Error::internal("an array that is nowhere"))?;
        let place = self.loads.len() as u32;
        let unit = self.add(Unit::Input(place), Lane::Value(load.dtype));
        self.loads.push(load);
        self.natural.insert(id, unit);
        Ok(())
    }

    fn lower(&mut self, planner: &mut Planner, id: NodeId) -> Result<()> {
        let graph = planner.graph;
        let result = graph.dtype(id);
        let unit = match *graph.node(id) {
            Node::Convert(x) => {
                self.operations += 1;
                let x = self.value(planner, x, Lane::Value(graph.dtype(x)))?;
                self.convert(x, Lane::Value(result))
            }
            Node::Apply(op, operands) => {
                self.operations += 1;
                self.cost += op.row().cost;
                let dtype = graph.dtype(operands[operands.len() - 1]);
                if op.row().vector.has(dtype, planner.isa) {
                    let masks = operands.iter().find_map(|x| self.mask_width(*x));
                    let width =
                        if dtype == DType::Bool { masks.unwrap_or(8) } else { width(dtype) };
                    let mut args = Vec::with_capacity(operands.len());
                    for x in operands.iter() {
                        let lane = match graph.dtype(*x) {
                            DType::Bool => Lane::Mask(width),
                            other => Lane::Value(other),
                        };
                        args.push(self.value(planner, *x, lane)?);
                    }
                    let lane =
                        if result == DType::Bool { Lane::Mask(width) } else { Lane::Value(result) };
                    self.add(Unit::Fused(width, op, dtype, args), lane)
                } else {
                    let mut args = Vec::with_capacity(operands.len());
                    for x in operands.iter() {
                        args.push(self.value(planner, *x, Lane::Value(graph.dtype(*x)))?);
                    }
                    self.add(Unit::Block(op, dtype, args), Lane::Value(result))
                }
            }
            Node::Input(_) | Node::View(_) | Node::Const(_) | Node::Wide(_) | Node::Adopt(_) => {
                return Err(Error::internal("an array that nothing computes"));
            }
        };
        self.natural.insert(id, unit);
        Ok(())
    }
}

/// A unit whose value goes to an output.
struct Sink {
    unit: u32,
    place: Place,
}

/// A step before its places are known: the units of a fused loop, or one other unit.
enum Draft {
    Fused(u8, Vec<u32>),
    Unit(u32),
    /// Two functions of one operand that have a common kernel, and their units.
    Pair([Op; 2], DType, [u32; 2]),
    /// A cell or an input written out as elements, for a kernel or an output.
    Copy(u32, Place),
}

/// Groups units into steps, and gives slots to the values that pass between steps.
struct Scheduler {
    units: Vec<(Unit, Lane)>,
    /// When each unit can be computed: units of a width and a turn share a loop.
    turns: Vec<u32>,
}

fn lane_width(lane: Lane) -> u8 {
    (lane.bytes() * 8) as u8
}

impl Scheduler {
    fn new(units: Vec<(Unit, Lane)>) -> Scheduler {
        let mut scheduler = Scheduler { turns: Vec::with_capacity(units.len()), units };
        for i in 0..scheduler.units.len() {
            let turn = match &scheduler.units[i].0 {
                Unit::Input(_) | Unit::Cell(_) => 0,
                Unit::Fused(width, _, _, args) => {
                    args.iter().map(|x| scheduler.ready(*x, Some(*width))).max().unwrap_or(0)
                }
                Unit::Block(_, _, args) => {
                    args.iter().map(|x| scheduler.ready(*x, None)).max().unwrap_or(0)
                }
                Unit::Convert(x) => scheduler.ready(*x, None),
            };
            scheduler.turns.push(turn);
        }
        scheduler
    }

    /// The first turn in which a user can have a unit: the same one inside a loop of its width.
    fn ready(&self, unit: u32, user_width: Option<u8>) -> u32 {
        let turn = self.turns[unit as usize];
        match self.units[unit as usize].0 {
            Unit::Cell(_) | Unit::Input(_) => 0,
            Unit::Fused(width, ..) if user_width == Some(width) => turn,
            _ => turn + 1,
        }
    }

    fn args(&self, unit: u32) -> &[u32] {
        match &self.units[unit as usize].0 {
            Unit::Input(_) | Unit::Cell(_) => &[],
            Unit::Fused(_, _, _, args) | Unit::Block(_, _, args) => args,
            Unit::Convert(x) => std::slice::from_ref(x),
        }
    }

    fn is_cell(&self, unit: u32) -> bool {
        matches!(self.units[unit as usize].0, Unit::Cell(_))
    }

    fn is_input(&self, unit: u32) -> bool {
        matches!(self.units[unit as usize].0, Unit::Input(_))
    }

    /// The steps in order, how many slots they use, and the places of the values to be reduced.
    fn steps(self, sinks: &[Sink], reduced: &[u32]) -> (Vec<Step>, u32, Vec<Place>) {
        let (drafts, places) = self.drafts(sinks);
        let mut places = places;
        let slots = self.assign_slots(&drafts, reduced, &mut places);
        let extra = self.extra_stores(sinks, &places);
        let steps = drafts.iter().map(|draft| self.step(draft, &places, &extra)).collect();
        let reduced = reduced.iter().map(|unit| self.place(*unit, &places)).collect();
        (steps, slots, reduced)
    }

    /// The steps in order, and the places of the values that are inputs or outputs.
    fn drafts(&self, sinks: &[Sink]) -> (Vec<Draft>, Vec<Option<Place>>) {
        let mut places: Vec<Option<Place>> = vec![None; self.units.len()];
        let mut turns: BTreeMap<u32, Vec<Draft>> = BTreeMap::new();
        let mut loops: BTreeMap<(u32, u8), Vec<u32>> = BTreeMap::new();
        for (i, (unit, _)) in self.units.iter().enumerate() {
            let id = i as u32;
            match unit {
                Unit::Input(number) => places[i] = Some(Place::Input(*number)),
                Unit::Cell(_) => {}
                Unit::Fused(width, ..) => {
                    loops.entry((self.turns[i], *width)).or_default().push(id)
                }
                Unit::Block(..) | Unit::Convert(..) => {
                    turns.entry(self.turns[i]).or_default().push(Draft::Unit(id))
                }
            }
        }
        for sink in sinks {
            let unit = sink.unit as usize;
            if self.is_input(sink.unit) {
                turns.entry(0).or_default().push(Draft::Copy(sink.unit, sink.place));
            } else if places[unit].is_none() {
                places[unit] = Some(sink.place);
            } else if !matches!(self.units[unit].0, Unit::Fused(..)) {
                turns
                    .entry(self.turns[unit] + 1)
                    .or_default()
                    .push(Draft::Copy(sink.unit, sink.place));
            }
        }
        for ((turn, width), members) in loops {
            turns.entry(turn).or_default().insert(0, Draft::Fused(width, members));
        }
        // Cells that kernels read are spread over slots before everything else.
        let mut drafts = Vec::new();
        let mut spread = vec![false; self.units.len()];
        for id in 0..self.units.len() as u32 {
            if matches!(self.units[id as usize].0, Unit::Block(..) | Unit::Convert(..)) {
                for x in self.args(id) {
                    if self.is_cell(*x) && !std::mem::replace(&mut spread[*x as usize], true) {
                        drafts.push(Draft::Copy(*x, Place::Slot(u32::MAX)));
                    }
                }
            }
        }
        self.pair_up(turns.into_values().flatten(), &mut drafts);
        (drafts, places)
    }

    /// Appends drafts; two functions of one operand that have a common kernel become one draft.
    fn pair_up(&self, all: impl Iterator<Item = Draft>, drafts: &mut Vec<Draft>) {
        let mut seen: FxHashMap<(Op, u32), (usize, u32)> = FxHashMap::default();
        for draft in all {
            if let Draft::Unit(unit) = draft
                && let Unit::Block(op, dtype, args) = &self.units[unit as usize].0
                && let Some(pair) = op.pair()
            {
                let is_first = pair[0] == *op;
                let other = pair[usize::from(is_first)];
                if let Some((at, mate)) = seen.get(&(other, args[0])) {
                    let units = if is_first { [unit, *mate] } else { [*mate, unit] };
                    drafts[*at] = Draft::Pair(pair, *dtype, units);
                    continue;
                }
                seen.insert((*op, args[0]), (drafts.len(), unit));
            }
            drafts.push(draft);
        }
    }

    /// Which units a step reads from places.
    fn reads(&self, draft: &Draft) -> Vec<u32> {
        match draft {
            Draft::Fused(_, members) => {
                members.iter().flat_map(|m| self.args(*m).iter().copied()).collect()
            }
            Draft::Unit(unit) | Draft::Pair(_, _, [unit, _]) => self.args(*unit).to_vec(),
            Draft::Copy(unit, _) => vec![*unit],
        }
    }

    /// Which units a step makes.
    fn makes(&self, draft: &Draft) -> Vec<u32> {
        match draft {
            Draft::Fused(_, members) => members.clone(),
            Draft::Unit(unit) | Draft::Copy(unit, Place::Slot(_)) => vec![*unit],
            Draft::Pair(_, _, units) => units.to_vec(),
            Draft::Copy(..) => Vec::new(),
        }
    }

    /// Gives a slot to each value that another step reads; a slot is free again after the last.
    /// What is reduced is read when all steps are done.
    fn assign_slots(&self, drafts: &[Draft], reduced: &[u32], places: &mut [Option<Place>]) -> u32 {
        let mut made = vec![usize::MAX; self.units.len()];
        let mut last_read = vec![0; self.units.len()];
        for (i, draft) in drafts.iter().enumerate() {
            self.makes(draft).iter().for_each(|x| made[*x as usize] = i);
            self.reads(draft).iter().for_each(|x| last_read[*x as usize] = i);
        }
        reduced.iter().for_each(|x| last_read[*x as usize] = drafts.len());
        let mut free: Vec<u32> = Vec::new();
        let mut count = 0;
        let mut ends: Vec<Vec<u32>> = vec![Vec::new(); drafts.len() + 1];
        for (i, draft) in drafts.iter().enumerate() {
            for unit in self.makes(draft) {
                let u = unit as usize;
                // Kernels always write somewhere; loop values only if another step reads them.
                let kernel = matches!(draft, Draft::Unit(_) | Draft::Pair(..));
                let in_memory = kernel || last_read[u] > i;
                if in_memory && places[u].is_none() {
                    let slot = free.pop().unwrap_or_else(|| {
                        count += 1;
                        count - 1
                    });
                    places[u] = Some(Place::Slot(slot));
                    let early = usize::from(injected(Fault::SlotFreedEarly));
                    ends[last_read[u].saturating_sub(early).max(i)].push(slot);
                }
            }
            free.append(&mut ends[i]);
        }
        count
    }

    /// Outputs of a loop's value beyond its own place.
    fn extra_stores(&self, sinks: &[Sink], places: &[Option<Place>]) -> FxHashMap<u32, Vec<Place>> {
        let mut extra: FxHashMap<u32, Vec<Place>> = FxHashMap::default();
        for sink in sinks {
            let fused = matches!(self.units[sink.unit as usize].0, Unit::Fused(..));
            if fused && places[sink.unit as usize] != Some(sink.place) {
                extra.entry(sink.unit).or_default().push(sink.place);
            }
        }
        extra
    }

    fn place(&self, unit: u32, places: &[Option<Place>]) -> Place {
        match (&self.units[unit as usize].0, places[unit as usize]) {
            (_, Some(place)) => place,
            (Unit::Cell(cell), None) => Place::Cell(*cell),
            // What a step reads has a place; were there none, code generation would refuse this.
            _ => Place::Slot(u32::MAX),
        }
    }

    fn step(
        &self,
        draft: &Draft,
        places: &[Option<Place>],
        extra: &FxHashMap<u32, Vec<Place>>,
    ) -> Step {
        match draft {
            Draft::Fused(width, members) => {
                let mut code = Vec::new();
                let mut value: FxHashMap<u32, u32> = FxHashMap::default();
                for member in members {
                    let Unit::Fused(_, op, dtype, args) = &self.units[*member as usize].0 else {
                        continue;
                    };
                    let mut operands = [0; 3];
                    for (operand, x) in operands.iter_mut().zip(args) {
                        *operand = *value.entry(*x).or_insert_with(|| {
                            let place = match self.units[*x as usize].0 {
                                Unit::Cell(cell) => Place::Cell(cell),
                                _ => self.place(*x, places),
                            };
                            code.push(Instr::Load(place, self.units[*x as usize].1));
                            code.len() as u32 - 1
                        });
                    }
                    code.push(Instr::Apply(*op, *dtype, operands));
                    let result = code.len() as u32 - 1;
                    value.insert(*member, result);
                    let stores = places[*member as usize]
                        .iter()
                        .chain(extra.get(member).into_iter().flatten());
                    stores.for_each(|place| code.push(Instr::Store(*place, result)));
                }
                Step::Fused(*width, code)
            }
            Draft::Unit(unit) => {
                let args: Vec<Place> =
                    self.args(*unit).iter().map(|x| self.place(*x, places)).collect();
                let out = self.place(*unit, places);
                match &self.units[*unit as usize] {
                    (Unit::Block(op, dtype, _), _) => Step::Block(*op, *dtype, args, out),
                    (_, lane) => Step::Convert(
                        self.units[self.args(*unit)[0] as usize].1,
                        *lane,
                        args[0],
                        out,
                    ),
                }
            }
            Draft::Pair(pair, dtype, units) => {
                let arg = self.place(self.args(units[0])[0], places);
                Step::Pair(*pair, *dtype, arg, units.map(|unit| self.place(unit, places)))
            }
            Draft::Copy(unit, target) => {
                let lane = self.units[*unit as usize].1;
                let (from, to) = match self.units[*unit as usize].0 {
                    Unit::Cell(cell) => (Place::Cell(cell), self.place(*unit, places)),
                    _ => (self.place(*unit, places), *target),
                };
                // Bytes of an array of bools may hold anything: a conversion makes them 0 and 1.
                if lane == Lane::Value(DType::Bool) && !self.is_cell(*unit) {
                    return Step::Convert(lane, lane, from, to);
                }
                Step::Fused(lane_width(lane), vec![Instr::Load(from, lane), Instr::Store(to, 0)])
            }
        }
    }
}

impl Stage {
    /// Bytes of one element of each array that it reads, and of each that it writes.
    pub fn bytes(&self) -> (usize, usize) {
        let read = self.loads.iter().map(|load| load.dtype.size()).sum();
        (read, self.outputs.iter().map(|(_, dtype)| dtype.size()).sum())
    }
}

impl Plan {
    /// Bytes that one element of each array operand moves, over all stages of all axes.
    pub fn bytes_per_element(&self) -> usize {
        self.large_stages().map(|stage| stage.bytes().0 + stage.bytes().1).sum()
    }

    /// Operations an element, over all stages of all axes.
    pub fn operations(&self) -> u32 {
        self.large_stages().map(|s| s.operations).sum()
    }

    /// The stages of arrays, but for those of fewer axes than another has.
    fn large_stages(&self) -> impl Iterator<Item = &Stage> {
        let larger =
            |s: &Stage, other: &Stage| other.domain != s.domain && other.domain.contains(s.domain);
        let large = move |s: &&Stage| {
            !s.domain.is_scalar() && !self.stages.iter().any(|other| larger(s, other))
        };
        self.stages.iter().filter(large)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Input(i) => write!(f, "in{i}"),
            Place::Output(i) => write!(f, "out{i}"),
            Place::Slot(i) => write!(f, "slot{i}"),
            Place::Cell(i) => write!(f, "cell{i}"),
        }
    }
}

fn lane_name(lane: Lane) -> String {
    match lane {
        Lane::Value(dtype) => dtype.to_string(),
        Lane::Mask(width) => format!("mask{width}"),
    }
}

impl fmt::Display for TileProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            match step {
                Step::Fused(width, code) => {
                    writeln!(f, "    fused {width}-bit lanes")?;
                    for (i, instr) in code.iter().enumerate() {
                        match instr {
                            Instr::Load(place, lane) => {
                                writeln!(f, "      v{i} = load {place} as {}", lane_name(*lane))?
                            }
                            Instr::Apply(op, dtype, args) => {
                                let count = op.row().parameters.len();
                                let args: Vec<String> =
                                    args[..count].iter().map(|x| format!("v{x}")).collect();
                                writeln!(
                                    f,
                                    "      v{i} = {}.{dtype} {}",
                                    op.row().name,
                                    args.join(", ")
                                )?;
                            }
                            Instr::Store(place, value) => {
                                writeln!(f, "      store v{value} to {place}")?
                            }
                        }
                    }
                }
                Step::Block(op, dtype, args, out) => {
                    let args: Vec<String> = args.iter().map(Place::to_string).collect();
                    writeln!(
                        f,
                        "    block {}.{dtype} {} to {out}",
                        op.row().name,
                        args.join(", ")
                    )?;
                }
                Step::Pair([first, second], dtype, arg, [one, two]) => {
                    let (first, second) = (first.row().name, second.row().name);
                    writeln!(f, "    block {first}, {second}.{dtype} {arg} to {one}, {two}")?;
                }
                Step::Convert(from, to, arg, out) => {
                    writeln!(
                        f,
                        "    convert {} to {}: {arg} to {out}",
                        lane_name(*from),
                        lane_name(*to)
                    )?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Output(number) => write!(f, "is output {number}"),
            Target::Cell(cell) => write!(f, "goes to cell{cell}"),
            Target::Temporary(number) => write!(f, "goes to array{number}"),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.array {
            Array::Input(number) => write!(f, "input {number}")?,
            Array::Output(number) => write!(f, "output {number}")?,
            Array::Temporary(number) => write!(f, "array{number}")?,
        }
        match self.views.last() {
            Some(view) => write!(f, " as %{}", view.index()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, cell) in self.cells.iter().enumerate() {
            write!(f, "cell{i}: {} = ", cell.dtype)?;
            match cell.source {
                Source::Constant(bits) => writeln!(f, "{}", show(bits, cell.dtype))?,
                Source::Input(number) => writeln!(f, "input {number}")?,
                Source::Weak(id) => writeln!(f, "weak %{}", id.index())?,
                Source::Size(domain) => writeln!(f, "size of {domain}")?,
                Source::Length(id) => writeln!(f, "length of %{}", id.index())?,
                Source::Stage => writeln!(f, "computed")?,
            }
        }
        for (i, (dtype, domain)) in self.temporaries.iter().enumerate() {
            writeln!(f, "array{i}: {dtype}[{domain}]")?;
        }
        for (i, stage) in self.stages.iter().enumerate() {
            let over = match stage.domain.is_scalar() {
                true => "one element".to_string(),
                false => stage.domain.to_string(),
            };
            write!(f, "stage {i} over {over}")?;
            if let Some(axes) = &stage.axes {
                write!(f, ", {axes}")?;
            }
            writeln!(f, ", {} slots", stage.program.slots)?;
            let loads: Vec<String> = stage.loads.iter().map(Load::to_string).collect();
            if !loads.is_empty() {
                writeln!(f, "  reads {}", loads.join(", "))?;
            }
            write!(f, "{}", stage.program)?;
            for (number, (target, _)) in stage.outputs.iter().enumerate() {
                writeln!(f, "  out{number} {target}")?;
            }
            for (Fold { reduction, dtype, target, .. }, place) in
                stage.folds.iter().zip(&stage.program.reduced)
            {
                writeln!(f, "  {reduction}.{dtype} of {place} {target}")?;
            }
        }
        for (i, output) in self.outputs.iter().enumerate() {
            if let Some(cell) = output.cell {
                writeln!(f, "output {i} is cell{cell}")?;
            }
        }
        Ok(())
    }
}
