//! Descriptions of inputs: `NAME:TYPE[SHAPE]`, a file or a number.

use std::io;
use std::sync::Arc;

use hotloop::io::Source;
use hotloop::types::Kind;
use hotloop::{Arg, ArgType, DType, Program, Result};

use crate::arguments;
use crate::budget::Budget;
use crate::csv::Dialect;
use crate::file::{self, File, Held};
use crate::input::{self, Given, is_name};
use crate::quantity::count;

/// An extent of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Extent {
    /// A known extent.
    Number(usize),
    /// A named extent, equal wherever the name occurs.
    Name(String),
}

/// The description of an input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Described {
    /// A weak number.
    Weak(Kind),
    /// An array, or one element if it has no axes; maybe of a shape.
    Array(DType, Option<Vec<Extent>>),
    /// A file or a number.
    Given(Given),
}

impl Described {
    /// Reads a word: `name:type` or `name:type[shape]`.
    ///
    /// # Errors
    /// The error as a sentence.
    pub(crate) fn parse(word: &str) -> std::result::Result<(String, Described), String> {
        let (name, ty) = word
            .split_once(':')
            .ok_or_else(|| format!("{word:?} is not of the form name:type or name=file"))?;
        if !is_name(name) {
            return Err(format!("{word:?}: {name:?} cannot be the name of an input"));
        }
        let weak = |kind| Ok((name.to_string(), Described::Weak(kind)));
        match ty {
            "weak" | "float" => return weak(Kind::Float),
            "int" => return weak(Kind::Int),
            _ => {}
        }
        let (dtype, shape) = match (ty.strip_suffix('@'), ty.split_once('[')) {
            (Some(dtype), _) => (dtype, Some(Vec::new())),
            (None, None) => (ty, None),
            (None, Some((dtype, shape))) => {
                let list = shape.strip_suffix(']');
                let list = list.ok_or_else(|| format!("{word:?}: a ']' is missing"))?;
                let shape = extents(list).map_err(|what| format!("{word:?}: {what}"))?;
                (dtype, Some(shape))
            }
        };
        let dtype = DType::from_name(dtype).ok_or_else(|| {
            let names: Vec<&str> = DType::ALL.iter().map(|d| d.name()).collect();
            format!(
                "unknown type {ty:?}: take weak, int, float, one of {}, or that and '@'",
                names.join(" ")
            )
        })?;
        Ok((name.to_string(), Described::Array(dtype, shape)))
    }

    /// The same of an input of a name, a file being looked at.
    fn looked_up(&self, name: &str, dialect: &Dialect) -> Result<Described> {
        Ok(match self {
            Described::Given(Given::File(path)) => {
                Described::from(&file::held(path, name, dialect, &mut Budget::machine())?)
            }
            known => known.clone(),
        })
    }
}

impl From<&Held> for Described {
    fn from(held: &Held) -> Described {
        let shape = held.shape().iter().map(|n| Extent::Number(*n)).collect();
        Described::Array(held.dtype(), Some(shape))
    }
}

fn extents(list: &str) -> std::result::Result<Vec<Extent>, String> {
    if list.trim().is_empty() {
        return Ok(Vec::new());
    }
    let extent = |word: &str| match word.trim() {
        "0" => Ok(Extent::Number(0)),
        word if is_name(word) => Ok(Extent::Name(word.to_string())),
        word => count(word)
            .map(Extent::Number)
            .ok_or_else(|| format!("{word:?} is not an extent such as 1000 or n")),
    };
    list.split(',').map(extent).collect()
}

/// The descriptions of all inputs of a program.
pub(crate) struct Inputs(Vec<(String, Described)>);

/// The maximum number of extents tried for named axes.
const MOST_TRIALS: usize = 500;
/// An extent larger than any likely index, whose products rarely overflow.
const LONG: usize = 1 << 20;
/// The maximum rank tried for an array without a shape.
const MOST_AXES: usize = 4;

