//! Random arrays in a given layout, and arrays from files.

use hotloop::ndarray::{ArrayViewD, Axis, IxDyn, ShapeBuilder};
use hotloop::threads::prefer_huge_pages;
use hotloop::{Arg, DType, Element, Error, ErrorKind, Result};

use super::spec::Layout;
use crate::array::{Array as ReadArray, byte_count};
use crate::interrupt::by_parts;
use crate::split_mix::SplitMix64;

/// A random number generator of sufficient quality for benchmarks.
pub(crate) struct Generator(SplitMix64);

impl Generator {
    /// The initial state, the same in every run.
    pub(crate) const SEED: u64 = 0x5eed;

    pub(crate) fn new() -> Generator {
        Generator(SplitMix64(Self::SEED))
    }

    /// Draws the bits of an element: floats in (0, 1), integers in 1 to 100.
    fn element(&mut self, dtype: DType) -> u64 {
        let x = self.0.next();
        match dtype {
            DType::Bool => x & 1,
            DType::F32 => u64::from((((x >> 41) as f32 + 0.5) / (1u32 << 23) as f32).to_bits()),
            DType::F64 => (((x >> 12) as f64 + 0.5) / (1u64 << 52) as f64).to_bits(),
            _ => x % 100 + 1,
        }
    }
}

/// An array, drawn in C order whatever its layout, or read from a file.
pub(crate) struct Drawn {
    /// Its name in the program.
    pub name: String,
    /// The element type.
    pub dtype: DType,
    /// The extents of the axes.
    pub shape: Vec<usize>,
    /// Bytes from an element to the next, for each axis.
    pub strides: Vec<isize>,
    /// The offset of the first element from the first aligned byte.
    pub offset: usize,
    /// Bytes from the lowest element to the end of the highest.
    pub span: usize,
    /// Whether elements are misaligned.
    pub odd: bool,
    /// Whether it is read from a file.
    pub is_read: bool,
    /// The bytes before the first aligned one.
    padding: usize,
    words: Box<[u64]>,
}

/// Arrays start at a cache line.
const ALIGNMENT: usize = 64;

/// Allocates zeros at an aligned address.
fn words(bytes: usize) -> Option<Box<[u64]>> {
    let count = bytes.checked_add(2 * ALIGNMENT)?.div_ceil(8);
    let mut words: Box<[u64]> = bytemuck::allocation::try_zeroed_slice_box(count).ok()?;
    prefer_huge_pages(&mut words);
    Some(words)
}

/// The bytes before the first aligned one.
fn padding(words: &[u64]) -> usize {
    words.as_ptr().cast::<u8>().align_offset(ALIGNMENT)
}

impl Drawn {
    /// Draws an array.
    ///
    /// # Errors
    /// `OutOfMemory`, also if the size overflows; `Cancelled`.
    pub(crate) fn draw(
        generator: &mut Generator,
        name: &str,
        dtype: DType,
        shape: &[usize],
        layout: Layout,
    ) -> Result<Drawn> {
        let refused = || {
            let message = format!("no memory for {name}, an array of {dtype} of shape {shape:?}");
            Error::new(ErrorKind::OutOfMemory, message)
        };
        let dense = byte_count(dtype, shape).ok_or_else(refused)?;
        let size = dtype.size();
        let step = if layout == Layout::Second { 2 } else { 1 };
        let words = dense.checked_mul(step).and_then(words).ok_or_else(refused)?;

        let mut strides = vec![0; shape.len()];
        let mut stride = (size * step) as isize;
        let mut place = |axis: usize| {
            strides[axis] = stride;
            stride *= shape[axis] as isize;
        };
        match layout {
            Layout::Fortran => (0..shape.len()).for_each(&mut place),
            _ => (0..shape.len()).rev().for_each(&mut place),
        }
        let mut offset = usize::from(layout == Layout::Odd);
        if let (Layout::Reversed, Some(stride), Some(extent)) =
            (layout, strides.last_mut(), shape.last())
        {
            offset += *stride as usize * (extent - 1);
            *stride = -*stride;
        }
        let padding = padding(&words);
        let mut array = Drawn {
            name: name.to_string(),
            dtype,
            shape: shape.to_vec(),
            strides,
            offset,
            span: dense * step - (step - 1) * size,
            odd: layout == Layout::Odd && size > 1,
            is_read: false,
            padding,
            words,
        };
        array.fill(generator)?;
        Ok(array)
    }

