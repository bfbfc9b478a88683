//! The reference interpreter: evaluates the legalized graph node by node, over whole arrays.
//!
//! Slow and simple: it bypasses optimizer, plan and backend, which must agree with it bit for bit.
//! It shares only the kernels' arithmetic with them.

use hotloop_runtime::convert::{Lane, convert};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::fpenv::FpEnv;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::{self, Order, Reduction};
use hotloop_runtime::scan::{self, Attributes};
use hotloop_runtime::storage::Storage;
use hotloop_runtime::strided::{broadcast_strides, gather, scatter};
use hotloop_runtime::view::View;

use crate::call::{Call, Operand, allocate, empty_extreme, stopped};
use crate::domain::{Derivation, Layout, Shapes, c_strides, element_count};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, NodeId};
use crate::ops::{Lowering, Op};
use crate::weak::adopt_bits;

/// The baseline kernels; all instances compute the same bits.
const ISA: Isa = Isa::Baseline;

/// Elements computed between two checks of the control.
const CHUNK: usize = 1 << 16;

/// Evaluates the graph into the outputs; returns the advisory flags.
///
/// # Errors
/// `Cancelled`, `OutOfMemory`, `Shape` for an empty `min` or `max`, and `Type` for a weak number
/// that does not fit.
///
/// # Safety
/// Every view of the call is in memory and valid for its shape, strides and dtype, for the time of
/// the call; outputs are writable. They may overlap inputs, because all inputs are read before any
/// output is written.
pub unsafe fn evaluate(graph: &Graph, call: &Call<'_>) -> Result<u32> {
    let _environment = FpEnv::enter();
    let live = graph.live();
    let mut uses = graph.uses();
    let mut values: Vec<Vec<u8>> = vec![Vec::new(); graph.len()];
    let mut flags = 0;
    for id in graph.ids().filter(|id| live[id.index()]) {
        let ty = graph.ty(id);
        let shape = call.shapes.of(ty.domain)?;
        let n = element_count(&shape)?;
        let size = ty.dtype.size();
        // At least a whole word, so that scalars can be read as bits.
        let mut out = allocate((n * size).max(8))?;
        match *graph.node(id) {
            Node::Input(i) => match &call.operands[i as usize] {
                Operand::Scalar(bits) => out[..8].copy_from_slice(&bits.to_le_bytes()),
                Operand::Array(view) => {
                    let View { storage: Storage { format, .. }, shape, strides } = view;
                    // SAFETY: the view is valid by this function's contract, and `out` has n
                    // elements.
                    unsafe {
                        collect(&mut out, address(view)?, shape, strides, size, call)?;
                    }
                    for part in out.chunks_mut(CHUNK * size) {
                        call.control.check().map_err(stopped)?;
                        // SAFETY: whole elements.
                        unsafe { format.decode(part.as_mut_ptr(), part.len() / size) };
                        if ty.dtype == DType::Bool {
                            // Any byte but 0 is true.
                            part.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
                        }
                    }
                }
            },
            Node::Wide(_) => return Err(unadopted()),
            Node::Const(bits) => out[..8].copy_from_slice(&bits.to_le_bytes()),
            Node::Convert(x) => {
                let (from, to) = (Lane::Value(graph.dtype(x)), Lane::Value(ty.dtype));
                let kernel = convert(from, to, ISA)
                    .ok_or_else(|| Error::internal("a conversion without a kernel"))?;
                for start in (0..n).step_by(CHUNK) {
                    call.control.check().map_err(stopped)?;
                    let (arg, len) = (&values[x.index()], CHUNK.min(n - start));
                    // SAFETY: both buffers hold n elements of their dtypes.
                    unsafe {
                        let none = std::ptr::null();
                        let out = out.as_mut_ptr().add(start * size);
                        kernel(
                            out,
                            arg.as_ptr().add(start * graph.dtype(x).size()),
                            none,
                            none,
                            len,
                        );
                    }
                }
            }
            Node::View(x) => {
                let view = viewed(graph, id, x, call.shapes)?;
                let base = values[x.index()].as_ptr().wrapping_offset(view.offset);
                // SAFETY: a view stays inside the elements of x, and `out` has n elements.
                unsafe { collect(&mut out, base, &view.shape, &view.strides, size, call)? };
            }
            Node::Adopt(x) => {
                let bits = adopt_bits(word(&values[x.index()]), graph.dtype(x), ty.dtype)?;
                out[..8].copy_from_slice(&bits.to_le_bytes());
            }
            Node::Along(op, pair, attributes, _) => {
                let pair = pair.map(|x| &values[x.index()][..]);
                running(graph, id, call, (op, attributes), pair, &mut out)?;
            }
            Node::Apply(op, operands) => match op.row().lowering {
                Lowering::Size => {
                    let n = element_count(&call.shapes.of(graph.ty(operands[0]).domain)?)?;
                    out[..8].copy_from_slice(&(n as u64).to_le_bytes());
                }
                Lowering::Length => {
                    let ([(reduced, _), _], _) = split(graph, operands[0], call.shapes)?;
                    let n = element_count(&reduced)?;
                    out[..8].copy_from_slice(&(n as u64).to_le_bytes());
                }
                Lowering::Reduce(reduction) => {
                    let x = operands[0];
                    reduce(graph, id, call, reduction, &values[x.index()], &mut out)?;
                }
                Lowering::Kernel(_) => {
                    // SAFETY: every operand is expanded to n elements of its dtype.
                    flags |= unsafe {
                        apply(graph, id, op, &operands, &values, &shape, call, &mut out)?
                    };
                }
                Lowering::Expand | Lowering::Along(_) => {
                    return Err(Error::internal(format!("{op:?} reached the interpreter")));
                }
            },
        }
        values[id.index()] = out;
        for x in graph.node(id).operands() {
            uses[x.index()] -= 1;
            if uses[x.index()] == 0 {
                values[x.index()] = Vec::new();
            }
        }
    }
    for (output, view) in graph.outputs().iter().zip(call.outputs) {
        let View { storage: Storage { format, .. }, shape, strides } = view;
        let (n, size, to) = (element_count(shape)?, format.size(), address(view)?);
        let value = &mut values[output.index()];
        // SAFETY: the output's view is valid and writable, and its shape is that of the value.
        unsafe {
            format.encode(value.as_mut_ptr(), n);
            for start in (0..n).step_by(CHUNK) {
                call.control.check().map_err(stopped)?;
                let from = value.as_ptr().add(start * size);
                scatter(to, from, shape, strides, size, start, CHUNK.min(n - start));
            }
            // The value may go into another output too.
            format.decode(value.as_mut_ptr(), n);
        }
    }
    Ok(flags)
}

