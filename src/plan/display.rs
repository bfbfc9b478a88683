//! Display of a plan as text.

use std::fmt;

use super::{Array, Destination, Load, Pass, Plan, Source, Value};
use crate::domain::{Derivation, Derived};
use crate::graph::show;
use crate::ops::Op;

/// Formats an operation as a function call or an operator: `v0 + u1`.
pub(crate) fn applied(op: Op, words: &[String]) -> String {
    // Some names end in " of".
    let name = op.row().name.trim_end_matches(" of");
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic());
    match words {
        [x, y] if !is_word => format!("{x} {name} {y}"),
        [x] if !is_word => format!("{name}{x}"),
        _ => format!("{name}({})", words.join(", ")),
    }
}

impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Array::Input(number) => write!(f, "input {number}"),
            Array::Output(number) => write!(f, "output {number}"),
            Array::Temporary(number) => write!(f, "array{number}"),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Output(number) => write!(f, "output {number}"),
            Destination::Temporary(number) => write!(f, "array{number}"),
            Destination::Uniform(number) => write!(f, "u{number}"),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.array)?;
        for Derived { how, .. } in &self.views {
            match how {
                Derivation::Index(items) => {
                    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                    write!(f, "[{}]", items.join(", "))?;
                }
                how => write!(f, " {how}")?,
            }
        }
        Ok(())
    }
}

impl Pass {
    /// What it does along its axes, if values are carried along some of them only: `reduced along 0`,
    /// or `along axis 0` if they are those of scans alone.
    pub(crate) fn direction(&self) -> Option<String> {
        let scans = self.carries.is_empty() && self.body.scans();
        Some(match self.axes.as_ref()? {
            Derivation::Reduce { axes: Some(axes), .. } if scans => {
                format!("along axis {}", axes[0])
            }
            how => how.to_string(),
        })
    }

    /// The name of a value of the body: `u` for a uniform, `v` for others.
    fn name(&self, value: u32) -> String {
        match self.body.value(value) {
            Value::Uniform(number) => format!("u{number}"),
            _ => format!("v{value}"),
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (value, dtype)) in self.body.values().iter().enumerate() {
            let words: Vec<String> = value.operands().iter().map(|x| self.name(*x)).collect();
            let text = match value {
                Value::Uniform(_) => continue,
                Value::Load(load) => self.loads[*load as usize].to_string(),
                Value::Convert(_) => format!("{dtype}({})", words[0]),
                Value::Apply(op, _) => applied(*op, &words),
                Value::Along(op, attributes, _) => {
                    format!("{op}({}{attributes})", words.join(", "))
                }
            };
            writeln!(f, "  v{number}: {dtype} = {text}")?;
        }
        for store in &self.stores {
            writeln!(f, "  {} to {}", self.name(store.value), store.to)?;
        }
        for carry in &self.carries {
            writeln!(f, "  {} of {} to {}", carry.reduction, self.name(carry.value), carry.to)?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result_of = |uniform: usize| {
            let writes = |pass: &Pass| {
                pass.destinations().any(|to| to == Destination::Uniform(uniform as u32))
            };
            self.passes.iter().position(writes)
        };
        for (number, uniform) in self.uniforms.iter().enumerate() {
            let dtype = uniform.dtype;
            let words: Vec<String> =
                uniform.source.operands().iter().map(|x| format!("u{x}")).collect();
            let text = match &uniform.source {
                Source::Constant(bits) => show(*bits, dtype),
                Source::Input(input) => format!("input {input}"),
                Source::Size(domain) => format!("the size of {domain}"),
                Source::Length(derived) => {
                    format!("the length of {} {}", derived.of, derived.how)
                }
                Source::Convert(_) | Source::Adopt(_) => format!("{dtype}({})", words[0]),
                Source::Apply(op, _) => applied(*op, &words),
                Source::Carry => match result_of(number) {
                    Some(pass) => format!("from pass {pass}"),
                    None => "from no pass".to_string(),
                },
            };
            let weak = if uniform.weak { "weak " } else { "" };
            writeln!(f, "u{number}: {weak}{dtype} = {text}")?;
        }
        for (number, array) in self.temporaries.iter().enumerate() {
            write!(f, "array{number}: {}[{}]", array.dtype, array.domain)?;
            match array.local {
                Some(_) => writeln!(f, ", of which a few rows are kept")?,
                None => writeln!(f)?,
            }
        }
        for (number, pass) in self.passes.iter().enumerate() {
            write!(f, "pass {number} over {}", pass.space)?;
            if let Some(direction) = pass.direction() {
                write!(f, ", {direction}")?;
            }
            if pass.group != number as u32 {
                write!(f, ", row by row with pass {}", pass.group)?;
            }
            writeln!(f)?;
            write!(f, "{pass}")?;
        }
        for (number, output) in self.outputs.iter().enumerate() {
            if let Some(uniform) = output.uniform {
                writeln!(f, "output {number} is u{uniform}")?;
            }
        }
        for (number, Derived { of, how }) in self.derived.iter().enumerate() {
            writeln!(f, "d{number} is the shape of [{of}] {how}")?;
        }
        Ok(())
    }
}
