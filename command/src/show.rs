//! Printing arrays for people, laid out as NumPy does: aligned columns of at most 75 characters,
//! floats in the fewest digits that distinguish them, at most 8 after the point, and three elements
//! at each edge of an axis if there are more than a thousand in all.

use std::borrow::Cow;
use std::fmt::{self, Write};

use hotloop::{DType, Output};

use super::element::{Digits, Element, fraction, special};

/// Arrays of more elements are summarised.
const THRESHOLD: usize = 1000;
/// Elements shown at each edge of a summarised axis.
const EDGE: usize = 3;
/// Lines are broken before they are longer.
const WIDTH: usize = 75;
/// A summary of many axes may still be long; beyond this many elements nothing is shown.
const MOST: usize = 100_000;

/// How much of arrays is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// How many digits floats have.
    pub digits: Digits,
    /// Whether all elements are printed, however many there are.
    pub full: bool,
}

/// An array to be printed.
pub(crate) struct Shown<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// The elements' type.
    pub dtype: DType,
    /// The extents.
    pub shape: &'a [usize],
    /// The elements in C order.
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Shown<'a> {
    /// An output under a name.
    pub(crate) fn of(name: Option<&'a str>, output: &'a Output) -> Shown<'a> {
        Shown { name, dtype: output.dtype(), shape: output.shape(), bytes: output.bytes() }
    }
}

impl Style {
    /// Writes arrays, with an empty line between them; numbers that stand alone are lines of their
    /// own.
    pub(crate) fn show_all<'a>(
        self,
        out: &mut impl Write,
        arrays: impl Iterator<Item = Shown<'a>>,
    ) -> fmt::Result {
        let mut before = None;
        for array in arrays {
            let number = array.shape.is_empty();
            if before.is_some_and(|before| !(before && number)) {
                out.write_char('\n')?;
            }
            self.show(out, &array)?;
            before = Some(number);
        }
        Ok(())
    }

    /// Writes an array: its name, dtype and shape, then its elements on the following lines. A
    /// number is one line, with its dtype only if Python has no such number.
    fn show(self, out: &mut impl Write, array: &Shown<'_>) -> fmt::Result {
        if let Some(name) = array.name {
            write!(out, "{name}: ")?;
        }
        match (array.shape, array.dtype) {
            ([], DType::Bool | DType::I64 | DType::F64) => {}
            ([], dtype) => write!(out, "{dtype} ")?,
            (extents, dtype) => writeln!(out, "{dtype} {}", shape(extents))?,
        }
        self.elements(out, array.dtype, array.shape, &array.bytes)?;
        out.write_char('\n')
    }

    /// Writes the elements in nested brackets.
    fn elements(
        self,
        out: &mut impl Write,
        dtype: DType,
        shape: &[usize],
        bytes: &[u8],
    ) -> fmt::Result {
        if shape.contains(&0) {
            return out.write_str("[]");
        }
        if shape.is_empty() {
            return out.write_str(&Element::read(dtype, bytes, 0).alone(self.digits));
        }
        let count: usize = shape.iter().product();
        let summarise = count > THRESHOLD && !self.full;
        let axes: Vec<Axis> = shape.iter().map(|extent| Axis::new(*extent, summarise)).collect();
        let shown = axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.edges().count()));
        if !self.full && shown.is_none_or(|n| n > MOST) {
            return out.write_str("[...]");
        }
        let array = Layout { axes: &axes, dtype, bytes };
        let form = Form::of(&array, self.digits);
        array.brackets(out, &form, 0, 0, WIDTH)
    }
}

