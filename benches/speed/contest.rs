//! A workload's row: hotloop, the loop in C, and the floor, measured together.

use std::ffi::c_void;

use hotloop::threads::Isa;
use hotloop::{Arg, ArgType, Bound, Engine, Kernel, Out, Program, Result};

use crate::arrays::Buffer;
use crate::floor::Floor;
use crate::peer::Peer;
use crate::timing::{Contender, Times, interleaved};
use crate::workloads::Workload;

/// The contenders of hotloop at an instruction set, and the numbers of threads of each.
pub struct Field {
    pub isa: Isa,
    pub plain: Option<Peer>,
    /// Built with `-ffast-math`.
    pub fast: Option<Peer>,
    pub threads: Vec<usize>,
}

impl Field {
    /// Builds the loops in C for an instruction set.
    pub fn new(isa: Isa, threads: Vec<usize>) -> Field {
        let build = |flags: &[&str]| Peer::build(threads.len(), isa, flags);
        Field { isa, plain: build(&[]), fast: build(&["-ffast-math"]), threads }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Who {
    Ours,
    Plain,
    Fast,
    Floor,
}

pub const HEAD: &str = "
Medians on 1 / 2 threads, and ratios of hotloop's time to the others'.

| | program | n | | hotloop | C | C, `-ffast-math` | floor | to C | to `-ffast-math` | to the floor |
|---|---|---|---|---|---|---|---|---|---|---|";

/// Three significant digits.
pub fn digits(x: f64) -> String {
    let places = (2.0 - x.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{x:.places$}")
}

/// A count as people write it.
pub fn count(n: usize) -> String {
    if n < 1_000 { n.to_string() } else { format!("{:e}", n as f64) }
}

/// Work over fewer bytes is not worth waking a thread for: the loops in C, and those of the floor,
/// stay on one.
const SHARED: usize = 1 << 20;

/// The program, on an engine with `threads` threads.
pub fn program(workload: &Workload, isa: Isa, threads: usize) -> Result<Program> {
    let engine = Engine::builder().isa(isa).threads(threads).mode(workload.mode).build();
    engine.compile(&workload.text)
}

pub fn kernel(workload: &Workload, isa: Isa, threads: usize) -> Result<Kernel> {
    let types: Vec<(&str, ArgType)> =
        workload.inputs.iter().map(|i| (i.name, ArgType::array(i.dtype))).collect();
    program(workload, isa, threads)?.specialize(&types)
}

pub fn args<'a>(workload: &Workload, inputs: &'a [Buffer]) -> Vec<(&'static str, Arg<'a>)> {
    workload.inputs.iter().zip(inputs).map(|(input, buffer)| (input.name, buffer.arg())).collect()
}

pub fn outs(targets: &[Buffer]) -> Vec<Out<'_>> {
    targets.iter().map(Buffer::out).collect()
}

pub fn running<'a>(mut bound: Bound<'a>) -> Contender<'a> {
    Box::new(move || assert!(bound.run().is_ok(), "a run failed"))
}

/// What runs a workload's loop in C.
pub fn looping<'a>(
    peer: &'a Peer,
    (name, threads): (&str, usize),
    inputs: &[Buffer],
    targets: &[Buffer],
    (range, extent): (usize, &'a usize),
) -> Contender<'a> {
    let mut arrays: Vec<*mut c_void> = targets.iter().chain(inputs).map(Buffer::pointer).collect();
    arrays.push(std::ptr::from_ref(extent).cast_mut().cast());
    // SAFETY: the workload names the loop for its arrays, which have this range.
    let call = unsafe { peer.call(name, arrays, range, 64) };
    Box::new(move || call.run(threads))
}

/// Both compute the same, as far as rounding lets them.
fn check(
    workload: &Workload,
    ours: &mut Contender<'_>,
    theirs: &mut Contender<'_>,
    targets: &[Buffer],
) {
    let results = || -> Vec<f64> { targets.iter().flat_map(Buffer::values).collect() };
    theirs();
    let expected = results();
    ours();
    for (i, (x, y)) in results().iter().zip(&expected).enumerate() {
        let close = (x - y).abs() <= workload.tolerance * y.abs().max(1.0);
        let close = close || x.is_nan() && y.is_nan();
        assert!(close, "{} at {i}: {x}, and {y} in C", workload.text);
    }
}

