//! Destinations of outputs: an `.npy` file for one; an `.npz` archive, a `.csv` table or a
//! directory for several.

use std::collections::HashSet;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotloop::io::{FileArray, Source};
use hotloop::npy::{self, Header};
use hotloop::{Error, ErrorKind, Output, OutputShape, Result};

use super::format::Format;
use super::kind::Kind;
use super::place::{STANDARD, directory, is_standard};
use super::replacement::{self, Replacement, WriteError, Written, replace};
use super::stream::{Stream, cannot};
use super::{csv, npz};

/// Bytes that are copied at once.
const PART: usize = 1 << 20;

/// The destination of outputs.
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
    /// One array in the `.npy` format, appended to other output.
    StandardOutput,
}

impl Destination {
    /// Parses a path: standard output if it is `-`, a directory if it is one or ends with a slash,
    /// otherwise by extension. A pipe, a device or a name without extension takes one array.
    ///
    /// # Errors
    /// `Format`, by the rule of [`Kind::check`].
    pub(crate) fn new(path: PathBuf) -> Result<Destination> {
        let slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        Ok(match Format::named(&path) {
            _ if is_standard(&path) => Destination::StandardOutput,
            _ if slash || path.is_dir() => Destination::Directory(path),
            Some(Format::Npz) => Destination::Npz(path),
            Some(Format::Csv | Format::Tsv) => Destination::Csv(path),
            Some(Format::Npy) | None => {
                Kind::Npy.check(&path)?;
                Destination::Npy(path)
            }
        })
    }

    /// Whether it takes this many outputs.
    pub(crate) fn takes(&self, outputs: usize) -> bool {
        outputs == 1 || !matches!(self, Destination::Npy(_) | Destination::StandardOutput)
    }

    /// Whether all outputs must be computed before any is written.
    pub(crate) fn is_written_whole(&self) -> bool {
        matches!(self, Destination::Csv(_) | Destination::StandardOutput)
    }

    /// Begins files for outputs of these names and shapes, to be written in pieces; `None` where
    /// they can only be written in one go.
    ///
    /// # Errors
    /// `Io`; `Shape` for outputs that are no columns of one table.
    pub(crate) fn create(
        &self,
        names: &[Option<Box<str>>],
        shapes: &[OutputShape],
    ) -> Result<Option<Files>> {
        let names = own_names(names.iter().map(Option::as_deref));
        match self {
            Destination::Npy(path) => list([path.clone()].into_iter().zip(shapes), Made::default()),
            Destination::Directory(path) => {
                let made = Made::directory(path)?;
                let paths = names.iter().map(|name| path.join(format!("{name}.npy")));
                list(paths.zip(shapes), made)
            }
            Destination::Npz(path) => {
                let Some((file, archive)) = Replacement::begin(path, Kind::Npz)? else {
                    return Err(cannot_write(path, npz::no_file()));
                };
                let member = |(name, shape): (String, &OutputShape)| {
                    let file = FileArray::temporary(self.directory(), shape.dtype, &shape.shape);
                    let file = file.map_err(|error| cannot_write(path, error))?;
                    Ok((name, Arc::new(file.with_path(path))))
                };
                let members = names.into_iter().zip(shapes).map(member).collect::<Result<_>>()?;
                let path = path.clone();
                Ok(Some(Files::Archive { path, file: Stream::to_disk(file), archive, members }))
            }
            Destination::Csv(path) => {
                let shapes: Vec<&[usize]> = shapes.iter().map(|shape| &shape.shape[..]).collect();
                rows(path, &names, &shapes).map(|_| None)
            }
            Destination::StandardOutput if io::stdout().is_terminal() => {
                let message = "standard output is a terminal, which an array's bytes would garble";
                Err(Error::new(ErrorKind::Format, message)
                    .hint("leave out `-o -` to see the array, or send it on: `-o - | ...`"))
            }
            Destination::StandardOutput => Ok(None),
        }
    }

    /// The directory that files are made in.
    pub(crate) fn directory(&self) -> &Path {
        match self {
            Destination::Npy(path) | Destination::Npz(path) | Destination::Csv(path) => {
                directory(path)
            }
            Destination::Directory(path) => path,
            Destination::StandardOutput => Path::new("."),
        }
    }

    /// Writes the outputs under these names.
    ///
    /// # Errors
    /// As [`Destination::create`], and [`WriteError`]; no partial file is left.
    pub(crate) fn write<'a>(
        &self,
        names: &[Option<Box<str>>],
        outputs: impl Iterator<Item = &'a Output>,
    ) -> std::result::Result<(), WriteError> {
        let outputs: Vec<&Output> = outputs.collect();
        let names = own_names(names.iter().map(Option::as_deref));
        match self {
            Destination::Npy(path) => write_one(path, &outputs),
            Destination::StandardOutput => write_one(Path::new(STANDARD), &outputs),
            Destination::Npz(path) => replace(path, Kind::Npz, |stream| {
                let member = |(name, output): (String, &'a Output)| {
                    let data = |put: &mut npz::Put<'_>| put(&output.bytes());
                    (name, Header::new(output.dtype(), output.shape()), data)
                };
                npz::write(stream, names.into_iter().zip(outputs).map(member))
            }),
            Destination::Csv(path) => {
                let shapes: Vec<&[usize]> = outputs.iter().map(|output| output.shape()).collect();
                let rows = rows(path, &names, &shapes)?;
                let tabs = Format::named(path) == Some(Format::Tsv);
                let separator = if tabs { b'\t' } else { b',' };
                replace(path, Kind::Csv, |stream| {
                    csv::write(stream, &names, &outputs, rows, separator)
                })
            }
            Destination::Directory(path) => {
                let _made = Made::directory(path)?;
                let mut written = Vec::new();
                for (name, output) in names.iter().zip(outputs) {
                    let path = path.join(format!("{name}.npy"));
                    let file = replacement::write(&path, Kind::Npy, |to| write_npy(to, output))?;
                    written.extend(file);
                }
                written.into_iter().try_for_each(Written::put)
            }
        }
    }
}

