//! Transposition: copies of blocks with contiguous columns in the source and contiguous rows in the
//! destination.
//!
//! Vectors consist of 16-byte lanes. Interleaving pairs of vectors log2(N) times, for N elements
//! per lane, transposes square blocks inside the lanes; then the lanes of several blocks are
//! exchanged.

use super::block::Block;
use crate::isa::Isa;

/// The prefetch distance in steps for large strides, because the hardware does not prefetch strides
/// longer than a page. It targets L2, which allows more outstanding misses than L1: 16 rows of 8
/// bytes reach 22 GB/s, where 64 rows into L1 reached 16 and plain reading 32. Shorter distances
/// are too late.
const AHEAD: isize = 64;
/// The prefetch distance if columns map to few cache sets, which cannot hold 64 columns.
const AHEAD_IN_FEW_SETS: isize = 16;
/// The stride in bytes from which the hardware does not prefetch.
const FAR: usize = 1024;

/// Copies a block whose source columns and destination rows are contiguous: `block.rows.src` and
/// `block.columns.dst` are `size`.
///
/// # Safety
/// As [`Block::copy`]'s; the machine has the instruction set.
pub(super) unsafe fn transpose(isa: Isa, block: &Block, size: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match (isa, size) {
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2 | Isa::Avx512, 1) => avx2::<1, 16>(block),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2 | Isa::Avx512, 2) => avx2::<2, 8>(block),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2 | Isa::Avx512, 4) => avx2::<4, 4>(block),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2 | Isa::Avx512, 8) => avx2::<8, 2>(block),
            #[cfg(target_arch = "x86_64")]
            (Isa::Baseline, 1) => sse2::<1, 16>(block),
            #[cfg(target_arch = "x86_64")]
            (Isa::Baseline, 2) => sse2::<2, 8>(block),
            #[cfg(target_arch = "x86_64")]
            (Isa::Baseline, 4) => sse2::<4, 4>(block),
            #[cfg(target_arch = "x86_64")]
            (Isa::Baseline, 8) => sse2::<8, 2>(block),
            _ => block.copy_tiled(size),
        }
    }
}

