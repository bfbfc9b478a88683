//! Figures: lines, points and histograms, in a terminal or as SVG.
//!
//! A figure draws itself on a grid of dots and so is as small as what it is drawn on, however many
//! numbers it shows. The dots are drawn by plotters: its own backend makes SVG, a canvas of
//! braille characters is ours.

mod canvas;
mod figure;
mod numbers;
mod scale;
mod svg;
mod terminal;

use std::io::Write;
use std::path::Path;

use console::Term;
use hotloop::{Error, ErrorKind, Output, Result};

use super::kind;
use super::replacement::replace;
use figure::Figure;
use numbers::Numbers;

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
/// `Shape` for arrays of different lengths, or without a finite number; `Io`; `Cancelled`.
pub(crate) fn draw(kind: Kind, arrays: &[&Output], file: Option<&Path>) -> Result<String> {
    let (columns, rows) = size();
    let figure = match (kind, arrays) {
        (Kind::Points, [y]) => Figure::points(None, Numbers::of(y))?,
        (Kind::Points, [x, y]) => Figure::points(Some(Numbers::of(x)), Numbers::of(y))?,
        (Kind::Histogram, [x]) => {
            let most = if file.is_some() { svg::MOST_BARS } else { terminal::most_bars(columns) };
            Figure::histogram(&Numbers::of(x), most)?
        }
        _ => return Err(Error::new(ErrorKind::Arity, "one or two arrays can be drawn")),
    };
    let Some(path) = file else { return terminal::text(&figure, columns, rows) };
    let text = svg::document(&figure)?;
    replace(path, kind::Kind::Svg, |file| file.write_all(text.as_bytes()))?;
    Ok(String::new())
}

/// The characters that a figure may take.
fn size() -> (usize, usize) {
    let (rows, columns) = Term::stdout().size_checked().unwrap_or((USUAL.1 as u16, USUAL.0 as u16));
    // A line as wide as the terminal may be broken; the prompt follows below.
    let columns = usize::from(columns).saturating_sub(1);
    (columns.min(MOST.0), usize::from(rows).saturating_sub(2).min(MOST.1))
}
