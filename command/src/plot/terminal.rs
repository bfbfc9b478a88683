//! A figure as text: braille dots or block characters between axes.

use std::convert::Infallible;

use plotters_backend::{BackendColor, DrawingBackend, DrawingErrorKind};

use super::canvas::{Canvas, DOTS, Inks};
use super::figure::{Drawing, Figure};
use super::labels::{Labels, shortened};
use super::scale::Tick;

/// Block characters, by height in eighths.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

const INK: BackendColor = BackendColor { alpha: 1.0, rgb: (0, 0, 0) };

/// The minimum number of rows for labels.
const ROOM_FOR_WORDS: usize = 12;
/// The sample of a line in the legend, in characters.
const SAMPLE: u32 = 4;

/// Draws a figure of `columns` by `rows` characters, with its labels.
///
/// # Errors
/// `Cancelled`.
pub(crate) fn text(
    figure: &Figure<'_>,
    labels: &Labels,
    (columns, rows): (usize, usize),
    inks: Inks,
) -> hotloop::Result<String> {
    let none = Labels::default();
    let labels = if rows < ROOM_FOR_WORDS { &none } else { labels };
    let legend = legend(labels.legend(), columns, inks);
    let words = [&labels.title, &labels.x, &labels.y];
    let words = words.iter().filter(|word| !word.is_empty()).count() + legend.lines().count();
    let rows = rows.max(4 + words) - 2 - words;
    let ticks = figure.y.ticks((rows / 4).max(2));
    let margin = ticks.iter().map(|tick| tick.label.chars().count()).max().unwrap_or(0);
    // All bars have the same width.
    let columns = columns.saturating_sub(margin + 2).max(8);
    let columns = match figure.bars() {
        Some(bars) => (columns / bars).max(1) * bars,
        None => columns,
    };
    let centred = |word: &str| {
        let word = shortened(word, columns + margin + 2);
        let before = (columns / 2 + margin + 2).saturating_sub(word.chars().count() / 2);
        let most = (columns + margin + 2).saturating_sub(word.chars().count());
        format!("{:1$}{word}\n", "", before.min(most))
    };
    let mut text = String::new();
    if !labels.title.is_empty() {
        text += &centred(&labels.title);
    }
    text += &legend;
    if !labels.y.is_empty() {
        text += &format!("{}\n", shortened(&labels.y, columns + margin + 2));
    }
    for (row, line) in inside(figure, columns, rows, inks)?.iter().enumerate() {
        let tick = ticks.iter().find(|tick| row_of(tick, rows, figure.bars().is_some()) == row);
        let (label, mark) = tick.map_or(("", '│'), |tick| (tick.label.as_str(), '┤'));
        text += &format!("{label:>margin$} {mark}{line}\n");
    }
    text += &" ".repeat(margin + 1);
    text += &axis(&horizontal(figure, columns), columns, margin);
    if !labels.x.is_empty() {
        text += &centred(&labels.x);
    }
    Ok(text)
}

/// The legend: the names of the lines, each after a sample, as many as fit two rows.
fn legend(names: &[String], columns: usize, inks: Inks) -> String {
    let (mut rows, mut free) = (Vec::<String>::new(), 0);
    for (line, name) in names.iter().enumerate() {
        let name = shortened(name, columns.saturating_sub(SAMPLE as usize + 3) / 2);
        let wide = SAMPLE as usize + 3 + name.chars().count();
        if rows.is_empty() || wide > free {
            if rows.len() == 2 {
                break;
            }
            rows.push(String::new());
            free = columns;
        }
        free = free.saturating_sub(wide);
        let mut sample = Canvas::new(SAMPLE, 1).with_inks(inks);
        sample.begin(line);
        // Drawing on this canvas cannot fail.
        let _ = sample.draw_line((0, 2), ((SAMPLE * DOTS.0) as i32 - 1, 2), &INK);
        let sample = sample.lines().concat();
        let missing = SAMPLE as usize - console::measure_text_width(&sample).min(SAMPLE as usize);
        if let Some(row) = rows.last_mut() {
            *row += &format!("{sample}{:missing$} {name}  ", "");
        }
    }
    rows.iter().map(|row| format!("{}\n", row.trim_end())).collect()
}

