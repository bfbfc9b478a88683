//! From a pass to the shapes of its box.

use rustc_hash::FxHashMap;

use super::Subject;
use super::names::{applied, cut, is_word, name, shortened};
use super::panel::{Between, Panel, Shape};
use super::svg::text_width;
use crate::domain::Derivation;
use crate::graph::{Node, NodeId, show};
use crate::ops::Op;
use crate::plan::{Array, Load, Plan, Stage, Target};

/// Shapes beyond which a pass is summed up instead of drawn.
const MOST_IN_A_BOX: usize = 120;
/// Characters of a line beside them.
const MOST_ASIDE: usize = 48;

/// Makes the shapes of a box.
pub(super) struct Drafter<'a> {
    subject: &'a Subject<'a>,
    panel: Panel,
    /// The shape of each node that has one.
    known: FxHashMap<NodeId, usize>,
    /// What numbers are computed from numbers, before the passes.
    weak: &'a FxHashMap<NodeId, String>,
}

impl<'a> Drafter<'a> {
    pub(super) fn new(
        subject: &'a Subject<'a>,
        weak: &'a FxHashMap<NodeId, String>,
    ) -> Drafter<'a> {
        Drafter { subject, panel: Panel::default(), known: FxHashMap::default(), weak }
    }

    /// A pass, with at most so many shapes.
    pub(super) fn stage(mut self, number: usize, stage: &Stage, room: usize) -> Panel {
        let aside = &mut self.panel.aside;
        aside.push(format!("stage {number}"));
        aside.push(match stage.domain.is_scalar() {
            true => "over one element".to_string(),
            false => shortened(&format!("over [{}]", stage.domain), MOST_ASIDE),
        });
        if let Some(axes) = &stage.axes {
            aside.push(shortened(&axes.to_string(), MOST_ASIDE));
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
        if count > MOST_IN_A_BOX.min(room) {
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
            let detail = self.written(*id, matches!(between, Between::Cell(_)));
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

    /// The whole graph, where there are no passes, with at most so many shapes.
    pub(super) fn all(mut self, room: usize) -> Panel {
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
        if ids.len() + graph.outputs().len() > MOST_IN_A_BOX.min(room) {
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

    fn written(&self, id: NodeId, one: bool) -> String {
        let ty = self.subject.graph.ty(id);
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
