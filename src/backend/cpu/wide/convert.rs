//! Conversions between lanes, as micro-operations.
//!
//! The bits are those of `runtime/src/kernels/convert.rs`: integers wrap, floats are rounded once, and
//! from float to integer the value is truncated and saturates, where NaN becomes 0.

use hotloop_runtime::convert::Lane;
use hotloop_runtime::dtype::DType;
use hotloop_runtime::isa::Isa;

use super::encode::Width;
use super::micro::{Value, What};
use super::reduction::repeated;
use super::rows::*;
use super::select::{Selector, number};
use crate::ops::Op;

/// The immediate of a comparison of floats: at least as great, and no NaN.
const AT_LEAST: u8 = 29;

/// Whether loops for an instruction set convert between lanes.
///
/// AVX2 has no conversions of 64-bit integers, which are made from their halves. To f32 that would round
/// twice, and a correct sequence is no faster than the scalar conversions of the block kernels.
pub fn converts(from: Lane, to: Lane, isa: Isa) -> bool {
    let wide_integer = |dtype: DType| dtype.is_int() && dtype.size() == 8;
    match (from, to) {
        (Lane::Value(DType::Bool), Lane::Mask(_)) | (Lane::Mask(_), Lane::Mask(_)) => true,
        (Lane::Mask(_), Lane::Value(DType::Bool)) => true,
        (Lane::Mask(_), Lane::Value(_)) | (Lane::Value(_), Lane::Mask(_)) => {
            from.bits() == to.bits()
        }
        (Lane::Value(DType::Bool), _) | (_, Lane::Value(DType::Bool)) => false,
        (Lane::Value(from), Lane::Value(DType::F32)) => isa >= Isa::Avx512 || !wide_integer(from),
        (Lane::Value(_), Lane::Value(_)) => true,
    }
}

