//! Arrays outside memory: the same bits as in memory, bounded memory, and failures.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hotloop::io::{FileArray, Sink, Source};
use hotloop::{Arg, Backend, CancelToken, DType, Engine, Error, ErrorKind, Out, RunOptions, npy};
use hotloop_testing::generator::check::different_elements;
use hotloop_testing::generator::data::{Array, Flavour, Rng};
use hotloop_testing::generator::store::Stored;

/// Programs of `x` and `y`, matrices of the same shape, and `r`, a row.
const PROGRAMS: [&str; 29] = [
    "x + y",
    "sqrt(abs(x)) * r",
    "sum(x)",
    "sum(x * y), max(x), argmin(y)",
    "mean(x, axis=0)",
    "sum(x, axis=1)",
    "std(x * r, axis=0), var(y, axis=1)",
    "(x - mean(x)) / std(x)",
    "(x - mean(x, axis=0)) / std(x, axis=0)",
    "x - max(x, axis=1, keepdims=True)",
    "e = exp(x - max(x, axis=1, keepdims=True)); e / sum(e, axis=1, keepdims=True)",
    "x[1:] - x[:-1]",
    "x[:, 1:] * y[:, :-1]",
    "x[::-1, ::-1] + y",
    "x[::3, 2::5]",
    "x[:, 3] + y[:, 0]",
    "transpose(x) + transpose(y) * 2",
    "sum(transpose(x) * 2, axis=0)",
    "s = sum(x, axis=1); s, s * 2, x + s[:, None]",
    "sin(r) + x",
    "a = sin(r); x + a, a",
    "any(x > 3), all(y == y), count_nonzero(x > y)",
    "where(x > y, x, r), i32(y)",
    "prod(x, axis=0) + sum(y)",
    "cumsum(x, axis=0), cumsum(x, axis=1)",
    "s = cumsum(x * y); s, s / sum(x), max(s, axis=1)",
    "cummax(transpose(x)) - transpose(x), cummin(y, axis=0)",
    "rolling_corr(x, y, 5), ewm_mean(x, span=4, axis=0), shift(y, 3) + diff(x, axis=0)",
    "rank(x, axis=0), median(x, axis=1), y - quantile(y, 0.3, axis=0), median(x * y)",
];

/// Programs of `x` only, of any shape.
const FLAT: [&str; 8] = [
    "x * 2",
    "sum(x)",
    "x[1:] + x[:-1]",
    "x / sum(x)",
    "x[::-2], x[0], max(x)",
    "cumsum(x), cumsum(x, axis=0) + 1",
    "rolling_mean(x, 7, 1), rolling_std(x, 3, axis=0), shift(x, -2)",
    "rank(x), median(x), x - median(x, axis=0)",
];

fn engine(threads: usize) -> Engine {
    Engine::builder().backend(Backend::Native).threads(threads).eager().build()
}

fn array(dtype: DType, shape: &[usize], rng: &mut Rng) -> Array {
    let mut array = Array::contiguous(dtype, shape, 0);
    array.fill(rng, Flavour::Unit);
    array
}

/// Runs a program from sources into sinks, and compares it with a run in memory.
fn compare(engine: &Engine, text: &str, inputs: &[(&str, Array)], memory: usize, rng: &mut Rng) {
    let program = engine.compile(text).unwrap();
    let args: Vec<(&str, Arg)> = inputs.iter().map(|(name, a)| (*name, a.arg())).collect();
    let expected = program.eval(&args[..]).unwrap();
    let sources: Vec<(&str, Arc<Stored>)> =
        inputs.iter().map(|(name, a)| (*name, Arc::new(Stored::source(a, rng)))).collect();
    let args: Vec<(&str, Arg)> = sources.iter().map(|(n, s)| (*n, Arg::source(s))).collect();
    let program = program.with(RunOptions::new().memory(memory));
    let seed = rng.0;
    let about = |i: usize| {
        let shapes: Vec<_> = inputs.iter().map(|(_, a)| &a.shape).collect();
        format!("{text:?} of {shapes:?}, {memory} bytes, seed {seed:#x}, output {i}")
    };
    // Into memory, and into sinks.
    let fresh = program.eval(&args[..]).unwrap();
    let sinks = expected.iter();
    let sinks = sinks.map(|o| Arc::new(Stored::any_sink(o.dtype(), o.shape(), rng)));
    let sinks: Vec<Arc<Stored>> = sinks.collect();
    let mut outs: Vec<Out> = sinks.iter().map(Out::sink).collect();
    program.eval_into(&args[..], &mut outs).unwrap();
    for (i, ((expected, fresh), sink)) in expected.iter().zip(fresh.iter()).zip(&sinks).enumerate()
    {
        let content = sink.content().unwrap_or_else(|e| panic!("{}: {e}", about(i)));
        for got in [&content[..], &fresh.bytes()] {
            if let Some(difference) = different_elements(expected.dtype(), &expected.bytes(), got) {
                panic!("{} {difference}", about(i));
            }
        }
    }
}

