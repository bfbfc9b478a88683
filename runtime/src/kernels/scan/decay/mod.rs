//! Exponentially weighted means: `y = y' + alpha * (x - y')`, with `y'` the mean of the row before.
//!
//! **The order of operations** has the structure of radix 16 of [running sums](super::running), with
//! runs of 16 rows, groups of 16 runs and leaves of 16 groups. A *part* stands for consecutive rows:
//! its first element f, its newest n, and the distance e from n of the mean after the rows, if the
//! mean before them was f. With k = 1 - alpha and powers p(m) of k, the part of a run is extended by
//! an element x, and a part b follows a part a, by
//!
//! ```text
//! e = fma(k, e, k * (n - x)); n = x                   from f = n = x, e = +0.0
//! (fa, nb, fma(decay, (na - fb) + ea, eb))            decay = p(rows of b)
//! ```
//!
//! Complete runs of a group join from the left, and so do groups of a leaf, leaves, and 16 blocks of
//! each further level. The mean before a row is a newest element and a distance from it, (n, e): parts
//! follow it in the same way, first the complete blocks of the highest level, last the complete runs
//! of the group. With `c = (n - f) + e` for the run's first element f, the result at row j of the run
//! is `x + fma(p(j + 1), c, the run's e)`.
//!
//! So equal elements have a mean that is equal to them exactly. Each rounding is one of a distance
//! between elements, or between an element and a mean, and what it costs fades with the weight of
//! its row, as in the plain loop: an outlier costs digits as long as it has weight. But there are at
//! most 16 steps a level, where the plain loop has 1 / alpha. The error of row i is at most `u|y| +
//! 64 ceil(log16 n) u max over j of p(i - j) d_j`, u being half a unit in the last place of 1, and d_j
//! the mean of |x_m - x_j| over the rows m up to j, with the weights of the mean of row j, or
//! |x_j - x_(j-1)| if that is more.
//!
//! An element of at least 2^970, from which distances could overflow, counts as 0, and with a = 1 - k
//! e is then `fma(a, x, e)`, or of the first element x; the mean of equal ones may be off by a rounding.
//! One that is not finite is added to e, so that it stays. A missing element
//! makes no step and repeats the last mean; the element after v missing ones has the weights that
//! they would have left it: `t = p(v + 1) + alpha; k = p(v + 1) / t`. A block with a missing row, or
//! after one, decays by the product of its rows' (runs', groups') decays instead of a power of k.
//!
//! Where the weights of rows are given, each row has its own k, of which a block's decay is the product.

mod lane;
mod odds;
mod powers;
mod reference;

use std::marker::PhantomData;

use super::{Attributes, Fused, Recurrence, ScanState, number};
use crate::elementwise::scalar_loop;

use lane::{
    ALL_CLEAN, CLEAN, FOLD, KEPT, Kept, Lane, OF_LEVEL, SOME, STARTED, level_flags, renewed,
};
pub(super) use odds::{Odds, odds};
use powers::{LEAST, Powers};
pub(super) use reference::{blended, reference};

/// Runs in a group, groups in a leaf, and so on.
const RADIX: u64 = 16;
/// Rows of a run.
const RUN: usize = RADIX as usize;
/// Rows of a leaf.
const LEAF: u64 = 4096;
/// Runs of one sequence that are computed side by side.
const TOGETHER: usize = 8;
/// Sequences side by side that are computed before the first result is stored.
const GROUP: usize = 16;

/// The recurrence of an exponentially weighted mean; with `GIVEN` the elements come with the weights
/// of the means before. Its memory begins with [`Powers`]; then each number of [`Kept`] for all
/// sequences, then those of the levels.
pub(super) struct Decay<M, const GIVEN: bool>(PhantomData<M>);

