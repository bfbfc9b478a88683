//! Running folds: sums, products and extremes of the elements so far.
//!
//! **The order of additions** decides the bits of floats, and follows one structure of radix 16,
//! aligned by the index in the sequence. A *run* is 16 elements, a block of level m + 1 is 16 blocks
//! of level m, and a run has level 1. With `P_m` the fold from the left of the complete blocks of
//! level m in the current block of level m + 1, and `l` the fold of the current run up to the
//! element, the result is
//!
//! ```text
//! y = P_top + (.. + (P_2 + (P_1 + l)))
//! ```
//!
//! where each fold begins with the identity: -0.0 of sums, 1.0 of products. So the error grows with
//! the logarithm of the length (at most 16 ceil(log16 n) units in the last place of the sum of
//! magnitudes), a sum of numbers that are not negative never falls, and adding zeros never moves it.
//! `f32` is accumulated in `f64` and each result is rounded once. Integers wrap; they and extremes
//! need no structure, for any order gives the same result.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::{Attributes, Recurrence, ScanState};
use crate::elementwise::scalar_loop;
use crate::scalar::Number;

/// The number of elements of a run, and of blocks in a block of the next level.
pub(super) const RADIX: usize = 16;
/// Runs whose folds are computed side by side, to hide the latency of an addition.
const TOGETHER: usize = 8;
/// Sequences side by side that are computed before the first result is stored.
const GROUP: usize = 16;

/// One step of a scan.
pub(super) trait Step {
    type Element: Copy;
    /// What is carried: `f64` of `f32`.
    type Fold: Copy;
    const IDENTITY: Self::Fold;
    /// Whether the order of its elements decides bits.
    const ROUNDS: bool;

    fn widen(x: Self::Element) -> Self::Fold;
    fn narrow(fold: Self::Fold) -> Self::Element;
    fn combine(left: Self::Fold, right: Self::Fold) -> Self::Fold;
}

/// Numbers, and what sums and products of them are carried in.
pub(super) trait Carried: Number {
    type Wide: Number;
    const NO_SUM: Self::Wide;
    const NO_PRODUCT: Self::Wide;
    const LEAST: Self;
    const GREATEST: Self;
    /// Whether they are floats.
    const ROUNDS: bool;

    fn widen(self) -> Self::Wide;
    fn narrow(wide: Self::Wide) -> Self;
}

macro_rules! carried {
    ($($t:ty, $wide:ty, $zero:expr, $one:expr, $least:expr, $greatest:expr, $rounds:expr;)*) => {$(
        impl Carried for $t {
            type Wide = $wide;
            const NO_SUM: $wide = $zero;
            const NO_PRODUCT: $wide = $one;
            const LEAST: $t = $least;
            const GREATEST: $t = $greatest;
            const ROUNDS: bool = $rounds;

            #[inline(always)]
            fn widen(self) -> $wide {
                self as $wide
            }
            #[inline(always)]
            fn narrow(wide: $wide) -> $t {
                wide as $t
            }
        }
    )*};
    (integers $($t:ty)*) => { carried! { $($t, $t, 0, 1, <$t>::MIN, <$t>::MAX, false;)* } };
}

carried! {
    f32, f64, -0.0, 1.0, f32::NEG_INFINITY, f32::INFINITY, true;
    f64, f64, -0.0, 1.0, f64::NEG_INFINITY, f64::INFINITY, true;
}
carried! { integers i8 i16 i32 i64 u8 u16 u32 u64 }

macro_rules! step {
    ($name:ident, $fold:ty, $identity:expr, $rounds:expr, $widen:expr, $narrow:expr, $combine:expr) => {
        pub(super) struct $name<T>(PhantomData<T>);

        impl<T: Carried> Step for $name<T> {
            type Element = T;
            type Fold = $fold;
            const IDENTITY: $fold = $identity;
            const ROUNDS: bool = $rounds;

            #[inline(always)]
            fn widen(x: T) -> $fold {
                $widen(x)
            }
            #[inline(always)]
            fn narrow(fold: $fold) -> T {
                $narrow(fold)
            }
            #[inline(always)]
            fn combine(left: $fold, right: $fold) -> $fold {
                $combine(left, right)
            }
        }
    };
}

