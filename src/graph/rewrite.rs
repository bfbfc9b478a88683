//! Carrying a graph over into a new one, node after node, with a rule for what changes.

use super::{Builder, Graph, NodeId};
use crate::error::Error;

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