    /// Copies an array, with the alignment of drawn ones.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub(crate) fn copied(name: &str, array: &ReadArray) -> Result<Drawn> {
        let span = array.bytes().len();
        let mut words = words(span).ok_or_else(|| {
            let message = format!("no memory for a copy of {name}, which has {span} bytes");
            Error::new(ErrorKind::OutOfMemory, message)
        })?;
        let padding = padding(&words);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        bytes[padding..][..span].copy_from_slice(array.bytes());
        Ok(Drawn {
            name: name.to_string(),
            dtype: array.dtype(),
            shape: array.shape().to_vec(),
            strides: array.strides().to_vec(),
            offset: 0,
            span,
            odd: false,
            is_read: true,
            padding,
            words,
        })
    }

    /// The bytes from the lowest element to the end of the highest.
    pub(crate) fn bytes(&self) -> &[u8] {
        let bytes: &[u8] = bytemuck::cast_slice(&self.words);
        bytes.get(self.padding..self.padding + self.span).unwrap_or_default()
    }

    fn fill(&mut self, generator: &mut Generator) -> Result<()> {
        let (dtype, size) = (self.dtype, self.dtype.size());
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.words);
        let mut index = vec![0usize; self.shape.len()];
        let mut at = (self.padding + self.offset) as isize;
        let mut draw = || {
            let bits = generator.element(dtype).to_le_bytes();
            bytes[at as usize..][..size].copy_from_slice(&bits[..size]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= self.strides[axis] * index[axis] as isize;
                index[axis] = 0;
            }
        };
        by_parts(self.shape.iter().product(), |part| part.for_each(|_| draw()))
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    fn first(&self) -> *const u8 {
        self.words.as_ptr().cast::<u8>().wrapping_add(self.padding + self.offset)
    }

    /// The array as an argument.
    pub(crate) fn arg(&self) -> Arg<'_> {
        self.arg_within(&self.shape)
    }

    /// A view of the first elements along each axis, limited by extents matched from the last axis.
    pub(crate) fn arg_within(&self, limits: &[usize]) -> Arg<'_> {
        let mut shape = self.shape.clone();
        for (extent, limit) in shape.iter_mut().rev().zip(limits.iter().rev()) {
            *extent = (*extent).min(*limit);
        }
        // SAFETY: `draw` and `copied` made the memory for this layout, no extent is longer, and the
        // argument borrows the array.
        unsafe { Arg::raw(self.first(), &shape, &self.strides, self.dtype) }
    }

    /// The array as an `ndarray` view; `None` for another dtype, and for unaligned addresses.
    pub(crate) fn view<T: Element>(&self) -> Option<ArrayViewD<'_, T>> {
        if T::DTYPE != self.dtype || self.odd {
            return None;
        }
        let size = self.dtype.size() as isize;
        let steps: Vec<usize> = self.strides.iter().map(|s| (s / size).unsigned_abs()).collect();
        let backwards: Vec<usize> =
            (0..self.strides.len()).filter(|axis| self.strides[*axis] < 0).collect();
        let below: isize =
            backwards.iter().map(|&k| self.strides[k] * (self.shape[k] as isize - 1)).sum();
        let lowest = self.first().wrapping_offset(below).cast::<T>();
        let shape = IxDyn(&self.shape).strides(IxDyn(&steps));
        // SAFETY: as `arg`; the lowest element is where the axes that run backwards end, and is
        // aligned, as the offset is whole elements from a line's beginning.
        let mut view = unsafe { ArrayViewD::from_shape_ptr(shape, lowest) };
        backwards.into_iter().for_each(|axis| view.invert_axis(Axis(axis)));
        Some(view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(dtype: DType, shape: &[usize], layout: Layout) -> Drawn {
        Drawn::draw(&mut Generator::new(), "x", dtype, shape, layout).unwrap()
    }

    #[test]
    fn draws_stay_inside_their_ranges() {
        let array = drawn(DType::F32, &[10_000], Layout::C);
        assert!(array.view::<f32>().unwrap().iter().all(|x| 0.0 < *x && *x < 1.0));
        let array = drawn(DType::I8, &[10_000], Layout::C);
        assert!(array.view::<i8>().unwrap().iter().all(|x| (1..=100).contains(x)));
    }

    /// Every layout holds the same elements, for hotloop and for `ndarray`.
    #[test]
    fn layouts_differ_in_memory_only() {
        let program = hotloop::compile("x").unwrap();
        let expected = drawn(DType::F64, &[3, 4, 5], Layout::C);
        let expected = expected.view::<f64>().unwrap();
        for layout in [Layout::C, Layout::Fortran, Layout::Reversed, Layout::Second, Layout::Odd] {
            let array = drawn(DType::F64, &[3, 4, 5], layout);
            let copy = program.eval_as::<f64>([("x", array.arg())]).unwrap();
            assert_eq!(copy, expected, "{layout:?}");
            match array.view::<f64>() {
                Some(view) => assert_eq!(view, expected, "{layout:?}"),
                None => assert!(layout == Layout::Odd),
            }
            let part = program.eval_as::<f64>([("x", array.arg_within(&[2, 9, 3]))]).unwrap();
            assert_eq!(part.shape(), [2, 4, 3]);
            assert_eq!(part[[1, 3, 2]], expected[[1, 3, 2]]);
        }
        assert_eq!(drawn(DType::F64, &[3, 4], Layout::Second).span, 23 * 8);
        assert_eq!(drawn(DType::F64, &[3, 4], Layout::Fortran).strides, [8, 24]);
    }

    #[test]
    fn too_many_bytes_are_refused() {
        for shape in [&[1 << 50][..], &[1 << 40, 1 << 40]] {
            let error = Drawn::draw(&mut Generator::new(), "x", DType::F64, shape, Layout::Second)
                .err()
                .unwrap();
            assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        }
    }
}
