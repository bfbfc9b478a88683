//! What a figure shows: numbers on a grid, however many there are.

use super::scale::Scale;

/// A figure before it has a size.
pub(crate) struct Figure<'a> {
    /// Along the horizontal axis.
    pub x: Scale,
    /// Along the vertical one.
    pub y: Scale,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Points(Points<'a>, bool),
    Bars(Vec<u64>),
}

/// Numbers over others, or over their own places.
#[derive(Clone, Copy)]
struct Points<'a> {
    x: Option<&'a [f64]>,
    y: &'a [f64],
}

impl Points<'_> {
    /// The points; `None` for one that has no place.
    fn iter(&self) -> impl Iterator<Item = Option<(f64, f64)>> {
        self.y.iter().enumerate().map(|(i, y)| {
            let x = self.x.map_or(i as f64, |x| x[i]);
            (x.is_finite() && y.is_finite()).then_some((x, *y))
        })
    }
}

/// A figure on a grid of dots, its origin at the lower left.
#[derive(Debug, PartialEq)]
pub(crate) enum Drawing {
    /// Lines through dots.
    Lines(Vec<Vec<(i32, i32)>>),
    /// Single dots.
    Dots(Vec<(i32, i32)>),
    /// Bars beside each other, from the left end to the right one, by their heights.
    Bars(Vec<f64>),
}

/// The least and the greatest of some numbers.
fn ends(numbers: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    numbers.fold(None, |ends, x| {
        let (low, high) = ends.unwrap_or((x, x));
        Some((x.min(low), x.max(high)))
    })
}

impl<'a> Figure<'a> {
    /// A line through points from left to right; where they do not go from left to right, the
    /// points alone. `None` if no point has finite coordinates.
    ///
    /// `x` has an element for each of `y`.
    pub(crate) fn points(x: Option<&'a [f64]>, y: &'a [f64]) -> Option<Figure<'a>> {
        let points = Points { x, y };
        let finite = || points.iter().flatten();
        let (left, right) = ends(finite().map(|(x, _)| x))?;
        let (low, high) = ends(finite().map(|(_, y)| y))?;
        let mut before = f64::NEG_INFINITY;
        let rising = finite().all(|(x, _)| std::mem::replace(&mut before, x) <= x);
        let (x, y) = (Scale::new(left, right), Scale::new(low, high));
        Some(Figure { x, y, kind: Kind::Points(points, rising) })
    }

    /// How many numbers fall into each of at most so many intervals. `None` if none is finite.
    pub(crate) fn histogram(numbers: &[f64], whole: bool, most: usize) -> Option<Figure<'a>> {
        let finite = || numbers.iter().copied().filter(|x| x.is_finite());
        let (low, high) = ends(finite())?;
        let (scale, count) = bins(low, high, whole, finite().count(), most);
        let mut counts = vec![0u64; count];
        for x in finite() {
            let bin = (scale.fraction(x) * count as f64) as usize;
            counts[bin.min(count - 1)] += 1;
        }
        let most = counts.iter().copied().max().unwrap_or(0);
        Some(Figure { x: scale, y: Scale::new(0.0, most as f64), kind: Kind::Bars(counts) })
    }

    /// Whether it is a histogram, and of how many bars.
    pub(crate) fn bars(&self) -> Option<usize> {
        match &self.kind {
            Kind::Points(..) => None,
            Kind::Bars(counts) => Some(counts.len()),
        }
    }

    /// The figure on a grid of so many dots.
    pub(crate) fn draw(&self, width: u32, height: u32) -> Drawing {
        let place = |(x, y): (f64, f64)| {
            let at =
                |fraction: f64, dots: u32| (fraction * f64::from(dots.max(1) - 1)).round() as i32;
            (at(self.x.fraction(x), width), at(self.y.fraction(y), height))
        };
        match &self.kind {
            Kind::Points(points, true) => {
                Drawing::Lines(lines(points.iter().map(|p| p.map(place))))
            }
            Kind::Points(points, false) => {
                let (w, h) = (width as usize, height as usize);
                let mut seen = vec![false; w * h];
                let fresh = |(x, y): &(i32, i32)| {
                    seen.get_mut(*y as usize * w + *x as usize)
                        .is_some_and(|seen| !std::mem::replace(seen, true))
                };
                Drawing::Dots(points.iter().flatten().map(place).filter(fresh).collect())
            }
            Kind::Bars(counts) => {
                Drawing::Bars(counts.iter().map(|n| self.y.fraction(*n as f64)).collect())
            }
        }
    }
}

