//! Figures: numbers reduced to drawings on a grid.

use std::rc::Rc;

use hotloop::{Error, ErrorKind, Result};

use super::numbers::Numbers;
use super::scale::Scale;
use crate::interrupt::by_parts;

/// A figure before it has a size.
pub(crate) struct Figure<'a> {
    /// Along the horizontal axis.
    pub x: Scale,
    /// Along the vertical one.
    pub y: Scale,
    kind: Kind<'a>,
}

#[derive(Clone)]
enum Kind<'a> {
    /// One after the other, the first below the others.
    Points(Vec<Points<'a>>),
    /// The counts of intervals that together are this wide.
    Bars(Vec<u64>, Scale),
}

/// Numbers over others, or over their own places.
#[derive(Clone)]
struct Points<'a> {
    x: Option<Rc<Numbers<'a>>>,
    y: Rc<Numbers<'a>>,
    /// Whether they go from left to right.
    rising: bool,
}

impl Points<'_> {
    /// Widens the ends to those of the points that have a place; whether these go from left to
    /// right.
    fn take_in(&self, across: &mut Ends, up: &mut Ends) -> Result<bool> {
        let (mut before, mut rising) = (f64::NEG_INFINITY, true);
        self.blocks(|x, y| {
            if let (Some(own_x), Some(own_y), [first, .., last]) = (Ends::of(x), Ends::of(y), x) {
                across.join(&own_x);
                up.join(&own_y);
                rising = rising && before <= *first && x.is_sorted();
                before = *last;
                return;
            }
            for (x, y) in placed(x, y) {
                across.take_in(x);
                up.take_in(y);
                rising &= before <= x;
                before = x;
            }
        })?;
        Ok(rising)
    }

    /// Iterates over the coordinates of all points in blocks.
    fn blocks(&self, mut see: impl FnMut(&[f64], &[f64])) -> Result<()> {
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        by_parts(self.y.len(), |part| {
            let y = self.y.part(part.clone(), &mut ys);
            let x = match &self.x {
                Some(x) => x.part(part, &mut xs),
                None => {
                    let (first, count) = (part.start as f64, part.len() as i32);
                    xs.clear();
                    xs.extend((0..count).map(|place| first + f64::from(place)));
                    &xs
                }
            };
            x.chunks(BLOCK).zip(y.chunks(BLOCK)).for_each(|(x, y)| see(x, y));
        })
    }
}

/// The numbers that have a place.
fn finite(numbers: &[f64]) -> impl Iterator<Item = f64> {
    numbers.iter().copied().filter(|x| x.is_finite())
}

/// The points that have a place.
fn placed<'p>(x: &'p [f64], y: &'p [f64]) -> impl DoubleEndedIterator<Item = (f64, f64)> + 'p {
    let points = x.iter().copied().zip(y.iter().copied());
    points.filter(|(x, y)| x.is_finite() && y.is_finite())
}

/// A figure on a grid of dots, its origin at the lower left.
#[derive(Debug, PartialEq)]
pub(crate) enum Drawing {
    /// Lines through dots.
    Lines(Vec<Vec<(i32, i32)>>),
    /// Single dots.
    Dots(Vec<(i32, i32)>),
    /// Adjacent bars from left to right, given by height.
    Bars(Vec<f64>),
}

/// The room that a figure has on each side, as a part of itself.
const MARGIN: f64 = 0.05;

/// The size of a block of points; with many points, most blocks fall into one column.
const BLOCK: usize = 256;
/// Numbers that are compared at once.
const LANES: usize = 8;

/// The least and the greatest of some numbers.
struct Ends {
    low: f64,
    high: f64,
}

impl Ends {
    /// The range of no numbers.
    const NONE: Ends = Ends { low: f64::INFINITY, high: f64::NEG_INFINITY };

    fn take_in(&mut self, x: f64) {
        self.low = if x < self.low { x } else { self.low };
        self.high = if x > self.high { x } else { self.high };
    }

