//! E. NaN, infinities, zeros, subnormal numbers; the rounding mode of the host.

use hotloop::{Arg, Backend, CancelToken, Engine, RunOptions, compile};

use super::{HARD, bits, eval, same};

/// All pairs of hard floats, three times, so that each is computed in vectors and in a tail.
fn pairs() -> (Vec<f64>, Vec<f64>) {
    let all = || (0..3).flat_map(|_| HARD.iter().flat_map(|x| HARD.iter().map(move |y| (*x, *y))));
    all().chain([(f64::NAN, 1.0), (-0.0, 0.0), (1.0, f64::NAN)]).unzip()
}

#[test]
fn e1_nan_through_every_operation() {
    let (a, b) = pairs();
    let args = [("a", (&a).into()), ("b", (&b).into())];
    let check = |expr: &str, of: fn(f64, f64) -> f64| {
        let want: Vec<f64> = a.iter().zip(&b).map(|(x, y)| of(*x, *y)).collect();
        same(&eval::<f64>(expr, &args), &want);
    };
    check("a + b", |x, y| x + y);
    check("a - b", |x, y| x - y);
    check("a * b", |x, y| x * y);
    check("a / b", |x, y| x / y);
    check("-a", |x, _| -x);
    check("abs(a)", |x, _| x.abs());
    check("sqrt(a)", |x, _| x.sqrt());
    check("floor(a) + 0 * b", |x, y| x.floor() + 0.0 * y);
    check("where(a > 0, a, b)", |x, y| if x > 0.0 { x } else { y });
    check("fmod(a, b)", |x, y| x % y);
    check("minimum(a, b)", minimum);
    check("maximum(a, b)", |x, y| -minimum(-x, -y));
    check("fmin(a, b)", |x, y| {
        if x.is_nan() {
            y
        } else if y.is_nan() {
            x
        } else {
            minimum(x, y)
        }
    });
    check("fmax(a, b)", |x, y| {
        if x.is_nan() {
            y
        } else if y.is_nan() {
            x
        } else {
            -minimum(-x, -y)
        }
    });
    let compare = |expr: &str, of: fn(f64, f64) -> bool| {
        let want: Vec<bool> = a.iter().zip(&b).map(|(x, y)| of(*x, *y)).collect();
        assert_eq!(eval::<bool>(expr, &args), want, "{expr}");
    };
    compare("a < b", |x, y| x < y);
    compare("a <= b", |x, y| x <= y);
    compare("a > b", |x, y| x > y);
    compare("a >= b", |x, y| x >= y);
    compare("a == b", |x, y| x == y);
    compare("a != b", |x, y| x != y);
    compare("not a < b", |x, y| x >= y || x.is_nan() || y.is_nan());
    compare("a < b < a", |x, y| x < y && y < x);
    compare("isnan(a) | isinf(b)", |x, y| x.is_nan() || y.is_infinite());
    compare("isfinite(a)", |x, _| x.is_finite());
    compare("signbit(a)", |x, _| !x.is_nan() && x.is_sign_negative());
}

/// The minimum of two floats: NaN if either is; -0.0 is below 0.0.
fn minimum(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        f64::NAN
    } else if x == y {
        if x.is_sign_negative() { x } else { y }
    } else if x < y {
        x
    } else {
        y
    }
}

#[test]
fn e2_signalling_nan_and_payloads() {
    let nans = [
        0x7ff0_0000_0000_0001u64,
        0xfff8_0000_0000_1234,
        0x7ff8_dead_beef_0000,
        0xfff0_0000_0000_0001,
    ];
    let a: Vec<f64> = (0..101).map(|i| f64::from_bits(nans[i % 4])).collect();
    for expr in [
        "a + 1",
        "a * a",
        "sqrt(a)",
        "minimum(a, 1)",
        "maximum(1, a)",
        "sin(a)",
        "a // 2",
        "a % 2",
        "a**3",
        "where(a == a, 1.0, a + 1)",
        "exp(a)",
        "fma(a, 1, 1)",
    ] {
        assert!(eval::<f64>(expr, &[("a", (&a).into())]).iter().all(|v| v.is_nan()), "{expr}");
    }
    assert_eq!(eval::<bool>("isnan(a) & ~signbit(a)", &[("a", (&a).into())]), [true; 101]);
    assert_eq!(eval::<i32>("i32(a)", &[("a", (&a).into())]), [0; 101]);
}

