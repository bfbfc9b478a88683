//! Elementwise kernels on every instruction set, against scalar code and known values.

mod common;

use common::{Random, seed};
use hotloop_runtime::block::{BlockFn, DIVIDE_BY_ZERO};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::elementwise as ew;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::scalar::{Bit, Choose, Float, Int, Logic, Number};

type Maker = fn(DType, Isa) -> Option<BlockFn>;

/// An element type.
trait Sample: Copy {
    const DTYPE: DType;
    fn specials() -> Vec<Self>;
    fn random(r: &mut Random) -> Self;
    /// The bits, the same for all NaNs.
    fn bits(self) -> u64;
}

macro_rules! int_samples {
    ($($t:ty: $d:ident),*) => {$(
        impl Sample for $t {
            const DTYPE: DType = DType::$d;
            fn specials() -> Vec<$t> {
                let mut all = vec![<$t>::MIN, <$t>::MIN + 1, <$t>::MAX, <$t>::MAX - 1, <$t>::MAX / 2];
                for small in 0..10 {
                    all.push(small);
                    all.push((0 as $t).wrapping_sub(small));
                }
                for bits in [<$t>::BITS - 1, <$t>::BITS, <$t>::BITS + 1] {
                    all.push(bits as $t);
                }
                all
            }
            fn random(r: &mut Random) -> $t {
                // Numbers of all magnitudes.
                let shift = r.next() % <$t>::BITS as u64;
                (r.next() as $t) >> shift
            }
            fn bits(self) -> u64 {
                self as u64
            }
        }
    )*};
}
int_samples!(i8: I8, i16: I16, i32: I32, i64: I64, u8: U8, u16: U16, u32: U32, u64: U64);

macro_rules! float_samples {
    ($($t:ty, $bits:ty: $d:ident),*) => {$(
        impl Sample for $t {
            const DTYPE: DType = DType::$d;
            fn specials() -> Vec<$t> {
                let tiny = <$t>::from_bits(1);
                let mut all = vec![
                    0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 7.0, 0.1, 10.0, tiny, 3.0 * tiny,
                    <$t>::MIN_POSITIVE, <$t>::MIN_POSITIVE - tiny, <$t>::MAX, <$t>::MAX / 2.0,
                    <$t>::INFINITY, <$t>::NAN, 1.0 + <$t>::EPSILON, 1.0 - <$t>::EPSILON / 2.0,
                    1.0 / <$t>::EPSILON, 1.0 / <$t>::EPSILON + 1.0, 2.0 / <$t>::EPSILON, 1e30, 1e-30,
                ];
                all.extend(all.clone().into_iter().map(|x| -x));
                all.push(<$t>::from_bits(<$t>::INFINITY.to_bits() | 1)); // signalling
                all
            }
            fn random(r: &mut Random) -> $t {
                let any = <$t>::from_bits(r.next() as $bits);
                match r.next() % 4 {
                    0 => any,
                    1 => ((r.next() as i64) >> (r.next() % 64)) as $t,
                    2 => ((r.next() as i32) as $t) / 1024.0,
                    _ => ((r.next() as i32) as $t) / (1_u64 << 31) as $t,
                }
            }
            fn bits(self) -> u64 {
                if self.is_nan() { u64::MAX } else { self.to_bits() as u64 }
            }
        }
    )*};
}
float_samples!(f32, u32: F32, f64, u64: F64);

impl Sample for Bit {
    const DTYPE: DType = DType::Bool;
    fn specials() -> Vec<Bit> {
        [0, 1, 2, 0x80, 0xFF, 0, 0].map(Bit).to_vec()
    }
    fn random(r: &mut Random) -> Bit {
        Bit((r.next() as u8) & (r.next() as u8) & (r.next() as u8))
    }
    fn bits(self) -> u64 {
        self.0 as u64
    }
}

fn samples<T: Sample>(r: &mut Random, n: usize) -> Vec<T> {
    let specials = T::specials();
    (0..n)
        .map(|_| match r.next() % 3 {
            0 => specials[r.next() as usize % specials.len()],
            _ => T::random(r),
        })
        .collect()
}