/// Where an array is in memory.
fn address(view: &View) -> Result<*mut u8> {
    view.address().ok_or_else(|| Error::internal("the interpreter has an array outside memory"))
}

/// Copies the elements of a strided array, in C order, and looks at the control meanwhile.
///
/// # Safety
/// The array is readable, and `out` has room for its elements.
unsafe fn collect(
    out: &mut [u8],
    from: *const u8,
    shape: &[usize],
    strides: &[isize],
    size: usize,
    call: &Call<'_>,
) -> Result<()> {
    let n = element_count(shape)?;
    for start in (0..n).step_by(CHUNK) {
        call.control.check().map_err(stopped)?;
        let to = out.as_mut_ptr().wrapping_add(start * size);
        // SAFETY: the caller's promise.
        unsafe { gather(to, from, shape, strides, size, start, CHUNK.min(n - start)) };
    }
    Ok(())
}

/// The layout of a view in its operand's value.
fn viewed(graph: &Graph, id: NodeId, x: NodeId, shapes: &Shapes) -> Result<Layout> {
    let derived = graph.derivation(id).ok_or_else(|| Error::internal("a view of no shape"))?;
    let own = shapes.of(graph.ty(x).domain)?;
    let of = shapes.of(derived.of)?;
    let strides = broadcast_strides(&own, &c_strides(&own, graph.dtype(x).size()), &of)
        .ok_or_else(|| Error::internal("an operand does not broadcast to its view"))?;
    derived.how.view(&Layout { shape: of.into(), strides, offset: 0 })
}

