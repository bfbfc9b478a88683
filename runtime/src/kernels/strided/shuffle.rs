//! Copies of runs with small strides, forward or backward, by shuffles of vectors.
//!
//! A vector of the destination takes as many vectors of the source as the stride is elements. They
//! are loaded whole, so they are only loaded while a further element follows: then all their bytes
//! lie between the run's first element and its last. What is left is copied one by one.

use std::arch::x86_64::*;

use super::run::{Run, Unit};
use crate::isa::Isa;

/// The longest stride, in elements.
const LONGEST: usize = 4;
/// Elements of shorter runs are copied one by one.
const SHORT: usize = 16;

/// Copies a run by shuffles, if its destination is contiguous, its stride is small, and the machine
/// has the instructions; else returns false.
///
/// # Safety
/// As [`Run::copy`]'s.
pub(super) unsafe fn copy<T: Unit>(run: Run, isa: Isa) -> bool {
    let size = size_of::<T>() as isize;
    let (stride, rest) = (run.axis.src / size, run.axis.src % size);
    let whole = run.axis.dst == size && rest == 0 && run.axis.count >= SHORT && isa >= Isa::Avx2;
    if !whole {
        return false;
    }
    // SAFETY: the caller's promise; the destination is contiguous, and the strides are these.
    unsafe {
        match stride {
            -1 => by::<T, 1, true>(run, isa),
            2 => by::<T, 2, false>(run, isa),
            -2 => by::<T, 2, true>(run, isa),
            3 => by::<T, 3, false>(run, isa),
            -3 => by::<T, 3, true>(run, isa),
            4 => by::<T, 4, false>(run, isa),
            -4 => by::<T, 4, true>(run, isa),
            _ => return false,
        }
    }
    true
}

/// # Safety
/// As [`Run::copy`]'s; the machine has AVX2, the destination is contiguous, and the stride is
/// `STRIDE` elements, backward if `BACK`.
unsafe fn by<T: Unit, const STRIDE: usize, const BACK: bool>(run: Run, isa: Isa) {
    // SAFETY: the caller's promise.
    unsafe {
        match (isa, size_of::<T>()) {
            (Isa::Avx512, 1) if STRIDE <= 2 => pack::<T, STRIDE, BACK>(run),
            (Isa::Avx512, 2 | 4 | 8) => permute::<T, STRIDE, BACK>(run),
            _ => shuffle::<T, STRIDE, BACK>(run),
        }
    }
}

/// The rest of a run after `done` elements.
///
/// # Safety
/// As [`Run::copy`]'s.
#[inline(always)]
unsafe fn rest<T: Unit>(mut run: Run, done: usize) {
    let done = done.min(run.axis.count);
    run.dst = run.dst.wrapping_offset(done as isize * run.axis.dst);
    run.src = run.src.wrapping_offset(done as isize * run.axis.src);
    run.axis.count -= done;
    // SAFETY: a part of the run.
    unsafe { run.step::<T>() };
}

/// The place of element `i` of a group of `n` in the elements that are loaded for it.
#[inline(always)]
fn place(i: usize, n: usize, stride: usize, back: bool) -> usize {
    match back {
        // The group ends with its first element.
        true => n * stride - 1 - i * stride,
        false => i * stride,
    }
}

/// Where the vectors of a group of `n` elements begin, the first of which is at `src`.
#[inline(always)]
fn first_byte<T>(src: *const u8, n: usize, stride: usize, back: bool) -> *const u8 {
    match back {
        true => src.wrapping_add(size_of::<T>()).wrapping_sub(n * stride * size_of::<T>()),
        false => src,
    }
}

/// By shuffles of bytes within lanes of 16: each lane of the destination takes `STRIDE` of them.
///
/// # Safety
/// As [`by`]'s.
#[target_feature(enable = "avx2")]
unsafe fn shuffle<T: Unit, const STRIDE: usize, const BACK: bool>(run: Run) {
    const LANE: usize = 16;
    let size = size_of::<T>();
    let per_lane = LANE / size;
    // Which byte of each lane of the source goes where; the others are 0.
    let mut bytes = [[0x80_u8; LANE]; LONGEST];
    (0..LANE).for_each(|to| {
        let from = place(to / size, per_lane, STRIDE, BACK) * size + to % size;
        bytes[from / LANE][to] = (from % LANE) as u8;
    });
    let lane_step = match BACK {
        true => -((LANE * STRIDE) as isize),
        false => (LANE * STRIDE) as isize,
    };
    // SAFETY: the bytes are an array's; a group is only loaded if an element follows it, so that what
    // is loaded lies between elements of the run.
    unsafe {
        let masks: [__m256i; LONGEST] = std::array::from_fn(|j| {
            _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes[j].as_ptr().cast()))
        });
        let group = 2 * per_lane;
        let mut done = 0;
        let (mut src, mut dst) = (first_byte::<T>(run.src, per_lane, STRIDE, BACK), run.dst);
        while run.axis.count - done > group {
            let mut all = _mm256_setzero_si256();
            for (j, mask) in masks[..STRIDE].iter().enumerate() {
                let near = src.wrapping_add(j * LANE);
                let far = near.wrapping_offset(lane_step);
                let low = _mm256_castsi128_si256(_mm_loadu_si128(near.cast()));
                let both = _mm256_inserti128_si256::<1>(low, _mm_loadu_si128(far.cast()));
                all = _mm256_or_si256(all, _mm256_shuffle_epi8(both, *mask));
            }
            _mm256_storeu_si256(dst.cast(), all);
            src = src.wrapping_offset(2 * lane_step);
            dst = dst.wrapping_add(2 * LANE);
            done += group;
        }
        rest::<T>(run, done);
    }
}

