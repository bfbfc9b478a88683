//! Block kernels of the primitive operations.
//!
//! Each operation is one row of the table at the end of this file, made of the functions of
//! [`scalar`](crate::scalar): a name, the operands, the dtypes it is defined on and the scalar
//! expression. Of a row the macro makes a function `name(dtype, isa) -> Option<BlockFn>`, where
//! `dtype` is that of the operands, `None` where the operation is not defined on it.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crate::block::{BlockFn, DIVIDE_BY_ZERO};
use crate::dtype::DType;
use crate::isa::Isa;
use crate::scalar::{Bit, Choose, Float, Int, Logic, Number};

use super::division;

/// A loop body that is compiled once per instruction set.
pub(crate) trait Kernel {
    /// Computes `n` elements.
    ///
    /// Implementations are `#[inline(always)]`, so that they are compiled with the instruction set
    /// of the enclosing shell.
    ///
    /// # Safety
    /// The contract of [`BlockFn`].
    unsafe fn run(out: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) -> u32;
}

pub(crate) unsafe extern "C" fn baseline<K: Kernel>(
    out: *mut u8,
    a: *const u8,
    b: *const u8,
    c: *const u8,
    n: usize,
) -> u32 {
    // SAFETY: the caller keeps the contract of `BlockFn`.
    unsafe { K::run(out, a, b, c, n) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi2")]
unsafe extern "C" fn avx2<K: Kernel>(
    out: *mut u8,
    a: *const u8,
    b: *const u8,
    c: *const u8,
    n: usize,
) -> u32 {
    // SAFETY: the caller keeps the contract of `BlockFn`.
    unsafe { K::run(out, a, b, c, n) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
unsafe extern "C" fn avx512<K: Kernel>(
    out: *mut u8,
    a: *const u8,
    b: *const u8,
    c: *const u8,
    n: usize,
) -> u32 {
    // SAFETY: the caller keeps the contract of `BlockFn`.
    unsafe { K::run(out, a, b, c, n) }
}

/// The kernel compiled for an instruction set, which the machine must have.
pub(crate) fn shell<K: Kernel>(isa: Isa) -> BlockFn {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::<K>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::<K>,
        _ => baseline::<K>,
    }
}

/// The kernel compiled for an instruction set with fused multiply-adds, which the machine must have.
pub(crate) fn fused_shell<K: Kernel>(isa: Isa) -> BlockFn {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::<K>,
        #[cfg(target_arch = "x86_64")]
        _ => avx2::<K>,
        #[cfg(not(target_arch = "x86_64"))]
        _ => baseline::<K>,
    }
}

/// An operation on one element; operands that it does not have are `()`.
pub(crate) trait Op {
    type A: Copy;
    type B: Copy;
    type C: Copy;
    type Out: Copy;

    fn apply(a: Self::A, b: Self::B, c: Self::C) -> Self::Out;

    /// The advisory flags of this element.
    #[inline(always)]
    fn flags(_a: Self::A, _b: Self::B, _c: Self::C) -> u32 {
        0
    }
}

/// The number of elements that are computed before the first of them is stored.
///
/// The compiler then need not know whether the output is an input: it vectorises each group, where
/// a plain loop would get a run-time check and scalar code for in-place operation.
pub(crate) const GROUP: usize = 32;

/// Does nothing, but keeps the compiler from vectorising the enclosing loop across groups, which it
/// would do with gathers.
#[inline(always)]
pub(crate) fn scalar_loop() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: there is no instruction.
    unsafe {
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

impl<O: Op> Kernel for O {
    #[inline(always)]
    unsafe fn run(out: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) -> u32 {
        let (out, a, b, c) =
            (out.cast::<O::Out>(), a.cast::<O::A>(), b.cast::<O::B>(), c.cast::<O::C>());
        let mut flags = 0;
        let mut one = |i: usize| {
            // SAFETY: `i < n` in all calls below, and the caller gives `n` readable elements of
            // every operand that is not `()`; reading that one touches no memory.
            let (a, b, c) = unsafe {
                (a.add(i).read_unaligned(), b.add(i).read_unaligned(), c.add(i).read_unaligned())
            };
            flags |= O::flags(a, b, c);
            O::apply(a, b, c)
        };
        let mut start = 0;
        while n - start >= GROUP {
            let mut group = [const { MaybeUninit::<O::Out>::uninit() }; GROUP];
            for (i, slot) in group.iter_mut().enumerate() {
                slot.write(one(start + i));
            }
            // SAFETY: the caller gives `n` writable elements, and `start + GROUP <= n`.
            unsafe { out.add(start).cast::<[_; GROUP]>().write_unaligned(group) };
            start += GROUP;
            scalar_loop();
        }
        for i in start..n {
            // SAFETY: the caller gives `n` writable elements, and `i < n`.
            unsafe { out.add(i).write_unaligned(one(i)) };
        }
        flags
    }
}

/// Runs `$then` with `$t` standing for the Rust type of the dtype, if it is of the family.
macro_rules! family {
    (@match $dtype:expr, $t:ident => $then:expr, $($d:ident $rust:ty),*) => {
        match $dtype {
            $(DType::$d => {
                type $t = $rust;
                Some($then)
            })*
            #[allow(unreachable_patterns, reason = "the last family is everything")]
            _ => None,
        }
    };
    (ints, $dtype:expr, $t:ident => $then:expr) => {
        family!(@match $dtype, $t => $then,
            I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64)
    };
    (floats, $dtype:expr, $t:ident => $then:expr) => {
        family!(@match $dtype, $t => $then, F32 f32, F64 f64)
    };
    (numbers, $dtype:expr, $t:ident => $then:expr) => {
        family!(@match $dtype, $t => $then, I8 i8, I16 i16, I32 i32, I64 i64,
            U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64)
    };
    (logic, $dtype:expr, $t:ident => $then:expr) => {
        family!(@match $dtype, $t => $then, Bool Bit,
            I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64)
    };
    (all, $dtype:expr, $t:ident => $then:expr) => {
        family!(@match $dtype, $t => $then, Bool Bit, I8 i8, I16 i16, I32 i32, I64 i64,
            U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64)
    };
}
pub(crate) use family;

/// Implements [`Op`] for a struct.
macro_rules! operation {
    ($op:ident<$t:ident: $bound:ident>($a:ident: $ta:ty, $b:tt: $tb:ty, $c:tt: $tc:ty)
        -> $out:ty { $apply:expr } $(, flags { $flags:expr })?) => {
        struct $op<$t>(PhantomData<$t>);
        impl<$t: $bound> Op for $op<$t> {
            type A = $ta;
            type B = $tb;
            type C = $tc;
            type Out = $out;
            #[inline(always)]
            fn apply($a: $ta, $b: $tb, $c: $tc) -> $out {
                $apply
            }
            $(#[inline(always)]
            fn flags($a: $ta, $b: $tb, $c: $tc) -> u32 {
                let _ = $a;
                $flags
            })?
        }
    };
}

/// The table: `name(operands) on family: Bound<T> -> Out { scalar expression }`.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($($args:tt)*) on $family:ident: $bound:ident<$t:ident>
        -> $out:ty { $apply:expr } $(, flags { $flags:expr })?)*) => {$(
        $(#[$doc])*
        pub fn $name(dtype: DType, isa: Isa) -> Option<BlockFn> {
            operations!(@op $t $bound ($($args)*) $out { $apply } $(, flags { $flags })?);
            family!($family, dtype, Elem => shell::<Row<Elem>>(isa))
        }
    )*};
    (@op $t:ident $bound:ident ($a:ident) $out:ty { $apply:expr }) => {
        operation!(Row<$t: $bound>($a: $t, _: (), _: ()) -> $out { $apply });
    };
    (@op $t:ident $bound:ident ($a:ident, $b:ident) $out:ty
        { $apply:expr } $(, flags { $flags:expr })?) => {
        operation!(Row<$t: $bound>($a: $t, $b: $t, _: ()) -> $out { $apply }
            $(, flags { $flags })?);
    };
    (@op $t:ident $bound:ident ($a:ident: $ta:ty, $b:ident, $c:ident) $out:ty
        { $apply:expr }) => {
        operation!(Row<$t: $bound>($a: $ta, $b: $t, $c: $t) -> $out { $apply });
    };
}

operations! {
    /// `a + b`; integers wrap.
    add(a, b) on numbers: Number<T> -> T { a.add(b) }
    /// `a - b`; integers wrap.
    sub(a, b) on numbers: Number<T> -> T { a.sub(b) }
    /// `a * b`; integers wrap.
    mul(a, b) on numbers: Number<T> -> T { a.mul(b) }
    /// `-a`; integers wrap.
    neg(a) on numbers: Number<T> -> T { a.neg() }
    /// The magnitude; that of `MIN` wraps.
    abs(a) on numbers: Number<T> -> T { a.abs() }
    /// The lesser; NaN propagates, -0.0 is below +0.0.
    minimum(a, b) on numbers: Number<T> -> T { a.minimum(b) }
    /// The greater; NaN propagates, -0.0 is below +0.0.
    maximum(a, b) on numbers: Number<T> -> T { a.maximum(b) }
    /// `a / b`
    div(a, b) on floats: Float<T> -> T { a.div(b) }
    /// The square root.
    sqrt(a) on floats: Float<T> -> T { a.sqrt() }
    /// Rounded down.
    floor(a) on floats: Float<T> -> T { a.floor() }
    /// Rounded up.
    ceil(a) on floats: Float<T> -> T { a.ceil() }
    /// Rounded toward zero.
    trunc(a) on floats: Float<T> -> T { a.trunc() }
    /// Rounded to the nearest integer, halves to even.
    rint(a) on floats: Float<T> -> T { a.rint() }
    /// The magnitude of `a` with the sign of `b`; a NaN counts as positive.
    copysign(a, b) on floats: Float<T> -> T { a.copysign(b) }
    /// The next value after `a` toward `b`.
    nextafter(a, b) on floats: Float<T> -> T { a.nextafter(b) }
    /// Whether `a` is negative, -0.0 included; a NaN counts as positive. Gives `Bool`.
    signbit(a) on floats: Float<T> -> Bit { Bit::from(a.signbit()) }
    /// `a` to the power `b`, wrapping; a negative exponent gives 0 but for the bases 1 and -1.
    pow(a, b) on ints: Int<T> -> T { a.pow(b) }
    /// The greatest common divisor of the magnitudes.
    gcd(a, b) on ints: Int<T> -> T { a.gcd(b) }
    /// The least common multiple of the magnitudes; wraps.
    lcm(a, b) on ints: Int<T> -> T { a.lcm(b) }
    /// How many bits of the magnitude are set.
    set_bits(a) on ints: Int<T> -> T { a.set_bits() }
    /// `a * 2^b`, rounded once, for integers `b`.
    ldexp(a, b) on floats: Float<T> -> T { a.ldexp(b) }
    /// What is behind the point, with the sign of `a`.
    fraction(a) on floats: Float<T> -> T { a.fraction() }
    /// `a` over the power of two that leaves a number from 0.5 to 1.
    mantissa(a) on floats: Float<T> -> T { a.mantissa() }
    /// The exponent of that power.
    exponent(a) on floats: Float<T> -> T { a.exponent() }
    /// `a < b`. Gives `Bool`.
    lt(a, b) on numbers: Number<T> -> Bit { Bit::from(a.lt(b)) }
    /// `a <= b`. Gives `Bool`.
    le(a, b) on numbers: Number<T> -> Bit { Bit::from(a.le(b)) }
    /// `a == b`. Gives `Bool`.
    eq(a, b) on numbers: Number<T> -> Bit { Bit::from(a.eq(b)) }
    /// `a != b`. Gives `Bool`.
    ne(a, b) on numbers: Number<T> -> Bit { Bit::from(a.ne(b)) }
    /// `a & b`; of `Bool` the logical and.
    bit_and(a, b) on logic: Logic<T> -> T { a.and(b) }
    /// `a | b`; of `Bool` the logical or.
    bit_or(a, b) on logic: Logic<T> -> T { a.or(b) }
    /// `a ^ b`; of `Bool` the logical exclusive or.
    bit_xor(a, b) on logic: Logic<T> -> T { a.xor(b) }
    /// `!a`; of `Bool` the logical not.
    bit_not(a) on logic: Logic<T> -> T { a.not() }
    /// `a << b`; 0 where the count is negative or too large.
    shl(a, b) on ints: Int<T> -> T { a.shl(b) }
    /// `a >> b`; filled with the sign where the count is negative or too large.
    shr(a, b) on ints: Int<T> -> T { a.shr(b) }
    /// [`floor_div`] as it is defined: the reference of faster code.
    defined_floor_div(a, b) on numbers: Number<T> -> T { a.floor_div(b) }, flags { zero_divisor(b) }
    /// [`rem`] as it is defined.
    defined_rem(a, b) on numbers: Number<T> -> T { a.rem(b) }, flags { zero_divisor(b) }
    /// [`fmod`] as it is defined.
    defined_fmod(a, b) on numbers: Number<T> -> T { a.fmod(b) }, flags { zero_divisor(b) }
    /// `b` where the `Bool` `a` is true, else `c`; `dtype` is that of `b` and `c`.
    select(a: Bit, b, c) on all: Choose<T> -> T { T::select(a, b, c) }
}

/// `a * b + c`, rounded once.
///
/// Below [`Isa::Avx2`] x86-64 has no instruction for it, and software gives the same bits.
pub fn fma(dtype: DType, isa: Isa) -> Option<BlockFn> {
    operation!(Hard<T: Float>(a: T, b: T, c: T) -> T { a.fma_hard(b, c) });
    operation!(Soft<T: Float>(a: T, b: T, c: T) -> T { a.fma_soft(b, c) });
    family!(floats, dtype, T => if has_fma(isa) { shell::<Hard<T>>(isa) } else { shell::<Soft<T>>(isa) })
}

/// The quotient rounded down; an integer by zero gives 0 and [`DIVIDE_BY_ZERO`].
pub fn floor_div(dtype: DType, isa: Isa) -> Option<BlockFn> {
    struct Floats<T>(PhantomData<T>);
    impl<T: Remainder> Guarded for Floats<T> {
        type T = T;
        #[inline(always)]
        fn fast(a: T, b: T) -> (T, bool) {
            a.quotient(b)
        }
        #[inline(always)]
        fn slow(a: T, b: T) -> T {
            a.floor_div(b)
        }
    }
    division::floor_div(dtype, isa)
        .or_else(|| family!(floats, dtype, T => guarded::<Floats<T>>(isa)))
}

/// The remainder of [`floor_div`]; an integer by zero gives 0 and [`DIVIDE_BY_ZERO`].
pub fn rem(dtype: DType, isa: Isa) -> Option<BlockFn> {
    struct Floats<T>(PhantomData<T>);
    impl<T: Remainder> Guarded for Floats<T> {
        type T = T;
        #[inline(always)]
        fn fast(a: T, b: T) -> (T, bool) {
            let (remainder, exact) = a.remainder(b);
            (b.rem_of(remainder), exact)
        }
        #[inline(always)]
        fn slow(a: T, b: T) -> T {
            a.rem(b)
        }
    }
    division::rem(dtype, isa).or_else(|| family!(floats, dtype, T => guarded::<Floats<T>>(isa)))
}

/// C's remainder; an integer by zero gives 0 and [`DIVIDE_BY_ZERO`].
pub fn fmod(dtype: DType, isa: Isa) -> Option<BlockFn> {
    struct Floats<T>(PhantomData<T>);
    impl<T: Remainder> Guarded for Floats<T> {
        type T = T;
        #[inline(always)]
        fn fast(a: T, b: T) -> (T, bool) {
            a.remainder(b)
        }
        #[inline(always)]
        fn slow(a: T, b: T) -> T {
            a.fmod(b)
        }
    }
    division::fmod(dtype, isa).or_else(|| family!(floats, dtype, T => guarded::<Floats<T>>(isa)))
}

/// The exact division of floats as fast code, where there is a fused multiply-add.
trait Remainder: Float {
    /// [`Number::fmod`](crate::scalar::Number::fmod), and whether the result is valid.
    fn remainder(self, rhs: Self) -> (Self, bool);
    /// [`Number::floor_div`](crate::scalar::Number::floor_div), and whether the result is valid.
    fn quotient(self, rhs: Self) -> (Self, bool);
}

macro_rules! remainders {
    ($($t:ident)*) => {$(
        impl Remainder for $t {
            #[inline(always)]
            fn remainder(self, rhs: $t) -> ($t, bool) {
                let (quotient, rest, _) = exact_division!($t, self, rhs);
                // False if any of it is infinite or NaN, or `y` is 0.
                let exact = (quotient < 0.5 / <$t>::EPSILON) & (rhs.abs() < <$t>::INFINITY);
                (<$t>::copysign(rest, self), exact)
            }
            /// The definition divides what the remainder leaves of `self`, a multiple `n * rhs`; the
            /// result is `n` as long as two roundings cannot move a quotient of this size by half.
            #[inline(always)]
            fn quotient(self, rhs: $t) -> ($t, bool) {
                let (quotient, rest, below) = exact_division!($t, self, rhs);
                let exact = (quotient < 0.125 / <$t>::EPSILON) & (rhs.abs() < <$t>::INFINITY);
                let sign = <$t>::copysign(1.0, self) * <$t>::copysign(1.0, rhs);
                let up = (sign < 0.0) & (rest != 0.0);
                let magnitude = quotient - below + up as u8 as $t;
                (<$t>::copysign(magnitude, sign), exact)
            }
        }
    )*};
}

/// The quotient of the magnitudes `x` and `y`, rounded down or up, the remainder of the one rounded
/// down, and 1 or 0 to subtract.
///
/// Let `n` be the exact quotient, rounded down, and less than `2^(p - 1)`. Rounding is monotone and
/// leaves `n` alone, so `quotient` is `n` or, where it rounds up, `n + 1`. Then `x - quotient * y` is at
/// least `-y`, less than `y` and a multiple of the last place of `y` (or, where `x < y`, it is `x` or by
/// Sterbenz' lemma the exact `x - y`), so the fused multiply-add is exact, and so is adding `y` to
/// what is negative.
macro_rules! exact_division {
    ($t:ident, $a:expr, $b:expr) => {{
        let (x, y) = (<$t>::abs($a), <$t>::abs($b));
        let quotient = <$t>::trunc(x / y);
        let rest = (-quotient).mul_add(y, x);
        let over = rest < 0.0;
        (quotient, if over { rest + y } else { rest }, if over { 1.0 } else { 0.0 })
    }};
}
remainders!(f32 f64);

/// An operation with a fast path that is invalid for some elements.
trait Guarded {
    type T: Copy;
    /// The result of the fast path, and whether it is valid.
    fn fast(a: Self::T, b: Self::T) -> (Self::T, bool);
    /// The result.
    fn slow(a: Self::T, b: Self::T) -> Self::T;
}

/// The kernel of a guarded operation; without fused multiply-add, only the slow path.
fn guarded<G: Guarded>(isa: Isa) -> BlockFn {
    struct Slow<G>(PhantomData<G>);
    impl<G: Guarded> Op for Slow<G> {
        type A = G::T;
        type B = G::T;
        type C = ();
        type Out = G::T;
        #[inline(always)]
        fn apply(a: G::T, b: G::T, (): ()) -> G::T {
            G::slow(a, b)
        }
    }
    struct Fast<G>(PhantomData<G>);
    impl<G: Guarded> Kernel for Fast<G> {
        #[inline(always)]
        unsafe fn run(out: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) -> u32 {
            let (result, x, y) = (out.cast::<G::T>(), a.cast::<G::T>(), b.cast::<G::T>());
            let mut start = 0;
            while n - start >= GROUP {
                let mut group = [const { MaybeUninit::<G::T>::uninit() }; GROUP];
                let mut good = true;
                // SAFETY: the caller gives `n` readable and writable elements, and all of this is
                // at `start..start + GROUP`, which is at most `n`. The inputs are read before
                // the group is stored.
                unsafe {
                    let (x, y) = (x.add(start), y.add(start));
                    for (i, slot) in group.iter_mut().enumerate() {
                        let (x, y) = (x.add(i).read_unaligned(), y.add(i).read_unaligned());
                        let (value, right) = G::fast(x, y);
                        good &= right;
                        slot.write(value);
                    }
                    if !good {
                        for (i, slot) in group.iter_mut().enumerate() {
                            let (x, y) = (x.add(i).read_unaligned(), y.add(i).read_unaligned());
                            let (value, right) = G::fast(x, y);
                            slot.write(if right { value } else { G::slow(x, y) });
                        }
                    }
                    result.add(start).cast::<[_; GROUP]>().write_unaligned(group);
                }
                start += GROUP;
            }
            let skip = start * size_of::<G::T>();
            // SAFETY: what is left of the same block; `c` is not used.
            unsafe { Slow::<G>::run(out.add(skip), a.add(skip), b.add(skip), c, n - start) }
        }
    }
    if has_fma(isa) { shell::<Fast<G>>(isa) } else { shell::<Slow<G>>(isa) }
}

/// Whether code for an instruction set may use a fused multiply-add instruction.
pub(crate) fn has_fma(isa: Isa) -> bool {
    cfg!(target_arch = "aarch64") || isa >= Isa::Avx2
}

/// The flag of a division by `divisor`.
#[inline(always)]
fn zero_divisor<T: Number>(divisor: T) -> u32 {
    if T::IS_INT && divisor.eq(T::ZERO) { DIVIDE_BY_ZERO } else { 0 }
}
