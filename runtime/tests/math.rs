//! The math functions: values, accuracy, and the same bits everywhere.

use hotloop_runtime::block::BlockFn;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::math::{self, softfma};

type Kernel = fn(DType, Isa) -> Option<BlockFn>;

const FUNCTIONS: [(&str, Kernel); 11] = [
    ("sin", math::sin),
    ("cos", math::cos),
    ("tan", math::tan),
    ("exp", math::exp),
    ("exp2", math::exp2),
    ("expm1", math::expm1),
    ("log", math::log),
    ("log2", math::log2),
    ("log10", math::log10),
    ("log1p", math::log1p),
    ("tanh", math::tanh),
];

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn kernel(name: &str) -> Kernel {
    FUNCTIONS.iter().find(|f| f.0 == name).expect(name).1
}

fn call<T: Copy>(f: BlockFn, out: &mut [T], a: &[T]) {
    assert_eq!(out.len(), a.len());
    let null = std::ptr::null();
    // SAFETY: the slices are as long as said, and do not overlap.
    let flags = unsafe { f(out.as_mut_ptr().cast(), a.as_ptr().cast(), null, null, a.len()) };
    assert_eq!(flags, 0);
}

fn run64(f: Kernel, isa: Isa, a: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; a.len()];
    call(f(DType::F64, isa).unwrap(), &mut out, a);
    out
}

fn run32(f: Kernel, isa: Isa, a: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; a.len()];
    call(f(DType::F32, isa).unwrap(), &mut out, a);
    out
}

fn bits64(a: &[f64]) -> Vec<u64> {
    a.iter().map(|x| x.to_bits()).collect()
}

fn bits32(a: &[f32]) -> Vec<u32> {
    a.iter().map(|x| x.to_bits()).collect()
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Evenly over the floats, or over some usual magnitudes.
    fn float(&mut self) -> f64 {
        let bits = self.next();
        match self.next() % 8 {
            0 => f64::from_bits(bits),
            1 => f64::from_bits(bits & !(0x7ff << 52)),
            n => {
                let exponent = 1023 - 24 + self.next() % (4 + 6 * n);
                f64::from_bits(bits & !(0x7ff << 52) | exponent << 52)
            }
        }
    }
}

/// The arguments of the case file.
fn case_arguments() -> Vec<f64> {
    cases().map(|c| c.x).collect()
}

/// Arguments that exercise everything: specials, the hard cases and random ones.
fn arguments(n: usize) -> Vec<f64> {
    let mut random = Random(0x9e3779b97f4a7c15);
    let mut all = vec![0.0, -0.0, INF, -INF, NAN, -NAN, 1.0, -1.0, f64::MAX, f64::MIN, 5e-324];
    all.push(f64::from_bits(0x7ff0000000000001)); // signalling
    all.push(f64::from_bits(0xfff123456789abcd));
    all.extend(case_arguments().into_iter().step_by(if cfg!(debug_assertions) { 7 } else { 1 }));
    all.extend((0..n).map(|_| random.float()));
    all
}

struct Case {
    name: &'static str,
    x: f64,
    hi: f64,
    lo: f64,
    /// The result is (hi + lo) 2^scale.
    scale: i32,
}

fn cases() -> impl Iterator<Item = Case> {
    include_str!("math_cases.txt").lines().map(|line| {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let mut float = || f64::from_bits(u64::from_str_radix(words.next().unwrap(), 16).unwrap());
        let (x, hi, lo) = (float(), float(), float());
        Case { name, x, hi, lo, scale: words.next().map_or(0, |s| s.parse().unwrap()) }
    })
}

/// x 2^n, exact where the result is normal.
fn ldexp(mut x: f64, mut n: i32) -> f64 {
    while n != 0 {
        let step = n.clamp(-1000, 1000);
        x *= f64::from_bits(((1023 + step) as u64) << 52);
        n -= step;
    }
    x
}

