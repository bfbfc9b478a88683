//! Scans: the kernels of every instruction set against the definition, in pieces of any length,
//! alone and side by side; and the definition against plain loops.

mod common;

use common::Random;
use hotloop_runtime::control::Control;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;
use hotloop_runtime::scan::{Attributes, Scan, ScanState, Scanner, Window, reference};

fn float(random: &mut Random) -> f64 {
    match random.below(400) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => 1.6e308 * (2.0 * unit(random) - 1.0),
        3 => 1e-170 * unit(random),
        4..40 => -0.0,
        _ => 2.0 * unit(random) - 0.9,
    }
}

/// A float in [0, 1).
fn unit(random: &mut Random) -> f64 {
    (random.next() >> 11) as f64 / (1u64 << 53) as f64
}

/// `n` random elements of a dtype, a few of them special.
fn elements(random: &mut Random, dtype: DType, n: usize) -> Vec<u8> {
    let element = |_| match dtype {
        DType::F64 => float(random).to_le_bytes().to_vec(),
        DType::F32 => (float(random) as f32).to_le_bytes().to_vec(),
        _ => random.next().to_le_bytes()[8 - dtype.size()..].to_vec(),
    };
    (0..n).flat_map(element).collect()
}

/// A scan of a dtype.
#[derive(Clone, Copy, Debug)]
struct Case {
    scan: Scan,
    attributes: Attributes,
    dtype: DType,
}

/// Every scan of every dtype; shifts and windows of several lengths.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for scan in Scan::ALL.into_iter().filter(|scan| !scan.is_whole()) {
        let attributes = match scan {
            Scan::Shift => [0, 1, 2, 300, 5000]
                .map(|rows| Attributes::Lag { rows, fill: [0x1234_5678, 0x3f9a_bcde] })
                .to_vec(),
            Scan::Window(Window::Quantile) => {
                [(1, 1, 0.3), (4, 0, 1.0), (20, 5, 0.25), (63, 63, 0.0), (700, 2, 0.9)]
                    .map(|(rows, least, quantile): (u32, u32, f64)| {
                        let bits = quantile.to_bits();
                        let quantile = [bits as u32, (bits >> 32) as u32];
                        Attributes::Quantile { rows, least, quantile }
                    })
                    .to_vec()
            }
            Scan::Window(_) => [
                (1, 1, 0),
                (2, 0, 1),
                (3, 3, 2),
                (20, 5, 1),
                (63, 63, 0),
                (700, 2, 1),
                (5000, 1, 1),
            ]
            .map(|(rows, least, ddof)| Attributes::Frame { rows, least, ddof })
            .to_vec(),
            Scan::Decay => [(0.2, false), (1e-9, false), (0.999_999, true), (1.0 / 3.0, true)]
                .map(|(alpha, ignore_missing): (f64, bool)| {
                    let bits = alpha.to_bits();
                    let alpha = [bits as u32, (bits >> 32) as u32];
                    Attributes::Decay { alpha, ignore_missing, adjust: false }
                })
                .to_vec(),
            Scan::Odds => [(0.2, false, true), (1e-9, true, true), (0.3, false, false)]
                .map(|(alpha, ignore_missing, adjust): (f64, bool, bool)| {
                    let bits = alpha.to_bits();
                    let alpha = [bits as u32, (bits >> 32) as u32];
                    Attributes::Decay { alpha, ignore_missing, adjust }
                })
                .to_vec(),
            _ => vec![Attributes::None],
        };
        for dtype in DType::ALL.into_iter().filter(|dtype| scan.takes(*dtype)) {
            cases.extend(attributes.iter().map(|attributes| Case {
                scan,
                attributes: *attributes,
                dtype,
            }));
        }
    }
    cases
}

/// Elements that a test of a case takes at most: the definition of a window takes long.
fn most(case: Case) -> usize {
    match case.attributes {
        Attributes::Frame { rows: 5000.., .. } => 9000,
        Attributes::Frame { .. } | Attributes::Quantile { .. } => 4097,
        Attributes::Decay { ignore_missing: true, .. } => 9000,
        Attributes::None if case.scan == Scan::Blend => 9000,
        _ => usize::MAX,
    }
}

/// A state with its memory.
struct State {
    scanner: Scanner,
    state: ScanState,
    _memory: Vec<u64>,
}

impl State {
    fn new(case: Case, length: usize, lanes: usize) -> State {
        let scanner = Scanner::new(case.scan, case.attributes, case.dtype).unwrap();
        let mut memory = vec![u64::MAX; scanner.bytes(length, lanes).div_ceil(8)];
        // SAFETY: there is enough memory, and it lives as long as the state.
        let state = unsafe { scanner.state(length, lanes, memory.as_mut_ptr().cast()) };
        let mut made = State { scanner, state, _memory: memory };
        made.begin();
        made
    }

