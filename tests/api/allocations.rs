//! Calls that do not allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hotloop::ndarray::{self, ArrayView1, ArrayViewMut1, s};
use hotloop::types::Kind;
use hotloop::{Arg, ArgType, Backend, DType, Engine, Out};

use super::types;

/// The allocator that counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter, and its allocations do not count.
    let _ = ALLOCATIONS.try_with(|c| c.set(c.get() + 1));
}

// SAFETY: all methods forward to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The number of allocations that this thread makes during some work.
fn allocations<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATIONS.get();
    let result = work();
    (result, ALLOCATIONS.get() - before)
}

#[test]
fn allocations_are_counted() {
    let (list, count) = allocations(|| vec![1, 2, 3]);
    assert_eq!((list.len(), count), (3, 1));
    assert_eq!(allocations(|| 1 + 1), (2, 0));
}

#[test]
fn running_a_bound_kernel_allocates_nothing() {
    let engine = Engine::builder().backend(Backend::Native).threads(1).build();
    let programs = [
        "a * 2 + sin(b)",
        "where(a > b and a < 5, a, sqrt(b))",
        "m = mean(a); (a - m) / sqrt(mean((a - m)**2)) + b",
        "sum(a), max(b), any(a > 3), a // 2 + b % 3",
        "f64(i32(a)) + a**5 + b**0.5",
    ];
    for text in programs {
        let program = engine.compile(text).unwrap();
        let kernel = program.specialize(&types(&[("a", DType::F64), ("b", DType::F64)])).unwrap();
        for n in [1usize, 100, 30_011] {
            let a: Vec<f64> = (0..n).map(|i| i as f64 / 7.0).collect();
            let b: Vec<f64> = (0..n).map(|i| 1.0 + i as f64).collect();
            // The reversed input has to be gathered, and the strided output scattered.
            let reversed = ArrayView1::from(&b).slice_move(s![..;-1]);
            let args = || (("a", &a), ("b", reversed));
            let want = program.eval(args()).unwrap();
            let mut arrays: Vec<Vec<f64>> =
                want.iter().map(|o| vec![0.0; 2 * o.shape().iter().product::<usize>()]).collect();
            let mut flags: Vec<bool> = vec![false; want.len()];
            {
                let mut outs: Vec<Out<'_>> = Vec::new();
                for ((output, array), flag) in want.iter().zip(&mut arrays).zip(&mut flags) {
                    outs.push(match (output.dtype(), output.shape().len()) {
                        (DType::Bool, _) => {
                            ndarray::ArrayViewMut0::from_shape((), std::slice::from_mut(flag))
                                .unwrap()
                                .into()
                        }
                        (_, 0) => {
                            ndarray::ArrayViewMut0::from_shape((), &mut array[..1]).unwrap().into()
                        }
                        _ => ArrayViewMut1::from(&mut array[..]).slice_move(s![..;2]).into(),
                    });
                }
                let mut bound = kernel.bind(args(), outs).unwrap();
                bound.run().unwrap();
                for _ in 0..3 {
                    let (result, count) = allocations(|| bound.run());
                    assert!(result.unwrap().native);
                    assert_eq!(count, 0, "{text} with {n} elements");
                }
            }
            for (output, array) in want.iter().zip(&arrays).filter(|(o, _)| o.dtype() == DType::F64)
            {
                // Every other element, as in the strided views above.
                let got: Vec<f64> = array.iter().step_by(2).copied().collect();
                let want: Vec<f64> = output.view::<f64>().unwrap().iter().copied().collect();
                assert_eq!(got.len(), want.len());
                assert!(
                    got.iter().zip(&want).all(|(g, w)| g.to_bits() == w.to_bits()),
                    "{text} with {n} elements"
                );
            }
        }
    }
}

/// Rebinding and running do not allocate, either: by name and by position, with up to four axes.
#[test]
fn rebinding_allocates_nothing() {
    let engine = Engine::builder().backend(Backend::Native).threads(1).build();
    let program = engine.compile("a * 2 + b * k, sum(a)").unwrap();
    let mut list = types(&[("a", DType::F64), ("b", DType::F64)]);
    list.push(("k", ArgType::weak(Kind::Float)));
    let kernel = program.specialize(&list).unwrap();
    let [a, b] = [1.0, 2.0].map(|value| ndarray::Array4::from_elem((2, 3, 4, 5), value));
    let (mut y, mut z) = (a.clone(), a.clone());
    let (mut s, mut t) = (ndarray::arr0(0.0), ndarray::arr0(0.0));
    let args = || (("a", &a), ("b", &b), ("k", 0.5));
    let outs = [Out::from(&mut y), Out::from(&mut s)];
    let idle = kernel.bind(args(), outs).unwrap().release();
    let (idle, count) = allocations(|| {
        let mut idle = idle;
        for _ in 0..3 {
            let outs = [Out::from(&mut z), Out::from(&mut t)];
            let mut bound = idle.rebind((("a", &b), ("b", &a), ("k", 0.5)), outs).unwrap();
            bound.run().unwrap();
            idle = bound.release();
            let outs = [Out::from(&mut y), Out::from(&mut s)];
            let mut bound = idle.rebind([(&a).into(), (&b).into(), Arg::from(0.5)], outs).unwrap();
            bound.run().unwrap();
            idle = bound.release();
        }
        idle
    });
    drop(idle);
    assert_eq!(count, 0);
    assert!(y.iter().all(|v| *v == 3.0) && z.iter().all(|v| *v == 4.5));
    assert_eq!((s[[]], t[[]]), (120.0, 240.0));
}

#[test]
fn running_in_place_allocates_nothing() {
    let engine = Engine::builder().backend(Backend::Native).threads(1).build();
    let kernel =
        engine.compile("x * 0.5 + 1").unwrap().specialize(&types(&[("x", DType::F64)])).unwrap();
    let mut x = vec![100.0; 20_000];
    let mut bound = kernel.bind((), [Out::inout("x", &mut x)]).unwrap();
    let (good, count) = allocations(|| (0..4).all(|_| bound.run().is_ok()));
    assert_eq!((good, count), (true, 0));
    drop(bound);
    // ((((100/2+1)/2+1)/2+1)/2+1)
    assert_eq!(x, vec![8.125; 20_000]);
}

#[test]
fn pushes_of_a_stream_do_not_allocate() {
    let engine = Engine::builder().threads(1).build();
    let text = "x / rolling_mean(x, 20, 1) - 1, ewm_mean(x, span=12), cumsum(x)";
    let program = engine.compile(text).unwrap();
    let mut stream = program.stream(("x", &[0.0f64; 0]), 0).unwrap();
    let (mut a, mut b, mut c) = ([0.0], [0.0], [0.0]);
    let mut push = |x: f64| {
        let x = [x];
        let mut outs = [Out::from(&mut a), Out::from(&mut b), Out::from(&mut c)];
        allocations(|| stream.push_into(("x", &x), &mut outs).unwrap()).1
    };
    assert!(push(1.0) > 0, "the first push binds the program");
    for x in 2..200 {
        assert_eq!(push(f64::from(x)), 0, "push {x}");
    }
    assert_eq!(c, [f64::from(199 * 200 / 2)]);
}
