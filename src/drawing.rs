//! A plan as a picture: a box for each pass over the data, in it what the pass reads, computes
//! and writes, and lines between boxes where a pass reads what an earlier one has written.

mod layout;
mod svg;

use rustc_hash::FxHashMap;

use crate::domain::Derivation;
use crate::error::shown_program;
use crate::graph::{Graph, Node, NodeId, show};
use crate::ops::Op;
use crate::plan::{Array, Load, Plan, Stage, Target};
use layout::{Layered, Layout};
use svg::{Canvas, text_width};

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

/// Shapes beyond which a pass is summed up instead of drawn, and all passes together.
const MOST_IN_A_BOX: usize = 120;
const MOST_SHAPES: usize = 400;
/// Boxes beyond which the rest is only counted.
const MOST_BOXES: usize = 40;
/// Lines of the legend.
const MOST_NOTES: usize = 16;

const MARGIN: f64 = 20.0;
/// Between a box and what is in it.
const PADDING: f64 = 16.0;
/// What stands beside the drawing of a box.
const ASIDE: f64 = 190.0;
const LINE: f64 = 16.0;
/// Heights of shapes with one line of text and with two.
const LOW: f64 = 24.0;
const HIGH: f64 = 36.0;
/// Between layers.
const FALL: f64 = 34.0;
/// Between boxes, and between lines that go past boxes.
const GAP: f64 = 44.0;
const LANE: f64 = 10.0;

/// A shape of a box.
struct Shape {
    class: &'static str,
    label: String,
    /// A second line.
    detail: String,
    /// The dtype that its edges carry.
    dtype: String,
}

/// What later boxes may read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Between {
    Cell(u32),
    Temporary(u32),
    Output(u32),
}

/// A box.
#[derive(Default)]
struct Panel {
    aside: Vec<String>,
    shapes: Vec<Shape>,
    graph: Layered,
    /// Operands of each edge's end: which, of how many.
    ports: Vec<(usize, usize)>,
    reads: Vec<(Between, usize)>,
    writes: Vec<(Between, usize)>,
}

/// The picture, as an SVG file.
pub fn svg(subject: &Subject<'_>) -> String {
    let mut panels = Vec::new();
    let mut left = MOST_SHAPES;
    let weak = weak_values(subject);
    let stages = subject.plan.map_or(&[][..], |plan| &plan.stages);
    for (number, stage) in stages.iter().enumerate().take(MOST_BOXES) {
        let panel = Drafter::new(subject, &weak).stage(number, stage, left);
        left -= panel.shapes.len().min(left);
        panels.push(panel);
    }
    if stages.is_empty() {
        panels.push(Drafter::new(subject, &weak).all(left));
    }
    let mut notes = legend(subject);
    if stages.len() > MOST_BOXES {
        notes.insert(0, format!("and {} more stages", stages.len() - MOST_BOXES));
    }
    compose(subject, &panels, &notes)
}

/// Makes the shapes of a box.
struct Drafter<'a> {
    subject: &'a Subject<'a>,
    panel: Panel,
    /// The shape of each node that has one.
    known: FxHashMap<NodeId, usize>,
    /// What numbers are computed from numbers, before the passes.
    weak: &'a FxHashMap<NodeId, String>,
}