    fn join(&mut self, other: &Ends) {
        self.take_in(other.low);
        self.take_in(other.high);
    }

    /// The range of some numbers, if all are finite.
    fn of(numbers: &[f64]) -> Option<Ends> {
        let (vectors, rest) = numbers.as_chunks::<LANES>();
        let [mut low, mut high] = [[f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]];
        // It stays 0 where all numbers are finite.
        let mut odd = [0.0; LANES];
        for vector in vectors {
            for lane in 0..LANES {
                let x = vector[lane];
                low[lane] = if x < low[lane] { x } else { low[lane] };
                high[lane] = if x > high[lane] { x } else { high[lane] };
                odd[lane] += x * 0.0;
            }
        }
        let mut ends = Ends::NONE;
        if !vectors.is_empty() {
            low.iter().chain(&high).for_each(|x| ends.take_in(*x));
        }
        rest.iter().for_each(|x| ends.take_in(*x));
        (odd == [0.0; LANES] && rest.iter().all(|x| x.is_finite())).then_some(ends)
    }

    fn scale(&self, whole: bool) -> Result<Scale> {
        if self.low > self.high {
            let message = "there is nothing to draw: no number is finite";
            return Err(Error::new(ErrorKind::Shape, message));
        }
        Ok(Scale::new(self.low, self.high, whole))
    }
}

