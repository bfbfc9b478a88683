//! Arrays that are not in memory: read and written piece by piece, where they are.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk;
use crate::dtype::DType;
use crate::format::Format;

/// Where an array is read from: a file, an object store, a generator.
///
/// Pieces are read by several threads at once, in about the order of the array, and again by each
/// pass over it; they must not change meanwhile. A piece has the size of a cache, not of a disk's
/// block: whatever is far away should read ahead.
///
/// ```
/// use hotloop_runtime::dtype::DType;
/// use hotloop_runtime::store::Source;
///
/// /// 0, 1, 2, ... without memory.
/// struct Positions([usize; 1]);
///
/// impl Source for Positions {
///     fn dtype(&self) -> DType {
///         DType::U64
///     }
///
///     fn shape(&self) -> &[usize] {
///         &self.0
///     }
///
///     fn read_at(&self, offset: u64, bytes: &mut [u8]) -> std::io::Result<()> {
///         // Pieces are of whole elements.
///         for (i, element) in bytes.chunks_exact_mut(8).enumerate() {
///             element.copy_from_slice(&(offset / 8 + i as u64).to_le_bytes());
///         }
///         Ok(())
///     }
/// }
///
/// let mut two = [0; 16];
/// Positions([1 << 40]).read_at(8 * 300, &mut two)?;
/// assert_eq!(two[..2], [44, 1]);
/// assert_eq!(two[8..10], [45, 1]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Source: Send + Sync {
    /// The elements' dtype.
    fn dtype(&self) -> DType;

    /// The extents of the axes.
    fn shape(&self) -> &[usize];

    /// Whether the first axis varies fastest, and not the last.
    fn fortran_order(&self) -> bool {
        false
    }

    /// Whether the bytes of each element are in the other order than this machine's.
    fn byte_swapped(&self) -> bool {
        false
    }

    /// Fills `bytes` with those that start `offset` bytes behind the array's first element.
    ///
    /// # Errors
    /// Whatever keeps it from that; the run then fails with [`io::Error`]'s message.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// Where an array is written to.
///
/// Pieces come from several threads at once, each byte once, in about the order of the array.
pub trait Sink: Send + Sync {
    /// The elements' dtype.
    fn dtype(&self) -> DType;

    /// The extents of the axes.
    fn shape(&self) -> &[usize];

    /// Whether the first axis varies fastest, and not the last.
    fn fortran_order(&self) -> bool {
        false
    }

    /// Whether the bytes of each element are to be in the other order than this machine's.
    fn byte_swapped(&self) -> bool {
        false
    }

    /// Writes `bytes` to `offset` bytes behind where the array begins.
    ///
    /// # Errors
    /// Whatever keeps it from that; the run then fails with [`io::Error`]'s message.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

/// What an array without memory is.
#[derive(Clone)]
pub enum Store {
    /// It is read.
    Source(Arc<dyn Source>),
    /// It is written.
    Sink(Arc<dyn Sink>),
}

impl Store {
    /// Whether both are one value: what is written to one is then read from the other, or
    /// overwritten by it.
    pub fn same(&self, other: &Store) -> bool {
        std::ptr::eq(self.address(), other.address())
    }

    fn address(&self) -> *const () {
        match self {
            Store::Source(source) => Arc::as_ptr(source).cast(),
            Store::Sink(sink) => Arc::as_ptr(sink).cast(),
        }
    }

    /// Reads from a source.
    ///
    /// # Errors
    /// As [`Source::read_at`].
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        match self {
            Store::Source(source) => source.read_at(offset, bytes),
            Store::Sink(_) => Err(io::Error::other("a sink cannot be read")),
        }
    }

    /// Writes to a sink.
    ///
    /// # Errors
    /// As [`Sink::write_at`].
    pub fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self {
            Store::Source(_) => Err(io::Error::other("a source cannot be written")),
            Store::Sink(sink) => sink.write_at(offset, bytes),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Store::Source(_) => "Source",
            Store::Sink(_) => "Sink",
        })
    }
}

/// An array that is part of a file: what lies between a header and the end, say.
///
/// Reads and writes are positioned (`pread`, `pwrite`): the file is never mapped, so one that
/// another process cuts short is an error, not a signal.
///
/// ```
/// use hotloop_runtime::dtype::DType;
/// use hotloop_runtime::store::{FileArray, Sink, Source};
///
/// let file = FileArray::temporary(&std::env::temp_dir(), DType::I16, &[3, 2])?;
/// file.write_at(4, &7i16.to_le_bytes())?;
/// let mut element = [0; 2];
/// file.read_at(4, &mut element)?;
/// assert_eq!(i16::from_le_bytes(element), 7);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FileArray {
    file: File,
    start: u64,
    format: Format,
    shape: Box<[usize]>,
    fortran_order: bool,
    writeback: bool,
    /// What errors call the file.
    path: Option<Box<Path>>,
}

