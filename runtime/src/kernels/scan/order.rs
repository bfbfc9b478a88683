//! Order statistics of windows: ranks, medians and quantiles.
//!
//! They are defined by their values, so any algorithm gives the same bits. A rank counts the elements
//! below and up to the row's own, `(below + up_to + 1) / 2`: equal ones share the mean of their
//! places, from 1 on, and zeros are equal. A quantile is taken from the sorted elements, -0.0 below
//! +0.0: with `h = q (count - 1)`, the lower neighbour and t, the fraction of h, it is
//! `low + (high - low) t`, or from the upper one if t >= 0.5; if their distance overflows or one is
//! infinite, `low (1 - t) + high t`. The median of an even number is `(low + high) / 2`, or if the sum
//! overflows `low / 2 + high / 2`.
//!
//! The rows of a window are in a ring in any order. Ranks compare all of them at once; quantiles keep
//! them sorted beside it, and a row moves what lies between the oldest element and the new one.

use std::marker::PhantomData;

use super::whole::Selected;
use super::window::{Frame, ordered};
use super::{Attributes, Recurrence, ScanState, number};
use crate::elementwise::scalar_loop;

/// Sequences side by side that are computed before the first result is stored.
const GROUP: usize = 16;

/// The rows of the rings.
fn room(attributes: &Attributes, length: usize) -> usize {
    (Frame::of(attributes).rows as usize).min(length).max(1)
}

/// The recurrence of ranks; with `SHARE` over the number of elements. Its memory has for each sequence
/// the number of elements, then the rings, row by row. A missing row is NaN.
pub(super) struct Rank<const SHARE: bool>;

impl<const SHARE: bool> Rank<SHARE> {
    /// The rank of an element, given how many are below it, and not above it.
    #[inline(always)]
    fn result(x: f64, [below, up_to]: [i64; 2], count: i64, least: i64) -> f64 {
        let rank = (below + up_to + 1) as f64 * 0.5;
        let rank = if SHARE { rank / count as f64 } else { rank };
        if x.is_nan() || count < least { f64::NAN } else { rank }
    }

    /// The next element of `N` sequences from lane `at` on.
    ///
    /// # Safety
    /// The state has these lanes, `a` their elements, and `out` room for their results.
    #[inline(always)]
    unsafe fn lanes<const N: usize>(state: &ScanState, out: *mut f64, a: *const f64, at: usize) {
        let (lanes, rows) = (state.lanes.max(1), state.levels);
        let counts = state.memory.cast::<i64>().wrapping_add(at).cast::<[i64; N]>();
        let rings = state.memory.cast::<f64>().wrapping_add(lanes + at);
        let least = i64::from(Frame::of(&state.attributes).least);
        // SAFETY: the caller's promise.
        unsafe {
            let x = a.add(at).cast::<[f64; N]>().read_unaligned();
            let row = |row: usize| rings.add(row * lanes).cast::<[f64; N]>();
            let place = row((state.rows % rows as u64) as usize);
            let oldest = place.read_unaligned();
            place.write_unaligned(x);
            let mut count = counts.read_unaligned();
            for i in 0..N {
                let change = i64::from(oldest[i].is_nan()) - i64::from(x[i].is_nan());
                count[i] = count[i].wrapping_add(change);
            }
            counts.write_unaligned(count);
            let (mut below, mut up_to) = ([0i64; N], [0i64; N]);
            for number in 0..rows {
                let others = row(number).read_unaligned();
                for i in 0..N {
                    below[i] += i64::from(others[i] < x[i]);
                    up_to[i] += i64::from(others[i] <= x[i]);
                }
                scalar_loop();
            }
            let mut results = [0.0; N];
            for (i, result) in results.iter_mut().enumerate() {
                *result = Self::result(x[i], [below[i], up_to[i]], count[i], least);
            }
            out.add(at).cast::<[f64; N]>().write_unaligned(results);
        }
    }
}

impl<const SHARE: bool> Recurrence for Rank<SHARE> {
    type Element = f64;

    fn bytes(attributes: &Attributes, length: usize, lanes: usize) -> usize {
        // The rows of one sequence are compared in groups.
        let rows = room(attributes, length).saturating_add(1 + GROUP);
        rows.saturating_mul(lanes.max(1)).saturating_mul(size_of::<f64>())
    }

