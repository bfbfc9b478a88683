//! Conversions on every instruction set, against scalar code and known values.

mod common;

use common::{Random, canonical, seed};
use hotloop_runtime::convert::{Lane, convert, convert_scalar};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;

fn pack(words: &[u64], size: usize) -> Vec<u8> {
    let mut bytes = vec![0xEE];
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes()[..size]);
    }
    bytes
}

fn word(bytes: &[u8], size: usize, i: usize) -> u64 {
    let mut word = [0; 8];
    word[..size].copy_from_slice(&bytes[i * size..(i + 1) * size]);
    u64::from_le_bytes(word)
}

fn bits_of(x: f64, dtype: DType) -> u64 {
    match dtype {
        DType::F32 => (x as f32).to_bits() as u64,
        DType::F64 => x.to_bits(),
        _ => (x as i128 as u64) & (u64::MAX >> (64 - dtype.bits())),
    }
}

/// Values around every boundary of a conversion.
fn samples(dtype: DType, r: &mut Random) -> Vec<u64> {
    let mask = u64::MAX >> (64 - dtype.bits());
    let mut all = Vec::new();
    for power in 0..=64 {
        for near in [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0] {
            let x = (power as f64).exp2() + near;
            all.extend([bits_of(x, dtype), bits_of(-x, dtype)]);
        }
    }
    if dtype.is_float() {
        for x in [0.0, f64::INFINITY, f64::NAN, f64::MAX, 5e-324, 1e-40, 3.4028235677973366e38, 0.3]
        {
            all.extend([bits_of(x, dtype), bits_of(-x, dtype)]);
        }
        // Neighbours of the boundaries.
        for bits in all.clone() {
            all.extend([bits.wrapping_add(1) & mask, bits.wrapping_sub(1) & mask]);
        }
    } else {
        all.extend((0..64).map(|power| ((1_u64 << power) - 1) & mask));
        // Halfway cases of rounding to f32 and f64.
        for power in 25..64 {
            for (shift, sticky) in [(25, 0), (25, 1), (54, 0), (54, 1)] {
                let top = 1_u64 << power;
                let half = top >> (shift - 1);
                all.extend([(top + half + sticky) & mask, (top + 3 * half - sticky) & mask]);
            }
        }
    }
    for _ in 0..200 {
        all.push((r.next() >> (r.next() % 64)) & mask);
        all.push(r.next() & mask);
    }
    all
}

/// Converts blocks of every length up to 70 and a long one, at unaligned addresses.
fn check(from: Lane, to: Lane, words: &[u64], expected: impl Fn(u64) -> u64) {
    let (size, to_size) = (from.bytes(), to.bytes());
    let input = pack(words, size);
    for isa in Isa::available() {
        let kernel = convert(from, to, isa).unwrap_or_else(|| panic!("{from:?} to {to:?}"));
        for n in (0..=70).chain([words.len()]) {
            for start in [0, words.len() - n] {
                let data = &input[1 + start * size..];
                let mut out = vec![0x5A; n * to_size + 2];
                // SAFETY: the input holds `n` elements from its start, the output `n` elements and
                // guard bytes.
                let flags = unsafe {
                    let (null, to) = (std::ptr::null(), out[1..].as_mut_ptr());
                    kernel(to, data.as_ptr(), null, null, n)
                };
                assert_eq!((flags, out[0], out[n * to_size + 1]), (0, 0x5A, 0x5A));
                for i in 0..n {
                    let (got, of) = (word(&out[1..], to_size, i), word(data, size, i));
                    let same = match to {
                        Lane::Value(d) => canonical(got, d) == canonical(expected(of), d),
                        Lane::Mask(_) => got == expected(of),
                    };
                    let want = expected(of);
                    assert!(same, "{from:?} {of:#x} to {to:?}: {got:#x}, not {want:#x}, {isa:?}");
                }
                if size == to_size {
                    let mut place = data[..n * size].to_vec();
                    let at = place.as_mut_ptr();
                    // SAFETY: the block holds `n` elements.
                    unsafe { kernel(at, at, std::ptr::null(), std::ptr::null(), n) };
                    assert_eq!(place, out[1..1 + n * size], "{from:?} to {to:?} in place");
                }
            }
        }
    }
}

