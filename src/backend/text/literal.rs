//! Constants as literals of C++.

use hotloop_runtime::dtype::DType;

/// The literal of the bits of a float, an unsigned integer or a truth value. Floats are hexadecimal, so that nothing is rounded.
pub fn literal(bits: u64, dtype: DType) -> String {
    match dtype {
        DType::Bool => if bits & 0xff == 0 { "false" } else { "true" }.to_string(),
        DType::F64 => {
            float(bits, 52, 1023, "").unwrap_or_else(|| format!("hl_float({bits:#x}ull)"))
        }
        DType::F32 => float(bits, 23, 127, "f").unwrap_or_else(|| format!("hl_float({bits:#x}u)")),
        DType::U32 => format!("{bits:#x}u"),
        DType::U64 => format!("{bits:#x}ull"),
        _ => format!("({dtype}){bits}"),
    }
}

/// A finite float in C's hexadecimal notation, with the suffix of its type; `None` of others.
fn float(bits: u64, mantissa: u32, bias: i64, suffix: &str) -> Option<String> {
    let field = |low: u32, count: u32| bits >> low & ((1 << count) - 1);
    let exponents = if mantissa == 52 { 11 } else { 8 };
    let (exponent, fraction) = (field(mantissa, exponents) as i64, field(0, mantissa));
    let sign = if field(mantissa + exponents, 1) == 1 { "-" } else { "" };
    if exponent == (1 << exponents) - 1 {
        return None;
    }
    // Hexadecimal digits have four bits.
    let digits = mantissa.div_ceil(4);
    let fraction = fraction << (4 * digits - mantissa);
    let digits = format!("{fraction:0width$x}", width = digits as usize);
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    let (first, power) = match exponent {
        0 if fraction == 0 => (0, 0),
        0 => (0, 1 - bias),
        _ => (1, exponent - bias),
    };
    let text = format!("{sign}0x{first}{point}{digits}p{power:+}{suffix}");
    Some(if sign.is_empty() { text } else { format!("({text})") })
}

#[cfg(test)]
mod tests {
    use super::literal;
    use hotloop_runtime::dtype::DType;

    #[test]
    fn floats_are_hexadecimal() {
        let wide = |x: f64| literal(x.to_bits(), DType::F64);
        assert_eq!(wide(1.0), "0x1p+0");
        assert_eq!(wide(-0.1), "(-0x1.999999999999ap-4)");
        assert_eq!(wide(5e-324), "0x0.0000000000001p-1022");
        assert_eq!(wide(f64::MAX), "0x1.fffffffffffffp+1023");
        assert_eq!(wide(-0.0), "(-0x0p+0)");
        assert_eq!(wide(f64::INFINITY), "hl_float(0x7ff0000000000000ull)");
        let narrow = |x: f32| literal(u64::from(x.to_bits()), DType::F32);
        assert_eq!(narrow(1.5), "0x1.8p+0f");
        assert_eq!(narrow(-1.5), "(-0x1.8p+0f)");
        assert_eq!(narrow(0.1), "0x1.99999ap-4f");
        assert_eq!(narrow(1e-45), "0x0.000002p-126f");
        assert_eq!(narrow(f32::NAN), "hl_float(0x7fc00000u)");
    }

    #[test]
    fn integers_have_their_type() {
        assert_eq!(literal(200, DType::U8), "(u8)200");
        assert_eq!(literal(7, DType::U32), "0x7u");
        assert_eq!(literal(u64::MAX, DType::U64), "0xffffffffffffffffull");
        assert_eq!(literal(2, DType::Bool), "true");
    }
}
