//! From a core to a block kernel: loops, tails, and the choice of an instruction set.

use super::Core;
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::lanes::{Element, Lanes, Scalar};
use crate::block::BlockFn;
use crate::dtype::DType;
use crate::isa::Isa;

/// The most lanes that a vector has.
const WIDEST: usize = 16;

/// One vector in memory.
///
/// # Safety
/// `x` must be readable and `out` writable for `L::WIDTH` elements.
#[inline(always)]
unsafe fn step<C: Core<N>, L: Lanes, const N: usize>(l: L, out: *mut L::E, x: [*const L::E; N]) {
    // SAFETY: the caller's promise.
    let x = x.map(|x| unsafe { l.load(x) });
    let y = L::E::eval::<C, L, N>(l, x);
    let y = l.select(l.eq(y, y), y, l.f(f64::NAN));
    // SAFETY: the caller's promise.
    unsafe { l.store(out, y) }
}

/// A block of any length.
///
/// # Safety
/// As of [`BlockFn`].
#[inline(always)]
unsafe fn block<C: Core<N>, L: Lanes, const N: usize>(
    l: L,
    out: *mut u8,
    x: [*const u8; 3],
    n: usize,
) {
    const { assert!(L::WIDTH <= WIDEST && N <= 3) };
    let out = out.cast::<L::E>();
    let x: [*const L::E; N] = std::array::from_fn(|k| x[k].cast());
    let mut i = 0;
    while n - i >= L::WIDTH {
        // SAFETY: the vector at `i` lies in the block.
        unsafe { step::<C, L, N>(l, out.add(i), x.map(|x| x.add(i))) };
        i += L::WIDTH;
    }
    if i < n {
        let bytes = (n - i) * size_of::<L::E>();
        let mut tail = [[L::E::default(); WIDEST]; N];
        let mut y = [L::E::default(); WIDEST];
        // SAFETY: the rest of the block is shorter than a vector, and the arrays are not.
        unsafe {
            for (tail, x) in tail.iter_mut().zip(x) {
                let tail = tail.as_mut_ptr().cast::<u8>();
                std::ptr::copy_nonoverlapping(x.add(i).cast(), tail, bytes);
            }
            step::<C, L, N>(l, y.as_mut_ptr(), tail.each_ref().map(|tail| tail.as_ptr()));
            std::ptr::copy_nonoverlapping(y.as_ptr().cast(), out.add(i).cast::<u8>(), bytes);
        }
    }
}

/// A kernel: the loop with an instruction set's instructions turned on.
macro_rules! shell {
    ($name:ident, $lanes:ident $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        unsafe extern "C" fn $name<C: Core<N>, E: Element, const N: usize>(
            out: *mut u8,
            a: *const u8,
            b: *const u8,
            c: *const u8,
            n: usize,
        ) -> u32
        where
            $lanes<E>: Lanes<E = E>,
        {
            // SAFETY: whoever calls a kernel of an instruction set has it; and as of `BlockFn`.
            #[allow(unused_unsafe, reason = "plain lanes need no proof")]
            unsafe { block::<C, $lanes<E>, N>($lanes::new(), out, [a, b, c], n) };
            0
        }
    };
}

shell!(scalar, Scalar);
#[cfg(target_arch = "x86_64")]
shell!(avx2, Avx2, "avx2,fma,bmi2");
#[cfg(target_arch = "x86_64")]
shell!(avx512, Avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2");

/// The kernel of a core. The bits are the same whichever it is.
pub(super) fn pick<C: Core<N>, const N: usize>(dtype: DType, isa: Isa) -> Option<BlockFn> {
    Some(match (dtype, isa) {
        #[cfg(target_arch = "x86_64")]
        (DType::F32, Isa::Avx512) => avx512::<C, f32, N>,
        #[cfg(target_arch = "x86_64")]
        (DType::F64, Isa::Avx512) => avx512::<C, f64, N>,
        #[cfg(target_arch = "x86_64")]
        (DType::F32, Isa::Avx2) => avx2::<C, f32, N>,
        #[cfg(target_arch = "x86_64")]
        (DType::F64, Isa::Avx2) => avx2::<C, f64, N>,
        (DType::F32, _) => scalar::<C, f32, N>,
        (DType::F64, _) => scalar::<C, f64, N>,
        _ => return None,
    })
}
