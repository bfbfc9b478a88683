//! Sums and products of rows that are whole sequences, of at most a block.

use super::super::accumulator::{Accumulator, Element};
use super::super::{RowResults, WholeRows};
use super::{Ordered, get, put, update};

/// The number of rows whose last accumulators are folded side by side.
const ROWS: usize = 16;
/// The number of accumulators of a row from which on they are.
const FEW: usize = 8;

impl<M, T, const W: usize, const A: usize, const G: usize> Ordered<M, T, W, A, G>
where
    M: Accumulator<T, W>,
    T: Element,
{
    /// Reduces rows of at most a block, by an operation with an identity. Accumulators of one row are folded until a vector of them is
    /// left, and then those of several rows together: the last levels of a single row would be a
    /// chain of operations on parts of a vector.
    ///
    /// # Safety
    /// The contract of [`Method::whole_rows`](super::super::method::Method::whole_rows).
    #[inline(always)]
    pub(super) unsafe fn reduce_whole(
        rows: &WholeRows,
        results: &RowResults,
        word: usize,
        size: usize,
    ) {
        let n = rows.length;
        for first in (0..rows.count).step_by(ROWS) {
            let few = ROWS.min(rows.count - first);
            let mut last = [[[T::ZERO; FEW]; W]; ROWS];
            for (number, last) in last.iter_mut().take(few).enumerate() {
                // SAFETY: the caller's promise.
                let mut values = unsafe { Self::accumulated(rows.row(first + number).cast(), n) };
                let mut half = A / 2;
                while half >= FEW {
                    Self::fold_upper(&mut values, half, n);
                    half /= 2;
                }
                (0..W).for_each(|w| last[w].copy_from_slice(&values[w][..FEW]));
            }
            let mut across = [[[T::ZERO; ROWS]; W]; FEW];
            for (j, across) in across.iter_mut().enumerate() {
                for (number, last) in last.iter().enumerate() {
                    put(across, number, get(last, j));
                }
            }
            let mut half = FEW / 2;
            while half > 0 {
                let each = (n / (2 * half)) as u64;
                let weights = Self::weights(each, each);
                let (left, right) = across.split_at_mut(half);
                for (left, right) in left.iter_mut().zip(right) {
                    for number in 0..ROWS {
                        update(left, number, |left| M::fold(left, get(right, number), weights));
                    }
                }
                half /= 2;
            }
            let values = across[0][word.min(W - 1)];
            for (number, value) in values.into_iter().enumerate().take(few) {
                // SAFETY: the caller's promise.
                unsafe { results.write(first + number, size, value.pattern()) };
            }
        }
    }

    /// The accumulators of a row of `n` elements, from one to a block. Those without elements have
    /// the identity.
    ///
    /// # Safety
    /// `a` has `n` readable elements.
    #[inline(always)]
    unsafe fn accumulated(a: *const T, n: usize) -> [[T; A]; W] {
        let (rows, few) = (n / A, n % A);
        let identity = M::IDENTITY.unwrap_or([T::ZERO; W]);
        let mut values: [[T; A]; W] = identity.map(|word| [word; A]);
        if rows > 0 {
            for start in (0..A).step_by(G) {
                let none = [[T::ZERO; G]; W];
                // SAFETY: there are this many rows.
                let local = unsafe { Self::take_rows(none, 0, a.add(start), rows) };
                (0..G).for_each(|j| put(&mut values, start + j, get(&local, j)));
            }
        }
        for j in 0..few {
            // SAFETY: these are the last of the `n` elements.
            let x = unsafe { a.add(rows * A + j).read_unaligned() };
            update(&mut values, j, |words| Self::next(words, x, rows + 1));
        }
        values
    }
}
