//! Failing allocations: the k-th large allocation of a call fails, for all k.
//!
//! Memory that grows with the arrays is allocated fallibly: outputs, temporary arrays, copies of
//! overlapping inputs, the interpreter's values, scratch and the partial results of reductions. A
//! failure is `OutOfMemory`; the arrays are unchanged, and the engine stays usable.
//!
//! Other memory comes from the standard library's collections, which abort the process if an
//! allocation fails. That is all of compiling (tree, terms, graph, plan, Cranelift; bounded by the
//! engine's limits), the caches, the text of errors, names and shapes of outputs, lists with an
//! entry for each argument, node or axis, and starting the pool's threads. None of it takes
//! [`LEAST`] bytes at once in the calls below, so failing everything from there on finds out if an
//! array-sized allocation ever joins it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use hotloop::{Arg, ArgType, Backend, DType, Engine, ErrorKind, Out, Outputs, Program};
use hotloop_testing::alone;
use hotloop_testing::generator::check::{difference, different_elements};
use hotloop_testing::generator::data::{Array, Flavour, Layout as Strides, Rng};

/// Smaller allocations never fail.
const LEAST: usize = 2048;

/// The allocator that fails one large allocation, and counts all.
struct Failing;

static COUNT: AtomicUsize = AtomicUsize::new(0);
static FAILS: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);

fn fails(size: usize) -> bool {
    let failing = FAILS.load(SeqCst);
    failing != 0 && size >= LEAST && COUNT.fetch_add(1, SeqCst) + 1 == failing
}

// SAFETY: forwards to the system's allocator, or returns null.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fails(layout.size()) {
            return std::ptr::null_mut();
        }
        LIVE.fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if fails(layout.size()) {
            return std::ptr::null_mut();
        }
        LIVE.fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Repeats some work, failing the k-th large allocation, for all k until none is left to fail;
/// returns their number. The work returns whether it was refused.
fn for_all_allocations(what: &str, mut work: impl FnMut() -> bool) -> usize {
    for k in 1.. {
        let mut met = false;
        // A thread that starts allocates once, and one that ends may free late, so the level of
        // memory may differ in some attempts; after a leak it differs in all.
        let level = (0..5).any(|_| {
            let before = LIVE.load(SeqCst);
            COUNT.store(0, SeqCst);
            FAILS.store(k, SeqCst);
            let refused = work();
            FAILS.store(0, SeqCst);
            met = COUNT.load(SeqCst) >= k;
            assert_eq!(refused, met, "{what}: allocation {k} of {}", COUNT.load(SeqCst));
            (0..50).any(|_| {
                let more = LIVE.load(SeqCst) > before;
                if more {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                !more
            })
        });
        assert!(level, "{what}: allocation {k} leaked");
        if !met {
            return k - 1;
        }
    }
    unreachable!("there are not so many")
}

/// Turns the failing allocator off, so that messages can be formatted.
fn refused<T>(what: &str, result: hotloop::Result<T>) -> Option<T> {
    FAILS.store(0, SeqCst);
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{what}: {error}");
            assert!(error.message().starts_with("cannot allocate "), "{what}: {error}");
            None
        }
    }
}

/// Engines with different allocations. With two threads, each has its own scratch.
fn engines() -> Vec<(&'static str, Engine)> {
    let builder = || Engine::builder().eager();
    vec![
        ("native", builder().threads(1).backend(Backend::Native).build()),
        ("two threads", builder().threads(2).backend(Backend::Native).build()),
        ("interpreter", builder().threads(1).backend(Backend::Interpreter).build()),
    ]
}

const TEXTS: [&str; 9] = [
    "a + 1",
    "y = sin(a) * b; y, sum(y), a > 0",
    "sum(a, axis=0), var(a, axis=-1), argmin(a)",
    "x = exp(a - max(a, axis=1, keepdims=True)); x / sum(x, axis=1, keepdims=True)",
    "sin(row**2) + cos(column**2)",
    "transpose(a)[::-1] * 2",
    "(a - mean(a, axis=0))[:, ::3] // 2",
    "t = a * b; t[1:] - t[:-1]",
    "dot(a, b), max(f32(a), axis=1)",
];