/// The distance of a part or mean that another part follows: from the distance `e` of what is before
/// it, the jump from there to its first element, its decay and its own distance.
#[inline(always)]
fn follow<M: Fused>(e: f64, jump: f64, decay: f64, own: f64) -> f64 {
    M::fma(decay, jump + e, own)
}

/// The product of two decays, which does not vanish.
#[inline(always)]
fn product(a: f64, b: f64) -> f64 {
    (a * b).max(LEAST)
}

/// Whether distances from an element do not overflow.
#[inline(always)]
fn is_usual(x: f64) -> bool {
    // Half a unit in the last place of the largest float.
    const LIMIT: f64 = f64::from_bits((1023 + 970) << 52);
    x.abs() < LIMIT
}

fn or_zero(x: f64) -> f64 {
    if is_usual(x) { x } else { 0.0 }
}

/// The distance of a mean from 0 with an unusual element, given what it is without.
#[inline(always)]
fn with_unusual<M: Fused>(distance: f64, x: f64, weight: f64) -> f64 {
    if x.is_finite() { M::fma(weight, x, distance) } else { distance + x }
}

/// The levels above leaves that sequences of a length need.
fn levels(length: usize) -> usize {
    let mut levels = 0;
    let mut block = LEAF as usize * RADIX as usize;
    while block < length {
        block = block.saturating_mul(RADIX as usize);
        levels += 1;
    }
    levels
}

fn constants(attributes: &Attributes) -> (f64, bool) {
    match *attributes {
        Attributes::Decay { alpha, ignore_missing, .. } => (number(alpha), ignore_missing),
        _ => (1.0, false),
    }
}

impl<M: Fused, const GIVEN: bool> Recurrence for Decay<M, GIVEN> {
    type Element = f64;
    const LAYOUT: usize = size_of::<Powers>();

    fn bytes(_: &Attributes, length: usize, lanes: usize) -> usize {
        let numbers = KEPT + OF_LEVEL * levels(length);
        size_of::<Powers>() + numbers * lanes.max(1) * size_of::<f64>()
    }

    unsafe fn prepare(state: *mut ScanState, length: usize) {
        // SAFETY: the caller's promise; the memory begins with room for the powers.
        unsafe {
            (*state).levels = levels(length);
            let (alpha, ignore_missing) = constants(&(*state).attributes);
            (*state).memory.cast::<Powers>().write(Powers::new(alpha, ignore_missing));
        }
    }