/// A power of two.
fn power(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// The bits of the number one in a dtype.
fn one(dtype: DType) -> u64 {
    match dtype {
        DType::F32 => 1.0_f32.to_bits().into(),
        DType::F64 => 1.0_f64.to_bits(),
        _ => 1,
    }
}

impl Selector<'_> {
    fn is_zmm(&self) -> bool {
        self.width == Width::Zmm
    }

    /// A float constant in all lanes, exact in both dtypes.
    fn float(&mut self, dtype: DType, value: f64) -> Value {
        self.constant(match dtype {
            DType::F32 => repeated((value as f32).to_bits().into(), 4),
            _ => value.to_bits(),
        })
    }

    /// Converts a value to another lane; `None` if there are no instructions for it.
    pub(super) fn convert(&mut self, from: Lane, to: Lane, x: Value) -> Option<Value> {
        Some(match (from, to) {
            (Lane::Mask(_), Lane::Mask(_)) => self.mask_of_mask(from.bytes(), to.bytes(), x),
            (Lane::Value(DType::Bool), Lane::Mask(_)) => self.mask_of_bytes(to.bytes(), x),
            (Lane::Mask(_), Lane::Value(dtype)) => {
                let x = self.mask_of_mask(from.bytes(), dtype.size(), x);
                self.ones_of_mask(dtype, x)
            }
            (Lane::Value(dtype), Lane::Mask(_)) if from.bits() == to.bits() => {
                let zero = self.zero();
                match dtype.is_float() {
                    true => self.floats(Op::Ne, dtype, &[x, zero])?,
                    false => self.integers(Op::Ne, dtype, &[x, zero])?,
                }
            }
            (Lane::Value(_), Lane::Mask(_)) => return None,
            (Lane::Value(from), Lane::Value(to)) => self.number(from, to, x)?,
        })
    }

    fn mask_of_mask(&mut self, from: usize, to: usize, x: Value) -> Value {
        match () {
            // Mask registers have one bit for each lane, whatever its width.
            () if self.is_zmm() => x,
            () if from < to => self.widen(from, to, true, x),
            () => self.truncate(from, to, x),
        }
    }

    /// Bools, which are true unless zero, as a mask.
    fn mask_of_bytes(&mut self, to: usize, x: Value) -> Value {
        if self.is_zmm() {
            return self.make_mask(What::Either(&PTESTMB), &[x, x], 0);
        }
        let zero = self.zero();
        if to == 1 {
            let is_zero = self.equal(0, x, zero);
            return self.not(0, is_zero);
        }
        let x = self.widen(1, to, false, x);
        self.greater(number(to), x, zero)
    }

    /// A mask as numbers of a dtype of the same width: one in true lanes, zero in the others.
    fn ones_of_mask(&mut self, dtype: DType, x: Value) -> Value {
        let size = dtype.size();
        let ones = self.constant(repeated(one(dtype), size));
        if self.is_zmm() {
            let zero = self.zero();
            return self.choose(number(size), x, ones, zero);
        }
        self.logic(Op::BitAnd, number(size), x, ones)
    }

    fn number(&mut self, from: DType, to: DType, x: Value) -> Option<Value> {
        Some(match (from.is_float(), to.is_float()) {
            (false, false) => self.integer(from, to.size(), x),
            (true, true) => match (from, to) {
                (DType::F32, DType::F64) => self.make(What::One(&PS_TO_PD), &[x]),
                (DType::F64, DType::F32) => self.make(What::One(&PD_TO_PS), &[x]),
                _ => x,
            },
            (false, true) => match (from.size(), to) {
                (1 | 2, DType::F64) => {
                    let x = self.integer(from, 8, x);
                    match self.is_zmm() {
                        true => self.make(What::One(&QQ_TO_PD), &[x]),
                        false => self.double_of_small(x),
                    }
                }
                (1 | 2, _) => {
                    let x = self.integer(from, 4, x);
                    self.number(DType::I32, to, x)?
                }
                (4, _) if from == DType::I32 => {
                    let row = if to == DType::F32 { &DQ_TO_PS } else { &DQ_TO_PD };
                    self.make(What::One(row), &[x])
                }
                (4, _) if self.is_zmm() => {
                    let row = if to == DType::F32 { &UDQ_TO_PS } else { &UDQ_TO_PD };
                    self.make(What::One(row), &[x])
                }
                (4, DType::F32) => self.float_of_u32(x),
                (4, _) => {
                    let x = self.integer(from, 8, x);
                    self.double_of_small(x)
                }
                (_, _) if self.is_zmm() => {
                    let row = match (from == DType::I64, to == DType::F32) {
                        (true, true) => &QQ_TO_PS,
                        (true, false) => &QQ_TO_PD,
                        (false, true) => &UQQ_TO_PS,
                        (false, false) => &UQQ_TO_PD,
                    };
                    self.make(What::One(row), &[x])
                }
                (_, DType::F64) => self.double_of_i64(from == DType::I64, x),
                _ => return None,
            },
            (true, false) => match to {
                DType::I32 => self.i32_of(from, x),
                DType::U32 => self.u32_of(from, x),
                DType::I64 | DType::U64 if self.is_zmm() => self.long_of(from, to == DType::I64, x),
                DType::I64 | DType::U64 => {
                    let x = self.number(from, DType::F64, x)?;
                    if to == DType::I64 { self.i64_of(x) } else { self.u64_of(x) }
                }
                _ => self.narrow_of(from, to, x),
            },
        })
    }

    /// Converts integers to another width; they wrap.
    fn integer(&mut self, from: DType, to: usize, x: Value) -> Value {
        match from.size() {
            size if size < to => self.widen(size, to, from.is_signed_int(), x),
            size => self.truncate(size, to, x),
        }
    }

    fn widen(&mut self, from: usize, to: usize, signed: bool, x: Value) -> Value {
        let rows = match (from, to) {
            (1, 2) => [&PMOVZXBW, &PMOVSXBW],
            (1, 4) => [&PMOVZXBD, &PMOVSXBD],
            (1, _) => [&PMOVZXBQ, &PMOVSXBQ],
            (2, 4) => [&PMOVZXWD, &PMOVSXWD],
            (2, _) => [&PMOVZXWQ, &PMOVSXWQ],
            _ => [&PMOVZXDQ, &PMOVSXDQ],
        };
        self.make(What::One(rows[usize::from(signed)]), &[x])
    }

    /// The low bytes of lanes.
    fn truncate(&mut self, from: usize, to: usize, x: Value) -> Value {
        if from == to {
            return x;
        }
        if self.is_zmm() {
            let row = match (from, to) {
                (2, _) => &PMOVWB,
                (4, 1) => &PMOVDB,
                (4, _) => &PMOVDW,
                (_, 1) => &PMOVQB,
                (_, 2) => &PMOVQW,
                _ => &PMOVQD,
            };
            return self.make(What::Narrow(row), &[x]);
        }
        let words = |order: [u32; 8]| order.map(u32::to_le_bytes).concat();
        if from == 8 {
            let even = self.pattern(&words([0, 2, 4, 6, 0, 2, 4, 6]));
            let x = self.make(What::Two(&PERMD), &[even, x]);
            return self.truncate(4, to, x);
        }
        // Gathers the low bytes of each half of the vector at its start.
        let mut order = [0x80; 32];
        for (at, byte) in order.iter_mut().enumerate() {
            let (lane, of) = (at % 16 / to, at % to);
            if lane * from < 16 {
                *byte = (lane * from + of) as u8;
            }
        }
        let order = self.pattern(&order);
        let x = self.make(What::Two(&PSHUFB), &[x, order]);
        if self.part(from) != Part::Whole {
            return x;
        }
        if to * 2 == from {
            return self.make_with(What::One(&PERMQ), &[x], 0b1000);
        }
        let fourth = self.pattern(&words([0, 4, 0, 4, 0, 4, 0, 4]));
        self.make(What::Two(&PERMD), &[fourth, x])
    }

    /// `u32` to `f32`: both halves are exact as floats, and their sum is rounded once.
    fn float_of_u32(&mut self, x: Value) -> Value {
        let mask = self.constant(0x0000_FFFF_0000_FFFF);
        let low = self.logic(Op::BitAnd, 2, x, mask);
        let high = self.make_with(What::Shift(&PSRLD), &[x], 16);
        let low = self.make(What::One(&DQ_TO_PS), &[low]);
        let high = self.make(What::One(&DQ_TO_PS), &[high]);
        let factor = self.float(DType::F32, 65536.0);
        self.make(What::Fused(&FUSED[0][0][0]), &[high, factor, low])
    }

    /// 64-bit integers of fewer than 51 bits, placed in the mantissa of a float.
    fn double_of_small(&mut self, x: Value) -> Value {
        let magic = self.float(DType::F64, 1.5 * power(52));
        let x = self.make(What::Either(&PADDQ), &[x, magic]);
        self.make(What::Two(&SUBPD), &[x, magic])
    }

    /// 64-bit integers to f64: the halves are placed in the mantissas of 2^84 and 2^52, from which the
    /// subtraction is exact, and their sum is rounded once.
    fn double_of_i64(&mut self, signed: bool, x: Value) -> Value {
        let low = self.float(DType::F64, power(52));
        let low = self.make_with(What::Two(&PBLENDD), &[x, low], 0b1010_1010);
        // A signed half is biased to be positive.
        let sign: u64 = if signed { 1 << 31 } else { 0 };
        let high = self.constant(power(84).to_bits() | sign);
        let x = self.make_with(What::Shift(&PSRLQ), &[x], 32);
        let high = self.logic(Op::BitXor, 3, x, high);
        let moved = if signed { power(63) } else { 0.0 };
        let away = self.float(DType::F64, power(84) + moved + power(52));
        let high = self.make(What::Two(&SUBPD), &[high, away]);
        self.make(What::Either(&ADDPD), &[high, low])
    }

    /// Replaces each NaN by zero.
    fn zero_for_nan(&mut self, from: DType, x: Value) -> Value {
        let wide = usize::from(from == DType::F64);
        let is_number = self.is_number(wide, x);
        if self.is_zmm() {
            let zero = self.zero();
            return self.choose(2 + wide, is_number, x, zero);
        }
        self.make(What::Either([&ANDPS, &ANDPD][wide]), &[x, is_number])
    }

    fn least(&mut self, from: DType, x: Value, most: f64) -> Value {
        let most = self.float(from, most);
        let row = if from == DType::F32 { &MINPS } else { &MINPD };
        self.make(What::Two(row), &[x, most])
    }

    /// The maximum of both, or the constant if x is NaN.
    fn greatest(&mut self, from: DType, x: Value, least: f64) -> Value {
        let least = if least == 0.0 { self.zero() } else { self.float(from, least) };
        let row = if from == DType::F32 { &MAXPS } else { &MAXPD };
        self.make(What::Two(row), &[x, least])
    }

    /// Float to signed integer. The machine returns the least integer for values out of range.
    fn i32_of(&mut self, from: DType, x: Value) -> Value {
        if from == DType::F64 {
            let x = self.zero_for_nan(from, x);
            let x = self.least(from, x, f64::from(i32::MAX));
            return self.make(What::One(&PD_TO_DQ), &[x]);
        }
        let x = self.zero_for_nan(from, x);
        let made = self.make(What::One(&PS_TO_DQ), &[x]);
        self.saturate(from, power(31), 2, x, made)
    }

    /// Saturates to the greatest integer where x is at least `bound`, which no integer reaches.
    fn saturate(&mut self, from: DType, bound: f64, lane: usize, x: Value, made: Value) -> Value {
        let bound = self.float(from, bound);
        let row = What::Two(if from == DType::F32 { &CMPPS } else { &CMPPD });
        if self.is_zmm() {
            let over = self.make_mask(row, &[x, bound], AT_LEAST);
            let most = self.constant(if lane == 3 { !0 >> 1 } else { 0x7FFF_FFFF_7FFF_FFFF });
            return self.choose(lane, over, most, made);
        }
        // The machine returned the least integer there, whose complement is the greatest.
        let over = self.make_with(row, &[x, bound], AT_LEAST);
        self.logic(Op::BitXor, lane, made, over)
    }

    /// Float to unsigned integer. The machine returns the greatest integer for values out of range.
    fn u32_of(&mut self, from: DType, x: Value) -> Value {
        let x = self.greatest(from, x, 0.0);
        if self.is_zmm() {
            let row = if from == DType::F32 { &PS_TO_UDQ } else { &PD_TO_UDQ };
            return self.make(What::One(row), &[x]);
        }
        if from == DType::F64 {
            // The integer in the mantissa of 2^52.
            let x = self.least(from, x, f64::from(u32::MAX));
            let x = self.make_with(What::One(&ROUNDPD), &[x], 11);
            let magic = self.float(from, power(52));
            let x = self.make(What::Either(&ADDPD), &[x, magic]);
            return self.truncate(8, 4, x);
        }
        // From 2^31 on the machine returns the least integer, which is the missing bit.
        let low = self.make(What::One(&PS_TO_DQ), &[x]);
        let half = self.float(from, power(31));
        let high = self.make(What::Two(&SUBPS), &[x, half]);
        let high = self.make(What::One(&PS_TO_DQ), &[high]);
        let is_high = self.make_with(What::Shift(&PSRAD), &[low], 31);
        let high = self.logic(Op::BitAnd, 2, high, is_high);
        let made = self.logic(Op::BitOr, 2, low, high);
        let bound = self.float(from, power(32));
        let over = self.make_with(What::Two(&CMPPS), &[x, bound], AT_LEAST);
        self.logic(Op::BitOr, 2, made, over)
    }

    /// 64-bit integers, by instructions of AVX-512.
    fn long_of(&mut self, from: DType, signed: bool, x: Value) -> Value {
        if !signed {
            let x = self.greatest(from, x, 0.0);
            let row = if from == DType::F32 { &PS_TO_UQQ } else { &PD_TO_UQQ };
            return self.make(What::One(row), &[x]);
        }
        let x = self.zero_for_nan(from, x);
        let row = if from == DType::F32 { &PS_TO_QQ } else { &PD_TO_QQ };
        let made = self.make(What::One(row), &[x]);
        self.saturate(from, power(63), 3, x, made)
    }

    /// The halves of a float truncated to an integer, in the mantissas of two floats: the high half
    /// added to `magic`, the low half to 2^52.
    fn halves_of(&mut self, x: Value, most: f64, magic: f64) -> Value {
        let x = self.make_with(What::One(&ROUNDPD), &[x], 11);
        let x = self.least(DType::F64, x, most);
        let scale = self.float(DType::F64, power(-32));
        let high = self.make(What::Either(&MULPD), &[x, scale]);
        let high = self.make_with(What::One(&ROUNDPD), &[high], 9);
        let scale = self.float(DType::F64, power(32));
        let low = self.make(What::Fused(&FUSED[1][1][0]), &[high, scale, x]);
        let (near, magic) = (self.float(DType::F64, power(52)), self.float(DType::F64, magic));
        let low = self.make(What::Either(&ADDPD), &[low, near]);
        let high = self.make(What::Either(&ADDPD), &[high, magic]);
        let high = self.make_with(What::Shift(&PSLLQ), &[high], 32);
        self.make_with(What::Two(&PBLENDD), &[high, low], 0b0101_0101)
    }

    /// At 2^63 this returns the least integer.
    fn i64_of(&mut self, x: Value) -> Value {
        let x = self.zero_for_nan(DType::F64, x);
        let inside = self.greatest(DType::F64, x, -power(63));
        let made = self.halves_of(inside, power(63), 1.5 * power(52));
        self.saturate(DType::F64, power(63), 3, x, made)
    }

    fn u64_of(&mut self, x: Value) -> Value {
        let x = self.greatest(DType::F64, x, 0.0);
        let bound = power(64);
        let made = self.halves_of(x, bound, power(52));
        let bound = self.float(DType::F64, bound);
        let over = self.make_with(What::Two(&CMPPD), &[x, bound], AT_LEAST);
        self.logic(Op::BitOr, 3, made, over)
    }

    /// Float to integers of 8 and 16 bits, by way of 32 bits.
    fn narrow_of(&mut self, from: DType, to: DType, x: Value) -> Value {
        let bits = to.bits();
        let signed = to.is_signed_int();
        let (least, most) = match signed {
            true => (-power(bits as i32 - 1), power(bits as i32 - 1) - 1.0),
            false => (0.0, power(bits as i32) - 1.0),
        };
        if self.is_zmm() && !signed {
            let x = self.u32_of(from, x);
            return match to.size() {
                1 => self.make(What::Narrow(&PMOVUSDB), &[x]),
                _ => self.make(What::Narrow(&PMOVUSDW), &[x]),
            };
        }
        let x = if signed { self.zero_for_nan(from, x) } else { x };
        let x = self.greatest(from, x, least);
        let x = self.least(from, x, most);
        let row = if from == DType::F32 { &PS_TO_DQ } else { &PD_TO_DQ };
        let x = self.make(What::One(row), &[x]);
        self.truncate(4, to.size(), x)
    }
}
