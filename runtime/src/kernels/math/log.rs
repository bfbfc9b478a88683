//! `log`, `log2`, `log10`, `log1p`.
//!
//! Method (f64): x = 2^k m with m in [0.703125, 1.40625). A table of 16 intervals gives a c near 1/m
//! with few enough bits that r = m c - 1 is exact, |r| <= 0.0342. Then
//! ln x = (k ln 2 - ln c) + r + r^2 P(r) with a minimax polynomial P (error 2^-61 of the result).
//! One interval, with c = 1, contains 1 in its interior, so that nothing cancels near 1. The quotient r
//! by a table is an idea of Tang's (1990).
//!
//! Error: the high parts of ln 2 and ln c have 42 bits after the point, so k ln 2 - ln c is exact in
//! these parts. It is 0 or larger than r. The rounding error of its sum with r is added back, and r^2 P is
//! at most 0.02 of the result: 0.52 ULP measured. Other bases have their own tables and multiply r by a
//! constant in two parts in a fused sum, whose rounding error a second fused sum gives: the same error.
//! Powers of two have r = 0, so log2 gives k itself.
//! For log1p, 1 + x = u + lost is exact. `lost`, scaled like u and divided by 1 + r, is added to the low
//! parts: 0.66 ULP measured, at an x for which u is 1 plus an ulp.
//!
//! In f32 there are no low parts. Some of the numbers near 1/m have logarithms that differ from a
//! multiple of 2^-16 by only about 2^-32 (an idea of Gal's), and with such a c the sum k ln 2 - ln c is
//! exact. r = m c - 1 and ln(1 + r) are rounded, but both are small compared to the result: four intervals
//! around 1 have c = 1, |r| <= 0.0983, and the script that makes the table chooses the other c for
//! that. Measured over all arguments: log 0.77 ULP, log2 0.72, log10 0.75, log1p 0.77.
//!
//! Arguments that are not positive normal numbers are rare. One test finds them, and only then are
//! subnormals scaled and special values selected.

use super::lanes::{Element, Lanes, Rows, rarely};
use super::{Core, cores};

