//! `sinh`, `cosh`, `tanh`, `sigmoid`.
//!
//! Method: as in exp.rs, |x| = n ln(2)/N + r. With S = 2^(n/N), S' = 2^(-n/N), A = (S - S') / 2 and
//! B = (S + S') / 2,
//!
//! ```text
//! sinh |x| = A + B r + A (cosh r - 1) + B (sinh r - r)
//! cosh |x| = B + A sinh r + B (cosh r - 1)
//! ```
//!
//! With t = e^(-2|x|) - 1, tanh |x| = -t / (t + 2). With e = e^-|x| the sigmoid is 1 / (1 + e), or
//! e / (1 + e) for negative x. The numerator t and the denominator d are sums of two numbers, and the
//! quotient q = t (1 / d) is corrected by (t - q d) / d, with one division: 0.5 + 0.1 ULP. From 19.07 on
//! tanh rounds to 1.

use super::cores;
use super::exp::{self, Constants, Reduced, reduce_multiple};
use super::lanes::{Lanes, rarely};

/// The common parts of sinh and cosh.
struct Pair<L: Lanes> {
    n: L::F,
    t: L::F,
    /// S/2 and S'/2, each with its relative error.
    s: L::F,
    s_lack: L::F,
    inv: L::F,
    inv_lack: L::F,
    /// A and B, each with its rounding error.
    a: L::F,
    a_lost: L::F,
    b: L::F,
    b_lost: L::F,
}

/// The common parts for 0 <= x <= NORMAL.
#[inline(always)]
fn pair<L: Lanes<E: Constants>>(l: L, x: L::F) -> Pair<L> {
    // n - N for S/2, and -n - N for S'/2.
    let steps = L::E::STEPS;
    let Reduced { n, n_bits, t } = reduce_multiple(l, x, 1.0, x, f64::from(steps));
    let minus_n = l.isub(l.u(u64::from(2 * steps).wrapping_neg()), n_bits);
    let (s, s_lack) = exp::power(l, n_bits);
    let (inv, inv_lack) = exp::power(l, minus_n);
    let (a, a_lost) = l.fast_two_sum(s, l.neg(inv));
    let (b, b_lost) = l.fast_two_sum(s, inv);
    Pair { n, t, s, s_lack, inv, inv_lack, a, a_lost, b, b_lost }
}

#[inline(always)]
fn sinh<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let abs = l.abs(x);
    let [y] = rarely!(
        l,
        exp::beyond(l, x, L::E::NORMAL),
        {
            let far = exp::exp_any(l, abs, -1.0);
            let near = sinh_near(l, l.min(l.f(L::E::NORMAL), abs));
            let y = l.select(l.le(abs, l.f(L::E::NORMAL)), near, far);
            [l.canonical(l.flip(y, l.sign(x)))]
        },
        [l.flip(sinh_near(l, abs), l.sign(x))]
    );
    y
}

#[inline(always)]
fn sinh_near<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let Pair { n, t, s, s_lack, inv, inv_lack, a, a_lost, b, b_lost } = pair(l, x);
    let z = l.mul(t, t);
    let (hi, lost) = l.fast_two_fma(b, t, a);
    let lost = l.add(lost, a_lost);
    // The errors of t, S and S', times e^t and e^-t.
    let s_lack = l.mul(s, l.fnma(n, l.f(L::E::STEP[1]), s_lack));
    let inv_lack = l.mul(inv, l.fma(n, l.f(L::E::STEP[1]), inv_lack));
    let lack = l.fma(l.add(l.add(s_lack, inv_lack), b_lost), t, l.sub(s_lack, inv_lack));
    let rest = l.mul(l.mul(b, t), L::E::sinh(l, z));
    let rest = l.fma(a, L::E::cosh(l, z), rest);
    l.add(hi, l.fma(z, rest, l.add(lost, lack)))
}

#[inline(always)]
fn cosh<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let abs = l.abs(x);
    let [y] = rarely!(
        l,
        exp::beyond(l, x, L::E::NORMAL),
        {
            let far = exp::exp_any(l, abs, -1.0);
            let near = cosh_near(l, l.min(l.f(L::E::NORMAL), abs));
            [l.canonical(l.select(l.le(abs, l.f(L::E::NORMAL)), near, far))]
        },
        [cosh_near(l, abs)]
    );
    y
}

#[inline(always)]
fn cosh_near<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let Pair { n, t, s, s_lack, inv, inv_lack, a, b, b_lost, .. } = pair(l, x);
    let r = l.fnma(n, l.f(L::E::STEP[1]), t);
    let z = l.mul(r, r);
    let lack = l.fma(s, s_lack, l.fma(inv, inv_lack, b_lost));
    let ar = l.mul(a, r);
    let rest = l.fma(b, L::E::cosh(l, z), l.mul(ar, L::E::sinh(l, z)));
    l.add(b, l.fma(z, rest, l.add(ar, lack)))
}

#[inline(always)]
fn tanh<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let abs = l.min(l.f(20.0), l.abs(x));
    let (hi, lo) = exp::expm1_parts(l, reduce_multiple(l, abs, -2.0, l.mul(abs, l.f(-2.0)), 0.0));
    let y = fraction(l, (hi, lo), l.f(2.0), (hi, lo));
    l.with_sign(l.abs(y), l.sign(x))
}

#[inline(always)]
fn sigmoid<L: Lanes<E: Constants>>(l: L, x: L::F) -> L::F {
    let abs = l.min(l.f(L::E::NORMAL), l.abs(x));
    let (hi, lo) = exp::exp_parts(l, l.neg(abs));
    let one = l.f(1.0);
    let negative = l.lt(x, l.f(0.0));
    let n = (l.select(negative, hi, one), l.select(negative, lo, l.f(0.0)));
    let y = fraction(l, n, one, (hi, lo));
    let [y] = rarely!(
        l,
        exp::beyond(l, x, L::E::NORMAL),
        {
            // Above the bound 1 + e^-|x| rounds to 1.
            let far = l.min(one, exp::exp_any(l, x, 0.0));
            [l.canonical(l.select(l.le(l.abs(x), l.f(L::E::NORMAL)), y, far))]
        },
        [y]
    );
    y
}

/// n / (c + hi + lo), for a sum n of two numbers, c of 1 or 2, |hi| < 1.01 and |lo| < 0.03 |hi|.
#[inline(always)]
fn fraction<L: Lanes>(l: L, n: (L::F, L::F), c: L::F, (hi, lo): (L::F, L::F)) -> L::F {
    let d = l.add(l.add(c, hi), lo);
    // Both differences are exact: d - c is a multiple of an ulp of d, and near hi.
    let d_lo = l.add(l.sub(hi, l.sub(d, c)), lo);
    l.quotient(n, (d, d_lo), l.div(l.f(1.0), d))
}

cores! {
    /// The hyperbolic sine.
    Sinh = sinh(x) => CANONICAL;
    /// The hyperbolic cosine.
    Cosh = cosh(x) => CANONICAL;
    /// The hyperbolic tangent.
    Tanh = tanh(x);
    /// 1 / (1 + e^-x)
    Sigmoid = sigmoid(x) => CANONICAL;
}
