//! Splits input into parts that are evaluated one after the other.
//!
//! Statements that depend on each other only by value form one program, and so one pass over the
//! data. Rebinding a name starts a new part, because the new value may depend on the old one.

use std::collections::BTreeSet;
use std::ops::Range;

use hotloop_grammar::{Ast, ExprId, ExprKind, Statement};

use super::definitions::{Definition, Definitions, names};
use super::makers::Lifted;
use crate::input::Number;

/// Statements that are evaluated at once.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Part {
    /// Their places in the text, in order.
    pub ranges: Vec<Range<usize>>,
    /// The names that they bind, in order.
    pub binds: Vec<String>,
    /// Whether the last one is to be printed, and where its text ends.
    pub prints: Option<usize>,
    /// The functions they call.
    pub calls: BTreeSet<String>,
    /// The names that each statement reads and calls: the bindings in order, then the outputs.
    pub uses: Vec<Uses>,
    /// The names whose values are needed before: in arguments of makers and in functions.
    outer: BTreeSet<String>,
    /// The names they read.
    reads: BTreeSet<String>,
    /// The names that they bind, to be found.
    bound: BTreeSet<String>,
    /// The kind of a single special statement.
    pub alone: Option<Alone>,
}

/// The names in a statement.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Uses {
    /// The names it reads.
    pub reads: BTreeSet<String>,
    /// The functions it calls.
    pub calls: BTreeSet<String>,
}

/// A statement that is a part of its own.
#[derive(Debug, PartialEq)]
pub(crate) enum Alone {
    /// `k = 0.5`: the number stays as weak as it was written.
    Number(Number),
    /// `x = zeros(3)`: the call behind the placeholder.
    Made(String),
    /// `x = x + 1`: the value's own text, from here on.
    Renewed(usize),
    /// `x`: names alone, which are printed.
    Shown(Vec<String>),
}

impl Part {
    /// Whether another one cannot go on with it.
    fn conflicts(&self, next: &Part) -> bool {
        let bound = |name: &String| self.bound.contains(name);
        let used =
            |name: &String| bound(name) || self.reads.contains(name) || self.outer.contains(name);
        self.alone.is_some()
            || next.alone.is_some()
            || next.outer.iter().any(bound)
            || next.binds.iter().any(used)
    }

    fn join(&mut self, next: Part) {
        self.ranges.extend(next.ranges);
        self.binds.extend(next.binds);
        self.bound.extend(next.bound);
        self.prints = next.prints;
        self.calls.extend(next.calls);
        self.uses.extend(next.uses);
        self.outer.extend(next.outer);
        self.reads.extend(next.reads);
    }
}

/// The start of each statement; each extends to the next one.
fn starts(ast: &Ast, text: &str) -> Vec<usize> {
    let start = |statement: &Statement| match statement {
        Statement::Binding { names, .. } => names[0].span.range().start,
        Statement::Def { name, .. } => {
            text[..name.span.range().start].rfind("def").unwrap_or_default()
        }
        Statement::Outputs { span, .. } => span.range().start,
    };
    ast.statements().iter().map(start).collect()
}

/// The ranges of the statements.
fn ranges(ast: &Ast, text: &str) -> Vec<Range<usize>> {
    let starts = starts(ast, text);
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// The statements with the ranges and the expressions of each.
fn statements<'a>(
    ast: &'a Ast,
    text: &str,
) -> impl Iterator<Item = (&'a Statement, Range<usize>, Vec<ExprId>)> {
    // The expressions of a statement stand before those of the next one.
    let mut exprs = ast.exprs().peekable();
    ast.statements().iter().zip(ranges(ast, text)).map(move |(statement, range)| {
        let inside = |id: &ExprId| ast.span(*id).range().start < range.end;
        let inside = std::iter::from_fn(|| exprs.next_if(inside)).collect();
        (statement, range, inside)
    })
}

