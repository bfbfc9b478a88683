//! Compile times.

use std::hint::black_box;
use std::time::Instant;

use hotloop::{ArgType, DType, Engine, Result};

use crate::contest::digits;
use crate::timing::{Times, interleaved};
use crate::workloads::{BLACK_SCHOLES, SQUARES, horner};

fn row(what: &str, times: &Times, per: f64, unit: &str) {
    let (min, median) = (digits(times.min() * per), digits(times.median() * per));
    println!("| {what} | {min} | {median} | {unit} |");
}

/// A polynomial program of the size of Black-Scholes.
const POLYNOMIALS: &str = "
    d1 = (p*1.3 + q*0.2) / (s*1.1 + 0.5)
    d2 = d1 - s*0.3
    def k(d) = 1 / (1 + 0.2316419*d)
    def n(d, t) = 1 - 0.39*t*(0.31938153 + t*(-0.356563782 + t*(1.781477937 + t*(-1.821255978 + 1.330274429*t))))
    p*n(d1, k(d1)) - q*0.95*n(d2, k(d2))";

/// Programs of everyday size, compiled and found in the cache.
pub fn times() -> Result<()> {
    println!("\n| what | min | median | |\n|---|---|---|---|");
    for (name, text) in [
        (SQUARES, SQUARES),
        ("Black-Scholes-sized polynomials", POLYNOMIALS),
        ("Black-Scholes", BLACK_SCHOLES),
        ("Horner, 40 operations", &horner()),
    ] {
        let engine = Engine::builder().threads(1).build();
        let program = engine.compile(text)?;
        let names: Vec<String> = program.inputs().map(|n| n.to_string()).collect();
        let types: Vec<(&str, ArgType)> =
            names.iter().map(|n| (n.as_str(), ArgType::array(DType::F64))).collect();
        program.specialize(&types)?;
        let cold = || {
            let engine = Engine::builder().threads(1).build();
            let kernel = engine.compile(text).and_then(|p| p.specialize(&types));
            assert!(black_box(kernel).is_ok_and(|k| k.is_native()));
        };
        let cached = || {
            assert!(black_box(engine.compile(text).and_then(|p| p.specialize(&types))).is_ok());
        };
        let times = interleaved(vec![Box::new(cold), Box::new(cached)]);
        row(&format!("compile, {name}"), &times[0], 1e3, "ms");
        row(&format!("cached, {name}"), &times[1], 1e3, "ms");
    }
    long_sums()
}

/// Programs that are long.
fn long_sums() -> Result<()> {
    let terms: Vec<String> = (0..100_000).map(|i| format!("a*{i}")).collect();
    for (name, text) in [
        ("a+a+... of 1e5 terms, with its value", vec!["a"; 100_000].join("+")),
        ("a*0+a*1+... of 1e5 terms, with its value", terms.join("+")),
    ] {
        let start = Instant::now();
        let program = Engine::builder().build().compile(&text)?;
        let sum = program.eval_as::<f64>(("a", &[1.0, 2.0]))?;
        row(name, &Times::once(start.elapsed()), 1.0, "s");
        assert_eq!(sum[[1]], 2.0 * sum[[0]]);
    }
    Ok(())
}
