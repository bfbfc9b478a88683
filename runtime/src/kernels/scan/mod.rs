//! Scans: one result for each element of a sequence, from the elements up to it.
//!
//! There are running sums, products and extremes (`running`), elements of earlier rows (`shift`,
//! `fill`), functions of the latest rows (`window`), and exponentially weighted means (`decay`).
//! Functions of all elements (`whole`) are scans that take a sequence in one call.
//!
//! A scan is a block kernel whose second operand is its [`ScanState`] (of pairs, the third has the
//! other elements): it takes the next elements of
//! one sequence, or the next element of many sequences that lie side by side, and leaves the state
//! as it is after them. So a sequence may come in pieces of any length.

mod decay;
mod fill;
mod order;
mod reference;
mod ring;
mod running;
mod shift;
mod whole;
mod window;

use std::fmt;
use std::marker::PhantomData;

use crate::block::BlockFn;
use crate::dtype::DType;
use crate::elementwise::{Kernel, baseline, family, fused_shell, has_fma};
use crate::isa::Isa;
use crate::scalar::{Bit, Float};

use decay::{Decay, Odds};
use fill::Fill;
use order::{Median, Quantile, Rank, Sorted};
use running::{Max, Min, Prod, Running, Sum};
use shift::Shift;
use whole::{OfAll, Places};
use window::{Ladder, Moments};

pub use reference::reference;

/// How a result depends on the elements up to it.
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
    /// The element of an earlier row.
    Shift,
    /// The latest element that is not NaN.
    Fill,
    /// The latest element whose row is marked by a number that is not 0; of pairs.
    Hold,
    /// The exponentially weighted mean; a NaN is missing, and repeats the mean before.
    Decay,
    /// The weight of an element in an exponentially weighted mean over that which the mean before
    /// keeps.
    Odds,
    /// The mean of elements with given weights of the mean before; of pairs. A NaN is missing, and
    /// repeats the mean before.
    Blend,
    /// A function of the latest rows.
    Window(Window),
    /// A function of all elements.
    Whole(Whole),
}

/// A function of all elements of a sequence, which a kernel takes in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whole {
    /// Twice the place of each among the sorted elements, from 1 on; equal ones share the mean of
    /// their places. A NaN has none.
    Places,
    /// The middle of the sorted elements, or the mean of the middle two; NaN if one is.
    Median,
    /// A quantile of the sorted elements, between two neighbours in proportion; NaN if one is.
    Quantile,
}

/// A function of the elements in a window.
///
/// A NaN is missing: it counts as an element only of the window's rows. If a window has fewer
/// elements than its least number, the result is NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The sum; 0 of none.
    Sum,
    /// The mean.
    Mean,
    /// The product; 1 of none.
    Prod,
    /// The number of elements. Its least number is one of rows.
    Count,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The sum of squared distances from the mean, divided by the number of elements minus `ddof`.
    Var,
    /// The square root of that.
    Std,
    /// The sum of products of distances from the means, divided as a variance is; of pairs.
    Cov,
    /// That over the square root of the product of both sums of squared distances; of pairs.
    Corr,
    /// The mean with the weights 1, 2 and so on, from the oldest row to the newest.
    Linear,
    /// The number of rows from the oldest to the first of the least elements.
    Argmin,
    /// The number of rows from the oldest to the first of the greatest elements.
    Argmax,
    /// The skewness without bias.
    Skew,
    /// The excess kurtosis without bias.
    Kurt,
    /// The slope of the line of least squares through elements and their rows.
    Slope,
    /// The value of that line at the newest row.
    Fitted,
    /// The square of the correlation of elements and their rows.
    Rsquared,
    /// The place of the row's element among the sorted ones, from 1 on; the mean of those of equals.
    Rank,
    /// That over the number of elements.
    RankShare,
    /// The middle of the sorted elements, or the mean of the middle two.
    Median,
    /// A quantile of the sorted elements, between two neighbours in proportion.
    Quantile,
}

