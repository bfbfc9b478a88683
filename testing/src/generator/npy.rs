//! Arbitrary bytes as an `.npy` file: the header is rejected with an offset, or written and read
//! back; the array has the elements of the file.

use std::io::{self, Read};
use std::sync::LazyLock;

use hotloop::npy::Header;
use hotloop::{Arg, Engine, Error, ErrorKind};

use super::check::different_elements;
use super::targets::Verdict;

/// The maximum number of elements of a file whose array is checked.
const MOST: usize = 1 << 16;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::builder().threads(1).build());

/// A reader that gives a few bytes at a time, with interruptions.
struct Pieces<'a> {
    left: &'a [u8],
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = buffer.len().min(self.left.len()).min(1 + self.turn % 5);
        buffer[..n].copy_from_slice(&self.left[..n]);
        self.left = &self.left[n..];
        Ok(n)
    }
}

/// Checks one file.
///
/// # Errors
/// A description of what is wrong.
pub fn check(bytes: &[u8]) -> Verdict {
    let read = Header::read(&mut &*bytes);
    let pieces = Header::read(&mut Pieces { left: bytes, turn: 0 });
    let text = |e: &Error| format!("{e:?}");
    if read.as_ref().map_err(text) != pieces.as_ref().map_err(text) {
        return Err(format!("whole {read:?}, in pieces {pieces:?}"));
    }
    match read {
        Ok((header, start)) => accepted(&header, start, bytes),
        Err(error) => refused(&error, bytes.len()),
    }
}

/// Checks the error of a file without a valid header: its offset is inside the file, or at its end.
fn refused(error: &Error, len: usize) -> Verdict {
    if ![ErrorKind::Format, ErrorKind::Type].contains(&error.kind()) {
        return Err(format!("{error:?}"));
    }
    let at = error.message().rsplit_once("(at byte ").and_then(|(_, at)| at.strip_suffix(')'));
    match at.and_then(|at| at.parse::<usize>().ok()) {
        Some(at) if at <= len => Ok(()),
        _ => Err(format!("{error:?} is at no byte of {len}")),
    }
}

fn accepted(header: &Header, start: u64, bytes: &[u8]) -> Verdict {
    let written = header.to_bytes();
    let again = Header::read(&mut &written[..]).map_err(|e| format!("{header:?}: {e:?}"))?;
    // Headers have no byte order for single bytes.
    let swapped = header.swapped && header.dtype.size() > 1;
    let want = (Header { swapped, ..header.clone() }, written.len() as u64);
    if again != want || !written.len().is_multiple_of(64) {
        return Err(format!("{header:?} is read again as {again:?}"));
    }
    let data = usize::try_from(start).ok().and_then(|start| bytes.get(start..));
    let data = data.ok_or_else(|| format!("the data starts at {start} of {}", bytes.len()))?;
    let len = header.data_len().map_err(|e| format!("{header:?} was read, but {e:?}"))?;
    match data.get(..len) {
        Some(data) if len <= MOST => elements(header, data).map_err(|e| format!("{header:?}: {e}")),
        _ => Ok(()),
    }
}

/// Checks the elements of a file's array against those at their offsets in the file.
fn elements(header: &Header, data: &[u8]) -> Verdict {
    let (dtype, size) = (header.dtype, header.dtype.size());
    let mut strides = vec![0isize; header.shape.len()];
    let mut step = size;
    let mut axes: Vec<usize> = (0..strides.len()).collect();
    if !header.fortran_order {
        axes.reverse();
    }
    for axis in axes {
        strides[axis] = step as isize;
        step = step.saturating_mul(header.shape[axis].max(1));
    }
    // SAFETY: the data has as many elements as the shape, and outlives the call.
    let arg = unsafe { Arg::raw(data.as_ptr(), &header.shape, &strides, dtype) };
    let arg = if header.swapped { arg.byte_swapped() } else { arg };
    let made = ENGINE.compile("x[...]").and_then(|program| program.eval([arg]));
    let outputs = match made {
        Ok(outputs) => outputs,
        // Files may have more axes and larger extents than arrays.
        Err(error) if [ErrorKind::Limit, ErrorKind::Shape].contains(&error.kind()) => return Ok(()),
        Err(error) => return Err(format!("{error:?}")),
    };
    let mut want = Vec::with_capacity(data.len());
    let mut index = vec![0usize; strides.len()];
    while want.len() < data.len() {
        let at: isize = index.iter().zip(&strides).map(|(i, s)| *i as isize * s).sum();
        let element = &data[at as usize..at as usize + size];
        match dtype {
            hotloop::DType::Bool => want.push(u8::from(element[0] != 0)),
            _ if header.swapped => want.extend(element.iter().rev()),
            _ => want.extend(element),
        }
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            if index[axis] < header.shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    different_elements(dtype, &want, &outputs[0].bytes()).map_or(Ok(()), Err)
}