/// The start of the first interval of m.
pub(super) const FROM: f64 = 0.703125;
/// c for each interval.
pub(super) const C: [f64; 16] = [
    1.375, 1.34375, 1.28125, 1.21875, 1.1875, 1.15625, 1.09375, 1.0625, 1.03125, 1.0, 0.9375,
    0.890625, 0.84375, 0.796875, 0.765625, 0.71875,
];
/// For each of 16 intervals of m, by the leading bits of its place: c near 1/m, about a multiple of
/// 1/64, -ln c to 42 bits after the point, and its low part.
const LN_TABLE: &Rows<f64, 16, 4> = &Rows::new([
    C,
    [
        -0.31845373111855224,
        -0.2954642128938758,
        -0.2478361639045943,
        -0.19782574332998593,
        -0.17185025692674571,
        -0.14518200984457508,
        -0.08961215868976069,
        -0.06062462181648698,
        -0.03077165866670839,
        0.0,
        0.0645385211375924,
        0.11583181552509814,
        0.16989903679541385,
        0.22705745063535687,
        0.2670627852489815,
        0.33024168687052224,
    ],
    [
        1.7625431312172662e-14,
        3.993416384387844e-14,
        1.3029797173308663e-14,
        6.604544877082384e-14,
        8.649239607212071e-14,
        7.718001336828099e-14,
        7.355770219435029e-14,
        5.213620639136504e-14,
        -4.529814257790929e-14,
        0.0,
        -2.1225608044809997e-14,
        2.3568822182038756e-14,
        -1.6376276414097503e-14,
        -1.078736749871691e-14,
        6.371947269815667e-14,
        5.4612144489920215e-14,
    ],
    [0.0; 16],
]);
/// The table for log2.
const LOG2_TABLE: &Rows<f64, 16, 4> = &Rows::new([
    C,
    [
        -0.4594316186373817,
        -0.4262647547020606,
        -0.3575520046181282,
        -0.2854022188621457,
        -0.24792751344352837,
        -0.2094533656288604,
        -0.12928301694500988,
        -0.0874628412502716,
        -0.04439411935845783,
        0.0,
        0.09310940439149817,
        0.16710998583516812,
        0.2451124978365442,
        0.3275746580284249,
        0.3852901558848316,
        0.47643804394306244,
    ],
    [
        8.443284155858175e-14,
        -3.733907276649932e-14,
        4.450095846656107e-14,
        -1.02668366941445e-13,
        -5.712484083531846e-14,
        -8.937120568078598e-14,
        4.3421195976986995e-14,
        -6.781363655020842e-14,
        4.390985973169353e-15,
        0.0,
        -1.6703260328550802e-14,
        9.02069790225012e-14,
        -1.275189131300513e-14,
        7.951818330761124e-14,
        -3.983479855974919e-14,
        -7.531150579247643e-14,
    ],
    [0.0; 16],
]);
/// The table for log10.
const LOG10_TABLE: &Rows<f64, 16, 4> = &Rows::new([
    C,
    [
        -0.13830269816617147,
        -0.12831847725965417,
        -0.10763387839983807,
        -0.08591462870663236,
        -0.07463361829695714,
        -0.06305174574708872,
        -0.03891806603041914,
        -0.026328938722372186,
        -0.013363961558070514,
        0.0,
        0.02802872360030051,
        0.05030511831137119,
        0.07378621416091846,
        0.09860979788595614,
        0.11598389395544473,
        0.14342214230237005,
    ],
    [
        -1.0998794445193693e-13,
        -2.6376941728557574e-14,
        8.549266888283615e-15,
        3.912619221171875e-14,
        5.295754592095892e-14,
        -3.0414152859579186e-16,
        4.948115870926483e-14,
        2.303833573367737e-14,
        8.901202535016551e-14,
        0.0,
        -5.697035970961075e-14,
        2.45838402798293e-14,
        2.023262471821997e-16,
        -5.3353699074522504e-15,
        -7.121804988774013e-14,
        -5.695092715108574e-14,
    ],
    [0.0; 16],
]);
/// ln 2 in two parts, the first of 42 bits.
pub(super) const LN2: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];
/// log10(2) in two parts, the first of 42 bits.
const LOG10_2: [f64; 2] = [0.30102999566395283, 2.8363394551044964e-14];
/// 1 / ln 2 in two parts.
pub(super) const INV_LN2: [f64; 2] = [std::f64::consts::LOG2_E, 2.0355273740931033e-17];
/// 1 / ln 10 in two parts.
const INV_LN10: [f64; 2] = [std::f64::consts::LOG10_E, 1.098319650216765e-17];
/// (ln(1 + r) - r) / r^2, |r| <= 0.0342: error 2^-61 of the result after rounding.
const LOG: [f64; 9] = [
    -0.5,
    0.33333333333332144,
    -0.24999999999998318,
    0.20000000009884406,
    -0.16666666678326658,
    0.14285688767087332,
    -0.12499973151545629,
    0.1113706707023681,
    -0.10025225730348337,
];
/// The polynomial for log2: error 2^-60.9.
const LOG2: [f64; 9] = [
    -0.7213475204444817,
    0.48089834696297107,
    -0.3606737602222849,
    0.28853900831855955,
    -0.24044917349513334,
    0.20609892579009165,
    -0.18033663647898315,
    0.1606729376018025,
    -0.14458622616506828,
];
/// The polynomial for log10: error 2^-60.9.
const LOG10: [f64; 9] = [
    -0.2171472409516259,
    0.14476482730107912,
    -0.10857362047583823,
    0.08685889642211461,
    -0.07238241363475036,
    0.06204195992448604,
    -0.05428675021892642,
    0.04836688820987539,
    -0.043521756347741726,
];