/// Copies elements to an unaligned address.
fn unaligned<T: Copy>(data: &[T]) -> Vec<u8> {
    let mut bytes = vec![0xAA_u8; 1];
    for value in data {
        // SAFETY: an element consists of `size_of` initialised bytes.
        bytes.extend_from_slice(unsafe {
            std::slice::from_raw_parts((value as *const T).cast::<u8>(), size_of::<T>())
        });
    }
    bytes
}

fn read<T: Sample>(bytes: &[u8], i: usize) -> T {
    assert!((i + 1) * size_of::<T>() <= bytes.len());
    // SAFETY: the element is inside the slice, and every bit pattern is a valid value.
    unsafe { bytes.as_ptr().cast::<T>().add(i).read_unaligned() }
}

/// Runs a kernel on every instruction set, at many lengths, out of place and in place, against a
/// scalar function that returns a value and flags.
fn check<A: Sample, B: Sample, C: Sample, R: Sample>(
    name: &str,
    arity: usize,
    dtype: DType,
    make: Maker,
    scalar: impl Fn(A, B, C) -> (R, u32),
    r: &mut Random,
) {
    let longest = 1200;
    let (a, b, c) = (samples::<A>(r, longest), samples::<B>(r, longest), samples::<C>(r, longest));
    let expected: Vec<(R, u32)> = (0..longest).map(|i| scalar(a[i], b[i], c[i])).collect();
    let (a, b, c) = (unaligned(&a), unaligned(&b), unaligned(&c));
    let size = size_of::<R>();
    for isa in Isa::available() {
        let kernel = make(dtype, isa).unwrap_or_else(|| panic!("no {name} of {dtype}"));
        for n in (0..=70).chain([127, 128, 129, longest]) {
            for start in [0, 3] {
                if start + n > longest {
                    continue;
                }
                let flags = expected[start..start + n].iter().fold(0, |all, (_, f)| all | f);
                let inputs = [
                    a[1 + start * size_of::<A>()..].as_ptr(),
                    if arity > 1 {
                        b[1 + start * size_of::<B>()..].as_ptr()
                    } else {
                        std::ptr::null()
                    },
                    if arity > 2 {
                        c[1 + start * size_of::<C>()..].as_ptr()
                    } else {
                        std::ptr::null()
                    },
                ];
                let sizes = [size_of::<A>(), size_of::<B>(), size_of::<C>()];
                for place in 0..=arity {
                    // Place 0 is a separate output; place `k` is input `k - 1`.
                    if place > 0 && sizes[place - 1] != size {
                        continue;
                    }
                    let mut out = vec![0x5A_u8; n * size + 2];
                    let mut inputs = inputs;
                    if place > 0 {
                        // SAFETY: the input holds `n` elements from its start.
                        out[1..1 + n * size].copy_from_slice(unsafe {
                            std::slice::from_raw_parts(inputs[place - 1], n * size)
                        });
                        inputs[place - 1] = out[1..].as_ptr();
                    }
                    let to = out[1..].as_mut_ptr();
                    if place > 0 {
                        inputs[place - 1] = to;
                    }
                    // SAFETY: the inputs hold `n` elements, the output is `n` separate elements or
                    // one of the inputs, and the machine has the instruction set.
                    let got = unsafe { kernel(to, inputs[0], inputs[1], inputs[2], n) };
                    let what = format!("{name} of {dtype} on {}, n {n}, place {place}", isa.name());
                    assert_eq!(got, flags, "flags of {what}");
                    assert_eq!((out[0], out[1 + n * size]), (0x5A, 0x5A), "border of {what}");
                    for i in 0..n {
                        let got: R = read(&out[1..], i);
                        let want = expected[start + i].0;
                        assert_eq!(
                            got.bits(),
                            want.bits(),
                            "{what}, element {i}: got {:#x}, want {:#x}, of {:#x} {:#x} {:#x}",
                            got.bits(),
                            want.bits(),
                            read::<A>(&a[1..], start + i).bits(),
                            read::<B>(&b[1..], start + i).bits(),
                            read::<C>(&c[1..], start + i).bits(),
                        );
                    }
                }
            }
        }
    }
}

