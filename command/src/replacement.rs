//! Atomic replacement of files: a file is written without a name, or under a hidden one if the file
//! system has no unnamed files, synced, and then moved to its path.
//!
//! The old file stays until then, so an output may replace an input. A symbolic link stays, and its
//! target is replaced. Anything but a regular file (a pipe, `/dev/null`) is written directly, and
//! so is standard output (`-`, `/dev/stdout`), to which others may write too.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use hotloop::{Error, ErrorKind, Result};
use tempfile::TempPath;

use super::kind::Kind;
use super::place::{descriptor, directory, resolve};
use super::stream::{Stream, cannot};
use super::{interrupt, leftovers};

/// Why something was not written.
pub(crate) enum WriteError {
    /// The reader has gone away before the end.
    Unread(PathBuf),
    /// Anything else.
    Error(Error),
}

impl From<Error> for WriteError {
    fn from(error: Error) -> WriteError {
        WriteError::Error(error)
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Error {
        match error {
            WriteError::Unread(path) => {
                let message = format!("cannot write {path:?}: its reader went away before the end");
                Error::new(ErrorKind::Io, message)
            }
            WriteError::Error(error) => error,
        }
    }
}

/// A file on its way to its place; dropped before, it is gone.
pub(crate) struct Replacement {
    /// The place as the user calls it.
    path: PathBuf,
    /// The destination, and the existing file.
    place: PathBuf,
    old: Option<Box<Metadata>>,
    /// Its hidden name, if it has one.
    hidden: Option<TempPath>,
}

impl Replacement {
    /// Creates a new file for a path; `None` if the path is not a regular file but, for example, a
    /// pipe.
    ///
    /// # Errors
    /// `Io`, and as [`Kind::check`].
    pub(crate) fn begin(path: &Path, kind: Kind) -> Result<Option<(File, Replacement)>> {
        kind.check(path)?;
        // A link may have another extension than its target.
        if descriptor(path).is_none()
            && let Ok(place) = resolve(path)
            && place != path
        {
            kind.check(&place)?;
        }
        begin(path).map_err(|error| cannot_write(path, error))
    }

    /// Makes the file, once it is written, ready for its place: its rights, and that it lasts.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn complete(&self, file: &File) -> Result<()> {
        let rights = self.old.as_ref().map_or(Ok(()), |old| keep_rights(file, old));
        rights.and_then(|()| file.sync_all()).map_err(|e| cannot_write(&self.path, e))
    }

    /// Puts the file at its place.
    ///
    /// # Errors
    /// `Io`, `Cancelled`; the old file then stays.
    pub(crate) fn put(self, file: &File) -> Result<()> {
        interrupt::keep()?;
        let Replacement { path, place, old, hidden } = self;
        put(file, &place, old.is_some(), hidden).map_err(|error| cannot_write(&path, error))?;
        // The rename lasts once the directory is synced; some file systems cannot.
        let _ = File::open(directory(&place)).and_then(|d| d.sync_all());
        Ok(())
    }
}

fn begin(path: &Path) -> io::Result<Option<(File, Replacement)>> {
    if descriptor(path).is_some() {
        return Ok(None);
    }
    let old = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() || metadata.is_dir() => {
            // Checks the permission to write; the existing file is not changed.
            Some(Box::new(OpenOptions::new().write(true).open(path)?.metadata()?))
        }
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let place = resolve(path)?;
    let directory = directory(&place);
    leftovers::remove(directory);
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    // Accessible only by the user until it has the permissions of the old file.
    #[cfg(unix)]
    if old.is_some() {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let (file, hidden) = match nameless(directory, &options) {
        Some(file) => (file, None),
        None => {
            let (file, hidden) = leftovers::file(directory, options.create_new(true))?;
            (file, Some(hidden))
        }
    };
    let path = path.to_path_buf();
    Ok(Some((file, Replacement { path, place, old, hidden })))
}

/// A file without a name that can be given one later, if the system has such files.
#[cfg(target_os = "linux")]
fn nameless(directory: &Path, options: &OpenOptions) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let file = options.clone().custom_flags(libc::O_TMPFILE).open(directory).ok()?;
    // It is linked through `/proc`, which may be missing.
    open_path(&file).symlink_metadata().is_ok().then_some(file)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path, _: &OpenOptions) -> Option<File> {
    None
}