impl Inputs {
    /// Inspects the files. An undescribed input is in one of the unnamed files or, if there are
    /// none, an `f64` array.
    ///
    /// # Errors
    /// As reading the files.
    pub(crate) fn new(
        program: &Program,
        described: &[(String, Described)],
        given: &input::Inputs,
    ) -> Result<Inputs> {
        let mut inputs = Vec::new();
        for (name, described) in described {
            inputs.push((name.clone(), described.looked_up(name, &given.dialect)?));
        }
        let is_new = |name: &&str| described.iter().all(|(known, _)| known != name);
        let others: Vec<&str> = program.inputs().filter(is_new).collect();
        if given.files.is_empty() {
            let array = |name: &str| (name.to_string(), Described::Array(DType::F64, None));
            inputs.extend(others.into_iter().map(array));
            return Ok(Inputs(inputs));
        }
        let budget = &mut Budget::machine();
        let held = arguments::of_files(program, given, &others, budget, File::hold)?;
        inputs.extend(held.into_iter().map(|(name, held)| (name, Described::from(&*held))));
        Ok(Inputs(inputs))
    }

    /// The types of the inputs; arrays of the same shape share a class.
    ///
    /// # Errors
    /// `Limit` for too many shapes.
    pub(crate) fn types(&self) -> Result<Vec<(&str, ArgType)>> {
        let mut shapes: Vec<&[Extent]> = Vec::new();
        let mut types = Vec::new();
        for (name, described) in &self.0 {
            let ty = match described {
                Described::Weak(kind) => ArgType::weak(*kind),
                Described::Given(Given::Number(number)) => number.ty(),
                // Files have been inspected.
                Described::Given(_) => ArgType::array(DType::F64),
                Described::Array(dtype, None) => ArgType::array(*dtype),
                Described::Array(dtype, Some(shape)) if shape.is_empty() => ArgType::scalar(*dtype),
                Described::Array(dtype, Some(shape)) => {
                    let known = shapes.iter().position(|s| s == shape).unwrap_or(shapes.len());
                    if known == shapes.len() {
                        shapes.push(shape);
                    }
                    // Arrays without a shape have the first class.
                    ArgType::array_of_shape(*dtype, u8::try_from(known + 1).unwrap_or(u8::MAX))?
                }
            };
            types.push((name.as_str(), ty));
        }
        Ok(types)
    }