/// The extents and C-order strides of an operand's reduced axes, then those of the other axes.
type Split = [(Vec<usize>, Vec<isize>); 2];

/// Splits the axes of a reduction's operand into reduced and kept ones; the last part is whether
/// the last axis is kept.
fn split(graph: &Graph, id: NodeId, shapes: &Shapes) -> Result<(Split, bool)> {
    let x = graph.node(id).operands()[0];
    let of = &*shapes.of(graph.ty(x).domain)?;
    let all = Derivation::Reduce { axes: None, keepdims: false };
    let mask = graph.derivation(id).map_or(&all, |d| &d.how).reduced(of)?;
    let strides = c_strides(of, graph.dtype(x).size());
    let pick = |wanted: bool| -> (Vec<usize>, Vec<isize>) {
        let axes = (0..of.len()).filter(|a| mask[*a] == wanted);
        axes.map(|a| (of[a], strides[a])).unzip()
    };
    Ok(([pick(true), pick(false)], mask.last() == Some(&false)))
}

/// Computes a reduction by its definition: each sequence is collected in C order, and reduced.
fn reduce(
    graph: &Graph,
    id: NodeId,
    call: &Call<'_>,
    reduction: Reduction,
    data: &[u8],
    out: &mut [u8],
) -> Result<()> {
    let Node::Apply(op, operands) = *graph.node(id) else {
        return Err(Error::internal("a reduction of nothing"));
    };
    let (dtype, result) = (graph.dtype(operands[0]), graph.dtype(id));
    let size = dtype.size();
    let ([(reduced, reduced_strides), (kept, kept_strides)], keeps_last) =
        split(graph, id, call.shapes)?;
    let order = if keeps_last { Order::Column } else { Order::Row };
    let (sequences, length) = (element_count(&kept)?, element_count(&reduced)?);
    if sequences == 0 {
        return Ok(());
    }
    let mut sequence = allocate(length * size)?;
    for i in 0..sequences {
        call.control.check().map_err(stopped)?;
        let mut rest = i;
        let mut offset = 0;
        for (extent, stride) in kept.iter().zip(&kept_strides).rev() {
            offset += (rest % extent) as isize * stride;
            rest /= extent;
        }
        let base = data.as_ptr().wrapping_offset(offset);
        // SAFETY: the sequence's elements are among those of the operand's value.
        unsafe {
            collect(&mut sequence, base, &reduced, &reduced_strides, size, call)?;
        }
        let sequence = &sequence[..length * size];
        let bits = reduce::reference(reduction, dtype, order, sequence, call.control)
            .map_err(stopped)?
            .ok_or_else(|| empty_extreme(op))?;
        let bytes = &bits.to_le_bytes()[..result.size()];
        out[i * result.size()..(i + 1) * result.size()].copy_from_slice(bytes);
    }
    Ok(())
}

