//! The arrays of a call: inputs or their copies, outputs, temporary arrays.

use std::sync::Arc;

use hotloop_runtime::control::{Control, Stop};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::format::Format;
use hotloop_runtime::huge_pages::prefer_huge_pages;
use hotloop_runtime::location::Location;
use hotloop_runtime::storage::Storage;
use hotloop_runtime::store::{FileArray, Store};
use hotloop_runtime::strided::{broadcast_strides, gather};
use hotloop_runtime::view::View;

use crate::call::{Call, Operand, allocate, stopped};
use crate::domain::{Derived, Layout, Shapes, c_strides, element_count};
use crate::error::{Error, ErrorKind, Result};
use crate::overlap::{Overlap, Places};
use crate::plan::{Array, Destination, Load, Pass, Plan};
use crate::store;

/// Elements copied between two checks of the control.
const COPIED: usize = 1 << 20;

/// A copy of an input, made at each run.
pub struct Copied {
    /// The input's number.
    pub input: usize,
    pub from: View,
    pub bytes: Vec<u8>,
}

impl Copied {
    /// # Safety
    /// The input is readable.
    pub unsafe fn make(&mut self, control: &Control) -> Result<()> {
        let View { storage, shape, strides } = &self.from;
        let pointer = match &storage.location {
            Location::Memory(pointer) => pointer,
            Location::Store { store, .. } => {
                return store::load(store, &mut self.bytes, control).map_err(stopped);
            }
            Location::Scratch(_) => return Err(Error::internal("an input is in scratch")),
        };
        let size = storage.format.size();
        let n = self.bytes.len() / size;
        for start in (0..n).step_by(COPIED) {
            control.check().map_err(stopped)?;
            let to = self.bytes.as_mut_ptr().wrapping_add(start * size);
            // SAFETY: the copy has room for the view's elements.
            unsafe { gather(to, *pointer, shape, strides, size, start, COPIED.min(n - start)) };
        }
        Ok(())
    }
}

/// An array that stands in for a sink, because later passes read it; it is copied to the sink.
pub struct Drain {
    from: View,
    to: Store,
    bytes: usize,
}

impl Drain {
    /// # Safety
    /// The array has been written.
    pub unsafe fn run(&self, control: &Control) -> std::result::Result<(), Stop> {
        match &self.from.storage.location {
            Location::Memory(first) => {
                // SAFETY: the array is dense, and has this many bytes.
                let bytes = unsafe { std::slice::from_raw_parts(*first, self.bytes) };
                store::save(&self.to, bytes, control)
            }
            Location::Store { store: from, .. } => store::copy(from, &self.to, self.bytes, control),
            Location::Scratch(_) => Err(store::in_scratch()),
        }
    }
}

/// An array written by a pass, which later ones may read.
struct Kept {
    written: View,
    read: View,
}

impl Kept {
    /// The temporary array of this number, in its group's scratch.
    fn in_scratch(number: u32, dtype: DType, shape: Box<[usize]>) -> Kept {
        let strides = c_strides(&shape, dtype.size()).into();
        let (location, format) = (Location::Scratch(number), Format::Native(dtype));
        let view = View { storage: Storage { location, format }, shape: shape.into(), strides };
        Kept { written: view.clone(), read: view }
    }
}

/// The arrays of a call.
pub struct Arrays {
    /// Each input array, or the copy that replaces it.
    inputs: Vec<Option<View>>,
    outputs: Vec<Kept>,
    temporaries: Vec<Kept>,
    /// The memory of temporary arrays.
    pub memory: Vec<Vec<u8>>,
    /// The number of temporary arrays, and their bytes.
    pub kept: (usize, u64),
    /// The inputs to copy before each run.
    pub copies: Vec<Copied>,
    /// The copies to sinks, each with the number of the pass it follows.
    pub drains: Vec<(usize, Drain)>,
    /// The remaining memory budget in bytes; `usize::MAX` if no array is outside memory.
    room: usize,
}

/// Arrays outside memory up to this size are loaded.
const SMALL: usize = 64 << 10;
/// The number of reads from which loading an array pays.
const OFTEN: usize = 4;

impl Arrays {
    pub fn new(plan: &Plan, call: &Call<'_>) -> Result<Arrays> {
        let inputs = call.operands.iter().map(|operand| match operand {
            Operand::Array(view) => Some(view.clone()),
            Operand::Scalar(_) => None,
        });
        let inputs: Vec<Option<View>> = inputs.collect();
        let stored = |view: &View| view.store().is_some();
        let stores = inputs.iter().flatten().any(stored) || call.outputs.iter().any(stored);
        let room = if stores { call.limits.memory / 2 } else { usize::MAX };
        let (outputs, temporaries, memory) = (Vec::new(), Vec::new(), Vec::new());
        let (copies, drains) = (Vec::new(), Vec::new());
        let kept = (0, 0);
        let mut arrays =
            Arrays { inputs, outputs, temporaries, memory, kept, copies, drains, room };
        for (number, view) in call.outputs.iter().enumerate() {
            let kept = arrays.output(plan, number, view, call)?;
            arrays.outputs.push(kept);
        }
        for (number, array) in plan.temporaries.iter().enumerate() {
            let shape = call.shapes.of(array.domain)?;
            let kept = match array.local.is_some() {
                true => Kept::in_scratch(number as u32, array.dtype, shape),
                false => arrays.keep(array.dtype, shape, call)?,
            };
            arrays.temporaries.push(kept);
        }
        if stores {
            arrays.load(plan, call)?;
        }
        Ok(arrays)
    }

