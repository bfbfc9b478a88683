//! Reductions whose bits depend on nothing but the elements and their order.
//!
//! # The tree
//!
//! `T` is a binary tree over items in a row: one item is itself, more are cut at the largest power
//! of two below their number, and what `T` makes of the left part is combined with what it makes
//! of the right one.
//!
//! A sequence is cut into *leaves*, a leaf into *blocks*. Inside a block, element `i` goes to
//! *virtual accumulator* `i % A`, so that each of the `A` accumulators takes 16 elements one after
//! another. The blocks of a leaf combine accumulator by accumulator, by `T`. Then the upper half of
//! the accumulators is folded onto the lower half until one is left, the leaf's value. Leaves
//! combine by `T`. [`Order`] says how long leaves are and what `A` is:
//!
//! | order | leaf | block | A |
//! |---|---|---|---|
//! | row, 8-byte dtypes | 4,096 | 512 | 32 |
//! | row, smaller ones | 4,096 | 1,024 | 64 |
//! | column | 16 | 16 | 1 |
//!
//! The last leaf and the last block may be shorter: an accumulator that has no elements there is
//! left out. The error of a sum of `n` elements is at most `(15 + ceil(log2(n / 16))) u` times the
//! sum of their magnitudes, `u` being half a unit in the last place of 1.
//!
//! Nothing in this depends on the instruction set, the number of threads, the boundaries of calls,
//! or whether a [`Sequence`] or [`Columns`] did the work, and so the bits of the result do not.
//! Reductions that round nothing give the same bits in any tree, and take whatever is fastest.
//!
//! # Sums and products
//!
//! A float sum starts at -0.0, a product at 1.0, so that an accumulator without elements changes
//! nothing. No operation is fused with another.
//!
//! # Squared deviations
//!
//! An accumulator counts from its first element `f`: `m` is how far the mean of its elements is
//! from `f`, and `s` the sum of their squared deviations from that mean. Both begin as `f - f`. The
//! `k`-th element `x` does, with `1/k` rounded (Welford, "Note on a method for calculating
//! corrected sums of squares and products", 1962),
//!
//! ```text
//! y = x - f;    d = y - m;    m = m + d * (1/k);    s = s + d * (y - m)
//! ```
//!
//! with the new `m` in the last. Two accumulators, of `p` and `q` elements, are folded (Chan,
//! Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
//! 1979) by
//!
//! ```text
//! w = q / (p + q);    v = p * w
//! d = (f' - f) + (m' - m);    m = m + d * w;    s = (s + s') + d * (d * v)
//! ```
//!
//! where primes are the right one's, `w` and `v` are computed in f64 and then rounded to the
//! elements' dtype. One without elements changes nothing. `f` is there because a mean that is large
//! beside the deviations from it has too few bits left for them: of 100 numbers between 1e9 and
//! 1e9 + 1, `s` would lose half its digits.
//!
//! # Indices of extremes
//!
//! The index in the sequence of its first extreme. A NaN is more extreme than any number, so the
//! first of them wins; zeros are equal whatever their signs.

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
mod widening;

use std::fmt;