/// Computes a scan by its definition: each sequence is collected, replaced by its results, and put
/// at its places.
fn running(
    graph: &Graph,
    id: NodeId,
    call: &Call<'_>,
    (op, attributes): (Op, Attributes),
    pair: [&[u8]; 2],
    out: &mut [u8],
) -> Result<()> {
    let dtype = graph.dtype(id);
    let size = dtype.size();
    let missing = || Error::internal("a scan along no axis");
    let sequences = graph.sequences(id).ok_or_else(missing)?;
    let of = &*call.shapes.of(graph.ty(id).domain)?;
    let mask = sequences.how.reduced(of)?;
    if of.contains(&0) {
        return Ok(());
    }
    // An array without axes is a sequence of one element.
    let strides = c_strides(of, size);
    let pick = |wanted: bool| -> (Vec<usize>, Vec<isize>) {
        let axes = (0..of.len()).filter(|a| mask[*a] == wanted);
        axes.map(|a| (of[a], strides[a])).unzip()
    };
    let [(along, steps), (others, other_steps)] = [pick(true), pick(false)];
    let length = element_count(&along)?;
    let mut sequences = [allocate(length * size)?, allocate(length * size)?];
    for number in 0..element_count(&others)? {
        call.control.check().map_err(stopped)?;
        let (mut rest, mut offset) = (number, 0);
        for (extent, stride) in others.iter().zip(&other_steps).rev() {
            offset += (rest % extent) as isize * stride;
            rest /= extent;
        }
        for (sequence, data) in sequences.iter_mut().zip(pair) {
            let base = data.as_ptr().wrapping_offset(offset);
            // SAFETY: the sequence's elements are among those of the operand's value.
            unsafe { collect(sequence, base, &along, &steps, size, call)? };
        }
        let [sequence, others] = &mut sequences;
        let (sequence, others) = (&mut sequence[..length * size], &others[..length * size]);
        let known = op
            .scan()
            .map(|scan| scan::reference(scan, attributes, dtype, sequence, others, call.control));
        if known.transpose().map_err(stopped)? != Some(true) {
            return Err(Error::internal(format!("{op:?} of {dtype} is no scan")));
        }
        let to = out.as_mut_ptr().wrapping_offset(offset);
        // SAFETY: the sequence's places are among those of the result.
        unsafe { scatter(to, sequence.as_ptr(), &along, &steps, size, 0, length) };
    }
    Ok(())
}

/// # Safety
/// `values` holds each operand's elements, `out` room for those of `shape`.
#[allow(clippy::too_many_arguments, reason = "the parts of one step of the loop above")]
unsafe fn apply(
    graph: &Graph,
    id: NodeId,
    op: Op,
    operands: &[NodeId],
    values: &[Vec<u8>],
    shape: &[usize],
    call: &Call<'_>,
    out: &mut [u8],
) -> Result<u32> {
    let n = element_count(shape)?;
    let dtype = graph.dtype(operands[operands.len() - 1]);
    let kernel = op
        .defined_kernel(dtype, ISA)
        .ok_or_else(|| Error::internal(format!("{op:?} has no {dtype} kernel")))?;
    let mut expanded: [Vec<u8>; 3] = Default::default();
    let mut args: [(*const u8, usize); 3] = [(std::ptr::null(), 0); 3];
    for (i, x) in operands.iter().enumerate() {
        let (ty, data) = (graph.ty(*x), &values[x.index()]);
        let size = ty.dtype.size();
        args[i] = (data.as_ptr(), size);
        if ty.domain != graph.ty(id).domain {
            let own = call.shapes.of(ty.domain)?;
            let contiguous = c_strides(&own, size);
            let strides = broadcast_strides(&own, &contiguous, shape)
                .ok_or_else(|| Error::internal("an operand does not broadcast to its user"))?;
            expanded[i] = allocate(n * size)?;
            // SAFETY: `data` holds `own`'s elements; the strides stay inside them.
            unsafe { collect(&mut expanded[i], data.as_ptr(), shape, &strides, size, call)? };
            args[i].0 = expanded[i].as_ptr();
        }
    }
    let mut flags = 0;
    for start in (0..n).step_by(CHUNK) {
        call.control.check().map_err(stopped)?;
        let at = |i: usize| args[i].0.wrapping_add(start * args[i].1);
        // SAFETY: each pointer has at least `n - start` elements, by the expansion above.
        flags |= unsafe {
            kernel(
                out.as_mut_ptr().add(start * graph.dtype(id).size()),
                at(0),
                at(1),
                at(2),
                CHUNK.min(n - start),
            )
        };
    }
    Ok(flags)
}

fn unadopted() -> Error {
    Error::internal("a weak integer that took no dtype")
}

fn word(value: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&value[..8]);
    u64::from_le_bytes(bytes)
}

const _: () = assert!(cfg!(target_endian = "little"), "element bits are kept little end first");
const _: () = assert!(DType::F64.size() == 8, "a word holds every element");
