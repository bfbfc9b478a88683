//! Conversions of arguments and outputs.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as _;
use std::io;
use std::sync::Arc;

use hotloop::io::Source;
use hotloop::ndarray::{Array2, ArrayD, array};
use hotloop::threads::Isa;
use hotloop::{
    Arg, DType, Engine, ErrorKind, Mode, Order, Output, RunOptions, Span, compile, functions,
};

#[test]
fn arguments_come_in_many_collections() {
    let program = compile("a * 2 + b").unwrap();
    let (a, b) = (vec![1.0, 2.0], [3.0, 4.0]);
    let want = [5.0, 8.0];
    assert_eq!(program.eval_vec::<f64>((("a", &a), ("b", &b))).unwrap(), want);
    assert_eq!(program.eval_vec::<f64>([("b", &b[..]), ("a", &a[..])]).unwrap(), want);
    let pairs = vec![("a".to_string(), Arg::from(&a)), ("b".to_string(), Arg::from(&b))];
    assert_eq!(program.eval_vec::<f64>(&pairs).unwrap(), want);
    assert_eq!(program.eval_vec::<f64>(&pairs[..]).unwrap(), want);
    assert_eq!(program.eval_vec::<f64>(pairs).unwrap(), want);
    let map = HashMap::from([("a", &a[..]), ("b", &b)]);
    assert_eq!(program.eval_vec::<f64>(map).unwrap(), want);
    let map = BTreeMap::from([("a", &a[..]), ("b", &b)]);
    assert_eq!(program.eval_vec::<f64>(map).unwrap(), want);
    assert_eq!(program.eval_vec::<f64>([&a[..], &b]).unwrap(), want);
    assert_eq!(program.eval_vec::<f64>(vec![Arg::from(&a), 1.0.into()]).unwrap(), [3.0, 5.0]);
    assert_eq!(compile("1 + 2").unwrap().eval_scalar::<i64>(()).unwrap(), 3);
    let twelve = compile("a+b+c+d+e+f+g+h+i+j+k+l").unwrap();
    let args = (
        ("a", 1i8),
        ("b", 2i16),
        ("c", 3i32),
        ("d", 4i64),
        ("e", 5u8),
        ("f", 6u16),
        ("g", 7u32),
        ("h", 8f32),
        ("i", 9f64),
        ("j", true),
        ("k", Arg::typed(10u64)),
        ("l", &[0.5]),
    );
    assert_eq!(twelve.eval_vec::<f64>(args).unwrap(), [56.5]);
    let list: Vec<Arg> = vec![1.into(), (&b).into()];
    assert_eq!(program.eval(&list[1..]).unwrap_err().kind(), ErrorKind::Arity);
}

