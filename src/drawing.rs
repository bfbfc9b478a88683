//! Drawing of a plan as SVG: a box for each pass with its loads, operations and stores, and lines
//! between boxes from writers to readers.

mod drafter;
mod layout;
mod legend;
mod links;
mod names;
mod page;
mod panel;
mod placed;
mod svg;

use crate::graph::ArgType;
use crate::plan::Plan;
use drafter::Drafter;

/// The program to draw.
pub struct Subject<'a> {
    /// The program's text.
    pub text: &'a str,
    /// The names of its inputs.
    pub inputs: &'a [Box<str>],
    /// Their types.
    pub types: &'a [ArgType],
    /// The names of its outputs.
    pub outputs: &'a [Option<Box<str>>],
    /// Its plan; `None` for the interpreter.
    pub plan: Option<&'a Plan>,
}

/// The maximum number of shapes of all boxes together.
const MOST_SHAPES: usize = 400;
/// The maximum number of boxes; further passes are only counted.
const MOST_BOXES: usize = 40;

/// Draws the picture as an SVG file.
pub fn svg(subject: &Subject<'_>) -> String {
    let mut panels = Vec::new();
    let mut notes = legend::notes(subject);
    if let Some(plan) = subject.plan {
        let words = names::Words::of(plan, subject);
        let mut room = MOST_SHAPES;
        for (number, pass) in plan.passes.iter().enumerate().take(MOST_BOXES) {
            let panel = Drafter::new(subject, plan, &words).pass(number, pass, room);
            room -= panel.shapes.len().min(room);
            panels.push(panel);
        }
        if plan.passes.len() > MOST_BOXES {
            notes.insert(0, format!("and {} more passes", plan.passes.len() - MOST_BOXES));
        }
        if plan.passes.is_empty() {
            panels.push(Drafter::new(subject, plan, &words).numbers());
        }
    }
    page::compose(subject, &panels, &notes)
}
