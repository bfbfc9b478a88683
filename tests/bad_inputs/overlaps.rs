//! D. Inputs and outputs that overlap.

use hotloop::{Arg, Backend, DType, Engine, ErrorKind, Out, compile, ndarray};
use hotloop_testing::generator::data::Rng;

use super::{engines, expect};

#[test]
fn d5_d6_inputs_that_are_outputs() {
    // The same array, and every shift of it, as if the inputs had been copied first.
    let n = 600;
    for (name, engine) in engines() {
        for shift in [-300isize, -64, -7, -1, 0, 1, 2, 8, 63, 299] {
            for stride in [1isize, -1] {
                let mut memory: Vec<f64> = (0..3 * n).map(|i| i as f64).collect();
                let at = |i: isize| {
                    (n as isize + shift + if stride < 0 { n as isize - 1 - i } else { i }) as usize
                };
                let mut want = memory.clone();
                for i in 0..n {
                    want[n + i] = memory[at(i as isize)] * 2.0 + 0.5 + memory[n + i];
                }
                let base = memory.as_mut_ptr().cast::<u8>();
                // SAFETY: all elements are inside `memory`, and the program gets both arrays.
                unsafe {
                    let input = Arg::raw(base.add(8 * at(0)), &[n], &[8 * stride], DType::F64);
                    let out = Out::raw(base.add(8 * n), &[n], &[8], DType::F64);
                    engine
                        .compile("a * 2 + 0.5 + b")
                        .unwrap()
                        .eval_into([("a", input)], &mut [Out::inout("b", out)])
                        .unwrap();
                }
                assert_eq!(memory, want, "{name}, shift {shift}, stride {stride}");
            }
        }
    }
}

/// A view of random shape and strides of a buffer.
#[derive(Clone, Debug)]
struct Window {
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
    offset: usize,
}

impl Window {
    /// A random view with this shape of a buffer of `bytes` bytes, if it fits; with `apart`, its
    /// elements do not overlap.
    fn random(
        rng: &mut Rng,
        buffer: usize,
        dtype: DType,
        shape: &[usize],
        apart: bool,
    ) -> Option<Window> {
        let size = dtype.size();
        let odd = rng.below(4) == 0;
        let mut axes: Vec<usize> = (0..shape.len()).rev().collect();
        let rank = shape.len() as u64;
        if rank > 0 && rng.below(2) == 0 {
            let swaps = rng.below(3);
            (0..swaps).for_each(|_| axes.swap(0, rng.below(rank) as usize));
        }
        let mut strides = vec![0isize; shape.len()];
        let (mut span, mut below) = (size, 0);
        for axis in axes {
            let step = match rng.below(6) {
                0 if !apart => 0,
                1 if !apart => size * rng.below(4) as usize,
                2 => span + size * rng.below(3) as usize + if odd { 1 } else { 0 },
                _ => span,
            };
            let reach = step * (shape[axis].max(1) - 1);
            span += reach;
            let back = rng.below(3) == 0;
            strides[axis] = if back { -(step as isize) } else { step as isize };
            below += if back { reach } else { 0 };
        }
        let room = buffer.checked_sub(span)? as u64;
        // Mostly near the start, so that views overlap.
        let near = if rng.below(2) == 0 { room.min(40) } else { room };
        let start = rng.below(near + 1) as usize;
        let start = if odd { start } else { start / size * size };
        Some(Window { dtype, shape: shape.to_vec(), strides, offset: start + below })
    }

    /// The offsets in the buffer of the elements, in C order.
    fn places(&self) -> Vec<usize> {
        let mut places = vec![self.offset as isize];
        for (extent, stride) in self.shape.iter().zip(&self.strides) {
            let along = |at: isize| (0..*extent as isize).map(move |i| at + i * stride);
            places = places.into_iter().flat_map(along).collect();
        }
        places.into_iter().map(|at| at as usize).collect()
    }

    fn elements(&self, buffer: &[u8]) -> Vec<u8> {
        let size = self.dtype.size();
        self.places().into_iter().flat_map(|at| &buffer[at..at + size]).copied().collect()
    }
}

/// An array with copies of the elements.
fn copied<'a>(window: &Window, elements: &'a [u8]) -> Arg<'a> {
    let mut strides = vec![0isize; window.shape.len()];
    let mut step = window.dtype.size();
    for (stride, extent) in strides.iter_mut().zip(&window.shape).rev() {
        *stride = step as isize;
        step *= extent;
    }
    // SAFETY: there are as many elements as in the shape, and they outlive the argument.
    unsafe { Arg::raw(elements.as_ptr(), &window.shape, &strides, window.dtype) }
}

