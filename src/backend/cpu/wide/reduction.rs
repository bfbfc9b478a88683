//! The update of accumulators by the elements of a row, as micro-operations.
//!
//! Sums of narrow integers are twice as wide as their elements, so the elements of two lanes are added
//! to one accumulator. The order of integer additions does not change the result.

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::reduce::{Reduction, Runs};

use super::encode::Width;
use super::micro::{Home, Value, What};
use super::rows::*;
use super::select::{Selector, bug, number};
use crate::backend::Refusal;
use crate::backend::cpu::tile::Accumulate;
use crate::ops::Op;

/// A vector of accumulators, one for each lane.
#[derive(Clone, Copy, Debug)]
pub struct Accumulator {
    /// Its value, in a register from row to row.
    pub value: Value,
    /// The number of the carry among those of the step.
    pub carry: usize,
    /// The index of its word in the carry's accumulators.
    pub word: usize,
    /// Its initial value: eight bytes, repeated.
    pub identity: u64,
    /// The part of a vector that it fills.
    pub part: Part,
}

/// The number of words of an accumulator.
pub fn words(reduction: Reduction) -> usize {
    if reduction == Reduction::SquaredDeviations { 3 } else { 1 }
}

/// Eight bytes that repeat a pattern.
pub(super) fn repeated(bits: u64, bytes: usize) -> u64 {
    match bytes {
        1 => u64::from(bits as u8) * 0x0101_0101_0101_0101,
        2 => u64::from(bits as u16) * 0x0001_0001_0001_0001,
        4 => u64::from(bits as u32) * 0x0000_0001_0000_0001,
        _ => bits,
    }
}

