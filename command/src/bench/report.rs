//! The result of a benchmark as a table and as JSON.

use std::time::Duration;

use super::{Bench, Measurement};
use crate::quantity::{size, time};

/// Formats seconds with a suitable unit.
fn shown(seconds: f64) -> String {
    time(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl Measurement {
    fn ns(&self) -> f64 {
        self.min / self.n as f64 * 1e9
    }
}

impl Bench {
    pub(super) fn table(&self, m: &Measurement) -> String {
        let who = if m.native {
            "native code"
        } else {
            "the interpreter: there is no native code for this"
        };
        let threads = self.threads();
        let rate = |seconds: f64| m.bytes as f64 / seconds / 1e9;
        let mut text = format!(
            "{} element{} of {}, {threads} thread{}, {} mode, {who}\n\
             compile      {} the first time, {} then\n\
             run          {} at best, {} in the median of {} run{}\n\
             memory       {} read and written, {:.2} GB/s in the median\n\
             element      {:.4} ns at best\n\
             floor        {} to only move as many bytes, {:.2} GB/s: \
             a run takes {:.2} times as long\n",
            m.n,
            plural(m.n),
            self.dtype,
            plural(threads),
            self.tuning.mode.name(),
            shown(m.compile),
            shown(m.recompile),
            shown(m.min),
            shown(m.median),
            m.runs,
            plural(m.runs),
            size(m.bytes as u64),
            rate(m.median),
            m.ns(),
            shown(m.floor),
            rate(m.floor),
            m.median / m.floor,
        );
        for (name, theirs) in &m.peers {
            text += &match theirs {
                Ok((what, seconds)) => format!(
                    "{name:<13}{} in the median, {what}: {:.2} times as long\n",
                    shown(*seconds),
                    seconds / m.median
                ),
                Err(why) => format!("{name:<13}no peer: {why}\n"),
            };
        }
        text + &format!(
            "interpreter  {:.4} ns an element: {:.1} times as long\n",
            m.interpreter_ns,
            m.interpreter_ns / m.ns(),
        )
    }

    pub(super) fn object(&self, m: &Measurement) -> String {
        let mut fields = vec![
            ("expression", json_string(&self.expression)),
            ("n", m.n.to_string()),
            ("threads", self.threads().to_string()),
            ("dtype", json_string(self.dtype.name())),
            ("mode", json_string(self.tuning.mode.name())),
            ("native", m.native.to_string()),
            ("compile_s", m.compile.to_string()),
            ("recompile_s", m.recompile.to_string()),
            ("min_s", m.min.to_string()),
            ("median_s", m.median.to_string()),
            ("bytes", m.bytes.to_string()),
            ("gb_per_s", (m.bytes as f64 / m.min / 1e9).to_string()),
            ("ns_per_element", m.ns().to_string()),
            ("interpreter_ns_per_element", m.interpreter_ns.to_string()),
            ("speedup", (m.interpreter_ns / m.ns()).to_string()),
            ("runs", m.runs.to_string()),
            ("floor_s", m.floor.to_string()),
            ("floor_ratio", (m.median / m.floor).to_string()),
        ];
        if self.peers {
            let peer = |(name, theirs): &(&str, super::Theirs)| {
                let seconds = theirs.as_ref().map_or("null".to_string(), |(_, s)| s.to_string());
                format!("\"{name}\": {seconds}")
            };
            let peers: Vec<String> = m.peers.iter().map(peer).collect();
            fields.push(("peers", format!("{{{}}}", peers.join(", "))));
        }
        let fields: Vec<String> =
            fields.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
        format!("{{{}}}\n", fields.join(", "))
    }
}

/// Formats a text as a JSON string.
fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(json_string("a\n\"b\\"), r#""a\u000a\"b\\""#);
    }
}