#[cfg(target_arch = "x86_64")]
use x86::{avx2, sse2};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::block::Block;
    use super::{AHEAD, AHEAD_IN_FEW_SETS, FAR};

    /// `LANES` lanes of 16 bytes.
    trait Vector<const LANES: usize>: Copy {
        /// # Safety
        /// The machine has the instructions, and the vector is readable at `at`.
        unsafe fn load(at: *const u8) -> Self;
        /// Loads lanes that are `step` bytes apart.
        ///
        /// # Safety
        /// The machine has the instructions, and the lanes are readable.
        unsafe fn load_lanes(at: *const u8, step: isize) -> Self;
        /// # Safety
        /// The machine has the instructions, and the vector is writable at `at`.
        unsafe fn store(self, at: *mut u8);
        /// Interleaves the elements of two vectors within each lane: the lower halves, and the
        /// upper halves.
        ///
        /// # Safety
        /// The machine has the instructions.
        unsafe fn interleave<const SIZE: usize>(self, other: Self) -> [Self; 2];
        /// Lane j of vector i becomes lane i of vector j.
        ///
        /// # Safety
        /// The machine has the instructions.
        unsafe fn transpose_lanes(v: [Self; LANES]) -> [Self; LANES];
    }

    impl Vector<1> for __m128i {
        #[inline(always)]
        unsafe fn load(at: *const u8) -> Self {
            // SAFETY: the caller's promise.
            unsafe { _mm_loadu_si128(at.cast()) }
        }
        #[inline(always)]
        unsafe fn load_lanes(at: *const u8, _: isize) -> Self {
            // SAFETY: the caller's promise.
            unsafe { _mm_loadu_si128(at.cast()) }
        }
        #[inline(always)]
        unsafe fn store(self, at: *mut u8) {
            // SAFETY: the caller's promise.
            unsafe { _mm_storeu_si128(at.cast(), self) }
        }
        #[inline(always)]
        unsafe fn interleave<const SIZE: usize>(self, other: Self) -> [Self; 2] {
            // SAFETY: every x86-64 has SSE2.
            unsafe {
                match SIZE {
                    1 => [_mm_unpacklo_epi8(self, other), _mm_unpackhi_epi8(self, other)],
                    2 => [_mm_unpacklo_epi16(self, other), _mm_unpackhi_epi16(self, other)],
                    4 => [_mm_unpacklo_epi32(self, other), _mm_unpackhi_epi32(self, other)],
                    _ => [_mm_unpacklo_epi64(self, other), _mm_unpackhi_epi64(self, other)],
                }
            }
        }
        #[inline(always)]
        unsafe fn transpose_lanes(v: [Self; 1]) -> [Self; 1] {
            v
        }
    }

    impl Vector<2> for __m256i {
        #[inline(always)]
        unsafe fn load(at: *const u8) -> Self {
            // SAFETY: the caller's promise.
            unsafe { _mm256_loadu_si256(at.cast()) }
        }
        #[inline(always)]
        unsafe fn load_lanes(at: *const u8, step: isize) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                let low = _mm256_castsi128_si256(_mm_loadu_si128(at.cast()));
                let high = _mm_loadu_si128(at.wrapping_offset(step).cast());
                _mm256_inserti128_si256::<1>(low, high)
            }
        }
        #[inline(always)]
        unsafe fn store(self, at: *mut u8) {
            // SAFETY: the caller's promise.
            unsafe { _mm256_storeu_si256(at.cast(), self) }
        }
        #[inline(always)]
        unsafe fn interleave<const SIZE: usize>(self, other: Self) -> [Self; 2] {
            // SAFETY: the caller's promise.
            unsafe {
                match SIZE {
                    1 => [_mm256_unpacklo_epi8(self, other), _mm256_unpackhi_epi8(self, other)],
                    2 => [_mm256_unpacklo_epi16(self, other), _mm256_unpackhi_epi16(self, other)],
                    4 => [_mm256_unpacklo_epi32(self, other), _mm256_unpackhi_epi32(self, other)],
                    _ => [_mm256_unpacklo_epi64(self, other), _mm256_unpackhi_epi64(self, other)],
                }
            }
        }
        #[inline(always)]
        unsafe fn transpose_lanes([a, b]: [Self; 2]) -> [Self; 2] {
            // SAFETY: the caller's promise.
            unsafe {
                [_mm256_permute2x128_si256::<0x20>(a, b), _mm256_permute2x128_si256::<0x31>(a, b)]
            }
        }
    }

    /// Vector j of lanes of `N` elements becomes element j of every lane.
    ///
    /// # Safety
    /// The machine has the instructions; `N * SIZE` is 16.
    #[inline(always)]
    unsafe fn network<V: Vector<L>, const L: usize, const SIZE: usize, const N: usize>(
        mut v: [V; N],
    ) -> [V; N] {
        // Interleaving the first half with the second rotates the bits of an element's index, which
        // consists of its vector and its place in the lane. After log2(N) rotations the two are
        // exchanged.
        for _ in 0..N.ilog2() {
            let from = v;
            for i in 0..N / 2 {
                // SAFETY: the caller's promise.
                let [low, high] = unsafe { from[i].interleave::<SIZE>(from[i + N / 2]) };
                (v[2 * i], v[2 * i + 1]) = (low, high);
            }
        }
        v
    }

    /// Transposes `L * N` columns of `N` rows, by lanes.
    ///
    /// # Safety
    /// The machine has the instructions; the block's elements are readable and writable.
    #[inline(always)]
    unsafe fn narrow<V: Vector<L>, const L: usize, const SIZE: usize, const N: usize>(
        dst: *mut u8,
        dst_step: isize,
        src: *const u8,
        src_step: isize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let v: [V; N] = std::array::from_fn(|j| {
                V::load_lanes(src.wrapping_offset(j as isize * src_step), N as isize * src_step)
            });
            let v = network::<V, L, SIZE, N>(v);
            for (i, v) in v.into_iter().enumerate() {
                v.store(dst.wrapping_offset(i as isize * dst_step));
            }
        }
    }

    /// Transposes `L * N` columns of `L * N` rows, by whole vectors: each source line is accessed
    /// once.
    ///
    /// # Safety
    /// The machine has the instructions; the block's elements are readable and writable.
    #[inline(always)]
    unsafe fn square<V: Vector<L>, const L: usize, const SIZE: usize, const N: usize>(
        dst: *mut u8,
        dst_step: isize,
        src: *const u8,
        src_step: isize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let groups: [[V; N]; L] = std::array::from_fn(|g| {
                let v = std::array::from_fn(|j| {
                    V::load(src.wrapping_offset((g * N + j) as isize * src_step))
                });
                network::<V, L, SIZE, N>(v)
            });
            for i in 0..N {
                let rows = V::transpose_lanes(groups.map(|group| group[i]));
                for (lane, row) in rows.into_iter().enumerate() {
                    row.store(dst.wrapping_offset((lane * N + i) as isize * dst_step));
                }
            }
        }
    }

    /// The prefetch distance in steps.
    #[inline(always)]
    fn ahead(step: isize) -> isize {
        if step % 4096 == 0 { AHEAD_IN_FEW_SETS } else { AHEAD }
    }

    /// Prefetches for the next blocks.
    #[inline(always)]
    fn prefetch<const LINES: usize>(from: *const u8, step: isize, ahead: isize) {
        for j in 0..LINES as isize {
            let at = from.wrapping_offset((j + ahead) * step);
            // SAFETY: a prefetch may name any address.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) };
        }
    }

    /// Transposes the part of a block that consists of whole tiles of `ROWS` rows and `COLUMNS`
    /// columns; `rest` copies the remainder to the right and below.
    ///
    /// # Safety
    /// As `transpose`'s.
    #[inline(always)]
    unsafe fn blocked<const ROWS: usize, const COLUMNS: usize, const SIZE: usize>(
        block: &Block,
        kernel: impl Fn(*mut u8, isize, *const u8, isize),
        rest: impl Fn(&Block),
    ) {
        let Block { dst, src, rows, columns } = *block;
        let (whole_rows, whole_columns) =
            (rows.count / ROWS * ROWS, columns.count / COLUMNS * COLUMNS);
        let block_at = |r: usize, c: usize| {
            let dst = dst.wrapping_offset(r as isize * rows.dst).wrapping_add(c * SIZE);
            let src = src.wrapping_offset(c as isize * columns.src).wrapping_add(r * SIZE);
            (dst, src)
        };
        let (read, written) = (columns.src.unsigned_abs(), rows.dst.unsigned_abs());
        // Iterates along the written or the read lines. Each is prefetched once, except a last one
        // that is not entered at its start.
        if written >= FAR && written > read {
            let ahead = ahead(rows.dst);
            for r in (0..whole_rows).step_by(ROWS) {
                for c in (0..whole_columns).step_by(COLUMNS) {
                    let (dst, src) = block_at(r, c);
                    if c * SIZE % 64 < COLUMNS * SIZE {
                        prefetch::<ROWS>(dst, rows.dst, ahead);
                    }
                    kernel(dst, rows.dst, src, columns.src);
                }
                let (end, _) = block_at(r, whole_columns);
                prefetch::<ROWS>(end.wrapping_sub(1), rows.dst, ahead);
            }
        } else {
            let far = read >= FAR;
            let ahead = ahead(columns.src);
            for c in (0..whole_columns).step_by(COLUMNS) {
                for r in (0..whole_rows).step_by(ROWS) {
                    let (dst, src) = block_at(r, c);
                    if far && r * SIZE % 64 < ROWS * SIZE {
                        prefetch::<COLUMNS>(src, columns.src, ahead);
                    }
                    kernel(dst, rows.dst, src, columns.src);
                }
                if far {
                    let (_, end) = block_at(whole_rows, c);
                    prefetch::<COLUMNS>(end.wrapping_sub(1), columns.src, ahead);
                }
            }
        }
        if whole_columns < columns.count {
            rest(&block.part(0..whole_rows, whole_columns..columns.count));
        }
        if whole_rows < rows.count {
            rest(&block.part(whole_rows..rows.count, 0..columns.count));
        }
    }

    /// # Safety
    /// As `transpose`'s.
    pub(super) unsafe fn sse2<const SIZE: usize, const N: usize>(block: &Block) {
        // SAFETY: the caller's promise: each kernel gets a part of the block.
        unsafe {
            blocked::<N, N, SIZE>(
                block,
                |dst, dst_step, src, src_step| {
                    narrow::<__m128i, 1, SIZE, N>(dst, dst_step, src, src_step);
                },
                |rest| rest.copy_tiled(SIZE),
            );
        }
    }

    /// # Safety
    /// As `transpose`'s.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn avx2<const SIZE: usize, const N: usize>(block: &Block) {
        // SAFETY: the caller's promise: each kernel gets a part of the block.
        unsafe {
            let rest = |rest: &Block| sse2::<SIZE, N>(rest);
            match SIZE {
                8 => blocked::<4, 4, 8>(
                    block,
                    |dst, dst_step, src, src_step| {
                        square::<__m256i, 2, 8, 2>(dst, dst_step, src, src_step);
                    },
                    rest,
                ),
                4 => blocked::<8, 8, 4>(
                    block,
                    |dst, dst_step, src, src_step| {
                        square::<__m256i, 2, 4, 4>(dst, dst_step, src, src_step);
                    },
                    rest,
                ),
                2 => blocked::<8, 16, 2>(
                    block,
                    |dst, dst_step, src, src_step| {
                        narrow::<__m256i, 2, 2, 8>(dst, dst_step, src, src_step);
                    },
                    rest,
                ),
                _ => blocked::<16, 32, 1>(
                    block,
                    |dst, dst_step, src, src_step| {
                        narrow::<__m256i, 2, 1, 16>(dst, dst_step, src, src_step);
                    },
                    rest,
                ),
            }
        }
    }
}
