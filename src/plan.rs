//! Graph to [`Plan`]: what a backend is handed. Everything about *what* is computed is decided
//! here: passes over the data, fusion, steps, scratch slots; nothing about registers.
//!
//! A value of a scalar domain lives in a *cell*. Values of arrays are computed in *stages*: one
//! pass over the elements of a domain, tile by tile. What a stage reads of reductions was
//! computed by earlier stages; elementwise values that two stages need are computed in both, for
//! that is cheaper than a trip through memory.
//!
//! Inside a stage all lanes of a fused step have one width; whatever changes the width is a
//! conversion step through a scratch slot. So a backend never mixes vector lengths.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::Reduction;
use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::graph::{Domain, Graph, Node, NodeId, show};
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
    /// Elements into the accumulators of a reduction of the stage.
    Reduce(u32, Place),
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
    /// Its reductions.
    pub reductions: Vec<(Reduction, DType)>,
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

/// Where a stage's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An output of the program.
    Output(u32),
    /// A cell.
    Cell(u32),
}

/// One pass over the elements of a domain.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The iteration space.
    pub domain: Domain,
    /// What is done with each tile.
    pub program: TileProgram,
    /// Which inputs of the graph the tile reads.
    pub inputs: Vec<u32>,
    /// Where the tile's outputs go, with their dtypes.
    pub outputs: Vec<(Target, DType)>,
    /// The cell that takes each reduction's result.
    pub results: Vec<u32>,
    /// Rough nanoseconds an element.
    pub cost: f32,
    /// Operations an element.
    pub operations: u32,
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

struct Planner<'g> {
    graph: &'g Graph,
    isa: Isa,
    /// How many reductions lie on the way to a node.
    levels: Vec<u32>,
    cells: Vec<CellPlan>,
    cell_of: FxHashMap<NodeId, u32>,
    constants: FxHashMap<(u64, DType), u32>,
    units: usize,
}