impl Selector<'_> {
    /// Updates the accumulators of a carry with a value.
    pub(super) fn accumulate(&mut self, accumulate: &Accumulate) -> Result<(), Refusal> {
        let Accumulate { reduction, lane, value, .. } = *accumulate;
        let run = Runs::lane(reduction, lane);
        let run = run.ok_or_else(|| bug(format_args!("{reduction} of {lane:?} in registers")))?;
        let identity = repeated(Runs::identity(reduction, run), run.bytes());
        let carry = self.selected.carries;
        self.selected.carries += 1;
        let mut kept = [0; 3];
        for (word, kept) in kept.iter_mut().enumerate().take(words(reduction)) {
            *kept = self.value(Home::Kept, false);
            let (value, part) = (*kept, self.part(lane.bytes()));
            self.selected.accumulators.push(Accumulator { value, carry, word, identity, part });
        }
        let x = self.of(value)?;
        let kept = &kept[..words(reduction)];
        let done = match (lane, kept) {
            (Lane::Mask(_), &[acc]) => self.take_truths(reduction, lane.bytes(), acc, x),
            (Lane::Value(dtype), &[acc]) => self.take_values(reduction, dtype, acc, x),
            (Lane::Value(dtype), &[first, mean, squares]) => {
                self.deviate(carry, dtype, [first, mean, squares], x);
                Some(())
            }
            _ => None,
        };
        done.ok_or_else(|| bug(format_args!("{reduction} of {lane:?} in registers")))
    }

    fn take_truths(
        &mut self,
        reduction: Reduction,
        bytes: usize,
        acc: Value,
        x: Value,
    ) -> Option<()> {
        let lane = number(bytes);
        let zmm = self.width == Width::Zmm;
        match reduction {
            Reduction::Sum if zmm => {
                let one = self.constant(repeated(1, bytes));
                let row = [&PADDB, &PADDW, &PADDD, &PADDQ][lane];
                self.push(What::Merge(row), Some(acc), &[acc, one, x, acc], 0);
            }
            // A true lane is -1.
            Reduction::Sum => {
                let row = [&PSUBB, &PSUBW, &PSUBD, &PSUBQ][lane];
                self.push(What::Two(row), Some(acc), &[acc, x], 0);
            }
            Reduction::Any | Reduction::All => {
                let x = if zmm { self.spread(x, bytes) } else { x };
                let op = if reduction == Reduction::Any { Op::BitOr } else { Op::BitAnd };
                self.logic(op, lane, acc, x);
                self.keep(acc);
            }
            _ => return None,
        }
        Some(())
    }

    fn take_values(
        &mut self,
        reduction: Reduction,
        dtype: DType,
        acc: Value,
        x: Value,
    ) -> Option<()> {
        use What::{Either, Shift, Two};
        let op = match reduction {
            Reduction::Sum => Op::Add,
            Reduction::Prod => Op::Mul,
            Reduction::Min => Op::Minimum,
            Reduction::Max => Op::Maximum,
            _ => return None,
        };
        let signed = dtype.is_signed_int();
        if reduction == Reduction::Sum && dtype.is_int() && dtype.size() < 8 {
            // Bytes and words are added in pairs, as products with ones.
            let ones = self.constant(repeated(1, dtype.size()));
            match (dtype.size(), signed) {
                (1, signed) => {
                    let pair = if signed { [ones, x] } else { [x, ones] };
                    let both = self.make(Two(&PMADDUBSW), &pair);
                    self.push(Either(&PADDW), Some(acc), &[acc, both], 0);
                }
                (2, true) => {
                    let both = self.make(Either(&PMADDWD), &[x, ones]);
                    self.push(Either(&PADDD), Some(acc), &[acc, both], 0);
                }
                (2, false) => {
                    let low = self.constant(repeated(0xFFFF, 4));
                    let even = self.logic(Op::BitAnd, 2, x, low);
                    self.push(Either(&PADDD), Some(acc), &[acc, even], 0);
                    let odd = self.make_with(Shift(&PSRLD), &[x], 16);
                    self.push(Either(&PADDD), Some(acc), &[acc, odd], 0);
                }
                _ => {
                    let row = if signed { &PMULDQ } else { &PMULUDQ };
                    let even = self.make(Either(row), &[x, ones]);
                    self.push(Either(&PADDQ), Some(acc), &[acc, even], 0);
                    let mut odd = self.make_with(Shift(&PSRLQ), &[x], 32);
                    if signed {
                        odd = self.make(Either(row), &[odd, ones]);
                    }
                    self.push(Either(&PADDQ), Some(acc), &[acc, odd], 0);
                }
            }
            return Some(());
        }
        match dtype.is_float() {
            true => self.floats(op, dtype, &[acc, x])?,
            false => self.integers(op, dtype, &[acc, x])?,
        };
        self.keep(acc);
        Some(())
    }

    /// Updates a mean and a sum of squares, of differences from the first element.
    fn deviate(&mut self, carry: usize, dtype: DType, words: [Value; 3], x: Value) {
        use What::{Either, Two};
        let [first, mean, squares] = words;
        let wide = usize::from(dtype.size() == 8);
        let (add, sub) = (Either([&ADDPS, &ADDPD][wide]), Two([&SUBPS, &SUBPD][wide]));
        let mul = Either([&MULPS, &MULPD][wide]);
        let (is_first, reciprocal) = match self.selected.walk {
            Some(walk) => (walk.is_first, walk.reciprocal),
            None => {
                let is_first = self.value(Home::First, self.width == Width::Zmm);
                let bytes = dtype.size() as u8;
                let reciprocal = self.value(Home::Walked(bytes), false);
                self.selected.walk = Some(Walk { is_first, reciprocal, carry, bytes });
                (is_first, reciprocal)
            }
        };
        self.choose(2 + wide, is_first, x, first);
        self.keep(first);
        let y = self.make(sub, &[x, first]);
        let d = self.make(sub, &[y, mean]);
        let part = self.make(mul, &[d, reciprocal]);
        self.push(add, Some(mean), &[mean, part], 0);
        let apart = self.make(sub, &[y, mean]);
        let square = self.make(mul, &[d, apart]);
        self.push(add, Some(squares), &[squares, square], 0);
    }

    /// Makes the last result the new value of an accumulator.
    fn keep(&mut self, acc: Value) {
        if let Some(micro) = self.selected.micros.last_mut() {
            micro.result = Some(acc);
        }
    }
}

/// The values of a row that sums of squared deviations need.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    /// All ones in the very first row.
    pub is_first: Value,
    /// The reciprocal of the number of rows so far, including this one.
    pub reciprocal: Value,
    /// The number of a carry that has such a table.
    pub carry: usize,
    /// The size of its elements in bytes.
    pub bytes: u8,
}
