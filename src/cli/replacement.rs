//! A file that appears at its place whole or not at all: it is written beside the place under
//! another name, synced, and renamed.
//!
//! What was there stays until then, so an output may replace an input. A symbolic link stays, and
//! the file that it points to is replaced. What is no file (a pipe, `/dev/null`) is written as it
//! is, and so is `/dev/stdout` whatever it is: others write there, before and behind.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use hotloop::Result;
use tempfile::TempPath;

use super::place::{descriptor, directory, resolve};
use super::stream::{Stream, cannot};

/// A file on its way to its place; dropped before, it is gone.
pub(crate) struct Replacement {
    /// The place as the user calls it.
    path: PathBuf,
    /// The place, and what it lets people do if there is a file already.
    place: PathBuf,
    permissions: Option<fs::Permissions>,
    temporary: TempPath,
}

impl Replacement {
    /// A new file for a path; `None` if what is there is no file, but a pipe, say.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn begin(path: &Path) -> Result<Option<(File, Replacement)>> {
        begin(path).map_err(|error| cannot_write(path, error))
    }

    /// Makes the file, once it is written, ready for its place: its rights, and that it lasts.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn complete(&self, file: &File) -> Result<()> {
        let permissions = self.permissions.clone().map_or(Ok(()), |p| file.set_permissions(p));
        permissions.and_then(|()| file.sync_all()).map_err(|e| cannot_write(&self.path, e))
    }

    /// Puts the file at its place.
    ///
    /// # Errors
    /// `Io`; what was there then stays.
    pub(crate) fn put(self) -> Result<()> {
        let Replacement { path, place, temporary, .. } = self;
        temporary.persist(&place).map_err(|error| cannot_write(&path, error.error))?;
        // The rename lasts once the directory is synced; some file systems cannot.
        let _ = File::open(directory(&place)).and_then(|d| d.sync_all());
        Ok(())
    }
}

fn begin(path: &Path) -> io::Result<Option<(File, Replacement)>> {
    if descriptor(path).is_some() {
        return Ok(None);
    }
    let permissions = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() || metadata.is_dir() => {
            // Asks for the right to write; what is there stays whole.
            Some(OpenOptions::new().write(true).open(path)?.metadata()?.permissions())
        }
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let place = resolve(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let (file, temporary) = tempfile::Builder::new()
        .prefix(".hotloop-")
        .suffix(".tmp")
        .make_in(directory(&place), |path| options.open(path))?
        .into_parts();
    let path = path.to_path_buf();
    Ok(Some((file, Replacement { path, place, permissions, temporary })))
}

/// Puts a file at a path in one step. A pipe that is closed at its other end has had enough.
///
/// # Errors
/// `Io`, or what `fill` says; what was there stays as it was.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&mut Stream) -> io::Result<()>) -> Result<()> {
    write(path, fill)?.map_or(Ok(()), Replacement::put)
}

/// Writes a file, which is then to be put at its place; `None` if what is there is no file, and
/// is written as it is.
///
/// # Errors
/// As [`replace`].
pub(crate) fn write(
    path: &Path,
    fill: impl FnOnce(&mut Stream) -> io::Result<()>,
) -> Result<Option<Replacement>> {
    let Some((file, new)) = Replacement::begin(path)? else {
        return match Stream::to(path).and_then(|mut stream| fill(&mut stream)) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            filled => filled.map(|()| None).map_err(|error| cannot_write(path, error)),
        };
    };
    let mut stream = Stream::new(file);
    fill(&mut stream).map_err(|error| cannot_write(path, error))?;
    new.complete(stream.file())?;
    Ok(Some(new))
}

fn cannot_write(path: &Path, error: io::Error) -> hotloop::Error {
    cannot("write", format_args!("{path:?}"), error)
}
