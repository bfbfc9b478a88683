//! Functions that make arrays of nothing: `zeros`, `linspace`, `random` and so on.
//!
//! The language has no such functions, because a program only computes with its inputs. A session
//! replaces such a call by a placeholder name, and passes the array under that name.

use std::collections::HashSet;
use std::ops::Range;

use hotloop::{DType, Element, Engine, Error, ErrorKind, Result, Span};

use super::generator::Generator;
use super::scan::{Piece, Scan, closing, split_commas};
use crate::array::{Array, Order, byte_count};
use crate::interrupt::by_parts;
use crate::memory;

/// The functions: name, signature and description.
pub(crate) const MAKERS: [(&str, &str, &str); 8] = [
    (
        "arange",
        "arange([start, ]stop[, step], dtype=...)",
        "numbers from start up to, without, stop",
    ),
    ("full", "full(shape, value, dtype=...)", "one value everywhere"),
    (
        "linspace",
        "linspace(start, stop[, num=50], endpoint=True, dtype=f64)",
        "evenly spaced numbers",
    ),
    ("normal", "normal(shape[, mean=0, std=1], dtype=f64, seed=...)", "normal random numbers"),
    ("ones", "ones(shape, dtype=f64)", "ones"),
    ("random", "random(shape, dtype=f64, seed=...)", "uniform random numbers in [0, 1)"),
    ("zeros", "zeros(shape, dtype=f64)", "zeros"),
    ("eye", "eye(n[, m], dtype=f64)", "ones on the diagonal, zeros elsewhere"),
];

/// Longer arguments are no part of a message.
const LONGEST: usize = 60;

/// A call that was taken out of a text.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The placeholder name.
    pub placeholder: String,
    /// The place of the call.
    pub range: Range<usize>,
    name: &'static str,
    arguments: String,
    /// The places of the arguments.
    start: usize,
}

impl Call {
    /// Its name in messages.
    pub(crate) fn shown(&self) -> String {
        let Call { name, arguments, .. } = self;
        match arguments.len() <= LONGEST && !arguments.contains(char::is_control) {
            true => format!("{name}({arguments})"),
            false => format!("{name}(...)"),
        }
    }

    /// An error at its place in the text.
    pub(crate) fn blamed(&self, error: Error, typed: &str) -> Error {
        error.located(Span::new(self.range.start, self.range.end), typed)
    }

    /// The names in its arguments.
    pub(crate) fn reads(&self) -> impl Iterator<Item = String> {
        Scan::from(&self.arguments, 0).filter_map(|(_, piece)| match piece {
            Piece::Word(word) => Some(word.to_string()),
            Piece::Symbol(_) => None,
        })
    }
}

/// A text without calls of makers, each byte where it was.
#[derive(Debug)]
pub(crate) struct Lifted {
    /// The text.
    pub text: String,
    /// The calls in order.
    pub makers: Vec<Call>,
    /// Whether a call is not closed yet.
    pub open: bool,
}

impl Lifted {
    /// The calls in a part of the text.
    pub(crate) fn within(&self, range: &Range<usize>) -> &[Call] {
        let before = |place: usize| self.makers.partition_point(|call| call.range.start < place);
        &self.makers[before(range.start)..before(range.end)]
    }
}