#[test]
fn e3_infinities() {
    let inf = f64::INFINITY;
    let i = [inf, -inf];
    let args = [("i", Arg::from(&i)), ("z", Arg::from(&[0.0, -0.0]))];
    for (expr, want) in [
        ("i - i", [f64::NAN; 2]),
        ("0 * i", [f64::NAN; 2]),
        ("i / i", [f64::NAN; 2]),
        ("i + i", [inf, -inf]),
        ("1 / i", [0.0, -0.0]),
        ("i // 2", [inf, -inf].map(|_| f64::NAN)),
        ("i * -2", [-inf, inf]),
        ("1 / z", [inf, -inf]),
        ("z / z", [f64::NAN; 2]),
    ] {
        same(&eval::<f64>(expr, &args), &want);
    }
}

#[test]
fn e4_negative_zero() {
    let z = [-0.0, 0.0];
    let args = [("z", Arg::from(&z))];
    for (expr, want) in [
        ("z + 0.0", [0.0, 0.0]),
        ("z + -0.0", [-0.0, 0.0]),
        ("z - 0.0", [-0.0, 0.0]),
        ("z - -0.0", [0.0, 0.0]),
        ("z * 1", [-0.0, 0.0]),
        ("z * -1", [0.0, -0.0]),
        ("z * 0", [-0.0, 0.0]),
        ("-z", [0.0, -0.0]),
        ("0 - z", [0.0, 0.0]),
        ("abs(z)", [0.0, 0.0]),
        ("sqrt(z)", [-0.0, 0.0]),
        ("round(z)", [-0.0, 0.0]),
        ("rint(z - 0.2)", [-0.0, -0.0]),
        ("floor(z)", [-0.0, 0.0]),
        ("ceil(z - 0.5)", [-0.0, -0.0]),
        ("trunc(-0.7 + z)", [-0.0, -0.0]),
        ("minimum(z, -z)", [-0.0, -0.0]),
        ("maximum(z, -z)", [0.0, 0.0]),
        ("z / 4", [-0.0, 0.0]),
        ("z * 0.25", [-0.0, 0.0]),
        ("z + z", [-0.0, 0.0]),
        ("z - z", [0.0, 0.0]),
        ("z**3", [-0.0, 0.0]),
        ("z**2", [0.0, 0.0]),
        ("z // 1", [-0.0, 0.0]),
        ("z % 3", [0.0, 0.0]),
        ("where(z == 0, z, 1)", [-0.0, 0.0]),
        ("-(-z)", [-0.0, 0.0]),
        ("sin(z)", [-0.0, 0.0]),
        ("expm1(z)", [-0.0, 0.0]),
        ("z**0.5", [0.0, 0.0]),
    ] {
        let got = eval::<f64>(expr, &args);
        same(&got, &want);
        // The same with a literal zero, folded.
        let folded = eval::<f64>(&expr.replace('z', "(-0.0)"), &[]);
        same(&folded, &want[..1]);
    }
}

