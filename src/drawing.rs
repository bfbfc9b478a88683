//! A plan as a picture: a box for each pass over the data, in it what the pass reads, computes
//! and writes, and lines between boxes where a pass reads what an earlier one has written.

mod drafter;
mod layout;
mod legend;
mod links;
mod names;
mod page;
mod panel;
mod placed;
mod svg;

use crate::graph::Graph;
use crate::plan::Plan;
use drafter::Drafter;

/// What is drawn.
pub struct Subject<'a> {
    /// The program's text.
    pub text: &'a str,
    /// The names of its inputs.
    pub inputs: &'a [Box<str>],
    /// The names of its outputs.
    pub outputs: &'a [Option<Box<str>>],
    /// The graph.
    pub graph: &'a Graph,
    /// Its plan; without one the whole graph is one box.
    pub plan: Option<&'a Plan>,
}

/// Shapes that all boxes may have together.
const MOST_SHAPES: usize = 400;
/// Boxes beyond which the rest is only counted.
const MOST_BOXES: usize = 40;

/// The picture, as an SVG file.
pub fn svg(subject: &Subject<'_>) -> String {
    let mut panels = Vec::new();
    let mut room = MOST_SHAPES;
    let weak = names::weak_values(subject);
    let stages = subject.plan.map_or(&[][..], |plan| &plan.stages);
    for (number, stage) in stages.iter().enumerate().take(MOST_BOXES) {
        let panel = Drafter::new(subject, &weak).stage(number, stage, room);
        room -= panel.shapes.len().min(room);
        panels.push(panel);
    }
    if stages.is_empty() {
        panels.push(Drafter::new(subject, &weak).all(room));
    }
    let mut notes = legend::notes(subject);
    if stages.len() > MOST_BOXES {
        notes.insert(0, format!("and {} more stages", stages.len() - MOST_BOXES));
    }
    page::compose(subject, &panels, &notes)
}
