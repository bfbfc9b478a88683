//! `arcsin`, `arccos`, `arctan`, `arctan2`.
//!
//! arctan: for the angle of the point (b, a), with a and b positive, a table gives c, and
//! atan(a / b) = atan(c) + atan(t), t = (a - c b) / (b + c a), |t| <= 0.115, where atan(t) is a short
//! polynomial (minimax, error 2^-60 in f64). The index of c is the difference of the bits of a and b,
//! which approximates the logarithm of the quotient to 0.087 (Mitchell, 1962). There are 15 intervals
//! of half a binade, from c = 0 below 0.094 to c = 15 above 7.5. The values of c were found by a
//! search for arctangents that a float represents to 11 more bits.
//! Error: if c is not 0, |t| is below a quarter of the result, so its three roundings are at most
//! 0.4 ULP of it. If c is 0, t is exact for `arctan`, and `arctan2` adds the remainder of the division.
//! The rounding errors of the other sums are added back.
//!
//! `arctan2` requires that products and remainders are in range, so extreme, zero and infinite
//! arguments are first replaced by scaled ones.
//!
//! arcsin: for a = |x| up to 1/2 it is a + a^3 P(a^2) (minimax, error 2^-55.5 in f64), and above
//! asin(a) = pi/2 - 2 asin(s), s = sqrt((1 - a) / 2), with the same polynomial. The rounding error of
//! s, which is the remainder of s^2 over 2 s, is added back; a reciprocal with an error of 5 % is
//! enough for it. arccos consists of the same parts. Error: a^3 P is below 0.05 and below a tenth of
//! the result, so 0.5 + 0.25 ULP.

use super::cores;
use super::lanes::{Element, Lanes, Rows, power_of_two, rarely};

/// The constants of a float type. The polynomials are minimax.
struct Arcs<E: 'static, const T: usize, const S: usize> {
    /// For each interval c and its arctangent. Intervals have the numbers -8 to 6, modulo 16.
    centers: &'static Rows<E, 16, 2>,
    /// (atan(t) / t - 1) / z, z = t^2, |t| <= 0.115
    arctan: [f64; T],
    /// (asin(s) / s - 1) / z, z = s^2 <= 1/4
    arcsin: [f64; S],
    /// pi/2 in two parts.
    half_pi: [f64; 2],
    /// pi in two parts.
    pi: [f64; 2],
    /// Numbers above it are extreme, and so are those below its inverse.
    reach: f64,
    /// The factors of extreme numbers up to 1, and of those above 1.
    up: f64,
    down: f64,
    /// Smaller quotients are equal to their arctangents.
    negligible: f64,
}

const F64_CENTERS: &Rows<f64, 16, 2> = &Rows::new([
    [
        1.18380387313363,
        1.6605530615301738,
        2.334394115763951,
        3.288975544987416,
        4.64142530021522,
        6.556500091715444,
        15.139407864429327,
        0.0,
        0.0,
        0.10791176780820448,
        0.1525203974699048,
        0.21545105981853033,
        0.3040460430069341,
        0.42837667951910346,
        0.6022090008244018,
        0.8447345229178892,
    ],
    [
        0.8693670972346444,
        1.0287541440379888,
        1.166069081482292,
        1.2756317122569207,
        1.358589075963315,
        1.4194423588210612,
        1.504839356687258,
        0.0,
        0.0,
        0.10749579465467653,
        0.15135396797382156,
        0.21220725083156294,
        0.29516461453797543,
        0.40472724531256654,
        0.5420421827569022,
        0.7014292295601962,
    ],
]);

const F64: &Arcs<f64, 6, 12> = &Arcs {
    centers: F64_CENTERS,
    arctan: [
        -0.3333333333333307,
        0.19999999999608267,
        -0.1428571409119778,
        0.11111066673654775,
        -0.09085768707816504,
        0.07398630247868661,
    ],
    arcsin: [
        0.16666666666665383,
        0.07500000000342946,
        0.044642856823534034,
        0.03038195933009534,
        0.022371753529558322,
        0.017359771347467017,
        0.013884592492671051,
        0.012173344743914306,
        0.006510445078439222,
        0.019575400719884048,
        -0.01629706714537838,
        0.031961501828246905,
    ],
    half_pi: [1.5707963267948966, 6.123233995736766e-17],
    pi: [3.141592653589793, 1.2246467991473532e-16],
    reach: power_of_two(500),
    up: power_of_two(600),
    down: power_of_two(-600),
    negligible: power_of_two(-100),
};

