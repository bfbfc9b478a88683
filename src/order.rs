//! The memory order of fresh outputs.

use hotloop_runtime::nest::{self, dense_strides};
use hotloop_runtime::strided::{broadcast_strides, is_contiguous};

use crate::call::Operand;
use crate::domain::{Derivation, Layout, Shapes, c_strides, f_strides};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, NodeId};
use crate::options::Order;

/// The strides of each output of a graph as a dense array.
///
/// # Errors
/// Shape errors only; shapes have been checked before.
pub fn fresh_strides(
    order: Order,
    graph: &Graph,
    shapes: &Shapes,
    operands: &[Operand],
) -> Result<Vec<Box<[isize]>>> {
    let plain = |operand: &Operand| match operand {
        Operand::Scalar(_) => true,
        Operand::Array(v) => v.shape.len() < 2 || is_contiguous(&v.shape, &v.strides, v.size()),
    };
    let follows = order == Order::K && !(graph.derived().is_empty() && operands.iter().all(plain));
    let followed = if follows { follow(graph, shapes, operands)? } else { Vec::new() };
    let strides = graph.outputs().iter().map(|id| {
        let ty = graph.ty(*id);
        let (shape, size) = (shapes.of(ty.domain)?, ty.dtype.size());
        Ok(match order {
            Order::K if follows => {
                let own = nest::Operand { size, strides: &followed[id.index()] };
                dense_strides(&shape, &[own], size)
            }
            Order::K | Order::C => c_strides(&shape, size),
            Order::F => f_strides(&shape, size),
        })
    });
    strides.collect()
}

/// The strides of every live node as a dense array, if each operation follows the order of its
/// operands as NumPy does; `None` for scalars.
fn follow(graph: &Graph, shapes: &Shapes, operands: &[Operand]) -> Result<Vec<Box<[isize]>>> {
    let live = graph.live();
    let mut all: Vec<Box<[isize]>> = vec![Box::new([]); graph.len()];
    for id in graph.ids().filter(|id| live[id.index()]) {
        let ty = graph.ty(id);
        if ty.domain.is_scalar() {
            continue;
        }
        let shape = shapes.of(ty.domain)?;
        // An operand's strides broadcast to the result's shape.
        let over = |x: NodeId, shape: &[usize]| {
            broadcast_strides(&shapes.of(graph.ty(x).domain)?, &all[x.index()], shape)
                .ok_or_else(|| Error::internal("an operand does not broadcast to its user"))
        };
        let size = ty.dtype.size();
        let strides = match (graph.node(id), graph.derivation(id)) {
            (Node::Input(number), _) => match &operands[*number as usize] {
                Operand::Array(view) => view.strides.clone().into(),
                Operand::Scalar(_) => Box::default(),
            },
            (Node::View(x), Some(derived)) => {
                let of = shapes.of(derived.of)?;
                let strides = over(*x, &of)?;
                let array = Layout { shape: of.into(), strides, offset: 0 };
                derived.how.view(&array)?.strides.into()
            }
            (Node::Apply(op, args), Some(derived)) if op.is_reduction() => {
                let of = shapes.of(derived.of)?;
                let mut kept = Vec::with_capacity(shape.len());
                let keepdims = matches!(derived.how, Derivation::Reduce { keepdims: true, .. });
                for (stride, reduced) in
                    over(args[0], &of)?.into_iter().zip(derived.how.reduced(&of)?)
                {
                    match reduced {
                        true if keepdims => kept.push(0),
                        true => {}
                        false => kept.push(stride),
                    }
                }
                dense_strides(&shape, &[nest::Operand { size, strides: &kept }], size)
            }
            (node, _) => {
                let arrays = node.operands().iter();
                let arrays = arrays.filter(|x| !graph.ty(**x).domain.is_scalar());
                let strides = arrays.map(|x| over(*x, &shape)).collect::<Result<Vec<_>>>()?;
                let list: Vec<nest::Operand<'_>> =
                    strides.iter().map(|s| nest::Operand { size, strides: s }).collect();
                dense_strides(&shape, &list, size)
            }
        };
        all[id.index()] = strides;
    }
    Ok(all)
}
