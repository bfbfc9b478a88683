//! Parts of several rows, number by number, so that loops over rows become vectors.

/// `N` parts of `P` numbers.
#[derive(Clone, Copy)]
pub(in super::super) struct Batch<T, const P: usize, const N: usize> {
    pub(super) numbers: [[T; N]; P],
}

impl<T: Copy + Default, const P: usize, const N: usize> Batch<T, P, N> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Batch { numbers: [[T::default(); N]; P] }
    }

    #[inline(always)]
    pub(super) fn get(&self, i: usize) -> [T; P] {
        let mut part = [T::default(); P];
        for (number, numbers) in part.iter_mut().zip(&self.numbers) {
            *number = numbers[i];
        }
        part
    }

    #[inline(always)]
    pub(super) fn set(&mut self, i: usize, part: [T; P]) {
        for (numbers, number) in self.numbers.iter_mut().zip(part) {
            numbers[i] = number;
        }
    }

    /// Loads the parts of the rows from `at` on.
    ///
    /// # Safety
    /// They are there.
    #[inline(always)]
    pub(super) unsafe fn load(from: &[*const T; P], at: usize) -> Self {
        let mut batch = Batch::new();
        for (numbers, from) in batch.numbers.iter_mut().zip(from) {
            // SAFETY: the caller's promise.
            *numbers = unsafe { from.add(at).cast::<[T; N]>().read_unaligned() };
        }
        batch
    }

    /// Stores the parts as those of the rows from `at` on.
    ///
    /// # Safety
    /// There is room for them.
    #[inline(always)]
    pub(super) unsafe fn store(&self, to: &[*mut T; P], at: usize) {
        for (numbers, to) in self.numbers.iter().zip(to) {
            // SAFETY: the caller's promise.
            unsafe { to.add(at).cast::<[T; N]>().write_unaligned(*numbers) };
        }
    }
}

/// Loads numbers of missing elements, and gives those between each two: from the newest on.
///
/// # Safety
/// They are there from `at` on.
#[inline(always)]
pub(super) unsafe fn between<const N: usize, const C: usize>(
    missing: &[*const i32],
    at: usize,
) -> [[f64; N]; C] {
    let mut counts = [[0.0; N]; C];
    for (counts, ends) in counts.iter_mut().zip(missing.windows(2)) {
        // SAFETY: the caller's promise.
        let [newer, older] = [ends[0], ends[1]]
            .map(|end| unsafe { end.add(at).cast::<[i32; N]>().read_unaligned() });
        for (count, (newer, older)) in counts.iter_mut().zip(newer.iter().zip(older)) {
            *count = f64::from(newer.wrapping_sub(older));
        }
    }
    counts
}
