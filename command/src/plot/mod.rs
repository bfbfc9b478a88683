//! Figures: lines, points and histograms, in a terminal, as SVG or as PNG.
//!
//! A figure is drawn on a grid of dots, so its size depends on the grid, not on the number of
//! values. A page adds axes and labels, on any plotters backend: plotters' own for SVG, and ours
//! for PNG pixels and for braille characters.

mod canvas;
mod figure;
mod font;
mod labels;
mod numbers;
mod page;
mod png;
mod scale;
mod svg;
mod terminal;

use std::io::Write;
use std::path::Path;

use console::Term;
use hotloop::{Error, ErrorKind, Output, Result};

use super::kind;
use super::replacement::replace;
use canvas::Inks;
use figure::Figure;
pub(crate) use labels::{Labels, in_one_line};
use numbers::Numbers;

/// The kind of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A line or points.
    Points,
    /// A histogram.
    Histogram,
}

/// The size assumed without a terminal.
const USUAL: (usize, usize) = (80, 24);
/// The tallest figure, and the widest.
const MOST: (usize, usize) = (400, 24);

/// The format of a figure's file, by extension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// Shapes.
    Svg,
    /// Pixels.
    Png,
}

impl Form {
    /// The format of a file, if its extension is one of a figure.
    pub(crate) fn of(path: &Path) -> Option<Form> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "svg" => Some(Form::Svg),
            "png" => Some(Form::Png),
            _ => None,
        }
    }

    fn kind(self) -> kind::Kind {
        match self {
            Form::Svg => kind::Kind::Svg,
            Form::Png => kind::Kind::Png,
        }
    }
}

/// Draws one array, or all others over the first, or with `index` all over their indices: as text,
/// or to a file.
///
/// # Errors
/// `Shape` for arrays of different lengths, or without a finite number; `Io`; `Cancelled`.
pub(crate) fn draw(
    (kind, index): (Kind, bool),
    arrays: &[&Output],
    labels: &Labels,
    file: Option<(&Path, Form)>,
) -> Result<String> {
    let size = size();
    let figure = match (kind, arrays) {
        (Kind::Points, ys @ [_, ..]) if index || ys.len() == 1 => {
            Figure::points(None, ys.iter().copied().map(Numbers::of).collect())?
        }
        (Kind::Points, [x, ys @ ..]) => {
            Figure::points(Some(Numbers::of(x)), ys.iter().copied().map(Numbers::of).collect())?
        }
        (Kind::Histogram, [x]) => {
            let most = if file.is_some() { page::MOST_BARS } else { terminal::most_bars(size.0) };
            Figure::histogram(&Numbers::of(x), most)?
        }
        _ => return Err(Error::new(ErrorKind::Arity, "there is nothing to draw")),
    };
    let Some((path, form)) = file else {
        return terminal::text(&figure, labels, size, inks());
    };
    let bytes = match form {
        Form::Svg => svg::document(&figure, labels)?.into_bytes(),
        Form::Png => png::file(&figure, labels)?,
    };
    replace(path, form.kind(), |file| file.write_all(&bytes))?;
    Ok(String::new())
}

/// Colours, if the terminal supports them and they are not disabled.
fn inks() -> Inks {
    match Term::stdout().features().colors_supported() && console::colors_enabled() {
        true => Inks::Colors,
        false => Inks::Dashes,
    }
}

/// The maximum size of a figure in characters.
fn size() -> (usize, usize) {
    let (rows, columns) = Term::stdout().size_checked().unwrap_or((USUAL.1 as u16, USUAL.0 as u16));
    // A line as wide as the terminal may wrap; the prompt needs a row below.
    let columns = usize::from(columns).saturating_sub(1);
    (columns.min(MOST.0), usize::from(rows).saturating_sub(2).min(MOST.1))
}
