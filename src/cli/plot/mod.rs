//! Figures: lines, points and histograms, in a terminal or as SVG.
//!
//! A figure draws itself on a grid of dots and so is as small as what it is drawn on, however many
//! numbers it shows. The dots are drawn by plotters: its own backend makes SVG, a canvas of
//! braille characters is ours.

mod canvas;
mod figure;
mod scale;
mod svg;
mod terminal;

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use console::Term;
use hotloop::{DType, Error, ErrorKind, Output, Result};

use super::replacement::replace;
use figure::Figure;

/// What a figure is to be of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A line or points.
    Points,
    /// How often which numbers occur.
    Histogram,
}

/// A terminal's size where there is none.
const USUAL: (usize, usize) = (80, 24);
/// The tallest figure, and the widest.
const MOST: (usize, usize) = (400, 24);

/// Draws one array, or the second over the first: as text, or to a file.
///
/// # Errors
/// `Shape` for arrays of different lengths, or without a finite number; `Io`.
pub(crate) fn draw(kind: Kind, arrays: &[&Output], file: Option<&Path>) -> Result<String> {
    let numbers: Vec<Cow<'_, [f64]>> = arrays.iter().map(|array| numbers(array)).collect();
    let (columns, rows) = size();
    let figure = match (kind, &numbers[..]) {
        (Kind::Points, [y]) => Figure::points(None, y),
        (Kind::Points, [x, y]) if x.len() == y.len() => Figure::points(Some(x), y),
        (Kind::Points, [x, y]) => {
            let message = format!("{} points have {} heights", x.len(), y.len());
            return Err(Error::new(ErrorKind::Shape, message));
        }
        (Kind::Histogram, [x]) => {
            let most = if file.is_some() { svg::MOST_BARS } else { terminal::most_bars(columns) };
            Figure::histogram(x, !arrays[0].dtype().is_float(), most)
        }
        _ => return Err(Error::new(ErrorKind::Arity, "one or two arrays can be drawn")),
    };
    let figure = figure.ok_or_else(|| {
        Error::new(ErrorKind::Shape, "there is nothing to draw: no number is finite")
    })?;
    let Some(path) = file else { return Ok(terminal::text(&figure, columns, rows)) };
    let text = svg::document(&figure)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("no figure: {error}")))?;
    replace(path, |file| file.write_all(text.as_bytes()))?;
    Ok(String::new())
}

/// The characters that a figure may take.
fn size() -> (usize, usize) {
    let (rows, columns) = Term::stdout().size_checked().unwrap_or((USUAL.1 as u16, USUAL.0 as u16));
    // A line as wide as the terminal may be broken; the prompt follows below.
    let columns = usize::from(columns).saturating_sub(1);
    (columns.min(MOST.0), usize::from(rows).saturating_sub(2).min(MOST.1))
}

/// The elements of an output, in C order, as floats.
fn numbers(output: &Output) -> Cow<'_, [f64]> {
    match output.bytes() {
        Cow::Borrowed(bytes) => floats(output.dtype(), bytes),
        Cow::Owned(bytes) => Cow::Owned(floats(output.dtype(), &bytes).into_owned()),
    }
}

fn floats(dtype: DType, bytes: &[u8]) -> Cow<'_, [f64]> {
    fn all<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Cow<'_, [f64]> {
        bytes.as_chunks().0.iter().map(|x| number(*x)).collect()
    }
    match dtype {
        DType::F64 => match bytemuck::try_cast_slice(bytes) {
            Ok(numbers) => Cow::Borrowed(numbers),
            Err(_) => all(bytes, f64::from_le_bytes),
        },
        DType::F32 => all(bytes, |x| f32::from_le_bytes(x).into()),
        DType::Bool => all(bytes, |[x]| if x != 0 { 1.0 } else { 0.0 }),
        DType::I8 => all(bytes, |x| i8::from_le_bytes(x).into()),
        DType::I16 => all(bytes, |x| i16::from_le_bytes(x).into()),
        DType::I32 => all(bytes, |x| i32::from_le_bytes(x).into()),
        DType::I64 => all(bytes, |x| i64::from_le_bytes(x) as f64),
        DType::U8 => all(bytes, |[x]| x.into()),
        DType::U16 => all(bytes, |x| u16::from_le_bytes(x).into()),
        DType::U32 => all(bytes, |x| u32::from_le_bytes(x).into()),
        DType::U64 => all(bytes, |x| u64::from_le_bytes(x) as f64),
    }
}
