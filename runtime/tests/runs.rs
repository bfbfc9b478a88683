//! [`Runs`]: rows that code accumulates have the bits of the same elements pushed one by one.

mod common;

use common::{Random, seed};
use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::{Order, ROWS, Reducer, Reduction, Runs, Sequence};

/// An element type with the reference for generated code: the run of each block of `rows` rows.
trait Accumulate: Copy + 'static {
    const DTYPE: DType;
    fn random(r: &mut Random) -> Self;
    /// The words of an accumulator after its `k`-th element.
    fn step(reduction: Reduction, words: [Self; 3], x: Self, k: usize) -> [Self; 3];
}

macro_rules! floats {
    ($($t:ident $dtype:ident)*) => {$(
        impl Accumulate for $t {
            const DTYPE: DType = DType::$dtype;

            fn random(r: &mut Random) -> $t {
                (r.next() >> 11) as $t / (1_u64 << 53) as $t - 0.25
            }

            fn step(reduction: Reduction, [a, m, s]: [$t; 3], x: $t, k: usize) -> [$t; 3] {
                match reduction {
                    Reduction::Sum => [if k == 1 { x } else { a + x }, m, s],
                    Reduction::Prod => [if k == 1 { x } else { a * x }, m, s],
                    Reduction::Max => [if k == 1 { x } else { a.max(x) }, m, s],
                    _ if k == 1 => [x, x - x, x - x],
                    _ => {
                        let y = x - a;
                        let d = y - m;
                        let m = m + d * (1.0 / k as $t);
                        [a, m, s + d * (y - m)]
                    }
                }
            }
        }
    )*};
}
floats! { f32 F32 f64 F64 }

/// Reduces tiles of whole rows, as code accumulates them, and single elements between them.
fn in_runs<T: Accumulate>(
    reduction: Reduction,
    isa: Isa,
    data: &[T],
    r: &mut Random,
) -> Option<u64> {
    let lane = Lane::Value(T::DTYPE);
    let reducer = Reducer::of_lane(reduction, lane, Order::Row, isa)?;
    let runs = Runs::new(reduction, lane, Order::Row, isa)?;
    let (row, words) = (runs.row(), if reduction == Reduction::SquaredDeviations { 3 } else { 1 });
    let mut sequence = Sequence::new();
    sequence.start(&reducer, 0);
    let mut at = 0;
    while at < data.len() {
        let left = &data[at..];
        let wanted = if r.below(3) == 0 { r.below(40) } else { 0 };
        let rows = if wanted * row <= left.len() { wanted } else { 0 };
        let size = size_of::<T>();
        let mut memory = vec![[data[0]; 64]; runs.bytes(rows).div_ceil(size * 64)];
        let pointer: *mut T = memory.as_mut_ptr().cast();
        // SAFETY: the memory holds the runs, whose elements are those of `T`.
        unsafe {
            let before = runs.resume(&mut sequence, pointer.cast());
            match before.filter(|_| rows > 0) {
                Some(before) => {
                    let mut block = pointer;
                    let mut k = before;
                    for (i, elements) in left[..rows * row].chunks(row).enumerate() {
                        if i > 0 && k == ROWS {
                            (block, k) = (block.add(words * row), 0);
                        }
                        k += 1;
                        for (j, x) in elements.iter().enumerate() {
                            let word = |w: usize| block.add(w.min(words - 1) * row + j);
                            let old = [0, 1, 2].map(|w| word(w).read());
                            let new = T::step(reduction, old, *x, k);
                            (0..words).for_each(|w| word(w).write(new[w]));
                        }
                    }
                    runs.push(&mut sequence, pointer.cast(), before, rows);
                    at += rows * row;
                }
                None => {
                    // Elements up to the end of a row, or a few more.
                    let to_row = row - at % row;
                    let n = if r.below(2) == 0 { to_row } else { 1 + r.below(3 * row) };
                    let n = n.min(left.len());
                    sequence.push(&reducer, left.as_ptr().cast(), n);
                    at += n;
                }
            }
        }
    }
    reducer.result(sequence.finish(&reducer).as_ref())
}

fn runs_of<T: Accumulate>(r: &mut Random, isa: Isa) {
    let reductions =
        [Reduction::Sum, Reduction::Prod, Reduction::Max, Reduction::SquaredDeviations];
    for reduction in reductions {
        let most = [100, 3_000, 40_000][r.below(3)];
        let n = 1 + r.below(most);
        let data: Vec<T> = (0..n).map(|_| T::random(r)).collect();
        let reducer = Reducer::new(reduction, T::DTYPE, Order::Row, isa).unwrap();
        let mut sequence = Sequence::new();
        sequence.start(&reducer, 0);
        // SAFETY: the sequence was started above; the elements are of type `T`.
        unsafe { sequence.push(&reducer, data.as_ptr().cast(), n) };
        let expected = reducer.result(sequence.finish(&reducer).as_ref());
        let got = in_runs(reduction, isa, &data, r);
        assert_eq!(got, expected, "{reduction} of {n} {} on {isa:?}", T::DTYPE);
    }
}

#[test]
fn runs_have_the_bits_of_their_elements() {
    let r = &mut Random(seed());
    for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512].into_iter().filter(|x| *x <= Isa::detect()) {
        for _ in 0..20 {
            runs_of::<f32>(r, isa);
            runs_of::<f64>(r, isa);
        }
    }
}

#[test]
fn what_code_can_accumulate() {
    use DType::{Bool, F32, I8, I16, I32, I64, U8};
    let lane = |reduction, lane| Runs::lane(reduction, lane);
    let value = |dtype| Some(Lane::Value(dtype));
    assert_eq!(lane(Reduction::Sum, Lane::Value(I8)), value(I16));
    assert_eq!(lane(Reduction::Sum, Lane::Value(I16)), value(I32));
    assert_eq!(lane(Reduction::Sum, Lane::Value(I32)), value(I64));
    assert_eq!(lane(Reduction::Sum, Lane::Mask(8)), value(U8));
    assert_eq!(lane(Reduction::All, Lane::Mask(32)), Some(Lane::Mask(32)));
    assert_eq!(lane(Reduction::SquaredDeviations, Lane::Value(F32)), value(F32));
    assert_eq!(lane(Reduction::Sum, Lane::Value(Bool)), None);
    assert_eq!(lane(Reduction::Argmax, Lane::Value(F32)), None);
    assert_eq!(lane(Reduction::Prod, Lane::Value(I16)), None);
    // In column order, a sum with rounding has only one accumulator, so there are no rows.
    let isa = Isa::Baseline;
    assert!(Runs::new(Reduction::Sum, Lane::Value(F32), Order::Column, isa).is_none());
    assert!(Runs::new(Reduction::Sum, Lane::Value(I32), Order::Column, isa).is_some());
}