#[test]
fn the_same_bits_whatever_the_memory() {
    let shapes: [[usize; 2]; 5] = [[151, 103], [9001, 3], [5, 4111], [1, 9000], [4100, 1]];
    for (i, shape) in shapes.iter().enumerate() {
        let mut rng = Rng(i as u64);
        let dtypes = [DType::F64, DType::F32, DType::I16];
        let inputs = [
            ("x", array(dtypes[i % 2], shape, &mut rng)),
            ("y", array(dtypes[i % 3], shape, &mut rng)),
            ("r", array(DType::F64, &shape[1..], &mut rng)),
        ];
        for (p, text) in PROGRAMS.iter().enumerate() {
            let memory = [0, 1 << 16, 1 << 20, 1 << 30][(i + p) % 4];
            if text.contains("x[:, 3]") && shape[1] < 4 {
                continue;
            }
            compare(&engine(1 + p % 2), text, &inputs, memory, &mut rng);
        }
    }
}

#[test]
fn one_axis_and_four() {
    let shapes: [&[usize]; 4] = [&[50_007], &[7, 5, 3, 101], &[2, 1, 5000, 2], &[0, 3]];
    for (i, shape) in shapes.into_iter().enumerate() {
        let mut rng = Rng(i as u64);
        let x = array(DType::F64, shape, &mut rng);
        for (p, text) in FLAT.iter().enumerate() {
            if shape.contains(&0) && text.contains("max") {
                continue;
            }
            for memory in [0, 1 << 30] {
                compare(&engine(1 + p % 2), text, &[("x", x.clone())], memory, &mut rng);
            }
        }
    }
}

/// Arrays too large to be read as one span, in combinations of orders.
#[test]
fn the_same_bits_of_large_arrays_of_both_orders() {
    const TEXTS: [&str; 12] = [
        "sum(x)",
        "sum(x[::-1]), argmax(x[:, ::-1])",
        "sum(x[1:, ::3] + 1)",
        "sum(x[:-1, 1:] * y[1:, :-1])",
        "sum(transpose(x) + 1)",
        "x + y, x - y, x * 2, y",
        "x[::-1] - sum(y[:, ::2])",
        "x[:, ::-1] * 2",
        "sum(x * y, axis=0)",
        "sum(x * y, axis=1), max(x - y, axis=0)",
        "sum(x + y, axis=-1)",
        "(x - mean(x)) / (1 + std(y))",
    ];
    let shapes: [&[usize]; 4] = [&[300, 700], &[30, 40, 150], &[3, 40_000], &[90_000, 3]];
    for (i, shape) in shapes.into_iter().enumerate() {
        let mut rng = Rng(17 + i as u64);
        let dtypes = [DType::I16, DType::F32, DType::I8, DType::F64];
        let x = array(dtypes[i], shape, &mut rng);
        let y = array(dtypes[(i + 1) % 4], shape, &mut rng);
        for (p, text) in TEXTS.iter().enumerate() {
            let inputs = [("x", x.clone()), ("y", y.clone())];
            let memory = [0, 1 << 22, 1 << 30][(i + p) % 3];
            compare(&engine(1 + p % 2), text, &inputs, memory, &mut rng);
        }
    }
}

/// A store that fails from the k-th transfer on.
struct Failing {
    inner: Stored,
    left: Arc<AtomicUsize>,
}

impl Failing {
    fn count(&self) -> io::Result<()> {
        let less = |n: usize| n.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::other("the cable is cut")),
        }
    }
}