const F32_CENTERS: &Rows<f32, 16, 2> = &Rows::new([
    [
        1.1838138, 1.6604584, 2.3341224, 3.288975, 4.6414194, 6.5558524, 15.139313, 0.0, 0.0,
        0.10791567, 0.15253039, 0.21546069, 0.30406108, 0.4283672, 0.60219854, 0.84479094,
    ],
    [
        0.86937124, 1.028729, 1.166027, 1.2756317, 1.3585888, 1.4194276, 1.504839, 0.0, 0.0,
        0.10749965, 0.15136373, 0.21221645, 0.29517838, 0.40471923, 0.5420345, 0.70146215,
    ],
]);

const F32: &Arcs<f32, 3, 5> = &Arcs {
    centers: F32_CENTERS,
    arctan: [-0.33333328, 0.19997771, -0.14000696],
    arcsin: [0.16666754, 0.07495252, 0.04547604, 0.024152098, 0.04221179],
    half_pi: [1.5707964, -4.371139e-08],
    pi: [3.1415927, -8.742278e-08],
    reach: power_of_two(48),
    up: power_of_two(100),
    down: power_of_two(-60),
    negligible: power_of_two(-40),
};

/// An approximation of 1 / x with an error of at most 5 %, for a normal x of either sign; a large
/// number for 0. It uses the bits of x as an approximate logarithm.
#[inline(always)]
fn rough_inverse<L: Lanes>(l: L, x: L::F) -> L::F {
    let one_squared = (2 * L::E::BIAS) << L::E::MANTISSA;
    l.float(l.isub(l.u(one_squared - (1 << L::E::MANTISSA) / 10), l.bits(x)))
}

/// c and atan(c) for the point (b, a).
#[inline(always)]
fn center<L: Lanes, const T: usize, const S: usize>(
    l: L,
    c: &'static Arcs<L::E, T, S>,
    a: L::F,
    b: L::F,
) -> (L::F, L::F) {
    let a = l.max(l.mul(b, l.f(1.0 / 16.0)), l.min(l.mul(b, l.f(8.0)), a));
    let i = l.shr(l.isub(l.bits(a), l.bits(b)), L::E::MANTISSA - 1);
    l.row(c.centers, i).into()
}

/// base + atan(t) + low, where base is 0 or |base| > |t|.
#[inline(always)]
fn add_arctan<L: Lanes, const T: usize, const S: usize>(
    l: L,
    c: &Arcs<L::E, T, S>,
    base: L::F,
    t: L::F,
    low: Option<L::F>,
) -> L::F {
    let z = l.mul(t, t);
    let (sum, mut lost) = l.fast_two_sum(base, t);
    if let Some(low) = low {
        lost = l.add(lost, low);
    }
    l.add(sum, l.fma(l.mul(t, z), l.horner(z, &c.arctan), lost))
}

#[inline(always)]
fn arctan<L: Lanes, const T: usize, const S: usize>(
    l: L,
    c: &'static Arcs<L::E, T, S>,
    x: L::F,
) -> L::F {
    // Beyond the bound the result is pi/2. Infinity would give NaN.
    let a = l.min(l.f((1u64 << 60) as f64), l.abs(x));
    let (center, angle) = center(l, c, a, l.f(1.0));
    let t = l.div(l.sub(a, center), l.fma(center, a, l.f(1.0)));
    l.flip(add_arctan(l, c, angle, t, None), l.sign(x))
}

/// The angle of (b, a), or of (-b, a) where `west` is negative; a and b are positive and not extreme.
#[inline(always)]
fn angle<L: Lanes, const T: usize, const S: usize>(
    l: L,
    c: &'static Arcs<L::E, T, S>,
    [a, b]: [L::F; 2],
    west: L::F,
) -> L::F {
    let (center, angle) = center(l, c, a, b);
    let mirrored = l.sign(west);
    let over = l.flip(l.fnma(center, b, a), mirrored);
    let under = l.fma(center, a, b);
    let t = l.div(over, under);
    let t_low = l.mul(l.fnma(t, under, over), rough_inverse(l, under));
    let west = l.negative(l.bits(west));
    let pi = l.select(west, l.f(c.pi[0]), l.f(0.0));
    let pi_low = l.select(west, l.f(c.pi[1]), l.f(0.0));
    let (base, base_low) = l.fast_two_sum(pi, l.flip(angle, mirrored));
    add_arctan(l, c, base, t, Some(l.add(t_low, l.add(base_low, pi_low))))
}

/// Arguments for [`angle`] with the same angle as any finite a and b that are not negative.
#[inline(always)]
fn tame<L: Lanes, const T: usize, const S: usize>(
    l: L,
    c: &Arcs<L::E, T, S>,
    [a, b]: [L::F; 2],
) -> [L::F; 2] {
    let most = l.max(a, b);
    let scale = l.select(l.lt(l.f(1.0), most), l.f(c.down), l.f(c.up));
    let least = l.mul(l.mul(most, scale), l.f(c.negligible));
    [l.max(least, l.mul(a, scale)), l.max(least, l.mul(b, scale))]
}