/// The bits of the start of the first interval of m in f32.
const FROM_32: u64 = 0x3f349518;
/// c, a number near 1/m, for each of 16 intervals of m.
static C_LN_32: [f32; 16] = [
    1.3889346, 1.3258566, 1.2691629, 1.2249639, 1.195365, 1.1174376, 1.0909028, 1.0, 1.0, 1.0, 1.0,
    0.8867353, 0.84178895, 0.8002678, 0.7556463, 0.7265316,
];
/// -ln c of each of them, a multiple of 2^-16.
static LN_C_32: [f32; 16] = [
    -0.328537,
    -0.28205872,
    -0.23835754,
    -0.20291138,
    -0.17845154,
    -0.11103821,
    -0.087005615,
    0.0,
    0.0,
    0.0,
    0.0,
    0.12020874,
    0.17222595,
    0.22280884,
    0.28018188,
    0.31947327,
];
/// The table for log2.
static C_LOG2_32: [f32; 16] = [
    1.3769602, 1.3306862, 1.287301, 1.2302879, 1.1774302, 1.1422507, 1.0971483, 1.0, 1.0, 1.0, 1.0,
    0.8828942, 0.8445597, 0.80093026, 0.7621539, 0.7301345,
];
static LOG2_C_32: [f32; 16] = [
    -0.46148682,
    -0.4121704,
    -0.36434937,
    -0.29899597,
    -0.23564148,
    -0.19187927,
    -0.13375854,
    0.0,
    0.0,
    0.0,
    0.0,
    0.1796875,
    0.24372864,
    0.32025146,
    0.3918457,
    0.45376587,
];
/// The table for log10.
static C_LOG10_32: [f32; 16] = [
    1.3737056, 1.31764, 1.281705, 1.2316424, 1.1863245, 1.1330394, 1.1114718, 1.0, 1.0, 1.0, 1.0,
    0.88463086, 0.8397472, 0.79270005, 0.7662203, 0.7290586,
];
static LOG10_C_32: [f32; 16] = [
    -0.13789368,
    -0.11979675,
    -0.107788086,
    -0.09048462,
    -0.07420349,
    -0.054244995,
    -0.045898438,
    0.0,
    0.0,
    0.0,
    0.0,
    0.053237915,
    0.07585144,
    0.10089111,
    0.11564636,
    0.13723755,
];
/// ln 2 in two parts, the first a multiple of 2^-16.
const LN2_32: [f64; 2] = [0.693145751953125, 1.428606765330187e-06];
/// log10(2) in two parts, the first a multiple of 2^-16.
const LOG10_2_32: [f64; 2] = [0.301025390625, 4.605039066518657e-06];
/// 1 / ln 2 in two parts, the first of 24 bits.
const INV_LN2_32: [f64; 2] = [1.4426950216293335, 2.1345585e-08];
/// 1 / ln 10 in two parts, the first of 24 bits.
const INV_LN10_32: [f64; 2] = [0.4342944920063019, -9.475115e-09];
/// (ln(1 + r) - r) / r^2, -0.0767 <= r <= 0.0984: error 2^-28.7 of the result.
const LOG_32: [f64; 5] = [-0.49999994, 0.3333306, -0.25005352, 0.20129152, -0.15933284];
/// The polynomial for log2: error 2^-28.9.
const LOG2_32: [f64; 5] = [-0.7213474, 0.48089325, -0.36076218, 0.29053545, -0.22946689];
/// The polynomial for log10: error 2^-28.9.
const LOG10_32: [f64; 5] = [-0.2171472, 0.1447633, -0.108600594, 0.08745779, -0.06903911];

/// A number in parts: 2^k m.
#[derive(Clone, Copy)]
pub(super) struct Split<L: Lanes> {
    /// k times 2^MANTISSA
    pub(super) k: L::F,
    pub(super) m: L::F,
    /// The bits of x minus those of the start of the intervals: k, then the place of m in them.
    pub(super) place: L::U,
    /// 2^-k, unless k is the greatest exponent.
    down: L::F,
}

impl<L: Lanes> Split<L> {
    /// The parts with `k` added to the exponent where `m` is true.
    #[inline(always)]
    pub(super) fn raised(self, l: L, m: L::M, k: f64) -> Split<L> {
        let unit = (1u64 << L::E::MANTISSA) as f64;
        Split { k: l.select(m, l.add(self.k, l.f(k * unit)), self.k), ..self }
    }
}

/// Splits a positive normal number, with m in [from, 2 from); `from` has the bits of that bound.
#[inline(always)]
pub(super) fn split<L: Lanes>(l: L, x: L::F, from: u64) -> Split<L> {
    let place = l.isub(l.bits(x), l.u(from));
    // k in the bits of the exponent.
    let step = l.and(place, l.u(L::E::INFINITY | L::E::SIGN));
    let m = l.float(l.isub(l.bits(x), step));
    let down = l.float(l.isub(l.u(L::E::BIAS << L::E::MANTISSA), step));
    Split { k: l.integer(step), m, place, down }
}

