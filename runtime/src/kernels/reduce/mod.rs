//! Reductions whose bits depend on nothing but the elements and their order.
//!
//! # The tree
//!
//! `T` combines a list of items as a binary tree. A list of one item gives that item. A longer list
//! is split at the largest power of two below its length, and the results of both parts are
//! combined.
//!
//! A sequence is split into *leaves*, a leaf into *blocks*. Inside a block, element `i` goes to
//! *virtual accumulator* `i % A`, so that each of the `A` accumulators takes 16 elements one after
//! another. `T` combines the blocks of a leaf, each accumulator separately. Then the upper half of
//! the accumulators is folded onto the lower half, repeatedly, until one is left: the value of the
//! leaf. `T` combines the leaves. [`Order`] gives the length of leaves and `A`:
//!
//! | order | leaf | block | A |
//! |---|---|---|---|
//! | row, 8-byte dtypes | 4,096 | 512 | 32 |
//! | row, smaller ones | 4,096 | 1,024 | 64 |
//! | column | 16 | 16 | 1 |
//!
//! The last leaf and the last block may be shorter: an accumulator without elements is left out.
//! The error of a sum of `n` elements is at most `(15 + ceil(log2(n / 16))) u` times the sum of
//! their magnitudes, where `u` is half a unit in the last place of 1.
//!
//! Neither the tree nor the bits of the result depend on the instruction set, the number of
//! threads, the boundaries of calls, or whether a [`Sequence`] or [`Columns`] did the work.
//! Reductions without rounding give the same bits in any order, and use the fastest.
//!
//! # Sums and products
//!
//! A float sum starts at -0.0, a product at 1.0, so that an accumulator without elements changes
//! nothing. No operation is fused with another.
//!
//! # Squared deviations
//!
//! An accumulator has three words: its first element `f`, the mean of its elements minus `f`, which
//! is `m`, and the sum `s` of their squared deviations from the mean. `m` and `s` begin as `f - f`.
//! The `k`-th element `x` updates them, with `1/k` rounded (Welford, "Note on a method for
//! calculating corrected sums of squares and products", 1962):
//!
//! ```text
//! y = x - f;    d = y - m;    m = m + d * (1/k);    s = s + d * (y - m)
//! ```
//!
//! where the last statement uses the new `m`. Two accumulators, of `p` and `q` elements, are folded
//! (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
//! variances", 1979) by
//!
//! ```text
//! w = q / (p + q);    v = p * w
//! d = (f' - f) + (m' - m);    m = m + d * w;    s = (s + s') + d * (d * v)
//! ```
//!
//! where primes mark the words of the right accumulator; `w` and `v` are computed in f64 and then
//! rounded to the elements' dtype. An accumulator without elements changes nothing. `f` is
//! subtracted because a mean that is large compared with the deviations has too few bits for them:
//! for 100 numbers between 1e9 and 1e9 + 1, `s` would lose half its digits.
//!
//! # Indices of extremes
//!
//! The result is the index of the first extreme element in the sequence. A NaN is more extreme than
//! any number, so the first NaN wins; zeros are equal whatever their signs.

mod accumulator;
mod columns;
mod extreme;
mod fold;
mod method;
mod ordered;
mod reference;
mod runs;
mod sequence;
mod tree;
mod whole;
mod widening;

use std::fmt;

pub use columns::Columns;
pub use reference::reference;
pub use runs::{ROWS, Runs, row_lanes};
pub use sequence::Sequence;
pub use tree::Tree;
pub use whole::{RowResults, WholeRows};

use accumulator::{Moments, Prod, Sum};
use extreme::{Extreme, IndexOf};
use fold::{All, Any, Fold};
use method::{Method, Methods};
use ordered::Ordered;
use widening::{Truth, Widening};

use crate::convert::{Lane, convert_scalar};
use crate::dtype::DType;
use crate::elementwise::family;
use crate::isa::Isa;

