//! What a run took: the time and the bytes of each pass, copies, temporary arrays, memory.

use std::time::Duration;

use crate::plan::{Destination, Pass, Value};

/// What a run took; see [`RunOptions::stats`](crate::RunOptions::stats).
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
    /// What reading the text and making code took, whether for this run or an earlier one.
    pub compile: Duration,
    /// What the run took, from its arrays to its results.
    pub run: Duration,
    /// The passes over the data, in order; none from the interpreter.
    pub passes: Vec<PassStats>,
    /// Inputs that were copied first: as an output is written over them too early, or as they are
    /// outside memory, and small or read over and over.
    pub copied_arrays: usize,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Arrays that one pass writes for later ones, in memory or in temporary files.
    pub temporary_arrays: usize,
    /// Their bytes.
    pub temporary_bytes: u64,
    /// The most memory that the process has had so far, in bytes, where the system says so.
    pub peak_memory: Option<u64>,
}

/// What a pass over the data took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassStats {
    /// The operations, in short, and where their results go.
    pub computes: String,
    /// Elements that it went through.
    pub elements: u64,
    /// Bytes of the elements of the arrays that it reads; those of broadcast ones once.
    pub bytes_read: u64,
    /// Bytes of the elements that it writes.
    pub bytes_written: u64,
    /// Its time.
    pub time: Duration,
}

impl Stats {
    /// Bytes that all passes read.
    pub fn bytes_read(&self) -> u64 {
        self.passes.iter().map(|pass| pass.bytes_read).sum()
    }

    /// Bytes that all passes write.
    pub fn bytes_written(&self) -> u64 {
        self.passes.iter().map(|pass| pass.bytes_written).sum()
    }
}

impl PassStats {
    /// Bytes read and written in a nanosecond, which is 10^9 bytes a second.
    pub fn gb_per_s(&self) -> f64 {
        let bytes = self.bytes_read + self.bytes_written;
        bytes as f64 / self.time.as_nanos().max(1) as f64
    }
}

/// What is known of a pass before it runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub elements: u64,
    pub read: u64,
    pub written: u64,
}

/// The most operations that are named.
const MOST_NAMED: usize = 6;

/// The operations of a pass, in short, and where its results go; `names` are the outputs'.
pub(crate) fn computes(pass: &Pass, names: &[Option<Box<str>>]) -> String {
    let mut done: Vec<&str> = Vec::new();
    for (value, _) in pass.body.values() {
        if let Value::Apply(op, _) = value
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

/// The most memory that the process has had, in bytes.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
