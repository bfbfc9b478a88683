//! Arrays outside memory, read and written in chunks.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk;
use crate::dtype::DType;
use crate::format::Format;

/// A readable array outside memory: a file, an object store, a generator.
///
/// Chunks are read by several threads at once, roughly in the order of the array, and again by each
/// pass over it; their contents must not change meanwhile. A chunk has the size of a cache: a
/// source with high latency should read ahead.
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
///         // Chunks consist of whole elements.
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

    /// Whether the first axis varies fastest instead of the last.
    fn fortran_order(&self) -> bool {
        false
    }

    /// Whether elements have the opposite byte order to this machine's.
    fn byte_swapped(&self) -> bool {
        false
    }

    /// Fills `bytes` from the array, starting `offset` bytes after its first element.
    ///
    /// # Errors
    /// Any error; the run then fails with its message.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// A writable array outside memory.
///
/// Chunks are written by several threads at once, each byte once, roughly in the order of the
/// array.
pub trait Sink: Send + Sync {
    /// The elements' dtype.
    fn dtype(&self) -> DType;

    /// The extents of the axes.
    fn shape(&self) -> &[usize];

    /// Whether the first axis varies fastest instead of the last.
    fn fortran_order(&self) -> bool {
        false
    }

    /// Whether elements are written in the opposite byte order to this machine's.
    fn byte_swapped(&self) -> bool {
        false
    }

    /// Writes `bytes` to the array, starting `offset` bytes after its first element.
    ///
    /// # Errors
    /// Any error; the run then fails with its message.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

/// An array outside memory: a source or a sink.
#[derive(Clone)]
pub enum Store {
    /// A readable array.
    Source(Arc<dyn Source>),
    /// A writable array.
    Sink(Arc<dyn Sink>),
}

impl Store {
    /// Whether both are the same object, so that writes to one affect the other.
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

/// An array in a file, starting at any byte.
///
/// Reads and writes are positioned (`pread`, `pwrite`): the file is never mapped, so truncation by
/// another process is an error, not a signal.
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
    /// The path of the file in errors.
    path: Option<Box<Path>>,
}

/// The minimum size in bytes of a writeback request.
const LEAST_WRITEBACK: usize = 256 << 10;

impl FileArray {
    /// The C-ordered array that starts at byte `start` of a file.
    pub fn new(file: File, start: u64, dtype: DType, shape: &[usize]) -> FileArray {
        let (format, fortran_order, writeback) = (Format::Native(dtype), false, false);
        let (shape, path) = (shape.into(), None);
        FileArray { file, start, format, shape, fortran_order, writeback, path }
    }

    /// The same array with the first axis varying fastest, if `fortran_order` is set.
    pub fn with_fortran_order(self, fortran_order: bool) -> FileArray {
        FileArray { fortran_order, ..self }
    }

    /// The same array with elements in the opposite byte order, if `swapped` is set.
    pub fn with_byte_swapped(self, swapped: bool) -> FileArray {
        FileArray { format: Format::new(self.format.dtype(), swapped), ..self }
    }

    /// The same array, with errors that begin with the file's path.
    pub fn with_path(self, path: impl AsRef<Path>) -> FileArray {
        FileArray { path: Some(path.as_ref().into()), ..self }
    }

    /// The same array, whose writeback starts after each write if `writeback` is set, which makes a
    /// later sync faster. Has an effect on Linux only.
    pub fn with_early_writeback(self, writeback: bool) -> FileArray {
        FileArray { writeback, ..self }
    }

    /// Sets the length of the file and, if the file system supports it, allocates the space, so
    /// that a full disk is an error now.
    ///
    /// # Errors
    /// If there is not enough space, or the length exceeds a limit.
    pub fn reserve(&self) -> io::Result<()> {
        let end = byte_count(self.format, &self.shape).and_then(|n| self.start.checked_add(n));
        let end = end.ok_or(io::ErrorKind::FileTooLarge)?;
        disk::set_len(&self.file, end).and_then(|()| disk::reserve(&self.file, end))
    }

    /// Writes the bytes before the array, from the start of the file.
    ///
    /// # Errors
    /// Those of the file.
    pub fn write_head(&self, bytes: &[u8]) -> io::Result<()> {
        disk::write_all_at(&self.file, bytes, 0).map_err(|e| self.blame(e))
    }

    /// A zeroed array in an unnamed file, which is deleted on drop. Disk space is allocated as it
    /// is written.
    ///
    /// # Errors
    /// If the directory does not accept a file of this length.
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

    /// The error with the path of the file, if it is known.
    fn blame(&self, error: io::Error) -> io::Error {
        match &self.path {
            Some(path) => io::Error::new(error.kind(), format!("{path:?}: {error}")),
            None => error,
        }
    }
}

/// The number of bytes of an array, `None` if it does not fit 64 bits.
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
