//! Functions that are not rows of the table: those of two results, and those that the resolver
//! expands.

use super::Op;

/// A function of two results: `q, r = divmod(a, b)`.
pub struct TwoResults {
    /// Its name.
    pub name: &'static str,
    /// The signature.
    pub signature: &'static str,
    /// The operation of each result; both take the same operands.
    pub ops: [Op; 2],
    /// One line of documentation.
    pub doc: &'static str,
}

/// The functions of two results.
pub const TWO_RESULTS: [TwoResults; 3] = [
    TwoResults {
        name: "divmod",
        signature: "divmod(x, y)",
        ops: [Op::FloorDiv, Op::Rem],
        doc: "x // y and x % y.",
    },
    TwoResults {
        name: "modf",
        signature: "modf(x)",
        ops: [Op::Fraction, Op::Whole],
        doc: "The fraction and the integer part of x, both as floats and with its sign; of an infinity 0 and itself.",
    },
    TwoResults {
        name: "frexp",
        signature: "frexp(x)",
        ops: [Op::Mantissa, Op::Exponent],
        doc: "m and e, x = m * 2**e, 0.5 <= |m| < 1, e an i32; of 0, infinities and NaN x itself and 0.",
    },
];

/// The function of two results of this name.
pub fn two_results(name: &str) -> Option<&'static TwoResults> {
    TWO_RESULTS.iter().find(|f| f.name == name)
}

/// Functions that are not in the table: name, signature and documentation of those that the
/// resolver expands.
pub const RESOLVED: &[(&str, &str, &str)] = &[
    (
        "isin",
        "isin(x, [v1, v2, ...], *, assume_unique=False, invert=False)",
        "Whether x equals one of the values; with invert=True whether it equals none of them.",
    ),
    (
        "sequence",
        "sequence(c1, c2, ..., *, within=None, t=None, strict=False, unless=None, axis=-1)",
        "Whether a match ends in the row: rows where c1, c2, ... hold, one row for each, in this order. \
         `within` is the most that may lie between the first and the last, in the unit of t, the times of \
         rows, which do not go back and are taken as f64, so give `t - t0` of nanoseconds; without t in rows. With strict=True the rows follow each other; a row \
         where `unless` holds ends all that began before it. NaN does not hold.",
    ),
    ("astype", "astype(x, dtype)", "x in another dtype, as `f32(x)`: `x.astype(f32)`."),
    ("expand_dims", "expand_dims(x, axis)", "A view with new axes of one element; `x[:, None]`."),
    ("transpose", "transpose(x, axes=None)", "A view with the axes reversed, or in another order."),
];
