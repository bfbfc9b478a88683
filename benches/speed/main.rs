//! `cargo bench --bench speed`: how long compiling takes, what a small call costs, and how
//! loops compare with the same loops in C, in interleaved rounds of one run.
//!
//! Read the ratios: absolute times are those of a shared machine.

mod peer;

use std::ffi::c_long;
use std::hint::black_box;
use std::time::{Duration, Instant};

use hotloop::ndarray::Array1;
use hotloop::{ArgType, DType, Engine, Mode, Out, Result};
use peer::Peer;

/// Minimum and median of several contenders' times, measured in turns.
fn interleaved(rounds: usize, contenders: &mut [&mut dyn FnMut()]) -> Vec<(Duration, Duration)> {
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    contenders.iter_mut().for_each(|run| run());
    for _ in 0..rounds {
        for (run, times) in contenders.iter_mut().zip(&mut times) {
            let start = Instant::now();
            run();
            times.push(start.elapsed());
        }
    }
    times
        .into_iter()
        .map(|mut t| {
            t.sort_unstable();
            (t[0], t[t.len() / 2])
        })
        .collect()
}

fn row(what: &str, (min, median): (Duration, Duration), per: f64, unit: &str) {
    let show = |d: Duration| d.as_nanos() as f64 / per;
    println!("| {what} | {:.4} | {:.4} | {unit} |", show(min), show(median));
}

/// A polynomial of degree 20 by Horner's rule: 40 operations.
fn horner() -> String {
    (1..=20).fold("1.0".to_string(), |inner, k| format!("({inner})*x + {}", f64::from(k) / 32.0))
}

const BLACK_SCHOLES: &str = "
    d1 = (p*1.3 + q*0.2) / (s*1.1 + 0.5)
    d2 = d1 - s*0.3
    def k(d) = 1 / (1 + 0.2316419*d)
    def n(d, t) = 1 - 0.39*t*(0.31938153 + t*(-0.356563782 + t*(1.781477937 + t*(-1.821255978 + 1.330274429*t))))
    p*n(d1, k(d1)) - q*0.95*n(d2, k(d2))";

fn compile_times() -> Result<()> {
    let horner = horner();
    for (name, text) in [
        ("sin(a)**2 + cos(b)**2", "sin(a)**2 + cos(b)**2"),
        ("Black-Scholes-sized", BLACK_SCHOLES),
        ("Horner, 40 operations", &horner),
    ] {
        let engine = Engine::builder().threads(1).build();
        let program = engine.compile(text)?;
        let names: Vec<String> = program.inputs().iter().map(|n| n.to_string()).collect();
        let types: Vec<(&str, ArgType)> =
            names.iter().map(|n| (n.as_str(), ArgType::array(DType::F64))).collect();
        program.specialize(&types)?;
        let mut cold = || {
            let engine = Engine::builder().threads(1).build();
            let kernel = engine.compile(text).and_then(|p| p.specialize(&types));
            assert!(black_box(kernel).is_ok_and(|k| k.is_native()));
        };
        let mut cached = || {
            assert!(black_box(engine.compile(text).and_then(|p| p.specialize(&types))).is_ok());
        };
        let times = interleaved(201, &mut [&mut cold, &mut cached]);
        row(&format!("compile, {name}"), times[0], 1e6, "ms");
        row(&format!("cached, {name}"), times[1], 1e6, "ms");
    }
    Ok(())
}

/// Calls in a row between two looks at the clock.
const CALLS: usize = 200;

fn small_calls(peer: Option<&Peer>) -> Result<()> {
    for n in [64usize, 1000] {
        let a = Array1::from_iter((0..n).map(|i| i as f64 + 1.0));
        let (b, c) = (&a * 0.5, &a * 0.25);
        let mut out = Array1::<f64>::zeros(n);
        let mut twin = vec![0.0; n];
        let program = hotloop::compile("(a-b)/(a+b)*c")?;
        let types = ["a", "b", "c"].map(|name| (name, ArgType::array(DType::F64)));
        let kernel = program.specialize(&types)?;
        let mut outs = [Out::from(&mut out)];
        let mut bound =
            kernel.bind([("a", (&a).into()), ("b", (&b).into()), ("c", (&c).into())], &mut outs)?;
        let mut ours = || (0..CALLS).for_each(|_| assert!(black_box(bound.run()).is_ok()));
        let mut loop_128 = || {
            for _ in 0..CALLS {
                if let Some(peer) = peer {
                    // SAFETY: four arrays of n elements.
                    unsafe {
                        (peer.ratio_128)(
                            twin.as_mut_ptr(),
                            a.as_ptr(),
                            b.as_ptr(),
                            c.as_ptr(),
                            n as c_long,
                        )
                    };
                    black_box(&mut twin);
                }
            }
        };
        let times = interleaved(301, &mut [&mut ours, &mut loop_128]);
        row(&format!("Bound::run, (a-b)/(a+b)*c, n = {n}"), times[0], CALLS as f64, "ns");
        row(&format!("C loop, 128-bit, n = {n}"), times[1], CALLS as f64, "ns");
    }
    Ok(())
}

