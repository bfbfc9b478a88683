//! Vector math: the elementary and special functions as block kernels.
//!
//! # How a function is written
//!
//! Once, as a `Core`: a branch-free expression over the lanes of a vector, in the operations of
//! `lanes::Lanes` and nothing else. The platform's libm is not used, nor std's functions over
//! it, for they differ from machine to machine. Every operation gives the same bits in every
//! instance of `Lanes`, so a core's results do not depend on the instruction set, and a proof or a
//! test of one instance stands for all. A core has an f64 and an f32 form; without an f32 form of
//! its own it runs the f64 one on widened lanes and rounds once more, which adds 2^-29 ULP.
//!
//! Rules for a core:
//! - At most 1.0 ULP everywhere (4 in the `fast` mode; `lgamma` of x < 0 near its zeros is good to
//!   1e-15 instead, `logaddexp` and `logaddexp2` below 2^-8 to 2^-60), special values as C99's Annex F has them, subnormals kept.
//! - Say in the file's comment what the method is, where the coefficients come from (all are made
//!   by the script of the same name in `derive/`) and what the error adds up to.
//! - No branches: a rare case that needs one (a huge argument of `sin`) does the vector another way by
//!   `l.rarely`, which must not change a bit of the lanes that did not ask; where both ways are
//!   usual, by `l.branch`.
//! - Tables only by `l.table`: up to 32 entries, mostly permutes of registers (with AVX2, 8 of f32 take
//!   one instruction, 16 five); several numbers for one index by `l.row`, which loads rows where permutes
//!   take longer (f64 with AVX2); large tables by `l.grid`, where they save polynomials.
//! - Polynomials only by `l.horner`, `l.poly` or `l.paired`, which say when to take which.
//! - A sum that must not lose bits keeps them: `l.fast_two_sum`, `l.two_sum`, `l.two_product`,
//!   `l.fast_two_fma`, and `l.quotient` of two such. The compiler never reorders these, nor fuses
//!   a product and a sum that are not one `fma`.
//! - Accuracy is a budget: what keeps an error below 0.9 ULP is worth its time, the rest is not.
//!
//! # Instances
//!
//! `lanes::Scalar` runs on every target; its fused multiply-add is the machine's where the
//! target promises one, else [`softfma`], exact and slow. `lanes::Avx2` and `lanes::Avx512` stand
//! on `core::arch`. A kernel is one of the shells of `shell.rs`, which turn the instructions on,
//! around the `#[inline(always)]` cores: there is no call left inside the loop. A block's tail is
//! staged in a padded buffer and runs the same code, so an element's bits do not depend on its
//! place; NaNs are made canonical on the way out, because which NaN an instruction passes on is
//! up to the compiler. A core that does so itself where arguments are rare says `CANONICAL`.
//!
//! `lanes::Recorder` notes the operations of one element instead of executing them, branches
//! included: a `Recording`, from which text for other compilers is written.
//!
//! # Adding a function
//!
//! Write a unit struct with its `Core` next to its relatives (by `cores!`, where one generic
//! function does for both types), give it a row of `kernels!` below, with the ranges to measure and
//! to try it in, `tests/accuracy.rs` and `tests/exhaustive.rs` their references, `derive/cases.py` its hard arguments (it writes
//! `tests/math_cases.txt`), and `tests/math.rs` its special values. `HOTLOOP_WRITE=1` makes
//! `tests/math.rs` record the function's bits, and the other two its measured error.
//! To add an instruction set, implement `Lanes` and give `shell::pick` one more shell.

#![allow(
    clippy::approx_constant,
    reason = "coefficients are those of the best polynomial, not the constants they resemble"
)]

mod arc;
mod archyperbolic;
mod erf;
#[rustfmt::skip] // as its script prints it
mod erf_points;
#[rustfmt::skip] // likewise
mod erf_tables;
#[rustfmt::skip] // likewise
mod erfc_points;
mod exp;
mod fast;
mod gamma;
#[rustfmt::skip] // likewise
mod gamma_tables;
mod hyperbolic;
mod lanes;
mod log;
mod logaddexp;
#[rustfmt::skip] // likewise
mod normcdf_points;
mod power;
#[cfg(feature = "host-device")]
pub mod recording;
mod root;
mod shell;
pub mod softfma;
mod trig;

use crate::block::{BlockFn, PairFn};
use crate::dtype::DType;
use crate::isa::Isa;
use lanes::Lanes;
#[cfg(feature = "host-device")]
use recording::Recording;

/// A function of `N` arguments, written once for every instruction set. A NaN may come out with
/// any sign and payload.
trait Core<const N: usize>: Sized {
    /// Whether all NaNs that come out are f64::NAN or f32::NAN: where NaNs are among what is rare,
    /// they are made so there, and the usual loop saves it.
    const CANONICAL: bool = false;

