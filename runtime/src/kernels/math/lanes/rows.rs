//! Tables of several numbers for each index.

/// A table of `R` numbers for each of `N` indices, in two orders: instances of `Lanes` that permute
/// registers read columns, those that load the row of each lane read rows.
#[repr(align(64))]
pub(in crate::kernels::math) struct Rows<E: 'static, const N: usize, const R: usize> {
    pub(super) columns: [[E; N]; R],
    pub(super) rows: [[E; R]; N],
}

impl<E: Copy, const N: usize, const R: usize> Rows<E, N, R> {
    /// The table with these columns.
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

/// A table of `R` numbers, 2 or 4, for each of `N` indices, a power of two. It is too large for
/// permutes, so every instance of `Lanes` loads the row of each lane.
#[repr(align(64))]
pub(in crate::kernels::math) struct Grid<E: 'static, const N: usize, const R: usize> {
    pub(super) rows: [[E; R]; N],
}

impl<const N: usize, const R: usize> Grid<f64, N, R> {
    /// The table with these rows, padded with zeros. Indices beyond them have the last row.
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