impl<'a> Drafter<'a> {
    fn new(subject: &'a Subject<'a>, weak: &'a FxHashMap<NodeId, String>) -> Drafter<'a> {
        Drafter { subject, panel: Panel::default(), known: FxHashMap::default(), weak }
    }

    fn stage(mut self, number: usize, stage: &Stage, left: usize) -> Panel {
        let graph = self.subject.graph;
        let aside = &mut self.panel.aside;
        aside.push(format!("stage {number}"));
        aside.push(match stage.domain.is_scalar() {
            true => "over one element".to_string(),
            false => format!("over [{}]", stage.domain),
        });
        if let Some(axes) = &stage.axes {
            aside.push(axes.to_string());
        }
        if !stage.domain.is_scalar() {
            let (read, written) = stage.bytes();
            aside.push("bytes an element:".to_string());
            aside.push(format!("{read} read, {written} written"));
        }
        aside.push(match stage.operations {
            1 => "1 operation".to_string(),
            n => format!("{n} operations"),
        });
        let written = stage.stored.len() + stage.folded.len();
        let count = stage.loads.len() + stage.nodes.len() + written + stage.folded.len();
        if count > MOST_IN_A_BOX.min(left) {
            self.sum_up(stage.nodes.iter().chain(&stage.folded));
            return self.panel;
        }
        for load in &stage.loads {
            self.load(load);
        }
        for id in stage.nodes.iter().chain(&stage.folded) {
            self.node(*id);
        }
        let arrays = stage.stored.iter().zip(&stage.outputs).map(|(id, (to, _))| (id, *to));
        let folds = stage.folded.iter().zip(&stage.folds).map(|(id, fold)| (id, fold.target));
        for (id, target) in arrays.chain(folds) {
            let between = Between::of(target);
            let (class, label) = match between {
                Between::Output(number) => ("output", self.output(number)),
                Between::Temporary(number) => ("between", format!("array{number}")),
                Between::Cell(number) => ("between", format!("cell{number}")),
            };
            let detail = self.written(graph, *id, matches!(between, Between::Cell(_)));
            let shape = self.add(class, label, detail, String::new(), true);
            self.panel.writes.push((between, shape));
            if let Between::Cell(cell) = between {
                self.output_cells(cell, shape);
            }
            if let Some(from) = self.known.get(id).copied() {
                self.edge(from, shape, (0, 1));
            }
        }
        self.panel
    }

    /// The whole graph, where there are no passes.
    fn all(mut self, left: usize) -> Panel {
        let graph = self.subject.graph;
        let live = graph.live();
        let ids: Vec<NodeId> = graph.ids().filter(|id| live[id.index()]).collect();
        let has_stages = self.subject.plan.is_some();
        self.panel.aside.push(match has_stages {
            true => "no pass over data".to_string(),
            false => "interpreted:".to_string(),
        });
        if !has_stages {
            self.panel.aside.push("a pass for each node".to_string());
        }
        if ids.len() + graph.outputs().len() > MOST_IN_A_BOX.min(left) {
            self.sum_up(ids.iter());
            return self.panel;
        }
        for id in ids {
            match graph.node(id) {
                Node::Const(_) => {}
                Node::Input(_) => drop(self.uniform(id)),
                _ => self.node(id),
            }
        }
        for (number, id) in graph.outputs().iter().enumerate() {
            let (label, detail) = (self.output(number as u32), graph.ty(*id).to_string());
            let shape = self.add("output", label, detail, String::new(), true);
            let from = self.known.get(id).copied().unwrap_or_else(|| self.uniform(*id));
            self.edge(from, shape, (0, 1));
        }
        self.panel
    }

    /// Counts what is too much to draw.
    fn sum_up<'n>(&mut self, ids: impl Iterator<Item = &'n NodeId>) {
        let mut counts: Vec<(String, usize)> = Vec::new();
        let mut known: FxHashMap<String, usize> = FxHashMap::default();
        let mut total = 0;
        for id in ids {
            total += 1;
            let name = name(self.subject.graph, *id);
            let next = counts.len();
            let at = *known.entry(name.clone()).or_insert(next);
            if at == next {
                counts.push((name, 0));
            }
            counts[at].1 += 1;
        }
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        self.add(
            "note",
            format!("{total} nodes: too many to draw"),
            String::new(),
            String::new(),
            false,
        );
        for chunk in counts.chunks(6).take(4) {
            let parts: Vec<String> =
                chunk.iter().map(|(n, count)| format!("{count} x {n}")).collect();
            let before = self.panel.shapes.len() - 1;
            let shape = self.add("note", parts.join(",  "), String::new(), String::new(), false);
            // Below each other.
            self.edge(before, shape, (0, 1));
        }
    }

    fn add(
        &mut self,
        class: &'static str,
        label: String,
        detail: String,
        dtype: String,
        last: bool,
    ) -> usize {
        let width = text_width(&label, 12.0).max(text_width(&detail, 10.0)) + 16.0;
        self.panel.graph.widths.push(width.max(36.0));
        self.panel.graph.last.push(last);
        self.panel.shapes.push(Shape { class, label, detail, dtype });
        self.panel.shapes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, port: (usize, usize)) {
        self.panel.graph.edges.push((from, to));
        self.panel.ports.push(port);
    }