/// Pieces that are worth a request to the disk of their own.
const LEAST_WRITEBACK: usize = 256 << 10;

impl FileArray {
    /// The array in C order that starts at a byte of a file.
    pub fn new(file: File, start: u64, dtype: DType, shape: &[usize]) -> FileArray {
        let (format, fortran_order, writeback) = (Format::Native(dtype), false, false);
        let (shape, path) = (shape.into(), None);
        FileArray { file, start, format, shape, fortran_order, writeback, path }
    }

    /// The same elements, the first axis of which varies fastest.
    pub fn with_fortran_order(self, fortran_order: bool) -> FileArray {
        FileArray { fortran_order, ..self }
    }

    /// The same elements, with their bytes in the other order.
    pub fn with_byte_swapped(self, swapped: bool) -> FileArray {
        FileArray { format: Format::new(self.format.dtype(), swapped), ..self }
    }

    /// The same elements, with errors that begin with the file's path.
    pub fn with_path(self, path: impl AsRef<Path>) -> FileArray {
        FileArray { path: Some(path.as_ref().into()), ..self }
    }

    /// The same elements, in a file that will be synced: what is written is on its way to the disk
    /// at once and not only then. On other systems than Linux it makes no difference.
    pub fn with_early_writeback(self, writeback: bool) -> FileArray {
        FileArray { writeback, ..self }
    }

    /// Makes the file as long as it is to be, and takes the room for it where the file system can,
    /// so that the disk is not found full when half is written.
    ///
    /// # Errors
    /// There is no room, or the file is not to become so long.
    pub fn reserve(&self) -> io::Result<()> {
        let end = byte_count(self.format, &self.shape).and_then(|n| self.start.checked_add(n));
        let end = end.ok_or(io::ErrorKind::FileTooLarge)?;
        disk::set_len(&self.file, end).and_then(|()| disk::reserve(&self.file, end))
    }

    /// Writes what is in the file before the array, from the file's first byte on.
    ///
    /// # Errors
    /// Of the file.
    pub fn write_head(&self, bytes: &[u8]) -> io::Result<()> {
        disk::write_all_at(&self.file, bytes, 0).map_err(|e| self.blame(e))
    }

    /// An array of zeros in a file that has no name in a directory, and is gone with the value.
    /// It takes room as it is written.
    ///
    /// # Errors
    /// The directory takes no file, or none so long.
    pub fn temporary(directory: &Path, dtype: DType, shape: &[usize]) -> io::Result<FileArray> {
        let bytes = byte_count(Format::Native(dtype), shape).ok_or(io::ErrorKind::FileTooLarge)?;
        let file = disk::nameless(directory)?;
        disk::set_len(&file, bytes)?;
        Ok(FileArray::new(file, 0, dtype, shape))
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    fn blame(&self, error: io::Error) -> io::Error {
        match &self.path {
            Some(path) => io::Error::new(error.kind(), format!("{path:?}: {error}")),
            None => error,
        }
    }
}

/// `None` where 64 bits do not count them.
fn byte_count(format: Format, shape: &[usize]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(format.size(), |n, e| n.checked_mul(*e)).map(|n| n as u64)
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn dtype(&self) -> DType {
        (**self).dtype()
    }

    fn shape(&self) -> &[usize] {
        (**self).shape()
    }

    fn fortran_order(&self) -> bool {
        (**self).fortran_order()
    }

    fn byte_swapped(&self) -> bool {
        (**self).byte_swapped()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, bytes)
    }
}

impl<S: Sink + ?Sized> Sink for Arc<S> {
    fn dtype(&self) -> DType {
        (**self).dtype()
    }

    fn shape(&self) -> &[usize] {
        (**self).shape()
    }

    fn fortran_order(&self) -> bool {
        (**self).fortran_order()
    }

    fn byte_swapped(&self) -> bool {
        (**self).byte_swapped()
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        (**self).write_at(offset, bytes)
    }
}

impl Source for FileArray {
    fn dtype(&self) -> DType {
        self.format.dtype()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    fn byte_swapped(&self) -> bool {
        self.format.is_swapped()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        disk::read_exact_at(&self.file, bytes, self.start + offset).map_err(|e| self.blame(e))
    }
}

impl Sink for FileArray {
    fn dtype(&self) -> DType {
        self.format.dtype()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    fn byte_swapped(&self) -> bool {
        self.format.is_swapped()
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let at = self.start + offset;
        disk::write_all_at(&self.file, bytes, at).map_err(|e| self.blame(e))?;
        if self.writeback && bytes.len() >= LEAST_WRITEBACK {
            disk::write_behind(&self.file, at, bytes.len());
        }
        Ok(())
    }
}