fn numbers<T: Sample + Number>(r: &mut Random) {
    let d = T::DTYPE;
    let flag = |b: T| if T::IS_INT && Number::eq(b, T::ZERO) { DIVIDE_BY_ZERO } else { 0 };
    let mut two = |name: &str, make: Maker, f: fn(T, T) -> T, flagged: bool| {
        let scalar = |a: T, b: T, _: Bit| (f(a, b), if flagged { flag(b) } else { 0 });
        check(name, 2, d, make, scalar, r);
    };
    two("add", ew::add, T::add, false);
    two("sub", ew::sub, T::sub, false);
    two("mul", ew::mul, T::mul, false);
    two("minimum", ew::minimum, T::minimum, false);
    two("maximum", ew::maximum, T::maximum, false);
    two("floor_div", ew::floor_div, T::floor_div, true);
    two("rem", ew::rem, T::rem, true);
    two("fmod", ew::fmod, T::fmod, true);
    check("neg", 1, d, ew::neg, |a: T, _: Bit, _: Bit| (a.neg(), 0), r);
    check("abs", 1, d, ew::abs, |a: T, _: Bit, _: Bit| (a.abs(), 0), r);
    let mut compare = |name: &str, make: Maker, f: fn(T, T) -> bool| {
        check(name, 2, d, make, |a: T, b: T, _: Bit| (Bit::from(f(a, b)), 0), r);
    };
    compare("lt", ew::lt, T::lt);
    compare("le", ew::le, T::le);
    compare("eq", ew::eq, T::eq);
    compare("ne", ew::ne, T::ne);
}

fn floats<T: Sample + Float>(r: &mut Random) {
    numbers::<T>(r);
    let d = T::DTYPE;
    let mut one = |name: &str, make: Maker, f: fn(T) -> T| {
        check(name, 1, d, make, |a: T, _: Bit, _: Bit| (f(a), 0), r);
    };
    one("sqrt", ew::sqrt, T::sqrt);
    one("floor", ew::floor, T::floor);
    one("ceil", ew::ceil, T::ceil);
    one("trunc", ew::trunc, T::trunc);
    one("rint", ew::rint, T::rint);
    one("fraction", ew::fraction, T::fraction);
    one("mantissa", ew::mantissa, T::mantissa);
    one("exponent", ew::exponent, T::exponent);
    let mut two = |name: &str, make: Maker, f: fn(T, T) -> T| {
        check(name, 2, d, make, |a: T, b: T, _: Bit| (f(a, b), 0), r);
    };
    two("div", ew::div, T::div);
    two("copysign", ew::copysign, T::copysign);
    two("nextafter", ew::nextafter, T::nextafter);
    two("ldexp", ew::ldexp, T::ldexp);
    check("signbit", 1, d, ew::signbit, |a: T, _: Bit, _: Bit| (Bit::from(a.signbit()), 0), r);
    check("fma", 3, d, ew::fma, |a: T, b: T, c: T| (a.fma_soft(b, c), 0), r);
}

fn logic<T: Sample + Logic>(r: &mut Random) {
    let d = T::DTYPE;
    let mut two = |name: &str, make: Maker, f: fn(T, T) -> T| {
        check(name, 2, d, make, |a: T, b: T, _: Bit| (f(a, b), 0), r);
    };
    two("bit_and", ew::bit_and, T::and);
    two("bit_or", ew::bit_or, T::or);
    two("bit_xor", ew::bit_xor, T::xor);
    check("bit_not", 1, d, ew::bit_not, |a: T, _: Bit, _: Bit| (a.not(), 0), r);
}

fn ints<T: Sample + Int + Logic>(r: &mut Random) {
    numbers::<T>(r);
    logic::<T>(r);
    let d = T::DTYPE;
    let mut two = |name: &str, make: Maker, f: fn(T, T) -> T| {
        check(name, 2, d, make, |a: T, b: T, _: Bit| (f(a, b), 0), r);
    };
    two("pow", ew::pow, T::pow);
    two("shl", ew::shl, T::shl);
    two("shr", ew::shr, T::shr);
    two("gcd", ew::gcd, T::gcd);
    two("lcm", ew::lcm, T::lcm);
    check("set_bits", 1, d, ew::set_bits, |a: T, _: Bit, _: Bit| (a.set_bits(), 0), r);
}

