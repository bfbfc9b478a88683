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

use std::marker::PhantomData;

use super::ring::{BLOCK, Ring};
use super::{Attributes, Recurrence, ScanState};
use crate::elementwise::scalar_loop;

/// The maximum number of rings: 4 to the power of it is beyond every window.
const LEVELS: usize = 16;
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

/// What is kept of rows that follow each other, in `P` numbers.
pub(super) trait Part<const P: usize> {
    type Number: Copy;
    /// Whether joining depends on the numbers of elements.
    const WEIGHED: bool = false;

    /// A row of an element.
    fn one(x: f64) -> [Self::Number; P];
    /// A row without an element.
    fn none() -> [Self::Number; P];
    fn join(
        older: [Self::Number; P],
        newer: [Self::Number; P],
        weights: Weights,
    ) -> [Self::Number; P];
}

/// The parts of a mean by the numbers of elements of two parts.
#[derive(Clone, Copy)]
pub(super) struct Weights {
    /// The newer part's share.
    share: f64,
    /// The product of the numbers over their sum.
    product: f64,
}

impl Weights {
    #[inline(always)]
    pub(super) fn new(older: f64, newer: f64) -> Weights {
        let both = older + newer;
        Weights { share: newer / both, product: older * newer / both }
    }
}

/// A function of the elements in a window.
pub(super) trait Function<const P: usize> {
    type Part: Part<P>;
    /// The result of no elements, where none are enough.
    const OF_NONE: f64 = f64::NAN;
    /// Whether rows, not elements, are compared with the least number.
    const BY_ROWS: bool = false;

    fn result(part: [<Self::Part as Part<P>>::Number; P], count: f64, ddof: f64) -> f64;
}

pub(super) struct Added;
impl Part<1> for Added {
    type Number = f64;
    #[inline(always)]
    fn one(x: f64) -> [f64; 1] {
        [x]
    }
    #[inline(always)]
    fn none() -> [f64; 1] {
        [-0.0]
    }
    #[inline(always)]
    fn join([a]: [f64; 1], [b]: [f64; 1], _: Weights) -> [f64; 1] {
        [a + b]
    }
}

pub(super) struct Multiplied;
impl Part<1> for Multiplied {
    type Number = f64;
    #[inline(always)]
    fn one(x: f64) -> [f64; 1] {
        [x]
    }
    #[inline(always)]
    fn none() -> [f64; 1] {
        [1.0]
    }
    #[inline(always)]
    fn join([a]: [f64; 1], [b]: [f64; 1], _: Weights) -> [f64; 1] {
        [a * b]
    }
}

/// A number of the same order as a float, -0.0 below +0.0; and back.
#[inline(always)]
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// The greatest; with `LEAST` the least.
pub(super) struct Extreme<const LEAST: bool>;
impl<const LEAST: bool> Part<1> for Extreme<LEAST> {
    type Number = i64;
    #[inline(always)]
    fn one(x: f64) -> [i64; 1] {
        [ordered(x.to_bits() as i64)]
    }
    #[inline(always)]
    fn none() -> [i64; 1] {
        [if LEAST { i64::MAX } else { i64::MIN }]
    }
    #[inline(always)]
    fn join([a]: [i64; 1], [b]: [i64; 1], _: Weights) -> [i64; 1] {
        [if LEAST { a.min(b) } else { a.max(b) }]
    }
}

/// Nothing but the number of elements, which is known of every window.
pub(super) struct Nothing;
impl Part<0> for Nothing {
    type Number = f64;
    #[inline(always)]
    fn one(_: f64) -> [f64; 0] {
        []
    }
    #[inline(always)]
    fn none() -> [f64; 0] {
        []
    }
    #[inline(always)]
    fn join(_: [f64; 0], _: [f64; 0], _: Weights) -> [f64; 0] {
        []
    }
}

/// The mean, and the sum of squared distances from it.
pub(super) struct Deviations;
impl Part<2> for Deviations {
    type Number = f64;
    const WEIGHED: bool = true;
    #[inline(always)]
    fn one(x: f64) -> [f64; 2] {
        [x, x - x]
    }
    #[inline(always)]
    fn none() -> [f64; 2] {
        [0.0, 0.0]
    }
    #[inline(always)]
    fn join([ma, sa]: [f64; 2], [mb, sb]: [f64; 2], weights: Weights) -> [f64; 2] {
        let d = mb - ma;
        [d.mul_add(weights.share, ma), (d * d).mul_add(weights.product, sa + sb)]
    }
}

