//! Arrays next to protected pages: an access beyond an array ends the test run with a fault, whose
//! handler prints the case.
//!
//! Sanitizers do not check native code, but memory protection does.

#![cfg(target_os = "linux")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use hotloop::threads::Isa;
use hotloop::{Arg, Backend, DType, Engine, Out};
use hotloop_testing::generator::check::different_elements;
use hotloop_testing::generator::data::{Flavour, Rng, element};

const PAGE: usize = 4096;

/// An accessible page between two protected ones.
struct Guarded {
    base: *mut u8,
}

impl Guarded {
    fn new() -> Guarded {
        // SAFETY: a new anonymous mapping, whose middle page is then made accessible.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(std::ptr::null_mut(), 3 * PAGE, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            let base = base.cast::<u8>();
            let open = libc::PROT_READ | libc::PROT_WRITE;
            assert_eq!(libc::mprotect(base.add(PAGE).cast(), PAGE, open), 0);
            Guarded { base }
        }
    }

    fn page(&mut self) -> &mut [u8] {
        // SAFETY: the middle page is readable and writable.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(PAGE), PAGE) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping, and no borrow of it is left.
        unsafe { libc::munmap(self.base.cast(), 3 * PAGE) };
    }
}

/// The offset of an array of this size in its page.
#[derive(Clone, Copy, Debug)]
enum Place {
    Start(usize),
    End(usize),
}

impl Place {
    fn offset(self, bytes: usize) -> usize {
        match self {
            Place::Start(gap) => gap,
            Place::End(gap) => PAGE - bytes - gap,
        }
    }
}

/// The current case, for the fault handler.
static CASE: Mutex<String> = Mutex::new(String::new());
static CASE_AT: AtomicUsize = AtomicUsize::new(0);
static CASE_LEN: AtomicUsize = AtomicUsize::new(0);

fn running(case: String) {
    let mut kept = CASE.lock().unwrap_or_else(PoisonError::into_inner);
    *kept = case;
    CASE_AT.store(kept.as_ptr() as usize, Ordering::SeqCst);
    CASE_LEN.store(kept.len(), Ordering::SeqCst);
}

extern "C" fn fault(signal: libc::c_int) {
    let (at, len) = (CASE_AT.load(Ordering::SeqCst), CASE_LEN.load(Ordering::SeqCst));
    let before = "\nmemory outside an array was touched by\n";
    // SAFETY: only async-signal-safe calls; the text is the last one stored.
    unsafe {
        libc::write(2, before.as_ptr().cast(), before.len());
        libc::write(2, at as *const libc::c_void, len);
        libc::write(2, "\n".as_ptr().cast(), 1);
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

fn catch_faults() {
    static ONCE: Once = Once::new();
    // SAFETY: the handler only makes async-signal-safe calls.
    ONCE.call_once(|| unsafe {
        libc::signal(libc::SIGSEGV, fault as extern "C" fn(libc::c_int) as libc::sighandler_t);
    });
}

/// A program, the dtypes of its inputs, and the dtype of its output.
struct Subject {
    text: &'static str,
    inputs: &'static [(&'static str, DType)],
    output: DType,
    /// Whether it is a reduction, whose output is one element.
    scalar: bool,
}

const fn subject(
    text: &'static str,
    inputs: &'static [(&'static str, DType)],
    output: DType,
) -> Subject {
    Subject { text, inputs, output, scalar: false }
}

use DType::{Bool, F32, F64, I8, I16, I32, I64, U8, U16, U32};

const SUBJECTS: [Subject; 21] = [
    subject("a + b ^ a", &[("a", U8), ("b", U8)], U8),
    subject("maximum(a, b) * a - b", &[("a", F64), ("b", F64)], F64),
    subject("a * b + a", &[("a", F32), ("b", F64)], F64),
    subject("where(c, a, b) + 1", &[("c", Bool), ("a", F32), ("b", F32)], F32),
    subject("where(a < b and c, a, 7)", &[("a", I16), ("b", I16), ("c", Bool)], I16),
    subject("sin(a) + b", &[("a", F64), ("b", U8)], F64),
    subject("exp(a) * tanh(a)", &[("a", F32)], F32),
    subject("0.5 < a <= b", &[("a", F64), ("b", F32)], Bool),
    subject("a != b", &[("a", U8), ("b", U8)], Bool),
    subject("a < b", &[("a", F32), ("b", F32)], Bool),
    subject("i8(a)", &[("a", F64)], I8),
    subject("f64(a)", &[("a", I8)], F64),
    subject("a * b + c", &[("a", I8), ("b", F32), ("c", F64)], F64),
    subject("u8(0.5 * f32(a) + f32(b))", &[("a", U8), ("b", I16)], U8),
    subject("a // b + a % b", &[("a", I32), ("b", I32)], I32),
    subject("a // b", &[("a", F64), ("b", F64)], F64),
    subject("(a << b) | u32(a)", &[("a", U32), ("b", U32)], U32),
    Subject { scalar: true, ..subject("sum(a * b)", &[("a", F64), ("b", F64)], F64) },
    Subject { scalar: true, ..subject("sum(a * b)", &[("a", I16), ("b", F64)], F64) },
    Subject { scalar: true, ..subject("max(a) + min(b)", &[("a", I64), ("b", U16)], I64) },
    Subject { scalar: true, ..subject("any(a > 250) and not all(a)", &[("a", U8)], Bool) },
];