    /// A new array, in memory if the budget allows it.
    fn keep(&mut self, dtype: DType, shape: Box<[usize]>, call: &Call<'_>) -> Result<Kept> {
        let bytes = element_count(&shape)?.saturating_mul(dtype.size());
        self.kept = (self.kept.0 + 1, self.kept.1.saturating_add(bytes as u64));
        if bytes <= self.room {
            self.room -= if self.room == usize::MAX { 0 } else { bytes };
            let (view, memory) = fresh(dtype, shape)?;
            self.memory.push(memory);
            return Ok(Kept { written: view.clone(), read: view });
        }
        let directory = call.limits.directory.clone();
        let directory = directory.unwrap_or_else(|| std::env::temp_dir().into());
        let file = FileArray::temporary(&directory, dtype, &shape).map_err(|error| {
            let message = format!("no temporary file in {directory:?}: {error}");
            Error::new(ErrorKind::Io, message).caused_by(error)
        })?;
        let file = Arc::new(file);
        let name = || format!("a temporary file in {directory:?}");
        let written = store::named(store::sink(file.clone()), name);
        Ok(Kept { written, read: store::named(store::source(file), name) })
    }

    /// The array that passes write for an output: another one if it is a sink that later passes
    /// read.
    fn output(&mut self, plan: &Plan, number: usize, view: &View, call: &Call<'_>) -> Result<Kept> {
        let itself = || Kept { written: view.clone(), read: view.clone() };
        let (array, target) = (Array::Output(number as u32), Destination::Output(number as u32));
        let reads = |pass: &Pass| pass.loads.iter().any(|load| load.array == array);
        let Some(store) = view.store().filter(|_| plan.passes.iter().any(reads)) else {
            return Ok(itself());
        };
        let Some(writer) =
            plan.passes.iter().position(|pass| pass.destinations().any(|to| to == target))
        else {
            return Ok(itself());
        };
        let Kept { written, read } = self.keep(view.dtype(), view.shape.clone().into(), call)?;
        // Its bytes are those of the sink, and are then copied as they are.
        let as_sink = |kept: View| View {
            strides: view.strides.clone(),
            ..kept.in_format(view.storage.format)
        };
        let kept = Kept { written: as_sink(written), read: as_sink(read) };
        let bytes = store::byte_count(view)?;
        let drain = Drain { from: kept.read.clone(), to: store.clone(), bytes };
        self.drains.push((writer, drain));
        Ok(kept)
    }

    /// Loads inputs outside memory that are small or read repeatedly.
    fn load(&mut self, plan: &Plan, call: &Call<'_>) -> Result<()> {
        let mut reads = vec![0usize; self.inputs.len()];
        for pass in &plan.passes {
            let elements = element_count(&call.shapes.of(pass.space)?)?;
            for load in &pass.loads {
                if let Array::Input(number) = load.array {
                    let reads = &mut reads[number as usize];
                    *reads = reads.saturating_add(elements);
                }
            }
        }
        for (number, reads) in reads.into_iter().enumerate() {
            let stored = |view: &&View| view.store().is_some() && reads > 0;
            let Some(view) = self.inputs[number].as_ref().filter(stored) else { continue };
            let bytes = store::byte_count(view)?;
            let often = reads > OFTEN * (bytes / view.size());
            if (bytes <= SMALL || often) && bytes <= self.room {
                self.room -= bytes;
                self.copy(number)?;
            }
        }
        Ok(())
    }

    /// Copies inputs that an output would overwrite before they are read.
    pub fn separate(&mut self, plan: &Plan, call: &Call<'_>) -> Result<()> {
        if call.fresh {
            return Ok(());
        }
        // The pass that writes each output, and whether it stores element by element.
        let mut writers = vec![None; call.outputs.len()];
        for (at, pass) in plan.passes.iter().enumerate() {
            let carried = pass.carries.iter().map(|carry| (carry.to, false));
            for (to, by_element) in pass.stores.iter().map(|s| (s.to, true)).chain(carried) {
                if let Destination::Output(number) = to {
                    writers[number as usize].get_or_insert((at, by_element));
                }
            }
        }
        let places = Places::new(call.outputs.iter());
        for (at, pass) in plan.passes.iter().enumerate() {
            for load in &pass.loads {
                let Array::Input(input) = load.array else { continue };
                let view = self.view(call.shapes, load)?;
                let may_not_stay = |number: usize| match writers[number] {
                    Some((writer, by_element)) if writer <= at => {
                        match Overlap::of(&view, &call.outputs[number]) {
                            Overlap::Apart => false,
                            Overlap::Same => at > writer || !by_element,
                            Overlap::Partial => true,
                        }
                    }
                    _ => false,
                };
                if places.meeting(&view).any(may_not_stay) {
                    self.copy(input as usize)?;
                }
            }
        }
        Ok(())
    }