/// The function that a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reduction {
    /// The sum, of any dtype; integers and booleans are added in 64 bits, which wrap.
    Sum,
    /// The product, of `i64`, `u64`, `f32` or `f64`; integers wrap.
    Prod,
    /// The minimum of numbers; NaN propagates, -0.0 is below +0.0.
    Min,
    /// The maximum of numbers; NaN propagates, -0.0 is below +0.0.
    Max,
    /// Whether any element is true, of `bool`.
    Any,
    /// Whether all elements are true, of `bool`.
    All,
    /// The sum of the squared deviations from the mean, of `f32` or `f64`.
    SquaredDeviations,
    /// The index of the first minimum of numbers, or of the first NaN, as `i64`.
    Argmin,
    /// The index of the first maximum of numbers, or of the first NaN, as `i64`.
    Argmax,
}

impl Reduction {
    /// Every reduction, in order.
    pub const ALL: [Reduction; 9] = [
        Reduction::Sum,
        Reduction::Prod,
        Reduction::Min,
        Reduction::Max,
        Reduction::Any,
        Reduction::All,
        Reduction::SquaredDeviations,
        Reduction::Argmin,
        Reduction::Argmax,
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
            Reduction::SquaredDeviations => "squared_deviations",
            Reduction::Argmin => "argmin",
            Reduction::Argmax => "argmax",
        }
    }

    /// Whether the reduction is defined on elements of a dtype.
    pub const fn takes(self, dtype: DType) -> bool {
        use DType::{Bool, F32, F64, I64, U64};
        match self {
            Reduction::Sum => true,
            Reduction::Prod => matches!(dtype, I64 | U64 | F32 | F64),
            Reduction::Min | Reduction::Max | Reduction::Argmin | Reduction::Argmax => {
                !matches!(dtype, Bool)
            }
            Reduction::Any | Reduction::All => matches!(dtype, Bool),
            Reduction::SquaredDeviations => dtype.is_float(),
        }
    }

    /// The dtype of the result for elements of `dtype`, which it must [take](Reduction::takes).
    pub const fn result_dtype(self, dtype: DType) -> DType {
        match self {
            Reduction::Argmin | Reduction::Argmax => DType::I64,
            Reduction::Sum if dtype.is_float() => dtype,
            Reduction::Sum if dtype.is_signed_int() || matches!(dtype, DType::Bool) => DType::I64,
            Reduction::Sum => DType::U64,
            _ => dtype,
        }
    }

    /// The result for no elements, as a bit pattern; `None` if there is none.
    fn empty(self, dtype: DType) -> Option<u64> {
        // An infinity or, for integers, the bound to which it saturates.
        let end = |end: f64| Some(convert_scalar(end.to_bits(), DType::F64, dtype));
        match (self, dtype) {
            (Reduction::Argmin | Reduction::Argmax, _) => None,
            (Reduction::Min, _) => end(f64::INFINITY),
            (Reduction::Max, _) => end(f64::NEG_INFINITY),
            (Reduction::Sum | Reduction::Any | Reduction::SquaredDeviations, _) => Some(0),
            (Reduction::Prod, DType::F32) => Some(1_f32.to_bits() as u64),
            (Reduction::Prod, DType::F64) => Some(1_f64.to_bits()),
            (Reduction::Prod | Reduction::All, _) => Some(1),
        }
    }
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The number of elements that an accumulator takes one after another.
const RUN: usize = 16;

/// The order in which a sequence is accumulated: see the [module](crate::reduce).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Many accumulators side by side, if the last axis is reduced.
    Row,
    /// One accumulator, if it is not.
    Column,
}

impl Order {
    /// The number of elements of a leaf.
    pub const fn leaf(self) -> usize {
        match self {
            Order::Row => 4096,
            Order::Column => RUN,
        }
    }

    /// The number of virtual accumulators for elements of `size` bytes.
    const fn accumulators(self, size: usize) -> usize {
        match self {
            Order::Row if size == 8 => 32,
            Order::Row => 64,
            Order::Column => 1,
        }
    }
}