/// Runs programs with each array in a page of its own, and compares with the interpreter in
/// ordinary memory.
struct Bench {
    /// Runs one test at a time, so that the fault handler prints the right case.
    _alone: MutexGuard<'static, ()>,
    oracle: Engine,
    natives: Vec<(Isa, Engine)>,
    pages: Vec<Guarded>,
}

impl Bench {
    fn new() -> Bench {
        static ALONE: Mutex<()> = Mutex::new(());
        catch_faults();
        let native = |isa| Engine::builder().backend(Backend::Native).isa(isa).threads(1).build();
        Bench {
            _alone: ALONE.lock().unwrap_or_else(PoisonError::into_inner),
            oracle: Engine::builder().backend(Backend::Interpreter).build(),
            natives: Isa::available().map(|isa| (isa, native(isa))).collect(),
            pages: (0..4).map(|_| Guarded::new()).collect(),
        }
    }

    /// `places` are the offsets of the inputs and of the output, in this order; `steps` are the
    /// strides in elements.
    fn run(&mut self, subject: &Subject, n: usize, places: [Place; 4], step: isize) {
        let count = subject.inputs.len();
        let width = step.unsigned_abs();
        let reach =
            |len: usize, size: usize| if len == 0 { 0 } else { ((len - 1) * width + 1) * size };
        let mut rng = Rng(n as u64);
        let mut shape = vec![n];
        let data: Vec<Vec<u8>> = subject
            .inputs
            .iter()
            .map(|(_, dtype)| {
                // With special values, most sums would be NaN.
                let flavour = if subject.scalar { Flavour::Unit } else { Flavour::Spiced };
                let mut bits = || element(*dtype, &mut rng, flavour).to_le_bytes();
                (0..n).flat_map(|_| bits()[..dtype.size()].to_vec()).collect()
            })
            .collect();
        let ordinary: Vec<(&str, Arg)> = subject
            .inputs
            .iter()
            .zip(&data)
            .map(|((name, dtype), bytes)| {
                // SAFETY: the bytes are n elements and outlive the argument.
                (*name, unsafe { Arg::raw(bytes.as_ptr(), &[n], &[dtype.size() as isize], *dtype) })
            })
            .collect();
        let expected = self.oracle.compile(subject.text).and_then(|p| p.eval(&ordinary[..]));
        let Ok(expected) = expected else {
            assert!(n == 0 && subject.scalar, "{}: {expected:?}", subject.text);
            return;
        };
        assert_eq!(expected[0].dtype(), subject.output, "{}", subject.text);

        for (isa, engine) in &self.natives {
            let mut args = Vec::new();
            for (i, ((name, dtype), bytes)) in subject.inputs.iter().zip(&data).enumerate() {
                let size = dtype.size();
                let start = places[i].offset(reach(n, size));
                let page = self.pages[i].page();
                let first =
                    if step < 0 { start + reach(n, size).saturating_sub(size) } else { start };
                for (k, element) in bytes.chunks_exact(size).enumerate() {
                    let at = first.strict_add_signed(step * (k * size) as isize);
                    page[at..at + size].copy_from_slice(element);
                }
                let stride = step * size as isize;
                // SAFETY: the elements lie in the page, which is not moved.
                let arg = unsafe { Arg::raw(page.as_ptr().add(first), &[n], &[stride], *dtype) };
                args.push((*name, arg));
            }
            running(format!(
                "{} with n = {n}, {places:?}, step {step}, {}",
                subject.text,
                isa.name()
            ));
            let size = subject.output.size();
            let len = if subject.scalar { 1 } else { n };
            let start = places[count].offset(len * size);
            let page = self.pages[count].page();
            page.fill(0xa5);
            if subject.scalar {
                shape.clear();
            }
            let strides: &[isize] = if subject.scalar { &[] } else { &[size as isize] };
            // SAFETY: as for the inputs; nothing else borrows this page.
            let out =
                unsafe { Out::raw(page.as_mut_ptr().add(start), &shape, strides, subject.output) };
            let report =
                engine.compile(subject.text).and_then(|p| p.eval_into(&args[..], &mut [out]));
            let context =
                || format!("{} n = {n}, {places:?}, step {step}, {}", subject.text, isa.name());
            assert!(report.unwrap_or_else(|e| panic!("{}: {e}", context())).native);
            let page = self.pages[count].page();
            let got = &page[start..start + len * size];
            if let Some(difference) = different_elements(subject.output, &expected[0].bytes(), got)
            {
                panic!("{} {difference}", context());
            }
            let untouched =
                page[..start].iter().chain(&page[start + len * size..]).all(|b| *b == 0xa5);
            assert!(untouched, "{}: bytes beside the output were written", context());
        }
    }
}

