//! Windows: functions of the latest rows of a sequence.
//!
//! **The order of operations** is a ladder of powers of two. With `R_1[i]` the element of row i,
//! `R_2k[i] = R_k[i - k] + R_k[i]` is a part of 2k rows. A window of L rows is cut by the binary
//! digits of L, the lowest set bit being the newest part, and folded from the newest to the oldest,
//! the older part on the left. So a result depends on the rows of its window alone, and its error
//! grows with the logarithm of L (at most (ceil(log2 L) + 1) units in the last place of the sum of
//! magnitudes, half units being counted). A window of n rows has its first rows only: row i sees
//! L = min(n, i + 1).
//!
//! Squared distances from the mean are joined as by Chan, Golub and LeVeque, "Algorithms for
//! computing the sample variance" (1983): of an older part a and a newer part b of n = na + nb
//! elements, `d = mb - ma; m = fma(d, nb/n, ma); s = fma(d*d, na*nb/n, sa + sb)`. A part without
//! elements is left out. So equal elements have a variance of exactly 0.
//!
//! Every fourth power is kept in a [`Ring`], and the parts between are computed again, which has
//! the same bits.

mod batch;
mod part;

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::mem::offset_of;

use super::ring::{BLOCK, Ring};
use super::{Attributes, Fused, Recurrence, ScanState};
use crate::elementwise::scalar_loop;

use batch::{Batch, between};
use part::Divisors;
pub(super) use part::{
    Corr, Count, Cov, Fitted, Frame, Function, Kurt, Linear, Max, Mean, Min, Moments, Part,
    Position, Prod, Rsquared, Skew, Slope, Sum, Weights, join, ordered,
};

/// The maximum number of rings: 4 to the power of it is beyond every window.
const LEVELS: usize = 16;
/// The maximum of `P`.
const MOST_NUMBERS: usize = 7;
/// Elements that are computed before the first result is stored.
const GROUP: usize = 16;

/// Runs `$body` for each group of elements, with `$at` its first and `$n` their number, a constant.
macro_rules! for_groups {
    ($total:expr, $at:ident, $n:ident => $body:expr) => {{
        let total = $total;
        let mut $at = 0;
        {
            const $n: usize = GROUP;
            while total - $at >= $n {
                $body;
                $at += $n;
                scalar_loop();
            }
        }
        const $n: usize = 1;
        while $at < total {
            $body;
            $at += 1;
            scalar_loop();
        }
    }};
}

/// The recurrence of a window. Its memory begins with [`Rings`], which they follow.
pub(super) struct Ladder<F, M, const P: usize>(PhantomData<(F, M)>);

/// What a window remembers.
#[derive(Clone, Copy)]
#[repr(C)]
struct Rings {
    /// The number of missing elements up to each row, as `i32` that wrap.
    missing: Ring,
    /// The parts of 4 to the power of the index, `P` rings one after another.
    parts: [[Ring; MOST_NUMBERS]; LEVELS],
    /// The row from which on no window has a missing element, of all that have been seen.
    clean: u64,
}

/// A part of every window, which begins a number of rows before its last row.
#[derive(Clone, Copy)]
struct Piece<N, const P: usize> {
    newer: [*const N; P],
    /// The part before it, if both make up one of twice the rows.
    older: Option<[*const N; P]>,
    /// The number of rows of either.
    rows: f64,
    /// The numbers of missing elements: up to the last row, before `newer`, and before `older`.
    missing: [*const i32; 3],
    /// The weights that join `older` and `newer`.
    halves: Weights,
    /// The weights that join the piece and those after it.
    weights: Weights,
}

/// Windows of one number of rows.
struct Windows {
    frame: Frame,
    rows: u32,
    /// The numbers of missing elements up to the last row, and before the first.
    missing: [*const i32; 2],
    divisors: Divisors,
}

impl<F: Function<P>, M: Fused, const P: usize> Ladder<F, M, P> {
    /// The levels of the windows that sequences of a length fill.
    fn levels(frame: Frame, length: usize) -> usize {
        let rows = (frame.rows as usize).min(length).max(1);
        rows.ilog2() as usize / 2 + 1
    }

