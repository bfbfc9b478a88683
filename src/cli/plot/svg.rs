//! A figure as an SVG document.

use std::io;

use hotloop::{Error, ErrorKind};
use plotters_backend::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontFamily,
};
use plotters_svg::SVGBackend;

use super::figure::{Drawing, Figure};
use super::scale::Tick;

const SIZE: (u32, u32) = (800, 480);
/// Right, top and bottom of the axes.
const FRAME: [i32; 3] = [780, 20, 440];
/// From an axis to its labels, and from those to the edge.
const GAP: i32 = 8;
/// The labels' size, of which plotters makes 10.5 pixels, and the width of a digit in the widest of
/// the usual fonts.
const FONT: f64 = 13.0;
const CHARACTER: f64 = 6.7;
const BLACK: BackendColor = BackendColor { alpha: 1.0, rgb: (40, 40, 40) };
const GRAY: BackendColor = BackendColor { alpha: 1.0, rgb: (225, 225, 225) };
const WHITE: BackendColor = BackendColor { alpha: 1.0, rgb: (255, 255, 255) };
const BLUE: BackendColor = BackendColor { alpha: 1.0, rgb: (31, 119, 180) };

/// Bars that a histogram of this size can have.
pub(crate) const MOST_BARS: usize = 100;

/// The labels' font.
struct Label(HPos, VPos);

impl BackendTextStyle for Label {
    type FontError = io::Error;

    fn color(&self) -> BackendColor {
        BLACK
    }

    fn size(&self) -> f64 {
        FONT
    }

    fn anchor(&self) -> Pos {
        Pos::new(self.0, self.1)
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

/// A line's colour and width.
struct Stroke(BackendColor, u32);

impl BackendStyle for Stroke {
    fn color(&self) -> BackendColor {
        self.0
    }

    fn stroke_width(&self) -> u32 {
        self.1
    }
}

fn width_of(label: &str) -> f64 {
    label.chars().count() as f64 * CHARACTER
}

/// The document.
///
/// # Errors
/// `Cancelled`.
pub(crate) fn document(figure: &Figure<'_>) -> hotloop::Result<String> {
    let ticks = figure.y.ticks(6);
    let widest = ticks.iter().map(|tick| width_of(&tick.label)).fold(0.0, f64::max);
    let page = Page { figure, left: widest.ceil() as i32 + 2 * GAP, up: ticks };
    let [right, top, bottom] = FRAME;
    let drawing = figure.draw((right - page.left + 1) as u32, (bottom - top + 1) as u32)?;
    let mut text = String::new();
    page.draw(&mut SVGBackend::with_string(&mut text, SIZE), drawing)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("no figure: {error}")))?;
    Ok(text)
}

/// A figure between axes.
struct Page<'f> {
    figure: &'f Figure<'f>,
    /// Where the axes begin, so that the labels fit beside them.
    left: i32,
    /// The ticks of the vertical axis.
    up: Vec<Tick>,
}

/// plotters writes to memory, which does not fail.
type Drawn = Result<(), DrawingErrorKind<io::Error>>;

