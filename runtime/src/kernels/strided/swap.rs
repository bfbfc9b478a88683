//! Byte order.

use crate::isa::Isa;

/// Reverses the bytes of each of `n` elements of `size` bytes, in place.
///
/// # Safety
/// `data` has `n * size` readable and writable bytes. It needs no alignment.
pub unsafe fn swap_bytes(data: *mut u8, size: usize, n: usize) {
    // SAFETY: the caller's promise; the machine has what it detects.
    unsafe {
        match Isa::detect() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::Avx512 => swap_avx2(data, size, n),
            _ => swap(data, size, n),
        }
    }
}

/// # Safety
/// As [`swap_bytes`]'s; the machine has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn swap_avx2(data: *mut u8, size: usize, n: usize) {
    // SAFETY: the caller's promise.
    unsafe { swap(data, size, n) }
}

/// # Safety
/// As [`swap_bytes`]'s.
#[inline(always)]
unsafe fn swap(data: *mut u8, size: usize, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match size {
            0 | 1 => {}
            2 => each::<u16>(data, n, u16::swap_bytes),
            4 => each::<u32>(data, n, u32::swap_bytes),
            8 => each::<u64>(data, n, u64::swap_bytes),
            16 => each::<u128>(data, n, u128::swap_bytes),
            _ => {
                for i in 0..n {
                    std::slice::from_raw_parts_mut(data.add(i * size), size).reverse();
                }
            }
        }
    }
}

/// # Safety
/// `data` has `n` readable and writable elements.
#[inline(always)]
unsafe fn each<T>(data: *mut u8, n: usize, f: impl Fn(T) -> T) {
    let data = data.cast::<T>();
    for i in 0..n {
        // SAFETY: the caller's promise; `i < n`.
        unsafe { data.add(i).write_unaligned(f(data.add(i).read_unaligned())) };
    }
}

#[cfg(test)]
mod tests {
    use super::{swap, swap_bytes};

    #[test]
    fn every_size() {
        for size in 1..=17 {
            for n in [0, 1, 2, 3, 7, 31, 64, 100] {
                for shift in 0..3 {
                    let before: Vec<u8> =
                        (0..shift + n * size + 9).map(|i| (i * 37) as u8).collect();
                    let mut want = before.clone();
                    want[shift..shift + n * size].chunks_exact_mut(size).for_each(<[u8]>::reverse);
                    for f in [swap_bytes, swap] {
                        let mut data = before.clone();
                        // SAFETY: there are `n * size` bytes from `shift` on.
                        unsafe { f(data.as_mut_ptr().add(shift), size, n) };
                        assert_eq!(data, want, "{size} {n} {shift}");
                    }
                }
            }
        }
    }
}
