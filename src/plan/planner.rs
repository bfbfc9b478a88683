//! [`plan`]: splits a graph into passes.

use std::collections::BTreeMap;

use hotloop_runtime::dtype::DType;
use hotloop_runtime::reduce::Reduction;
use rustc_hash::FxHashMap;

use super::group::group;
use super::kept::{is_reduction, keep_scanned, kept, same_axes, saved};
use super::uniform::{Source, Uniforms};
use super::{
    Array, Body, Carry, Destination, Load, Pass, Plan, PlannedOutput, Store, Temporary, Value,
};
use crate::domain::Domain;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Node, NodeId};
use crate::ops::Lowering;

/// The maximum number of values of all passes together.
const MOST_VALUES: usize = 1 << 22;

/// Plans a graph.
///
/// # Errors
/// `Limit` if its passes would be too large.
pub fn plan(graph: &Graph) -> Result<Plan> {
    let nothing = vec![false; graph.len()];
    let (mut plan, computed) = Planner::new(graph, nothing).plan()?;
    // Values computed twice are known only after grouping.
    if let Some(saved) = saved(graph, &plan, &computed) {
        plan = Planner::new(graph, saved).plan()?.0;
    }
    debug_assert_eq!(plan.verify(), Ok(()), "{plan}");
    Ok(plan)
}

/// The key of a pass: level, space and axes. Passes of one level do not read each other's results.
/// The axes, of reductions or of scans, are given by the first derived shape that has the others;
/// `None` for all axes.
type PassKey = (u32, Domain, Option<u8>);

/// The values that a pass must store and reduce.
#[derive(Default)]
struct Roots {
    stores: Vec<(Destination, NodeId)>,
    /// Reductions, with their operands.
    reductions: Vec<(Reduction, NodeId, NodeId)>,
}

/// Merges passes that only store into passes over the same space that reduce, whatever the axes of
/// their carries. So `sum(a, axis=1), a + 1` reads `a` once.
fn fuse(roots: &mut BTreeMap<PassKey, Roots>) {
    let is_plain =
        |((.., axes), roots): &(&PassKey, &Roots)| axes.is_none() && roots.reductions.is_empty();
    let only_stores = roots.iter().filter(is_plain);
    let keys: Vec<PassKey> = only_stores.map(|(key, _)| *key).collect();
    for key in keys {
        let (level, space, _) = key;
        let others = (level, space, Some(0))..=(level, space, Some(u8::MAX));
        let mut others = roots.range(others).filter(|(_, roots)| !roots.reductions.is_empty());
        let Some(reducing) = others.next().map(|(key, _)| *key) else { continue };
        if let Some(Roots { stores, .. }) = roots.remove(&key) {
            roots.entry(reducing).or_default().stores.extend(stores);
        }
    }
}

struct Planner<'g> {
    graph: &'g Graph,
    /// The nodes whose values are kept in arrays.
    kept: Vec<bool>,
    /// The nodes stored for later passes of the same group.
    saved: Vec<bool>,
    /// The axis along which a pass goes that computes each node, if that takes scans.
    along: Vec<Option<u8>>,
    /// The number of levels of passes before a node can be computed or, if it is kept, read.
    levels: Vec<u32>,
    uniforms: Uniforms,
    temporaries: Vec<Temporary>,
    array_of: FxHashMap<NodeId, Array>,
    /// The pass that last visited each node, counted from 1; 0 if none has.
    visited: Vec<u32>,
    /// The number of passes so far.
    passes: u32,
    /// The values of all passes so far.
    values: usize,
}