/// Bytes with a stride of 1 or 2: halves of lanes of 16 bits are packed, and vectors reversed.
///
/// # Safety
/// As [`by`]'s; the machine has AVX-512, and elements have 1 byte.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
unsafe fn pack<T: Unit, const STRIDE: usize, const BACK: bool>(run: Run) {
    const VECTOR: usize = 64;
    // Words of 8 bytes in order, and their bytes within; of two packed vectors words alternate.
    let order: [u64; 8] = match (STRIDE, BACK) {
        (1, _) => [7, 6, 5, 4, 3, 2, 1, 0],
        (_, true) => [7, 5, 3, 1, 6, 4, 2, 0],
        _ => [0, 2, 4, 6, 1, 3, 5, 7],
    };
    let step = match BACK {
        true => -((VECTOR * STRIDE) as isize),
        false => (VECTOR * STRIDE) as isize,
    };
    // SAFETY: as in `shuffle`.
    unsafe {
        let order = _mm512_loadu_si512(order.as_ptr().cast());
        let reversed = _mm512_set1_epi64(0x0001_0203_0405_0607);
        // The second word of each lane has the bytes from 8.
        let second = _mm512_set4_epi64(0x0808_0808_0808_0808, 0, 0x0808_0808_0808_0808, 0);
        let reversed = _mm512_or_si512(reversed, second);
        let mut done = 0;
        let (mut src, mut dst) = (first_byte::<T>(run.src, VECTOR, STRIDE, BACK), run.dst);
        while run.axis.count - done > VECTOR {
            let (mut all, other) = (_mm512_loadu_si512(src.cast()), load_if::<STRIDE, 1>(src));
            if STRIDE == 2 {
                // Backward, elements are the second bytes of pairs.
                let (a, b) = if BACK {
                    (_mm512_srli_epi16::<8>(all), _mm512_srli_epi16::<8>(other))
                } else {
                    let low = _mm512_set1_epi16(0xFF);
                    (_mm512_and_si512(all, low), _mm512_and_si512(other, low))
                };
                all = _mm512_packus_epi16(a, b);
            }
            let mut all = _mm512_permutexvar_epi64(order, all);
            if BACK {
                all = _mm512_shuffle_epi8(all, reversed);
            }
            _mm512_storeu_si512(dst.cast(), all);
            src = src.wrapping_offset(step);
            dst = dst.wrapping_add(VECTOR);
            done += VECTOR;
        }
        rest::<T>(run, done);
    }
}

/// By permutations of vectors of 64 bytes.
///
/// # Safety
/// As [`by`]'s; the machine has AVX-512, and elements have 2, 4 or 8 bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
unsafe fn permute<T: Unit, const STRIDE: usize, const BACK: bool>(run: Run) {
    const VECTOR: usize = 64;
    let size = size_of::<T>();
    let group = VECTOR / size;
    // Which element of the first two vectors goes where, and which of the others; which the others
    // are.
    let (mut low, mut high) = ([0_u8; VECTOR], [0_u8; VECTOR]);
    let mut from_high = 0_u64;
    for i in 0..group {
        let from = place(i, group, STRIDE, BACK);
        let (index, table) = if from < 2 * group {
            (from, &mut low)
        } else {
            from_high |= 1 << i;
            (from - 2 * group, &mut high)
        };
        // An index has at most 7 bits.
        table[i * size] = index as u8;
    }
    let step = match BACK {
        true => -((VECTOR * STRIDE) as isize),
        false => (VECTOR * STRIDE) as isize,
    };
    // SAFETY: as in `shuffle`.
    unsafe {
        let low = _mm512_loadu_si512(low.as_ptr().cast());
        let high = _mm512_loadu_si512(high.as_ptr().cast());
        let mut done = 0;
        let (mut src, mut dst) = (first_byte::<T>(run.src, group, STRIDE, BACK), run.dst);
        while run.axis.count - done > group {
            let vectors: [__m512i; LONGEST] = [
                _mm512_loadu_si512(src.cast()),
                load_if::<STRIDE, 1>(src),
                load_if::<STRIDE, 2>(src),
                load_if::<STRIDE, 3>(src),
            ];
            let mut all = pick::<T>(vectors[0], low, vectors[1]);
            if STRIDE > 2 {
                let others = pick::<T>(vectors[2], high, vectors[3]);
                all = match size {
                    2 => _mm512_mask_blend_epi16(from_high as u32, all, others),
                    4 => _mm512_mask_blend_epi32(from_high as u16, all, others),
                    _ => _mm512_mask_blend_epi64(from_high as u8, all, others),
                };
            }
            _mm512_storeu_si512(dst.cast(), all);
            src = src.wrapping_offset(step);
            dst = dst.wrapping_add(VECTOR);
            done += group;
        }
        rest::<T>(run, done);
    }
}