    fn begin(&mut self) {
        // SAFETY: the state was made by this scanner.
        unsafe { self.scanner.begin(&mut self.state) };
    }

    /// Replaces elements by their results.
    fn take(&mut self, case: Case, isa: Isa, data: &mut [u8], others: &[u8]) {
        let kernel = case.scan.kernel(case.dtype, isa).unwrap();
        let state = (&raw mut self.state).cast_const().cast();
        let n = data.len() / case.dtype.size();
        // SAFETY: there are `n` elements; the state is of this scan and dtype.
        let flags = unsafe { kernel(data.as_mut_ptr(), data.as_ptr(), state, others.as_ptr(), n) };
        assert_eq!(flags, 0);
    }
}

fn defined(case: Case, data: &[u8], others: &[u8]) -> Vec<u8> {
    let Case { scan, attributes, dtype } = case;
    let mut data = data.to_vec();
    let known = reference(scan, attributes, dtype, &mut data, others, &Control::default());
    assert_eq!(known.ok(), Some(true), "{case:?}");
    data
}

/// A scan without attributes.
fn plain(scan: Scan, dtype: DType) -> Case {
    Case { scan, attributes: Attributes::None, dtype }
}

/// Asserts equal bits; all NaNs are equal.
fn same(dtype: DType, got: &[u8], want: &[u8]) -> bool {
    let is_nan = |bytes: &[u8]| match dtype {
        DType::F64 => f64::from_le_bytes(bytes.try_into().unwrap()).is_nan(),
        DType::F32 => f32::from_le_bytes(bytes.try_into().unwrap()).is_nan(),
        _ => false,
    };
    let size = dtype.size();
    let mut pairs = got.chunks_exact(size).zip(want.chunks_exact(size));
    got.len() == want.len() && pairs.all(|(a, b)| a == b || is_nan(a) && is_nan(b))
}

#[test]
fn pieces_of_any_length_are_the_definition() {
    for (seed, case) in (1..).zip(cases()) {
        let (mut random, dtype) = (Random(seed), case.dtype);
        for n in [0, 1, 15, 16, 17, 255, 256, 257, 4096, 4097, 9000, 70_000] {
            if n > most(case) {
                continue;
            }
            let data = elements(&mut random, dtype, n);
            let others = elements(&mut random, dtype, n);
            let want = defined(case, &data, &others);
            for isa in Isa::available() {
                let mut state = State::new(case, n, 0);
                for longest in [n + 1, 3, 300] {
                    let mut got = data.clone();
                    let mut at = 0;
                    while at < n {
                        let end = n.min(at + 1 + random.below(longest));
                        let piece = at * dtype.size()..end * dtype.size();
                        state.take(case, isa, &mut got[piece.clone()], &others[piece]);
                        at = end;
                    }
                    assert!(same(dtype, &got, &want), "{case:?} of {n}, {isa:?}, {longest}");
                    state.begin();
                }
            }
        }
    }
}

#[test]
fn sequences_side_by_side_are_the_definition() {
    for (seed, case) in (1..).zip(cases()) {
        let (mut random, dtype) = (Random(seed), case.dtype);
        let size = dtype.size();
        for (rows, lanes) in [(1, 1), (40, 16), (700, 21), (4500, 3)] {
            let data = elements(&mut random, dtype, rows * lanes);
            let others = elements(&mut random, dtype, rows * lanes);
            let column = |all: &[u8], lane: usize| -> Vec<u8> {
                let rows = all.chunks_exact(lanes * size);
                rows.flat_map(|row| row[lane * size..][..size].to_vec()).collect()
            };
            let wanted = |lane| defined(case, &column(&data, lane), &column(&others, lane));
            let want: Vec<Vec<u8>> = (0..lanes).map(wanted).collect();
            for isa in Isa::available() {
                let mut got = data.clone();
                // A state may have more lanes than are used.
                let mut state = State::new(case, rows, lanes + 2);
                let others = others.chunks_exact(lanes * size);
                for (row, others) in got.chunks_exact_mut(lanes * size).zip(others) {
                    state.take(case, isa, row, others);
                }
                for (lane, want) in want.iter().enumerate() {
                    let what = || format!("{case:?} of {rows} x {lanes}, {isa:?}");
                    assert!(same(dtype, &column(&got, lane), want), "{}", what());
                }
            }
        }
    }
}

