//! The memory of a run, besides its outputs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hotloop::io::{Sink, Source};
use hotloop::{Arg, DType, Engine, Out, RunOptions};

/// The allocator that counts allocated bytes, and their maximum.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: forwards to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs one test at a time, because they count.
static TURN: Mutex<()> = Mutex::new(());

/// The maximum number of bytes that some work has allocated at a time.
fn most_bytes(work: impl FnOnce()) -> usize {
    let before = LIVE.load(Ordering::SeqCst);
    MOST.store(before, Ordering::SeqCst);
    work();
    MOST.load(Ordering::SeqCst) - before
}

const N: usize = 100_000_000;
const THREADS: usize = 2;
const SCRATCH: usize = THREADS * (4 << 20);

/// 1e8 equal elements that take no memory.
fn repeated<T>(value: &T, dtype: DType) -> Arg<'_> {
    // SAFETY: every index refers to the value, which is borrowed.
    unsafe { Arg::raw(std::ptr::from_ref(value).cast(), &[N], &[0], dtype) }
}

#[test]
fn a_run_takes_its_outputs_and_little_more() {
    let _turn = TURN.lock().unwrap();
    let engine = Engine::builder().threads(THREADS).eager().build();
    let (a, b) = (3u8, 4u8);
    for (text, elements) in
        [("a + b", N), ("a * 2 + b, sum(a), max(b)", N), ("sum(a * b), var(a), argmin(a)", 0)]
    {
        let program = engine.compile(text).unwrap();
        let args = [("a", repeated(&a, DType::U8)), ("b", repeated(&b, DType::U8))];
        let (x, y) = ([a], [b]);
        program.eval([("a", &x), ("b", &y)]).unwrap();
        let most = most_bytes(|| {
            let outputs = program.eval(args).unwrap();
            assert!(outputs.report().native);
        });
        assert!(most <= elements + SCRATCH, "{text}: {most} bytes for outputs of {elements}");
    }
}

/// An array kept between passes is no larger than its operands.
#[test]
fn kept_arrays_are_small() {
    let _turn = TURN.lock().unwrap();
    let engine = Engine::builder().threads(THREADS).eager().build();
    let (rows, columns) = (3000, 4000);
    let (x, y) = (vec![0.5f32; columns], vec![0.25f32; rows]);
    let program = engine.compile("sin(x**2) + cos(y**2)").unwrap();
    let size = size_of::<f32>();
    // SAFETY: rows and columns of the vectors.
    let args = || unsafe {
        let x = Arg::raw(x.as_ptr().cast(), &[1, columns], &[0, size as isize], DType::F32);
        let y = Arg::raw(y.as_ptr().cast(), &[rows, 1], &[size as isize, 0], DType::F32);
        [("x", x), ("y", y)]
    };
    program.eval(args()).unwrap();
    let most = most_bytes(|| drop(program.eval(args()).unwrap()));
    let kept = (rows + columns) * size;
    assert!(most <= rows * columns * size + kept + SCRATCH, "{most} bytes");
}

#[test]
fn runs_of_bound_kernels_allocate_nothing() {
    let _turn = TURN.lock().unwrap();
    let x: Vec<f64> = (0..60_000).map(|i| f64::from(i % 17) - 8.0).collect();
    let shape = [300, 200];
    let mut out = vec![0.0; 60_000];
    for threads in [1, THREADS] {
        let engine = Engine::builder().threads(threads).eager().build();
        let text = "(x - mean(x, axis=0)) / max(x, axis=1, keepdims=True) + transpose(y)";
        let program = engine.compile(text).unwrap();
        // SAFETY: 300 rows of 200 elements, and 200 of 300.
        let [x, y] = [(shape, [1600, 8]), ([200, 300], [2400, 8])].map(|(shape, strides)| unsafe {
            Arg::raw(x.as_ptr().cast(), &shape, &strides, DType::F64)
        });
        // SAFETY: as above.
        let out = unsafe { Out::raw(out.as_mut_ptr().cast(), &shape, &[1600, 8], DType::F64) };
        let types = ["x", "y"].map(|name| (name, hotloop::ArgType::array(DType::F64)));
        let kernel = program.specialize(&types).unwrap();
        let mut bound = kernel.bind([("x", x), ("y", y)], [out]).unwrap();
        // Warms up: threads start, and the pool measures them.
        (0..20).for_each(|_| assert!(bound.run().is_ok()));
        let most = most_bytes(|| (0..5).for_each(|_| assert!(bound.run().is_ok())));
        assert_eq!(most, 0, "on {threads} threads");
    }
}

