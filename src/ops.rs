//! The table of operations: one row each, used by lookup, typing, folding, the interpreter, the
//! native backend, the documentation and the tests.

mod resolved;
mod rule;
mod signature;
mod suggestions;

pub use resolved::{RESOLVED, TWO_RESULTS, TwoResults, two_results};
pub use rule::Rule;
pub use suggestions::suggestions;

use std::fmt;

use hotloop_runtime::block::{BlockFn, PairFn};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::Reduction;
use hotloop_runtime::scan::{Scan, Whole, Window};
use hotloop_runtime::{elementwise, math};

/// The relation of a result's elements to those of the operands. Every pass over a graph matches it
/// exhaustively, so that the compiler finds each place a new class affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Each element depends on the elements at the same index.
    Elementwise,
    /// Each element depends on all elements along the reduced axes.
    Reduce,
    /// Each element depends on the elements before it along one axis, and on that at its index.
    Along,
    /// A scalar that depends on the operand's shape but not on its elements.
    Shape,
}

/// How an operation is lowered after typing.
#[derive(Clone, Copy)]
pub enum Lowering {
    /// A primitive: its kernel computes it in the interpreter and wherever there is no vector form.
    Kernel(fn(DType, Isa) -> Option<BlockFn>),
    /// A composite: the builder or `legalize` expands it.
    Expand,
    /// A primitive reduction.
    Reduce(Reduction),
    /// A primitive scan.
    Along(Scan),
    /// The number of elements of the operand's shape.
    Size,
    /// The length of the reduced axes: elements per element of the operand, a reduction.
    Length,
}

/// A parameter of a function; the default makes it optional.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// The name a keyword argument uses.
    pub name: &'static str,
    /// Other names of the same parameter.
    pub aliases: &'static [&'static str],
    /// The value of an omitted argument; [`NONE`] for `None`.
    pub default: Option<f64>,
}

/// The encoding of `None` as a default: a NaN that no program can produce.
pub const NONE: f64 = f64::from_bits(0x7ff8_6e6f_6e65_0000);

/// Whether a default, or the bits of a constant operand, are those of [`NONE`].
pub fn is_none(value: f64) -> bool {
    value.to_bits() == NONE.to_bits()
}

/// A row of the table: an operation.
pub struct Row {
    /// The operation.
    pub op: Op,
    /// NumPy's name, or the symbol of an operator that has no function name.
    pub name: &'static str,
    /// Other names of the same function.
    pub aliases: &'static [&'static str],
    /// The parameters, in order.
    pub parameters: &'static [Parameter],
    /// The typing rule.
    pub rule: Rule,
    /// How it is lowered.
    pub lowering: Lowering,
    /// Approximate nanoseconds per element on one thread, for the choice of the number of threads.
    pub cost: f32,
    /// The error bound for floats in units in the last place; 0.5 is correctly rounded, 0 exact.
    pub ulp: f32,
    /// The range of float arguments in random tests.
    pub domain: (f64, f64),
    /// One line of documentation.
    pub doc: &'static str,
}

impl Row {
    /// Whether it is called by name (`sin(x)`) rather than written as an operator (`x + y`).
    pub fn is_function(&self) -> bool {
        self.name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !matches!(self.name, "and" | "or" | "not")
    }

    /// The names it can be called by, the usual one first; for an operator, those of NumPy's
    /// function.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let first = self.is_function().then_some(self.name);
        first.into_iter().chain(self.aliases.iter().copied())
    }
}

macro_rules! table {
    ($(
        $op:ident $name:literal $([$($alias:literal),+])?
        ($($param:ident $(| $other:ident)* $(= $default:expr)?),*)
        $rule:ident, $lowering:expr,
        cost $cost:literal, ulp $ulp:literal $(, on $lo:literal .. $hi:literal)?;
        $doc:literal
    )*) => {
        /// An operation of the graph.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "each is described by its row")]
        pub enum Op { $($op),* }

        /// Every operation, in the order of [`Op`].
        pub static TABLE: &[Row] = &[$(Row {
            op: Op::$op,
            name: $name,
            aliases: &[$($($alias),+)?],
            parameters: &[$(Parameter {
                name: stringify!($param),
                aliases: &[$(stringify!($other)),*],
                default: default!($($default)?),
            }),*],
            rule: Rule::$rule,
            lowering: $lowering,
            cost: $cost,
            ulp: $ulp,
            domain: domain!($($lo, $hi)?),
            doc: $doc,
        }),*];
    };
}

