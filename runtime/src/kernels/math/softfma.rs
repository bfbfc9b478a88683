//! Fused multiply-add by integer operations, for machines without the instruction.
//!
//! Exact for every input: one rounding, to nearest even, subnormal results and overflow
//! included. A NaN result is a quiet NaN (not always the hardware's).

macro_rules! fused {
    ($name:ident, $float:ty, $software:ident) => {
        /// `a * b + c`, by the instruction if every machine of the target has it, otherwise in software.
        #[inline(always)]
        pub(super) fn $name(a: $float, b: $float, c: $float) -> $float {
            if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
                a.mul_add(b, c)
            } else {
                $software(a, b, c)
            }
        }
    };
}

fused!(fused64, f64, fma64);
fused!(fused32, f32, fma32);

/// The exponent of the lowest bit of a subnormal.
const LOWEST: i32 = -1074;

/// The significand of a finite number other than 0 with its top bit at 2^52, and the exponent
/// of its lowest bit.
fn unpack(x: f64) -> (u64, i32) {
    let bits = x.to_bits();
    let frac = bits & ((1 << 52) - 1);
    match (bits >> 52 & 0x7ff) as i32 {
        0 => {
            let up = frac.leading_zeros() - 11;
            (frac << up, LOWEST - up as i32)
        }
        e => (frac | 1 << 52, e - 1075),
    }
}

/// `x >> n`, with the lowest bit set if any bit that is shifted out is set.
fn shift_right_jam(x: u128, n: u32) -> u128 {
    match n {
        0 => x,
        1..=127 => x >> n | u128::from(x << (128 - n) != 0),
        _ => u128::from(x != 0),
    }
}

/// `a * b + c` with one rounding.
pub fn fma64(a: f64, b: f64, c: f64) -> f64 {
    if !(a.is_finite() && b.is_finite()) || a == 0.0 || b == 0.0 {
        return a * b + c; // the product is exact
    }
    if !c.is_finite() {
        return c + c;
    }
    if c == 0.0 {
        return a * b; // without adding 0, so that a product that rounds to 0 keeps its sign
    }
    let negative = a.is_sign_negative() != b.is_sign_negative();
    let ((ma, ea), (mb, eb)) = (unpack(a), unpack(b));
    // The product has 105 or 106 bits. Its top bit is moved to bit 124 or 125, so that the sum fits.
    let mut p = (u128::from(ma) * u128::from(mb)) << 20;
    let ep = ea + eb - 20;
    let (mc, ec) = unpack(c);
    let mut q = u128::from(mc) << 72; // top bit 124
    let ec = ec - 72;
    // The operand with the smaller exponent is shifted right. Bits are only lost if the other is at least
    // 2^19 times larger. Then the sum has over 100 bits, and the sticky bit is far below the place of
    // rounding.
    let e = ep.max(ec);
    p = shift_right_jam(p, (e - ep) as u32);
    q = shift_right_jam(q, (e - ec) as u32);
    if negative == c.is_sign_negative() {
        round(negative, p + q, e)
    } else if p > q {
        round(negative, p - q, e)
    } else if q > p {
        round(!negative, q - p, e)
    } else {
        0.0
    }
}

/// `m * 2^e`, m other than 0, rounded to nearest even.
fn round(negative: bool, m: u128, e: i32) -> f64 {
    let sign = u64::from(negative) << 63;
    let up = m.leading_zeros();
    let (m, e) = (m << up, e - up as i32);
    // The lowest bit of the result is bit 75, or a higher one if the result is subnormal.
    let low = (e + 75).max(LOWEST);
    let drop = (low - e) as u32;
    if drop > 128 {
        return f64::from_bits(sign); // below half of the least number
    }
    let kept = if drop == 128 { 0 } else { (m >> drop) as u64 };
    let rest = m << (128 - drop);
    let half = 1u128 << 127;
    let kept = kept + u64::from(rest > half || rest == half && kept & 1 == 1);
    // The implicit bit adds one to the exponent, and so does a carry out of 53 bits.
    let field = (low - LOWEST) as u64;
    if field >= 2046 {
        return f64::from_bits(sign | 0x7ff << 52);
    }
    let bits = (field << 52) + kept;
    f64::from_bits(sign | bits)
}

/// `a * b + c` with one rounding.
pub fn fma32(a: f32, b: f32, c: f32) -> f32 {
    // The product is exact in f64. The sum is rounded to odd, so that its rounding to f32 gives the
    // rounded exact sum.
    let (p, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let s = p + c;
    if !s.is_finite() {
        return s as f32;
    }
    let from_c = s - p;
    let lost = (p - (s - from_c)) + (c - from_c);
    if lost == 0.0 || s.to_bits() & 1 == 1 {
        return s as f32;
    }
    // Away from 0 if the rounding error has the sign of the sum. The sum is not 0, as it is inexact.
    let bits = s.to_bits();
    f64::from_bits(if (lost > 0.0) == (s > 0.0) { bits + 1 } else { bits - 1 }) as f32
}
