//! [`Drafter`]: makes the shapes of a pass's box.

use rustc_hash::FxHashMap;

use super::Subject;
use super::names::{Words, cut, scanned, shortened, worded};
use super::panel::{Panel, Shape};
use super::svg::text_width;
use crate::plan::{Array, Destination, Pass, Plan, Source, Value};

/// The maximum number of shapes of a pass; larger ones are summarized.
const MOST_IN_A_BOX: usize = 120;
/// The maximum length of a line beside the shapes.
const MOST_ASIDE: usize = 48;

/// Makes the shapes of a box.
pub(super) struct Drafter<'a> {
    subject: &'a Subject<'a>,
    plan: &'a Plan,
    words: &'a Words,
    panel: Panel,
}

impl<'a> Drafter<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, plan: &'a Plan, words: &'a Words) -> Drafter<'a> {
        Drafter { subject, plan, words, panel: Panel::default() }
    }

    /// The box of a pass, with at most `room` shapes.
    pub(super) fn pass(mut self, number: usize, pass: &Pass, room: usize) -> Panel {
        let aside = &mut self.panel.aside;
        aside.push(format!("pass {number}"));
        aside.push(shortened(&format!("over [{}]", pass.space), MOST_ASIDE));
        if let Some(direction) = pass.direction() {
            aside.push(shortened(&direction, MOST_ASIDE));
        }
        let (read, written) = self.plan.bytes_of_pass(number);
        aside.push("bytes an element:".to_string());
        aside.push(format!("{read} read, {written} written"));
        aside.push(match pass.operations() {
            1 => "1 operation".to_string(),
            n => format!("{n} operations"),
        });
        if pass.body.len() + pass.stores.len() + 2 * pass.carries.len() > MOST_IN_A_BOX.min(room) {
            self.sum_up(pass);
            return self.panel;
        }
        let shapes = self.body(pass);
        for store in &pass.stores {
            let dtype = pass.body.dtype(store.value);
            let detail = format!("{dtype}[{}], {} B", pass.space, dtype.size());
            self.result(store.to, detail, shapes[store.value as usize]);
        }
        for carry in &pass.carries {
            let name = carry.reduction.to_string();
            let label = name.trim_end_matches(" of").to_string();
            let dtype = pass.body.dtype(carry.value).to_string();
            let reduced = self.add("reduction", label, String::new(), dtype, false);
            if let Some(from) = shapes[carry.value as usize] {
                self.edge(from, reduced, (0, 1));
            }
            let dtype = self.dtype_of(carry.to);
            let detail = match carry.domain.is_scalar() {
                true => dtype,
                false => format!("{dtype}[{}]", carry.domain),
            };
            self.result(carry.to, detail, Some(reduced));
        }
        self.panel
    }

    /// The box of a program without passes, of numbers only.
    pub(super) fn numbers(mut self) -> Panel {
        self.panel.aside.push("no pass over data".to_string());
        for (number, output) in self.plan.outputs.iter().enumerate() {
            let label = self.words.destination(Destination::Output(number as u32));
            let words = output.uniform.and_then(|uniform| self.words.uniform(uniform));
            let from = self.add(
                "operation",
                words.unwrap_or_else(|| "a number".to_string()),
                String::new(),
                output.dtype.to_string(),
                false,
            );
            let shape = self.add("output", label, output.dtype.to_string(), String::new(), true);
            self.edge(from, shape, (0, 1));
        }
        self.panel
    }

    /// The shapes of the values of a body; constants have none.
    fn body(&mut self, pass: &Pass) -> Vec<Option<usize>> {
        let words = self.words.body(pass, self.subject);
        let mut shapes: Vec<Option<usize>> = Vec::with_capacity(pass.body.len());
        for (value, dtype) in pass.body.values() {
            let operands = value.operands();
            let parts: Vec<Option<&str>> =
                operands.iter().map(|x| words[*x as usize].as_deref()).collect();
            let from: Vec<Option<usize>> = operands.iter().map(|x| shapes[*x as usize]).collect();
            let shape = match value {
                Value::Load(load) => {
                    let load = &pass.loads[*load as usize];
                    let class =
                        if matches!(load.array, Array::Input(_)) { "input" } else { "between" };
                    let label = self.words.load(load, self.subject);
                    let label = label.unwrap_or_else(|| load.to_string());
                    let detail = format!("{dtype}[{}], {} B", load.domain, dtype.size());
                    let shape = self.add(class, cut(&label), detail, dtype.to_string(), false);
                    let from = match load.array {
                        Array::Input(_) => None,
                        Array::Output(number) => Some(Destination::Output(number)),
                        Array::Temporary(number) => Some(Destination::Temporary(number)),
                    };
                    self.panel.reads.extend(from.map(|from| (from, shape)));
                    Some(shape)
                }
                Value::Uniform(uniform) => self.uniform(*uniform),
                Value::Convert(_) => {
                    Some(self.operation(format!("to {dtype}"), dtype.to_string(), &from))
                }
                Value::Apply(op, _) => {
                    Some(self.operation(worded(*op, &parts), dtype.to_string(), &from))
                }
                Value::Along(op, attributes, _) => {
                    let text = scanned(*op, *attributes, &parts);
                    Some(self.operation(text, dtype.to_string(), &from))
                }
            };
            shapes.push(shape);
        }
        shapes
    }

    fn operation(&mut self, label: String, dtype: String, operands: &[Option<usize>]) -> usize {
        let shape = self.add("operation", cut(&label), String::new(), dtype, false);
        let ports = operands.iter().flatten().count();
        for (port, from) in operands.iter().flatten().enumerate() {
            self.edge(*from, shape, (port, ports));
        }
        shape
    }

    /// The shape of a uniform that a pass reads; constants appear inside the operations.
    fn uniform(&mut self, number: u32) -> Option<usize> {
        let uniform = &self.plan.uniforms[number as usize];
        let class = match uniform.source {
            Source::Constant(_) => return None,
            Source::Input(_) | Source::Adopt(_) => "input",
            _ => "between",
        };
        let label = self.words.destination(Destination::Uniform(number));
        let dtype = uniform.dtype.to_string();
        let shape = self.add(class, cut(&label), dtype.clone(), dtype, false);
        for from in self.results_in(number) {
            self.panel.reads.push((Destination::Uniform(from), shape));
        }
        Some(shape)
    }

    /// The results of passes that a uniform depends on.
    fn results_in(&self, number: u32) -> Vec<u32> {
        let mut seen: FxHashMap<u32, ()> = FxHashMap::default();
        let (mut open, mut results) = (vec![number], Vec::new());
        while let Some(number) = open.pop() {
            if seen.insert(number, ()).is_some() {
                continue;
            }
            let source = &self.plan.uniforms[number as usize].source;
            if *source == Source::Carry {
                results.push(number);
            }
            open.extend(source.operands());
        }
        results
    }

    fn result(&mut self, to: Destination, detail: String, from: Option<usize>) {
        let mut class = if matches!(to, Destination::Output(_)) { "output" } else { "between" };
        let mut label = cut(&self.words.destination(to));
        if let Destination::Uniform(uniform) = to {
            let is = |output: &crate::plan::PlannedOutput| output.uniform == Some(uniform);
            if let Some(number) = self.plan.outputs.iter().position(is) {
                label = cut(&self.words.destination(Destination::Output(number as u32)));
                class = "output";
            }
        }
        let shape = self.add(class, label, detail, String::new(), true);
        self.panel.writes.push((to, shape));
        if let Some(from) = from {
            self.edge(from, shape, (0, 1));
        }
    }

    fn dtype_of(&self, to: Destination) -> String {
        match to {
            Destination::Output(number) => self.plan.outputs[number as usize].dtype,
            Destination::Temporary(number) => self.plan.temporaries[number as usize].dtype,
            Destination::Uniform(number) => self.plan.uniforms[number as usize].dtype,
        }
        .to_string()
    }

    /// The summary of a pass that is too large to draw.
    fn sum_up(&mut self, pass: &Pass) {
        let mut counts: Vec<(String, usize)> = Vec::new();
        let mut known: FxHashMap<String, usize> = FxHashMap::default();
        let operations = pass.body.computed().map(|number| match pass.body.value(number) {
            Value::Apply(op, _) => op.row().name.trim_end_matches(" of").to_string(),
            _ => format!("to {}", pass.body.dtype(number)),
        });
        let carries = pass.carries.iter().map(|carry| carry.reduction.to_string());
        for name in operations.chain(carries) {
            let next = counts.len();
            let at = *known.entry(name.clone()).or_insert(next);
            if at == next {
                counts.push((name, 0));
            }
            counts[at].1 += 1;
        }
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let label = format!("{} operations: too many to draw", pass.operations());
        self.add("note", label, String::new(), String::new(), false);
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
}
