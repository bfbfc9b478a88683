//! D. Shapes and strides.

use hotloop::{Arg, DType, ErrorKind, Out, compile, ndarray};

use super::{engines, eval, everywhere, expect, same};

#[test]
fn d1_shapes_that_do_not_fit() {
    let (three, four) = ([0.0; 3], [0.0; 4]);
    let error =
        compile("left + right").unwrap().eval([Arg::from(&three), Arg::from(&four)]).unwrap_err();
    expect(&error, ErrorKind::Shape, "'left' (3,) and 'right' (4,)");
    let (wide, tall) =
        (ndarray::Array2::<f64>::zeros((2, 3)), ndarray::Array2::<f64>::zeros((3, 2)));
    let error = compile("a + b").unwrap().eval([Arg::from(&wide), Arg::from(&tall)]).unwrap_err();
    expect(&error, ErrorKind::Shape, "'a' (2, 3) and 'b' (3, 2)");
}

#[test]
fn d1_shapes_that_do_not_fit_what_was_reduced_or_viewed() {
    let grid = ndarray::Array2::<f64>::zeros((3, 4));
    for (text, shown) in [
        ("a - sum(a, axis=1)", "(3, 4) and (3,)"),
        ("a + transpose(a)", "(3, 4) and (4, 3)"),
        ("a[1:] * a[:, 1:]", "(2, 4) and (3, 3)"),
        ("sum(a, axis=0) + sum(a, axis=1)", "(4,) and (3,)"),
    ] {
        for (name, engine) in engines() {
            let error = engine.compile(text).unwrap().eval([Arg::from(&grid)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Shape, "{text} on {name}: {error}");
            assert!(error.to_string().contains(shown), "{text} on {name}: {error}");
        }
    }
}

#[test]
fn d2_negative_strides() {
    let a: Vec<f64> = (0..5000).map(f64::from).collect();
    let view = ndarray::ArrayView1::from(&a);
    let reversed = view.slice(ndarray::s![..;-1]);
    let want: Vec<f64> = (0..5000).map(|i| f64::from(i) - 2.0 * f64::from(4999 - i)).collect();
    assert_eq!(eval::<f64>("a - 2 * b", &[("a", (&a).into()), ("b", reversed.into())]), want);
    let grid = ndarray::Array2::from_shape_fn((50, 70), |(i, j)| (100 * i + j) as i64);
    let mixed = grid.slice(ndarray::s![..;-1, ..;2]);
    let want: Vec<i64> = mixed.iter().map(|v| v * 3).collect();
    assert_eq!(eval::<i64>("a * 3", &[("a", mixed.into())]), want);
}

#[test]
fn d2_negative_strides_reduced_and_viewed() {
    let grid = ndarray::Array2::from_shape_fn((50, 70), |(i, j)| (100 * i + j) as i64);
    let turned = grid.slice(ndarray::s![..;-1, ..;-2]);
    let args = [("a", turned.into())];
    let down: Vec<i64> = turned.columns().into_iter().map(|c| c.sum()).collect();
    let across: Vec<i64> = turned.rows().into_iter().map(|r| r.sum()).collect();
    assert_eq!(eval::<i64>("sum(a, axis=0)", &args), down);
    assert_eq!(eval::<i64>("sum(a, axis=-1)", &args), across);
    assert_eq!(eval::<i64>("argmax(a, axis=0)", &args), vec![0; 35]);
    assert_eq!(eval::<i64>("argmin(a, axis=1)", &args), vec![34; 50]);
    // Reversing twice has no effect.
    let forwards: Vec<i64> = grid.slice(ndarray::s![.., 1..;2]).iter().copied().collect();
    assert_eq!(eval::<i64>("a[::-1, ::-1]", &args), forwards);
    let want: Vec<i64> = turned.t().iter().map(|v| 2 * v).collect();
    assert_eq!(eval::<i64>("transpose(a + a)", &args), want);
}

#[test]
fn d3_zero_strides() {
    let y = eval::<f64>("a + b", &[("a", everywhere(&1.5, 5000)), ("b", 1.0.into())]);
    assert_eq!(y, vec![2.5; 5000]);
    let mut one = [7.0];
    // SAFETY: the output is rejected before it is written.
    let out = unsafe { Out::raw(one.as_mut_ptr().cast(), &[4], &[0], DType::F64) };
    let error = compile("a + 1").unwrap().eval_into([everywhere(&1.5, 4)], &mut [out]).unwrap_err();
    expect(&error, ErrorKind::Alias, "output 0 overlaps itself");
    assert_eq!(one, [7.0]);
    // Strides with which different indices have the same address.
    let mut memory = [0.0; 16];
    // SAFETY: as above.
    let out = unsafe { Out::raw(memory.as_mut_ptr().cast(), &[4, 4], &[8, 16], DType::F64) };
    let grid = ndarray::Array2::<f64>::zeros((4, 4));
    let error = compile("a + 1").unwrap().eval_into([Arg::from(&grid)], &mut [out]).unwrap_err();
    expect(&error, ErrorKind::Alias, "overlaps itself");
    assert_eq!(memory, [0.0; 16]);
}

#[test]
fn d3_zero_strides_reduced() {
    let row: Vec<i32> = (0..700).collect();
    let column: Vec<i32> = (0..300).collect();
    // SAFETY: all elements are in the lists, which outlive the arguments.
    let wide = unsafe { Arg::raw(row.as_ptr().cast(), &[300, 700], &[0, 4], DType::I32) };
    // SAFETY: as above.
    let tall = unsafe { Arg::raw(column.as_ptr().cast(), &[300, 700], &[4, 0], DType::I32) };
    let args = [("a", wide), ("b", tall)];
    let down: Vec<i64> = row.iter().map(|v| 300 * i64::from(*v) + 299 * 150).collect();
    assert_eq!(eval::<i64>("sum(a + b, axis=0)", &args), down);
    let across: Vec<i64> = column.iter().map(|v| 700 * i64::from(*v) + 699 * 350).collect();
    assert_eq!(eval::<i64>("sum(a + b, axis=1)", &args), across);
    assert_eq!(eval::<i32>("max(a, axis=1)", &args), vec![699; 300]);
    assert_eq!(eval::<i64>("argmax(b, axis=1)", &args), vec![0; 300]);
    assert_eq!(eval::<i32>("(a * b)[-1]", &args), row.iter().map(|v| v * 299).collect::<Vec<_>>());
    // Results of reductions that overlap each other are rejected, like any output.
    let mut one = [7i64; 2];
    // SAFETY: the output is rejected before it is written.
    let out = unsafe { Out::raw(one.as_mut_ptr().cast(), &[700], &[0], DType::I64) };
    let error = compile("sum(a, axis=0)").unwrap().eval_into(&args[..1], &mut [out]).unwrap_err();
    expect(&error, ErrorKind::Alias, "output 0 overlaps itself");
    assert_eq!(one, [7; 2]);
}

#[test]
fn d4_misaligned_and_packed() {
    // A packed struct of (u8, f64, i32): no field is aligned.
    const ROW: usize = 13;
    let n = 3000;
    let mut rows = vec![0xa5u8; n * ROW + 1];
    for i in 0..n {
        let at = 1 + i * ROW;
        rows[at] = i as u8;
        rows[at + 1..at + 9].copy_from_slice(&(i as f64 / 4.0).to_le_bytes());
        rows[at + 9..at + 13].copy_from_slice(&(-(i as i32)).to_le_bytes());
    }
    // SAFETY: every element is inside `rows`.
    let field = |offset: usize, dtype| unsafe {
        Arg::raw(rows.as_ptr().add(1 + offset), &[n], &[ROW as isize], dtype)
    };
    let args =
        [("k", field(0, DType::U8)), ("x", field(1, DType::F64)), ("i", field(9, DType::I32))];
    let y = eval::<f64>("x * 4 + i + k", &args);
    assert_eq!(y, (0..n).map(|i| f64::from(i as u8)).collect::<Vec<_>>());
    // Contiguous inputs and outputs, one to seven bytes off their alignment.
    for offset in 1..8 {
        let mut input = vec![0u8; 8 * 500 + 8];
        for i in 0..500 {
            input[offset + 8 * i..][..8].copy_from_slice(&(i as f64).to_le_bytes());
        }
        for (name, engine) in engines() {
            let mut output = vec![0u8; 8 * 500 + 16];
            // SAFETY: both arrays have 500 elements after the offset.
            unsafe {
                let a = Arg::raw(input.as_ptr().add(offset), &[500], &[8], DType::F64);
                let out = Out::raw(output.as_mut_ptr().add(offset), &[500], &[8], DType::F64);
                engine.compile("a * 2 + 1").unwrap().eval_into([a], &mut [out]).unwrap();
            }
            for i in 0..500 {
                let bytes = <[u8; 8]>::try_from(&output[offset + 8 * i..][..8]).unwrap();
                assert_eq!(
                    f64::from_le_bytes(bytes),
                    i as f64 * 2.0 + 1.0,
                    "{name}, offset {offset}"
                );
            }
            assert!(
                output[..offset].iter().chain(&output[offset + 4000..]).all(|b| *b == 0),
                "{name}"
            );
        }
    }
}

#[test]
fn d4_misaligned_and_packed_reduced() {
    // A grid of packed structs of (u8, f64, i32), one byte off.
    const ROW: usize = 13;
    let (rows, columns) = (90, 130);
    let mut memory = vec![0xa5u8; rows * columns * ROW + 1];
    for i in 0..rows * columns {
        let at = 1 + i * ROW;
        memory[at + 1..at + 9].copy_from_slice(&((i % 1000) as f64 / 4.0).to_le_bytes());
        memory[at + 9..at + 13].copy_from_slice(&(-(i as i32)).to_le_bytes());
    }
    let strides = [(columns * ROW) as isize, ROW as isize];
    // SAFETY: every element is inside `memory`.
    let field = |offset: usize, dtype| unsafe {
        Arg::raw(memory.as_ptr().add(1 + offset), &[rows, columns], &strides, dtype)
    };
    let args = [("x", field(1, DType::F64)), ("i", field(9, DType::I32))];
    let x = ndarray::Array2::from_shape_fn((rows, columns), |(r, c)| {
        ((r * columns + c) % 1000) as f64 / 4.0
    });
    // Multiples of 1/4, whose sums are exact in any order.
    same(&eval("sum(x, axis=0)", &args), &x.sum_axis(ndarray::Axis(0)).to_vec());
    same(&eval("sum(x, axis=1)", &args), &x.sum_axis(ndarray::Axis(1)).to_vec());
    same(&eval("transpose(x)[1:, ::-1]", &args), &{
        let view = x.slice(ndarray::s![..;-1, 1..]);
        view.t().iter().copied().collect::<Vec<_>>()
    });
    let least: Vec<i32> = (0..rows).map(|r| -((r * columns + columns - 1) as i32)).collect();
    assert_eq!(eval::<i32>("min(i, axis=-1)", &args), least);
    // Results at odd addresses, with other bytes between them.
    for (name, engine) in engines() {
        let mut output = vec![0x77u8; 11 * columns + 3];
        // SAFETY: the results are inside `output`.
        let out = unsafe { Out::raw(output.as_mut_ptr().add(3), &[columns], &[11], DType::F64) };
        engine.compile("max(x, axis=0)").unwrap().eval_into(&args[..], &mut [out]).unwrap();
        for (c, bytes) in output[3..].chunks_exact(11).enumerate() {
            let got = f64::from_le_bytes(bytes[..8].try_into().unwrap());
            assert_eq!(got, x.column(c).iter().copied().fold(0.0, f64::max), "{name}, column {c}");
            assert_eq!(bytes[8..], [0x77; 3], "{name}, column {c}");
        }
    }
}
