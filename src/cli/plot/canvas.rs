//! A grid of dots made of braille characters, on which plotters draws.

use std::convert::Infallible;

use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind,
};

/// Dots of a character.
pub(crate) const DOTS: (u32, u32) = (2, 4);

/// The bit of each dot of a character, from the top left by rows (Unicode, block 2800).
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Characters, each of them eight dots.
pub(crate) struct Canvas {
    columns: u32,
    rows: u32,
    cells: Vec<u8>,
}

impl Canvas {
    /// An empty canvas of so many characters.
    pub(crate) fn new(columns: u32, rows: u32) -> Canvas {
        Canvas { columns, rows, cells: vec![0; columns as usize * rows as usize] }
    }

    /// The lines of text, from the top, without blanks at their ends.
    pub(crate) fn lines(&self) -> Vec<String> {
        let character = |cell: &u8| match cell {
            0 => ' ',
            bits => char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' '),
        };
        let rows = self.cells.chunks(self.columns.max(1) as usize);
        rows.map(|row| row.iter().map(character).collect::<String>().trim_end().into()).collect()
    }
}

impl DrawingBackend for Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.columns * DOTS.0, self.rows * DOTS.1)
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(
        &mut self,
        (x, y): BackendCoord,
        color: BackendColor,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let (width, height) = self.get_size();
        if color.alpha > 0.0 && (0..width as i32).contains(&x) && (0..height as i32).contains(&y) {
            let (x, y) = (x as u32, y as u32);
            let cell = (y / DOTS.1 * self.columns + x / DOTS.0) as usize;
            self.cells[cell] |= BITS[(y % DOTS.1) as usize][(x % DOTS.0) as usize];
        }
        Ok(())
    }

    /// A dot for each step along the longer side: plotters' own lines fade at their edges, and
    /// dots cannot.
    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let (across, up) =
            (i64::from(to.0) - i64::from(from.0), i64::from(to.1) - i64::from(from.1));
        let steps = across.abs().max(up.abs()).max(1);
        let share = |way: i64, step: i64| (2 * way * step + steps).div_euclid(2 * steps) as i32;
        (0..=steps).try_for_each(|step| {
            self.draw_pixel((from.0 + share(across, step), from.1 + share(up, step)), style.color())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: BackendColor = BackendColor { alpha: 1.0, rgb: (0, 0, 0) };

    #[test]
    fn dots_become_characters() {
        let mut canvas = Canvas::new(2, 2);
        for dot in [(0, 0), (3, 7), (1, 1), (-1, 0), (4, 0), (0, 8)] {
            canvas.draw_pixel(dot, INK).unwrap();
        }
        assert_eq!(canvas.lines(), ["⠑", " ⢀"]);
        canvas.draw_line((3, 0), (0, 0), &INK).unwrap();
        assert_eq!(canvas.lines()[0], "⠙⠉");
        let mut canvas = Canvas::new(2, 1);
        canvas.draw_line((0, 3), (3, 0), &INK).unwrap();
        assert_eq!(canvas.lines(), ["⡠⠊"]);
    }
}