/// The programs, each with a function from the shape of `a` to that of the output; `b` has the
/// shape of `a`.
type Overlapping = (&'static str, fn(&[usize]) -> Vec<usize>);

const OVERLAPPING: [Overlapping; 16] = [
    ("a * 3 + 1", <[usize]>::to_vec),
    ("a * 3 + b", <[usize]>::to_vec),
    ("abs(a) // 3 + b", <[usize]>::to_vec),
    ("a - b[..., ::-1]", <[usize]>::to_vec),
    ("a[::-1] + b * 2", <[usize]>::to_vec),
    ("transpose(a) + 1", |shape| shape.iter().rev().copied().collect()),
    ("a - a[:1]", <[usize]>::to_vec),
    ("a + b[..., -1:] * 2", <[usize]>::to_vec),
    ("max(a, axis=0)", |shape| shape[1..].to_vec()),
    ("max(a + b, axis=-1)", |shape| shape[..shape.len() - 1].to_vec()),
    ("min(a, axis=0, keepdims=True)", |shape| [&[1], &shape[1..]].concat()),
    ("min(transpose(a), axis=0)", |shape| shape[..shape.len() - 1].iter().rev().copied().collect()),
    ("a - max(b, axis=0)", <[usize]>::to_vec),
    (
        "m = max(a, axis=-1, keepdims=True); b + min(a + m, axis=-1, keepdims=True) - m",
        <[usize]>::to_vec,
    ),
    ("a - max(b) + min(a)", <[usize]>::to_vec),
    ("t = max(a, axis=0); t - min(t)", |shape| shape[1..].to_vec()),
];

/// Random views of one buffer as inputs and output: the result is as if the inputs had been copied
/// first.
#[test]
fn d6_random_overlaps() {
    let oracle = Engine::builder().backend(Backend::Interpreter).build();
    let (mut done, mut met, mut seed) = (0usize, 0usize, 0u64);
    while done < 3000 {
        seed += 1;
        let rng = &mut Rng(seed);
        let dtype = [DType::F64, DType::I16, DType::U8, DType::F32][rng.below(4) as usize];
        let shape: Vec<usize> = match rng.below(6) {
            0 => vec![1 + rng.below(300) as usize],
            1 => vec![1 + rng.below(5000) as usize],
            2 | 3 => vec![1 + rng.below(40) as usize, 1 + rng.below(80) as usize],
            4 => [5, 9, 17].map(|n| 1 + rng.below(n) as usize).into(),
            _ => vec![1 + rng.below(3) as usize, 500 + rng.below(900) as usize],
        };
        let (text, shape_of) = OVERLAPPING[rng.below(16) as usize];
        let size = dtype.size();
        let count: usize = shape.iter().product();
        let bytes = (count + rng.below(2 * count as u64 + 40) as usize) * size + 16;
        let mut window = |shape: &[usize], apart| Window::random(rng, bytes, dtype, shape, apart);
        let Some(out) = window(&shape_of(&shape), true) else { continue };
        let (Some(mut a), Some(mut b)) = (window(&shape, false), window(&shape, false)) else {
            continue;
        };
        // Sometimes the input is exactly the output.
        match rng.below(5) {
            0 if out.shape == a.shape => a = out.clone(),
            1 if out.shape == b.shape => b = out.clone(),
            _ => {}
        }
        // Small integers, so that every dtype can represent the results.
        let mut before = vec![0u64; bytes.div_ceil(8)];
        // SAFETY: words have no padding, and every byte pattern is a valid word.
        let memory = unsafe {
            std::slice::from_raw_parts_mut(before.as_mut_ptr().cast::<u8>(), 8 * before.len())
        };
        for byte in memory.iter_mut() {
            *byte = rng.below(9) as u8;
        }
        if dtype.is_float() {
            for window in [&a, &b] {
                for at in window.places() {
                    let value = rng.below(60) as f64;
                    let bits =
                        if size == 8 { value.to_bits() } else { (value as f32).to_bits().into() };
                    memory[at..at + size].copy_from_slice(&bits.to_le_bytes()[..size]);
                }
            }
        }
        let (x, y) = (a.elements(memory), b.elements(memory));
        let args = [("a", copied(&a, &x)), ("b", copied(&b, &y))];
        let expected = oracle.compile(text).unwrap().eval(&args[..]).unwrap();
        let mut want = memory.to_vec();
        for (at, element) in out.places().into_iter().zip(expected[0].bytes().chunks_exact(size)) {
            want[at..at + size].copy_from_slice(element);
        }
        let all = engines();
        for (name, engine) in [&all[0], &all[1 + seed as usize % (all.len() - 1)]] {
            let mut buffer = before.clone();
            let base = buffer.as_mut_ptr().cast::<u8>();
            let whole = buffer.len() * 8;
            // SAFETY: all views are inside the buffer, which nothing else accesses meanwhile.
            let got = unsafe {
                let arg = |w: &Window| Arg::raw(base.add(w.offset), &w.shape, &w.strides, w.dtype);
                let mut target =
                    Out::raw(base.add(out.offset), &out.shape, &out.strides, expected[0].dtype());
                let mut args = vec![("a", arg(&a)), ("b", arg(&b))];
                if a.strides == out.strides && a.offset == out.offset && a.shape == out.shape {
                    target = Out::inout("a", target);
                    args.remove(0);
                }
                let result = engine.compile(text).unwrap().eval_into(&args[..], &mut [target]);
                let shown = format!("seed {seed}: {text}\na {a:?}\nb {b:?}\nout {out:?}\n{name}");
                result.unwrap_or_else(|e| panic!("{shown}: {e}"));
                (std::slice::from_raw_parts(base, whole).to_vec(), shown)
            };
            let (got, shown) = got;
            if let Some(at) = got.iter().zip(&want).position(|(got, want)| got != want) {
                let inside = out.places().iter().position(|p| (*p..*p + size).contains(&at));
                panic!("{shown}: byte {at}, of element {inside:?}, is wrong");
            }
        }
        let written: std::collections::BTreeSet<usize> = out.places().into_iter().collect();
        met += usize::from(a.places().iter().any(|at| written.contains(at)));
        done += 1;
    }
    assert!(met > 1500, "only {met} of {done} inputs met the output");
}

/// Views of an in-place input.
#[test]
fn d6_views_of_an_inout_input() {
    let start = ndarray::Array2::from_shape_fn((70, 70), |(i, j)| ((i * 31 + j * 7) % 101) as f64);
    for text in [
        "transpose(x)",
        "x + transpose(x)",
        "x[::-1]",
        "x[:, ::-1] - x",
        "x - x[0]",
        "x - x[:, -1:]",
        "x - max(x, axis=0)",
        "x / (1 + max(x, axis=1, keepdims=True))",
        "m = max(x, axis=0, keepdims=True); s = max(abs(x - m), axis=1, keepdims=True); (x - m) / (s + 1)",
        "where(x > 50, x[::-1, ::-1], transpose(x))",
    ] {
        let mut wanted = None;
        for (name, engine) in engines() {
            let program = engine.compile(text).unwrap();
            let apart = program.eval_as::<f64>([Arg::from(&start)]).unwrap();
            let mut x = start.clone();
            let none: [Arg; 0] = [];
            program.eval_into(none, &mut [Out::inout("x", &mut x)]).unwrap();
            assert_eq!(x.into_dyn(), apart, "{text} on {name}");
            assert_eq!(*wanted.get_or_insert_with(|| apart.clone()), apart, "{text} on {name}");
        }
    }
}

/// Two outputs, each over a part of the input of both.
#[test]
fn d6_two_outputs_over_one_input() {
    for (name, engine) in engines() {
        for text in ["x + 1, max(x, axis=0)", "max(x, axis=1), x[::-1] * 2", "x - min(x), x[0]"] {
            let mut buffer: Vec<f64> = (0..4000).map(|i| f64::from(i * 37 % 211)).collect();
            let base = buffer.as_mut_ptr();
            let program = engine.compile(text).unwrap();
            let grid =
                ndarray::Array2::from_shape_vec((40, 50), buffer[100..2100].to_vec()).unwrap();
            let apart = program.eval([Arg::from(&grid)]).unwrap();
            // The larger output is over the second half of the input, the smaller one over its
            // beginning.
            let places = [0, 1].map(|i| if apart[i].shape().len() == 2 { 1100 } else { 130 });
            // SAFETY: all arrays are inside `buffer`, which nothing else accesses meanwhile.
            let mut outs = [0, 1].map(|i| unsafe {
                let strides: &[isize] = if apart[i].shape().len() == 2 { &[400, 8] } else { &[8] };
                Out::raw(base.add(places[i]).cast(), apart[i].shape(), strides, DType::F64)
            });
            // SAFETY: as above.
            let x = unsafe { Arg::raw(base.add(100).cast(), &[40, 50], &[400, 8], DType::F64) };
            program.eval_into([x], &mut outs).unwrap();
            for i in [0, 1] {
                let want = apart[i].view::<f64>().unwrap();
                let got = &buffer[places[i]..places[i] + want.len()];
                assert_eq!(got, want.as_slice().unwrap(), "output {i} of {text} on {name}");
            }
        }
    }
}

#[test]
fn d7_outputs_that_overlap() {
    let x = [1.0; 4];
    let program = compile("p = a + 1; q = a + 2").unwrap();
    let mut memory = [0.0; 8];
    let base = memory.as_mut_ptr().cast::<u8>();
    // SAFETY: the outputs are inside `memory`, and overlapping ones are rejected.
    let out = |first: usize, stride: isize| unsafe {
        Out::raw(base.add(8 * first), &[4], &[8 * stride], DType::F64)
    };
    for second in [0, 1, 3] {
        let error =
            program.eval_into([Arg::from(&x)], &mut [out(0, 1), out(second, 1)]).unwrap_err();
        expect(&error, ErrorKind::Alias, "'q' overlaps the output 'p'");
    }
    assert_eq!(memory, [0.0; 8]);
    // Interleaved outputs do not overlap.
    program.eval_into([Arg::from(&x)], &mut [out(0, 2), out(1, 2)]).unwrap();
    assert_eq!(memory, [2.0, 3.0, 2.0, 3.0, 2.0, 3.0, 2.0, 3.0]);
    program.eval_into([Arg::from(&x)], &mut [out(4, 1), out(3, -1)]).unwrap();
    assert_eq!(memory, [3.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0]);
}