/// How far y is from the exact result, in units of the last place of a format with so many bits
/// and these least and greatest exponents.
fn ulps(case: &Case, y: f64, (bits, least, most): (i32, i32, i32)) -> f64 {
    let Case { hi, lo, scale, .. } = *case;
    if hi == 0.0 {
        return if y == 0.0 { 0.0 } else { INF };
    }
    assert!(hi.is_normal());
    let exponent = (hi.to_bits() >> 52 & 0x7ff) as i32 - 1023 + scale;
    if exponent >= most {
        return if y == INF.copysign(hi) { 0.0 } else { INF };
    }
    // An infinity stands for the next power of two.
    let y = if y.is_infinite() { ldexp(1.0, most - scale).copysign(y) } else { ldexp(y, -scale) };
    let ulp = exponent.max(least) - (bits - 1) - scale;
    ldexp(((y - hi) - lo).abs(), -ulp)
}

const F64: (i32, i32, i32) = (53, -1022, 1024);
const F32: (i32, i32, i32) = (24, -126, 128);

#[test]
fn hard_cases_are_within_one_ulp() {
    let cases: Vec<Case> = cases().collect();
    assert!(cases.len() > 3000);
    for (name, f) in FUNCTIONS {
        let cases: Vec<&Case> = cases.iter().filter(|c| c.name == name).collect();
        assert!(cases.len() > 250, "{name}");
        let xs: Vec<f64> = cases.iter().map(|c| c.x).collect();
        let isa = Isa::detect();
        let (mut worst, mut worst32) = (0.0f64, 0.0f64);
        for (case, y) in cases.iter().zip(run64(f, isa, &xs)) {
            let error = ulps(case, y, F64);
            assert!(error <= 0.9, "{name}({:e}) = {y:e}: {error} ULP", case.x);
            worst = worst.max(error);
        }
        let narrow: Vec<&Case> =
            cases.iter().copied().filter(|c| f64::from(c.x as f32) == c.x).collect();
        assert!(narrow.len() > 50, "{name}");
        let xs: Vec<f32> = narrow.iter().map(|c| c.x as f32).collect();
        for (case, y) in narrow.iter().zip(run32(f, isa, &xs)) {
            let error = ulps(case, f64::from(y), F32);
            assert!(error <= 0.5001, "{name}({:e}f32) = {y:e}: {error} ULP", case.x);
            worst32 = worst32.max(error);
        }
        println!("{name:6} {worst:.4} ULP, f32 {worst32:.4} ULP");
    }
}

#[test]
fn even_and_odd() {
    let xs: Vec<f64> = arguments(2000).into_iter().filter(|x| !x.is_nan()).collect();
    let negated: Vec<f64> = xs.iter().map(|x| -x).collect();
    for (name, odd) in [("sin", true), ("cos", false), ("tan", true), ("tanh", true)] {
        let f = kernel(name);
        let (p, n) = (run64(f, Isa::detect(), &xs), run64(f, Isa::detect(), &negated));
        for ((x, p), n) in xs.iter().zip(p).zip(n) {
            let want = if odd && !p.is_nan() { -p } else { p };
            assert_eq!(want.to_bits(), n.to_bits(), "{name}({x:e})");
        }
    }
}