/// The number of bars for a histogram of `columns` characters.
pub(crate) fn most_bars(columns: usize) -> usize {
    columns.saturating_sub(10).max(8)
}

/// The row of a tick, from the top: that of its dot, or the highest row that a bar of this height
/// fills.
fn row_of(tick: &Tick, rows: usize, bars: bool) -> usize {
    if bars {
        return (((1.0 - tick.at) * rows as f64).round() as usize).min(rows - 1);
    }
    let dots = rows as f64 * f64::from(DOTS.1) - 1.0;
    let from_top = dots - (tick.at * dots).round();
    (from_top / f64::from(DOTS.1)) as usize
}

/// The area between the axes, line by line.
fn inside(
    figure: &Figure<'_>,
    columns: usize,
    rows: usize,
    inks: Inks,
) -> hotloop::Result<Vec<String>> {
    let (width, height) = (columns as u32 * DOTS.0, rows as u32 * DOTS.1);
    let drawings = figure.draw((width, height), 1)?;
    if let [Drawing::Bars(heights)] = &drawings[..] {
        return Ok(bars(heights, columns, rows));
    }
    // A single line is as any other text.
    let inks = if drawings.len() > 1 { inks } else { Inks::Dashes };
    let mut canvas = Canvas::new(columns as u32, rows as u32).with_inks(inks);
    for (line, drawing) in drawings.into_iter().enumerate() {
        canvas.begin(line);
        // Drawing on this canvas cannot fail.
        let _ = ink(&mut canvas, drawing, height as i32);
    }
    Ok(canvas.lines())
}

fn ink(
    canvas: &mut Canvas,
    drawing: Drawing,
    height: i32,
) -> Result<(), DrawingErrorKind<Infallible>> {
    let down = |(x, y): (i32, i32)| (x, height - 1 - y);
    match drawing {
        Drawing::Lines(lines) => lines.into_iter().try_for_each(|line| {
            canvas.draw_pixel(line.first().copied().map_or((-1, -1), down), INK)?;
            line.windows(2)
                .try_for_each(|pair| canvas.draw_line(down(pair[0]), down(pair[1]), &INK))
        }),
        Drawing::Dots(dots) => {
            dots.into_iter().try_for_each(|dot| canvas.draw_pixel(down(dot), INK))
        }
        Drawing::Bars(_) => Ok(()),
    }
}

fn bars(heights: &[f64], columns: usize, rows: usize) -> Vec<String> {
    let wide = columns / heights.len().max(1);
    let eighths = |height: &f64| {
        let eighths = (height * rows as f64 * 8.0).round() as usize;
        // Every non-empty bar is visible.
        if *height > 0.0 { eighths.max(1) } else { 0 }
    };
    let line = |row: usize| {
        let below = (rows - 1 - row) * 8;
        let block = |height: &f64| BLOCKS[eighths(height).saturating_sub(below).min(8)];
        let line: String =
            heights.iter().flat_map(|h| std::iter::repeat_n(block(h), wide)).collect();
        line.trim_end().to_string()
    };
    (0..rows).map(line).collect()
}

/// The ticks of the horizontal axis, as many as fit.
fn horizontal(figure: &Figure<'_>, columns: usize) -> Vec<(usize, String)> {
    let last = (columns.max(2) - 1) as f64;
    let room = |label: &str| (label.chars().count() + 2) as f64 / last;
    let ticks = figure.x.spaced_ticks((columns / 4).clamp(2, 12), room);
    ticks.into_iter().map(|tick| ((tick.at * last).round() as usize, tick.label)).collect()
}

