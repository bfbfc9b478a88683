//! Block kernels of cores: loops, tails, and the choice of an instruction set.

use std::marker::PhantomData;

#[cfg(target_arch = "x86_64")]
use super::lanes::Avx512;
use super::lanes::{Element, Lanes, Scalar};
use super::{Core, PairCore};
use crate::block::{BlockFn, PairFn};
use crate::dtype::DType;
use crate::isa::Isa;

/// The maximum number of lanes of a vector.
const WIDEST: usize = 16;

/// A function from `N` vectors to `M` vectors.
trait Map<const N: usize, const M: usize> {
    /// See [`Core::CANONICAL`].
    const CANONICAL: bool = false;

    fn eval<L: Lanes>(l: L, x: [L::F; N]) -> [L::F; M];
}

/// The map of a core, with one result.
struct One<C>(PhantomData<C>);

impl<C: Core<N>, const N: usize> Map<N, 1> for One<C> {
    const CANONICAL: bool = C::CANONICAL;

    #[inline(always)]
    fn eval<L: Lanes>(l: L, x: [L::F; N]) -> [L::F; 1] {
        [L::E::eval::<C, L, N>(l, x)]
    }
}

/// The map of the core of a pair, with two results.
struct Two<C>(PhantomData<C>);

impl<C: PairCore> Map<1, 2> for Two<C> {
    #[inline(always)]
    fn eval<L: Lanes>(l: L, [x]: [L::F; 1]) -> [L::F; 2] {
        L::E::eval_pair::<C, L>(l, x)
    }
}

/// Computes one vector in memory.
///
/// # Safety
/// `x` must be readable and `out` writable for `L::WIDTH` elements.
#[inline(always)]
unsafe fn step<K: Map<N, M>, L: Lanes, const N: usize, const M: usize>(
    l: L,
    out: [*mut L::E; M],
    x: [*const L::E; N],
) {
    // SAFETY: the caller's promise.
    let x = x.map(|x| unsafe { l.load(x) });
    let y = K::eval(l, x);
    for (out, y) in out.into_iter().zip(y) {
        let y = if K::CANONICAL { y } else { l.canonical(y) };
        // SAFETY: the caller's promise.
        unsafe { l.store(out, y) }
    }
}

/// Computes a block of any length.
///
/// # Safety
/// As for [`BlockFn`] and [`PairFn`].
#[inline(always)]
unsafe fn block<K: Map<N, M>, L: Lanes, const N: usize, const M: usize>(
    l: L,
    out: [*mut u8; M],
    x: [*const u8; N],
    n: usize,
) {
    const { assert!(L::WIDTH <= WIDEST) };
    let out: [*mut L::E; M] = out.map(|out| out.cast());
    let x: [*const L::E; N] = x.map(|x| x.cast());
    let mut i = 0;
    while n - i >= L::WIDTH {
        // SAFETY: the vector at `i` is in the block.
        unsafe { step::<K, L, N, M>(l, out.map(|out| out.add(i)), x.map(|x| x.add(i))) };
        i += L::WIDTH;
    }
    if i < n {
        let bytes = (n - i) * size_of::<L::E>();
        let mut tail = [[L::E::default(); WIDEST]; N];
        let mut y = [[L::E::default(); WIDEST]; M];
        // SAFETY: the rest of the block is shorter than a vector, which the arrays have room for.
        unsafe {
            for (tail, x) in tail.iter_mut().zip(x) {
                std::ptr::copy_nonoverlapping(
                    x.add(i).cast(),
                    tail.as_mut_ptr().cast::<u8>(),
                    bytes,
                );
                // Not zeros, which are rare arguments of some functions.
                let first = tail[0];
                tail[n - i..].fill(first);
            }
            let to = y.each_mut().map(|y| y.as_mut_ptr());
            step::<K, L, N, M>(l, to, tail.each_ref().map(|tail| tail.as_ptr()));
            for (out, y) in out.into_iter().zip(&y) {
                std::ptr::copy_nonoverlapping(y.as_ptr().cast(), out.add(i).cast::<u8>(), bytes);
            }
        }
    }
}

/// Defines the kernels of an instruction set: the loop with its instructions enabled.
macro_rules! shell {
    ($name:ident, $pair:ident, $lanes:ty, $new:expr $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        unsafe extern "C" fn $name<C: Core<N>, E: Element, const N: usize>(
            out: *mut u8,
            a: *const u8,
            b: *const u8,
            c: *const u8,
            n: usize,
        ) -> u32
        where
            $lanes: Lanes<E = E>,
        {
            const { assert!(N <= 3) };
            let x = std::array::from_fn(|k| [a, b, c][k]);
            // SAFETY: the caller of the kernel of an instruction set guarantees that the machine has
            // it, and the contract of `BlockFn`.
            #[allow(unused_unsafe, reason = "plain lanes need no proof")]
            unsafe { block::<One<C>, $lanes, N, 1>($new, [out], x, n) };
            0
        }

        $(#[target_feature(enable = $features)])?
        unsafe extern "C" fn $pair<C: PairCore, E: Element>(
            first: *mut u8,
            second: *mut u8,
            a: *const u8,
            n: usize,
        ) -> u32
        where
            $lanes: Lanes<E = E>,
        {
            // SAFETY: as above, with the contract of `PairFn`.
            #[allow(unused_unsafe, reason = "plain lanes need no proof")]
            unsafe { block::<Two<C>, $lanes, 1, 2>($new, [first, second], [a], n) };
            0
        }
    };
}

shell!(scalar, scalar_pair, Scalar<E>, Scalar::new());
#[cfg(target_arch = "x86_64")]
shell!(avx2, avx2_pair, E::Avx2, E::avx2(), "avx2,fma,bmi2");
#[cfg(target_arch = "x86_64")]
shell!(
    avx512,
    avx512_pair,
    Avx512<E>,
    Avx512::new(),
    "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2"
);

/// The instance of a kernel for a dtype and an instruction set.
macro_rules! instance {
    (
        $dtype:expr, $isa:expr, [$avx512:ident $avx2:ident $scalar:ident], $core:ty $(, $n:ident)?
    ) => {
        Some(match ($dtype, $isa) {
            #[cfg(target_arch = "x86_64")]
            (DType::F32, Isa::Avx512) => $avx512::<$core, f32 $(, $n)?>,
            #[cfg(target_arch = "x86_64")]
            (DType::F64, Isa::Avx512) => $avx512::<$core, f64 $(, $n)?>,
            #[cfg(target_arch = "x86_64")]
            (DType::F32, Isa::Avx2) => $avx2::<$core, f32 $(, $n)?>,
            #[cfg(target_arch = "x86_64")]
            (DType::F64, Isa::Avx2) => $avx2::<$core, f64 $(, $n)?>,
            (DType::F32, _) => $scalar::<$core, f32 $(, $n)?>,
            (DType::F64, _) => $scalar::<$core, f64 $(, $n)?>,
            _ => return None,
        })
    };
}

/// The kernel of a core. Results have the same bits on every instruction set.
pub(super) fn pick<C: Core<N>, const N: usize>(dtype: DType, isa: Isa) -> Option<BlockFn> {
    instance!(dtype, isa, [avx512 avx2 scalar], C, N)
}

/// The kernel of the core of a pair.
pub(super) fn pick_pair<C: PairCore>(dtype: DType, isa: Isa) -> Option<PairFn> {
    instance!(dtype, isa, [avx512_pair avx2_pair scalar_pair], C)
}