    /// The function of each lane.
    fn f64<L: Lanes<E = f64>>(l: L, x: [L::F; N]) -> L::F;

    /// The same in single precision. Where it has no core of its own, the f64 one, rounded: at
    /// most 0.5 + 2^-29 ULP, at half the speed.
    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; N]) -> L::F {
        l.in_f64::<Self, N>(x)
    }
}

/// Cores whose f64 and f32 forms are one generic function, which may take the constants of the type
/// after `by`. `=> CANONICAL` is [`Core::CANONICAL`].
macro_rules! cores {
    ($(
        $(#[$doc:meta])*
        $name:ident = $f:ident($($x:ident),+) $(by $f64:expr, $f32:expr)? $(=> $canonical:ident)?;
    )*) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl super::Core<{ [$(stringify!($x)),+].len() }> for $name {
            $(const $canonical: bool = true;)?

            #[inline(always)]
            fn f64<L: Lanes<E = f64>>(
                l: L,
                [$($x),+]: [L::F; [$(stringify!($x)),+].len()],
            ) -> L::F {
                $f(l, $($f64,)? $($x),+)
            }

            #[inline(always)]
            fn f32<L: Lanes<E = f32>>(
                l: L,
                [$($x),+]: [L::F; [$(stringify!($x)),+].len()],
            ) -> L::F {
                $f(l, $($f32,)? $($x),+)
            }
        }
    )*};
}
use cores;

/// Two functions of one argument that share most of their work, with the bits that they have
/// alone.
trait PairCore {
    /// The functions of each lane.
    fn f64<L: Lanes<E = f64>>(l: L, x: L::F) -> [L::F; 2];
    /// The same in single precision.
    fn f32<L: Lanes<E = f32>>(l: L, x: L::F) -> [L::F; 2];
}

/// The kernel of the sine and the cosine of one argument.
///
/// `None` for a dtype that is not a float. The kernel needs the machine to have `isa`.
#[inline(never)]
pub fn sin_cos(dtype: DType, isa: Isa) -> Option<PairFn> {
    shell::pick_pair::<trig::SinCos>(dtype, isa)
}

/// The name of each function by the addresses of its kernels, for profilers: in the executable all
/// kernels have the same symbol.
pub fn kernel_addresses() -> Vec<(usize, &'static str)> {
    let mut addresses = Vec::new();
    for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
        for dtype in [DType::F64, DType::F32] {
            for function in FUNCTIONS {
                let kernel = (function.kernel)(dtype, isa);
                addresses.extend(kernel.map(|kernel| (kernel as usize, function.name)));
            }
            let pair = sin_cos(dtype, isa);
            addresses.extend(pair.map(|kernel| (kernel as usize, "sin and cos")));
        }
    }
    addresses
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
    /// The usual range of each argument, where benches take theirs from.
    pub usual: &'static [(f64, f64)],
    /// Ranges in which tests of a function of one argument draw it evenly.
    pub tried: &'static [(f64, f64)],
    /// Points around which they crowd.
    pub near: &'static [f64],
}

