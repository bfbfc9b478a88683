//! The operations in which math functions are written, and their instances.
//!
//! A [`Lanes`] value represents an instruction set and a float type: a core takes one as `l` and calls
//! `l.fma(a, b, c)`. It has no size. Its constructor requires that the machine has the instructions,
//! so the cores need no `unsafe`. In each lane, operations give the same bits in every instance,
//! except for the sign and payload of a NaN. A core is a fixed sequence of operations, so its results
//! do not depend on the instance either.

#[cfg(feature = "host-device")]
mod recorder;
mod rows;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod twin;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::{Core, PairCore};
#[cfg(feature = "host-device")]
pub(super) use recorder::record;
pub(super) use rows::{Grid, Rows};
pub(super) use scalar::Scalar;
#[cfg(target_arch = "x86_64")]
use twin::Twin;
#[cfg(target_arch = "x86_64")]
use x86::Avx2;
#[cfg(target_arch = "x86_64")]
pub(super) use x86::Avx512;

/// 2^k, which must be a normal number.
pub(super) const fn power_of_two(k: i32) -> f64 {
    f64::from_bits(((1023 + k) as u64) << 52)
}

/// A hint to the compiler that a call of it is rare.
#[cold]
fn rare() {}

/// [`Lanes::branch`] with two expressions. Closures must be inlined, because otherwise they are
/// compiled without the instruction set.
macro_rules! branch {
    ($l:expr, $m:expr, $some:expr, $none:expr $(,)?) => {
        $l.branch(
            $m,
            #[inline(always)]
            || $some,
            #[inline(always)]
            || $none,
        )
    };
}
pub(super) use branch;

/// [`Lanes::rarely`] with two expressions.
macro_rules! rarely {
    ($l:expr, $m:expr, $rare:expr, $usual:expr $(,)?) => {
        $l.rarely(
            $m,
            #[inline(always)]
            || $rare,
            #[inline(always)]
            || $usual,
        )
    };
}
pub(super) use rarely;

/// A float type, with the constants of its format.
pub(super) trait Element: Copy + Default + 'static {
    /// The number of bits of the significand that are stored.
    const MANTISSA: u32;
    /// The exponent field of 1.
    const BIAS: u64;
    /// The sign bit.
    const SIGN: u64 = Self::INFINITY << 1 & !Self::INFINITY;
    /// The bits of infinity.
    const INFINITY: u64 = (2 * Self::BIAS + 1) << Self::MANTISSA;
    /// 1.5 * 2^MANTISSA: `(x + MAGIC) - MAGIC` is x rounded to an integer, ties to even, for
    /// |x| < 2^(MANTISSA - 1). The low bits of `x + MAGIC` are that integer.
    const MAGIC: f64 = 1.5 * (1u64 << Self::MANTISSA) as f64;

    /// The low bits of the number, as an index.
    fn index(self) -> usize;

    /// The lanes of a loop with AVX2.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Lanes<E = Self>;
    /// The value of these lanes.
    ///
    /// # Safety
    /// The machine must have AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    unsafe fn avx2() -> Self::Avx2;

    /// The form of a core for this type.
    fn eval<C: Core<N>, L: Lanes<E = Self>, const N: usize>(l: L, x: [L::F; N]) -> L::F;
    /// The form of the core of a pair for this type.
    fn eval_pair<C: PairCore, L: Lanes<E = Self>>(l: L, x: L::F) -> [L::F; 2];
}

impl Element for f32 {
    const MANTISSA: u32 = 23;
    const BIAS: u64 = 127;

    #[inline(always)]
    fn index(self) -> usize {
        self.to_bits() as usize
    }

    #[cfg(target_arch = "x86_64")]
    type Avx2 = Avx2<f32>;

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn avx2() -> Avx2<f32> {
        // SAFETY: the caller's promise.
        unsafe { Avx2::new() }
    }

    #[inline(always)]
    fn eval<C: Core<N>, L: Lanes<E = f32>, const N: usize>(l: L, x: [L::F; N]) -> L::F {
        C::f32(l, x)
    }
    #[inline(always)]
    fn eval_pair<C: PairCore, L: Lanes<E = f32>>(l: L, x: L::F) -> [L::F; 2] {
        C::f32(l, x)
    }
}

