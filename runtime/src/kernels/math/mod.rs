//! Vector math: the elementary and special functions as block kernels.
//!
//! # Cores
//!
//! A function is written once, as a `Core`: a branch-free expression over the lanes of a vector that
//! only uses the operations of `lanes::Lanes`. It calls neither the platform's libm nor functions of
//! std that do, because their results differ between machines. Every operation gives the same bits
//! in every instance of `Lanes`, so the results of a core do not depend on the instruction set, and
//! a proof or test of one instance holds for all. A core has an f64 and an f32 form. By default the
//! f32 form is the f64 one on widened lanes, rounded once more, which adds 2^-29 ULP.
//!
//! Rules for a core:
//! - The error is at most 1.0 ULP everywhere, or 4 ULP in the `fast` mode. Exceptions with a bound on
//!   the absolute error are `lgamma` of x < 0 near its zeros (1e-15), and results of `logaddexp` and
//!   `logaddexp2` below 2^-8 (2^-60). Special values are those of C99's Annex F. Subnormals are kept.
//! - The comment of the file describes the method, the source of the coefficients (scripts of the
//!   same name in `derive/` compute all of them) and the sum of the errors.
//! - There are no branches. A rare case that needs one, such as a huge argument of `sin`, computes the
//!   whole vector by other code in `l.rarely`, which must not change the bits of the other lanes. If
//!   both cases are common, the operation is `l.branch`.
//! - Table lookups of up to 32 entries use `l.table`, mostly permutes of registers (with AVX2, 8
//!   entries of f32 take one instruction, 16 take five). Lookups of several numbers for one index use
//!   `l.row`, which loads rows where permutes take longer (f64 with AVX2). Large tables, where they
//!   save polynomials, use `l.grid`.
//! - Polynomials use `l.horner`, `l.poly` or `l.paired`, whose documentation says when to use which.
//! - Sums whose rounding errors matter keep them: `l.fast_two_sum`, `l.two_sum`, `l.two_product`,
//!   `l.fast_two_fma`, and `l.quotient` of two such sums. The compiler never reorders these
//!   operations, nor does it fuse products and sums.
//! - Time is only spent on errors that would exceed 0.9 ULP in total.
//!
//! # Instances
//!
//! `lanes::Scalar` runs on every target. Its fused multiply-add is the machine's if the target
//! guarantees one, otherwise [`softfma`], which is exact and slow. `lanes::Avx2` and `lanes::Avx512`
//! use `core::arch`. The shells of `shell.rs` enable the instructions and inline the cores, so that
//! the loop of a kernel has no calls. The tail of a block is copied to a padded buffer and computed
//! by the same code, so the bits of an element do not depend on its position. NaNs are made canonical
//! before they are stored, because the compiler decides which NaN an instruction propagates. A core
//! with `CANONICAL` does this itself, only where arguments are rare.
//!
//! `lanes::Recorder` notes the operations of one element instead of executing them, branches
//! included: a `Recording`, from which text for other compilers is written.
//!
//! # Adding a function
//!
//! Write a unit struct with its `Core` beside similar functions, by `cores!` if one generic function
//! serves both types. Add a row to `kernels!` below with the ranges for benches and tests, references
//! to `tests/accuracy.rs` and `tests/exhaustive.rs`, hard arguments to `derive/cases.py` (it writes
//! `tests/math_cases.txt`), and special values to `tests/math.rs`. With `HOTLOOP_WRITE=1`,
//! `tests/math.rs` records the bits of the function, and the other two tests its error.
//! To add an instruction set, implement `Lanes` and add a shell to `shell::pick`.

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

/// A function of `N` arguments, written once for every instruction set. NaN results may have any
/// sign and payload.
trait Core<const N: usize>: Sized {
    /// Whether all NaN results are f64::NAN or f32::NAN. A core whose NaNs only come from rare
    /// arguments makes them canonical there, which saves time in the usual case.
    const CANONICAL: bool = false;

    /// The function of each lane.
    fn f64<L: Lanes<E = f64>>(l: L, x: [L::F; N]) -> L::F;

    /// The function of each lane in single precision. By default it is the f64 core, rounded: at most
    /// 0.5 + 2^-29 ULP, at half the speed.
    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, x: [L::F; N]) -> L::F {
        l.in_f64::<Self, N>(x)
    }
}

/// Defines cores whose f64 and f32 forms are one generic function. The values after `by` are the
/// constants of the two types. `=> CANONICAL` sets [`Core::CANONICAL`].
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

/// Two functions of one argument that share most of their work. The results have the same bits as
/// those of the single functions.
trait PairCore {
    /// The functions of each lane.
    fn f64<L: Lanes<E = f64>>(l: L, x: L::F) -> [L::F; 2];
    /// The functions of each lane in single precision.
    fn f32<L: Lanes<E = f32>>(l: L, x: L::F) -> [L::F; 2];
}

/// The kernel of the sine and the cosine of one argument; `None` for a dtype that is not a float. The
/// kernel requires that the machine has `isa`.
#[inline(never)]
pub fn sin_cos(dtype: DType, isa: Isa) -> Option<PairFn> {
    shell::pick_pair::<trig::SinCos>(dtype, isa)
}

/// The names of functions by the addresses of their kernels, for profilers: the symbols of kernels
/// do not contain them.
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
    /// The name.
    pub name: &'static str,
    /// The number of arguments.
    pub arity: usize,
    /// The kernel for a dtype on an instruction set that the machine has; `None` for a dtype that is
    /// not a float.
    pub kernel: fn(DType, Isa) -> Option<BlockFn>,
    /// The range of each argument in benches.
    pub usual: &'static [(f64, f64)],
    /// The ranges of uniform random arguments in tests of a function of one argument.
    pub tried: &'static [(f64, f64)],
    /// Points near which tests choose more arguments.
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
            /// `None` for a dtype that is not a float. The kernel requires that the machine has `isa`.
            // Otherwise a crate that calls it may compile the kernels again, without optimization.
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

        /// All functions, for tests and benches.
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
