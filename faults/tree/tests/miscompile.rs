//! Mutation testing: a wrong compiler would be noticed.
//!
//! `hotloop_runtime::fault` lists seeded miscompiles of the compiler and the runtime. Each is
//! enabled in turn, and random programs run until native code differs from the interpreter. A fault
//! in code shared by both is not noticed this way: then a case of the corpus must fail.
//!
//! ```text
//! cargo run -p hotloop-faults -- test                          # and compares the table
//! HOTLOOP_WRITE=1 cargo run -p hotloop-faults -- test          # writes it
//! HOTLOOP_FAULT=TailOneShort cargo run -p hotloop-faults -- test --nocapture
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arbtest::arbtest;
use hotloop::threads::{Emitter, Isa};
use hotloop::{Arg, Backend, DType, Engine, Error, Mode, Outputs};
use hotloop_runtime::fault::{Fault, Reached, reached, turn_on};
use hotloop_testing::corpus;
use hotloop_testing::generator::Case;
use hotloop_testing::generator::check::{answers, describe, run};
use hotloop_testing::generator::data::{Array, Flavour, Input, Rng, Value};

/// Programs that are made at a time, and at most.
const CHUNK: u64 = 500;
const MOST: u64 = 40 * CHUNK;

/// A guard for one test at a time: a fault is enabled for the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fault that is on as long as this lives.
struct On;

impl On {
    fn new(fault: Fault) -> On {
        turn_on(Some(fault));
        On
    }
}

impl Drop for On {
    fn drop(&mut self) {
        turn_on(None);
    }
}

/// A new engine. It has two threads and uses them for arrays of any size, so that loops are split. The
/// instruction set is the same on every machine, so that programs compile to the same code.
fn native(mode: Mode, emitter: Emitter) -> Engine {
    let builder = Engine::builder().mode(mode).backend(Backend::Native).isa(Isa::Avx2);
    builder.emitter(emitter).threads(2).eager().build()
}

/// The emitter that a fault is in, or the usual one.
fn emitter(fault: Fault) -> Emitter {
    // Loops of the wide emitter end with the last element, so their tiles have no tails.
    let tails = fault == Fault::TailFromTileStart;
    // Loops of the wide emitter convert masks, so no kernel does.
    let masks = fault == Fault::MaskHalfRead;
    let narrow = fault.place().contains("cranelift") || tails || masks;
    if narrow { Emitter::Cranelift } else { Emitter::Wide }
}

fn interpreter(mode: Mode) -> Engine {
    Engine::builder().mode(mode).backend(Backend::Interpreter).isa(Isa::Baseline).build()
}

/// A program with what it gives, and the faults that could change that.
struct Program {
    case: Case,
    expected: Result<Outputs, Error>,
    reached: Reached,
}

/// More values at once than there are registers, each of which is needed again.
fn crowded() -> Case {
    let mut text = String::new();
    let mut sum = "a".to_string();
    for i in 0..24 {
        text += &format!("v{i} = a * b + {i}\n");
        sum = format!("({sum}) * v{} - {i}", 23 - i);
    }
    of_floats(text + &sum, &[100])
}

/// Exponential means of rows half of which are missing, in several groups, and windows of rows of
/// which few are.
fn gaps() -> Case {
    let text = "n = where(a > b, a, nan); few = where(cumcount(a == a, axis=0) % 11 == 7, nan, a)
        ewm_mean(n, span=900), ewm_mean(n, span=3, axis=0) + a, rolling_mean(few, 5, 1, axis=0)";
    of_floats(text.to_string(), &[40, 900])
}

/// A reduction, and windows, in several pieces.
fn long() -> Case {
    of_floats("argmax(a), argmin(b), rolling_sum(a, 9)".to_string(), &[300_000])
}

/// A program of the arrays `a` and `b`, numbers around 1.
fn of_floats(text: String, shape: &[usize]) -> Case {
    let inputs = [("a", 1), ("b", 2)].map(|(name, seed)| {
        let mut array = Array::contiguous(DType::F64, shape, 0);
        array.fill(&mut Rng(seed), Flavour::Unit);
        Input { name, value: Value::Array(array) }
    });
    Case { text, mode: Mode::Strict, inputs: inputs.to_vec(), ops: Vec::new(), seed: 1 }
}

/// What a program gives, and the faults that could change that.
fn seen(case: Case, what: &str) -> Program {
    let expected = run(&interpreter(case.mode), &case.text, &case);
    reached();
    for emitter in [Emitter::Wide, Emitter::Cranelift] {
        answers(&native(case.mode, emitter), &case, &expected).unwrap_or_else(|e| {
            panic!("without a fault, {emitter:?}, {what}: {e}\n{}", describe(&case))
        });
    }
    Program { case, expected, reached: reached() }
}

