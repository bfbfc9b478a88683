//! All 2^32 arguments of the f32 functions of one argument, against the C library's f64 functions
//! (whose error is at most 2^-24 ULP of f32, unless the library is wrong):
//!
//! ```text
//! cargo test --release -p hotloop-runtime --test exhaustive -- --ignored --nocapture
//! ```
//!
//! `HOTLOOP_FUNCTIONS=sin,cos` chooses functions; `HOTLOOP_WRITE=1` records the errors, from
//! which FUNCTIONS.md takes its figures. `HOTLOOP_STEP=64` takes every 64th argument.

mod common;

use common::domain::{bound, chosen, excused, plain};
use common::record::{Measured, record};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;

unsafe extern "C" {
    safe fn erf(x: f64) -> f64;
    safe fn erfc(x: f64) -> f64;
    safe fn tgamma(x: f64) -> f64;
    safe fn lgamma(x: f64) -> f64;
    safe fn expm1(x: f64) -> f64;
    safe fn log1p(x: f64) -> f64;
    safe fn asinh(x: f64) -> f64;
    safe fn acosh(x: f64) -> f64;
    safe fn atanh(x: f64) -> f64;
}

fn reference(name: &str) -> fn(f64) -> f64 {
    match plain(name) {
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "arcsin" => f64::asin,
        "arccos" => f64::acos,
        "arctan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        // These functions of std are not those of the C library.
        "arcsinh" => |x| asinh(x),
        "arccosh" => |x| acosh(x),
        "arctanh" => |x| atanh(x),
        "exp" => f64::exp,
        "exp2" => f64::exp2,
        "expm1" => |x| expm1(x),
        "log" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "log1p" => |x| log1p(x),
        "cbrt" => f64::cbrt,
        "erf" => |x| erf(x),
        "erfc" => |x| erfc(x),
        "gamma" => |x| if x == x.floor() && x < 0.0 { f64::NAN } else { tgamma(x) },
        "lgamma" => |x| lgamma(x),
        "sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        "sinc" => |x| {
            // x is exactly the sum of an integer and f, so that only the sine of a small angle is
            // needed.
            let whole = x.round_ties_even();
            let f = x - whole;
            let sine = (std::f64::consts::PI * f).sin();
            let sine = if whole.rem_euclid(2.0) == 1.0 { -sine } else { sine };
            match x {
                0.0 => 1.0,
                _ if f == 0.0 => 0.0,
                _ => sine / (std::f64::consts::PI * x),
            }
        },
        "normcdf" => |x| {
            // -x / sqrt(2) = t + e; a term with erfc's derivative corrects for e.
            let (hi, lo) = (std::f64::consts::FRAC_1_SQRT_2, -4.833646656726457e-17);
            let t = -x * hi;
            let e = -(f64::mul_add(x, hi, t) + x * lo);
            let slope = -2.0 / std::f64::consts::PI.sqrt() * (-t * t).exp();
            0.5 * if x.abs() < 30.0 { erfc(t) + slope * e } else { erfc(t) }
        },
        _ => panic!("no reference for {name}"),
    }
}

/// The error of `y` in units in its last place in f32.
fn ulps(exact: f64, y: f32) -> f64 {
    if exact.is_nan() || y.is_nan() {
        return if exact.is_nan() && y.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let end = 2f64.powi(128);
    if exact.abs() >= end {
        return if f64::from(y) == f64::INFINITY.copysign(exact) { 0.0 } else { f64::INFINITY };
    }
    // An infinity counts as the next power of two.
    let y = if y.is_infinite() { end.copysign(f64::from(y)) } else { f64::from(y) };
    if exact == 0.0 {
        let same = y.to_bits() == exact.to_bits();
        return if same { 0.0 } else { y.abs() / 2f64.powi(-149) };
    }
    let exponent = (exact.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    let ulp = exponent.max(-126) - 23;
    (y - exact).abs() * f64::from_bits(((1023 - ulp) as u64) << 52)
}

#[test]
#[ignore = "the long job; see the head of this file"]
fn within_one_ulp_for_every_f32() {
    const CHUNK: usize = 1 << 14;
    let step = std::env::var("HOTLOOP_STEP").map_or(1, |n| n.parse().unwrap());
    let mut failed = Vec::new();
    for f in chosen().into_iter().filter(|f| f.arity == 1) {
        let start = std::time::Instant::now();
        let kernel = (f.kernel)(DType::F32, Isa::detect()).unwrap();
        let reference = reference(f.name);
        let worst = std::thread::scope(|scope| {
            let part = move |part: u64| {
                let mut worst = (0.0, 0f32, 0f32);
                let mut y = vec![0f32; CHUNK];
                let mut bits = part * step;
                while bits < 1 << 32 {
                    let x: Vec<f32> = (0..CHUNK as u64)
                        .map(|i| f32::from_bits((bits + 2 * step * i) as u32))
                        .collect();
                    bits += 2 * step * CHUNK as u64;
                    let null = std::ptr::null();
                    // SAFETY: the two arrays have CHUNK elements.
                    unsafe { kernel(y.as_mut_ptr().cast(), x.as_ptr().cast(), null, null, CHUNK) };
                    for (x, y) in x.iter().zip(&y) {
                        let exact = reference(f64::from(*x));
                        let mut error = ulps(exact, *y);
                        let off = (exact - f64::from(*y)).abs();
                        if excused(f.name, f64::from(*x), exact, off, true) {
                            error = error.min(1.0);
                        }
                        if error > worst.0 {
                            worst = (error, *x, *y);
                        }
                    }
                }
                worst
            };
            let other = scope.spawn(move || part(1));
            let (a, b) = (part(0), other.join().unwrap());
            if a.0 > b.0 { a } else { b }
        });
        let (error, x, y) = worst;
        let time = start.elapsed().as_secs();
        println!("{:9} {error:.4} at {x:e} ({:#x}) = {y:e}, {time} s", f.name, x.to_bits());
        if step == 1 {
            record(f.name, DType::F32, Measured::Exhaustive(error));
        }
        if error > bound(f.name) {
            failed.push(format!("{}: {error} ULP at {x:e}", f.name));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