fn sums(x: &[f64]) -> Vec<f64> {
    let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
    let sums = defined(plain(Scan::Sum, DType::F64), &bytes, &[]);
    sums.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().unwrap())).collect()
}

/// The definition, written explicitly: the fold of each level is added to the left of the prefix of
/// the levels below.
#[test]
fn a_sum_is_nested_to_the_right() {
    let mut random = Random(3);
    let x: Vec<f64> = (0..70_000).map(|_| (random.next() >> 11) as f64 / 3e10).collect();
    let fold = |x: &[f64]| x.iter().fold(-0.0, |sum, x| sum + x);
    let run = |at: usize| fold(&x[at..at + 16]);
    let group = |at: usize| fold(&(0..16).map(|i| run(at + 16 * i)).collect::<Vec<_>>());
    let leaf = |at: usize| fold(&(0..16).map(|i| group(at + 256 * i)).collect::<Vec<_>>());
    let block = |at: usize| fold(&(0..16).map(|i| leaf(at + 4096 * i)).collect::<Vec<_>>());
    let got = sums(&x);
    for i in [0, 7, 15, 16, 100, 255, 256, 4095, 4096, 5000, 65_535, 65_536, 69_999] {
        let [in_run, in_group, in_leaf, in_block] = [16, 256, 4096, 65_536].map(|size| i / size);
        let prefix = fold(&x[in_run * 16..=i]);
        let list = |from: usize, to: usize| from..to;
        let p1 = fold(&list(in_group * 16, in_run).map(|r| run(r * 16)).collect::<Vec<_>>());
        let p2 = fold(&list(in_leaf * 16, in_group).map(|g| group(g * 256)).collect::<Vec<_>>());
        let p3 = fold(&list(in_block * 16, in_leaf).map(|l| leaf(l * 4096)).collect::<Vec<_>>());
        let p4 = fold(&list(0, in_block).map(|b| block(b * 65_536)).collect::<Vec<_>>());
        assert_eq!(got[i].to_bits(), (p4 + (p3 + (p2 + (p1 + prefix)))).to_bits(), "{i}");
    }
}

#[test]
fn sums_do_not_drift_fall_or_jitter() {
    // The error of adding 0.1 600,000 times, in units in the last place of the result; it is 88,000
    // if elements are added one after another.
    let tenths = sums(&vec![0.1; 600_000]);
    let exact = |i: usize| (i + 1) as f64 * 0.1;
    let worst =
        (0..tenths.len()).map(|i| (tenths[i] - exact(i)).abs() / (exact(i) * 2f64.powi(-53)));
    let worst = worst.fold(0.0, f64::max);
    assert!(worst < 16.0, "{worst}");
    // Half of the elements are zero.
    let mut random = Random(11);
    let mut number = || if random.below(2) == 0 { 0.0 } else { unit(&mut random) };
    let x: Vec<f64> = (0..200_000).map(|_| number()).collect();
    let y = sums(&x);
    for i in 1..x.len() {
        assert!(y[i] >= y[i - 1] && (x[i] != 0.0 || y[i] == y[i - 1]), "at {i}");
    }
    assert_eq!(sums(&[-0.0])[0].to_bits(), (-0.0f64).to_bits());
    assert_eq!(sums(&[-0.0, 0.0])[1].to_bits(), 0);
}

#[test]
fn f32_is_summed_in_f64() {
    let data: Vec<u8> = (0..100_000).flat_map(|_| 0.1f32.to_le_bytes()).collect();
    let got = defined(plain(Scan::Sum, DType::F32), &data, &[]);
    for (i, got) in got.chunks_exact(4).enumerate() {
        // Products of an integer of at most 20 bits and the 24 bits of 0.1 are exact in f64.
        let exact = (f64::from(0.1f32) * (i + 1) as f64) as f32;
        assert_eq!(f32::from_le_bytes(got.try_into().unwrap()), exact, "{i}");
    }
}

#[test]
fn extremes_follow_the_rules_of_nan_and_zero() {
    let x = [0.0, -0.0, 1.0, -3.0, f64::NAN, 7.0];
    let bytes: Vec<u8> = x.iter().flat_map(|x: &f64| x.to_le_bytes()).collect();
    let bits = |scan| -> Vec<f64> {
        let all = defined(plain(scan, DType::F64), &bytes, &[]);
        all.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().unwrap())).collect()
    };
    let (least, greatest) = (bits(Scan::Min), bits(Scan::Max));
    assert_eq!(format!("{least:?}"), "[0.0, -0.0, -0.0, -3.0, NaN, NaN]");
    assert_eq!(format!("{greatest:?}"), "[0.0, 0.0, 1.0, 1.0, NaN, NaN]");
}

