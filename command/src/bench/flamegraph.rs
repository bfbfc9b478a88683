//! `--flamegraph`: a flame graph of a program's runs, recorded by `perf`.
//!
//! `perf record` records this process only while it runs the kernel. The samples are folded here
//! instead of by inferno, which would truncate a kernel's name at its first parenthesis.

use std::collections::BTreeMap;
use std::io;
use std::process::{Command, Output, Stdio};

use hotloop::{Error, ErrorKind, Result};
use inferno::flamegraph::{Options, from_lines};
use tempfile::tempdir;

use super::kernel_names::KernelNames;
use crate::interrupt;

/// The seconds recorded, and the sampling frequency, which avoids common periods.
const SECONDS: &str = "3";
const FREQUENCY: &str = "999";

/// How stacks are unwound: the kernels' callers save no frame pointers.
const CALL_GRAPH: &str = "dwarf,4096";

/// `perf`'s name for an unknown function.
const UNKNOWN: &str = "[unknown]";

/// Addresses from here on belong to the operating system.
const KERNEL: u64 = 0xffff_8000_0000_0000;

/// Frames narrower than this percentage of the picture are left out.
const NARROWEST: f64 = 0.1;
/// The height of a frame in pixels.
const FRAME_HEIGHT: usize = 20;

/// Records runs and draws their flame graph as an SVG file.
///
/// # Errors
/// As the runs; `Io` if there is no `perf`, or it lacks permission; `Cancelled`.
pub(super) fn draw(title: &str, run: impl FnMut() -> Result<()>) -> Result<Vec<u8>> {
    picture(&watch(run)?, title).map_err(|e| failed("the flame graph", &e))
}

/// The stacks sampled while `work` runs, with their counts.
fn watch(mut run: impl FnMut() -> Result<()>) -> Result<Vec<String>> {
    let folder = tempdir()
        .map_err(|e| Error::new(ErrorKind::Io, format!("no temporary directory: {}", bare(&e))))?;
    let data = folder.path().join("perf.data");
    let mut record = Command::new("perf");
    record.args(["record", "-q", "-F", FREQUENCY, "--call-graph", CALL_GRAPH, "-p"]);
    record.arg(std::process::id().to_string()).arg("-o").arg(&data);
    // `perf` records until its child command ends.
    record.args(["--", "sleep", SECONDS]);
    record.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = record.spawn().map_err(|e| failed("`perf record`", &e))?;
    let outcome = loop {
        if let Err(error) = interrupt::check().and_then(|()| run()) {
            break Err(error);
        }
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(_)) => break Ok(()),
            Err(error) => break Err(failed("`perf record`", &error)),
        }
    };
    if outcome.is_err() {
        let _ = child.kill();
    }
    let recorded = child.wait_with_output().map_err(|e| failed("`perf record`", &e))?;
    outcome?;
    // Ctrl-C at a terminal also ends `perf`.
    interrupt::check()?;
    check("`perf record`", &recorded)?;

    let mut script = Command::new("perf");
    script.args(["script", "--no-inline", "-F", "comm,ip,sym,symoff", "-i"]).arg(&data);
    let script = script.stdin(Stdio::null()).output().map_err(|e| failed("`perf script`", &e))?;
    interrupt::check()?;
    check("`perf script`", &script)?;
    let script = String::from_utf8_lossy(&script.stdout);
    let folded = fold(&script, &KernelNames::of_this_process());
    match folded.is_empty() {
        true => Err(Error::new(ErrorKind::Io, "`perf record` has seen no run")),
        false => Ok(folded),
    }
}

/// An error of a temporary directory, without its meaningless name.
fn bare(error: &io::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at path \"").map_or(text.clone(), |(cause, _)| cause.to_string())
}

/// The map file of kernel names, removed on drop.
pub(super) struct Map;

impl Drop for Map {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(format!("/tmp/perf-{}.map", std::process::id()));
    }
}

fn failed(what: &str, error: &dyn std::fmt::Display) -> Error {
    let error = Error::new(ErrorKind::Io, format!("{what}: {error}"));
    error.hint("--flamegraph needs Linux's `perf`, and the right to use it")
}

fn check(what: &str, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let why = text.lines().map(str::trim).find(|line| !line.is_empty() && *line != "Error:");
    Err(failed(what, &why.unwrap_or("it failed")).hint("see /proc/sys/kernel/perf_event_paranoid"))
}

/// Counts the samples of each stack in the output of `perf script`: a line with the thread's name,
/// then the frames from the innermost on, then an empty line.
fn fold(script: &str, kernels: &KernelNames) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut thread, mut frames) = (None, Vec::new());
    for line in script.lines().chain([""]) {
        let words = line.trim();
        if words.is_empty() {
            if let Some(thread) = thread.take() {
                let stack = stack(thread, std::mem::take(&mut frames));
                *counts.entry(stack).or_default() += 1;
            }
            frames.clear();
        } else if line.starts_with(char::is_whitespace) && thread.is_some() {
            frames.push(frame(words, kernels));
        } else {
            thread = Some(frame_name(words));
        }
    }
    counts.into_iter().map(|(stack, count)| format!("{stack} {count}")).collect()
}

