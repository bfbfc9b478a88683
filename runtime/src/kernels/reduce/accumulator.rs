//! Accumulators whose bits depend on the order in which they meet their elements.

use super::RUN;
use crate::convert::Pattern;
use crate::scalar::{Cast, Float};

/// The longest that one accumulator goes on.
const LONGEST: usize = RUN;

/// A float type with what the accumulators need.
pub(super) trait Element: Pattern + Float + 'static {
    /// `1 / k`, rounded; of 0 it is not asked.
    const RECIPROCALS: &'static [Self; LONGEST + 1];
    /// -0.0, which added to anything changes nothing.
    const NOTHING: Self;
    /// 1.0
    const ONE: Self;
    /// `x`, rounded.
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
            const NOTHING: $t = -0.0;
            const ONE: $t = 1.0;

            #[inline(always)]
            fn round(x: f64) -> $t {
                x.cast()
            }
        }
    )*};
}
elements!(f32 f64);

/// What two accumulators count for when they are folded.
#[derive(Clone, Copy)]
pub(super) struct Weights<T> {
    /// The right one's part of the elements.
    right: T,
    /// The product of both parts, times the elements.
    both: T,
}

impl<T: Element> Weights<T> {
    /// Of accumulators of so many elements.
    #[inline(always)]
    pub(super) fn new(left: u64, right: u64) -> Weights<T> {
        // Most have the same number, and need no division for it.
        let share = if left == right { 0.5 } else { right as f64 / (left + right) as f64 };
        Weights { right: T::round(share), both: T::round(left as f64 * share) }
    }
}

/// An accumulator of `W` words; [the module](crate::reduce) defines them.
pub(super) trait Accumulator<T: Element, const W: usize> {
    /// What folded onto any other from the right changes nothing, if there is such.
    const IDENTITY: Option<[T; W]>;

    /// Of one element.
    fn first(x: T) -> [T; W];
    /// With one element more, the `k`-th; given `1 / k`.
    fn step(words: [T; W], x: T, reciprocal: T) -> [T; W];
    /// Of two.
    fn fold(left: [T; W], right: [T; W], weights: Weights<T>) -> [T; W];
}

pub(super) struct Sum;
pub(super) struct Prod;
/// The first element, the mean's distance from it, and the squared deviations from the mean.
pub(super) struct Moments;

impl<T: Element> Accumulator<T, 1> for Sum {
    const IDENTITY: Option<[T; 1]> = Some([T::NOTHING]);

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