/// The inputs of the texts, also with other strides.
struct Arrays(Vec<(&'static str, Array)>);

impl Arrays {
    fn new(strided: bool) -> Arrays {
        let mut rng = Rng(7);
        let mut make = |name, dtype, shape: &[usize]| {
            let mut array = match strided {
                true => {
                    Array::strided(dtype, shape, &mut rng, Strides { odd: true, ..Strides::ANY })
                }
                false => Array::contiguous(dtype, shape, 0),
            };
            array.fill(&mut rng, Flavour::Unit);
            (name, array)
        };
        Arrays(vec![
            make("a", DType::F64, &[130, 70]),
            make("b", DType::I16, &[130, 70]),
            make("row", DType::F64, &[1, 700]),
            make("column", DType::F32, &[130, 1]),
        ])
    }

    fn args(&self) -> Vec<(&str, Arg<'_>)> {
        self.0.iter().map(|(name, array)| (*name, array.arg())).collect()
    }

    fn bytes(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(|(_, array)| array.bytes().to_vec()).collect()
    }

    fn types(&self, program: &Program) -> Vec<(&'static str, ArgType)> {
        let class = |name| if matches!(name, "a" | "b") { 0 } else { u8::from(name == "row") + 1 };
        let read = |name: &str| program.inputs().any(|i| i == name);
        let list = self.0.iter().filter(|(name, _)| read(name));
        let ty = |a: &Array, name| ArgType::array_of_shape(a.dtype, class(name)).unwrap();
        list.map(|(name, a)| (*name, ty(a, *name))).collect()
    }
}

#[track_caller]
fn same(what: &str, want: &Outputs, arrays: &[Array]) {
    for (output, array) in want.iter().zip(arrays) {
        let difference = different_elements(output.dtype(), &output.bytes(), &array.elements());
        assert_eq!(difference, None, "{what}");
    }
}

/// Arrays for outputs, filled with a byte that no output consists of.
fn targets(want: &Outputs, strided: bool) -> Vec<Array> {
    let mut rng = Rng(11);
    let make = |o: &hotloop::Output| {
        let mut array = match strided {
            true => Array::strided(o.dtype(), o.shape(), &mut rng, Strides::ANY),
            false => Array::contiguous(o.dtype(), o.shape(), 0),
        };
        array.bytes_mut().fill(0x5a);
        array
    };
    want.iter().map(make).collect()
}

fn untouched(arrays: &[Array]) -> bool {
    arrays.iter().all(|a| a.bytes().iter().all(|b| *b == 0x5a))
}

#[test]
fn f1_outputs_of_eval() {
    if !alone("f1_outputs_of_eval") {
        return;
    }
    for (name, engine) in engines() {
        for (text, strided) in TEXTS.into_iter().flat_map(|t| [(t, false), (t, true)]) {
            let what = format!("{text} on {name}, strided: {strided}");
            let arrays = Arrays::new(strided);
            let (program, before) = (engine.compile(text).unwrap(), arrays.bytes());
            let args = arrays.args();
            let want = program.eval(&args[..]).unwrap();
            let count =
                for_all_allocations(&what, || refused(&what, program.eval(&args[..])).is_none());
            let large = want.iter().filter(|o| o.bytes().len() >= LEAST).count();
            assert!(count >= large, "{what}: {count} allocations for {large} outputs");
            assert!(arrays.bytes() == before, "{what}: an argument changed");
            let again = Ok(program.eval(&args[..]).unwrap());
            assert_eq!(difference(&Ok(want), &again), None, "{what}");
        }
    }
}

#[test]
fn f1_eval_into_leaves_its_arrays() {
    if !alone("f1_eval_into_leaves_its_arrays") {
        return;
    }
    let mut met = 0;
    for (name, engine) in engines() {
        for (text, strided) in TEXTS.into_iter().flat_map(|t| [(t, false), (t, true)]) {
            let what = format!("{text} on {name}, strided: {strided}");
            let arrays = Arrays::new(strided);
            let program = engine.compile(text).unwrap();
            let args = arrays.args();
            let want = program.eval(&args[..]).unwrap();
            let mut outputs = targets(&want, strided);
            met += for_all_allocations(&what, || {
                let mut outs: Vec<Out> = outputs.iter_mut().map(Array::out).collect();
                let none = refused(&what, program.eval_into(&args[..], &mut outs)).is_none();
                drop(outs);
                assert!(!none || untouched(&outputs), "{what}: an output was written");
                none
            });
            same(&what, &want, &outputs);
        }
    }
    assert!(met > 50, "{met} allocations");
}

/// Binding a kernel may be refused. Its runs allocate nothing, except by the interpreter, whose
/// runs may be refused and repeated.
#[test]
fn f1_binding_and_running() {
    if !alone("f1_binding_and_running") {
        return;
    }
    let mut met = 0;
    for (name, engine) in engines() {
        for text in TEXTS {
            let what = format!("{text} on {name}");
            let arrays = Arrays::new(true);
            let program = engine.compile(text).unwrap();
            let args = arrays.args();
            let want = program.eval(&args[..]).unwrap();
            let kernel = program.specialize(&arrays.types(&program)).unwrap();
            let mut outputs = targets(&want, true);
            met += for_all_allocations(&what, || {
                let outs: Vec<Out> = outputs.iter_mut().map(Array::out).collect();
                refused(&what, kernel.bind(&args[..], outs)).is_none()
            });
            assert!(untouched(&outputs), "{what}");
            let outs: Vec<Out> = outputs.iter_mut().map(Array::out).collect();
            let mut bound = kernel.bind(&args[..], outs).unwrap();
            let runs = for_all_allocations(&what, || refused(&what, bound.run()).is_none());
            assert!(runs == 0 || name == "interpreter", "{what}: {runs} allocations");
            drop(bound);
            same(&what, &want, &outputs);
        }
    }
    assert!(met > 20, "{met} allocations");
}

/// An output that overlaps an input makes a copy of the input.
#[test]
fn f1_copies_of_what_is_overwritten() {
    if !alone("f1_copies_of_what_is_overwritten") {
        return;
    }
    const N: usize = 20_000;
    for (name, engine) in engines() {
        let program = engine.compile("a * 2 + a[::-1]").unwrap();
        let values: Vec<f64> = (0..=N).map(|i| i as f64 / 7.0).collect();
        let want = program.eval_as::<f64>([Arg::from(&values[..N])]).unwrap();
        let mut buffer = values.clone();
        let count = for_all_allocations(name, || {
            // An attempt that succeeds is repeated if a thread has just started.
            buffer.copy_from_slice(&values);
            let start = buffer.as_mut_ptr();
            // SAFETY: both arrays are inside the buffer, which is not accessed meanwhile.
            let (arg, out) = unsafe {
                let out = Out::raw(start.add(1).cast(), &[N], &[8], DType::F64);
                (Arg::raw(start.cast(), &[N], &[8], DType::F64), out)
            };
            let none = refused(name, program.eval_into([arg], &mut [out])).is_none();
            assert!(!none || buffer == values, "{name}: the buffer was written");
            none
        });
        assert!(count > 0, "{name}: nothing was copied");
        assert!(buffer[1..] == *want.as_slice().unwrap(), "{name}");
    }
}
