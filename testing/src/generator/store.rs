//! Sources and sinks in memory that check how they are used.

use std::io;
use std::ops::Range;
use std::sync::Mutex;

use hotloop::DType;
use hotloop::io::{Sink, Source};

use super::data::{Array, Rng};

/// An array that is read or written by calls.
pub struct Stored {
    dtype: DType,
    shape: Vec<usize>,
    fortran_order: bool,
    swapped: bool,
    bytes: Mutex<Bytes>,
}

struct Bytes {
    content: Vec<u8>,
    /// The number of writes to each byte.
    written: Vec<u8>,
}

impl Stored {
    /// The elements of an array, in a random order and byte order.
    pub fn source(array: &Array, rng: &mut Rng) -> Stored {
        let (fortran_order, swapped) = (rng.below(3) == 0, rng.below(4) == 0);
        let stored = Stored { fortran_order, swapped, ..Stored::native(array) };
        let content = stored.encoded(&array.elements());
        stored.bytes.lock().expect("no panic before").content = content;
        stored
    }

    /// The elements of an array, in C order and this machine's byte order.
    pub fn native(array: &Array) -> Stored {
        let bytes = Mutex::new(Bytes { written: Vec::new(), content: array.elements() });
        let (dtype, shape) = (array.dtype, array.shape.clone());
        Stored { dtype, shape, fortran_order: false, swapped: false, bytes }
    }

    /// An empty store for an array, in C order and this machine's byte order.
    pub fn sink(dtype: DType, shape: &[usize]) -> Stored {
        let n = shape.iter().product::<usize>() * dtype.size();
        let bytes = Mutex::new(Bytes { content: vec![0xa5; n], written: vec![0; n] });
        Stored { dtype, shape: shape.to_vec(), fortran_order: false, swapped: false, bytes }
    }

    /// An empty store for an array, in a random order and byte order.
    pub fn any_sink(dtype: DType, shape: &[usize], rng: &mut Rng) -> Stored {
        let (fortran_order, swapped) = (rng.below(3) == 0, rng.below(4) == 0);
        Stored { fortran_order, swapped, ..Stored::sink(dtype, shape) }
    }

    /// The written elements, in C order and this machine's byte order.
    ///
    /// # Errors
    /// A byte that was not written, or written twice.
    pub fn content(&self) -> Result<Vec<u8>, String> {
        let bytes = self.bytes.lock().expect("no panic before");
        match bytes.written.iter().position(|n| *n != 1) {
            Some(at) => Err(format!("byte {at} was written {} times", bytes.written[at])),
            None => Ok(self.decoded(&bytes.content)),
        }
    }

    /// Converts elements in C order to the store's bytes.
    fn encoded(&self, elements: &[u8]) -> Vec<u8> {
        let mut bytes = elements.to_vec();
        self.each(|i, place| bytes[place].copy_from_slice(&elements[i]));
        self.swap(&mut bytes);
        bytes
    }

    /// Converts the store's bytes to elements in C order.
    fn decoded(&self, bytes: &[u8]) -> Vec<u8> {
        let mut elements = bytes.to_vec();
        self.each(|i, place| elements[i].copy_from_slice(&bytes[place]));
        self.swap(&mut elements);
        elements
    }

    fn swap(&self, bytes: &mut [u8]) {
        if self.swapped {
            bytes.chunks_exact_mut(self.dtype.size()).for_each(<[u8]>::reverse);
        }
    }

    /// Calls a function for each element in C order, with its bytes in C order and in the store.
    fn each(&self, mut call: impl FnMut(Range<usize>, Range<usize>)) {
        let size = self.dtype.size();
        let n = self.shape.iter().product();
        for i in 0..n {
            let (mut rest, mut place, mut step) = (i, 0, n);
            for extent in self.shape.iter().rev() {
                step /= extent;
                place += rest % extent * step;
                rest /= extent;
            }
            let place = if self.fortran_order { place } else { i };
            call(i * size..(i + 1) * size, place * size..(place + 1) * size);
        }
    }
}

impl Source for Stored {
    fn dtype(&self) -> DType {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    fn byte_swapped(&self) -> bool {
        self.swapped
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let content = &self.bytes.lock().expect("no panic before").content;
        let part = content.get(offset as usize..offset as usize + bytes.len());
        bytes.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl Sink for Stored {
    fn dtype(&self) -> DType {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    fn byte_swapped(&self) -> bool {
        self.swapped
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let Bytes { content, written } = &mut *self.bytes.lock().expect("no panic before");
        let range = offset as usize..offset as usize + bytes.len();
        content.get_mut(range.clone()).ok_or(io::ErrorKind::WriteZero)?.copy_from_slice(bytes);
        written[range].iter_mut().for_each(|n| *n = n.saturating_add(1));
        Ok(())
    }
}
