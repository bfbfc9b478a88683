//! The floor: loops in C that only move the bytes of a workload, or only do its multiplications.
//! They are contenders like the others.

use std::ffi::c_void;

use hotloop::DType;

use crate::arrays::{Buffer, Layout};
use crate::peer::{Call, Peer};
use crate::timing::{Contender, Times};

/// What a workload cannot do without.
#[derive(Clone, Copy, Default)]
pub struct Work {
    /// Bytes read and written: each line of an input once, each output once.
    pub bytes: usize,
    /// Whether it writes more than a few numbers.
    pub writes: bool,
    /// Fused multiply-adds.
    pub fused: usize,
}

/// Stores go through the cache where everything fits in it.
const CACHED: usize = 64 << 20;

/// The loops for some work, with memory of their own.
pub struct Floor<'a> {
    memory: [Buffer; 3],
    peer: &'a Peer,
    work: Work,
}

impl<'a> Floor<'a> {
    pub fn new(peer: &'a Peer, work: Work) -> Floor<'a> {
        // A copy needs the longest arrays of those that write, reading one array that of the rest.
        let longest = work.bytes / if work.writes { 16 } else { 8 } + 64;
        let array = |n: usize, seed| Buffer::drawn(DType::F64, &[n], Layout::C, seed, (0.0, 1e-3));
        let out = if work.writes { longest } else { 64 * 8 };
        Floor { memory: [array(out, 0), array(longest, 1), array(longest, 2)], peer, work }
    }

    fn call(&self, name: &str, n: usize, grain: usize) -> Call<'_> {
        let arrays: Vec<*mut c_void> = self.memory.iter().map(Buffer::pointer).collect();
        // SAFETY: an output and two inputs; `new` made them long enough for the shortest element.
        unsafe { self.peer.call(name, arrays, n / grain * grain, grain) }
    }

    fn calls(&self) -> Vec<Call<'_>> {
        let bytes = self.work.bytes;
        let moves: &[(&str, usize)] = match self.work.writes {
            true if bytes <= CACHED => &[
                ("triad_streamed", 24),
                ("copy_streamed", 16),
                ("triad_cached", 24),
                ("copy_cached", 16),
            ],
            true => &[("triad_streamed", 24), ("copy_streamed", 16)],
            false => &[("read_one", 8), ("read_two", 16)],
        };
        let mut calls: Vec<Call<'_>> =
            moves.iter().map(|(name, each)| self.call(name, bytes / each, 64)).collect();
        if self.work.fused > 0 {
            calls.push(self.call("multiply_add", self.work.fused, 96));
        }
        calls
    }

    pub fn contenders(&self, threads: usize) -> Vec<Contender<'_>> {
        self.calls()
            .into_iter()
            .map(|call| Box::new(move || call.run(threads)) as Contender<'_>)
            .collect()
    }

    /// The floor from the times of the contenders: the best way to move the bytes, but no less
    /// than the arithmetic takes.
    pub fn of(&self, times: &[Times]) -> Times {
        let (moves, fused) = times.split_at(times.len() - usize::from(self.work.fused > 0));
        let best = moves.iter().min_by(|a, b| a.median().total_cmp(&b.median()));
        let best = best.expect("a loop that moves bytes").clone();
        fused.iter().fold(best, |floor, fused| floor.max(fused))
    }
}