/// The constants of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Attributes {
    /// It has none.
    #[default]
    None,
    /// Of a shift.
    Lag {
        /// The number of rows between an element and its result.
        rows: u32,
        /// The bits of the results that have no element: the low half, then the high one.
        fill: [u32; 2],
    },
    /// Of a window.
    Frame {
        /// The length of a window in rows, the result's own among them; at least 1.
        rows: u32,
        /// The least number of elements, up to `rows`.
        least: u32,
        /// What variances subtract from the number of elements.
        ddof: u32,
    },
    /// Of quantiles of a window.
    Quantile {
        /// As of a window.
        rows: u32,
        /// As of a window.
        least: u32,
        /// The bits of the share of elements below it, from 0 to 1: the low half, then the high one.
        quantile: [u32; 2],
    },
    /// Of quantiles of all elements.
    Share {
        /// As of a window.
        quantile: [u32; 2],
    },
    /// Of an exponentially weighted mean.
    Decay {
        /// The bits of the weight of a new element, above 0 and at most 1: the low half, then the
        /// high one.
        alpha: [u32; 2],
        /// Whether missing rows leave the weights as they are.
        ignore_missing: bool,
        /// Whether elements are weighted as if there were none before the first.
        adjust: bool,
    },
}

/// The number of two halves of bits.
const fn number(halves: [u32; 2]) -> f64 {
    f64::from_bits((halves[1] as u64) << 32 | halves[0] as u64)
}

/// As arguments that follow the first: `, 20, min_periods=5`.
impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attributes::None => Ok(()),
            Attributes::Lag { rows, .. } => write!(f, ", {rows}"),
            Attributes::Frame { rows, least, .. } if rows == least => write!(f, ", {rows}"),
            Attributes::Frame { rows, least, .. } => write!(f, ", {rows}, min_periods={least}"),
            Attributes::Quantile { rows, least, quantile } => {
                write!(f, ", {rows}, {}, min_periods={least}", number(*quantile))
            }
            Attributes::Share { quantile } => write!(f, ", {}", number(*quantile)),
            Attributes::Decay { alpha, ignore_missing, adjust } => {
                write!(f, ", alpha={}", number(*alpha))?;
                if *adjust {
                    write!(f, ", adjust=True")?;
                }
                if *ignore_missing { write!(f, ", ignore_na=True") } else { Ok(()) }
            }
        }
    }
}

impl Scan {
    /// Every scan, in order.
    pub const ALL: [Scan; 35] = [
        Scan::Sum,
        Scan::Prod,
        Scan::Min,
        Scan::Max,
        Scan::Shift,
        Scan::Fill,
        Scan::Hold,
        Scan::Decay,
        Scan::Odds,
        Scan::Blend,
        Scan::Window(Window::Sum),
        Scan::Window(Window::Mean),
        Scan::Window(Window::Prod),
        Scan::Window(Window::Count),
        Scan::Window(Window::Min),
        Scan::Window(Window::Max),
        Scan::Window(Window::Var),
        Scan::Window(Window::Std),
        Scan::Window(Window::Cov),
        Scan::Window(Window::Corr),
        Scan::Window(Window::Linear),
        Scan::Window(Window::Argmin),
        Scan::Window(Window::Argmax),
        Scan::Window(Window::Skew),
        Scan::Window(Window::Kurt),
        Scan::Window(Window::Slope),
        Scan::Window(Window::Fitted),
        Scan::Window(Window::Rsquared),
        Scan::Window(Window::Rank),
        Scan::Window(Window::RankShare),
        Scan::Window(Window::Median),
        Scan::Window(Window::Quantile),
        Scan::Whole(Whole::Places),
        Scan::Whole(Whole::Median),
        Scan::Whole(Whole::Quantile),
    ];

    /// Whether it takes pairs of elements.
    pub const fn takes_pairs(self) -> bool {
        matches!(self, Scan::Hold | Scan::Blend | Scan::Window(Window::Cov | Window::Corr))
    }

