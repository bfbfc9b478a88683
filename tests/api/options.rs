//! Options, reports, explanations.

use std::sync::Arc;
use std::time::Duration;

use hotloop::explain::Progress;
use hotloop::ndarray::array;
use hotloop::{
    Arg, ArgType, Backend, CancelToken, DType, Engine, ErrorKind, Kernel, Mode, Out, Program,
    RunOptions, compile,
};

use super::{engines, types};

#[test]
fn explain_says_what_is_done() {
    let program =
        Engine::builder().backend(Backend::Native).build().compile("s = a * a; sum(s)").unwrap();
    let text = program.explain(&types(&[("a", DType::F32)])).unwrap();
    for part in [
        "input 0 is a: f32",
        "plan",
        "graph (strict)",
        "  v1: f32 = v0 * v0\n  sum of v1 to u0\n",
        "code of pass 0",
        "4 bytes moved an element",
        "bytes of machine code",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let kernel = program.specialize(&types(&[("a", DType::F32)])).unwrap();
    assert_eq!((kernel.explain(), kernel.bytes_per_element()), (text, 4));
    let engine = Engine::builder().backend(Backend::Interpreter).build();
    let text = engine.compile("a + 1").unwrap().explain(&types(&[("a", DType::F32)])).unwrap();
    assert!(text.contains("interpreted"), "{text}");
}

#[test]
fn reports_say_who_ran_and_what_was_divided_by_zero() {
    for (name, engine) in engines() {
        let program = engine.compile("a // b").unwrap();
        let run =
            |b: i32| program.eval([Arg::from(&[7, 8]), Arg::typed(b)]).unwrap().report().clone();
        assert!(run(0).divided_by_zero && !run(2).divided_by_zero, "{name}");
        assert_eq!(run(1).native, name != "interpreter");
        // Elements that fill up a tile do not raise the flag, and it does not remain for the next
        // run.
        let ones = vec![1i32; 1001];
        let mut y = vec![0i32; 1001];
        let report =
            program.eval_into([Arg::from(&ones), Arg::from(&ones)], &mut [Out::from(&mut y)]);
        assert!(!report.unwrap().divided_by_zero, "{name}");
        assert_eq!(y, ones);
    }
}

#[test]
fn options_of_a_run() {
    let a = [1.0, 2.0];
    for (name, engine) in engines() {
        let program = engine.compile("a + 1").unwrap();
        let token = CancelToken::new();
        let stoppable = program.with(RunOptions::new().cancel(&token));
        assert!(stoppable.eval([Arg::from(&a)]).is_ok());
        token.cancel();
        let error = stoppable.eval([Arg::from(&a)]).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Cancelled, "the run was cancelled"),
            "{name}"
        );
        // The original program has no token.
        assert!(program.eval([Arg::from(&a)]).is_ok());
        token.reset();
        assert!(stoppable.eval([Arg::from(&a)]).is_ok());
        let late = program.with(RunOptions::new().deadline(Duration::ZERO));
        let error = late.eval([Arg::from(&a)]).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Cancelled, "the run passed its deadline"),
            "{name}"
        );
        let calm = program.with(RunOptions::new().deadline(Duration::MAX));
        assert!(calm.eval([Arg::from(&a)]).is_ok(), "a deadline beyond all time is none");
    }
    // A bound kernel also checks the token.
    let token = CancelToken::new();
    let program = compile("a * 2").unwrap().with(RunOptions::new().cancel(&token));
    let kernel = program.specialize(&types(&[("a", DType::F64)])).unwrap();
    let mut y = [0.0; 2];
    let mut bound = kernel.bind([&a], [&mut y]).unwrap();
    token.cancel();
    assert_eq!(bound.run().unwrap_err().kind(), ErrorKind::Cancelled);
    token.reset();
    assert!(bound.run().is_ok());
    drop(bound);
    assert_eq!(y, [2.0, 4.0]);
}

#[test]
fn progress_counts_elements() {
    for threads in [1, 2] {
        let engine = Engine::builder().backend(Backend::Native).threads(threads).eager().build();
        let progress = Arc::new(Progress::new());
        let a = vec![1.0; 300_007];
        let one = engine.compile("a + 1").unwrap().with(RunOptions::new().progress(&progress));
        one.eval([Arg::from(&a)]).unwrap();
        assert_eq!((progress.done(), progress.total()), (300_007, 300_007));
        // Two passes: the sum, and its use.
        let two = engine.compile("a / sum(a)").unwrap().with(RunOptions::new().progress(&progress));
        two.eval([Arg::from(&a)]).unwrap();
        assert_eq!((progress.done(), progress.total()), (900_021, 900_021));
    }
}

#[test]
fn modes_are_apart() {
    let x = 1.0 + 2f64.powi(-30);
    let run = |mode| {
        let engine = Engine::builder().mode(mode).build();
        let y = engine
            .compile("a * a - b")
            .unwrap()
            .eval_as::<f64>([Arg::from(x), Arg::from(1.0 + 2f64.powi(-29))]);
        y.unwrap()[[]]
    };
    assert_eq!(run(Mode::Strict), 0.0);
    assert_eq!(run(Mode::Contract), 2f64.powi(-60));
    assert_eq!(run(Mode::Fast), 2f64.powi(-60));
}

#[test]
fn programs_and_errors_may_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Program>();
    crosses::<Engine>();
    crosses::<Kernel>();
    crosses::<hotloop::Error>();
    crosses::<hotloop::Outputs>();
    crosses::<CancelToken>();
    fn clones<T: Clone>(_: &T) {}
    let program = compile("a").unwrap();
    clones(&program);
    let other = program.clone();
    let y = std::thread::spawn(move || other.eval_as::<f64>([Arg::from(&[1.0])]).unwrap())
        .join()
        .unwrap();
    assert_eq!(y, array![1.0].into_dyn());
}

#[test]
fn errors_own_what_they_show() {
    let error = {
        let text = String::from("a + sine(b)");
        compile(&text).err().unwrap()
    };
    assert_eq!(error.source_text(), Some("a + sine(b)"));
    assert_eq!(error.span().map(|s| s.range()), Some(4..8));
    assert_eq!(error.hints(), ["did you mean 'sin', 'sinc' or 'since'?"]);
    assert_eq!((error.kind(), error.kind().code()), (ErrorKind::Name, "NAME"));
    let boxed: Box<dyn std::error::Error + Send + Sync> = error.clone().into();
    assert_eq!(boxed.to_string(), error.to_string());
    assert_eq!(format!("{error:?}"), format!("NAME: {error}"));
}

/// A value with fewer axes than the result is computed once, into an array that `explain` shows.
#[test]
fn explain_shows_what_is_kept() {
    let engine = Engine::builder().backend(Backend::Native).build();
    let program = engine.compile("sin(x**2) + cos(y**2)").unwrap();
    let shape = |class| ArgType::array_of_shape(DType::F64, class).unwrap();
    let text = program.explain(&[("x", shape(0)), ("y", shape(1))]).unwrap();
    for line in [
        "array0: f64[s0]",
        "array1: f64[s1]",
        "pass 2 over s0,s1\n  v0: f64 = array0\n  v1: f64 = array1",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    // Nothing is kept if all inputs have the same shape.
    let text = program.explain(&types(&[("x", DType::F64), ("y", DType::F64)])).unwrap();
    assert!(!text.contains("array0"), "{text}");
    let text = engine.compile("a - mean(a, axis=0)").unwrap();
    let text = text.explain(&types(&[("a", DType::F64)])).unwrap();
    assert!(text.contains("sum of v0 to array0"), "{text}");
}