/// A shape as Python writes it.
pub(crate) fn shape(shape: &[usize]) -> String {
    match shape {
        [n] => format!("({n},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
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

/// The elements of an array that are shown.
struct Layout<'a> {
    axes: &'a [Axis],
    dtype: DType,
    bytes: &'a [u8],
}

impl Layout<'_> {
    fn element(&self, at: usize) -> Element {
        Element::read(self.dtype, self.bytes, at)
    }

    /// Visits the elements in order.
    fn each(&self, visit: &mut impl FnMut(Element)) {
        self.each_within(0, 0, visit);
    }

    fn each_within(&self, depth: usize, place: usize, visit: &mut impl FnMut(Element)) {
        match self.axes.get(depth) {
            None => visit(self.element(place)),
            Some(axis) => axis
                .edges()
                .for_each(|i| self.each_within(depth + 1, place * axis.extent + i, visit)),
        }
    }

    /// Writes the elements at an index of the outer axes, in brackets and lines of limited width.
    fn brackets(
        &self,
        out: &mut impl Write,
        form: &Form,
        depth: usize,
        place: usize,
        width: usize,
    ) -> fmt::Result {
        let indent = " ".repeat(depth + 1);
        let axis = &self.axes[depth];
        let inner = self.axes.len() - depth - 1;
        out.write_char('[')?;
        if inner == 0 {
            self.row(out, form, axis, place, (&indent, width))?;
            return out.write_char(']');
        }
        let gap = "\n".repeat(inner);
        for (number, i) in axis.edges().enumerate() {
            if number > 0 {
                write!(out, "{gap}{indent}")?;
            }
            if axis.dots_before(number) {
                write!(out, "...{gap}{indent}")?;
            }
            self.brackets(out, form, depth + 1, place * axis.extent + i, width - 1)?;
        }
        out.write_char(']')
    }

    /// Writes the words of the last axis; lines after the first are indented.
    fn row(
        &self,
        out: &mut impl Write,
        form: &Form,
        axis: &Axis,
        place: usize,
        (indent, width): (&str, usize),
    ) -> fmt::Result {
        let mut line = String::new();
        let mut begun = "";
        for (number, i) in axis.edges().enumerate() {
            let dots = axis.dots_before(number).then(|| "...".to_string());
            let word = form.word(self.element(place * axis.extent + i));
            for word in dots.into_iter().chain([word]) {
                if indent.len() + line.len() + word.len() + 1 > width && !line.is_empty() {
                    writeln!(out, "{begun}{}", line.trim_end())?;
                    line.clear();
                    begun = indent;
                }
                line += &word;
                line.push(' ');
            }
        }
        // Only the space after the last word goes: padding is part of a word.
        line.pop();
        write!(out, "{begun}{line}")
    }
}

/// How the elements of an array are written, so that all are of one width.
struct Form {
    digits: Digits,
    width: usize,
    notation: Notation,
}

enum Notation {
    /// Integers and truth values.
    Whole,
    /// Floats, padded to the same number of characters after the point.
    Points(usize),
    /// Floats with exponents: digits after the point, digits of the exponent.
    Exponents(usize, usize),
}

impl Form {
    fn of(array: &Layout<'_>, digits: Digits) -> Form {
        let mut form = Form { digits, width: 0, notation: Notation::of(array, digits) };
        let mut width = if array.dtype == DType::Bool { "False".len() } else { 0 };
        array.each(&mut |x| width = width.max(form.unpadded(x).len()));
        form.width = width;
        form
    }

    fn word(&self, x: Element) -> String {
        format!("{:>1$}", self.unpadded(x), self.width)
    }

    fn unpadded(&self, x: Element) -> String {
        match (x.float(), &self.notation) {
            (None, _) | (_, Notation::Whole) => x.whole(),
            (Some(float), _) if !float.is_finite() => special(float),
            (_, Notation::Points(right)) => {
                let text = x.positional(self.digits);
                let blanks = " ".repeat(right.saturating_sub(fraction(&text)));
                text + &blanks
            }
            (_, Notation::Exponents(right, width)) => {
                let (text, e) = x.scientific(Some(*right));
                let sign = if e < 0 { '-' } else { '+' };
                format!("{text}e{sign}{:0>width$}", e.unsigned_abs())
            }
        }
    }
}

impl Notation {
    /// Floats have their points below each other; exponents where magnitudes differ much.
    fn of(array: &Layout<'_>, digits: Digits) -> Notation {
        if !matches!(array.dtype, DType::F32 | DType::F64) {
            return Notation::Whole;
        }
        let finite = |x: Element| x.float().filter(|x| x.is_finite()).map(f64::abs);
        let (mut least, mut most, mut large) = (f64::INFINITY, 0.0f64, 0.0);
        array.each(&mut |x| {
            large = x.largest(1e8);
            if let Some(size) = finite(x).filter(|x| *x != 0.0) {
                (least, most) = (least.min(size), most.max(size));
            }
        });
        let exponents = most > 0.0 && (most >= large || least < 1e-4 || most / least > 1000.0);
        let (mut right, mut width) = (0, 2);
        array.each(&mut |x| {
            if finite(x).is_none() {
            } else if exponents {
                right = right.max(x.needed(digits));
            } else {
                right = right.max(fraction(&x.positional(digits)));
            }
        });
        if !exponents {
            return Notation::Points(right);
        }
        // Rounding may change the exponent of a number.
        array.each(&mut |x| {
            if finite(x).is_some() {
                let (_, exponent) = x.scientific(Some(right));
                width = width.max(exponent.unsigned_abs().to_string().len());
            }
        });
        Notation::Exponents(right, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styled(style: Style, dtype: DType, shape: &[usize], bytes: &[u8]) -> String {
        let mut text = String::new();
        style.elements(&mut text, dtype, shape, bytes).unwrap();
        text
    }

    fn elements(dtype: DType, shape: &[usize], bytes: &[u8]) -> String {
        styled(Style::default(), dtype, shape, bytes)
    }

    fn digits(n: usize, shape: &[usize], values: &[f64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let style = Style { digits: Digits(Some(n)), full: false };
        styled(style, DType::F64, shape, &bytes)
    }

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

    #[test]
    fn significant_digits() {
        let third = 1.0 / 3.0;
        assert_eq!(digits(3, &[], &[third]), "0.333");
        assert_eq!(digits(17, &[], &[third]), "0.3333333333333333");
        assert_eq!(digits(3, &[], &[1234.5]), "1234.0");
        assert_eq!(digits(1, &[], &[9.7]), "10.0");
        assert_eq!(digits(3, &[], &[1.5e-7]), "1.5e-07");
        assert_eq!(digits(3, &[], &[1.23456e20]), "1.23e+20");
        assert_eq!(digits(1, &[], &[1.9e20]), "2e+20");
        assert_eq!(digits(3, &[2], &[third, 100.0 * third]), "[ 0.333 33.3  ]");
        assert_eq!(digits(2, &[2], &[1.23456e20, 1.0]), "[1.2e+20 1.0e+00]");
        let exact = 1.844_674_407_370_955_2e19;
        assert_eq!(digits(17, &[1], &[exact]), "[1.8446744073709552e+19]");
        // Enough digits to distinguish any floats.
        assert_eq!(f64s(&[2], &[0.000_123_456_789_012_34; 2]), "[0.00012346 0.00012346]");
        assert_eq!(digits(17, &[1], &[0.000_123_456_789_012_34]), "[0.00012345678901234]");
    }

    #[test]
    fn everything_can_be_shown() {
        let bytes: Vec<u8> = (0..3000i32).flat_map(|x| x.to_le_bytes()).collect();
        let full = Style { full: true, ..Style::default() };
        let text = styled(full, DType::I32, &[3000], &bytes);
        let numbers: Vec<i32> =
            text.trim_matches(['[', ']']).split_whitespace().map(|x| x.parse().unwrap()).collect();
        assert_eq!(numbers, (0..3000).collect::<Vec<_>>());
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        let text = styled(full, DType::U8, &[2; 18], &vec![7; 1 << 18]);
        assert_eq!(text.matches('7').count(), 1 << 18);
    }

    #[test]
    fn numbers_are_lines_and_arrays_have_headers() {
        let array = |name, dtype, shape, bytes: &'static [u8]| Shown {
            name,
            dtype,
            shape,
            bytes: bytes.into(),
        };
        let arrays = [
            array(None, DType::I64, &[], &[7, 0, 0, 0, 0, 0, 0, 0]),
            array(Some("small"), DType::U8, &[], &[5]),
            array(Some("row"), DType::U8, &[2], &[1, 2]),
            array(None, DType::Bool, &[], &[1]),
        ];
        let mut text = String::new();
        Style::default().show_all(&mut text, arrays.into_iter()).unwrap();
        assert_eq!(text, "7\nsmall: u8 5\n\nrow: u8 (2,)\n[1 2]\n\nTrue\n");
    }
}
