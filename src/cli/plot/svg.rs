//! A figure as an SVG document.

use std::io;

use plotters_backend::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontFamily,
};
use plotters_svg::SVGBackend;

use super::figure::{Drawing, Figure};

const SIZE: (u32, u32) = (800, 480);
/// Left, right, top and bottom of the axes.
const FRAME: [i32; 4] = [80, 780, 20, 440];
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
        13.0
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

/// The document.
///
/// # Errors
/// What plotters says; it writes to memory, so there is no reason.
pub(crate) fn document(figure: &Figure<'_>) -> Result<String, DrawingErrorKind<io::Error>> {
    let mut text = String::new();
    let mut svg = SVGBackend::with_string(&mut text, SIZE);
    svg.draw_rect((0, 0), (SIZE.0 as i32, SIZE.1 as i32), &WHITE, true)?;
    axes(&mut svg, figure)?;
    inside(&mut svg, figure)?;
    let [left, right, top, bottom] = FRAME;
    svg.draw_path([(left, top), (left, bottom), (right, bottom)], &Stroke(BLACK, 1))?;
    svg.present()?;
    drop(svg);
    Ok(text)
}

fn axes(svg: &mut SVGBackend<'_>, figure: &Figure<'_>) -> Result<(), DrawingErrorKind<io::Error>> {
    let [left, right, top, bottom] = FRAME;
    for tick in figure.x.ticks(8) {
        let x = left + (tick.at * f64::from(right - left)).round() as i32;
        svg.draw_line((x, top), (x, bottom), &Stroke(GRAY, 1))?;
        svg.draw_text(&tick.label, &Label(HPos::Center, VPos::Top), (x, bottom + 8))?;
    }
    for tick in figure.y.ticks(6) {
        let y = bottom - (tick.at * f64::from(bottom - top)).round() as i32;
        svg.draw_line((left, y), (right, y), &Stroke(GRAY, 1))?;
        svg.draw_text(&tick.label, &Label(HPos::Right, VPos::Center), (left - 8, y))?;
    }
    Ok(())
}

fn inside(
    svg: &mut SVGBackend<'_>,
    figure: &Figure<'_>,
) -> Result<(), DrawingErrorKind<io::Error>> {
    let [left, right, top, bottom] = FRAME;
    let place = |(x, y): (i32, i32)| (left + x, bottom - y);
    match figure.draw((right - left + 1) as u32, (bottom - top + 1) as u32) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let figure = Figure::points(None, &[0.0, 1.0, 0.5]).unwrap();
        let text = document(&figure).unwrap();
        assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"), "{text}");
        assert!(text.contains("points=\"80,440 430,20 780,230 \""), "{text}");
        let figure = Figure::histogram(&[1.0, 2.0, 2.0], true, MOST_BARS).unwrap();
        let text = document(&figure).unwrap();
        assert_eq!(text.matches("#1F77B4").count(), 2, "{text}");
    }
}