impl<'a> Figure<'a> {
    /// Lines through points from left to right, one for each `y`; where they do not go from left
    /// to right, the points alone.
    ///
    /// # Errors
    /// `Shape` if there is not one `x` for each number of a `y`, or no point has finite
    /// coordinates; `Cancelled`.
    pub(crate) fn points(x: Option<Numbers<'a>>, ys: Vec<Numbers<'a>>) -> Result<Figure<'a>> {
        let x = x.map(Rc::new);
        let x_is_whole = x.as_ref().is_none_or(|x| x.are_whole());
        let y_is_whole = ys.iter().all(Numbers::are_whole);
        let (mut across, mut up) = (Ends::NONE, Ends::NONE);
        let mut all = Vec::new();
        for y in ys {
            if let Some(x) = x.as_ref().filter(|x| x.len() != y.len()) {
                let message = format!("{} points have {} heights", x.len(), y.len());
                return Err(Error::new(ErrorKind::Shape, message));
            }
            let mut points = Points { x: x.clone(), y: Rc::new(y), rising: true };
            points.rising = points.take_in(&mut across, &mut up)?;
            all.push(points);
        }
        let (x, y) = (across.scale(x_is_whole)?, up.scale(y_is_whole)?);
        Ok(Figure { x, y, kind: Kind::Points(all) })
    }

    /// Counts the numbers in each of at most `most` intervals.
    ///
    /// # Errors
    /// `Shape` if none is finite; `Cancelled`.
    pub(crate) fn histogram(numbers: &Numbers<'_>, most: usize) -> Result<Figure<'a>> {
        let mut buffer = Vec::new();
        let (mut ends, mut count) = (Ends::NONE, 0);
        by_parts(numbers.len(), |part| {
            for block in numbers.part(part, &mut buffer).chunks(BLOCK) {
                if let Some(own) = Ends::of(block) {
                    ends.join(&own);
                    count += block.len();
                    continue;
                }
                for x in finite(block) {
                    ends.take_in(x);
                    count += 1;
                }
            }
        })?;
        let (scale, intervals) = bins(ends.scale(numbers.are_whole())?, &ends, count, most.max(1));
        let mut counts = vec![0u64; intervals];
        by_parts(numbers.len(), |part| {
            for x in finite(numbers.part(part, &mut buffer)) {
                let interval = (scale.fraction(x) * intervals as f64) as usize;
                counts[interval.min(intervals - 1)] += 1;
            }
        })?;
        let most = counts.iter().copied().max().unwrap_or(0);
        let y = Scale::new(0.0, most as f64, true);
        Ok(Figure { x: scale, y, kind: Kind::Bars(counts, scale) })
    }

    /// Whether it is a histogram, and of how many bars.
    pub(crate) fn bars(&self) -> Option<usize> {
        match &self.kind {
            Kind::Points(..) => None,
            Kind::Bars(counts, _) => Some(counts.len()),
        }
    }

    /// The start and end of the bars, from 0 to 1 along the axis.
    pub(crate) fn bars_span(&self) -> (f64, f64) {
        match &self.kind {
            Kind::Points(..) => (0.0, 1.0),
            Kind::Bars(_, bins) => bins.within(self.x),
        }
    }

    /// Adds margins so that nothing touches the frame; bars start at theirs.
    pub(crate) fn with_margins(&self) -> Figure<'a> {
        let (below, beside) = match &self.kind {
            Kind::Points(..) => (MARGIN, MARGIN),
            Kind::Bars(..) => (0.0, MARGIN / 2.0),
        };
        let (x, y) = (self.x.widened(beside, beside), self.y.widened(below, MARGIN));
        Figure { x, y, kind: self.kind.clone() }
    }

    /// Draws the figure on a grid of dots: a drawing for each line. Positions are in fractions of
    /// the distance between dots.
    ///
    /// # Errors
    /// `Cancelled`.
    pub(crate) fn draw(&self, (width, height): (u32, u32), parts: u16) -> Result<Vec<Drawing>> {
        let on_grid = |fraction: f64, dots: u32| {
            (fraction * f64::from(dots.max(1) - 1) * f64::from(parts) + 0.5) as i32
        };
        let grid = Grid(i32::from(parts).max(1));
        let place = |(x, y): (f64, f64)| {
            (on_grid(self.x.fraction(x), width), on_grid(self.y.fraction(y), height))
        };
        let draw_points = |points: &Points<'_>| {
            if points.rising {
                let mut trace = Trace::on(grid);
                points.blocks(|x, y| trace.block(x, y, place))?;
                return Ok(Drawing::Lines(trace.finish()));
            }
            let (w, h) = (width as usize, height as usize);
            let (mut seen, mut dots) = (vec![false; w * h], Vec::new());
            points.blocks(|x, y| {
                for (x, y) in placed(x, y).map(place) {
                    let (x, y) = (grid.dot(x), grid.dot(y));
                    let seen = seen.get_mut(y as usize * w + x as usize);
                    if seen.is_some_and(|seen| !std::mem::replace(seen, true)) {
                        dots.push((x * grid.0, y * grid.0));
                    }
                }
            })?;
            Ok(Drawing::Dots(dots))
        };
        match &self.kind {
            Kind::Points(all) => all.iter().map(draw_points).collect(),
            Kind::Bars(counts, _) => {
                let heights = counts.iter().map(|n| self.y.fraction(*n as f64)).collect();
                Ok(vec![Drawing::Bars(heights)])
            }
        }
    }
}

/// The intervals of a histogram: twice the cube root of the count (Rice's rule), within limits;
/// of integers each has as many of them as the next.
fn bins(scale: Scale, ends: &Ends, count: usize, most: usize) -> (Scale, usize) {
    let (low, values) = (ends.low, ends.high - ends.low + 1.0);
    if scale.is_whole() {
        let width = (values / most as f64).ceil().max(1.0);
        let count = (values / width).ceil().max(1.0);
        return (Scale::new(low - 0.5, low - 0.5 + count * width, true), count as usize);
    }
    let mut root = 1usize;
    while root.pow(3) < count && root < most {
        root += 1;
    }
    // An odd number of intervals has one in the middle.
    let count = if ends.low < ends.high { 2 * root } else { (2 * root + 1).min((most - 1) | 1) };
    (scale, count.min(most))
}

/// The number of positions per dot.
#[derive(Clone, Copy)]
struct Grid(i32);

impl Grid {
    /// The dot that is nearest to a place.
    fn dot(self, place: i32) -> i32 {
        (place + self.0 / 2) / self.0
    }
}

