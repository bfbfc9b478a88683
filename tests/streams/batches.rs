//! Batches of any size give the bits of one call.

use arbtest::arbtest;
use hotloop::{DType, Engine, ErrorKind, Order, RunOptions};
use hotloop_testing::generator::Case;
use hotloop_testing::generator::data::{Array, Flavour, Input, Layout, Rng, Value};

use super::{agree, axis_in, program};

/// Every scan, alone and in the company of others, along `AXIS`.
const TEXTS: [&str; 34] = [
    "cumsum(x, axis=AXIS), cumprod(x * 0.5 + 1, axis=AXIS), cumsum(f, axis=AXIS)",
    "cummin(i, axis=AXIS), cummax(b, axis=AXIS), cumsum(i, axis=AXIS), cumcount(b, axis=AXIS)",
    "shift(x, 3, axis=AXIS), shift(i, 1, fill=7, axis=AXIS), shift(b, 300, axis=AXIS, fill=True)",
    "diff(x, axis=AXIS), pct_change(f, 2, axis=AXIS), diff(i, 5, axis=AXIS)",
    "ffill(where(b, x, nan), axis=AXIS)",
    "ewm_mean(x, span=20, axis=AXIS), ewm_mean(f, alpha=0.5, axis=AXIS)",
    "n = where(b, x, nan); ewm_mean(n, com=3, axis=AXIS, min_periods=4)",
    "n = where(b, x, nan); ewm_mean(n, halflife=9, ignore_na=True, axis=AXIS)",
    "rolling_mean(x, 20, axis=AXIS), rolling_sum(f, 3, axis=AXIS), rolling_mean(i, 1000, 1, axis=AXIS)",
    "n = where(b, x, nan); rolling_mean(n, 12, min_periods=3, axis=AXIS), rolling_count(n, 5, axis=AXIS)",
    "rolling_prod(x, 7, axis=AXIS), rolling_min(x, 300, 1, axis=AXIS), rolling_max(f, 5, axis=AXIS)",
    "rolling_std(x, 20, 2, axis=AXIS), rolling_var(where(b, x, nan), 9, 2, axis=AXIS)",
    "rolling_corr(x, y, 20, axis=AXIS), rolling_cov(where(b, x, nan), y, 9, 2, axis=AXIS)",
    "decay_linear(x, 10, 2, axis=AXIS), rolling_argmin(x, 6, 1, axis=AXIS), rolling_argmax(y, 30, axis=AXIS)",
    "expanding_sum(x, axis=AXIS), expanding_mean(where(b, x, nan), axis=AXIS), expanding_max(x, axis=AXIS)",
    "expanding_min(where(b, x, nan), 3, axis=AXIS), expanding_sum(f, 0, axis=AXIS)",
    "x / rolling_mean(x, 20, axis=AXIS) - 1, ewm_mean(abs(diff(x, axis=AXIS)), span=12, axis=AXIS) > 3",
    "rolling_mean(rolling_mean(x, 3, axis=AXIS) + diff(x, 2, axis=AXIS), 5, axis=AXIS)",
    "cumsum(cumsum(x, axis=AXIS) + 1, axis=AXIS), cumsum(x * y, axis=AXIS) / cummax(x, axis=AXIS)",
    "s = cumsum(x, axis=AXIS); s, s * 2, x + s",
    "where(cumsum(i, axis=AXIS) > 3, x, cummin(y, axis=AXIS))",
    "x + 1, sin(x) * y",
    "rolling_mean(x, 5, axis=AXIS), rolling_mean(x, 10, axis=AXIS), rolling_std(x, 10, axis=AXIS)",
    "cumsum(x, axis=AXIS) * k, rolling_max(x * k, 4, axis=AXIS)",
    "rolling_sum(x, 1, axis=AXIS), rolling_mean(x, 2, axis=AXIS), rolling_sum(x, 256, axis=AXIS)",
    "rolling_sum(x, 10000, 1, axis=AXIS)",
    "rolling_rank(x, 20, axis=AXIS), rolling_rank(where(b, x, nan), 7, 2, axis=AXIS, pct=True)",
    "rolling_median(where(b, x, nan), 20, 2, axis=AXIS), rolling_quantile(y, 30, 0.9, axis=AXIS)",
    "rolling_skew(x, 9, axis=AXIS), rolling_kurt(where(b, x, nan), 20, 5, axis=AXIS)",
    "n = where(b, x, nan); ewm_mean(n, span=5, adjust=True, axis=AXIS), ewm_var(n, com=2, axis=AXIS)",
    "ewm_std(x, span=9, axis=AXIS), ewm_corr(x, y, span=7, axis=AXIS), ewm_cov(x, y, com=3, axis=AXIS)",
    "last(x, b, axis=AXIS), since(b, axis=AXIS), count_while(b, axis=AXIS)",
    "any_within(b, 5, axis=AXIS), all_within(x > 0, 3, axis=AXIS)",
    "sequence(b, x > 0, y > 0, within=9, axis=AXIS), sequence(b, x > 0, unless=y > 1, axis=AXIS)",
];