/// The maximum lengths: more than four vectors of the narrowest dtype, and of `f64`.
fn longest(subject: &Subject) -> usize {
    let narrowest =
        subject.inputs.iter().map(|(_, d)| d.size()).min().unwrap_or(1).min(subject.output.size());
    if narrowest == 1 { 4 * 64 + 1 } else { 4 * 16 + 3 }
}

#[test]
fn d13_every_length_flush_against_both_ends() {
    let mut bench = Bench::new();
    for subject in &SUBJECTS {
        for n in 0..=longest(subject) {
            bench.run(subject, n, [Place::End(0); 4], 1);
            bench.run(subject, n, [Place::Start(0); 4], 1);
        }
    }
}

#[test]
fn d13_every_offset() {
    let mut bench = Bench::new();
    for subject in &SUBJECTS {
        for n in [1, 63, 64, 65, 128, 200] {
            for gap in 0..64 {
                // Different offsets of inputs and output, so that no alignment is common to all.
                let next = |k: usize| (gap + k * 7) % 64;
                let start = [next(0), next(1), next(2), next(3)].map(Place::Start);
                bench.run(subject, n, start, 1);
                if gap % 8 == 1 {
                    bench.run(subject, n, [next(0), next(1), next(2), next(3)].map(Place::End), 1);
                }
            }
        }
    }
}

#[test]
fn d13_strided_inputs_flush_against_both_ends() {
    let mut bench = Bench::new();
    for subject in &SUBJECTS {
        for n in [0, 1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 97, 128] {
            for step in [-1, 2, -2, 3, -3, 4, -4] {
                bench.run(subject, n, [Place::End(0); 4], step);
                bench.run(subject, n, [Place::Start(0); 4], step);
            }
        }
    }
}

// Grids: reductions along axes, views, and panels of transposed arrays.

/// A grid between two protected pages.
struct Fenced {
    base: *mut u8,
    pages: usize,
}

impl Fenced {
    fn new(bytes: usize) -> Fenced {
        let pages = bytes.div_ceil(PAGE).max(1);
        // SAFETY: a new anonymous mapping, all pages of which but the outer two are then made
        // accessible.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let len = (pages + 2) * PAGE;
            let base = libc::mmap(std::ptr::null_mut(), len, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            let base = base.cast::<u8>();
            let open = libc::PROT_READ | libc::PROT_WRITE;
            assert_eq!(libc::mprotect(base.add(PAGE).cast(), pages * PAGE, open), 0);
            Fenced { base, pages }
        }
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the inner pages are readable and writable.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(PAGE), self.pages * PAGE) }
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping, and no borrow of it is left.
        unsafe { libc::munmap(self.base.cast(), (self.pages + 2) * PAGE) };
    }
}

/// The placement of a grid in its pages.
#[derive(Clone, Copy, Debug)]
struct Lying {
    /// Fortran order instead of C order.
    fortran: bool,
    /// Next to the protected page after it instead of the one before.
    end: bool,
    /// Reversed, from the last element to the first.
    backwards: bool,
}

impl Lying {
    const ALL: [Lying; 8] = {
        let mut all = [Lying { fortran: false, end: false, backwards: false }; 8];
        let mut i = 0;
        while i < 8 {
            all[i] = Lying { fortran: i & 1 != 0, end: i & 2 != 0, backwards: i & 4 != 0 };
            i += 1;
        }
        all
    };

    fn strides(self, shape: &[usize], size: usize) -> Vec<isize> {
        let mut strides = vec![0; shape.len()];
        let mut step = size as isize;
        for k in 0..shape.len() {
            let axis = if self.fortran { k } else { shape.len() - 1 - k };
            strides[axis] = if self.backwards { -step } else { step };
            step *= shape[axis] as isize;
        }
        strides
    }

