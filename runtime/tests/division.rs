//! Integer division against its definition: by one divisor for a whole block, and by each element's
//! own, on every instruction set.

mod common;

use common::{Random, seed};
use hotloop_runtime::block::{BlockFn, DIVIDE_BY_ZERO};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::elementwise as ew;
use hotloop_runtime::isa::Isa;

type Maker = fn(DType, Isa) -> Option<BlockFn>;

const PARTS: [(&str, Maker); 3] = [("//", ew::floor_div), ("%", ew::rem), ("fmod", ew::fmod)];

/// An integer type, and its results by plain arithmetic in 128 bits.
trait Integer: Copy + PartialEq + std::fmt::Debug {
    const DTYPE: DType;
    const BITS: u32;
    const MIN: Self;
    const MAX: Self;
    fn from_bits(bits: u64) -> Self;
    fn wide(self) -> i128;
    fn wrapped(value: i128) -> Self;

    /// `self // by`, `self % by` and `fmod(self, by)`.
    fn parts(self, by: Self) -> [Self; 3] {
        let (x, y) = (self.wide(), by.wide());
        if y == 0 {
            return [0; 3].map(Self::wrapped);
        }
        let (quotient, rest) = (x / y, x % y);
        let down = i128::from(rest != 0 && (rest < 0) != (y < 0));
        [quotient - down, rest + down * y, rest].map(Self::wrapped)
    }

    /// Values around the type's limits, zero and powers of two.
    fn edges() -> Vec<Self> {
        let mut all: Vec<i128> = (-12..=12).collect();
        for power in 3..Self::BITS {
            let power = 1_i128 << power;
            all.extend([-1, 0, 1].into_iter().flat_map(|near| [power + near, -power + near]));
        }
        let (least, most) = (Self::MIN.wide(), Self::MAX.wide());
        for near in 0..3 {
            all.extend([least + near, most - near, most / 2 + near, most / 3 + near]);
        }
        all.retain(|x| (least..=most).contains(x));
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(Self::wrapped).collect()
    }

    /// Of every magnitude.
    fn random(r: &mut Random) -> Self {
        let shift = r.next() % u64::from(Self::BITS);
        let bits = Self::from_bits(r.next()).wide() >> shift;
        Self::wrapped(bits)
    }
}

macro_rules! integers {
    ($($t:ty: $d:ident),*) => {$(
        impl Integer for $t {
            const DTYPE: DType = DType::$d;
            const BITS: u32 = <$t>::BITS;
            const MIN: $t = <$t>::MIN;
            const MAX: $t = <$t>::MAX;
            fn from_bits(bits: u64) -> $t {
                bits as $t
            }
            fn wide(self) -> i128 {
                self as i128
            }
            fn wrapped(value: i128) -> $t {
                value as $t
            }
        }
    )*};
}
integers!(i8: I8, i16: I16, i32: I32, i64: I64, u8: U8, u16: U16, u32: U32, u64: U64);

/// What the output of a run shares its memory with.
#[derive(Clone, Copy, Debug)]
enum Output {
    Apart,
    Dividend,
    Divisor,
}

/// Runs a kernel on elements that begin at an odd address.
fn run<T: Integer>(kernel: BlockFn, a: &[T], b: &[T], output: Output) -> (Vec<T>, u32) {
    let size = size_of::<T>();
    let bytes = |x: &[T]| -> Vec<u8> {
        let each = x.iter().flat_map(|x| x.wide().to_le_bytes()[..size].to_vec());
        std::iter::once(0xEE).chain(each).chain([0xEE]).collect()
    };
    let (mut a_bytes, mut b_bytes) = (bytes(a), bytes(b));
    let mut apart = vec![0xEE_u8; a_bytes.len()];
    let (from, by) = (a_bytes[1..].as_mut_ptr(), b_bytes[1..].as_mut_ptr());
    let to = match output {
        Output::Apart => apart[1..].as_mut_ptr(),
        Output::Dividend => from,
        Output::Divisor => by,
    };
    // SAFETY: all hold as many elements, and the output is an operand or apart.
    let flags = unsafe { kernel(to, from, by, std::ptr::null(), a.len()) };
    let out = match output {
        Output::Apart => apart,
        Output::Dividend => a_bytes,
        Output::Divisor => b_bytes,
    };
    assert_eq!((out[0], out[out.len() - 1]), (0xEE, 0xEE), "written beside the output");
    let element = |bytes: &[u8]| {
        let mut bits = [0; 8];
        bits[..size].copy_from_slice(bytes);
        T::from_bits(u64::from_le_bytes(bits))
    };
    (out[1..out.len() - 1].chunks_exact(size).map(element).collect(), flags)
}