    unsafe fn begin(state: *mut ScanState) {
        // SAFETY: the caller's promise.
        unsafe {
            (*state).rows = 0;
            for number in 0..(*state).lanes.max(1) {
                let lane = Self::lane(&*state, number);
                for kept in 0..KEPT + OF_LEVEL * (*state).levels {
                    lane.place(kept).write(0.0);
                }
                for decay in [Kept::RunDecay, Kept::GroupDecay, Kept::LeafDecay] {
                    lane.set(decay, 1.0);
                }
                for level in 0..(*state).levels {
                    lane.place(KEPT + OF_LEVEL * level + 4).write(1.0);
                }
                lane.set(Kept::Last, f64::NAN);
                lane.set_flags(if GIVEN { 0 } else { ALL_CLEAN });
            }
        }
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut f64, a: *const f64, b: *const f64, n: usize) {
        let mut at = 0;
        // SAFETY: the caller's promise; the memory begins with the powers.
        unsafe {
            let powers = &*state.memory.cast::<Powers>();
            let lane = Self::lane(state, 0);
            while at < n {
                let (row, left) = (state.rows, n - at);
                if row % RADIX == 0 && left >= RUN && (GIVEN || !lane.was_missing()) {
                    let (out, a) = (out.add(at), a.add(at));
                    let together = left >= TOGETHER * RUN && row % (TOGETHER * RUN) as u64 == 0;
                    let done = if GIVEN {
                        let whole = Self::given_run(state, powers, lane, out, [a, b.add(at)]);
                        usize::from(whole) * RUN
                    } else if together && Self::runs(state, powers, lane, out, a) {
                        TOGETHER * RUN
                    } else if Self::run(state, powers, lane, out, a) {
                        RUN
                    } else {
                        0
                    };
                    if done > 0 {
                        state.rows += done as u64;
                        at += done;
                        continue;
                    }
                }
                let y = Self::step(powers, state.levels, lane, row, Self::element(a, b, at));
                out.add(at).write_unaligned(y);
                state.rows += 1;
                at += 1;
                if state.rows.is_multiple_of(RADIX) {
                    Self::end_of_run(powers, state.levels, lane, state.rows);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn across(state: &mut ScanState, out: *mut f64, a: *const f64, b: *const f64, n: usize) {
        let row = state.rows;
        let first = row.is_multiple_of(RADIX);
        // SAFETY: the caller's promise; the memory begins with the powers.
        unsafe {
            let powers = &*state.memory.cast::<Powers>();
            let mut any = GIVEN || row.is_multiple_of(LEAF);
            if !any {
                let gaps = Self::lane(state, 0).place(Kept::Gap as usize).cast::<u64>();
                for i in 0..n {
                    any |= !is_usual(a.add(i).read_unaligned()) | (gaps.add(i).read() > 0);
                }
            }
            // A run that is not clean goes on row by row.
            let flags = Self::lane(state, 0).place(Kept::Flags as usize).cast::<u64>();
            if !first && !any {
                for i in 0..n {
                    any |= flags.add(i).read() & CLEAN[0] == 0;
                }
            }
            if any {
                for i in 0..n {
                    let x = Self::element(a, b, i);
                    let y = Self::step(powers, state.levels, Self::lane(state, i), row, x);
                    out.add(i).write_unaligned(y);
                }
            } else {
                let mut at = 0;
                while n - at >= GROUP {
                    match first {
                        true => Self::first::<GROUP>(state, powers, out, a, at),
                        false => Self::clean::<GROUP>(state, powers, out, a, at),
                    }
                    at += GROUP;
                    scalar_loop();
                }
                for at in at..n {
                    match first {
                        true => Self::first::<1>(state, powers, out, a, at),
                        false => Self::clean::<1>(state, powers, out, a, at),
                    }
                }
            }
            state.rows += 1;
            if state.rows.is_multiple_of(RADIX) {
                for i in 0..n {
                    Self::end_of_run(powers, state.levels, Self::lane(state, i), state.rows);
                }
            }
        }
    }
}

/// The parts of runs up to each row.
#[inline(always)]
fn folds<M: Fused, const R: usize>(k: f64, x: &[[f64; RUN]; R]) -> [[f64; RUN]; R] {
    let mut folds = [0.0; R];
    let mut prefixes = [[0.0; RUN]; R];
    for i in 1..RUN {
        for ((fold, prefix), x) in folds.iter_mut().zip(&mut prefixes).zip(x) {
            *fold = M::fma(k, *fold, k * (x[i - 1] - x[i]));
            prefix[i] = *fold;
        }
    }
    prefixes
}

impl<M: Fused, const GIVEN: bool> Decay<M, GIVEN> {
    #[inline(always)]
    fn lane(state: &ScanState, number: usize) -> Lane {
        let numbers = state.memory.wrapping_add(size_of::<Powers>()).cast::<f64>();
        Lane { first: numbers.wrapping_add(number), stride: state.lanes.max(1) }
    }

    /// The next element of `N` sequences from lane `at` on, all in clean runs that have begun.
    ///
    /// # Safety
    /// The state has these lanes, `a` their elements, and `out` room for their results.
    #[inline(always)]
    unsafe fn clean<const N: usize>(
        state: &ScanState,
        powers: &Powers,
        out: *mut f64,
        a: *const f64,
        at: usize,
    ) {
        let lane = Self::lane(state, at);
        let all = |kept: Kept| lane.place(kept as usize).cast::<[f64; N]>();
        let decay = powers.row[(state.rows % RADIX) as usize + 1];
        // SAFETY: the caller's promise.
        unsafe {
            let x = a.add(at).cast::<[f64; N]>().read_unaligned();
            let [newest, run, carry] =
                [Kept::Newest, Kept::Run, Kept::RunCarry].map(|kept| all(kept).read_unaligned());
            let mut runs = [0.0; N];
            let mut y = [0.0; N];
            for i in 0..N {
                runs[i] = M::fma(powers.k, run[i], powers.k * (newest[i] - x[i]));
                y[i] = x[i] + M::fma(decay, carry[i], runs[i]);
            }
            all(Kept::Newest).write_unaligned(x);
            all(Kept::Run).write_unaligned(runs);
            all(Kept::Last).write_unaligned(y);
            out.add(at).cast::<[f64; N]>().write_unaligned(y);
        }
    }

    /// The first elements of runs of `N` sequences from lane `at` on, whose leaves have begun, and
    /// which the row before was not missing of.
    ///
    /// # Safety
    /// As [`clean`](Decay::clean).
    #[inline(always)]
    unsafe fn first<const N: usize>(
        state: &ScanState,
        powers: &Powers,
        out: *mut f64,
        a: *const f64,
        at: usize,
    ) {
        let lane = Self::lane(state, at);
        let all = |kept: Kept| lane.place(kept as usize).cast::<[f64; N]>();
        let of_group = state.rows.is_multiple_of(RADIX * RADIX);
        // SAFETY: the caller's promise.
        unsafe {
            let x = a.add(at).cast::<[f64; N]>().read_unaligned();
            let [newest, entry] =
                [Kept::Newest, Kept::RunEntry].map(|kept| all(kept).read_unaligned());
            let flags = lane.place(Kept::Flags as usize).cast::<[u64; N]>();
            let mut some = flags.read_unaligned();
            let mut jump = [0.0; N];
            let mut carry = [0.0; N];
            let mut y = [0.0; N];
            for i in 0..N {
                jump[i] = newest[i] - x[i];
                carry[i] = jump[i] + entry[i];
                y[i] = x[i] + M::fma(powers.row[1], carry[i], 0.0);
                some[i] |= SOME[0] | SOME[1];
            }
            flags.write_unaligned(some);
            all(Kept::Newest).write_unaligned(x);
            all(Kept::Run).write_unaligned([0.0; N]);
            all(Kept::RunJump).write_unaligned(jump);
            all(Kept::RunCarry).write_unaligned(carry);
            if of_group {
                all(Kept::GroupJump).write_unaligned(jump);
                all(Kept::GroupCarry).write_unaligned(carry);
            }
            all(Kept::Last).write_unaligned(y);
            out.add(at).cast::<[f64; N]>().write_unaligned(y);
        }
    }

    /// A whole run of one sequence; `false` if an element is missing or unusual, and nothing was
    /// done.
    ///
    /// # Safety
    /// The state is of one sequence, at the beginning of a run, and the row before is not missing;
    /// `a` has the elements of the run, and `out` room for their results.
    #[inline(always)]
    unsafe fn run(
        state: &ScanState,
        powers: &Powers,
        lane: Lane,
        out: *mut f64,
        a: *const f64,
    ) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let x = a.cast::<[[f64; RUN]; 1]>().read_unaligned();
            if !x[0].iter().fold(true, |all, x| all & is_usual(*x)) {
                return false;
            }
            let [parts] = folds::<M, 1>(powers.k, &x);
            Self::begin_run(state.levels, lane, x[0][0]);
            let carry = lane.get(Kept::RunCarry);
            Self::write(powers, lane, out, &x[0], &parts, carry);
            lane.set(Kept::Run, parts[RUN - 1]);
            Self::end_of_run(powers, state.levels, lane, state.rows + RADIX);
        }
        true
    }

    /// A whole run of one sequence with given weights; `false` if an element is missing or unusual,
    /// and nothing was done.
    ///
    /// # Safety
    /// As [`run`](Decay::run), but for the row before; there are weights for the elements.
    #[inline(always)]
    unsafe fn given_run(
        state: &ScanState,
        powers: &Powers,
        lane: Lane,
        out: *mut f64,
        given: [*const f64; 2],
    ) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let [x, k] = given.map(|given| given.cast::<[f64; RUN]>().read_unaligned());
            if !x.iter().fold(true, |all, x| all & is_usual(*x)) {
                return false;
            }
            Self::begin_run(state.levels, lane, x[0]);
            let carry = lane.get(Kept::RunCarry);
            let (mut part, mut decay) = (0.0, product(1.0, k[0]));
            let (mut parts, mut decays) = ([part; RUN], [decay; RUN]);
            for i in 1..RUN {
                part = M::fma(k[i], part, k[i] * (x[i - 1] - x[i]));
                decay = product(decay, k[i]);
                (parts[i], decays[i]) = (part, decay);
            }
            let y: [f64; RUN] = std::array::from_fn(|i| x[i] + M::fma(decays[i], carry, parts[i]));
            out.cast::<[f64; RUN]>().write_unaligned(y);
            for (kept, value) in [
                (Kept::Newest, x[RUN - 1]),
                (Kept::Run, part),
                (Kept::RunDecay, decay),
                (Kept::Last, y[RUN - 1]),
                (Kept::Gap, 0.0),
            ] {
                lane.set(kept, value);
            }
            Self::end_of_run(powers, state.levels, lane, state.rows + RADIX);
        }
        true
    }