/// Files at their places, if all of them can be written in pieces.
fn list<'a>(
    files: impl Iterator<Item = (PathBuf, &'a OutputShape)>,
    made: Made,
) -> Result<Option<Files>> {
    let mut list = Vec::new();
    for (path, shape) in files {
        let Some((file, new)) = Replacement::begin(&path, Kind::Npy)? else { return Ok(None) };
        let sink = npy::create(file, shape.dtype, &shape.shape);
        let sink = sink.map_err(|error| cannot_write(&path, error))?;
        let sink = sink.with_path(&path).with_early_writeback(true);
        list.push((new, Arc::new(sink)));
    }
    Ok(Some(Files::List { list, made }))
}

/// The rows of a table of these columns.
fn rows(path: &Path, names: &[String], shapes: &[&[usize]]) -> Result<usize> {
    csv::rows(names, shapes)
        .map_err(|what| Error::new(ErrorKind::Shape, format!("cannot write {path:?}: {what}")))
}

/// A name for each output: the program's, or `out0`, `out1`, ... by number.
pub(crate) fn own_names<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Vec<String> {
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

fn cannot_write(path: &Path, error: io::Error) -> Error {
    cannot("write", format_args!("{path:?}"), error)
}

/// Directories that were made for files: where nothing is in them in the end, they are gone again.
#[derive(Default)]
pub(crate) struct Made(Vec<PathBuf>);

impl Made {
    /// Makes a directory, and those that it is in.
    fn directory(path: &Path) -> Result<Made> {
        let named = path.ancestors().filter(|directory| !directory.as_os_str().is_empty());
        let missing = named.take_while(|directory| !directory.exists());
        let made = Made(missing.map(Path::to_path_buf).collect());
        fs::create_dir_all(path).map_err(|error| cannot_write(path, error))?;
        Ok(made)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // The innermost is the first.
        let _ = self.0.iter().try_for_each(fs::remove_dir);
    }
}

/// Files that a run writes as it goes.
pub(crate) enum Files {
    /// Files with places of their own, in directories that may have been made for them.
    List {
        list: Vec<(Replacement, Arc<FileArray>)>,
        /// After the list, so that the files are gone before it is.
        made: Made,
    },
    /// An archive, and the files that become its members by name.
    Archive {
        path: PathBuf,
        file: Stream,
        archive: Replacement,
        members: Vec<(String, Arc<FileArray>)>,
    },
}

impl Files {
    /// The paths of the outputs, in order.
    pub(crate) fn sinks(&self) -> Vec<&Arc<FileArray>> {
        match self {
            Files::List { list, .. } => list.iter().map(|(_, sink)| sink).collect(),
            Files::Archive { members, .. } => members.iter().map(|(_, sink)| sink).collect(),
        }
    }

    /// Puts the files at their places.
    ///
    /// # Errors
    /// `Io`, `Cancelled`; the old files then stay, except those replaced before a rename failed.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Files::List { list, made: _made } => put_all(list),
            Files::Archive { path, mut file, archive, members } => {
                let members = members.into_iter().map(|(name, array)| {
                    let header = Header::new(Source::dtype(&*array), Source::shape(&*array));
                    (name, header, move |put: &mut npz::Put<'_>| copy(&array, put))
                });
                npz::write(&mut file, members).map_err(|error| cannot_write(&path, error))?;
                archive.complete(file.file())?;
                archive.put(file.file())
            }
        }
    }
}

fn put_all(list: Vec<(Replacement, Arc<FileArray>)>) -> Result<()> {
    list.iter().try_for_each(|(new, sink)| new.complete(sink.file()))?;
    list.into_iter().try_for_each(|(new, sink)| new.put(sink.file()))
}

/// Reads an array from its file, part after part.
fn copy(array: &FileArray, put: &mut npz::Put<'_>) -> io::Result<()> {
    let header = Header::new(Source::dtype(array), Source::shape(array));
    let size = header.data_len().map_err(io::Error::other)?;
    let mut part = vec![0; PART.min(size)];
    (0..size).step_by(PART).try_for_each(|at| {
        let part = &mut part[..PART.min(size - at)];
        array.read_at(at as u64, part)?;
        put(part)
    })
}

fn write_one(path: &Path, outputs: &[&Output]) -> std::result::Result<(), WriteError> {
    outputs
        .iter()
        .try_for_each(|output| replace(path, Kind::Npy, |stream| write_npy(stream, output)))
}

fn write_npy(file: &mut Stream, output: &Output) -> io::Result<()> {
    file.write_all(&Header::new(output.dtype(), output.shape()).to_bytes())?;
    file.write_all(&output.bytes())
}