/// Arguments and results, exact in f32 too. A NaN stands for any.
const SPECIAL: &[(&str, &[(f64, f64)])] = &[
    ("sin", &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    ("cos", &[(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    ("tan", &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    (
        "exp",
        &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (1e10, INF), (-1e10, 0.0)],
    ),
    (
        "exp2",
        &[
            (0.0, 1.0),
            (-0.0, 1.0),
            (INF, INF),
            (-INF, 0.0),
            (NAN, NAN),
            (1.0, 2.0),
            (-1.0, 0.5),
            (1024.0, INF),
            (1e10, INF),
            (-1075.0, 0.0),
            (-1e10, 0.0),
        ],
    ),
    (
        "expm1",
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, INF),
            (-INF, -1.0),
            (NAN, NAN),
            (1e10, INF),
            (-1e10, -1.0),
        ],
    ),
    (
        "log",
        &[(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (-INF, NAN), (NAN, NAN)],
    ),
    (
        "log2",
        &[
            (1.0, 0.0),
            (0.0, -INF),
            (-0.0, -INF),
            (INF, INF),
            (-1.0, NAN),
            (-INF, NAN),
            (NAN, NAN),
            (2.0, 1.0),
            (0.125, -3.0),
        ],
    ),
    (
        "log10",
        &[
            (1.0, 0.0),
            (0.0, -INF),
            (-0.0, -INF),
            (INF, INF),
            (-1.0, NAN),
            (-INF, NAN),
            (NAN, NAN),
            (10.0, 1.0),
            (1e10, 10.0),
        ],
    ),
    (
        "log1p",
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (-1.0, -INF),
            (INF, INF),
            (-2.0, NAN),
            (-1e10, NAN),
            (-INF, NAN),
            (NAN, NAN),
        ],
    ),
    (
        "tanh",
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, 1.0),
            (-INF, -1.0),
            (NAN, NAN),
            (30.0, 1.0),
            (-1e10, -1.0),
        ],
    ),
];

#[test]
fn special_values() {
    assert_eq!(SPECIAL.len(), FUNCTIONS.len());
    for (name, table) in SPECIAL {
        for isa in Isa::available() {
            let xs: Vec<f64> = table.iter().map(|c| c.0).collect();
            let xs32: Vec<f32> = xs.iter().map(|x| *x as f32).collect();
            let wide = run64(kernel(name), isa, &xs);
            let narrow = run32(kernel(name), isa, &xs32);
            for (((x, want), y), y32) in table.iter().zip(wide).zip(narrow) {
                // Every NaN is the same quiet one.
                let bits32 = (*want as f32).to_bits();
                assert_eq!(y.to_bits(), want.to_bits(), "{name}({x:e}) = {y:e} on {isa:?}");
                assert_eq!(y32.to_bits(), bits32, "{name}({x:e}f32) = {y32:e} on {isa:?}");
            }
        }
    }
}

#[test]
fn exact_values() {
    let isa = Isa::detect();
    // 2^k and its logarithm, subnormals included.
    let powers: Vec<f64> = (-1074..1024).map(|k| ldexp(1.0, k)).collect();
    let exponents: Vec<f64> = (-1074..1024).map(f64::from).collect();
    assert_eq!(run64(math::exp2, isa, &exponents), powers);
    assert_eq!(run64(math::log2, isa, &powers), exponents);
    let powers: Vec<f32> = (-149..128).map(|k| ldexp(1.0, k) as f32).collect();
    let exponents: Vec<f32> = (-149..128).map(|k| k as f32).collect();
    assert_eq!(run32(math::exp2, isa, &exponents), powers);
    assert_eq!(run32(math::log2, isa, &powers), exponents);
    // 10^k, where a float has it.
    let tens: Vec<f64> = (0..23).map(|k| format!("1e{k}").parse().unwrap()).collect();
    assert_eq!(run64(math::log10, isa, &tens), (0..23).map(f64::from).collect::<Vec<_>>());
    // And where it has only the nearest: so near that the logarithm rounds to k.
    let tens: Vec<f64> = (-300..300).map(|k| format!("1e{k}").parse().unwrap()).collect();
    for (k, y) in (-300..300).zip(run64(math::log10, isa, &tens)) {
        assert!((y - f64::from(k)).abs() <= f64::from(k).abs() * f64::EPSILON, "{k} {y:e}");
    }
    // Tiny arguments are their own results.
    let tiny: Vec<f64> = (-1074..-54).flat_map(|k| [ldexp(1.0, k), -ldexp(1.0, k)]).collect();
    for name in ["sin", "tan", "expm1", "log1p", "tanh"] {
        assert_eq!(run64(kernel(name), isa, &tiny), tiny, "{name}");
    }
    // Around the ends of exp.
    let ends = [709.782712893384, 709.7827128933841, -745.1332191019411, -745.1332191019412];
    let results = run64(math::exp, isa, &ends);
    assert_eq!(results, [1.7976931348622732e308, INF, 5e-324, 0.0]);
}

