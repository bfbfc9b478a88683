//! Instruction selection: from the instructions of a fused step to micro-operations.
//!
//! Bools are lanes of all ones or all zeros or, in loops of 512 bits, mask registers.

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;

use rustc_hash::FxHashMap;

use super::encode::Width;
use super::micro::{Home, Known, Micro, Pool, Value, What};
use super::reduction::{Accumulator, Walk};
use super::rows::*;
use crate::backend::Refusal;
use crate::backend::cpu::tile::{Instr, Place, lanes};
use crate::ops::Op;

/// A fused step as micro-operations.
pub struct Selected {
    /// The micro-operations in order.
    pub micros: Vec<Micro>,
    /// The properties of each value.
    pub values: Vec<Known>,
    /// The size in bytes of the widest lanes, which fill a vector.
    pub widest: usize,
    /// The arrays and slots that it reads and writes.
    pub places: Vec<Place>,
    /// Its accumulators, if it accumulates.
    pub accumulators: Vec<Accumulator>,
    /// The number of carries that it accumulates.
    pub carries: usize,
    /// The values that sums of squared deviations need, if there are any.
    pub walk: Option<Walk>,
}

/// The treatment of values that are to be accumulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulated {
    /// The loop accumulates them.
    Here,
    /// The loop stores them to slots.
    Later,
}

pub(super) fn bug(message: impl std::fmt::Display) -> Refusal {
    Refusal::Bug(message.to_string())
}

/// Selects the micro-operations of a fused step, whose widest lanes have `bits` bits.
///
/// The widest lanes fill a vector, narrower ones a part of it.
///
/// # Errors
/// [`Refusal::Bug`] for an instruction without a vector form.
pub fn select(
    width: Width,
    bits: u8,
    code: &[Instr],
    accumulated: Accumulated,
    pool: &mut Pool,
) -> Result<Selected, Refusal> {
    let mut folded: Vec<bool> = code.iter().map(is_negation).collect();
    for instr in code {
        match instr {
            Instr::Apply(Op::Fma, ..) | Instr::Load(..) => {}
            Instr::Accumulate(accumulate) => folded[accumulate.value as usize] = false,
            Instr::Apply(op, _, args) => {
                args[..op.row().parameters.len()].iter().for_each(|x| folded[*x as usize] = false);
            }
            Instr::Store(_, x) | Instr::Convert(_, _, x) | Instr::ByConstant(_, _, x, _) => {
                folded[*x as usize] = false;
            }
        }
    }
    let mut selector = Selector {
        width,
        code,
        pool,
        lanes: lanes(code),
        made: vec![None; code.len()],
        shared: FxHashMap::default(),
        places: FxHashMap::default(),
        first: true,
        selected: Selected {
            micros: Vec::with_capacity(code.len() + 8),
            values: Vec::with_capacity(code.len() + 8),
            widest: usize::from(bits / 8),
            places: Vec::new(),
            accumulators: Vec::new(),
            carries: 0,
            walk: None,
        },
    };
    for (i, instr) in code.iter().enumerate() {
        selector.first = true;
        match instr {
            Instr::Load(place, lane) => selector.made[i] = Some(selector.load(*place, *lane)),
            // Its users take the operand with the opposite sign.
            Instr::Apply(..) if folded[i] => {}
            Instr::Apply(op, dtype, args) => {
                let made = selector.apply(*op, *dtype, &args[..op.row().parameters.len()])?;
                selector.made[i] = Some(made);
            }
            Instr::ByConstant(op, dtype, x, bits) => {
                let x = selector.of(*x)?;
                let made = selector.by_constant(*op, *dtype, x, *bits);
                let missing = || bug(format_args!("{op:?} of {dtype} by {bits} in registers"));
                selector.made[i] = Some(made.ok_or_else(missing)?);
            }
            Instr::Convert(from, to, x) => {
                let x = selector.of(*x)?;
                let made = selector.convert(*from, *to, x);
                let missing = || bug(format_args!("{from:?} to {to:?} in registers"));
                selector.made[i] = Some(made.ok_or_else(missing)?);
            }
            Instr::Store(place, x) => selector.store(*place, *x)?,
            Instr::Accumulate(accumulate) => match (accumulated, accumulate.rest) {
                (Accumulated::Here, _) => selector.accumulate(accumulate)?,
                (Accumulated::Later, Some(place)) => selector.store(place, accumulate.value)?,
                (Accumulated::Later, None) => {}
            },
        }
    }
    Ok(selector.selected)
}