/// The expected result of a conversion, computed in 128-bit integers.
fn expected(bits: u64, from: DType, to: DType) -> u64 {
    let mask = u64::MAX >> (64 - to.bits());
    let float = match from {
        DType::F32 => Some(f32::from_bits(bits as u32) as f64),
        DType::F64 => Some(f64::from_bits(bits)),
        _ => None,
    };
    if let Some(x) = float {
        return match to {
            DType::Bool => (x != 0.0) as u64,
            DType::F32 => (x as f32).to_bits() as u64,
            DType::F64 => x.to_bits(),
            _ => {
                let (least, greatest) = if to.is_signed_int() {
                    (-(1_i128 << (to.bits() - 1)), (1_i128 << (to.bits() - 1)) - 1)
                } else {
                    (0, (1_i128 << to.bits()) - 1)
                };
                let whole = if x.is_nan() { 0 } else { x as i128 };
                whole.clamp(least, greatest) as u64 & mask
            }
        };
    }
    let value: i128 = match from {
        DType::Bool => (bits != 0) as i128,
        _ if from.is_signed_int() => {
            let unused = 64 - from.bits();
            (((bits << unused) as i64) >> unused) as i128
        }
        _ => bits as i128,
    };
    match to {
        DType::Bool => (value != 0) as u64,
        DType::F32 => (value as f32).to_bits() as u64,
        DType::F64 => (value as f64).to_bits(),
        _ => value as u64 & mask,
    }
}

#[test]
fn every_dtype_to_every_dtype() {
    let r = &mut Random(seed());
    for from in DType::ALL {
        let words = samples(from, r);
        for to in DType::ALL {
            for &bits in &words {
                let (got, want) = (convert_scalar(bits, from, to), expected(bits, from, to));
                let (got, want) = (canonical(got, to), canonical(want, to));
                assert_eq!(got, want, "{bits:#x} from {from} to {to}");
            }
            check(Lane::Value(from), Lane::Value(to), &words, |bits| expected(bits, from, to));
        }
    }
}

#[test]
fn known_values() {
    use DType::*;
    let f = f64::to_bits;
    let s = |x: f32| x.to_bits() as u64;
    for (from, bits, to, want) in [
        (F64, f(f64::NAN), I32, 0),
        (F64, f(f64::INFINITY), I8, 127),
        (F64, f(-1.0), U8, 0),
        (F64, f(-1.9), I8, 0xFF),
        (F64, f(1e300), U64, u64::MAX),
        (F64, f(9223372036854775808.0), I64, i64::MAX as u64),
        (F32, s(f32::NEG_INFINITY), I16, 0x8000),
        (F32, s(4294967296.0), U32, 0xFFFF_FFFF),
        (F64, f(f64::NAN), Bool, 1),
        (F64, f(-0.0), Bool, 0),
        (Bool, 0x80, F32, s(1.0)),
        (Bool, 2, Bool, 1),
        (I8, 0x80, U16, 0xFF80),
        (U64, (1 << 53) + 1, F64, f(9007199254740992.0)),
        (U64, u64::MAX, F32, s(18446744073709551616.0)),
        // Rounding to f64 first would give the f32 below.
        (I64, (1 << 60) + (1 << 36) + 1, F32, s(1152921642045800448.0)),
        (F64, f(1e39), F32, s(f32::INFINITY)),
        (F64, f(1e-45), F32, 1),
        (F64, f(1.0 + 2.0_f64.powi(-24)), F32, s(1.0)),
    ] {
        assert_eq!(convert_scalar(bits, from, to), want, "{bits:#x} from {from} to {to}");
        check(Lane::Value(from), Lane::Value(to), &[bits; 100], |_| want);
    }
    // The upper bytes of an argument are ignored.
    assert_eq!(convert_scalar(0xFFFF_FF05, U8, I64), 5);
}

#[test]
fn masks() {
    let r = &mut Random(seed());
    for width in [8_u8, 16, 32, 64] {
        let ones = u64::MAX >> (64 - width as u32);
        let bools: Vec<u64> = (0..200).map(|_| (r.next() & r.next()) & 3).collect();
        let wide: Vec<u64> = bools.iter().map(|b| if *b == 0 { 0 } else { ones }).collect();
        let (boolean, mask) = (Lane::Value(DType::Bool), Lane::Mask(width));
        assert_eq!(mask.bytes() * 8, width as usize);
        check(boolean, mask, &bools, |b| if b == 0 { 0 } else { ones });
        check(mask, boolean, &wide, |m| (m != 0) as u64);
        for other in [8_u8, 16, 32, 64] {
            let other_ones = u64::MAX >> (64 - other as u32);
            check(mask, Lane::Mask(other), &wide, |m| if m == 0 { 0 } else { other_ones });
        }
        assert!(convert(Lane::Value(DType::F64), mask, Isa::Baseline).is_none());
        assert!(convert(mask, Lane::Value(DType::I8), Isa::Baseline).is_none());
    }
    assert!(convert(Lane::Mask(7), Lane::Mask(8), Isa::Baseline).is_none());
}