#[test]
fn same_bits_on_every_instruction_set() {
    let xs = arguments(if cfg!(debug_assertions) { 500 } else { 50_000 });
    let xs32: Vec<f32> = xs.iter().map(|x| *x as f32).collect();
    for (name, f) in FUNCTIONS {
        let wide = run64(f, Isa::Baseline, &xs);
        let narrow = run32(f, Isa::Baseline, &xs32);
        for isa in Isa::available().skip(1) {
            for ((x, a), b) in xs.iter().zip(&wide).zip(run64(f, isa, &xs)) {
                assert_eq!(a.to_bits(), b.to_bits(), "{name}({x:e}): {a:e}, {b:e} on {isa:?}");
            }
            for ((x, a), b) in xs32.iter().zip(&narrow).zip(run32(f, isa, &xs32)) {
                assert_eq!(a.to_bits(), b.to_bits(), "{name}({x:e}f32): {a:e}, {b:e} on {isa:?}");
            }
        }
    }
}

/// Every length and alignment, in place or not, against one whole run.
#[test]
fn same_bits_at_every_place() {
    const LONGEST: usize = 67;
    const GUARD: u8 = 0xa5;
    let all = arguments(400);
    for (name, f) in FUNCTIONS {
        for isa in Isa::available().filter(|i| *i != Isa::Baseline || !cfg!(debug_assertions)) {
            let mut random = Random(12345);
            let xs: Vec<f64> =
                (0..LONGEST).map(|_| all[random.next() as usize % all.len()]).collect();
            let xs32: Vec<f32> = xs.iter().map(|x| *x as f32).collect();
            let input64: Vec<u8> = xs.iter().flat_map(|x| x.to_ne_bytes()).collect();
            let input32: Vec<u8> = xs32.iter().flat_map(|x| x.to_ne_bytes()).collect();
            let whole64: Vec<u8> =
                run64(f, isa, &xs).iter().flat_map(|x| x.to_ne_bytes()).collect();
            let whole32: Vec<u8> =
                run32(f, isa, &xs32).iter().flat_map(|x| x.to_ne_bytes()).collect();
            for (dtype, size, input, whole) in
                [(DType::F64, 8, &input64, &whole64), (DType::F32, 4, &input32, &whole32)]
            {
                let block = f(dtype, isa).unwrap();
                for n in 0..=LONGEST {
                    let offset = n * 5 % 16;
                    // From element `first` on, so that each falls into every lane.
                    let first = (n * 3) % (LONGEST - n + 1);
                    let bytes = first * size..(first + n) * size;
                    let mut a = vec![GUARD; LONGEST * size + 32];
                    a[offset..offset + n * size].copy_from_slice(&input[bytes.clone()]);
                    let mut out = vec![GUARD; LONGEST * size + 32];
                    let to = (n * 7 + 3) % 16;
                    let null = std::ptr::null();
                    // SAFETY: both have room for `n` elements; they do not overlap.
                    unsafe {
                        block(out.as_mut_ptr().add(to), a.as_ptr().add(offset), null, null, n)
                    };
                    assert_eq!(&out[to..to + n * size], &whole[bytes.clone()], "{name} {n}");
                    let outside = out[..to].iter().chain(&out[to + n * size..]);
                    assert!(outside.into_iter().all(|b| *b == GUARD), "{name} {n} {isa:?}");
                    let p = a.as_mut_ptr();
                    // SAFETY: there is room for `n` elements; an output may be its input.
                    unsafe { block(p.add(offset), p.add(offset), null, null, n) };
                    assert_eq!(&a[offset..offset + n * size], &whole[bytes], "{name} {n}");
                    let outside = a[..offset].iter().chain(&a[offset + n * size..]);
                    assert!(outside.into_iter().all(|b| *b == GUARD), "{name} {n} {isa:?}");
                }
            }
        }
    }
}

