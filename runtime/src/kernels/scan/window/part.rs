//! What is known of consecutive rows, and what windows give of it.

use super::batch::Batch;
use crate::scan::{Attributes, Fused};

/// What is kept of rows that follow each other, in `P` numbers.
pub(in super::super) trait Part<const P: usize> {
    type Number: Copy + Default;
    /// Whether joining depends on the numbers of elements.
    const WEIGHED: bool = false;
    /// Whether elements are pairs.
    const PAIRS: bool = false;

    /// A row of an element, or of a pair.
    fn one(x: f64, y: f64) -> [Self::Number; P];
    /// A row without an element.
    fn none() -> [Self::Number; P];
    fn join<M: Fused>(
        older: [Self::Number; P],
        newer: [Self::Number; P],
        weights: Weights,
    ) -> [Self::Number; P];
    /// A part that is followed by rows without an element.
    #[inline(always)]
    fn followed(part: [Self::Number; P], _: f64) -> [Self::Number; P] {
        part
    }
}

/// The parts of a mean by the numbers of elements of two parts.
#[derive(Clone, Copy)]
pub(in super::super) struct Weights {
    /// The newer part's share.
    share: f64,
    /// The older part's.
    rest: f64,
    /// The product of the numbers over their sum.
    product: f64,
    /// The number of rows of the older part, for parts that do not depend on that of elements.
    older: f64,
    /// The number of rows of the newer part.
    pub(super) newer: f64,
}

impl Weights {
    /// The weights of parts of `T`; shares are computed only if these depend on them.
    #[inline(always)]
    pub(in super::super) fn new<T: Part<P>, const P: usize>(older: f64, newer: f64) -> Weights {
        if !T::WEIGHED {
            return Weights { share: 0.0, rest: 0.0, product: 0.0, older, newer };
        }
        let both = older + newer;
        let product = older * newer / both;
        Weights { share: newer / both, rest: older / both, product, older, newer }
    }
}

/// A function of the elements in a window.
pub(in super::super) trait Function<const P: usize> {
    type Part: Part<P>;
    /// The result of no elements, where none are enough.
    const OF_NONE: f64 = f64::NAN;
    /// Whether rows, not elements, are compared with the least number.
    const BY_ROWS: bool = false;

    fn result(part: [<Self::Part as Part<P>>::Number; P], count: f64, ddof: f64) -> f64;

    /// The results of parts without missing elements, by the divisor of means, or of variances.
    #[inline(always)]
    fn results<M: Fused, const N: usize>(
        parts: &Batch<<Self::Part as Part<P>>::Number, P, N>,
        by: &Divisors,
    ) -> [f64; N] {
        let mut results = [0.0; N];
        for (i, result) in results.iter_mut().enumerate() {
            *result = Self::result(parts.get(i), by.count.number, by.ddof);
        }
        results
    }
}

/// The divisors of windows of one number of elements.
pub(in super::super) struct Divisors {
    count: Divisor,
    ddof: f64,
    freedom: Divisor,
}

impl Divisors {
    #[inline(always)]
    pub(in super::super) fn new<M: Fused>(frame: &Frame, count: f64) -> Divisors {
        let ddof = f64::from(frame.ddof);
        Divisors { count: Divisor::new::<M>(count), ddof, freedom: Divisor::new::<M>(count - ddof) }
    }
}

/// A number by which many are divided.
struct Divisor {
    number: f64,
    /// Its inverse, and what rounding took from that; not computed without a fast `fma`.
    inverse: [f64; 2],
}

impl Divisor {
    #[inline(always)]
    fn new<M: Fused>(number: f64) -> Divisor {
        if !M::FAST {
            return Divisor { number, inverse: [0.0; 2] };
        }
        let inverse = 1.0 / number;
        let rest = M::fma(-inverse, number, 1.0) / number;
        Divisor { number, inverse: [inverse, rest] }
    }

