//! Nontemporal stores and prefetches.
//!
//! An ordinary store first fetches its cache line. A nontemporal store of a whole line does not:
//! this saves a quarter of the traffic of `a + b`, and evicts nothing from the caches.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The size in bytes of a cache line.
const LINE: usize = 64;

/// The number of bytes of an output to compute in L1 before they are written by nontemporal stores.
/// With 2 KiB at a time `2*a + 3*b` of three arrays in memory takes 1.05 times as long as
/// nontemporal stores from registers, with 4 KiB 1.3 to 1.8 times: the hardware prefetcher loses
/// track of the inputs.
pub const PIECE: usize = 2 << 10;

/// Copies pieces, which should be in L1, to memory that will not be read soon. Whole lines of the
/// memory are written by nontemporal stores.
///
/// A line that a piece fills in part is kept until the next piece fills it. If it were written by
/// ordinary stores, the stores after it would wait until it has been fetched: with pieces of 2 KiB
/// that begin in the middle of a line, `x + 3` takes twice as long.
///
/// These stores are weakly ordered: call [`fence`] after [`finish`](Stream::finish) before
/// publishing the data to other threads.
#[derive(Clone)]
pub struct Stream {
    /// The address after the last piece.
    end: *mut u8,
    /// The number of bytes before `end` that are kept.
    kept: usize,
    line: [u8; LINE],
}

impl Default for Stream {
    fn default() -> Stream {
        Stream::new()
    }
}

impl Stream {
    /// A stream before its first piece.
    pub const fn new() -> Stream {
        Stream { end: std::ptr::null_mut(), kept: 0, line: [0; LINE] }
    }

    /// Copies a piece. The memory has all of it after [`finish`](Stream::finish).
    ///
    /// # Safety
    /// `src` is readable and `dst` writable for `bytes` bytes; they do not overlap. No pointer needs
    /// to be aligned. The memory of earlier pieces is still writable.
    pub unsafe fn write(&mut self, dst: *mut u8, src: *const u8, bytes: usize) {
        if dst != self.end {
            // SAFETY: the caller's promise.
            unsafe { self.finish() };
        }
        self.end = dst.wrapping_add(bytes);
        // The bytes up to the first whole line: they fill the line that is kept, or are written.
        let head = dst.align_offset(LINE).min(bytes);
        let lines = (bytes - head) / LINE;
        let tail = head + lines * LINE;
        // SAFETY: the three parts make up the caller's bytes, and the lines begin at a multiple of
        // 64. A kept line ends where the head ends.
        unsafe {
            if self.kept > 0 {
                let rest = self.line.as_mut_ptr().add(self.kept);
                rest.copy_from_nonoverlapping(src, head);
                self.kept += head;
                if self.kept < LINE {
                    return;
                }
                stream_lines(dst.add(head).wrapping_sub(LINE), self.line.as_ptr(), 1);
                self.kept = 0;
            } else {
                dst.copy_from_nonoverlapping(src, head);
            }
            stream_lines(dst.add(head), src.add(head), lines);
            self.kept = bytes - tail;
            self.line.as_mut_ptr().copy_from_nonoverlapping(src.add(tail), self.kept);
        }
    }

    /// Writes what is kept.
    ///
    /// # Safety
    /// The memory of the last piece is still writable.
    pub unsafe fn finish(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        if kept == 0 {
            return;
        }
        // SAFETY: the last bytes before `end` have been given.
        unsafe {
            self.end.wrapping_sub(kept).copy_from_nonoverlapping(self.line.as_ptr(), kept);
        }
    }

    /// Forgets what is kept, for a run that was stopped.
    pub fn clear(&mut self) {
        *self = Stream::new();
    }
}

/// Copies `lines` cache lines by nontemporal stores.
///
/// # Safety
/// `src` is readable and `dst` writable for that many lines, which do not overlap; `dst` is a
/// multiple of [`LINE`].
#[cfg(target_arch = "x86_64")]
unsafe fn stream_lines(dst: *mut u8, src: *const u8, lines: usize) {
    use crate::isa::Isa;
    // SAFETY: the caller's promise; the machine has the detected instruction set.
    unsafe {
        match Isa::detect() {
            Isa::Avx2 | Isa::Avx512 => lines_avx2(dst, src, lines),
            Isa::Baseline => lines_sse2(dst, src, lines),
        }
    }
}

/// Copies `lines` cache lines.
///
/// # Safety
/// As the x86-64 function.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn stream_lines(dst: *mut u8, src: *const u8, lines: usize) {
    // SAFETY: the caller's promise.
    unsafe { dst.copy_from_nonoverlapping(src, lines * LINE) }
}