/// Measures a workload, and prints its row.
pub fn measure(workload: &Workload, field: &Field) {
    let (inputs, targets) = (workload.buffers(), workload.targets());
    let extents = (workload.range, &workload.extent);
    let floor = field.plain.as_ref().map(|peer| Floor::new(peer, workload.work()));
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    let mut seats: Vec<(Who, usize)> = Vec::new();
    let mut why_not = String::new();
    for &threads in &field.threads {
        let bound = kernel(workload, field.isa, threads)
            .and_then(|kernel| kernel.bind(&args(workload, &inputs)[..], outs(&targets)));
        match bound {
            Ok(bound) => {
                let mut ours = running(bound);
                if let Some(peer) = &field.plain {
                    let name = (workload.peer, 1);
                    let mut theirs = looping(peer, name, &inputs, &targets, extents);
                    check(workload, &mut ours, &mut theirs, &targets);
                }
                contenders.push(ours);
                seats.push((Who::Ours, threads));
            }
            Err(error) => why_not = error.to_string(),
        }
        let theirs = if workload.work().bytes < SHARED { 1 } else { threads };
        if threads == 1 || workload.parallel {
            let fast = field.fast.as_ref().filter(|_| workload.calls);
            for (who, peer) in [(Who::Plain, field.plain.as_ref()), (Who::Fast, fast)] {
                let Some(peer) = peer else { continue };
                let name = (workload.peer, theirs);
                contenders.push(looping(peer, name, &inputs, &targets, extents));
                seats.push((who, threads));
            }
        }
        for contender in floor.iter().flat_map(|floor| floor.contenders(theirs)) {
            contenders.push(contender);
            seats.push((Who::Floor, threads));
        }
    }
    let times = interleaved(contenders);
    let find = |who: Who, threads: usize| -> Option<Times> {
        let seats = seats.iter().zip(&times);
        let own: Vec<Times> =
            seats.filter(|(seat, _)| **seat == (who, threads)).map(|(_, t)| t.clone()).collect();
        match (who, &floor) {
            (Who::Floor, Some(floor)) => Some(floor.of(&own)),
            _ => own.into_iter().next(),
        }
    };
    print_row(workload, field, &find);
    if !why_not.is_empty() {
        eprintln!("{}: {}", workload.id, why_not.lines().next().unwrap_or_default());
    }
}

fn print_row(workload: &Workload, field: &Field, find: &dyn Fn(Who, usize) -> Option<Times>) {
    let n = workload.n();
    let (unit, scale) = if n >= 1_000_000 { ("ms", 1e3) } else { ("µs", 1e6) };
    let cell = |value: &dyn Fn(usize) -> Option<f64>| {
        let values: Vec<Option<f64>> = field.threads.iter().map(|t| value(*t)).collect();
        if values.iter().all(Option::is_none) {
            return String::new();
        }
        let shown: Vec<String> = values.iter().map(|v| v.map_or("-".to_string(), digits)).collect();
        shown.join(" / ")
    };
    let time = |who| cell(&|threads| Some(find(who, threads)?.median() * scale));
    let ratio = |who| cell(&|threads| Some(find(Who::Ours, threads)?.ratio(&find(who, threads)?)));
    let ours = Some(time(Who::Ours)).filter(|t| !t.is_empty());
    println!(
        "| {} | {} | {} | {unit} | {} | {} | {} | {} | {} | {} | {} |",
        workload.id,
        workload.name(),
        count(n),
        ours.unwrap_or("not yet".to_string()),
        time(Who::Plain),
        time(Who::Fast),
        time(Who::Floor),
        ratio(Who::Plain),
        ratio(Who::Fast),
        ratio(Who::Floor),
    );
}