#[test]
fn e5_subnormals_are_kept() {
    let tiny = [5e-324, -1.5e-323, 2.2250738585072009e-308, 1e-310];
    let args = [("a", Arg::from(&tiny))];
    let check = |expr: &str, of: fn(f64) -> f64| same(&eval::<f64>(expr, &args), &tiny.map(of));
    check("a * 3", |x| x * 3.0);
    check("a / 2", |x| x / 2.0);
    check("a * 0.5", |x| x * 0.5);
    check("a + a", |x| x + x);
    check("a - 1e-320", |x| x - 1e-320);
    check("sqrt(abs(a))", |x| x.abs().sqrt());
    check("a * 1e300", |x| x * 1e300);
    check("minimum(a, 0)", |x| x.min(0.0));
    check("f64(f32(a * 1e270))", |x| f64::from((x * 1e270) as f32));
    let narrow = [f32::from_bits(1), -f32::from_bits(3), 1e-40];
    let got = eval::<f32>("a * 0.75 + a", &[("a", Arg::from(&narrow))]);
    assert_eq!(got, narrow.map(|x| x * 0.75 + x));
    assert_eq!(eval::<f64>("f64(a)", &[("a", Arg::from(&narrow))]), narrow.map(f64::from));
}

#[cfg(target_arch = "x86_64")]
mod control_register {
    use std::arch::asm;

    pub fn read() -> u32 {
        let mut value = 0u32;
        // SAFETY: the instruction stores four bytes to the local.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
        value
    }

    pub fn write(value: u32) {
        // SAFETY: only rounding and flushing are changed, and the caller restores them.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack)) };
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn e6_hosts_rounding_and_flushing_do_not_matter() {
    const FLUSH: u32 = 0x8040;
    const FLAGS: u32 = 0x3f;
    let n = 40_000;
    let a: Vec<f64> = (0..n)
        .map(|i| if i % 2 == 0 { 5e-324 * f64::from(i) } else { f64::from(i) / 3.0 })
        .collect();
    let b: Vec<f64> = (0..n).map(|i| 0.1 + f64::from(i)).collect();
    let text = "a * 0.5 + b / 3, sin(a) * exp(-b), sum(a), sum(b / 7), i32(b), f64(f32(b)), a**5, 0.1 + 0.2, 1 / 3 * b, rint(b), 5e-324 * 3 + a";
    let run = |engine: &Engine| -> Vec<Vec<u64>> {
        let outputs = engine.compile(text).unwrap().eval([Arg::from(&a), Arg::from(&b)]).unwrap();
        (0..outputs.len()).map(|i| bits(&outputs, i)).collect()
    };
    let make =
        |backend, threads| Engine::builder().backend(backend).threads(threads).eager().build();
    let want = run(&make(Backend::Native, 2));
    for (backend, threads) in
        [(Backend::Native, 1), (Backend::Native, 2), (Backend::Interpreter, 1)]
    {
        for mode in [FLUSH, 0x2000, 0x4000, 0x6000, FLUSH | 0x6000] {
            // A new engine, so that parsing, folding and compiling also happen in this mode.
            let engine = make(backend, threads);
            let host = control_register::read();
            control_register::write(0x1f80 | mode);
            let got = run(&engine);
            let left = control_register::read();
            control_register::write(host);
            assert_eq!(left & !FLAGS, 0x1f80 | mode, "the host's mode is put back");
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                let first = got.iter().zip(want).position(|(a, b)| a != b);
                let at = format!("output {i} of {backend:?} on {threads} with {mode:#x}");
                assert_eq!(first, None, "{at} differs: {:#x?}", first.map(|f| (got[f], want[f])));
            }
        }
    }
    // The mode is also restored if the run ends in an error.
    let host = control_register::read();
    control_register::write(0x1f80 | FLUSH);
    let token = CancelToken::new();
    token.cancel();
    let cancelled = compile("a + b")
        .unwrap()
        .with(RunOptions::new().cancel(&token))
        .eval([Arg::from(&a), Arg::from(&b)]);
    let refused = compile("a +* b").is_err();
    let left = control_register::read();
    control_register::write(host);
    assert!(cancelled.is_err() && refused);
    assert_eq!(left & !FLAGS, 0x1f80 | FLUSH);
}
