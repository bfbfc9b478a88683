//! Block kernels that convert between element types.

use std::marker::PhantomData;

use crate::block::BlockFn;
use crate::dtype::DType;
use crate::elementwise::{Kernel, Op, family, shell};
use crate::isa::Isa;
use crate::scalar::{Bit, Cast};

/// The representation of a lane of a block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Lane {
    /// An element of a dtype.
    Value(DType),
    /// A mask of 8, 16, 32 or 64 bits, as wide as the compared lanes: all ones or all zeros.
    Mask(u8),
}

impl Lane {
    /// Bits of one lane.
    pub fn bits(self) -> u8 {
        8 * self.bytes() as u8
    }

    /// Bytes of one lane.
    pub fn bytes(self) -> usize {
        match self {
            Lane::Value(dtype) => dtype.size(),
            Lane::Mask(bits) => bits as usize / 8,
        }
    }
}

/// A mask lane: all ones or all zeros.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Mask<T>(T);

macro_rules! masks {
    ($($t:ty),*) => {$(
        impl Cast<Mask<$t>> for Bit {
            #[inline(always)]
            fn cast(self) -> Mask<$t> {
                Mask(if self.get() { !0 } else { 0 })
            }
        }
        impl Cast<Bit> for Mask<$t> {
            #[inline(always)]
            fn cast(self) -> Bit {
                Bit::from(self.0 != 0)
            }
        }
        masks!(@to $t: i8 i16 i32 i64);
    )*};
    (@to $from:ty: $($to:ty)*) => {$(
        impl Cast<Mask<$to>> for Mask<$from> {
            // Sign extension and truncation preserve masks.
            #[inline(always)]
            fn cast(self) -> Mask<$to> {
                Mask(self.0 as $to)
            }
        }
    )*};
}
masks!(i8, i16, i32, i64);

/// Runs `$then` with `$t` standing for the mask of that many bits.
macro_rules! mask {
    ($bits:expr, $t:ident => $then:expr) => {
        mask!(@match $bits, $t => $then, 8 i8, 16 i16, 32 i32, 64 i64)
    };
    (@match $bits:expr, $t:ident => $then:expr, $($b:literal $rust:ty),*) => {
        match $bits {
            $($b => {
                type $t = Mask<$rust>;
                Some($then)
            })*
            _ => None,
        }
    };
}

/// The kernel that converts from one kind of lane to another; `None` if there is none.
///
/// Values are converted by [`Cast`]. Masks convert to and from `Bool`, and to masks of another
/// width. `out` may be `a` only if both lanes have the same size.
pub fn convert(from: Lane, to: Lane, isa: Isa) -> Option<BlockFn> {
    match (from, to) {
        (Lane::Value(from), Lane::Value(to)) if from == to && from != DType::Bool => {
            Some(copy(from.size(), isa))
        }
        (Lane::Value(from), Lane::Value(to)) if from.is_float() && to.is_int() => {
            family!(floats, from, F => family!(ints, to, T => saturating::<F, T>(isa))?)
        }
        (Lane::Value(from), Lane::Value(to)) => {
            family!(all, from, F => family!(all, to, T => kernel::<F, T>(isa))?)
        }
        (Lane::Value(DType::Bool), Lane::Mask(to)) => mask!(to, T => kernel::<Bit, T>(isa)),
        (Lane::Mask(from), Lane::Value(DType::Bool)) => mask!(from, F => kernel::<F, Bit>(isa)),
        (Lane::Mask(from), Lane::Mask(to)) => {
            mask!(from, F => mask!(to, T => kernel::<F, T>(isa))?)
        }
        _ => None,
    }
}

/// Converts one element, given and returned as its bit pattern in the low bytes of a word whose
/// other bytes are zero (of an argument they are ignored).
pub fn convert_scalar(bits: u64, from: DType, to: DType) -> u64 {
    fn one<F: Pattern + Cast<T>, T: Pattern>(bits: u64) -> u64 {
        F::from_pattern(bits).cast().pattern()
    }
    let converted = family!(all, from, F => family!(all, to, T => one::<F, T>(bits)));
    converted.flatten().unwrap_or(0)
}

/// An element as a bit pattern in the low bytes of a word whose other bytes are zero.
pub(crate) trait Pattern: Copy {
    fn from_pattern(bits: u64) -> Self;
    fn pattern(self) -> u64;
}

macro_rules! patterns {
    ($($t:ty, $unsigned:ty);*) => {$(
        impl Pattern for $t {
            #[inline(always)]
            fn from_pattern(bits: u64) -> $t {
                <$t>::from_ne_bytes((bits as $unsigned).to_ne_bytes())
            }
            #[inline(always)]
            fn pattern(self) -> u64 {
                <$unsigned>::from_ne_bytes(self.to_ne_bytes()) as u64
            }
        }
    )*};
}
patterns!(i8, u8; i16, u16; i32, u32; i64, u64; u8, u8; u16, u16; u32, u32; u64, u64;
    f32, u32; f64, u64);