    fn copy(&mut self, number: usize) -> Result<()> {
        let Some(view) = &self.inputs[number] else { return Ok(()) };
        let (own, bytes) = fresh(view.dtype(), view.shape.clone().into())?;
        // What is loaded stays in its order.
        let mut copy = own.in_format(view.storage.format);
        if view.store().is_some() {
            copy.strides = view.strides.clone();
        }
        self.copies.push(Copied { input: number, from: view.clone(), bytes });
        self.inputs[number] = Some(copy);
        Ok(())
    }

    fn array(&self, array: Array) -> Result<&View> {
        match array {
            Array::Input(number) => self.inputs[number as usize].as_ref(),
            Array::Output(number) => self.outputs.get(number as usize).map(|kept| &kept.read),
            Array::Temporary(number) => {
                self.temporaries.get(number as usize).map(|kept| &kept.read)
            }
        }
        .ok_or_else(|| Error::internal("a pass reads what is no array"))
    }

    /// The array of a load, with its views applied.
    pub fn view(&self, shapes: &Shapes, load: &Load) -> Result<View> {
        let mut view = self.array(load.array)?.clone();
        for derived in &load.views {
            view = viewed(shapes, derived, &view)?;
        }
        Ok(view)
    }

    /// The number of a temporary array that has no memory, as a few rows of it are enough.
    fn local(&self, array: Array) -> Option<u32> {
        match array {
            Array::Temporary(number) => {
                let kept = self.temporaries.get(number as usize)?;
                kept.written.storage.location.scratch()
            }
            _ => None,
        }
    }

    /// Allocates the local temporary arrays of a group; returns whether there were any.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn place(&mut self, plan: &Plan, group: u32, call: &Call<'_>) -> Result<bool> {
        let mut any = false;
        for (number, array) in plan.temporaries.iter().enumerate() {
            if array.local == Some(group) && self.local(Array::Temporary(number as u32)).is_some() {
                let shape = call.shapes.of(array.domain)?;
                self.temporaries[number] = self.keep(array.dtype, shape, call)?;
                any = true;
            }
        }
        Ok(any)
    }

    /// Whether an array is the caller's, not a copy.
    pub fn is_callers(&self, array: Array) -> bool {
        match array {
            Array::Input(number) => !self.copies.iter().any(|copy| copy.input == number as usize),
            Array::Output(_) => true,
            Array::Temporary(_) => false,
        }
    }

    /// The array that a pass writes; `None` for a uniform.
    pub fn written(&self, to: Destination) -> Option<&View> {
        let kept = match to {
            Destination::Output(number) => self.outputs.get(number as usize),
            Destination::Temporary(number) => self.temporaries.get(number as usize),
            Destination::Uniform(_) => None,
        };
        kept.map(|kept| &kept.written)
    }
}

/// A new array in C order.
fn fresh(dtype: DType, shape: Box<[usize]>) -> Result<(View, Vec<u8>)> {
    let mut memory = allocate(element_count(&shape)? * dtype.size())?;
    prefer_huge_pages(&mut memory);
    let strides = c_strides(&shape, dtype.size()).into();
    let shape = shape.into();
    let pointer = memory.as_mut_ptr();
    Ok((View { storage: Storage::native(pointer, dtype), shape, strides }, memory))
}

/// A view of an array.
fn viewed(shapes: &Shapes, derived: &Derived, array: &View) -> Result<View> {
    let whole = broadcast(array, &shapes.of(derived.of)?)?;
    let layout = Layout { shape: whole.shape.to_vec(), strides: whole.strides.to_vec(), offset: 0 };
    let Layout { shape, strides, offset } = derived.how.view(&layout)?;
    let Storage { location, format } = array.storage.clone();
    let storage = Storage { location: location.shifted(offset), format };
    Ok(View { storage, shape: shape.into(), strides: strides.into() })
}

/// An array broadcast to a shape.
///
/// # Errors
/// `Internal` if it does not broadcast to the shape.
pub fn broadcast(view: &View, shape: &[usize]) -> Result<View> {
    let strides = broadcast_strides(&view.shape, &view.strides, shape)
        .ok_or_else(|| Error::internal("an array does not broadcast to its pass"))?;
    Ok(View { shape: shape.into(), strides: strides.into(), ..view.clone() })
}