impl Source for Failing {
    fn dtype(&self) -> DType {
        Source::dtype(&self.inner)
    }

    fn shape(&self) -> &[usize] {
        Source::shape(&self.inner)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.count()?;
        let mut turned = bytes.to_vec();
        self.inner.read_at(offset, &mut turned)?;
        bytes.copy_from_slice(&turned);
        Ok(())
    }
}

impl Sink for Failing {
    fn dtype(&self) -> DType {
        Sink::dtype(&self.inner)
    }

    fn shape(&self) -> &[usize] {
        Sink::shape(&self.inner)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.count()?;
        self.inner.write_at(offset, bytes)
    }
}

#[test]
fn h4_the_kth_transfer_fails_for_all_k() {
    let mut rng = Rng(5);
    let x = array(DType::F64, &[40_000], &mut rng);
    for text in ["x * 2", "sum(x)", "x / sum(x)", "x[1:] - x[:-1]"] {
        let engine = engine(2);
        let program = engine.compile(text).unwrap().with(RunOptions::new().memory(0));
        let expected = program.eval([("x", x.arg())]).unwrap();
        let mut k = 0;
        loop {
            let left = Arc::new(AtomicUsize::new(k));
            // The order of the source is read once, before the first transfer.
            let plain = Stored::native(&x);
            let source = Arc::new(Failing { inner: plain, left: left.clone() });
            let output = &expected[0];
            let inner = Stored::sink(output.dtype(), output.shape());
            let sink = Arc::new(Failing { inner, left });
            let ran = program.eval_into([("x", Arg::source(&source))], &mut [Out::sink(&sink)]);
            match ran {
                Ok(_) => {
                    let content = sink.inner.content().unwrap();
                    assert_eq!(content, &*output.bytes(), "{text}");
                    break;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
                    let (input, output) = ("the input 'x' cannot be read", "output 0 cannot be");
                    let named = error.message().contains(input) || error.message().contains(output);
                    assert!(named && error.message().ends_with("the cable is cut"), "{error}");
                }
            }
            k += 1;
            assert!(k < 1000, "{text} never runs");
        }
        assert!(k >= 10, "{text} took {k} transfers");
    }
}

/// Sequences along the first axis of a table of few columns are transferred with their neighbours.
#[test]
fn sequences_of_narrow_tables_are_transferred_together() {
    let mut rng = Rng(6);
    let x = array(DType::F64, &[60_000, 3], &mut rng);
    for text in [
        "cumsum(x, axis=0)",
        "rolling_mean(x, 500, axis=0) + x",
        "s = ewm_mean(x, span=9, axis=0); s - shift(s, 2, axis=0)",
        "rank(x, axis=0) / 2",
    ] {
        for memory in [0, 1 << 20, 1 << 30] {
            let program = engine(2).compile(text).unwrap().with(RunOptions::new().memory(memory));
            let expected = program.eval([("x", x.arg())]).unwrap();
            let left = Arc::new(AtomicUsize::new(usize::MAX));
            let source = Arc::new(Failing { inner: Stored::native(&x), left: left.clone() });
            let inner = Stored::sink(DType::F64, expected[0].shape());
            let sink = Arc::new(Failing { inner, left: left.clone() });
            program.eval_into([("x", Arg::source(&source))], &mut [Out::sink(&sink)]).unwrap();
            let content = sink.inner.content().unwrap();
            assert!(content == *expected[0].bytes(), "{text} in {memory} bytes");
            let transfers = usize::MAX - left.load(Ordering::SeqCst);
            assert!(transfers < 1000, "{text} in {memory} bytes takes {transfers} transfers");
        }
    }
}

#[test]
fn what_is_kept_beyond_memory_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut rng = Rng(9);
    let x = array(DType::F64, &[30_000, 3], &mut rng);
    let text = "s = sum(x, axis=1); s, x + sin(s)[:, None]";
    let engine = engine(2);
    let expected = engine.compile(text).unwrap().eval([("x", x.arg())]).unwrap();
    let options = RunOptions::new().memory(0).temp_directory(directory.path());
    let program = engine.compile(text).unwrap().with(options);
    let source = Arc::new(Stored::source(&x, &mut rng));
    let got = program.eval([("x", Arg::source(&source))]).unwrap();
    for i in 0..2 {
        assert_eq!(got[i].bytes(), expected[i].bytes());
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);

    let options = RunOptions::new().memory(0).temp_directory("/nowhere/at/all");
    let program = engine.compile(text).unwrap().with(options);
    let error = program.eval([("x", Arg::source(&source))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("no temporary file in \"/nowhere/at/all\""), "{error}");
}