/// Replaces the calls of makers in a text. A function defined by the session or the text is not a
/// maker. Placeholders are unused names.
pub(crate) fn lift(
    typed: &str,
    is_defined: impl Fn(&str) -> bool,
    is_taken: impl Fn(&str) -> bool,
) -> Lifted {
    let (mut text, mut makers) = (typed.to_string(), Vec::new());
    let words = Scan::from(typed, 0).filter_map(|(_, piece)| match piece {
        Piece::Word(word) if word.starts_with('_') => Some(word),
        _ => None,
    });
    let words: HashSet<&str> = words.collect();
    let mut names = (0..).map(|number| format!("_{number}"));
    let mut previous = None;
    let mut unclosed = false;
    let mut end = 0;
    let mut own: Vec<&str> = Vec::new();
    for (range, piece) in Scan::from(typed, 0) {
        let before = previous.replace(piece);
        let Piece::Word(word) = piece else { continue };
        if before == Some(Piece::Word("def")) {
            own.push(word);
            continue;
        }
        let Some((name, ..)) = MAKERS.iter().find(|(name, ..)| *name == word) else { continue };
        let open = range.end + typed[range.end..].bytes().take_while(|c| *c == b' ').count();
        if range.start < end
            || before == Some(Piece::Symbol(b'.'))
            || typed.as_bytes().get(open) != Some(&b'(')
            || is_defined(word)
            || own.contains(&word)
        {
            continue;
        }
        // An unclosed call is never evaluated, so the rest of the text does not matter.
        let Some(close) = closing(typed, open) else {
            unclosed = true;
            break;
        };
        let free = |name: &String| !words.contains(name.as_str()) && !is_taken(name);
        let Some(placeholder) = names.find(free) else { continue };
        let width = close - range.start;
        // The shortest call, `eye()`, leaves room for ten thousand.
        if placeholder.len() > width {
            continue;
        }
        let blanks = " ".repeat(width - placeholder.len());
        text.replace_range(range.start..close, &(placeholder.clone() + &blanks));
        let arguments = typed[open + 1..close - 1].to_string();
        makers.push(Call {
            placeholder,
            range: range.start..close,
            name,
            arguments,
            start: open + 1,
        });
        end = close;
    }
    Lifted { text, makers, open: unclosed }
}

/// The value of an argument: an expression that is one number.
pub(crate) type Evaluate<'a> = dyn Fn(&str) -> Result<Scalar> + 'a;

/// One number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
}

impl Scalar {
    fn float(self) -> f64 {
        match self {
            Scalar::Bool(x) => f64::from(u8::from(x)),
            Scalar::Int(x) => x as f64,
            Scalar::Float(x) => x,
        }
    }

    fn dtype(self) -> DType {
        match self {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => DType::F64,
        }
    }

    /// The integer, without what follows the point.
    fn whole<T: TryFrom<i128>>(self, dtype: DType) -> Result<T> {
        let (whole, text) = match self {
            Scalar::Bool(x) => (x.into(), x.to_string()),
            Scalar::Int(x) => (x.into(), x.to_string()),
            Scalar::Float(x) => (x as i128, x.to_string()),
        };
        T::try_from(whole).map_err(|_| wrong(format!("{text} does not fit {dtype}")))
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Type, message)
}

/// The arguments of one call.
struct Arguments<'a> {
    call: &'a Call,
    positional: Vec<&'a str>,
    keywords: Vec<(&'a str, &'a str)>,
    evaluate: &'a Evaluate<'a>,
}

impl<'a> Arguments<'a> {
    fn of(call: &'a Call, evaluate: &'a Evaluate<'a>) -> Result<Arguments<'a>> {
        let (mut positional, mut keywords) = (Vec::new(), Vec::new());
        let parts = split_commas(&call.arguments);
        let count = parts.len();
        for (i, part) in parts.into_iter().enumerate() {
            let mut scan = Scan::from(part, 0);
            let keyword = match (scan.next(), scan.next(), scan.next()) {
                (None, ..) if i + 1 == count => continue,
                (None, ..) => return Err(wrong(format!("{} lacks an argument", call.name))),
                (Some((_, Piece::Word(word))), Some((at, Piece::Symbol(b'='))), next)
                    if next
                        .as_ref()
                        .is_none_or(|(r, p)| *p != Piece::Symbol(b'=') || r.start > at.end) =>
                {
                    Some((word, &part[at.end..]))
                }
                _ => None,
            };
            match keyword {
                Some((word, _)) if keywords.iter().any(|(k, _)| *k == word) => {
                    return Err(wrong(format!("{}= is given twice", word)));
                }
                Some(keyword) => keywords.push(keyword),
                None if keywords.is_empty() => positional.push(part),
                None => {
                    return Err(wrong("an argument without a name follows one with a name"));
                }
            }
        }
        positional.reverse();
        Ok(Arguments { call, positional, keywords, evaluate })
    }

    /// The text of the next argument, which may also be given by name.
    fn text(&mut self, name: &str) -> Result<Option<&'a str>> {
        let keyword = self.keyword(name);
        match (self.positional.pop(), keyword) {
            (Some(_), Some(_)) => Err(wrong(format!("{name} is given twice"))),
            (given, keyword) => Ok(given.or(keyword)),
        }
    }

