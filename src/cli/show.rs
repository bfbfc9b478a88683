//! Printing an array for people, laid out as NumPy does: aligned columns of at most 75
//! characters, floats in the fewest digits that tell them apart but at most 8 after the point,
//! and three elements at each edge of an axis where there are more than a thousand in all.

use hotloop::{DType, Output};

/// Arrays of more elements are summarised.
const THRESHOLD: usize = 1000;
/// Elements shown at each edge of a summarised axis.
const EDGE: usize = 3;
/// Lines are broken before they are longer.
const WIDTH: usize = 75;
/// Digits after the point.
const PRECISION: usize = 8;
/// A summary of many axes may still be long; beyond this many elements nothing is shown.
const MOST: usize = 100_000;

/// The outputs, with an empty line between them.
pub(crate) fn show_all<'a>(outputs: impl Iterator<Item = &'a Output>) -> String {
    let show = |o: &Output| show(o.name(), o.dtype(), o.shape(), &o.bytes());
    outputs.map(show).collect::<Vec<_>>().join("\n")
}

/// A name, an array's dtype and shape, and on the lines below its elements, whose bytes are given
/// in C order.
pub(crate) fn show(name: Option<&str>, dtype: DType, extents: &[usize], bytes: &[u8]) -> String {
    let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
    let elements = elements(dtype, extents, bytes);
    format!("{name}{dtype} {}\n{elements}\n", shape(extents))
}

/// A shape as Python writes it.
pub(crate) fn shape(shape: &[usize]) -> String {
    match shape {
        [n] => format!("({n},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// The elements in nested brackets.
fn elements(dtype: DType, shape: &[usize], bytes: &[u8]) -> String {
    if shape.contains(&0) {
        return "[]".to_string();
    }
    let count: usize = shape.iter().product();
    let axes: Vec<Axis> =
        shape.iter().map(|extent| Axis::new(*extent, count > THRESHOLD)).collect();
    let shown = axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.edges().count()));
    if shown.is_none_or(|n| n > MOST) {
        return "[...]".to_string();
    }
    let mut places = vec![0];
    for axis in &axes {
        places =
            places.iter().flat_map(|at| axis.edges().map(move |i| at * axis.extent + i)).collect();
    }
    let values: Vec<Value> = places.into_iter().map(|at| Value::read(dtype, bytes, at)).collect();
    if shape.is_empty() {
        return values[0].alone();
    }
    let words = aligned(&values);
    Layout { axes: &axes, words: words.iter() }.brackets(0, WIDTH)
}

/// One axis, and which of its elements are shown.
struct Axis {
    extent: usize,
    summary: bool,
}

impl Axis {
    fn new(extent: usize, summarise: bool) -> Axis {
        Axis { extent, summary: summarise && extent > 2 * EDGE }
    }

    /// The elements shown, without the dots between them.
    fn edges(&self) -> impl Iterator<Item = usize> + use<> {
        let (head, tail) =
            if self.summary { (EDGE, self.extent - EDGE) } else { (self.extent, self.extent) };
        (0..head).chain(tail..self.extent)
    }

    /// Whether the dots stand before the shown element of this number.
    fn dots_before(&self, number: usize) -> bool {
        self.summary && number == EDGE
    }
}

/// Words of one width to be put in lines and brackets.
struct Layout<'a> {
    axes: &'a [Axis],
    words: std::slice::Iter<'a, String>,
}

impl Layout<'_> {
    fn brackets(&mut self, depth: usize, width: usize) -> String {
        let indent = " ".repeat(depth + 1);
        let axis = &self.axes[depth];
        let inner = self.axes.len() - depth - 1;
        let mut text = String::new();
        let mut line = indent.clone();
        for (number, _) in axis.edges().enumerate() {
            if inner == 0 {
                let dots = axis.dots_before(number).then_some("...");
                let word = self.words.next().map(String::as_str);
                for word in dots.into_iter().chain(word) {
                    if line.len() + word.len() + 1 > width && line.len() > indent.len() {
                        text += line.trim_end();
                        text.push('\n');
                        line.clone_from(&indent);
                    }
                    line += word;
                    line.push(' ');
                }
            } else {
                let gap = "\n".repeat(inner);
                if number > 0 {
                    text += &gap;
                }
                if axis.dots_before(number) {
                    text += &indent;
                    text += "...";
                    text += &gap;
                }
                text += &indent;
                text += &self.brackets(depth + 1, width - 1);
            }
        }
        if inner == 0 {
            // Only the space after the last word goes: padding is part of a word.
            text += &line[..line.len() - 1];
        }
        format!("[{}]", &text[indent.len()..])
    }
}

/// One element.
#[derive(Clone, Copy)]
enum Value {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    F32(f32),
    F64(f64),
}