/// The functions that a text defines.
pub(crate) fn definitions(ast: &Ast, text: &str) -> Vec<Definition> {
    let definition = |(statement, range, inside): (&Statement, Range<usize>, Vec<ExprId>)| {
        let Statement::Def { name, parameters, .. } = statement else { return None };
        let parameters: Vec<String> =
            parameters.iter().map(|p| ast.name(p.name).to_string()).collect();
        let (mut reads, calls) = names(ast, inside.into_iter());
        parameters.iter().for_each(|p| {
            reads.remove(p);
        });
        let text = text[range].trim_end_matches(|c: char| c == ';' || c.is_whitespace());
        Some(Definition {
            name: ast.name(name.name).to_string(),
            parameters,
            text: text.into(),
            calls,
            reads,
        })
    };
    statements(ast, text).filter_map(definition).collect()
}

/// The parts of a text whose functions are already among the session's.
pub(crate) fn parts(ast: &Ast, lifted: &Lifted, known: &Definitions) -> Vec<Part> {
    let text = &lifted.text;
    let mut parts: Vec<Part> = Vec::new();
    for (statement, range, inside) in statements(ast, text) {
        if matches!(statement, Statement::Def { .. }) {
            continue;
        }
        let next = part(lifted, known, (ast, statement), range, inside);
        match parts.last_mut() {
            Some(last) if !last.conflicts(&next) => last.join(next),
            _ => parts.push(next),
        }
    }
    parts
}

/// One statement as a part.
fn part(
    lifted: &Lifted,
    known: &Definitions,
    (ast, statement): (&Ast, &Statement),
    range: Range<usize>,
    inside: Vec<ExprId>,
) -> Part {
    let (reads, calls) = names(ast, inside.into_iter());
    let mut outer: BTreeSet<String> =
        known.reached(&calls).iter().flat_map(|d| d.reads.iter().cloned()).collect();
    let makers = lifted.within(&range);
    outer.extend(makers.iter().flat_map(|made| made.reads()));
    let uses = vec![Uses { reads: reads.clone(), calls: calls.clone() }];
    let ranges = vec![range.clone()];
    let mut part = Part { ranges, calls, uses, outer, reads, ..Part::default() };
    match statement {
        Statement::Binding { names, .. } => {
            let after = names.last().map_or(range.start, |name| name.span.range().end);
            let equals = lifted.text[after..].find('=').unwrap_or_default();
            let value = after + equals + 1;
            let names: Vec<String> =
                names.iter().map(|name| ast.name(name.name).to_string()).collect();
            let is_read = |name: &String| part.reads.contains(name) || part.outer.contains(name);
            let body = lifted.text[value..range.end]
                .trim_end_matches(|c: char| c == ';' || c.is_whitespace());
            part.alone = match Number::parse(body.trim()) {
                Ok(Some(number)) if names.len() == 1 => Some(Alone::Number(number)),
                _ if makers.iter().any(|made| made.placeholder == body.trim()) => {
                    Some(Alone::Made(body.trim().to_string()))
                }
                _ if names.iter().any(is_read) => Some(Alone::Renewed(value)),
                _ => None,
            };
            part.bound.extend(names.iter().cloned());
            part.binds.extend(names);
        }
        Statement::Outputs { values, span } => {
            part.prints = Some(span.range().end);
            let name = |id: &ExprId| match ast.kind(*id) {
                ExprKind::Name(name) => Some(ast.name(*name).to_string()),
                _ => None,
            };
            part.alone = values.iter().map(name).collect::<Option<_>>().map(Alone::Shown);
        }
        Statement::Def { .. } => {}
    }
    part
}

/// The text covering some ranges, with the gaps blanked out.
pub(crate) fn only(text: &str, ranges: &[Range<usize>]) -> String {
    let mut only = String::new();
    let mut end = ranges.first().map_or(0, |range| range.start);
    for range in ranges {
        let blank = |c: u8| if c == b'\n' { '\n' } else { ' ' };
        only.extend(text.as_bytes()[end..range.start].iter().copied().map(blank));
        only.push_str(&text[range.clone()]);
        end = range.end;
    }
    only
}