#[test]
fn h3_a_file_that_is_cut_while_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let n = 100_000;
    let header = npy::Header::new(DType::F64, &[n]).to_bytes();
    let data = vec![0u8; 8 * n];
    std::fs::write(&path, [&header[..], &data].concat()).unwrap();
    let x = Arc::new(npy::open(&path).unwrap());
    let program = engine(2).compile("sum(x)").unwrap();
    assert_eq!(program.eval_as::<f64>([("x", Arg::source(&x))]).unwrap()[[]], 0.0);
    File::options().write(true).open(&path).unwrap().set_len(5000).unwrap();
    let error = program.eval([("x", Arg::source(&x))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let short = format!("the input 'x' cannot be read: {path:?}: the file is shorter than it was");
    assert_eq!(error.message(), short);
    let error = npy::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Format);
}

/// A source without end.
struct Endless;

impl Source for Endless {
    fn dtype(&self) -> DType {
        DType::F64
    }

    fn shape(&self) -> &[usize] {
        &[1 << 42]
    }

    fn read_at(&self, _: u64, bytes: &mut [u8]) -> io::Result<()> {
        bytes.fill(0);
        Ok(())
    }
}

#[test]
fn f15_an_endless_source_can_be_cancelled() {
    let token = CancelToken::new();
    let program = engine(2).compile("sum(x), max(x)").unwrap();
    let program = program.with(RunOptions::new().cancel(&token));
    let thread = std::thread::spawn(move || program.eval([("x", Arg::source(&Arc::new(Endless)))]));
    std::thread::sleep(Duration::from_millis(50));
    let before = std::time::Instant::now();
    token.cancel();
    let error = thread.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(before.elapsed() < Duration::from_secs(5));
}

struct Panicking;

impl Source for Panicking {
    fn dtype(&self) -> DType {
        DType::F64
    }

    fn shape(&self) -> &[usize] {
        &[1 << 20]
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        panic!("a source of the host's")
    }
}

#[test]
fn f16_a_source_that_panics_is_the_callers_panic() {
    let engine = engine(2);
    let program = engine.compile("sum(x)").unwrap();
    for _ in 0..3 {
        let source = Arc::new(Panicking);
        let run = || program.eval([("x", Arg::source(&source))]).map(|_| ());
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
        assert_eq!(program.eval_as::<f64>(("x", &[1.0, 2.0])).unwrap()[[]], 3.0);
    }
}

/// A source that panics at the fourth read, and counts reads.
#[derive(Default)]
struct PanicsOnce(AtomicUsize);

impl Source for PanicsOnce {
    fn dtype(&self) -> DType {
        DType::F64
    }

    fn shape(&self) -> &[usize] {
        &[1 << 36]
    }

    fn read_at(&self, _: u64, bytes: &mut [u8]) -> io::Result<()> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) != 3, "the fourth read");
        bytes.fill(0);
        Ok(())
    }
}

#[test]
fn f16_a_panic_of_one_thread_stops_the_others() {
    let engine = engine(2);
    let source = Arc::new(PanicsOnce::default());
    let program = engine.compile("sum(x)").unwrap();
    let run = || program.eval([("x", Arg::source(&source))]).map(|_| ());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    let reads = source.0.load(Ordering::SeqCst);
    assert!((4..50_000).contains(&reads), "{reads} reads of 524,288");
}