/// Every part of `a` by `b`, on every instruction set.
fn check<T: Integer>(a: &[T], b: &[T], output: Output) {
    let parts: Vec<[T; 3]> = a.iter().zip(b).map(|(a, b)| a.parts(*b)).collect();
    let zero = if b.iter().any(|b| b.wide() == 0) { DIVIDE_BY_ZERO } else { 0 };
    for isa in Isa::available() {
        for (part, (name, make)) in PARTS.into_iter().enumerate() {
            let kernel = make(T::DTYPE, isa).expect("a kernel of integers");
            let (got, flags) = run(kernel, a, b, output);
            for (i, got) in got.iter().enumerate() {
                let (a, b, want) = (a[i], b[i], parts[i][part]);
                assert_eq!(*got, want, "{a:?} {name} {b:?} of {}, {isa:?}, {output:?}", T::DTYPE);
            }
            assert_eq!(flags, zero, "{name} of {}, {isa:?}", T::DTYPE);
        }
    }
}

fn by_one<T: Integer>(a: &[T], divisor: T) {
    check(a, &vec![divisor; a.len()], Output::Apart);
}

#[test]
fn all_bytes_by_all_bytes() {
    let signed: Vec<i8> = (i8::MIN..=i8::MAX).collect();
    let unsigned: Vec<u8> = (0..=u8::MAX).collect();
    signed.iter().for_each(|d| by_one(&signed, *d));
    unsigned.iter().for_each(|d| by_one(&unsigned, *d));
    let pairs = (0..=u16::MAX).map(|bits| bits.to_le_bytes());
    let (a, b): (Vec<u8>, Vec<u8>) = pairs.map(|[a, b]| (a, b)).unzip();
    check(&a, &b, Output::Apart);
    let signed = |x: Vec<u8>| x.into_iter().map(u8::cast_signed).collect::<Vec<_>>();
    check(&signed(a), &signed(b), Output::Apart);
}

#[test]
fn all_of_16_bits_by_many() {
    let r = &mut Random(seed());
    let signed: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    let unsigned: Vec<u16> = (0..=u16::MAX).collect();
    for _ in 0..6 {
        by_one(&signed, i16::random(r));
        by_one(&unsigned, u16::random(r));
    }
    for divisor in [i16::MIN, -32767, -255, -7, -2, -1, 1, 2, 3, 7, 255, 256, 10000, 32767] {
        by_one(&signed, divisor);
        by_one(&unsigned, divisor.cast_unsigned());
    }
    // By all divisors, each of its own: dividends around the multiples, which show a wrong one.
    for divisors in unsigned.chunks(1 << 13) {
        let near = |b: &u16, random: u64| {
            let multiple = (random as u16).wrapping_mul(*b);
            multiple.wrapping_add((random >> 16) as u16 % 3).wrapping_sub(1)
        };
        let a: Vec<u16> = divisors.iter().map(|b| near(b, r.next())).collect();
        check(&a, divisors, Output::Apart);
        let signed = |x: &[u16]| x.iter().map(|x| x.cast_signed()).collect::<Vec<_>>();
        check(&signed(&a), &signed(divisors), Output::Apart);
    }
}

