//! Reductions follow one tree, however sequences are split, one at a time or side by side.

mod common;

use std::time::Instant;

use common::{Random, canonical, seed};
use hotloop_runtime::control::{Control, Stop};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::{
    self, Columns, Order, Partial, Reducer, Reduction, RowResults, Sequence, Tree, WholeRows,
};

const ORDERS: [Order; 2] = [Order::Row, Order::Column];

fn defined() -> impl Iterator<Item = (Reduction, DType)> {
    Reduction::ALL
        .into_iter()
        .flat_map(|reduction| DType::ALL.into_iter().map(move |dtype| (reduction, dtype)))
        .filter(|(reduction, dtype)| reduction.takes(*dtype))
}

fn reference(reduction: Reduction, dtype: DType, order: Order, data: &[u8]) -> Option<u64> {
    reduce::reference(reduction, dtype, order, data, &Control::default()).unwrap()
}

/// `n` elements: floats of similar magnitude, so that sums round, and sometimes a NaN or a zero.
fn samples(dtype: DType, n: usize, r: &mut Random, nan: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..n {
        let x = (r.next() >> 11) as f64 / (1_u64 << 53) as f64 + 0.5;
        let x = if r.next() & 1 == 0 { -x } else { x };
        let rare = r.next() % 997;
        let word = match dtype {
            DType::F64 if rare == 0 && nan => f64::NAN.to_bits(),
            DType::F64 if rare == 1 => (-0.0_f64).to_bits(),
            DType::F64 => x.to_bits(),
            DType::F32 if rare == 0 && nan => f32::NAN.to_bits() as u64,
            DType::F32 if rare == 1 => (-0.0_f32).to_bits() as u64,
            DType::F32 => (x as f32).to_bits() as u64,
            DType::Bool => (rare < 10) as u64 * (rare % 4),
            _ => r.next() | 1,
        };
        bytes.extend_from_slice(&word.to_le_bytes()[..dtype.size()]);
    }
    bytes
}

/// `n` elements with few different values: zeros of both signs, infinities, sometimes a NaN.
fn ties(dtype: DType, n: usize, r: &mut Random, nan: bool) -> Vec<u8> {
    let values = [0.0, -0.0, 0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY];
    let (from, kinds) = (r.below(7), 1 + r.below(3));
    let mut bytes = Vec::new();
    for _ in 0..n {
        let mut x = values[(from + r.below(kinds)) % 8];
        if nan && r.below(n) == 0 {
            x = f64::NAN;
        }
        let word = match dtype {
            DType::F64 => x.to_bits(),
            DType::F32 => (x as f32).to_bits() as u64,
            _ => x as i8 as u64,
        };
        bytes.extend_from_slice(&word.to_le_bytes()[..dtype.size()]);
    }
    bytes
}

/// Reduces one sequence, in pieces.
fn sequence(
    sequence: &mut Sequence,
    reducer: &Reducer,
    first: usize,
    data: &[u8],
    mut piece: impl FnMut() -> usize,
) -> Option<Partial> {
    let size = reducer.dtype().size();
    sequence.start(reducer, first as u64);
    let mut rest = data;
    while !rest.is_empty() {
        let (part, after) = rest.split_at((piece() * size).min(rest.len()));
        // SAFETY: the sequence was started above; the part holds this many elements.
        unsafe { sequence.push(reducer, part.as_ptr(), part.len() / size) };
        rest = after;
    }
    sequence.finish(reducer)
}

fn whole(reducer: &Reducer, data: &[u8], piece: usize) -> Option<u64> {
    reducer.result(sequence(&mut Sequence::new(), reducer, 0, data, || piece).as_ref())
}

/// Interleaves the elements of several lanes: the first element of each lane, then the second of
/// each, and so on.
fn interleaved(lanes: &[&[u8]], size: usize) -> Vec<u8> {
    let n = lanes.first().map_or(0, |lane| lane.len() / size);
    let elements = (0..n).flat_map(|i| lanes.iter().map(move |lane| &lane[i * size..][..size]));
    elements.flatten().copied().collect()
}

/// Reduces several sequences side by side.
fn columns(
    columns: &mut Columns,
    reducer: &Reducer,
    first: usize,
    interleaved: &[u8],
    lanes: usize,
) -> Vec<Partial> {
    columns.start(reducer, lanes, first as u64);
    for row in interleaved.chunks(lanes * reducer.dtype().size()) {
        // SAFETY: the columns were started above; a row has one element for each lane.
        unsafe { columns.push(reducer, row.as_ptr()) };
    }
    let mut out = vec![Partial::default(); lanes];
    columns.finish(reducer, &mut out);
    out
}