impl Value {
    fn read(dtype: DType, bytes: &[u8], at: usize) -> Value {
        let size = dtype.size();
        let mut raw = [0u8; 8];
        raw[..size].copy_from_slice(&bytes[at * size..][..size]);
        let bits = u64::from_le_bytes(raw);
        match dtype {
            DType::Bool => Value::Bool(bits != 0),
            DType::I8 => Value::Signed(i64::from(bits as i8)),
            DType::I16 => Value::Signed(i64::from(bits as i16)),
            DType::I32 => Value::Signed(i64::from(bits as i32)),
            DType::I64 => Value::Signed(bits as i64),
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => Value::Unsigned(bits),
            DType::F32 => Value::F32(f32::from_bits(bits as u32)),
            DType::F64 => Value::F64(f64::from_bits(bits)),
        }
    }

    /// The value where it is a float.
    fn float(self) -> Option<f64> {
        match self {
            Value::F32(x) => Some(f64::from(x)),
            Value::F64(x) => Some(x),
            _ => None,
        }
    }

    /// From where on floats are written with exponents: `f32` has no digits to spare from a
    /// million on.
    fn largest(self, double: f64) -> f64 {
        if matches!(self, Value::F32(_)) { 1e6 } else { double }
    }

    /// A number of its own: all its digits.
    fn alone(self) -> String {
        match self.float() {
            None => self.whole(),
            Some(x) if !x.is_finite() => special(x),
            Some(x) if x != 0.0 && !(1e-4..self.largest(1e16)).contains(&x.abs()) => {
                let (digits, exponent) = self.scientific(None);
                let digits = digits.trim_end_matches('.');
                format!("{digits}e{exponent:+03}")
            }
            Some(_) => {
                let text = self.positional(usize::MAX);
                if text.ends_with('.') { text + "0" } else { text }
            }
        }
    }

    /// A value that is not a float.
    fn whole(self) -> String {
        match self {
            Value::Bool(true) => "True".to_string(),
            Value::Bool(false) => "False".to_string(),
            Value::Signed(x) => x.to_string(),
            Value::Unsigned(x) => x.to_string(),
            Value::F32(x) => x.to_string(),
            Value::F64(x) => x.to_string(),
        }
    }

    /// The fewest digits that round to the value, at most so many after the point; with a point.
    fn positional(self, most: usize) -> String {
        let text = self.whole();
        match text.split_once('.') {
            None => text + ".",
            Some((_, fraction)) if fraction.len() <= most => text,
            Some(_) => {
                let text = match self {
                    Value::F32(x) => format!("{x:.most$}"),
                    Value::F64(x) => format!("{x:.most$}"),
                    _ => text,
                };
                text.trim_end_matches('0').to_string()
            }
        }
    }

    /// The digits before the exponent, so many after the point, and the exponent; `None` is the
    /// fewest digits that round to the value.
    fn scientific(self, fraction: Option<usize>) -> (String, i32) {
        let text = match (self, fraction) {
            (Value::F32(x), None) => format!("{x:e}"),
            (Value::F32(x), Some(n)) => format!("{x:.n$e}"),
            (other, None) => format!("{:e}", other.float().unwrap_or_default()),
            (other, Some(n)) => format!("{:.n$e}", other.float().unwrap_or_default()),
        };
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let point = if digits.contains('.') { "" } else { "." };
        (format!("{digits}{point}"), exponent.parse().unwrap_or(0))
    }
}

/// NaN and the infinities.
fn special(x: f64) -> String {
    if x.is_nan() { "nan".to_string() } else { x.to_string() }
}

/// Every value as a word; all of one width.
fn aligned(values: &[Value]) -> Vec<String> {
    if values.first().is_some_and(|v| v.float().is_some()) {
        return floats(values);
    }
    let words: Vec<String> = values.iter().map(|v| v.whole()).collect();
    let widest = words.iter().map(String::len).max().unwrap_or(0);
    let width = if matches!(values[0], Value::Bool(_)) { "False".len() } else { widest };
    words.into_iter().map(|w| format!("{w:>width$}")).collect()
}

/// Floats with their points below each other; with exponents where magnitudes differ much.
fn floats(values: &[Value]) -> Vec<String> {
    let large = values[0].largest(1e8);
    let finite = |x: &f64| x.is_finite();
    let sizes = values.iter().filter_map(|v| v.float()).filter(finite).map(f64::abs);
    let (least, most) = sizes
        .filter(|x| *x != 0.0)
        .fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
    let exponents = most > 0.0 && (most >= large || least < 1e-4 || most / least > 1000.0);
    let ordinary: Vec<Value> =
        values.iter().copied().filter(|v| v.float().as_ref().is_some_and(finite)).collect();
    let words = if exponents { with_exponents(&ordinary) } else { with_points(&ordinary) };
    let mut words = words.into_iter();
    let word = |v: &Value| match v.float() {
        Some(x) if !x.is_finite() => special(x),
        _ => words.next().unwrap_or_default(),
    };
    let words: Vec<String> = values.iter().map(word).collect();
    let width = words.iter().map(String::len).max().unwrap_or(0);
    words.into_iter().map(|w| format!("{w:>width$}")).collect()
}