    fn keyword(&mut self, name: &str) -> Option<&'a str> {
        let at = self.keywords.iter().position(|(k, _)| *k == name)?;
        Some(self.keywords.remove(at).1)
    }

    fn missing(&self, name: &str) -> Error {
        let about = MAKERS.iter().find(|(maker, ..)| *maker == self.call.name);
        let error = wrong(format!("{} lacks its {name}", self.call.name));
        about.iter().fold(error, |error, (_, usage, _)| error.hint(format!("write {usage}")))
    }

    fn number(&mut self, name: &str) -> Result<Option<Scalar>> {
        self.text(name)?.map(|text| (self.evaluate)(text)).transpose()
    }

    fn needed(&mut self, name: &str) -> Result<Scalar> {
        self.number(name)?.ok_or_else(|| self.missing(name))
    }

    fn extent(&self, text: &str) -> Result<usize> {
        match (self.evaluate)(text)? {
            Scalar::Int(n) => usize::try_from(n)
                .map_err(|_| wrong(format!("{} cannot have {n} elements", self.call.name))),
            // Such as `1e7`; larger counts exceed memory.
            Scalar::Float(n) if n.fract() == 0.0 && (0.0..=1e18).contains(&n) => Ok(n as usize),
            _ => Err(wrong(format!("an extent of {} is not an integer", self.call.name))),
        }
    }

    /// `3`, `(3,)`, `(3, 4)`, `()`.
    fn shape(&mut self) -> Result<Vec<usize>> {
        let text = self.text("shape")?.ok_or_else(|| self.missing("shape"))?;
        let text = text.trim();
        let inner = text.strip_prefix('(').filter(|_| closing(text, 0) == Some(text.len()));
        let Some(inner) = inner.and_then(|t| t.strip_suffix(')')) else {
            return Ok(vec![self.extent(text)?]);
        };
        let mut parts = split_commas(inner);
        if parts.last().is_some_and(|last| last.trim().is_empty()) {
            parts.pop();
        }
        parts.into_iter().map(|part| self.extent(part)).collect()
    }

    /// By name or, as in NumPy, by position.
    fn dtype(&mut self) -> Result<Option<DType>> {
        let named = |text: &str| match text.trim().trim_matches(['"', '\'']) {
            "float" => Some(DType::F64),
            "int" => Some(DType::I64),
            name => DType::from_name(name),
        };
        if let Some(text) = self.keyword("dtype") {
            let known = || DType::ALL.map(|d| d.name()).join(" ");
            let unknown =
                || wrong(format!("unknown dtype '{}': take one of {}", text.trim(), known()));
            return named(text).ok_or_else(unknown).map(Some);
        }
        let next = self.positional.last().and_then(|text| named(text));
        if next.is_some() {
            self.positional.pop();
        }
        Ok(next)
    }

    fn seed(&mut self) -> Result<Option<u64>> {
        match self.keyword("seed").map(|text| (self.evaluate)(text)).transpose()? {
            None => Ok(None),
            Some(Scalar::Int(seed)) => Ok(Some(seed as u64)),
            Some(_) => Err(wrong("a seed is an integer")),
        }
    }

    fn truth(&mut self, name: &str, default: bool) -> Result<bool> {
        match self.keyword(name).map(|text| (self.evaluate)(text)).transpose()? {
            None => Ok(default),
            Some(Scalar::Bool(x)) => Ok(x),
            Some(_) => Err(wrong(format!("{name}= is neither True nor False"))),
        }
    }

    /// Checks that no argument is left.
    fn end(&self) -> Result<()> {
        if let Some((keyword, _)) = self.keywords.first() {
            return Err(wrong(format!("{} has no argument {keyword}=", self.call.name)));
        }
        match self.positional.is_empty() {
            true => Ok(()),
            false => {
                let error = wrong(format!("{} has too many arguments", self.call.name));
                Err(match self.call.name {
                    "zeros" | "ones" | "random" => error.hint(format!(
                        "a shape of several axes is in parentheses: {}((2, 3))",
                        self.call.name
                    )),
                    _ => error,
                })
            }
        }
    }
}

