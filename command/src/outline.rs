//! An array of which nothing but its header was read.

use std::io;

use hotloop::DType;
use hotloop::io::Source;
use hotloop::npy::Header;

/// The outline of an array: its dtype and shape.
pub(crate) struct Outline {
    header: Header,
    /// The bytes that it will take once it is read, if it is read whole.
    pub whole: u64,
}

impl Outline {
    /// The outline of an array in place or in memory.
    pub(crate) fn new(header: Header, is_read_whole: bool) -> Outline {
        let whole = if is_read_whole { header.data_len().unwrap_or(usize::MAX) } else { 0 };
        Outline { header, whole: whole as u64 }
    }
}

impl Source for Outline {
    fn dtype(&self) -> DType {
        self.header.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::Error::other("its elements were not read"))
    }
}
