//! Streams by key: each key has the results of a stream of its own.

use hotloop::ndarray::{Array2, Axis};
use hotloop::{ErrorKind, RunOptions, compile};
use hotloop_testing::generator::data::Rng;

use super::program;

const TEXT: &str =
    "rolling_mean(x, 5, 1), ewm_mean(x, span=4) + cumsum(x), shift(x, 1, fill=0), i + 1";

#[test]
fn each_key_has_a_stream_of_its_own() {
    let program = program(TEXT);
    let mut rng = Rng(7);
    for keys in [1, 3, 200] {
        let like = (("x", &[0.0f64; 0]), ("i", &[0i64; 0]));
        let mut keyed = program.keyed_stream(like, 0).unwrap();
        let mut rows: Vec<(u64, f64, i64)> = Vec::new();
        let mut got: Vec<[f64; 4]> = Vec::new();
        for round in 0..30 {
            let n = [0, 1, 2, 40, 300][rng.below(5) as usize];
            let batch: Vec<(u64, f64, i64)> = (0..n)
                .map(|_| (rng.below(keys), rng.below(1000) as f64 / 8.0, rng.below(100) as i64))
                .collect();
            let x: Vec<f64> = batch.iter().map(|row| row.1).collect();
            let i: Vec<i64> = batch.iter().map(|row| row.2).collect();
            let names: Vec<String> = batch.iter().map(|row| format!("key {}", row.0)).collect();
            let names: Vec<&str> = names.iter().map(|name| &**name).collect();
            let out = keyed.push(&names, (("x", &x), ("i", &i))).unwrap();
            for row in 0..n as usize {
                let float = |o: usize| out[o].view::<f64>().unwrap()[[row]];
                let int = out[3].view::<i64>().unwrap()[[row]] as f64;
                got.push([float(0), float(1), float(2), int]);
            }
            rows.extend(batch);
            if round % 7 == 3 {
                let bytes = keyed.snapshot();
                keyed = program.keyed_stream(like, 0).unwrap();
                keyed.restore(&bytes).unwrap();
                assert_eq!(keyed.snapshot(), bytes);
            }
        }
        for key in 0..keys {
            let own: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].0 == key).collect();
            let x: Vec<f64> = own.iter().map(|row| rows[*row].1).collect();
            let i: Vec<i64> = own.iter().map(|row| rows[*row].2).collect();
            let whole = program.eval((("x", &x), ("i", &i))).unwrap();
            for (at, row) in own.into_iter().enumerate() {
                for o in 0..3 {
                    let want = whole[o].view::<f64>().unwrap()[[at]];
                    assert_eq!(got[row][o].to_bits(), want.to_bits(), "output {o} of row {row}");
                }
                assert_eq!(got[row][3], whole[3].view::<i64>().unwrap()[[at]] as f64);
            }
        }
    }
}

#[test]
fn rows_may_have_several_columns() {
    let program = program("cumsum(m, axis=1) - mean(m, axis=0, keepdims=True)");
    let mut keyed = program.keyed_stream(("m", &Array2::<f64>::zeros((3, 0))), 1).unwrap();
    let m = Array2::from_shape_fn((3, 6), |(i, j)| (i * 10 + j * j) as f64);
    let out = keyed.push(&[1i64, 2, 1, 1, 2, 1], ("m", &m)).unwrap();
    let out = out[0].view::<f64>().unwrap();
    for (key, columns) in [(1, vec![0, 2, 3, 5]), (2, vec![1, 4])] {
        let own = m.select(Axis(1), &columns);
        let want = program.eval_as::<f64>(("m", &own)).unwrap();
        assert_eq!(out.select(Axis(1), &columns), want, "key {key}");
    }
}

#[test]
fn a_million_keys_fit_in_memory() {
    let program = compile("x - ewm_mean(x, span=10), cumsum(x)").unwrap();
    let mut keyed = program.keyed_stream(("x", &[0.0f64; 0]), 0).unwrap();
    let keys: Vec<i64> = (0..1_000_000).map(|i| i * 7919 % 1_000_003).collect();
    let x: Vec<f64> = keys.iter().map(|key| *key as f64).collect();
    keyed.push(&keys, ("x", &x)).unwrap();
    let out = keyed.push(&keys[..1000], ("x", &x[..1000])).unwrap();
    let sums = out[1].view::<f64>().unwrap();
    assert!(sums.iter().zip(&x).all(|(sum, x)| *sum == 2.0 * x));
    assert_eq!(keyed.keys(), 1_000_000);
    assert!(keyed.state_bytes() < 1 << 30, "{} bytes", keyed.state_bytes());
}

#[test]
fn a_memory_limit_is_an_error_before_anything_changes() {
    let program = compile("rolling_mean(x, 20, 1)").unwrap();
    let program = program.with(RunOptions::new().memory(1 << 20));
    let mut keyed = program.keyed_stream(("x", &[0.0f64; 0]), 0).unwrap();
    keyed.push(&[1i64, 2], ("x", &[1.0, 2.0])).unwrap();
    let before = keyed.snapshot();
    let many: Vec<i64> = (0..100_000).collect();
    let error = keyed.push(&many, ("x", &vec![1.0; 100_000])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.to_string().contains("the states of 100000 keys take"), "{error}");
    for error in [
        keyed.push(&[5i64], ("x", &[1.0, 2.0])).unwrap_err(),
        keyed.push(&[5i64, 6], ("x", &[1.0f32, 2.0])).unwrap_err(),
        keyed.push(&[5i64], ("y", &[1.0])).unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Shape | ErrorKind::Type | ErrorKind::Name));
    }
    assert_eq!((keyed.keys(), keyed.snapshot() == before), (2, true));
    let next = keyed.push(&[2i64], ("x", &[4.0])).unwrap();
    assert_eq!(next[0].view::<f64>().unwrap()[[0]], 3.0);
}

#[test]
fn damaged_snapshots_of_keys_are_refused() {
    let program = compile("cumsum(x)").unwrap();
    let mut keyed = program.keyed_stream(("x", &[0.0f64; 0]), 0).unwrap();
    keyed.push(&["a", "b", "a"], ("x", &[1.0, 2.0, 3.0])).unwrap();
    let bytes = keyed.snapshot();
    for length in 0..bytes.len() {
        assert_eq!(keyed.restore(&bytes[..length]).unwrap_err().kind(), ErrorKind::Format);
    }
    let plain = program.stream(("x", &[0.0f64; 0]), 0).unwrap().snapshot();
    assert!(keyed.restore(&plain).unwrap_err().to_string().contains("other shapes"));
    assert_eq!(keyed.snapshot(), bytes);
}
