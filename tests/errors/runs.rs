//! Errors of runs: arguments, shapes, layouts, limits.

use std::time::Duration;

use hotloop::{
    Arg, ArgType, Backend, CancelToken, DType, Engine, Out, RunOptions, compile, ndarray,
};
use insta::assert_snapshot;

use super::{floats, ran, shown};

#[test]
fn missing_and_unknown_arguments() {
    assert_snapshot!(ran("bid + ask", &[("bid", floats())]), @r"
    NAME: error: missing the input 'ask'
      |
    1 | bid + ask
      |       ^^^
    ");
    assert_snapshot!(ran("price * 2", &[("prices", floats()), ("volume", floats())]), @r"
    NAME: error: missing the input 'price'
      |
    1 | price * 2
      | ^^^^^
      = help: there is an argument 'prices'
    ");
    let program = compile("a + b").unwrap();
    let error = program.eval([("a", floats()), ("a", floats()), ("b", floats())]).unwrap_err();
    assert_snapshot!(shown(&error), @"NAME: error: the argument 'a' is given twice");
    let error = program.specialize(&[("a", ArgType::array(DType::F64))]).err().unwrap();
    assert_snapshot!(shown(&error), @"NAME: error: missing the type of 'b'");
    let error = program.eval_into([floats()], &mut [Out::inout("c", &mut [0.0; 3])]).unwrap_err();
    assert_snapshot!(shown(&error), @"NAME: error: the program has no input 'c' to compute in place");
    let mut outputs = program.eval([floats(), floats()]).unwrap();
    assert_snapshot!(shown(&outputs.take::<f64>("y").unwrap_err()), @"NAME: error: there is no output 'y'");
    assert_snapshot!(shown(&outputs.take::<f64>(7).unwrap_err()), @"NAME: error: there is no output 7");
    outputs.take::<f64>(0).unwrap();
    assert_snapshot!(shown(&outputs.take::<f64>(0).unwrap_err()), @"TAKEN: error: the output was taken already");
}

#[test]
fn shapes() {
    let (two, three) = (|| Arg::from(&[1.0, 2.0]), || Arg::from(&[1.0, 2.0, 3.0]));
    let grid = ndarray::Array2::<f64>::zeros((2, 3));
    let tall = ndarray::Array2::<f64>::zeros((3, 2));
    assert_snapshot!(ran("left + right", &[("left", three()), ("right", two())]), @r"
    SHAPE: error: the shapes of 'left' (3,) and 'right' (2,) do not broadcast
      = help: axes are matched from the last; each pair must be equal or 1
    ");
    assert_snapshot!(ran("a * b", &[("a", (&grid).into()), ("b", (&tall).into())]), @r"
    SHAPE: error: the shapes of 'a' (2, 3) and 'b' (3, 2) do not broadcast
      = help: axes are matched from the last; each pair must be equal or 1
    ");
    assert_snapshot!(ran("sqrt(a) * b + c", &[("a", two()), ("b", two()), ("c", three())]), @r"
    SHAPE: error: the shapes of 'a' (2,) and 'c' (3,) do not broadcast
      = help: axes are matched from the last; each pair must be equal or 1
    ");
    assert_snapshot!(ran("min(a) + 1", &[("a", Arg::from(&[0f64; 0]))]), @"SHAPE: error: min of an empty array has no value");
    let error = compile("a * 2").unwrap().eval_into([two()], &mut [Out::from(&mut [0.0; 3])]);
    assert_snapshot!(shown(&error.unwrap_err()), @"SHAPE: error: output 0 has the shape (2,), but the array for it (3,)");
    let error = compile("y = a * 2").unwrap().eval_into([two()], &mut [Out::from(&mut [0.0; 3])]);
    assert_snapshot!(shown(&error.unwrap_err()), @"SHAPE: error: the output 'y' has the shape (2,), but the array for it (3,)");
}

#[test]
fn layouts_and_aliases() {
    let null: *mut u8 = std::ptr::null_mut();
    let mut memory = [0f64; 8];
    let pointer = memory.as_mut_ptr().cast::<u8>();
    // SAFETY: none of these is read or written, because each is rejected.
    let raw = |pointer, shape: &[usize], strides: &[isize]| unsafe {
        Arg::raw(pointer, shape, strides, DType::F64)
    };
    assert_snapshot!(ran("a + 1", &[("a", raw(null, &[4], &[8]))]), @"LAYOUT: error: 'a' is a null pointer");
    assert_snapshot!(ran("a + 1", &[("a", raw(pointer, &[4, 2], &[8]))]), @"LAYOUT: error: 'a' has 2 axes and 1 strides");
    assert_snapshot!(ran("a + 1", &[("a", raw(pointer, &[1 << 40, 1 << 40], &[1 << 43, 8]))]), @"LAYOUT: error: 'a' of shape (1099511627776, 1099511627776) reaches beyond the address space");
    assert_snapshot!(ran("a + 1", &[("a", raw(pointer, &[1; 65], &[8; 65]))]), @"LIMIT: error: 'a' has 65 axes; at most 64 are supported");
    let program = compile("x = a; y = a * 2").unwrap();
    // SAFETY: as above.
    let out = |offset: usize, stride| unsafe {
        Out::raw(pointer.add(offset), &[3], &[stride], DType::F64)
    };
    let error = program.eval_into([floats()], &mut [out(0, 8), out(8, 8)]).unwrap_err();
    assert_snapshot!(shown(&error), @"ALIAS: error: the output 'y' overlaps the output 'x'");
    let error = program.eval_into([floats()], &mut [out(0, 8), out(32, 0)]).unwrap_err();
    assert_snapshot!(shown(&error), @r"
    ALIAS: error: the output 'y' overlaps itself
      = help: its strides put several elements at one address
    ");
}

#[test]
fn limits_memory_and_time() {
    let small = Engine::builder().max_text(10).max_nodes(3).max_arrays(2).build();
    let error = |text: &str| shown(&small.compile(text).err().unwrap());
    assert_snapshot!(error("a + b + c + d"), @"LIMIT: error: the text has 13 bytes; at most 10 are allowed");
    assert_snapshot!(error("a+b+a*b"), @r"
    LIMIT: error: the program has more than 3 operations
      |
    1 | a+b+a*b
      |     ^^^
      = help: raise the engine's limit of nodes
    ");
    assert_snapshot!(error("a, b, c"), @"LIMIT: error: the program has 3 arrays; at most 2 are allowed");
    // SAFETY: all elements are one byte, which is only read.
    let huge = |shape: &[usize], byte: &'static u8| unsafe {
        Arg::raw(byte, shape, &vec![0; shape.len()], DType::U8)
    };
    assert_snapshot!(ran("f64(a)", &[("a", huge(&[1 << 50], &1))]), @"OOM: error: cannot allocate 9007199254740992 bytes for an output");
    assert_snapshot!(ran("a + 1", &[("a", huge(&[1 << 40, 1 << 40], &1))]), @"LIMIT: error: an array of shape (1099511627776, 1099511627776) has too many elements");
    let token = CancelToken::new();
    token.cancel();
    let cancelled = compile("a + 1").unwrap().with(RunOptions::new().cancel(&token));
    assert_snapshot!(shown(&cancelled.eval([floats()]).unwrap_err()), @"CANCELLED: error: the run was cancelled");
    let late = compile("a + 1").unwrap().with(RunOptions::new().deadline(Duration::ZERO));
    assert_snapshot!(shown(&late.eval([floats()]).unwrap_err()), @"CANCELLED: error: the run passed its deadline");
    let hurried = Engine::builder().backend(Backend::Native).compile_budget(Duration::ZERO).build();
    let long = (0..9000).map(|i| format!("(a + {i}.5)")).collect::<Vec<_>>().join("*");
    let error = hurried.compile(&long).unwrap().eval([floats()]).unwrap_err();
    assert_snapshot!(shown(&error), @r"
    LIMIT: error: there is no native code: the program is too large
      = help: raise the engine's compile budget, or use Backend::Auto
    ");
}