impl Pattern for Bit {
    #[inline(always)]
    fn from_pattern(bits: u64) -> Bit {
        Bit(bits as u8)
    }
    #[inline(always)]
    fn pattern(self) -> u64 {
        self.0 as u64
    }
}

fn kernel<F: Cast<T>, T: Copy>(isa: Isa) -> BlockFn {
    struct Convert<F, T>(PhantomData<(F, T)>);
    impl<F: Cast<T>, T: Copy> Op for Convert<F, T> {
        type A = F;
        type B = ();
        type C = ();
        type Out = T;
        #[inline(always)]
        fn apply(a: F, (): (), (): ()) -> T {
            a.cast()
        }
    }
    shell::<Convert<F, T>>(isa)
}

/// The kernel from a float to an integer.
fn saturating<F: Saturate<T>, T: Copy>(isa: Isa) -> BlockFn {
    struct Convert<F, T>(PhantomData<(F, T)>);
    impl<F: Saturate<T>, T: Copy> Op for Convert<F, T> {
        type A = F;
        type B = ();
        type C = ();
        type Out = T;
        #[inline(always)]
        fn apply(a: F, (): (), (): ()) -> T {
            a.saturate()
        }
    }
    shell::<Convert<F, T>>(isa)
}

/// [`Cast`] from a float to an integer as fast code: the compiler does not vectorise `as`.
trait Saturate<T>: Cast<T> {
    fn saturate(self) -> T;
}

/// Rounds toward zero, by the machine's instruction for this width.
macro_rules! truncate {
    ($x:expr => $int:ty) => {
        // SAFETY: the callers below have brought `x` into the range of the integer.
        unsafe { $x.to_int_unchecked::<$int>() }
    };
}

macro_rules! saturate {
    // All values of the integer are exact in `via`, and an `i32` holds them.
    (narrow $($from:ty, $via:ty => $($to:ty)*;)*) => {$($(
        impl Saturate<$to> for $from {
            #[inline(always)]
            fn saturate(self) -> $to {
                let x = self as $via;
                let x = if x.is_nan() { 0.0 } else { x };
                let x = if x > <$to>::MAX as $via { <$to>::MAX as $via } else { x };
                let x = if x < <$to>::MIN as $via { <$to>::MIN as $via } else { x };
                truncate!(x => i32) as $to
            }
        }
    )*)*};
    (wide $($from:ty)*) => {$(
        impl Saturate<u32> for $from {
            #[inline(always)]
            fn saturate(self) -> u32 {
                const HALF: f64 = (1_u64 << 31) as f64;
                let x = self as f64;
                let x = if x > 0.0 { x } else { 0.0 };
                let x = if x > u32::MAX as f64 { u32::MAX as f64 } else { x };
                // The upper half is reduced by exactly 2^31, and its bit set afterwards.
                let upper = x >= HALF;
                let low = truncate!((if upper { x - HALF } else { x }) => i32) as u32;
                low ^ (upper as u32) << 31
            }
        }
        impl Saturate<i64> for $from {
            #[inline(always)]
            fn saturate(self) -> i64 {
                const BORDER: f64 = (1_u64 << 63) as f64;
                let x = self as f64;
                let inside = (-BORDER..BORDER).contains(&x);
                let value = truncate!((if inside { x } else { 0.0 }) => i64);
                let value = if x >= BORDER { i64::MAX } else { value };
                if x < -BORDER { i64::MIN } else { value }
            }
        }
        impl Saturate<u64> for $from {
            #[inline(always)]
            fn saturate(self) -> u64 {
                const HALF: f64 = (1_u64 << 63) as f64;
                let x = self as f64;
                let x = if x > 0.0 { x } else { 0.0 };
                let over = x >= 2.0 * HALF;
                let x = if over { 0.0 } else { x };
                // The upper half is reduced by exactly 2^63, and its bit set afterwards.
                let upper = x >= HALF;
                let low = truncate!((if upper { x - HALF } else { x }) => i64) as u64;
                let value = low ^ (upper as u64) << 63;
                if over { u64::MAX } else { value }
            }
        }
    )*};
}
saturate!(narrow f32, f32 => i8 i16 u8 u16; f32, f64 => i32; f64, f64 => i8 i16 i32 u8 u16;);
saturate!(wide f32 f64);

/// The kernel that copies elements of a size.
fn copy(size: usize, isa: Isa) -> BlockFn {
    struct Copy<const SIZE: usize>;
    impl<const SIZE: usize> Kernel for Copy<SIZE> {
        #[inline(always)]
        unsafe fn run(out: *mut u8, a: *const u8, _: *const u8, _: *const u8, n: usize) -> u32 {
            // SAFETY: the caller gives `n` readable and `n` writable elements of this size.
            unsafe { out.copy_from(a, n * SIZE) };
            0
        }
    }
    match size {
        1 => shell::<Copy<1>>(isa),
        2 => shell::<Copy<2>>(isa),
        4 => shell::<Copy<4>>(isa),
        _ => shell::<Copy<8>>(isa),
    }
}