pub use columns::Columns;
pub use reference::reference;
pub use runs::{ROWS, Runs, row_lanes};
pub use sequence::Sequence;
pub use tree::Tree;

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

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reduction {
    /// The sum; of integers and truth values in 64 bits, which wrap. Of every dtype.
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
    /// The sum of the squared deviations from the mean. Of `f32`, `f64`.
    SquaredDeviations,
    /// The index of the first least, or of the first NaN, an `i64`. Of every number.
    Argmin,
    /// The index of the first greatest, or of the first NaN, an `i64`. Of every number.
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

    /// Whether it is defined on elements of a dtype.
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

    /// The dtype of the result, of elements of a dtype that it [takes](Reduction::takes).
    pub const fn result_dtype(self, dtype: DType) -> DType {
        match self {
            Reduction::Argmin | Reduction::Argmax => DType::I64,
            Reduction::Sum if dtype.is_float() => dtype,
            Reduction::Sum if dtype.is_signed_int() || matches!(dtype, DType::Bool) => DType::I64,
            Reduction::Sum => DType::U64,
            _ => dtype,
        }
    }

    /// The value of no elements at all: that which leaves every other as it is.
    fn empty(self, dtype: DType) -> Option<u64> {
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

/// Elements that an accumulator takes one after another.
const RUN: usize = 16;

/// In which order a sequence is accumulated: see the [module](crate::reduce).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Many accumulators side by side: where the last axis is reduced.
    Row,
    /// One accumulator: where it is not.
    Column,
}

impl Order {
    /// Elements of a leaf.
    pub const fn leaf(self) -> usize {
        match self {
            Order::Row => 4096,
            Order::Column => RUN,
        }
    }

    /// Virtual accumulators of elements of a size.
    const fn accumulators(self, size: usize) -> usize {
        match self {
            Order::Row if size == 8 => 32,
            Order::Row => 64,
            Order::Column => 1,
        }
    }
}

/// What is known of a finished sequence, or of an aligned block of `2^k` leaves of one; a
/// [`Reducer`] combines them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Partial {
    /// Bit patterns, of the elements' dtype in the low bytes, or an index.
    words: [u64; 3],
    /// How many elements.
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
    /// The reduction of a dtype, `None` if it is not defined on it.
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

    /// The reduction of lanes, `None` if it is not defined on them. What is known of values is of
    /// masks too: all lanes of a mask are elements of `bool`.
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

    /// The reduction.
    pub fn reduction(&self) -> Reduction {
        self.reduction
    }

    /// The dtype of the elements; `bool` of masks.
    pub fn dtype(&self) -> DType {
        match self.lane {
            Lane::Value(dtype) => dtype,
            Lane::Mask(_) => DType::Bool,
        }
    }

    /// Bytes of an element.
    pub fn lane_bytes(&self) -> usize {
        self.lane.bytes()
    }

    /// The dtype of the result.
    pub fn result_dtype(&self) -> DType {
        self.reduction.result_dtype(self.dtype())
    }

    /// The order.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Elements of a leaf.
    pub fn leaf(&self) -> usize {
        self.order.leaf()
    }

    /// Bytes of the accumulators of a block, of one word each: what a sequence of [`Columns`] goes
    /// through again and again.
    pub fn block_bytes(&self) -> usize {
        let size = self.lane.bytes();
        self.order.accumulators(size) * size
    }

    /// `1/k` at place `k`, from 1 to 16, of the elements' dtype; null if that is not a float.
    pub fn reciprocals(&self) -> *const u8 {
        match self.dtype() {
            DType::F32 => <f32 as accumulator::Element>::RECIPROCALS.as_ptr().cast(),
            DType::F64 => <f64 as accumulator::Element>::RECIPROCALS.as_ptr().cast(),
            _ => std::ptr::null(),
        }
    }

    /// What is known of two neighbours in the tree, given what is of each.
    pub fn combine(&self, left: &Partial, right: &Partial) -> Partial {
        (self.methods.combine)(left, right)
    }

    /// The result of a sequence, as a bit pattern of the result's dtype in the low bytes of a word
    /// whose other bytes are zero.
    ///
    /// Given no sequence, for want of elements: the value that leaves every other as it is, or
    /// `None` where there is no such.
    pub fn result(&self, sequence: Option<&Partial>) -> Option<u64> {
        use Reduction::{Argmax, Argmin, SquaredDeviations};
        match sequence {
            None => self.reduction.empty(self.dtype()),
            Some(partial) => Some(match self.reduction {
                SquaredDeviations => partial.words[2],
                Argmin | Argmax => partial.words[1],
                _ => partial.words[0],
            }),
        }
    }
}

fn pick<M: Method>(isa: Isa) -> Methods {
    Methods::of::<M>(isa)
}

/// Runs `$then` with `$t` standing for an unsigned integer as wide as a mask.
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

/// The methods of a float reduction whose accumulators have so many words. For each type, how many
/// accumulators of a row and how many of a column stay in registers.
macro_rules! ordered {
    (
        $name:ident, $accumulator:ident, $words:literal,
        $f64:literal $f64s:literal, $f32:literal $f32s:literal
    ) => {
        fn $name(dtype: DType, order: Order, isa: Isa) -> Option<Methods> {
            type Of<T, const A: usize, const G: usize> = Ordered<$accumulator, T, $words, A, G>;
            // There are fewer registers, and narrow ones.
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
