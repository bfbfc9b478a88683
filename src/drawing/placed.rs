//! A placed box, and how it is drawn.

use rustc_hash::FxHashMap;

use super::layout::Layout;
use super::panel::Panel;
use super::svg::{Canvas, text_width};

/// The padding of a box.
pub(super) const PADDING: f64 = 16.0;
/// The height of a line of text beside the shapes.
const LINE: f64 = 16.0;
/// The distance between layers.
const FALL: f64 = 34.0;

/// A placed box.
pub(super) struct Placed<'p> {
    panel: &'p Panel,
    pub layout: Layout,
    pub top: f64,
    pub height: f64,
    /// The left edge of its shapes.
    pub left: f64,
    /// The top and the height of each layer.
    layers: Vec<(f64, f64)>,
}

impl<'p> Placed<'p> {
    /// Places a box at a height; `left` is set later.
    pub(super) fn new(panel: &'p Panel, top: f64) -> Placed<'p> {
        let layout = panel.graph.layout();
        let mut heights = vec![0.0f64; layout.layers];
        for (shape, layer) in panel.shapes.iter().zip(&layout.layer) {
            heights[*layer] = heights[*layer].max(shape.height());
        }
        let mut y = top + PADDING;
        let layers = heights.into_iter().map(|height| {
            let at = y;
            y += height + FALL;
            (at, height)
        });
        let layers = layers.collect();
        let drawn = y - FALL - top + PADDING;
        let aside = panel.aside.len() as f64 * LINE + 2.0 * PADDING;
        Placed { panel, layout, top, height: drawn.max(aside), left: 0.0, layers }
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The width of the text beside the shapes.
    pub(super) fn aside(&self) -> f64 {
        self.panel.aside.iter().map(|line| text_width(line, 12.0)).fold(0.0, f64::max)
    }

    pub(super) fn x(&self, node: usize) -> f64 {
        self.left + self.layout.x[node]
    }

    /// The upper and the lower edge of a shape, or of the layer that a waypoint passes.
    pub(super) fn span(&self, node: usize) -> (f64, f64) {
        let (top, height) = self.layers[self.layout.layer[node]];
        match self.panel.shapes.get(node) {
            None => (top, top + height),
            Some(shape) => {
                let upper = top + (height - shape.height()) / 2.0;
                (upper, upper + shape.height())
            }
        }
    }

    /// Draws the contents of the box; the text beside the shapes begins at `left`.
    pub(super) fn draw(&self, canvas: &mut Canvas, left: f64) {
        let Placed { panel, layout, .. } = self;
        for (i, line) in panel.aside.iter().enumerate() {
            let class = if i == 0 { "head" } else { "" };
            canvas.text(class, left, self.top + PADDING + (i as f64 + 0.75) * LINE, line);
        }
        let note = |node: usize| panel.shapes.get(node).is_some_and(|shape| shape.class == "note");
        let mut port_of: FxHashMap<(usize, usize), Vec<(usize, usize)>> = FxHashMap::default();
        for ((_, to), (segment, port)) in
            panel.graph.edges.iter().zip(last_segments(panel, layout).into_iter().zip(&panel.ports))
        {
            port_of.entry((segment, *to)).or_default().push(*port);
        }
        let mut taken: FxHashMap<(usize, usize), usize> = FxHashMap::default();
        for (from, to) in layout.segments.iter().filter(|(from, _)| !note(*from)) {
            let mut x = self.x(*to);
            if let Some(ports) = port_of.get(&(*from, *to)) {
                let used = taken.entry((*from, *to)).or_default();
                let (port, of) = ports[(*used).min(ports.len() - 1)];
                *used += 1;
                let width = panel.graph.widths[*to];
                let step = (width / of as f64).min(14.0);
                x += (port as f64 - (of as f64 - 1.0) / 2.0) * step;
            }
            let passes = panel.shapes.get(*to).is_none();
            let class = if passes { "edge passing" } else { "edge" };
            canvas.curve(class, (self.x(*from), self.span(*from).1), (x, self.span(*to).0));
            if passes {
                let (upper, lower) = self.span(*to);
                canvas.lines("edge passing", &[(self.x(*to), upper), (self.x(*to), lower)]);
            }
        }
        for (node, shape) in panel.shapes.iter().enumerate() {
            let (width, x) = (panel.graph.widths[node], self.x(node));
            let (upper, lower) = self.span(node);
            if shape.class != "note" {
                canvas.rectangle(shape.class, [x - width / 2.0, upper, width, lower - upper]);
            }
            canvas.text("label", x, upper + 16.0, &shape.label);
            if !shape.detail.is_empty() {
                canvas.text("type", x, upper + 30.0, &shape.detail);
            }
            if !shape.dtype.is_empty() {
                canvas.text("dtype", x, lower + 10.0, &shape.dtype);
            }
        }
    }
}

/// The start of the last piece of each edge.
fn last_segments(panel: &Panel, layout: &Layout) -> Vec<usize> {
    let mut above: FxHashMap<usize, usize> = FxHashMap::default();
    let shapes = panel.shapes.len();
    for (from, to) in layout.segments.iter().filter(|(_, to)| *to >= shapes) {
        above.insert(*to, *from);
    }
    // The waypoints of a source, by their layers.
    let mut trunk: FxHashMap<(usize, usize), usize> = FxHashMap::default();
    for waypoint in shapes..layout.layer.len() {
        let mut source = waypoint;
        while let Some(before) = above.get(&source) {
            source = *before;
        }
        trunk.insert((source, layout.layer[waypoint]), waypoint);
    }
    let last = |(from, to): &(usize, usize)| {
        let layer = layout.layer[*to].saturating_sub(1);
        trunk.get(&(*from, layer)).copied().unwrap_or(*from)
    };
    panel.graph.edges.iter().map(last).collect()
}
