//! F. Resources and limits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hotloop::{
    Arg, ArgType, Backend, CancelToken, DType, Engine, ErrorKind, Kernel, Out, RunOptions, compile,
};
use hotloop_testing::alone;

use super::{engines, everywhere, expect, on_stack, patient, seconds, within};

#[test]
fn f2_outputs_larger_than_memory() {
    let program = compile("a + 1.5").unwrap();
    let error = program.eval([everywhere(&1.0f64, 1 << 50)]).unwrap_err();
    expect(&error, ErrorKind::OutOfMemory, "9007199254740992 bytes");
    for (name, engine) in engines() {
        let result = engine.compile("a + 1.5").unwrap().eval([everywhere(&1.0f64, 1 << 55)]);
        assert_eq!(result.expect_err(name).kind(), ErrorKind::OutOfMemory);
    }
    assert_eq!(program.eval_as::<f64>([Arg::from(&[1.0])]).unwrap()[[0]], 2.5, "it goes on");
}

#[test]
fn f3_many_arrays() {
    for n in [65usize, 1_000, 70_000] {
        let columns: Vec<[i64; 3]> = (0..n as i64).map(|i| [i, -i, 1]).collect();
        let text = (0..n).map(|i| format!("c{i}")).collect::<Vec<_>>().join("+");
        let program = patient().compile(&text).unwrap();
        assert_eq!(program.inputs().len(), n);
        let args: Vec<Arg> = columns.iter().map(Arg::from).collect();
        let y = within(seconds(60), || program.eval_as::<i64>(args.as_slice())).unwrap();
        let total = (n * (n - 1) / 2) as i64;
        assert_eq!(y.as_slice().unwrap(), [total, -total, n as i64], "{n} arrays");
    }
    // Many outputs.
    let text = (0..2_000).map(|i| format!("a + {i}")).collect::<Vec<_>>().join(",");
    let outputs =
        within(seconds(60), || compile(&text).unwrap().eval([Arg::from(&[1i64, 2])])).unwrap();
    for i in 0..2_000 {
        assert_eq!(
            outputs[i].view::<i64>().unwrap().as_slice().unwrap(),
            [1 + i as i64, 2 + i as i64]
        );
    }
    // Many in-place arrays without overlap.
    let n = 10_000usize;
    let text = (0..n).map(|i| format!("x{i} * 2")).collect::<Vec<_>>().join(", ");
    let program = compile(&text).unwrap();
    let names: Vec<String> = (0..n).map(|i| format!("x{i}")).collect();
    let mut columns: Vec<[i64; 3]> = (0..n as i64).map(|i| [i, -i, 1]).collect();
    let outs =
        columns.iter_mut().zip(&names).map(|(x, name)| Out::inout(name, Out::from(&mut x[..])));
    let mut outs: Vec<Out> = outs.collect();
    within(seconds(10), || program.eval_into((), &mut outs)).unwrap();
    drop(outs);
    for (i, column) in columns.iter().enumerate() {
        assert_eq!(*column, [2 * i as i64, -2 * i as i64, 2]);
    }
    // One more than the limit.
    let small = Engine::builder().max_arrays(3).build();
    assert!(small.compile("a + b + c").is_ok());
    expect(&small.compile("a + b + c + d").err().unwrap(), ErrorKind::Limit, "4 arrays");
}

#[test]
fn f4_long_sums() {
    let n = 20_000i64;
    let terms: Vec<String> = (0..n).map(|i| format!("a*{i}")).collect();
    let program = within(seconds(60), || patient().compile(&terms.join("+"))).unwrap();
    let y = within(seconds(60), || program.eval_as::<i64>([Arg::from(&[1i64, -2, 0])])).unwrap();
    let total = n * (n - 1) / 2;
    assert_eq!(y.as_slice().unwrap(), [total, -2 * total, 0]);
    let small = Engine::builder().max_nodes(1000).build();
    let text = (0..1000).map(|i| format!("(a + {i})")).collect::<Vec<_>>().join("*");
    expect(&small.compile(&text).err().unwrap(), ErrorKind::Limit, "more than 1000 operations");
}

/// A chain of `n` sums and products that folding cannot shorten.
fn chain(n: usize) -> String {
    let mut text = "x0 = a\n".to_string();
    for i in 0..n / 2 {
        text += &format!("x{} = x{i} * b + {}\n", i + 1, i % 97);
    }
    text + &format!("x{}", n / 2)
}

fn deep_program(n: usize) {
    let text = chain(n);
    let program = within(seconds(60), || patient().compile(&text)).unwrap();
    let (a, b) = ([1i64, -2, 0], [3i64, 1, -1]);
    let y = within(seconds(60), || program.eval_as::<i64>([Arg::from(&a), Arg::from(&b)])).unwrap();
    let step = |b: i64| move |x: i64, i: usize| x.wrapping_mul(b).wrapping_add((i % 97) as i64);
    let want = [0, 1, 2].map(|j| (0..n / 2).fold(a[j], step(b[j])));
    assert_eq!(y.as_slice().unwrap(), want, "{n} operations");
}

