//! The instance of two vectors at a time.

use super::{Grid, Lanes, Rows};

/// Two vectors of `L`. Each operation is done on one and then on the other; as they are independent,
/// their latencies overlap. Without this, the processor would not look ahead far enough to overlap
/// two evaluations of a function.
#[derive(Clone, Copy)]
pub(in crate::kernels::math) struct Twin<L>(pub(in crate::kernels::math) L);

/// Defines methods that apply the operation to both vectors.
macro_rules! both {
    ($($name:ident($($arg:ident: $t:ident),*) -> $r:ident;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: Self::$t),*) -> Self::$r {
            [self.0.$name($($arg[0]),*), self.0.$name($($arg[1]),*)]
        }
    )*};
}

impl<L: Lanes> Lanes for Twin<L> {
    type E = L::E;
    type F = [L::F; 2];
    type U = [L::U; 2];
    type M = [L::M; 2];
    type Wide = Twin<L::Wide>;
    const WIDTH: usize = 2 * L::WIDTH;

    #[inline(always)]
    fn f(self, x: f64) -> Self::F {
        [self.0.f(x); 2]
    }
    #[inline(always)]
    fn u(self, x: u64) -> Self::U {
        [self.0.u(x); 2]
    }

    both! {
        add(a: F, b: F) -> F;
        sub(a: F, b: F) -> F;
        mul(a: F, b: F) -> F;
        div(a: F, b: F) -> F;
        sqrt(a: F) -> F;
        fma(a: F, b: F, c: F) -> F;
        fms(a: F, b: F, c: F) -> F;
        fnma(a: F, b: F, c: F) -> F;
        min(a: F, b: F) -> F;
        max(a: F, b: F) -> F;
        bits(a: F) -> U;
        float(a: U) -> F;
        and(a: U, b: U) -> U;
        or(a: U, b: U) -> U;
        xor(a: U, b: U) -> U;
        iadd(a: U, b: U) -> U;
        isub(a: U, b: U) -> U;
        integer(a: U) -> F;
        lt(a: F, b: F) -> M;
        le(a: F, b: F) -> M;
        eq(a: F, b: F) -> M;
        not_lt(a: F, b: F) -> M;
        not_le(a: F, b: F) -> M;
        unusual(a: F) -> M;
        odd(a: U) -> M;
        negative(a: U) -> M;
        both(a: M, b: M) -> M;
        either(a: M, b: M) -> M;
        not(a: M) -> M;
        select(m: M, a: F, b: F) -> F;
        scale(y: F, k: F) -> F;
        canonical(a: F) -> F;
    }

    #[inline(always)]
    fn shl(self, a: Self::U, n: u32) -> Self::U {
        [self.0.shl(a[0], n), self.0.shl(a[1], n)]
    }
    #[inline(always)]
    fn shr(self, a: Self::U, n: u32) -> Self::U {
        [self.0.shr(a[0], n), self.0.shr(a[1], n)]
    }
    #[inline(always)]
    fn any(self, m: Self::M) -> bool {
        self.0.any(self.0.either(m[0], m[1]))
    }
    #[inline(always)]
    fn table<const N: usize>(self, table: &'static [L::E; N], i: Self::U) -> Self::F {
        [self.0.table(table, i[0]), self.0.table(table, i[1])]
    }
    #[inline(always)]
    fn row<const N: usize, const R: usize>(
        self,
        table: &'static Rows<L::E, N, R>,
        i: Self::U,
    ) -> [Self::F; R] {
        let (first, second) = (self.0.row(table, i[0]), self.0.row(table, i[1]));
        let mut row = [self.f(0.0); R];
        let mut k = 0;
        while k < R {
            row[k] = [first[k], second[k]];
            k += 1;
        }
        row
    }

    #[inline(always)]
    fn grid<const N: usize, const R: usize>(
        self,
        table: &'static Grid<L::E, N, R>,
        i: Self::U,
    ) -> [Self::F; R] {
        let (first, second) = (self.0.grid(table, i[0]), self.0.grid(table, i[1]));
        let mut row = [self.f(0.0); R];
        let mut k = 0;
        while k < R {
            row[k] = [first[k], second[k]];
            k += 1;
        }
        row
    }

    #[inline(always)]
    fn widen(self, a: Self::F) -> [<Self::Wide as Lanes>::F; 2] {
        let (a, b) = (self.0.widen(a[0]), self.0.widen(a[1]));
        [[a[0], b[0]], [a[1], b[1]]]
    }
    #[inline(always)]
    fn narrow(self, a: [<Self::Wide as Lanes>::F; 2]) -> Self::F {
        [self.0.narrow([a[0][0], a[1][0]]), self.0.narrow([a[0][1], a[1][1]])]
    }
    #[inline(always)]
    fn wide(self) -> Twin<L::Wide> {
        Twin(self.0.wide())
    }

    #[inline(always)]
    unsafe fn load(self, p: *const L::E) -> Self::F {
        // SAFETY: both vectors are readable, by the caller's promise.
        unsafe { [self.0.load(p), self.0.load(p.add(L::WIDTH))] }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut L::E, a: Self::F) {
        // SAFETY: both vectors are writable, by the caller's promise.
        unsafe {
            self.0.store(p, a[0]);
            self.0.store(p.add(L::WIDTH), a[1]);
        }
    }
}
