//! Scans: running sums, products and extremes, one result for each element of a sequence.
//!
//! A scan is a block kernel whose second operand is its [`ScanState`]: it takes the next elements of
//! one sequence, or the next element of many sequences that lie side by side, and leaves the state
//! as it is after them. So a sequence may come in pieces of any length.
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

mod reference;

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crate::block::BlockFn;
use crate::dtype::DType;
use crate::elementwise::{Kernel, family, scalar_loop, shell};
use crate::isa::Isa;
use crate::scalar::Number;

pub use reference::reference;

/// The number of elements of a run, and of blocks in a block of the next level.
const RADIX: usize = 16;
/// Runs whose folds are computed side by side, to hide the latency of an addition.
const TOGETHER: usize = 8;
/// Sequences side by side that are computed before the first result is stored.
const GROUP: usize = 16;

/// How an element changes the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scan {
    /// The sum so far.
    Sum,
    /// The product so far.
    Prod,
    /// The least element so far; NaN from the first NaN on.
    Min,
    /// The greatest element so far; NaN from the first NaN on.
    Max,
}

impl Scan {
    /// Every scan, in order.
    pub const ALL: [Scan; 4] = [Scan::Sum, Scan::Prod, Scan::Min, Scan::Max];

    /// Whether it is defined on elements of a dtype: sums and products on floats and on integers of
    /// 64 bits, extremes on all numbers.
    pub const fn takes(self, dtype: DType) -> bool {
        use DType::{Bool, F32, F64, I64, U64};
        match self {
            Scan::Sum | Scan::Prod => matches!(dtype, I64 | U64 | F32 | F64),
            Scan::Min | Scan::Max => !matches!(dtype, Bool),
        }
    }

    /// Whether the order of its elements decides bits.
    const fn rounds(self, dtype: DType) -> bool {
        matches!(self, Scan::Sum | Scan::Prod) && dtype.is_float()
    }

    /// The block kernel; its second operand is a [`ScanState`].
    pub fn kernel(self, dtype: DType, isa: Isa) -> Option<BlockFn> {
        steps!(self, dtype, S => shell::<Scanned<S>>(isa))
    }
}

/// The state of one sequence, or of several that lie side by side.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ScanState {
    /// The number of elements that each sequence has had.
    rows: u64,
    /// The levels of the structure that are kept: more than those of the complete blocks.
    levels: usize,
    /// The number of sequences side by side; 0 for one whose elements lie one after another.
    lanes: usize,
    /// For each sequence the fold of the run, then for each further level one after another.
    folds: *mut u8,
}

/// A scan of one dtype: how much state it has, and how that begins.
#[derive(Clone, Copy, Debug)]
pub struct Scanner {
    begin: unsafe fn(*mut ScanState),
    fold_bytes: usize,
    rounds: bool,
}

impl Scanner {
    /// The scan of a dtype, `None` if it is not defined on it.
    pub fn new(scan: Scan, dtype: DType) -> Option<Scanner> {
        let rounds = scan.rounds(dtype);
        steps!(scan, dtype, S => Scanner {
            begin: begin::<S>,
            fold_bytes: size_of::<<S as Step>::Fold>(),
            rounds,
        })
    }

