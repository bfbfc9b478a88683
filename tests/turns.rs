//! `degrees` and `radians` against their exact products.
//!
//! The long run takes every argument of f32 (`HOTLOOP_STEP=16` every 16th) and `HOTLOOP_SAMPLES` of
//! f64 (1e7 by default), and records the errors with `HOTLOOP_WRITE=1`:
//!
//! ```text
//! cargo test --release --test turns -- --ignored --nocapture
//! ```

#[path = "../runtime/tests/common/record.rs"]
mod record;

use hotloop::{Arg, DType, Program, compile};
use record::{Measured, record};

/// 180/pi and pi/180, each as a sum of two doubles, with 107 bits.
const TURNS: [(&str, [f64; 2]); 2] = [
    ("degrees", [57.29577951308232, -1.9878495670576283e-15]),
    ("radians", [0.017453292519943295, 2.9486522708701687e-19]),
];

/// A float format: the bits of the significand, the least and the greatest exponent.
#[derive(Clone, Copy)]
struct Format {
    bits: i32,
    least: i32,
    most: i32,
}

const F64: Format = Format { bits: 53, least: -1022, most: 1024 };
const F32: Format = Format { bits: 24, least: -126, most: 128 };

/// x * 2^n, exact if the result is representable.
fn scaled(x: f64, n: i32) -> f64 {
    let half = n / 2;
    [half, n - half].iter().fold(x, |x, n| {
        // Two steps, so that neither power overflows; only subnormal results lose bits.
        let [low, rest] = [n.clamp(&-1000, &1000), &(n - n.clamp(&-1000, &1000))];
        let power = |n: i32| f64::from_bits(((1023 + n) as u64) << 52);
        x * power(*low) * power(*rest)
    })
}

fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52 & 0x7ff) as i32 - 1023
}

/// The error of y, compared with x times a constant, in units in its last place.
fn off(x: f64, y: f64, [high, low]: [f64; 2], format: Format) -> f64 {
    if !x.is_finite() || x == 0.0 {
        let same = x.is_nan() && y.is_nan() || x.to_bits() == y.to_bits();
        return if same { 0.0 } else { f64::INFINITY };
    }
    // x is m * 2^e with m in 1 .. 2, so that nothing overflows or is lost.
    let lift = if exponent(x) == -1023 { 100 } else { 0 };
    let e = exponent(scaled(x, lift)) - lift;
    let m = scaled(x, -e);
    let product = m * high;
    let rest = f64::mul_add(m, high, -product) + m * low;
    // If the product was rounded up to a power of two, its exponent is one lower.
    let below = product.abs().to_bits() << 12 == 0 && (rest < 0.0) == (product > 0.0);
    let top = exponent(product) - i32::from(below && rest != 0.0);
    if top + e >= format.most {
        return if y == f64::INFINITY.copysign(x) { 0.0 } else { f64::INFINITY };
    }
    // An infinity counts as the next power of two.
    let y = match y.is_infinite() {
        true => scaled(1f64.copysign(y), format.most - e),
        false => scaled(y, -e),
    };
    // The difference of neighbouring floats is exact.
    let error = (f64::mul_add(-m, high, y) - m * low).abs();
    scaled(error, (format.bits - 1) - ((top + e).max(format.least) - e))
}

/// The maximum error for f64 arguments, and the argument.
fn worst_f64(program: &Program, constant: [f64; 2], x: &[f64]) -> (f64, f64) {
    let y = program.eval_as::<f64>([("x", Arg::from(x))]).unwrap();
    let errors = x.iter().zip(&y).map(|(x, y)| (off(*x, *y, constant, F64), *x));
    errors.fold((0.0, 0.0), |worst, one| if one.0 > worst.0 { one } else { worst })
}

