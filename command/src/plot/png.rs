//! A figure as a PNG file: a pixel backend for plotters, and the encoder.

use std::convert::Infallible;
use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};
use hotloop::{Error, ErrorKind, Result};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};
use zeno::{Cap, Command, Fill, Join, Mask, Placement, Point, Stroke, Style};

use super::figure::Figure;
use super::labels::Labels;
use super::{font, page};

/// Pixels in rows from the top, three bytes each.
struct Picture {
    width: u32,
    height: u32,
    /// Positions per pixel.
    parts: u16,
    pixels: Vec<u8>,
}

/// The number of points of a line rasterized together: the cost grows with the square of the
/// crossings of a row.
const PIECE: usize = 32;

/// The coverage of pixels by a shape, from 0 to 255.
type Cover = (Vec<u8>, Placement);

/// The file.
///
/// # Errors
/// `Cancelled`.
pub(crate) fn file(figure: &Figure<'_>, labels: &Labels) -> Result<Vec<u8>> {
    let (width, height) = page::DOTS;
    let pixels = vec![255; width as usize * height as usize * 3];
    let mut picture = Picture { width, height, parts: page::PARTS, pixels };
    page::draw(&mut picture, figure, labels)?;
    picture.encoded().map_err(|e| Error::new(ErrorKind::Internal, format!("no picture: {e}")))
}

impl Picture {
    /// Blends a colour over the coverage of a shape, at an offset.
    fn lay(&mut self, cover: &Cover, by: BackendCoord, color: BackendColor) {
        let (cover, place) = cover;
        let rows = cover.chunks_exact((place.width as usize).max(1));
        for (row, line) in rows.enumerate() {
            let y = i64::from(place.top) + i64::from(by.1) + row as i64;
            for (column, part) in line.iter().enumerate().filter(|(_, part)| **part > 0) {
                let x = i64::from(place.left) + i64::from(by.0) + column as i64;
                self.mix(x, y, color, f64::from(*part) / 255.0);
            }
        }
    }

    fn mix(&mut self, x: i64, y: i64, color: BackendColor, part: f64) {
        if !(0..i64::from(self.width)).contains(&x) || !(0..i64::from(self.height)).contains(&y) {
            return;
        }
        let at = (y as usize * self.width as usize + x as usize) * 3;
        let ink = [color.rgb.0, color.rgb.1, color.rgb.2];
        let part = part * color.alpha;
        for (old, new) in self.pixels.iter_mut().skip(at).take(3).zip(ink) {
            let mixed = f64::from(*old) * (1.0 - part) + f64::from(new) * part;
            *old = mixed.round() as u8;
        }
    }

    /// A length in pixels.
    fn pixels(&self, places: f64) -> f64 {
        places / f64::from(self.parts)
    }

    fn stroke(&self, style: &impl BackendStyle) -> Stroke<'static> {
        Stroke::new(self.pixels(style.stroke_width().into()) as f32)
    }

    fn point(&self, (x, y): BackendCoord) -> Point {
        Point::new(self.pixels(x.into()) as f32, self.pixels(y.into()) as f32)
    }

    fn path(&self, points: impl IntoIterator<Item = BackendCoord>) -> Vec<Command> {
        let points = points.into_iter().map(|point| self.point(point)).enumerate();
        let command =
            |(i, point)| if i == 0 { Command::MoveTo(point) } else { Command::LineTo(point) };
        points.map(command).collect()
    }

    fn fill(&mut self, path: &[Command], by: BackendCoord, color: BackendColor) {
        self.lay(&cover(path, Fill::NonZero), by, color);
    }

    /// The file: its signature, and chunks of a length, a name, bytes and a checksum.
    fn encoded(&self) -> std::io::Result<Vec<u8>> {
        let mut rows = ZlibEncoder::new(Vec::new(), Compression::default());
        for row in self.pixels.chunks(self.width as usize * 3) {
            // The filter type of each row: none.
            rows.write_all(&[0])?;
            rows.write_all(row)?;
        }
        let mut head = Vec::new();
        head.extend(self.width.to_be_bytes());
        head.extend(self.height.to_be_bytes());
        // Eight bits each of red, green and blue, nothing unusual.
        head.extend([8, 2, 0, 0, 0]);
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        for (name, bytes) in [(b"IHDR", head), (b"IDAT", rows.finish()?), (b"IEND", Vec::new())] {
            let mut sum = Crc::new();
            sum.update(name);
            sum.update(&bytes);
            file.extend((bytes.len() as u32).to_be_bytes());
            file.extend(name);
            file.extend(bytes);
            file.extend(sum.sum().to_be_bytes());
        }
        Ok(file)
    }
}

fn cover<'s>(path: &[Command], style: impl Into<Style<'s>>) -> Cover {
    if path.is_empty() {
        return (Vec::new(), Placement::default());
    }
    Mask::new(path).style(style).render()
}