/// Defines the loop over lines for a vector type. Vectors of 64 bytes are no faster than those of
/// 32; those of 16 are up to 1.8 times slower.
#[cfg(target_arch = "x86_64")]
macro_rules! lines {
    ($name:ident, $features:literal, $vector:ident, $load:ident, $store:ident) => {
        /// # Safety
        /// As [`stream_lines`]; the machine has the instructions.
        #[target_feature(enable = $features)]
        unsafe fn $name(dst: *mut u8, src: *const u8, lines: usize) {
            use std::arch::x86_64::{$load, $store, $vector};
            const WIDTH: usize = size_of::<$vector>();
            for line in 0..lines {
                for part in 0..LINE / WIDTH {
                    let at = line * LINE + part * WIDTH;
                    // SAFETY: `at` is inside the lines, and `dst + at` a multiple of `WIDTH`.
                    unsafe { $store(dst.add(at).cast(), $load(src.add(at).cast())) };
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lines!(lines_sse2, "sse2", __m128i, _mm_loadu_si128, _mm_stream_si128);
#[cfg(target_arch = "x86_64")]
lines!(lines_avx2, "avx2", __m256i, _mm256_loadu_si256, _mm256_stream_si256);

/// Orders this thread's earlier nontemporal stores before its later stores.
#[inline]
pub fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence()
    };
}

/// Prefetches memory that will be read soon. Any address is valid.
#[inline]
pub fn prefetch(start: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..bytes).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch may name any address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(start.wrapping_add(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, bytes);
}

/// The cache size assumed for a machine that does not report it.
const DEFAULT_CACHE: usize = 32 << 20;

/// The maximum of [`threshold`]: more of a larger cache is seldom left by the other processors, and
/// virtual machines, that share it. On a Xeon with 260 MiB, copies of 128 MiB take 0.39 of the time
/// of ordinary stores, of 64 MiB 0.79.
const MOST: usize = 64 << 20;

/// The number of bytes of a loop's arrays beyond which outputs gain from a [`Stream`]: the size of
/// this machine's largest cache, detected once, but at most 64 MiB.
pub fn threshold() -> usize {
    // Not a lock, which a thread of a forked child's parent could hold; detecting twice does no
    // harm.
    static BYTES: AtomicUsize = AtomicUsize::new(0);
    match BYTES.load(Ordering::Relaxed) {
        0 => {
            let bytes = largest_cache().unwrap_or(DEFAULT_CACHE).min(MOST);
            BYTES.store(bytes, Ordering::Relaxed);
            bytes
        }
        bytes => bytes,
    }
}

/// The largest cache of the first processor, from sysfs.
fn largest_cache() -> Option<usize> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let folder = "/sys/devices/system/cpu/cpu0/cache";
    let sizes = (0..8).filter_map(|index| {
        let text = std::fs::read_to_string(format!("{folder}/index{index}/size")).ok()?;
        cache_bytes(text.trim())
    });
    sizes.max().filter(|bytes| *bytes > 0)
}

/// The number of bytes that a text such as `32768K` or `32M` means.
fn cache_bytes(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: usize = match &text[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::{LINE, MOST, cache_bytes, fence, threshold};

    #[test]
    fn sizes_of_caches() {
        assert_eq!(cache_bytes("32768K"), Some(32 << 20));
        assert_eq!(cache_bytes("32M"), Some(32 << 20));
        assert_eq!(cache_bytes("1G"), Some(1 << 30));
        assert_eq!(cache_bytes("512"), Some(512));
        assert_eq!(cache_bytes(""), None);
        assert_eq!(cache_bytes("K"), None);
        assert_eq!(cache_bytes("8 K"), None);
        assert_eq!(cache_bytes("18446744073709551615K"), None);
        assert!((1..=MOST).contains(&threshold()));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn lines_of_every_instruction_set() {
        use super::{lines_avx2, lines_sse2};
        use crate::isa::Isa;

        for isa in Isa::available() {
            for lines in 0..9 {
                let source: Vec<u8> = (0..lines * LINE + 1).map(|i| (i * 37 + 5) as u8).collect();
                let mut memory = vec![0xEE_u8; (lines + 2) * LINE];
                let first = memory.as_ptr().align_offset(LINE);
                // SAFETY: there are that many lines from the first multiple of 64 on.
                unsafe {
                    let (dst, src) = (memory.as_mut_ptr().add(first), source.as_ptr().add(1));
                    match isa {
                        Isa::Avx2 | Isa::Avx512 => lines_avx2(dst, src, lines),
                        Isa::Baseline => lines_sse2(dst, src, lines),
                    }
                }
                fence();
                let (before, rest) = memory.split_at(first);
                let (copied, after) = rest.split_at(lines * LINE);
                assert_eq!(copied, &source[1..], "{isa:?} {lines}");
                assert!(before.iter().chain(after).all(|b| *b == 0xEE), "{isa:?} {lines}");
            }
        }
    }
}