    /// Checks that the program can run with some arrays that match the descriptions, trying values
    /// for named extents.
    ///
    /// # Errors
    /// The first error of the runs.
    pub(crate) fn check(&self, program: &Program) -> Result<()> {
        let shapes = || {
            self.0.iter().filter_map(|(_, described)| match described {
                Described::Array(_, shape) => shape.as_ref(),
                _ => None,
            })
        };
        let (mut names, mut numbers) = (Vec::new(), vec![1]);
        for extent in shapes().flatten() {
            match extent {
                Extent::Name(name) if !names.contains(&name) => names.push(name),
                Extent::Number(n) if !numbers.contains(n) => numbers.push(*n),
                _ => {}
            }
        }
        numbers.push(LONG);
        let is_open =
            self.0.iter().any(|(_, described)| matches!(described, Described::Array(_, None)));
        // Arrays without a shape share one: each number of axes with each extent.
        let open = if is_open { MOST_AXES * numbers.len() } else { 1 };
        let exponent = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let trials = numbers.len().checked_pow(exponent).and_then(|n| n.checked_mul(open));
        // With this many names, the check is skipped.
        let Some(trials) = trials.filter(|trials| *trials <= MOST_TRIALS) else { return Ok(()) };
        let mut first = None;
        for trial in 0..trials {
            let mut rest = trial;
            let mut next = |count: usize| {
                let digit = rest % count;
                rest /= count;
                digit
            };
            let unknown = match is_open {
                true => vec![numbers[next(numbers.len())]; next(MOST_AXES) + 1],
                false => Vec::new(),
            };
            let values: Vec<usize> = names.iter().map(|_| numbers[next(numbers.len())]).collect();
            let extent = |extent: &Extent| match extent {
                Extent::Number(n) => *n,
                Extent::Name(name) => {
                    let at = names.iter().position(|other| *other == name);
                    at.and_then(|at| values.get(at)).copied().unwrap_or(1)
                }
            };
            let outlines: Vec<(&str, Outline)> = self
                .0
                .iter()
                .map(|(name, described)| {
                    (
                        name.as_str(),
                        match described {
                            Described::Weak(Kind::Int) => Outline::Number(1.into()),
                            Described::Weak(Kind::Bool) => Outline::Number(true.into()),
                            Described::Weak(_) => Outline::Number(1.0.into()),
                            Described::Given(Given::Number(number)) => {
                                Outline::Number(number.arg())
                            }
                            Described::Given(_) => Outline::Number(1.into()),
                            Described::Array(dtype, shape) => {
                                let shape = shape.as_ref();
                                let shape = shape.map(|shape| shape.iter().map(extent).collect());
                                Outline::array(*dtype, shape.unwrap_or_else(|| unknown.clone()))
                            }
                        },
                    )
                })
                .collect();
            let args: Vec<(&str, Arg<'_>)> =
                outlines.iter().map(|(name, outline)| (*name, outline.arg())).collect();
            match program.eval_shape(&args[..]) {
                Ok(_) => return Ok(()),
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(()), Err)
    }
}

/// An input without elements to read.
enum Outline {
    Number(Arg<'static>),
    Array(Arc<Hollow>),
}

impl Outline {
    fn array(dtype: DType, shape: Vec<usize>) -> Outline {
        Outline::Array(Arc::new(Hollow { dtype, shape }))
    }

    fn arg(&self) -> Arg<'_> {
        match self {
            Outline::Number(arg) => arg.clone(),
            Outline::Array(hollow) => Arg::source(hollow),
        }
    }
}

/// A dtype and a shape in an array's place.
struct Hollow {
    dtype: DType,
    shape: Vec<usize>,
}

impl Source for Hollow {
    fn dtype(&self) -> DType {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::Error::other("there are no elements"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str, words: &[&str]) -> Result<()> {
        let program = hotloop::compile(text)?;
        let described: Vec<(String, Described)> =
            words.iter().map(|word| Described::parse(word).unwrap()).collect();
        Inputs::new(&program, &described, &input::Inputs::default())?.check(&program)
    }

    #[test]
    fn shapes_that_cannot_run_are_errors() {
        for (text, words) in [
            ("a + b", &["a:f64[3]", "b:f64[4]"][..]),
            ("a + b", &["a:f64[n,3]", "b:f64[n,4]"]),
            ("a + b + c", &["a:f64[3]", "b:f64[4]", "c:f64[n]"]),
            ("a + b + c", &["a:f64[3]", "b:f64[4]"]),
            ("a[5]", &["a:f64[5]"]),
        ] {
            assert!(checked(text, words).is_err(), "{text} {words:?}");
        }
        let error = checked("a+b", &["a:f64[3]", "b:f64[4]"]).unwrap_err();
        assert!(error.to_string().contains("'a' (3,) and 'b' (4,)"), "{error}");
    }

    #[test]
    fn what_may_run_is_none() {
        for (text, words) in [
            ("a + b", &["a:f64[n]", "b:f64[m]"][..]),
            ("a + b", &["a:f64[n]", "b:f64[3]"]),
            ("a + b + c[5] + d", &["a:f64[n]", "b:f64[7]", "c:f64[n]", "d:int"]),
            ("sum(a) * sum(b)", &["a:f64[3]", "b:f64[4]"]),
            ("sin(x) + cos(y)", &["x:f64[1,n]", "y:f64[m,1]"]),
            ("x[2, 3] + y[9]", &[]),
            ("a + k", &["a:f32[0]", "k:f64@"]),
        ] {
            checked(text, words).unwrap_or_else(|error| panic!("{text} {words:?}: {error}"));
        }
    }

    #[test]
    fn words() {
        let number = |n| Extent::Number(n);
        for (word, want) in [
            ("a:f64", Described::Array(DType::F64, None)),
            (
                "a:f32[ 3, n ]",
                Described::Array(DType::F32, Some(vec![number(3), Extent::Name("n".into())])),
            ),
            ("a:i8[1e6]", Described::Array(DType::I8, Some(vec![number(1_000_000)]))),
            ("a:u8@", Described::Array(DType::U8, Some(vec![]))),
            ("a:int", Described::Weak(Kind::Int)),
        ] {
            assert_eq!(Described::parse(word), Ok(("a".to_string(), want)), "{word}");
        }
        for wrong in ["a", "a:f65", "a:f64[3", "a:f64[3,]", "a:f64[-1]", "2a:f64", "a:[3]", "a:"] {
            assert!(Described::parse(wrong).is_err(), "{wrong}");
        }
    }
}
