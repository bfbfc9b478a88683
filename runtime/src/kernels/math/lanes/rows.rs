//! Tables of several numbers for each index.

/// `R` numbers for each of `N` indices, in two orders: an instance of `Lanes` that permutes registers
/// reads columns, one that loads the row of each lane reads rows.
#[repr(align(64))]
pub(in crate::kernels::math) struct Rows<E: 'static, const N: usize, const R: usize> {
    pub(super) columns: [[E; N]; R],
    pub(super) rows: [[E; R]; N],
}

impl<E: Copy, const N: usize, const R: usize> Rows<E, N, R> {
    /// The table of these columns.
    pub(in crate::kernels::math) const fn new(columns: [[E; N]; R]) -> Rows<E, N, R> {
        let mut rows = [[columns[0][0]; R]; N];
        let mut i = 0;
        while i < N * R {
            rows[i / R][i % R] = columns[i % R][i / R];
            i += 1;
        }
        Rows { columns, rows }
    }
}

/// `R` numbers, 2 or 4, for each of `N` indices, a power of two: too many for permutes, so every instance
/// of `Lanes` loads the row of each lane.
#[repr(align(64))]
pub(in crate::kernels::math) struct Grid<E: 'static, const N: usize, const R: usize> {
    pub(super) rows: [[E; R]; N],
}

impl<const N: usize, const R: usize> Grid<f64, N, R> {
    /// The table of these rows, each filled up with zeros; the last is that of the indices beyond, too.
    pub(in crate::kernels::math) const fn new<const M: usize, const C: usize>(
        given: &[[f64; C]; M],
    ) -> Self {
        assert!(N.is_power_of_two() && 0 < M && M <= N && C <= R && (R == 2 || R == 4));
        let mut rows = [[0.0; R]; N];
        let mut i = 0;
        while i < N * C {
            let from = if i / C < M { i / C } else { M - 1 };
            rows[i / C][i % C] = given[from][i % C];
            i += 1;
        }
        Grid { rows }
    }
}
