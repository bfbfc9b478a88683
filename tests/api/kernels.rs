//! Kernels and bound kernels.

use hotloop::ndarray;
use hotloop::types::Kind;
use hotloop::{Arg, ArgType, DType, ErrorKind, Kernel, Out, compile};

use super::{engines, types};

#[test]
fn bound_once_and_run_with_changing_data() {
    for (name, engine) in engines() {
        let program = engine.compile("y = a * k + sum(a); y, k * 2").unwrap();
        let kernel = program
            .specialize(&[("a", ArgType::array(DType::F64)), ("k", ArgType::scalar(DType::F64))])
            .unwrap();
        assert_eq!(kernel.is_native(), name != "interpreter");
        assert_eq!(kernel.types(), [ArgType::array(DType::F64), ArgType::scalar(DType::F64)]);
        let n = 5000;
        let (mut a, mut k) = (vec![0.0f64; n], 0.0f64);
        let (mut y, mut twice) = (vec![0.0f64; n], 0.0f64);
        let (a_pointer, k_pointer) = (a.as_mut_ptr(), &raw mut k);
        let (y_pointer, twice_pointer) = (y.as_mut_ptr(), &raw mut twice);
        // SAFETY: the arrays outlive the bound kernel, and change only between runs.
        let (args, outs) = unsafe {
            (
                [
                    ("a", Arg::raw(a_pointer.cast(), &[n], &[8], DType::F64)),
                    ("k", Arg::raw(k_pointer.cast(), &[], &[], DType::F64)),
                ],
                [
                    Out::raw(y_pointer.cast(), &[n], &[8], DType::F64),
                    Out::raw(twice_pointer.cast(), &[], &[], DType::F64),
                ],
            )
        };
        let mut bound = kernel.bind(args, outs).unwrap();
        for round in 0..5 {
            // SAFETY: no run is under way.
            unsafe {
                for i in 0..n {
                    a_pointer.add(i).write((i % 7 + round) as f64);
                }
                k_pointer.write(round as f64);
            }
            bound.run().unwrap();
            let sum: f64 = (0..n).map(|i| (i % 7 + round) as f64).sum();
            for i in 0..n {
                let want = (i % 7 + round) as f64 * round as f64 + sum;
                // SAFETY: as above.
                let got = unsafe { y_pointer.add(i).read() };
                assert_eq!(got, want, "{name}, round {round}, element {i}");
            }
            // SAFETY: as above.
            assert_eq!(unsafe { twice_pointer.read() }, 2.0 * round as f64, "{name}");
        }
    }
}

#[test]
fn kernels_serve_other_shapes() {
    for (name, engine) in engines() {
        let program = engine.compile("a + b").unwrap();
        let kernel: Kernel =
            program.specialize(&types(&[("a", DType::I64), ("b", DType::I64)])).unwrap();
        let run = |a: &ndarray::ArrayD<i64>, b: &ndarray::ArrayD<i64>, shape: &[usize]| {
            let mut y = ndarray::ArrayD::<i64>::zeros(shape);
            kernel.bind([Arg::from(a), Arg::from(b)], [&mut y]).unwrap().run().unwrap();
            assert_eq!(y, a + b, "{name}, {shape:?}");
        };
        let of = |shape: &[usize]| {
            let n: usize = shape.iter().product();
            ndarray::ArrayD::from_shape_vec(shape, (0..n as i64).collect()).unwrap()
        };
        run(&of(&[5]), &of(&[5]), &[5]);
        run(&of(&[300]), &of(&[300]), &[300]);
        run(&of(&[2, 3, 4]), &of(&[2, 3, 4]), &[2, 3, 4]);
        run(&of(&[0, 3]), &of(&[0, 3]), &[0, 3]);
        // Shapes that broadcast, although the types say that both are the same.
        run(&of(&[3]), &of(&[2, 1]), &[2, 3]);
        run(&of(&[4, 1, 2]), &of(&[3, 1]), &[4, 3, 2]);
        run(&of(&[1]), &of(&[7]), &[7]);
    }
}

#[test]
fn kernels_refuse_other_dtypes() {
    let program = compile("a + b").unwrap();
    let kernel = program.specialize(&types(&[("a", DType::F64), ("b", DType::F64)])).unwrap();
    let (x, narrow) = ([1.0, 2.0], [1f32, 2.0]);
    let mut y = [0.0; 2];
    let error = kernel.bind([Arg::from(&x), Arg::from(&narrow)], [&mut y]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert!(error.message().contains("'b' is f32"), "{error}");
    let error = kernel.bind([Arg::from(&x), 1.0.into()], [&mut y]).err().unwrap();
    assert!(error.message().contains("'b' is weak f64"), "{error}");
}

#[test]
fn specialize_wants_each_input_once() {
    let program = compile("a + b").unwrap();
    let f64s = ArgType::array(DType::F64);
    let missing = program.specialize(&[("a", f64s)]).err().unwrap();
    assert_eq!((missing.kind(), missing.message()), (ErrorKind::Name, "missing the type of 'b'"));
    let unknown = program.specialize(&[("a", f64s), ("b", f64s), ("c", f64s)]).err().unwrap();
    assert_eq!(
        (unknown.kind(), unknown.message()),
        (ErrorKind::Name, "the program has no input 'c'")
    );
    let minus = compile("a - b").unwrap();
    let bools = ArgType::array(DType::Bool);
    let error = minus.specialize(&[("a", bools), ("b", bools)]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert_eq!(error.span().map(|s| s.range()), Some(0..5));
    // Arguments in any order.
    assert!(program.specialize(&[("b", f64s), ("a", ArgType::weak(Kind::Int))]).is_ok());
}

#[test]
fn one_kernel_for_arrays_of_any_rank() {
    for (name, engine) in engines() {
        let program = engine.compile("sum(a, axis=-1) / 2, a[..., ::-1]").unwrap();
        let kernel = program.specialize(&types(&[("a", DType::F64)])).unwrap();
        for shape in [vec![4], vec![3, 4], vec![2, 3, 4], vec![1, 2, 1, 5]] {
            let a = ndarray::ArrayD::from_shape_fn(shape.clone(), |i| i[shape.len() - 1] as f64);
            let last = shape[shape.len() - 1];
            let sum = (last * (last - 1) / 2) as f64;
            let mut halves = ndarray::ArrayD::<f64>::zeros(&shape[..shape.len() - 1]);
            let mut turned = ndarray::ArrayD::<f64>::zeros(shape.clone());
            kernel.bind([&a], [&mut halves, &mut turned]).unwrap().run().unwrap();
            assert!(halves.iter().all(|v| *v == sum / 2.0), "{name}, {shape:?}");
            let want = a.mapv(|v| (last - 1) as f64 - v);
            assert_eq!(turned, want, "{name}, {shape:?}");
        }
    }
}
