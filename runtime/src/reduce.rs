//! Reductions over one fixed tree.
//!
//! The elements are cut into leaves of [`LEAF`]. Element `i` of a leaf goes to virtual
//! accumulator `i % A`, where `A` is 32 for 8-byte dtypes and 64 for smaller ones; then the upper
//! half of the accumulators is folded onto the lower half until one is left, the leaf's value.
//! Leaves combine as a binary tree, level by level: neighbours pair up, an odd last one moves up
//! as it is. Nothing in this depends on the instruction set, the number of threads or the
//! boundaries of calls, and so the bits of the result do not.

use std::fmt;
use std::marker::PhantomData;

use crate::block::BlockFn;
use crate::convert::Pattern;
use crate::dtype::DType;
use crate::elementwise::{Kernel, family, shell};
use crate::isa::Isa;
use crate::scalar::{Bit, Number};

/// Elements of a leaf.
pub const LEAF: usize = 4096;

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reduction {
    /// The sum; integers wrap. Of `i64`, `u64`, `f32`, `f64`.
    Sum,
    /// The product; integers wrap. Of `i64`, `u64`, `f32`, `f64`.
    Prod,
    /// The least; NaN propagates, -0.0 is below +0.0. Of every number.
    Min,
    /// The greatest; NaN propagates, -0.0 is below +0.0. Of every number.
    Max,
    /// Whether any is true. Of `bool`.
    Any,
    /// Whether all are true. Of `bool`.
    All,
}

impl Reduction {
    /// Every reduction, in order.
    pub const ALL: [Reduction; 6] = [
        Reduction::Sum,
        Reduction::Prod,
        Reduction::Min,
        Reduction::Max,
        Reduction::Any,
        Reduction::All,
    ];

    /// The name: `sum`, `prod`, ...
    pub const fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Min => "min",
            Reduction::Max => "max",
            Reduction::Any => "any",
            Reduction::All => "all",
        }
    }
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The virtual accumulators of one leaf; a [`Reducer`] knows what they hold.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct Accumulators([u8; 512]);

impl Accumulators {
    /// Accumulators of no use before they are [reset](Reducer::reset).
    pub const fn new() -> Accumulators {
        Accumulators([0; 512])
    }
}

impl Default for Accumulators {
    fn default() -> Accumulators {
        Accumulators::new()
    }
}

impl fmt::Debug for Accumulators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accumulators").finish_non_exhaustive()
    }
}

/// Virtual accumulators of an element size.
const fn accumulators(size: usize) -> usize {
    if size == 8 { 32 } else { 64 }
}

/// A step of a reduction over elements of type `T`.
trait Fold<T> {
    /// Leaves every value as it is.
    fn identity() -> T;
    /// `left` comes before `right`.
    fn fold(left: T, right: T) -> T;
}

struct Sum;
struct Prod;
struct Min;
struct Max;
struct Any;
struct All;

macro_rules! folds {
    ($($t:ty: $zero:literal $one:literal $least:expr, $greatest:expr;)*) => {$(
        impl Fold<$t> for Sum {
            #[inline(always)]
            fn identity() -> $t {
                $zero
            }
            #[inline(always)]
            fn fold(left: $t, right: $t) -> $t {
                Number::add(left, right)
            }
        }
        impl Fold<$t> for Prod {
            #[inline(always)]
            fn identity() -> $t {
                $one
            }
            #[inline(always)]
            fn fold(left: $t, right: $t) -> $t {
                Number::mul(left, right)
            }
        }
        impl Fold<$t> for Min {
            #[inline(always)]
            fn identity() -> $t {
                $greatest
            }
            #[inline(always)]
            fn fold(left: $t, right: $t) -> $t {
                Number::minimum(left, right)
            }
        }
        impl Fold<$t> for Max {
            #[inline(always)]
            fn identity() -> $t {
                $least
            }
            #[inline(always)]
            fn fold(left: $t, right: $t) -> $t {
                Number::maximum(left, right)
            }
        }
    )*};
}