#[test]
fn sequences_agree_with_the_reference() {
    let r = &mut Random(seed());
    let mut s = Sequence::new();
    for (reduction, dtype) in defined() {
        let lengths = (0..=70).chain([127, 128, 129, 511, 512, 513, 1000, 1025, 1600, 2100]);
        let lengths = lengths.chain([2560, 3072, 4000, 4095, 4096, 4097, 12293, 30000]);
        for n in lengths {
            // One byte more, so that elements can be unaligned.
            let mut data = vec![0; 1];
            let few = n % 5 == 1 && dtype != DType::Bool;
            let make = if few { ties } else { samples };
            data.extend(make(dtype, n, r, n % 3 == 0));
            let data = &data[1..];
            for order in ORDERS {
                let want = reference(reduction, dtype, order, data);
                for isa in Isa::available() {
                    let reducer = Reducer::new(reduction, dtype, order, isa).unwrap();
                    let to = reducer.result_dtype();
                    let want = want.map(|bits| canonical(bits, to));
                    // A `piece` of 0 stands for random lengths.
                    for piece in [1, 17, 64, 192, 512, 4096, 0, 0, 0] {
                        let most = [3, 40, 600, 5000][r.below(4)];
                        let random = || if piece > 0 { piece } else { 1 + r.below(most) };
                        let partial = sequence(&mut s, &reducer, 0, data, random);
                        let got = reducer.result(partial.as_ref());
                        let got = got.map(|bits| canonical(bits, to));
                        assert_eq!(got, want, "{n} elements by {piece}, {reducer:?} on {isa:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn rows_agree_with_the_reference() {
    let r = &mut Random(seed());
    let mut s = Sequence::new();
    for (reduction, dtype) in defined() {
        let size = dtype.size();
        let lengths = (1..=70).chain([127, 128, 500, 512, 513, 1000, 1024, 1025, 4097]);
        for length in lengths {
            let (count, gap) = (1 + r.below(40), r.below(3) * size);
            let stride = length * size + gap;
            // One byte more, so that elements can be unaligned.
            let mut data = vec![0; 1];
            data.extend(samples(dtype, (count + 1) * (length + 2), r, length % 3 == 0));
            for order in ORDERS {
                for isa in Isa::available() {
                    let reducer = Reducer::new(reduction, dtype, order, isa).unwrap();
                    let to = reducer.result_dtype();
                    let mut out = vec![0xEE_u8; count * 9];
                    let first = data[1..].as_ptr();
                    let rows = WholeRows { first, stride: stride as isize, count, length };
                    let results = RowResults { first: out.as_mut_ptr(), stride: 9 };
                    // SAFETY: the data has these rows, and a result at most 8 bytes.
                    unsafe { reducer.reduce_rows(&rows, &results, &mut s) };
                    for (row, got) in out.chunks(9).enumerate() {
                        let data = &data[1 + row * stride..][..length * size];
                        let want = reference(reduction, dtype, order, data);
                        let mut bits = [0; 8];
                        bits[..to.size()].copy_from_slice(&got[..to.size()]);
                        let bits = Some(canonical(u64::from_le_bytes(bits), to));
                        let want = want.map(|bits| canonical(bits, to));
                        assert_eq!(bits, want, "row {row} of {length}, {reducer:?} on {isa:?}");
                        assert!(got[to.size()..].iter().all(|byte| *byte == 0xEE));
                    }
                }
            }
        }
    }
}

#[test]
fn columns_agree_with_the_reference() {
    let r = &mut Random(seed());
    for (reduction, dtype) in defined() {
        let size = dtype.size();
        for n in
            [1, 2, 15, 16, 17, 31, 33, 64, 129, 300, 511, 512, 513, 1000, 2100, 3600, 4096, 9000]
        {
            let most = if n < 1000 { 70 } else { 9 };
            let lanes = 1 + r.below(most);
            let make = if r.below(3) == 0 && dtype != DType::Bool { ties } else { samples };
            let nan = r.below(2) == 0;
            let data: Vec<_> = (0..lanes).map(|_| make(dtype, n, r, nan)).collect();
            let data: Vec<_> = data.iter().map(|lane| &lane[..]).collect();
            let mut side_by_side = vec![0; 1];
            side_by_side.extend(interleaved(&data, size));
            for order in ORDERS {
                for isa in Isa::available() {
                    let reducer = Reducer::new(reduction, dtype, order, isa).unwrap();
                    let to = reducer.result_dtype();
                    let mut c = Columns::new(&reducer, most, n).unwrap();
                    for _ in 0..2 {
                        let got = columns(&mut c, &reducer, 0, &side_by_side[1..], lanes);
                        for (j, (lane, got)) in data.iter().zip(&got).enumerate() {
                            let want = reference(reduction, dtype, order, lane);
                            assert_eq!(
                                reducer.result(Some(got)).map(|bits| canonical(bits, to)),
                                want.map(|bits| canonical(bits, to)),
                                "lane {j} of {lanes}, {n} elements, {reducer:?} on {isa:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Blocks of leaves reduced separately, by sequences or by columns, combine to the result of the
/// whole.
#[test]
fn blocks_agree_with_the_whole() {
    let r = &mut Random(seed());
    let mut s = Sequence::new();
    for (reduction, dtype) in defined() {
        for order in ORDERS {
            let leaf = order.leaf();
            for (level, blocks) in
                [(0, 5), (1, 3), (2, 2), (3, 3)].into_iter().map(|(level, blocks)| {
                    // Leaves are shorter in column order, so more of them make a block of the same
                    // length.
                    if order == Order::Row { (level, blocks) } else { (level + 4, blocks) }
                })
            {
                let block = leaf << level;
                let n = blocks * block - r.below(block);
                let make = if r.below(3) == 0 && dtype != DType::Bool { ties } else { samples };
                let lanes = [make(dtype, n, r, level == 0), make(dtype, n, r, false)];
                let lanes = [&lanes[0][..], &lanes[1][..]];
                let side_by_side = interleaved(&lanes, dtype.size());
                let isa = Isa::available().nth(r.below(Isa::available().count())).unwrap();
                let reducer = Reducer::new(reduction, dtype, order, isa).unwrap();
                let mut c = Columns::new(&reducer, 2, block).unwrap();
                let mut trees = [Tree::new(); 2];
                for start in (0..n).step_by(block) {
                    let end = n.min(start + block);
                    let cut = |data: &[u8], size| data[start * size..end * size].to_vec();
                    let partials = if r.below(2) == 0 {
                        let part = cut(&side_by_side, 2 * dtype.size());
                        columns(&mut c, &reducer, start, &part, 2)
                    } else {
                        let parts = lanes.map(|lane| cut(lane, dtype.size()));
                        let piece = 1 + r.below(400);
                        let one =
                            |part: &Vec<u8>| sequence(&mut s, &reducer, start, part, || piece);
                        parts.iter().map(one).map(Option::unwrap).collect()
                    };
                    for (tree, partial) in trees.iter_mut().zip(partials) {
                        tree.push_block(&reducer, level, partial);
                    }
                }
                for (lane, tree) in lanes.iter().zip(trees) {
                    let to = reducer.result_dtype();
                    assert_eq!(
                        reducer.result(tree.finish(&reducer).as_ref()).map(|x| canonical(x, to)),
                        reference(reduction, dtype, order, lane).map(|x| canonical(x, to)),
                        "{n} elements by blocks of 2^{level} leaves, {reducer:?} on {isa:?}"
                    );
                }
            }
        }
    }
}

/// The tree, written recursively: the left part has the largest power of two of items that is less
/// than their number.
fn recursive(reducer: &Reducer, leaves: &[Partial]) -> Partial {
    if leaves.len() == 1 {
        return leaves[0];
    }
    let left = leaves.len().next_power_of_two() / 2;
    reducer.combine(&recursive(reducer, &leaves[..left]), &recursive(reducer, &leaves[left..]))
}

#[test]
fn blocks_of_leaves_change_nothing() {
    let r = &mut Random(seed());
    let reducer = Reducer::new(Reduction::Sum, DType::F64, Order::Row, Isa::Baseline).unwrap();
    let value = |partial: &Partial| reducer.result(Some(partial)).unwrap();
    for count in (1..=70_usize).chain([127, 128, 129, 1000]) {
        let one = |r: &mut Random| {
            let x = ((r.next() >> 11) as f64 / 1e13 - 450.0).to_ne_bytes();
            sequence(&mut Sequence::new(), &reducer, 0, &x, || 64).unwrap()
        };
        let leaves: Vec<Partial> = (0..count).map(|_| one(r)).collect();
        let want = value(&recursive(&reducer, &leaves));
        for level in 0..8 {
            let mut tree = Tree::new();
            for block in leaves.chunks(1 << level) {
                let mut part = Tree::new();
                block.iter().for_each(|leaf| part.push(&reducer, *leaf));
                let all = part.finish(&reducer).unwrap();
                assert_eq!(value(&all), value(&recursive(&reducer, block)));
                tree.push_block(&reducer, level, all);
            }
            let all = tree.finish(&reducer).unwrap();
            assert_eq!(value(&all), want, "{count} leaves, level {level}");
        }
    }
    assert!(Tree::new().finish(&reducer).is_none());
}

fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_ne_bytes()).collect()
}

fn sum_of(values: &[f64]) -> f64 {
    let reducer = Reducer::new(Reduction::Sum, DType::F64, Order::Row, Isa::detect()).unwrap();
    f64::from_bits(whole(&reducer, &bytes(values), 4096).unwrap())
}

#[test]
fn known_values() {
    // 2^25 ones: adding them one by one in f32 stops at 2^24.
    let ones: Vec<u8> = std::iter::repeat_n(1_f32.to_ne_bytes(), 4096).flatten().collect();
    for isa in Isa::available() {
        for order in ORDERS {
            let reducer = Reducer::new(Reduction::Sum, DType::F32, order, isa).unwrap();
            let mut all = Sequence::new();
            all.start(&reducer, 0);
            for _ in 0..1 << 13 {
                // SAFETY: the sequence was started; there are 4,096 elements.
                unsafe { all.push(&reducer, ones.as_ptr(), 4096) };
            }
            let sum = reducer.result(all.finish(&reducer).as_ref());
            assert_eq!(sum, Some(33554432_f32.to_bits() as u64), "{reducer:?}");
            if isa != Isa::detect() {
                continue;
            }
            let mut all = Columns::new(&reducer, 3, 1 << 25).unwrap();
            all.start(&reducer, 3, 0);
            for _ in 0..1 << 25 {
                // SAFETY: the sequence was started; there are more than 3 elements.
                unsafe { all.push(&reducer, ones.as_ptr()) };
            }
            let mut sums = [Partial::default(); 3];
            all.finish(&reducer, &mut sums);
            let sums = sums.map(|sum| reducer.result(Some(&sum)));
            assert_eq!(sums, [Some(33554432_f32.to_bits() as u64); 3], "{reducer:?}");
        }
    }
    assert_eq!(sum_of(&[]).to_bits(), 0);
    assert_eq!(sum_of(&[-0.0]).to_bits(), (-0.0_f64).to_bits());
    assert_eq!(sum_of(&[-0.0; 5000]).to_bits(), (-0.0_f64).to_bits());
    assert_eq!(sum_of(&[-0.0, 0.0]).to_bits(), 0);
    assert!(sum_of(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    // Elements 0 and 32 share an accumulator, and 0 and 16 are added in the first folding, so the
    // large values cancel before the small one is added, or absorb it.
    let mut values = vec![0.0; 64];
    (values[0], values[32], values[1]) = (1e30, -1e30, 1.0);
    assert_eq!(sum_of(&values), 1.0);
    let mut values = vec![0.0; 64];
    (values[0], values[8], values[16]) = (1e30, 1.0, -1e30);
    assert_eq!(sum_of(&values), 1.0);
    let mut values = vec![0.0; 64];
    (values[0], values[16], values[8]) = (1e30, 1.0, -1e30);
    assert_eq!(sum_of(&values), 0.0);
}

/// The sum of elements that are all 0 except those in `at`.
fn sum_in(order: Order, dtype: DType, at: &[(usize, f32)]) -> f32 {
    let mut values = [0_f32; 4097];
    at.iter().for_each(|(i, x)| values[*i] = *x);
    let narrow: Vec<u8> = values.iter().flat_map(|x| x.to_ne_bytes()).collect();
    let wide = bytes(&values.map(f64::from));
    let data = if dtype == DType::F32 { &narrow } else { &wide };
    let sums = Isa::available().flat_map(|isa| {
        let reducer = Reducer::new(Reduction::Sum, dtype, order, isa).unwrap();
        let mut c = Columns::new(&reducer, 1, values.len()).unwrap();
        let lane = columns(&mut c, &reducer, 0, data, 1)[0];
        let lane = reducer.result(Some(&lane));
        [whole(&reducer, data, 4096), whole(&reducer, data, 100), lane].map(Option::unwrap)
    });
    let sums = sums.chain(reference(Reduction::Sum, dtype, order, data));
    let sums: Vec<u64> = sums.collect();
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{order:?} of {dtype} at {at:?}");
    match dtype {
        DType::F32 => f32::from_bits(sums[0] as u32),
        _ => f64::from_bits(sums[0]) as f32,
    }
}

/// In column order, each accumulator takes 16 elements in a row.
#[test]
fn runs_of_a_column() {
    for dtype in [DType::F32, DType::F64] {
        let sum = |at: &[(usize, f32)]| sum_in(Order::Column, dtype, at);
        assert_eq!(sum(&[(0, 1e30), (8, 1.0), (15, -1e30)]), 0.0);
        assert_eq!(sum(&[(0, 1e30), (15, -1e30), (16, 1.0)]), 1.0);
        assert_eq!(sum(&[(0, 1e30), (16, 1.0), (17, -1e30)]), 0.0);
        // Runs combine in pairs, not one after another.
        assert_eq!(sum(&[(16, 1e30), (32, -1e30), (48, 1.0)]), 0.0);
        assert_eq!(sum(&[(0, 1e30), (16, -1e30), (32, 1.0)]), 1.0);
        assert_eq!(sum(&[(48, 1e30), (64, -1e30), (80, 1.0)]), 0.0);
    }
}

/// In row order, each accumulator takes 16 elements at distances of `A`, and the blocks of a leaf
/// combine in pairs before accumulators do.
#[test]
fn blocks_of_a_leaf() {
    for (dtype, a) in [(DType::F32, 64), (DType::F64, 32)] {
        let sum = |at: &[(usize, f32)]| sum_in(Order::Row, dtype, at);
        let block = 16 * a;
        // The first and the last element of an accumulator in a block.
        assert_eq!(sum(&[(0, 1e30), (15 * a, -1e30), (block, 1.0)]), 1.0);
        assert_eq!(sum(&[(0, 1e30), (15 * a, 1.0), (block, -1e30)]), 0.0);
        // The first and the second element of that accumulator in the second block.
        assert_eq!(sum(&[(0, 1e30), (block, -1e30), (block + a, 1.0)]), 0.0);
        // Blocks combine in pairs.
        assert_eq!(sum(&[(block, 1e30), (2 * block, -1e30), (3 * block, 1.0)]), 0.0);
        assert_eq!(sum(&[(0, 1e30), (block, -1e30), (2 * block, 1.0)]), 1.0);
        // Blocks combine before accumulators are folded, and accumulators before leaves combine.
        assert_eq!(sum(&[(0, 1e30), (a / 2, 1.0), (3 * block, -1e30)]), 1.0);
        assert_eq!(sum(&[(0, 1e30), (a / 2, 1.0), (4096, -1e30)]), 0.0);
        if dtype == DType::F64 {
            let at = [(3 * block, 1e30), (4 * block, -1e30), (7 * block, 1.0)];
            assert_eq!(sum(&at), 0.0);
        }
    }
}

/// The error is within its bound, which grows with the logarithm of the length.
#[test]
fn sums_are_accurate() {
    let r = &mut Random(seed());
    let n = 1_000_000;
    for order in ORDERS {
        // Each element is exact in f32, and their sum is exact in f64.
        let narrow: Vec<f32> = (0..n).map(|_| (r.next() >> 40) as f32).collect();
        let exact: f64 = narrow.iter().map(|x| f64::from(*x)).sum();
        let sum = |values: &[f32]| {
            let reducer = Reducer::new(Reduction::Sum, DType::F32, order, Isa::detect()).unwrap();
            let data: Vec<u8> = values.iter().flat_map(|x| x.to_ne_bytes()).collect();
            f32::from_bits(whole(&reducer, &data, 4096).unwrap() as u32)
        };
        let error = (f64::from(sum(&narrow)) - exact).abs() / exact / f64::from(f32::EPSILON);
        assert!(error <= (15.0 + 16.0) / 2.0, "{order:?}: {error}");
        let error = (f64::from(sum(&vec![0.1; n])) - f64::from(0.1_f32) * n as f64).abs();
        let error = error / (0.1 * n as f64) / f64::from(f32::EPSILON);
        println!("{order:?}: a million times 0.1: {error} eps");
        assert!(error < 2.0, "{order:?}: {error}");
    }
}

#[test]
fn of_nothing() {
    let value = |reduction, dtype| {
        let values = ORDERS.map(|order| {
            let reducer = Reducer::new(reduction, dtype, order, Isa::Baseline).unwrap();
            assert!(sequence(&mut Sequence::new(), &reducer, 0, &[], || 64).is_none());
            assert_eq!(reducer.result(None), reference(reduction, dtype, order, &[]));
            reducer.result(None)
        });
        assert_eq!(values[0], values[1]);
        values[0]
    };
    assert_eq!(value(Reduction::Sum, DType::F64), Some(0));
    assert_eq!(value(Reduction::Prod, DType::F64), Some(1_f64.to_bits()));
    assert_eq!(value(Reduction::Prod, DType::F32), Some(1_f32.to_bits() as u64));
    assert_eq!(value(Reduction::Prod, DType::I64), Some(1));
    assert_eq!(value(Reduction::Any, DType::Bool), Some(0));
    assert_eq!(value(Reduction::All, DType::Bool), Some(1));
    assert_eq!(value(Reduction::SquaredDeviations, DType::F32), Some(0));
    assert_eq!(value(Reduction::Min, DType::I8), Some(i8::MAX as u64));
    assert_eq!(value(Reduction::Min, DType::F32), Some(f32::INFINITY.to_bits() as u64));
    assert_eq!(value(Reduction::Max, DType::U16), Some(0));
    assert_eq!(value(Reduction::Max, DType::I16), Some(i16::MIN as u16 as u64));
    assert_eq!(value(Reduction::Max, DType::F64), Some(f64::NEG_INFINITY.to_bits()));
    assert_eq!(value(Reduction::Argmax, DType::F64), None);
    for (reduction, dtype) in [
        (Reduction::Prod, DType::I32),
        (Reduction::Prod, DType::Bool),
        (Reduction::Min, DType::Bool),
        (Reduction::Any, DType::U8),
        (Reduction::SquaredDeviations, DType::I64),
        (Reduction::Argmin, DType::Bool),
    ] {
        assert!(Reducer::new(reduction, dtype, Order::Row, Isa::Baseline).is_none());
        assert_eq!(reference(reduction, dtype, Order::Row, &[1; 16]), None);
    }
}

#[test]
fn f15_the_reference_looks_at_its_control_now_and_then() {
    let late = Control { deadline: Some(Instant::now()), ..Control::default() };
    for (reduction, dtype) in defined() {
        for order in ORDERS {
            let data = vec![0; 4097 * dtype.size()];
            let got = reduce::reference(reduction, dtype, order, &data, &late);
            assert!(matches!(got, Err(Stop::Deadline)), "{reduction:?} of {dtype}: {got:?}");
        }
    }
}

#[test]
fn what_is_defined() {
    for reduction in Reduction::ALL {
        for dtype in DType::ALL {
            for (order, isa) in
                ORDERS.into_iter().flat_map(|o| Isa::available().map(move |i| (o, i)))
            {
                let reducer = Reducer::new(reduction, dtype, order, isa);
                assert_eq!(reducer.is_some(), reduction.takes(dtype), "{reduction} of {dtype}");
                let Some(reducer) = reducer else { continue };
                assert_eq!((reducer.reduction(), reducer.dtype()), (reduction, dtype));
                assert_eq!((reducer.order(), reducer.leaf()), (order, order.leaf()));
                let index = matches!(reduction, Reduction::Argmin | Reduction::Argmax);
                let wide = match dtype {
                    _ if index => DType::I64,
                    _ if reduction != Reduction::Sum || dtype.is_float() => dtype,
                    DType::U8 | DType::U16 | DType::U32 | DType::U64 => DType::U64,
                    _ => DType::I64,
                };
                assert_eq!(reducer.result_dtype(), wide);
            }
        }
    }
}

/// The result, which must be the same on every instruction set and in both orders.
fn everywhere(reduction: Reduction, values: &[f64]) -> u64 {
    let data = bytes(values);
    let mut results = Vec::new();
    for order in ORDERS {
        for isa in Isa::available() {
            let reducer = Reducer::new(reduction, DType::F64, order, isa).unwrap();
            let to = reducer.result_dtype();
            for piece in [64, 4096] {
                results.push(canonical(whole(&reducer, &data, piece).unwrap(), to));
            }
            let mut c = Columns::new(&reducer, 1, values.len()).unwrap();
            let partials = columns(&mut c, &reducer, 0, &data, 1);
            results.push(canonical(reducer.result(Some(&partials[0])).unwrap(), to));
        }
    }
    assert!(results.iter().all(|bits| *bits == results[0]), "{reduction} of {values:?}");
    results[0]
}

/// Sums of narrow integers and booleans wrap neither in the width of the elements nor in 32 bits.
#[test]
fn narrow_sums_are_wide() {
    let run = |dtype: DType, byte: u8, n: usize| {
        let data = vec![byte; n * dtype.size()];
        let wanted = reference(Reduction::Sum, dtype, Order::Row, &data);
        for order in ORDERS {
            for isa in Isa::available() {
                let reducer = Reducer::new(Reduction::Sum, dtype, order, isa).unwrap();
                assert_eq!(whole(&reducer, &data, 100_000), wanted, "{dtype} of {byte:#x}");
            }
        }
        wanted.unwrap()
    };
    assert_eq!(run(DType::U8, 255, 100_000), 25_500_000);
    assert_eq!(run(DType::I8, 0x80, 100_000) as i64, -12_800_000);
    assert_eq!(run(DType::U16, 255, 100_000), 6_553_500_000);
    assert_eq!(run(DType::I16, 255, 100_000) as i64, -100_000);
    assert_eq!(run(DType::U32, 255, 100_000), 429_496_729_500_000);
    assert_eq!(run(DType::Bool, 7, 100_000), 100_000);
}

#[test]
fn extremes_of_floats() {
    let run = |reduction, values: &[f64]| f64::from_bits(everywhere(reduction, values));
    assert_eq!(run(Reduction::Min, &[0.0, -0.0, 1.0]).to_bits(), (-0.0_f64).to_bits());
    assert_eq!(run(Reduction::Max, &[-0.0, 0.0, -1.0]).to_bits(), 0);
    assert_eq!(run(Reduction::Min, &[0.0, 0.0]).to_bits(), 0);
    assert_eq!(run(Reduction::Max, &[-0.0, -0.0]).to_bits(), (-0.0_f64).to_bits());
    assert_eq!(run(Reduction::Min, &[f64::INFINITY]), f64::INFINITY);
    assert_eq!(run(Reduction::Max, &[f64::NEG_INFINITY; 99]), f64::NEG_INFINITY);
    let both = [f64::INFINITY, f64::NEG_INFINITY, 1.0];
    assert_eq!(run(Reduction::Min, &both), f64::NEG_INFINITY);
    assert_eq!(run(Reduction::Max, &both), f64::INFINITY);
    for at in [0, 1, 31, 32, 63, 64, 100] {
        let mut values = vec![1.0; 101];
        values[at] = f64::NAN;
        assert!(run(Reduction::Min, &values).is_nan() && run(Reduction::Max, &values).is_nan());
        values[at] = -0.0;
        values[(at + 7) % 101] = 0.0;
        assert_eq!(run(Reduction::Min, &values).to_bits(), (-0.0_f64).to_bits());
        values.iter_mut().for_each(|x| *x = -*x);
        assert_eq!(run(Reduction::Max, &values).to_bits(), 0);
    }
}

#[test]
fn indices_of_extremes() {
    let run = |values: &[f64]| {
        [Reduction::Argmin, Reduction::Argmax].map(|reduction| everywhere(reduction, values))
    };
    assert_eq!(run(&[3.0, 1.0, 2.0, 1.0, 3.0]), [1, 0]);
    assert_eq!(run(&[0.0, -0.0]), [0, 0]);
    assert_eq!(run(&[-0.0, 0.0]), [0, 0]);
    assert_eq!(run(&[1.0, -0.0, 0.0, -1.0]), [3, 0]);
    assert_eq!(run(&[f64::NAN; 300]), [0, 0]);
    assert_eq!(run(&[f64::INFINITY; 300]), [0, 0]);
    assert_eq!(run(&[f64::NEG_INFINITY; 300]), [0, 0]);
    assert_eq!(run(&[1.0, f64::NEG_INFINITY, f64::NAN, f64::INFINITY, f64::NAN]), [2, 2]);
    for at in [0, 1, 31, 32, 63, 64, 127, 128, 5000] {
        let mut values = vec![1.0; 10000];
        values[at] = 2.0;
        assert_eq!(run(&values), [if at == 0 { 1 } else { 0 }, at as u64]);
        values[at] = -2.0;
        values[9000] = -2.0;
        assert_eq!(run(&values), [at as u64, if at == 0 { 1 } else { 0 }]);
        values[at] = f64::NAN;
        values[9001] = f64::NAN;
        assert_eq!(run(&values), [at as u64; 2]);
    }
}

/// The index may be far greater than the largest value of the element type.
#[test]
fn indices_count_from_the_first_element() {
    for dtype in [DType::I8, DType::F32, DType::F64] {
        let reducer = Reducer::new(Reduction::Argmax, dtype, Order::Row, Isa::detect()).unwrap();
        let mut data = vec![0; 600 * dtype.size()];
        data[500 * dtype.size()..][..dtype.size()].fill(0x3f);
        let first = 4096 << 30;
        let want = Some(first as u64 + 500);
        let got = sequence(&mut Sequence::new(), &reducer, first, &data, || 64);
        assert_eq!(reducer.result(got.as_ref()), want);
        let got = columns(&mut Columns::new(&reducer, 1, 600).unwrap(), &reducer, first, &data, 1);
        assert_eq!(reducer.result(Some(&got[0])), want);
    }
}

#[test]
fn any_and_all_take_any_byte_for_true() {
    for (isa, order) in Isa::available().flat_map(|isa| ORDERS.map(|order| (isa, order))) {
        let any = Reducer::new(Reduction::Any, DType::Bool, order, isa).unwrap();
        let all = Reducer::new(Reduction::All, DType::Bool, order, isa).unwrap();
        for at in [0, 63, 64, 129] {
            let mut bytes = vec![0_u8; 130];
            assert_eq!(whole(&any, &bytes, 64), Some(0));
            bytes[at] = 0x80;
            assert_eq!(whole(&any, &bytes, 64), Some(1));
            let mut bytes = vec![2_u8; 130];
            bytes[5] = 1;
            assert_eq!(whole(&all, &bytes, 64), Some(1));
            bytes[at] = 0;
            assert_eq!(whole(&all, &bytes, 64), Some(0));
        }
    }
}

/// The sum of squared deviations from the mean, for integers over a power of two, with a single
/// rounding: `(n sum(x^2) - sum(x)^2) / n`.
fn exact(integers: &[i64]) -> f64 {
    let n = integers.len() as i128;
    let near = || integers.iter().map(|x| (x - integers[1]) as i128);
    let (sum, squares) = (near().sum::<i128>(), near().map(|x| x * x).sum::<i128>());
    let (whole, rest) = ((n * squares - sum * sum) / n, (n * squares - sum * sum) % n);
    whole as f64 + rest as f64 / n as f64
}

#[test]
fn deviations_do_not_cancel() {
    let r = &mut Random(seed());
    let error = |dtype: DType, order: Order, scale: f64, integers: &[i64]| {
        let data: Vec<u8> = match dtype {
            DType::F64 => bytes(&integers.iter().map(|x| *x as f64 / scale).collect::<Vec<_>>()),
            _ => integers.iter().flat_map(|x| (*x as f32 / scale as f32).to_ne_bytes()).collect(),
        };
        let reducer =
            Reducer::new(Reduction::SquaredDeviations, dtype, order, Isa::detect()).unwrap();
        let bits = whole(&reducer, &data, 1024).unwrap();
        let (got, epsilon) = match dtype {
            DType::F64 => (f64::from_bits(bits), f64::EPSILON),
            _ => (f32::from_bits(bits as u32) as f64, f32::EPSILON as f64),
        };
        let want = exact(integers) / (scale * scale);
        (got - want).abs() / want / epsilon
    };
    for order in ORDERS {
        for n in [2, 100, 5000, 200_000] {
            // 1e9 plus a number in 0..1, of which f64 keeps about 20 bits.
            let scale = (1_u64 << 20) as f64;
            let mut integers: Vec<i64> =
                (0..n).map(|_| (1_000_000_000 << 20) + (r.next() >> 44) as i64).collect();
            let near = error(DType::F64, order, scale, &integers);
            integers[0] = 0;
            let outlier = error(DType::F64, order, scale, &integers);
            // Values around zero, and around a mean of 2^10 deviations.
            let integers: Vec<i64> = (0..n).map(|_| (r.next() >> 54) as i64 - 512).collect();
            let plain = error(DType::F32, order, 1.0, &integers);
            let integers: Vec<i64> = integers.iter().map(|x| x + (1 << 20)).collect();
            let far = error(DType::F32, order, 1.0, &integers);
            println!("{order:?} {n}: {near} {outlier} {plain} {far}");
            assert!(plain < 16.0, "{order:?} {n}: {plain}");
            assert!(outlier < 64.0, "{order:?} {n}: {outlier}");
            assert!(near < 16.0, "{order:?} {n}: {near}");
            assert!(far < 16.0, "{order:?} {n}: {far}");
        }
    }
}

#[test]
fn deviations_of_few_or_equal_values() {
    let run = |values: &[f64]| {
        ORDERS.map(|order| {
            let reducer =
                Reducer::new(Reduction::SquaredDeviations, DType::F64, order, Isa::detect());
            f64::from_bits(whole(&reducer.unwrap(), &bytes(values), 64).unwrap())
        })
    };
    assert_eq!(run(&[7.5]), [0.0; 2]);
    assert_eq!(run(&[1.0, 3.0]), [2.0; 2]);
    assert_eq!(run(&[1.0, 2.0, 3.0, 4.0]), [5.0; 2]);
    assert_eq!(run(&[0.1; 10_001]), [0.0; 2]);
    assert!(run(&[f64::INFINITY]).iter().all(|x| x.is_nan()));
    assert!(run(&[1.0, f64::NAN, 2.0]).iter().all(|x| x.is_nan()));
}

#[test]
#[should_panic = "more lanes than there is room for"]
fn columns_have_no_room_for_more_lanes() {
    let reducer = Reducer::new(Reduction::Sum, DType::F64, Order::Row, Isa::Baseline).unwrap();
    Columns::new(&reducer, 8, 100).unwrap().start(&reducer, 9, 0);
}

#[test]
fn columns_too_large_are_an_error() {
    let reducer = Reducer::new(Reduction::Sum, DType::F64, Order::Row, Isa::Baseline).unwrap();
    assert!(Columns::new(&reducer, usize::MAX, 100).is_err());
    assert!(Columns::new(&reducer, usize::MAX / 4096, 100).is_err());
}