    /// Whether it is defined on elements of a dtype: sums and products on floats and on integers of
    /// 64 bits, extremes on all numbers, shifts on everything, fills on floats, windows and means on
    /// `f64`, places on integers of 64 bits, too.
    pub const fn takes(self, dtype: DType) -> bool {
        use DType::{Bool, F32, F64, I64, U64};
        match self {
            Scan::Sum | Scan::Prod => matches!(dtype, I64 | U64 | F32 | F64),
            Scan::Min | Scan::Max => !matches!(dtype, Bool),
            Scan::Shift => true,
            Scan::Fill | Scan::Hold => matches!(dtype, F32 | F64),
            Scan::Decay | Scan::Odds | Scan::Blend | Scan::Window(_) => matches!(dtype, F64),
            Scan::Whole(Whole::Places) => matches!(dtype, I64 | U64 | F64),
            Scan::Whole(_) => matches!(dtype, F64),
        }
    }

    /// Whether it is defined with these constants on elements of a dtype.
    pub const fn accepts(self, attributes: Attributes, dtype: DType) -> bool {
        let own = match (self, attributes) {
            (Scan::Shift, Attributes::Lag { .. }) => true,
            (Scan::Window(Window::Quantile), Attributes::Quantile { rows, least, quantile }) => {
                let quantile = number(quantile);
                rows > 0 && least <= rows && quantile >= 0.0 && quantile <= 1.0
            }
            (Scan::Window(Window::Quantile), _) => false,
            (Scan::Whole(Whole::Quantile), Attributes::Share { quantile }) => {
                let quantile = number(quantile);
                quantile >= 0.0 && quantile <= 1.0
            }
            (Scan::Whole(Whole::Quantile), _) => false,
            (Scan::Window(_), Attributes::Frame { rows, least, .. }) => rows > 0 && least <= rows,
            (Scan::Decay | Scan::Odds, Attributes::Decay { alpha, adjust, .. }) => {
                let alpha = number(alpha);
                alpha > 0.0 && alpha <= 1.0 && (!adjust || matches!(self, Scan::Odds))
            }
            (Scan::Shift | Scan::Decay | Scan::Odds | Scan::Window(_), _) => false,
            (_, attributes) => matches!(attributes, Attributes::None),
        };
        own && self.takes(dtype)
    }

    /// Whether results depend on later elements, too, so that a kernel takes a sequence in one call.
    pub const fn is_whole(self) -> bool {
        matches!(self, Scan::Whole(_))
    }

    /// The number of earlier rows that a result depends on; `None` if it depends on all.
    pub const fn reach(self, attributes: Attributes) -> Option<u32> {
        match (self, attributes) {
            (Scan::Shift, Attributes::Lag { rows, .. }) => Some(rows),
            (
                Scan::Window(_),
                Attributes::Frame { rows, .. } | Attributes::Quantile { rows, .. },
            ) => Some(rows.saturating_sub(1)),
            _ => None,
        }
    }

    /// The block kernel; its second operand is a [`ScanState`].
    pub fn kernel(self, dtype: DType, isa: Isa) -> Option<BlockFn> {
        match has_fma(isa) {
            true => recurrences!(self, dtype, Hard, R => fused_shell::<Steps<R>>(isa)),
            false => recurrences!(self, dtype, Soft, R => baseline::<Steps<R>> as BlockFn),
        }
    }
}