step!(Sum, T::Wide, T::NO_SUM, T::ROUNDS, T::widen, T::narrow, Number::add);
step!(Prod, T::Wide, T::NO_PRODUCT, T::ROUNDS, T::widen, T::narrow, Number::mul);
step!(Min, T, T::GREATEST, false, std::convert::identity, std::convert::identity, T::minimum);
step!(Max, T, T::LEAST, false, std::convert::identity, std::convert::identity, T::maximum);

/// The recurrence of a step. Its memory has for each sequence the fold of the run, then for each
/// further level one after another.
pub(super) struct Running<S>(PhantomData<S>);

impl<S: Step> Recurrence for Running<S> {
    type Element = S::Element;

    fn bytes(_: &Attributes, length: usize, lanes: usize) -> usize {
        (1 + Self::levels(length)) * lanes.max(1) * size_of::<S::Fold>()
    }

    unsafe fn prepare(state: *mut ScanState, length: usize) {
        // SAFETY: the caller's promise.
        unsafe { (*state).levels = Self::levels(length) };
    }

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise.
        let state = unsafe { &mut *state };
        state.rows = 0;
        let folds = state.memory.cast::<S::Fold>();
        for i in 0..(1 + state.levels) * state.lanes.max(1) {
            // SAFETY: the memory has room for these.
            unsafe { folds.add(i).write(S::IDENTITY) };
        }
    }

    #[inline(always)]
    unsafe fn along(
        state: &mut ScanState,
        out: *mut S::Element,
        a: *const S::Element,
        _: *const S::Element,
        n: usize,
    ) {
        let mut at = 0;
        while at < n {
            let place = (state.rows % RADIX as u64) as usize;
            if place == 0 && n - at >= TOGETHER * RADIX {
                let mut folds = [S::IDENTITY; TOGETHER];
                let mut prefixes = [[S::IDENTITY; RADIX]; TOGETHER];
                for i in 0..RADIX {
                    for (run, (fold, prefix)) in folds.iter_mut().zip(&mut prefixes).enumerate() {
                        // SAFETY: so many elements are left.
                        let x = unsafe { a.add(at + run * RADIX + i).read_unaligned() };
                        *fold = S::combine(*fold, S::widen(x));
                        prefix[i] = *fold;
                    }
                }
                for (prefix, fold) in prefixes.iter().zip(folds) {
                    // SAFETY: as above.
                    unsafe { Self::write(state, out.add(at), prefix, RADIX) };
                    state.rows += RADIX as u64;
                    // SAFETY: the state is one of `S`.
                    unsafe { Self::complete(state, fold) };
                    at += RADIX;
                }
                continue;
            }
            let count = (RADIX - place).min(n - at);
            let run = state.memory.cast::<S::Fold>();
            // SAFETY: the first fold is the run's.
            let mut fold = if place == 0 { S::IDENTITY } else { unsafe { run.read() } };
            let mut prefix = [S::IDENTITY; RADIX];
            for (i, slot) in prefix[..count].iter_mut().enumerate() {
                // SAFETY: `count` elements are left.
                fold = S::combine(fold, S::widen(unsafe { a.add(at + i).read_unaligned() }));
                *slot = fold;
            }
            // SAFETY: as above.
            unsafe {
                Self::write(state, out.add(at), &prefix, count);
                run.write(fold);
            }
            state.rows += count as u64;
            if place + count == RADIX {
                // SAFETY: the state is one of `S`.
                unsafe { Self::complete(state, fold) };
            }
            at += count;
        }
    }

    #[inline(always)]
    unsafe fn across(
        state: &mut ScanState,
        out: *mut S::Element,
        a: *const S::Element,
        _: *const S::Element,
        n: usize,
    ) {
        let mut at = 0;
        while n - at >= GROUP {
            // SAFETY: so many sequences are left.
            unsafe { Self::group::<GROUP>(state, out, a, at) };
            at += GROUP;
            scalar_loop();
        }
        for at in at..n {
            // SAFETY: as above.
            unsafe { Self::group::<1>(state, out, a, at) };
        }
        state.rows += 1;
        let mut blocks = state.rows;
        for level in 1..=state.levels {
            if !blocks.is_multiple_of(RADIX as u64) {
                return;
            }
            blocks /= RADIX as u64;
            let folds = state.memory.cast::<S::Fold>();
            for lane in 0..n {
                // SAFETY: the state has this level, and so many lanes.
                unsafe {
                    let (below, fold) = (
                        folds.add((level - 1) * state.lanes + lane),
                        folds.add(level * state.lanes + lane),
                    );
                    fold.write(S::combine(fold.read(), below.read()));
                    below.write(S::IDENTITY);
                }
            }
        }
    }
}

