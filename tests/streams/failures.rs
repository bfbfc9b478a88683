//! A push that fails leaves the state as it was.

use hotloop::ndarray::Array2;
use hotloop::{CancelToken, ErrorKind, RunOptions, compile};

use super::program;

#[test]
fn a_failed_push_changes_nothing() {
    let program = program("cumsum(x) + rolling_mean(x, 3, 1), shift(x, 1, fill=0) * k");
    let like = (("x", &[0.0f64; 0]), ("k", 1.0));
    let mut stream = program.stream(like, 0).unwrap();
    stream.push((("x", &[1.0, 2.0]), ("k", 1.0))).unwrap();
    let before = stream.snapshot();
    let kinds = [
        stream.push((("x", &[1.0f32]), ("k", 1.0))).unwrap_err().kind(),
        stream.push((("x", &[1i32]), ("k", 1.0))).unwrap_err().kind(),
        stream.push((("x", &Array2::<f64>::zeros((2, 2))), ("k", 1.0))).unwrap_err().kind(),
        stream.push((("x", 1.0), ("k", 1.0))).unwrap_err().kind(),
        stream.push((("x", &[1.0]), ("k", 1))).unwrap_err().kind(),
        stream.push((("x", &[1.0]), ("k", &[1.0]))).unwrap_err().kind(),
        stream.push(("x", &[1.0])).unwrap_err().kind(),
        stream.push(("z", &[1.0])).unwrap_err().kind(),
        stream.push((("x", &[1.0]), ("x", &[1.0]), ("k", 1.0))).unwrap_err().kind(),
    ];
    {
        use ErrorKind::{Name, Shape, Type};
        assert_eq!(kinds, [Type, Type, Shape, Type, Type, Type, Name, Name, Name]);
    }
    let (mut short, mut a, mut b) = ([0.0; 1], [0.0; 2], [0.0; 2]);
    let args = (("x", &[1.0, 2.0]), ("k", 1.0));
    let error = stream.push_into(args, &mut [(&mut short).into(), (&mut b).into()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let error = stream.push_into(args, &mut [(&mut a).into()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Arity);
    // No rows are no failure.
    let none = stream.push((("x", &[0.0; 0]), ("k", 1.0))).unwrap();
    assert_eq!(none[0].shape(), [0]);
    assert_eq!(stream.rows(), 2);
    assert_eq!(stream.snapshot(), before);
    let next = stream.push((("x", &[4.0]), ("k", 0.5))).unwrap();
    assert_eq!(next[0].view::<f64>().unwrap().as_slice(), Some(&[7.0 + 7.0 / 3.0][..]));
    assert_eq!(next[1].view::<f64>().unwrap().as_slice(), Some(&[1.0][..]));
}

#[test]
fn a_cancelled_push_changes_nothing() {
    let token = CancelToken::new();
    let program = compile("cumsum(sin(x)) + rolling_mean(x, 100)").unwrap();
    let program = program.with(RunOptions::new().cancel(&token));
    let mut stream = program.stream(("x", &[0.0f64; 0]), 0).unwrap();
    let x: Vec<f64> = (0..2_000_000).map(f64::from).collect();
    stream.push(("x", &x[..5000])).unwrap();
    let before = stream.snapshot();
    for microseconds in [0, 100, 1000, 3000] {
        let cancelled = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(std::time::Duration::from_micros(microseconds));
                token.cancel();
            });
            stream.push(("x", &x))
        });
        token.reset();
        match cancelled {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Cancelled);
                assert_eq!((stream.rows(), stream.snapshot() == before), (5000, true));
            }
            // The run was faster.
            Ok(_) => stream.restore(&before).unwrap(),
        }
    }
    let whole = program.eval_vec::<f64>(("x", &[&x[..5000], &x[..10]].concat())).unwrap();
    let last = stream.push(("x", &x[..10])).unwrap();
    assert_eq!(last[0].view::<f64>().unwrap().as_slice(), Some(&whole[5000..]));
}

#[test]
fn a_state_has_a_limit() {
    let program = compile("rolling_mean(x, 1000000)").unwrap();
    let program = program.with(RunOptions::new().memory(1 << 20));
    let error = program.stream(("x", &[0.0; 0]), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.to_string().contains("the state of the stream takes"), "{error}");
}

#[test]
fn inputs_have_as_many_rows_as_each_other() {
    let mut stream =
        compile("x + y").unwrap().stream((("x", &[0.0; 0]), ("y", &[0.0; 0])), 0).unwrap();
    let error = stream.push((("x", &[1.0, 2.0]), ("y", &[1.0]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    assert!(error.to_string().contains("has 2 rows, and"), "{error}");
}

#[test]
fn outputs_may_be_the_inputs() {
    let program = program("cumsum(x)");
    let mut stream = program.stream(("x", &[0.0; 0]), 0).unwrap();
    let mut x = [1.0, 2.0, 3.0];
    for wanted in [[1.0, 3.0, 6.0], [7.0, 10.0, 16.0]] {
        stream.push_into((), &mut [hotloop::Out::inout("x", &mut x)]).unwrap();
        assert_eq!(x, wanted);
    }
}
