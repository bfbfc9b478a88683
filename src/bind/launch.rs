//! Binding of a pass for a device: from its [`Bindings`] to a [`Launch`].

use std::sync::atomic::{AtomicU32, Ordering};

use hotloop_runtime::cell::Cell;
use hotloop_runtime::control::Control;
use hotloop_runtime::device::{DriverError, Function};
use hotloop_runtime::executor::Slot;
use hotloop_runtime::nest::{self, Nest};
use hotloop_runtime::reduce::Order;
use hotloop_runtime::view::View;

use super::bindings::Bindings;
use crate::backend::text::{Kernel, MOST_AXES, PART, PARTIAL, TILE};
use crate::call::{allocate, stopped};
use crate::error::{Error, Result};

/// The place of the extents among the words of the parameters, and of what describes sequences; see
/// `hl_launch` in the prelude of texts.
const EXTENTS: usize = 4;
const SEQUENCES: usize = EXTENTS + MOST_AXES;
/// The words before those of the operands, and those of each operand.
const HEAD: usize = SEQUENCES + 5;
const EACH: usize = 1 + MOST_AXES;

/// A pass over memory that a device can access.
pub struct Launch {
    kernel: Kernel,
    /// What is launched: functions, each over this number of blocks.
    launches: Vec<(Function, u64)>,
    parameters: Vec<u64>,
    /// The number of operands that are read or written element by element.
    elements: usize,
    /// The flags that kernels raise.
    flags: Box<AtomicU32>,
    /// The axes beyond those of a launch: it is repeated for each index of these.
    outer: Vec<Axis>,
    /// The memory of partial results.
    _partials: Vec<u8>,
}

/// An axis: its extent, and the stride of each operand in bytes.
struct Axis {
    extent: usize,
    strides: Vec<isize>,
}

impl Launch {
    /// Binds a pass; `None` if an operand is not in memory or not in this machine's byte order, if a
    /// reduction has no elements, or if it has too many axes.
    ///
    /// # Errors
    /// `OutOfMemory`; `Internal` if the device does not take the kernel.
    pub fn new(kernel: &Kernel, bindings: &Bindings, cells: *const Cell) -> Result<Option<Launch>> {
        let Bindings { inputs, outputs, results, .. } = bindings;
        let views: Vec<&View> = inputs.iter().chain(outputs).chain(results).collect();
        let reached = |view: &&View| view.address().is_some() && view.storage.format.is_native();
        if !views.iter().all(reached) {
            return Ok(None);
        }
        let (mut outer, offsets) = match results.is_empty() {
            true => elementwise(bindings),
            false => (sequences(bindings), vec![0; views.len()]),
        };
        let inner = outer.split_off(outer.len().saturating_sub(MOST_AXES));
        let count: u64 = inner.iter().map(|axis| axis.extent as u64).product();
        let flags = Box::new(AtomicU32::new(0));
        let mut parameters = vec![0; HEAD + EACH * views.len()];
        let head = [count, cells as u64, flags.as_ptr() as u64, inner.len() as u64];
        parameters[..EXTENTS].copy_from_slice(&head);
        for (number, axis) in inner.iter().enumerate() {
            parameters[EXTENTS + number] = axis.extent as u64;
            for (operand, stride) in axis.strides.iter().enumerate() {
                parameters[HEAD + EACH * operand + 1 + number] = *stride as u64;
            }
        }
        for (operand, (view, offset)) in views.iter().zip(offsets).enumerate() {
            let first = view.address().unwrap_or_default().wrapping_offset(offset);
            parameters[HEAD + EACH * operand] = first as u64;
        }
        let mut partials = Vec::new();
        let launches = if results.is_empty() {
            let [along, any] = kernel.functions().map_err(failed)?;
            vec![(if inner.len() <= 1 { along } else { any }, count.div_ceil(TILE))]
        } else {
            if count == 0 || !outer.is_empty() {
                return Ok(None);
            }
            let reduced = bindings.shape.iter().zip(&bindings.mask).filter(|(_, mask)| **mask);
            let length: u64 = reduced.map(|(extent, _)| *extent as u64).product();
            let (parts, sequences) = (length.div_ceil(PART), count / length);
            let bytes = PARTIAL.saturating_mul(results.len());
            let bytes = bytes.saturating_mul((parts * sequences) as usize);
            // With room to align them.
            partials = allocate(bytes.saturating_add(align_of::<u64>()))?;
            let first = partials.as_mut_ptr();
            let first = first.wrapping_add(first.align_offset(align_of::<u64>()));
            let by_rows = u64::from(bindings.order == Order::Row);
            let words = [length, parts, sequences, by_rows, first as u64];
            parameters[SEQUENCES..HEAD].copy_from_slice(&words);
            let [part, whole] = kernel.functions().map_err(failed)?;
            vec![(part, parts * sequences), (whole, sequences)]
        };
        let kernel = kernel.clone();
        let elements = inputs.len() + outputs.len();
        let _partials = partials;
        Ok(Some(Launch { kernel, launches, parameters, elements, flags, outer, _partials }))
    }