impl Element for f64 {
    const MANTISSA: u32 = 52;
    const BIAS: u64 = 1023;

    #[inline(always)]
    fn index(self) -> usize {
        self.to_bits() as usize
    }

    #[cfg(target_arch = "x86_64")]
    type Avx2 = Twin<Avx2<f64>>;

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn avx2() -> Twin<Avx2<f64>> {
        // SAFETY: the caller's promise.
        Twin(unsafe { Avx2::new() })
    }

    #[inline(always)]
    fn eval<C: Core<N>, L: Lanes<E = f64>, const N: usize>(l: L, x: [L::F; N]) -> L::F {
        C::f64(l, x)
    }
    #[inline(always)]
    fn eval_pair<C: PairCore, L: Lanes<E = f64>>(l: L, x: L::F) -> [L::F; 2] {
        C::f64(l, x)
    }
}

/// A function of one number that operations of lanes do not express.
pub(super) trait Patch<E> {
    /// Its name in text.
    #[cfg(feature = "host-device")]
    const NAME: &'static str;

    /// Replaces the last three of each lane by the function of the first, where that asks for it.
    fn patch(lanes: &mut [[E; 8]; 4], width: usize);
}

/// Operations on vectors of a float type, on their bits, and on masks.
pub(super) trait Lanes: Copy {
    /// The float type.
    type E: Element;
    /// A vector of floats.
    type F: Copy;
    /// A vector of unsigned integers of the same size.
    type U: Copy;
    /// A mask: a bool for each lane.
    type M: Copy;
    /// The lanes of f64 on the same instruction set.
    type Wide: Lanes<E = f64>;
    /// The number of lanes.
    const WIDTH: usize;

    /// `x` rounded to the float type, in every lane.
    fn f(self, x: f64) -> Self::F;
    /// The low bits of `x` in every lane.
    fn u(self, x: u64) -> Self::U;