    /// The quotients, as division rounds them: the product with the inverse in two parts is off by
    /// less than a unit in the last place, and one step of Markstein, "Computation of elementary
    /// functions on the IBM RISC System/6000 processor" (1990), rounds that correctly.
    #[inline(always)]
    fn divide<M: Fused, const N: usize>(&self, x: [f64; N]) -> [f64; N] {
        if !M::FAST {
            return x.map(|x| x / self.number);
        }
        let mut quotients = [0.0; N];
        let mut special = false;
        for (q, x) in quotients.iter_mut().zip(x) {
            let near = M::fma(x, self.inverse[0], x * self.inverse[1]);
            let rest = M::fma(-near, self.number, x);
            let quotient = M::fma(rest, self.inverse[0], near);
            *q = if x == 0.0 { x } else { quotient };
            // Where the rest is exact.
            let magnitude = x.abs();
            special |= !((magnitude > 1e-250) & (magnitude < 1e300) | (x == 0.0));
        }
        if special {
            for (q, x) in quotients.iter_mut().zip(x) {
                *q = x / self.number;
            }
        }
        quotients
    }
}

pub(in super::super) struct Added;
impl Part<1> for Added {
    type Number = f64;
    #[inline(always)]
    fn one(x: f64, _: f64) -> [f64; 1] {
        [x]
    }
    #[inline(always)]
    fn none() -> [f64; 1] {
        [-0.0]
    }
    #[inline(always)]
    fn join<M: Fused>([a]: [f64; 1], [b]: [f64; 1], _: Weights) -> [f64; 1] {
        [a + b]
    }
}

pub(in super::super) struct Multiplied;
impl Part<1> for Multiplied {
    type Number = f64;
    #[inline(always)]
    fn one(x: f64, _: f64) -> [f64; 1] {
        [x]
    }
    #[inline(always)]
    fn none() -> [f64; 1] {
        [1.0]
    }
    #[inline(always)]
    fn join<M: Fused>([a]: [f64; 1], [b]: [f64; 1], _: Weights) -> [f64; 1] {
        [a * b]
    }
}

/// A number of the same order as a float, -0.0 below +0.0; and back.
#[inline(always)]
pub(in super::super) fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// The greatest; with `LEAST` the least.
pub(in super::super) struct Extreme<const LEAST: bool>;
impl<const LEAST: bool> Part<1> for Extreme<LEAST> {
    type Number = i64;
    #[inline(always)]
    fn one(x: f64, _: f64) -> [i64; 1] {
        [ordered(x.to_bits() as i64)]
    }
    #[inline(always)]
    fn none() -> [i64; 1] {
        [if LEAST { i64::MAX } else { i64::MIN }]
    }
    #[inline(always)]
    fn join<M: Fused>([a]: [i64; 1], [b]: [i64; 1], _: Weights) -> [i64; 1] {
        [if LEAST { a.min(b) } else { a.max(b) }]
    }
}

/// Nothing but the number of elements, which is known of every window.
pub(in super::super) struct Nothing;
impl Part<0> for Nothing {
    type Number = f64;
    #[inline(always)]
    fn one(_: f64, _: f64) -> [f64; 0] {
        []
    }
    #[inline(always)]
    fn none() -> [f64; 0] {
        []
    }
    #[inline(always)]
    fn join<M: Fused>(_: [f64; 0], _: [f64; 0], _: Weights) -> [f64; 0] {
        []
    }
}

/// The distance of a number from itself: 0, but NaN of an infinity.
#[allow(clippy::eq_op, reason = "NaN of an infinity")]
#[inline(always)]
fn no_distance(x: f64) -> f64 {
    x - x
}

/// The mean, and the sum of squared distances from it.
pub(in super::super) struct Deviations;
impl Part<2> for Deviations {
    type Number = f64;
    const WEIGHED: bool = true;
    #[inline(always)]
    fn one(x: f64, _: f64) -> [f64; 2] {
        [x, no_distance(x)]
    }
    #[inline(always)]
    fn none() -> [f64; 2] {
        [0.0, 0.0]
    }
    #[inline(always)]
    fn join<M: Fused>([ma, sa]: [f64; 2], [mb, sb]: [f64; 2], weights: Weights) -> [f64; 2] {
        let d = mb - ma;
        [M::fma(d, weights.share, ma), M::fma(d * d, weights.product, sa + sb)]
    }
}

/// The least unit of distances; what it and its inverse are multiplied with is exact.
const LEAST_UNIT: f64 = f64::from_bits((1023 - 1021) << 52);
/// The greatest.
const MOST_UNIT: f64 = f64::from_bits((1023 + 1021) << 52);

