//! Accumulators whose bits depend on the order of their elements.

use super::RUN;
use crate::convert::Pattern;
use crate::scalar::{Cast, Float};

/// The most elements that one accumulator takes.
const LONGEST: usize = RUN;

/// A float type, with the constants of the accumulators.
pub(super) trait Element: Pattern + Float + 'static {
    /// `1 / k`, rounded, at index `k`; the first element is not used.
    const RECIPROCALS: &'static [Self; LONGEST + 1];
    /// -0.0, the identity of addition.
    const NEGATIVE_ZERO: Self;
    /// 1.0
    const ONE: Self;
    /// `x`, rounded to this type.
    fn round(x: f64) -> Self;
}

macro_rules! elements {
    ($($t:ty)*) => {$(
        impl Element for $t {
            const RECIPROCALS: &'static [$t; LONGEST + 1] = &{
                let mut table = [1.0; LONGEST + 1];
                let mut k = 1;
                while k <= LONGEST {
                    table[k] = 1.0 / k as $t;
                    k += 1;
                }
                table
            };
            const NEGATIVE_ZERO: $t = -0.0;
            const ONE: $t = 1.0;

            #[inline(always)]
            fn round(x: f64) -> $t {
                x.cast()
            }
        }
    )*};
}
elements!(f32 f64);

/// The weights of two accumulators of `p` and `q` elements when they are folded.
#[derive(Clone, Copy)]
pub(super) struct Weights<T> {
    /// `q / (p + q)`
    right: T,
    /// `p * q / (p + q)`
    both: T,
}

impl<T: Element> Weights<T> {
    /// The weights of accumulators of `left` and `right` elements.
    #[inline(always)]
    pub(super) fn new(left: u64, right: u64) -> Weights<T> {
        // The usual case, without the division.
        let share = if left == right { 0.5 } else { right as f64 / (left + right) as f64 };
        Weights { right: T::round(share), both: T::round(left as f64 * share) }
    }
}

/// An accumulator of `W` words; [the module](crate::reduce) defines them.
pub(super) trait Accumulator<T: Element, const W: usize> {
    /// The right identity of [`Accumulator::fold`], if there is one.
    const IDENTITY: Option<[T; W]>;

    /// The accumulator of one element.
    fn first(x: T) -> [T; W];
    /// The accumulator after one more element, the `k`-th, given `1 / k`.
    fn step(words: [T; W], x: T, reciprocal: T) -> [T; W];
    /// The accumulator of the elements of two.
    fn fold(left: [T; W], right: [T; W], weights: Weights<T>) -> [T; W];
}

pub(super) struct Sum;
pub(super) struct Prod;
/// The first element, the mean minus the first element, and the sum of the squared deviations.
pub(super) struct Moments;

impl<T: Element> Accumulator<T, 1> for Sum {
    const IDENTITY: Option<[T; 1]> = Some([T::NEGATIVE_ZERO]);

    #[inline(always)]
    fn first(x: T) -> [T; 1] {
        [x]
    }
    #[inline(always)]
    fn step([sum]: [T; 1], x: T, _: T) -> [T; 1] {
        [sum.add(x)]
    }
    #[inline(always)]
    fn fold([left]: [T; 1], [right]: [T; 1], _: Weights<T>) -> [T; 1] {
        [left.add(right)]
    }
}

impl<T: Element> Accumulator<T, 1> for Prod {
    const IDENTITY: Option<[T; 1]> = Some([T::ONE]);

    #[inline(always)]
    fn first(x: T) -> [T; 1] {
        [x]
    }
    #[inline(always)]
    fn step([product]: [T; 1], x: T, _: T) -> [T; 1] {
        [product.mul(x)]
    }
    #[inline(always)]
    fn fold([left]: [T; 1], [right]: [T; 1], _: Weights<T>) -> [T; 1] {
        [left.mul(right)]
    }
}

impl<T: Element> Accumulator<T, 3> for Moments {
    const IDENTITY: Option<[T; 3]> = None;

    #[inline(always)]
    fn first(x: T) -> [T; 3] {
        let zero = x.sub(x);
        [x, zero, zero]
    }
    #[inline(always)]
    fn step([first, mean, squares]: [T; 3], x: T, reciprocal: T) -> [T; 3] {
        let x = x.sub(first);
        let deviation = x.sub(mean);
        let mean = mean.add(deviation.mul(reciprocal));
        [first, mean, squares.add(deviation.mul(x.sub(mean)))]
    }
    #[inline(always)]
    fn fold(left: [T; 3], right: [T; 3], weights: Weights<T>) -> [T; 3] {
        let apart = right[0].sub(left[0]).add(right[1].sub(left[1]));
        let squares = left[2].add(right[2]);
        [
            left[0],
            left[1].add(apart.mul(weights.right)),
            squares.add(apart.mul(apart.mul(weights.both))),
        ]
    }
}
