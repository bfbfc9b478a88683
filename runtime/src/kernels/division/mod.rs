//! Block kernels of integer division.
//!
//! No vector instruction divides integers. By a divisor that all elements of a block share, they are
//! [multiplied](multiplier) by its reciprocal; by different ones, the quotient is
//! [estimated](estimate) with floats and corrected. Every result is exact.

mod estimate;
#[cfg(target_arch = "x86_64")]
mod multiplier;
#[cfg(target_arch = "x86_64")]
mod vector;

use std::marker::PhantomData;

use crate::block::{BlockFn, DIVIDE_BY_ZERO};
use crate::dtype::DType;
use crate::elementwise::{Kernel, family, shell};
use crate::isa::Isa;
use estimate::Estimate;

/// The quotient rounded down, of integers; by zero it is 0, and the flag is [`DIVIDE_BY_ZERO`].
pub(super) fn floor_div(dtype: DType, isa: Isa) -> Option<BlockFn> {
    family!(ints, dtype, T => kernel::<T, Quotient>(isa))
}

/// The remainder of [`floor_div`].
pub(super) fn rem(dtype: DType, isa: Isa) -> Option<BlockFn> {
    family!(ints, dtype, T => kernel::<T, Modulo>(isa))
}

/// The remainder of the quotient rounded toward zero, C's.
pub(super) fn fmod(dtype: DType, isa: Isa) -> Option<BlockFn> {
    family!(ints, dtype, T => kernel::<T, Remainder>(isa))
}

/// A result of a division.
trait Part {
    const PART: Kind;
}

/// The results of a division.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Quotient,
    Modulo,
    Remainder,
}

/// The quotient rounded down.
struct Quotient;
/// The remainder with the sign of the divisor.
struct Modulo;
/// The remainder with the sign of the dividend.
struct Remainder;

impl Part for Quotient {
    const PART: Kind = Kind::Quotient;
}
impl Part for Modulo {
    const PART: Kind = Kind::Modulo;
}
impl Part for Remainder {
    const PART: Kind = Kind::Remainder;
}

fn kernel<T: Integer, P: Part>(isa: Isa) -> BlockFn {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => shell::<Division<T, P, std::arch::x86_64::__m512i, true>>(isa),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => shell::<Division<T, P, std::arch::x86_64::__m256i, false>>(isa),
        #[cfg(target_arch = "x86_64")]
        _ => shell::<Division<T, P, std::arch::x86_64::__m128i, false>>(isa),
        #[cfg(not(target_arch = "x86_64"))]
        _ => shell::<Division<T, P, (), false>>(isa),
    }
}

/// An integer that is divided.
#[cfg(target_arch = "x86_64")]
trait Integer: Estimate + multiplier::Divisor {}
#[cfg(target_arch = "x86_64")]
impl<T: Estimate + multiplier::Divisor> Integer for T {}
/// An integer that is divided.
#[cfg(not(target_arch = "x86_64"))]
trait Integer: Estimate {}
#[cfg(not(target_arch = "x86_64"))]
impl<T: Estimate> Integer for T {}

/// Blocks of fewer elements are not examined for a common divisor.
const SHORT: usize = 8;

/// Division with vectors `V`; `WIDE` if the instruction set is AVX-512.
struct Division<T, P, V, const WIDE: bool>(PhantomData<(T, P, V)>);

#[cfg(target_arch = "x86_64")]
impl<T: Integer, P: Part, V: vector::Vector, const WIDE: bool> Kernel for Division<T, P, V, WIDE> {
    #[inline(always)]
    unsafe fn run(out: *mut u8, a: *const u8, b: *const u8, _: *const u8, n: usize) -> u32 {
        // SAFETY: the caller gives `n` elements of each, and the machine has the vectors of the
        // shell's instruction set.
        unsafe {
            if n >= SHORT
                && let Some(divisor) = common::<T, V>(b, n)
            {
                if divisor.eq(T::ZERO) {
                    out.write_bytes(0, n * size_of::<T>());
                    return DIVIDE_BY_ZERO;
                }
                if let Some(multiplier) = divisor.multiplier() {
                    multiplier::divide::<T, P, V>(divisor, multiplier, out, a, n);
                    return 0;
                }
            }
            estimate::divide::<T, P, WIDE>(out, a, b, n)
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl<T: Integer, P: Part, const WIDE: bool> Kernel for Division<T, P, (), WIDE> {
    #[inline(always)]
    unsafe fn run(out: *mut u8, a: *const u8, b: *const u8, _: *const u8, n: usize) -> u32 {
        // SAFETY: the caller's promise.
        unsafe { estimate::divide::<T, P, WIDE>(out, a, b, n) }
    }
}

/// The element that a block repeats, if it is of one element's copies.
///
/// # Safety
/// There are `n` readable elements, at least one; the machine has the vector's instructions.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn common<T: Integer, V: vector::Vector>(block: *const u8, n: usize) -> Option<T> {
    /// Vectors between two decisions.
    const STRETCH: usize = 4;
    let (bytes, step) = (n * size_of::<T>(), size_of::<V>());
    // SAFETY: all reads are of whole elements below `n`, by the bounds of the loops.
    unsafe {
        let first = block.cast::<T>().read_unaligned();
        let mut copies = V::splat(0);
        for i in 0..step / size_of::<T>() {
            (&raw mut copies).cast::<T>().add(i).write_unaligned(first);
        }
        let mut at = 0;
        while bytes - at >= STRETCH * step {
            let mut other = V::splat(0);
            for i in 0..STRETCH {
                other = other.or(V::load(block.add(at + i * step)).xor(copies));
            }
            if !other.is_zero() {
                return None;
            }
            at += STRETCH * step;
        }
        while bytes - at >= step {
            if !V::load(block.add(at)).xor(copies).is_zero() {
                return None;
            }
            at += step;
        }
        while at < bytes {
            if block.add(at).cast::<T>().read_unaligned().ne(first) {
                return None;
            }
            at += size_of::<T>();
        }
        Some(first)
    }
}
