//! Writing outputs to files: `.npy` for one, an `.npz` archive or a directory for several.
//!
//! A file appears at its place whole or not at all: it is written beside the place under another
//! name, synced, and renamed. What was there stays until then, so an output may replace an input.
//! A symbolic link stays, and the file that it points to is replaced. What is no file (a pipe,
//! `/dev/null`) is written as it is.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::csv;
use hotloop::npy::Header;
use hotloop::{Error, ErrorKind, FileArray, Output, OutputShape, Result, Source};
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::first_error::FirstError;

/// Links that are followed before they count as a circle, as Linux has it.
const MOST_LINKS: usize = 40;

/// Where outputs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// One array in one file.
    Npy(PathBuf),
    /// An archive with one member for each array.
    Npz(PathBuf),
    /// A table with one column for each array.
    Csv(PathBuf),
    /// A directory with one file for each array; made if it does not exist.
    Directory(PathBuf),
}

impl Destination {
    /// What a path asks for: a directory if it is one or ends with a slash, else by extension.
    pub(crate) fn new(path: PathBuf) -> Destination {
        let slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if slash || path.is_dir() {
            Destination::Directory(path)
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npz")) {
            Destination::Npz(path)
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
            Destination::Csv(path)
        } else {
            Destination::Npy(path)
        }
    }

    /// Whether it takes this many outputs.
    pub(crate) fn takes(&self, outputs: usize) -> bool {
        outputs == 1 || !matches!(self, Destination::Npy(_))
    }

    /// Begins files for outputs of these names and shapes, to be written in pieces; `None` where
    /// they can only be written in one go.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn create(
        &self,
        names: &[Option<Box<str>>],
        shapes: &[OutputShape],
    ) -> Result<Option<Files>> {
        let names = own_names(names.iter().map(Option::as_deref));
        let outputs = names.into_iter().zip(shapes);
        let mut files = Files { list: Vec::new(), archive: None };
        let mut add = |path: PathBuf, shape: &OutputShape| {
            let new = Replacement::of(&path).map_err(|e| cannot(&path, &e))?;
            let Some(new) = new else { return Ok(false) };
            let file = new.temporary.as_file().try_clone();
            let sink = file.and_then(|f| hotloop::npy::create(f, shape.dtype, &shape.shape));
            let sink = sink.map_err(|e| cannot(&path, &e))?;
            files.list.push((path, new, Arc::new(sink)));
            Ok(true)
        };
        match self {
            Destination::Npy(path) => {
                for (_, shape) in outputs {
                    if !add(path.clone(), shape)? {
                        return Ok(None);
                    }
                }
            }
            Destination::Directory(path) => {
                fs::create_dir_all(path).map_err(|e| cannot(path, &e))?;
                for (name, shape) in outputs {
                    if !add(path.join(format!("{name}.npy")), shape)? {
                        return Ok(None);
                    }
                }
            }
            Destination::Npz(path) => {
                let mut members = Vec::new();
                for (name, OutputShape { dtype, shape, .. }) in outputs {
                    let file = FileArray::temporary(self.directory(), *dtype, shape);
                    members.push((name, Arc::new(file.map_err(|e| cannot(path, &e))?)));
                }
                files.archive = Some((path.clone(), members));
            }
            Destination::Csv(_) => return Ok(None),
        }
        Ok(Some(files))
    }

    /// The directory that files are made in.
    pub(crate) fn directory(&self) -> &Path {
        match self {
            Destination::Npy(path) | Destination::Npz(path) | Destination::Csv(path) => {
                directory(path)
            }
            Destination::Directory(path) => path,
        }
    }

    /// Writes the outputs.
    ///
    /// # Errors
    /// `Io`; no file is then left half written.
    pub(crate) fn write<'a>(&self, outputs: impl Iterator<Item = &'a Output>) -> Result<()> {
        let mut outputs = named(outputs).into_iter();
        match self {
            Destination::Npy(path) => match outputs.next() {
                Some((_, output)) => replace(path, |file| write_npy(file, output)),
                None => Ok(()),
            },
            Destination::Npz(path) => replace(path, |file| write_npz(file, outputs)),
            Destination::Csv(path) => replace(path, |file| csv::write(file, outputs)),
            Destination::Directory(path) => {
                fs::create_dir_all(path).map_err(|e| cannot(path, &e))?;
                outputs.try_for_each(|(name, output)| {
                    replace(&path.join(format!("{name}.npy")), |file| write_npy(file, output))
                })
            }
        }
    }
}

/// The outputs under names of their own.
fn named<'a>(outputs: impl Iterator<Item = &'a Output>) -> Vec<(String, &'a Output)> {
    let outputs: Vec<&Output> = outputs.collect();
    let names = own_names(outputs.iter().map(|o| o.name()));
    names.into_iter().zip(outputs).collect()
}

/// A name for each output: the program's, or `out0`, `out1`, ... by number.
fn own_names<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Vec<String> {
    let names: Vec<Option<&str>> = names.collect();
    let mut taken: HashSet<String> = names.iter().flatten().map(|name| name.to_string()).collect();
    let mut given = HashSet::new();
    let name = |(number, name): (usize, Option<&'a str>)| match name {
        Some(name) if given.insert(name) => name.to_string(),
        _ => {
            let mut name = format!("out{number}");
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            name
        }
    };
    names.into_iter().enumerate().map(name).collect()
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write {path:?}: {error}"))
}