/// Vector `J` of those at `src`, if there are more than `J`; else zeros.
///
/// # Safety
/// It is readable if there are more; the machine has AVX-512.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load_if<const STRIDE: usize, const J: usize>(src: *const u8) -> __m512i {
    if J >= STRIDE {
        return _mm512_setzero_si512();
    }
    // SAFETY: the caller's promise.
    unsafe { _mm512_loadu_si512(src.wrapping_add(64 * J).cast()) }
}

/// Elements of two vectors, by their places in both.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn pick<T: Unit>(a: __m512i, places: __m512i, b: __m512i) -> __m512i {
    match size_of::<T>() {
        2 => _mm512_permutex2var_epi16(a, places, b),
        4 => _mm512_permutex2var_epi32(a, places, b),
        _ => _mm512_permutex2var_epi64(a, places, b),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::block::Axis;
    use super::super::run::{Run, Unit};
    use crate::isa::Isa;

    const PAGE: usize = 4096;

    /// Two pages between two that may not be touched.
    struct Fenced(*mut u8);

    impl Fenced {
        fn new() -> Fenced {
            // SAFETY: a fresh mapping, of which the inner pages are then opened and written.
            unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let base =
                    libc::mmap(std::ptr::null_mut(), 4 * PAGE, libc::PROT_NONE, flags, -1, 0);
                assert_ne!(base, libc::MAP_FAILED);
                let inner = base.cast::<u8>().add(PAGE);
                let open = libc::PROT_READ | libc::PROT_WRITE;
                assert_eq!(libc::mprotect(inner.cast(), 2 * PAGE, open), 0);
                for i in 0..2 * PAGE {
                    inner.add(i).write((i * 7 + i / 251) as u8);
                }
                Fenced(inner)
            }
        }
    }

    impl Drop for Fenced {
        fn drop(&mut self) {
            // SAFETY: the mapping is ours.
            unsafe { libc::munmap(self.0.sub(PAGE).cast(), 4 * PAGE) };
        }
    }

    /// Copies runs that begin or end at a protected page, or near it.
    fn check<T: Unit + Default + PartialEq + std::fmt::Debug>(isa: Isa) {
        let fenced = Fenced::new();
        let size = size_of::<T>();
        for stride in [-5_isize, -4, -3, -2, -1, 1, 2, 3, 4, 5] {
            let reach = |count: usize| (count - 1) * stride.unsigned_abs() * size + size;
            let counts = (1..=140).chain([191, 192, 193, 255, 256, 257, 400]);
            for count in counts.filter(|count| reach(*count) <= 2 * PAGE) {
                for gap in [0, 1, 2, 3, 7, 8, 31, 63] {
                    let span = reach(count);
                    for lowest in [gap, (2 * PAGE - span).wrapping_sub(gap)] {
                        if lowest.checked_add(span).is_none_or(|end| end > 2 * PAGE) {
                            continue;
                        }
                        let first = if stride < 0 { lowest + span - size } else { lowest };
                        let step = stride * size as isize;
                        let source = fenced.0.wrapping_add(first);
                        let mut out = vec![T::default(); count];
                        let run = Run {
                            dst: out.as_mut_ptr().cast(),
                            src: source,
                            axis: Axis { count, dst: size as isize, src: step },
                        };
                        // SAFETY: the run is in the two pages, and the output has room.
                        unsafe { run.copy::<T>(isa) };
                        for (i, got) in out.iter().enumerate() {
                            let at = source.wrapping_offset(i as isize * step).cast::<T>();
                            // SAFETY: an element of the run.
                            let want = unsafe { at.read_unaligned() };
                            assert_eq!(*got, want, "{isa:?} {size} {stride} {count} {gap} {i}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn small_strides_between_protected_pages() {
        for isa in Isa::available() {
            check::<u8>(isa);
            check::<u16>(isa);
            check::<u32>(isa);
            check::<u64>(isa);
        }
    }
}