    unsafe fn prepare(state: *mut ScanState, length: usize) {
        // SAFETY: the caller's promise.
        unsafe { (*state).levels = room(&(*state).attributes, length) };
    }

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise.
        unsafe {
            (*state).rows = 0;
            let lanes = (*state).lanes.max(1);
            (*state).memory.write_bytes(0, lanes * size_of::<i64>());
            let rings = (*state).memory.cast::<f64>().add(lanes);
            let rows = (*state).levels + GROUP;
            (0..rows * lanes).for_each(|i| rings.add(i).write(f64::NAN));
        }
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        let least = i64::from(Frame::of(&state.attributes).least);
        // SAFETY: the memory has a count and the ring.
        unsafe {
            let count = &mut *state.memory.cast::<i64>();
            let ring = state.memory.cast::<f64>().add(1);
            let room = state.levels;
            let mut place = (state.rows % room as u64) as usize;
            for i in 0..n {
                let x = a.add(i).read_unaligned();
                let oldest = ring.add(place).replace(x);
                let change = i64::from(oldest.is_nan()) - i64::from(x.is_nan());
                *count = count.wrapping_add(change);
                place = if place + 1 == room { 0 } else { place + 1 };
                let (mut below, mut up_to) = ([0i64; GROUP], [0i64; GROUP]);
                for first in (0..room).step_by(GROUP) {
                    let others = ring.add(first).cast::<[f64; GROUP]>().read_unaligned();
                    for (i, other) in others.into_iter().enumerate() {
                        below[i] += i64::from(other < x);
                        up_to[i] += i64::from(other <= x);
                    }
                    scalar_loop();
                }
                let counts = [below, up_to].map(|counts| counts.iter().sum());
                out.add(i).write_unaligned(Self::result(x, counts, *count, least));
            }
        }
        state.rows += n as u64;
    }

    #[inline(always)]
    unsafe fn across(state: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        let mut at = 0;
        // SAFETY: the caller's promise.
        unsafe {
            while n - at >= GROUP {
                Self::lanes::<GROUP>(state, out, a, at);
                at += GROUP;
            }
            (at..n).for_each(|at| Self::lanes::<1>(state, out, a, at));
        }
        state.rows += 1;
    }
}

/// A statistic of sorted elements.
pub(super) trait Statistic {
    fn of(sorted: &[i64], attributes: &Attributes) -> f64;
}

impl Selected for Median {
    #[inline(always)]
    fn below(count: usize, _: &Attributes) -> usize {
        count.saturating_sub(1) / 2
    }

    #[inline(always)]
    fn of_two([low, high]: [i64; 2], count: usize, _: &Attributes) -> f64 {
        if count % 2 == 1 { float(low) } else { middle(float(low), float(high)) }
    }
}

impl Selected for Quantile {
    #[inline(always)]
    fn below(count: usize, attributes: &Attributes) -> usize {
        (share(attributes) * count.saturating_sub(1) as f64) as usize
    }

    #[inline(always)]
    fn of_two([low, high]: [i64; 2], count: usize, attributes: &Attributes) -> f64 {
        let place = share(attributes) * count.saturating_sub(1) as f64;
        between(float(low), float(high), place - place.floor())
    }
}

/// The share of elements below a quantile.
#[inline(always)]
fn share(attributes: &Attributes) -> f64 {
    match *attributes {
        Attributes::Quantile { quantile, .. } | Attributes::Share { quantile } => number(quantile),
        _ => f64::NAN,
    }
}

/// A float of the order of [`ordered`].
#[inline(always)]
fn float(key: i64) -> f64 {
    f64::from_bits(ordered(key) as u64)
}

/// The middle, or the mean of the middle two.
pub(super) struct Median;
impl Statistic for Median {
    #[inline(always)]
    fn of(sorted: &[i64], _: &Attributes) -> f64 {
        let half = sorted.len() / 2;
        match sorted.len() % 2 {
            1 => float(sorted[half]),
            _ => middle(float(sorted[half - 1]), float(sorted[half])),
        }
    }
}

/// The mean of two neighbours.
#[inline(always)]
fn middle(low: f64, high: f64) -> f64 {
    let sum = low + high;
    if sum.is_finite() { sum / 2.0 } else { low / 2.0 + high / 2.0 }
}

/// What lies between two neighbours, a fraction t of their distance above the lower one.
#[inline(always)]
fn between(low: f64, high: f64, t: f64) -> f64 {
    let distance = high - low;
    if t == 0.0 || low == high {
        low
    } else if !distance.is_finite() {
        low * (1.0 - t) + high * t
    } else if t >= 0.5 {
        high - distance * (1.0 - t)
    } else {
        low + distance * t
    }
}