/// A column of dots: where a line enters it, how far it goes, and where it leaves.
struct Stay {
    column: i32,
    first: (i32, i32),
    low: i32,
    high: i32,
    last: (i32, i32),
}

impl Stay {
    fn leave(&self, line: &mut Vec<(i32, i32)>) {
        let (first, last) = (self.first, self.last);
        line.push(first);
        let middle = first.0.midpoint(last.0);
        let between = [self.low, self.high].into_iter().filter(|y| *y != first.1 && *y != last.1);
        line.extend(between.map(|y| (middle, y)));
        if last != first || line.last() != Some(&first) {
            line.push(last);
        }
    }
}

/// Lines through places from left to right, at most four for each column of dots; a missing place
/// ends a line, unless the next one is in the same column.
struct Trace {
    grid: Grid,
    lines: Vec<Vec<(i32, i32)>>,
    line: Vec<(i32, i32)>,
    stay: Option<Stay>,
    gap: bool,
}

impl Trace {
    fn on(grid: Grid) -> Trace {
        Trace { grid, lines: Vec::new(), line: Vec::new(), stay: None, gap: false }
    }

    /// Continues a line through points at their grid positions.
    fn block(&mut self, x: &[f64], y: &[f64], place: impl Fn((f64, f64)) -> (i32, i32)) {
        let (Some(first), Some(last)) = (placed(x, y).next(), placed(x, y).next_back()) else {
            self.gap = true;
            return;
        };
        let column = |point| self.grid.dot(place(point).0);
        if column(first) != column(last) {
            for (x, y) in x.iter().zip(y) {
                match x.is_finite() && y.is_finite() {
                    true => self.go(place((*x, *y))),
                    false => self.gap = true,
                }
            }
            return;
        }
        // In one column only the ends count, and where it is entered and left.
        let up = Ends::of(x).and_then(|_| Ends::of(y)).unwrap_or_else(|| {
            let mut up = Ends::NONE;
            placed(x, y).for_each(|(_, y)| up.take_in(y));
            up
        });
        let is_missing = |i: usize| !(x[i].is_finite() && y[i].is_finite());
        self.gap |= is_missing(0);
        for point in [first, (first.0, up.low), (first.0, up.high), last] {
            self.go(place(point));
        }
        self.gap |= is_missing(x.len() - 1);
    }

    fn go(&mut self, (x, y): (i32, i32)) {
        let column = self.grid.dot(x);
        match &mut self.stay {
            Some(stay) if stay.column == column => {
                stay.low = stay.low.min(y);
                stay.high = stay.high.max(y);
                stay.last = (x, y);
            }
            other => {
                if let Some(stay) = other.take() {
                    stay.leave(&mut self.line);
                }
                if self.gap && !self.line.is_empty() {
                    self.lines.push(std::mem::take(&mut self.line));
                }
                *other = Some(Stay { column, first: (x, y), low: y, high: y, last: (x, y) });
            }
        }
        self.gap = false;
    }

    fn finish(mut self) -> Vec<Vec<(i32, i32)>> {
        if let Some(stay) = self.stay.take() {
            stay.leave(&mut self.line);
        }
        self.lines.push(self.line);
        self.lines.retain(|line| !line.is_empty());
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points<'a>(x: Option<&'a [f64]>, y: &'a [f64]) -> Result<Figure<'a>> {
        Figure::points(x.map(Numbers::from), vec![y.into()])
    }

    fn bars<T: hotloop::Element + bytemuck::Pod>(numbers: &[T], most: usize) -> Figure<'static> {
        Figure::histogram(&numbers.into(), most).unwrap()
    }

