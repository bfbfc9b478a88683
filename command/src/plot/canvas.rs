//! A grid of dots made of braille characters, on which plotters draws.

use std::convert::Infallible;

use console::{Color, Style};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind,
};

/// Dots of a character.
pub(crate) const DOTS: (u32, u32) = (2, 4);

/// The bit of each dot of a character, from the top left by rows (Unicode, block 2800).
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Dots of a line that are drawn, and dots after them that are not; the next line's are others.
const DASHES: [(u32, u32); 4] = [(1, 0), (3, 3), (1, 3), (7, 3)];

/// Terminal colours that are distinct on dark and light backgrounds.
const COLORS: [Color; 6] =
    [Color::Blue, Color::Yellow, Color::Green, Color::Red, Color::Magenta, Color::Cyan];

/// How lines are distinguished.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Inks {
    /// By their dashes.
    Dashes,
    /// By their colours.
    Colors,
}

impl Inks {
    /// A text in the colour of a line, if lines have colours.
    pub(crate) fn painted(self, line: usize, text: &str) -> String {
        match self {
            Inks::Dashes => text.to_string(),
            Inks::Colors => {
                let style = Style::new().fg(COLORS[line % COLORS.len()]);
                style.force_styling(true).apply_to(text).to_string()
            }
        }
    }

    fn dashes(self, line: usize) -> (u32, u32) {
        match self {
            Inks::Dashes => DASHES[line % DASHES.len()],
            Inks::Colors => DASHES[0],
        }
    }
}

/// Characters, each of them eight dots.
pub(crate) struct Canvas {
    columns: u32,
    rows: u32,
    cells: Vec<u8>,
    /// The line that each character was last drawn for.
    owners: Vec<usize>,
    inks: Inks,
    /// The line that is being drawn.
    line: usize,
    /// Dots of it so far.
    drawn: u32,
}

impl Canvas {
    /// An empty canvas of `columns` by `rows` characters.
    pub(crate) fn new(columns: u32, rows: u32) -> Canvas {
        let count = columns as usize * rows as usize;
        let (cells, owners) = (vec![0; count], vec![0; count]);
        Canvas { columns, rows, cells, owners, inks: Inks::Dashes, line: 0, drawn: 0 }
    }

    /// Sets how lines are distinguished.
    pub(crate) fn with_inks(self, inks: Inks) -> Canvas {
        Canvas { inks, ..self }
    }

    /// Starts drawing a line.
    pub(crate) fn begin(&mut self, line: usize) {
        (self.line, self.drawn) = (line, 0);
    }

    /// The lines of text, from the top, without blanks at their ends.
    pub(crate) fn lines(&self) -> Vec<String> {
        let columns = self.columns.max(1) as usize;
        let rows = self.cells.chunks(columns).zip(self.owners.chunks(columns));
        rows.map(|(cells, owners)| self.row(cells, owners)).collect()
    }

    fn row(&self, cells: &[u8], owners: &[usize]) -> String {
        let length = cells.iter().rposition(|cell| *cell != 0).map_or(0, |last| last + 1);
        let character = |cell: &u8| match cell {
            0 => ' ',
            bits => char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' '),
        };
        let mut text = String::new();
        let mut rest = cells.iter().zip(owners).take(length).peekable();
        while let Some((cell, owner)) = rest.next() {
            let mut run = String::from(character(cell));
            while let Some((cell, _)) = rest.next_if(|(_, next)| *next == owner) {
                run.push(character(cell));
            }
            text += &self.inks.painted(*owner, &run);
        }
        text
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
            self.owners[cell] = self.line;
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
        let (dots, gap) = self.inks.dashes(self.line);
        (0..=steps).try_for_each(|step| {
            // The first dot is the last one of the line before.
            self.drawn = self.drawn.wrapping_add(u32::from(step > 0));
            if self.drawn % (dots + gap) >= dots {
                return Ok(());
            }
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

    #[test]
    fn lines_are_told_apart() {
        let drawn = |inks| {
            let mut canvas = Canvas::new(6, 1).with_inks(inks);
            for line in [0, 1] {
                canvas.begin(line);
                let (from, to) = (6 * line as i32, 6 * line as i32 + 2);
                canvas.draw_line((from, 0), (to, 0), &INK).unwrap();
                canvas.draw_line((to, 0), (to + 3, 0), &INK).unwrap();
            }
            canvas.lines().concat()
        };
        assert_eq!(drawn(Inks::Dashes), "⠉⠉⠉⠉⠁");
        assert_eq!(drawn(Inks::Colors), "\u{1b}[34m⠉⠉⠉\u{1b}[0m\u{1b}[33m⠉⠉⠉\u{1b}[0m");
    }
}