/// The next programs of the series. Without a fault they all agree.
fn programs(from: u64) -> Vec<Program> {
    let mut list = Vec::new();
    if from == 0 {
        list.push(seen(crowded(), "crowded"));
        list.push(seen(gaps(), "gaps"));
        list.push(seen(long(), "long"));
    }
    for n in from..from + CHUNK {
        let seed = Rng(n).next() << 32 | [64, 128, 256, 512, 2048][(n % 5) as usize];
        arbtest(|u| {
            let case = Case::arbitrary(u)?;
            list.push(seen(case, &format!("seed {seed:#x}")));
            Ok(())
        })
        .seed(seed)
        .run();
    }
    list
}

/// How a fault was noticed.
struct Noticed {
    by: &'static str,
    how: String,
    /// Programs that it reached until then, or cases of the corpus.
    tries: usize,
}

/// A fault that nothing has shown yet.
struct Open {
    fault: Fault,
    /// Programs that it has reached.
    tries: usize,
}

impl Open {
    /// Looks for a program that shows the fault, to the differential test, in which the
    /// interpreter has the fault too.
    fn noticed(&mut self, programs: &[Program]) -> Option<Noticed> {
        let _on = On::new(self.fault);
        let native = |mode| native(mode, emitter(self.fault));
        let reached = programs.iter().filter(|p| p.reached.has(self.fault));
        for Program { case, expected, .. } in reached {
            self.tries += 1;
            let Err(difference) = answers(&native(case.mode), case, expected) else { continue };
            let own = run(&interpreter(case.mode), &case.text, case);
            if answers(&native(case.mode), case, &own).is_err() {
                let how = sort(&difference);
                return Some(Noticed { by: "differential test", how, tries: self.tries });
            }
        }
        None
    }

    /// Looks for a case of the corpus that shows the fault to the interpreter.
    fn known(&self, corpus: &[corpus::Case]) -> Option<Noticed> {
        let _on = On::new(self.fault);
        let engines = [Mode::Strict, Mode::Contract, Mode::Fast].map(interpreter);
        let fails = |case: &corpus::Case| case.attempt(&engines[case.mode() as usize], 1).is_err();
        let tries = corpus.iter().position(fails)? + 1;
        let how = format!("`{}`", corpus[tries - 1].name);
        Some(Noticed { by: "corpus", how, tries })
    }
}

/// Whether the interpreter is made of what a fault is in, so that only known answers tell.
fn is_shared(fault: Fault) -> bool {
    let shared = ["src/resolve", "src/promote.rs", "src/graph", "src/legalize.rs"];
    shared.iter().any(|place| fault.place().starts_with(place))
}

/// What sort of difference a report is of.
fn sort(difference: &str) -> String {
    let sorts = [
        ("into strided arrays", "bits of strided outputs"),
        ("in place: shifted", "bits beside an input"),
        ("in place", "bits in place"),
        ("out of memory", "bits from sources to sinks"),
        ("got Error", "an error"),
        ("got values", "no error"),
        ("holds the bool", "a bool that is neither 0 nor 1"),
        ("differs at element", "bits"),
    ];
    let known = sorts.iter().find(|(text, _)| difference.contains(text));
    known.map_or_else(|| "types".to_string(), |(_, sort)| sort.to_string())
}

/// Faults that panic, which have tests of their own below.
const PANICS: [Fault; 2] = [Fault::CodegenPanics, Fault::WorkerPanics];

const HEAD: &str = "\
# Miscompiles

Seeded miscompiles of the compiler and the runtime, and the test that notices each of them.
`HOTLOOP_WRITE=1 cargo run -p hotloop-faults -- test` writes this; without the variable the test compares
all but the last two columns, which may differ with the machine.

Random programs run natively, each one fresh, into strided arrays, in place and from sources to
sinks, until one gives other bits than the interpreter. *Tries* counts the programs that reach the edited place, or the
cases of the corpus: what lies before the interpreter is wrong in it too, so that only known answers
tell.

| edit of | fault | what is wrong | noticed by | how | tries |
|---|---|---|---|---|---|
";

