//! `.npz` archives: zip files of `.npy` members. They are read stored or deflated, and written
//! stored.
//!
//! A stored member is read in place, without verifying its checksum; that of a member read into
//! memory is verified. The directory of an archive is trusted only if the local headers and the
//! file's length agree.

use std::collections::TryReserveError;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use hotloop::io::FileArray;
use hotloop::npy::Header;
use hotloop::{Error, ErrorKind, Result};
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipReadOptions, ZipWriter};

use super::array::Array;
use super::budget::Budget;
use super::first_error::FirstError;
use super::names::Names;
use super::npy;
use super::outline::Outline;
use super::stream::{Stream, cannot};

/// An archive of arrays.
pub(crate) struct Npz {
    archive: ZipArchive<BufReader<Stream>>,
    /// The same open file.
    file: File,
    path: PathBuf,
    /// Names the file in messages.
    name: String,
}

impl Npz {
    /// Opens an archive.
    ///
    /// # Errors
    /// `Io`; `Format` if it is not a zip archive, or has duplicate member names.
    pub(crate) fn open(path: &Path) -> Result<Npz> {
        let name = format!("{path:?}");
        let opened = Stream::open(path).and_then(|stream| match stream.len()? {
            Some(_) => Ok((stream.file().try_clone()?, BufReader::new(stream))),
            None => Err(no_file()),
        });
        let (file, reader) = opened.map_err(|error| cannot("read", &name, error))?;
        let archive = ZipArchive::new(reader).map_err(|error| wrong(&name, error))?;
        if archive.has_duplicate_names() {
            let message = format!("{name} has several members of one name");
            return Err(Error::new(ErrorKind::Format, message).hint(format!(
                "keep the last of each, with NumPy: \
                 np.savez(\"x.npz\", **dict(np.load({path:?}).items()))"
            )));
        }
        Ok(Npz { archive, file, path: path.into(), name })
    }

    /// The names of the arrays, without `.npy`, in the order of the archive.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub(crate) fn members(&self) -> std::result::Result<Names, TryReserveError> {
        let mut names = Names::with_room(self.archive.len(), 0)?;
        for number in 0..self.archive.len() {
            let name = self.full_name(number);
            names.push(name.strip_suffix(b".npy").unwrap_or(&name))?;
        }
        Ok(names)
    }

    fn full_name(&self, number: usize) -> Vec<u8> {
        let Ok(entry) = self.archive.by_index_data(number) else { return Vec::new() };
        match entry.name() {
            Ok(name) => name.as_bytes().to_vec(),
            Err(_) => entry.name_raw().to_vec(),
        }
    }

    /// Whether a member says by its name that it is an array.
    pub(crate) fn is_called_array(&self, number: usize) -> bool {
        self.full_name(number).ends_with(b".npy")
    }

    /// Names a member in messages.
    pub(crate) fn title(&self, number: usize) -> String {
        format!("{}: member \"{}\"", self.name, super::csv::shown(&self.full_name(number)))
    }

    /// Opens a member, whose title is given too.
    fn member(&mut self, number: usize) -> Result<(ZipFile<'_, BufReader<Stream>>, String)> {
        let title = self.title(number);
        let entry = self.archive.by_index_data(number).map_err(|error| wrong(&title, error))?;
        let method = entry.compression();
        let unread = match method {
            _ if entry.encrypted() => "it is encrypted".to_string(),
            CompressionMethod::Stored | CompressionMethod::Deflated => String::new(),
            _ => format!("{} is not supported", method.to_string().to_lowercase()),
        };
        if !unread.is_empty() {
            return Err(Error::new(ErrorKind::Format, format!("{title}: {unread}"))
                .hint("save it with np.savez or np.savez_compressed"));
        }
        // The local header must match the directory, or it may belong to another member.
        let options = ZipReadOptions::new().enforce_header_consistency(true);
        let member = self.archive.by_index_with_options(number, options);
        Ok((member.map_err(|error| wrong(&title, error))?, title))
    }

    /// The array of a number where it is, if it is stored as it is.
    ///
    /// # Errors
    /// As [`Npz::read`].
    pub(crate) fn stored(&mut self, number: usize) -> Result<Option<FileArray>> {
        let (mut member, title) = self.member(number)?;
        let size = member.size();
        let Some(at) = member.data_start() else { return Ok(None) };
        if member.compression() != CompressionMethod::Stored || member.compressed_size() != size {
            return Ok(None);
        }
        let (header, start) = npy::header(&mut member, &title)?;
        drop(member);
        header.check_len(start, size.saturating_sub(start)).map_err(|e| e.within(&title))?;
        let read = |error| cannot("read", &title, error);
        let length = self.file.metadata().map_err(read)?.len();
        if at.checked_add(size).is_none_or(|end| end > length) {
            return Err(damaged(&title));
        }
        let file = self.file.try_clone().map_err(read)?;
        let array = FileArray::new(file, at + start, header.dtype, &header.shape);
        let array = array.with_fortran_order(header.fortran_order);
        Ok(Some(array.with_byte_swapped(header.swapped).with_path(&self.path)))
    }

    /// The outline of an array, from its header.
    ///
    /// # Errors
    /// As [`Npz::read`].
    pub(crate) fn outline(&mut self, number: usize) -> Result<Outline> {
        let (mut member, title) = self.member(number)?;
        let is_read_whole = member.compression() != CompressionMethod::Stored;
        Ok(Outline::new(npy::header(&mut member, &title)?.0, is_read_whole))
    }

    /// Reads the array of a number.
    ///
    /// # Errors
    /// As [`npy::read`]; `Format` for a member that is encrypted or compressed in another way, or
    /// whose checksum is wrong.
    pub(crate) fn read(&mut self, number: usize, budget: &mut Budget) -> Result<Array> {
        let (mut member, title) = self.member(number)?;
        // Without a length it is read to its end, where the checksum is looked at.
        npy::read_from(&mut member, &title, None, budget)
    }
}

fn wrong(name: &str, error: ZipError) -> Error {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error {
        ZipError::Io(error)
            if ![UnexpectedEof, InvalidData, InvalidInput].contains(&error.kind()) =>
        {
            cannot("read", name, error)
        }
        _ => damaged(name),
    }
}

fn damaged(name: &str) -> Error {
    let what = "it is no .npz archive, or one that is cut short or damaged";
    Error::new(ErrorKind::Format, format!("{name}: {what}"))
}

/// An archive must be a regular file, because it is not read sequentially.
pub(crate) fn no_file() -> io::Error {
    io::Error::other("an archive must be a file")
}

/// Takes a part of an array's bytes.
pub(crate) type Put<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// Writes an archive of arrays, each given by name, header and a writer of its bytes.
///
/// # Errors
/// Those of the file and of the writers.
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
