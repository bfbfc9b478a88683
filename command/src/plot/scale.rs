//! The scale of an axis: maps numbers to fractions of the axis, and chooses ticks.

/// The numbers from one end of an axis to the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    /// Whether the numbers are integers.
    whole: bool,
}

/// Up to this magnitude, every half is a float.
const HALVES: f64 = (1u64 << 52) as f64;

/// A tick of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Its position, from 0 to 1.
    pub at: f64,
    /// Its label.
    pub label: String,
}

impl Scale {
    /// A scale from the minimum to the maximum of finite numbers; a single number is centred. For
    /// integers, ticks are integers.
    pub(crate) fn new(low: f64, high: f64, whole: bool) -> Scale {
        let whole = whole && low >= -HALVES && high <= HALVES;
        if low < high {
            return Scale { low, high, whole };
        }
        let margin = match low.abs() {
            _ if whole => 0.5,
            0.0 => 1.0,
            size => size / 10.0,
        };
        let (below, above) = (low - margin, low + margin);
        Scale { low: below.max(f64::MIN), high: above.min(f64::MAX), whole }
    }

    /// Extends the scale below and above by fractions of its length.
    pub(crate) fn widened(self, below: f64, above: f64) -> Scale {
        // Computed in halves, because the length may overflow.
        let half = self.high / 2.0 - self.low / 2.0;
        let low = (self.low - half * (2.0 * below)).max(f64::MIN);
        let high = (self.high + half * (2.0 * above)).min(f64::MAX);
        Scale { low, high, ..self }
    }

    /// The positions of its ends in a larger scale.
    pub(crate) fn within(self, other: Scale) -> (f64, f64) {
        (other.fraction(self.low), other.fraction(self.high))
    }

    /// Whether ticks are integers, all of which are exact floats.
    pub(crate) fn is_whole(self) -> bool {
        self.whole
    }

    /// The position of a number: 0 at the low end, 1 at the high end.
    pub(crate) fn fraction(self, x: f64) -> f64 {
        // Computed in halves, because the distance between the ends may overflow.
        let (whole, part) = (self.high / 2.0 - self.low / 2.0, x / 2.0 - self.low / 2.0);
        if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.5 }
    }

    /// At most `most` ticks at round numbers, with limited label length.
    pub(crate) fn ticks(self, most: usize) -> Vec<Tick> {
        let spacing = (self.high / 2.0 - self.low / 2.0) / (most.max(1) as f64 / 2.0);
        let spacing = if self.whole { spacing.max(1.0) } else { spacing };
        let steps = step(spacing).map(|step| self.multiples(step)).unwrap_or_default();
        if !steps.is_empty() {
            return steps;
        }
        // The ends are too close for ticks.
        let tick = |x: f64| Tick { at: self.fraction(x), label: format!("{x:e}") };
        vec![tick(self.low)]
    }

    /// Ticks whose labels do not overlap, at most `most`; `room` is the fraction of the axis that a
    /// label occupies.
    pub(crate) fn spaced_ticks(self, most: usize, room: impl Fn(&str) -> f64) -> Vec<Tick> {
        let apart = |ticks: &Vec<Tick>| {
            let widest = ticks.iter().map(|tick| room(&tick.label)).fold(0.0, f64::max);
            ticks.windows(2).all(|pair| pair[1].at - pair[0].at >= widest)
        };
        let mut fewer = (1..=most).rev().map(|most| self.ticks(most));
        fewer.find(apart).unwrap_or_else(|| self.ticks(1))
    }

    fn multiples(self, step: Step) -> Vec<Tick> {
        let size = step.value(1);
        let (first, last) = ((self.low / size).ceil(), (self.high / size).floor());
        // Beyond this, neighbours cannot be told apart.
        if !(first.abs() < 1e15 && last.abs() < 1e15) {
            return Vec::new();
        }
        let (first, last) = (first as i64, last as i64);
        let largest = first.abs().max(last.abs());
        let plain = (1e-4..1e7).contains(&step.value(largest).abs()) && step.exponent >= -8;
        // All labels have the same exponent, so that the digits can be compared.
        let places = step.units(largest).to_string().len();
        let exponent = step.exponent + places as i32 - 1;
        let tick = |i: i64| {
            let x = step.value(i);
            let label = match plain {
                true => format!("{x:.0$}", step.exponent.min(0).unsigned_abs() as usize),
                false if i == 0 => "0".to_string(),
                false => {
                    let digits = format!("{:0places$}", step.units(i.abs()));
                    let (whole, part) = digits.split_at(digits.len() - (places - 1));
                    let point = if part.is_empty() { "" } else { "." };
                    format!("{}{whole}{point}{part}e{exponent}", if i < 0 { "-" } else { "" })
                }
            };
            Tick { at: self.fraction(x), label }
        };
        (first..=last).map(tick).collect()
    }
}