fn select<T: Sample + Choose>(r: &mut Random) {
    check("select", 3, T::DTYPE, ew::select, |a: Bit, b: T, c: T| (T::select(a, b, c), 0), r);
}

#[test]
fn integers_agree_with_scalar_code() {
    let r = &mut Random(seed());
    ints::<i8>(r);
    ints::<i16>(r);
    ints::<i32>(r);
    ints::<i64>(r);
    ints::<u8>(r);
    ints::<u16>(r);
    ints::<u32>(r);
    ints::<u64>(r);
}

#[test]
fn floats_agree_with_scalar_code() {
    let r = &mut Random(seed());
    floats::<f32>(r);
    floats::<f64>(r);
}

#[test]
fn truth_values_agree_with_scalar_code() {
    let r = &mut Random(seed());
    logic::<Bit>(r);
    select::<Bit>(r);
    select::<i8>(r);
    select::<i16>(r);
    select::<i32>(r);
    select::<i64>(r);
    select::<u8>(r);
    select::<u16>(r);
    select::<u32>(r);
    select::<u64>(r);
    select::<f32>(r);
    select::<f64>(r);
}

/// All quotients of two bytes, against plain arithmetic in wider integers.
#[test]
fn division_of_all_bytes() {
    let a: Vec<i8> = (0..65536).map(|i| (i >> 8) as u8 as i8).collect();
    let b: Vec<i8> = (0..65536).map(|i| i as u8 as i8).collect();
    for isa in Isa::available() {
        for (make, f) in [
            (
                ew::floor_div as Maker,
                (|a, b| (a as f64 / b as f64).floor() as i32) as fn(i32, i32) -> i32,
            ),
            (ew::rem, |a, b| a - b * (a as f64 / b as f64).floor() as i32),
            (ew::fmod, |a, b| a - b * (a as f64 / b as f64).trunc() as i32),
        ] {
            let signed = run(make(DType::I8, isa), &a, &b);
            let unsigned = run(make(DType::U8, isa), &a, &b);
            for i in 0..65536 {
                let (x, y) = (a[i] as i32, b[i] as i32);
                assert_eq!(signed[i], if y == 0 { 0 } else { f(x, y) as i8 }, "{x} by {y}");
                let (x, y) = (a[i] as u8 as i32, b[i] as u8 as i32);
                assert_eq!(unsigned[i] as u8, if y == 0 { 0 } else { f(x, y) as u8 }, "{x} by {y}");
            }
        }
    }
}

fn run<T: Copy>(kernel: Option<BlockFn>, a: &[T], b: &[T]) -> Vec<T> {
    assert_eq!(a.len(), b.len());
    let mut out = a.to_vec();
    let kernel = kernel.expect("the kernel is defined");
    let (to, n) = (out.as_mut_ptr().cast(), a.len());
    // SAFETY: all three arrays hold `n` elements of the kernel's dtype.
    unsafe { kernel(to, a.as_ptr().cast(), b.as_ptr().cast(), std::ptr::null(), n) };
    out
}

