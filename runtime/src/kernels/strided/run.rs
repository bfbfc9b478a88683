//! Copies of one-dimensional strided runs.

use super::block::Axis;
use crate::isa::Isa;

/// The type that elements are copied as.
pub(super) trait Unit: Copy {}
impl Unit for u8 {}
impl Unit for u16 {}
impl Unit for u32 {}
impl Unit for u64 {}

/// A one-dimensional run of elements to copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) dst: *mut u8,
    pub(super) src: *const u8,
    pub(super) axis: Axis,
}

impl Run {
    /// # Safety
    /// The run's elements are readable in the source and writable in the destination, which
    /// overlap nowhere. The machine has the instruction set.
    #[inline]
    pub(super) unsafe fn copy<T: Unit>(self, isa: Isa) {
        let size = size_of::<T>() as isize;
        let Axis { count, dst, src } = self.axis;
        // SAFETY: the caller's promise.
        unsafe {
            if dst == size && src == size {
                self.dst.copy_from_nonoverlapping(self.src, count * size_of::<T>());
            } else if dst == size && src == 0 {
                self.fill::<T>();
            } else if !self.shuffle::<T>(isa) {
                self.step::<T>();
            }
        }
    }

    /// # Safety
    /// As [`Run::copy`]'s; the destination is contiguous and the source one element.
    unsafe fn fill<T: Unit>(self) {
        let dst = self.dst.cast::<T>();
        // SAFETY: the caller's promise; `i < count`.
        unsafe {
            let value = self.src.cast::<T>().read_unaligned();
            for i in 0..self.axis.count {
                dst.add(i).write_unaligned(value);
            }
        }
    }

    /// Copies by shuffles of vectors, if that can be done.
    ///
    /// # Safety
    /// As [`Run::copy`]'s.
    #[inline]
    unsafe fn shuffle<T: Unit>(self, isa: Isa) -> bool {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's promise.
        unsafe {
            super::shuffle::copy::<T>(self, isa)
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = isa;
            false
        }
    }

    /// # Safety
    /// As [`Run::copy`]'s.
    #[inline]
    pub(super) unsafe fn step<T: Unit>(self) {
        let Axis { count, dst, src } = self.axis;
        let each = |i: usize| {
            let i = i as isize;
            // SAFETY: the caller's promise; `i < count`.
            unsafe {
                let value = self.src.wrapping_offset(i * src).cast::<T>().read_unaligned();
                self.dst.wrapping_offset(i * dst).cast::<T>().write_unaligned(value);
            }
        };
        let whole = count & !3;
        for i in (0..whole).step_by(4) {
            (i..i + 4).for_each(each);
        }
        (whole..count).for_each(each);
    }

    /// # Safety
    /// As [`Run::copy`]'s, of elements of `size` bytes.
    pub(super) unsafe fn copy_bytes(self, size: usize) {
        for i in 0..self.axis.count as isize {
            let dst = self.dst.wrapping_offset(i * self.axis.dst);
            // SAFETY: the caller's promise; `i < count`.
            unsafe {
                dst.copy_from_nonoverlapping(self.src.wrapping_offset(i * self.axis.src), size)
            };
        }
    }
}