/// The unit, a power of two, in which distances of joined parts are measured, so that none of their
/// powers overflows or vanishes beside the others.
#[derive(Clone, Copy)]
struct Unit {
    unit: f64,
    inverse: f64,
    /// The older part's unit in this one, and the newer's.
    older: f64,
    newer: f64,
}

impl Unit {
    /// The greatest of the units of two parts and the power of two below the distance of their means.
    #[inline(always)]
    fn of(older: f64, newer: f64, distance: f64) -> Unit {
        const INFINITY: u64 = f64::INFINITY.to_bits();
        let greater = |a: f64, b: f64| if a > b { a } else { b };
        let power = f64::from_bits(distance.to_bits() & INFINITY);
        let unit = greater(greater(older, newer), power);
        let unit = if unit > MOST_UNIT { MOST_UNIT } else { unit };
        let inverse = f64::from_bits((2046u64 << 52).wrapping_sub(unit.to_bits()));
        Unit { unit, inverse, older: older * inverse, newer: newer * inverse }
    }
}

/// The mean, the sums of powers of distances from it, and the unit of these distances; the powers are
/// the second, the third and, of five numbers, the fourth. Parts are joined as by Pébay, "Formulas for
/// robust, one-pass parallel computation of covariances and arbitrary-order statistical moments" (2008).
pub(in super::super) struct Powers;

/// What two parts have joined, but the fourth powers.
struct Cubes {
    mean: f64,
    second: f64,
    third: f64,
    /// The distance of the means.
    d: f64,
    /// The second and third sums of either part, in the joined unit.
    older: [f64; 2],
    newer: [f64; 2],
    unit: Unit,
}

impl Powers {
    /// Joins parts of a mean, the second and third sum, and the unit.
    #[inline(always)]
    fn cubes<M: Fused>(a: [f64; 4], b: [f64; 4], weights: Weights) -> Cubes {
        let Weights { share, rest, product, .. } = weights;
        let d = b[0] - a[0];
        let unit = Unit::of(a[3], b[3], d);
        let mean = M::fma(d, share, a[0]);
        let d = d * unit.inverse;
        let sums = |part: [f64; 4], by: f64| [part[1] * (by * by), part[2] * (by * by * by)];
        let (older, newer) = (sums(a, unit.older), sums(b, unit.newer));
        let square = d * d;
        let second = M::fma(square, product, older[0] + newer[0]);
        let cross = rest * newer[0] - share * older[0];
        let own = square * d * (product * (rest - share));
        let third = (older[1] + newer[1]) + M::fma(3.0 * d, cross, own);
        Cubes { mean, second, third, d, older, newer, unit }
    }
}

impl Part<4> for Powers {
    type Number = f64;
    const WEIGHED: bool = true;
    #[inline(always)]
    fn one(x: f64, _: f64) -> [f64; 4] {
        [x, no_distance(x), no_distance(x), LEAST_UNIT]
    }
    #[inline(always)]
    fn none() -> [f64; 4] {
        [0.0, 0.0, 0.0, LEAST_UNIT]
    }
    #[inline(always)]
    fn join<M: Fused>(a: [f64; 4], b: [f64; 4], weights: Weights) -> [f64; 4] {
        let joined = Powers::cubes::<M>(a, b, weights);
        [joined.mean, joined.second, joined.third, joined.unit.unit]
    }
}

impl Part<5> for Powers {
    type Number = f64;
    const WEIGHED: bool = true;
    #[inline(always)]
    fn one(x: f64, _: f64) -> [f64; 5] {
        let zero = no_distance(x);
        [x, zero, zero, zero, LEAST_UNIT]
    }
    #[inline(always)]
    fn none() -> [f64; 5] {
        [0.0, 0.0, 0.0, 0.0, LEAST_UNIT]
    }
    #[inline(always)]
    fn join<M: Fused>(a: [f64; 5], b: [f64; 5], weights: Weights) -> [f64; 5] {
        let Weights { share, rest, product, .. } = weights;
        let lower = |part: [f64; 5]| [part[0], part[1], part[2], part[4]];
        let joined = Powers::cubes::<M>(lower(a), lower(b), weights);
        let Cubes { mean, second, third, d, older, newer, unit } = joined;
        let fourth = |fourth: f64, by: f64| fourth * (by * by * by * by);
        let sums = fourth(a[3], unit.older) + fourth(b[3], unit.newer);
        let square = d * d;
        let shares = rest * rest - rest * share + share * share;
        let own = square * square * (product * shares);
        let squares = 6.0 * square * (rest * rest * newer[0] + share * share * older[0]);
        let cubes = 4.0 * d * (rest * newer[1] - share * older[1]);
        [mean, second, third, sums + ((own + squares) + cubes), unit.unit]
    }
}

