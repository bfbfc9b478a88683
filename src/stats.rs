//! Statistics of a run: time and bytes of each pass, copies, temporary arrays, memory.

use std::time::Duration;

use crate::plan::{Destination, Pass, Value};

/// Statistics of a run; see [`RunOptions::stats`](crate::RunOptions::stats).
///
/// ```
/// use hotloop::{Arg, RunOptions};
///
/// let program = hotloop::compile("x - mean(x)")?.with(RunOptions::new().stats(true));
/// let outputs = program.eval([Arg::from(&[1.0, 2.0, 3.0])])?;
/// let stats = outputs.report().stats().expect("they were asked for");
/// if outputs.report().native {
///     // Once for the mean, and once more for the difference.
///     assert_eq!(stats.bytes_read(), 2 * 24);
///     assert_eq!(stats.passes.last().map(|pass| pass.bytes_written), Some(24));
/// }
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Time of parsing and compilation, for this run or an earlier one.
    pub compile: Duration,
    /// Time of the run.
    pub run: Duration,
    /// The passes over the data, in order; none from the interpreter.
    pub passes: Vec<PassStats>,
    /// Inputs that were copied first: because an output overwrites them too early, or because they
    /// are outside memory and small or read repeatedly.
    pub copied_arrays: usize,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Arrays that one pass writes for later ones, in memory or in temporary files.
    pub temporary_arrays: usize,
    /// Their bytes.
    pub temporary_bytes: u64,
    /// The peak memory of the process so far, in bytes, if the system reports it.
    pub peak_memory: Option<u64>,
}

/// Statistics of a pass over the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassStats {
    /// A summary of the operations and the destinations of their results.
    pub computes: String,
    /// Elements of the iteration space.
    pub elements: u64,
    /// Bytes read; elements of broadcast arrays count once.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Time of the pass.
    pub time: Duration,
}

impl Stats {
    /// Bytes read by all passes.
    pub fn bytes_read(&self) -> u64 {
        self.passes.iter().map(|pass| pass.bytes_read).sum()
    }

    /// Bytes written by all passes.
    pub fn bytes_written(&self) -> u64 {
        self.passes.iter().map(|pass| pass.bytes_written).sum()
    }
}

impl PassStats {
    /// Bytes read and written per nanosecond, which is GB/s.
    pub fn gb_per_s(&self) -> f64 {
        let bytes = self.bytes_read + self.bytes_written;
        bytes as f64 / self.time.as_nanos().max(1) as f64
    }
}

/// The traffic of a pass, known before it runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub elements: u64,
    pub read: u64,
    pub written: u64,
}

/// The maximum number of operations in a summary.
const MOST_NAMED: usize = 6;

/// A summary of a pass's operations and destinations; `names` are those of the outputs.
pub(crate) fn computes(pass: &Pass, names: &[Option<Box<str>>]) -> String {
    let mut done: Vec<&str> = Vec::new();
    for (value, _) in pass.body.values() {
        if let Value::Apply(op, _) | Value::Along(op, ..) = value
            && !done.contains(&op.row().name)
        {
            done.push(op.row().name);
        }
    }
    let more = if done.len() > MOST_NAMED { ", ..." } else { "" };
    done.truncate(MOST_NAMED);
    let mut parts = match done.is_empty() {
        true => Vec::new(),
        false => vec![done.join(", ") + more],
    };
    let named = |to: Destination| match to {
        Destination::Output(number) => match names.get(number as usize) {
            Some(Some(name)) => name.to_string(),
            _ => to.to_string(),
        },
        to => to.to_string(),
    };
    parts.extend(pass.stores.iter().map(|store| format!("to {}", named(store.to))));
    let carries = pass.carries.iter();
    parts.extend(carries.map(|carry| format!("{} to {}", carry.reduction, named(carry.to))));
    parts.join(", ")
}

/// The peak memory of the process, in bytes.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