/// The array that a call makes, and where in the call an error belongs.
///
/// # Errors
/// `Type` for invalid arguments, `OutOfMemory`, `Cancelled`, and errors of evaluating an argument.
pub(crate) fn make(
    call: &Call,
    engine: &Engine,
    generator: &mut Generator,
    evaluate: &Evaluate<'_>,
) -> Result<Array> {
    let mut given = Arguments::of(call, evaluate)?;
    match call.name {
        "zeros" => constant(&mut given, Some(Scalar::Float(0.0))),
        "ones" => constant(&mut given, Some(Scalar::Float(1.0))),
        "full" => constant(&mut given, None),
        "eye" => eye(&mut given),
        "arange" => arange(&mut given),
        "linspace" => linspace(&mut given),
        "random" => random(&mut given, engine, generator, false),
        _ => random(&mut given, engine, generator, true),
    }
}

/// The places of a call's arguments in the input.
pub(crate) fn place(call: &Call, argument: &str) -> Option<usize> {
    let offset = (argument.as_ptr() as usize).checked_sub(call.arguments.as_ptr() as usize)?;
    (offset <= call.arguments.len()).then_some(call.start + offset)
}

/// A zeroed array.
fn zeroed(dtype: DType, shape: &[usize]) -> Result<Array> {
    // A size that overflows is rejected below.
    memory::check(byte_count(dtype, shape).unwrap_or_default() as u64)?;
    Array::zeroed(dtype, shape, Order::C)
}

/// Gives every element its value by number.
fn fill<T: Element + bytemuck::Pod>(array: &mut Array, value: impl Fn(usize) -> T) -> Result<()> {
    let elements: &mut [T] = bytemuck::cast_slice_mut(array.bytes_mut());
    by_parts(elements.len(), |part| {
        elements[part.clone()].iter_mut().zip(part).for_each(|(x, i)| *x = value(i));
    })
}

/// An array whose elements are numbers, converted to its dtype as a program converts.
fn filled(dtype: DType, shape: &[usize], value: impl Fn(usize) -> f64) -> Result<Array> {
    let mut array = zeroed(dtype, shape)?;
    macro_rules! elements {
        ($($dtype:ident $t:ty),*) => {
            match dtype {
                DType::Bool => fill(&mut array, |i| u8::from(value(i) != 0.0))?,
                $(DType::$dtype => fill(&mut array, |i| value(i) as $t)?,)*
                _ => return Err(wrong(format!("no arrays of {dtype} are made here"))),
            }
        };
    }
    elements!(F64 f64, F32 f32, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64);
    Ok(array)
}