/// As [`split`], for subnormal x too, where `unusual` is true.
#[inline(always)]
pub(super) fn split_all<L: Lanes>(l: L, x: L::F, unusual: L::M, from: u64) -> Split<L> {
    let least = l.float(l.u(1 << L::E::MANTISSA));
    let [scaled] = rarely!(
        l,
        unusual,
        {
            let up = l.mul(x, l.f((4u64 << L::E::MANTISSA) as f64));
            [l.select(l.lt(x, least), up, x)]
        },
        [x]
    );
    let split = split(l, scaled, from);
    let [k] = rarely!(
        l,
        unusual,
        [split.raised(l, l.lt(x, least), -f64::from(L::E::MANTISSA + 2)).k],
        [split.k]
    );
    Split { k, ..split }
}

/// `y` where x is positive and finite, otherwise the logarithm of `x`, whose NaNs are canonical.
/// `unusual` is true where x is not a positive normal number.
#[inline(always)]
fn special<L: Lanes>(l: L, x: L::F, y: L::F, unusual: L::M) -> L::F {
    let [y] = rarely!(
        l,
        unusual,
        {
            let zero = l.f(0.0);
            let y = l.select(l.lt(x, l.f(f64::INFINITY)), y, x); // for infinity and NaN
            let y = l.select(l.eq(x, zero), l.f(f64::NEG_INFINITY), y);
            [l.canonical(l.select(l.lt(x, zero), l.f(f64::NAN), y))]
        },
        [y]
    );
    y
}

/// The tables and constants of a logarithm.
pub(super) struct Base {
    table: &'static Rows<f64, 16, 4>,
    /// The logarithm of 2.
    two: [f64; 2],
    /// The logarithm of e.
    e: [f64; 2],
    tail: [f64; 9],
}

pub(super) const E: Base =
    Base { table: LN_TABLE, two: both_scaled(LN2, 52), e: [1.0, 0.0], tail: LOG };
pub(super) const TWO: Base =
    Base { table: LOG2_TABLE, two: both_scaled([1.0, 0.0], 52), e: INV_LN2, tail: LOG2 };
const TEN: Base =
    Base { table: LOG10_TABLE, two: both_scaled(LOG10_2, 52), e: INV_LN10, tail: LOG10 };

/// The logarithm of 2, for exponents that are multiplied by 2^MANTISSA.
const fn both_scaled(two: [f64; 2], mantissa: u32) -> [f64; 2] {
    [scaled(two[0], mantissa), scaled(two[1], mantissa)]
}

/// A part of the logarithm of 2, for exponents that are multiplied by 2^MANTISSA.
pub(super) const fn scaled(two: f64, mantissa: u32) -> f64 {
    two / (1u64 << mantissa) as f64
}

/// c of the interval of m, and -log c in two parts.
#[inline(always)]
fn quotient<L: Lanes<E = f64>>(l: L, place: L::U, base: &Base) -> (L::F, [L::F; 2]) {
    let [c, high, low, _] = l.row(base.table, l.shr(place, 48));
    (c, [high, low])
}

/// The logarithm of 2^k (1 + r + r_lo) / c as a sum of two numbers, from -log c in two parts.
#[inline(always)]
fn log_parts<L: Lanes<E = f64>>(
    l: L,
    k: L::F,
    [high, mut low]: [L::F; 2],
    r: L::F,
    r_lo: Option<L::F>,
    base: &Base,
) -> (L::F, L::F) {
    let rr = l.mul(r, r);
    let poly = l.poly(r, rr, &base.tail);
    if let Some(r_lo) = r_lo {
        let r_lo = l.fnma(r, r_lo, r_lo); // over 1 + r
        low = if base.e[0] == 1.0 { l.add(low, r_lo) } else { l.fma(r_lo, l.f(base.e[0]), low) };
    }
    let (hi, lost);
    if base.e[0] == 1.0 {
        let whole = l.fma(k, l.f(base.two[0]), high);
        hi = l.add(whole, r);
        lost = l.add(l.sub(whole, hi), r);
        low = l.fma(k, l.f(base.two[1]), low);
    } else {
        let whole = l.fma(k, l.f(base.two[0]), high);
        if base.two[1] != 0.0 {
            low = l.fma(k, l.f(base.two[1]), low);
        }
        hi = l.fma(r, l.f(base.e[0]), whole);
        lost = l.fma(r, l.f(base.e[0]), l.sub(whole, hi));
        low = l.fma(r, l.f(base.e[1]), low);
    }
    (hi, l.add(lost, l.fma(rr, poly, low)))
}

