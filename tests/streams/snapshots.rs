//! Snapshots: they go on with the same bits, and nothing else restores.

use hotloop::{DType, Engine, ErrorKind, Mode, Program, Stream, compile, ndarray};
use hotloop_testing::generator::data::{Array, Flavour, Input, Rng, Value};

use super::{Collected, batch, program};

const TEXT: &str = "n = where(x > 0.9, nan, x); rolling_mean(n, 37, 1), ewm_mean(n, span=7), \
                    cumsum(x), shift(x, 5), rolling_std(x, 300, 2), ffill(n), cummax(i), \
                    rolling_rank(n, 40, 1), rolling_median(n, 33, 1), rolling_quantile(x, 9, 0.3), \
                    ewm_mean(n, span=5, adjust=True), last(x, x > 0.5), rolling_kurt(x, 20)";

fn inputs(shape: &[usize]) -> Vec<Input> {
    let make = |name, dtype| {
        let mut array = Array::contiguous(dtype, shape, 0);
        array.fill(&mut Rng(5), Flavour::Unit);
        Input { name, value: Value::Array(array) }
    };
    vec![make("x", DType::F64), make("i", DType::I32)]
}

fn stream(program: &Program, inputs: &[Input]) -> Stream {
    program.stream(batch(inputs, 0, 0, 0), 0).unwrap()
}

#[test]
fn a_snapshot_goes_on_anywhere() {
    const WIDE: &str = "rolling_mean(x, 37, 1, axis=0), ewm_mean(x, span=7, axis=0), \
                        cumsum(x, axis=0), shift(i, 5, axis=0)";
    for (shape, text) in [(&[5000][..], TEXT), (&[700, 70], WIDE)] {
        let (program, inputs, mut rng) = (program(text), inputs(shape), Rng(3));
        let whole = program.eval(batch(&inputs, 0, 0, shape[0])).unwrap();
        for _ in 0..20 {
            let (mut now, mut from) = (stream(&program, &inputs), 0);
            let mut collected = Collected(Vec::new());
            while from < shape[0] {
                let count = (1 + rng.below(2000) as usize).min(shape[0] - from);
                collected.add(&now.push(batch(&inputs, 0, from, count)).unwrap());
                from += count;
                // Into a new stream, or one that has had other rows.
                let bytes = now.snapshot();
                let mut other = stream(&program, &inputs);
                if rng.below(2) == 0 {
                    other.push(batch(&inputs, 0, 3, 40)).unwrap();
                }
                other.restore(&bytes).unwrap();
                assert_eq!((other.rows(), other.snapshot() == bytes), (from as u64, true));
                now = other;
            }
            assert_eq!(collected.compare(&now, &whole), None, "{text}");
        }
    }
}

#[test]
fn damaged_snapshots_are_refused() {
    let (program, inputs) = (program("ewm_mean(x, span=7), cumsum(x)"), inputs(&[400]));
    let mut of = stream(&program, &inputs);
    of.push(batch(&inputs, 0, 0, 100)).unwrap();
    let bytes = of.snapshot();
    let mut into = stream(&program, &inputs);
    into.push(batch(&inputs, 0, 0, 50)).unwrap();
    let before = into.snapshot();
    let mut refuse = |bytes: &[u8], what: &str| {
        let error = into.restore(bytes).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Format, "{what}: {error}");
    };
    for length in 0..bytes.len() {
        refuse(&bytes[..length], &format!("{length} bytes"));
    }
    let mut changed = bytes.clone();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            changed[at] ^= 1 << bit;
            refuse(&changed, &format!("bit {bit} of byte {at}"));
            changed[at] ^= 1 << bit;
        }
    }
    refuse(&[&bytes[..], &[0]].concat(), "a byte more");
    refuse(b"", "nothing");
    refuse(&[0; 1000], "zeros");
    assert_eq!(into.snapshot(), before);
    into.restore(&bytes).unwrap();
    assert_eq!(into.rows(), 100);
}

#[test]
fn a_snapshot_of_another_stream_is_refused() {
    let x = [0.0f64; 0];
    let mut of = compile("rolling_mean(x, 5)").unwrap().stream(("x", &x), 0).unwrap();
    let bytes = of.snapshot();
    let refused = |stream: hotloop::Result<Stream>, what: &str| {
        let error = stream.unwrap().restore(&bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format);
        assert!(error.to_string().contains(what), "{error}");
    };
    refused(compile("rolling_mean(x, 6)").unwrap().stream(("x", &x), 0), "other program");
    refused(compile("rolling_mean(x, 5)").unwrap().stream(("x", &[0f32; 0]), 0), "other dtypes");
    let fast = Engine::builder().mode(Mode::Fast).build();
    refused(fast.compile("rolling_mean(x, 5)").unwrap().stream(("x", &x), 0), "other mode");
    let matrix = ndarray::Array2::<f64>::zeros((3, 4));
    refused(compile("rolling_mean(x, 5)").unwrap().stream(("x", &matrix), 1), "other shapes");
}

/// A snapshot with a right checksum, but any state: no result matters, and nothing else happens.
#[test]
fn any_state_is_safe() {
    let (program, inputs) = (program(TEXT), inputs(&[3000]));
    let mut now = stream(&program, &inputs);
    now.push(batch(&inputs, 0, 0, 100)).unwrap();
    let bytes = now.snapshot();
    let state = bytes.windows(8).rposition(|w| w == 100u64.to_le_bytes()).map(|at| at + 8);
    let state = state.filter(|at| *at < bytes.len() / 2).unwrap_or(600);
    let mut rng = Rng(11);
    for round in 0..50 {
        let mut wild = bytes.clone();
        let end = wild.len() - 8;
        for byte in &mut wild[state..end] {
            *byte = match round % 3 {
                0 => rng.next() as u8,
                1 => 0xff,
                _ => (*byte).wrapping_add(rng.below(2) as u8),
            };
        }
        wild[state - 8..state].copy_from_slice(&(rng.next() >> (2 + rng.below(60))).to_le_bytes());
        let sum = checksum(&wild[..end]);
        wild[end..].copy_from_slice(&sum.to_le_bytes());
        now.restore(&wild).unwrap();
        now.push(batch(&inputs, 0, 0, 1)).unwrap();
        now.push(batch(&inputs, 0, 0, 2900)).unwrap();
    }
}

/// The CRC-64 of ECMA-182, bit by bit.
fn checksum(bytes: &[u8]) -> u64 {
    let mut crc = !0u64;
    for byte in bytes {
        crc ^= u64::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xc96c_5795_d787_0f42 } else { crc >> 1 };
        }
    }
    !crc
}
