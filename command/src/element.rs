//! Formatting of elements.

use hotloop::DType;

/// The default number of digits after the point.
const PRECISION: usize = 8;

/// The number of digits of a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digits(
    /// The maximum number of significant digits. `None`: at most eight after the point in an array,
    /// all in a single number.
    pub Option<usize>,
);

/// One element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Element {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    F32(f32),
    F64(f64),
}

impl Element {
    /// The element of a number, of bytes in C order.
    pub(crate) fn read(dtype: DType, bytes: &[u8], at: usize) -> Element {
        let size = dtype.size();
        let mut raw = [0u8; 8];
        raw[..size].copy_from_slice(&bytes[at * size..][..size]);
        let bits = u64::from_le_bytes(raw);
        match dtype {
            DType::Bool => Element::Bool(bits != 0),
            DType::I8 => Element::Signed(i64::from(bits as i8)),
            DType::I16 => Element::Signed(i64::from(bits as i16)),
            DType::I32 => Element::Signed(i64::from(bits as i32)),
            DType::I64 => Element::Signed(bits as i64),
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => Element::Unsigned(bits),
            DType::F32 => Element::F32(f32::from_bits(bits as u32)),
            _ => Element::F64(f64::from_bits(bits)),
        }
    }

    /// The element where it is a float.
    pub(crate) fn float(self) -> Option<f64> {
        match self {
            Element::F32(x) => Some(f64::from(x)),
            Element::F64(x) => Some(x),
            _ => None,
        }
    }

    /// The magnitude from which floats have exponents: `f32` is not exact to a digit from a million
    /// on.
    pub(crate) fn largest(self, double: f64) -> f64 {
        if matches!(self, Element::F32(_)) { 1e6 } else { double }
    }

    /// Formats a single number.
    pub(crate) fn alone(self, digits: Digits) -> String {
        match self.float() {
            None => self.whole(),
            Some(x) if !x.is_finite() => special(x),
            Some(x) if x != 0.0 && !(1e-4..self.largest(1e16)).contains(&x.abs()) => {
                let (shortest, _) = self.scientific(None);
                let most = digits.0.map(|n| (n - 1).min(fraction(&shortest)));
                let (text, exponent) = self.scientific(most);
                let text = match digits.0 {
                    Some(_) if text.contains('.') => text.trim_end_matches('0'),
                    _ => &text,
                };
                format!("{}e{exponent:+03}", text.trim_end_matches('.'))
            }
            Some(_) => {
                let most = digits.0.map_or(usize::MAX, |n| self.after_the_point(n));
                let text = self.shortened(most);
                if text.ends_with('.') { text + "0" } else { text }
            }
        }
    }

    /// A value that is not a float.
    pub(crate) fn whole(self) -> String {
        match self {
            Element::Bool(true) => "True".to_string(),
            Element::Bool(false) => "False".to_string(),
            Element::Signed(x) => x.to_string(),
            Element::Unsigned(x) => x.to_string(),
            Element::F32(x) => x.to_string(),
            Element::F64(x) => x.to_string(),
        }
    }

    /// Formats a finite float with a point, in the fewest digits.
    pub(crate) fn positional(self, digits: Digits) -> String {
        self.shortened(digits.0.map_or(PRECISION, |n| self.after_the_point(n)))
    }

    /// The number of digits after the point for `digits` significant ones.
    fn after_the_point(self, digits: usize) -> usize {
        let (_, exponent) = self.scientific(None);
        (digits as i64 - 1 - i64::from(exponent)).max(0) as usize
    }

    /// The fewest digits that round to the value, at most `most` after the point.
    fn shortened(self, most: usize) -> String {
        let text = self.whole();
        match text.split_once('.') {
            None => text + ".",
            Some((_, fraction)) if fraction.len() <= most => text,
            Some(_) => {
                let text = match self {
                    Element::F32(x) => format!("{x:.most$}"),
                    Element::F64(x) => format!("{x:.most$}"),
                    _ => text,
                };
                match text.contains('.') {
                    true => text.trim_end_matches('0').to_string(),
                    false => text + ".",
                }
            }
        }
    }

    /// The number of digits after the point in exponent notation.
    pub(crate) fn needed(self, digits: Digits) -> usize {
        let most = digits.0.map_or(PRECISION, |n| n - 1);
        let shortest = fraction(&self.scientific(None).0);
        let (text, _) = self.scientific(Some(shortest.min(most)));
        fraction(if shortest > 0 { text.trim_end_matches('0') } else { &text })
    }

    /// The mantissa with this number of digits after the point, and the exponent; `None` is the
    /// fewest digits that round to the value.
    pub(crate) fn scientific(self, fraction: Option<usize>) -> (String, i32) {
        let text = match (self, fraction) {
            (Element::F32(x), None) => format!("{x:e}"),
            (Element::F32(x), Some(n)) => format!("{x:.n$e}"),
            (other, None) => format!("{:e}", other.float().unwrap_or_default()),
            (other, Some(n)) => format!("{:.n$e}", other.float().unwrap_or_default()),
        };
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let point = if digits.contains('.') { "" } else { "." };
        (format!("{digits}{point}"), exponent.parse().unwrap_or(0))
    }
}

/// NaN and the infinities.
pub(crate) fn special(x: f64) -> String {
    if x.is_nan() { "nan".to_string() } else { x.to_string() }
}

/// The number of digits after the point.
pub(crate) fn fraction(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}