    /// An array that a pass reads.
    fn load(&mut self, load: &Load) {
        let graph = self.subject.graph;
        let id = load.views.last().copied().unwrap_or(load.node);
        let (class, mut label) = match load.array {
            Array::Input(number) => ("input", self.input(number)),
            Array::Output(number) => ("output", self.output(number)),
            Array::Temporary(number) => ("between", format!("array{number}")),
        };
        for view in &load.views {
            label = match graph.derivation(*view).map(|d| &d.how) {
                Some(Derivation::Index(items)) => {
                    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                    format!("{label}[{}]", items.join(", "))
                }
                Some(how) => format!("{label} {how}"),
                None => label,
            };
        }
        let detail = format!("{}, {} B", graph.ty(id), load.dtype.size());
        let shape = self.add(class, cut(&label), detail, load.dtype.to_string(), false);
        match load.array {
            Array::Input(_) => {}
            Array::Output(number) => self.panel.reads.push((Between::Output(number), shape)),
            Array::Temporary(number) => self.panel.reads.push((Between::Temporary(number), shape)),
        }
        self.known.insert(id, shape);
    }

    /// A value of one element that a pass reads.
    fn uniform(&mut self, id: NodeId) -> usize {
        let graph = self.subject.graph;
        let mut source = id;
        while let Node::Adopt(x) | Node::Convert(x) = graph.node(source) {
            source = *x;
        }
        let cell = self.subject.plan.and_then(|plan| cell_of(plan, id));
        let (class, label) = match (graph.node(source), cell) {
            (Node::Input(number), None) => ("input", self.input(*number)),
            (Node::Apply(Op::Size, _), None) => ("between", "size".to_string()),
            (Node::Apply(Op::Length, _), None) => ("between", "length".to_string()),
            (_, Some(cell)) => ("between", format!("cell{cell}")),
            (_, None) => {
                let text = self.weak.get(&source).cloned();
                ("input", text.unwrap_or_else(|| "a number".to_string()))
            }
        };
        let dtype = graph.dtype(id).to_string();
        let shape = self.add(class, cut(&label), graph.ty(id).to_string(), dtype, false);
        if let Some(cell) = cell {
            self.panel.reads.push((Between::Cell(cell), shape));
        }
        self.known.insert(id, shape);
        shape
    }

    /// A constant, as it stands in an operation.
    fn constant(&self, id: NodeId) -> Option<String> {
        let graph = self.subject.graph;
        graph.constant(id).map(|bits| show(bits, graph.dtype(id)))
    }

    /// An operation.
    fn node(&mut self, id: NodeId) {
        let graph = self.subject.graph;
        let operands = graph.node(id).operands();
        let constants: Vec<Option<String>> = operands.iter().map(|x| self.constant(*x)).collect();
        let ports = constants.iter().filter(|constant| constant.is_none()).count();
        // Constants are written into the operation; a dot stands for each other operand.
        let words: Vec<&str> = constants.iter().map(|c| c.as_deref().unwrap_or("·")).collect();
        let name = name(graph, id);
        let label = match ports == words.len() && is_word(&name) {
            true => name,
            false => applied(&name, &words),
        };
        let mut starts = Vec::with_capacity(ports);
        for (x, _) in operands.iter().zip(&constants).filter(|(_, constant)| constant.is_none()) {
            let known = self.known.get(x).copied();
            starts.push(known.unwrap_or_else(|| self.uniform(*x)));
        }
        let reduces = matches!(graph.node(id), Node::Apply(op, _) if op.is_reduction());
        let class = if reduces { "reduction" } else { "operation" };
        let shape = self.add(class, label, String::new(), graph.dtype(id).to_string(), false);
        for (port, from) in starts.into_iter().enumerate() {
            self.edge(from, shape, (port, ports));
        }
        self.known.insert(id, shape);
    }

    fn input(&self, number: u32) -> String {
        let name = self.subject.inputs.get(number as usize);
        name.map_or_else(|| format!("input {number}"), |name| cut(name))
    }

    fn output(&self, number: u32) -> String {
        match self.subject.outputs.get(number as usize) {
            Some(Some(name)) => cut(name),
            _ => format!("output {number}"),
        }
    }

    fn written(&self, graph: &Graph, id: NodeId, one: bool) -> String {
        let ty = graph.ty(id);
        if one { ty.to_string() } else { format!("{ty}, {} B", ty.dtype.size()) }
    }