impl<'g> Planner<'g> {
    fn new(graph: &'g Graph, isa: Isa) -> Planner<'g> {
        let mut levels = vec![0; graph.len()];
        for id in graph.ids() {
            let node = graph.node(id);
            let deepest = node.operands().iter().map(|x| levels[x.index()]).max().unwrap_or(0);
            let reduces = matches!(node, Node::Apply(op, _) if matches!(op.row().lowering, Lowering::Reduce(_)));
            levels[id.index()] = deepest + u32::from(reduces);
        }
        Planner {
            graph,
            isa,
            levels,
            cells: Vec::new(),
            cell_of: FxHashMap::default(),
            constants: FxHashMap::default(),
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

    fn plan(mut self) -> Result<Option<Plan>> {
        let graph = self.graph;
        let live = graph.live();
        let live_ids = || graph.ids().filter(|id| live[id.index()]);
        // Scalar stages come before the array stages of their level: domain SCALAR sorts first.
        let mut roots: BTreeMap<(u32, Domain), Roots> = BTreeMap::new();
        for id in live_ids() {
            for x in graph.node(id).operands() {
                let crosses = self.levels[x.index()] != self.levels[id.index()]
                    || !graph.ty(id).domain.is_scalar();
                if self.is_computed_scalar(*x) && crosses {
                    self.scalar_root(*x, &mut roots);
                }
            }
            if let Node::Apply(op, operands) = *graph.node(id)
                && let Lowering::Reduce(_) = op.row().lowering
            {
                let x = operands[0];
                let key = (self.levels[x.index()], graph.ty(x).domain);
                roots.entry(key).or_default().reductions.push((op, id, x));
            }
        }
        for (number, id) in graph.outputs().iter().enumerate() {
            let domain = graph.ty(*id).domain;
            if !domain.is_scalar() {
                let key = (self.levels[id.index()], domain);
                roots.entry(key).or_default().stores.push((Target::Output(number as u32), *id));
            } else if self.is_computed_scalar(*id) {
                self.scalar_root(*id, &mut roots);
            }
        }
        if roots.len().saturating_mul(graph.len()) > MOST_WORK {
            return Ok(None);
        }
        let mut stages = Vec::with_capacity(roots.len());
        for ((_, domain), roots) in &roots {
            match self.stage(*domain, roots)? {
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
        Ok(Some(Plan { stages, cells: self.cells, outputs }))
    }

    fn scalar_root(&self, id: NodeId, roots: &mut BTreeMap<(u32, Domain), Roots>) {
        let stores =
            &mut roots.entry((self.levels[id.index()], Domain::SCALAR)).or_default().scalars;
        stores.insert(id);
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

    fn stage(&mut self, domain: Domain, roots: &Roots) -> Result<Option<Stage>> {
        let graph = self.graph;
        let mut stores = roots.stores.clone();
        for id in &roots.scalars {
            stores.push((Target::Cell(self.cell(*id)?), *id));
        }
        // What the roots need and this stage computes, marked from the last node back.
        let mut needed = vec![false; graph.len()];
        stores.iter().for_each(|(_, id)| needed[id.index()] = true);
        roots.reductions.iter().for_each(|(_, _, x)| needed[x.index()] = true);
        let level = roots.level(&self.levels);
        let here = |id: NodeId| {
            if domain.is_scalar() {
                self.is_computed_scalar(id) && self.levels[id.index()] == level
            } else {
                !graph.ty(id).domain.is_scalar()
            }
        };
        for id in graph.ids().rev() {
            if needed[id.index()] {
                if here(id) {
                    graph.node(id).operands().iter().for_each(|x| needed[x.index()] = true);
                } else {
                    needed[id.index()] = false;
                }
            }
        }
        let mut lowering = Lowerer::default();
        for id in graph.ids().filter(|id| needed[id.index()]) {
            lowering.lower(self, id)?;
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
        let mut reductions = Vec::new();
        let mut results = Vec::new();
        for (op, id, x) in &roots.reductions {
            let Lowering::Reduce(reduction) = op.row().lowering else {
                return Err(Error::internal("a reduction that does not reduce"));
            };
            reduced.push(lowering.value(self, *x, Lane::Value(graph.dtype(*x)))?);
            reductions.push((reduction, graph.dtype(*x)));
            results.push(self.cell(*id)?);
        }
        let cost = lowering.cost
            + 0.1 * (lowering.inputs.len() + stores.len()) as f32
            + 0.2 * reduced.len() as f32;
        let operations = lowering.operations + reduced.len() as u32;
        let inputs = lowering.inputs.clone();
        let (steps, slots) = Scheduler::new(lowering.units).steps(&sinks, &reduced);
        let program = TileProgram {
            steps,
            inputs: inputs.len() as u32,
            outputs: stores.len() as u32,
            slots,
            reductions,
        };
        let outputs = stores.iter().map(|(target, id)| (*target, graph.dtype(*id))).collect();
        Ok(Some(Stage { domain, program, inputs, outputs, results, cost, operations }))
    }
}

/// What a stage is for.
#[derive(Default)]
struct Roots {
    stores: Vec<(Target, NodeId)>,
    scalars: BTreeSet<NodeId>,
    reductions: Vec<(Op, NodeId, NodeId)>,
}

impl Roots {
    fn level(&self, levels: &[u32]) -> u32 {
        self.scalars.first().map_or(0, |id| levels[id.index()])
    }
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
    inputs: Vec<u32>,
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
        self.cost += 0.2;
        self.add(Unit::Convert(unit), lane)
    }

    /// The width that a truth value's users should take it in, if it is made here.
    fn mask_width(&self, id: NodeId) -> Option<u8> {
        match self.lane(*self.natural.get(&id)?) {
            Lane::Mask(width) => Some(width),
            Lane::Value(_) => None,
        }
    }

    fn lower(&mut self, planner: &mut Planner, id: NodeId) -> Result<()> {
        let graph = planner.graph;
        let result = graph.dtype(id);
        let unit = match *graph.node(id) {
            Node::Input(number) => {
                let place = self.inputs.len() as u32;
                self.inputs.push(number);
                self.add(Unit::Input(place), Lane::Value(result))
            }
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
            Node::Const(_) | Node::Adopt(_) => {
                return Err(Error::internal("a constant that is an array"));
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
    Reduce(u32, u32),
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

    fn steps(self, sinks: &[Sink], reduced: &[u32]) -> (Vec<Step>, u32) {
        let (drafts, places) = self.drafts(sinks, reduced);
        let mut places = places;
        let slots = self.assign_slots(&drafts, &mut places);
        let extra = self.extra_stores(sinks, &places);
        let steps = drafts.iter().map(|draft| self.step(draft, &places, &extra)).collect();
        (steps, slots)
    }

    /// The steps in order, and the places of the values that are inputs or outputs.
    fn drafts(&self, sinks: &[Sink], reduced: &[u32]) -> (Vec<Draft>, Vec<Option<Place>>) {
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
        for (number, unit) in reduced.iter().enumerate() {
            let turn = if self.is_input(*unit) { 0 } else { self.turns[*unit as usize] + 1 };
            turns.entry(turn).or_default().push(Draft::Reduce(number as u32, *unit));
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
            Draft::Copy(unit, _) | Draft::Reduce(_, unit) => vec![*unit],
        }
    }

    /// Which units a step makes.
    fn makes(&self, draft: &Draft) -> Vec<u32> {
        match draft {
            Draft::Fused(_, members) => members.clone(),
            Draft::Unit(unit) | Draft::Copy(unit, Place::Slot(_)) => vec![*unit],
            Draft::Pair(_, _, units) => units.to_vec(),
            Draft::Copy(..) | Draft::Reduce(..) => Vec::new(),
        }
    }

    /// Gives a slot to each value that another step reads; a slot is free again after the last.
    fn assign_slots(&self, drafts: &[Draft], places: &mut [Option<Place>]) -> u32 {
        let mut made = vec![usize::MAX; self.units.len()];
        let mut last_read = vec![0; self.units.len()];
        for (i, draft) in drafts.iter().enumerate() {
            self.makes(draft).iter().for_each(|x| made[*x as usize] = i);
            self.reads(draft).iter().for_each(|x| last_read[*x as usize] = i);
        }
        let mut free: Vec<u32> = Vec::new();
        let mut count = 0;
        let mut ends: Vec<Vec<u32>> = vec![Vec::new(); drafts.len()];
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
                    ends[last_read[u].max(i)].push(slot);
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
            Draft::Reduce(number, unit) => Step::Reduce(*number, self.place(*unit, places)),
        }
    }
}

impl Plan {
    /// Bytes that one element of each array operand moves, over all stages.
    pub fn bytes_per_element(&self, inputs: &[DType]) -> usize {
        let stage = |s: &Stage| {
            let read: usize = s.inputs.iter().map(|i| inputs[*i as usize].size()).sum();
            read + s.outputs.iter().map(|(_, dtype)| dtype.size()).sum::<usize>()
        };
        self.stages.iter().filter(|s| !s.domain.is_scalar()).map(stage).sum()
    }

    /// Operations an element, over all stages.
    pub fn operations(&self) -> u32 {
        self.stages.iter().filter(|s| !s.domain.is_scalar()).map(|s| s.operations).sum()
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
                Step::Reduce(number, arg) => {
                    let (reduction, dtype) = self.reductions[*number as usize];
                    writeln!(f, "    reduce {}.{dtype} {arg} into {number}", reduction.name())?;
                }
            }
        }
        Ok(())
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
                Source::Size(domain) => {
                    let shapes: Vec<String> = domain.shapes().map(|c| format!("s{c}")).collect();
                    writeln!(f, "size of {}", shapes.join(","))?;
                }
                Source::Stage => writeln!(f, "computed")?,
            }
        }
        for (i, stage) in self.stages.iter().enumerate() {
            let shapes: Vec<String> = stage.domain.shapes().map(|c| format!("s{c}")).collect();
            let over = if shapes.is_empty() { "one element".to_string() } else { shapes.join(",") };
            let inputs: Vec<String> = stage.inputs.iter().map(|n| format!("input {n}")).collect();
            writeln!(f, "stage {i} over {over}, {} slots", stage.program.slots)?;
            if !inputs.is_empty() {
                writeln!(f, "  reads {}", inputs.join(", "))?;
            }
            write!(f, "{}", stage.program)?;
            for (number, (target, _)) in stage.outputs.iter().enumerate() {
                match target {
                    Target::Output(output) => writeln!(f, "  out{number} is output {output}")?,
                    Target::Cell(cell) => writeln!(f, "  out{number} goes to cell{cell}")?,
                }
            }
            for (number, cell) in stage.results.iter().enumerate() {
                writeln!(f, "  result {number} goes to cell{cell}")?;
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
