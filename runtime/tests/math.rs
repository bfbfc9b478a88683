//! The math functions: values, accuracy, and the same bits on every instruction set.

mod common;

use common::Random;
use common::domain::{bound, function, plain};
use hotloop_runtime::block::BlockFn;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::math::{self, FUNCTIONS, Function, softfma};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;
const PI: f64 = std::f64::consts::PI;

/// A float type, as the tests need it.
trait Float: Copy + Default + PartialEq + std::fmt::LowerExp + std::fmt::Debug {
    const DTYPE: DType;
    fn of(x: f64) -> Self;
    fn to_f64(self) -> f64;
    fn bits(self) -> u64;
}

impl Float for f64 {
    const DTYPE: DType = DType::F64;
    fn of(x: f64) -> f64 {
        x
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn bits(self) -> u64 {
        self.to_bits()
    }
}

impl Float for f32 {
    const DTYPE: DType = DType::F32;
    fn of(x: f64) -> f32 {
        x as f32
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    fn bits(self) -> u64 {
        u64::from(self.to_bits())
    }
}

/// Two columns of arguments; functions of one argument use the first.
type Columns<T> = [Vec<T>; 2];

fn run<T: Float>(f: Function, isa: Isa, [a, b]: &Columns<T>) -> Vec<T> {
    let mut out = vec![T::default(); a.len()];
    let kernel = (f.kernel)(T::DTYPE, isa).unwrap();
    let b = if f.arity == 2 { b.as_ptr().cast() } else { std::ptr::null() };
    // SAFETY: the columns have the same length, and do not overlap the output.
    let flags =
        unsafe { kernel(out.as_mut_ptr().cast(), a.as_ptr().cast(), b, std::ptr::null(), a.len()) };
    assert_eq!(flags, 0);
    out
}

fn run_one<T: Float>(name: &str, xs: &[f64]) -> Vec<T> {
    let column = xs.iter().map(|x| T::of(*x)).collect();
    run(function(name), Isa::detect(), &[column, Vec::new()])
}

fn bits<T: Float>(a: &[T]) -> Vec<u64> {
    a.iter().map(|x| x.bits()).collect()
}

fn bytes<T: Float>(a: &[T]) -> Vec<u8> {
    a.iter().flat_map(|x| x.bits().to_le_bytes()[..size_of::<T>()].to_vec()).collect()
}

/// A random float: with uniform bits, or of a common magnitude.
fn float(random: &mut Random) -> f64 {
    let bits = random.next();
    match random.next() % 8 {
        0 => f64::from_bits(bits),
        1 => f64::from_bits(bits & !(0x7ff << 52)),
        n => {
            let exponent = 1023 - 24 + random.next() % (4 + 6 * n);
            f64::from_bits(bits & !(0x7ff << 52) | exponent << 52)
        }
    }
}

const SPECIALS: [f64; 17] = [
    0.0,
    -0.0,
    INF,
    -INF,
    NAN,
    -NAN,
    1.0,
    -1.0,
    2.0,
    -3.0,
    0.5,
    f64::MAX,
    f64::MIN,
    5e-324,
    -5e-324,
    f64::from_bits(0x7ff0000000000001), // signalling
    f64::from_bits(0xfff123456789abcd),
];

/// Arguments of every kind: all pairs of special values, hard cases, random values.
fn arguments<T: Float>(f: Function, n: usize) -> Columns<T> {
    let mut pairs: Vec<[f64; 2]> = Vec::new();
    for x in SPECIALS {
        match f.arity {
            1 => pairs.push([x, 0.0]),
            _ => pairs.extend(SPECIALS.map(|y| [x, y])),
        }
    }
    pairs.extend(cases().filter(|c| c.name == f.name).map(|c| c.x));
    let mut random = Random(0x9e3779b97f4a7c15);
    pairs.extend((0..n).map(|_| match random.next() % 2 {
        0 => [float(&mut random), float(&mut random)],
        _ => common::domain::arguments(f, &mut random, false),
    }));
    [0, 1].map(|i| pairs.iter().map(|x| T::of(x[i])).collect())
}

struct Case {
    name: &'static str,
    x: [f64; 2],
    hi: f64,
    lo: f64,
    /// The exponent: the result is (hi + lo) 2^scale.
    scale: i32,
}

fn cases() -> impl Iterator<Item = Case> {
    include_str!("math_cases.txt").lines().map(|line| {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let mut float = || f64::from_bits(u64::from_str_radix(words.next().unwrap(), 16).unwrap());
        let x = [float(), if function(name).arity == 2 { float() } else { 0.0 }];
        let (hi, lo) = (float(), float());
        Case { name, x, hi, lo, scale: words.next().map_or(0, |s| s.parse().unwrap()) }
    })
}

/// x 2^n, exact if the result is normal.
fn ldexp(mut x: f64, mut n: i32) -> f64 {
    while n != 0 {
        let step = n.clamp(-1000, 1000);
        x *= f64::from_bits(((1023 + step) as u64) << 52);
        n -= step;
    }
    x
}

/// The error of `y` in units in the last place of a format with a precision of `bits` bits and
/// these exponent limits.
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
    // An infinity counts as the next power of two.
    let y = if y.is_infinite() { ldexp(1.0, most - scale).copysign(y) } else { ldexp(y, -scale) };
    let ulp = exponent.max(least) - (bits - 1) - scale;
    ldexp(((y - hi) - lo).abs(), -ulp)
}

fn worst<T: Float>(f: Function, cases: &[Case], format: (i32, i32, i32)) -> f64 {
    let columns = [0, 1].map(|i| cases.iter().map(|c| T::of(c.x[i])).collect());
    let mut worst = 0.0f64;
    for (case, y) in cases.iter().zip(run(f, Isa::detect(), &columns)) {
        let error = ulps(case, y.to_f64(), format);
        assert!(error <= bound(f.name), "{}({:?}) = {y:e}: {error} ULP", f.name, case.x);
        worst = worst.max(error);
    }
    worst
}

#[test]
fn hard_cases_are_within_one_ulp() {
    for f in FUNCTIONS {
        let mut cases: Vec<Case> = cases().filter(|c| c.name == plain(f.name)).collect();
        assert!(cases.len() > 140, "{}", f.name);
        let wide = worst::<f64>(*f, &cases, (53, -1022, 1024));
        cases.retain(|c| c.x.iter().all(|x| f64::from(*x as f32) == *x));
        assert!(cases.len() > 30, "{}", f.name);
        let narrow = worst::<f32>(*f, &cases, (24, -126, 128));
        println!("{:8} {wide:.4} ULP, f32 {narrow:.4} ULP", f.name);
    }
}

fn symmetric<T: Float>(name: &str, odd: bool) {
    let f = function(name);
    let [xs, _] = arguments::<T>(f, 2000);
    let xs: Vec<T> = xs.into_iter().filter(|x| x.to_f64().is_finite()).collect();
    let negated: Vec<T> = xs.iter().map(|x| T::of(-x.to_f64())).collect();
    let p = run(f, Isa::detect(), &[xs.clone(), Vec::new()]);
    let n = run(f, Isa::detect(), &[negated, Vec::new()]);
    for ((x, p), n) in xs.iter().zip(p).zip(n) {
        let p = p.to_f64();
        let want = T::of(if odd && !p.is_nan() { -p } else { p });
        assert_eq!(want.bits(), n.bits(), "{name}({x:e})");
    }
}

#[test]
fn even_and_odd() {
    for name in
        ["sin", "tan", "tanh", "sinh", "arcsin", "arctan", "arcsinh", "arctanh", "cbrt", "erf"]
    {
        symmetric::<f64>(name, true);
        symmetric::<f32>(name, true);
    }
    for name in ["cos", "cosh", "fast_cos", "sinc"] {
        symmetric::<f64>(name, false);
        symmetric::<f32>(name, false);
    }
}

/// Rows for each function.
type Table<T> = &'static [(&'static str, &'static [T])];

/// Arguments and results, also exact in f32. NaN stands for any NaN.
const SPECIAL: Table<(f64, f64)> = &[
    ("sin", &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    ("cos", &[(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    (
        "sinc",
        &[
            (0.0, 1.0),
            (-0.0, 1.0),
            (1.0, 0.0),
            (-2.0, 0.0),
            (1e30, 0.0),
            (1e-30, 1.0),
            (INF, NAN),
            (-INF, NAN),
            (NAN, NAN),
        ],
    ),
    ("tan", &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    (
        "arcsin",
        &[(0.0, 0.0), (-0.0, -0.0), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    ),
    ("arccos", &[(1.0, 0.0), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    ("arctan", &[(0.0, 0.0), (-0.0, -0.0), (NAN, NAN)]),
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
            (-1076.0, 0.0),
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
        "sinh",
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, INF),
            (-INF, -INF),
            (NAN, NAN),
            (1e10, INF),
            (-1e10, -INF),
        ],
    ),
    ("cosh", &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (NAN, NAN), (1e10, INF)]),
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
    ("arcsinh", &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN)]),
    (
        "arccosh",
        &[(1.0, 0.0), (0.5, NAN), (0.0, NAN), (-2.0, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)],
    ),
    (
        "arctanh",
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (1.0, INF),
            (-1.0, -INF),
            (1.5, NAN),
            (-INF, NAN),
            (INF, NAN),
            (NAN, NAN),
        ],
    ),
    (
        "cbrt",
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, INF),
            (-INF, -INF),
            (NAN, NAN),
            (8.0, 2.0),
            (-27.0, -3.0),
        ],
    ),
    (
        "erf",
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, 1.0),
            (-INF, -1.0),
            (NAN, NAN),
            (7.0, 1.0),
            (-1e10, -1.0),
        ],
    ),
    (
        "erfc",
        &[(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (NAN, NAN), (1e10, 0.0), (-1e10, 2.0)],
    ),
    (
        "normcdf",
        &[(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (NAN, NAN), (1e10, 1.0), (-1e10, 0.0)],
    ),
    (
        "sigmoid",
        &[(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (NAN, NAN), (1e10, 1.0), (-1e10, 0.0)],
    ),
    (
        "gamma",
        &[
            (0.0, INF),
            (-0.0, -INF),
            (INF, INF),
            (-INF, NAN),
            (NAN, NAN),
            (-1.0, NAN),
            (-2.0, NAN),
            (-1e10, NAN),
            (1.0, 1.0),
            (2.0, 1.0),
            (5.0, 24.0),
            (200.0, INF),
        ],
    ),
    (
        "lgamma",
        &[
            (0.0, INF),
            (-0.0, INF),
            (INF, INF),
            (-INF, INF),
            (NAN, NAN),
            (-1.0, INF),
            (-2.0, INF),
            (-1e10, INF),
            (1.0, 0.0),
            (2.0, 0.0),
        ],
    ),
];

/// The same table for functions of two arguments.
const SPECIAL_PAIRS: Table<(f64, f64, f64)> = &[
    (
        "arctan2",
        &[
            (0.0, 1.0, 0.0),
            (-0.0, 1.0, -0.0),
            (0.0, 0.0, 0.0),
            (-0.0, 0.0, -0.0),
            (0.0, INF, 0.0),
            (2.0, INF, 0.0),
            (-2.0, INF, -0.0),
            (NAN, 1.0, NAN),
            (1.0, NAN, NAN),
            (NAN, NAN, NAN),
            (INF, NAN, NAN),
        ],
    ),
    (
        "logaddexp",
        &[
            (INF, INF, INF),
            (INF, -INF, INF),
            (-INF, -INF, -INF),
            (-INF, 3.5, 3.5),
            (3.5, -INF, 3.5),
            (1e30, 1e30, 1e30),
            (-1e30, 0.0, 0.0),
            (1.0, -1e30, 1.0),
            (NAN, INF, NAN),
            (-INF, NAN, NAN),
            (NAN, 1.0, NAN),
        ],
    ),
    (
        "logaddexp2",
        &[
            (3.0, 3.0, 4.0),
            (-1.0, -1.0, 0.0),
            (-7.5, -7.5, -6.5),
            (INF, INF, INF),
            (INF, -INF, INF),
            (-INF, -INF, -INF),
            (-INF, 3.5, 3.5),
            (1e30, -1e30, 1e30),
            (NAN, INF, NAN),
            (1.0, NAN, NAN),
        ],
    ),
    (
        "hypot",
        &[
            (3.0, 4.0, 5.0),
            (-3.0, 4.0, 5.0),
            (0.0, 0.0, 0.0),
            (-0.0, -0.0, 0.0),
            (0.0, -2.0, 2.0),
            (INF, 1.0, INF),
            (-INF, NAN, INF),
            (NAN, INF, INF),
            (NAN, 1.0, NAN),
            (1.0, NAN, NAN),
        ],
    ),
    (
        "power",
        &[
            (2.0, 10.0, 1024.0),
            (-2.0, 3.0, -8.0),
            (-2.0, 2.0, 4.0),
            (-2.0, -1.0, -0.5),
            (4.0, 0.5, 2.0),
            (-8.0, 0.5, NAN),
            (0.0, 0.0, 1.0),
            (NAN, 0.0, 1.0),
            (NAN, -0.0, 1.0),
            (INF, 0.0, 1.0),
            (1.0, NAN, 1.0),
            (1.0, INF, 1.0),
            (1.0, -INF, 1.0),
            (NAN, 1.0, NAN),
            (2.0, NAN, NAN),
            (-1.0, INF, 1.0),
            (-1.0, -INF, 1.0),
            (-1.0, NAN, NAN),
            (0.0, 3.0, 0.0),
            (-0.0, 3.0, -0.0),
            (-0.0, 2.0, 0.0),
            (-0.0, 2.5, 0.0),
            (0.0, -1.0, INF),
            (-0.0, -1.0, -INF),
            (-0.0, -2.0, INF),
            (-0.0, -2.5, INF),
            (0.0, INF, 0.0),
            (-0.0, INF, 0.0),
            (0.0, -INF, INF),
            (-0.0, -INF, INF),
            (0.5, INF, 0.0),
            (0.5, -INF, INF),
            (2.0, INF, INF),
            (2.0, -INF, 0.0),
            (-2.0, INF, INF),
            (-0.5, INF, 0.0),
            (-0.5, -INF, INF),
            (INF, 2.0, INF),
            (INF, -2.0, 0.0),
            (INF, INF, INF),
            (INF, -INF, 0.0),
            (-INF, 3.0, -INF),
            (-INF, 2.0, INF),
            (-INF, 2.5, INF),
            (-INF, -3.0, -0.0),
            (-INF, -2.0, 0.0),
            (-INF, -2.5, 0.0),
            (-INF, INF, INF),
            (-INF, -INF, 0.0),
            (-2.0, 1e300, INF),
            (-2.0, 2.5, NAN),
            (1e30, 1e30, INF),
            (1e30, -1e30, 0.0),
            (-1e30, -16777215.0, -0.0),
            (-1e30, 16777215.0, -INF),
        ],
    ),
];

fn check_special<T: Float>(name: &str, table: &[(f64, f64, f64)]) {
    for isa in Isa::available() {
        let columns = [
            table.iter().map(|c| T::of(c.0)).collect(),
            table.iter().map(|c| T::of(c.1)).collect(),
        ];
        for ((x, y, want), got) in table.iter().zip(run::<T>(function(name), isa, &columns)) {
            // Every NaN is the canonical quiet NaN.
            assert_eq!(
                got.bits(),
                T::of(*want).bits(),
                "{name}({x:e}, {y:e}) = {got:e} on {isa:?}"
            );
        }
    }
}

#[test]
fn special_values() {
    for f in FUNCTIONS {
        let unary = SPECIAL.iter().find(|(name, _)| *name == plain(f.name));
        let binary = SPECIAL_PAIRS.iter().find(|(name, _)| *name == f.name);
        let table: Vec<(f64, f64, f64)> = match (unary, binary) {
            (Some((_, table)), None) => table.iter().map(|(x, want)| (*x, 0.0, *want)).collect(),
            (None, Some((_, table))) => table.to_vec(),
            _ => panic!("{} has no special values here, or two lists", f.name),
        };
        check_special::<f64>(f.name, &table);
        check_special::<f32>(f.name, &table);
    }
}

/// Multiples of pi are not floats: the result is the nearest float or its neighbour.
#[test]
fn angles() {
    for (y, x, want) in [
        (0.0, -1.0, PI),
        (-0.0, -1.0, -PI),
        (0.0, -0.0, PI),
        (-0.0, -0.0, -PI),
        (1.0, 0.0, PI / 2.0),
        (-1.0, 0.0, -PI / 2.0),
        (1.0, -0.0, PI / 2.0),
        (INF, 2.0, PI / 2.0),
        (-INF, 2.0, -PI / 2.0),
        (INF, INF, PI / 4.0),
        (-INF, INF, -PI / 4.0),
        (INF, -INF, 3.0 * PI / 4.0),
        (-INF, -INF, -3.0 * PI / 4.0),
        (2.0, -INF, PI),
        (-2.0, -INF, -PI),
    ] {
        let f = function("arctan2");
        let got = run::<f64>(f, Isa::detect(), &[vec![y], vec![x]])[0];
        assert!((got - want).abs() <= want.abs() * f64::EPSILON, "arctan2({y}, {x}) = {got}");
        let got = run::<f32>(f, Isa::detect(), &[vec![y as f32], vec![x as f32]])[0];
        let off = (f64::from(got) - want).abs();
        assert!(off <= want.abs() * f64::from(f32::EPSILON), "arctan2({y}, {x}) = {got}");
    }
    for (name, x, want) in [
        ("arctan", INF, PI / 2.0),
        ("arctan", -INF, -PI / 2.0),
        ("arctan", 1e300, PI / 2.0),
        ("arcsin", 1.0, PI / 2.0),
        ("arcsin", -1.0, -PI / 2.0),
        ("arccos", -1.0, PI),
        ("arccos", 0.0, PI / 2.0),
    ] {
        assert!(
            (run_one::<f64>(name, &[x])[0] - want).abs() <= want.abs() * f64::EPSILON,
            "{name}"
        );
        let off = (run_one::<f32>(name, &[x])[0].to_f64() - want).abs();
        assert!(off <= want.abs() * f64::from(f32::EPSILON), "{name}");
    }
}

#[test]
fn exact_values() {
    exact_powers::<f64>(-1074..1024);
    exact_powers::<f32>(-149..128);
    // The powers of ten that are floats.
    let tens: Vec<f64> = (0..23).map(|k| format!("1e{k}").parse().unwrap()).collect();
    let exponents: Vec<f64> = (0..23).map(f64::from).collect();
    assert_eq!(run_one::<f64>("log10", &tens), exponents);
    // Powers of ten that are rounded to floats: the logarithm still rounds to nearly k.
    let tens: Vec<f64> = (-300..300).map(|k| format!("1e{k}").parse().unwrap()).collect();
    for (k, y) in (-300..300).zip(run_one::<f64>("log10", &tens)) {
        assert!((y - f64::from(k)).abs() <= f64::from(k).abs() * f64::EPSILON, "{k} {y:e}");
    }
    // For tiny arguments the result is the argument.
    let tiny: Vec<f64> = (-1074..-54).flat_map(|k| [ldexp(1.0, k), -ldexp(1.0, k)]).collect();
    for name in
        ["sin", "tan", "expm1", "log1p", "tanh", "arcsin", "arctan", "sinh", "arcsinh", "arctanh"]
    {
        assert_eq!(run_one::<f64>(name, &tiny), tiny, "{name}");
    }
    // The bounds of the range of exp.
    let ends = [709.782712893384, 709.7827128933841, -745.1332191019411, -745.1332191019412];
    assert_eq!(run_one::<f64>("exp", &ends), [1.7976931348622732e308, INF, 5e-324, 0.0]);
}

/// Asserts that `exp2` and `log2` are exact for powers of two, including subnormals.
fn exact_powers<T: Float>(exponents: std::ops::Range<i32>) {
    let powers: Vec<f64> = exponents.clone().map(|k| ldexp(1.0, k)).collect();
    let exponents: Vec<f64> = exponents.map(f64::from).collect();
    let float = |xs: &[f64]| xs.iter().map(|x| T::of(*x)).collect::<Vec<T>>();
    assert_eq!(run_one::<T>("exp2", &exponents), float(&powers));
    assert_eq!(run_one::<T>("log2", &powers), float(&exponents));
}

fn same_on_every_isa<T: Float>(f: Function) {
    let columns = arguments::<T>(f, if cfg!(debug_assertions) { 500 } else { 50_000 });
    let expected = run(f, Isa::Baseline, &columns);
    for isa in Isa::available().skip(1) {
        let got = run(f, isa, &columns);
        for (i, (a, b)) in expected.iter().zip(&got).enumerate() {
            let x = [columns[0][i], columns[1][i]];
            assert_eq!(a.bits(), b.bits(), "{}({x:?}): {a:e}, {b:e} on {isa:?}", f.name);
        }
    }
}

#[test]
fn same_bits_on_every_instruction_set() {
    for f in FUNCTIONS {
        same_on_every_isa::<f64>(*f);
        same_on_every_isa::<f32>(*f);
    }
}

/// The FNV-1a hash of the results of fixed arguments.
fn hash<T: Float>(f: Function, isa: Isa) -> u64 {
    let results = run(f, isa, &arguments::<T>(f, 2000));
    let step = |h: u64, byte: u8| (h ^ u64::from(byte)).wrapping_mul(0x100000001b3);
    bytes(&results).into_iter().fold(0xcbf29ce484222325, step)
}

/// The bits of results are the same on every machine, and a change of them breaks a promise.
/// `HOTLOOP_WRITE=1` records new hashes.
#[test]
fn golden_hashes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/math_hashes.txt");
    let line = |f: &Function, isa| {
        format!("{} {:016x} {:016x}\n", f.name, hash::<f64>(*f, isa), hash::<f32>(*f, isa))
    };
    if std::env::var_os("HOTLOOP_WRITE").is_some() {
        let text: String = FUNCTIONS.iter().map(|f| line(f, Isa::detect())).collect();
        std::fs::write(path, text).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for isa in Isa::available() {
        let lines: String = FUNCTIONS.iter().map(|f| line(f, isa)).collect();
        assert_eq!(lines, expected, "on {isa:?}");
    }
}

fn pair_is_its_parts<T: Float>(isa: Isa) {
    let [xs, _] = arguments::<T>(function("sin"), 2000);
    let kernel = math::sin_cos(T::DTYPE, isa).unwrap();
    let parts = ["sin", "cos"].map(|f| bits(&run(function(f), isa, &[xs.clone(), Vec::new()])));
    for n in (0..70).chain([xs.len()]) {
        let first = xs.len() - n;
        let mut out = [vec![T::default(); n], vec![T::default(); n]];
        let [one, two] = out.each_mut().map(|o| o.as_mut_ptr().cast::<u8>());
        // SAFETY: the three arrays have n elements.
        unsafe { kernel(one, two, xs[first..].as_ptr().cast(), n) };
        for (out, part) in out.iter().zip(&parts) {
            assert_eq!(bits(out), part[first..], "{n} elements on {isa:?}");
        }
        for place in 0..2 {
            out[place].copy_from_slice(&xs[first..]);
            let [one, two] = out.each_mut().map(|o| o.as_mut_ptr().cast::<u8>());
            // SAFETY: the two arrays have n elements; the output may be the input.
            unsafe { kernel(one, two, [one, two][place], n) };
            for (out, part) in out.iter().zip(&parts) {
                assert_eq!(bits(out), part[first..], "{n} elements in place on {isa:?}");
            }
        }
    }
}

#[test]
fn sin_cos_is_sin_and_cos() {
    for isa in Isa::available() {
        pair_is_its_parts::<f64>(isa);
        pair_is_its_parts::<f32>(isa);
    }
}

const LONGEST: usize = 67;

/// Every length and alignment, in place and out of place, against one run over everything.
fn same_at_every_place<T: Float>(f: Function, isa: Isa) {
    const GUARD: u8 = 0xa5;
    const ROOM: usize = LONGEST * 8 + 32;
    let size = size_of::<T>();
    let all = arguments::<T>(f, 400);
    let mut random = Random(12345);
    let at: Vec<usize> = (0..LONGEST).map(|_| random.below(all[0].len())).collect();
    let columns: Columns<T> = [0, 1].map(|i| at.iter().map(|k| all[i][*k]).collect());
    let inputs: [Vec<u8>; 2] = [0, 1].map(|i| bytes(&columns[i]));
    let whole = bytes(&run(f, isa, &columns));
    let block: BlockFn = (f.kernel)(T::DTYPE, isa).unwrap();
    for n in 0..=LONGEST {
        let (from, to) = (n * 5 % 16, (n * 7 + 3) % 16);
        // The first element varies, so that each element is computed in every lane.
        let first = (n * 3) % (LONGEST - n + 1);
        let part = first * size..(first + n) * size;
        let mut args = [vec![GUARD; ROOM], vec![GUARD; ROOM]];
        for (arg, input) in args.iter_mut().zip(&inputs) {
            arg[from..from + n * size].copy_from_slice(&input[part.clone()]);
        }
        let mut out = vec![GUARD; ROOM];
        let [a, b] = &mut args;
        let second = if f.arity == 2 { b.as_ptr().wrapping_add(from) } else { std::ptr::null() };
        // SAFETY: all arrays have `n` elements; they do not overlap.
        unsafe {
            block(out.as_mut_ptr().add(to), a.as_ptr().add(from), second, std::ptr::null(), n)
        };
        let check = |out: &[u8], at: usize| {
            assert_eq!(&out[at..at + n * size], &whole[part.clone()], "{} {n} {isa:?}", f.name);
            let outside = out[..at].iter().chain(&out[at + n * size..]);
            assert!(outside.into_iter().all(|b| *b == GUARD), "{} {n} {isa:?}", f.name);
        };
        check(&out, to);
        if f.arity == 2 {
            let mut b = b.clone();
            let p = b.as_mut_ptr();
            // SAFETY: the arrays have `n` elements; an output may be an input.
            unsafe { block(p.add(from), a.as_ptr().add(from), p.add(from), std::ptr::null(), n) };
            check(&b, from);
        }
        let p = a.as_mut_ptr();
        // SAFETY: as above.
        unsafe { block(p.add(from), p.add(from), second, std::ptr::null(), n) };
        check(a, from);
    }
}

#[test]
fn same_bits_at_every_place() {
    for f in FUNCTIONS {
        for isa in Isa::available().filter(|i| *i != Isa::Baseline || !cfg!(debug_assertions)) {
            same_at_every_place::<f64>(*f, isa);
            same_at_every_place::<f32>(*f, isa);
        }
    }
}

fn neighbours_stay<T: Float>(f: Function, isa: Isa) {
    let plain = |scale: f64| (0..16).map(|i| T::of(scale * (0.3 + 0.37 * f64::from(i)))).collect();
    let columns: Columns<T> = [plain(1.0), plain(0.9)];
    let expected = bits(&run(f, isa, &columns));
    for special in [NAN, INF, -INF, 1e308, -1e300, 1e30, 0.0, -0.0, 5e-324, -1.0, 3e7, -170.5] {
        for lane in 0..16 {
            for column in 0..f.arity {
                let mut columns = columns.clone();
                columns[column][lane] = T::of(special);
                let alone = [0, 1].map(|i| vec![columns[i][lane]]);
                let mut expected = expected.clone();
                expected[lane] = run(f, isa, &alone)[0].bits();
                let got = bits(&run(f, isa, &columns));
                assert_eq!(got, expected, "{} {special:e} {isa:?}", f.name);
            }
        }
    }
}

fn nans_become_one<T: Float>(f: Function, isa: Isa, nans: &[T]) {
    let got = run(f, isa, &[nans.to_vec(), nans.to_vec()]);
    assert!(got.iter().all(|y| y.bits() == T::of(NAN).bits()), "{} {got:?} {isa:?}", f.name);
}

/// NaNs of both signs, quiet and signalling, with the smallest and the largest payloads.
#[test]
fn nans_are_canonical() {
    let wide = [0x7ff0_0000_0000_0001, 0x7ff7_ffff_ffff_ffff, 0x7ff8 << 48, u64::MAX >> 1];
    let narrow = [0x7f80_0001, 0x7fbf_ffff, 0x7fc0 << 16, u32::MAX >> 1];
    let wide = wide.map(|nan| [nan, nan | 1 << 63].map(f64::from_bits));
    let narrow = narrow.map(|nan| [nan, nan | 1 << 31].map(f32::from_bits));
    for f in FUNCTIONS {
        for isa in Isa::available() {
            nans_become_one(*f, isa, wide.as_flattened());
            nans_become_one(*f, isa, narrow.as_flattened());
        }
    }
}

#[test]
fn a_special_lane_leaves_its_neighbours_alone() {
    for f in FUNCTIONS {
        for isa in Isa::available().filter(|i| *i != Isa::Baseline || !cfg!(debug_assertions)) {
            neighbours_stay::<f64>(*f, isa);
            neighbours_stay::<f32>(*f, isa);
        }
    }
}

#[test]
fn only_floats_have_kernels() {
    for f in FUNCTIONS {
        for dtype in DType::ALL {
            assert_eq!((f.kernel)(dtype, Isa::Baseline).is_some(), dtype.is_float());
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
    // A sum that rounds in f64 to a halfway case of f32.
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

    /// Random operands: all exponents, products near underflow and overflow, sums of similar
    /// exponents, and cancellation.
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
            // The product is near underflow.
            1 => {
                let a = float_at(0, 1030, 1);
                let e = (a.to_bits() >> 52 & 0x7ff) as i64;
                (a, float_at(1023 - e - 60, 120, 2), float_at(0, 60, 3))
            }
            // The product is near overflow.
            2 => {
                let a = float_at(1020, 1020, 1);
                let e = (a.to_bits() >> 52 & 0x7ff) as i64;
                (a, float_at(1023 + 2046 - e - 30, 40, 2), float_at(1980, 67, 3))
            }
            // The exponents of the sum are similar.
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
            // SAFETY: the instructions were detected above.
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

    /// An f32 with the sign, the scaled exponent and the lower bits of the significand of an f64.
    fn narrow(x: f64) -> f32 {
        let bits = x.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as i64 - 1023;
        let exponent = if exponent.abs() > 150 { exponent / 8 } else { exponent };
        let field = (exponent + 127).clamp(0, 255) as u32;
        f32::from_bits((bits >> 63 << 31) as u32 | field << 23 | bits as u32 & 0x7f_ffff)
    }
}
