//! Races: contenders are timed alternately, so that disturbances affect all of them.

use std::time::{Duration, Instant};

use hotloop::Result;

/// A timed function: runs `calls` calls and returns their total seconds.
type Calls<'a> = Box<dyn FnMut(usize) -> Result<f64> + 'a>;

/// A contender, and the seconds of each call.
pub(crate) struct Contender<'a> {
    run: Calls<'a>,
    /// The number of calls between two clock readings.
    batch: usize,
    /// Whether the first call of a turn is not timed, to warm the caches.
    warm: bool,
    times: Vec<f64>,
    /// The number of timed calls.
    pub calls: usize,
}

const FEWEST_LOOKS: usize = 5;
const MOST_CALLS: usize = 1_000_000;
/// Reading the clock takes about 30 ns, which should be negligible.
const LOOK: f64 = 10e-6;
/// A fast contender gets several calls a turn, so that caches are as warm as in a loop of calls.
const TURN: Duration = Duration::from_millis(5);
/// The maximum duration of a race.
const TOO_LONG: Duration = Duration::from_secs(10);

impl<'a> Contender<'a> {
    /// Work in this process.
    pub(crate) fn new(mut run: impl FnMut() -> Result<()> + 'a) -> Contender<'a> {
        Contender::measured(move |calls| {
            let start = Instant::now();
            for _ in 0..calls {
                run()?;
            }
            Ok(start.elapsed().as_secs_f64())
        })
    }

    /// Work that is timed elsewhere.
    pub(crate) fn measured(run: impl FnMut(usize) -> Result<f64> + 'a) -> Contender<'a> {
        Contender { run: Box::new(run), batch: 1, warm: false, times: Vec::new(), calls: 0 }
    }

    /// Warms up, and estimates the time of a call.
    fn warm_up(&mut self) -> Result<()> {
        (self.run)(1)?;
        let mut time = (self.run)(1)?;
        if time < LOOK {
            time = (self.run)(16)? / 16.0;
        }
        self.batch = (LOOK / time.max(1e-9)).ceil() as usize;
        self.warm = time < TURN.as_secs_f64();
        Ok(())
    }

    fn turn(&mut self) -> Result<()> {
        if self.warm {
            (self.run)(1)?;
        }
        let started = Instant::now();
        loop {
            // The clock may be coarse, so the time is at least one nanosecond.
            let time = ((self.run)(self.batch)? / self.batch as f64).max(1e-9);
            self.times.push(time);
            self.calls += self.batch;
            if started.elapsed() >= TURN || self.calls >= MOST_CALLS {
                return Ok(());
            }
        }
    }

    fn sorted(&self) -> Vec<f64> {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times
    }

    /// Seconds of the fastest call.
    pub(crate) fn min(&self) -> f64 {
        self.times.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Seconds of the median call.
    pub(crate) fn median(&self) -> f64 {
        let times = self.sorted();
        match times.len() {
            0 => f64::NAN,
            n => (times[(n - 1) / 2] + times[n / 2]) / 2.0,
        }
    }
}

/// Runs all contenders in turns until the first has enough measurements and enough time has passed.
///
/// # Errors
/// Those of the contenders.
pub(crate) fn race(contenders: &mut [Contender<'_>], enough: Duration) -> Result<()> {
    contenders.iter_mut().try_for_each(Contender::warm_up)?;
    let started = Instant::now();
    for round in 0.. {
        let count = contenders.len();
        for i in 0..count {
            contenders[(i + round) % count].turn()?;
        }
        let elapsed = started.elapsed();
        let first = &contenders[0];
        let done = first.times.len() >= FEWEST_LOOKS && elapsed >= enough;
        if done || first.calls >= MOST_CALLS || elapsed >= TOO_LONG {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_turns() {
        let counts = [std::cell::Cell::new(0), std::cell::Cell::new(0)];
        let mut contenders = counts.each_ref().map(|count| {
            Contender::measured(move |calls| {
                count.set(count.get() + calls);
                Ok(8e-3 * calls as f64)
            })
        });
        race(&mut contenders, Duration::ZERO).unwrap();
        for (contender, count) in contenders.iter().zip(&counts) {
            assert!(contender.times.len() >= FEWEST_LOOKS);
            assert_eq!(contender.calls + 2, count.get(), "only the first two are not counted");
            assert_eq!(contender.median(), 8e-3);
        }
    }
}