#[test]
fn f4_100_000_nodes() {
    deep_program(100_000);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes long in a debug build")]
fn f4_1_000_000_nodes() {
    deep_program(1_000_000);
}

#[test]
fn f5_many_live_values() {
    let n = 10_000i64;
    let mut text = String::new();
    for i in 0..n {
        text += &format!("v{i} = a + {i}\n");
    }
    let products: Vec<String> = (0..n).map(|i| format!("v{i}*v{}", (i * 7919 + 13) % n)).collect();
    text += &products.join("+");
    let a: Vec<f64> = (0..777).map(|i| f64::from(i % 7)).collect();
    let engine = Engine::builder().threads(1).compile_budget(seconds(20)).build();
    let y = within(seconds(60), || engine.compile(&text).unwrap().eval_as::<f64>([Arg::from(&a)]))
        .unwrap();
    for (x, got) in a.iter().zip(&y) {
        let x = *x as i64;
        // All terms are integers whose sum is below 2^53, so every order of additions is exact.
        let want: i64 = (0..n).map(|i| (x + i) * (x + (i * 7919 + 13) % n)).sum();
        assert_eq!(*got, want as f64);
    }
}

#[test]
fn f6_a_budget_that_ends_leaves_it_to_block_kernels() {
    let text = (0..9000).map(|i| format!("(a + {i})")).collect::<Vec<_>>().join("^");
    let want = |a: i64| (0..9000).fold(0, |x, i| x ^ (a + i));
    let engine = Engine::builder().compile_budget(Duration::ZERO).build();
    let outputs = engine.compile(&text).unwrap().eval([Arg::from(&[5i64, -9])]).unwrap();
    assert_eq!(outputs[0].view::<i64>().unwrap().as_slice().unwrap(), [want(5), want(-9)]);
    assert!(!outputs.report().native);
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// A program that differs for each number in structure, not only in constants.
fn unique(number: usize) -> String {
    let ops = ["+", "-", "*", "/"];
    let functions = ["sqrt", "abs", "floor", "sin", "exp"];
    let mut text = "a".to_string();
    let mut rest = number;
    for _ in 0..8 {
        let (op, function) = (ops[rest % 4], functions[rest / 4 % 5]);
        text = format!("{function}({text} {op} b)");
        rest /= 20;
        if rest == 0 {
            break;
        }
    }
    format!("{text} + {number}.5")
}

/// Compiles, runs and drops; returns the increase of memory after a warm-up.
fn compile_and_drop(count: usize) -> (isize, isize) {
    let engine = Engine::builder().threads(1).cache_capacity(64).build();
    let (a, b) = ([1.0, 2.0], [0.5, 3.0]);
    let round = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            let program = engine.compile(&unique(number)).unwrap();
            let y = program.eval([Arg::from(&a), Arg::from(&b)]).unwrap();
            assert!(y.report().native);
        }
    };
    round(0..count / 4);
    let (memory, maps) = (resident_bytes() as isize, mappings() as isize);
    round(count / 4..count);
    let (memory, maps) = (resident_bytes() as isize - memory, mappings() as isize - maps);
    eprintln!("{count} programs: {memory} bytes and {maps} mappings more");
    (memory, maps)
}

#[test]
fn f8_programs_come_and_go() {
    if alone("resources::f8_programs_come_and_go") {
        let (memory, maps) = compile_and_drop(2_000);
        assert!(memory < 10 << 20, "{memory} bytes more");
        assert!(maps < 16, "{maps} mappings more");
    }
}

/// `cargo test --release --test bad_inputs -- --ignored f8`
#[test]
#[ignore = "takes minutes"]
fn f8_programs_come_and_go_200_000_times() {
    if alone("resources::f8_programs_come_and_go_200_000_times") {
        let (memory, maps) = compile_and_drop(200_000);
        assert!(memory < 10 << 20, "{memory} bytes more");
        assert!(maps < 16, "{maps} mappings more");
    }
}