macro_rules! default {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

macro_rules! domain {
    () => {
        (-1e3, 1e3)
    };
    ($lo:literal, $hi:literal) => {
        ($lo, $hi)
    };
}

use Lowering::{Along, Expand, Kernel, Length, Reduce, Size};

table! {
    // Operators.
    Add "+" ["add"] (x, y) Arithmetic, Kernel(elementwise::add), cost 0.15, ulp 0.5;
        "Sum; `or` of bools. Integers wrap."
    Sub "-" ["subtract"] (x, y) Arithmetic, Kernel(elementwise::sub), cost 0.15, ulp 0.5;
        "Difference; not defined for bools. Integers wrap."
    Mul "*" ["multiply"] (x, y) Arithmetic, Kernel(elementwise::mul), cost 0.15, ulp 0.5;
        "Product; `and` of bools. Integers wrap."
    Div "/" ["divide", "true_divide"] (x, y) Divide, Kernel(elementwise::div), cost 1.0, ulp 0.5;
        "True division; integers give f64."
    FloorDiv "//" ["floor_divide"] (x, y) Arithmetic, Kernel(elementwise::floor_div), cost 4.0, ulp 0.5;
        "Division rounded down; an integer divided by zero gives 0 and raises a flag in the report."
    Rem "%" ["mod", "remainder"] (x, y) Arithmetic, Kernel(elementwise::rem), cost 4.0, ulp 0.5;
        "Remainder with the divisor's sign; of integers by zero: 0 and a flag in the report."
    Power "power" ["pow"] (x, y) Arithmetic, Expand, cost 1.0, ulp 1.0;
        "Power. Integers take non-negative integer exponents; where one is negative at run time, the result is 0 (1 and -1 have exact inverses). A negative float to a fraction is NaN. `x ** 0.5` is C's `pow`, not `sqrt`: 0 of -0.0, infinity of -infinity."
    IntegerPower "integer_power" (x, y) Arithmetic, Kernel(elementwise::pow), cost 8.0, ulp 0.0;
        "Integer power that wraps; a negative exponent gives 0, or 1 and -1 where that is exact."
    RealPower "real_power" (x, y) Real, Kernel(math::power), cost 3.0, ulp 1.0, on 0.0 .. 1e3;
        "Float power: what `power` of floats becomes where the exponent is not a small constant."
    FloatPower "float_power" (x, y) Double, Expand, cost 3.0, ulp 1.0, on 0.0 .. 1e3;
        "Power in f64, whatever the operands; so integers take negative exponents."
    Neg "negative" (x) Arithmetic, Kernel(elementwise::neg), cost 0.1, ulp 0.0;
        "Negation; flips the sign of zeros too."
    Lt "<" ["less"] (x, y) Comparison, Kernel(elementwise::lt), cost 0.15, ulp 0.0;
        "Less than."
    Le "<=" ["less_equal"] (x, y) Comparison, Kernel(elementwise::le), cost 0.15, ulp 0.0;
        "Less than or equal."
    Gt ">" ["greater"] (x, y) Comparison, Expand, cost 0.15, ulp 0.0;
        "Greater than."
    Ge ">=" ["greater_equal"] (x, y) Comparison, Expand, cost 0.15, ulp 0.0;
        "Greater than or equal."
    Eq "==" ["equal"] (x, y) Comparison, Kernel(elementwise::eq), cost 0.15, ulp 0.0;
        "Equal."
    Ne "!=" ["not_equal"] (x, y) Comparison, Kernel(elementwise::ne), cost 0.15, ulp 0.0;
        "Not equal."
    And "and" (x, y) Logical, Expand, cost 0.1, ulp 0.0;
        "Both, of bools."
    Or "or" (x, y) Logical, Expand, cost 0.1, ulp 0.0;
        "Either, of bools."
    Not "not" (x) Logical, Expand, cost 0.1, ulp 0.0;
        "The opposite, of bools."
    BitAnd "&" ["bitwise_and"] (x, y) Bitwise, Kernel(elementwise::bit_and), cost 0.1, ulp 0.0;
        "Bitwise and, of bools or integers."
    BitOr "|" ["bitwise_or"] (x, y) Bitwise, Kernel(elementwise::bit_or), cost 0.1, ulp 0.0;
        "Bitwise or, of bools or integers."
    BitXor "^" ["bitwise_xor"] (x, y) Bitwise, Kernel(elementwise::bit_xor), cost 0.1, ulp 0.0;
        "Bitwise exclusive or, of bools or integers."
    BitNot "~" ["bitwise_not", "invert", "bitwise_invert"] (x) Bitwise, Kernel(elementwise::bit_not), cost 0.1, ulp 0.0;
        "Bitwise complement; `not` of bools."
    Shl "<<" ["left_shift", "bitwise_left_shift"] (x, y) Integers, Kernel(elementwise::shl), cost 0.5, ulp 0.0;
        "Shift left; a count below 0 or beyond the width gives 0."
    Shr ">>" ["right_shift", "bitwise_right_shift"] (x, y) Integers, Kernel(elementwise::shr), cost 0.5, ulp 0.0;
        "Shift right; a count below 0 or beyond the width fills with the sign."

    // Elementwise functions.
    Select "where" (condition, x, y) Select, Kernel(elementwise::select), cost 0.2, ulp 0.0;
        "x where the condition is true, else y, element by element."
    Abs "abs" ["absolute"] (x) Arithmetic, Kernel(elementwise::abs), cost 0.1, ulp 0.0;
        "Absolute value; that of the least integer wraps to itself."
    Sign "sign" (x) Arithmetic, Expand, cost 0.4, ulp 0.0;
        "-1, 0 or 1; NaN of NaN."
    Square "square" (x) Arithmetic, Expand, cost 0.15, ulp 0.5;
        "x * x; of bools in i8."
    Reciprocal "reciprocal" (x) Arithmetic, Expand, cost 1.0, ulp 0.5;
        "1 / x; of integers without the fraction, of bools in i8; of the integer 0: 0 and a flag in the report."
    Positive "positive" (x) Arithmetic, Expand, cost 0.0, ulp 0.0;
        "x itself; not defined for bools."
    Copy "copy" (x) Arithmetic, Expand, cost 0.0, ulp 0.0;
        "x itself."
    Real "real" (x) Arithmetic, Expand, cost 0.0, ulp 0.0;
        "The real part: x itself."
    Imag "imag" (x) Arithmetic, Expand, cost 0.1, ulp 0.0;
        "The imaginary part: 0."
    Conj "conj" ["conjugate"] (x) Arithmetic, Expand, cost 0.0, ulp 0.0;
        "The complex conjugate: x itself; of bools in i8."
    OnesLike "ones_like" (x) Arithmetic, Expand, cost 0.1, ulp 0.0;
        "1 for each element of x, of its dtype."
    ZerosLike "zeros_like" ["empty_like"] (x) Arithmetic, Expand, cost 0.1, ulp 0.0;
        "0 for each element of x, of its dtype."
    FullLike "full_like" (x, fill_value) Filled, Expand, cost 0.1, ulp 0.0;
        "One number for each element of x, of its dtype; to integers a float loses its fraction."
    Fabs "fabs" (x) Real, Expand, cost 0.1, ulp 0.0;
        "Absolute value, of integers too as a float."
    LogicalAnd "logical_and" (x, y) Truths, Expand, cost 0.3, ulp 0.0;
        "Whether both are true; a number is true if it is not 0, NaN too."
    LogicalOr "logical_or" (x, y) Truths, Expand, cost 0.3, ulp 0.0;
        "Whether either is true; a number is true if it is not 0."
    LogicalXor "logical_xor" (x, y) Truths, Expand, cost 0.3, ulp 0.0;
        "Whether just one is true; a number is true if it is not 0."
    LogicalNot "logical_not" (x) Truths, Expand, cost 0.2, ulp 0.0;
        "Whether x is false; a number is false if it is 0."
    Cbrt "cbrt" (x) Real, Kernel(math::cbrt), cost 1.5, ulp 1.0, on -1e6 .. 1e6;
        "Cube root, of negative numbers too."
    Hypot "hypot" (x, y) Real, Kernel(math::hypot), cost 1.0, ulp 1.0, on -1e6 .. 1e6;
        "sqrt(x**2 + y**2) without overflow on the way; an infinity wins over a NaN."
    Sqrt "sqrt" (x) Real, Kernel(elementwise::sqrt), cost 1.5, ulp 0.5, on 0.0 .. 1e6;
        "Square root; NaN of negative numbers."
    Fma "fma" (x, y, z) Real, Kernel(elementwise::fma), cost 0.2, ulp 0.5;
        "x * y + z, rounded once."
    Floor "floor" (x) Rounding, Kernel(elementwise::floor), cost 0.15, ulp 0.0;
        "The largest integer not above x."
    Ceil "ceil" (x) Rounding, Kernel(elementwise::ceil), cost 0.15, ulp 0.0;
        "The smallest integer not below x."
    Trunc "trunc" ["fix"] (x) Rounding, Kernel(elementwise::trunc), cost 0.15, ulp 0.0;
        "x without its fraction."
    Round "round" ["around"] (x, decimals = 0.0) Rounding, Expand, cost 0.15, ulp 0.0;
        "The nearest integer, ties to even, or with so many decimals: as NumPy, rint(x * 10**n) / 10**n. Integers change only for decimals below 0; bools stay, where NumPy gives f16."
    Rint "rint" (x) Real, Kernel(elementwise::rint), cost 0.15, ulp 0.0;
        "The nearest integer, ties to even, as a float."
    Fmod "fmod" (x, y) Arithmetic, Kernel(elementwise::fmod), cost 8.0, ulp 0.0;
        "Exact remainder with the dividend's sign, as C's; of integers by zero: 0 and a flag."
    Whole "whole part of" (x) Real, Expand, cost 0.15, ulp 0.0;
        "x without its fraction, as a float: the second result of `modf`."
    Fraction "fraction of" (x) Real, Kernel(elementwise::fraction), cost 0.5, ulp 0.0;
        "x without its integer part, of x's sign; 0 of an infinity: the first result of `modf`."
    Mantissa "mantissa of" (x) Real, Kernel(elementwise::mantissa), cost 1.0, ulp 0.0;
        "x over the power of two that leaves 0.5 <= |m| < 1: the first result of `frexp`."
    BinaryExponent "binary exponent of" (x) Real, Kernel(elementwise::exponent), cost 1.0, ulp 0.0;
        "The exponent of that power, as a float."
    Exponent "exponent of" (x) Real, Expand, cost 1.2, ulp 0.0;
        "The exponent of that power, as i32: the second result of `frexp`."
    Ldexp "ldexp" (x, exponent) Scaled, Kernel(elementwise::ldexp), cost 1.0, ulp 0.5;
        "x * 2**exponent, rounded once."
    Gcd "gcd" (x, y) Integers, Kernel(elementwise::gcd), cost 30.0, ulp 0.0;
        "Greatest common divisor of the magnitudes; gcd(0, 0) is 0."
    Lcm "lcm" (x, y) Integers, Kernel(elementwise::lcm), cost 40.0, ulp 0.0;
        "Least common multiple of the magnitudes, which may wrap; 0 if either is 0."
    SetBits "bits set in" (x) Bitwise, Kernel(elementwise::set_bits), cost 0.5, ulp 0.0;
        "What `bitwise_count` is before it becomes u8."
    BitwiseCount "bitwise_count" (x) Tally, Expand, cost 0.6, ulp 0.0;
        "How many bits of |x| are set."
    Heaviside "heaviside" (x, y) Real, Expand, cost 0.6, ulp 0.0;
        "0 where x is below 0, 1 where it is above, y where it is 0; NaN of NaN."
    Degrees "degrees" ["rad2deg"] (x) Real, Expand, cost 0.4, ulp 1.0;
        "Radians as degrees: x * (180 / pi)."
    Radians "radians" ["deg2rad"] (x) Real, Expand, cost 0.4, ulp 1.0;
        "Degrees as radians: x * (pi / 180)."
    Copysign "copysign" (x, y) Real, Kernel(elementwise::copysign), cost 0.5, ulp 0.0;
        "|x| with y's sign; a NaN counts as positive."
    Nextafter "nextafter" (x, y) Real, Kernel(elementwise::nextafter), cost 1.0, ulp 0.0;
        "The float after x on the way to y."
    Spacing "spacing" (x) Real, Expand, cost 1.5, ulp 0.0;
        "How far the next float is, away from 0; with the sign of x."
    Isclose "isclose" (a, b, rtol = 1e-5, atol = 1e-8, equal_nan = 0.0) Truths, Expand, cost 0.8, ulp 0.0;
        "Whether abs(a - b) <= atol + rtol * abs(b) and b is finite, or a == b; with equal_nan also whether both are NaN."
    Signbit "signbit" (x) Predicate, Kernel(elementwise::signbit), cost 0.5, ulp 0.0;
        "Whether the sign is negative, of -0.0 too; false for NaN."
    Minimum "minimum" (x, y) Arithmetic, Kernel(elementwise::minimum), cost 0.4, ulp 0.0;
        "The smaller; NaN if either is; -0.0 is below 0.0."
    Maximum "maximum" (x, y) Arithmetic, Kernel(elementwise::maximum), cost 0.4, ulp 0.0;
        "The larger; NaN if either is; -0.0 is below 0.0."
    Fmin "fmin" (x, y) Arithmetic, Expand, cost 0.8, ulp 0.0;
        "The smaller; the other one if one is NaN."
    Fmax "fmax" (x, y) Arithmetic, Expand, cost 0.8, ulp 0.0;
        "The larger; the other one if one is NaN."
    Clip "clip" (x, min | a_min = NONE, max | a_max = NONE) Arithmetic, Expand, cost 0.8, ulp 0.0;
        "minimum(maximum(x, min), max); a bound that is None is left out."
    Isnan "isnan" (x) Predicate, Expand, cost 0.15, ulp 0.0;
        "Whether x is NaN; false for integers."
    Isinf "isinf" (x) Predicate, Expand, cost 0.2, ulp 0.0;
        "Whether x is an infinity; false for integers."
    Isposinf "isposinf" (x) Predicate, Expand, cost 0.15, ulp 0.0;
        "Whether x is the positive infinity; false for integers."
    Isneginf "isneginf" (x) Predicate, Expand, cost 0.15, ulp 0.0;
        "Whether x is the negative infinity; false for integers."
    Isfinite "isfinite" (x) Predicate, Expand, cost 0.2, ulp 0.0;
        "Whether x is neither NaN nor an infinity; true for integers."
    NanToNum "nan_to_num" (x, nan = 0.0, posinf = NONE, neginf = NONE) Arithmetic, Expand, cost 0.8, ulp 0.0;
        "NaN replaced by `nan`, infinities by `posinf` and `neginf`, or where those are None by the largest finite floats; integers stay."
    Sin "sin" (x) Real, Kernel(math::sin), cost 2.5, ulp 1.0, on -1e3 .. 1e3;
        "Sine of radians."
    Cos "cos" (x) Real, Kernel(math::cos), cost 2.5, ulp 1.0, on -1e3 .. 1e3;
        "Cosine of radians."
    FastSin "fast_sin" (x) Real, Kernel(math::fast_sin), cost 0.8, ulp 4.0, on -1e3 .. 1e3;
        "What `sin` is in the `fast` mode."
    FastCos "fast_cos" (x) Real, Kernel(math::fast_cos), cost 0.8, ulp 4.0, on -1e3 .. 1e3;
        "What `cos` is in the `fast` mode."
    FastTan "fast_tan" (x) Real, Kernel(math::fast_tan), cost 1.2, ulp 4.0, on -1e3 .. 1e3;
        "What `tan` is in the `fast` mode."
    FastExp "fast_exp" (x) Real, Kernel(math::fast_exp), cost 1.2, ulp 4.0, on -700.0 .. 700.0;
        "What `exp` is in the `fast` mode."
    FastLog "fast_log" (x) Real, Kernel(math::fast_log), cost 1.2, ulp 4.0, on 1e-300 .. 1e300;
        "What `log` is in the `fast` mode."
    FastErf "fast_erf" (x) Real, Kernel(math::fast_erf), cost 1.8, ulp 4.0, on -7.0 .. 7.0;
        "What `erf` is in the `fast` mode."
    FastErfc "fast_erfc" (x) Real, Kernel(math::fast_erfc), cost 2.4, ulp 4.0, on -7.0 .. 28.0;
        "What `erfc` is in the `fast` mode."
    FastNormcdf "fast_normcdf" (x) Real, Kernel(math::fast_normcdf), cost 2.4, ulp 4.0, on -39.0 .. 9.0;
        "What `normcdf` is in the `fast` mode."
    Tan "tan" (x) Real, Kernel(math::tan), cost 3.5, ulp 1.0, on -1e3 .. 1e3;
        "Tangent of radians."
    Arcsin "arcsin" ["asin"] (x) Real, Kernel(math::arcsin), cost 2.0, ulp 1.0, on -1.0 .. 1.0;
        "Inverse sine, in [-pi/2, pi/2]; NaN beyond [-1, 1]."
    Arccos "arccos" ["acos"] (x) Real, Kernel(math::arccos), cost 2.0, ulp 1.0, on -1.0 .. 1.0;
        "Inverse cosine, in [0, pi]; NaN beyond [-1, 1]."
    Arctan "arctan" ["atan"] (x) Real, Kernel(math::arctan), cost 2.0, ulp 1.0, on -1e3 .. 1e3;
        "Inverse tangent, in [-pi/2, pi/2]."
    Arctan2 "arctan2" ["atan2"] (y, x) Real, Kernel(math::arctan2), cost 3.0, ulp 1.0, on -1e3 .. 1e3;
        "The angle of the point (x, y), in [-pi, pi]; signs of zeros count."
    Sinh "sinh" (x) Real, Kernel(math::sinh), cost 2.5, ulp 1.0, on -700.0 .. 700.0;
        "Hyperbolic sine."
    Cosh "cosh" (x) Real, Kernel(math::cosh), cost 2.5, ulp 1.0, on -700.0 .. 700.0;
        "Hyperbolic cosine."
    Exp "exp" (x) Real, Kernel(math::exp), cost 1.5, ulp 1.0, on -700.0 .. 700.0;
        "e to the power x."
    Exp2 "exp2" (x) Real, Kernel(math::exp2), cost 1.5, ulp 1.0, on -1000.0 .. 1000.0;
        "2 to the power x."
    Expm1 "expm1" (x) Real, Kernel(math::expm1), cost 2.0, ulp 1.0, on -40.0 .. 700.0;
        "e**x - 1, accurate near 0."
    Log "log" ["ln"] (x) Real, Kernel(math::log), cost 2.0, ulp 1.0, on 1e-300 .. 1e300;
        "Natural logarithm; -inf at 0, NaN below."
    Log2 "log2" (x) Real, Kernel(math::log2), cost 2.0, ulp 1.0, on 1e-300 .. 1e300;
        "Logarithm to base 2."
    Log10 "log10" (x) Real, Kernel(math::log10), cost 2.0, ulp 1.0, on 1e-300 .. 1e300;
        "Logarithm to base 10."
    Log1p "log1p" (x) Real, Kernel(math::log1p), cost 2.5, ulp 1.0, on -1.0 .. 1e300;
        "log(1 + x), accurate near 0."
    Tanh "tanh" (x) Real, Kernel(math::tanh), cost 3.0, ulp 1.0, on -25.0 .. 25.0;
        "Hyperbolic tangent."
    Arcsinh "arcsinh" ["asinh"] (x) Real, Kernel(math::arcsinh), cost 3.0, ulp 1.0, on -1e6 .. 1e6;
        "Inverse hyperbolic sine."
    Arccosh "arccosh" ["acosh"] (x) Real, Kernel(math::arccosh), cost 3.0, ulp 1.0, on 1.0 .. 1e6;
        "Inverse hyperbolic cosine; NaN below 1."
    Arctanh "arctanh" ["atanh"] (x) Real, Kernel(math::arctanh), cost 3.0, ulp 1.0, on -1.0 .. 1.0;
        "Inverse hyperbolic tangent; infinite at -1 and 1, NaN beyond."
    Logaddexp "logaddexp" (x, y) Real, Kernel(math::logaddexp), cost 5.0, ulp 1.0, on -700.0 .. 700.0;
        "log(exp(x) + exp(y)) without overflow; where that is below 2**-8, only to 2**-60 (f32: 2**-40) absolute."
    Logaddexp2 "logaddexp2" (x, y) Real, Kernel(math::logaddexp2), cost 5.0, ulp 1.0, on -1000.0 .. 1000.0;
        "log2(2**x + 2**y) without overflow; where that is below 2**-8, only to 2**-60 (f32: 2**-40) absolute."
    Sinc "sinc" (x) Divide, Kernel(math::sinc), cost 4.0, ulp 1.0, on -1e3 .. 1e3;
        "sin(pi x) / (pi x); 1 at 0, 0 at other integers, NaN of infinities."
    Sigmoid "sigmoid" ["expit"] (x) Real, Kernel(math::sigmoid), cost 2.0, ulp 1.0, on -700.0 .. 700.0;
        "1 / (1 + exp(-x))."
    Erf "erf" (x) Real, Kernel(math::erf), cost 3.0, ulp 1.0, on -7.0 .. 7.0;
        "Error function."
    Erfc "erfc" (x) Real, Kernel(math::erfc), cost 4.0, ulp 1.0, on -7.0 .. 28.0;
        "1 - erf(x), accurate where that is small."
    Normcdf "normcdf" ["ndtr"] (x) Real, Kernel(math::normcdf), cost 4.0, ulp 1.0, on -39.0 .. 9.0;
        "Cumulative distribution function of the standard normal distribution."
    Gamma "gamma" ["tgamma"] (x) Real, Kernel(math::gamma), cost 12.0, ulp 1.0, on -170.0 .. 172.0;
        "Gamma function: gamma(n + 1) = n!; NaN at negative integers."
    Lgamma "lgamma" ["gammaln"] (x) Real, Kernel(math::lgamma), cost 12.0, ulp 1.0, on -1e3 .. 1e6;
        "log(|gamma(x)|); below 0, near its zeros, only to 1e-15 (f32: 1e-7) absolute."

    // Reductions, over all axes or some.
    Sum "sum" (x) Total, Reduce(Reduction::Sum), cost 0.2, ulp 0.5;
        "Sum; integers and bools in 64 bits; 0 of no elements."
    Prod "prod" (x) Total, Reduce(Reduction::Prod), cost 0.2, ulp 0.5;
        "Product; integers and bools in 64 bits; 1 of no elements."
    Min "min" ["amin"] (x) Extreme, Reduce(Reduction::Min), cost 0.2, ulp 0.0;
        "The least element; NaN if there is one; an error for no elements."
    Max "max" ["amax"] (x) Extreme, Reduce(Reduction::Max), cost 0.2, ulp 0.0;
        "The greatest element; NaN if there is one; an error for no elements."
    Mean "mean" (x) Average, Expand, cost 0.2, ulp 0.5;
        "sum(x) divided by the number of elements; NaN of no elements."
    Var "var" (x, ddof | correction = 0.0) Spread, Expand, cost 0.5, ulp 4.0;
        "Mean squared distance from the mean, divided by n - ddof instead of n; without cancellation, in one pass."
    Std "std" (x, ddof | correction = 0.0) Spread, Expand, cost 0.5, ulp 4.0;
        "Square root of var."
    Any "any" (x) Truth, Reduce(Reduction::Any), cost 0.2, ulp 0.0;
        "Whether any element is true (not 0); false of no elements."
    All "all" (x) Truth, Reduce(Reduction::All), cost 0.2, ulp 0.0;
        "Whether all elements are true (not 0); true of no elements."
    Allclose "allclose" (a, b, rtol = 1e-5, atol = 1e-8, equal_nan = 0.0) Agreement, Expand, cost 1.0, ulp 0.0;
        "all(isclose(a, b, rtol, atol, equal_nan)); true of no elements."
    ArrayEqual "array_equal" (a, b, equal_nan = 0.0) Agreement, Expand, cost 0.4, ulp 0.0;
        "Whether all elements are equal and neither array had to be broadcast to more of them."
    CountNonzero "count_nonzero" (x) Count, Expand, cost 0.2, ulp 0.0;
        "How many elements are true (not 0), as i64."
    Argmin "argmin" (x) Position, Reduce(Reduction::Argmin), cost 0.3, ulp 0.0;
        "Position of the first least element, of the first NaN if there is one, as i64; an error for no elements."
    Argmax "argmax" (x) Position, Reduce(Reduction::Argmax), cost 0.3, ulp 0.0;
        "Position of the first greatest element, of the first NaN if there is one, as i64; an error for no elements."
    Nansum "nansum" (x) Total, Expand, cost 0.3, ulp 0.5;
        "Sum of what is not NaN."
    Nanprod "nanprod" (x) Total, Expand, cost 0.3, ulp 0.5;
        "Product of what is not NaN."
    Nanmean "nanmean" (x) Average, Expand, cost 0.4, ulp 0.5;
        "Mean of what is not NaN; NaN if all is."
    Nanvar "nanvar" (x, ddof | correction = 0.0) Spread, Expand, cost 1.0, ulp 4.0;
        "var of what is not NaN, in two passes; NaN if all is."
    Nanstd "nanstd" (x, ddof | correction = 0.0) Spread, Expand, cost 1.0, ulp 4.0;
        "Square root of nanvar."
    Nanmin "nanmin" (x) Extreme, Expand, cost 0.4, ulp 0.0;
        "The least of what is not NaN; NaN if all is; an error for no elements."
    Nanmax "nanmax" (x) Extreme, Expand, cost 0.4, ulp 0.0;
        "The greatest of what is not NaN; NaN if all is; an error for no elements."
    Nanargmin "nanargmin" (x) Position, Expand, cost 0.8, ulp 0.0;
        "Position of the first least element that is not NaN, as i64; -1 if all are NaN; an error for no elements."
    Nanargmax "nanargmax" (x) Position, Expand, cost 0.8, ulp 0.0;
        "Position of the first greatest element that is not NaN, as i64; -1 if all are NaN; an error for no elements."
    Ptp "ptp" (x) Extreme, Expand, cost 0.4, ulp 0.5;
        "max(x) - min(x); integers wrap; not defined for bools; an error for no elements."
    Median "median" (x) Average, Expand, cost 10.0, ulp 0.5;
        "The middle of the sorted elements, or the mean of the middle two; NaN if one is NaN, and of no elements."
    Quantile "quantile" (x, q) Average, Expand, cost 10.0, ulp 4.0;
        "What the share q of the elements is below, a constant from 0 to 1: the sorted element at place q * (n - 1), and between two elements in proportion; NaN if one is NaN, and of no elements."
    WeightedMean "average" (x, weights) Average, Expand, cost 0.5, ulp 4.0;
        "sum(x * weights) / sum(weights): the mean with the weights of an array, which is broadcast to x."
    Dot "dot" (x, y) Products, Expand, cost 0.3, ulp 0.5;
        "Sum of products: of vectors the dot product; not a product of matrices. Integers are multiplied in 64 bits, so `dot` of small ones does not wrap where `sum(x * y)` does."

    // Scans, along one axis.
    Cumsum "cumsum" ["cumulative_sum"] (x) RunningTotal, Along(Scan::Sum), cost 1.0, ulp 0.5;
        "Sum of the elements so far along an axis, the last by default; integers and bools in 64 bits. It never falls where x is not negative."
    Cumprod "cumprod" ["cumulative_prod"] (x) RunningTotal, Along(Scan::Prod), cost 1.0, ulp 0.5;
        "Product of the elements so far along an axis, the last by default; integers and bools in 64 bits."
    Cummin "cummin" (x) RunningExtreme, Along(Scan::Min), cost 1.0, ulp 0.0;
        "The least element so far along an axis, the last by default; NaN from the first NaN on."
    Cummax "cummax" (x) RunningExtreme, Along(Scan::Max), cost 1.0, ulp 0.0;
        "The greatest element so far along an axis, the last by default; NaN from the first NaN on."

    Ffill "ffill" (x) RunningExtreme, Along(Scan::Fill), cost 1.0, ulp 0.0;
        "The latest element so far that is not NaN, along an axis, the last by default; NaN before the first."
    Cumcount "cumcount" (condition) RunningCount, Expand, cost 1.0, ulp 0.0;
        "How many elements so far are true (not 0) along an axis, the last by default, as i64."
    Since "since" (condition) RunningCount, Expand, cost 2.0, ulp 0.0;
        "The number of rows since one that is true (not 0), along an axis, the last by default, as i64: 0 at such a row, -1 before the first."
    CountWhile "count_while" (condition) RunningCount, Expand, cost 2.0, ulp 0.0;
        "How many rows in succession, up to the row, are true (not 0), along an axis, the last by default, as i64."
    AnyWithin "any_within" (condition, rows | n) RunningTruth, Expand, cost 2.0, ulp 0.0;
        "Whether any of the last `rows` rows is true (not 0), along an axis, the last by default; rows before the first are false."
    AllWithin "all_within" (condition, rows | n) RunningTruth, Expand, cost 2.0, ulp 0.0;
        "Whether all of the last `rows` rows are true (not 0), along an axis, the last by default; rows before the first are false."
    Last "last" (x, condition, nth = 1.0) Rolling, Expand, cost 1.5, ulp 0.0;
        "x at the latest row whose condition is true (not 0), the row itself included, or at the `nth` latest, along an axis, the last by default; NaN before."
    Shift "shift" (x, n = 1.0, fill = NONE) Lagged, Along(Scan::Shift), cost 0.5, ulp 0.0;
        "The element n rows earlier along an axis, the last by default; later for a negative n. Where there is none: NaN, and integers become f64; or `fill`, a constant, and the dtype is kept."
    Diff "diff" (x, n = 1.0) Lagged, Expand, cost 0.7, ulp 0.5;
        "x - shift(x, n), in f64 (f32 of f32). The difference of integers of 64 bits is exact before it is rounded."
    PctChange "pct_change" (x, n = 1.0) Lagged, Expand, cost 1.5, ulp 4.0;
        "x / shift(x, n) - 1, in f64 (f32 of f32)."
    RollingSum "rolling_sum" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Sum)), cost 1.5, ulp 4.0;
        "Sum of the last `window` rows along an axis, the last by default. A NaN is missing and leaves with its row; NaN where fewer than `min_periods` rows are not missing, by default `window`; `min_samples` is another name of it. It depends on the rows of the window alone."
    RollingMean "rolling_mean" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Mean)), cost 1.5, ulp 4.0;
        "Moving average: the mean of the last `window` rows, as `rolling_sum`."
    RollingProd "rolling_prod" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Prod)), cost 1.5, ulp 4.0;
        "Product of the last `window` rows, as `rolling_sum`."
    RollingCount "rolling_count" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Count)), cost 1.0, ulp 0.0;
        "How many of the last `window` rows are not missing; NaN where there are fewer than `min_periods` rows."
    RollingMin "rolling_min" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Min)), cost 2.0, ulp 0.0;
        "The least of the last `window` rows, as `rolling_sum`."
    RollingMax "rolling_max" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Max)), cost 2.0, ulp 0.0;
        "The greatest of the last `window` rows, as `rolling_sum`."
    RollingVar "rolling_var" (x, window | n, min_periods | min_samples = NONE, ddof = 1.0) Rolling, Along(Scan::Window(Window::Var)), cost 3.0, ulp 4.0;
        "Variance of the last `window` rows, divided by their number minus `ddof`, which is 1 by default as in pandas, unlike `var`; 0 of equal rows."
    RollingStd "rolling_std" (x, window | n, min_periods | min_samples = NONE, ddof = 1.0) Rolling, Along(Scan::Window(Window::Std)), cost 3.5, ulp 4.0;
        "Square root of `rolling_var`."
    RollingCov "rolling_cov" (x, y, window | n, min_periods | min_samples = NONE, ddof = 1.0) Rolling, Along(Scan::Window(Window::Cov)), cost 5.0, ulp 4.0;
        "Covariance of the last `window` rows, divided by their number minus `ddof`; a row is missing where x or y is NaN."
    RollingCorr "rolling_corr" (x, y, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Corr)), cost 6.0, ulp 4.0;
        "Correlation of the last `window` rows, from -1 to 1, at any scale of x and y; NaN where either side is constant or has an infinity. The error grows with the level of x and y over their spread, as that of `rolling_var`."
    DecayLinear "decay_linear" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Linear)), cost 3.0, ulp 4.0;
        "Mean of the last `window` rows with the weights 1, 2 and so on from the oldest row to the newest, divided by the sum of those of the rows that are not missing: a missing row, the oldest too, keeps its weight from the others."
    RollingArgmin "rolling_argmin" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Argmin)), cost 3.0, ulp 0.0;
        "The place of the first of the least of the last `window` rows, counted from the oldest row."
    RollingArgmax "rolling_argmax" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Argmax)), cost 3.0, ulp 0.0;
        "The place of the first of the greatest of the last `window` rows, counted from the oldest row."
    RollingSkew "rolling_skew" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Skew)), cost 6.0, ulp 4.0;
        "Skewness without bias of the last `window` rows, as `rolling_sum`; NaN of fewer than 3, and of equal rows."
    RollingKurt "rolling_kurt" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Kurt)), cost 8.0, ulp 4.0;
        "Excess kurtosis without bias of the last `window` rows, as `rolling_sum`; NaN of fewer than 4, and of equal rows."
    RollingSlope "rolling_slope" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Slope)), cost 8.0, ulp 4.0;
        "Slope of the line of least squares through the last `window` rows, against 0, 1 and so on from the oldest row, as `rolling_sum`; NaN of fewer than 2."
    RollingRsquared "rolling_rsquared" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Rsquared)), cost 8.0, ulp 4.0;
        "Share of the variance of the last `window` rows that the line of `rolling_slope` explains, from 0 to 1; NaN of equal rows, and of fewer than 2."
    RollingResid "rolling_resid" (x, window | n, min_periods | min_samples = NONE) Rolling, Expand, cost 8.0, ulp 4.0;
        "Distance of x from the line of `rolling_slope` at its row."
    RollingRank "rolling_rank" (x, window | n, min_periods | min_samples = NONE, pct = 0.0) Rolling, Along(Scan::Window(Window::Rank)), cost 8.0, ulp 4.0;
        "The place of the row's element among the sorted ones of the last `window` rows, from 1 on, or with pct=True over their number; equal ones share the mean of their places. NaN where the element is missing."
    RollingMedian "rolling_median" (x, window | n, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Median)), cost 20.0, ulp 0.5;
        "Median of the last `window` rows, as `rolling_sum`: of an even number the mean of the middle two."
    RollingQuantile "rolling_quantile" (x, window | n, quantile | q, min_periods | min_samples = NONE) Rolling, Along(Scan::Window(Window::Quantile)), cost 20.0, ulp 4.0;
        "Quantile of the last `window` rows, as `rolling_sum`; a constant from 0 to 1, and between two elements in proportion."
    ExpandingSum "expanding_sum" (x, min_periods | min_samples = 1.0) Rolling, Expand, cost 2.0, ulp 4.0;
        "`cumsum` in f64 (f32 of f32) of what is not NaN; NaN where there are fewer than `min_periods` such rows so far."
    ExpandingMean "expanding_mean" (x, min_periods | min_samples = 1.0) Rolling, Expand, cost 3.0, ulp 4.0;
        "The mean of what is not NaN so far, as `expanding_sum`."
    ExpandingMin "expanding_min" (x, min_periods | min_samples = 1.0) Rolling, Expand, cost 2.0, ulp 0.0;
        "The least of what is not NaN so far, as `expanding_sum`."
    ExpandingMax "expanding_max" (x, min_periods | min_samples = 1.0) Rolling, Expand, cost 2.0, ulp 0.0;
        "The greatest of what is not NaN so far, as `expanding_sum`."
    EwmMean "ewm_mean" (x, alpha = NONE, span = NONE, halflife = NONE, com = NONE, adjust = 0.0, ignore_na = 0.0, min_periods | min_samples = 0.0) Rolling, Along(Scan::Decay), cost 2.0, ulp 4.0;
        "Exponentially weighted moving average: alpha * x + (1 - alpha) * the average of the row before, the first element itself. The decay is one of alpha, span (alpha = 2 / (span + 1)), halflife (1 - 2**(-1 / halflife)) and com (1 / (1 + com)), a constant. A NaN is missing and repeats the last average; the weights go on through missing rows unless ignore_na=True. As pandas; but adjust, with which elements are weighted as if there were none before the first, is False by default. (pandas 3 is wrong where rows are missing and alpha is 0.5: its issue 66521.) Equal elements have a mean that is equal to them exactly; else the error is small beside the distances between elements, and what an outlier costs fades with its weight."
    EwmVar "ewm_var" (x, alpha = NONE, span = NONE, halflife = NONE, com = NONE, adjust = 0.0, ignore_na = 0.0, min_periods | min_samples = 0.0, bias = 0.0) Rolling, Expand, cost 12.0, ulp 4.0;
        "Exponentially weighted variance, with the decay and weights of `ewm_mean`, and without bias unless bias=True; NaN from the first infinity on."
    EwmStd "ewm_std" (x, alpha = NONE, span = NONE, halflife = NONE, com = NONE, adjust = 0.0, ignore_na = 0.0, min_periods | min_samples = 0.0, bias = 0.0) Rolling, Expand, cost 13.0, ulp 4.0;
        "Square root of `ewm_var`."
    EwmCov "ewm_cov" (x, y, alpha = NONE, span = NONE, halflife = NONE, com = NONE, adjust = 0.0, ignore_na = 0.0, min_periods | min_samples = 0.0, bias = 0.0) Rolling, Expand, cost 14.0, ulp 4.0;
        "Exponentially weighted covariance, as `ewm_var`; a row is missing where x or y is NaN."
    EwmCorr "ewm_corr" (x, y, alpha = NONE, span = NONE, halflife = NONE, com = NONE, adjust = 0.0, ignore_na = 0.0, min_periods | min_samples = 0.0) Rolling, Expand, cost 20.0, ulp 4.0;
        "Exponentially weighted correlation, from -1 to 1; NaN where either side has no variance."

    // Across an axis.
    Rank "rank" (x, pct = 0.0) Ranking, Expand, cost 60.0, ulp 0.5;
        "The place of each element among the sorted ones along an axis, the last by default, from 1 on, or with pct=True over their number; equal ones share the mean of their places. NaN has none, and is not counted."
    Demean "demean" (x) Rolling, Expand, cost 1.0, ulp 4.0;
        "x minus its mean along an axis, the last by default; NaN is left out of the mean."
    Zscore "zscore" (x, ddof = 0.0) Rolling, Expand, cost 2.0, ulp 4.0;
        "demean(x) over the standard deviation along the axis; NaN is left out of both. NaN of equal elements, which have none."
    Scale "scale" (x) Rolling, Expand, cost 1.0, ulp 4.0;
        "x over the sum of magnitudes along an axis, the last by default; NaN is left out of the sum."

    // Operations of the compiler's own.
    EwmOdds "odds of" (x) Rolling, Along(Scan::Odds), cost 2.0, ulp 4.0;
        "The weight of each row of `ewm_mean` over that which the mean before keeps."
    Places "places of" (x) Rolling, Along(Scan::Whole(Whole::Places)), cost 60.0, ulp 0.0;
        "Twice the place of each element among the sorted ones along an axis."
    MedianOf "median of" (x) Rolling, Along(Scan::Whole(Whole::Median)), cost 10.0, ulp 0.5;
        "The median of all elements along an axis, at each of them."
    QuantileOf "quantile of" (x) Rolling, Along(Scan::Whole(Whole::Quantile)), cost 10.0, ulp 4.0;
        "The quantile of all elements along an axis, at each of them."
    EwmBlend "means of" (x, weights) Rolling, Along(Scan::Blend), cost 6.0, ulp 4.0;
        "`ewm_mean` with the weights of the means before."
    Hold "latest of" (x, marks) Lagged, Along(Scan::Hold), cost 1.0, ulp 0.0;
        "The latest element whose mark is not 0."
    RollingFitted "line through" (x, window, min_periods = NONE) Rolling, Along(Scan::Window(Window::Fitted)), cost 8.0, ulp 4.0;
        "The value of the line of `rolling_slope` at its newest row."
    RankShare "share of ranks of" (x) Rolling, Along(Scan::Window(Window::RankShare)), cost 8.0, ulp 4.0;
        "`rolling_rank` with pct=True."
    Least "least of" (x) Extreme, Reduce(Reduction::Min), cost 0.2, ulp 0.0;
        "As `min`; of no elements the value that leaves every other as it is. What `min` with an initial value is made of."
    Greatest "greatest of" (x) Extreme, Reduce(Reduction::Max), cost 0.2, ulp 0.0;
        "The same for `max`."
    SquaredDeviations "squared deviations of" (x) Average, Reduce(Reduction::SquaredDeviations), cost 0.5, ulp 4.0;
        "Sum of squared distances from the mean; only the expansion of `var` makes it."
    Size "size of" (x) Count, Size, cost 0.0, ulp 0.0;
        "The number of elements of the operand's shape; only the expansion of `mean` makes it."
    Length "length of" (x) Count, Length, cost 0.0, ulp 0.0;
        "How many elements a reduction over axes takes for each result; only the expansion of `mean` makes it."
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The functions that `fast` mode replaces, and the variants that take their places.
const FAST: [(Op, Op); 8] = [
    (Op::Sin, Op::FastSin),
    (Op::Cos, Op::FastCos),
    (Op::Tan, Op::FastTan),
    (Op::Exp, Op::FastExp),
    (Op::Log, Op::FastLog),
    (Op::Erf, Op::FastErf),
    (Op::Erfc, Op::FastErfc),
    (Op::Normcdf, Op::FastNormcdf),
];