/// Dividends around the multiples of a divisor, which a wrong reciprocal misses first.
fn around_multiples<T: Integer>(divisor: T, n: usize, r: &mut Random) -> Vec<T> {
    let one = |_| {
        let multiple = T::random(r).wide().wrapping_mul(divisor.wide());
        T::wrapped(multiple + (r.next() % 3) as i128 - 1)
    };
    (0..n).map(one).collect()
}

fn edges_and_random<T: Integer>(r: &mut Random) {
    let edges = T::edges();
    let divisors: Vec<T> = edges.iter().copied().chain((0..60).map(|_| T::random(r))).collect();
    for divisor in &divisors {
        let mut a = edges.clone();
        a.extend(around_multiples(*divisor, 64, r));
        a.extend((0..64).map(|_| T::random(r)));
        by_one(&a, *divisor);
    }
    let pairs: Vec<(T, T)> =
        edges.iter().flat_map(|a| edges.iter().map(move |b| (*a, *b))).collect();
    let (a, b): (Vec<T>, Vec<T>) = pairs.into_iter().unzip();
    check(&a, &b, Output::Apart);
    for _ in 0..10 {
        let b: Vec<T> = (0..200).map(|_| T::random(r)).collect();
        let a: Vec<T> = b.iter().flat_map(|b| around_multiples(*b, 1, r)).collect();
        check(&a, &b, Output::Apart);
        let a: Vec<T> = (0..200).map(|_| T::from_bits(r.next())).collect();
        check(&a, &b, Output::Apart);
        // Small ones only: 64 bits of these have a way of their own.
        let small = |r: &mut Random| T::wrapped(T::random(r).wide() >> (T::BITS / 4));
        let a: Vec<T> = (0..200).map(|_| small(r)).collect();
        let b: Vec<T> = (0..200).map(|_| small(r)).collect();
        check(&a, &b, Output::Apart);
    }
}

#[test]
fn edges_and_random_of_8_and_16_bits() {
    let r = &mut Random(seed());
    edges_and_random::<i8>(r);
    edges_and_random::<u8>(r);
    edges_and_random::<i16>(r);
    edges_and_random::<u16>(r);
}

#[test]
fn edges_and_random_of_32_bits() {
    let r = &mut Random(seed());
    edges_and_random::<i32>(r);
    edges_and_random::<u32>(r);
}

#[test]
fn edges_and_random_of_64_bits() {
    let r = &mut Random(seed());
    edges_and_random::<i64>(r);
    edges_and_random::<u64>(r);
}

/// A block with one other divisor has no common one, wherever that is.
#[test]
fn one_other_divisor() {
    fn each<T: Integer>(r: &mut Random) {
        let n = 150;
        for at in [0, 1, 31, 63, 64, 65, 127, 128, 149] {
            let a: Vec<T> = (0..n).map(|_| T::random(r)).collect();
            let mut b = vec![T::wrapped(7); n];
            b[at] = T::wrapped(3);
            check(&a, &b, Output::Apart);
            b[at] = T::wrapped(0);
            check(&a, &b, Output::Apart);
        }
    }
    let r = &mut Random(seed());
    each::<u8>(r);
    each::<i16>(r);
    each::<u32>(r);
    each::<i64>(r);
}

/// Every length, and outputs that are operands.
#[test]
fn lengths_and_places() {
    fn each<T: Integer>(r: &mut Random) {
        for n in (0..=140).chain([255, 256, 257]) {
            let a: Vec<T> = (0..n).map(|_| T::random(r)).collect();
            let b: Vec<T> = (0..n).map(|_| T::random(r)).collect();
            let one = vec![T::random(r); n];
            for output in [Output::Apart, Output::Dividend, Output::Divisor] {
                check(&a, &b, output);
                check(&a, &one, output);
            }
        }
    }
    let r = &mut Random(seed());
    each::<i8>(r);
    each::<u8>(r);
    each::<i16>(r);
    each::<u16>(r);
    each::<i32>(r);
    each::<u32>(r);
    each::<i64>(r);
    each::<u64>(r);
}
