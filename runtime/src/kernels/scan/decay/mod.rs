//! Exponentially weighted means: `y = y' + alpha * (x - y')`, with `y'` the mean of the row before.
//!
//! **The order of operations** has the structure of radix 16 of [running sums](super::running), with
//! runs of 16 rows, groups of 16 runs and leaves of 16 groups. It works on the distances `z = x - o`
//! from the origin `o` of a leaf, its first element (0 if that is not finite), with k = 1 - alpha and
//! powers p(m) of k:
//!
//! ```text
//! run     l = fma(k, l, alpha * z)              from +0.0
//! group   S = fma(p(16), S, l of a whole run)   from +0.0
//! leaf    G = fma(p(256), G, S of a whole group)
//! y = o + fma(p(j + 1), c, l)                   at row j of run r of group g
//! c = fma(p(16 r), cg, S),  cg = fma(p(256 g), D, G),  D = E - (o - P)
//! ```
//!
//! where P is the origin of the first leaf and P + E the mean before the leaf. Leaves join as
//! `(o1, e1), (o2, e2) -> (o1, g + fma(p(4096), e1 - g, e2))` with `g = o2 - o1`, 16 to a block of
//! the next level. So equal elements have a mean that is equal to them exactly, and the error is
//! small beside the distances between elements, for every alpha.
//!
//! A missing element makes no step and repeats the last mean; the element after v missing ones has
//! the weights that they would have left it: `t = p(v + 1) + alpha; k = p(v + 1) / t; alpha / t`. A
//! block with a missing row, or after one, decays by the product of its rows' (runs', groups')
//! decays instead of a power of k.

mod powers;
mod reference;

use std::marker::PhantomData;

use super::{Attributes, Fused, Recurrence, ScanState, number};
use crate::elementwise::scalar_loop;

use powers::{LEAST, Powers};
pub(super) use reference::reference;

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

/// The numbers that are kept of each sequence.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Kept {
    /// The origin of the leaf.
    Origin,
    /// The run up to the row.
    Run,
    /// What the run begins with, as a distance from the origin.
    Carry,
    /// The last mean.
    Last,
    /// The complete runs of the group.
    Runs,
    /// What the group begins with.
    GroupCarry,
    /// The complete groups of the leaf.
    Groups,
    /// What the leaf begins with.
    LeafCarry,
    /// The origin of the first leaf.
    First,
    /// The mean before the leaf, as a distance from that.
    Entry,
    /// The product of decays of the run's rows.
    RunDecay,
    /// That of the group's runs.
    GroupDecay,
    /// That of the leaf's groups.
    LeafDecay,
    /// The number of missing rows since the last element, as bits.
    Gap,
    /// [`STARTED`] and other flags, as bits.
    Flags,
}

/// The number of variants of [`Kept`].
const KEPT: usize = 15;
/// The numbers of each level above leaves: the entry of its block; the origin, the distance and the
/// decay of the block's complete children.
const OF_LEVEL: usize = 4;

/// There has been an element.
const STARTED: u64 = 1;
/// The leaf has an origin.
const ORIGIN: u64 = 2;
/// No row of the run, group or leaf is missing so far, nor the row before it.
const CLEAN: [u64; 3] = [4, 8, 16];
/// The same of blocks of a level, and whether they have a child with an element.
const fn level_flags(level: usize) -> [u64; 2] {
    [1 << (8 + level), 1 << (32 + level)]
}
/// All flags for missing rows.
const ALL_CLEAN: u64 = 4 | 8 | 16 | 0xffff_ff00;

/// The recurrence of an exponentially weighted mean. Its memory begins with [`Powers`]; then each
/// number of [`Kept`] for all sequences, then those of the levels.
pub(super) struct Decay<M>(PhantomData<M>);

/// The numbers of one sequence.
#[derive(Clone, Copy)]
struct Lane {
    first: *mut f64,
    /// From one number to the next.
    stride: usize,
}

impl Lane {
    #[inline(always)]
    fn place(&self, number: usize) -> *mut f64 {
        self.first.wrapping_add(number * self.stride)
    }

    #[inline(always)]
    unsafe fn get(&self, kept: Kept) -> f64 {
        // SAFETY: the memory has all numbers of the sequence.
        unsafe { self.place(kept as usize).read() }
    }

    #[inline(always)]
    unsafe fn set(&self, kept: Kept, value: f64) {
        // SAFETY: as in `get`.
        unsafe { self.place(kept as usize).write(value) };
    }

    unsafe fn flags(&self) -> u64 {
        // SAFETY: as in `get`.
        unsafe { self.get(Kept::Flags).to_bits() }
    }

    unsafe fn set_flags(&self, flags: u64) {
        // SAFETY: as in `get`.
        unsafe { self.set(Kept::Flags, f64::from_bits(flags)) };
    }