impl Op {
    /// NumPy's name, or the symbol of an operator that has no function name.
    ///
    /// ```
    /// assert_eq!(hotloop::graph::Op::Arcsin.name(), "arcsin");
    /// ```
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

#[doc(hidden)]
impl Op {
    /// The operation's row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The relation of its result's elements to those of its operands.
    pub fn class(self) -> Class {
        if matches!(self.row().lowering, Size | Length) {
            return Class::Shape;
        }
        self.row().rule.class()
    }

    /// Whether it reduces elements, and so takes `axis` and `keepdims`.
    pub fn is_reduction(self) -> bool {
        self.class() == Class::Reduce
    }

    /// Whether the operands may be swapped without changing a bit.
    pub fn is_commutative(self) -> bool {
        use Op::*;
        matches!(
            self,
            Add | Mul | Eq | Ne | BitAnd | BitOr | BitXor | Minimum | Maximum | Gcd | Lcm
        )
    }

    /// Whether programs can call it.
    pub fn is_public(self) -> bool {
        use Op::*;
        !matches!(
            self,
            IntegerPower
                | RealPower
                | Whole
                | Fraction
                | Mantissa
                | BinaryExponent
                | Exponent
                | SetBits
                | Least
                | Greatest
                | SquaredDeviations
                | EwmOdds
                | EwmBlend
                | RankShare
                | RollingFitted
                | Places
                | MedianOf
                | QuantileOf
                | Hold
                | Size
                | Length
        ) && FAST.iter().all(|(_, fast)| *fast != self)
    }