impl<'g> Planner<'g> {
    fn new(graph: &'g Graph, saved: Vec<bool>) -> Planner<'g> {
        let mut kept = kept(graph);
        // What a later user keeps is no scan for an earlier one.
        keep_scanned(graph, &mut kept);
        let along = keep_scanned(graph, &mut kept);
        let mut levels = vec![0; graph.len()];
        for id in graph.ids() {
            let node = graph.node(id);
            let deepest = node.operands().iter().map(|x| levels[x.index()]).max().unwrap_or(0);
            let ends = kept[id.index()] || is_reduction(node);
            levels[id.index()] = deepest + u32::from(ends);
        }
        Planner {
            graph,
            kept,
            saved,
            along,
            levels,
            uniforms: Uniforms::default(),
            temporaries: Vec::new(),
            array_of: FxHashMap::default(),
            visited: vec![0; graph.len()],
            passes: 0,
            values: 0,
        }
    }

    /// The level of the pass that computes a node.
    fn made_at(&self, id: NodeId) -> u32 {
        let ends = self.kept[id.index()] || is_reduction(self.graph.node(id));
        self.levels[id.index()] - u32::from(ends)
    }

    /// The plan, and the nodes that each pass computes.
    fn plan(mut self) -> Result<(Plan, Vec<Vec<NodeId>>)> {
        let graph = self.graph;
        let (mut passes, mut computed) = (Vec::new(), Vec::new());
        for (key, roots) in self.roots() {
            let (pass, nodes) = self.pass(key, &roots)?;
            passes.push(pass);
            computed.push(nodes);
            if self.values > MOST_VALUES {
                let message =
                    format!("the passes of the program have more than {MOST_VALUES} values");
                return Err(Error::new(ErrorKind::Limit, message));
            }
        }
        group(&mut passes, graph.derived());
        self.find_local(&passes);
        let mut outputs = Vec::with_capacity(graph.outputs().len());
        for id in graph.outputs() {
            let ty = graph.ty(*id);
            let scalar = ty.domain.is_scalar();
            let uniform = if scalar { Some(self.uniforms.number(graph, *id)?) } else { None };
            outputs.push(PlannedOutput { dtype: ty.dtype, domain: ty.domain, uniform });
        }
        let plan = Plan {
            uniforms: self.uniforms.list,
            passes,
            temporaries: self.temporaries,
            outputs,
            derived: graph.derived().to_vec(),
        };
        Ok((plan, computed))
    }

    /// Finds the temporary arrays that only passes of one group over their domain use.
    fn find_local(&mut self, passes: &[Pass]) {
        for (number, array) in self.temporaries.iter_mut().enumerate() {
            let (load, store) =
                (Array::Temporary(number as u32), Destination::Temporary(number as u32));
            let uses = |pass: &&Pass| {
                pass.loads.iter().any(|l| l.array == load)
                    || pass.destinations().any(|d| d == store)
            };
            let mut users = passes.iter().filter(uses);
            let Some(group) = users.clone().next().map(|pass| pass.group) else { continue };
            let plain = |pass: &Pass| {
                let of_array = pass.loads.iter().filter(|l| l.array == load);
                pass.space == array.domain
                    && pass.carries.iter().all(|carry| carry.to != store)
                    && { of_array }.all(|l| l.views.is_empty())
            };
            let alone = users.all(|pass| pass.group == group && plain(pass));
            array.local = alone.then_some(group);
        }
    }

    /// The roots of each pass, in the order of the passes.
    fn roots(&mut self) -> BTreeMap<PassKey, Roots> {
        let graph = self.graph;
        let live = graph.live();
        self.place_kept(&live);
        let mut roots: BTreeMap<PassKey, Roots> = BTreeMap::new();
        for id in graph.ids().filter(|id| live[id.index()]) {
            let level = self.made_at(id);
            if let Node::Apply(op, operands) = *graph.node(id)
                && let Lowering::Reduce(reduction) = op.row().lowering
            {
                let x = self.narrow_operand(reduction, operands[0]);
                let axes = graph.derivation(id).and_then(|own| same_axes(graph, own));
                let key = (level, graph.ty(x).domain, axes);
                roots.entry(key).or_default().reductions.push((reduction, id, x));
            } else if let Some(array) = self.array_of.get(&id) {
                let key = (level, graph.ty(id).domain, self.along[id.index()]);
                let stores = &mut roots.entry(key).or_default().stores;
                // A kept node is never an input.
                stores.extend(array.destination().map(|to| (to, id)));
            }
        }
        for (number, id) in graph.outputs().iter().enumerate() {
            let domain = graph.ty(*id).domain;
            // A value kept in one output may be a second output too.
            let there = self.array_of.get(id) == Some(&Array::Output(number as u32));
            if !there && !domain.is_scalar() {
                let along = self.along[id.index()].filter(|_| !self.kept[id.index()]);
                let key = (self.levels[id.index()], domain, along);
                let stores = &mut roots.entry(key).or_default().stores;
                stores.push((Destination::Output(number as u32), *id));
            }
        }
        fuse(&mut roots);
        roots
    }

    /// Assigns an array to every kept value: its output, or a temporary one.
    fn place_kept(&mut self, live: &[bool]) {
        let graph = self.graph;
        for (number, id) in graph.outputs().iter().enumerate() {
            if self.kept[id.index()] || self.saved[id.index()] {
                self.array_of.entry(*id).or_insert(Array::Output(number as u32));
            }
        }
        let stored = |id: &NodeId| self.kept[id.index()] || self.saved[id.index()];
        let stored: Vec<NodeId> = graph.ids().filter(|id| live[id.index()] && stored(id)).collect();
        for id in stored {
            let next = self.temporaries.len() as u32;
            if *self.array_of.entry(id).or_insert(Array::Temporary(next)) == Array::Temporary(next)
            {
                let ty = graph.ty(id);
                let (dtype, domain) = (ty.dtype, ty.domain);
                self.temporaries.push(Temporary { dtype, domain, local: None });
            }
        }
    }

    /// The operand of a reduction without the conversion that widens it, if the reduction itself
    /// widens: sums accumulate narrow integers and bools directly.
    fn narrow_operand(&self, reduction: Reduction, x: NodeId) -> NodeId {
        let Node::Convert(narrow) = *self.graph.node(x) else { return x };
        if self.kept[x.index()] {
            return x;
        }
        let (from, to) = (self.graph.dtype(narrow), self.graph.dtype(x));
        let widens = !from.is_float() && from.size() < 8 && matches!(to, DType::I64 | DType::U64);
        match reduction {
            Reduction::Sum if widens => narrow,
            _ => x,
        }
    }

    /// The load of a node: an input or a kept value, through views.
    fn load(&self, id: NodeId) -> Result<Load> {
        let graph = self.graph;
        let (mut node, mut views) = (id, Vec::new());
        while let Node::View(x) = *graph.node(node) {
            let derived = graph.derivation(node);
            views.push(derived.ok_or_else(|| Error::internal("a view of no shape"))?.clone());
            node = x;
        }
        views.reverse();
        let array = match *graph.node(node) {
            Node::Input(number) => Some(Array::Input(number)),
            _ => self.array_of.get(&node).copied(),
        };
        let array = array.ok_or_else(|| Error::internal("an array that is nowhere"))?;
        let ty = graph.ty(id);
        Ok(Load { array, views, dtype: ty.dtype, domain: ty.domain })
    }

    /// The array nodes of a pass, operands before users, each with whether it is a load.
    fn needed(&mut self, level: u32, roots: &Roots) -> Vec<(NodeId, bool)> {
        let graph = self.graph;
        self.passes += 1;
        let mark = self.passes;
        let stores = roots.stores.iter().map(|(_, id)| *id);
        let mut open: Vec<NodeId> =
            stores.chain(roots.reductions.iter().map(|(_, _, x)| *x)).collect();
        let mut needed = Vec::new();
        while let Some(id) = open.pop() {
            let known = std::mem::replace(&mut self.visited[id.index()], mark) == mark;
            if known || graph.ty(id).domain.is_scalar() {
                continue;
            }
            let is_load = match graph.node(id) {
                Node::Input(_) | Node::View(_) => true,
                _ => {
                    let at = self.levels[id.index()];
                    self.kept[id.index()] && at <= level || self.saved[id.index()] && at < level
                }
            };
            needed.push((id, is_load));
            if !is_load {
                open.extend(graph.node(id).operands());
            }
        }
        needed.sort_unstable();
        needed
    }

    /// The pass, and the nodes that it computes.
    fn pass(
        &mut self,
        (level, space, axes): PassKey,
        roots: &Roots,
    ) -> Result<(Pass, Vec<NodeId>)> {
        let graph = self.graph;
        let (mut loads, mut body) = (Vec::new(), Body::default());
        let mut numbers = Numbers::default();
        let mut computed = Vec::new();
        for (id, is_load) in self.needed(level, roots) {
            let value = if is_load {
                loads.push(self.load(id)?);
                Value::Load(loads.len() as u32 - 1)
            } else {
                let mut operands = [0; 3];
                for (to, x) in operands.iter_mut().zip(graph.node(id).operands()) {
                    *to = match numbers.of_nodes.get(x) {
                        Some(number) => *number,
                        None => {
                            let uniform = self.uniforms.number(graph, *x)?;
                            numbers.uniform(&mut body, uniform, graph.dtype(*x))
                        }
                    };
                }
                computed.push(id);
                match *graph.node(id) {
                    Node::Convert(_) => Value::Convert(operands[0]),
                    Node::Apply(op, _) => Value::Apply(op, operands),
                    Node::Along(op, _, attributes, _) => {
                        Value::Along(op, attributes, [operands[0], operands[1]])
                    }
                    _ => return Err(Error::internal("an array that nothing computes")),
                }
            };
            numbers.of_nodes.insert(id, body.push(value, graph.dtype(id)));
        }
        self.values += body.len();
        let missing = || Error::internal("a pass without a value that it is for");
        let value = |id: &NodeId| numbers.of_nodes.get(id).copied().ok_or_else(missing);
        let mut stores = Vec::with_capacity(roots.stores.len());
        for (to, id) in &roots.stores {
            stores.push(Store { value: value(id)?, to: *to });
        }
        let uniforms = self.uniforms.list.len() as u32;
        let mut carries = Vec::with_capacity(roots.reductions.len());
        for (reduction, id, x) in &roots.reductions {
            let to = match self.array_of.get(id) {
                Some(array) => {
                    let to = array.destination();
                    to.ok_or_else(|| Error::internal("a reduction that is an input"))?
                }
                None => Destination::Uniform(self.uniforms.carried(*id, graph.dtype(*id))),
            };
            let domain = graph.ty(*id).domain;
            carries.push(Carry { reduction: *reduction, value: value(x)?, to, domain });
        }
        let axes = axes.map(|number| graph.derived()[usize::from(number)].how.clone());
        let constants = self.constants(&body);
        let pass =
            Pass { space, axes, loads, body, stores, carries, uniforms, constants, group: 0 };
        Ok((pass, computed))
    }

    /// The values of a body that are constants, and their bits.
    fn constants(&self, body: &Body) -> Vec<(u32, u64)> {
        let constant = |value: &Value| match value {
            Value::Uniform(uniform) => match self.uniforms.list[*uniform as usize].source {
                Source::Constant(bits) => Some(bits),
                _ => None,
            },
            _ => None,
        };
        let numbered = body.values().iter().zip(0..);
        numbered.filter_map(|((value, _), number)| Some((number, constant(value)?))).collect()
    }
}

/// The value numbers of nodes and uniforms in a body.
#[derive(Default)]
struct Numbers {
    of_nodes: FxHashMap<NodeId, u32>,
    of_uniforms: FxHashMap<u32, u32>,
}

impl Numbers {
    fn uniform(&mut self, body: &mut Body, uniform: u32, dtype: DType) -> u32 {
        let new = || body.push(Value::Uniform(uniform), dtype);
        *self.of_uniforms.entry(uniform).or_insert_with(new)
    }
}
