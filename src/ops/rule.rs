//! Typing rules of operations.

use super::Class;

/// The typing rule of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Operands promote to one dtype, which is the result's; each operation has its own rule for
    /// `bool`.
    Arithmetic,
    /// Each operand is converted to a float; the result has the widest.
    Real,
    /// As `Real`, but integers are computed in `f64` whatever their width.
    Divide,
    /// Floats are rounded; integers are unchanged.
    Rounding,
    /// Operands promote to one dtype; the result is `bool`; weak integers compare exactly.
    Comparison,
    /// One number; the result is `bool`.
    Predicate,
    /// Any numbers; the result is `bool`.
    Truths,
    /// `bool` operands only.
    Logical,
    /// `bool` or integer operands.
    Bitwise,
    /// Integer operands, which promote; `bool` counts as `i8`.
    Integers,
    /// One `bool` or integer; the result is `u8`.
    Tally,
    /// A float and an integer of any dtypes; the result has the float's.
    Scaled,
    /// Operands of any dtypes, computed in `f64`.
    Double,
    /// A `bool` condition and two values that promote.
    Select,
    /// A scalar broadcast to the shape and dtype of the first operand.
    Filled,
    /// A reduction that widens integers to 64 bits.
    Total,
    /// A reduction that computes in floats.
    Average,
    /// A reduction to one of the elements.
    Extreme,
    /// A reduction of truth values.
    Truth,
    /// A reduction to an `i64` count.
    Count,
    /// A reduction to the `i64` position of one of the elements.
    Position,
    /// A reduction that computes in floats, with a scalar parameter.
    Spread,
    /// A reduction of products that widens integers to 64 bits.
    Products,
    /// A reduction of comparisons of two operands to one `bool`.
    Agreement,
    /// A scan that widens integers to 64 bits.
    RunningTotal,
    /// A scan to one of the elements.
    RunningExtreme,
    /// A scan to an `i64` count.
    RunningCount,
    /// A scan to a `bool`.
    RunningTruth,
    /// A scan to elements of other rows, in the dtype of the operand or, if some have none, in `f64`;
    /// `f32` of `f32`.
    Lagged,
    /// A function along an axis that computes in `f64`; the result of `f32` is `f32`.
    Rolling,
    /// A function along an axis to the place of each element, in `f64`.
    Ranking,
}

impl Rule {
    /// The relation of a result's elements to those of the operands.
    pub(super) fn class(self) -> Class {
        match self {
            Rule::Arithmetic
            | Rule::Real
            | Rule::Divide
            | Rule::Rounding
            | Rule::Comparison
            | Rule::Predicate
            | Rule::Truths
            | Rule::Logical
            | Rule::Bitwise
            | Rule::Integers
            | Rule::Tally
            | Rule::Scaled
            | Rule::Double
            | Rule::Select
            | Rule::Filled => Class::Elementwise,
            Rule::Total
            | Rule::Average
            | Rule::Extreme
            | Rule::Truth
            | Rule::Count
            | Rule::Position
            | Rule::Spread
            | Rule::Products
            | Rule::Agreement => Class::Reduce,
            Rule::RunningTotal
            | Rule::RunningExtreme
            | Rule::RunningCount
            | Rule::RunningTruth
            | Rule::Lagged
            | Rule::Rolling
            | Rule::Ranking => Class::Along,
        }
    }
}
