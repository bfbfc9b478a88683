//! A box: what a pass reads, computes and writes, before it has a place.

use super::layout::Layered;
use crate::plan::Target;

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

/// What later boxes may read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Between {
    Cell(u32),
    Temporary(u32),
    Output(u32),
}

impl Between {
    pub(super) fn of(target: Target) -> Between {
        match target {
            Target::Output(number) => Between::Output(number),
            Target::Cell(number) => Between::Cell(number),
            Target::Temporary(number) => Between::Temporary(number),
        }
    }
}

/// A box.
#[derive(Default)]
pub(super) struct Panel {
    pub aside: Vec<String>,
    pub shapes: Vec<Shape>,
    pub graph: Layered,
    /// Operands of each edge's end: which, of how many.
    pub ports: Vec<(usize, usize)>,
    pub reads: Vec<(Between, usize)>,
    pub writes: Vec<(Between, usize)>,
}
