//! An array that the command owns: read from a file, kept by the session, or drawn at random.

use hotloop::npy::Header;
use hotloop::threads::prefer_huge_pages;
use hotloop::{Arg, DType, Error, ErrorKind, Out, Result};

/// The order of an array's elements in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The last axis varies fastest.
    C,
    /// The first axis varies fastest.
    Fortran,
}

/// A dense array of a dtype that is known only at run time.
pub(crate) struct Array {
    dtype: DType,
    shape: Box<[usize]>,
    strides: Box<[isize]>,
    size: usize,
    /// The elements' bytes, and up to seven more.
    words: Box<[u64]>,
}

/// The size of an array in bytes; `None` if it overflows.
pub(crate) fn byte_count(dtype: DType, shape: &[usize]) -> Option<usize> {
    Header::new(dtype, shape).data_len().ok()
}

impl Array {
    /// Zeros.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub(crate) fn zeroed(dtype: DType, shape: &[usize], order: Order) -> Result<Array> {
        let refused = || {
            Error::new(
                ErrorKind::OutOfMemory,
                format!("no memory for an array of {dtype} of shape {shape:?}"),
            )
        };
        let size = byte_count(dtype, shape).ok_or_else(refused)?;
        let mut words =
            bytemuck::allocation::try_zeroed_slice_box(size.div_ceil(8)).map_err(|()| refused())?;
        prefer_huge_pages(&mut words);
        let mut strides = vec![0; shape.len()];
        let mut stride = dtype.size() as isize;
        let mut place = |axis: usize| {
            strides[axis] = stride;
            // Only the strides of an empty array may wrap, and they are unused.
            stride = stride.wrapping_mul(shape[axis] as isize);
        };
        match order {
            Order::C => (0..shape.len()).rev().for_each(&mut place),
            Order::Fortran => (0..shape.len()).for_each(&mut place),
        }
        Ok(Array { dtype, shape: shape.into(), strides: strides.into(), size, words })
    }

    /// A copy of elements in C order.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub(crate) fn copied(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<Array> {
        let mut array = Array::zeroed(dtype, shape, Order::C)?;
        array.bytes_mut().copy_from_slice(bytes);
        Ok(array)
    }

    /// Elements of 8 bytes along one axis.
    pub(crate) fn list(dtype: DType, elements: Vec<u64>) -> Array {
        let words = elements.into_boxed_slice();
        let (shape, strides) = ([words.len()].into(), [8].into());
        Array { dtype, shape, strides, size: 8 * words.len(), words }
    }

    /// The element type.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The extents of the axes.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The strides in bytes.
    pub(crate) fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// Whether the bytes of the elements are those of C order.
    pub(crate) fn is_in_c_order(&self) -> bool {
        let mut stride = self.dtype.size();
        self.shape.iter().zip(&self.strides).rev().all(|(extent, own)| {
            let fits = *extent == 1 || *own == stride as isize;
            stride = stride.wrapping_mul(*extent);
            fits
        })
    }

    /// The elements' bytes, in the order of memory.
    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.size]
    }

    /// The elements' bytes, mutable.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.size]
    }

    /// Reverses the bytes of every element.
    pub(crate) fn swap_bytes(&mut self) {
        let words = &mut *self.words;
        match self.dtype.size() {
            2 => bytemuck::cast_slice_mut::<_, u16>(words)
                .iter_mut()
                .for_each(|x| *x = x.swap_bytes()),
            4 => bytemuck::cast_slice_mut::<_, u32>(words)
                .iter_mut()
                .for_each(|x| *x = x.swap_bytes()),
            8 => words.iter_mut().for_each(|x| *x = x.swap_bytes()),
            _ => {}
        }
    }

    /// The array as an argument.
    pub(crate) fn arg(&self) -> Arg<'_> {
        // SAFETY: `zeroed` made the words for exactly this dense layout, and the argument borrows
        // the array.
        unsafe { Arg::raw(self.words.as_ptr().cast(), &self.shape, &self.strides, self.dtype) }
    }

    /// The array as an output.
    pub(crate) fn out(&mut self) -> Out<'_> {
        // SAFETY: as `arg`; the output borrows the array mutably, so nothing else reads or writes it.
        unsafe { Out::raw(self.words.as_mut_ptr().cast(), &self.shape, &self.strides, self.dtype) }
    }
}
