//! Whether a program can run row by row: where the rows of each value are, and what needs rows that
//! have not arrived.

use hotloop_grammar::Span;
use hotloop_runtime::scan::Scan;

use crate::domain::{Derivation, Derived, Domain, Index, Shapes};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Node, NodeId};
use crate::ops::{Class, Op};
use crate::origin::Origin;

/// The axis along which rows arrive, of the arrays of each shape class.
pub struct Causal {
    /// By class; counted from the last axis, which is 1.
    axes: Vec<Axis>,
}

/// The axis of one shape class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    /// It has none: the array is the same in each row.
    Absent,
    /// Counted from the last axis, which is 1.
    Behind(usize),
    /// It is no axis of rows any more.
    Lost(Loss),
}

/// Why the rows of an array cannot come one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Reduced,
    Sliced,
    Reversed,
    Moved,
    /// Operands have rows along different axes.
    Crossed,
}

impl Causal {
    /// Finds the axis of rows of every value, given that of each shape class of the inputs, counted
    /// from the last axis. `shapes` are those of the inputs, with a large number of rows.
    ///
    /// # Errors
    /// `Type` for what needs rows that have not arrived, at its span; `Shape` for shapes that do not
    /// fit each other.
    pub fn new(
        (graph, spans): (&Graph, &[Span]),
        origin: &Origin,
        given: &[Option<usize>],
        mut shapes: Shapes,
    ) -> Result<Causal> {
        let mut axes = vec![Axis::Absent; usize::from(Domain::SHAPES)];
        for (to, axis) in axes.iter_mut().zip(given) {
            *to = axis.map_or(Axis::Absent, Axis::Behind);
        }
        let mut causal = Causal { axes };
        let live = graph.live();
        let first_use = |number: usize| {
            let uses = |id: &NodeId| {
                let domain = graph.ty(*id).domain.derived();
                live[id.index()] && domain.is_some_and(|own| usize::from(own) == number)
            };
            { graph.ids() }.find(uses).and_then(|id| spans.get(id.index()))
        };
        for (number, derived) in graph.derived().iter().enumerate() {
            let axis = causal.derived(derived, &shapes).and_then(|axis| {
                shapes.derive(derived)?;
                Ok(axis)
            });
            causal.axes.push(axis.map_err(|e| origin.locate(e, first_use(number)))?);
        }
        for id in graph.ids().filter(|id| live[id.index()]) {
            let place = |error: Error| origin.locate(error, spans.get(id.index()));
            causal.check(graph, id, &shapes).map_err(place)?;
        }
        for id in graph.outputs() {
            if causal.of(graph.ty(*id).domain) == Axis::Absent {
                let message = "an output of a stream has a row for each row that arrives, and this one depends on none";
                let error = Error::new(ErrorKind::Type, message);
                return Err(origin.locate(error, spans.get(id.index())));
            }
        }
        Ok(causal)
    }

    /// The axis of the rows of a domain, counted from the last, which is 1; `None` if it has none.
    pub fn axis(&self, domain: Domain) -> Option<usize> {
        match self.of(domain) {
            Axis::Behind(axis) => Some(axis),
            Axis::Absent | Axis::Lost(_) => None,
        }
    }

    fn of(&self, domain: Domain) -> Axis {
        let classes = domain.shapes().map(|class| self.axes[usize::from(class)]);
        classes.fold(Axis::Absent, |all, one| match (all, one) {
            (Axis::Lost(_), _) | (_, Axis::Absent) => all,
            (Axis::Absent, _) | (_, Axis::Lost(_)) => one,
            (Axis::Behind(a), Axis::Behind(b)) if a == b => all,
            _ => Axis::Lost(Loss::Crossed),
        })
    }

