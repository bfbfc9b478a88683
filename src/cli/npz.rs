//! Reading `.npz` archives: zip files of `.npy` members, stored or deflated.
//!
//! What an archive says of its members' sizes is not believed: memory grows with the data that
//! arrives, and ends at what the machine has. Every member's checksum is checked.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use hotloop::{Error, ErrorKind, Result};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::array::Array;
use super::{interrupt, memory, npy};

/// An archive of arrays.
pub(crate) struct Npz {
    archive: ZipArchive<BufReader<File>>,
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
        let cannot =
            |error: io::Error| Error::new(ErrorKind::Io, format!("cannot read {name}: {error}"));
        let file = File::open(path).map_err(cannot)?;
        if !file.metadata().map_err(cannot)?.is_file() {
            return Err(cannot(io::Error::other("an archive must be a file")));
        }
        let archive =
            ZipArchive::new(BufReader::new(file)).map_err(|error| wrong(&name, &error))?;
        Ok(Npz { archive, name })
    }

    /// The names of the arrays, without `.npy`, in the order of the archive.
    ///
    /// # Errors
    /// `Format` for a member whose name is no text.
    pub(crate) fn members(&self) -> Result<Vec<String>> {
        let names = self.archive.file_names();
        let name = |name: zip::result::ZipResult<std::borrow::Cow<'_, str>>| {
            let name = name.map_err(|error| wrong(&self.name, &error))?;
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
        let member = self.archive.by_index(number).map_err(|error| wrong(&self.name, &error))?;
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

fn wrong(name: &str, error: &ZipError) -> Error {
    match error {
        ZipError::Io(error) => Error::new(ErrorKind::Io, format!("cannot read {name}: {error}")),
        error => Error::new(ErrorKind::Format, format!("{name}: no sound archive: {error}")),
    }
}

/// A reader that gives up where memory would end, and where Ctrl-C is pressed.
struct Guarded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        interrupt::check().map_err(|error| io::Error::other(error.message().to_string()))?;
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(count)
    }
}