/// Programs that also compute across the other axis of a matrix.
const ACROSS: [&str; 8] = [
    "r = diff(x, axis=AXIS); r - mean(r, axis=OTHER, keepdims=True)",
    "m = mean(x, axis=OTHER, keepdims=True); cumsum(x - m, axis=AXIS)",
    "m = max(x, axis=OTHER, keepdims=True); rolling_mean(exp(x - m) / sum(exp(x - m), axis=OTHER, keepdims=True), 4, axis=AXIS)",
    "c = cumsum(x, axis=AXIS); sum(c, axis=OTHER), c",
    "zscore(x, axis=OTHER), rolling_std(demean(x, axis=OTHER), 5, axis=AXIS)",
    "w = sum(row); cumsum(x * w, axis=AXIS)",
    "cumsum(x[..., None], axis=AXISAGAIN)[..., 0] + y",
    "scale(ewm_mean(x, span=5, axis=AXIS), axis=OTHER)",
];

fn inputs(shape: &[usize], seed: u64, strided: bool, flavour: Flavour) -> Vec<Input> {
    let (mut layouts, mut values) = (Rng(seed), Rng(seed + 1));
    let mut make = |name, dtype, shape: &[usize]| {
        let mut array = match strided {
            true => Array::strided(dtype, shape, &mut layouts, Layout::ANY),
            false => Array::contiguous(dtype, shape, 0),
        };
        array.fill(&mut values, flavour);
        Input { name, value: Value::Array(array) }
    };
    vec![
        make("x", DType::F64, shape),
        make("y", DType::F64, shape),
        make("f", DType::F32, shape),
        make("i", DType::I16, shape),
        make("b", DType::Bool, shape),
        make("k", DType::F64, &[]),
    ]
}

#[test]
fn every_scan_gives_the_bits_of_one_call() {
    let shapes: [(&[usize], i64); 10] = [
        (&[5000], 0),
        (&[700], -1),
        (&[9000, 1], 0),
        (&[600, 5], 0),
        (&[5, 600], 1),
        (&[400, 70], 0),
        (&[130, 200], -2),
        (&[3, 300, 2], 1),
        (&[0], 0),
        (&[1], 0),
    ];
    for (number, (shape, axis)) in shapes.into_iter().enumerate() {
        for strided in [false, true] {
            let flavour = if number % 2 == 0 { Flavour::Unit } else { Flavour::Spiced };
            let inputs = inputs(shape, number as u64, strided, flavour);
            let at = axis_in(axis, shape.len()).unwrap();
            for (i, text) in TEXTS.into_iter().enumerate() {
                let program = program(&text.replace("AXIS", &axis.to_string()));
                let seed = (number * 100 + i) as u64;
                agree(&program, &inputs, axis, shape[at], seed).unwrap();
            }
        }
    }
}