macro_rules! kernels {
    ($(
        $(#[$doc:meta])*
        $name:ident = $core:ty, $n:literal, usual [$($usual:expr),*]
            $(, tried [$($tried:expr),*], near [$($near:expr),*])?;
    )*) => {
        $(
            $(#[$doc])*
            ///
            /// `None` for a dtype that is not a float. The kernel needs the machine to have `isa`.
            // Else a crate above that is not optimized may compile the kernels again.
            #[inline(never)]
            pub fn $name(dtype: DType, isa: Isa) -> Option<BlockFn> {
                shell::pick::<$core, $n>(dtype, isa)
            }
        )*

        /// A function by its name here, as operations on one element; `None` for a dtype that is
        /// not a float.
        #[cfg(feature = "host-device")]
        pub fn record(name: &str, dtype: DType) -> Option<Recording> {
            match (name, dtype) {
                $((stringify!($name), DType::F32) => lanes::record::<$core, f32, $n>(),
                (stringify!($name), DType::F64) => lanes::record::<$core, f64, $n>(),)*
                _ => None,
            }
        }

        /// Every function, for tests and benches to go through.
        pub const FUNCTIONS: &[Function] = &[$(Function {
            name: stringify!($name),
            arity: $n,
            kernel: $name,
            usual: &[$($usual),*],
            tried: &[$($($tried),*)?],
            near: &[$($($near),*)?],
        }),*];
    };
}

kernels! {
    /// The kernel of the sine.
    sin = trig::Sin, 1, usual [(-10.0, 10.0)],
        tried [(-10.0, 10.0), (-1e5, 1e5), (-3e7, 3e7)], near [0.0];
    /// The kernel of the cosine.
    cos = trig::Cos, 1, usual [(-10.0, 10.0)],
        tried [(-10.0, 10.0), (-1e5, 1e5), (-3e7, 3e7)], near [0.0];
    /// The kernel of the sine of the `fast` mode.
    fast_sin = fast::FastSin, 1, usual [(-10.0, 10.0)],
        tried [(-10.0, 10.0), (-1e5, 1e5), (-3e7, 3e7)], near [0.0];
    /// The kernel of the cosine of the `fast` mode.
    fast_cos = fast::FastCos, 1, usual [(-10.0, 10.0)],
        tried [(-10.0, 10.0), (-1e5, 1e5), (-3e7, 3e7)], near [0.0];
    /// The kernel of the tangent of the `fast` mode.
    fast_tan = fast::FastTan, 1, usual [(-10.0, 10.0)],
        tried [(-10.0, 10.0), (-1e5, 1e5), (-3e7, 3e7)], near [0.0];
    /// The kernel of e^x of the `fast` mode.
    fast_exp = fast::FastExp, 1, usual [(-20.0, 20.0)],
        tried [(-1.0, 1.0), (-20.0, 20.0), (-746.0, 710.0), (-104.0, 89.0)], near [0.0];
    /// The kernel of the natural logarithm of the `fast` mode.
    fast_log = fast::FastLog, 1, usual [(1e-9, 100.0)],
        tried [(0.5, 2.0), (0.0, 100.0)], near [1.0, 0.0];
    /// The kernel of the error function of the `fast` mode.
    fast_erf = fast::FastErf, 1, usual [(-3.0, 3.0)],
        tried [(-1.0, 1.0), (-6.5, 6.5)], near [0.0, 1.0];
    /// The kernel of the complementary error function of the `fast` mode.
    fast_erfc = fast::FastErfc, 1, usual [(-3.0, 6.0)],
        tried [(-1.0, 1.0), (-7.0, 11.0), (0.0, 28.0)], near [0.0, 0.5];
    /// The kernel of the normal distribution of the `fast` mode.
    fast_normcdf = fast::FastNormCdf, 1, usual [(-3.0, 6.0)],
        tried [(-2.0, 2.0), (-40.0, 9.0), (-15.0, 6.0)], near [0.0];
    /// The kernel of the tangent.
    tan = trig::Tan, 1, usual [(-10.0, 10.0)],
        tried [(-10.0, 10.0), (-1e5, 1e5), (-3e7, 3e7)], near [0.0];
    /// The kernel of sin(pi x) / (pi x).
    sinc = trig::Sinc, 1, usual [(-10.0, 10.0)],
        tried [(-2.0, 2.0), (-40.0, 40.0), (-1e6, 1e6)], near [0.0, 1.0, 2.0, -3.0, 0.5];
    /// The kernel of the inverse sine.
    arcsin = arc::Arcsin, 1, usual [(-1.0, 1.0)],
        tried [(-1.0, 1.0)], near [0.0, 0.5, -0.5, 1.0, -1.0];
    /// The kernel of the inverse cosine.
    arccos = arc::Arccos, 1, usual [(-1.0, 1.0)],
        tried [(-1.0, 1.0)], near [0.0, 0.5, -0.5, 1.0, -1.0];
    /// The kernel of the inverse tangent.
    arctan = arc::Arctan, 1, usual [(-10.0, 10.0)],
        tried [(-1.5, 1.5), (-10.0, 10.0)], near [0.0, 1.0];
    /// The kernel of the angle of the point (x, y), given y and x.
    arctan2 = arc::Arctan2, 2, usual [(-10.0, 10.0), (-10.0, 10.0)];
    /// The kernel of e^x.
    exp = exp::Exp, 1, usual [(-20.0, 20.0)],
        tried [(-1.0, 1.0), (-20.0, 20.0), (-746.0, 710.0), (-104.0, 89.0)], near [0.0];
    /// The kernel of 2^x.
    exp2 = exp::Exp2, 1, usual [(-20.0, 20.0)],
        tried [(-1.0, 1.0), (-20.0, 20.0), (-1076.0, 1025.0), (-151.0, 129.0)], near [0.0];
    /// The kernel of e^x - 1.
    expm1 = exp::Expm1, 1, usual [(-5.0, 5.0)],
        tried [(-1.0, 1.0), (-40.0, 20.0), (-40.0, 710.0)], near [0.0];
    /// The kernel of the natural logarithm.
    log = log::Log, 1, usual [(1e-9, 100.0)],
        tried [(0.5, 2.0), (0.0, 100.0)], near [1.0, 0.0];
    /// The kernel of the logarithm to base 2.
    log2 = log::Log2, 1, usual [(1e-9, 100.0)],
        tried [(0.5, 2.0), (0.0, 100.0)], near [1.0, 0.0];
    /// The kernel of the logarithm to base 10.
    log10 = log::Log10, 1, usual [(1e-9, 100.0)],
        tried [(0.5, 2.0), (0.0, 100.0)], near [1.0, 0.0];
    /// The kernel of ln(1 + x).
    log1p = log::Log1p, 1, usual [(-0.99, 10.0)],
        tried [(-1.0, 1.0), (-0.99, 10.0)], near [0.0, -1.0];
    /// The kernel of ln(e^x + e^y).
    logaddexp = logaddexp::LogAddExp, 2, usual [(-10.0, 10.0), (-10.0, 10.0)];
    /// The kernel of log2(2^x + 2^y).
    logaddexp2 = logaddexp::LogAddExp2, 2, usual [(-10.0, 10.0), (-10.0, 10.0)];
    /// The kernel of the inverse hyperbolic sine.
    arcsinh = archyperbolic::Arcsinh, 1, usual [(-10.0, 10.0)],
        tried [(-1.0, 1.0), (-20.0, 20.0)], near [0.0];
    /// The kernel of the inverse hyperbolic cosine.
    arccosh = archyperbolic::Arccosh, 1, usual [(1.0, 100.0)],
        tried [(1.0, 2.0), (1.0, 100.0)], near [1.0];
    /// The kernel of the inverse hyperbolic tangent.
    arctanh = archyperbolic::Arctanh, 1, usual [(-1.0, 1.0)],
        tried [(-1.0, 1.0)], near [0.0, 0.5, -0.5, 1.0, -1.0];
    /// The kernel of x^y.
    power = power::Power, 2, usual [(1e-9, 10.0), (-5.0, 5.0)];
    /// The kernel of the hyperbolic tangent.
    tanh = hyperbolic::Tanh, 1, usual [(-5.0, 5.0)],
        tried [(-1.0, 1.0), (-20.0, 20.0), (-711.0, 711.0), (-90.0, 90.0)], near [0.0];
    /// The kernel of the hyperbolic sine.
    sinh = hyperbolic::Sinh, 1, usual [(-10.0, 10.0)],
        tried [(-1.0, 1.0), (-20.0, 20.0), (-711.0, 711.0), (-90.0, 90.0)], near [0.0];
    /// The kernel of the hyperbolic cosine.
    cosh = hyperbolic::Cosh, 1, usual [(-10.0, 10.0)],
        tried [(-1.0, 1.0), (-20.0, 20.0), (-711.0, 711.0), (-90.0, 90.0)], near [0.0];
    /// The kernel of 1 / (1 + e^-x).
    sigmoid = hyperbolic::Sigmoid, 1, usual [(-10.0, 10.0)],
        tried [(-1.0, 1.0), (-40.0, 40.0), (-750.0, 40.0)], near [0.0];
    /// The kernel of the cube root.
    cbrt = root::Cbrt, 1, usual [(-100.0, 100.0)],
        tried [(-8.0, 8.0), (-100.0, 100.0)], near [1.0];
    /// The kernel of sqrt(x^2 + y^2).
    hypot = root::Hypot, 2, usual [(-100.0, 100.0), (-100.0, 100.0)];
    /// The kernel of the error function.
    erf = erf::Erf, 1, usual [(-3.0, 3.0)],
        tried [(-1.0, 1.0), (-6.5, 6.5)], near [0.0, 1.0];
    /// The kernel of the complementary error function.
    erfc = erf::Erfc, 1, usual [(-3.0, 6.0)],
        tried [(-1.0, 1.0), (-7.0, 11.0), (0.0, 28.0)], near [0.0, 0.5];
    /// The kernel of the normal distribution.
    normcdf = erf::NormCdf, 1, usual [(-3.0, 6.0)],
        tried [(-2.0, 2.0), (-40.0, 9.0), (-15.0, 6.0)], near [0.0];
    /// The kernel of the gamma function.
    gamma = gamma::Gamma, 1, usual [(1e-9, 30.0)],
        tried [(0.0, 5.0), (0.0, 30.0), (0.0, 172.0), (-10.0, 0.0), (-185.0, 0.0)],
        near [1.0, 2.0, 0.0, -1.0, -2.0, -3.0];
    /// The kernel of ln |gamma(x)|.
    lgamma = gamma::LGamma, 1, usual [(1e-9, 100.0)],
        tried [(0.5, 3.0), (0.0, 30.0), (0.0, 1e4), (-10.0, 0.0), (-200.0, 0.0)],
        near [1.0, 2.0, 0.0, -1.0, -2.0, -3.0, -2.457024738220801, -2.7476826467274127];
}