    /// Whether the row before was missing, or there was none with an element.
    unsafe fn was_missing(&self) -> bool {
        // SAFETY: as in `get`.
        unsafe { self.get(Kept::Gap).to_bits() > 0 }
    }
}

/// Joins two neighbouring blocks, given as origin and distance from it; the second decays the first.
#[inline(always)]
fn join<M: Fused>((p1, e1): (f64, f64), (p2, e2): (f64, f64), decay: f64) -> f64 {
    let g = p2 - p1;
    g + M::fma(decay, e1 - g, e2)
}

/// The product of two decays, which does not vanish.
#[inline(always)]
fn product(a: f64, b: f64) -> f64 {
    (a * b).max(LEAST)
}

fn or_zero(x: f64) -> f64 {
    if x.is_finite() { x } else { 0.0 }
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
        Attributes::Decay { alpha, ignore_missing } => (number(alpha), ignore_missing),
        _ => (1.0, false),
    }
}

impl<M: Fused> Recurrence for Decay<M> {
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
                    lane.place(KEPT + OF_LEVEL * level + 3).write(1.0);
                }
                lane.set(Kept::Last, f64::NAN);
                lane.set_flags(ALL_CLEAN);
            }
        }
    }

    #[inline(always)]
    unsafe fn along(state: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        let mut at = 0;
        // SAFETY: the caller's promise; the memory begins with the powers.
        unsafe {
            let powers = &*state.memory.cast::<Powers>();
            let lane = Self::lane(state, 0);
            while at < n {
                let (row, left) = (state.rows, n - at);
                if row % RADIX == 0 && left >= RUN && !lane.was_missing() {
                    let whole = LEAF - row % LEAF >= (TOGETHER * RUN) as u64;
                    let runs = if whole && left >= TOGETHER * RUN { TOGETHER } else { 1 };
                    let (out, a) = (out.add(at), a.add(at));
                    let done = match runs {
                        1 => Self::runs::<1>(state, powers, lane, out, a),
                        _ => Self::runs::<TOGETHER>(state, powers, lane, out, a),
                    };
                    if done {
                        state.rows += (runs * RUN) as u64;
                        at += runs * RUN;
                        continue;
                    }
                }
                let y = Self::step(powers, lane, row, a.add(at).read_unaligned());
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
    unsafe fn across(state: &mut ScanState, out: *mut f64, a: *const f64, _: *const f64, n: usize) {
        let row = state.rows;
        // SAFETY: the caller's promise; the memory begins with the powers.
        unsafe {
            let powers = &*state.memory.cast::<Powers>();
            let mut any = row.is_multiple_of(LEAF);
            if !any {
                let gaps = Self::lane(state, 0).place(Kept::Gap as usize).cast::<u64>();
                for i in 0..n {
                    any |= a.add(i).read_unaligned().is_nan() | (gaps.add(i).read() > 0);
                }
            }
            // A run that is not clean goes on row by row.
            let flags = Self::lane(state, 0).place(Kept::Flags as usize).cast::<u64>();
            if !row.is_multiple_of(RADIX) && !any {
                for i in 0..n {
                    any |= flags.add(i).read() & CLEAN[0] == 0;
                }
            }
            if any {
                for i in 0..n {
                    let x = a.add(i).read_unaligned();
                    let y = Self::step(powers, Self::lane(state, i), row, x);
                    out.add(i).write_unaligned(y);
                }
            } else {
                let mut at = 0;
                while n - at >= GROUP {
                    Self::clean::<GROUP>(state, powers, out, a, at);
                    at += GROUP;
                    scalar_loop();
                }
                for at in at..n {
                    Self::clean::<1>(state, powers, out, a, at);
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

impl<M: Fused> Decay<M> {
    #[inline(always)]
    fn lane(state: &ScanState, number: usize) -> Lane {
        let numbers = state.memory.wrapping_add(size_of::<Powers>()).cast::<f64>();
        Lane { first: numbers.wrapping_add(number), stride: state.lanes.max(1) }
    }

    /// The next element of `N` sequences from lane `at` on, all in clean runs.
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
            let [origin, run, carry] =
                [Kept::Origin, Kept::Run, Kept::Carry].map(|kept| all(kept).read_unaligned());
            let mut runs = [0.0; N];
            let mut y = [0.0; N];
            for i in 0..N {
                runs[i] = M::fma(powers.k, run[i], powers.alpha * (x[i] - origin[i]));
                y[i] = origin[i] + M::fma(decay, carry[i], runs[i]);
            }
            all(Kept::Run).write_unaligned(runs);
            all(Kept::Last).write_unaligned(y);
            out.add(at).cast::<[f64; N]>().write_unaligned(y);
        }
    }

    /// Whole runs of one sequence in one leaf; `false` if an element is missing, and nothing was done.
    ///
    /// # Safety
    /// The state is of one sequence, at the beginning of a run, and the row before is not missing;
    /// `a` has the elements of `R` runs, and `out` room for their results.
    #[inline(always)]
    unsafe fn runs<const R: usize>(
        state: &ScanState,
        powers: &Powers,
        lane: Lane,
        out: *mut f64,
        a: *const f64,
    ) -> bool {
        // SAFETY: the caller's promise.
        let x = unsafe { a.cast::<[[f64; RUN]; R]>().read_unaligned() };
        if x.as_flattened().iter().fold(false, |any, x| any | x.is_nan()) {
            return false;
        }
        // SAFETY: the caller's promise.
        let origin = unsafe {
            if lane.flags() & ORIGIN == 0 {
                Self::set_origin(powers, lane, state.rows, x[0][0]);
            }
            lane.get(Kept::Origin)
        };
        let mut folds = [0.0; R];
        let mut prefixes = [[0.0; RUN]; R];
        for i in 0..RUN {
            for ((fold, prefix), x) in folds.iter_mut().zip(&mut prefixes).zip(&x) {
                *fold = M::fma(powers.k, *fold, powers.alpha * (x[i] - origin));
                prefix[i] = *fold;
            }
        }
        for (number, (prefix, fold)) in prefixes.iter().zip(folds).enumerate() {
            let mut y = [0.0; RUN];
            // SAFETY: the caller's promise.
            unsafe {
                let carry = lane.get(Kept::Carry);
                for (i, (y, run)) in y.iter_mut().zip(prefix).enumerate() {
                    *y = origin + M::fma(powers.row[i + 1], carry, *run);
                }
                out.add(number * RUN).cast::<[f64; RUN]>().write_unaligned(y);
                lane.set(Kept::Run, fold);
                lane.set(Kept::Last, y[RUN - 1]);
                let rows = state.rows + ((number + 1) * RUN) as u64;
                Self::end_of_run(powers, state.levels, lane, rows);
            }
        }
        true
    }

    /// One element of one sequence, which may be missing.
    ///
    /// # Safety
    /// The lane is one of a state of this recurrence.
    unsafe fn step(powers: &Powers, lane: Lane, row: u64, x: f64) -> f64 {
        // SAFETY: the caller's promise.
        unsafe {
            let (flags, place) = (lane.flags(), row % RADIX);
            let clean = flags & CLEAN[0] != 0;
            let gap = lane.get(Kept::Gap).to_bits();
            if x.is_nan() {
                if clean {
                    // A clean run keeps no product.
                    let decay = (0..place).fold(1.0, |decay, _| product(decay, powers.k));
                    lane.set(Kept::RunDecay, decay);
                }
                lane.set(Kept::Gap, f64::from_bits(gap.wrapping_add(1)));
                lane.set_flags(flags & !ALL_CLEAN);
                return lane.get(Kept::Last);
            }
            let counts = flags & STARTED != 0 && gap > 0 && !powers.ignore_missing;
            let (k, alpha) = if counts { powers.after(gap) } else { (powers.k, powers.alpha) };
            lane.set(Kept::Gap, 0.0);
            if flags & ORIGIN == 0 {
                Self::set_origin(powers, lane, row, x);
            }
            let origin = lane.get(Kept::Origin);
            let run = M::fma(k, lane.get(Kept::Run), alpha * (x - origin));
            lane.set(Kept::Run, run);
            let decay = if clean {
                powers.row[place as usize + 1]
            } else {
                let decay = product(lane.get(Kept::RunDecay), k);
                lane.set(Kept::RunDecay, decay);
                decay
            };
            let y = origin + M::fma(decay, lane.get(Kept::Carry), run);
            lane.set(Kept::Last, y);
            y
        }
    }

    /// Begins a leaf, and the group and run of a row, with its first element.
    ///
    /// # Safety
    /// As [`step`](Decay::step).
    #[cold]
    unsafe fn set_origin(powers: &Powers, lane: Lane, row: u64, x: f64) {
        // SAFETY: the caller's promise.
        unsafe {
            let flags = lane.flags();
            let origin = or_zero(x);
            if flags & STARTED == 0 {
                lane.set(Kept::First, origin);
            }
            lane.set_flags(flags | STARTED | ORIGIN);
            lane.set(Kept::Origin, origin);
            let carry = lane.get(Kept::Entry) - (origin - lane.get(Kept::First));
            lane.set(Kept::LeafCarry, carry);
            Self::enter_group(powers, lane, row);
            Self::enter_run(powers, lane, row);
        }
    }

    /// The carry of the group of a row.
    ///
    /// # Safety
    /// As [`step`](Decay::step).
    #[inline(always)]
    unsafe fn enter_group(powers: &Powers, lane: Lane, row: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            let group = (row % LEAF / (RADIX * RADIX)) as usize;
            let clean = lane.flags() & CLEAN[2] != 0;
            let decay = if clean { powers.group[group] } else { lane.get(Kept::LeafDecay) };
            let carry = M::fma(decay, lane.get(Kept::LeafCarry), lane.get(Kept::Groups));
            lane.set(Kept::GroupCarry, carry);
        }
    }

    /// The carry of the run of a row.
    ///
    /// # Safety
    /// As [`step`](Decay::step).
    #[inline(always)]
    unsafe fn enter_run(powers: &Powers, lane: Lane, row: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            let run = (row % (RADIX * RADIX) / RADIX) as usize;
            let clean = lane.flags() & CLEAN[1] != 0;
            let decay = if clean { powers.run[run] } else { lane.get(Kept::GroupDecay) };
            let carry = M::fma(decay, lane.get(Kept::GroupCarry), lane.get(Kept::Runs));
            lane.set(Kept::Carry, carry);
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
            let runs = M::fma(decay, lane.get(Kept::Runs), lane.get(Kept::Run));
            lane.set(Kept::Runs, runs);
            lane.set(Kept::GroupDecay, product(lane.get(Kept::GroupDecay), decay));
            lane.set(Kept::Run, 0.0);
            lane.set(Kept::RunDecay, 1.0);
            let fresh = !lane.was_missing();
            let mut renew = |clean: u64| match fresh {
                true => flags |= clean,
                false => flags &= !clean,
            };
            renew(CLEAN[0]);
            if rows.is_multiple_of(RADIX * RADIX) {
                let decay = match lane.flags() & CLEAN[1] {
                    0 => lane.get(Kept::GroupDecay),
                    _ => powers.group[1],
                };
                let groups = M::fma(decay, lane.get(Kept::Groups), runs);
                lane.set(Kept::Groups, groups);
                lane.set(Kept::LeafDecay, product(lane.get(Kept::LeafDecay), decay));
                lane.set(Kept::Runs, 0.0);
                lane.set(Kept::GroupDecay, 1.0);
                renew(CLEAN[1]);
            }
            if rows.is_multiple_of(LEAF) {
                Self::end_of_leaf(powers, levels, lane, rows / LEAF);
                flags = lane.flags() & !CLEAN[0] & !CLEAN[1] | flags & (CLEAN[0] | CLEAN[1]);
            }
            lane.set_flags(flags);
            if !rows.is_multiple_of(LEAF) {
                if rows.is_multiple_of(RADIX * RADIX) {
                    Self::enter_group(powers, lane, rows);
                }
                Self::enter_run(powers, lane, rows);
            }
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
            let fresh = !lane.was_missing();
            let clean = flags & CLEAN[2] != 0;
            let mut decay = if clean { powers.level[0] } else { lane.get(Kept::LeafDecay) };
            let mut part =
                (flags & ORIGIN != 0).then(|| (lane.get(Kept::Origin), lane.get(Kept::Groups)));
            let first = lane.get(Kept::First);
            if let Some(part) = part {
                lane.set(Kept::Entry, join::<M>((first, lane.get(Kept::Entry)), part, decay));
            }
            let mut blocks = leaves;
            for level in 0..levels {
                let [clean, some] = level_flags(level);
                let [entry, origin, distance, decays] =
                    [0, 1, 2, 3].map(|i| lane.place(KEPT + OF_LEVEL * level + i));
                if let Some(child) = part {
                    let joined = match flags & some {
                        0 => child,
                        _ => {
                            let own = (origin.read(), distance.read());
                            (own.0, join::<M>(own, child, decay))
                        }
                    };
                    origin.write(joined.0);
                    distance.write(joined.1);
                    flags |= some;
                }
                decays.write(product(decays.read(), decay));
                if !blocks.is_multiple_of(RADIX) {
                    break;
                }
                blocks /= RADIX;
                decay = if flags & clean != 0 { powers.level[level + 1] } else { decays.read() };
                part = (flags & some != 0).then(|| (origin.read(), distance.read()));
                if let Some(part) = part {
                    entry.write(join::<M>((first, entry.read()), part, decay));
                }
                for lower in 0..level {
                    lane.place(KEPT + OF_LEVEL * lower).write(entry.read());
                }
                lane.set(Kept::Entry, entry.read());
                decays.write(1.0);
                flags &= !some;
                flags = if fresh { flags | clean } else { flags & !clean };
            }
            lane.set(Kept::Groups, 0.0);
            lane.set(Kept::LeafDecay, 1.0);
            flags &= !ORIGIN;
            flags = if fresh { flags | CLEAN[2] } else { flags & !CLEAN[2] };
            lane.set_flags(flags);
        }
    }
}