/// Puts a file at a path in one step.
///
/// # Errors
/// `Io`; what was there stays as it was.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    replace_file(path, fill).map_err(|e| cannot(path, &e))
}

fn replace_file(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    match Replacement::of(path)? {
        Some(mut new) => {
            fill(new.temporary.as_file_mut())?;
            new.finish()
        }
        None => fill(&mut OpenOptions::new().write(true).open(path)?),
    }
}

/// A file on its way to its place.
struct Replacement {
    temporary: NamedTempFile,
    place: PathBuf,
    /// What the file that it replaces lets people do.
    permissions: Option<fs::Permissions>,
}

impl Replacement {
    /// A new file beside the path; `None` if what is at the path is no file, but a pipe, say.
    fn of(path: &Path) -> io::Result<Option<Replacement>> {
        // Opening asks for the right to write; what is there stays whole.
        let permissions = match OpenOptions::new().write(true).open(path) {
            Ok(file) => {
                let metadata = file.metadata()?;
                if !metadata.is_file() {
                    return Ok(None);
                }
                Some(metadata.permissions())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let place = resolve(path)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".hotloop-").suffix(".tmp");
        // As any new file: what the process's mask leaves of it.
        #[cfg(unix)]
        let everyone = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
        #[cfg(unix)]
        builder.permissions(everyone);
        let temporary = builder.tempfile_in(directory(&place))?;
        Ok(Some(Replacement { temporary, place, permissions }))
    }

    fn finish(self) -> io::Result<()> {
        let Replacement { temporary, place, permissions } = self;
        if let Some(permissions) = permissions {
            temporary.as_file().set_permissions(permissions)?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(&place)?;
        // The rename lasts once the directory is synced; some file systems cannot.
        let _ = File::open(directory(&place)).and_then(|d| d.sync_all());
        Ok(())
    }
}

/// The directory that a file is in.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

type Archive<'a> = ZipWriter<FirstError<'a>>;

/// An array of an archive: its name, and the file that it is in before.
type Member = (String, Arc<FileArray>);

/// Files that a run writes as it goes.
pub(crate) struct Files {
    list: Vec<(PathBuf, Replacement, Arc<FileArray>)>,
    /// An archive that the files become members of, by name.
    archive: Option<(PathBuf, Vec<Member>)>,
}

impl Files {
    /// Where the outputs are to be written, in order.
    pub(crate) fn sinks(&self) -> impl Iterator<Item = &Arc<FileArray>> {
        let members = self.archive.iter().flat_map(|(_, members)| members);
        let files = self.list.iter().map(|(_, _, sink)| sink);
        files.chain(members.map(|(_, sink)| sink))
    }

    /// Puts the files at their places.
    ///
    /// # Errors
    /// `Io`; what was there then stays.
    pub(crate) fn finish(self) -> Result<()> {
        for (path, file, _) in self.list {
            file.finish().map_err(|e| cannot(&path, &e))?;
        }
        if let Some((path, members)) = self.archive {
            replace(&path, |file| archive(file, &members))?;
        }
        Ok(())
    }
}

/// An archive of arrays that are in files of their own.
fn archive(file: &mut File, members: &[Member]) -> io::Result<()> {
    let mut archive = Archive::new(FirstError::new(file));
    let mut part = vec![0; 1 << 20];
    for (name, array) in members {
        let header = Header::new(Source::dtype(&**array), Source::shape(&**array));
        let size = header.data_len().map_err(io::Error::other)?;
        start_member(&mut archive, name, size)?;
        archive.write_all(&header.to_bytes())?;
        for at in (0..size).step_by(part.len()) {
            let part = &mut part[..(1 << 20).min(size - at)];
            array.read_at(at as u64, part)?;
            archive.write_all(part)?;
        }
    }
    archive.finish()?.finish()
}

/// Starts a member of an archive for an array of so many bytes.
fn start_member(archive: &mut Archive<'_>, name: &str, size: usize) -> io::Result<()> {
    // Beyond 4 GiB a member needs longer fields; the header is far shorter than the margin.
    let large = size as u64 > u64::from(u32::MAX) - (1 << 20);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(0o644)
        .large_file(large);
    Ok(archive.start_file(format!("{name}.npy"), options)?)
}

/// The file that a path means once symbolic links are followed; it need not exist.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            Ok(target) => place = place.parent().unwrap_or(Path::new("")).join(target),
            // It is not a link, or not there; what else is wrong shows when it is opened.
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn write_npy(file: &mut impl Write, output: &Output) -> io::Result<()> {
    file.write_all(&Header::new(output.dtype(), output.shape()).to_bytes())?;
    file.write_all(&output.bytes())
}

fn write_npz<'a>(
    file: &mut File,
    outputs: impl Iterator<Item = (String, &'a Output)>,
) -> io::Result<()> {
    let mut archive = Archive::new(FirstError::new(file));
    for (name, output) in outputs {
        start_member(&mut archive, &name, output.bytes().len())?;
        write_npy(&mut archive, output)?;
    }
    archive.finish()?.finish()
}