fn polynomial(peer: &Peer) -> Result<()> {
    let n = 10_000;
    let x = Array1::from_iter((0..n).map(|i| i as f64 * 1e-4));
    let (mut out, mut twin) = (Array1::<f64>::zeros(n), vec![0.0; n]);
    let kernel = Engine::builder()
        .threads(1)
        .mode(Mode::Contract)
        .build()
        .compile(&horner())?
        .specialize(&[("x", ArgType::array(DType::F64))])?;
    {
        let mut outs = [Out::from(&mut out)];
        let mut bound = kernel.bind([("x", (&x).into())], &mut outs)?;
        let mut ours = || assert!(bound.run().is_ok());
        let pointer = twin.as_mut_ptr();
        // SAFETY: two arrays of n elements, n a multiple of 8.
        let mut narrow = || unsafe { (peer.horner_128)(pointer, x.as_ptr(), n as c_long) };
        // SAFETY: as above.
        let mut native = || unsafe { (peer.horner_native)(pointer, x.as_ptr(), n as c_long) };
        let times = interleaved(501, &mut [&mut ours, &mut narrow, &mut native]);
        row("Horner, 40 operations, contract, n = 1e4", times[0], n as f64, "ns/element");
        row("C, 128-bit by hand", times[1], n as f64, "ns/element");
        row("C, native width", times[2], n as f64, "ns/element");
        ratio("Horner to C at 128 bits", times[0], times[1]);
        ratio("Horner to C at native width", times[0], times[2]);
    }
    assert_eq!(out.as_slice(), Some(&twin[..]), "the same polynomial");
    Ok(())
}

fn ratio(what: &str, ours: (Duration, Duration), theirs: (Duration, Duration)) {
    let of = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    println!("| {what} | {:.3} | {:.3} | ratio |", of(ours.0, theirs.0), of(ours.1, theirs.1));
}

fn triad(peer: &Peer) -> Result<()> {
    let n = 10_000_000;
    let a = Array1::from_iter((0..n).map(|i| i as f64));
    let b = &a * 0.5;
    let (mut out, mut twin) = (Array1::<f64>::zeros(n), vec![0.0; n]);
    for threads in [1, 2] {
        let kernel = Engine::builder().threads(threads).build().compile("2*a + 3*b")?;
        let kernel =
            kernel.specialize(&["a", "b"].map(|name| (name, ArgType::array(DType::F64))))?;
        {
            let mut outs = [Out::from(&mut out)];
            let mut bound = kernel.bind([("a", (&a).into()), ("b", (&b).into())], &mut outs)?;
            let mut ours = || assert!(bound.run().is_ok());
            let mut theirs = || {
                std::thread::scope(|scope| {
                    for (i, part) in twin.chunks_mut(n / threads).enumerate() {
                        let (a, b) = (
                            &a.as_slice().unwrap_or(&[])[i * n / threads..],
                            &b.as_slice().unwrap_or(&[])[i * n / threads..],
                        );
                        // SAFETY: each thread has its part of three arrays.
                        scope.spawn(move || unsafe {
                            (peer.triad)(
                                part.as_mut_ptr(),
                                a.as_ptr(),
                                b.as_ptr(),
                                part.len() as c_long,
                            )
                        });
                    }
                });
            };
            let times = interleaved(41, &mut [&mut ours, &mut theirs]);
            row(&format!("2*a + 3*b, 1e7, {threads} threads"), times[0], 1e6, "ms");
            row(&format!("C triad, {threads} threads"), times[1], 1e6, "ms");
            ratio(&format!("2*a + 3*b to C, {threads} threads"), times[0], times[1]);
        }
        assert_eq!(out.as_slice(), Some(&twin[..]), "the same sums");
    }
    Ok(())
}

fn long_sum() -> Result<()> {
    let terms: Vec<String> = (0..100_000).map(|i| format!("a*{i}")).collect();
    for (name, text) in [
        ("a+a+... of 1e5 terms", vec!["a"; 100_000].join("+")),
        ("a*0+a*1+... of 1e5 terms", terms.join("+")),
    ] {
        let start = Instant::now();
        let program = Engine::builder().build().compile(&text)?;
        let sum = program.eval_as::<f64>([("a", (&[1.0, 2.0]).into())])?;
        row(name, (start.elapsed(), start.elapsed()), 1e9, "s");
        assert_eq!(sum[[1]], 2.0 * sum[[0]]);
    }
    Ok(())
}

fn main() -> Result<()> {
    println!("| what | min | median | unit |\n|---|---|---|---|");
    let peer = Peer::build();
    compile_times()?;
    small_calls(peer.as_ref())?;
    match &peer {
        Some(peer) => {
            polynomial(peer)?;
            triad(peer)?;
        }
        None => eprintln!("no C compiler: the comparisons with C are left out"),
    }
    long_sum()
}
