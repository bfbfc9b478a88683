//! Streams: the time of a push of one row, and rows a second in batches.
//!
//! ```text
//! cargo bench --bench streams
//! ```

use std::hint::black_box;
use std::time::Instant;

use hotloop::compile;

/// Three factors of one series, with short windows and with one of 10,000 rows.
const PROGRAMS: [(&str, &str); 4] = [
    ("one window", "rolling_mean(x, 20)"),
    (
        "three factors",
        "x / rolling_mean(x, 20) - 1, ewm_mean(x, span=12) - ewm_mean(x, span=26), \
         rolling_max(x, 50)",
    ),
    ("window 10,000", "rolling_mean(x, 10000)"),
    (
        "three factors, 10,000",
        "x / rolling_mean(x, 10000) - 1, ewm_mean(x, span=50), rolling_max(x, 20)",
    ),
];

/// Pushes of one row that are timed.
const PUSHES: usize = 200_000;
/// Rows of a large batch.
const BATCH: usize = 1 << 16;

fn main() {
    let x: Vec<f64> = (0..BATCH).map(|i| 100.0 + (i as f64 * 0.7).sin()).collect();
    println!("{:24} {:>8} {:>8} {:>8} {:>14}", "", "median", "P99", "longest", "values/s");
    for (name, text) in PROGRAMS {
        let program = compile(text).expect("a program");
        let outputs = program.outputs().len();
        let mut stream = program.stream(("x", &[0.0f64; 0]), 0).expect("a stream");
        let mut results = vec![[0.0f64]; outputs];
        let mut push = |x: f64| {
            let one = [x];
            match &mut results[..] {
                [a] => stream.push_into(("x", &one), &mut [a.into()]),
                [a, b, c] => stream.push_into(("x", &one), &mut [a.into(), b.into(), c.into()]),
                _ => return,
            }
            .expect("a row");
        };
        for at in 0..30_000 {
            push(x[at % BATCH]);
        }
        // The clock itself takes about as long as a push.
        let mut clock: Vec<u64> = (0..10_000)
            .map(|_| {
                let now = Instant::now();
                black_box(now.elapsed().as_nanos() as u64)
            })
            .collect();
        clock.sort_unstable();
        let own = clock[clock.len() / 2];
        let mut times: Vec<u64> = (0..PUSHES)
            .map(|at| {
                let began = Instant::now();
                push(black_box(x[at % BATCH]));
                (began.elapsed().as_nanos() as u64).saturating_sub(own)
            })
            .collect();
        times.sort_unstable();
        let at = |share: f64| times[((PUSHES - 1) as f64 * share) as usize];
        let mut outs = vec![vec![0.0f64; BATCH]; outputs];
        let mut best = f64::INFINITY;
        for _ in 0..20 {
            let began = Instant::now();
            let mut all: Vec<_> = outs.iter_mut().map(Into::into).collect();
            stream.push_into(("x", &x), &mut all).expect("rows");
            best = best.min(began.elapsed().as_secs_f64());
        }
        let values = (BATCH * outputs) as f64 / best;
        println!(
            "{name:24} {:>5} ns {:>5} ns {:>5} ns {values:>14.3e}",
            at(0.5),
            at(0.99),
            times[PUSHES - 1]
        );
    }
}
