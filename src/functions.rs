//! The functions of the language, for documentation and completion.

use crate::ops::{self, Class, RESOLVED, Row, TWO_RESULTS};

/// A function of the language.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FunctionInfo {
    /// The name.
    pub name: &'static str,
    /// Other names of the same function.
    pub aliases: Vec<&'static str>,
    /// The signature: `clip(x, low, high)`.
    pub signature: String,
    /// One line of documentation.
    pub about: &'static str,
    /// Whether it reduces along axes.
    pub is_reduction: bool,
    /// The error bound for floats in units in the last place, 0.5 being correctly rounded; for
    /// elementwise functions only.
    pub ulp: Option<f32>,
}

impl FunctionInfo {
    fn of(row: &'static Row) -> FunctionInfo {
        let mut names = row.names();
        let is_reduction = row.op.is_reduction();
        FunctionInfo {
            name: names.next().unwrap_or(row.name),
            aliases: names.collect(),
            signature: row.signature(),
            about: row.doc,
            is_reduction,
            ulp: (row.op.class() == Class::Elementwise).then_some(row.ulp),
        }
    }

    fn named(name: &'static str, signature: &str, about: &'static str) -> FunctionInfo {
        let (aliases, signature) = (Vec::new(), signature.to_string());
        FunctionInfo { name, aliases, signature, about, is_reduction: false, ulp: None }
    }

    /// All names, the usual one first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// The functions of the language, except conversions, which have the names of dtypes.
///
/// ```
/// let arcsin = hotloop::functions().find(|f| f.names().any(|name| name == "asin")).expect("one");
/// assert_eq!((arcsin.name, &*arcsin.signature, arcsin.ulp), ("arcsin", "arcsin(x)", Some(1.0)));
/// ```
pub fn functions() -> impl Iterator<Item = FunctionInfo> {
    let two = TWO_RESULTS.iter().map(|f| FunctionInfo::named(f.name, f.signature, f.doc));
    let resolved =
        RESOLVED.iter().map(|(name, call, about)| FunctionInfo::named(name, call, about));
    ops::functions().map(FunctionInfo::of).chain(two).chain(resolved)
}
