//! Arrays as JSON: one object, in which each array is nested lists under its name.

use std::fmt::{self, Write};

use super::element::Element;
use super::show::Shown;

/// Writes the object. JSON has neither NaN nor infinities; they are `null`.
pub(crate) fn write<'a>(
    out: &mut impl Write,
    arrays: impl Iterator<Item = Shown<'a>>,
) -> fmt::Result {
    for (number, array) in arrays.enumerate() {
        // Names are made of letters, digits and underscores: nothing is to be escaped.
        let name = array.name.unwrap_or_default();
        write!(out, "{}\"{name}\": ", if number == 0 { "{" } else { ",\n " })?;
        lists(out, &array, 0, 0)?;
    }
    out.write_str("}\n")
}

/// Writes the elements at an index of the outer axes.
fn lists(out: &mut impl Write, array: &Shown<'_>, depth: usize, place: usize) -> fmt::Result {
    let Some(extent) = array.shape.get(depth) else {
        return number(out, Element::read(array.dtype, &array.bytes, place));
    };
    out.write_char('[')?;
    for i in 0..*extent {
        if i > 0 {
            out.write_str(", ")?;
        }
        lists(out, array, depth + 1, place * extent + i)?;
    }
    out.write_char(']')
}

pub(crate) fn number(out: &mut impl Write, element: Element) -> fmt::Result {
    match element {
        Element::Bool(x) => write!(out, "{x}"),
        Element::Signed(x) => write!(out, "{x}"),
        Element::Unsigned(x) => write!(out, "{x}"),
        // The fewest digits that give the same float again.
        Element::F32(x) if x.is_finite() => write!(out, "{x:?}"),
        Element::F64(x) if x.is_finite() => write!(out, "{x:?}"),
        Element::F32(_) | Element::F64(_) => out.write_str("null"),
    }
}

#[cfg(test)]
mod tests {
    use hotloop::DType;

    use super::*;

    #[test]
    fn lists_of_numbers() {
        let floats = [1.0, 1e300, f64::NAN, -1.5e-7, f64::INFINITY, 0.1];
        let bytes: Vec<u8> = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
        let f64s =
            Shown { name: Some("f"), dtype: DType::F64, shape: &[2, 3], bytes: bytes.into() };
        let empty = Shown { name: Some("e"), dtype: DType::U8, shape: &[0], bytes: [][..].into() };
        let truth =
            Shown { name: Some("t"), dtype: DType::Bool, shape: &[], bytes: [1][..].into() };
        let most = u64::MAX.to_le_bytes();
        let most =
            Shown { name: Some("u"), dtype: DType::U64, shape: &[1], bytes: most[..].into() };
        let mut text = String::new();
        write(&mut text, [f64s, empty, truth, most].into_iter()).unwrap();
        let lists = "{\"f\": [[1.0, 1e300, null], [-1.5e-7, null, 0.1]],\n \"e\": [],\n \
                     \"t\": true,\n \"u\": [18446744073709551615]}\n";
        assert_eq!(text, lists);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["f"][1][2], 0.1);
    }
}
