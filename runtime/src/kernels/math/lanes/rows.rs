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
