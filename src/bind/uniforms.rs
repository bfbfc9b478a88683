//! Evaluation of uniforms: when arrays are bound or, if they depend on a scalar array or the result
//! of a pass, at each run.

use hotloop_runtime::block::BlockFn;
use hotloop_runtime::cell::Cell;
use hotloop_runtime::convert::convert_scalar;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::view::View;

use crate::call::{Call, Operand, stopped};
use crate::domain::element_count;
use crate::error::{Error, Result, quoted};
use crate::plan::{Array, Source, Uniform};
use crate::store;
use crate::weak::{adopt_bits, compute, compute_weak};

/// Evaluates the uniforms that are known once arrays are bound; the others are `None`. Also returns
/// the flags raised.
///
/// # Errors
/// `Type` for a weak number that does not fit the adopted dtype, or `i64`.
pub fn known(uniforms: &[Uniform], call: &Call<'_>) -> Result<(Vec<Option<u64>>, u32)> {
    let mut known: Vec<Option<u64>> = Vec::with_capacity(uniforms.len());
    let mut flags = 0;
    for (number, uniform) in uniforms.iter().enumerate() {
        let operands = uniform.source.operands().iter();
        let operands: Option<Vec<u64>> = operands.map(|x| known[*x as usize]).collect();
        let dtype_of = |x: u32| uniforms[x as usize].dtype;
        let bits = match (&uniform.source, operands) {
            (Source::Carry, _) | (_, None) => None,
            (Source::Constant(bits), _) => Some(*bits),
            (Source::Input(input), _) => match call.operands[*input as usize] {
                Operand::Scalar(bits) => Some(truth(bits, uniform.dtype)),
                Operand::Array(_) => None,
            },
            (Source::Size(domain), _) => Some(element_count(&call.shapes.of(*domain)?)? as u64),
            (Source::Length(derived), _) => Some(call.shapes.length(derived)? as u64),
            (Source::Convert(x), Some(bits)) => {
                Some(convert_scalar(bits[0], dtype_of(*x), uniform.dtype))
            }
            (Source::Adopt(x), Some(bits)) => {
                let adopted = adopt_bits(bits[0], dtype_of(*x), uniform.dtype);
                Some(adopted.map_err(|error| {
                    let hint = format!(
                        "pass a typed number, or convert it in the program: {}(...)",
                        uniform.dtype
                    );
                    let error = Error::new(error.kind(), error.message()).hint(hint);
                    blamed(uniforms, number, call, error)
                })?)
            }
            (Source::Apply(op, operands), Some(bits)) => {
                let dtype = dtype_of(operands[bits.len() - 1]);
                let computed = match uniform.weak {
                    true => compute_weak(*op, dtype, &bits)
                        .map_err(|error| blamed(uniforms, number, call, error))?,
                    false => compute(*op, dtype, &bits),
                };
                let (bits, raised) =
                    computed.ok_or_else(|| Error::internal("a uniform without a kernel"))?;
                flags |= raised;
                Some(bits)
            }
        };
        known.push(bits);
    }
    Ok((known, flags))
}

/// The error of a weak uniform, with the name of an argument that it depends on.
fn blamed(uniforms: &[Uniform], number: usize, call: &Call<'_>, error: Error) -> Error {
    let mut seen = vec![false; uniforms.len()];
    let mut open = vec![number];
    while let Some(number) = open.pop() {
        let source = &uniforms[number].source;
        if let Source::Input(input) = source {
            let name = quoted(&call.names[*input as usize]);
            let message = format!("the argument {name}: {}", error.message());
            let named = Error::new(error.kind(), message);
            return error.hints().iter().fold(named, |named, hint| named.hint(hint));
        }
        if !std::mem::replace(&mut seen[number], true) {
            open.extend(source.operands().iter().map(|x| *x as usize));
        }
    }
    error
}

/// The bits of an element; any byte but 0 is true.
fn truth(bits: u64, dtype: DType) -> u64 {
    if dtype == DType::Bool { u64::from(bits & 0xff != 0) } else { bits }
}

/// The uniforms of a bound plan.
pub struct Uniforms {
    /// The bits of each uniform; passes write the results of carries here.
    bits: Vec<u64>,
    /// Each uniform as compiled code reads it. Loops hold its address, so it is never resized.
    cells: Vec<Cell>,
    /// Scalar arrays, read before anything is written: the number of the uniform, and the array.
    reads: Vec<(u32, u32, View)>,
    /// The other uniforms computed by each run, in order.
    varying: Vec<Varying>,
    /// The number of `varying` uniforms computed in this run.
    done: usize,
    /// The flags raised by uniforms computed at binding.
    flags: u32,
}

/// A uniform computed at each run.
struct Varying {
    number: u32,
    dtype: DType,
    how: How,
}

enum How {
    /// The result of a pass.
    Carried,
    Convert(u32, DType),
    Apply(BlockFn, [u32; 3]),
}

