//! Figures: lines, points and histograms, in a terminal, as SVG or as PNG.
//!
//! A figure draws itself on a grid of dots and so is as small as what it is drawn on, however many
//! numbers it shows. A page puts axes and words around it, on whatever plotters draws on: its own
//! backend makes SVG; the pixels of PNG and a canvas of braille characters are ours.

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

/// What a figure is written as, by how its file's name ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// Shapes.
    Svg,
    /// Pixels.
    Png,
}

impl Form {
    /// That of a file, if it is one of a figure.
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

/// Draws one array, or all others over the first, or with an index all over their places: as text,
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

/// Colours where the terminal has them, and nobody asked for none.
fn inks() -> Inks {
    match Term::stdout().features().colors_supported() && console::colors_enabled() {
        true => Inks::Colors,
        false => Inks::Dashes,
    }
}

/// The characters that a figure may take.
fn size() -> (usize, usize) {
    let (rows, columns) = Term::stdout().size_checked().unwrap_or((USUAL.1 as u16, USUAL.0 as u16));
    // A line as wide as the terminal may be broken; the prompt follows below.
    let columns = usize::from(columns).saturating_sub(1);
    (columns.min(MOST.0), usize::from(rows).saturating_sub(2).min(MOST.1))
}