/// The means of pairs, the sums of squared distances from them, and that of their products.
pub(in super::super) struct Covariance;
impl Part<5> for Covariance {
    type Number = f64;
    const WEIGHED: bool = true;
    const PAIRS: bool = true;
    #[inline(always)]
    fn one(x: f64, y: f64) -> [f64; 5] {
        let [dx, dy] = [x, y].map(no_distance);
        [x, y, dx, dy, dx + dy]
    }
    #[inline(always)]
    fn none() -> [f64; 5] {
        [0.0; 5]
    }
    #[inline(always)]
    fn join<M: Fused>(a: [f64; 5], b: [f64; 5], weights: Weights) -> [f64; 5] {
        let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        let Weights { share, product, .. } = weights;
        [
            M::fma(dx, share, a[0]),
            M::fma(dy, share, a[1]),
            M::fma(dx * dx, product, a[2] + b[2]),
            M::fma(dy * dy, product, a[3] + b[3]),
            M::fma(dx * dy, product, a[4] + b[4]),
        ]
    }
}

/// As [`Covariance`], and the units of the distances of either side.
pub(in super::super) struct Correlation;
impl Part<7> for Correlation {
    type Number = f64;
    const WEIGHED: bool = true;
    const PAIRS: bool = true;
    #[inline(always)]
    fn one(x: f64, y: f64) -> [f64; 7] {
        let [dx, dy] = [x, y].map(no_distance);
        [x, y, dx, dy, dx + dy, LEAST_UNIT, LEAST_UNIT]
    }
    #[inline(always)]
    fn none() -> [f64; 7] {
        [0.0, 0.0, 0.0, 0.0, 0.0, LEAST_UNIT, LEAST_UNIT]
    }
    #[inline(always)]
    fn join<M: Fused>(a: [f64; 7], b: [f64; 7], weights: Weights) -> [f64; 7] {
        let Weights { share, product, .. } = weights;
        let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        let (ux, uy) = (Unit::of(a[5], b[5], dx), Unit::of(a[6], b[6], dy));
        let means = [M::fma(dx, share, a[0]), M::fma(dy, share, a[1])];
        let (dx, dy) = (dx * ux.inverse, dy * uy.inverse);
        let sum = |number: usize, older: f64, newer: f64| a[number] * older + b[number] * newer;
        let xx = sum(2, ux.older * ux.older, ux.newer * ux.newer);
        let yy = sum(3, uy.older * uy.older, uy.newer * uy.newer);
        let xy = sum(4, ux.older * uy.older, ux.newer * uy.newer);
        [
            means[0],
            means[1],
            M::fma(dx * dx, product, xx),
            M::fma(dy * dy, product, yy),
            M::fma(dx * dy, product, xy),
            ux.unit,
            uy.unit,
        ]
    }
}

/// As [`Correlation`], of elements and the numbers of their rows, of which the newest is 0 and those
/// before it -1, -2 and so on.
pub(in super::super) struct Line;
impl Part<7> for Line {
    type Number = f64;
    const WEIGHED: bool = true;
    #[inline(always)]
    fn one(x: f64, _: f64) -> [f64; 7] {
        [x, 0.0, no_distance(x), 0.0, no_distance(x), LEAST_UNIT, LEAST_UNIT]
    }
    #[inline(always)]
    fn none() -> [f64; 7] {
        <Correlation as Part<7>>::none()
    }
    #[inline(always)]
    fn join<M: Fused>(a: [f64; 7], b: [f64; 7], weights: Weights) -> [f64; 7] {
        Correlation::join::<M>(Line::followed(a, weights.newer), b, weights)
    }
    #[inline(always)]
    fn followed(mut part: [f64; 7], rows: f64) -> [f64; 7] {
        part[1] -= rows;
        part
    }
}

