//! Latencies of rows: from when a row was read until it was written.

use std::fmt;
use std::time::{Duration, Instant};

/// Buckets for each power of two.
const STEPS: u32 = 16;

/// The number of rows by latency.
#[derive(Clone)]
pub(crate) struct Latencies {
    began: Instant,
    /// By the position of the highest bit of nanoseconds, and the four bits below it.
    counts: Vec<u64>,
    longest: Duration,
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies {
            began: Instant::now(),
            counts: vec![0; 64 * STEPS as usize],
            longest: Duration::ZERO,
        }
    }
}

/// The bucket of a number of nanoseconds.
fn bucket(nanoseconds: u64) -> usize {
    if nanoseconds < u64::from(STEPS) {
        return nanoseconds as usize;
    }
    let power = nanoseconds.ilog2();
    let step = nanoseconds >> (power - 4) & u64::from(STEPS - 1);
    ((power - 3) * STEPS) as usize + step as usize
}

/// The least number of nanoseconds beyond a bucket.
fn end(bucket: usize) -> u64 {
    let (power, step) = (bucket as u32 / STEPS, bucket as u64 % u64::from(STEPS));
    match power {
        0 => step + 1,
        _ => (u64::from(STEPS) + step + 1).saturating_mul(1 << (power - 1)),
    }
}

impl Latencies {
    /// Adds rows of one latency.
    pub(crate) fn add(&mut self, latency: Duration, rows: u64) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanoseconds)] += rows;
        self.longest = self.longest.max(latency);
    }

    /// The latency that a share of the rows does not exceed, up to a sixteenth.
    fn quantile(&self, share: f64) -> Duration {
        let rows: u64 = self.counts.iter().sum();
        let wanted = (rows as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return Duration::from_nanos(end(bucket)).min(self.longest);
            }
        }
        self.longest
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: u64 = self.counts.iter().sum();
        let seconds = self.began.elapsed().as_secs_f64();
        write!(f, "{rows} rows, {:.0} rows/s", rows as f64 / seconds.max(1e-9))?;
        if rows == 0 {
            return Ok(());
        }
        write!(
            f,
            "; latency of a row: 50% {:.1?}, 99% {:.1?}, 99.9% {:.1?}, longest {:.1?}",
            self.quantile(0.5),
            self.quantile(0.99),
            self.quantile(0.999),
            self.longest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_a_sixteenth() {
        for nanoseconds in (0..5000).chain([u64::MAX / 3, u64::MAX]) {
            let bucket = bucket(nanoseconds);
            assert!(end(bucket) > nanoseconds || nanoseconds > u64::MAX / 2, "{nanoseconds}");
            assert!(bucket == 0 || end(bucket - 1) <= nanoseconds, "{nanoseconds}");
        }
    }

    #[test]
    fn quantiles_are_of_rows() {
        let mut latencies = Latencies::default();
        latencies.add(Duration::from_nanos(100), 98);
        latencies.add(Duration::from_micros(1), 1);
        latencies.add(Duration::from_millis(1), 1);
        assert!(latencies.quantile(0.5) < Duration::from_nanos(110));
        assert!(latencies.quantile(0.99) > Duration::from_nanos(999));
        assert!(latencies.quantile(0.99) < Duration::from_nanos(1100));
        assert_eq!(latencies.quantile(1.0), Duration::from_millis(1));
    }
}