/// The horizontal axis and, below it, its labels, each centred on its tick if it fits.
fn axis(ticks: &[(usize, String)], columns: usize, margin: usize) -> String {
    let mut line: Vec<char> = vec!['─'; columns];
    let mut labels: Vec<char> = vec![' '; margin + 2 + columns];
    let mut free = 0;
    for (at, label) in ticks {
        line[(*at).min(columns - 1)] = '┬';
        let length = label.chars().count();
        let start = (margin + 2 + at).saturating_sub(length / 2);
        let start = start.min(labels.len().saturating_sub(length)).max(free);
        if start + length > labels.len() {
            continue;
        }
        for (place, c) in labels[start..].iter_mut().zip(label.chars()) {
            *place = c;
        }
        free = start + length + 1;
    }
    let labels: String = labels.into_iter().collect();
    format!("└{}\n{}\n", line.into_iter().collect::<String>(), labels.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(figure: &Figure<'_>, columns: usize, rows: usize) -> hotloop::Result<String> {
        text(figure, &Labels::default(), (columns, rows), Inks::Dashes)
    }

    #[test]
    fn words_around_lines() {
        let (a, b) = ([0.0, 1.0], [1.0, 0.0]);
        let figure = Figure::points(None, vec![(&a[..]).into(), (&b[..]).into()]).unwrap();
        let lines = vec!["up".to_string(), "down".to_string()];
        let labels = Labels { title: "title".into(), x: "time".into(), y: "height".into(), lines };
        let drawn = text(&figure, &labels, (40, 14), Inks::Dashes).unwrap();
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 14, "{drawn}");
        assert_eq!((lines[0].trim(), lines[1]), ("title", "⠤⠤⠤⠤ up  ⠤⠄ ⠤ down"));
        assert_eq!((lines[2], lines[13].trim()), ("height", "time"));
        assert!(lines.iter().all(|line| line.chars().count() <= 40), "{drawn}");
        let colored = text(&figure, &labels, (40, 14), Inks::Colors).unwrap();
        assert!(colored.contains("\u{1b}[33m⠤⠤⠤⠤\u{1b}[0m down"), "{colored}");
        assert_eq!(console::strip_ansi_codes(&colored).lines().count(), 14);
    }

    #[test]
    fn a_line_between_axes() {
        let figure =
            Figure::points(None, vec![(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0][..]).into()]).unwrap();
        let want = "\
            5 ┤                ⣀⡠⠤⠒⠉\n  \
              │          ⢀⣀⠤⠔⠒⠉\n  \
              │     ⣀⡠⠔⠒⠉⠁\n\
            0 ┤⣀⠤⠔⠊⠉\n  \
              └┬───┬───┬───┬───┬───┬\n   \
               0   1   2   3   4   5\n";
        assert_eq!(bare(&figure, 24, 6).unwrap(), want);
    }

    #[test]
    fn bars_between_axes() {
        let figure = Figure::histogram(&(&[1, 2, 2, 3, 3, 3, 3][..]).into(), 40).unwrap();
        let want = "\
            4 ┤        ████\n  \
              │        ████\n\
            2 ┤    ████████\n\
            0 ┤████████████\n  \
              └──┬───┬──┬──\n     \
                 1   2  3\n";
        assert_eq!(bare(&figure, 16, 6).unwrap(), want);
    }

    #[test]
    fn no_size_is_too_small() {
        let figure = Figure::points(None, vec![(&[1e-300, -1e300][..]).into()]).unwrap();
        let long = || "long ".repeat(30);
        let lines = vec![long(); 9];
        let labels = Labels { title: long(), x: long(), y: long(), lines };
        for columns in 0..40 {
            for rows in 0..20 {
                assert!(
                    text(&figure, &labels, (columns, rows), Inks::Dashes).unwrap().ends_with('\n')
                );
            }
        }
    }
}