    /// Whether integer operands may raise a flag, which compiled code then collects.
    pub fn may_flag(self) -> bool {
        matches!(self, Op::FloorDiv | Op::Rem | Op::Fmod)
    }

    /// The faster function within 4 ULP that replaces this one in `fast` mode.
    pub fn fast(self) -> Option<Op> {
        FAST.iter().find(|(op, _)| *op == self).map(|(_, fast)| *fast)
    }

    /// The pair of functions, this one included, that share a kernel for one operand.
    pub fn pair(self) -> Option<[Op; 2]> {
        match self {
            Op::Sin | Op::Cos => Some([Op::Sin, Op::Cos]),
            _ => None,
        }
    }

    /// The kernel of a [pair](Op::pair); each result has the bits of the single function.
    pub fn pair_kernel(pair: [Op; 2], dtype: DType, isa: Isa) -> Option<PairFn> {
        match pair {
            [Op::Sin, Op::Cos] => math::sin_cos(dtype, isa),
            _ => None,
        }
    }

    /// The number of operands that are arrays, of a function along an axis; constants follow them.
    pub fn arrays(self) -> usize {
        let pairs = matches!(self, Op::EwmCov | Op::EwmCorr | Op::Last);
        if pairs || self.scan().is_some_and(Scan::takes_pairs) { 2 } else { 1 }
    }