    /// Says of a cell which outputs it is.
    fn output_cells(&mut self, cell: u32, shape: usize) {
        let Some(plan) = self.subject.plan else { return };
        let is = |(_, output): &(usize, &crate::plan::OutputPlan)| output.cell == Some(cell);
        if let Some((number, _)) = plan.outputs.iter().enumerate().find(is) {
            self.panel.shapes[shape].label = self.output(number as u32);
            self.panel.shapes[shape].class = "output";
            let width = text_width(&self.panel.shapes[shape].label, 12.0) + 16.0;
            let widths = &mut self.panel.graph.widths;
            widths[shape] = widths[shape].max(width);
        }
    }
}

impl Between {
    fn of(target: Target) -> Between {
        match target {
            Target::Output(number) => Between::Output(number),
            Target::Cell(number) => Between::Cell(number),
            Target::Temporary(number) => Between::Temporary(number),
        }
    }
}

/// The cell that a pass leaves a node's value in.
fn cell_of(plan: &Plan, id: NodeId) -> Option<u32> {
    plan.stages.iter().find_map(|stage| {
        let stored = stage.stored.iter().zip(stage.outputs.iter().map(|(target, _)| *target));
        let folded = stage.folded.iter().zip(stage.folds.iter().map(|fold| fold.target));
        let mut all = stored.chain(folded).filter(|(node, _)| **node == id);
        all.find_map(|(_, target)| match target {
            Target::Cell(cell) => Some(cell),
            _ => None,
        })
    })
}

fn name(graph: &Graph, id: NodeId) -> String {
    match graph.node(id) {
        Node::Apply(op, _) => op.row().name.to_string(),
        Node::Convert(_) | Node::Adopt(_) => format!("to {}", graph.dtype(id)),
        Node::View(_) => "view".to_string(),
        Node::Const(_) => "constant".to_string(),
        Node::Input(_) => "input".to_string(),
    }
}

/// Whether a name is a word rather than a sign.
fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// An operation with its operands.
fn applied(name: &str, words: &[&str]) -> String {
    match words {
        [x, y] if !is_word(name) => format!("{x} {name} {y}"),
        [x] if !is_word(name) => format!("{name}{x}"),
        _ => format!("{name}({})", words.join(", ")),
    }
}

/// The text of short expressions of numbers that take the dtype of what they meet.
fn weak_values(subject: &Subject<'_>) -> FxHashMap<NodeId, String> {
    let graph = subject.graph;
    let mut texts: FxHashMap<NodeId, String> = FxHashMap::default();
    for id in graph.ids().filter(|id| graph.ty(*id).weak) {
        let operands = graph.node(id).operands().iter();
        let words: Option<Vec<&str>> = operands.map(|x| Some(texts.get(x)?.as_str())).collect();
        let Some(words) = words else { continue };
        let text = match graph.node(id) {
            Node::Input(number) => match subject.inputs.get(*number as usize) {
                Some(name) => name.to_string(),
                None => continue,
            },
            Node::Const(bits) => show(*bits, graph.dtype(id)),
            Node::Apply(op, _) if words.len() > 1 => {
                let inner: Vec<String> = words.iter().map(|word| bracketed(word)).collect();
                let inner: Vec<&str> = inner.iter().map(String::as_str).collect();
                applied(op.row().name, &inner)
            }
            _ => applied(&name(graph, id), &words),
        };
        if text.len() <= MOST_CHARACTERS {
            texts.insert(id, text);
        }
    }
    texts
}

/// An operand of a sign, in parentheses if it needs them.
fn bracketed(word: &str) -> String {
    if word.contains(' ') { format!("({word})") } else { word.to_string() }
}

/// The most characters of a name in a shape.
const MOST_CHARACTERS: usize = 28;

/// A name as it fits a shape.
fn cut(name: &str) -> String {
    match name.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_string(),
    }
}

/// What the shapes' names mean.
fn legend(subject: &Subject<'_>) -> Vec<String> {
    let graph = subject.graph;
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, ty) in subject.inputs.iter().zip(graph.inputs()).filter(|(_, ty)| !ty.is_scalar()) {
        let shape = ty.0.domain.to_string();
        match notes.iter_mut().find(|(s, _)| *s == shape) {
            Some((_, names)) => names.push(name),
            None => notes.push((shape, vec![name])),
        }
    }
    let shape_of = |(shape, names): (String, Vec<&str>)| {
        let more = if names.len() > 6 { ", ..." } else { "" };
        let names: Vec<String> = names.into_iter().take(6).map(cut).collect();
        format!("{shape} = the shape of {}{more}", names.join(", "))
    };
    let mut notes: Vec<String> = notes.into_iter().map(shape_of).collect();
    let derived = graph.derived().iter().enumerate();
    notes.extend(derived.map(|(i, d)| format!("d{i} = [{}] {}", d.of, d.how)));
    if notes.len() > MOST_NOTES {
        let more = notes.len() - MOST_NOTES;
        notes.truncate(MOST_NOTES);
        notes.push(format!("and {more} more shapes"));
    }
    notes
}