/// Folds a stack for inferno; `frames` start with the innermost.
fn stack(thread: String, mut frames: Vec<String>) -> String {
    // The frames below hotloop are the same for all stacks, or truncated.
    let ours = |frame: &String| frame.starts_with("hotloop");
    if let Some(outermost) = frames.iter().rposition(ours) {
        frames.truncate(outermost + 1);
    }
    while frames.len() > 1 && frames.last().is_some_and(|frame| frame == UNKNOWN) {
        frames.pop();
    }
    // Frames of the operating system are merged into one.
    frames.dedup_by(|a, b| a == SYSTEM && b == SYSTEM);
    frames.push(thread);
    frames.reverse();
    frames.join(";")
}

/// All functions of the operating system.
const SYSTEM: &str = "operating system";

/// The function of a frame: `ADDRESS SYMBOL+OFFSET`.
fn frame(words: &str, kernels: &KernelNames) -> String {
    let (address, name) = words.split_once(' ').unwrap_or((words, UNKNOWN));
    let address = u64::from_str_radix(address, 16).ok();
    let name = name.trim();
    if name != UNKNOWN && address.is_some_and(|address| address >= KERNEL) {
        return SYSTEM.to_string();
    }
    let (name, offset) = match name.rsplit_once("+0x") {
        Some((name, offset)) => (name, u64::from_str_radix(offset, 16).ok()),
        None => (name, None),
    };
    // Rust's names end in a hash.
    let plain = name
        .rsplit_once("::h")
        .filter(|(_, hash)| hash.len() == 16 && hash.bytes().all(|c| c.is_ascii_hexdigit()));
    let start = address.zip(offset).and_then(|(address, offset)| address.checked_sub(offset));
    frame_name(&kernels.name(plain.map_or(name, |(plain, _)| plain), start))
}

/// A name without the separator of frames.
fn frame_name(name: &str) -> String {
    name.replace(';', ",")
}

fn picture(folded: &[String], title: &str) -> io::Result<Vec<u8>> {
    let mut options = Options::default();
    options.title = title.to_string();
    options.subtitle = Some(format!("where the time of its runs goes, in {SECONDS} s"));
    options.count_name = "samples".to_string();
    options.min_width = NARROWEST;
    options.frame_height = FRAME_HEIGHT;
    let mut picture = Vec::new();
    from_lines(&mut options, folded.iter().map(String::as_str), &mut picture)
        .map_err(io::Error::other)?;
    Ok(named_root(picture))
}

/// Labels the root frame, which inferno leaves blank.
fn named_root(picture: Vec<u8>) -> Vec<u8> {
    let text = match String::from_utf8(picture) {
        Ok(text) => text,
        Err(other) => return other.into_bytes(),
    };
    let named = text.split_once("<title>all (").and_then(|(before, rest)| {
        let (count, _) = rest.split_once(", ")?;
        let (bar, after) = rest.split_once("></text>")?;
        Some(format!("{before}<title>all ({bar}>all threads, {count}</text>{after}"))
    });
    named.unwrap_or(text).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_counted() {
        let script = "\
hotloop
\t    7f01 hotloop: a = x; sin(a)**2 [pass 0]
\t    5501 hotloop_runtime::executor::Loop::run::h0123456789abcdef+0x1d
\t    5502 main+0x3
\t       0 [unknown]

hotloop-1
\t    7f01 [unknown]

hotloop
\t    7f08 hotloop: a = x; sin(a)**2 [pass 0]
\t    5501 hotloop_runtime::executor::Loop::run::h0123456789abcdef+0x1d
\t    5502 main+0x3
";
        let stack = "hotloop;hotloop_runtime::executor::Loop::run;\
                     hotloop: a = x, sin(a)**2 [pass 0]";
        let folded = fold(script, &KernelNames::default());
        assert_eq!(folded, ["hotloop-1;[unknown] 1".to_string(), format!("{stack} 2")]);
        let picture = String::from_utf8(picture(&folded, "a < b").unwrap()).unwrap();
        assert!(picture.contains("sin(a)**2 [pass 0]"), "{picture}");
        assert!(picture.contains(">a &lt; b</text>"), "{picture}");
        assert!(picture.contains(">all threads, 3 samples</text>"), "{picture}");
    }

    /// Output of `perf script` for a kernel with a system call.
    #[test]
    fn stacks_have_what_is_of_use() {
        let all = hotloop::explain::kernel_addresses();
        let (exp, _) = all.into_iter().find(|(_, name)| *name == "exp").unwrap();
        let script = format!(
            "\
hotloop-1
\tffffffff8f7d81a0 futex_wait+0x10
\tffffffff8f7d8a32 schedule+0x22
\tffffffff8f7d8a31 do_syscall_64+0x62
\t    {:x} hotloop_runtime::kernels::math::shell::scalar+0x20
\t    7f01 hotloop: exp(x) [pass 0]+0x41
\t    5501 hotloop_runtime::threads::pool::Shared::serve+0x1d
\t    5502 std::sys::backtrace::__rust_begin_short_backtrace+0x3
\t    5503 clone3+0x2c
",
            exp + 0x20
        );
        assert_eq!(
            fold(&script, &KernelNames::of_this_process()),
            ["hotloop-1;hotloop_runtime::threads::pool::Shared::serve;hotloop: exp(x) [pass 0];\
              exp (scalar);operating system 1"]
        );
    }
}