/// The exponentially weighted means of a sequence by the definition.
fn means(alpha: f64, x: &[f64]) -> Vec<f64> {
    let bits = alpha.to_bits();
    let alpha = [bits as u32, (bits >> 32) as u32];
    let attributes = Attributes::Decay { alpha, ignore_missing: false, adjust: false };
    let case = Case { scan: Scan::Decay, attributes, dtype: DType::F64 };
    let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
    let means = defined(case, &bytes, &[]);
    means.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().unwrap())).collect()
}

/// A number as the sum of two, with twice the digits.
#[derive(Clone, Copy)]
struct Double(f64, f64);

impl Double {
    fn sum(a: f64, b: f64) -> Double {
        let sum = a + b;
        let rest = sum - a;
        Double(sum, (a - (sum - rest)) + (b - rest))
    }

    fn add(self, other: Double) -> Double {
        let high = Double::sum(self.0, other.0);
        let high = Double::sum(high.0, high.1 + self.1 + other.1);
        Double(high.0, high.1)
    }

    fn times(self, factor: f64) -> Double {
        let product = self.0 * factor;
        let rest = self.0.mul_add(factor, -product) + self.1 * factor;
        Double::sum(product, rest)
    }
}

/// The plain loop in twice the digits.
fn exact_means(alpha: f64, x: &[f64]) -> Vec<Double> {
    let mut mean = Double(x[0], 0.0);
    let step = |x: &f64| {
        let distance = Double(*x, 0.0).add(Double(-mean.0, -mean.1));
        mean = mean.add(distance.times(alpha));
        mean
    };
    x.iter().map(step).collect()
}

#[test]
fn a_mean_of_equal_elements_is_equal_to_them() {
    let mut random = Random(21);
    for _ in 0..100 {
        let x = f64::from_bits(random.next() >> 2 | 1 << 60);
        let alpha = 10f64.powf(-16.0 * unit(&mut random)).min(1.0 - 1e-15);
        assert!(means(alpha, &[x; 5000]).iter().all(|y| *y == x), "{x} with alpha {alpha}");
    }
}

#[test]
fn an_outlier_costs_digits_of_means_only_while_it_has_weight() {
    for place in [0, 1, 15, 16, 300, 4096] {
        for alpha in [0.5, 0.9, 0.1] {
            let mut x = vec![5.0; 9000];
            x[place] = 1e18;
            let exact = exact_means(alpha, &x);
            for (i, (y, exact)) in means(alpha, &x).iter().zip(exact).enumerate() {
                let error = ((y - exact.0) - exact.1).abs();
                assert!(error <= 1e-14 * exact.0, "{y} for {} in row {i}", exact.0);
            }
        }
    }
}

/// The bound of the definition, with u = 2^-53 and two levels of blocks above runs.
#[test]
fn errors_of_means_are_small_beside_distances_that_have_weight() {
    let (mut random, n) = (Random(22), 2600);
    let mut walk = 0.0;
    let mut worst = 0.0f64;
    for series in 0..6 {
        let mut element = |i: usize| {
            let uniform = unit(&mut random);
            walk += uniform - 0.5;
            match series {
                0 => uniform,
                1 => 100.0 + 2.0 * uniform,
                2 => walk,
                3 => f64::from(i >= 700),
                4 if i.is_multiple_of(613) => 1e15 * uniform,
                _ => uniform - 1e6,
            }
        };
        let x: Vec<f64> = (0..n).map(&mut element).collect();
        for alpha in [1e-9, 1e-4, 1e-3, 2.0 / 21.0, 0.5, 0.9, 1.0 - 1e-10] {
            let (means, exact) = (means(alpha, &x), exact_means(alpha, &x));
            let k = 1.0 - alpha;
            let mut weighted = 0.0f64;
            for i in 0..n {
                let (mut weight, mut distance) = (1.0, 0.0);
                for m in (0..=i).rev() {
                    let share = if m == 0 { weight } else { alpha * weight };
                    distance += share * (x[m] - x[i]).abs();
                    weight *= k;
                    if weight < 1e-20 {
                        break;
                    }
                }
                let jump = if i == 0 { 0.0 } else { (x[i] - x[i - 1]).abs() };
                weighted = (weighted * k).max(distance).max(jump);
                let u = f64::EPSILON / 2.0;
                let error = ((means[i] - exact[i].0) - exact[i].1).abs() - u * exact[i].0.abs();
                assert!(error <= 3.0 * 64.0 * u * weighted, "{series}, alpha {alpha}, row {i}");
                worst = worst.max(error / (u * weighted));
            }
        }
    }
    assert!(worst < 24.0, "{worst}");
}
