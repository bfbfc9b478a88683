//! The font of figures, which is a part of the command: a picture looks the same on every machine.
//!
//! The font is DejaVu Sans, which is as wide as any usual font; so text that fits also fits in an
//! SVG, where the viewer chooses the font.

use std::sync::OnceLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};
use zeno::{Command, Point};

static FONT: &[u8] = include_bytes!("font.ttf");

/// The font, read once.
fn face() -> Option<&'static Face<'static>> {
    static FACE: OnceLock<Option<Face<'static>>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(FONT, 0).ok()).as_ref()
}

/// The glyph of a character, or the font's replacement glyph.
fn glyph(face: &Face<'_>, c: char) -> GlyphId {
    let found = face.glyph_index(c).or_else(|| face.glyph_index('\u{fffd}'));
    found.unwrap_or_default()
}

fn advance(face: &Face<'_>, c: char) -> f64 {
    face.glyph_hor_advance(glyph(face, c)).unwrap_or(0).into()
}

/// How wide a text is.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let Some(face) = face() else { return 0.0 };
    let units: f64 = text.chars().map(|c| advance(face, c)).sum();
    units * size / f64::from(face.units_per_em())
}

/// The outline of a text that starts at 0 on the base line, running upwards if `upwards` is set.
pub(crate) fn outline(text: &str, size: f64, upwards: bool) -> Vec<Command> {
    let Some(face) = face() else { return Vec::new() };
    let scale = size / f64::from(face.units_per_em());
    let mut pen = Pen { at: 0.0, scale, upwards, path: Vec::new() };
    for c in text.chars() {
        face.outline_glyph(glyph(face, c), &mut pen);
        pen.at += advance(face, c) * scale;
    }
    pen.path
}

/// Draws one character after the other.
struct Pen {
    at: f64,
    scale: f64,
    upwards: bool,
    path: Vec<Command>,
}

impl Pen {
    fn point(&self, x: f32, y: f32) -> Point {
        let (along, above) = (self.at + f64::from(x) * self.scale, f64::from(y) * self.scale);
        match self.upwards {
            false => Point::new(along as f32, -above as f32),
            true => Point::new(-above as f32, -along as f32),
        }
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.push(Command::MoveTo(self.point(x, y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.push(Command::LineTo(self.point(x, y)));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.push(Command::QuadTo(self.point(x1, y1), self.point(x, y)));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let [a, b, c] = [(x1, y1), (x2, y2), (x, y)].map(|(x, y)| self.point(x, y));
        self.path.push(Command::CurveTo(a, b, c));
    }

    fn close(&mut self) {
        self.path.push(Command::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_what_figures_say() {
        let face = face().expect("the font is whole");
        for c in ('!'..='~').chain("−×·µπσΔäéßŁ≤≥≠≈∞√∑²³⁻…€°±".chars())
        {
            assert!(face.glyph_index(c).is_some(), "{c}");
            assert!(outline(&c.to_string(), 20.0, false).len() > 3, "{c}");
        }
        // All digits are as wide.
        assert_eq!(width("1111", 20.0), width("8086", 20.0));
        assert!((40.0..60.0).contains(&width("1111", 20.0)));
        assert_eq!(width("日", 20.0), width("\u{fffd}", 20.0));
    }
}
