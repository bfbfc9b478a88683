//! Encodings of elements in bytes.

use crate::dtype::DType;
use crate::strided::swap_bytes;

/// The encoding of an array's elements in bytes.
///
/// Elements are decoded after they have been read and encoded before they are written, many at a
/// time and in place: an encoded element has the size of a decoded one.
///
/// ```
/// use hotloop_runtime::dtype::DType;
/// use hotloop_runtime::format::Format;
///
/// let format = Format::Native(DType::U16).byte_swapped();
/// let mut elements = [1u16, 2].map(u16::swap_bytes);
/// // SAFETY: there are two elements.
/// unsafe { format.decode(elements.as_mut_ptr().cast(), 2) };
/// assert_eq!(elements, [1, 2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// In this machine's byte order.
    Native(DType),
    /// In the opposite byte order.
    Swapped(DType),
}

impl Format {
    /// The format of a dtype in this machine's byte order or, if `swapped`, in the opposite one.
    pub const fn new(dtype: DType, swapped: bool) -> Format {
        match swapped {
            true => Format::Swapped(dtype),
            false => Format::Native(dtype),
        }
    }

    /// The dtype of decoded elements.
    #[inline]
    pub const fn dtype(self) -> DType {
        match self {
            Format::Native(dtype) | Format::Swapped(dtype) => dtype,
        }
    }

    /// The size of an element in bytes.
    #[inline]
    pub const fn size(self) -> usize {
        self.dtype().size()
    }

    /// Whether decoding changes nothing, so that elements can be used in place.
    #[inline]
    pub const fn is_native(self) -> bool {
        match self {
            Format::Native(_) => true,
            Format::Swapped(_) => false,
        }
    }

    /// Whether elements have the opposite byte order to this machine's.
    #[inline]
    pub const fn is_swapped(self) -> bool {
        match self {
            Format::Native(_) => false,
            Format::Swapped(_) => true,
        }
    }

    /// The format with the opposite byte order.
    #[must_use]
    pub const fn byte_swapped(self) -> Format {
        match self {
            Format::Native(dtype) => Format::Swapped(dtype),
            Format::Swapped(dtype) => Format::Native(dtype),
        }
    }

    /// Decodes `n` elements in place.
    ///
    /// # Safety
    /// `data` has `n` elements, readable and writable. It needs no alignment.
    #[inline]
    pub unsafe fn decode(self, data: *mut u8, n: usize) {
        match self {
            Format::Native(_) => {}
            // SAFETY: the caller's promise.
            Format::Swapped(dtype) => unsafe { swap_bytes(data, dtype.size(), n) },
        }
    }

    /// Encodes `n` elements in place.
    ///
    /// # Safety
    /// As [`Format::decode`].
    #[inline]
    pub unsafe fn encode(self, data: *mut u8, n: usize) {
        match self {
            Format::Native(_) => {}
            // SAFETY: the caller's promise.
            Format::Swapped(dtype) => unsafe { swap_bytes(data, dtype.size(), n) },
        }
    }

    /// Reads an element and decodes it; returns its bits.
    ///
    /// # Safety
    /// The element is readable. It needs no alignment.
    #[inline]
    pub unsafe fn read(self, from: *const u8) -> u64 {
        // SAFETY: the caller's promise; no pointer need be aligned.
        let bits = unsafe {
            match self.size() {
                1 => u64::from(from.read()),
                2 => u64::from(from.cast::<u16>().read_unaligned()),
                4 => u64::from(from.cast::<u32>().read_unaligned()),
                _ => from.cast::<u64>().read_unaligned(),
            }
        };
        match self {
            Format::Native(_) => bits,
            Format::Swapped(dtype) => bits.swap_bytes() >> (64 - dtype.bits()),
        }
    }

    /// Encodes an element of these bits, in the first [`Format::size`] bytes.
    #[inline]
    pub fn bytes(self, bits: u64) -> [u8; 8] {
        let mut bytes = bits.to_le_bytes();
        match self {
            Format::Native(_) => {}
            Format::Swapped(dtype) => bytes[..dtype.size()].reverse(),
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::Format;
    use crate::dtype::DType;

    #[test]
    fn every_dtype_in_both_orders() {
        for dtype in DType::ALL {
            let size = dtype.size();
            let native: Vec<u8> = (1..=3 * size as u8).collect();
            let mut swapped = native.clone();
            swapped.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            for (format, stored) in [
                (Format::Native(dtype), &native),
                (Format::Swapped(dtype), &swapped),
                (Format::Swapped(dtype).byte_swapped(), &native),
                (Format::new(dtype, true), &swapped),
            ] {
                assert_eq!((format.dtype(), format.size()), (dtype, size));
                assert_eq!(format.is_native(), !format.is_swapped());
                let mut data = stored.clone();
                // SAFETY: there are three elements.
                unsafe { format.decode(data.as_mut_ptr(), 3) };
                assert_eq!(data, native, "{format:?}");
                // SAFETY: as above.
                unsafe { format.encode(data.as_mut_ptr(), 3) };
                assert_eq!(data, *stored, "{format:?}");
                for i in 0..3 {
                    let mut word = [0; 8];
                    word[..size].copy_from_slice(&native[i * size..][..size]);
                    let bits = u64::from_le_bytes(word);
                    // SAFETY: it is one of the elements.
                    let read = unsafe { format.read(stored.as_ptr().add(i * size)) };
                    assert_eq!(read, bits, "{format:?}");
                    assert_eq!(format.bytes(bits)[..size], stored[i * size..][..size]);
                }
            }
        }
    }
}