/// Runs `$then` with `$s` standing for the step of a running fold of a dtype, if the scan is one.
macro_rules! steps {
    ($scan:expr, $dtype:expr, $s:ident => $then:expr) => {
        match $scan {
            Scan::Sum => steps!(@wide Sum, $dtype, $s => $then),
            Scan::Prod => steps!(@wide Prod, $dtype, $s => $then),
            Scan::Min => steps!(@all Min, $dtype, $s => $then),
            Scan::Max => steps!(@all Max, $dtype, $s => $then),
            _ => None,
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

/// Runs `$then` with `$r` standing for the recurrence of a scan of a dtype, if it is defined on it.
macro_rules! recurrences {
    ($scan:expr, $dtype:expr, $fused:ident, $r:ident => $then:expr) => {
        match $scan {
            Scan::Shift => family!(all, $dtype, T => { type $r = Shift<T>; $then }),
            Scan::Fill => family!(floats, $dtype, T => { type $r = Fill<T, false>; $then }),
            Scan::Hold => family!(floats, $dtype, T => { type $r = Fill<T, true>; $then }),
            Scan::Whole(Whole::Places) => {
                family!(@match $dtype, T => { type $r = Places<T>; $then }, I64 i64, U64 u64, F64 f64)
            }
            Scan::Decay | Scan::Odds | Scan::Blend | Scan::Window(_) | Scan::Whole(_)
                if $dtype != DType::F64 =>
            {
                None
            }
            Scan::Whole(Whole::Median) => Some({ type $r = OfAll<Median>; $then }),
            Scan::Whole(Whole::Quantile) => Some({ type $r = OfAll<Quantile>; $then }),
            Scan::Decay => Some({ type $r = Decay<$fused, false>; $then }),
            Scan::Odds => Some({ type $r = Odds<$fused>; $then }),
            Scan::Blend => Some({ type $r = Decay<$fused, true>; $then }),
            Scan::Window(window) => Some(match window {
                Window::Sum => { type $r = Ladder<window::Sum, $fused, 1>; $then }
                Window::Mean => { type $r = Ladder<window::Mean, $fused, 1>; $then }
                Window::Prod => { type $r = Ladder<window::Prod, $fused, 1>; $then }
                Window::Count => { type $r = Ladder<window::Count, $fused, 0>; $then }
                Window::Min => { type $r = Ladder<window::Min, $fused, 1>; $then }
                Window::Max => { type $r = Ladder<window::Max, $fused, 1>; $then }
                Window::Var => { type $r = Ladder<Moments<false>, $fused, 2>; $then }
                Window::Std => { type $r = Ladder<Moments<true>, $fused, 2>; $then }
                Window::Cov => { type $r = Ladder<window::Cov, $fused, 5>; $then }
                Window::Corr => { type $r = Ladder<window::Corr, $fused, 7>; $then }
                Window::Linear => { type $r = Ladder<window::Linear, $fused, 4>; $then }
                Window::Argmin => { type $r = Ladder<window::Position<true>, $fused, 2>; $then }
                Window::Argmax => { type $r = Ladder<window::Position<false>, $fused, 2>; $then }
                Window::Skew => { type $r = Ladder<window::Skew, $fused, 4>; $then }
                Window::Kurt => { type $r = Ladder<window::Kurt, $fused, 5>; $then }
                Window::Slope => { type $r = Ladder<window::Slope, $fused, 7>; $then }
                Window::Fitted => { type $r = Ladder<window::Fitted, $fused, 7>; $then }
                Window::Rsquared => { type $r = Ladder<window::Rsquared, $fused, 7>; $then }
                Window::Rank => { type $r = Rank<false>; $then }
                Window::RankShare => { type $r = Rank<true>; $then }
                Window::Median => { type $r = Sorted<Median>; $then }
                Window::Quantile => { type $r = Sorted<Quantile>; $then }
            }),
            scan => steps!(scan, $dtype, S => { type $r = Running<S>; $then }),
        }
    };
}
use recurrences;

/// Fused multiply-add: `a * b + c`, rounded once.
trait Fused {
    /// Whether it is an instruction.
    const FAST: bool;

    fn fma(a: f64, b: f64, c: f64) -> f64;
}

/// By the instruction.
struct Hard;
impl Fused for Hard {
    const FAST: bool = true;

    #[inline(always)]
    fn fma(a: f64, b: f64, c: f64) -> f64 {
        a.fma_hard(b, c)
    }
}

/// In software, where there is no instruction.
struct Soft;
impl Fused for Soft {
    const FAST: bool = false;

    #[inline(always)]
    fn fma(a: f64, b: f64, c: f64) -> f64 {
        a.fma_soft(b, c)
    }
}

/// The greatest number of rows of a sequence, so that row numbers never overflow.
pub const MOST_ROWS: u64 = 1 << 62;

/// The state of one sequence, or of several that lie side by side.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ScanState {
    /// The number of elements that each sequence has had.
    rows: u64,
    /// The number of levels that are kept of the structure of a running sum or a window.
    levels: usize,
    /// The number of sequences side by side; 0 for one whose elements lie one after another.
    lanes: usize,
    attributes: Attributes,
    /// What the recurrence remembers.
    memory: *mut u8,
}

impl ScanState {
    /// Says how many elements each sequence has had, where its memory is that of such a state.
    pub fn resume(&mut self, rows: u64) {
        self.rows = rows.min(MOST_ROWS);
    }
}

/// A scan of one dtype: how much state it has, and how that begins.
#[derive(Clone, Copy, Debug)]
pub struct Scanner {
    attributes: Attributes,
    whole: bool,
    bytes: fn(&Attributes, usize, usize) -> usize,
    layout: usize,
    prepare: unsafe fn(*mut ScanState, usize),
    begin: unsafe fn(*mut ScanState),
}

impl Scanner {
    /// The scan of a dtype, `None` if it is not defined on it.
    pub fn new(scan: Scan, attributes: Attributes, dtype: DType) -> Option<Scanner> {
        let whole = scan.is_whole();
        recurrences!(scan, dtype, Soft, R => Scanner {
            attributes,
            whole,
            bytes: R::bytes,
            layout: R::LAYOUT,
            prepare: R::prepare,
            begin: R::begin,
        })
    }

    /// Whether a kernel [takes a sequence in one call](Scan::is_whole).
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Bytes of memory for a number of sequences side by side (0: for one) of a length, all of whose
    /// elements are taken.
    pub fn bytes(&self, length: usize, lanes: usize) -> usize {
        (self.bytes)(&self.attributes, length, lanes)
    }

    /// Bytes at the beginning of that memory which only depend on the scan and the number of
    /// sequences. Whatever the others are, the kernel accesses nothing but its memory.
    pub fn layout_bytes(&self) -> usize {
        self.layout
    }

    /// The state of sequences before their first element.
    ///
    /// # Safety
    /// `memory` has [`bytes`](Scanner::bytes), all of them initialised, and is aligned to 8 bytes.
    pub unsafe fn state(&self, length: usize, lanes: usize, memory: *mut u8) -> ScanState {
        let attributes = self.attributes;
        let mut state = ScanState { rows: 0, levels: 0, lanes, attributes, memory };
        // SAFETY: the caller's promise.
        unsafe { (self.prepare)(&mut state, length) };
        state
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

/// A scan of one dtype as code.
///
/// # Safety of its functions
/// A state is one that [`Scanner::state`] has made for this recurrence, which nothing else uses
/// meanwhile.
trait Recurrence {
    type Element: Copy;
    /// The bytes of memory that [`prepare`](Recurrence::prepare) writes and nothing changes. All
    /// bytes behind them may have any value: they decide results, but no address.
    const LAYOUT: usize = 0;

    /// As [`Scanner::bytes`].
    fn bytes(attributes: &Attributes, length: usize, lanes: usize) -> usize;

    /// Lays out the memory of a state for sequences of a length.
    unsafe fn prepare(state: *mut ScanState, length: usize);

    /// Begins the sequences.
    unsafe fn begin(state: *mut ScanState);

    /// The next `n` elements of one sequence.
    ///
    /// # Safety
    /// `a` has `n` elements, and `b` if it takes pairs; `out` has room for them, and may be `a` or
    /// `b`.
    unsafe fn along(
        state: &mut ScanState,
        out: *mut Self::Element,
        a: *const Self::Element,
        b: *const Self::Element,
        n: usize,
    );

    /// The next element of `n` sequences that lie side by side.
    ///
    /// # Safety
    /// As [`along`](Recurrence::along); the state has at least `n` lanes.
    unsafe fn across(
        state: &mut ScanState,
        out: *mut Self::Element,
        a: *const Self::Element,
        b: *const Self::Element,
        n: usize,
    );
}

/// The kernel of a recurrence.
struct Steps<R>(PhantomData<R>);

impl<R: Recurrence> Kernel for Steps<R> {
    #[inline(always)]
    unsafe fn run(out: *mut u8, a: *const u8, state: *const u8, b: *const u8, n: usize) -> u32 {
        let out = out.cast::<R::Element>();
        let (a, b) = (a.cast::<R::Element>(), b.cast::<R::Element>());
        // SAFETY: the caller gives a state of this recurrence, which nothing else uses meanwhile.
        unsafe {
            let state = &mut *state.cast_mut().cast::<ScanState>();
            match state.lanes {
                0 => R::along(state, out, a, b, n),
                _ => R::across(state, out, a, b, n),
            }
        }
        0
    }
}