impl<S: Step> Running<S> {
    /// The levels above the run that sequences of a length need.
    fn levels(length: usize) -> usize {
        if !S::ROUNDS {
            return 1;
        }
        let mut levels = 1;
        let mut block = RADIX * RADIX;
        while block < length {
            block = block.saturating_mul(RADIX);
            levels += 1;
        }
        levels
    }

    /// The levels of which there is a complete block, if each sequence has had some elements.
    #[inline(always)]
    fn depth(state: &ScanState) -> usize {
        if state.rows == 0 { 0 } else { (state.rows.ilog2() as usize / 4).min(state.levels) }
    }

    /// Writes results, given the folds of the run up to each.
    ///
    /// # Safety
    /// There is room for `count` results, at most a run; the state is one of `S`.
    #[inline(always)]
    unsafe fn write(
        state: &ScanState,
        out: *mut S::Element,
        prefix: &[S::Fold; RADIX],
        count: usize,
    ) {
        let mut results = *prefix;
        for level in 1..=Self::depth(state) {
            // SAFETY: the state has this level.
            let carried = unsafe { state.memory.cast::<S::Fold>().add(level).read() };
            results.iter_mut().for_each(|y| *y = S::combine(carried, *y));
        }
        let results = results.map(S::narrow);
        // SAFETY: the caller's promise; no pointer need be aligned.
        unsafe {
            if count == RADIX {
                out.cast::<[S::Element; RADIX]>().write_unaligned(results);
            } else {
                (0..count).for_each(|i| out.add(i).write_unaligned(results[i]));
            }
        }
    }

    /// Takes the fold of a run that has just been completed.
    ///
    /// # Safety
    /// The state is one of `S`, for one sequence.
    #[inline(always)]
    unsafe fn complete(state: &mut ScanState, run: S::Fold) {
        let folds = state.memory.cast::<S::Fold>();
        let mut total = run;
        let mut blocks = state.rows / RADIX as u64;
        for level in 1..=state.levels {
            // SAFETY: the state has this level.
            unsafe {
                let fold = folds.add(level);
                total = S::combine(fold.read(), total);
                let last = level == state.levels;
                if last || !blocks.is_multiple_of(RADIX as u64) {
                    fold.write(total);
                    return;
                }
                fold.write(S::IDENTITY);
            }
            blocks /= RADIX as u64;
        }
    }

    /// The next element of `N` sequences from lane `at` on.
    ///
    /// # Safety
    /// As [`across`](Recurrence::across), of these sequences.
    #[inline(always)]
    unsafe fn group<const N: usize>(
        state: &ScanState,
        out: *mut S::Element,
        a: *const S::Element,
        at: usize,
    ) {
        let folds = state.memory.cast::<S::Fold>().wrapping_add(at);
        // SAFETY: the caller's promise; elements need not be aligned.
        unsafe {
            let mut results = [const { MaybeUninit::<S::Fold>::uninit() }; N];
            for (i, result) in results.iter_mut().enumerate() {
                let x = S::widen(a.add(at + i).read_unaligned());
                let fold = S::combine(folds.add(i).read(), x);
                folds.add(i).write(fold);
                result.write(fold);
            }
            let mut results = results.map(|result| result.assume_init());
            for level in 1..=Self::depth(state) {
                let carried = folds.add(level * state.lanes);
                for (i, result) in results.iter_mut().enumerate() {
                    *result = S::combine(carried.add(i).read(), *result);
                }
            }
            let results = results.map(S::narrow);
            out.add(at).cast::<[S::Element; N]>().write_unaligned(results);
        }
    }
}