/// An array whose first two elements are numbers, converted to its dtype, and say the others, by
/// the arithmetic of the dtype.
fn continued(dtype: DType, shape: &[usize], (first, second): (Scalar, Scalar)) -> Result<Array> {
    let mut array = zeroed(dtype, shape)?;
    let n: usize = shape.iter().product();
    // A number that no element is need not fit.
    let second = match n {
        0 => return Ok(array),
        1 => first,
        _ => second,
    };
    macro_rules! elements {
        (floats $($float:ident $f:ty),*; integers $($integer:ident $t:ty),*) => {
            match dtype {
                DType::Bool if n > 2 => {
                    return Err(wrong(format!("{n} elements do not fit bool, which has two values")));
                }
                DType::Bool => {
                    fill(&mut array, |i| u8::from([first, second][i].float() != 0.0))?;
                }
                $(DType::$float => {
                    let (first, second) = (first.float() as $f, second.float() as $f);
                    let step = second - first;
                    let value = |i| if i == 1 { second } else { first + i as $f * step };
                    fill(&mut array, value)?;
                })*
                $(DType::$integer => {
                    let (first, second) = (first.whole::<$t>(dtype)?, second.whole::<$t>(dtype)?);
                    let step = second.wrapping_sub(first);
                    fill(&mut array, |i| first.wrapping_add(step.wrapping_mul(i as $t)))?;
                })*
                _ => return Err(wrong(format!("no arrays of {dtype} are made here"))),
            }
        };
    }
    elements!(floats F64 f64, F32 f32;
              integers I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64);
    Ok(array)
}

/// One value everywhere; without one it is an argument.
fn constant(given: &mut Arguments<'_>, value: Option<Scalar>) -> Result<Array> {
    let shape = given.shape()?;
    let value = value.map_or_else(|| given.needed("value"), Ok)?;
    let dtype = given.dtype()?.unwrap_or(value.dtype());
    given.end()?;
    match value {
        Scalar::Float(0.0) if value.float().is_sign_positive() => zeroed(dtype, &shape),
        Scalar::Int(_) if dtype != DType::Bool => continued(dtype, &shape, (value, value)),
        _ => filled(dtype, &shape, |_| value.float()),
    }
}

fn eye(given: &mut Arguments<'_>) -> Result<Array> {
    let rows = given.text("n")?.ok_or_else(|| given.missing("size"))?;
    let rows = given.extent(rows)?;
    let columns = match given.text("m")? {
        Some(text) => given.extent(text)?,
        None => rows,
    };
    let dtype = given.dtype()?.unwrap_or(DType::F64);
    given.end()?;
    let step = columns.saturating_add(1);
    let one = |i: usize| f64::from(u8::from(i.is_multiple_of(step)));
    filled(dtype, &[rows, columns], one)
}

/// `arange(stop)` and `arange(start, stop, step)`, by NumPy's rules: the length is
/// ceil((stop - start) / step), the first two elements are start and start + step.
fn arange(given: &mut Arguments<'_>) -> Result<Array> {
    let named = given.keywords.iter().any(|(k, _)| *k == "stop");
    let first = if given.positional.is_empty() && named {
        given.keyword("start").map(|text| (given.evaluate)(text)).transpose()?
    } else {
        given.number("start")?
    };
    let (start, stop) = match (first, given.number("stop")?) {
        (Some(start), Some(stop)) => (start, stop),
        (Some(stop), None) | (None, Some(stop)) => (Scalar::Int(0), stop),
        (None, None) => return Err(given.missing("stop")),
    };
    let step = given.number("step")?.unwrap_or(Scalar::Int(1));
    let asked = given.dtype()?;
    given.end()?;
    if step.float() == 0.0 {
        return Err(wrong("the step of arange is 0"));
    }
    let (n, second) = match (start, stop, step) {
        (Scalar::Int(start), Scalar::Int(stop), Scalar::Int(step)) => {
            let (distance, by) = (i128::from(stop) - i128::from(start), i128::from(step));
            let n = (distance + by - by.signum()).div_euclid(by).max(0);
            let n = if distance.signum() == by.signum() { n } else { 0 };
            (usize::try_from(n).unwrap_or(usize::MAX), Scalar::Int(start.saturating_add(step)))
        }
        _ => {
            let (start, step) = (start.float(), step.float());
            let n = ((stop.float() - start) / step).ceil();
            if n.is_nan() {
                return Err(wrong("arange from, to or by what is no number"));
            }
            (n as usize, Scalar::Float(start + step))
        }
    };
    continued(asked.unwrap_or(second.dtype()), &[n], (start, second))
}