/// Finite floats without exponents: padded on both sides of the point.
fn with_points(values: &[Value]) -> Vec<String> {
    let parts: Vec<String> = values.iter().map(|v| v.positional(PRECISION)).collect();
    let right = parts.iter().map(|p| fraction(p)).max().unwrap_or(0);
    parts.into_iter().map(|p| format!("{p}{}", " ".repeat(right - fraction(&p)))).collect()
}

/// Finite floats with exponents: all with as many digits as the one that needs most.
fn with_exponents(values: &[Value]) -> Vec<String> {
    let needed = |v: &Value| {
        let digits = fraction(&v.scientific(None).0);
        let (text, _) = v.scientific(Some(digits.min(PRECISION)));
        fraction(if digits > 0 { text.trim_end_matches('0') } else { &text })
    };
    let right = values.iter().map(needed).max().unwrap_or(0);
    let parts: Vec<(String, i32)> = values.iter().map(|v| v.scientific(Some(right))).collect();
    let digits = |e: i32| e.unsigned_abs().to_string().len();
    let width = parts.iter().map(|(_, e)| digits(*e)).max().unwrap_or(0).max(2);
    let word = |(text, e): (String, i32)| {
        let sign = if e < 0 { '-' } else { '+' };
        format!("{text}e{sign}{:0>width$}", e.unsigned_abs())
    };
    parts.into_iter().map(word).collect()
}

/// How many digits stand after the point.
fn fraction(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f64s(shape: &[usize], values: &[f64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        elements(DType::F64, shape, &bytes)
    }

    fn i32s(shape: &[usize], values: impl Iterator<Item = i32>) -> String {
        let bytes: Vec<u8> = values.flat_map(|x| x.to_le_bytes()).collect();
        elements(DType::I32, shape, &bytes)
    }
    #[test]
    fn as_numpy_prints() {
        assert_eq!(f64s(&[4], &[1.0, 2.5, f64::NAN, f64::NEG_INFINITY]), "[ 1.   2.5  nan -inf]");
        assert_eq!(f64s(&[3], &[1e-5, 123456.0, -3.0]), "[ 1.00000e-05  1.23456e+05 -3.00000e+00]");
        assert_eq!(f64s(&[2], &[1e100, 1.0]), "[1.e+100 1.e+000]");
        assert_eq!(f64s(&[2], &[1.0 / 3.0, 1.999_999_999_9]), "[0.33333333 2.        ]");
        assert_eq!(f64s(&[2], &[f64::NAN, f64::INFINITY]), "[nan inf]");
        assert_eq!(f64s(&[2], &[0.0, -0.0]), "[ 0. -0.]");
        assert_eq!(f64s(&[0, 3], &[]), "[]");
        assert_eq!(i32s(&[2, 1, 3], 0..6), "[[[0 1 2]]\n\n [[3 4 5]]]");
        assert_eq!(elements(DType::Bool, &[2], &[1, 0]), "[ True False]");
    }

    #[test]
    fn one_number_has_all_its_digits() {
        for (x, text) in [
            (6.0, "6.0"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1e16, "1e+16"),
            (-1.5e-7, "-1.5e-07"),
            (f64::NAN, "nan"),
            (-0.0, "-0.0"),
        ] {
            assert_eq!(f64s(&[], &[x]), text);
        }
        for (x, text) in [
            (999_999.94f32, "999999.94"),
            (1e6, "1e+06"),
            (-5e6, "-5e+06"),
            (1_234_567.0, "1.234567e+06"),
            (123_456_789.0, "1.2345679e+08"),
            (1e-4, "1e-04"),
            (0.000_101, "0.000101"),
            (0.1, "0.1"),
        ] {
            assert_eq!(elements(DType::F32, &[], &x.to_le_bytes()), text);
        }
        assert_eq!(elements(DType::U64, &[], &[255; 8]), u64::MAX.to_string());
    }

    #[test]
    fn long_rows_wrap_and_large_arrays_are_summarised() {
        assert_eq!(
            i32s(&[20], 1000..1020),
            "[1000 1001 1002 1003 1004 1005 1006 1007 1008 1009 1010 1011 1012 1013\n 1014 1015 1016 1017 1018 1019]"
        );
        assert_eq!(i32s(&[2000], 0..2000), "[   0    1    2 ... 1997 1998 1999]");
        let square = i32s(&[40, 100], 0..4000);
        let lines: Vec<&str> = square.lines().collect();
        assert_eq!(lines[0], "[[   0    1    2 ...   97   98   99]");
        assert_eq!(lines[3], " ...");
        assert_eq!(lines[6], " [3900 3901 3902 ... 3997 3998 3999]]");
        assert_eq!(lines.len(), 7);
    }

    #[test]
    fn many_axes_stay_short() {
        assert_eq!(i32s(&[2; 18], 0..1 << 18), "[...]");
    }
}
