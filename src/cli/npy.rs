//! Reading `.npy` files into memory.
//!
//! The header is believed only as far as the file's length bears it out: no allocation is larger
//! than what follows the header. The data is read once, into the memory that the program will
//! read; Fortran order stays as strides.

use std::io::{self, Read};
use std::path::Path;

use hotloop::Result;
use hotloop::npy::Header;

use super::array::{Array, Order};
use super::stream::{Stream, cannot};

/// Reads an array from a file.
///
/// # Errors
/// `Io`; `Format` with the byte at which the file stops being an `.npy` file; `Type` for an array
/// of a dtype that hotloop does not have; `OutOfMemory`, `Cancelled`.
pub(crate) fn read(path: &Path) -> Result<Array> {
    let name = format!("{path:?}");
    let opened = Stream::open(path).and_then(|file| Ok((file.len()?, file)));
    // A pipe has no length.
    let (length, file) = opened.map_err(|error| cannot("read", &name, error))?;
    read_from(file, &name, length)
}

/// Reads an array from what is called so and is, if that is known, so long.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_from(mut file: impl Read, name: &str, length: Option<u64>) -> Result<Array> {
    let (header, start) = Header::read(&mut file).map_err(|error| error.within(name))?;
    let size = header.data_len().map_err(|error| error.within(name))?;
    let checked = |have: u64| header.check_len(start, have).map_err(|error| error.within(name));
    let order = if header.fortran_order { Order::Fortran } else { Order::C };
    let zeroed =
        || Array::zeroed(header.dtype, &header.shape, order).map_err(|error| error.within(name));
    let mut array;
    if let Some(length) = length {
        checked(length.saturating_sub(start))?;
        array = zeroed()?;
        // The file may have been cut since it was measured.
        let have =
            fill(&mut file, array.bytes_mut()).map_err(|error| cannot("read", name, error))?;
        checked(have as u64)?;
    } else {
        // Memory grows with what arrives.
        let mut bytes = Vec::new();
        let read = file.take(size as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| cannot("read", name, error))?;
        checked(bytes.len() as u64)?;
        array = zeroed()?;
        array.bytes_mut().copy_from_slice(&bytes);
    }
    if header.swapped {
        array.swap_bytes();
    }
    Ok(array)
}

/// Reads until the buffer is full or the file ends; how much there was.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while have < buffer.len() {
        match file.read(&mut buffer[have..]) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(have)
}
