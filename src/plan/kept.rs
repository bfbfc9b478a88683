//! Which values are computed once, into arrays.

use rustc_hash::FxHashMap;

use super::Plan;
use crate::domain::{Derived, Domain};
use crate::graph::{Graph, Node, NodeId};
use crate::ops::Class;

/// Rough nanoseconds an element from which a value of fewer axes is worth an array of its own.
const WORTH_KEEPING: f32 = 1.0;

/// Rough nanoseconds of a conversion.
const CONVERSION: f32 = 0.2;

/// Whether a node is a reduction.
pub(super) fn is_reduction(node: &Node) -> bool {
    match node {
        Node::Apply(op, _) => match op.class() {
            Class::Elementwise | Class::Shape => false,
            Class::Reduce => true,
        },
        _ => false,
    }
}

/// For each node, whether it is computed once, into an array: see the module [`plan`](super).
pub(super) fn kept(graph: &Graph) -> Vec<bool> {
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
            let narrower =
                array && !is_reduction(node) && source(graph.ty(*x).domain) != source(domain);
            let seen = matches!(node, Node::View(_));
            kept[x.index()] |= seen || narrower && costs[x.index()] >= WORTH_KEEPING;
        }
        kept[id.index()] |= array && is_reduction(node);
        let own = match node {
            Node::Apply(op, _) if !is_reduction(node) => op.row().cost,
            Node::Convert(_) => CONVERSION,
            _ => continue,
        };
        let same = node.operands().iter().filter(|x| graph.ty(**x).domain == domain);
        costs[id.index()] =
            own + same.filter(|x| !kept[x.index()]).map(|x| costs[x.index()]).sum::<f32>();
    }
    kept
}

/// Rough nanoseconds from which a value of each element that several passes of a group need is
/// stored and read again, while it is in the cache.
const WORTH_SAVING: f32 = 0.8;

/// For each node, whether the pass that computes it stores it for later passes of its group, which
/// would compute it again; `None` if no node is worth that. `computed` are the nodes of each pass.
pub(super) fn saved(graph: &Graph, plan: &Plan, computed: &[Vec<NodeId>]) -> Option<Vec<bool>> {
    // Where each node is computed first, and whether also elsewhere.
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
    // What computing each of them again costs.
    let mut costs = vec![0.0f32; graph.len()];
    for id in graph.ids().filter(|id| counts[id.index()] > 0) {
        for x in graph.node(id).operands() {
            wanted[x.index()] |= !again(id);
        }
        let own = match graph.node(id) {
            Node::Apply(op, _) => op.row().cost,
            _ => CONVERSION,
        };
        let operands = graph.node(id).operands().iter().filter(|x| again(**x));
        costs[id.index()] = own + operands.map(|x| costs[x.index()]).sum::<f32>();
    }
    let worth = |id: &NodeId| again(*id) && wanted[id.index()] && costs[id.index()] >= WORTH_SAVING;
    let saved: Vec<bool> = graph.ids().map(|id| worth(&id)).collect();
    saved.contains(&true).then_some(saved)
}