    /// Several whole runs of one group of one sequence; `false` if an element is missing or unusual,
    /// or something is missing before in the group, and nothing was done.
    ///
    /// # Safety
    /// As [`run`](Decay::run), of [`TOGETHER`] runs, at a multiple of which the state is.
    #[inline(always)]
    unsafe fn runs(
        state: &ScanState,
        powers: &Powers,
        lane: Lane,
        out: *mut f64,
        a: *const f64,
    ) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let x = a.cast::<[[f64; RUN]; TOGETHER]>().read_unaligned();
            let all_usual = x.as_flattened().iter().fold(true, |all, x| all & is_usual(*x));
            let flags = lane.flags();
            if !all_usual || flags & CLEAN[1] == 0 || flags & SOME[2] == 0 {
                return false;
            }
            let parts = folds::<M, TOGETHER>(powers.k, &x);
            let before = (state.rows % (RADIX * RADIX) / RADIX) as usize;
            let mut jump = lane.get(Kept::Newest) - x[0][0];
            let mut carry = jump + lane.get(Kept::RunEntry);
            if before == 0 {
                lane.set(Kept::GroupJump, jump);
                lane.set(Kept::GroupCarry, carry);
            }
            let of_group = lane.get(Kept::GroupCarry);
            let mut complete = match before {
                0 => parts[0][RUN - 1],
                _ => follow::<M>(lane.get(Kept::Runs), jump, powers.run[1], parts[0][RUN - 1]),
            };
            Self::write(powers, lane, out, &x[0], &parts[0], carry);
            for run in 1..TOGETHER {
                jump = x[run - 1][RUN - 1] - x[run][0];
                carry = jump + M::fma(powers.run[before + run], of_group, complete);
                complete = follow::<M>(complete, jump, powers.run[1], parts[run][RUN - 1]);
                Self::write(powers, lane, out.add(run * RUN), &x[run], &parts[run], carry);
            }
            lane.set(Kept::Runs, complete);
            lane.set(Kept::Run, 0.0);
            lane.set_flags(flags & !SOME[0] | SOME[1] | FOLD[0]);
            let rows = state.rows + (TOGETHER * RUN) as u64;
            if rows.is_multiple_of(RADIX * RADIX) {
                Self::end_of_group(powers, state.levels, lane, rows);
            } else {
                let entry = M::fma(powers.run[before + TOGETHER], of_group, complete);
                lane.set(Kept::RunEntry, entry);
            }
        }
        true
    }

    /// Writes the results of a clean run.
    ///
    /// # Safety
    /// There is room for them.
    #[inline(always)]
    unsafe fn write(
        powers: &Powers,
        lane: Lane,
        out: *mut f64,
        x: &[f64; RUN],
        parts: &[f64; RUN],
        carry: f64,
    ) {
        let mut y = [0.0; RUN];
        for (i, y) in y.iter_mut().enumerate() {
            *y = x[i] + M::fma(powers.row[i + 1], carry, parts[i]);
        }
        // SAFETY: the caller's promise.
        unsafe {
            out.cast::<[f64; RUN]>().write_unaligned(y);
            lane.set(Kept::Newest, x[RUN - 1]);
            lane.set(Kept::Last, y[RUN - 1]);
        }
    }

    /// An element, and its weight of the mean before, if that is given.
    ///
    /// # Safety
    /// They are there.
    #[inline(always)]
    unsafe fn element(a: *const f64, b: *const f64, at: usize) -> (f64, f64) {
        // SAFETY: the caller's promise.
        unsafe {
            let x = a.add(at).read_unaligned();
            (x, if GIVEN { b.add(at).read_unaligned() } else { 0.0 })
        }
    }

    /// One element of one sequence, which may be missing.
    ///
    /// # Safety
    /// The lane is one of a state of this recurrence.
    unsafe fn step(
        powers: &Powers,
        levels: usize,
        lane: Lane,
        row: u64,
        (x, given): (f64, f64),
    ) -> f64 {
        // SAFETY: the caller's promise.
        unsafe {
            let (flags, place) = (lane.flags(), row % RADIX);
            let clean = flags & CLEAN[0] != 0;
            let gap = lane.get(Kept::Gap).to_bits();
            if x.is_nan() {
                // Clean blocks keep no product.
                let decays = [
                    (Kept::RunDecay, place, powers.k),
                    (Kept::GroupDecay, row % (RADIX * RADIX) / RADIX, powers.run[1]),
                    (Kept::LeafDecay, row % LEAF / (RADIX * RADIX), powers.group[1]),
                ];
                for ((kept, children, decay), clean) in decays.into_iter().zip(CLEAN) {
                    if flags & clean != 0 {
                        lane.set(kept, (0..children).fold(1.0, |all, _| product(all, decay)));
                    }
                }
                lane.set(Kept::Gap, f64::from_bits(gap.wrapping_add(1)));
                lane.set_flags(flags & !ALL_CLEAN);
                return lane.get(Kept::Last);
            }
            let counts = !GIVEN && flags & STARTED != 0 && gap > 0 && !powers.ignore_missing;
            let own = if counts { powers.after(gap) } else { powers.k };
            let k = if GIVEN { given } else { own };
            lane.set(Kept::Gap, 0.0);
            let element = or_zero(x);
            let mut run = if flags & SOME[0] == 0 {
                Self::begin_run(levels, lane, element);
                0.0
            } else {
                M::fma(k, lane.get(Kept::Run), k * (lane.get(Kept::Newest) - element))
            };
            if !is_usual(x) {
                let weight = if flags & STARTED == 0 { 1.0 } else { 1.0 - k };
                run = with_unusual::<M>(run, x, weight);
            }
            lane.set(Kept::Newest, element);
            lane.set(Kept::Run, run);
            let decay = if clean {
                powers.row[place as usize + 1]
            } else {
                let decay = product(lane.get(Kept::RunDecay), k);
                lane.set(Kept::RunDecay, decay);
                decay
            };
            let y = element + M::fma(decay, lane.get(Kept::RunCarry), run);
            lane.set(Kept::Last, y);
            y
        }
    }

    /// Begins a run with its first element, and the blocks that have none yet.
    ///
    /// # Safety
    /// As [`step`](Decay::step).
    #[inline(always)]
    unsafe fn begin_run(levels: usize, lane: Lane, element: f64) {
        // SAFETY: the caller's promise.
        unsafe {
            let flags = lane.flags();
            let jump = match flags & STARTED {
                0 => 0.0,
                _ => lane.get(Kept::Newest) - element,
            };
            lane.set(Kept::RunJump, jump);
            lane.set(Kept::RunCarry, jump + lane.get(Kept::RunEntry));
            if flags & SOME[1] == 0 {
                lane.set(Kept::GroupJump, jump);
                lane.set(Kept::GroupCarry, jump + lane.get(Kept::GroupEntry));
            }
            lane.set_flags(flags | STARTED | SOME[0] | SOME[1] | SOME[2]);
            if flags & SOME[2] == 0 {
                Self::begin_leaf(levels, lane, jump);
            }
        }
    }

    /// Begins a leaf, and the blocks that have no element yet.
    ///
    /// # Safety
    /// As [`step`](Decay::step).
    #[cold]
    unsafe fn begin_leaf(levels: usize, lane: Lane, jump: f64) {
        // SAFETY: the caller's promise; the lane has numbers for each level.
        unsafe {
            lane.set(Kept::LeafJump, jump);
            lane.set(Kept::LeafCarry, jump + lane.get(Kept::LeafEntry));
            let mut flags = lane.flags();
            for level in 0..levels {
                let [_, some, _] = level_flags(level);
                if flags & some == 0 {
                    let [entry, jumps, carry] =
                        [0, 1, 2].map(|i| lane.place(KEPT + OF_LEVEL * level + i));
                    jumps.write(jump);
                    carry.write(jump + entry.read());
                    flags |= some;
                }
            }
            lane.set_flags(flags);
        }
    }

    /// Completes a run, and the group, leaf and blocks that end with it, before row `rows`.
    ///
    /// # Safety
    /// As [`step`](Decay::step).
    #[inline(always)]
    unsafe fn end_of_run(powers: &Powers, levels: usize, lane: Lane, rows: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut flags = lane.flags();
            let decay = match flags & CLEAN[0] {
                0 => lane.get(Kept::RunDecay),
                _ => powers.run[1],
            };
            if flags & SOME[0] != 0 {
                let run = lane.get(Kept::Run);
                let (runs, jump) = (lane.get(Kept::Runs), lane.get(Kept::RunJump));
                let first = flags & FOLD[0] == 0;
                lane.set(Kept::Runs, if first { run } else { follow::<M>(runs, jump, decay, run) });
                flags |= FOLD[0];
            }
            let mut of_group = powers.run[(rows % (RADIX * RADIX) / RADIX) as usize];
            if flags & CLEAN[1] == 0 {
                of_group = product(lane.get(Kept::GroupDecay), decay);
                lane.set(Kept::GroupDecay, of_group);
            }
            lane.set(Kept::Run, 0.0);
            lane.set(Kept::RunDecay, 1.0);
            flags = renewed(flags & !SOME[0], CLEAN[0], GIVEN || lane.was_missing());
            lane.set_flags(flags);
            if rows.is_multiple_of(RADIX * RADIX) {
                Self::end_of_group(powers, levels, lane, rows);
                return;
            }
            let entry = match flags & FOLD[0] {
                0 => lane.get(Kept::GroupEntry),
                _ => M::fma(of_group, lane.get(Kept::GroupCarry), lane.get(Kept::Runs)),
            };
            lane.set(Kept::RunEntry, entry);
        }
    }

    /// Completes a group, and the leaf and blocks that end with it, before row `rows`.
    ///
    /// # Safety
    /// As [`step`](Decay::step).
    unsafe fn end_of_group(powers: &Powers, levels: usize, lane: Lane, rows: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut flags = lane.flags();
            let decay = match flags & CLEAN[1] {
                0 => lane.get(Kept::GroupDecay),
                _ => powers.group[1],
            };
            if flags & SOME[1] != 0 {
                let runs = lane.get(Kept::Runs);
                let (groups, jump) = (lane.get(Kept::Groups), lane.get(Kept::GroupJump));
                let first = flags & FOLD[1] == 0;
                lane.set(
                    Kept::Groups,
                    if first { runs } else { follow::<M>(groups, jump, decay, runs) },
                );
                flags |= FOLD[1];
            }
            let mut of_leaf = powers.group[(rows % LEAF / (RADIX * RADIX)) as usize];
            if flags & CLEAN[2] == 0 {
                of_leaf = product(lane.get(Kept::LeafDecay), decay);
                lane.set(Kept::LeafDecay, of_leaf);
            }
            lane.set(Kept::GroupDecay, 1.0);
            flags = renewed(flags & !SOME[1] & !FOLD[0], CLEAN[1], GIVEN || lane.was_missing());
            lane.set_flags(flags);
            let entry = if rows.is_multiple_of(LEAF) {
                Self::end_of_leaf(powers, levels, lane, rows / LEAF);
                lane.get(Kept::LeafEntry)
            } else if flags & FOLD[1] == 0 {
                lane.get(Kept::LeafEntry)
            } else {
                M::fma(of_leaf, lane.get(Kept::LeafCarry), lane.get(Kept::Groups))
            };
            lane.set(Kept::GroupEntry, entry);
            lane.set(Kept::RunEntry, entry);
        }
    }

    /// Completes a leaf, the `leaves`-th, and the blocks that end with it.
    ///
    /// # Safety
    /// As [`step`](Decay::step).
    #[cold]
    unsafe fn end_of_leaf(powers: &Powers, levels: usize, lane: Lane, leaves: u64) {
        // SAFETY: the caller's promise; the lane has numbers for each level.
        unsafe {
            let mut flags = lane.flags();
            let missing = GIVEN || lane.was_missing();
            let clean = flags & CLEAN[2] != 0;
            let mut decay = if clean { powers.level[0] } else { lane.get(Kept::LeafDecay) };
            // The part of the block, and its jump.
            let mut part =
                (flags & SOME[2] != 0).then(|| (lane.get(Kept::Groups), lane.get(Kept::LeafJump)));
            if let Some((own, _)) = part {
                lane.set(Kept::LeafEntry, M::fma(decay, lane.get(Kept::LeafCarry), own));
            }
            let mut blocks = leaves;
            for level in 0..levels {
                let [clean, some, fold] = level_flags(level);
                let [entry, jumps, carry, children, decays] =
                    [0, 1, 2, 3, 4].map(|i| lane.place(KEPT + OF_LEVEL * level + i));
                if let Some((own, jump)) = part {
                    children.write(match flags & fold {
                        0 => own,
                        _ => follow::<M>(children.read(), jump, decay, own),
                    });
                    flags |= fold;
                }
                decays.write(product(decays.read(), decay));
                if !blocks.is_multiple_of(RADIX) {
                    break;
                }
                blocks /= RADIX;
                decay = if flags & clean != 0 { powers.level[level + 1] } else { decays.read() };
                part = (flags & fold != 0).then(|| (children.read(), jumps.read()));
                if let Some((own, _)) = part {
                    entry.write(M::fma(decay, carry.read(), own));
                }
                for lower in 0..level {
                    lane.place(KEPT + OF_LEVEL * lower).write(entry.read());
                }
                lane.set(Kept::LeafEntry, entry.read());
                decays.write(1.0);
                flags = renewed(flags & !some & !fold, clean, missing);
            }
            lane.set(Kept::LeafDecay, 1.0);
            lane.set_flags(renewed(flags & !SOME[2] & !FOLD[1], CLEAN[2], missing));
        }
    }
}
