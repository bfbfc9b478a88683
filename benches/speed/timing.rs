//! Interleaved timing of contenders.

use std::time::{Duration, Instant};

/// What is timed: one call.
pub type Contender<'a> = Box<dyn FnMut() + 'a>;

/// Seconds of a contender's calls, one for each round.
#[derive(Clone)]
pub struct Times(Vec<f64>);

impl Times {
    /// What one measurement took.
    pub fn once(time: Duration) -> Times {
        Times(vec![time.as_secs_f64()])
    }

    pub fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// The median over the rounds of this time divided by another's in the same round: what slows
    /// both slows the ratio less than the times.
    pub fn ratio(&self, other: &Times) -> f64 {
        median(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }

    /// Round by round the one after the other.
    pub fn plus(&self, other: &Times) -> Times {
        Times(self.0.iter().zip(&other.0).map(|(a, b)| a + b).collect())
    }

    /// Round by round the longer one.
    pub fn max(&self, other: &Times) -> Times {
        Times(self.0.iter().zip(&other.0).map(|(a, b)| a.max(*b)).collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

const FEWEST_ROUNDS: usize = 9;
/// Where a round takes seconds.
const FEWEST_LONG_ROUNDS: usize = 3;
const MOST_ROUNDS: usize = 101;
/// After this long there are rounds enough.
const ENOUGH: Duration = Duration::from_secs(2);
/// After this long there are as many as there will be.
const LONG: Duration = Duration::from_secs(20);
/// A call that is shorter is repeated until it takes so long.
const LOOK: f64 = 2e-3;
/// Shorter calls are preceded by an untimed one, so that the caches are warm.
const WARM: f64 = 5e-3;

/// Times contenders round by round, in changing order.
pub fn interleaved(mut contenders: Vec<Contender<'_>>) -> Vec<Times> {
    let mut times = vec![Times(Vec::new()); contenders.len()];
    let batches: Vec<Batch> = contenders.iter_mut().map(batch).collect();
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    let started = Instant::now();
    for round in 0..MOST_ROUNDS {
        let elapsed = started.elapsed();
        if round >= FEWEST_ROUNDS && elapsed > ENOUGH
            || round >= FEWEST_LONG_ROUNDS && elapsed > LONG
        {
            break;
        }
        shuffle(&mut order, round as u64);
        for &who in &order {
            let (run, Batch { calls, warm }) = (&mut contenders[who], batches[who]);
            if warm {
                run();
            }
            let start = Instant::now();
            (0..calls).for_each(|_| run());
            times[who].0.push(start.elapsed().as_secs_f64() / calls as f64);
        }
    }
    times
}

/// How a contender is timed.
#[derive(Clone, Copy)]
struct Batch {
    /// Calls between two looks at the clock.
    calls: usize,
    /// Whether a call before them is not timed.
    warm: bool,
}

/// Makes the first calls, which are not counted.
fn batch(run: &mut Contender<'_>) -> Batch {
    let mut timed = |calls: usize| {
        let start = Instant::now();
        (0..calls).for_each(|_| run());
        start.elapsed().as_secs_f64() / calls as f64
    };
    timed(1);
    let mut time = timed(1);
    if time < LOOK {
        time = timed((LOOK / 4.0 / time.max(1e-6)).ceil() as usize);
    }
    Batch { calls: (LOOK / time).ceil().max(1.0) as usize, warm: time < WARM }
}

fn shuffle(order: &mut [usize], seed: u64) {
    for i in (1..order.len()).rev() {
        let random = crate::arrays::mix(seed << 8 | i as u64);
        order.swap(i, random as usize % (i + 1));
    }
}