    /// The rings, and the bytes of memory.
    fn rings(attributes: &Attributes, length: usize, lanes: usize) -> (Rings, usize) {
        let frame = Frame::of(attributes);
        let rows = (frame.rows as usize).min(length).max(1);
        let start = size_of::<Rings>().next_multiple_of(8);
        let (missing, mut end) = Ring::new(rows, lanes, size_of::<i32>(), start);
        let mut parts = [[Ring::default(); MOST_NUMBERS]; LEVELS];
        for (level, rings) in parts.iter_mut().take(Self::levels(frame, length)).enumerate() {
            for ring in &mut rings[..P] {
                // Three parts before the latest make up one of the next level.
                let lag = rows.min(3 << (2 * level));
                (*ring, end) = Ring::new(lag, lanes, size_of::<f64>(), end);
            }
        }
        (Rings { missing, parts, clean: 0 }, end)
    }
}

type Number<F, const P: usize> = <<F as Function<P>>::Part as Part<P>>::Number;

impl<F: Function<P>, M: Fused, const P: usize> Recurrence for Ladder<F, M, P> {
    type Element = f64;
    const LAYOUT: usize = offset_of!(Rings, clean);

    fn bytes(attributes: &Attributes, length: usize, lanes: usize) -> usize {
        Self::rings(attributes, length, lanes).1
    }

    unsafe fn prepare(state: *mut ScanState, length: usize) {
        // SAFETY: the caller's promise; the memory begins with room for the rings.
        unsafe {
            let (rings, _) = Self::rings(&(*state).attributes, length, (*state).lanes);
            (*state).levels = Self::levels(Frame::of(&(*state).attributes), length);
            (*state).memory.cast::<Rings>().write(rings);
        }
    }

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise. Of what the rings hold nothing is used but the number of
        // missing elements before the first row.
        unsafe {
            (*state).rows = 0;
            let memory = (*state).memory;
            let rings = &mut *memory.cast::<Rings>();
            rings.clean = 0;
            let before = rings.missing.at::<i32>(memory, u64::MAX);
            before.write_bytes(0, (*state).lanes.max(1));
        }
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut f64, a: *const f64, b: *const f64, n: usize) {
        let window = u64::from(Frame::of(&state.attributes).rows);
        let mut at = 0;
        while at < n {
            let first = state.rows;
            let rows = (BLOCK - first as usize % BLOCK).min(n - at);
            // SAFETY: so many elements are left.
            unsafe {
                Self::take(state, [a.add(at), b.wrapping_add(at)], first, rows);
                // Rows that see no full window, each another number of rows.
                let partial = (window - 1).saturating_sub(first).min(rows as u64);
                for row in first..first + partial {
                    let out = out.add(at + (row - first) as usize);
                    Self::results(state, out, row, row + 1, 1);
                }
                let (row, rest) = (first + partial, rows - partial as usize);
                Self::results(state, out.add(at + partial as usize), row, window, rest);
            }
            state.rows += rows as u64;
            at += rows;
        }
    }

    #[inline(always)]
    unsafe fn across(state: &mut ScanState, out: *mut f64, a: *const f64, b: *const f64, n: usize) {
        let window = u64::from(Frame::of(&state.attributes).rows);
        let row = state.rows;
        // SAFETY: the caller's promise.
        unsafe {
            Self::take(state, [a, b], row, n);
            Self::results(state, out, row, window.min(row + 1), n);
        }
        state.rows += 1;
    }
}

