//! A figure with axes and labels, on any plotters backend.

use hotloop::{Error, ErrorKind};
use plotters_backend::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontFamily, FontTransform,
};
use std::io;

use super::figure::{Drawing, Figure};
use super::font;
use super::labels::{Labels, fitted};
use super::scale::Tick;

/// Dots of the page, two for each pixel of a screen; a PNG file has one pixel for each.
pub(crate) const DOTS: (u32, u32) = (1600, 960);
/// Positions per dot: a curve through whole dots would have kinks.
pub(crate) const PARTS: u16 = 10;
/// A dot's width.
const DOT: i32 = PARTS as i32;
/// The size of the page.
pub(crate) const SIZE: (u32, u32) = (DOTS.0 * PARTS as u32, DOTS.1 * PARTS as u32);

/// plotters' unit of a font's size.
pub(crate) const FONT_UNIT: f64 = 1.24;

/// The font heights of tick labels, axis labels, and the title.
const NUMBER: f64 = 22.0 * PARTS as f64;
const NAME: f64 = 24.0 * PARTS as f64;
const TITLE: f64 = 30.0 * PARTS as f64;

/// The margin of the page.
const EDGE: i32 = 28 * DOT;
/// The distance from an axis to its tick labels, and from those to the next item.
const GAP: i32 = 14 * DOT;
/// Between the lines of the legend, and the length of a sample of a line in it.
const LEGEND: i32 = 36 * DOT;
const SAMPLE: i32 = 48 * DOT;
/// The maximum number of rows of the legend.
const MOST_ROWS: usize = 4;

const BLACK: BackendColor = BackendColor { alpha: 1.0, rgb: (40, 40, 40) };
const GRAY: BackendColor = BackendColor { alpha: 1.0, rgb: (225, 225, 225) };
const WHITE: BackendColor = BackendColor { alpha: 1.0, rgb: (255, 255, 255) };

/// Distinct colours, in the order of lines.
const COLORS: [(u8, u8, u8); 10] = [
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (127, 127, 127),
    (188, 189, 34),
    (23, 190, 207),
];

/// The number of bars for a histogram of this size.
pub(crate) const MOST_BARS: usize = 100;

fn color_of(line: usize) -> BackendColor {
    BackendColor { alpha: 1.0, rgb: COLORS[line % COLORS.len()] }
}

/// The alignment and position of a text.
struct Text(f64, HPos, VPos, FontTransform);

impl BackendTextStyle for Text {
    type FontError = io::Error;

    fn color(&self) -> BackendColor {
        BLACK
    }

    fn size(&self) -> f64 {
        self.0 * FONT_UNIT
    }

    fn anchor(&self) -> Pos {
        Pos::new(self.1, self.2)
    }

    fn transform(&self) -> FontTransform {
        match self.3 {
            FontTransform::Rotate270 => FontTransform::Rotate270,
            _ => FontTransform::None,
        }
    }

    fn family(&self) -> FontFamily<'_> {
        FontFamily::SansSerif
    }

    fn layout_box(&self, _: &str) -> Result<((i32, i32), (i32, i32)), io::Error> {
        Ok(((0, 0), (0, 0)))
    }

    fn draw<E, DrawFunc: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        _: &str,
        _: BackendCoord,
        _: DrawFunc,
    ) -> Result<Result<(), E>, io::Error> {
        Ok(Ok(()))
    }
}

/// A line's colour, and its width in dots.
struct Stroke(BackendColor, u32);

impl BackendStyle for Stroke {
    fn color(&self) -> BackendColor {
        self.0
    }

    fn stroke_width(&self) -> u32 {
        self.1 * u32::from(PARTS)
    }
}

