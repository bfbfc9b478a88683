//! Reading `.npy` files into memory.
//!
//! The header is believed only as far as the file's length, or the memory that may be taken, bears
//! it out. The data is read once, into the memory that the program will read; Fortran order stays
//! as strides.

use std::io::{self, Read};
use std::path::Path;

use hotloop::npy::Header;
use hotloop::{Error, Result};

use super::array::{Array, Order};
use super::budget::Budget;
use super::stream::{Stream, cannot};

/// Reads an array from a file.
///
/// # Errors
/// `Io`; `Format` with the byte at which the file stops being an `.npy` file; `Type` for an array
/// of a dtype that hotloop does not have; `OutOfMemory`, `Cancelled`.
pub(crate) fn read(path: &Path, budget: &mut Budget) -> Result<Array> {
    let name = format!("{path:?}");
    let opened = Stream::open(path).and_then(|file| Ok((file.len()?, file)));
    // A pipe has no length.
    let (length, mut file) = opened.map_err(|error| cannot("read", &name, error))?;
    read_from(&mut file, &name, length, budget)
}

/// Reads the header of an array with this name in messages; returns it with the offset of the data.
///
/// # Errors
/// As [`read`].
pub(crate) fn header(file: &mut impl Read, name: &str) -> Result<(Header, u64)> {
    Header::read(file).map_err(|error| error.within(name))
}

/// Reads an array; `what` is its name in messages, `len` its length if known.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_from(
    file: &mut impl Read,
    name: &str,
    length: Option<u64>,
    budget: &mut Budget,
) -> Result<Array> {
    let within = |error: Error| error.within(name);
    let (header, start) = header(file, name)?;
    let size = header.data_len().map_err(within)? as u64;
    if let Some(length) = length {
        header.check_len(start, length.saturating_sub(start)).map_err(within)?;
    }
    budget.check(size, &|| name.to_string())?;
    let order = if header.fortran_order { Order::Fortran } else { Order::C };
    // Untouched pages take no memory if less data arrives than announced.
    let mut array = Array::zeroed(header.dtype, &header.shape, order).map_err(within)?;
    let read = |error| cannot("read", name, error);
    let mut have = fill(file, array.bytes_mut()).map_err(read)? as u64;
    if have == size && length.is_none() {
        have += io::copy(&mut file.take(1), &mut io::sink()).map_err(read)?;
    }
    header.check_len(start, have).map_err(within)?;
    if header.swapped {
        array.swap_bytes();
    }
    budget.take(size);
    Ok(array)
}

/// Reads until the buffer is full or the file ends; returns the number of bytes.
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
