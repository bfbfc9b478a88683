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
mod shell;
pub mod softfma;
mod tanh;
mod trig;

use crate::block::BlockFn;
use crate::dtype::DType;
use crate::isa::Isa;
use lanes::Lanes;

/// A function of `N` arguments, written once for every instruction set. A NaN may come out with
/// any sign and payload.
trait Core<const N: usize>: Sized {
    /// The function of each lane.
    fn f64<L: Lanes<E = f64>>(l: L, x: [L::F; N]) -> L::F;

    /// The same in single precision. Where it has no core of its own, the f64 one, rounded: at
    /// most 0.5 + 2^-29 ULP, at half the speed.
    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; N]) -> L::F {
        l.in_f64::<Self, N>(x)
    }
}

/// A function of this module.
#[derive(Clone, Copy)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: usize,
    /// Its kernel for a dtype on an instruction set that the machine has; `None` for a dtype
    /// that is not a float.
    pub kernel: fn(DType, Isa) -> Option<BlockFn>,
}

macro_rules! kernels {
    ($($(#[$doc:meta])* $name:ident = $core:ty, $n:literal;)*) => {
        $(
            $(#[$doc])*
            ///
            /// `None` for a dtype that is not a float. The kernel needs the machine to have `isa`.
            pub fn $name(dtype: DType, isa: Isa) -> Option<BlockFn> {
                shell::pick::<$core, $n>(dtype, isa)
            }
        )*

        /// Every function, for tests and benches to go through.
        pub const FUNCTIONS: &[Function] =
            &[$(Function { name: stringify!($name), arity: $n, kernel: $name }),*];
    };
}

kernels! {
    /// The kernel of the sine.
    sin = trig::Sin, 1;
    /// The kernel of the cosine.
    cos = trig::Cos, 1;
    /// The kernel of the tangent.
    tan = trig::Tan, 1;
    /// The kernel of e^x.
    exp = exp::Exp, 1;
    /// The kernel of 2^x.
    exp2 = exp::Exp2, 1;
    /// The kernel of e^x - 1.
    expm1 = exp::Expm1, 1;
    /// The kernel of the natural logarithm.
    log = log::Log, 1;
    /// The kernel of the logarithm to base 2.
    log2 = log::Log2, 1;
    /// The kernel of the logarithm to base 10.
    log10 = log::Log10, 1;
    /// The kernel of ln(1 + x).
    log1p = log::Log1p, 1;
    /// The kernel of the hyperbolic tangent.
    tanh = tanh::Tanh, 1;
}