#[test]
fn d7_one_sink_for_two_arrays() {
    let alias = |text: &str, arg: Arg, outs: &mut [Out]| {
        let program = engine(2).compile(text).unwrap();
        let error = program.eval_into([("x", arg)], outs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Alias, "{error}");
        error.message().to_string()
    };
    let x = [1.0, 2.0, 3.0];
    let y = Arc::new(Stored::sink(DType::F64, &[3]));
    let outs = &mut [Out::sink(&y), Out::sink(&y)];
    assert_eq!(alias("x * 2, -x", (&x).into(), outs), "output 1 and output 0 share a sink");
    let file = FileArray::temporary(&std::env::temp_dir(), DType::F64, &[3]).unwrap();
    let file = Arc::new(file);
    let said = alias("r = x[::-1]", Arg::source(&file), &mut [Out::sink(&file)]);
    assert_eq!(said, "the output 'r' is written to where the input 'x' is read from");
}

#[test]
fn a_file_is_read_as_it_is_written() {
    let grid: Vec<f64> = (0..12).map(f64::from).collect();
    let x = ndarray::ArrayView2::from_shape((4, 3), &grid).unwrap();
    let program = engine(1).compile("s = sum(x, axis=0); s * 2, x + s").unwrap();
    for (fortran_order, swapped) in [(false, true), (true, false), (true, true)] {
        let file = |shape: &[usize]| {
            let file = FileArray::temporary(&std::env::temp_dir(), DType::F64, shape).unwrap();
            Arc::new(file.with_fortran_order(fortran_order).with_byte_swapped(swapped))
        };
        let (s, y) = (file(&[3]), file(&[4, 3]));
        program.eval_into(("x", x), &mut [Out::sink(&s), Out::sink(&y)]).unwrap();
        let sums = engine(1).compile("y - s / 2, s").unwrap();
        let outputs = sums.eval([("y", Arg::source(&y)), ("s", Arg::source(&s))]).unwrap();
        assert_eq!(outputs[0].view::<f64>().unwrap(), x.into_dyn(), "{fortran_order} {swapped}");
        assert_eq!(outputs[1].view::<f64>().unwrap().as_slice().unwrap(), [36.0, 44.0, 52.0]);
    }
}

/// A full disk is detected before the run, not at its end.
#[cfg(target_os = "linux")]
#[test]
fn h4_a_file_has_its_room_from_the_start() {
    use std::os::unix::fs::MetadataExt;
    const N: usize = 300_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("y.npy");
    let y = npy::create(File::create_new(&path).unwrap(), DType::F64, &[N])
        .unwrap()
        .with_early_writeback(true);
    let metadata = y.file().metadata().unwrap();
    assert_eq!(metadata.len(), 128 + 8 * N as u64);
    match metadata.blocks() * 512 {
        0..8192 => eprintln!("the room is not checked: this file system takes none beforehand"),
        room => assert!(room >= metadata.len(), "{room} of {} bytes", metadata.len()),
    }
    // Chunks of a mebibyte, whose writeback starts before the end, and a rest.
    let x: Vec<f64> = (0..N).map(|i| i as f64).collect();
    let y = Arc::new(y);
    engine(2)
        .compile("x + 1")
        .unwrap()
        .eval_into([Arg::from(&x[..])], &mut [Out::sink(&y)])
        .unwrap();
    y.file().sync_all().unwrap();
    let want: Vec<u8> = x.iter().flat_map(|x| (x + 1.0).to_le_bytes()).collect();
    assert!(std::fs::read(path).unwrap()[128..] == want, "other bytes");
}

/// A source whose number changes at each read.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Source for Counter {
    fn dtype(&self) -> DType {
        DType::I64
    }

    fn shape(&self) -> &[usize] {
        &[]
    }

    fn read_at(&self, _: u64, bytes: &mut [u8]) -> io::Result<()> {
        let n = 1 + self.0.fetch_add(1, Ordering::SeqCst) as i64;
        bytes.copy_from_slice(&n.to_le_bytes());
        Ok(())
    }
}

#[test]
fn a_single_number_is_read_at_each_run() {
    for backend in [Backend::Native, Backend::Portable] {
        let engine = Engine::builder().backend(backend).eager().build();
        let program = engine.compile("x * k").unwrap();
        let (x, k, mut y) = ([2i64, 3], Arc::new(Counter::default()), [0i64; 2]);
        let args = || [("x", Arg::from(&x)), ("k", Arg::source(&k))];
        assert_eq!(&*program.eval_shape(args()).unwrap()[0].shape, [2]);
        assert_eq!(k.0.load(Ordering::SeqCst), 0, "a shape was asked for, and no element");
        let types = [
            ("x", hotloop::ArgType::array(DType::I64)),
            ("k", hotloop::ArgType::scalar(DType::I64)),
        ];
        let kernel = program.specialize(&types).unwrap();
        {
            let mut bound = kernel.bind(args(), [&mut y[..]]).unwrap();
            (0..3).for_each(|_| drop(bound.run().unwrap()));
        }
        assert_eq!((y, k.0.load(Ordering::SeqCst)), ([6, 9], 3), "{backend:?}");
    }
}