/// The partial result of a whole sequence, or of an aligned group of `2^k` leaves of one; a
/// [`Reducer`] combines two of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Partial {
    /// The words of an accumulator: bit patterns of the elements' dtype in the low bytes. Of an
    /// index of an extreme: the element and its index.
    words: [u64; 3],
    /// The number of elements.
    count: u64,
}

/// A reduction of one dtype in one order on one instruction set.
#[derive(Clone, Copy)]
pub struct Reducer {
    reduction: Reduction,
    lane: Lane,
    order: Order,
    methods: Methods,
}

impl fmt::Debug for Reducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reducer({} of {:?}, {:?} order)", self.reduction, self.lane, self.order)
    }
}

impl Reducer {
    /// The reducer of elements of `dtype`, `None` if the reduction is not defined on it.
    pub fn new(reduction: Reduction, dtype: DType, order: Order, isa: Isa) -> Option<Reducer> {
        let methods = match reduction {
            Reduction::Sum if dtype.is_float() => ordered_sum(dtype, order, isa),
            Reduction::Sum if dtype.size() == 8 => {
                family!(@match dtype, T => pick::<Fold<fold::Sum, T>>(isa), I64 i64, U64 u64)
            }
            Reduction::Sum => family!(@match dtype, T => pick::<Widening<T>>(isa),
                Bool Truth<u8>, U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32),
            Reduction::Prod if dtype.is_float() => ordered_prod(dtype, order, isa),
            Reduction::Prod => family!(@match dtype, T => pick::<Fold<fold::Prod, T>>(isa),
                I64 i64, U64 u64),
            Reduction::Min => family!(numbers, dtype, T => pick::<Fold<Extreme<true>, T>>(isa)),
            Reduction::Max => family!(numbers, dtype, T => pick::<Fold<Extreme<false>, T>>(isa)),
            Reduction::Any => family!(@match dtype, T => pick::<Fold<Any, T>>(isa), Bool u8),
            Reduction::All => family!(@match dtype, T => pick::<Fold<All, T>>(isa), Bool u8),
            Reduction::SquaredDeviations => moments(dtype, order, isa),
            Reduction::Argmin => family!(numbers, dtype, T => pick::<IndexOf<true, T>>(isa)),
            Reduction::Argmax => family!(numbers, dtype, T => pick::<IndexOf<false, T>>(isa)),
        }?;
        Some(Reducer { reduction, lane: Lane::Value(dtype), order, methods })
    }

    /// The reducer of lanes, `None` if the reduction is not defined on them. The lanes of a mask
    /// are elements of `bool`.
    pub fn of_lane(reduction: Reduction, lane: Lane, order: Order, isa: Isa) -> Option<Reducer> {
        let Lane::Mask(width) = lane else {
            let Lane::Value(dtype) = lane else { return None };
            return Reducer::new(reduction, dtype, order, isa);
        };
        let methods = match reduction {
            Reduction::Sum => masks!(width, T => pick::<Widening<Truth<T>>>(isa)),
            Reduction::Any => masks!(width, T => pick::<Fold<Any, T>>(isa)),
            Reduction::All => masks!(width, T => pick::<Fold<All, T>>(isa)),
            _ => None,
        }?;
        Some(Reducer { reduction, lane, order, methods })
    }

    /// The function that is computed.
    pub fn reduction(&self) -> Reduction {
        self.reduction
    }

    /// The dtype of the elements; `bool` for masks.
    pub fn dtype(&self) -> DType {
        match self.lane {
            Lane::Value(dtype) => dtype,
            Lane::Mask(_) => DType::Bool,
        }
    }

    /// The size of an element in bytes.
    pub fn lane_bytes(&self) -> usize {
        self.lane.bytes()
    }

    /// The dtype of the result.
    pub fn result_dtype(&self) -> DType {
        self.reduction.result_dtype(self.dtype())
    }

    /// The order of accumulation.
    pub fn order(&self) -> Order {
        self.order
    }

