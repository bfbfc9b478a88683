//! The math functions against MPFR, on random arguments:
//!
//! ```text
//! cargo test --release -p hotloop-runtime --features mpfr --test accuracy -- --ignored --nocapture
//! ```
//!
//! `HOTLOOP_SAMPLES` is the number of arguments for each function and dtype (1e6 by default),
//! `HOTLOOP_FUNCTIONS=sin,cos` chooses functions, and `HOTLOOP_WRITE=1` records what was
//! measured in `math_errors.txt`, from which FUNCTIONS.md takes its figures.
#![cfg(feature = "mpfr")]

mod common;

use common::Random;
use common::domain::{arguments, bound, chosen, excused, plain};
use common::record::{Measured, record};
use hotloop_runtime::block::BlockFn;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use rug::Float;

/// The precision of the reference in bits. Differences of nearly equal numbers use many more.
const BITS: u32 = 200;

fn exact(name: &str, [x, y]: [f64; 2]) -> Float {
    let a = Float::with_val(BITS, x);
    let name = plain(name);
    match name {
        "sin" => a.sin(),
        "cos" => a.cos(),
        "tan" => a.tan(),
        "arcsin" => a.asin(),
        "arccos" => a.acos(),
        "arctan" => a.atan(),
        "arctan2" => a.atan2(&Float::with_val(BITS, y)),
        "sinh" => a.sinh(),
        "cosh" => a.cosh(),
        "tanh" => a.tanh(),
        "arcsinh" => a.asinh(),
        "arccosh" => a.acosh(),
        "arctanh" => a.atanh(),
        "exp" => a.exp(),
        "exp2" => a.exp2(),
        "expm1" => a.exp_m1(),
        "log" => a.ln(),
        "log2" => a.log2(),
        "log10" => a.log10(),
        "log1p" => a.ln_1p(),
        "logaddexp" | "logaddexp2" => {
            // As many bits as the sum of both may need, and 200 after cancellation.
            let b = Float::with_val(BITS, y);
            if x.is_nan() || y.is_nan() {
                return Float::with_val(BITS, f64::NAN);
            }
            let (more, less) = if a > b { (a, b) } else { (b, a) };
            if more.is_infinite() {
                return more;
            }
            let wide = |x: &Float| Float::with_val(2400, x);
            let minus_d = Float::with_val(2400, wide(&less) - wide(&more));
            let minus_d = Float::with_val(BITS + 1200, minus_d);
            match name {
                "logaddexp" => Float::with_val(BITS, minus_d.exp().ln_1p() + wide(&more)),
                _ => {
                    let log = minus_d.exp2().ln_1p() / Float::with_val(BITS + 1200, 2).ln();
                    Float::with_val(BITS, log + wide(&more))
                }
            }
        }
        "sinc" => {
            if x.is_infinite() || x.is_nan() {
                return Float::with_val(BITS, f64::NAN);
            }
            if x == 0.0 {
                return Float::with_val(BITS, 1);
            }
            if x == x.trunc() {
                return Float::with_val(BITS, 0);
            }
            let angle = Float::with_val(BITS + 1200, rug::float::Constant::Pi) * x;
            Float::with_val(BITS, angle.clone().sin() / angle)
        }
        "cbrt" => a.cbrt(),
        "hypot" => a.hypot(&Float::with_val(BITS, y)),
        "power" => rug::ops::Pow::pow(a, &Float::with_val(BITS, y)),
        "erf" => a.erf(),
        "erfc" => a.erfc(),
        "gamma" => a.gamma(),
        "lgamma" => a.ln_abs_gamma().0,
        "sigmoid" => 1 / (1 + (-a).exp()),
        "normcdf" => {
            let root = Float::with_val(BITS, 2).sqrt();
            Float::with_val(BITS, -a / root).erfc() / 2
        }
        _ => panic!("no reference for {name}"),
    }
}

/// A float format: the bits of the significand, the least and the greatest exponent.
#[derive(Clone, Copy)]
struct Format {
    bits: i32,
    least: i32,
    most: i32,
}