/// Finite arguments for infinite ones: an infinity becomes 1, and a finite number beside it 0. NaN is
/// kept. (0, 0) becomes (0, 1).
#[inline(always)]
fn finite<L: Lanes>(l: L, [a, b]: [L::F; 2]) -> [L::F; 2] {
    let (zero, one, inf) = (l.f(0.0), l.f(1.0), l.f(f64::INFINITY));
    let infinite = l.either(l.eq(a, inf), l.eq(b, inf));
    let a = l.select(infinite, l.select(l.eq(a, inf), one, l.mul(a, zero)), a);
    let b = l.select(infinite, l.select(l.eq(b, inf), one, l.mul(b, zero)), b);
    [a, l.select(l.eq(l.max(a, b), zero), one, b)]
}

#[inline(always)]
fn arctan2<L: Lanes, const T: usize, const S: usize>(
    l: L,
    c: &'static Arcs<L::E, T, S>,
    y: L::F,
    x: L::F,
) -> L::F {
    let (a, b) = (l.abs(y), l.abs(x));
    let inside = l.both(l.le(l.f(1.0 / c.reach), l.min(a, b)), l.le(l.max(a, b), l.f(c.reach)));
    let extreme = l.not(inside);
    let [a, b] = rarely!(
        l,
        extreme,
        {
            let tame = tame(l, c, finite(l, [a, b]));
            [l.select(extreme, tame[0], a), l.select(extreme, tame[1], b)]
        },
        [a, b]
    );
    let r = angle(l, c, [a, b], x);
    let [r] = rarely!(
        l,
        extreme,
        {
            // Small quotients are equal to their arctangents; the division rounds subnormal ones once.
            let [over, under] = finite(l, [l.abs(y), l.abs(x)]);
            let small = l.le(a, l.mul(b, l.f(c.negligible)));
            let east = l.not(l.negative(l.bits(x)));
            [l.select(l.both(extreme, l.both(small, east)), l.div(over, under), r)]
        },
        [r]
    );
    l.flip(r, l.sign(y))
}

/// `near + m + m^3 p(m^2)` for |x| <= 1/2, where m is x or -x, and `far` + 2 asin(s) above, with s
/// negated where the bit of `flip` is set.
#[inline(always)]
fn arc<L: Lanes, const S: usize>(
    l: L,
    p: &[f64; S],
    x: L::F,
    m: L::F,
    near: [L::F; 2],
    far: [L::F; 2],
    flip: L::U,
) -> L::F {
    let half = l.f(0.5);
    let a = l.abs(x);
    let big = l.lt(half, a);
    let zz = l.fnma(a, half, half);
    let s = l.flip(l.sqrt(zz), flip);
    let s_low = l.fma(l.fnma(s, s, zz), rough_inverse(l, s), far[1]);
    let z = l.select(big, zz, l.mul(a, a));
    let m = l.select(big, l.add(s, s), m);
    let low = l.select(big, s_low, near[1]);
    let (sum, lost) = l.fast_two_sum(l.select(big, far[0], near[0]), m);
    l.add(sum, l.fma(l.mul(m, z), l.horner(z, p), l.add(lost, low)))
}

#[inline(always)]
fn arcsin<L: Lanes, const T: usize, const S: usize>(l: L, c: &Arcs<L::E, T, S>, x: L::F) -> L::F {
    let a = l.abs(x);
    let half_pi = [l.f(c.half_pi[0]), l.f(c.half_pi[1])];
    let y = arc(l, &c.arcsin, x, a, [l.f(0.0); 2], half_pi, l.u(L::E::SIGN));
    l.flip(y, l.sign(x))
}

#[inline(always)]
fn arccos<L: Lanes, const T: usize, const S: usize>(l: L, c: &Arcs<L::E, T, S>, x: L::F) -> L::F {
    let zero = l.f(0.0);
    let negative = l.lt(x, zero);
    let half_pi = [l.f(c.half_pi[0]), l.f(c.half_pi[1])];
    let far = [l.select(negative, l.f(c.pi[0]), zero), l.select(negative, l.f(c.pi[1]), zero)];
    arc(l, &c.arcsin, x, l.neg(x), half_pi, far, l.sign(x))
}

cores! {
    /// The inverse sine.
    Arcsin = arcsin(x) by F64, F32;
    /// The inverse cosine.
    Arccos = arccos(x) by F64, F32;
    /// The inverse tangent.
    Arctan = arctan(x) by F64, F32;
    /// The angle of the point (x, y), given y and x.
    Arctan2 = arctan2(y, x) by F64, F32;
}