    /// The levels above the run that sequences of this many elements need.
    fn levels(&self, length: usize) -> usize {
        if !self.rounds {
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

    /// Bytes of the folds of so many sequences (0: of one) of a length, all of whose elements are
    /// taken.
    pub fn fold_bytes(&self, length: usize, lanes: usize) -> usize {
        (1 + self.levels(length)) * lanes.max(1) * self.fold_bytes
    }

    /// The state of sequences before their first element.
    ///
    /// # Safety
    /// `folds` has room for [`fold_bytes`](Scanner::fold_bytes) and is aligned to 8 bytes.
    pub unsafe fn state(&self, length: usize, lanes: usize, folds: *mut u8) -> ScanState {
        ScanState { rows: 0, levels: self.levels(length), lanes, folds }
    }

    /// Begins the sequences of a state.
    ///
    /// # Safety
    /// The state is one that [`state`](Scanner::state) of this scanner has made.
    pub unsafe fn begin(&self, state: *mut ScanState) {
        // SAFETY: the caller's promise.
        unsafe { (self.begin)(state) }
    }
}

/// # Safety
/// As [`Scanner::begin`].
unsafe fn begin<S: Step>(state: *mut ScanState) {
    // SAFETY: the caller's promise.
    let state = unsafe { &mut *state };
    state.rows = 0;
    let folds = (1 + state.levels) * state.lanes.max(1);
    // SAFETY: the folds have room for these.
    (0..folds).for_each(|i| unsafe { state.folds.cast::<S::Fold>().add(i).write(S::IDENTITY) });
}

/// One step of a scan.
trait Step {
    type Element: Copy;
    /// What is carried: `f64` of `f32`.
    type Fold: Copy;
    const IDENTITY: Self::Fold;

    fn widen(x: Self::Element) -> Self::Fold;
    fn narrow(fold: Self::Fold) -> Self::Element;
    fn combine(left: Self::Fold, right: Self::Fold) -> Self::Fold;
}

/// Numbers, and what sums and products of them are carried in.
trait Carried: Number {
    type Wide: Number;
    const NO_SUM: Self::Wide;
    const NO_PRODUCT: Self::Wide;
    const LEAST: Self;
    const GREATEST: Self;

    fn widen(self) -> Self::Wide;
    fn narrow(wide: Self::Wide) -> Self;
}

macro_rules! carried {
    ($($t:ty, $wide:ty, $zero:expr, $one:expr, $least:expr, $greatest:expr;)*) => {$(
        impl Carried for $t {
            type Wide = $wide;
            const NO_SUM: $wide = $zero;
            const NO_PRODUCT: $wide = $one;
            const LEAST: $t = $least;
            const GREATEST: $t = $greatest;

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
    (integers $($t:ty)*) => { carried! { $($t, $t, 0, 1, <$t>::MIN, <$t>::MAX;)* } };
}

carried! {
    f32, f64, -0.0, 1.0, f32::NEG_INFINITY, f32::INFINITY;
    f64, f64, -0.0, 1.0, f64::NEG_INFINITY, f64::INFINITY;
}
carried! { integers i8 i16 i32 i64 u8 u16 u32 u64 }

macro_rules! step {
    ($name:ident, $fold:ty, $identity:expr, $widen:expr, $narrow:expr, $combine:expr) => {
        struct $name<T>(PhantomData<T>);

        impl<T: Carried> Step for $name<T> {
            type Element = T;
            type Fold = $fold;
            const IDENTITY: $fold = $identity;

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

step!(Sum, T::Wide, T::NO_SUM, T::widen, T::narrow, Number::add);
step!(Prod, T::Wide, T::NO_PRODUCT, T::widen, T::narrow, Number::mul);
step!(Min, T, T::GREATEST, std::convert::identity, std::convert::identity, T::minimum);
step!(Max, T, T::LEAST, std::convert::identity, std::convert::identity, T::maximum);

/// Runs `$then` with `$s` standing for the step of a scan of a dtype, if it is defined on it.
macro_rules! steps {
    ($scan:expr, $dtype:expr, $s:ident => $then:expr) => {
        match $scan {
            Scan::Sum => steps!(@wide Sum, $dtype, $s => $then),
            Scan::Prod => steps!(@wide Prod, $dtype, $s => $then),
            Scan::Min => steps!(@all Min, $dtype, $s => $then),
            Scan::Max => steps!(@all Max, $dtype, $s => $then),
        }
    };
    (@wide $step:ident, $dtype:expr, $s:ident => $then:expr) => {
        family!(@match $dtype, T => { type $s = $step<T>; $then },
            I64 i64, U64 u64, F32 f32, F64 f64)
    };
    (@all $step:ident, $dtype:expr, $s:ident => $then:expr) => {
        family!(numbers, $dtype, T => { type $s = $step<T>; $then })
    };
}
use steps;

/// The kernel of a step.
struct Scanned<S>(PhantomData<S>);

impl<S: Step> Kernel for Scanned<S> {
    #[inline(always)]
    unsafe fn run(out: *mut u8, a: *const u8, b: *const u8, _: *const u8, n: usize) -> u32 {
        let (out, a) = (out.cast::<S::Element>(), a.cast::<S::Element>());
        // SAFETY: the caller gives a state of this step, which nothing else uses meanwhile.
        unsafe {
            let state = &mut *b.cast_mut().cast::<ScanState>();
            match state.lanes {
                0 => Self::along(state, out, a, n),
                _ => Self::across(state, out, a, n),
            }
        }
        0
    }
}

impl<S: Step> Scanned<S> {
    /// The levels of which there is a complete block, if each sequence has had some elements.
    #[inline(always)]
    fn depth(state: &ScanState) -> usize {
        if state.rows == 0 { 0 } else { (state.rows.ilog2() as usize / 4).min(state.levels) }
    }

    /// The next `n` elements of one sequence.
    ///
    /// # Safety
    /// `a` has `n` elements, `out` has room for them and may be `a`; the state is one of `S`.
    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut S::Element, a: *const S::Element, n: usize) {
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
            let run = state.folds.cast::<S::Fold>();
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
            let carried = unsafe { state.folds.cast::<S::Fold>().add(level).read() };
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
        let folds = state.folds.cast::<S::Fold>();
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

    /// The next element of `n` sequences that lie side by side.
    ///
    /// # Safety
    /// As [`along`](Scanned::along); the state has at least `n` lanes.
    #[inline(always)]
    unsafe fn across(state: &mut ScanState, out: *mut S::Element, a: *const S::Element, n: usize) {
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
            let folds = state.folds.cast::<S::Fold>();
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

    /// The next element of `N` sequences from lane `at` on.
    ///
    /// # Safety
    /// As [`across`](Scanned::across), of these sequences.
    #[inline(always)]
    unsafe fn group<const N: usize>(
        state: &ScanState,
        out: *mut S::Element,
        a: *const S::Element,
        at: usize,
    ) {
        let folds = state.folds.cast::<S::Fold>().wrapping_add(at);
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