    /// The offset of the first element in the pages.
    fn first(self, bytes: usize, size: usize, room: usize) -> usize {
        let start = if self.end { room - bytes } else { 0 };
        if self.backwards { start + bytes - size } else { start }
    }
}

/// The offset of each element, in C order.
fn places(shape: &[usize], strides: &[isize], first: usize) -> Vec<usize> {
    let mut places = vec![first as isize];
    for (extent, stride) in shape.iter().zip(strides) {
        let along = |at: isize| (0..*extent as isize).map(move |i| at + i * stride);
        places = places.into_iter().flat_map(along).collect();
    }
    places.into_iter().map(|at| at as usize).collect()
}

/// A grid in its own pages, with elements.
struct Grid {
    fenced: Fenced,
    shape: Vec<usize>,
    strides: Vec<isize>,
    first: usize,
    dtype: DType,
}

impl Grid {
    fn new(shape: &[usize], dtype: DType, lying: Lying, elements: &[u8]) -> Grid {
        let size = dtype.size();
        let mut fenced = Fenced::new(elements.len());
        let strides = lying.strides(shape, size);
        let room = fenced.pages * PAGE;
        let first = if elements.is_empty() { 0 } else { lying.first(elements.len(), size, room) };
        let memory = fenced.bytes();
        memory.fill(0xa5);
        for (at, element) in
            places(shape, &strides, first).into_iter().zip(elements.chunks_exact(size))
        {
            memory[at..at + size].copy_from_slice(element);
        }
        Grid { fenced, shape: shape.to_vec(), strides, first, dtype }
    }

    fn arg(&mut self) -> Arg<'_> {
        let pointer = self.fenced.bytes().as_ptr();
        // SAFETY: the elements lie in the pages, which are not moved.
        unsafe { Arg::raw(pointer.add(self.first), &self.shape, &self.strides, self.dtype) }
    }

    fn out(&mut self) -> Out<'_> {
        let pointer = self.fenced.bytes().as_mut_ptr();
        // SAFETY: as above, and nothing else borrows them.
        unsafe { Out::raw(pointer.add(self.first), &self.shape, &self.strides, self.dtype) }
    }
}

/// Programs of two grids of the same shape and dtype.
const GRID_PROGRAMS: [&str; 10] = [
    "sum(a, axis=0)",
    "max(a * b, axis=1)",
    "argmin(a, axis=0), min(b, axis=-1)",
    "a + b",
    "a - max(b, axis=1, keepdims=True)",
    "transpose(a) + transpose(b)",
    "a[1:, ::-1] - b[:-1]",
    "sum(a[:, ::2]), a[::-3, -1]",
    "rolling_mean(a, 3, 1), shift(b, 2, axis=0), ewm_mean(a, span=3)",
    "cumsum(a), rolling_corr(a, b, 4, 2, axis=0), ffill(b)",
];

