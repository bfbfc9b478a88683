//! The floor: the time this machine needs just to move the bytes that a program must move.
//!
//! Loops over separate memory read and write the same number of bytes: two arrays in and one out,
//! or one in and one out, with nontemporal and ordinary stores; or, for a program that writes
//! almost nothing, one or two arrays in. They alternate with the program, on one thread and on as
//! many as it uses, and the fastest counts.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use hotloop::threads::prefer_huge_pages;
use hotloop::{Error, ErrorKind, Result};

use super::race::Contender;

/// The bytes that a program must move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Traffic {
    /// Bytes of the inputs, each array once.
    pub read: usize,
    /// Bytes of the outputs.
    pub written: usize,
}

/// A loop that moves bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Movement {
    TriadStreamed,
    CopyStreamed,
    Triad,
    Copy,
    ReadTwo,
    ReadOne,
}

/// The maximum number of bytes that the loops move; for more, the time is scaled.
const MOST: usize = 512 << 20;

impl Traffic {
    /// All bytes.
    pub(crate) fn bytes(self) -> usize {
        self.read.saturating_add(self.written)
    }

    /// The loops with a similar ratio of reads and writes.
    fn movements(self) -> &'static [Movement] {
        use Movement::*;
        if self.written * 64 > self.read {
            &[TriadStreamed, CopyStreamed, Triad, Copy]
        } else {
            &[ReadTwo, ReadOne]
        }
    }
}

impl Movement {
    fn arrays(self) -> usize {
        match self {
            Movement::TriadStreamed | Movement::Triad => 3,
            Movement::CopyStreamed | Movement::Copy | Movement::ReadTwo => 2,
            Movement::ReadOne => 1,
        }
    }
}

/// A cache line.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([f64; 8]);

/// One thread's arrays.
struct Part {
    out: Vec<Line>,
    a: Vec<Line>,
    b: Vec<Line>,
}

impl Part {
    /// # Errors
    /// `OutOfMemory`.
    fn new(out: usize, a: usize, b: usize) -> Result<Part> {
        Ok(Part { out: filled(out)?, a: filled(a)?, b: filled(b)? })
    }

    fn repeat(&mut self, movement: Movement, lines: usize, calls: usize) {
        for _ in 0..calls {
            loops::run(movement, self, lines);
        }
    }
}

fn filled(lines: usize) -> Result<Vec<Line>> {
    let mut list: Vec<Line> = Vec::new();
    list.try_reserve_exact(lines).map_err(|_| {
        Error::new(ErrorKind::OutOfMemory, "no memory to measure the memory's speed with")
    })?;
    prefer_huge_pages(list.spare_capacity_mut());
    list.resize(lines, Line([1.0; 8]));
    Ok(list)
}

/// Work for a thread: which loop, over how many lines, how often.
type Order = (Movement, usize, usize);

struct Worker {
    orders: Sender<Order>,
    done: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start(mut part: Part) -> std::io::Result<Worker> {
        let (orders, inbox) = channel::<Order>();
        let (outbox, done) = channel();
        let thread = std::thread::Builder::new().spawn(move || {
            while let Ok((movement, lines, calls)) = inbox.recv() {
                part.repeat(movement, lines, calls);
                if outbox.send(()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Worker { orders, done, thread: Some(thread) })
    }
}

impl Drop for Worker {
    /// Frees its memory before the command goes on.
    fn drop(&mut self) {
        self.orders = channel().0;
        if let Some(thread) = self.thread.take() {
            // Only a panic in its loop could make this fail, and that has been printed.
            let _ = thread.join();
        }
    }
}

/// A pool of threads that move bytes.
pub(crate) struct Crew {
    own: RefCell<Part>,
    workers: Vec<Worker>,
    traffic: Traffic,
    bytes: usize,
    scale: f64,
}

impl Crew {
    /// Memory and threads for some traffic.
    ///
    /// # Errors
    /// `OutOfMemory`; `Io` where no thread can be started.
    pub(crate) fn new(traffic: Traffic, threads: usize) -> Result<Crew> {
        let bytes = traffic.bytes().clamp(64, MOST);
        let most = |arrays: usize| bytes.div_ceil(64 * threads * arrays);
        let [out, a, b] = if traffic.movements().contains(&Movement::Copy) {
            [most(2), most(2), most(3)]
        } else {
            [0, most(1), most(2)]
        };
        let worker = |_| {
            Worker::start(Part::new(out, a, b)?)
                .map_err(|e| Error::new(ErrorKind::Io, format!("no thread: {e}")))
        };
        let workers = (1..threads).map(worker).collect::<Result<_>>()?;
        let scale = traffic.bytes() as f64 / bytes as f64;
        let own = RefCell::new(Part::new(out, a, b)?);
        Ok(Crew { own, workers, traffic, bytes, scale })
    }

    /// The candidate loops.
    pub(crate) fn contenders(&self) -> impl Iterator<Item = Contender<'_>> {
        let contender = move |movement: &Movement| {
            let movement = *movement;
            Contender::measured(move |calls| self.time(movement, calls))
        };
        self.traffic.movements().iter().map(contender)
    }

    /// Seconds that all threads together take for some calls.
    ///
    /// # Errors
    /// `Internal` if a thread has ended.
    fn time(&self, movement: Movement, calls: usize) -> Result<f64> {
        let threads = 1 + self.workers.len();
        let lines = self.bytes / (64 * threads * movement.arrays());
        let gone = || Error::new(ErrorKind::Internal, "a thread that moves bytes has ended");
        let start = Instant::now();
        for worker in &self.workers {
            worker.orders.send((movement, lines, calls)).map_err(|_| gone())?;
        }
        self.own.borrow_mut().repeat(movement, lines, calls);
        for worker in &self.workers {
            worker.done.recv().map_err(|_| gone())?;
        }
        Ok(start.elapsed().as_secs_f64() * self.scale)
    }
}

#[inline(always)]
fn triad(a: &Line, b: &Line) -> Line {
    let mut line = *a;
    line.0.iter_mut().zip(&b.0).for_each(|(x, y)| *x += 3.0 * y);
    line
}

#[inline(always)]
fn add(sum: &mut Line, line: &Line) {
    sum.0.iter_mut().zip(&line.0).for_each(|(s, x)| *s += x);
}

#[inline(always)]
fn add_products(sum: &mut Line, a: &Line, b: &Line) {
    sum.0.iter_mut().zip(&a.0).zip(&b.0).for_each(|((s, x), y)| *s += x * y);
}

/// The loops, generic over the store of a cache line.
#[inline(always)]
fn run_with(movement: Movement, part: &mut Part, lines: usize, stream: impl Fn(&mut Line, Line)) {
    let Part { out, a, b } = part;
    let three = Line([3.0; 8]);
    let out = out.iter_mut().take(lines);
    match movement {
        Movement::TriadStreamed => {
            out.zip(&*a).zip(&*b).for_each(|((o, a), b)| stream(o, triad(a, b)));
        }
        Movement::CopyStreamed => out.zip(&*a).for_each(|(o, a)| stream(o, triad(a, &three))),
        Movement::Triad => out.zip(&*a).zip(&*b).for_each(|((o, a), b)| *o = triad(a, b)),
        Movement::Copy => out.zip(&*a).for_each(|(o, a)| *o = triad(a, &three)),
        Movement::ReadTwo | Movement::ReadOne => {
            let mut sums = [Line([0.0; 8]); 4];
            let (a, b) = (&a[..lines], &b[..lines.min(b.len())]);
            if movement == Movement::ReadTwo {
                for (a, b) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
                    sums.iter_mut().zip(a).zip(b).for_each(|((s, a), b)| add_products(s, a, b));
                }
            } else {
                for a in a.chunks_exact(4) {
                    sums.iter_mut().zip(a).for_each(|(s, a)| add(s, a));
                }
            }
            black_box(sums);
        }
    }
    black_box(part);
}

#[cfg(target_arch = "x86_64")]
mod loops {
    use std::arch::x86_64::{
        _mm_sfence, _mm256_loadu_pd, _mm256_stream_pd, _mm512_loadu_pd, _mm512_stream_pd,
    };