/// Moves a file to a path, which may exist. A link cannot replace a file, so the file first gets a
/// hidden name and is then renamed.
fn put(file: &File, place: &Path, replaces: bool, hidden: Option<TempPath>) -> io::Result<()> {
    if let Some(hidden) = hidden {
        return Ok(hidden.persist(place)?);
    }
    if !replaces && link(file, place).is_ok() {
        return Ok(());
    }
    // From here on it has a name; that of a run that is killed now is removed by the next.
    leftovers::lock(file);
    if let Ok(((), hidden)) = leftovers::name(directory(place), |path| link(file, path)) {
        return Ok(hidden.persist(place)?);
    }
    let (_locked, hidden) = copied(file, place)?;
    Ok(hidden.persist(place)?)
}

/// The copy of a file that cannot be linked, whatever forbids it: links may need rights of their own.
fn copied(mut file: &File, place: &Path) -> io::Result<(File, TempPath)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let (mut copy, hidden) = leftovers::file(directory(place), &options)?;
    io::Seek::rewind(&mut file)?;
    io::copy(&mut file, &mut copy)?;
    keep_rights(&copy, &file.metadata()?)?;
    copy.sync_all()?;
    Ok((copy, hidden))
}

#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};

    Ok(linkat(CWD, open_path(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// The path by which an open file can be named.
#[cfg(target_os = "linux")]
fn open_path(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;

    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives a new file the owner, group and rights of the old one, as far as this process may.
///
/// setuid and setgid are never kept. They were not granted for the new contents, and would apply to
/// the new owner: a program replaced by the superuser would run as the superuser.
#[cfg(unix)]
fn keep_rights(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    let new = file.metadata()?;
    let mut mode = old.mode() & 0o777;
    if new.uid() != old.uid() {
        // Only the superuser may. To others the file belongs from now on.
        let _ = fchown(file, Some(old.uid()), None);
    }
    if new.gid() != old.gid() && fchown(file, None, Some(old.gid())).is_err() {
        // If the group changes, its permissions are reduced to those of others.
        mode &= !0o070 | (mode & 0o007) << 3;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_rights(file: &File, old: &Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// Puts a file at a path in one step.
///
/// # Errors
/// [`WriteError`], also from `fill`; the old file then stays.
pub(crate) fn replace(
    path: &Path,
    kind: Kind,
    fill: impl FnOnce(&mut Stream) -> io::Result<()>,
) -> std::result::Result<(), WriteError> {
    write(path, kind, fill)?.map_or(Ok(()), Written::put)
}

/// A file that is written, and not yet at its place.
pub(crate) struct Written(Replacement, Stream);

impl Written {
    /// Puts the file at its place.
    ///
    /// # Errors
    /// As [`Replacement::put`].
    pub(crate) fn put(self) -> std::result::Result<(), WriteError> {
        let Written(new, stream) = self;
        Ok(new.put(stream.file())?)
    }
}

/// Writes a file that is to be moved to its path; `None` if the path is not a regular file and is
/// written directly.
///
/// # Errors
/// As [`replace`].
pub(crate) fn write(
    path: &Path,
    kind: Kind,
    fill: impl FnOnce(&mut Stream) -> io::Result<()>,
) -> std::result::Result<Option<Written>, WriteError> {
    let Some((file, new)) = Replacement::begin(path, kind)? else {
        let filled = Stream::to(path).and_then(|mut stream| fill(&mut stream));
        return match filled {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(WriteError::Unread(path.into()))
            }
            filled => Ok(filled.map(|()| None).map_err(|error| cannot_write(path, error))?),
        };
    };
    let mut stream = Stream::to_disk(file);
    fill(&mut stream).map_err(|error| cannot_write(path, error))?;
    new.complete(stream.file())?;
    Ok(Some(Written(new, stream)))
}

fn cannot_write(path: &Path, error: io::Error) -> Error {
    cannot("write", format_args!("{path:?}"), error)
}
