//! The whole picture: a title, a column of boxes, the notes.

use super::Subject;
use super::links::Links;
use super::panel::Panel;
use super::placed::{PADDING, Placed};
use super::svg::{Canvas, text_width};
use crate::error::shown_program;

const MARGIN: f64 = 20.0;
const TITLE: f64 = 50.0;
/// The distance between boxes.
const GAP: f64 = 44.0;
/// The minimum width of the text beside the shapes of a box.
const ASIDE: f64 = 174.0;
/// The distance between the notes.
const LINE: f64 = 16.0;

/// A summary of all passes.
fn summary(subject: &Subject<'_>) -> String {
    let Some(plan) = subject.plan else { return "evaluated operation by operation".to_string() };
    let passes = plan.passes.len();
    let operations = plan.operations();
    format!(
        "{passes} pass{} over the data, {} bytes and {operations} operation{} an element",
        if passes == 1 { "" } else { "es" },
        plan.bytes_per_element(),
        if operations == 1 { "" } else { "s" },
    )
}

/// Lays out the boxes in a column, and draws them.
pub(super) fn compose(subject: &Subject<'_>, panels: &[Panel], notes: &[String]) -> String {
    let links = Links::of(panels);
    let mut top = MARGIN + TITLE;
    let mut placed: Vec<Placed<'_>> = Vec::with_capacity(panels.len());
    for (number, panel) in panels.iter().enumerate() {
        let place = Placed::new(panel, top);
        top = place.bottom() + GAP + links.height_below(number);
        placed.push(place);
    }
    // The shapes of all boxes are aligned, to the right of the widest text.
    let aside = placed.iter().map(Placed::aside).fold(ASIDE, f64::max);
    let inner = placed.iter().map(|p| p.layout.width).fold(0.0, f64::max);
    let boxed = aside + inner + 3.0 * PADDING;
    for place in &mut placed {
        place.left = MARGIN + aside + 2.0 * PADDING + (inner - place.layout.width) / 2.0;
    }
    let title = shown_program(subject.text, ((boxed / text_width("x", 14.0)) as usize).max(60) - 3);
    let summary = summary(subject);
    let widest =
        notes.iter().chain([&summary]).map(|note| text_width(note, 10.0)).fold(0.0, f64::max);
    let width = (boxed + links.width()).max(text_width(&title, 14.0)).max(widest) + 2.0 * MARGIN;

    let mut canvas = Canvas::default();
    canvas.text("title", MARGIN, MARGIN + 14.0, &title);
    canvas.text("note", MARGIN, MARGIN + 32.0, &summary);
    for place in &placed {
        canvas.rectangle("pass", [MARGIN, place.top, boxed, place.height]);
    }
    links.draw(&mut canvas, &placed, MARGIN + boxed);
    placed.iter().for_each(|place| place.draw(&mut canvas, MARGIN + PADDING));
    let mut y = top - GAP + LINE;
    for note in notes {
        y += LINE;
        canvas.text("note", MARGIN, y, note);
    }
    canvas.finish(width, y + MARGIN, &title)
}
