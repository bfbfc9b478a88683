//! `tanh`.
//!
//! Method: with t = e^(2|x|) - 1, tanh |x| = t / (t + 2). Both are sums of two (see exp.rs), and
//! so the quotient q = t (1 / d), d = t + 2, is corrected by its remainder (t - q d) / d: one
//! division, 0.5 + 0.1 ULP. From 19.07 on the result rounds to 1.

use super::Core;
use super::exp::expm1_parts;
use super::lanes::Lanes;

/// The hyperbolic tangent.
pub(super) struct Tanh;

impl Core<1> for Tanh {
    #[inline(always)]
    fn f64<L: Lanes<E = f64>>(l: L, [x]: [L::F; 1]) -> L::F {
        let abs = l.min(l.f(20.0), l.abs(x));
        let (th, tl, parts) = expm1_parts(l, l.add(abs, abs), 0);
        // t + 2 = (2^k + 1) + 2^k q, what the sums lose kept.
        let one = l.f(1.0);
        let a = l.add(parts.s, one);
        let a_lost = l.sub(one, l.sub(a, parts.s));
        let dh = l.add(a, parts.sqh);
        let dl = l.add(l.sub(parts.sqh, l.sub(dh, a)), l.add(parts.sql, a_lost));
        l.flip(quotient(l, th, tl, dh, dl), l.sign(x))
    }
}

/// (nh + nl) / (dh + dl)
#[inline(always)]
pub(super) fn quotient<L: Lanes<E = f64>>(l: L, nh: L::F, nl: L::F, dh: L::F, dl: L::F) -> L::F {
    let inv = l.div(l.f(1.0), dh);
    let q = l.mul(nh, inv);
    let rest = l.add(l.fnma(q, dh, nh), l.fnma(q, dl, nl));
    l.fma(rest, inv, q)
}