folds! {
    i8: 0 1 i8::MIN, i8::MAX;
    i16: 0 1 i16::MIN, i16::MAX;
    i32: 0 1 i32::MIN, i32::MAX;
    i64: 0 1 i64::MIN, i64::MAX;
    u8: 0 1 u8::MIN, u8::MAX;
    u16: 0 1 u16::MIN, u16::MAX;
    u32: 0 1 u32::MIN, u32::MAX;
    u64: 0 1 u64::MIN, u64::MAX;
    f32: -0.0 1.0 f32::NEG_INFINITY, f32::INFINITY;
    f64: -0.0 1.0 f64::NEG_INFINITY, f64::INFINITY;
}

impl Fold<Bit> for Any {
    #[inline(always)]
    fn identity() -> Bit {
        Bit(0)
    }
    #[inline(always)]
    fn fold(left: Bit, right: Bit) -> Bit {
        Bit::from(left.get() | right.get())
    }
}

impl Fold<Bit> for All {
    #[inline(always)]
    fn identity() -> Bit {
        Bit(1)
    }
    #[inline(always)]
    fn fold(left: Bit, right: Bit) -> Bit {
        Bit::from(left.get() & right.get())
    }
}

/// A reduction of one dtype on one instruction set.
///
/// A leaf is [`reset`](Reducer::reset), any number of calls of the
/// [`accumulate`](Reducer::accumulate) kernel, [`finish`](Reducer::finish). Values travel as bit
/// patterns in the low bytes of a `u64` whose other bytes are zero.
#[derive(Clone, Copy)]
pub struct Reducer {
    reduction: Reduction,
    dtype: DType,
    accumulate: BlockFn,
    reset: fn(&mut Accumulators),
    finish: fn(&Accumulators) -> u64,
    combine: fn(u64, u64) -> u64,
}

impl fmt::Debug for Reducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reducer({} of {})", self.reduction, self.dtype)
    }
}

impl Reducer {
    /// The reduction of a dtype, `None` if it is not defined on it.
    pub fn new(reduction: Reduction, dtype: DType, isa: Isa) -> Option<Reducer> {
        match reduction {
            Reduction::Sum => family!(@match dtype, T => Self::of::<Sum, T>(reduction, dtype, isa),
                I64 i64, U64 u64, F32 f32, F64 f64),
            Reduction::Prod => {
                family!(@match dtype, T => Self::of::<Prod, T>(reduction, dtype, isa),
                I64 i64, U64 u64, F32 f32, F64 f64)
            }
            Reduction::Min => {
                family!(numbers, dtype, T => Self::of::<Min, T>(reduction, dtype, isa))
            }
            Reduction::Max => {
                family!(numbers, dtype, T => Self::of::<Max, T>(reduction, dtype, isa))
            }
            Reduction::Any => {
                (dtype == DType::Bool).then(|| Self::of::<Any, Bit>(reduction, dtype, isa))
            }
            Reduction::All => {
                (dtype == DType::Bool).then(|| Self::of::<All, Bit>(reduction, dtype, isa))
            }
        }
    }

    fn of<F: Fold<T>, T: Pattern>(reduction: Reduction, dtype: DType, isa: Isa) -> Reducer {
        // AVX2 code already runs at the speed of the L1 cache, and wider vectors gain nothing.
        let isa = isa.min(Isa::Avx2);
        Reducer {
            reduction,
            dtype,
            accumulate: shell::<Accumulate<F, T>>(isa),
            reset: |accumulators| typed::<T>(accumulators).fill(F::identity()),
            finish: |accumulators| {
                let mut values = accumulators.clone();
                let values = typed::<T>(&mut values);
                let mut half = values.len() / 2;
                while half > 0 {
                    let (left, right) = values.split_at_mut(half);
                    for (l, r) in left.iter_mut().zip(right) {
                        *l = F::fold(*l, *r);
                    }
                    half /= 2;
                }
                values[0].pattern()
            },
            combine: |left, right| F::fold(T::from_pattern(left), T::from_pattern(right)).pattern(),
        }
    }

    /// The reduction.
    pub fn reduction(&self) -> Reduction {
        self.reduction
    }

    /// The dtype of the elements and of the result.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The kernel that takes `n` elements of `a` into the [`Accumulators`] that `out` points at.
    ///
    /// The calls of a leaf go through it in order. Every one but the last has an `n` that is a
    /// multiple of 64.
    pub fn accumulate(&self) -> BlockFn {
        self.accumulate
    }

