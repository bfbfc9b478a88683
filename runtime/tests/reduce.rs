//! Reductions: the fixed tree, however it is cut.

mod common;

use common::{Random, canonical, seed};
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::reduce::{Accumulators, LEAF, Reducer, Reduction, Tree, reference};

fn defined() -> impl Iterator<Item = (Reduction, DType)> {
    Reduction::ALL
        .into_iter()
        .flat_map(|reduction| DType::ALL.into_iter().map(move |dtype| (reduction, dtype)))
        .filter(|(reduction, dtype)| Reducer::new(*reduction, *dtype, Isa::Baseline).is_some())
}

/// `n` elements; floats of one magnitude, so that sums round, and now and then a NaN or zero.
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

/// The value of a leaf, fed in pieces of multiples of 64.
fn leaf(reducer: &Reducer, data: &[u8], piece: usize) -> u64 {
    let mut accumulators = Accumulators::new();
    reducer.reset(&mut accumulators);
    let size = reducer.dtype().size();
    for part in data.chunks(piece * size) {
        let to = (&raw mut accumulators).cast();
        let null = std::ptr::null();
        // SAFETY: the part holds so many elements; the accumulators have been reset.
        let flags =
            unsafe { reducer.accumulate()(to, part.as_ptr(), null, null, part.len() / size) };
        assert_eq!(flags, 0);
    }
    reducer.finish(&accumulators)
}

fn whole(reducer: &Reducer, data: &[u8], piece: usize) -> Option<u64> {
    let mut tree = Tree::new();
    for part in data.chunks(LEAF * reducer.dtype().size()) {
        tree.push(reducer, leaf(reducer, part, piece));
    }
    tree.finish(reducer).or_else(|| reducer.empty())
}

#[test]
fn agree_with_the_reference() {
    let r = &mut Random(seed());
    for (reduction, dtype) in defined() {
        let lengths = (0..=70).chain([127, 128, 129, 1000, 4095, 4096, 4097, 3 * 4096 + 5, 30000]);
        for n in lengths {
            // Room for an address that is not aligned.
            let mut data = vec![0; 1];
            data.extend(samples(dtype, n, r, n % 3 == 0));
            let data = &data[1..];
            let want = reference(reduction, dtype, data).map(|bits| canonical(bits, dtype));
            for isa in Isa::available() {
                let reducer = Reducer::new(reduction, dtype, isa).unwrap();
                for piece in [64, 192, 1024, 4096] {
                    let got = whole(&reducer, data, piece).map(|bits| canonical(bits, dtype));
                    assert_eq!(got, want, "{reduction} of {n} {dtype} by {piece} on {isa:?}");
                }
            }
        }
    }
}

/// The tree, written down by recursion: the left part is the largest power of two that leaves
/// something for the right.
fn recursive(reducer: &Reducer, leaves: &[u64]) -> u64 {
    if leaves.len() == 1 {
        return leaves[0];
    }
    let left = leaves.len().next_power_of_two() / 2;
    reducer.combine(recursive(reducer, &leaves[..left]), recursive(reducer, &leaves[left..]))
}

#[test]
fn blocks_of_leaves_change_nothing() {
    let r = &mut Random(seed());
    let reducer = Reducer::new(Reduction::Sum, DType::F64, Isa::Baseline).unwrap();
    for count in (1..=70_usize).chain([127, 128, 129, 1000]) {
        let leaves: Vec<u64> =
            (0..count).map(|_| ((r.next() >> 11) as f64 / 1e13 - 450.0).to_bits()).collect();
        let want = recursive(&reducer, &leaves);
        for level in 0..8 {
            let mut tree = Tree::new();
            for block in leaves.chunks(1 << level) {
                let mut part = Tree::new();
                block.iter().for_each(|leaf| part.push(&reducer, *leaf));
                let value = part.finish(&reducer).unwrap();
                assert_eq!(value, recursive(&reducer, block));
                tree.push_block(&reducer, level, value);
            }
            assert_eq!(tree.finish(&reducer), Some(want), "{count} leaves, level {level}");
        }
    }
    assert_eq!(Tree::new().finish(&reducer), None);
}