/// A box with its place.
struct Placed<'p> {
    panel: &'p Panel,
    layout: Layout,
    top: f64,
    height: f64,
    /// Where what is in it begins.
    left: f64,
    /// The top and the height of each layer.
    layers: Vec<(f64, f64)>,
}

impl Placed<'_> {
    fn height_of(&self, shape: usize) -> f64 {
        height_of(&self.panel.shapes[shape])
    }

    fn x(&self, node: usize) -> f64 {
        self.left + self.layout.x[node]
    }

    /// The upper and the lower edge of a shape, or of the layer that a waypoint passes.
    fn span(&self, node: usize) -> (f64, f64) {
        let (top, height) = self.layers[self.layout.layer[node]];
        match self.panel.shapes.get(node) {
            None => (top, top + height),
            Some(_) => {
                let own = self.height_of(node);
                let upper = top + (height - own) / 2.0;
                (upper, upper + own)
            }
        }
    }
}

fn height_of(shape: &Shape) -> f64 {
    if shape.detail.is_empty() { LOW } else { HIGH }
}

/// Lays out the boxes below each other, and draws them.
fn compose(subject: &Subject<'_>, panels: &[Panel], notes: &[String]) -> String {
    const TITLE: f64 = 34.0;
    let links = links(panels);
    let (tracks, lanes) = (tracks(&links, panels.len()), lanes(&links));
    let mut top = MARGIN + TITLE;
    let mut placed: Vec<Placed<'_>> = Vec::with_capacity(panels.len());
    for (number, panel) in panels.iter().enumerate() {
        let layout = panel.graph.layout();
        let mut layers = vec![0.0f64; layout.layers];
        for (shape, layer) in panel.shapes.iter().zip(&layout.layer) {
            layers[*layer] = layers[*layer].max(height_of(shape));
        }
        let mut y = top + PADDING;
        let layers: Vec<(f64, f64)> = layers
            .into_iter()
            .map(|height| {
                let at = y;
                y += height + FALL;
                (at, height)
            })
            .collect();
        let drawn = y - FALL - top + PADDING;
        let aside = panel.aside.len() as f64 * LINE + 2.0 * PADDING;
        let height = drawn.max(aside);
        placed.push(Placed { panel, layout, top, height, left: 0.0, layers });
        top += height + GAP + LANE * tracks.get(number).map_or(0, Vec::len) as f64;
    }
    let inner = placed.iter().map(|p| p.layout.width).fold(0.0, f64::max);
    let boxed = ASIDE + inner + 2.0 * PADDING;
    for place in &mut placed {
        place.left = MARGIN + ASIDE + PADDING + (inner - place.layout.width) / 2.0;
    }
    let title = shown_program(subject.text, ((boxed / text_width("x", 14.0)) as usize).max(60) - 3);
    let widest = notes.iter().map(|note| text_width(note, 10.0)).fold(0.0, f64::max);
    let width =
        (boxed + LANE * (lanes.len() as f64 + 1.0)).max(text_width(&title, 14.0)).max(widest)
            + 2.0 * MARGIN;

    let mut canvas = Canvas::default();
    canvas.text("title", MARGIN, MARGIN + 14.0, &title);
    for place in &placed {
        canvas.rectangle("stage", [MARGIN, place.top, boxed, place.height]);
    }
    draw_links(&mut canvas, &links, &placed, &tracks, &lanes, MARGIN + boxed);
    placed.iter().for_each(|place| draw(&mut canvas, place));
    let mut y = top - GAP + LINE;
    for note in notes {
        y += LINE;
        canvas.text("note", MARGIN, y, note);
    }
    canvas.finish(width, y + MARGIN, &title)
}

/// A value that one box writes and another reads.
struct Link {
    from: usize,
    to: usize,
    start: usize,
    end: usize,
}