    /// Makes the accumulators ready for a leaf.
    pub fn reset(&self, accumulators: &mut Accumulators) {
        (self.reset)(accumulators);
    }

    /// The value of a leaf.
    pub fn finish(&self, accumulators: &Accumulators) -> u64 {
        (self.finish)(accumulators)
    }

    /// The value of two neighbours in the tree.
    pub fn combine(&self, left: u64, right: u64) -> u64 {
        (self.combine)(left, right)
    }

    /// The value of no elements at all: of `Min` and `Max` there is none.
    pub fn empty(&self) -> Option<u64> {
        empty(self.reduction, self.dtype)
    }
}

/// The value of no elements at all.
fn empty(reduction: Reduction, dtype: DType) -> Option<u64> {
    match (reduction, dtype) {
        (Reduction::Min | Reduction::Max, _) => None,
        (Reduction::Sum | Reduction::Any, _) => Some(0),
        (Reduction::Prod, DType::F32) => Some(1_f32.to_bits() as u64),
        (Reduction::Prod, DType::F64) => Some(1_f64.to_bits()),
        (Reduction::Prod | Reduction::All, _) => Some(1),
    }
}

/// The accumulators as what they hold.
fn typed<T: Pattern>(accumulators: &mut Accumulators) -> &mut [T] {
    const { assert!(lanes::<T>() * size_of::<T>() <= size_of::<Accumulators>()) };
    // SAFETY: the bytes are initialised, exclusively borrowed, aligned to 64 and as many as the
    // assertion says; every bit pattern is a value of the types that have a `Pattern` (integers,
    // floats and `Bit`).
    unsafe { std::slice::from_raw_parts_mut((&raw mut accumulators.0).cast::<T>(), lanes::<T>()) }
}

/// Virtual accumulators of an element type.
const fn lanes<T>() -> usize {
    accumulators(size_of::<T>())
}

struct Accumulate<F, T>(PhantomData<(F, T)>);

impl<F: Fold<T>, T: Pattern> Kernel for Accumulate<F, T> {
    #[inline(always)]
    unsafe fn run(out: *mut u8, a: *const u8, _: *const u8, _: *const u8, n: usize) -> u32 {
        let (out, a) = (out.cast::<T>(), a.cast::<T>());
        let whole = n - n % lanes::<T>();
        // SAFETY: `out` points at `Accumulators`, which hold `lanes` elements, aligned, and
        // overlap no input; `a` has `n` readable elements, and every index into it is less.
        unsafe {
            // A local copy, indexed by constants only: the compiler keeps it in registers.
            let mut local = [F::identity(); 64];
            let local = &mut local[..lanes::<T>()];
            for (j, slot) in local.iter_mut().enumerate() {
                *slot = out.add(j).read();
            }
            let mut i = 0;
            while i < whole {
                for (j, slot) in local.iter_mut().enumerate() {
                    *slot = F::fold(*slot, a.add(i + j).read_unaligned());
                }
                i += lanes::<T>();
            }
            for (j, slot) in local.iter().enumerate() {
                out.add(j).write(*slot);
            }
            for j in 0..n - whole {
                let slot = out.add(j);
                slot.write(F::fold(slot.read(), a.add(whole + j).read_unaligned()));
            }
        }
        0
    }
}

/// Combines the values of leaves, which come in order, as the tree that the
/// [module](crate::reduce) describes. Allocates nothing.
///
/// It is a binary counter: a place is taken where the number of leaves so far has a one.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    /// The value of the finished block of `2^i` leaves, where bit `i` of `taken` is set.
    blocks: [u64; 64],
    taken: u64,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree::new()
    }
}

impl Tree {
    /// A tree without leaves.
    pub const fn new() -> Tree {
        Tree { blocks: [0; 64], taken: 0 }
    }

    /// Adds the next leaf.
    pub fn push(&mut self, reducer: &Reducer, leaf: u64) {
        self.push_block(reducer, 0, leaf);
    }

