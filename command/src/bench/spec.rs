//! The description of an array for `hotloop bench`: `NAME:DTYPE[EXTENT,EXTENT,...]:LAYOUT`.

use hotloop::DType;

use crate::input::is_name;
use crate::quantity::count;

/// The memory layout of an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The last axis varies fastest.
    #[default]
    C,
    /// The first axis varies fastest.
    Fortran,
    /// The last axis runs backwards.
    Reversed,
    /// Every second element along the last axis.
    Second,
    /// One byte past an aligned address.
    Odd,
}

impl Layout {
    const NAMES: [(&'static str, Layout); 5] = [
        ("C", Layout::C),
        ("F", Layout::Fortran),
        ("rev", Layout::Reversed),
        ("step2", Layout::Second),
        ("odd", Layout::Odd),
    ];
}

/// An array to draw; omitted parts have the default of all arrays.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spec {
    /// The element type.
    pub dtype: Option<DType>,
    /// The extents of the axes.
    pub extents: Option<Vec<usize>>,
    /// The layout.
    pub layout: Layout,
}

impl Spec {
    /// Parses a word.
    ///
    /// # Errors
    /// The error as a sentence that quotes the word.
    pub(crate) fn parse(word: &str) -> Result<(String, Spec), String> {
        let wrong = |what: String| format!("{word:?}: {what}");
        let (name, rest) = word
            .split_once(':')
            .ok_or_else(|| wrong("an array is of the form name:dtype[extents]:layout".into()))?;
        if !is_name(name) {
            return Err(wrong(format!("{name:?} cannot be the name of an input")));
        }
        if rest.is_empty() {
            return Err(wrong("a dtype, extents or a layout is missing".into()));
        }
        let (kind, layout) = match rest.split_once(':') {
            Some((kind, layout)) => (kind, Some(layout)),
            None => (rest, None),
        };
        let (dtype, extents) = match kind.split_once('[') {
            Some((dtype, list)) => {
                let list = list.strip_suffix(']');
                (dtype, Some(list.ok_or_else(|| wrong("a ']' is missing".into()))?))
            }
            None => (kind, None),
        };
        let spec = Spec {
            dtype: match dtype {
                "" => None,
                _ => Some(
                    DType::from_name(dtype)
                        .ok_or_else(|| wrong(format!("{dtype:?} is not a dtype")))?,
                ),
            },
            extents: extents.map(extents_of).transpose().map_err(wrong)?,
            layout: match layout {
                None => Layout::C,
                Some(layout) => named(layout).map_err(wrong)?,
            },
        };
        Ok((name.to_string(), spec))
    }
}

fn extents_of(list: &str) -> Result<Vec<usize>, String> {
    let words: Vec<&str> = if list.trim().is_empty() { vec![] } else { list.split(',').collect() };
    let extent = |word: &str| {
        let word = word.trim();
        count(word).ok_or_else(|| format!("{word:?} is not an extent such as 1000 or 1e6"))
    };
    words.into_iter().map(extent).collect()
}

fn named(layout: &str) -> Result<Layout, String> {
    let found = Layout::NAMES.iter().find(|(name, _)| *name == layout);
    found.map(|(_, layout)| *layout).ok_or_else(|| {
        let names: Vec<&str> = Layout::NAMES.iter().map(|(name, _)| *name).collect();
        format!("{layout:?} is not a layout; take one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let parsed = |word| Spec::parse(word).unwrap();
        let spec = |dtype, extents: Option<&[usize]>, layout| Spec {
            dtype,
            extents: extents.map(<[usize]>::to_vec),
            layout,
        };
        for (word, expected) in [
            ("a:f64[4000,4_000]:F", spec(Some(DType::F64), Some(&[4000, 4000]), Layout::Fortran)),
            ("a:[1e3, 1]", spec(None, Some(&[1000, 1]), Layout::C)),
            ("a:f32", spec(Some(DType::F32), None, Layout::C)),
            ("a:i8[]", spec(Some(DType::I8), Some(&[]), Layout::C)),
            ("a::rev", spec(None, None, Layout::Reversed)),
            ("a:bool[2]:step2", spec(Some(DType::Bool), Some(&[2]), Layout::Second)),
            ("a:[2]:odd", spec(None, Some(&[2]), Layout::Odd)),
            ("a:[2]:C", spec(None, Some(&[2]), Layout::C)),
        ] {
            assert_eq!(parsed(word), ("a".to_string(), expected), "{word}");
        }
    }

    #[test]
    fn wrong_words() {
        for word in [
            "a",
            "a:",
            ":f64[2]",
            "2a:f64",
            "a:f65",
            "a:f64[2",
            "a:f64 2]",
            "a:f64[x]",
            "a:f64[0]",
            "a:f64[-1]",
            "a:f64[1.5]",
            "a:f64[2,]",
            "a:f64[1e16]",
            "a:f64[2]:G",
            "a:f64[2]:",
            "a:f64[2]C",
        ] {
            let error = Spec::parse(word).unwrap_err();
            assert!(error.contains(&format!("{word:?}")), "{error}");
        }
    }
}