fn sum_of(values: &[f64]) -> f64 {
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let reducer = Reducer::new(Reduction::Sum, DType::F64, Isa::detect()).unwrap();
    f64::from_bits(whole(&reducer, &data, 4096).unwrap())
}

#[test]
fn known_values() {
    // 2^25 ones, the sum that a running f32 cannot reach.
    let ones: Vec<u8> = std::iter::repeat_n(1_f32.to_le_bytes(), LEAF).flatten().collect();
    for isa in Isa::available() {
        let reducer = Reducer::new(Reduction::Sum, DType::F32, isa).unwrap();
        let mut tree = Tree::new();
        let value = leaf(&reducer, &ones, 4096);
        (0..1 << 13).for_each(|_| tree.push(&reducer, value));
        assert_eq!(tree.finish(&reducer), Some(33554432_f32.to_bits() as u64));
    }
    assert_eq!(sum_of(&[]).to_bits(), 0);
    assert_eq!(sum_of(&[-0.0]).to_bits(), (-0.0_f64).to_bits());
    assert_eq!(sum_of(&[-0.0; 5000]).to_bits(), (-0.0_f64).to_bits());
    assert_eq!(sum_of(&[-0.0, 0.0]).to_bits(), 0);
    assert!(sum_of(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    // Elements 0 and 32 share an accumulator, 0 and 16 meet in the first folding: the large ones
    // cancel before the small one comes, or swallow it.
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

#[test]
fn of_nothing() {
    let value = |reduction, dtype| Reducer::new(reduction, dtype, Isa::Baseline).unwrap().empty();
    assert_eq!(value(Reduction::Sum, DType::F64), Some(0));
    assert_eq!(value(Reduction::Prod, DType::F64), Some(1_f64.to_bits()));
    assert_eq!(value(Reduction::Prod, DType::F32), Some(1_f32.to_bits() as u64));
    assert_eq!(value(Reduction::Prod, DType::I64), Some(1));
    assert_eq!(value(Reduction::Any, DType::Bool), Some(0));
    assert_eq!(value(Reduction::All, DType::Bool), Some(1));
    assert_eq!(value(Reduction::Min, DType::I8), None);
    for (reduction, dtype) in [
        (Reduction::Sum, DType::I32),
        (Reduction::Prod, DType::Bool),
        (Reduction::Min, DType::Bool),
        (Reduction::Any, DType::U8),
    ] {
        assert!(Reducer::new(reduction, dtype, Isa::Baseline).is_none());
        assert_eq!(reference(reduction, dtype, &[1; 16]), None);
    }
}

#[test]
fn extremes_of_floats() {
    let run = |reduction, values: &[f64]| {
        let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let of = |isa| whole(&Reducer::new(reduction, DType::F64, isa).unwrap(), &data, 64);
        let all: Vec<f64> = Isa::available().map(|isa| f64::from_bits(of(isa).unwrap())).collect();
        assert!(all.windows(2).all(|two| two[0].to_bits() == two[1].to_bits() || two[0].is_nan()));
        all[0]
    };
    assert_eq!(run(Reduction::Min, &[0.0, -0.0, 1.0]).to_bits(), (-0.0_f64).to_bits());
    assert_eq!(run(Reduction::Max, &[-0.0, 0.0, -1.0]).to_bits(), 0);
    assert_eq!(run(Reduction::Min, &[f64::INFINITY]), f64::INFINITY);
    assert_eq!(run(Reduction::Max, &[f64::NEG_INFINITY; 99]), f64::NEG_INFINITY);
    for at in [0, 1, 31, 32, 63, 64, 100] {
        let mut values = vec![1.0; 101];
        values[at] = f64::NAN;
        assert!(run(Reduction::Min, &values).is_nan() && run(Reduction::Max, &values).is_nan());
    }
}

#[test]
fn any_and_all_take_any_byte_for_true() {
    for isa in Isa::available() {
        let any = Reducer::new(Reduction::Any, DType::Bool, isa).unwrap();
        let all = Reducer::new(Reduction::All, DType::Bool, isa).unwrap();
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