fn live_kernels(count: usize) {
    let engine = Engine::builder().threads(1).cache_capacity(16).build();
    let types = [("a", ArgType::array(DType::F64)), ("b", ArgType::array(DType::F64))];
    let (memory, maps) = (resident_bytes(), mappings());
    let kernel = |i| engine.compile(&unique(i)).unwrap().specialize(&types).unwrap();
    let kernels: Vec<Kernel> = (0..count).map(kernel).collect();
    assert!(kernels.iter().all(Kernel::is_native));
    let each = resident_bytes().saturating_sub(memory) / count;
    assert!(each < 64 << 10, "{each} bytes a kernel");
    // 50,000 must stay far below the system's limit of 65,530 mappings.
    let maps = mappings().saturating_sub(maps);
    eprintln!("{count} kernels: {each} bytes each, {maps} mappings in all");
    assert!(maps < 100 + count / 20, "{maps} mappings");
    // All kernels still run.
    for (i, kernel) in kernels.iter().enumerate().step_by(count / 50) {
        let (a, b) = ([4.0], [0.0]);
        let args = || [Arg::from(&a), Arg::from(&b)];
        let mut y = [f64::NAN];
        kernel.bind(args(), [&mut y]).unwrap().run().unwrap();
        let want = engine.compile(&unique(i)).unwrap().eval_as::<f64>(args()).unwrap()[[0]];
        assert!(y[0].to_bits() == want.to_bits() || y[0].is_nan() && want.is_nan(), "kernel {i}");
    }
}

#[test]
fn f9_many_live_kernels() {
    if alone("resources::f9_many_live_kernels") {
        live_kernels(2_000);
    }
}

/// `cargo test --release --test bad_inputs -- --ignored f9`
#[test]
#[ignore = "takes a minute"]
fn f9_50_000_live_kernels() {
    if alone("resources::f9_50_000_live_kernels") {
        live_kernels(50_000);
    }
}

#[test]
fn f11_no_page_is_writable_and_executable() {
    let running = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let engine = Engine::builder().threads(1).build();
            for i in 0..60 {
                let program = engine.compile(&format!("{} * 7", unique(i))).unwrap();
                assert!(
                    program.eval([Arg::from(&[1.0]), Arg::from(&[2.0])]).unwrap().report().native
                );
            }
            running.store(false, Ordering::Release);
        });
        let mut executable = 0;
        loop {
            let last = !running.load(Ordering::Acquire);
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            for line in maps.lines() {
                let rights = line.split_whitespace().nth(1).unwrap();
                assert!(!(rights.contains('w') && rights.contains('x')), "{line}");
                executable += usize::from(rights.contains('x') && line.contains("hotloop-code"));
            }
            if last {
                break;
            }
        }
        assert!(executable > 0, "no code of ours was seen");
    });
}

#[test]
fn f13_a_small_stack() {
    let program = compile("sin(a)**2 + cos(b)**2 + sum(a * b) * 0").unwrap();
    let (a, b) = (vec![0.5; 100_000], vec![0.25; 100_000]);
    let args = || [Arg::from(&a), Arg::from(&b)];
    let want = program.eval_as::<f64>(args()).unwrap();
    std::thread::scope(|scope| {
        let small = std::thread::Builder::new().stack_size(64 << 10);
        let got = small
            .spawn_scoped(scope, || program.eval_as::<f64>(args()).unwrap())
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(got, want);
    });
}

#[test]
fn f13_compiling_on_a_small_stack() {
    let y = on_stack(64 << 10, || {
        compile("log1p(abs(a * 3 - 7)) + 4 * a**3")
            .unwrap()
            .eval_as::<f64>([Arg::from(&[2.0])])
            .unwrap()
    });
    assert_eq!(y[[0]], 2f64.ln() + 32.0);
}

#[test]
fn f15_cancelling_and_deadlines() {
    let endless = || everywhere(&1.0f64, 1 << 45);
    for threads in [1, 2] {
        let engine = Engine::builder().threads(threads).eager().build();
        let token = CancelToken::new();
        let program = engine.compile("sum(sin(a))").unwrap().with(RunOptions::new().cancel(&token));
        std::thread::scope(|scope| {
            let run = scope.spawn(|| program.eval([endless()]));
            std::thread::sleep(Duration::from_millis(100));
            let start = Instant::now();
            token.cancel();
            let error = run.join().unwrap().unwrap_err();
            assert!(start.elapsed() < seconds(2), "it took {:?}", start.elapsed());
            expect(&error, ErrorKind::Cancelled, "cancelled");
        });
        // The token is still set; when it is cleared, the program runs again.
        assert_eq!(program.eval([Arg::from(&[0.0])]).unwrap_err().kind(), ErrorKind::Cancelled);
        token.reset();
        assert_eq!(program.eval_as::<f64>([Arg::from(&[0.0])]).unwrap()[[]], 0.0);
        let late = engine
            .compile("sum(sin(a))")
            .unwrap()
            .with(RunOptions::new().deadline(Duration::from_millis(80)));
        let error = within(seconds(3), || late.eval([endless()])).unwrap_err();
        expect(&error, ErrorKind::Cancelled, "deadline");
        assert!(late.eval([Arg::from(&[0.0])]).is_ok(), "each run has its own deadline");
    }
    let interpreter = Engine::builder().backend(Backend::Interpreter).build();
    let late =
        interpreter.compile("sin(a + 1)").unwrap().with(RunOptions::new().deadline(Duration::ZERO));
    assert_eq!(late.eval([Arg::from(&[1.0])]).unwrap_err().kind(), ErrorKind::Cancelled);
}