/// [`log_parts`], rounded.
#[inline(always)]
fn log_of<L: Lanes<E = f64>>(
    l: L,
    k: L::F,
    log_c: [L::F; 2],
    r: L::F,
    r_lo: Option<L::F>,
    base: &Base,
) -> L::F {
    let (hi, lo) = log_parts(l, k, log_c, r, r_lo, base);
    l.add(hi, lo)
}

/// The logarithm of u + lost as a sum of two numbers, for u from 1 to 2 and `lost` of at most an ulp of u.
#[inline(always)]
pub(super) fn log_sum_parts<L: Lanes<E = f64>>(
    l: L,
    u: L::F,
    lost: L::F,
    base: &Base,
) -> (L::F, L::F) {
    let Split { k, m, place, down } = split(l, u, FROM.to_bits());
    let (c, log_c) = quotient(l, place, base);
    let r = l.fms(m, c, l.f(1.0));
    log_parts(l, k, log_c, r, Some(l.mul(lost, l.mul(down, c))), base)
}

/// The logarithm of any x.
#[inline(always)]
fn log<L: Lanes<E = f64>>(l: L, x: L::F, base: &Base) -> L::F {
    let unusual = l.unusual(x);
    let Split { k, m, place, .. } = split_all(l, x, unusual, FROM.to_bits());
    let (c, log_c) = quotient(l, place, base);
    let r = l.fms(m, c, l.f(1.0));
    special(l, x, log_of(l, k, log_c, r, None, base), unusual)
}

/// The tables and constants of a logarithm in f32.
struct Base32 {
    c: &'static [f32; 16],
    /// -log c
    log_c: &'static [f32; 16],
    /// The logarithm of 2.
    two: [f64; 2],
    /// The logarithm of e.
    e: [f64; 2],
    tail: [f64; 5],
}

const E_32: Base32 = Base32 {
    c: &C_LN_32,
    log_c: &LN_C_32,
    two: both_scaled(LN2_32, 23),
    e: [1.0, 0.0],
    tail: LOG_32,
};
const TWO_32: Base32 = Base32 {
    c: &C_LOG2_32,
    log_c: &LOG2_C_32,
    two: both_scaled([1.0, 0.0], 23),
    e: INV_LN2_32,
    tail: LOG2_32,
};
const TEN_32: Base32 = Base32 {
    c: &C_LOG10_32,
    log_c: &LOG10_C_32,
    two: both_scaled(LOG10_2_32, 23),
    e: INV_LN10_32,
    tail: LOG10_32,
};

/// The logarithm of 2^k (1 + r + r_lo) / c, for the interval i.
#[inline(always)]
fn log_of_32<L: Lanes<E = f32>>(
    l: L,
    k: L::F,
    i: L::U,
    r: L::F,
    r_lo: Option<L::F>,
    base: &Base32,
) -> L::F {
    let poly = l.horner(r, &base.tail);
    let mut near = if let Some(r_lo) = r_lo {
        let r_lo = l.fnma(r, r_lo, r_lo); // over 1 + r
        l.add(r, l.fma(l.mul(r, r), poly, r_lo))
    } else if base.e[0] == 1.0 {
        l.fma(l.mul(r, r), poly, r)
    } else {
        l.fma(r, l.f(base.e[0]), l.mul(r, l.fma(r, poly, l.f(base.e[1]))))
    };
    if base.two[1] != 0.0 {
        near = l.fma(k, l.f(base.two[1]), near);
    }
    // The first operand is exact.
    l.add(l.fma(k, l.f(base.two[0]), l.table(base.log_c, i)), near)
}

