//! [`Bindings`]: a pass with the shapes and arrays of a call, independent of the device.

use hotloop_runtime::reduce::Order;
use hotloop_runtime::storage::Storage;
use hotloop_runtime::view::View;

use super::arrays::{Arrays, broadcast};
use super::uniforms::Uniforms;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::overlap::{Overlap, Places};
use crate::plan::{Destination, Pass, Plan};
use crate::stats::Traffic;

/// The shapes and arrays of a pass.
pub struct Bindings {
    /// The extents of its iteration space.
    pub shape: Box<[usize]>,
    /// A mask of the axes of its carries.
    pub mask: Vec<bool>,
    /// The order of accumulation, which decides the bits of results.
    pub order: Order,
    /// The arrays that it reads, broadcast to its shape.
    pub inputs: Vec<View>,
    /// Whether each input must be staged tile by tile, because an output overwrites it.
    pub staged: Vec<bool>,
    /// The arrays that it writes, element by element.
    pub outputs: Vec<View>,
    /// The arrays that take the results of its carries; strides are 0 along the carries' axes.
    pub results: Vec<View>,
}

impl Bindings {
    /// Binds a pass.
    ///
    /// # Errors
    /// `Shape` for axes that are not there.
    pub fn new(
        plan: &Plan,
        pass: &Pass,
        call: &Call<'_>,
        arrays: &Arrays,
        uniforms: &mut Uniforms,
    ) -> Result<Bindings> {
        let shape = call.shapes.of(pass.space)?;
        let mask = match &pass.axes {
            Some(how) => how.reduced(&shape)?,
            None => vec![true; shape.len()],
        };
        let mut written = |to: Destination| match (to, arrays.written(to)) {
            (_, Some(view)) => Ok(view.clone()),
            (Destination::Uniform(number), None) => {
                let dtype = plan.uniforms[number as usize].dtype;
                let storage = Storage::native(uniforms.landing(number), dtype);
                Ok(View { storage, shape: [].into(), strides: [].into() })
            }
            _ => Err(Error::internal("a pass writes what is no array")),
        };
        let mut outputs = Vec::with_capacity(pass.stores.len());
        for store in &pass.stores {
            outputs.push(written(store.to)?);
        }
        let mut inputs = Vec::with_capacity(pass.loads.len());
        for load in &pass.loads {
            inputs.push(broadcast(&arrays.view(call.shapes, load)?, &shape)?);
        }
        let mut results = Vec::with_capacity(pass.carries.len());
        for carry in &pass.carries {
            let result = written(carry.to)?;
            results.push(View { strides: along_kept(&result, &mask).into(), ..result });
        }
        let places = Places::new(outputs.iter().filter(|_| !call.fresh));
        let staged = inputs.iter().map(|view| {
            let meets = |out: usize| Overlap::of(view, &outputs[out]) != Overlap::Apart;
            places.meeting(view).any(meets)
        });
        let staged = staged.collect();
        let order = pass.order(&mask);
        Ok(Bindings { order, shape, mask, inputs, staged, outputs, results })
    }

    /// The bytes that one run reads and writes.
    pub fn traffic(&self, (loads, stores): &(Vec<bool>, Vec<bool>)) -> Traffic {
        let inputs = self.inputs.iter().zip(loads).filter(|(_, moved)| **moved);
        let outputs = self.outputs.iter().zip(stores).filter(|(_, moved)| **moved);
        let written = outputs.map(|(view, _)| view).chain(&self.results);
        Traffic {
            elements: self.shape.iter().map(|extent| *extent as u64).product(),
            read: inputs.map(|(view, _)| bytes_of(view, &view.strides)).sum(),
            written: written.map(|view| bytes_of(view, &[])).sum(),
        }
    }
}

/// Bytes of the distinct elements of a view; axes of stride 0 count once.
fn bytes_of(view: &View, strides: &[isize]) -> u64 {
    let elements = view.shape.iter().enumerate().map(|(axis, extent)| match strides.get(axis) {
        Some(0) => 1.min(*extent),
        _ => *extent,
    });
    elements.fold(view.size() as u64, |bytes, extent| bytes.saturating_mul(extent as u64))
}

/// The strides of a reduction's results along the axes of its operand: 0 along the reduced axes.
fn along_kept(result: &View, mask: &[bool]) -> Vec<isize> {
    let keepdims = result.shape.len() == mask.len();
    let mut strides = result.strides.iter();
    let mut along = |reduced: &bool| match (reduced, keepdims) {
        (true, false) => 0,
        (true, true) => {
            strides.next();
            0
        }
        (false, _) => strides.next().copied().unwrap_or(0),
    };
    mask.iter().map(&mut along).collect()
}
