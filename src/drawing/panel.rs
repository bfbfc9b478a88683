//! A box before it is placed: the loads, operations and stores of a pass.

use super::layout::Layered;
use crate::plan::Destination;

/// Heights of shapes with one line of text and with two.
const LOW: f64 = 24.0;
const HIGH: f64 = 36.0;

/// A shape of a box.
pub(super) struct Shape {
    pub class: &'static str,
    pub label: String,
    /// A second line.
    pub detail: String,
    /// The dtype that its edges carry.
    pub dtype: String,
}

impl Shape {
    pub(super) fn height(&self) -> f64 {
        if self.detail.is_empty() { LOW } else { HIGH }
    }
}

/// A box.
#[derive(Default)]
pub(super) struct Panel {
    pub aside: Vec<String>,
    pub shapes: Vec<Shape>,
    pub graph: Layered,
    /// For each edge, the index of the operand at its end and the number of operands.
    pub ports: Vec<(usize, usize)>,
    pub reads: Vec<(Destination, usize)>,
    pub writes: Vec<(Destination, usize)>,
}