macro_rules! functions {
    ($($name:ident $(<$root:ident>)? ($part:ty, $p:literal)
        $(, of none $none:literal)? $(, by $rows:ident)?:
        |$value:pat_param, $count:pat_param, $ddof:pat_param| $result:expr;)*) => {$(
        pub(super) struct $name $(<const $root: bool>)?;
        impl $(<const $root: bool>)? Function<$p> for $name $(<$root>)? {
            type Part = $part;
            $(const OF_NONE: f64 = $none;)?
            $(const BY_ROWS: bool = stringify!($rows).len() > 0;)?
            #[inline(always)]
            fn result($value: [<$part as Part<$p>>::Number; $p], $count: f64, $ddof: f64) -> f64 {
                $result
            }
        }
    )*};
}

functions! {
    Sum(Added, 1), of none 0.0: |[sum], _, _| sum;
    Mean(Added, 1): |[sum], count, _| sum / count;
    Prod(Multiplied, 1), of none 1.0: |[product], _, _| product;
    Count(Nothing, 0), of none 0.0, by rows: |[], count, _| count;
    Min(Extreme<true>, 1): |[least], _, _| f64::from_bits(ordered(least) as u64);
    Max(Extreme<false>, 1): |[most], _, _| f64::from_bits(ordered(most) as u64);
    Moments<ROOT>(Deviations, 2): |[_, squares], count, ddof| {
        let freedom = count - ddof;
        let var = if freedom > 0.0 { squares / freedom } else { f64::NAN };
        if ROOT { var.sqrt() } else { var }
    };
}

/// The constants of a window.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) rows: u32,
    least: u32,
    ddof: u32,
}

impl Frame {
    pub(super) fn of(attributes: &Attributes) -> Frame {
        match *attributes {
            Attributes::Frame { rows, least, ddof } => Frame { rows: rows.max(1), least, ddof },
            _ => Frame { rows: 1, least: 1, ddof: 0 },
        }
    }

