//! Binding of a pass for a device: from its [`Bindings`] to a [`Launch`].

use std::sync::atomic::{AtomicU32, Ordering};

use hotloop_runtime::cell::Cell;
use hotloop_runtime::control::Control;
use hotloop_runtime::device::{DriverError, Function};
use hotloop_runtime::nest::{self, Nest};
use hotloop_runtime::view::View;

use super::bindings::Bindings;
use crate::backend::text::{Kernel, MOST_AXES, TILE};
use crate::call::stopped;
use crate::error::{Error, Result};

/// The words of the parameters before those of the operands, and those of each operand; see
/// `hl_launch` in the prelude of texts.
const HEAD: usize = 4 + MOST_AXES;
const EACH: usize = 1 + MOST_AXES;

/// A pass over memory that a device can access: one launch or, of more axes than a launch has, one
/// for each index of the outer ones.
pub struct Launch {
    kernel: Kernel,
    function: Function,
    parameters: Vec<u64>,
    /// The flags that kernels raise.
    flags: Box<AtomicU32>,
    /// The outer axes: extents, and strides of each operand.
    outer: Vec<(usize, Vec<isize>)>,
    blocks: u64,
}

impl Launch {
    /// Binds an elementwise pass; `None` if an operand is not in memory or not in this machine's
    /// byte order.
    ///
    /// # Errors
    /// `Internal` if the device does not take the kernel.
    pub fn new(kernel: &Kernel, bindings: &Bindings, cells: *const Cell) -> Result<Option<Launch>> {
        let Bindings { shape, inputs, outputs, .. } = bindings;
        // The nest follows the strides of the outputs.
        let views: Vec<&View> = outputs.iter().chain(inputs).collect();
        let reached = |view: &&View| view.address().is_some() && view.storage.format.is_native();
        if !views.iter().all(reached) {
            return Ok(None);
        }
        let operands: Vec<nest::Operand<'_>> = views
            .iter()
            .map(|view| nest::Operand { size: view.size(), strides: &view.strides })
            .collect();
        let (nest, mut paths) = Nest::elementwise(shape, &operands);
        // Kernels take their loads first.
        paths.rotate_left(outputs.len());
        let views = inputs.iter().chain(outputs);
        let extents = nest.outer.iter().chain(&nest.rows).chain(&nest.columns);
        let strides = |axis: usize| {
            let along = |path: &nest::Path| {
                let mut all = path.outer.iter().chain(&path.rows).chain(&path.columns);
                all.nth(axis).copied().unwrap_or(0)
            };
            paths.iter().map(along).collect()
        };
        let mut outer: Vec<(usize, Vec<isize>)> =
            extents.enumerate().map(|(axis, extent)| (*extent, strides(axis))).collect();
        let inner = outer.split_off(outer.len().saturating_sub(MOST_AXES));
        let count: u64 = inner.iter().map(|(extent, _)| *extent as u64).product();
        let flags = Box::new(AtomicU32::new(0));
        let mut parameters = vec![0; HEAD + EACH * paths.len()];
        let head = [count, cells as u64, flags.as_ptr() as u64, inner.len() as u64];
        parameters[..4].copy_from_slice(&head);
        for (axis, (extent, strides)) in inner.iter().enumerate() {
            parameters[4 + axis] = *extent as u64;
            for (operand, stride) in strides.iter().enumerate() {
                parameters[HEAD + EACH * operand + 1 + axis] = *stride as u64;
            }
        }
        for (operand, (view, path)) in views.zip(&paths).enumerate() {
            let first = view.address().unwrap_or_default().wrapping_offset(path.offset);
            parameters[HEAD + EACH * operand] = first as u64;
        }
        let [along, any] = kernel.functions().map_err(failed)?;
        let function = if inner.len() <= 1 { along } else { any };
        let blocks = count.div_ceil(TILE);
        let kernel = kernel.clone();
        Ok(Some(Launch { kernel, function, parameters, flags, outer, blocks }))
    }

    /// Moves an operand.
    pub fn shift(&mut self, operand: usize, bytes: isize) {
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
        let launches: usize = self.outer.iter().map(|(extent, _)| extent).product();
        let mut parameters = self.parameters.clone();
        for number in 0..if self.blocks == 0 { 0 } else { launches } {
            control.check().map_err(stopped)?;
            let mut rest = number;
            parameters.copy_from_slice(&self.parameters);
            for (extent, strides) in self.outer.iter().rev() {
                let at = rest % extent;
                rest /= extent;
                for (operand, stride) in strides.iter().enumerate() {
                    let first = &mut parameters[HEAD + EACH * operand];
                    *first = first.wrapping_add_signed((at as isize * stride) as i64);
                }
            }
            // SAFETY: the parameters are laid out as the kernel has them; and the caller's promise.
            unsafe { self.kernel.driver().launch(self.function, self.blocks, &parameters) }
                .map_err(failed)?;
        }
        Ok(self.flags.swap(0, Ordering::Relaxed))
    }
}

fn failed(error: DriverError) -> Error {
    Error::internal(error.to_string())
}