/// Results of `numpy.floor_divide` and `numpy.remainder` (2.x), the same for both widths.
#[test]
fn float_floor_division_is_numpys() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let table: &[(f64, f64, f64, f64)] = &[
        (7.0, 2.0, 3.0, 1.0),
        (-7.0, 2.0, -4.0, 1.0),
        (7.0, -2.0, -4.0, -1.0),
        (-7.0, -2.0, 3.0, -1.0),
        (6.0, 3.0, 2.0, 0.0),
        (-6.0, 3.0, -2.0, 0.0),
        (6.0, -3.0, -2.0, -0.0),
        (0.0, 1.0, 0.0, 0.0),
        (-0.0, 1.0, -0.0, 0.0),
        (0.0, -1.0, -0.0, -0.0),
        (1.0, 0.0, inf, nan),
        (-1.0, 0.0, -inf, nan),
        (1.0, -0.0, -inf, nan),
        (0.0, 0.0, nan, nan),
        (nan, 0.0, nan, nan),
        (1.0, inf, 0.0, 1.0),
        (-1.0, inf, -1.0, inf),
        (1.0, -inf, -1.0, -inf),
        (-1.0, -inf, 0.0, -1.0),
        (0.0, inf, 0.0, 0.0),
        (-0.0, inf, -0.0, 0.0),
        (inf, 2.0, nan, nan),
        (inf, inf, nan, nan),
        (nan, 1.0, nan, nan),
        (1.0, nan, nan, nan),
        (0.5, 2.0, 0.0, 0.5),
        (-0.5, 2.0, -1.0, 1.5),
        (3.5, 0.25, 14.0, 0.0),
    ];
    let a: Vec<f64> = table.iter().map(|row| row.0).collect();
    let b: Vec<f64> = table.iter().map(|row| row.1).collect();
    let (a32, b32): (Vec<f32>, Vec<f32>) = table.iter().map(|r| (r.0 as f32, r.1 as f32)).unzip();
    for isa in Isa::available() {
        let quotient = run(ew::floor_div(DType::F64, isa), &a, &b);
        let remainder = run(ew::rem(DType::F64, isa), &a, &b);
        let quotient32 = run(ew::floor_div(DType::F32, isa), &a32, &b32);
        let remainder32 = run(ew::rem(DType::F32, isa), &a32, &b32);
        for (i, row) in table.iter().enumerate() {
            assert_eq!(quotient[i].bits(), row.2.bits(), "{} // {}", row.0, row.1);
            assert_eq!(remainder[i].bits(), row.3.bits(), "{} % {}", row.0, row.1);
            assert_eq!((quotient32[i] as f64).bits(), row.2.bits(), "{} // {}", row.0, row.1);
            assert_eq!((remainder32[i] as f64).bits(), row.3.bits(), "{} % {}", row.0, row.1);
        }
        // Cases in which the rounded quotient is wrong, so that the exact remainder decides.
        let q = run(
            ew::floor_div(DType::F64, isa),
            &[1.0, 6.0, 1e300, -1e-300],
            &[0.1, 0.1, 3.0, 1e300],
        );
        assert_eq!(q, [9.0, 59.0, 3.3333333333333335e299, -1.0]);
        let m = run(ew::rem(DType::F64, isa), &[1.0, 6.0, 1e300, -1e-300], &[0.1, 0.1, 3.0, 1e300]);
        assert_eq!(m, [0.09999999999999995, 0.09999999999999967, 0.0, 1e300]);
    }
}

unsafe extern "C" {
    safe fn ldexp(x: f64, n: std::ffi::c_int) -> f64;
    safe fn frexp(x: f64, e: &mut std::ffi::c_int) -> f64;
    safe fn modf(x: f64, whole: &mut f64) -> f64;
}

/// The parts of floats are those of the C library, for all exponents and beyond them.
#[test]
fn parts_of_floats_are_cs() {
    let mut r = Random(0xf10a7);
    let mut xs: Vec<f64> = f64::specials();
    xs.extend((0..4000).map(|_| f64::random(&mut r)));
    xs.extend((0..500).map(|_| f64::from_bits(r.next() & ((1 << 52) - 1))));
    let n: Vec<f64> =
        (0..xs.len()).map(|i| (i as f64 * 0.7).floor() % 2300.0 * 2.0 - 2300.0).collect();
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    for isa in Isa::available() {
        let scaled = run(ew::ldexp(DType::F64, isa), &xs, &n);
        let fraction = run(ew::fraction(DType::F64, isa), &xs, &n);
        let mantissa = run(ew::mantissa(DType::F64, isa), &xs, &n);
        let exponent = run(ew::exponent(DType::F64, isa), &xs, &n);
        for (i, x) in xs.iter().copied().enumerate() {
            assert!(
                same(scaled[i], ldexp(x, n[i] as i32)),
                "ldexp({x:e}, {}): {:e}",
                n[i],
                scaled[i]
            );
            assert!(same(fraction[i], modf(x, &mut 0.0)), "fraction of {x:e}: {:e}", fraction[i]);
            let mut e = 0;
            let m = frexp(x, &mut e);
            let e = if x.is_finite() { e } else { 0 };
            assert!(same(mantissa[i], m), "mantissa of {x:e}: {:e}", mantissa[i]);
            assert_eq!(exponent[i], f64::from(e), "exponent of {x:e}");
        }
        // Computing in f64 is exact, so that the conversion is the only rounding.
        let xs: Vec<f32> = xs.iter().map(|x| *x as f32).collect();
        let n: Vec<f32> = (0..xs.len()).map(|i| (i % 601) as f32 - 300.0).collect();
        let scaled = run(ew::ldexp(DType::F32, isa), &xs, &n);
        for (i, x) in xs.iter().enumerate() {
            let want = ldexp(f64::from(*x), n[i] as i32) as f32;
            assert!(same(scaled[i].into(), want.into()), "ldexp({x:e}, {}): {:e}", n[i], scaled[i]);
        }
    }
    let far = [f64::MAX, f64::INFINITY, f64::MIN, -1e9];
    let kernel = ew::ldexp(DType::F64, Isa::Baseline);
    assert_eq!(
        run(kernel, &[1.0, 5e-324, 1.0, f64::MAX], &far),
        [f64::INFINITY, f64::INFINITY, 0.0, 0.0]
    );
}