    use super::{Line, Movement, Part, run_with};

    #[target_feature(enable = "avx512f")]
    fn run_avx512(movement: Movement, part: &mut Part, lines: usize) {
        run_with(movement, part, lines, |to, line| {
            // SAFETY: a line is 64 bytes, at a multiple of 64.
            unsafe { _mm512_stream_pd(to.0.as_mut_ptr(), _mm512_loadu_pd(line.0.as_ptr())) }
        });
        _mm_sfence();
    }

    #[target_feature(enable = "avx")]
    fn run_avx(movement: Movement, part: &mut Part, lines: usize) {
        run_with(movement, part, lines, |to, line| {
            for half in [0, 4] {
                // SAFETY: four of a line's eight elements, at a multiple of 32 bytes.
                unsafe {
                    let four = _mm256_loadu_pd(line.0.as_ptr().add(half));
                    _mm256_stream_pd(to.0.as_mut_ptr().add(half), four);
                }
            }
        });
        _mm_sfence();
    }

    pub(super) fn run(movement: Movement, part: &mut Part, lines: usize) {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions.
            unsafe { run_avx512(movement, part, lines) }
        } else if is_x86_feature_detected!("avx") {
            // SAFETY: the processor has the instructions.
            unsafe { run_avx(movement, part, lines) }
        } else {
            run_with(movement, part, lines, |to: &mut Line, line| *to = line);
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod loops {
    use super::{Movement, Part, run_with};

    pub(super) fn run(movement: Movement, part: &mut Part, lines: usize) {
        run_with(movement, part, lines, |to, line| *to = line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_writes_its_lines() {
        for (movement, value) in [
            (Movement::TriadStreamed, 4.0),
            (Movement::Triad, 4.0),
            (Movement::CopyStreamed, 10.0),
            (Movement::Copy, 10.0),
            (Movement::ReadOne, 1.0),
            (Movement::ReadTwo, 1.0),
        ] {
            let mut part = Part::new(100, 100, 100).unwrap();
            part.repeat(movement, 60, 2);
            assert!(part.out[..60].iter().all(|line| line.0 == [value; 8]), "{movement:?}");
            assert!(part.out[60..].iter().all(|line| line.0 == [1.0; 8]), "{movement:?}");
        }
    }

    #[test]
    fn crews_have_memory_enough_for_every_loop() {
        for (read, written) in [(1000, 1000), (1 << 20, 8), (0, 64), (8, 8), (3 << 20, 1 << 20)] {
            let traffic = Traffic { read, written };
            for threads in [1, 3] {
                let crew = Crew::new(traffic, threads).unwrap();
                for &movement in traffic.movements() {
                    assert!(crew.time(movement, 2).unwrap() > 0.0);
                }
            }
        }
        let reads = Traffic { read: 1 << 20, written: 8 };
        assert_eq!(reads.movements(), [Movement::ReadTwo, Movement::ReadOne]);
    }
}