impl Page<'_> {
    fn draw(&self, svg: &mut SVGBackend<'_>, drawing: Drawing) -> Drawn {
        svg.draw_rect((0, 0), (SIZE.0 as i32, SIZE.1 as i32), &WHITE, true)?;
        self.axes(svg)?;
        self.inside(svg, drawing)?;
        let (left, [right, top, bottom]) = (self.left, FRAME);
        svg.draw_path([(left, top), (left, bottom), (right, bottom)], &Stroke(BLACK, 1))?;
        svg.present()
    }

    fn axes(&self, svg: &mut SVGBackend<'_>) -> Drawn {
        let (left, [right, top, bottom]) = (self.left, FRAME);
        let wide = f64::from(right - left);
        let room = |label: &str| (width_of(label) + f64::from(GAP)) / wide;
        for tick in self.figure.x.spaced_ticks(8, room) {
            let x = left + (tick.at * wide).round() as i32;
            svg.draw_line((x, top), (x, bottom), &Stroke(GRAY, 1))?;
            // The last label may be too wide to stand in the middle below its tick.
            let most = SIZE.0 as i32 - (width_of(&tick.label) / 2.0).ceil() as i32;
            let place = (x.min(most), bottom + GAP);
            svg.draw_text(&tick.label, &Label(HPos::Center, VPos::Top), place)?;
        }
        for tick in &self.up {
            let y = bottom - (tick.at * f64::from(bottom - top)).round() as i32;
            svg.draw_line((left, y), (right, y), &Stroke(GRAY, 1))?;
            svg.draw_text(&tick.label, &Label(HPos::Right, VPos::Center), (left - GAP, y))?;
        }
        Ok(())
    }

    fn inside(&self, svg: &mut SVGBackend<'_>, drawing: Drawing) -> Drawn {
        let (left, [right, top, bottom]) = (self.left, FRAME);
        let place = |(x, y): (i32, i32)| (left + x, bottom - y);
        match drawing {
            Drawing::Lines(lines) => lines.into_iter().try_for_each(|line| match &line[..] {
                [only] => svg.draw_circle(place(*only), 2, &BLUE, true),
                _ => svg.draw_path(line.into_iter().map(place), &Stroke(BLUE, 1)),
            }),
            Drawing::Dots(dots) => {
                dots.into_iter().try_for_each(|dot| svg.draw_circle(place(dot), 1, &BLUE, true))
            }
            Drawing::Bars(heights) => {
                let wide = f64::from(right - left) / heights.len().max(1) as f64;
                let edge = |i: usize| left + (i as f64 * wide).round() as i32;
                heights.iter().enumerate().filter(|(_, height)| **height > 0.0).try_for_each(
                    |(i, height)| {
                        let up = (height * f64::from(bottom - top)).round() as i32;
                        let (from, to) = ((edge(i) + 1, bottom - up), (edge(i + 1), bottom));
                        svg.draw_rect(from, to, &BLUE, true)
                    },
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(y: &[f64]) -> String {
        document(&Figure::points(None, y.into()).unwrap()).unwrap()
    }

    #[test]
    fn documents() {
        let text = points(&[0.0, 1.0, 0.5]);
        assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"), "{text}");
        assert!(text.contains("points=\"37,440 409,20 780,230 \""), "{text}");
        let figure = Figure::histogram(&(&[1, 2, 2][..]).into(), MOST_BARS).unwrap();
        let text = document(&figure).unwrap();
        assert_eq!(text.matches("#1F77B4").count(), 2, "{text}");
    }

    /// The left and the right end of each label.
    fn labels(text: &str) -> Vec<(f64, f64)> {
        let label = |part: &str| {
            let (attributes, rest) = part.split_once('>').unwrap();
            let value =
                |name: &str| attributes.split_once(name).unwrap().1.split('"').next().unwrap();
            let x: f64 = value(" x=\"").parse().unwrap();
            let width = width_of(rest.split('<').next().unwrap().trim());
            match value("text-anchor=\"") {
                "end" => (x - width, x),
                anchor => {
                    assert_eq!(anchor, "middle");
                    (x - width / 2.0, x + width / 2.0)
                }
            }
        };
        text.split("<text").skip(1).map(label).collect()
    }

    #[test]
    fn labels_are_on_the_page() {
        let times = |x: f64| [1.7e18 + x, 1.7e18 + 2.0 * x, 1.7e18 + 3.0 * x];
        for y in [times(1e15), times(1e9), times(256.0), [1.0, -1e300, 1e-300], [0.1, 1e6, 0.2]] {
            let over = Figure::points(Some((&y[..]).into()), (&y[..]).into()).unwrap();
            for text in [points(&y), document(&over).unwrap()] {
                let labels = labels(&text);
                assert!(labels.len() >= 2, "{text}");
                assert!(labels.iter().all(|(from, to)| *from >= 0.0 && *to <= 800.0), "{labels:?}");
            }
        }
    }
}