    /// The result of a window of a number of rows, of which `count` have an element.
    #[inline(always)]
    pub(super) fn result<F: Function<P>, const P: usize>(
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

/// The recurrence of a window. Its memory begins with [`Rings`], which they follow.
pub(super) struct Ladder<F, const P: usize>(PhantomData<F>);

/// What a window remembers.
#[derive(Clone, Copy)]
struct Rings {
    /// The number of missing elements up to each row, as `i32` that wrap.
    missing: Ring,
    /// The parts of 4 to the power of the index, `P` rings one after another.
    parts: [[Ring; 2]; LEVELS],
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
}

impl<F: Function<P>, const P: usize> Ladder<F, P> {
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
        let mut parts = [[Ring::default(); 2]; LEVELS];
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

impl<F: Function<P>, const P: usize> Recurrence for Ladder<F, P> {
    type Element = f64;

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
    unsafe fn along(state: &mut ScanState, out: *mut f64, a: *const f64, n: usize) {
        let window = u64::from(Frame::of(&state.attributes).rows);
        let mut at = 0;
        while at < n {
            let first = state.rows;
            let rows = (BLOCK - first as usize % BLOCK).min(n - at);
            // SAFETY: so many elements are left.
            unsafe {
                Self::take(state, a.add(at), first, rows);
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
    unsafe fn across(state: &mut ScanState, out: *mut f64, a: *const f64, n: usize) {
        let window = u64::from(Frame::of(&state.attributes).rows);
        let row = state.rows;
        // SAFETY: the caller's promise.
        unsafe {
            Self::take(state, a, row, n);
            Self::results(state, out, row, window.min(row + 1), n);
        }
        state.rows += 1;
    }
}

impl<F: Function<P>, const P: usize> Ladder<F, P> {
    /// Takes elements of rows from `row` on, or of one row: counts those that are missing, and
    /// computes the parts that end with them.
    ///
    /// # Safety
    /// `a` has `n` elements, of rows that do not cross a multiple of [`BLOCK`].
    #[inline(always)]
    unsafe fn take(state: &mut ScanState, a: *const f64, row: u64, n: usize) {
        let memory = state.memory;
        // SAFETY: the memory begins with the rings, which have room for these rows.
        unsafe {
            let rings = &mut *memory.cast::<Rings>();
            let missing = rings.missing;
            let mut any = false;
            let first: [*mut Number<F, P>; P] =
                std::array::from_fn(|p| rings.parts[0][p].at(memory, row));
            for_groups!(n, at, N => any |= Self::first_parts::<N>(first, a, at));
            let up_to = missing.at::<i32>(memory, row);
            if state.lanes > 0 {
                let before = missing.at::<i32>(memory, row.wrapping_sub(1)).cast_const();
                for_groups!(n, at, N => Self::count::<N>(up_to, before, a, at));
            } else {
                let mut count = missing.at::<i32>(memory, row.wrapping_sub(1)).read();
                for i in 0..n {
                    if any {
                        count = count.wrapping_add(i32::from(a.add(i).read_unaligned().is_nan()));
                    }
                    up_to.add(i).write(count);
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
                    Self::four::<N, true>(to, from, missing, rows, at);
                }),
                false => for_groups!(n, at, N => {
                    Self::four::<N, false>(to, from, missing, rows, at);
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
        let no_piece = Piece {
            newer: [std::ptr::null(); P],
            older: None,
            rows: 0.0,
            missing: [std::ptr::null(); 3],
        };
        let mut pieces = [no_piece; 2 * LEVELS];
        let mut count = 0;
        let mut at = 0;
        for bit in 0..2 * LEVELS as u64 {
            if P == 0 || window >> bit & 1 == 0 {
                continue;
            }
            let level = (bit / 2) as usize;
            let rows = 1u64 << (2 * level);
            let part = |before: u64| {
                let ring = &rings.parts[level];
                std::array::from_fn(|p| {
                    ring[p].at::<Number<F, P>>(memory, row.wrapping_sub(before)).cast_const()
                })
            };
            let twice = bit % 2 == 1;
            pieces[count] = Piece {
                newer: part(at),
                older: twice.then(|| part(at + rows)),
                rows: rows as f64,
                missing: [missing(at), missing(at + rows), missing(at + 2 * rows)],
            };
            count += 1;
            at += 1 << bit;
        }
        let (pieces, whole) = (&pieces[..count], [missing(0), missing(window)]);
        // SAFETY: the caller's promise.
        unsafe {
            match row < rings.clean {
                true => for_groups!(n, at, N => {
                    Self::fold::<N, true>(out, pieces, whole, window as u32, &frame, at);
                }),
                false => for_groups!(n, at, N => {
                    Self::fold::<N, false>(out, pieces, whole, window as u32, &frame, at);
                }),
            }
        }
    }

    /// The parts of single rows; whether an element is missing.
    ///
    /// # Safety
    /// There are `N` elements from `at` on, and room for their parts.
    #[inline(always)]
    unsafe fn first_parts<const N: usize>(
        to: [*mut Number<F, P>; P],
        a: *const f64,
        at: usize,
    ) -> bool {
        let mut parts = [F::Part::none(); N];
        let mut any = false;
        for (i, part) in parts.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            let x = unsafe { a.add(at + i).read_unaligned() };
            *part = if x.is_nan() { F::Part::none() } else { F::Part::one(x) };
            any |= x.is_nan();
        }
        // SAFETY: the caller's promise.
        unsafe { store(to, parts, at) };
        any
    }

    /// Adds missing elements of `N` sequences to their numbers.
    ///
    /// # Safety
    /// As [`first_parts`](Ladder::first_parts).
    #[inline(always)]
    unsafe fn count<const N: usize>(to: *mut i32, from: *const i32, a: *const f64, at: usize) {
        let mut counts = [0; N];
        for (i, count) in counts.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            let (x, before) =
                unsafe { (a.add(at + i).read_unaligned(), from.add(at + i).read_unaligned()) };
            *count = before.wrapping_add(i32::from(x.is_nan()));
        }
        // SAFETY: the caller's promise.
        unsafe { to.add(at).cast::<[i32; N]>().write_unaligned(counts) };
    }

    /// Joins four parts of `rows` each, from the newest on. With `COUNTED` some of their elements
    /// are missing.
    ///
    /// # Safety
    /// As [`first_parts`](Ladder::first_parts).
    #[inline(always)]
    unsafe fn four<const N: usize, const COUNTED: bool>(
        to: [*mut Number<F, P>; P],
        from: [[*const Number<F, P>; P]; 4],
        missing: [*const i32; 5],
        rows: f64,
        at: usize,
    ) {
        let (two, four) = (Weights::new(rows, rows), Weights::new(2.0 * rows, 2.0 * rows));
        let mut parts = [F::Part::none(); N];
        // SAFETY: the caller's promise.
        unsafe {
            let [d, c, b, a] = from.map(|from| load::<Number<F, P>, P, N>(from, at));
            let counts = missing.map(|from| match COUNTED {
                true => from.add(at).cast::<[i32; N]>().read_unaligned(),
                false => [0; N],
            });
            for (i, part) in parts.iter_mut().enumerate() {
                let [d, c, b, a] = [d[i], c[i], b[i], a[i]];
                *part = if COUNTED {
                    let elements = |part: usize| {
                        rows - f64::from(counts[part][i].wrapping_sub(counts[part + 1][i]))
                    };
                    let (newer, nn) = join::<F::Part, P>((c, elements(1)), (d, elements(0)));
                    let (older, no) = join::<F::Part, P>((a, elements(3)), (b, elements(2)));
                    join::<F::Part, P>((older, no), (newer, nn)).0
                } else {
                    let newer = F::Part::join(c, d, two);
                    let older = F::Part::join(a, b, two);
                    F::Part::join(older, newer, four)
                };
            }
            store(to, parts, at);
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
        whole: [*const i32; 2],
        window: u32,
        frame: &Frame,
        at: usize,
    ) {
        let counted = MISSING && F::Part::WEIGHED;
        let mut folds = [(F::Part::none(), 0.0); N];
        // SAFETY: the caller's promise.
        unsafe {
            let mut seen = 0.0;
            for (number, piece) in pieces.iter().enumerate() {
                let newer = load::<Number<F, P>, P, N>(piece.newer, at);
                let counts = piece.missing.map(|from| match counted {
                    true => from.add(at).cast::<[i32; N]>().read_unaligned(),
                    false => [0; N],
                });
                let elements = |i: usize, part: usize| {
                    piece.rows - f64::from(counts[part][i].wrapping_sub(counts[part + 1][i]))
                };
                let mut taken = [(F::Part::none(), 0.0); N];
                for (i, taken) in taken.iter_mut().enumerate() {
                    *taken = (newer[i], if counted { elements(i, 0) } else { piece.rows });
                }
                let mut rows = piece.rows;
                if let Some(older) = piece.older {
                    let older = load::<Number<F, P>, P, N>(older, at);
                    let weights = Weights::new(rows, rows);
                    for (i, taken) in taken.iter_mut().enumerate() {
                        *taken = match counted {
                            true => join::<F::Part, P>((older[i], elements(i, 1)), *taken),
                            false => (F::Part::join(older[i], taken.0, weights), 0.0),
                        };
                    }
                    rows *= 2.0;
                }
                let weights = Weights::new(rows, seen);
                for (fold, taken) in folds.iter_mut().zip(taken) {
                    *fold = match (number, counted) {
                        (0, _) => taken,
                        (_, true) => join::<F::Part, P>(taken, *fold),
                        (_, false) => (F::Part::join(taken.0, fold.0, weights), 0.0),
                    };
                }
                seen += rows;
            }
            let missing = whole.map(|from| match MISSING {
                true => from.add(at).cast::<[i32; N]>().read_unaligned(),
                false => [0; N],
            });
            let mut results = [0.0; N];
            for (i, result) in results.iter_mut().enumerate() {
                let missing = f64::from(missing[0][i].wrapping_sub(missing[1][i]));
                let count = f64::from(window) - missing;
                *result = frame.result::<F, P>(folds[i].0, window, count);
            }
            out.add(at).cast::<[f64; N]>().write_unaligned(results);
        }
    }
}

/// Joins two parts, given their numbers of elements; one without elements is left out.
#[inline(always)]
pub(super) fn join<T: Part<P>, const P: usize>(
    (older, no): ([T::Number; P], f64),
    (newer, nn): ([T::Number; P], f64),
) -> ([T::Number; P], f64) {
    let joined = T::join(older, newer, Weights::new(no, nn));
    let part = std::array::from_fn(|p| {
        let some = if no == 0.0 { newer[p] } else { joined[p] };
        if nn == 0.0 { older[p] } else { some }
    });
    (part, no + nn)
}

/// Loads `N` parts.
///
/// # Safety
/// They are there from `at` on.
#[inline(always)]
unsafe fn load<T: Copy, const P: usize, const N: usize>(
    from: [*const T; P],
    at: usize,
) -> [[T; P]; N] {
    // SAFETY: the caller's promise.
    let numbers =
        from.map(|from| unsafe { from.wrapping_add(at).cast::<[T; N]>().read_unaligned() });
    std::array::from_fn(|i| std::array::from_fn(|p| numbers[p][i]))
}

/// Stores `N` parts.
///
/// # Safety
/// There is room for them from `at` on.
#[inline(always)]
unsafe fn store<T: Copy, const P: usize, const N: usize>(
    to: [*mut T; P],
    parts: [[T; P]; N],
    at: usize,
) {
    for (p, to) in to.into_iter().enumerate() {
        let numbers: [T; N] = std::array::from_fn(|i| parts[i][p]);
        // SAFETY: the caller's promise.
        unsafe { to.wrapping_add(at).cast::<[T; N]>().write_unaligned(numbers) };
    }
}
