//! `.npz` archives: zip files of `.npy` members. They are read stored or deflated, and written
//! stored.
//!
//! What an archive says of its members' sizes is not believed: memory grows with the data that
//! arrives, and ends at what the machine has. Every member's checksum is checked.

use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use hotloop::npy::Header;
use hotloop::{Error, ErrorKind, Result};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::array::Array;
use super::first_error::FirstError;
use super::stream::{Stream, cannot};
use super::{memory, npy};

/// An archive of arrays.
pub(crate) struct Npz {
    archive: ZipArchive<BufReader<Stream>>,
    /// Names the file in messages.
    name: String,
}

impl Npz {
    /// Opens an archive.
    ///
    /// # Errors
    /// `Io`; `Format` for what is no zip archive.
    pub(crate) fn open(path: &Path) -> Result<Npz> {
        let name = format!("{path:?}");
        let file = Stream::open(path).and_then(|file| match file.len()? {
            Some(_) => Ok(BufReader::new(file)),
            None => Err(no_file()),
        });
        let file = file.map_err(|error| cannot("read", &name, error))?;
        let archive = ZipArchive::new(file).map_err(|error| wrong(&name, error))?;
        Ok(Npz { archive, name })
    }

    /// The names of the arrays, without `.npy`, in the order of the archive.
    ///
    /// # Errors
    /// `Format` for a member whose name is no text.
    pub(crate) fn members(&self) -> Result<Vec<String>> {
        let names = self.archive.file_names();
        let name = |name: zip::result::ZipResult<std::borrow::Cow<'_, str>>| {
            let name = name.map_err(|error| wrong(&self.name, error))?;
            Ok(name.strip_suffix(".npy").unwrap_or(&name).to_string())
        };
        names.map(name).collect()
    }

    /// Reads the array of a number.
    ///
    /// # Errors
    /// As [`npy::read`]; `Format` for a member that is encrypted or compressed in another way, or
    /// whose checksum is wrong; `OutOfMemory`.
    pub(crate) fn read(&mut self, number: usize) -> Result<Array> {
        let member = self.archive.by_index(number).map_err(|error| wrong(&self.name, error))?;
        let own = member.name().unwrap_or_default();
        let name = format!("{}: member {own:?}", self.name);
        let method = member.compression();
        if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
            let message = format!("{name} is compressed as {method:?}");
            return Err(Error::new(ErrorKind::Format, message)
                .hint("np.savez_compressed writes what can be read"));
        }
        // An array is copied once.
        let limit = memory::available().map_or(u64::MAX, |free| free / 2);
        npy::read_from(Guarded { inner: member, left: limit }, &name, None)
    }
}

fn wrong(name: &str, error: ZipError) -> Error {
    match error {
        ZipError::Io(error) => cannot("read", name, error),
        error => Error::new(ErrorKind::Format, format!("{name}: no sound archive: {error}")),
    }
}

/// A reader that gives up where memory would end.
struct Guarded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(count)
    }
}

/// What is no file cannot be an archive, which is not read or written from front to back.
pub(crate) fn no_file() -> io::Error {
    io::Error::other("an archive must be a file")
}

/// Takes a part of an array's bytes.
pub(crate) type Put<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// Writes an archive of arrays: of each its name, what it is, and who gives its bytes.
///
/// # Errors
/// Of the file, or of who gives the bytes.
pub(crate) fn write<F: FnOnce(&mut Put<'_>) -> io::Result<()>>(
    file: &mut Stream,
    arrays: impl Iterator<Item = (String, Header, F)>,
) -> io::Result<()> {
    if file.len()?.is_none() {
        return Err(no_file());
    }
    let file = FirstError::new(file);
    let mut archive = ZipWriter::new(&file);
    for (name, header, data) in arrays {
        // Beyond 4 GiB a member needs longer fields; the header is far shorter than the margin.
        let size = header.data_len().map_err(io::Error::other)? as u64;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(0o644)
            .large_file(size > u64::from(u32::MAX) - (1 << 20));
        archive.start_file(format!("{name}.npy"), options)?;
        archive.write_all(&header.to_bytes())?;
        data(&mut |part| {
            archive.write_all(part)?;
            file.check()
        })?;
    }
    archive.finish()?;
    file.check()
}