#[test]
fn a_special_lane_leaves_its_neighbours_alone() {
    let plain: Vec<f64> = (0..16).map(|i| 0.3 + 0.37 * f64::from(i)).collect();
    for (name, f) in FUNCTIONS {
        for isa in Isa::available() {
            let expected = bits64(&run64(f, isa, &plain));
            let expected32 =
                bits32(&run32(f, isa, &plain.iter().map(|x| *x as f32).collect::<Vec<_>>()));
            for special in [NAN, INF, -INF, 1e308, -1e300, 1e30, 0.0, -0.0, 5e-324, -1.0, 3e7] {
                for lane in 0..16 {
                    let mut xs = plain.clone();
                    xs[lane] = special;
                    let alone = run64(f, isa, &[special])[0].to_bits();
                    let mut expected = expected.clone();
                    expected[lane] = alone;
                    assert_eq!(bits64(&run64(f, isa, &xs)), expected, "{name} {special:e} {isa:?}");
                    let xs: Vec<f32> = xs.iter().map(|x| *x as f32).collect();
                    let mut expected = expected32.clone();
                    expected[lane] = run32(f, isa, &[special as f32])[0].to_bits();
                    assert_eq!(bits32(&run32(f, isa, &xs)), expected, "{name} {special:e} {isa:?}");
                }
            }
        }
    }
}

#[test]
fn only_floats_have_kernels() {
    for (_, f) in FUNCTIONS {
        for dtype in DType::ALL {
            assert_eq!(f(dtype, Isa::Baseline).is_some(), dtype.is_float());
        }
    }
}

#[test]
fn software_fma_of_known_values() {
    let e = f64::EPSILON;
    for (a, b, c, want) in [
        (1.0 + e, 1.0 - e, -1.0, -e * e),
        (0.1, 10.0, -1.0, 5.551115123125783e-17),
        (f64::MAX, 2.0, -f64::MAX, f64::MAX),
        (f64::MAX, f64::MAX, -INF, -INF),
        (f64::MAX, 1.0, f64::MAX * e / 4.0, f64::MAX),
        (f64::MAX, 1.0, f64::MAX * e / 2.0, INF),
        (5e-324, 0.5, 0.0, 0.0),
        (5e-324, 0.5, 5e-324, 1e-323),
        (5e-324, -0.25, 0.0, -0.0),
        (5e-324, 5e-324, -5e-324, -5e-324),
        (1.0, -0.0, 0.0, 0.0),
        (1.0, -0.0, -0.0, -0.0),
        (2.0, 3.0, -6.0, 0.0),
        (1.0, 1.0, 5e-324, 1.0),
    ] {
        assert_eq!(softfma::fma64(a, b, c).to_bits(), f64::to_bits(want), "{a:e} {b:e} {c:e}");
    }
    for (a, b, c) in [(INF, 0.0, 1.0), (NAN, 1.0, 1.0), (1.0, 1.0, NAN), (INF, 1.0, -INF)] {
        assert!(softfma::fma64(a, b, c).is_nan());
        assert!(softfma::fma32(a as f32, b as f32, c as f32).is_nan());
    }
    let f = f32::EPSILON;
    assert_eq!(softfma::fma32(1.0 + f, 1.0 - f, -1.0), -f * f);
    // A sum that f64 rounds to a tie of f32.
    let (a, c) = (1.0 + f, 2f32.powi(-80));
    let half = 1.0 + f / 2.0;
    assert_eq!(half, 1.0);
    assert_eq!(softfma::fma32(a, 1.0 + 2f32.powi(-12), c).to_bits(), {
        let exact = f64::from(a) * (1.0 + 2f64.powi(-12));
        (exact as f32).to_bits()
    });
}

#[cfg(target_arch = "x86_64")]
mod hardware {
    use super::*;

    #[target_feature(enable = "fma")]
    fn fma64(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }

