//! Outputs that are also inputs, or overlap them.

use hotloop::{Arg, DType, ErrorKind, Out};

use super::{engines, foreign};

#[test]
fn in_place() {
    for (name, engine) in engines() {
        for n in [1usize, 7, 64, 1000, 50_003] {
            let start: Vec<f64> = (0..n).map(|i| i as f64).collect();
            let mut x = start.clone();
            let program = engine.compile("x * 3 + k").unwrap();
            program.eval_into(("k", 0.5), &mut [Out::inout("x", &mut x)]).unwrap();
            let want: Vec<f64> = start.iter().map(|v| v * 3.0 + 0.5).collect();
            assert_eq!(x, want, "{name}, {n} elements");
            // Arguments by position omit the in-place input.
            program.eval_into([Arg::from(1.0)], &mut [Out::inout("x", &mut x)]).unwrap();
            assert_eq!(x[n - 1], want[n - 1] * 3.0 + 1.0, "{name}");
            // A reduction reads the whole input before any of it is written.
            let mut x = start.clone();
            let centred = engine.compile("x - mean(x)").unwrap();
            let none: [Arg; 0] = [];
            centred.eval_into(none, &mut [Out::inout("x", &mut x)]).unwrap();
            let mean = (n - 1) as f64 / 2.0;
            assert_eq!(
                x,
                start.iter().map(|v| v - mean).collect::<Vec<_>>(),
                "{name}, {n} elements"
            );
            // The input is written by the first output, and still read by the second.
            let mut x = start.clone();
            let mut y = vec![0.0; n];
            let two = engine.compile("x + 1, x * 2 + sum(x) * 0").unwrap();
            let none: [Arg; 0] = [];
            two.eval_into(none, &mut [Out::inout("x", &mut x), Out::from(&mut y)]).unwrap();
            assert_eq!(x, start.iter().map(|v| v + 1.0).collect::<Vec<_>>(), "{name}");
            assert_eq!(y, start.iter().map(|v| v * 2.0).collect::<Vec<_>>(), "{name}");
        }
        // Two in-place outputs exchange their arrays.
        let (mut a, mut b) = (vec![1i32; 5000], vec![2i32; 5000]);
        let swap = engine.compile("b = q; a = p; b, a").unwrap();
        let none: [Arg; 0] = [];
        swap.eval_into(none, &mut [Out::inout("p", &mut a), Out::inout("q", &mut b)]).unwrap();
        assert!(a.iter().all(|v| *v == 2) && b.iter().all(|v| *v == 1), "{name}");
        // A dtype of another width is an error; the array does not change.
        let mut narrow = [1f32; 4];
        let none: [Arg; 0] = [];
        let error = engine.compile("f64(x)").unwrap();
        let error = error.eval_into(none, &mut [Out::inout("x", &mut narrow)]).unwrap_err();
        assert_eq!((error.kind(), narrow), (ErrorKind::Type, [1.0; 4]), "{name}");
    }
}

/// An operand inside `memory`: its first element, its extents and its strides in elements.
struct Place {
    first: isize,
    shape: Vec<usize>,
    steps: Vec<isize>,
}

impl Place {
    fn elements(&self) -> Vec<usize> {
        let mut all = vec![self.first];
        for (extent, step) in self.shape.iter().zip(&self.steps) {
            all = all
                .iter()
                .flat_map(|at| (0..*extent as isize).map(move |i| at + i * step))
                .collect();
        }
        all.iter().map(|at| *at as usize).collect()
    }

    fn bytes(&self) -> Vec<isize> {
        self.steps.iter().map(|s| s * 8).collect()
    }
}