    #[test]
    fn a_line_from_corner_to_corner() {
        let figure = points(None, &[0.0, 1.0, 2.0]).unwrap();
        let line = vec![(0, 0), (2, 4), (4, 8)];
        assert_eq!(figure.draw((5, 9), 1).unwrap(), [Drawing::Lines(vec![line])]);
        let nan = f64::NAN;
        let broken = [0.0, nan, 2.0, f64::INFINITY, 1.0];
        let figure = points(None, &broken).unwrap();
        let lines = vec![vec![(0, 0)], vec![(2, 2)], vec![(4, 1)]];
        assert_eq!(figure.draw((5, 3), 1).unwrap(), [Drawing::Lines(lines)]);
        assert!(points(None, &[nan]).is_err());
        assert!(points(None, &[]).is_err());
        assert!(points(Some(&[nan]), &[1.0]).is_err());
        assert!(points(Some(&[1.0]), &[]).is_err());
    }

    /// A point is where it is and not at the nearest dot; a column of dots still takes few points.
    #[test]
    fn places_are_finer_than_dots() {
        let figure = points(None, &[0.0, 0.26, 1.0]).unwrap();
        let line = vec![(0, 0), (15, 10), (30, 40)];
        assert_eq!(figure.draw((4, 5), 10).unwrap(), [Drawing::Lines(vec![line])]);
        let y: Vec<f64> = (0..100_000).map(|i| f64::from(i % 100)).collect();
        let drawn = points(None, &y).unwrap().draw((50, 50), 10).unwrap();
        let [Drawing::Lines(lines)] = &drawn[..] else { panic!("a line") };
        assert!(lines[0].len() <= 200 && lines[0].is_sorted_by_key(|(x, _)| *x), "{lines:?}");
    }