    /// Moves an operand.
    pub fn shift(&mut self, slot: Slot, bytes: isize) {
        let operand = match slot {
            Slot::Operand(number) => number,
            Slot::Fold(number) => self.elements + number,
        };
        let first = &mut self.parameters[HEAD + EACH * operand];
        *first = first.wrapping_add_signed(bytes as i64);
    }

    /// Runs the pass; returns advisory flags.
    ///
    /// # Errors
    /// `Cancelled`; `Internal` if the device fails.
    ///
    /// # Safety
    /// The operands are valid, and no other run uses those that are written.
    pub unsafe fn run(&self, control: &Control) -> Result<u32> {
        let times: usize = self.outer.iter().map(|axis| axis.extent).product();
        let mut parameters = self.parameters.clone();
        for number in 0..times {
            parameters.copy_from_slice(&self.parameters);
            let mut rest = number;
            for Axis { extent, strides } in self.outer.iter().rev() {
                let at = rest % extent;
                rest /= extent;
                for (operand, stride) in strides.iter().enumerate() {
                    let first = &mut parameters[HEAD + EACH * operand];
                    *first = first.wrapping_add_signed((at as isize * stride) as i64);
                }
            }
            for (function, blocks) in self.launches.iter().filter(|(_, blocks)| *blocks > 0) {
                control.check().map_err(stopped)?;
                // SAFETY: the parameters are laid out as the kernel has them; and the caller's
                // promise.
                unsafe { self.kernel.driver().launch(*function, *blocks, &parameters) }
                    .map_err(failed)?;
            }
        }
        Ok(self.flags.swap(0, Ordering::Relaxed))
    }
}

/// The axes of an elementwise pass, in the order of the outputs' strides and merged where they can
/// be, and the offset of each operand's first element.
fn elementwise(bindings: &Bindings) -> (Vec<Axis>, Vec<isize>) {
    let Bindings { shape, inputs, outputs, .. } = bindings;
    let operands: Vec<nest::Operand<'_>> = outputs
        .iter()
        .chain(inputs)
        .map(|view| nest::Operand { size: view.size(), strides: &view.strides })
        .collect();
    let (nest, mut paths) = Nest::elementwise(shape, &operands);
    // Kernels take their loads first.
    paths.rotate_left(outputs.len());
    let extents = nest.outer.iter().chain(&nest.rows).chain(&nest.columns);
    let stride = |path: &nest::Path, axis: usize| {
        let mut all = path.outer.iter().chain(&path.rows).chain(&path.columns);
        all.nth(axis).copied().unwrap_or(0)
    };
    let strides = |axis: usize| paths.iter().map(|path| stride(path, axis)).collect();
    let axes = extents
        .enumerate()
        .map(|(number, extent)| Axis { extent: *extent, strides: strides(number) });
    (axes.collect(), paths.iter().map(|path| path.offset).collect())
}

/// The axes of a reduction: those that stay, then those of its sequences, in C order.
fn sequences(bindings: &Bindings) -> Vec<Axis> {
    let Bindings { shape, mask, inputs, outputs, results, .. } = bindings;
    let axes = |reduced: bool| {
        let long = (0..shape.len()).filter(|axis| shape[*axis] != 1);
        let own = long.filter(move |axis| mask[*axis] == reduced);
        own.map(|axis| Axis {
            extent: shape[axis],
            strides: inputs
                .iter()
                .chain(outputs)
                .chain(results)
                .map(|view| view.strides.get(axis).copied().unwrap_or(0))
                .collect(),
        })
    };
    axes(false).chain(axes(true)).collect()
}

fn failed(error: DriverError) -> Error {
    Error::internal(error.to_string())
}