impl Line {
    /// The slope of the line through the elements.
    #[inline(always)]
    fn slope([_, _, _, yy, xy, ux, uy]: [f64; 7]) -> f64 {
        if yy > 0.0 { xy / yy * (ux / uy) } else { f64::NAN }
    }
}

/// The sum, and that with the weights 1, 2 and so on; the number of elements, and the sum of their
/// weights.
pub(in super::super) struct Weighted;
impl Part<4> for Weighted {
    type Number = f64;
    #[inline(always)]
    fn one(x: f64, _: f64) -> [f64; 4] {
        [x, x, 1.0, 1.0]
    }
    #[inline(always)]
    fn none() -> [f64; 4] {
        [-0.0, -0.0, 0.0, 0.0]
    }
    #[inline(always)]
    fn join<M: Fused>(a: [f64; 4], b: [f64; 4], weights: Weights) -> [f64; 4] {
        let rows = weights.older;
        [a[0] + b[0], (a[1] + b[1]) + rows * b[0], a[2] + b[2], (a[3] + b[3]) + rows * b[2]]
    }
}

/// The least, or greatest, and the number of rows before its first.
pub(in super::super) struct Place<const LEAST: bool>;
impl<const LEAST: bool> Part<2> for Place<LEAST> {
    type Number = i64;
    #[inline(always)]
    fn one(x: f64, _: f64) -> [i64; 2] {
        [ordered(x.to_bits() as i64), 0]
    }
    #[inline(always)]
    fn none() -> [i64; 2] {
        [if LEAST { i64::MAX } else { i64::MIN }, 0]
    }
    #[inline(always)]
    fn join<M: Fused>(a: [i64; 2], b: [i64; 2], weights: Weights) -> [i64; 2] {
        let later = if LEAST { b[0] < a[0] } else { b[0] > a[0] };
        match later {
            true => [b[0], b[1] + weights.older as i64],
            false => a,
        }
    }
}

macro_rules! functions {
    ($($name:ident $(<$root:ident>)? ($part:ty, $p:literal)
        $(, of none $none:literal)? $(, by $rows:ident)?:
        |$value:pat_param, $count:pat_param, $ddof:pat_param| $result:expr
        $(, results |$parts:pat_param, $by:pat_param| $results:expr)?;)*) => {$(
        pub(in super::super) struct $name $(<const $root: bool>)?;
        impl $(<const $root: bool>)? Function<$p> for $name $(<$root>)? {
            type Part = $part;
            $(const OF_NONE: f64 = $none;)?
            $(const BY_ROWS: bool = stringify!($rows).len() > 0;)?
            #[inline(always)]
            fn result($value: [<$part as Part<$p>>::Number; $p], $count: f64, $ddof: f64) -> f64 {
                $result
            }
            $(#[inline(always)]
            fn results<M: Fused, const N: usize>(
                $parts: &Batch<<$part as Part<$p>>::Number, $p, N>,
                $by: &Divisors,
            ) -> [f64; N] {
                $results
            })?
        }
    )*};
}

functions! {
    Slope(Line, 7): |part, _, _| Line::slope(part);
    Fitted(Line, 7): |part, _, _| part[0] - Line::slope(part) * part[1];
    Rsquared(Line, 7): |part, count, ddof| {
        let corr = Corr::result(part, count, ddof);
        corr * corr
    };
    Cov(Covariance, 5): |[_, _, _, _, xy], count, ddof| {
        let freedom = count - ddof;
        if freedom > 0.0 { xy / freedom } else { f64::NAN }
    };
    Sum(Added, 1), of none 0.0: |[sum], _, _| sum;
    Mean(Added, 1): |[sum], count, _| sum / count,
        results |parts, by| by.count.divide::<M, N>(parts.numbers[0]);
    Prod(Multiplied, 1), of none 1.0: |[product], _, _| product;
    Count(Nothing, 0), of none 0.0, by rows: |[], count, _| count;
    Linear(Weighted, 4): |[_, sum, _, weights], _, _| sum / weights;
    Min(Extreme<true>, 1): |[least], _, _| f64::from_bits(ordered(least) as u64);
    Max(Extreme<false>, 1): |[most], _, _| f64::from_bits(ordered(most) as u64);
    Skew(Powers, 4): |[_, second, third, _], count, _| {
        let factor = count * (count - 1.0).sqrt() / (count - 2.0);
        let some = (count > 2.0) & (second > 0.0);
        if some { factor * third / (second * second.sqrt()) } else { f64::NAN }
    };
    Kurt(Powers, 5): |[_, second, _, fourth, _], count, _| {
        let ratio = (count + 1.0) * count * fourth / second / second - 3.0 * (count - 1.0);
        let some = (count > 3.0) & (second > 0.0);
        if some { (count - 1.0) / ((count - 2.0) * (count - 3.0)) * ratio } else { f64::NAN }
    };
    Moments<ROOT>(Deviations, 2): |[_, squares], count, ddof| {
        let freedom = count - ddof;
        let var = if freedom > 0.0 { squares / freedom } else { f64::NAN };
        if ROOT { var.sqrt() } else { var }
    }, results |parts, by| {
        let mut results = [f64::NAN; N];
        if by.freedom.number > 0.0 {
            results = by.freedom.divide::<M, N>(parts.numbers[1]);
        }
        if ROOT {
            results.iter_mut().for_each(|var| *var = var.sqrt());
        }
        results
    };
}