/// By NumPy's rules: start + i * ((stop - start) / intervals), the last one stop itself; integers
/// are rounded down, and saturate as a program's do.
fn linspace(given: &mut Arguments<'_>) -> Result<Array> {
    let (start, stop) = (given.needed("start")?.float(), given.needed("stop")?.float());
    let n = match given.text("num")? {
        Some(text) => given.extent(text)?,
        None => 50,
    };
    let endpoint = given.truth("endpoint", true)?;
    let dtype = given.dtype()?.unwrap_or(DType::F64);
    given.end()?;
    let intervals = if endpoint { n.saturating_sub(1).max(1) } else { n.max(1) };
    let (distance, intervals) = (stop - start, intervals as f64);
    let step = distance / intervals;
    let last = |i: usize| endpoint && n > 1 && i + 1 == n;
    let value = |i: usize| match i as f64 {
        _ if last(i) => stop,
        // Steps too short to be floats.
        i if step == 0.0 => i / intervals * distance + start,
        i => i * step + start,
    };
    match dtype.is_int() {
        true => filled(dtype, &[n], |i| value(i).floor()),
        false => filled(dtype, &[n], value),
    }
}

fn random(
    given: &mut Arguments<'_>,
    engine: &Engine,
    generator: &mut Generator,
    normal: bool,
) -> Result<Array> {
    let shape = given.shape()?;
    let (mut mean, mut std) = (0.0, 1.0);
    if normal {
        mean = given.number("mean")?.map_or(mean, Scalar::float);
        std = given.number("std")?.map_or(std, Scalar::float);
    }
    let dtype = given.dtype()?.unwrap_or(DType::F64);
    let seed = given.seed()?;
    given.end()?;
    if !dtype.is_float() {
        return Err(wrong(format!("random numbers are f64 or f32, not {dtype}"))
            .hint("convert them: i64(random(3) * 10)"));
    }
    let mut own = seed.map(Generator::seeded);
    let generator = own.as_mut().unwrap_or(generator);
    let mut array = zeroed(DType::F64, &shape)?;
    let numbers: &mut [f64] = bytemuck::cast_slice_mut(array.bytes_mut());
    match (normal, dtype) {
        (true, _) => generator.normal(engine, (mean, std), numbers)?,
        (false, _) => by_parts(numbers.len(), |part| {
            let uniform = || match dtype {
                DType::F32 => generator.uniform_f32().into(),
                _ => generator.uniform(),
            };
            numbers[part].fill_with(uniform);
        })?,
    }
    if dtype == DType::F64 {
        return Ok(array);
    }
    let numbers: &[f64] = bytemuck::cast_slice(array.bytes_mut());
    filled(dtype, &shape, |i| numbers[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Result<Scalar> {
        let text = text.trim();
        match (text, text.parse(), text.parse()) {
            ("True", ..) => Ok(Scalar::Bool(true)),
            ("False", ..) => Ok(Scalar::Bool(false)),
            (_, Ok(int), _) => Ok(Scalar::Int(int)),
            (_, _, Ok(float)) => Ok(Scalar::Float(float)),
            _ => Err(wrong(format!("{text}?"))),
        }
    }

    fn made(text: &str) -> Result<Array> {
        let lifted = lift(text, |_| false, |_| false);
        assert_eq!(lifted.makers.len(), 1, "{text}");
        let engine = Engine::builder().threads(1).build();
        make(&lifted.makers[0], &engine, &mut Generator::seeded(0), &scalar)
    }

    fn f64s(text: &str) -> Vec<f64> {
        let mut array = made(text).unwrap();
        assert_eq!(array.dtype(), DType::F64, "{text}");
        bytemuck::cast_slice(array.bytes_mut()).to_vec()
    }

    fn i64s(text: &str) -> Vec<i64> {
        let mut array = made(text).unwrap();
        assert_eq!(array.dtype(), DType::I64, "{text}");
        bytemuck::cast_slice(array.bytes_mut()).to_vec()
    }

    fn bytes(text: &str) -> Vec<u8> {
        made(text).unwrap().bytes_mut().to_vec()
    }

    #[test]
    fn calls_leave_names_of_the_same_length() {
        let typed = "x = zeros((2, 3)) + _0 * ones(3)  # zeros(2)";
        let lifted = lift(typed, |_| false, |name| name == "_1");
        assert_eq!(lifted.text, "x = _2            + _0 * _3       # zeros(2)");
        assert_eq!(lifted.text.len(), typed.len());
        assert_eq!(lifted.makers[1].range, 25..32);
        for text in ["zeros", "zeros(", "'zeros(2)'", "x.zeros(2)", "def zeros(x) = x; zeros(2)"] {
            assert_eq!(lift(text, |_| false, |_| false).text, text);
        }
        assert_eq!(lift("zeros(2)", |name| name == "zeros", |_| false).text, "zeros(2)");
        assert_eq!(lift("zeros(zeros(2))", |_| false, |_| false).makers.len(), 1);
        // Longer than what a format string can fill.
        let long = format!("zeros(3{})", " ".repeat(70_000));
        assert_eq!(lift(&long, |_| false, |_| false).text.trim_end(), "_0");
    }

    #[test]
    fn as_numpy_makes_them() {
        assert_eq!(i64s("arange(4)"), [0, 1, 2, 3]);
        assert_eq!(i64s("arange(2, 9, 3)"), [2, 5, 8]);
        assert_eq!(i64s("arange(5, 0, -2)"), [5, 3, 1]);
        assert_eq!(i64s("arange(5, 0)"), [0; 0]);
        assert_eq!(i64s("arange(start=1, stop=3)"), [1, 2]);
        assert_eq!(
            i64s("arange(-9223372036854775808, -9223372036854775806)"),
            [i64::MIN, i64::MIN + 1]
        );
        assert_eq!(f64s("arange(0, 1, 0.25)"), [0.0, 0.25, 0.5, 0.75]);
        assert_eq!(f64s("arange(1.5)"), [0.0, 1.0]);
        let tenths = f64s("arange(1, 2, 0.1)");
        assert_eq!(
            (tenths[1], tenths[3], tenths[9]),
            (1.1, 1.300_000_000_000_000_3, 1.900_000_000_000_000_8)
        );
        assert_eq!(
            f64s("arange(1, 1e16, 4e15)"),
            [1.0, 4_000_000_000_000_001.0, 8_000_000_000_000_001.0]
        );
        assert_eq!(i64s("arange(0.5, 5, 1.5, dtype=i64)"), [0, 2, 4]);
        assert_eq!(i64s("arange(0, 1, 0.25, dtype=i64)"), [0; 4]);
        assert_eq!(bytes("arange(254, 258, dtype=u8)"), [254, 255, 0, 1]);
        assert_eq!(bytes("arange(1, 0, -1, dtype=u8)"), [1]);
        assert_eq!(bytes("arange(300, 0, dtype=u8)"), [0; 0]);
        assert_eq!(bytes("arange(2, dtype=bool)"), [0, 1]);
        assert_eq!(bytes("arange(0, 1, 0.3, dtype=f32)")[12..], 0.900_000_04f32.to_le_bytes());
        assert_eq!(i64s("linspace(-3, 3, 5, dtype=i64)"), [-3, -2, 0, 1, 3]);
        assert_eq!(i64s("linspace(0.5, -0.5, 2, dtype=i64)"), [0, -1]);
        assert_eq!(bytes("linspace(0, 1, 3, dtype=bool)"), [0, 1, 1]);
        assert_eq!(f64s("linspace(0, 5e-324, 5)"), [0.0, 0.0, 0.0, 5e-324, 5e-324]);
        assert_eq!(bytes("full(2, 1.7, dtype=u8)"), [1, 1]);
        assert_eq!(bytes("full(3, 255, dtype=u8)"), [255; 3]);
        assert_eq!(bytes("full(3, 2, dtype=bool)"), [1; 3]);
        assert_eq!(bytes("full(2, True, dtype=i8)"), [1; 2]);
        assert_eq!(f64s("linspace(0, 1, 5)"), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(f64s("linspace(0, 1, 4, endpoint=False)"), [0.0, 0.25, 0.5, 0.75]);
        assert_eq!(f64s("linspace(3, 7, 1)"), [3.0]);
        assert_eq!(f64s("linspace(0, 1, num=0)"), [0.0; 0]);
        assert_eq!(f64s("linspace(0, 1)").len(), 50);
        assert_eq!(f64s("ones((2, 2))"), [1.0; 4]);
        assert!(f64s("full((2,), -0.0)").iter().all(|x| *x == 0.0 && x.is_sign_negative()));
        assert_eq!(i64s("full(2, 7)"), [7, 7]);
        assert_eq!(f64s("eye(2)"), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(made("zeros((2, 0, 3))").unwrap().shape(), [2, 0, 3]);
        assert_eq!(made("zeros(())").unwrap().shape(), [0usize; 0]);
        assert_eq!(made("full(1, True)").unwrap().dtype(), DType::Bool);
        assert_eq!(made("zeros(3, dtype=float32)").unwrap().dtype(), DType::F32);
        assert_eq!(made("zeros(3, float32)").unwrap().dtype(), DType::F32);
        assert_eq!(made("full((2, 2), 1, i8)").unwrap().bytes_mut(), [1; 4]);
        assert_eq!(made("arange(3, dtype=u16)").unwrap().bytes_mut(), [0, 0, 1, 0, 2, 0]);
    }

    #[test]
    fn seeds_decide() {
        let numbers = f64s("random(1000)");
        assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)));
        assert_eq!(f64s("random(3, seed=0)"), numbers[..3]);
        assert_ne!(f64s("random(3, seed=1)"), numbers[..3]);
        let mean = numbers.iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert_eq!(made("normal((2, 3), dtype=f32)").unwrap().dtype(), DType::F32);
        let shifted = f64s("normal(3, 10, std=0, seed=5)");
        assert_eq!(shifted, [10.0; 3]);
    }

    #[test]
    fn wrong_arguments_are_errors() {
        for (text, about) in [
            ("zeros()", "lacks its shape"),
            ("zeros(2, 3)", "zeros((2, 3))"),
            ("zeros(3, f32, dtype=f64)", "too many"),
            ("zeros(-1)", "-1"),
            ("zeros(1.5)", "integer"),
            ("zeros((2, x))", "x?"),
            ("zeros(1,,2)", "lacks an argument"),
            ("zeros(3, dtype=c64)", "c64"),
            ("zeros(3, color=1)", "color"),
            ("zeros(3, dtype=f32, dtype=f64)", "twice"),
            ("zeros(3, shape=4)", "twice"),
            ("zeros(shape=4, 3)", "without a name"),
            ("zeros(1000000000000)", "memory"),
            ("zeros((9223372036854775807, 3))", "memory"),
            ("arange(0, 1, 0)", "step"),
            ("arange(0, 1, 1e-300)", "memory"),
            ("arange(nan)", "no number"),
            ("linspace(0)", "stop"),
            ("full(3)", "value"),
            ("full(3, 300, dtype=u8)", "300 does not fit u8"),
            ("full(3, -1, dtype=u8)", "-1 does not fit u8"),
            ("full(3, -1, dtype=u64)", "-1 does not fit u64"),
            ("arange(-1, 3, dtype=u8)", "-1 does not fit u8"),
            ("arange(0, 1000, 300, dtype=u8)", "300 does not fit u8"),
            ("arange(300.5, 302, dtype=u8)", "300.5 does not fit u8"),
            ("arange(3, dtype=bool)", "bool"),
            ("random(3, dtype=i32)", "f64 or f32"),
            ("random(3, seed=0.5)", "seed"),
            ("eye()", "size"),
        ] {
            let error = made(text).err().unwrap_or_else(|| panic!("{text} is no error"));
            assert!(error.to_string().contains(about), "{text}: {error}");
        }
    }
}