/// A distance between ticks: 1, 2 or 5 times a power of ten.
#[derive(Clone, Copy)]
struct Step {
    digit: i64,
    exponent: i32,
}

/// The smallest step of at least this length.
fn step(least: f64) -> Option<Step> {
    if !least.is_normal() {
        return None;
    }
    // The printed digits give the exact order of magnitude.
    let text = format!("{least:e}");
    let (digits, exponent) = text.split_once('e')?;
    let (digits, exponent) = (digits.parse::<f64>().ok()?, exponent.parse().ok()?);
    let digit = [1, 2, 5].into_iter().find(|digit| *digit as f64 >= digits);
    let (digit, exponent) = digit.map_or((1, exponent + 1), |digit| (digit, exponent));
    Some(Step { digit, exponent })
}

impl Step {
    /// `count` steps from zero, correctly rounded if the power of ten is a finite float.
    fn value(self, count: i64) -> f64 {
        format!("{}e{}", self.units(count), self.exponent).parse().unwrap_or(0.0)
    }

    /// `count` steps, as a multiple of the power of ten.
    fn units(self, count: i64) -> i64 {
        self.digit.saturating_mul(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, most: usize) -> Vec<String> {
        Scale::new(low, high, false).ticks(most).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn round_numbers() {
        assert_eq!(labels(0.0, 1.0, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(-3.7, 12.2, 4), ["0", "5", "10"]);
        assert_eq!(labels(0.0, 1e7, 3), ["0", "0.5e7", "1.0e7"]);
        assert_eq!(labels(1.5e-9, 9e-9, 3), ["5e-9"]);
        assert_eq!(labels(99.97, 100.02, 3), ["99.98", "100.00", "100.02"]);
        assert_eq!(labels(7.0, 7.0, 4), ["6.5", "7.0", "7.5"]);
        let constant = ["0.90e300", "0.95e300", "1.00e300", "1.05e300", "1.10e300"];
        assert_eq!(labels(1e300, 1e300, 5), constant);
        assert_eq!(labels(-2e-300, 1e-300, 3), ["-2e-300", "-1e-300", "0", "1e-300"]);
        assert_eq!(labels(0.0, 0.0, 3), ["-1", "0", "1"]);
        assert_eq!(labels(0.0, 365.0, 4), ["0", "100", "200", "300"]);
    }

    #[test]
    fn any_ends_give_few_ticks_inside() {
        let ends = [
            f64::MIN,
            -1e300,
            -1.0,
            -1e-300,
            -5e-324,
            0.0,
            5e-324,
            1e-310,
            1.0,
            1.0f64.next_up(),
            1e15,
            1e15 + 0.25,
            1.7e18,
            1.7e18 + 512.0,
            1e300,
            f64::MAX,
        ];
        for low in ends {
            for high in ends.into_iter().filter(|high| *high >= low) {
                for (whole, most) in [(false, 1), (false, 4), (true, 4), (false, 20)] {
                    let scale = Scale::new(low, high, whole);
                    let ticks = scale.ticks(most);
                    assert!(
                        (1..=most + 1).contains(&ticks.len()),
                        "{low} {high} {most}: {ticks:?}"
                    );
                    assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)));
                    assert!(ticks.iter().all(|tick| tick.label.len() <= 24), "{ticks:?}");
                    for x in [low, high, 0.0, f64::MAX] {
                        assert!((0.0..=1.0).contains(&scale.fraction(x)), "{low} {high} {x}");
                    }
                }
            }
        }
    }
}