#[test]
fn every_wrong_edit_is_noticed() {
    let _alone = alone();
    if !Isa::available().any(|isa| isa == Isa::Avx2) {
        println!("skipped: this machine has no AVX2, whose code some faults are in");
        return;
    }
    let start = Instant::now();
    let wanted = std::env::var("HOTLOOP_FAULT").ok();
    let wanted = |fault: &Fault| wanted.as_ref().is_none_or(|name| *name == format!("{fault:?}"));
    let corpus: Vec<corpus::Case> = corpus::FILES.into_iter().flat_map(corpus::read).collect();
    let mut noticed: BTreeMap<usize, Noticed> = BTreeMap::new();
    let mut open = Vec::new();
    for fault in Fault::ALL.iter().copied().filter(|f| !PANICS.contains(f) && wanted(f)) {
        let one = Open { fault, tries: 0 };
        match is_shared(fault).then(|| one.known(&corpus)).flatten() {
            Some(found) => drop(noticed.insert(fault as usize, found)),
            None => open.push(one),
        }
    }
    println!("after the corpus: {:?}", start.elapsed());
    for from in (0..MOST).step_by(CHUNK as usize) {
        if open.is_empty() {
            break;
        }
        let programs = programs(from);
        open.retain_mut(|one| match one.noticed(&programs) {
            Some(found) => {
                noticed.insert(one.fault as usize, found);
                false
            }
            None => true,
        });
        let left: Vec<Fault> = open.iter().map(|o| o.fault).collect();
        println!("after {} programs, in {:?}: {left:?}", from + CHUNK, start.elapsed());
    }
    let missed: Vec<(Fault, usize)> = open.iter().map(|o| (o.fault, o.tries)).collect();
    assert!(
        missed.is_empty(),
        "not noticed, with the numbers of programs that reach them: {missed:?}"
    );
    let mut table = HEAD.to_string();
    for fault in Fault::ALL {
        let Some(Noticed { by, how, tries }) = noticed.get(&(*fault as usize)) else { continue };
        let (place, what) = (fault.place(), fault.what());
        writeln!(table, "| {place} | {fault:?} | {what} | {by} | {how} | {tries} |")
            .expect("a string takes everything");
    }
    if wanted(&PANICS[0]) {
        compare(&table);
    }
}

/// The columns of a table that are the same on every machine.
fn lasting(table: &str) -> String {
    let columns = |line: &str| line.split(" | ").take(4).collect::<Vec<_>>().join(" | ");
    table.lines().map(columns).collect::<Vec<_>>().join("\n")
}

fn compare(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/MISCOMPILES.md");
    if std::env::var_os("HOTLOOP_WRITE").is_some() {
        std::fs::write(&path, table).expect("a file that can be written");
        return;
    }
    let written = std::fs::read_to_string(&path).expect("tests/MISCOMPILES.md");
    assert_eq!(
        lasting(&written),
        lasting(table),
        "tests/MISCOMPILES.md is out of date: HOTLOOP_WRITE=1 writes it"
    );
}

/// Block kernels compute the values if the code generator panics, unless only native code is allowed.
#[test]
fn f7_block_kernels_answer_for_a_code_generator_that_panics() {
    let _alone = alone();
    let engine = |backend| Engine::builder().backend(backend).threads(1).build();
    let x: Vec<f64> = (0..1000).map(|i| f64::from(i) / 7.0).collect();
    let value = |engine: &Engine| {
        let outputs = engine.compile("sin(x) * 2 + sum(x)")?.eval([("x", Arg::from(&x[..]))])?;
        Ok::<_, Error>((outputs.report().native, outputs[0].bytes().to_vec()))
    };
    let (native, bits) = value(&engine(Backend::Auto)).expect("values");
    assert!(native);
    let (auto, strict) = (engine(Backend::Auto), engine(Backend::Native));
    {
        let _on = On::new(Fault::CodegenPanics);
        assert_eq!(value(&auto).expect("the interpreter's values"), (false, bits.clone()));
        let error = value(&strict).expect_err("no native code");
        assert_eq!(error.kind().code(), "INTERNAL", "{error}");
    }
    // What was refused for a bug stays refused; another program is compiled again.
    let other = auto.compile("x + 1").and_then(|p| p.eval([("x", Arg::from(&x[..]))]));
    assert!(other.expect("values").report().native);
}

/// A panic of a worker is the caller's, and the engine works on.
#[test]
fn f16_an_engine_outlives_a_worker_that_panics() {
    let _alone = alone();
    let engine = native(Mode::Strict, Emitter::Wide);
    let x: Vec<f64> = (0..100_000).map(f64::from).collect();
    let program = engine.compile("sum(x)").expect("a program");
    let sum = || program.eval_as::<f64>([("x", Arg::from(&x[..]))]).map(|y| y[[]]);
    assert_eq!(sum().expect("a sum"), 4_999_950_000.0);
    {
        let _on = On::new(Fault::WorkerPanics);
        let panic = catch_unwind(AssertUnwindSafe(sum)).expect_err("a panic");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a fault is on"));
    }
    assert_eq!(sum().expect("a sum"), 4_999_950_000.0);
}

/// Each fault has its own description.
#[test]
fn faults_are_many_and_all_different() {
    let mut texts: BTreeMap<&str, Fault> = BTreeMap::new();
    for fault in Fault::ALL {
        let other = texts.insert(fault.what(), *fault);
        assert_eq!(other, None, "{fault:?} has the text of another");
    }
    assert!(texts.len() >= 52, "only {} faults", texts.len());
}