/// A quantile between two neighbours.
pub(super) struct Quantile;
impl Statistic for Quantile {
    #[inline(always)]
    fn of(sorted: &[i64], attributes: &Attributes) -> f64 {
        let last = sorted.len() - 1;
        let place = share(attributes) * last as f64;
        let (below, t) = ((place as usize).min(last), place - place.floor());
        between(float(sorted[below]), float(sorted[last.min(below + 1)]), t)
    }
}

/// The statistic of the elements in sorted order, of which enough are not missing.
#[inline(always)]
pub(super) fn statistic<S: Statistic>(sorted: &[i64], attributes: &Attributes) -> f64 {
    let enough = sorted.len() >= (Frame::of(attributes).least as usize).max(1);
    if enough { S::of(sorted, attributes) } else { f64::NAN }
}

/// The number in the order of floats that stands for an element.
#[inline(always)]
pub(super) fn key(x: f64) -> i64 {
    ordered(x.to_bits() as i64)
}

/// The key of a row without an element: after all others.
const MISSING: i64 = i64::MAX;

#[inline(always)]
fn key_of(x: f64) -> i64 {
    if x.is_nan() { MISSING } else { key(x) }
}

/// The recurrence of a statistic of sorted elements. Its memory has for each sequence the number of
/// elements, the sorted keys of the rows, and their ring.
pub(super) struct Sorted<S>(PhantomData<S>);

impl<S: Statistic> Sorted<S> {
    /// The numbers of a sequence.
    fn numbers(room: usize) -> usize {
        room.saturating_mul(2).saturating_add(1)
    }

    /// The next elements of a sequence.
    ///
    /// # Safety
    /// The state has this lane; `a` has `n` elements, and `out` room for as many results.
    #[inline(always)]
    unsafe fn lane(state: &ScanState, out: *mut f64, a: *const f64, lane: usize, n: usize) {
        let room = state.levels;
        let count = state.memory.cast::<u64>().wrapping_add(lane * Self::numbers(room));
        // SAFETY: the caller's promise; the memory of a lane has these numbers.
        unsafe {
            let first = count.add(1).cast::<i64>();
            let sorted = std::slice::from_raw_parts_mut(first, room);
            let ring = std::slice::from_raw_parts_mut(first.add(room), room);
            // A state that was restored may have any numbers, which must not reach beyond the room.
            let mut some = (*count as usize).min(room);
            let mut place = (state.rows % room as u64) as usize;
            for i in 0..n {
                let new = key_of(a.add(i).read_unaligned());
                let old = std::mem::replace(&mut ring[place], new);
                place = if place + 1 == room { 0 } else { place + 1 };
                some += usize::from(new != MISSING);
                some = some.saturating_sub(usize::from(old != MISSING)).min(room);
                let from = sorted.partition_point(|other| *other < old).min(room - 1);
                let to = sorted.partition_point(|other| *other < new);
                if to > from {
                    sorted.copy_within(from + 1..to, from);
                    sorted[to - 1] = new;
                } else {
                    sorted.copy_within(to..from, to + 1);
                    sorted[to] = new;
                }
                let result = statistic::<S>(&sorted[..some], &state.attributes);
                out.add(i).write_unaligned(result);
            }
            *count = some as u64;
        }
    }
}

impl<S: Statistic> Recurrence for Sorted<S> {
    type Element = f64;

    fn bytes(attributes: &Attributes, length: usize, lanes: usize) -> usize {
        let numbers = Self::numbers(room(attributes, length));
        numbers.saturating_mul(lanes.max(1)).saturating_mul(size_of::<f64>())
    }

    unsafe fn prepare(state: *mut ScanState, length: usize) {
        // SAFETY: the caller's promise.
        unsafe { (*state).levels = room(&(*state).attributes, length) };
    }

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise.
        unsafe {
            (*state).rows = 0;
            let numbers = Self::numbers((*state).levels);
            for lane in 0..(*state).lanes.max(1) {
                let first = (*state).memory.cast::<i64>().add(lane * numbers);
                first.write(0);
                (1..numbers).for_each(|i| first.add(i).write(MISSING));
            }
        }
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        // SAFETY: the caller's promise.
        unsafe { Self::lane(state, out, a, 0, n) };
        state.rows += n as u64;
    }

    #[inline(always)]
    unsafe fn across(state: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        for lane in 0..n {
            // SAFETY: the caller's promise.
            unsafe { Self::lane(state, out.add(lane), a.add(lane), lane, 1) };
        }
        state.rows += 1;
    }
}