    /// The number of elements of a leaf.
    pub fn leaf(&self) -> usize {
        self.order.leaf()
    }

    /// The size in bytes of one word of each accumulator of a block: the memory of a sequence of
    /// [`Columns`] that is used for every element.
    pub fn block_bytes(&self) -> usize {
        let size = self.lane.bytes();
        self.order.accumulators(size) * size
    }

    /// A table with `1/k` at index `k`, for `k` from 1 to 16, of the elements' dtype; null if that
    /// is not a float.
    pub fn reciprocals(&self) -> *const u8 {
        match self.dtype() {
            DType::F32 => <f32 as accumulator::Element>::RECIPROCALS.as_ptr().cast(),
            DType::F64 => <f64 as accumulator::Element>::RECIPROCALS.as_ptr().cast(),
            _ => std::ptr::null(),
        }
    }

    /// The partial result of two neighbours in the tree together.
    pub fn combine(&self, left: &Partial, right: &Partial) -> Partial {
        (self.methods.combine)(left, right)
    }

    /// The result of a sequence, as a bit pattern of the result's dtype in the low bytes of a word
    /// whose other bytes are zero.
    ///
    /// A `sequence` of `None` has no elements; its result is `None` if the reduction has no value
    /// for them.
    pub fn result(&self, sequence: Option<&Partial>) -> Option<u64> {
        match sequence {
            None => self.reduction.empty(self.dtype()),
            Some(partial) => Some(partial.words[self.word()]),
        }
    }

    /// The number of the word of a partial result that is the result.
    fn word(&self) -> usize {
        match self.reduction {
            Reduction::SquaredDeviations => 2,
            Reduction::Argmin | Reduction::Argmax => 1,
            _ => 0,
        }
    }
}

fn pick<M: Method>(isa: Isa) -> Methods {
    Methods::of::<M>(isa)
}

/// Evaluates `$then` with `$t` as the unsigned integer of a mask's width.
macro_rules! masks {
    ($width:expr, $t:ident => $then:expr) => {
        masks!(@match $width, $t => $then, 8 u8, 16 u16, 32 u32, 64 u64)
    };
    (@match $width:expr, $t:ident => $then:expr, $($bits:literal $rust:ty),*) => {
        match $width {
            $($bits => {
                type $t = $rust;
                Some($then)
            })*
            _ => None,
        }
    };
}
use masks;

/// Defines the methods of a float reduction: its accumulator and the accumulator's number of words;
/// then for each type the number of accumulators to keep in registers, in row and in column order.
macro_rules! ordered {
    (
        $name:ident, $accumulator:ident, $words:literal,
        $f64:literal $f64s:literal, $f32:literal $f32s:literal
    ) => {
        fn $name(dtype: DType, order: Order, isa: Isa) -> Option<Methods> {
            type Of<T, const A: usize, const G: usize> = Ordered<$accumulator, T, $words, A, G>;
            // The baseline has fewer and narrower registers.
            let baseline = isa == Isa::Baseline;
            Some(match (dtype, order) {
                (DType::F64, Order::Row) => Methods::of_wide::<Of<f64, 32, $f64>>(isa),
                (DType::F64, Order::Column) if baseline => pick::<Of<f64, 1, 8>>(isa),
                (DType::F64, Order::Column) => Methods::of_wide::<Of<f64, 1, $f64s>>(isa),
                (DType::F32, Order::Row) => Methods::of_wide::<Of<f32, 64, $f32>>(isa),
                (DType::F32, Order::Column) if baseline => pick::<Of<f32, 1, 8>>(isa),
                (DType::F32, Order::Column) => Methods::of_wide::<Of<f32, 1, $f32s>>(isa),
                _ => return None,
            })
        }
    };
}

ordered!(ordered_sum, Sum, 1, 32 16, 64 16);
ordered!(ordered_prod, Prod, 1, 32 16, 64 16);
ordered!(moments, Moments, 3, 16 16, 32 16);