/// The correlation.
pub(in super::super) struct Corr;
impl Function<7> for Corr {
    type Part = Correlation;
    #[inline(always)]
    fn result([_, _, xx, yy, xy, _, _]: [f64; 7], _: f64, _: f64) -> f64 {
        let ([xx, by_x], [yy, by_y], some) = (scaled(xx), scaled(yy), (xx > 0.0) & (yy > 0.0));
        let corr = xy * by_x * by_y / (xx * yy).sqrt();
        if some { corr.clamp(-1.0, 1.0) } else { f64::NAN }
    }
}

/// A positive number times the power of four that brings it between 1 and 4, and the root of that
/// power.
#[inline(always)]
fn scaled(x: f64) -> [f64; 2] {
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let half = exponent >> 1;
    let power = |exponent: i64| f64::from_bits(((1023 + exponent) as u64) << 52);
    [x * power(-half) * power(-half), power(-half)]
}

/// The place of the least, or greatest, element.
pub(in super::super) struct Position<const LEAST: bool>;
impl<const LEAST: bool> Function<2> for Position<LEAST> {
    type Part = Place<LEAST>;
    #[inline(always)]
    fn result([_, rows]: [i64; 2], _: f64, _: f64) -> f64 {
        rows as f64
    }
}

/// The constants of a window.
#[derive(Clone, Copy)]
pub(in super::super) struct Frame {
    pub(in super::super) rows: u32,
    pub(in super::super) least: u32,
    ddof: u32,
}

impl Frame {
    pub(in super::super) fn of(attributes: &Attributes) -> Frame {
        match *attributes {
            Attributes::Frame { rows, least, ddof } => Frame { rows: rows.max(1), least, ddof },
            Attributes::Quantile { rows, least, .. } => Frame { rows: rows.max(1), least, ddof: 0 },
            _ => Frame { rows: 1, least: 1, ddof: 0 },
        }
    }

    /// The result of a window of a number of rows, of which `count` have an element.
    #[inline(always)]
    pub(in super::super) fn result<F: Function<P>, const P: usize>(
        &self,
        part: [<F::Part as Part<P>>::Number; P],
        rows: u32,
        count: f64,
    ) -> f64 {
        let result = F::result(part, count, f64::from(self.ddof));
        let result = if count > 0.0 { result } else { F::OF_NONE };
        let enough = if F::BY_ROWS { f64::from(rows) } else { count };
        if enough >= f64::from(self.least) { result } else { f64::NAN }
    }
}

/// Joins two parts, given their numbers of elements and the newer one's of rows; one without elements
/// is left out.
#[inline(always)]
pub(in super::super) fn join<T: Part<P>, M: Fused, const P: usize>(
    (older, no): ([T::Number; P], f64),
    (newer, nn): ([T::Number; P], f64),
    rows: f64,
) -> ([T::Number; P], f64) {
    let weights = Weights { newer: rows, ..Weights::new::<T, P>(no, nn) };
    let mut part = T::join::<M>(older, newer, weights);
    let older = T::followed(older, rows);
    for p in 0..P {
        let some = if no == 0.0 { newer[p] } else { part[p] };
        part[p] = if nn == 0.0 { older[p] } else { some };
    }
    (part, no + nn)
}
