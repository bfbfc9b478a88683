//! Vector math: the elementary functions as block kernels.
//!
//! # How a function is written
//!
//! Once, as a `Core`: a branch-free expression over a few lanes of f64, in the operations of
//! `lanes::Lanes` and nothing else. The platform's libm is not used, nor std's functions over
//! it, for they differ from machine to machine. Every operation gives the same bits in every
//! instance of `Lanes`, so a core's results do not depend on the instruction set, and a proof or a
//! test of one instance stands for all. What a core says of its accuracy holds for f64; an f32
//! kernel widens, runs the same core and rounds once more, which adds 2^-29 ULP.
//!
//! Rules for a core:
//! - At most 1.0 ULP everywhere, special values as C99's Annex F has them, subnormals kept.
//! - Say in the file's comment what the method is, where the coefficients come from (all are made
//!   by `derive/coefficients.py`) and what the error adds up to.
//! - No memory: a table is a short polynomial less, but a gather more. No branches: a rare case
//!   that needs one (a huge argument of `sin`) asks `l.any` and goes out of line, lane by lane.
//! - A sum that must not lose bits keeps them: `hi = a + b; lost = (a - hi) + b`, |a| >= |b|. The
//!   compiler never reorders these, nor fuses a product and a sum that are not one `fma`.
//!
//! # Instances
//!
//! `lanes::Scalar` runs on every target; its fused multiply-add is the machine's where the
//! target promises one, else [`softfma`], exact and slow. `lanes::Avx2` and `lanes::Avx512` stand
//! on `core::arch`. A kernel is one of the generic shells at the end of this file, which turn the
//! instructions on, around the `#[inline(always)]` cores: there is no call left inside the loop.
//! A block's tail is staged in a padded buffer and runs the same code, so an element's bits do
//! not depend on its place; NaNs are made canonical on the way out, because which NaN an
//! instruction passes on is up to the compiler.
//!
//! # Adding a function
//!
//! Write a unit struct with its `Core` next to its relatives, name it in `kernels!` below, and
//! add its cases to `derive/cases.py`, which writes what `tests/math.rs` checks. To add an
//! instruction set, implement `Lanes` and give `pick` one more shell.

mod exp;
mod lanes;
mod log;
pub mod softfma;
mod tanh;
mod trig;

use crate::block::BlockFn;
use crate::dtype::DType;
use crate::isa::Isa;
use lanes::{Lanes, Scalar};

/// A function of one argument, written once for every instruction set.
trait Core {
    /// The function of each lane. A NaN may come out with any sign and payload.
    fn eval<L: Lanes>(l: L, x: L::F) -> L::F;
}

/// What a kernel's elements are in memory.
trait Memory {
    type T: Copy + Default;

    /// Reads a vector.
    ///
    /// # Safety
    /// `p` must be readable for `L::WIDTH` elements; it need not be aligned.
    unsafe fn load<L: Lanes>(l: L, p: *const Self::T) -> L::F;

    /// Writes a vector.
    ///
    /// # Safety
    /// `p` must be writable for `L::WIDTH` elements; it need not be aligned.
    unsafe fn store<L: Lanes>(l: L, p: *mut Self::T, a: L::F);
}

struct F32;

impl Memory for F32 {
    type T = f32;

    #[inline(always)]
    unsafe fn load<L: Lanes>(l: L, p: *const f32) -> L::F {
        // SAFETY: the caller's promise.
        unsafe { l.load32(p) }
    }
    #[inline(always)]
    unsafe fn store<L: Lanes>(l: L, p: *mut f32, a: L::F) {
        // SAFETY: the caller's promise.
        unsafe { l.store32(p, a) }
    }
}

struct F64;

impl Memory for F64 {
    type T = f64;

    #[inline(always)]
    unsafe fn load<L: Lanes>(l: L, p: *const f64) -> L::F {
        // SAFETY: the caller's promise.
        unsafe { l.load64(p) }
    }
    #[inline(always)]
    unsafe fn store<L: Lanes>(l: L, p: *mut f64, a: L::F) {
        // SAFETY: the caller's promise.
        unsafe { l.store64(p, a) }
    }
}

/// One vector in memory.
///
/// # Safety
/// `a` must be readable and `out` writable for `L::WIDTH` elements.
#[inline(always)]
unsafe fn step<C: Core, E: Memory, L: Lanes>(l: L, out: *mut E::T, a: *const E::T) {
    // SAFETY: the caller's promise.
    let y = C::eval(l, unsafe { E::load(l, a) });
    let y = l.select(l.eq(y, y), y, l.f(f64::NAN));
    // SAFETY: the caller's promise.
    unsafe { E::store(l, out, y) }
}