#[test]
fn functions_across_another_axis_take_each_row_alone() {
    for (number, (shape, axis)) in
        [([300, 20], 0), ([20, 300], 1), ([100, 130], -2)].into_iter().enumerate()
    {
        let mut inputs = inputs(&shape, number as u64, number == 1, Flavour::Unit);
        let at = axis_in(axis, 2).unwrap();
        let mut row = Array::contiguous(DType::F64, &[7], 0);
        row.fill(&mut Rng(9), Flavour::Unit);
        // With the axis -2, a vector is the same in each row.
        if axis == -2 {
            inputs.push(Input { name: "row", value: Value::Array(row) });
        }
        for (i, text) in ACROSS.into_iter().enumerate() {
            if text.contains("row") && axis != -2 {
                continue;
            }
            let again = if axis < 0 { axis - 1 } else { axis };
            let text = text
                .replace("AXISAGAIN", &again.to_string())
                .replace("AXIS", &axis.to_string())
                .replace("OTHER", &(1 - at).to_string());
            agree(&program(&text), &inputs, axis, shape[at], (number * 100 + i) as u64).unwrap();
        }
    }
}

#[test]
fn a_batch_may_have_a_million_rows() {
    let inputs = inputs(&[1_000_000], 1, false, Flavour::Unit);
    let program = program("ewm_mean(x, span=20) + rolling_mean(y, 100, 1), cumsum(x), cummax(y)");
    let mut stream = program.stream(super::batch(&inputs, 0, 0, 0), 0).unwrap();
    let mut collected = super::Collected(Vec::new());
    let mut from = 0;
    for size in [1, 600_000, 2, 0, 399_997] {
        collected.add(&stream.push(super::batch(&inputs, 0, from, size)).unwrap());
        from += size;
    }
    let whole = program.eval(super::batch(&inputs, 0, 0, 1_000_000)).unwrap();
    assert_eq!(collected.compare(&stream, &whole), None);
}

/// Random programs along random axes. Most have a reduction or a slice of the rows; these must be
/// refused as such.
#[test]
fn random_programs_give_the_bits_of_one_call() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let wanted = number("HOTLOOP_PROGRAMS").unwrap_or(400u64);
    let first = number("HOTLOOP_FIRST").unwrap_or(0u64);
    let (mut ran, mut refused, mut with_scans, mut n) = (0, 0, 0, first);
    while ran < wanted {
        let seed = (Rng(n ^ 0x5ca1).next() << 32) | [64, 128, 256, 512][(n % 4) as usize];
        n += 1;
        arbtest(|u| {
            let mut case = Case::arbitrary(u)?;
            case.inputs.retain(|input| matches!(input.value, Value::Array(_)));
            let Value::Array(first) = &case.inputs[0].value else { return Ok(()) };
            let rank = first.shape.len();
            if rank == 0 {
                return Ok(());
            }
            let axis =
                (case.seed % rank as u64) as i64 - if case.seed % 2 == 0 { 0 } else { rank as i64 };
            let total = first.shape[axis_in(axis, rank).unwrap()];
            // Inputs of another number of rows would be broadcast.
            for input in &case.inputs {
                let Value::Array(array) = &input.value else { continue };
                let own = axis_in(axis, array.shape.len()).map(|axis| array.shape[axis]);
                if own.is_some_and(|own| own != total) {
                    return Ok(());
                }
            }
            let engine = Engine::builder().mode(case.mode).threads(2).build();
            let program = engine.compile(&case.text).unwrap();
            let program = program.with(RunOptions::new().order(Order::C));
            let arrays: Vec<Input> = case.inputs.into_iter().collect();
            if program.inputs().any(|name| arrays.iter().all(|input| input.name != name)) {
                return Ok(());
            }
            match agree(&program, &arrays, axis, total, case.seed) {
                Ok(()) => {
                    ran += 1;
                    let scans = case.ops.iter().any(|op| op.scan().is_some());
                    with_scans += u32::from(scans);
                }
                Err(error) if error.kind() == ErrorKind::Internal => {
                    panic!("{}\n{error}\nseed {seed:#x}", case.text);
                }
                Err(_) => refused += 1,
            }
            Ok(())
        })
        .seed(seed)
        .run();
    }
    println!("{ran} programs ran, {with_scans} of them with scans; {refused} were refused");
    assert!(wanted < 400 || with_scans > 20, "{with_scans} programs with scans");
}