/// The intervals of a histogram: twice the cube root of the count (Rice's rule), within limits;
/// of integers each has as many of them as the next.
fn bins(low: f64, high: f64, whole: bool, count: usize, most: usize) -> (Scale, usize) {
    let most = most.max(1);
    let values = high - low + 1.0;
    if whole && values < 1e15 {
        let width = (values / most as f64).ceil().max(1.0);
        let count = (values / width).ceil().max(1.0);
        return (Scale::new(low - 0.5, low - 0.5 + count * width), count as usize);
    }
    let mut root = 1usize;
    while root.pow(3) < count && root < most {
        root += 1;
    }
    (Scale::new(low, high), (2 * root).clamp(1, most))
}

/// A column of the grid: where a line enters it, how far it goes, and where it leaves.
struct Stay {
    x: i32,
    first: i32,
    low: i32,
    high: i32,
    last: i32,
}

impl Stay {
    fn leave(&self, line: &mut Vec<(i32, i32)>) {
        line.push((self.x, self.first));
        for y in [self.low, self.high, self.last] {
            if line.last() != Some(&(self.x, y)) {
                line.push((self.x, y));
            }
        }
    }
}

/// Lines through dots from left to right, at most four dots for each column; a missing dot ends a
/// line, unless the next one is in the same column.
fn lines(dots: impl Iterator<Item = Option<(i32, i32)>>) -> Vec<Vec<(i32, i32)>> {
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    let mut stay: Option<Stay> = None;
    let mut gap = false;
    for dot in dots {
        let Some((x, y)) = dot else {
            gap = true;
            continue;
        };
        match &mut stay {
            Some(stay) if stay.x == x => {
                stay.low = stay.low.min(y);
                stay.high = stay.high.max(y);
                stay.last = y;
            }
            other => {
                if let Some(stay) = other.take() {
                    stay.leave(&mut line);
                }
                if gap && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                *other = Some(Stay { x, first: y, low: y, high: y, last: y });
            }
        }
        gap = false;
    }
    if let Some(stay) = stay {
        stay.leave(&mut line);
    }
    lines.push(line);
    lines.retain(|line| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_from_corner_to_corner() {
        let figure = Figure::points(None, &[0.0, 1.0, 2.0]).unwrap();
        assert_eq!(figure.draw(5, 9), Drawing::Lines(vec![vec![(0, 0), (2, 4), (4, 8)]]));
        let nan = f64::NAN;
        let broken = [0.0, nan, 2.0, f64::INFINITY, 1.0];
        let figure = Figure::points(None, &broken).unwrap();
        let lines = vec![vec![(0, 0)], vec![(2, 2)], vec![(4, 1)]];
        assert_eq!(figure.draw(5, 3), Drawing::Lines(lines));
        assert!(Figure::points(None, &[nan]).is_none());
        assert!(Figure::points(None, &[]).is_none());
        assert!(Figure::points(Some(&[nan]), &[1.0]).is_none());
    }

    #[test]
    fn points_that_go_back_are_dots() {
        let figure = Figure::points(Some(&[0.0, 2.0, 1.0, 1.0]), &[0.0, 0.0, 2.0, 2.0]).unwrap();
        assert_eq!(figure.draw(3, 3), Drawing::Dots(vec![(0, 0), (2, 0), (1, 2)]));
    }

    #[test]
    fn many_points_become_few() {
        let y: Vec<f64> = (0..1_000_000).map(|i| f64::from(i % 1000)).collect();
        let figure = Figure::points(None, &y).unwrap();
        let Drawing::Lines(lines) = figure.draw(100, 50) else { panic!("a line") };
        assert_eq!(lines.len(), 1);
        assert!(lines[0].len() <= 400, "{}", lines[0].len());
        // Nothing is lost: each column reaches from the bottom to the top.
        for x in 0..100 {
            let heights = || lines[0].iter().filter(|dot| dot.0 == x).map(|dot| dot.1);
            assert_eq!((heights().min(), heights().max()), (Some(0), Some(49)));
        }
    }

    #[test]
    fn histograms_count_everything_that_is_finite() {
        let numbers = [1.0, 2.0, 2.0, 4.0, f64::NAN, f64::INFINITY];
        let figure = Figure::histogram(&numbers, true, 80).unwrap();
        assert_eq!(figure.draw(8, 8), Drawing::Bars(vec![0.5, 1.0, 0.0, 0.5]));
        assert_eq!(figure.bars(), Some(4));
        let figure = Figure::histogram(&[0.0, 0.25, 1.0], false, 2).unwrap();
        assert_eq!(figure.draw(8, 8), Drawing::Bars(vec![1.0, 0.5]));
        assert_eq!(Figure::histogram(&[5.0; 9], false, 80).unwrap().bars(), Some(6));
        assert!(Figure::histogram(&[f64::NAN], false, 80).is_none());
        for (low, high) in [(f64::MIN, f64::MAX), (0.0, 5e-324), (1e300, 1e300), (-1e18, 1e18)] {
            for whole in [false, true] {
                let figure = Figure::histogram(&[low, high, high], whole, 40).unwrap();
                assert!(figure.bars().unwrap() <= 40);
            }
        }
    }
}