impl Link {
    /// Whether boxes lie between.
    fn passes(&self) -> bool {
        self.to > self.from + 1
    }
}

fn links(panels: &[Panel]) -> Vec<Link> {
    let mut written: FxHashMap<Between, (usize, usize)> = FxHashMap::default();
    let mut links = Vec::new();
    for (to, panel) in panels.iter().enumerate() {
        for (between, end) in &panel.reads {
            if let Some((from, start)) = written.get(between) {
                links.push(Link { from: *from, to, start: *start, end: *end });
            }
        }
        written.extend(panel.writes.iter().map(|(between, shape)| (*between, (to, *shape))));
    }
    links
}

/// Where links that pass boxes run between boxes: for the space below each box, those that leave
/// the box and those that arrive below, each with its end.
fn tracks(links: &[Link], panels: usize) -> Vec<Vec<(usize, usize)>> {
    let mut tracks = vec![Vec::new(); panels];
    for link in links.iter().filter(|link| link.passes()) {
        for (space, end) in
            [(link.from, (link.from, link.start)), (link.to - 1, (link.to, link.end))]
        {
            if !tracks[space].contains(&end) {
                tracks[space].push(end);
            }
        }
    }
    tracks
}

/// What has a lane of its own beside the boxes: each value that some box far below reads.
fn lanes(links: &[Link]) -> Vec<(usize, usize)> {
    let mut lanes = Vec::new();
    for link in links.iter().filter(|link| link.passes()) {
        if !lanes.contains(&(link.from, link.start)) {
            lanes.push((link.from, link.start));
        }
    }
    lanes
}

fn draw_links(
    canvas: &mut Canvas,
    links: &[Link],
    placed: &[Placed<'_>],
    tracks: &[Vec<(usize, usize)>],
    lanes: &[(usize, usize)],
    right: f64,
) {
    let place = |list: &[(usize, usize)], end: (usize, usize)| {
        (list.iter().position(|other| *other == end).unwrap_or(0) + 1) as f64 * LANE
    };
    for link in links {
        let (from, to) = (&placed[link.from], &placed[link.to]);
        let start = (from.x(link.start), from.span(link.start).1);
        let end = (to.x(link.end), to.span(link.end).0);
        if !link.passes() {
            // Straight down to the border, so that no shape is crossed.
            let (leaves, arrives) = (from.top + from.height, to.top);
            canvas.lines("link", &[start, (start.0, leaves)]);
            canvas.curve("link", (start.0, leaves), (end.0, arrives));
            canvas.lines("link", &[(end.0, arrives), end]);
            continue;
        }
        let above = &placed[link.to - 1];
        let out = from.top + from.height + place(&tracks[link.from], (link.from, link.start));
        let back = above.top + above.height + place(&tracks[link.to - 1], (link.to, link.end));
        let side = right + place(lanes, (link.from, link.start));
        canvas
            .lines("link", &[start, (start.0, out), (side, out), (side, back), (end.0, back), end]);
    }
}

/// Draws what is in a box.
fn draw(canvas: &mut Canvas, place: &Placed<'_>) {
    let Placed { panel, layout, .. } = place;
    for (i, line) in panel.aside.iter().enumerate() {
        let class = if i == 0 { "head" } else { "" };
        canvas.text(class, MARGIN + PADDING, place.top + PADDING + (i as f64 + 0.75) * LINE, line);
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
        let mut x = place.x(*to);
        if let Some(ports) = port_of.get(&(*from, *to)) {
            let used = taken.entry((*from, *to)).or_default();
            let (port, of) = ports[(*used).min(ports.len() - 1)];
            *used += 1;
            let width = panel.graph.widths[*to];
            let step = (width / of as f64).min(14.0);
            x += (port as f64 - (of as f64 - 1.0) / 2.0) * step;
        }
        canvas.curve("edge", (place.x(*from), place.span(*from).1), (x, place.span(*to).0));
        if panel.shapes.get(*to).is_none() {
            let (upper, lower) = place.span(*to);
            canvas.lines("edge", &[(place.x(*to), upper), (place.x(*to), lower)]);
        }
    }
    for (node, shape) in panel.shapes.iter().enumerate() {
        let (width, x) = (panel.graph.widths[node], place.x(node));
        let (upper, lower) = place.span(node);
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

/// Where the last piece of each edge begins.
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
