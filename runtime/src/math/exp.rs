//! `exp`, `exp2`, `expm1`.
//!
//! Method: x = k ln 2 + r with |r| <= ln(2)/2, k an integer; then e^x = 2^k e^r, and e^r - 1
//! is r + r^2 p(r) with p a minimax polynomial (its error 2^-61 relative to e^r). No table.
//!
//! Error: k LN2_HI is exact (LN2_HI has 42 bits, k 11), and so is its difference with x; what
//! r loses in rounding is kept in `e`. In 1 + (r + (r^2 p + e)) the first sum's rounding error
//! is added back, r^2 p is at most 0.07 with an error of 2^-57: all in all 0.5 + 0.15 ULP.
//! A subnormal result is rounded a second time, to j fewer bits, and the first rounding counts
//! 2^-j of what it did: less than 0.5 + 0.33 ULP.
//! expm1 keeps what its sums lose too, for they may cancel to half: 0.5 + 0.25 ULP.

use super::Core;
use super::lanes::Lanes;

const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 to 42 bits, and the rest.
const LN2: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];
/// ln 2 to 53 bits, and the rest.
const LN2_FULL: [f64; 2] = [std::f64::consts::LN_2, 2.3190468138462996e-17];
/// (exp(r) - 1 - r) / r^2 on |r| <= 0.347, relative to exp(r): error 2^-60.2 after rounding.
const EXP: [f64; 11] = [
    0.5,
    0.16666666666666682,
    0.04166666666666609,
    0.008333333333316888,
    0.0013888888889117697,
    0.0001984126989675658,
    2.4801586924062874e-05,
    2.755723448158035e-06,
    2.7557583053375643e-07,
    2.511217191661932e-08,
    2.082650945441085e-09,
];

/// The same without its first term.
const EXP_TAIL: [f64; 10] = {
    let mut tail = [0.0; 10];
    let mut i = 0;
    while i < 10 {
        tail[i] = EXP[i + 1];
        i += 1;
    }
    tail
};

/// An argument taken apart: 2^k e^(r + e), e the rounding error of r.
#[derive(Clone, Copy)]
struct Reduced<F> {
    k: F,
    /// k + MAGIC
    k_magic: F,
    r: F,
    e: F,
}

/// x = k ln 2 + r + e, for |x| < 2000.
#[inline(always)]
fn reduce<L: Lanes<E = f64>>(l: L, x: L::F) -> Reduced<L::F> {
    let k_magic = l.fma(x, l.f(LOG2_E), l.magic());
    let k = l.sub(k_magic, l.magic());
    let t = l.fnma(k, l.f(LN2[0]), x);
    let r = l.fnma(k, l.f(LN2[1]), t);
    let e = l.fnma(k, l.f(LN2[1]), l.sub(t, r));
    Reduced { k, k_magic, r, e }
}

/// 2^k e^(r + e)
#[inline(always)]
fn finish<L: Lanes<E = f64>>(l: L, Reduced { k, r, e, .. }: Reduced<L::F>) -> L::F {
    let rr = l.mul(r, r);
    let tail = l.fma(rr, l.poly(r, rr, &EXP), l.fma(e, r, e));
    let sum = l.add(l.f(1.0), r);
    let lost = l.sub(r, l.sub(sum, l.f(1.0)));
    l.scale(l.add(sum, l.add(lost, tail)), k)
}

/// e^x
pub(super) struct Exp;

impl Core<1> for Exp {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        // Beyond the bounds the result overflows or vanishes by itself.
        let x = l.max(l.f(-746.0), l.min(l.f(710.0), x));
        finish(l, reduce(l, x))
    }
}

/// 2^x
pub(super) struct Exp2;

impl Core<1> for Exp2 {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let x = l.max(l.f(-1076.0), l.min(l.f(1025.0), x));
        let k_magic = l.add(x, l.magic());
        let k = l.sub(k_magic, l.magic());
        let f = l.sub(x, k); // exact
        let r = l.mul(f, l.f(LN2_FULL[0]));
        let e = l.fnma(f, l.f(LN2_FULL[0]), r);
        let e = l.sub(l.mul(f, l.f(LN2_FULL[1])), e);
        finish(l, Reduced { k, k_magic, r, e })
    }
}

/// `unit * (e^x - 1)` as a sum of two, |x| <= 710, and what it is made of; unit is 2^unit_exp.
///
/// With S = unit 2^k and q = e^r - 1 = qh + ql it is (S - unit) + S qh + S ql. The products are
/// exact, the sums keep what they lose: 2^-57 relative to the result.
#[inline(always)]
pub(super) fn expm1_parts<L: Lanes<E = f64>>(
    l: L,
    x: L::F,
    unit_exp: i64,
) -> (L::F, L::F, Parts<L>) {
    let unit = l.f(f64::from_bits(((1023 + unit_exp) as u64) << 52));
    let Reduced { k_magic, r, e, .. } = reduce(l, x);
    // q = r + r^2/2 + r^3 p, the first two terms exact.
    let rr = l.mul(r, r);
    let half = l.mul(rr, l.f(0.5));
    let lost = l.fma(l.fnma(r, r, rr), l.f(-0.5), l.fma(e, r, e));
    let tail = l.fma(l.mul(rr, r), l.poly(r, rr, &EXP_TAIL), lost);
    let sum = l.add(r, half);
    let tail = l.add(l.sub(half, l.sub(sum, r)), tail);
    let qh = l.add(sum, tail);
    let ql = l.sub(tail, l.sub(qh, sum));
    let s = l.pow2(k_magic, unit_exp);
    let sqh = l.mul(s, qh);
    let sql = l.mul(s, ql);
    // S - unit loses bits if S is over 2^53 unit; if it is tiny they do not matter.
    let a = l.sub(s, unit);
    let a_lost = l.sub(l.sub(s, a), unit);
    let hi = l.add(a, sqh);
    let lost = l.sub(sqh, l.sub(hi, a));
    (hi, l.add(lost, l.add(sql, a_lost)), Parts { s, sqh, sql })
}

/// The pieces of e^x - 1 that are worth using again.
pub(super) struct Parts<L: Lanes> {
    /// unit 2^k
    pub(super) s: L::F,
    /// unit 2^k (e^r - 1), as a sum of two.
    pub(super) sqh: L::F,
    pub(super) sql: L::F,
}

/// e^x - 1
pub(super) struct Expm1;

impl Core<1> for Expm1 {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        // Below -38 the result rounds to -1. Half of it is computed, so that 2^k is finite.
        let near = l.max(l.f(-50.0), l.min(l.f(710.0), x));
        let (hi, lo, _) = expm1_parts(l, near, -1);
        let half = l.add(hi, lo);
        // A tiny x is its own result: -0 and subnormals, which half would round.
        let tiny = l.lt(l.abs(x), l.f(1.0 / (1u64 << 54) as f64));
        l.select(tiny, x, l.add(half, half))
    }
}