impl DrawingBackend for Picture {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn ensure_prepared(&mut self) -> std::result::Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> std::result::Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(
        &mut self,
        (x, y): BackendCoord,
        color: BackendColor,
    ) -> std::result::Result<(), DrawingErrorKind<Infallible>> {
        let [x, y] = [x, y].map(|at| self.pixels(at.into()).round() as i64);
        self.mix(x, y, color, 1.0);
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> std::result::Result<(), DrawingErrorKind<Infallible>> {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> std::result::Result<(), DrawingErrorKind<Infallible>> {
        let points: Vec<BackendCoord> = points.into_iter().collect();
        // Pieces of a long line have round caps, so that they look joined.
        let cap = if points.len() > PIECE { Cap::Round } else { Cap::Butt };
        let mut stroke = self.stroke(style);
        stroke.join(Join::Round).cap(cap);
        let mut rest = &points[..];
        while let [_, _, ..] = rest {
            let (piece, _) = rest.split_at(rest.len().min(PIECE));
            let path = self.path(piece.iter().copied());
            self.lay(&cover(&path, stroke), (0, 0), style.color());
            // The next piece begins where this one ends.
            rest = &rest[piece.len() - 1..];
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> std::result::Result<(), DrawingErrorKind<Infallible>> {
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        if !fill {
            return self.draw_path(corners.into_iter().chain([(left, top)]), style);
        }
        self.fill(&self.path(corners), (0, 0), style.color());
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> std::result::Result<(), DrawingErrorKind<Infallible>> {
        let mut outline = Vec::new();
        let radius = self.pixels(radius.into()) as f32;
        zeno::PathBuilder::add_circle(&mut outline, self.point(center), radius);
        match fill {
            true => self.fill(&outline, (0, 0), style.color()),
            false => self.lay(&cover(&outline, self.stroke(style)), (0, 0), style.color()),
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> std::result::Result<(), DrawingErrorKind<Infallible>> {
        let size = self.pixels(style.size() / page::FONT_UNIT);
        let upwards = matches!(style.transform(), FontTransform::Rotate270);
        let back = font::width(text, size)
            * match style.anchor().h_pos {
                HPos::Left => 0.0,
                HPos::Center => 0.5,
                HPos::Right => 1.0,
            };
        // As in plotters' SVG backend.
        let down = size
            * match style.anchor().v_pos {
                VPos::Top => 0.76,
                VPos::Center => 0.27,
                VPos::Bottom => -0.27,
            };
        let (along, across) = (back.round() as i32, down.round() as i32);
        let [x, y] = [x, y].map(|at| self.pixels(at.into()).round() as i32);
        let at = if upwards { (x + across, y + along) } else { (x - along, y + across) };
        self.fill(&font::outline(text, size, upwards), at, style.color());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// The size of a PNG file and its pixels, as its own bytes say.
    fn decoded(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!(&file[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(&file[12..16], b"IHDR");
        let (width, height, length) = (number(16), number(20), number(33) as usize);
        assert_eq!(&file[37..41], b"IDAT");
        assert_eq!(&file[41 + length + 8..41 + length + 12], b"IEND");
        let mut rows = Vec::new();
        let mut inflate = flate2::read::ZlibDecoder::new(&file[41..41 + length]);
        inflate.read_to_end(&mut rows).unwrap();
        let row = width as usize * 3 + 1;
        assert_eq!(rows.len(), row * height as usize);
        assert!(rows.chunks(row).all(|row| row[0] == 0));
        (width, height, rows.chunks(row).flat_map(|row| row[1..].to_vec()).collect())
    }

    #[test]
    fn a_line_is_in_the_picture() {
        let y = [0.0, 1.0];
        let figure = Figure::points(None, vec![(&y[..]).into()]).unwrap();
        let labels = Labels { title: "0 1".into(), y: "up".into(), ..Labels::default() };
        let (width, height, pixels) = decoded(&file(&figure, &labels).unwrap());
        assert_eq!((width, height), page::DOTS);
        let blue = |at: usize| pixels[at..at + 3] == [31, 119, 180];
        let places: Vec<usize> = (0..pixels.len() / 3).filter(|i| blue(i * 3)).collect();
        assert!(places.len() > 1000, "{}", places.len());
        // From the lower left to the upper right.
        let (first, last) = (places[0], places[places.len() - 1]);
        let x = |place: usize| place % width as usize;
        assert!(x(first) > 1400 && x(last) < 300, "{} {}", x(first), x(last));
        // The title stands in the middle of the top, and is dark.
        let dark = |x: usize, y: usize| pixels[(y * width as usize + x) * 3] < 100;
        let titled = (760..900).any(|x| (20..70).any(|y| dark(x, y)));
        let named = (0..60).any(|x| (300..600).any(|y| dark(x, y)));
        assert!(titled && named);
    }

    /// A line is drawn in pieces, and has no holes between them.
    #[test]
    fn pieces_of_a_line_are_joined() {
        let mut picture =
            Picture { width: 200, height: 8, parts: 1, pixels: vec![255; 200 * 8 * 3] };
        struct Black;
        impl BackendStyle for Black {
            fn color(&self) -> BackendColor {
                BackendColor { alpha: 1.0, rgb: (0, 0, 0) }
            }

            fn stroke_width(&self) -> u32 {
                4
            }
        }
        picture.draw_path((0..200).map(|x| (x, 4)), &Black).unwrap();
        let row = &picture.pixels[4 * 600..5 * 600];
        assert!(row.iter().all(|ink| *ink == 0), "{row:?}");
        assert!(picture.pixels[..600].iter().all(|ink| *ink == 255));
    }

    #[test]
    fn shapes_are_cut_at_the_edges() {
        let mut picture = Picture { width: 4, height: 2, parts: 1, pixels: vec![255; 24] };
        struct Red;
        impl BackendStyle for Red {
            fn color(&self) -> BackendColor {
                BackendColor { alpha: 1.0, rgb: (255, 0, 0) }
            }
        }
        picture.draw_rect((2, -5), (9, 1), &Red, true).unwrap();
        let white = [255; 3];
        let want = [[white, white, [255, 0, 0], [255, 0, 0]], [white; 4]];
        assert_eq!(picture.pixels, want.as_flattened().as_flattened());
        assert_eq!(decoded(&picture.encoded().unwrap()), (4, 2, picture.pixels));
    }
}