impl<F: Function<P>, M: Fused, const P: usize> Ladder<F, M, P> {
    /// Takes elements of rows from `row` on, or of one row: counts those that are missing, and
    /// computes the parts that end with them.
    ///
    /// # Safety
    /// `a` has `n` elements, of rows that do not cross a multiple of [`BLOCK`].
    #[inline(always)]
    unsafe fn take(state: &mut ScanState, elements: [*const f64; 2], row: u64, n: usize) {
        let memory = state.memory;
        // SAFETY: the memory begins with the rings, which have room for these rows.
        unsafe {
            let rings = &mut *memory.cast::<Rings>();
            let missing = rings.missing;
            let mut any = false;
            let first: [*mut Number<F, P>; P] =
                std::array::from_fn(|p| rings.parts[0][p].at(memory, row));
            for_groups!(n, at, N => any |= Self::first_parts::<N>(&first, elements, at));
            let up_to = missing.at::<i32>(memory, row);
            if state.lanes > 0 {
                let before = missing.at::<i32>(memory, row.wrapping_sub(1)).cast_const();
                for_groups!(n, at, N => Self::count::<N>(up_to, before, elements, at));
            } else {
                let mut count = missing.at::<i32>(memory, row.wrapping_sub(1)).read();
                if any {
                    for i in 0..n {
                        let is_missing = {
                            let [x, y] = Self::load::<1>(elements, i);
                            x[0].is_nan() | y[0].is_nan()
                        };
                        count = count.wrapping_add(i32::from(is_missing));
                        up_to.add(i).write(count);
                    }
                } else {
                    std::slice::from_raw_parts_mut(up_to, n).fill(count);
                }
            }
            missing.repeat::<i32>(memory, row, n);
            if any {
                let rows = if state.lanes > 0 { 1 } else { n as u64 };
                rings.clean = row + rows - 1 + u64::from(Frame::of(&state.attributes).rows);
            }
            let counted = F::Part::WEIGHED && row < rings.clean;
            for level in 0..state.levels {
                if level > 0 {
                    Self::next(rings, memory, level, row, n, counted);
                }
                for ring in &rings.parts[level][..P] {
                    ring.repeat::<f64>(memory, row, n);
                }
            }
        }
    }

    /// Computes the parts of a level from four of the level before.
    ///
    /// # Safety
    /// As [`take`](Ladder::take); those of the level before are there.
    #[inline(always)]
    unsafe fn next(
        rings: &Rings,
        memory: *mut u8,
        level: usize,
        row: u64,
        n: usize,
        counted: bool,
    ) {
        let rows = 1u64 << (2 * (level - 1));
        let below = &rings.parts[level - 1];
        let from: [[*const Number<F, P>; P]; 4] = std::array::from_fn(|part| {
            let row = row.wrapping_sub(part as u64 * rows);
            std::array::from_fn(|p| below[p].at::<Number<F, P>>(memory, row).cast_const())
        });
        let to: [*mut Number<F, P>; P] =
            std::array::from_fn(|p| rings.parts[level][p].at(memory, row));
        let missing: [*const i32; 5] = std::array::from_fn(|part| {
            rings.missing.at::<i32>(memory, row.wrapping_sub(part as u64 * rows)).cast_const()
        });
        let rows = rows as f64;
        // SAFETY: the rings reach back as far as the level needs.
        unsafe {
            match counted {
                true => for_groups!(n, at, N => {
                    Self::four::<N, true>(&to, &from, &missing, rows, at);
                }),
                false => for_groups!(n, at, N => {
                    Self::four::<N, false>(&to, &from, &missing, rows, at);
                }),
            }
        }
    }