#[test]
fn outputs_become_what_is_asked_for() {
    let x = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let program = compile("y = x * 2; s = sum(x); y, s").unwrap();
    let program = program.with(RunOptions::new().order(Order::F));
    let mut outputs = program.eval(("x", &x)).unwrap();
    assert_eq!(outputs["y"].strides(), [8, 16]);
    // SAFETY: there are six elements.
    let first = unsafe { *outputs["y"].as_ptr().cast::<f64>() };
    assert_eq!(first, 2.0);
    // An output can be an argument.
    let again = compile("y / 2").unwrap().eval_as::<f64>(("y", &outputs["y"])).unwrap();
    assert_eq!(again, x.clone().into_dyn());
    assert!(outputs.get("z").is_none() && outputs.get(2).is_none());
    assert_eq!(outputs.get("s").map(Output::shape), Some(&[][..]));
    let names: Vec<_> = (&outputs).into_iter().map(Output::name).collect();
    assert_eq!(names, [Some("y"), Some("s")]);

    assert_eq!(outputs.take::<f32>("y").unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(outputs.take::<f64>("s").unwrap()[[]], 21.0);
    let taken = outputs.take::<f64>("s").unwrap_err();
    assert_eq!((taken.kind(), taken.kind().code()), (ErrorKind::Taken, "TAKEN"));
    assert_eq!(outputs["s"].view::<f64>().unwrap_err().kind(), ErrorKind::Taken);
    assert!(outputs["s"].as_ptr().is_null());
    let error = compile("s + 1").unwrap().eval(("s", &outputs["s"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Layout, "{error}");
    assert_eq!(outputs.take::<f64>("z").unwrap_err().kind(), ErrorKind::Name);

    let mut list = outputs.into_iter();
    let y = list.next().unwrap();
    assert_eq!(y.into_vec::<f64>().unwrap(), [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
    assert_eq!(list.next().unwrap().into_vec::<f64>().unwrap_err().kind(), ErrorKind::Taken);
    let dense = compile("x + 1").unwrap().eval(("x", &x)).unwrap();
    let array: ArrayD<f64> = dense.into_iter().next().unwrap().try_into().unwrap();
    assert_eq!(array, (x.clone() + 1.0).into_dyn());

    let program = compile("x + 1").unwrap();
    assert_eq!(program.eval_vec::<f64>(("x", &x.t())).unwrap(), [2.0, 5.0, 3.0, 6.0, 4.0, 7.0]);
    assert_eq!(program.eval_scalar::<f64>(("x", &Array2::<f64>::ones((1, 1)))).unwrap(), 2.0);
    let error = program.eval_scalar::<f64>(("x", &x)).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Shape, "the output has the shape (2, 3)")
    );
    assert_eq!(program.eval_scalar::<i64>(("x", 1.0)).unwrap_err().kind(), ErrorKind::Type);
    let two = compile("x, x").unwrap();
    assert_eq!(two.eval_vec::<f64>(("x", &x)).unwrap_err().kind(), ErrorKind::Arity);
}

/// A source that fails.
struct Broken;

impl Source for Broken {
    fn dtype(&self) -> DType {
        DType::F64
    }

    fn shape(&self) -> &[usize] {
        &[100_000]
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::TimedOut, "the disk sleeps"))
    }
}

#[test]
fn errors_keep_what_they_came_from() {
    let broken = Arc::new(Broken);
    let error = compile("x + 1").unwrap().eval(("x", Arg::source(&broken))).unwrap_err();
    assert_eq!(error.message(), "the input 'x' cannot be read: the disk sleeps");
    let cause = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::TimedOut);
    // A clone of the error has the cause, too.
    assert!(error.clone().source().is_some());
    let missing = hotloop::npy::open("no/such/file.npy").unwrap_err();
    let cause = missing.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::NotFound);
    assert!(compile("(").unwrap_err().source().is_none());
}

#[test]
fn names_are_parsed_and_shown() {
    for dtype in DType::ALL {
        assert_eq!(dtype.to_string().parse(), Ok(dtype));
        assert_eq!(dtype.numpy_name().parse(), Ok(dtype));
    }
    for isa in Isa::ALL {
        assert_eq!(isa.to_string().parse(), Ok(isa));
    }
    for mode in [Mode::Strict, Mode::Contract, Mode::Fast] {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    let error = "f16x".parse::<DType>().unwrap_err();
    assert_eq!(error.to_string(), "\"f16x\" is no dtype");
    assert!("quick".parse::<Mode>().is_err() && "avx3".parse::<Isa>().is_err());
    assert_eq!(Span::new(3, 7).to_string(), "3..7");
    assert!(format!("{:?}", Engine::default()).starts_with("Engine"));
}

#[test]
fn functions_are_described() {
    let all: Vec<_> = functions().collect();
    let find = |name: &str| all.iter().find(|f| f.names().any(|n| n == name));
    let arcsin = find("asin").unwrap();
    assert_eq!((arcsin.name, arcsin.ulp, arcsin.is_reduction), ("arcsin", Some(1.0), false));
    assert!(find("sum").is_some_and(|sum| sum.is_reduction && sum.ulp.is_none()));
    assert_eq!(find("divmod").unwrap().signature, "divmod(x, y)");
    assert!(find("isin").is_some() && find("integer_power").is_none());
    // Every name of a function can be called.
    for function in &all {
        for name in function.names() {
            let error = compile(&format!("{name}()")).unwrap_err();
            assert_ne!(error.kind(), ErrorKind::Name, "{error}");
        }
    }
}
