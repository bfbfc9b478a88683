//! SVG elements.

use std::fmt::{self, Write as _};

/// Width of a character of 12-pixel text: that of the widest of the usual monospaced fonts.
const CHARACTER: f64 = 7.3;

/// An SVG document under construction.
#[derive(Default)]
pub struct Canvas {
    body: String,
}

/// The width of a text at a font size.
pub fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * CHARACTER * size / 12.0
}

/// Escapes text for XML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML does not allow most control characters, nor the last two.
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                    f.write_char('\u{fffd}')?
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl Canvas {
    /// Adds a rectangle of a class, with round corners.
    pub fn rectangle(&mut self, class: &str, [x, y, width, height]: [f64; 4]) {
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\" rx=\"5\"/>"
        );
    }

    /// Adds text; `class` determines its size and anchor.
    pub fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let text = Escaped(text);
        let _ =
            writeln!(self.body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
    }

    /// Adds a curve that starts and ends vertically.
    pub fn curve(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x, y), (x2, y2)) = (from, to);
        let half = (y + y2) / 2.0;
        let _ = writeln!(
            self.body,
            "<path class=\"{class}\" d=\"M{x:.1} {y:.1}C{x:.1} {half:.1} {x2:.1} {half:.1} \
             {x2:.1} {y2:.1}\"/>"
        );
    }

    /// Adds a polyline.
    pub fn lines(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
        }
        let _ = writeln!(self.body, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    /// The whole file.
    pub fn finish(self, width: f64, height: f64, title: &str) -> String {
        let title = Escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\">\n<title>{title}</title>\n{STYLE}\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

const STYLE: &str = "\
<style>
text { font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 12px; fill: #222 }
.label, .type, .dtype { text-anchor: middle }
.title { font-size: 14px; font-weight: bold }
.head { font-weight: bold }
.note, .type { font-size: 10px; fill: #555 }
.dtype { font-size: 9px; fill: #666; paint-order: stroke; stroke: #f7f7f5; stroke-width: 3px }
.pass { fill: #f7f7f5; stroke: #bbb }
.operation { fill: #fff; stroke: #555 }
.reduction { fill: #f1e7fa; stroke: #7d4fa8 }
.input { fill: #e4effb; stroke: #3f74ab }
.output { fill: #e3f4e7; stroke: #3a8650 }
.between { fill: #fdf1d8; stroke: #b97f16 }
.edge, .link { fill: none; stroke: #777; stroke-width: 1.2 }
.link { stroke: #b97f16; marker-end: url(#to) }
.way { fill: none; stroke: #b97f16; stroke-width: 1.2 }
.edge { marker-end: url(#into) }
.passing { marker-end: none }
</style>
<defs>
<marker id=\"to\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
<path d=\"M0 0L8 4L0 8z\" fill=\"#b97f16\"/></marker>
<marker id=\"into\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"6\" markerHeight=\"6\" orient=\"auto\">\
<path d=\"M0 0L8 4L0 8z\" fill=\"#777\"/></marker>
</defs>
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        let mut canvas = Canvas::default();
        canvas.text("label", 0.0, 0.0, "a<b>&\"'\u{0}\u{1b}");
        let file = canvas.finish(10.0, 10.0, "</title><script>");
        assert!(file.contains(">a&lt;b&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}</text>"), "{file}");
        assert!(!file.contains("<script>"));
    }
}
