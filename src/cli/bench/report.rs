//! What was measured, as a table for people and as an object for programs.

use super::{Bench, Measurement};

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
        let mut text = format!(
            "{} elements of {}, {} threads, {} mode, {who}\n\
             compile      {:.3e} s\n\
             run          {:.3e} s at least, {:.3e} s median of {}\n\
             memory       {} bytes moved, {:.2} GB/s\n\
             element      {:.4} ns\n\
             floor        {:.3e} s to move {} bytes, {:.2} GB/s: a run takes {:.2} times as long\n",
            m.n,
            self.dtype,
            self.threads(),
            self.tuning.mode.name(),
            m.compile,
            m.min,
            m.median,
            m.runs,
            m.bytes,
            m.bytes as f64 / m.min / 1e9,
            m.ns(),
            m.floor,
            m.floor_bytes,
            m.floor_bytes as f64 / m.floor / 1e9,
            m.median / m.floor,
        );
        for (name, theirs) in &m.peers {
            text += &match theirs {
                Ok((what, seconds)) => format!(
                    "{name:<13}{seconds:.3e} s median, {what}: {:.2} times as long\n",
                    seconds / m.median
                ),
                Err(why) => format!("{name:<13}{why}\n"),
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

/// A text as JSON has it.
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