/// Draws a whole page.
///
/// # Errors
/// `Cancelled`.
pub(crate) fn draw<B: DrawingBackend>(
    on: &mut B,
    figure: &Figure<'_>,
    labels: &Labels,
) -> hotloop::Result<()> {
    let figure = figure.with_margins();
    let (width, height) = (SIZE.0 as i32, SIZE.1 as i32);
    let ticks = figure.y.ticks(6);
    let widest = ticks.iter().map(|tick| width_of(&tick.label)).fold(0.0, f64::max);
    let named = |name: &str| if name.is_empty() { 0 } else { NAME as i32 + GAP };
    let legend = Legend::new(labels.legend(), f64::from(width - 2 * EDGE));
    let title = if labels.title.is_empty() { 0 } else { TITLE as i32 + GAP };
    let page = Page {
        figure: &figure,
        labels,
        // Rounded to whole dots, as all others.
        left: EDGE + named(&labels.y) + (widest / f64::from(PARTS)).ceil() as i32 * DOT + GAP,
        right: width - EDGE - GAP,
        top: EDGE + title + legend.rows.len() as i32 * LEGEND,
        bottom: height - EDGE - named(&labels.x) - NUMBER as i32 - GAP,
        up: ticks,
        legend,
    };
    let dots = |from: i32, to: i32| ((to - from) / DOT + 1) as u32;
    let grid = (dots(page.left, page.right), dots(page.top, page.bottom));
    let drawings = figure.draw(grid, PARTS)?;
    page.draw(on, drawings)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("no figure: {error}")))
}

fn width_of(number: &str) -> f64 {
    font::width(number, NUMBER)
}

/// The rows of the legend.
struct Legend {
    rows: Vec<Vec<(usize, String)>>,
}

impl Legend {
    fn new(names: &[String], width: f64) -> Legend {
        let mut rows: Vec<Vec<(usize, String)>> = Vec::new();
        let mut free = 0.0;
        for (line, name) in names.iter().enumerate() {
            let name = fitted(name, NAME, width / 2.0);
            let wide = item_width(&name);
            if rows.is_empty() || wide > free {
                if rows.len() == MOST_ROWS {
                    break;
                }
                rows.push(Vec::new());
                free = width;
            }
            free -= wide;
            if let Some(row) = rows.last_mut() {
                row.push((line, name));
            }
        }
        Legend { rows }
    }
}

/// The width of a name in the legend, with its sample and the space after it.
fn item_width(name: &str) -> f64 {
    font::width(name, NAME) + f64::from(SAMPLE + 4 * GAP)
}

/// A figure between axes.
struct Page<'f> {
    figure: &'f Figure<'f>,
    labels: &'f Labels,
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
    /// The ticks of the vertical axis.
    up: Vec<Tick>,
    legend: Legend,
}

type Drawn<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