/// Each end of each grid next to a protected page, with the grids in each order.
fn grids(dtype: DType, sides: &[usize], few: bool) {
    let bench = Bench::new();
    let size = dtype.size();
    for rows in sides {
        for columns in sides {
            let shape = [*rows, *columns];
            let mut rng = Rng((rows * 1000 + columns) as u64);
            let mut elements = || -> Vec<u8> {
                let mut bytes = Vec::with_capacity(rows * columns * size);
                for _ in 0..rows * columns {
                    let bits = element(dtype, &mut rng, Flavour::Unit);
                    bytes.extend_from_slice(&bits.to_le_bytes()[..size]);
                }
                bytes
            };
            let data = [elements(), elements()];
            let c = Lying { fortran: false, end: false, backwards: false };
            let mut ordinary = data.each_ref().map(|bytes| Grid::new(&shape, dtype, c, bytes));
            let [a, b] = &mut ordinary;
            let plain = [("a", a.arg()), ("b", b.arg())];
            let expected: Vec<_> = GRID_PROGRAMS
                .iter()
                .map(|text| bench.oracle.compile(text).and_then(|p| p.eval(&plain[..])))
                .collect();
            for (number, lying) in Lying::ALL.iter().enumerate() {
                if few && (number + rows + columns) % 4 != 0 {
                    continue;
                }
                // The other grid and the output have different placements.
                let other = Lying::ALL[(number * 3 + 5) % 8];
                let mut a = Grid::new(&shape, dtype, *lying, &data[0]);
                let mut b = Grid::new(&shape, dtype, other, &data[1]);
                let args = [("a", a.arg()), ("b", b.arg())];
                for (p, (text, expected)) in GRID_PROGRAMS.iter().zip(&expected).enumerate() {
                    let turn = number + p + rows + columns;
                    let (isa, engine) = &bench.natives[turn % bench.natives.len()];
                    let case = format!(
                        "{text} of {dtype}{shape:?}, a {lying:?}, b {other:?}, {}",
                        isa.name()
                    );
                    running(case.clone());
                    let program = engine.compile(text).unwrap();
                    let Ok(expected) = expected else {
                        assert!(program.eval(&args[..]).is_err(), "{case}");
                        continue;
                    };
                    let into = Lying::ALL[(number * 5 + p) % 8];
                    let mut arrays: Vec<Grid> = expected
                        .iter()
                        .map(|o| {
                            let blank: Vec<u8> = o.bytes().iter().map(|b| !b).collect();
                            Grid::new(o.shape(), o.dtype(), into, &blank)
                        })
                        .collect();
                    let mut outs: Vec<Out> = arrays.iter_mut().map(Grid::out).collect();
                    let report = program.eval_into(&args[..], &mut outs);
                    drop(outs);
                    assert!(report.unwrap_or_else(|e| panic!("{case}: {e}")).native, "{case}");
                    for (o, array) in expected.iter().zip(&mut arrays) {
                        let mut want = Grid::new(o.shape(), o.dtype(), into, &o.bytes());
                        if want.fenced.bytes() == array.fenced.bytes() {
                            continue;
                        }
                        let (memory, size) = (array.fenced.bytes(), o.dtype().size());
                        let got: Vec<u8> = places(&want.shape, &want.strides, want.first)
                            .into_iter()
                            .flat_map(|at| &memory[at..at + size])
                            .copied()
                            .collect();
                        let difference = different_elements(o.dtype(), &o.bytes(), &got);
                        panic!("{case}, into {into:?}: {difference:?}");
                    }
                }
            }
        }
    }
}

/// Extents around the sizes of vectors, blocks, short rows and panels.
const SIDES: [usize; 16] = [0, 1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129];

#[test]
fn d13_grids_of_f64_flush_against_both_ends() {
    grids(F64, &SIDES, true);
}

#[test]
fn d13_grids_of_u8_flush_against_both_ends() {
    grids(U8, &SIDES, true);
}

#[test]
fn d13_grids_of_i16_and_f32_flush_against_both_ends() {
    grids(I16, &[1, 16, 33, 65, 128], false);
    grids(F32, &[5, 17, 32, 63, 130], false);
}

#[test]
fn d13_large_grids_flush_against_both_ends() {
    grids(F64, &[31, 513], true);
    grids(U8, &[33, 511, 513], true);
}

/// Arrays of three axes, each of which is reduced or moved.
#[test]
fn d13_blocks_flush_against_both_ends() {
    let bench = Bench::new();
    let texts = [
        "sum(a, axis=(0, 2))",
        "max(a, axis=1)",
        "transpose(a, axes=(1, 2, 0))",
        "a[:, 1:, None, ::-1]",
        "a - min(a, axis=(0, 1), keepdims=True)",
        "argmax(a, axis=2)",
    ];
    for shape in [[3, 17, 33], [17, 3, 16], [33, 65, 2], [1, 130, 5], [16, 16, 16], [2, 5, 130]] {
        for dtype in [F64, U16] {
            let mut rng = Rng(shape[1] as u64);
            let count: usize = shape.iter().product();
            let elements: Vec<u8> = (0..count)
                .flat_map(|_| {
                    element(dtype, &mut rng, Flavour::Unit).to_le_bytes()[..dtype.size()].to_vec()
                })
                .collect();
            for (number, lying) in Lying::ALL.iter().enumerate() {
                let mut a = Grid::new(&shape, dtype, *lying, &elements);
                let args = [("a", a.arg())];
                for text in texts {
                    let want = bench.oracle.compile(text).unwrap().eval(&args[..]).unwrap();
                    for (isa, engine) in &bench.natives {
                        let case = format!("{text} of {dtype}{shape:?}, {lying:?}, {}", isa.name());
                        running(case.clone());
                        let into = Lying::ALL[(number + 3) % 8];
                        let blank = vec![0x5a; want[0].bytes().len()];
                        let mut array = Grid::new(want[0].shape(), want[0].dtype(), into, &blank);
                        let program = engine.compile(text).unwrap();
                        program.eval_into(&args[..], &mut [array.out()]).unwrap();
                        let mut right =
                            Grid::new(want[0].shape(), want[0].dtype(), into, &want[0].bytes());
                        assert!(right.fenced.bytes() == array.fenced.bytes(), "{case} differs");
                    }
                }
            }
        }
    }
}