    /// `a + b`
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// The square root, correctly rounded.
    fn sqrt(self, a: Self::F) -> Self::F;
    /// `a * b + c`, rounded once.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `a * b - c`, rounded once.
    fn fms(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a * b`, rounded once.
    fn fnma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `if a < b { a } else { b }`: `b` if either is a NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// `if a > b { a } else { b }`: `b` if either is a NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;

    /// The bits of floats.
    fn bits(self, a: Self::F) -> Self::U;
    /// The floats of bits.
    fn float(self, a: Self::U) -> Self::F;
    /// `a & b`
    fn and(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a | b`
    fn or(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a ^ b`
    fn xor(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a + b`, wrapping.
    fn iadd(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a - b`, wrapping.
    fn isub(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a << n`
    fn shl(self, a: Self::U, n: u32) -> Self::U;
    /// `a >> n`, logical.
    fn shr(self, a: Self::U, n: u32) -> Self::U;

    /// `a`, a signed multiple of 2^MANTISSA, converted to a float.
    fn integer(self, a: Self::U) -> Self::F;
    /// `a < b`, false for a NaN.
    fn lt(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a <= b`, false for a NaN.
    fn le(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a == b`, false for a NaN.
    fn eq(self, a: Self::F, b: Self::F) -> Self::M;
    /// `!(a < b)`, true for a NaN.
    fn not_lt(self, a: Self::F, b: Self::F) -> Self::M;
    /// `!(a <= b)`, true for a NaN.
    fn not_le(self, a: Self::F, b: Self::F) -> Self::M;
    /// Whether `a` is not a positive normal number.
    fn unusual(self, a: Self::F) -> Self::M;
    /// Whether the lowest bit of each lane is set.
    fn odd(self, a: Self::U) -> Self::M;
    /// Whether the highest bit of each lane is set.
    fn negative(self, a: Self::U) -> Self::M;
    /// `a` and `b`.
    fn both(self, a: Self::M, b: Self::M) -> Self::M;
    /// `a` or `b`.
    fn either(self, a: Self::M, b: Self::M) -> Self::M;
    /// The complement of `a`.
    fn not(self, a: Self::M) -> Self::M;
    /// `a` where `m` is true, otherwise `b`.
    fn select(self, m: Self::M, a: Self::F, b: Self::F) -> Self::F;
    /// Whether `m` is true in any lane.
    fn any(self, m: Self::M) -> bool;

    /// `table[i & (N - 1)]` in each lane; N is 8, 16 or 32. It permutes registers, except for 32
    /// entries with AVX2, where it gathers. With AVX2 each doubling of N takes twice as long.
    fn table<const N: usize>(self, table: &'static [Self::E; N], i: Self::U) -> Self::F;

    /// The row `i & (N - 1)` of a table in each lane, with a result for each column. It is
    /// [`Lanes::table`] of the columns, or with AVX2 in f64 loads of rows, two columns at a time.
    #[inline(always)]
    fn row<const N: usize, const R: usize>(
        self,
        table: &'static Rows<Self::E, N, R>,
        i: Self::U,
    ) -> [Self::F; R] {
        let mut row = [self.f(0.0); R];
        let mut k = 0;
        while k < R {
            row[k] = self.table(&table.columns[k], i);
            k += 1;
        }
        row
    }

    /// The row `i & (N - 1)` of a large table in each lane, with a result for each column.
    #[inline(always)]
    fn grid<const N: usize, const R: usize>(
        self,
        table: &'static Grid<Self::E, N, R>,
        i: Self::U,
    ) -> [Self::F; R] {
        const { assert!(Self::WIDTH <= 16 && N.is_power_of_two()) };
        let mut index = [Self::E::default(); 16];
        // SAFETY: the array is wide enough.
        unsafe { self.store(index.as_mut_ptr(), self.float(i)) };
        let mut columns = [self.f(0.0); R];
        let mut k = 0;
        while k < R {
            let mut column = [Self::E::default(); 16];
            let mut lane = 0;
            while lane < Self::WIDTH {
                column[lane] = table.rows[index[lane].index() & (N - 1)][k];
                lane += 1;
            }
            // SAFETY: the array is wide enough.
            columns[k] = unsafe { self.load(column.as_ptr()) };
            k += 1;
        }
        columns
    }

    /// The lanes as f64: the first half and the second half. For f64, both are all lanes.
    fn widen(self, a: Self::F) -> [<Self::Wide as Lanes>::F; 2];
    /// The inverse of `widen`, rounded to the float type.
    fn narrow(self, a: [<Self::Wide as Lanes>::F; 2]) -> Self::F;
    /// The value of the lanes of f64.
    fn wide(self) -> Self::Wide;

    /// Reads `WIDTH` elements.
    ///
    /// # Safety
    /// `p` must be readable for `WIDTH` elements. It need not be aligned.
    unsafe fn load(self, p: *const Self::E) -> Self::F;
    /// Writes `WIDTH` elements.
    ///
    /// # Safety
    /// `p` must be writable for `WIDTH` elements. It need not be aligned.
    unsafe fn store(self, p: *mut Self::E, a: Self::F);

    /// [`Patch::patch`] of `x` and `old`, lane after lane in memory. Where `x` does not ask for it, a
    /// recorded function has no value; so only where it does.
    #[inline(always)]
    fn patch<P: Patch<Self::E>>(self, x: Self::F, old: [Self::F; 3]) -> [Self::F; 3] {
        const { assert!(Self::WIDTH <= 8) };
        let [a, b, c] = old;
        let mut lanes = [[Self::E::default(); 8]; 4];
        for (to, from) in lanes.iter_mut().zip([x, a, b, c]) {
            // SAFETY: the array is wide enough.
            unsafe { self.store(to.as_mut_ptr(), from) };
        }
        P::patch(&mut lanes, Self::WIDTH);
        // SAFETY: as above.
        [1, 2, 3].map(|i: usize| unsafe { self.load(lanes[i].as_ptr()) })
    }

    /// `some()` if `m` is true in any lane, otherwise `none()`. In lanes where `m` is false both must
    /// give the same bits. Use `branch!`, which inlines the closures.
    #[inline(always)]
    fn branch<const N: usize>(
        self,
        m: Self::M,
        some: impl FnOnce() -> [Self::F; N],
        none: impl FnOnce() -> [Self::F; N],
    ) -> [Self::F; N] {
        if self.any(m) { some() } else { none() }
    }

    /// [`Lanes::branch`] for an `m` that is rarely true. Use `rarely!`.
    #[inline(always)]
    fn rarely<const N: usize>(
        self,
        m: Self::M,
        rare: impl FnOnce() -> [Self::F; N],
        usual: impl FnOnce() -> [Self::F; N],
    ) -> [Self::F; N] {
        if self.any(m) {
            self::rare();
            return rare();
        }
        usual()
    }

    /// The f64 core of `C` on the widened lanes, rounded to the float type.
    #[inline(always)]
    fn in_f64<C: Core<N>, const N: usize>(self, x: [Self::F; N]) -> Self::F {
        let w = self.wide();
        let x = x.map(|x| self.widen(x));
        let low = C::f64(w, x.map(|x| x[0]));
        let high = C::f64(w, x.map(|x| x[1]));
        self.narrow([low, high])
    }

    /// `a`, with every NaN replaced by f64::NAN or f32::NAN.
    #[inline(always)]
    fn canonical(self, a: Self::F) -> Self::F {
        self.select(self.eq(a, a), a, self.f(f64::NAN))
    }

    /// [`Element::MAGIC`] in every lane, whose addition rounds to integers.
    #[inline(always)]
    fn magic(self) -> Self::F {
        self.f(Self::E::MAGIC)
    }

    /// 2^k, which must be a normal number, from `k + MAGIC`.
    #[inline(always)]
    fn pow2(self, k_magic: Self::F) -> Self::F {
        let biased = self.iadd(self.bits(k_magic), self.u(Self::E::BIAS));
        self.float(self.shl(biased, Self::E::MANTISSA))
    }

    /// `y * 2^k`, rounded once, for y near 1 and an integer k that is at most twice the largest
    /// exponent.
    #[inline(always)]
    fn scale(self, y: Self::F, k: Self::F) -> Self::F {
        // Two factors. The first product is exact, as y is near 1 and the factor a normal number.
        let half = self.fma(k, self.f(0.5), self.magic());
        let rest = self.sub(k, self.sub(half, self.magic()));
        let first = self.mul(y, self.pow2(half));
        self.mul(first, self.pow2(self.add(rest, self.magic())))
    }

    /// `-a`
    #[inline(always)]
    fn neg(self, a: Self::F) -> Self::F {
        self.flip(a, self.u(Self::E::SIGN))
    }

    /// `|a|`
    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        self.float(self.and(self.bits(a), self.u(!Self::E::SIGN)))
    }

    /// The sign bits of `a`, with all other bits zero.
    #[inline(always)]
    fn sign(self, a: Self::F) -> Self::U {
        self.and(self.bits(a), self.u(Self::E::SIGN))
    }

    /// `a` with its sign flipped where the sign bit of `s` is set. Other bits of `s` must be zero.
    #[inline(always)]
    fn flip(self, a: Self::F, s: Self::U) -> Self::F {
        self.float(self.xor(self.bits(a), s))
    }

    /// `a`, which must not be negative, with the sign bit of `s`. Other bits of `s` must be zero.
    #[inline(always)]
    fn with_sign(self, a: Self::F, s: Self::U) -> Self::F {
        self.float(self.or(self.bits(a), s))
    }

    /// `c[0] + c[1] x + c[2] x^2 + ...` by Horner's rule, which has the fewest operations but the
    /// longest dependency chain. For short polynomials, or beside independent work.
    #[inline(always)]
    fn horner<const N: usize>(self, x: Self::F, c: &[f64; N]) -> Self::F {
        let mut p = self.f(c[N - 1]);
        let mut i = N - 1;
        while i > 0 {
            i -= 1;
            p = self.fma(p, x, self.f(c[i]));
        }
        p
    }

    /// The polynomial of [`Lanes::horner`] by two interleaved chains in `xx`, which is `x * x`: the
    /// chains are half as long. For long polynomials if `xx` is needed anyway.
    #[inline(always)]
    fn poly<const N: usize>(self, x: Self::F, xx: Self::F, c: &[f64; N]) -> Self::F {
        const { assert!(N >= 4) };
        let (mut p, mut q) = (self.f(c[N - 1]), self.f(c[N - 2]));
        let mut i = N - 2;
        while i >= 2 {
            p = self.fma(p, xx, self.f(c[i - 1]));
            q = self.fma(q, xx, self.f(c[i - 2]));
            i -= 2;
        }
        // The last coefficients are c[1] and c[0], or c[2] and c[1].
        if i == 0 { self.fma(p, x, q) } else { self.fma(q, x, self.fma(p, xx, self.f(c[0]))) }
    }

    /// The polynomial of [`Lanes::horner`] by pairs `c[i] + c[i + 1] x` and a chain in `xx` over them.
    /// It has as many operations as [`Lanes::poly`], but the pairs do not depend on `xx`. For an `x`
    /// that is computed late.
    #[inline(always)]
    fn paired<const N: usize>(self, x: Self::F, xx: Self::F, c: &[f64; N]) -> Self::F {
        const { assert!(N >= 3) };
        let mut i = N - 2 + N % 2;
        let mut p = self.f(c[N - 1]);
        if N.is_multiple_of(2) {
            p = self.fma(p, x, self.f(c[i]));
        }
        while i >= 2 {
            i -= 2;
            p = self.fma(p, xx, self.fma(self.f(c[i + 1]), x, self.f(c[i])));
        }
        p
    }

    /// The rounded sum `a + b` and its rounding error; |a| >= |b|, or a = 0.
    #[inline(always)]
    fn fast_two_sum(self, a: Self::F, b: Self::F) -> (Self::F, Self::F) {
        let s = self.add(a, b);
        (s, self.sub(b, self.sub(s, a)))
    }

    /// The rounded sum `a + b` and its rounding error, for any magnitudes (Knuth).
    #[inline(always)]
    fn two_sum(self, a: Self::F, b: Self::F) -> (Self::F, Self::F) {
        let s = self.add(a, b);
        let b_part = self.sub(s, a);
        let lost = self.add(self.sub(a, self.sub(s, b_part)), self.sub(b, b_part));
        (s, lost)
    }

    /// The rounded product `a * b` and its rounding error.
    #[inline(always)]
    fn two_product(self, a: Self::F, b: Self::F) -> (Self::F, Self::F) {
        let p = self.mul(a, b);
        (p, self.fms(a, b, p))
    }

    /// `a * b + c`, rounded once, and its rounding error, rounded; |c| >= |a * b|, or c = 0.
    #[inline(always)]
    fn fast_two_fma(self, a: Self::F, b: Self::F, c: Self::F) -> (Self::F, Self::F) {
        let s = self.fma(a, b, c);
        (s, self.fma(a, b, self.sub(c, s)))
    }

    /// `c - a * b`, rounded once, and its rounding error, rounded; |c| >= |a * b|, or c = 0.
    #[inline(always)]
    fn fast_two_fnma(self, a: Self::F, b: Self::F, c: Self::F) -> (Self::F, Self::F) {
        let s = self.fnma(a, b, c);
        (s, self.fnma(a, b, self.sub(c, s)))
    }

    /// `n / d` of two sums of two numbers, given the inverse of the larger part of `d`. The product
    /// with the inverse is corrected by the remainder, so the error is little more than that of the
    /// last rounding.
    #[inline(always)]
    fn quotient(self, n: (Self::F, Self::F), d: (Self::F, Self::F), inverse: Self::F) -> Self::F {
        let q = self.mul(n.0, inverse);
        let rest = self.add(self.fnma(q, d.0, n.0), self.fnma(q, d.1, n.1));
        self.fma(rest, inverse, q)
    }
}
