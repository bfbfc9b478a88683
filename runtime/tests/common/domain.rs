//! Ranges of arguments of the math functions, including those with the largest errors.

use hotloop_runtime::math::{FUNCTIONS, Function};

use super::Random;

/// The function with a name.
pub fn function(name: &str) -> Function {
    *FUNCTIONS.iter().find(|f| f.name == name).expect(name)
}

/// The function that a variant for the `fast` mode replaces.
pub fn plain(name: &str) -> &str {
    name.strip_prefix("fast_").unwrap_or(name)
}

/// The allowed error in ULP.
pub fn bound(name: &str) -> f64 {
    if name.starts_with("fast_") { 4.0 } else { 1.0 }
}

/// Whether the error at `x` is so small that ULP do not count: near the zeros of `lgamma` below 0,
/// and where `logaddexp` is below 2^-8, only the absolute error is bounded.
pub fn excused(name: &str, x: f64, exact: f64, off: f64, single: bool) -> bool {
    match name {
        "lgamma" => x < 0.0 && off <= if single { 1e-7 } else { 1e-15 },
        "logaddexp" | "logaddexp2" => {
            exact.abs() < 0.00390625 && off <= 2f64.powi(if single { -40 } else { -60 })
        }
        _ => false,
    }
}

/// The functions named in `HOTLOOP_FUNCTIONS` (separated by commas), or all.
pub fn chosen() -> Vec<Function> {
    match std::env::var("HOTLOOP_FUNCTIONS") {
        Ok(names) => names.split(',').map(function).collect(),
        Err(_) => FUNCTIONS.to_vec(),
    }
}

fn evenly(random: &mut Random, (low, high): (f64, f64)) -> f64 {
    low + (high - low) * ((random.next() >> 11) as f64 / (1u64 << 53) as f64)
}

/// Random numbers with exponents in this range.
fn log_spaced(random: &mut Random, (low, high): (i64, i64)) -> f64 {
    let exponent = low + random.below((high - low) as usize) as i64;
    let bits = (exponent + 1023).max(0) as u64;
    f64::from_bits(random.next() & !(0x7ff << 52) | bits << 52)
}

/// The exponents of a format's numbers, including subnormals.
fn exponents(single: bool) -> (i64, i64) {
    if single { (-149, 128) } else { (-1024, 1024) }
}

/// A random argument of a function of one argument.
fn unary(f: Function, random: &mut Random, single: bool) -> f64 {
    let range = f.tried[random.below(f.tried.len())];
    match random.next() % 8 {
        0..4 => evenly(random, range),
        4 => log_spaced(random, exponents(single)),
        5 => log_spaced(random, (-30, 8)),
        6 => {
            let point = f.near[random.below(f.near.len())];
            point + log_spaced(random, (-54, -1))
        }
        // Numbers near multiples of pi/4, integers and half-integers.
        _ if matches!(plain(f.name), "sin" | "cos" | "tan") => {
            let k = random.next() >> (20 + random.next() % 44);
            let x = k as f64 * std::f64::consts::FRAC_PI_4;
            f64::from_bits(x.to_bits().wrapping_add(random.next() % 5).saturating_sub(2))
        }
        _ => {
            let x = evenly(random, range);
            (x * 2.0).round() / 2.0
        }
    }
}

/// Arguments of `logaddexp`: close together, far apart, and with a result near 0.
fn near_sums(name: &str, random: &mut Random, single: bool) -> [f64; 2] {
    let x = match random.next() % 4 {
        0 => evenly(random, (-1.0, 1.0)),
        1 => evenly(random, (-50.0, 50.0)),
        2 => log_spaced(random, (-60, 10)),
        _ => log_spaced(random, exponents(single)),
    };
    let d = match random.next() % 4 {
        0 => log_spaced(random, (-60, 6)).abs(),
        1 => evenly(random, (0.0, 3.0)),
        2 => evenly(random, (0.0, 45.0)),
        _ => return [x, evenly(random, (-50.0, 50.0))],
    };
    if random.next().is_multiple_of(2) {
        return [x, x - d];
    }
    // The greater argument is nearly the negated logarithm, so that they cancel.
    let log = match name {
        "logaddexp" => (-d).exp().ln_1p(),
        _ => (-d).exp2().ln_1p() / std::f64::consts::LN_2,
    };
    let most = -log + log_spaced(random, (-60, -3));
    [most - d, most]
}

/// Random arguments of a function of two arguments.
fn binary(name: &str, random: &mut Random, single: bool) -> [f64; 2] {
    if matches!(name, "logaddexp" | "logaddexp2") {
        return near_sums(name, random, single);
    }
    if name != "power" {
        let scale = log_spaced(random, exponents(single)).abs();
        return match random.next() % 8 {
            0..3 => [(); 2].map(|()| evenly(random, (-10.0, 10.0))),
            3 => [(); 2].map(|()| log_spaced(random, exponents(single))),
            4 => [(); 2].map(|()| scale * log_spaced(random, (-40, 40))),
            5 => [scale, scale * (1.0 + log_spaced(random, (-54, -1)))],
            6 => [evenly(random, (-10.0, 10.0)).round(), evenly(random, (-10.0, 10.0)).round()],
            _ => [(); 2].map(|()| log_spaced(random, (-30, 30))),
        };
    }
    let limit = if single { 105.0 } else { 750.0 };
    let x = match random.next() % 8 {
        0..3 => evenly(random, (0.0, 10.0)),
        3 => log_spaced(random, exponents(single)).abs(),
        4 => 1.0 + log_spaced(random, (-54, -1)),
        5 => evenly(random, (0.5, 2.0)),
        6 => evenly(random, (-20.0, 20.0)).round(),
        _ => log_spaced(random, (-10, 10)).abs(),
    };
    let reach = limit / x.abs().ln().abs().max(1e-300);
    let y = match random.next() % 8 {
        0..2 => evenly(random, (-5.0, 5.0)),
        2..5 => evenly(random, (-reach, reach)),
        5 => reach * if random.next() & 1 == 0 { 1.0 } else { -1.0 } * evenly(random, (0.9, 1.0)),
        6 => evenly(random, (-reach.min(1e6), reach.min(1e6))).round(),
        _ => log_spaced(random, (-60, 10)),
    };
    [x, if x < 0.0 { y.round() } else { y }]
}

/// Arguments for a test of accuracy; those for f32 are f32 numbers.
pub fn arguments(f: Function, random: &mut Random, single: bool) -> [f64; 2] {
    let x = match f.arity {
        1 => [unary(f, random, single), 0.0],
        _ => binary(f.name, random, single),
    };
    if single { x.map(|x| f64::from(x as f32)) } else { x }
}
