//! Arrays that hotloop and the loops in C share: by address, with shape and strides.

use std::ffi::c_void;

use hotloop::threads::prefer_huge_pages;
use hotloop::{Arg, DType, Out};

/// The order of elements in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layout {
    C,
    Fortran,
    /// One axis, every second element.
    Second,
}

/// A cache line: arrays begin with one.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u64; 8]);

pub struct Buffer {
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
    lines: Vec<Line>,
}

/// `SplitMix64`'s scrambling of a counter.
pub fn mix(counter: u64) -> u64 {
    let x = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Buffer {
    /// Zeros, and at least a few lines of memory.
    pub fn zeroed(dtype: DType, shape: &[usize], layout: Layout) -> Buffer {
        let size = dtype.size() as isize;
        let step = if layout == Layout::Second { 2 * size } else { size };
        let mut strides = vec![0; shape.len()];
        let mut stride = step;
        let mut place = |axis: usize| {
            strides[axis] = stride;
            stride *= shape[axis] as isize;
        };
        match layout {
            Layout::Fortran => (0..shape.len()).for_each(&mut place),
            _ => (0..shape.len()).rev().for_each(&mut place),
        }
        let mut lines = Vec::with_capacity((stride as usize).div_ceil(64) + 16);
        prefer_huge_pages(lines.spare_capacity_mut());
        lines.resize(lines.capacity(), Line([0; 8]));
        Buffer { dtype, shape: shape.to_vec(), strides, lines }
    }

    /// Numbers drawn evenly from a range; integers are rounded down.
    pub fn drawn(
        dtype: DType,
        shape: &[usize],
        layout: Layout,
        seed: u64,
        (low, high): (f64, f64),
    ) -> Buffer {
        let mut buffer = Buffer::zeroed(dtype, shape, layout);
        let size = dtype.size();
        for (i, element) in buffer.bytes_mut().chunks_exact_mut(size).enumerate() {
            let unit = (mix(seed << 40 | i as u64) >> 11) as f64 / (1u64 << 53) as f64;
            let x = low + unit * (high - low);
            match dtype {
                DType::F64 => element.copy_from_slice(&x.to_le_bytes()),
                DType::F32 => element.copy_from_slice(&(x as f32).to_le_bytes()),
                DType::U64 => element.copy_from_slice(&(x as u64).to_le_bytes()),
                _ => element.copy_from_slice(&(x.floor() as i64).to_le_bytes()[..size]),
            }
        }
        buffer
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let bytes = size_of_val(&self.lines[..]);
        // SAFETY: the lines' own memory, which holds plain integers.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), bytes) }
    }

    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn pointer(&self) -> *mut c_void {
        self.lines.as_ptr().cast_mut().cast()
    }

    /// A dense array's elements as doubles, for comparisons.
    pub fn values(&self) -> Vec<f64> {
        (0..self.len()).map(|i| self.value(i)).collect()
    }

    fn value(&self, i: usize) -> f64 {
        let pointer = self.pointer();
        assert!(i < self.len());
        // SAFETY: inside the buffer, which is dense and of this dtype.
        unsafe {
            match self.dtype {
                DType::F64 => *pointer.cast::<f64>().add(i),
                DType::F32 => f64::from(*pointer.cast::<f32>().add(i)),
                DType::U8 => f64::from(*pointer.cast::<u8>().add(i)),
                DType::I16 => f64::from(*pointer.cast::<i16>().add(i)),
                DType::I32 => f64::from(*pointer.cast::<i32>().add(i)),
                DType::U32 => f64::from(*pointer.cast::<u32>().add(i)),
                DType::I64 => *pointer.cast::<i64>().add(i) as f64,
                DType::U64 => *pointer.cast::<u64>().add(i) as f64,
                other => panic!("no workload has outputs of {other}"),
            }
        }
    }

    pub fn arg(&self) -> Arg<'_> {
        // SAFETY: `zeroed` made the memory for this layout; contenders run one after another.
        unsafe { Arg::raw(self.pointer().cast(), &self.shape, &self.strides, self.dtype) }
    }

    /// The array as an output. Several contenders may hold it.
    pub fn out(&self) -> Out<'_> {
        // SAFETY: as `arg`, and only the contender that runs writes or reads it.
        unsafe { Out::raw(self.pointer().cast(), &self.shape, &self.strides, self.dtype) }
    }
}
