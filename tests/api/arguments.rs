//! Arguments: names, kinds of arrays, dtypes.

use hotloop::ndarray::{self, Array2, array, s};
use hotloop::{Arg, DType, Out, compile};

use super::{engines, foreign};

#[test]
fn inputs_and_outputs_have_names_in_order() {
    let program = compile("mid = (bid + ask) / 2; w = mid * volume; mid, w + bid, volume").unwrap();
    assert!(program.inputs().eq(["bid", "ask", "volume"]));
    assert!(program.outputs().eq([Some("mid"), None, Some("volume")]));
    let bindings = compile("x = a + 1; def f(y) = y * 2; z = f(x)").unwrap();
    assert!(bindings.outputs().eq([Some("x"), Some("z")]));
    assert_eq!(bindings.text(), "x = a + 1; def f(y) = y * 2; z = f(x)");
    assert_eq!(compile("1 + 2").unwrap().inputs().len(), 0);
    assert!(compile("x = b; a").unwrap().inputs().eq(["b", "a"]));
}

#[test]
fn eval_by_name_and_by_position() {
    let (a, b) = ([5.0, 7.0], [2.0, 3.0]);
    let program = compile("a - b").unwrap();
    let named = program.eval_as::<f64>([("b", &b), ("a", &a)]).unwrap();
    let placed = program.eval_as::<f64>([Arg::from(&a), Arg::from(&b)]).unwrap();
    assert_eq!(named, placed);
    assert_eq!(named, array![3.0, 4.0].into_dyn());
    // As slices, whose length is not known at compile time.
    let list: Vec<(&str, Arg)> = vec![("a", (&a).into()), ("b", (&b).into()), ("c", 1.0.into())];
    assert_eq!(program.eval_as::<f64>(list.as_slice()).unwrap(), named);
    let list: Vec<Arg> = vec![(&b).into(), (&a).into()];
    assert_eq!(program.eval_as::<f64>(list.as_slice()).unwrap(), -&named);
}

#[test]
fn arguments_come_from_arrays_of_all_sorts() {
    let double = compile("a * 2").unwrap();
    let run = |arg: Arg| double.eval_as::<i32>([arg]).unwrap();
    let want = array![2, 4, 6].into_dyn();
    let (owned, list, slice) = (array![1, 2, 3], vec![1, 2, 3], [1, 2, 3]);
    assert_eq!(run((&owned).into()), want);
    assert_eq!(run(owned.view().into()), want);
    assert_eq!(run((&owned.clone().into_shared()).into()), want);
    assert_eq!(run((&owned.clone().into_dyn()).into()), want);
    assert_eq!(run((&list).into()), want);
    assert_eq!(run((&slice).into()), want);
    assert_eq!(run(slice[..].into()), want);
    assert_eq!(run(Arg::typed(21)), ndarray::arr0(42).into_dyn());
    let grid = array![[1, 2, 3], [4, 5, 6]];
    assert_eq!(run((&grid).into()), (&grid * 2).into_dyn());
    assert_eq!(run(grid.t().into()), (grid.t().to_owned() * 2).into_dyn());
    assert_eq!(run(grid.slice(s![.., ..;-2]).into()), array![[6, 2], [12, 8]].into_dyn());
    // SAFETY: the view is the middle column of the grid.
    let column = unsafe { Arg::raw((&raw const grid[[0, 1]]).cast(), &[2], &[12], DType::I32) };
    assert_eq!(run(column), array![4, 10].into_dyn());
}

#[test]
fn every_dtype_goes_in_and_comes_out() {
    let same = compile("a").unwrap();
    macro_rules! check {
        ($($t:ty: $values:expr),*) => {$({
            let values: Vec<$t> = $values.into();
            for (name, engine) in engines() {
                let program = engine.compile(same.text()).unwrap();
                let mut outputs = program.eval([Arg::from(&values)]).unwrap();
                assert_eq!(outputs[0].dtype().name(), stringify!($t));
                assert_eq!(outputs[0].view::<$t>().unwrap().as_slice().unwrap(), values, "{name}");
                assert_eq!(outputs.take::<$t>(0).unwrap().into_raw_vec_and_offset().0, values);
            }
        })*};
    }
    check!(bool: [true, false, true], i8: [-128, 127], i16: [-32768, 7], i32: [i32::MIN, 0], i64: [i64::MIN, 1],
        u8: [255, 0], u16: [65535], u32: [u32::MAX, 2], u64: [u64::MAX], f32: [0.1, f32::MAX], f64: [0.1, -0.0]);
}

#[test]
fn byte_swapped_arrays_in_and_out() {
    let values: Vec<f64> = (0..6000).map(|i| f64::from(i) * 0.25).collect();
    let file = foreign(&values);
    // SAFETY: the bytes of the elements, which outlive the argument.
    let x = || unsafe { Arg::raw(file.as_ptr(), &[60, 100], &[800, 8], DType::F64) }.byte_swapped();
    let grid = Array2::from_shape_vec((60, 100), values.clone()).unwrap();
    for text in [
        "x * 2 + 1",
        "transpose(x)[::-1]",
        "sum(x, axis=0)",
        "max(x, axis=1, keepdims=True)",
        "mean(x)",
        "x - mean(x, axis=0)",
        "x[1:, ::2]",
    ] {
        for (name, engine) in engines() {
            let program = engine.compile(text).unwrap();
            let want = program.eval_as::<f64>([Arg::from(&grid)]).unwrap();
            assert_eq!(program.eval_as::<f64>([x()]).unwrap(), want, "{text} on {name}");
            // An output in the opposite byte order has the bytes of swapping afterwards.
            let mut bytes = vec![0u8; want.len() * 8];
            let strides: Vec<isize> = want.strides().iter().map(|s| s * 8).collect();
            // SAFETY: there are bytes for the elements of the result, in C order.
            let out = unsafe { Out::raw(bytes.as_mut_ptr(), want.shape(), &strides, DType::F64) };
            program.eval_into([x()], &mut [out.byte_swapped()]).unwrap();
            let swapped = foreign(want.as_slice_memory_order().unwrap());
            assert!(bytes == swapped, "{text} on {name}, out in the other order");
        }
    }
    // Swapping twice has no effect, and a number stays a number.
    let (twice, k) =
        (Arg::from(&grid).byte_swapped().byte_swapped(), Arg::from(1.0).byte_swapped());
    let y = compile("x[0] + k").unwrap().eval_as::<f64>([("x", twice), ("k", k)]).unwrap();
    assert_eq!(y, (&grid.row(0) + 1.0).into_dyn());
}