/// A block of any length.
///
/// # Safety
/// As of [`BlockFn`].
#[inline(always)]
unsafe fn block<C: Core, E: Memory, L: Lanes>(l: L, out: *mut u8, a: *const u8, n: usize) {
    const { assert!(L::WIDTH <= 8) };
    let (out, a) = (out.cast::<E::T>(), a.cast::<E::T>());
    let mut i = 0;
    while n - i >= L::WIDTH {
        // SAFETY: the vector at `i` lies in the block.
        unsafe { step::<C, E, L>(l, out.add(i), a.add(i)) };
        i += L::WIDTH;
    }
    if i < n {
        let mut tail = [E::T::default(); 8];
        let p = tail.as_mut_ptr();
        // SAFETY: the rest of the block is shorter than a vector, and `tail` is not.
        unsafe {
            std::ptr::copy_nonoverlapping(
                a.add(i).cast::<u8>(),
                p.cast(),
                (n - i) * size_of::<E::T>(),
            );
            step::<C, E, L>(l, p, p);
            std::ptr::copy_nonoverlapping(
                p.cast(),
                out.add(i).cast::<u8>(),
                (n - i) * size_of::<E::T>(),
            );
        }
    }
}

/// The shell of [`Scalar`].
unsafe extern "C" fn scalar<C: Core, E: Memory>(
    out: *mut u8,
    a: *const u8,
    _b: *const u8,
    _c: *const u8,
    n: usize,
) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { block::<C, E, _>(Scalar, out, a, n) };
    0
}

/// The shells of `core::arch` instances.
#[cfg(target_arch = "x86_64")]
macro_rules! shell {
    ($name:ident, $lanes:ty, $features:literal) => {
        #[target_feature(enable = $features)]
        unsafe extern "C" fn $name<C: Core, E: Memory>(
            out: *mut u8,
            a: *const u8,
            _b: *const u8,
            _c: *const u8,
            n: usize,
        ) -> u32 {
            // SAFETY: whoever calls a kernel of an instruction set has it; and as of `BlockFn`.
            unsafe { block::<C, E, _>(<$lanes>::new(), out, a, n) };
            0
        }
    };
}

#[cfg(target_arch = "x86_64")]
shell!(avx2, lanes::Avx2, "avx2,fma,bmi2");
#[cfg(target_arch = "x86_64")]
shell!(avx512, lanes::Avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2");

/// The kernel of a core. The bits are the same whichever it is.
fn pick<C: Core>(dtype: DType, isa: Isa) -> Option<BlockFn> {
    Some(match (dtype, isa) {
        #[cfg(target_arch = "x86_64")]
        (DType::F32, Isa::Avx512) => avx512::<C, F32>,
        #[cfg(target_arch = "x86_64")]
        (DType::F64, Isa::Avx512) => avx512::<C, F64>,
        #[cfg(target_arch = "x86_64")]
        (DType::F32, Isa::Avx2) => avx2::<C, F32>,
        #[cfg(target_arch = "x86_64")]
        (DType::F64, Isa::Avx2) => avx2::<C, F64>,
        (DType::F32, _) => scalar::<C, F32>,
        (DType::F64, _) => scalar::<C, F64>,
        _ => return None,
    })
}

macro_rules! kernels {
    ($($(#[$doc:meta])* $name:ident = $core:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// `None` for a dtype that is not a float. The kernel needs the machine to have `isa`.
        pub fn $name(dtype: DType, isa: Isa) -> Option<BlockFn> {
            pick::<$core>(dtype, isa)
        }
    )*};
}

kernels! {
    /// The kernel of the sine.
    sin = trig::Sin;
    /// The kernel of the cosine.
    cos = trig::Cos;
    /// The kernel of the tangent.
    tan = trig::Tan;
    /// The kernel of e^x.
    exp = exp::Exp;
    /// The kernel of 2^x.
    exp2 = exp::Exp2;
    /// The kernel of e^x - 1.
    expm1 = exp::Expm1;
    /// The kernel of the natural logarithm.
    log = log::Log;
    /// The kernel of the logarithm to base 2.
    log2 = log::Log2;
    /// The kernel of the logarithm to base 10.
    log10 = log::Log10;
    /// The kernel of ln(1 + x).
    log1p = log::Log1p;
    /// The kernel of the hyperbolic tangent.
    tanh = tanh::Tanh;
}