/// The logarithm of any x.
#[inline(always)]
fn log_32<L: Lanes<E = f32>>(l: L, x: L::F, base: &Base32) -> L::F {
    let unusual = l.unusual(x);
    let Split { k, m, place, .. } = split_all(l, x, unusual, FROM_32);
    let i = l.shr(place, 19);
    let r = l.fms(m, l.table(base.c, i), l.f(1.0));
    special(l, x, log_of_32(l, k, i, r, None, base), unusual)
}

/// The natural logarithm of a sum, for other functions.
pub(super) trait Natural: Element {
    /// The bits of the start of the intervals of m.
    const FROM: u64;
    /// ln(u + lost), for the parts of u below half of the largest float, and `lost` of at most an ulp of u.
    fn ln_sum<L: Lanes<E = Self>>(l: L, u: Split<L>, lost: L::F) -> L::F;
}

impl Natural for f64 {
    const FROM: u64 = FROM.to_bits();

    #[inline(always)]
    fn ln_sum<L: Lanes<E = f64>>(l: L, u: Split<L>, lost: L::F) -> L::F {
        let (c, log_c) = quotient(l, u.place, &E);
        let r = l.fms(u.m, c, l.f(1.0));
        let r_lo = l.mul(lost, l.mul(u.down, c));
        log_of(l, u.k, log_c, r, Some(r_lo), &E)
    }
}

impl Natural for f32 {
    const FROM: u64 = FROM_32;

    #[inline(always)]
    fn ln_sum<L: Lanes<E = f32>>(l: L, u: Split<L>, lost: L::F) -> L::F {
        let i = l.shr(u.place, 19);
        let c = l.table(&C_LN_32, i);
        let r = l.fms(u.m, c, l.f(1.0));
        log_of_32(l, u.k, i, r, Some(l.mul(lost, l.mul(u.down, c))), &E_32)
    }
}

/// The natural logarithm.
pub(super) struct Log;

impl Core<1> for Log {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        log(l, x, &E)
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        log_32(l, x, &E_32)
    }
}

/// The logarithm to base 2.
pub(super) struct Log2;

impl Core<1> for Log2 {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        log(l, x, &TWO)
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        log_32(l, x, &TWO_32)
    }
}

/// The logarithm to base 10.
pub(super) struct Log10;

impl Core<1> for Log10 {
    const CANONICAL: bool = true;

    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        log(l, x, &TEN)
    }

    #[inline(always)]
    fn f32<L: Lanes<E = f32>>(l: L, [x]: [L::F; 1]) -> L::F {
        log_32(l, x, &TEN_32)
    }
}

/// The rounded sum 1 + x and its rounding error, for x > -1. From 2^(MANTISSA + 1) on the latter may be
/// wrong by an ulp, which does not matter there.
#[inline(always)]
pub(super) fn one_plus<L: Lanes>(l: L, x: L::F) -> (L::F, L::F) {
    let u = l.add(l.f(1.0), x);
    (u, l.sub(x, l.sub(u, l.f(1.0))))
}

/// The parts of u and `lost` for [`ln_sum`], also for u that is too large for it, where `unusual` is true.
#[inline(always)]
fn split_sum<L: Lanes>(l: L, u: L::F, lost: L::F, unusual: L::M, from: u64) -> (Split<L>, L::F) {
    let bound = l.float(l.u((2 * L::E::BIAS - 4) << L::E::MANTISSA));
    let [near, lost] = rarely!(
        l,
        unusual,
        {
            let large = l.lt(bound, u);
            [l.select(large, l.mul(u, l.f(0.25)), u), l.select(large, l.f(0.0), lost)]
        },
        [u, lost]
    );
    let split = split(l, near, from);
    let [k] = rarely!(l, unusual, [split.raised(l, l.lt(bound, u), 2.0).k], [split.k]);
    (Split { k, ..split }, lost)
}

#[inline(always)]
fn log1p<L: Lanes<E: Natural>>(l: L, x: L::F) -> L::F {
    let (u, lost) = one_plus(l, x);
    let unusual = l.unusual(l.add(u, u));
    let (near, lost) = split_sum(l, u, lost, unusual, L::E::FROM);
    let y = l.with_sign(L::E::ln_sum(l, near, lost), l.sign(x)); // for -0
    special(l, u, y, unusual)
}

cores! {
    /// ln(1 + x)
    Log1p = log1p(x) => CANONICAL;
}
