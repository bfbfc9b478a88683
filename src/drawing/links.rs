//! Lines between boxes, from a writer to a reader.

use rustc_hash::FxHashMap;

use super::panel::Panel;
use super::placed::Placed;
use super::svg::Canvas;
use crate::plan::Destination;

/// The distance between lines that pass boxes.
const LANE: f64 = 10.0;

/// A value that one box writes and another reads.
struct Link {
    from: usize,
    to: usize,
    start: usize,
    end: usize,
}

impl Link {
    /// Whether there are boxes in between.
    fn passes(&self) -> bool {
        self.to > self.from + 1
    }
}

/// A box, and the shape in it where a line ends.
type End = (usize, usize);

/// All lines between boxes, and their lanes.
pub(super) struct Links {
    links: Vec<Link>,
    /// For the space below each box, the horizontal parts of lines that pass boxes: those that
    /// leave the box and those that arrive below, each with its end.
    tracks: Vec<Vec<End>>,
    /// The values with a lane beside the boxes: those read by a box farther below.
    lanes: Vec<End>,
}

impl Links {
    pub(super) fn of(panels: &[Panel]) -> Links {
        let links = links(panels);
        let (mut tracks, mut lanes) = (vec![Vec::new(); panels.len()], Vec::new());
        let add = |list: &mut Vec<End>, end: End| {
            if !list.contains(&end) {
                list.push(end);
            }
        };
        for link in links.iter().filter(|link| link.passes()) {
            add(&mut tracks[link.from], (link.from, link.start));
            add(&mut tracks[link.to - 1], (link.to, link.end));
            add(&mut lanes, (link.from, link.start));
        }
        Links { links, tracks, lanes }
    }

    /// The height of the lines below a box.
    pub(super) fn height_below(&self, panel: usize) -> f64 {
        self.tracks.get(panel).map_or(0, Vec::len) as f64 * LANE
    }

    /// The width of the lanes beside the boxes.
    pub(super) fn width(&self) -> f64 {
        (self.lanes.len() + 1) as f64 * LANE
    }

    /// Draws the lines; the boxes end at `right`.
    pub(super) fn draw(&self, canvas: &mut Canvas, placed: &[Placed<'_>], right: f64) {
        let place = |list: &[End], end: End| {
            (list.iter().position(|other| *other == end).unwrap_or(0) + 1) as f64 * LANE
        };
        for link in &self.links {
            let (from, to) = (&placed[link.from], &placed[link.to]);
            let start = (from.x(link.start), from.span(link.start).1);
            let end = (to.x(link.end), to.span(link.end).0);
            if !link.passes() {
                // Straight to the border, so that no shape is crossed.
                let (leaves, arrives) = (from.bottom(), to.top);
                canvas.lines("way", &[start, (start.0, leaves)]);
                canvas.curve("way", (start.0, leaves), (end.0, arrives));
                canvas.lines("link", &[(end.0, arrives), end]);
                continue;
            }
            let (above, source) = (link.to - 1, (link.from, link.start));
            let out = from.bottom() + place(&self.tracks[link.from], source);
            let back = placed[above].bottom() + place(&self.tracks[above], (link.to, link.end));
            let side = right + place(&self.lanes, source);
            let way = [start, (start.0, out), (side, out), (side, back), (end.0, back), end];
            canvas.lines("link", &way);
        }
    }
}

fn links(panels: &[Panel]) -> Vec<Link> {
    let mut written: FxHashMap<Destination, (usize, usize)> = FxHashMap::default();
    let mut links = Vec::new();
    for (to, panel) in panels.iter().enumerate() {
        for (what, end) in &panel.reads {
            if let Some((from, start)) = written.get(what) {
                links.push(Link { from: *from, to, start: *start, end: *end });
            }
        }
        written.extend(panel.writes.iter().map(|(what, shape)| (*what, (to, *shape))));
    }
    links
}
