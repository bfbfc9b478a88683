//! Labels of shapes: values in terms of the program.

use hotloop_runtime::scan::Attributes;

use super::Subject;
use crate::graph::show;
use crate::ops::Op;
use crate::plan::{Array, Destination, Load, Pass, Plan, Source, Value, applied};

/// The maximum length of a value's label.
const MOST_CHARACTERS: usize = 28;

/// A name, shortened to fit a shape.
pub(super) fn cut(name: &str) -> String {
    shortened(name, MOST_CHARACTERS)
}

/// Truncates a text to `most` characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

/// The placeholder for an operand whose label is too long.
const LONG: &str = "\u{2026}";

/// The label of an operation.
pub(super) fn worded(op: Op, words: &[Option<&str>]) -> String {
    let inner = |word: &Option<&str>| match word {
        Some(word) if word.contains(' ') && !word.ends_with(')') => format!("({word})"),
        Some(word) => word.to_string(),
        None => LONG.to_string(),
    };
    let is_sign = !op.row().name.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = |word: &Option<&str>| word.unwrap_or(LONG).to_string();
    let words: Vec<String> = match is_sign {
        true => words.iter().map(inner).collect(),
        false => words.iter().map(plain).collect(),
    };
    applied(op, &words)
}

/// The label of a scan with its constants.
pub(super) fn scanned(op: Op, attributes: Attributes, words: &[Option<&str>]) -> String {
    let words: Vec<&str> = words.iter().map(|word| word.unwrap_or(LONG)).collect();
    format!("{op}({}{attributes})", words.join(", "))
}

/// The text, or the placeholder if it is too long.
pub(super) fn short(text: String) -> Option<String> {
    (text.chars().count() <= MOST_CHARACTERS).then_some(text)
}

/// The labels of a plan's uniforms and arrays.
pub(super) struct Words {
    uniforms: Vec<Option<String>>,
    temporaries: Vec<Option<String>>,
    outputs: Vec<Option<String>>,
}

impl Words {
    pub(super) fn of(plan: &Plan, subject: &Subject<'_>) -> Words {
        let mut words = Words {
            uniforms: Vec::with_capacity(plan.uniforms.len()),
            temporaries: vec![None; plan.temporaries.len()],
            outputs: subject.outputs.iter().map(|name| name.as_deref().map(cut)).collect(),
        };
        // The results of a pass depend on earlier uniforms.
        let mut results = vec![None; plan.uniforms.len()];
        for pass in &plan.passes {
            words.uniforms(plan, subject, pass.uniforms as usize, &results);
            let values = words.body(pass, subject);
            for store in &pass.stores {
                words.name(store.to, values[store.value as usize].clone(), &mut results);
            }
            for carry in &pass.carries {
                let of = values[carry.value as usize].as_deref().unwrap_or(LONG);
                let name = carry.reduction.to_string();
                let text = short(format!("{}({of})", name.trim_end_matches(" of")));
                words.name(carry.to, text, &mut results);
            }
        }
        words.uniforms(plan, subject, plan.uniforms.len(), &results);
        words
    }

    fn name(&mut self, to: Destination, text: Option<String>, results: &mut [Option<String>]) {
        match to {
            Destination::Uniform(number) => results[number as usize] = text,
            Destination::Temporary(number) => self.temporaries[number as usize] = text,
            // An output has the program's name for it, or none.
            Destination::Output(_) => {}
        }
    }

    /// Adds the labels of the uniforms below a number.
    fn uniforms(
        &mut self,
        plan: &Plan,
        subject: &Subject<'_>,
        below: usize,
        results: &[Option<String>],
    ) {
        let from = self.uniforms.len();
        for (uniform, result) in plan.uniforms.iter().zip(results).take(below).skip(from) {
            let operands = uniform.source.operands().iter();
            let words: Vec<Option<&str>> =
                operands.map(|x| self.uniforms[*x as usize].as_deref()).collect();
            let text = match &uniform.source {
                Source::Constant(bits) => short(show(*bits, uniform.dtype)),
                Source::Input(input) => subject.inputs.get(*input as usize).map(|name| cut(name)),
                Source::Size(_) | Source::Length(_) => Some("n".to_string()),
                // A number in another dtype is the same number.
                Source::Convert(_) | Source::Adopt(_) => words[0].map(str::to_string),
                Source::Apply(op, _) => short(worded(*op, &words)),
                Source::Carry => result.clone(),
            };
            self.uniforms.push(text);
        }
    }

    /// The labels of the values of a body.
    pub(super) fn body(&self, pass: &Pass, subject: &Subject<'_>) -> Vec<Option<String>> {
        let mut values: Vec<Option<String>> = Vec::with_capacity(pass.body.len());
        for (value, dtype) in pass.body.values() {
            let operands = value.operands().iter();
            let words: Vec<Option<&str>> =
                operands.map(|x| values[*x as usize].as_deref()).collect();
            let text = match value {
                Value::Load(load) => self.load(&pass.loads[*load as usize], subject),
                Value::Uniform(uniform) => self.uniform(*uniform),
                Value::Convert(_) => words[0].and_then(|word| short(format!("{dtype}({word})"))),
                Value::Apply(op, _) => short(worded(*op, &words)),
                Value::Along(op, attributes, _) => short(scanned(*op, *attributes, &words)),
            };
            values.push(text);
        }
        values
    }

    pub(super) fn uniform(&self, number: u32) -> Option<String> {
        self.uniforms.get(number as usize).cloned().flatten()
    }

    /// The label of a load and its views.
    pub(super) fn load(&self, load: &Load, subject: &Subject<'_>) -> Option<String> {
        let array = match load.array {
            Array::Input(number) => subject.inputs.get(number as usize).map(|name| cut(name)),
            Array::Output(number) => self.outputs.get(number as usize).cloned().flatten(),
            Array::Temporary(number) => self.temporaries[number as usize].clone(),
        };
        let views = load.to_string();
        let views = views.strip_prefix(&load.array.to_string()).unwrap_or("");
        short(format!("{}{views}", array?))
    }

    /// The label of a destination.
    pub(super) fn destination(&self, to: Destination) -> String {
        let words = match to {
            Destination::Output(number) => self.outputs.get(number as usize).cloned().flatten(),
            Destination::Temporary(number) => self.temporaries[number as usize].clone(),
            Destination::Uniform(number) => self.uniform(number),
        };
        words.unwrap_or_else(|| to.to_string())
    }
}