/// Scratch is also bounded for panels of small and large elements together, and for many
/// reductions.
#[test]
fn scratch_stays_small() {
    let _turn = TURN.lock().unwrap();
    let engine = Engine::builder().threads(THREADS).eager().build();
    let (rows, columns) = (1000, 4097);
    let a = vec![1u8; 1003 * columns];
    let b = vec![0.5f64; rows * columns];
    // SAFETY: columns with 1,000 of 1,003 elements, and rows.
    let args = || unsafe {
        let a = Arg::raw(a.as_ptr(), &[rows, columns], &[1, 1003], DType::U8);
        let b =
            Arg::raw(b.as_ptr().cast(), &[rows, columns], &[8 * columns as isize, 8], DType::F64);
        [("a", a), ("b", b)]
    };
    for (text, outputs) in [
        ("a + b", rows * columns * 8),
        ("sum(a + b, axis=-1), var(a + b, axis=-1), max(a + b, axis=-1)", 3 * rows * 8),
        ("sum(a + b, axis=0), var(b, axis=0), argmin(a, axis=0)", 3 * columns * 8),
    ] {
        let program = engine.compile(text).unwrap();
        program.eval(args()).unwrap();
        let most = most_bytes(|| drop(program.eval(args()).unwrap()));
        assert!(most <= outputs + SCRATCH, "{text}: {most} bytes for outputs of {outputs}");
    }
}

/// A matrix of zeros without memory, which also accepts writes.
struct Nothing {
    shape: [usize; 2],
    fortran_order: bool,
}

impl Source for Nothing {
    fn dtype(&self) -> DType {
        DType::F64
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    fn read_at(&self, _: u64, bytes: &mut [u8]) -> io::Result<()> {
        bytes.fill(0);
        Ok(())
    }
}

impl Sink for Nothing {
    fn dtype(&self) -> DType {
        DType::F64
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Chunks take no more than their part of the memory limit, in any order of sources and sinks.
#[test]
fn windows_keep_to_the_memory_of_a_run() {
    let _turn = TURN.lock().unwrap();
    let shape = [2048, 8192];
    let nothing = |fortran_order| Arc::new(Nothing { shape, fortran_order });
    let (c, f) = (nothing(false), nothing(true));
    for threads in [1, 2, 8] {
        let engine = Engine::builder().threads(threads).eager().build();
        for memory in [4 << 20, 64 << 20] {
            let options = RunOptions::new().memory(memory);
            let program = |text| engine.compile(text).unwrap().with(options.clone());
            let args = || [("c", Arg::source(&c)), ("f", Arg::source(&f))];
            // An eighth of the limit, but at least a few MiB for each thread.
            let room = (memory / 8).max(threads * (5 << 19)) + (2 << 20);
            for text in ["sum(c + f, axis=1)", "sum(c + f, axis=0)", "sum(c + f)", "sum(f, axis=1)"]
            {
                let program = program(text);
                let run = || {
                    let args = args();
                    let read = args.iter().filter(|(name, _)| text.contains(name)).cloned();
                    drop(program.eval(&read.collect::<Vec<_>>()[..]).unwrap());
                };
                run();
                let most = most_bytes(run);
                assert!(most <= room, "{text} of {memory} on {threads}: {most} bytes, not {room}");
            }
            // The passes share the eighth, but each has its few MiB; the rest is for partial
            // results of reductions.
            let room_of_three = (memory / 8).max(3 * threads * (5 << 19)) + (6 << 20);
            let passes = program("sum(c + f) + sum(c * f, axis=1), mean(c - f, axis=0)");
            let run = || drop(passes.eval(args()).unwrap());
            run();
            let most = most_bytes(run);
            assert!(most <= room_of_three, "passes of {memory} on {threads}: {most} bytes");
            let program = program("c + f");
            let run = || {
                let to = nothing(threads == 2);
                program.eval_into(args(), &mut [Out::sink(&to)]).unwrap();
            };
            run();
            let most = most_bytes(run);
            assert!(most <= room, "c + f of {memory} on {threads}: {most} bytes, not {room}");
        }
    }
}