    #[target_feature(enable = "fma")]
    fn fma32(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    /// Operands that make the exponents meet: cancellation, ties, subnormals, overflow.
    fn operands(random: &mut Random) -> (f64, f64, f64) {
        let sparse = |random: &mut Random| {
            let mask = random.next() & random.next() & random.next();
            [random.next(), random.next() & mask, !(random.next() & mask), 0, 1, u64::MAX]
                [random.next() as usize % 6]
                & ((1 << 52) - 1)
        };
        let mut float = |exponent: i64| {
            let sign = random.next() << 63;
            f64::from_bits(sign | (exponent.clamp(0, 2047) as u64) << 52 | sparse(random))
        };
        let seed = float(0).to_bits();
        let mut float_at = |low: i64, span: i64, n: u64| {
            float(low + ((seed.rotate_left(n as u32 * 13)) % span.max(1) as u64) as i64)
        };
        match seed % 5 {
            0 => (float_at(0, 2048, 1), float_at(0, 2048, 2), float_at(0, 2048, 3)),
            // The product near the bottom.
            1 => {
                let a = float_at(0, 1030, 1);
                let e = (a.to_bits() >> 52 & 0x7ff) as i64;
                (a, float_at(1023 - e - 60, 120, 2), float_at(0, 60, 3))
            }
            // Near the top.
            2 => {
                let a = float_at(1020, 1020, 1);
                let e = (a.to_bits() >> 52 & 0x7ff) as i64;
                (a, float_at(1023 + 2046 - e - 30, 40, 2), float_at(1980, 67, 3))
            }
            // The sum's exponents near one another.
            3 => {
                let (a, b) = (float_at(700, 600, 1), float_at(700, 600, 2));
                let e =
                    (a.to_bits() >> 52 & 0x7ff) as i64 + (b.to_bits() >> 52 & 0x7ff) as i64 - 1023;
                (a, b, float_at(e - 110, 220, 3))
            }
            // The sum nearly cancels.
            _ => {
                let (a, b) = (float_at(400, 1000, 1), float_at(400, 1000, 2));
                let c = -(a * b);
                (a, b, f64::from_bits(c.to_bits().wrapping_add(seed >> 20 & 3).wrapping_sub(1)))
            }
        }
    }

    #[test]
    fn software_fma_equals_the_hardware() {
        if !is_x86_feature_detected!("fma") {
            return;
        }
        let n = if cfg!(debug_assertions) { 300_000 } else { 10_000_000 };
        let mut random = Random(0x2545f4914f6cdd1d);
        let (mut nonzero, mut subnormal) = (0, 0);
        for _ in 0..n {
            let (a, b, c) = operands(&mut random);
            // SAFETY: just detected.
            let (want, want32) =
                unsafe { (fma64(a, b, c), fma32(narrow(a), narrow(b), narrow(c))) };
            let got = softfma::fma64(a, b, c);
            let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
            assert!(same, "{a:e} {b:e} {c:e}: {got:e}, not {want:e}");
            let got = softfma::fma32(narrow(a), narrow(b), narrow(c));
            let same = got.to_bits() == want32.to_bits() || got.is_nan() && want32.is_nan();
            assert!(same, "f32 of {a:e} {b:e} {c:e}: {got:e}, not {want32:e}");
            nonzero += u32::from(want != 0.0 && want.is_finite());
            subnormal += u32::from(want.is_subnormal());
        }
        assert!(nonzero > n / 2 && subnormal > n / 50, "{nonzero} {subnormal} of {n}");
    }

    /// A float of the same bits as the upper half, but the lower ones of the significand.
    fn narrow(x: f64) -> f32 {
        let bits = x.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as i64 - 1023;
        let exponent = if exponent.abs() > 150 { exponent / 8 } else { exponent };
        let field = (exponent + 127).clamp(0, 255) as u32;
        f32::from_bits((bits >> 63 << 31) as u32 | field << 23 | bits as u32 & 0x7f_ffff)
    }
}
