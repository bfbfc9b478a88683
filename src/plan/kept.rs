//! Selects the values that are computed once and kept in arrays.

use rustc_hash::FxHashMap;

use super::Plan;
use crate::domain::{Derivation, Derived, Domain};
use crate::graph::{Graph, Node, NodeId};
use crate::ops::Class;

/// Cost in nanoseconds per element from which a value of fewer axes is worth an array.
const WORTH_KEEPING: f32 = 1.0;

/// Approximate cost of a conversion, in nanoseconds per element.
const CONVERSION: f32 = 0.2;

/// Whether a node is a reduction.
pub(super) fn is_reduction(node: &Node) -> bool {
    match node {
        Node::Apply(op, _) => match op.class() {
            Class::Elementwise | Class::Along | Class::Shape => false,
            Class::Reduce => true,
        },
        _ => false,
    }
}

/// For each node, whether it is kept in an array; see [`plan`](super).
pub(super) fn kept(graph: &Graph) -> Vec<bool> {
    let mut kept = vec![false; graph.len()];
    // Slices have about as many elements as their operands.
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
    // The cost of computing an element of each node inside its domain.
    let mut costs = vec![0.0f32; graph.len()];
    for id in graph.ids() {
        let node = graph.node(id);
        let domain = graph.ty(id).domain;
        let array = !domain.is_scalar();
        let computed = |x: &NodeId| {
            !graph.ty(*x).domain.is_scalar()
                && matches!(graph.node(*x), Node::Apply(..) | Node::Convert(_) | Node::Along(..))
        };
        for x in node.operands().iter().filter(|x| computed(x)) {
            let narrower =
                array && !is_reduction(node) && source(graph.ty(*x).domain) != source(domain);
            let seen = matches!(node, Node::View(_));
            kept[x.index()] |= seen || narrower && costs[x.index()] >= WORTH_KEEPING;
        }
        kept[id.index()] |= array && is_reduction(node);
        let own = match node {
            Node::Apply(op, _) if !is_reduction(node) => op.row().cost,
            Node::Along(op, ..) => op.row().cost,
            Node::Convert(_) => CONVERSION,
            _ => continue,
        };
        let same = node.operands().iter().filter(|x| graph.ty(**x).domain == domain);
        costs[id.index()] =
            own + same.filter(|x| !kept[x.index()]).map(|x| costs[x.index()]).sum::<f32>();
    }
    kept
}

/// The axes of a pass that no scan goes along: all of them.
const ALL_AXES: u8 = u8::MAX;

/// Keeps the values of scans that are used elsewhere than in a pass over their space along their
/// axis. For each node, the [number](same_axes) of the axis along which a pass must go that computes
/// it, if that takes scans.
pub(super) fn keep_scanned(graph: &Graph, kept: &mut [bool]) -> Vec<Option<u8>> {
    let mut along: Vec<Option<u8>> = vec![None; graph.len()];
    for id in graph.ids() {
        let node = graph.node(id);
        let reduces = is_reduction(node);
        let own = match node {
            Node::Along(..) => graph.sequences(id).and_then(|own| same_axes(graph, own)),
            _ if reduces => {
                let own = graph.derivation(id).and_then(|own| same_axes(graph, own));
                Some(own.unwrap_or(ALL_AXES))
            }
            _ => None,
        };
        let carried = |x: &NodeId, kept: &[bool]| along[x.index()].filter(|_| !kept[x.index()]);
        let operands = node.operands();
        let first = own.or_else(|| operands.iter().find_map(|x| carried(x, kept)));
        for x in operands {
            let apart = !reduces && graph.ty(*x).domain != graph.ty(id).domain;
            let axis = carried(x, kept);
            kept[x.index()] |= axis.is_some() && (axis != first || apart);
        }
        let left = own.or_else(|| operands.iter().find_map(|x| carried(x, kept)));
        along[id.index()] = left.filter(|_| !reduces);
    }
    along
}

/// The number of the first derived shape that goes without the same axes of the same shape.
pub(super) fn same_axes(graph: &Graph, own: &Derived) -> Option<u8> {
    let Derivation::Reduce { axes: own_axes, .. } = &own.how else { return None };
    let same = |other: &Derived| match &other.how {
        Derivation::Reduce { axes, .. } => other.of == own.of && axes == own_axes,
        _ => false,
    };
    graph.derived().iter().position(same).map(|number| number as u8)
}

/// Cost in nanoseconds per element from which a value needed by several passes of a group is stored
/// and reread from the cache.
const WORTH_SAVING: f32 = 0.8;

/// For each node, whether the pass that computes it stores it for later passes of its group instead
/// of recomputing; `None` if no node is worth that. `computed` are the nodes of each pass.
pub(super) fn saved(graph: &Graph, plan: &Plan, computed: &[Vec<NodeId>]) -> Option<Vec<bool>> {
    // The first pass that computes each node, and whether others do too.
    let mut first: FxHashMap<NodeId, (u32, Domain)> = FxHashMap::default();
    let mut elsewhere = vec![false; graph.len()];
    for (pass, nodes) in plan.passes.iter().zip(computed) {
        let here = (pass.group, pass.space);
        for id in nodes {
            elsewhere[id.index()] |= *first.entry(*id).or_insert(here) != here;
        }
    }
    let mut counts = vec![0; graph.len()];
    computed.iter().flatten().for_each(|id| counts[id.index()] += 1);
    let again = |id: NodeId| counts[id.index()] > 1 && !elsewhere[id.index()];
    if !graph.ids().any(again) {
        return None;
    }
    let mut wanted = vec![false; graph.len()];
    graph.outputs().iter().for_each(|id| wanted[id.index()] = true);
    for id in graph.ids().filter(|id| is_reduction(graph.node(*id))) {
        wanted[graph.node(id).operands()[0].index()] = true;
    }
    // The cost of recomputing each node.
    let mut costs = vec![0.0f32; graph.len()];
    for id in graph.ids().filter(|id| counts[id.index()] > 0) {
        for x in graph.node(id).operands() {
            wanted[x.index()] |= !again(id);
        }
        let own = match graph.node(id) {
            Node::Apply(op, _) | Node::Along(op, ..) => op.row().cost,
            _ => CONVERSION,
        };
        let operands = graph.node(id).operands().iter().filter(|x| again(**x));
        costs[id.index()] = own + operands.map(|x| costs[x.index()]).sum::<f32>();
    }
    let worth = |id: &NodeId| again(*id) && wanted[id.index()] && costs[id.index()] >= WORTH_SAVING;
    let saved: Vec<bool> = graph.ids().map(|id| worth(&id)).collect();
    saved.contains(&true).then_some(saved)
}