    /// The results of rows from `row` on that all see this number of rows, or of one row.
    ///
    /// # Safety
    /// `out` has room for `n` results; the parts that end with these rows are there.
    #[inline(always)]
    unsafe fn results(state: &ScanState, out: *mut f64, row: u64, window: u64, n: usize) {
        let memory = state.memory;
        let frame = Frame::of(&state.attributes);
        // SAFETY: the memory begins with the rings.
        let rings = unsafe { &*memory.cast::<Rings>() };
        let missing =
            |before: u64| rings.missing.at::<i32>(memory, row.wrapping_sub(before)).cast_const();
        // Initializing all of them would take as long as the results of a block.
        let mut pieces = [const { MaybeUninit::<Piece<Number<F, P>, P>>::uninit() }; 2 * LEVELS];
        let mut count = 0;
        let mut at = 0;
        let mut bits = if P == 0 { 0 } else { window };
        while bits > 0 && count < pieces.len() {
            let bit = bits.trailing_zeros();
            bits &= bits - 1;
            let level = (bit / 2) as usize;
            let rows = 1u64 << (2 * level);
            let part = |before: u64| {
                let ring = &rings.parts[level];
                std::array::from_fn(|p| {
                    ring[p].at::<Number<F, P>>(memory, row.wrapping_sub(before)).cast_const()
                })
            };
            let twice = bit % 2 == 1;
            pieces[count].write(Piece {
                newer: part(at),
                older: twice.then(|| part(at + rows)),
                rows: rows as f64,
                missing: [missing(at), missing(at + rows), missing(at + 2 * rows)],
                halves: Weights::new::<F::Part, P>(rows as f64, rows as f64),
                weights: Weights::new::<F::Part, P>((1u64 << bit) as f64, at as f64),
            });
            count += 1;
            at += 1 << bit;
        }
        // SAFETY: the first `count` have been written.
        let pieces = unsafe { pieces[..count].assume_init_ref() };
        let windows = Windows {
            frame,
            rows: window as u32,
            missing: [missing(0), missing(window)],
            divisors: Divisors::new::<M>(&frame, window as f64),
        };
        // SAFETY: the caller's promise.
        unsafe {
            match row < rings.clean {
                true => for_groups!(n, at, N => Self::fold::<N, true>(out, pieces, &windows, at)),
                false => for_groups!(n, at, N => Self::fold::<N, false>(out, pieces, &windows, at)),
            }
        }
    }

    /// The parts of single rows; whether an element is missing.
    ///
    /// # Safety
    /// There are `N` elements from `at` on, and room for their parts.
    #[inline(always)]
    unsafe fn first_parts<const N: usize>(
        to: &[*mut Number<F, P>; P],
        elements: [*const f64; 2],
        at: usize,
    ) -> bool {
        let mut parts = Batch::<Number<F, P>, P, N>::new();
        let mut any = false;
        // SAFETY: the caller's promise.
        unsafe {
            let [x, y] = Self::load::<N>(elements, at);
            for i in 0..N {
                let is_missing = x[i].is_nan() | y[i].is_nan();
                let one = F::Part::one(x[i], y[i]);
                parts.set(i, if is_missing { F::Part::none() } else { one });
                any |= is_missing;
            }
            parts.store(to, at);
        }
        any
    }