    /// The axis of a derived shape.
    fn derived(&self, derived: &Derived, shapes: &Shapes) -> Result<Axis> {
        let behind = match self.of(derived.of) {
            Axis::Behind(behind) => behind,
            other => return Ok(other),
        };
        let shape = shapes.of(derived.of)?;
        let Some(at) = shape.len().checked_sub(behind) else { return Ok(Axis::Absent) };
        Ok(match &derived.how {
            Derivation::Reduce { keepdims, .. } => {
                let mask = derived.how.reduced(&shape)?;
                let kept = mask[at..].iter().filter(|reduced| !**reduced || *keepdims).count();
                if mask[at] { Axis::Lost(Loss::Reduced) } else { Axis::Behind(kept) }
            }
            Derivation::ExpandDims(new) => {
                let rank = shape.len() + new.len();
                let place = |axis: &i64| if *axis < 0 { axis + rank as i64 } else { *axis };
                let is_new = |axis: usize| new.iter().any(|new| place(new) == axis as i64);
                let mut old = (0..rank).filter(|axis| !is_new(*axis));
                old.nth(at).map_or(Axis::Absent, |axis| Axis::Behind(rank - axis))
            }
            Derivation::Transpose(order) => {
                let rank = shape.len() as i64;
                let from = match order {
                    None => rank - 1 - at as i64,
                    Some(order) => order.get(at).map_or(-1, |axis| axis.rem_euclid(rank)),
                };
                if from == at as i64 { Axis::Behind(behind) } else { Axis::Lost(Loss::Moved) }
            }
            Derivation::Index(items) => indexed(items, shape.len(), at),
        })
    }

    /// Checks that a node needs no other rows than those up to its own.
    fn check(&self, graph: &Graph, id: NodeId, shapes: &Shapes) -> Result<()> {
        let own = graph.ty(id).domain;
        if let Axis::Lost(loss) = self.of(own) {
            return Err(self.lost(loss, graph.node(id)));
        }
        match graph.node(id) {
            // The operand of a length is a reduction, which has been checked.
            Node::Apply(op, operands)
                if matches!(op.class(), Class::Reduce | Class::Shape)
                    && *op != Op::Length
                    && own.is_scalar()
                    && self.of(graph.ty(operands[0]).domain) != Axis::Absent =>
            {
                Err(self.lost(Loss::Reduced, graph.node(id)))
            }
            Node::Along(op, ..) => {
                let shape = shapes.of(own)?;
                let mask = match graph.sequences(id) {
                    Some(derived) => derived.how.reduced(&shape)?,
                    None => Vec::new(),
                };
                let at = self.axis(own).and_then(|behind| shape.len().checked_sub(behind));
                if op.scan().is_some_and(Scan::is_whole) {
                    let rows = at.is_some_and(|at| mask.get(at) == Some(&true));
                    return if rows {
                        Err(self.lost(Loss::Reduced, graph.node(id)))
                    } else {
                        Ok(())
                    };
                }
                if at.is_some_and(|at| mask.iter().position(|along| *along) == Some(at)) {
                    return Ok(());
                }
                let along = mask.iter().position(|along| *along).unwrap_or(0);
                let message = match at {
                    Some(at) => format!(
                        "{} goes along axis {along}, but the rows of the stream arrive along axis {at}",
                        op.name()
                    ),
                    None => format!(
                        "{} goes along an axis of an array that is the same in each row of the stream",
                        op.name()
                    ),
                };
                let error = Error::new(ErrorKind::Type, message);
                Err(match at {
                    Some(at) => error.hint(format!(
                        "say `axis={at}`; a mean or sum across another axis is possible"
                    )),
                    None => error,
                })
            }
            _ => Ok(()),
        }
    }

    fn lost(&self, loss: Loss, node: &Node) -> Error {
        let (message, hint) = match loss {
            Loss::Reduced => (
                "this needs all rows, and those of a stream arrive one after another",
                match node {
                    Node::Apply(op, _) | Node::Along(op, ..) => instead(*op),
                    _ => EARLIER,
                },
            ),
            Loss::Sliced => (
                "a stream has no slice of its rows, which arrive one after another",
                "`shift(x, n)` gives the element n rows earlier",
            ),
            Loss::Reversed => (
                "this needs later rows, which have not arrived yet",
                "`shift(x, n)` with a positive n gives the element n rows earlier",
            ),
            Loss::Moved => (
                "this moves the axis along which the rows of the stream arrive",
                "permute the other axes only, or let rows arrive along another axis",
            ),
            Loss::Crossed => (
                "the rows of the operands arrive along different axes",
                "axes are matched from the last: `x[:, None]` adds one behind",
            ),
        };
        Error::new(ErrorKind::Type, message).hint(hint)
    }
}

/// The number of earlier rows that a row of the outputs depends on; `None` if on all. The program is
/// one that can run row by row, so that each scan goes along the rows.
pub fn reach(graph: &Graph) -> Option<usize> {
    let live = graph.live();
    let mut reaches = vec![0usize; live.len()];
    for id in graph.ids().filter(|id| live[id.index()]) {
        let own = match graph.node(id) {
            Node::Along(op, _, attributes, _) => op.scan()?.reach(*attributes)? as usize,
            _ => 0,
        };
        let operands = graph.node(id).operands().iter();
        let before = operands.map(|id| reaches[id.index()]).max().unwrap_or(0);
        reaches[id.index()] = before.saturating_add(own);
    }
    graph.outputs().iter().map(|id| reaches[id.index()]).max()
}