#[test]
fn what_does_not_fit_is_said_before_anything_is_read() {
    let wrong = |outcome: hotloop::Result<hotloop::Report>, kind, text: &str| {
        let error: Error = outcome.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(text), "{error}");
    };
    let source = Arc::new(Panicking);
    let program = engine(1).compile("x + 1").unwrap();
    let args = || [("x", Arg::source(&source))];
    let sink = |dtype, n| Arc::new(Stored::sink(dtype, &[n]));
    let small = sink(DType::F64, 5);
    wrong(program.eval_into(args(), &mut [Out::sink(&small)]), ErrorKind::Shape, "output 0");
    let narrow = sink(DType::F32, 1 << 20);
    wrong(program.eval_into(args(), &mut [Out::sink(&narrow)]), ErrorKind::Type, "is f64");
    let place = Out::inout("x", Out::sink(&narrow));
    wrong(program.eval_into((), &mut [place]), ErrorKind::Layout, "'x' can be computed in place");
    struct Vast;
    impl Source for Vast {
        fn dtype(&self) -> DType {
            DType::F64
        }
        fn shape(&self) -> &[usize] {
            &[1 << 40, 1 << 40]
        }
        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
            Ok(())
        }
    }
    let vast = program.eval([("x", Arg::source(&Arc::new(Vast)))]).map(|o| o.report().clone());
    wrong(vast, ErrorKind::Layout, "beyond the address space");
}

#[test]
fn single_numbers_come_and_go_too() {
    let mut one = Array::contiguous(DType::I32, &[], 0);
    one.set(&[41]);
    let source = Arc::new(Stored::native(&one));
    let sink = Arc::new(Stored::sink(DType::I32, &[]));
    let program = engine(1).compile("k + 1").unwrap();
    program.eval_into([("k", Arg::source(&source))], &mut [Out::sink(&sink)]).unwrap();
    assert_eq!(sink.content().unwrap(), 42i32.to_le_bytes());
    // Any byte but 0 is true.
    let mut truth = Array::contiguous(DType::Bool, &[], 0);
    truth.set(&[8]);
    for backend in [Backend::Native, Backend::Portable] {
        let engine = Engine::builder().backend(backend).build();
        let (source, sink) =
            (Arc::new(Stored::native(&truth)), Arc::new(Stored::sink(DType::Bool, &[])));
        let program = engine.compile("k").unwrap();
        program.eval_into([("k", Arg::source(&source))], &mut [Out::sink(&sink)]).unwrap();
        assert_eq!(sink.content().unwrap(), [1], "{backend:?}");
    }
}

/// A kernel over stores is bound once and runs many times, like others.
#[test]
fn bound_once_and_run_often() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let options = File::options().read(true).write(true).create(true).truncate(true).clone();
        options.open(directory.path().join(name)).unwrap()
    };
    let x = Arc::new(FileArray::new(file("x"), 16, DType::F64, &[50_000]));
    let y = Arc::new(npy::create(file("y.npy"), DType::F64, &[50_000]).unwrap());
    let kernel = engine(2).compile("x * 2").unwrap();
    let kernel = kernel.specialize(&[("x", hotloop::ArgType::array(DType::F64))]).unwrap();
    let mut bound = kernel.bind([("x", Arg::source(&x))], [Out::sink(&y)]).unwrap();
    for turn in 0..3 {
        let value = f64::from(turn);
        x.write_at(0, &value.to_le_bytes().repeat(50_000)).unwrap();
        bound.run().unwrap();
        let mut got = vec![0; 8 * 50_000];
        y.read_at(0, &mut got).unwrap();
        assert_eq!(got, (2.0 * value).to_le_bytes().repeat(50_000));
    }
}