    /// Adds missing elements of `N` sequences to their numbers.
    ///
    /// # Safety
    /// As [`first_parts`](Ladder::first_parts).
    #[inline(always)]
    unsafe fn count<const N: usize>(
        to: *mut i32,
        from: *const i32,
        elements: [*const f64; 2],
        at: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let [x, y] = Self::load::<N>(elements, at);
            let mut counts = from.add(at).cast::<[i32; N]>().read_unaligned();
            for i in 0..N {
                counts[i] = counts[i].wrapping_add(i32::from(x[i].is_nan() | y[i].is_nan()));
            }
            to.add(at).cast::<[i32; N]>().write_unaligned(counts);
        }
    }

    /// Loads elements; both are the same if the function takes no pairs.
    ///
    /// # Safety
    /// There are `N` elements from `at` on.
    #[inline(always)]
    unsafe fn load<const N: usize>(elements: [*const f64; 2], at: usize) -> [[f64; N]; 2] {
        let from = if F::Part::PAIRS { elements } else { [elements[0]; 2] };
        // SAFETY: the caller's promise.
        from.map(|from| unsafe { from.add(at).cast::<[f64; N]>().read_unaligned() })
    }

    /// Joins four parts of `rows` each, from the newest on. With `COUNTED` some of their elements
    /// are missing.
    ///
    /// # Safety
    /// As [`first_parts`](Ladder::first_parts).
    #[inline(always)]
    unsafe fn four<const N: usize, const COUNTED: bool>(
        to: &[*mut Number<F, P>; P],
        from: &[[*const Number<F, P>; P]; 4],
        missing: &[*const i32; 5],
        rows: f64,
        at: usize,
    ) {
        let two = Weights::new::<F::Part, P>(rows, rows);
        let four = Weights::new::<F::Part, P>(2.0 * rows, 2.0 * rows);
        let mut parts = Batch::<Number<F, P>, P, N>::new();
        // SAFETY: the caller's promise.
        unsafe {
            let d = Batch::<_, P, N>::load(&from[0], at);
            let c = Batch::<_, P, N>::load(&from[1], at);
            let b = Batch::<_, P, N>::load(&from[2], at);
            let a = Batch::<_, P, N>::load(&from[3], at);
            if COUNTED {
                let missing = between::<N, 4>(missing, at);
                for i in 0..N {
                    let [nd, nc, nb, na] = missing.map(|missing| rows - missing[i]);
                    let newer = join::<F::Part, M, P>((c.get(i), nc), (d.get(i), nd), rows);
                    let older = join::<F::Part, M, P>((a.get(i), na), (b.get(i), nb), rows);
                    parts.set(i, join::<F::Part, M, P>(older, newer, 2.0 * rows).0);
                }
            } else {
                for i in 0..N {
                    let newer = F::Part::join::<M>(c.get(i), d.get(i), two);
                    let older = F::Part::join::<M>(a.get(i), b.get(i), two);
                    parts.set(i, F::Part::join::<M>(older, newer, four));
                }
            }
            parts.store(to, at);
        }
    }

    /// Folds the pieces of windows, from the newest on, to results. With `MISSING` some of their
    /// elements are missing.
    ///
    /// # Safety
    /// As [`first_parts`](Ladder::first_parts).
    #[inline(always)]
    unsafe fn fold<const N: usize, const MISSING: bool>(
        out: *mut f64,
        pieces: &[Piece<Number<F, P>, P>],
        windows: &Windows,
        at: usize,
    ) {
        let counted = MISSING && F::Part::WEIGHED;
        let mut folds = Batch::<Number<F, P>, P, N>::new();
        let mut counts = [0.0; N];
        // SAFETY: the caller's promise.
        unsafe {
            for (number, piece) in pieces.iter().enumerate() {
                let mut part = Batch::<_, P, N>::load(&piece.newer, at);
                let mut elements = [piece.rows; N];
                if counted {
                    let missing = between::<N, 2>(&piece.missing, at);
                    for i in 0..N {
                        elements[i] -= missing[0][i];
                    }
                    if let Some(older) = &piece.older {
                        let older = Batch::<_, P, N>::load(older, at);
                        for i in 0..N {
                            let before = (older.get(i), piece.rows - missing[1][i]);
                            let newer = (part.get(i), elements[i]);
                            let (both, n) = join::<F::Part, M, P>(before, newer, piece.rows);
                            part.set(i, both);
                            elements[i] = n;
                        }
                    }
                } else if let Some(older) = &piece.older {
                    let older = Batch::<_, P, N>::load(older, at);
                    for i in 0..N {
                        part.set(i, F::Part::join::<M>(older.get(i), part.get(i), piece.halves));
                    }
                }
                if number == 0 {
                    (folds, counts) = (part, elements);
                } else if counted {
                    for i in 0..N {
                        let newer = (folds.get(i), counts[i]);
                        let older = (part.get(i), elements[i]);
                        let rows = piece.weights.newer;
                        let (both, n) = join::<F::Part, M, P>(older, newer, rows);
                        folds.set(i, both);
                        counts[i] = n;
                    }
                } else {
                    for i in 0..N {
                        folds.set(i, F::Part::join::<M>(part.get(i), folds.get(i), piece.weights));
                    }
                }
            }
            let results = if MISSING {
                let missing = between::<N, 1>(&windows.missing, at)[0];
                let mut results = [0.0; N];
                for i in 0..N {
                    let count = f64::from(windows.rows) - missing[i];
                    let frame = &windows.frame;
                    results[i] = frame.result::<F, P>(folds.get(i), windows.rows, count);
                }
                results
            } else if windows.rows >= windows.frame.least {
                F::results::<M, N>(&folds, &windows.divisors)
            } else {
                [f64::NAN; N]
            };
            out.add(at).cast::<[f64; N]>().write_unaligned(results);
        }
    }
}