    #[test]
    fn several_lines_share_the_axes() {
        let (x, a, b) = ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [4.0, 2.0, f64::NAN]);
        let ys = vec![(&a[..]).into(), (&b[..]).into()];
        let figure = Figure::points(Some((&x[..]).into()), ys).unwrap();
        let lines = [vec![(0, 0), (2, 2), (4, 4)], vec![(0, 8), (2, 4)]];
        assert_eq!(figure.draw((5, 9), 1).unwrap(), lines.map(|line| Drawing::Lines(vec![line])));
        let ys = vec![(&a[..]).into(), (&b[..2]).into()];
        assert!(Figure::points(Some((&x[..]).into()), ys).is_err());
    }

    #[test]
    fn margins_are_around_points_and_above_bars() {
        let figure = points(None, &[0.0, 1.0]).unwrap().with_margins();
        let line = vec![(45, 45), (955, 955)];
        assert_eq!(figure.draw((1001, 1001), 1).unwrap(), [Drawing::Lines(vec![line])]);
        let figure = bars(&[1.0, 2.0, 2.0], 2).with_margins();
        let drawn = figure.draw((10, 10), 1).unwrap();
        let [Drawing::Bars(heights)] = &drawn[..] else { panic!("bars") };
        assert!((heights[1] - 1.0 / 1.05).abs() < 1e-9, "{heights:?}");
        let (from, to) = figure.bars_span();
        assert!((from - 0.025 / 1.05).abs() < 1e-9 && (to - 1.025 / 1.05).abs() < 1e-9);
    }

    #[test]
    fn points_that_go_back_are_dots() {
        let figure = points(Some(&[0.0, 2.0, 1.0, 1.0]), &[0.0, 0.0, 2.0, 2.0]).unwrap();
        let dots = vec![(0, 0), (2, 0), (1, 2)];
        assert_eq!(figure.draw((3, 3), 1).unwrap(), [Drawing::Dots(dots)]);
    }

    #[test]
    fn many_points_become_few() {
        let y: Vec<f64> = (0..1_000_000).map(|i| f64::from(i % 1000)).collect();
        let figure = points(None, &y).unwrap();
        let drawn = figure.draw((100, 50), 1).unwrap();
        let [Drawing::Lines(lines)] = &drawn[..] else { panic!("a line") };
        assert_eq!(lines.len(), 1);
        assert!(lines[0].len() <= 400, "{}", lines[0].len());
        // Nothing is lost: each column reaches from the bottom to the top.
        for x in 0..100 {
            let heights = || lines[0].iter().filter(|dot| dot.0 == x).map(|dot| dot.1);
            assert_eq!((heights().min(), heights().max()), (Some(0), Some(49)));
        }
    }

    /// A block in one column is the same to the line as its points one by one.
    #[test]
    fn blocks_change_nothing() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f64
        };
        // All finite; single holes; long holes; hardly any point.
        for missing in [0.0, 0.01, 0.5, 0.999] {
            let hole = missing * f64::from(1 << 24);
            let mut y: Vec<f64> = (0..20_000).map(|_| next()).collect();
            y.iter_mut().for_each(|y| *y = if next() < hole { f64::NAN } else { *y });
            y[7000..9000].fill(f64::INFINITY);
            y[19_999] = 0.5;
            let (scale, up) = (Scale::new(0.0, 19_999.0, true), Scale::new(0.0, 2e7, false));
            let x: Vec<f64> = (0..20_000).map(f64::from).collect();
            let lines = |block: usize, parts: i32| {
                let on =
                    |fraction: f64, dots: i32| (fraction * f64::from(dots * parts)).round() as i32;
                let place =
                    |(x, y): (f64, f64)| (on(scale.fraction(x), 39), on(up.fraction(y), 99));
                let mut trace = Trace::on(Grid(parts));
                let blocks = x.chunks(block).zip(y.chunks(block));
                blocks.for_each(|(x, y)| trace.block(x, y, place));
                trace.finish()
            };
            for parts in [1, 10] {
                assert_eq!(lines(1, parts), lines(BLOCK, parts), "{missing} {parts}");
                assert!(lines(1, parts).len() >= 2, "the long hole is seen");
            }
        }
    }

    #[test]
    fn histograms_count_everything_that_is_finite() {
        let figure = bars(&[1, 2, 2, 4], 80);
        assert_eq!(figure.draw((8, 8), 1).unwrap(), [Drawing::Bars(vec![0.5, 1.0, 0.0, 0.5])]);
        assert_eq!(figure.bars(), Some(4));
        let figure = bars(&[0.0, f64::NAN, 0.25, f64::INFINITY, 1.0], 2);
        assert_eq!(figure.draw((8, 8), 1).unwrap(), [Drawing::Bars(vec![1.0, 0.5])]);
        let heights = vec![0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!(bars(&[5.0; 9], 80).draw((8, 8), 1).unwrap(), [Drawing::Bars(heights)]);
        assert!(Figure::histogram(&[f64::NAN][..].into(), 80).is_err());
        for (low, high) in [(f64::MIN, f64::MAX), (0.0, 5e-324), (1e300, 1e300), (-1e18, 1e18)] {
            assert!(bars(&[low, high, high], 40).bars().unwrap() <= 40);
        }
        for (low, high) in [(0, 0), (i64::MIN, i64::MAX), (i64::MAX - 1, i64::MAX), (-3, 900)] {
            let figure = bars(&[low, high, high], 40);
            assert!((1..=40).contains(&figure.bars().unwrap()));
        }
    }

    #[test]
    fn integers_have_whole_bars_and_ticks() {
        let ticks = |figure: &Figure<'_>| {
            [figure.x, figure.y].map(|scale| {
                scale.ticks(4).into_iter().map(|tick| tick.label).collect::<Vec<_>>().join(" ")
            })
        };
        assert_eq!(ticks(&bars(&[0; 10], 40)), ["0", "0 5 10"]);
        assert_eq!(ticks(&bars(&[7u8], 40)), ["7", "0 1"]);
        assert_eq!(ticks(&bars(&[3, 4, 4], 40)), ["3 4", "0 1 2"]);
        assert_eq!(ticks(&bars(&[-100, 250], 40)), ["-100 0 100 200", "0 1"]);
        let figure = Figure::points(None, vec![(&[5u16, 6, 5][..]).into()]).unwrap();
        assert_eq!(ticks(&figure), ["0 1 2", "5 6"]);
        let one = Figure::points(None, vec![(&[0.5][..]).into()]).unwrap();
        assert_eq!(ticks(&one), ["0", "0.45 0.50 0.55"]);
    }
}
