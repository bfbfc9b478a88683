//! Passes as CUDA C, compiled by NVRTC to machine code, without a device. The library is found as
//! `hotloop_runtime::device::Nvrtc` says, for example in a Python environment with the wheel
//! `nvidia-cuda-nvrtc-cu12`; without it the tests say that they are skipped, unless `HOTLOOP_NVRTC`
//! says where it is.

#![cfg(unix)]

use std::collections::BTreeMap;

use hotloop::{ArgType, DType, Engine, Mode};
use hotloop_runtime::device::{Nvrtc, Target};

fn nvrtc() -> Option<Nvrtc> {
    match Nvrtc::find(None) {
        Ok(found) => {
            println!("NVRTC {:?} at {}", found.version(), found.path().display());
            Some(found)
        }
        Err(error) if std::env::var_os("HOTLOOP_NVRTC").is_some() => panic!("{error}"),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

fn text(mode: Mode, program: &str, types: &[(&str, DType)]) -> String {
    let types: Vec<(&str, ArgType)> =
        types.iter().map(|(name, dtype)| (*name, ArgType::array(*dtype))).collect();
    let engine = Engine::builder().threads(1).mode(mode).build();
    let kernel = engine.compile(program).and_then(|program| program.specialize(&types));
    kernel.and_then(|kernel| kernel.cuda_text()).unwrap_or_else(|e| panic!("{program}: {e}"))
}

const FLOATS: &str = "x + y, x - y, x * y, x / y, -x, abs(x), minimum(x, y), maximum(x, y), sqrt(x), \
    floor(x), ceil(x), trunc(x), rint(x), copysign(x, y), nextafter(x, y), signbit(x), \
    ldexp(x, n), fma(x, y, x), where(x < y, x, y), x == y, i32(x), u64(x), bool(x)";
const INTEGERS: &str = "x + y, x - y, x * y, x // y, x % y, fmod(x, y), -x, abs(x), x ** y, gcd(x, y), \
    lcm(x, y), x << y, x >> y, x & y, x | y, x ^ y, ~x, minimum(x, y), x < y, f32(x), f64(x), u8(x)";
const MATH: &str = "sin(x), cos(x), tan(x), sinc(x), arcsin(x), arccos(x), arctan(x), arctan2(x, y), \
    exp(x), exp2(x), expm1(x), log(x), log2(x), log10(x), log1p(x), logaddexp(x, y), arcsinh(x), \
    arccosh(x), arctanh(x), tanh(x), sinh(x), cosh(x), sigmoid(x), cbrt(x), hypot(x, y), erf(x), \
    erfc(x), normcdf(x), gamma(x), lgamma(x), x ** y";

const REDUCTIONS: &str = "sum(x), prod(x), min(x), max(x), var(x), argmin(x), argmax(x), any(x > 0), all(x > 1), \
    sum(x > 0)";

/// Every text is machine code for two generations.
#[test]
fn texts_become_machine_code() {
    let Some(nvrtc) = nvrtc() else { return };
    let known = nvrtc.capabilities().expect("a list");
    let mut texts = BTreeMap::new();
    for dtype in [DType::F32, DType::F64] {
        texts.insert(
            format!("{dtype}"),
            text(Mode::Strict, FLOATS, &[("x", dtype), ("y", dtype), ("n", DType::I32)]),
        );
    }
    for dtype in [DType::F32, DType::F64, DType::I16] {
        let of_floats = ", prod(x), min(x), max(x), var(x), argmin(x)";
        let program = match dtype.is_float() {
            true => REDUCTIONS.to_string(),
            false => REDUCTIONS.replace(of_floats, ", min(x), argmin(x)"),
        };
        let text = text(Mode::Strict, &program, &[("x", dtype)]);
        texts.insert(format!("reductions of {dtype}"), text);
    }
    for dtype in DType::ALL.into_iter().filter(|dtype| dtype.is_int()) {
        let types = [("x", dtype), ("y", dtype)];
        texts.insert(format!("{dtype}"), text(Mode::Strict, INTEGERS, &types));
    }
    let [old, new] = [80, 90];
    for capability in [old, new] {
        assert!(known.contains(&(capability as i32)), "{capability} among {known:?}");
        for (name, text) in &texts {
            let cubin = nvrtc.compile(text, Target::Cubin(capability));
            let cubin = cubin.unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(cubin.starts_with(b"\x7fELF"), "{name} for {capability}");
        }
    }
}

/// No operation is approximate, contracted or flushed to zero, and no value lies in local memory.
#[test]
fn code_has_exact_operations_only() {
    let Some(nvrtc) = nvrtc() else { return };
    for dtype in [DType::F32, DType::F64] {
        for (mode, program, inputs) in [
            (Mode::Strict, MATH, 2),
            (Mode::Fast, MATH, 2),
            (Mode::Strict, FLOATS, 3),
            (Mode::Strict, REDUCTIONS, 1),
        ] {
            let types = [("x", dtype), ("y", dtype), ("n", DType::I32)];
            let used = &types[..inputs];
            let text = text(mode, program, used);
            let ptx = nvrtc.compile(&text, Target::Ptx(80)).unwrap_or_else(|e| panic!("{e}"));
            let ptx = String::from_utf8_lossy(&ptx);
            let found = faults(&ptx);
            assert!(found.is_empty(), "{dtype}, {mode:?}: {found:#?}");
            assert!(ptx.contains("mul.rn.f"), "the check sees operations");
        }
    }
}

/// The instructions of PTX that must not be there.
fn faults(ptx: &str) -> Vec<&str> {
    let of_floats = |line: &str, op: &str| {
        line.starts_with(op) && (line.contains(".f32") || line.contains(".f64"))
    };
    let wrong = |line: &&str| {
        let rounded = ["add", "sub", "mul", "fma", "div", "sqrt"];
        let rounded = rounded.iter().any(|op| of_floats(line, &format!("{op}.")));
        line.contains(".ftz")
            || line.contains(".approx")
            || line.contains("div.full")
            || line.contains(".local")
            || rounded && !line.contains(".rn")
            || of_floats(line, "mad.")
    };
    ptx.lines().map(str::trim).filter(wrong).collect()
}

#[test]
fn the_check_finds_inexact_code() {
    let good =
        "fma.rn.f64 %fd1, %fd2, %fd3, %fd4;\nadd.s32 %r1, %r2, %r3;\nmad.lo.s32 %r1, %r2, 1, 2;";
    assert!(faults(good).is_empty());
    for bad in [
        "add.f64 %fd1, %fd2, %fd3;",
        "mul.ftz.f32 %f1, %f2, %f3;",
        "div.approx.f32 %f1, %f2, %f3;",
        "ld.local.u32 %r1, [%rd1];",
    ] {
        assert_eq!(faults(bad), [bad]);
    }
}