/// However an input overlaps the output, the result is as if it had been copied first.
#[test]
fn overlapping_inputs_and_outputs() {
    let line = |first, step, n| Place { first, shape: vec![n], steps: vec![step] };
    let grid =
        |first, rows, columns| Place { first, shape: vec![20, 20], steps: vec![rows, columns] };
    let n = 400;
    let cases = [
        ("the same", line(100, 1, n), line(100, 1, n)),
        ("one ahead", line(101, 1, n), line(100, 1, n)),
        ("one behind", line(99, 1, n), line(100, 1, n)),
        ("seven ahead", line(107, 1, n), line(100, 1, n)),
        ("half behind", line(0, 1, n), line(200, 1, n)),
        ("backwards", line(499, -1, n), line(100, 1, n)),
        ("backwards and shifted", line(450, -1, n), line(100, 1, n)),
        ("into backwards", line(100, 1, n), line(499, -1, n)),
        ("both backwards", line(498, -1, n), line(499, -1, n)),
        ("spread over dense", line(0, 2, n), line(100, 1, n)),
        ("dense over spread", line(100, 1, n), line(0, 2, n)),
        ("interleaved", line(1, 2, n), line(0, 2, n)),
        ("every third on every other", line(0, 3, 300), line(0, 2, 300)),
        ("all one element", line(300, 0, n), line(100, 1, n)),
        ("transposed", grid(0, 1, 20), grid(0, 20, 1)),
        ("rows backwards", grid(380, -20, 1), grid(0, 20, 1)),
        ("shifted by a row", grid(20, 20, 1), grid(0, 20, 1)),
        ("a row over all", grid(40, 0, 1), grid(0, 20, 1)),
        ("a column over all", grid(7, 20, 0), grid(0, 20, 1)),
        ("windows", grid(0, 1, 1), grid(0, 20, 1)),
    ];
    type Reference = fn(f64, f64) -> f64;
    let expressions: [(&str, Reference); 4] = [
        ("a * 2 + 1", |a, _| a * 2.0 + 1.0),
        ("sqrt(a) + floor(a / 3)", |a, _| a.sqrt() + (a / 3.0).floor()),
        ("a + sum(a) * 0", |a, _| a),
        ("(a + max(a)) / max(a)", |a, max| (a + max) / max),
    ];
    for (name, engine) in engines() {
        for (how, input, output) in &cases {
            for (text, of) in expressions {
                let mut memory: Vec<f64> = (0..1000).map(|i| f64::from(i % 611)).collect();
                let mut want = memory.clone();
                let values: Vec<f64> = input.elements().iter().map(|i| memory[*i]).collect();
                let max = values.iter().copied().fold(0.0, f64::max);
                for (at, value) in output.elements().iter().zip(&values) {
                    want[*at] = of(*value, max);
                }
                let base = memory.as_mut_ptr();
                // SAFETY: all elements are inside `memory`, which nothing else accesses now.
                unsafe {
                    let a = Arg::raw(
                        base.offset(input.first).cast(),
                        &input.shape,
                        &input.bytes(),
                        DType::F64,
                    );
                    let out = Out::raw(
                        base.offset(output.first).cast(),
                        &output.shape,
                        &output.bytes(),
                        DType::F64,
                    );
                    engine.compile(text).unwrap().eval_into([a], &mut [out]).unwrap();
                }
                assert_eq!(memory, want, "{text}, {how}, {name}");
            }
        }
    }
}

#[test]
fn overlap_of_another_dtype() {
    // The output has the bytes of the input, with elements of half or of twice the width.
    for (name, engine) in engines() {
        let mut memory = [0u64; 600];
        let base = memory.as_mut_ptr().cast::<u8>();
        for i in 0..500usize {
            // SAFETY: all elements are inside `memory`.
            unsafe { base.add(4 * i).cast::<i32>().write(i as i32 - 250) };
        }
        // SAFETY: as above.
        unsafe {
            let a = Arg::raw(base, &[500], &[4], DType::I32);
            let out = Out::raw(base, &[500], &[8], DType::F64);
            engine.compile("f64(a) / 2").unwrap().eval_into([a], &mut [out]).unwrap();
        }
        for (i, bits) in memory[..500].iter().enumerate() {
            assert_eq!(f64::from_bits(*bits), (i as f64 - 250.0) / 2.0, "{name}, element {i}");
        }
        let base = memory.as_mut_ptr().cast::<u8>();
        // SAFETY: as above.
        unsafe {
            let a = Arg::raw(base, &[500], &[8], DType::F64);
            let out = Out::raw(base.add(400), &[500], &[1], DType::I8);
            engine.compile("i8(a)").unwrap().eval_into([a], &mut [out]).unwrap();
            for i in 0..500usize {
                let want = ((i as f64 - 250.0) / 2.0) as i8;
                assert_eq!(base.add(400 + i).cast::<i8>().read(), want, "{name}, element {i}");
            }
        }
    }
}

#[test]
fn byte_swapped_in_place() {
    for (name, engine) in engines() {
        for (text, of) in
            [("x * 2", (|v, _| v * 2.0) as fn(f64, f64) -> f64), ("x - max(x)", |v, max| v - max)]
        {
            let values: Vec<f64> = (0..5000).map(f64::from).collect();
            let mut file = foreign(&values);
            // SAFETY: the bytes of the elements.
            let out = unsafe { Out::raw(file.as_mut_ptr(), &[5000], &[8], DType::F64) };
            let none: [Arg; 0] = [];
            let mut outs = [Out::inout("x", out.byte_swapped())];
            engine.compile(text).unwrap().eval_into(none, &mut outs).unwrap();
            let want: Vec<f64> = values.iter().map(|v| of(*v, 4999.0)).collect();
            assert!(file == foreign(&want), "{text} on {name}");
        }
    }
}