    /// The scan that it is.
    pub fn scan(self) -> Option<Scan> {
        match self.row().lowering {
            Along(scan) => Some(scan),
            _ => None,
        }
    }

    /// The kernel for the interpreter: of a division its definition, which others only agree with.
    pub fn defined_kernel(self, dtype: DType, isa: Isa) -> Option<BlockFn> {
        match self {
            Op::FloorDiv => elementwise::defined_floor_div(dtype, isa),
            Op::Rem => elementwise::defined_rem(dtype, isa),
            Op::Fmod => elementwise::defined_fmod(dtype, isa),
            _ => self.kernel(dtype, isa),
        }
    }

    /// The kernel of a primitive elementwise operation, or of a scan: that also takes the scan's
    /// state.
    pub fn kernel(self, dtype: DType, isa: Isa) -> Option<BlockFn> {
        match self.row().lowering {
            Kernel(get) => get(dtype, isa),
            Along(scan) => scan.kernel(dtype, isa),
            _ => None,
        }
    }
}

/// The function of a name or alias.
pub fn lookup(name: &str) -> Option<&'static Row> {
    functions().find(|r| r.names().any(|n| n == name))
}

/// The rows that programs can call by name, including operators that have a name.
pub fn functions() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(|r| r.op.is_public() && r.names().next().is_some())
}