/// Whether an instruction negates floats.
fn is_negation(instr: &Instr) -> bool {
    matches!(instr, Instr::Apply(Op::Neg, dtype, _) if dtype.is_float())
}

pub(super) struct Selector<'a> {
    pub(super) width: Width,
    code: &'a [Instr],
    pool: &'a mut Pool,
    /// The lane of each instruction's result.
    lanes: Vec<Option<Lane>>,
    /// The value of each instruction.
    made: Vec<Option<Value>>,
    /// The shared values, and the numbers of the places.
    shared: FxHashMap<Home, Value>,
    places: FxHashMap<Place, u32>,
    first: bool,
    pub(super) selected: Selected,
}

/// The index of a lane's width: 0 to 3 for 8, 16, 32 and 64 bits.
pub(super) fn number(bytes: usize) -> usize {
    bytes.trailing_zeros() as usize & 3
}

/// Comparisons of integers with a mask as result, by their immediates.
const EQUAL: u8 = 0;
const LESS: u8 = 1;
const LESS_OR_EQUAL: u8 = 2;
const UNEQUAL: u8 = 4;

impl Selector<'_> {
    pub(super) fn value(&mut self, home: Home, mask: bool) -> Value {
        self.selected.values.push(Known { home, mask });
        self.selected.values.len() as Value - 1
    }

    /// A value shared by all chains and turns; an existing one is reused.
    fn shared(&mut self, home: Home) -> Value {
        if let Some(value) = self.shared.get(&home) {
            return *value;
        }
        let value = self.value(home, false);
        self.shared.insert(home, value);
        value
    }

    pub(super) fn zero(&mut self) -> Value {
        self.shared(Home::Zero)
    }

    /// A constant that repeats 8 bytes.
    pub(super) fn constant(&mut self, bits: u64) -> Value {
        let offset = self.pool.constant(bits, self.width.bytes());
        self.shared(Home::Pool(offset))
    }

    /// A constant given by all its bytes.
    pub(super) fn pattern(&mut self, bytes: &[u8]) -> Value {
        let offset = self.pool.vector(bytes);
        self.shared(Home::Pool(offset))
    }

    /// The part of a vector that lanes of `bytes` bytes fill.
    pub(super) fn part(&self, bytes: usize) -> Part {
        Part::of(self.selected.widest / bytes)
    }

    pub(super) fn ones(&mut self) -> Value {
        self.constant(!0)
    }

    /// The sign bit of a float dtype, or of an integer of the same width.
    fn sign(&mut self, dtype: DType) -> Value {
        self.constant(if dtype.size() == 8 { 1 << 63 } else { 1 << 63 | 1 << 31 })
    }

    /// The mask of all bits of a float but the sign.
    fn magnitude(&mut self, dtype: DType) -> Value {
        self.constant(if dtype.size() == 8 { !(1 << 63) } else { !(1 << 63 | 1 << 31) })
    }

    pub(super) fn push(&mut self, what: What, result: Option<Value>, sources: &[Value], imm: u8) {
        let mut all = [0; 4];
        all[..sources.len()].copy_from_slice(sources);
        let first = std::mem::take(&mut self.first);
        let count = sources.len() as u8;
        self.selected.micros.push(Micro { what, result, sources: all, count, imm, first });
    }

    pub(super) fn make(&mut self, what: What, sources: &[Value]) -> Value {
        self.make_with(what, sources, 0)
    }

    pub(super) fn make_with(&mut self, what: What, sources: &[Value], imm: u8) -> Value {
        let result = self.value(Home::Nowhere, false);
        self.push(what, Some(result), sources, imm);
        result
    }

    pub(super) fn make_mask(&mut self, what: What, sources: &[Value], imm: u8) -> Value {
        let result = self.value(Home::Nowhere, true);
        self.push(what, Some(result), sources, imm);
        result
    }

    fn place(&mut self, place: Place) -> u32 {
        let list = &mut self.selected.places;
        *self.places.entry(place).or_insert_with(|| {
            list.push(place);
            list.len() as u32 - 1
        })
    }

    /// The value of an instruction.
    pub(super) fn of(&self, x: u32) -> Result<Value, Refusal> {
        self.made.get(x as usize).copied().flatten().ok_or_else(|| bug("a value before it is made"))
    }

    fn load(&mut self, place: Place, lane: Lane) -> Value {
        let value = match place {
            Place::Uniform(cell) => self.shared(Home::Cell(cell, lane.bytes() as u8)),
            _ => {
                let number = self.place(place);
                let part = self.part(lane.bytes());
                self.value(Home::Place(number, part), false)
            }
        };
        match lane {
            Lane::Mask(_) if self.width == Width::Zmm => {
                let row = [&MASK_OF_B, &MASK_OF_W, &MASK_OF_D, &MASK_OF_Q][number(lane.bytes())];
                self.make_mask(What::Cross(row), &[value], 0)
            }
            _ => value,
        }
    }

    /// A mask as a vector with lanes of all ones and all zeros, of `bytes` bytes each.
    pub(super) fn spread(&mut self, mask: Value, bytes: usize) -> Value {
        let row = [&LANES_B, &LANES_W, &LANES_D, &LANES_Q][number(bytes)];
        self.make(What::Cross(row), &[mask])
    }

    fn store(&mut self, place: Place, x: u32) -> Result<(), Refusal> {
        if matches!(place, Place::Uniform(_)) {
            return Err(bug("a store to a uniform"));
        }
        let mut value = self.of(x)?;
        let lane = self.lanes[x as usize].ok_or_else(|| bug("a store of nothing"))?;
        if self.selected.values[value as usize].mask {
            value = self.spread(value, lane.bytes());
        }
        let (number, part) = (self.place(place), self.part(lane.bytes()));
        self.push(What::Store(number, part), None, &[value], 0);
        Ok(())
    }

    fn apply(&mut self, op: Op, dtype: DType, args: &[u32]) -> Result<Value, Refusal> {
        if op == Op::Fma {
            return self.fused(dtype, args);
        }
        let mut sources = [0; 3];
        for (source, x) in sources.iter_mut().zip(args) {
            *source = self.of(*x)?;
        }
        let made = if dtype == DType::Bool {
            self.truths(op, &sources[..args.len()])
        } else if dtype.is_float() {
            self.floats(op, dtype, &sources[..args.len()])
        } else {
            self.integers(op, dtype, &sources[..args.len()])
        };
        made.ok_or_else(|| bug(format_args!("{op:?} of {dtype} has no vector form")))
    }

    /// The operand of a negation and `true`, or the value itself and `false`.
    fn unsigned(&self, x: u32) -> Result<(Value, bool), Refusal> {
        match self.code.get(x as usize) {
            Some(instr @ Instr::Apply(_, _, [of, ..])) if is_negation(instr) => {
                Ok((self.of(*of)?, true))
            }
            _ => Ok((self.of(x)?, false)),
        }
    }

    fn fused(&mut self, dtype: DType, args: &[u32]) -> Result<Value, Refusal> {
        let &[x, y, z] = args else { return Err(bug("a fused multiply-add of other than three")) };
        let [(x, minus_x), (y, minus_y), (z, minus_z)] =
            [self.unsigned(x)?, self.unsigned(y)?, self.unsigned(z)?];
        let product = usize::from(minus_x != minus_y);
        let fused = &FUSED[usize::from(dtype.size() == 8)][product][usize::from(minus_z)];
        Ok(self.make(What::Fused(fused), &[x, y, z]))
    }

    pub(super) fn floats(&mut self, op: Op, dtype: DType, args: &[Value]) -> Option<Value> {
        use What::{Either, One, Two};
        let wide = usize::from(dtype.size() == 8);
        let zmm = self.width == Width::Zmm;
        Some(match (op, args) {
            (Op::Add, _) => self.make(Either([&ADDPS, &ADDPD][wide]), args),
            (Op::Sub, _) => self.make(Two([&SUBPS, &SUBPD][wide]), args),
            (Op::Mul, _) => self.make(Either([&MULPS, &MULPD][wide]), args),
            (Op::Div, _) => self.make(Two([&DIVPS, &DIVPD][wide]), args),
            (Op::Sqrt, _) => self.make(One([&SQRTPS, &SQRTPD][wide]), args),
            (Op::Floor | Op::Ceil | Op::Trunc | Op::Rint, _) => {
                // The immediate suppresses the exception for inexact results.
                let imm = match op {
                    Op::Floor => 9,
                    Op::Ceil => 10,
                    Op::Trunc => 11,
                    _ => 8,
                };
                let rows = if zmm { [&RNDSCALEPS, &RNDSCALEPD] } else { [&ROUNDPS, &ROUNDPD] };
                self.make_with(One(rows[wide]), args, imm)
            }
            (Op::Neg, &[x]) => {
                let sign = self.sign(dtype);
                self.make(Either([&XORPS, &XORPD][wide]), &[x, sign])
            }
            (Op::Abs, &[x]) => {
                let magnitude = self.magnitude(dtype);
                self.make(Either([&ANDPS, &ANDPD][wide]), &[x, magnitude])
            }
            // For two zeros or a NaN the machine returns the second operand. Combining both orders
            // keeps the sign of either zero and a NaN in either operand.
            (Op::Minimum, &[x, y]) => {
                let row = Two([&MINPS, &MINPD][wide]);
                let one = self.make(row, &[x, y]);
                let other = self.make(row, &[y, x]);
                self.make(Either([&ORPS, &ORPD][wide]), &[one, other])
            }
            (Op::Maximum, &[x, y]) if zmm => {
                // A number beside a NaN remains: the sum, a NaN, replaces it.
                let most = self.make_with(Two([&RANGEPS, &RANGEPD][wide]), &[x, y], 5);
                let unordered = self.make_mask(Either([&CMPPS, &CMPPD][wide]), &[x, y], 3);
                self.make(What::Merge([&ADDPS, &ADDPD][wide]), &[x, y, unordered, most])
            }
            (Op::Maximum, &[x, y]) => {
                let row = Two([&MAXPS, &MAXPD][wide]);
                let (one, other) = (self.make(row, &[x, y]), self.make(row, &[y, x]));
                let both = self.make(Either([&ANDPS, &ANDPD][wide]), &[one, other]);
                let unordered = self.make_with(Either([&CMPPS, &CMPPD][wide]), &[x, y], 3);
                self.make(Either([&ORPS, &ORPD][wide]), &[both, unordered])
            }
            (Op::Lt | Op::Le | Op::Eq | Op::Ne, _) => {
                let (what, imm): (fn(_) -> _, u8) = match op {
                    Op::Lt => (Two, 17),
                    Op::Le => (Two, 18),
                    Op::Eq => (Either, 0),
                    _ => (Either, 4),
                };
                let what = what([&CMPPS, &CMPPD][wide]);
                if zmm { self.make_mask(what, args, imm) } else { self.make_with(what, args, imm) }
            }
            (Op::Select, &[condition, x, y]) => self.choose(2 + wide, condition, x, y),
            // A NaN counts as positive, whatever its sign bit.
            (Op::Copysign, &[x, y]) => {
                let and = Either([&ANDPS, &ANDPD][wide]);
                let or = [&ORPS, &ORPD][wide];
                let (sign, magnitude) = (self.sign(dtype), self.magnitude(dtype));
                let (x, sign) = (self.make(and, &[x, magnitude]), self.make(and, &[y, sign]));
                let is_number = self.is_number(wide, y);
                if zmm {
                    return Some(self.make(What::Merge(or), &[x, sign, is_number, x]));
                }
                let sign = self.make(and, &[sign, is_number]);
                self.make(Either(or), &[x, sign])
            }
            (Op::Signbit, &[x]) => {
                let is_number = self.is_number(wide, x);
                if zmm {
                    let row = [&MASK_OF_D, &MASK_OF_Q][wide];
                    let signs = self.make_mask(What::Cross(row), &[x], 0);
                    return Some(self.make_mask(What::Masks(&KAND), &[signs, is_number], 0));
                }
                let zero = self.zero();
                let signs = self.greater(2 + wide, zero, x);
                self.logic(Op::BitAnd, 2 + wide, signs, is_number)
            }
            _ => return None,
        })
    }

    /// A mask of the lanes that are not NaN.
    pub(super) fn is_number(&mut self, wide: usize, x: Value) -> Value {
        let row = What::Either([&CMPPS, &CMPPD][wide]);
        match self.width {
            Width::Zmm => self.make_mask(row, &[x, x], 7),
            Width::Ymm => self.make_with(row, &[x, x], 7),
        }
    }

    /// Lanes of x where the condition holds, else of y.
    pub(super) fn choose(&mut self, lane: usize, condition: Value, x: Value, y: Value) -> Value {
        if self.width == Width::Zmm {
            let row = [&PBLENDMB, &PBLENDMW, &PBLENDMD, &PBLENDMQ][lane];
            return self.make(What::Blend(row), &[y, x, condition]);
        }
        let row = [&PBLENDVB, &PBLENDVB, &BLENDVPS, &BLENDVPD][lane];
        self.make(What::Choose(row), &[y, x, condition])
    }

    /// A bitwise operation; `q` is the form for lanes of 64 bits.
    pub(super) fn logic(&mut self, op: Op, lane: usize, x: Value, y: Value) -> Value {
        let row = match (op, self.width, lane == 3) {
            (Op::BitAnd, Width::Ymm, _) => &PAND,
            (Op::BitAnd, _, false) => &PANDD,
            (Op::BitAnd, _, true) => &PANDQ,
            (Op::BitOr, Width::Ymm, _) => &POR,
            (Op::BitOr, _, false) => &PORD,
            (Op::BitOr, _, true) => &PORQ,
            (_, Width::Ymm, _) => &PXOR,
            (_, _, false) => &PXORD,
            (_, _, true) => &PXORQ,
        };
        self.make(What::Either(row), &[x, y])
    }

    pub(super) fn not(&mut self, lane: usize, x: Value) -> Value {
        let ones = self.ones();
        self.logic(Op::BitXor, lane, x, ones)
    }

    pub(super) fn integers(&mut self, op: Op, dtype: DType, args: &[Value]) -> Option<Value> {
        use What::{Either, One, Two};
        let lane = dtype.size().trailing_zeros() as usize;
        let zmm = self.width == Width::Zmm;
        let signed = dtype.is_signed_int();
        Some(match (op, args) {
            (Op::Add, _) => self.make(Either([&PADDB, &PADDW, &PADDD, &PADDQ][lane]), args),
            (Op::Sub, _) => self.make(Two([&PSUBB, &PSUBW, &PSUBD, &PSUBQ][lane]), args),
            (Op::Mul, &[x, y]) if lane == 0 => self.product8(x, y),
            (Op::Mul, _) if lane == 1 => self.make(Either(&PMULLW), args),
            (Op::Mul, _) if lane == 2 => self.make(Either(&PMULLD), args),
            (Op::Mul, _) if lane == 3 && zmm => self.make(Either(&PMULLQ), args),
            (Op::Mul, &[x, y]) if lane == 3 => self.product64(x, y),
            (Op::Neg, &[x]) => self.negative(lane, x),
            (Op::Abs, &[x]) if signed => match lane {
                3 if zmm => self.make(One(&PABSQ), args),
                3 => {
                    let negative = self.negative(lane, x);
                    self.make(What::Choose(&BLENDVPD), &[x, negative, x])
                }
                _ => self.make(One([&PABSB, &PABSW, &PABSD][lane]), args),
            },
            (Op::Abs, &[x]) => x,
            (Op::BitAnd | Op::BitOr | Op::BitXor, &[x, y]) => self.logic(op, lane, x, y),
            (Op::BitNot, &[x]) => self.not(lane, x),
            (Op::Minimum | Op::Maximum, &[x, y]) if lane == 3 && !zmm => {
                let less = self.less64(signed, x, y);
                let (x, y) = if op == Op::Minimum { (x, y) } else { (y, x) };
                self.choose(lane, less, x, y)
            }
            (Op::Minimum | Op::Maximum, _) => {
                let row = self.extreme(op == Op::Minimum, signed, lane);
                self.make(Either(row), args)
            }
            (Op::Lt | Op::Le | Op::Eq | Op::Ne, &[x, y]) if zmm => {
                let rows = match signed || matches!(op, Op::Eq | Op::Ne) {
                    true => [&PCMPB, &PCMPW, &PCMPD, &PCMPQ],
                    false => [&PCMPUB, &PCMPUW, &PCMPUD, &PCMPUQ],
                };
                let (what, imm): (fn(_) -> _, u8) = match op {
                    Op::Lt => (Two, LESS),
                    Op::Le => (Two, LESS_OR_EQUAL),
                    Op::Eq => (Either, EQUAL),
                    _ => (Either, UNEQUAL),
                };
                self.make_mask(what(rows[lane]), &[x, y], imm)
            }
            (Op::Eq, &[x, y]) => self.equal(lane, x, y),
            (Op::Ne, &[x, y]) => {
                let equal = self.equal(lane, x, y);
                self.not(lane, equal)
            }
            (Op::Lt, &[x, y]) if lane == 3 => self.less64(signed, x, y),
            (Op::Le, &[x, y]) if lane == 3 => {
                let greater = self.less64(signed, y, x);
                self.not(lane, greater)
            }
            (Op::Lt, &[x, y]) if signed => self.greater(lane, y, x),
            (Op::Le, &[x, y]) if signed => {
                let greater = self.greater(lane, x, y);
                self.not(lane, greater)
            }
            // x >= y where x equals the maximum of both, x <= y where it equals the minimum.
            (Op::Lt | Op::Le, &[x, y]) => {
                let row = self.extreme(op == Op::Le, false, lane);
                let extreme = self.make(Either(row), &[x, y]);
                let it_is_x = self.equal(lane, extreme, x);
                if op == Op::Le { it_is_x } else { self.not(lane, it_is_x) }
            }
            (Op::Select, &[condition, x, y]) => self.choose(lane, condition, x, y),
            // A count out of range shifts all bits out, in the machine as in the language.
            (Op::Shl, _) if lane > 1 || zmm => {
                self.make(Two([&PSLLVW, &PSLLVW, &PSLLVD, &PSLLVQ][lane]), args)
            }
            (Op::Shr, _) if !signed && (lane > 1 || zmm) => {
                self.make(Two([&PSRLVW, &PSRLVW, &PSRLVD, &PSRLVQ][lane]), args)
            }
            (Op::Shr, _) if lane == 2 || zmm => {
                self.make(Two([&PSRAVW, &PSRAVW, &PSRAVD, &PSRAVQ][lane]), args)
            }
            (Op::Shr, &[x, count]) if lane == 3 => {
                // Negative numbers are complemented before and after the shift.
                let zero = self.zero();
                let negative = self.greater(3, zero, x);
                let x = self.logic(Op::BitXor, 3, x, negative);
                let shifted = self.make(Two(&PSRLVQ), &[x, count]);
                self.logic(Op::BitXor, 3, shifted, negative)
            }
            _ => return None,
        })
    }

    fn extreme(&self, minimum: bool, signed: bool, lane: usize) -> &'static Row {
        let rows = match (minimum, signed) {
            (true, true) => [&PMINSB, &PMINSW, &PMINSD, &PMINSQ],
            (true, false) => [&PMINUB, &PMINUW, &PMINUD, &PMINUQ],
            (false, true) => [&PMAXSB, &PMAXSW, &PMAXSD, &PMAXSQ],
            (false, false) => [&PMAXUB, &PMAXUW, &PMAXUD, &PMAXUQ],
        };
        rows[lane]
    }

    fn negative(&mut self, lane: usize, x: Value) -> Value {
        let zero = self.zero();
        self.make(What::Two([&PSUBB, &PSUBW, &PSUBD, &PSUBQ][lane]), &[zero, x])
    }

    pub(super) fn equal(&mut self, lane: usize, x: Value, y: Value) -> Value {
        self.make(What::Either([&PCMPEQB, &PCMPEQW, &PCMPEQD, &PCMPEQQ][lane]), &[x, y])
    }

    pub(super) fn greater(&mut self, lane: usize, x: Value, y: Value) -> Value {
        self.make(What::Two([&PCMPGTB, &PCMPGTW, &PCMPGTD, &PCMPGTQ][lane]), &[x, y])
    }

    /// `x < y` of 64-bit integers. AVX2 only compares signed ones, so unsigned ones are offset by half
    /// the range.
    fn less64(&mut self, signed: bool, x: Value, y: Value) -> Value {
        if signed {
            return self.greater(3, y, x);
        }
        let half = self.sign(DType::U64);
        let [x, y] = [x, y].map(|x| self.logic(Op::BitXor, 3, x, half));
        self.greater(3, y, x)
    }

    /// The low halves of products of bytes, from products of 16 bits.
    fn product8(&mut self, x: Value, y: Value) -> Value {
        let low = self.constant(0x00FF_00FF_00FF_00FF);
        let high = self.constant(0xFF00_FF00_FF00_FF00);
        let even = self.make(What::Either(&PMULLW), &[x, y]);
        let even = self.logic(Op::BitAnd, 0, even, low);
        let x = self.logic(Op::BitAnd, 0, x, high);
        let y = self.make_with(What::Shift(&PSRLW), &[y], 8);
        let odd = self.make(What::Either(&PMULLW), &[x, y]);
        self.logic(Op::BitOr, 0, even, odd)
    }

    /// The low halves of products of 64-bit integers, from products of 32 bits.
    fn product64(&mut self, x: Value, y: Value) -> Value {
        let low = self.make(What::Either(&PMULUDQ), &[x, y]);
        let high_x = self.make_with(What::Shift(&PSRLQ), &[x], 32);
        let one = self.make(What::Either(&PMULUDQ), &[high_x, y]);
        let high_y = self.make_with(What::Shift(&PSRLQ), &[y], 32);
        let other = self.make(What::Either(&PMULUDQ), &[x, high_y]);
        let sum = self.make(What::Either(&PADDQ), &[one, other]);
        let sum = self.make_with(What::Shift(&PSLLQ), &[sum], 32);
        self.make(What::Either(&PADDQ), &[low, sum])
    }

    fn truths(&mut self, op: Op, args: &[Value]) -> Option<Value> {
        if self.width == Width::Zmm {
            return Some(match (op, args) {
                (Op::BitAnd, _) => self.make_mask(What::Masks(&KAND), args, 0),
                (Op::BitOr, _) => self.make_mask(What::Masks(&KOR), args, 0),
                (Op::BitXor, _) => self.make_mask(What::Masks(&KXOR), args, 0),
                (Op::BitNot, _) => self.make_mask(What::Mask(&KNOT), args, 0),
                (Op::Select, &[condition, x, y]) => {
                    let x = self.make_mask(What::Masks(&KAND), &[condition, x], 0);
                    let y = self.make_mask(What::Masks(&KANDN), &[condition, y], 0);
                    self.make_mask(What::Masks(&KOR), &[x, y], 0)
                }
                _ => return None,
            });
        }
        Some(match (op, args) {
            (Op::BitAnd | Op::BitOr | Op::BitXor, &[x, y]) => self.logic(op, 0, x, y),
            (Op::BitNot, &[x]) => self.not(0, x),
            (Op::Select, &[condition, x, y]) => self.choose(0, condition, x, y),
            _ => return None,
        })
    }
}
