//! What a run took: the time and the bytes of each pass, copies, temporary arrays, memory.

use std::time::Duration;

use crate::ops::Op;
use crate::plan::{Instr, Stage, Step, Target};

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
///     assert_eq!(stats.stages.last().map(|stage| stage.bytes_written), Some(24));
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
    pub stages: Vec<StageStats>,
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
pub struct StageStats {
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
        self.stages.iter().map(|stage| stage.bytes_read).sum()
    }

    /// Bytes that all passes write.
    pub fn bytes_written(&self) -> u64 {
        self.stages.iter().map(|stage| stage.bytes_written).sum()
    }
}

impl StageStats {
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

/// What a stage computes, in short; `names` are the outputs'.
pub(crate) fn computes(stage: &Stage, names: &[Option<Box<str>>]) -> String {
    let mut done: Vec<&str> = Vec::new();
    for op in stage.program.steps.iter().flat_map(operations) {
        let name = op.row().name;
        if !done.contains(&name) {
            done.push(name);
        }
    }
    let more = if done.len() > MOST_NAMED { ", ..." } else { "" };
    done.truncate(MOST_NAMED);
    let mut text = done.join(", ") + more;
    let mut result = |what: &str, target: Target| {
        let separator = if text.is_empty() { "" } else { ", " };
        text += &match target {
            Target::Output(number) => match names.get(number as usize) {
                Some(Some(name)) => format!("{separator}{what}{name}"),
                _ => format!("{separator}{what}output {number}"),
            },
            Target::Temporary(number) => format!("{separator}{what}array{number}"),
            Target::Cell(number) => format!("{separator}{what}cell{number}"),
        };
    };
    stage.outputs.iter().for_each(|(target, _)| result("to ", *target));
    stage.folds.iter().for_each(|fold| result(&format!("{} to ", fold.reduction), fold.target));
    text
}

/// The operations of a step.
fn operations(step: &Step) -> Vec<Op> {
    let applied = |instr: &Instr| match instr {
        Instr::Apply(op, ..) => Some(*op),
        _ => None,
    };
    match step {
        Step::Fused(_, code) => code.iter().filter_map(applied).collect(),
        Step::Block(op, ..) => vec![*op],
        Step::Pair(ops, ..) => ops.to_vec(),
        Step::Convert(..) => Vec::new(),
    }
}

/// The most memory that the process has had, in bytes.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