#[test]
fn divisors_and_multiples_by_their_definition() {
    fn euclid(a: u128, b: u128) -> u128 {
        if b == 0 { a } else { euclid(b, a % b) }
    }
    for isa in Isa::available() {
        let all: Vec<(i8, i8)> =
            (i8::MIN..=i8::MAX).flat_map(|a| (i8::MIN..=i8::MAX).map(move |b| (a, b))).collect();
        let (a, b): (Vec<i8>, Vec<i8>) = all.into_iter().unzip();
        let divisors = run(ew::gcd(DType::I8, isa), &a, &b);
        let multiples = run(ew::lcm(DType::I8, isa), &a, &b);
        let bits = run(ew::set_bits(DType::I8, isa), &a, &b);
        for i in 0..a.len() {
            let (x, y) = (u128::from(a[i].unsigned_abs()), u128::from(b[i].unsigned_abs()));
            let divisor = euclid(x, y);
            assert_eq!(divisors[i], divisor as i8, "gcd({}, {})", a[i], b[i]);
            let multiple = (x * y).checked_div(divisor).unwrap_or(0);
            assert_eq!(multiples[i], multiple as i8, "lcm({}, {})", a[i], b[i]);
            assert_eq!(bits[i], x.count_ones() as i8, "the bits of {}", a[i]);
        }
        let (p, q) = (3_u64 * 5 * 1_000_003 * 999_983, (7_u64 * 1_000_003) << 20);
        assert_eq!(
            run(ew::gcd(DType::U64, isa), &[p, q, 0, u64::MAX], &[q, p, 0, 1]),
            [1_000_003, 1_000_003, 0, 1]
        );
        assert_eq!(
            run(ew::gcd(DType::I64, isa), &[i64::MIN, i64::MIN, -12], &[0, 6, 18]),
            [i64::MIN, 2, 6]
        );
    }
}