const EARLIER: &str = "functions of the rows so far are `cumsum`, `expanding_mean`, `ewm_mean`, \
                       and `rolling_mean` of the latest ones";

/// Causal functions to use in place of a reduction.
fn instead(op: Op) -> &'static str {
    match op {
        Op::Sum | Op::Nansum => "`cumsum` is the sum so far, `rolling_sum` that of the latest rows",
        Op::Mean | Op::Nanmean => {
            "`expanding_mean` is the mean so far, `rolling_mean` that of the latest rows, \
             `ewm_mean` one that forgets"
        }
        Op::Min => "`cummin` is the least so far, `rolling_min` that of the latest rows",
        Op::Max => "`cummax` is the greatest so far, `rolling_max` that of the latest rows",
        Op::Prod => "`cumprod` is the product so far, `rolling_prod` that of the latest rows",
        Op::Var => "`rolling_var` is the variance of the latest rows",
        Op::Std => "`rolling_std` is the standard deviation of the latest rows",
        Op::Argmin => "`rolling_argmin` is the place of the least of the latest rows",
        Op::Argmax => "`rolling_argmax` is the place of the greatest of the latest rows",
        Op::Places => "`rolling_rank` is the rank of a row among the latest ones",
        Op::MedianOf => "`rolling_median` is the median of the latest rows",
        Op::QuantileOf => "`rolling_quantile` is a quantile of the latest rows",
        Op::Any => "`cummax(condition)` says whether it held in any row so far",
        Op::All => "`cummin(condition)` says whether it held in all rows so far",
        _ => EARLIER,
    }
}

/// The axis at place `at` of `rank` after an index.
fn indexed(items: &[Index], rank: usize, at: usize) -> Axis {
    let taken = items.iter().filter(|i| matches!(i, Index::At(_) | Index::Slice { .. })).count();
    let spare = rank.saturating_sub(taken);
    // The axis of the array that the next item takes, and the number of axes of the view so far.
    let (mut axis, mut place) = (0, 0);
    let mut found = None;
    for item in items {
        match *item {
            Index::NewAxis => place += 1,
            Index::Ellipsis => {
                if (axis..axis + spare).contains(&at) {
                    found = Some(place + at - axis);
                }
                (axis, place) = (axis + spare, place + spare);
            }
            Index::At(_) | Index::Slice { .. } if axis == at => {
                match *item {
                    Index::Slice { start: None | Some(0), stop: None, step: None | Some(1) } => {}
                    Index::Slice { step: Some(step), .. } if step < 0 => {
                        return Axis::Lost(Loss::Reversed);
                    }
                    _ => return Axis::Lost(Loss::Sliced),
                }
                found = Some(place);
                (axis, place) = (axis + 1, place + 1);
            }
            Index::At(_) => axis += 1,
            Index::Slice { .. } => (axis, place) = (axis + 1, place + 1),
        }
    }
    // Axes that no item takes come last.
    let behind = if items.contains(&Index::Ellipsis) { 0 } else { spare };
    let found = found.unwrap_or(place + at.saturating_sub(axis));
    Axis::Behind(place + behind - found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_keeps_rows_only_where_it_takes_all() {
        let all = Index::Slice { start: None, stop: None, step: None };
        let some = Index::Slice { start: Some(1), stop: None, step: None };
        let back = Index::Slice { start: None, stop: None, step: Some(-1) };
        let behind = |items: &[Index], rank, at| indexed(items, rank, at);
        assert_eq!(behind(&[Index::At(0)], 2, 1), Axis::Behind(1));
        assert_eq!(behind(&[all, Index::At(0)], 2, 0), Axis::Behind(1));
        assert_eq!(behind(&[all, Index::NewAxis], 1, 0), Axis::Behind(2));
        assert_eq!(behind(&[Index::NewAxis, all], 2, 0), Axis::Behind(2));
        assert_eq!(behind(&[Index::Ellipsis, Index::At(0)], 3, 0), Axis::Behind(2));
        assert_eq!(behind(&[Index::Ellipsis, some], 3, 1), Axis::Behind(2));
        assert_eq!(behind(&[some], 3, 0), Axis::Lost(Loss::Sliced));
        assert_eq!(behind(&[Index::Ellipsis, back], 2, 1), Axis::Lost(Loss::Reversed));
    }
}