/// The error of `y` in units in its last place.
fn ulps(exact: &Float, y: f64, format: Format) -> f64 {
    if exact.is_nan() || exact.is_infinite() || exact.is_zero() {
        let same = exact.is_nan() && y.is_nan() || *exact == y;
        return if same { 0.0 } else { f64::INFINITY };
    }
    if y.is_nan() {
        return f64::INFINITY;
    }
    let exponent = exact.get_exp().unwrap() - 1;
    // An infinity counts as the next power of two.
    let y = match y.is_infinite() {
        true => (Float::with_val(BITS, 1) << format.most).copysign(&Float::with_val(BITS, y)),
        false => Float::with_val(BITS, y),
    };
    if exponent >= format.most {
        let end = Float::with_val(BITS, 1) << format.most;
        return if y.abs() == end { 0.0 } else { f64::INFINITY };
    }
    let ulp = exponent.max(format.least) - (format.bits - 1);
    let off: Float = Float::with_val(BITS, &y - exact).abs() >> ulp;
    off.to_f64()
}

fn run<T: Copy + Default>(kernel: BlockFn, a: &[T], b: &[T]) -> Vec<T> {
    let mut out = vec![T::default(); a.len()];
    let (pa, pb) = (a.as_ptr().cast(), b.as_ptr().cast());
    // SAFETY: the three arrays have the same number of elements.
    unsafe { kernel(out.as_mut_ptr().cast(), pa, pb, std::ptr::null(), a.len()) };
    out
}

#[test]
#[ignore = "the long job; see the head of this file"]
fn within_one_ulp_of_mpfr() {
    let samples = std::env::var("HOTLOOP_SAMPLES").map_or(1e6, |n| n.parse().unwrap()) as usize;
    let seed = common::seed();
    let mut failed = Vec::new();
    for f in chosen() {
        for dtype in [DType::F64, DType::F32] {
            let single = dtype == DType::F32;
            let format = match single {
                true => Format { bits: 24, least: -126, most: 128 },
                false => Format { bits: 53, least: -1022, most: 1024 },
            };
            // Half of the samples on each of two threads.
            let worst = std::thread::scope(|scope| {
                let part = |part: u64| {
                    let mut random = Random(seed ^ part);
                    let mut worst = (0.0, [0.0; 2], 0.0);
                    let kernel = (f.kernel)(dtype, Isa::detect()).unwrap();
                    let mut left = samples / 2;
                    while left > 0 {
                        let n = left.min(4096);
                        left -= n;
                        let x: Vec<[f64; 2]> =
                            (0..n).map(|_| arguments(f, &mut random, single)).collect();
                        let [a, b]: [Vec<f64>; 2] =
                            [0, 1].map(|i| x.iter().map(|x| x[i]).collect());
                        let y: Vec<f64> = if single {
                            let [a, b]: [Vec<f32>; 2] =
                                [a, b].map(|a| a.iter().map(|x| *x as f32).collect());
                            run(kernel, &a, &b).into_iter().map(f64::from).collect()
                        } else {
                            run(kernel, &a, &b)
                        };
                        for (x, y) in x.into_iter().zip(y) {
                            let exact = exact(f.name, x);
                            let mut error = ulps(&exact, y, format);
                            let off = Float::with_val(BITS, y - &exact).abs().to_f64();
                            if excused(f.name, x[0], exact.to_f64(), off, single) {
                                error = error.min(1.0);
                            }
                            if error > worst.0 {
                                worst = (error, x, y);
                            }
                        }
                    }
                    worst
                };
                let other = scope.spawn(move || part(1));
                let (a, b) = (part(2), other.join().unwrap());
                if a.0 > b.0 { a } else { b }
            });
            let (error, x, y) = worst;
            println!("{:9} {dtype} {error:.4} at {:?} = {y:e}", f.name, &x[..f.arity]);
            record(f.name, dtype, Measured::Sampled(error));
            if error > bound(f.name) {
                failed.push(format!("{} {dtype}: {error} ULP at {x:?}", f.name));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