impl Uniforms {
    /// Evaluates the known uniforms of a plan.
    ///
    /// # Errors
    /// As [`known`].
    pub fn new(uniforms: &[Uniform], call: &Call<'_>, isa: Isa) -> Result<Uniforms> {
        let (known, flags) = known(uniforms, call)?;
        let (mut reads, mut varying) = (Vec::new(), Vec::new());
        for (number, uniform) in uniforms.iter().enumerate() {
            if known[number].is_some() {
                continue;
            }
            let dtype_of = |x: u32| uniforms[x as usize].dtype;
            let how = match &uniform.source {
                Source::Carry => How::Carried,
                Source::Input(input) => match &call.operands[*input as usize] {
                    Operand::Array(view) => {
                        reads.push((number as u32, *input, view.clone()));
                        continue;
                    }
                    Operand::Scalar(_) => return Err(Error::internal("a number that varies")),
                },
                Source::Convert(x) => How::Convert(*x, dtype_of(*x)),
                Source::Apply(op, operands) => {
                    let count = uniform.source.operands().len();
                    let kernel = op.kernel(dtype_of(operands[count - 1]), isa);
                    let kernel =
                        kernel.ok_or_else(|| Error::internal("a uniform without a kernel"))?;
                    How::Apply(kernel, *operands)
                }
                _ => return Err(Error::internal("a weak number that varies")),
            };
            varying.push(Varying { number: number as u32, dtype: uniform.dtype, how });
        }
        let bits: Vec<u64> = known.iter().map(|bits| bits.unwrap_or(0)).collect();
        let mut cells: Vec<Cell> =
            bits.iter().zip(uniforms).map(|(bits, uniform)| cell(*bits, uniform.dtype)).collect();
        cells.resize(cells.len().max(1), Cell::default());
        Ok(Uniforms { bits, cells, reads, varying, done: 0, flags })
    }

    /// Shifts the addresses of scalar arrays.
    pub fn shift(&mut self, bytes: impl Fn(Array) -> isize) {
        for (_, input, view) in &mut self.reads {
            view.storage.location.shift(bytes(Array::Input(*input)));
        }
    }

    /// Replaces the values after scalar arguments changed; addresses stay the same.
    pub fn renew(&mut self, other: Uniforms) {
        self.bits.copy_from_slice(&other.bits);
        self.cells.copy_from_slice(&other.cells);
        (self.reads, self.varying, self.flags) = (other.reads, other.varying, other.flags);
    }

    /// Whether a run computes none.
    pub fn are_known(&self) -> bool {
        self.reads.is_empty() && self.varying.is_empty()
    }

    /// The flags raised at binding.
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// The address of the cells, for the tables of tiles.
    pub fn cells(&self) -> *const Cell {
        self.cells.as_ptr()
    }

    /// The address where a pass writes the result of a carry.
    pub fn landing(&mut self, number: u32) -> *mut u8 {
        self.bits.as_mut_ptr().wrapping_add(number as usize).cast()
    }

    /// The bits of a uniform.
    pub fn bits(&self, number: u32) -> u64 {
        self.bits[number as usize]
    }

    /// Starts a run: reads scalar arrays. Returns the flags raised at binding.
    ///
    /// # Errors
    /// `Io` for a scalar in a store.
    ///
    /// # Safety
    /// The scalar arrays of the call are readable.
    pub unsafe fn begin(&mut self) -> Result<u32> {
        self.done = 0;
        for (number, _, view) in &self.reads {
            // SAFETY: the view has one element of its dtype, readable by the caller's promise.
            let bits = unsafe { store::read_element(view) }.map_err(stopped)?;
            self.bits[*number as usize] = truth(bits, view.dtype());
            self.cells[*number as usize] = cell(self.bits[*number as usize], view.dtype());
        }
        Ok(self.flags)
    }

    /// Computes the uniforms below a number; returns the flags raised.
    #[inline]
    pub fn advance(&mut self, below: u32) -> u32 {
        let mut flags = 0;
        while let Some(Varying { number, dtype, how }) = self.varying.get(self.done)
            && *number < below
        {
            self.done += 1;
            let at = *number as usize;
            self.bits[at] = match how {
                How::Carried => self.bits[at],
                How::Convert(x, from) => convert_scalar(self.bits[*x as usize], *from, *dtype),
                How::Apply(kernel, operands) => {
                    let [a, b, c] =
                        operands.map(|x| std::ptr::from_ref(&self.bits[x as usize]).cast::<u8>());
                    let mut out = 0u64;
                    // SAFETY: one element of at most 8 bytes is read from each operand and written
                    // to `out`; an operation of fewer operands ignores the others.
                    flags |= unsafe { kernel((&raw mut out).cast(), a, b, c, 1) };
                    out
                }
            };
            self.cells[at] = cell(self.bits[at], *dtype);
        }
        flags
    }
}

fn cell(bits: u64, dtype: DType) -> Cell {
    if dtype == DType::Bool {
        Cell::mask(bits & 0xff != 0)
    } else {
        Cell::splat(bits, dtype.size())
    }
}