#[test]
fn edges() {
    for isa in Isa::available() {
        let (min, max) = (i64::MIN, i64::MAX);
        let i64s = DType::I64;
        assert_eq!(
            run(ew::floor_div(i64s, isa), &[min, min, -7, 7, 5], &[-1, 1, 2, -2, 0]),
            [min, min, -4, -4, 0]
        );
        assert_eq!(
            run(ew::rem(i64s, isa), &[min, -7, 7, 5, min], &[-1, 2, -2, 0, max]),
            [0, 1, -1, 0, max - 1]
        );
        assert_eq!(run(ew::fmod(i64s, isa), &[min, -7, 7, 5], &[-1, 2, -2, 0]), [0, -1, 1, 0]);
        assert_eq!(run(ew::neg(i64s, isa), &[min, 1], &[0, 0]), [min, -1]);
        assert_eq!(run(ew::abs(i64s, isa), &[min, -1], &[0, 0]), [min, 1]);
        assert_eq!(run(ew::abs(DType::U8, isa), &[200_u8], &[0]), [200]);
        assert_eq!(run(ew::floor_div(DType::I32, isa), &[i32::MIN, 5], &[-1, 0]), [i32::MIN, 0]);
        assert_eq!(
            run(ew::floor_div(DType::U32, isa), &[u32::MAX, u32::MAX], &[1, u32::MAX]),
            [u32::MAX, 1]
        );
        assert_eq!(
            run(
                ew::pow(i64s, isa),
                &[2, 2, 0, 0, 1, -1, -1, -1, 3, min],
                &[10, -1, 0, -1, -5, -3, -4, 3, 64, -1]
            ),
            [1024, 0, 1, 0, 1, -1, 1, -1, 3_i64.wrapping_pow(64), 0]
        );
        assert_eq!(run(ew::pow(DType::U8, isa), &[255_u8, 3, 2], &[255, 5, 8]), [255, 243, 0]);
        assert_eq!(
            run(ew::shl(DType::I8, isa), &[1_i8, 1, 1, 1, -1], &[7, 8, -1, -128, 1]),
            [-128, 0, 0, 0, -2]
        );
        assert_eq!(
            run(ew::shr(DType::I8, isa), &[-128_i8, -1, -1, 64, 64], &[7, 8, -1, -1, 6]),
            [-1, -1, -1, 0, 1]
        );
        assert_eq!(run(ew::shr(DType::U8, isa), &[255_u8, 255, 255], &[7, 8, 255]), [1, 0, 0]);
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        let bits = |v: Vec<f64>| v.into_iter().map(Sample::bits).collect::<Vec<_>>();
        let f = DType::F64;
        assert_eq!(
            bits(run(
                ew::minimum(f, isa),
                &[0.0, -0.0, nan, 1.0, 1.0],
                &[-0.0, 0.0, 1.0, nan, 2.0]
            )),
            bits(vec![-0.0, -0.0, nan, nan, 1.0])
        );
        assert_eq!(
            bits(run(
                ew::maximum(f, isa),
                &[0.0, -0.0, nan, -inf, 1.0],
                &[-0.0, 0.0, 1.0, nan, 2.0]
            )),
            bits(vec![0.0, 0.0, nan, nan, 2.0])
        );
        assert_eq!(
            bits(run(ew::rint(f, isa), &[0.5, 1.5, 2.5, -0.5, -0.2], &[0.0; 5])),
            bits(vec![0.0, 2.0, 2.0, -0.0, -0.0])
        );
        assert_eq!(
            bits(run(ew::copysign(f, isa), &[-1.0, 1.0, 3.0], &[-nan, -0.0, -inf])),
            bits(vec![1.0, -1.0, -3.0])
        );
        assert_eq!(
            bits(run(
                ew::nextafter(f, isa),
                &[0.0, -0.0, 1.0, 1.0, f64::MAX, inf, 0.0, nan, -5e-324],
                &[1.0, -1.0, 2.0, 0.0, inf, 0.0, -0.0, 1.0, 1.0]
            )),
            bits(vec![
                5e-324,
                -5e-324,
                1.0000000000000002,
                0.9999999999999999,
                inf,
                f64::MAX,
                -0.0,
                nan,
                -0.0
            ])
        );
        let sum = ew::fma(f, isa).map(|kernel| {
            let (x, y) = (1.0 + f64::EPSILON, -1.0 - 2.0 * f64::EPSILON);
            let mut out = [0.0_f64];
            // SAFETY: each pointer points at one f64.
            unsafe {
                kernel(
                    out.as_mut_ptr().cast(),
                    (&raw const x).cast(),
                    (&raw const x).cast(),
                    (&raw const y).cast(),
                    1,
                )
            };
            out[0]
        });
        assert_eq!(sum, Some(f64::EPSILON * f64::EPSILON), "one rounding");
    }
}

#[test]
fn undefined_combinations_have_no_kernel() {
    for isa in Isa::available() {
        assert!(ew::add(DType::Bool, isa).is_none());
        assert!(ew::div(DType::I32, isa).is_none());
        assert!(ew::bit_and(DType::F64, isa).is_none());
        assert!(ew::shl(DType::Bool, isa).is_none());
        assert!(ew::pow(DType::F32, isa).is_none());
        assert!(ew::lt(DType::Bool, isa).is_none());
        assert!(ew::select(DType::Bool, isa).is_some());
    }
}