fn worst_f32(program: &Program, constant: [f64; 2], x: &[f32]) -> (f64, f64) {
    let y = program.eval_as::<f32>([("x", Arg::from(x))]).unwrap();
    let wide = x.iter().zip(&y).map(|(x, y)| (f64::from(*x), f64::from(*y)));
    let errors = wide.map(|(x, y)| (off(x, y, constant, F32), x));
    errors.fold((0.0, 0.0), |worst, one| if one.0 > worst.0 { one } else { worst })
}

/// A random number of any magnitude.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// The maximum errors over `samples` random arguments in f64, and over every `step`-th argument in
/// f32.
fn measured(samples: usize, step: u64) -> Vec<(&'static str, DType, f64)> {
    const CHUNK: usize = 1 << 14;
    let mut list = Vec::new();
    for (name, constant) in TURNS {
        let program = compile(&format!("{name}(x)")).unwrap();
        let mut worst = (0.0, 0.0);
        let mut random = Random(0x7475_726e);
        for _ in 0..samples.div_ceil(CHUNK) {
            let x: Vec<f64> = (0..CHUNK).map(|_| f64::from_bits(random.next())).collect();
            let found = worst_f64(&program, constant, &x);
            worst = if found.0 > worst.0 { found } else { worst };
        }
        println!("{name} f64 {:.4} at {:e}", worst.0, worst.1);
        list.push((name, DType::F64, worst.0));
        let mut worst = (0.0, 0.0);
        for first in (0..1u64 << 32).step_by(CHUNK * step as usize) {
            let bits = (0..CHUNK as u64).map(|i| (first + i * step) as u32);
            let x: Vec<f32> = bits.map(f32::from_bits).collect();
            let found = worst_f32(&program, constant, &x);
            worst = if found.0 > worst.0 { found } else { worst };
        }
        println!("{name} f32 {:.4} at {:e}", worst.0, worst.1);
        list.push((name, DType::F32, worst.0));
    }
    list
}

#[test]
fn turns_are_within_one_ulp() {
    // With an odd step, every bit of the significand varies.
    for (name, dtype, error) in measured(100_000, 30_011) {
        assert!((0.4..=1.0).contains(&error), "{name} of {dtype} errs by {error} ULP");
    }
}

#[test]
#[ignore = "the long job; see the head of this file"]
fn turns_are_within_one_ulp_for_every_f32() {
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |n| n.parse::<f64>().expect("a number"))
    };
    let (samples, step) = (number("HOTLOOP_SAMPLES", 1e7), number("HOTLOOP_STEP", 1.0));
    for (name, dtype, error) in measured(samples as usize, step as u64) {
        let all = dtype == DType::F32 && step == 1.0;
        record(
            name,
            dtype,
            if all { Measured::Exhaustive(error) } else { Measured::Sampled(error) },
        );
        assert!(error <= 1.0, "{name} of {dtype} errs by {error} ULP");
    }
}

/// The measure of errors itself is correct.
#[test]
fn errors_are_counted_in_units_of_the_last_place() {
    let degrees = TURNS[0].1;
    // 180/pi, rounded, and its neighbours.
    let y = 57.29577951308232f64;
    let own = off(1.0, y, degrees, F64);
    assert!(own > 0.27 && own < 0.29, "{own}");
    let next = off(1.0, f64::from_bits(y.to_bits() + 1), degrees, F64);
    assert!((next - 1.0 - own).abs() < 1e-9 || (next - 1.0 + own).abs() < 1e-9, "{next}");
    // If the result is subnormal, a unit is the smallest positive number.
    let radians = TURNS[1].1;
    assert!(off(5e-324, 0.0, radians, F64) < 0.018);
    assert!((off(5e-324, 5e-324, radians, F64) - 0.9825).abs() < 1e-3);
    assert_eq!(off(f64::MAX, f64::INFINITY, degrees, F64), 0.0);
    assert_eq!(off(f64::MAX, f64::MAX, degrees, F64), f64::INFINITY);
    assert_eq!(off(-0.0, 0.0, degrees, F64), f64::INFINITY);
    assert!(off(1.0, f64::from(57.29578f32), degrees, F32) < 0.5);
}