    /// Adds the next `2^level` leaves, already combined by another tree, so that tasks can
    /// reduce blocks of leaves on their own.
    ///
    /// The number of leaves so far must be a multiple of `2^level`. The last block of all may
    /// hold fewer leaves.
    ///
    /// # Panics
    /// If `level` is not less than 64, or the leaves are too many for 64 bits to count.
    pub fn push_block(&mut self, reducer: &Reducer, level: u32, value: u64) {
        assert!(level < 64, "a tree has at most 64 levels");
        debug_assert!(self.taken & ((1 << level) - 1) == 0, "a block out of order");
        let mut level = level as usize;
        let mut value = value;
        while self.taken >> level & 1 == 1 {
            value = reducer.combine(self.blocks[level], value);
            self.taken &= !(1 << level);
            level += 1;
        }
        self.blocks[level] = value;
        self.taken |= 1 << level;
    }

    /// The value of all leaves, `None` if there were none.
    pub fn finish(&self, reducer: &Reducer) -> Option<u64> {
        let mut value = None;
        for level in 0..64 {
            if self.taken >> level & 1 == 1 {
                let left = self.blocks[level];
                value = Some(value.map_or(left, |right| reducer.combine(left, right)));
            }
        }
        value
    }
}

/// The same definition once more, slow and by plain indexing: what the fast code is tested
/// against.
///
/// `data` holds elements of the dtype; a last incomplete one is ignored. `None` if the reduction
/// is not defined on the dtype, or has no value for no elements.
pub fn reference(reduction: Reduction, dtype: DType, data: &[u8]) -> Option<u64> {
    use DType::{Bool, F32, F64, I64, U64};
    let defined = match reduction {
        Reduction::Sum | Reduction::Prod => matches!(dtype, I64 | U64 | F32 | F64),
        Reduction::Min | Reduction::Max => dtype != Bool,
        Reduction::Any | Reduction::All => dtype == Bool,
    };
    if !defined {
        return None;
    }
    fn number<T: Pattern + Number>(reduction: Reduction, left: u64, right: u64) -> u64 {
        let (left, right) = (T::from_pattern(left), T::from_pattern(right));
        match reduction {
            Reduction::Sum => left.add(right),
            Reduction::Prod => left.mul(right),
            Reduction::Min => left.minimum(right),
            _ => left.maximum(right),
        }
        .pattern()
    }
    let combine = |left: u64, right: u64| match reduction {
        Reduction::Any => (left != 0 || right != 0) as u64,
        Reduction::All => (left != 0 && right != 0) as u64,
        _ => family!(numbers, dtype, T => number::<T>(reduction, left, right)).unwrap_or(0),
    };

    let size = dtype.size();
    let element = |i: usize| {
        let mut word = [0; 8];
        for byte in 0..size {
            word[if cfg!(target_endian = "big") { 8 - size + byte } else { byte }] =
                data[i * size + byte];
        }
        u64::from_ne_bytes(word)
    };
    let n = data.len() / size;
    if n == 0 {
        return empty(reduction, dtype);
    }

    let mut level = Vec::new();
    for leaf in 0..n.div_ceil(4096) {
        // The first element that an accumulator meets takes the place of its identity; those
        // that meet none are left out of the folding, where they would change nothing. Only
        // a lone -0.0 could tell, and the identity of a float sum is -0.0 so that it cannot.
        let count = if size == 8 { 32 } else { 64 };
        let mut slots: Vec<Option<u64>> = vec![None; count];
        for i in leaf * 4096..n.min((leaf + 1) * 4096) {
            let mut value = element(i);
            if dtype == Bool {
                value = (value != 0) as u64;
            }
            let slot = &mut slots[i % 4096 % count];
            *slot = Some(slot.map_or(value, |sum| combine(sum, value)));
        }
        while slots.len() > 1 {
            let half = slots.len() / 2;
            slots = (0..half)
                .map(|j| match (slots[j], slots[j + half]) {
                    (Some(left), Some(right)) => Some(combine(left, right)),
                    (one, other) => one.or(other),
                })
                .collect();
        }
        level.extend(slots[0]);
    }
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| if pair.len() == 2 { combine(pair[0], pair[1]) } else { pair[0] })
            .collect();
    }
    level.first().copied()
}