impl Page<'_> {
    fn draw<B: DrawingBackend>(&self, on: &mut B, drawings: Vec<Drawing>) -> Drawn<B> {
        on.draw_rect((0, 0), (SIZE.0 as i32, SIZE.1 as i32), &WHITE, true)?;
        self.words(on)?;
        self.axes(on)?;
        for (line, drawing) in drawings.into_iter().enumerate() {
            self.inside(on, drawing, color_of(line))?;
        }
        let &Page { left, right, top, bottom, .. } = self;
        on.draw_path([(left, top), (left, bottom), (right, bottom)], &Stroke(BLACK, 2))?;
        on.present()
    }

    /// The title, the legend and the axes' names.
    fn words<B: DrawingBackend>(&self, on: &mut B) -> Drawn<B> {
        let &Page { left, right, top, bottom, .. } = self;
        let (middle, wide) = ((left + right) / 2, f64::from(right - left));
        let centred = |size| Text(size, HPos::Center, VPos::Top, FontTransform::None);
        if !self.labels.title.is_empty() {
            let title = fitted(&self.labels.title, TITLE, f64::from(SIZE.0 as i32 - 2 * EDGE));
            // Centred over the axes, unless it is too wide.
            let half = (font::width(&title, TITLE) / 2.0).ceil() as i32;
            let most = SIZE.0 as i32 - EDGE - half;
            on.draw_text(&title, &centred(TITLE), (middle.min(most).max(EDGE + half), EDGE))?;
        }
        let above = self.legend.rows.len() as i32 * LEGEND;
        for (row, items) in self.legend.rows.iter().enumerate() {
            let length: f64 = items.iter().map(|(_, name)| item_width(name)).sum();
            let length = length as i32 - 4 * GAP;
            let most = SIZE.0 as i32 - EDGE - length;
            let mut x = (middle - length / 2).min(most).max(EDGE);
            let y = top - above - GAP / 2 + row as i32 * LEGEND + LEGEND / 2;
            for (line, name) in items {
                on.draw_line((x, y), (x + SAMPLE, y), &Stroke(color_of(*line), 5))?;
                let style = Text(NAME, HPos::Left, VPos::Center, FontTransform::None);
                on.draw_text(name, &style, (x + SAMPLE + GAP, y))?;
                x += item_width(name) as i32;
            }
        }
        if !self.labels.x.is_empty() {
            let name = fitted(&self.labels.x, NAME, wide);
            let y = bottom + 2 * GAP + NUMBER as i32;
            on.draw_text(&name, &centred(NAME), (middle, y))?;
        }
        if !self.labels.y.is_empty() {
            let name = fitted(&self.labels.y, NAME, f64::from(bottom - top));
            let style = Text(NAME, HPos::Center, VPos::Top, FontTransform::Rotate270);
            on.draw_text(&name, &style, (EDGE, (top + bottom) / 2))?;
        }
        Ok(())
    }

    fn axes<B: DrawingBackend>(&self, on: &mut B) -> Drawn<B> {
        let &Page { left, right, top, bottom, .. } = self;
        let wide = f64::from(right - left);
        let room = |label: &str| (width_of(label) + f64::from(2 * GAP)) / wide;
        let plain = |h, v| Text(NUMBER, h, v, FontTransform::None);
        for tick in self.figure.x.spaced_ticks(8, room) {
            let x = left + (tick.at * wide).round() as i32;
            on.draw_line((x, top), (x, bottom), &Stroke(GRAY, 2))?;
            // The last label may be too wide to be centred below its tick.
            let most = SIZE.0 as i32 - (width_of(&tick.label) / 2.0).ceil() as i32;
            let place = (x.min(most), bottom + GAP);
            on.draw_text(&tick.label, &plain(HPos::Center, VPos::Top), place)?;
        }
        for tick in &self.up {
            let y = bottom - (tick.at * f64::from(bottom - top)).round() as i32;
            on.draw_line((left, y), (right, y), &Stroke(GRAY, 2))?;
            on.draw_text(&tick.label, &plain(HPos::Right, VPos::Center), (left - GAP, y))?;
        }
        Ok(())
    }

    fn inside<B: DrawingBackend>(
        &self,
        on: &mut B,
        drawing: Drawing,
        color: BackendColor,
    ) -> Drawn<B> {
        let &Page { left, right, top, bottom, .. } = self;
        let place = |(x, y): (i32, i32)| (left + x, bottom - y);
        let radius = |dots: u32| dots * u32::from(PARTS);
        match drawing {
            Drawing::Lines(lines) => {
                // If a line fills its columns, a thin one shows more.
                let points: usize = lines.iter().map(Vec::len).sum();
                let width = if points > ((right - left) / DOT) as usize * 2 { 2 } else { 4 };
                lines.into_iter().try_for_each(|line| match &line[..] {
                    [only] => on.draw_circle(place(*only), radius(6), &color, true),
                    _ => on.draw_path(line.into_iter().map(place), &Stroke(color, width)),
                })
            }
            Drawing::Dots(mut dots) => {
                // Overlapping dots are drawn once.
                let near = 3 * DOT;
                let moved = |at: i32| at / near * near;
                dots.iter_mut().for_each(|(x, y)| (*x, *y) = (moved(*x), moved(*y)));
                dots.sort_unstable();
                dots.dedup();
                let radius = radius(if dots.len() > 5_000 { 2 } else { 4 });
                dots.into_iter()
                    .try_for_each(|dot| on.draw_circle(place(dot), radius, &color, true))
            }
            Drawing::Bars(heights) => {
                let (from, to) = self.figure.bars_span();
                let across = |at: f64| f64::from(left) + at * f64::from(right - left);
                let (from, to) = (across(from), across(to));
                let wide = (to - from) / heights.len().max(1) as f64;
                let edge = |i: usize| (from + i as f64 * wide).round() as i32;
                heights.iter().enumerate().filter(|(_, height)| **height > 0.0).try_for_each(
                    |(i, height)| {
                        // Every non-empty bar is visible.
                        let up = (height * f64::from(bottom - top)).round() as i32;
                        let top = bottom - up.max(2 * DOT);
                        let (from, to) = ((edge(i) + DOT, top), (edge(i + 1) - DOT, bottom));
                        on.draw_rect(from, to, &color, true)
                    },
                )
            }
        }
    }
}
